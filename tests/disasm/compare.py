#!/usr/bin/env python3
"""compare.py WORDS [SEED [COUNT]]: our disassembly of random words of every row against GNU objdump's.

Spelling that is free is normalised on both sides: space, number base, register ranges in lists, the number of digits of
floating-point constants. Words that objdump calls undefined are counted, not compared (it insists on should-be-one bits).
"""

import re
import subprocess
import sys
import tempfile

MARCH = "armv8.6-a+crypto+sha3+sm4+fp16fml+flagm"


# Spelled by Arm's manual otherwise than by binutils 2.40: PSTATE accesses with immediates above 1, trace registers, SYS.
BINUTILS_DIFFERS = {"DCPS1", "DCPS2", "DCPS3", "DGH", "MSR_UAO", "MSR_PAN", "MSR_SPSel", "MSR_SSBS", "MSR_DIT", "MRS", "MSR", "SYS",
                    "SYSL", "MSR_reg", "HINT"}


def expand_range(match):
    first, kind, last = int(match[1]), match[2], int(match[3])
    return "{" + ",".join(f"v{(first + i) % 32}.{kind}" for i in range((last - first) % 32 + 1)) + "}"


def normal(text, at):
    text = re.sub(r"\s*//.*|<.*?>", "", text)
    text = re.sub(r"\{v(\d+)\.(\w+)-v(\d+)\.\w+\}", expand_range, text)
    text = re.sub(r"(#?-?\d+\.\d+(?:e[-+]\d+)?)", lambda m: "#%.7f" % float(m[1].lstrip("#")), text)
    text = re.sub(r"#?\b0x([0-9a-f]+)", lambda m: "#" + str(int(m[1], 16)), text)
    # Targets are relative to each word's own place in objdump's listing.
    if re.match(r"(b|bl|cbn?z|tbn?z|adrp?|b\.\w+|ldr|ldrsw|prfm)\s", text) and "[" not in text:
        match = re.search(r"[\s,]#?([0-9a-f]+)\s*$", text)
        if match:
            value = int(match[1], 16) if at is not None else int(match[1])
            page = 12 if text.startswith("adrp") else 0
            value = (value - ((at or 0) >> page << page)) & (1 << 64) - 1
            text = text[:match.start()] + f" ->{value}"
    return re.sub(r"[\s,]+", ",", text.strip()).replace("{,", "{").replace(",}", "}")


def main():
    words = sys.argv[1]
    seed = sys.argv[2] if len(sys.argv) > 2 else "1"
    count = sys.argv[3] if len(sys.argv) > 3 else "36"
    with tempfile.TemporaryDirectory() as folder:
        source, ours = f"{folder}/w.s", f"{folder}/w.txt"
        subprocess.run([words, seed, count, source, ours], check=True)
        subprocess.run(["aarch64-linux-gnu-as", "-march=" + MARCH, source, "-o", f"{folder}/w.o"], check=True)
        listing = subprocess.run(["aarch64-linux-gnu-objdump", "-d", "-M", "no-notes", "--no-show-raw-insn", f"{folder}/w.o"],
                                 check=True, capture_output=True, text=True).stdout
        theirs = re.findall(r"^\s*([0-9a-f]+):\t(.*)$", listing, re.M)
        lines = open(ours).read().splitlines()
    if len(lines) != len(theirs) or not lines:
        print(f"{len(lines)} words, {len(theirs)} lines from objdump")
        return 1
    differ, undefined, seen = 0, 0, set()
    for line, (at, their) in zip(lines, theirs):
        word, row, our = line.split(" ", 2)
        if row in BINUTILS_DIFFERS:
            continue
        if "undefined" in their or their.startswith(".inst"):
            undefined += 1
            continue
        if normal(our, None) != normal(their, int(at, 16)):
            differ += 1
            if row not in seen and len(seen) < 40:
                seen.add(row)
                print(f"{row} {word}: ours '{our}', objdump '{their}'")
    print(f"seed {seed}: {len(lines)} words, {differ} differ, {undefined} undefined to objdump")
    return differ != 0 or undefined > len(lines) // 20


if __name__ == "__main__":
    sys.exit(main())
