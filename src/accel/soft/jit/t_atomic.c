/*
 * t_atomic.c - templates of ordered and exclusive accesses and of the atomics (bodies: op_atomic.c, where it says how the
 * exclusive monitor works).
 *
 * RDX is the guest address, then the host's. A misaligned address and whatever the TLB refuses go to the body.
 *
 * A machine with one CPU has nobody to be atomic or ordered against: instructions need no LOCK there, since an
 * interrupt cannot come between the halves of one, and barriers need no code. Threads of devices that share memory
 * with such a guest have to make up for that, on their side.
 */
#include "accel/soft/jit/translate.h"

#include "vm.h"

/* A way into memory: the jumps that lead to the body. */
struct gate {
    uint8_t *miss, *misaligned;
};

/* RDX = host address of `bytes` bytes at X[rn] + imm. */
static struct gate gate_open(struct tr *t, const struct op *op, unsigned bytes, bool write,
                             int32_t imm)
{
    struct as *a = &t->a;
    struct gate g = { 0 };

    tr_clobber(t);
    as_lea(a, 64, RDX, tr_src(t, 64, op->rn, RDX), imm);
    if (bytes > 1) {
        as_rr(a, 0, 32, 0xf7, 0, RDX, false); /* TEST EDX, imm */
        as_4(a, bytes - 1);
        g.misaligned = as_jcc(a, CC_NE);
    }
    tr_tlb_slot(a, RDX, OFF(tlb));
    as_mov(a, 64, RAX, RDX);
    as_alu_i(a, 64, ALU_AND, RAX, -(int32_t)SOFT_PAGE);
    as_alu_m(
        a, 64, ALU_CMP, RAX, RCX,
        (int32_t)(write ? offsetof(struct tlb_entry, wtag) : offsetof(struct tlb_entry, rtag)));
    g.miss = as_jcc(a, CC_NE);
    as_alu_m(a, 64, ALU_ADD, RDX, RCX, offsetof(struct tlb_entry, addend));
    return g;
}

static void gate_close(struct tr *t, const struct gate *g)
{
    tr_cold_call(t, g->miss, g->misaligned, NULL);
}

static void lock(struct tr *t)
{
    if (!tr_alone(t)) {
        as_1(&t->a, 0xf0);
    }
}

/* opcode reg, [RDX] of 1 << size bytes; opcode is that of the forms that are not for bytes, which are one below. */
static void with_memory(struct tr *t, unsigned size, uint32_t opcode, int reg)
{
    as_rm(&t->a, size == 1 ? 0x66 : 0, size == 3 ? 64 : 32, size == 0 ? opcode - 1 : opcode, reg,
          RDX, 0, size == 0);
}

/* The same with LOCK where it is needed. */
static void locked(struct tr *t, unsigned size, uint32_t opcode, int reg)
{
    lock(t);
    with_memory(t, size, opcode, reg);
}

static void load(struct tr *t, unsigned size, int reg)
{
    static const uint32_t zero[] = { 0x0fb6, 0x0fb7, 0x8b, 0x8b };

    as_rm(&t->a, 0, size == 3 ? 64 : 32, zero[size], reg, RDX, 0, false);
}

/* Clears what is above the value in RAX. */
static void narrow(struct tr *t, unsigned size)
{
    if (size == 0) {
        as_movzx8(&t->a, RAX, RAX);
    } else if (size == 1) {
        as_rr(&t->a, 0, 32, 0x0fb7, RAX, RAX, false);
    }
}

/* ---- Ordered --------------------------------------------------------------------------------- */

enum { SIGN32 = 1 << 4, SIGN64 = 1 << 5 };

static void t_ldar(struct tr *t, const struct op *op, unsigned arg)
{
    static const uint32_t zero[] = { 0x0fb6, 0x0fb7, 0x8b, 0x8b };
    static const uint32_t sign[] = { 0x0fbe, 0x0fbf, 0x63, 0x8b };
    unsigned size = arg & 3;
    struct gate g = gate_open(t, op, 1u << size, false, (int32_t)op->imm);
    int d = tr_dst(t, op->rd, RAX);

    if ((arg & (SIGN32 | SIGN64)) == 0) {
        as_rm(&t->a, 0, size == 3 ? 64 : 32, zero[size], d, RDX, 0, false);
    } else {
        as_rm(&t->a, 0, (arg & SIGN64) != 0 ? 64 : 32, sign[size], d, RDX, 0, false);
    }
    tr_put(t, op->rd, d);
    gate_close(t, &g);
}

/* XCHG: a later load-acquire must not pass it. */
static void t_stlr(struct tr *t, const struct op *op, unsigned arg)
{
    struct gate g = gate_open(t, op, 1u << arg, true, (int32_t)op->imm);

    if (tr_alone(t)) {
        with_memory(t, arg, 0x89, tr_src(t, 64, op->rd, RCX));
    } else {
        tr_get(t, 64, RCX, op->rd);
        with_memory(t, arg, 0x87, RCX);
    }
    gate_close(t, &g);
}

