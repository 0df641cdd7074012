/*
 * test_features.c - the small features: what they do, what identifies them, and what is there without them.
 *
 * DDI 0487: FEAT_WFxT, FEAT_ECV, FEAT_DPB2, FEAT_SPECRES, FEAT_SB, FEAT_PAN3, FEAT_UAO, FEAT_TTL, FEAT_BBM, FEAT_FlagM,
 * FEAT_RNG, FEAT_SSBS, FEAT_DIT; the RES0 bits of SCTLR_EL1.
 */
#include "rig.h"

#define I_WFET(rd)  (0xd5031000u | (rd))
#define I_WFIT(rd)  (0xd5031020u | (rd))
#define I_SB        0xd50330ffu
#define I_CFINV     0xd500401fu
#define I_AXFLAG    0xd500405fu
#define I_XAFLAG    0xd500403fu
#define I_SETF8(rn) (0x3a00080du | (rn) << 5)

#define S_CFP      SYSREG(1, 3, 7, 3, 4)
#define S_DVP      SYSREG(1, 3, 7, 3, 5)
#define S_COSP     SYSREG(1, 3, 7, 3, 6)
#define S_CPP      SYSREG(1, 3, 7, 3, 7)
#define S_DC_CVAP  SYSREG(1, 3, 7, 12, 1)
#define S_DC_CVADP SYSREG(1, 3, 7, 13, 1)

static void run_one(struct rig *r, uint32_t pstate, uint32_t word)
{
    RIG_CODE(r, CODE, word, I_HVC(1));
    rig_run_as(r, pstate, CODE);
}

/* At EL0 the HVC behind the instruction is what is UNDEFINED. */
static void expect_ran_at_el0(struct rig *r)
{
    rig_expect_exception(r, V_LOWER, EC_UNKNOWN, 0);
    assert_int_equal(rig_sys(r, ELR_EL1), CODE + 4);
}

static void expect_undefined(struct rig *r, uint32_t word)
{
    run_one(r, EL1H | MASKED, word);
    rig_expect_exception(r, V_SPX, EC_UNKNOWN, 0);
    assert_int_equal(rig_sys(r, ELR_EL1), CODE);
}

/* ---- Identification -------------------------------------------------------------------------- */

static void test_id_fields(void **state)
{
    static const struct {
        uint32_t reg;
        uint8_t lo, max, a53, n1;
    } rows[] = {
        { SYSREG_ID_AA64ISAR0_EL1, 52, 2, 0, 0 }, /* TS: FlagM2   */
        { SYSREG_ID_AA64ISAR0_EL1, 60, 1, 0, 0 }, /* RNDR         */
        { SYSREG_ID_AA64ISAR1_EL1, 0, 2, 0, 1 },  /* DPB          */
        { SYSREG_ID_AA64ISAR1_EL1, 20, 2, 0, 1 }, /* LRCPC        */
        { SYSREG_ID_AA64ISAR1_EL1, 36, 1, 0, 0 }, /* SB           */
        { SYSREG_ID_AA64ISAR1_EL1, 40, 1, 0, 0 }, /* SPECRES      */
        { SYSREG_ID_AA64ISAR2_EL1, 0, 2, 0, 0 },  /* WFxT         */
        { SYSREG_ID_AA64ISAR2_EL1, 16, 1, 0, 0 }, /* MOPS         */
        { SYSREG_ID_AA64MMFR0_EL1, 60, 1, 0, 0 }, /* ECV          */
        { SYSREG_ID_AA64MMFR1_EL1, 4, 0, 0, 2 },  /* VMIDBits     */
        { SYSREG_ID_AA64MMFR1_EL1, 20, 3, 0, 2 }, /* PAN          */
        { SYSREG_ID_AA64MMFR2_EL1, 4, 1, 0, 1 },  /* UAO          */
        { SYSREG_ID_AA64MMFR2_EL1, 48, 1, 0, 0 }, /* TTL          */
        { SYSREG_ID_AA64MMFR2_EL1, 52, 2, 0, 0 }, /* BBM          */
        { SYSREG_ID_AA64PFR0_EL1, 48, 1, 0, 0 },  /* DIT          */
        { SYSREG_ID_AA64PFR0_EL1, 56, 1, 0, 1 },  /* CSV2         */
        { SYSREG_ID_AA64PFR0_EL1, 60, 1, 0, 1 },  /* CSV3         */
        { SYSREG_ID_AA64PFR1_EL1, 4, 2, 0, 2 },   /* SSBS         */
    };
    static const char *const models[] = { "max", "cortex-a53", "neoverse-n1" };

    for (unsigned m = 0; m < ARRAY_SIZE(models); m++) {
        struct rig r;

        rig_make(&r, .model = models[m]);
        for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
            const unsigned want = m == 0 ? rows[i].max : m == 1 ? rows[i].a53 : rows[i].n1;
            if (bits(rig_get(&r, REG_SYS | rows[i].reg), rows[i].lo, 4) != want) {
                fail_msg("%s, row %u is not %u", models[m], i, want);
            }
        }
        rig_drop(&r);
    }
}

