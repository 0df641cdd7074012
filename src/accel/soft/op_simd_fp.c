/*
 * op_simd_fp.c - Advanced SIMD floating point, vector and scalar, in half, single and double
 * precision.
 *
 * DDI 0487, the floating-point instructions of "Advanced SIMD three same", "two-register
 * miscellaneous", "across lanes", "vector x indexed element", "shift by immediate" and of the
 * scalar classes beside them. The arithmetic is fp.h's; here is only which elements it is done on.
 * Lanes are counted, not masked (simd.h), because each may raise flags.
 */
#include "accel/soft/fp_fast.h"
#include "accel/soft/simd.h"

/* The first arguments of the functions of fp.h. */
#define FPA cpu->fpcr, &cpu->fpsr, fmt

/* clang-format off */

/* fmt is the format and log2 of the element's size; a, b, c as in simd.h, zero-extended (sign-extended if f is signed). */
#define SIMD_FP_(name, f, format, b_, expr)                                                                      \
    UOP_BODY(name)                                                                                               \
    {                                                                                                            \
        const enum fp_fmt fmt = (format);                                                                        \
        FP_CHECK();                                                                                              \
        const union vreg n = cpu->v[op->rn], m = cpu->v[op->rm], d = cpu->v[op->rd];                             \
        union vreg r = { .d = { 0, 0 } };                                                                        \
        for (unsigned i = 0; i < simd_lanes(op, fmt); i++) {                                                     \
            const uint64_t a = (uint64_t)n.f[i], b = b_, c = d.f[i];                                             \
            (void)m, (void)b, (void)c;                                                                           \
            r.f[i] = expr;                                                                                       \
        }                                                                                                        \
        cpu->v[op->rd] = r;                                                                                      \
        NEXT();                                                                                                  \
    }
