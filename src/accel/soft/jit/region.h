/*
 * region.h - what region.c, translate.c and jit.c share.
 */
#ifndef SOFT_JIT_REGION_H
#define SOFT_JIT_REGION_H

#include "accel/soft/jit/translate.h"

/* Finds the region of the slot: fills t->insn in the order of addresses, ways and liveness. False: nothing to do. */
bool jit_region(struct tr *t, unsigned slot);
/* Writes the host code and makes the entries; false: no room. */
bool jit_translate(struct tr *t);
/* Writes what the templates of system instructions call. */
void jit_make_system(struct jit *jit, struct cpu *cpu, struct as *a);
/* A new way out to a slot that has no translation yet; NULL: no room. */
struct jit_link *jit_link_new(struct jit *jit, struct code_page *page, unsigned slot);
/* The slot's fn becomes entry; links that waited for it lead to host. */
void jit_set_entry(struct cpu *cpu, struct code_page *page, unsigned slot, op_fn *entry,
                   uint64_t host);
/* Where other regions of the page jump to for op, as a writable address; NULL: it is not translated. */
uint8_t *jit_near_host(const struct jit *jit, const struct op *op);

#endif
