/*
 * simd.h - how the bodies of Advanced SIMD micro-operations are written.
 *
 * One body serves one operation on one element size, for vectors of 128 and 64 bits and for scalars
 * alike: it works on all lanes, and op->ra, the *shape*, says which bytes of the result are kept
 * (the others become zero). What must not be seen of the lanes in excess is kept out at the source:
 * saturating operations mask their inputs too, since 0 never saturates, and floating-point ones,
 * whose every lane may raise a flag, count lanes.
 *
 *      ADD V0.8B, V1.8B, V2.8B    n   15 … 8 7 6 5 4 3 2 1 0
 *      v_add_b, SHAPE_HALF        m   15 … 8 7 6 5 4 3 2 1 0
 *                                     ──────────────────────── + in 16 lanes, one host instruction
 *                                 r   15 … 8 7 6 5 4 3 2 1 0   & simd_keep[SHAPE_HALF]
 *
 * A body is one line: a macro that names the operation and the element sizes, and an expression or
 * function over elements of type T:
 *
 *      a   the element of Vn
 *      b   the element of Vm (or the indexed one)
 *      c   the element of Vd before the instruction
 *
 * Sources are read before the destination is written, so any registers may be the same. The loops
 * have constant trip counts and no aliasing; gcc -O2 and clang -O2 turn them into vector code.
 */
#ifndef SOFT_SIMD_H
#define SOFT_SIMD_H

#include "accel/soft/cpu.h"

/*
 * Shape of a result. B..D are scalars and equal log2 of the size in bytes. HI is the form whose
 * mnemonic ends in 2: a long operation takes the upper halves of its sources; a narrow one writes
 * the upper half and keeps the lower.
 */
enum simd_shape {
    SHAPE_B,
    SHAPE_H,
    SHAPE_S,
    SHAPE_D,
    SHAPE_HALF,
    SHAPE_FULL,
    SHAPE_HI,
    SHAPE_COUNT
};

/* The bytes that a shape keeps. The one more entry makes [shape + 1] the mask of a
 * narrow operation's source. */
extern const union vreg simd_keep[SHAPE_COUNT + 1];

static ALWAYS_INLINE union vreg simd_and(union vreg a, union vreg b)
{
    union vreg r;

    for (unsigned i = 0; i < 2; i++) {
        r.d[i] = a.d[i] & b.d[i];
    }
    return r;
}

/* Vd = r, in op's shape. */
static ALWAYS_INLINE void simd_put(struct cpu *cpu, const struct op *op, union vreg r)
{
    cpu->v[op->rd] = simd_and(r, simd_keep[op->ra]);
}

/* Vd = a scalar, zero-extended. */
static ALWAYS_INLINE void simd_put_scalar(struct cpu *cpu, const struct op *op, uint64_t r)
{
    vreg_set(&cpu->v[op->rd], r, 0);
}

/* Result of a narrow operation in the low half of r: to the upper half of Vd, or to
 * the lower and clear the upper. */
static ALWAYS_INLINE void simd_put_narrow(struct cpu *cpu, const struct op *op, union vreg r)
{
    if (op->ra == SHAPE_HI) {
        cpu->v[op->rd].d[1] = r.d[0];
    } else {
        simd_put_scalar(cpu, op, r.d[0] & simd_keep[op->ra].d[0]);
    }
}

/* The half of a register that a long operation takes, as the low half of a register. */
static ALWAYS_INLINE union vreg simd_half(const struct cpu *cpu, const struct op *op, unsigned reg)
{
    return (union vreg){ .d = { cpu->v[reg].d[op->ra == SHAPE_HI], 0 } };
}

/* Vn and Vm as one vector of twice the length, for operations over adjacent elements:
 * the first 32 or 16 bytes. */
struct simd_pair {
    union vreg lo, hi;
};

static ALWAYS_INLINE struct simd_pair simd_concat(const struct cpu *cpu, const struct op *op)
{
    const union vreg n = cpu->v[op->rn], m = cpu->v[op->rm];

    return (struct simd_pair){ .lo.d = { n.d[0], op->ra == SHAPE_HALF ? m.d[0] : n.d[1] },
                               .hi = m };
}

