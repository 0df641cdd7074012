/*
 * test_bti.c - branch target identification: which branch leaves which type, which instruction accepts it, and that
 * neither interrupts nor the ways into a page lose it.
 *
 * DDI 0487, "Effect of entering a guarded page", pseudocode BranchTargetCheck, BTypeCompatible_BTI and
 * BTypeCompatible_PACIXSP.
 */
#include "rig.h"

/* The same two pages of code, guarded and not. */
#define GUARDED   0x80000000ull
#define UNGUARDED 0x90000000ull
#define FROM      0x100  /* where the branch is            */
#define TO        0x1000 /* where it goes: the second page */

#define I_BLR(n)      (0xd63f0000u | (n) << 5)
#define I_RET(n)      (0xd65f0000u | (n) << 5)
#define I_BRAA(n, m)  (0xd71f0800u | (n) << 5 | (m))
#define I_BLRAA(n, m) (0xd73f0800u | (n) << 5 | (m))
#define I_BRABZ(n)    (0xd61f0c1fu | (n) << 5)
#define I_BTI(n)      (0xd503241fu | (n) << 6) /* -, c, j, jc */
#define I_PACIASP     0xd503233fu
#define I_PACIBSP     0xd503237fu

static struct tables tables;

static void make(struct rig *r, const char *model, uint64_t max_insns)
{
    rig_make(r, .model = model, .max_insns = max_insns);
    tables_init(&tables, r, 12);
    for (uint64_t at = 0; at < 0x2000; at += 0x1000) {
        tables_map(&tables, GUARDED + at, CODE + at, 3, D_AF | D_USER | D_RO | PTE_GP);
        tables_map(&tables, UNGUARDED + at, CODE + at, 3, D_AF | D_USER | D_RO);
    }
    tables_on(&tables, 0);
}

/* Runs from pc in this state; X5, X16 and X17 are the target. */
static void run(struct rig *r, uint64_t pstate, uint64_t pc, uint64_t target)
{
    rig_set(r, REG_PSTATE, pstate);
    rig_set(r, REG_X0 + 5, target);
    rig_set(r, REG_X0 + 16, target);
    rig_set(r, REG_X0 + 17, target);
    rig_run(r, pc);
}

static void expect_refusal(struct rig *r, unsigned vector, unsigned btype, uint64_t target)
{
    rig_expect_exception(r, vector, EC_BTI, btype);
    assert_int_equal(rig_sys(r, ELR_EL1), target);
    assert_int_equal(rig_sys(r, SPSR_EL1) >> PS_BTYPE_SHIFT & 3, btype);
    assert_int_equal(rig_get(r, REG_PSTATE) & PS_BTYPE, 0);
}

/* ---- Every branch to every landing ----------------------------------------------------------- */

static const struct branch {
    uint32_t insn;
    uint8_t guarded, unguarded; /* the type it leaves, by the page that it is in */
} branches[] = {
    { I_BR(5), 3, 1 },        { I_BR(16), 1, 1 },
    { I_BR(17), 1, 1 },       { I_BLR(5), 2, 2 },
    { I_BLR(16), 2, 2 },      { I_RET(5), 0, 0 },
    { I_BRAA(5, 6), 3, 1 },   { I_BRAA(16, 6), 1, 1 },
    { I_BRABZ(17), 1, 1 },    { I_BRABZ(5), 3, 1 },
    { I_BLRAA(5, 6), 2, 2 },  { I_BLRAA(17, 31), 2, 2 },
    { I_B(TO - FROM), 0, 0 }, { 0x94000000u | (TO - FROM) / 4, 0, 0 },
};

/* Bit t: accepted when BTYPE is t. */
static const struct landing {
    uint32_t insn;
    uint8_t accepts, strict; /* SCTLR.BT clear, set */
} landings[] = {
    { I_NOP, 1, 1 },       { I_BTI(0), 1, 1 },    { I_BTI(1), 7, 7 },
    { I_BTI(2), 11, 11 },  { I_BTI(3), 15, 15 },  { I_PACIASP, 15, 7 },
    { I_PACIBSP, 15, 7 },  { I_BRK(1), 15, 15 },  { I_HLT(1), 15, 15 },
    { I_SVC(1), 1, 1 },    { 0xd50323bfu, 1, 1 }, { 0xd503231fu, 1, 1 }, /* AUTIASP, PACIAZ */
    { 0xd503211fu, 1, 1 }, { I_UDF, 1, 1 },                              /* PACIA1716 */
};

