/*
 * test_tlb.c - what TLBs keep and what maintenance takes away: TLBI by address, ASID and range, on
 * this CPU and on others; blocks; walk caches; translation contexts by TTBR and ASID; code that is
 * entered through translations.
 *
 * DDI 0487, "TLB maintenance instructions". The architecture lets a TLB forget at any time; what is
 * tested here beyond it is that ours keeps what an operation does not name, which is what makes
 * guests fast.
 */
#include "rig.h"

/* Not at the places in the TLB that the code and the vectors have. */
#define VA                 0x0000123456620000ull
#define I_LDP(rt, rt2, rn) (0xa9400000u | (rt2) << 10 | (rn) << 5 | (rt))
#define I_ADR(rd)          (0x10000000u | (rd)) /* its own address */
#define I_BL(delta)        (0x94000000u | ((uint32_t)(delta) / 4))
#define I_MOV(rd, rm)      (0xaa0003e0u | (uint32_t)(rm) << 16 | (rd))
#define I_LDR_LIT(rt, d)   (0x58000000u | (uint32_t)(d) / 4 << 5 | (rt))
#define I_RET              0xd65f03c0u
#define OLD                DATA
#define NEW                (DATA + 0x100000)
#define ASID(n)            ((uint64_t)(n) << 48)

enum { GLOBAL_PAGE, ASID_PAGE, FAR_PAGE, PAGES };

/* Pages under test: a global one, the next, which belongs to an ASID, and one that is no neighbour. */
static const uint64_t page_va[PAGES] = { VA, VA + 0x1000, VA + 0x40000 };

static void map_pages(struct tables *t, uint64_t where)
{
    for (unsigned i = 0; i < PAGES; i++) {
        tables_map(t, page_va[i], where + i * 0x1000, 3,
                   D_AF | D_USER | (i == GLOBAL_PAGE ? 0 : D_NG));
    }
}

/* What a load from va finds at an exception level, in an address space. */
static uint64_t seen(struct rig *r, const struct tables *t, unsigned asid, unsigned el, uint64_t va)
{
    RIG_CODE(r, CODE, I_LDR(0, 1), I_HVC(1));
    rig_set_sys(r, TTBR0_EL1, t->root | ASID(asid));
    rig_set(r, REG_X0 + 1, va);
    rig_run_as(r, (el == 0 ? EL0T : EL1H) | MASKED, CODE);
    rig_expect_hvc(r, el == 0 ? V_LOWER : 1);
    return rig_get(r, REG_X0);
}

/* Runs one maintenance instruction at EL1, and the barriers that it needs. */
static void maintain(struct rig *r, uint32_t op, uint64_t value)
{
    RIG_CODE(r, CODE, I_MSR(op, 1), I_DSB, I_ISB, I_HVC(1));
    rig_set(r, REG_X0 + 1, value);
    rig_run_as(r, EL1H | MASKED, CODE);
    rig_expect_hvc(r, 1);
}

static void make(struct rig *r, struct tables *t, unsigned cpus)
{
    rig_make(r, .cpus = cpus);
    for (unsigned i = 0; i < PAGES; i++) {
        *(uint64_t *)rig_at(r, OLD + i * 0x1000) = 1;
        *(uint64_t *)rig_at(r, NEW + i * 0x1000) = 2;
    }
    tables_init(t, r, 12);
    for (unsigned i = cpus; i-- > 0;) {
        rig_select(r, i);
        tables_on(t, 0);
    }
}

/* ---- Reach ----------------------------------------------------------------------------------- */

/* A TLBI value: VA[55:12], ASID. */
static uint64_t by_va(uint64_t va, unsigned asid)
{
    return bits(va, 12, 44) | ASID(asid);
}

/* The range form for 4 KB granules: NUM and SCALE say (NUM + 1) << (5 * SCALE + 1) pages. */
static uint64_t by_range(uint64_t va, unsigned num, unsigned scale, unsigned asid)
{
    return bits(va, 12, 37) | (uint64_t)num << 39 | (uint64_t)scale << 44 | 1ull << 46 | ASID(asid);
}

