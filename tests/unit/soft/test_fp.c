/*
 * test_fp.c - the floating-point core against the host's FPU, and by hand where Arm differs.
 *
 * Millions of operands, random and nasty, in all four rounding modes. Where x86 and Arm part ways
 * the expectation is worked out here: which NaN comes out of an operation, and Underflow, which Arm
 * raises for results that are tiny before rounding. Half precision has no host arithmetic: its
 * results are computed in double, rounded to odd, and then rounded once more by scaling.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fenv.h>
#include <math.h>
#include <stdio.h>

#include "accel/soft/fp_fast.h"

/* mingw-w64 sets and asks the floating-point environment by slow x87 instructions. */
#ifdef _WIN32
#define CASES 3000
#else
#define CASES 40000
#endif

static const int host_mode[4] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };

static uint32_t rm(unsigned mode)
{
    return mode << FPCR_RM_SHIFT;
}

/* ---- Operands ------------------------------------------------------------------------------- */

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1d;
}

static unsigned exp_bits(enum fp_fmt fmt)
{
    return fmt == FP_D ? 11 : fmt == FP_H ? 5 : 8;
}

static unsigned frac_bits(enum fp_fmt fmt)
{
    return fmt == FP_D ? 52 : fmt == FP_S ? 23 : fmt == FP_H ? 10 : 7;
}

/* Any bits, with a liking for both ends of the exponent's range, for 1, and for simple fractions.
 */
static uint64_t operand(enum fp_fmt fmt)
{
    const uint64_t fbits = frac_bits(fmt), ones = BIT(exp_bits(fmt)) - 1, how = rnd();
    const uint64_t near[8] = { 0,
                               1,
                               ones,
                               ones - 1,
                               ones / 2,
                               ones / 2 + (how >> 16) % 64,
                               ones / 2 - (how >> 16) % 12,
                               2 + (how >> 16) % fbits };
    const uint64_t full = BIT(fbits) - 1, at = (how >> 32) % fbits;
    const uint64_t simple[8] = { 0,
                                 full,
                                 1,
                                 BIT(at),
                                 full << at,
                                 full >> at,
                                 BIT(fbits - 1),
                                 BIT(at) + BIT((how >> 48) % fbits) };
    const uint64_t exp = how & 8 ? near[how & 7] : how >> 16;
    const uint64_t frac = how & 0x80 ? simple[how >> 4 & 7] : rnd();

    return ((how >> 8 & 1) << exp_bits(fmt) | (exp & ones)) << fbits | (frac & full);
}

static bool is_nan(enum fp_fmt fmt, uint64_t a)
{
    const uint64_t inf = (BIT(exp_bits(fmt)) - 1) << frac_bits(fmt);

    return fp_abs(fmt, a) > inf;
}

static bool is_snan(enum fp_fmt fmt, uint64_t a)
{
    return is_nan(fmt, a) && !(a >> (frac_bits(fmt) - 1) & 1);
}

static uint64_t quiet(enum fp_fmt fmt, uint64_t a)
{
    return a | BIT(frac_bits(fmt) - 1);
}

static uint64_t default_nan(enum fp_fmt fmt)
{
    return (BIT(exp_bits(fmt) + 1) - 1) << (frac_bits(fmt) - 1);
}

static uint64_t min_normal(enum fp_fmt fmt)
{
    return BIT(frac_bits(fmt));
}

/* ---- The host ---------------------------------------------------------------------------------
 */

static uint32_t host_flags(void)
{
    const int e = fetestexcept(FE_ALL_EXCEPT);

    return (e & FE_INVALID ? FPSR_IOC : 0) | (e & FE_DIVBYZERO ? FPSR_DZC : 0) |
           (e & FE_OVERFLOW ? FPSR_OFC : 0) | (e & FE_UNDERFLOW ? FPSR_UFC : 0) |
           (e & FE_INEXACT ? FPSR_IXC : 0);
}

enum operation { ADD, SUB, MUL, DIV, SQRT, FMA, OPERATIONS };

static double host_double(enum operation op, volatile double a, volatile double b,
                          volatile double c)
{
    switch (op) {
    case ADD: return a + b;
    case SUB: return a - b;
    case MUL: return a * b;
    case DIV: return a / b;
    case SQRT: return sqrt(a);
    default: return fma(a, b, c);
    }
}

static float host_float(enum operation op, volatile float a, volatile float b, volatile float c)
{
    switch (op) {
    case ADD: return a + b;
    case SUB: return a - b;
    case MUL: return a * b;
    case DIV: return a / b;
    case SQRT: return sqrtf(a);
    default: return fmaf(a, b, c);
    }
}

static uint64_t host(enum operation op, enum fp_fmt fmt, uint64_t a, uint64_t b, uint64_t c,
                     unsigned mode, uint32_t *flags)
{
    volatile double d;
    volatile float s;

    fesetround(host_mode[mode]);
    feclearexcept(FE_ALL_EXCEPT);
    if (fmt == FP_D) {
        d = host_double(op, fp_host_d(a), fp_host_d(b), fp_host_d(c));
    } else {
        s = host_float(op, fp_host_s(a), fp_host_s(b), fp_host_s(c));
    }
    *flags = host_flags();
    fesetround(FE_TONEAREST);
    return fmt == FP_D ? fp_bits_d(d) : fp_bits_s(s);
}

static uint64_t core(enum operation op, uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a,
                     uint64_t b, uint64_t c)
{
    switch (op) {
    case ADD: return fp_add(fpcr, fpsr, fmt, a, b);
    case SUB: return fp_sub(fpcr, fpsr, fmt, a, b);
    case MUL: return fp_mul(fpcr, fpsr, fmt, a, b);
    case DIV: return fp_div(fpcr, fpsr, fmt, a, b);
    case SQRT: return fp_sqrt(fpcr, fpsr, fmt, a);
    default: return fp_muladd(fpcr, fpsr, fmt, c, a, b);
    }
}

static uint64_t fast(enum operation op, uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a,
                     uint64_t b, uint64_t c)
{
    switch (op) {
    case ADD: return fp_fast_add(fpcr, fpsr, fmt, a, b);
    case SUB: return fp_fast_sub(fpcr, fpsr, fmt, a, b);
    case MUL: return fp_fast_mul(fpcr, fpsr, fmt, a, b);
    case DIV: return fp_fast_div(fpcr, fpsr, fmt, a, b);
    case SQRT: return fp_fast_sqrt(fpcr, fpsr, fmt, a);
    default: return fp_fast_muladd(fpcr, fpsr, fmt, c, a, b);
    }
}

