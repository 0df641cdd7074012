/*
 * op_simd_mul.c - sums of products of Armv8.2 to 8.6: bytes of mixed signs and matrices of them,
 * BFloat16, complex numbers, half precision added to single; and rounding to 32- and 64-bit
 * integers.
 *
 * DDI 0487, "Advanced SIMD three-register extension", "Advanced SIMD vector x indexed element"
 * (SUDOT, BFDOT, FCMLA, FMLAL ...). Shapes as in simd.h.
 */
#include "accel/soft/fp.h"
#include "accel/soft/simd.h"

/* ---- Bytes ----------------------------------------------------------------------------------- */

/* Sum of products of four bytes, whose signs the types give. */
#define DOT4(a, a_type, b, b_type)                                                                 \
    ((uint32_t)((a_type)(a) * (b_type)(b)) + (uint32_t)((a_type)((a) >> 8) * (b_type)((b) >> 8)) + \
     (uint32_t)((a_type)((a) >> 16) * (b_type)((b) >> 16)) +                                       \
     (uint32_t)((a_type)((a) >> 24) * (b_type)((b) >> 24)))

SIMD_U_S(usdot, c + DOT4(a, uint8_t, b, int8_t))
SIMD_LANES_(v_usdot_e, s, uint32_t, SIMD_ELEMENT(s), c + DOT4(a, uint8_t, b, int8_t))
SIMD_LANES_(v_sudot_e, s, uint32_t, SIMD_ELEMENT(s), c + DOT4(a, int8_t, b, uint8_t))

