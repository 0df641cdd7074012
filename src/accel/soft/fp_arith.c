/*
 * fp_arith.c - floating-point arithmetic, maximum and minimum, comparison.
 *
 * DDI 0487, "Shared Pseudocode", shared/functions/float. Sums are formed on 128-bit mantissas, so
 * that the addition, the fused multiply-add and the fused steps of the Newton iterations are one
 * function:
 *
 *       127 126                                           0
 *      +---+---+-------------------------------------------+
 *      | 0 | 0 | mantissa, its top bit at 125              |   two free bits: the sum's carry
 *      +---+---+-------------------------------------------+
 *
 * A product of two mantissas has at most 106 significant bits, so moving it to bit 125 drops zeros
 * only.
 */
#include "accel/soft/fp_core.h"

__extension__ typedef unsigned __int128 u128;

/* (-1)^sign * mant / 2^127 * 2^exp; mant has its top bit set, or is 0. */
struct fp_wide {
    bool sign;
    int exp;
    u128 mant;
};

static struct fp_wide widen(const struct fp_num *n)
{
    return (struct fp_wide){ .sign = n->sign,
                             .exp = n->exp,
                             .mant = n->type == FPT_ZERO ? 0 : (u128)n->mant << 64 };
}

static struct fp_wide constant(int exp, uint64_t mant)
{
    return (struct fp_wide){ .exp = exp, .mant = (u128)mant << 64 };
}

/* The exact product of two numbers that are finite or zero. */
static struct fp_wide product(const struct fp_num *a, const struct fp_num *b)
{
    struct fp_wide p = { .sign = a->sign != b->sign };

    if (a->type == FPT_ZERO || b->type == FPT_ZERO) {
        return p;
    }
    p.mant = (u128)a->mant * b->mant;
    p.exp = a->exp + b->exp + 1;
    if (!(p.mant >> 127)) {
        p.mant <<= 1;
        p.exp--;
    }
    return p;
}

static uint64_t jam_wide(u128 mant)
{
    return (uint64_t)(mant >> 64) | ((uint64_t)mant != 0);
}

static u128 shift_right_jam_wide(u128 v, unsigned n)
{
    if (n == 0) {
        return v;
    }
    return n > 127 ? v != 0 : v >> n | (v << (128 - n) != 0);
}

static int clz_wide(u128 v)
{
    return v >> 64 ? __builtin_clzll((uint64_t)(v >> 64)) : 64 + __builtin_clzll((uint64_t)v);
}

/* a + b exactly, scaled by 2^scale, rounded. Zeros: their common sign, else as a sum
 * that cancels. */
static uint64_t sum(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, struct fp_wide a,
                    struct fp_wide b, int scale)
{
    const enum fp_rounding r = fp_rounding(fpcr);

    if (a.mant == 0 || (b.mant != 0 && a.exp < b.exp)) {
        const struct fp_wide t = a;
        a = b;
        b = t;
    }
    if (a.mant == 0 && a.sign == b.sign) {
        return fp_zero(fmt, a.sign);
    }
    if (b.mant == 0) {
        b.exp = a.exp;
    }

    const u128 big = a.mant >> 2;
    const u128 small = shift_right_jam_wide(b.mant >> 2, (unsigned)(a.exp - b.exp));
    u128 mant = a.sign == b.sign ? big + small : big - small;

    if (mant == 0) {
        return fp_zero(fmt, r == FPR_NEGINF);
    }
    if (mant >> 127) { /* below zero: same exponent, larger mantissa */
        mant = -mant;
        a.sign = !a.sign;
    }

    const int shift = clz_wide(mant);

    return fp_round(fpcr, fpsr, fmt, r, a.sign, a.exp + 2 - shift + scale, jam_wide(mant << shift));
}

static uint64_t add_sub(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b,
                        bool subtract)
{
    const struct fp_num na = fp_unpack(fpcr, fpsr, fmt, a);
    struct fp_num nb = fp_unpack(fpcr, fpsr, fmt, b);
    uint64_t nan;

    if (fp_process_nans(fpcr, fpsr, fmt, &na, a, &nb, b, &nan)) {
        return nan;
    }
    nb.sign ^= subtract;
    if (na.type == FPT_INF && nb.type == FPT_INF && na.sign != nb.sign) {
        return fp_invalid(fpsr, fmt);
    }
    if (na.type == FPT_INF || nb.type == FPT_INF) {
        return fp_infinity(fmt, na.type == FPT_INF ? na.sign : nb.sign);
    }
    return sum(fpcr, fpsr, fmt, widen(&na), widen(&nb), 0);
}

