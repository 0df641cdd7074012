#!/usr/bin/env python3
"""guests.py HYPERVISOR FILE.S...: assembles bare-metal guests, runs each, compares with what its head demands.

The head of a guest has lines of the form

    // expect: status=N          exit status of the monitor (default 0)
    // args: --timeout 2 ...     options
    // stdout: REGEX             must be found on the guest's console     (any number of lines)
    // stderr: REGEX             must be found in the monitor's messages  (any number)
    // cpu: SECONDS              the monitor may use at most so much CPU time

Guests are linked at 0x40001000 as ELF files. `// raw: yes` makes a flat binary instead.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile


def heads(path):
    head = {"expect": [], "args": [], "stdout": [], "stderr": [], "cpu": [], "raw": []}
    with open(path) as f:
        for line in f:
            match = re.match(r"//\s*(\w+):\s*(.*?)\s*$", line)
            if match and match.group(1) in head:
                head[match.group(1)].append(match.group(2))
    return head


def build(path, folder, raw):
    here = os.path.dirname(os.path.abspath(__file__))
    elf = os.path.join(folder, "guest.elf")
    subprocess.run(["aarch64-linux-gnu-gcc", "-nostdlib", "-static", "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-Wl,-N",
                    "-Wl,-Ttext=0x40001000", "-march=armv8.2-a", "-I", here, "-o", elf, path], check=True)
    if not raw:
        return elf
    flat = os.path.join(folder, "guest.bin")
    subprocess.run(["aarch64-linux-gnu-objcopy", "-O", "binary", elf, flat], check=True)
    return flat


def run(hypervisor, path):
    head = heads(path)
    with tempfile.TemporaryDirectory() as folder:
        image = build(path, folder, bool(head["raw"]))
        args = " ".join(head["args"]).replace("@DIR@", folder).split()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        accel = ["--accel", os.environ["HV_ACCEL"]] if "HV_ACCEL" in os.environ else []
        result = subprocess.run([hypervisor, "run", image] + accel + args, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = result.stdout.decode("utf-8", "replace")
    err = result.stderr.decode("utf-8", "replace")
    problems = []
    status = int(head["expect"][0].split("=")[1]) if head["expect"] else 0
    if result.returncode != status:
        problems.append(f"exit status {result.returncode} instead of {status}")
    problems += [f"stdout has no /{r}/" for r in head["stdout"] if not re.search(r, out, re.M)]
    problems += [f"stderr has no /{r}/" for r in head["stderr"] if not re.search(r, err, re.M)]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if head["cpu"] and cpu > float(head["cpu"][0]):
        problems.append(f"{cpu:.1f} s of CPU, at most {head['cpu'][0]} allowed")
    if problems:
        problems += ["stdout:", out[-2000:], "stderr:", err[-3000:]]
    return problems


def main():
    failed = 0
    for path in sys.argv[2:]:
        problems = run(sys.argv[1], path)
        print(("FAILED " if problems else "ok ") + os.path.basename(path), *problems, sep="\n  " if problems else " ")
        failed += bool(problems)
    return min(failed, 100)


if __name__ == "__main__":
    sys.exit(main())
