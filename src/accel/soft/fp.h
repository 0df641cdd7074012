/*
 * fp.h - Arm floating point, exactly, in integer arithmetic.
 *
 * DDI 0487, "Shared Pseudocode", shared/functions/float: each function here is the pseudocode
 * function named beside it, for every format, with all of FPCR (RMode, FZ, FZ16, DN, AHP) and the
 * cumulative bits of FPSR. Trapped exceptions are not implemented (FPCR.xxE are RAZ), nor are
 * FEAT_AFP and FEAT_EBF16.
 *
 * Parameters that all of them share:
 *
 *   fpcr   value of FPCR; FPCR_ROUND_ODD may be or'ed in
 *   fpsr   cumulative flags are or'ed into it; bodies pass &cpu->fpsr (never the address of a
 *          local, see cpu.h)
 *   fmt    format of operands and result; values are bit patterns, zero-extended
 *
 * All are pure apart from *fpsr, total (any bits are fine), and take 8 to 35 ns. fp_fast.h has
 * inline forms of the frequent ones that use the host's arithmetic where it provably gives the same
 * bits and flags.
 */
#ifndef SOFT_FP_H
#define SOFT_FP_H

#include <stdbool.h>
#include <stdint.h>

#include "accel/soft/cpu.h" /* FPCR_*, FPSR_* */

/* Formats; the value is log2 of the size in bytes, except for bfloat16, which is a destination of
 * fp_convert and nothing else. */
enum fp_fmt { FP_BF = 0, FP_H = 1, FP_S = 2, FP_D = 3 };

/* Rounding: the first four as in FPCR.RMode. */
enum fp_rounding { FPR_TIEEVEN, FPR_POSINF, FPR_NEGINF, FPR_ZERO, FPR_TIEAWAY, FPR_ODD };

/* In an fpcr argument only: round to odd whatever RMode says (BFDOT and relatives; bit
 * 31 of FPCR is RES0). */
#define FPCR_ROUND_ODD (1u << 31)

static inline enum fp_rounding fp_rounding(uint32_t fpcr)
{
    return (fpcr & FPCR_ROUND_ODD) ? FPR_ODD : (enum fp_rounding)(fpcr >> FPCR_RM_SHIFT & 3);
}

/* The sign bit of a format; FPNeg and FPAbs, which look at no flags and raise none. */
static inline uint64_t fp_sign_bit(enum fp_fmt fmt)
{
    return fmt == FP_D ? 1ull << 63 : fmt == FP_S ? 1ull << 31 : 1ull << 15;
}
static inline uint64_t fp_neg(enum fp_fmt fmt, uint64_t a)
{
    return a ^ fp_sign_bit(fmt);
}
static inline uint64_t fp_abs(enum fp_fmt fmt, uint64_t a)
{
    return a & ~fp_sign_bit(fmt);
}

/* ---- Arithmetic (fp_arith.c) ----------------------------------------------------------------- */

uint64_t fp_add(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b); /* FPAdd */
uint64_t fp_sub(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b); /* FPSub */
uint64_t fp_mul(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b); /* FPMul */
uint64_t fp_mulx(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a,
                 uint64_t b); /* FPMulX */
uint64_t fp_div(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b); /* FPDiv */
uint64_t fp_sqrt(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a); /* FPSqrt */
/* FPMulAdd: addend + a * b, rounded once. FMLS and the like negate a first, as the
 * pseudocode does. */
uint64_t fp_muladd(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t addend, uint64_t a,
                   uint64_t b);
/* FPMulAddH (FMLAL): a single-precision addend + the product of two half-precision numbers. */
uint64_t fp_muladd_h(uint32_t fpcr, uint32_t *fpsr, uint64_t addend, uint64_t a, uint64_t b);
/* FPRecipStepFused: 2 - a * b.  FPRSqrtStepFused: (3 - a * b) / 2. Both rounded once. */
uint64_t fp_recip_step(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b);
uint64_t fp_rsqrt_step(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b);

/* ---- Estimates (fp_convert.c) ---------------------------------------------------------------- */

uint64_t fp_recip_estimate(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt,
                           uint64_t a); /* FPRecipEstimate */
uint64_t fp_rsqrt_estimate(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt,
                           uint64_t a);                                        /* FPRSqrtEstimate */
uint64_t fp_recpx(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a); /* FPRecpX */
uint32_t fp_recip_estimate_u32(uint32_t a); /* UnsignedRecipEstimate */
uint32_t fp_rsqrt_estimate_u32(uint32_t a); /* UnsignedRSqrtEstimate */

/* ---- Choice and comparison (fp_arith.c) ------------------------------------------------------ */

uint64_t fp_max(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b); /* FPMax */
uint64_t fp_min(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b); /* FPMin */
uint64_t fp_maxnum(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a,
                   uint64_t b); /* FPMaxNum */
uint64_t fp_minnum(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a,
                   uint64_t b); /* FPMinNum */
/* FPCompare: NZCV in bits 31:28. signal_nans: quiet NaNs are Invalid Operation too (FCMPE). */
uint32_t fp_compare(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b,
                    bool signal_nans);
bool fp_compare_eq(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a,
                   uint64_t b); /* FPCompareEQ */
bool fp_compare_ge(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a,
                   uint64_t b); /* FPCompareGE */
bool fp_compare_gt(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a,
                   uint64_t b); /* FPCompareGT */

/* ---- Conversion and rounding (fp_convert.c) -------------------------------------------------- */

/* FPRoundInt: to an integral value in the same format. exact: raise Inexact (FRINTX).
 * Rounding is not FPR_ODD. */
uint64_t fp_round_int(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a,
                      enum fp_rounding r, bool exact);
/* FPRoundIntN: the same into the range of a signed integer of size bits, 32 or 64
 * (FRINT32Z ...). FP_S, FP_D. */
uint64_t fp_round_int_n(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a,
                        enum fp_rounding r, unsigned size);
/* FPToFixed: saturated integer of size bits (16, 32, 64), zero-extended; fbits (0..64)
 * of them are fraction. */
uint64_t fp_to_fixed(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, unsigned fbits,
                     bool is_unsigned, enum fp_rounding r, unsigned size);
/* FixedToFP: value is the integer, sign- or zero-extended to 64 bits by the caller; fbits 0..64. */
uint64_t fp_from_fixed(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t value,
                       unsigned fbits, bool is_unsigned, enum fp_rounding r);
/* FPConvert (FCVT, FCVTXN with FPR_ODD, BFCVT with to == FP_BF); AHP applies where a
 * side is FP_H. */
uint64_t fp_convert(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt to, enum fp_fmt from, uint64_t a,
                    enum fp_rounding r);
/* FPToFixedJS (FJCVTZS): the 32-bit result, and the Z flag in bit 32. */
uint64_t fp_to_fixed_js(uint32_t fpcr, uint32_t *fpsr, uint64_t a);

#endif
