#!/usr/bin/env python3
"""perf.py HYPERVISOR: what --perf tells Linux's profiler.

A guest calls a function until it is translated, changes it, and does so again, some times. Map and jitdump must name its loop
and its function by the guest's symbols, the latter once for each change, and agree on everything else; the dump must be as its
specification says. Without symbols the names are addresses; --symbols gives them back, from an ELF file or nm's text.
Where there is perf and it may record, perf inject and perf report must find the loop by its name.
"""

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

CHANGES = 5
GUEST = f"""
        .global _start
_start: mov     x19, #0
        mov     x20, #{CHANGES}
        adr     x21, function
1:      mov     x22, #3000
loop:   bl      function
        sub     x22, x22, #1
        cbnz    x22, loop
        ldr     w0, [x21]               // the immediate of ADD becomes another
        add     w0, w0, #1 << 10
        str     w0, [x21]
        dc      cvau, x21
        dsb     ish
        ic      ivau, x21
        dsb     ish
        isb
        sub     x20, x20, #1
        cbnz    x20, 1b
        movz    w0, #0x8400, lsl #16
        movk    w0, #8
        hvc     #0
        .align  8
function:
        add     x19, x19, #1
        ret
"""
BUSY = """
        .global _start
_start: movz    x0, #0x3000, lsl #16
loop:   subs    x0, x0, #1
        b.ne    loop
        movz    w0, #0x8400, lsl #16
        movk    w0, #8
        hvc     #0
"""


def check(what, condition):
    if not condition:
        sys.exit(f"perf.py: {what}")


def build(folder, name, text):
    source, elf = os.path.join(folder, name + ".S"), os.path.join(folder, name + ".elf")
    with open(source, "w") as f:
        f.write(text)
    subprocess.run(["aarch64-linux-gnu-gcc", "-nostdlib", "-static", "-Wl,--build-id=none", "-Wl,-Ttext=0x40001000", "-o", elf, source],
                   check=True)
    out = subprocess.run(["aarch64-linux-gnu-nm", elf], check=True, capture_output=True, text=True).stdout
    return elf, {line.split()[2]: int(line.split()[0], 16) for line in out.splitlines()}


