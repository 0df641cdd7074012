/*
 * lower_pauth.c - pointer authentication and branch targets to uops.
 *
 * DDI 0487, "Data-processing (1 source)", "Unconditional branch (register)", "Hints", "Load/store register (pac)" in the
 * A64 instruction set encoding.
 */
#include "accel/soft/bti.h"
#include "accel/soft/pauth.h"

_Static_assert(UOP_pac_db - UOP_pac_ia == PAC_DB && UOP_aut_ia - UOP_pac_ia == 4,
               "uop_pauth.def and enum pac_key differ");

static unsigned field_rd(uint32_t w)
{
    return w & 31;
}
static unsigned field_rn(uint32_t w)
{
    return w >> 5 & 31;
}

/* PACIA to AUTDZB: bits 11:10 are the key, bit 12 says "authenticate", bit 13 "with zero". */
enum uop lower_pac(const struct lower *lo, uint32_t word, struct op *op)
{
    op->rd = xr_dst(field_rd(word));
    op->rn = bits(word, 13, 1) != 0 ? X_ZERO : xr_sp(field_rn(word));
    return (enum uop)(UOP_pac_ia + bits(word, 10, 3));
}

/*
 * The forms in the hint space: bit 6 is the key, A or B, bit 7 says "authenticate". CRm is 1 for X17 with X16, 3 for X30,
 * with SP if bit 5 is set, else with zero.
 */
enum uop lower_pac_hint(const struct lower *lo, uint32_t word, struct op *op)
{
    bool key_b = bits(word, 6, 1) != 0, with_sp = bits(word, 5, 1) != 0,
         authenticate = bits(word, 7, 1) != 0;

    if (bits(word, 8, 4) == 1) {
        op->rd = 17;
        op->rn = 16;
    } else {
        op->rd = 30;
        op->rn = with_sp ? X_SP : X_ZERO;
    }
    if (authenticate) {
        return key_b ? UOP_aut_ib : UOP_aut_ia;
    }
    if (op->rn == X_SP) {
        return key_b ? UOP_pacibsp : UOP_paciasp;
    }
    return key_b ? UOP_pac_ib : UOP_pac_ia;
}

enum uop lower_pacga(const struct lower *lo, uint32_t word, struct op *op)
{
    op->rd = xr_dst(field_rd(word));
    op->rn = xr_src(field_rn(word));
    op->rm = xr_sp((unsigned)bits(word, 16, 5));
    return UOP_pacga;
}

enum uop lower_xpac(const struct lower *lo, uint32_t word, struct op *op)
{
    op->rd = lo->row->index == A64_INSN_XPACLRI ? 30 : xr_dst(field_rd(word));
    return lo->row->index == A64_INSN_XPACD ? UOP_xpacd : UOP_xpaci;
}

/* Bits 22:21: BR, BLR, RET; bit 24: with a register, else with zero; RET is always X30 with SP. */
enum uop lower_b_auth(const struct lower *lo, uint32_t word, struct op *op)
{
    unsigned opc = (unsigned)bits(word, 21, 2);
    bool typed = cpu_has(lo->cpu, A64_FEAT_BTI);

    op->rd = bits(word, 10, 1) != 0 ? PAC_IB : PAC_IA;
    op->rn = xr_src(field_rn(word));
    op->rm = bits(word, 24, 1) != 0 ? xr_sp(word & 31) : X_ZERO;
    op->imm = (uint64_t)bti_jump_type(lo, field_rn(word)) << 32 | (lo->slot + 1);
    switch (opc) {
    case 0: return typed ? UOP_br_auth_bti : UOP_br_auth;
    case 1: return typed ? UOP_blr_auth_bti : UOP_blr_auth;
    default:
        op->rn = 30;
        op->rm = X_SP;
        return UOP_br_auth;
    }
}

enum uop lower_eret_auth(const struct lower *lo, uint32_t word, struct op *op)
{
    op->rm = bits(word, 10, 1) != 0 ? PAC_IB : PAC_IA;
    return UOP_eret_auth;
}

/* LDRAA and LDRAB: bit 23 is the key, bit 11 says that the base is written back. */
enum uop lower_ldra(const struct lower *lo, uint32_t word, struct op *op)
{
    uint64_t imm10 = bits(word, 22, 1) << 9 | bits(word, 12, 9);

    op->rd = xr_dst(field_rd(word));
    op->rn = xr_sp(field_rn(word));
    op->rm = bits(word, 11, 1) != 0 ? op->rn : X_SINK;
    op->ra = bits(word, 23, 1) != 0 ? PAC_DB : PAC_DA;
    op->imm = (uint64_t)sign_extend(imm10, 10) * 8;
    return UOP_ldra;
}

enum uop lower_bti(const struct lower *lo, uint32_t word, struct op *op)
{
    static const uint16_t uop[] = { UOP_nop, UOP_bti_c, UOP_bti_j, UOP_bti_jc };

    return (enum uop)uop[bits(word, 6, 2)];
}
