// code.c - code that changes while other CPUs run it, and code pages that move.
//
// DDI 0487, "Concurrent modification and execution of instructions": a B may be replaced by another B while others execute
// it. The writer makes it visible by DC CVAU, DSB, IC IVAU, DSB, and only then says so; who has heard that and executes
// an ISB must branch to the new target.
#include "litmus.h"

#define FUNCTIONS 32
#define TARGETS   8
#define CHANGES   (STORM / 250) // each waits for all other CPUs, which share the host's processors
#define ROUNDS    (STORM / 1000)
#define CODE_VA   0x80200000ull // third GiB, beside tlbi.c's page

extern uint64_t table[];

// A page: the functions, each a B in 16 bytes; then targets that answer their number. Another page: the same targets.
static uint32_t code[2][1024] __attribute__((aligned(4096)));
static uint64_t sequence[FUNCTIONS]; // odd: being changed
static uint64_t wrong, right;
static uint32_t over;

static uint32_t *target(unsigned page, unsigned n)
{
    return &code[page][512 + 16 * n];
}

static void clean(const void *at)
{
    __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb" ::"r"(at) : "memory");
}

static void put_target(uint32_t *at, unsigned answer)
{
    at[0] = 0x52800000u | answer << 5; // MOVZ W0, #answer
    at[1] = 0xd65f03c0u;               // RET
    clean(at);
}

static void point(unsigned function, uint64_t n)
{
    uint32_t *at = &code[0][4 * function];
    uint32_t *to = target(function & 1, (unsigned)(n % TARGETS));

    __atomic_store_n(at, 0x14000000u | ((uint32_t)(to - at) & 0x3ffffff), __ATOMIC_RELAXED);
    clean(at);
}

// The callers come by at least once, whatever processors the host has.
static void let_call(void)
{
    uint64_t before = __atomic_load_n(&right, __ATOMIC_RELAXED);

    while (__atomic_load_n(&right, __ATOMIC_RELAXED) == before) {
        __asm__ volatile("yield");
    }
}

static void writer(void)
{
    uint32_t seed = 1;

    for (unsigned n = 0; n < CHANGES; n++) {
        unsigned f = any(&seed) % FUNCTIONS;
        uint64_t s = sequence[f];
        __atomic_store_n(&sequence[f], s + 1, __ATOMIC_SEQ_CST);
        point(f, (s + 2) / 2);
        __atomic_store_n(&sequence[f], s + 2, __ATOMIC_RELEASE);
        if (n % 8 == 0) {
            let_call();
        }
    }
    __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
}

static void caller(unsigned cpu)
{
    uint32_t seed = cpu;
    uint64_t bad = 0;

    while (__atomic_load_n(&over, __ATOMIC_SEQ_CST) == 0) {
        unsigned f = any(&seed) % FUNCTIONS;
        uint64_t before = __atomic_load_n(&sequence[f], __ATOMIC_ACQUIRE), answer = 0;
        __asm__ volatile("isb" ::: "memory");
        for (unsigned i = 0; i < 30; i++) {
            answer = ((uint32_t(*)(void))(uintptr_t)&code[0][4 * f])();
        }
        __asm__ volatile("dmb ish" ::: "memory");
        if ((before & 1) == 0 && before == __atomic_load_n(&sequence[f], __ATOMIC_RELAXED)) {
            __atomic_add_fetch(&right, 1, __ATOMIC_RELAXED);
            bad += answer != before / 2 % TARGETS;
        }
    }
    __atomic_add_fetch(&wrong, bad, __ATOMIC_RELAXED);
}

static void change(unsigned cpu)
{
    barrier();
    if (cpu == 0) {
        writer();
    } else {
        caller(cpu);
    }
    barrier();
}

// ---- Pages that move --------------------------------------------------------------------------

static uint64_t level2[512] __attribute__((aligned(4096)));
static uint64_t level3[512] __attribute__((aligned(4096)));
static uint32_t pages[3][1024] __attribute__((aligned(4096)));

static uint32_t call_there(void)
{
    return ((uint32_t(*)(void))(uintptr_t)(CODE_VA + 64))();
}

// Every round: new code in the next of three pages, which takes the place of the last one; all call it.
static void move(unsigned cpu)
{
    uint64_t bad = 0;

    barrier();
    for (unsigned n = 0; n < ROUNDS; n++) {
        if (cpu == 0) {
            uint32_t *page = pages[n % 3];
            level3[0] = 0;
            __asm__ volatile("dsb ishst\n tlbi vaae1is, %0\n dsb ish\n isb" ::"r"(CODE_VA >> 12)
                             : "memory");
            put_target(&page[16], n & 0xffff);
            *(volatile uint64_t *)level3 = (uint64_t)(uintptr_t)page | 0x703;
            __asm__ volatile("dsb ishst\n isb" ::: "memory");
        }
        barrier();
        __asm__ volatile("isb" ::: "memory");
        for (unsigned i = 0; i < 30; i++) {
            bad += call_there() != (n & 0xffff);
        }
        barrier();
    }
    __atomic_add_fetch(&wrong, bad, __ATOMIC_RELAXED);
    barrier();
}

static void say(const char *name, uint64_t bad, uint64_t count)
{
    put(name);
    put(bad == 0 && count != 0 ? " right " : " wrong ");
    put_number(count);
    put("\n");
}

void code_storm(void)
{
    for (unsigned n = 0; n < TARGETS; n++) {
        put_target(target(0, n), n);
        put_target(target(1, n), n);
    }
    for (unsigned f = 0; f < FUNCTIONS; f++) {
        point(f, 0);
    }
    together(CPUS, change);
    say("code-storm", wrong, right);
    wrong = 0;
    level2[1] = (uint64_t)(uintptr_t)level3 | 3;
    level2[0] = table[2] != 0 ? *(uint64_t *)(uintptr_t)(table[2] & ~0xfffull) : 0; // tlbi.c's
    table[2] = (uint64_t)(uintptr_t)level2 | 3;
    __asm__ volatile("dsb ish\n tlbi vmalle1is\n dsb ish\n isb" ::: "memory");
    together(CPUS, move);
    say("code-moves", wrong, ROUNDS);
}
