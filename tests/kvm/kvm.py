#!/usr/bin/env python3
"""kvm.py HYPERVISOR GUESTDIR INITRD GIC CASE...: runs the static arm64 program with Linux's KVM, in an emulated ARM64 host.

QEMU emulates an ARM64 machine with EL2, Debian's kernel in it has a real KVM, and the program runs there from an initramfs
(tests/kvm/init has the cases). GIC is 2 or 3: that of the emulated host, which is what its KVM offers. HV_KVM_CPU names
QEMU's CPU, HV_KVM_HOST the host's kernel. Exit status 77: something that this needs is missing.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "conformance"))
import conformance  # noqa: E402
LIMIT = int(os.environ.get("HV_HANG", "400"))


class Failed(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Failed(what)


def newc(name, mode, data):
    """One member of a cpio archive (format newc)."""
    name = name.encode() + b"\0"
    head = b"070701" + b"".join(b"%08X" % v for v in
                                (newc.ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0))
    newc.ino += 1
    text = head + name
    text += b"\0" * (-len(text) % 4) + data
    return text + b"\0" * (-len(text) % 4)


newc.ino = 1


def host_initrd(path, program, guests, guest_initrd, folder):
    def read(name):
        with open(name, "rb") as f:
            return f.read()

    kernel = read(os.path.join(guests, "vmlinuz-cloud"))
    members = [("bin", 0o40755, b""), ("boot", 0o40755, b""), ("dev", 0o40755, b""), ("proc", 0o40755, b""),
               ("sys", 0o40755, b""), ("tmp", 0o40755, b""),
               ("init", 0o100755, read(os.path.join(HERE, "init"))),
               ("bin/busybox", 0o100755, read(os.path.join(guests, "busybox"))),
               ("bin/hypervisor", 0o100755, read(program)), ("boot/vmlinuz", 0o100644, kernel),
               ("boot/guest.cpio.gz", 0o100644, read(guest_initrd)), ("guests", 0o40755, b"")]
    members.append(("bin/accel_conformance", 0o100755, read(os.path.join(os.path.dirname(program), "accel_conformance"))))
    for guest in conformance.guests():
        members.append((f"guests/{guest}.elf", 0o100644, read(conformance.build(guest, folder))))
    with open(path, "wb") as f:
        for member in members:
            f.write(newc(*member))
        f.write(newc("TRAILER!!!", 0, b""))


def run_host(initrd, guests, gic, cases):
    kernel = os.environ.get("HV_KVM_HOST", os.path.join(guests, "vmlinuz-cloud"))
    cpu = os.environ.get("HV_KVM_CPU", "max,pauth-impdef=on" if gic == 3 else "cortex-a72")
    args = ["qemu-system-aarch64", "-M", f"virt,virtualization=on,gic-version={gic}", "-cpu", cpu, "-smp", "2", "-m", "1536",
            "-kernel", kernel, "-initrd", initrd, "-nographic", "-no-reboot", "-nic", "none",
            "-append", f"console=ttyAMA0 loglevel=4 quiet panic=-1 kvm.gic={gic} kvm.cases={','.join(cases)}"]
    with tempfile.TemporaryFile() as out:
        host = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        try:
            host.wait(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            host.kill()
            host.wait()
        out.seek(0)
        return out.read().decode("utf-8", "replace").replace("\r", "")


def check_hello(text, gic):
    for line in ("KVM initialised", "Hello from EL1 by PL011", "Timer interrupt taken"):
        shown = line in text or all(f"'{c}'" in text or c in " \n" for c in line)
        need(shown, f"'{line}' is missing")


def check_linux(text, gic):
    need("@@ cpus 2" in text, "the guest has not 2 CPUs")
    need(("GICv3" if gic == 3 else "GIC-0") in text, "the guest's interrupt controller is another")
    need("@@ warnings 0" in text, "warnings in the guest's log")
    need("@@ done" in text, "the guest did not come to its end")


def check_dtb(text, gic):
    trees = {}
    for name, code in re.findall(r"^@@ dtb (\w+) (\S+)$", text, re.M):
        source = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts"], input=base64.b64decode(code),
                                stdout=subprocess.PIPE, check=True).stdout.decode()
        # What may differ: the random seeds, and what belongs to the CPUs (their nodes and their PMU).
        source = re.sub(r"\s(rng|kaslr)-seed = <[^>]*>;", "", source)
        source = re.sub(r"\n\tpmu \{.*?\n\t\};\n", "\n", source, flags=re.S)
        trees[name] = re.sub(r"\n\tcpus \{.*?\n\t\};\n", "\n", source, flags=re.S).split()
    need(set(trees) == {"kvm", "soft"}, "a devicetree is missing")
    need("intc@9020000" in " ".join(trees["soft"]) or "intc@8000000" in " ".join(trees["soft"]), "this is no board of ours")
    need(trees["kvm"] == trees["soft"], "the devicetrees of kvm and soft differ")


def check_denied(text, gic):
    need("/dev/kvm" in text and "--accel auto: soft, because kvm cannot" in text, "the reason for falling back is not said")
    need("Hello from EL1" in text or "UART TX" in text, "the software CPU did not take over")
    need("@@ end denied 0" in text, "")


def check_doctor(text, gic):
    report = json.loads(base64.b64decode(re.search(r"^@@ json (\S+)$", text, re.M).group(1)))
    kvm = report["accelerators"][0]
    need(report["auto"] == "kvm" and kvm["name"] == "kvm" and kvm["works"], "kvm is not picked")
    need(kvm["gic"] == [gic], f"GICs for guests: {kvm['gic']}")
    ids = {f["id"]: f for f in kvm["findings"]}
    need(f"kvm.gic{5 - gic}" in ids and "kvm.smccc" in ids and "kvm.features" in ids, f"findings: {sorted(ids)}")
    need(("kvm.nvhe" in ids) == (gic == 2), "VHE is judged wrongly")
    need(gic == 2 or "PMU, SVE, pauth, ITS" in ids["kvm.features"]["cause"], ids["kvm.features"]["cause"])
    need("KVM: works, up to" in text and "--accel auto picks: kvm" in text, "the report for people differs")


def differences():
    """{(guest, check): what an emulated host prints}"""
    found = {}
    with open(os.path.join(HERE, "differences.txt")) as f:
        for line in f:
            if line.strip() and line[0] not in "# \t":
                guest, check, value = line.rstrip("\n").split(" ", 2)
                found[guest, check] = f"{check} {value}"
    return found


def check_conformance(text, gic):
    problems = []
    known = differences()
    for guest in conformance.guests():
        found = re.search(rf"^@@ guest {guest}.elf\n(.*?)^@@ status {guest}.elf (\d+)$", text, re.M | re.S)
        have = found.group(1).splitlines() + ([] if found.group(2) == "0" else [f"exit status {found.group(2)}"]) if found else ["nothing"]
        want = conformance.expected(guest)
        known_here = [known.get((guest, line.split(" ")[0])) for line in want]
        if len(have) == len(want):
            have = [w if h == k else h for w, h, k in zip(want, have, known_here)]
        problems += conformance.compare(guest, want, have)
    need(not problems, "\n".join(problems))


def check_accel(text, gic):
    with open(os.path.join(HERE, f"accel-gic{gic}.txt")) as f:
        want = f.read().splitlines()
    have = re.sub(r"large [1-9]\d* KiB", "large ? KiB", text).splitlines()[1:-1]
    problems = conformance.compare("accel_conformance", want, have)
    need(not problems, "\n".join(problems))


CHECKS = {"accel": check_accel, "doctor": check_doctor, "conformance": check_conformance, "hello": check_hello, "auto": check_hello, "dtb": check_dtb, "denied": check_denied,
          "linux-virt": check_linux, "linux-classic": check_linux}


def check(case, text, gic):
    found = re.search(rf"^@@ begin {case}\n(.*?)^@@ end {case} (\d+)$", text, re.M | re.S)
    need(found, "the case did not come to its end")
    need(found.group(2) == "0", f"exit status {found.group(2)}")
    CHECKS.get(case, lambda text, gic: None)(found.group(0), gic)


def main():
    program, guests, guest_initrd, gic, *cases = sys.argv[1:]
    if shutil.which("qemu-system-aarch64") is None or shutil.which("dtc") is None or not os.path.exists(program):
        print("kvm: skipped: qemu-system-aarch64, dtc or the arm64 program is missing")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        initrd = os.path.join(folder, "host.cpio")
        host_initrd(initrd, program, guests, guest_initrd, folder)
        text = run_host(initrd, guests, int(gic), cases)
    failures = 0
    for case in cases:
        try:
            check(case, text, int(gic))
            print(f"ok    kvm, GICv{gic}: {case}")
        except Failed as e:
            failures += 1
            print(f"FAIL  kvm, GICv{gic}: {case}: {e}")
    if re.search(r"^@@ warning ", text, re.M):
        failures += 1
        print("FAIL  the host's kernel complained")
    if failures or os.environ.get("HV_VERBOSE"):
        print("\n".join(text.splitlines()[-int(os.environ.get("HV_VERBOSE", "400")):]))
    return min(failures, 100)


sys.exit(main())
