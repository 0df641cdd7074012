/*
 * idregs.c - CPU models, and the identification registers that say what a model has.
 *
 * A feature is one row: the field that announces it. Several rows of a field are in rising order,
 * so the last one that holds wins. DDI 0487, "ID_AA64ISAR0_EL1" and so on.
 */
#include "accel/soft/engine.h"
#include "base/atomic.h"

#define F(name) (1ull << A64_FEAT_##name)

#define V8_0   (F(BASE) | F(FP) | F(SIMD) | F(CRC32) | F(PMU))
#define CRYPTO (F(AES) | F(PMULL) | F(SHA1) | F(SHA256))
#define V8_2                                                                               \
    (V8_0 | CRYPTO | F(LSE) | F(RDM) | F(PAN) | F(PAN2) | F(HAFDBS) | F(VMID16) | F(UAO) | \
     F(DPB) | F(FP16) | F(DOTPROD) | F(LRCPC) | F(SSBS) | F(CSV2) | F(CSV3))
/* What is cheap here and helps guests: no KPTI (E0PD, CSV3), range invalidation,
 * hardware access flag. */
#define MAX_FEATURES                                                                              \
    (V8_0 | CRYPTO | F(LSE) | F(PAN) | F(PAN2) | F(LRCPC) | F(HAFDBS) | F(E0PD) | F(CSV2) |       \
     F(CSV3) | F(TLBIRANGE) | F(TLBIOS) | F(SB) | F(DPB) | F(SSBS) | F(DIT) | F(RNG) | F(FLAGM) | \
     F(FLAGM2) | F(RDM) | F(LPA) | F(LPA2) | F(LVA) | F(PAUTH) | F(BTI) | F(LRCPC2) | F(LSE2) |   \
     F(MOPS) | F(WFXT) | F(ECV) | F(DPB2) | F(SPECRES) | F(PAN3) | F(UAO) | F(TTL) | F(BBM) |     \
     F(FP16) | F(DOTPROD) | F(SHA512) | F(SHA3) | F(SM3) | F(SM4) | F(FHM) | F(FCMA) | F(JSCVT) | \
     F(BF16) | F(I8MM) | F(FRINTTS))

/*
 * max has QEMU's MIDR for its model of the same name: implementer 0 ("reserved for software use"),
 * so that no guest applies the errata work-arounds of a real part.
 */
const struct soft_model soft_models[] = {
    { "max", "everything that helps a guest and is cheap to emulate", MAX_FEATURES, 0x000f0510, 48,
      16, true, PMU_V3P1, 0 },
    { "cortex-a53", "Armv8.0-A with crypto; no 16 KB granule", V8_0 | CRYPTO, 0x410fd034, 40, 16,
      false, PMU_V3, 0x03 },
    { "cortex-a72", "Armv8.0-A with crypto; no 16 KB granule", V8_0 | CRYPTO, 0x410fd083, 44, 16,
      false, PMU_V3, 0x02 },
    { "neoverse-n1", "Armv8.2-A server core", V8_2, 0x413fd0c1, 48, 16, true, PMU_V3P1, 0x0c },
    { 0 },
};

const struct soft_model *soft_model_find(const char *name)
{
    for (const struct soft_model *m = soft_models; m->name != NULL; m++) {
        if (name == NULL || str_eq(name, m->name)) {
            return m;
        }
    }
    return NULL;
}

const uint64_t soft_extra_features = F(QARMA5) | F(QARMA3);

uint64_t soft_default_features(void)
{
    return soft_models[0].features;
}

