/*
 * test_lse2.c - unaligned ordered, exclusive and atomic accesses (FEAT_LSE2, SCTLR_EL1.nAA), LDAPUR and STLUR, and that
 * nobody sees half of an access that is single-copy atomic.
 *
 * DDI 0487, "Changes to single-copy atomicity in Armv8.4", "Alignment of data accesses" and the pseudocode function
 * AArch64.UnalignedAccessFaults.
 */
#include "rig.h"

#include <string.h>

#include "base/atomic.h"

/* Instructions with Rt = 2, Rn = 1 and, where there is one, Rs = 4; sizes are log2 of bytes. */
#define I_LDAR(size)   (0x08dffc22u | (uint32_t)(size) << 30)
#define I_STLR(size)   (0x089ffc22u | (uint32_t)(size) << 30)
#define I_LDAPR(size)  (0x38bfc022u | (uint32_t)(size) << 30)
#define I_LDXR_(size)  (0x085f7c22u | (uint32_t)(size) << 30)
#define I_STXR_(size)  (0x08047c22u | (uint32_t)(size) << 30)
#define I_CAS(size)    (0x08a47c22u | (uint32_t)(size) << 30)
#define I_SWP(size)    (0x38248022u | (uint32_t)(size) << 30)
#define I_LDADD_(size) (0x38240022u | (uint32_t)(size) << 30)
#define I_LDSMAX(size) (0x38244022u | (uint32_t)(size) << 30)
#define I_LDXP_W       0x887f0c22u /* W2, W3 */
#define I_LDXP_X       0xc87f0c22u
#define I_CASP_W       0x08247c22u
#define I_LDAPUR(size, opc, imm) \
    (0x19000022u | (uint32_t)(size) << 30 | (uint32_t)(opc) << 22 | ((uint32_t)(imm)&0x1ff) << 12)
#define I_STLUR(size, imm) I_LDAPUR(size, 0, imm)

enum { ORDERED, ATOMIC };

/* Pages in DATA: Normal memory at its own address, and Device memory. */
#define DEVICE_VA (DATA + 0x10000)

static void make(struct rig *r, const char *model, unsigned cpus)
{
    struct tables t;

    rig_make(r, .model = model, .cpus = cpus);
    tables_init(&t, r, 12);
    for (unsigned i = 0; i < cpus; i++) {
        rig_select(r, i);
        tables_map(&t, DATA, DATA, 3, D_AF | D_XN);
        tables_map(&t, DATA + SOFT_PAGE, DATA + SOFT_PAGE, 3, D_AF | D_XN);
        tables_map(&t, DEVICE_VA, DATA, 3, D_AF | D_XN | D_DEVICE);
        tables_on(&t, 0);
    }
    rig_select(r, 0);
}

static void run_one(struct rig *r, uint32_t word, uint64_t va)
{
    RIG_CODE(r, CODE, word, I_HVC(1));
    rig_set(r, REG_X0 + 1, va);
    rig_set(r, REG_X0 + 2, 0x1122334455667788);
    rig_set(r, REG_X0 + 4, 1);
    rig_run_as(r, EL1H | MASKED, CODE);
}

static const struct unaligned_row {
    uint32_t word;
    uint8_t bytes, kind;
    bool store, store_only;
} insns[] = {
    { I_LDAR(1), 2, ORDERED, false, false },
    { I_LDAR(2), 4, ORDERED, false, false },
    { I_LDAR(3), 8, ORDERED, false, false },
    { I_STLR(1), 2, ORDERED, true, true },
    { I_STLR(2), 4, ORDERED, true, true },
    { I_STLR(3), 8, ORDERED, true, true },
    { I_LDAPR(1), 2, ORDERED, false, false },
    { I_LDAPR(3), 8, ORDERED, false, false },
    { I_LDAPUR(1, 1, 0), 2, ORDERED, false, false },
    { I_LDAPUR(2, 2, 0), 4, ORDERED, false, false },
    { I_LDAPUR(3, 1, 0), 8, ORDERED, false, false },
    { I_STLUR(2, 0), 4, ORDERED, true, true },
    { I_STLUR(3, 0), 8, ORDERED, true, true },
    { I_LDXR_(1), 2, ATOMIC, false, false },
    { I_LDXR_(2), 4, ATOMIC, false, false },
    { I_LDXR_(3), 8, ATOMIC, false, false },
    { I_STXR_(3), 8, ATOMIC, true, true },
    { I_LDXP_W, 8, ATOMIC, false, false },
    { I_LDXP_X, 16, ATOMIC, false, false },
    { I_CAS(1), 2, ATOMIC, true, false },
    { I_CAS(3), 8, ATOMIC, true, false },
    { I_CASP_W, 8, ATOMIC, true, false },
    { I_SWP(2), 4, ATOMIC, true, false },
    { I_LDADD_(1), 2, ATOMIC, true, false },
    { I_LDADD_(3), 8, ATOMIC, true, false },
    { I_LDSMAX(2), 4, ATOMIC, true, false },
};

