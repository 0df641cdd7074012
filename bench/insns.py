#!/usr/bin/env python3
"""insns.py HYPERVISOR [ROW...]: host instructions for each guest instruction, counted by valgrind.

Unlike seconds these are the same on a busy machine. A program runs twice under callgrind, the second time with twice the work; what
the second run has more, of host and of guest instructions, gives the figure, so that start-up and translation cancel out. `start` is
what a guest that does nothing costs altogether, in millions.

  --record   writes insns.json, the table that --check compares with
  --check    fails if a figure is more than 5 % above the table's

An improvement is recorded by whoever made it, with the change. Counts depend a little on the compiler and the C library, and on
which vector instructions the host has.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig  # noqa: E402
from rows import ROWS  # noqa: E402

FILE = os.path.join(rig.HERE, "insns.json")
TOLERANCE = 1.05
SET = ["mix", "sort", "crc32", "sha256", "fib", "vcall", "vm", "fsm", "lz", "tak", "callback", "visit", "stack", "match",
       "unlz", "chase16k", "pagewalk", "bytes", "struct", "memcpy", "cpysmall", "strlen4k", "nbody", "matmul32", "cvt", "fir32",
       "chacha", "blend8", "tbl", "aes128", "sha256hw", "llsc", "mutex", "svc_el1", "svc_el0", "abort", "mmio_rd", "sysreg",
       "ttbr", "tlbi_va", "patch", "cold"]
VALGRIND = ["valgrind", "--tool=callgrind", "--smc-check=all", "--callgrind-out-file=/dev/null"]
# No REP STOS and MOVS for memset and memcpy: valgrind counts each of their steps.
ENVIRONMENT = {**os.environ, "GLIBC_TUNABLES": "glibc.cpu.x86_rep_stosb_threshold=1000000000:"
               "glibc.cpu.x86_rep_movsb_threshold=1000000000:glibc.cpu.x86_non_temporal_threshold=100000000"}


def host_insns(engine, elf):
    run = subprocess.run(VALGRIND + engine.bare(elf), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=rig.TIMEOUT, env=ENVIRONMENT)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not found:
        raise rig.Failed(f"{elf}: status {run.returncode}: {run.stderr[-800:]}")
    return int(found.group(1))


def guest_insns(engine, elf, folder):
    stats = os.path.join(folder, "stats.json")
    rig.run_bare([*engine.bare(elf), f"--stats=json:{stats}"])
    with open(stats) as f:
        return json.load(f)["cpu"]["insns"]["total"]


def measure(engine, guests, row, folder):
    work = max(2, row.work // 200)
    elfs = [guests.elf(row.source, row.name, w) for w in (work, 2 * work)]
    host, guest = [host_insns(engine, e) for e in elfs], [guest_insns(engine, e, folder) for e in elfs]
    return round((host[1] - host[0]) / (guest[1] - guest[0]), 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hypervisor")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_intermixed_args()
    if not shutil.which("valgrind"):
        print("insns.py: valgrind is not installed")
        return 77
    names, worse = args.rows or ["start", *SET], []
    known = {}
    if os.path.exists(FILE):
        with open(FILE) as f:
            known = json.load(f)
    with tempfile.TemporaryDirectory() as folder:
        guests, engine = rig.Guests(folder), rig.Engine("ours", "cortex-a72", args.hypervisor)
        for name in names:
            if name == "start":
                now = round(host_insns(engine, guests.elf("integer.c", "nothing", 0)) / 1e6, 2)
            else:
                now = measure(engine, guests, next(r for r in ROWS if r.name == name and r.kind == "bare"), folder)
            before = known.get(name)
            print(f"{name:10} {now:8.2f}" + (f"   {before:8.2f} before" if before else ""), flush=True)
            if before and now > before * TOLERANCE:
                worse.append(f"{name} {now} after {before}")
            known[name] = now if args.record else before
    if args.record:
        with open(FILE, "w") as f:
            json.dump(known, f, indent=1)
            f.write("\n")
    print("more host instructions than before: " + ", ".join(worse) if worse else "no figure is above the table's")
    return 1 if args.check and worse else 0


if __name__ == "__main__":
    sys.exit(main())