/* What must be gone afterwards: in ASID 5's view of the global page and of its own two pages, and
 * in ASID 6's view of its first own page. */
struct reach {
    const char *name;
    uint32_t op2;
    uint64_t value;
    bool range, global, own, far, other;
};

static void check_reach(const struct reach *c, uint32_t op)
{
    struct rig r;
    struct tables t;
    bool gone[4] = { c->global, c->own, c->far, c->other };

    make(&r, &t, 1);
    map_pages(&t, OLD);
    for (unsigned i = 0; i < PAGES; i++) {
        assert_int_equal(seen(&r, &t, 5, 0, page_va[i]), 1);
    }
    assert_int_equal(seen(&r, &t, 6, 0, page_va[ASID_PAGE]), 1);
    map_pages(&t, NEW);
    maintain(&r, op, c->value);
    for (unsigned i = 0; i < 4; i++) {
        unsigned asid = i < PAGES ? 5 : 6;
        uint64_t value = seen(&r, &t, asid, 0, page_va[i < PAGES ? i : ASID_PAGE]);
        if (value != (gone[i] ? 2 : 1)) {
            print_error("%s (op %05x), page %u of ASID %u: %s\n", c->name, op, i, asid,
                        gone[i] ? "still there" : "gone");
        }
        assert_int_equal(value, gone[i] ? 2 : 1);
    }
    rig_drop(&r);
}

static const struct reach reaches[] = {
    { "VMALLE1", 0, 0, false, true, true, true, true },
    { "VAE1 own", 1, 0, false, false, true, false, false },
    { "VAE1 other", 1, 1, false, false, false, false, true },
    { "VAE1 global", 1, 2, false, true, false, false, false },
    { "ASIDE1", 2, ASID(5), false, true, true, true, false },
    { "ASIDE1 of nobody", 2, ASID(9), false, false, false, false, false },
    { "VAAE1", 3, 3, false, false, true, false, true },
    { "VALE1", 5, 0, false, false, true, false, false },
    { "VAALE1", 7, 3, false, false, true, false, true },
    { "RVAE1 of two pages", 1, 4, true, true, true, false, false },
    { "RVAE1 of 128 pages", 1, 5, true, true, true, true, false },
    { "RVAAE1", 3, 4, true, true, true, false, true },
    { "RVALE1", 5, 4, true, true, true, false, false },
    { "RVAALE1", 7, 4, true, true, true, false, true },
};

static uint64_t reach_value(const struct reach *c)
{
    const uint64_t values[] = {
        by_va(VA + 0x1000, 5), by_va(VA + 0x1000, 6), by_va(VA, 9),
        by_va(VA + 0x1000, 0), by_range(VA, 0, 0, 5), by_range(VA, 1, 1, 5),
    };

    return c->value < ARRAY_SIZE(values) ? values[c->value] : c->value;
}

/* Each operation in its local, Inner Shareable and Outer Shareable form. */
static void test_reach(void **state)
{
    static const unsigned crm[2][3] = { { 7, 3, 1 }, { 6, 2, 5 } };

    for (unsigned i = 0; i < ARRAY_SIZE(reaches); i++) {
        struct reach c = reaches[i];
        c.value = reach_value(&c);
        for (unsigned form = 0; form < 3; form++) {
            check_reach(&c, S_TLBI(crm[c.range][form], c.op2));
        }
    }
}

/* With TCR_EL1.AS = 0 ASIDs have 8 bits: the others are ignored, in TTBR0_EL1 and in TLBI. */
static void test_short_asids(void **state)
{
    struct rig r;
    struct tables t;

    make(&r, &t, 1);
    rig_set_sys(&r, TCR_EL1, tables_tcr(12) & ~TCR_AS);
    map_pages(&t, OLD);
    assert_int_equal(seen(&r, &t, 0x105, 0, page_va[ASID_PAGE]), 1);
    map_pages(&t, NEW);
    maintain(&r, S_TLBI(7, 1), by_va(page_va[ASID_PAGE], 0x305));
    assert_int_equal(seen(&r, &t, 5, 0, page_va[ASID_PAGE]), 2);
    rig_drop(&r);
}

