/*
 * lower_simd.c - Advanced SIMD instructions to micro-operations.
 *
 * DDI 0487, "Data Processing - Scalar Floating-Point and Advanced SIMD". A row names its family of
 * uops; what is left to find out, and is the same for all instructions of an encoding class, is the
 * element size (which uop of the family), the shape (op->ra) and the immediate. Scalar classes have
 * bit 28 set, vector classes Q in bit 30.
 */
#include "accel/soft/cpu.h"
#include "accel/soft/simd.h"

#include "base/bits.h"

const union vreg simd_keep[SHAPE_COUNT + 1] = {
    [SHAPE_B] = { .d = { 0xff, 0 } },       [SHAPE_H] = { .d = { 0xffff, 0 } },
    [SHAPE_S] = { .d = { 0xffffffff, 0 } }, [SHAPE_D] = { .d = { ~0ull, 0 } },
    [SHAPE_HALF] = { .d = { ~0ull, 0 } },   [SHAPE_FULL] = { .d = { ~0ull, ~0ull } },
    [SHAPE_HI] = { .d = { ~0ull, ~0ull } }, [SHAPE_COUNT] = { .d = { ~0ull, ~0ull } },
};

/* FAMILY_x + log2 of the element size is the uop. */
enum {
#define UOP(name, flags)
#define SIMD_FAMILY(family, first, first_size) FAMILY_##family = UOP_##first - (first_size),
#include "accel/soft/uop_simd.def"
#undef SIMD_FAMILY
#undef UOP
};

/* The family of each row of a64_simd.def. */
static const uint16_t families[A64_INSN_COUNT] = {
#define SIMD_ROW(name, pattern, feat, lower, assembler, uop) [A64_INSN_##name] = FAMILY_##uop,
#include "arch/a64_simd.def"
#undef SIMD_ROW
};

static enum uop uop_sized(const struct lower *lo, unsigned size)
{
    return (enum uop)(families[lo->row->index] + size);
}

static bool is_scalar(uint32_t word)
{
    return (word >> 28 & 1) != 0;
}
static bool is_q(uint32_t word)
{
    return (word >> 30 & 1) != 0;
}
static unsigned size_field(uint32_t word)
{
    return word >> 22 & 3;
}

static void set_registers(uint32_t word, struct op *op)
{
    op->rd = (uint8_t)(word & 31);
    op->rn = (uint8_t)(word >> 5 & 31);
    op->rm = (uint8_t)(word >> 16 & 31);
}

/* Registers and the shape of an operation on elements of `size`: the scalar's, or the
 * vector's by Q. */
static void set_same(uint32_t word, struct op *op, unsigned size)
{
    set_registers(word, op);
    op->ra = (uint8_t)(is_scalar(word) ? size : is_q(word) ? SHAPE_FULL : SHAPE_HALF);
}

/* The same for long (size: of the sources) and narrow (of the destination) operations. */
static void set_long(uint32_t word, struct op *op, unsigned size)
{
    set_registers(word, op);
    op->ra = (uint8_t)(is_scalar(word) ? size + 1 : is_q(word) ? SHAPE_HI : SHAPE_FULL);
}

static void set_narrow(uint32_t word, struct op *op, unsigned size)
{
    set_registers(word, op);
    op->ra = (uint8_t)(is_scalar(word) ? size : is_q(word) ? SHAPE_HI : SHAPE_HALF);
}

/* ---- Size in size[23:22], or sz[22] and the feature for floating point ----------------------- */

/* Bitwise operations and others without an element size. */
enum uop lower_simd_bits(const struct lower *lo, uint32_t word, struct op *op)
{
    set_same(word, op, SHAPE_D);
    return uop_sized(lo, 0);
}

enum uop lower_simd_same(const struct lower *lo, uint32_t word, struct op *op)
{
    set_same(word, op, size_field(word));
    return uop_sized(lo, size_field(word));
}

