#!/usr/bin/env python3
"""bench.py HYPERVISOR [--group G...] [ROW...]: guest programs here and on QEMU's TCG, side by side.

Runs alternate between the two; a figure is the least CPU time (user + system) of the rounds, because machines are noisy and
CPU time never gets shorter by accident. Both sides must print the same checksum. A ratio above 1 means that we are faster.
"""

import argparse
import datetime
import json
import math
import os
import platform
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import report  # noqa: E402
import rig  # noqa: E402
from rows import GROUPS, ROWS, SETUP, Row  # noqa: E402

NOTHING = Row("start", "nothing", "bare", "integer.c", 0, False)


class Best:
    """The least of what each engine took, and the one checksum that all must have printed."""

    def __init__(self, name):
        self.name, self.least, self.wall, self.checksum = name, {}, {}, None

    def add(self, engine, cpu, wall, checksum):
        self.least[engine] = min(cpu, self.least.get(engine, cpu))
        if wall is not None:
            self.wall[engine] = min(wall, self.wall.get(engine, wall))
        self.checksum = self.checksum or checksum
        if checksum != self.checksum:
            raise rig.Failed(f"{self.name}: checksum {checksum} on {engine}, {self.checksum} before")


class Bench:
    def __init__(self, args, folder):
        self.args, self.guests = args, rig.Guests(folder)
        self.engines = self.pair("max" if args.max else "cortex-a72")
        self.results, self.start = [], {"ours": 0, "qemu": 0}

    def pair(self, cpu):
        return [rig.Engine("ours", cpu, self.args.hypervisor, self.args.ours), rig.Engine("qemu", cpu, self.args.qemu)]

    def bare(self, row, rounds, work=None):
        best, cpus = Best(row.name), 2 if row.kind == "smp" else 1
        elf = self.guests.elf(row.source, row.name, row.work if work is None else work)
        for _ in range(rounds):
            for engine in self.engines:
                best.add(engine.name, *rig.run_bare(engine.bare(elf, cpus)))
        return best

    def linux(self, rows, engines):
        kernel = rig.find_guest("vmlinuz-cloud")
        if kernel is None:
            rig.warn("no kernel (scripts/guests.sh cloud): the Linux rows are left out")
            return {}
        append = "console=ttyAMA0 quiet panic=-1 -- " + " ".join(f"{r.name}:{r.work}" for r in rows)
        best = {}
        for _ in range(self.args.rounds):
            for engine in engines:
                for name, took in rig.run_linux(engine.linux(kernel, self.guests.initrd(), append), rows).items():
                    best.setdefault(name, Best(name)).add(engine.name, *took)
        return best

    def take(self, group, name, best, start=None, unit="s"):
        """Keeps and prints a row; `start` is what is taken off for each engine."""
        row = {"group": group, "name": name, "unit": unit, "checksum": best.checksum}
        for engine in ("ours", "qemu"):
            row[engine] = max(best.least[engine] - (start or {}).get(engine, 0), 1e-4)  # never nothing: it is divided by
            if engine in best.wall:
                row[engine + "_wall"] = best.wall[engine]
        row["ratio"] = row["qemu"] / row["ours"]
        self.results.append(row)
        print(report.row_line(row), flush=True)

    def run(self, rows):
        kinds = {kind: [r for r in rows if r.kind == kind] for kind in ("bare", "smp", "linux", "boot", "idle", "start")}
        if kinds["bare"] or kinds["smp"] or kinds["start"]:
            nothing = self.bare(NOTHING, self.args.rounds + 2)
            self.start = nothing.least
            if any(r.name == "start" for r in kinds["start"]):
                self.take("start", "start", nothing)
        if any(r.name == "start_rss" for r in kinds["start"]):
            self.start_rss()
        for row in kinds["bare"] + kinds["smp"]:
            if not row.only_max or self.args.max:
                start = self.bare(row, self.args.rounds, 0).least if row.name in SETUP else self.start
                self.take(row.group, row.name, self.bare(row, self.args.rounds), start)
        if kinds["linux"] or kinds["boot"]:
            best = self.linux(kinds["linux"], self.engines)
            for row in kinds["linux"] if best else []:
                self.take("linux", row.name, best[row.name])
            if kinds["boot"] and best:
                self.boot(best)

        if kinds["idle"]:
            self.idle(kinds["idle"][0])

    def idle(self, row):
        best, kernel = Best("idle"), rig.find_guest("vmlinuz-cloud")
        for engine in self.engines if kernel else []:
            command = engine.linux(kernel, self.guests.initrd(), "console=ttyAMA0 quiet panic=-1")
            best.add(engine.name, rig.run_idle(command, row.work), None, "-")
        if kernel:
            self.take("idle", "idle", best, unit="%")

    def boot(self, best):
        self.take("boot max" if self.args.max else "boot", "boot", best["boot"])
        self.take("memory at init", "boot_rss", best["boot_rss"], unit="MB")
        if not self.args.max:
            self.take("boot max", "boot_max", self.linux([], self.pair("max"))["boot"])

    def start_rss(self):
        best = Best("start_rss")
        elf = self.guests.elf("integer.c", "wait", 0)
        for engine in self.engines:
            best.add(engine.name, rig.run_start_rss(engine.bare(elf)), None, "-")
        self.take("start", "start_rss", best, unit="MB")


