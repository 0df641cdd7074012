/*
 * t_bits.c - templates of the integer micro-operations (bodies: op_int.c) that shift, move bits about and count them, and of those
 * that depend on a condition.
 */
#include "accel/soft/jit/int.h"

/* ---- Shifts and bit fields ------------------------------------------------------------------- */

/* What leaves EFLAGS alone, or is one instruction. False: nothing is. */
static bool shift_by_other(struct tr *t, const struct op *op, int w, enum shift n, int d)
{
    bool bmi2 = t->jit->host.bmi2;

    if (n == SH_SHL && op->imm <= 3) {
        as_lea_scaled(&t->a, w, d, tr_src(t, w, op->rn, RDX), (unsigned)op->imm);
    } else if (n == SH_ROR && bmi2) {
        as_rorx(&t->a, w, d, tr_src(t, w, op->rn, RDX), (unsigned)op->imm);
    } else if (bmi2 && tr_flags_wanted(t)) {
        int s = tr_src(t, w, op->rn, RDX);
        as_imm(&t->a, RCX, op->imm);
        as_shiftx(&t->a, w, n, d, s, RCX);
    } else {
        return false;
    }
    tr_put(t, op->rd, d);
    return true;
}

static void t_shift_i(struct tr *t, const struct op *op, unsigned arg)
{
    int w = WIDTH(arg), d = tr_dst(t, op->rd, RDX);
    enum shift n = (enum shift)(arg >> 8);

    if (in_place(t, op, w) && flags_free(t)) {
        tr_clobber(t);
        as_rm(&t->a, 0, 64, 0xc1, (int)n, RBP, XOFF(op->rd), false);
        as_1(&t->a, (unsigned)op->imm);
        return;
    }
    if (shift_by_other(t, op, w, n, d)) {
        return;
    }
    tr_clobber(t);
    get_op(t, w, d, op->rn);
    as_shift(&t->a, w, n, d, (unsigned)op->imm);
    tr_put(t, op->rd, d);
}

static void t_shift_v(struct tr *t, const struct op *op, unsigned arg)
{
    int w = WIDTH(arg), d;
    enum shift n = (enum shift)(arg >> 8);

    if (n != SH_ROR && t->jit->host.bmi2) {
        int count = tr_src(t, w, op->rm, RCX), s = tr_src(t, w, op->rn, RDX);
        d = tr_dst(t, op->rd, RDX);
        as_shiftx(&t->a, w, n, d, s, count);
        tr_put(t, op->rd, d);
        return;
    }
    tr_clobber(t);
    tr_get(t, 32, RCX, op->rm);
    tr_get(t, w, RDX, op->rn);
    as_shift_cl(&t->a, w, n, RDX);
    tr_put(t, op->rd, RDX);
}

static void t_extr(struct tr *t, const struct op *op, unsigned arg)
{
    int w = WIDTH(arg), d = dst_beside(t, op->rd, op->rn, op->rn, RDX), hi;

    tr_clobber(t);
    hi = tr_src(t, w, op->rn, RCX);
    get_op(t, w, d, op->rm);
    as_rr(&t->a, 0, w, 0x0fac, hi, d, false); /* SHRD */
    as_1(&t->a, (unsigned)op->imm);
    tr_put(t, op->rd, d);
}

/* arg >> 8: opcode of MOVZX, MOVSX or MOVSXD. */
static void t_extend(struct tr *t, const struct op *op, unsigned arg)
{
    int d = tr_dst(t, op->rd, RDX);

    op_g(t, 0, WIDTH(arg), arg >> 8, d, op->rn, true);
    tr_put(t, op->rd, d);
}

static void mask(struct tr *t, int r, uint64_t imm)
{
    if (zero_extends(imm) != 0) {
        as_rr(&t->a, 0, 32, zero_extends(imm), r, r, imm == 0xff);
    } else if (imm <= 0x7fffffff) {
        as_alu_i(&t->a, 32, ALU_AND, r, (int32_t)imm);
    } else if (imm != ~0ull) {
        as_imm(&t->a, RCX, imm);
        as_alu(&t->a, 64, ALU_AND, r, RCX);
    }
}