/* The NaN that Arm makes of the operands, in the order given; 0 if none is a NaN. */
static uint64_t chosen_nan(enum fp_fmt fmt, const uint64_t *ops, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (is_snan(fmt, ops[i])) {
            return quiet(fmt, ops[i]);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        if (is_nan(fmt, ops[i])) {
            return ops[i];
        }
    }
    return 0;
}

static uint64_t expected_nan(enum operation op, enum fp_fmt fmt, uint64_t a, uint64_t b, uint64_t c,
                             uint32_t *flags)
{
    const uint64_t inf = default_nan(fmt) & ~BIT(frac_bits(fmt) - 1);
    const uint64_t fma_ops[3] = { c, a, b }, ops[2] = { a, b };
    const bool inf_times_zero = (fp_abs(fmt, a) == inf && fp_abs(fmt, b) == 0) ||
                                (fp_abs(fmt, b) == inf && fp_abs(fmt, a) == 0);
    const uint64_t nan =
        op == FMA ? chosen_nan(fmt, fma_ops, 3) : chosen_nan(fmt, ops, op == SQRT ? 1 : 2);
    const bool snan =
        is_snan(fmt, a) || (op != SQRT && is_snan(fmt, b)) || (op == FMA && is_snan(fmt, c));

    *flags = snan || nan == 0 ? FPSR_IOC : 0;
    if (op == FMA && inf_times_zero && is_nan(fmt, c) && !snan) {
        *flags = FPSR_IOC;
        return default_nan(fmt);
    }
    return nan != 0 ? nan : default_nan(fmt);
}

static void check_against_host(enum operation op, enum fp_fmt fmt, unsigned mode)
{
#ifdef _WIN32
    if (op == FMA) {
        return; /* mingw-w64's fmaf rounds twice: it cannot judge */
    }
#endif
    for (unsigned i = 0; i < CASES; i++) {
        const uint64_t a = operand(fmt), c = operand(fmt);
        const uint64_t b = i % 8 == 0 ? fp_neg(fmt, a) : operand(fmt);
        uint32_t flags, fpsr = 0, ignore = 0;
        uint64_t want = host(op, fmt, a, b, c, mode, &flags);
        const uint64_t got = core(op, rm(mode), &fpsr, fmt, a, b, c);

        if (is_nan(fmt, want)) {
            want = expected_nan(op, fmt, a, b, c, &flags);
        } else if (fp_abs(fmt, want) == min_normal(fmt)) {
            ignore = FPSR_UFC; /* tiny before rounding, perhaps, and not after it */
        }
        if (got != want || ((flags ^ fpsr) & ~ignore) != 0) {
            fail_msg("operation %d format %d mode %u: %#llx, %#llx, %#llx gives %#llx (%x), "
                     "host %#llx (%x)",
                     op, fmt, mode, (unsigned long long)a, (unsigned long long)b,
                     (unsigned long long)c, (unsigned long long)got, fpsr, (unsigned long long)want,
                     flags);
        }
    }
}

static void test_arithmetic_as_host(void **state)
{
    for (unsigned op = 0; op < OPERATIONS; op++) {
        for (unsigned mode = 0; mode < 4; mode++) {
            check_against_host(op, FP_S, mode);
            check_against_host(op, FP_D, mode);
        }
    }
}

/* ---- The short ways are the core --------------------------------------------------------------
 */

/* Often the state in which the host does the work. */
static uint32_t random_fpcr(void)
{
    const uint64_t r = rnd();
    const uint32_t other = (r >> 8 & 1 ? FPCR_DN : 0) | (r >> 9 & 1 ? FPCR_AHP : 0);

    if ((r & 3) != 0) {
        return other;
    }
    return other | rm(r >> 2 & 3) | (r >> 4 & 1 ? FPCR_FZ : 0) | (r >> 5 & 1 ? FPCR_FZ16 : 0);
}

static void check_same(unsigned what, uint64_t a, uint64_t b, uint64_t fast_result,
                       uint32_t fast_flags, uint64_t core_result, uint32_t core_flags)
{
    if (fast_result != core_result || fast_flags != core_flags) {
        fail_msg("fast operation %u of %#llx, %#llx: %#llx (%x), core %#llx (%x)", what,
                 (unsigned long long)a, (unsigned long long)b, (unsigned long long)fast_result,
                 fast_flags, (unsigned long long)core_result, core_flags);
    }
}

static void check_fast(enum operation op, enum fp_fmt fmt)
{
    for (unsigned i = 0; i < 4 * CASES; i++) {
        const uint64_t a = operand(fmt), b = operand(fmt), c = operand(fmt);
        const uint32_t fpcr = random_fpcr(), before = rnd() & 3 ? FPSR_IXC : 0;
        uint32_t f1 = before, f2 = before;
        const uint64_t r1 = fast(op, fpcr, &f1, fmt, a, b, c);
        const uint64_t r2 = core(op, fpcr, &f2, fmt, a, b, c);

        check_same(op, a, b, r1, f1, r2, f2);
    }
}

static void test_fast_arithmetic(void **state)
{
    for (unsigned op = 0; op < OPERATIONS; op++) {
        check_fast(op, FP_H);
        check_fast(op, FP_S);
        check_fast(op, FP_D);
    }
}

/* Products and quotients around the smallest normal number, where Arm's and x86's Underflow differ.
 */
static void test_fast_near_underflow(void **state)
{
    const enum fp_fmt fmts[2] = { FP_S, FP_D };

    for (unsigned i = 0; i < 8 * CASES; i++) {
        const enum fp_fmt fmt = fmts[i & 1];
        const unsigned fbits = frac_bits(fmt);
        const uint64_t bias = BIT(exp_bits(fmt) - 1) - 1, full = BIT(fbits) - 1;
        const uint64_t a = (1 + (rnd() & 3)) << fbits | (full & ~(rnd() & 7));
        const uint64_t b = (bias - 2 + (rnd() & 3)) << fbits | (rnd() & (i & 2 ? 7 : full));
        uint32_t f1 = FPSR_IXC, f2 = FPSR_IXC;
        uint64_t r2, r1 = fp_fast_mul(0, &f1, fmt, a, b);

        r2 = fp_mul(0, &f2, fmt, a, b);
        check_same(MUL, a, b, r1, f1, r2, f2);
        r1 = fp_fast_div(0, &f1, fmt, a, b);
        r2 = fp_div(0, &f2, fmt, a, b);
        check_same(DIV, a, b, r1, f1, r2, f2);
        r1 = fp_fast_muladd(0, &f1, fmt, fp_neg(fmt, a), a, b);
        r2 = fp_muladd(0, &f2, fmt, fp_neg(fmt, a), a, b);
        check_same(FMA, a, b, r1, f1, r2, f2);
    }
}

