/*
 * op_simd_sat.c - Advanced SIMD integer arithmetic with saturation (shifts are in op_simd_shift.c).
 *
 * DDI 0487, the instructions whose name contains Q, and "Shared Pseudocode", SatQ. Whatever
 * saturates sets FPSR.QC. The functions or something other than 0 into *q then; q has the type of
 * the element, which lets the compiler keep one q a lane.
 */
#include "accel/soft/simd.h"

/* ---- Functions over one element size: S, U its types, W the signed type of twice the size ---- */

/* An overflowed sum has the sign that neither operand has: the result is the extreme
 * on the side of a. */
#define SAT_ADD_SUB(sz, S, U)                                                                     \
    static ALWAYS_INLINE S sqadd_##sz(S a, S b, S *q)                                             \
    {                                                                                             \
        const S sum = (S)((U)a + (U)b), over = (S)((a ^ sum) & (b ^ sum));                        \
        const S extreme = (S)((a >> (8 * sizeof(S) - 1)) ^ (S)((U)-1 >> 1));                      \
        *q |= over < 0 ? 1 : 0;                                                                   \
        return over < 0 ? extreme : sum;                                                          \
    }                                                                                             \
    static ALWAYS_INLINE S sqsub_##sz(S a, S b, S *q)                                             \
    {                                                                                             \
        const S dif = (S)((U)a - (U)b), over = (S)((a ^ dif) & (a ^ b));                          \
        const S extreme = (S)((a >> (8 * sizeof(S) - 1)) ^ (S)((U)-1 >> 1));                      \
        *q |= over < 0 ? 1 : 0;                                                                   \
        return over < 0 ? extreme : dif;                                                          \
    }                                                                                             \
    static ALWAYS_INLINE U uqadd_##sz(U a, U b, U *q)                                             \
    {                                                                                             \
        const U sum = (U)(a + b);                                                                 \
        *q |= sum < a ? 1 : 0;                                                                    \
        return sum < a ? (U)-1 : sum;                                                             \
    }                                                                                             \
    static ALWAYS_INLINE U uqsub_##sz(U a, U b, U *q)                                             \
    {                                                                                             \
        *q |= a < b ? 1 : 0;                                                                      \
        return a < b ? 0 : (U)(a - b);                                                            \
    }                                                                                             \
    /* Signed c + unsigned a, to signed: what c has left to the maximum is unsigned and tells. */ \
    static ALWAYS_INLINE S suqadd_##sz(U a, S c, S *q)                                            \
    {                                                                                             \
        const S max = (S)((U)-1 >> 1);                                                            \
        const U room = (U)((U)max - (U)c);                                                        \
        *q |= a > room ? 1 : 0;                                                                   \
        return a > room ? max : (S)((U)c + a);                                                    \
    }                                                                                             \
    /* Unsigned c + signed a, to unsigned. */                                                     \
    static ALWAYS_INLINE U usqadd_##sz(S a, U c, U *q)                                            \
    {                                                                                             \
        const U sum = (U)(c + (U)a);                                                              \
        const bool under = a < 0 && sum > c, over = a >= 0 && sum < c;                            \
        *q |= under || over ? 1 : 0;                                                              \
        return under ? 0 : over ? (U)-1 : sum;                                                    \
    }                                                                                             \
    static ALWAYS_INLINE S sqneg_##sz(S a, S *q)                                                  \
    {                                                                                             \
        return sqsub_##sz(0, a, q);                                                               \
    }                                                                                             \
    static ALWAYS_INLINE S sqabs_##sz(S a, S *q)                                                  \
    {                                                                                             \
        return a < 0 ? sqsub_##sz(0, a, q) : a;                                                   \
    }

SAT_ADD_SUB(b, int8_t, uint8_t)
SAT_ADD_SUB(h, int16_t, uint16_t)
SAT_ADD_SUB(s, int32_t, uint32_t)
SAT_ADD_SUB(d, int64_t, uint64_t)

/*
 * Doubling multiplication. 2ab leaves W only for the product of two minima; c - 2ab can leave it by
 * nothing but that or by the sum. The high half with accumulation (SQRDMLAH) is c * 2^esize + 2ab,
 * saturated after the shift; half of it is formed, so that W holds it: (c * 2^(esize - 1) + ab +
 * rounding / 2) >> (esize - 1), with |ab| <= 2^(2 esize - 2).
 */
#define SAT_MUL(sz, wsz, S, W)                                                               \
    static ALWAYS_INLINE S sat_##sz(W v, S *q)                                               \
    {                                                                                        \
        const W max = (W)(((W)1 << (8 * sizeof(S) - 1)) - 1), min = (W)(-max - 1);           \
        *q |= v > max || v < min ? 1 : 0;                                                    \
        return (S)(v > max ? max : v < min ? min : v);                                       \
    }                                                                                        \
    static ALWAYS_INLINE S sqrdmla_##sz(S c, W ab, bool round, S *q)                         \
    {                                                                                        \
        const unsigned shift = 8 * sizeof(S) - 1;                                            \
        return sat_##sz(                                                                     \
            (W)(((W)((W)c << shift) + ab + (round ? (W)1 << (shift - 1) : 0)) >> shift), q); \
    }                                                                                        \
    static ALWAYS_INLINE W sqdmull_##sz(W a, W b, W *q)                                      \
    {                                                                                        \
        return sqadd_##wsz((W)(a * b), (W)(a * b), q);                                       \
    }

SAT_MUL(h, s, int16_t, int32_t)
SAT_MUL(s, d, int32_t, int64_t)

/* clang-format off */

SIMD_QS_BHSD(sqadd, sqadd)
SIMD_QU_BHSD(uqadd, uqadd)
SIMD_QS_BHSD(sqsub, sqsub)
SIMD_QU_BHSD(uqsub, uqsub)

