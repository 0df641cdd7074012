// atomics.c - counters, locks and pairs that four CPUs change at once; each total is known.
#include "litmus.h"

#define TURNS (RUNS / 4)

static uint64_t added, exclusive, compared, locked, ticketed;
static uint32_t lock;
static struct {
    uint16_t next, owner;
} ticket;
static uint64_t pair[2] __attribute__((aligned(16)));
static uint64_t torn;

static void add_exclusive(uint64_t *p)
{
    uint64_t v;
    uint32_t failed;

    __asm__ volatile("1: ldxr %0, [%2]\n add %0, %0, #1\n stxr %w1, %0, [%2]\n cbnz %w1, 1b"
                     : "=&r"(v), "=&r"(failed)
                     : "r"(p)
                     : "memory");
}

static void add_compared(uint64_t *p)
{
    uint64_t seen = *(volatile uint64_t *)p, got;

    for (;;) {
        got = seen;
        __asm__ volatile("cas %0, %2, [%1]" : "+r"(got) : "r"(p), "r"(seen + 1) : "memory");
        if (got == seen) {
            return;
        }
        seen = got;
    }
}

static void add_locked(void)
{
    uint32_t was;

    do {
        __asm__ volatile("swpa %w1, %w0, [%2]" : "=r"(was) : "r"(1), "r"(&lock) : "memory");
    } while (was != 0);
    locked++;
    __asm__ volatile("stlr wzr, [%0]" ::"r"(&lock) : "memory");
}

// As Linux did it: LDAXR of the ticket, WFE until it is our turn, STLRH of the next owner.
static void add_ticketed(void)
{
    uint32_t mine, tmp, now;

    __asm__ volatile("1: ldaxrh %w0, [%3]\n add %w1, %w0, #1\n stxrh %w2, %w1, [%3]\n cbnz %w2, 1b"
                     : "=&r"(mine), "=&r"(tmp), "=&r"(now)
                     : "r"(&ticket.next)
                     : "memory");
    __asm__ volatile("   sevl\n2: wfe\n ldaxrh %w0, [%1]\n cmp %w0, %w2\n b.ne 2b"
                     : "=&r"(now)
                     : "r"(&ticket.owner), "r"(mine)
                     : "memory", "cc");
    ticketed++;
    __asm__ volatile("stlrh %w1, [%0]\n dsb ish\n sev" ::"r"(&ticket.owner), "r"(mine + 1)
                     : "memory");
}

// Both halves of the pair are always equal, whoever looks: half of the CPUs change it by CASP, half by LDXP and STXP.
static void add_pair(unsigned cpu)
{
    uint64_t a, b;
    uint32_t failed;

    if (cpu % 2 == 0) {
        do {
            __asm__ volatile(
                "ldxp %0, %1, [%3]\n add %0, %0, #1\n add %1, %1, #1\n stxp %w2, %0, %1, [%3]"
                : "=&r"(a), "=&r"(b), "=&r"(failed)
                : "r"(pair)
                : "memory");
            torn += failed == 0 && a != b;
        } while (failed != 0);
        return;
    }
    for (;;) {
        register uint64_t x0 __asm__("x0") = 0, x1 __asm__("x1") = 0;
        __asm__ volatile("casp x0, x1, x0, x1, [%2]"
                         : "+r"(x0), "+r"(x1)
                         : "r"(pair)
                         : "memory"); // reads both
        uint64_t old0 = x0, old1 = x1;
        register uint64_t x2 __asm__("x2") = old0 + 1, x3 __asm__("x3") = old1 + 1;
        __asm__ volatile("casp x0, x1, x2, x3, [%4]"
                         : "+r"(x0), "+r"(x1)
                         : "r"(x2), "r"(x3), "r"(pair)
                         : "memory");
        if (old0 != old1) {
            __atomic_add_fetch(&torn, 1, __ATOMIC_RELAXED);
        }
        if (x0 == old0 && x1 == old1) {
            return;
        }
    }
}

static void work(unsigned cpu)
{
    barrier();
    for (unsigned i = 0; i < TURNS; i++) {
        __asm__ volatile("stadd %1, [%0]" ::"r"(&added), "r"(1ull) : "memory");
        add_exclusive(&exclusive);
        add_compared(&compared);
        add_pair(cpu);
        if (i % 16 == 0) {
            add_locked();
            add_ticketed();
        }
    }
    barrier();
}

static void expect(const char *name, uint64_t value, uint64_t wanted)
{
    put(name);
    put(value == wanted ? " right " : " wrong ");
    put_number(value);
    put("\n");
}

void atomics(void)
{
    uint64_t turns = TURNS, few = (turns + 15) / 16;

    together(CPUS, work);
    expect("STADD", added, CPUS * turns);
    expect("LDXR-STXR", exclusive, CPUS * turns);
    expect("CAS", compared, CPUS * turns);
    expect("pair", pair[0], CPUS * turns);
    expect("pair-high", pair[1], CPUS * turns);
    expect("pair-torn", torn, 0);
    expect("SWPA-lock", locked, CPUS * few);
    expect("ticket-lock", ticketed, CPUS * few);
}
