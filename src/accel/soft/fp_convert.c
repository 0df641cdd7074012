/*
 * fp_convert.c - rounding to integers, conversions, and the estimate instructions' tables.
 *
 * DDI 0487, "Shared Pseudocode", shared/functions/float: FPRoundInt, FPRoundIntN, FPToFixed,
 * FPToFixedJS, FixedToFP, FPConvert, FPRecipEstimate, FPRSqrtEstimate, FPRecpX.
 */
#include "accel/soft/fp_core.h"

/* ---- To integers ----------------------------------------------------------------------------- */

/* A rounded magnitude; too_large: it has more than 64 bits, and value means nothing. */
struct magnitude {
    uint64_t value;
    bool inexact, too_large;
};

/* |n| * 2^fbits as an integer; n is finite or zero. Its sign matters to directed roundings. */
static struct magnitude round_magnitude(const struct fp_num *n, unsigned fbits, enum fp_rounding r)
{
    const int exp = n->exp + (int)fbits;
    uint64_t whole = 0, rest; /* rest: what follows the point, 64 bits of it and sticky */

    if (n->type == FPT_ZERO) {
        return (struct magnitude){ 0 };
    }
    if (exp >= 63) {
        return (struct magnitude){ .value = n->mant, .too_large = exp > 63 };
    }
    if (exp >= 0) {
        whole = n->mant >> (63 - exp);
        rest = n->mant << (exp + 1);
    } else {
        rest = fp_shift_right_jam(n->mant, (unsigned)(-1 - exp));
    }

    const bool up = fp_rounds_up(r, n->sign, whole & 1, rest, BIT(63));

    return (struct magnitude){ .value = whole + up, .inexact = rest != 0 };
}

/* Does (-1)^sign * m fit a signed or unsigned integer of size bits? */
static bool magnitude_fits(const struct magnitude *m, bool sign, bool is_unsigned, unsigned size)
{
    if (m->too_large) {
        return false;
    }
    if (is_unsigned) {
        return sign ? m->value == 0 : m->value <= bits(~0ull, 0, size);
    }
    return sign ? m->value <= BIT(size - 1) : m->value < BIT(size - 1);
}

uint64_t fp_to_fixed(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, unsigned fbits,
                     bool is_unsigned, enum fp_rounding r, unsigned size)
{
    const struct fp_num n = fp_unpack(fpcr, fpsr, fmt, a);
    struct magnitude m = { .too_large = true }; /* infinity */

    if (fp_is_nan(&n)) {
        *fpsr |= FPSR_IOC;
        return 0;
    }
    if (n.type != FPT_INF) {
        m = round_magnitude(&n, fbits, r);
    }
    if (!magnitude_fits(&m, n.sign, is_unsigned, size)) {
        *fpsr |= FPSR_IOC;
        if (is_unsigned) {
            return n.sign ? 0 : bits(~0ull, 0, size);
        }
        return n.sign ? BIT(size - 1) : BIT(size - 1) - 1;
    }
    *fpsr |= m.inexact ? FPSR_IXC : 0;
    return bits(n.sign ? -m.value : m.value, 0, size);
}

uint64_t fp_to_fixed_js(uint32_t fpcr, uint32_t *fpsr, uint64_t a)
{
    const struct fp_num n = fp_unpack(fpcr, fpsr, FP_D, a);
    struct magnitude m = { 0 };

    if (fp_is_nan(&n) || n.type == FPT_INF) {
        *fpsr |= FPSR_IOC;
        return 0;
    }
    m = round_magnitude(&n, 0, FPR_ZERO);
    if (m.too_large) { /* only the value modulo 2^32 counts; 2^95 and above have none of these bits
                        */
        m.value = n.exp < 127 ? n.mant << (n.exp - 63) : 0;
    }

    const uint32_t result = (uint32_t)(n.sign ? -m.value : m.value);

    if (!magnitude_fits(&m, n.sign, false, 32)) {
        *fpsr |= FPSR_IOC;
        return result;
    }
    *fpsr |= m.inexact ? FPSR_IXC : 0;

    /* Neither -0 nor a flushed subnormal is an exact integer to JavaScript. */
    const bool exact = !m.inexact && (n.type != FPT_ZERO || a == 0);

    return result | (uint64_t)exact << 32;
}

