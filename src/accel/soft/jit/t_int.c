/*
 * t_int.c - templates of the integer micro-operations (bodies: op_int.c).
 *
 * What has no entry in the table at the end is compiled as a call of its body. LEA and MOV leave EFLAGS alone, so
 * additions that set no flags do not disturb a comparison before them.
 */
#include "accel/soft/jit/vec.h"

enum { W64 = 1 };
#define WIDTH(arg) (((arg)&W64) != 0 ? 64 : 32)

/* Second operands, in the order of the uops of a family. */
enum form { F_RR, F_LSL, F_LSR, F_ASR, F_X4, F_X5, F_X6, F_X7, F_X8, F_X9 };

static bool fits32(uint64_t v)
{
    return (int64_t)v == (int32_t)v;
}

/* ---- Constants and moves --------------------------------------------------------------------- */

static void t_nop(struct tr *t, const struct op *op, unsigned arg) {}

static void t_mov_const(struct tr *t, const struct op *op, unsigned arg)
{
    int d = tr_dst(op->rd, RAX);

    as_imm(&t->a, d, op->imm);
    tr_put(t, op->rd, d);
    tr_is_constant(t, op->rd, op->imm);
}

static void t_mov_pc(struct tr *t, const struct op *op, unsigned arg)
{
    int d = tr_dst(op->rd, RAX);

    as_load(&t->a, 64, d, RBP, OFF(page_va));
    if (fits32(op->imm)) {
        as_lea(&t->a, 64, d, d, (int32_t)op->imm);
    } else {
        as_imm(&t->a, RCX, op->imm);
        as_lea_x(&t->a, 64, d, d, RCX, 0, 0);
    }
    tr_put(t, op->rd, d);
}

static void t_mov(struct tr *t, const struct op *op, unsigned arg)
{
    int d = tr_dst(op->rd, RAX);

    if (WIDTH(arg) == 64 && jit_pin[op->rn] != NOREG) {
        tr_put(t, op->rd, jit_pin[op->rn]);
        return;
    }
    tr_get(t, WIDTH(arg), d, op->rn);
    tr_put(t, op->rd, d);
}

/* arg: width, shift << 8. */
static void t_movk(struct tr *t, const struct op *op, unsigned arg)
{
    uint64_t mask = 0xffffull << (arg >> 8);
    int d = tr_dst(op->rd, RDX);

    if (tr_constant(t, op->rd)) {
        uint64_t v = (t->known & ~mask) | op->imm;
        as_imm(&t->a, d, v);
        tr_put(t, op->rd, d);
        tr_is_constant(t, op->rd, v);
        return;
    }
    tr_clobber(t);
    tr_get(t, WIDTH(arg), d, op->rd);
    if (WIDTH(arg) == 32 || fits32(~mask)) {
        as_alu_i(&t->a, WIDTH(arg), ALU_AND, d, (int32_t)~mask);
    } else {
        as_imm(&t->a, RCX, ~mask);
        as_alu(&t->a, 64, ALU_AND, d, RCX);
    }
    if (WIDTH(arg) == 32 || fits32(op->imm)) {
        as_alu_i(&t->a, WIDTH(arg), ALU_OR, d, (int32_t)op->imm);
    } else {
        as_imm(&t->a, RCX, op->imm);
        as_alu(&t->a, 64, ALU_OR, d, RCX);
    }
    tr_put(t, op->rd, d);
}

/* ---- Arithmetic and logic -------------------------------------------------------------------- */

enum { SETS = 2, INVERT = 4, ARITH = 8 };
#define ARG(alu, form, bits) ((unsigned)(bits) | (unsigned)(alu) << 8 | (unsigned)(form) << 16)

