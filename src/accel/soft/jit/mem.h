/*
 * mem.h - the way from a guest address to the host's, for templates of loads and stores (t_mem.c).
 */
#ifndef SOFT_JIT_MEM_H
#define SOFT_JIT_MEM_H

#include "accel/soft/jit/vec.h"
#include "accel/soft/op_mem.h"

/* (base << scale) + disp, in the guest's addresses; with the addend's register added, in the host's. */
struct place {
    int base; /* NOREG: the addend has it all */
    int32_t disp;
    int addend;
    unsigned scale;
};

/* As the look at an L0 entry leaves it. */
static inline struct place place_at(int base, int32_t disp)
{
    return (struct place){ .base = base, .disp = disp, .addend = RCX };
}

/* A load or store of t_mem.c: bytes, how it finds its address. */
struct access {
    unsigned base;
    unsigned index; /* X register, and imm is 0; or NO_INDEX */
    unsigned form, shift;
    unsigned entry; /* of the L0 entries */
    int64_t imm;
    unsigned span;
    bool write, post, writes_back;
    bool loads_base; /* both its write-back and what it loads go to the base */
    unsigned below;  /* what it loads is less; 0: that may be anything */
};

/* What the instruction is; false: no access with an immediate offset in the context of its own level. */
bool mem_access(const struct ti *i, struct access *x);
/* The same, or one with an index register. */
bool mem_any_access(const struct ti *i, struct access *x);
/* The field of struct cpu that is the L0 entry of that number, from RBP. */
int32_t l0_place(const struct tr *t, bool write, unsigned entry);
/* Goes the access of the instruction at that slot by the TLB, not by an L0 entry? */
bool mem_by_tlb(const struct tr *t, unsigned slot);

/* Does a load or store of t_mem.c change X register g? */
bool mem_writes(const struct ti *i, unsigned g);

/* A way into memory in the making. */
struct door {
    struct place at;
    uint8_t *miss;
    uint8_t *low;  /* taken if the address is misaligned and must not be */
    uint8_t *have; /* NULL: not by an L0 entry */
    int32_t l0;
    uint8_t span, aligned;
    bool write;
};

/*
 * RCX becomes the addend for an access of span bytes, a power of 2 up to 32, in elements of elem bytes; by the L0 entry of that
 * number. Uses RAX.
 */
struct door tr_door(struct tr *t, struct place at, unsigned span, unsigned elem, bool write,
                    unsigned entry);
/* The access is done; what the door refuses goes to the body. */
void tr_door_close(struct tr *t, const struct door *d);
/* The answered jump is taken if [base + disp, + span), span up to 32, is not in the window of the L0 entry at l0, from RBP.
 * RAX becomes the offset in it. */
uint8_t *l0_look(struct tr *t, int base, int32_t disp, unsigned span, int32_t l0);

/* ---- Groups (group.c) ------------------------------------------------------------------------ */

/* Is the access, of the current instruction, the first of a group? It is to be opened then. */
bool group_plan(struct tr *t, const struct access *first);
/* Looks for all of it, by the L0 entry at l0 from RBP; at: of the first access. Uses RAX. */
void group_open(struct tr *t, struct place at, int32_t l0);
/* Is it one of the others? t->group.l0 has the addend. */
bool group_has(const struct tr *t, const struct access *x);

#endif
