/*
 * bti.h - branch target identification: branches that leave a type in PSTATE.BTYPE, and where they may land.
 *
 * DDI 0487, "Effect of entering a guarded page" and the pseudocode function BranchTargetCheck. The type is stored with
 * the count of the instruction that it is for (cpu.h), so no other instruction has to clear it. A branch into a
 * guarded page is made at once if the slot there has been decoded as a landing pad; else run.c looks at the word.
 */
#ifndef SOFT_BTI_H
#define SOFT_BTI_H

#include <stddef.h>

#include "accel/soft/cpu.h"

/* Values of BTYPE. */
enum {
    BTYPE_NONE,
    BTYPE_JUMP_ANY, /* BR through X16 or X17, or from a page that is not guarded */
    BTYPE_CALL,     /* BLR                                                       */
    BTYPE_JUMP,     /* any other BR                                              */
};

/* What BR of register rn leaves. */
static inline uint8_t bti_jump_type(const struct lower *lo, unsigned rn)
{
    bool guarded = (lo->flags & LOWER_GUARDED) != 0;

    return guarded && rn != 16 && rn != 17 ? BTYPE_JUMP : BTYPE_JUMP_ANY;
}

/*
 * May a branch of this type go to the slot? What depends on SCTLR_EL1, is exempt (BRK) or has not been decoded yet is
 * refused, if the page is guarded.
 */
static ALWAYS_INLINE bool bti_lands(const struct cpu *cpu, const struct op *to, uint64_t va,
                                    unsigned btype)
{
    const struct code_page *page =
        CONTAINER_OF((struct op *)(uintptr_t)page_of_op(to, va), struct code_page, ops);

    if (!page->guarded) {
        return true;
    }
    if (to->fn == op_decode) {
        return false;
    }
    switch (to->word) {
    case 0xd503245f: return btype != BTYPE_JUMP;                                 /* BTI c */
    case 0xd503249f: return btype != BTYPE_CALL;                                 /* BTI j */
    case 0xd50324df: return true;                                                /* BTI jc */
    case 0xd503233f:                                                             /* PACIASP */
    case 0xd503237f: return btype != BTYPE_JUMP && cpu_has(cpu, A64_FEAT_PAUTH); /* PACIBSP */
    default: return false;
    }
}

/* FAR_JUMP of a branch that leaves a type. */
#define TYPED_JUMP(va_, btype_)                                             \
    do {                                                                    \
        const uint64_t typed_va_ = (va_);                                   \
        const unsigned type_ = (btype_);                                    \
        COUNT_OUT(op, 1);                                                   \
        cpu->btype = type_;                                                 \
        cpu->btype_count = cpu->count_bias;                                 \
        FAR_ENTER_IF(typed_va_, bti_lands(cpu, je_->op, typed_va_, type_)); \
    } while (0)

#endif