enum uop lower_simd_long(const struct lower *lo, uint32_t word, struct op *op)
{
    set_long(word, op, size_field(word));
    return uop_sized(lo, size_field(word));
}

enum uop lower_simd_narrow(const struct lower *lo, uint32_t word, struct op *op)
{
    set_narrow(word, op, size_field(word));
    return uop_sized(lo, size_field(word));
}

enum uop lower_simd_fp(const struct lower *lo, uint32_t word, struct op *op)
{
    unsigned size = lo->row->feat == A64_FEAT_FP16 ? SHAPE_H : SHAPE_S + (word >> 22 & 1);

    set_same(word, op, size);
    return uop_sized(lo, size);
}

/* FCVTL and FCVTN: sz says which is the narrower side, half or single precision. */
enum uop lower_simd_flong(const struct lower *lo, uint32_t word, struct op *op)
{
    unsigned size = SHAPE_H + (word >> 22 & 1);

    set_long(word, op, size);
    return uop_sized(lo, size);
}

enum uop lower_simd_fnarrow(const struct lower *lo, uint32_t word, struct op *op)
{
    unsigned size = SHAPE_H + (word >> 22 & 1);

    set_narrow(word, op, size);
    return uop_sized(lo, size);
}

enum uop lower_simd_bfcvtn(const struct lower *lo, uint32_t word, struct op *op)
{
    set_narrow(word, op, SHAPE_H);
    return uop_sized(lo, 0);
}

/* ---- By element: op->imm is the index -------------------------------------------------------- */

/* Sets rm and imm; returns the size of an element (size 0 is half precision). */
static unsigned set_element(uint32_t word, struct op *op)
{
    unsigned size = size_field(word) == 0 ? SHAPE_H : size_field(word);
    unsigned h = word >> 11 & 1, l = word >> 21 & 1, m = word >> 20 & 1;

    switch (size) {
    case SHAPE_H:
        op->rm = (uint8_t)(word >> 16 & 15);
        op->imm = h << 2 | l << 1 | m;
        break;
    case SHAPE_S: op->imm = h << 1 | l; break;
    default: op->imm = h; break;
    }
    return size;
}

enum uop lower_simd_elem(const struct lower *lo, uint32_t word, struct op *op)
{
    unsigned size;

    set_registers(word, op);
    size = set_element(word, op);
    op->ra = (uint8_t)(is_scalar(word) ? size : is_q(word) ? SHAPE_FULL : SHAPE_HALF);
    return uop_sized(lo, size);
}

enum uop lower_simd_elem_long(const struct lower *lo, uint32_t word, struct op *op)
{
    unsigned size = size_field(word);

    set_long(word, op, size);
    set_element(word, op);
    return uop_sized(lo, size);
}

/* The element is a word, or a pair of complex numbers' parts: index H:L, register in five bits. */
enum uop lower_simd_elem_word(const struct lower *lo, uint32_t word, struct op *op)
{
    set_same(word, op, SHAPE_D);
    op->imm = (word >> 11 & 1) << 1 | (word >> 21 & 1);
    return uop_sized(lo, 0);
}

/* Half-precision elements where the result is wider: index H:L:M. */
enum uop lower_simd_elem_half(const struct lower *lo, uint32_t word, struct op *op)
{
    set_same(word, op, SHAPE_D);
    op->rm = (uint8_t)(word >> 16 & 15);
    op->imm = (word >> 11 & 1) << 2 | (word >> 20 & 3);
    return uop_sized(lo, 0);
}

/* ---- Complex numbers: op->imm is the rotation in quarter turns, and the element from bit 2 on - */

static enum uop complex_uop(const struct lower *lo, uint32_t word)
{
    unsigned size = size_field(word);

    return size == SHAPE_H && !cpu_has(lo->cpu, A64_FEAT_FP16) ? UOP_undefined
                                                               : uop_sized(lo, size);
}

enum uop lower_simd_complex(const struct lower *lo, uint32_t word, struct op *op)
{
    bool add = (word >> 13 & 1) != 0; /* FCADD: 90 or 270 degrees */