/* The second operand in RCX, transformed; clobbers EFLAGS for all but F_RR. */
static void operand2(struct tr *t, const struct op *op, int w, unsigned form, bool arith)
{
    struct as *a = &t->a;
    static const uint32_t extend[] = { 0x0fb6, 0x0fb7, 0x0fbe, 0x0fbf };
    unsigned n = (unsigned)op->imm;

    if (form <= F_ASR || !arith) {
        static const enum shift shifts[] = { SH_SHL, SH_SHL, SH_SHR, SH_SAR, SH_ROR };
        tr_get(t, w, RCX, op->rm);
        if (form != F_RR && n != 0) {
            as_shift(a, w, shifts[form], RCX, n);
        }
        return;
    }
    int s = tr_src(t, 64, op->rm, RCX);
    if (form <= F_X7) {
        as_rr(a, 0, w, extend[form - F_X4], RCX, s, true);
    } else if (form == F_X8) {
        as_rr(a, 0, 32, 0x8b, RCX, s, false);
    } else {
        as_rr(a, 0, 64, 0x63, RCX, s, false);
    }
    if (n != 0) {
        as_shift(a, w, SH_SHL, RCX, n);
    }
}

/* rd = rn op operand, no flags wanted; additions by LEA. */
static void t_alu(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg);
    enum alu n = (enum alu)(arg >> 8 & 0xff);
    unsigned form = arg >> 16;
    int d = tr_dst(op->rd, RDX);

    if (n == ALU_ADD && (form == F_RR || (form == F_LSL && op->imm <= 3))) {
        int rm = tr_src(t, w, op->rm, RCX), rn = tr_src(t, w, op->rn, RAX);
        as_lea_x(a, w, d, rn, rm, form == F_RR ? 0 : (unsigned)op->imm, 0);
        tr_put(t, op->rd, d);
        return;
    }
    tr_clobber(t);
    if (form == F_RR && (arg & INVERT) == 0 && n != ALU_SUB && op->rd == op->rm && d != RDX) {
        tr_alu(t, w, n, d, op->rn);
        return;
    }
    if (form == F_RR && (arg & INVERT) == 0 && (op->rd != op->rm || op->rd == op->rn)) {
        tr_get(t, w, d, op->rn);
        tr_alu(t, w, n, d, op->rm);
        tr_put(t, op->rd, d);
        return;
    }
    operand2(t, op, w, form, (arg & ARITH) != 0);
    if ((arg & INVERT) != 0) {
        as_not(a, w, RCX);
    }
    tr_get(t, w, d, op->rn);
    as_alu(a, w, n, d, RCX);
    tr_put(t, op->rd, d);
}

static enum flag_kind flags_of(enum alu n)
{
    return n == ALU_ADD ? FK_ADD : n == ALU_AND ? FK_LOGIC : FK_SUB;
}

/* CMP and TST: the second operand is in RCX, or (plain) guest register rm. */
static void compare(struct tr *t, const struct op *op, int w, enum alu n, bool plain)
{
    int rn = tr_src(t, w, op->rn, RDX);

    if (n == ALU_AND) {
        as_test(&t->a, w, rn, plain ? tr_src(t, w, op->rm, RCX) : RCX);
    } else if (plain) {
        tr_alu(t, w, ALU_CMP, rn, op->rm);
    } else {
        as_alu(&t->a, w, ALU_CMP, rn, RCX);
    }
}

/* The same with NZCV. */
static void t_alus(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg), d;
    enum alu n = (enum alu)(arg >> 8 & 0xff);
    unsigned form = arg >> 16;
    bool plain = form == F_RR && (arg & INVERT) == 0;

    if (!plain) {
        operand2(t, op, w, form, (arg & ARITH) != 0);
    }
    if ((arg & INVERT) != 0) {
        as_not(a, w, RCX);
    }
    if (op->rd == X_SINK && n != ALU_ADD) {
        compare(t, op, w, n, plain);
        tr_flags(t, flags_of(n));
        return;
    }
    d = op->rd != op->rm || !plain ? tr_dst(op->rd, RDX) : RDX;
    tr_get(t, w, d, op->rn);
    if (plain) {
        tr_alu(t, w, n, d, op->rm);
    } else {
        as_alu(a, w, n, d, RCX);
    }
    tr_put(t, op->rd, d);
    tr_flags(t, flags_of(n));
}

