#!/usr/bin/env python3
"""coverage.py BUILD: what gcov found of src/accel/soft/op_*.c and fp*.c in a build tree with --coverage.

A line is counted once, though the build compiles the bodies twice (jit/calls.c): reached in either form is reached.
"""

import glob
import gzip
import json
import os
import subprocess
import sys
import tempfile

WANTED = ("op_", "fp")
LEAST = 95.0


def reports(build):
    """gcov's JSON of each object of the software CPU."""
    notes = [n for n in glob.glob(os.path.join(build, "**", "*.gcno"), recursive=True)
             if "accel/soft" in n and os.path.basename(n).startswith(WANTED)]
    with tempfile.TemporaryDirectory() as folder:
        for note in notes:
            subprocess.run(["gcov", "--json-format", os.path.abspath(note)], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            for name in glob.glob(os.path.join(folder, "*.gcov.json.gz")):
                with gzip.open(name) as f:
                    yield json.load(f)
                os.remove(name)


def main():
    lines = {}  # file -> line -> reached
    for report in reports(sys.argv[1]):
        for file in report["files"]:
            name = os.path.basename(file["file"])
            if name.startswith(WANTED) and "accel/soft/" in file["file"]:
                seen = lines.setdefault(name, {})
                for line in file["lines"]:
                    seen[line["line_number"]] = seen.get(line["line_number"], False) or line["count"] != 0
    reached = total = 0
    for name, seen in sorted(lines.items()):
        hit = sum(seen.values())
        reached, total = reached + hit, total + len(seen)
        missed = [n for n, there in sorted(seen.items()) if not there]
        print(f"{name:22} {hit:5} of {len(seen):5}  {100 * hit / len(seen):5.1f} %", *missed[:20])
    if not total:
        sys.exit("coverage.py: no data")
    percent = 100 * reached / total
    print(f"{'all':22} {reached:5} of {total:5}  {percent:5.1f} %")
    return percent < LEAST


if __name__ == "__main__":
    sys.exit(main())
