/*
 * test_window.c - L0 windows (cpu.h, struct tlb_l0): how much of a block one look at the TLB opens to translated code, and that
 * whatever takes a page of a window away takes all of it: TLBI, permissions, dirty state, watchpoints, other address spaces, the
 * MMU's being switched; and what lies at a window's ends.
 */
#include "rig.h"

#define BLOCK  0x200000ull
#define VA     0x0000123456600000ull /* of a block */
#define OLD    (RAM + 0x2200000)
#define NEW    (RAM + 0x2400000)
#define LAST   (BLOCK - SOFT_PAGE)
#define LOAD   CODE           /* of X0 from [X1] */
#define STORE  (CODE + 0x100) /* of X0 to [X1]   */
#define DO     (CODE + 0x200)
#define RAM_MB 64

#define I_LDR_X(rt, rn, rm)  (0xf8606800u | (rm) << 16 | (rn) << 5 | (rt)) /* LDR Xt, [Xn, Xm] */
#define I_LDR_OFF(rt, rn, n) (0xf9400000u | (n) << 10 | (rn) << 5 | (rt))  /* ... [Xn, 8 * n] */
#define I_LDR_LIT(rt, delta) (0x58000000u | (uint32_t)((delta) / 4) << 5 | (rt))

#define ASID(n) ((uint64_t)(n) << 48)

/* Each doubleword holds its own offset in the block, or that and 1 << 32. */
static void make(struct rig *r, struct tables *t, uint64_t attrs)
{
    rig_make(r);
    for (uint64_t at = 0; at < BLOCK; at += 8) {
        *(uint64_t *)rig_at(r, OLD + at) = at;
        *(uint64_t *)rig_at(r, NEW + at) = at | 1ull << 32;
    }
    tables_init(t, r, 12);
    tables_map(t, VA, OLD, 2, D_AF | D_USER | attrs);
    tables_on(t, TCR_HA | TCR_HD);
    RIG_CODE(r, LOAD, I_LDR(0, 1), I_HVC(1));
    RIG_CODE(r, STORE, I_STR(0, 1), I_HVC(1));
}

static void run(struct rig *r, unsigned el, uint64_t code, uint64_t va)
{
    rig_set(r, REG_X0 + 1, va);
    rig_run_as(r, (el == 0 ? EL0T : EL1H) | MASKED, code);
}

/* Often enough to be translated. */
static uint64_t load(struct rig *r, unsigned el, uint64_t va)
{
    for (unsigned n = 0; n < 3; n++) {
        run(r, el, LOAD, va);
        rig_expect_hvc(r, el == 0 ? V_LOWER : 1);
    }
    return rig_get(r, REG_X0);
}

static void store(struct rig *r, unsigned el, uint64_t va, uint64_t value)
{
    for (unsigned n = 0; n < 3; n++) {
        rig_set(r, REG_X0, value);
        run(r, el, STORE, va);
        rig_expect_hvc(r, el == 0 ? V_LOWER : 1);
    }
}

/* Bytes of the window that X1 has. */
static void expect_window(const struct rig *r, unsigned el, unsigned kind, uint64_t bytes)
{
    if (r->cpu->priv->jit != NULL) {
        assert_int_equal(r->cpu->l0[el == 0].e[kind][1].narrow, bytes - 7);
    }
}

static void expect_old(struct rig *r, unsigned el)
{
    assert_int_equal(load(r, el, VA), 0);
    assert_int_equal(load(r, el, VA + LAST), LAST);
    expect_window(r, el, L0_READ, BLOCK);
}

static void expect_new(struct rig *r, unsigned el)
{
    assert_int_equal(load(r, el, VA), 1ull << 32);
    assert_int_equal(load(r, el, VA + LAST), LAST | 1ull << 32);
}

static void maintain(struct rig *r, uint32_t op, uint64_t value)
{
    RIG_CODE(r, DO, I_MSR(op, 1), I_DSB, I_ISB, I_HVC(1));
    run(r, 1, DO, value);
    rig_expect_hvc(r, 1);
}

/* ---- Reach ----------------------------------------------------------------------------------- */