/* ---- Exclusives ------------------------------------------------------------------------------ */

static void store_imm32(struct as *a, int32_t disp, uint32_t value)
{
    as_rm(a, 0, 32, 0xc7, 0, RBP, disp, false);
    as_4(a, value);
}

/* The monitor is closed on the bytes at RDX, which hold RAX. */
static void monitor_set(struct tr *t, unsigned size)
{
    as_store(&t->a, 64, RAX, RBP, OFF(excl_lo));
    as_store(&t->a, 64, RDX, RBP, OFF(excl_host));
    store_imm32(&t->a, OFF(excl_size), 1u << size);
}

static void t_ldxr(struct tr *t, const struct op *op, unsigned arg)
{
    struct gate g = gate_open(t, op, 1u << arg, false, 0);

    load(t, arg, RAX);
    monitor_set(t, arg);
    tr_put(t, op->rd, RAX);
    gate_close(t, &g);
}

static void t_ldxp64(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    struct gate g = gate_open(t, op, 8, false, 0);

    load(t, 3, RAX);
    monitor_set(t, 3);
    as_mov(a, 32, RCX, RAX);
    as_shift(a, 64, SH_SHR, RAX, 32);
    tr_put(t, op->rd, RCX);
    tr_put(t, op->rm, RAX);
    gate_close(t, &g);
}

/* The value is in RCX or a register of its own. The status register becomes 0 if it was stored. */
static void store_exclusive(struct tr *t, const struct op *op, unsigned size, int value)
{
    struct as *a = &t->a;
    uint8_t *open, *elsewhere;

    as_alu_mi(a, 32, ALU_CMP, RBP, OFF(excl_size), 1 << size);
    store_imm32(a, OFF(excl_size), 0);
    open = as_jcc(a, CC_NE);
    as_alu_m(a, 64, ALU_CMP, RDX, RBP, OFF(excl_host));
    elsewhere = as_jcc(a, CC_NE);
    as_load(a, 64, RAX, RBP, OFF(excl_lo));
    locked(t, size, 0x0fb1, value); /* CMPXCHG */
    as_patch(a, open, a->p);
    as_patch(a, elsewhere, a->p);
    as_setcc(a, CC_NE, RAX);
    as_movzx8(a, RAX, RAX);
    tr_put(t, op->ra, RAX);
}

static void t_stxr(struct tr *t, const struct op *op, unsigned arg)
{
    struct gate g = gate_open(t, op, 1u << arg, true, 0);

    store_exclusive(t, op, arg, tr_src(t, 64, op->rd, RCX));
    gate_close(t, &g);
}

static void t_stxp64(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    struct gate g = gate_open(t, op, 8, true, 0);

    tr_get(t, 32, RCX, op->rd);
    tr_get(t, 64, RAX, op->rm);
    as_shift(a, 64, SH_SHL, RAX, 32);
    as_alu(a, 64, ALU_OR, RCX, RAX);
    store_exclusive(t, op, 3, RCX);
    gate_close(t, &g);
}

/* ---- Atomics --------------------------------------------------------------------------------- */

static void t_cas(struct tr *t, const struct op *op, unsigned arg)
{
    struct gate g = gate_open(t, op, 1u << arg, true, 0);

    tr_get(t, arg == 3 ? 64 : 32, RAX, op->rm);
    locked(t, arg, 0x0fb1, tr_src(t, 64, op->rd, RCX)); /* CMPXCHG */
    narrow(t, arg);
    tr_put(t, op->ra, RAX);
    gate_close(t, &g);
}

static void t_ldadd(struct tr *t, const struct op *op, unsigned arg)
{
    struct gate g = gate_open(t, op, 1u << arg, true, 0);

    tr_get(t, arg == 3 ? 64 : 32, RAX, op->rm);
    locked(t, arg, 0x0fc1, RAX); /* XADD */
    narrow(t, arg);
    tr_put(t, op->rd, RAX);
    gate_close(t, &g);
}

static void t_swp(struct tr *t, const struct op *op, unsigned arg)
{
    struct gate g = gate_open(t, op, 1u << arg, true, 0);

    if (tr_alone(t)) {
        int value = tr_src(t, 64, op->rm, RCX);
        load(t, arg, RAX);
        with_memory(t, arg, 0x89, value);
    } else {
        tr_get(t, arg == 3 ? 64 : 32, RAX, op->rm);
        with_memory(t, arg, 0x87, RAX); /* XCHG locks by itself */
        narrow(t, arg);
    }
    tr_put(t, op->rd, RAX);
    gate_close(t, &g);
}