/* Lanes of size 1 << log2_size that op's shape has. */
static ALWAYS_INLINE unsigned simd_lanes(const struct op *op, unsigned log2_size)
{
    return op->ra < SHAPE_HALF ? 1 : (op->ra == SHAPE_HALF ? 8u : 16u) >> log2_size;
}

static ALWAYS_INLINE void simd_set_qc(struct cpu *cpu, bool saturated)
{
    cpu->fpsr |= saturated ? FPSR_QC : 0;
}

/*
 * A number of twice the size to half of it: signed to signed (sqn), signed to unsigned (squn),
 * unsigned to unsigned (uqn); something other than 0 is or'ed into *q when it does not fit. The
 * result is bits of type U.
 */
#define SIMD_SATURATE_(sz, U, W, UW)                                                          \
    static ALWAYS_INLINE U simd_sqn_##sz(W v, W *q)                                           \
    {                                                                                         \
        const W max = (U)-1 >> 1, min = (W)(-max - 1), r = v > max ? max : v < min ? min : v; \
        *q |= (W)(r ^ v);                                                                     \
        return (U)r;                                                                          \
    }                                                                                         \
    static ALWAYS_INLINE U simd_squn_##sz(W v, W *q)                                          \
    {                                                                                         \
        const W max = (U)-1, r = v > max ? max : v < 0 ? 0 : v;                               \
        *q |= (W)(r ^ v);                                                                     \
        return (U)r;                                                                          \
    }                                                                                         \
    static ALWAYS_INLINE U simd_uqn_##sz(UW v, UW *q)                                         \
    {                                                                                         \
        const UW max = (U)-1, r = v > max ? max : v;                                          \
        *q |= (UW)(r ^ v);                                                                    \
        return (U)r;                                                                          \
    }
SIMD_SATURATE_(b, uint8_t, int16_t, uint16_t)
SIMD_SATURATE_(h, uint16_t, int32_t, uint32_t)
SIMD_SATURATE_(s, uint32_t, int64_t, uint64_t)

/* The indexed element of Vm, from where it is: of a copy in the host's registers it would have to go to memory first. */
#define SIMD_ELEMENT(f) (cpu->v[op->rm].f[op->imm])

/* ---- Bodies, lane by lane -------------------------------------------------------------------- */

/* f: the member of union vreg that has T_ elements, which the expression may call T.
 * b_: where b comes from. */
#define SIMD_LANES_(name, f, T_, b_, expr)                                           \
    UOP_BODY(name)                                                                   \
    {                                                                                \
        typedef T_ T;                                                                \
        FP_CHECK();                                                                  \
        const union vreg n = cpu->v[op->rn], m = cpu->v[op->rm], d = cpu->v[op->rd]; \
        union vreg r;                                                                \
        (void)m;                                                                     \
        for (unsigned i = 0; i < 16 / sizeof(T); i++) {                              \
            const T a = n.f[i], b = b_, c = d.f[i];                                  \
            (void)a, (void)b, (void)c;                                               \
            r.f[i] = (T)(expr);                                                      \
        }                                                                            \
        simd_put(cpu, op, r);                                                        \
        NEXT();                                                                      \
    }

/* The same with saturation: the expression or's something other than 0 into q where it
 * saturates. */
#define SIMD_QLANES_(name, f, T_, b_, expr)                                                      \
    UOP_BODY(name)                                                                               \
    {                                                                                            \
        typedef T_ T;                                                                            \
        FP_CHECK();                                                                              \
        const union vreg keep = simd_keep[op->ra];                                               \
        const union vreg n = simd_and(cpu->v[op->rn], keep), d = simd_and(cpu->v[op->rd], keep); \
        const union vreg m = cpu->v[op->rm];                                                     \
        const union vreg m_kept = simd_and(m, keep);                                             \
        union vreg r;                                                                            \
        T q = 0;                                                                                 \
        (void)m, (void)m_kept;                                                                   \
        for (unsigned i = 0; i < 16 / sizeof(T); i++) {                                          \
            const T a = n.f[i], b = b_, c = d.f[i];                                              \
            (void)a, (void)b, (void)c;                                                           \
            r.f[i] = (T)(expr);                                                                  \
        }                                                                                        \
        simd_set_qc(cpu, q != 0);                                                                \
        simd_put(cpu, op, r);                                                                    \
        NEXT();                                                                                  \
    }

