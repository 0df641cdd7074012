/*
 * test_mmu.c - translation: every granule, level and permission, faults with level, ESR and FAR;
 * hardware updates; page-crossing and device accesses; DC ZVA; AT. (TLBs are test_tlb.c's.)
 *
 * DDI 0487, "The AArch64 Virtual Memory System Architecture". Most tests make tables, run one
 * access at EL1 or EL0, and look at what became of it.
 */
#include "rig.h"

#define VA 0x0000123456600000ull /* where the page under test is mapped */

/* What runs: the access with x1 = address, then an HVC (which is UNDEFINED at EL0). */
static void code_for(struct rig *r, enum access_kind kind)
{
    static const uint32_t access[] = {
        [ACCESS_READ] = I_LDR(0, 1), [ACCESS_WRITE] = I_STR(0, 1), [ACCESS_EXEC] = I_BR(1)
    };

    RIG_CODE(r, CODE, access[kind], I_HVC(1));
}

/* Does it, at an EL. Returns the fault status code with its level, or -1 if there was no fault. */
static int try_access(struct rig *r, uint64_t va, enum access_kind kind, unsigned el, bool pan)
{
    rig_set(r, REG_PSTATE, (el == 0 ? EL0T : EL1H) | MASKED | (pan ? PS_PAN : 0));
    rig_set(r, REG_X0 + 1, va);
    rig_set_sys(r, FAR_EL1, 0x1111);
    rig_run(r, CODE);
    assert_int_equal(r->exit.kind, EXIT_SYNDROME);
    unsigned imm = r->exit.syndrome.esr & 0xffff;
    if (imm == 1 || imm == 7) {
        return -1;
    }
    assert_int_equal(imm, el == 0 ? V_LOWER : V_SPX);
    uint64_t esr = rig_sys(r, ESR_EL1);
    if (ESR_EC(esr) == EC_UNKNOWN &&
        el == 0) { /* the HVC after the access, or at the target of the branch */
        assert_int_equal(rig_sys(r, ELR_EL1), kind == ACCESS_EXEC ? va : CODE + 4);
        return -1;
    }
    unsigned ec = kind == ACCESS_EXEC ? EC_IABT_LOWER : EC_DABT_LOWER;
    assert_int_equal(ESR_EC(esr), ec + (el != 0));
    assert_int_equal(rig_sys(r, FAR_EL1), va);
    assert_int_equal(rig_sys(r, ELR_EL1), kind == ACCESS_EXEC ? va : CODE);
    assert_int_equal(ESR_ISS(esr) & ~0x3fu, kind == ACCESS_WRITE ? 1u << 6 : 0);
    return (int)(esr & 0x3f);
}

/* The architecture's table, written out: AP[2:1], PXN, UXN, WXN, PAN. */
static bool allowed(unsigned ap, bool pxn, bool uxn, bool wxn, bool pan, enum access_kind kind,
                    unsigned el)
{
    static const bool write_el1[] = { true, true, false, false };
    static const bool write_el0[] = { false, true, false, false };
    static const bool read_el0[] = { false, true, false, true };

    if (el == 0) {
        switch (kind) {
        case ACCESS_READ: return read_el0[ap];
        case ACCESS_WRITE: return write_el0[ap];
        default: return !uxn && !(wxn && write_el0[ap]);
        }
    }
    switch (kind) {
    case ACCESS_READ: return !(pan && read_el0[ap]);
    case ACCESS_WRITE: return write_el1[ap] && !(pan && read_el0[ap]);
    default: return !pxn && !write_el0[ap] && !(wxn && write_el1[ap]);
    }
}

/* All permissions at one granule and level. */
static void permissions(unsigned granule, unsigned level)
{
    struct rig r;
    struct tables t;

    rig_make(&r);
    tables_init(&t, &r, granule);
    uint64_t size = BIT(tables_shift(&t, level));
    uint64_t pa = align_down(RAM + 0x2000000, size) +
                  (size > 0x4000000 ? 0x2000000 : 0); /* inside RAM in any block */
    uint64_t va = align_down(VA, size) + (pa & (size - 1));
    tables_on(&t, 0);
    put_le32(rig_at(&r, pa), I_HVC(7));
    for (unsigned bits_ = 0; bits_ < 64; bits_++) {
        unsigned ap = bits_ & 3;
        bool pxn = bits_ & 4, uxn = bits_ & 8, wxn = bits_ & 16, pan = bits_ & 32;
        tables_map(&t, va, pa, level,
                   D_AF | (uint64_t)ap << 6 | (pxn ? PTE_PXN : 0) | (uxn ? PTE_UXN : 0));
        tlb_drop_all(r.cpu);
        rig_set_sys(&r, SCTLR_EL1, (rig_sys(&r, SCTLR_EL1) & ~SCTLR_WXN) | (wxn ? SCTLR_WXN : 0));
        for (unsigned i = 0; i < 6; i++) {
            enum access_kind kind = (enum access_kind)(i / 2);
            unsigned el = i % 2;
            if (kind == ACCESS_WRITE) {
                rig_set(&r, REG_X0, I_HVC(7)); /* leaves the page as it was */
            }
            code_for(&r, kind);
            int expected =
                allowed(ap, pxn, uxn, wxn, pan, kind, el) ? -1 : (int)(FSC_PERMISSION + level);
            int got = try_access(&r, va, kind, el, pan);
            if (got != expected) {
                print_error("granule %u level %u ap %u pxn %d uxn %d wxn %d pan %d kind %d el %u\n",
                            granule, level, ap, pxn, uxn, wxn, pan, (int)kind, el);
            }
            assert_int_equal(got, expected);
        }
    }
    rig_drop(&r);
}