/* Vn is 2 rows of 8 bytes, Vm 2 columns; Vd the 2 x 2 sums, row by row. */
#define SIMD_MATRIX(name, a_type, b_type)                                  \
    UOP_BODY(v_##name)                                                     \
    {                                                                      \
        FP_CHECK();                                                        \
        const union vreg n = cpu->v[op->rn], m = cpu->v[op->rm];           \
        union vreg r = cpu->v[op->rd];                                     \
        for (unsigned i = 0; i < 4; i++) {                                 \
            const unsigned row = i & 2, column = (i & 1) * 2;              \
            r.s[i] += DOT4(n.s[row], a_type, m.s[column], b_type) +        \
                      DOT4(n.s[row + 1], a_type, m.s[column + 1], b_type); \
        }                                                                  \
        cpu->v[op->rd] = r;                                                \
        NEXT();                                                            \
    }
SIMD_MATRIX(smmla, int8_t, int8_t)
SIMD_MATRIX(ummla, uint8_t, uint8_t)
SIMD_MATRIX(usmmla, uint8_t, int8_t)

/* ---- BFloat16 -------------------------------------------------------------------------------- */

/* BFAdd and BFMul, whatever FPCR says: denormals are zero, NaNs the default one, results rounded to
 * odd, too large ones infinite; no flags ("BFRound"). */
#define BF_FPCR (FPCR_DN | FPCR_FZ | FPCR_ROUND_ODD)

static uint32_t bf_result(uint64_t r, uint32_t fpsr)
{
    return (fpsr & FPSR_OFC) != 0 ? ((uint32_t)r & 1u << 31) | 0x7f800000 : (uint32_t)r;
}

static uint32_t bf_add(uint32_t a, uint32_t b)
{
    uint32_t fpsr = 0;
    uint64_t r = fp_add(BF_FPCR, &fpsr, FP_S, a, b);

    return bf_result(r, fpsr);
}

static uint32_t bf_mul(uint32_t a, uint32_t b)
{
    uint32_t fpsr = 0;
    uint64_t r = fp_mul(BF_FPCR, &fpsr, FP_S, a, b);

    return bf_result(r, fpsr);
}

/* BFDotAdd: a and b are two BFloat16 numbers each. Not inlined: it has locals whose address is
 * taken. */
static NOINLINE uint32_t bf_dot_add(uint32_t sum, uint32_t a, uint32_t b)
{
    const uint32_t low = bf_mul(a << 16, b << 16);
    const uint32_t high = bf_mul(a & 0xffff0000, b & 0xffff0000);

    return bf_add(sum, bf_add(low, high));
}

#define SIMD_BFDOT(name, b_) SIMD_LANES_(name, s, uint32_t, b_, bf_dot_add(c, a, b))
SIMD_BFDOT(v_bfdot, m.s[i])
SIMD_BFDOT(v_bfdot_e, SIMD_ELEMENT(s))

UOP_BODY(v_bfmmla)
{
    FP_CHECK();
    const union vreg n = cpu->v[op->rn], m = cpu->v[op->rm];
    union vreg r = cpu->v[op->rd];

    for (unsigned i = 0; i < 4; i++) {
        const unsigned row = i & 2, column = (i & 1) * 2;
        r.s[i] = bf_dot_add(r.s[i], n.s[row], m.s[column]);
        r.s[i] = bf_dot_add(r.s[i], n.s[row + 1], m.s[column + 1]);
    }
    cpu->v[op->rd] = r;
    NEXT();
}

/* BFMLALB and BFMLALT: the even or the odd numbers, by Q; the result is always a full register. */
#define SIMD_BFMLAL(name, index)                                                                   \
    UOP_BODY(name)                                                                                 \
    {                                                                                              \
        FP_CHECK();                                                                                \
        const union vreg n = cpu->v[op->rn], m = cpu->v[op->rm];                                   \
        const unsigned top = op->ra == SHAPE_FULL;                                                 \
        union vreg r = cpu->v[op->rd];                                                             \
        for (unsigned i = 0; i < 4; i++) {                                                         \
            r.s[i] =                                                                               \
                (uint32_t)fp_muladd(cpu->fpcr, &cpu->fpsr, FP_S, r.s[i],                           \
                                    (uint32_t)n.h[2 * i + top] << 16, (uint32_t)m.h[index] << 16); \
        }                                                                                          \
        cpu->v[op->rd] = r;                                                                        \
        NEXT();                                                                                    \
    }
SIMD_BFMLAL(v_bfmlal, 2 * i + top)
SIMD_BFMLAL(v_bfmlal_e, op->imm)

UOP_BODY(v_bfcvtn)
{
    FP_CHECK();
    const union vreg n = cpu->v[op->rn];
    union vreg r = { .d = { 0, 0 } };

    for (unsigned i = 0; i < 4; i++) {
        r.h[i] = (uint16_t)fp_convert(cpu->fpcr, &cpu->fpsr, FP_BF, FP_S, n.s[i],
                                      fp_rounding(cpu->fpcr));
    }
    simd_put_narrow(cpu, op, r);
    NEXT();
}

/* ---- Complex numbers: even elements are real parts, odd ones imaginary ----------------------- */

/*
 * FCMLA adds, after a rotation by 0, 90, 180 or 270 degrees, the product of Vm with the real or
 * (90, 270) the imaginary part of Vn: four of them in two instructions are a complex product.
 * pair: the element of Vm that goes with the i-th pair.
 */
#define SIMD_FCMLA(name, f, T, fmt, pair)                                             \
    UOP_BODY(name)                                                                    \
    {                                                                                 \
        FP_CHECK();                                                                   \
        const union vreg n = cpu->v[op->rn], m = cpu->v[op->rm], d = cpu->v[op->rd];  \
        const unsigned rotation = op->imm & 3, odd = rotation & 1;                    \
        union vreg r = { .d = { 0, 0 } };                                             \
        for (unsigned i = 0; i < simd_lanes(op, fmt); i += 2) {                       \
            const uint64_t a = n.f[i + odd];                                          \
            uint64_t re = m.f[(pair) + odd], im = m.f[(pair) + !odd];                 \
            re = rotation == 1 || rotation == 2 ? fp_neg(fmt, re) : re;               \
            im = rotation >= 2 ? fp_neg(fmt, im) : im;                                \
            r.f[i] = (T)fp_muladd(cpu->fpcr, &cpu->fpsr, fmt, d.f[i], a, re);         \
            r.f[i + 1] = (T)fp_muladd(cpu->fpcr, &cpu->fpsr, fmt, d.f[i + 1], a, im); \
        }                                                                             \
        cpu->v[op->rd] = r;                                                           \
        NEXT();                                                                       \
    }
SIMD_FCMLA(v_fcmla_h, h, uint16_t, FP_H, i)
SIMD_FCMLA(v_fcmla_s, s, uint32_t, FP_S, i)
SIMD_FCMLA(v_fcmla_d, d, uint64_t, FP_D, i)
SIMD_FCMLA(v_fcmla_e_h, h, uint16_t, FP_H, 2 * (op->imm >> 2))
SIMD_FCMLA(v_fcmla_e_s, s, uint32_t, FP_S, 2 * (op->imm >> 2))

/* Vn plus Vm turned by 90 or 270 degrees. */
#define SIMD_FCADD(name, f, T, fmt)                                                  \
    UOP_BODY(name)                                                                   \
    {                                                                                \
        FP_CHECK();                                                                  \
        const union vreg n = cpu->v[op->rn], m = cpu->v[op->rm];                     \
        union vreg r = { .d = { 0, 0 } };                                            \
        for (unsigned i = 0; i < simd_lanes(op, fmt); i += 2) {                      \
            const uint64_t re = op->imm == 1 ? fp_neg(fmt, m.f[i + 1]) : m.f[i + 1]; \
            const uint64_t im = op->imm == 1 ? m.f[i] : fp_neg(fmt, m.f[i]);         \
            r.f[i] = (T)fp_add(cpu->fpcr, &cpu->fpsr, fmt, n.f[i], re);              \
            r.f[i + 1] = (T)fp_add(cpu->fpcr, &cpu->fpsr, fmt, n.f[i + 1], im);      \
        }                                                                            \
        cpu->v[op->rd] = r;                                                          \
        NEXT();                                                                      \
    }
SIMD_FCADD(v_fcadd_h, h, uint16_t, FP_H)
SIMD_FCADD(v_fcadd_s, s, uint32_t, FP_S)
SIMD_FCADD(v_fcadd_d, d, uint64_t, FP_D)

/* ---- Half precision to single ---------------------------------------------------------------- */

/* half: which half of the source vectors; flip: the sign that FMLSL changes in Vn. */
#define SIMD_FMLAL(name, half, index, flip)                                                        \
    UOP_BODY(name)                                                                                 \
    {                                                                                              \
        FP_CHECK();                                                                                \
        const union vreg n = cpu->v[op->rn], m = cpu->v[op->rm], d = cpu->v[op->rd];               \
        const unsigned lanes = simd_lanes(op, 2), first = (half)*lanes;                            \
        union vreg r = { .d = { 0, 0 } };                                                          \
        for (unsigned i = 0; i < lanes; i++) {                                                     \
            r.s[i] = (uint32_t)fp_muladd_h(cpu->fpcr, &cpu->fpsr, d.s[i], n.h[first + i] ^ (flip), \
                                           m.h[index]);                                            \
        }                                                                                          \
        cpu->v[op->rd] = r;                                                                        \
        NEXT();                                                                                    \
    }
SIMD_FMLAL(v_fmlal, 0, first + i, 0)
SIMD_FMLAL(v_fmlsl, 0, first + i, 0x8000)
SIMD_FMLAL(v_fmlal2, 1, first + i, 0)
SIMD_FMLAL(v_fmlsl2, 1, first + i, 0x8000)
SIMD_FMLAL(v_fmlal_e, 0, op->imm, 0)
SIMD_FMLAL(v_fmlsl_e, 0, op->imm, 0x8000)
SIMD_FMLAL(v_fmlal2_e, 1, op->imm, 0)
SIMD_FMLAL(v_fmlsl2_e, 1, op->imm, 0x8000)

/* ---- FRINT32Z and its relatives -------------------------------------------------------------- */

#define SIMD_FRINT_(name, f, T, fmt, rounding, size)                                        \
    UOP_BODY(name)                                                                          \
    {                                                                                       \
        FP_CHECK();                                                                         \
        const union vreg n = cpu->v[op->rn];                                                \
        union vreg r = { .d = { 0, 0 } };                                                   \
        for (unsigned i = 0; i < simd_lanes(op, fmt); i++) {                                \
            r.f[i] = (T)fp_round_int_n(cpu->fpcr, &cpu->fpsr, fmt, n.f[i], rounding, size); \
        }                                                                                   \
        cpu->v[op->rd] = r;                                                                 \
        NEXT();                                                                             \
    }
#define SIMD_FRINT(name, rounding, size)                         \
    SIMD_FRINT_(v_##name##_s, s, uint32_t, FP_S, rounding, size) \
    SIMD_FRINT_(v_##name##_d, d, uint64_t, FP_D, rounding, size)
SIMD_FRINT(frint32z, FPR_ZERO, 32)
SIMD_FRINT(frint32x, fp_rounding(cpu->fpcr), 32)
SIMD_FRINT(frint64z, FPR_ZERO, 64)
SIMD_FRINT(frint64x, fp_rounding(cpu->fpcr), 64)
