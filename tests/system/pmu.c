/*
 * pmu.c - the performance monitors: registers, what EL0 may touch, exact counts of instructions, filters, overflow and its
 * interrupt.
 *
 * DDI 0487, "The Performance Monitors Extension". QEMU counts instructions only with -icount, which is how it runs this.
 * Counts of instructions are exact here, so they are compared as numbers; of cycles only that they pass.
 */
#include "ppi.h"

#define PPI 23

enum { E = 1, P = 2, C = 4 };
enum {
    SW_INCR = 0,
    INST_RETIRED = 8,
    EXC_TAKEN = 9,
    EXC_RETURN = 10,
    CID_WRITE = 11,
    CYCLES = 0x11,
    TTBR_WRITE = 0x1c,
    CHAIN = 0x1e
};

#define NOT_EL1 (1ull << 31)
#define NOT_EL0 (1ull << 30)
#define CCNT    (1ull << 31)

static void all_off(void)
{
    MSR("pmcr_el0", P | C);
    MSR("pmcntenclr_el0", ~0ull);
    MSR("pmintenclr_el1", ~0ull);
    MSR("pmovsclr_el0", ~0ull);
    MSR("pmuserenr_el0", 0);
    MSR("pmccfiltr_el0", 0);
    isb();
}

/* Counter 0 counts an event, and what is in counters 1 to 3 too. */
static void count(u64 type0, u64 type1, u64 type2, u64 type3)
{
    all_off();
    MSR("pmevtyper0_el0", type0);
    MSR("pmevtyper1_el0", type1);
    MSR("pmevtyper2_el0", type2);
    MSR("pmevtyper3_el0", type3);
    MSR("pmcntenset_el0", CCNT | 15);
    MSR("pmcr_el0", E);
    isb();
}

/* ---- Registers ------------------------------------------------------------------------------- */

/* clang-format off */
#define REGISTERS \
    X(pmcr_el0) X(pmcntenset_el0) X(pmcntenclr_el0) X(pmovsclr_el0) X(pmovsset_el0) \
    X(pmselr_el0) X(pmccntr_el0) X(pmxevtyper_el0) X(pmxevcntr_el0) X(pmuserenr_el0) \
    X(pmintenset_el1) X(pmintenclr_el1) X(pmevcntr0_el0) X(pmevcntr5_el0) \
    X(pmevtyper0_el0) X(pmevtyper5_el0) X(pmccfiltr_el0)
/* clang-format on */

