/*
 * test_models.c - CPU models and features: the identification registers say exactly what is there.
 *
 * Each feature is switched off and on. Its instructions (from the table), system registers and SYS operations (listed
 * here) must be UNDEFINED without it, hints NOPs, and work with it; and of all identification fields exactly those listed
 * here must change. Then the registers of each model as a whole, against those of the part's reference manual.
 */
#include "rig.h"

#include "base/atomic.h"

#define NOTHING 0xff

/* ---- What announces a feature ---------------------------------------------------------------- */

/* Value with everything on, and without the feature (and what needs it). */
static const struct field {
    enum a64_feat feat;
    uint32_t reg;
    uint8_t lo, with, without;
} fields[] = {
#define ISAR0 SYSREG_ID_AA64ISAR0_EL1
#define ISAR1 SYSREG_ID_AA64ISAR1_EL1
#define ISAR2 SYSREG_ID_AA64ISAR2_EL1
#define MMFR0 SYSREG_ID_AA64MMFR0_EL1
#define MMFR1 SYSREG_ID_AA64MMFR1_EL1
#define MMFR2 SYSREG_ID_AA64MMFR2_EL1
#define PFR0  SYSREG_ID_AA64PFR0_EL1
#define PFR1  SYSREG_ID_AA64PFR1_EL1
    { A64_FEAT_CRC32, ISAR0, 16, 1, 0 },
    { A64_FEAT_LSE, ISAR0, 20, 2, 0 },
    { A64_FEAT_PAN, MMFR1, 20, 3, 0 },
    { A64_FEAT_PAN, MMFR1, 12, 1, 0 }, /* HPDS comes with it: both are Armv8.1's */
    { A64_FEAT_PAN2, MMFR1, 20, 3, 1 },
    { A64_FEAT_PAN3, MMFR1, 20, 3, 2 },
    { A64_FEAT_RDM, ISAR0, 28, 1, 0 },
    { A64_FEAT_AES, ISAR0, 4, 2, 0 },
    { A64_FEAT_PMULL, ISAR0, 4, 2, 1 },
    { A64_FEAT_SHA1, ISAR0, 8, 1, 0 },
    { A64_FEAT_SHA1, ISAR0, 12, 2, 0 },
    { A64_FEAT_SHA1, ISAR0, 32, 1, 0 },
    { A64_FEAT_SHA256, ISAR0, 8, 1, 0 },
    { A64_FEAT_SHA256, ISAR0, 12, 2, 0 },
    { A64_FEAT_SHA256, ISAR0, 32, 1, 0 },
    { A64_FEAT_SHA512, ISAR0, 12, 2, 1 },
    { A64_FEAT_SHA512, ISAR0, 32, 1, 0 },
    { A64_FEAT_SHA3, ISAR0, 32, 1, 0 },
    { A64_FEAT_SHA3, ISAR0, 12, 2, 1 },
    { A64_FEAT_SM3, ISAR0, 36, 1, 0 },
    { A64_FEAT_SM3, ISAR0, 40, 1, 0 },
    { A64_FEAT_SM4, ISAR0, 36, 1, 0 },
    { A64_FEAT_SM4, ISAR0, 40, 1, 0 },
    { A64_FEAT_DOTPROD, ISAR0, 44, 1, 0 },
    { A64_FEAT_FP16, PFR0, 16, 1, 0 },
    { A64_FEAT_FP16, PFR0, 20, 1, 0 },
    { A64_FEAT_FP16, ISAR0, 48, 1, 0 },
    { A64_FEAT_FHM, ISAR0, 48, 1, 0 },
    { A64_FEAT_FCMA, ISAR1, 16, 1, 0 },
    { A64_FEAT_JSCVT, ISAR1, 12, 1, 0 },
    { A64_FEAT_BF16, ISAR1, 44, 1, 0 },
    { A64_FEAT_I8MM, ISAR1, 52, 1, 0 },
    { A64_FEAT_FRINTTS, ISAR1, 32, 1, 0 },
    { A64_FEAT_LRCPC, ISAR1, 20, 2, 0 },
    { A64_FEAT_LRCPC2, ISAR1, 20, 2, 1 },
    { A64_FEAT_FLAGM, ISAR0, 52, 2, 0 },
    { A64_FEAT_FLAGM2, ISAR0, 52, 2, 1 },
    { A64_FEAT_PAUTH, ISAR1, 8, 1, 0 },
    { A64_FEAT_PAUTH, ISAR1, 28, 1, 0 },
    { A64_FEAT_BTI, PFR1, 0, 1, 0 },
    { A64_FEAT_SB, ISAR1, 36, 1, 0 },
    { A64_FEAT_SSBS, PFR1, 4, 2, 0 },
    { A64_FEAT_DIT, PFR0, 48, 1, 0 },
    { A64_FEAT_DPB, ISAR1, 0, 2, 0 },
    { A64_FEAT_DPB2, ISAR1, 0, 2, 1 },
    { A64_FEAT_UAO, MMFR2, 4, 1, 0 },
    { A64_FEAT_LSE2, MMFR2, 32, 1, 0 },
    { A64_FEAT_WFXT, ISAR2, 0, 2, 0 },
    { A64_FEAT_MOPS, ISAR2, 16, 1, 0 },
    { A64_FEAT_RNG, ISAR0, 60, 1, 0 },
    { A64_FEAT_SPECRES, ISAR1, 40, 1, 0 },
    { A64_FEAT_TLBIOS, ISAR0, 56, 2, 0 },
    { A64_FEAT_TLBIRANGE, ISAR0, 56, 2, 1 },
    { A64_FEAT_E0PD, MMFR2, 60, 1, 0 },
    { A64_FEAT_HAFDBS, MMFR1, 0, 2, 0 },
    { A64_FEAT_TTL, MMFR2, 48, 1, 0 },
    { A64_FEAT_BBM, MMFR2, 52, 2, 0 },
    { A64_FEAT_VMID16, MMFR1, 4, 2, 0 },
    { A64_FEAT_CSV2, PFR0, 56, 1, 0 },
    { A64_FEAT_CSV3, PFR0, 60, 1, 0 },
    { A64_FEAT_ECV, MMFR0, 60, 1, 0 },
    { A64_FEAT_LPA, MMFR0, 0, 6, 5 },
    { A64_FEAT_LPA, MMFR0, 20, 2, 1 }, /* FEAT_LPA2 needs it, as do 52-bit addresses everywhere */
    { A64_FEAT_LPA, MMFR0, 28, 1, 0 },
    { A64_FEAT_LPA2, MMFR0, 20, 2, 1 },
    { A64_FEAT_LPA2, MMFR0, 28, 1, 0 },
    { A64_FEAT_LVA, MMFR2, 16, 1, 0 },
    { A64_FEAT_PMU, SYSREG_ID_AA64DFR0_EL1, 8, 4, 0 },
};

