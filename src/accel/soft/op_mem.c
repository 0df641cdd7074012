/*
 * op_mem.c - loads and stores of general registers: single, pair, literal, unprivileged.
 *
 * DDI 0487, "Loads and stores" (A64 instruction descriptions). A body is one lookup in the TLB, one
 * host access and the jump to the next op; what the fast path refuses goes to the *_slow functions,
 * which serve all kinds. Nothing architectural is written before every access of the instruction
 * has succeeded. Where a base that is written back is also a destination (CONSTRAINED
 * UNPREDICTABLE), the loaded value stays.
 */
#include "accel/soft/op_mem.h"

/* ---- One register ---------------------------------------------------------------------------- */

static NOINLINE bool load_slow(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t after,
                               unsigned acc)
{
    const uint64_t value = mem_ld_slow(cpu, op, va, acc_mo(acc));

    if (cpu->left) {
        return false;
    }
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    cpu->x[op->rd] = extend(value, acc);
    return true;
}

static NOINLINE bool store_slow(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t after,
                                unsigned acc)
{
    mem_st_slow(cpu, op, va, cpu->x[op->rd], acc_mo(acc));
    if (cpu->left) {
        return false;
    }
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    return true;
}

/* False: the slow path must do it. */
static ALWAYS_INLINE bool load(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t after,
                               unsigned acc)
{
    const struct tlb_entry *e = tlb_slot(acc_tlb(cpu, acc), va);

    if (UNLIKELY(e->rtag != tlb_tag(cpu, va, acc_bytes(acc)))) {
        return false;
    }
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    cpu->x[op->rd] = extend(racy_load(tlb_host(e, va), acc & MO_SIZE), acc);
    return true;
}

static ALWAYS_INLINE bool store(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t after,
                                unsigned acc)
{
    const struct tlb_entry *e = tlb_slot(acc_tlb(cpu, acc), va);

    if (UNLIKELY(e->wtag != tlb_tag(cpu, va, acc_bytes(acc)))) {
        return false;
    }
    racy_store(tlb_host(e, va), acc & MO_SIZE, cpu->x[op->rd]);
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    return true;
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

SINGLES(MEM_SLOW)
SINGLES(MEM_FAST_X)

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

static NOINLINE bool load_pair_slow(struct cpu *cpu, const struct op *op, uint64_t va,
                                    uint64_t after, unsigned acc)
{
    const unsigned elem = acc_bytes(acc);

    if (!span_probe(cpu, op, va, 2 * elem, elem, false, acc_mo(acc))) {
        return false;
    }
    if (load_pair(cpu, op, va, after, acc)) { /* it is in the TLB now */
        return true;
    }
    const uint64_t v0 = mem_ld_slow(cpu, op, va, acc_mo(acc));
    if (cpu->left) {
        return false;
    }
    const uint64_t v1 = mem_ld_slow(cpu, op, va + elem, acc_mo(acc));
    if (cpu->left) {
        return false;
    }
    finish_load_pair(cpu, op, v0, v1, after, acc);
    return true;
}

static NOINLINE bool store_pair_slow(struct cpu *cpu, const struct op *op, uint64_t va,
                                     uint64_t after, unsigned acc)
{
    const unsigned elem = acc_bytes(acc);

    if (!span_probe(cpu, op, va, 2 * elem, elem, true, acc_mo(acc))) {
        return false;
    }
    if (store_pair(cpu, op, va, after, acc)) {
        return true;
    }
    mem_st_slow(cpu, op, va, cpu->x[op->rd], acc_mo(acc));
    if (cpu->left) {
        return false;
    }
    mem_st_slow(cpu, op, va + elem, cpu->x[op->rm], acc_mo(acc));
    if (cpu->left) {
        return false;
    }
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

PAIRS(MEM_SLOW)
PAIRS(MEM_FAST_X)
