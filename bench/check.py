#!/usr/bin/env python3
"""check.py HYPERVISOR [ROW...]: every benchmark program once with little work; HV_ACCEL says how (soft,jit=off).

The checksums must be those in checksums.json, which QEMU printed: `check.py --record qemu-system-aarch64` made that file, and
makes it again after a program or its work has changed. Linux rows need Debian's cloud kernel and --linux.
"""

import argparse
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig  # noqa: E402
from rows import ROWS  # noqa: E402

FILE = os.path.join(rig.HERE, "checksums.json")
ACCEL = os.environ.get("HV_ACCEL", "soft")


def little(row):
    """The row with about a millisecond's work on QEMU."""
    return row._replace(work=max(1, row.work // 500))


def bare_rows(engine, guests, rows):
    for row in rows:
        cpus = 2 if row.kind == "smp" else 1
        yield row, rig.run_bare(engine.bare(guests.elf(row.source, row.name, row.work), cpus))[2]


def linux_rows(engine, guests, rows):
    kernel = rig.find_guest("vmlinuz-cloud")
    if kernel is None:
        sys.exit(77)
    append = "console=ttyAMA0 quiet panic=-1 -- " + " ".join(f"{r.name}:{r.work}" for r in rows)
    found = rig.run_linux(engine.linux(kernel, guests.initrd(), append), rows)
    for row in rows:
        yield row, found[row.name][2]


def sums(engine, guests, rows, linux):
    yield from (linux_rows if linux else bare_rows)(engine, guests, rows)


def record(qemu, guests):
    engine, known = rig.Engine("qemu", "max,pauth-impdef=on", qemu), {}
    for linux in (False, True):
        rows = [little(r) for r in ROWS if r.kind in (["linux"] if linux else ["bare", "smp"])]
        for row, checksum in sums(engine, guests, rows, linux):
            known[row.name] = {"work": row.work, "checksum": checksum}
    with open(FILE, "w") as f:
        f.write("{\n" + ",\n".join(f"{json.dumps(n)}: {json.dumps(k)}" for n, k in sorted(known.items())) + "\n}\n")


def check(hypervisor, guests, rows, linux):
    with open(FILE) as f:
        known = json.load(f)
    failed = 0
    engine = rig.Engine("ours", "max", hypervisor, ["--accel", ACCEL])
    for row, checksum in sums(engine, guests, rows, linux):
        expected = known.get(row.name, {"work": None, "checksum": "nothing"})
        if expected["work"] != row.work:
            failed += 1
            print(f"FAILED {row.name}: checksums.json is of {expected['work']} rounds, not {row.work}; --record it")
        elif expected["checksum"] != checksum:
            failed += 1
            print(f"FAILED {row.name} with {ACCEL}: {checksum}, QEMU printed {expected['checksum']}")
    print(f"{len(rows)} programs, {failed} failures", flush=True)
    return min(failed, 100)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hypervisor", help="the program; with --record, QEMU")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--linux", action="store_true", help="the Linux rows instead of the bare-metal ones")
    parser.add_argument("--one-cpu", action="store_true", help="leaves out what needs two CPUs")
    parser.add_argument("--record", action="store_true", help="writes checksums.json")
    args = parser.parse_intermixed_args()
    kinds = ["linux"] if args.linux else ["bare"] if args.one_cpu else ["bare", "smp"]
    rows = [little(r) for r in ROWS if r.kind in kinds and (not args.rows or r.name in args.rows)]
    with tempfile.TemporaryDirectory() as folder:
        guests = rig.Guests(folder)
        try:
            return record(args.hypervisor, guests) if args.record else check(args.hypervisor, guests, rows, args.linux)
        except rig.Failed as e:
            print(f"FAILED {e}")
            return 1


if __name__ == "__main__":
    sys.exit(main())
