/*
 * t_struct.c - templates of Advanced SIMD structure loads and stores (bodies: op_struct.c).
 *
 * One look-up for the whole span. Structures of 2, 3 and 4 elements are taken apart and put together by PSHUFB: byte j of
 * register k is byte ((j / e) * n + k) * e + j % e of memory, e being the element's bytes; it is gathered from the pieces of memory
 * of a register's size, and those from the registers in the same way.
 */
#include "accel/soft/jit/mem.h"
#include "accel/soft/op_mem.h"

#if SOFT_JIT

static unsigned reg(const struct op *op, unsigned i)
{
    return (op->rd + i) & 31;
}

/* Bytes of a register. */
static unsigned bytes_of(const struct op *op)
{
    return shape_q(op) ? 16 : 8;
}

static void load(struct tr *t, const struct op *op, int d, unsigned piece)
{
    as_v_rm(&t->a, t->jit->host.level, shape_q(op) ? V_MOVUPS : V_MOVQ, d, 0, RDX,
            (int32_t)(piece * bytes_of(op)));
}

static void store(struct tr *t, const struct op *op, int s, unsigned piece)
{
    as_v_rm(&t->a, t->jit->host.level, shape_q(op) ? V_MOVUPS_ST : V_MOVQ_ST, s, 0, RDX,
            (int32_t)(piece * bytes_of(op)));
}

static void put(struct tr *t, const struct op *op, unsigned i, int x)
{
    v_put(t, reg(op, i), x);
    v_note_zero(t, reg(op, i), shape_q(op) ? 128 : 64);
}

/* ---- Whole registers ------------------------------------------------------------------------- */

static void load_1(struct tr *t, const struct op *op)
{
    for (unsigned i = 0; i < shape_regs(op); i++) {
        int d = v_dst(t, reg(op, i), NOREG, NOREG, NOREG, SX0);
        load(t, op, d, i);
        put(t, op, i, d);
    }
}

static void store_1(struct tr *t, const struct op *op)
{
    for (unsigned i = 0; i < shape_regs(op); i++) {
        store(t, op, vr(t, reg(op, i), SX0), i);
    }
}

/* ---- Structures ------------------------------------------------------------------------------ */

/*
 * Which bytes of source `from` go to destination `to`, as PSHUFB wants it (80: none). load: sources are pieces of memory and
 * destinations registers; else the other way round. False: none.
 */
static bool shuffle(const struct op *op, bool load, unsigned to, unsigned from, uint64_t mask[2])
{
    unsigned e = 1u << shape_esize(op), n = shape_regs(op), size = bytes_of(op);
    bool any = false;

    mask[0] = mask[1] = v_each(0, 0x80);
    for (unsigned j = 0; j < size; j++) {
        unsigned r = load ? to : from; /* the register, and byte b of it at byte m of memory */
        for (unsigned b = 0; b < size; b++) {
            unsigned m = ((b / e) * n + r) * e + b % e;
            bool here = load ? b == j && m / size == from : m == to * size + j;
            if (here) {
                mask[j / 8] = bits_set(mask[j / 8], 8 * (j % 8), 8, load ? m % size : b);
                any = true;
            }
        }
    }
    return any;
}

static void load_n(struct tr *t, const struct op *op)
{
    uint64_t mask[2];

    for (unsigned i = 0; i < shape_regs(op); i++) {
        int d = SX0;
        for (unsigned piece = 0; piece < shape_regs(op); piece++) {
            if (shuffle(op, true, i, piece, mask)) {
                load(t, op, SX1, piece);
                v3c(t, V_PSHUFB, d == SX0 ? SX0 : SX1, SX1, mask[0], mask[1]);
                if (d != SX0) {
                    v3(t, V_OR, SX0, SX0, SX1);
                }
                d = SX1;
            }
        }
        put(t, op, i, SX0);
    }
}

static void store_n(struct tr *t, const struct op *op)
{
    uint64_t mask[2];

    for (unsigned piece = 0; piece < shape_regs(op); piece++) {
        bool first = true;
        for (unsigned i = 0; i < shape_regs(op); i++) {
            if (shuffle(op, false, piece, i, mask)) {
                v3c(t, V_PSHUFB, first ? SX0 : SX1, vr(t, reg(op, i), SX1), mask[0], mask[1]);
                if (!first) {
                    v3(t, V_OR, SX0, SX0, SX1);
                }
                first = false;
            }
        }
        store(t, op, SX0, piece);
    }
}

