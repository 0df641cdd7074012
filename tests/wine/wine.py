#!/usr/bin/env python3
"""wine.py x64|arm64 HYPERVISOR.EXE CASE [GUESTS]: the Windows program under Wine. Status 77: skipped, with the reason.

names      arguments, files and messages beyond ASCII
dtb        what goes into a pipe is bytes: the devicetree is the one that `hypervisor dtb` makes everywhere
pipe       standard input from a pipe reaches the guest, and its end is not the guest's
files      --log-file, --print-config, a missing file, a folder in place of a file
linux      Debian's kernel to user space on one CPU, power-off
linux-smp  the same on two
reboot     the guest starts anew
terminal   a shell on a console: typed keys, Ctrl-A h, Ctrl-C for the guest, Ctrl-A x
"""

import os
import pathlib
import re
import selectors
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT = {"x64": 120, "arm64": 600}


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def windows(path):
    """Both Wines have / as drive Z."""
    return "Z:" + str(pathlib.Path(path).resolve()).replace("/", "\\")


class Rig:
    def __init__(self, arch, program, guests):
        self.arch, self.program, self.guests = arch, program, guests
        self.initrd = None
        self.command = [str(HERE / "wine.sh"), arch, program]

    def run(self, *args, status=0, text="", env=None):
        """Standard output of a run, as bytes; standard error is in self.err."""
        result = subprocess.run([*self.command, *args], input=text.encode(), capture_output=True,
                                timeout=TIMEOUT[self.arch], env={**os.environ, **(env or {})})
        self.err = result.stderr.decode("utf-8", "replace")
        assert result.returncode == status, f"exit status {result.returncode}: {self.err}\n{result.stdout.decode('utf-8', 'replace')[-2000:]}"
        return result.stdout

    def talk(self, args, steps):
        """Runs with pipes for streams; steps are (text to wait for, text to send then). Output and exit status."""
        child = subprocess.Popen([*self.command, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, seen, deadline = b"", 0, time.monotonic() + TIMEOUT[self.arch]
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ)
            while True:
                while steps and (at := output.find(steps[0][0].encode(), seen)) >= 0:
                    seen = at + len(steps[0][0])
                    child.stdin.write(steps.pop(0)[1].encode())
                    child.stdin.flush()
                if not selector.select(deadline - time.monotonic()):
                    child.kill()
                    raise AssertionError(f"nothing more, waiting for {steps[:1]}: {output[-2000:].decode('utf-8', 'replace')}")
                more = os.read(child.stdout.fileno(), 65536)
                if not more:
                    break
                output += more
        child.stdin.close()
        return output.decode("utf-8", "replace"), child.wait(30)

    def kernel(self):
        kernel = pathlib.Path(self.guests or "/nonexistent") / "vmlinuz-cloud"
        if not kernel.exists():
            skip("no Debian kernel (scripts/guests.sh cloud)")
        return kernel

    def linux(self, cpus, show=True):
        initrd = pathlib.Path(tempfile.gettempdir()) / f"hv-wine-{os.getpid()}.cpio.gz"
        scripts = HERE.parent.parent / "scripts"
        subprocess.run([scripts / "initrd.sh", initrd, HERE.parent / "boot" / "demo-init"], check=True)
        self.initrd = initrd
        append = "console=ttyAMA0 quiet panic=-1" + (" hv.show" if show else "")
        return ["run", windows(self.kernel()), "--initrd", windows(initrd), "--append", append, "--cpus", str(cpus)]


def case_names(rig):
    out = rig.run("run", "Z:\\não há\\φ.elf", "--lang", "pt_BR", status=1)
    assert out == b"" and "Z:\\não há\\φ.elf" in rig.err and "não existe" in rig.err, rig.err
    assert "\r" not in rig.err
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "configuração.json"
        path.write_text('{ "machine": "virt", "cpus": 3 }', encoding="utf-8")
        config = rig.run("--print-config", windows(path)).decode()
        assert '"virt"' in config and "3" in config, config


def case_dtb(rig):
    blob = rig.run("dtb", "--machine", "virt", "--cpus", "2")
    assert blob[:4] == b"\xd0\r\xfe\xed" and int.from_bytes(blob[4:8], "big") == len(blob), "not the bytes of a devicetree"
    text = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts"], input=blob, capture_output=True) if dtc() else None
    if text is not None:
        assert text.returncode == 0 and b"arm,pl011" in text.stdout


def dtc():
    return any((pathlib.Path(p) / "dtc").exists() for p in os.environ["PATH"].split(":"))


def case_pipe(rig):
    out, status = rig.talk(rig.linux(1, show=False), [("/ # ", "echo a-$((6*7))-b\n"), ("a-42-b", ""), ("/ # ", "poweroff\n")])
    assert status == 0 and "a-42-b" in out, out[-2000:]
    out = rig.run(text="nobody reads this")
    assert b"Hello Hypervisor!" in out


def case_files(rig):
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "log.txt"
        rig.run("--log", "debug", "--log-file", windows(log))
        assert "HVC" in log.read_text(), "the log file says nothing"
        rig.run("run", windows(folder), status=1)
        assert "is a directory" in rig.err, rig.err
        rig.run("run", windows(log) + ".none", status=1)
        assert "no such file" in rig.err, rig.err
    rig.run("--console", "pty", status=1)
    assert "pseudo-terminal" in rig.err, rig.err
    rig.run("--nonsense", status=2)


def case_linux(rig, cpus=1):
    out = rig.run(*rig.linux(cpus)).decode("utf-8", "replace")
    assert len(re.findall(r"^processor\s*:", out, re.M)) == cpus, out[-3000:]
    assert "reboot: Power down" in out, out[-3000:]


def case_reboot(rig):
    out, status = rig.talk(rig.linux(1, show=False), [("/ # ", "reboot\n"), ("/ # ", "poweroff\n")])
    assert status == 0 and "a static busybox" in out.split("reboot: Restarting system")[1], out[-2000:]


def case_terminal(rig):
    try:
        import pexpect
    except ImportError:
        skip("no python3-pexpect")
    child = pexpect.spawn(rig.command[0], [*rig.command[1:], *rig.linux(1, show=False)], timeout=5, encoding="utf-8",
                          codec_errors="replace", dimensions=(40, 120))
    raw, seen = "", 0

    def plain():
        """Wine's console skips blanks by moving, and draws with sequences of its own."""
        moved = re.sub(r"\x1b\[([0-9]*)C", lambda m: " " * int(m[1] or 1), raw)
        return re.sub(r"\x1b(\[[?0-9;]*[A-Za-z]|\][^\x07]*\x07)", "", moved)

    def wait_for(text):
        nonlocal raw, seen
        deadline = time.monotonic() + TIMEOUT[rig.arch] / 2
        while (at := plain().find(text, seen)) < 0:
            shown = plain()
            assert time.monotonic() < deadline, f"no {text!r} in {shown[-1500:]!r}"
            try:
                raw += child.read_nonblocking(4096, 5)
            except pexpect.TIMEOUT:
                pass
        seen = at + len(text)

    wait_for("/ #")
    child.send("echo x-$((6*7))-y\r")
    wait_for("x-42-y")
    child.send("cat\r")
    time.sleep(1)
    child.send("typed\r")
    wait_for("typed")
    wait_for("typed")  # once echoed, once by cat
    child.send("\x03")  # the guest's Ctrl-C, not ours
    wait_for("/ #")
    child.send("\x01h")
    wait_for("Ctrl-A x")
    child.send("\x01x")
    child.expect(pexpect.EOF, timeout=60)
    child.close()
    assert child.exitstatus == 0, f"exit status {child.exitstatus}, signal {child.signalstatus}"


CASES = {
    "names": case_names, "dtb": case_dtb, "pipe": case_pipe, "files": case_files, "linux": case_linux,
    "linux-smp": lambda rig: case_linux(rig, 2), "reboot": case_reboot, "terminal": case_terminal,
}


def main():
    arch, program, case = sys.argv[1:4]
    rig = Rig(arch, program, sys.argv[4] if len(sys.argv) > 4 else "")
    try:
        CASES[case](rig)
    finally:
        if rig.initrd is not None:
            rig.initrd.unlink()
    print(f"{arch} {case}: as it should be")


if __name__ == "__main__":
    main()
