/*
 * loop.c - hot loops once more: with host registers of their own, and one look at memory for many iterations.
 *
 * A loop's head counts its iterations until they are many (loop_count). Then its region is translated again, and after the
 * region comes the loop by itself. If that turns out to be left as soon as it is taken, it goes again (rethink_loop in rethink.c).
 *
 *       region:  head:   ...                       loop:  take:  as many iterations as no access leaves its L0 window: few?
 *                        jcc  take                               to head, the loop of the region. Else its registers are
 *                        ...                                     fetched, and on
 *                                                         head:  one iteration less; none left? (registers put back) take
 *                                                                ...
 *                                                                jcc  head
 *                                                                ... (registers put back) on in the region
 *
 * Which accesses that can be said of is found out in stream.c. Whatever else an instruction looks at, and finds amiss, is no case
 * for this copy: its cold code puts the registers back and goes on by that of the same instruction in the region, its twin. So
 * the copy has no exceptions, no calls and no ways in, and since it leaves for whatever fills L0 entries or changes contexts, what
 * has been looked at stays true.
 *
 * Registers that the loop does not touch lend their host registers to those it does, to the addends of its streams and to the count.
 */
#include "accel/soft/jit/loop.h"
#include "accel/soft/jit/mem.h"
#include "accel/soft/jit/region.h"

#if SOFT_JIT

#define MEMBERS_MAX 128
/* Iterations until pending is looked at; so few that it does not pay. */
#define LOOP_MOST   1024
#define LOOP_FEWEST 4
/* Where a copy begins in a line of the host's cache of instructions: of the eighths of one, this and the one before were the best where
 * it mattered (bench row fsm, by a quarter). */
#define LOOP_AT    16
#define ROOM_BYTES (32 << 10)

bool loop_has(const struct loop *l, unsigned n)
{
    return n >= l->first && n <= l->last && (l->member[n / 64] >> n % 64 & 1) != 0;
}

/* ---- Which loops ----------------------------------------------------------------------------- */

/* Where the instruction branches to, sometimes, in the page, and is no call; or -1. */
static int target_of(const struct ti *i)
{
    return i->uop == UOP_bl_near ? -1 : jit_near_target(i);
}

/* Does one of its ways lead to a member, not as the next iteration? */
static bool leads_to_member(const struct tr *t, const struct loop *l, unsigned n)
{
    for (unsigned way = 0; way < 2; way++) {
        int next = t->insn[n].next[way];
        if (next > (int)l->first && loop_has(l, (unsigned)next)) {
            return true;
        }
    }
    return false;
}

/* Everything from which the head is reached again, without leaving: those that branch to it, and backward from there. */
static unsigned find_members(const struct tr *t, struct loop *l)
{
    unsigned count = 0;
    bool again = true;

    memset(l->member, 0, sizeof(l->member));
    for (unsigned n = l->first; n <= l->last; n++) {
        if (target_of(&t->insn[n]) == (int)t->insn[l->first].slot) {
            l->member[n / 64] |= BIT(n % 64);
            count++;
        }
    }
    while (again) {
        again = false;
        for (unsigned n = l->last + 1; n-- > l->first;) {
            if (!loop_has(l, n) && leads_to_member(t, l, n)) {
                l->member[n / 64] |= BIT(n % 64);
                count++;
                again = true;
            }
        }
    }
    return count;
}

/* Has it a template that only computes, loads or stores, or branches? */
static bool is_plain(const struct ti *i)
{
    enum uop u = i->uop;

    if (jit_tmpl_branch[u].fn != NULL) {
        return target_of(i) >= 0 || jit_falls(u);
    }
    return jit_is_int(u) || jit_tmpl_mem[u].fn != NULL || jit_tmpl_struct[u].fn != NULL ||
           jit_tmpl_fp[u].fn != NULL || jit_tmpl_simd[u].fn != NULL ||
           jit_tmpl_simd_long[u].fn != NULL || jit_tmpl_simd_perm[u].fn != NULL ||
           jit_tmpl_simd_fp[u].fn != NULL || jit_tmpl_simd_sat[u].fn != NULL ||
           jit_tmpl_crypto[u].fn != NULL;
}

/* May the member be in a copy? No loop inside the loop; no way into the next page. */
static bool member_fits(const struct tr *t, const struct loop *l, unsigned n)
{
    const struct ti *i = &t->insn[n];
    int target = i->next[0];

    return is_plain(i) && (i->slot + 1 < PAGE_SLOTS || !jit_falls(i->uop)) &&
           (target < 0 || target > (int)n || target == (int)l->first ||
            !loop_has(l, (unsigned)target));
}

