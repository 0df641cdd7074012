/*
 * vec_fp.h - what the templates of scalar and vector floating point share.
 *
 * The host's arithmetic gives Arm's bits and flags but in a few cases, and those are seen in the result:
 *
 *   a NaN                      which one it is, DN            UCOMIS r, r: parity
 *   the least normal number    Arm calls a number tiny        UCOMIS |r|, least: equal, or unordered
 *                              before rounding, x86 after
 *
 * There the body does it again, behind the region: whatever flags the host has raised by then, Arm raises too. Overflow, zero
 * divisors, inexact results and subnormal ones are the same. Sums, differences and square roots are exact where they are tiny.
 * With FPCR.FZ the interpreter does all (GATE_FZ). A vector has the same test on all elements at once, which is taken if one is odd.
 */
#ifndef SOFT_JIT_VEC_FP_H
#define SOFT_JIT_VEC_FP_H

#include "accel/soft/fp.h"
#include "accel/soft/jit/vec.h"

static inline uint64_t vfp_sign(bool d)
{
    return fp_sign_bit(d ? FP_D : FP_S);
}
static inline uint64_t vfp_magnitude(bool d)
{
    return vfp_sign(d) - 1;
}
static inline uint64_t vfp_least(bool d)
{
    return d ? 1ull << 52 : 1ull << 23;
}

/* The start of a template that does arithmetic. False: the body has been called instead. */
static inline bool vfp_begin(struct tr *t, bool refuse)
{
    if (tr_vec_refuse(t, refuse)) {
        return false;
    }
    tr_vec(t, true);
    tr_clobber(t);
    return true;
}

/* The jump is taken if the scalar x is a NaN; or (tiny) the least normal number. Uses SX2. */
static inline uint8_t *vfp_odd(struct tr *t, bool d, int x, bool tiny)
{
    if (!tiny) {
        v2(t, V_UCOMIS(d), x, x);
        return as_jcc(&t->a, CC_P);
    }
    v3c(t, V_AND, SX2, x, vfp_magnitude(d), 0);
    v2c(t, V_UCOMIS(d), SX2, vfp_least(d), 0);
    return as_jcc(&t->a, CC_E);
}

#endif
