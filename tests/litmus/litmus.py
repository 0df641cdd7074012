#!/usr/bin/env python3
"""litmus.py HYPERVISOR [--runs N] [--qemu]: the memory model of several CPUs: no forbidden outcome, no wrong total.

Builds the bare-metal guests of this folder and runs them with four vCPUs: the shapes, each vCPU kept on a processor, and the
storms, where the host shall move them. --qemu runs them on QEMU instead. "weak" rows are
shapes without ordering: they show that the CPUs really overlap, and with --runs of a million or more one must be seen,
and every shape must have "mixed" runs.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = ["start.S", "main.c", "shapes.c", "atomics.c", "tlbi.c", "code.c"]


def build(elf, runs, part):
    subprocess.run(["aarch64-linux-gnu-gcc", "-O2", "-Wall", "-ffreestanding", "-nostdlib", "-static", "-fno-stack-protector",
                    "-fno-tree-vectorize", "-mgeneral-regs-only", "-march=armv8.1-a", "-mno-outline-atomics", "-Wl,--build-id=none",
                    "-Wl,-z,noexecstack", "-Wl,-z,max-page-size=4096", "-Wl,-Ttext=0x40400000", "-Wl,--no-warn-rwx-segments",
                    f"-DRUNS={runs}", f"-D{part}", "-o", elf] + [os.path.join(HERE, s) for s in SOURCES], check=True)


def command(args, elf, part):
    if args.qemu:
        return ["qemu-system-aarch64", "-M", "virt", "-cpu", "max", "-smp", "4", "-accel", "tcg,thread=multi", "-nographic",
                "-nic", "none", "-kernel", elf]
    words = [args.hypervisor, "run", "--machine", "virt", "--cpus", "4", elf]
    if "HV_ACCEL" in os.environ:
        words += ["--accel", os.environ["HV_ACCEL"]]
    processors = sorted(os.sched_getaffinity(0))[:4] if hasattr(os, "sched_getaffinity") else []
    if part == "SHAPES" and len(processors) > 1:  # neighbours apart: two vCPUs that share a processor do not overlap
        words += ["--affinity", ",".join(map(str, processors))]
    return words


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("hypervisor")
    parser.add_argument("--runs", type=int, default=10000000 if os.environ.get("HV_TEST_MODE") == "long" else 50000)
    parser.add_argument("--qemu", action="store_true")
    args = parser.parse_args()
    text, problems = "", []
    with tempfile.TemporaryDirectory() as folder:
        for part in ("SHAPES", "STORMS"):
            elf = os.path.join(folder, "litmus.elf")
            build(elf, args.runs, part)
            run = subprocess.run(command(args, elf, part), stdin=subprocess.DEVNULL, capture_output=True)
            said = run.stdout.decode("ascii", "replace")
            print(said, end="", flush=True)
            text += said
            if run.returncode != 0 or not said.endswith("done\n"):
                problems.append(f"{part}: the guest did not finish: status {run.returncode} {run.stderr.decode()[-300:]}")
    forbidden = re.findall(r"^(\S+) forbidden (\d+) of", text, re.M)
    weak = re.findall(r"^(\S+) weak (\d+) of", text, re.M)
    totals = re.findall(r"^(\S+) (right|wrong) ", text, re.M)
    problems += [f"{name}: forbidden outcome seen {n} times" for name, n in forbidden if int(n) != 0]
    problems += [f"{name} is wrong" for name, says in totals if says == "wrong"]
    if (len(forbidden), len(weak), len(totals)) != (45, 7, 11):
        problems.append(f"{len(forbidden)} forbidden, {len(weak)} weak shapes and {len(totals)} totals instead of 45, 7 and 11")
    if args.runs >= 1000000 and os.cpu_count() > 1 and not args.qemu:
        if all(int(n) == 0 for _, n in weak):
            problems.append("no weak outcome at all: the CPUs do not overlap, so nothing was tested")
        problems += [f"{name}: the CPUs never overlapped" for name in re.findall(r"^(\S+) \w+ .*, mixed 0$", text, re.M)]
    for problem in problems:
        print("litmus.py:", problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