/* Single-precision sums whose rounding to double falls midway between two singles. */
static void test_fast_muladd_midway(void **state)
{
    for (unsigned i = 0; i < 8 * CASES; i++) {
        const uint64_t a = 0x3f800000 | (rnd() & 0xfff) << (rnd() % 12);
        const uint64_t b = 0x3f800000 | BIT(rnd() % 23) | BIT(rnd() % 23);
        const uint64_t c = (rnd() & 1) << 31 | (0x3f800000 - ((20 + rnd() % 45) << 23)) |
                           (rnd() & 1 ? 0 : rnd() & 0x7fffff);
        uint32_t f1 = FPSR_IXC, f2 = FPSR_IXC;
        const uint64_t r1 = fp_fast_muladd(0, &f1, FP_S, c, a, b);

        const uint64_t r2 = fp_muladd(0, &f2, FP_S, c, a, b);

        check_same(FMA, a, b, r1, f1, r2, f2);
    }
}

static void check_fast_conversions(enum fp_fmt fmt, uint32_t fpcr, uint32_t before)
{
    const uint64_t a = operand(fmt), b = rnd() & 7 ? operand(fmt) : fp_neg(fmt, a);
    const uint64_t n = (rnd() & 1 ? -1ull : 1ull) * (rnd() >> (rnd() & 63));
    uint32_t f1 = before, f2 = before;
    uint64_t r2, r1 = fp_fast_compare(fpcr, &f1, fmt, a, b, before & 1);

    r2 = fp_compare(fpcr, &f2, fmt, a, b, before & 1);
    check_same(10, a, b, r1, f1, r2, f2);
    for (unsigned size = 32; size <= 64; size += 32) {
        f1 = f2 = before;
        r1 = fp_fast_to_int(fpcr, &f1, fmt, a, size);
        r2 = fp_to_fixed(fpcr, &f2, fmt, a, 0, false, FPR_ZERO, size);
        check_same(11, a, size, r1, f1, r2, f2);
    }
    for (unsigned is_unsigned = 0; is_unsigned < 2; is_unsigned++) {
        f1 = f2 = before;
        r1 = fp_fast_from_int(fpcr, &f1, fmt, n, is_unsigned);
        r2 = fp_from_fixed(fpcr, &f2, fmt, n, 0, is_unsigned, fp_rounding(fpcr));
        check_same(12, n, is_unsigned, r1, f1, r2, f2);
    }
    for (enum fp_fmt to = FP_H; to <= FP_D; to++) {
        f1 = f2 = before;
        r1 = fp_fast_convert(fpcr, &f1, to, fmt, a);
        r2 = fp_convert(fpcr, &f2, to, fmt, a, fp_rounding(fpcr));
        check_same(13, a, to, r1, f1, r2, f2);
    }
}

static void test_fast_conversions(void **state)
{
    for (unsigned i = 0; i < 4 * CASES; i++) {
        const uint32_t fpcr = random_fpcr(), before = rnd() & 3 ? FPSR_IXC : FPSR_IOC;

        check_fast_conversions(FP_H, fpcr, before);
        check_fast_conversions(FP_S, fpcr, before);
        check_fast_conversions(FP_D, fpcr, before);
    }
}

/* ---- Half precision, by way of double ---------------------------------------------------------
 */

static double half_value(uint64_t h)
{
    const int exp = (int)(h >> 10 & 31);
    const double frac = (double)(h & 0x3ff);
    const double m = exp == 0 ? ldexp(frac, -24) : ldexp(frac + 1024, exp - 25);

    return h >> 15 ? -m : m;
}

/* v, which is rounded to odd, to half precision in one of the four modes. Finite numbers only. */
static uint64_t half_of(double v, unsigned mode, bool ahp, uint32_t *flags)
{
    const uint64_t sign = signbit(v) ? 0x8000 : 0;
    int exp;

    *flags = 0;
    if (v == 0) {
        return sign;
    }
    frexp(v, &exp); /* v in [2^(exp - 1), 2^exp) */

    const int unit = (exp - 1 < -14 ? -14 : exp - 1) - 10;

    fesetround(host_mode[mode]);
    const volatile double scaled = ldexp(v, -unit);
    const double r = fabs(nearbyint(scaled));
    fesetround(FE_TONEAREST);

    if (r != fabs(scaled)) {
        *flags |= FPSR_IXC | (exp - 1 < -14 ? FPSR_UFC : 0);
    }
    const double m = ldexp(r, unit);

    if (ahp && m >= 131072) {
        *flags = FPSR_IOC;
        return sign | 0x7fff;
    }
    if (!ahp && m >= 65536) {
        const bool to_inf = mode == 0 || mode == (sign ? 2 : 1);

        *flags = FPSR_OFC | FPSR_IXC;
        return sign | (to_inf ? 0x7c00 : 0x7bff);
    }
    if (m < 0x1p-14) {
        return sign | (uint64_t)(m * 0x1p24);
    }
    frexp(m, &exp);
    return sign | (((uint64_t)(exp + 13) << 10) + (uint64_t)ldexp(m, 11 - exp));
}

/* The operation on finite halves in double, rounded to odd: truncated, with a sticky last bit. */
static double odd_double(enum operation op, double a, double b, double c)
{
    uint64_t r;

    fesetround(FE_TOWARDZERO);
    feclearexcept(FE_ALL_EXCEPT);
    const volatile double v = host_double(op, a, b, c);
    r = fp_bits_d(v) | (fetestexcept(FE_INEXACT) ? 1 : 0);
    fesetround(FE_TONEAREST);
    return fp_host_d(r);
}

static bool half_finite(uint64_t h)
{
    return (h >> 10 & 31) != 31;
}

static void check_half(enum operation op, unsigned mode)
{
    for (unsigned i = 0; i < CASES; i++) {
        const uint64_t a = operand(FP_H), b = operand(FP_H), c = operand(FP_H);
        const double v = odd_double(op, half_value(a), half_value(b), half_value(c));
        uint32_t flags, fpsr = 0;

        if (!half_finite(a) || !half_finite(b) || !half_finite(c) || !isfinite(v) || v == 0) {
            continue; /* by hand below, and as for the other formats above */
        }

        const uint64_t want = half_of(v, mode, false, &flags);
        const uint64_t got = core(op, rm(mode), &fpsr, FP_H, a, b, c);

        if (got != want || flags != fpsr) {
            fail_msg("operation %d mode %u: %#x, %#x, %#x gives %#x (%x), want %#x (%x)", op, mode,
                     (unsigned)a, (unsigned)b, (unsigned)c, (unsigned)got, fpsr, (unsigned)want,
                     flags);
        }
    }
}

