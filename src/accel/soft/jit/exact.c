/*
 * exact.c - NZCV that are not stored: who has set them, who may see them, and where their operands are.
 *
 * An exception shows them in SPSR, so every instruction that may leave translated code (a fault, a look at pending, a call of a body, a
 * way out of the region) is a reader, but one that hardly ever reads. So nothing is stored for its sake if the flags can be
 * had again: the cold code on the way out calls code that does the instruction that set them once more, without its result
 * (redo.c), and stores them.
 *
 *       subs w1, w1, #1      │ redo:  edx = w1 + 1; cmp edx, 1; jit_nzcv = EFLAGS; ret
 *       b.ne loop            │
 * loop: ldr  x0, [x2], #8    │ cold:  call redo; call the body
 *
 * That needs the operands, or the result and one of them. They are followed (struct from): one to which something is added is had by
 * subtracting that again; one that is about to be overwritten is copied to X_KEPT, which the next instruction that sets NZCV may use for
 * its own. What cannot be done again, like CCMP, stores NZCV. If different instructions may have set them (NZ_MANY), each notes itself
 * in cpu->jit_redo where that begins to be unknown, and cold code looks there. All that only if an exception may show NZCV before they
 * are set again (ti.seen), and not where they are in memory because somebody will read them on whatever way is gone (ti.stored).
 *
 * A look at pending in a loop is no such place: an interrupt comes when it comes. If NZCV are nowhere to be had there, run.c steps until
 * they are set again, and takes it then (cpu->nzcv_old), which is before anything can take an exception, as that would have been seen.
 *
 * An instruction that reads NZCV when EFLAGS are something else by then does the same in place (nzcv.c), so what cannot be had again
 * is all that has to be stored before EFLAGS change (struct ti, need_in).
 */
#include "accel/soft/jit/exact.h"
#include "accel/soft/jit/loop.h"
#include "accel/soft/jit/mem.h"
#include "accel/soft/jit/region.h"

#if SOFT_JIT

/* Instructions whose NZCV can be had again; of those that compare the same, the first. */
struct setters {
    uint16_t index[REGION_MAX];
    unsigned count;
};

bool jit_is_exit(const struct ti *i)
{
    if (jit_is_int(i->uop)) {
        return jit_moves_sp(i);
    }
    if (jit_tmpl_branch[i->uop].fn != NULL) {
        return !jit_falls(i->uop) && i->uop != UOP_b_near && i->uop != UOP_b_far;
    }
    return true;
}

bool jit_sets_first(const struct ti *i)
{
    return exact_sets(i) && !i->live_in && !jit_is_exit(i);
}

/* The X registers that the instruction changes, or might. */
static uint64_t changed_by(const struct ti *i)
{
    enum uop u = i->uop;
    uint64_t set = 0;

    if (jit_tmpl_branch[u].fn != NULL) { /* a call: X30 */
        return jit_falls(u) ? 0 : BIT(30);
    }
    if (jit_tmpl_mem[u].fn != NULL) {
        const unsigned may[] = { i->op.rd, i->op.rm, i->op.rn };
        for (unsigned n = 0; n < ARRAY_SIZE(may); n++) {
            set |= mem_writes(i, may[n]) ? BIT(may[n]) : 0;
        }
        return set;
    }
    if (jit_is_int(u) || jit_tmpl_fp[u].fn != NULL || jit_tmpl_simd[u].fn != NULL ||
        jit_tmpl_simd_long[u].fn != NULL || jit_tmpl_simd_perm[u].fn != NULL ||
        jit_tmpl_simd_fp[u].fn != NULL || jit_tmpl_simd_sat[u].fn != NULL ||
        jit_tmpl_crypto[u].fn != NULL) {
        return BIT(i->op.rd);
    }
    return jit_tmpl_struct[u].fn != NULL ? BIT(i->op.rn) : ~0ull;
}

/* In a loop where NZCV might never be set again, an interrupt has to see them. */
static bool is_exit(const struct ti *i)
{
    return i->exit || (i->loop && i->endless);
}

