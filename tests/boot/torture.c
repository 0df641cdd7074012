/*
 * torture.c - runs inside a Linux guest: fork, pipe, mmap, signals, futexes and atomics on all CPUs
 * at once, with a checksum for everything that moved. Usage: torture SECONDS. Ends with "torture:
 * ROUNDS rounds, ERRORS errors".
 *
 * Each worker process repeats rounds of all the jobs; a job computes what must come out in two
 * ways, and a difference is an error. Built as a static arm64 program.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned errors;

static void check(int ok, const char *job, const char *what)
{
    if (!ok) {
        errors++;
        printf("torture: %s: %s (errno %d)\n", job, what, errno);
    }
}

static uint64_t next(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static uint64_t hash(const void *p, size_t n, uint64_t h)
{
    const unsigned char *b = p;

    for (size_t i = 0; i < n; i++) {
        h = (h ^ b[i]) * 0x100000001b3u;
    }
    return h;
}

/* A child writes a seeded stream into a pipe in odd pieces; the parent's checksum of it must be the
 * generator's. */
static void job_pipe(uint64_t seed)
{
    enum { TOTAL = 256 * 1024 };
    static unsigned char buf[8192];
    int fd[2];
    uint64_t s = seed, want = 0, got = 0;
    size_t have = 0;

    check(pipe(fd) == 0, "pipe", "pipe");
    pid_t pid = fork();
    if (pid == 0) {
        for (size_t sent = 0; sent < TOTAL;) {
            size_t n = 1 + next(&s) % 4000;
            n = n > TOTAL - sent ? TOTAL - sent : n;
            for (size_t i = 0; i < n; i++) {
                buf[i] = (unsigned char)((sent + i) * 31 + seed);
            }
            for (size_t at = 0; at < n;) {
                ssize_t w = write(fd[1], buf + at, n - at);
                if (w <= 0) {
                    _exit(1);
                }
                at += (size_t)w;
            }
            sent += n;
        }
        _exit(7);
    }
    close(fd[1]);
    for (ssize_t r; (r = read(fd[0], buf, sizeof(buf))) > 0; have += (size_t)r) {
        got = hash(buf, (size_t)r, got);
    }
    close(fd[0]);
    for (size_t i = 0; i < TOTAL; i++) {
        unsigned char b = (unsigned char)(i * 31 + seed);
        want = hash(&b, 1, want);
    }
    int status = 0;
    check(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7, "pipe",
          "child's status");
    check(have == TOTAL && got == want, "pipe", "checksum");
}

/* Private pages are copied on write: the child's changes must not reach the parent, and shared ones
 * must. */
static void job_cow(uint64_t seed)
{
    enum { PAGES = 64 };
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = PAGES * page;
    unsigned char *priv =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *shared =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    check(priv != MAP_FAILED && shared != MAP_FAILED, "cow", "mmap");
    for (size_t i = 0; i < size; i++) {
        priv[i] = (unsigned char)(i ^ seed);
    }
    uint64_t before = hash(priv, size, 1);
    pid_t pid = fork();
    if (pid == 0) {
        for (size_t i = 0; i < size; i += 97) {
            priv[i] ^= 0xff;
        }
        for (size_t i = 0; i < size; i++) {
            shared[i] = (unsigned char)(i * 7 + seed);
        }
        _exit(hash(priv, size, 1) == before);
    }
    int status = 0;
    check(waitpid(pid, &status, 0) == pid && status == 0, "cow", "child's status");
    check(hash(priv, size, 1) == before, "cow", "private pages changed");
    int ok = 1;
    for (size_t i = 0; i < size; i++) {
        ok &= shared[i] == (unsigned char)(i * 7 + seed);
    }
    check(ok, "cow", "shared pages");
    check(mprotect(priv, size, PROT_READ) == 0 && mprotect(priv, size, PROT_READ | PROT_WRITE) == 0,
          "cow", "mprotect");
    priv[size - 1] ^= 1;
    check(hash(priv, size, 1) != before, "cow", "write after mprotect");
    munmap(priv, size);
    munmap(shared, size);
}

static volatile sig_atomic_t faults, alarms;
static unsigned char *guarded;
static size_t guarded_size;

static void on_segv(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    unsigned char *page =
        (unsigned char *)((uintptr_t)info->si_addr & ~(uintptr_t)(sysconf(_SC_PAGESIZE) - 1));
    if (page < guarded || page >= guarded + guarded_size) {
        _exit(99);
    }
    faults++;
    mprotect(page, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE);
}

static void on_usr1(int sig)
{
    (void)sig;
    alarms++;
}

/* Every write to a protected page must fault once, with the right address; FP state must survive
 * the handlers. */