static void t_add_i(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg), d = tr_dst(op->rd, RAX), s = tr_src(t, w, op->rn, RAX);

    if (fits32(op->imm) || w == 32) {
        as_lea(a, w, d, s, (int32_t)op->imm);
    } else {
        as_imm(a, RCX, op->imm);
        as_lea_x(a, w, d, s, RCX, 0, 0);
    }
    tr_put(t, op->rd, d);
}

static void t_alu_i(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg), d = tr_dst(op->rd, RDX);
    enum alu n = (enum alu)(arg >> 8 & 0xff);

    tr_clobber(t);
    tr_get(t, w, d, op->rn);
    if (n == ALU_AND && op->imm == 0xff) {
        as_movzx8(a, d, d);
    } else if (n == ALU_AND && op->imm <= 0x7fffffff) {
        as_alu_i(a, 32, n, d, (int32_t)op->imm);
    } else if (w == 32 || fits32(op->imm)) {
        as_alu_i(a, w, n, d, (int32_t)op->imm);
    } else {
        as_imm(a, RCX, op->imm);
        as_alu(a, 64, n, d, RCX);
    }
    tr_put(t, op->rd, d);
}

static void t_alus_i(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg);
    enum alu n = (enum alu)(arg >> 8 & 0xff);
    bool imm32 = w == 32 || fits32(op->imm);
    int r = RDX;

    if (!imm32) {
        as_imm(a, RCX, op->imm);
    }
    if (op->rd == X_SINK && n == ALU_SUB) {
        if (imm32 && jit_pin[op->rn] == NOREG) {
            as_alu_mi(a, w, ALU_CMP, RBP, XOFF(op->rn), (int32_t)op->imm);
            tr_flags(t, FK_SUB);
            return;
        }
        n = ALU_CMP;
        r = tr_src(t, w, op->rn, RDX);
    } else {
        r = tr_dst(op->rd, RDX);
        tr_get(t, w, r, op->rn);
    }
    if (imm32) {
        as_alu_i(a, w, n, r, (int32_t)op->imm);
    } else {
        as_alu(a, w, n, r, RCX);
    }
    if (op->rd != X_SINK) {
        tr_put(t, op->rd, r);
    }
    tr_flags(t, flags_of(n));
}

/* ADC, SBC: the host's CF as the operation wants it. */
static void t_carry(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg);
    enum alu n = (enum alu)(arg >> 8 & 0xff);

    tr_flags_integer(t);
    if ((arg & SETS) == 0 && t->i->live_out && !t->fsaved) {
        tr_flags_save(t);
    }
    if (t->fk == FK_LOGIC && n == ALU_SBB) {
        as_1(a, 0xf9);
    } else if ((t->fk == FK_SUB && n == ALU_ADC) || (t->fk == FK_ADD && n == ALU_SBB)) {
        as_1(a, 0xf5);
    }
    tr_get(t, w, RDX, op->rn);
    tr_alu(t, w, n, RDX, op->rm);
    tr_put(t, op->rd, RDX);
    if ((arg & SETS) != 0) {
        tr_flags(t, n == ALU_ADC ? FK_ADD : FK_SUB);
    } else {
        t->fk = FK_NONE;
    }
}

/* ---- Shifts and bit fields ------------------------------------------------------------------- */

/* Somebody reads NZCV later, and they are in EFLAGS only: they stay there. */
static void shift_beside_flags(struct tr *t, const struct op *op, int w, enum shift n, int d)
{
    int s = tr_src(t, w, op->rn, RDX);

    if (n == SH_ROR) {
        as_rorx(&t->a, w, d, s, (unsigned)op->imm);
    } else {
        as_imm(&t->a, RCX, op->imm);
        as_shiftx(&t->a, w, n, d, s, RCX);
    }
    tr_put(t, op->rd, d);
}

