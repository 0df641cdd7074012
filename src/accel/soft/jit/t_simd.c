/*
 * t_simd.c - templates of Advanced SIMD integer arithmetic, lane by lane (bodies: op_simd_int.c, op_simd_shift.c,
 * op_simd_sat.c). Others: t_simd_long.c, t_simd_perm.c, t_simd_fp.c, t_crypto.c.
 *
 * As in the bodies, all 16 bytes are worked on and the shape says what is kept. SX0 is the result in the making, SX1 and SX2
 * are Vn and Vm where those are in no register.
 */
#include "accel/soft/jit/vec.h"

#if SOFT_JIT

/* arg: element size in the low byte, what else there is above. */
#define SIZE(arg) ((arg)&3)

/* ---- One instruction, or nearly -------------------------------------------------------------- */

/* arg: the host's instruction; SWAP: its operands the other way round. */
#define SWAP (1u << 20)

static void t_one(struct tr *t, const struct op *op, unsigned arg)
{
    uint32_t ins = arg & ~SWAP;
    unsigned n = (arg & SWAP) != 0 ? op->rm : op->rn, m = (arg & SWAP) != 0 ? op->rn : op->rm;
    int r, a;

    if (!v_begin(t, false)) {
        return;
    }
    r = v_last(t, op, ins, SX0);
    a = (ins & VOP_LOW) != 0 ? vr_low(t, n, SX1) : vr(t, n, SX1);
    v3g(t, ins, r, a, m);
    v_put_shape(t, op, r);
}

/* One source. */
static void t_unary(struct tr *t, const struct op *op, unsigned arg)
{
    int r;

    if (!v_begin(t, (arg & VOP_EVEX) != 0 && t->jit->host.level < VEX_AVX512)) {
        return;
    }
    r = v_last(t, op, arg, SX0);
    v2g(t, arg, r, op->rn);
    v_put_shape(t, op, r);
}

static void t_neg(struct tr *t, const struct op *op, unsigned arg)
{
    if (!v_begin(t, false)) {
        return;
    }
    v_zero(t, SX0);
    v3g(t, V_PSUB(arg), SX0, SX0, op->rn);
    v_put_shape(t, op, SX0);
}

static void t_not(struct tr *t, const struct op *op, unsigned arg)
{
    int r;

    if (!v_begin(t, false)) {
        return;
    }
    r = v_last(t, op, V_XOR, SX0);
    v_not(t, r, vr(t, op->rn, SX1));
    v_put_shape(t, op, r);
}

static void t_orn(struct tr *t, const struct op *op, unsigned arg)
{
    if (!v_begin(t, false)) {
        return;
    }
    v_not(t, SX0, vr(t, op->rm, SX0));
    v3g(t, V_OR, SX0, SX0, op->rn);
    v_put_shape(t, op, SX0);
}

/* MOV is ORR with the same source twice. */
static void t_orr(struct tr *t, const struct op *op, unsigned arg)
{
    if (op->rn != op->rm) {
        t_one(t, op, V_OR);
    } else if (v_begin(t, false)) {
        bool z64 = v_is64(t, op->rn), z32 = v_is32(t, op->rn);
        if (z64 && op->ra < SHAPE_FULL) {
            v_put(t, op->rd, vr(t, op->rn, SX0));
        } else {
            v_put_shape(t, op, vr(t, op->rn, SX0));
        }
        if (z64) {
            v_note_zero(t, op->rd, z32 ? 32 : 64);
        }
    }
}

/* BSL, BIT, BIF: arg is VPTERNLOG's table of Vd, Vn, Vm, or above that, how to do it in three steps. */
enum { SELECT_BSL = 0xca, SELECT_BIT = 0xd8, SELECT_BIF = 0xe4 };