static void job_signals(uint64_t seed)
{
    enum { PAGES = 16 };
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct sigaction segv = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO },
                     usr = { .sa_handler = on_usr1 };
    double x = 1.0 + (double)(seed % 1000) / 1024, y = x;

    sigaction(SIGSEGV, &segv, NULL);
    sigaction(SIGUSR1, &usr, NULL);
    guarded_size = PAGES * page;
    guarded = mmap(NULL, guarded_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    faults = alarms = 0;
    for (int i = 0; i < PAGES; i++) {
        guarded[(size_t)i * page + (seed + (uint64_t)i * 131) % page] = (unsigned char)i;
        x = x * 1.0000001 + 1e-9;
        raise(SIGUSR1);
    }
    for (int i = 0; i < PAGES; i++) {
        y = y * 1.0000001 + 1e-9;
    }
    check(faults == PAGES, "signals", "number of faults");
    check(alarms == PAGES, "signals", "number of signals");
    check(x == y, "signals", "floating point across handlers");
    munmap(guarded, guarded_size);
    signal(SIGSEGV, SIG_DFL);
}

/* ---- Threads: a futex lock, a ticket ring, atomics ------------------------------------------- */

#define THREADS 4
#define TURNS   2000

struct shared {
    _Atomic int lock;
    uint64_t guarded_sum; /* under lock */
    _Atomic uint64_t sum, ors, max;
    _Atomic uint32_t turn;
    unsigned __int128 wide;
};

static void futex_wait(_Atomic int *word, int value)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void lock(_Atomic int *word)
{
    int c = 0;

    if (atomic_compare_exchange_strong(word, &c, 1)) {
        return;
    }
    if (c != 2) {
        c = atomic_exchange(word, 2);
    }
    while (c != 0) {
        futex_wait(word, 2);
        c = atomic_exchange(word, 2);
    }
}

static void unlock(_Atomic int *word)
{
    if (atomic_exchange(word, 0) == 2) {
        syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

static struct shared ring;

static void *thread(void *arg)
{
    uint64_t id = (uintptr_t)arg;

    for (uint64_t i = 0; i < TURNS; i++) {
        lock(&ring.lock);
        ring.guarded_sum += i * (id + 1);
        ring.wide += i;
        unlock(&ring.lock);
        atomic_fetch_add(&ring.sum, i ^ id);
        atomic_fetch_or(&ring.ors, 1ull << (i % 61));
        uint64_t m = atomic_load(&ring.max);
        while (m < i * THREADS + id &&
               !atomic_compare_exchange_weak(&ring.max, &m, i * THREADS + id)) {
        }
        if (i % 100 == 0) {
            while (atomic_load_explicit(&ring.turn, memory_order_acquire) % THREADS != id) {
                sched_yield();
            }
            atomic_fetch_add_explicit(&ring.turn, 1, memory_order_release);
        }
    }
    return NULL;
}

static void job_threads(uint64_t seed)
{
    pthread_t t[THREADS];
    uint64_t sum = 0, guarded_sum = 0;

    (void)seed;
    memset(&ring, 0, sizeof(ring));
    for (uintptr_t i = 0; i < THREADS; i++) {
        check(pthread_create(&t[i], NULL, thread, (void *)i) == 0, "threads", "create");
        for (uint64_t k = 0; k < TURNS; k++) {
            sum += k ^ i;
            guarded_sum += k * (i + 1);
        }
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], NULL);
    }
    check(ring.guarded_sum == guarded_sum, "threads", "sum under the futex lock");
    check(ring.sum == sum, "threads", "atomic sum");
    check(ring.ors == (1ull << 61) - 1, "threads", "atomic or");
    check(ring.max == (TURNS - 1) * THREADS + THREADS - 1, "threads", "atomic max");
    check(ring.turn == THREADS * (TURNS / 100), "threads", "ring");
    check((uint64_t)ring.wide == (uint64_t)THREADS * TURNS * (TURNS - 1) / 2, "threads",
          "wide sum");
}

static unsigned worker(uint64_t seed, time_t end)
{
    unsigned rounds = 0;

    do {
        uint64_t s = next(&seed);
        job_pipe(s);
        job_cow(s);
        job_signals(s);
        job_threads(s);
        rounds++;
    } while (time(NULL) < end && errors == 0);
    return rounds;
}

int main(int argc, char **argv)
{
    int seconds = argc > 1 ? atoi(argv[1]) : 10;
    int workers = (int)sysconf(_SC_NPROCESSORS_ONLN);
    time_t end = time(NULL) + seconds;
    unsigned *result = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned rounds = 0, bad = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; i < workers; i++) {
        if (fork() == 0) {
            result[2 * i] = worker(0x9e3779b97f4a7c15u * (unsigned)(i + 1), end);
            result[2 * i + 1] = errors;
            _exit(0);
        }
    }
    for (int status; wait(&status) > 0;) {
        bad += status != 0;
    }
    for (int i = 0; i < workers; i++) {
        rounds += result[2 * i];
        bad += result[2 * i + 1];
    }
    printf("torture: %u rounds, %u errors\n", rounds, bad);
    return bad != 0;
}
