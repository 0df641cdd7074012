/*
 * t_simd_long.c - templates of Advanced SIMD integer instructions whose result has other elements than the sources: long,
 * wide, narrow, pairwise, across (bodies: op_simd_int.c, op_simd_shift.c, op_simd_sat.c).
 */
#include "accel/soft/jit/vec.h"

#if SOFT_JIT

#define SIZE(arg) ((arg)&3) /* of the narrower elements */
enum { SIGNED = 4, ADD_TO = 8, SUB_FROM = 16, ROUND = 32, ELEMENT = 64 };

/* ---- Long and wide --------------------------------------------------------------------------- */

/* d = the half of Vr that op's shape says, widened. */
static void widen(struct tr *t, const struct op *op, unsigned arg, int d, unsigned r)
{
    unsigned size = SIZE(arg);
    uint32_t ins = (arg & SIGNED) != 0 ? V_PMOVSX(size) : V_PMOVZX(size);

    if (op->ra == SHAPE_HI) {
        v2gi(t, V_PSHUFD, d, r, 0xee);
        v2(t, ins, d, d);
    } else {
        v2g(t, ins, d, r);
    }
}

/* Vd = Vd + SX0, Vd - SX0, or SX0; whole registers of wide elements. */
static void accumulate(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned wide = SIZE(arg) + 1;
    int r = SX0;

    if ((arg & (ADD_TO | SUB_FROM)) != 0) {
        r = v_dst(t, op->rd, NOREG, NOREG, NOREG, SX0);
        v3(t, (arg & ADD_TO) != 0 ? V_PADD(wide) : V_PSUB(wide), r, vr(t, op->rd, SX1), SX0);
    }
    v_put(t, op->rd, r);
}

enum { SUBTRACT = 128, WIDE = 256 };

/* SADDL, SADDW and their relatives. */
static void t_add_long(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned wide = SIZE(arg) + 1;
    int n = SX0, r;

    if (!v_begin(t, false)) {
        return;
    }
    widen(t, op, arg, SX1, op->rm);
    if ((arg & WIDE) != 0) {
        n = vr(t, op->rn, SX0);
    } else {
        widen(t, op, arg, SX0, op->rn);
    }
    r = v_dst(t, op->rd, NOREG, NOREG, NOREG, SX0);
    v3(t, (arg & SUBTRACT) != 0 ? V_PSUB(wide) : V_PADD(wide), r, n, SX1);
    v_put(t, op->rd, r);
}

