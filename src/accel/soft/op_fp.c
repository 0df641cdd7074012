/*
 * op_fp.c - bodies of the scalar floating-point uops.
 *
 * DDI 0487, "A64 -- SIMD and Floating-point Instructions". Each kind of body is written once, as a
 * macro over its name and format, and TYPES makes the three of it. A scalar result clears the rest
 * of the V register.
 */
#include "accel/soft/op_fp.h"

#include "accel/soft/cpu.h"
#include "accel/soft/fp_fast.h"

#define TYPES(BODY, name, ...)        \
    BODY(name##_s, FP_S, __VA_ARGS__) \
    BODY(name##_d, FP_D, __VA_ARGS__) \
    BODY(name##_h, FP_H, __VA_ARGS__)

/* The FPCR and FPSR arguments of fp.h. */
#define ENV cpu->fpcr, &cpu->fpsr

static ALWAYS_INLINE uint64_t get(const struct cpu *cpu, enum fp_fmt fmt, unsigned r)
{
    return fmt == FP_D ? cpu->v[r].d[0] : fmt == FP_S ? cpu->v[r].s[0] : cpu->v[r].h[0];
}

static ALWAYS_INLINE void set(struct cpu *cpu, unsigned r, uint64_t value)
{
    vreg_set(&cpu->v[r], value, 0);
}

static ALWAYS_INLINE enum fp_rounding rounding(const struct cpu *cpu, const struct op *op)
{
    return op->ra == ROUND_FPCR ? fp_rounding(cpu->fpcr) : (enum fp_rounding)op->ra;
}

/* ---- One source ------------------------------------------------------------------------------ */

#define OP_BITS(name, fmt, expression)            \
    UOP_BODY(name)                                \
    {                                             \
        FP_CHECK();                               \
        const uint64_t a = get(cpu, fmt, op->rn); \
        set(cpu, op->rd, expression);             \
        NEXT();                                   \
    }

OP_BITS(fmov_s, FP_S, a)
OP_BITS(fmov_d, FP_D, a)
OP_BITS(fmov_h, FP_H, a)
OP_BITS(fabs_s, FP_S, fp_abs(FP_S, a))
OP_BITS(fabs_d, FP_D, fp_abs(FP_D, a))
OP_BITS(fabs_h, FP_H, fp_abs(FP_H, a))
OP_BITS(fneg_s, FP_S, fp_neg(FP_S, a))
OP_BITS(fneg_d, FP_D, fp_neg(FP_D, a))
OP_BITS(fneg_h, FP_H, fp_neg(FP_H, a))
OP_BITS(fsqrt_s, FP_S, fp_fast_sqrt(ENV, FP_S, a))
OP_BITS(fsqrt_d, FP_D, fp_fast_sqrt(ENV, FP_D, a))
OP_BITS(fsqrt_h, FP_H, fp_sqrt(ENV, FP_H, a))
OP_BITS(frint_s, FP_S, fp_round_int(ENV, FP_S, a, rounding(cpu, op), op->imm != 0))
OP_BITS(frint_d, FP_D, fp_round_int(ENV, FP_D, a, rounding(cpu, op), op->imm != 0))
OP_BITS(frint_h, FP_H, fp_round_int(ENV, FP_H, a, rounding(cpu, op), op->imm != 0))
OP_BITS(frint_ts_s, FP_S, fp_round_int_n(ENV, FP_S, a, rounding(cpu, op), (unsigned)op->imm))
OP_BITS(frint_ts_d, FP_D, fp_round_int_n(ENV, FP_D, a, rounding(cpu, op), (unsigned)op->imm))
OP_BITS(fcvt_ds, FP_S, fp_fast_convert(ENV, FP_D, FP_S, a))
OP_BITS(fcvt_sd, FP_D, fp_fast_convert(ENV, FP_S, FP_D, a))
OP_BITS(fcvt_hs, FP_S, fp_fast_convert(ENV, FP_H, FP_S, a))
OP_BITS(fcvt_hd, FP_D, fp_fast_convert(ENV, FP_H, FP_D, a))
OP_BITS(fcvt_sh, FP_H, fp_fast_convert(ENV, FP_S, FP_H, a))
OP_BITS(fcvt_dh, FP_H, fp_fast_convert(ENV, FP_D, FP_H, a))
OP_BITS(bfcvt, FP_S, fp_fast_convert(ENV, FP_BF, FP_S, a))

/* ---- Two and three sources ------------------------------------------------------------------- */

#define OP_2(name, fmt, function)                                                           \
    UOP_BODY(name)                                                                          \
    {                                                                                       \
        FP_CHECK();                                                                         \
        set(cpu, op->rd, function(ENV, fmt, get(cpu, fmt, op->rn), get(cpu, fmt, op->rm))); \
        NEXT();                                                                             \
    }

static ALWAYS_INLINE uint64_t multiply_negate(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt,
                                              uint64_t a, uint64_t b)
{
    return fp_neg(fmt, fp_fast_mul(fpcr, fpsr, fmt, a, b));
}

TYPES(OP_2, fmul, fp_fast_mul)
TYPES(OP_2, fdiv, fp_fast_div)
TYPES(OP_2, fadd, fp_fast_add)
TYPES(OP_2, fsub, fp_fast_sub)
TYPES(OP_2, fmax, fp_max)
TYPES(OP_2, fmin, fp_min)
TYPES(OP_2, fmaxnm, fp_maxnum)
TYPES(OP_2, fminnm, fp_minnum)
TYPES(OP_2, fnmul, multiply_negate)

/* Operands are negated before anything looks at them, so NaNs come out negated too. */
#define OP_3(name, fmt, negate_addend, negate_product)                                        \
    UOP_BODY(name)                                                                            \
    {                                                                                         \
        FP_CHECK();                                                                           \
        const uint64_t c = get(cpu, fmt, op->ra) ^ ((negate_addend) ? fp_sign_bit(fmt) : 0);  \
        const uint64_t a = get(cpu, fmt, op->rn) ^ ((negate_product) ? fp_sign_bit(fmt) : 0); \
        set(cpu, op->rd, fp_fast_muladd(ENV, fmt, c, a, get(cpu, fmt, op->rm)));              \
        NEXT();                                                                               \
    }

TYPES(OP_3, fmadd, false, false)
TYPES(OP_3, fmsub, false, true)
TYPES(OP_3, fnmadd, true, true)
TYPES(OP_3, fnmsub, true, false)

/* ---- Compare, select, constants -------------------------------------------------------------- */

#define OP_COMPARE(name, fmt, b)                                                              \
    UOP_BODY(name)                                                                            \
    {                                                                                         \
        FP_CHECK();                                                                           \
        cpu_set_nzcv(cpu, fp_fast_compare(ENV, fmt, get(cpu, fmt, op->rn), b, op->imm != 0)); \
        NEXT();                                                                               \
    }

OP_COMPARE(fcmp_s, FP_S, get(cpu, FP_S, op->rm))
OP_COMPARE(fcmp_d, FP_D, get(cpu, FP_D, op->rm))
OP_COMPARE(fcmp_h, FP_H, get(cpu, FP_H, op->rm))
TYPES(OP_COMPARE, fcmp_zero, 0)

#define OP_CCMP(name, fmt, unused)                                                         \
    UOP_BODY(name)                                                                         \
    {                                                                                      \
        FP_CHECK();                                                                        \
        uint32_t nzcv = op->word << 28;                                                    \
        if (cpu_cond(cpu, op->ra)) {                                                       \
            nzcv = fp_fast_compare(ENV, fmt, get(cpu, fmt, op->rn), get(cpu, fmt, op->rm), \
                                   op->imm != 0);                                          \
        }                                                                                  \
        cpu_set_nzcv(cpu, nzcv);                                                           \
        NEXT();                                                                            \
    }

#define OP_CSEL(name, fmt, unused)                                                \
    UOP_BODY(name)                                                                \
    {                                                                             \
        FP_CHECK();                                                               \
        set(cpu, op->rd, get(cpu, fmt, cpu_cond(cpu, op->ra) ? op->rn : op->rm)); \
        NEXT();                                                                   \
    }

TYPES(OP_CCMP, fccmp, )
TYPES(OP_CSEL, fcsel, )

UOP_BODY(fmov_imm)
{
    FP_CHECK();
    set(cpu, op->rd, op->imm);
    NEXT();
}

/* ---- Between V and general registers --------------------------------------------------------- */

#define OP_TO_X(name, expression)      \
    UOP_BODY(name)                     \
    {                                  \
        FP_CHECK();                    \
        cpu->x[op->rd] = (expression); \
        NEXT();                        \
    }

#define OP_FROM_X(name, expression)        \
    UOP_BODY(name)                         \
    {                                      \
        FP_CHECK();                        \
        const uint64_t x = cpu->x[op->rn]; \
        set(cpu, op->rd, expression);      \
        NEXT();                            \
    }

OP_TO_X(fmov_w_s, cpu->v[op->rn].s[0])
OP_TO_X(fmov_x_d, cpu->v[op->rn].d[0])
OP_TO_X(fmov_x_v1, cpu->v[op->rn].d[1])
OP_TO_X(fmov_r_h, cpu->v[op->rn].h[0])
OP_FROM_X(fmov_s_w, (uint32_t)x)
OP_FROM_X(fmov_d_x, x)
OP_FROM_X(fmov_h_r, (uint16_t)x)

/* The one that keeps the lower half. */
UOP_BODY(fmov_v1_x)
{
    FP_CHECK();
    cpu->v[op->rd].d[1] = cpu->x[op->rn];
    NEXT();
}

#define OP_CVT_INT(name, fmt, unused)                                                \
    OP_TO_X(name, fp_to_fixed(ENV, fmt, get(cpu, fmt, op->rn), fixed_fbits(op->imm), \
                              fixed_unsigned(op->imm), rounding(cpu, op), fixed_size(op->imm)))
#define OP_CVTZS(name, fmt, size) \
    OP_TO_X(name, fp_fast_to_int(ENV, fmt, get(cpu, fmt, op->rn), size))

TYPES(OP_CVT_INT, fcvt_int, )
TYPES(OP_CVTZS, fcvtzs_x, 64)
TYPES(OP_CVTZS, fcvtzs_w, 32)

UOP_BODY(fjcvtzs)
{
    FP_CHECK();
    const uint64_t r = fp_to_fixed_js(ENV, cpu->v[op->rn].d[0]);
    cpu->x[op->rd] = (uint32_t)r;
    cpu_set_nzcv(cpu, (uint32_t)(r >> 32) << 30);
    NEXT();
}

/* The integer in a general register, extended to 64 bits as its size and signedness say. */
static ALWAYS_INLINE uint64_t extend(uint64_t x, uint64_t imm)
{
    if (fixed_size(imm) == 64) {
        return x;
    }
    return fixed_unsigned(imm) ? (uint32_t)x : (uint64_t)(int64_t)(int32_t)x;
}

#define OP_CVTF(name, fmt, unused)                                                    \
    OP_FROM_X(name, fp_from_fixed(ENV, fmt, extend(x, op->imm), fixed_fbits(op->imm), \
                                  fixed_unsigned(op->imm), fp_rounding(cpu->fpcr)))
#define OP_SCVTF(name, fmt, type) \
    OP_FROM_X(name, fp_fast_from_int(ENV, fmt, (uint64_t)(int64_t)(type)x, false))
#define OP_UCVTF(name, fmt, type) OP_FROM_X(name, fp_fast_from_int(ENV, fmt, (type)x, true))

TYPES(OP_CVTF, cvtf, )
TYPES(OP_SCVTF, scvtf_x, int64_t)
TYPES(OP_SCVTF, scvtf_w, int32_t)
TYPES(OP_UCVTF, ucvtf_x, uint64_t)
TYPES(OP_UCVTF, ucvtf_w, uint32_t)
