/*
 * sysreg.c - system registers: who may access which, and what reading or writing one does.
 *
 * DDI 0487, "AArch64 System Register Descriptions". An MRS or MSR goes through three questions: is
 * the register there (a row, and the feature), may this level access it (else UNDEFINED), does a
 * control bit trap EL0 (then EC_SYSREG, or FP access trap).
 */
#include "accel/soft/engine.h"

enum sr_access {
    SR_R1 = 1,
    SR_W1 = 2,
    SR_R0 = 4,
    SR_W0 = 8,
    RW2 = 0,
    RW1 = SR_R1 | SR_W1,
    RO1 = SR_R1,
    WO1 = SR_W1,
    RW0 = RW1 | SR_R0 | SR_W0,
    RO0 = SR_R1 | SR_R0,
    WO0 = SR_W1 | SR_W0,
    RO0_RW1 = RW1 | SR_R0,
};

enum sr_kind { PLAIN, PLAIN32, CONST, FN, TIMER, ICC, PMU };

static const struct {
    uint32_t encoding;
    uint8_t access, kind;
    uint32_t reset;
} rows[SYS_COUNT] = {
#define SR(name, op0, op1, crn, crm, op2, access, kind, reset) \
    { SYSREG(op0, op1, crn, crm, op2), access, kind, reset },
#include "arch/sysreg.def"
#undef SR
};

/* RES1 bits of SCTLR_EL1 here: no AArch32 at EL0 (ITD, SED), no ExS, LSMAOC; SPAN too
 * without PAN. */
#define SCTLR_RES1 0x30500980ull
#define SCTLR_WRITABLE                                                                           \
    (SCTLR_M | SCTLR_A | 1ull << 2 | SCTLR_SA | SCTLR_SA0 | SCTLR_UMA | 1ull << 12 | SCTLR_DZE | \
     SCTLR_UCT | SCTLR_NTWI | SCTLR_NTWE | SCTLR_WXN | SCTLR_UCI)
#define SCTLR_PAUTH (SCTLR_ENIA | SCTLR_ENIB | SCTLR_ENDA | SCTLR_ENDB)
/* What translations depend on. */
#define SCTLR_MMU (SCTLR_M | SCTLR_WXN | SCTLR_EPAN)

#define FPSR_WRITABLE (FPSR_QC | FPSR_IDC | FPSR_IXC | FPSR_UFC | FPSR_OFC | FPSR_DZC | FPSR_IOC)

/* CNTKCTL_EL1. */
enum { EL0PCTEN = 1, EL0VCTEN = 2, EL0VTEN = 1 << 8, EL0PTEN = 1 << 9, EVNTIS = 1 << 17 };
#define CNTKCTL_BASE 0x3ffull /* without FEAT_ECV */

/* TCR_EL1 of Armv8.0: SZ, EPD, IRGN, ORGN, SH and TG of both halves, A1, IPS, TBI. */
#define TCR_BASE (0xffffffbfull | 7ull << 32 | TCR_TBI0 | TCR_TBI1)

enum sys_index sysreg_row(uint32_t encoding)
{
    unsigned i = 0;

    while (i < SYS_COUNT && rows[i].encoding != encoding) {
        i++;
    }
    return (enum sys_index)i;
}

/* Is the row's feature there? */
bool sysreg_exists(const struct cpu *cpu, enum sys_index row)
{
    if (row == SYS_COUNT) {
        return false;
    }
    switch (row) {
    case SYS_PAN: return cpu_has(cpu, A64_FEAT_PAN);
    case SYS_UAO: return cpu_has(cpu, A64_FEAT_UAO);
    case SYS_DIT: return cpu_has(cpu, A64_FEAT_DIT);
    case SYS_SSBS: return cpu_has(cpu, A64_FEAT_SSBS);
    case SYS_RNDR:
    case SYS_RNDRRS: return cpu_has(cpu, A64_FEAT_RNG);
    case SYS_APIAKeyLo_EL1:
    case SYS_APIAKeyHi_EL1:
    case SYS_APIBKeyLo_EL1:
    case SYS_APIBKeyHi_EL1:
    case SYS_APDAKeyLo_EL1:
    case SYS_APDAKeyHi_EL1:
    case SYS_APDBKeyLo_EL1:
    case SYS_APDBKeyHi_EL1:
    case SYS_APGAKeyLo_EL1:
    case SYS_APGAKeyHi_EL1: return cpu_has(cpu, A64_FEAT_PAUTH);
    case SYS_CNTPCTSS_EL0:
    case SYS_CNTVCTSS_EL0: return cpu_has(cpu, A64_FEAT_ECV);
    default: break;
    }
    switch ((enum sr_kind)rows[row].kind) {
    case ICC: return cpu->vcpu->vm->config.gic_version == 3;
    case PMU: return cpu_has(cpu, A64_FEAT_PMU);
    default: return true;
    }
}

