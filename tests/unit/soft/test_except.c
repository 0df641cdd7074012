/*
 * test_except.c - exceptions: what each leaves in ESR, ELR, SPSR, FAR and PSTATE, from EL0, EL1t and
 * EL1h; interrupts and their masks; returns, illegal ones too; what EL0 may not do; PSTATE's own
 * instructions.
 *
 * DDI 0487, "Exception entry", "Exception return", "Synchronous exception prioritization",
 * "ESR_EL1", "Illegal return events from AArch64 state".
 */
#include "rig.h"

#define NZCV_N    (1u << 31)
#define NZCV_C    (1u << 29)
#define FAR_UNSET 0x1111ull
#define NOWHERE   0x20000000ull /* no memory, no device */
#define USER_SP   (DATA + 0x20000)

static const uint32_t levels[] = { EL0T, EL1T, EL1H };

static unsigned vector_of(uint32_t pstate)
{
    switch (pstate & 0xf) {
    case EL0T: return V_LOWER;
    case EL1T: return V_SP0;
    default: return V_SPX;
    }
}

/* ---- Synchronous exceptions ------------------------------------------------------------------ */

/* `word` with x1 = value, at CODE. */
struct cause {
    const char *name;
    uint32_t word;
    uint64_t x1;
    enum esr_ec ec; /* class at EL1; the aborts' classes from EL0 are one less */
    uint32_t iss;
    unsigned ret; /* ELR is so much after CODE; RET_X1: x1 */
    bool far;     /* FAR is x1; else it keeps its value    */
};

#define RET_X1 1

static const struct cause causes[] = {
    { "svc", I_SVC(0x1234), 0, EC_SVC64, 0x1234, 4, false },
    { "brk", I_BRK(0xfedc), 0, EC_BRK64, 0xfedc, 0, false },
    { "udf", I_UDF, 0, EC_UNKNOWN, 0, 0, false },
    { "hlt", I_HLT(1), 0, EC_UNKNOWN, 0, 0, false },
    { "dcps1", 0xd4a00001, 0, EC_UNKNOWN, 0, 0, false },
    { "drps", 0xd6bf03e0, 0, EC_UNKNOWN, 0, 0, false },
    { "unallocated", 0xffffffff, 0, EC_UNKNOWN, 0, 0, false },
    { "load from nowhere", I_LDR(0, 1), NOWHERE, EC_DABT_SAME, FSC_EXTERNAL, 0, true },
    { "store to nowhere", I_STR(0, 1), NOWHERE, EC_DABT_SAME, FSC_EXTERNAL | 1 << 6, 0, true },
    { "misaligned load", I_LDR(0, 1), DATA + 1, EC_DABT_SAME, FSC_ALIGNMENT, 0, true },
    { "too large", I_LDR(0, 1), BIT(52), EC_DABT_SAME, FSC_ADDRESS_SIZE, 0, true },
    { "branch to nowhere", 0xd65f0020 /* ret x1: no BTYPE */, NOWHERE, EC_IABT_SAME, FSC_EXTERNAL,
      RET_X1, true },
    { "misaligned pc", 0xd65f0020 /* ret x1 */, CODE + 0x102, EC_PC_ALIGN, 0, RET_X1, true },
    { "misaligned sp", 0xf94003e0 /* ldr x0, [sp] */, 8, EC_SP_ALIGN, 0, 0, false },
    { "fp off", I_FMOV_D0_X0, 0, EC_FP_ACCESS, 0x1e00000, 0, false },
};

static enum esr_ec class_from(uint32_t pstate, enum esr_ec ec)
{
    bool abort = ec == EC_DABT_SAME || ec == EC_IABT_SAME;

    return abort && (pstate & 0xf) == EL0T ? (enum esr_ec)(ec - 1) : ec;
}

static void check_cause(struct rig *r, const struct cause *c, uint32_t pstate)
{
    uint64_t ret = c->ret == RET_X1 ? c->x1 : CODE + c->ret;

    RIG_CODE(r, CODE, c->word, I_NOP);
    rig_set_sys(r, FAR_EL1, FAR_UNSET);
    rig_set_sys(r, CPACR_EL1, 0);
    rig_set(r, REG_X0 + 1, c->x1);
    rig_set(r, REG_PSTATE, pstate);
    rig_set(r, REG_SP, USER_SP + (c->ec == EC_SP_ALIGN ? c->x1 : 0));
    rig_run(r, CODE);
    if (r->exit.kind != EXIT_SYNDROME ||
        rig_sys(r, ESR_EL1) != esr_make(class_from(pstate, c->ec), c->iss)) {
        print_error("%s from %x: ESR %llx\n", c->name, pstate,
                    (unsigned long long)rig_sys(r, ESR_EL1));
    }
    rig_expect_exception(r, vector_of(pstate), class_from(pstate, c->ec), c->iss);
    assert_int_equal(rig_sys(r, ELR_EL1), ret);
    assert_int_equal(rig_sys(r, SPSR_EL1), pstate);
    assert_int_equal(rig_sys(r, FAR_EL1), c->far ? c->x1 : FAR_UNSET);
    /* EL1h with everything masked; SPAN is 1, so PAN stays; the flags stay. */
    uint32_t kept = pstate & (0xfu << 28 | PS_PAN | PS_DIT);
    assert_int_equal(rig_get(r, REG_PSTATE), kept | EL1H | MASKED);
}

