// test_pgtable.c - what TCR, TTBR and descriptors say, with 48 and with 52 bits of address.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/esr.h"
#include "arch/pgtable.h"
#include "base/compiler.h"

#define TG0_4K  0ull
#define TG0_64K (1ull << 14)
#define TG0_16K (2ull << 14)
#define TG1_16K (1ull << 30)
#define TG1_4K  (2ull << 30)
#define TG1_64K (3ull << 30)
#define IPS(n)  ((uint64_t)(n) << 32)
#define T1SZ(n) ((uint64_t)(n) << 16)

static const struct pgt_impl v8_0 = { .pa_bits = 48, .granule16 = true };
static const struct pgt_impl all = { .pa_bits = 52,
                                     .granule16 = true,
                                     .hpd = true,
                                     .hafdbs = true,
                                     .e0pd = true,
                                     .lva = true,
                                     .lpa2 = true };

static struct pgt_half half_of(uint64_t tcr, uint64_t ttbr, bool upper, const struct pgt_impl *impl)
{
    struct pgt_half half;

    pgt_half_init(&half, tcr, ttbr, upper, impl);
    return half;
}

/* DDI 0487, "Overview of VMSAv8-64 address translation": initial level by granule and input size. */
static void test_start_levels(void **state)
{
    static const struct {
        uint64_t tcr;
        unsigned granule, input;
        int level;
        const struct pgt_impl *impl;
    } rows[] = {
        { TG0_4K | 16, 12, 48, 0, &v8_0 },          { TG0_4K | 24, 12, 40, 0, &v8_0 },
        { TG0_4K | 25, 12, 39, 1, &v8_0 },          { TG0_4K | 33, 12, 31, 1, &v8_0 },
        { TG0_4K | 34, 12, 30, 2, &v8_0 },          { TG0_4K | 39, 12, 25, 2, &v8_0 },
        { TG0_16K | 16, 14, 48, 0, &v8_0 },         { TG0_16K | 17, 14, 47, 1, &v8_0 },
        { TG0_16K | 27, 14, 37, 1, &v8_0 },         { TG0_16K | 28, 14, 36, 2, &v8_0 },
        { TG0_16K | 38, 14, 26, 2, &v8_0 },         { TG0_16K | 39, 14, 25, 3, &v8_0 },
        { TG0_64K | 16, 16, 48, 1, &v8_0 },         { TG0_64K | 21, 16, 43, 1, &v8_0 },
        { TG0_64K | 22, 16, 42, 2, &v8_0 },         { TG0_64K | 34, 16, 30, 2, &v8_0 },
        { TG0_64K | 35, 16, 29, 3, &v8_0 },         { TG0_64K | 12, 16, 48, 1, &v8_0 },
        { TG0_64K | 12, 16, 52, 1, &all },          { TG0_4K | 12, 12, 48, 0, &all },
        { TCR_DS | TG0_4K | 12, 12, 52, -1, &all }, { TCR_DS | TG0_4K | 15, 12, 49, -1, &all },
        { TCR_DS | TG0_4K | 16, 12, 48, 0, &all },  { TCR_DS | TG0_16K | 12, 14, 52, 0, &all },
        { TCR_DS | TG0_4K | 12, 12, 48, 0, &v8_0 }, { TG0_4K | 60, 12, 25, 2, &v8_0 },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct pgt_half half = half_of(rows[i].tcr, 0, false, rows[i].impl);
        assert_int_equal(half.granule_bits, rows[i].granule);
        assert_int_equal(half.input_bits, rows[i].input);
        assert_int_equal(half.start_level, rows[i].level);
    }
}

static void test_granules_of_the_upper_half(void **state)
{
    assert_int_equal(half_of(TG1_4K | T1SZ(16), 0, true, &v8_0).granule_bits, 12);
    assert_int_equal(half_of(TG1_16K | T1SZ(16), 0, true, &v8_0).granule_bits, 14);
    assert_int_equal(half_of(TG1_64K | T1SZ(16), 0, true, &v8_0).granule_bits, 16);
    struct pgt_impl none16 = v8_0;
    none16.granule16 = false;
    assert_int_equal(half_of(TG1_16K | T1SZ(16), 0, true, &none16).granule_bits, 12);
}

