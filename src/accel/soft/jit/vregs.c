/*
 * vregs.c - V registers in xmm registers, MXCSR as FPCR and FPSR, constants; see vec.h.
 *
 *   cpu->fp_gate    GATE_OUT is clear                         GATE_OUT is set
 *   V0 ...          xmm registers by jit->vpin                cpu->v
 *   FPSR's flags    cpu->fpsr, and MXCSR's sticky bits        cpu->fpsr, and cpu->mxcsr's
 *   rounding        MXCSR's                                   MXCSR is at its default, which C counts on
 *
 * The first vector instruction of a straight line looks at fp_gate; what it finds clear stays clear to the line's end,
 * since nothing but the shared calls changes it, and they restore it.
 */
#include "accel/soft/jit/vec.h"

#if SOFT_JIT

/* clang-format off */
static const int8_t pins_32[32] = {
     4,  5,  6,  7,  8,  9, 10, 11, 28, 29, 30, 31, -1, -1, -1, -1,
    12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
};
static const int8_t pins_16[32] = {
     4,  5,  6,  7,  8,  9, 10, 11, -1, -1, -1, -1, -1, -1, -1, -1,
    12, 13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
};
/* clang-format on */

/* ---- The edges ------------------------------------------------------------------------------- */

void vregs_init(struct jit *jit, struct cpu *cpu)
{
    memcpy(jit->vpin, jit->host.level == VEX_AVX512 ? pins_32 : pins_16, sizeof(jit->vpin));
    /* From AH after a comparison by UCOMISD (SF ZF - AF - PF - CF) to jit_nzcv. */
    for (unsigned ah = 0; ah < ARRAY_SIZE(cpu->jit_fp_nzcv); ah++) {
        bool unordered = (ah & 4) != 0, less = (ah & 1) != 0, equal = (ah & 0x40) != 0;
        cpu->jit_fp_nzcv[ah] = unordered ? 1 : less ? 0x8100 : equal ? 0x4000 : 0;
    }
}

/* LDMXCSR (digit 2) or STMXCSR (3) of cpu->mxcsr. */
static void mxcsr(struct as *a, int digit, int32_t off)
{
    as_rm(a, 0, 32, 0x0fae, digit, RBP, off, false);
}

static void gate_test(struct as *a, unsigned mask)
{
    as_rm(a, 0, 32, 0xf6, 0, RBP, OFF(fp_gate), false);
    as_1(a, mask);
}

static void byte_imm(struct as *a, int digit, int32_t off, unsigned v)
{
    as_rm(a, 0, 32, digit == 0 ? 0xc6 : 0x80, digit, RBP, off, false);
    as_1(a, v);
}

static void move_all(const struct jit *jit, struct as *a, uint32_t op)
{
    for (unsigned n = 0; n < 32; n++) {
        if (jit->vpin[n] >= 0) {
            as_v_rm(a, jit->host.level, op, jit->vpin[n], 0, RBP, VOFF(n));
        }
    }
}

void vregs_make(struct jit *jit, struct as *a)
{
    uint8_t *nearest;

    jit->v_enter = a->p;
    move_all(jit, a, V_MOVAPS);
    mxcsr(a, 2, OFF(mxcsr));
    byte_imm(a, ALU_AND, OFF(fp_gate), (unsigned)~GATE_OUT & 0xff);
    as_1(a, 0xc3);
    jit->v_leave = a->p;
    move_all(jit, a, V_MOVAPS_ST);
    mxcsr(a, 3, OFF(mxcsr));
    byte_imm(a, ALU_OR, OFF(fp_gate), GATE_OUT);
    byte_imm(a, 0, OFF(v_again), 1);
    as_rm(a, 0, 32, 0xf7, 0, RBP, OFF(mxcsr), false);
    as_4(a, MXCSR_RC);
    nearest = as_jcc(a, CC_E);
    mxcsr(a, 2, OFF(mxcsr_default));
    as_patch(a, nearest, a->p);
    as_1(a, 0xc3);
}

void vregs_leave(const struct jit *jit, struct as *a)
{
    uint8_t *out;

    byte_imm(a, 0, OFF(v_again), 0);
    gate_test(a, GATE_OUT);
    out = as_jcc(a, CC_NE);
    as_call_to(a, jit->v_leave);
    as_patch(a, out, a->p);
}

