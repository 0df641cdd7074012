/*
 * atomics.c - exclusives, barriers, acquire and release, a mutex, and the LSE instructions (only on models that have them), all
 * on one CPU; and two CPUs: work of their own, a shared counter, a line that goes to and fro.
 */
#include "bench.h"

ROW(llsc)
{
    static uint64_t counter;

    for (uint64_t n = 0; n < work; n++) {
        uint64_t v, fail;
        do {
            __asm__ volatile("ldxr %0, [%2]\n add %0, %0, #3\n stxr %w1, %0, [%2]"
                             : "=&r"(v), "=&r"(fail)
                             : "r"(&counter)
                             : "memory");
        } while ((uint32_t)fail != 0);
    }
    return counter;
}

ROW(dmb)
{
    static volatile uint64_t a, b;

    for (uint64_t n = 0; n < work; n++) {
        a = n;
        __asm__ volatile("dmb ishst" ::: "memory");
        b = n + a;
        __asm__ volatile("dmb ish" ::: "memory");
        a = b;
        __asm__ volatile("dmb ishld" ::: "memory");
    }
    return a + b;
}

ROW(acqrel)
{
    static uint64_t a, b;
    uint64_t sum = 0;

    for (uint64_t n = 0; n < work; n++) {
        __atomic_store_n(&a, n, __ATOMIC_RELEASE);
        sum += __atomic_load_n(&b, __ATOMIC_ACQUIRE);
        __atomic_store_n(&b, sum, __ATOMIC_RELEASE);
        sum ^= __atomic_load_n(&a, __ATOMIC_ACQUIRE);
    }
    return sum;
}

// mutex: compare and swap to take it, exchange to give it back, a call for each, and a little work inside.
static uint32_t lock_word;

NOINLINE static void lock(void)
{
    uint32_t free = 0;

    while (
        !__atomic_compare_exchange_n(&lock_word, &free, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        free = 0;
    }
}

NOINLINE static void unlock(void)
{
    __atomic_exchange_n(&lock_word, 0, __ATOMIC_RELEASE);
}

ROW(mutex)
{
    static uint64_t list[16];
    uint64_t sum = 0;

    for (uint64_t n = 0; n < work; n++) {
        lock();
        list[n & 15] += n;
        sum += list[(n + 5) & 15];
        unlock();
    }
    return sum;
}

__attribute__((target("arch=armv8.1-a"))) ROW(lse)
{
    static uint64_t a, b;
    uint64_t sum = 0;

    for (uint64_t n = 0; n < work; n++) {
        sum += __atomic_fetch_add(&a, n, __ATOMIC_RELAXED);
        sum ^= __atomic_exchange_n(&b, sum, __ATOMIC_ACQ_REL);
        __atomic_fetch_or(&a, n & 0xff, __ATOMIC_RELEASE);
        uint64_t old = sum;
        __atomic_compare_exchange_n(&b, &old, n, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
        sum += old;
    }
    return sum;
}

/* ---- two CPUs ---- */
static volatile uint64_t share, done, ball;
static uint64_t counter;

// What a CPU does alone: no memory but its own stack's.
static uint64_t alone(uint64_t work)
{
    uint64_t seed = 41, slots[16] = { 0 };

    for (uint64_t n = 0; n < work; n++) {
        slots[n & 15] += rng(&seed);
        KEEP_MEMORY();
    }
    return fold_bytes(0, slots, sizeof(slots));
}

static void two_other(void)
{
    share = alone(share);
    __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
}

static void wait_done(void)
{
    while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) == 0) {
        __asm__ volatile("yield");
    }
}

ROW(two)
{
    share = work;
    uint64_t status = start_cpu(1, two_other), mine = alone(work);
    wait_done();
    return fold(fold(status, mine), share);
}

static void add_other(void)
{
    uint64_t n = share;

    while (n-- > 0) {
        __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
}

ROW(shared)
{
    share = work;
    uint64_t status = start_cpu(1, add_other);
    for (uint64_t n = 0; n < work; n++) {
        __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
    }
    wait_done();
    return fold(status, counter);
}

// The wait is a spin with WFE, as kernels wait: it gives a host's core away when there is only one.
static void pong(uint64_t mine, uint64_t rounds)
{
    for (uint64_t n = 0; n < rounds; n++) {
        __asm__ volatile("sevl");
        while (__atomic_load_n(&ball, __ATOMIC_ACQUIRE) != mine) {
            __asm__ volatile("wfe");
        }
        __atomic_store_n(&ball, 1 - mine, __ATOMIC_RELEASE);
        __asm__ volatile("dsb ishst\n sev" ::: "memory");
    }
}

static void pong_other(void)
{
    pong(1, share);
    __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
}

ROW(pingpong)
{
    share = work;
    uint64_t status = start_cpu(1, pong_other);
    pong(0, work);
    wait_done();
    return fold(fold(status, ball), work);
}