static void test_causes(void **state)
{
    static const uint32_t others[] = { 0, MASKED, PS_I | NZCV_N | NZCV_C, PS_PAN | PS_DIT | PS_F,
                                       PS_SSBS };
    struct rig r;

    rig_make(&r);
    rig_set_sys(&r, SCTLR_EL1, rig_sys(&r, SCTLR_EL1) | SCTLR_SA | SCTLR_SA0);
    for (unsigned i = 0; i < ARRAY_SIZE(causes); i++) {
        for (unsigned k = 0; k < ARRAY_SIZE(levels) * ARRAY_SIZE(others); k++) {
            check_cause(&r, &causes[i], levels[k % 3] | others[k / 3]);
        }
    }
    rig_drop(&r);
}

/* SCTLR_EL1.SPAN = 0 sets PAN at entry, DSSBS is SSBS's value there, UAO is always cleared. */
static void test_entry_controls(void **state)
{
    struct rig r;
    uint64_t sctlr;

    rig_make(&r, .model = "neoverse-n1");
    sctlr = rig_sys(&r, SCTLR_EL1);
    RIG_CODE(&r, CODE, I_SVC(0));
    rig_run_as(&r, EL0T | PS_UAO | PS_SSBS, CODE);
    rig_expect_hvc(&r, V_LOWER);
    assert_int_equal(rig_sys(&r, SPSR_EL1), EL0T | PS_UAO | PS_SSBS);
    assert_int_equal(rig_get(&r, REG_PSTATE), EL1H | MASKED);
    rig_set_sys(&r, SCTLR_EL1, (sctlr & ~SCTLR_SPAN) | SCTLR_DSSBS);
    rig_run_as(&r, EL1T, CODE);
    rig_expect_hvc(&r, V_SP0);
    assert_int_equal(rig_get(&r, REG_PSTATE), EL1H | MASKED | PS_PAN | PS_SSBS);
    rig_drop(&r);

    rig_make(&r, .model = "cortex-a72"); /* none of these are there */
    rig_set_sys(&r, SCTLR_EL1, SCTLR_DSSBS);
    assert_int_equal(rig_sys(&r, SCTLR_EL1) & (SCTLR_SPAN | SCTLR_DSSBS), SCTLR_SPAN);
    RIG_CODE(&r, CODE, I_SVC(0));
    rig_run_as(&r, EL0T, CODE);
    rig_expect_hvc(&r, V_LOWER);
    assert_int_equal(rig_get(&r, REG_PSTATE), EL1H | MASKED);
    rig_drop(&r);
}

/* VBAR_EL1's low bits are RES0; each SP keeps its value. */
static void test_vectors_and_stacks(void **state)
{
    struct rig r;

    rig_make(&r);
    rig_set_sys(&r, VBAR_EL1, VECTORS | 0x7ff);
    assert_int_equal(rig_sys(&r, VBAR_EL1), VECTORS);
    rig_set(&r, REG_SP_EL0, 0x1230);
    rig_set(&r, REG_SP_EL1, 0x4560);
    assert_int_equal(rig_get(&r, REG_SP_EL1), 0x4560); /* EL2's to a program, but state */
    RIG_CODE(&r, CODE, I_ADD(31, 31, 16) /* add sp, sp, #16 */, I_SVC(0));
    rig_run_as(&r, EL0T, CODE);
    rig_expect_hvc(&r, V_LOWER);
    assert_int_equal(rig_get(&r, REG_SP), 0x4560);
    assert_int_equal(rig_get(&r, REG_SP_EL0), 0x1240);
    rig_run_as(&r, EL1H, CODE);
    rig_expect_hvc(&r, V_SPX);
    assert_int_equal(rig_get(&r, REG_SP), 0x4570);
    rig_run_as(&r, EL1T, CODE);
    rig_expect_hvc(&r, V_SP0);
    assert_int_equal(rig_get(&r, REG_SP), 0x4570);
    assert_int_equal(rig_get(&r, REG_SP_EL0), 0x1250);
    rig_drop(&r);
}

/* SP is checked where SCTLR_EL1.SA or SA0 says, FP traps where CPACR_EL1.FPEN says. */
static void test_checks_by_level(void **state)
{
    struct rig r;
    uint64_t sctlr;

    rig_make(&r);
    sctlr = rig_sys(&r, SCTLR_EL1) & ~(SCTLR_SA | SCTLR_SA0);
    for (unsigned i = 0; i < 8; i++) {
        bool el0 = i & 1, sa = i & 2, sa0 = i & 4;
        RIG_CODE(&r, CODE, 0xb94003e0 /* ldr w0, [sp] */, I_SVC(0));
        rig_set_sys(&r, SCTLR_EL1, sctlr | (sa ? SCTLR_SA : 0) | (sa0 ? SCTLR_SA0 : 0));
        rig_set(&r, REG_PSTATE, el0 ? EL0T : EL1H);
        rig_set(&r, REG_SP, DATA + 4);
        rig_run(&r, CODE);
        bool faults = el0 ? sa0 : sa;
        assert_int_equal(ESR_EC(rig_sys(&r, ESR_EL1)), faults ? EC_SP_ALIGN : EC_SVC64);
    }
    for (unsigned fpen = 0; fpen < 4; fpen++) {
        for (unsigned el = 0; el < 2; el++) {
            RIG_CODE(&r, CODE, I_FMOV_D0_X0, I_SVC(0));
            rig_set_sys(&r, CPACR_EL1, (uint64_t)fpen << 20);
            rig_run_as(&r, el == 0 ? EL0T : EL1H, CODE);
            bool traps = fpen == 0 || fpen == 2 || (fpen == 1 && el == 0);
            assert_int_equal(ESR_EC(rig_sys(&r, ESR_EL1)), traps ? EC_FP_ACCESS : EC_SVC64);
            RIG_CODE(&r, CODE, I_MRS(0, SYSREG_FPCR), I_SVC(0)); /* FPCR and FPSR as well */
            rig_run_as(&r, el == 0 ? EL0T : EL1H, CODE);
            assert_int_equal(ESR_EC(rig_sys(&r, ESR_EL1)), traps ? EC_FP_ACCESS : EC_SVC64);
        }
    }
    rig_drop(&r);
}