/* Range and outer-shareable operations are UNDEFINED on a CPU that does not have them. */
static void test_absent(void **state)
{
    struct rig r;

    rig_make(&r, .model = "cortex-a72");
    for (unsigned i = 0; i < 2; i++) {
        RIG_CODE(&r, CODE, I_MSR(i == 0 ? S_TLBI(6, 1) : S_TLBI(1, 0), 1), I_HVC(1));
        rig_run_as(&r, EL1H | MASKED, CODE);
        rig_expect_exception(&r, V_SPX, EC_UNKNOWN, 0);
    }
    rig_drop(&r);
}

/* An access that wraps at the end of the addresses has the tag of page 0, and finds no entry that was never filled. */
static void test_wraps(void **state)
{
    struct rig r;
    struct tables t;

    make(&r, &t, 1);
    for (unsigned end = 1; end < 16; end++) {
        RIG_CODE(&r, CODE, end < 8 ? I_LDR(0, 1) : I_LDP(0, 2, 1), I_HVC(1));
        rig_set(&r, REG_X0 + 1, 0 - (uint64_t)end);
        rig_run_as(&r, EL1H | MASKED, CODE);
        rig_expect_hvc(&r, V_SPX);
        assert_int_equal(rig_sys(&r, ESR_EL1) >> 26, EC_DABT_SAME);
        assert_int_equal(rig_sys(&r, FAR_EL1), 0 - (uint64_t)end);
    }
    for (unsigned ones = PAGE_BITS + 1; ones <= 64; ones++) {
        uint64_t page = (ones == 64 ? 0 : BIT(ones)) - SOFT_PAGE;
        assert_int_not_equal(tlb_index(page), tlb_index(page + SOFT_PAGE));
    }
    rig_drop(&r);
}

/* EL1's own entries, with PAN and without, obey as EL0's do. */
static void test_reach_of_el1(void **state)
{
    struct rig r;
    struct tables t;

    make(&r, &t, 1);
    map_pages(&t, OLD);
    for (unsigned i = 0; i < ARRAY_SIZE(reaches); i++) {
        uint64_t value = reach_value(&reaches[i]);
        uint32_t op = S_TLBI(reaches[i].range ? 6 : 7, reaches[i].op2);
        if (!reaches[i].own) {
            continue;
        }
        map_pages(&t, OLD);
        maintain(&r, S_TLBI(7, 0), 0);
        assert_int_equal(seen(&r, &t, 5, 1, page_va[ASID_PAGE]), 1);
        map_pages(&t, NEW);
        maintain(&r, op, value);
        assert_int_equal(seen(&r, &t, 5, 1, page_va[ASID_PAGE]), 2);
    }
    rig_drop(&r);
}

/* ---- Blocks and tables ----------------------------------------------------------------------- */

/* A block fills many entries; an operation on any address in it takes all of them. */
static void test_block(void **state)
{
    struct rig r;
    struct tables t;
    const uint64_t va = VA & ~0x1fffffull;

    make(&r, &t, 1);
    *(uint64_t *)rig_at(&r, RAM + 0x2200000) = *(uint64_t *)rig_at(&r, RAM + 0x23ff000) = 1;
    *(uint64_t *)rig_at(&r, RAM + 0x2400000) = *(uint64_t *)rig_at(&r, RAM + 0x25ff000) = 2;
    tables_map(&t, va, RAM + 0x2200000, 2, D_AF | D_USER);
    assert_int_equal(seen(&r, &t, 5, 0, va + 0x1ff000), 1);
    assert_int_equal(seen(&r, &t, 5, 0, va), 1);
    tables_map(&t, va, RAM + 0x2400000, 2, D_AF | D_USER);
    maintain(&r, S_TLBI(7, 1), by_va(va + 0x80000, 5));
    assert_int_equal(seen(&r, &t, 5, 0, va), 2);
    assert_int_equal(seen(&r, &t, 5, 0, va + 0x1ff000), 2);
    rig_drop(&r);
}

