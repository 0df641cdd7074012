#!/usr/bin/env python3
"""conformance.py HYPERVISOR [BACKEND...]: one suite of small guests for every back end.

Builds the guests here (with start.S and lib.c of tests/system), runs each on each back end and GIC, and compares what it
prints with expected/GUEST.txt: the same lines on all of them. BACKEND is a text for --accel: soft, soft,jit=off, kvm, whp;
default: both forms of soft.

  --write EXPECTED   writes expected/ from the first back end instead
  --build FOLDER     only builds the guests, into FOLDER, for a rig that runs them elsewhere
  --gic LIST         which versions: 2,3
  --guest NAME       only this one (may be given again)
"""

import argparse
import difflib
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM = os.path.join(HERE, "..", "system")
COMPILER = ["aarch64-linux-gnu-gcc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-unused-function",
            "-Werror", "-ffreestanding", "-fno-pic", "-fno-pie", "-no-pie", "-nostdlib", "-static", "-mgeneral-regs-only", "-mstrict-align",
            "-ffixed-x18", "-mno-outline-atomics", "-fno-stack-protector", "-fno-builtin", "-fno-tree-loop-distribute-patterns",
            "-fno-asynchronous-unwind-tables", "-march=armv8-a", "-mbranch-protection=none", "-Wl,--build-id=none",
            "-Wl,-z,noexecstack", "-Wl,-z,max-page-size=4096", "-Wl,--no-warn-rwx-segments", "-I", SYSTEM, "-I", HERE]
# Every machine of the suite, whatever runs it.
MACHINE = ["--machine", "virt", "--cpus", "2", "--memory", "256M", "--timeout", "120"]


def guests():
    return sorted(f[:-2] for f in os.listdir(HERE) if f.endswith(".c") and f != "accel.c")


def build(guest, folder):
    elf = os.path.join(folder, guest + ".elf")
    sources = [os.path.join(SYSTEM, "start.S"), os.path.join(SYSTEM, "lib.c"), os.path.join(HERE, guest + ".c")]
    subprocess.run(COMPILER + ["-T", os.path.join(SYSTEM, "link.ld"), "-o", elf] + sources, check=True)
    return elf


def expected(guest):
    with open(os.path.join(HERE, "expected", guest + ".txt")) as f:
        return f.read().splitlines()


def compare(title, want, have):
    if want == have:
        return []
    return [title] + list(difflib.unified_diff(want, have, "expected", "here", lineterm="", n=0))[2:]


def run(hypervisor, elf, backend, gic):
    result = subprocess.run(hypervisor.split() + ["run", elf, "--accel", backend, "--gic", gic, *MACHINE], stdin=subprocess.DEVNULL,
                            capture_output=True, timeout=300)
    lines = result.stdout.decode("utf-8", "replace").replace("\r", "").splitlines()
    if result.returncode != 0:
        lines.append(f"UNEXPECTED exit status {result.returncode}: " + result.stderr.decode("utf-8", "replace")[-1000:])
    return lines


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("hypervisor")
    parser.add_argument("backend", nargs="*")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--build")
    parser.add_argument("--gic", default="2,3")
    parser.add_argument("--guest", action="append")
    args = parser.parse_args()
    failures = []
    checks = 0
    with tempfile.TemporaryDirectory() as folder:
        for guest in args.guest or guests():
            elf = build(guest, args.build or folder)
            if args.build:
                continue
            if args.write:
                with open(os.path.join(HERE, "expected", guest + ".txt"), "w") as f:
                    f.write("\n".join(run(args.hypervisor, elf, (args.backend or ["soft"])[0], args.gic.split(",")[0])) + "\n")
            for backend in args.backend or ["soft", "soft,jit=off"]:
                for gic in args.gic.split(","):
                    have = run(args.hypervisor, elf, backend, gic)
                    checks += len(have)
                    failures += compare(f"FAIL {guest} on {backend}, GICv{gic}", expected(guest), have)
    print("\n".join(failures + [f"{checks} checks, " + ("some failed" if failures else "all as expected")]))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
