/*
 * lower_mem.c - loads and stores to uops: which kind of access, which addressing form, which
 * registers.
 *
 * DDI 0487, "Loads and Stores" (A64 instruction set encoding). The uops of a kind follow each other
 * in the order of enum mem_form, so a uop is the kind's first plus the form.
 */
#include "accel/soft/op_mem.h"

static unsigned field_rt(uint32_t w)
{
    return w & 31;
}
static unsigned field_rn(uint32_t w)
{
    return w >> 5 & 31;
}
static unsigned field_rt2(uint32_t w)
{
    return w >> 10 & 31;
}
static unsigned field_rm(uint32_t w)
{
    return w >> 16 & 31;
}
static unsigned field_size(uint32_t w)
{
    return w >> 30;
}
static bool is_vector(uint32_t w)
{
    return (w >> 26 & 1) != 0;
}
static bool base_is_sp(uint32_t w)
{
    return field_rn(w) == 31;
}

/* form, or the one after it when the base is SP. */
static enum mem_form form_for_base(enum mem_form form, uint32_t w)
{
    return form + (base_is_sp(w) ? 1 : 0);
}

#define UOP_NONE UOP_undefined

/* ---- One register ---------------------------------------------------------------------------- */

/* First uop of a kind by size and opc: store, load, load signed to 64, load signed to 32. */
static const uint16_t x_kind[4][4] = {
    { UOP_st8_imm, UOP_ld8_imm, UOP_ld8s64_imm, UOP_ld8s32_imm },
    { UOP_st16_imm, UOP_ld16_imm, UOP_ld16s64_imm, UOP_ld16s32_imm },
    { UOP_st32_imm, UOP_ld32_imm, UOP_ld32s64_imm, UOP_NONE },
    { UOP_st64_imm, UOP_ld64_imm, UOP_NONE, UOP_NONE },
};

static const uint16_t v_kind[5][2] = {
    { UOP_stv8_imm, UOP_ldv8_imm },     { UOP_stv16_imm, UOP_ldv16_imm },
    { UOP_stv32_imm, UOP_ldv32_imm },   { UOP_stv64_imm, UOP_ldv64_imm },
    { UOP_stv128_imm, UOP_ldv128_imm },
};

_Static_assert(UOP_ld64_usersp - UOP_ld64_imm == FORM_USERSP,
               "enum mem_form and uop_mem.def differ");
_Static_assert(UOP_ldv128_extsp - UOP_ldv128_imm == FORM_EXTSP,
               "enum mem_form and uop_mem.def differ");
_Static_assert(UOP_ldp64_postsp - UOP_ldp64_imm == FORM_POSTSP,
               "enum mem_form and uop_mem.def differ");

static unsigned access_size(uint32_t w)
{
    return is_vector(w) ? field_size(w) | (w >> 23 & 1) << 2 : field_size(w);
}

/* Register offset: fills rm and imm. */
static enum mem_form lower_offset(uint32_t w, unsigned size, struct op *op)
{
    const unsigned option = w >> 13 & 7;
    const bool scaled = (w >> 12 & 1) != 0;

    op->rm = xr_src(field_rm(w));
    op->imm = scaled ? size : 0;
    if (base_is_sp(w)) {
        op->imm |= option << 8;
        return FORM_EXTSP;
    }
    switch (option) {
    case 2: return FORM_UXTW;
    case 6: return FORM_SXTW;
    default: return scaled ? FORM_REGS : FORM_REG; /* LSL, SXTX */
    }
}

static enum mem_form lower_address(uint32_t w, unsigned size, struct op *op)
{
    static const uint8_t form9[4] = { FORM_IMM, FORM_POST, FORM_USER, FORM_PRE };

    if (w >> 24 & 1) {
        op->imm = bits(w, 10, 12) << size;
        return form_for_base(FORM_IMM, w);
    }
    if (w >> 21 & 1) {
        return lower_offset(w, size, op);
    }
    op->imm = (uint64_t)sign_extend(bits(w, 12, 9), 9);
    return form_for_base(form9[w >> 10 & 3], w);
}

/* Load/store register: unsigned, unscaled, pre- and post-indexed immediates, register
 * offset, unprivileged. */
enum uop lower_ldst(const struct lower *lo, uint32_t word, struct op *op)
{
    const unsigned size = access_size(word), opc = word >> 22 & 3;
    unsigned kind;

    op->rn = xr_sp(field_rn(word));
    if (is_vector(word)) {
        kind = v_kind[size][opc & 1];
        op->rd = (uint8_t)field_rt(word);
    } else {
        kind = x_kind[size][opc];
        op->rd = opc == 0 ? xr_src(field_rt(word)) : xr_dst(field_rt(word));
    }
    return (enum uop)(kind + lower_address(word, size, op));
}

/* The displacement is made relative to the page, which is what bodies know (pc =
 * page_va + 4 * slot). */