/* SCTLR_EL1's bits that belong to a feature can be set with it, and are RES0 (SPAN: RES1) without. */
static void test_sctlr(void **state)
{
    static const struct {
        uint64_t bit;
        enum a64_feat feat;
    } rows[] = {
        { SCTLR_ENRCTX, A64_FEAT_SPECRES }, { SCTLR_MSCEN, A64_FEAT_MOPS },
        { SCTLR_EPAN, A64_FEAT_PAN3 },      { SCTLR_NAA, A64_FEAT_LSE2 },
        { SCTLR_DSSBS, A64_FEAT_SSBS },
    };
    const uint64_t res1 = 0x30500980;
    struct rig r;

    rig_make(&r);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        const uint64_t had = r.cpu->features;

        for (unsigned on = 0; on < 2; on++) {
            r.cpu->features = bits_set(had, rows[i].feat, 1, on);
            rig_set_sys(&r, SCTLR_EL1, rows[i].bit);
            assert_int_equal(rig_sys(&r, SCTLR_EL1), res1 | (on ? rows[i].bit : 0));
        }
        r.cpu->features = had;
    }
    rig_drop(&r);
    rig_make(&r, .model = "cortex-a53");
    rig_set_sys(&r, SCTLR_EL1, ~(uint64_t)SCTLR_M);
    assert_int_equal(rig_sys(&r, SCTLR_EL1),
                     res1 | SCTLR_SPAN | 0x040dd21e); /* what Armv8.0 has; SPAN is RES1 */
    rig_drop(&r);
}

/* ---- FEAT_WFxT ------------------------------------------------------------------------------- */

#define TICK_NS   16
#define CV_ALWAYS 0x1e00000u

