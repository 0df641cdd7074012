/*
 * test_pauth.c - pointer authentication: every instruction, the three algorithms, where codes go, what fails how.
 *
 * DDI 0487, "Pointer authentication". The judge of QARMA5 and of the layouts is QEMU (pauth_vectors.def).
 */
#include "rig.h"

#include "accel/soft/pauth.h"
#include "arch/qarma.h"

#define KEYS_ON (SCTLR_ENIA | SCTLR_ENIB | SCTLR_ENDA | SCTLR_ENDB)
#define TCR_48  (16ull | 16ull << 16 | 2ull << 30 | 5ull << 32)

/* PACIA .. AUTDB X0, X1 by number; PACIZA .. AUTDZB X0. */
#define I_PAC(n)      (0xdac10020u | (uint32_t)(n) << 10)
#define I_PACZ(n)     (0xdac123e0u | (uint32_t)(n) << 10)
#define I_XPACI       0xdac143e0u
#define I_XPACD       0xdac147e0u
#define I_PACGA       0x9ac13000u /* X0, X0, X1 */
#define I_XPACLRI     0xd50320ffu
#define I_PACIASP     0xd503233fu
#define I_PACIA1716   0xd503211fu
#define I_BRAA(n, m)  (0xd71f0800u | (n) << 5 | (m))
#define I_BLRAA(n, m) (0xd73f0800u | (n) << 5 | (m))
#define I_BRAAZ(n)    (0xd61f081fu | (n) << 5)
#define I_BLRAAZ(n)   (0xd63f081fu | (n) << 5)
#define I_KEY_B       0x400u
#define I_RETAA       0xd65f0bffu
#define I_ERETAA      0xd69f0bffu
#define I_LDRAA(t, n, imm)                                                                      \
    (0xf8200400u | (uint32_t)((imm) / 8 >> 9 & 1) << 22 | (uint32_t)((imm) / 8 & 0x1ff) << 12 | \
     (n) << 5 | (t))
#define I_PRE   0x800u
#define I_LDRAB (1u << 23)

static const char *const names[] = { "PACIA", "PACIB", "PACDA", "PACDB",
                                     "AUTIA", "AUTIB", "AUTDA", "AUTDB" };
static const uint32_t key_lo[] = { SYSREG_APIAKeyLo_EL1, SYSREG_APIBKeyLo_EL1, SYSREG_APDAKeyLo_EL1,
                                   SYSREG_APDBKeyLo_EL1, SYSREG_APGAKeyLo_EL1 };

static void set_key(struct rig *r, unsigned key, uint64_t lo, uint64_t hi)
{
    rig_set(r, REG_SYS | key_lo[key], lo);
    rig_set(r, REG_SYS | (key_lo[key] + 1), hi);
}

/* The default model, keys on, five different keys; features are added. */
static void make(struct rig *r, uint64_t features)
{
    rig_make(r, .extra_features = features);
    for (unsigned key = 0; key < 5; key++) {
        set_key(r, key, 0x1111111111111111ull * (key + 1), 0x0123456789abcdefull << key);
    }
    rig_set_sys(r, TCR_EL1, TCR_48);
    rig_set_sys(r, SCTLR_EL1, rig_sys(r, SCTLR_EL1) | KEYS_ON);
}

/* Runs one instruction with X0 and X1; returns X0. */
static uint64_t run1(struct rig *r, uint32_t insn, uint64_t x0, uint64_t x1)
{
    RIG_CODE(r, CODE, insn, I_HVC(7));
    rig_set(r, REG_X0, x0);
    rig_set(r, REG_X0 + 1, x1);
    rig_run(r, CODE);
    rig_expect_hvc(r, 7);
    assert_int_equal(rig_get(r, REG_X0 + 1), x1);
    return rig_get(r, REG_X0);
}

/* ---- Against QEMU ---------------------------------------------------------------------------- */

static uint32_t insn_of(const char *name)
{
    for (unsigned n = 0; n < 8; n++) {
        if (strcmp(name, names[n]) == 0) {
            return I_PAC(n);
        }
    }
    return strcmp(name, "XPACI") == 0 ? I_XPACI : strcmp(name, "XPACD") == 0 ? I_XPACD : I_PACGA;
}

