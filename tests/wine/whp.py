#!/usr/bin/env python3
"""whp.py x64|arm64 HYPERVISOR.EXE CASE DLL [GUESTS]: the Windows program with the simulated WinHvPlatform.dll (tests/whp), under
Wine, in a prefix of these tests' own (WINEPREFIX) whose system folder has the DLL. Status 77: skipped, with the reason.

prefix     makes the prefix, from the one of scripts/windows.sh
linux      Debian's kernel to user space on two CPUs, power-off
reboot     the guest starts anew, with everything the other way round that the platform's documents leave open
stop       Ctrl-C ends guests that never leave the processor, or sleep
auto       --accel auto takes it; where it fails, soft, with the reason; without the DLL soft, and on x86-64 without a word
failures   every way of failing: a message of its own, exit status 1
"""

import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

import wine

SYSTEM = "drive_c/windows/system32/WinHvPlatform.dll"
VERSION = r"HKLM\Software\Microsoft\Windows NT\CurrentVersion"

SPIN = [0x14000000]
SLEEP = [0xD503207F, 0x17FFFFFF]
# Transmit interrupts: all of UARTIMSC, then bytes for ever.
INTERRUPTS = [0xD2A12001, 0x12800002, 0xB9003822, 0xB9000022, 0x17FFFFFE]

# (switches of the simulation, what the message must contain)
SWITCHES = [
    ("fail=WHvGetCapability@0", "WHvGetCapability(HypervisorPresent) failed with 0x80004005"),
    ("fail=WHvGetCapability@1", "WHvGetCapability(Features) failed with 0x80004005"),
    ("hypervisor=off", "hypervisor of Windows is not running"),
    ("arm64=off", "Arm64Support"),
    ("fail=WHvCreatePartition:0x80070005", "WHvCreatePartition: access denied (0x80070005)"),
    ("fail=WHvCreatePartition:0xc0351000", "WHvCreatePartition: the hypervisor is not there"),
    ("fail=WHvCreatePartition:0x8007000e", "WHvCreatePartition: the hypervisor has no memory"),
    ("fail=WHvCreatePartition:0x80004002", "WHvCreatePartition: this Windows does not know that"),
    ("fail=WHvCreatePartition", "WHvCreatePartition failed with 0x80004005"),
    ("fail=WHvDeletePartition:0x80004005:0:1", "WHvDeletePartition failed"),
    ("fail=WHvSetPartitionProperty@0x1fff", "WHvSetPartitionProperty (ProcessorCount) failed"),
    ("fail=WHvSetPartitionProperty@0x1012:0x80370304", "(Arm64IcParameters): this Windows cannot have such a machine"),
    ("fail=WHvSetPartitionProperty@0x1011:0xc035000a", "(PhysicalAddressWidth): this Windows cannot"),
    ("fail=WHvSetupPartition:0x80370304", "WHvSetupPartition: this Windows cannot have such a machine"),
    ("fail=WHvSetupPartition:0xc035000b", "WHvSetupPartition: the hypervisor has no memory left"),
    ("fail=WHvMapGpaRange", "WHvMapGpaRange failed"),
    ("fail=WHvMapGpaRange:0xc0370008", "WHvMapGpaRange: this process has a machine already"),
    ("fail=WHvCreateVirtualProcessor:0x80370306", "WHvCreateVirtualProcessor failed with 0x80370306"),
    ("fail=WHvGetVirtualProcessorRegisters@0x22038:0x80370309", "(ID_AA64MMFR0_EL1): this Windows does not know"),
    ("pa=36 fail=WHvSetVirtualProcessorRegisters@0x22038", "WHvSetVirtualProcessorRegisters (ID_AA64MMFR0_EL1) failed"),
    ("fail=WHvGetVirtualProcessorRegisters@0x40051", "WHvGetVirtualProcessorRegisters (MIDR_EL1) failed"),
    ("fail=WHvSetVirtualProcessorRegisters@0x40051", "WHvSetVirtualProcessorRegisters (MIDR_EL1) failed"),
    ("fail=WHvSetVirtualProcessorRegisters@0x40001", "(MPIDR_EL1) failed"),
    ("fail=WHvSetVirtualProcessorRegisters@0x63000", "(GicrBaseGpa) failed"),
    # While the guest runs.
    ("fail=WHvRunVirtualProcessor:0xc0350050", "WHvRunVirtualProcessor failed with 0xc0350050"),
    ("fail=WHvSetVirtualProcessorRegisters@0x20000", "WHvSetVirtualProcessorRegisters (PC) failed"),
    ("fail=WHvGetVirtualProcessorRegisters@0x20002", "WHvGetVirtualProcessorRegisters (X) failed"),
    ("fail=WHvRequestInterrupt:0xc0350005", "WHvRequestInterrupt failed with 0xc0350005"),
    ("exit=0x80000021", "cannot recover from"),
    ("exit=0x80000020", "cannot have (exit"),
    ("exit=0x80000022", "does not support what the guest did"),
    ("exit=0x80010006", "hypervisor's register"),
    ("exit=0x1234", "exit 0x1234"),
    ("exit=0x8001000c reset=3", "unknown type 3"),
    ("exit=0x80000000 syndrome=0x5a000000", "syndrome 0x5a000000"),
]
# Without some of these there is no machine at all; the rest is optional (src/accel/whp/api.def).
MANDATORY = re.findall(r"^FN\(MUST, (\w+),", (wine.HERE.parents[1] / "src/accel/whp/api.def").read_text(), re.M)


