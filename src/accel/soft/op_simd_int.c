/*
 * op_simd_int.c - Advanced SIMD integer arithmetic, comparison and logic (no saturation, no
 * shifts).
 *
 * DDI 0487, "Advanced SIMD three same", "three different", "two-register miscellaneous", "across
 * lanes", "vector x indexed element". How to read the lines is said in simd.h: a, b, c are elements
 * of Vn, Vm and the old Vd.
 */
#include "accel/soft/simd.h"

/* clang-format off */

/* ---- Bitwise --------------------------------------------------------------------------------- */

#define SIMD_BITS(name, expr) SIMD_LANES_(v_##name, d, uint64_t, m.d[i], expr)
SIMD_BITS(and, a & b)
SIMD_BITS(bic, a & ~b)
SIMD_BITS(orr, a | b)
SIMD_BITS(orn, a | ~b)
SIMD_BITS(eor, a ^ b)
SIMD_BITS(bsl, b ^ ((b ^ a) & c))
SIMD_BITS(bit, c ^ ((c ^ a) & b))
SIMD_BITS(bif, c ^ ((c ^ a) & ~b))
SIMD_BITS(not, ~a)

/* ---- Addition, subtraction, comparison ------------------------------------------------------- */

SIMD_U_BHSD(add, a + b)
SIMD_U_BHSD(sub, a - b)
SIMD_U_BHSD(neg, 0 - a)
SIMD_S_BHSD(abs, a < 0 ? 0 - a : a)

SIMD_S_BHSD(cmgt, -(a > b))
SIMD_S_BHSD(cmge, -(a >= b))
SIMD_U_BHSD(cmhi, -(T)(a > b))
SIMD_U_BHSD(cmhs, -(T)(a >= b))
SIMD_U_BHSD(cmeq, -(T)(a == b))
SIMD_U_BHSD(cmtst, -(T)((a & b) != 0))
SIMD_S_BHSD(cmgt0, -(a > 0))
SIMD_S_BHSD(cmge0, -(a >= 0))
SIMD_S_BHSD(cmeq0, -(a == 0))
SIMD_S_BHSD(cmle0, -(a <= 0))
SIMD_S_BHSD(cmlt0, -(a < 0))

/* Halving: the sum or difference as if it had one bit more. The sign of (a ^ b) >> 1 is that of the type. */
#define HADD(T)  ((a & b) + ((T)(a ^ b) >> 1))
#define RHADD(T) ((a | b) - ((T)(a ^ b) >> 1))
#define HSUB(T)  (((T)(a ^ b) >> 1) - (T)(~a & b))
SIMD_S_BHS(shadd, HADD(T))
SIMD_U_BHS(uhadd, HADD(T))
SIMD_S_BHS(srhadd, RHADD(T))
SIMD_U_BHS(urhadd, RHADD(T))
SIMD_S_BHS(shsub, HSUB(T))
SIMD_U_BHS(uhsub, HSUB(T))

#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
SIMD_S_BHS(smax, MAX(a, b))
SIMD_S_BHS(smin, MIN(a, b))
SIMD_U_BHS(umax, MAX(a, b))
SIMD_U_BHS(umin, MIN(a, b))

/* Absolute difference, exact modulo the element's size; in a signed type the cast of the result folds it. */
#define ABD (MAX(a, b) - MIN(a, b))
SIMD_S_BHS(sabd, ABD)
SIMD_U_BHS(uabd, ABD)
SIMD_S_BHS(saba, c + ABD)
SIMD_U_BHS(uaba, c + ABD)

/* ---- Multiplication -------------------------------------------------------------------------- */

/* 16-bit factors would be promoted to int, whose product overflows: unsigned arithmetic has the same low bits. */
#define PRODUCT ((uint32_t)a * (uint32_t)b)
SIMD_U_BHS(mul, PRODUCT)
SIMD_U_BHS(mla, c + PRODUCT)
SIMD_U_BHS(mls, c - PRODUCT)
SIMD_UE_HS(mul, PRODUCT)
SIMD_UE_HS(mla, c + PRODUCT)
SIMD_UE_HS(mls, c - PRODUCT)