static void test_permissions(void **state)
{
    permissions(12, 3);
    permissions(12, 2);
    permissions(12, 1);
    permissions(14, 3);
    permissions(14, 2);
    permissions(16, 3);
    permissions(16, 2);
}

/* Access flag, missing descriptors and addresses that are too large, at each level. */
static void faults(unsigned granule)
{
    struct rig r;
    struct tables t;

    rig_make(&r, .model = "neoverse-n1"); /* 48 bits: max has blocks a level further up */
    tables_init(&t, &r, granule);
    tables_on(&t, 0);
    rig_set_sys(&r, TCR_EL1,
                (tables_tcr(granule) & ~(7ull << 32)) | 2ull << 32); /* 40-bit output */
    for (unsigned level = tables_start(&t); level <= 3; level++) {
        bool leaf = level == 3 || level == 2 || (level == 1 && granule == 12);
        uint64_t va = VA | BIT(47); /* far from the code, at every level */
        uint64_t *desc = tables_desc(&t, va, level);
        for (unsigned i = 0; i < 6; i++) {
            enum access_kind kind = (enum access_kind)(i / 2);
            code_for(&r, kind);
            *desc = 0;
            tlb_drop_all(r.cpu);
            assert_int_equal(try_access(&r, va, kind, i % 2, false), FSC_TRANSLATION + level);
            *desc = level == 3 ? DATA | 1 | D_AF : DATA | 2; /* reserved at level 3, invalid */
            tlb_drop_all(r.cpu);
            assert_int_equal(try_access(&r, va, kind, i % 2, false), FSC_TRANSLATION + level);
            if (level < 3) {
                *desc = BIT(41) | 3; /* a table beyond 40 bits */
                tlb_drop_all(r.cpu);
                assert_int_equal(try_access(&r, va, kind, i % 2, false), FSC_ADDRESS_SIZE + level);
                *desc = 0x7f00000000ull | 3; /* ... where there is nothing */
                tlb_drop_all(r.cpu);
                assert_int_equal(try_access(&r, va, kind, i % 2, false),
                                 FSC_EXTERNAL_WALK + level + 1);
            }
            uint64_t block = level == 3 ? 3 : 1;
            *desc = BIT(41) | block | D_AF | D_USER;
            tlb_drop_all(r.cpu);
            assert_int_equal(try_access(&r, va, kind, i % 2, false),
                             (leaf ? FSC_ADDRESS_SIZE : FSC_TRANSLATION) + level);
            *desc = block | D_USER; /* no access flag */
            tlb_drop_all(r.cpu);
            assert_int_equal(try_access(&r, va, kind, i % 2, false),
                             (leaf ? FSC_ACCESS_FLAG : FSC_TRANSLATION) + level);
        }
        *desc = 0;
    }
    rig_drop(&r);
}

static void test_faults(void **state)
{
    faults(12);
    faults(14);
    faults(16);
}

/* Addresses outside of either half, EPD, TBI, E0PD, TnSZ. */
static void test_ranges(void **state)
{
    struct rig r;
    struct tables t;
    const uint64_t page = D_AF | D_USER | D_NG;

    rig_make(&r);
    tables_init(&t, &r, 12);
    tables_map(&t, VA, DATA, 3, page); /* both TTBRs have the same tables */
    tables_on(&t, 0);
    code_for(&r, ACCESS_READ);
    assert_int_equal(try_access(&r, VA, ACCESS_READ, 1, false), -1);
    assert_int_equal(try_access(&r, VA | 0xffffull << 48, ACCESS_READ, 1, false), -1);
    assert_int_equal(try_access(&r, VA | 1ull << 48, ACCESS_READ, 1, false), FSC_TRANSLATION);
    assert_int_equal(try_access(&r, VA | 0x7fffull << 48, ACCESS_READ, 1, false), FSC_TRANSLATION);
    assert_int_equal(try_access(&r, VA | 0x5aull << 56, ACCESS_READ, 1, false), FSC_TRANSLATION);
    rig_set_sys(&r, TCR_EL1, tables_tcr(12) | TCR_TBI0);
    assert_int_equal(try_access(&r, VA | 0x5aull << 56, ACCESS_READ, 1, false), -1);
    assert_int_equal(try_access(&r, VA | 0xa5ull << 56, ACCESS_READ, 0, false), -1);
    assert_int_equal(try_access(&r, VA | 0x5a01ull << 48, ACCESS_READ, 0, false), FSC_TRANSLATION);
    assert_int_equal(try_access(&r, VA | 0x5affull << 48, ACCESS_READ, 1, false),
                     FSC_TRANSLATION); /* upper, no TBI1 */
    rig_set_sys(&r, TCR_EL1, tables_tcr(12) | TCR_EPD1);
    assert_int_equal(try_access(&r, VA | 0xffffull << 48, ACCESS_READ, 1, false), FSC_TRANSLATION);
    assert_int_equal(try_access(&r, VA, ACCESS_READ, 1, false), -1);
    rig_set_sys(&r, TCR_EL1, tables_tcr(12) | TCR_E0PD1);
    assert_int_equal(try_access(&r, VA | 0xffffull << 48, ACCESS_READ, 0, false), FSC_TRANSLATION);
    assert_int_equal(try_access(&r, VA | 0xffffull << 48, ACCESS_READ, 1, false), -1);
    assert_int_equal(try_access(&r, VA, ACCESS_READ, 0, false), -1);
    /* 39 bits: the walk starts at level 1 */
    rig_set_sys(&r, TTBR0_EL1, *tables_desc(&t, CODE, 0) & 0xfffffffff000ull);
    rig_set_sys(&r, TCR_EL1, (tables_tcr(12) & ~0x3full) | 25);
    code_for(&r, ACCESS_READ);
    assert_int_equal(try_access(&r, CODE, ACCESS_READ, 1, false), -1);
    assert_int_equal(try_access(&r, CODE | BIT(39), ACCESS_READ, 1, false), FSC_TRANSLATION);
    assert_int_equal(try_access(&r, 0x7f80000000, ACCESS_READ, 1, false), FSC_TRANSLATION + 1);
    rig_drop(&r);
}