static void test_wfxt_waits(void **state)
{
    for (unsigned event = 0; event < 2; event++) {
        const uint32_t ti = 2 + event, wait = event ? I_WFET(4) : I_WFIT(4);
        struct rig r;

        rig_make(&r);
        r.now_ns = 1000 * TICK_NS;
        r.cpu->priv->event = false;
        rig_set(&r, REG_X0 + 4, 1001);
        run_one(&r, EL1H | MASKED, wait);
        assert_int_equal(r.exit.kind, EXIT_SYNDROME);
        assert_int_equal(r.exit.syndrome.esr, esr_make(EC_WFX, CV_ALWAYS | 4u << 5 | 1u << 2 | ti));
        assert_int_equal(rig_get(&r, REG_PC), CODE);
        /* The core steps over it and says until when to sleep. */
        assert_int_equal(exit_handle(r.vcpu, &r.exit), VCPU_WAIT);
        assert_int_equal(r.vcpu->wait_until_ns, 1001 * TICK_NS);
        assert_int_equal(r.vcpu->wfe, event);
        assert_int_equal(rig_get(&r, REG_PC), CODE + 4);
        /* The time has come: no wait; nor at 0, which is XZR. */
        r.now_ns = 1001 * TICK_NS;
        run_one(&r, EL1H | MASKED, wait);
        rig_expect_hvc(&r, 1);
        run_one(&r, EL1H | MASKED, wait | 31);
        rig_expect_hvc(&r, 1);
        rig_set(&r, REG_X0 + 4, UINT64_MAX); /* never */
        run_one(&r, EL1H | MASKED, wait);
        assert_int_equal(exit_handle(r.vcpu, &r.exit), VCPU_WAIT);
        assert_int_equal(r.vcpu->wait_until_ns, UINT64_MAX);
        /* An interrupt that waits ends both; an event is for WFET. */
        accel_soft.set_lines(r.vcpu, true, false);
        run_one(&r, EL1H | MASKED, wait);
        rig_expect_hvc(&r, 1);
        accel_soft.set_lines(r.vcpu, false, false);
        r.cpu->priv->event = true;
        run_one(&r, EL1H | MASKED, wait);
        assert_int_equal(ESR_EC(r.exit.syndrome.esr), event ? EC_HVC64 : EC_WFX);
        assert_int_equal(r.cpu->priv->event, !event);
        rig_drop(&r);
    }
}

/* The count is CNTVCT_EL0's: CNTVOFF_EL2 counts. */
static void test_wfxt_offset(void **state)
{
    struct rig r;

    rig_make(&r);
    r.now_ns = 1000 * TICK_NS;
    r.vcpu->timer.cntvoff = 400;
    rig_set(&r, REG_X0 + 4, 600);
    run_one(&r, EL1H | MASKED, I_WFIT(4));
    rig_expect_hvc(&r, 1);
    rig_set(&r, REG_X0 + 4, 700);
    run_one(&r, EL1H | MASKED, I_WFIT(4));
    assert_int_equal(exit_handle(r.vcpu, &r.exit), VCPU_WAIT);
    assert_int_equal(r.vcpu->wait_until_ns, 1100 * TICK_NS);
    rig_drop(&r);
}

/* SCTLR_EL1.nTWI, nTWE: only a wait that would wait is trapped. Plain WFI and WFE have no timeout. */
static void test_wfxt_traps(void **state)
{
    struct rig r;

    rig_make(&r);
    rig_set(&r, REG_X0 + 9, 1);
    r.cpu->priv->event = false;
    run_one(&r, EL0T, I_WFIT(9));
    rig_expect_exception(&r, V_LOWER, EC_WFX, CV_ALWAYS | 9u << 5 | 1u << 2 | 2);
    run_one(&r, EL0T, I_WFET(9));
    rig_expect_exception(&r, V_LOWER, EC_WFX, CV_ALWAYS | 9u << 5 | 1u << 2 | 3);
    r.now_ns = TICK_NS;
    run_one(&r, EL0T, I_WFIT(9));
    expect_ran_at_el0(&r);
    run_one(&r, EL1H | MASKED, I_WFI);
    assert_int_equal(exit_handle(r.vcpu, &r.exit), VCPU_WAIT);
    assert_int_equal(r.vcpu->wait_until_ns, UINT64_MAX);
    rig_drop(&r);
    rig_make(&r, .model = "neoverse-n1");
    expect_undefined(&r, I_WFET(9));
    expect_undefined(&r, I_WFIT(9));
    rig_drop(&r);
}

/* ---- FEAT_ECV, FEAT_RNG, FEAT_FlagM ---------------------------------------------------------- */

