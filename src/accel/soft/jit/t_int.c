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

/* opcode reg, guest register g, wherever that is; byte: the operand is one. */
static void op_g(struct tr *t, unsigned prefix, int w, uint32_t opcode, int reg, unsigned g,
                 bool byte)
{
    if (jit_pin[g] != NOREG) {
        as_rr(&t->a, prefix, w, opcode, reg, jit_pin[g], byte);
    } else {
        as_rm(&t->a, prefix, w, opcode, reg, RBP, XOFF(g), byte);
    }
}

/* dst = guest register g, for an operation of w bits on it. */
static void get_op(struct tr *t, int w, int dst, unsigned g)
{
    if (jit_pin[g] != dst) {
        tr_get(t, w, dst, g);
    }
}

static bool in_memory(unsigned g)
{
    return jit_pin[g] == NOREG;
}

/* The register in which to make rd if those of a and b are still read afterwards; then tr_put. */
static int dst_beside(unsigned rd, unsigned a, unsigned b, int tmp)
{
    int d = tr_dst(rd, tmp);

    return d == jit_pin[a] || d == jit_pin[b] ? tmp : d;
}

/* Does nobody want NZCV that EFLAGS are? */
static bool flags_free(const struct tr *t)
{
    return t->fk == FK_NONE || !t->i->live_out;
}

/* Can rd = rn op something be done in memory, to all 64 bits? */
static bool in_place(const struct tr *t, const struct op *op, int w)
{
    return op->rd == op->rn && in_memory(op->rd) && op->rd != X_SINK && w == 64;
}

/* The next instruction, if it runs after this one and nothing else comes to it. */
static const struct ti *follower(const struct tr *t, const struct ti *i)
{
    const struct ti *next = i + 1;

    return next < &t->insn[t->count] && next->slot == i->slot + 1 && !next->join && !next->entry &&
                   !next->loop
               ? next
               : NULL;
}

/* ---- Constants and moves --------------------------------------------------------------------- */

static void t_nop(struct tr *t, const struct op *op, unsigned arg) {}

/* MOVK: arg is width, shift << 8. */
static uint64_t moved_in(uint64_t v, const struct op *op, unsigned arg)
{
    v = (v & ~(0xffffull << (arg >> 8))) | op->imm;
    return WIDTH(arg) == 64 ? v : (uint32_t)v;
}

static tmpl_fn t_movk;

/* The instructions up to last, which follow each other, leave v in rd. */
static void constant(struct tr *t, unsigned rd, uint64_t v, const struct ti *last)
{
    if (in_memory(rd) && fits32(v)) {
        if (rd != X_SINK) {
            as_rm(&t->a, 0, 64, 0xc7, 0, RBP, XOFF(rd), false);
            as_4(&t->a, (uint32_t)v);
        }
    } else {
        int d = tr_dst(rd, RAX);
        as_imm(&t->a, d, v);
        tr_put(t, rd, d);
    }
    tr_is_constant(t, rd, v);
    t->known_by = last;
    t->fused = (unsigned)(last - t->i);
}

/* With the MOVKs that follow. */
static void t_mov_const(struct tr *t, const struct op *op, unsigned arg)
{
    const struct ti *last = t->i, *next;
    uint64_t v = op->imm;

    while ((next = follower(t, last)) != NULL && jit_tmpl_int[next->uop].fn == t_movk &&
           next->op.rd == op->rd) {
        v = moved_in(v, &next->op, jit_tmpl_int[next->uop].arg);
        last = next;
    }
    constant(t, op->rd, v, last);
}

