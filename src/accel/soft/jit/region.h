/*
 * region.h - what region.c, translate.c and jit.c share.
 */
#ifndef SOFT_JIT_REGION_H
#define SOFT_JIT_REGION_H

#include "accel/soft/jit/translate.h"

/* Bytes between two entries of a region at least: each may become a jump (entry_close in jit.c). */
#define JIT_ENTRY_BYTES 5
/* What entry_close writes over a far one: its address is followed by at least as many bytes of code. */
#define JIT_CLOSED_BYTES 18

/* Finds the region of the slot: fills t->insn in the order of addresses, ways and liveness. False: nothing to do. */
bool jit_region(struct tr *t, unsigned slot);
/* Does the instruction after it run next, sometimes? */
bool jit_falls(enum uop uop);
/* What group_open left for behind the region. */
void group_cold(struct tr *t, const struct cold *c);
/* Writes the host code and makes the entries; false: no room. */
bool jit_translate(struct tr *t);
/* Writes the code that regions share (stubs.c). */
void jit_make_stubs(struct jit *jit, struct cpu *cpu);
/* Writes a jump to the address in RAX through the jump cache; R14 is the count. Uses RCX, RDX. */
void jit_far(struct as *a, const struct jit *jit, struct far_way way);
/* See stubs.c. */
void jit_frames_note(struct as *a);
void jit_frames_return(struct as *a);
/* perf.c: tell a profiler, if there is one, of the code that regions share and of a region. */
void jit_tell_shared(const struct cpu *cpu);
void jit_tell_region(const struct cpu *cpu, const struct jit_region *region, unsigned slot);
/* Writes what the templates of system instructions call. */
void jit_make_system(struct jit *jit, struct cpu *cpu, struct as *a);
/* Where code of the page goes on at a slot outside of its region, and the jump there; NULL: no room. */
struct jit_link *jit_link_to(struct jit *jit, struct code_page *page, unsigned slot);
void jit_link_jump(struct as *a, const struct jit_link *link);
/* The slot's fn becomes entry; the slot's link leads to host. */
void jit_set_entry(struct cpu *cpu, struct code_page *page, unsigned slot, op_fn *entry,
                   uint64_t host);
/* Where other regions of the page jump to for op, as a writable address; NULL: it is not translated. */
uint8_t *jit_near_host(const struct jit *jit, const struct op *op);

#endif