/* A walk for EL1 of the tables as they are. Returns the fault status code, or -1: *pa is valid. */
static int walk(struct rig *r, uint64_t va, enum access_kind kind, uint64_t *pa)
{
    struct walk w;

    mmu_walk(r->cpu, NULL, va, 1, false, kind, 0, &w);
    *pa = w.pa;
    return w.ok ? -1 : w.fsc;
}

/* One size of one half: its first and last page are translated by walks of the right length, and
 * the bytes outside are not. */
static void input_size(struct rig *r, unsigned granule, unsigned tnsz, bool upper)
{
    struct tables t;
    uint64_t base = upper ? ~0ull << (64 - tnsz) : 0, pa;
    uint64_t last = base + (BIT(64 - tnsz) - 1);
    uint64_t page = BIT(granule);

    r->table_next = TABLES;
    tables_init(&t, r, granule);
    t.input = 64 - tnsz;
    tables_map(&t, base, DATA, 3, D_AF);
    tables_map(&t, last, DATA + page, 3, D_AF);
    uint64_t tcr = bits_set(bits_set(tables_tcr(granule), 0, 6, tnsz), 16, 6, tnsz);
    rig_set_sys(r, TCR_EL1, tcr);
    rig_set_sys(r, TTBR0_EL1, upper ? 0 : t.root);
    rig_set_sys(r, TTBR1_EL1, upper ? t.root : 0);
    assert_int_equal(walk(r, base, ACCESS_READ, &pa), -1);
    assert_int_equal(pa, DATA);
    assert_int_equal(walk(r, last, ACCESS_READ, &pa), -1);
    assert_int_equal(pa, DATA + 2 * page - 1);
    /* A missing page at level 3, and the other end of the range at the start level. */
    assert_int_equal(walk(r, base + page, ACCESS_READ, &pa), FSC_TRANSLATION + 3);
    *tables_desc(&t, base, tables_start(&t)) = 0;
    assert_int_equal(walk(r, base, ACCESS_READ, &pa), FSC_TRANSLATION + tables_start(&t));
    if (upper) {
        assert_int_equal(walk(r, base - 1, ACCESS_READ, &pa), FSC_TRANSLATION);
    } else {
        assert_int_equal(walk(r, last + 1, ACCESS_READ, &pa), FSC_TRANSLATION);
    }
}

static void test_input_sizes(void **state)
{
    struct rig r;

    rig_make(&r, .model = "neoverse-n1");
    rig_set_sys(&r, SCTLR_EL1, rig_sys(&r, SCTLR_EL1) | SCTLR_M);
    for (unsigned tnsz = 16; tnsz <= 39; tnsz++) {
        for (unsigned granule = 12; granule <= 16; granule += 2) {
            input_size(&r, granule, tnsz, false);
            input_size(&r, granule, tnsz, true);
        }
    }
    rig_drop(&r);
}

/* Blocks of every size, one after the other and with the Contiguous bit, which changes nothing. */
static void test_blocks(void **state)
{
    static const struct {
        unsigned granule, level;
    } row[] = { { 12, 1 }, { 12, 2 }, { 12, 3 }, { 14, 2 }, { 14, 3 }, { 16, 2 }, { 16, 3 } };
    struct rig r;
    uint64_t pa;

    rig_make(&r, .model = "neoverse-n1");
    rig_set_sys(&r, SCTLR_EL1, rig_sys(&r, SCTLR_EL1) | SCTLR_M);
    for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
        for (unsigned contiguous = 0; contiguous < 2; contiguous++) {
            struct tables t;
            r.table_next = TABLES;
            tables_init(&t, &r, row[i].granule);
            uint64_t size = BIT(tables_shift(&t, row[i].level));
            uint64_t va = align_down(VA, 32 * size), out = 32 * size;
            for (unsigned n = 0; n < 32; n++) {
                tables_map(&t, va + n * size, out + n * size, row[i].level,
                           D_AF | (contiguous ? BIT(52) : 0));
            }
            rig_set_sys(&r, TCR_EL1, tables_tcr(row[i].granule));
            rig_set_sys(&r, TTBR0_EL1, t.root);
            for (unsigned n = 0; n < 32; n++) {
                uint64_t offset = n * size + (size - 5);
                assert_int_equal(walk(&r, va + offset, ACCESS_WRITE, &pa), -1);
                assert_int_equal(pa, out + offset);
            }
            assert_int_equal(walk(&r, va + 32 * size, ACCESS_READ, &pa),
                             FSC_TRANSLATION + row[i].level);
        }
    }
    rig_drop(&r);
}

