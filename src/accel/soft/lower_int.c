/*
 * lower_int.c - which micro-operation an integer or branch instruction becomes.
 *
 * Spec: DDI 0487, "A64 Base Instruction Descriptions". What is known at this point is spent here:
 * an ORR with XZR is a move, a MOVZ a constant, a bit-field move that is a shift a shift.
 */
#include "accel/soft/bti.h"
#include "accel/soft/cpu.h"

/* Fields that most integer encodings have in the same place. */
static bool sf_of(uint32_t word)
{
    return word >> 31 != 0;
}
static unsigned rd_of(uint32_t word)
{
    return word & 31;
}
static unsigned rn_of(uint32_t word)
{
    return word >> 5 & 31;
}
static unsigned rm_of(uint32_t word)
{
    return word >> 16 & 31;
}
static unsigned ra_of(uint32_t word)
{
    return word >> 10 & 31;
}
static unsigned cond_of(uint32_t word)
{
    return word >> 12 & 15;
}

/* Rd, Rn and Rm, where 31 is the zero register. */
static void three_registers(uint32_t word, struct op *op)
{
    op->rd = xr_dst(rd_of(word));
    op->rn = xr_src(rn_of(word));
    op->rm = xr_src(rm_of(word));
}

static uint64_t ones(unsigned count)
{
    return count == 64 ? ~0ull : BIT(count) - 1;
}

static enum uop move(bool sf, struct op *op, uint8_t from)
{
    op->rn = from;
    return sf ? UOP_mov64 : UOP_mov32;
}

/* ---- Immediate ------------------------------------------------------------------------------- */

/* The page's address is added when it runs, so the same code may be mapped anywhere. */
enum uop lower_pcrel(const struct lower *lo, uint32_t word, struct op *op)
{
    uint64_t imm = (uint64_t)sign_extend(bits(word, 5, 19) << 2 | bits(word, 29, 2), 21);

    op->rd = xr_dst(rd_of(word));
    op->imm = sf_of(word) ? imm << 12 : imm + lo->slot * 4;
    return UOP_mov_pc;
}

enum uop lower_addsub_imm(const struct lower *lo, uint32_t word, struct op *op)
{
    bool sf = sf_of(word), sub = bits(word, 30, 1) != 0, flags = bits(word, 29, 1) != 0;
    uint64_t imm = bits(word, 10, 12) << (bits(word, 22, 1) != 0 ? 12 : 0);

    op->rd = flags ? xr_dst(rd_of(word)) : xr_sp(rd_of(word));
    op->rn = xr_sp(rn_of(word));
    op->imm = imm;
    if (flags) {
        return sub ? (sf ? UOP_subs64_ri : UOP_subs32_ri) : (sf ? UOP_adds64_ri : UOP_adds32_ri);
    }
    if (imm == 0) {
        return move(sf, op, op->rn);
    }
    op->imm = sub ? -imm : imm;
    return sf ? UOP_add64_ri : UOP_add32_ri;
}

enum uop lower_logical_imm(const struct lower *lo, uint32_t word, struct op *op)
{
    bool sf = sf_of(word);
    unsigned opc = (unsigned)bits(word, 29, 2);

    if (!a64_bitmask_imm(sf, (unsigned)bits(word, 22, 1), (unsigned)bits(word, 10, 6),
                         (unsigned)bits(word, 16, 6), &op->imm)) {
        return UOP_undefined;
    }
    op->rd = opc == 3 ? xr_dst(rd_of(word)) : xr_sp(rd_of(word));
    op->rn = xr_src(rn_of(word));
    switch (opc) {
    case 0: return UOP_and_ri;
    case 1: return op->rn == X_ZERO ? UOP_mov_const : sf ? UOP_orr64_ri : UOP_orr32_ri;
    case 2: return sf ? UOP_eor64_ri : UOP_eor32_ri;
    default: return sf ? UOP_ands64_ri : UOP_ands32_ri;
    }
}

enum uop lower_movewide(const struct lower *lo, uint32_t word, struct op *op)
{
    bool sf = sf_of(word);
    unsigned opc = (unsigned)bits(word, 29, 2), hw = (unsigned)bits(word, 21, 2);

    op->rd = xr_dst(rd_of(word));
    op->imm = bits(word, 5, 16) << hw * 16;
    if (opc == 3) {
        return (enum uop)((sf ? UOP_movk64_0 : UOP_movk32_0) + hw);
    }
    if (opc == 0) {
        op->imm = sf ? ~op->imm : (uint32_t)~op->imm;
    }
    return UOP_mov_const;
}