void vregs_again(const struct jit *jit, struct as *a)
{
    uint8_t *out;

    as_rm(a, 0, 32, 0x80, 7, RBP, OFF(v_again), false);
    as_1(a, 0);
    out = as_jcc(a, CC_E);
    as_call_to(a, jit->v_enter);
    as_patch(a, out, a->p);
}

/* ---- In the region --------------------------------------------------------------------------- */

void vregs_forget(struct tr *t)
{
    t->vec = 0;
    t->z64 = t->z32 = 0;
    t->shl = 0;
}

bool tr_vec_refuse(struct tr *t, bool refuse)
{
    if (!refuse && t->jit->host.sse41) {
        return false;
    }
    tr_call(t);
    return true;
}

/* Does arithmetic come soon, in this line? Then one look at the gate does for both. */
static bool arith_ahead(const struct tr *t)
{
    const struct ti *i = t->i;

    for (unsigned n = 0; n < 16 && i + 1 < &t->insn[t->count] && i[1].slot == i->slot + 1; n++) {
        i++;
        if (i->join || i->entry || i->loop || (uop_table[i->uop].flags & UOP_ENDS_BLOCK) != 0) {
            return false;
        }
        if (jit_tmpl_fp[i->uop].fn != NULL || jit_tmpl_simd_fp[i->uop].fn != NULL) {
            return true;
        }
    }
    return false;
}

void tr_vec(struct tr *t, bool arith)
{
    struct cold *c;

    if (t->vec >= 1 + arith) {
        return;
    }
    arith = arith || arith_ahead(t);
    unsigned mask = GATE_OUT | GATE_TRAP | (arith ? GATE_FZ : 0);

    if (t->fk != FK_NONE && !t->fsaved && t->i->need_in) {
        tr_flags_save(t);
    }
    t->fk = FK_NONE;
    gate_test(&t->a, mask);
    c = tr_cold(t, COLD_VEC, as_jcc(&t->a, CC_NE));
    c->imm = mask & ~(unsigned)GATE_OUT;
    c->back = t->a.p;
    t->vec = (uint8_t)(1 + arith);
}

/*
 * The gate is not clear. Out: fetch. Else the body runs here, for what it makes of the trap or of FPCR, and the interpreter
 * goes on after it: the instructions behind this one count on the gate.
 */
void vregs_cold(struct tr *t, const struct cold *c)
{
    struct as *a = &t->a;
    uint8_t *odd;

    gate_test(a, (unsigned)c->imm);
    odd = as_jcc(a, CC_NE);
    as_call_to(a, t->jit->v_enter);
    as_jmp_to(a, c->back);
    as_patch(a, odd, a->p);
    tr_interpret(t, c);
}

/* ---- Registers ------------------------------------------------------------------------------- */

bool v_is64(const struct tr *t, unsigned n)
{
    return (t->z64 >> n & 1) != 0;
}
bool v_is32(const struct tr *t, unsigned n)
{
    return (t->z32 >> n & 1) != 0;
}

void v_note_zero(struct tr *t, unsigned d, unsigned from)
{
    t->z64 = (uint32_t)bits_set(t->z64, d, 1, from <= 64);
    t->z32 = (uint32_t)bits_set(t->z32, d, 1, from <= 32);
}

int vr(struct tr *t, unsigned n, int tmp)
{
    if (v_pinned(t, n)) {
        return t->jit->vpin[n];
    }
    as_v_rm(&t->a, t->jit->host.level, V_MOVAPS, tmp, 0, RBP, VOFF(n));
    return tmp;
}

int vr_low(struct tr *t, unsigned n, int tmp)
{
    int r = vr(t, n, tmp);

    if (r > 15) {
        v_mov(t, tmp, r);
        r = tmp;
    }
    return r;
}

int v_dst(struct tr *t, unsigned d, int s1, int s2, int s3, int tmp)
{
    int r = t->jit->vpin[d];

    return r < 0 || r == s1 || r == s2 || r == s3 ? tmp : r;
}

void v_mov(struct tr *t, int d, int s)
{
    if (d != s) {
        as_v_rr(&t->a, t->jit->host.level, V_MOVAPS, d, 0, s);
    }
}