class Rig(wine.Rig):
    def __init__(self, arch, program, dll, guests):
        super().__init__(arch, program, guests)
        self.dll = pathlib.Path(dll)
        self.prefix = pathlib.Path(os.environ["WINEPREFIX"])
        self.system = self.prefix / SYSTEM
        self.folder = tempfile.TemporaryDirectory()

    def guest(self, words):
        """A bare-metal program, as Windows names it."""
        path = pathlib.Path(self.folder.name) / "guest.bin"
        path.write_bytes(struct.pack(f"<{len(words)}I", *words))
        return wine.windows(path)

    def linux(self, cpus, show=True):
        args = super().linux(cpus, show)
        return [args[0], "--accel", "whp", *args[1:]]

    def fails(self, what, *args, switches=""):
        """One line on standard error that says so (a dump of the CPUs may follow), and status 1."""
        self.run("run", "--accel", "whp", *args, self.guest(INTERRUPTS), status=1, env={"HV_WHP_SIM": switches})
        lines = [line for line in self.err.splitlines() if line.startswith(("hypervisor:", "[ERROR] vm:"))]
        assert len(lines) == 1 and what in lines[0], f"{switches}: no {what!r} in {self.err!r}"
        return lines[0]


def case_prefix(rig):
    source = pathlib.Path(os.environ.get("HV_CACHE") or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or
                          pathlib.Path.home() / ".cache") / "arm64-hypervisor") / "windows"
    source = source / ("wine-x64" if rig.arch == "x64" else "wine-arm64/prefix")
    if not (source / "system.reg").exists():
        wine.skip("no Wine prefix (scripts/windows.sh)")
    if not (rig.prefix / "system.reg").exists():
        def link(a, b):
            """The registry is written to; all else can be the same file."""
            if a.endswith(".reg"):
                return shutil.copy2(a, b)
            try:
                return os.link(a, b)
            except OSError:
                return shutil.copy2(a, b)

        shutil.rmtree(rig.prefix, ignore_errors=True)
        shutil.copytree(source, rig.prefix, symlinks=True, copy_function=link)
    install(rig)
    subprocess.run([rig.command[0], rig.arch, "--start"], check=True)
    set_version(rig, 26100, 3915)


def install(rig, data=None):
    """The DLL, or other bytes in its place; never into a file that another prefix has, too."""
    rig.system.unlink(missing_ok=True)
    rig.system.write_bytes(rig.dll.read_bytes() if data is None else data)


