/*
 * mmio_insn.c - loads and stores on devices that the syndrome of the abort does not describe.
 *
 * DDI 0487, "ISS encoding for an exception from a Data Abort": ISV is 0 for pairs, for register
 * write-back, for SIMD&FP registers, and for whatever else moves more or other than one general
 * register. Then the instruction has to be read and done here. What is done: "Load/store register"
 * (all addressing modes), "Load/store register pair", "Load/store ordered", "Advanced SIMD
 * load/store multiple structures" of one structure (LD1, ST1). What is not: exclusives, atomics and
 * the interleaved structures, which Device memory need not support.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "base/compiler.h"
#include "core/internal.h"
#include "vm.h"

#define ELEMENTS_MAX 4
#define REG_ZERO     31

enum writeback { WB_NONE, WB_IMM, WB_REG };

/* An instruction taken apart: count registers of size bytes each, one behind the other in memory. */
struct access {
    uint8_t reg[ELEMENTS_MAX];
    uint8_t count, size;
    uint8_t part; /* bytes of one access to the bus: an element, or at most 8 of the register */
    bool load, vector, sign, reg64;
    uint8_t base; /* Rn, for write-back */
    enum writeback wb;
    int64_t imm;
    uint8_t index; /* WB_REG: Rm */
};

/* ---- Decoding -------------------------------------------------------------------------------- */

static void two_registers(struct access *a, uint32_t word)
{
    a->reg[0] = (uint8_t)bits(word, 0, 5);
    a->reg[1] = (uint8_t)bits(word, 10, 5);
    a->count = 2;
}

/* opc[31:30] 101 V[26] mode[24:23] L[22] imm7 Rt2 Rn Rt */
static bool decode_pair(uint32_t word, struct access *a)
{
    unsigned opc = (unsigned)bits(word, 30, 2);
    unsigned mode = (unsigned)bits(word, 23, 2); /* no-allocate, post-, offset, pre-index */

    a->vector = bits(word, 26, 1) != 0;
    a->load = bits(word, 22, 1) != 0;
    if (opc == 3 || (opc == 1 && !a->vector && (!a->load || mode == 0))) {
        return false; /* unallocated, and STGP */
    }
    two_registers(a, word);
    if (a->vector) {
        a->size = (uint8_t)(4u << opc);
    } else {
        a->size = opc == 2 ? 8 : 4;
        a->sign = opc == 1;
        a->reg64 = opc != 0;
    }
    a->imm = sign_extend(bits(word, 15, 7), 7) * a->size;
    a->wb = (mode & 1) != 0 ? WB_IMM : WB_NONE;
    return true;
}

/* size[31:30] 111 V[26] 0 x[24] opc[23:22] ...: what is moved. */
static bool decode_single_data(uint32_t word, struct access *a)
{
    unsigned size = (unsigned)bits(word, 30, 2), opc = (unsigned)bits(word, 22, 2);

    a->reg[0] = (uint8_t)bits(word, 0, 5);
    a->count = 1;
    a->vector = bits(word, 26, 1) != 0;
    if (a->vector) {
        a->load = (opc & 1) != 0;
        a->size = opc >= 2 ? 16 : (uint8_t)(1u << size);
        return opc < 2 || size == 0;
    }
    a->size = (uint8_t)(1u << size);
    a->load = opc != 0;
    a->sign = opc >= 2;
    a->reg64 = opc == 2 || size == 3;
    return opc < 2 || size + opc < 5; /* the rest is PRFM and unallocated */
}

static bool decode_single(uint32_t word, struct access *a)
{
    unsigned mode = (unsigned)bits(word, 10, 2);

    if (!decode_single_data(word, a)) {
        return false;
    }
    if (bits(word, 24, 1) != 0) {
        return true; /* unsigned offset */
    }
    if (bits(word, 21, 1) != 0) {
        return mode == 2; /* register offset; others are atomics and LDRAA */
    }
    /* Unscaled, post-index, unprivileged, pre-index. */
    a->wb = (mode & 1) != 0 ? WB_IMM : WB_NONE;
    a->imm = sign_extend(bits(word, 12, 9), 9);
    return !(mode == 2 && a->vector);
}

/* size 001000 o2[23] L[22] o1[21] Rs o0[15] ...: with o2 = 1 and o1 = 0, LDAR, STLR, LDLAR, STLLR. */
static bool decode_ordered(uint32_t word, struct access *a)
{
    unsigned size = (unsigned)bits(word, 30, 2);

    a->reg[0] = (uint8_t)bits(word, 0, 5);
    a->count = 1;
    a->size = (uint8_t)(1u << size);
    a->load = bits(word, 22, 1) != 0;
    a->reg64 = size == 3;
    return bits(word, 23, 1) != 0 && bits(word, 21, 1) == 0;
}

