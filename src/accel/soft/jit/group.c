/*
 * group.c - one look for neighbouring accesses off one base.
 *
 * Loads, or stores, with immediate offsets from the same base register make a group if nothing between them can be entered from
 * elsewhere or changes the base but by a constant. The first looks whether the lowest and the highest byte that any of them
 * touches are in the window of the base's L0 entry; the others only fetch the addend. If they are in no window, the first
 * access's body runs and the interpreter goes on after it. Where that is frequent, jit_rethink forbids the group. Between two
 * accesses of a group no context changes: what could do that leaves, or is no part of groups.
 */
#include "accel/soft/jit/mem.h"
#include "accel/soft/jit/region.h"

#if SOFT_JIT

/* Instructions from the first to the last; bytes that they may span. */
#define GROUP_REACH 24
#define GROUP_BYTES 512

/* Does the instruction leave the group's base alone? Templates that may change the context or the level are none of these. */
static bool is_transparent(const struct ti *i, unsigned base)
{
    bool plain = jit_is_int(i->uop) || jit_tmpl_fp[i->uop].fn != NULL ||
                 jit_tmpl_simd[i->uop].fn != NULL || jit_tmpl_simd_fp[i->uop].fn != NULL;

    if (jit_tmpl_branch[i->uop].fn != NULL) {
        return jit_falls(i->uop);
    }
    if (jit_tmpl_mem[i->uop].fn != NULL) {
        return !mem_writes(i, base);
    }
    return plain && i->op.rd != base;
}

/* The constant by which an addition changes its own base; 0: it is none. */
static int64_t step_of(const struct ti *i, unsigned base)
{
    int64_t step = (int64_t)i->op.imm;
    bool own = i->uop == UOP_add64_ri && i->op.rd == base && i->op.rn == base;

    return own && step >= -GROUP_BYTES && step <= GROUP_BYTES ? step : 0;
}

/* The range so far, from the base as the first access finds it; where the base is now. */
struct reach {
    int64_t lo, hi, at;
    unsigned count;
};

/* False: the access would stretch the group too far. */
static bool add_access(struct reach *r, const struct access *x)
{
    int64_t first = r->at + (x->post ? 0 : x->imm), lo = r->lo, hi = r->hi;

    lo = first < lo ? first : lo;
    hi = first + x->span > hi ? first + x->span : hi;
    if (hi - lo > GROUP_BYTES) {
        return false;
    }
    r->lo = lo;
    r->hi = hi;
    r->at += x->writes_back ? x->imm : 0;
    r->count++;
    return true;
}

/* Is it worth while? Two looks are for three accesses. */
static bool pays(const struct reach *r)
{
    return r->count > 2 || (r->count == 2 && r->hi - r->lo <= L0_WIDE);
}

/* What one instruction is to the group that t->i may begin. */
enum part { PART_NONE, PART_ENDS, PART_OTHER, PART_MEMBER };

static enum part part_of(const struct ti *i, const struct access *first, struct reach *r)
{
    int64_t step = step_of(i, first->base);
    struct access x;

    if (!mem_access(i, &x) || x.base != first->base) {
        r->at += step;
        return step != 0 || is_transparent(i, first->base) ? PART_OTHER : PART_NONE;
    }
    if (x.loads_base && x.writes_back) {
        return PART_NONE;
    }
    if (x.write != first->write) {
        r->at += x.writes_back ? x.imm : 0;
        return x.loads_base ? PART_NONE : PART_OTHER;
    }
    if (!add_access(r, &x)) {
        return PART_NONE;
    }
    return x.loads_base ? PART_ENDS : PART_MEMBER;
}

/* Is the next instruction reached from i and from nowhere else? */
static bool goes_on(const struct tr *t, const struct ti *i)
{
    const struct ti *next = i + 1;

    return next < t->insn + t->count && next - t->i < GROUP_REACH && next->slot == i->slot + 1 &&
           !next->join && !next->entry && !next->loop;
}

/* Has one that begins here been refused often? */
static bool is_forbidden(const struct tr *t)
{
    return (t->page->jit->no_group[t->i->slot / 64] >> t->i->slot % 64 & 1) != 0;
}