/* One source; c is the accumulator of SUQADD and USQADD. */
#define SIMD_QS1(name, expr)                                                                                     \
    SIMD_QLANES_(v_##name##_b, sb, int8_t, 0, expr(b, uint8_t))                                                   \
    SIMD_QLANES_(v_##name##_h, sh, int16_t, 0, expr(h, uint16_t))                                                 \
    SIMD_QLANES_(v_##name##_s, ss, int32_t, 0, expr(s, uint32_t))                                                 \
    SIMD_QLANES_(v_##name##_d, sd, int64_t, 0, expr(d, uint64_t))
#define SIMD_QU1(name, expr)                                                                                     \
    SIMD_QLANES_(v_##name##_b, b, uint8_t, 0, expr(b, int8_t))                                                    \
    SIMD_QLANES_(v_##name##_h, h, uint16_t, 0, expr(h, int16_t))                                                  \
    SIMD_QLANES_(v_##name##_s, s, uint32_t, 0, expr(s, int32_t))                                                  \
    SIMD_QLANES_(v_##name##_d, d, uint64_t, 0, expr(d, int64_t))
#define SUQADD(sz, U) suqadd_##sz((U)a, c, &q)
#define USQADD(sz, S) usqadd_##sz((S)a, c, &q)
#define SQABS(sz, U)  sqabs_##sz(a, &q)
#define SQNEG(sz, U)  sqneg_##sz(a, &q)
SIMD_QS1(suqadd, SUQADD)
SIMD_QU1(usqadd, USQADD)
SIMD_QS1(sqabs, SQABS)
SIMD_QS1(sqneg, SQNEG)

/* ---- Doubling multiplication, high half ------------------------------------------------------ */

#define SIMD_QMULH(name, c_h, c_s, sign, round)                                                                  \
    SIMD_QLANES_(v_##name##_h, sh, int16_t, m_kept.sh[i], sqrdmla_h(c_h, sign((int32_t)a * b), round, &q))        \
    SIMD_QLANES_(v_##name##_s, ss, int32_t, m_kept.ss[i], sqrdmla_s(c_s, sign((int64_t)a * b), round, &q))        \
    SIMD_QLANES_(v_##name##_e_h, sh, int16_t, SIMD_ELEMENT(sh), sqrdmla_h(c_h, sign((int32_t)a * b), round, &q))     \
    SIMD_QLANES_(v_##name##_e_s, ss, int32_t, SIMD_ELEMENT(ss), sqrdmla_s(c_s, sign((int64_t)a * b), round, &q))
SIMD_QMULH(sqdmulh, 0, 0, +, false)
SIMD_QMULH(sqrdmulh, 0, 0, +, true)
SIMD_QMULH(sqrdmlah, c, c, +, true)
SIMD_QMULH(sqrdmlsh, c, c, -, true)

/* ---- Doubling multiplication, long ----------------------------------------------------------- */

/* As SIMD_LONG_ with the inputs and the accumulator of a scalar masked; two saturations may happen. */
#define SIMD_QLONG_(name, f, T_, wf, W_, b_, expr)                                                               \
    UOP_BODY(name)                                                                                               \
    {                                                                                                            \
        typedef T_ T; typedef W_ W;                                                                              \
        FP_CHECK();                                                                                              \
        const union vreg in = simd_keep[op->ra - 1];                                                             \
        const union vreg n = simd_and(simd_half(cpu, op, op->rn), in);                                           \
        const union vreg mh = simd_half(cpu, op, op->rm), m = cpu->v[op->rm];                                    \
        const union vreg d = simd_and(cpu->v[op->rd], simd_keep[op->ra]);                                        \
        union vreg r;                                                                                            \
        W q = 0;                                                                                                 \
        (void)m, (void)mh;                                                                                       \
        for (unsigned i = 0; i < 8 / sizeof(T); i++) {                                                           \
            const W a = n.f[i], b = b_, c = d.wf[i];                                                             \
            (void)c;                                                                                             \
            r.wf[i] = (expr);                                                                                    \
        }                                                                                                        \
        simd_set_qc(cpu, q != 0);                                                                                \
        simd_put(cpu, op, r);                                                                                    \
        NEXT();                                                                                                  \
    }
#define SIMD_QMULL(name, expr)                                                                                   \
    SIMD_QLONG_(v_##name##_h, sh, int16_t, ss, int32_t, mh.sh[i], expr(h, s))                                     \
    SIMD_QLONG_(v_##name##_s, ss, int32_t, sd, int64_t, mh.ss[i], expr(s, d))                                     \
    SIMD_QLONG_(v_##name##_e_h, sh, int16_t, ss, int32_t, SIMD_ELEMENT(sh), expr(h, s))                              \
    SIMD_QLONG_(v_##name##_e_s, ss, int32_t, sd, int64_t, SIMD_ELEMENT(ss), expr(s, d))
#define SQDMULL(sz, wsz) sqdmull_##sz(a, b, &q)
#define SQDMLAL(sz, wsz) sqadd_##wsz(c, sqdmull_##sz(a, b, &q), &q)
#define SQDMLSL(sz, wsz) sqsub_##wsz(c, sqdmull_##sz(a, b, &q), &q)
SIMD_QMULL(sqdmull, SQDMULL)
SIMD_QMULL(sqdmlal, SQDMLAL)
SIMD_QMULL(sqdmlsl, SQDMLSL)

/* ---- Extract narrow -------------------------------------------------------------------------- */

SIMD_QNS_BHS(sqxtn, simd_sqn, a)
SIMD_QNS_BHS(sqxtun, simd_squn, a)
SIMD_QNU_BHS(uqxtn, simd_uqn, a)
/* clang-format on */
