/*
 * fp_core.h - what the files of the floating-point core share: formats, unpacked numbers, rounding.
 * Private to fp*.c.
 *
 * A finite non-zero number is unpacked to sign, exponent and a 64-bit mantissa whose top bit is
 * set, so that subnormals are nothing special in the middle of an operation:
 *
 *       value = (-1)^sign * mant / 2^63 * 2^exp          1 <= mant / 2^63 < 2
 *
 * Operations make an exact result, or one whose lowest bit stands for "and some more below" (the
 * sticky bit: fbits is at most 52, so it lies far under the rounding position), and fp_round turns
 * that into bits and flags.
 */
#ifndef SOFT_FP_CORE_H
#define SOFT_FP_CORE_H

#include "accel/soft/fp.h"

enum fp_type { FPT_ZERO, FPT_FINITE, FPT_INF, FPT_QNAN, FPT_SNAN };

struct fp_format {
    uint8_t ebits, fbits; /* exponent, stored fraction      */
    int16_t bias;         /* also the largest true exponent */
};

extern const struct fp_format fp_formats[4];

struct fp_num {
    enum fp_type type;
    bool sign;
    int exp;       /* FPT_FINITE */
    uint64_t mant; /* FPT_FINITE */
};

static inline bool fp_is_nan(const struct fp_num *n)
{
    return n->type >= FPT_QNAN;
}

/* FPZero, FPInfinity, FPMaxNormal, FPDefaultNaN. */
static inline uint64_t fp_zero(enum fp_fmt fmt, bool sign)
{
    const struct fp_format *f = &fp_formats[fmt];

    return (uint64_t)sign << (f->ebits + f->fbits);
}
static inline uint64_t fp_infinity(enum fp_fmt fmt, bool sign)
{
    const struct fp_format *f = &fp_formats[fmt];

    return fp_zero(fmt, sign) | (BIT(f->ebits) - 1) << f->fbits;
}
static inline uint64_t fp_max_normal(enum fp_fmt fmt, bool sign)
{
    return fp_infinity(fmt, sign) - 1;
}
static inline uint64_t fp_quiet_bit(enum fp_fmt fmt)
{
    return BIT(fp_formats[fmt].fbits - 1);
}
static inline uint64_t fp_default_nan(enum fp_fmt fmt)
{
    return fp_infinity(fmt, false) | fp_quiet_bit(fmt);
}

/* DefaultNaN after an Invalid Operation. */
static inline uint64_t fp_invalid(uint32_t *fpsr, enum fp_fmt fmt)
{
    *fpsr |= FPSR_IOC;
    return fp_default_nan(fmt);
}

/* v shifted right by n >= 0; bits that fall out leave a 1 in bit 0. */
static inline uint64_t fp_shift_right_jam(uint64_t v, unsigned n)
{
    if (n == 0) {
        return v;
    }
    return n > 63 ? v != 0 : v >> n | (v << (64 - n) != 0);
}

/* Does this fpcr flush subnormals of the format? */
static inline bool fp_flushes(uint32_t fpcr, enum fp_fmt fmt)
{
    return (fpcr & (fmt == FP_H ? FPCR_FZ16 : FPCR_FZ)) != 0;
}

/* Is the magnitude to be rounded up? odd: its lowest kept bit; rest is what follows
 * it, half the weight of that bit. */
static inline bool fp_rounds_up(enum fp_rounding r, bool sign, bool odd, uint64_t rest,
                                uint64_t half)
{
    switch (r) {
    case FPR_TIEEVEN: return rest > half || (rest == half && odd);
    case FPR_POSINF: return rest != 0 && !sign;
    case FPR_NEGINF: return rest != 0 && sign;
    case FPR_TIEAWAY: return rest >= half;
    default: return false;
    }
}

/* FPUnpack; and FPUnpackCV, for conversions between formats: AHP counts there, FZ16 does not. */
struct fp_num fp_unpack(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t op);
struct fp_num fp_unpack_cv(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t op);

/* FPRound and FPRoundCV of (-1)^sign * mant / 2^63 * 2^exp; mant has its top bit set,
 * bit 0 is sticky. */
uint64_t fp_round(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, enum fp_rounding r, bool sign,
                  int exp, uint64_t mant);
uint64_t fp_round_cv(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, enum fp_rounding r, bool sign,
                     int exp, uint64_t mant);

/* FPProcessNaN: op is a NaN, as num says. */
uint64_t fp_process_nan(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, const struct fp_num *num,
                        uint64_t op);
/* FPProcessNaNs: true if either operand is a NaN, with the result in *out. */
bool fp_process_nans(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, const struct fp_num *na,
                     uint64_t a, const struct fp_num *nb, uint64_t b, uint64_t *out);
/* FPConvertNaN: the same sign and upper payload, quiet. */
uint64_t fp_convert_nan(enum fp_fmt to, enum fp_fmt from, uint64_t op);

#endif
