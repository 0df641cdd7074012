/*
 * op_mem_x.h - the fast paths of loads and stores of general registers: what op_mem.c makes bodies from, and fwd_body.c
 * others. False: not done, the slow path must do it.
 */
#ifndef SOFT_OP_MEM_X_H
#define SOFT_OP_MEM_X_H

#include "accel/soft/op_mem.h"

/* ---- One register ---------------------------------------------------------------------------- */

/* What is loaded goes to *value, too. */
static ALWAYS_INLINE bool load_value(struct cpu *cpu, const struct op *op, uint64_t va,
                                     uint64_t after, unsigned acc, uint64_t *value)
{
    const struct tlb_entry *e = tlb_slot(acc_tlb(cpu, acc), va);

    if (UNLIKELY(e->rtag != tlb_tag(cpu, va, acc_bytes(acc)))) {
        return false;
    }
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    *value = extend(racy_load(tlb_host(e, va), acc & MO_SIZE), acc);
    cpu->x[op->rd] = *value;
    return true;
}

static ALWAYS_INLINE bool load(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t after,
                               unsigned acc)
{
    uint64_t value;

    return load_value(cpu, op, va, after, acc, &value);
}

static ALWAYS_INLINE bool store_value(struct cpu *cpu, const struct op *op, uint64_t va,
                                      uint64_t after, unsigned acc, uint64_t value)
{
    const struct tlb_entry *e = tlb_slot(acc_tlb(cpu, acc), va);

    if (UNLIKELY(e->wtag != tlb_tag(cpu, va, acc_bytes(acc)))) {
        return false;
    }
    racy_store(tlb_host(e, va), acc & MO_SIZE, value);
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    return true;
}

static ALWAYS_INLINE bool store(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t after,
                                unsigned acc)
{
    return store_value(cpu, op, va, after, acc, cpu->x[op->rd]);
}

#define SINGLES(BODY)                                \
    MEM_FORMS_USER(BODY, ld8, load, 0)               \
    MEM_FORMS_USER(BODY, ld8s32, load, 0 | ACC_S32)  \
    MEM_FORMS_USER(BODY, ld8s64, load, 0 | ACC_S64)  \
    MEM_FORMS_USER(BODY, ld16, load, 1)              \
    MEM_FORMS_USER(BODY, ld16s32, load, 1 | ACC_S32) \
    MEM_FORMS_USER(BODY, ld16s64, load, 1 | ACC_S64) \
    MEM_FORMS_USER(BODY, ld32, load, 2)              \
    MEM_FORMS_USER(BODY, ld32s64, load, 2 | ACC_S64) \
    MEM_FORMS_USER(BODY, ld64, load, 3)              \
    MEM_FORMS_USER(BODY, st8, store, 0)              \
    MEM_FORMS_USER(BODY, st16, store, 1)             \
    MEM_FORMS_USER(BODY, st32, store, 2)             \
    MEM_FORMS_USER(BODY, st64, store, 3)             \
    MEM_LITERAL(BODY, ld32, load, 2)                 \
    MEM_LITERAL(BODY, ld32s64, load, 2 | ACC_S64)    \
    MEM_LITERAL(BODY, ld64, load, 3)

/* ---- Pairs ----------------------------------------------------------------------------------- */

static ALWAYS_INLINE void finish_load_pair(struct cpu *cpu, const struct op *op, uint64_t v0,
                                           uint64_t v1, uint64_t after, unsigned acc)
{
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    cpu->x[op->rd] = extend(v0, acc);
    cpu->x[op->rm] = extend(v1, acc);
}

/*
 * FEAT_LSE2: two words inside 16 aligned bytes, and two doublewords that are 16 aligned bytes, are one single-copy
 * atomic access (DDI 0487, "Changes to single-copy atomicity in Armv8.4"). Words always are one here; doublewords
 * need a vector register, which is slower than two general ones, so only ACC_ONE does it: for machines where another
 * CPU could tell the difference.
 */
static ALWAYS_INLINE void load_both(struct cpu *cpu, const struct op *op, const void *p,
                                    uint64_t after, unsigned acc)
{
    if (acc & ACC_ONE) {
        const racy_pair value = racy_load16(p);
        finish_load_pair(cpu, op, value[0], value[1], after, acc);
    } else if ((acc & MO_SIZE) == 3) {
        const uint64_t v0 = racy_load(p, 3);
        const uint64_t v1 = racy_load((const char *)p + 8, 3);
        finish_load_pair(cpu, op, v0, v1, after, acc);
    } else {
        const uint64_t value = racy_load(p, 3);
        finish_load_pair(cpu, op, (uint32_t)value, value >> 32, after, acc);
    }
}

static ALWAYS_INLINE void store_both(const struct cpu *cpu, const struct op *op, void *p,
                                     unsigned acc)
{
    const uint64_t v0 = cpu->x[op->rd], v1 = cpu->x[op->rm];

    if (acc & ACC_ONE) {
        racy_store16(p, (racy_pair){ v0, v1 });
    } else if ((acc & MO_SIZE) == 3) {
        racy_store(p, 3, v0);
        racy_store((char *)p + 8, 3, v1);
    } else {
        racy_store(p, 3, (uint32_t)v0 | v1 << 32);
    }
}

static ALWAYS_INLINE bool load_pair(struct cpu *cpu, const struct op *op, uint64_t va,
                                    uint64_t after, unsigned acc)
{
    const struct tlb_entry *e = tlb_slot(cpu->tlb, va);
    const unsigned elem = acc_bytes(acc);

    if (UNLIKELY(e->rtag != span_tag(cpu, va, 2 * elem, elem))) {
        return false;
    }
    load_both(cpu, op, tlb_host(e, va), after, acc);
    return true;
}

static ALWAYS_INLINE bool store_pair(struct cpu *cpu, const struct op *op, uint64_t va,
                                     uint64_t after, unsigned acc)
{
    const struct tlb_entry *e = tlb_slot(cpu->tlb, va);
    const unsigned elem = acc_bytes(acc);

    if (UNLIKELY(e->wtag != span_tag(cpu, va, 2 * elem, elem))) {
        return false;
    }
    store_both(cpu, op, tlb_host(e, va), acc);
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    return true;
}

#define PAIRS(BODY)                                    \
    MEM_FORMS3(BODY, ldp32, load_pair, 2)              \
    MEM_FORMS3(BODY, ldp32s64, load_pair, 2 | ACC_S64) \
    MEM_FORMS3(BODY, ldp64, load_pair, 3)              \
    MEM_FORMS3(BODY, ldp64a, load_pair, 3 | ACC_ONE)   \
    MEM_FORMS3(BODY, stp32, store_pair, 2)             \
    MEM_FORMS3(BODY, stp64, store_pair, 3)             \
    MEM_FORMS3(BODY, stp64a, store_pair, 3 | ACC_ONE)

#endif
