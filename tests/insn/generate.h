/*
 * generate.h - random instructions of a row, and register values that find mistakes.
 */
#ifndef INSN_GENERATE_H
#define INSN_GENERATE_H

#include <stdbool.h>

#include "arch/a64.h"
#include "insn_state.h"

struct random {
    uint64_t state;
};

uint64_t random_next(struct random *r);
/* 0 .. below - 1 */
unsigned random_below(struct random *r, unsigned below);
/* One of the values that integer instructions get wrong, or any. */
uint64_t random_value(struct random *r);

/* True if word has bits that the row's pattern ignores (SBO, SBZ): oracles may differ on other
 * values than should be. */
bool generate_has_ignored(const struct a64_table *t, const struct a64_row *row);
/*
 * A word that decodes to the row; false if none was found. Rows flagged A64_UNPRED get registers
 * that are all different.
 */
bool generate_word(struct random *r, const struct a64_table *t, const struct a64_row *row,
                   uint32_t *word);

enum generate_fpcr {
    FPCR_ZERO_OR_DN, /* what VIXL can do              */
    FPCR_ANY,        /* every rounding mode, FZ, AHP … */
};

/* All registers and flags. */
void generate_state(struct random *r, enum generate_fpcr fpcr, struct insn_state *s);
/* Another state for word, an instruction of the row: the registers that it names, flags, FPCR and FPSR are new, and one
 * register that it does not name. The PC stays. */
void generate_operands(struct random *r, const struct a64_table *t, const struct a64_row *row,
                       uint32_t word, enum generate_fpcr fpcr, struct insn_state *s);

#endif