/* What the passes below ask of an instruction again and again. */
static void look_at(struct tr *t, unsigned n)
{
    struct ti *i = &t->insn[n];

    i->exit = jit_is_exit(i);
    i->renews = exact_sets(i) || jit_template(i->uop) == NULL;
    i->moves_sp = jit_moves_sp(i);
    i->endless = true;
    t->again[n].changed = changed_by(i) & (BIT(X_ZERO) - 1);
    t->again[n].lost = 0;
    t->again[n].from = -1;
}

/* ---- Backward: who may want them, and what is lost by then ----------------------------------- */

/* Might NZCV never be set again? The greatest solution. */
static bool look_back_endless(struct tr *t, unsigned at)
{
    struct ti *i = &t->insn[at];
    bool endless = false;

    for (unsigned n = 0; n < 2 && !exact_sets(i); n++) {
        endless |= i->next[n] >= 0 && t->insn[i->next[n]].endless;
    }
    if (endless == i->endless) {
        return false;
    }
    i->endless = endless;
    return true;
}

static bool look_back(struct tr *t, unsigned at)
{
    struct ti *i = &t->insn[at];
    bool seen_out = i->outside, seen;
    uint64_t lost = 0;

    for (unsigned n = 0; n < 2; n++) {
        if (i->next[n] >= 0) {
            seen_out |= t->insn[i->next[n]].seen;
            lost |= t->again[i->next[n]].lost;
        }
    }
    seen = (is_exit(i) && !i->stored) || (!exact_sets(i) && seen_out);
    lost |= seen_out || i->moves_sp ? t->again[at].changed : 0;
    lost = i->renews ? 0 : lost;
    if (seen == i->seen && seen_out == i->seen_out && lost == t->again[at].lost) {
        return false;
    }
    i->seen = seen;
    i->seen_out = seen_out;
    t->again[at].lost = lost;
    return true;
}

/* Are they read out of memory, whatever way is gone? Then they are there before EFLAGS are anything else. */
static bool look_back_stored(struct tr *t, unsigned at)
{
    struct ti *i = &t->insn[at];
    bool out = i->live_way || i->next[0] >= 0 || i->next[1] >= 0, in;

    for (unsigned n = 0; n < 2; n++) {
        out = out && (i->next[n] < 0 || t->insn[i->next[n]].stored);
    }
    in = !i->renews && out;
    if (in == i->stored && out == i->stored_out) {
        return false;
    }
    i->stored = in;
    i->stored_out = out;
    return true;
}

/* The same for what cannot be known when the code is written. */
static bool look_back_unsure(struct tr *t, unsigned at)
{
    struct ti *i = &t->insn[at];
    bool unsure =
        i->nz == NZ_MANY && ((is_exit(i) && !i->need_in) || (!exact_sets(i) && i->outside));

    for (unsigned n = 0; n < 2 && i->nz == NZ_MANY && !exact_sets(i); n++) {
        unsure |= i->next[n] >= 0 && t->insn[i->next[n]].unsure;
    }
    if (unsure == i->unsure) {
        return false;
    }
    i->unsure = unsure;
    return true;
}

typedef bool look_fn(struct tr *t, unsigned at);

static void backward(struct tr *t, look_fn *look)
{
    bool again = true;

    while (again) {
        again = false;
        for (unsigned n = t->count; n-- > 0;) {
            again |= look(t, n) && t->cyclic;
        }
    }
}

/* ---- Forward: who has set them --------------------------------------------------------------- */

int16_t exact_from(struct tr *t, struct from f)
{
    int16_t *at = &t->again[f.setter].from;

    while (*at >= 0) {
        const struct from *o = &t->from[*at];
        if (o->kept == f.kept && o->moved[0] == f.moved[0] && o->moved[1] == f.moved[1]) {
            return *at;
        }
        at = &t->from[*at].next;
    }
    if (t->froms == FROM_MAX) {
        t->a.full = true;
        return NZ_MANY;
    }
    *at = (int16_t)t->froms++;
    t->from[*at] = f;
    t->from[*at].next = -1;
    t->from[*at].redo = NULL;
    return *at;
}