/* What a landing does when it is accepted. */
static void expect_landing(struct rig *r, const struct landing *l, bool el0)
{
    unsigned vector = el0 ? V_LOWER : V_SPX;

    if (l->insn == I_BRK(1)) {
        rig_expect_exception(r, vector, EC_BRK64, 1);
    } else if (l->insn == I_SVC(1)) {
        rig_expect_exception(r, vector, EC_SVC64, 1);
    } else if (l->insn == I_HLT(1) || l->insn == I_UDF || el0) { /* HVC is UNDEFINED at EL0 */
        rig_expect_exception(r, vector, EC_UNKNOWN, 0);
    } else {
        rig_expect_hvc(r, 1);
    }
}

static void try_all(struct rig *r, bool el0, bool strict)
{
    for (unsigned b = 0; b < ARRAY_SIZE(branches); b++) {
        for (unsigned l = 0; l < ARRAY_SIZE(landings); l++) {
            RIG_CODE(r, CODE + FROM, branches[b].insn);
            RIG_CODE(r, CODE + TO, landings[l].insn, I_HVC(1));
            for (unsigned way = 0; way < 4 * 3;
                 way++) { /* several times: slow paths, then fast ones */
                uint64_t from = (way & 1) != 0 ? GUARDED : UNGUARDED;
                uint64_t to = (way & 2) != 0 ? GUARDED : UNGUARDED;
                bool direct = (branches[b].insn & 0x7c000000) == 0x14000000;
                if (direct && from != to) {
                    continue;
                }
                if (way >= 8) { /* the landing has been decoded and is in the jump cache */
                    run(r, el0 ? EL0T : EL1H | MASKED, to + TO, 0);
                    expect_landing(r, &landings[l], el0);
                }
                unsigned btype = from == GUARDED ? branches[b].guarded : branches[b].unguarded;
                unsigned accepts = strict ? landings[l].strict : landings[l].accepts;
                run(r, el0 ? EL0T : EL1H | MASKED, from + FROM, to + TO);
                if (to == GUARDED && (accepts >> btype & 1) == 0) {
                    expect_refusal(r, el0 ? V_LOWER : V_SPX, btype, to + TO);
                } else {
                    expect_landing(r, &landings[l], el0);
                    assert_int_not_equal(ESR_EC(rig_sys(r, ESR_EL1)), EC_BTI);
                }
                rig_set_sys(r, ESR_EL1, 0);
            }
        }
    }
}

/* SCTLR.BT1 is EL1's, BT0 EL0's. limit: every branch goes by the run loop. */
static void try_levels(uint64_t limit)
{
    struct rig r;

    make(&r, "max", limit);
    for (unsigned el0 = 0; el0 < 2; el0++) {
        for (unsigned bt = 0; bt < 4; bt++) {
            uint64_t sctlr = rig_sys(&r, SCTLR_EL1) & ~(SCTLR_BT0 | SCTLR_BT1);
            rig_set_sys(&r, SCTLR_EL1,
                        sctlr | ((bt & 1) != 0 ? SCTLR_BT0 : 0) | ((bt & 2) != 0 ? SCTLR_BT1 : 0));
            try_all(&r, el0 != 0, (bt & (el0 ? 1 : 2)) != 0);
        }
    }
    rig_drop(&r);
}

static void test_all(void **state)
{
    try_levels(0);
}

static void test_all_with_limit(void **state)
{
    try_levels(1ull << 40);
}

/* ---- Life of the type ------------------------------------------------------------------------ */

/* It is for one instruction only, whatever page that is in. */
static void test_one_instruction(void **state)
{
    struct rig r;

    make(&r, "max", 0);
    RIG_CODE(&r, CODE + FROM, I_BR(5));
    RIG_CODE(&r, CODE + TO, I_B(8), I_HVC(2), I_NOP, I_HVC(1));
    run(&r, EL1H | MASKED, GUARDED + FROM, UNGUARDED + TO);
    rig_expect_hvc(&r, 1);
    /* The second instruction jumps into the guarded page without a type. */
    RIG_CODE(&r, CODE + TO, I_RET(6), I_NOP, I_NOP, I_HVC(1));
    rig_set(&r, REG_X0 + 6, GUARDED + TO + 8);
    run(&r, EL1H | MASKED, UNGUARDED + FROM, UNGUARDED + TO);
    rig_expect_hvc(&r, 1);
    rig_drop(&r);
}