/* Vectors that cannot be fetched: not for ever, but an exit that says so. */
static void test_stuck(void **state)
{
    struct rig r;

    rig_make(&r);
    rig_set_sys(&r, VBAR_EL1, NOWHERE);
    RIG_CODE(&r, CODE, I_UDF);
    rig_run_as(&r, EL1H, CODE);
    assert_int_equal(r.exit.kind, EXIT_STUCK);
    assert_int_equal(r.exit.stuck.pc, NOWHERE + 0x200);
    assert_int_equal(r.exit.stuck.esr, esr_make(EC_IABT_SAME, FSC_EXTERNAL));
    rig_set_sys(&r, VBAR_EL1, VECTORS);
    for (unsigned i = 0; i < 2; i++) { /* ... or that only lead to themselves */
        RIG_CODE(&r, VECTORS + 0x200, i == 0 ? I_UDF : I_SVC(1));
        rig_run_as(&r, EL1H, CODE);
        assert_int_equal(r.exit.kind, EXIT_STUCK);
        assert_int_equal(r.exit.stuck.pc, VECTORS + 0x200 + 4 * i);
    }
    rig_drop(&r);
}

/* The same exception over and over again is nothing unusual where the vectors work: EL0's, or EL1's that are returned from, or left. */
static void test_not_stuck(void **state)
{
    static const struct {
        uint32_t pstate, offset, leave;
    } cases[] = { { EL0T, 0x400, I_ERET }, { EL1H, 0x200, I_ERET }, { EL1H, 0x200, I_BR(2) } };

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig r;
        rig_make(&r);
        RIG_CODE(&r, CODE, I_UDF, I_SUB(0, 0, 1), I_B(-8));
        RIG_CODE(&r, VECTORS + cases[i].offset, I_CBZ(0, 0x14), I_MRS(2, SYSREG_ELR_EL1),
                 I_ADD(2, 2, 4), I_MSR(SYSREG_ELR_EL1, 2), cases[i].leave, I_HVC(7));
        rig_set(&r, REG_X0, 5000);
        rig_run_as(&r, cases[i].pstate | MASKED, CODE);
        rig_expect_hvc(&r, 7);
        rig_drop(&r);
    }
}

/* ---- What EL0 may not do --------------------------------------------------------------------- */

static const uint32_t el1_only[] = {
    I_HVC(0),
    I_SMC(0),
    I_ERET,
    I_HLT(0xf000), /* semihosting is for EL1 */
    I_MRS(0, SYSREG_SCTLR_EL1),
    I_MSR(SYSREG_VBAR_EL1, 0),
    I_MRS(0, SYSREG_ELR_EL1),
    I_MRS(0, SYSREG_SP_EL0),
    I_MRS(0, SYSREG_CurrentEL),
    I_MRS(0, SYSREG_MIDR_EL1),
    I_MRS(0, SYSREG_TPIDR_EL1),
    I_MSR(SYSREG_TPIDRRO_EL0, 0),
    I_MSR(SYSREG_CNTFRQ_EL0, 0),
    I_MRS(0, SYSREG_ISR_EL1),
    I_SPSEL(0),
    I_PAN(1),
    I_MSR(S_TLBI(7, 0), 31),
    I_MSR(S_AT(0), 0),
    I_MSR(S_IC_IALLU, 31),
    I_MSR(S_DC_IVAC, 1),
    I_MSR(SYSREG(1, 0, 7, 14, 2), 1), /* dc cisw */
};

static void test_el1_only(void **state)
{
    struct rig r;

    rig_make(&r);
    for (unsigned i = 0; i < ARRAY_SIZE(el1_only); i++) {
        RIG_CODE(&r, CODE, el1_only[i], I_SVC(1));
        rig_set(&r, REG_X0 + 1, DATA);
        rig_run_as(&r, EL0T, CODE);
        rig_expect_exception(&r, V_LOWER, EC_UNKNOWN, 0);
        assert_int_equal(rig_sys(&r, ELR_EL1), CODE);
        assert_int_equal(rig_sys(&r, SPSR_EL1), EL0T);
    }
    rig_drop(&r);
}

/* ISS of a trapped MRS, MSR or SYS: "ISS encoding for an exception from MSR, MRS, or System
 * instruction execution in AArch64 state". */
static uint32_t trap_iss(uint32_t word)
{
    uint32_t reg = SYSREG_OF_INSN(word);

    return (reg >> 14) << 20 | (reg & 7) << 17 | (reg >> 11 & 7) << 14 | (reg >> 7 & 15) << 10 |
           (word & 31) << 5 | (reg >> 3 & 15) << 1 | (word >> 21 & 1);
}