/* TTBR: alignment to the table's size, ASID and CnP left out, bits 51:48 in 5:2. */
static void test_table_address(void **state)
{
    uint64_t ttbr = 0xabcd123456789abfull;

    assert_true(half_of(TG0_4K | 16 | IPS(5), ttbr, false, &all).table == 0x123456789000ull);
    /* 39 - 4 bits of input at level 1: 32 entries, 256 bytes. */
    assert_true(half_of(TG0_4K | 29 | IPS(5), ttbr, false, &all).table == 0x123456789a00ull);
    /* Two entries: 16 bytes, but 64 with 52-bit addresses. */
    assert_true(half_of(TG0_4K | 33 | IPS(5), ttbr, false, &all).table == 0x123456789ab0ull);
    assert_true(half_of(TG0_64K | 34 | IPS(6), 0x12345678903cull, false, &all).table ==
                0xf123456789000ull);
    assert_true(half_of(TG0_64K | 35 | IPS(6), 0x12345678907cull, false, &all).table ==
                0xf123456780000ull);
    assert_true(half_of(TCR_DS | TG0_4K | 33 | IPS(6), 0x123456789a7cull, false, &all).table ==
                0xf123456789a40ull);
    assert_true(half_of(TG0_4K | 16 | IPS(1), 1ull << 36, false, &v8_0).table_beyond);
    assert_false(half_of(TG0_4K | 16 | IPS(2), 1ull << 36, false, &v8_0).table_beyond);
}

static void test_output_size(void **state)
{
    assert_int_equal(half_of(TG0_4K | 16 | IPS(6), 0, false, &all).oa_bits, 48);
    assert_int_equal(half_of(TCR_DS | TG0_4K | 16 | IPS(6), 0, false, &all).oa_bits, 52);
    assert_int_equal(half_of(TG0_64K | 16 | IPS(6), 0, false, &all).oa_bits, 52);
    assert_int_equal(half_of(TG0_64K | 16 | IPS(5), 0, false, &all).oa_bits, 48);
    assert_int_equal(half_of(TG0_64K | 16 | IPS(6), 0, false, &v8_0).oa_bits, 48);
    assert_int_equal(half_of(TG0_4K | 16 | IPS(0), 0, false, &all).oa_bits, 32);
}

static void test_range(void **state)
{
    struct pgt_half low = half_of(TG0_4K | 16, 0, false, &v8_0);
    struct pgt_half high = half_of(TG1_4K | T1SZ(25), 0, true, &v8_0);
    struct pgt_half tagged = half_of(TG0_4K | 16 | TCR_TBI0, 0, false, &v8_0);

    assert_false(pgt_out_of_range(&low, 0xffffffffffffull));
    assert_true(pgt_out_of_range(&low, 1ull << 48));
    assert_true(pgt_out_of_range(&low, 1ull << 60));
    assert_false(pgt_out_of_range(&tagged, 0xaaull << 56 | 5));
    assert_true(pgt_out_of_range(&tagged, 1ull << 50));
    assert_false(pgt_out_of_range(&high, 0xffffff8000000000ull));
    assert_true(pgt_out_of_range(&high, 0xffffff7fffffffffull));
    low = half_of(TG0_4K | 16 | TCR_EPD0, 0, false, &v8_0);
    assert_true(pgt_out_of_range(&low, 0));
}

/* "Translation table descriptor formats": kinds by level, and the addresses in them. */
static void test_descriptors(void **state)
{
    const uint64_t oa = 0x000fffffffffff000ull;
    struct pgt_half k4 = half_of(TG0_4K | 16, 0, false, &v8_0);
    struct pgt_half k16 = half_of(TG0_16K | 16, 0, false, &v8_0);
    struct pgt_half k64 = half_of(TG0_64K | 16, 0, false, &v8_0);
    struct pgt_half ds4 = half_of(TCR_DS | TG0_4K | 12 | IPS(6), 0, false, &all);
    struct pgt_half ds16 = half_of(TCR_DS | TG0_16K | 12 | IPS(6), 0, false, &all);
    struct pgt_half lpa = half_of(TG0_64K | 12 | IPS(6), 0, false, &all);

    for (int level = 0; level <= 3; level++) {
        assert_int_equal(pgt_desc_kind(&k4, 0, level), PGT_INVALID);
        assert_int_equal(pgt_desc_kind(&k4, 2, level), PGT_INVALID);
        assert_int_equal(pgt_desc_kind(&k4, 3, level), level == 3 ? PGT_LEAF : PGT_TABLE);
        assert_int_equal(pgt_desc_kind(&k4, 1, level),
                         level == 1 || level == 2 ? PGT_LEAF : PGT_INVALID);
        assert_int_equal(pgt_desc_kind(&k16, 1, level), level == 2 ? PGT_LEAF : PGT_INVALID);
        assert_int_equal(pgt_desc_kind(&k64, 1, level), level == 2 ? PGT_LEAF : PGT_INVALID);
        assert_int_equal(pgt_desc_kind(&ds4, 1, level), level <= 2 ? PGT_LEAF : PGT_INVALID);
        assert_int_equal(pgt_desc_kind(&ds16, 1, level),
                         level == 1 || level == 2 ? PGT_LEAF : PGT_INVALID);
        assert_int_equal(pgt_desc_kind(&lpa, 1, level),
                         level == 1 || level == 2 ? PGT_LEAF : PGT_INVALID);
    }
    assert_int_equal(pgt_desc_kind(&ds4, 1, -1), PGT_INVALID);
    assert_int_equal(pgt_desc_kind(&ds4, 3, -1), PGT_TABLE);

    assert_true(pgt_desc_output(&k4, oa | 3, 3) == 0xfffffffff000ull);
    assert_true(pgt_desc_output(&k4, oa | 1, 2) == 0xffffffe00000ull);
    assert_true(pgt_desc_output(&k4, oa | 1, 1) == 0xffffc0000000ull);
    assert_true(pgt_desc_output(&k4, oa | 3, 1) == 0xfffffffff000ull);
    assert_true(pgt_desc_output(&k16, oa | 3, 3) == 0xffffffffc000ull);
    assert_true(pgt_desc_output(&k64, oa | 3, 3) == 0xffffffff0000ull);
    assert_true(pgt_desc_output(&k64, oa | 1, 2) == 0xffffe0000000ull);
    assert_true(pgt_desc_output(&ds4, 0x300 | 3ull << 48 | 0x1003, 3) == 0xf000000001000ull);
    assert_true(pgt_desc_output(&ds4, 0x200 | 0x8000000000ull | 1, 0) == 0x8008000000000ull);
    assert_true(pgt_desc_output(&lpa, 0xa003 | 0x10000, 3) == 0xa000000010000ull);
    assert_true(pgt_desc_output(&lpa, 0xf001 | 1ull << 42, 1) == 0xf040000000000ull);
}