bool group_plan(struct tr *t, const struct access *first)
{
    struct reach r = { .lo = INT64_MAX, .hi = INT64_MIN }, taken = r;
    const struct ti *i = t->i, *last = i;
    enum part part;

    if (first->base >= X_ZERO || t->page->aligned || is_forbidden(t)) {
        return false;
    }
    do {
        part = part_of(i, first, &r);
        if (part == PART_MEMBER || part == PART_ENDS) {
            last = i;
            taken = r;
        }
    } while (part > PART_ENDS && goes_on(t, i++));
    if (!pays(&taken)) {
        return false;
    }
    t->group.last = last;
    t->group.base = first->base;
    t->group.write = first->write;
    t->group.lo = (int32_t)taken.lo;
    t->group.hi = (int32_t)taken.hi;
    return true;
}

bool group_has(const struct tr *t, const struct access *x)
{
    return t->group.last != NULL && t->i <= t->group.last && x->base == t->group.base &&
           x->write == t->group.write;
}

/* Both ends of the range are in the window, which is larger than what is between them. */
static void look(struct tr *t, struct cold *c, int base, int32_t l0)
{
    struct as *a = &t->a;
    unsigned span = (unsigned)(t->group.hi - t->group.lo);

    if (span <= L0_WIDE) {
        c->from[0] = l0_look(t, base, t->group.lo, span, l0);
        return;
    }
    c->from[0] = l0_look(t, base, t->group.lo, 1, l0);
    as_alu_i(a, 64, ALU_ADD, RAX, (int32_t)(span - L0_NARROW));
    as_alu_m(a, 64, ALU_CMP, RAX, RBP, l0 + (int32_t)offsetof(struct l0_entry, narrow));
    c->from[1] = as_jcc(a, CC_AE);
}

void group_open(struct tr *t, struct place at, int32_t l0)
{
    struct cold *c = tr_cold(t, COLD_GROUP, NULL);

    look(t, c, at.base, l0);
    t->group.l0 = l0;
    c->back = t->a.p;
    c->l0 = l0;
    c->write = t->group.write;
    c->base = (int8_t)t->group.base;
    c->lo = t->group.lo;
    c->hi = t->group.hi;
    c->imm = at.disp;
}

/* An L0 entry for the first byte of the range. ZF: there is one now. */
static void fetch(struct tr *t, const struct cold *c)
{
    struct as *a = &t->a;

    as_lea(a, 64, RDX, tr_src(t, 64, (unsigned)c->base, RDX), c->lo);
    as_imm(a, RCX, (uint64_t)(int64_t)c->l0);
    as_imm(a, RAX, (uint64_t)(uintptr_t)&t->page->ops[c->slot]);
    as_call_to(a, (c->write ? t->jit->l0_write : t->jit->l0_read)[t->page->el0][0]);
}

/* The answered jump is taken if the whole range is in the window, as its first byte is. */
static uint8_t *in_window(struct tr *t, const struct cold *c)
{
    struct as *a = &t->a;

    as_lea(a, 64, RAX, tr_src(t, 64, (unsigned)c->base, RDX), c->lo);
    as_alu_m(a, 64, ALU_SUB, RAX, RBP, c->l0 + (int32_t)offsetof(struct l0_entry, lo));
    as_alu_i(a, 64, ALU_ADD, RAX, c->hi - c->lo - (L0_NARROW - 1));
    as_alu_m(a, 64, ALU_CMP, RAX, RBP, c->l0 + (int32_t)offsetof(struct l0_entry, narrow));
    return as_jcc(a, CC_LE);
}

void group_cold(struct tr *t, const struct cold *c)
{
    struct as *a = &t->a;
    uint8_t *have, *none, *fits;

    fetch(t, c);
    have = as_jcc(a, CC_E);
    as_lea(a, 64, RCX, tr_src(t, 64, (unsigned)c->base, RCX), (int32_t)c->imm);
    as_imm(a, RDX, c->write);
    as_call_to(a, t->jit->probe);
    fetch(t, c);
    none = as_jcc(a, CC_NE);
    as_patch(a, have, a->p);
    fits = in_window(t, c);
    as_patch(a, none, a->p);
    as_imm(a, RAX, (uint64_t)(uintptr_t)&t->page->ops[c->slot]);
    as_call_to(a, t->jit->group_miss);
    tr_interpret(t, c);
    as_patch(a, fits, a->p);
    tr_src(t, 64, (unsigned)c->base, RDX); /* as it was */
    as_jmp_to(a, c->back);
}

#endif
