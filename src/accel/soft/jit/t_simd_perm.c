/*
 * t_simd_perm.c - templates of Advanced SIMD instructions that move elements (bodies: op_simd_perm.c).
 */
#include "accel/soft/jit/vec.h"

#if SOFT_JIT

#define SIZE(arg) ((arg)&3)
enum { SECOND = 4 }; /* ZIP2, UZP2, TRN2 */

/* ---- Zip, unzip, transpose ------------------------------------------------------------------- */

static void t_zip(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = SIZE(arg);
    bool second = (arg & SECOND) != 0, full = op->ra == SHAPE_FULL;
    uint32_t ins = second && full ? V_UNPCKH(size) : V_UNPCKL(size);
    int r;

    if (!v_begin(t, false)) {
        return;
    }
    r = v_last(t, op, ins, SX0);
    v3g(t, ins, r, vr(t, op->rn, SX1), op->rm);
    if (second && !full) {
        v_shift(t, V_SHIFT(3), VSH_BYTES_R, SX0, SX0, 8);
    }
    v_put_shape(t, op, r);
}

static void t_unzip(struct tr *t, const struct op *op, unsigned arg)
{
    static const uint64_t from[3][2] = { { 0x0e0c0a0806040200, 0x0f0d0b0907050301 },
                                         { 0x0d0c090805040100, 0x0f0e0b0a07060302 },
                                         { 0x0b0a090803020100, 0x0f0e0d0c07060504 } };
    unsigned size = SIZE(arg);
    bool second = (arg & SECOND) != 0;
    int n, m;

    if (!v_begin(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX1);
    m = vr(t, op->rm, SX2);
    if (op->ra == SHAPE_HALF) {
        v3(t, V_UNPCKL(3), SX0, n, m);
        v3c(t, V_PSHUFB, SX0, SX0, from[size % 3][second], 0);
    } else if (size == 3) {
        v3(t, second ? V_UNPCKH(3) : V_UNPCKL(3), SX0, n, m);
    } else if (size == 2) {
        v3i(t, V_SHUFPS, SX0, n, m, second ? 0xdd : 0x88);
    } else {
        v3c(t, V_PSHUFB, SX0, n, from[size][second], 0);
        v3c(t, V_PSHUFB, SX1, m, from[size][second], 0);
        v3(t, V_UNPCKL(3), SX0, SX0, SX1);
    }
    v_put_shape(t, op, SX0);
}

/* As elements of twice the size: the halves of Vn's and Vm's that go side by side. */
static void t_transpose(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = SIZE(arg), half = 8u << size;
    bool second = (arg & SECOND) != 0;
    int n, m;

    if (!v_begin(t, false)) {
        return;
    }
    if (size == 3) {
        t_zip(t, op, arg);
        return;
    }
    uint64_t low = v_each(size + 1, ~0ull >> (64 - half));
    n = vr(t, op->rn, SX1);
    m = vr(t, op->rm, SX2);
    if (second) {
        v_shr(t, size + 1, false, SX0, n, half);
        v3c(t, V_AND, SX1, m, ~low, ~low);
    } else {
        v_shl(t, size + 1, SX0, m, half);
        v3c(t, V_AND, SX1, n, low, low);
    }
    v3(t, V_OR, SX0, SX0, SX1);
    v_put_shape(t, op, SX0);
}

/* ---- Reverse, extract ------------------------------------------------------------------------ */

/* arg: log2 of bytes in an element, of bytes in its container << 8. */
static void t_reverse(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned elem = 1u << SIZE(arg), container = 1u << (arg >> 8);
    uint64_t from[2] = { 0, 0 };
    int r;

    if (!v_begin(t, false)) {
        return;
    }
    for (unsigned i = 0; i < 16; i++) {
        unsigned in = i % container, e = in / elem;
        unsigned at = i - in + (container / elem - 1 - e) * elem + in % elem;
        from[i / 8] |= (uint64_t)at << 8 * (i % 8);
    }
    r = v_last(t, op, V_PSHUFB, SX0);
    v3c(t, V_PSHUFB, r, vr(t, op->rn, SX1), from[0], from[1]);
    v_put_shape(t, op, r);
}

static void t_ext(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned from = (unsigned)op->imm;
    int r;

    if (!v_begin(t, false)) {
        return;
    }
    if (op->ra == SHAPE_HALF) {
        v3g(t, V_UNPCKL(3), SX0, vr(t, op->rn, SX1), op->rm);
        v_shift(t, V_SHIFT(3), VSH_BYTES_R, SX0, SX0, from);
        v_put_shape(t, op, SX0);
        return;
    }
    r = v_last(t, op, V_PALIGNR, SX0);
    v3gi(t, V_PALIGNR, r, vr(t, op->rm, SX1), op->rn, (int)from);
    v_put_shape(t, op, r);
}

/* ---- Table lookup ---------------------------------------------------------------------------- */

/*
 * PSHUFB gives 0 where bit 7 of the index is set: adding 0x70 with saturation sets it for indices above 15 and leaves the lower four bits. For
 * the next register of the table the indices are 16 less.
 */
static void t_table(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned registers = (unsigned)op->imm / 16;
    bool keeps = arg != 0;

    if (!v_begin(t, false)) {
        return;
    }
    for (unsigned i = 0; i < registers; i++) {
        int index = vr(t, op->rm, SX1), to = i == 0 ? SX0 : SX1;
        if (i != 0) {
            v3c(t, V_PSUB(0), SX1, index, v_each(0, 16 * i), v_each(0, 16 * i));
            index = SX1;
        }
        v3c(t, V_PADDUS(0), SX1, index, v_each(0, 0x70), v_each(0, 0x70));
        v3(t, V_PSHUFB, to, vr(t, (op->rn + i) & 31, SX2), SX1);
        if (i != 0) {
            v3(t, V_OR, SX0, SX0, SX1);
        }
    }
    if (keeps) { /* TBX: indices from the table's length on */
        uint64_t length = v_each(0, op->imm);
        int index = vr_low(t, op->rm, SX1);
        v3c(t, V_PMAXU(0), SX2, index, length, length);
        v3(t, V_PCMPEQ(0), SX2, SX2, index);
        v3g(t, V_AND, SX2, SX2, op->rd);
        v3(t, V_OR, SX0, SX0, SX2);
    }
    v_put_shape(t, op, SX0);
}

/* ---- Copies ---------------------------------------------------------------------------------- */

static void t_dup_e(struct tr *t, const struct op *op, unsigned arg)
{
    const struct op from = { .rm = op->rn, .imm = op->imm };

    if (!v_begin(t, false)) {
        return;
    }
    v_element(t, &from, SIZE(arg), SX0);
    v_put_shape(t, op, SX0);
}

static void t_dup_g(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = SIZE(arg);
    int g, r;

    if (!v_begin(t, false)) {
        return;
    }
    g = tr_src(t, 64, op->rn, RAX);
    if (t->jit->host.level == VEX_AVX512) {
        r = v_last(t, op, VOP_EVEX, SX0);
        v2(t, V_PBROAD_G(size), r, g);
        v_put_shape(t, op, r);
        return;
    }
    v2(t, size == 3 ? V_MOVQ_G : V_MOVD_G, SX0, g);
    if (size >= 2) {
        v2i(t, V_PSHUFD, SX0, SX0, size == 3 ? 0x44 : 0);
    } else {
        v3c(t, V_PSHUFB, SX0, SX0, size == 0 ? 0 : 0x0100010001000100,
            size == 0 ? 0 : 0x0100010001000100);
    }
    v_put_shape(t, op, SX0);
}

static const uint32_t insert[] = { V_PINSRB, V_PINSRW, V_PINSRD, V_PINSRQ };
static const uint32_t extract[] = { V_PEXTRB, V_PEXTRW, V_PEXTRD, V_PEXTRQ };

static void t_ins_g(struct tr *t, const struct op *op, unsigned arg)
{
    int g, d;

    if (!v_begin(t, false)) {
        return;
    }
    g = tr_src(t, 64, op->rn, RAX);
    d = vr(t, op->rd, SX0);
    v3i(t, insert[SIZE(arg)], d, d, g, (int)op->imm);
    v_put(t, op->rd, d);
}

static void t_ins_e(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned size = SIZE(arg), to = (unsigned)op->imm, from = op->ra;
    int d, n;

    if (!v_begin(t, false)) {
        return;
    }
    d = vr(t, op->rd, SX0);
    n = vr(t, op->rn, SX1);
    if (size == 2) {
        v3i(t, V_INSERTPS, d, d, n, (int)(from << 6 | to << 4));
    } else if (size == 3 && to == 1) {
        if (from == 1) {
            v2i(t, V_PSHUFD, SX1, n, 0xee);
            n = SX1;
        }
        v3(t, V_UNPCKL(3), d, d, n);
    } else if (size == 3) {
        v2i(t, V_PSHUFD, SX2, d, 0xee);
        if (from == 1) {
            v2i(t, V_PSHUFD, SX1, n, 0xee);
            n = SX1;
        }
        v3(t, V_UNPCKL(3), d, n, SX2);
    } else {
        v2i(t, extract[size], n, RAX, (int)from);
        v3i(t, insert[size], d, d, RAX, (int)to);
    }
    v_put(t, op->rd, d);
}

/* To a general register; arg: size, then MOVSX and MOVSXD by the width << 8. */
static void t_mov_to_g(struct tr *t, const struct op *op, unsigned arg)
{
    static const uint32_t extend[] = { 0x0fbe, 0x0fbf, 0x63 };
    unsigned size = SIZE(arg), width = arg >> 8;
    int g = tr_dst(t, op->rd, RAX), n;

    if (!v_begin(t, false)) {
        return;
    }
    n = vr(t, op->rn, SX0);
    v2i(t, extract[size], n, g, (int)op->imm);
    if (width != 0) {
        as_rr(&t->a, 0, (int)width, extend[size], g, g, true);
    }
    tr_put(t, op->rd, g);
}

/* ---- Immediates ------------------------------------------------------------------------------ */

static void t_movi(struct tr *t, const struct op *op, unsigned arg)
{
    bool full = op->ra == SHAPE_FULL;
    int r;

    if (!v_begin(t, false)) {
        return;
    }
    r = v_dst(t, op->rd, NOREG, NOREG, NOREG, SX0);
    if (op->imm == 0) {
        v_zero(t, r);
    } else {
        v2c(t, V_MOVAPS, r, op->imm, full ? op->imm : 0);
    }
    v_put(t, op->rd, r);
    if (op->imm == 0 || !full) {
        v_note_zero(t, op->rd, op->imm >> 32 == 0 ? 32 : 64);
    }
}

/* ORR, BIC; arg: the host's instruction. */
static void t_logic_imm(struct tr *t, const struct op *op, unsigned arg)
{
    int r;

    if (!v_begin(t, false)) {
        return;
    }
    r = v_last(t, op, arg, SX0);
    v3c(t, arg, r, vr(t, op->rd, SX1), op->imm, op->imm);
    v_put_shape(t, op, r);
}

/* ---- Table ----------------------------------------------------------------------------------- */

/* clang-format off */
#define T(name, fn_, arg_)   [UOP_##name] = { fn_, arg_ }
#define T_BH(name, fn, arg)  T(name##_b, fn, arg), T(name##_h, fn, (arg) | 1)
#define T_BHS(name, fn, arg) T_BH(name, fn, arg), T(name##_s, fn, (arg) | 2)
#define T_ALL(name, fn, arg) T_BHS(name, fn, arg), T(name##_d, fn, (arg) | 3)

const struct tmpl jit_tmpl_simd_perm[UOP_COUNT] = {
    T_ALL(v_zip1, t_zip, 0), T_ALL(v_zip2, t_zip, SECOND), T_ALL(v_uzp1, t_unzip, 0), T_ALL(v_uzp2, t_unzip, SECOND),
    T_ALL(v_trn1, t_transpose, 0), T_ALL(v_trn2, t_transpose, SECOND),
    T_BHS(v_rev64, t_reverse, 3 << 8), T_BH(v_rev32, t_reverse, 2 << 8), T(v_rev16, t_reverse, 1 << 8),
    T(v_ext, t_ext, 0), T(v_tbl, t_table, 0), T(v_tbx, t_table, 1),
    T_ALL(v_dup_e, t_dup_e, 0), T_ALL(v_dup_g, t_dup_g, 0), T_ALL(v_ins_e, t_ins_e, 0), T_ALL(v_ins_g, t_ins_g, 0),
    T_ALL(v_umov, t_mov_to_g, 0), T_BH(v_smov_w, t_mov_to_g, 32 << 8), T_BHS(v_smov_x, t_mov_to_g, 64 << 8),
    T(v_movi, t_movi, 0), T(v_orri, t_logic_imm, V_OR), T(v_bici, t_logic_imm, V_AND),
};
/* clang-format on */

#endif