    set_same(word, op, size_field(word));
    op->imm = add ? (word >> 12 & 1) * 2 + 1 : word >> 11 & 3;
    return complex_uop(lo, word);
}

enum uop lower_simd_complex_elem(const struct lower *lo, uint32_t word, struct op *op)
{
    unsigned h = word >> 11 & 1, l = word >> 21 & 1;
    unsigned index = size_field(word) == SHAPE_H ? h << 1 | l : h;

    set_same(word, op, size_field(word));
    op->imm = (word >> 13 & 3) | index << 2;
    return complex_uop(lo, word);
}

/* ---- Cryptography with a fourth operand ------------------------------------------------------ */

/* op->ra is the register Va. */
enum uop lower_simd_four(const struct lower *lo, uint32_t word, struct op *op)
{
    set_registers(word, op);
    op->ra = (uint8_t)(word >> 10 & 31);
    return uop_sized(lo, 0);
}

enum uop lower_simd_xar(const struct lower *lo, uint32_t word, struct op *op)
{
    set_registers(word, op);
    op->imm = word >> 10 & 63;
    return uop_sized(lo, 0);
}

enum uop lower_simd_sm3tt(const struct lower *lo, uint32_t word, struct op *op)
{
    set_registers(word, op);
    op->imm = word >> 12 & 3;
    return uop_sized(lo, 0);
}

/* ---- Shifts: op->imm is the amount, the size is the place of the highest 1 in immh ----------- */

static unsigned immh_size(uint32_t word)
{
    unsigned immh = word >> 19 & 15;

    return immh >= 8 ? SHAPE_D : immh >= 4 ? SHAPE_S : immh >= 2 ? SHAPE_H : SHAPE_B;
}

static unsigned right_amount(uint32_t word)
{
    return (16u << immh_size(word)) - (word >> 16 & 127);
}
static unsigned left_amount(uint32_t word)
{
    return (word >> 16 & 127) - (8u << immh_size(word));
}

enum uop lower_simd_shr(const struct lower *lo, uint32_t word, struct op *op)
{
    set_same(word, op, immh_size(word));
    op->imm = right_amount(word);
    return uop_sized(lo, immh_size(word));
}

enum uop lower_simd_shl(const struct lower *lo, uint32_t word, struct op *op)
{
    set_same(word, op, immh_size(word));
    op->imm = left_amount(word);
    return uop_sized(lo, immh_size(word));
}

enum uop lower_simd_shrn(const struct lower *lo, uint32_t word, struct op *op)
{
    set_narrow(word, op, immh_size(word));
    op->imm = right_amount(word);
    return uop_sized(lo, immh_size(word));
}

enum uop lower_simd_shll(const struct lower *lo, uint32_t word, struct op *op)
{
    set_long(word, op, immh_size(word));
    op->imm = left_amount(word);
    return uop_sized(lo, immh_size(word));
}

/* ---- Copies: imm5 holds the index above the lowest 1, whose place is the size ---------------- */

static unsigned imm5_size(uint32_t word)
{
    unsigned imm5 = word >> 16 & 31;

    return (imm5 & 1) ? SHAPE_B : (imm5 & 2) ? SHAPE_H : (imm5 & 4) ? SHAPE_S : SHAPE_D;
}

static unsigned imm5_index(uint32_t word)
{
    return (word >> 16 & 31) >> (imm5_size(word) + 1);
}

enum uop lower_simd_copy_elem(const struct lower *lo, uint32_t word, struct op *op)
{
    set_same(word, op, imm5_size(word));
    op->imm = imm5_index(word);
    return uop_sized(lo, imm5_size(word));
}

enum uop lower_simd_copy_gpr(const struct lower *lo, uint32_t word, struct op *op)
{
    set_same(word, op, imm5_size(word));
    op->rn = xr_src(word >> 5 & 31);
    return uop_sized(lo, imm5_size(word));
}

