#!/usr/bin/env python3
"""profile.py HYPERVISOR ROW...: where the time of a row goes: translated code, the monitor's C by function, the host's kernel.

Needs perf (Debian: linux-perf). Much C in a row names the instructions that have no template, or misses that go a long way; much
time in translated code is a matter of what the templates are like.
"""

import argparse
import collections
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig  # noqa: E402
from rows import ROWS  # noqa: E402


def record(folder):
    return ["perf", "record", "-q", "-F", "5000", "-e", "cpu-clock", "-o", os.path.join(folder, "perf.data")]


def samples(folder):
    """(object, symbol) of each sample."""
    text = subprocess.run(["perf", "script", "-i", os.path.join(folder, "perf.data"), "-F", "ip,sym,dso"], check=True,
                          capture_output=True, text=True).stdout
    for line in text.splitlines():
        found = re.fullmatch(r"\s*[0-9a-f]+ (.*?) \((.*)\)", line)
        if found:
            yield found.group(2), found.group(1)


def place(dso, symbol):
    if "kernel" in dso or dso.endswith(".ko"):
        return "host kernel"
    if "memfd" in dso or dso.startswith(("//anon", "[unknown]", "/tmp/perf-")) or symbol in ("", "[unknown]"):
        return "translated code"
    return f"{symbol} ({os.path.basename(dso)})"


def run(engine, row, guests, folder):
    """A Linux row runs with eight times its work, because the boot is in the profile too."""
    if row.kind in ("linux", "boot"):
        rows = [row._replace(work=8 * row.work)] if row.kind == "linux" else []
        append = "console=ttyAMA0 quiet panic=-1 -- " + " ".join(f"{r.name}:{r.work}" for r in rows)
        rig.run_linux(record(folder) + engine.linux(rig.find_guest("vmlinuz-cloud"), guests.initrd(), append), rows)
    else:
        elf = guests.elf(row.source, row.name, row.work)
        rig.run_bare(record(folder) + engine.bare(elf, 2 if row.kind == "smp" else 1))


def profile(args, row, guests, folder):
    engine = rig.Engine("ours", "max" if row.only_max else args.cpu, args.hypervisor)
    run(engine, row, guests, folder)
    count = collections.Counter(place(*s) for s in samples(folder))
    total = sum(count.values())
    print(f"{row.name}: " + ", ".join(f"{100 * n / total:.0f} % {p}" for p, n in count.most_common(args.top)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hypervisor")
    parser.add_argument("rows", nargs="+", metavar="ROW")
    parser.add_argument("--cpu", default="cortex-a72")
    parser.add_argument("--top", type=int, default=6)
    args = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory() as folder:
        guests = rig.Guests(folder)
        for row in ROWS:
            if row.name in args.rows and row.kind != "start":
                profile(args, row, guests, folder)


if __name__ == "__main__":
    main()