/* Pages of 16 KB and 64 KB: an address names all 4 KB parts of its page. */
static void large_page(unsigned granule)
{
    struct rig r;
    struct tables t;
    uint64_t size = BIT(granule);

    rig_make(&r);
    *(uint64_t *)rig_at(&r, OLD + size - 8) = 1;
    *(uint64_t *)rig_at(&r, NEW + size - 8) = 2;
    tables_init(&t, &r, granule);
    tables_on(&t, 0);
    tables_map(&t, VA, OLD, 3, D_AF | D_USER | D_NG);
    assert_int_equal(seen(&r, &t, 5, 0, VA + size - 8), 1);
    tables_map(&t, VA, NEW, 3, D_AF | D_USER | D_NG);
    maintain(&r, S_TLBI(7, 5), by_va(VA + 0x1000, 5));
    assert_int_equal(seen(&r, &t, 5, 0, VA + size - 8), 2);
    rig_drop(&r);
}

static void test_large_pages(void **state)
{
    large_page(14);
    large_page(16);
}

/* A table is replaced by another: operations that are not for the last level only take it out of
 * the walk cache, for pages that were never looked at too. */
static void test_table_replaced(void **state)
{
    static const uint32_t op2[] = { 0, 1, 2, 3 };

    for (unsigned i = 0; i < ARRAY_SIZE(op2); i++) {
        struct rig r;
        struct tables t, other;
        make(&r, &t, 1);
        map_pages(&t, OLD);
        tables_init(&other, &r, 12);
        map_pages(&other, NEW);
        assert_int_equal(seen(&r, &t, 5, 1, page_va[ASID_PAGE]), 1);
        assert_int_equal(seen(&r, &t, 5, 0, page_va[ASID_PAGE]), 1);
        *tables_desc(&t, VA, 2) = *tables_desc(&other, VA, 2);
        maintain(&r, S_TLBI(7, op2[i]), op2[i] == 2 ? ASID(5) : by_va(page_va[ASID_PAGE], 5));
        assert_int_equal(seen(&r, &t, 5, 1, page_va[ASID_PAGE]), 2);
        assert_int_equal(seen(&r, &t, 5, 0, page_va[ASID_PAGE]), 2);
        assert_int_equal(seen(&r, &t, 5, 0, page_va[FAR_PAGE]), 2);
        rig_drop(&r);
    }
}

/* ---- Registers that translation depends on --------------------------------------------------- */

/* What was entered under one value of TCR_EL1, MAIR_EL1 or SCTLR_EL1 is not used under another. */
static void test_controls(void **state)
{
    struct rig r;
    struct tables t;

    make(&r, &t, 1);
    tables_map(&t, VA, OLD, 3, D_AF | D_USER);
    assert_int_equal(seen(&r, &t, 5, 1, VA + 1), 0); /* unaligned: Normal memory */
    rig_set_sys(&r, MAIR_EL1, 0);                    /* Device from now on */
    RIG_CODE(&r, CODE, I_LDR(0, 1), I_HVC(1));
    rig_set(&r, REG_X0 + 1, VA + 1);
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_expect_exception(&r, V_SPX, EC_DABT_SAME, FSC_ALIGNMENT);
    rig_set_sys(&r, TCR_EL1, tables_tcr(12) | TCR_EPD0);
    rig_set_sys(&r, VBAR_EL1, VECTORS | ~0ull << 48); /* the upper half has all that too */
    rig_run_as(&r, EL1H | MASKED, CODE | ~0ull << 48);
    rig_expect_exception(&r, V_SPX, EC_DABT_SAME, FSC_TRANSLATION);
    rig_set_sys(&r, SCTLR_EL1, rig_sys(&r, SCTLR_EL1) & ~SCTLR_M);
    rig_set(&r, REG_X0 + 1, OLD);
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_expect_hvc(&r, 1);
    assert_int_equal(rig_get(&r, REG_X0), 1);
    rig_drop(&r);
}