#define X(reg)                          \
    SNIPPET(rd_##reg, "mrs x0, " #reg); \
    SNIPPET(wr_##reg, "msr " #reg ", x0\nisb");
REGISTERS
#undef X
/* Not to be read, or written: the assembler knows. */
SNIPPET(rd_pmswinc_el0, ".inst 0xd53b9c80");
SNIPPET(wr_pmswinc_el0, "msr pmswinc_el0, x0");
SNIPPET(rd_pmceid0_el0, "mrs x0, pmceid0_el0");
SNIPPET(wr_pmceid0_el0, ".inst 0xd51b9cc0");
SNIPPET(rd_pmceid1_el0, "mrs x0, pmceid1_el0");
SNIPPET(wr_pmceid1_el0, ".inst 0xd51b9ce0");

static const struct {
    const char *name;
    const u32 *read, *write;
} registers[] = {
#define X(reg) { #reg, rd_##reg, wr_##reg },
    REGISTERS X(pmswinc_el0) X(pmceid0_el0) X(pmceid1_el0)
#undef X
};

static void bits_of_registers(void)
{
    for (unsigned i = 0; i < ARRAY(registers); i++) {
        const u64 ones = i == 0 ? ~(u64)E : ~0ull; /* counters that run have no value to print */
        const char *what = name("pmu.bits-%s", registers[i].name);
        struct trap *t;
        u64 value;

        all_off();
        MSR("pmselr_el0", 2);
        t = probe1(EL1H, registers[i].write, ones);
        if (!done(t)) {
            check_trap(what, t, registers[i].write, 0);
            continue;
        }
        t = probe1(EL1H, registers[i].read, 0);
        if (!done(t)) {
            check_trap(what, t, registers[i].read, 0);
            continue;
        }
        value = t->x[0];
        probe1(EL1H, registers[i].write, 0);
        check(what, "ones=%l zeros=%l", value, probe1(EL1H, registers[i].read, 0)->x[0]);
    }
}

/* One character for each value of PMUSERENR_EL0's four bits: `-` trapped, `r` `w` done, `u` UNDEFINED, `?` else. */
static const char *users(const u32 *code, char allowed)
{
    static char text[2][17];
    char *out = text[allowed == 'w'];

    for (u64 user = 0; user < 16; user++) {
        struct trap *t;
        all_off();
        MSR("pmuserenr_el0", user);
        isb();
        t = probe1(EL0T, code, 0);
        out[user] = done(t) ? allowed : t->esr >> 26 == 0x18 ? '-' : t->esr >> 26 == 0 ? 'u' : '?';
    }
    return out;
}

static void access_from_el0(void)
{
    for (unsigned i = 0; i < ARRAY(registers); i++) {
        check(name("pmu.el0-%s", registers[i].name), "%s %s", users(registers[i].read, 'r'),
              users(registers[i].write, 'w'));
    }
    all_off();
}

static void set_and_clear(void)
{
    all_off();
    MSR("pmcntenset_el0", CCNT | 0x15);
    MSR("pmcntenset_el0", 0x2);
    MSR("pmcntenclr_el0", 0x4);
    check("pmu.enable", "%x %x", MRS("pmcntenset_el0"), MRS("pmcntenclr_el0"));
    MSR("pmintenset_el1", CCNT | 0x15);
    MSR("pmintenclr_el1", CCNT | 1);
    check("pmu.interrupts", "%x %x", MRS("pmintenset_el1"), MRS("pmintenclr_el1"));
    check("pmu.events", "%x %x", MRS("pmceid0_el0"), MRS("pmceid1_el0"));
    MSR("pmovsset_el0", CCNT | 0x3);
    MSR("pmovsclr_el0", 0x2);
    check("pmu.overflows", "%x %x", MRS("pmovsset_el0"), MRS("pmovsclr_el0"));
    for (u64 n = 0; n < 6; n++) {
        MSR("pmselr_el0", n);
        isb();
        MSR("pmxevtyper_el0", NOT_EL0 | n);
        MSR("pmxevcntr_el0", 0x1000 + n);
        isb();
    }
    check("pmu.selected", "%x %x %x %x", MRS("pmevtyper0_el0"), MRS("pmevtyper5_el0"),
          MRS("pmevcntr1_el0"), MRS("pmevcntr4_el0"));
    MSR("pmselr_el0", 31);
    isb();
    MSR("pmxevtyper_el0", NOT_EL1);
    isb();
    check("pmu.selected-31", "%x", MRS("pmccfiltr_el0"));
    MSR("pmevcntr3_el0", 77);
    MSR("pmccntr_el0", 88);
    MSR("pmcr_el0", P);
    isb();
    check("pmu.reset-events", "%u %u", MRS("pmevcntr3_el0"), MRS("pmccntr_el0"));
    MSR("pmevcntr3_el0", 77);
    MSR("pmcr_el0", C);
    isb();
    check("pmu.reset-cycles", "%u %u", MRS("pmevcntr3_el0"), MRS("pmccntr_el0"));
    all_off();
}

/* ---- Instructions ---------------------------------------------------------------------------- */

/* X0: what counter 0 gained from one read of it to the other, that is code, and one of the reads. X4 and up are free. */
#define COUNTED(label, code) \
    SNIPPET(label, "mrs x2, pmevcntr0_el0\n" code "\nmrs x3, pmevcntr0_el0\nsub x0, x3, x2")

COUNTED(counted_nothing, "");
COUNTED(counted_nops, ".rept 100\nnop\n.endr");
COUNTED(counted_loop, "mov x4, #1000\n1: subs x4, x4, #1\nb.ne 1b");
COUNTED(counted_hot_loop, "mov x4, #65535\n1: add x5, x5, #1\nsubs x4, x4, #1\nb.ne 1b");
COUNTED(counted_calls, "mov x6, x30\nmov x4, #20000\n1: bl 2f\nsubs x4, x4, #1\nb.ne 1b\nmov x30, "
                       "x6\nb 3f\n2: tbz x4, #0, 4f\n"
                       "nop\n4: ret\n3:");
COUNTED(counted_memory, "mov x4, #20000\n1: ldr x5, [x1]\nstr x5, [x1, #8]\nldp x6, x7, [x1]\nsubs "
                        "x4, x4, #1\nb.ne 1b");
COUNTED(counted_pages, "mov x4, #20000\nb 1f\n.balign 4096\n.rept 1022\nnop\n.endr\n1: "
                       "nop\nnop\nnop\ncbz x4, 2f\nsub x4, x4, #1\nb 1b\n2:");
COUNTED(counted_barriers, "isb\ndsb sy\ndmb sy\nmrs x4, pmccntr_el0\nmsr pmselr_el0, xzr\nisb");
COUNTED(counted_wfe, "sevl\nwfe\nyield");

static const struct {
    const char *name;
    const u32 *code;
} counted[] = {
    { "nothing", counted_nothing }, { "nops", counted_nops },
    { "loop", counted_loop },       { "hot-loop", counted_hot_loop },
    { "calls", counted_calls },     { "memory", counted_memory },
    { "pages", counted_pages },     { "barriers", counted_barriers },
    { "wfe", counted_wfe },
};

static void instructions(void)
{
    static const struct {
        const char *name;
        u64 filter, at_el1, at_el0;
    } filters[] = { { "all", 0, 1, 1 },
                    { "not-el1", NOT_EL1, 0, 1 },
                    { "not-el0", NOT_EL0, 1, 0 },
                    { "none", NOT_EL1 | NOT_EL0, 0, 0 } };

    for (unsigned i = 0; i < ARRAY(counted); i++) {
        count(INST_RETIRED, 0, 0, 0);
        check(name("pmu.insns-%s", counted[i].name), "%u",
              probe2(EL1H, counted[i].code, 0, PLAY)->x[0]);
    }
    for (unsigned f = 0; f < ARRAY(filters); f++) {
        count(filters[f].filter | INST_RETIRED, 0, 0, 0);
        MSR("pmuserenr_el0", 1);
        isb();
        print("pmu.insns-filter-%s %u %u", filters[f].name, probe1(EL1H, counted_loop, 0)->x[0],
              probe1(EL0T, counted_loop, 0)->x[0]);
        /* Level by level: one probe at EL0, of which EL1 sees the way there and back only. */
        MSR("pmevcntr0_el0", 0);
        isb();
        probe1(EL0T, counted_hot_loop, 0);
        print(" %s\n", MRS("pmevcntr0_el0") > 196000 ? "counts-el0" : "no-el0");
    }
    count(INST_RETIRED, 0, 0, 0);
    MSR("pmcr_el0", 0);
    isb();
    check("pmu.insns-off", "%u", probe1(EL1H, counted_loop, 0)->x[0]);
    MSR("pmcr_el0", E);
    MSR("pmcntenclr_el0", 1);
    isb();
    check("pmu.insns-disabled", "%u", probe1(EL1H, counted_loop, 0)->x[0]);
    all_off();
}

/* ---- Other events ---------------------------------------------------------------------------- */

SNIPPET(undefined, ".inst 0");
SNIPPET(contextidr, ".rept 5\nmsr contextidr_el1, x0\n.endr");

static void events(void)
{
    u64 ttbr = MRS("ttbr0_el1");

    count(EXC_TAKEN, EXC_RETURN, CID_WRITE, TTBR_WRITE);
    probe1(EL1H, counted_nothing, 0);
    check("pmu.exceptions-svc", "%u %u", MRS("pmevcntr0_el0"), MRS("pmevcntr1_el0"));
    probe1(EL1H, undefined, 0);
    probe1(EL0T, undefined, 0);
    check("pmu.exceptions-undefined", "%u %u", MRS("pmevcntr0_el0"), MRS("pmevcntr1_el0"));
    probe1(EL1H, contextidr, 3);
    MSR("ttbr0_el1", ttbr);
    MSR("ttbr0_el1", ttbr);
    isb();
    check("pmu.context-writes", "%u %u", MRS("pmevcntr2_el0"), MRS("pmevcntr3_el0"));
    count(SW_INCR, SW_INCR | NOT_EL1, SW_INCR, CYCLES);
    MSR("pmswinc_el0", 3);
    MSR("pmswinc_el0", 1 | 8);
    isb();
    check("pmu.software", "%u %u %u", MRS("pmevcntr0_el0"), MRS("pmevcntr1_el0"),
          MRS("pmevcntr2_el0"));
    all_off();
}

static void cycles(void)
{
    u64 c0, c1, e0, e1;

    count(INST_RETIRED, CYCLES, 0, 0);
    c0 = MRS("pmccntr_el0");
    e0 = MRS("pmevcntr1_el0");
    probe1(EL1H, counted_hot_loop, 0);
    c1 = MRS("pmccntr_el0");
    e1 = MRS("pmevcntr1_el0");
    check("pmu.cycles", "%u %u", (u64)(c1 > c0), (u64)(e1 > e0));
    MSR("pmccfiltr_el0", NOT_EL1);
    isb();
    c0 = MRS("pmccntr_el0");
    probe1(EL1H, counted_hot_loop, 0);
    check("pmu.cycles-filter", "%u", MRS("pmccntr_el0") - c0);
    all_off();
}

/* ---- Overflow -------------------------------------------------------------------------------- */

SNIPPET(wrap, "msr pmevcntr0_el0, x0\n.rept 40\nnop\n.endr\nmrs x0, pmevcntr0_el0");

static void overflow(void)
{
    count(INST_RETIRED, CHAIN, SW_INCR, CHAIN);
    check("pmu.wrap", "%x %x", probe1(EL1H, wrap, 0xfffffff0)->x[0], MRS("pmovsset_el0") & 3);
    check("pmu.chain", "%u", MRS("pmevcntr1_el0"));
    MSR("pmovsclr_el0", ~0ull);
    MSR("pmevcntr2_el0", 0xffffffff);
    MSR("pmevcntr3_el0", 0xffffffff);
    isb();
    MSR("pmswinc_el0", 4);
    isb();
    check("pmu.software-wrap", "%x %x", MRS("pmevcntr2_el0"), MRS("pmovsset_el0") & 4);
    check("pmu.chain-wrap", "%x %x", MRS("pmevcntr3_el0"), MRS("pmovsset_el0") & 8);
    MSR("pmovsclr_el0", ~0ull);
    MSR("pmccntr_el0", ~0ull - 100);
    isb();
    probe1(EL1H, counted_hot_loop, 0);
    check("pmu.cycles-wrap", "%x %u", MRS("pmovsset_el0") & CCNT,
          (u64)(MRS("pmccntr_el0") < 1ull << 40));
    all_off();
}

static bool pending(void)
{
    return field(rd32(ISPENDR), PPI, 1) != 0;
}

/* Until it is pending, for 1000 looks at a counter, each of which brings the counters up to date. */
static bool comes(void)
{
    for (unsigned i = 0; i < 1000; i++) {
        probe1(EL1H, counted_loop, 0);
        if (pending()) {
            return true;
        }
    }
    return false;
}

static volatile u64 taken, seen;

static void on_irq(void)
{
    u64 id = MRS("s3_0_c12_c12_0"); /* ICC_IAR1_EL1 */

    taken++;
    MSR("tpidrro_el0", 1);
    seen = id << 32 | MRS("pmovsset_el0");
    MSR("pmovsclr_el0", ~0ull);
    isb();
    MSR("s3_0_c12_c12_1", id);
}

/* Until the handler writes TPIDRRO_EL0, or the time is X0. */
SNIPPET(spin, "msr daifclr, #2\n1: mrs x5, tpidrro_el0\nmrs x6, cntvct_el0\n"
              "cmp x6, x0\nccmp x5, #0, #0, ls\nb.eq 1b");

static void interrupts(void)
{
    gic_on();
    wr32(ISENABLER, 1u << PPI);

    all_off();
    MSR("pmovsset_el0", 1);
    isb();
    check("pmu.line-not-enabled", "%u", (u64)pending());
    MSR("pmintenset_el1", 1);
    isb();
    check("pmu.line-off", "%u", (u64)pending());
    MSR("pmcr_el0", E);
    isb();
    check("pmu.line", "%u", (u64)pending());
    MSR("pmovsclr_el0", 1);
    isb();
    check("pmu.line-cleared", "%u", (u64)pending());

    count(INST_RETIRED, 0, 0, 0);
    MSR("pmevcntr0_el0", 0xffffffff - 100000);
    MSR("pmintenset_el1", 1);
    isb();
    check("pmu.line-insns", "%u", (u64)comes());
    count(0, CYCLES, 0, 0);
    MSR("pmevcntr1_el0", 0xffffffff - 100000);
    MSR("pmintenset_el1", 2);
    isb();
    check("pmu.line-cycles", "%u", (u64)comes());
    count(0, 0, 0, 0);
    MSR("pmccntr_el0", ~0ull - 100000);
    MSR("pmintenset_el1", CCNT);
    isb();
    check("pmu.line-cycle-counter", "%u", (u64)comes());
    all_off();
    check("pmu.line-all-off", "%u", (u64)pending());

    for (unsigned el = 0; el < 2; el++) {
        taken = seen = 0;
        MSR("tpidrro_el0", 0);
        this_cpu->irq = on_irq;
        count(INST_RETIRED | NOT_EL0, INST_RETIRED | NOT_EL1, 0, 0);
        MSR("pmevcntr0_el0", el == 1 ? 0xfff00000 : 0);
        MSR("pmevcntr1_el0", el == 0 ? 0xfff00000 : 0);
        MSR("pmintenset_el1", 3);
        isb();
        MSR("cntkctl_el1", 2);
        sctlr_set(SCTLR_UMA, 0);
        probe1(el == 0 ? EL0T : EL1H, spin, MRS("cntvct_el0") + MRS("cntfrq_el0") / 4);
        all_off();
        check(name("pmu.irq-el%u", (u64)el), "%u intid=%u overflow=%x", taken, seen >> 32,
              seen & 0xffffffff);
    }
    wr32(ICENABLER, 1u << PPI);
}

int main(void)
{
    bits_of_registers();
    access_from_el0();
    set_and_clear();
    mmu_default();
    instructions();
    events();
    cycles();
    overflow();
    interrupts();
    return 0;
}
