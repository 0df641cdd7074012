/*
 * jit.h - the translator as the rest of the engine sees it: from code pages to x86-64.
 *
 * See docs/jit.md for the design. In short: a slot of a code page that is entered often ("head": target
 * of a far entry, of a backward branch or of a near call) becomes the entry of a region, which is the
 * code that is reachable from it by branches inside the page and has been executed. The region is
 * translated at once. Its slot's `fn` is then host code with a body's prototype, so interpreter and
 * translated code go from one to the other by nothing but `op->fn`.
 */
#ifndef SOFT_JIT_H
#define SOFT_JIT_H

#include "accel/soft/engine.h"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define SOFT_JIT 1
#else
#define SOFT_JIT 0
#endif

/* Unless the configuration says otherwise: bytes of translated code of a machine, and entries before a head is translated. */
#define JIT_CACHE_BYTES (64ull << 20)
#define JIT_HEAT        8

struct jit_link;
struct jit_region;

/* What a code page has once one of its slots is a head. */
struct jit_page {
    op_fn *orig[PAGE_SLOTS];  /* of a head that is counted or an entry: the body behind it */
    uint8_t heat[PAGE_SLOTS]; /* entries so far                                            */
    uint64_t head[PAGE_SLOTS / 64];
    uint64_t
        way_end[PAGE_SLOTS / 64]; /* heads because of a way between regions, as far as is known */
    uint64_t lines;               /* bit n: translated code depends on 64-byte line n          */
    /* Accesses whose L0 entry missed often, and those that go by the TLB because it went on: jit_rethink. */
    uint64_t suspect[PAGE_SLOTS / 64], by_tlb[PAGE_SLOTS / 64];
    uint64_t no_group[PAGE_SLOTS / 64]; /* accesses that begin none: it would often be refused */
    /* Heads of loops whose iterations were counted, and of these, those that are worth a copy: loop.c. */
    uint64_t loop_known[PAGE_SLOTS / 64], loop_hot[PAGE_SLOTS / 64];
    struct jit_link *links; /* by slot */
    struct jit_region *regions;
    uint8_t churn; /* how often translations were lost because the guest changed the code */
};

#if SOFT_JIT
/* Makes the code cache of the CPU's pool, or joins it; false: it runs without translator. */
bool jit_create(struct cpu *cpu);
/* The pool's last CPU goes. */
void jit_destroy(struct cpu *cpu);
/* For everything that belongs to translations. */
void jit_lock(struct cpu *cpu);
void jit_unlock(struct cpu *cpu);
/* Adds what the translator counts. */
void jit_stats(const struct cpu *cpu, struct accel_stats *stats);
/* The slot is a place where execution enters: counts its entries from now on. */
void jit_mark(struct cpu *cpu, struct code_page *page, unsigned slot);
/* The slot has just been decoded, under the pool's lock. */
void jit_decoded(struct cpu *cpu, struct code_page *page, unsigned slot, enum uop uop);
/* Instructions of the line have been replaced by others: forgets what depends on it, and is slower to translate again. Under both
 * locks. */
void jit_changed(struct cpu *cpu, struct code_page *page, unsigned line);
/* What the CPU has translated code of, if it has been called by some, is not to be returned to. */
void jit_leave(struct cpu *cpu);
/*
 * Some hundred accesses found their L0 entry wrong, and the last of them is cpu->l0_op (a sample: the more an
 * access misses, the likelier it is the one). If that took few instructions, the access goes by the TLB from now on.
 * Or cpu->jit_way has been gone so often that its region is translated again.
 */
void jit_rethink(struct cpu *cpu);
/* Counts an entry of a head; answers the function that runs it. */
op_fn *jit_heat(struct cpu *cpu, const struct op *op);
/* From now on translated code counts instructions exactly, of all CPUs. Outside of it. */
void jit_count(struct cpu *cpu);
/* Is cpu_insns exact? */
bool jit_counts(const struct cpu *cpu);
/* For tests: forgets what has been translated, which is the page's, and translates the slot now. NULL: that failed. */
op_fn *jit_now(struct cpu *cpu, struct code_page *page, unsigned slot);
/* For tests: uses no more of the host than this enum vex_level. False: the host has less. */
bool jit_limit(struct cpu *cpu, unsigned level);
/* Where translated code goes on at op, for the jump cache; guarded: the page is (FEAT_BTI). */
const void *jit_far_host(const struct cpu *cpu, const struct op *op, bool guarded);
#else
static inline bool jit_create(struct cpu *cpu)
{
    return false;
}
static inline void jit_destroy(struct cpu *cpu) {}
static inline void jit_lock(struct cpu *cpu) {}
static inline void jit_unlock(struct cpu *cpu) {}
static inline void jit_leave(struct cpu *cpu) {}
static inline void jit_stats(const struct cpu *cpu, struct accel_stats *stats) {}
static inline void jit_mark(struct cpu *cpu, struct code_page *page, unsigned slot) {}
static inline void jit_decoded(struct cpu *cpu, struct code_page *page, unsigned slot, enum uop uop)
{
}
static inline void jit_changed(struct cpu *cpu, struct code_page *page, unsigned line) {}
static inline void jit_rethink(struct cpu *cpu) {}
static inline void jit_count(struct cpu *cpu) {}
static inline bool jit_counts(const struct cpu *cpu)
{
    return true;
}
static inline op_fn *jit_heat(struct cpu *cpu, const struct op *op)
{
    return op->fn;
}
static inline const void *jit_far_host(const struct cpu *cpu, const struct op *op, bool guarded)
{
    return NULL;
}
#endif

#endif
