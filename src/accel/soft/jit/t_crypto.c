/*
 * t_crypto.c - templates of the cryptographic instructions (bodies: op_crypto.c, op_crypto_v8_2.c, op_simd_int.c), where the
 * host has instructions of the same kind.
 *
 *   AES       AESE is AddRoundKey, ShiftRows, SubBytes; the host's round is ShiftRows, SubBytes, MixColumns, AddRoundKey. So AESE is
 *             a last round with a key of 0 after the addition, and AESE with the AESMC that usually follows is a whole round.
 *   SHA-256   The host does two rounds on (A B E F) and (C D G H), Arm four on (A B C D) and (E F G H).
 *   CRC32     The remainder is found as Montgomery's reduction finds it: a multiple of the polynomial is added that clears the 64 bits of
 *             accumulator and data; what is left above them is the answer. (CRC32C is an instruction of the host: t_int.c.)
 *   SHA-1     The host adds the round's constant itself; Arm's code has added it before.
 */
#include "accel/soft/jit/vec.h"

#if SOFT_JIT

/* SHA instructions have the legacy encoding only. */
#define V_SHA1RNDS4   VOP(0, 3, 0, 0xcc)
#define V_SHA256RNDS2 VOP(0, 2, 0, 0xcb)
#define V_SHA256MSG1  VOP(0, 2, 0, 0xcc)
#define V_SHA256MSG2  VOP(0, 2, 0, 0xcd)

static void sha(struct tr *t, uint32_t ins, int d, int s)
{
    as_v_rr(&t->a, VEX_NONE, ins, d, 0, s);
}

/* ---- AES ------------------------------------------------------------------------------------- */

/* The next instruction, if nothing else leads there and it is uop on rd alone. */
static bool next_is(const struct tr *t, enum uop uop, unsigned rd)
{
    const struct ti *i = t->i + 1;

    return i < &t->insn[t->count] && i->slot == t->i->slot + 1 && i->uop == uop && !i->join &&
           !i->entry && !i->loop && i->op.rd == rd && i->op.rn == rd;
}

/* arg: AESD. */
static void t_aes(struct tr *t, const struct op *op, unsigned arg)
{
    uint32_t ins = arg != 0 ? V_AESDECLAST : V_AESENCLAST;
    int r;

    if (!v_begin(t, !t->jit->host.aes)) {
        return;
    }
    if (next_is(t, arg != 0 ? UOP_aesimc : UOP_aesmc, op->rd)) {
        ins = arg != 0 ? V_AESDEC : V_AESENC;
        t->fused = 1;
    }
    v3g(t, V_XOR, SX0, vr(t, op->rd, SX0), op->rn);
    v_zero(t, SX1);
    r = v_dst(t, op->rd, NOREG, NOREG, NOREG, SX0);
    r = r > 15 && !t->jit->host.vaes ? SX0 : r;
    v3(t, ins, r, SX0, SX1);
    v_put(t, op->rd, r);
}

/* MixColumns alone: the other steps of a round undone first. */
static void t_aesmc(struct tr *t, const struct op *op, unsigned arg)
{
    if (!v_begin(t, !t->jit->host.aes)) {
        return;
    }
    v_zero(t, SX1);
    v_mov(t, SX0, vr(t, op->rn, SX0));
    v3(t, V_AESDECLAST, SX0, SX0, SX1);
    v3(t, V_AESENC, SX0, SX0, SX1);
    v_put(t, op->rd, SX0);
}

static void t_aesimc(struct tr *t, const struct op *op, unsigned arg)
{
    if (!v_begin(t, !t->jit->host.aes)) {
        return;
    }
    v2g(t, V_AESIMC, SX0, op->rn);
    v_put(t, op->rd, SX0);
}

static void t_pmull64(struct tr *t, const struct op *op, unsigned arg)
{
    int r;

    if (!v_begin(t, !t->jit->host.pclmul)) {
        return;
    }
    if (!t->jit->host.vpclmul) { /* xmm0-15 */
        v_mov(t, SX0, vr(t, op->rn, SX0));
        v_mov(t, SX1, vr(t, op->rm, SX1));
        v3i(t, V_PCLMULQDQ, SX0, SX0, SX1, op->ra == SHAPE_HI ? 0x11 : 0);
        v_put(t, op->rd, SX0);
        return;
    }
    r = v_dst(t, op->rd, NOREG, NOREG, NOREG, SX0);
    v3gi(t, V_PCLMULQDQ, r, vr(t, op->rn, SX1), op->rm, op->ra == SHAPE_HI ? 0x11 : 0);
    v_put(t, op->rd, r);
}

/* The polynomial, its bits the other way round, and its inverse modulo x^64. */
#define CRC32_POLYNOMIAL 0x1db710641ull
#define CRC32_INVERSE    0xb4e5b025f7011641ull