/* Pairs: a and b are adjacent elements of Vm:Vn. */
#define SIMD_PAIRS_(name, f, T_, expr)                    \
    UOP_BODY(name)                                        \
    {                                                     \
        typedef T_ T;                                     \
        FP_CHECK();                                       \
        const struct simd_pair nm = simd_concat(cpu, op); \
        union vreg r;                                     \
        for (unsigned i = 0; i < 8 / sizeof(T); i++) {    \
            T a = nm.lo.f[2 * i], b = nm.lo.f[2 * i + 1]; \
            r.f[i] = (T)(expr);                           \
            a = nm.hi.f[2 * i], b = nm.hi.f[2 * i + 1];   \
            r.f[i + 8 / sizeof(T)] = (T)(expr);           \
        }                                                 \
        simd_put(cpu, op, r);                             \
        NEXT();                                           \
    }

/* Long: T elements a and b widened to W, and c of type W. wf: the member that has W elements. */
#define SIMD_LONG_(name, f, T_, wf, W_, b_, expr)                                         \
    UOP_BODY(name)                                                                        \
    {                                                                                     \
        typedef T_ T;                                                                     \
        typedef W_ W;                                                                     \
        FP_CHECK();                                                                       \
        const union vreg n = simd_half(cpu, op, op->rn), mh = simd_half(cpu, op, op->rm); \
        const union vreg m = cpu->v[op->rm], d = cpu->v[op->rd];                          \
        union vreg r;                                                                     \
        (void)m, (void)mh;                                                                \
        for (unsigned i = 0; i < 8 / sizeof(T); i++) {                                    \
            const W a = n.f[i], b = b_, c = d.wf[i];                                      \
            (void)b, (void)c;                                                             \
            r.wf[i] = (W)(expr);                                                          \
        }                                                                                 \
        simd_put(cpu, op, r);                                                             \
        NEXT();                                                                           \
    }

/* Wide: a is a W element, b a T one widened. */
#define SIMD_WIDE_(name, f, T_, wf, W_, expr)                                \
    UOP_BODY(name)                                                           \
    {                                                                        \
        typedef T_ T;                                                        \
        typedef W_ W;                                                        \
        FP_CHECK();                                                          \
        const union vreg n = cpu->v[op->rn], m = simd_half(cpu, op, op->rm); \
        union vreg r;                                                        \
        for (unsigned i = 0; i < 8 / sizeof(T); i++) {                       \
            const W a = n.wf[i], b = m.f[i];                                 \
            r.wf[i] = (W)(expr);                                             \
        }                                                                    \
        simd_put(cpu, op, r);                                                \
        NEXT();                                                              \
    }

/* Narrow: a and b are W elements, the result is a T one. q as in SIMD_QLANES_. */
#define SIMD_NARROW_(name, f, T_, wf, W_, expr)                                  \
    UOP_BODY(name)                                                               \
    {                                                                            \
        typedef T_ T;                                                            \
        typedef W_ W;                                                            \
        FP_CHECK();                                                              \
        const union vreg keep = simd_keep[op->ra + 1];                           \
        const union vreg n = simd_and(cpu->v[op->rn], keep), m = cpu->v[op->rm]; \
        union vreg r = { .d = { 0, 0 } };                                        \
        W q = 0;                                                                 \
        for (unsigned i = 0; i < 8 / sizeof(T); i++) {                           \
            const W a = n.wf[i], b = m.wf[i];                                    \
            (void)b;                                                             \
            r.f[i] = (T)(expr);                                                  \
        }                                                                        \
        simd_set_qc(cpu, q != 0);                                                \
        simd_put_narrow(cpu, op, r);                                             \
        NEXT();                                                                  \
    }

