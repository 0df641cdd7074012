/*
 * psci.c - the firmware: PSCI and the SMC calling convention, and how a CPU starts.
 *
 * DEN 0022, "Function prototypes", "Return error codes", "Initial core configuration"; DEN 0028, "Register use in AArch64
 * SMC and HVC calls". The calls go by HVC. The last check of every guest is SYSTEM_OFF: a guest that does not end fails.
 */
#include "ppi.h"

#define VERSION        0x84000000u
#define CPU_SUSPEND    0x84000001u
#define CPU_OFF        0x84000002u
#define CPU_ON         0x84000003u
#define AFFINITY_INFO  0x84000004u
#define MIGRATE        0x84000005u
#define MIGRATE_TYPE   0x84000006u
#define MIGRATE_UP_CPU 0x84000007u
#define FEATURES       0x8400000au
#define C64            0x40000000u

enum { ON, OFF, ON_PENDING };

/* ---- Where a CPU starts ---------------------------------------------------------------------- */

/* What the second CPU finds at its first instruction; its X0 is the address of this. */
static struct {
    u64 x0, x1, pc, current_el, daif, nzcv, spsel, sctlr, mpidr, cpacr, go, alive, done;
} entry;

_Static_assert(offsetof(__typeof__(entry), done) == 96, "the entry knows");

/* x0 = context; waits for go, then switches itself off. */
__asm__(".pushsection .text\n.balign 16\n.global psci_entry\npsci_entry:\n"
        "adrp x9, entry_at\nldr x9, [x9, :lo12:entry_at]\n"
        "stp x0, x1, [x9]\nadr x1, psci_entry\nstr x1, [x9, #16]\n"
        "mrs x1, currentel\nstr x1, [x9, #24]\nmrs x1, daif\nstr x1, [x9, #32]\n"
        "mrs x1, nzcv\nstr x1, [x9, #40]\nmrs x1, spsel\nstr x1, [x9, #48]\n"
        "mrs x1, sctlr_el1\nstr x1, [x9, #56]\nmrs x1, mpidr_el1\nstr x1, [x9, #64]\n"
        "mrs x1, cpacr_el1\nstr x1, [x9, #72]\n"
        "mov x1, #1\ndsb sy\nstr x1, [x9, #88]\n"
        "1: ldr x1, [x9, #80]\ncbz x1, 1b\n"
        "mov x1, #1\nstr x1, [x9, #96]\ndsb sy\n"
        "movz x0, #0x8400, lsl #16\nmovk x0, #2\nhvc #0\n2: b 2b\n"
        ".popsection\n");
extern const u32 psci_entry[];
void *entry_at; /* the MMU is off there: one to one */

static u64 call(u32 fn, u64 a, u64 b, u64 c)
{
    return psci(fn, a, b, c);
}

static u64 on(u32 fn, u64 mpidr, const void *pc, u64 context)
{
    return call(fn, mpidr, (u64)(uintptr_t)pc, context);
}

static u64 info(u64 mpidr)
{
    return call(AFFINITY_INFO | C64, mpidr, 0, 0);
}

static volatile u64 *field_of(u64 *p)
{
    return p;
}

static void start(const char *what, u32 fn, u64 context)
{
    entry = (__typeof__(entry)){ 0 };
    dsb();
    u64 result = on(fn, 1, psci_entry, context);
    while (*field_of(&entry.alive) == 0) {
    }
    check(name("psci.on-%s", what), "%x", result);
}

static void stop(void)
{
    *field_of(&entry.go) = 1;
    dsb();
    while (info(1) != OFF) {
    }
}