/* Allowed at EL0 when a bit is set in SCTLR_EL1 or CNTKCTL_EL1 (MDSCR_EL1: when it is clear). */
static const struct {
    uint32_t word;
    uint32_t reg;
    uint64_t bit;
    bool inverted, wfx;
} trapped[] = {
    { I_MRS(3, SYSREG_CTR_EL0), SYSREG_SCTLR_EL1, SCTLR_UCT, false, false },
    { I_MRS(3, SYSREG_DAIF), SYSREG_SCTLR_EL1, SCTLR_UMA, false, false },
    { I_MSR(SYSREG_DAIF, 31), SYSREG_SCTLR_EL1, SCTLR_UMA, false, false },
    { I_DAIFSET(2), SYSREG_SCTLR_EL1, SCTLR_UMA, false, false },
    { I_DAIFCLR(15), SYSREG_SCTLR_EL1, SCTLR_UMA, false, false },
    { I_MSR(S_IC_IVAU, 1), SYSREG_SCTLR_EL1, SCTLR_UCI, false, false },
    { I_MSR(S_DC_CIVAC, 1), SYSREG_SCTLR_EL1, SCTLR_UCI, false, false },
    { I_WFI, SYSREG_SCTLR_EL1, SCTLR_NTWI, false, true },
    { I_WFE, SYSREG_SCTLR_EL1, SCTLR_NTWE, false, true },
    { I_MRS(3, SYSREG_CNTPCT_EL0), SYSREG_CNTKCTL_EL1, 1, false, false },
    { I_MRS(3, SYSREG_CNTFRQ_EL0), SYSREG_CNTKCTL_EL1, 1, false, false },
    { I_MRS(3, SYSREG_CNTFRQ_EL0), SYSREG_CNTKCTL_EL1, 2, false, false },
    { I_MRS(3, SYSREG_CNTVCT_EL0), SYSREG_CNTKCTL_EL1, 2, false, false },
    { I_MRS(3, SYSREG_CNTV_CTL_EL0), SYSREG_CNTKCTL_EL1, 1 << 8, false, false },
    { I_MSR(SYSREG_CNTV_CVAL_EL0, 3), SYSREG_CNTKCTL_EL1, 1 << 8, false, false },
    { I_MSR(SYSREG_CNTP_TVAL_EL0, 31), SYSREG_CNTKCTL_EL1, 1 << 9, false, false },
    { I_MRS(3, SYSREG_CNTP_CTL_EL0), SYSREG_CNTKCTL_EL1, 1 << 9, false, false },
    { I_MRS(3, SYSREG_MDCCSR_EL0), SYSREG_MDSCR_EL1, 1 << 12, true, false },
};

static void test_el0_traps(void **state)
{
    struct rig r;

    rig_make(&r);
    for (unsigned i = 0; i < ARRAY_SIZE(trapped) * 2; i++) {
        uint32_t word = trapped[i / 2].word, reg = REG_SYS | trapped[i / 2].reg;
        uint64_t bit = trapped[i / 2].bit, others = ~bit & ~(SCTLR_M | SCTLR_A);
        bool set = i % 2 != 0, allowed = set != trapped[i / 2].inverted;
        /* Each of the other bits as it does not matter; of CNTFRQ's two enough that one is set. */
        if (word == I_MRS(3, SYSREG_CNTFRQ_EL0)) {
            others = 0;
        }
        rig_set(&r, reg, (trapped[i / 2].reg == SYSREG_MDSCR_EL1 ? 0 : others) | (set ? bit : 0));
        RIG_CODE(&r, CODE, word, I_SVC(1));
        rig_set(&r, REG_X0 + 1, DATA);
        rig_run_as(&r, EL0T, CODE);
        if (trapped[i / 2].wfx && allowed) { /* the core's business */
            assert_int_equal(r.exit.kind, EXIT_SYNDROME);
            assert_int_equal(ESR_EC(r.exit.syndrome.esr), EC_WFX);
        } else if (allowed) {
            rig_expect_exception(&r, V_LOWER, EC_SVC64, 1);
        } else if (trapped[i / 2].wfx) {
            rig_expect_exception(&r, V_LOWER, EC_WFX, 0x1e00000 | (word == I_WFE));
        } else {
            rig_expect_exception(&r, V_LOWER, EC_SYSREG, trap_iss(word));
        }
        rig_set(&r, reg, 0);
        rig_set_sys(&r, CNTV_CTL_EL0, 0);
    }
    rig_drop(&r);
}

/* System registers that are not there, or only the other way. */
static void test_no_such_register(void **state)
{
    static const uint32_t undefined[] = {
        I_MRS(0, SYSREG(3, 0, 15, 15, 7)), I_MSR(SYSREG(3, 0, 15, 15, 7), 0),
        I_MSR(SYSREG_MIDR_EL1, 0),         I_MSR(SYSREG_CTR_EL0, 0),
        I_MSR(SYSREG_CNTVCT_EL0, 0),       I_MRS(0, SYSREG_OSLAR_EL1),
        I_MRS(0, SYSREG_SP_EL1),         /* EL2's */
        I_MRS(0, SYSREG(3, 4, 1, 1, 0)), /* HCR_EL2 */
        I_MRS(0, SYSREG_ICC_PMR_EL1),    /* this machine has a GICv2 */
        I_MSR(SYSREG(1, 0, 7, 15, 7), 0),  0xd5280000 | SYSREG(1, 0, 7, 8, 0) << 5, /* sysl */
    };
    struct rig r;

    rig_make(&r);
    for (unsigned i = 0; i < ARRAY_SIZE(undefined); i++) {
        RIG_CODE(&r, CODE, undefined[i], I_HVC(1));
        rig_run_as(&r, EL1H | MASKED, CODE);
        rig_expect_exception(&r, V_SPX, EC_UNKNOWN, 0);
    }
    /* Unallocated identification registers read as zero. */
    RIG_CODE(&r, CODE, I_MRS(0, SYSREG(3, 0, 0, 7, 7)), I_HVC(1));
    rig_set(&r, REG_X0, 5);
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_expect_hvc(&r, 1);
    assert_int_equal(rig_get(&r, REG_X0), 0);
    rig_drop(&r);
}