#define SIMD_FP(name, expr)                                                                                      \
    SIMD_FP_(v_##name##_h, h, FP_H, m.h[i], (uint16_t)(expr))                                                     \
    SIMD_FP_(v_##name##_s, s, FP_S, m.s[i], (uint32_t)(expr))                                                     \
    SIMD_FP_(v_##name##_d, d, FP_D, m.d[i], expr)
/* By element. */
#define SIMD_FPE(name, expr)                                                                                     \
    SIMD_FP_(v_##name##_e_h, h, FP_H, SIMD_ELEMENT(h), (uint16_t)(expr))                                             \
    SIMD_FP_(v_##name##_e_s, s, FP_S, SIMD_ELEMENT(s), (uint32_t)(expr))                                             \
    SIMD_FP_(v_##name##_e_d, d, FP_D, SIMD_ELEMENT(d), expr)

/*
 * All lanes at once on the host's arithmetic, as fp_fast.h does it with one number: v, the bits of the result in every lane,
 * is made of the numbers x and y (their bits: a and b), and stands if `when` allows that and `fits` holds in each lane. Otherwise
 * nothing has happened yet, and the lanes are done one by one. Lanes in excess can only make that more frequent.
 */
#define SIMD_FP_HOST_(name, f, T_, format, index, when, v_, fits, expr)                                          \
    UOP_BODY(name)                                                                                               \
    {                                                                                                            \
        typedef T_ T;                                                                                            \
        const enum fp_fmt fmt = (format);                                                                        \
        FP_CHECK();                                                                                              \
        const union vreg n = cpu->v[op->rn], m = cpu->v[op->rm];                                                 \
        union vreg r = { .d = { 0, 0 } };                                                                        \
        if (LIKELY(when)) {                                                                                      \
            T odd = 0;                                                                                           \
            for (unsigned i = 0; i < 16 / sizeof(T); i++) {                                                      \
                const T a = n.f[i], b = m.f[index];                                                              \
                const host_##f x = fp_host_##f(a), y = fp_host_##f(b);                                           \
                const T v = (T)(v_);                                                                             \
                (void)a, (void)b, (void)x, (void)y;                                                              \
                odd |= (fits) ? 0 : 1;                                                                           \
                r.f[i] = v;                                                                                      \
            }                                                                                                    \
            if (LIKELY(odd == 0)) {                                                                              \
                simd_put(cpu, op, r);                                                                            \
                NEXT();                                                                                          \
            }                                                                                                    \
            r = (union vreg){ .d = { 0, 0 } };                                                                   \
        }                                                                                                        \
        for (unsigned i = 0; i < simd_lanes(op, fmt); i++) {                                                     \
            const T a = n.f[i], b = m.f[index];                                                                  \
            (void)b;                                                                                             \
            r.f[i] = (T)(expr);                                                                                  \
        }                                                                                                        \
        cpu->v[op->rd] = r;                                                                                      \
        NEXT();                                                                                                  \
    }
typedef float host_s;
typedef double host_d;

/* The result is a number; `index` is i, or op->imm by element. */
#define SIMD_FP_VALUE(name, index, value, fits, expr)                                                            \
    SIMD_FP_(v_##name##_h, h, FP_H, m.h[index], (uint16_t)(expr))                                                 \
    SIMD_FP_HOST_(v_##name##_s, s, uint32_t, FP_S, index, HOST_OK, fp_bits_s(value), fits, expr)                  \
    SIMD_FP_HOST_(v_##name##_d, d, uint64_t, FP_D, index, HOST_OK, fp_bits_d(value), fits, expr)
/* The result is a and b or made of their bits, and exact where neither is a NaN. */
#define SIMD_FP_CHOICE(name, bits, expr)                                                                         \
    SIMD_FP_(v_##name##_h, h, FP_H, m.h[i], (uint16_t)(expr))                                                     \
    SIMD_FP_HOST_(v_##name##_s, s, uint32_t, FP_S, i, EXACT_OK, bits, x == x && y == y, expr)                     \
    SIMD_FP_HOST_(v_##name##_d, d, uint64_t, FP_D, i, EXACT_OK, bits, x == x && y == y, expr)

#define HOST_OK  fp_host_ok(cpu->fpcr, cpu->fpsr, fmt)
#define EXACT_OK fp_host_exact_ok(cpu->fpcr, fmt)
#define FINITE   fp_host_finite(fmt, v)
/* fp_host_safe of v, or a zero made by a zero; in the element's type and without branches, for the vectoriser. */
#define EXPONENT (fp_sign_bit(fmt) - (fmt == FP_D ? 1ull << 52 : 1ull << 23))
#define EXP_2 (fmt == FP_D ? 2ull << 52 : 2ull << 23)
#define ZERO(v)  ((T)((T)((v) << 1) == 0))
#define SAFE     ((T)((T)((v & (T)EXPONENT) - (T)EXP_2) < (T)(EXPONENT - EXP_2)) | (ZERO(v) & (ZERO(a) | ZERO(b))))

/* ---- Arithmetic ------------------------------------------------------------------------------ */

SIMD_FP_VALUE(fadd, i, x + y, FINITE, fp_add(FPA, a, b))
SIMD_FP_VALUE(fsub, i, x - y, FINITE, fp_sub(FPA, a, b))
SIMD_FP_VALUE(fmul, i, x * y, SAFE, fp_mul(FPA, a, b))
SIMD_FP_VALUE(fmul_e, op->imm, x * y, SAFE, fp_mul(FPA, a, b))
SIMD_FP(fdiv, fp_fast_div(FPA, a, b))
SIMD_FP(fmulx, fp_mulx(FPA, a, b))
SIMD_FP(fabd, fp_abs(fmt, fp_fast_sub(FPA, a, b)))
SIMD_FP(fmla, fp_fast_muladd(FPA, c, a, b))
SIMD_FP(fmls, fp_fast_muladd(FPA, c, fp_neg(fmt, a), b))
SIMD_FPE(fmulx, fp_mulx(FPA, a, b))
SIMD_FPE(fmla, fp_fast_muladd(FPA, c, a, b))
SIMD_FPE(fmls, fp_fast_muladd(FPA, c, fp_neg(fmt, a), b))
SIMD_FP(fsqrt, fp_fast_sqrt(FPA, a))
SIMD_FP(frecps, fp_recip_step(FPA, a, b))
SIMD_FP(frsqrts, fp_rsqrt_step(FPA, a, b))
SIMD_FP(frecpe, fp_recip_estimate(FPA, a))
SIMD_FP(frsqrte, fp_rsqrt_estimate(FPA, a))
SIMD_FP(frecpx, fp_recpx(FPA, a))
SIMD_LANES_(v_urecpe_s, s, uint32_t, m.s[i], fp_recip_estimate_u32(a))
SIMD_LANES_(v_ursqrte_s, s, uint32_t, m.s[i], fp_rsqrt_estimate_u32(a))

#define MAGNITUDE ((T)-1 >> 1)
SIMD_LANES_(v_fabs_h, h, uint16_t, m.h[i], a & MAGNITUDE)
SIMD_LANES_(v_fabs_s, s, uint32_t, m.s[i], a & MAGNITUDE)
SIMD_LANES_(v_fabs_d, d, uint64_t, m.d[i], a & MAGNITUDE)
SIMD_LANES_(v_fneg_h, h, uint16_t, m.h[i], a ^ (MAGNITUDE + 1))
SIMD_LANES_(v_fneg_s, s, uint32_t, m.s[i], a ^ (MAGNITUDE + 1))
SIMD_LANES_(v_fneg_d, d, uint64_t, m.d[i], a ^ (MAGNITUDE + 1))

/* ---- Choice, comparison: all ones for true --------------------------------------------------- */

/* Of equal numbers only zeros differ in bits: the maximum of +0 and -0 is +0, the minimum -0. */
#define MAX_BITS (x > y ? a : y > x ? b : a & b)
#define MIN_BITS (x < y ? a : y < x ? b : a | b)
SIMD_FP_CHOICE(fmax, MAX_BITS, fp_max(FPA, a, b))
SIMD_FP_CHOICE(fmin, MIN_BITS, fp_min(FPA, a, b))
SIMD_FP_CHOICE(fmaxnm, MAX_BITS, fp_maxnum(FPA, a, b))
SIMD_FP_CHOICE(fminnm, MIN_BITS, fp_minnum(FPA, a, b))
SIMD_FP_CHOICE(fcmeq, -(T)(x == y), -(uint64_t)fp_compare_eq(FPA, a, b))
SIMD_FP_CHOICE(fcmge, -(T)(x >= y), -(uint64_t)fp_compare_ge(FPA, a, b))
SIMD_FP_CHOICE(fcmgt, -(T)(x > y), -(uint64_t)fp_compare_gt(FPA, a, b))
SIMD_FP(facge, -(uint64_t)fp_compare_ge(FPA, fp_abs(fmt, a), fp_abs(fmt, b)))
SIMD_FP(facgt, -(uint64_t)fp_compare_gt(FPA, fp_abs(fmt, a), fp_abs(fmt, b)))
SIMD_FP(fcmeq0, -(uint64_t)fp_compare_eq(FPA, a, 0))
SIMD_FP(fcmge0, -(uint64_t)fp_compare_ge(FPA, a, 0))
SIMD_FP(fcmgt0, -(uint64_t)fp_compare_gt(FPA, a, 0))
SIMD_FP(fcmle0, -(uint64_t)fp_compare_ge(FPA, 0, a))
SIMD_FP(fcmlt0, -(uint64_t)fp_compare_gt(FPA, 0, a))

/* ---- Pairwise, across lanes ------------------------------------------------------------------ */

#define SIMD_FP_PAIRS_(name, f, T_, format, expr)                                                                \
    UOP_BODY(name)                                                                                               \
    {                                                                                                            \
        typedef T_ T;                                                                                            \
        const enum fp_fmt fmt = (format);                                                                        \
        const unsigned half = 8 / sizeof(T);                                                                     \
        FP_CHECK();                                                                                              \
        const struct simd_pair nm = simd_concat(cpu, op);                                                        \
        union vreg r = { .d = { 0, 0 } };                                                                        \
        for (unsigned i = 0; i < simd_lanes(op, fmt); i++) {                                                     \
            const union vreg *from = i < half ? &nm.lo : &nm.hi;                                                 \
            const uint64_t a = from->f[i % half * 2], b = from->f[i % half * 2 + 1];                             \
            r.f[i] = (T)(expr);                                                                                  \
        }                                                                                                        \
        cpu->v[op->rd] = r;                                                                                      \
        NEXT();                                                                                                  \
    }
#define SIMD_FPP(name, expr)                                                                                     \
    SIMD_FP_PAIRS_(v_##name##_h, h, uint16_t, FP_H, expr)                                                         \
    SIMD_FP_PAIRS_(v_##name##_s, s, uint32_t, FP_S, expr)                                                         \
    SIMD_FP_PAIRS_(v_##name##_d, d, uint64_t, FP_D, expr)
SIMD_FPP(faddp, fp_fast_add(FPA, a, b))
SIMD_FPP(fmaxp, fp_max(FPA, a, b))
SIMD_FPP(fminp, fp_min(FPA, a, b))
SIMD_FPP(fmaxnmp, fp_maxnum(FPA, a, b))
SIMD_FPP(fminnmp, fp_minnum(FPA, a, b))

/* Neighbours first, then the results of neighbours (Reduce() in the pseudocode): with NaNs the order shows. */
#define SIMD_FP_ACROSS_(name, f, T_, format, fn)                                                                 \
    UOP_BODY(name)                                                                                               \
    {                                                                                                            \
        const enum fp_fmt fmt = (format);                                                                        \
        FP_CHECK();                                                                                              \
        union vreg r = cpu->v[op->rn];                                                                           \
        for (unsigned lanes = simd_lanes(op, fmt); lanes > 1; lanes /= 2) {                                      \
            for (unsigned i = 0; i < lanes / 2; i++) {                                                           \
                r.f[i] = (T_)fn(FPA, r.f[2 * i], r.f[2 * i + 1]);                                                \
            }                                                                                                    \
        }                                                                                                        \
        simd_put_scalar(cpu, op, r.f[0]);                                                                        \
        NEXT();                                                                                                  \
    }
#define SIMD_FPV(name, fn)                                                                                       \
    SIMD_FP_ACROSS_(v_##name##_h, h, uint16_t, FP_H, fn)                                                          \
    SIMD_FP_ACROSS_(v_##name##_s, s, uint32_t, FP_S, fn)
SIMD_FPV(fmaxv, fp_max)
SIMD_FPV(fminv, fp_min)
SIMD_FPV(fmaxnmv, fp_maxnum)
SIMD_FPV(fminnmv, fp_minnum)

/* ---- To integers, from integers and fixed point (op->imm bits of fraction) ------------------- */

#define RMODE fp_rounding(cpu->fpcr)
SIMD_FP(frintn, fp_round_int(FPA, a, FPR_TIEEVEN, false))
SIMD_FP(frintp, fp_round_int(FPA, a, FPR_POSINF, false))
SIMD_FP(frintm, fp_round_int(FPA, a, FPR_NEGINF, false))
SIMD_FP(frintz, fp_round_int(FPA, a, FPR_ZERO, false))
SIMD_FP(frinta, fp_round_int(FPA, a, FPR_TIEAWAY, false))
SIMD_FP(frintx, fp_round_int(FPA, a, RMODE, true))
SIMD_FP(frinti, fp_round_int(FPA, a, RMODE, false))

#define TO_FIXED(is_unsigned, rounding) fp_to_fixed(FPA, a, (unsigned)op->imm, is_unsigned, rounding, 8u << fmt)
SIMD_FP(fcvtns, TO_FIXED(false, FPR_TIEEVEN))
SIMD_FP(fcvtps, TO_FIXED(false, FPR_POSINF))
SIMD_FP(fcvtms, TO_FIXED(false, FPR_NEGINF))
SIMD_FP(fcvtzs, op->imm == 0 && fmt >= FP_S ? fp_fast_to_int(FPA, a, 8u << fmt) : TO_FIXED(false, FPR_ZERO))
SIMD_FP(fcvtas, TO_FIXED(false, FPR_TIEAWAY))
SIMD_FP(fcvtnu, TO_FIXED(true, FPR_TIEEVEN))
SIMD_FP(fcvtpu, TO_FIXED(true, FPR_POSINF))
SIMD_FP(fcvtmu, TO_FIXED(true, FPR_NEGINF))
SIMD_FP(fcvtzu, TO_FIXED(true, FPR_ZERO))
SIMD_FP(fcvtau, TO_FIXED(true, FPR_TIEAWAY))

#define FROM_FIXED(is_unsigned)                                                                                  \
    (op->imm == 0 ? fp_fast_from_int(FPA, a, is_unsigned)                                                        \
                  : fp_from_fixed(FPA, a, (unsigned)op->imm, is_unsigned, RMODE))
SIMD_FP(ucvtf, FROM_FIXED(true))
SIMD_FP_(v_scvtf_h, sh, FP_H, 0, (int16_t)FROM_FIXED(false))
SIMD_FP_(v_scvtf_s, ss, FP_S, 0, (int32_t)FROM_FIXED(false))
SIMD_FP_(v_scvtf_d, sd, FP_D, 0, (int64_t)FROM_FIXED(false))

/* ---- Conversion between formats -------------------------------------------------------------- */

/* FCVTL: from the half of Vn that the shape says. f has the narrower elements, wf the wider. */
#define SIMD_FCVTL(name, f, format, wf, wide)                                                                    \
    UOP_BODY(name)                                                                                               \
    {                                                                                                            \
        FP_CHECK();                                                                                              \
        const union vreg n = simd_half(cpu, op, op->rn);                                                         \
        union vreg r;                                                                                            \
        for (unsigned i = 0; i < 8u >> (format); i++) {                                                          \
            r.wf[i] = fp_fast_convert(cpu->fpcr, &cpu->fpsr, wide, format, n.f[i]);                              \
        }                                                                                                        \
        cpu->v[op->rd] = r;                                                                                      \
        NEXT();                                                                                                  \
    }
#define SIMD_FCVTN(name, f, T_, format, wf, wide, convert)                                                      \
    UOP_BODY(name)                                                                                               \
    {                                                                                                            \
        FP_CHECK();                                                                                              \
        const union vreg n = cpu->v[op->rn];                                                                     \
        union vreg r = { .d = { 0, 0 } };                                                                        \
        for (unsigned i = 0; i < (op->ra < SHAPE_HALF ? 1 : 8u >> (format)); i++) {                              \
            r.f[i] = (T_)convert(cpu->fpcr, &cpu->fpsr, format, wide, n.wf[i]);                                  \
        }                                                                                                        \
        simd_put_narrow(cpu, op, r);                                                                             \
        NEXT();                                                                                                  \
    }
SIMD_FCVTL(v_fcvtl_h, h, FP_H, s, FP_S)
SIMD_FCVTL(v_fcvtl_s, s, FP_S, d, FP_D)
#define CONVERT_ODD(...) fp_convert(__VA_ARGS__, FPR_ODD)
SIMD_FCVTN(v_fcvtn_h, h, uint16_t, FP_H, s, FP_S, fp_fast_convert)
SIMD_FCVTN(v_fcvtn_s, s, uint32_t, FP_S, d, FP_D, fp_fast_convert)
SIMD_FCVTN(v_fcvtxn_s, s, uint32_t, FP_S, d, FP_D, CONVERT_ODD)
/* clang-format on */