static void entry_state(void)
{
    check("psci.entry-x0", "%l", entry.x0);
    check("psci.entry-pc", "%u", (u64)(entry.pc == (u64)(uintptr_t)psci_entry));
    check("psci.entry-el", "%x", entry.current_el);
    check("psci.entry-daif", "%x", entry.daif);
    check("psci.entry-spsel", "%x", entry.spsel);
    /* MMU, caches, alignment and stack checks: what a boot loader relies on. M, C, I, WXN, EE. */
    check("psci.entry-sctlr", "m=%u c=%u i=%u wxn=%u ee=%u e0e=%u", field(entry.sctlr, 0, 1),
          field(entry.sctlr, 2, 1), field(entry.sctlr, 12, 1), field(entry.sctlr, 19, 1),
          field(entry.sctlr, 25, 1), field(entry.sctlr, 24, 1));
    check("psci.entry-mpidr", "%x", entry.mpidr);
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static void versions(void)
{
    check("psci.version", "%x", call(VERSION, 0, 0, 0));
    check("psci.migrate-type", "%x", call(MIGRATE_TYPE, 0, 0, 0));
    check("psci.migrate", "%l", call(MIGRATE, 0, 0, 0));
    check("psci.migrate-up-cpu", "%l", call(MIGRATE_UP_CPU, 0, 0, 0));
    for (u64 n = 0; n <= 0x16; n++) {
        for (u64 wide = 0; wide < 2; wide++) {
            u64 fn = (VERSION + n) | (wide ? C64 : 0);
            check(name("psci.features-%x", fn), "%x", call(FEATURES, fn, 0, 0) & 0xffffffff);
        }
    }
    check("psci.features-smccc", "%x", call(FEATURES, 0x80000000, 0, 0) & 0xffffffff);
    check("psci.features-bad", "%x", call(FEATURES, 0x12345678, 0, 0) & 0xffffffff);
    check("psci.unknown-84", "%l", call(0x8400ff00, 0, 0, 0));
    check("psci.unknown-c4", "%l", call(0xc400ff00, 0, 0, 0));
    check("psci.unknown-oem", "%l", call(0x83000000, 0, 0, 0));
    check("psci.smccc-version", "%x", call(0x80000000, 0, 0, 0));
    check("psci.smccc-features-version", "%l", call(0x80000001, 0x80000000, 0, 0));
    check("psci.smccc-features-unknown", "%l", call(0x80000001, 0x80007fff, 0, 0));
}

/* SMCCC: X4 to X17 (since 1.1 also X1 to X3 where they are no result), X18 to X30 and SP stay. */
SNIPPET(
    p_keep,
    "mov x20, x30\nmov x4, #4\nmov x5, #5\nmov x10, #10\nmov x17, #17\nmov x19, #19\nmov x29, #29\n"
    "hvc #0\nmov x30, x20");

static void registers_kept(void)
{
    const struct trap *t = probe(EL1H, p_keep, VERSION, 0x11, 0x22, 0x33, 0, 0);

    check("psci.registers", "%x %x %x %x %u %u %u %u %u %u", t->x[0], t->x[1], t->x[2], t->x[3],
          t->x[4], t->x[5], t->x[10], t->x[17], t->x[19], t->x[29]);
}

static void errors(void)
{
    const u64 pc = (u64)(uintptr_t)psci_entry;

    check("psci.info-self", "%l", info(0));
    check("psci.info-other", "%l", info(1));
    check("psci.info-32", "%l", call(AFFINITY_INFO, 1, 0, 0));
    check("psci.info-nobody", "%l", info(2));
    check("psci.info-aff1", "%l", info(0x100));
    check("psci.info-aff3", "%l", info(1ull << 32));
    check("psci.info-reserved", "%l", info(1ull << 31));
    check("psci.info-level1", "%l", call(AFFINITY_INFO | C64, 0, 1, 0));
    check("psci.info-level4", "%l", call(AFFINITY_INFO | C64, 0, 4, 0));
    check("psci.on-self", "%l", call(CPU_ON | C64, 0, pc, 0));
    check("psci.on-nobody", "%l", call(CPU_ON | C64, 2, pc, 0));
    check("psci.on-aff1", "%l", call(CPU_ON | C64, 0x100, pc, 0));
    check("psci.on-aff2", "%l", call(CPU_ON | C64, 0x10001, pc, 0));
    check("psci.on-aff3", "%l", call(CPU_ON | C64, 1ull << 32 | 1, pc, 0));
    check("psci.on-mpidr", "%l", call(CPU_ON | C64, 1ull << 31 | 1, pc, 0));
    check("psci.on-no-memory", "%l", call(CPU_ON | C64, 0, 0xff0000000000, 0));
    check("psci.info-after-errors", "%l", info(1));
}

static void on_and_off(void)
{
    start("64", CPU_ON | C64, 0x123456789abcdef0);
    entry_state();
    check("psci.info-on", "%l", info(1));
    check("psci.on-again", "%l", on(CPU_ON | C64, 1, psci_entry, 0));
    stop();
    check("psci.off", "done=%u info=%l", entry.done, info(1));
    /* By the 32-bit call the context has 32 bits. */
    start("32", CPU_ON, 0x9abcdef0);
    check("psci.on-32-x0", "%l", entry.x0);
    check("psci.on-32-again", "%l", on(CPU_ON, 1, psci_entry, 0));
    stop();
    for (unsigned n = 0; n < 20; n++) {
        entry = (__typeof__(entry)){ .go = 1 };
        dsb();
        u64 result = on(CPU_ON | C64, 1, psci_entry, n);
        while (*field_of(&entry.done) == 0 || info(1) != OFF) {
        }
        if (n % 5 == 0) {
            check(name("psci.cycle-%u", (u64)n), "%x x0=%u done=%u", result, entry.x0, entry.done);
        }
    }
}

/* What CPU 1 leaves behind does not come back: it starts anew. */
static u64 dirty(u64 x)
{
    MSR("tpidr_el1", x);
    MSR("cntkctl_el1", 3);
    ASM("msr daifclr, #15");
    return x;
}

static void starts_anew(void)
{
    mmu_default();
    cpu1_start();
    cpu1_call(dirty, 5);
    cpu1_leave();
    start("anew", CPU_ON | C64, 7);
    check("psci.anew", "daif=%x m=%u x0=%x", entry.daif, field(entry.sctlr, 0, 1), entry.x0);
    stop();
}

/* CPU_SUSPEND: an interrupt that is pending ends it, be it masked. */
static void suspend(void)
{
    gic_on();
    wr32(ISENABLER, 1u << 27);
    for (unsigned n = 0; n < 2; n++) {
        MSR("cntv_tval_el0", n == 0 ? 50000 : 0);
        MSR("cntv_ctl_el0", 1);
        isb();
        u64 result = 0;
        for (unsigned tries = 0; tries < 1000000 && (MRS("cntv_ctl_el0") & 4) == 0; tries++) {
            result = call(n == 0 ? CPU_SUSPEND | C64 : CPU_SUSPEND, 0, 0, 0);
        }
        result |= call(CPU_SUSPEND, 0, 0, 0); /* pending already: at once */
        check(name("psci.suspend-%u", (u64)n), "%l ctl=%x", result, MRS("cntv_ctl_el0"));
        MSR("cntv_ctl_el0", 0);
        isb();
    }
}

int main(void)
{
    entry_at = &entry;
    versions();
    registers_kept();
    errors();
    on_and_off();
    starts_anew();
    suspend();
    return 0;
}
