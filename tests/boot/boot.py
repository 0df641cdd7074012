#!/usr/bin/env python3
"""boot.py HYPERVISOR GUESTDIR INITRD CASE...: boots Linux in the monitor and checks what it says.

A case is a name of the table below or kernel-boardname-gicN-cpus, for example cloud-virt-gic3-4. Each prints one line;
the exit status is the number of cases that failed (at most 100). Nothing here depends on how long a boot takes, but
for a limit after which a case counts as hung.
"""

import os
import re
import resource
import subprocess
import sys
import time

import pexpect

HANG = int(os.environ.get("HV_HANG", "300"))
HERE = os.path.dirname(os.path.abspath(__file__))


class Failed(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Failed(what)


class Rig:
    def __init__(self, hypervisor, guests, initrd):
        self.hypervisor = hypervisor
        self.guests = guests
        self.initrd = initrd

    def command(self, kernel="linux", board="virt", gic=0, cpus=1, test="facts", memory="512M", extra=()):
        image = {"linux": "vmlinuz", "cloud": "vmlinuz-cloud", "16k": "vmlinuz-16k"}[kernel]
        args = [self.hypervisor, "run", "--machine", board, "--cpus", str(cpus), "--memory", memory]
        if "HV_ACCEL" in os.environ:
            args += ["--accel", os.environ["HV_ACCEL"]]
        if gic:
            args += ["--gic", str(gic)]
        args += ["--kernel", os.path.join(self.guests, image), "--initrd", self.initrd]
        args += ["--append", f"console=ttyAMA0 panic=-1 hv.test={test}"]
        return args + list(extra)

    def batch(self, **options):
        """Runs to the end without a terminal; returns the console's text. Status 0 is demanded."""
        run = subprocess.run(self.command(**options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, timeout=HANG)
        text = run.stdout.decode("utf-8", "replace")
        if run.returncode != 0:
            raise Failed(f"exit status {run.returncode}; the last lines were\n" + "\n".join(text.splitlines()[-40:]))
        return text

    def terminal(self, **options):
        args = self.command(**options)
        return pexpect.spawn(args[0], args[1:], timeout=HANG, encoding="utf-8", codec_errors="replace")


def value(text, name):
    found = re.findall(r"^@@ " + name + r" (.*?)\r?$", text, re.M)
    need(found, f"the guest did not say '@@ {name}'; the last lines were\n" + "\n".join(text.splitlines()[-30:]))
    return found[-1]


def check_facts(text, cpus, gic):
    need(value(text, "cpus") == str(cpus), f"{value(text, 'cpus')} CPUs instead of {cpus}")
    if gic:
        need(value(text, "gic") == ("GICv3" if gic == 3 else "GIC-0"), f"interrupt controller is {value(text, 'gic')}")
    need(value(text, "warnings") == "0", "warnings in the kernel's log:\n" + text[text.find("@@ warnings"):][:4000])
    need(abs(int(value(text, "rtc")) - time.time()) < 3600, "the real-time clock is wrong")
    need("@@ done" in text, "the guest did not come to its end")


def case_matrix(rig, name):
    kernel, board, gic, cpus = re.fullmatch(r"(\w+)-(\w+)-gic(\d)-(\d+)", name).groups()
    text = rig.batch(kernel=kernel, board=board, gic=int(gic), cpus=int(cpus))
    check_facts(text, int(cpus), int(gic))
    if kernel == "16k":
        need(value(text, "page") == "16", f"pages of {value(text, 'page')} KiB")
    return value(text, "uname")


def case_torture(rig, seconds=int(os.environ.get("HV_TORTURE", "40")), extra=()):
    text = rig.batch(kernel="cloud", cpus=4, gic=3, test=f"torture-{seconds}", memory="1G", extra=extra)
    result = re.search(r"torture: (\d+) rounds, (\d+) errors", text)
    need(result, "the torture did not end")
    need(result.group(2) == "0" and "@@ torture ok" in text, "checksums differ:\n" + text[-3000:])
    check_facts(text, 4, 3)
    return result.group(0) + f" in {seconds} s on 4 CPUs"


def case_memory64(rig):
    """The smallest machine of the reference: 64 MiB."""
    check_facts(rig.batch(memory="64M", cpus=1, gic=2, board="classic"), 1, 2)
    return "64 MiB is enough"


def case_shell(rig):
    t = rig.terminal(kernel="cloud", test="shell")
    t.expect("@@ shell")
    t.expect("guest# ")
    t.sendline("echo $((6 * 7))")
    t.expect("42\r+\n")
    t.expect("guest# ")
    t.sendline("cat")
    t.expect("\r\n")
    t.sendline("ärger-日本")
    t.expect("ärger-日本\r+\n")
    t.expect("ärger-日本\r+\n")
    t.send("\x04")
    t.expect("guest# ")
    t.sendline("sleep 1000")
    t.expect("\r\n")
    time.sleep(1)
    t.send("\x03")
    t.expect("guest# ")
    t.sendline("echo alive $?")
    t.expect("alive 130")
    t.expect("guest# ")
    t.sendline("poweroff")
    t.expect(pexpect.EOF)
    t.close()
    need(t.exitstatus == 0, f"exit status {t.exitstatus} after poweroff")
    return "typing, UTF-8, Ctrl-C, poweroff"


def case_reboot(rig):
    t = rig.terminal(kernel="cloud", test="shell")
    t.expect("guest# ")
    t.sendline("reboot")
    t.expect("Booting Linux on physical CPU")
    t.expect("@@ shell")
    t.expect("guest# ")
    t.sendline("poweroff")
    t.expect(pexpect.EOF)
    t.close()
    need(t.exitstatus == 0, f"exit status {t.exitstatus}")
    return "reboot boots again"


def case_escape(rig):
    """Ctrl-A x leaves, Ctrl-A h helps, and the terminal is as it was before."""
    script = 'before=$(stty -g); "$@"; echo "@status $?"; [ "$(stty -g)" = "$before" ] && echo "@terminal restored"'
    args = rig.command(kernel="cloud", test="shell")
    t = pexpect.spawn("/bin/sh", ["-c", script, "sh"] + args, timeout=HANG, encoding="utf-8", codec_errors="replace")
    t.expect("guest# ")
    t.send("\x01h")
    t.expect("Ctrl-A x")
    t.send("\x01x")
    t.expect(r"@status (\d+)")
    status = t.match.group(1)
    t.expect("@terminal restored")
    t.close()
    return f"Ctrl-A x, status {status}, terminal restored"


def case_button(rig):
    """Ctrl-A p reaches the guest as a key of gpio-keys, and its events are the key's: 116 down, 116 up."""
    t = rig.terminal(kernel="linux", test="button")
    t.expect("@@ button")
    t.send("\x01p")
    t.expect("@@ button pressed ([0-9 ]+)\r")
    need(t.match.group(1).split() == ["116", "1", "116", "0"], "key events " + t.match.group(1))
    t.expect(pexpect.EOF)
    t.close()
    return "power key pressed and released"


def case_idle(rig):
    """An idle guest uses less than 3 % of a core: CPU time of the monitor over ten seconds of sleep in the guest."""
    t = rig.terminal(kernel="cloud", test="idle")
    t.expect("@@ idle")
    time.sleep(2)
    ticks = os.sysconf("SC_CLK_TCK")

    def cpu_time():
        with open(f"/proc/{t.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / ticks

    before, start = cpu_time(), time.monotonic()
    time.sleep(6)
    share = (cpu_time() - before) / (time.monotonic() - start)
    t.expect(pexpect.EOF)
    t.close()
    need(t.exitstatus == 0, f"exit status {t.exitstatus}")
    need(share < 0.03, f"an idle guest uses {100 * share:.1f} % of a core")
    return f"{100 * share:.2f} % of a core"


def case_userland(rig):
    args = [rig.hypervisor, "run", "--machine", "virt", "--cpus", "2", "--memory", "2G",
            "--kernel", os.path.join(rig.guests, "vmlinuz"), "--initrd", os.path.join(rig.guests, "userland.cpio"),
            "--append", "console=ttyAMA0 panic=-1 quiet"]
    run = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=2 * HANG)
    text = run.stdout.decode("utf-8", "replace")
    need(run.returncode == 0, f"exit status {run.returncode}:\n{text[-3000:]}")
    for name in ("python3", "perl", "openssl", "gcc"):
        need(re.search(rf"^@@ {name} ok\r?$", text, re.M), f"{name} failed:\n{text[-4000:]}")
    return "python3, perl, openssl, gcc"


def case_jit_userland(rig, cpus):
    """A JavaScript engine and a JVM compile and run programs whose results are known."""
    initrd = os.path.join(rig.guests, "jit-userland.cpio")
    args = [rig.hypervisor, "run", "--machine", "virt", "--cpus", str(cpus), "--memory", "2G",
            "--kernel", os.path.join(rig.guests, "vmlinuz"), "--initrd", initrd,
            "--append", "console=ttyAMA0 panic=-1 quiet"]
    run = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=4 * HANG)
    text = run.stdout.decode("utf-8", "replace")
    need(run.returncode == 0, f"exit status {run.returncode}:\n{text[-3000:]}")
    need(value(text, "cpus") == str(cpus), f"{value(text, 'cpus')} CPUs instead of {cpus}")
    for name in ("node", "java"):
        need(re.search(rf"^@@ {name} ok\r?$", text, re.M), f"{name} failed:\n{text[-4000:]}")
    return f"node, java on {cpus} CPUs"


CASES = {
    "jit-userland-1": lambda rig: case_jit_userland(rig, 1),
    "jit-userland-4": lambda rig: case_jit_userland(rig, 4),
    "torture": case_torture,
    # The code cache and the pool of decoded pages are full all the time.
    "torture-small": lambda rig: case_torture(rig, 10, ["--jit-cache", "1M"]),
    "memory64": case_memory64,
    "shell": case_shell,
    "reboot": case_reboot,
    "escape": case_escape,
    "button": case_button,
    "idle": case_idle,
    "userland": case_userland,
}


def main():
    names = sys.argv[4:]
    rig = Rig(*sys.argv[1:4])
    failed = 0
    for name in names:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            says = CASES[name](rig) if name in CASES else case_matrix(rig, name)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"ok {name}: {says} ({cpu:.1f} s of CPU)", flush=True)
        except (Failed, subprocess.TimeoutExpired, pexpect.ExceptionPexpect, AttributeError) as e:
            failed += 1
            print(f"FAILED {name}: {e}", flush=True)
    return min(failed, 100)


if __name__ == "__main__":
    sys.exit(main())
