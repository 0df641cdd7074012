/*
 * t_branch.c - templates of branches (bodies: op_int.c).
 */
#include "accel/soft/bti.h"
#include "accel/soft/jit/vec.h"

/* The slot that a near branch goes to. */
static unsigned near_slot(const struct tr *t, const struct op *op)
{
    return (unsigned)((int64_t)t->i->slot + (int64_t)op->imm / OP_BYTES);
}

/* X30 = address of the next instruction; answers the host's register that is it. */
static int link_register(struct tr *t)
{
    int d = tr_dst(t, 30, RCX);

    tr_va(t, d, 4 * (t->i->slot + 1));
    tr_put(t, 30, d);
    return d;
}

#define A64_RET 0xd65f0000u /* but for its register */

static void save_live(struct tr *t)
{
    if (t->i->need_out && t->fk != FK_NONE && !t->fsaved) {
        tr_flags_save(t);
    }
}

/* ---- Calls and returns: see stubs.c for the frames ------------------------------------------- */

/* Is there room? looks: at pending, too, as a call may be the only look in a recursion. Then X30 and its frame. */
static void open_frame(struct tr *t, bool looks)
{
    struct as *a = &t->a;
    struct cold *c;

    as_alu_m(a, 64, ALU_CMP, RSP, RBP, OFF(host_limit));
    c = tr_cold(t, COLD_PENDING, as_jcc(a, CC_BE));
    if (looks) {
        as_alu_mi(a, 32, ALU_CMP, RBP, OFF(pending), 0);
        c->from[1] = as_jcc(a, CC_NE);
        c->from[2] = jit_look_at_limit(a, t->jit);
    }
    t->fk = FK_NONE; /* the caller has stored NZCV */
    as_push(a, link_register(t));
}

/* Where a return goes on, behind the host's CALL. */
static void landing(struct tr *t)
{
    struct as *a = &t->a;
    bool to_next_page = t->i->slot + 1 == PAGE_SLOTS;

    as_pop(a, RAX); /* the address */
    t->bias = OP_BYTES * (t->i->slot + 1);
    t->fk = FK_NONE;
    vregs_forget(t);
    if (to_next_page) {
        tr_far(t, (struct far_way){ 0 });
        t->ended = true;
        return;
    }
    if (!tr_at_one(t)) {
        as_alu_i(a, 64, ALU_AND, RAX, -(int32_t)SOFT_PAGE);
        as_store(a, 64, RAX, RBP, OFF(page_va));
    }
    if (t->i + 1 < &t->insn[t->count] && t->i[1].slot == t->i->slot + 1 && t->i[1].unsure) {
        tr_redo_note(t, NZ_MEMORY);
    }
    tr_count(t, 0);
}

static void near_call(struct tr *t, const struct op *op)
{
    open_frame(t, true);
    tr_goto_call(t, near_slot(t, op));
    landing(t);
}

/* RAX: the target. */
static void far_call(struct tr *t, bool typed, bool by_register)
{
    tr_count(t, OP_BYTES * (t->i->slot + 1));
    tr_far(t, (struct far_way){ .typed = typed, .call = true, .by_register = by_register });
    landing(t);
}

void tr_return(struct tr *t, int reg)
{
    uint8_t *limit;

    if (reg != RAX && (t->jit->limited || reg != tr_pin(t, 30))) {
        as_mov(&t->a, 64, RAX, reg);
        reg = RAX;
    }
    limit = jit_look_at_limit(&t->a, t->jit);
    if (limit != NULL) {
        as_patch(&t->a, limit, t->jit->far_miss);
    }
    as_alu_m(&t->a, 64, ALU_CMP, reg, RSP, 8);
    as_jcc_to(&t->a, CC_NE, reg == RAX ? t->jit->ret_miss : t->jit->ret_miss_x30);
    as_1(&t->a, 0xc3);
    t->ended = true;
}

/* ---- Branches -------------------------------------------------------------------------------- */

/* The far way of a direct branch: cc < 0 always. */
static void far_branch(struct tr *t, int cc, const struct op *op)
{
    struct cold *c;

    if (cc >= 0) {
        c = tr_cold(t, COLD_FAR, as_jcc(&t->a, (enum cc)cc));
        c->imm = (int64_t)op->imm;
        c->save = tr_flags_unsaved(t, true);
        return;
    }
    tr_va(t, RAX, (int64_t)op->imm);
    tr_count(t, OP_BYTES * (t->i->slot + 1));
    tr_far(t, (struct far_way){ 0 });
    t->ended = true;
}

static void near_branch(struct tr *t, int cc, const struct op *op)
{
    tr_goto(t, cc, near_slot(t, op));
    t->ended = cc < 0;
}

enum { FAR_FORM = 1, LINKS = 2, IF_NOT = 4, IS64 = 8, TYPED = 16 };

static void t_b(struct tr *t, const struct op *op, unsigned arg)
{
    if ((arg & FAR_FORM) != 0) {
        save_live(t);
        far_branch(t, -1, op);
        return;
    }
    if (t->at[near_slot(t, op)] >= 0) {
        save_live(t);
    }
    near_branch(t, -1, op);
}

