// main.c - starts the other CPUs, hands them jobs, prints.
#include "litmus.h"

extern char cpu_entry[];

static void (*volatile job)(unsigned cpu);
static volatile unsigned wanted; // CPUs of the current job
static uint32_t generation;      // counts jobs; the others wait for a new one
static uint32_t finished, arrived, phase;

void put(const char *text)
{
    while (*text != '\0') {
        *(volatile uint32_t *)0x09000000 = (uint32_t)*text++;
    }
}

void put_number(uint64_t n)
{
    char text[24];
    unsigned at = sizeof(text) - 1;

    text[at] = '\0';
    do {
        text[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    put(text + at);
}

void barrier(void)
{
    uint32_t now = __atomic_load_n(&phase, __ATOMIC_SEQ_CST);

    if (__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST) == wanted) {
        __atomic_store_n(&arrived, 0, __ATOMIC_SEQ_CST);
        __atomic_store_n(&phase, now + 1, __ATOMIC_SEQ_CST);
        __asm__ volatile("dsb ish\n sev" ::: "memory");
    }
    while (__atomic_load_n(&phase, __ATOMIC_SEQ_CST) == now) {
        __asm__ volatile("wfe");
    }
}

void together(unsigned cpus, void (*what)(unsigned cpu))
{
    job = what;
    wanted = cpus;
    __atomic_store_n(&finished, 0, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&generation, 1, __ATOMIC_SEQ_CST);
    __asm__ volatile("dsb ish\n sev" ::: "memory");
    what(0);
    while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) != cpus - 1) {
        __asm__ volatile("wfe");
    }
}

void secondary(unsigned cpu);
void secondary(unsigned cpu)
{
    uint32_t seen = 0;

    for (;;) {
        while (__atomic_load_n(&generation, __ATOMIC_SEQ_CST) == seen) {
            __asm__ volatile("wfe");
        }
        seen++;
        if (cpu < wanted) {
            job(cpu);
            __atomic_add_fetch(&finished, 1, __ATOMIC_SEQ_CST);
            __asm__ volatile("dsb ish\n sev" ::: "memory");
        }
    }
}

static void cpu_on(uint64_t cpu)
{
    register uint64_t x0 __asm__("x0") = 0xc4000003;
    register uint64_t x1 __asm__("x1") = cpu;
    register uint64_t x2 __asm__("x2") = (uint64_t)(uintptr_t)cpu_entry;
    register uint64_t x3 __asm__("x3") = cpu;

    __asm__ volatile("hvc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x3) : "memory");
    if (x0 != 0) {
        put("no CPU\n");
    }
}

int main(void);
int main(void)
{
    for (uint64_t cpu = 1; cpu < CPUS; cpu++) {
        cpu_on(cpu);
    }
#ifdef SHAPES
    shapes();
#else
    atomics();
    tlbi_storm();
    code_storm();
#endif
    put("done\n");
    return 0;
}
