#!/usr/bin/env python3
"""system.py HYPERVISOR [GUEST...]: what an AArch64 machine does, compared with QEMU's.

Builds each guest (GUEST.c here, and GUEST.S if it has one), runs it on HYPERVISOR and compares its lines with expected/GUEST.txt, which QEMU made.
Where qemu-system-aarch64 of the same version is installed, its lines are compared too. Lines that rightly differ are in
differences.txt, with what ours must be and why.

  --no-qemu          does not ask QEMU again: what it says is the same whatever HYPERVISOR is
  --make-expected    writes expected/GUEST.txt from QEMU instead
  --show             prints our lines
  --differences      prints ours that differ, in the form of differences.txt
"""

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
QEMU = "qemu-system-aarch64"
QEMU_VERSION = "7.2"
GIC2 = {"gic2"}  # guests for a GICv2
# Guests that need more than their own name: which source, our model, QEMU's nearest, and more options of QEMU.
MODELS = {
    "pmu": ("pmu", "neoverse-n1", "neoverse-n1", "-icount", "shift=0,sleep=off"),  # else it counts no instructions
    "sysregs": ("sysregs", "max", "max,sve=off,sme=off"),
    "sysregs-a53": ("sysregs", "cortex-a53", "cortex-a53"),
    "sysregs-n1": ("sysregs", "neoverse-n1", "neoverse-n1"),
}
CPUS = 2
ACCEL = ["--accel", os.environ["HV_ACCEL"]] if "HV_ACCEL" in os.environ else []
MEMORY = 256     # MB
COMPILER = ["aarch64-linux-gnu-gcc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror",
            "-ffreestanding", "-fno-pic", "-fno-pie", "-no-pie", "-nostdlib", "-static", "-mgeneral-regs-only", "-mstrict-align",
            "-ffixed-x18", "-mno-outline-atomics", "-fno-stack-protector", "-fno-builtin", "-fno-tree-loop-distribute-patterns",
            "-fno-asynchronous-unwind-tables", "-march=armv8.5-a+lse+rng+memtag", "-mbranch-protection=none",
            "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-Wl,-z,max-page-size=4096",
            "-Wl,--no-warn-rwx-segments", "-I", HERE]


def guests():
    return sorted({f[:-2] for f in os.listdir(HERE) if f.endswith(".c") and f != "lib.c"} | MODELS.keys())


def model(guest):
    return MODELS.get(guest, (guest, "max", "max"))


def build(guest, folder):
    elf = os.path.join(folder, guest + ".elf")
    sources = [os.path.join(HERE, f) for f in ("start.S", "lib.c", model(guest)[0] + ".c", model(guest)[0] + ".S")]
    sources = [f for f in sources if os.path.exists(f)]
    subprocess.run(COMPILER + ["-T", os.path.join(HERE, "link.ld"), "-o", elf] + sources, check=True)
    return elf


def run(command):
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
        out, err, status = result.stdout, result.stderr, result.returncode
    except subprocess.TimeoutExpired as e:
        out, err, status = e.stdout or b"", (e.stderr or b"") + b"\n(no end after 300 s)", 124
    lines = out.decode("utf-8", "replace").replace("\r", "").splitlines()
    if status != 0:
        lines.append(f"UNEXPECTED exit status {status}")
        sys.stderr.write(err.decode("utf-8", "replace")[-3000:])
    return lines


def on_ours(hypervisor, guest, elf):
    return run([hypervisor, "run", elf, *ACCEL, "--machine", "virt", "--cpu", model(guest)[1], "--gic", "2" if guest in GIC2 else "3", "--cpus", str(CPUS),
                "--memory", f"{MEMORY}M", "--timeout", "240"])


def on_qemu(guest, elf):
    return run([QEMU, "-M", f"virt,gic-version={2 if guest in GIC2 else 3}", "-cpu", model(guest)[2], "-smp", str(CPUS), "-m", str(MEMORY),
                "-nographic", "-nodefaults", "-serial", "stdio", "-monitor", "none", "-kernel", elf, *model(guest)[3:]])


def qemu_is_here():
    if shutil.which(QEMU) is None:
        return False
    text = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"version (\d+\.\d+)", text).group(1) == QEMU_VERSION


def differences(guest):
    """{check: what ours prints}; the file has 'guest check value...' lines, and reasons, which are indented."""
    found = {}
    with open(os.path.join(HERE, "differences.txt")) as f:
        for line in f:
            if line.strip() and line[0] not in "# \t":
                which, check, value = (line.rstrip("\n").split(" ", 2) + [""])[:3]
                if which == guest:
                    found[check] = value
    return found


def as_ours(lines, changed):
    """QEMU's lines with the known differences applied."""
    out, used = [], set()
    for line in lines:
        check = line.split(" ", 1)[0]
        if check in changed:
            used.add(check)
            if line == f"{check} {changed[check]}":
                out.append(f"{line}   (differences.txt says that QEMU prints something else)")
                continue
            line = f"{check} {changed[check]}"
        out.append(line)
    return out + [f"{check} is in differences.txt, but no check has that name" for check in changed if check not in used]


def compare(title, want, have):
    return [title] + list(difflib.unified_diff(want, have, "expected", "here", lineterm="", n=0))[2:] if want != have else []


def show_differences(guest, expected, ours):
    theirs = dict((line.split(" ", 1) + [""])[:2] for line in expected)
    for line in ours:
        check, value = (line.split(" ", 1) + [""])[:2]
        if theirs.get(check) != value:
            print(f"{guest} {check} {value}\n  QEMU: {theirs.get(check)}")


def judge(guest, hypervisor, folder, options):
    elf = build(guest, folder)
    golden = os.path.join(HERE, "expected", guest + ".txt")
    if options.make_expected:
        with open(golden, "w") as f:
            f.write("\n".join(on_qemu(guest, elf)) + "\n")
        return []
    with open(golden) as f:
        expected = f.read().splitlines()
    ours = on_ours(hypervisor, guest, elf)
    if options.show:
        print("\n".join(ours))
    if options.differences:
        show_differences(guest, expected, ours)
    problems = compare("ours differs from expected/:", as_ours(expected, differences(guest)), ours)
    if any("UNEXPECTED" in line for line in expected):
        problems.append("expected/ has UNEXPECTED lines")
    if not options.no_qemu and qemu_is_here():
        problems += compare("QEMU differs from expected/:", expected, on_qemu(guest, elf))
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hypervisor")
    parser.add_argument("guest", nargs="*")
    parser.add_argument("--no-qemu", action="store_true")
    parser.add_argument("--make-expected", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--differences", action="store_true")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for guest in options.guest or guests():
            problems = judge(guest, options.hypervisor, folder, options)
            with open(os.path.join(HERE, "expected", guest + ".txt")) as f:
                checks = len(f.read().splitlines())
            print(("FAILED " if problems else "ok ") + f"{guest} ({checks} checks)", *problems, sep="\n  " if problems else "")
            failed += bool(problems)
    return min(failed, 100)


if __name__ == "__main__":
    sys.exit(main())