/* ---- The same for several element sizes, unsigned (U) and signed (S) ------------------------- */

#define SIMD_U_B(name, expr)    SIMD_LANES_(v_##name##_b, b, uint8_t, m.b[i], expr)
#define SIMD_U_H(name, expr)    SIMD_LANES_(v_##name##_h, h, uint16_t, m.h[i], expr)
#define SIMD_U_S(name, expr)    SIMD_LANES_(v_##name##_s, s, uint32_t, m.s[i], expr)
#define SIMD_U_D(name, expr)    SIMD_LANES_(v_##name##_d, d, uint64_t, m.d[i], expr)
#define SIMD_S_B(name, expr)    SIMD_LANES_(v_##name##_b, sb, int8_t, m.sb[i], expr)
#define SIMD_S_H(name, expr)    SIMD_LANES_(v_##name##_h, sh, int16_t, m.sh[i], expr)
#define SIMD_S_S(name, expr)    SIMD_LANES_(v_##name##_s, ss, int32_t, m.ss[i], expr)
#define SIMD_S_D(name, expr)    SIMD_LANES_(v_##name##_d, sd, int64_t, m.sd[i], expr)
#define SIMD_U_BHS(name, expr)  SIMD_U_B(name, expr) SIMD_U_H(name, expr) SIMD_U_S(name, expr)
#define SIMD_S_BHS(name, expr)  SIMD_S_B(name, expr) SIMD_S_H(name, expr) SIMD_S_S(name, expr)
#define SIMD_U_BHSD(name, expr) SIMD_U_BHS(name, expr) SIMD_U_D(name, expr)
#define SIMD_S_BHSD(name, expr) SIMD_S_BHS(name, expr) SIMD_S_D(name, expr)

