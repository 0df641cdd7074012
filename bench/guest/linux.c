/*
 * linux.c - /init of the Linux rows: system calls, faults and processes, as Linux programs meet them.
 *
 * The kernel's command line gives rows behind "--": name:work. The program tells the host (tell.h) when it starts, which ends
 * the boot, and before and after each row; the row's checksum stands in the second line.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tell.h"

enum { PAGE = 4096 };

static void fail(const char *what)
{
    perror(what);
    printf("@ failed %s\n", what);
    fflush(stdout);
    reboot(RB_POWER_OFF);
    exit(1);
}

static void check(int ok, const char *what)
{
    if (!ok) {
        fail(what);
    }
}

static uint64_t row_getppid(uint64_t work)
{
    uint64_t sum = 0;

    for (uint64_t n = 0; n < work; n++) {
        sum += (uint64_t)syscall(SYS_getppid) + 1;
    }
    return sum;
}

static uint64_t row_clockget(uint64_t work)
{
    struct timespec before = { 0 }, now;
    uint64_t back = 0;

    for (uint64_t n = 0; n < work; n++) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        back += now.tv_sec < before.tv_sec ||
                (now.tv_sec == before.tv_sec && now.tv_nsec < before.tv_nsec);
        before = now;
    }
    return back;
}

static uint64_t row_pipe512(uint64_t work)
{
    char buffer[512];
    int fd[2];
    uint64_t sum = 0;

    check(pipe(fd) == 0, "pipe");
    for (uint64_t n = 0; n < work; n++) {
        memset(buffer, (int)n, sizeof(buffer));
        check(write(fd[1], buffer, sizeof(buffer)) == sizeof(buffer), "write");
        check(read(fd[0], buffer, sizeof(buffer)) == sizeof(buffer), "read");
        sum += (uint8_t)buffer[n & 511];
    }
    close(fd[0]);
    close(fd[1]);
    return sum;
}

// Two processes pass a byte to and fro through pipes.
static uint64_t row_ctxsw(uint64_t work)
{
    int there[2], back[2];
    uint64_t sum = 0;
    unsigned char c = 0;

    check(pipe(there) == 0 && pipe(back) == 0, "pipe");
    pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0) {
        close(there[1]);
        while (read(there[0], &c, 1) == 1) {
            c = (unsigned char)(c * 5 + 1);
            check(write(back[1], &c, 1) == 1, "write");
        }
        _exit(0);
    }
    for (uint64_t n = 0; n < work; n++) {
        check(write(there[1], &c, 1) == 1 && read(back[0], &c, 1) == 1, "pipe");
        sum = sum * 3 + c;
    }
    close(there[1]);
    waitpid(child, NULL, 0);
    close(there[0]);
    close(back[0]);
    close(back[1]);
    return sum;
}

static uint64_t wait_for(pid_t child)
{
    int status = 0;

    check(child > 0 && waitpid(child, &status, 0) == child, "wait");
    return (uint64_t)WEXITSTATUS(status);
}

static uint64_t row_fork(uint64_t work)
{
    uint64_t sum = 0;

    for (uint64_t n = 0; n < work; n++) {
        pid_t child = fork();
        if (child == 0) {
            _exit((int)(n & 127));
        }
        sum += wait_for(child);
    }
    return sum;
}

static uint64_t row_forkexec(uint64_t work)
{
    uint64_t sum = 0;

    for (uint64_t n = 0; n < work; n++) {
        pid_t child = fork();
        if (child == 0) {
            char number[24];
            snprintf(number, sizeof(number), "%u", (unsigned)(n & 127));
            execl("/init", "exit", number, (char *)NULL);
            _exit(255);
        }
        sum += wait_for(child);
    }
    return sum;
}

static uint64_t row_pagefault(uint64_t work)
{
    enum { PAGES = 1024 };
    uint64_t sum = 0;

    for (uint64_t n = 0; n < work; n += PAGES) {
        uint8_t *p =
            mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        check(p != MAP_FAILED, "mmap");
        check(madvise(p, PAGES * PAGE, MADV_NOHUGEPAGE) == 0, "madvise");
        for (int i = 0; i < PAGES; i++) {
            p[i * PAGE] = (uint8_t)i;
            sum += p[i * PAGE + 8] + 1u;
        }
        munmap(p, PAGES * PAGE);
    }
    return sum;
}

static uint64_t row_mprotect(uint64_t work)
{
    uint8_t *p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t sum = 0;

    check(p != MAP_FAILED, "mmap");
    memset(p, 1, 64 * PAGE);
    for (uint64_t n = 0; n < work; n++) {
        uint8_t *q = p + (n & 63) * PAGE;
        check(mprotect(q, PAGE, PROT_READ) == 0, "mprotect");
        sum += *(volatile uint8_t *)q;
        check(mprotect(q, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
        *(volatile uint8_t *)q = (uint8_t)n;
    }
    munmap(p, 64 * PAGE);
    return sum;
}

static sigjmp_buf out_of_fault;
static volatile uint64_t signals;

static void on_segv(int number, siginfo_t *info, void *context)
{
    (void)context;
    signals += (uint64_t)number + ((uint64_t)info->si_addr & 0xfff);
    siglongjmp(out_of_fault, 1);
}

static uint64_t row_segv(uint64_t work)
{
    struct sigaction action = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_NODEFER };
    uint8_t *p = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    check(p != MAP_FAILED, "mmap");
    sigaction(SIGSEGV, &action, NULL);
    signals = 0;
    for (volatile uint64_t n = 0; n < work; n++) {
        if (sigsetjmp(out_of_fault, 0) == 0) {
            *(volatile uint8_t *)(p + (n & 0xfff)) = 1;
        }
    }
    signal(SIGSEGV, SIG_DFL);
    munmap(p, PAGE);
    return signals;
}

static void on_signal(int number)
{
    signals += (uint64_t)number;
}

static uint64_t row_signal(uint64_t work)
{
    pid_t self = getpid();

    signal(SIGUSR1, on_signal);
    signals = 0;
    for (uint64_t n = 0; n < work; n++) {
        kill(self, SIGUSR1);
    }
    return signals;
}

static uint64_t row_read1m(uint64_t work)
{
    enum { SIZE = 1 << 20 };
    static uint8_t buffer[SIZE];
    uint64_t sum = 0;
    int fd = open("/file", O_RDWR | O_CREAT, 0600);

    check(fd >= 0, "open");
    memset(buffer, 7, sizeof(buffer));
    check(write(fd, buffer, SIZE) == SIZE, "write");
    for (uint64_t n = 0; n < work; n++) {
        check(pread(fd, buffer, SIZE, 0) == SIZE, "read");
        sum += buffer[n & (SIZE - 1)];
    }
    close(fd);
    unlink("/file");
    return sum;
}

static uint64_t row_path(uint64_t work)
{
    struct stat st;
    uint64_t sum = 0;

    check(mkdir("/a", 0700) == 0 && mkdir("/a/b", 0700) == 0 && mkdir("/a/b/c", 0700) == 0,
          "mkdir");
    for (uint64_t n = 0; n < work; n++) {
        int fd = open("/a/b/c/file", O_RDWR | O_CREAT, 0600);
        check(fd >= 0 && write(fd, "12345", 1 + (n & 3)) > 0, "write");
        close(fd);
        check(stat("/a/b/c/file", &st) == 0 && rename("/a/b/c/file", "/a/b/other") == 0, "stat");
        sum += (uint64_t)st.st_size + (access("/a/b/c/file", R_OK) == 0 ? 100 : 0);
        check(unlink("/a/b/other") == 0, "unlink");
    }
    rmdir("/a/b/c");
    rmdir("/a/b");
    rmdir("/a");
    return sum;
}

static const struct {
    const char *name;
    uint64_t (*run)(uint64_t work);
} rows[] = {
    { "getppid", row_getppid },     { "clockget", row_clockget }, { "pipe512", row_pipe512 },
    { "ctxsw", row_ctxsw },         { "fork", row_fork },         { "forkexec", row_forkexec },
    { "pagefault", row_pagefault }, { "mprotect", row_mprotect }, { "segv", row_segv },
    { "signal", row_signal },       { "read1m", row_read1m },     { "path", row_path },
};

static void run_row(const char *argument)
{
    const char *colon = strchr(argument, ':');

    for (size_t i = 0; colon != NULL && i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strncmp(rows[i].name, argument, (size_t)(colon - argument)) == 0 &&
            rows[i].name[colon - argument] == 0) {
            tell(rows[i].name, 0);
            tell("end", rows[i].run(strtoull(colon + 1, NULL, 10)));
            return;
        }
    }
    fail(argument);
}

int main(int argc, char **argv)
{
    if (argc == 2 && getpid() != 1) {
        return atoi(argv[1]); // forkexec's child
    }
    tell_init();
    for (int i = 1; i < argc; i++) {
        run_row(argv[i]);
    }
    reboot(RB_POWER_OFF);
    return 1;
}
