/*
 * stream.c - the accesses of a hot loop (loop.c): which of them can be looked at for many iterations, and that look.
 *
 * The address of an access is a base and perhaps an index. How each of these registers moves (struct motion) follows from all
 * instructions of the loop that write it: not at all; by constant steps, so much in an iteration at most; or always below a bound, as
 * what a load of a byte leaves. Accesses with the same registers and L0 entry are a stream. From where it is, what it spans and how it
 * moves follows how many iterations it stays inside its window.
 */
#include "accel/soft/jit/loop.h"

#if SOFT_JIT

/* Bounds of steps, and of what is below a bound, in bytes. */
#define STEP_MAX  (1 << 16)
#define BELOW_MAX (1 << 20)

/* ---- How registers move ---------------------------------------------------------------------- */

uint64_t loop_written_by(const struct ti *i)
{
    uint64_t set = 0;

    if (jit_tmpl_branch[i->uop].fn != NULL) {
        return 0;
    }
    if (jit_tmpl_mem[i->uop].fn != NULL) {
        for (unsigned g = 0; g <= X_SP; g++) {
            set |= mem_writes(i, g) ? BIT(g) : 0;
        }
        return set;
    }
    if (jit_tmpl_struct[i->uop].fn != NULL) {
        return BIT(i->op.rn);
    }
    return jit_is_int(i->uop) ? BIT(i->op.rd) : i->touched & BIT(i->op.rd);
}

/* What an integer instruction leaves is less than that; 0: it may be anything. */
static uint64_t below(const struct ti *i)
{
    switch (i->uop) {
    case UOP_and_ri:
    case UOP_ands32_ri:
    case UOP_ands64_ri:
    case UOP_ubfx:
    case UOP_mov_const: return i->op.imm + 1;
    case UOP_ubfiz: return i->op.ra < 32 ? (i->op.imm << i->op.ra) + 1 : 0;
    case UOP_lsr32_ri: return 1ull << (32 - (i->op.imm & 31));
    case UOP_lsr64_ri: return (i->op.imm & 63) != 0 ? 1ull << (64 - (i->op.imm & 63)) : 0;
    default: return 0;
    }
}

static struct motion step(int64_t by)
{
    return by >= -STEP_MAX && by <= STEP_MAX
               ? (struct motion){ MOVES_BY_STEPS, by > 0 ? by : 0, by < 0 ? -by : 0, 0 }
               : (struct motion){ .kind = MOVES_WILDLY };
}

static struct motion bounded(uint64_t limit)
{
    return limit != 0 && limit <= BELOW_MAX ? (struct motion){ .kind = MOVES_BELOW, .below = limit }
                                            : (struct motion){ .kind = MOVES_WILDLY };
}

/* What the instruction does to Xg, which it changes. */
static struct motion motion_by(const struct ti *i, unsigned g)
{
    bool own = i->op.rd == g && i->op.rn == g;
    struct access x;

    if (mem_any_access(i, &x)) {
        if (x.loads_base && x.base == g) {
            return (struct motion){ .kind = MOVES_WILDLY };
        }
        return x.writes_back && x.base == g ? step(x.imm) : bounded(x.below);
    }
    if (own && (i->uop == UOP_add64_ri || i->uop == UOP_adds64_ri)) {
        return step((int64_t)i->op.imm);
    }
    if (own && i->uop == UOP_subs64_ri) {
        return step(-(int64_t)i->op.imm);
    }
    return bounded(below(i));
}

static struct motion both(struct motion a, struct motion b)
{
    if (a.kind == MOVES_NOT || a.kind != b.kind) {
        return a.kind == MOVES_NOT ? b : (struct motion){ .kind = MOVES_WILDLY };
    }
    if (a.kind == MOVES_BY_STEPS) {
        a.up += b.up;
        a.down += b.down;
        return a.up <= STEP_MAX && a.down <= STEP_MAX ? a : (struct motion){ .kind = MOVES_WILDLY };
    }
    a.below = a.below > b.below ? a.below : b.below;
    return a;
}

void loop_motions(const struct tr *t, struct loop *l)
{
    memset(l->motion, 0, sizeof(l->motion));
    l->touched = l->written = 0;
    for (unsigned n = l->first; n <= l->last; n++) {
        const struct ti *i = &t->insn[n];
        uint64_t written = loop_has(l, n) ? loop_written_by(i) & (BIT(X_ZERO) - 1) : 0;

        l->touched |= loop_has(l, n) ? i->touched : 0;
        l->written |= written;
        for (uint64_t left = written; left != 0; left &= left - 1) {
            unsigned g = (unsigned)__builtin_ctzll(left);
            l->motion[g] = both(l->motion[g], motion_by(i, g));
        }
    }
    l->touched &= BIT(X_ZERO) - 1;
}