/* By element: b is the indexed element of Vm. */
#define SIMD_UE_HS(name, expr)                                      \
    SIMD_LANES_(v_##name##_e_h, h, uint16_t, SIMD_ELEMENT(h), expr) \
    SIMD_LANES_(v_##name##_e_s, s, uint32_t, SIMD_ELEMENT(s), expr)

/* By a function fn_b .. fn_d instead of an expression; called fn(a, b, &q), q of the
 * element's type. */
#define SIMD_QU_BHSD(name, fn)                                             \
    SIMD_QLANES_(v_##name##_b, b, uint8_t, m_kept.b[i], fn##_b(a, b, &q))  \
    SIMD_QLANES_(v_##name##_h, h, uint16_t, m_kept.h[i], fn##_h(a, b, &q)) \
    SIMD_QLANES_(v_##name##_s, s, uint32_t, m_kept.s[i], fn##_s(a, b, &q)) \
    SIMD_QLANES_(v_##name##_d, d, uint64_t, m_kept.d[i], fn##_d(a, b, &q))
#define SIMD_QS_BHSD(name, fn)                                              \
    SIMD_QLANES_(v_##name##_b, sb, int8_t, m_kept.sb[i], fn##_b(a, b, &q))  \
    SIMD_QLANES_(v_##name##_h, sh, int16_t, m_kept.sh[i], fn##_h(a, b, &q)) \
    SIMD_QLANES_(v_##name##_s, ss, int32_t, m_kept.ss[i], fn##_s(a, b, &q)) \
    SIMD_QLANES_(v_##name##_d, sd, int64_t, m_kept.sd[i], fn##_d(a, b, &q))

/* Pairs, long, wide, narrow; the letter is the size of the narrower elements. */
#define SIMD_PU_BHS(name, expr)                  \
    SIMD_PAIRS_(v_##name##_b, b, uint8_t, expr)  \
    SIMD_PAIRS_(v_##name##_h, h, uint16_t, expr) \
    SIMD_PAIRS_(v_##name##_s, s, uint32_t, expr)
#define SIMD_PS_BHS(name, expr)                  \
    SIMD_PAIRS_(v_##name##_b, sb, int8_t, expr)  \
    SIMD_PAIRS_(v_##name##_h, sh, int16_t, expr) \
    SIMD_PAIRS_(v_##name##_s, ss, int32_t, expr)
#define SIMD_LU_BHS(name, expr)                                       \
    SIMD_LONG_(v_##name##_b, b, uint8_t, h, uint16_t, mh.b[i], expr)  \
    SIMD_LONG_(v_##name##_h, h, uint16_t, s, uint32_t, mh.h[i], expr) \
    SIMD_LONG_(v_##name##_s, s, uint32_t, d, uint64_t, mh.s[i], expr)
#define SIMD_LS_BHS(name, expr)                                        \
    SIMD_LONG_(v_##name##_b, sb, int8_t, sh, int16_t, mh.sb[i], expr)  \
    SIMD_LONG_(v_##name##_h, sh, int16_t, ss, int32_t, mh.sh[i], expr) \
    SIMD_LONG_(v_##name##_s, ss, int32_t, sd, int64_t, mh.ss[i], expr)
#define SIMD_LUE_HS(name, expr)                                                 \
    SIMD_LONG_(v_##name##_e_h, h, uint16_t, s, uint32_t, SIMD_ELEMENT(h), expr) \
    SIMD_LONG_(v_##name##_e_s, s, uint32_t, d, uint64_t, SIMD_ELEMENT(s), expr)
#define SIMD_LSE_HS(name, expr)                                                  \
    SIMD_LONG_(v_##name##_e_h, sh, int16_t, ss, int32_t, SIMD_ELEMENT(sh), expr) \
    SIMD_LONG_(v_##name##_e_s, ss, int32_t, sd, int64_t, SIMD_ELEMENT(ss), expr)
#define SIMD_WU_BHS(name, expr)                              \
    SIMD_WIDE_(v_##name##_b, b, uint8_t, h, uint16_t, expr)  \
    SIMD_WIDE_(v_##name##_h, h, uint16_t, s, uint32_t, expr) \
    SIMD_WIDE_(v_##name##_s, s, uint32_t, d, uint64_t, expr)
#define SIMD_WS_BHS(name, expr)                              \
    SIMD_WIDE_(v_##name##_b, sb, int8_t, sh, int16_t, expr)  \
    SIMD_WIDE_(v_##name##_h, sh, int16_t, ss, int32_t, expr) \
    SIMD_WIDE_(v_##name##_s, ss, int32_t, sd, int64_t, expr)
#define SIMD_NU_BHS(name, expr)                                \
    SIMD_NARROW_(v_##name##_b, b, uint8_t, h, uint16_t, expr)  \
    SIMD_NARROW_(v_##name##_h, h, uint16_t, s, uint32_t, expr) \
    SIMD_NARROW_(v_##name##_s, s, uint32_t, d, uint64_t, expr)
/* By functions fn_b .. fn_s, called fn(x, &q) with an expression of a, from unsigned
 * and from signed elements. */
#define SIMD_QNU_BHS(name, fn, x)                                       \
    SIMD_NARROW_(v_##name##_b, b, uint8_t, h, uint16_t, fn##_b(x, &q))  \
    SIMD_NARROW_(v_##name##_h, h, uint16_t, s, uint32_t, fn##_h(x, &q)) \
    SIMD_NARROW_(v_##name##_s, s, uint32_t, d, uint64_t, fn##_s(x, &q))
#define SIMD_QNS_BHS(name, fn, x)                                       \
    SIMD_NARROW_(v_##name##_b, b, uint8_t, sh, int16_t, fn##_b(x, &q))  \
    SIMD_NARROW_(v_##name##_h, h, uint16_t, ss, int32_t, fn##_h(x, &q)) \
    SIMD_NARROW_(v_##name##_s, s, uint32_t, sd, int64_t, fn##_s(x, &q))

#endif
