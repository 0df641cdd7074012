/*
 * int.h - what the templates of integer micro-operations share (t_int.c, t_bits.c): operands wherever guest registers are.
 */
#ifndef SOFT_JIT_INT_H
#define SOFT_JIT_INT_H

#include "accel/soft/jit/vec.h"

/* Of a template's argument. */
enum { W64 = 1, SETS = 2 };
#define WIDTH(arg) (((arg)&W64) != 0 ? 64 : 32)

/* Rows of a table of templates. */
#define T(name, fn_, arg_)  [UOP_##name] = { fn_, arg_ }
#define T_2(name, fn, bits) T(name##32, fn, bits), T(name##64, fn, (bits) | W64)

static inline bool fits32(uint64_t v)
{
    return (int64_t)v == (int32_t)v;
}

/* opcode reg, guest register g, wherever that is; byte: the operand is one. */
static inline void op_g(struct tr *t, unsigned prefix, int w, uint32_t opcode, int reg, unsigned g,
                        bool byte)
{
    int home = tr_home(t, g);

    if (home != NOREG) {
        as_rr(&t->a, prefix, w, opcode, reg, home, byte);
    } else {
        as_rm(&t->a, prefix, w, opcode, reg, RBP, XOFF(g), byte);
    }
}

/* dst = guest register g, for an operation of w bits on it. */
static inline void get_op(struct tr *t, int w, int dst, unsigned g)
{
    if (tr_pin(t, g) != dst) {
        tr_get(t, w, dst, g);
    }
}

static inline bool in_memory(struct tr *t, unsigned g)
{
    return tr_pin(t, g) == NOREG;
}

/* The register in which to make rd if those of a and b are still read afterwards; then tr_put. */
static inline int dst_beside(struct tr *t, unsigned rd, unsigned a, unsigned b, int tmp)
{
    int d = tr_dst(t, rd, tmp);

    return d == tr_pin(t, a) || d == tr_pin(t, b) ? tmp : d;
}

/* Does nobody want NZCV that EFLAGS are? */
static inline bool flags_free(const struct tr *t)
{
    return t->fk == FK_NONE || !t->i->live_out;
}

/* Can rd = rn op something be done in memory, to all 64 bits? */
static inline bool in_place(struct tr *t, const struct op *op, int w)
{
    return op->rd == op->rn && in_memory(t, op->rd) && op->rd != X_SINK && w == 64;
}

/* MOVZX's opcode, or MOV's, for a mask; 0: there is none. */
static inline uint32_t zero_extends(uint64_t mask)
{
    return mask == 0xff ? 0x0fb6 : mask == 0xffff ? 0x0fb7 : mask == 0xffffffff ? 0x8b : 0;
}

#endif