/* Two registers of words or doublewords, the frequent case. */
static void load_2(struct tr *t, const struct op *op)
{
    bool d = shape_esize(op) == 3;

    load(t, op, SX0, 0);
    load(t, op, SX1, 1);
    if (d) {
        v3(t, V_UNPCKL(3), SX2, SX0, SX1);
        v3(t, V_UNPCKH(3), SX0, SX0, SX1);
    } else {
        v3i(t, V_SHUFPS, SX2, SX0, SX1, 0x88);
        v3i(t, V_SHUFPS, SX0, SX0, SX1, 0xdd);
    }
    put(t, op, 0, SX2);
    put(t, op, 1, SX0);
}

static void store_2(struct tr *t, const struct op *op)
{
    unsigned size = shape_esize(op);
    int a = vr(t, reg(op, 0), SX1), b = vr(t, reg(op, 1), SX2);

    v3(t, V_UNPCKL(size), SX0, a, b);
    store(t, op, SX0, 0);
    v3(t, V_UNPCKH(size), SX0, a, b);
    store(t, op, SX0, 1);
}

/* ---- Single structures ----------------------------------------------------------------------- */

static void load_lane(struct tr *t, const struct op *op)
{
    static const uint32_t ins[] = { V_PINSRB, V_PINSRW, V_PINSRD, V_PINSRQ };

    for (unsigned i = 0; i < shape_regs(op); i++) {
        int d = vr(t, reg(op, i), SX0), s = d;
        if (t->jit->host.level == VEX_NONE) {
            v_mov(t, SX0, d);
            d = s = SX0;
        }
        as_v_rm(&t->a, t->jit->host.level, ins[shape_esize(op)], d, s, RDX,
                (int32_t)(i << shape_esize(op)));
        as_1(&t->a, shape_lane(op));
        v_put(t, reg(op, i), d);
    }
}

static void store_lane(struct tr *t, const struct op *op)
{
    static const uint32_t ins[] = { V_PEXTRB, V_PEXTRW, V_PEXTRD, V_PEXTRQ };

    for (unsigned i = 0; i < shape_regs(op); i++) {
        as_v_rm(&t->a, t->jit->host.level, ins[shape_esize(op)], vr(t, reg(op, i), SX0), 0, RDX,
                (int32_t)(i << shape_esize(op)));
        as_1(&t->a, shape_lane(op));
    }
}

/* LD1R and its relatives: an element everywhere. */
static void load_rep(struct tr *t, const struct op *op)
{
    unsigned size = shape_esize(op);

    for (unsigned i = 0; i < shape_regs(op); i++) {
        int d = v_dst(t, reg(op, i), NOREG, NOREG, NOREG, SX0);
        int32_t at = (int32_t)(i << size);
        if (size == 3) {
            as_v_rm(&t->a, t->jit->host.level, V_MOVDDUP, d, 0, RDX, at);
        } else if (t->jit->host.level != VEX_NONE) {
            as_v_rm(&t->a, t->jit->host.level, V_PBROADCAST(size), d, 0, RDX, at);
        } else if (size == 2) {
            as_v_rm(&t->a, VEX_NONE, V_MOVSS, d, 0, RDX, at);
            v2i(t, V_PSHUFD, d, d, 0);
        } else {
            as_rm(&t->a, 0, 32, size == 0 ? 0x0fb6 : 0x0fb7, RAX, RDX, at, false);
            v2(t, V_MOVD_G, d, RAX);
            v3c(t, V_PSHUFB, d, d, size == 0 ? 0 : v_each(1, 0x100),
                size == 0 ? 0 : v_each(1, 0x100));
        }
        if (shape_q(op)) {
            v_put(t, reg(op, i), d);
        } else {
            v_put64(t, reg(op, i), d);
        }
    }
}

/* ---- The instruction ------------------------------------------------------------------------- */