/* ---- Contexts -------------------------------------------------------------------------------- */

/* More address spaces than there are contexts, each with its own page at one address: each sees its
 * own, at both levels, also when it comes again; and coming back soon costs no walk at EL0. */
static void test_address_spaces(void **state)
{
    enum { SPACES = CTX_EL0_POOL + 4 };
    struct rig r;
    struct tables t[SPACES];

    rig_make(&r);
    for (unsigned i = 0; i < SPACES; i++) {
        tables_init(&t[i], &r, 12);
        tables_on(&t[i], 0);
        tables_map(&t[i], VA, DATA + i * 0x1000, 3, D_AF | D_USER | D_NG);
        *(uint64_t *)rig_at(&r, DATA + i * 0x1000) = 100 + i;
    }
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < SPACES; i++) {
            assert_int_equal(seen(&r, &t[i], i, round % 2, VA), 100 + i);
        }
    }
    for (unsigned i = 0; i < SPACES; i++) { /* the same ASID for all: the tables are what counts */
        assert_int_equal(seen(&r, &t[i], 1, 0, VA), 100 + i);
    }
    assert_int_equal(seen(&r, &t[0], 1, 0, VA), 100);
    assert_int_equal(seen(&r, &t[1], 1, 0, VA), 101);
    uint64_t walks = r.cpu->priv->stats.walks;
    for (unsigned i = 0; i < 10; i++) {
        rig_set_sys(&r, TTBR0_EL1, t[i % 2].root | ASID(1));
        rig_set(&r, REG_X0 + 1, VA);
        rig_set(&r, REG_PSTATE, EL0T | MASKED);
        rig_set(&r, REG_PC, CODE);
        soft_step(r.cpu);
        assert_int_equal(rig_get(&r, REG_X0), 100 + i % 2);
    }
    assert_int_equal(r.cpu->priv->stats.walks, walks);
    rig_drop(&r);
}

/* ASID in TTBR1_EL1 (TCR_EL1.A1). */
static void test_a1(void **state)
{
    struct rig r;
    struct tables t;

    make(&r, &t, 1);
    rig_set_sys(&r, TCR_EL1, tables_tcr(12) | TCR_A1);
    rig_set_sys(&r, TTBR1_EL1, t.root | ASID(7));
    map_pages(&t, OLD);
    assert_int_equal(seen(&r, &t, 5, 0, page_va[ASID_PAGE]), 1);
    map_pages(&t, NEW);
    maintain(&r, S_TLBI(7, 1), by_va(page_va[ASID_PAGE], 5)); /* TTBR0_EL1's does not count */
    assert_int_equal(seen(&r, &t, 5, 0, page_va[ASID_PAGE]), 1);
    maintain(&r, S_TLBI(7, 1), by_va(page_va[ASID_PAGE], 7));
    assert_int_equal(seen(&r, &t, 5, 0, page_va[ASID_PAGE]), 2);
    rig_drop(&r);
}