enum uop lower_simd_ins_gpr(const struct lower *lo, uint32_t word, struct op *op)
{
    set_registers(word, op);
    op->rn = xr_src(word >> 5 & 31);
    op->imm = imm5_index(word);
    return uop_sized(lo, imm5_size(word));
}

/* op->ra is the index in Vn. */
enum uop lower_simd_ins_elem(const struct lower *lo, uint32_t word, struct op *op)
{
    set_registers(word, op);
    op->imm = imm5_index(word);
    op->ra = (uint8_t)((word >> 11 & 15) >> imm5_size(word));
    return uop_sized(lo, imm5_size(word));
}

enum uop lower_simd_mov_gpr(const struct lower *lo, uint32_t word, struct op *op)
{
    set_registers(word, op);
    op->rd = xr_dst(word & 31);
    op->imm = imm5_index(word);
    return uop_sized(lo, imm5_size(word));
}

/* ---- Extract, table lookup, modified immediate ----------------------------------------------- */

enum uop lower_simd_ext(const struct lower *lo, uint32_t word, struct op *op)
{
    set_same(word, op, 0);
    op->imm = word >> 11 & 15;
    return uop_sized(lo, 0);
}

/* op->imm is the length of the table in bytes. */
enum uop lower_simd_tbl(const struct lower *lo, uint32_t word, struct op *op)
{
    set_same(word, op, 0);
    op->imm = 16 * ((word >> 13 & 3) + 1);
    return uop_sized(lo, 0);
}

static uint64_t replicate(uint64_t v, unsigned esize)
{
    for (; esize < 64; esize *= 2) {
        v |= v << esize;
    }
    return v;
}

/* VFPExpandImm: sign, the exponent's top bit inverted and repeated, the rest; for a
 * format of ebits and fbits. */
static uint64_t expand_fp(uint32_t imm8, unsigned ebits, unsigned fbits)
{
    uint64_t sign = imm8 >> 7, top = imm8 >> 6 & 1, rest = imm8 & 63;
    uint64_t exponent = (top ^ 1) << (ebits - 1) | (top != 0 ? BIT(ebits - 3) - 1 : 0) << 2;

    return sign << (ebits + fbits) | exponent << fbits | rest << (fbits - 4);
}

/* AdvSIMDExpandImm with op as 0 (the inversion of MVNI and BIC is the caller's),
 * except for cmode 111x. */
static uint64_t expand_imm(uint32_t word)
{
    unsigned cmode = word >> 12 & 15, op = word >> 29 & 1, o2 = word >> 11 & 1;
    uint32_t imm8 = (word >> 16 & 7) << 5 | (word >> 5 & 31);
    uint64_t mask = 0;

    if (cmode < 8) {
        return replicate((uint64_t)imm8 << (cmode >> 1) * 8, 32);
    }
    if (cmode < 12) {
        return replicate((uint64_t)imm8 << (cmode >> 1 & 1) * 8, 16);
    }
    if (cmode < 14) {
        return replicate((cmode & 1) ? imm8 << 16 | 0xffff : imm8 << 8 | 0xff, 32);
    }
    if (cmode == 15) {
        return o2   ? replicate(expand_fp(imm8, 5, 10), 16)
               : op ? expand_fp(imm8, 11, 52)
                    : replicate(expand_fp(imm8, 8, 23), 32);
    }
    for (unsigned i = 0; i < 8; i++) {
        mask |= (imm8 >> i & 1) ? 0xffull << 8 * i : 0;
    }
    return op ? mask : replicate(imm8, 8);
}

enum uop lower_simd_imm(const struct lower *lo, uint32_t word, struct op *op)
{
    bool inverted = (word >> 29 & 1) != 0 && (word >> 12 & 15) < 14;

    set_same(word, op, 0);
    op->imm = inverted ? ~expand_imm(word) : expand_imm(word);
    return uop_sized(lo, 0);
}