void v_zero(struct tr *t, int d)
{
    if (d > 15) { /* the short form clears a register's name; the long one computes */
        v3(t, V_XOR, d, d, d);
    } else {
        as_v_rr(&t->a, t->jit->host.level, VOP(0, 1, 0, 0x57), d, d, d);
    }
}

void v_changed(struct tr *t, unsigned d)
{
    for (unsigned n = 0; t->shl >> n != 0 && n < 32; n++) {
        if (n == d || t->shl_from[n] == d) {
            t->shl &= ~(1u << n);
        }
    }
    t->z64 &= ~(1u << d);
    t->z32 &= ~(1u << d);
}

void v_put(struct tr *t, unsigned d, int x)
{
    v_changed(t, d);
    if (v_pinned(t, d)) {
        v_mov(t, t->jit->vpin[d], x);
    } else {
        as_v_rm(&t->a, t->jit->host.level, V_MOVAPS_ST, x, 0, RBP, VOFF(d));
    }
    v_note_zero(t, d, 128);
}

void v_put64(struct tr *t, unsigned d, int x)
{
    v_changed(t, d);
    if (v_pinned(t, d)) {
        v2(t, V_MOVQ, t->jit->vpin[d], x);
    } else {
        v2(t, V_MOVQ, SX3, x);
        v_put(t, d, SX3);
    }
    v_note_zero(t, d, 64);
}

void v_put32(struct tr *t, unsigned d, int x)
{
    int r = v_pinned(t, d) ? t->jit->vpin[d] : SX3;

    v_changed(t, d);
    v3i(t, V_INSERTPS, r, x, x, 0x0e);
    if (!v_pinned(t, d)) {
        v_put(t, d, r);
    }
    v_note_zero(t, d, 32);
}

void v_put_shape(struct tr *t, const struct op *op, int x)
{
    switch (op->ra) {
    case SHAPE_B:
    case SHAPE_H:
        v3c(t, V_AND, SX0, x, op->ra == SHAPE_B ? 0xff : 0xffff, 0);
        v_put(t, op->rd, SX0);
        v_note_zero(t, op->rd, 32);
        break;
    case SHAPE_S: v_put32(t, op->rd, x); break;
    case SHAPE_D:
    case SHAPE_HALF: v_put64(t, op->rd, x); break;
    default: v_put(t, op->rd, x); break;
    }
}

/* ---- Instructions ---------------------------------------------------------------------------- */

static void imm8(struct tr *t, int imm)
{
    if (imm >= 0) {
        as_1(&t->a, (unsigned)imm);
    }
}

/* The encoding of two operands: d becomes a. Answers b, or where it has been saved. */
static int two_operands(struct tr *t, uint32_t op, int d, int *a, int b)
{
    if (t->jit->host.level != VEX_NONE || d == *a) {
        return b;
    }
    if (d == b && (op & VOP_COMMUTES) != 0) {
        b = *a;
        *a = d;
        return b;
    }
    if (d == b) {
        v_mov(t, SX3, b);
        b = SX3;
    }
    v_mov(t, d, *a);
    *a = d;
    return b;
}

void v3i(struct tr *t, uint32_t op, int d, int a, int b, int imm)
{
    b = two_operands(t, op, d, &a, b);
    as_v_rr(&t->a, t->jit->host.level, op, d, a, b);
    imm8(t, imm);
}

void v3(struct tr *t, uint32_t op, int d, int a, int b)
{
    v3i(t, op, d, a, b, -1);
}

void v3gi(struct tr *t, uint32_t op, int d, int a, unsigned n, int imm)
{
    int b = t->jit->vpin[n];

    if (b > 15 && (op & VOP_LOW) != 0) {
        v_mov(t, SX3, b);
        b = SX3;
    }
    if (b >= 0) {
        v3i(t, op, d, a, b, imm);
        return;
    }
    two_operands(t, op, d, &a, NOREG);
    as_v_rm(&t->a, t->jit->host.level, op, d, a, RBP, VOFF(n));
    imm8(t, imm);
}

void v3g(struct tr *t, uint32_t op, int d, int a, unsigned n)
{
    v3gi(t, op, d, a, n, -1);
}

void v2i(struct tr *t, uint32_t op, int d, int b, int imm)
{
    as_v_rr(&t->a, t->jit->host.level, op, d, 0, b);
    imm8(t, imm);
}