/* Encodings of MRS (op0 2, 3) and SYS that are there with the feature only. */
static const struct {
    enum a64_feat feat;
    uint32_t encoding;
} encodings[] = {
    { A64_FEAT_PAN, SYSREG_PAN },
    { A64_FEAT_UAO, SYSREG_UAO },
    { A64_FEAT_DIT, SYSREG_DIT },
    { A64_FEAT_SSBS, SYSREG_SSBS },
    { A64_FEAT_RNG, SYSREG_RNDR },
    { A64_FEAT_RNG, SYSREG_RNDRRS },
    { A64_FEAT_ECV, SYSREG_CNTPCTSS_EL0 },
    { A64_FEAT_ECV, SYSREG_CNTVCTSS_EL0 },
    { A64_FEAT_PAUTH, SYSREG_APIAKeyLo_EL1 },
    { A64_FEAT_PAUTH, SYSREG_APGAKeyHi_EL1 },
    { A64_FEAT_PMU, SYSREG_PMCR_EL0 },
    { A64_FEAT_PMU, SYSREG_PMEVTYPER5_EL0 },
    { A64_FEAT_PMU, SYSREG_PMINTENSET_EL1 },
    { A64_FEAT_PAN2, SYSREG(1, 0, 7, 9, 0) },      /* AT S1E1RP  */
    { A64_FEAT_PAN2, SYSREG(1, 0, 7, 9, 1) },      /* AT S1E1WP  */
    { A64_FEAT_DPB, SYSREG(1, 3, 7, 12, 1) },      /* DC CVAP    */
    { A64_FEAT_DPB2, SYSREG(1, 3, 7, 13, 1) },     /* DC CVADP   */
    { A64_FEAT_SPECRES, SYSREG(1, 3, 7, 3, 4) },   /* CFP RCTX   */
    { A64_FEAT_SPECRES, SYSREG(1, 3, 7, 3, 5) },   /* DVP RCTX   */
    { A64_FEAT_SPECRES, SYSREG(1, 3, 7, 3, 7) },   /* CPP RCTX   */
    { A64_FEAT_TLBIOS, SYSREG(1, 0, 8, 1, 0) },    /* VMALLE1OS  */
    { A64_FEAT_TLBIOS, SYSREG(1, 0, 8, 1, 1) },    /* VAE1OS     */
    { A64_FEAT_TLBIRANGE, SYSREG(1, 0, 8, 6, 1) }, /* RVAE1      */
    { A64_FEAT_TLBIRANGE, SYSREG(1, 0, 8, 2, 1) }, /* RVAE1IS    */
    { A64_FEAT_TLBIRANGE, SYSREG(1, 0, 8, 5, 1) }, /* RVAE1OS    */
};