static void test_vectors(void **state)
{
    static const struct {
        const char *name;
        uint64_t tcr, lo, hi, x, modifier, result;
    } row[] = {
#define V(name, tcr, lo, hi, x, modifier, result) { #name, tcr, lo, hi, x, modifier, result },
#include "pauth_vectors.def"
#undef V
    };
    struct rig r;

    make(&r, BIT(A64_FEAT_QARMA5));
    for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
        for (unsigned key = 0; key < 5; key++) {
            set_key(&r, key, row[i].lo, row[i].hi);
        }
        rig_set_sys(&r, TCR_EL1, row[i].tcr);
        uint64_t result = run1(&r, insn_of(row[i].name), row[i].x, row[i].modifier);
        if (result != row[i].result) {
            fail_msg("row %u: %s of %016llx is %016llx, not %016llx", i, row[i].name,
                     (unsigned long long)row[i].x, (unsigned long long)result,
                     (unsigned long long)row[i].result);
        }
    }
    rig_drop(&r);
}

/* ---- Every algorithm ------------------------------------------------------------------------- */

static const uint64_t algorithms[] = { 0, BIT(A64_FEAT_QARMA5), BIT(A64_FEAT_QARMA3) };

/* Signing is undone by the same key and modifier, and by no other; the zero forms are those with zero. */
static void test_sign_and_authenticate(void **state)
{
    static const uint64_t address[] = { 0x0000123456789abc, 0xffff800012345678 };
    struct rig r;

    for (unsigned a = 0; a < ARRAY_SIZE(algorithms); a++) {
        make(&r, algorithms[a]);
        for (unsigned n = 0; n < 8; n++) {
            unsigned key = n / 2;
            uint64_t plain = address[n & 1];
            uint64_t signed_ = run1(&r, I_PAC(key), plain, 0x1234);
            assert_int_not_equal(signed_, plain);
            assert_int_equal(signed_ & 0x0080ffffffffffff, plain & 0x0080ffffffffffff);
            assert_int_equal(run1(&r, I_PAC(key + 4), signed_, 0x1234), plain);
            uint64_t failed = run1(&r, I_PAC(key + 4), signed_, 0x1235);
            assert_int_equal(failed, bits_set(plain, 61, 2, (key & 1) != 0 ? 2 : 1));
            assert_int_not_equal(run1(&r, I_PAC((key + 1) % 4 + 4), signed_, 0x1234), plain);
            assert_int_equal(run1(&r, I_XPACI, signed_, 0), plain);
            assert_int_equal(run1(&r, I_PACZ(key), plain, 99), run1(&r, I_PAC(key), plain, 0));
            assert_int_equal(run1(&r, I_PACZ(key + 4), run1(&r, I_PACZ(key), plain, 99), 98),
                             plain);
        }
        rig_drop(&r);
    }
}

/* QARMA3 has no example of its own; what PACGA shows is the cipher's upper half. */
static void test_pacga(void **state)
{
    struct rig r;
    uint64_t lo = 0x5555555555555555, hi = 0x0123456789abcdefull << 4;

    make(&r, BIT(A64_FEAT_QARMA3));
    assert_int_equal(run1(&r, I_PACGA, 77, 88), qarma3(77, 88, hi, lo) >> 32 << 32);
    rig_drop(&r);
    make(&r, BIT(A64_FEAT_QARMA5));
    assert_int_equal(run1(&r, I_PACGA, 77, 88), qarma5(77, 88, hi, lo) >> 32 << 32);
    /* XZR as data, SP as modifier. */
    RIG_CODE(&r, CODE, 0x9adf33e0u, I_HVC(7));
    rig_set(&r, REG_SP, 0x4560);
    rig_run(&r, CODE);
    assert_int_equal(rig_get(&r, REG_X0), qarma5(0, 0x4560, hi, lo) >> 32 << 32);
    rig_drop(&r);
    /* Ours: no switch disables it. */
    make(&r, 0);
    rig_set_sys(&r, SCTLR_EL1, rig_sys(&r, SCTLR_EL1) & ~KEYS_ON);
    uint64_t code = run1(&r, I_PACGA, 77, 88);
    assert_true(code != 0 && (uint32_t)code == 0);
    assert_int_not_equal(code, run1(&r, I_PACGA, 76, 88));
    assert_int_not_equal(code, run1(&r, I_PACGA, 77, 89));
    rig_drop(&r);
}