/* arg: bits of data. Fewer than 64 go to the top: zeros before them change nothing. SX0 is scratch whether V registers are in or not. */
static void t_crc32(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;

    if (tr_vec_refuse(t, !t->jit->host.pclmul)) {
        return;
    }
    tr_clobber(t);
    tr_get(t, 32, RCX, op->rn);
    tr_get(t, 64, RAX, op->rm);
    as_alu(a, 64, ALU_XOR, RAX, RCX);
    if (arg < 64) {
        as_shift(a, 64, SH_SHL, RAX, 64 - arg);
    }
    v2(t, V_MOVQ_G, SX0, RAX);
    v3ci(t, V_PCLMULQDQ, SX0, SX0, CRC32_INVERSE, 0, 0);
    v3ci(t, V_PCLMULQDQ, SX0, SX0, CRC32_POLYNOMIAL, 0, 0);
    v2i(t, V_PEXTRQ, SX0, RAX, 1);
    if (arg < 32) {
        as_shift(a, 32, SH_SHR, RCX, arg);
        as_alu(a, 32, ALU_XOR, RAX, RCX);
    }
    tr_put(t, op->rd, RAX);
}

/* ---- SHA-256 --------------------------------------------------------------------------------- */

enum { ABEF = 0x11, CDGH = 0xbb }; /* SHUFPS's immediates; the way back has the same */

/* SHA256H, SHA256H2 (arg): four rounds; the half of the result that is asked for. SX0 is the host's implicit operand. */
static void t_sha256h(struct tr *t, const struct op *op, unsigned arg)
{
    unsigned abcd = arg != 0 ? op->rn : op->rd, efgh = arg != 0 ? op->rd : op->rn;
    int a, e;

    if (!v_begin(t, !t->jit->host.sha)) {
        return;
    }
    a = vr(t, abcd, SX0);
    e = vr(t, efgh, SX1);
    v3i(t, V_SHUFPS, SX2, e, a, CDGH);
    v3i(t, V_SHUFPS, SX1, e, a, ABEF);
    v_mov(t, SX0, vr(t, op->rm, SX0));
    sha(t, V_SHA256RNDS2, SX2, SX1); /* now (A B E F), and SX1 (C D G H) */
    v2i(t, V_PSHUFD, SX0, SX0, 0xee);
    sha(t, V_SHA256RNDS2, SX1, SX2);
    v3i(t, V_SHUFPS, SX1, SX1, SX2, arg != 0 ? ABEF : CDGH);
    v_put(t, op->rd, SX1);
}

static void t_sha256su0(struct tr *t, const struct op *op, unsigned arg)
{
    if (!v_begin(t, !t->jit->host.sha)) {
        return;
    }
    v_mov(t, SX0, vr(t, op->rd, SX0));
    sha(t, V_SHA256MSG1, SX0, vr_low(t, op->rn, SX1));
    v_put(t, op->rd, SX0);
}

static void t_sha256su1(struct tr *t, const struct op *op, unsigned arg)
{
    if (!v_begin(t, !t->jit->host.sha)) {
        return;
    }
    v3gi(t, V_PALIGNR, SX0, vr(t, op->rm, SX1), op->rn, 4);
    v3g(t, V_PADD(2), SX0, SX0, op->rd);
    sha(t, V_SHA256MSG2, SX0, vr_low(t, op->rm, SX1));
    v_put(t, op->rd, SX0);
}

/* ---- SHA-1 ----------------------------------------------------------------------------------- */

/* d = each word of s rotated to the left; tmp is another register. */
static void rotate(struct tr *t, int d, int s, unsigned count, int tmp)
{
    if (t->jit->host.level == VEX_AVX512) {
        v_shift(t, V_PROL(2), 1, d, s, count);
        return;
    }
    v_shift(t, V_SHIFT(2), VSH_SRL, tmp, s, 32 - count);
    v_shift(t, V_SHIFT(2), VSH_SLL, d, s, count);
    v3(t, V_OR, d, d, tmp);
}

/* arg: the host's function. The words are the other way round there, and E goes to the first of the schedule. */
static void t_sha1_rounds(struct tr *t, const struct op *op, unsigned arg)
{
    static const uint32_t constants[] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc };
    uint64_t k = v_each(2, constants[arg]);

    if (!v_begin(t, !t->jit->host.sha)) {
        return;
    }
    v3i(t, V_INSERTPS, SX1, vr(t, op->rn, SX1), vr(t, op->rn, SX1), 0x0e);
    v3g(t, V_PADD(2), SX1, SX1, op->rm);
    v3c(t, V_PSUB(2), SX1, SX1, k, k);
    v2i(t, V_PSHUFD, SX1, SX1, 0x1b);
    v2gi(t, V_PSHUFD, SX0, op->rd, 0x1b);
    sha(t, V_SHA1RNDS4, SX0, SX1);
    as_1(&t->a, arg);
    v2i(t, V_PSHUFD, SX0, SX0, 0x1b);
    v_put(t, op->rd, SX0);
}