/* Code is entered through translations as well: a page of it changes, and so does the space. */
static void test_code(void **state)
{
    struct rig r;
    struct tables t, other;

    make(&r, &t, 1);
    map_pages(&t, OLD);
    tables_init(&other, &r, 12);
    tables_on(&other, 0);
    tables_map(&other, page_va[ASID_PAGE], NEW + 0x1000, 3, D_AF | D_RO | D_NG);
    RIG_CODE(&r, OLD + 0x1000, I_MOVZ(0, 1), I_HVC(1));
    RIG_CODE(&r, NEW + 0x1000, I_MOVZ(0, 2), I_HVC(1));
    RIG_CODE(&r, CODE, I_BR(1));
    rig_set(&r, REG_X0 + 1, page_va[ASID_PAGE]);
    for (unsigned round = 0; round < 4; round++) {
        tables_map(&t, page_va[ASID_PAGE], (round & 1 ? NEW : OLD) + 0x1000, 3, D_AF | D_RO | D_NG);
        RIG_CODE(&r, CODE + 0x100, I_MSR(S_TLBI(7, 1 + 2 * (round / 2)), 2), I_DSB, I_ISB, I_BR(1));
        rig_set(&r, REG_X0 + 2, by_va(page_va[ASID_PAGE], 5));
        rig_set_sys(&r, TTBR0_EL1, t.root | ASID(5));
        rig_run_as(&r, EL1H | MASKED, CODE + 0x100);
        rig_expect_hvc(&r, 1);
        assert_int_equal(rig_get(&r, REG_X0), 1 + round % 2);
    }
    for (unsigned round = 0; round < 4; round++) { /* t has NEW too: ends as OLD */
        tables_map(&t, page_va[ASID_PAGE], OLD + 0x1000, 3, D_AF | D_RO | D_NG);
        maintain(&r, S_TLBI(7, 0), 0);
        rig_set(&r, REG_X0 + 1, page_va[ASID_PAGE]);
        RIG_CODE(&r, CODE, I_BR(1));
        for (unsigned i = 0; i < 2; i++) {
            rig_set_sys(&r, TTBR0_EL1, (i ? other.root : t.root) | ASID(5 + i));
            rig_run_as(&r, EL1H | MASKED, CODE);
            rig_expect_hvc(&r, 1);
            assert_int_equal(rig_get(&r, REG_X0), 1 + i);
        }
    }
    rig_drop(&r);
}

#define CALLED 0x480 /* in the page at VA: not at the place in the jump cache that CODE has */

/* What the code there leaves in X0. */
static uint64_t called(struct rig *r)
{
    RIG_CODE(r, CODE, I_BR(1));
    rig_set(r, REG_X0 + 1, VA + CALLED);
    rig_run_as(r, EL1H | MASKED, CODE);
    rig_expect_hvc(r, 1);
    return rig_get(r, REG_X0);
}

/* The numbers of epochs come round: an entry of the jump cache from before must not be found under its number. */
static void test_epochs_end(void **state)
{
    struct rig r;
    struct tables t;
    uint32_t before;
    unsigned rounds = 0;

    make(&r, &t, 1);
    tables_map(&t, VA, OLD, 3, D_AF | D_RO);
    RIG_CODE(&r, OLD + CALLED, I_MOVZ(0, 1), I_HVC(1));
    RIG_CODE(&r, NEW + CALLED, I_MOVZ(0, 2), I_HVC(1));
    for (unsigned n = 0; n < 2 * CTX_COUNT;
         n++) { /* to a number that one context reaches by itself, later */
        maintain(&r, S_TLBI(7, 0), 0);
    }
    assert_int_equal(called(&r), 1);
    before = r.cpu->epoch;
    tables_map(&t, VA, NEW, 3, D_AF | D_RO);
    r.cpu->priv->epochs = EPOCH_LAST - 3 * EPOCH_STEP;
    do {
        maintain(&r, S_TLBI(7, 0), 0);
    } while (r.cpu->epoch != before && ++rounds < 4 * CTX_COUNT);
    assert_int_equal(r.cpu->epoch, before);
    assert_int_equal(called(&r), 2);
    rig_drop(&r);
}

/* A page of code at two addresses, by turns: what it says of its own address is that of the moment. */
static void test_code_at_two(void **state)
{
    enum { CALL = 4, CALLEE = 16, LITERAL = 32 };
    const uint64_t at[2] = { VA, VA + 0x40000 };
    struct rig r;
    struct tables t;

    make(&r, &t, 1);
    for (unsigned i = 0; i < 2; i++) {
        tables_map(&t, at[i], OLD, 3, D_AF | D_RO);
    }
    RIG_CODE(&r, CODE, I_BR(9));
    RIG_CODE(&r, OLD, I_ADR(0), I_BL(CALLEE - CALL), I_ADR(3), I_HVC(1), I_MOV(1, 30),
             I_LDR_LIT(2, LITERAL - 20), I_RET, I_NOP, 0x12345678, 0x9abcdef0);
    for (unsigned n = 0; n < 48; n++) {
        uint64_t va = at[n / 8 % 2 ^ (n >= 32 ? n % 2 : 0)];
        rig_set(&r, REG_X0 + 9, va);
        rig_run_as(&r, EL1H | MASKED, CODE);
        rig_expect_hvc(&r, 1);
        assert_int_equal(rig_get(&r, REG_X0), va);
        assert_int_equal(rig_get(&r, REG_X0 + 1), va + CALL + 4);
        assert_int_equal(rig_get(&r, REG_X0 + 2), 0x9abcdef012345678);
        assert_int_equal(rig_get(&r, REG_X0 + 3), va + CALL + 4);
        assert_int_equal(rig_get(&r, REG_PC), va + CALL + 12);
    }
    rig_drop(&r);
}