enum { WITH_LSE2 = 1, WITH_NAA = 2, WITH_A = 4 };

static bool faults(const struct unaligned_row *row, uint64_t va, unsigned with)
{
    if (va % row->bytes == 0) {
        return false;
    }
    if (with & WITH_A) {
        return true;
    }
    if (!(with & WITH_LSE2)) {
        return true;
    }
    return va % 16 + row->bytes > 16 && !(row->kind == ORDERED && (with & WITH_NAA));
}

/* Every instruction at every offset in 16 bytes, and over the end of a page, in every mode. */
static void test_unaligned(void **state)
{
    struct rig r;

    make(&r, "max", 1);
    for (unsigned with = 0; with < 8; with++) {
        r.cpu->features = bits_set(r.cpu->features, A64_FEAT_LSE2, 1, (with & WITH_LSE2) != 0);
        rig_set_sys(&r, SCTLR_EL1,
                    SCTLR_M | SCTLR_NAA * ((with & WITH_NAA) != 0) |
                        SCTLR_A * ((with & WITH_A) != 0));
        for (unsigned i = 0; i < ARRAY_SIZE(insns); i++) {
            for (unsigned at = 0; at < 32; at++) {
                const uint64_t va = DATA + SOFT_PAGE - 16 + at;

                tlb_drop_all(r.cpu);
                run_one(&r, insns[i].word, va);
                if (faults(&insns[i], va, with)) {
                    rig_expect_exception(&r, V_SPX, EC_DABT_SAME,
                                         FSC_ALIGNMENT | (uint32_t)insns[i].store_only << 6);
                    assert_int_equal(rig_sys(&r, FAR_EL1), va);
                } else {
                    rig_expect_hvc(&r, 1);
                }
            }
        }
    }
    rig_drop(&r);
}

/* To Device memory they fault, inside 16 bytes or not, by the memory's type: after the translation. */
static void test_device(void **state)
{
    struct rig r;

    make(&r, "max", 1);
    rig_set_sys(&r, SCTLR_EL1, SCTLR_M | SCTLR_NAA);
    for (unsigned i = 0; i < ARRAY_SIZE(insns); i++) {
        run_one(&r, insns[i].word, DEVICE_VA + 1);
        rig_expect_exception(&r, V_SPX, EC_DABT_SAME,
                             FSC_ALIGNMENT | (uint32_t)insns[i].store_only << 6);
        if (insns[i].bytes < 16) { /* not mapped */
            run_one(&r, insns[i].word, DEVICE_VA + SOFT_PAGE + 1);
            rig_expect_exception(&r, V_SPX, EC_DABT_SAME, 7 | (uint32_t)insns[i].store_only << 6);
        }
    }
    rig_drop(&r);
}

/* What they load and store where they need not be aligned. */
static void test_values(void **state)
{
    struct rig r;
    uint8_t *mem;

    make(&r, "max", 1);
    mem = rig_at(&r, DATA);
    for (unsigned i = 0; i < 64; i++) {
        mem[i] = (uint8_t)(0x80 + i);
    }
    run_one(&r, I_LDAR(3), DATA + 5);
    assert_int_equal(rig_get(&r, REG_X0 + 2), 0x8c8b8a8988878685);
    run_one(&r, I_LDXP_W, DATA + 3);
    assert_int_equal(rig_get(&r, REG_X0 + 2), 0x86858483);
    assert_int_equal(rig_get(&r, REG_X0 + 3), 0x8a898887);
    run_one(&r, I_LDADD_(2), DATA + 7);
    assert_int_equal(rig_get(&r, REG_X0 + 2), 0x8a898887);
    assert_memory_equal(mem + 7, "\x88\x88\x89\x8a\x8b\x8c\x8d\x8e", 8);
    run_one(&r, I_STLR(3), DATA + 17);
    assert_int_equal(mem[16], 0x90);
    assert_memory_equal(mem + 17, "\x88\x77\x66\x55\x44\x33\x22\x11\x99", 9);
    /* LDXR and STXR at the same odd address. */
    RIG_CODE(&r, CODE, I_LDXR_(3), I_ADD(2, 2, 1), I_STXR_(3), I_HVC(1));
    rig_set(&r, REG_X0 + 1, DATA + 33);
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_expect_hvc(&r, 1);
    assert_int_equal(rig_get(&r, REG_X0 + 4), 0);
    assert_int_equal(mem[33], 0xa2);
    rig_drop(&r);
}

/* ---- FEAT_LRCPC2 ----------------------------------------------------------------------------- */