/* Bits of system registers that can be set with the feature only. SCTLR's are test_features.c's too. */
static const struct {
    enum a64_feat feat;
    uint32_t reg;
    uint64_t bit;
} control_bits[] = {
    { A64_FEAT_HAFDBS, SYSREG_TCR_EL1, TCR_HA },
    { A64_FEAT_HAFDBS, SYSREG_TCR_EL1, TCR_HD },
    { A64_FEAT_E0PD, SYSREG_TCR_EL1, TCR_E0PD0 },
    { A64_FEAT_LPA2, SYSREG_TCR_EL1, TCR_DS },
    { A64_FEAT_PAUTH, SYSREG_TCR_EL1, TCR_TBID0 },
    { A64_FEAT_PAUTH, SYSREG_SCTLR_EL1, SCTLR_ENIA },
    { A64_FEAT_BTI, SYSREG_SCTLR_EL1, SCTLR_BT1 },
    { A64_FEAT_PAN3, SYSREG_SCTLR_EL1, SCTLR_EPAN },
    { A64_FEAT_MOPS, SYSREG_SCTLR_EL1, SCTLR_MSCEN },
    { A64_FEAT_LSE2, SYSREG_SCTLR_EL1, SCTLR_NAA },
    { A64_FEAT_SSBS, SYSREG_SCTLR_EL1, SCTLR_DSSBS },
    { A64_FEAT_SPECRES, SYSREG_SCTLR_EL1, SCTLR_ENRCTX },
    { A64_FEAT_ECV, SYSREG_CNTKCTL_EL1, 1 << 17 },
    { A64_FEAT_FP16, SYSREG_FPCR, FPCR_FZ16 },
};

/* What a program cannot see otherwise: promises about what does not happen, or about addresses (test_mmu, test_tlb). */
static const enum a64_feat promises[] = {
    A64_FEAT_CSV2,   A64_FEAT_CSV3, A64_FEAT_BBM, A64_FEAT_TTL,
    A64_FEAT_VMID16, A64_FEAT_LPA,  A64_FEAT_LVA,
};

/* Not to be switched, or no model has them. */
static bool is_fixed(enum a64_feat f)
{
    return f == A64_FEAT_BASE || f == A64_FEAT_FP || f == A64_FEAT_SIMD || f == A64_FEAT_EL2 ||
           f == A64_FEAT_VHE || f == A64_FEAT_QARMA5 || f == A64_FEAT_QARMA3;
}

#define ALL_ON (soft_default_features() | BIT(A64_FEAT_VMID16))

static void make(struct rig *r, uint64_t features)
{
    rig_make(r, .extra_features = features & ~soft_default_features(),
             .without = soft_default_features() & ~features);
}

/* ---- Instructions ---------------------------------------------------------------------------- */

static uint64_t seed = 1;

static uint32_t any(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 32);
}

static enum uop lowered(const struct rig *r, uint32_t word)
{
    struct op op;

    return lower_insn(&(struct lower){ .cpu = r->cpu }, word, &op);
}

/* Words of all rows of the feature: none is an instruction without it, most are with it. Answers how many rows. */
static unsigned try_rows(const struct rig *with, const struct rig *without, enum a64_feat feat)
{
    const struct a64_table *table = with->vm.a64;
    unsigned rows = 0;

    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        const struct a64_row *row = a64_row(table, i);
        bool there = row->feat != feat;

        rows += !there;
        for (unsigned n = 0; n < 200 && row->feat == feat; n++) {
            uint32_t word = row->value | (any() & ~row->mask);
            if (a64_decode(table, word) != row) {
                continue;
            }
            there |= lowered(with, word) != UOP_undefined;
            enum uop off = lowered(without, word);
            if (off != ((row->flags & A64_HINT) != 0 ? UOP_nop : UOP_undefined)) {
                fail_msg("%s: %08x is there without its feature", row->name, word);
            }
        }
        if (!there) {
            fail_msg("%s is never there", row->name);
        }
    }
    return rows;
}