/* How many bits a mask has that begins at bit 0. */
static unsigned low_bits(uint64_t mask)
{
    return 64 - (unsigned)__builtin_clzll(mask);
}

/* The field of imm's bits from bit op->ra on. */
static void t_ubfx(struct tr *t, const struct op *op, unsigned arg)
{
    int d = tr_dst(t, op->rd, RDX);
    uint32_t moves = zero_extends(op->imm);
    unsigned end = op->ra + low_bits(op->imm);
    int w = end <= 32 ? 32 : 64;

    if (moves != 0 && op->ra == 0) {
        op_g(t, 0, 32, moves, d, op->rn, op->imm == 0xff);
    } else if (moves != 0 && tr_home(t, op->rn) == NOREG && op->rn != X_ZERO && op->ra % 8 == 0) {
        as_rm(&t->a, 0, 32, moves, d, RBP, XOFF(op->rn) + op->ra / 8, false);
    } else {
        tr_clobber(t);
        get_op(t, w, d, op->rn);
        if (op->ra != 0) {
            as_shift(&t->a, w, SH_SHR, d, op->ra);
        }
        if (op->ra == 0 || end != (unsigned)w) {
            mask(t, d, op->imm);
        }
    }
    tr_put(t, op->rd, d);
}

static void t_ubfiz(struct tr *t, const struct op *op, unsigned arg)
{
    int d = tr_dst(t, op->rd, RDX);
    uint32_t moves = zero_extends(op->imm);
    unsigned end = op->ra + low_bits(op->imm);
    int w = end == 32 ? 32 : 64; /* then the shift cuts it off */

    if (moves != 0 && op->ra <= 3) {
        op_g(t, 0, 32, moves, d, op->rn, op->imm == 0xff);
        as_lea_scaled(&t->a, 64, d, d, op->ra);
        tr_put(t, op->rd, d);
        return;
    }
    tr_clobber(t);
    if (moves != 0) {
        op_g(t, 0, 32, moves, d, op->rn, op->imm == 0xff);
    } else {
        get_op(t, w, d, op->rn);
        if (end != (unsigned)w) {
            mask(t, d, op->imm);
        }
    }
    if (op->ra != 0) {
        as_shift(&t->a, w, SH_SHL, d, op->ra);
    }
    tr_put(t, op->rd, d);
}

static void t_sbfm(struct tr *t, const struct op *op, unsigned arg)
{
    int d = tr_dst(t, op->rd, RDX);

    tr_clobber(t);
    tr_get(t, 64, d, op->rn);
    as_shift(&t->a, 64, SH_SHL, d, op->ra);
    as_shift(&t->a, 64, SH_SAR, d, (unsigned)op->imm);
    as_mov(&t->a, WIDTH(arg), d, d);
    tr_put(t, op->rd, d);
}

/* BFI and BFXIL: arg >> 8 is the shift. */
static void t_bf(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int d = tr_dst(t, op->rd, RAX);

    tr_clobber(t);
    tr_get(t, 64, RDX, op->rn);
    if (op->ra != 0) {
        as_shift(a, 64, (enum shift)(arg >> 8), RDX, op->ra);
    }
    tr_get(t, 64, d, op->rd);
    if (fits32(op->imm) && fits32(~op->imm)) {
        as_alu_i(a, 64, ALU_AND, RDX, (int32_t)op->imm);
        as_alu_i(a, 64, ALU_AND, d, (int32_t)~op->imm);
    } else {
        as_imm(a, RCX, op->imm);
        as_alu(a, 64, ALU_AND, RDX, RCX);
        as_not(a, 64, RCX);
        as_alu(a, 64, ALU_AND, d, RCX);
    }
    as_alu(a, WIDTH(arg), ALU_OR, d, RDX);
    tr_put(t, op->rd, d);
}

/* ---- Bits ------------------------------------------------------------------------------------ */

