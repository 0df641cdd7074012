#!/usr/bin/env python3
"""coremark.py HYPERVISOR FOLDER: CoreMark here and on QEMU's TCG; FOLDER holds EEMBC's source, which is not a part of this repository.

A static Linux program, -O2, as /init of Debian's cloud kernel. Both run the same number of iterations, by turns; the figure is the
least CPU time between two marks of the guest. The checksums that CoreMark prints must be the same. (A score in EEMBC's
sense wants ten seconds and other things: this is a ratio.)
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig  # noqa: E402
from rows import Row  # noqa: E402

FILES = ["core_list_join.c", "core_main.c", "core_matrix.c", "core_state.c", "core_util.c", "posix/core_portme.c"]


def build(guests, source):
    """An initramfs whose /init is CoreMark."""
    init, folder = os.path.join(guests.folder, "coremark"), guests.folder
    flags = ["-O2", "-static", "-I", source, "-I", os.path.join(source, "posix"), "-DPERFORMANCE_RUN=1",
             '-DFLAGS_STR="-O2"']
    objects = []
    for file in FILES:
        objects.append(os.path.join(folder, os.path.basename(file) + ".o"))
        subprocess.run([rig.CC, *flags, "-Dmain=coremark_main", "-c", "-o", objects[-1], os.path.join(source, file)], check=True)
    subprocess.run([rig.CC, "-O2", "-static", "-o", init, os.path.join(rig.GUEST, "coremark.c"), *objects], check=True)
    return guests.archive(init, "coremark.cpio.gz")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hypervisor")
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=8000)
    parser.add_argument("--max", action="store_true")
    parser.add_argument("--qemu", default="qemu-system-aarch64")
    args = parser.parse_args()
    kernel, cpu = rig.find_guest("vmlinuz-cloud"), "max" if args.max else "cortex-a72"
    if kernel is None:
        sys.exit("coremark.py: no kernel (scripts/guests.sh cloud)")
    row = Row("coremark", "coremark", "linux", None, args.iterations, False)
    append = f"console=ttyAMA0 quiet panic=-1 -- 0x0 0x0 0x66 {args.iterations} 7 1 2000"
    least, sums = {}, set()
    with tempfile.TemporaryDirectory() as folder:
        initrd = build(rig.Guests(folder), args.folder)
        for _ in range(args.rounds):
            for engine in (rig.Engine("ours", cpu, args.hypervisor), rig.Engine("qemu", cpu, args.qemu)):
                text = []
                took = rig.run_linux(engine.linux(kernel, initrd, append), [row], text)["coremark"][0]
                least[engine.name] = min(took, least.get(engine.name, took))
                sums.add(tuple(re.findall(r"\]crc\w+\s*: (0x\w+)", "\n".join(text))))
    if len(sums) != 1 or not all(sums):
        sys.exit(f"coremark.py: checksums {sums}")
    print(f"CoreMark, {args.iterations} iterations: ours {least['ours']:.3f} s, QEMU {least['qemu']:.3f} s, ratio {least['qemu'] / least['ours']:.2f}x; "
          f"checksums {' '.join(sums.pop())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