/* One look at the TLB is enough for all of a block: aligned or not, by EL1 or EL0; what crosses its end is another block's, too. */
static void test_one_look(void **state)
{
    for (unsigned el = 0; el < 2; el++) {
        struct rig r;
        struct tables t;
        make(&r, &t, 0);
        tables_map(&t, VA + BLOCK, OLD, 2, D_AF | D_USER); /* in RAM NEW is next */
        expect_old(&r, el);
        const uint64_t refills = r.cpu->jit_counts.l0_refills;
        const uint64_t fills = r.cpu->priv->stats.tlb_fills;
        for (uint64_t at = 0; at + SOFT_PAGE < BLOCK; at += SOFT_PAGE + 8) {
            assert_int_equal(load(&r, el, VA + at), at);
            assert_int_equal(load(&r, el, VA + at + 4), at >> 32 | (at + 8) << 32);
            assert_int_equal(load(&r, el, VA + (at | 0xffc)),
                             (at | 0xff8) >> 32 | ((at | 0xff8) + 8) << 32);
        }
        if (r.cpu->priv->jit != NULL) {
            assert_int_equal(r.cpu->jit_counts.l0_refills, refills);
            assert_int_equal(r.cpu->priv->stats.tlb_fills, fills);
        }
        assert_int_equal(load(&r, el, VA + BLOCK - 8), BLOCK - 8);
        assert_int_equal(load(&r, el, VA + BLOCK - 1), 0);
        assert_int_equal(load(&r, el, VA + BLOCK), 0);
        rig_drop(&r);
    }
}

/* A block of 1 GB that begins with RAM: windows end where that does, and behind it nobody answers. */
static void test_end_of_ram(void **state)
{
    const uint64_t va = 0x0000004000000000ull, end = va + (RAM_MB << 20);
    struct rig r;
    struct tables t;

    make(&r, &t, 0);
    tables_map(&t, va, RAM, 1, D_AF);
    assert_int_equal(load(&r, 1, va + (OLD - RAM) + 8), 8);
    expect_window(&r, 1, L0_READ, RAM_MB << 20);
    *(uint64_t *)rig_at(&r, RAM + (RAM_MB << 20) - 8) = 77;
    assert_int_equal(load(&r, 1, end - 8), 77);
    run(&r, 1, LOAD, end);
    rig_expect_exception(&r, V_SPX, EC_DABT_SAME, FSC_EXTERNAL);
    run(&r, 1, LOAD, end - 4); /* partly */
    rig_expect_exception(&r, V_SPX, EC_DABT_SAME, FSC_ALIGNMENT);
    assert_int_equal(rig_sys(&r, FAR_EL1), end);
    rig_drop(&r);
}

/* Pages of 16 KB and 64 KB are windows. */
static void test_granules(void **state)
{
    for (unsigned granule = 14; granule <= 16; granule += 2) {
        struct rig r;
        struct tables t;
        rig_make(&r);
        tables_init(&t, &r, granule);
        tables_on(&t, 0);
        RIG_CODE(&r, LOAD, I_LDR(0, 1), I_HVC(1));
        *(uint64_t *)rig_at(&r, OLD + BIT(granule) - 8) = 1;
        *(uint64_t *)rig_at(&r, NEW + BIT(granule) - 8) = 2;
        tables_map(&t, VA, OLD, 3, D_AF);
        load(&r, 1, VA);
        expect_window(&r, 1, L0_READ, BIT(granule));
        assert_int_equal(load(&r, 1, VA + BIT(granule) - 8), 1);
        tables_map(&t, VA, NEW, 3, D_AF);
        maintain(&r, S_TLBI(7, 5), bits(VA + 0x1000, 12, 44));
        assert_int_equal(load(&r, 1, VA + BIT(granule) - 8), 2);
        rig_drop(&r);
    }
}

/* ---- What takes a window away ----------------------------------------------------------------- */

struct way {
    const char *name;
    uint32_t op;
    uint64_t value;
};