void v2(struct tr *t, uint32_t op, int d, int b)
{
    v2i(t, op, d, b, -1);
}

void v2gi(struct tr *t, uint32_t op, int d, unsigned n, int imm)
{
    if (v_pinned(t, n)) {
        int b = t->jit->vpin[n];
        if (b > 15 && (op & VOP_LOW) != 0) {
            v_mov(t, SX3, b);
            b = SX3;
        }
        v2i(t, op, d, b, imm);
        return;
    }
    as_v_rm(&t->a, t->jit->host.level, op, d, 0, RBP, VOFF(n));
    imm8(t, imm);
}

void v2g(struct tr *t, uint32_t op, int d, unsigned n)
{
    v2gi(t, op, d, n, -1);
}

void v_shift(struct tr *t, uint32_t op, int digit, int d, int s, unsigned count)
{
    if (t->jit->host.level == VEX_NONE) {
        v_mov(t, d, s);
        as_v_rr(&t->a, VEX_NONE, op, digit, 0, d);
    } else {
        as_v_rr(&t->a, t->jit->host.level, op, digit, d, s);
    }
    as_1(&t->a, count);
}

/* ---- What templates have in common ----------------------------------------------------------- */

bool v_begin(struct tr *t, bool refuse)
{
    if (tr_vec_refuse(t, refuse)) {
        return false;
    }
    tr_vec(t, false);
    return true;
}

bool v_begin_flags(struct tr *t, bool refuse)
{
    if (!v_begin(t, refuse)) {
        return false;
    }
    tr_clobber(t);
    return true;
}

int v_last(const struct tr *t, const struct op *op, uint32_t ins, int tmp)
{
    int r = t->jit->vpin[op->rd];

    return op->ra < SHAPE_FULL || r < 0 || (r > 15 && (ins & VOP_LOW) != 0) ? tmp : r;
}

void v_not(struct tr *t, int d, int s)
{
    if (t->jit->host.level == VEX_AVX512) {
        v3i(t, V_TERNLOG, d, s, s, 0x55);
    } else {
        v3c(t, V_XOR, d, s, ~0ull, ~0ull);
    }
}

uint64_t v_each(unsigned size, uint64_t v)
{
    for (unsigned bits = 8u << size; bits < 64; bits *= 2) {
        v = (v & (~0ull >> (64 - bits))) | v << bits;
    }
    return v;
}

void v_set_qc_all(struct tr *t, int x)
{
    uint8_t *none;

    v2(t, V_PTEST, x, x);
    none = as_jcc(&t->a, CC_E);
    as_rm(&t->a, 0, 32, 0x81, ALU_OR, RBP, OFF(fpsr), false);
    as_4(&t->a, FPSR_QC);
    as_patch(&t->a, none, t->a.p);
}

void v_set_qc(struct tr *t, const struct op *op, int x)
{
    if (op->ra == SHAPE_HALF || op->ra == SHAPE_D) {
        v2(t, V_MOVQ, x, x);
    } else if (op->ra < SHAPE_D) {
        v3c(t, V_AND, x, x, v_each(3, ~0ull >> (64 - (8u << op->ra))), 0);
    }
    v_set_qc_all(t, x);
}

/* A shift of bytes is a multiplication by a matrix of bits, or one of words and a mask. */
static void shift_bytes(struct tr *t, bool left, bool is_signed, int d, int s, unsigned count)
{
    const uint64_t one = 0x0102040810204080, signs = 0x8080808080808080;
    uint64_t matrix = left ? one >> 8 * count : one << 8 * count;

    if (t->jit->host.gfni) {
        matrix |= is_signed ? signs >> (64 - 8 * count) : 0;
        v3ci(t, V_GF2AFFINE, d, s, matrix, matrix, 0);
        return;
    }
    v_shift(t, V_SHIFT(1), left ? VSH_SLL : VSH_SRL, d, s, count);
    uint64_t keep = v_each(0, left ? 0xffu << count & 0xff : 0xffu >> count);
    v3c(t, V_AND, d, d, keep, keep);
    if (is_signed) {
        uint64_t sign = v_each(0, 0x80 >> count);
        v3c(t, V_XOR, d, d, sign, sign);
        v3c(t, V_PSUB(0), d, d, sign, sign);
    }
}

