/*
 * nzcv.c - NZCV between the instruction that sets them and those that read them: in EFLAGS, in one of several forms (enum
 * flag_kind), or in cpu->jit_nzcv (translate.h).
 */
#include "accel/soft/jit/vec.h"

#if SOFT_JIT

/* EFLAGS of a floating-point comparison become those of a subtraction. */
static void flags_of_fp(struct tr *t)
{
    struct as *a = &t->a;

    tr_nzcv_of_fp(a);
    as_store(a, 32, RAX, RBP, OFF(jit_nzcv));
    tr_eflags_of(a);
    t->fk = FK_SUB;
    t->fsaved = true;
}

void tr_flags_save(struct tr *t)
{
    struct as *a = &t->a;

    if (t->fk == FK_FP) {
        flags_of_fp(t);
        return;
    }
    if (t->fk == FK_ADD) {
        as_1(a, 0xf5); /* CMC */
    } else if (t->fk == FK_LOGIC) {
        as_1(a, 0xf9); /* STC: no carry is a borrow */
    }
    t->fk = FK_SUB;
    as_1(a, 0x9f); /* LAHF */
    as_setcc(a, CC_O, RAX);
    as_store(a, 32, RAX, RBP, OFF(jit_nzcv));
    t->fsaved = true;
}

bool tr_flags_wanted(const struct tr *t)
{
    bool sets = (uop_table[t->i->uop].flags & UOP_NZCV_OUT) != 0;

    return t->fk != FK_NONE && !t->fsaved && t->i->live_out && !sets;
}

void tr_clobber(struct tr *t)
{
    if (tr_flags_wanted(t) && t->i->need_out) {
        tr_flags_save(t);
    }
    t->fk = FK_NONE;
}

void tr_flags(struct tr *t, enum flag_kind kind)
{
    t->fk = kind;
    t->fsaved = false;
}

void tr_flags_keep(struct tr *t)
{
    if (t->fk != FK_NONE && !t->fsaved && t->i->need_out) {
        tr_flags_save(t);
    }
}

/* By the instruction that set them, done once more (exact.c), or from memory. */
static void flags_load(struct tr *t)
{
    struct as *a = &t->a;

    if (t->i->nz >= 0 && !t->i->need_in) {
        const struct from *f = &t->from[t->i->nz];
        jit_redo_again(t, &t->insn[f->setter], f->kept);
        return;
    }
    as_load(a, 32, RAX, RBP, OFF(jit_nzcv));
    tr_eflags_of(a);
    t->fk = FK_SUB;
    t->fsaved = true;
}

void tr_flags_integer(struct tr *t)
{
    if (t->fk == FK_FP) {
        flags_of_fp(t);
    } else if (t->fk == FK_NONE || t->fk == FK_FP2) {
        flags_load(t);
    }
}

/*
 * After a floating-point comparison: GE, LT, GT, LE take "unordered" for "less", as UCOMISD's flags do. The others take
 * it for "greater": what its flags say then is put right, behind a jump that is always taken but for NaNs.
 */
static enum cc fp_cond(struct tr *t, unsigned cond)
{
    static const uint8_t host[] = { CC_E,  CC_NE, CC_AE, CC_B,  CC_B, CC_AE, CC_O,
                                    CC_NO, CC_A,  CC_BE, CC_AE, CC_B, CC_A,  CC_BE };

    if (cond < 10 && t->fk == FK_FP) {
        as_1(&t->a, 0x7b); /* JNP, over: */
        as_1(&t->a, 3);
        as_test(&t->a, 64, RSP, RSP);
        t->fk = FK_FP2;
    }
    return (enum cc)host[cond];
}

enum cc tr_cond(struct tr *t, unsigned cond)
{
    static const uint8_t host[] = { CC_E,  CC_NE, CC_AE, CC_B,  CC_S, CC_NS, CC_O,
                                    CC_NO, CC_A,  CC_BE, CC_GE, CC_L, CC_G,  CC_LE };
    bool carry = (cond >> 1) == 1 || (cond >> 1) == 4;

    bool kept = t->i->live_out && !t->fsaved && (uop_table[t->i->uop].flags & UOP_NZCV_OUT) == 0;

    /* V is not among its flags; and flags that must last are not to be put right for one condition. */
    if (t->fk == FK_FP && ((cond >> 1) == 3 || (cond < 10 && kept))) {
        flags_of_fp(t);
    }
    if (t->fk == FK_FP || (t->fk == FK_FP2 && cond < 10 && (cond >> 1) != 3)) {
        return fp_cond(t, cond);
    }
    if (t->fk == FK_FP2) {
        t->fk = FK_NONE;
    }
    if (t->fk == FK_NONE) {
        flags_load(t);
    }
    if (carry && t->fk != FK_SUB) {
        as_1(&t->a, t->fk == FK_ADD ? 0xf5 : 0xf9); /* CMC; STC */
        t->fk = FK_SUB;
    }
    return (enum cc)host[cond];
}

#endif
