#!/usr/bin/env python3
"""bench.py HYPERVISOR [--rounds N] [--json FILE] [KERNEL...]: the integer programs of bench/guest here and on QEMU's TCG.

Runs are alternated; each figure is the least CPU time (user + system) of N rounds, because machines are noisy and CPU
time never gets shorter by accident; what a guest that does nothing costs is taken off. Both must print the same checksum. A ratio above 1 means that we are faster.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile

KERNELS = ["sort", "calls", "crc", "chase", "hash", "vm", "virtuals", "bits", "strings", "divide"]
HERE = os.path.dirname(os.path.abspath(__file__))


def build(kernel, folder, times):
    elf = os.path.join(folder, kernel + ".elf")
    subprocess.run(["aarch64-linux-gnu-gcc", "-O2", "-ffreestanding", "-nostdlib", "-static", "-fno-tree-vectorize",
                    "-fno-stack-protector", "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-Wl,-z,max-page-size=4096",
                    "-Wl,-Ttext=0x40400000", "-Wl,--no-warn-rwx-segments", "-Wno-unused-function", f"-DKERNEL={kernel}",
                    f"-DTIMES={times}", "-o", elf,
                    f"{HERE}/guest/start.S", f"{HERE}/guest/kernels.c"], check=True)
    return elf


def measure(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=600)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = run.stdout.decode("ascii", "replace").strip()
    if run.returncode != 0 or len(text) != 16:
        sys.exit(f"{' '.join(command)}: status {run.returncode}, '{text}' {run.stderr.decode()[-500:]}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, text


def compare(args, kernel, folder):
    """The least CPU time of each side over the rounds, and the checksum that both printed."""
    elf = build(kernel, folder, args.times)
    ours = [args.hypervisor, "run", "--machine", "virt", elf]
    qemu = ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-m", "128", "-nographic", "-nic", "none",
            "-kernel", elf]
    best = {}
    for _ in range(args.rounds):
        for name, command in (("ours", ours), ("qemu", qemu)):
            seconds, text = measure(command)
            best[name] = min(seconds, best.get(name, seconds))
            if best.setdefault("checksum", text) != text:
                sys.exit(f"{kernel}: checksum {text} instead of {best['checksum']}")
    return best


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("hypervisor")
    parser.add_argument("kernels", nargs="*", default=KERNELS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", type=int, default=4, help="how often each program runs in its guest")
    parser.add_argument("--json")
    parser.add_argument("--floor", type=float, help="fail if the geometric mean of the ratios is below this")
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        start = compare(args, "nothing", folder)
        print(f"start     ours {start['ours']:6.3f} s   QEMU TCG {start['qemu']:6.3f} s (taken off below)", flush=True)
        for kernel in args.kernels or KERNELS:
            row = compare(args, kernel, folder)
            for name in ("ours", "qemu"):
                row[name] -= start[name]
            row["kernel"], row["ratio"] = kernel, row["qemu"] / row["ours"]
            rows.append(row)
            print(f"{kernel:9} ours {row['ours']:6.2f} s   QEMU TCG {row['qemu']:6.2f} s   ratio {row['ratio']:.2f}", flush=True)
    mean = math.exp(sum(math.log(r["ratio"]) for r in rows) / len(rows))
    print(f"geometric mean of {len(rows)}: {mean:.2f}")
    if args.json:
        with open(args.json, "w") as f:
            json.dump({"geometric_mean": mean, "rows": rows}, f, indent=1)
    return bool(args.floor and mean < args.floor)


if __name__ == "__main__":
    sys.exit(main())