/* ---- Interrupts ------------------------------------------------------------------------------ */

/* Both lines, all masks, from everywhere: what is taken, and the state at the handler. */
static void test_interrupts(void **state)
{
    struct rig r;

    rig_make(&r);
    RIG_CODE(&r, CODE, I_NOP, I_SVC(0));
    for (unsigned i = 0; i < 3 * 16; i++) {
        uint32_t pstate = levels[i % 3] | (i / 3 & 1 ? PS_I : 0) | (i / 3 & 2 ? PS_F : 0);
        bool irq = i / 3 & 4, fiq = i / 3 & 8;
        accel_soft.set_lines(r.vcpu, irq, fiq);
        rig_set_sys(&r, ESR_EL1, 0x5555);
        rig_run_as(&r, pstate | NZCV_C, CODE);
        if (fiq && (pstate & PS_F) == 0) {
            rig_expect_hvc(&r, vector_of(pstate) + V_FIQ);
        } else if (irq && (pstate & PS_I) == 0) {
            rig_expect_hvc(&r, vector_of(pstate) + V_IRQ);
        } else {
            rig_expect_exception(&r, vector_of(pstate), EC_SVC64, 0);
            continue;
        }
        assert_int_equal(rig_sys(&r, ESR_EL1), 0x5555);
        assert_int_equal(rig_sys(&r, ELR_EL1), CODE);
        assert_int_equal(rig_sys(&r, SPSR_EL1), pstate | NZCV_C);
        assert_int_equal(rig_get(&r, REG_PSTATE), EL1H | MASKED | NZCV_C);
    }
    rig_drop(&r);
}

/* A line that is up is taken right after the instruction that unmasks it, and seen in ISR_EL1. */
static void test_unmasking(void **state)
{
    static const struct {
        uint32_t word;
        uint64_t x1;
        bool taken;
    } row[] = {
        { I_DAIFCLR(2), 0, true },
        { I_DAIFCLR(1), 0, false }, /* FIQ's */
        { I_DAIFCLR(15), 0, true },
        { I_DAIFSET(2), 0, false },
        { I_MSR(SYSREG_DAIF, 1), PS_F, true },
        { I_MSR(SYSREG_DAIF, 1), PS_I, false },
    };
    struct rig r;

    rig_make(&r);
    for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
        RIG_CODE(&r, CODE, I_MRS(0, SYSREG_ISR_EL1), row[i].word, I_MOVZ(2, 7), I_HVC(1));
        accel_soft.set_lines(r.vcpu, true, false);
        rig_set(&r, REG_X0 + 1, row[i].x1);
        rig_set(&r, REG_X0 + 2, 0);
        rig_run_as(&r, EL1H | MASKED, CODE);
        rig_expect_hvc(&r, row[i].taken ? V_SPX + V_IRQ : 1);
        assert_int_equal(rig_get(&r, REG_X0), PS_I);
        assert_int_equal(rig_get(&r, REG_X0 + 2), row[i].taken ? 0 : 7);
        if (row[i].taken) {
            assert_int_equal(rig_sys(&r, ELR_EL1), CODE + 8);
        }
    }
    /* ERET unmasks too: the interrupt is taken at the target, before its first instruction. */
    RIG_CODE(&r, CODE, I_ERET);
    RIG_CODE(&r, CODE + 0x100, I_SVC(0));
    rig_set_sys(&r, ELR_EL1, CODE + 0x100);
    rig_set_sys(&r, SPSR_EL1, EL0T);
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_expect_hvc(&r, V_LOWER + V_IRQ);
    assert_int_equal(rig_sys(&r, ELR_EL1), CODE + 0x100);
    assert_int_equal(rig_sys(&r, SPSR_EL1), EL0T);
    /* A line that goes down again before it is unmasked is forgotten. */
    RIG_CODE(&r, CODE, I_DAIFCLR(15), I_HVC(1));
    accel_soft.set_lines(r.vcpu, true, true);
    accel_soft.set_lines(r.vcpu, false, false);
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_expect_hvc(&r, 1);
    rig_drop(&r);
}

/* A loop without an exit is left for an interrupt that another thread raises, or for a kick. */
static void test_interrupted_loop(void **state)
{
    struct rig r;

    rig_make(&r);
    RIG_CODE(&r, CODE, I_B(0));
    atomic_fetch_or(r.vcpu->pending, PEND_KICK);
    rig_run_as(&r, EL1H, CODE);
    assert_int_equal(r.exit.kind, EXIT_NONE);
    assert_int_equal(rig_get(&r, REG_PC), CODE);
    accel_soft.kick(r.vcpu);
    accel_soft.set_lines(r.vcpu, true, false);
    accel_soft.run(r.vcpu, &r.exit);
    assert_int_equal(r.exit.kind, EXIT_NONE); /* the kick comes first ... */
    accel_soft.run(r.vcpu, &r.exit);
    rig_expect_hvc(&r, V_SPX + V_IRQ); /* ... and loses nothing */
    rig_drop(&r);
}

