/*
 * t_simd_sat.c - templates of saturating Advanced SIMD arithmetic on words (bodies: op_simd_sat.c), for which the host has no
 * instructions, and of products of twice the size. Bytes and halfwords: t_simd.c, t_simd_long.c.
 */
#include "accel/soft/jit/vec.h"

#if SOFT_JIT

enum { SIGNED = 4, SUBTRACT = 8, ROUND = 16, ELEMENT = 32 };

/* ---- Sums and differences -------------------------------------------------------------------- */

/*
 * SX0 is a + b or a - b. Where that has left the signed range, its sign is one that it cannot have: SX1 = all ones there, and
 * SX0 = the extreme on the other side of its sign.
 */
static void saturate_signed(struct tr *t, int a, int b, bool subtract)
{
    uint64_t min = v_each(2, 0x80000000);

    v3(t, V_XOR, SX2, b, subtract ? a : SX0);
    v3(t, V_XOR, SX1, a, SX0);
    v3(t, V_AND, SX1, SX1, SX2);
    v_shr(t, 2, true, SX1, SX1, 31);
    v_shr(t, 2, true, SX2, SX0, 31);
    v3c(t, V_XOR, SX2, SX2, min, min);
    v3(t, V_AND, SX2, SX2, SX1);
    v3(t, V_ANDN, SX0, SX1, SX0);
    v3(t, V_OR, SX0, SX0, SX2);
}

static void t_add(struct tr *t, const struct op *op, unsigned arg)
{
    bool subtract = (arg & SUBTRACT) != 0;
    int a, b;

    if (!v_begin_flags(t, false)) {
        return;
    }
    a = vr(t, op->rn, SX1);
    b = vr(t, op->rm, SX2);
    v3(t, subtract ? V_PSUB(2) : V_PADD(2), SX0, a, b);
    if ((arg & SIGNED) != 0) {
        saturate_signed(t, a, b, subtract);
    } else if (subtract) {
        v3(t, V_PMAXU(2), SX2, a, b);
        v_mov(t, SX1, a);
        v3(t, V_PCMPEQ(2), SX1, SX1, SX2);
        v3(t, V_AND, SX0, SX0, SX1);
        v_not(t, SX1, SX1);
    } else {
        v3(t, V_PMAXU(2), SX1, SX0, a);
        v3(t, V_PCMPEQ(2), SX1, SX1, SX0);
        v_not(t, SX1, SX1);
        v3(t, V_OR, SX0, SX0, SX1);
    }
    v_set_qc(t, op, SX1);
    v_put_shape(t, op, SX0);
}

/* ---- Doubled products ------------------------------------------------------------------------ */

/* Elements of SX0 that are the minimum can only be twice the product of two minima: they become the maximum. */
static void saturate_minimum(struct tr *t, const struct op *op, unsigned size)
{
    uint64_t min = v_each(size, 1ull << ((8u << size) - 1));

    v2c(t, V_MOVAPS, SX1, min, min);
    v3(t, V_PCMPEQ(size), SX1, SX1, SX0);
    v3(t, V_XOR, SX0, SX0, SX1);
    v_set_qc(t, op, SX1);
}

