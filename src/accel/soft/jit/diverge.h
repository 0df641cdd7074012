/*
 * diverge.h - translator and interpreter in step (jit=diverge): see diverge.c.
 */
#ifndef SOFT_JIT_DIVERGE_H
#define SOFT_JIT_DIVERGE_H

#include "accel/soft/jit/translate.h"

/* False: no memory. */
bool diverge_create(struct cpu *cpu);
void diverge_destroy(struct cpu *cpu);
/* The code that all checks share. */
void diverge_make(struct jit *jit, struct as *a);
/* Before the instruction t->i is translated: a check. Answers a place for diverge_fused; NULL: there is no check. */
uint8_t *diverge_check(struct tr *t);
/* So many instructions after it have been translated together with it. */
void diverge_fused(struct tr *t, uint8_t *at, unsigned fused);

#endif