static const struct {
    uint16_t reg; /* enum sys_index */
    uint8_t lo;   /* of a field of four bits */
    uint8_t feat;
    uint8_t value;
} fields[] = {
    { SYS_ID_AA64PFR0_EL1, 16, A64_FEAT_FP16, 1 },
    { SYS_ID_AA64PFR0_EL1, 20, A64_FEAT_FP16, 1 },
    { SYS_ID_AA64PFR0_EL1, 48, A64_FEAT_DIT, 1 },
    { SYS_ID_AA64PFR0_EL1, 56, A64_FEAT_CSV2, 1 },
    { SYS_ID_AA64PFR0_EL1, 60, A64_FEAT_CSV3, 1 },
    { SYS_ID_AA64PFR1_EL1, 0, A64_FEAT_BTI, 1 },
    { SYS_ID_AA64PFR1_EL1, 4, A64_FEAT_SSBS, 2 },
    { SYS_ID_AA64ISAR0_EL1, 4, A64_FEAT_AES, 1 },
    { SYS_ID_AA64ISAR0_EL1, 4, A64_FEAT_PMULL, 2 },
    { SYS_ID_AA64ISAR0_EL1, 8, A64_FEAT_SHA1, 1 },
    { SYS_ID_AA64ISAR0_EL1, 12, A64_FEAT_SHA256, 1 },
    { SYS_ID_AA64ISAR0_EL1, 12, A64_FEAT_SHA512, 2 },
    { SYS_ID_AA64ISAR0_EL1, 16, A64_FEAT_CRC32, 1 },
    { SYS_ID_AA64ISAR0_EL1, 20, A64_FEAT_LSE, 2 },
    { SYS_ID_AA64ISAR0_EL1, 28, A64_FEAT_RDM, 1 },
    { SYS_ID_AA64ISAR0_EL1, 32, A64_FEAT_SHA3, 1 },
    { SYS_ID_AA64ISAR0_EL1, 36, A64_FEAT_SM3, 1 },
    { SYS_ID_AA64ISAR0_EL1, 40, A64_FEAT_SM4, 1 },
    { SYS_ID_AA64ISAR0_EL1, 44, A64_FEAT_DOTPROD, 1 },
    { SYS_ID_AA64ISAR0_EL1, 48, A64_FEAT_FHM, 1 },
    { SYS_ID_AA64ISAR0_EL1, 52, A64_FEAT_FLAGM, 1 },
    { SYS_ID_AA64ISAR0_EL1, 52, A64_FEAT_FLAGM2, 2 },
    { SYS_ID_AA64ISAR0_EL1, 56, A64_FEAT_TLBIOS, 1 },
    { SYS_ID_AA64ISAR0_EL1, 56, A64_FEAT_TLBIRANGE, 2 },
    { SYS_ID_AA64ISAR0_EL1, 60, A64_FEAT_RNG, 1 },
    { SYS_ID_AA64ISAR1_EL1, 0, A64_FEAT_DPB, 1 },
    { SYS_ID_AA64ISAR1_EL1, 0, A64_FEAT_DPB2, 2 },
    { SYS_ID_AA64ISAR1_EL1, 4, A64_FEAT_QARMA5, 1 },
    { SYS_ID_AA64ISAR1_EL1, 8, A64_FEAT_PAUTH, 1 },
    { SYS_ID_AA64ISAR1_EL1, 8, A64_FEAT_QARMA5, 0 },
    { SYS_ID_AA64ISAR1_EL1, 8, A64_FEAT_QARMA3, 0 },
    { SYS_ID_AA64ISAR1_EL1, 12, A64_FEAT_JSCVT, 1 },
    { SYS_ID_AA64ISAR1_EL1, 16, A64_FEAT_FCMA, 1 },
    { SYS_ID_AA64ISAR1_EL1, 20, A64_FEAT_LRCPC, 1 },
    { SYS_ID_AA64ISAR1_EL1, 20, A64_FEAT_LRCPC2, 2 },
    { SYS_ID_AA64ISAR1_EL1, 24, A64_FEAT_QARMA5, 1 },
    { SYS_ID_AA64ISAR1_EL1, 28, A64_FEAT_PAUTH, 1 },
    { SYS_ID_AA64ISAR1_EL1, 28, A64_FEAT_QARMA5, 0 },
    { SYS_ID_AA64ISAR1_EL1, 28, A64_FEAT_QARMA3, 0 },
    { SYS_ID_AA64ISAR1_EL1, 32, A64_FEAT_FRINTTS, 1 },
    { SYS_ID_AA64ISAR1_EL1, 36, A64_FEAT_SB, 1 },
    { SYS_ID_AA64ISAR1_EL1, 40, A64_FEAT_SPECRES, 1 },
    { SYS_ID_AA64ISAR1_EL1, 44, A64_FEAT_BF16, 1 },
    { SYS_ID_AA64ISAR1_EL1, 52, A64_FEAT_I8MM, 1 },
    { SYS_ID_AA64ISAR2_EL1, 0, A64_FEAT_WFXT, 2 },
    { SYS_ID_AA64ISAR2_EL1, 8, A64_FEAT_QARMA3, 1 },
    { SYS_ID_AA64ISAR2_EL1, 12, A64_FEAT_QARMA3, 1 },
    { SYS_ID_AA64ISAR2_EL1, 16, A64_FEAT_MOPS, 1 },
    { SYS_ID_AA64MMFR0_EL1, 20, A64_FEAT_LPA2, 2 }, /* 16 KB granule */
    { SYS_ID_AA64MMFR0_EL1, 28, A64_FEAT_LPA2, 1 }, /* 4 KB granule  */
    { SYS_ID_AA64MMFR0_EL1, 60, A64_FEAT_ECV, 1 },
    { SYS_ID_AA64MMFR1_EL1, 0, A64_FEAT_HAFDBS, 2 },
    { SYS_ID_AA64MMFR1_EL1, 4, A64_FEAT_VMID16, 2 },
    { SYS_ID_AA64MMFR1_EL1, 20, A64_FEAT_PAN, 1 },
    { SYS_ID_AA64MMFR1_EL1, 20, A64_FEAT_PAN2, 2 },
    { SYS_ID_AA64MMFR1_EL1, 20, A64_FEAT_PAN3, 3 },
    { SYS_ID_AA64MMFR2_EL1, 4, A64_FEAT_UAO, 1 },
    { SYS_ID_AA64MMFR2_EL1, 16, A64_FEAT_LVA, 1 },
    { SYS_ID_AA64MMFR2_EL1, 32, A64_FEAT_LSE2, 1 },
    { SYS_ID_AA64MMFR2_EL1, 48, A64_FEAT_TTL, 1 },
    { SYS_ID_AA64MMFR2_EL1, 52, A64_FEAT_BBM, 2 },
    { SYS_ID_AA64MMFR2_EL1, 60, A64_FEAT_E0PD, 1 },
};