static void test_ldapur(void **state)
{
    static const struct {
        unsigned size, opc;
        int imm;
        uint64_t value;
    } rows[] = {
        { 0, 1, -256, 0x00 },
        { 0, 1, 255, 0x88 },
        { 0, 2, 248, 0xfffffffffffffff1 },
        { 0, 3, 248, 0xfffffff1 },
        { 1, 1, 248, 0x82f1 },
        { 1, 2, 248, 0xffffffffffff82f1 },
        { 1, 3, 248, 0xffff82f1 },
        { 2, 1, 248, 0x848382f1 },
        { 2, 2, 248, 0xffffffff848382f1 },
        { 3, 1, 248, 0x88878685848382f1 },
    };
    struct rig r;

    make(&r, "max", 1);
    *(uint64_t *)rig_at(&r, DATA + 0x100 + 248) = 0x88878685848382f1;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        for (unsigned again = 0; again < 2; again++) { /* slow, fast */
            if (again == 0) {
                tlb_drop_all(r.cpu);
            }
            run_one(&r, I_LDAPUR(rows[i].size, rows[i].opc, rows[i].imm), DATA + 0x100);
            rig_expect_hvc(&r, 1);
            assert_int_equal(rig_get(&r, REG_X0 + 2), rows[i].value);
        }
    }
    for (unsigned size = 0; size < 4; size++) {
        const uint64_t mask = UINT64_MAX >> (64 - (8 << size));

        run_one(&r, I_STLUR(size, -8), DATA + 0x208);
        rig_expect_hvc(&r, 1);
        assert_int_equal(*(uint64_t *)rig_at(&r, DATA + 0x200), 0x1122334455667788 & mask);
    }
    for (unsigned size = 2; size < 4; size++) { /* no such instructions */
        run_one(&r, I_LDAPUR(size, 3, 0), DATA);
        rig_expect_exception(&r, V_SPX, EC_UNKNOWN, 0);
    }
    rig_drop(&r);

    make(&r, "neoverse-n1", 1); /* has LDAPR only */
    assert_int_equal(bits(rig_sys(&r, ID_AA64ISAR1_EL1), 20, 4), 1);
    run_one(&r, I_LDAPR(3), DATA);
    rig_expect_hvc(&r, 1);
    run_one(&r, I_LDAPUR(3, 1, 0), DATA);
    rig_expect_exception(&r, V_SPX, EC_UNKNOWN, 0);
    run_one(&r, I_STLUR(3, 0), DATA);
    rig_expect_exception(&r, V_SPX, EC_UNKNOWN, 0);
    rig_drop(&r);
}

/* The identification, and bits that are RES0 without the feature. */
static void test_presence(void **state)
{
    struct rig r;

    make(&r, "max", 1);
    assert_int_equal(bits(rig_sys(&r, ID_AA64MMFR2_EL1), 32, 4), racy16_atomic());
    assert_int_equal(bits(rig_sys(&r, ID_AA64ISAR1_EL1), 20, 4), 2);
    rig_set_sys(&r, SCTLR_EL1, SCTLR_M | SCTLR_NAA);
    assert_int_equal((rig_sys(&r, SCTLR_EL1) & SCTLR_NAA) != 0, racy16_atomic());
    rig_drop(&r);
    make(&r, "cortex-a72", 1);
    assert_int_equal(bits(rig_sys(&r, ID_AA64MMFR2_EL1), 32, 4), 0);
    rig_set_sys(&r, SCTLR_EL1, SCTLR_M | SCTLR_NAA);
    assert_int_equal(rig_sys(&r, SCTLR_EL1) & SCTLR_NAA, 0);
    run_one(&r, I_LDAR(3), DATA + 1);
    rig_expect_exception(&r, V_SPX, EC_DABT_SAME, FSC_ALIGNMENT);
    rig_drop(&r);
}

/* ---- Two CPUs -------------------------------------------------------------------------------- */

/* Rt = 2 (and 3), Rn = 1. The writer stores all zeros and all ones in turn; the reader wants either. */
#define I_STP_X            0xa9000c22u
#define I_LDP_X            0xa9400c22u
#define I_STP_W            0x29000c22u
#define I_LDP_W            0x29400c22u
#define I_STP_D            0x6d000c22u
#define I_LDP_D            0x6d400c22u
#define I_STR_Q            0x3d800022u
#define I_LDR_Q            0x3dc00022u
#define I_STR_X            0xf9000022u
#define I_LDR_X            0xf9400022u
#define I_STR_W            0xb9000022u
#define I_LDR_W            0xb9400022u
#define I_SUBS1(rd)        (0xf1000400u | (rd) << 5 | (rd))
#define I_MVN(rd)          (0xaa2003e0u | (rd) << 16 | (rd))
#define I_EOR(d, n, m)     (0xca000000u | (m) << 16 | (n) << 5 | (d))
#define I_ORR(d, n, m)     (0xaa000000u | (m) << 16 | (n) << 5 | (d))
#define I_MOV_D(v, i, rn)  (0x4e081c00u | (uint32_t)(i) << 20 | (rn) << 5 | (v))
#define I_UMOV_D(rd, v, i) (0x4e083c00u | (uint32_t)(i) << 20 | (v) << 5 | (rd))
#define I_SEXT32(rd)       (0x93407c00u | (rd) << 5 | (rd))