static void test_half_arithmetic(void **state)
{
    for (unsigned op = 0; op < OPERATIONS; op++) {
        for (unsigned mode = 0; mode < 4; mode++) {
            check_half(op, mode);
        }
    }
}

static void test_half_conversions(void **state)
{
    for (unsigned i = 0; i < 8 * CASES; i++) {
        const bool ahp = rnd() & 1;
        const unsigned mode = rnd() & 3;
        const uint64_t exp = rnd() & 1 ? 1023 - 30 + rnd() % 50 : rnd() & 0x3ff;
        const uint64_t d = (rnd() & 1) << 63 | exp << 52 | (rnd() >> 12 & ~0ull << rnd() % 52);
        const uint32_t fpcr = rm(mode) | (ahp ? FPCR_AHP : 0);
        uint32_t flags, fpsr = 0;
        const uint64_t want = half_of(fp_host_d(d), mode, ahp, &flags);

        assert_int_equal(fp_convert(fpcr, &fpsr, FP_H, FP_D, d, mode), want);
        assert_int_equal(fpsr, flags);
    }
}

/* Every half-precision number widens exactly and comes back. */
static void test_half_round_trip(void **state)
{
    for (uint64_t h = 0; h < 0x10000; h++) {
        const uint32_t ahp = h & 1 ? FPCR_AHP : 0;
        uint32_t fpsr = 0;

        if (ahp == 0 && !half_finite(h)) {
            continue;
        }
        const uint64_t d = fp_convert(ahp, &fpsr, FP_D, FP_H, h, FPR_TIEEVEN);
        const uint64_t s = fp_convert(ahp, &fpsr, FP_S, FP_H, h, FPR_TIEEVEN);

        assert_int_equal(d, fp_bits_d(half_value(h)));
        assert_int_equal(s, fp_bits_s((float)half_value(h)));
        assert_int_equal(fp_convert(ahp, &fpsr, FP_H, FP_S, s, FPR_TIEEVEN), h);
        assert_int_equal(fp_convert(ahp, &fpsr, FP_H, FP_D, d, FPR_TIEEVEN), h);
        assert_int_equal(fpsr, 0);
    }
}

/* ---- Integers ---------------------------------------------------------------------------------
 */

static long double round_long(long double v, enum fp_rounding r)
{
    switch (r) {
    case FPR_POSINF: return ceill(v);
    case FPR_NEGINF: return floorl(v);
    case FPR_ZERO: return truncl(v);
    case FPR_TIEAWAY: return roundl(v);
    default: return rintl(v);
    }
}

static long double value_of(enum fp_fmt fmt, uint64_t a)
{
    return fmt == FP_D   ? (long double)fp_host_d(a)
           : fmt == FP_S ? (long double)fp_host_s(a)
                         : (long double)half_value(a);
}

/* An operand whose integer part is worth looking at, once scaled by 2^fbits. */
static uint64_t near_integer(enum fp_fmt fmt, unsigned fbits)
{
    const uint64_t bias = BIT(exp_bits(fmt) - 1) - 1, a = operand(fmt);
    const uint64_t exp = bias - fbits - 2 + rnd() % 68;

    if (rnd() & 1 || exp >= 2 * bias) {
        return a;
    }
    return (a & ~((BIT(exp_bits(fmt)) - 1) << frac_bits(fmt))) | exp << frac_bits(fmt);
}

static bool finite_number(enum fp_fmt fmt, uint64_t a)
{
    return fp_abs(fmt, a) < (BIT(exp_bits(fmt)) - 1) << frac_bits(fmt);
}

static void check_to_fixed(enum fp_fmt fmt, bool is_unsigned, unsigned size)
{
    const unsigned fbits = rnd() & 1 ? 0 : rnd() % (size + 1);
    const uint64_t a = near_integer(fmt, fbits);
    const enum fp_rounding r = rnd() % 5;
    const long double top = ldexpl(1, (int)size - !is_unsigned), low = is_unsigned ? 0 : -top;
    uint32_t fpsr = 0, flags = 0;
    uint64_t want;

    if (!finite_number(fmt, a)) {
        return;
    }
    const long double exact = ldexpl(value_of(fmt, a), (int)fbits);
    const long double rounded = round_long(exact, r);

    if (rounded >= top || rounded < low) {
        flags = FPSR_IOC;
        want = rounded < low ? (is_unsigned ? 0 : BIT(size - 1))
                             : bits(~0ull, 0, size) >> !is_unsigned;
    } else {
        flags = rounded != exact ? FPSR_IXC : 0;
        want = rounded < 0 ? -(uint64_t)-rounded : (uint64_t)rounded;
        want = bits(want, 0, size);
    }
    const uint64_t got = fp_to_fixed(0, &fpsr, fmt, a, fbits, is_unsigned, r, size);

    if (got != want || fpsr != flags) {
        fail_msg("to %s%u.%u of format %d %#llx, rounding %d: %#llx (%x), want %#llx (%x)",
                 is_unsigned ? "u" : "s", size, fbits, fmt, (unsigned long long)a, r,
                 (unsigned long long)got, fpsr, (unsigned long long)want, flags);
    }
}

static void test_to_fixed(void **state)
{
    for (unsigned i = 0; i < CASES; i++) {
        for (enum fp_fmt fmt = FP_H; fmt <= FP_D; fmt++) {
            for (unsigned size = 16; size <= 64; size *= 2) {
                check_to_fixed(fmt, false, size);
                check_to_fixed(fmt, true, size);
            }
        }
    }
}

static void test_to_fixed_not_numbers(void **state)
{
    const uint64_t inf = 0x7ff0000000000000, snan = 0xfff0000000000001;
    uint32_t fpsr = 0;

    assert_int_equal(fp_to_fixed(0, &fpsr, FP_D, inf, 0, false, FPR_ZERO, 64), INT64_MAX);
    assert_int_equal(fp_to_fixed(0, &fpsr, FP_D, inf | BIT(63), 0, false, FPR_ZERO, 32),
                     0x80000000);
    assert_int_equal(fp_to_fixed(0, &fpsr, FP_D, inf, 64, true, FPR_ZERO, 64), UINT64_MAX);
    assert_int_equal(fp_to_fixed(0, &fpsr, FP_D, inf | BIT(63), 0, true, FPR_ZERO, 64), 0);
    assert_int_equal(fpsr, FPSR_IOC);
    fpsr = 0;
    assert_int_equal(fp_to_fixed(0, &fpsr, FP_D, snan, 0, false, FPR_ZERO, 64), 0);
    assert_int_equal(fpsr, FPSR_IOC);
    fpsr = 0; /* a flushed subnormal is an exact zero */
    assert_int_equal(fp_to_fixed(FPCR_FZ, &fpsr, FP_D, 1, 0, false, FPR_POSINF, 64), 0);
    assert_int_equal(fpsr, FPSR_IDC);
    fpsr = 0;
    assert_int_equal(fp_to_fixed(FPCR_FZ16, &fpsr, FP_H, 1, 0, false, FPR_POSINF, 64), 0);
    assert_int_equal(fpsr, 0);
}