static void t_sha1h(struct tr *t, const struct op *op, unsigned arg)
{
    if (!v_begin(t, false)) {
        return;
    }
    rotate(t, SX0, vr(t, op->rn, SX0), 30, SX1);
    v_put32(t, op->rd, SX0);
}

static void t_sha1su0(struct tr *t, const struct op *op, unsigned arg)
{
    int d;

    if (!v_begin(t, false)) {
        return;
    }
    d = vr(t, op->rd, SX1);
    v3i(t, V_PALIGNR, SX0, vr(t, op->rn, SX2), d, 8);
    v3(t, V_XOR, SX0, SX0, d);
    v3g(t, V_XOR, SX0, SX0, op->rm);
    v_put(t, op->rd, SX0);
}

/* The last word depends on the first one's result. */
static void t_sha1su1(struct tr *t, const struct op *op, unsigned arg)
{
    if (!v_begin(t, false)) {
        return;
    }
    v_shift(t, V_SHIFT(3), VSH_BYTES_R, SX0, vr(t, op->rn, SX0), 4);
    v3g(t, V_XOR, SX0, SX0, op->rd);
    v_shift(t, V_SHIFT(3), VSH_BYTES_L, SX1, SX0, 12);
    rotate(t, SX0, SX0, 1, SX2);
    rotate(t, SX1, SX1, 2, SX2);
    v3(t, V_XOR, SX0, SX0, SX1);
    v_put(t, op->rd, SX0);
}

/* ---- SHA-3 ----------------------------------------------------------------------------------- */

static void t_eor3(struct tr *t, const struct op *op, unsigned arg)
{
    if (!v_begin(t, false)) {
        return;
    }
    v3g(t, V_XOR, SX0, vr(t, op->rn, SX0), op->rm);
    v3g(t, V_XOR, SX0, SX0, op->ra);
    v_put(t, op->rd, SX0);
}

static void t_bcax(struct tr *t, const struct op *op, unsigned arg)
{
    if (!v_begin(t, false)) {
        return;
    }
    v3g(t, V_ANDN, SX0, vr(t, op->ra, SX0), op->rm);
    v3g(t, V_XOR, SX0, SX0, op->rn);
    v_put(t, op->rd, SX0);
}

/* SX0 = SX1's doublewords rotated to the left. */
static void rotate64(struct tr *t, unsigned count)
{
    if (t->jit->host.level == VEX_AVX512) {
        v_shift(t, V_PROL(3), 1, SX0, SX1, count);
        return;
    }
    v_shift(t, V_SHIFT(3), VSH_SLL, SX0, SX1, count);
    v_shift(t, V_SHIFT(3), VSH_SRL, SX1, SX1, 64 - count);
    v3(t, V_OR, SX0, SX0, SX1);
}

static void t_rax1(struct tr *t, const struct op *op, unsigned arg)
{
    if (!v_begin(t, false)) {
        return;
    }
    v_mov(t, SX1, vr(t, op->rm, SX1));
    rotate64(t, 1);
    v3g(t, V_XOR, SX0, SX0, op->rn);
    v_put(t, op->rd, SX0);
}

static void t_xar(struct tr *t, const struct op *op, unsigned arg)
{
    if (!v_begin(t, false)) {
        return;
    }
    v3g(t, V_XOR, SX1, vr(t, op->rn, SX1), op->rm);
    rotate64(t, (unsigned)-op->imm & 63);
    v_put(t, op->rd, SX0);
}

/* ---- Table ----------------------------------------------------------------------------------- */

#define T(name, fn_, arg_) [UOP_##name] = { fn_, arg_ }

const struct tmpl jit_tmpl_crypto[UOP_COUNT] = {
    T(aese, t_aes, 0),
    T(aesd, t_aes, 1),
    T(aesmc, t_aesmc, 0),
    T(aesimc, t_aesimc, 0),
    T(v_pmull64_d, t_pmull64, 0),
    T(crc32b, t_crc32, 8),
    T(crc32h, t_crc32, 16),
    T(crc32w, t_crc32, 32),
    T(crc32x, t_crc32, 64),
    T(sha256h, t_sha256h, 0),
    T(sha256h2, t_sha256h, 1),
    T(sha256su0, t_sha256su0, 0),
    T(sha256su1, t_sha256su1, 0),
    T(sha1c, t_sha1_rounds, 0),
    T(sha1p, t_sha1_rounds, 1),
    T(sha1m, t_sha1_rounds, 2),
    T(sha1h, t_sha1h, 0),
    T(sha1su0, t_sha1su0, 0),
    T(sha1su1, t_sha1su1, 0),
    T(eor3, t_eor3, 0),
    T(bcax, t_bcax, 0),
    T(rax1, t_rax1, 0),
    T(xar, t_xar, 0),
};

#endif
