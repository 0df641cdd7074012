/*
 * fp_fast.h - the frequent floating-point operations on the host's own arithmetic, where that is
 * exact.
 *
 * Same names (with "fast"), parameters and meaning as in fp.h; with a constant fmt each is a
 * handful of instructions and a call of the core behind a branch. Half precision always takes the
 * core.
 *
 * Why the short way has the same bits and the same FPSR:
 *
 *   - It is taken only with FPCR.RMode = nearest and FZ = 0, which is how the host's SSE unit runs
 *     (MXCSR at its default: code that changes MXCSR must restore it before it calls these), and
 *     with FPSR.IXC set already, so that it does not matter whether this operation is inexact. The
 *     flag is sticky: that is the state a program soon reaches.
 *   - The result is then looked at. Infinities and NaNs go to the core, so IOC, DZC, OFC and the
 *     choice of a NaN never come from the host. So do results whose exponent field is 0 or 1 where
 *     they may be inexact: Arm detects tininess before rounding and x86 after, and a number that
 *     rounds up to the smallest normal one is the difference.
 *   - Sums and differences of finite numbers are exact when they are that small, square roots never
 *     are small, and the zeros that come from zero operands are exact.
 */
#ifndef SOFT_FP_FAST_H
#define SOFT_FP_FAST_H

#include "accel/soft/fp.h"

/* float and double arithmetic is IEEE 754 single and double, with nothing wider in between. */
#if (defined(__x86_64__) || defined(__aarch64__)) && __FLT_EVAL_METHOD__ == 0 && \
    !defined(__FAST_MATH__)
#define FP_HOST 1
#else
#define FP_HOST 0
#endif

union fp_host_d {
    uint64_t bits;
    double value;
};
union fp_host_s {
    uint32_t bits;
    float value;
};

static ALWAYS_INLINE double fp_host_d(uint64_t a)
{
    return (union fp_host_d){ .bits = a }.value;
}
static ALWAYS_INLINE float fp_host_s(uint64_t a)
{
    return (union fp_host_s){ .bits = (uint32_t)a }.value;
}
static ALWAYS_INLINE uint64_t fp_bits_d(double v)
{
    return (union fp_host_d){ .value = v }.bits;
}
static ALWAYS_INLINE uint64_t fp_bits_s(float v)
{
    return (union fp_host_s){ .value = v }.bits;
}

/* May an inexact result be made by the host? */
static ALWAYS_INLINE bool fp_host_ok(uint32_t fpcr, uint32_t fpsr, enum fp_fmt fmt)
{
    return FP_HOST && fmt >= FP_S &&
           (fpcr & (FPCR_FZ | 3u << FPCR_RM_SHIFT | FPCR_ROUND_ODD)) == 0 && (fpsr & FPSR_IXC) != 0;
}

/* May an exact operation on numbers other than NaNs be? Input subnormals matter with FZ. */
static ALWAYS_INLINE bool fp_host_exact_ok(uint32_t fpcr, enum fp_fmt fmt)
{
    return FP_HOST && fmt >= FP_S && (fpcr & FPCR_FZ) == 0;
}

/* Exponent field of FP_S, FP_D, and its largest value. */
static ALWAYS_INLINE unsigned fp_host_exp(enum fp_fmt fmt, uint64_t a)
{
    return fmt == FP_D ? (unsigned)(a >> 52) & 0x7ff : (unsigned)(a >> 23) & 0xff;
}
static ALWAYS_INLINE unsigned fp_host_exp_max(enum fp_fmt fmt)
{
    return fmt == FP_D ? 0x7ff : 0xff;
}

static ALWAYS_INLINE bool fp_host_finite(enum fp_fmt fmt, uint64_t a)
{
    return fp_host_exp(fmt, a) != fp_host_exp_max(fmt);
}
/* Finite, and at least twice the smallest normal number. */
static ALWAYS_INLINE bool fp_host_safe(enum fp_fmt fmt, uint64_t a)
{
    return fp_host_exp(fmt, a) - 2 < fp_host_exp_max(fmt) - 2;
}
static ALWAYS_INLINE bool fp_host_zero(enum fp_fmt fmt, uint64_t a)
{
    return fp_abs(fmt, a) == 0;
}