static void t_shift_i(struct tr *t, const struct op *op, unsigned arg)
{
    int w = WIDTH(arg), d = tr_dst(op->rd, RDX);
    enum shift n = (enum shift)(arg >> 8);

    if (t->jit->host.bmi2 && tr_flags_wanted(t)) {
        shift_beside_flags(t, op, w, n, d);
        return;
    }
    tr_clobber(t);
    tr_get(t, w, d, op->rn);
    as_shift(&t->a, w, n, d, (unsigned)op->imm);
    tr_put(t, op->rd, d);
}

static void t_shift_v(struct tr *t, const struct op *op, unsigned arg)
{
    int w = WIDTH(arg);

    tr_clobber(t);
    tr_get(t, 32, RCX, op->rm);
    tr_get(t, w, RDX, op->rn);
    as_shift_cl(&t->a, w, (enum shift)(arg >> 8), RDX);
    tr_put(t, op->rd, RDX);
}

static void t_extr(struct tr *t, const struct op *op, unsigned arg)
{
    int w = WIDTH(arg);
    int hi;

    tr_clobber(t);
    hi = tr_src(t, w, op->rn, RCX);
    tr_get(t, w, RDX, op->rm);
    as_rr(&t->a, 0, w, 0x0fac, hi, RDX, false); /* SHRD */
    as_1(&t->a, (unsigned)op->imm);
    tr_put(t, op->rd, RDX);
}

/* arg >> 8: opcode of MOVZX, MOVSX or MOVSXD. */
static void t_extend(struct tr *t, const struct op *op, unsigned arg)
{
    int d = tr_dst(op->rd, RDX), s = tr_src(t, 64, op->rn, RCX);

    as_rr(&t->a, 0, WIDTH(arg), arg >> 8, d, s, true);
    tr_put(t, op->rd, d);
}

static void mask(struct tr *t, int r, uint64_t imm)
{
    if (imm == 0xff) {
        as_movzx8(&t->a, r, r);
    } else if (imm == 0xffff) {
        as_rr(&t->a, 0, 32, 0x0fb7, r, r, false);
    } else if (imm == 0xffffffff) {
        as_rr(&t->a, 0, 32, 0x8b, r, r, false);
    } else if (imm <= 0x7fffffff) {
        as_alu_i(&t->a, 32, ALU_AND, r, (int32_t)imm);
    } else if (imm != ~0ull) {
        as_imm(&t->a, RCX, imm);
        as_alu(&t->a, 64, ALU_AND, r, RCX);
    }
}

static void t_ubfx(struct tr *t, const struct op *op, unsigned arg)
{
    int d = tr_dst(op->rd, RDX);

    tr_clobber(t);
    tr_get(t, 64, d, op->rn);
    if (op->ra != 0) {
        as_shift(&t->a, 64, SH_SHR, d, op->ra);
    }
    mask(t, d, op->imm);
    tr_put(t, op->rd, d);
}

static void t_ubfiz(struct tr *t, const struct op *op, unsigned arg)
{
    int d = tr_dst(op->rd, RDX);

    tr_clobber(t);
    tr_get(t, 64, d, op->rn);
    mask(t, d, op->imm);
    if (op->ra != 0) {
        as_shift(&t->a, 64, SH_SHL, d, op->ra);
    }
    tr_put(t, op->rd, d);
}

static void t_sbfm(struct tr *t, const struct op *op, unsigned arg)
{
    tr_clobber(t);
    tr_get(t, 64, RDX, op->rn);
    as_shift(&t->a, 64, SH_SHL, RDX, op->ra);
    as_shift(&t->a, 64, SH_SAR, RDX, (unsigned)op->imm);
    as_mov(&t->a, WIDTH(arg), RDX, RDX);
    tr_put(t, op->rd, RDX);
}