/* ---- Between CPUs ---------------------------------------------------------------------------- */

/* CPU 1 fills its TLB; CPU 0 changes the tables and maintains; then CPU 1 looks again. */
static uint64_t seen_by_other(uint32_t op, unsigned times)
{
    struct rig r;
    struct tables t;
    uint64_t value;

    make(&r, &t, 2);
    map_pages(&t, OLD);
    rig_select(&r, 1);
    assert_int_equal(seen(&r, &t, 5, 0, page_va[ASID_PAGE]), 1);
    rig_select(&r, 0);
    map_pages(&t, NEW);
    for (unsigned i = 1; i < times; i++) {
        maintain(&r, op, by_va(VA + 0x100000, 5));
    }
    maintain(&r, op, by_va(page_va[ASID_PAGE], 5));
    rig_select(&r, 1);
    value = seen(&r, &t, 5, 0, page_va[ASID_PAGE]);
    rig_drop(&r);
    return value;
}

static void test_broadcast(void **state)
{
    assert_int_equal(seen_by_other(S_TLBI(3, 1), 1), 2);  /* VAE1IS */
    assert_int_equal(seen_by_other(S_TLBI(1, 1), 1), 2);  /* VAE1OS */
    assert_int_equal(seen_by_other(S_TLBI(7, 1), 1), 1);  /* VAE1: not for others */
    assert_int_equal(seen_by_other(S_TLBI(3, 1), 31), 2); /* the ring is full, nearly */
    assert_int_equal(seen_by_other(S_TLBI(3, 1), 32), 2);
    assert_int_equal(seen_by_other(S_TLBI(3, 1), 100), 2); /* more than it holds */
}

/* Plays the thread of CPU 1, which had no processor until CPU 0 slept. */
static struct {
    bool leaves; /* guest code, instead of looking at its ring */
    unsigned idle, sleeps, yields;
} late;

static void late_sleep(void *opaque, unsigned cpu, bool (*done)(void *arg), void *arg)
{
    struct rig *r = opaque;
    struct cpu *self = r->vm.vcpu[0].accel_state, *other = r->vm.vcpu[1].accel_state;
    unsigned wakes = r->wakes;

    assert_int_equal(cpu, 0);
    assert_false(done(arg));
    assert_false(atomic_load(&self->priv->inside)); /* CPU 1 could wait for CPU 0 meanwhile */
    late.sleeps++;
    if (late.sleeps <= late.idle) {
        return; /* early: it shall ask again */
    }
    if (late.leaves) {
        soft_outside(other);
    } else {
        inval_drain(other);
    }
    assert_int_equal(r->wakes, wakes + 1);
    assert_true(done(arg));
}

static void late_yield(void *opaque)
{
    late.yields++;
}