/* Dot product of the 4 bytes of two 32-bit elements. */
#define DOT4(type)                                                                                               \
    (c + (uint32_t)((type)a * (type)b) + (uint32_t)((type)(a >> 8) * (type)(b >> 8)) +                            \
     (uint32_t)((type)(a >> 16) * (type)(b >> 16)) + (uint32_t)((type)(a >> 24) * (type)(b >> 24)))
SIMD_U_S(sdot, DOT4(int8_t))
SIMD_U_S(udot, DOT4(uint8_t))
SIMD_LANES_(v_sdot_e_s, s, uint32_t, SIMD_ELEMENT(s), DOT4(int8_t))
SIMD_LANES_(v_udot_e_s, s, uint32_t, SIMD_ELEMENT(s), DOT4(uint8_t))

/* ---- Bits of an element ---------------------------------------------------------------------- */

static ALWAYS_INLINE unsigned clz32(uint32_t v) { return v == 0 ? 32 : (unsigned)__builtin_clz(v); }

SIMD_U_B(clz, clz32(a) - 24)
SIMD_U_H(clz, clz32(a) - 16)
SIMD_U_S(clz, clz32(a))

/* Leading bits equal to the sign, not counting the sign: a ^ a >> 1 is never negative, and has a 1 where bits differ. */
SIMD_S_B(cls, clz32((uint32_t)(a ^ a >> 1)) - 25)
SIMD_S_H(cls, clz32((uint32_t)(a ^ a >> 1)) - 17)
SIMD_S_S(cls, clz32((uint32_t)(a ^ a >> 1)) - 1)

/* Sums of groups of bits side by side, then of those. */
static ALWAYS_INLINE uint8_t count_bits(uint8_t v)
{
    v = (uint8_t)(v - (v >> 1 & 0x55));
    v = (uint8_t)((v & 0x33) + (v >> 2 & 0x33));
    return (v + (v >> 4)) & 0x0f;
}

static ALWAYS_INLINE uint8_t reverse_bits(uint8_t v)
{
    v = (uint8_t)(v >> 4 | v << 4);
    v = (uint8_t)((v >> 2 & 0x33) | (v & 0x33) << 2);
    return (uint8_t)((v >> 1 & 0x55) | (v & 0x55) << 1);
}

SIMD_LANES_(v_cnt, b, uint8_t, m.b[i], count_bits(a))
SIMD_LANES_(v_rbit, b, uint8_t, m.b[i], reverse_bits(a))

/* ---- Pairwise -------------------------------------------------------------------------------- */

SIMD_PU_BHS(addp, a + b)
SIMD_PAIRS_(v_addp_d, d, uint64_t, a + b)
SIMD_PS_BHS(smaxp, MAX(a, b))
SIMD_PS_BHS(sminp, MIN(a, b))
SIMD_PU_BHS(umaxp, MAX(a, b))
SIMD_PU_BHS(uminp, MIN(a, b))