static void check_round_int(enum fp_fmt fmt)
{
    const uint64_t a = near_integer(fmt, 0);
    const enum fp_rounding r = rnd() % 5;
    const bool exact = rnd() & 1;
    uint32_t fpsr = 0;

    if (!finite_number(fmt, a)) {
        return;
    }
    const long double v = value_of(fmt, a), want = round_long(v, r);
    const uint64_t got = fp_round_int(0, &fpsr, fmt, a, r, exact);

    assert_true(value_of(fmt, got) == want && (got ^ a) < fp_sign_bit(fmt));
    assert_int_equal(fpsr, exact && want != v ? FPSR_IXC : 0);
}

static void check_round_int_n(enum fp_fmt fmt, unsigned size)
{
    const uint64_t a = near_integer(fmt, 0);
    const enum fp_rounding r = rnd() % 5;
    const long double top = ldexpl(1, (int)size - 1);
    uint32_t fpsr = 0;
    const uint64_t got = fp_round_int_n(0, &fpsr, fmt, a, r, size);

    if (!finite_number(fmt, a) || round_long(value_of(fmt, a), r) >= top ||
        round_long(value_of(fmt, a), r) < -top) {
        assert_true(value_of(fmt, got) == -top);
        assert_int_equal(fpsr, FPSR_IOC);
        return;
    }
    const long double v = value_of(fmt, a), want = round_long(v, r);

    assert_true(value_of(fmt, got) == want && (got ^ a) < fp_sign_bit(fmt));
    assert_int_equal(fpsr, want != v ? FPSR_IXC : 0);
}

static void test_round_int(void **state)
{
    for (unsigned i = 0; i < 2 * CASES; i++) {
        check_round_int(FP_H);
        check_round_int(FP_S);
        check_round_int(FP_D);
        check_round_int_n(FP_S, i & 1 ? 32 : 64);
        check_round_int_n(FP_D, i & 1 ? 32 : 64);
    }
}

static void test_from_fixed(void **state)
{
    for (unsigned i = 0; i < 4 * CASES; i++) {
        const uint64_t n = (rnd() & 1 ? -1ull : 1ull) * (rnd() >> (rnd() & 63));
        const unsigned fbits = rnd() % 65, mode = rnd() & 3;
        const bool is_unsigned = rnd() & 1;
        const long double exact = is_unsigned ? (long double)n : (long double)(int64_t)n;
        uint32_t f1 = 0, f2 = 0;

        fesetround(host_mode[mode]);
        feclearexcept(FE_ALL_EXCEPT);
        const volatile long double scaled = ldexpl(exact, -(int)fbits);
        const volatile double d = (double)scaled;
        const uint32_t flags_d = host_flags();
        feclearexcept(FE_ALL_EXCEPT);
        const volatile float s = (float)scaled;
        const uint32_t flags_s = host_flags();
        fesetround(FE_TONEAREST);

        assert_int_equal(fp_from_fixed(0, &f1, FP_D, n, fbits, is_unsigned, mode), fp_bits_d(d));
        assert_int_equal(fp_from_fixed(0, &f2, FP_S, n, fbits, is_unsigned, mode), fp_bits_s(s));
        assert_int_equal(f1, flags_d);
        assert_int_equal(f2, flags_s);
    }
}

/* ---- By hand ----------------------------------------------------------------------------------
 */

#define INF     0x7f800000u
#define NAN_DEF 0x7fc00000u
#define ONE     0x3f800000u
#define MINUS   0x80000000u

/* One row: a function of one or two single-precision operands. */
struct row {
    uint64_t (*fn)(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, uint64_t b);
    uint32_t fpcr, a, b, result, flags;
};

#define UNARY(name)                                                                      \
    static uint64_t name##_1(uint32_t fpcr, uint32_t *fpsr, enum fp_fmt fmt, uint64_t a, \
                             uint64_t unused)                                            \
    {                                                                                    \
        return name(fpcr, fpsr, fmt, a);                                                 \
    }

UNARY(fp_sqrt)
UNARY(fp_recip_estimate)
UNARY(fp_rsqrt_estimate)
UNARY(fp_recpx)

