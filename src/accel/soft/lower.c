/*
 * lower.c - from an instruction word to one micro-operation.
 *
 * The row of the instruction table names the family's lowering function; this file finds it, after
 * looking at what the CPU model has.
 */
#include "accel/soft/cpu.h"

static lower_fn *const family[A64_INSN_COUNT + 1] = {
#define INSN(name, pattern, feat, flags, lower, assembler) [A64_INSN_##name] = lower_##lower,
#include "arch/a64.def"
#undef INSN
};

enum uop lower_insn(const struct lower *lo, uint32_t word, struct op *op)
{
    struct lower with_row = *lo;
    const struct a64_row *row = a64_decode(lo->cpu->vcpu->vm->a64, word);

    op->word = word;
    op->rd = op->rn = op->rm = op->ra = 0;
    op->imm = 0;
    if (row == NULL) {
        return UOP_undefined;
    }
    if (!cpu_has(lo->cpu, row->feat)) {
        return (row->flags & A64_HINT) != 0 ? UOP_nop : UOP_undefined;
    }
    with_row.row = row;
    return family[row->index](&with_row, word, op);
}

bool lower_branch(const struct lower *lo, int64_t delta_bytes, struct op *op)
{
    int64_t slot = (int64_t)lo->slot + delta_bytes / 4;

    if ((lo->flags & LOWER_FAR) != 0 || slot < 0 || slot >= PAGE_SLOTS) {
        op->imm = (uint64_t)delta_bytes;
        return false;
    }
    op->imm = (uint64_t)(delta_bytes / 4 * (int64_t)sizeof(struct op));
    return true;
}
