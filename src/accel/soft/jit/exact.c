/*
 * exact.c - NZCV that are not stored: who has set them, and how they are had once more.
 *
 * An exception shows them in SPSR, so every instruction that may leave translated code (a fault, a look at pending, a call of a body, a
 * way out of the region) is a reader, but one that hardly ever reads. So nothing is stored for its sake if the flags can be
 * had again: the cold code on the way out calls code that does the instruction that set them once more, without its result
 * (jit_redo_again in t_int.c), and stores them.
 *
 *       subs w1, w1, #1      │ redo:  edx = w1 + 1; cmp edx, 1; jit_nzcv = EFLAGS; ret
 *       b.ne loop            │
 * loop: ldr  x0, [x2], #8    │ cold:  call redo; call the body
 *
 * That takes its operands, or its result and one of them, to be as they were: those that may be lost before are copied to X_KEPT,
 * which the next instruction that sets NZCV may use for its own. What cannot be done again, like CCMP, or takes more copies than
 * storing NZCV has instructions, stores them. If different instructions may have set them (NZ_MANY), each notes itself in
 * cpu->jit_redo, where cold code looks. All that only if an exception may show NZCV before they are set again (ti.seen).
 *
 * A look at pending in a loop is no such place: an interrupt comes when it comes. If NZCV are nowhere to be had there, run.c steps until
 * they are set again, and takes it then (cpu->nzcv_old), which is before anything can take an exception, as that would have been seen.
 *
 * An instruction that reads NZCV when EFLAGS are something else by then does the same in place (nzcv.c), so what cannot be had again
 * is all that has to be stored before EFLAGS change (struct ti, need_in).
 */
#include "accel/soft/jit/mem.h"
#include "accel/soft/jit/region.h"

#if SOFT_JIT

/* Instructions whose NZCV can be had again; of those that compare the same, the first. */
struct setters {
    uint16_t index[REGION_MAX];
    unsigned count;
};

static bool sets(const struct ti *i)
{
    return (uop_table[i->uop].flags & UOP_NZCV_OUT) != 0;
}

/* Might it be left at the instruction, or behind it, before NZCV are set again? */
static bool is_exit(const struct ti *i)
{
    if (i->loop && i->endless) {
        return true;
    }
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
    return sets(i) && !i->live_in && !is_exit(i);
}

/* Does the instruction change any of these X registers, or might it? */
static bool changes(const struct ti *i, uint64_t set)
{
    enum uop u = i->uop;

    if (jit_tmpl_branch[u].fn != NULL) { /* perhaps X30, by a call */
        return !jit_falls(u) && (set >> 30 & 1) != 0;
    }
    if (jit_tmpl_mem[u].fn != NULL) {
        for (; set != 0; set &= set - 1) {
            if (mem_writes(i, (unsigned)__builtin_ctzll(set))) {
                return true;
            }
        }
        return false;
    }
    if (jit_is_int(u) || jit_tmpl_fp[u].fn != NULL || jit_tmpl_simd[u].fn != NULL ||
        jit_tmpl_simd_long[u].fn != NULL || jit_tmpl_simd_perm[u].fn != NULL ||
        jit_tmpl_simd_fp[u].fn != NULL || jit_tmpl_simd_sat[u].fn != NULL ||
        jit_tmpl_crypto[u].fn != NULL) {
        return (set >> i->op.rd & 1) != 0;
    }
    return set != 0;
}

/* All X registers that it may change. */
static uint64_t all_changes(const struct ti *i)
{
    uint64_t set = 0;

    for (unsigned g = 0; g < X_ZERO; g++) {
        set |= changes(i, BIT(g)) ? BIT(g) : 0;
    }
    return set;
}

/* ---- Backward: who may want them, and what is lost by then ----------------------------------- */