void v_shr(struct tr *t, unsigned size, bool is_signed, int d, int s, unsigned count)
{
    if (count == 8u << size && !is_signed) {
        v_zero(t, d);
        return;
    }
    count = count == 8u << size ? count - 1 : count;
    if (count == 0) {
        v_mov(t, d, s);
    } else if (size == 0) {
        shift_bytes(t, false, is_signed, d, s, count);
    } else if (!is_signed || size < 3) {
        v_shift(t, V_SHIFT(size), is_signed ? VSH_SRA : VSH_SRL, d, s, count);
    } else if (t->jit->host.level == VEX_AVX512) {
        v_shift(t, V_SHIFTQ_SAR, VSH_SRA, d, s, count);
    } else {
        uint64_t sign = 1ull << (63 - count);
        v_shift(t, V_SHIFT(3), VSH_SRL, d, s, count);
        v3c(t, V_XOR, d, d, sign, sign);
        v3c(t, V_PSUB(3), d, d, sign, sign);
    }
}

void v_shl(struct tr *t, unsigned size, int d, int s, unsigned count)
{
    if (count == 0) {
        v_mov(t, d, s);
    } else if (size == 0) {
        shift_bytes(t, true, false, d, s, count);
    } else {
        v_shift(t, V_SHIFT(size), VSH_SLL, d, s, count);
    }
}

void v_element(struct tr *t, const struct op *op, unsigned size, int d)
{
    unsigned index = (unsigned)op->imm;

    if (size == 2) {
        v2gi(t, V_PSHUFD, d, op->rm, (int)(index * 0x55));
    } else if (size == 3) {
        v2gi(t, V_PSHUFD, d, op->rm, index != 0 ? 0xee : 0x44);
    } else {
        uint64_t from = size == 1 ? v_each(1, 2 * index | (2 * index + 1) << 8) : v_each(0, index);
        v3c(t, V_PSHUFB, d, vr(t, op->rm, d), from, from);
    }
}

/* ---- Constants ------------------------------------------------------------------------------- */

static void use_constant(struct tr *t, uint8_t *at, unsigned after, uint64_t lo, uint64_t hi)
{
    unsigned n = 0;

    while (n < t->consts && (t->constant[n].lo != lo || t->constant[n].hi != hi)) {
        n++;
    }
    if (n == CONST_MAX || t->uses == COLD_MAX) {
        t->a.full = true;
        return;
    }
    if (n == t->consts) {
        t->constant[t->consts].lo = lo;
        t->constant[t->consts++].hi = hi;
    }
    t->use[t->uses].at = at;
    t->use[t->uses].index = (uint16_t)n;
    t->use[t->uses++].after = (uint8_t)after;
}

void v3c(struct tr *t, uint32_t op, int d, int a, uint64_t lo, uint64_t hi)
{
    two_operands(t, op, d, &a, NOREG);
    use_constant(t, as_v_rip(&t->a, t->jit->host.level, op, d, a), 0, lo, hi);
}

void v3ci(struct tr *t, uint32_t op, int d, int a, uint64_t lo, uint64_t hi, int imm)
{
    two_operands(t, op, d, &a, NOREG);
    use_constant(t, as_v_rip(&t->a, t->jit->host.level, op, d, a), 1, lo, hi);
    imm8(t, imm);
}

void v2c(struct tr *t, uint32_t op, int d, uint64_t lo, uint64_t hi)
{
    use_constant(t, as_v_rip(&t->a, t->jit->host.level, op, d, 0), 0, lo, hi);
}

void vregs_pool(struct tr *t)
{
    struct as *a = &t->a;
    uint8_t *pool;

    if (t->consts == 0) {
        return;
    }
    while (((uintptr_t)a->p & 15) != 0 && !a->full) {
        as_1(a, 0xcc);
    }
    pool = a->p;
    for (unsigned n = 0; n < t->consts; n++) {
        as_8(a, t->constant[n].lo);
        as_8(a, t->constant[n].hi);
    }
    for (unsigned n = 0; n < t->uses; n++) {
        as_patch(a, t->use[n].at, pool + (size_t)16 * t->use[n].index - t->use[n].after);
    }
}

#endif