static ALWAYS_INLINE uint64_t fp_fast_add(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt,
                                          uint64_t a, uint64_t b)
{
    if (LIKELY(fp_host_ok(fpcr, *fpsr, fmt))) {
        const uint64_t r = fmt == FP_D ? fp_bits_d(fp_host_d(a) + fp_host_d(b))
                                       : fp_bits_s(fp_host_s(a) + fp_host_s(b));

        if (LIKELY(fp_host_finite(fmt, r))) {
            return r;
        }
    }
    return fp_add(fpcr, fpsr, fmt, a, b);
}

static ALWAYS_INLINE uint64_t fp_fast_sub(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt,
                                          uint64_t a, uint64_t b)
{
    if (LIKELY(fp_host_ok(fpcr, *fpsr, fmt))) {
        const uint64_t r = fmt == FP_D ? fp_bits_d(fp_host_d(a) - fp_host_d(b))
                                       : fp_bits_s(fp_host_s(a) - fp_host_s(b));

        if (LIKELY(fp_host_finite(fmt, r))) {
            return r;
        }
    }
    return fp_sub(fpcr, fpsr, fmt, a, b);
}

static ALWAYS_INLINE uint64_t fp_fast_mul(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt,
                                          uint64_t a, uint64_t b)
{
    if (LIKELY(fp_host_ok(fpcr, *fpsr, fmt))) {
        const uint64_t r = fmt == FP_D ? fp_bits_d(fp_host_d(a) * fp_host_d(b))
                                       : fp_bits_s(fp_host_s(a) * fp_host_s(b));

        if (LIKELY(fp_host_safe(fmt, r)) ||
            (fp_host_zero(fmt, r) && (fp_host_zero(fmt, a) || fp_host_zero(fmt, b)))) {
            return r;
        }
    }
    return fp_mul(fpcr, fpsr, fmt, a, b);
}

static ALWAYS_INLINE uint64_t fp_fast_div(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt,
                                          uint64_t a, uint64_t b)
{
    if (LIKELY(fp_host_ok(fpcr, *fpsr, fmt))) {
        const uint64_t r = fmt == FP_D ? fp_bits_d(fp_host_d(a) / fp_host_d(b))
                                       : fp_bits_s(fp_host_s(a) / fp_host_s(b));

        if (LIKELY(fp_host_safe(fmt, r)) || (fp_host_zero(fmt, r) && fp_host_zero(fmt, a))) {
            return r;
        }
    }
    return fp_div(fpcr, fpsr, fmt, a, b);
}

/* The compiler's builtins for square roots may call libm; where there is no
 * instruction here the core does it. */
static ALWAYS_INLINE uint64_t fp_fast_sqrt(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt,
                                           uint64_t a)
{
#if defined(__x86_64__)
    if (LIKELY(fp_host_ok(fpcr, *fpsr, fmt))) {
        double d = fp_host_d(a);
        float s = fp_host_s(a);
        uint64_t r;

        if (fmt == FP_D) {
            __asm__("sqrtsd %0, %0" : "+x"(d));
            r = fp_bits_d(d);
        } else {
            __asm__("sqrtss %0, %0" : "+x"(s));
            r = fp_bits_s(s);
        }
        if (LIKELY(fp_host_finite(fmt, r))) {
            return r;
        }
    }
#endif
    return fp_sqrt(fpcr, fpsr, fmt, a);
}

/*
 * addend + a * b, rounded once. In single precision: the product is exact in double; if their
 * rounded sum does not lie midway between two single-precision numbers, then neither did the exact
 * one, on that side, and rounding again is right.
 */
static ALWAYS_INLINE uint64_t fp_fast_muladd(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt,
                                             uint64_t addend, uint64_t a, uint64_t b)
{
    if (fmt == FP_S && LIKELY(fp_host_ok(fpcr, *fpsr, fmt))) {
        const double wide = (double)fp_host_s(a) * (double)fp_host_s(b) + (double)fp_host_s(addend);
        const uint64_t r = fp_bits_s((float)wide);

        if (LIKELY((fp_bits_d(wide) & 0x1fffffff) != 0x10000000 && fp_host_safe(fmt, r)) ||
            fp_abs(FP_D, fp_bits_d(wide)) == 0) {
            return r;
        }
    }
#if defined(__FMA__) || defined(__aarch64__)
    if (fmt == FP_D && LIKELY(fp_host_ok(fpcr, *fpsr, fmt))) {
        const uint64_t r = fp_bits_d(__builtin_fma(fp_host_d(a), fp_host_d(b), fp_host_d(addend)));

        if (LIKELY(fp_host_safe(fmt, r))) {
            return r;
        }
    }
#endif
    return fp_muladd(fpcr, fpsr, fmt, addend, a, b);
}

