/*
 * t_int.c - templates of the integer micro-operations (bodies: op_int.c): constants, arithmetic, logic, multiplication. t_bits.c has
 * the others.
 *
 * What has no entry in a table is compiled as a call of its body. LEA and MOV leave EFLAGS alone, so
 * additions that set no flags do not disturb a comparison before them.
 */
#include "accel/soft/jit/int.h"

/* Second operands, in the order of the uops of a family. */
enum form { F_RR, F_LSL, F_LSR, F_ASR, F_X4, F_X5, F_X6, F_X7, F_X8, F_X9 };

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
    if (in_memory(t, rd) && fits32(v)) {
        if (rd != X_SINK) {
            as_rm(&t->a, 0, 64, 0xc7, 0, RBP, XOFF(rd), false);
            as_4(&t->a, (uint32_t)v);
        }
    } else {
        int d = tr_dst(t, rd, RAX);
        if (v == 0 && flags_free(t)) {
            tr_clobber(t);
            as_alu(&t->a, 32, ALU_XOR, d, d);
        } else {
            as_imm(&t->a, d, v);
        }
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
    d = tr_dst(t, op->rd, RAX);
    tr_va(t, d, (int64_t)imm);
    tr_put(t, op->rd, d);
    t->fused = (unsigned)(last - t->i);
}

static void t_mov(struct tr *t, const struct op *op, unsigned arg)
{
    int d = tr_dst(t, op->rd, RAX), home = tr_home(t, op->rn);

    if (WIDTH(arg) == 64 && home != NOREG) {
        tr_put(t, op->rd, home);
        return;
    }
    tr_get(t, WIDTH(arg), d, op->rn);
    tr_put(t, op->rd, d);
}