/* A table outside of memory, and one above the output size. */
static void test_root(void **state)
{
    struct rig r;
    uint64_t pa;

    rig_make(&r, .model = "neoverse-n1");
    rig_set_sys(&r, TCR_EL1, bits_set(tables_tcr(12), 32, 3, 1)); /* 36 bits */
    rig_set_sys(&r, SCTLR_EL1, rig_sys(&r, SCTLR_EL1) | SCTLR_M);
    rig_set_sys(&r, TTBR0_EL1, 0x20000000);
    assert_int_equal(walk(&r, VA, ACCESS_READ, &pa), FSC_EXTERNAL_WALK);
    rig_set_sys(&r, TTBR0_EL1, BIT(36));
    assert_int_equal(walk(&r, VA, ACCESS_READ, &pa), FSC_ADDRESS_SIZE);
    rig_drop(&r);
}

/* Bits of table descriptors. */
static void test_hierarchical(void **state)
{
    struct rig r;
    struct tables t;

    rig_make(&r);
    tables_init(&t, &r, 12);
    tables_map(&t, VA, DATA, 3, D_AF | D_USER);
    tables_on(&t, 0);
    uint64_t *table = tables_desc(&t, VA, 1);
    const uint64_t plain = *table;
    static const struct {
        uint64_t bit;
        enum access_kind kind;
        unsigned el;
        bool ap_ro;
    } row[] = {
        { PTE_ROTABLE, ACCESS_WRITE, 1, false },  { PTE_ROTABLE, ACCESS_WRITE, 0, false },
        { PTE_USERTABLE, ACCESS_READ, 0, false }, { PTE_UXNTABLE, ACCESS_EXEC, 0, true },
        { PTE_PXNTABLE, ACCESS_EXEC, 1, true },
    };
    for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
        *tables_desc(&t, VA, 3) = DATA | 3 | D_AF | D_USER | (row[i].ap_ro ? D_RO : 0);
        put_le32(rig_at(&r, DATA), I_HVC(7));
        code_for(&r, row[i].kind);
        *table = plain;
        rig_set_sys(&r, TCR_EL1, tables_tcr(12));
        tlb_drop_all(r.cpu);
        assert_int_equal(try_access(&r, VA, row[i].kind, row[i].el, false), -1);
        *table = plain | row[i].bit;
        tlb_drop_all(r.cpu);
        assert_int_equal(try_access(&r, VA, row[i].kind, row[i].el, false), FSC_PERMISSION + 3);
        rig_set_sys(&r, TCR_EL1, tables_tcr(12) | TCR_HPD0);
        put_le32(rig_at(&r, DATA), I_HVC(7));
        assert_int_equal(try_access(&r, VA, row[i].kind, row[i].el, false), -1);
    }
    rig_drop(&r);
}