/* ---- Streams --------------------------------------------------------------------------------- */

static bool is_below(const struct loop *l, unsigned g)
{
    return l->motion[g].kind == MOVES_BELOW;
}

/* Can the access be looked at for many iterations? */
static bool is_foreseen(const struct loop *l, const struct access *x)
{
    if (l->motion[x->base].kind == MOVES_WILDLY) {
        return false;
    }
    if (x->index == NO_INDEX) {
        return !is_below(l, x->base);
    }
    /* An index that is extended may wrap. */
    bool wraps = (x->form == FORM_UXTW || x->form == FORM_SXTW) &&
                 l->motion[x->index].kind == MOVES_BY_STEPS;
    return l->motion[x->index].kind != MOVES_WILDLY && !wraps &&
           !(is_below(l, x->base) && is_below(l, x->index));
}

/* The stream that it would be alone. */
static struct stream stream_of(const struct tr *t, const struct loop *l, const struct access *x)
{
    const struct motion *b = &l->motion[x->base], *m = &l->motion[x->index];
    bool index = x->index != NO_INDEX;
    int64_t at = x->post ? 0 : x->imm;

    return (struct stream){
        .base = (uint8_t)x->base,
        .index = (uint8_t)x->index,
        .form = (uint8_t)(index ? x->form : FORM_IMM),
        .shift = (uint8_t)x->shift,
        .span = (uint8_t)x->span,
        .addend = NOREG,
        .folds = b->kind == MOVES_NOT            ? FOLDS_BASE
                 : index && m->kind == MOVES_NOT ? FOLDS_INDEX
                                                 : FOLDS_NOTHING,
        .l0 = l0_place(t, x->write, x->entry),
        .lo = at,
        .hi = at + (int64_t)b->below + (index ? (int64_t)(m->below << x->shift) : 0),
        .up = b->up + (index ? m->up << x->shift : 0),
        .down = b->down + (index ? m->down << x->shift : 0),
        .accesses = 1,
    };
}

static struct stream *stream_like(struct loop *l, const struct stream *s)
{
    for (unsigned n = 0; n < l->streams; n++) {
        struct stream *have = &l->stream[n];
        if (have->base == s->base && have->index == s->index && have->form == s->form &&
            have->shift == s->shift && have->l0 == s->l0) {
            return have;
        }
    }
    return NULL;
}

static void add_access(struct loop *l, const struct stream *s)
{
    struct stream *have = stream_like(l, s);

    if (have == NULL && l->streams < LOOP_STREAMS) {
        l->stream[l->streams++] = *s;
    } else if (have != NULL) {
        have->lo = s->lo < have->lo ? s->lo : have->lo;
        have->hi = s->hi > have->hi ? s->hi : have->hi;
        have->span = s->span > have->span ? s->span : have->span;
        have->accesses++;
    }
}

void loop_streams(const struct tr *t, struct loop *l)
{
    struct access x;

    l->streams = 0;
    for (unsigned n = l->first; n <= l->last; n++) {
        const struct ti *i = &t->insn[n];
        if (loop_has(l, n) && mem_any_access(i, &x) && !mem_by_tlb(t, i->slot) &&
            is_foreseen(l, &x)) {
            struct stream s = stream_of(t, l, &x);
            add_access(l, &s);
        }
    }
}

struct stream *loop_stream_of(const struct tr *t, struct loop *l, const struct ti *i,
                              struct access *x)
{
    if (!mem_any_access(i, x) || mem_by_tlb(t, i->slot) || !is_foreseen(l, x)) {
        return NULL;
    }
    struct stream s = stream_of(t, l, x);
    return stream_like(l, &s);
}

const struct stream *loop_stream(const struct tr *t)
{
    struct access x;

    return loop_stream_of(t, t->loop, t->i, &x);
}

/* ---- The look -------------------------------------------------------------------------------- */

/* RAX = the index of a stream, extended and shifted. Uses RAX only. */
static void get_index(struct tr *t, const struct stream *s)
{
    struct as *a = &t->a;
    int m = tr_src(t, 64, s->index, RAX);

    if (s->form == FORM_UXTW) {
        as_rr(a, 0, 32, 0x8b, RAX, m, false);
    } else if (s->form == FORM_SXTW) {
        as_rr(a, 0, 64, 0x63, RAX, m, false);
    } else {
        as_mov(a, 64, RAX, m);
    }
    if (s->shift != 0) {
        as_shift(a, 64, SH_SHL, RAX, s->shift);
    }
}