def run(hypervisor, *options):
    """The number of the process; the guest must have ended well."""
    process = subprocess.Popen([hypervisor, "run", "--accel", "soft", *options], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    text = process.communicate()[1]
    check(f"{options}: status {process.returncode}, {text}", process.returncode == 0)
    return process.pid


def read_map(path):
    """(name, size) of every line, in order."""
    pieces, places = [], []
    with open(path) as f:
        for line in f:
            start, size, name = re.fullmatch(r"([0-9a-f]+) ([0-9a-f]+) (\S+)\n", line).groups()
            pieces.append((name, int(size, 16)))
            places.append((int(start, 16), int(start, 16) + int(size, 16)))
    places.sort()
    for before, after in zip(places, places[1:]):
        check(f"the map's pieces overlap: {before} {after}", before[1] <= after[0])
    return pieces


def read_dump(path, pid):
    """The same, and the code of every piece."""
    with open(path, "rb") as f:
        data = f.read()
    header = struct.unpack_from("<IIIIIIQQ", data)
    check(f"header {header}", header[:6] == (0x4A695444, 1, 40, 62, 0, pid) and header[7] == 0)
    at, time, pieces, codes = header[2], header[6], [], []
    while True:
        kind, size, stamp = struct.unpack_from("<IIQ", data, at)
        check(f"record at {at}: size {size}, time {stamp} after {time}", 16 <= size <= len(data) - at and stamp >= time)
        time = stamp
        if kind == 3:
            break
        check(f"record at {at}: id {kind}", kind == 0)
        process, _, va, address, code_size, index = struct.unpack_from("<IIQQQQ", data, at + 16)
        name, code = data[at + 56:at + size].split(b"\0", 1)
        check(f"record at {at}: {name}", process == pid and va == address and index == len(pieces) and len(code) == code_size)
        pieces.append((name.decode(), code_size))
        codes.append(code)
        at += size
    check("bytes behind the last record", at + size == len(data))
    return pieces, codes


def by_symbols(hypervisor, folder, elf, symbol):
    """Names for a program that has none itself."""
    stripped, text = os.path.join(folder, "stripped"), os.path.join(folder, "nm.txt")
    subprocess.run(["aarch64-linux-gnu-strip", "-o", stripped, elf], check=True)
    with open(text, "w") as f:
        for name, address in symbol.items():
            f.write(f"{address - 0x40000000:016x} T {name}\n")
    plain, named = {f"el1:{symbol['loop']:#x}", f"el1:{symbol['function']:#x}"}, {"el1:loop", "el1:function"}
    for options, want, none in [([], plain, named), (["--symbols", elf], named, plain),
                                (["--symbols", f"{text}@0x40000000"], named, plain), (["--symbols", text], plain, named)]:
        pid = run(hypervisor, "--perf", "map", stripped, *options)
        path = f"/tmp/perf-{pid}.map"
        names = {name for name, _ in read_map(path)}
        os.unlink(path)
        check(f"{options}: {want} and not {none}: {names}", names >= want and not names & none)
    dump = subprocess.run([hypervisor, "run", "--max-insns", "5", "--symbols", elf, stripped], capture_output=True, text=True).stderr
    check(f"no name in the dump: {dump}", re.search(r"=> [0-9a-f]{16}  [0-9a-f]{8}  \S.*   <(loop|_start|function)(\+0x[0-9a-f]+)?>$", dump, re.M))
    for wrong, status, words in [(sys.executable, 1, "AArch64"), (__file__, 1, "has no symbols"), (f"{folder}/none", 1, "none"), ("@0x10", 2, "FILE@OFFSET")]:
        bad = subprocess.run([hypervisor, "run", "--symbols", wrong, "--lang", "en", elf], capture_output=True, text=True)
        check(f"--symbols {wrong}: {bad}", bad.returncode == status and words in bad.stderr and bad.stderr.count("\n") == 1)


def static_checks(hypervisor, folder):
    elf, symbol = build(folder, "changes", GUEST)
    pid = run(hypervisor, "--perf", "map", elf)
    path = f"/tmp/perf-{pid}.map"
    pieces = read_map(path)
    os.unlink(path)
    names = [name for name, _ in pieces]
    check(f"no shared code in {names}", "jit:enter" in names and "jit:call" in names)
    check(f"no loop in {names}", "el1:loop" in names)
    check(f"nothing inside the loop in {names}", any(re.fullmatch(r"el1:loop\+0x[48]", name) for name in names))
    function = [size for name, size in pieces if name == "el1:function"]
    check(f"the function was changed {CHANGES} times: {names}", len(function) == CHANGES)

    pid = run(hypervisor, "--perf", f"jitdump:{folder}", elf)
    again, codes = read_dump(os.path.join(folder, f"jit-{pid}.dump"), pid)
    check(f"map and dump differ: {pieces} {again}", pieces == again)
    function = [code for (name, _), code in zip(again, codes) if name == "el1:function"]
    check("the code of the changed function is the same", len(set(function)) == CHANGES)

    by_symbols(hypervisor, folder, elf, symbol)

    off = subprocess.run([hypervisor, "run", "--accel", "soft,jit=off", "--perf", "map", elf], capture_output=True, text=True)
    check(f"jit=off: {off}", off.returncode != 0 and "--perf" in off.stderr)
    away = subprocess.run([hypervisor, "run", "--perf", f"jitdump:{folder}/none", elf], capture_output=True, text=True)
    check(f"no folder: {away}", away.returncode != 0 and f"{folder}/none/jit-" in away.stderr)


def with_perf(hypervisor, folder):
    perf = shutil.which("perf")
    elf, _ = build(folder, "busy", BUSY)
    want = "el1:loop"

    def report(data):
        return subprocess.run([perf, "report", "--stdio", "-i", data], capture_output=True, text=True).stdout

    for kind in ("map", f"jitdump:{folder}"):
        data = os.path.join(folder, "perf.data")
        record = [perf, "record", "-q", "-k", "mono", "-e", "cpu-clock:u", "-o", data]
        if perf is None or subprocess.run([*record, "true"], capture_output=True).returncode != 0:
            return "no perf that may record"
        process = subprocess.run([*record, hypervisor, "run", "--accel", "soft", "--perf", kind, elf], capture_output=True, text=True)
        check(f"perf record: {process}", process.returncode == 0)
        if kind != "map":
            injected = os.path.join(folder, "injected.data")
            process = subprocess.run([perf, "inject", "--jit", "-i", data, "-o", injected], capture_output=True, text=True, cwd=folder)
            check(f"perf inject: {process}", process.returncode == 0)
            data = injected
        text = report(data)
        check(f"{kind}: no {want} in\n{text}", re.search(rf"\[\.\] {want}\b", text))
    for name in os.listdir("/tmp"):  # whose numbers only perf knows
        if re.fullmatch(r"perf-\d+\.map", name) and not os.path.exists(f"/proc/{name[5:-4]}"):
            with open(f"/tmp/{name}") as f:
                mine = want in f.read()
            if mine:
                os.unlink(f"/tmp/{name}")
    return "perf report and perf inject find the guest's loop"


def main():
    with tempfile.TemporaryDirectory() as folder:
        static_checks(sys.argv[1], folder)
        print(with_perf(sys.argv[1], folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