/* ---- NZCV that nobody reads ------------------------------------------------------------------ */

/* An instruction of X1, or W1, and X9, an immediate or X9 shifted to the left. */
struct setter {
    const char *name;
    uint32_t word;
    bool w32;
    char op;
    int64_t imm; /* BY_X9: none */
    unsigned shift;
};

#define BY_X9 (-1)

static const struct setter setters[] = {
    { "cmp x1, #5", 0xf100143f, false, '-', 5, 0 },
    { "cmp w1, #5", 0x7100143f, true, '-', 5, 0 },
    { "cmn x1, #0x1000", 0xb140043f, false, '+', 0x1000, 0 },
    { "cmp x1, x9", 0xeb09003f, false, '-', BY_X9, 0 },
    { "cmp w1, w9", 0x6b09003f, true, '-', BY_X9, 0 },
    { "cmp x1, x9, lsl #3", 0xeb090c3f, false, '-', BY_X9, 3 },
    { "tst w1, w9", 0x6a09003f, true, '&', BY_X9, 0 },
    { "subs x3, x1, #1", 0xf1000423, false, '-', 1, 0 },
    { "adds w12, w1, w9", 0x2b09002c, true, '+', BY_X9, 0 },
    { "ands x1, x1, x9", 0xea090021, false, '&', BY_X9, 0 },
    { "subs x1, x1, #1", 0xf1000421, false, '-', 1, 0 },
    { "subs w1, w1, #1", 0x71000421, true, '-', 1, 0 },
    { "adds x1, x1, x9", 0xab090021, false, '+', BY_X9, 0 },
    { "subs w1, w1, w9", 0x6b090021, true, '-', BY_X9, 0 },
};

static uint32_t nzcv_of(const struct setter *s, uint64_t a, uint64_t b)
{
    unsigned top = s->w32 ? 31 : 63;
    uint64_t mask = s->w32 ? UINT32_MAX : UINT64_MAX, result;
    bool c = false, v = false;

    b = s->imm == BY_X9 ? b << s->shift : (uint64_t)s->imm;
    a &= mask;
    b &= mask;
    switch (s->op) {
    case '+':
        result = (a + b) & mask;
        c = result < a;
        v = ((a ^ result) & (b ^ result)) >> top & 1;
        break;
    case '-':
        result = (a - b) & mask;
        c = a >= b;
        v = ((a ^ b) & (a ^ result)) >> top & 1;
        break;
    default: result = a & b; break;
    }
    return (uint32_t)(result >> top & 1) << 31 | (result == 0 ? 1u << 30 : 0) | (uint32_t)c << 29 |
           (uint32_t)v << 28;
}

/* Of a load between two instructions that set them, the second time that the loop comes to its end. */
static void try_setter(struct rig *r, const struct setter *s, uint64_t x1, uint64_t x9)
{
    RIG_CODE(r, CODE, 0xaa0103ea /* mov x10, x1 */, 0xaa0903eb /* mov x11, x9 */, s->word,
             I_LDR(6, 2), 0xf1000508 /* subs x8, x8, #1 */, 0x54ffff61 /* b.ne CODE */,
             0xaa0703e2 /* mov x2, x7 */, I_B(-28));
    rig_set(r, 1, x1);
    rig_set(r, 9, x9);
    rig_set(r, 2, DATA);
    rig_set(r, 7, NOWHERE);
    rig_set(r, 8, 20);
    rig_run_as(r, EL1H | MASKED, CODE);
    rig_expect_exception(r, V_SPX, EC_DABT_SAME, FSC_EXTERNAL);
    if ((rig_sys(r, SPSR_EL1) & 0xf0000000) != nzcv_of(s, rig_get(r, 10), rig_get(r, 11))) {
        fail_msg("%s: x1 %llx, x9 %llx: nzcv %llx", s->name, (unsigned long long)rig_get(r, 10),
                 (unsigned long long)rig_get(r, 11),
                 (unsigned long long)rig_sys(r, SPSR_EL1) >> 28);
    }
}

/* Instruction by instruction, and where the code is translated as one: after a few executions. */
static void test_unread_nzcv(void **state)
{
    static const uint64_t values[] = { 0,          5,          20,         25,         UINT32_MAX,
                                       0x7fffffff, 0x80000000, UINT64_MAX, BIT(63) + 7 };

    for (unsigned heat = 0; heat <= 8; heat += 8) {
        struct rig r;

        rig_make(&r, .heat = (uint8_t)heat);
        for (unsigned n = 0; n < ARRAY_SIZE(setters); n++) {
            for (unsigned v = 0; v < ARRAY_SIZE(values) * ARRAY_SIZE(values); v++) {
                try_setter(&r, &setters[n], values[v % ARRAY_SIZE(values)],
                           values[v / ARRAY_SIZE(values)]);
            }
        }
        rig_drop(&r);
    }
}

/* ---- Return ---------------------------------------------------------------------------------- */

/* ERET with these; the code at the target reads what it can and ends. */
static void eret_to(struct rig *r, uint64_t elr, uint32_t spsr)
{
    RIG_CODE(r, CODE, I_ERET);
    RIG_CODE(r, CODE + 0x100, I_SVC(9));
    rig_set_sys(r, ELR_EL1, elr);
    rig_set_sys(r, SPSR_EL1, spsr);
    rig_run_as(r, EL1H | MASKED | NZCV_N, CODE);
}