/* LZCNT; op_int.c's hosts without it are looked at in jit.c. */
static void t_clz(struct tr *t, const struct op *op, unsigned arg)
{
    int d = tr_dst(t, op->rd, RDX);

    tr_clobber(t);
    op_g(t, 0xf3, WIDTH(arg), 0x0fbd, d, op->rn, false);
    tr_put(t, op->rd, d);
}

static void swap_bytes(struct as *a, int w, int r)
{
    as_rex(a, w, 0, 0, r, false);
    as_1(a, 0x0f);
    as_1(a, 0xc8u + (unsigned)(r & 7));
}

static void t_rev(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int d = tr_dst(t, op->rd, RDX);

    if ((arg & 2) != 0) { /* REV32 of 64 bits: the words change places again */
        tr_clobber(t);
    }
    get_op(t, WIDTH(arg), d, op->rn);
    swap_bytes(a, WIDTH(arg), d);
    if ((arg & 2) != 0) {
        as_shift(a, 64, SH_ROL, d, 32);
    }
    tr_put(t, op->rd, d);
}

/* The bytes by BSWAP, the bits of each by exchanging halves. */
static void t_rbit(struct tr *t, const struct op *op, unsigned arg)
{
    static const uint64_t masks[] = { 0x0f0f0f0f0f0f0f0f, 0x3333333333333333, 0x5555555555555555 };
    struct as *a = &t->a;
    int w = WIDTH(arg);

    if (t->jit->host.gfni) {
        v2(t, V_MOVQ_G, SX0, tr_src(t, 64, op->rn, RDX));
        v3ci(t, V_GF2AFFINE, SX0, SX0, 0x8040201008040201, 0x8040201008040201, 0);
        int d = tr_dst(t, op->rd, RDX);
        v2(t, V_MOVQ_TO_G, SX0, d);
        swap_bytes(a, w, d);
        tr_put(t, op->rd, d);
        return;
    }
    tr_clobber(t);
    tr_get(t, w, RDX, op->rn);
    swap_bytes(a, w, RDX);
    for (unsigned n = 0; n < ARRAY_SIZE(masks); n++) {
        as_imm(a, RCX, w == 64 ? masks[n] : (uint32_t)masks[n]);
        as_mov(a, w, RAX, RDX);
        as_shift(a, w, SH_SHR, RAX, 4 >> n);
        as_alu(a, w, ALU_AND, RAX, RCX);
        as_alu(a, w, ALU_AND, RDX, RCX);
        as_shift(a, w, SH_SHL, RDX, 4 >> n);
        as_alu(a, w, ALU_OR, RDX, RAX);
    }
    tr_put(t, op->rd, RDX);
}

/* CRC32C by the host: arg >> 8 is the width in bits. */
static void t_crc32c(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    unsigned bits_ = arg >> 8;
    int d = dst_beside(t, op->rd, op->rm, op->rm, RDX);

    get_op(t, 32, d, op->rn);
    if (bits_ == 16) {
        as_1(a, 0x66);
    }
    op_g(t, 0xf2, bits_ == 64 ? 64 : 32, bits_ == 8 ? 0x0f38f0 : 0x0f38f1, d, op->rm, bits_ == 8);
    tr_put(t, op->rd, d);
}

/* ---- Conditions ------------------------------------------------------------------------------ */

enum { S_PLAIN, S_INC, S_INV, S_NEG };

/* CSET and CSETM of the opposite of cc. EFLAGS stay. */
static void set_unless(struct tr *t, const struct op *op, int w, unsigned kind, enum cc cc)
{
    struct as *a = &t->a;
    int d = tr_dst(t, op->rd, RDX);

    if (kind == S_INC) {
        as_setcc(a, (enum cc)(cc ^ 1), d);
        as_movzx8(a, d, d);
    } else {
        as_imm(a, d, w == 64 ? ~0ull : 0xffffffff);
        as_rm(a, 0, w, 0x0f40u + (uint32_t)cc, d, RBP, XOFF(X_ZERO), false); /* CMOV */
    }
    tr_put(t, op->rd, d);
}