/* Our own algorithm: each bit of address, modifier and key changes each bit of the code about half of the time. */
static void test_own_algorithm_mixes(void **state)
{
    enum { TRIES = 200 };
    static unsigned changed[4][64][16];
    struct rig r;
    uint64_t x = 1;

    make(&r, 0);
    for (unsigned t = 0; t < TRIES; t++) {
        uint64_t v[4];
        for (unsigned n = 0; n < 4; n++) {
            x = x * 6364136223846793005ull + 1442695040888963407ull;
            v[n] = x ^ x >> 31;
        }
        for (unsigned n = 0; n < 4 * 64; n++) {
            uint64_t w[4] = { v[0], v[1], v[2], v[3] };
            w[n / 64] ^= BIT(n % 64);
            set_key(&r, 0, v[2], v[3]);
            uint64_t before = pac_compute(r.cpu, v[0], v[1], PAC_IA, false);
            set_key(&r, 0, w[2], w[3]);
            uint64_t difference = before ^ pac_compute(r.cpu, w[0], w[1], PAC_IA, false);
            for (unsigned bit = 0; bit < 16; bit++) {
                changed[n / 64][n % 64][bit] += difference >> (48 + bit) & 1;
            }
        }
    }
    for (unsigned n = 0; n < 4 * 64 * 16; n++) {
        unsigned of = n / 1024, bit = n / 16 % 64, out = n % 16;
        if (of == 2 && bit == 0) {
            continue; /* the multiplier is made odd */
        }
        assert_in_range(changed[of][bit][out], TRIES / 5, TRIES * 4 / 5);
    }
    rig_drop(&r);
}

/* ---- Switches and registers ------------------------------------------------------------------ */

static void test_disabled_keys(void **state)
{
    static const uint64_t enable[] = { SCTLR_ENIA, SCTLR_ENIB, SCTLR_ENDA, SCTLR_ENDB };
    struct rig r;

    make(&r, 0);
    for (unsigned off = 0; off < 4; off++) {
        rig_set_sys(&r, SCTLR_EL1, (rig_sys(&r, SCTLR_EL1) | KEYS_ON) & ~enable[off]);
        for (unsigned n = 0; n < 8; n++) {
            uint64_t garbage = 0x5a5a123456789abc;
            assert_int_equal(run1(&r, I_PAC(n), garbage, 5) == garbage, n % 4 == off);
        }
        assert_int_equal(run1(&r, I_XPACI, 0x5a5a123456789abc, 5), 0x0000123456789abc);
    }
    rig_drop(&r);
}

static void test_key_registers(void **state)
{
    struct rig r;

    make(&r, 0);
    for (unsigned i = 0; i < 10; i++) {
        uint32_t reg = key_lo[i / 2] + (i & 1);
        RIG_CODE(&r, CODE, I_MSR(reg, 0), I_MRS(1, reg), I_HVC(7));
        rig_set(&r, REG_X0, 0xfedcba9876543210ull + i);
        rig_run(&r, CODE);
        rig_expect_hvc(&r, 7);
        assert_int_equal(rig_get(&r, REG_X0 + 1), 0xfedcba9876543210ull + i);
        rig_set(&r, REG_PSTATE, EL0T);
        rig_run(&r, CODE);
        rig_expect_exception(&r, V_LOWER, EC_UNKNOWN, 0);
        rig_set(&r, REG_PSTATE, EL1H | MASKED);
    }
    rig_drop(&r);
    rig_make(&r, .model = "cortex-a72");
    for (unsigned i = 0; i < 10; i++) {
        RIG_CODE(&r, CODE, I_MRS(1, key_lo[i / 2] + (i & 1)), I_HVC(7));
        rig_run(&r, CODE);
        rig_expect_exception(&r, V_SPX, EC_UNKNOWN, 0);
        RIG_CODE(&r, CODE, I_MSR(key_lo[i / 2] + (i & 1), 1), I_HVC(7));
        rig_run(&r, CODE);
        rig_expect_exception(&r, V_SPX, EC_UNKNOWN, 0);
    }
    rig_drop(&r);
}

