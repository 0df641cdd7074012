/*
 * regs.c - registers of the simulated platform: its numbers, and its rules.
 *
 * A batch is done whole or not at all where a name is unknown. Identification registers belong to the partition, all others to
 * a processor that does not run.
 */
#include "sim.h"

#include <stdatomic.h>

enum { ANY_GIC = 1, ANY_ACTIVITY, ANY_VECTOR, ANY_ID, ANY_MPIDR, ANY_MIDR };

struct place {
    uint32_t reg;  /* as accel.h has it; or */
    uint8_t other; /* ANY_... */
};

/* System registers of EL1 and EL0 in blocks of consecutive numbers, as WinHvPlatformDefs.h lists them; NULL: reserved. */
static const char *const block_40000[] = {
    [0x02] = "SCTLR_EL1",     [0x03] = "ACTLR_EL1",     [0x04] = "CPACR_EL1",
    [0x05] = "TTBR0_EL1",     [0x06] = "TTBR1_EL1",     [0x07] = "TCR_EL1",
    [0x08] = "ESR_EL1",       [0x09] = "FAR_EL1",       [0x0a] = "PAR_EL1",
    [0x0b] = "MAIR_EL1",      [0x0c] = "VBAR_EL1",      [0x0d] = "CONTEXTIDR_EL1",
    [0x0e] = "TPIDR_EL1",     [0x10] = "TPIDRRO_EL0",   [0x11] = "TPIDR_EL0",
    [0x12] = "FPCR",          [0x13] = "FPSR",          [0x14] = "SPSR_EL1",
    [0x15] = "ELR_EL1",       [0x26] = "APDAKeyHi_EL1", [0x27] = "APDAKeyLo_EL1",
    [0x28] = "APDBKeyHi_EL1", [0x29] = "APDBKeyLo_EL1", [0x2a] = "APGAKeyHi_EL1",
    [0x2b] = "APGAKeyLo_EL1", [0x2c] = "APIAKeyHi_EL1", [0x2d] = "APIAKeyLo_EL1",
    [0x2e] = "APIBKeyHi_EL1", [0x2f] = "APIBKeyLo_EL1", [0x35] = "CSSELR_EL1",
};

static bool named(const char *name, struct place *out)
{
    uint32_t encoding = name != NULL ? sysreg_find(name) : UINT32_MAX;

    out->reg = REG_SYS | encoding;
    return encoding != UINT32_MAX;
}

static bool find_system(uint32_t name, struct place *out)
{
    static const uint8_t debug_op2[4] = { 5, 7, 4, 6 }; /* DBGBCR, DBGWCR, DBGBVR, DBGWVR */

    if (name - 0x40000 < ARRAY_SIZE(block_40000)) {
        return named(block_40000[name - 0x40000], out);
    }
    if (name - 0x50000 < 0x40) {
        uint32_t n = name & 15;
        out->reg = REG_SYS | SYSREG(2, 0, 0, n, debug_op2[(name >> 4) & 3]);
        return n < 4 || (n < 6 && ((name >> 4) & 1) == 0); /* what the simulated processor has */
    }
    switch (name) {
    case 0x5004d: return named("MDSCR_EL1", out);
    case 0x58008: return named("CNTKCTL_EL1", out);
    case 0x5800e: return named("CNTV_CTL_EL0", out);
    case 0x5800f: return named("CNTV_CVAL_EL0", out);
    case 0x58011: return named("CNTVCT_EL0", out);
    default: return false;
    }
}

static bool find(uint32_t name, struct place *out)
{
    *out = (struct place){ .reg = 0 };
    switch (name) {
    case 0x2001f: out->reg = REG_SP; return true;
    case 0x20020: out->reg = REG_SP_EL0; return true;
    case 0x20021: out->reg = REG_SP_EL1; return true;
    case 0x20022: out->reg = REG_PC; return true;
    case 0x20023: out->reg = REG_PSTATE; return true;
    case 0x63000: out->other = ANY_GIC; return true;
    case 0x00004: out->other = ANY_ACTIVITY; return true;
    case 0x40001: out->other = ANY_MPIDR; return true;
    case 0x40051: out->other = ANY_MIDR; return true;
    }
    if (name - 0x20000 < 31) {
        out->reg = REG_X0 + name - 0x20000;
        return true;
    }
    if (name - 0x30000 < 32) {
        out->other = ANY_VECTOR;
        out->reg = name - 0x30000;
        return true;
    }
    if (name - 0x22000 < 0x80) {
        out->other = ANY_ID;
        out->reg = SYSREG(3, 0, 0, 0, 0) + name - 0x22000;
        return true;
    }
    return find_system(name, out);
}

/* ---- One register ---------------------------------------------------------------------------- */