/* An integer that orders the numbers other than NaNs as their values do; -0 is 0. */
static ALWAYS_INLINE int64_t fp_fast_order(enum fp_fmt fmt, uint64_t a)
{
    const int64_t magnitude = (int64_t)fp_abs(fmt, a);

    return (a & fp_sign_bit(fmt)) ? -magnitude : magnitude;
}

static ALWAYS_INLINE uint32_t fp_fast_compare(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt,
                                              uint64_t a, uint64_t b, bool signal_nans)
{
    if (LIKELY(fp_host_exact_ok(fpcr, fmt) && fp_host_finite(fmt, a) && fp_host_finite(fmt, b))) {
        const int64_t oa = fp_fast_order(fmt, a), ob = fp_fast_order(fmt, b);

        return oa == ob ? 6u << 28 : oa < ob ? 8u << 28 : 2u << 28;
    }
    return fp_compare(fpcr, fpsr, fmt, a, b, signal_nans);
}

/* FPToFixed, signed, toward zero, without fraction bits; size 32 or 64. */
static ALWAYS_INLINE uint64_t fp_fast_to_int(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt,
                                             uint64_t a, unsigned size)
{
    /* Magnitudes below 2^(size - 1) convert; whether they were integers shows on the way back. */
    if (LIKELY(fp_host_exact_ok(fpcr, fmt) &&
               fp_host_exp(fmt, a) < fp_host_exp_max(fmt) / 2 + size - 1)) {
        const int64_t i = fmt == FP_D ? (int64_t)fp_host_d(a) : (int64_t)fp_host_s(a);
        const bool same = fmt == FP_D ? (double)i == fp_host_d(a) : (float)i == fp_host_s(a);

        *fpsr |= same ? 0 : FPSR_IXC;
        return size == 64 ? (uint64_t)i : (uint32_t)i;
    }
    return fp_to_fixed(fpcr, fpsr, fmt, a, 0, false, FPR_ZERO, size);
}

/* FixedToFP without fraction bits; rounds as FPCR says. */
static ALWAYS_INLINE uint64_t fp_fast_from_int(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt,
                                               uint64_t value, bool is_unsigned)
{
    /* Every integer up to it is a number of the format. */
    const uint64_t limit = fmt == FP_D ? 1ull << 53 : 1ull << 24;
    const bool exact =
        FP_HOST && fmt >= FP_S && (is_unsigned ? value <= limit : value + limit <= 2 * limit);

    if (LIKELY(exact || fp_host_ok(fpcr, *fpsr, fmt))) {
        if (is_unsigned) {
            return fmt == FP_D ? fp_bits_d((double)value) : fp_bits_s((float)value);
        }
        return fmt == FP_D ? fp_bits_d((double)(int64_t)value) : fp_bits_s((float)(int64_t)value);
    }
    return fp_from_fixed(fpcr, fpsr, fmt, value, 0, is_unsigned, fp_rounding(fpcr));
}

/* FPConvert, rounding as FPCR says. */
static ALWAYS_INLINE uint64_t fp_fast_convert(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt to,
                                              enum fp_fmt from, uint64_t a)
{
    if (to == FP_D && from == FP_S &&
        LIKELY(fp_host_exact_ok(fpcr, from) && fp_host_finite(from, a))) {
        return fp_bits_d((double)fp_host_s(a));
    }
    if (to == FP_S && from == FP_D && LIKELY(fp_host_ok(fpcr, *fpsr, from))) {
        const uint64_t r = fp_bits_s((float)fp_host_d(a));

        if (LIKELY(fp_host_safe(to, r)) || fp_host_zero(from, a)) {
            return r;
        }
    }
    return fp_convert(fpcr, fpsr, to, from, a, fp_rounding(fpcr));
}

#endif
