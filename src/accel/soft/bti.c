/*
 * bti.c - which instructions may be the target of an indirect branch into a guarded page (FEAT_BTI).
 *
 * DDI 0487, pseudocode functions BTypeCompatible_BTI and BTypeCompatible_PACIXSP. Breakpoint instructions are exempt,
 * so that a debugger may put one anywhere.
 */
#include "accel/soft/bti.h"

#include "accel/soft/engine.h"

/* BTI's operand: bit 0, calls may land here (c), bit 1, jumps may (j). */
static bool lands_on_bti(uint32_t btype, unsigned operand)
{
    switch (operand) {
    case 0: return false;
    case 1: return btype != BTYPE_JUMP;
    case 2: return btype != BTYPE_CALL;
    default: return true;
    }
}

/* SCTLR_EL1.BT0 and BT1 take PACIASP from the targets of jumps. */
static bool lands_on_pacisp(const struct cpu *cpu)
{
    uint64_t strict = cpu_el(cpu) == 0 ? SCTLR_BT0 : SCTLR_BT1;

    return cpu->btype != BTYPE_JUMP || (cpu->priv->sys[SYS_SCTLR_EL1] & strict) == 0;
}

bool bti_lands_on(const struct cpu *cpu, uint32_t word)
{
    const struct a64_row *row = a64_decode(cpu->vcpu->vm->a64, word);

    if (cpu->btype == BTYPE_NONE) {
        return true;
    }
    switch (row != NULL ? row->index : A64_INSN_COUNT) {
    case A64_INSN_BTI:
    case A64_INSN_BTI_c:
    case A64_INSN_BTI_j:
    case A64_INSN_BTI_jc: return lands_on_bti(cpu->btype, (unsigned)bits(word, 6, 2));
    case A64_INSN_PACIASP:
    case A64_INSN_PACIBSP: return lands_on_pacisp(cpu);
    case A64_INSN_BRK:
    case A64_INSN_HLT: return true;
    default: return false;
    }
}