/* Maintenance of one page in the middle of the block, and of everything. */
static void test_maintenance(void **state)
{
    const uint64_t page = bits(VA + 0x77000, 12, 44);
    const uint64_t range = bits(VA + 0x77000, 12, 37) | 1ull << 46 | ASID(5);
    const struct way ways[] = {
        { "VMALLE1", S_TLBI(7, 0), 0 },
        { "VAE1", S_TLBI(7, 1), page | ASID(5) },
        { "ASIDE1", S_TLBI(7, 2), ASID(5) },
        { "VAAE1", S_TLBI(7, 3), page },
        { "VALE1", S_TLBI(7, 5), page | ASID(5) },
        { "VAALE1", S_TLBI(7, 7), page },
        { "VAE1IS", S_TLBI(3, 1), page | ASID(5) },
        { "RVAE1", S_TLBI(6, 1), range },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
        for (unsigned el = 0; el < 2; el++) {
            struct rig r;
            struct tables t;
            make(&r, &t, D_NG);
            rig_set_sys(&r, TTBR0_EL1, t.root | ASID(5));
            expect_old(&r, el);
            tables_map(&t, VA, NEW, 2, D_AF | D_USER | D_NG);
            maintain(&r, ways[i].op, ways[i].value);
            if (load(&r, el, VA + LAST) != (LAST | 1ull << 32)) {
                print_error("%s at EL%u: the window is still there\n", ways[i].name, el);
            }
            expect_new(&r, el);
            rig_drop(&r);
        }
    }
}

/* A block becomes a table of pages that lie elsewhere and may not all be written. */
static void test_split(void **state)
{
    struct rig r;
    struct tables t;

    make(&r, &t, 0);
    expect_old(&r, 1);
    store(&r, 1, VA + LAST, LAST);
    expect_window(&r, 1, L0_WRITE, BLOCK);
    *tables_desc(&t, VA, 2) = 0;
    for (uint64_t at = 0; at < BLOCK; at += SOFT_PAGE) {
        tables_map(&t, VA + at, NEW + at, 3, D_AF | (at == 0 ? 0 : D_RO));
    }
    maintain(&r, S_TLBI(7, 3), bits(VA, 12, 44));
    expect_new(&r, 1);
    expect_window(&r, 1, L0_READ, SOFT_PAGE);
    store(&r, 1, VA, 5);
    run(&r, 1, STORE, VA + LAST);
    rig_expect_exception(&r, V_SPX, EC_DABT_SAME, FSC_PERMISSION | 3 | 1 << 6);
    rig_drop(&r);
}

/* A window to read is none to write: neither of a block that is read-only nor of a clean one. */
static void test_permissions(void **state)
{
    struct rig r;
    struct tables t;

    make(&r, &t, D_RO);
    expect_old(&r, 1);
    run(&r, 1, STORE, VA + LAST);
    rig_expect_exception(&r, V_SPX, EC_DABT_SAME, FSC_PERMISSION | 2 | 1 << 6);
    tables_map(&t, VA, OLD, 2, D_AF | D_RO | PTE_DBM);
    maintain(&r, S_TLBI(7, 3), bits(VA, 12, 44));
    expect_old(&r, 1);
    assert_int_not_equal(*tables_desc(&t, VA, 2) & D_RO, 0);
    store(&r, 1, VA + 8, 3);
    assert_int_equal(*tables_desc(&t, VA, 2) & D_RO, 0);
    expect_window(&r, 1, L0_WRITE, BLOCK);
    assert_int_equal(load(&r, 1, VA + 8), 3);
    rig_drop(&r);
}

/* PAN and EL0's permissions: EL1's windows are not EL0's, nor those without PAN those with it. */
static void test_levels(void **state)
{
    struct rig r;
    struct tables t;

    make(&r, &t, 0);
    expect_old(&r, 1);
    rig_set(&r, REG_X0 + 1, VA + 16);
    rig_run_as(&r, EL1H | MASKED | PS_PAN, LOAD);
    rig_expect_exception(&r, V_SPX, EC_DABT_SAME, FSC_PERMISSION | 2);
    expect_old(&r, 1);
    *tables_desc(&t, VA, 2) &= ~(uint64_t)D_USER;
    maintain(&r, S_TLBI(7, 0), 0);
    expect_old(&r, 1);
    run(&r, 0, LOAD, VA);
    rig_expect_exception(&r, V_LOWER, EC_DABT_LOWER, FSC_PERMISSION | 2);
    expect_old(&r, 1);
    rig_drop(&r);
}