/* With an addition to it that follows: ADRP, ADD. */
static void t_mov_pc(struct tr *t, const struct op *op, unsigned arg)
{
    const struct ti *last = t->i, *next = follower(t, t->i);
    uint64_t imm = op->imm;
    int d;

    if (next != NULL && next->uop == UOP_add64_ri && next->op.rd == op->rd &&
        next->op.rn == op->rd) {
        imm += next->op.imm;
        last = next;
    }
    if (tr_at_one(t)) {
        constant(t, op->rd, t->page->va + imm, last);
        return;
    }
    d = tr_dst(op->rd, RAX);
    tr_va(t, d, (int64_t)imm);
    tr_put(t, op->rd, d);
    t->fused = (unsigned)(last - t->i);
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

static void t_movk(struct tr *t, const struct op *op, unsigned arg)
{
    uint64_t mask = 0xffffull << (arg >> 8);
    int d = tr_dst(op->rd, RDX);

    if (tr_constant(t, op->rd)) {
        uint64_t v = moved_in(t->known, op, arg);
        as_imm(&t->a, d, v);
        tr_put(t, op->rd, d);
        tr_is_constant(t, op->rd, v);
        return;
    }
    tr_clobber(t);
    get_op(t, WIDTH(arg), d, op->rd);
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

/*
 * The second operand, transformed, in a register: dst, or its own if that is all. All but F_RR and extensions clobber EFLAGS, if
 * the amount is not 0; a rotation does not if there is BMI2.
 */
static int operand2(struct tr *t, const struct op *op, int w, unsigned form, bool arith, int dst)
{
    struct as *a = &t->a;
    static const uint32_t extend[] = { 0x0fb6, 0x0fb7, 0x0fbe, 0x0fbf };
    static const enum shift shifts[] = { SH_SHL, SH_SHL, SH_SHR, SH_SAR, SH_ROR };
    unsigned n = (unsigned)op->imm;

    if (form == F_RR || (n == 0 && (form <= F_ASR || !arith))) {
        return tr_src(t, w, op->rm, dst);
    }
    if (form > F_ASR && !arith && t->jit->host.bmi2) {
        as_rorx(a, w, dst, tr_src(t, w, op->rm, dst), n);
        return dst;
    }
    if (form <= F_ASR || !arith) {
        get_op(t, w, dst, op->rm);
        as_shift(a, w, shifts[form], dst, n);
        return dst;
    }
    if (form <= F_X7) {
        op_g(t, 0, w, extend[form - F_X4], dst, op->rm, true);
    } else if (form == F_X8) {
        tr_get(t, 32, dst, op->rm);
    } else {
        op_g(t, 0, 64, 0x63, dst, op->rm, false);
    }
    if (n != 0) {
        as_shift(a, w, SH_SHL, dst, n);
    }
    return dst;
}

/* Additions, by LEA: small shifts, to the left, leave EFLAGS alone. */
static void add(struct tr *t, const struct op *op, int w, unsigned form)
{
    struct op plain = *op;
    bool extends = form >= F_X4, scales = (form == F_LSL || extends) && op->imm <= 3;
    int d = tr_dst(op->rd, RDX), rm;

    if (scales) {
        plain.imm = 0;
    } else if (form != F_RR) {
        tr_clobber(t);
    }
    rm = operand2(t, &plain, w, form, true, RCX);
    as_lea_x(&t->a, w, d, tr_src(t, w, op->rn, RAX), rm, scales ? (unsigned)op->imm : 0, 0);
    tr_put(t, op->rd, d);
}

/* Of two registers. */
static void alu_plain(struct tr *t, const struct op *op, int w, enum alu n)
{
    struct as *a = &t->a;
    int d = tr_dst(op->rd, RDX);

    if (n == ALU_SUB && tr_flags_wanted(t)) { /* rn + ~rm + 1 */
        tr_get(t, w, RCX, op->rm);
        as_not(a, w, RCX);
        as_lea_x(a, w, d, tr_src(t, w, op->rn, RAX), RCX, 0, 1);
        tr_put(t, op->rd, d);
        return;
    }
    tr_clobber(t);
    if (in_place(t, op, w)) {
        as_rm(a, 0, 64, (uint32_t)n * 8 + 1, tr_src(t, w, op->rm, RCX), RBP, XOFF(op->rd), false);
    } else if (n == ALU_SUB && op->rn == X_ZERO) {
        get_op(t, w, d, op->rm);
        as_neg(a, w, d);
        tr_put(t, op->rd, d);
    } else if (d != RDX && op->rd == op->rm && op->rd != op->rn) {
        if (n == ALU_SUB) {
            as_neg(a, w, d);
            n = ALU_ADD;
        }
        tr_alu(t, w, n, d, op->rn);
    } else {
        get_op(t, w, d, op->rn);
        tr_alu(t, w, n, d, op->rm);
        tr_put(t, op->rd, d);
    }
}

/* MVN. */
static void mvn(struct tr *t, const struct op *op, int w)
{
    int d = tr_dst(op->rd, RDX);

    get_op(t, w, d, op->rm);
    as_not(&t->a, w, d);
    tr_put(t, op->rd, d);
}

/* rd = rn op operand, no flags wanted. */
static void t_alu(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg);
    enum alu n = (enum alu)(arg >> 8 & 0xff);
    unsigned form = arg >> 16;
    bool invert = (arg & INVERT) != 0;
    int d = tr_dst(op->rd, RDX), tmp = RCX, r;

    if (n == ALU_ADD) {
        add(t, op, w, form);
        return;
    }
    if (form == F_RR && !invert) {
        alu_plain(t, op, w, n);
        return;
    }
    if (form == F_RR && n == ALU_OR && op->rn == X_ZERO) {
        mvn(t, op, w);
        return;
    }
    tr_clobber(t);
    if (n != ALU_SUB && (op->rd != op->rn || d == RDX)) { /* the other way round */
        tmp = d;
    }
    r = operand2(t, op, w, form, (arg & ARITH) != 0, tmp);
    if (r != tmp && (invert || tmp == d || r == d)) {
        as_mov(a, w, tmp, r);
        r = tmp;
    }
    if (invert) {
        as_not(a, w, r);
    }
    if (tmp == d) {
        tr_alu(t, w, n, d, op->rn);
    } else {
        get_op(t, w, d, op->rn);
        as_alu(a, w, n, d, r);
    }
    tr_put(t, op->rd, d);
}

static enum flag_kind flags_of(enum alu n)
{
    return n == ALU_ADD ? FK_ADD : n == ALU_AND ? FK_LOGIC : FK_SUB;
}

/* CMP and TST: the second operand is in r, or (plain) guest register rm. */
static void compare(struct tr *t, const struct op *op, int w, enum alu n, bool plain, int r)
{
    bool test = n == ALU_AND;

    if (plain && in_memory(op->rn) && (test ? !in_memory(op->rm) : op->rm != X_ZERO)) {
        as_rm(&t->a, 0, w, test ? 0x85 : 0x39, tr_src(t, w, op->rm, RCX), RBP, XOFF(op->rn), false);
    } else if (plain && !test && op->rm == X_ZERO) {
        op_g(t, 0, w, 0x83, ALU_CMP, op->rn, false);
        as_1(&t->a, 0);
    } else if (plain && test) {
        op_g(t, 0, w, 0x85, tr_src(t, w, op->rn, RDX), op->rm, false);
    } else if (plain) {
        tr_alu(t, w, ALU_CMP, tr_src(t, w, op->rn, RDX), op->rm);
    } else if (test) {
        op_g(t, 0, w, 0x85, r, op->rn, false);
    } else {
        op_g(t, 0, w, 0x39, r, op->rn, false);
    }
}

/* The same with NZCV. */
static void t_alus(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg), d, r = RCX;
    enum alu n = (enum alu)(arg >> 8 & 0xff);
    unsigned form = arg >> 16;
    bool plain = form == F_RR && (arg & INVERT) == 0;

    if (!plain) {
        r = operand2(t, op, w, form, (arg & ARITH) != 0, RCX);
    }
    if ((arg & INVERT) != 0) {
        if (r != RCX) {
            as_mov(a, w, RCX, r);
        }
        r = RCX;
        as_not(a, w, RCX);
    }
    if (op->rd == X_SINK && n != ALU_ADD) {
        compare(t, op, w, n, plain, r);
        tr_flags(t, flags_of(n));
        return;
    }
    d = tr_dst(op->rd, RDX);
    if (plain && in_place(t, op, w)) {
        as_rm(a, 0, 64, (uint32_t)n * 8 + 1, tr_src(t, w, op->rm, RCX), RBP, XOFF(op->rd), false);
        tr_flags(t, flags_of(n));
        return;
    }
    if (plain && op->rd == op->rm && n != ALU_SUB && d != RDX) {
        tr_alu(t, w, n, d, op->rn);
        tr_flags(t, flags_of(n));
        return;
    }
    if (d == jit_pin[op->rm]) {
        d = op->rd == op->rn ? d : RDX;
    }
    get_op(t, w, d, op->rn);
    if (plain) {
        tr_alu(t, w, n, d, op->rm);
    } else {
        as_alu(a, w, n, d, r);
    }
    tr_put(t, op->rd, d);
    tr_flags(t, flags_of(n));
}

