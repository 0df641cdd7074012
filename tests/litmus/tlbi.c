// tlbi.c - one CPU moves a page to and fro between two places; after its TLBI and DSB nobody may see the old one.
//
// DDI 0487, "TLB maintenance requirements and the TLB maintenance instructions", "Completion": break before make.
#include "litmus.h"

#define PAGE_VA 0x80000000ull // third GiB
#define MOVES   (STORM / 50)

extern uint64_t table[];

static uint64_t level2[512] __attribute__((aligned(4096)));
static uint64_t level3[512] __attribute__((aligned(4096)));
static uint64_t pages[2][512] __attribute__((aligned(4096)));
static uint64_t announced; // moves that have completed
static uint64_t stale;
static uint32_t over;

static void mover(void)
{
    for (uint64_t n = 1; n <= MOVES; n++) {
        uint64_t *page = pages[n & 1];
        page[0] = n; // the number of the move, before the page is there again
        level3[0] = 0;
        __asm__ volatile("dsb ishst\n tlbi vaae1is, %0\n dsb ish\n isb" ::"r"(PAGE_VA >> 12)
                         : "memory");
        *(volatile uint64_t *)level3 = (uint64_t)(uintptr_t)page | 0x703;
        __asm__ volatile("dsb ishst\n isb" ::: "memory");
        __atomic_store_n(&announced, n, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
}

// The vectors of start.S skip a load that faults and make its x0 all ones.
static uint64_t read_or_fault(uint64_t va)
{
    register uint64_t x0 __asm__("x0");

    __asm__ volatile("ldr %0, [%1]" : "=r"(x0) : "r"(va) : "x16", "memory");
    return x0;
}

static void reader(void)
{
    while (__atomic_load_n(&over, __ATOMIC_SEQ_CST) == 0) {
        uint64_t least = __atomic_load_n(&announced, __ATOMIC_ACQUIRE);
        if (read_or_fault(PAGE_VA) <
            least) { // a fault, between break and make, is more than anything
            __atomic_add_fetch(&stale, 1, __ATOMIC_RELAXED);
        }
    }
}

static void work(unsigned cpu)
{
    barrier();
    if (cpu == 0) {
        mover();
    } else {
        reader();
    }
    barrier();
}

void tlbi_storm(void)
{
    level3[0] = (uint64_t)(uintptr_t)pages[0] | 0x703;
    level2[0] = (uint64_t)(uintptr_t)level3 | 3;
    table[2] = (uint64_t)(uintptr_t)level2 | 3;
    __asm__ volatile("dsb ish\n isb" ::: "memory");
    together(CPUS, work);
    put("TLBI-storm ");
    put(stale == 0 ? "right " : "wrong ");
    put_number(stale);
    put("\n");
}
