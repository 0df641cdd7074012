#!/usr/bin/env python3
"""badinput.py HYPERVISOR: everything a person or a file can get wrong ends in one clear line and status 1 or 2."""

import os
import random
import struct
import subprocess
import sys
import tempfile


def image(size=0x10000, text_offset=0, flags=0, magic=b"ARM\x64"):
    head = struct.pack("<IIQQQQQQ4sI", 0x14000010, 0, text_offset, size, flags, 0, 0, 0, magic, 0)
    return head + b"\0" * 4096


def elf(machine=183, phoff=64, phnum=1, phentsize=56, entry=0x40001000, offset=0x1000, vaddr=0x40001000, filesz=16, memsz=16,
        cls=2, kind=2, data=b"\x1f\x20\x03\xd5" * 4):
    head = struct.pack("<4sBBBB8xHHIQQQIHHHHHH", b"\x7fELF", cls, 1, 1, 0, kind, machine, 1, entry, phoff, 0, 0, 64, phentsize, phnum, 0, 0, 0)
    ph = struct.pack("<IIQQQQQQ", 1, 7, offset, vaddr, vaddr, filesz, memsz, 4096)
    return (head + ph).ljust(0x1000, b"\0") + data


def main():
    hypervisor = sys.argv[1]
    rng = random.Random(20260723)
    folder = tempfile.mkdtemp()

    def file(name, data):
        path = os.path.join(folder, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    good = file("good.bin", b"\x00\x00\x00\x14" * 16)
    kernel = file("Image", image())
    initrd = file("initrd", b"x" * 4096)
    huge = os.path.join(folder, "huge")
    with open(huge, "wb") as f:
        f.truncate(3 << 30)
    cases = [
        # (status, arguments)
        (2, ["run", good, "--memory", "1K"]), (2, ["run", good, "--memory", "banana"]), (2, ["run", good, "--memory", "-1"]),
        (2, ["run", good, "--memory", "99999999T"]), (2, ["run", good, "--memory"]), (2, ["run", good, "--cpus", "0"]),
        (2, ["run", good, "--cpus", "1000"]), (2, ["run", good, "--cpus", "x"]), (2, ["run", good, "--cpus", "4294967297"]),
        (2, ["run", good, "--gic", "2", "--cpus", "9"]), (2, ["run", good, "--gic", "4"]), (2, ["run", good, "--machine", "pc"]),
        (2, ["run", good, "--accel", "magic"]), (2, ["run", good, "--cpu", "pentium"]), (2, ["run", good, "--cpu", "max,nonsense=on"]),
        (2, ["run", good, "--frobnicate"]), (2, ["frobnicate"]), (2, ["run"]), (2, ["run", good, "--timeout", "soon"]),
        (2, ["run", good, "--max-insns", "-5"]), (2, ["run", good, "--entry", "zzz"]), (2, ["run", good, "--load", "nowhere"]),
        (2, ["run", good, "--lang", "tlh"]), (2, ["run", good, "--console", "telepathy"]), (2, ["run", good, "--log", "shout"]),
        (2, ["run", good, "--kernel", kernel]), (2, ["run", "--initrd", initrd]), (2, ["explain"]), (2, ["explain", "grue"]),
        (2, ["--json"]), (2, ["cpus", "--json"]), (2, ["doctor", "--json=1"]), (2, ["doctor", "kvm"]),
        (1, ["run", os.path.join(folder, "absent")]), (1, ["run", folder]), (1, ["run", file("empty", b"")]), (1, ["run", huge]),
        (1, ["run", "--kernel", file("empty2", b"")]), (1, ["run", "--kernel", kernel, "--initrd", huge]),
        (1, ["run", "--kernel", kernel, "--initrd", os.path.join(folder, "absent")]), (1, ["run", "--kernel", kernel, "--dtb", good]),
        (1, ["run", "--kernel", kernel, "--dtb", file("dtb", b"\xd0\x0d\xfe\xed" + b"\xff" * 60)]),
        (1, ["run", good, "--load", good + "@0xffffffffffffff00"]), (1, ["run", good, "--load", good + "@0x30000000"]),
        (1, ["run", "--kernel", file("big", image(size=1 << 62))]), (1, ["run", "--kernel", file("off", image(text_offset=1 << 63))]),
        (1, ["run", "--kernel", file("be", image(flags=1))]),
        (1, ["run", "--kernel", file("gz", b"\x1f\x8b\x08\x00" + b"\0" * 200)]),
        (1, ["run", "--kernel", file("zimg", b"MZ\0\0zimg" + struct.pack("<II", 0xfffffff0, 0xffffffff) + b"\0" * 8 + b"gzip\0\0\0\0" + b"\0" * 300)]),
        (1, ["run", file("x86.elf", elf(machine=62))]), (1, ["run", file("elf32", elf(cls=1))]), (1, ["run", file("rel.elf", elf(kind=1))]),
        (1, ["run", file("ph.elf", elf(phoff=1 << 63))]), (1, ["run", file("phn.elf", elf(phnum=65535))]), (1, ["run", file("phe.elf", elf(phentsize=1))]),
        (1, ["run", file("off.elf", elf(offset=1 << 62))]), (1, ["run", file("fsz.elf", elf(filesz=1 << 60, memsz=1 << 60))]),
        (1, ["run", file("low.elf", elf(vaddr=0x1000000000))]), (1, ["run", file("wrap.elf", elf(vaddr=(1 << 64) - 8))]),
        (1, ["run", file("mem.elf", elf(memsz=1 << 40))]), (1, ["run", file("less.elf", elf(memsz=1))]), (1, ["run", file("cut.elf", elf()[:70])]),
        (2, ["run", file("a.json", b"{")]), (2, ["run", file("b.json", b'{"cpus": "many"}')]), (2, ["run", file("c.json", b'{"wheels": 4}')]),
        (2, ["run", file("d.json", b"[" * 100000)]), (2, ["run", file("e.json", b'{"memory": -1}')]),
    ]
    for n in range(40):
        blob = bytearray(rng.choice([image(), elf(), b"MZ" + image()]))
        for _ in range(rng.randrange(1, 20)):
            blob[rng.randrange(0, min(len(blob), 256))] = rng.randrange(256)
        blob = blob[:rng.randrange(1, len(blob))]
        cases.append((None, ["run", "--max-insns", "100000", "--timeout", "0.2", file(f"random{n}", bytes(blob))]))
    failed = 0
    for want, args in cases:
        try:
            result = subprocess.run([hypervisor, *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
        except subprocess.TimeoutExpired:
            failed += 1
            print("FAILED", " ".join(args).replace(folder + "/", ""), "-- it runs on")
            continue
        err = result.stderr.decode("utf-8", "replace")
        lines = [l for l in err.splitlines() if l.strip()]
        problem = None
        if want is not None and result.returncode != want:
            problem = f"status {result.returncode} instead of {want}"
        elif want is not None and (len(lines) != 1 or not lines[0].startswith("hypervisor: ")):
            problem = "not one line that begins with 'hypervisor: '"
        elif want is None and result.returncode not in (0, 1, 2, 124):
            problem = f"status {result.returncode}"
        if problem or "Sanitizer" in err:
            failed += 1
            print("FAILED", " ".join(args).replace(folder + "/", ""), "--", problem, "--", err[:1500])
    print(f"{len(cases)} bad inputs, {failed} badly answered")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