/* Long pairwise: two adjacent elements are the halves of one of twice the size, so that lane by lane is enough. */
#define SIMD_HALVES_S(name, acc)                                                                                 \
    SIMD_LANES_(v_##name##_b, sh, int16_t, m.sh[i], acc + (int8_t)a + (a >> 8))                                   \
    SIMD_LANES_(v_##name##_h, ss, int32_t, m.ss[i], acc + (int16_t)a + (a >> 16))                                 \
    SIMD_LANES_(v_##name##_s, sd, int64_t, m.sd[i], acc + (int32_t)a + (a >> 32))
#define SIMD_HALVES_U(name, acc)                                                                                 \
    SIMD_LANES_(v_##name##_b, h, uint16_t, m.h[i], acc + (uint8_t)a + (a >> 8))                                   \
    SIMD_LANES_(v_##name##_h, s, uint32_t, m.s[i], acc + (uint16_t)a + (a >> 16))                                 \
    SIMD_LANES_(v_##name##_s, d, uint64_t, m.d[i], acc + (uint32_t)a + (a >> 32))
SIMD_HALVES_S(saddlp, 0)
SIMD_HALVES_U(uaddlp, 0)
SIMD_HALVES_S(sadalp, c)
SIMD_HALVES_U(uadalp, c)

/* ---- Across lanes ---------------------------------------------------------------------------- */

/*
 * r of type R is combined with each element a. A vector of 64 bits is filled up with what does not change the result:
 * zeros for a sum, itself for an extreme. The result is a scalar of R's size.
 */
#define SIMD_ACROSS_(name, f, T_, R_, first, upper, expr)                                                        \
    UOP_BODY(name)                                                                                               \
    {                                                                                                            \
        typedef T_ T; typedef R_ R;                                                                              \
        FP_CHECK();                                                                                              \
        union vreg n = cpu->v[op->rn];                                                                           \
        n.d[1] = op->ra == SHAPE_HALF ? (upper) : n.d[1];                                                        \
        R r = (first);                                                                                           \
        for (unsigned i = 0; i < 16 / sizeof(T); i++) {                                                          \
            const R a = n.f[i];                                                                                  \
            r = (R)(expr);                                                                                       \
        }                                                                                                        \
        simd_put_scalar(cpu, op, (uint64_t)r & (~0ull >> (64 - 8 * sizeof(R))));                                 \
        NEXT();                                                                                                  \
    }
#define SIMD_SUM_(name, f, T, R) SIMD_ACROSS_(name, f, T, R, 0, 0, r + a)
#define SIMD_EXTREME_(name, f, T, choice) SIMD_ACROSS_(name, f, T, T, n.f[0], n.d[0], choice(r, a))

SIMD_SUM_(v_addv_b, b, uint8_t, uint8_t)
SIMD_SUM_(v_addv_h, h, uint16_t, uint16_t)
SIMD_SUM_(v_addv_s, s, uint32_t, uint32_t)
SIMD_SUM_(v_saddlv_b, sb, int8_t, int16_t)
SIMD_SUM_(v_saddlv_h, sh, int16_t, int32_t)
SIMD_SUM_(v_saddlv_s, ss, int32_t, int64_t)
SIMD_SUM_(v_uaddlv_b, b, uint8_t, uint16_t)
SIMD_SUM_(v_uaddlv_h, h, uint16_t, uint32_t)
SIMD_SUM_(v_uaddlv_s, s, uint32_t, uint64_t)
SIMD_EXTREME_(v_smaxv_b, sb, int8_t, MAX)
SIMD_EXTREME_(v_smaxv_h, sh, int16_t, MAX)
SIMD_EXTREME_(v_smaxv_s, ss, int32_t, MAX)
SIMD_EXTREME_(v_sminv_b, sb, int8_t, MIN)
SIMD_EXTREME_(v_sminv_h, sh, int16_t, MIN)
SIMD_EXTREME_(v_sminv_s, ss, int32_t, MIN)
SIMD_EXTREME_(v_umaxv_b, b, uint8_t, MAX)
SIMD_EXTREME_(v_umaxv_h, h, uint16_t, MAX)
SIMD_EXTREME_(v_umaxv_s, s, uint32_t, MAX)
SIMD_EXTREME_(v_uminv_b, b, uint8_t, MIN)
SIMD_EXTREME_(v_uminv_h, h, uint16_t, MIN)
SIMD_EXTREME_(v_uminv_s, s, uint32_t, MIN)

/* ---- Long, wide and narrow ------------------------------------------------------------------- */

SIMD_LS_BHS(saddl, a + b)
SIMD_LU_BHS(uaddl, a + b)
SIMD_LS_BHS(ssubl, a - b)
SIMD_LU_BHS(usubl, a - b)
SIMD_WS_BHS(saddw, a + b)
SIMD_WU_BHS(uaddw, a + b)
SIMD_WS_BHS(ssubw, a - b)
SIMD_WU_BHS(usubw, a - b)
SIMD_LS_BHS(sabdl, ABD)
SIMD_LU_BHS(uabdl, ABD)
SIMD_LS_BHS(sabal, c + ABD)
SIMD_LU_BHS(uabal, c + ABD)

/* 1u * keeps the product of two uint16_t out of int. */
SIMD_LS_BHS(smull, a * b)
SIMD_LU_BHS(umull, 1u * a * b)
SIMD_LS_BHS(smlal, c + a * b)
SIMD_LU_BHS(umlal, c + 1u * a * b)
SIMD_LS_BHS(smlsl, c - a * b)
SIMD_LU_BHS(umlsl, c - 1u * a * b)
SIMD_LSE_HS(smull, a * b)
SIMD_LUE_HS(umull, a * b)
SIMD_LSE_HS(smlal, c + a * b)
SIMD_LUE_HS(umlal, c + a * b)
SIMD_LSE_HS(smlsl, c - a * b)
SIMD_LUE_HS(umlsl, c - a * b)

/* The upper half of each wide sum or difference, rounded for R; half a unit of it is the top bit of the lower half. */
#define HIGH(v)  ((v) >> 4 * sizeof(W))
#define ROUND    ((W)1 << (4 * sizeof(W) - 1))
SIMD_NU_BHS(addhn, HIGH((W)(a + b)))
SIMD_NU_BHS(raddhn, HIGH((W)(a + b + ROUND)))
SIMD_NU_BHS(subhn, HIGH((W)(a - b)))
SIMD_NU_BHS(rsubhn, HIGH((W)(a - b + ROUND)))
SIMD_NU_BHS(xtn, a)

/* ---- Polynomials over {0, 1}: addition is exclusive or, without carries ---------------------- */

static ALWAYS_INLINE uint16_t poly_mul8(uint16_t a, uint16_t b)
{
    uint16_t r = 0;

    for (unsigned k = 0; k < 8; k++) {
        r = (uint16_t)(r ^ (a << k & -(b >> k & 1)));
    }
    return r;
}

SIMD_U_B(pmul, poly_mul8(a, b))
SIMD_LONG_(v_pmull_b, b, uint8_t, h, uint16_t, mh.b[i], poly_mul8(a, b))

/*
 * 64 by 64 bits by ordinary multiplication: with only every fifth bit kept in a factor, at most 13 terms meet in one
 * place of the product, which 4 bits of room below the next place hold; the lowest bit of each sum is their parity.
 */
static ALWAYS_INLINE unsigned __int128 poly_mul64(uint64_t a, uint64_t b)
{
    static const uint64_t every_fifth = 0x1084210842108421ull;
    const unsigned __int128 places = (unsigned __int128)0x2108421084210842ull << 64 | 0x1084210842108421ull;
    unsigned __int128 r = 0;

    for (unsigned i = 0; i < 5; i++) {
        uint64_t ai = a & every_fifth << i;

        for (unsigned k = 0; k < 5; k++) {
            unsigned shift = (i + k) % 5;
            unsigned __int128 sum = (unsigned __int128)ai * (b & every_fifth << k);

            r ^= sum & places << shift;
        }
    }
    return r;
}

UOP_BODY(v_pmull64_d)
{
    FP_CHECK();
    const bool hi = op->ra == SHAPE_HI;
    const unsigned __int128 r = poly_mul64(cpu->v[op->rn].d[hi], cpu->v[op->rm].d[hi]);

    cpu->v[op->rd] = (union vreg){ .d = { (uint64_t)r, (uint64_t)(r >> 64) } };
    NEXT();
}
/* clang-format on */