/* The first setter before the n-th instruction that leaves the same NZCV, which is then had for both; or that itself. */
static int16_t first_like(const struct tr *t, struct setters *set, unsigned n)
{
    for (unsigned m = 0; m < set->count; m++) {
        if (jit_redo_same(&t->insn[set->index[m]], &t->insn[n])) {
            return (int16_t)set->index[m];
        }
    }
    set->index[set->count++] = (uint16_t)n;
    return (int16_t)n;
}

static void setters(struct tr *t)
{
    struct setters set = { .count = 0 };

    for (unsigned n = 0; n < t->count; n++) {
        struct ti *i = &t->insn[n];

        i->nz = i->entry ? NZ_MEMORY : NZ_NONE;
        i->nz_out = NZ_MEMORY;
        i->stores = false;
        if (exact_sets(i) && jit_redo(i) && !i->stored_out) {
            i->nz_out = exact_from(t, (struct from){ .setter = first_like(t, &set, n) });
        } else if (exact_sets(i)) {
            i->stores = i->seen_out;
        }
    }
}

/* Does the instruction only add to Xg, as far as a comparison of so many bits is concerned? */
static bool adds(const struct ti *i, unsigned g, int w, int64_t *by)
{
    bool own = i->op.rd == g && i->op.rn == g;
    struct access x;

    if (mem_any_access(i, &x)) {
        *by = x.imm;
        return x.writes_back && x.base == g && !x.loads_base;
    }
    *by = (int64_t)i->op.imm;
    return own && (i->uop == UOP_add64_ri || (i->uop == UOP_add32_ri && w == 32));
}

/* How operand n of f is had behind the instruction. False: not any more. */
static bool follow(const struct tr *t, const struct ti *i, struct from *f, unsigned n)
{
    const struct ti *setter = &t->insn[f->setter];
    unsigned g = jit_redo_operand(setter, n);
    int64_t by;

    if (g == X_ZERO || (f->kept >> n & 1) != 0 || (t->again[i - t->insn].changed >> g & 1) == 0) {
        return true;
    }
    if (adds(i, g, jit_redo_width(setter), &by) && f->moved[n] + by > INT32_MIN &&
        f->moved[n] + by <= INT32_MAX) {
        f->moved[n] += (int32_t)by;
        return true;
    }
    f->kept |= (uint8_t)BIT(n);
    f->moved[n] = 0;
    return (i->seen_out || i->moves_sp) && !i->stored_out;
}

/* Behind the instruction, before which it is nz. */
static int16_t behind(struct tr *t, const struct ti *i, int16_t nz)
{
    struct from f;

    if (exact_sets(i)) {
        return i->nz_out;
    }
    if (nz < 0 || i->renews) {
        return (int16_t)(nz == NZ_NONE || !i->renews ? nz : NZ_MEMORY);
    }
    f = t->from[nz];
    if (!follow(t, i, &f, 0) || !follow(t, i, &f, 1)) {
        return (int16_t)(i->stored_out ? NZ_MEMORY : NZ_MANY);
    }
    return exact_from(t, f);
}

/* One more way leads there. Answers whether something has been learnt. */
static bool arrive(int16_t *there, int16_t nz)
{
    int16_t is = (int16_t)(*there == NZ_NONE || *there == nz ? nz : NZ_MANY);

    if (nz == NZ_NONE || is == *there) {
        return false;
    }
    *there = is;
    return true;
}

/* Answers whether an instruction before it has learnt something. */
static bool pass_on(struct tr *t, unsigned n)
{
    struct ti *i = &t->insn[n];
    bool again = false;

    i->nz_out = behind(t, i, i->nz);
    for (unsigned m = 0; m < 2; m++) {
        if (i->next[m] >= 0 && arrive(&t->insn[i->next[m]].nz, i->nz_out)) {
            again |= i->next[m] <= (int)n;
        }
    }
    return again;
}

