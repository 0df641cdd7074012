/*
 * inject.c - an exception that the host gives the guest, for back ends whose hardware cannot be asked to: the registers become
 * what exception entry would have made them.
 *
 * DDI 0487, pseudocode function AArch64.TakeException, for EL1 as the target; "ISS encoding for an exception from a Data
 * Abort", "... from an Instruction Abort".
 */
#include "arch/esr.h"
#include "arch/sysreg.h"
#include "base/bits.h"
#include "vm.h"

enum {
    SPSR_SP = BIT(0),
    SPSR_EL1H = 5,
    SPSR_DAIF = 0xf << 6,
    SPSR_SSBS = BIT(12),
    SPSR_PAN = BIT(22),
    SPSR_DIT = BIT(24),
    SPSR_TCO = BIT(25),
};

#define SCTLR_SPAN  BIT(23)
#define SCTLR_DSSBS BIT(44)
#define ISS_WNR     BIT(6)
#define ISS_FNV     BIT(10) /* FAR is not valid */

static uint64_t sys(struct vcpu *vcpu, uint32_t encoding)
{
    return vcpu_reg(vcpu, REG_SYS | encoding);
}

static void set_sys(struct vcpu *vcpu, uint32_t encoding, uint64_t value)
{
    vcpu_set_reg(vcpu, REG_SYS | encoding, value);
}

/* PSTATE at the handler's first instruction; what the CPU does not have is not set. */
static uint64_t entry_pstate(struct vcpu *vcpu, uint64_t from)
{
    uint64_t sctlr = sys(vcpu, SYSREG_SCTLR_EL1);
    uint64_t pstate = (from & (SPSR_PAN | SPSR_DIT)) | SPSR_DAIF | SPSR_EL1H;

    if (bits(sys(vcpu, SYSREG_ID_AA64MMFR1_EL1), 20, 4) != 0 && (sctlr & SCTLR_SPAN) == 0) {
        pstate |= SPSR_PAN;
    }
    if (bits(sys(vcpu, SYSREG_ID_AA64PFR1_EL1), 4, 4) != 0 && (sctlr & SCTLR_DSSBS) != 0) {
        pstate |= SPSR_SSBS;
    }
    if (bits(sys(vcpu, SYSREG_ID_AA64PFR1_EL1), 8, 4) >= 2) {
        pstate |= SPSR_TCO;
    }
    return pstate;
}

void vcpu_inject_abort(struct vcpu *vcpu, bool fetch, bool write, const uint64_t *far_va)
{
    uint64_t pstate = vcpu_reg(vcpu, REG_PSTATE);
    bool el0 = bits(pstate, 2, 2) == 0;
    uint64_t vector = el0 ? 0x400 : (pstate & SPSR_SP) != 0 ? 0x200 : 0;
    enum esr_ec ec =
        fetch ? (el0 ? EC_IABT_LOWER : EC_IABT_SAME) : (el0 ? EC_DABT_LOWER : EC_DABT_SAME);
    uint32_t iss =
        FSC_EXTERNAL | (uint32_t)(write ? ISS_WNR : 0) | (uint32_t)(far_va == NULL ? ISS_FNV : 0);

    set_sys(vcpu, SYSREG_ESR_EL1, esr_make(ec, iss));
    set_sys(vcpu, SYSREG_SPSR_EL1, pstate);
    set_sys(vcpu, SYSREG_ELR_EL1, vcpu_reg(vcpu, REG_PC));
    if (far_va != NULL) {
        set_sys(vcpu, SYSREG_FAR_EL1, *far_va);
    }
    vcpu_set_reg(vcpu, REG_PSTATE, entry_pstate(vcpu, pstate));
    vcpu_set_reg(vcpu, REG_PC, sys(vcpu, SYSREG_VBAR_EL1) + vector);
}