uint64_t fp_add(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b)
{
    return add_sub(fpcr, fpsr, fmt, a, b, false);
}

uint64_t fp_sub(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b)
{
    return add_sub(fpcr, fpsr, fmt, a, b, true);
}

/* Infinity times zero? */
static bool inf_times_zero(const struct fp_num *a, const struct fp_num *b)
{
    return (a->type == FPT_INF && b->type == FPT_ZERO) ||
           (a->type == FPT_ZERO && b->type == FPT_INF);
}

/* FPMul; extended: FPMulX, where infinity times zero is 2. */
static uint64_t multiply(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b,
                         bool extended)
{
    const struct fp_num na = fp_unpack(fpcr, fpsr, fmt, a), nb = fp_unpack(fpcr, fpsr, fmt, b);
    const bool sign = na.sign != nb.sign;
    uint64_t nan;

    if (fp_process_nans(fpcr, fpsr, fmt, &na, a, &nb, b, &nan)) {
        return nan;
    }
    if (inf_times_zero(&na, &nb)) {
        return extended ? fp_zero(fmt, sign) | (uint64_t)(fp_formats[fmt].bias + 1)
                                                   << fp_formats[fmt].fbits
                        : fp_invalid(fpsr, fmt);
    }
    if (na.type == FPT_INF || nb.type == FPT_INF) {
        return fp_infinity(fmt, sign);
    }

    const struct fp_wide p = product(&na, &nb);

    return p.mant == 0
               ? fp_zero(fmt, sign)
               : fp_round(fpcr, fpsr, fmt, fp_rounding(fpcr), sign, p.exp, jam_wide(p.mant));
}

uint64_t fp_mul(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b)
{
    return multiply(fpcr, fpsr, fmt, a, b, false);
}

uint64_t fp_mulx(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b)
{
    return multiply(fpcr, fpsr, fmt, a, b, true);
}

/* One 32-bit digit of a long division: *rem < d, the next digit of the dividend is
 * brought down. d's top bit is set. */
static uint64_t divide_digit(uint64_t *rem, uint32_t next, uint64_t d)
{
    const uint64_t d_hi = d >> 32, d_lo = (uint32_t)d;
    uint64_t q = *rem / d_hi, r = *rem % d_hi;

    /* The estimate from d's upper half is at most 2 too large. */
    while (q >> 32 || q * d_lo > (r << 32 | next)) {
        q--;
        r += d_hi;
        if (r >> 32) {
            break;
        }
    }
    *rem = (*rem << 32 | next) - q * d;
    return q;
}

/* hi:lo / d with a sticky lowest bit; hi < d, d's top bit is set. */
static uint64_t divide_jam(uint64_t hi, uint64_t lo, uint64_t d)
{
    uint64_t rem = hi;
    const uint64_t q_hi = divide_digit(&rem, (uint32_t)(lo >> 32), d);
    const uint64_t q_lo = divide_digit(&rem, (uint32_t)lo, d);

    return q_hi << 32 | q_lo | (rem != 0);
}

uint64_t fp_div(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b)
{
    const struct fp_num na = fp_unpack(fpcr, fpsr, fmt, a), nb = fp_unpack(fpcr, fpsr, fmt, b);
    const bool sign = na.sign != nb.sign;
    uint64_t nan;

    if (fp_process_nans(fpcr, fpsr, fmt, &na, a, &nb, b, &nan)) {
        return nan;
    }
    if (na.type == nb.type && na.type != FPT_FINITE) { /* 0 / 0, infinity / infinity */
        return fp_invalid(fpsr, fmt);
    }
    if (na.type == FPT_INF || nb.type == FPT_ZERO) {
        *fpsr |= na.type == FPT_INF ? 0 : FPSR_DZC;
        return fp_infinity(fmt, sign);
    }
    if (na.type == FPT_ZERO || nb.type == FPT_INF) {
        return fp_zero(fmt, sign);
    }

    /* The quotient of the mantissas is in (1/2, 2): a smaller dividend is taken twice. */
    const bool less = na.mant < nb.mant;
    const uint64_t q =
        less ? divide_jam(na.mant, 0, nb.mant) : divide_jam(na.mant >> 1, na.mant << 63, nb.mant);

    return fp_round(fpcr, fpsr, fmt, fp_rounding(fpcr), sign, na.exp - nb.exp - less, q);
}