/* BFI and BFXIL: arg >> 8 is the shift. */
static void t_bf(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;

    tr_clobber(t);
    tr_get(t, 64, RDX, op->rn);
    if (op->ra != 0) {
        as_shift(a, 64, (enum shift)(arg >> 8), RDX, op->ra);
    }
    tr_get(t, 64, RAX, op->rd);
    if (fits32(op->imm) && fits32(~op->imm)) {
        as_alu_i(a, 64, ALU_AND, RDX, (int32_t)op->imm);
        as_alu_i(a, 64, ALU_AND, RAX, (int32_t)~op->imm);
    } else {
        as_imm(a, RCX, op->imm);
        as_alu(a, 64, ALU_AND, RDX, RCX);
        as_not(a, 64, RCX);
        as_alu(a, 64, ALU_AND, RAX, RCX);
    }
    as_alu(a, WIDTH(arg), ALU_OR, RDX, RAX);
    tr_put(t, op->rd, RDX);
}

/* ---- Multiply and divide --------------------------------------------------------------------- */

static void t_mul(struct tr *t, const struct op *op, unsigned arg)
{
    int w = WIDTH(arg);

    tr_clobber(t);
    tr_get(t, w, RDX, op->rn);
    as_rr(&t->a, 0, w, 0x0faf, RDX, tr_src(t, w, op->rm, RCX), false);
    tr_put(t, op->rd, RDX);
}

enum { M_SUB = 2, M_SIGNED = 4, M_UNSIGNED = 8, M_PLAIN = 16 };

/* rd = ra ± rn * rm; M_SIGNED, M_UNSIGNED: of 32-bit factors; M_PLAIN: without ra. */
static void t_madd(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg), rm;

    tr_clobber(t);
    if ((arg & M_SIGNED) != 0) {
        as_rr(a, 0, 64, 0x63, RDX, tr_src(t, 32, op->rn, RDX), false);
        as_rr(a, 0, 64, 0x63, RCX, tr_src(t, 32, op->rm, RCX), false);
        rm = RCX;
    } else if ((arg & M_UNSIGNED) != 0) {
        tr_get(t, 32, RDX, op->rn);
        tr_get(t, 32, RCX, op->rm);
        rm = RCX;
    } else {
        tr_get(t, w, RDX, op->rn);
        rm = tr_src(t, w, op->rm, RCX);
    }
    as_rr(a, 0, w, 0x0faf, RDX, rm, false);
    if ((arg & M_PLAIN) != 0) {
        tr_put(t, op->rd, RDX);
    } else if ((arg & M_SUB) != 0) {
        tr_get(t, w, RAX, op->ra);
        as_alu(a, w, ALU_SUB, RAX, RDX);
        tr_put(t, op->rd, RAX);
    } else {
        tr_alu(t, w, ALU_ADD, RDX, op->ra);
        tr_put(t, op->rd, RDX);
    }
}

/* arg: /digit of MUL or IMUL. */
static void t_mulh(struct tr *t, const struct op *op, unsigned arg)
{
    tr_clobber(t);
    tr_get(t, 64, RAX, op->rn);
    as_rr(&t->a, 0, 64, 0xf7, (int)arg, tr_src(t, 64, op->rm, RCX), false);
    tr_put(t, op->rd, RDX);
}

static void t_udiv(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg);
    uint8_t *zero;

    tr_clobber(t);
    tr_get(t, w, RCX, op->rm);
    as_imm(a, RAX, 0);
    as_test(a, w, RCX, RCX);
    zero = as_jcc(a, CC_E);
    tr_get(t, w, RAX, op->rn);
    as_alu(a, 32, ALU_XOR, RDX, RDX);
    as_rr(a, 0, w, 0xf7, 6, RCX, false);
    as_patch(a, zero, a->p);
    tr_put(t, op->rd, RAX);
}

/* The divisors 0 and -1 would trap. */
static void t_sdiv(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg);
    uint8_t *zero, *divide, *done;

    tr_clobber(t);
    tr_get(t, w, RCX, op->rm);
    as_imm(a, RAX, 0);
    as_test(a, w, RCX, RCX);
    zero = as_jcc(a, CC_E);
    tr_get(t, w, RAX, op->rn);
    as_alu_i(a, w, ALU_CMP, RCX, -1);
    divide = as_jcc(a, CC_NE);
    as_neg(a, w, RAX);
    done = as_jmp(a);
    as_patch(a, divide, a->p);
    if (w == 64) {
        as_1(a, 0x48);
    }
    as_1(a, 0x99); /* CDQ, CQO */
    as_rr(a, 0, w, 0xf7, 7, RCX, false);
    as_patch(a, zero, a->p);
    as_patch(a, done, a->p);
    tr_put(t, op->rd, RAX);
}

