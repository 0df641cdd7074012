/*
 * fp.c - the floating-point core: unpacking, rounding and packing, NaNs.
 *
 * DDI 0487, "Shared Pseudocode", shared/functions/float: FPUnpackBase, FPRoundBase, FPProcessNaN,
 * FPConvertNaN.
 */
#include "accel/soft/fp_core.h"

const struct fp_format fp_formats[4] = {
    [FP_BF] = { 8, 7, 127 },
    [FP_H] = { 5, 10, 15 },
    [FP_S] = { 8, 23, 127 },
    [FP_D] = { 11, 52, 1023 },
};

/* A number with exponent field 0. */
static struct fp_num unpack_subnormal(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, bool sign,
                                      uint64_t frac)
{
    const struct fp_format *f = &fp_formats[fmt];

    if (frac != 0 && fp_flushes(fpcr, fmt)) {
        /* Half-precision operands that are flushed raise no Input Denormal. */
        *fpsr |= fmt == FP_H ? 0 : FPSR_IDC;
        frac = 0;
    }
    if (frac == 0) {
        return (struct fp_num){ .type = FPT_ZERO, .sign = sign };
    }

    const int shift = __builtin_clzll(frac);

    /* The fraction's unit is 2^(1 - bias - fbits). */
    return (struct fp_num){ .type = FPT_FINITE,
                            .sign = sign,
                            .exp = 64 - f->bias - f->fbits - shift,
                            .mant = frac << shift };
}

static struct fp_num unpack_base(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t op)
{
    const struct fp_format *f = &fp_formats[fmt];
    const uint64_t frac = bits(op, 0, f->fbits);
    const unsigned exp = (unsigned)bits(op, f->fbits, f->ebits);
    const bool sign = (op >> (f->ebits + f->fbits) & 1) != 0;

    if (exp == 0) {
        return unpack_subnormal(fpcr, fpsr, fmt, sign, frac);
    }
    if (exp == bits(~0ull, 0, f->ebits) && !(fmt == FP_H && (fpcr & FPCR_AHP))) {
        const enum fp_type nan = (frac & fp_quiet_bit(fmt)) ? FPT_QNAN : FPT_SNAN;

        return (struct fp_num){ .type = frac == 0 ? FPT_INF : nan, .sign = sign };
    }
    return (struct fp_num){ .type = FPT_FINITE,
                            .sign = sign,
                            .exp = (int)exp - f->bias,
                            .mant = BIT(63) | frac << (63 - f->fbits) };
}

struct fp_num fp_unpack(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t op)
{
    return unpack_base(fpcr & ~FPCR_AHP, fpsr, fmt, op);
}

struct fp_num fp_unpack_cv(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t op)
{
    return unpack_base(fpcr & ~FPCR_FZ16, fpsr, fmt, op);
}

static uint64_t round_overflow(uint32_t *fpsr, enum fp_fmt fmt, enum fp_rounding r, bool sign)
{
    const bool to_inf =
        r == FPR_TIEEVEN || r == FPR_TIEAWAY || r == (sign ? FPR_NEGINF : FPR_POSINF);

    *fpsr |= FPSR_OFC | FPSR_IXC;
    return to_inf ? fp_infinity(fmt, sign) : fp_max_normal(fmt, sign);
}

/* FPRoundBase. Tininess is detected before rounding. */
static uint64_t round_base(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, enum fp_rounding r,
                           bool sign, int exp, uint64_t mant)
{
    const struct fp_format *f = &fp_formats[fmt];
    const unsigned drop = 63 - f->fbits;
    const bool ahp = fmt == FP_H && (fpcr & FPCR_AHP) != 0;
    int biased = exp + f->bias;

    if (biased < 1 && fp_flushes(fpcr, fmt)) {
        *fpsr |= FPSR_UFC; /* and not IXC */
        return fp_zero(fmt, sign);
    }
    if (biased < 1) {
        mant = fp_shift_right_jam(mant, (unsigned)(1 - biased));
        biased = 0;
    }

    uint64_t kept = mant >> drop;
    const uint64_t rest = mant & (BIT(drop) - 1);

    if (rest != 0 && biased == 0) {
        *fpsr |= FPSR_UFC;
    }
    kept += fp_rounds_up(r, sign, kept & 1, rest, BIT(drop - 1));
    if (r == FPR_ODD && rest != 0) {
        kept |= 1;
    }

    /* kept has the hidden bit, which adds one to the exponent field; a carry out of
     * rounding adds another. */
    const uint64_t packed = ((uint64_t)(biased == 0 ? 0 : biased - 1) << f->fbits) + kept;

    if (ahp && packed >= BIT(15)) {
        *fpsr |= FPSR_IOC;
        return fp_zero(fmt, sign) | (BIT(15) - 1);
    }
    if (!ahp && packed >= fp_infinity(fmt, false)) {
        return round_overflow(fpsr, fmt, r, sign);
    }
    *fpsr |= rest != 0 ? FPSR_IXC : 0;
    return fp_zero(fmt, sign) | packed;
}

uint64_t fp_round(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, enum fp_rounding r, bool sign,
                  int exp, uint64_t mant)
{
    return round_base(fpcr & ~FPCR_AHP, fpsr, fmt, r, sign, exp, mant);
}

uint64_t fp_round_cv(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, enum fp_rounding r, bool sign,
                     int exp, uint64_t mant)
{
    return round_base(fpcr & ~FPCR_FZ16, fpsr, fmt, r, sign, exp, mant);
}

uint64_t fp_process_nan(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, const struct fp_num *num,
                        uint64_t op)
{
    if (num->type == FPT_SNAN) {
        *fpsr |= FPSR_IOC;
        op |= fp_quiet_bit(fmt);
    }
    return (fpcr & FPCR_DN) ? fp_default_nan(fmt) : op;
}

bool fp_process_nans(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, const struct fp_num *na,
                     uint64_t a, const struct fp_num *nb, uint64_t b, uint64_t *out)
{
    if (!fp_is_nan(na) && !fp_is_nan(nb)) {
        return false;
    }
    /* Signalling before quiet, then the first operand before the second. */
    if (na->type == FPT_SNAN || (nb->type != FPT_SNAN && na->type == FPT_QNAN)) {
        *out = fp_process_nan(fpcr, fpsr, fmt, na, a);
    } else {
        *out = fp_process_nan(fpcr, fpsr, fmt, nb, b);
    }
    return true;
}

uint64_t fp_convert_nan(enum fp_fmt to, enum fp_fmt from, uint64_t op)
{
    const struct fp_format *f = &fp_formats[from];
    const uint64_t payload = bits(op, 0, f->fbits) << (52 - f->fbits);
    const bool sign = (op >> (f->ebits + f->fbits) & 1) != 0;

    return fp_infinity(to, sign) | fp_quiet_bit(to) | payload >> (52 - fp_formats[to].fbits);
}