static void t_add_i(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg), d = tr_dst(op->rd, RAX), s;

    if (in_place(t, op, w) && flags_free(t) && fits32(op->imm)) {
        tr_clobber(t);
        as_alu_mi(a, 64, ALU_ADD, RBP, XOFF(op->rd), (int32_t)op->imm);
        return;
    }
    s = tr_src(t, w, op->rn, RAX);
    if (fits32(op->imm) || w == 32) {
        as_lea(a, w, d, s, (int32_t)op->imm);
    } else {
        as_imm(a, RCX, op->imm);
        as_lea_x(a, w, d, s, RCX, 0, 0);
    }
    tr_put(t, op->rd, d);
}

/* MOVZX's opcode, or MOV's, for a mask; 0: there is none. */
static uint32_t zero_extends(uint64_t mask)
{
    return mask == 0xff ? 0x0fb6 : mask == 0xffff ? 0x0fb7 : mask == 0xffffffff ? 0x8b : 0;
}

static void t_alu_i(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg), d = tr_dst(op->rd, RDX);
    enum alu n = (enum alu)(arg >> 8 & 0xff);

    if (n == ALU_AND && zero_extends(op->imm) != 0) {
        op_g(t, 0, 32, zero_extends(op->imm), d, op->rn, op->imm == 0xff);
        tr_put(t, op->rd, d);
        return;
    }
    tr_clobber(t);
    if (in_place(t, op, w) && fits32(op->imm)) {
        as_alu_mi(a, 64, n, RBP, XOFF(op->rd), (int32_t)op->imm);
        return;
    }
    if (n == ALU_AND && op->imm <= 0xffffffff) {
        w = 32;
    }
    get_op(t, w, d, op->rn);
    if (w == 32 || fits32(op->imm)) {
        as_alu_i(a, w, n, d, (int32_t)op->imm);
    } else {
        as_imm(a, RCX, op->imm);
        as_alu(a, 64, n, d, RCX);
    }
    tr_put(t, op->rd, d);
}