/* ---- To integral values ---------------------------------------------------------------------- */

/* (-1)^sign * value, which is exact in the format. */
static uint64_t pack_integer(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, bool sign,
                             uint64_t value)
{
    if (value == 0) {
        return fp_zero(fmt, sign);
    }

    const int shift = __builtin_clzll(value);

    return fp_round(fpcr, fpsr, fmt, FPR_ZERO, sign, 63 - shift, value << shift);
}

uint64_t fp_round_int(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a,
                      enum fp_rounding r, bool exact)
{
    const struct fp_num n = fp_unpack(fpcr, fpsr, fmt, a);

    if (fp_is_nan(&n)) {
        return fp_process_nan(fpcr, fpsr, fmt, &n, a);
    }
    if (n.type == FPT_INF || (n.type == FPT_FINITE && n.exp >= fp_formats[fmt].fbits)) {
        return a; /* integral already */
    }

    const struct magnitude m = round_magnitude(&n, 0, r);

    *fpsr |= exact && m.inexact ? FPSR_IXC : 0;
    return pack_integer(fpcr, fpsr, fmt, n.sign, m.value);
}

uint64_t fp_round_int_n(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a,
                        enum fp_rounding r, unsigned size)
{
    const struct fp_num n = fp_unpack(fpcr, fpsr, fmt, a);
    struct magnitude m = { .too_large = true }; /* NaN, infinity */

    if (n.type == FPT_ZERO || n.type == FPT_FINITE) {
        m = round_magnitude(&n, 0, r);
    }
    if (!magnitude_fits(&m, n.sign, false, size)) {
        *fpsr |= FPSR_IOC;
        return pack_integer(fpcr, fpsr, fmt, true, BIT(size - 1));
    }
    *fpsr |= m.inexact ? FPSR_IXC : 0;
    return pack_integer(fpcr, fpsr, fmt, n.sign, m.value);
}

/* ---- From integers, between formats ---------------------------------------------------------- */

uint64_t fp_from_fixed(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t value,
                       unsigned fbits, bool is_unsigned, enum fp_rounding r)
{
    const bool sign = !is_unsigned && (int64_t)value < 0;
    const uint64_t magnitude = sign ? -value : value;

    if (magnitude == 0) {
        return 0;
    }

    const int shift = __builtin_clzll(magnitude);

    return fp_round(fpcr, fpsr, fmt, r, sign, 63 - shift - (int)fbits, magnitude << shift);
}

uint64_t fp_convert(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt to, enum fp_fmt from, uint64_t a,
                    enum fp_rounding r)
{
    const bool to_ahp = to == FP_H && (fpcr & FPCR_AHP) != 0;
    const struct fp_num n = fp_unpack_cv(fpcr, fpsr, from, a);

    switch (n.type) {
    case FPT_QNAN:
    case FPT_SNAN:
        *fpsr |= to_ahp || n.type == FPT_SNAN ? FPSR_IOC : 0;
        if (to_ahp) {
            return fp_zero(to, n.sign);
        }
        return (fpcr & FPCR_DN) ? fp_default_nan(to) : fp_convert_nan(to, from, a);
    case FPT_INF:
        if (to_ahp) { /* the largest number of a format without infinities */
            *fpsr |= FPSR_IOC;
            return fp_zero(to, n.sign) | (BIT(15) - 1);
        }
        return fp_infinity(to, n.sign);
    case FPT_ZERO: return fp_zero(to, n.sign);
    default: return fp_round_cv(fpcr, fpsr, to, r, n.sign, n.exp, n.mant);
    }
}

/* ---- Estimates ------------------------------------------------------------------------------- */

/* RecipEstimate: 1/x for x = a / 512 in [1/2, 1), as r / 256 in [1, 2]; a in 256..511. */
static unsigned recip_table(unsigned a)
{
    return ((1u << 19) / (a * 2 + 1) + 1) / 2;
}