static void cmov_g(struct tr *t, int w, enum cc cc, int d, unsigned g)
{
    op_g(t, 0, w, 0x0f40u + (uint32_t)cc, d, g, false);
}

/* arg: W64, kind << 8, condition << 16. EFLAGS stay. */
static void t_csel(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg), d = tr_dst(t, op->rd, RDX), other;
    unsigned kind = arg >> 8 & 0xff;
    enum cc cc = tr_cond(t, arg >> 16), not_cc = (enum cc)(cc ^ 1);

    if (op->rn == X_ZERO && op->rm == X_ZERO && (kind == S_INC || kind == S_INV)) {
        set_unless(t, op, w, kind, cc);
        return;
    }
    if (kind == S_PLAIN && d != RDX && (op->rd == op->rn || op->rd == op->rm)) {
        if (op->rd == op->rn) {
            cmov_g(t, w, not_cc, d, op->rm);
        } else {
            cmov_g(t, w, cc, d, op->rn);
        }
        return;
    }
    other = op->rd == op->rn ? RCX : d;
    if (op->rm == X_ZERO) {
        static const uint64_t of_zero[] = { [S_INC] = 1, [S_INV] = ~0ull };
        uint64_t v = kind <= S_INV ? of_zero[kind] : 0;
        as_imm(a, other, w == 64 ? v : (uint32_t)v);
    } else if (kind == S_INC) {
        as_lea(a, w, other, tr_src(t, w, op->rm, other), 1);
    } else {
        tr_get(t, w, other, op->rm);
        if (kind != S_PLAIN) {
            as_not(a, w, other);
        }
        if (kind == S_NEG) {
            as_lea(a, w, other, other, 1);
        }
    }
    if (other == d) {
        cmov_g(t, w, cc, d, op->rn);
    } else {
        get_op(t, w, d, op->rn);
        as_cmov(a, w, not_cc, d, other);
    }
    tr_put(t, op->rd, d);
}

/* arg: W64, SETS if CCMN, form << 8, condition << 16. */
static void t_ccmp(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg);
    enum cc cc = tr_cond(t, arg >> 16);
    uint8_t *otherwise = as_jcc(a, (enum cc)(cc ^ 1)), *done;
    unsigned nzcv = op->ra;

    if ((arg & SETS) == 0 && (arg >> 8 & 0xff) != 0) {
        op_g(t, 0, w, 0x83, ALU_CMP, op->rn, false);
        as_1(a, (unsigned)op->imm);
    } else if ((arg & SETS) == 0) {
        tr_alu(t, w, ALU_CMP, tr_src(t, w, op->rn, RDX), op->rm);
    } else if ((arg >> 8 & 0xff) != 0) {
        tr_get(t, w, RDX, op->rn);
        as_alu_i(a, w, ALU_ADD, RDX, (int32_t)op->imm);
    } else {
        tr_get(t, w, RDX, op->rn);
        tr_alu(t, w, ALU_ADD, RDX, op->rm);
    }
    if ((arg & SETS) != 0) {
        as_1(a, 0xf5); /* CMC: the other way leaves a borrow, too */
    }
    done = as_jmp(a);
    as_patch(a, otherwise, a->p);
    as_imm(a, RAX,
           (nzcv & 8) << 12 | (nzcv & 4) << 12 | ((nzcv & 2) == 0 ? 1u << 8 : 0) | (nzcv & 1));
    tr_eflags_of(a);
    as_patch(a, done, a->p);
    tr_flags(t, FK_SUB);
}

/* ---- The table ------------------------------------------------------------------------------- */