/* ---- Registers and operations ---------------------------------------------------------------- */

static bool encoding_works(struct rig *r, uint32_t encoding)
{
    bool read = encoding >= SYSREG(2, 0, 0, 0, 0);

    rig_set(r, REG_X0 + 3, DATA);
    RIG_CODE(r, CODE, read ? I_MRS(3, encoding) : I_MSR(encoding, 3), I_HVC(1));
    rig_run_as(r, EL1H | MASKED, CODE);
    if (r->exit.syndrome.esr == esr_make(EC_HVC64, 1)) {
        return true;
    }
    rig_expect_exception(r, V_SPX, EC_UNKNOWN, 0);
    return false;
}

static bool bit_exists(struct rig *r, uint32_t reg, uint64_t bit)
{
    uint64_t value;

    rig_set(r, REG_SYS | reg, bit);
    value = rig_get(r, REG_SYS | reg);
    rig_set(r, REG_SYS | reg, 0);
    return (value & bit) != 0;
}

static unsigned try_system(struct rig *with, struct rig *without, enum a64_feat feat)
{
    unsigned seen = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(encodings); i++) {
        if (encodings[i].feat == feat) {
            seen++;
            if (!encoding_works(with, encodings[i].encoding) ||
                encoding_works(without, encodings[i].encoding)) {
                fail_msg("feature %u, encoding %x", feat, encodings[i].encoding);
            }
        }
    }
    for (unsigned i = 0; i < ARRAY_SIZE(control_bits); i++) {
        if (control_bits[i].feat == feat) {
            seen++;
            if (!bit_exists(with, control_bits[i].reg, control_bits[i].bit) ||
                bit_exists(without, control_bits[i].reg, control_bits[i].bit)) {
                fail_msg("feature %u, bit %llx", feat, (unsigned long long)control_bits[i].bit);
            }
        }
    }
    return seen;
}

/* ---- Identification -------------------------------------------------------------------------- */

static const struct field *field_of(enum a64_feat feat, uint32_t reg, unsigned lo)
{
    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
        if (fields[i].feat == feat && fields[i].reg == reg && fields[i].lo == lo) {
            return &fields[i];
        }
    }
    return NULL;
}

/* All fields of the identification space: those listed differ as said, and no others. */
static void try_fields(struct rig *with, struct rig *without, enum a64_feat feat)
{
    for (uint32_t reg = SYSREG(3, 0, 0, 4, 0); reg < SYSREG(3, 0, 0, 8, 0); reg++) {
        uint64_t a = 0, b = 0;

        if (accel_soft.get_reg(with->vcpu, REG_SYS | reg, &a) != ST_OK) {
            continue; /* unallocated: reads as zero */
        }
        b = rig_get(without, REG_SYS | reg);
        for (unsigned lo = 0; lo < 64; lo += 4) {
            const struct field *f = field_of(feat, reg, lo);
            uint64_t on = bits(a, lo, 4), off = bits(b, lo, 4);
            if (f == NULL ? on != off : on != f->with || off != f->without) {
                fail_msg("feature %u, register %x bits %u: %u with it, %u without", feat, reg, lo,
                         (unsigned)on, (unsigned)off);
            }
        }
    }
}

static bool is_promise(enum a64_feat feat)
{
    for (unsigned i = 0; i < ARRAY_SIZE(promises); i++) {
        if (promises[i] == feat) {
            return true;
        }
    }
    return false;
}

static void test_switches(void **state)
{
    struct rig with, without;

    make(&with, ALL_ON);
    for (enum a64_feat f = 0; f < A64_FEAT_COUNT; f++) {
        unsigned seen;

        if (is_fixed(f) || (f == A64_FEAT_LSE2 && !racy16_atomic())) {
            continue; /* the second: withdrawn where the host has no such accesses */
        }
        make(&without, a64_feat_without(ALL_ON, f));
        try_fields(&with, &without, f);
        seen = try_rows(&with, &without, f) + try_system(&with, &without, f);
        if ((seen == 0) != is_promise(f)) {
            fail_msg("feature %u: %u things seen", f, seen);
        }
        rig_drop(&without);
    }
    rig_drop(&with);
}