/* After one stepped instruction PSTATE shows the type; an interrupt saves it, and ERET brings it back. */
static void test_interrupt(void **state)
{
    static const struct {
        uint32_t insn;
        unsigned type;
    } row[] = { { I_BR(16), 1 }, { I_BLR(5), 2 }, { I_BR(5), 3 } };
    struct rig r;

    make(&r, "max", 0);
    RIG_CODE(&r, CODE + TO, I_NOP, I_HVC(1));
    for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
        RIG_CODE(&r, CODE + FROM, row[i].insn);
        RIG_CODE(&r, VECTORS + 0x280, I_HVC(0x105), I_ERET);
        rig_set(&r, REG_PSTATE, EL1H | PS_F | PS_A | PS_D);
        rig_set(&r, REG_X0 + 5, GUARDED + TO);
        rig_set(&r, REG_X0 + 16, GUARDED + TO);
        rig_set(&r, REG_PC, GUARDED + FROM);
        soft_step(r.cpu);
        assert_int_equal(rig_get(&r, REG_PC), GUARDED + TO);
        assert_int_equal(rig_get(&r, REG_PSTATE) >> PS_BTYPE_SHIFT & 3, row[i].type);
        accel_soft.set_lines(r.vcpu, true, false);
        accel_soft.run(r.vcpu, &r.exit);
        rig_expect_hvc(&r, 0x105);
        accel_soft.set_lines(r.vcpu, false, false);
        assert_int_equal(rig_sys(&r, ELR_EL1), GUARDED + TO);
        assert_int_equal(rig_sys(&r, SPSR_EL1) >> PS_BTYPE_SHIFT & 3, row[i].type);
        assert_int_equal(rig_get(&r, REG_PSTATE) & PS_BTYPE, 0);
        accel_soft.run(r.vcpu, &r.exit); /* the ERET */
        expect_refusal(&r, V_SPX, row[i].type, GUARDED + TO);
        /* A handler that takes the type away: the NOP runs. */
        rig_set(&r, REG_PSTATE, EL1H | MASKED);
        rig_set_sys(&r, ELR_EL1, GUARDED + TO);
        rig_set_sys(&r, SPSR_EL1, EL1H | MASKED);
        rig_run(&r, VECTORS + 0x284);
        rig_expect_hvc(&r, 1);
    }
    rig_drop(&r);
}

/* A debugger may read and set it; the exception handler begins without. */
static void test_pstate(void **state)
{
    struct rig r;

    make(&r, "max", 0);
    RIG_CODE(&r, CODE + TO, I_BTI(1), I_HVC(1));
    for (unsigned type = 0; type < 4; type++) {
        rig_set(&r, REG_PSTATE, EL1H | MASKED | type << PS_BTYPE_SHIFT);
        assert_int_equal(rig_get(&r, REG_PSTATE) >> PS_BTYPE_SHIFT & 3, type);
        rig_run(&r, GUARDED + TO);
        if (type == 3) {
            expect_refusal(&r, V_SPX, 3, GUARDED + TO);
        } else {
            rig_expect_hvc(&r, 1);
            assert_int_equal(rig_get(&r, REG_PSTATE) & PS_BTYPE, 0);
        }
    }
    rig_drop(&r);
}

/* Vectors in a guarded page need no landing pad. */
static void test_guarded_vectors(void **state)
{
    struct rig r;

    make(&r, "max", 0);
    tables_map(&tables, 0xa0000000, VECTORS, 3, D_AF | D_USER | D_RO | PTE_GP);
    rig_set_sys(&r, VBAR_EL1, 0xa0000000);
    RIG_CODE(&r, CODE + FROM, I_BR(5));
    RIG_CODE(&r, CODE + TO, I_NOP);
    run(&r, EL1H | MASKED, GUARDED + FROM, GUARDED + TO);
    expect_refusal(&r, V_SPX, 3, GUARDED + TO);
    rig_drop(&r);
}

/* ---- What is looked at ----------------------------------------------------------------------- */

/* The landing pad goes away: after IC IVAU the branch is refused. */
static void test_changed_code(void **state)
{
    struct rig r;

    make(&r, "max", 0);
    RIG_CODE(&r, CODE + FROM, I_BLR(5));
    for (unsigned i = 0; i < 6; i++) {
        RIG_CODE(&r, CODE + TO, (i & 1) != 0 ? I_NOP : I_BTI(1), I_HVC(1));
        for (unsigned n = 0; n < 3; n++) {
            run(&r, EL1H | MASKED, GUARDED + FROM, GUARDED + TO);
            if ((i & 1) != 0) {
                expect_refusal(&r, V_SPX, 2, GUARDED + TO);
            } else {
                rig_expect_hvc(&r, 1);
            }
        }
    }
    rig_drop(&r);
}