static void test_identification(void **state)
{
    struct rig r;

    make(&r, 0);
    assert_int_equal(rig_sys(&r, ID_AA64ISAR1_EL1) & 0xff000ff0, 0x10000100);
    assert_int_equal(rig_sys(&r, ID_AA64ISAR2_EL1) & 0xff00, 0);
    rig_drop(&r);
    make(&r, BIT(A64_FEAT_QARMA5));
    assert_int_equal(rig_sys(&r, ID_AA64ISAR1_EL1) & 0xff000ff0, 0x01000010);
    assert_int_equal(rig_sys(&r, ID_AA64ISAR2_EL1) & 0xff00, 0);
    rig_drop(&r);
    make(&r, BIT(A64_FEAT_QARMA3));
    assert_int_equal(rig_sys(&r, ID_AA64ISAR1_EL1) & 0xff000ff0, 0);
    assert_int_equal(rig_sys(&r, ID_AA64ISAR2_EL1) & 0xff00, 0x1100);
    rig_drop(&r);
    /* QARMA without pointer authentication is nothing. */
    rig_make(&r, .model = "cortex-a72",
             .extra_features = BIT(A64_FEAT_QARMA3) | BIT(A64_FEAT_QARMA5));
    assert_int_equal(rig_sys(&r, ID_AA64ISAR1_EL1) & 0xff000ff0, 0);
    assert_int_equal(rig_sys(&r, ID_AA64ISAR2_EL1) & 0xff00, 0);
    rig_drop(&r);
}

/* Without the feature hints do nothing, and the rest is UNDEFINED. */
static void test_absent(void **state)
{
    static const uint32_t undefined[] = { I_PAC(0),      I_PAC(7), I_PACZ(3),    I_XPACI,
                                          I_XPACD,       I_PACGA,  I_BRAA(0, 1), I_BRAAZ(0),
                                          I_BLRAA(0, 1), I_RETAA,  I_ERETAA,     I_LDRAA(0, 1, 0) };
    static const uint8_t hints[] = { 7, 8, 10, 12, 14, 24, 25, 26, 27, 28, 29, 30, 31 };
    struct rig r;

    rig_make(&r, .model = "cortex-a72");
    for (unsigned i = 0; i < ARRAY_SIZE(undefined); i++) {
        RIG_CODE(&r, CODE, undefined[i], I_HVC(7));
        rig_set(&r, REG_PSTATE, EL1H | MASKED);
        rig_run(&r, CODE);
        rig_expect_exception(&r, V_SPX, EC_UNKNOWN, 0);
    }
    rig_set(&r, REG_PSTATE, EL1H | MASKED);
    for (unsigned i = 0; i < ARRAY_SIZE(hints); i++) {
        RIG_CODE(&r, CODE, 0xd503201fu | (uint32_t)hints[i] << 5, I_HVC(7));
        rig_set(&r, REG_X0 + 17, 0x5a5a000000001234);
        rig_set(&r, REG_X0 + 30, 0x5a5a000000005678);
        rig_run(&r, CODE);
        rig_expect_hvc(&r, 7);
        assert_int_equal(rig_get(&r, REG_X0 + 17), 0x5a5a000000001234);
        assert_int_equal(rig_get(&r, REG_X0 + 30), 0x5a5a000000005678);
    }
    rig_drop(&r);
}

/* ---- The hint forms -------------------------------------------------------------------------- */