def means(results):
    """Geometric mean of the ratios of each group that has a meaning as a whole."""
    groups = {}
    for row in results:
        groups.setdefault(row["group"], []).append(row["ratio"])
    return {g: math.exp(sum(map(math.log, r)) / len(r)) for g, r in groups.items() if g not in ("start", "idle", "memory at init")}


def first_line(command):
    run = subprocess.run(command, capture_output=True, text=True, cwd=os.path.dirname(os.path.abspath(__file__)))
    return run.stdout.splitlines()[0] if run.stdout else "unknown"


def host_cpu():
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def about(args):
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": first_line(["git", "describe", "--always", "--dirty", "--exclude=*"]), "host": host_cpu(),
        "host_cpus": os.cpu_count(), "load": round(os.getloadavg()[0], 1), "qemu": first_line([args.qemu, "--version"]),
        "cpu": "max" if args.max else "cortex-a72", "rounds": args.rounds,
    }


def calibrate(bench, rows):
    """Work for each row that takes QEMU about args.calibrate seconds."""
    qemu = bench.engines[1]
    for row in rows:
        if row.kind not in ("bare", "smp") or row.only_max and not bench.args.max:
            continue
        work, took = max(1, row.work // 50), 0
        nothing = row if row.name in SETUP else NOTHING
        start = min(rig.run_bare(qemu.bare(bench.guests.elf(nothing.source, nothing.name, 0)))[0] for _ in range(2))
        while True:
            elf = bench.guests.elf(row.source, row.name, work)
            took = rig.run_bare(qemu.bare(elf, 2 if row.kind == "smp" else 1))[0] - start
            if took > bench.args.calibrate / 3:
                break
            work *= 3
        good = work * bench.args.calibrate / took
        step = 10 ** max(0, int(math.log10(max(good, 1))) - 1)
        print(f"{row.group:10} {row.name:12} {max(1, round(good / step) * step)}", flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hypervisor", help="the program, or a result file with --report")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="rows by name")
    parser.add_argument("--group", nargs="+", default=[], choices=GROUPS, help="only these groups: " + " ".join(GROUPS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--max", action="store_true", help="-cpu max against our max, instead of cortex-a72")
    parser.add_argument("--qemu", default="qemu-system-aarch64")
    parser.add_argument("--ours", nargs="+", default=[], metavar="OPTION", help="more options for ours: --ours=--accel=soft,jit=off")
    parser.add_argument("--json", metavar="FILE", help="writes the results")
    parser.add_argument("--plot", metavar="FILE", help="draws the ratios as SVG")
    parser.add_argument("--report", metavar="FILE", help="writes the tables into FILE's marked part, from HYPERVISOR, a result file")
    parser.add_argument("--floor", action="store_true", help="fails if a floor does not hold")
    parser.add_argument("--calibrate", type=float, metavar="SECONDS", help="prints work that takes QEMU so long")
    return parser.parse_intermixed_args()


def choose(args):
    unknown = set(args.rows) - {r.name for r in ROWS}
    if unknown:
        sys.exit("bench.py: no such row: " + " ".join(sorted(unknown)))
    chosen = [r for r in ROWS if r.name in args.rows or r.group in args.group]
    return chosen or ROWS


def main():
    args = parse()
    if args.report:
        with open(args.hypervisor) as f:
            return report.write(args.report, json.load(f), args.plot)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args, folder)
        try:
            if args.calibrate:
                return calibrate(bench, choose(args))
            bench.run(choose(args))
        except rig.Failed as e:
            rig.warn(f"bench.py: {e}")
            return 1
    result = {**about(args), "rows": bench.results, "groups": means(bench.results)}
    print("\n" + report.group_table(result))
    if args.json:
        with open(args.json, "w") as f:
            json.dump(result, f, indent=1)
            f.write("\n")
    if args.plot:
        with open(args.plot, "w") as f:
            f.write(report.svg(result))
    missed = report.missed(result)
    if missed:
        print("below the floor: " + ", ".join(missed))
    return 1 if args.floor and missed else 0


if __name__ == "__main__":
    sys.exit(main())