/* A watched address anywhere in a block: only windows without it. */
static void test_watchpoint(void **state)
{
    const uint64_t at = VA + 0x101008;
    struct rig r;
    struct tables t;

    make(&r, &t, 0);
    expect_old(&r, 0);
    rig_set_sys(&r, OSLAR_EL1, 0);
    rig_set_sys(&r, DBGWVR0_EL1, at);
    rig_set_sys(&r, DBGWCR0_EL1, 0xffull << 5 | 3 << 3 | 3 << 1 | 1);
    rig_set_sys(&r, MDSCR_EL1, 1u << 15);
    for (unsigned n = 0; n < 3; n++) {
        assert_int_equal(load(&r, 0, VA), 0);
        expect_window(&r, 0, L0_READ, BLOCK / 2);
        assert_int_equal(load(&r, 0, VA + LAST), LAST);
        assert_int_equal(load(&r, 0, at - 0x1000), at - 0x1000 - VA);
        run(&r, 0, LOAD, at);
        rig_expect_hvc(&r, V_LOWER);
        assert_int_equal(rig_sys(&r, ESR_EL1) >> 26, EC_WATCHPT_LOWER);
        run(&r, 0, STORE, at - 4);
        rig_expect_hvc(&r, V_LOWER);
        assert_int_equal(rig_sys(&r, ESR_EL1) >> 26, EC_WATCHPT_LOWER);
    }
    rig_set_sys(&r, DBGWCR0_EL1, 0);
    expect_old(&r, 0);
    assert_int_equal(load(&r, 0, at), at - VA);
    rig_drop(&r);
}

/* Address spaces by turns, each with its own block there: by table, and by ASID alone. */
static void test_address_spaces(void **state)
{
    for (unsigned el = 0; el < 2; el++) {
        struct rig r;
        struct tables t, other;
        make(&r, &t, D_NG);
        tables_init(&other, &r, 12);
        tables_on(&other, 0);
        tables_map(&other, VA, NEW, 2, D_AF | D_USER | D_NG);
        for (unsigned n = 0; n < 6; n++) {
            rig_set_sys(&r, TTBR0_EL1, t.root | ASID(n / 2));
            expect_old(&r, el);
            rig_set_sys(&r, TTBR0_EL1, other.root | ASID(n / 3));
            expect_new(&r, el);
        }
        rig_drop(&r);
    }
}

/* The MMU off: RAM is a window, alignment is checked; on again it is another. */
static void test_mmu_off(void **state)
{
    struct rig r;
    struct tables t;
    uint64_t sctlr;

    make(&r, &t, 0);
    tables_map(&t, OLD, NEW, 2, D_AF);
    sctlr = rig_sys(&r, SCTLR_EL1);
    for (unsigned n = 0; n < 3; n++) {
        assert_int_equal(load(&r, 1, OLD + LAST), LAST | 1ull << 32);
        assert_int_equal(load(&r, 1, OLD + 4), (1ull << 32 | 8) << 32 >> 32 << 32 | 1);
        rig_set_sys(&r, SCTLR_EL1, sctlr & ~(uint64_t)SCTLR_M);
        assert_int_equal(load(&r, 1, OLD + LAST), LAST);
        expect_window(&r, 1, L0_READ, RAM_MB << 20);
        run(&r, 1, LOAD, OLD + 4);
        rig_expect_exception(&r, V_SPX, EC_DABT_SAME, FSC_ALIGNMENT);
        assert_int_equal(load(&r, 1, OLD + 8), 8);
        rig_set_sys(&r, SCTLR_EL1, sctlr | SCTLR_A);
        run(&r, 1, LOAD, OLD + 4);
        rig_expect_exception(&r, V_SPX, EC_DABT_SAME, FSC_ALIGNMENT);
        rig_set_sys(&r, SCTLR_EL1, sctlr);
    }
    rig_drop(&r);
}