enum uop lower_ldlit(const struct lower *lo, uint32_t word, struct op *op)
{
    static const uint16_t uop[2][3] = {
        { UOP_ld32_lit, UOP_ld64_lit, UOP_ld32s64_lit },
        { UOP_ldv32_lit, UOP_ldv64_lit, UOP_ldv128_lit },
    };
    const bool v = is_vector(word);

    op->rd = v ? (uint8_t)field_rt(word) : xr_dst(field_rt(word));
    op->rn = X_SINK;
    op->imm = (uint64_t)sign_extend(bits(word, 5, 19) << 2, 21) + 4 * lo->slot;
    return uop[v][field_size(word)];
}

/* PRFM: a hint that never faults; even its base may be a misaligned SP. */
enum uop lower_prefetch(const struct lower *lo, uint32_t word, struct op *op)
{
    return UOP_nop;
}

/* ---- Pairs ----------------------------------------------------------------------------------- */

/* FEAT_LSE2, and somebody who could see half of a pair. */
static bool pairs_are_one(const struct lower *lo)
{
    return cpu_has(lo->cpu, A64_FEAT_LSE2) && lo->cpu->vcpu->vm->config.cpus > 1;
}

enum uop lower_pair(const struct lower *lo, uint32_t word, struct op *op)
{
    static const uint8_t form[4] = { FORM_IMM, FORM_POST, FORM_IMM, FORM_PRE };
    static const uint16_t x_pair[2][4] = {
        { UOP_stp32_imm, UOP_NONE, UOP_stp64_imm, UOP_stp64a_imm },
        { UOP_ldp32_imm, UOP_ldp32s64_imm, UOP_ldp64_imm, UOP_ldp64a_imm },
    };
    static const uint16_t v_pair[2][3] = {
        { UOP_stpv32_imm, UOP_stpv64_imm, UOP_stpv128_imm },
        { UOP_ldpv32_imm, UOP_ldpv64_imm, UOP_ldpv128_imm },
    };
    const unsigned opc = field_size(word), load = word >> 22 & 1;
    const unsigned rt = field_rt(word), rt2 = field_rt2(word);
    const bool v = is_vector(word);
    const unsigned scale = v ? 2 + opc : 2 + (opc >> 1);

    op->rn = xr_sp(field_rn(word));
    op->rd = v ? (uint8_t)rt : load ? xr_dst(rt) : xr_src(rt);
    op->rm = v ? (uint8_t)rt2 : load ? xr_dst(rt2) : xr_src(rt2);
    op->imm = (uint64_t)(sign_extend(bits(word, 15, 7), 7) * (1 << scale));
    const unsigned kind =
        v ? v_pair[load][opc] : x_pair[load][opc + (opc == 2 && pairs_are_one(lo))];
    return (enum uop)(kind + form_for_base(form[word >> 23 & 3], word));
}

/* ---- Ordered, exclusive, atomic -------------------------------------------------------------- */

enum uop lower_ordered(const struct lower *lo, uint32_t word, struct op *op)
{
    /* LDAR has L = 1; LDAPR has A (bit 23) = 1 in the encoding of the atomics. */
    const bool ldapr = (word >> 28 & 3) == 3;
    const bool load = ldapr || (word >> 22 & 1) != 0;

    op->rn = xr_sp(field_rn(word));
    op->rd = load ? xr_dst(field_rt(word)) : xr_src(field_rt(word));
    return (enum uop)((load ? UOP_ldar8 : UOP_stlr8) + field_size(word));
}

/* LDAPUR, STLUR and their smaller forms. */
enum uop lower_rcpc(const struct lower *lo, uint32_t word, struct op *op)
{
    static const uint16_t uop[4][4] = {
        { UOP_stlr8, UOP_ldar8, UOP_ldar8s64, UOP_ldar8s32 },
        { UOP_stlr16, UOP_ldar16, UOP_ldar16s64, UOP_ldar16s32 },
        { UOP_stlr32, UOP_ldar32, UOP_ldar32s64, UOP_NONE },
        { UOP_stlr64, UOP_ldar64, UOP_NONE, UOP_NONE },
    };
    const unsigned opc = word >> 22 & 3;

    op->rn = xr_sp(field_rn(word));
    op->rd = opc == 0 ? xr_src(field_rt(word)) : xr_dst(field_rt(word));
    op->imm = (uint64_t)sign_extend(bits(word, 12, 9), 9);
    return (enum uop)uop[field_size(word)][opc];
}

enum uop lower_excl(const struct lower *lo, uint32_t word, struct op *op)
{
    const bool load = (word >> 22 & 1) != 0, pair = (word >> 21 & 1) != 0;
    const unsigned rt = field_rt(word), rt2 = field_rt2(word);

    op->rn = xr_sp(field_rn(word));
    op->rd = load ? xr_dst(rt) : xr_src(rt);
    op->rm = load ? xr_dst(rt2) : xr_src(rt2);
    op->ra = xr_dst(field_rm(word));
    if (pair) {
        return (enum uop)((load ? UOP_ldxp64 : UOP_stxp64) + (field_size(word) & 1));
    }
    return (enum uop)((load ? UOP_ldxr8 : UOP_stxr8) + field_size(word));
}