/* X2 and X3 become V2 and V3, or the other way round; or only V2. */
#define TO_V     I_MOV_D(2, 0, 2), I_MOV_D(2, 1, 3), I_MOV_D(3, 0, 3)
#define FROM_V2  I_UMOV_D(2, 2, 0), I_UMOV_D(3, 2, 1), I_NOP
#define FROM_V23 I_UMOV_D(2, 2, 0), I_UMOV_D(3, 3, 0), I_NOP
#define NOPS     I_NOP, I_NOP, I_NOP
#define X2_ONLY  I_ADD(3, 2, 0), I_NOP, I_NOP
#define W2_ONLY  I_SEXT32(2), I_ADD(3, 2, 0), I_NOP
#define WORDS    I_SEXT32(2), I_SEXT32(3), I_NOP

/* Pairs that are two accesses are seen torn about once in ten million turns. */
#define TURNS_16 3000000
#define TURNS    200000

/* X10 collects what is neither all zeros nor all ones. */
static void check_tearing(uint32_t store, uint32_t load, const uint32_t after[3], uint64_t va,
                          unsigned turns)
{
    struct rig r, other;
    pthread_t thread;

    make(&r, "max", 2);
    RIG_CODE(&r, CODE, I_MVN(2), I_ADD(3, 2, 0), TO_V, store, I_SUBS1(5), I_CBNZ(5, -28), I_HVC(1));
    RIG_CODE(&r, CODE + 0x100, load, after[0], after[1], after[2], I_EOR(9, 2, 3), I_ORR(10, 10, 9),
             I_ADD(9, 2, 1) /* 0 or 1 */, 0x927ff929u /* and x9, x9, #~1 */, I_ORR(10, 10, 9),
             I_SUBS1(5), I_CBNZ(5, -40), I_HVC(2));
    other = r;
    rig_select(&other, 1);
    for (unsigned i = 0; i < 2; i++) {
        struct rig *one = i ? &other : &r;
        rig_set(one, REG_X0 + 1, va);
        rig_set(one, REG_X0 + 2, 0);
        rig_set(one, REG_X0 + 5, turns);
        rig_set(one, REG_X0 + 10, 0);
        rig_set(one, REG_PSTATE, EL1H | MASKED);
        rig_set_sys(one, CPACR_EL1, 3u << 20);
        rig_set(one, REG_PC, CODE + i * 0x100);
    }
    assert_int_equal(pthread_create(&thread, NULL, rig_thread, &other), 0);
    rig_thread(&r);
    pthread_join(thread, NULL);
    rig_expect_hvc(&r, 1);
    rig_expect_hvc(&other, 2);
    if (rig_get(&other, REG_X0 + 10) != 0) {
        fail_msg("%08x at offset %u is torn: %016llx", load, (unsigned)va % 16,
                 (unsigned long long)rig_get(&other, REG_X0 + 10));
    }
    rig_drop(&r);
}

static void test_tearing(void **state)
{
    static const struct {
        uint32_t store, load, after[3];
        uint8_t bytes, step;
    } rows[] = {
        { I_STP_X, I_LDP_X, { NOPS }, 16, 16 },      { I_STP_D, I_LDP_D, { FROM_V23 }, 16, 16 },
        { I_STR_Q, I_LDR_Q, { FROM_V2 }, 16, 16 },   { I_STP_W, I_LDP_W, { WORDS }, 8, 1 },
        { I_STR_X, I_LDR_X, { X2_ONLY }, 8, 1 },     { I_STR_W, I_LDR_W, { W2_ONLY }, 4, 1 },
        { I_STLR(3), I_LDAR(3), { X2_ONLY }, 8, 1 },
    };

    if (!racy16_atomic()) {
        skip();
    }
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        for (unsigned at = 0; at + rows[i].bytes <= 16; at += rows[i].step) {
            check_tearing(rows[i].store, rows[i].load, rows[i].after, DATA + 0x80 + at,
                          rows[i].bytes == 16 ? TURNS_16 : TURNS);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unaligned), cmocka_unit_test(test_device),
        cmocka_unit_test(test_values),    cmocka_unit_test(test_ldapur),
        cmocka_unit_test(test_presence),  cmocka_unit_test(test_tearing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