/* ---- Who shares entries ------------------------------------------------------------------------ */

/* A literal's entry is nobody else's: it may lie between loads that one look has been made for. */
static void test_literal(void **state)
{
    struct rig r;
    struct tables t;

    make(&r, &t, 0);
    for (uint32_t base = 16; base < 21; base++) {
        const uint64_t code = CODE + 0x1000 * (base - 15);
        RIG_CODE(&r, code, I_LDR_OFF(0, base, 1), I_LDR_LIT(1, 0x1c), I_LDR_OFF(2, base, 2),
                 I_LDR_OFF(3, base, 3), I_HVC(1), I_NOP, I_NOP, I_NOP, 0x1234567u, 0);
        for (unsigned n = 0; n < 3; n++) {
            rig_set(&r, REG_X0 + base, VA + LAST);
            rig_run_as(&r, EL1H | MASKED, code);
            rig_expect_hvc(&r, 1);
            assert_int_equal(rig_get(&r, REG_X0), LAST + 8);
            assert_int_equal(rig_get(&r, REG_X0 + 1), 0x1234567);
            assert_int_equal(rig_get(&r, REG_X0 + 2), LAST + 16);
            assert_int_equal(rig_get(&r, REG_X0 + 3), LAST + 24);
        }
    }
    rig_drop(&r);
}

/* SP: what misses its window and is misaligned faults if that is checked, and only then. */
static void test_sp(void **state)
{
    struct rig r;
    struct tables t;
    uint64_t sctlr;

    make(&r, &t, 0);
    RIG_CODE(&r, DO, I_LDR(0, 31), I_HVC(1));
    sctlr = rig_sys(&r, SCTLR_EL1) | SCTLR_SA;
    for (unsigned n = 0; n < 12; n++) {
        const uint64_t at = n % 2 == 0 ? LAST + 16 : LAST + 24;
        const bool checked = n % 4 < 2;
        rig_set_sys(&r, SCTLR_EL1, checked ? sctlr : sctlr & ~(uint64_t)SCTLR_SA);
        rig_set(&r, REG_PSTATE, EL1H | MASKED);
        rig_set(&r, REG_SP, VA + at);
        rig_run(&r, DO);
        if (checked && at % 16 != 0) {
            rig_expect_exception(&r, V_SPX, EC_SP_ALIGN, 0);
        } else {
            rig_expect_hvc(&r, 1);
            assert_int_equal(rig_get(&r, REG_X0), at);
        }
    }
    rig_drop(&r);
}

/* By base and index: pairs of registers that share an entry. */
static void test_shared_entries(void **state)
{
    struct rig r;
    struct tables t;

    make(&r, &t, 0);
    tables_map(&t, VA + BLOCK, NEW, 2, D_AF);
    RIG_CODE(&r, DO, I_LDR_X(2, 0, 8), I_LDR_X(3, 1, 1), I_LDR_X(4, 0, 8), I_LDR_X(5, 3, 8),
             I_HVC(1));
    for (unsigned n = 0; n < 4; n++) {
        rig_set(&r, REG_X0, VA);
        rig_set(&r, REG_X0 + 8, LAST);
        rig_set(&r, REG_X0 + 1, (VA + BLOCK) / 2);
        rig_run_as(&r, EL1H | MASKED, DO);
        assert_int_equal(rig_get(&r, REG_X0 + 2), LAST);
        assert_int_equal(rig_get(&r, REG_X0 + 3), 1ull << 32);
        assert_int_equal(rig_get(&r, REG_X0 + 4), LAST);
    }
    rig_drop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_look),       cmocka_unit_test(test_end_of_ram),
        cmocka_unit_test(test_granules),       cmocka_unit_test(test_maintenance),
        cmocka_unit_test(test_split),          cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_levels),         cmocka_unit_test(test_watchpoint),
        cmocka_unit_test(test_address_spaces), cmocka_unit_test(test_mmu_off),
        cmocka_unit_test(test_literal),        cmocka_unit_test(test_sp),
        cmocka_unit_test(test_shared_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
