/*
 * t_fp.c - templates of scalar floating point (bodies: op_fp.c), single and double precision.
 *
 * How they come to Arm's bits and flags is said in vec_fp.h.
 */
#include "accel/soft/jit/vec_fp.h"
#include "accel/soft/op_fp.h"

#if SOFT_JIT

#include "accel/soft/fp.h"

enum { DOUBLE = 1 };
#define IS_D(arg) ((arg)&DOUBLE)

static bool is_scalar(const struct tr *t, bool d, unsigned n)
{
    return d ? v_is64(t, n) : v_is32(t, n);
}

/* The result, clear above it if clean says so. */
static void put(struct tr *t, bool d, unsigned rd, int x, bool clean)
{
    if (clean) {
        v_put(t, rd, x);
        v_note_zero(t, rd, d ? 64 : 32);
    } else if (d) {
        v_put64(t, rd, x);
    } else {
        v_put32(t, rd, x);
    }
}

/* ---- Arithmetic ------------------------------------------------------------------------------ */

enum { TINY = 2, NEGATE = 4 };

/* arg: DOUBLE, TINY, NEGATE, opcode << 8. */
static void t_2(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg), clean = is_scalar(t, d, op->rn);
    int n, r;
    uint8_t *odd;

    if (!vfp_begin(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    r = clean ? v_dst(t, op->rd, n, t->jit->vpin[op->rm], NOREG, SX0) : SX0;
    v3g(t, V_FP(arg >> 8, 1, d), r, n, op->rm);
    odd = vfp_odd(t, d, r, (arg & TINY) != 0);
    if ((arg & NEGATE) != 0) {
        v3c(t, V_XOR, r, r, vfp_sign(d), 0);
    }
    put(t, d, op->rd, r, clean);
    tr_cold_call(t, odd, NULL, NULL);
}

static void t_sqrt(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg), clean = is_scalar(t, d, op->rn);
    uint8_t *odd;
    int n;

    if (!vfp_begin(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    v3(t, V_SQRTF(1, d), SX0, n, n);
    odd = vfp_odd(t, d, SX0, false);
    put(t, d, op->rd, SX0, clean);
    tr_cold_call(t, odd, NULL, NULL);
}

/* Fused multiply-add; arg: DOUBLE, the host's opcode << 8. */
static void t_3(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg), clean = is_scalar(t, d, op->ra);
    uint8_t *odd;
    int n;

    if (!vfp_begin(t, !t->jit->host.fma)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    v_mov(t, SX0, vr(t, op->ra, SX0));
    v3g(t, V_FMA231(arg >> 8, 1, d), SX0, n, op->rm);
    odd = vfp_odd(t, d, SX0, true);
    put(t, d, op->rd, SX0, clean);
    tr_cold_call(t, odd, NULL, NULL);
}

/*
 * FMAX, FMIN and the NM forms, which differ on NaNs only. MAXSD answers its second operand if both are zero: done both ways
 * round, only zeros differ, and of those Arm wants the positive one (AND), or for FMIN the negative (OR).
 */
static void t_choice(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg), max = arg >> 8 == 0x5f;
    uint8_t *nan;
    int n, m;

    if (!vfp_begin(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    m = vr(t, op->rm, SX2);
    v2(t, V_UCOMIS(d), n, m);
    nan = as_jcc(&t->a, CC_P);
    v3(t, V_FP(arg >> 8, 1, d), SX0, n, m);
    v3(t, V_FP(arg >> 8, 1, d), SX1, m, n);
    v3(t, max ? V_AND : V_OR, SX0, SX0, SX1);
    put(t, d, op->rd, SX0, false);
    tr_cold_call(t, nan, NULL, NULL);
}

/* ---- Moves ----------------------------------------------------------------------------------- */

static void t_mov(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg), clean = is_scalar(t, d, op->rn);

    if (tr_vec_refuse(t, false)) {
        return;
    }
    tr_vec(t, false);
    put(t, d, op->rd, vr(t, op->rn, SX0), clean);
}

/* FABS and FNEG; arg >> 8: FNEG. */
static void t_sign(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg), neg = arg >> 8 != 0, clean = !neg || is_scalar(t, d, op->rn);
    int n, r;

    if (tr_vec_refuse(t, false)) {
        return;
    }
    tr_vec(t, false);
    n = vr(t, op->rn, SX1);
    r = clean ? v_dst(t, op->rd, NOREG, NOREG, NOREG, SX0) : SX0;
    v3c(t, neg ? V_XOR : V_AND, r, n, neg ? vfp_sign(d) : vfp_magnitude(d), 0);
    put(t, d, op->rd, r, clean);
}

static void t_mov_imm(struct tr *t, const struct op *op, unsigned arg)
{
    int r;

    if (tr_vec_refuse(t, false)) {
        return;
    }
    tr_vec(t, false);
    r = v_dst(t, op->rd, NOREG, NOREG, NOREG, SX0);
    if (op->imm == 0) {
        v_zero(t, r);
    } else {
        v2c(t, V_MOVAPS, r, op->imm, 0);
    }
    v_put(t, op->rd, r);
    v_note_zero(t, op->rd, op->imm >> 32 == 0 ? 32 : 64);
}

/* To a general register; arg: 32, 64 bits, or 128 for the upper half. */
static void t_mov_to_x(struct tr *t, const struct op *op, unsigned arg)
{
    int g = tr_dst(t, op->rd, RAX);

    if (tr_vec_refuse(t, false)) {
        return;
    }
    tr_vec(t, false);
    if (!v_pinned(t, op->rn)) {
        as_load(&t->a, arg == 32 ? 32 : 64, g, RBP, VOFF(op->rn) + (arg == 128 ? 8 : 0));
    } else if (arg == 128) {
        v2i(t, V_PEXTRQ, t->jit->vpin[op->rn], g, 1);
    } else {
        v2(t, arg == 32 ? V_MOVD_TO_G : V_MOVQ_TO_G, t->jit->vpin[op->rn], g);
    }
    tr_put(t, op->rd, g);
}

static void t_mov_from_x(struct tr *t, const struct op *op, unsigned arg)
{
    int g, r;

    if (tr_vec_refuse(t, false)) {
        return;
    }
    tr_vec(t, false);
    g = tr_src(t, 64, op->rn, RAX);
    if (arg == 128) {
        r = vr(t, op->rd, SX0);
        v3i(t, V_PINSRQ, r, r, g, 1);
        v_put(t, op->rd, r);
        return;
    }
    r = v_dst(t, op->rd, NOREG, NOREG, NOREG, SX0);
    v2(t, arg == 32 ? V_MOVD_G : V_MOVQ_G, r, g);
    v_put(t, op->rd, r);
    v_note_zero(t, op->rd, arg);
}

/* ---- Comparison ------------------------------------------------------------------------------ */

/* EFLAGS = Vn compared to Vm, or to 0; op->imm: quiet NaNs are invalid, too. */
static void compare(struct tr *t, const struct op *op, bool d, bool zero)
{
    int n = vr(t, op->rn, SX1);
    uint32_t ins = op->imm != 0 ? V_COMIS(d) : V_UCOMIS(d);

    if (zero) {
        v_zero(t, SX0);
        v2(t, ins, n, SX0);
    } else {
        v2g(t, ins, n, op->rm);
    }
}

static void t_compare(struct tr *t, const struct op *op, unsigned arg)
{
    if (!vfp_begin(t, false)) {
        return;
    }
    compare(t, op, IS_D(arg), arg >> 8 != 0);
    tr_flags(t, FK_FP);
}

/* The immediate NZCV as cpu->jit_nzcv has it. */
static uint32_t packed_nzcv(uint32_t nzcv)
{
    return (nzcv & 8) << 12 | (nzcv & 4) << 12 | ((nzcv & 2) ? 0 : 0x100) | (nzcv & 1);
}

static void t_ccmp(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    uint8_t *no, *done;

    if (tr_vec_refuse(t, false)) {
        return;
    }
    tr_vec(t, true);
    if (op->ra >= 14) {
        compare(t, op, IS_D(arg), false);
        tr_flags(t, FK_FP);
        return;
    }
    no = as_jcc(a, (enum cc)(tr_cond(t, op->ra) ^ 1));
    compare(t, op, IS_D(arg), false);
    tr_nzcv_of_fp(a);
    done = as_jmp(a);
    as_patch(a, no, a->p);
    as_imm(a, RAX, packed_nzcv(op->word & 15));
    as_patch(a, done, a->p);
    tr_eflags_of(a);
    tr_flags(t, FK_SUB);
}

/* Without a branch, through general registers: EFLAGS stay as they are. */
static void t_csel(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = IS_D(arg) ? 64 : 32, r;
    enum cc cc;

    if (tr_vec_refuse(t, op->ra >= 14)) {
        return;
    }
    tr_vec(t, false);
    cc = tr_cond(t, op->ra);
    for (unsigned n = 0; n < 2; n++) {
        unsigned v = n == 0 ? op->rn : op->rm;
        if (v_pinned(t, v)) {
            v2(t, w == 64 ? V_MOVQ_TO_G : V_MOVD_TO_G, t->jit->vpin[v], n == 0 ? RAX : RCX);
        } else {
            as_load(a, w, n == 0 ? RAX : RCX, RBP, VOFF(v));
        }
    }
    as_cmov(a, w, cc, RCX, RAX);
    r = v_dst(t, op->rd, NOREG, NOREG, NOREG, SX0);
    v2(t, w == 64 ? V_MOVQ_G : V_MOVD_G, r, RCX);
    v_put(t, op->rd, r);
    v_note_zero(t, op->rd, (unsigned)w);
}

/* ---- Conversion ------------------------------------------------------------------------------ */

/* Between the formats; arg: DOUBLE is the result's. */
static void t_cvt(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg);
    uint8_t *odd;
    int n;

    if (!vfp_begin(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    v3(t, d ? V_CVTSS2SD : V_CVTSD2SS, SX0, n, n);
    odd = vfp_odd(t, d, SX0, !d);
    put(t, d, op->rd, SX0, d && v_is64(t, op->rn));
    tr_cold_call(t, odd, NULL, NULL);
}

/* ROUNDSD's immediate; 8: without the inexact flag. */
static int round_mode(unsigned ra)
{
    static const uint8_t modes[] = { 0, 2, 1, 3 }; /* nearest, up, down, to zero */

    return ra == ROUND_FPCR ? 4 : modes[ra & 3];
}

/*
 * SX0 = the number in n, to nearest, ties away from zero: its integer part, and one more if twice the rest has an integer part. All
 * of it is exact. The jump is taken if n is too large for that, and integral anyway, or a NaN. Uses SX2.
 */
static uint8_t *round_away(struct tr *t, bool d, int n)
{
    uint8_t *large;

    v3c(t, V_AND, SX0, n, vfp_magnitude(d), 0);
    v2c(t, V_MOVAPS, SX2, d ? 0x4330000000000000 : 0x4b000000, 0); /* 2^52, 2^23 */
    v2(t, V_UCOMIS(d), SX2, SX0);
    large = as_jcc(&t->a, CC_BE);
    v3i(t, V_ROUNDF(1, d), SX0, n, n, 8 | 3);
    v3(t, V_SUBF(1, d), SX2, n, SX0);
    v3(t, V_ADDF(1, d), SX2, SX2, SX2);
    v3i(t, V_ROUNDF(1, d), SX2, SX2, SX2, 8 | 3);
    v3(t, V_ADDF(1, d), SX0, SX0, SX2);
    v3c(t, V_AND, SX0, SX0, vfp_magnitude(d), 0); /* the sign of a zero */
    v3c(t, V_AND, SX2, n, vfp_sign(d), 0);
    v3(t, V_OR, SX0, SX0, SX2);
    return large;
}

static void t_rint(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg);
    uint8_t *odd;
    int n;

    if (!vfp_begin(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    if (op->ra == FPR_TIEAWAY) {
        odd = round_away(t, d, n);
    } else {
        v3i(t, V_ROUNDF(1, d), SX0, n, n, round_mode(op->ra) | (op->imm != 0 ? 0 : 8));
        odd = vfp_odd(t, d, SX0, false);
    }
    put(t, d, op->rd, SX0, false);
    tr_cold_call(t, odd, NULL, NULL);
}

enum { TO_X = 2 };

/* FCVTZS: the host answers the least integer for all that does not fit. */
static void t_cvtzs(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg), x = (arg & TO_X) != 0;
    int g = tr_dst(t, op->rd, RAX);
    uint8_t *odd;

    if (!vfp_begin(t, false)) {
        return;
    }
    v2g(t, V_CVTT_TO_G(d, x), g, op->rn);
    as_alu_i(&t->a, x ? 64 : 32, ALU_CMP, g, 1);
    odd = as_jcc(&t->a, CC_O);
    tr_put(t, op->rd, g);
    tr_cold_call(t, odd, NULL, NULL);
}

/* 2^n as a number of the format. */
static uint64_t power_of_2(bool d, int n)
{
    return d ? (uint64_t)(1023 + n) << 52 : (uint64_t)(127 + n) << 23;
}

/* SX1 = n * 2^fbits, which is exact. The jump is taken if n is so large that it does not fit an integer anyway, or a NaN. */
static uint8_t *scale_up(struct tr *t, bool d, int n, unsigned fbits)
{
    uint8_t *large;

    v3c(t, V_AND, SX0, n, vfp_magnitude(d), 0);
    v2c(t, V_MOVAPS, SX2, power_of_2(d, 63), 0);
    v2(t, V_UCOMIS(d), SX2, SX0);
    large = as_jcc(&t->a, CC_BE);
    v3c(t, V_MULF(1, d), SX1, n, power_of_2(d, (int)fbits), 0);
    return large;
}

/* The other roundings, to fixed point, and to unsigned integers, for which the host answers all ones where they do not fit. Inexact is
 * raised when it is known that they do. */
static void t_cvt_int(struct tr *t, const struct op *op, unsigned arg)
{
    bool d = IS_D(arg), x = fixed_size(op->imm) == 64, u = fixed_unsigned(op->imm);
    unsigned fbits = fixed_fbits(op->imm);
    int g = tr_dst(t, op->rd, RAX), n, from;
    uint8_t *odd, *large = NULL;

    if (!vfp_begin(t, u && t->jit->host.level < VEX_AVX512)) {
        return;
    }
    from = n = vr(t, op->rn, SX1);
    if (fbits != 0) { /* always to zero */
        large = scale_up(t, d, n, fbits);
        from = SX1;
    } else if (op->ra == FPR_TIEAWAY) {
        large = round_away(t, d, n);
        from = SX0;
    } else if (op->ra != FPR_ZERO) {
        v3i(t, V_ROUNDF(1, d), SX0, n, n, 8 | round_mode(op->ra));
        from = SX0;
    }
    v2(t, u ? V_CVTTU_TO_G(d, x) : V_CVTT_TO_G(d, x), g, from);
    as_alu_i(&t->a, x ? 64 : 32, ALU_CMP, g, u ? -1 : 1);
    odd = as_jcc(&t->a, u ? CC_E : CC_O);
    if (from == SX0) {
        v3i(t, V_ROUNDF(1, d), SX0, n, n, 3);
    }
    tr_put(t, op->rd, g);
    tr_cold_call(t, odd, large, NULL);
}

/* FJCVTZS: Z says that the integer is the number, bit by bit (which -0 is not); the other flags are 0. */
static void t_cvt_js(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    uint8_t *odd;
    int n;

    if (!vfp_begin(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    v2(t, V_CVTT_TO_G(true, false), RCX, n);
    as_alu_i(a, 32, ALU_CMP, RCX, 1);
    odd = as_jcc(a, CC_O);
    v_zero(t, SX0);
    v3(t, V_CVT_FROM_G(true, false), SX0, SX0, RCX);
    v2(t, V_MOVQ_TO_G, SX0, RAX);
    v2(t, V_MOVQ_TO_G, n, RDX);
    as_alu(a, 64, ALU_XOR, RDX, RAX);
    as_alu(a, 32, ALU_XOR, RAX, RAX);
    as_test(a, 64, RDX, RDX);
    as_setcc(a, CC_E, RAX);
    as_shift(a, 32, SH_SHL, RAX, 14);
    as_alu_i(a, 32, ALU_OR, RAX, 0x100); /* C is 0: a borrow */
    as_store(a, 32, RAX, RBP, OFF(jit_nzcv));
    tr_put(t, op->rd, RCX);
    t->fk = FK_NONE;
    tr_cold_call(t, odd, NULL, NULL);
}

enum { FROM_X = 2, UNSIGNED = 4 };

static void from_int(struct tr *t, const struct op *op, bool d, bool x, bool u, unsigned fbits)
{
    bool avx512 = t->jit->host.level == VEX_AVX512;
    int g, r;

    if (!vfp_begin(t, u && x && !avx512)) {
        return;
    }
    g = tr_src(t, x ? 64 : 32, op->rn, RAX);
    if (u && !x && !avx512) { /* a signed number of 64 bits */
        as_mov(&t->a, 32, RAX, g);
        g = RAX;
        x = true;
    }
    r = v_dst(t, op->rd, NOREG, NOREG, NOREG, SX0);
    v_zero(t, r);
    v3(t, u && avx512 ? V_CVTU_FROM_G(d, x) : V_CVT_FROM_G(d, x), r, r, g);
    if (fbits != 0) {
        v3c(t, V_MULF(1, d), r, r, power_of_2(d, -(int)fbits), 0);
    }
    put(t, d, op->rd, r, true);
}

static void t_from_int(struct tr *t, const struct op *op, unsigned arg)
{
    from_int(t, op, IS_D(arg), (arg & FROM_X) != 0, (arg & UNSIGNED) != 0, 0);
}

/* From fixed point: scaled afterwards, which is exact. */
static void t_from_fixed(struct tr *t, const struct op *op, unsigned arg)
{
    from_int(t, op, IS_D(arg), fixed_size(op->imm) == 64, fixed_unsigned(op->imm),
             fixed_fbits(op->imm));
}

/* ---- Table ----------------------------------------------------------------------------------- */

#define T(name, fn_, arg_)  [UOP_##name] = { fn_, arg_ }
#define T_SD(name, fn, arg) T(name##_s, fn, arg), T(name##_d, fn, (arg) | DOUBLE)
#define OP(opcode)          ((opcode) << 8)

const struct tmpl jit_tmpl_fp[UOP_COUNT] = {
    T_SD(fadd, t_2, OP(0x58)),
    T_SD(fsub, t_2, OP(0x5c)),
    T_SD(fmul, t_2, OP(0x59) | TINY),
    T_SD(fnmul, t_2, OP(0x59) | TINY | NEGATE),
    T_SD(fdiv, t_2, OP(0x5e) | TINY),
    T_SD(fsqrt, t_sqrt, 0),
    T_SD(fmax, t_choice, OP(0x5f)),
    T_SD(fmaxnm, t_choice, OP(0x5f)),
    T_SD(fmin, t_choice, OP(0x5d)),
    T_SD(fminnm, t_choice, OP(0x5d)),
    T_SD(fmadd, t_3, OP(0xb8)),
    T_SD(fmsub, t_3, OP(0xbc)),
    T_SD(fnmadd, t_3, OP(0xbe)),
    T_SD(fnmsub, t_3, OP(0xba)),
    T_SD(fmov, t_mov, 0),
    T_SD(fabs, t_sign, 0),
    T_SD(fneg, t_sign, OP(1)),
    T(fmov_imm, t_mov_imm, 0),
    T(fmov_w_s, t_mov_to_x, 32),
    T(fmov_x_d, t_mov_to_x, 64),
    T(fmov_x_v1, t_mov_to_x, 128),
    T(fmov_s_w, t_mov_from_x, 32),
    T(fmov_d_x, t_mov_from_x, 64),
    T(fmov_v1_x, t_mov_from_x, 128),
    T_SD(fcmp, t_compare, 0),
    T_SD(fcmp_zero, t_compare, OP(1)),
    T_SD(fccmp, t_ccmp, 0),
    T_SD(fcsel, t_csel, 0),
    T(fcvt_ds, t_cvt, DOUBLE),
    T(fcvt_sd, t_cvt, 0),
    T_SD(frint, t_rint, 0),
    T_SD(fcvtzs_w, t_cvtzs, 0),
    T_SD(fcvtzs_x, t_cvtzs, TO_X),
    T_SD(fcvt_int, t_cvt_int, 0),
    T(fjcvtzs, t_cvt_js, 0),
    T_SD(cvtf, t_from_fixed, 0),
    T_SD(scvtf_w, t_from_int, 0),
    T_SD(scvtf_x, t_from_int, FROM_X),
    T_SD(ucvtf_w, t_from_int, UNSIGNED),
    T_SD(ucvtf_x, t_from_int, UNSIGNED | FROM_X),
};

#endif