static void test_index(void **state)
{
    struct pgt_half k4 = half_of(TG0_4K | 25, 0, false, &v8_0);
    struct pgt_half ds4 = half_of(TCR_DS | TG0_4K | 12 | IPS(6), 0, false, &all);
    uint64_t va = 0x7fedcba987ull;

    assert_true(pgt_desc_addr(&k4, 0x1000, va, 1) == 0x1000 + (va >> 30 & 0x1ff) * 8);
    assert_true(pgt_desc_addr(&k4, 0x1000, va, 3) == 0x1000 + (va >> 12 & 0x1ff) * 8);
    assert_true(pgt_desc_addr(&k4, 0x1000, ~0ull << 39, 1) == 0x1000); /* the sign is no index */
    assert_true(pgt_desc_addr(&ds4, 0, 0xfull << 48, -1) == 15 * 8);
    assert_true(pgt_desc_addr(&ds4, 0, 0x1full << 48, -1) == 15 * 8);
}

static void test_permissions(void **state)
{
    struct pgt_half half = half_of(TG0_4K | 16, 0, false, &all);
    struct pgt_half dirty = half_of(TG0_4K | 16 | TCR_HA | TCR_HD, 0, false, &all);

    assert_int_equal(pgt_perms(&half, 0, 0, false), PGT_R1 | PGT_W1 | PGT_X1 | PGT_X0);
    assert_int_equal(pgt_perms(&half, PTE_USER, 0, false),
                     PGT_R1 | PGT_W1 | PGT_R0 | PGT_W0 | PGT_X0 | PGT_USER);
    assert_int_equal(pgt_perms(&half, PTE_RO, 0, false), PGT_R1 | PGT_X1 | PGT_X0);
    assert_int_equal(pgt_perms(&half, PTE_USER | PTE_RO | PTE_PXN, 0, false),
                     PGT_R1 | PGT_R0 | PGT_X0 | PGT_USER);
    assert_int_equal(pgt_perms(&half, PTE_UXN, 0, true), PGT_R1 | PGT_W1);
    assert_int_equal(pgt_perms(&half, PTE_USER, PTE_USERTABLE, false),
                     PGT_R1 | PGT_W1 | PGT_X1 | PGT_X0);
    assert_int_equal(pgt_perms(&half, PTE_USER, PTE_ROTABLE, false),
                     PGT_R1 | PGT_R0 | PGT_X1 | PGT_X0 | PGT_USER);
    assert_int_equal(pgt_perms(&half, 0, PTE_PXNTABLE | PTE_UXNTABLE, false), PGT_R1 | PGT_W1);
    assert_int_equal(pgt_perms(&half, PTE_RO | PTE_DBM | PTE_PXN, 0, false), PGT_R1 | PGT_X0);
    assert_int_equal(pgt_perms(&dirty, PTE_RO | PTE_DBM | PTE_PXN, 0, false),
                     PGT_R1 | PGT_W1 | PGT_X0);
}

static void test_fault_codes(void **state)
{
    assert_int_equal(fsc_at(FSC_TRANSLATION, 2), 0x06);
    assert_int_equal(fsc_at(FSC_PERMISSION, 3), 0x0f);
    assert_int_equal(fsc_at(FSC_TRANSLATION, -1), 0x2b);
    assert_int_equal(fsc_at(FSC_ADDRESS_SIZE, -1), 0x29);
    assert_int_equal(fsc_at(FSC_EXTERNAL_WALK, -1), 0x13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_levels),  cmocka_unit_test(test_granules_of_the_upper_half),
        cmocka_unit_test(test_table_address), cmocka_unit_test(test_output_size),
        cmocka_unit_test(test_range),         cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_index),         cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_fault_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
