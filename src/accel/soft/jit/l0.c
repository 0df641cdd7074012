/*
 * l0.c - what translated code calls when an L0 entry (struct tlb_l0) is not that of its access: the TLB's page, or the window
 * that it is part of, goes there.
 */
#include "accel/soft/jit/region.h"

#if SOFT_JIT

/* An L0 entry was no help; the budget of such misses is used up. */
static void make_l0_sample(struct as *a)
{
    as_rm(a, 0, 32, 0xc7, 0, RBP, OFF(l0_budget), false);
    as_4(a, L0_SAMPLE);
    as_load(a, 64, RAX, RBP, OFF(jit_tmp[0]));
    as_store(a, 64, RAX, RBP, OFF(l0_op));
    as_1(a, 0xf0); /* LOCK OR */
    as_alu_mi(a, 32, ALU_OR, RBP, OFF(pending), PEND_JIT);
}

/* The entry at RCX becomes the window of as many bytes as RAX says around RDX. RAX is lo then. */
static void l0_fill(struct as *a)
{
    as_alu_i(a, 64, ALU_SUB, RAX, L0_NARROW - 1);
    as_store(a, 64, RAX, RCX, offsetof(struct l0_entry, narrow));
    as_alu_i(a, 64, ALU_SUB, RAX, L0_WIDE - L0_NARROW);
    as_store(a, 64, RAX, RCX, offsetof(struct l0_entry, wide));
    as_alu_i(a, 64, ALU_ADD, RAX, L0_WIDE - 1);
    as_neg(a, 64, RAX);
    as_alu(a, 64, ALU_AND, RAX, RDX);
    as_store(a, 64, RAX, RCX, offsetof(struct l0_entry, lo));
}

/* Notes the entry at RCX, which is of the set whose first is at an offset from RBP, as used. Uses RAX, RCX. */
static void l0_note(struct as *a, int32_t first, int32_t used)
{
    as_lea(a, 64, RAX, RBP, first);
    as_alu(a, 64, ALU_SUB, RCX, RAX);
    as_shift(a, 64, SH_SHR, RCX, 5);
    _Static_assert(sizeof(struct l0_entry) == 1 << 5 && L0_ENTRIES == 64, "a bit for each");
    as_load(a, 64, RAX, RBP, used);
    as_rr(a, 0, 64, 0x0fab, RCX, RAX, false); /* BTS RAX, RCX */
    as_store(a, 64, RAX, RBP, used);
}

/* See struct jit, l0_read: what the TLB has goes into the L0 entry, or the access is the body's. */
static void make_l0(struct as *a, bool el0, bool write, unsigned span)
{
    int32_t tag =
        (int32_t)(write ? offsetof(struct tlb_entry, wtag) : offsetof(struct tlb_entry, rtag));
    int32_t of_el = (int32_t)(el0 * sizeof(struct tlb_l0));
    int32_t first = (write ? OFF(l0[0].e[L0_WRITE][0]) : OFF(l0[0].e[L0_READ][0])) + of_el;
    int32_t used = (write ? OFF(l0[0].used[L0_WRITE]) : OFF(l0[0].used[L0_READ])) + of_el;
    uint8_t *miss, *cross, *sample;

    as_store(a, 64, RAX, RBP, OFF(jit_tmp[0]));
    as_store(a, 64, RCX, RBP, OFF(jit_tmp[1]));
    tr_tlb_slot(a, RDX, OFF(tlb));
    as_mov(a, 64, RAX, RDX);
    as_alu_i(a, 64, ALU_AND, RAX, -(int32_t)SOFT_PAGE);
    as_alu_m(a, 64, ALU_CMP, RAX, RCX, tag);
    miss = as_jcc(a, CC_NE);
    as_load(a, 64, RAX, RCX, offsetof(struct tlb_entry, addend));
    as_store(a, 64, RAX, RBP, OFF(jit_tmp[2]));
    as_load(a, 64, RAX, RCX, offsetof(struct tlb_entry, window));
    as_load(a, 64, RCX, RBP, OFF(jit_tmp[1]));
    as_lea_x(a, 64, RCX, RBP, RCX, 0, 0);
    l0_fill(a);
    as_neg(a, 64, RAX);
    as_lea_x(a, 64, RAX, RDX, RAX, 0, (int32_t)span - L0_NARROW);
    as_alu_m(a, 64, ALU_CMP, RAX, RCX, offsetof(struct l0_entry, narrow));
    as_load(a, 64, RAX, RBP, OFF(jit_tmp[2]));
    as_store(a, 64, RAX, RCX, offsetof(struct l0_entry, addend));
    cross = as_jcc(a, CC_GE);
    l0_note(a, first, used);
    jit_counter(a, OFF(jit_counts.l0_refills));
    as_alu_mi(a, 32, ALU_SUB, RBP, OFF(l0_budget), 1);
    sample = as_jcc(a, CC_NS);
    make_l0_sample(a);
    as_patch(a, sample, a->p);
    as_load(a, 64, RCX, RBP, OFF(jit_tmp[2]));
    as_alu(a, 32, ALU_XOR, RAX, RAX);
    as_1(a, 0xc3);
    as_patch(a, cross, a->p);
    l0_note(a, first, used);
    as_patch(a, miss, a->p);
    jit_counter(a, OFF(jit_counts.l0_misses)); /* which leaves ZF clear */
    as_1(a, 0xc3);
}

/* See struct jit, group_miss. It counts as an L0 entry that was no help. */
static void make_group_miss(struct as *a)
{
    uint8_t *sample;

    as_alu_i(a, 64, ALU_OR, RAX, L0_GROUP);
    as_store(a, 64, RAX, RBP, OFF(jit_tmp[0]));
    as_alu_mi(a, 32, ALU_SUB, RBP, OFF(l0_budget), 1);
    sample = as_jcc(a, CC_NS);
    make_l0_sample(a);
    as_patch(a, sample, a->p);
    as_1(a, 0xc3);
}

void jit_make_l0(struct jit *jit, struct as *a)
{
    for (unsigned el0 = 0; el0 < 2; el0++) {
        for (unsigned n = 0; n < SPANS; n++) {
            jit->l0_read[el0][n] = a->p;
            make_l0(a, el0 != 0, false, 1u << n);
            jit->l0_write[el0][n] = a->p;
            make_l0(a, el0 != 0, true, 1u << n);
        }
    }
    jit->group_miss = a->p;
    make_group_miss(a);
}

#endif
