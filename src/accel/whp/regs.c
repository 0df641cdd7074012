/*
 * regs.c - registers of a virtual processor: the project's numbers to the platform's, and one access at a time.
 *
 * Numbers: WHV_REGISTER_NAME for ARM64 (WinHvPlatformDefs.h). The identification registers belong to the partition; MIDR_EL1 and
 * MPIDR_EL1 also have numbers of each processor's own, which are the ones to use.
 */
#include "accel/whp/whp.h"

#include "arch/sysreg.h"
#include "base/bits.h"
#include "base/compiler.h"
#include "base/string.h"

static const struct {
    uint32_t reg; /* as accel.h has it */
    uint32_t name;
} special[] = {
    { REG_PC, WHP_REG_PC },
    { REG_PSTATE, WHP_REG_PSTATE },
    { REG_SP_EL0, WHP_REG_SP_EL0 },
    { REG_SP_EL1, WHP_REG_SP_EL1 },
    { REG_FPCR, WHP_REG_FPCR },
    { REG_FPSR, WHP_REG_FPSR },
    { REG_SYS | SYSREG_SP_EL0, WHP_REG_SP_EL0 },
    { REG_SYS | SYSREG_FPCR, WHP_REG_FPCR },
    { REG_SYS | SYSREG_FPSR, WHP_REG_FPSR },
    { REG_SYS | SYSREG_MIDR_EL1, WHP_REG_MIDR },
    { REG_SYS | SYSREG_MPIDR_EL1, WHP_REG_MPIDR },
    { REG_SYS | SYSREG_SCTLR_EL1, 0x40002 },
    { REG_SYS | SYSREG_ACTLR_EL1, 0x40003 },
    { REG_SYS | SYSREG_CPACR_EL1, 0x40004 },
    { REG_SYS | SYSREG_TTBR0_EL1, 0x40005 },
    { REG_SYS | SYSREG_TTBR1_EL1, 0x40006 },
    { REG_SYS | SYSREG_TCR_EL1, 0x40007 },
    { REG_SYS | SYSREG_ESR_EL1, 0x40008 },
    { REG_SYS | SYSREG_FAR_EL1, 0x40009 },
    { REG_SYS | SYSREG_PAR_EL1, 0x4000a },
    { REG_SYS | SYSREG_MAIR_EL1, 0x4000b },
    { REG_SYS | SYSREG_VBAR_EL1, 0x4000c },
    { REG_SYS | SYSREG_CONTEXTIDR_EL1, 0x4000d },
    { REG_SYS | SYSREG_TPIDR_EL1, 0x4000e },
    { REG_SYS | SYSREG_TPIDRRO_EL0, 0x40010 },
    { REG_SYS | SYSREG_TPIDR_EL0, 0x40011 },
    { REG_SYS | SYSREG_SPSR_EL1, 0x40014 },
    { REG_SYS | SYSREG_ELR_EL1, 0x40015 },
    { REG_SYS | SYSREG_CSSELR_EL1, 0x40035 },
    { REG_SYS | SYSREG_APDAKeyHi_EL1, 0x40026 },
    { REG_SYS | SYSREG_APDAKeyLo_EL1, 0x40027 },
    { REG_SYS | SYSREG_APDBKeyHi_EL1, 0x40028 },
    { REG_SYS | SYSREG_APDBKeyLo_EL1, 0x40029 },
    { REG_SYS | SYSREG_APGAKeyHi_EL1, 0x4002a },
    { REG_SYS | SYSREG_APGAKeyLo_EL1, 0x4002b },
    { REG_SYS | SYSREG_APIAKeyHi_EL1, 0x4002c },
    { REG_SYS | SYSREG_APIAKeyLo_EL1, 0x4002d },
    { REG_SYS | SYSREG_APIBKeyHi_EL1, 0x4002e },
    { REG_SYS | SYSREG_APIBKeyLo_EL1, 0x4002f },
    { REG_SYS | SYSREG_MDSCR_EL1, 0x5004d },
    { REG_SYS | SYSREG_CNTKCTL_EL1, 0x58008 },
    { REG_SYS | SYSREG_CNTV_CTL_EL0, WHP_REG_CNTV_CTL },
    { REG_SYS | SYSREG_CNTV_CVAL_EL0, WHP_REG_CNTV_CVAL },
    { REG_SYS | SYSREG_CNTVCT_EL0, WHP_REG_CNTVCT },
};

/* Breakpoints and watchpoints, op0 2: by op2 value, control of the one and of the other. */
static uint32_t debug_name(uint32_t encoding)
{
    static const uint32_t base[8] = {
        [4] = WHP_REG_DBGBVR0, [5] = WHP_REG_DBGBCR0, [6] = WHP_REG_DBGWVR0, [7] = WHP_REG_DBGWCR0
    };
    uint32_t first = base[encoding & 7];

    return first != 0 ? first + (uint32_t)bits(encoding, 3, 4) : 0;
}