static void forward(struct tr *t)
{
    bool again = true;

    while (again) {
        again = false;
        for (unsigned n = 0; n < t->count; n++) {
            again |= pass_on(t, n);
        }
    }
}

/* The ways of a loop's instruction, behind which it is nz; those to its head only, or all inside of it. */
static bool pass_on_in(const struct tr *t, struct loop *l, unsigned n, int16_t nz, bool to_head)
{
    bool learnt = false;

    for (unsigned m = 0; m < 2; m++) {
        int next = t->insn[n].next[m];
        if (next >= 0 && loop_has(l, (unsigned)next) && (!to_head || next == (int)l->first)) {
            learnt |= arrive(&l->nz[next - (int)l->first], nz);
        }
    }
    return learnt;
}

/* In the copy of a loop: it is entered by what leads to the head again, in the region. */
void jit_exact_loop(struct tr *t, struct loop *l)
{
    bool again = true;

    for (unsigned n = l->first; n <= l->last; n++) {
        l->nz[n - l->first] = NZ_NONE;
    }
    for (unsigned n = l->first; n <= l->last; n++) {
        if (loop_has(l, n)) {
            pass_on_in(t, l, n, t->insn[n].nz_out, true);
        }
    }
    while (again) {
        again = false;
        for (unsigned n = l->first; n <= l->last; n++) {
            if (loop_has(l, n)) {
                int16_t nz = behind(t, &t->insn[n], l->nz[n - l->first]);
                again |= pass_on_in(t, l, n, nz, false);
            }
        }
    }
}

int16_t tr_nz(const struct tr *t)
{
    const struct loop *l = t->loop;

    if (l == NULL) {
        return t->i->nz;
    }
    return l->nz[t->i - &t->insn[l->first]];
}

int16_t tr_nz_out(struct tr *t)
{
    return behind(t, t->i, tr_nz(t));
}

/* ---- Backward: who needs them stored --------------------------------------------------------- */

/* It reads them, and has them again if they are not in EFLAGS any more: templates that ask nzcv.c before anything else. */
static bool reads_again(const struct tr *t, const struct ti *i)
{
    return i->nz >= 0 && t->from[i->nz].moved[0] == 0 && t->from[i->nz].moved[1] == 0 &&
           (jit_is_int(i->uop) || jit_tmpl_branch[i->uop].fn != NULL);
}

static bool look_back_need(struct tr *t, unsigned at)
{
    struct ti *i = &t->insn[at];
    bool out = i->live_way, in;

    for (unsigned n = 0; n < 2; n++) {
        out |= i->next[n] >= 0 && t->insn[i->next[n]].need_in;
    }
    in = (uop_table[i->uop].flags & UOP_NZCV_IN) != 0 && !reads_again(t, i);
    in |= !exact_sets(i) && out;
    if (in == i->need_in && out == i->need_out) {
        return false;
    }
    i->need_in = in;
    i->need_out = out;
    return true;
}

/* NZCV are in memory all the time, as they are on the ways in. */
static void all_in_memory(struct tr *t)
{
    for (unsigned n = 0; n < t->count; n++) {
        struct ti *i = &t->insn[n];

        i->nz = i->nz_out = NZ_MEMORY;
        i->seen = true;
        i->need_in = i->live_in;
        i->need_out = i->live_out;
    }
}

static bool sets_any(const struct tr *t)
{
    unsigned n = 0;

    while (n < t->count && !exact_sets(&t->insn[n])) {
        n++;
    }
    return n < t->count;
}

void jit_exact(struct tr *t)
{
    t->froms = 0;
    if (!sets_any(t)) {
        all_in_memory(t);
        return;
    }
    for (unsigned n = 0; n < t->count; n++) {
        look_at(t, n);
    }
    backward(t, look_back_endless);
    backward(t, look_back_stored);
    backward(t, look_back);
    setters(t);
    forward(t);
    backward(t, look_back_need);
    backward(t, look_back_unsure);
}

#endif