static void lower_rs_rt(uint32_t word, struct op *op)
{
    op->rn = xr_sp(field_rn(word));
    op->rm = xr_src(field_rm(word));
    op->ra = xr_dst(field_rm(word));
}

enum uop lower_cas(const struct lower *lo, uint32_t word, struct op *op)
{
    lower_rs_rt(word, op);
    op->rd = xr_src(field_rt(word));
    return (enum uop)(UOP_cas8 + field_size(word));
}

enum uop lower_casp(const struct lower *lo, uint32_t word, struct op *op)
{
    const unsigned rs = field_rm(word), rt = field_rt(word);

    if ((rs | rt) & 1) {
        return UOP_undefined;
    }
    op->rn = xr_sp(field_rn(word));
    op->rd = (uint8_t)rt;
    op->rm = (uint8_t)rs;
    op->ra = xr_dst(rs + 1);
    return (enum uop)(UOP_casp64 + field_size(word));
}

enum uop lower_lse(const struct lower *lo, uint32_t word, struct op *op)
{
    static const uint16_t ld[9] = {
        UOP_ldadd8,  UOP_ldclr8,  UOP_ldeor8,  UOP_ldset8, UOP_ldsmax8,
        UOP_ldsmin8, UOP_ldumax8, UOP_ldumin8, UOP_swp8,
    };
    static const uint16_t st[4] = { UOP_stadd8, UOP_stclr8, UOP_steor8, UOP_stset8 };
    const unsigned opc = word >> 12 & 15, rt = field_rt(word);

    lower_rs_rt(word, op);
    op->rd = xr_dst(rt);
    return (enum uop)((rt == 31 && opc < ARRAY_SIZE(st) ? st[opc] : ld[opc]) + field_size(word));
}

/* ---- SIMD structures ------------------------------------------------------------------------- */

/* Registers and post-index; shape.span is set. */
static void lower_struct(uint32_t word, struct struct_shape shape, struct op *op)
{
    const bool post = (word >> 23 & 1) != 0;
    const unsigned rm = field_rm(word);

    op->rd = (uint8_t)field_rt(word);
    op->rn = xr_sp(field_rn(word));
    op->rm = post ? xr_src(rm) : X_ZERO;
    shape.step = post && rm == 31 ? shape.span : 0;
    op->imm = shape_pack(shape);
}

static bool struct_q(uint32_t word)
{
    return (word >> 30 & 1) != 0;
}
static bool struct_load(uint32_t word)
{
    return (word >> 22 & 1) != 0;
}

enum uop lower_vmulti(const struct lower *lo, uint32_t word, struct op *op)
{
    /* By opcode: registers, and whether they are elements of structures (LD2-LD4) or
     * in a row (LD1). */
    static const struct {
        uint8_t regs;
        bool interleaved;
    } form[16] = {
        [0] = { 4, true },  [2] = { 4, false }, [4] = { 3, true },   [6] = { 3, false },
        [7] = { 1, false }, [8] = { 2, true },  [10] = { 2, false },
    };
    const unsigned opcode = word >> 12 & 15;
    const bool q = struct_q(word), load = struct_load(word);
    struct struct_shape shape = { .esize = word >> 10 & 3, .regs = form[opcode].regs, .q = q };

    shape.span = (uint8_t)(shape.regs * (q ? 16 : 8));
    lower_struct(word, shape, op);
    if (form[opcode].interleaved) {
        return load ? UOP_vldn : UOP_vstn;
    }
    return load ? (q ? UOP_vld1q : UOP_vld1d) : (q ? UOP_vst1q : UOP_vst1d);
}

/* Elements of a single structure: opcode<0>:R + 1. */
static unsigned struct_elements(uint32_t word)
{
    return ((word >> 13 & 1) << 1 | (word >> 21 & 1)) + 1;
}

enum uop lower_vlane(const struct lower *lo, uint32_t word, struct op *op)
{
    const unsigned q_s_size = (unsigned)struct_q(word) << 3 | (word >> 10 & 7);
    /* opcode<2:1>: 0 bytes, 1 halfwords, 2 words, or doublewords if size is 01. The
     * lane is what Q:S:size has above. */
    const unsigned scale = word >> 14 & 3;
    const unsigned esize = scale == 2 && (word >> 10 & 1) ? 3 : scale;
    struct struct_shape shape = { .esize = (uint8_t)esize, .regs = (uint8_t)struct_elements(word) };

    shape.lane = (uint8_t)(q_s_size >> esize);
    shape.span = (uint8_t)(shape.regs << esize);
    lower_struct(word, shape, op);
    return struct_load(word) ? UOP_vld_lane : UOP_vst_lane;
}

enum uop lower_vrep(const struct lower *lo, uint32_t word, struct op *op)
{
    struct struct_shape shape = { .esize = word >> 10 & 3,
                                  .regs = (uint8_t)struct_elements(word),
                                  .q = struct_q(word) };

    shape.span = (uint8_t)(shape.regs << shape.esize);
    lower_struct(word, shape, op);
    return UOP_vld_rep;
}