/* The page becomes guarded, and stops being so: with the TLB invalidation. */
static void test_changed_mapping(void **state)
{
    struct rig r;

    make(&r, "max", 0);
    RIG_CODE(&r, CODE + FROM, I_BR(5));
    RIG_CODE(&r, CODE + 0x40, 0xd508871fu, I_HVC(3)); /* TLBI VMALLE1 */
    RIG_CODE(&r, CODE + TO, I_NOP, I_HVC(1));
    for (unsigned i = 0; i < 4; i++) {
        tables_map(&tables, UNGUARDED + TO, CODE + TO, 3,
                   D_AF | D_USER | D_RO | ((i & 1) != 0 ? PTE_GP : 0));
        run(&r, EL1H | MASKED, UNGUARDED + 0x40, 0);
        rig_expect_hvc(&r, 3);
        for (unsigned n = 0; n < 3; n++) {
            run(&r, EL1H | MASKED, UNGUARDED + FROM, UNGUARDED + TO);
            if ((i & 1) != 0) {
                expect_refusal(&r, V_SPX, 1, UNGUARDED + TO);
            } else {
                rig_expect_hvc(&r, 1);
            }
        }
    }
    rig_drop(&r);
}

/* A block has GP too. Other faults of the fetch come first. */
static void test_blocks_and_priorities(void **state)
{
    struct rig r;

    make(&r, "max", 0);
    tables_map(&tables, 0xc0000000, CODE, 2, D_AF | D_USER | D_RO | PTE_GP);
    tables_map(&tables, 0xd0000000, CODE, 2, D_AF | D_USER | D_RO | D_XN | PTE_GP);
    RIG_CODE(&r, CODE + FROM, I_BR(5));
    RIG_CODE(&r, CODE + TO, I_NOP, I_HVC(1));
    run(&r, EL1H | MASKED, GUARDED + FROM, 0xc0000000 + TO);
    expect_refusal(&r, V_SPX, 3, 0xc0000000 + TO);
    run(&r, EL1H | MASKED, GUARDED + FROM, 0xd0000000 + TO);
    rig_expect_exception(&r, V_SPX, EC_IABT_SAME, FSC_PERMISSION + 2);
    assert_int_equal(rig_sys(&r, SPSR_EL1) >> PS_BTYPE_SHIFT & 3, 3);
    run(&r, EL1H | MASKED, GUARDED + FROM, 0xc0000000 + TO + 2);
    rig_expect_exception(&r, V_SPX, EC_PC_ALIGN, 0);
    rig_drop(&r);
}

/* MMU off: nothing is guarded. */
static void test_mmu_off(void **state)
{
    struct rig r;

    rig_make(&r);
    RIG_CODE(&r, CODE + FROM, I_BR(5));
    RIG_CODE(&r, CODE + TO, I_NOP, I_HVC(1));
    run(&r, EL1H | MASKED, CODE + FROM, CODE + TO);
    rig_expect_hvc(&r, 1);
    rig_drop(&r);
}

/* ---- Without the feature --------------------------------------------------------------------- */

static void test_absent(void **state)
{
    struct rig r;

    make(&r, "cortex-a72", 0);
    assert_int_equal(rig_sys(&r, ID_AA64PFR1_EL1) & 15, 0);
    rig_set_sys(&r, SCTLR_EL1, rig_sys(&r, SCTLR_EL1) | SCTLR_BT0 | SCTLR_BT1);
    assert_int_equal(rig_sys(&r, SCTLR_EL1) & (SCTLR_BT0 | SCTLR_BT1), 0);
    RIG_CODE(&r, CODE + FROM, I_BLR(5));
    RIG_CODE(&r, CODE + TO, I_BTI(2), I_HVC(1));
    run(&r, EL1H | MASKED, GUARDED + FROM, GUARDED + TO);
    rig_expect_hvc(&r, 1);
    rig_set(&r, REG_PC, GUARDED + FROM);
    soft_step(r.cpu);
    assert_int_equal(rig_get(&r, REG_PSTATE) & PS_BTYPE, 0);
    rig_drop(&r);
    make(&r, "max", 0);
    assert_int_equal(rig_sys(&r, ID_AA64PFR1_EL1) & 15, 1);
    rig_drop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_all_with_limit),
        cmocka_unit_test(test_one_instruction),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_pstate),
        cmocka_unit_test(test_guarded_vectors),
        cmocka_unit_test(test_changed_code),
        cmocka_unit_test(test_changed_mapping),
        cmocka_unit_test(test_blocks_and_priorities),
        cmocka_unit_test(test_mmu_off),
        cmocka_unit_test(test_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