/* RAX = the address of its first byte as the loop begins; what is below a bound counts as 0. Uses RDX. */
static void get_address(struct tr *t, const struct loop *l, const struct stream *s)
{
    struct as *a = &t->a;
    bool index = s->index != NO_INDEX && !is_below(l, s->index);

    if (index) {
        get_index(t, s);
    }
    if (!is_below(l, s->base)) {
        int b = tr_src(t, 64, s->base, RDX);
        if (index) {
            as_lea_x(a, 64, RAX, RAX, b, 0, (int32_t)s->lo);
            return;
        }
        as_lea(a, 64, RAX, b, (int32_t)s->lo);
    } else if (s->lo != 0) {
        as_lea(a, 64, RAX, RAX, (int32_t)s->lo);
    }
}

/* RCX = the less of RCX and of the steps that fit into the bytes in reg, which changes. */
static void limit_by(struct as *a, int reg, int64_t bytes)
{
    unsigned shift = bytes > 1 ? 64u - (unsigned)__builtin_clzll((uint64_t)bytes - 1) : 0;

    if (shift != 0) {
        as_shift(a, 64, SH_SHR, reg, shift);
    }
    as_alu(a, 64, ALU_CMP, reg, RCX);
    as_rr(a, 0, 64, 0x0f42, RCX, reg, false); /* CMOVB */
}

/* RCX becomes no more than the iterations for which the stream stays in its window; if that is left already, to slow. */
static void look_at_stream(struct tr *t, const struct loop *l, const struct stream *s,
                           const uint8_t *slow)
{
    int32_t limit = (int32_t)(s->span <= L0_NARROW ? offsetof(struct l0_entry, narrow)
                                                   : offsetof(struct l0_entry, wide));
    struct as *a = &t->a;

    get_address(t, l, s);
    as_alu_m(a, 64, ALU_SUB, RAX, RBP, s->l0 + (int32_t)offsetof(struct l0_entry, lo));
    as_load(a, 64, RDX, RBP, s->l0 + limit);
    if (s->hi != s->lo) {
        as_alu_i(a, 64, ALU_SUB, RDX, (int32_t)(s->hi - s->lo));
        as_jcc_to(a, CC_B, slow);
    }
    as_alu(a, 64, ALU_SUB, RDX, RAX);
    as_jcc_to(a, CC_BE, slow);
    if (s->up != 0) {
        as_lea(a, 64, RDX, RDX, -1);
        limit_by(a, RDX, s->up);
    }
    if (s->down != 0) {
        limit_by(a, RAX, s->down);
    }
}

/* What is below a bound in the loop must be so when it begins. */
static void look_at_bounds(struct tr *t, const struct loop *l, const uint8_t *slow)
{
    uint64_t indices = 0;

    for (unsigned n = 0; n < l->streams; n++) {
        const struct stream *s = &l->stream[n];
        indices |= is_below(l, s->base) ? BIT(s->base) : 0;
        indices |= s->index != NO_INDEX && is_below(l, s->index) ? BIT(s->index) : 0;
    }
    for (; indices != 0; indices &= indices - 1) {
        unsigned g = (unsigned)__builtin_ctzll(indices);
        as_alu_i(&t->a, 64, ALU_CMP, tr_src(t, 64, g, RAX), (int32_t)l->motion[g].below);
        as_jcc_to(&t->a, CC_AE, slow);
    }
}

static void get_addend(struct tr *t, const struct stream *s)
{
    struct as *a = &t->a;

    if (s->addend == NOREG) {
        return;
    }
    if (s->folds == FOLDS_INDEX) {
        get_index(t, s);
    }
    as_load(a, 64, s->addend, RBP, s->l0 + (int32_t)offsetof(struct l0_entry, addend));
    if (s->folds == FOLDS_BASE) {
        tr_alu(t, 64, ALU_ADD, s->addend, s->base);
    } else if (s->folds == FOLDS_INDEX) {
        as_alu(a, 64, ALU_ADD, s->addend, RAX);
    }
}

void loop_look(struct tr *t, const struct loop *l, const uint8_t *slow)
{
    look_at_bounds(t, l, slow);
    for (unsigned n = 0; n < l->streams; n++) {
        look_at_stream(t, l, &l->stream[n], slow);
    }
}

void loop_addends(struct tr *t, const struct loop *l)
{
    for (unsigned n = 0; n < l->streams; n++) {
        get_addend(t, &l->stream[n]);
    }
}

#endif