/* Identification registers that have a row have storage, too; the others read as zero. */
static uint64_t *id_storage(struct vcpu *vcpu, uint32_t encoding)
{
    struct cpu *cpu = vcpu->accel_state;

    switch (encoding) {
#define SR(name, op0, op1, crn, crm, op2, access, kind, reset) \
    case SYSREG(op0, op1, crn, crm, op2):                      \
        return &cpu->priv->sys[SYS_##name];
#include "arch/sysreg.def"
#undef SR
    default: return NULL;
    }
}

static void read_one(struct sim_vp *vp, struct vcpu *vcpu, const struct place *at,
                     struct whp_value *v)
{
    const uint64_t *storage;

    *v = (struct whp_value){ 0, 0 };
    switch (at->other) {
    case ANY_GIC: v->low = vp->placed ? vp->redist_base : 0; break;
    case ANY_ACTIVITY: v->low = atomic_load(&vcpu->power) == VCPU_ON ? 0 : 1; break;
    case ANY_VECTOR:
        v->low = vcpu_reg(vcpu, REG_V0_LO + at->reg);
        v->high = vcpu_reg(vcpu, REG_V0_HI + at->reg);
        break;
    case ANY_ID:
        storage = id_storage(vcpu, at->reg);
        v->low = storage != NULL ? *storage : 0;
        break;
    case ANY_MPIDR: v->low = vcpu->mpidr | 1ull << 31; break;
    case ANY_MIDR: v->low = *id_storage(vcpu, SYSREG_MIDR_EL1); break;
    default: v->low = vcpu_reg(vcpu, at->reg); break;
    }
}

static whp_result place_redist(struct sim_vp *vp, struct vm *vm, uint64_t base)
{
    if (vp->placed) {
        return vp->redist_base == base ? 0 : WHP_HV_INVALID_REGISTER_VALUE;
    }
    vp->redist = (struct dev){ .ops = &sim_redist_ops,
                               .state = vm->gic,
                               .base = base,
                               .size = WHP_REDIST_SIZE,
                               .deadline_ns = UINT64_MAX };
    vp->redist_base = base;
    vp->placed = base % WHP_PAGE == 0 && bus_add(&vm->bus, &vp->redist) == ST_OK;
    return vp->placed ? 0 : WHP_HV_INVALID_REGISTER_VALUE;
}

static void set_mpidr(struct vcpu *vcpu, uint64_t value)
{
    uint64_t affinity = value & 0xff00ffffffull;

    vcpu->mpidr = vcpu->vm->mpidr[vcpu->index] = affinity;
    vcpu->vm->gic->cpu[vcpu->index].affinity = affinity;
    *id_storage(vcpu, SYSREG_MPIDR_EL1) = affinity | 1ull << 31;
}

static void set_id(struct vm *vm, uint32_t encoding, uint64_t value)
{
    for (unsigned i = 0; i < vm->config.cpus; i++) {
        uint64_t *storage = id_storage(&vm->vcpu[i], encoding);
        if (storage != NULL) {
            *storage = value;
        }
    }
}

static whp_result write_one(struct sim_vp *vp, struct vcpu *vcpu, const struct place *at,
                            const struct whp_value *v)
{
    switch (at->other) {
    case ANY_GIC: return place_redist(vp, vcpu->vm, v->low);
    case ANY_ACTIVITY: atomic_store(&vcpu->power, (v->low & 1) != 0 ? VCPU_OFF : VCPU_ON); return 0;
    case ANY_VECTOR:
        vcpu_set_reg(vcpu, REG_V0_LO + at->reg, v->low);
        vcpu_set_reg(vcpu, REG_V0_HI + at->reg, v->high);
        return 0;
    case ANY_ID: set_id(vcpu->vm, at->reg, v->low); return 0;
    case ANY_MPIDR: set_mpidr(vcpu, v->low); return 0;
    case ANY_MIDR: *id_storage(vcpu, SYSREG_MIDR_EL1) = v->low; return 0;
    default:
        return vcpu->vm->config.accel->set_reg(vcpu, at->reg, v->low) == ST_OK
                   ? 0
                   : WHP_HV_INVALID_REGISTER_VALUE;
    }
}

/* ---- Batches --------------------------------------------------------------------------------- */

static whp_result check_batch(whp_partition p, uint32_t index, const uint32_t *names,
                              uint32_t count, const void *values)
{
    whp_result result = sim_check(p, SIM_SET_UP);
    struct place at;

    if (result != 0) {
        return result;
    }
    sim_check_aligned(values, "register values must be aligned to 16 bytes");
    for (uint32_t i = 0; i < count; i++) {
        if (!find(names[i], &at)) {
            return WHP_E_INVALID_REGISTER;
        }
        if ((at.other == ANY_ID) != (index == WHP_ANY_VP)) {
            return WHP_E_INVALIDARG;
        }
    }
    if (index == WHP_ANY_VP) {
        return 0;
    }
    if (sim_vp_of(p, index) == NULL) {
        return WHP_E_VP_ABSENT;
    }
    return atomic_load(&p->vp[index].running) ? WHP_E_INVALID_VP_STATE : 0;
}

whp_result WHvGetVirtualProcessorRegisters(whp_partition p, uint32_t index, const uint32_t *names,
                                           uint32_t count, struct whp_value *values)
{
    whp_result result;

    SIM_ENTER("WHvGetVirtualProcessorRegisters", count != 0 ? names[0] : 0);
    if ((result = check_batch(p, index, names, count, values)) != 0) {
        return result;
    }
    index = index == WHP_ANY_VP ? 0 : index;
    for (uint32_t i = 0; i < count; i++) {
        struct place at;
        find(names[i], &at);
        read_one(&p->vp[index], &p->vm.vcpu[index], &at, &values[i]);
    }
    return 0;
}

whp_result WHvSetVirtualProcessorRegisters(whp_partition p, uint32_t index, const uint32_t *names,
                                           uint32_t count, const struct whp_value *values)
{
    whp_result result;

    SIM_ENTER("WHvSetVirtualProcessorRegisters", count != 0 ? names[0] : 0);
    if ((result = check_batch(p, index, names, count, values)) != 0) {
        return result;
    }
    index = index == WHP_ANY_VP ? 0 : index;
    for (uint32_t i = 0; result == 0 && i < count; i++) {
        struct place at;
        find(names[i], &at);
        result = write_one(&p->vp[index], &p->vm.vcpu[index], &at, &values[i]);
    }
    return result;
}