typedef void transfer_fn(struct tr *t, const struct op *op);

static transfer_fn *transfer_of(const struct op *op, enum uop uop)
{
    bool two = shape_regs(op) == 2 && shape_q(op);

    switch (uop) {
    case UOP_vld1d:
    case UOP_vld1q: return load_1;
    case UOP_vst1d:
    case UOP_vst1q: return store_1;
    case UOP_vldn: return two && shape_esize(op) >= 2 ? load_2 : load_n;
    case UOP_vstn: return two ? store_2 : store_n;
    case UOP_vld_lane: return load_lane;
    case UOP_vst_lane: return store_lane;
    default: return load_rep;
    }
}

/* Xn += Xm + step. */
static void write_back(struct tr *t, const struct op *op)
{
    int d = tr_dst(t, op->rn, RAX);

    if (op->rm == X_ZERO && shape_step(op) == 0) {
        return;
    }
    tr_get(t, 64, d, op->rn);
    if (op->rm != X_ZERO) {
        as_lea_x(&t->a, 64, d, d, tr_src(t, 64, op->rm, RCX), 0, (int32_t)shape_step(op));
    } else {
        as_lea(&t->a, 64, d, d, (int32_t)shape_step(op));
    }
    tr_put(t, op->rn, d);
}

/* RDX becomes the host's address, if the span is in one page that the TLB has; the answered jump is taken if not. */
static uint8_t *look_up(struct tr *t, const struct op *op, bool write)
{
    struct as *a = &t->a;
    unsigned elem = 1u << shape_esize(op);
    uint8_t *miss;

    tr_tlb_slot(a, RDX, OFF(tlb));
    as_lea(a, 64, RAX, RDX, (int32_t)shape_span(op) - 1);
    as_alu_i(a, 64, ALU_AND, RAX, -(int32_t)SOFT_PAGE);
    if (t->page->aligned && elem > 1) {
        uint8_t *aligned;
        as_rr(a, 0, 32, 0xf7, 0, RDX, false); /* TEST EDX, imm */
        as_4(a, elem - 1);
        aligned = as_jcc(a, CC_E);
        as_alu_i(a, 32, ALU_OR, RAX, 1); /* no tag has it */
        as_patch(a, aligned, a->p);
    }
    as_alu_m(
        a, 64, ALU_CMP, RAX, RCX,
        (int32_t)(write ? offsetof(struct tlb_entry, wtag) : offsetof(struct tlb_entry, rtag)));
    miss = as_jcc(a, CC_NE);
    as_alu_m(a, 64, ALU_ADD, RDX, RCX, offsetof(struct tlb_entry, addend));
    return miss;
}

/* Spans that the L0 entries know. */
static bool by_l0(const struct op *op)
{
    unsigned span = shape_span(op);

    return span <= 32 && (span & (span - 1)) == 0;
}

static void t_struct(struct tr *t, const struct op *op, unsigned write)
{
    struct door d;
    uint8_t *miss;

    if (!v_begin_flags(t, false)) {
        return;
    }
    if (!by_l0(op)) {
        tr_get(t, 64, RDX, op->rn);
        miss = look_up(t, op, write != 0);
        transfer_of(op, t->i->uop)(t, op);
        write_back(t, op);
        tr_cold_call(t, miss, NULL, NULL);
        return;
    }
    struct place at = place_at(tr_src(t, 64, op->rn, RDX), 0);
    d = tr_door(t, at, shape_span(op), 1u << shape_esize(op), write != 0,
                op->rn % (L0_ENTRIES / 2));
    as_lea_x(&t->a, 64, RDX, RCX, at.base, 0, 0);
    transfer_of(op, t->i->uop)(t, op);
    write_back(t, op);
    tr_door_close(t, &d);
}

#define T(name, arg_) [UOP_##name] = { t_struct, arg_ }

const struct tmpl jit_tmpl_struct[UOP_COUNT] = {
    T(vld1d, 0), T(vld1q, 0),    T(vst1d, 1),    T(vst1q, 1),   T(vldn, 0),
    T(vstn, 1),  T(vld_lane, 0), T(vst_lane, 1), T(vld_rep, 0),
};

#endif