static void t_select(struct tr *t, const struct op *op, unsigned arg)
{
    int d, n;

    if (!v_begin(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    if (t->jit->host.level == VEX_AVX512) {
        d = vr(t, op->rd, SX0);
        v3gi(t, V_TERNLOG, d, n, op->rm, (int)arg);
        v_put_shape(t, op, d);
        return;
    }
    /* z ^ ((z ^ x) & mask) */
    d = vr(t, op->rd, SX2);
    if (arg == SELECT_BSL) {
        v3g(t, V_XOR, SX0, n, op->rm);
        v3(t, V_AND, SX0, SX0, d);
        v3g(t, V_XOR, SX0, SX0, op->rm);
    } else {
        v3(t, V_XOR, SX0, n, d);
        if (arg == SELECT_BIT) {
            v3g(t, V_AND, SX0, SX0, op->rm);
        } else {
            v3(t, V_ANDN, SX0, vr(t, op->rm, SX1), SX0);
        }
        v3(t, V_XOR, SX0, SX0, d);
    }
    v_put_shape(t, op, SX0);
}

/* ---- Comparison ------------------------------------------------------------------------------ */

enum compare { GT = 1, GE, EQ, HI, HS, TST, GT0, GE0, EQ0, LE0, LT0 };

static void compare(struct tr *t, enum compare how, unsigned size, int a, int b)
{
    bool inverted = how == GE || how == HI || how == TST || how == GE0 || how == LE0;

    switch (how) {
    case GT:
    case GT0:
    case LE0: v3(t, V_PCMPGT(size), SX0, a, b); break;
    case GE:
    case GE0:
    case LT0: v3(t, V_PCMPGT(size), SX0, b, a); break;
    case EQ:
    case EQ0: v3(t, V_PCMPEQ(size), SX0, a, b); break;
    case HI:
        v3(t, V_PMAXU(size), SX0, a, b);
        v3(t, V_PCMPEQ(size), SX0, SX0, b);
        break;
    case HS:
        v3(t, V_PMAXU(size), SX0, a, b);
        v3(t, V_PCMPEQ(size), SX0, SX0, a);
        break;
    case TST:
        v3(t, V_AND, SX0, a, b);
        v_zero(t, SX2);
        v3(t, V_PCMPEQ(size), SX0, SX0, SX2);
        break;
    }
    if (inverted) {
        v_not(t, SX0, SX0);
    }
}

/* arg: size, enum compare << 8. */
static void t_compare(struct tr *t, const struct op *op, unsigned arg)
{
    enum compare how = (enum compare)(arg >> 8);
    unsigned size = SIZE(arg);
    int a, b;

    if (!v_begin(t, size == 3 && !t->jit->host.sse42)) {
        return;
    }
    a = vr_low(t, op->rn, SX1);
    if (how >= GT0) {
        b = SX2;
        v_zero(t, SX2);
    } else {
        b = vr_low(t, op->rm, SX2);
    }
    if (size == 3 && (how == HI || how == HS)) { /* as signed numbers, moved by half the range */
        v3c(t, V_XOR, SX1, a, 1ull << 63, 1ull << 63);
        v3c(t, V_XOR, SX2, b, 1ull << 63, 1ull << 63);
        if (how == HI) {
            compare(t, GT, size, SX1, SX2);
        } else {
            compare(t, GE, size, SX1, SX2);
        }
    } else {
        compare(t, how, size, a, b);
    }
    v_put_shape(t, op, SX0);
}

/* ---- Differences, products ------------------------------------------------------------------- */

enum { SIGNED = 4, ADD_TO = 8, SUB_FROM = 16, ROUND = 32, ELEMENT = 64 };

/* Vd = Vd + SX0, Vd - SX0, or SX0. */
static void accumulate(struct tr *t, const struct op *op, unsigned arg, unsigned size)
{
    int r = SX0;

    if ((arg & (ADD_TO | SUB_FROM)) != 0) {
        r = v_last(t, op, V_PADD(size), SX0);
        v3(t, (arg & ADD_TO) != 0 ? V_PADD(size) : V_PSUB(size), r, vr(t, op->rd, SX1), SX0);
    }
    v_put_shape(t, op, r);
}

static void t_abd(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = SIZE(arg);
    int n;

    if (!v_begin(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    v3g(t, (arg & SIGNED) != 0 ? V_PMAXS(size) : V_PMAXU(size), SX0, n, op->rm);
    v3g(t, (arg & SIGNED) != 0 ? V_PMINS(size) : V_PMINU(size), SX1, n, op->rm);
    v3(t, V_PSUB(size), SX0, SX0, SX1);
    accumulate(t, op, arg, size);
}

static void t_mul(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = SIZE(arg);
    int n, m = SX2;

    if (!v_begin(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    if ((arg & ELEMENT) != 0) {
        v_element(t, op, size, SX2);
    } else {
        m = vr(t, op->rm, SX2);
    }
    if (size != 0) {
        v3(t, size == 1 ? V_PMULLW : V_PMULLD, SX0, n, m);
    } else { /* even bytes; odd ones, moved down and up again */
        v3(t, V_PMULLW, SX0, n, m);
        v3c(t, V_AND, SX0, SX0, v_each(1, 0xff), v_each(1, 0xff));
        v_shift(t, V_SHIFT(1), VSH_SRL, SX1, n, 8);
        v_shift(t, V_SHIFT(1), VSH_SRL, SX2, m, 8);
        v3(t, V_PMULLW, SX1, SX1, SX2);
        v_shift(t, V_SHIFT(1), VSH_SLL, SX1, SX1, 8);
        v3(t, V_OR, SX0, SX0, SX1);
    }
    accumulate(t, op, arg, size);
}

/* SDOT, UDOT: even bytes and odd ones by 16-bit products, summed in pairs. */
static void t_dot(struct tr *t, const struct op *op, unsigned arg)
{
    bool is_signed = (arg & SIGNED) != 0;
    int digit = is_signed ? VSH_SRA : VSH_SRL, n, m = SX2;

    if (!v_begin(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    if ((arg & ELEMENT) != 0) {
        v_element(t, op, 2, SX2);
    } else {
        m = vr(t, op->rm, SX2);
    }
    v_shift(t, V_SHIFT(1), VSH_SLL, SX0, n, 8);
    v_shift(t, V_SHIFT(1), VSH_SLL, SX3, m, 8);
    v_shift(t, V_SHIFT(1), digit, SX0, SX0, 8);
    v_shift(t, V_SHIFT(1), digit, SX3, SX3, 8);
    v3(t, V_PMADDWD, SX0, SX0, SX3);
    v_shift(t, V_SHIFT(1), digit, SX1, n, 8);
    v_shift(t, V_SHIFT(1), digit, SX2, m, 8);
    v3(t, V_PMADDWD, SX1, SX1, SX2);
    v3(t, V_PADD(2), SX0, SX0, SX1);
    accumulate(t, op, ADD_TO, 2);
}

/* Halving sums of unsigned bytes and halfwords: PAVG rounds up, and what it adds for that is the lowest bit of a ^ b. */
static void t_uhadd(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = SIZE(arg);
    int n;

    if (!v_begin(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    v3g(t, V_XOR, SX0, n, op->rm);
    v3c(t, V_AND, SX0, SX0, v_each(size, 1), v_each(size, 1));
    v3g(t, V_PAVG(size), SX1, n, op->rm);
    v3(t, V_PSUB(size), SX1, SX1, SX0);
    v_put_shape(t, op, SX1);
}

/* ---- Saturation: bytes and halfwords --------------------------------------------------------- */

/* Where the saturated result is not the wrapped one, it saturated. arg: size, the saturating instruction << 8; SUBTRACT. */
#define SUBTRACT 4u

static void t_saturate(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = SIZE(arg);
    int n;

    if (!v_begin_flags(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    v3g(t, arg >> 8, SX0, n, op->rm);
    v3g(t, (arg & SUBTRACT) != 0 ? V_PSUB(size) : V_PADD(size), SX1, n, op->rm);
    v3(t, V_XOR, SX1, SX1, SX0);
    v_set_qc(t, op, SX1);
    v_put_shape(t, op, SX0);
}

/* SQDMULH, SQRDMULH of halfwords: only the product of two minima saturates, and only it comes out as the minimum. */
static void t_sqdmulh(struct tr *t, const struct op *op, unsigned arg)
{
    int n, m = SX2;

    if (!v_begin_flags(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    if ((arg & ELEMENT) != 0) {
        v_element(t, op, 1, SX2);
    } else {
        m = vr(t, op->rm, SX2);
    }
    if ((arg & ROUND) != 0) {
        v3(t, V_PMULHRSW, SX0, n, m);
    } else {
        v3(t, V_PMULHW, SX0, n, m);
        v3(t, V_PMULLW, SX1, n, m);
        v3(t, V_PADD(1), SX0, SX0, SX0);
        v_shift(t, V_SHIFT(1), VSH_SRL, SX1, SX1, 15);
        v3(t, V_OR, SX0, SX0, SX1);
    }
    v2c(t, V_MOVAPS, SX1, v_each(1, 0x8000), v_each(1, 0x8000));
    v3(t, V_PCMPEQ(1), SX1, SX1, SX0);
    v3(t, V_XOR, SX0, SX0, SX1); /* 8000 becomes 7fff */
    v_set_qc(t, op, SX1);
    v_put_shape(t, op, SX0);
}

/* ---- Shifts ---------------------------------------------------------------------------------- */

static void t_shr(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = SIZE(arg), count = (unsigned)op->imm;
    int n;

    if (!v_begin(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    if ((arg & (ROUND | ADD_TO)) == 0) {
        int r = v_last(t, op, 0, SX0);
        v_shr(t, size, (arg & SIGNED) != 0, r, n, count);
        v_put_shape(t, op, r);
        return;
    }
    v_shr(t, size, (arg & SIGNED) != 0, SX0, n, count);
    if ((arg & ROUND) != 0) { /* plus the last bit that is shifted out */
        int bit = n;
        if (count > 1) {
            v_shift(t, V_SHIFT(size == 0 ? 1 : size), VSH_SRL, SX2, n, count - 1);
            bit = SX2;
        }
        v3c(t, V_AND, SX2, bit, v_each(size, 1), v_each(size, 1));
        v3(t, V_PADD(size), SX0, SX0, SX2);
    }
    accumulate(t, op, arg, size);
}

static void t_insert(struct tr *t, const struct op *op, unsigned arg);
static void t_shl(struct tr *t, const struct op *op, unsigned arg);

/* Templates that cannot fault, and never call the body instead. */
static bool is_plain(enum uop uop)
{
    tmpl_fn *fn = jit_tmpl_simd[uop].fn;

    return fn == t_one || fn == t_shr || fn == t_shl || fn == t_insert;
}

/*
 * Is this SHL the first half of a rotation, of which nobody sees but the whole? Then SRI does it all. It is, if SRI comes before
 * anything else that knows Vd, or changes Vn.
 */
static bool rotates_ahead(const struct tr *t, const struct op *op, unsigned size)
{
    const struct ti *i = t->i + 1;

    for (unsigned n = 0; n < 8 && i < &t->insn[t->count] && i->slot == i[-1].slot + 1; n++, i++) {
        const struct op *o = &i->op;
        if (i->join || i->entry || i->loop || !is_plain(i->uop)) {
            return false;
        }
        if (i->uop == (size == 2 ? UOP_v_sri_s : UOP_v_sri_d) && o->rd == op->rd) {
            return o->rn == op->rn && o->ra == SHAPE_FULL && o->imm + op->imm == 8u << size;
        }
        if (o->rd == op->rd || o->rn == op->rd || o->rm == op->rd || o->rd == op->rn) {
            return false;
        }
    }
    return false;
}

static void t_shl(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = SIZE(arg);
    bool half = size >= 2 && op->rd != op->rn && op->ra == SHAPE_FULL && op->imm != 0 &&
                t->jit->host.level == VEX_AVX512;
    int r;

    if (!v_begin(t, false)) {
        return;
    }
    if (half && t->jit->diverge == NULL && rotates_ahead(t, op, size)) {
        v_changed(t, op->rd);
    } else {
        r = v_last(t, op, 0, SX0);
        v_shl(t, size, r, vr(t, op->rn, SX1), (unsigned)op->imm);
        v_put_shape(t, op, r);
    }
    if (half) {
        t->shl |= 1u << op->rd;
        t->shl_from[op->rd] = op->rn;
        t->shl_count[op->rd] = (uint8_t)op->imm;
        t->shl_size[op->rd] = (uint8_t)size;
    }
}

/* SHL Vd, Vn, #n and SRI Vd, Vn, #(size - n) are a rotation. */
static bool is_rotation(const struct tr *t, const struct op *op, unsigned size)
{
    return size >= 2 && op->ra == SHAPE_FULL && t->jit->host.level == VEX_AVX512 &&
           (t->shl >> op->rd & 1) != 0 && t->shl_from[op->rd] == op->rn &&
           t->shl_size[op->rd] == size && t->shl_count[op->rd] + op->imm == 8u << size;
}

enum { LEFT = 4 };

/* SLI, SRI: the bits that the shift has not filled stay Vd's. */
static void t_insert(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = SIZE(arg), esize = 8u << size, count = (unsigned)op->imm;
    uint64_t ones = ~0ull >> (64 - esize), filled;

    if (!v_begin(t, false)) {
        return;
    }
    if ((arg & LEFT) == 0 && is_rotation(t, op, size)) {
        int r = v_dst(t, op->rd, NOREG, NOREG, NOREG, SX0);
        v_shift(t, V_PROL(size), 1, r, vr(t, op->rn, SX1), esize - count);
        v_put(t, op->rd, r);
        return;
    }
    if ((arg & LEFT) != 0) {
        filled = ones << count & ones;
        v_shl(t, size, SX0, vr(t, op->rn, SX1), count);
    } else {
        filled = count == 64 ? 0 : ones >> count;
        v_shr(t, size, false, SX0, vr(t, op->rn, SX1), count);
    }
    filled = v_each(size, filled);
    if (t->jit->host.level == VEX_AVX512) { /* shifted, or Vd and not filled */
        int d = vr(t, op->rd, SX1);
        v3ci(t, V_TERNLOG, d, SX0, filled, filled, 0xdc);
        v_put_shape(t, op, d);
        return;
    }
    v3c(t, V_AND, SX1, vr(t, op->rd, SX1), ~filled, ~filled);
    v3(t, V_OR, SX0, SX0, SX1);
    v_put_shape(t, op, SX0);
}

/* By the signed lowest byte of each element of Vm. Counts beyond the size are taken right by the host: what would be negative
 * is one of those. */
static void t_shift_v(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = SIZE(arg), esize = 8u << size;
    int n;

    if (!v_begin(t, t->jit->host.level < (size == 2 ? VEX_AVX2 : VEX_AVX512))) {
        return;
    }
    n = vr(t, op->rn, SX1);
    v_shl(t, size, SX2, vr(t, op->rm, SX2), esize - 8);
    v_shr(t, size, true, SX2, SX2, esize - 8);
    v_zero(t, SX3);
    v3(t, V_PSUB(size), SX3, SX3, SX2);
    v3(t, V_PSLLV(size), SX0, n, SX2);
    if ((arg & SIGNED) != 0) {
        v3(t, V_PSRAV(size), SX3, n, SX3);
        v_shr(t, size, true, SX2, SX2, esize - 1);
        v3(t, V_AND, SX3, SX3, SX2);
    } else {
        v3(t, V_PSRLV(size), SX3, n, SX3);
    }
    v3(t, V_OR, SX0, SX0, SX3);
    v_put_shape(t, op, SX0);
}

/* ---- Bits ------------------------------------------------------------------------------------ */

static void t_cnt(struct tr *t, const struct op *op, unsigned arg)
{
    int n;

    if (!v_begin(t, false)) {
        return;
    }
    if (t->jit->host.bitalg) {
        v2g(t, V_POPCNTB, SX0, op->rn);
    } else { /* of each half a byte, from a table */
        n = vr(t, op->rn, SX1);
        v_shift(t, V_SHIFT(1), VSH_SRL, SX2, n, 4);
        v3c(t, V_AND, SX2, SX2, v_each(0, 15), v_each(0, 15));
        v3c(t, V_AND, SX1, n, v_each(0, 15), v_each(0, 15));
        v2c(t, V_MOVAPS, SX0, 0x0302020102010100, 0x0403030203020201);
        v3(t, V_PSHUFB, SX3, SX0, SX2);
        v3(t, V_PSHUFB, SX0, SX0, SX1);
        v3(t, V_PADD(0), SX0, SX0, SX3);
    }
    v_put_shape(t, op, SX0);
}

static void t_rbit(struct tr *t, const struct op *op, unsigned arg)
{
    if (!v_begin(t, !t->jit->host.gfni)) {
        return;
    }
    v3ci(t, V_GF2AFFINE, SX0, vr(t, op->rn, SX1), 0x8040201008040201, 0x8040201008040201, 0);
    v_put_shape(t, op, SX0);
}

/* ---- Table ----------------------------------------------------------------------------------- */

/* clang-format off */
#define T(name, fn_, arg_)   [UOP_##name] = { fn_, arg_ }
#define T_B(name, fn, arg)   T(name##_b, fn, arg)
#define T_BH(name, fn, arg)  T_B(name, fn, arg), T(name##_h, fn, (arg) | 1)
#define T_BHS(name, fn, arg) T_BH(name, fn, arg), T(name##_s, fn, (arg) | 2)
#define T_ALL(name, fn, arg) T_BHS(name, fn, arg), T(name##_d, fn, (arg) | 3)
#define T_HS(name, fn, arg)  T(name##_h, fn, (arg) | 1), T(name##_s, fn, (arg) | 2)
#define T_OP3(name, INS)     T(name##_b, t_one, INS(0)), T(name##_h, t_one, INS(1)), T(name##_s, t_one, INS(2))
#define T_OP4(name, INS)     T_OP3(name, INS), T(name##_d, t_one, INS(3))
#define T_CMP(name, how)     T_ALL(name, t_compare, (how) << 8)
#define T_SAT(name, INS, arg) T(name##_b, t_saturate, INS(0) << 8 | (arg)), T(name##_h, t_saturate, INS(1) << 8 | 1 | (arg))

const struct tmpl jit_tmpl_simd[UOP_COUNT] = {
    T(v_and, t_one, V_AND), T(v_bic, t_one, V_ANDN | SWAP), T(v_orr, t_orr, 0), T(v_orn, t_orn, 0), T(v_eor, t_one, V_XOR),
    T(v_bsl, t_select, SELECT_BSL), T(v_bit, t_select, SELECT_BIT), T(v_bif, t_select, SELECT_BIF), T(v_not, t_not, 0),
    T_OP4(v_add, V_PADD), T_OP4(v_sub, V_PSUB), T_ALL(v_neg, t_neg, 0),
    T(v_abs_b, t_unary, V_PABS(0)), T(v_abs_h, t_unary, V_PABS(1)), T(v_abs_s, t_unary, V_PABS(2)), T(v_abs_d, t_unary, V_PABS(3)),
    T_CMP(v_cmgt, GT), T_CMP(v_cmge, GE), T_CMP(v_cmhi, HI), T_CMP(v_cmhs, HS), T_CMP(v_cmeq, EQ), T_CMP(v_cmtst, TST),
    T_CMP(v_cmgt0, GT0), T_CMP(v_cmge0, GE0), T_CMP(v_cmeq0, EQ0), T_CMP(v_cmle0, LE0), T_CMP(v_cmlt0, LT0),
    T_OP3(v_smax, V_PMAXS), T_OP3(v_smin, V_PMINS), T_OP3(v_umax, V_PMAXU), T_OP3(v_umin, V_PMINU),
    T(v_urhadd_b, t_one, V_PAVG(0)), T(v_urhadd_h, t_one, V_PAVG(1)), T_BH(v_uhadd, t_uhadd, 0),
    T_BHS(v_sabd, t_abd, SIGNED), T_BHS(v_uabd, t_abd, 0), T_BHS(v_saba, t_abd, SIGNED | ADD_TO), T_BHS(v_uaba, t_abd, ADD_TO),
    T_BHS(v_mul, t_mul, 0), T_BHS(v_mla, t_mul, ADD_TO), T_BHS(v_mls, t_mul, SUB_FROM),
    T_HS(v_mul_e, t_mul, ELEMENT), T_HS(v_mla_e, t_mul, ADD_TO | ELEMENT), T_HS(v_mls_e, t_mul, SUB_FROM | ELEMENT),
    T(v_sdot_s, t_dot, SIGNED), T(v_udot_s, t_dot, 0), T(v_sdot_e_s, t_dot, SIGNED | ELEMENT), T(v_udot_e_s, t_dot, ELEMENT),
    T_SAT(v_sqadd, V_PADDS, 0), T_SAT(v_uqadd, V_PADDUS, 0), T_SAT(v_sqsub, V_PSUBS, SUBTRACT), T_SAT(v_uqsub, V_PSUBUS, SUBTRACT),
    T(v_sqdmulh_h, t_sqdmulh, 0), T(v_sqrdmulh_h, t_sqdmulh, ROUND),
    T(v_sqdmulh_e_h, t_sqdmulh, ELEMENT), T(v_sqrdmulh_e_h, t_sqdmulh, ROUND | ELEMENT),
    T_ALL(v_sshr, t_shr, SIGNED), T_ALL(v_ushr, t_shr, 0), T_ALL(v_srshr, t_shr, SIGNED | ROUND), T_ALL(v_urshr, t_shr, ROUND),
    T_ALL(v_ssra, t_shr, SIGNED | ADD_TO), T_ALL(v_usra, t_shr, ADD_TO),
    T_ALL(v_srsra, t_shr, SIGNED | ROUND | ADD_TO), T_ALL(v_ursra, t_shr, ROUND | ADD_TO),
    T_ALL(v_shl, t_shl, 0), T_ALL(v_sli, t_insert, LEFT), T_ALL(v_sri, t_insert, 0),
    T(v_sshl_h, t_shift_v, SIGNED | 1), T(v_sshl_s, t_shift_v, SIGNED | 2), T(v_sshl_d, t_shift_v, SIGNED | 3),
    T(v_ushl_h, t_shift_v, 1), T(v_ushl_s, t_shift_v, 2), T(v_ushl_d, t_shift_v, 3),
    T(v_cnt, t_cnt, 0), T(v_rbit, t_rbit, 0), T(v_clz_s, t_unary, V_PLZCNT(2)),
};
/* clang-format on */

#endif