/* ---- Bits ------------------------------------------------------------------------------------ */

/* LZCNT; op_int.c's hosts without it are looked at in jit.c. */
static void t_clz(struct tr *t, const struct op *op, unsigned arg)
{
    tr_clobber(t);
    as_rr(&t->a, 0xf3, WIDTH(arg), 0x0fbd, RDX, tr_src(t, WIDTH(arg), op->rn, RCX), false);
    tr_put(t, op->rd, RDX);
}

static void t_rev(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;

    if ((arg & 2) != 0) { /* REV32 of 64 bits: the words change places again */
        tr_clobber(t);
    }
    tr_get(t, WIDTH(arg), RDX, op->rn);
    as_rex(a, WIDTH(arg), 0, 0, RDX, false);
    as_1(a, 0x0f);
    as_1(a, 0xc8 + RDX);
    if ((arg & 2) != 0) {
        as_shift(a, 64, SH_ROL, RDX, 32);
    }
    tr_put(t, op->rd, RDX);
}

/* The bytes by BSWAP, the bits of each by exchanging halves. */
static void swap_bytes(struct as *a, int w, int r)
{
    as_rex(a, w, 0, 0, r, false);
    as_1(a, 0x0f);
    as_1(a, 0xc8u + (unsigned)(r & 7));
}

static void t_rbit(struct tr *t, const struct op *op, unsigned arg)
{
    static const uint64_t masks[] = { 0x0f0f0f0f0f0f0f0f, 0x3333333333333333, 0x5555555555555555 };
    struct as *a = &t->a;
    int w = WIDTH(arg);

    if (t->jit->host.gfni) {
        v2(t, V_MOVQ_G, SX0, tr_src(t, 64, op->rn, RDX));
        v3ci(t, V_GF2AFFINE, SX0, SX0, 0x8040201008040201, 0x8040201008040201, 0);
        v2(t, V_MOVQ_TO_G, SX0, RDX);
        swap_bytes(a, w, RDX);
        tr_put(t, op->rd, RDX);
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
    int s = tr_src(t, 64, op->rm, RCX);

    tr_get(t, 32, RDX, op->rn);
    if (bits_ == 16) {
        as_1(a, 0x66);
    }
    as_rr(a, 0xf2, bits_ == 64 ? 64 : 32, bits_ == 8 ? 0x0f38f0 : 0x0f38f1, RDX, s, bits_ == 8);
    tr_put(t, op->rd, RDX);
}

/* ---- Conditions ------------------------------------------------------------------------------ */

enum { S_PLAIN, S_INC, S_INV, S_NEG };

/* arg: W64, kind << 8, condition << 16. */
static void t_csel(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg);
    unsigned kind = arg >> 8 & 0xff;
    enum cc cc = tr_cond(t, arg >> 16);

    if (op->rn == X_ZERO && op->rm == X_ZERO && kind == S_INC) { /* CSET */
        as_setcc(a, (enum cc)(cc ^ 1), RDX);
        as_movzx8(a, RDX, RDX);
        tr_put(t, op->rd, RDX);
        return;
    }
    tr_get(t, w, RDX, op->rm);
    if (kind == S_INV || kind == S_NEG) {
        as_not(a, w, RDX);
    }
    if (kind == S_INC || kind == S_NEG) {
        as_lea(a, w, RDX, RDX, 1);
    }
    as_cmov(a, w, cc, RDX, tr_src(t, w, op->rn, RCX));
    tr_put(t, op->rd, RDX);
}