static const struct row rows[] = {
    /* NaNs: signalling first, then the first operand; DN replaces them; default is positive. */
    { fp_add, 0, 0x7fc00001, 0x7f800002, 0x7fc00002, FPSR_IOC },
    { fp_add, 0, 0xffc00001, 0x7fc00002, 0xffc00001, 0 },
    { fp_add, 0, ONE, 0xffc00002, 0xffc00002, 0 },
    { fp_sub, 0, ONE, 0xff800002, 0xffc00002, FPSR_IOC },
    { fp_add, FPCR_DN, 0xffc00001, ONE, NAN_DEF, 0 },
    { fp_mul, FPCR_DN, 0xff800001, ONE, NAN_DEF, FPSR_IOC },
    { fp_add, 0, INF, INF | MINUS, NAN_DEF, FPSR_IOC },
    { fp_sub, 0, INF, INF, NAN_DEF, FPSR_IOC },
    { fp_mul, 0, INF, 0, NAN_DEF, FPSR_IOC },
    { fp_div, 0, MINUS, 0, NAN_DEF, FPSR_IOC },
    { fp_div, 0, INF, INF, NAN_DEF, FPSR_IOC },
    { fp_div, 0, ONE, MINUS, INF | MINUS, FPSR_DZC },
    { fp_div, 0, INF, 0, INF, 0 },
    { fp_sqrt_1, 0, ONE | MINUS, 0, NAN_DEF, FPSR_IOC },
    { fp_sqrt_1, 0, MINUS, 0, MINUS, 0 },
    /* Zeros that cancel: negative only when rounding down. */
    { fp_sub, 0, ONE, ONE, 0, 0 },
    { fp_sub, 2u << FPCR_RM_SHIFT, ONE, ONE, MINUS, 0 },
    { fp_add, 2u << FPCR_RM_SHIFT, 0, MINUS, MINUS, 0 },
    { fp_add, 0, MINUS, MINUS, MINUS, 0 },
    /* Overflow, to infinity or to the largest number. */
    { fp_add, 0, 0x7f7fffff, 0x7f7fffff, INF, FPSR_OFC | FPSR_IXC },
    { fp_add, 3u << FPCR_RM_SHIFT, 0x7f7fffff, 0x7f7fffff, 0x7f7fffff, FPSR_OFC | FPSR_IXC },
    { fp_add, 2u << FPCR_RM_SHIFT, 0xff7fffff, 0xff7fffff, 0xff800000, FPSR_OFC | FPSR_IXC },
    { fp_add, 1u << FPCR_RM_SHIFT, 0xff7fffff, 0xff7fffff, 0xff7fffff, FPSR_OFC | FPSR_IXC },
    /* Tiny before rounding, the smallest normal after it: Underflow. */
    { fp_mul, 0, 0x00ffffff, 0x3f000000, 0x00800000, FPSR_UFC | FPSR_IXC },
    { fp_mul, 0, 0x00800001, 0x3f7fffff, 0x00800000, FPSR_IXC },
    { fp_mul, 0, 0x00800000, 0x3f000000, 0x00400000, 0 },
    /* FZ: operands are flushed with IDC; results with UFC alone, before rounding. */
    { fp_add, FPCR_FZ, 0x80000001, MINUS, MINUS, FPSR_IDC },
    { fp_mul, FPCR_FZ, 0x00ffffff, 0xbf000000, MINUS, FPSR_UFC },
    { fp_sub, FPCR_FZ, 0x00800001, 0x00800000, 0, FPSR_UFC },
    { fp_div, FPCR_FZ, ONE, 0x00000001, INF, FPSR_IDC | FPSR_DZC },
    { fp_max, FPCR_FZ, 0x80000001, 0x80000002, MINUS, FPSR_IDC },
    { fp_mul, FPCR_FZ16, 0x00800000, 0x3f000000, 0x00400000, 0 }, /* is not for singles */
    /* Maximum and minimum. */
    { fp_max, 0, MINUS, 0, 0, 0 },
    { fp_min, 0, 0, MINUS, MINUS, 0 },
    { fp_max, 0, 0xbf800000, 0xc0000000, 0xbf800000, 0 },
    { fp_min, 0, 0xbf800000, 0xc0000000, 0xc0000000, 0 },
    { fp_max, 0, ONE, 0x7fc00001, 0x7fc00001, 0 },
    { fp_maxnum, 0, ONE, 0x7fc00001, ONE, 0 },
    { fp_minnum, 0, 0xffc00001, INF, INF, 0 },
    { fp_maxnum, 0, 0x7fc00002, 0x7fc00001, 0x7fc00002, 0 },
    { fp_maxnum, 0, ONE, 0x7f800001, 0x7fc00001, FPSR_IOC },
    { fp_maxnum, 0, 0x7fc00002, 0xff800001, 0xffc00001, FPSR_IOC },
    /* FMULX, and the Newton steps, whose first operand is negated before anything else. */
    { fp_mulx, 0, INF | MINUS, 0, 0xc0000000, 0 },
    { fp_mulx, 0, 0x40000000, 0x40400000, 0x40c00000, 0 },
    { fp_recip_step, 0, INF, 0, 0x40000000, 0 },
    { fp_recip_step, 0, INF, ONE, 0xff800000, 0 },
    { fp_recip_step, 0, 0x40400000, 0x3eaaaaab, ONE, FPSR_IXC },
    { fp_recip_step, 0, 0x7fc00001, ONE, 0xffc00001, 0 },
    { fp_recip_step, 0, ONE, 0x7fc00001, 0x7fc00001, 0 },
    { fp_rsqrt_step, 0, 0, INF | MINUS, 0x3fc00000, 0 },
    { fp_rsqrt_step, 0, ONE, ONE, ONE, 0 },
    { fp_rsqrt_step, 0, 0x40400000, ONE, 0, 0 },
    /* Estimates. */
    { fp_recip_estimate_1, 0, ONE, 0, 0x3f7f8000, 0 },
    { fp_recip_estimate_1, 0, 0xc0400000, 0, 0xbeaa8000, 0 },
    { fp_recip_estimate_1, 0, 0x7f7fffff, 0, 0x00200000, 0 },
    { fp_recip_estimate_1, 0, 0x7e800000, 0, 0x007fc000, 0 },
    { fp_recip_estimate_1, FPCR_FZ, 0xfe800000, 0, MINUS, FPSR_UFC },
    { fp_recip_estimate_1, 0, 0x00200000, 0, 0x7f7f8000, 0 },
    { fp_recip_estimate_1, 0, 0x001fffff, 0, INF, FPSR_OFC | FPSR_IXC },
    { fp_recip_estimate_1, 2u << FPCR_RM_SHIFT, 0x001fffff, 0, 0x7f7fffff, FPSR_OFC | FPSR_IXC },
    { fp_recip_estimate_1, 2u << FPCR_RM_SHIFT, 0x801fffff, 0, 0xff800000, FPSR_OFC | FPSR_IXC },
    { fp_recip_estimate_1, 0, MINUS, 0, 0xff800000, FPSR_DZC },
    { fp_recip_estimate_1, 0, 0xff800000, 0, MINUS, 0 },
    { fp_rsqrt_estimate_1, 0, ONE, 0, 0x3f7f8000, 0 },
    { fp_rsqrt_estimate_1, 0, 0x40800000, 0, 0x3eff8000, 0 },
    { fp_rsqrt_estimate_1, 0, 0x40000000, 0, 0x3f348000, 0 },
    { fp_rsqrt_estimate_1, 0, 0x00000001, 0, 0x64b48000, 0 },
    { fp_rsqrt_estimate_1, 0, MINUS, 0, 0xff800000, FPSR_DZC },
    { fp_rsqrt_estimate_1, 0, 0x80000001, 0, NAN_DEF, FPSR_IOC },
    { fp_rsqrt_estimate_1, FPCR_FZ, 0x80000001, 0, 0xff800000, FPSR_DZC | FPSR_IDC },
    { fp_rsqrt_estimate_1, 0, INF, 0, 0, 0 },
    { fp_recpx_1, 0, ONE, 0, 0x40000000, 0 },
    { fp_recpx_1, 0, 0x80000001, 0, 0xff000000, 0 },
    { fp_recpx_1, 0, INF, 0, 0, 0 },
    { fp_recpx_1, 0, 0x7f800001, 0, 0x7fc00001, FPSR_IOC },
};