static void expect_sleep(bool leaves, unsigned idle)
{
    struct rig r;
    struct tables t;
    struct cpu *other;

    make(&r, &t, 2);
    map_pages(&t, OLD);
    r.vm.ports.sleep_vcpu = late_sleep;
    r.vm.ports.yield = late_yield;
    other = r.vm.vcpu[1].accel_state;
    memset(&late, 0, sizeof(late));
    late.leaves = leaves;
    late.idle = idle;
    soft_inside(other);
    maintain(&r, S_TLBI(3, 1), by_va(page_va[ASID_PAGE], 5));
    assert_int_equal(late.sleeps, idle + 1);
    assert_int_equal(late.yields, !leaves); /* CPU 0 may wait for others that have no processor */
    soft_outside(other);
    maintain(&r, S_TLBI(3, 1), by_va(page_va[ASID_PAGE], 5)); /* nobody to wait for */
    inval_drain(other);
    assert_int_equal(late.sleeps, idle + 1);
    assert_int_equal(late.yields, !leaves); /* nobody slept */
    rig_drop(&r);
}

static void test_dsb_sleeps(void **state)
{
    expect_sleep(false, 0);
    expect_sleep(false, 3);
    expect_sleep(true, 0);
}

/*
 * DSB waits for the others: when it is over, none of them writes through the old translation any
 * more. CPU 1 stores all the time; CPU 0 moves the page, and watches the place where it was.
 */
static void test_dsb_waits(void **state)
{
    enum { ROUNDS = 100, STORES = 500, LOOKS = 20 };
    struct rig r, other;
    struct tables t;
    pthread_t thread;
    uint64_t *stop;

    make(&r, &t, 2);
    stop = rig_at(&r, DATA + 0x200000);
    tables_map(&t, VA, OLD, 3, D_AF);
    tables_map(&t, VA + 0x1000, DATA + 0x200000, 3, D_AF);
    for (unsigned i = 0; i < STORES; i++) {
        RIG_CODE(&r, CODE + 0x1000 + 8 * i, I_STR(2, 1), I_ADD(2, 2, 1));
    }
    RIG_CODE(&r, CODE + 0x1000 + 8 * STORES, I_LDR(3, 6), I_CBZ(3, -8 * STORES - 4), I_HVC(2));
    RIG_CODE(&r, CODE, I_MSR(S_TLBI(3, 1), 1), I_DSB, I_ISB, I_HVC(1));
    other = r;
    rig_select(&other, 1);
    rig_set(&other, REG_PC, CODE + 0x1000);
    rig_set(&other, REG_X0 + 1, VA);
    rig_set(&other, REG_X0 + 2, 1000);
    rig_set(&other, REG_X0 + 6, VA + 0x1000);
    assert_int_equal(pthread_create(&thread, NULL, rig_thread, &other), 0);
    rig_set(&r, REG_X0 + 1, by_va(VA, 0));
    for (unsigned i = 0; i < ROUNDS; i++) {
        const uint64_t *old = rig_at(&r, i & 1 ? NEW : OLD);
        uint64_t before = __atomic_load_n(old, __ATOMIC_ACQUIRE), left;
        while (__atomic_load_n(old, __ATOMIC_ACQUIRE) == before) { /* it runs */
            sched_yield();
        }
        tables_map(&t, VA, i & 1 ? OLD : NEW, 3, D_AF);
        rig_run(&r, CODE);
        left = __atomic_load_n(old, __ATOMIC_ACQUIRE);
        for (unsigned look = 0; look < LOOKS; look++) {
            assert_int_equal(__atomic_load_n(old, __ATOMIC_ACQUIRE), left);
            sched_yield();
        }
    }
    __atomic_store_n(stop, 1, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    rig_expect_hvc(&other, 2);
    rig_drop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reach),          cmocka_unit_test(test_short_asids),
        cmocka_unit_test(test_absent),         cmocka_unit_test(test_reach_of_el1),
        cmocka_unit_test(test_block),          cmocka_unit_test(test_large_pages),
        cmocka_unit_test(test_table_replaced), cmocka_unit_test(test_controls),
        cmocka_unit_test(test_address_spaces), cmocka_unit_test(test_a1),
        cmocka_unit_test(test_code),           cmocka_unit_test(test_epochs_end),
        cmocka_unit_test(test_code_at_two),    cmocka_unit_test(test_broadcast),
        cmocka_unit_test(test_dsb_waits),      cmocka_unit_test(test_dsb_sleeps),
        cmocka_unit_test(test_wraps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