#define T_CONDS(name, fn, bits)                                                     \
    T(name##_eq, fn, (bits) | 0u << 16), T(name##_ne, fn, (bits) | 1u << 16),       \
        T(name##_hs, fn, (bits) | 2u << 16), T(name##_lo, fn, (bits) | 3u << 16),   \
        T(name##_mi, fn, (bits) | 4u << 16), T(name##_pl, fn, (bits) | 5u << 16),   \
        T(name##_vs, fn, (bits) | 6u << 16), T(name##_vc, fn, (bits) | 7u << 16),   \
        T(name##_hi, fn, (bits) | 8u << 16), T(name##_ls, fn, (bits) | 9u << 16),   \
        T(name##_ge, fn, (bits) | 10u << 16), T(name##_lt, fn, (bits) | 11u << 16), \
        T(name##_gt, fn, (bits) | 12u << 16), T(name##_le, fn, (bits) | 13u << 16)

const struct tmpl jit_tmpl_bits[UOP_COUNT] = {
    T(lsl32_ri, t_shift_i, SH_SHL << 8),
    T(lsl64_ri, t_shift_i, SH_SHL << 8 | W64),
    T(lsr32_ri, t_shift_i, SH_SHR << 8),
    T(lsr64_ri, t_shift_i, SH_SHR << 8 | W64),
    T(asr32_ri, t_shift_i, SH_SAR << 8),
    T(asr64_ri, t_shift_i, SH_SAR << 8 | W64),
    T(ror32_ri, t_shift_i, SH_ROR << 8),
    T(ror64_ri, t_shift_i, SH_ROR << 8 | W64),
    T_2(extr, t_extr, 0),
    T(sxtb32, t_extend, 0x0fbe << 8),
    T(sxth32, t_extend, 0x0fbf << 8),
    T(sxtb64, t_extend, 0x0fbe << 8 | W64),
    T(sxth64, t_extend, 0x0fbf << 8 | W64),
    T(sxtw64, t_extend, 0x63 << 8 | W64),
    T(ubfx, t_ubfx, 0),
    T(ubfiz, t_ubfiz, 0),
    T_2(sbfm, t_sbfm, 0),
    T_2(bfi, t_bf, SH_SHL << 8),
    T_2(bfxil, t_bf, SH_SHR << 8),
    T_2(lslv, t_shift_v, SH_SHL << 8),
    T_2(lsrv, t_shift_v, SH_SHR << 8),
    T_2(asrv, t_shift_v, SH_SAR << 8),
    T_2(rorv, t_shift_v, SH_ROR << 8),
    T(rev32_32, t_rev, 0),
    T(rev32_64, t_rev, W64 | 2),
    T(rev64_64, t_rev, W64),
    T_2(rbit, t_rbit, 0),
    T(clz32, t_clz, 0),
    T(clz64, t_clz, W64),
    T(crc32cb, t_crc32c, 8 << 8),
    T(crc32ch, t_crc32c, 16 << 8),
    T(crc32cw, t_crc32c, 32 << 8),
    T(crc32cx, t_crc32c, 64 << 8),
    T_CONDS(csel32, t_csel, S_PLAIN << 8),
    T_CONDS(csel64, t_csel, S_PLAIN << 8 | W64),
    T_CONDS(csinc32, t_csel, S_INC << 8),
    T_CONDS(csinc64, t_csel, S_INC << 8 | W64),
    T_CONDS(csinv32, t_csel, S_INV << 8),
    T_CONDS(csinv64, t_csel, S_INV << 8 | W64),
    T_CONDS(csneg32, t_csel, S_NEG << 8),
    T_CONDS(csneg64, t_csel, S_NEG << 8 | W64),
    T_CONDS(ccmn32_rr, t_ccmp, SETS),
    T_CONDS(ccmn64_rr, t_ccmp, SETS | W64),
    T_CONDS(ccmp32_rr, t_ccmp, 0),
    T_CONDS(ccmp64_rr, t_ccmp, W64),
    T_CONDS(ccmn32_ri, t_ccmp, SETS | 1 << 8),
    T_CONDS(ccmn64_ri, t_ccmp, SETS | W64 | 1 << 8),
    T_CONDS(ccmp32_ri, t_ccmp, 1 << 8),
    T_CONDS(ccmp64_ri, t_ccmp, W64 | 1 << 8),
};
