/*
 * dry.h - bodies that run for their registers only: a struct cpu with a `dry` reads the guest's memory through the TLB of
 * a real one and changes nothing. What it would have stored is noted; what it cannot know ends it.
 *
 * Such a CPU's own TLB must hold nothing, so that each access comes to the slow paths (mem.c), which turn here.
 */
#ifndef SOFT_DRY_H
#define SOFT_DRY_H

#include "accel/soft/cpu.h"

#define DRY_STORES 64

struct dry_store {
    uint64_t va;
    const uint8_t *host;
    unsigned size;
    uint8_t bytes[16];
};

struct dry {
    const struct cpu *real;
    bool unknown; /* the body has left: an exception, a device, a page that the TLB does not hold */
    unsigned stores;
    struct dry_store store[DRY_STORES];
    /* Where atomic accesses happen; a copy of the memory that store[0], of atomic_size bytes, is about. */
    uint8_t atomic[16] __attribute__((aligned(16)));
    unsigned atomic_size;
};

/* Forgets the last body. */
void dry_begin(struct dry *dry);
/* It has returned: what an atomic access left is noted as a store. */
void dry_end(struct dry *dry);

/* What mem.c and except.c call when cpu->dry is set. */
void dry_unknown(struct cpu *cpu);
void dry_access(struct cpu *cpu, uint64_t va, uint8_t *buf, bool write, unsigned mo);
void dry_probe(struct cpu *cpu, uint64_t va, unsigned size, bool write, unsigned mo);
void *dry_atomic(struct cpu *cpu, uint64_t va, unsigned size, bool write, unsigned mo);

#endif