/*
 * Square root of x / 2^60 in [1, 4), as a mantissa with a sticky bit; count bits of it are wanted.
 * Digit by digit: before each step rem = (x - root^2), scaled up by the steps done.
 */
static uint64_t sqrt_jam(uint64_t x, unsigned count)
{
    uint64_t root = 0, twice = 0, rem = x, bit = BIT(60);

    for (unsigned i = 0; i < count; i++) {
        const uint64_t trial = twice + bit;

        if (trial <= rem) {
            rem -= trial;
            twice = trial + bit;
            root += bit;
        }
        rem <<= 1;
        bit >>= 1;
    }
    return root << 3 | (rem != 0);
}

uint64_t fp_sqrt(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a)
{
    const struct fp_num n = fp_unpack(fpcr, fpsr, fmt, a);

    if (fp_is_nan(&n)) {
        return fp_process_nan(fpcr, fpsr, fmt, &n, a);
    }
    if (n.type == FPT_ZERO) {
        return fp_zero(fmt, n.sign);
    }
    if (n.sign) {
        return fp_invalid(fpsr, fmt);
    }
    if (n.type == FPT_INF) {
        return fp_infinity(fmt, false);
    }

    const int odd = n.exp & 1;
    const uint64_t root = sqrt_jam(n.mant >> (odd ? 2 : 3), fp_formats[fmt].fbits + 3u);

    return fp_round(fpcr, fpsr, fmt, fp_rounding(fpcr), false, (n.exp - odd) / 2, root);
}

/* FPProcessNaNs3, as fp_process_nans. The operands may have another format than the
 * addend and result (FMLAL). */
static bool process_nans3(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, const struct fp_num *nc,
                          uint64_t c, enum fp_fmt ops_fmt, const struct fp_num *na, uint64_t a,
                          const struct fp_num *nb, uint64_t b, uint64_t *out)
{
    const bool operand_snan = na->type == FPT_SNAN || nb->type == FPT_SNAN;

    if (nc->type == FPT_SNAN || (nc->type == FPT_QNAN && !operand_snan)) {
        *out = fp_process_nan(fpcr, fpsr, fmt, nc, c);
        return true;
    }
    if (!fp_process_nans(fpcr, fpsr, ops_fmt, na, a, nb, b, out)) {
        return false;
    }
    if (fmt != ops_fmt) {
        *out = fp_convert_nan(fmt, ops_fmt, *out);
    }
    return true;
}

static uint64_t muladd(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t c,
                       enum fp_fmt ops_fmt, uint64_t a, uint64_t b)
{
    const struct fp_num nc = fp_unpack(fpcr, fpsr, fmt, c);
    const struct fp_num na = fp_unpack(fpcr, fpsr, ops_fmt, a),
                        nb = fp_unpack(fpcr, fpsr, ops_fmt, b);
    const bool invalid = inf_times_zero(&na, &nb), sign = na.sign != nb.sign;
    uint64_t nan;

    if (process_nans3(fpcr, fpsr, fmt, &nc, c, ops_fmt, &na, a, &nb, b, &nan)) {
        /* A quiet NaN does not hide the invalid product. */
        return nc.type == FPT_QNAN && invalid ? fp_invalid(fpsr, fmt) : nan;
    }

    const bool inf_product = na.type == FPT_INF || nb.type == FPT_INF;

    if (invalid || (nc.type == FPT_INF && inf_product && nc.sign != sign)) {
        return fp_invalid(fpsr, fmt);
    }
    if (nc.type == FPT_INF || inf_product) {
        return fp_infinity(fmt, inf_product ? sign : nc.sign);
    }
    return sum(fpcr, fpsr, fmt, widen(&nc), product(&na, &nb), 0);
}

uint64_t fp_muladd(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t addend, uint64_t a,
                   uint64_t b)
{
    return muladd(fpcr, fpsr, fmt, addend, fmt, a, b);
}

uint64_t fp_muladd_h(uint32_t fpcr, uint32_t *fpsr, uint64_t addend, uint64_t a, uint64_t b)
{
    return muladd(fpcr, fpsr, FP_S, addend, FP_H, a, b);
}

/* (start - a * b) * 2^scale; infinity times zero counts as a product of 0. */
static uint64_t fused_step(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b,
                           struct fp_wide start, int scale)
{
    const uint64_t minus_a = fp_neg(fmt, a); /* before NaNs are looked at: they come out negated */
    const struct fp_num na = fp_unpack(fpcr, fpsr, fmt, minus_a),
                        nb = fp_unpack(fpcr, fpsr, fmt, b);
    uint64_t nan;