/* The innermost loop of that head, if it may be copied. */
static bool find(const struct tr *t, const struct ti *head, struct loop *l)
{
    l->first = l->last = (unsigned)(head - t->insn);
    for (unsigned n = l->first; n < t->count; n++) {
        if (target_of(&t->insn[n]) == (int)head->slot) {
            l->last = n;
        }
    }
    if (find_members(t, l) > MEMBERS_MAX || !loop_has(l, l->first)) {
        return false;
    }
    for (unsigned n = l->first; n <= l->last; n++) {
        if (loop_has(l, n) && !member_fits(t, l, n)) {
            return false;
        }
    }
    return true;
}

/* ---- Heads are counted ----------------------------------------------------------------------- */

static bool slot_bit(const uint64_t *set, unsigned slot)
{
    return (set[slot / 64] >> slot % 64 & 1) != 0;
}

/* Not where each access checks its alignment, nor where something is to be done for each instruction or after so many of them. */
static bool are_copied(const struct tr *t)
{
    return !t->page->aligned && t->jit->diverge == NULL && !t->jit->limited;
}

/* A field of the head's struct loop_cell, from RBP. */
static int32_t cell_at(const struct tr *t, const struct ti *head, size_t field)
{
    return OFF(loops[0]) +
           (int32_t)(loop_cell(t->page, head->slot) * sizeof(struct loop_cell) + field);
}

/* One less of what is counted for the head; when nothing is left, to jit_rethink. */
static void count_one(struct tr *t, const struct ti *head)
{
    struct cold *c;

    as_alu_mi(&t->a, 64, ALU_SUB, RBP, cell_at(t, head, offsetof(struct loop_cell, left)), 1);
    c = tr_cold(t, COLD_LOOP, as_jcc(&t->a, CC_S));
    c->slot = head->slot;
}

/* cell->ran op= reg. */
static void count_ran(struct tr *t, const struct ti *head, enum alu op, int reg)
{
    as_rm(&t->a, 0, 64, (uint32_t)op * 8 + 1, reg, RBP,
          cell_at(t, head, offsetof(struct loop_cell, ran)), false);
}

void loop_count(struct tr *t, const struct ti *head)
{
    if (are_copied(t) && !slot_bit(t->page->jit->loop_known, head->slot) &&
        find(t, head, &t->loops[0])) {
        count_one(t, head);
    }
}

/* ---- Registers ------------------------------------------------------------------------------- */

/* A register that the loop leaves alone lends its place; NOREG: there is none any more. */
static int8_t borrow(struct loop *l)
{
    for (unsigned g = 0; g < X_ZERO; g++) {
        if (jit_pin[g] != NOREG && (l->touched >> g & 1) == 0 && (l->homeless >> g & 1) == 0) {
            l->homeless |= BIT(g);
            return jit_pin[g];
        }
    }
    return NOREG;
}

/* Accesses that a host register for Xg would save: none of struct cpu for its address if that is part of an addend. */
static unsigned worth(const struct tr *t, struct loop *l, unsigned g)
{
    unsigned count = 0;
    struct access x;

    for (unsigned n = l->first; n <= l->last; n++) {
        const struct ti *i = &t->insn[n];
        const struct stream *s;

        if (!loop_has(l, n) || (i->touched >> g & 1) == 0) {
            continue;
        }
        s = loop_stream_of(t, l, i, &x);
        bool folded = s != NULL && s->addend != NOREG && i->op.rd != g &&
                      ((s->folds == FOLDS_BASE && x.base == g && x.index != g) ||
                       (s->folds == FOLDS_INDEX && x.index == g && x.base != g));
        count += !folded + ((loop_written_by(i) >> g & 1) != 0);
    }
    return count;
}

static struct stream *busiest(struct loop *l)
{
    struct stream *best = NULL;

    for (unsigned n = 0; n < l->streams; n++) {
        struct stream *s = &l->stream[n];
        if (s->addend == NOREG && (best == NULL || s->accesses > best->accesses)) {
            best = s;
        }
    }
    return best;
}

/* The register in memory that is used most; its worth, or 0. */
static unsigned neediest(const struct tr *t, struct loop *l, unsigned *g)
{
    unsigned best = 0;

    for (unsigned n = 0; n < X_SP; n++) {
        unsigned w = (l->touched >> n & 1) != 0 && l->pin[n] == NOREG ? worth(t, l, n) : 0;
        if (w > best) {
            best = w;
            *g = n;
        }
    }
    return best;
}