static void test_rows(void **state)
{
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct row *r = &rows[i];
        uint32_t fpsr = FPSR_QC;
        const uint64_t got = r->fn(r->fpcr, &fpsr, FP_S, r->a, r->b);

        if (got != r->result || fpsr != (r->flags | (uint32_t)FPSR_QC)) {
            fail_msg("row %u: %#x, %#x gives %#llx (%x), want %#x (%x)", i, r->a, r->b,
                     (unsigned long long)got, fpsr, r->result, r->flags);
        }
    }
}

/* Addend first among equals; a quiet addend does not hide infinity times zero. */
static void test_muladd_nans(void **state)
{
    uint32_t fpsr = 0;

    assert_int_equal(fp_muladd(0, &fpsr, FP_S, 0x7fc00003, 0x7fc00001, 0x7fc00002), 0x7fc00003);
    assert_int_equal(fpsr, 0);
    assert_int_equal(fp_muladd(0, &fpsr, FP_S, 0x7fc00003, 0x7fc00001, 0x7f800002), 0x7fc00002);
    assert_int_equal(fpsr, FPSR_IOC);
    fpsr = 0;
    assert_int_equal(fp_muladd(0, &fpsr, FP_S, 0xffc00003, INF, MINUS), NAN_DEF);
    assert_int_equal(fpsr, FPSR_IOC);
    fpsr = 0;
    assert_int_equal(fp_muladd(0, &fpsr, FP_S, INF | MINUS, INF, ONE), NAN_DEF);
    assert_int_equal(fpsr, FPSR_IOC);
    fpsr = 0; /* halves into a single: the payload moves up, quiet */
    assert_int_equal(fp_muladd_h(0, &fpsr, ONE, 0x7c01, 0x3c00), 0x7fc02000);
    assert_int_equal(fpsr, FPSR_IOC);
    fpsr = 0; /* 1 + 2^-24 * 2^-24: exact product of two subnormals */
    assert_int_equal(fp_muladd_h(0, &fpsr, 0, 1, 1), 0x27800000);
    assert_int_equal(fp_muladd_h(FPCR_FZ16, &fpsr, ONE, 1, 1), ONE);
    assert_int_equal(fpsr, 0);
}

static void test_half_specials(void **state)
{
    uint32_t fpsr = 0;

    assert_int_equal(fp_add(0, &fpsr, FP_H, 0x7c00, 0xfc00), 0x7e00);
    assert_int_equal(fpsr, FPSR_IOC);
    fpsr = 0; /* FZ16 flushes operands without a flag, results with Underflow */
    assert_int_equal(fp_add(FPCR_FZ16, &fpsr, FP_H, 0x8001, 0x8000), 0x8000);
    assert_int_equal(fpsr, 0);
    assert_int_equal(fp_mul(FPCR_FZ16, &fpsr, FP_H, 0x0400, 0x3800), 0);
    assert_int_equal(fpsr, FPSR_UFC);
    fpsr = 0; /* AHP means nothing to arithmetic, FZ nothing to halves */
    assert_int_equal(fp_add(FPCR_AHP, &fpsr, FP_H, 0x7c00, 0x3c00), 0x7c00);
    assert_int_equal(fp_mul(FPCR_FZ, &fpsr, FP_H, 0x0400, 0x3800), 0x0200);
    assert_int_equal(fpsr, 0);
}

static void test_convert_specials(void **state)
{
    uint32_t fpsr = 0;

    /* NaNs keep sign and upper payload; DN replaces them. */
    assert_int_equal(fp_convert(0, &fpsr, FP_D, FP_S, 0xff800001, FPR_TIEEVEN), 0xfff8000020000000);
    assert_int_equal(fpsr, FPSR_IOC);
    fpsr = 0;
    assert_int_equal(fp_convert(0, &fpsr, FP_H, FP_D, 0xfffc000000000001, FPR_TIEEVEN), 0xff00);
    assert_int_equal(fp_convert(FPCR_DN, &fpsr, FP_S, FP_D, 0xfffc000000000001, FPR_TIEEVEN),
                     NAN_DEF);
    assert_int_equal(fpsr, 0);
    /* The alternative half format has neither NaN nor infinity. */
    assert_int_equal(fp_convert(FPCR_AHP, &fpsr, FP_H, FP_S, 0xffc00000, FPR_TIEEVEN), 0x8000);
    assert_int_equal(fpsr, FPSR_IOC);
    fpsr = 0;
    assert_int_equal(fp_convert(FPCR_AHP, &fpsr, FP_H, FP_S, 0xff800000, FPR_TIEEVEN), 0xffff);
    assert_int_equal(fpsr, FPSR_IOC);
    /* FZ16 is not for conversions; FZ flushes a single or double operand, and not a half result. */
    fpsr = 0;
    assert_int_equal(fp_convert(FPCR_FZ16 | FPCR_FZ, &fpsr, FP_S, FP_H, 1, FPR_TIEEVEN),
                     0x33800000);
    assert_int_equal(fp_convert(FPCR_FZ16 | FPCR_FZ, &fpsr, FP_H, FP_S, 0x33800000, FPR_TIEEVEN),
                     1);
    assert_int_equal(fpsr, 0);
    assert_int_equal(fp_convert(FPCR_FZ, &fpsr, FP_D, FP_S, 0x80000001, FPR_TIEEVEN), BIT(63));
    assert_int_equal(fpsr, FPSR_IDC);
    fpsr = 0;
    assert_int_equal(fp_convert(FPCR_FZ, &fpsr, FP_S, FP_D, 0x3800000000000000, FPR_TIEEVEN), 0);
    assert_int_equal(fpsr, FPSR_UFC);
    /* Round to odd: FCVTXN never overflows to infinity. */
    fpsr = 0;
    assert_int_equal(fp_convert(0, &fpsr, FP_S, FP_D, 0x3ff0000000000001, FPR_ODD), 0x3f800001);
    assert_int_equal(fpsr, FPSR_IXC);
    assert_int_equal(fp_convert(0, &fpsr, FP_S, FP_D, 0x7fe0000000000000, FPR_ODD), 0x7f7fffff);
    assert_int_equal(fpsr, FPSR_IXC | FPSR_OFC);
    fpsr = 0;
    assert_int_equal(fp_convert(0, &fpsr, FP_BF, FP_S, 0x3f808000, FPR_TIEEVEN), 0x3f80);
    assert_int_equal(fp_convert(0, &fpsr, FP_BF, FP_S, 0x3f818000, FPR_TIEEVEN), 0x3f82);
    assert_int_equal(fpsr, FPSR_IXC);
    assert_int_equal(fp_convert(0, &fpsr, FP_BF, FP_S, 0x7f800001, FPR_TIEEVEN), 0x7fc0);
    assert_int_equal(fpsr, FPSR_IXC | FPSR_IOC);
}