static void test_hint_forms(void **state)
{
    static const struct {
        uint8_t hint, reg;
        uint8_t like;  /* number of the register form */
        char modifier; /* '6': X16, 's': SP, 'z': zero */
    } row[] = {
        { 8, 17, 0, '6' },  { 10, 17, 1, '6' }, { 12, 17, 4, '6' }, { 14, 17, 5, '6' },
        { 24, 30, 0, 'z' }, { 25, 30, 0, 's' }, { 26, 30, 1, 'z' }, { 27, 30, 1, 's' },
        { 28, 30, 4, 'z' }, { 29, 30, 4, 's' }, { 30, 30, 5, 'z' }, { 31, 30, 5, 's' },
    };
    struct rig r;

    make(&r, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
        uint64_t modifier = row[i].modifier == '6' ? 0x1600 : row[i].modifier == 's' ? 0x5500 : 0;
        uint64_t expected = run1(&r, I_PAC(row[i].like), 0xffff000000001234, modifier);
        RIG_CODE(&r, CODE, 0xd503201fu | (uint32_t)row[i].hint << 5, I_HVC(7));
        rig_set(&r, REG_X0 + 16, 0x1600);
        rig_set(&r, REG_SP, 0x5500);
        rig_set(&r, REG_X0 + 17, row[i].reg == 17 ? 0xffff000000001234 : 1);
        rig_set(&r, REG_X0 + 30, row[i].reg == 30 ? 0xffff000000001234 : 1);
        rig_run(&r, CODE);
        rig_expect_hvc(&r, 7);
        assert_int_equal(rig_get(&r, REG_X0 + row[i].reg), expected);
        assert_int_equal(rig_get(&r, REG_X0 + (row[i].reg == 17 ? 30 : 17)), 1);
    }
    RIG_CODE(&r, CODE, I_XPACLRI, I_HVC(7));
    rig_set(&r, REG_X0 + 30, 0x5a5a000000005678);
    rig_run(&r, CODE);
    assert_int_equal(rig_get(&r, REG_X0 + 30), 0x5678);
    rig_drop(&r);
}

/* ---- Branches -------------------------------------------------------------------------------- */

#define TARGET (CODE + 0x2000)

static uint64_t sign(struct rig *r, unsigned key, uint64_t address, uint64_t modifier)
{
    return run1(r, I_PAC(key), address, modifier);
}

static void test_branches(void **state)
{
    struct rig r;

    for (unsigned bti = 0; bti < 2; bti++) {
        make(&r, 0);
        r.cpu->features = bti ? r.cpu->features : r.cpu->features & ~BIT(A64_FEAT_BTI);
        RIG_CODE(&r, TARGET, I_HVC(9));
        for (unsigned key = 0; key < 2; key++) {
            uint32_t b = key != 0 ? I_KEY_B : 0;
            const struct {
                uint32_t insn;
                uint64_t modifier;
                bool link;
            } row[] = { { I_BRAA(5, 6) | b, 0x66, false },    { I_BRAA(5, 31) | b, 0x4400, false },
                        { I_BRAAZ(5) | b, 0, false },         { I_BLRAA(5, 6) | b, 0x66, true },
                        { I_BLRAA(5, 31) | b, 0x4400, true }, { I_BLRAAZ(5) | b, 0, true } };
            for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
                for (unsigned good = 0; good < 2; good++) {
                    uint64_t target = sign(&r, key, TARGET, row[i].modifier + !good);
                    RIG_CODE(&r, CODE + 0x100, row[i].insn, I_HVC(8));
                    rig_set(&r, REG_X0 + 5, target);
                    rig_set(&r, REG_X0 + 6, 0x66);
                    rig_set(&r, REG_SP, 0x4400);
                    rig_set(&r, REG_X0 + 30, 1);
                    rig_run(&r, CODE + 0x100);
                    if (good) {
                        rig_expect_hvc(&r, 9);
                    } else {
                        rig_expect_exception(&r, V_SPX, EC_IABT_SAME, FSC_ADDRESS_SIZE);
                        assert_int_equal(rig_sys(&r, ELR_EL1),
                                         bits_set(TARGET, 61, 2, key != 0 ? 2 : 1));
                    }
                    assert_int_equal(rig_get(&r, REG_X0 + 30), row[i].link ? CODE + 0x104 : 1);
                }
            }
        }
        rig_drop(&r);
    }
}

/* The link register is the target too: it is read before it is written. RETAA and RETAB take X30 with SP. */
static void test_returns(void **state)
{
    struct rig r;

    make(&r, 0);
    RIG_CODE(&r, TARGET, I_HVC(9));
    uint64_t zero = sign(&r, 0, TARGET, 0), a = sign(&r, 0, TARGET, 0x4400),
             b = sign(&r, 1, TARGET, 0x4400);
    RIG_CODE(&r, CODE, I_BLRAAZ(30));
    rig_set(&r, REG_X0 + 30, zero);
    rig_run(&r, CODE);
    rig_expect_hvc(&r, 9);
    assert_int_equal(rig_get(&r, REG_X0 + 30), CODE + 4);
    for (unsigned i = 0; i < 4; i++) {
        RIG_CODE(&r, CODE, i < 2 ? I_RETAA : I_RETAA | I_KEY_B);
        rig_set(&r, REG_SP, 0x4400);
        rig_set(&r, REG_X0 + 30, i == 0 || i == 3 ? a : b);
        rig_run(&r, CODE);
        if (i == 0 || i == 2) {
            rig_expect_hvc(&r, 9);
        } else {
            rig_expect_exception(&r, V_SPX, EC_IABT_SAME, FSC_ADDRESS_SIZE);
        }
    }
    rig_drop(&r);
}

