/*
 * sys.h - what the guests of tests/system share: probes, printing, page tables, the second CPU.
 *
 * A guest is one C file with a main(). It prints a line for each check with check(): "suite.name value...". The same
 * image runs on every machine that looks like QEMU's virt, and what it prints may only depend on the architecture.
 *
 * X18 always points to the struct cpu of the CPU that runs, at EL0 too: that is how the vectors need no stack.
 */
#ifndef SYS_H
#define SYS_H

#define CPU_RESUME 0x00 /* offsets in struct cpu, for start.S */
#define CPU_IRQ    0x08
#define CPU_SAVE   0x10
#define CPU_VEC    0x80
#define CPU_ESR    0x88
#define CPU_FAR    0x90
#define CPU_ELR    0x98
#define CPU_SPSR   0xa0
#define CPU_X      0xa8
#define CPU_SP     0x1a0
#define CPU_STACK  0x1a8

#define DONE_ESR 0x56000fff /* a probe that came to its end: SVC #0xfff */

#ifndef __ASSEMBLER__
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef __uint128_t u128;

/* An exception, as its vector found things. */
struct trap {
    u64 vec; /* 0-3 EL1t, 4-7 EL1h, 8-11 EL0; of each: synchronous, IRQ, FIQ, SError */
    u64 esr, far, elr, spsr;
    u64 x[31], sp;
};

struct cpu {
    u64 resume; /* where the probe under way ends */
    void (*irq)(void);
    u64 save[14];
    struct trap trap;
    u64 stack;
    u64 index;
};
_Static_assert(offsetof(struct cpu, trap) == CPU_VEC, "start.S knows");
_Static_assert(offsetof(struct cpu, trap.x) == CPU_X, "start.S knows");
_Static_assert(offsetof(struct cpu, trap.sp) == CPU_SP, "start.S knows");
_Static_assert(offsetof(struct cpu, stack) == CPU_STACK, "start.S knows");

extern struct cpu cpus[4];
register struct cpu *this_cpu __asm__("x18");

int main(void);

/* ---- Printing -------------------------------------------------------------------------------- */

/* %s %c %u %d, %x (least digits), %w (8 digits), %l (16 digits); all numbers are u64. */
void print(const char *fmt, ...);

/* A line of the result: name, then values. */
void check(const char *name, const char *fmt, ...);

/* The outcome of a probe of code on address base: "ok X0", or the exception with addresses made relative. */
void check_trap(const char *name, const struct trap *t, const void *code, u64 base);

/* Name for check(): formatted into a buffer that the next four calls leave alone. */
const char *name(const char *fmt, ...);

void power_off(void) __attribute__((noreturn));

/* ---- Probes ---------------------------------------------------------------------------------- */

/* PSTATE for probe(). */
#define EL0T   0x3c0ull
#define EL1T   0x3c4ull
#define EL1H   0x3c5ull
#define P_SSBS (1ull << 12)
#define P_IL   (1ull << 20)
#define P_SS   (1ull << 21)
#define P_PAN  (1ull << 22)
#define P_UAO  (1ull << 23)
#define P_DIT  (1ull << 24)

/* Runs code with that PSTATE until it returns by RET or takes an exception; the trap stays valid to the next probe. */
struct trap *probe(u64 spsr, const void *code, u64 x0, u64 x1, u64 x2, u64 x3, u64 x4, u64 x5);
static inline struct trap *probe1(u64 spsr, const void *code, u64 x0)
{
    return probe(spsr, code, x0, 0, 0, 0, 0, 0);
}
static inline struct trap *probe2(u64 spsr, const void *code, u64 x0, u64 x1)
{
    return probe(spsr, code, x0, x1, 0, 0, 0, 0);
}
static inline bool done(const struct trap *t)
{
    return t->esr == DONE_ESR;
}

/* A piece of code to probe; RET is added. */
#define SNIPPET(label, code)                                                         \
    __asm__(".pushsection .text\n.balign 16\n.global " #label "\n" #label ":\n" code \
            "\nret\n.popsection\n");                                                 \
    extern const u32 label[]

/* ---- Registers ------------------------------------------------------------------------------- */

#define MRS(reg)                                               \
    ({                                                         \
        u64 v_;                                                \
        __asm__ volatile("mrs %0, " reg : "=r"(v_)::"memory"); \
        v_;                                                    \
    })
#define MSR(reg, value) __asm__ volatile("msr " reg ", %0" ::"r"((u64)(value)) : "memory")
#define ASM(code)       __asm__ volatile(code ::: "memory")
#define SYS1(code, x)   __asm__ volatile(code ", %0" ::"r"((u64)(x)) : "memory")

static inline void isb(void)
{
    ASM("isb");
}
static inline void dsb(void)
{
    ASM("dsb sy");
}
static inline u64 field(u64 v, unsigned lo, unsigned width)
{
    return v >> lo & ((1ull << width) - 1);
}