static void check_js(uint32_t fpcr, uint64_t a, uint32_t result, bool exact, uint32_t flags)
{
    uint32_t fpsr = 0;
    const uint64_t r = fp_to_fixed_js(fpcr, &fpsr, a);

    assert_int_equal((uint32_t)r, result);
    assert_int_equal(r >> 32, exact);
    assert_int_equal(fpsr, flags);
}

static void test_javascript(void **state)
{
    check_js(0, fp_bits_d(0), 0, true, 0);
    check_js(0, fp_bits_d(-0.0), 0, false, 0);
    check_js(0, fp_bits_d(-1), 0xffffffff, true, 0);
    check_js(0, fp_bits_d(1.5), 1, false, FPSR_IXC);
    check_js(0, fp_bits_d(-1.5), 0xffffffff, false, FPSR_IXC);
    check_js(0, fp_bits_d(-2147483648.0), 0x80000000, true, 0);
    check_js(0, fp_bits_d(2147483648.0), 0x80000000, false, FPSR_IOC);
    check_js(0, fp_bits_d(4294967297.0), 1, false, FPSR_IOC);
    check_js(0, fp_bits_d(-4294967297.0), 0xffffffff, false, FPSR_IOC);
    check_js(0, fp_bits_d(0x1.0000000000001p83), 0x80000000, false, FPSR_IOC);
    check_js(0, fp_bits_d(0x1.0000000000001p84), 0, false, FPSR_IOC);
    check_js(0, fp_bits_d(0x1p1023), 0, false, FPSR_IOC);
    check_js(0, 0x7ff0000000000000, 0, false, FPSR_IOC);
    check_js(0, 0x7ff8000000000000, 0, false, FPSR_IOC);
    check_js(0, 1, 0, false, FPSR_IXC);
    check_js(FPCR_FZ, 1, 0, false, FPSR_IDC);
    check_js(FPCR_FZ, 1 | BIT(63), 0, false, FPSR_IDC);
}

static void test_compare(void **state)
{
    const uint32_t eq = 6u << 28, lt = 8u << 28, gt = 2u << 28, unordered = 3u << 28;
    uint32_t fpsr = 0;

    assert_int_equal(fp_compare(0, &fpsr, FP_S, 0, MINUS, true), eq);
    assert_int_equal(fp_compare(0, &fpsr, FP_S, ONE | MINUS, MINUS, true), lt);
    assert_int_equal(fp_compare(0, &fpsr, FP_S, INF, 0x7f7fffff, true), gt);
    assert_int_equal(fp_compare(0, &fpsr, FP_D, 1ull << 63 | 1, 2, true), lt);
    assert_int_equal(fp_compare(0, &fpsr, FP_H, 0x8001, 0x8002, true), gt);
    assert_int_equal(fp_compare(0, &fpsr, FP_S, 0x7fc00000, 0, false), unordered);
    assert_int_equal(fpsr, 0);
    assert_int_equal(fp_compare(FPCR_FZ, &fpsr, FP_S, 1, 0x80000002, true), eq);
    assert_int_equal(fpsr, FPSR_IDC);
    fpsr = 0;
    assert_int_equal(fp_compare(FPCR_FZ16, &fpsr, FP_H, 1, 0x8002, true), eq);
    assert_int_equal(fpsr, 0);
    assert_int_equal(fp_compare(0, &fpsr, FP_S, 0x7fc00000, 0, true), unordered);
    assert_int_equal(fpsr, FPSR_IOC);
    fpsr = 0;
    assert_int_equal(fp_compare(0, &fpsr, FP_S, 0, 0x7f800001, false), unordered);
    assert_int_equal(fpsr, FPSR_IOC);
    fpsr = 0;
    assert_false(fp_compare_eq(0, &fpsr, FP_S, 0x7fc00000, 0x7fc00000));
    assert_true(fp_compare_eq(0, &fpsr, FP_S, 0, MINUS));
    assert_true(fp_compare_ge(0, &fpsr, FP_S, 0, MINUS));
    assert_false(fp_compare_gt(0, &fpsr, FP_S, 0, MINUS));
    assert_true(fp_compare_gt(0, &fpsr, FP_S, 1, MINUS));
    assert_false(fp_compare_ge(0, &fpsr, FP_S, MINUS, 1));
    assert_int_equal(fpsr, 0);
    assert_false(fp_compare_ge(0, &fpsr, FP_S, 0x7fc00000, 0));
    assert_int_equal(fpsr, FPSR_IOC);
}

/* Estimates are 8 bits of the true value: an error below 2^-8; and the unsigned forms. */
static void test_estimates(void **state)
{
    uint32_t fpsr = 0;

    for (unsigned i = 0; i < CASES; i++) {
        const uint64_t a = (0x080 + rnd() % 0x700) << 52 | rnd() >> 12;
        const double v = fp_host_d(a);
        const double r = fp_host_d(fp_recip_estimate(0, &fpsr, FP_D, a));
        const double s = fp_host_d(fp_rsqrt_estimate(0, &fpsr, FP_D, a));

        assert_true(fabs(r * v - 1) < 0x1p-8);
        assert_true(fabs(s * s * v - 1) < 0x1p-7);
    }
    assert_int_equal(fpsr, 0);
    assert_int_equal(fp_recip_estimate_u32(0x7fffffff), 0xffffffff);
    assert_int_equal(fp_recip_estimate_u32(0x80000000), 0xff800000);
    assert_int_equal(fp_recip_estimate_u32(0xffffffff), 0x80000000);
    assert_int_equal(fp_rsqrt_estimate_u32(0x3fffffff), 0xffffffff);
    assert_int_equal(fp_rsqrt_estimate_u32(0x40000000), 0xff800000);
    assert_int_equal(fp_rsqrt_estimate_u32(0xffffffff), 0x80000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic_as_host),
        cmocka_unit_test(test_fast_arithmetic),
        cmocka_unit_test(test_fast_near_underflow),
        cmocka_unit_test(test_fast_muladd_midway),
        cmocka_unit_test(test_fast_conversions),
        cmocka_unit_test(test_half_arithmetic),
        cmocka_unit_test(test_half_conversions),
        cmocka_unit_test(test_half_round_trip),
        cmocka_unit_test(test_to_fixed),
        cmocka_unit_test(test_to_fixed_not_numbers),
        cmocka_unit_test(test_round_int),
        cmocka_unit_test(test_from_fixed),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_muladd_nans),
        cmocka_unit_test(test_half_specials),
        cmocka_unit_test(test_convert_specials),
        cmocka_unit_test(test_javascript),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_estimates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