/* arg: W64, SETS if CCMN, form << 8, condition << 16. */
static void t_ccmp(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg);
    enum cc cc = tr_cond(t, arg >> 16);
    uint8_t *otherwise = as_jcc(a, (enum cc)(cc ^ 1)), *done;
    unsigned nzcv = op->ra;

    tr_get(t, w, RDX, op->rn);
    if ((arg >> 8 & 0xff) != 0) {
        as_alu_i(a, w, (arg & SETS) != 0 ? ALU_ADD : ALU_CMP, RDX, (int32_t)op->imm);
    } else {
        tr_alu(t, w, (arg & SETS) != 0 ? ALU_ADD : ALU_CMP, RDX, op->rm);
    }
    if ((arg & SETS) != 0) {
        as_1(a, 0xf5); /* CMC: the other way leaves a borrow, too */
    }
    done = as_jmp(a);
    as_patch(a, otherwise, a->p);
    as_imm(a, RAX,
           (nzcv & 8) << 12 | (nzcv & 4) << 12 | ((nzcv & 2) == 0 ? 1u << 8 : 0) | (nzcv & 1));
    as_1(a, 0x04); /* ADD AL, 127; SAHF */
    as_1(a, 127);
    as_1(a, 0x9e);
    as_patch(a, done, a->p);
    tr_flags(t, FK_SUB);
}

/* ---- The table ------------------------------------------------------------------------------- */

#define T(name, fn_, arg_) [UOP_##name] = { fn_, arg_ }