def set_version(rig, build, revision):
    for name, kind, value in (("CurrentBuildNumber", "REG_SZ", build), ("UBR", "REG_DWORD", revision)):
        subprocess.run([*rig.command[:2], "reg", "add", VERSION, "/v", name, "/t", kind, "/d", str(value), "/f"],
                       check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def case_linux(rig):
    wine.case_linux(rig, 2)


def case_reboot(rig):
    os.environ["HV_WHP_SIM"] = "cancel=lost surplus=7 gpa=unmapped length=0 features=off pa=39"
    wine.case_reboot(rig)


def case_stop(rig):
    for words in (SPIN, SLEEP):
        # Where standard input is no console, Ctrl-C ends the guest.
        child = subprocess.Popen([*rig.command, "run", "--accel", "whp", "--log", "info", "--cpus", "2", rig.guest(words)],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for line in child.stdout:
            if b"PC=0x" in line:
                break
        time.sleep(0.5)  # also inside WHvRunVirtualProcessor, most likely; both are right
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=wine.TIMEOUT[rig.arch])
        assert child.returncode == 0, f"exit status {child.returncode}: {out.decode()}"


def case_auto(rig):
    out = rig.run("--lang", "en").decode()
    assert "WHP initialised" in out, out
    out = rig.run("--accel", "soft", "--lang", "en").decode()
    assert "WHP" not in out, out
    # Whatever keeps a machine from being made is found before one is chosen.
    out = rig.run("--lang", "en", env={"HV_WHP_SIM": "fail=WHvSetupPartition:0xc035000b"}).decode()
    assert "--accel auto: soft, because whp cannot: WHP: WHvSetupPartition" in out + rig.err, out + rig.err
    rig.system.unlink()
    try:
        out = rig.run("--lang", "en").decode()
        assert "WHP initialised" not in out and "Hello Hypervisor!" in out, out
        assert ("--accel auto: soft, because whp" in out + rig.err) == (rig.arch == "arm64"), out + rig.err
    finally:
        install(rig)


def case_failures(rig):
    dll = rig.dll.read_bytes()
    # Emulation of ARM64 is slow, and the messages are the same: there, some of each kind.
    step = 1 if rig.arch == "x64" else 3
    seen = [rig.fails(text, switches=switches) for switches, text in SWITCHES[::step]]
    seen.append(rig.fails("use a smaller --memory", "--memory", "4G", switches="pa=32"))
    seen.append(rig.fails("no GICv2", "--gic", "2"))
    seen.append(rig.fails("cannot count instructions", "--max-insns", "1000"))
    try:
        for name in MANDATORY[::step]:
            # Another last letter: the table of names stays in order, so that only this one is not found.
            old = name.encode() + b"\0"
            assert dll.count(old) >= 1, f"{name} is not exported"
            install(rig, dll.replace(old, name.encode()[:-1] + bytes([name.encode()[-1] + 1]) + b"\0"))
            if name == "WHvGetCapability" and rig.arch == "x64":  # by this one it would say that it is Arm's
                rig.fails("ARM64 processors only")
            else:
                seen.append(rig.fails(f"WinHvPlatform.dll has no {name}:"))
        set_version(rig, 26100, 1742)
        seen.append(rig.fails("this Windows is build 26100.1742"))
        set_version(rig, 26100, 3915)
        install(rig, b"MZ" + b"\0" * 100)
        seen.append(rig.fails("Windows error 193" if rig.arch == "arm64" else "ARM64 processors only"))
        rig.system.unlink()
        absent = rig.fails("DISM /Online /Enable-Feature" if rig.arch == "arm64" else "ARM64 processors only")
        if rig.arch == "arm64":
            seen.append(absent)
    finally:
        set_version(rig, 26100, 3915)
        install(rig)
    assert len(set(seen)) == len(seen) >= (25 if step == 1 else 15), "two failures have the same message: " + "\n".join(sorted(seen))
    print(f"{len(seen)} ways of failing")


CASES = {"prefix": case_prefix, "linux": case_linux, "reboot": case_reboot, "stop": case_stop, "auto": case_auto,
         "failures": case_failures}


def main():
    arch, program, case, dll = sys.argv[1:5]
    rig = Rig(arch, program, dll, sys.argv[5] if len(sys.argv) > 5 else "")
    try:
        CASES[case](rig)
    finally:
        rig.folder.cleanup()
        if rig.initrd is not None:
            rig.initrd.unlink()
    print(f"{arch} {case}: as it should be")


if __name__ == "__main__":
    main()
