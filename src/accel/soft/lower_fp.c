/*
 * lower_fp.c - scalar floating-point instructions to uops.
 *
 * DDI 0487, "Data Processing -- Scalar Floating-Point and Advanced SIMD". The rows leave out what
 * is unallocated, so nothing here answers "undefined". Uops with a type come in threes, _s, _d, _h;
 * first is the _s one.
 */
#include "accel/soft/cpu.h"
#include "accel/soft/fp.h"
#include "accel/soft/op_fp.h"

static enum uop typed(enum uop first, uint32_t word)
{
    static const uint8_t index[4] = { 0, 1, 0, 2 }; /* by ftype */

    return (enum uop)(first + index[bits(word, 22, 2)]);
}

static void registers(uint32_t word, struct op *op)
{
    op->rd = (uint8_t)bits(word, 0, 5);
    op->rn = (uint8_t)bits(word, 5, 5);
    op->rm = (uint8_t)bits(word, 16, 5);
}

/* FRINT32Z, FRINT32X, FRINT64Z, FRINT64X are opcodes 16 to 19; FRINT<r> are 8 to 15. */
enum uop lower_fp_1src(const struct lower *lo, uint32_t word, struct op *op)
{
    static const enum uop plain[4] = { UOP_fmov_s, UOP_fabs_s, UOP_fneg_s, UOP_fsqrt_s };
    const unsigned opcode = (unsigned)bits(word, 15, 6), mode = opcode & 7;

    registers(word, op);
    if (opcode < 4) {
        return typed(plain[opcode], word);
    }
    if (opcode >= 16) {
        op->ra = (opcode & 1) ? ROUND_FPCR : FPR_ZERO;
        op->imm = (opcode & 2) ? 64 : 32;
        return typed(UOP_frint_ts_s, word);
    }
    op->ra =
        mode >= 6 ? ROUND_FPCR : (uint8_t)mode; /* N P M Z A are numbered as enum fp_rounding is */
    op->imm = mode == 6;                        /* FRINTX */
    return typed(UOP_frint_s, word);
}

enum uop lower_fp_convert(const struct lower *lo, uint32_t word, struct op *op)
{
    /* By ftype (source), opcode<1:0> (destination). Double to "double" is BFCVT, whose
     * source is single. */
    static const enum uop convert[4][4] = {
        [0] = { [1] = UOP_fcvt_ds, [3] = UOP_fcvt_hs },
        [1] = { [0] = UOP_fcvt_sd, [2] = UOP_bfcvt, [3] = UOP_fcvt_hd },
        [3] = { [0] = UOP_fcvt_sh, [1] = UOP_fcvt_dh },
    };

    registers(word, op);
    return convert[bits(word, 22, 2)][bits(word, 15, 2)];
}

enum uop lower_fp_2src(const struct lower *lo, uint32_t word, struct op *op)
{
    static const enum uop first[9] = { UOP_fmul_s,   UOP_fdiv_s,   UOP_fadd_s,
                                       UOP_fsub_s,   UOP_fmax_s,   UOP_fmin_s,
                                       UOP_fmaxnm_s, UOP_fminnm_s, UOP_fnmul_s };

    registers(word, op);
    return typed(first[bits(word, 12, 4)], word);
}

enum uop lower_fp_3src(const struct lower *lo, uint32_t word, struct op *op)
{
    static const enum uop first[4] = { UOP_fmadd_s, UOP_fmsub_s, UOP_fnmadd_s, UOP_fnmsub_s };

    registers(word, op);
    op->ra = (uint8_t)bits(word, 10, 5);
    return typed(first[bits(word, 21, 1) << 1 | bits(word, 15, 1)], word);
}

enum uop lower_fp_compare(const struct lower *lo, uint32_t word, struct op *op)
{
    registers(word, op);
    op->imm = bits(word, 4, 1);
    return typed(bits(word, 3, 1) ? UOP_fcmp_zero_s : UOP_fcmp_s, word);
}

enum uop lower_fp_ccmp(const struct lower *lo, uint32_t word, struct op *op)
{
    registers(word, op);
    op->ra = (uint8_t)bits(word, 12, 4);
    op->imm = bits(word, 4, 1);
    return typed(UOP_fccmp_s, word);
}