#define T_ARITH32(name, fn, alu, w)                      \
    T(name##_rr, fn, ARG(alu, F_RR, (w) | ARITH)),       \
        T(name##_lsl, fn, ARG(alu, F_LSL, (w) | ARITH)), \
        T(name##_lsr, fn, ARG(alu, F_LSR, (w) | ARITH)), \
        T(name##_asr, fn, ARG(alu, F_ASR, (w) | ARITH)), \
        T(name##_uxtb, fn, ARG(alu, F_X4, (w) | ARITH)), \
        T(name##_uxth, fn, ARG(alu, F_X5, (w) | ARITH)), \
        T(name##_sxtb, fn, ARG(alu, F_X6, (w) | ARITH)), \
        T(name##_sxth, fn, ARG(alu, F_X7, (w) | ARITH))
#define T_ARITH64(name, fn, alu)                                                    \
    T_ARITH32(name, fn, alu, W64), T(name##_uxtw, fn, ARG(alu, F_X8, W64 | ARITH)), \
        T(name##_sxtw, fn, ARG(alu, F_X9, W64 | ARITH))
#define T_LOGIC(name, fn, alu, bits)                                                        \
    T(name##_rr, fn, ARG(alu, F_RR, bits)), T(name##_lsl, fn, ARG(alu, F_LSL, bits)),       \
        T(name##_lsr, fn, ARG(alu, F_LSR, bits)), T(name##_asr, fn, ARG(alu, F_ASR, bits)), \
        T(name##_ror, fn, ARG(alu, F_X4, bits))
#define T_LOGIC2(name, fn, alu, bits) \
    T_LOGIC(name##32, fn, alu, bits), T_LOGIC(name##64, fn, alu, (bits) | W64)
#define T_2(name, fn, bits) T(name##32, fn, bits), T(name##64, fn, (bits) | W64)
#define T_CONDS(name, fn, bits)                                                     \
    T(name##_eq, fn, (bits) | 0u << 16), T(name##_ne, fn, (bits) | 1u << 16),       \
        T(name##_hs, fn, (bits) | 2u << 16), T(name##_lo, fn, (bits) | 3u << 16),   \
        T(name##_mi, fn, (bits) | 4u << 16), T(name##_pl, fn, (bits) | 5u << 16),   \
        T(name##_vs, fn, (bits) | 6u << 16), T(name##_vc, fn, (bits) | 7u << 16),   \
        T(name##_hi, fn, (bits) | 8u << 16), T(name##_ls, fn, (bits) | 9u << 16),   \
        T(name##_ge, fn, (bits) | 10u << 16), T(name##_lt, fn, (bits) | 11u << 16), \
        T(name##_gt, fn, (bits) | 12u << 16), T(name##_le, fn, (bits) | 13u << 16)

const struct tmpl jit_tmpl_int[UOP_COUNT] = {
    T(nop, t_nop, 0),
    T(mov_const, t_mov_const, 0),
    T(mov_pc, t_mov_pc, 0),
    T_2(mov, t_mov, 0),
    T(movk32_0, t_movk, 0),
    T(movk32_16, t_movk, 16 << 8),
    T(movk64_0, t_movk, W64),
    T(movk64_16, t_movk, W64 | 16 << 8),
    T(movk64_32, t_movk, W64 | 32 << 8),
    T(movk64_48, t_movk, W64 | 48 << 8),
    T(add32_ri, t_add_i, 0),
    T(add64_ri, t_add_i, W64),
    T(adds32_ri, t_alus_i, ARG(ALU_ADD, 0, 0)),
    T(adds64_ri, t_alus_i, ARG(ALU_ADD, 0, W64)),
    T(subs32_ri, t_alus_i, ARG(ALU_SUB, 0, 0)),
    T(subs64_ri, t_alus_i, ARG(ALU_SUB, 0, W64)),
    T_ARITH32(add32, t_alu, ALU_ADD, 0),
    T_ARITH64(add64, t_alu, ALU_ADD),
    T_ARITH32(sub32, t_alu, ALU_SUB, 0),
    T_ARITH64(sub64, t_alu, ALU_SUB),
    T_ARITH32(adds32, t_alus, ALU_ADD, 0),
    T_ARITH64(adds64, t_alus, ALU_ADD),
    T_ARITH32(subs32, t_alus, ALU_SUB, 0),
    T_ARITH64(subs64, t_alus, ALU_SUB),
    T_2(adc, t_carry, ARG(ALU_ADC, 0, 0)),
    T_2(sbc, t_carry, ARG(ALU_SBB, 0, 0)),
    T_2(adcs, t_carry, ARG(ALU_ADC, 0, SETS)),
    T_2(sbcs, t_carry, ARG(ALU_SBB, 0, SETS)),
    T(and_ri, t_alu_i, ARG(ALU_AND, 0, W64)),
    T(orr32_ri, t_alu_i, ARG(ALU_OR, 0, 0)),
    T(orr64_ri, t_alu_i, ARG(ALU_OR, 0, W64)),
    T(eor32_ri, t_alu_i, ARG(ALU_XOR, 0, 0)),
    T(eor64_ri, t_alu_i, ARG(ALU_XOR, 0, W64)),
    T(ands32_ri, t_alus_i, ARG(ALU_AND, 0, 0)),
    T(ands64_ri, t_alus_i, ARG(ALU_AND, 0, W64)),
    T_LOGIC2(and, t_alu, ALU_AND, 0),
    T_LOGIC2(bic, t_alu, ALU_AND, INVERT),
    T_LOGIC2(orr, t_alu, ALU_OR, 0),
    T_LOGIC2(orn, t_alu, ALU_OR, INVERT),
    T_LOGIC2(eor, t_alu, ALU_XOR, 0),
    T_LOGIC2(eon, t_alu, ALU_XOR, INVERT),
    T_LOGIC2(ands, t_alus, ALU_AND, 0),
    T_LOGIC2(bics, t_alus, ALU_AND, INVERT),
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
    T_2(mul, t_mul, 0),
    T_2(madd, t_madd, 0),
    T_2(msub, t_madd, M_SUB),
    T(smull, t_madd, W64 | M_SIGNED | M_PLAIN),
    T(umull, t_madd, W64 | M_UNSIGNED | M_PLAIN),
    T(smaddl, t_madd, W64 | M_SIGNED),
    T(umaddl, t_madd, W64 | M_UNSIGNED),
    T(smsubl, t_madd, W64 | M_SIGNED | M_SUB),
    T(umsubl, t_madd, W64 | M_UNSIGNED | M_SUB),
    T(smulh, t_mulh, 5),
    T(umulh, t_mulh, 4),
    T_2(udiv, t_udiv, 0),
    T_2(sdiv, t_sdiv, 0),
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
