/*
 * op_struct.c - Advanced SIMD structure loads and stores: LD1-LD4, ST1-ST4, single lanes,
 * LD1R-LD4R.
 *
 * DDI 0487, "Advanced SIMD load/store multiple structures", "... single structure". Each uop has
 * one transfer function between registers and the span's bytes at a host address: guest memory if
 * the whole span lies in one page of RAM; otherwise a buffer, filled or emptied element by element
 * by the slow paths.
 *
 *   LD3 {v0.4h, v1.4h, v2.4h}     memory  a0 b0 c0 a1 b1 c1 a2 b2 c2 a3 b3 c3
 *                                 v0 = a3 a2 a1 a0    v1 = b3 b2 b1 b0    v2 = c3 c2 c1 c0
 */
#include "accel/soft/op_mem.h"

#define SPAN_MAX 64

static ALWAYS_INLINE union vreg *shape_reg(struct cpu *cpu, const struct op *op, unsigned i)
{
    return &cpu->v[(op->rd + i) & 31];
}

static ALWAYS_INLINE void element_set(union vreg *v, unsigned index, unsigned esize, uint64_t value)
{
    memcpy(&v->b[index << esize], &value, (size_t)1 << esize);
}

static ALWAYS_INLINE uint64_t element_get(const union vreg *v, unsigned index, unsigned esize)
{
    uint64_t value = 0;

    memcpy(&value, &v->b[index << esize], (size_t)1 << esize);
    return value;
}

/* fn with the element size as a constant first argument: compiled once for each size. */
#define FOR_ESIZE(op, fn, ...)          \
    switch (shape_esize(op)) {          \
    case 0: fn(0, __VA_ARGS__); break;  \
    case 1: fn(1, __VA_ARGS__); break;  \
    case 2: fn(2, __VA_ARGS__); break;  \
    default: fn(3, __VA_ARGS__); break; \
    }

/* ---- Transfers ------------------------------------------------------------------------------- */

/* LD1 of whole registers: elements follow each other, so their size does not matter. */
static ALWAYS_INLINE void move_vld1d(struct cpu *cpu, const struct op *op, const uint8_t *p)
{
    const unsigned regs = shape_regs(op);

    for (unsigned i = 0; i < regs; i++) {
        *shape_reg(cpu, op, i) = (union vreg){ .d = { racy_load(p + 8 * i, 3), 0 } };
    }
}

static ALWAYS_INLINE void move_vld1q(struct cpu *cpu, const struct op *op, const uint8_t *p)
{
    const unsigned regs = shape_regs(op);

    for (unsigned i = 0; i < regs; i++) {
        memcpy(shape_reg(cpu, op, i), p + 16 * i, 16);
    }
}

static ALWAYS_INLINE void move_vst1d(struct cpu *cpu, const struct op *op, uint8_t *p)
{
    const unsigned regs = shape_regs(op);

    for (unsigned i = 0; i < regs; i++) {
        racy_store(p + 8 * i, 3, shape_reg(cpu, op, i)->d[0]);
    }
}

static ALWAYS_INLINE void move_vst1q(struct cpu *cpu, const struct op *op, uint8_t *p)
{
    const unsigned regs = shape_regs(op);

    for (unsigned i = 0; i < regs; i++) {
        memcpy(p + 16 * i, shape_reg(cpu, op, i), 16);
    }
}

static ALWAYS_INLINE void deinterleave(unsigned esize, struct cpu *cpu, const struct op *op,
                                       const uint8_t *p)
{
    const unsigned regs = shape_regs(op), elements = (shape_q(op) ? 16u : 8u) >> esize;

    for (unsigned i = 0; i < regs; i++) {
        union vreg v = { .d = { 0, 0 } };

        for (unsigned e = 0; e < elements; e++) {
            element_set(&v, e, esize, racy_load(p + ((size_t)(e * regs + i) << esize), esize));
        }
        *shape_reg(cpu, op, i) = v;
    }
}

static ALWAYS_INLINE void interleave(unsigned esize, struct cpu *cpu, const struct op *op,
                                     uint8_t *p)
{
    const unsigned regs = shape_regs(op), elements = (shape_q(op) ? 16u : 8u) >> esize;

    for (unsigned i = 0; i < regs; i++) {
        const union vreg *v = shape_reg(cpu, op, i);

        for (unsigned e = 0; e < elements; e++) {
            racy_store(p + ((size_t)(e * regs + i) << esize), esize, element_get(v, e, esize));
        }
    }
}

static NOINLINE void move_vldn(struct cpu *cpu, const struct op *op, const uint8_t *p)
{
    FOR_ESIZE(op, deinterleave, cpu, op, p)
}

static NOINLINE void move_vstn(struct cpu *cpu, const struct op *op, uint8_t *p)
{
    FOR_ESIZE(op, interleave, cpu, op, p)
}

static ALWAYS_INLINE void load_lanes(unsigned esize, struct cpu *cpu, const struct op *op,
                                     const uint8_t *p)
{
    const unsigned regs = shape_regs(op);

    for (unsigned i = 0; i < regs; i++) {
        element_set(shape_reg(cpu, op, i), shape_lane(op), esize,
                    racy_load(p + ((size_t)i << esize), esize));
    }
}

static ALWAYS_INLINE void store_lanes(unsigned esize, struct cpu *cpu, const struct op *op,
                                      uint8_t *p)
{
    const unsigned regs = shape_regs(op);

    for (unsigned i = 0; i < regs; i++) {
        racy_store(p + ((size_t)i << esize), esize,
                   element_get(shape_reg(cpu, op, i), shape_lane(op), esize));
    }
}