    if (fp_process_nans(fpcr, fpsr, fmt, &na, minus_a, &nb, b, &nan)) {
        return nan;
    }
    if (inf_times_zero(&na, &nb)) {
        return sum(fpcr, fpsr, fmt, start, (struct fp_wide){ .sign = false }, scale);
    }
    if (na.type == FPT_INF || nb.type == FPT_INF) {
        return fp_infinity(fmt, na.sign != nb.sign);
    }
    return sum(fpcr, fpsr, fmt, start, product(&na, &nb), scale);
}

uint64_t fp_recip_step(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b)
{
    return fused_step(fpcr, fpsr, fmt, a, b, constant(1, 1ull << 63), 0);
}

uint64_t fp_rsqrt_step(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b)
{
    return fused_step(fpcr, fpsr, fmt, a, b, constant(1, 3ull << 62), -1);
}

/* An integer that orders numbers (not NaNs) as their values do; -0 and flushed subnormals are 0. */
static int64_t order(enum fp_fmt fmt, const struct fp_num *n, uint64_t op)
{
    const int64_t magnitude = n->type == FPT_ZERO ? 0 : (int64_t)fp_abs(fmt, op);

    return n->sign ? -magnitude : magnitude;
}

/* FPMax, FPMin. */
static uint64_t choose(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b,
                       bool larger)
{
    const struct fp_num na = fp_unpack(fpcr, fpsr, fmt, a), nb = fp_unpack(fpcr, fpsr, fmt, b);
    uint64_t nan;

    if (fp_process_nans(fpcr, fpsr, fmt, &na, a, &nb, b, &nan)) {
        return nan;
    }

    const int64_t oa = order(fmt, &na, a), ob = order(fmt, &nb, b);
    const bool first = larger ? oa > ob : oa < ob;

    if ((first ? oa : ob) == 0) {
        return fp_zero(fmt, larger ? na.sign && nb.sign : na.sign || nb.sign);
    }
    return first ? a : b;
}

uint64_t fp_max(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b)
{
    return choose(fpcr, fpsr, fmt, a, b, true);
}

uint64_t fp_min(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b)
{
    return choose(fpcr, fpsr, fmt, a, b, false);
}

/* FPMaxNum, FPMinNum: a quiet NaN beside a number is replaced by the infinity that loses. */
static uint64_t choose_num(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b,
                           bool larger)
{
    const bool qnan_a = fp_unpack(fpcr, fpsr, fmt, a).type == FPT_QNAN;
    const bool qnan_b = fp_unpack(fpcr, fpsr, fmt, b).type == FPT_QNAN;

    if (qnan_a && !qnan_b) {
        a = fp_infinity(fmt, larger);
    } else if (qnan_b && !qnan_a) {
        b = fp_infinity(fmt, larger);
    }
    return choose(fpcr, fpsr, fmt, a, b, larger);
}

uint64_t fp_maxnum(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b)
{
    return choose_num(fpcr, fpsr, fmt, a, b, true);
}

uint64_t fp_minnum(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b)
{
    return choose_num(fpcr, fpsr, fmt, a, b, false);
}

uint32_t fp_compare(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b,
                    bool signal_nans)
{
    const struct fp_num na = fp_unpack(fpcr, fpsr, fmt, a), nb = fp_unpack(fpcr, fpsr, fmt, b);

    if (fp_is_nan(&na) || fp_is_nan(&nb)) {
        if (signal_nans || na.type == FPT_SNAN || nb.type == FPT_SNAN) {
            *fpsr |= FPSR_IOC;
        }
        return 3u << 28;
    }

    const int64_t oa = order(fmt, &na, a), ob = order(fmt, &nb, b);

    return oa == ob ? 6u << 28 : oa < ob ? 8u << 28 : 2u << 28;
}

bool fp_compare_eq(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b)
{
    return fp_compare(fpcr, fpsr, fmt, a, b, false) == 6u << 28;
}

bool fp_compare_gt(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b)
{
    return fp_compare(fpcr, fpsr, fmt, a, b, true) == 2u << 28;
}

bool fp_compare_ge(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b)
{
    const uint32_t nzcv = fp_compare(fpcr, fpsr, fmt, a, b, true);

    return nzcv == 2u << 28 || nzcv == 6u << 28;
}
