#!/usr/bin/env python3
"""manual.py HYPERVISOR MANUAL: the manual page kept in docs/ is what --print-man writes, and --help has its options in both languages."""

import re
import subprocess
import sys


def output(*args):
    return subprocess.run([sys.argv[1], *args], capture_output=True, text=True, encoding="utf-8", check=True).stdout


def main():
    with open(sys.argv[2], encoding="utf-8") as f:
        kept = f.read()
    man = output("--print-man", "--lang", "en")
    assert man == kept, f"docs/hypervisor.1 is old: hypervisor --print-man --lang en > {sys.argv[2]}"
    options = {name.replace("\\-", "-") for name in re.findall(r"^\.B (\\-\\-[a-z\\-]+)", man, re.M)}
    assert len(options) > 20, options
    for lang in ("en", "pt_BR"):
        missing = options - set(re.findall(r"^  (--[a-z-]+)", output("--help", "--lang", lang), re.M))
        assert not missing, f"--help in {lang} has no {missing}"
    print(f"{len(options)} options")
    return 0


if __name__ == "__main__":
    sys.exit(main())