static NOINLINE void move_vld_lane(struct cpu *cpu, const struct op *op, const uint8_t *p)
{
    FOR_ESIZE(op, load_lanes, cpu, op, p)
}

static NOINLINE void move_vst_lane(struct cpu *cpu, const struct op *op, uint8_t *p)
{
    FOR_ESIZE(op, store_lanes, cpu, op, p)
}

/* An element in every lane is the element times a word with a 1 in each of them. */
static NOINLINE void move_vld_rep(struct cpu *cpu, const struct op *op, const uint8_t *p)
{
    static const uint64_t ones[4] = { 0x0101010101010101, 0x0001000100010001, 0x0000000100000001,
                                      1 };
    const unsigned esize = shape_esize(op), regs = shape_regs(op);

    for (unsigned i = 0; i < regs; i++) {
        const uint64_t d = racy_load(p + ((size_t)i << esize), esize) * ones[esize];

        *shape_reg(cpu, op, i) = (union vreg){ .d = { d, shape_q(op) ? d : 0 } };
    }
}

/* ---- The slow way ---------------------------------------------------------------------------- */

/*
 * Probes the span. What it found may have made the fast path possible (a TLB miss, the common
 * case): then the answer is the host address. NULL: element by element, or cpu->left is set.
 */
static uint8_t *probe(struct cpu *cpu, const struct op *op, uint64_t va, bool write)
{
    const unsigned span = shape_span(op), elem = 1u << shape_esize(op);

    if (!span_probe(cpu, op, va, span, elem, write, shape_esize(op))) {
        return NULL;
    }
    const struct tlb_entry *e = tlb_slot(cpu->tlb, va);
    return (write ? e->wtag : e->rtag) == span_tag(cpu, va, span, elem) ? tlb_host(e, va) : NULL;
}

/* Reads the span into buf. False: it did not happen. */
static bool fetch(struct cpu *cpu, const struct op *op, uint64_t va, uint8_t *buf)
{
    const unsigned esize = shape_esize(op);

    for (unsigned i = 0; i < shape_span(op); i += 1u << esize) {
        racy_store(buf + i, esize, mem_ld_slow(cpu, op, va + i, esize));
        if (cpu->left) {
            return false;
        }
    }
    return true;
}

static bool flush(struct cpu *cpu, const struct op *op, uint64_t va, const uint8_t *buf)
{
    const unsigned esize = shape_esize(op);

    for (unsigned i = 0; i < shape_span(op); i += 1u << esize) {
        mem_st_slow(cpu, op, va + i, racy_load(buf + i, esize), esize);
        if (cpu->left) {
            return false;
        }
    }
    return true;
}

/* ---- Bodies ---------------------------------------------------------------------------------- */

#define STRUCT_NEXT()                                      \
    do {                                                   \
        cpu->x[op->rn] += cpu->x[op->rm] + shape_step(op); \
        NEXT();                                            \
    } while (0)

/* Defines slow_<name> from access_<name>, and the uop; tag is rtag or wtag. */
#define STRUCT_BODIES(name, tag)                                                            \
    static NOINLINE op_ret HV_ENGINE_ABI slow_##name(struct cpu *cpu, const struct op *op)  \
    {                                                                                       \
        if (UNLIKELY(!access_##name(cpu, op, cpu->x[op->rn]))) {                            \
            LEAVE();                                                                        \
        }                                                                                   \
        STRUCT_NEXT();                                                                      \
    }                                                                                       \
    UOP_BODY(name)                                                                          \
    {                                                                                       \
        FP_CHECK();                                                                         \
        BASE_CHECK();                                                                       \
        const uint64_t va = cpu->x[op->rn];                                                 \
        const struct tlb_entry *e = tlb_slot(cpu->tlb, va);                                 \
                                                                                            \
        if (UNLIKELY(e->tag != span_tag(cpu, va, shape_span(op), 1u << shape_esize(op)))) { \
            MUSTTAIL return slow_##name(cpu, op);                                           \
        }                                                                                   \
        move_##name(cpu, op, tlb_host(e, va));                                              \
        STRUCT_NEXT();                                                                      \
    }

#define STRUCT_LOAD(name)                                                                 \
    static NOINLINE bool access_##name(struct cpu *cpu, const struct op *op, uint64_t va) \
    {                                                                                     \
        uint8_t buf[SPAN_MAX] = { 0 };                                                    \
        const uint8_t *p = probe(cpu, op, va, false);                                     \
                                                                                          \
        if (p == NULL && (cpu->left || !fetch(cpu, op, va, buf))) {                       \
            return false;                                                                 \
        }                                                                                 \
        move_##name(cpu, op, p != NULL ? p : buf);                                        \
        return true;                                                                      \
    }                                                                                     \
    STRUCT_BODIES(name, rtag)

#define STRUCT_STORE(name)                                                                \
    static NOINLINE bool access_##name(struct cpu *cpu, const struct op *op, uint64_t va) \
    {                                                                                     \
        uint8_t buf[SPAN_MAX] = { 0 };                                                    \
        uint8_t *p = probe(cpu, op, va, true);                                            \
                                                                                          \
        if (p == NULL && cpu->left) {                                                     \
            return false;                                                                 \
        }                                                                                 \
        move_##name(cpu, op, p != NULL ? p : buf);                                        \
        return p != NULL || flush(cpu, op, va, buf);                                      \
    }                                                                                     \
    STRUCT_BODIES(name, wtag)

STRUCT_LOAD(vld1d)
STRUCT_LOAD(vld1q)
STRUCT_LOAD(vldn)
STRUCT_LOAD(vld_lane)
STRUCT_LOAD(vld_rep)
STRUCT_STORE(vst1d)
STRUCT_STORE(vst1q)
STRUCT_STORE(vstn)
STRUCT_STORE(vst_lane)