/* SABDL, SABAL ...: the difference of the narrow elements fits them, unsigned. */
static void t_abd_long(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = SIZE(arg);
    int n;

    if (!v_begin(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    v3g(t, (arg & SIGNED) != 0 ? V_PMAXS(size) : V_PMAXU(size), SX0, n, op->rm);
    v3g(t, (arg & SIGNED) != 0 ? V_PMINS(size) : V_PMINU(size), SX1, n, op->rm);
    v3(t, V_PSUB(size), SX0, SX0, SX1);
    if (op->ra == SHAPE_HI) {
        v2i(t, V_PSHUFD, SX0, SX0, 0xee);
    }
    v2(t, V_PMOVZX(size), SX0, SX0);
    accumulate(t, op, arg);
}

/* Halfwords: low and high halves of the products, put together; words: spread to the places that PMULDQ takes. */
static void t_mul_long(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = SIZE(arg);
    bool hi = op->ra == SHAPE_HI, is_signed = (arg & SIGNED) != 0;
    int n, m = SX2;

    if (!v_begin(t, false)) {
        return;
    }
    if (size == 0) {
        widen(t, op, arg, SX0, op->rn);
        widen(t, op, arg, SX1, op->rm);
        v3(t, V_PMULLW, SX0, SX0, SX1);
        accumulate(t, op, arg);
        return;
    }
    if ((arg & ELEMENT) != 0) {
        v_element(t, op, size, SX2);
    } else if (size == 1) {
        m = vr(t, op->rm, SX2);
    } else {
        v2gi(t, V_PSHUFD, SX2, op->rm, hi ? 0xfa : 0x50);
    }
    if (size == 1) {
        n = vr(t, op->rn, SX1);
        v3(t, V_PMULLW, SX0, n, m);
        v3(t, is_signed ? V_PMULHW : V_PMULHUW, SX1, n, m);
        v3(t, hi ? V_UNPCKH(1) : V_UNPCKL(1), SX0, SX0, SX1);
    } else {
        v2gi(t, V_PSHUFD, SX0, op->rn, hi ? 0xfa : 0x50);
        v3(t, is_signed ? V_PMULDQ : V_PMULUDQ, SX0, SX0, m);
    }
    accumulate(t, op, arg);
}

/* SSHLL, USHLL, SHLL; SXTL and UXTL are those by 0. */
static void t_shl_long(struct tr *t, const struct op *op, unsigned arg)
{
    int r;

    if (!v_begin(t, false)) {
        return;
    }
    r = v_dst(t, op->rd, NOREG, NOREG, NOREG, SX0);
    widen(t, op, arg, r, op->rn);
    v_shl(t, SIZE(arg) + 1, r, r, (arg & ELEMENT) != 0 ? 8u << SIZE(arg) : (unsigned)op->imm);
    v_put(t, op->rd, r);
}

/* ---- Narrow ---------------------------------------------------------------------------------- */

/* The low half of x is the result. */
static void put_narrow(struct tr *t, const struct op *op, int x)
{
    int d;

    if (op->ra != SHAPE_HI) {
        v_put_shape(t, op, x);
        return;
    }
    d = vr(t, op->rd, SX2);
    v3(t, V_UNPCKL(3), d, d, x);
    v_put(t, op->rd, d);
}

/* The low halves of x's wide elements, side by side. */
static void pack(struct tr *t, const struct op *op, unsigned size, int x)
{
    static const uint64_t from[] = { 0x0e0c0a0806040200, 0x0d0c090805040100 };

    if (size == 2) {
        v2i(t, V_PSHUFD, SX0, x, 0x88);
    } else {
        v3c(t, V_PSHUFB, SX0, x, from[size], from[size]);
    }
    put_narrow(t, op, SX0);
}

/* XTN, SHRN, RSHRN. The carry that rounding loses at the top is above what is kept. */
static void t_shr_narrow(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned wide = SIZE(arg) + 1, count = (arg & ELEMENT) != 0 ? 0 : (unsigned)op->imm;
    int n;

    if (!v_begin(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    if ((arg & ROUND) != 0) {
        uint64_t half = v_each(wide, 1ull << ((count - 1) & 63));
        v3c(t, V_PADD(wide), SX1, n, half, half);
        n = SX1;
    }
    if (count != 0) {
        v_shr(t, wide, false, SX0, n, count);
        n = SX0;
    }
    pack(t, op, SIZE(arg), n);
}

/* ADDHN and its relatives. */
static void t_high_narrow(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned wide = SIZE(arg) + 1, half = 8u << SIZE(arg);
    uint64_t unit = v_each(wide, 1ull << (half - 1));

    if (!v_begin(t, false)) {
        return;
    }
    v3g(t, (arg & SUBTRACT) != 0 ? V_PSUB(wide) : V_PADD(wide), SX0, vr(t, op->rn, SX1), op->rm);
    if ((arg & ROUND) != 0) {
        v3c(t, V_PADD(wide), SX0, SX0, unit, unit);
    }
    v_shr(t, wide, false, SX0, SX0, half);
    pack(t, op, SIZE(arg), SX0);
}

enum { TO_UNSIGNED = 128 };

/*
 * SQXTN, SQXTUN, UQXTN and the shifts before them, to bytes and halfwords. What the result widens to is not what was there where
 * it saturated. The host takes the source for signed: the unsigned form is limited first.
 */
static void t_saturate_narrow(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = SIZE(arg), wide = size + 1;
    bool is_signed = (arg & SIGNED) != 0, keeps_sign = is_signed && (arg & TO_UNSIGNED) == 0;
    uint64_t max = v_each(wide, ~0ull >> (64 - (8u << size)));
    int n, from;

    if (!v_begin_flags(t, false)) {
        return;
    }
    from = n = vr(t, op->rn, SX1);
    if ((arg & ELEMENT) == 0) { /* a shift */
        unsigned count = (unsigned)op->imm;
        v_shr(t, wide, is_signed, SX0, n, count);
        if ((arg & ROUND) != 0) {
            v_shr(t, wide, false, SX2, n, count - 1);
            v3c(t, V_AND, SX2, count == 1 ? n : SX2, v_each(wide, 1), v_each(wide, 1));
            v3(t, V_PADD(wide), SX0, SX0, SX2);
        }
        v_mov(t, SX1, SX0);
        from = SX1;
    }
    n = from;
    if (!is_signed) {
        v3c(t, V_PMINU(wide), SX0, from, max, max);
        n = SX0;
    }
    v3(t, keeps_sign ? V_PACKSS(wide) : V_PACKUS(wide), SX0, n, n);
    v2(t, keeps_sign ? V_PMOVSX(size) : V_PMOVZX(size), SX2, SX0);
    v3(t, V_XOR, SX1, from, SX2);
    if (op->ra < SHAPE_HALF) { /* one element: of twice the size there */
        v3c(t, V_AND, SX1, SX1, ~0ull >> (64 - (16u << (size & 1))), 0);
    }
    v_set_qc_all(t, SX1);
    put_narrow(t, op, SX0);
}

/* ---- Pairs ----------------------------------------------------------------------------------- */

/*
 * SX0 = elements 0, 2, 4 ... of Vm:Vn, SX1 = elements 1, 3, 5 ... A pair of 64-bit vectors is taken as one of 128 with itself: the low half
 * of what comes out is right.
 */
static void split_pairs(struct tr *t, const struct op *op, unsigned size)
{
    static const uint64_t even[] = { 0x0e0c0a0806040200, 0x0d0c090805040100, 0x0b0a090803020100 };
    static const uint64_t odd[] = { 0x0f0d0b0907050301, 0x0f0e0b0a07060302, 0x0f0e0d0c07060504 };
    int n, m;

    if (op->ra == SHAPE_HALF) {
        v3g(t, V_UNPCKL(3), SX1, vr(t, op->rn, SX1), op->rm);
        n = m = SX1;
    } else {
        n = vr(t, op->rn, SX1);
        m = vr(t, op->rm, SX2);
    }
    if (size == 3) {
        v3(t, V_UNPCKL(3), SX0, n, m);
        v3(t, V_UNPCKH(3), SX1, n, m);
        return;
    }
    if (size == 2) {
        v3i(t, V_SHUFPS, SX0, n, m, 0x88);
        v3i(t, V_SHUFPS, SX1, n, m, 0xdd);
        return;
    }
    v3c(t, V_PSHUFB, SX2, m, even[size], odd[size]);
    v3c(t, V_PSHUFB, SX1, n, even[size], odd[size]);
    v3(t, V_UNPCKL(3), SX0, SX1, SX2);
    v3(t, V_UNPCKH(3), SX1, SX1, SX2);
}

/* arg: size, the host's instruction << 8. */
static void t_pairs(struct tr *t, const struct op *op, unsigned arg)
{
    if (!v_begin(t, false)) {
        return;
    }
    if (op->ra < SHAPE_HALF) { /* ADDP of a scalar */
        v2gi(t, V_PSHUFD, SX1, op->rn, 0xee);
        v3(t, arg >> 8, SX0, vr(t, op->rn, SX0), SX1);
    } else {
        split_pairs(t, op, SIZE(arg));
        v3(t, arg >> 8, SX0, SX0, SX1);
    }
    v_put_shape(t, op, SX0);
}

/* SX0 = the sums of neighbouring elements of Vn, as elements of twice the size. */
static void sum_neighbours(struct tr *t, const struct op *op, unsigned arg, int n)
{
    unsigned size = SIZE(arg), half = 8u << size;
    bool is_signed = (arg & SIGNED) != 0;
    uint64_t ones = v_each(size, 1);

    if (size == 0 && !is_signed) {
        v3c(t, V_PMADDUBSW, SX0, n, ones, ones);
    } else if (size == 0) {
        v2c(t, V_MOVAPS, SX0, ones, ones);
        v3(t, V_PMADDUBSW, SX0, SX0, n);
    } else if (size == 1 && is_signed) {
        v3c(t, V_PMADDWD, SX0, n, ones, ones);
    } else {
        v_shl(t, size + 1, SX0, n, half);
        v_shr(t, size + 1, is_signed, SX0, SX0, half);
        v_shr(t, size + 1, is_signed, SX1, n, half);
        v3(t, V_PADD(size + 1), SX0, SX0, SX1);
    }
}

static void t_add_long_pairs(struct tr *t, const struct op *op, unsigned arg)
{
    if (!v_begin(t, false)) {
        return;
    }
    sum_neighbours(t, op, arg, vr(t, op->rn, SX1));
    if ((arg & ADD_TO) != 0) {
        v3g(t, V_PADD(SIZE(arg) + 1), SX0, SX0, op->rd);
    }
    v_put_shape(t, op, SX0);
}

/* ---- Across ---------------------------------------------------------------------------------- */

/* SX0 op= SX0 moved down by 8, 4 ... bytes, to elements of that size. */
static void fold(struct tr *t, uint32_t ins, unsigned size)
{
    for (unsigned bytes = 8; bytes >= 1u << size; bytes /= 2) {
        if (bytes >= 4) {
            v2i(t, V_PSHUFD, SX1, SX0, bytes == 8 ? 0xee : 0x55);
        } else {
            v_shift(t, V_SHIFT(3), VSH_BYTES_R, SX1, SX0, bytes);
        }
        v3(t, ins, SX0, SX0, SX1);
    }
}

/* The lowest element of SX0 is the result. */
static void put_element(struct tr *t, const struct op *op, unsigned size)
{
    const struct op scalar = { .rd = op->rd, .ra = (uint8_t)size };

    v_put_shape(t, &scalar, SX0);
}

/* Minimum and maximum; arg: size, the host's instruction << 8. A 64-bit vector is taken twice. */
static void t_extreme(struct tr *t, const struct op *op, unsigned arg)
{
    if (!v_begin(t, false)) {
        return;
    }
    v2gi(t, V_PSHUFD, SX0, op->rn, op->ra == SHAPE_HALF ? 0x44 : 0xe4);
    fold(t, arg >> 8, SIZE(arg));
    put_element(t, op, SIZE(arg));
}

enum { LONG = 128 };

/* ADDV, SADDLV, UADDLV: the upper half of a 64-bit vector counts as zeros. */
static void t_sum(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = SIZE(arg), wide = size + 1;
    int n = SX0;

    if (!v_begin(t, false)) {
        return;
    }
    if (op->ra == SHAPE_HALF) {
        v2g(t, V_MOVQ, SX0, op->rn);
    } else {
        n = vr(t, op->rn, SX1);
    }
    if ((arg & LONG) == 0) {
        v_mov(t, SX0, n);
        fold(t, V_PADD(size), size);
        put_element(t, op, size);
        return;
    }
    if (n == SX0) {
        v_mov(t, SX1, SX0);
        n = SX1;
    }
    sum_neighbours(t, op, arg, n);
    fold(t, V_PADD(wide), wide);
    put_element(t, op, wide);
}

/* ---- Table ----------------------------------------------------------------------------------- */

/* clang-format off */
#define T(name, fn_, arg_)   [UOP_##name] = { fn_, arg_ }
#define T_BH(name, fn, arg)  T(name##_b, fn, arg), T(name##_h, fn, (arg) | 1)
#define T_BHS(name, fn, arg) T_BH(name, fn, arg), T(name##_s, fn, (arg) | 2)
#define T_HS(name, fn, arg)  T(name##_h, fn, (arg) | 1), T(name##_s, fn, (arg) | 2)
#define T_INS(name, fn, INS) T(name##_b, fn, INS(0) << 8), T(name##_h, fn, INS(1) << 8 | 1), T(name##_s, fn, INS(2) << 8 | 2)

const struct tmpl jit_tmpl_simd_long[UOP_COUNT] = {
    T_BHS(v_saddl, t_add_long, SIGNED), T_BHS(v_uaddl, t_add_long, 0),
    T_BHS(v_ssubl, t_add_long, SIGNED | SUBTRACT), T_BHS(v_usubl, t_add_long, SUBTRACT),
    T_BHS(v_saddw, t_add_long, SIGNED | WIDE), T_BHS(v_uaddw, t_add_long, WIDE),
    T_BHS(v_ssubw, t_add_long, SIGNED | SUBTRACT | WIDE), T_BHS(v_usubw, t_add_long, SUBTRACT | WIDE),
    T_BHS(v_sabdl, t_abd_long, SIGNED), T_BHS(v_uabdl, t_abd_long, 0),
    T_BHS(v_sabal, t_abd_long, SIGNED | ADD_TO), T_BHS(v_uabal, t_abd_long, ADD_TO),
    T_BHS(v_smull, t_mul_long, SIGNED), T_BHS(v_umull, t_mul_long, 0),
    T_BHS(v_smlal, t_mul_long, SIGNED | ADD_TO), T_BHS(v_umlal, t_mul_long, ADD_TO),
    T_BHS(v_smlsl, t_mul_long, SIGNED | SUB_FROM), T_BHS(v_umlsl, t_mul_long, SUB_FROM),
    T_HS(v_smull_e, t_mul_long, SIGNED | ELEMENT), T_HS(v_umull_e, t_mul_long, ELEMENT),
    T_HS(v_smlal_e, t_mul_long, SIGNED | ADD_TO | ELEMENT), T_HS(v_umlal_e, t_mul_long, ADD_TO | ELEMENT),
    T_HS(v_smlsl_e, t_mul_long, SIGNED | SUB_FROM | ELEMENT), T_HS(v_umlsl_e, t_mul_long, SUB_FROM | ELEMENT),
    T_BHS(v_sshll, t_shl_long, SIGNED), T_BHS(v_ushll, t_shl_long, 0), T_BHS(v_shll, t_shl_long, ELEMENT),
    T_BHS(v_xtn, t_shr_narrow, ELEMENT), T_BHS(v_shrn, t_shr_narrow, 0), T_BHS(v_rshrn, t_shr_narrow, ROUND),
    T_BHS(v_addhn, t_high_narrow, 0), T_BHS(v_raddhn, t_high_narrow, ROUND),
    T_BHS(v_subhn, t_high_narrow, SUBTRACT), T_BHS(v_rsubhn, t_high_narrow, SUBTRACT | ROUND),
    T_BH(v_sqxtn, t_saturate_narrow, SIGNED | ELEMENT), T_BH(v_sqxtun, t_saturate_narrow, SIGNED | TO_UNSIGNED | ELEMENT),
    T_BH(v_uqxtn, t_saturate_narrow, ELEMENT),
    T_BH(v_sqshrn, t_saturate_narrow, SIGNED), T_BH(v_sqrshrn, t_saturate_narrow, SIGNED | ROUND),
    T_BH(v_sqshrun, t_saturate_narrow, SIGNED | TO_UNSIGNED), T_BH(v_sqrshrun, t_saturate_narrow, SIGNED | TO_UNSIGNED | ROUND),
    T_BH(v_uqshrn, t_saturate_narrow, 0), T_BH(v_uqrshrn, t_saturate_narrow, ROUND),
    T_INS(v_addp, t_pairs, V_PADD), T(v_addp_d, t_pairs, V_PADD(3) << 8 | 3),
    T_INS(v_smaxp, t_pairs, V_PMAXS), T_INS(v_sminp, t_pairs, V_PMINS),
    T_INS(v_umaxp, t_pairs, V_PMAXU), T_INS(v_uminp, t_pairs, V_PMINU),
    T_BHS(v_saddlp, t_add_long_pairs, SIGNED), T_BHS(v_uaddlp, t_add_long_pairs, 0),
    T_BHS(v_sadalp, t_add_long_pairs, SIGNED | ADD_TO), T_BHS(v_uadalp, t_add_long_pairs, ADD_TO),
    T_INS(v_smaxv, t_extreme, V_PMAXS), T_INS(v_sminv, t_extreme, V_PMINS),
    T_INS(v_umaxv, t_extreme, V_PMAXU), T_INS(v_uminv, t_extreme, V_PMINU),
    T_BHS(v_addv, t_sum, 0), T_BHS(v_saddlv, t_sum, SIGNED | LONG), T_BHS(v_uaddlv, t_sum, LONG),
};
/* clang-format on */

#endif