/* Hardware management of the Access flag and of dirty state. */
static void test_hafdbs(void **state)
{
    struct rig r;
    struct tables t;

    rig_make(&r);
    tables_init(&t, &r, 12);
    tables_map(&t, VA, DATA, 3, D_USER | D_RO | PTE_DBM);
    tables_on(&t, TCR_HA | TCR_HD);
    uint64_t *desc = tables_desc(&t, VA, 3);
    code_for(&r, ACCESS_READ);
    assert_int_equal(try_access(&r, VA, ACCESS_READ, 0, false), -1);
    assert_int_equal(*desc, DATA | 3 | D_USER | D_RO | PTE_DBM | D_AF);
    code_for(&r, ACCESS_WRITE);
    assert_int_equal(try_access(&r, VA, ACCESS_WRITE, 0, false), -1);
    assert_int_equal(*desc, DATA | 3 | D_USER | PTE_DBM | D_AF);
    /* a permission fault changes nothing */
    *desc = DATA | 3 | D_RO | D_USER;
    tlb_drop_all(r.cpu);
    assert_int_equal(try_access(&r, VA, ACCESS_WRITE, 0, false), FSC_PERMISSION + 3);
    assert_int_equal(*desc, DATA | 3 | D_RO | D_USER);
    /* EL1's atomics and stores to a block make it dirty too, execution sets the Access flag */
    *desc = DATA | 3 | D_RO | PTE_DBM | D_AF;
    RIG_CODE(&r, CODE, I_LDADD(0, 2, 1), I_HVC(1));
    tlb_drop_all(r.cpu);
    assert_int_equal(try_access(&r, VA, ACCESS_WRITE, 1, false), -1);
    assert_int_equal(*desc, DATA | 3 | PTE_DBM | D_AF);
    uint64_t *block = tables_desc(&t, VA + BIT(30), 2);
    *block = DATA | 1 | D_RO | PTE_DBM;
    code_for(&r, ACCESS_WRITE);
    assert_int_equal(try_access(&r, VA + BIT(30), ACCESS_WRITE, 1, false), -1);
    assert_int_equal(*block, DATA | 1 | PTE_DBM | D_AF);
    *desc = CODE | 3 | D_RO;
    tlb_drop_all(r.cpu);
    RIG_CODE(&r, CODE, I_BR(1), I_HVC(7));
    rig_set(&r, REG_X0 + 1, VA + 4);
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_expect_hvc(&r, 7);
    assert_int_equal(*desc, CODE | 3 | D_RO | D_AF);
    /* HA alone: DBM means nothing */
    code_for(&r, ACCESS_WRITE);
    rig_set_sys(&r, TCR_EL1, tables_tcr(12) | TCR_HA);
    *desc = DATA | 3 | D_RO | D_USER | PTE_DBM;
    assert_int_equal(try_access(&r, VA, ACCESS_WRITE, 0, false), FSC_PERMISSION + 3);
    /* looking from outside leaves no trace */
    uint64_t ipa;
    assert_int_equal(accel_soft.translate(r.vcpu, VA + 0x123, &ipa), ST_OK);
    assert_int_equal(ipa, DATA + 0x123);
    assert_int_equal(*desc, DATA | 3 | D_RO | D_USER | PTE_DBM);
    assert_int_equal(accel_soft.translate(r.vcpu, VA + 0x1000, &ipa), ST_E_RANGE);
    rig_drop(&r);
}

/* Accesses over the end of a page happen whole or not at all. */
static void test_crossing(void **state)
{
    struct rig r;
    struct tables t;

    rig_make(&r);
    tables_init(&t, &r, 12);
    tables_map(&t, VA, DATA, 3, D_AF | D_USER);
    tables_map(&t, VA + 0x1000, DATA + 0x5000, 3, D_AF | D_USER); /* not next to it physically */
    tables_on(&t, 0);
    put_le32(rig_at(&r, DATA + 0xffc), 0x44332211);
    put_le32(rig_at(&r, DATA + 0x5000), 0x88776655);
    code_for(&r, ACCESS_READ);
    assert_int_equal(try_access(&r, VA + 0xffc, ACCESS_READ, 1, false), -1);
    assert_int_equal(rig_get(&r, REG_X0), 0x8877665544332211);
    code_for(&r, ACCESS_WRITE);
    rig_set(&r, REG_X0, 0x0102030405060708);
    assert_int_equal(try_access(&r, VA + 0xffb, ACCESS_WRITE, 0, false), -1);
    assert_int_equal(le32(rig_at(&r, DATA + 0xffb)), 0x05060708);
    assert_int_equal(le32(rig_at(&r, DATA + 0x5000)) & 0xffffff, 0x010203);
    /* the second page cannot be written: FAR names it, and the first keeps its bytes */
    tables_map(&t, VA + 0x1000, DATA + 0x5000, 3, D_AF | D_USER | D_RO);
    tlb_drop_all(r.cpu);
    rig_set(&r, REG_PSTATE, EL1H | MASKED);
    rig_set(&r, REG_X0, ~0ull);
    rig_set(&r, REG_X0 + 1, VA + 0xffc);
    rig_run(&r, CODE);
    rig_expect_exception(&r, V_SPX, EC_DABT_SAME, (FSC_PERMISSION + 3) | 1 << 6);
    assert_int_equal(rig_sys(&r, FAR_EL1), VA + 0x1000);
    assert_int_equal(le32(rig_at(&r, DATA + 0xffc)), 0x04050607);
    rig_drop(&r);
}

/* Alignment: SCTLR.A, Device memory, MMU off, exclusives. */
static void test_alignment(void **state)
{
    struct rig r;
    struct tables t;

    rig_make(&r, .model = "neoverse-n1"); /* 48-bit physical addresses */
    code_for(&r, ACCESS_READ);
    assert_int_equal(try_access(&r, DATA + 1, ACCESS_READ, 1, false), FSC_ALIGNMENT); /* MMU off */
    assert_int_equal(try_access(&r, DATA + 8, ACCESS_READ, 1, false), -1);
    assert_int_equal(try_access(&r, BIT(48), ACCESS_READ, 1, false), FSC_ADDRESS_SIZE);
    tables_init(&t, &r, 12);
    tables_map(&t, VA, DATA, 3, D_AF | D_USER);
    tables_map(&t, VA + 0x1000, DATA + 0x1000, 3, D_AF | D_USER | D_DEVICE);
    tables_on(&t, 0);
    assert_int_equal(try_access(&r, VA + 1, ACCESS_READ, 1, false), -1);
    assert_int_equal(try_access(&r, VA + 0x1008, ACCESS_READ, 1, false), -1);
    assert_int_equal(try_access(&r, VA + 0x1004, ACCESS_READ, 1, false), FSC_ALIGNMENT);
    RIG_CODE(&r, CODE, I_LDXR(0, 1), I_HVC(1));
    assert_int_equal(try_access(&r, VA + 4, ACCESS_READ, 1, false), FSC_ALIGNMENT);
    rig_set_sys(&r, SCTLR_EL1, rig_sys(&r, SCTLR_EL1) | SCTLR_A);
    code_for(&r, ACCESS_WRITE);
    assert_int_equal(try_access(&r, VA + 4, ACCESS_WRITE, 0, false), FSC_ALIGNMENT);
    /* it comes before a translation fault */
    assert_int_equal(try_access(&r, VA + 0x2004, ACCESS_WRITE, 0, false), FSC_ALIGNMENT);
    assert_int_equal(try_access(&r, VA + 0x2008, ACCESS_WRITE, 0, false), FSC_TRANSLATION + 3);
    rig_drop(&r);
}