/* SXTB, SXTH or SXTW. */
static enum uop extension(bool sf, unsigned count)
{
    switch (count) {
    case 8: return sf ? UOP_sxtb64 : UOP_sxtb32;
    case 16: return sf ? UOP_sxth64 : UOP_sxth32;
    default: return UOP_sxtw64;
    }
}

/* SBFM and UBFM that take bits imms:immr down to bit 0. */
static enum uop field_down(bool sf, bool is_signed, unsigned immr, unsigned imms, struct op *op)
{
    unsigned count = imms - immr + 1;

    if (imms == (sf ? 63 : 31)) {
        op->imm = immr;
        if (immr == 0) {
            return move(sf, op, op->rn);
        }
        return is_signed ? (sf ? UOP_asr64_ri : UOP_asr32_ri) : (sf ? UOP_lsr64_ri : UOP_lsr32_ri);
    }
    if (!is_signed) {
        op->imm = ones(count);
        op->ra = (uint8_t)immr;
        return immr == 0 ? UOP_and_ri : UOP_ubfx;
    }
    if (immr == 0 && (count == 8 || count == 16 || count == 32)) {
        return extension(sf, count);
    }
    op->ra = (uint8_t)(63 - imms);
    op->imm = 63 - imms + immr;
    return sf ? UOP_sbfm64 : UOP_sbfm32;
}

/* SBFM and UBFM that take bits imms:0 up to bit lsb. */
static enum uop field_up(bool sf, bool is_signed, unsigned lsb, unsigned imms, struct op *op)
{
    unsigned width = sf ? 64 : 32;

    if (is_signed) {
        op->ra = (uint8_t)(63 - imms);
        op->imm = 63 - imms - lsb;
        return sf ? UOP_sbfm64 : UOP_sbfm32;
    }
    if (lsb + imms + 1 == width) {
        op->imm = lsb;
        return sf ? UOP_lsl64_ri : UOP_lsl32_ri;
    }
    op->imm = ones(imms + 1);
    op->ra = (uint8_t)lsb;
    return UOP_ubfiz;
}

enum uop lower_bitfield(const struct lower *lo, uint32_t word, struct op *op)
{
    bool sf = sf_of(word), down;
    unsigned opc = (unsigned)bits(word, 29, 2), width = sf ? 64 : 32;
    unsigned immr = (unsigned)bits(word, 16, 6), imms = (unsigned)bits(word, 10, 6);

    op->rd = xr_dst(rd_of(word));
    op->rn = xr_src(rn_of(word));
    down = imms >= immr;
    if (opc != 1) {
        return down ? field_down(sf, opc == 0, immr, imms, op)
                    : field_up(sf, opc == 0, width - immr, imms, op);
    }
    op->ra = (uint8_t)(down ? immr : width - immr);
    op->imm = down ? ones(imms - immr + 1) : ones(imms + 1) << op->ra;
    return down ? (sf ? UOP_bfxil64 : UOP_bfxil32) : (sf ? UOP_bfi64 : UOP_bfi32);
}

enum uop lower_extract(const struct lower *lo, uint32_t word, struct op *op)
{
    bool sf = sf_of(word);

    three_registers(word, op);
    op->imm = bits(word, 10, 6);
    if (op->imm == 0) {
        return move(sf, op, op->rm);
    }
    if (op->rn == op->rm) {
        return sf ? UOP_ror64_ri : UOP_ror32_ri;
    }
    return sf ? UOP_extr64 : UOP_extr32;
}

/* ---- Register -------------------------------------------------------------------------------- */

/* The _rr form of ADD, ADDS, SUB, SUBS; the others follow it. Index: op S sf. */
static const uint16_t arith_uop[2][2][2] = {
    { { UOP_add32_rr, UOP_add64_rr }, { UOP_adds32_rr, UOP_adds64_rr } },
    { { UOP_sub32_rr, UOP_sub64_rr }, { UOP_subs32_rr, UOP_subs64_rr } },
};

/* Distances from the _rr form: shift types, extensions by option. */
enum { FORM_RR, FORM_LSL, FORM_UXTB = 4, FORM_UXTH, FORM_SXTB, FORM_SXTH, FORM_UXTW, FORM_SXTW };

