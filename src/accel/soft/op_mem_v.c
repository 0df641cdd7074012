/*
 * op_mem_v.c - loads and stores of SIMD and FP registers: single, pair, literal, and LD1-LD4,
 * ST1-ST4.
 *
 * DDI 0487, "Loads and stores" and "Advanced SIMD load/store multiple structures". A V register is
 * always written as one 16-byte vector: the bodies that use it read it as one, and two halves would
 * not be forwarded to that read. A 128-bit access is architecturally two of 64 bits; it is one here, single-copy
 * atomic when it is aligned.
 */
#include "accel/soft/op_mem.h"

typedef racy_pair vec;

static ALWAYS_INLINE vec vec_get(const struct cpu *cpu, unsigned reg)
{
    return *(const vec *)&cpu->v[reg];
}

static ALWAYS_INLINE void vec_set(struct cpu *cpu, unsigned reg, vec value)
{
    *(vec *)&cpu->v[reg] = value;
}

/* Size 0..4; the rest of the vector is zero. */
static ALWAYS_INLINE vec host_load(const void *p, unsigned size)
{
    return size == 4 ? racy_load16(p) : (vec){ racy_load(p, size), 0 };
}

static ALWAYS_INLINE void host_store(void *p, unsigned size, vec value)
{
    if (size == 4) {
        racy_store16(p, value);
    } else {
        racy_store(p, size, value[0]);
    }
}

static vec slow_load(struct cpu *cpu, const struct op *op, uint64_t va, unsigned mo)
{
    if ((mo & MO_SIZE) == 4) {
        const struct v128 value = mem_ld16_slow(cpu, op, va, mo);
        return (vec){ value.lo, value.hi };
    }
    return (vec){ mem_ld_slow(cpu, op, va, mo), 0 };
}

static void slow_store(struct cpu *cpu, const struct op *op, uint64_t va, vec value, unsigned mo)
{
    if ((mo & MO_SIZE) == 4) {
        mem_st16_slow(cpu, op, va, value[0], value[1], mo);
    } else {
        mem_st_slow(cpu, op, va, value[0], mo);
    }
}

/* ---- One register ---------------------------------------------------------------------------- */

static NOINLINE bool load_slow(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t after,
                               unsigned acc)
{
    const vec value = slow_load(cpu, op, va, acc_mo(acc));

    if (cpu->left) {
        return false;
    }
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    vec_set(cpu, op->rd, value);
    return true;
}

static NOINLINE bool store_slow(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t after,
                                unsigned acc)
{
    slow_store(cpu, op, va, vec_get(cpu, op->rd), acc_mo(acc));
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
    const struct tlb_entry *e = tlb_slot(cpu->tlb, va);

    if (UNLIKELY(e->rtag != tlb_tag(cpu, va, acc_bytes(acc)))) {
        return false;
    }
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    vec_set(cpu, op->rd, host_load(tlb_host(e, va), acc & MO_SIZE));
    return true;
}

static ALWAYS_INLINE bool store(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t after,
                                unsigned acc)
{
    const struct tlb_entry *e = tlb_slot(cpu->tlb, va);

    if (UNLIKELY(e->wtag != tlb_tag(cpu, va, acc_bytes(acc)))) {
        return false;
    }
    host_store(tlb_host(e, va), acc & MO_SIZE, vec_get(cpu, op->rd));
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    return true;
}

#define SINGLES(BODY)                 \
    MEM_FORMS(BODY, ldv8, load, 0)    \
    MEM_FORMS(BODY, ldv16, load, 1)   \
    MEM_FORMS(BODY, ldv32, load, 2)   \
    MEM_FORMS(BODY, ldv64, load, 3)   \
    MEM_FORMS(BODY, ldv128, load, 4)  \
    MEM_FORMS(BODY, stv8, store, 0)   \
    MEM_FORMS(BODY, stv16, store, 1)  \
    MEM_FORMS(BODY, stv32, store, 2)  \
    MEM_FORMS(BODY, stv64, store, 3)  \
    MEM_FORMS(BODY, stv128, store, 4) \
    MEM_LITERAL(BODY, ldv32, load, 2) \
    MEM_LITERAL(BODY, ldv64, load, 3) \
    MEM_LITERAL(BODY, ldv128, load, 4)

SINGLES(MEM_SLOW)
SINGLES(MEM_FAST_V)

/* ---- Pairs ----------------------------------------------------------------------------------- */

static ALWAYS_INLINE bool load_pair(struct cpu *cpu, const struct op *op, uint64_t va,
                                    uint64_t after, unsigned acc)
{
    const struct tlb_entry *e = tlb_slot(cpu->tlb, va);
    const unsigned elem = acc_bytes(acc);

    if (UNLIKELY(e->rtag != span_tag(cpu, va, 2 * elem, elem))) {
        return false;
    }
    const char *p = tlb_host(e, va);
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    if ((acc & MO_SIZE) == 3) { /* both at once, as op_mem.c does */
        const vec both = racy_load16(p);
        vec_set(cpu, op->rd, (vec){ both[0], 0 });
        vec_set(cpu, op->rm, (vec){ both[1], 0 });
    } else {
        const vec v0 = host_load(p, acc & MO_SIZE);
        const vec v1 = host_load(p + elem, acc & MO_SIZE);
        vec_set(cpu, op->rd, v0);
        vec_set(cpu, op->rm, v1);
    }
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
    char *p = tlb_host(e, va);
    if ((acc & MO_SIZE) == 3) {
        racy_store16(p, (vec){ vec_get(cpu, op->rd)[0], vec_get(cpu, op->rm)[0] });
    } else {
        host_store(p, acc & MO_SIZE, vec_get(cpu, op->rd));
        host_store(p + elem, acc & MO_SIZE, vec_get(cpu, op->rm));
    }
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
    const vec v0 = slow_load(cpu, op, va, acc_mo(acc));
    if (cpu->left) {
        return false;
    }
    const vec v1 = slow_load(cpu, op, va + elem, acc_mo(acc));
    if (cpu->left) {
        return false;
    }
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    vec_set(cpu, op->rd, v0);
    vec_set(cpu, op->rm, v1);
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
    slow_store(cpu, op, va, vec_get(cpu, op->rd), acc_mo(acc));
    if (cpu->left) {
        return false;
    }
    slow_store(cpu, op, va + elem, vec_get(cpu, op->rm), acc_mo(acc));
    if (cpu->left) {
        return false;
    }
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    return true;
}

#define PAIRS(BODY)                         \
    MEM_FORMS3(BODY, ldpv32, load_pair, 2)  \
    MEM_FORMS3(BODY, ldpv64, load_pair, 3)  \
    MEM_FORMS3(BODY, ldpv128, load_pair, 4) \
    MEM_FORMS3(BODY, stpv32, store_pair, 2) \
    MEM_FORMS3(BODY, stpv64, store_pair, 3) \
    MEM_FORMS3(BODY, stpv128, store_pair, 4)

PAIRS(MEM_SLOW)
PAIRS(MEM_FAST_V)