/* Devices, nothing at all, and ROM. */
static void test_bus(void **state)
{
    struct rig r;

    rig_make(&r);
    RIG_CODE(&r, CODE, I_LDRW(0, 1), I_HVC(1));
    assert_int_equal(try_access(&r, 0x09000fe0, ACCESS_READ, 1, false), -1); /* PL011 PeriphID0 */
    assert_int_equal(rig_get(&r, REG_X0), 0x11);
    assert_int_equal(try_access(&r, 0x20000000, ACCESS_READ, 1, false), FSC_EXTERNAL);
    RIG_CODE(&r, CODE, I_STRW(0, 1), I_HVC(1));
    assert_int_equal(try_access(&r, 0x20000000, ACCESS_WRITE, 1, false), FSC_EXTERNAL);
    put_le32(rig_at(&r, 0x1000), 0x12345678);
    rig_set(&r, REG_X0, 0);
    assert_int_equal(try_access(&r, 0x1000, ACCESS_WRITE, 1, false), -1); /* flash: ignored */
    assert_int_equal(le32(rig_at(&r, 0x1000)), 0x12345678);
    code_for(&r, ACCESS_EXEC);
    assert_int_equal(try_access(&r, 0x09000000, ACCESS_EXEC, 1, false), FSC_EXTERNAL);
    RIG_CODE(&r, CODE, I_LDADD(0, 2, 1), I_HVC(1));
    assert_int_equal(try_access(&r, 0x09000000, ACCESS_READ, 1, false), FSC_EXCLUSIVE);
    rig_drop(&r);
}

/* LDTR and STTR have EL0's permissions and PAN does not stop them; WnR of atomics. */
static void test_user_and_atomics(void **state)
{
    struct rig r;
    struct tables t;

    rig_make(&r);
    tables_init(&t, &r, 12);
    tables_map(&t, VA, DATA, 3, D_AF | D_USER | D_NG);
    tables_map(&t, VA + 0x1000, DATA, 3, D_AF);
    tables_map(&t, VA + 0x2000, DATA, 3, D_AF | D_USER | D_RO);
    tables_on(&t, 0);
    RIG_CODE(&r, CODE, I_LDTR(0, 1), I_HVC(1));
    assert_int_equal(try_access(&r, VA, ACCESS_READ, 1, true), -1);
    assert_int_equal(try_access(&r, VA + 0x1000, ACCESS_READ, 1, false), FSC_PERMISSION + 3);
    RIG_CODE(&r, CODE, I_STTR(0, 1), I_HVC(1));
    assert_int_equal(try_access(&r, VA, ACCESS_WRITE, 1, true), -1);
    assert_int_equal(try_access(&r, VA + 0x2000, ACCESS_WRITE, 1, false), FSC_PERMISSION + 3);
    RIG_CODE(&r, CODE, I_LDADD(0, 2, 1), I_HVC(1));
    assert_int_equal(try_access(&r, VA, ACCESS_WRITE, 0, false), -1);
    assert_int_equal(try_access(&r, VA + 0x2000, ACCESS_WRITE, 0, false),
                     FSC_PERMISSION + 3); /* readable: WnR */
    assert_int_equal(try_access(&r, VA + 0x3000, ACCESS_READ, 0, false),
                     FSC_TRANSLATION + 3); /* not even that */
    RIG_CODE(&r, CODE, I_LDXR(2, 1), I_HVC(1));
    assert_int_equal(try_access(&r, VA + 0x3000, ACCESS_READ, 0, false), FSC_TRANSLATION + 3);
    /* STXR after LDXR of a page that then becomes read-only */
    RIG_CODE(&r, CODE, I_LDXR(2, 1), I_STXR(3, 2, 1), I_HVC(1));
    rig_set(&r, REG_PSTATE, EL1H | MASKED);
    rig_set(&r, REG_X0 + 1, VA + 0x2000);
    rig_run(&r, CODE);
    rig_expect_exception(&r, V_SPX, EC_DABT_SAME, (FSC_PERMISSION + 3) | 1 << 6);
    rig_drop(&r);
}