/* CMP and TST of an immediate: false: it is none, or too large. */
static bool compare_i(struct tr *t, const struct op *op, int w, enum alu n)
{
    if (op->rd != X_SINK || n == ALU_ADD || (w == 64 && !fits32(op->imm))) {
        return false;
    }
    if (n == ALU_AND) {
        op_g(t, 0, op->imm <= 0x7fffffff ? 32 : w, 0xf7, 0, op->rn, false); /* TEST */
        as_4(&t->a, (uint32_t)op->imm);
    } else if (in_memory(op->rn)) {
        as_alu_mi(&t->a, w, ALU_CMP, RBP, XOFF(op->rn), (int32_t)op->imm);
    } else if (op->imm == 0) {
        as_test(&t->a, w, jit_pin[op->rn], jit_pin[op->rn]);
    } else {
        as_alu_i(&t->a, w, ALU_CMP, jit_pin[op->rn], (int32_t)op->imm);
    }
    return true;
}

static void t_alus_i(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg), d = tr_dst(op->rd, RDX);
    enum alu n = (enum alu)(arg >> 8 & 0xff);

    if (compare_i(t, op, w, n)) {
        tr_flags(t, flags_of(n));
        return;
    }
    if (in_place(t, op, w) && fits32(op->imm)) {
        as_alu_mi(a, 64, n, RBP, XOFF(op->rd), (int32_t)op->imm);
        tr_flags(t, flags_of(n));
        return;
    }
    get_op(t, w, d, op->rn);
    if (w == 32 || fits32(op->imm)) {
        as_alu_i(a, w, n, d, (int32_t)op->imm);
    } else {
        as_imm(a, RCX, op->imm);
        as_alu(a, w, n, d, RCX);
    }
    tr_put(t, op->rd, d);
    tr_flags(t, flags_of(n));
}

