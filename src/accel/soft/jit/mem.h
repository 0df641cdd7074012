/*
 * mem.h - the way from a guest address to the host's, for templates of loads and stores (t_mem.c).
 */
#ifndef SOFT_JIT_MEM_H
#define SOFT_JIT_MEM_H

#include "accel/soft/jit/vec.h"

/* base + disp, in the guest's addresses; with RCX added, in the host's. */
struct place {
    int base;
    int32_t disp;
    bool by_sp; /* base is SP, and the look at the page is one at SP's alignment, too */
};

/* A way into memory in the making. */
struct door {
    struct place at;
    uint8_t *miss, *cross;
    uint8_t *have; /* NULL: not by an L0 entry */
    int32_t l0;
    uint8_t span, aligned;
    bool write;
};

/*
 * RCX becomes the addend of the page for an access of span bytes, a power of 2 up to 32, in elements of elem bytes; by the L0
 * entry of that number. wide: often misaligned. Uses RAX.
 */
struct door tr_door(struct tr *t, struct place at, unsigned span, unsigned elem, bool write,
                    unsigned entry, bool wide);
/* The access is done; what the door refuses, and the jump odd, go to the body. */
void tr_door_close(struct tr *t, const struct door *d, uint8_t *odd);
/* Has the instruction been seen to be? */
bool tr_often_misaligned(const struct tr *t);

#endif