static void test_eret(void **state)
{
    struct rig r;

    make(&r, 0);
    RIG_CODE(&r, TARGET, I_SVC(3));
    for (unsigned i = 0; i < 4; i++) {
        uint64_t elr = sign(&r, i & 1, TARGET, 0x4400 + (i & 2));
        RIG_CODE(&r, CODE, (i & 1) != 0 ? I_ERETAA | I_KEY_B : I_ERETAA);
        rig_set(&r, REG_PSTATE, EL1H | MASKED);
        rig_set(&r, REG_SP, 0x4400);
        rig_set_sys(&r, ELR_EL1, elr);
        rig_set_sys(&r, SPSR_EL1, EL0T);
        rig_run(&r, CODE);
        if (i < 2) {
            rig_expect_exception(&r, V_LOWER, EC_SVC64, 3);
            assert_int_equal(rig_sys(&r, ELR_EL1), TARGET + 4);
        } else {
            rig_expect_exception(&r, V_LOWER, EC_IABT_LOWER, FSC_ADDRESS_SIZE);
        }
    }
    rig_set(&r, REG_PSTATE, EL0T);
    rig_run(&r, CODE);
    rig_expect_exception(&r, V_LOWER, EC_UNKNOWN, 0);
    rig_drop(&r);
}

/* ---- Loads ----------------------------------------------------------------------------------- */

static void test_loads(void **state)
{
    static const int offsets[] = { 0, 8, 4088, -8, -4096 };
    struct rig r;

    make(&r, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++) {
        for (unsigned form = 0; form < 4; form++) {
            uint32_t insn = I_LDRAA(0, 5, offsets[i]) | ((form & 1) != 0 ? I_PRE : 0) |
                            ((form & 2) != 0 ? I_LDRAB : 0);
            uint64_t base = sign(&r, (form & 2) != 0 ? 3 : 2, DATA, 0);
            put_le64(rig_at(&r, DATA + (uint64_t)offsets[i]), 0x1122334455667700ull + i);
            RIG_CODE(&r, CODE, insn, I_HVC(7));
            rig_set(&r, REG_X0 + 5, base);
            rig_run(&r, CODE);
            rig_expect_hvc(&r, 7);
            assert_int_equal(rig_get(&r, REG_X0), 0x1122334455667700ull + i);
            assert_int_equal(rig_get(&r, REG_X0 + 5),
                             (form & 1) != 0 ? DATA + (uint64_t)offsets[i] : base);
        }
    }
    /* The other key: the address that comes out faults, and nothing is written. */
    uint64_t base = sign(&r, 2, DATA, 0);
    RIG_CODE(&r, CODE, I_LDRAA(0, 5, 8) | I_PRE | I_LDRAB, I_HVC(7));
    rig_set(&r, REG_X0, 99);
    rig_set(&r, REG_X0 + 5, base);
    rig_run(&r, CODE);
    rig_expect_exception(&r, V_SPX, EC_DABT_SAME, FSC_ADDRESS_SIZE);
    assert_int_equal(rig_sys(&r, FAR_EL1), bits_set(DATA + 8, 61, 2, 2));
    assert_int_equal(rig_get(&r, REG_X0), 99);
    assert_int_equal(rig_get(&r, REG_X0 + 5), base);
    /* SP as base, which becomes the address; misaligned, it faults. */
    put_le64(rig_at(&r, DATA + 16), 0x77);
    RIG_CODE(&r, CODE, I_LDRAA(0, 31, 16) | I_PRE, I_HVC(7));
    rig_set(&r, REG_SP, base);
    rig_run(&r, CODE);
    rig_expect_hvc(&r, 7);
    assert_int_equal(rig_get(&r, REG_X0), 0x77);
    assert_int_equal(rig_get(&r, REG_SP), DATA + 16);
    rig_set_sys(&r, SCTLR_EL1, rig_sys(&r, SCTLR_EL1) | SCTLR_SA);
    base = sign(&r, 2, DATA + 8, 0);
    RIG_CODE(&r, CODE, I_LDRAA(0, 31, 16), I_HVC(7));
    rig_set(&r, REG_SP, base);
    rig_run(&r, CODE);
    rig_expect_exception(&r, V_SPX, EC_SP_ALIGN, 0);
    rig_drop(&r);
}