/* ADC, SBC: the host's CF as the operation wants it. */
static void t_carry(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg), d;
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
    d = dst_beside(op->rd, op->rm, op->rm, RDX);
    get_op(t, w, d, op->rn);
    tr_alu(t, w, n, d, op->rm);
    tr_put(t, op->rd, d);
    if ((arg & SETS) != 0) {
        tr_flags(t, n == ALU_ADC ? FK_ADD : FK_SUB);
    } else {
        t->fk = FK_NONE;
    }
}

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
    int w = WIDTH(arg), d = tr_dst(op->rd, RDX);
    enum shift n = (enum shift)(arg >> 8);

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
        d = tr_dst(op->rd, RDX);
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
    int w = WIDTH(arg), d = dst_beside(op->rd, op->rn, op->rn, RDX), hi;

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
    int d = tr_dst(op->rd, RDX);

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
    int d = tr_dst(op->rd, RDX);
    uint32_t moves = zero_extends(op->imm);
    unsigned end = op->ra + low_bits(op->imm);
    int w = end <= 32 ? 32 : 64;

    if (moves != 0 && op->ra == 0) {
        op_g(t, 0, 32, moves, d, op->rn, op->imm == 0xff);
    } else if (moves != 0 && in_memory(op->rn) && op->rn != X_ZERO && op->ra % 8 == 0) {
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
    int d = tr_dst(op->rd, RDX);
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
    int d = tr_dst(op->rd, RDX);

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
    int d = tr_dst(op->rd, RAX);

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

/* ---- Multiply and divide --------------------------------------------------------------------- */

static void t_mul(struct tr *t, const struct op *op, unsigned arg)
{
    int w = WIDTH(arg), d = tr_dst(op->rd, RDX);
    unsigned rn = op->rn, rm = op->rm;

    tr_clobber(t);
    if (d == jit_pin[rm]) {
        rn = op->rm;
        rm = op->rn;
    }
    get_op(t, w, d, rn);
    op_g(t, 0, w, 0x0faf, d, rm, false); /* IMUL */
    tr_put(t, op->rd, d);
}

enum { M_SUB = 2, M_SIGNED = 4, M_UNSIGNED = 8, M_PLAIN = 16 };

/* The product in p, which is not rm's own register. */
static void product(struct tr *t, const struct op *op, unsigned arg, int p)
{
    struct as *a = &t->a;
    int w = WIDTH(arg);

    if ((arg & M_SIGNED) != 0) {
        op_g(t, 0, 64, 0x63, RCX, op->rm, false); /* MOVSXD */
        op_g(t, 0, 64, 0x63, p, op->rn, false);
        as_rr(a, 0, 64, 0x0faf, p, RCX, false);
    } else if ((arg & M_UNSIGNED) != 0) {
        tr_get(t, 32, RCX, op->rm);
        tr_get(t, 32, p, op->rn);
        as_rr(a, 0, 64, 0x0faf, p, RCX, false);
    } else {
        get_op(t, w, p, op->rn);
        op_g(t, 0, w, 0x0faf, p, op->rm, false);
    }
}

/* rd = ra ± rn * rm; M_SIGNED, M_UNSIGNED: of 32-bit factors; M_PLAIN: without ra. */
static void t_madd(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg), d;

    tr_clobber(t);
    if ((arg & M_SUB) != 0) {
        product(t, op, arg, RDX);
        d = tr_dst(op->rd, RAX);
        get_op(t, w, d, op->ra);
        as_alu(a, w, ALU_SUB, d, RDX);
    } else {
        d = dst_beside(op->rd, op->rm, (arg & M_PLAIN) != 0 ? op->rm : op->ra, RDX);
        product(t, op, arg, d);
        if ((arg & M_PLAIN) == 0) {
            tr_alu(t, w, ALU_ADD, d, op->ra);
        }
    }
    tr_put(t, op->rd, d);
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
    int d = tr_dst(op->rd, RDX);

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
    int d = tr_dst(op->rd, RDX);

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
        int d = tr_dst(op->rd, RDX);
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
    int d = dst_beside(op->rd, op->rm, op->rm, RDX);

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
    int d = tr_dst(op->rd, RDX);

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
    int w = WIDTH(arg), d = tr_dst(op->rd, RDX), other;
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
    if (kind == S_INC) {
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
        tr_get(t, w, d, op->rn);
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