/* Who gets the host registers. False: not even the count. */
static bool settle(const struct tr *t, struct loop *l)
{
    int8_t reg;

    memcpy(l->pin, jit_pin, sizeof(l->pin));
    l->lodgers = l->homeless = 0;
    l->counter = reg = borrow(l);
    while (reg != NOREG) {
        struct stream *s = busiest(l);
        unsigned g = 0, need = neediest(t, l, &g);

        if ((s == NULL && need == 0) || (reg = borrow(l)) == NOREG) {
            break;
        }
        if (s != NULL && s->accesses + (s->folds != FOLDS_NOTHING) >= need) {
            s->addend = reg;
        } else {
            l->pin[g] = reg;
            l->lodgers |= BIT(g);
        }
    }
    for (unsigned n = 0; n < l->streams; n++) {
        if (l->stream[n].addend == NOREG) {
            l->stream[n].folds = FOLDS_NOTHING;
        }
    }
    return l->counter != NOREG;
}

/* From their places in the region to those in the loop; and back. */
static void move_in(struct tr *t, const struct loop *l)
{
    struct as *a = &t->a;

    for (unsigned g = 0; g < X_ZERO; g++) {
        if ((l->homeless >> g & 1) != 0) {
            as_store(a, 64, jit_pin[g], RBP, XOFF(g));
        }
    }
    for (unsigned g = 0; g < X_ZERO; g++) {
        if ((l->lodgers >> g & 1) != 0) {
            as_load(a, 64, l->pin[g], RBP, XOFF(g));
        }
    }
}

static void move_out(struct tr *t, const struct loop *l)
{
    struct as *a = &t->a;

    count_ran(t, &t->insn[l->first], ALU_ADD, l->counter);
    for (unsigned g = 0; g < X_ZERO; g++) {
        if ((l->lodgers & l->written) >> g & 1) {
            as_store(a, 64, l->pin[g], RBP, XOFF(g));
        }
    }
    for (unsigned g = 0; g < X_ZERO; g++) {
        if ((l->homeless >> g & 1) != 0) {
            as_load(a, 64, jit_pin[g], RBP, XOFF(g));
        }
    }
}

/* ---- The copy -------------------------------------------------------------------------------- */

/* The way into the copy, for those that come to the head again. */
static void take(struct tr *t, struct loop *l, struct ti *head)
{
    const uint8_t *slow = head->host;
    struct as *a = &t->a;
    struct cold *c;

    head->take = a->p;
    as_alu_mi(a, 32, ALU_CMP, RBP, OFF(pending), 0);
    c = tr_cold(t, COLD_PENDING, as_jcc(a, CC_NE));
    c->slot = head->slot;
    c->bias = 0;
    count_one(t, head);
    as_imm(a, RCX, LOOP_MOST);
    loop_look(t, l, slow);
    as_alu_i(a, 64, ALU_CMP, RCX, LOOP_FEWEST);
    as_jcc_to(a, CC_B, slow);
    move_in(t, l);
    loop_addends(t, l);
    as_mov(a, 64, l->counter, RCX);
    count_ran(t, head, ALU_SUB, RCX);
}

/* Each look that may fail has its twin: the instruction has the same in the region. */
static bool pair_twins(struct tr *t, const struct ti *i, unsigned from)
{
    for (unsigned n = from; n < t->colds; n++) {
        struct cold *c = &t->cold[n];

        if (c->kind == COLD_WAY || c->kind == COLD_EXIT || c->kind == COLD_FAR) {
            continue;
        }
        c->twin = (uint16_t)(i->cold + (n - from));
        if (n - from >= i->colds || t->cold[c->twin].kind != c->kind) {
            return false;
        }
    }
    return true;
}

static void count_down(struct tr *t, const struct loop *l)
{
    as_alu_i(&t->a, 64, ALU_SUB, l->counter, 1);
    tr_cold(t, COLD_EXPIRE, as_jcc(&t->a, CC_B));
}

static void member(struct tr *t, struct loop *l, struct ti *i)
{
    uint64_t touched = i->touched;

    t->i = i;
    if (i->join || i->entry || i->loop) {
        tr_join(t, i);
    }
    l->start[i - &t->insn[l->first]] = t->a.p;
    if (i == &t->insn[l->first]) {
        count_down(t, l);
    }
    unsigned from = t->colds;
    tr_instruction(t, i);
    l->refused |= !pair_twins(t, i, from);
    i->touched = touched;
}