static void t_bl(struct tr *t, const struct op *op, unsigned arg)
{
    save_live(t);
    if ((arg & FAR_FORM) == 0) {
        near_call(t, op);
        return;
    }
    open_frame(t, false);
    tr_va(t, RAX, (int64_t)op->imm);
    far_call(t, false, false);
}

/* A way that is taken more often than not. */
static bool to_loop(const struct tr *t, unsigned slot)
{
    return slot <= t->i->slot && t->at[slot] >= 0;
}

static void t_bcond(struct tr *t, const struct op *op, unsigned arg)
{
    enum cc cc = tr_cond(t, arg >> 8);

    if ((arg & FAR_FORM) != 0) {
        far_branch(t, (int)cc, op);
        return;
    }
    if (to_loop(t, near_slot(t, op)) &&
        tr_flags_unsaved(t, tr_need_at(t, near_slot(t, op))) != FK_NONE) {
        tr_flags_save(t);
        cc = tr_cond(t, arg >> 8); /* what EFLAGS hold may have changed its kind */
    }
    near_branch(t, (int)cc, op);
}

static void t_cbz(struct tr *t, const struct op *op, unsigned arg)
{
    enum cc cc = (arg & IF_NOT) != 0 ? CC_NE : CC_E;
    int w = (arg & IS64) != 0 ? 64 : 32, home;

    tr_clobber(t);
    home = tr_home(t, op->rn);
    if (home == NOREG) {
        as_alu_mi(&t->a, w, ALU_CMP, RBP, XOFF(op->rn), 0);
    } else {
        as_test(&t->a, w, home, home);
    }
    if ((arg & FAR_FORM) != 0) {
        far_branch(t, (int)cc, op);
    } else {
        near_branch(t, (int)cc, op);
    }
}

static void t_tbz(struct tr *t, const struct op *op, unsigned arg)
{
    enum cc cc = (arg & IF_NOT) != 0 ? CC_B : CC_AE;

    tr_clobber(t);
    int home = tr_home(t, op->rn);
    if (home == NOREG) {
        as_rm(&t->a, 0, 64, 0x0fba, 4, RBP, XOFF(op->rn), false); /* BT */
    } else {
        as_rr(&t->a, 0, 64, 0x0fba, 4, home, false);
    }
    as_1(&t->a, op->ra);
    if ((arg & FAR_FORM) != 0) {
        far_branch(t, (int)cc, op);
    } else {
        near_branch(t, (int)cc, op);
    }
}

static void t_br(struct tr *t, const struct op *op, unsigned arg)
{
    bool typed = (arg & TYPED) != 0;

    save_live(t);
    if ((op->word & 0xfffffc1f) == A64_RET) {
        tr_count(t, OP_BYTES * (t->i->slot + 1));
        tr_return(t, tr_src(t, 64, op->rn, RAX));
        return;
    }
    tr_get(t, 64, RAX, op->rn);
    if ((arg & LINKS) != 0) {
        open_frame(t, false);
    }
    tr_count(t, OP_BYTES * (t->i->slot + 1));
    if (typed) {
        as_rm(&t->a, 0, 32, 0xc7, 0, RBP, OFF(btype), false);
        as_4(&t->a, (arg & LINKS) != 0 ? BTYPE_CALL : op->rd);
        as_load(&t->a, 64, RCX, RBP, OFF(count_bias));
        as_store(&t->a, 64, RCX, RBP, OFF(btype_count));
    }
    if ((arg & LINKS) != 0) {
        far_call(t, typed, true);
    } else {
        tr_far(t, (struct far_way){ .typed = typed });
        t->ended = true;
    }
}

#define T(name, fn_, arg_)  [UOP_##name] = { fn_, arg_ }
#define T_NF(name, fn, arg) T(name##_near, fn, arg), T(name##_far, fn, (arg) | FAR_FORM)
#define T_COND(cc, n)       T(b_near_##cc, t_bcond, (n) << 8), T(b_far_##cc, t_bcond, (n) << 8 | FAR_FORM)

const struct tmpl jit_tmpl_branch[UOP_COUNT] = {
    T_NF(b, t_b, 0),
    T_NF(bl, t_bl, 0),
    T_COND(eq, 0),
    T_COND(ne, 1),
    T_COND(hs, 2),
    T_COND(lo, 3),
    T_COND(mi, 4),
    T_COND(pl, 5),
    T_COND(vs, 6),
    T_COND(vc, 7),
    T_COND(hi, 8),
    T_COND(ls, 9),
    T_COND(ge, 10),
    T_COND(lt, 11),
    T_COND(gt, 12),
    T_COND(le, 13),
    T_NF(cbz32, t_cbz, 0),
    T_NF(cbz64, t_cbz, IS64),
    T_NF(cbnz32, t_cbz, IF_NOT),
    T_NF(cbnz64, t_cbz, IF_NOT | IS64),
    T_NF(tbz, t_tbz, 0),
    T_NF(tbnz, t_tbz, IF_NOT),
    T(br, t_br, 0),
    T(blr, t_br, LINKS),
    T(br_bti, t_br, TYPED),
    T(blr_bti, t_br, TYPED | LINKS),
};