bool sysreg_is_plain(const struct cpu *cpu, enum sys_index row, bool write, bool el0)
{
    unsigned need = el0 ? (write ? SR_W0 : SR_R0) : (write ? SR_W1 : SR_R1);

    if (!sysreg_exists(cpu, row) || (rows[row].access & need) == 0) {
        return false;
    }
    return rows[row].kind == PLAIN || (!write && rows[row].kind == PLAIN32) ||
           (!write && rows[row].kind == CONST && rows[row].access == RO1);
}

/* ---- Traps of EL0 ---------------------------------------------------------------------------- */

/* Op0[21:20] Op2[19:17] Op1[16:14] CRn[13:10] Rt[9:5] CRm[4:1] Direction[0], all from
 * where the instruction has them. */
void sysreg_trap(struct cpu *cpu, const struct op *op)
{
    uint32_t w = op->word;
    uint32_t iss =
        (uint32_t)(bits(w, 19, 2) << 20 | bits(w, 5, 3) << 17 | bits(w, 16, 3) << 14 |
                   bits(w, 12, 4) << 10 | bits(w, 0, 5) << 5 | bits(w, 8, 4) << 1 | bits(w, 21, 1));

    cpu_exception(cpu, op, EC_SYSREG, iss, 0);
}

/* Does EL1 withhold from EL0 what the access rules allow? */
static bool el0_trapped(const struct cpu *cpu, enum sys_index row, bool write)
{
    uint64_t sctlr = cpu->priv->sys[SYS_SCTLR_EL1];
    uint64_t cntkctl = cpu->priv->sys[SYS_CNTKCTL_EL1];

    switch (row) {
    case SYS_CTR_EL0: return (sctlr & SCTLR_UCT) == 0;
    case SYS_DAIF: return (sctlr & SCTLR_UMA) == 0;
    case SYS_CNTFRQ_EL0: return (cntkctl & (EL0PCTEN | EL0VCTEN)) == 0;
    case SYS_CNTPCT_EL0:
    case SYS_CNTPCTSS_EL0: return (cntkctl & EL0PCTEN) == 0;
    case SYS_CNTVCT_EL0:
    case SYS_CNTVCTSS_EL0: return (cntkctl & EL0VCTEN) == 0;
    case SYS_CNTP_TVAL_EL0:
    case SYS_CNTP_CTL_EL0:
    case SYS_CNTP_CVAL_EL0: return (cntkctl & EL0PTEN) == 0;
    case SYS_CNTV_TVAL_EL0:
    case SYS_CNTV_CTL_EL0:
    case SYS_CNTV_CVAL_EL0: return (cntkctl & EL0VTEN) == 0;
    case SYS_MDCCSR_EL0:
    case SYS_DBGDTR_EL0:
    case SYS_DBGDTRRX_EL0: return bits(cpu->priv->sys[SYS_MDSCR_EL1], 12, 1) != 0; /* TDCC */
    default: return rows[row].kind == PMU && pmu_el0_trapped(cpu, row, write);
    }
}