/* ---- Tags ------------------------------------------------------------------------------------ */

/* TBI without TBID: codes of both kinds leave the tag alone. With TBID, those of instructions use its bits. */
static void test_tags(void **state)
{
    const uint64_t tagged = 0x5a00123456789abc;
    struct rig r;

    make(&r, 0);
    rig_set_sys(&r, TCR_EL1, TCR_48 | TCR_TBI0 | TCR_TBI1);
    assert_int_equal(run1(&r, I_PAC(0), tagged, 1) >> 56, 0x5a);
    assert_int_equal(run1(&r, I_PAC(2), tagged, 1) >> 56, 0x5a);
    assert_int_equal(run1(&r, I_XPACI, tagged | 0x55ull << 48, 1), tagged);
    uint64_t failed = run1(&r, I_PAC(4), tagged, 1); /* 1 in 128 would be right by chance */
    assert_int_equal(failed, bits_set(tagged, 53, 2, 1));
    rig_set_sys(&r, TCR_EL1, TCR_48 | TCR_TBI0 | TCR_TBI1 | TCR_TBID0 | TCR_TBID1);
    assert_int_equal(run1(&r, I_XPACI, tagged, 1), 0x0000123456789abc);
    assert_int_equal(run1(&r, I_XPACD, tagged, 1), tagged);
    rig_drop(&r);
}

/* TBID: a tag in the PC is part of it, and no address; data accesses still ignore it. */
static void test_tbid_fetch(void **state)
{
    const uint64_t tag = 0x1full << 56;
    struct tables t;
    struct rig r;

    rig_make(&r);
    tables_init(&t, &r, 12);
    tables_on(&t, TCR_TBI0);
    RIG_CODE(&r, CODE, I_LDR(0, 1), I_BR(2));
    RIG_CODE(&r, TARGET, I_HVC(9));
    rig_set(&r, REG_X0 + 1, TARGET | tag);
    rig_set(&r, REG_X0 + 2, TARGET | tag);
    rig_run(&r, CODE);
    rig_expect_hvc(&r, 9);
    assert_int_equal(rig_get(&r, REG_PC), TARGET + 4);
    rig_set_sys(&r, TCR_EL1, rig_sys(&r, TCR_EL1) | TCR_TBID0);
    rig_run(&r, CODE);
    rig_expect_exception(&r, V_SPX, EC_IABT_SAME, FSC_TRANSLATION);
    assert_int_equal(rig_sys(&r, ELR_EL1), TARGET | tag);
    assert_int_equal(rig_sys(&r, FAR_EL1), TARGET | tag);
    assert_int_equal((uint32_t)rig_get(&r, REG_X0), I_HVC(9)); /* the load was made */
    rig_set(&r, REG_X0 + 2, TARGET);
    rig_run(&r, CODE);
    rig_expect_hvc(&r, 9);
    rig_drop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),        cmocka_unit_test(test_sign_and_authenticate),
        cmocka_unit_test(test_pacga),          cmocka_unit_test(test_own_algorithm_mixes),
        cmocka_unit_test(test_disabled_keys),  cmocka_unit_test(test_key_registers),
        cmocka_unit_test(test_identification), cmocka_unit_test(test_absent),
        cmocka_unit_test(test_hint_forms),     cmocka_unit_test(test_branches),
        cmocka_unit_test(test_returns),        cmocka_unit_test(test_eret),
        cmocka_unit_test(test_loads),          cmocka_unit_test(test_tags),
        cmocka_unit_test(test_tbid_fetch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