static uint8_t pa_bits(const struct cpu *cpu)
{
    return cpu_has(cpu, A64_FEAT_LPA) ? 52 : cpu->priv->model->pa_bits;
}

/* What does not hang on one feature. */
static void init_fixed(struct cpu *cpu)
{
    uint64_t *sys = cpu->priv->sys;
    const struct soft_model *model = cpu->priv->model;

    sys[SYS_MIDR_EL1] = model->midr;
    sys[SYS_MPIDR_EL1] = cpu->vcpu->mpidr | BIT(31);
    /* EL0 and EL1 in AArch64 only; no EL2, EL3. */
    sys[SYS_ID_AA64PFR0_EL1] = 0x11;
    if (!cpu_has(cpu, A64_FEAT_FP)) {
        sys[SYS_ID_AA64PFR0_EL1] |= 0xffull << 16;
    }
    if (cpu->vcpu->vm->config.gic_version == 3) {
        sys[SYS_ID_AA64PFR0_EL1] |= 1ull << 24;
    }
    /* Armv8.0 debug architecture; 6 breakpoints (1 context-aware), 4 watchpoints; no trace. */
    sys[SYS_ID_AA64DFR0_EL1] = 6 | 5ull << 12 | 3ull << 20 |
                               (cpu_has(cpu, A64_FEAT_PMU) ? (uint64_t)model->pmu_version << 8 : 0);
    sys[SYS_ID_AA64MMFR0_EL1] = pgt_parange(pa_bits(cpu)) |
                                (model->asid_bits == 16 ? 2ull << 4 : 0) |
                                (model->granule16 ? 1ull << 20 : 0);
    sys[SYS_ID_AA64MMFR1_EL1] = cpu->priv->impl.hpd ? 1ull << 12 : 0;
    /* Lines of 64 bytes, PIPT; IDC: no cleaning for the instruction side; not DIC:
     * instruction caches are there. */
    sys[SYS_CTR_EL0] = BIT(31) | BIT(28) | 4ull << 24 | 4ull << 20 | 4ull << 16 | 3ull << 14 | 4;
    /* Level 1 split, level 2 unified and the point of coherency; with IDC there is no
     * level of unification. */
    sys[SYS_CLIDR_EL1] = 3 | 4ull << 3 | 2ull << 24;
}

/* The algorithms of pointer authentication exclude each other.
 * FEAT_LSE2 needs a host that has it. */
static void settle_features(struct cpu *cpu)
{
    cpu->features = a64_feat_settle(cpu->features);
    if (cpu_has(cpu, A64_FEAT_QARMA3)) {
        cpu->features &= ~F(QARMA5);
    }
    if (!racy16_atomic()) {
        cpu->features &= ~F(LSE2);
    }
}

void idregs_init(struct cpu *cpu)
{
    struct soft_private *p = cpu->priv;

    settle_features(cpu);
    p->impl = (struct pgt_impl){
        .pa_bits = pa_bits(cpu),
        .granule16 = p->model->granule16 || cpu_has(cpu, A64_FEAT_LPA2),
        .hpd = cpu_has(cpu, A64_FEAT_PAN), /* HPDS, PAN and HAFDBS are all Armv8.1's */
        .hafdbs = cpu_has(cpu, A64_FEAT_HAFDBS),
        .e0pd = cpu_has(cpu, A64_FEAT_E0PD),
        .tbid = cpu_has(cpu, A64_FEAT_PAUTH),
        .lva = cpu_has(cpu, A64_FEAT_LVA),
        .lpa2 = cpu_has(cpu, A64_FEAT_LPA2),
    };
    init_fixed(cpu);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (cpu_has(cpu, fields[i].feat)) {
            p->sys[fields[i].reg] =
                bits_set(p->sys[fields[i].reg], fields[i].lo, 4, fields[i].value);
        }
    }
}