/* 0: the platform has no number for it. */
static uint32_t name_of(uint32_t reg)
{
    uint32_t encoding = reg - REG_SYS;

    if (reg < REG_SP) {
        return WHP_REG_X0 + reg;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(special); i++) {
        if (special[i].reg == reg) {
            return special[i].name;
        }
    }
    if (reg < REG_SYS || encoding > 0xffff) {
        return 0;
    }
    if (encoding >> 7 == SYSREG(3, 0, 0, 0, 0) >> 7) { /* op0 3, op1 0, CRn 0 */
        return WHP_REG_ID_SPACE + (encoding & 0x7f);
    }
    return encoding >> 7 == SYSREG(2, 0, 0, 0, 0) >> 7 ? debug_name(encoding) : 0;
}

static bool is_partition_wide(uint32_t name)
{
    return name >= WHP_REG_ID_SPACE && name < WHP_REG_ID_SPACE_END;
}

whp_result whp_read(const struct vm *vm, uint32_t vp, uint32_t name, uint64_t *value)
{
    const struct whp_vm *w = whp_of(vm);
    struct whp_value v = { 0, 0 };
    whp_result result = w->api.WHvGetVirtualProcessorRegisters(w->partition, vp, &name, 1, &v);

    *value = v.low;
    return result;
}

whp_result whp_write(const struct vm *vm, uint32_t vp, uint32_t name, uint64_t value)
{
    const struct whp_vm *w = whp_of(vm);
    struct whp_value v = { value, 0 };

    return w->api.WHvSetVirtualProcessorRegisters(w->partition, vp, &name, 1, &v);
}

/* ---- The contract ---------------------------------------------------------------------------- */

/* REG_SP is SP_EL0 at EL0 and where PSTATE.SP says so. */
static uint32_t resolve_sp(struct vcpu *vcpu, uint32_t reg)
{
    uint64_t pstate = 0;

    if (reg != REG_SP) {
        return reg;
    }
    (void)whp_read(vcpu->vm, vcpu->index, WHP_REG_PSTATE, &pstate);
    return (pstate & 1) != 0 ? REG_SP_EL1 : REG_SP_EL0;
}

static bool is_vector(uint32_t reg, uint32_t *name, bool *high)
{
    if (reg < REG_V0_LO || reg >= REG_V0_HI + 32) {
        return false;
    }
    *high = reg >= REG_V0_HI;
    *name = WHP_REG_Q0 + reg - (*high ? REG_V0_HI : REG_V0_LO);
    return true;
}

static enum status get_vector(struct vcpu *vcpu, uint32_t name, struct whp_value *v)
{
    const struct whp_vm *w = whp_of(vcpu->vm);

    return w->api.WHvGetVirtualProcessorRegisters(w->partition, vcpu->index, &name, 1, v) < 0
               ? ST_E_NOENT
               : ST_OK;
}

enum status whp_get_reg(struct vcpu *vcpu, uint32_t reg, uint64_t *value)
{
    struct whp_value v = { 0, 0 };
    uint64_t got;
    uint32_t name;
    bool high;

    if (is_vector(reg, &name, &high)) {
        enum status st = get_vector(vcpu, name, &v);
        *value = st != ST_OK ? *value : high ? v.high : v.low;
        return st;
    }
    name = name_of(resolve_sp(vcpu, reg));
    if (name == 0 ||
        whp_read(vcpu->vm, is_partition_wide(name) ? WHP_ANY_VP : vcpu->index, name, &got) < 0) {
        return ST_E_NOENT;
    }
    *value = got;
    return ST_OK;
}

enum status whp_set_reg(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
    const struct whp_vm *w = whp_of(vcpu->vm);
    struct whp_value v = { 0, 0 };
    uint32_t name;
    bool high;

    if (is_vector(reg, &name, &high)) {
        if (get_vector(vcpu, name, &v) != ST_OK) {
            return ST_E_NOENT;
        }
        *(high ? &v.high : &v.low) = value;
        return w->api.WHvSetVirtualProcessorRegisters(w->partition, vcpu->index, &name, 1, &v) < 0
                   ? ST_E_INVAL
                   : ST_OK;
    }
    name = name_of(resolve_sp(vcpu, reg));
    if (name == 0) {
        return ST_E_NOENT;
    }
    return whp_write(vcpu->vm, is_partition_wide(name) ? WHP_ANY_VP : vcpu->index, name, value) < 0
               ? ST_E_INVAL
               : ST_OK;
}