static void test_eret(void **state)
{
    static const uint32_t rest[] = { 0, MASKED, PS_D | PS_I | NZCV_C, PS_PAN | PS_DIT | PS_SSBS,
                                     NZCV_N | PS_F };
    struct rig r;

    rig_make(&r);
    rig_set(&r, REG_SP_EL0, 0x1230);
    for (unsigned i = 0; i < ARRAY_SIZE(levels) * ARRAY_SIZE(rest); i++) {
        uint32_t spsr = levels[i % 3] | rest[i / 3];
        eret_to(&r, CODE + 0x100, spsr);
        rig_expect_exception(&r, vector_of(spsr), EC_SVC64, 9);
        assert_int_equal(rig_sys(&r, ELR_EL1), CODE + 0x104);
        assert_int_equal(rig_sys(&r, SPSR_EL1), spsr);
    }
    /* To a misaligned address: the exception is the target's. */
    eret_to(&r, CODE + 0x102, EL0T);
    rig_expect_exception(&r, V_LOWER, EC_PC_ALIGN, 0);
    assert_int_equal(rig_sys(&r, ELR_EL1), CODE + 0x102);
    assert_int_equal(rig_sys(&r, FAR_EL1), CODE + 0x102);
    rig_drop(&r);

    /* Bits that no field is behind on this CPU are not kept. */
    rig_make(&r, .model = "cortex-a72");
    eret_to(&r, CODE + 0x100,
            EL0T | PS_PAN | PS_UAO | PS_DIT | PS_TCO | PS_SSBS | PS_BTYPE | 1 << 5);
    rig_expect_exception(&r, V_LOWER, EC_SVC64, 9);
    assert_int_equal(rig_sys(&r, SPSR_EL1), EL0T);
    rig_drop(&r);
}

/* Modes that are not there: EL and SP stay, IL is set, masks and flags come from SPSR; then the
 * first instruction takes the exception. */
static void test_illegal_return(void **state)
{
    static const uint32_t modes[] = { 0x1, 0x2, 0x3, 0x6, 0x7,  0x8,  0x9,
                                      0xa, 0xc, 0xd, 0xf, 0x10, 0x13, 0x1f };
    struct rig r;

    rig_make(&r);
    for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
        rig_set_sys(&r, FAR_EL1, FAR_UNSET);
        eret_to(&r, CODE + 0x100, modes[i] | PS_F | PS_PAN | NZCV_C);
        rig_expect_exception(&r, V_SPX, EC_ILLEGAL_STATE, 0);
        assert_int_equal(rig_sys(&r, ELR_EL1), CODE + 0x100);
        assert_int_equal(rig_sys(&r, SPSR_EL1), EL1H | PS_IL | PS_F | PS_PAN | NZCV_C);
        assert_int_equal(rig_sys(&r, FAR_EL1), FAR_UNSET);
        assert_int_equal(rig_get(&r, REG_PSTATE), EL1H | MASKED | PS_PAN | NZCV_C);
    }
    /* SPSR.IL: a legal return into the illegal state, which an interrupt comes before. */
    eret_to(&r, CODE + 0x100, EL0T | PS_IL);
    rig_expect_exception(&r, V_LOWER, EC_ILLEGAL_STATE, 0);
    assert_int_equal(rig_sys(&r, SPSR_EL1), EL0T | PS_IL);
    accel_soft.set_lines(r.vcpu, true, false);
    eret_to(&r, CODE + 0x100, EL0T | PS_IL);
    rig_expect_hvc(&r, V_LOWER + V_IRQ);
    assert_int_equal(rig_sys(&r, SPSR_EL1), EL0T | PS_IL);
    accel_soft.set_lines(r.vcpu, false, false);
    /* Instruction aborts and a misaligned PC come before it as well. */
    eret_to(&r, NOWHERE, EL0T | PS_IL);
    rig_expect_exception(&r, V_LOWER, EC_IABT_LOWER, FSC_EXTERNAL);
    eret_to(&r, CODE + 2, 0x8);
    rig_expect_exception(&r, V_SPX, EC_PC_ALIGN, 0);
    rig_drop(&r);
}

/* ---- PSTATE ---------------------------------------------------------------------------------- */

static uint64_t value_after(struct rig *r, uint32_t first, uint32_t second, uint32_t third)
{
    RIG_CODE(r, CODE, first, second, third, I_HVC(1));
    rig_run_as(r, EL1H | MASKED, CODE);
    rig_expect_hvc(r, 1);
    return rig_get(r, REG_X0);
}

static void test_pstate_instructions(void **state)
{
    struct rig r;

    rig_make(&r);
    for (unsigned daif = 0; daif < 16; daif++) {
        assert_int_equal(value_after(&r, I_DAIFCLR(15), I_DAIFSET(daif), I_MRS(0, SYSREG_DAIF)),
                         daif << 6);
        assert_int_equal(value_after(&r, I_NOP, I_DAIFCLR(daif), I_MRS(0, SYSREG_DAIF)),
                         (15 & ~daif) << 6);
    }
    assert_int_equal(value_after(&r, I_NOP, I_NOP, I_MRS(0, SYSREG_CurrentEL)), 4);
    assert_int_equal(value_after(&r, I_NOP, I_NOP, I_MRS(0, SYSREG_SPSel)), 1);
    assert_int_equal(value_after(&r, I_NOP, I_SPSEL(0), I_MRS(0, SYSREG_SPSel)), 0);
    assert_int_equal(value_after(&r, I_NOP, I_PAN(1), I_MRS(0, SYSREG_PAN)), PS_PAN);
    assert_int_equal(value_after(&r, I_PAN(1), I_PAN(0), I_MRS(0, SYSREG_PAN)), 0);
    assert_int_equal(value_after(&r, I_MOVZ(3, 0x40), I_MSR(SYSREG_DAIF, 3), I_MRS(0, SYSREG_DAIF)),
                     0x40);
    assert_int_equal(value_after(&r, 0xd2b60003 /* movz x3, #0xb000, lsl 16 */,
                                 I_MSR(SYSREG_NZCV, 3), I_MRS(0, SYSREG_NZCV)),
                     0xb0000000);
    rig_drop(&r);
}