enum { OP_CLEAR, OP_EOR, OP_SET, OP_SMAX, OP_SMIN, OP_UMAX, OP_UMIN, OP_ADD };

/* RCX = RCX op X[g], RAX being what is in memory; both zero-extended. */
static void combine(struct tr *t, unsigned kind, unsigned size, unsigned g)
{
    static const uint8_t keep_old[] = {
        [OP_SMAX] = CC_L, [OP_SMIN] = CC_G, [OP_UMAX] = CC_B, [OP_UMIN] = CC_A
    };
    struct as *a = &t->a;
    int w = size == 3 ? 64 : 32;

    switch (kind) {
    case OP_CLEAR: /* (old | value) ^ value */
        as_mov(a, 64, RCX, RAX);
        tr_alu(t, 64, ALU_OR, RCX, g);
        tr_alu(t, 64, ALU_XOR, RCX, g);
        break;
    case OP_EOR:
        as_mov(a, 64, RCX, RAX);
        tr_alu(t, 64, ALU_XOR, RCX, g);
        break;
    case OP_SET:
        as_mov(a, 64, RCX, RAX);
        tr_alu(t, 64, ALU_OR, RCX, g);
        break;
    default:
        tr_get(t, w, RCX, g);
        as_alu(a, w, ALU_CMP, RCX, RAX);
        as_cmov(a, w, (enum cc)keep_old[kind], RCX, RAX);
        break;
    }
}

/* arg: size, kind << 4. Minimum and maximum of bytes and halfwords are left to the body. */
static void t_rmw(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    unsigned size = arg & 3, kind = arg >> 4;
    struct gate g = gate_open(t, op, 1u << size, true, 0);
    const uint8_t *again;

    load(t, size, RAX);
    again = a->p;
    combine(t, kind, size, op->rm);
    if (tr_alone(t)) {
        with_memory(t, size, 0x89, RCX);
    } else {
        locked(t, size, 0x0fb1, RCX); /* CMPXCHG */
        as_jcc_to(a, CC_NE, again);
        narrow(t, size);
    }
    tr_put(t, op->rd, RAX);
    gate_close(t, &g);
}

/* The old value is not wanted. */
static void t_rmw_st(struct tr *t, const struct op *op, unsigned arg)
{
    static const uint32_t opcode[] = {
        [OP_ADD] = 0x01, [OP_CLEAR] = 0x21, [OP_EOR] = 0x31, [OP_SET] = 0x09
    };
    unsigned size = arg & 3, kind = arg >> 4;
    struct gate g = gate_open(t, op, 1u << size, true, 0);
    int value = RCX;

    if (kind == OP_CLEAR) {
        tr_get(t, 64, RCX, op->rm);
        as_not(&t->a, 64, RCX);
    } else {
        value = tr_src(t, 64, op->rm, RCX);
    }
    locked(t, size, opcode[kind], value);
    gate_close(t, &g);
}

#define T(name, fn_, arg_) [UOP_##name] = { fn_, arg_ }
#define T4(name, fn, arg)  T(name##8, fn, arg), T(name##16, fn, (arg) | 1), T2(name, fn, arg)
#define T2(name, fn, arg)  T(name##32, fn, (arg) | 2), T(name##64, fn, (arg) | 3)
#define RMW(name, kind)    T4(name, t_rmw, (kind) << 4)
#define RMW_2(name, kind)  T2(name, t_rmw, (kind) << 4)
#define RMW_ST(name, kind) T4(name, t_rmw_st, (kind) << 4)

const struct tmpl jit_tmpl_atomic[UOP_COUNT] = {
    T4(ldar, t_ldar, 0),
    T(ldar8s32, t_ldar, 0 | SIGN32),
    T(ldar8s64, t_ldar, 0 | SIGN64),
    T(ldar16s32, t_ldar, 1 | SIGN32),
    T(ldar16s64, t_ldar, 1 | SIGN64),
    T(ldar32s64, t_ldar, 2 | SIGN64),
    T4(stlr, t_stlr, 0),
    T4(ldxr, t_ldxr, 0),
    T(ldxp64, t_ldxp64, 0),
    T4(stxr, t_stxr, 0),
    T(stxp64, t_stxp64, 0),
    T4(cas, t_cas, 0),
    T4(ldadd, t_ldadd, 0),
    T4(swp, t_swp, 0),
    RMW(ldclr, OP_CLEAR),
    RMW(ldeor, OP_EOR),
    RMW(ldset, OP_SET),
    RMW_2(ldsmax, OP_SMAX),
    RMW_2(ldsmin, OP_SMIN),
    RMW_2(ldumax, OP_UMAX),
    RMW_2(ldumin, OP_UMIN),
    RMW_ST(stadd, OP_ADD),
    RMW_ST(stclr, OP_CLEAR),
    RMW_ST(steor, OP_EOR),
    RMW_ST(stset, OP_SET),
};
