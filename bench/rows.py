"""rows.py: what bench.py measures: each row's group, program and amount of work, and issue-level floors and goals.

The work of a row is a fixed number, chosen by `bench.py --calibrate` so that QEMU 7.2's TCG takes about half a second for
it on the machine where this was written; so checksums are the same everywhere.
"""

from collections import namedtuple

# kind: bare (an ELF of one vCPU), smp (of two), linux (a part of one boot of Linux), boot, idle, start.
Row = namedtuple("Row", "group name kind source work only_max")

SOURCES = {
    "integer": "integer.c", "control": "control.c", "memory": "memory.c", "fp": "fp.c", "simd": "simd.c",
    "crypto": "crypto.c", "atomics": "atomics.c", "machine": "system.S", "generated": "generated.c", "smp": "atomics.c",
}

WORK = {
    "integer": {"mix": 94000, "hash": 27000000, "sort": 68, "crc32": 1600, "muldiv": 72000000, "bits": 72000000,
                "sha256": 420000},
    "control": {"fib": 2100, "vcall": 9700000, "vm": 3500, "fsm": 830, "lz": 480, "tak": 15000, "callback": 1700,
                "visit": 35000, "stack": 3900, "match": 1900, "unlz": 2000},
    "memory": {"chase16k": 19000000, "chase512k": 7500000, "chase64m": 360000, "rand32m": 16000000,
               "pagewalk": 360000, "bytes": 2500, "struct": 5000000, "stream_add": 76, "stream_triad": 71,
               "memcpy": 9100, "memset": 15000, "cpysmall": 18000000, "strlen4k": 73000},
    "fp": {"nbody": 340000, "mandel": 580000, "matmul64": 610, "matmul32": 590, "divsqrt": 13000000, "cvt": 4700000,
           "libm": 840000, "fft": 9500},
    "simd": {"fir32": 940, "saxpy": 15000, "f64": 3200, "chacha": 420000, "blend8": 40000, "sad8": 120000,
             "dot16": 41000, "tbl": 68000},
    "crypto": {"aes128": 5500, "pmull": 6300, "sha256hw": 11000, "crc32c": 53000},
    "atomics": {"llsc": 130000000, "dmb": 110000000, "acqrel": 110000000, "mutex": 21000000, "lse": 78000000},
    "machine": {"svc_el1": 1100000, "svc_el0": 1100000, "abort": 770000, "mmio_rd": 13000000, "mmio_wr": 8100000,
                "hvc": 7300000, "cntvct": 12000000, "sysreg": 4300000, "daif": 4900000, "timer": 330000,
                "ttbr": 84000, "tlbi_va": 810000, "tlbi_all": 170000, "smc_code": 62000},
    "generated": {"patch": 55000, "cold": 36, "foot2m": 110},
    "smp": {"two": 73000000, "shared": 20000000, "pingpong": 20000},
    "linux": {"getppid": 40000, "clockget": 4000000, "pipe512": 10000, "ctxsw": 4000, "fork": 250, "forkexec": 80,
              "pagefault": 8192, "mprotect": 4000, "segv": 14000, "signal": 6000, "read1m": 600, "path": 1000},
    "boot": {"boot": 1},
    "idle": {"idle": 5},
    "start": {"start": 1, "start_rss": 1},
}

KINDS = {"smp": "smp", "linux": "linux", "boot": "boot", "idle": "idle", "start": "start"}
ONLY_MAX = {"lse"}
# Rows whose preparation is not small: the same program with no work is what is taken off.
SETUP = {"chase64m", "rand32m", "foot2m"}

ROWS = [Row(group, name, KINDS.get(group, "bare"), SOURCES.get(group), work, name in ONLY_MAX)
        for group, rows in WORK.items() for name, work in rows.items()]
GROUPS = list(WORK)

# Ratios to QEMU 7.2 with -cpu cortex-a72 (what must hold, what is wanted), of a group's geometric mean.
FLOORS = {
    "integer": (2, 3), "control": (4, 7), "memory": (3, 6), "fp": (6, 12), "simd": (8, 15), "crypto": (10, 20),
    "atomics": (1, 1.8), "generated": (5, 20), "linux": (5, 12), "boot": (1.5, 3), "boot max": (6, 15),
}
# The same of single rows: operations that have a floor of their own.
ROW_FLOORS = {
    "svc_el1": (4, 12), "svc_el0": (4, 12), "abort": (4, 12), "ttbr": (8, 30), "tlbi_va": (1.5, 4), "tlbi_all": (4, 20),
    "mmio_rd": (1, 1.3), "hvc": (1, 3), "start": (6, 15), "start_rss": (3, 5),
}
# What ours may be at most, in the row's unit.
CEILINGS = {"idle": 0.5}