/* 0 Q 001100 post[23] L[22] 0 Rm opcode[15:12] size Rn Rt */
static bool decode_structures(uint32_t word, struct access *a)
{
    static const uint8_t count_of[16] = { [7] = 1, [10] = 2, [6] = 3, [2] = 4 };
    unsigned rm = (unsigned)bits(word, 16, 5);
    bool post = bits(word, 23, 1) != 0;

    a->count = count_of[bits(word, 12, 4)];
    a->size = bits(word, 30, 1) != 0 ? 16 : 8;
    a->part = (uint8_t)(1u << bits(word, 10, 2));
    a->vector = true;
    a->load = bits(word, 22, 1) != 0;
    for (unsigned i = 0; i < a->count; i++) {
        a->reg[i] = (uint8_t)((bits(word, 0, 5) + i) & 31);
    }
    if (post) {
        a->wb = rm == 31 ? WB_IMM : WB_REG;
        a->imm = (int64_t)a->count * a->size;
        a->index = (uint8_t)rm;
    }
    return a->count != 0 && bits(word, 21, 1) == 0 && bits(word, 31, 1) == 0 && (post || rm == 0);
}

static bool decode(uint32_t word, struct access *a)
{
    static const struct {
        uint32_t mask, value;
        bool (*decode)(uint32_t word, struct access *a);
    } rows[] = {
        { 0x3a000000, 0x28000000, decode_pair },
        { 0x3a000000, 0x38000000, decode_single },
        { 0x3f000000, 0x08000000, decode_ordered },
        { 0xbf000000, 0x0c000000, decode_structures },
    };

    *a = (struct access){ .base = (uint8_t)bits(word, 5, 5) };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if ((word & rows[i].mask) == rows[i].value && rows[i].decode(word, a)) {
            if (a->part == 0) {
                a->part = a->size < 8 ? a->size : 8;
            }
            return true;
        }
    }
    return false;
}

/* ---- Doing ----------------------------------------------------------------------------------- */

static uint64_t store_value(struct vcpu *vcpu, const struct access *a, unsigned i, unsigned half)
{
    if (a->vector) {
        return vcpu_reg(vcpu, (half != 0 ? REG_V0_HI : REG_V0_LO) + a->reg[i]);
    }
    return a->reg[i] != REG_ZERO ? vcpu_reg(vcpu, REG_X0 + a->reg[i]) : 0;
}

static void load_value(struct vcpu *vcpu, const struct access *a, unsigned i,
                       const uint64_t value[2])
{
    uint64_t v = value[0];

    if (a->vector) {
        vcpu_set_reg(vcpu, REG_V0_LO + a->reg[i], v);
        vcpu_set_reg(vcpu, REG_V0_HI + a->reg[i], value[1]);
        return;
    }
    if (a->sign) {
        v = (uint64_t)sign_extend(v, 8u * a->size);
    }
    if (!a->reg64) {
        v = (uint32_t)v;
    }
    if (a->reg[i] != REG_ZERO) {
        vcpu_set_reg(vcpu, REG_X0 + a->reg[i], v);
    }
}

/* One register, part by part: a device sees the elements of a structure, and 16 bytes as two halves. */
static bool move(struct vcpu *vcpu, const struct access *a, unsigned i, uint64_t ipa)
{
    const uint64_t mask = a->part >= 8 ? ~0ull : BIT(8u * a->part) - 1;
    uint64_t value[2] = { 0, 0 }, v = 0;

    ASSERT(a->size <= sizeof(value) && a->part != 0);
    for (unsigned done = 0; done < a->size; done += a->part) {
        const unsigned half = done / 8, shift = done % 8 * 8;
        uint64_t at = ipa + (uint64_t)i * a->size + done;
        bool there = a->load ? vm_mmio_read(vcpu, at, a->part, &v)
                             : vm_mmio_write(vcpu, at, a->part,
                                             store_value(vcpu, a, i, half) >> shift & mask);
        if (!there) {
            return false;
        }
        value[half] |= (v & mask) << shift;
    }
    if (a->load) {
        load_value(vcpu, a, i, value);
    }
    return true;
}

static void write_back(struct vcpu *vcpu, const struct access *a)
{
    uint32_t base = a->base == 31 ? REG_SP : REG_X0 + a->base;
    uint64_t add = a->wb == WB_REG ? vcpu_reg(vcpu, REG_X0 + a->index) : (uint64_t)a->imm;

    if (a->wb != WB_NONE) {
        vcpu_set_reg(vcpu, base, vcpu_reg(vcpu, base) + add);
    }
}

enum mmio_insn_result vcpu_mmio_insn(struct vcpu *vcpu, uint32_t word, uint64_t ipa)
{
    struct access a;

    if (!decode(word, &a)) {
        return MMIO_INSN_UNKNOWN;
    }
    for (unsigned i = 0; i < a.count; i++) {
        if (!move(vcpu, &a, i, ipa)) {
            return MMIO_INSN_ABSENT;
        }
    }
    write_back(vcpu, &a);
    vcpu_skip(vcpu);
    return MMIO_INSN_DONE;
}
