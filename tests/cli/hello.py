#!/usr/bin/env python3
"""hello.py [--accel NAME WORDS] COMMAND...: the original program's behaviour: `hypervisor` alone, in both languages, from
real exits. WORDS: what the transcript calls the back end; without, it is the software CPU, with both interrupt controllers.
"""

import re
import subprocess
import sys

PORTUGUESE = [
    r"\[INFO\] ARM64 Hypervisor Monitor iniciando\.\.\.",
    r"\[INFO\] CPU por software inicializado com sucesso",
    r"\[INFO\] Partição VM criada com sucesso",
    r"\[INFO\] Memória guest mapeada: 0x40000000 - 0x44000000",
    r"\[INFO\] vCPU ARM64 configurado com sucesso",
    r"\[INFO\] Devices inicializados com sucesso",
    r"\[INFO\] Sistema inicializado com sucesso\. Iniciando guest\.\.\.",
    r"\[INFO\] Guest carregado\. PC=0x40001000, SP=0x43FFF000",
    r"\[INFO\] VM-exit #1\b.*",
    r"\[INFO\] Guest HVC #0",
    r"\[INFO\] Guest disse: Hello Hypervisor!",
    r"\[INFO\] UART TX: 'H' \(0x48\)",
]


ACCEL, NAME, COMMAND = [], "CPU por software", sys.argv[1:]
if COMMAND[:1] == ["--accel"]:
    ACCEL, NAME, COMMAND = COMMAND[:2], COMMAND[2], COMMAND[3:]


def run(*args):
    result = subprocess.run([*COMMAND, *ACCEL, *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert result.returncode == 0, f"exit status {result.returncode}: {result.stderr.decode()}"
    return result.stdout.decode("utf-8").splitlines()


def in_order(lines, wanted):
    at = 0
    for pattern in wanted:
        while at < len(lines) and not re.fullmatch(pattern, lines[at]):
            at += 1
        assert at < len(lines), f"missing, or out of order: {pattern}\n" + "\n".join(lines)
        at += 1


def main():
    lines = run("--lang", "pt_BR")
    in_order(lines, [p.replace("CPU por software", NAME) for p in PORTUGUESE])
    letters = "".join(chr(int(m[1], 16)) for m in (re.search(r"UART TX: .*\(0x([0-9a-f]{2})\)", l) for l in lines) if m)
    assert letters == "Hello from EL1 by PL011\nTimer interrupt taken\n", letters
    exits = [int(m[1]) for m in (re.search(r"VM-exit #(\d+)", l) for l in lines) if m]
    assert exits == list(range(1, len(exits) + 1)) and len(exits) > 40, f"exits are not numbered through: {exits}"
    english = run("--lang", "en")
    assert any("Guest said: Hello Hypervisor!" in l for l in english)
    assert len(english) == len(lines), "the two languages tell different stories"
    print(f"{len(exits)} exits, {len(lines)} lines in each language")
    for gic in ("3",) if ACCEL else ("2", "3"):
        run("--gic", gic)


if __name__ == "__main__":
    main()
