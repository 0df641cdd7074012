/*
 * vec.h - what templates of vector and floating-point micro-operations use (vregs.c).
 *
 * V registers are pinned in xmm registers while fp_gate's GATE_OUT is clear: "in". Code that touches them begins with
 * tr_vec, which fetches them if they are out; whatever leaves translated code puts them out. A region without vector
 * work never looks. The same goes for MXCSR, which is the guest's (rounding mode, cumulative flags) while they are in.
 *
 * Scratch: xmm0 to xmm2 (SX0 ...), and xmm3 inside of these functions.
 */
#ifndef SOFT_JIT_VEC_H
#define SOFT_JIT_VEC_H

#include "accel/soft/jit/translate.h"
#include "accel/soft/simd.h"

enum { SX0, SX1, SX2, SX3 };

/* First thing in a template: vector state is in, no trap. arith: and FPCR is one that the host's arithmetic can do. */
void tr_vec(struct tr *t, bool arith);
/* The template can't: not with this host, or these operands. Before tr_vec. Answers true if the body is called instead. */
bool tr_vec_refuse(struct tr *t, bool refuse);

/* Host register that holds Vn: its own, or tmp. */
int vr(struct tr *t, unsigned n, int tmp);
/* The same, one of xmm0-15. */
int vr_low(struct tr *t, unsigned n, int tmp);
/* Where to make Vd when the registers s1, s2, s3 are still read after the first write: its own, or tmp. Then v_put. */
int v_dst(struct tr *t, unsigned d, int s1, int s2, int s3, int tmp);
/* Vd = x; of its low 64 bits; of its low 32. */
void v_put(struct tr *t, unsigned d, int x);
void v_put64(struct tr *t, unsigned d, int x);
void v_put32(struct tr *t, unsigned d, int x);
/* Vd has changed, or will have. */
void v_changed(struct tr *t, unsigned d);
/* Vd = x in op's shape. */
void v_put_shape(struct tr *t, const struct op *op, int x);

/* d = op(a, b): registers, Vn, a constant, the host's memory; two: d = op(b). imm -1: none. */
void v3(struct tr *t, uint32_t op, int d, int a, int b);
void v3i(struct tr *t, uint32_t op, int d, int a, int b, int imm);
void v3g(struct tr *t, uint32_t op, int d, int a, unsigned n);
void v3gi(struct tr *t, uint32_t op, int d, int a, unsigned n, int imm);
void v3c(struct tr *t, uint32_t op, int d, int a, uint64_t lo, uint64_t hi);
void v3ci(struct tr *t, uint32_t op, int d, int a, uint64_t lo, uint64_t hi, int imm);
void v2(struct tr *t, uint32_t op, int d, int b);
void v2i(struct tr *t, uint32_t op, int d, int b, int imm);
void v2g(struct tr *t, uint32_t op, int d, unsigned n);
void v2gi(struct tr *t, uint32_t op, int d, unsigned n, int imm);
void v2c(struct tr *t, uint32_t op, int d, uint64_t lo, uint64_t hi);
/* d = s shifted by an immediate; digit: VSH_*. */
void v_shift(struct tr *t, uint32_t op, int digit, int d, int s, unsigned count);
/* d = s. */
void v_mov(struct tr *t, int d, int s);
/* d = 0. */
void v_zero(struct tr *t, int d);

/* Is the part of Vn above 64 (32) bits known to be zero? */
bool v_is64(const struct tr *t, unsigned n);
bool v_is32(const struct tr *t, unsigned n);
/* It is, from bit `from` on. After v_put. */
void v_note_zero(struct tr *t, unsigned d, unsigned from);

static inline bool v_pinned(const struct tr *t, unsigned n)
{
    return t->jit->vpin[n] >= 0;
}

/* The start of an Advanced SIMD template that leaves EFLAGS alone; and one that does not. False: the body is called. */
bool v_begin(struct tr *t, bool refuse);
bool v_begin_flags(struct tr *t, bool refuse);
/* Where to make the result of an instruction's last step: Vd's register if it can be there at once, or tmp. */
int v_last(const struct tr *t, const struct op *op, uint32_t ins, int tmp);
/* d = ~s. */
void v_not(struct tr *t, int d, int s);
/* v in each element of that size of 64 bits. */
uint64_t v_each(unsigned size, uint64_t v);
/* x (an element that differs from 0 saturated) sets FPSR.QC; only what op's shape has. */
void v_set_qc(struct tr *t, const struct op *op, int x);
void v_set_qc_all(struct tr *t, int x);
/* d = s shifted to the right by count, 1 to the element's size, or to the left by count, 0 to size - 1. */
void v_shr(struct tr *t, unsigned size, bool is_signed, int d, int s, unsigned count);
void v_shl(struct tr *t, unsigned size, int d, int s, unsigned count);
/* d = the element of Vm that op names, everywhere. */
void v_element(struct tr *t, const struct op *op, unsigned size, int d);

/* ---- Edges (for jit.c and translate.c) ------------------------------------------------------- */

/* The shared code that fetches and puts away, and the part of spill() that decides. */
void vregs_make(struct jit *jit, struct as *a);
void vregs_leave(const struct jit *jit, struct as *a);
void vregs_again(const struct jit *jit, struct as *a);
/* Which V registers are where, on this host. */
void vregs_init(struct jit *jit, struct cpu *cpu);
/* At a join; after a body that may have changed anything. */
void vregs_forget(struct tr *t);
void vregs_cold(struct tr *t, const struct cold *c);
/* The constants, behind the region. */
void vregs_pool(struct tr *t);

#endif