/* With PSTATE.UAO, LDTR and STTR are plain accesses of EL1, which PAN stops. */
static void test_uao(void **state)
{
    struct rig r;
    struct tables t;

    rig_make(&r, .model = "neoverse-n1");
    tables_init(&t, &r, 12);
    tables_map(&t, VA, DATA, 3, D_AF);
    tables_map(&t, VA + 0x1000, DATA, 3, D_AF | D_USER);
    tables_on(&t, 0);
    for (unsigned store = 0; store < 2; store++) {
        static const struct {
            uint64_t va;
            uint32_t pstate;
            bool fault;
        } row[] = {
            { VA, 0, true },
            { VA, PS_UAO, false },
            { VA, PS_PAN | PS_UAO, false },
            { VA, 0, true }, /* again: nothing is left in a TLB */
            { VA + 0x1000, PS_PAN, false },
            { VA + 0x1000, PS_UAO, false },
            { VA + 0x1000, PS_PAN | PS_UAO, true },
            { VA + 0x1000, PS_PAN, false },
        };
        RIG_CODE(&r, CODE, store ? I_STTR(0, 1) : I_LDTR(0, 1), I_HVC(1));
        for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
            rig_set(&r, REG_X0 + 1, row[i].va);
            rig_run_as(&r, EL1H | MASKED | row[i].pstate, CODE);
            if (row[i].fault) {
                rig_expect_exception(&r, V_SPX, EC_DABT_SAME, (FSC_PERMISSION + 3) | store << 6);
            } else {
                rig_expect_hvc(&r, 1);
            }
        }
    }
    rig_drop(&r);
}

/* SCTLR_EL1.EPAN (FEAT_PAN3): PAN includes what EL0 may execute only. */
static void test_epan(void **state)
{
    struct rig r;
    struct tables t;

    rig_make(&r, .extra_features = BIT(A64_FEAT_PAN3));
    tables_init(&t, &r, 12);
    tables_map(&t, VA, DATA, 3, D_AF | D_RO);
    tables_map(&t, VA + 0x1000, DATA, 3, D_AF | D_RO | PTE_UXN);
    tables_on(&t, 0);
    code_for(&r, ACCESS_READ);
    assert_int_equal(try_access(&r, VA, ACCESS_READ, 1, true), -1);
    rig_set_sys(&r, SCTLR_EL1, rig_sys(&r, SCTLR_EL1) | SCTLR_EPAN);
    assert_int_equal(try_access(&r, VA, ACCESS_READ, 1, true), FSC_PERMISSION + 3);
    assert_int_equal(try_access(&r, VA, ACCESS_READ, 1, false), -1);
    assert_int_equal(try_access(&r, VA + 0x1000, ACCESS_READ, 1, true), -1);
    rig_drop(&r);
}

static void test_zva(void **state)
{
    struct rig r;
    struct tables t;
    uint8_t *bytes;

    rig_make(&r);
    RIG_CODE(&r, CODE, I_MSR(S_DC_ZVA, 1), I_HVC(1));
    assert_int_equal(try_access(&r, DATA, ACCESS_WRITE, 1, false),
                     FSC_ALIGNMENT); /* MMU off: Device */
    tables_init(&t, &r, 12);
    tables_map(&t, VA, DATA, 3, D_AF | D_USER);
    tables_map(&t, VA + 0x1000, DATA, 3, D_AF | D_USER | D_RO);
    tables_map(&t, VA + 0x2000, DATA, 3, D_AF | D_USER | D_DEVICE);
    tables_on(&t, 0);
    bytes = rig_at(&r, DATA);
    for (unsigned fast = 0; fast < 2; fast++) {
        memset(bytes, 0xff, 256);
        assert_int_equal(try_access(&r, VA + 0x7b, ACCESS_WRITE, 1, false), -1);
        for (unsigned i = 0; i < 256; i++) {
            assert_int_equal(bytes[i], i >= 64 && i < 128 ? 0 : 0xff);
        }
    }
    assert_int_equal(try_access(&r, VA + 0x1040, ACCESS_WRITE, 1, false), FSC_PERMISSION + 3);
    assert_int_equal(try_access(&r, VA + 0x2040, ACCESS_WRITE, 1, false), FSC_ALIGNMENT);
    assert_int_equal(try_access(&r, VA + 0x3048, ACCESS_WRITE, 1, false), FSC_TRANSLATION + 3);
    /* EL0 needs SCTLR.DZE; DCZID says so */
    rig_set(&r, REG_PSTATE, EL0T);
    rig_set(&r, REG_X0 + 1, VA);
    rig_run(&r, CODE);
    rig_expect_exception(&r, V_LOWER, EC_SYSREG,
                         1 << 20 | 1 << 17 | 3 << 14 | 7 << 10 | 1 << 5 | 4 << 1);
    rig_set_sys(&r, SCTLR_EL1, rig_sys(&r, SCTLR_EL1) | SCTLR_DZE);
    assert_int_equal(try_access(&r, VA, ACCESS_WRITE, 0, false), -1);
    rig_drop(&r);
}