/* True if the access may go on; else the exception has been taken. */
static bool access_allowed(struct cpu *cpu, const struct op *op, enum sys_index row, bool write)
{
    bool el0 = cpu_el(cpu) == 0;
    unsigned need = el0 ? (write ? SR_W0 : SR_R0) : (write ? SR_W1 : SR_R1);

    if (!sysreg_exists(cpu, row) || (rows[row].access & need) == 0) {
        cpu_undefined(cpu, op);
        return false;
    }
    if ((row == SYS_SP_EL0 && (cpu->pstate & PS_SP) == 0)) {
        cpu_undefined(cpu, op);
        return false;
    }
    if (el0 && el0_trapped(cpu, row, write)) {
        sysreg_trap(cpu, op);
        return false;
    }
    if ((row == SYS_FPCR || row == SYS_FPSR) && cpu->fp_trap) {
        cpu_fp_trap(cpu, op);
        return false;
    }
    return true;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Level 1 data and instruction 32 KB, 4 ways; level 2 unified 512 KB, 8 ways; lines of
 * 64 bytes (CLIDR_EL1 agrees). */
static uint64_t read_ccsidr(const struct cpu *cpu)
{
    static const struct {
        uint16_t sets, ways;
    } cache[] = { { 128, 4 }, { 128, 4 }, { 1024, 8 } };
    uint64_t sel = cpu->priv->sys[SYS_CSSELR_EL1];

    if (sel >= ARRAY_SIZE(cache)) {
        return 0;
    }
    return (uint64_t)(cache[sel].sets - 1) << 13 | (uint64_t)(cache[sel].ways - 1) << 3 | 2;
}

/* RNDR sets NZCV to 0000 for success ("RNDR, Random Number"). */
static uint64_t read_random(struct cpu *cpu)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;
    uint64_t value = 0;

    ports->random(ports->opaque, &value, sizeof(value));
    cpu_set_nzcv(cpu, 0);
    return value;
}

static uint64_t read_sp(const struct cpu *cpu, enum sys_index row)
{
    bool current = (row == SYS_SP_EL1) == (cpu_el(cpu) != 0 && (cpu->pstate & PS_SP) != 0);

    return current ? cpu->x[X_SP] : cpu->priv->sys[row];
}

static uint64_t read_fn(struct cpu *cpu, enum sys_index row)
{
    const struct soft_private *p = cpu->priv;

    switch (row) {
    case SYS_CCSIDR_EL1: return read_ccsidr(cpu);
    case SYS_DCZID_EL0:
        /* DZP: prohibited here. */
        return 4 | (uint64_t)(cpu_el(cpu) == 0 && (p->sys[SYS_SCTLR_EL1] & SCTLR_DZE) == 0) << 4;
    case SYS_ISR_EL1: {
        uint32_t lines = atomic_load(&cpu->vcpu->lines);
        return (uint64_t)(lines & 1) << 7 | (uint64_t)(lines >> 1 & 1) << 6;
    }
    case SYS_SP_EL0:
    case SYS_SP_EL1: return read_sp(cpu, row);
    case SYS_SPSel: return cpu->pstate & PS_SP;
    case SYS_CurrentEL: return cpu->pstate & 3u << PS_EL_SHIFT;
    case SYS_PAN: return cpu->pstate & PS_PAN;
    case SYS_UAO: return cpu->pstate & PS_UAO;
    case SYS_DIT: return cpu->pstate & PS_DIT;
    case SYS_SSBS: return cpu->pstate & PS_SSBS;
    case SYS_NZCV: return cpu_nzcv(cpu);
    case SYS_DAIF: return cpu->pstate & (PS_D | PS_A | PS_I | PS_F);
    case SYS_FPCR: return cpu->fpcr;
    case SYS_FPSR: return cpu_fpsr(cpu);
    case SYS_RNDR:
    case SYS_RNDRRS: return read_random(cpu);
    case SYS_DBGCLAIMSET_EL1: return 0xff;
    case SYS_MDCCSR_EL0:
    case SYS_DBGDTR_EL0:
    case SYS_DBGDTRRX_EL0: return 0; /* no debugger at the other end of the channel */
    default: return p->sys[row];
    }
}

static uint64_t read_timer(struct cpu *cpu, enum sys_index row)
{
    struct vcpu *vcpu = cpu->vcpu;

    switch (row) {
    case SYS_CNTPCT_EL0:
    case SYS_CNTPCTSS_EL0: return vcpu_timer_count(vcpu, false);
    case SYS_CNTVCT_EL0:
    case SYS_CNTVCTSS_EL0: return vcpu_timer_count(vcpu, true);
    case SYS_CNTP_TVAL_EL0: return (uint32_t)vcpu_timer_tval(vcpu, GTIMER_PHYS);
    case SYS_CNTP_CTL_EL0: return vcpu_timer_ctl(vcpu, GTIMER_PHYS);
    case SYS_CNTP_CVAL_EL0: return vcpu_timer_cval(vcpu, GTIMER_PHYS);
    case SYS_CNTV_TVAL_EL0: return (uint32_t)vcpu_timer_tval(vcpu, GTIMER_VIRT);
    case SYS_CNTV_CTL_EL0: return vcpu_timer_ctl(vcpu, GTIMER_VIRT);
    case SYS_CNTV_CVAL_EL0: return vcpu_timer_cval(vcpu, GTIMER_VIRT);
    default: return cpu->priv->sys[row];
    }
}