/* Leaves room, so that the copy's first instruction lies well: see LOOP_AT. */
static void align(struct as *a)
{
    uint8_t *over = as_jmp(a);

    while (((uintptr_t)a->p & 63) != LOOP_AT && !a->full) {
        as_1(a, 0xcc);
    }
    as_patch(a, over, a->p);
}

/* False: an instruction needs what only the region has. */
static bool copy(struct tr *t, struct loop *l)
{
    l->refused = false;
    t->loop = l;
    t->pin = l->pin;
    tr_forget(t);
    for (unsigned n = l->first; n <= l->last && !l->refused; n++) {
        if (loop_has(l, n)) {
            member(t, l, &t->insn[n]);
        }
    }
    t->loop = NULL;
    t->pin = jit_pin;
    tr_forget(t);
    return !l->refused && !t->a.full;
}

bool loop_inside(const struct tr *t, unsigned slot)
{
    int n = t->at[slot];

    return n >= 0 && loop_has(t->loop, (unsigned)n);
}

bool loop_cold(struct tr *t, const struct cold *c)
{
    const struct loop *l = &t->loops[c->loop - 1];

    switch (c->kind) {
    case COLD_WAY: tr_fix(t, as_jmp(&t->a), c->slot, FIX_LOOP + (c->loop - 1u)); return true;
    case COLD_FAR: move_out(t, l); return false;
    case COLD_EXIT:
        move_out(t, l);
        tr_way_on(t, c);
        return true;
    case COLD_EXPIRE:
        move_out(t, l);
        tr_tell_region(t, &t->insn[l->first], c->copy_nz);
        as_jmp_to(&t->a, t->insn[l->first].take);
        return true;
    default:
        if (c->kind == COLD_L0) { /* its twin wants the address there */
            as_lea(&t->a, 64, RDX, c->base, (int32_t)c->imm);
        }
        move_out(t, l);
        tr_tell_region(t, &t->insn[t->at[c->slot]], c->copy_nz);
        as_jmp_to(&t->a, t->cold[c->twin].again);
        return true;
    }
}

/* Is it worth a copy: does that save anything? */
static bool pays(const struct loop *l)
{
    return l->streams != 0 || l->lodgers != 0;
}

static void translate_loop(struct tr *t, struct ti *head)
{
    struct loop *l = &t->loops[t->loop_count];
    struct as a = t->a;
    unsigned colds = t->colds, fixes = t->fixes, uses = t->uses, consts = t->consts,
             redos = t->redos;

    if (!find(t, head, l)) {
        return;
    }
    loop_motions(t, l);
    loop_streams(t, l);
    jit_exact_loop(t, l);
    if ((l->written & BIT(X_SP)) != 0 || !settle(t, l) || !pays(l)) {
        return;
    }
    t->i = head;
    t->loop_count++;
    take(t, l, head);
    align(&t->a);
    if (copy(t, l)) {
        t->cpu->priv->stats.jit_loops++;
    } else {
        t->a = a;
        head->take = NULL;
        t->colds = colds;
        t->fixes = fixes;
        t->uses = uses;
        t->consts = consts;
        t->redos = redos;
        t->loop_count--;
    }
}

static bool is_hot(const struct tr *t, const struct ti *head)
{
    return head->loop && are_copied(t) && slot_bit(t->page->jit->loop_hot, head->slot);
}

void loops_exits(struct tr *t)
{
    struct loop *l = &t->loops[0];

    for (unsigned n = 0; n < t->count; n++) {
        if (!is_hot(t, &t->insn[n]) || !find(t, &t->insn[n], l)) {
            continue;
        }
        for (unsigned m = l->first; m <= l->last; m++) {
            for (unsigned way = 0; way < 2 && loop_has(l, m); way++) {
                int next = t->insn[m].next[way];
                if (next >= 0 && !loop_has(l, (unsigned)next)) {
                    t->insn[next].join = true;
                }
            }
        }
    }
}

void loops_translate(struct tr *t)
{
    for (unsigned n = 0; n < t->count; n++) {
        bool room = t->a.end - t->a.p > ROOM_BYTES && t->colds < COLD_MAX / 2 &&
                    t->fixes < COLD_MAX / 2 && t->uses < COLD_MAX / 2;
        if (is_hot(t, &t->insn[n]) && room && t->loop_count < LOOPS) {
            translate_loop(t, &t->insn[n]);
        }
    }
}

#endif
