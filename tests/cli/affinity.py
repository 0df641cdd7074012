#!/usr/bin/env python3
"""affinity.py HYPERVISOR: --affinity keeps the threads of the vCPUs, and no other, on the host's processors that it names."""

import os
import subprocess
import sys
import tempfile
import time


def threads(pid):
    """{name: processors} of the threads that there are now."""
    found = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/status") as f:
                lines = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[lines["Name"]] = lines["Cpus_allowed_list"]
    return found


def seen(hypervisor, image, affinity, want):
    """Waits until the vCPUs' threads are where they should be."""
    p = subprocess.Popen([hypervisor, "run", image, "--cpus", "2", "--console", "none", "--affinity", affinity],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    have = {}
    try:
        for _ in range(600):
            have = threads(p.pid)
            if all(have.get(name) == cpus for name, cpus in want.items()):
                return have
            time.sleep(0.1)
    finally:
        p.kill()
        p.wait()
    print(f"FAIL --affinity {affinity}: {want} expected, {have} seen")
    return None


def main():
    hypervisor = sys.argv[1]
    cpus = sorted(os.sched_getaffinity(0))
    first, last = str(cpus[0]), str(cpus[-1])
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        image = os.path.join(folder, "loop.bin")
        with open(image, "wb") as f:
            f.write(b"\x00\x00\x00\x14" * 16)  # b .
        for affinity, want in ((last, {"vcpu 0": last, "vcpu 1": last}), (f"{last},{first}", {"vcpu 0": last, "vcpu 1": first})):
            failed += seen(hypervisor, image, affinity, want) is None
        result = subprocess.run([hypervisor, "run", image, "--affinity", "4000"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        if result.returncode != 1 or "4000" not in result.stderr:
            failed += 1
            print(f"FAIL --affinity 4000: status {result.returncode}: {result.stderr}")
    print("ok" if failed == 0 else f"{failed} failed")
    return failed


sys.exit(main())