/* False: no such register. */
static bool read_row(struct cpu *cpu, enum sys_index row, uint64_t *value)
{
    switch ((enum sr_kind)rows[row].kind) {
    case FN: *value = read_fn(cpu, row); return true;
    case TIMER: *value = read_timer(cpu, row); return true;
    case PMU: *value = pmu_read(cpu, row); return true;
    case ICC: {
        bool ok;
        soft_outside(cpu);
        ok = gic_icc_read(cpu->vcpu->vm->gic, cpu->vcpu->index, rows[row].encoding, value);
        soft_inside(cpu);
        return ok;
    }
    default: *value = cpu->priv->sys[row]; return true;
    }
}

/* Unallocated encodings there read as zero. */
static bool in_id_space(uint32_t encoding)
{
    return (encoding & ~0x3fu) == SYSREG(3, 0, 0, 0, 0) && (encoding >> 3 & 7) != 0;
}

uint64_t soft_mrs(struct cpu *cpu, const struct op *op)
{
    enum sys_index row = (enum sys_index)op->imm;
    uint64_t value = 0;

    if (row == SYS_COUNT && in_id_space(SYSREG_OF_INSN(op->word)) && cpu_el(cpu) != 0) {
        return 0;
    }
    if (!access_allowed(cpu, op, row, false)) {
        return 0;
    }
    if (rows[row].kind == PMU) {
        pmu_before_access(cpu, cpu_insns_before(cpu, op));
    }
    if (!read_row(cpu, row, &value)) {
        cpu_undefined(cpu, op);
    }
    return value;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void write_sctlr(struct cpu *cpu, uint64_t value)
{
    uint64_t *sctlr = sys_reg(cpu, SYS_SCTLR_EL1);
    uint64_t writable = SCTLR_WRITABLE | (cpu_has(cpu, A64_FEAT_PAN) ? SCTLR_SPAN : 0) |
                        (cpu_has(cpu, A64_FEAT_SSBS) ? SCTLR_DSSBS : 0) |
                        (cpu_has(cpu, A64_FEAT_PAN3) ? SCTLR_EPAN : 0) |
                        (cpu_has(cpu, A64_FEAT_LSE2) ? SCTLR_NAA : 0) |
                        (cpu_has(cpu, A64_FEAT_SPECRES) ? SCTLR_ENRCTX : 0) |
                        (cpu_has(cpu, A64_FEAT_MOPS) ? SCTLR_MSCEN : 0) |
                        (cpu_has(cpu, A64_FEAT_PAUTH) ? SCTLR_PAUTH : 0) |
                        (cpu_has(cpu, A64_FEAT_BTI) ? SCTLR_BT0 | SCTLR_BT1 : 0);
    uint64_t res1 = SCTLR_RES1 | (cpu_has(cpu, A64_FEAT_PAN) ? 0 : SCTLR_SPAN);
    uint64_t old = *sctlr;

    *sctlr = (value & writable) | res1;
    if (((old ^ *sctlr) & SCTLR_MMU) != 0) {
        tlb_drop_all(cpu);
    }
    soft_refresh(cpu);
}

/* The bits of TCR_EL1 that exist; those of absent features are RES0, and here they hold nothing. */
static uint64_t tcr_writable(const struct cpu *cpu)
{
    const struct pgt_impl *impl = &cpu->priv->impl;

    return TCR_BASE | (cpu->priv->model->asid_bits == 16 ? TCR_AS : 0) |
           (impl->hafdbs ? TCR_HA | TCR_HD : 0) | (impl->hpd ? TCR_HPD0 | TCR_HPD1 : 0) |
           (impl->tbid ? TCR_TBID0 | TCR_TBID1 : 0) | (impl->e0pd ? TCR_E0PD0 | TCR_E0PD1 : 0) |
           (impl->lpa2 ? TCR_DS : 0);
}

/* For registers that translations were made from: nothing made before may be used after. */
static void write_mmu(struct cpu *cpu, enum sys_index row, uint64_t value)
{
    if (cpu->priv->sys[row] != value) {
        cpu->priv->sys[row] = value;
        tlb_drop_all(cpu);
        tlb_tables_changed(cpu);
    }
}

static void write_pstate(struct cpu *cpu, uint32_t field, uint64_t value)
{
    cpu_set_pstate(cpu, (cpu->pstate & ~field) | ((uint32_t)value & field));
}

static void write_sp(struct cpu *cpu, enum sys_index row, uint64_t value)
{
    bool current = (row == SYS_SP_EL1) == (cpu_el(cpu) != 0 && (cpu->pstate & PS_SP) != 0);

    *(current ? &cpu->x[X_SP] : sys_reg(cpu, row)) = value;
}

static void write_fpcr(struct cpu *cpu, uint64_t value)
{
    uint32_t writable = FPCR_AHP | FPCR_DN | FPCR_FZ | 3u << FPCR_RM_SHIFT |
                        (cpu_has(cpu, A64_FEAT_FP16) ? FPCR_FZ16 : 0);

    cpu_set_fpcr(cpu, (uint32_t)value & writable);
}

static void write_debug(struct cpu *cpu, enum sys_index row, uint64_t value)
{
    uint64_t *sys = cpu->priv->sys;

    switch (row) {
    case SYS_DBGPRCR_EL1: sys[row] = value & 1; break;
    case SYS_DBGCLAIMSET_EL1: sys[SYS_DBGCLAIMCLR_EL1] |= value & 0xff; break;
    case SYS_DBGCLAIMCLR_EL1: sys[SYS_DBGCLAIMCLR_EL1] &= ~value; break;
    case SYS_DBGDTR_EL0:
    case SYS_DBGDTRRX_EL0:
    case SYS_MDCCSR_EL0: break;
    case SYS_MDSCR_EL1: value = (uint32_t)value; /* fall through */
    default: debug_write(cpu, row, value); break;
    }
}

static void write_fn(struct cpu *cpu, enum sys_index row, uint64_t value)
{
    switch (row) {
    case SYS_CSSELR_EL1: cpu->priv->sys[row] = value & 0xf; break;
    case SYS_SCTLR_EL1: write_sctlr(cpu, value); break;
    case SYS_ACTLR_EL1: break; /* nothing in it */
    case SYS_CPACR_EL1:
        cpu->priv->sys[row] = value & 3u << 20;
        soft_refresh(cpu);
        break;
    case SYS_TTBR0_EL1:
    case SYS_TTBR1_EL1:
        cpu->priv->sys[row] = value;
        tlb_tables_changed(cpu);
        pmu_event(cpu, PMU_TTBR_WRITE_RETIRED);
        break;
    case SYS_CONTEXTIDR_EL1:
        cpu->priv->sys[row] = (uint32_t)value;
        pmu_event(cpu, PMU_CID_WRITE_RETIRED);
        break;
    case SYS_TCR_EL1: write_mmu(cpu, row, value & tcr_writable(cpu)); break;
    case SYS_MAIR_EL1: write_mmu(cpu, row, value); break;
    case SYS_CNTKCTL_EL1:
        cpu->priv->sys[row] = value & (CNTKCTL_BASE | (cpu_has(cpu, A64_FEAT_ECV) ? EVNTIS : 0));
        break;
    case SYS_VBAR_EL1: cpu->priv->sys[row] = align_down(value, 0x800); break;
    case SYS_SP_EL0:
    case SYS_SP_EL1: write_sp(cpu, row, value); break;
    case SYS_SPSel: write_pstate(cpu, PS_SP, value); break;
    case SYS_PAN: write_pstate(cpu, PS_PAN, value); break;
    case SYS_UAO: write_pstate(cpu, PS_UAO, value); break;
    case SYS_DIT: write_pstate(cpu, PS_DIT, value); break;
    case SYS_SSBS: write_pstate(cpu, PS_SSBS, value); break;
    case SYS_DAIF: write_pstate(cpu, PS_D | PS_A | PS_I | PS_F, value); break;
    case SYS_NZCV: cpu_set_nzcv(cpu, (uint32_t)value); break;
    case SYS_FPCR: write_fpcr(cpu, value); break;
    case SYS_FPSR: cpu_set_fpsr(cpu, (uint32_t)value & FPSR_WRITABLE); break;
    default: write_debug(cpu, row, value); break;
    }
}

static void write_timer(struct cpu *cpu, enum sys_index row, uint64_t value)
{
    struct vcpu *vcpu = cpu->vcpu;

    switch (row) {
    case SYS_CNTP_TVAL_EL0: vcpu_timer_set_tval(vcpu, GTIMER_PHYS, (int32_t)value); break;
    case SYS_CNTP_CTL_EL0: vcpu_timer_set_ctl(vcpu, GTIMER_PHYS, (uint32_t)value); break;
    case SYS_CNTP_CVAL_EL0: vcpu_timer_set_cval(vcpu, GTIMER_PHYS, value); break;
    case SYS_CNTV_TVAL_EL0: vcpu_timer_set_tval(vcpu, GTIMER_VIRT, (int32_t)value); break;
    case SYS_CNTV_CTL_EL0: vcpu_timer_set_ctl(vcpu, GTIMER_VIRT, (uint32_t)value); break;
    case SYS_CNTV_CVAL_EL0: vcpu_timer_set_cval(vcpu, GTIMER_VIRT, value); break;
    default: cpu->priv->sys[row] = (uint32_t)value; break; /* CNTFRQ_EL0: software tells software */
    }
}

static bool write_row(struct cpu *cpu, enum sys_index row, uint64_t value)
{
    bool ok = true;

    switch ((enum sr_kind)rows[row].kind) {
    case PLAIN: cpu->priv->sys[row] = value; break;
    case PLAIN32: cpu->priv->sys[row] = (uint32_t)value; break;
    case FN: write_fn(cpu, row, value); break;
    case TIMER:
        soft_outside(cpu);
        write_timer(cpu, row, value);
        soft_inside(cpu);
        break;
    case ICC:
        soft_outside(cpu);
        ok = gic_icc_write(cpu->vcpu->vm->gic, cpu->vcpu->index, rows[row].encoding, value);
        soft_inside(cpu);
        break;
    case PMU: pmu_write(cpu, row, value); break;
    case CONST: ok = false; break;
    }
    return ok;
}

void soft_msr(struct cpu *cpu, const struct op *op)
{
    enum sys_index row = (enum sys_index)op->imm;

    if (!access_allowed(cpu, op, row, true)) {
        return;
    }
    if (rows[row].kind == PMU) { /* what it changes begins with the next instruction */
        pmu_before_access(cpu, cpu_insns_before(cpu, op) + 1);
    }
    if (!write_row(cpu, row, cpu->x[op->rd])) {
        cpu_undefined(cpu, op);
    }
}

/* ---- From outside ---------------------------------------------------------------------------- */

/* Reading these acknowledges an interrupt or uses up a random number: not for dumps. */
static bool read_has_effect(enum sys_index row)
{
    return row == SYS_ICC_IAR0_EL1 || row == SYS_ICC_IAR1_EL1 || row == SYS_RNDR ||
           row == SYS_RNDRRS;
}

bool sysreg_get(struct cpu *cpu, uint32_t encoding, uint64_t *value)
{
    enum sys_index row = sysreg_row(encoding);
    bool inside = atomic_load(&cpu->priv->inside);
    bool ok;

    if (!sysreg_exists(cpu, row) || read_has_effect(row) || rows[row].access == WO1 ||
        rows[row].access == WO0) {
        return false;
    }
    ok = read_row(cpu, row, value);
    atomic_store(&cpu->priv->inside, inside);
    return ok;
}

bool sysreg_set(struct cpu *cpu, uint32_t encoding, uint64_t value)
{
    enum sys_index row = sysreg_row(encoding);
    bool inside = atomic_load(&cpu->priv->inside);
    bool ok;

    if (!sysreg_exists(cpu, row) || ((rows[row].access & SR_W1) == 0 && row != SYS_SP_EL1)) {
        return false;
    }
    ok = write_row(cpu, row, value);
    atomic_store(&cpu->priv->inside, inside);
    return ok;
}

void sysreg_reset(struct cpu *cpu)
{
    uint64_t *sys = cpu->priv->sys;

    for (unsigned i = 0; i < SYS_COUNT; i++) {
        if (rows[i].kind != CONST || rows[i].reset != 0) {
            sys[i] = rows[i].reset;
        }
    }
    sys[SYS_SCTLR_EL1] = SCTLR_RES1 | SCTLR_SPAN;
    sys[SYS_CNTFRQ_EL0] = GTIMER_FREQ_HZ;
    sys[SYS_OSLSR_EL1] = 0xa; /* OS Lock implemented, and locked */
}
