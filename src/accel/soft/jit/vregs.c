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
}

bool tr_vec_refuse(struct tr *t, bool refuse)
{
    if (!refuse && t->jit->host.sse41) {
        return false;
    }
    tr_call(t);
    return true;
}

void tr_vec(struct tr *t, bool arith)
{
    struct cold *c;
    unsigned mask = GATE_OUT | GATE_TRAP | (arith ? GATE_FZ : 0);

    if (t->vec >= 1 + arith) {
        return;
    }
    if (t->fk != FK_NONE && !t->fsaved && t->i->live_in) {
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
    if (c->bias != 0) {
        as_lea(a, 64, R14, R14, -c->bias);
    }
    as_imm(a, RCX, c->slot | (uint32_t)c->uop << 10);
    as_call_to(a, c->sets_flags ? t->jit->call_out : t->jit->call);
    as_imm(a, RCX, c->slot + 1u);
    as_jmp_to(a, t->jit->interp_at);
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

void v_put(struct tr *t, unsigned d, int x)
{
    if (v_pinned(t, d)) {
        v_mov(t, t->jit->vpin[d], x);
    } else {
        as_v_rm(&t->a, t->jit->host.level, V_MOVAPS_ST, x, 0, RBP, VOFF(d));
    }
    v_note_zero(t, d, 128);
}

void v_put64(struct tr *t, unsigned d, int x)
{
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