static enum uop arith_rr(uint32_t word)
{
    return (enum uop)arith_uop[bits(word, 30, 1)][bits(word, 29, 1)][sf_of(word)];
}

enum uop lower_addsub_shift(const struct lower *lo, uint32_t word, struct op *op)
{
    three_registers(word, op);
    op->imm = bits(word, 10, 6);
    return (enum uop)(arith_rr(word) + (op->imm == 0 ? FORM_RR : FORM_LSL + bits(word, 22, 2)));
}

enum uop lower_addsub_ext(const struct lower *lo, uint32_t word, struct op *op)
{
    /* By option; 0: nothing to extend. */
    static const uint8_t form32[8] = { FORM_UXTB, FORM_UXTH, 0, 0, FORM_SXTB, FORM_SXTH, 0, 0 };
    static const uint8_t form64[8] = { FORM_UXTB, FORM_UXTH, FORM_UXTW, 0,
                                       FORM_SXTB, FORM_SXTH, FORM_SXTW, 0 };
    unsigned form = (sf_of(word) ? form64 : form32)[bits(word, 13, 3)];

    op->imm = bits(word, 10, 3);
    if (op->imm > 4) {
        return UOP_undefined;
    }
    op->rd = bits(word, 29, 1) != 0 ? xr_dst(rd_of(word)) : xr_sp(rd_of(word));
    op->rn = xr_sp(rn_of(word));
    op->rm = xr_src(rm_of(word));
    if (form == 0) {
        form = op->imm == 0 ? FORM_RR : FORM_LSL;
    }
    return (enum uop)(arith_rr(word) + form);
}

enum uop lower_logical_shift(const struct lower *lo, uint32_t word, struct op *op)
{
    /* Index: opc N sf. The shifted forms follow in the order of the shift types. */
    static const uint16_t uop[4][2][2] = {
        { { UOP_and32_rr, UOP_and64_rr }, { UOP_bic32_rr, UOP_bic64_rr } },
        { { UOP_orr32_rr, UOP_orr64_rr }, { UOP_orn32_rr, UOP_orn64_rr } },
        { { UOP_eor32_rr, UOP_eor64_rr }, { UOP_eon32_rr, UOP_eon64_rr } },
        { { UOP_ands32_rr, UOP_ands64_rr }, { UOP_bics32_rr, UOP_bics64_rr } },
    };
    uint16_t rr = uop[bits(word, 29, 2)][bits(word, 21, 1)][sf_of(word)];

    three_registers(word, op);
    op->imm = bits(word, 10, 6);
    if (op->imm != 0) {
        return (enum uop)(rr + 1 + bits(word, 22, 2));
    }
    if ((rr == UOP_orr32_rr || rr == UOP_orr64_rr) && op->rn == X_ZERO) {
        return move(sf_of(word), op, op->rm);
    }
    return (enum uop)rr;
}

enum uop lower_adc(const struct lower *lo, uint32_t word, struct op *op)
{
    /* Index: op S sf. */
    static const uint16_t uop[2][2][2] = {
        { { UOP_adc32, UOP_adc64 }, { UOP_adcs32, UOP_adcs64 } },
        { { UOP_sbc32, UOP_sbc64 }, { UOP_sbcs32, UOP_sbcs64 } },
    };

    three_registers(word, op);
    return (enum uop)uop[bits(word, 30, 1)][bits(word, 29, 1)][sf_of(word)];
}

enum uop lower_rmif(const struct lower *lo, uint32_t word, struct op *op)
{
    op->rn = xr_src(rn_of(word));
    op->ra = word & 15;
    op->imm = bits(word, 15, 6);
    return UOP_rmif;
}

enum uop lower_setf(const struct lower *lo, uint32_t word, struct op *op)
{
    op->rn = xr_src(rn_of(word));
    return lo->row->index == A64_INSN_SETF8 ? UOP_setf8 : UOP_setf16;
}

enum uop lower_flag_convert(const struct lower *lo, uint32_t word, struct op *op)
{
    switch (lo->row->index) {
    case A64_INSN_CFINV: return UOP_cfinv;
    case A64_INSN_AXFLAG: return UOP_axflag;
    default: return UOP_xaflag;
    }
}