static void test_ecv(void **state)
{
    struct rig r;

    rig_make(&r);
    r.now_ns = 1234 * TICK_NS;
    r.vcpu->timer.cntvoff = 34;
    run_one(&r, EL1H | MASKED, I_MRS(2, SYSREG_CNTPCTSS_EL0));
    assert_int_equal(rig_get(&r, REG_X0 + 2), 1234);
    run_one(&r, EL1H | MASKED, I_MRS(2, SYSREG_CNTVCTSS_EL0));
    assert_int_equal(rig_get(&r, REG_X0 + 2), 1200);
    for (unsigned enable = 0; enable < 4; enable++) { /* EL0VCTEN, EL0PCTEN */
        rig_set_sys(&r, CNTKCTL_EL1, enable);
        run_one(&r, EL0T, I_MRS(2, SYSREG_CNTPCTSS_EL0));
        assert_int_equal(ESR_EC(rig_sys(&r, ESR_EL1)), enable & 1 ? EC_UNKNOWN : EC_SYSREG);
        run_one(&r, EL0T, I_MRS(2, SYSREG_CNTVCTSS_EL0));
        assert_int_equal(ESR_EC(rig_sys(&r, ESR_EL1)), enable & 2 ? EC_UNKNOWN : EC_SYSREG);
    }
    expect_undefined(&r, I_MSR(SYSREG_CNTVCTSS_EL0, 2));
    rig_drop(&r);
    rig_make(&r, .model = "cortex-a72");
    expect_undefined(&r, I_MRS(2, SYSREG_CNTPCTSS_EL0));
    expect_undefined(&r, I_MRS(2, SYSREG_CNTVCTSS_EL0));
    rig_drop(&r);
}

static void test_random_numbers(void **state)
{
    static const uint32_t regs[] = { SYSREG_RNDR, SYSREG_RNDRRS };
    struct rig r;

    rig_make(&r);
    for (unsigned i = 0; i < 2; i++) {
        run_one(&r, EL0T | 0xfu << 28, I_MRS(2, regs[i]));
        expect_ran_at_el0(&r);
        assert_int_equal(rig_get(&r, REG_X0 + 2), 0x5a5a5a5a5a5a5a5a);
        assert_int_equal(rig_sys(&r, SPSR_EL1) >> 28, 0); /* success */
        expect_undefined(&r, I_MSR(regs[i], 2));
    }
    rig_drop(&r);
    rig_make(&r, .model = "neoverse-n1");
    expect_undefined(&r, I_MRS(2, regs[0]));
    expect_undefined(&r, I_MRS(2, regs[1]));
    rig_drop(&r);
}

/* The instructions themselves have oracles (tests/insn): here only that they go with their features. */
static void test_absent(void **state)
{
    static const uint32_t words[] = { I_SB,     I_CFINV,    I_AXFLAG,
                                      I_XAFLAG, I_SETF8(1), I_MRS(1, SYSREG_DIT) };
    struct rig r;

    rig_make(&r);
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        run_one(&r, EL1H | MASKED, words[i]);
        rig_expect_hvc(&r, 1);
    }
    rig_drop(&r);
    rig_make(&r, .model = "cortex-a72");
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        expect_undefined(&r, words[i]);
    }
    expect_undefined(&r, I_MRS(1, SYSREG_SSBS));
    expect_undefined(&r, I_MRS(1, SYSREG_UAO));
    expect_undefined(&r, I_MRS(1, SYSREG_PAN));
    rig_drop(&r);
}

/* ---- FEAT_SPECRES, FEAT_DPB2 ----------------------------------------------------------------- */