/* MSR SPSel switches the stack pointer; SP_EL0 is UNDEFINED while it is the current one. */
static void test_spsel(void **state)
{
    struct rig r;

    rig_make(&r);
    rig_set(&r, REG_SP_EL0, 0x1000);
    rig_set(&r, REG_SP_EL1, 0x2000);
    RIG_CODE(&r, CODE, I_MRS(0, SYSREG_SP_EL0), I_SPSEL(0), I_ADD(1, 31, 1), I_ADD(31, 31, 32),
             I_SPSEL(1), I_ADD(2, 31, 2), I_MRS(3, SYSREG_SP_EL0), I_MSR(SYSREG_SP_EL0, 0),
             I_HVC(1));
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_expect_hvc(&r, 1);
    assert_int_equal(rig_get(&r, REG_X0), 0x1000);
    assert_int_equal(rig_get(&r, REG_X0 + 1), 0x1001);
    assert_int_equal(rig_get(&r, REG_X0 + 2), 0x2002);
    assert_int_equal(rig_get(&r, REG_X0 + 3), 0x1020);
    assert_int_equal(rig_get(&r, REG_SP_EL0), 0x1000);
    for (unsigned write = 0; write < 2; write++) {
        RIG_CODE(&r, CODE, write ? I_MSR(SYSREG_SP_EL0, 0) : I_MRS(0, SYSREG_SP_EL0), I_HVC(1));
        rig_run_as(&r, EL1T | MASKED, CODE);
        rig_expect_exception(&r, V_SP0, EC_UNKNOWN, 0);
    }
    rig_drop(&r);
}

/* With MDSCR_EL1.KDE, PSTATE.D decides whether EL1's breakpoints happen, however it was changed. */
static void test_debug_mask(void **state)
{
    static const uint32_t change[][2] = { { I_DAIFSET(8), I_DAIFCLR(8) },
                                          { I_MSR(SYSREG_DAIF, 1), I_MSR(SYSREG_DAIF, 2) } };
    struct rig r;

    rig_make(&r);
    RIG_CODE(&r, CODE, I_MSR(SYSREG_OSLAR_EL1, 31), I_HVC(1));
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_set_sys(&r, DBGBVR0_EL1, CODE + 0x100); /* which is not executed */
    rig_set_sys(&r, DBGBCR0_EL1, 0x1e7);
    for (unsigned i = 0; i < 8; i++) {
        bool kde = (i & 1) != 0, clear = (i & 2) != 0;
        const uint32_t *words = change[i / 4];
        rig_set_sys(&r, MDSCR_EL1, 1 << 15 | (kde ? MDSCR_KDE : 0));
        RIG_CODE(&r, CODE, words[clear ? 0 : 1], words[clear ? 1 : 0], I_SUB(0, 0, 1),
                 I_CBNZ(0, -12), I_HVC(1));
        rig_set(&r, REG_X0, 600);
        rig_set(&r, REG_X0 + 1, MASKED);
        rig_set(&r, REG_X0 + 2, MASKED & ~PS_D);
        rig_run_as(&r, EL1H | MASKED, CODE);
        rig_expect_hvc(&r, 1);
        assert_int_equal(r.cpu->priv->debug, kde && clear ? DEBUG_BREAK : 0);
    }
    rig_drop(&r);
}

/* From outside: states that this CPU cannot be in are refused. */
static void test_set_pstate(void **state)
{
    static const uint64_t wrong[] = { 0x1 << 1, 0x8, 0xc, 0x10, 0x13 };
    struct rig r;

    rig_make(&r);
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_int_equal(accel_soft.set_reg(r.vcpu, REG_PSTATE, wrong[i]), ST_E_INVAL);
    }
    assert_int_equal(rig_get(&r, REG_PSTATE), EL1H | MASKED);
    rig_drop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causes),
        cmocka_unit_test(test_entry_controls),
        cmocka_unit_test(test_vectors_and_stacks),
        cmocka_unit_test(test_checks_by_level),
        cmocka_unit_test(test_stuck),
        cmocka_unit_test(test_not_stuck),
        cmocka_unit_test(test_el1_only),
        cmocka_unit_test(test_el0_traps),
        cmocka_unit_test(test_no_such_register),
        cmocka_unit_test(test_interrupts),
        cmocka_unit_test(test_unmasking),
        cmocka_unit_test(test_interrupted_loop),
        cmocka_unit_test(test_unread_nzcv),
        cmocka_unit_test(test_eret),
        cmocka_unit_test(test_illegal_return),
        cmocka_unit_test(test_pstate_instructions),
        cmocka_unit_test(test_spsel),
        cmocka_unit_test(test_debug_mask),
        cmocka_unit_test(test_set_pstate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