/* Might NZCV never be set again? The greatest solution. */
static bool look_back_endless(struct tr *t, unsigned at)
{
    struct ti *i = &t->insn[at];
    bool endless = false;

    for (unsigned n = 0; n < 2 && !sets(i); n++) {
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
    uint64_t lost_out = 0, lost;

    for (unsigned n = 0; n < 2; n++) {
        if (i->next[n] >= 0) {
            seen_out |= t->insn[i->next[n]].seen;
            lost_out |= t->again[i->next[n]].lost;
        }
    }
    seen = is_exit(i) || (!sets(i) && seen_out);
    lost = sets(i) ? 0 : lost_out | (seen_out || jit_moves_sp(i) ? all_changes(i) : 0);
    if (seen == i->seen && seen_out == i->seen_out && lost == t->again[at].lost &&
        lost_out == t->again[at].lost_out) {
        return false;
    }
    i->seen = seen;
    i->seen_out = seen_out;
    t->again[at].lost = lost;
    t->again[at].lost_out = lost_out;
    return true;
}

/* Are they stored sooner or later, whatever way is gone? */
static bool look_back_stored(struct tr *t, unsigned at)
{
    struct ti *i = &t->insn[at];
    bool out = i->live_way || i->next[0] >= 0 || i->next[1] >= 0, in;

    for (unsigned n = 0; n < 2; n++) {
        out = out && (i->next[n] < 0 || t->insn[i->next[n]].stored);
    }
    in = jit_template(i->uop) == NULL || (!sets(i) && out);
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
    bool unsure = i->nz == NZ_MANY && (is_exit(i) || (!sets(i) && i->outside));

    for (unsigned n = 0; n < 2 && i->nz == NZ_MANY && !sets(i); n++) {
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
            again |= look(t, n);
        }
    }
}

/* ---- Forward: who has set them --------------------------------------------------------------- */

/* The first setter before the n-th instruction that leaves the same NZCV, which is then had for both; or that itself. */
static int16_t first_like(const struct tr *t, const struct setters *set, unsigned n)
{
    for (unsigned m = 0; m < set->count; m++) {
        const struct ti *o = &t->insn[set->index[m]];
        if (t->again[set->index[m]].kept == t->again[n].kept && jit_redo_same(o, &t->insn[n])) {
            return (int16_t)set->index[m];
        }
    }
    return (int16_t)n;
}

/* Do copies of these registers take less than tr_flags_save? */
static bool is_cheap(uint64_t set)
{
    unsigned cost = 0;

    for (; set != 0; set &= set - 1) {
        cost += jit_pin[__builtin_ctzll(set)] != NOREG ? 1 : 2;
    }
    return cost < 3;
}

/* How NZCV of the n-th instruction are had, which sets them. */
static void choose(struct tr *t, struct setters *set, unsigned n)
{
    struct ti *i = &t->insn[n];
    bool redo = jit_redo(i, &t->again[n].uses);
    uint64_t lost = i->seen_out ? t->again[n].uses & t->again[n].lost_out : 0;

    if (redo && (lost == 0 || (is_cheap(lost) && !i->stored_out))) {
        t->again[n].kept = lost;
        t->again[n].uses &= ~lost;
        t->again[n].redo = NULL;
        i->nz_out = first_like(t, set, n);
        i->keep = KEEP_REDO;
        if (i->nz_out == (int16_t)n) {
            set->index[set->count++] = (uint16_t)n;
        }
    } else if (i->seen_out) {
        i->keep = KEEP_STORED;
    }
}

static void setters(struct tr *t)
{
    struct setters set = { .count = 0 };

    for (unsigned n = 0; n < t->count; n++) {
        struct ti *i = &t->insn[n];

        i->nz = i->entry ? NZ_MEMORY : NZ_NONE;
        i->nz_out = NZ_MEMORY;
        i->keep = KEEP_NOTHING;
        if (sets(i)) {
            choose(t, &set, n);
        }
    }
}

static bool arrive(struct ti *i, int16_t nz)
{
    int16_t is = (int16_t)(i->nz == NZ_NONE || i->nz == nz ? nz : NZ_MANY);

    if (nz == NZ_NONE || is == i->nz) {
        return false;
    }
    i->nz = is;
    return true;
}