enum uop lower_ccmp(const struct lower *lo, uint32_t word, struct op *op)
{
    /* Index: immediate, op, sf. The other conditions follow. */
    static const uint16_t uop[2][2][2] = {
        { { UOP_ccmn32_rr_eq, UOP_ccmn64_rr_eq }, { UOP_ccmp32_rr_eq, UOP_ccmp64_rr_eq } },
        { { UOP_ccmn32_ri_eq, UOP_ccmn64_ri_eq }, { UOP_ccmp32_ri_eq, UOP_ccmp64_ri_eq } },
    };
    static const uint16_t always[2][2][2] = {
        { { UOP_adds32_rr, UOP_adds64_rr }, { UOP_subs32_rr, UOP_subs64_rr } },
        { { UOP_adds32_ri, UOP_adds64_ri }, { UOP_subs32_ri, UOP_subs64_ri } },
    };
    unsigned cond = cond_of(word), imm = (unsigned)bits(word, 11, 1);

    op->rd = X_SINK;
    op->rn = xr_src(rn_of(word));
    op->rm = xr_src(rm_of(word));
    op->imm = rm_of(word);
    op->ra = word & 15;
    if (cond >= 14) {
        return (enum uop)always[imm][bits(word, 30, 1)][sf_of(word)];
    }
    return (enum uop)(uop[imm][bits(word, 30, 1)][sf_of(word)] + cond);
}

enum uop lower_csel(const struct lower *lo, uint32_t word, struct op *op)
{
    /* Index: op o2 sf. The other conditions follow. */
    static const uint16_t uop[2][2][2] = {
        { { UOP_csel32_eq, UOP_csel64_eq }, { UOP_csinc32_eq, UOP_csinc64_eq } },
        { { UOP_csinv32_eq, UOP_csinv64_eq }, { UOP_csneg32_eq, UOP_csneg64_eq } },
    };
    unsigned cond = cond_of(word);

    three_registers(word, op);
    if (cond >= 14) {
        return move(sf_of(word), op, op->rn);
    }
    return (enum uop)(uop[bits(word, 30, 1)][bits(word, 10, 1)][sf_of(word)] + cond);
}

enum uop lower_muladd(const struct lower *lo, uint32_t word, struct op *op)
{
    bool sf = sf_of(word);

    three_registers(word, op);
    op->ra = xr_src(ra_of(word));
    if (bits(word, 15, 1) != 0) {
        return sf ? UOP_msub64 : UOP_msub32;
    }
    if (op->ra == X_ZERO) {
        return sf ? UOP_mul64 : UOP_mul32;
    }
    return sf ? UOP_madd64 : UOP_madd32;
}

enum uop lower_muladd_long(const struct lower *lo, uint32_t word, struct op *op)
{
    bool is_unsigned = bits(word, 23, 1) != 0;

    three_registers(word, op);
    op->ra = xr_src(ra_of(word));
    if (bits(word, 15, 1) != 0) {
        return is_unsigned ? UOP_umsubl : UOP_smsubl;
    }
    if (op->ra == X_ZERO) {
        return is_unsigned ? UOP_umull : UOP_smull;
    }
    return is_unsigned ? UOP_umaddl : UOP_smaddl;
}

enum uop lower_dp_2source(const struct lower *lo, uint32_t word, struct op *op)
{
    bool sf = sf_of(word);

    three_registers(word, op);
    switch (lo->row->index) {
    case A64_INSN_UDIV: return sf ? UOP_udiv64 : UOP_udiv32;
    case A64_INSN_SDIV: return sf ? UOP_sdiv64 : UOP_sdiv32;
    case A64_INSN_LSLV: return sf ? UOP_lslv64 : UOP_lslv32;
    case A64_INSN_LSRV: return sf ? UOP_lsrv64 : UOP_lsrv32;
    case A64_INSN_ASRV: return sf ? UOP_asrv64 : UOP_asrv32;
    case A64_INSN_RORV: return sf ? UOP_rorv64 : UOP_rorv32;
    case A64_INSN_SMULH: return UOP_smulh;
    case A64_INSN_UMULH: return UOP_umulh;
    case A64_INSN_CRC32B: return UOP_crc32b;
    case A64_INSN_CRC32H: return UOP_crc32h;
    case A64_INSN_CRC32W: return UOP_crc32w;
    case A64_INSN_CRC32X: return UOP_crc32x;
    case A64_INSN_CRC32CB: return UOP_crc32cb;
    case A64_INSN_CRC32CH: return UOP_crc32ch;
    case A64_INSN_CRC32CW: return UOP_crc32cw;
    case A64_INSN_CRC32CX: return UOP_crc32cx;
    default: return UOP_undefined;
    }
}