static inline u32 rd32(u64 a)
{
    u32 v;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"(a) : "memory");
    return v;
}
static inline void wr32(u64 a, u32 v)
{
    __asm__ volatile("str %w0, [%1]" ::"r"(v), "r"(a) : "memory");
}
static inline u64 rd64(u64 a)
{
    u64 v;
    __asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(a) : "memory");
    return v;
}
static inline void wr64(u64 a, u64 v)
{
    __asm__ volatile("str %0, [%1]" ::"r"(v), "r"(a) : "memory");
}

#define SCTLR_M     (1ull << 0)
#define SCTLR_A     (1ull << 1)
#define SCTLR_SA    (1ull << 3)
#define SCTLR_SA0   (1ull << 4)
#define SCTLR_UMA   (1ull << 9)
#define SCTLR_DZE   (1ull << 14)
#define SCTLR_UCT   (1ull << 15)
#define SCTLR_NTWI  (1ull << 16)
#define SCTLR_NTWE  (1ull << 18)
#define SCTLR_WXN   (1ull << 19)
#define SCTLR_SPAN  (1ull << 23)
#define SCTLR_UCI   (1ull << 26)
#define SCTLR_DSSBS (1ull << 44)
#define SCTLR_EPAN  (1ull << 57)
#define SCTLR_BASE  0x30d0180cull /* RES1 bits, C, I, SA, SPAN, nTWE, nTWI, UCI off, LSMAOE... */

/* ---- Page tables ----------------------------------------------------------------------------- */

#define PTE_VALID    1ull
#define PTE_ATTR(n)  ((u64)(n) << 2)
#define PTE_USER     (1ull << 6)
#define PTE_RO       (1ull << 7)
#define PTE_IS       (3ull << 8)
#define PTE_AF       (1ull << 10)
#define PTE_NG       (1ull << 11)
#define PTE_DBM      (1ull << 51)
#define PTE_CONT     (1ull << 52)
#define PTE_PXN      (1ull << 53)
#define PTE_UXN      (1ull << 54)
#define PTE_XN       (PTE_PXN | PTE_UXN)
#define PTE_PXNT     (1ull << 59)
#define PTE_UXNT     (1ull << 60)
#define PTE_APT_USER (1ull << 61)
#define PTE_APT_RO   (1ull << 62)

enum { MA_NORMAL, MA_DEVICE, MA_NC, MA_GRE };

#define TCR_HPD0  (1ull << 41)
#define TCR_HPD1  (1ull << 42)
#define TCR_HA    (1ull << 39)
#define TCR_HD    (1ull << 40)
#define TCR_TBI0  (1ull << 37)
#define TCR_TBI1  (1ull << 38)
#define TCR_AS    (1ull << 36)
#define TCR_E0PD0 (1ull << 55)
#define TCR_E0PD1 (1ull << 56)
#define TCR_EPD0  (1ull << 7)
#define TCR_EPD1  (1ull << 23)
#define TCR_A1    (1ull << 22)
#define TCR_DS    (1ull << 59)

/* One half of the address space. */
struct half {
    bool upper, ds;
    unsigned gran; /* 12, 14, 16 */
    unsigned bits; /* of input address */
    int start;     /* level */
    u64 *table;
};

void half_init(struct half *h, bool upper, unsigned gran, unsigned bits, bool ds);
unsigned half_shift(const struct half *h, int level);
u64 half_first(const struct half *h); /* its lowest address */
/* The descriptor of va at a level; makes tables down to there. */
u64 *half_desc(struct half *h, u64 va, int level);
void half_map(struct half *h, u64 va, u64 pa, u64 attr, int level);
/* The guest itself and its devices, one to one, into the lower half. */
void half_map_guest(struct half *h);
void *table_alloc(unsigned bytes); /* aligned to its size, zeroed */
void tables_free(void);            /* all of them, but those of mmu_default(); the MMU goes off */

/* Turns the MMU on (over off) with these halves, either may be NULL; plus is more of TCR. */
void mmu_set(const struct half *lower, const struct half *upper, u64 plus);
/* 4 KB pages, 39 bits; the guest in the lower half, nothing in the upper. */
void mmu_default(void);
extern struct half lower; /* of mmu_default() */
static inline void sctlr_set(u64 set, u64 clear)
{
    MSR("sctlr_el1", (MRS("sctlr_el1") & ~clear) | set);
    isb();
}
static inline void flush(void)
{
    ASM("dsb ish\ntlbi vmalle1is\ndsb ish\nisb");
}

/* 1 MB of physical pages to play with, aligned to 64 KB. */
extern u8 play[1 << 20];
#define PLAY ((u64)(uintptr_t)play)

/* ---- The other CPU and the firmware ---------------------------------------------------------- */

u64 psci(u64 fn, u64 a, u64 b, u64 c);
u64 smccc(bool smc, u64 fn, u64 a, u64 b, u64 c);
void cpu1_start(void);                 /* PSCI CPU_ON; with the MMU as this CPU has it */
u64 cpu1_call(u64 (*fn)(u64), u64 x);  /* runs it there and waits */
void cpu1_post(u64 (*fn)(u64), u64 x); /* does not wait */
u64 cpu1_wait(void);
void cpu1_leave(void); /* it switches itself off */

#define ARRAY(a) (sizeof(a) / sizeof((a)[0]))
#endif
#endif
