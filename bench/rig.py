"""rig.py: builds the guests of bench/guest and runs them here and on QEMU, with the CPU time that each took."""

import gzip
import os
import resource
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
GUEST = os.path.join(HERE, "guest")
CC = "aarch64-linux-gnu-gcc"
FLAGS = ["-O2", "-march=armv8-a+crypto+crc", "-ffreestanding", "-fno-stack-protector", "-fno-pie", "-mno-outline-atomics",
         "-Wall", "-Wextra", "-Werror"]
TIMEOUT = 900


class Failed(Exception):
    pass


class Guests:
    """Compiles each source once, links each row from it. Everything goes into one folder."""

    def __init__(self, folder):
        self.folder = folder

    def object(self, source):
        out = os.path.join(self.folder, source + ".o")
        if not os.path.exists(out):
            more = ["-O3"] if source == "simd.c" else []
            subprocess.run([CC, *FLAGS, *more, "-c", "-o", out, os.path.join(GUEST, source)], check=True)
        return out

    def elf(self, source, name, work):
        out = os.path.join(self.folder, f"{name}-{work}.elf")
        if not os.path.exists(out):
            objects = [self.object(s) for s in dict.fromkeys(["start.S", "lib.S", source or "integer.c"])]
            link = ["-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none", "-Wl,-z,noexecstack",
                    "-Wl,-z,max-page-size=4096", "-Wl,-Ttext=0x40400000", "-Wl,--no-warn-rwx-segments",
                    f"-Wl,--defsym,bench_work={work}", f"-Wl,--defsym,bench_row=row_{name}"]
            subprocess.run([CC, *link, "-o", out, *objects], check=True)
        return out

    def initrd(self):
        """An initramfs with nothing but the Linux rows' program as /init."""
        init = os.path.join(self.folder, "init")
        if not os.path.exists(init):
            subprocess.run([CC, "-O2", "-static", "-Wall", "-Wextra", "-Werror", "-o", init,
                            os.path.join(GUEST, "linux.c")], check=True)
        return self.archive(init, "init.cpio.gz")

    def archive(self, init, name):
        out = os.path.join(self.folder, name)
        if not os.path.exists(out):
            with open(init, "rb") as f, gzip.open(out, "wb", 1) as g:
                g.write(cpio([("init", 0o100755, f.read())]))
        return out


def cpio(files):
    """An archive in the "newc" format, as Linux takes for an initramfs: (name, mode, content)."""
    out = bytearray()
    for inode, (name, mode, data) in enumerate([*files, ("TRAILER!!!", 0, b"")], 1):
        fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0"
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


class Engine:
    """One side of the comparison: how a guest is started on it."""

    def __init__(self, name, cpu, program, options=()):
        self.name, self.cpu, self.program, self.options = name, cpu, program, list(options)

    def bare(self, elf, cpus=1):
        if self.name == "qemu":
            return [self.program, "-M", "virt", "-cpu", self.cpu, "-m", "256", "-smp", str(cpus), "-nographic", "-nic",
                    "none", "-kernel", elf, *self.options]
        return [self.program, "run", "--machine", "virt", "--cpu", self.cpu, "--memory", "256M", "--cpus", str(cpus),
                *self.options, elf]

    def linux(self, kernel, initrd, append):
        if self.name == "qemu":
            return [self.program, "-M", "virt", "-cpu", self.cpu, "-m", "512", "-nographic", "-nic", "none", "-no-reboot",
                    "-kernel", kernel, "-initrd", initrd, "-append", append, *self.options]
        return [self.program, "run", "--machine", "virt", "--cpu", self.cpu, "--memory", "512M", "--kernel", kernel,
                "--initrd", initrd, "--append", append, *self.options]


def run_bare(command):
    """CPU seconds (user and system), wall seconds, and the checksum that the guest printed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT)
    after, end = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    text = run.stdout.decode("ascii", "replace").strip()
    if run.returncode != 0 or len(text) != 16:
        raise Failed(f"{' '.join(command)}: status {run.returncode}, '{text[-300:]}' {run.stderr.decode()[-500:]}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, end - start, text


def cpu_clock(pid):
    """CPU time of all threads of a process that is running: Linux gives every process such a clock."""
    return time.clock_gettime((~pid << 3) | 2)


def peak_rss(pid):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    raise Failed("no VmHWM")


class Session:
    """A guest that says where it is in lines that begin with "@ " and waits for a line each time."""

    def __init__(self, command, lines=None):
        """`lines` is given what else the guest says."""
        self.command, self.lines = command, lines
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        bufsize=0)
        self.text = b""

    def wait(self):
        """The next "@ " line's words, and the CPU time and wall time at that moment."""
        while True:
            while b"\n" in self.text:
                line, self.text = self.text.split(b"\n", 1)
                if line.startswith(b"@ "):
                    return line.decode("ascii", "replace").split()[1:], cpu_clock(self.process.pid), time.monotonic()
                if self.lines is not None:
                    self.lines.append(line.decode("ascii", "replace").rstrip())
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                self.process.wait()
                raise Failed(f"{' '.join(self.command)}: ended early, {self.text[-500:]}")
            self.text += more

    def go_on(self):
        self.process.stdin.write(b"\n")

    def end(self):
        self.process.stdin.close()
        self.process.stdout.read()
        if self.process.wait(TIMEOUT) != 0:
            raise Failed(f"{' '.join(self.command)}: status {self.process.returncode}")


def run_linux(command, rows, lines=None):
    """{row: (CPU seconds, wall seconds, checksum)} of one boot; "boot" and "boot_rss" are what it took until /init."""
    session, result = Session(command, lines), {}
    words, cpu, wall = session.wait()
    result["boot"] = (cpu, None, words[1])
    result["boot_rss"] = (peak_rss(session.process.pid), None, words[1])
    for row in rows:
        session.go_on()
        words, start_cpu, start_wall = session.wait()
        if words[0] != row.name:
            raise Failed(f"{row.name}: the guest said {words}")
        session.go_on()
        words, cpu, wall = session.wait()
        if words[0] != "end":
            raise Failed(f"{row.name}: the guest said {words}")
        result[row.name] = (cpu - start_cpu, wall - start_wall, words[1])
    session.go_on()
    session.end()
    return result


def run_idle(command, seconds):
    """Per cent of a core that a booted guest with nothing to do takes."""
    session = Session(command)
    session.wait()
    time.sleep(2)
    cpu, wall = cpu_clock(session.process.pid), time.monotonic()
    time.sleep(seconds)
    share = 100 * (cpu_clock(session.process.pid) - cpu) / (time.monotonic() - wall)
    session.go_on()
    session.end()
    return share


def run_start_rss(command):
    """Peak memory in MB of a guest that has printed a line and waits for a character."""
    session = Session(command)
    session.wait()
    rss = peak_rss(session.process.pid)
    session.go_on()
    session.end()
    return rss


def find_guest(name):
    folder = os.environ.get("HV_GUESTS") or os.path.join(
        os.environ.get("HV_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                                                   "arm64-hypervisor"), "guest")
    path = os.path.join(folder, name)
    return path if os.path.exists(path) else None


def warn(text):
    print(text, file=sys.stderr, flush=True)