enum uop lower_dp_1source(const struct lower *lo, uint32_t word, struct op *op)
{
    bool sf = sf_of(word);

    op->rd = xr_dst(rd_of(word));
    op->rn = xr_src(rn_of(word));
    switch (lo->row->index) {
    case A64_INSN_RBIT: return sf ? UOP_rbit64 : UOP_rbit32;
    case A64_INSN_REV16: return sf ? UOP_rev16_64 : UOP_rev16_32;
    case A64_INSN_REV_w: return UOP_rev32_32;
    case A64_INSN_REV32: return UOP_rev32_64;
    case A64_INSN_REV_x: return UOP_rev64_64;
    case A64_INSN_CLZ: return sf ? UOP_clz64 : UOP_clz32;
    case A64_INSN_CLS: return sf ? UOP_cls64 : UOP_cls32;
    default: return UOP_undefined;
    }
}

/* ---- Branches -------------------------------------------------------------------------------- */

/* Displacement of the branch, whose count of instructions is len bits from bit lo up. */
static int64_t displacement(uint32_t word, unsigned lo, unsigned len)
{
    return sign_extend(bits(word, lo, len), len) * 4;
}

/* True: op->imm is the distance to a slot of this page. False: op->imm is the target,
 * counted from the page's start. */
static bool branch_is_near(const struct lower *lo, int64_t delta, struct op *op)
{
    if (lower_branch(lo, delta, op)) {
        return true;
    }
    op->imm += lo->slot * 4;
    return false;
}

/* The far form stands right after the near one. */
static enum uop near_or_far(const struct lower *lo, int64_t delta, enum uop near_uop, struct op *op)
{
    return branch_is_near(lo, delta, op) ? near_uop : (enum uop)(near_uop + 1);
}

/* The slot that a call returns to. */
static void set_return_slot(const struct lower *lo, struct op *op)
{
    op->rm = (uint8_t)(lo->slot + 1);
    op->ra = (uint8_t)((lo->slot + 1) >> 8);
}

enum uop lower_b(const struct lower *lo, uint32_t word, struct op *op)
{
    set_return_slot(lo, op);
    return near_or_far(lo, displacement(word, 0, 26), sf_of(word) ? UOP_bl_near : UOP_b_near, op);
}

enum uop lower_b_cond(const struct lower *lo, uint32_t word, struct op *op)
{
    int64_t delta = displacement(word, 5, 19);
    unsigned cond = word & 15;

    if (cond >= 14) {
        return near_or_far(lo, delta, UOP_b_near, op);
    }
    return (enum uop)((branch_is_near(lo, delta, op) ? UOP_b_near_eq : UOP_b_far_eq) + cond);
}

enum uop lower_cbz(const struct lower *lo, uint32_t word, struct op *op)
{
    bool nonzero = bits(word, 24, 1) != 0;
    enum uop near_uop = sf_of(word) ? (nonzero ? UOP_cbnz64_near : UOP_cbz64_near)
                                    : (nonzero ? UOP_cbnz32_near : UOP_cbz32_near);

    op->rn = xr_src(rd_of(word));
    return near_or_far(lo, displacement(word, 5, 19), near_uop, op);
}

enum uop lower_tbz(const struct lower *lo, uint32_t word, struct op *op)
{
    op->rn = xr_src(rd_of(word));
    op->ra = (uint8_t)(bits(word, 31, 1) << 5 | bits(word, 19, 5));
    return near_or_far(lo, displacement(word, 5, 14),
                       bits(word, 24, 1) != 0 ? UOP_tbnz_near : UOP_tbz_near, op);
}

enum uop lower_b_reg(const struct lower *lo, uint32_t word, struct op *op)
{
    bool typed = cpu_has(lo->cpu, A64_FEAT_BTI);

    op->rn = xr_src(rn_of(word));
    set_return_slot(lo, op);
    switch (lo->row->index) {
    case A64_INSN_BLR: return typed ? UOP_blr_bti : UOP_blr;
    case A64_INSN_BR: op->rd = bti_jump_type(lo, rn_of(word)); return typed ? UOP_br_bti : UOP_br;
    default: return UOP_br; /* RET leaves no type */
    }
}
