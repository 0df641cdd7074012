/*
 * t_simd_fp.c - templates of Advanced SIMD floating point, single and double precision (bodies: op_simd_fp.c). See vec_fp.h.
 *
 * Elements that the shape does not have may raise no flags: a vector of 64 bits is worked on twice over, in both halves; a
 * scalar by the host's scalar instructions; a conversion with zeros in the rest.
 */
#include "accel/soft/jit/vec_fp.h"

#if SOFT_JIT

enum { DOUBLE = 1, TINY = 2, ELEMENT = 4 };
#define IS_D(arg)  ((arg)&DOUBLE)
#define OP(opcode) ((opcode) << 8)

static bool is_scalar(const struct op *op)
{
    return op->ra < SHAPE_HALF;
}

/* Vn for arithmetic. */
static int operand(struct tr *t, const struct op *op, unsigned n, int tmp)
{
    if (op->ra == SHAPE_HALF) {
        v2g(t, V_MOVDDUP, tmp, n);
        return tmp;
    }
    return vr(t, n, tmp);
}

/* Vm, or its element. */
static int second(struct tr *t, const struct op *op, unsigned arg, int tmp)
{
    if ((arg & ELEMENT) != 0) {
        v_element(t, op, IS_D(arg) ? 3 : 2, tmp);
        return tmp;
    }
    return operand(t, op, op->rm, tmp);
}

/* Vn for a conversion: zeros in the rest. */
static int isolated(struct tr *t, const struct op *op, unsigned n, int tmp)
{
    switch (op->ra) {
    case SHAPE_S: v3i(t, V_INSERTPS, tmp, vr(t, n, tmp), vr(t, n, tmp), 0x0e); return tmp;
    case SHAPE_D:
    case SHAPE_HALF: v2g(t, V_MOVQ, tmp, n); return tmp;
    default: return vr(t, n, tmp);
    }
}

enum { CMP_EQ, CMP_LT, CMP_LE, CMP_UNORDERED, CMP_EQ_OR_UNORDERED = 8 };

/* The jump is taken if an element of x, SX0 to SX2, is a NaN; or (tiny) the least normal number. Uses SX1, SX2. */
static uint8_t *odd_vector(struct tr *t, bool d, int x, bool tiny)
{
    uint64_t least = v_each(d ? 3 : 2, vfp_least(d)),
             magnitude = v_each(d ? 3 : 2, vfp_magnitude(d));

    if (!tiny) {
        v3i(t, V_CMPF(0, d), SX2, x, x, CMP_UNORDERED);
    } else if (t->jit->host.level != VEX_NONE) {
        v3c(t, V_AND, SX2, x, magnitude, magnitude);
        v3ci(t, V_CMPF(0, d), SX2, SX2, least, least, CMP_EQ_OR_UNORDERED);
    } else {
        v3c(t, V_AND, SX2, x, magnitude, magnitude);
        v3ci(t, V_CMPF(0, d), SX1, SX2, least, least, CMP_EQ);
        v3i(t, V_CMPF(0, d), SX2, SX2, SX2, CMP_UNORDERED);
        v3(t, V_OR, SX2, SX2, SX1);
    }
    v2(t, V_PTEST, SX2, SX2);
    return as_jcc(&t->a, CC_NE);
}

static uint8_t *odd(struct tr *t, const struct op *op, bool d, int x, bool tiny)
{
    return is_scalar(op) ? vfp_odd(t, d, x, tiny) : odd_vector(t, d, x, tiny);
}

/* ---- Arithmetic ------------------------------------------------------------------------------ */

enum { ABSOLUTE = 8 };

/* arg: DOUBLE, TINY, ELEMENT, ABSOLUTE, opcode << 8. */
static void t_2(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg);
    uint8_t *bad;
    int n, m;

    if (!vfp_begin(t, false)) {
        return;
    }
    n = operand(t, op, op->rn, SX1);
    m = second(t, op, arg, SX2);
    v3(t, V_FP(arg >> 8, is_scalar(op), d), SX0, n, m);
    bad = odd(t, op, d, SX0, (arg & TINY) != 0);
    if ((arg & ABSOLUTE) != 0) {
        uint64_t magnitude = v_each(d ? 3 : 2, vfp_magnitude(d));
        v3c(t, V_AND, SX0, SX0, magnitude, magnitude);
    }
    v_put_shape(t, op, SX0);
    tr_cold_call(t, bad, NULL, NULL);
}

static void t_sqrt(struct tr *t, const struct op *op, unsigned arg)
{
    uint8_t *bad;

    if (!vfp_begin(t, is_scalar(op))) {
        return;
    }
    v2(t, V_SQRTF(0, IS_D(arg)), SX0, operand(t, op, op->rn, SX1));
    bad = odd(t, op, IS_D(arg), SX0, false);
    v_put_shape(t, op, SX0);
    tr_cold_call(t, bad, NULL, NULL);
}

