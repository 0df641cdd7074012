/*
 * regs.c - registers of a KVM vCPU: KVM_GET_ONE_REG and KVM_SET_ONE_REG.
 *
 * api.rst, "KVM_SET_ONE_REG", arm64 registers. System registers have KVM's numbers in sysreg.h's
 * packing already; those that KVM keeps among the core registers, and its two timer registers whose
 * numbers were once exchanged by mistake, are in a table here.
 */
#include "accel/kvm/kvm.h"

#include <stddef.h>

#include "arch/sysreg.h"
#include "base/compiler.h"

#define CORE(member) \
    (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(member))
#define CORE_U32(member) \
    (KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(member))
#define CORE_STEP (sizeof(uint64_t) / sizeof(uint32_t)) /* numbers count 32-bit words */

/* Packing of KVM's ids and of sysreg.h is one. */
_Static_assert(KVM_REG_ARM64_SYSREG_OP0_SHIFT == 14 && KVM_REG_ARM64_SYSREG_OP1_SHIFT == 11 &&
                   KVM_REG_ARM64_SYSREG_CRN_SHIFT == 7 && KVM_REG_ARM64_SYSREG_CRM_SHIFT == 3 &&
                   KVM_REG_ARM64_SYSREG_OP2_SHIFT == 0,
               "system register ids");

static const struct {
    uint32_t reg; /* as accel.h has it */
    uint64_t id;
} special[] = {
    { REG_PC, CORE(regs.pc) },
    { REG_PSTATE, CORE(regs.pstate) },
    { REG_SP_EL0, CORE(regs.sp) },
    { REG_SP_EL1, CORE(sp_el1) },
    { REG_FPCR, CORE_U32(fp_regs.fpcr) },
    { REG_FPSR, CORE_U32(fp_regs.fpsr) },
    { REG_SYS | SYSREG_SP_EL0, CORE(regs.sp) },
    { REG_SYS | SYSREG_ELR_EL1, CORE(elr_el1) },
    { REG_SYS | SYSREG_SPSR_EL1, CORE(spsr[KVM_SPSR_EL1]) },
    { REG_SYS | SYSREG_CNTV_CTL_EL0, KVM_REG_ARM_TIMER_CTL },
    { REG_SYS | SYSREG_CNTV_CVAL_EL0, KVM_REG_ARM_TIMER_CVAL },
    { REG_SYS | SYSREG_CNTVCT_EL0, KVM_REG_ARM_TIMER_CNT },
};

static uint64_t id_of(uint32_t reg)
{
    if (reg < REG_SP) {
        return CORE(regs.regs[0]) + reg * CORE_STEP;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(special); i++) {
        if (special[i].reg == reg) {
            return special[i].id;
        }
    }
    if (reg >= REG_SYS && reg - REG_SYS <= 0xffff) {
        return KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | (reg - REG_SYS);
    }
    return 0;
}

static int one_reg(struct vcpu *vcpu, unsigned long request, uint64_t id, void *value)
{
    struct kvm_one_reg r = { .id = id, .addr = (uint64_t)(uintptr_t)value };

    return kvm_call(kvm_cpu_of(vcpu)->fd, request, &r);
}

/* ---- V registers ----------------------------------------------------------------------------- */

struct vreg {
    uint64_t d[KVM_ARM64_SVE_VQ_MAX * 2]; /* a whole Z register */
};

/* With SVE a V register is the low end of its Z register, and only that has a number. */
static uint64_t vreg_id(struct vcpu *vcpu, unsigned n)
{
    return kvm_cpu_of(vcpu)->sve ? KVM_REG_ARM64_SVE_ZREG(n, 0)
                                 : (KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |
                                    (KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) + 4u * n));
}

static bool vreg_of(uint32_t reg, unsigned *n, unsigned *half)
{
    if (reg < REG_V0_LO || reg >= REG_V0_HI + 32) {
        return false;
    }
    *half = reg >= REG_V0_HI;
    *n = reg - (*half ? REG_V0_HI : REG_V0_LO);
    return true;
}

/* ---- The contract ---------------------------------------------------------------------------- */

/* REG_SP is SP_EL0 at EL0 and where PSTATE.SP says so. */
static uint32_t resolve_sp(struct vcpu *vcpu, uint32_t reg)
{
    uint64_t pstate = 0;

    if (reg != REG_SP) {
        return reg;
    }
    (void)one_reg(vcpu, KVM_GET_ONE_REG, CORE(regs.pstate), &pstate);
    return (pstate & 1) != 0 ? REG_SP_EL1 : REG_SP_EL0;
}

enum status kvm_get_reg(struct vcpu *vcpu, uint32_t reg, uint64_t *value)
{
    struct vreg v;
    unsigned n, half;
    uint64_t out = 0, id;

    if (vreg_of(reg, &n, &half)) {
        if (one_reg(vcpu, KVM_GET_ONE_REG, vreg_id(vcpu, n), &v) < 0) {
            return ST_E_NOENT;
        }
        *value = v.d[half];
        return ST_OK;
    }
    id = id_of(resolve_sp(vcpu, reg));
    if (id == 0 || one_reg(vcpu, KVM_GET_ONE_REG, id, &out) < 0) {
        return ST_E_NOENT;
    }
    *value = out;
    return ST_OK;
}

enum status kvm_set_reg(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
    struct vreg v;
    unsigned n, half;
    uint64_t id;

    if (vreg_of(reg, &n, &half)) {
        id = vreg_id(vcpu, n);
        if (one_reg(vcpu, KVM_GET_ONE_REG, id, &v) < 0) {
            return ST_E_NOENT;
        }
        v.d[half] = value;
        return one_reg(vcpu, KVM_SET_ONE_REG, id, &v) < 0 ? ST_E_INVAL : ST_OK;
    }
    id = id_of(resolve_sp(vcpu, reg));
    if (id == 0) {
        return ST_E_NOENT;
    }
    return one_reg(vcpu, KVM_SET_ONE_REG, id, &value) < 0 ? ST_E_INVAL : ST_OK;
}