/* RecipSqrtEstimate: 1/sqrt(x) for x = a / 512 in [1/4, 1), as r / 256; a in 128..511. */
static unsigned rsqrt_table(unsigned a)
{
    unsigned b = 512;

    a = a < 256 ? a * 2 + 1 : (a & ~1u) * 2 + 2;
    while (a * (b + 1) * (b + 1) < 1u << 28) {
        b++;
    }
    return (b + 1) / 2;
}

uint32_t fp_recip_estimate_u32(uint32_t a)
{
    return a >> 31 ? recip_table(a >> 23) << 23 : UINT32_MAX;
}

uint32_t fp_rsqrt_estimate_u32(uint32_t a)
{
    return a >> 30 ? rsqrt_table(a >> 23) << 23 : UINT32_MAX;
}

uint64_t fp_recip_estimate(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a)
{
    const struct fp_format *f = &fp_formats[fmt];
    const struct fp_num n = fp_unpack(fpcr, fpsr, fmt, a);
    const enum fp_rounding r = fp_rounding(fpcr);

    if (fp_is_nan(&n)) {
        return fp_process_nan(fpcr, fpsr, fmt, &n, a);
    }
    if (n.type == FPT_INF) {
        return fp_zero(fmt, n.sign);
    }
    if (n.type == FPT_ZERO) {
        *fpsr |= FPSR_DZC;
        return fp_infinity(fmt, n.sign);
    }
    if (n.exp < -(f->bias + 1)) { /* the reciprocal overflows */
        *fpsr |= FPSR_OFC | FPSR_IXC;
        return r == FPR_TIEEVEN || r == (n.sign ? FPR_NEGINF : FPR_POSINF)
                   ? fp_infinity(fmt, n.sign)
                   : fp_max_normal(fmt, n.sign);
    }
    if (n.exp >= f->bias - 1 && fp_flushes(fpcr, fmt)) { /* it would be subnormal */
        *fpsr |= FPSR_UFC;
        return fp_zero(fmt, n.sign);
    }

    const uint64_t estimate = recip_table((unsigned)(n.mant >> 55)) & 0xff;
    const int exp = f->bias - 1 - n.exp; /* biased; -1 and 0 are subnormal results */
    const uint64_t mant = BIT(f->fbits) | estimate << (f->fbits - 8);

    if (exp <= 0) {
        return fp_zero(fmt, n.sign) | mant >> (1 - exp);
    }
    return fp_zero(fmt, n.sign) | (((uint64_t)(exp - 1) << f->fbits) + mant);
}

uint64_t fp_rsqrt_estimate(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a)
{
    const struct fp_format *f = &fp_formats[fmt];
    const struct fp_num n = fp_unpack(fpcr, fpsr, fmt, a);

    if (fp_is_nan(&n)) {
        return fp_process_nan(fpcr, fpsr, fmt, &n, a);
    }
    if (n.type == FPT_ZERO) {
        *fpsr |= FPSR_DZC;
        return fp_infinity(fmt, n.sign);
    }
    if (n.sign) {
        return fp_invalid(fpsr, fmt);
    }
    if (n.type == FPT_INF) {
        return fp_zero(fmt, false);
    }

    /* x = mant * 4^k with mant in [1/4, 1): an odd exponent field takes the lower half
     * of the table. */
    const int biased = n.exp + f->bias;
    const uint64_t estimate = rsqrt_table((unsigned)(n.mant >> ((biased & 1) ? 56 : 55))) & 0xff;
    const int exp = (3 * f->bias - 1 - biased) / 2;

    return (uint64_t)exp << f->fbits | estimate << (f->fbits - 8);
}

uint64_t fp_recpx(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a)
{
    const struct fp_format *f = &fp_formats[fmt];
    const struct fp_num n = fp_unpack(fpcr, fpsr, fmt, a);
    const uint64_t ones = BIT(f->ebits) - 1, exp = bits(a, f->fbits, f->ebits);

    if (fp_is_nan(&n)) {
        return fp_process_nan(fpcr, fpsr, fmt, &n, a);
    }
    return fp_zero(fmt, n.sign) | (exp == 0 ? ones - 1 : ~exp & ones) << f->fbits;
}