/* FMLA, FMLS; arg: the host's opcode << 8. (FRECPS and FMULX give an infinity times zero a value without a flag: their bodies.) */
static void t_fma(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg);
    uint8_t *bad;
    int n, m;

    if (!vfp_begin(t, !t->jit->host.fma)) {
        return;
    }
    n = operand(t, op, op->rn, SX1);
    m = second(t, op, arg, SX2);
    v_mov(t, SX0, operand(t, op, op->rd, SX0));
    v3(t, V_FMA231(arg >> 8, is_scalar(op), d), SX0, n, m);
    bad = odd(t, op, d, SX0, true);
    v_put_shape(t, op, SX0);
    tr_cold_call(t, bad, NULL, NULL);
}

/* SX0 = the larger or smaller of a and b, which are no NaNs; see t_fp.c. b may be SX1, a may not. */
static void choose(struct tr *t, uint32_t opcode, bool scalar, bool d, int a, int b)
{
    v3(t, V_FP(opcode, scalar, d), SX2, b, a);
    v3(t, V_FP(opcode, scalar, d), SX0, a, b);
    v3(t, opcode == 0x5f ? V_AND : V_OR, SX0, SX0, SX2);
}

/* a and b in SX0 and SX1, for the operations on pairs: neighbouring elements of Vm:Vn. */
static void split_pairs(struct tr *t, const struct op *op, bool d)
{
    int n, m;

    if (is_scalar(op)) {
        v_mov(t, SX0, vr(t, op->rn, SX0));
        v2i(t, V_PSHUFD, SX1, SX0, d ? 0xee : 0x55);
        return;
    }
    n = vr(t, op->rn, SX1);
    m = vr(t, op->rm, SX2);
    if (d) {
        v3(t, V_UNPCKL(3), SX0, n, m);
        v3(t, V_UNPCKH(3), SX1, n, m);
        return;
    }
    if (op->ra == SHAPE_HALF) {
        v3(t, V_UNPCKL(3), SX1, n, m);
        n = m = SX1;
    }
    v3i(t, V_SHUFPS, SX0, n, m, 0x88);
    v3i(t, V_SHUFPS, SX1, n, m, 0xdd);
}

/* The jump is taken if an element of a or b is a NaN; uses SX2. */
static uint8_t *unordered(struct tr *t, const struct op *op, bool d, int a, int b)
{
    if (is_scalar(op)) {
        v2(t, V_UCOMIS(d), a, b);
        return as_jcc(&t->a, CC_P);
    }
    v3i(t, V_CMPF(0, d), SX2, a, b, CMP_UNORDERED);
    v2(t, V_PTEST, SX2, SX2);
    return as_jcc(&t->a, CC_NE);
}

enum { PAIRS = 2 };

/* FMAX, FMIN, the NM forms and those of pairs. */
static void t_choice(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg);
    uint8_t *nan;

    if (!vfp_begin(t, false)) {
        return;
    }
    if ((arg & PAIRS) != 0) {
        split_pairs(t, op, d);
    } else {
        v_mov(t, SX0, operand(t, op, op->rn, SX0));
        v_mov(t, SX1, operand(t, op, op->rm, SX1));
    }
    nan = unordered(t, op, d, SX0, SX1);
    choose(t, arg >> 8, is_scalar(op), d, SX0, SX1);
    v_put_shape(t, op, SX0);
    tr_cold_call(t, nan, NULL, NULL);
}

/* FMAXV and relatives: four elements. Without NaNs the order does not show. */
static void t_across(struct tr *t, const struct op *op, unsigned arg)
{
    static const struct op vector = { .ra = SHAPE_FULL };
    uint8_t *nan;

    if (!vfp_begin(t, op->ra != SHAPE_FULL)) {
        return;
    }
    v_mov(t, SX0, vr(t, op->rn, SX0));
    nan = unordered(t, &vector, false, SX0, SX0);
    v2i(t, V_PSHUFD, SX1, SX0, 0xee);
    choose(t, arg >> 8, false, false, SX0, SX1);
    v2i(t, V_PSHUFD, SX1, SX0, 0x55);
    choose(t, arg >> 8, false, false, SX0, SX1);
    v_put32(t, op->rd, SX0);
    tr_cold_call(t, nan, NULL, NULL);
}

static void t_addp(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg);
    uint8_t *nan;

    if (!vfp_begin(t, false)) {
        return;
    }
    split_pairs(t, op, d);
    v3(t, V_ADDF(is_scalar(op), d), SX0, SX0, SX1);
    nan = odd(t, op, d, SX0, false);
    v_put_shape(t, op, SX0);
    tr_cold_call(t, nan, NULL, NULL);
}

