/*
 * exact.h - what exact.c and redo.c share.
 */
#ifndef SOFT_JIT_EXACT_H
#define SOFT_JIT_EXACT_H

#include "accel/soft/jit/translate.h"

static inline bool exact_sets(const struct ti *i)
{
    return (uop_table[i->uop].flags & UOP_NZCV_OUT) != 0;
}

/* The index in t->from of what is like f, which is made if there is none; NZ_MANY: no room, and t->a.full. */
int16_t exact_from(struct tr *t, struct from f);

#endif
