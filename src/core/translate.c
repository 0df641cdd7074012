/*
 * translate.c - guest VA to IPA for back ends whose MMU is the hardware's: a walk of the guest's own
 * tables by its registers, for dumps, debuggers and instructions that must be looked at.
 *
 * DDI 0487, "The AArch64 Virtual Memory System Architecture"; what descriptors mean is in
 * arch/pgtable.c. Permissions are not looked at, and nothing is written.
 */
#include "arch/pgtable.h"
#include "arch/sysreg.h"
#include "base/bits.h"
#include "vm.h"

#define SCTLR_M BIT(0)

static uint64_t sys(struct vcpu *vcpu, uint32_t encoding)
{
    return vcpu_reg(vcpu, REG_SYS | encoding);
}

static unsigned parange(uint64_t mmfr0)
{
    unsigned code = (unsigned)bits(mmfr0, 0, 4);

    return pgt_parange_bits(code);
}

/* What this CPU offers, as its identification registers say. */
static struct pgt_impl impl_of(struct vcpu *vcpu)
{
    uint64_t mmfr0 = sys(vcpu, SYSREG_ID_AA64MMFR0_EL1);
    uint64_t mmfr2 = sys(vcpu, SYSREG_ID_AA64MMFR2_EL1);

    return (struct pgt_impl){
        .pa_bits = (uint8_t)parange(mmfr0),
        .granule16 = bits(mmfr0, 20, 4) != 0,
        .lva = bits(mmfr2, 16, 4) != 0,
        .lpa2 = bits(mmfr0, 28, 4) == 1, /* TGran4 */
        .tbid = true,
    };
}

static enum status walk(const struct guest_mem *mem, const struct pgt_half *half, uint64_t va,
                        uint64_t *ipa)
{
    uint64_t table = half->table;

    for (int level = half->start_level; level <= 3; level++) {
        uint64_t desc, offset;
        if (guest_mem_read(mem, pgt_desc_addr(half, table, va, level), &desc, sizeof(desc)) !=
            ST_OK) {
            return ST_E_RANGE;
        }
        switch (pgt_desc_kind(half, desc, level)) {
        case PGT_INVALID: return ST_E_RANGE;
        case PGT_TABLE: table = pgt_desc_output(half, desc, level); break;
        case PGT_LEAF:
            offset = bits(va, 0, pgt_level_shift(half, level));
            *ipa = pgt_desc_output(half, desc, level) | offset;
            return ST_OK;
        }
    }
    return ST_E_RANGE;
}

enum status vcpu_translate(struct vcpu *vcpu, uint64_t va, uint64_t *ipa)
{
    bool upper = bits(va, 55, 1) != 0;
    struct pgt_half half;
    struct pgt_impl impl;

    if ((sys(vcpu, SYSREG_SCTLR_EL1) & SCTLR_M) == 0) {
        *ipa = va;
        return ST_OK;
    }
    impl = impl_of(vcpu);
    pgt_half_init(&half, sys(vcpu, SYSREG_TCR_EL1),
                  sys(vcpu, upper ? SYSREG_TTBR1_EL1 : SYSREG_TTBR0_EL1), upper, &impl);
    return pgt_out_of_range(&half, va) ? ST_E_RANGE : walk(&vcpu->vm->mem, &half, va, ipa);
}