/* FABS, FNEG: bits only. arg >> 8: FNEG. */
static void t_sign(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg), neg = arg >> 8 != 0;
    uint64_t mask = v_each(d ? 3 : 2, neg ? vfp_sign(d) : vfp_magnitude(d));
    int r;

    if (!v_begin(t, false)) {
        return;
    }
    r = v_last(t, op, V_AND, SX0);
    v3c(t, neg ? V_XOR : V_AND, r, vr(t, op->rn, SX1), mask, mask);
    v_put_shape(t, op, r);
}

/* ---- Comparison ------------------------------------------------------------------------------ */

/* NaNs compare false, and the host signals as Arm does: LT and LE for any of them, EQ for signalling ones. */
enum { ZERO = 2, SWAPPED = 4, MAGNITUDES = 8 };

/* arg: DOUBLE, what is compared, CMP_* << 8. */
static void t_compare(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg);
    uint64_t mask = v_each(d ? 3 : 2, vfp_magnitude(d));

    if (!vfp_begin(t, false)) {
        return;
    }
    v_mov(t, SX0, operand(t, op, op->rn, SX0));
    if ((arg & ZERO) != 0) {
        v_zero(t, SX1);
    } else {
        v_mov(t, SX1, operand(t, op, op->rm, SX1));
    }
    if ((arg & MAGNITUDES) != 0) {
        v3c(t, V_AND, SX0, SX0, mask, mask);
        v3c(t, V_AND, SX1, SX1, mask, mask);
    }
    if ((arg & SWAPPED) != 0) {
        v3i(t, V_CMPF(is_scalar(op), d), SX0, SX1, SX0, (int)(arg >> 8));
    } else {
        v3i(t, V_CMPF(is_scalar(op), d), SX0, SX0, SX1, (int)(arg >> 8));
    }
    v_put_shape(t, op, SX0);
}

/* ---- Conversion ------------------------------------------------------------------------------ */

/* arg: ROUNDPS's immediate << 8. */
static void t_rint(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg);
    uint8_t *nan;

    if (!vfp_begin(t, false)) {
        return;
    }
    v2i(t, V_ROUNDF(0, d), SX0, isolated(t, op, op->rn, SX1), (int)(arg >> 8));
    nan = odd(t, op, d, SX0, false);
    v_put_shape(t, op, SX0);
    tr_cold_call(t, nan, NULL, NULL);
}

enum { UNSIGNED = 2 };

/* What does not fit becomes the least integer, or all ones. */
static void t_to_int(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg), u = (arg & UNSIGNED) != 0;
    uint64_t bad = v_each(d ? 3 : 2, u ? ~0ull : vfp_sign(d));
    uint8_t *large;

    if (!vfp_begin(t, op->imm != 0 || ((d || u) && t->jit->host.level < VEX_AVX512))) {
        return;
    }
    v2(t,
       d   ? (u ? V_CVTTPD2UQQ : V_CVTTPD2QQ)
       : u ? V_CVTTPS2UDQ
           : V_CVTTPS2DQ,
       SX0, isolated(t, op, op->rn, SX1));
    v3c(t, V_PCMPEQ(d ? 3 : 2), SX2, SX0, bad, bad);
    v2(t, V_PTEST, SX2, SX2);
    large = as_jcc(&t->a, CC_NE);
    v_put_shape(t, op, SX0);
    tr_cold_call(t, large, NULL, NULL);
}

/* With bits of fraction: scaled afterwards, which is exact. */
static void t_from_int(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg), u = (arg & UNSIGNED) != 0;
    uint64_t scale = v_each(d ? 3 : 2, d ? (1023 - op->imm) << 52 : (127 - op->imm) << 23);

    if (!vfp_begin(t, (d || u) && t->jit->host.level < VEX_AVX512)) {
        return;
    }
    v2(t,
       d   ? (u ? V_CVTUQQ2PD : V_CVTQQ2PD)
       : u ? V_CVTUDQ2PS
           : V_CVTDQ2PS,
       SX0, isolated(t, op, op->rn, SX1));
    if (op->imm != 0) {
        v3c(t, V_MULF(0, d), SX0, SX0, scale, scale);
    }
    v_put_shape(t, op, SX0);
}

/* FCVTL of single precision. */
static void t_longer(struct tr *t, const struct op *op, unsigned arg)
{
    uint8_t *nan;

    if (!vfp_begin(t, false)) {
        return;
    }
    if (op->ra == SHAPE_HI) {
        v2gi(t, V_PSHUFD, SX0, op->rn, 0xee);
        v2(t, V_CVTPS2PD, SX0, SX0);
    } else {
        v2g(t, V_CVTPS2PD, SX0, op->rn);
    }
    nan = odd_vector(t, true, SX0, false);
    v_put(t, op->rd, SX0);
    tr_cold_call(t, nan, NULL, NULL);
}