static void test_prediction(void **state)
{
    static const uint32_t ops[] = { S_CFP, S_DVP, S_CPP };
    struct rig r;

    rig_make(&r);
    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        run_one(&r, EL1H | MASKED, I_MSR(ops[i], 3));
        rig_expect_hvc(&r, 1);
        rig_set_sys(&r, SCTLR_EL1, SCTLR_UCI);
        run_one(&r, EL0T, I_MSR(ops[i], 3));
        /* Op0 1, Op1 3, CRn 7, CRm 3, Rt 3, a write */
        rig_expect_exception(&r, V_LOWER, EC_SYSREG,
                             1u << 20 | (4u + i + (i == 2)) << 17 | 3u << 14 | 7u << 10 | 3u << 5 |
                                 3u << 1);
        rig_set_sys(&r, SCTLR_EL1, SCTLR_ENRCTX);
        run_one(&r, EL0T, I_MSR(ops[i], 3));
        expect_ran_at_el0(&r);
    }
    expect_undefined(&r, I_MSR(S_COSP, 3)); /* FEAT_SPECRES2 */
    rig_drop(&r);
    rig_make(&r, .model = "neoverse-n1");
    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        expect_undefined(&r, I_MSR(ops[i], 3));
    }
    rig_drop(&r);
}

static void test_clean_to_persistence(void **state)
{
    struct rig r;

    rig_make(&r);
    rig_set(&r, REG_X0 + 3, DATA);
    run_one(&r, EL1H | MASKED, I_MSR(S_DC_CVADP, 3));
    rig_expect_hvc(&r, 1);
    run_one(&r, EL0T, I_MSR(S_DC_CVADP, 3));
    assert_int_equal(ESR_EC(rig_sys(&r, ESR_EL1)), EC_SYSREG);
    rig_set_sys(&r, SCTLR_EL1, SCTLR_UCI);
    run_one(&r, EL0T, I_MSR(S_DC_CVADP, 3));
    expect_ran_at_el0(&r);
    rig_drop(&r);
    rig_make(&r, .model = "neoverse-n1"); /* FEAT_DPB only */
    run_one(&r, EL1H | MASKED, I_MSR(S_DC_CVAP, 3));
    rig_expect_hvc(&r, 1);
    expect_undefined(&r, I_MSR(S_DC_CVADP, 3));
    rig_drop(&r);
}

/* ---- Translation: FEAT_PAN3, FEAT_TTL, FEAT_BBM ---------------------------------------------- */

#define VA 0x80000000ull

/* With EPAN, PAN stops EL1 at pages that EL0 may only execute, too. */
static void test_epan(void **state)
{
    static const struct {
        uint64_t attrs;
        uint64_t epan;
        bool fault;
    } rows[] = {
        { 0, 0, false },
        { 0, SCTLR_EPAN, true },
        { PTE_UXN, SCTLR_EPAN, false },
        { D_USER, 0, true },
        { D_USER, SCTLR_EPAN, true },
        { D_USER | PTE_UXN, SCTLR_EPAN, true },
        { PTE_UXN | PTE_PXN, SCTLR_EPAN, false },
    };
    struct tables t;
    struct rig r;

    rig_make(&r);
    tables_init(&t, &r, 12);
    tables_on(&t, 0);
    rig_set(&r, REG_X0 + 1, VA);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        for (unsigned pan = 0; pan < 2; pan++) {
            tables_map(&t, VA, DATA, 3, D_AF | rows[i].attrs);
            tlb_drop_all(r.cpu);
            rig_set_sys(&r, SCTLR_EL1, SCTLR_M | SCTLR_SPAN | rows[i].epan);
            run_one(&r, EL1H | MASKED | (pan ? PS_PAN : 0), I_LDR(2, 1));
            if (pan && rows[i].fault) {
                rig_expect_exception(&r, V_SPX, EC_DABT_SAME, 0xf);
            } else {
                rig_expect_hvc(&r, 1);
            }
        }
    }
    rig_drop(&r);
}

static uint64_t load_from(struct rig *r, uint64_t va)
{
    rig_set(r, REG_X0 + 1, va);
    run_one(r, EL1H | MASKED, I_LDR(2, 1));
    rig_expect_hvc(r, 1);
    return rig_get(r, REG_X0 + 2);
}