/* Answers whether an instruction before it has learnt something. */
static bool pass_on(struct tr *t, unsigned n)
{
    struct ti *i = &t->insn[n];
    bool again = false;

    if (!sets(i)) {
        bool lost = i->nz >= 0 && changes(i, t->again[i->nz].uses);
        i->nz_out = (int16_t)(lost ? NZ_MANY : i->nz);
    }
    for (unsigned m = 0; m < 2; m++) {
        if (i->next[m] >= 0 && arrive(&t->insn[i->next[m]], i->nz_out)) {
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

/* ---- Backward: who needs them stored --------------------------------------------------------- */

/* It reads them, and has them again if they are not in EFLAGS any more: templates that ask nzcv.c before anything else. */
static bool reads_again(const struct ti *i)
{
    return i->nz >= 0 && (jit_is_int(i->uop) || jit_tmpl_branch[i->uop].fn != NULL);
}

static bool look_back_need(struct tr *t, unsigned at)
{
    struct ti *i = &t->insn[at];
    bool out = i->live_way, in;

    for (unsigned n = 0; n < 2; n++) {
        out |= i->next[n] >= 0 && t->insn[i->next[n]].need_in;
    }
    in = (uop_table[i->uop].flags & UOP_NZCV_IN) != 0 && !reads_again(i);
    in |= !sets(i) && out;
    if (in == i->need_in && out == i->need_out) {
        return false;
    }
    i->need_in = in;
    i->need_out = out;
    return true;
}

void jit_exact(struct tr *t)
{
    memset(t->again, 0, t->count * sizeof(t->again[0]));
    for (unsigned n = 0; n < t->count; n++) {
        t->insn[n].endless = true;
    }
    backward(t, look_back_endless);
    backward(t, look_back);
    backward(t, look_back_stored);
    setters(t);
    forward(t);
    backward(t, look_back_need);
    backward(t, look_back_unsure);
}

/* ---- Code ------------------------------------------------------------------------------------ */

static void note_use(struct tr *t, uint8_t *at, int16_t nz, bool is_note)
{
    if (t->redos == COLD_MAX) {
        t->a.full = true;
        return;
    }
    t->redo[t->redos].at = at;
    t->redo[t->redos].note = is_note;
    t->redo[t->redos++].nz = nz;
}

void tr_redo_note(struct tr *t, int16_t nz)
{
    as_rm(&t->a, 0, 32, 0xc7, 0, RBP, OFF(jit_redo), false); /* MOV dword, imm */
    as_4(&t->a, 0);
    if (nz >= 0) {
        note_use(t, t->a.p - 4, nz, true);
    }
}

static void keep_operand(struct tr *t, unsigned g, unsigned n)
{
    if ((t->again[t->i - t->insn].kept >> g & 1) != 0) {
        as_store(&t->a, 64, tr_src(t, 64, g, RCX), RBP, XOFF(X_KEPT + n));
    }
}

void tr_keep(struct tr *t)
{
    const struct ti *i = t->i;

    if (i->keep == KEEP_REDO) {
        unsigned first = jit_redo_first(i);

        keep_operand(t, first, 0);
        if (i->op.rm != first) {
            keep_operand(t, i->op.rm, 1);
        }
    }

    if (i->keep == KEEP_STORED && t->fk != FK_NONE && !t->fsaved) {
        tr_flags_save(t);
    }
}

void tr_tell(struct tr *t)
{
    const struct ti *i = t->i;
    bool told = i->nz_out == NZ_MANY;

    for (unsigned n = 0; n < 2 && !told; n++) {
        if (i->next[n] >= 0 && t->insn[i->next[n]].unsure) {
            tr_redo_note(t, i->nz_out);
            told = true;
        }
    }
}

void tr_settle(struct tr *t, int16_t nz)
{
    if (nz == NZ_MANY) {
        as_call_to(&t->a, t->jit->redo_any);
    } else if (nz >= 0) {
        note_use(t, as_call(&t->a), nz, false);
    }
}

/* The code that does the n-th instruction again. */
static uint8_t *redo_of(struct tr *t, unsigned n)
{
    if (t->again[n].redo == NULL) {
        t->again[n].redo = t->a.p;
        t->i = &t->insn[n];
        t->fk = FK_NONE;
        jit_redo_again(t, t->i, t->again[n].kept);
        tr_flags_save(t);
        as_1(&t->a, 0xc3);
    }
    return t->again[n].redo;
}

void jit_redo_code(struct tr *t)
{
    for (unsigned n = 0; n < t->redos && !t->a.full; n++) {
        uint8_t *redo = redo_of(t, (unsigned)t->redo[n].nz);

        if (t->redo[n].note) {
            uint32_t place = (uint32_t)(redo - t->jit->rw);
            memcpy(t->redo[n].at, &place, sizeof(place));
        } else {
            as_patch(&t->a, t->redo[n].at, redo);
        }
    }
}

void jit_make_redo(struct jit *jit, struct as *a)
{
    uint8_t *none;

    jit->redo_any = a->p;
    as_load(a, 32, RCX, RBP, OFF(jit_redo));
    as_test(a, 32, RCX, RCX);
    none = as_jcc(a, CC_E);
    as_lea_rip(a, RAX, jit->rw);
    as_alu(a, 64, ALU_ADD, RCX, RAX);
    as_rr(a, 0, 32, 0xff, 4, RCX, false); /* JMP RCX */
    as_patch(a, none, a->p);
    as_1(a, 0xc3);
}

#endif