/* SQDMULH, SQRDMULH: even and odd elements apart. */
static void t_high(struct tr *t, const struct op *op, unsigned arg)
{
    uint64_t half = 1ull << 31, upper = 0xffffffff00000000;
    int n, m = SX2;

    if (!v_begin_flags(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    if ((arg & ELEMENT) != 0) {
        v_element(t, op, 2, SX2);
    } else {
        m = vr(t, op->rm, SX2);
    }
    v3(t, V_PMULDQ, SX0, n, m);
    v_shr(t, 3, false, SX1, n, 32);
    v_shr(t, 3, false, SX2, m, 32);
    v3(t, V_PMULDQ, SX1, SX1, SX2);
    v3(t, V_PADD(3), SX0, SX0, SX0);
    v3(t, V_PADD(3), SX1, SX1, SX1);
    if ((arg & ROUND) != 0) {
        v3c(t, V_PADD(3), SX0, SX0, half, half);
        v3c(t, V_PADD(3), SX1, SX1, half, half);
    }
    v_shr(t, 3, false, SX0, SX0, 32);
    v3c(t, V_AND, SX1, SX1, upper, upper);
    v3(t, V_OR, SX0, SX0, SX1);
    saturate_minimum(t, op, 2);
    v_put_shape(t, op, SX0);
}

/* SQDMULL of halfwords (1) and words (2). */
static void t_long(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = arg & 3;
    bool hi = op->ra == SHAPE_HI;
    int n, m = SX2;

    if (!v_begin_flags(t, size == 2 && !t->jit->host.sse42)) {
        return;
    }
    if ((arg & ELEMENT) != 0) {
        v_element(t, op, size, SX2);
    } else if (size == 1) {
        m = vr(t, op->rm, SX2);
    } else {
        v2gi(t, V_PSHUFD, SX2, op->rm, hi ? 0xfa : 0x50);
    }
    if (size == 1) {
        n = vr(t, op->rn, SX1);
        v3(t, V_PMULLW, SX0, n, m);
        v3(t, V_PMULHW, SX1, n, m);
        v3(t, hi ? V_UNPCKH(1) : V_UNPCKL(1), SX0, SX0, SX1);
    } else {
        v2gi(t, V_PSHUFD, SX0, op->rn, hi ? 0xfa : 0x50);
        v3(t, V_PMULDQ, SX0, SX0, m);
    }
    v3(t, V_PADD(size + 1), SX0, SX0, SX0);
    saturate_minimum(t, op, size + 1);
    v_put_shape(t, op, SX0);
}

/* ---- To words from doublewords --------------------------------------------------------------- */

#define V_PMOVSQD  (VOP(2, 2, 0, 0x25) | VOP_EVEX)
#define V_PMOVUSQD (VOP(2, 2, 0, 0x15) | VOP_EVEX)
#define V_PMAXSQ   (VOP(1, 2, 1, 0x3d) | VOP_EVEX)

enum { TO_UNSIGNED = 64 };

static void t_narrow(struct tr *t, const struct op *op, unsigned arg)
{
    bool sign = (arg & SIGNED) != 0 && (arg & TO_UNSIGNED) == 0;
    int n, from;

    if (!v_begin_flags(t, t->jit->host.level < VEX_AVX512)) {
        return;
    }
    from = n = vr(t, op->rn, SX1);
    if ((arg & TO_UNSIGNED) != 0) {
        v_zero(t, SX2);
        v3(t, V_PMAXSQ, SX2, n, SX2);
        from = SX2;
    }
    v2(t, sign ? V_PMOVSQD : V_PMOVUSQD, from,
       SX0); /* the other way round: the source is in the register field */
    v2(t, sign ? V_PMOVSX(2) : V_PMOVZX(2), SX2, SX0);
    v3(t, V_XOR, SX1, n, SX2);
    if (op->ra < SHAPE_HALF) {
        v2(t, V_MOVQ, SX1, SX1);
    }
    v_set_qc_all(t, SX1);
    if (op->ra == SHAPE_HI) {
        int d = vr(t, op->rd, SX2);
        v3(t, V_UNPCKL(3), d, d, SX0);
        v_put(t, op->rd, d);
    } else {
        v_put_shape(t, op, SX0);
    }
}

/* ---- Table ----------------------------------------------------------------------------------- */

#define T(name, fn_, arg_) [UOP_##name] = { fn_, arg_ }

const struct tmpl jit_tmpl_simd_sat[UOP_COUNT] = {
    T(v_sqadd_s, t_add, SIGNED),
    T(v_uqadd_s, t_add, 0),
    T(v_sqsub_s, t_add, SIGNED | SUBTRACT),
    T(v_uqsub_s, t_add, SUBTRACT),
    T(v_sqdmulh_s, t_high, 0),
    T(v_sqrdmulh_s, t_high, ROUND),
    T(v_sqdmulh_e_s, t_high, ELEMENT),
    T(v_sqrdmulh_e_s, t_high, ROUND | ELEMENT),
    T(v_sqdmull_h, t_long, 1),
    T(v_sqdmull_s, t_long, 2),
    T(v_sqdmull_e_h, t_long, 1 | ELEMENT),
    T(v_sqdmull_e_s, t_long, 2 | ELEMENT),
    T(v_sqxtn_s, t_narrow, SIGNED),
    T(v_sqxtun_s, t_narrow, SIGNED | TO_UNSIGNED),
    T(v_uqxtn_s, t_narrow, 0),
};

#endif
