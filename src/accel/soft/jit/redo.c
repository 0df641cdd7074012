/*
 * redo.c - the code for what exact.c has found out: copies of operands, notes of who has set NZCV, and what has NZCV once more.
 *
 *       hot:   an operand that will be lost, to X_KEPT              tr_keep, before the instruction that overwrites it
 *              who has set NZCV, to cpu->jit_redo                   tr_tell, where different ones meet
 *       cold:  call redo       if it is known who has set them      tr_settle
 *              call redo_any   or else what jit_redo says
 *       redo:  operands as they were; the instruction; NZCV to jit_nzcv; ret
 *
 * jit_redo is a place in the code cache, of the region that runs: ways into a region say "memory" (0) if anybody in it will ask, ways out
 * settle. So it is not used any more when that region's code may have gone.
 */
#include "accel/soft/jit/exact.h"
#include "accel/soft/jit/loop.h"
#include "accel/soft/jit/region.h"

#if SOFT_JIT

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

/* Copies an operand of NZCV's. */
static void keep_operand(struct tr *t, const struct from *f, unsigned n)
{
    unsigned g = jit_redo_operand(&t->insn[f->setter], n);
    int reg = tr_src(t, 64, g, RCX);

    if (f->moved[n] != 0) {
        as_lea(&t->a, 64, RCX, reg, -f->moved[n]);
        reg = RCX;
    }
    as_store(&t->a, 64, reg, RBP, XOFF(X_KEPT + n));
}

/* Those of f that are not kept and shall be. */
static void keep_operands(struct tr *t, const struct from *f, unsigned kept)
{
    for (unsigned n = 0; n < 2; n++) {
        if ((kept & ~f->kept) >> n & 1) {
            keep_operand(t, f, n);
        }
    }
}

void tr_keep(struct tr *t)
{
    int16_t nz = tr_nz(t), out = tr_nz_out(t);

    if (nz >= 0 && out >= 0 && !exact_sets(t->i)) {
        keep_operands(t, &t->from[nz], t->from[out].kept);
    }
}

void tr_store(struct tr *t)
{
    if (t->i->stores && t->fk != FK_NONE && !t->fsaved) {
        tr_flags_save(t);
    }
}

/* Notes how NZCV can be had where these registers may be lost. */
static void note(struct tr *t, int16_t nz, uint64_t lost)
{
    struct from f;

    if (nz >= 0) {
        f = t->from[nz];
        for (unsigned n = 0; n < 2; n++) {
            if (lost >> jit_redo_operand(&t->insn[f.setter], n) & 1) {
                f.kept |= (uint8_t)BIT(n);
                f.moved[n] = 0;
            }
        }
        keep_operands(t, &t->from[nz], f.kept);
        nz = exact_from(t, f);
    }
    tr_redo_note(t, nz);
}

/* Is it not known there who has set NZCV, and asked? */
static bool is_unsure(const struct tr *t, unsigned n)
{
    const struct loop *l = t->loop;

    return t->insn[n].unsure && (l == NULL || (loop_has(l, n) && l->nz[n - l->first] == NZ_MANY));
}

void tr_tell(struct tr *t)
{
    const struct ti *i = t->i;
    int16_t nz = tr_nz_out(t);
    uint64_t lost = 0;
    bool unsure = false;

    for (unsigned n = 0; n < 2; n++) {
        if (i->next[n] >= 0 && is_unsure(t, (unsigned)i->next[n])) {
            unsure = true;
            lost |= t->again[i->next[n]].lost;
        }
    }
    if (unsure && nz != NZ_MANY) {
        note(t, nz, lost);
    }
}

void tr_tell_region(struct tr *t, const struct ti *to, int16_t nz)
{
    if (to->unsure && nz != NZ_MANY) {
        note(t, nz, t->again[to - t->insn].lost);
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

/* The code that has NZCV once more, and stores them. */
static uint8_t *redo_of(struct tr *t, struct from *f)
{
    unsigned kept = f->kept;

    if (f->redo != NULL) {
        return f->redo;
    }
    f->redo = t->a.p;
    t->i = &t->insn[f->setter];
    t->fk = FK_NONE;
    for (unsigned n = 0; n < 2; n++) {
        if (f->moved[n] != 0) { /* as it was */
            keep_operand(t, f, n);
            kept |= BIT(n);
        }
    }
    jit_redo_again(t, t->i, kept);
    tr_flags_save(t);
    as_1(&t->a, 0xc3);
    return f->redo;
}

void jit_redo_code(struct tr *t)
{
    for (unsigned n = 0; n < t->redos && !t->a.full; n++) {
        uint8_t *redo = redo_of(t, &t->from[t->redo[n].nz]);

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
