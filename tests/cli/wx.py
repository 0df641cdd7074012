#!/usr/bin/env python3
"""wx.py HYPERVISOR: no mapping of the running program is writable and executable at once, while it translates.

The code cache is one piece of memory that is mapped twice, once to be written and once to be executed: both views must be
there, and no third kind.
"""

import os
import subprocess
import sys
import tempfile
import time

GUEST = """
        .global _start
_start: mov     x0, #0
1:      add     x0, x0, #1
        cbnz    x0, 1b
"""


def mappings(pid):
    """(first address, permissions, inode) of each."""
    with open(f"/proc/{pid}/maps") as f:
        return [(line.split("-")[0], line.split()[1], line.split()[4]) for line in f]


def main():
    with tempfile.TemporaryDirectory() as folder:
        source, elf = os.path.join(folder, "loop.S"), os.path.join(folder, "loop.elf")
        with open(source, "w") as f:
            f.write(GUEST)
        subprocess.run(["aarch64-linux-gnu-gcc", "-nostdlib", "-static", "-Wl,--build-id=none", "-Wl,-Ttext=0x40001000", "-o", elf, source],
                       check=True)
        run = subprocess.Popen([sys.argv[1], "run", "--accel", "soft", elf], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        both, bad = False, []
        for _ in range(600):
            seen = mappings(run.pid)
            bad = [m for m in seen if "w" in m[1] and "x" in m[1]]
            shared = {m[2] for m in seen if m[1] == "r-xs"} & {m[2] for m in seen if m[1] == "rw-s"}
            both = bool(shared)
            if both or bad or run.poll() is not None:
                break
            time.sleep(0.1)
        for _ in range(20):  # and it stays so while the guest runs
            bad += [m for m in mappings(run.pid) if "w" in m[1] and "x" in m[1]]
            time.sleep(0.05)
        run.kill()
        run.wait()
    print(f"both views of the code cache: {both}; writable and executable: {bad}")
    return 0 if both and not bad else 1


if __name__ == "__main__":
    sys.exit(main())