static void t_movk(struct tr *t, const struct op *op, unsigned arg)
{
    uint64_t mask = 0xffffull << (arg >> 8);
    int d = tr_dst(t, op->rd, RDX);

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

enum { INVERT = 4, ARITH = 8 };
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

/* rd += rm, or rd = rn + rd, in rd's own register, where EFLAGS are free. */
static bool add_to(struct tr *t, const struct op *op, int w, unsigned form)
{
    unsigned other = op->rd == op->rn ? op->rm : op->rn;

    if (form != F_RR || in_memory(t, op->rd) || (op->rd != op->rn && op->rd != op->rm) ||
        !flags_free(t)) {
        return false;
    }
    tr_clobber(t);
    tr_alu(t, w, ALU_ADD, tr_pin(t, op->rd), other);
    return true;
}

/* Additions, by LEA: small shifts, to the left, leave EFLAGS alone. */
static void add(struct tr *t, const struct op *op, int w, unsigned form)
{
    struct op plain = *op;
    bool extends = form >= F_X4, scales = (form == F_LSL || extends) && op->imm <= 3;
    int d = tr_dst(t, op->rd, RDX), rm;

    if (in_place(t, op, w) && flags_free(t)) {
        tr_clobber(t);
        as_rm(&t->a, 0, 64, 0x01, operand2(t, op, w, form, true, RCX), RBP, XOFF(op->rd), false);
        return;
    }
    if (add_to(t, op, w, form)) {
        return;
    }
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
    int d = tr_dst(t, op->rd, RDX);

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
    int d = tr_dst(t, op->rd, RDX);

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
    int d = tr_dst(t, op->rd, RDX), tmp = RCX, r;

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
    if (!in_place(t, op, w) && n != ALU_SUB && (op->rd != op->rn || d == RDX)) {
        tmp = d; /* the other way round */
    }
    r = operand2(t, op, w, form, (arg & ARITH) != 0, tmp);
    if (r != tmp && (invert || tmp == d || r == d)) {
        as_mov(a, w, tmp, r);
        r = tmp;
    }
    if (invert) {
        as_not(a, w, r);
    }
    if (in_place(t, op, w)) {
        as_rm(a, 0, 64, (uint32_t)n * 8 + 1, r, RBP, XOFF(op->rd), false);
        return;
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
    int home = tr_home(t, op->rn);

    if (plain && home != NOREG && op->rm != X_ZERO) {
        if (test) {
            op_g(t, 0, w, 0x85, home, op->rm, false);
        } else {
            tr_alu(t, w, ALU_CMP, home, op->rm);
        }
    } else if (plain && in_memory(t, op->rn) && (test ? !in_memory(t, op->rm) : op->rm != X_ZERO)) {
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
    d = tr_dst(t, op->rd, RDX);
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
    if (d == tr_pin(t, op->rm)) {
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
    int w = WIDTH(arg), d = tr_dst(t, op->rd, RAX), s;

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

static void t_alu_i(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg), d = tr_dst(t, op->rd, RDX);
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
    int home = tr_home(t, op->rn);

    if (op->rd != X_SINK || n == ALU_ADD || (w == 64 && !fits32(op->imm))) {
        return false;
    }
    if (n == ALU_AND) {
        op_g(t, 0, op->imm <= 0x7fffffff ? 32 : w, 0xf7, 0, op->rn, false); /* TEST */
        as_4(&t->a, (uint32_t)op->imm);
    } else if (home == NOREG) {
        as_alu_mi(&t->a, w, ALU_CMP, RBP, XOFF(op->rn), (int32_t)op->imm);
    } else if (op->imm == 0) {
        as_test(&t->a, w, home, home);
    } else {
        as_alu_i(&t->a, w, ALU_CMP, home, (int32_t)op->imm);
    }
    return true;
}

static void t_alus_i(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg), d = tr_dst(t, op->rd, RDX);
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

/* ---- NZCV once more (exact.c) ---------------------------------------------------------------- */

/* By the instruction without its result; by the result; from the result back to the first operand. */
enum redo { REDO_NOT, REDO_AGAIN, REDO_RESULT, REDO_BACK };

static bool has_immediate(const struct ti *i)
{
    return jit_tmpl_int[i->uop].fn == t_alus_i;
}

static enum alu alu_of(const struct ti *i)
{
    return (enum alu)(jit_tmpl_int[i->uop].arg >> 8 & 0xff);
}

static enum redo redo_of(const struct ti *i)
{
    const struct tmpl *m = &jit_tmpl_int[i->uop];
    const struct op *op = &i->op;
    bool imm = has_immediate(i), plain = imm || (m->arg >> 16 == F_RR && (m->arg & INVERT) == 0);

    if (m->fn != t_alus && m->fn != t_alus_i) {
        return REDO_NOT;
    }
    if (op->rd == X_SINK || (op->rd != op->rn && (imm || op->rd != op->rm))) {
        return REDO_AGAIN;
    }
    if (alu_of(i) == ALU_AND) {
        return REDO_RESULT;
    }
    return plain && op->rd == op->rn && (imm || op->rd != op->rm) ? REDO_BACK : REDO_NOT;
}

bool jit_redo(const struct ti *i)
{
    return redo_of(i) != REDO_NOT;
}

unsigned jit_redo_operand(const struct ti *i, unsigned n)
{
    enum redo r = redo_of(i);

    if (n == 0) {
        return r == REDO_AGAIN ? i->op.rn : i->op.rd;
    }
    return r == REDO_RESULT || has_immediate(i) ? X_ZERO : i->op.rm;
}

bool jit_redo_same(const struct ti *a, const struct ti *b)
{
    enum redo r = redo_of(a);

    return a->uop == b->uop && r == redo_of(b) && a->op.rn == b->op.rn && a->op.imm == b->op.imm &&
           (has_immediate(a) || a->op.rm == b->op.rm) && (r == REDO_AGAIN || a->op.rd == b->op.rd);
}

int jit_redo_width(const struct ti *i)
{
    return WIDTH(jit_tmpl_int[i->uop].arg);
}

/* RDX op= the second operand, which rm is if it is a register. */
static void with_second(struct tr *t, const struct ti *i, int w, enum alu n, unsigned rm)
{
    uint64_t imm = i->op.imm;

    if (!has_immediate(i)) {
        tr_alu(t, w, n, RDX, rm);
    } else if (w == 32 || fits32(imm)) {
        as_alu_i(&t->a, w, n, RDX, (int32_t)imm);
    } else {
        as_imm(&t->a, RCX, imm);
        as_alu(&t->a, 64, n, RDX, RCX);
    }
}

void jit_redo_again(struct tr *t, const struct ti *i, unsigned kept)
{
    const struct tmpl *m = &jit_tmpl_int[i->uop];
    enum alu n = alu_of(i);
    int w = WIDTH(m->arg);
    struct op op = i->op;
    unsigned first = (kept & 1) != 0 ? X_KEPT : jit_redo_operand(i, 0);

    if ((kept & 2) != 0) {
        op.rm = X_KEPT + 1;
    }
    if (redo_of(i) == REDO_AGAIN) {
        op.rn = (uint8_t)first;
        op.rd = X_SINK;
        m->fn(t, &op, m->arg);
        return;
    }
    tr_get(t, w, RDX, first);
    if (redo_of(i) == REDO_RESULT) {
        as_test(&t->a, w, RDX, RDX);
    } else {
        with_second(t, i, w, n == ALU_ADD ? ALU_SUB : ALU_ADD, op.rm);
        with_second(t, i, w, n, op.rm);
    }
    tr_flags(t, flags_of(n));
}

/* ADC, SBC: the host's CF as the operation wants it. */
static void t_carry(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    int w = WIDTH(arg), d;
    enum alu n = (enum alu)(arg >> 8 & 0xff);

    tr_flags_integer(t);
    if ((arg & SETS) == 0 && t->i->need_out && !t->fsaved) {
        tr_flags_save(t);
    }
    if (t->fk == FK_LOGIC && n == ALU_SBB) {
        as_1(a, 0xf9);
    } else if ((t->fk == FK_SUB && n == ALU_ADC) || (t->fk == FK_ADD && n == ALU_SBB)) {
        as_1(a, 0xf5);
    }
    d = dst_beside(t, op->rd, op->rm, op->rm, RDX);
    get_op(t, w, d, op->rn);
    tr_alu(t, w, n, d, op->rm);
    tr_put(t, op->rd, d);
    if ((arg & SETS) != 0) {
        tr_flags(t, n == ALU_ADC ? FK_ADD : FK_SUB);
    } else {
        t->fk = FK_NONE;
    }
}

/* ---- Multiply and divide --------------------------------------------------------------------- */

static void t_mul(struct tr *t, const struct op *op, unsigned arg)
{
    int w = WIDTH(arg), d = tr_dst(t, op->rd, RDX);
    unsigned rn = op->rn, rm = op->rm;

    tr_clobber(t);
    if (d == tr_pin(t, rm)) {
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
        d = tr_dst(t, op->rd, RAX);
        get_op(t, w, d, op->ra);
        as_alu(a, w, ALU_SUB, d, RDX);
    } else {
        d = dst_beside(t, op->rd, op->rm, (arg & M_PLAIN) != 0 ? op->rm : op->ra, RDX);
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

/* ---- The table ------------------------------------------------------------------------------- */

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
};