/* What one feature needs comes and goes with it. */
static void test_needs(void **state)
{
    assert_int_equal(a64_feat_with(0, A64_FEAT_PAN3),
                     BIT(A64_FEAT_PAN3) | BIT(A64_FEAT_PAN2) | BIT(A64_FEAT_PAN));
    assert_int_equal(a64_feat_without(a64_feat_with(0, A64_FEAT_PAN3), A64_FEAT_PAN2),
                     BIT(A64_FEAT_PAN));
    assert_int_equal(a64_feat_without(a64_feat_with(0, A64_FEAT_FHM), A64_FEAT_SIMD) &
                         (BIT(A64_FEAT_FP16) | BIT(A64_FEAT_FHM)),
                     0);
    for (unsigned i = 0; soft_models[i].name != NULL; i++) { /* every model is whole */
        assert_int_equal(a64_feat_settle(soft_models[i].features), soft_models[i].features);
    }
}

/* ---- Models ---------------------------------------------------------------------------------- */

/*
 * Registers whole; trm: what the part's Technical Reference Manual has (Cortex-A53 r0p4 DDI 0500, Cortex-A72 r0p3
 * 100095, Neoverse N1 r3p1 100616). They may differ in these fields only (in nibbles):
 *   PFR0    EL3, EL2 and AArch32 are not there; RAS is not (N1)
 *   DFR0    one context-aware breakpoint, not two; Armv8.0 debug, no SPE (N1)
 *   MMFR0   BigEnd and SNSMem: no big-endian data, one address space
 *   MMFR1   VH, LO, XNX: they are about EL2, or LORegions; HPDS without HPDS2
 *   MMFR2   CnP, IESB: not announced
 */
static const struct {
    const char *model;
    uint32_t reg;
    uint64_t value, trm, may_differ;
} registers[] = {
    { "cortex-a53", SYSREG_MIDR_EL1, 0x410fd034, 0x410fd034, 0 },
    { "cortex-a53", PFR0, 0x11, 0x2222, 0xffff },
    { "cortex-a53", PFR1, 0, 0, 0 },
    { "cortex-a53", SYSREG_ID_AA64DFR0_EL1, 0x305106, 0x10305106, 0xf0000000 },
    { "cortex-a53", ISAR0, 0x11120, 0x11120, 0 },
    { "cortex-a53", ISAR1, 0, 0, 0 },
    { "cortex-a53", MMFR0, 0x22, 0x1122, 0xff00 },
    { "cortex-a53", MMFR1, 0, 0, 0 },
    { "cortex-a72", SYSREG_MIDR_EL1, 0x410fd083, 0x410fd083, 0 },
    { "cortex-a72", PFR0, 0x11, 0x2222, 0xffff },
    { "cortex-a72", PFR1, 0, 0, 0 },
    { "cortex-a72", SYSREG_ID_AA64DFR0_EL1, 0x305106, 0x10305106, 0xf0000000 },
    { "cortex-a72", ISAR0, 0x11120, 0x11120, 0 },
    { "cortex-a72", ISAR1, 0, 0, 0 },
    { "cortex-a72", MMFR0, 0x24, 0x1124, 0xff00 },
    { "cortex-a72", MMFR1, 0, 0, 0 },
    { "neoverse-n1", SYSREG_MIDR_EL1, 0x413fd0c1, 0x413fd0c1, 0 },
    { "neoverse-n1", PFR0, 0x1100000000110011, 0x1100000010112222, 0xf000ffff },
    { "neoverse-n1", PFR1, 0x20, 0x20, 0 },
    { "neoverse-n1", SYSREG_ID_AA64DFR0_EL1, 0x305406, 0x110305408, 0xff000000f },
    { "neoverse-n1", ISAR0, 0x100010211120, 0x100010211120, 0 },
    { "neoverse-n1", ISAR1, 0x100001, 0x100001, 0 },
    { "neoverse-n1", MMFR0, 0x100025, 0x101125, 0xff00 },
    { "neoverse-n1", MMFR1, 0x00201022, 0x10212122, 0xf00fff00 },
    { "neoverse-n1", MMFR2, 0x10, 0x1011, 0xf00f },
};

static void test_registers_of_models(void **state)
{
    for (unsigned i = 0; i < ARRAY_SIZE(registers); i++) {
        struct rig r;

        rig_make(&r, .model = registers[i].model);
        assert_int_equal(registers[i].value & ~registers[i].may_differ,
                         registers[i].trm & ~registers[i].may_differ);
        if (rig_get(&r, REG_SYS | registers[i].reg) != registers[i].value) {
            fail_msg("%s, register %x: %llx", registers[i].model, registers[i].reg,
                     (unsigned long long)rig_get(&r, REG_SYS | registers[i].reg));
        }
        rig_drop(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_switches),
        cmocka_unit_test(test_needs),
        cmocka_unit_test(test_registers_of_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
