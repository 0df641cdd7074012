/*
 * region.h - what region.c, translate.c, jit.c, cache.c and rethink.c share.
 */
#ifndef SOFT_JIT_REGION_H
#define SOFT_JIT_REGION_H

#include "accel/soft/jit/translate.h"

/* Room that a region may need at most. */
#define JIT_REGION_BYTES (128 << 10)
/* Of a jump: what is written over a way in from the jump cache. */
#define JUMP_BYTES 5
/* For loop.c: where ways inside of a region lead. */
enum fix_to { FIX_HOST, FIX_CHECK, FIX_LOOP /* and its number */ };
void tr_fix(struct tr *t, uint8_t *at, unsigned slot, unsigned to);
/* Jumps on to where the way out of a hot loop leads. */
void tr_way_on(struct tr *t, const struct cold *c);
/* A place that several ways lead to: what they bring is stored, or forgotten. */
void tr_join(struct tr *t, const struct ti *i);
/* Nothing is known: no way leads here from the instruction before. */
void tr_forget(struct tr *t);
/* Writes an instruction's code, and the way on if that is no straight line. */
void tr_instruction(struct tr *t, struct ti *i);

/* How often a region may be translated again. */
#define JIT_TIERS 2

/* Counts one of cpu->jit_counts, at an offset from RBP. */
static inline void jit_counter(struct as *a, int32_t at)
{
    as_rm(a, 0, 64, 0xff, 0, RBP, at, false); /* INC */
}

/* Where instructions are not counted: one has been executed. */
void jit_count_one(struct as *a, const struct jit *jit);

/*
 * Writes over code that may be running: at once, for it lies in 8 aligned bytes, as jit_room has seen to. Where there is only one CPU
 * it may lie anywhere.
 */
void jit_rewrite(uint8_t *at, const void *bytes, unsigned count);
/* Room for a jump of so many bytes before its displacement, if others than its CPU may change that. */
void jit_room(struct as *a, bool alone, unsigned opcode);

/* Finds the region of the slot: fills t->insn in the order of addresses, ways and liveness. False: nothing to do. */
bool jit_region(struct tr *t, unsigned slot);
/* Does the instruction after it run next, sometimes? */
bool jit_falls(enum uop uop);
/* Target slot of a near branch, or -1. */
int jit_near_target(const struct ti *i);
/* Might the template misalign SP? */
bool jit_moves_sp(const struct ti *i);
/* exact.c: finds out who has set NZCV, and who may see them; also in the copy of a loop. */
void jit_exact(struct tr *t);
void jit_exact_loop(struct tr *t, struct loop *l);
/* Might it be left at the instruction, or behind it, before NZCV are set again? */
bool jit_is_exit(const struct ti *i);
/* Does it set NZCV before anybody, also an exception, can see what they were? */
bool jit_sets_first(const struct ti *i);
/* redo.c: the code that has NZCV once more, behind the region; what regions share of it. */
void jit_redo_code(struct tr *t);
void jit_make_redo(struct jit *jit, struct as *a);
/* What group_open left for behind the region. */
void group_cold(struct tr *t, const struct cold *c);
/* Writes the host code and makes the entries; false: no room. */
bool jit_translate(struct tr *t);
/* The body behind an entry, where the translated code must not run. */
op_fn jit_interpret;
/* Writes the code that regions share (stubs.c). */
void jit_make_stubs(struct jit *jit, const struct cpu *cpu);
/*
 * Writes a jump to the address in RAX through the jump cache; the count is as outside of slots. Uses RCX, RDX. If the way is a call or typed
 * jit_far_stale is to write a bit more, elsewhere.
 */
struct far_stale {
    uint8_t *from, *back;
};
struct far_stale jit_far(struct as *a, const struct jit *jit, struct far_way way);
void jit_far_stale(struct as *a, const struct jit *jit, struct far_stale stale);
/* See stubs.c. */
void jit_frames_note(struct as *a);
void jit_frames_return(struct as *a);
/* perf.c: tell a profiler, if there is one, of the code that regions share and of a region. */
void jit_tell_shared(const struct cpu *cpu);
void jit_tell_region(const struct cpu *cpu, const struct code_page *page,
                     const struct jit_region *region, unsigned slot);
/* Writes what looks at L0 entries call (l0.c). */
void jit_make_l0(struct jit *jit, struct as *a);
/* Writes what the templates of system instructions call. */
void jit_make_system(struct jit *jit, struct as *a);
/* Writes the end of cold code c, which begins at start: on to a slot of the page. False: no room. */
bool jit_way_out(struct tr *t, const struct cold *c, const uint8_t *start);
/* The way is not counted any more. */
void jit_way_direct(const struct jit *jit, struct jit_way *way);
/* As jit_mark, of a slot that is known as the end of a way only. */
void jit_mark_way(struct cpu *cpu, struct code_page *page, unsigned slot);
/* The slot has been translated, or is not any more. */
void jit_link_set(const struct jit *jit, const struct code_page *page, unsigned slot);
/* Forgets the ways that lead out of the code from start to end. */
void jit_links_forget(const struct code_page *page, const uint8_t *start, const uint8_t *end);
/* The slot's fn becomes entry, which translate.c has just written. */
void jit_set_entry(struct cpu *cpu, struct code_page *page, unsigned slot, op_fn *entry);
/* Where other regions of the page jump to for op, as a writable address; NULL: it is not translated. */
uint8_t *jit_near_host(const struct jit *jit, const struct op *op);
/* The same with a look at pending before; NULL: it has none. */
uint8_t *jit_near_check(const struct jit *jit, const struct op *op);
/* It is translated, and nobody reads NZCV there. */
bool jit_near_dead(const struct jit *jit, const struct op *op);
/* Is the op an entry of the region? */
static inline bool jit_region_has(const struct jit_region *region, const struct op *op)
{
    return (uintptr_t)op->fn >= region->start && (uintptr_t)op->fn < region->end;
}
/* Translates from the slot on, for the tier-th time again. If that is not possible all is as it was, or everything is dropped. */
void jit_make_region(struct cpu *cpu, struct code_page *page, unsigned slot, unsigned tier);
/* Forgets what was translated from 64-byte lines of the page; false: nothing was. What was decoded stays. Under both locks. */
bool jit_drop_lines(struct cpu *cpu, struct code_page *page, uint64_t lines);
/* The same, and no more: what is not returned to, and who is told, is the caller's. */
bool jit_forget_lines(struct cpu *cpu, struct code_page *page, uint64_t lines);
/* cache.c: is it there to be filled? Not if others may still be running what was in it. */
bool jit_cache_open(struct cpu *cpu);
/* Nothing leads into the code cache any more, but for jump caches; when all CPUs have passed it begins anew. */
void jit_cache_drop(struct cpu *cpu);
/* It is empty. */
void jit_cache_begin(struct jit *jit);
/* rethink.c: the CPU's counts begin. */
void jit_rethink_begin(struct cpu *cpu);
/* The number of a loop head's struct loop_cell in struct cpu. */
unsigned loop_cell(const struct code_page *page, unsigned slot);

#endif