enum uop lower_fp_csel(const struct lower *lo, uint32_t word, struct op *op)
{
    registers(word, op);
    op->ra = (uint8_t)bits(word, 12, 4);
    return typed(UOP_fcsel_s, word);
}

/* VFPExpandImm: sign a, exponent NOT(b) b..b cd, fraction efgh 0..0. */
static uint64_t expand_imm(unsigned imm8, unsigned ebits, unsigned fbits)
{
    const uint64_t b = imm8 >> 6 & 1;
    const uint64_t exp = (b ^ 1) << (ebits - 1) | (b ? BIT(ebits - 1) - 4 : 0) | (imm8 >> 4 & 3);

    return (uint64_t)(imm8 >> 7) << (ebits + fbits) | exp << fbits |
           (uint64_t)(imm8 & 15) << (fbits - 4);
}

enum uop lower_fp_imm(const struct lower *lo, uint32_t word, struct op *op)
{
    const unsigned imm8 = (unsigned)bits(word, 13, 8), ftype = (unsigned)bits(word, 22, 2);

    registers(word, op);
    op->imm = ftype == 0   ? expand_imm(imm8, 8, 23)
              : ftype == 1 ? expand_imm(imm8, 11, 52)
                           : expand_imm(imm8, 5, 10);
    return UOP_fmov_imm;
}

enum uop lower_fp_move_gen(const struct lower *lo, uint32_t word, struct op *op)
{
    const bool to_v = bits(word, 16, 1) != 0;

    registers(word, op);
    if (to_v) {
        op->rn = xr_src(op->rn);
    } else {
        op->rd = xr_dst(op->rd);
    }
    switch (bits(word, 22, 2)) {
    case 0: return to_v ? UOP_fmov_s_w : UOP_fmov_w_s;
    case 1: return to_v ? UOP_fmov_d_x : UOP_fmov_x_d;
    case 2: return to_v ? UOP_fmov_v1_x : UOP_fmov_x_v1;
    default: return to_v ? UOP_fmov_h_r : UOP_fmov_r_h;
    }
}

static unsigned int_size(uint32_t word)
{
    return (word >> 31) ? 64 : 32;
}

static unsigned fraction_bits(uint32_t word)
{
    return 64 - (unsigned)bits(word, 10, 6);
}

/* FCVT<r>S, FCVT<r>U: rmode is numbered as enum fp_rounding, opcode<2> is A (ties away). */
enum uop lower_fp_to_int(const struct lower *lo, uint32_t word, struct op *op)
{
    const bool away = bits(word, 18, 1) != 0, is_unsigned = bits(word, 16, 1) != 0;

    registers(word, op);
    op->rd = xr_dst(op->rd);
    op->ra = away ? FPR_TIEAWAY : (uint8_t)bits(word, 19, 2);
    op->imm = fixed_imm(0, int_size(word), is_unsigned);
    if (op->ra == FPR_ZERO && !is_unsigned) {
        return typed((word >> 31) ? UOP_fcvtzs_x_s : UOP_fcvtzs_w_s, word);
    }
    return typed(UOP_fcvt_int_s, word);
}

enum uop lower_fp_to_fixed(const struct lower *lo, uint32_t word, struct op *op)
{
    registers(word, op);
    op->rd = xr_dst(op->rd);
    op->ra = FPR_ZERO;
    op->imm = fixed_imm(fraction_bits(word), int_size(word), bits(word, 16, 1) != 0);
    return typed(UOP_fcvt_int_s, word);
}

enum uop lower_fp_to_js(const struct lower *lo, uint32_t word, struct op *op)
{
    registers(word, op);
    op->rd = xr_dst(op->rd);
    return UOP_fjcvtzs;
}

enum uop lower_fp_from_int(const struct lower *lo, uint32_t word, struct op *op)
{
    registers(word, op);
    op->rn = xr_src(op->rn);
    if (bits(word, 16, 1)) {
        return typed((word >> 31) ? UOP_ucvtf_x_s : UOP_ucvtf_w_s, word);
    }
    return typed((word >> 31) ? UOP_scvtf_x_s : UOP_scvtf_w_s, word);
}

enum uop lower_fp_from_fixed(const struct lower *lo, uint32_t word, struct op *op)
{
    registers(word, op);
    op->rn = xr_src(op->rn);
    op->imm = fixed_imm(fraction_bits(word), int_size(word), bits(word, 16, 1) != 0);
    return typed(UOP_cvtf_s, word);
}