/* FCVTN to single precision. */
static void t_narrower(struct tr *t, const struct op *op, unsigned arg)
{
    uint8_t *bad;
    int d;

    if (!vfp_begin(t, is_scalar(op))) {
        return;
    }
    v2g(t, V_CVTPD2PS, SX0, op->rn);
    bad = odd_vector(t, false, SX0, true);
    if (op->ra == SHAPE_HI) {
        d = vr(t, op->rd, SX1);
        v3(t, V_UNPCKL(3), d, d, SX0);
        v_put(t, op->rd, d);
    } else {
        v_put64(t, op->rd, SX0);
    }
    tr_cold_call(t, bad, NULL, NULL);
}

/* ---- Table ----------------------------------------------------------------------------------- */

/* clang-format off */
#define T(name, fn_, arg_)   [UOP_##name] = { fn_, arg_ }
#define T_SD(name, fn, arg)  T(name##_s, fn, arg), T(name##_d, fn, (arg) | DOUBLE)

const struct tmpl jit_tmpl_simd_fp[UOP_COUNT] = {
    T_SD(v_fadd, t_2, OP(0x58)), T_SD(v_fsub, t_2, OP(0x5c)), T_SD(v_fabd, t_2, OP(0x5c) | ABSOLUTE),
    T_SD(v_fmul, t_2, OP(0x59) | TINY), T_SD(v_fdiv, t_2, OP(0x5e) | TINY),
    T_SD(v_fmul_e, t_2, OP(0x59) | TINY | ELEMENT),
    T_SD(v_fsqrt, t_sqrt, 0),
    T_SD(v_fmla, t_fma, OP(0xb8)), T_SD(v_fmls, t_fma, OP(0xbc)),
    T_SD(v_fmla_e, t_fma, OP(0xb8) | ELEMENT), T_SD(v_fmls_e, t_fma, OP(0xbc) | ELEMENT),
    T_SD(v_fmax, t_choice, OP(0x5f)), T_SD(v_fmaxnm, t_choice, OP(0x5f)),
    T_SD(v_fmin, t_choice, OP(0x5d)), T_SD(v_fminnm, t_choice, OP(0x5d)),
    T_SD(v_fmaxp, t_choice, OP(0x5f) | PAIRS), T_SD(v_fmaxnmp, t_choice, OP(0x5f) | PAIRS),
    T_SD(v_fminp, t_choice, OP(0x5d) | PAIRS), T_SD(v_fminnmp, t_choice, OP(0x5d) | PAIRS),
    T(v_fmaxv_s, t_across, OP(0x5f)), T(v_fmaxnmv_s, t_across, OP(0x5f)),
    T(v_fminv_s, t_across, OP(0x5d)), T(v_fminnmv_s, t_across, OP(0x5d)),
    T_SD(v_faddp, t_addp, 0), T_SD(v_fabs, t_sign, 0), T_SD(v_fneg, t_sign, OP(1)),
    T_SD(v_fcmeq, t_compare, OP(CMP_EQ)), T_SD(v_fcmge, t_compare, OP(CMP_LE) | SWAPPED), T_SD(v_fcmgt, t_compare, OP(CMP_LT) | SWAPPED),
    T_SD(v_facge, t_compare, OP(CMP_LE) | SWAPPED | MAGNITUDES), T_SD(v_facgt, t_compare, OP(CMP_LT) | SWAPPED | MAGNITUDES),
    T_SD(v_fcmeq0, t_compare, OP(CMP_EQ) | ZERO), T_SD(v_fcmge0, t_compare, OP(CMP_LE) | SWAPPED | ZERO),
    T_SD(v_fcmgt0, t_compare, OP(CMP_LT) | SWAPPED | ZERO),
    T_SD(v_fcmle0, t_compare, OP(CMP_LE) | ZERO), T_SD(v_fcmlt0, t_compare, OP(CMP_LT) | ZERO),
    T_SD(v_frintn, t_rint, OP(8)), T_SD(v_frintm, t_rint, OP(9)), T_SD(v_frintp, t_rint, OP(10)), T_SD(v_frintz, t_rint, OP(11)),
    T_SD(v_frintx, t_rint, OP(4)), T_SD(v_frinti, t_rint, OP(12)),
    T_SD(v_fcvtzs, t_to_int, 0), T_SD(v_fcvtzu, t_to_int, UNSIGNED),
    T_SD(v_scvtf, t_from_int, 0), T_SD(v_ucvtf, t_from_int, UNSIGNED),
    T(v_fcvtl_s, t_longer, 0), T(v_fcvtn_s, t_narrower, 0),
};
/* clang-format on */

#endif