/* TLBI by address with any hint in bits 47:44 removes what a TLBI without one would. */
static void test_ttl(void **state)
{
    struct tables t;
    struct rig r;
    const uint64_t va = VA + 7 * SOFT_PAGE; /* not the code's place in the TLB */

    rig_make(&r);
    tables_init(&t, &r, 12);
    tables_on(&t, 0);
    *(uint64_t *)rig_at(&r, DATA) = 1;
    *(uint64_t *)rig_at(&r, DATA + SOFT_PAGE) = 2;
    for (uint64_t ttl = 0; ttl < 16; ttl++) {
        for (unsigned op2 = 1; op2 <= 7; op2 += 2) { /* VAE1, VAAE1, VALE1, VAALE1 */
            tables_map(&t, va, DATA, 3, D_AF | D_XN);
            tlb_drop_all(r.cpu);
            assert_int_equal(load_from(&r, va), 1);
            tables_map(&t, va, DATA + SOFT_PAGE, 3, D_AF | D_XN);
            assert_int_equal(load_from(&r, va), 1);
            rig_set(&r, REG_X0 + 3, va >> 12 | ttl << 44);
            RIG_CODE(&r, CODE, I_MSR(S_TLBI(7, op2), 3), I_DSB, I_ISB, I_HVC(2));
            rig_run_as(&r, EL1H | MASKED, CODE);
            rig_expect_hvc(&r, 2);
            assert_int_equal(load_from(&r, va), 2);
        }
    }
    rig_drop(&r);
}

/* A block becomes a table and the table a block, with no invalid descriptor between: never an abort. */
static void test_bbm(void **state)
{
    const uint64_t block = DATA & ~0x1fffffull;
    struct tables t;
    struct rig r;

    rig_make(&r);
    tables_init(&t, &r, 12);
    tables_on(&t, 0);
    for (unsigned i = 0; i < 512; i++) {
        *(uint64_t *)rig_at(&r, block + i * SOFT_PAGE) = i;
        tables_map(&t, VA + i * SOFT_PAGE, block + i * SOFT_PAGE, 3, D_AF | D_XN);
    }
    uint64_t *desc = tables_desc(&t, VA, 2);
    const uint64_t as_table = *desc, as_block = block | D_AF | D_XN | 1;
    for (unsigned turn = 0; turn < 8; turn++) {
        *desc = turn % 2 ? as_table : as_block;
        for (unsigned i = 0; i < 512; i += 37 + turn) {
            assert_int_equal(load_from(&r, VA + i * SOFT_PAGE), i);
        }
    }
    /* TLBI of one address of the block removes all of it. */
    *desc = as_block;
    tlb_drop_all(r.cpu);
    assert_int_equal(load_from(&r, VA + 5 * SOFT_PAGE), 5);
    assert_int_equal(load_from(&r, VA + 9 * SOFT_PAGE), 9);
    *desc = as_table;
    tables_map(&t, VA + 9 * SOFT_PAGE, block + 100 * SOFT_PAGE, 3, D_AF | D_XN);
    rig_set(&r, REG_X0 + 3, (VA >> 12) + 5);
    RIG_CODE(&r, CODE, I_MSR(S_TLBI(7, 1), 3), I_DSB, I_ISB, I_HVC(2));
    rig_run_as(&r, EL1H | MASKED, CODE);
    assert_int_equal(load_from(&r, VA + 9 * SOFT_PAGE), 100);
    rig_drop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id_fields),
        cmocka_unit_test(test_sctlr),
        cmocka_unit_test(test_wfxt_waits),
        cmocka_unit_test(test_wfxt_offset),
        cmocka_unit_test(test_wfxt_traps),
        cmocka_unit_test(test_ecv),
        cmocka_unit_test(test_random_numbers),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_prediction),
        cmocka_unit_test(test_clean_to_persistence),
        cmocka_unit_test(test_epan),
        cmocka_unit_test(test_ttl),
        cmocka_unit_test(test_bbm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