/* Cache maintenance by VA translates: faults have CM and WnR. */
static void test_cache_faults(void **state)
{
    struct rig r;
    struct tables t;

    rig_make(&r);
    tables_init(&t, &r, 12);
    tables_map(&t, VA, DATA, 3, D_AF | D_RO);
    tables_on(&t, 0);
    static const struct {
        uint32_t op;
        uint64_t va;
        int fsc;
    } row[] = {
        { S_DC_CIVAC, VA, -1 },
        { S_IC_IVAU, VA, -1 },
        { S_DC_IVAC, VA, FSC_PERMISSION + 3 },
        { S_DC_CIVAC, VA + 0x1000, FSC_TRANSLATION + 3 },
        { S_IC_IVAU, VA + 0x1000, FSC_TRANSLATION + 3 },
        { S_DC_IVAC, VA + 0x1000, FSC_TRANSLATION + 3 },
    };
    for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
        RIG_CODE(&r, CODE, I_MSR(row[i].op, 1), I_HVC(1));
        rig_set(&r, REG_PSTATE, EL1H | MASKED);
        rig_set(&r, REG_X0 + 1, row[i].va);
        rig_run(&r, CODE);
        if (row[i].fsc < 0) {
            rig_expect_hvc(&r, 1);
        } else {
            rig_expect_exception(&r, V_SPX, EC_DABT_SAME, (uint32_t)row[i].fsc | 1 << 8 | 1 << 6);
            assert_int_equal(rig_sys(&r, FAR_EL1), row[i].va);
        }
    }
    rig_drop(&r);
}

static uint64_t at(struct rig *r, uint32_t op, uint64_t va, bool pan)
{
    RIG_CODE(r, CODE, I_MSR(op, 1), I_ISB, I_MRS(0, SYSREG_PAR_EL1), I_HVC(1));
    rig_set(r, REG_PSTATE, EL1H | MASKED | (pan ? PS_PAN : 0));
    rig_set(r, REG_X0 + 1, va);
    rig_run(r, CODE);
    rig_expect_hvc(r, 1);
    return rig_get(r, REG_X0);
}

static void test_at(void **state)
{
    struct rig r;
    struct tables t;
    const uint64_t normal = 0xffull << 56 | BIT(11) | 3 << 7;

    rig_make(&r);
    assert_int_equal(at(&r, S_AT(0), DATA + 0x123, false),
                     DATA | BIT(11) | 2 << 7); /* MMU off: Device */
    tables_init(&t, &r, 12);
    tables_map(&t, VA, DATA, 3, D_AF | D_USER | D_RO | 3 << 8);
    tables_map(&t, VA + 0x1000, DATA, 3, D_AF | 3 << 8);
    tables_map(&t, VA + 0x2000, DATA, 3, D_AF | D_DEVICE);
    tables_on(&t, 0);
    assert_int_equal(at(&r, S_AT(0), VA + 0x9ab, true), DATA | normal);
    assert_int_equal(at(&r, S_AT(1), VA, false), (uint64_t)(FSC_PERMISSION + 3) << 1 | BIT(11) | 1);
    assert_int_equal(at(&r, S_AT(2), VA, false), DATA | normal);
    assert_int_equal(at(&r, S_AT(3), VA, false), (uint64_t)(FSC_PERMISSION + 3) << 1 | BIT(11) | 1);
    assert_int_equal(at(&r, S_AT(1), VA + 0x1000, false), DATA | normal);
    assert_int_equal(at(&r, S_AT(2), VA + 0x1000, false),
                     (uint64_t)(FSC_PERMISSION + 3) << 1 | BIT(11) | 1);
    assert_int_equal(at(&r, S_AT(0), VA + 0x2000, false), DATA | BIT(11) | 2 << 7);
    assert_int_equal(at(&r, S_AT(0), VA + 0x3000, false),
                     (uint64_t)(FSC_TRANSLATION + 3) << 1 | BIT(11) | 1);
    assert_int_equal(at(&r, S_AT(0), VA | BIT(50), false), FSC_TRANSLATION << 1 | BIT(11) | 1);
    assert_int_equal(at(&r, S_AT_P(0), VA, false), DATA | normal);
    assert_int_equal(at(&r, S_AT_P(0), VA, true),
                     (uint64_t)(FSC_PERMISSION + 3) << 1 | BIT(11) | 1);
    assert_int_equal(at(&r, S_AT_P(1), VA + 0x1000, true), DATA | normal);
    /* A walk that leaves memory is an exception, as for cache maintenance; no PAR_EL1. */
    *tables_desc(&t, VA, 2) = 0x20000000 | 3;
    RIG_CODE(&r, CODE, I_MSR(S_AT(0), 1), I_HVC(1));
    rig_set(&r, REG_X0 + 1, VA);
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_expect_exception(&r, V_SPX, EC_DABT_SAME, (FSC_EXTERNAL_WALK + 3) | 1 << 8 | 1 << 6);
    assert_int_equal(rig_sys(&r, FAR_EL1), VA);
    rig_drop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_permissions),  cmocka_unit_test(test_faults),
        cmocka_unit_test(test_ranges),       cmocka_unit_test(test_input_sizes),
        cmocka_unit_test(test_blocks),       cmocka_unit_test(test_root),
        cmocka_unit_test(test_hierarchical), cmocka_unit_test(test_hafdbs),
        cmocka_unit_test(test_crossing),     cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_bus),          cmocka_unit_test(test_user_and_atomics),
        cmocka_unit_test(test_uao),          cmocka_unit_test(test_epan),
        cmocka_unit_test(test_zva),          cmocka_unit_test(test_cache_faults),
        cmocka_unit_test(test_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
