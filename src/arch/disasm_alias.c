/*
 * disasm_alias.c - the aliases that Arm prefers in disassembly.
 *
 * A row says which instructions (by the start of the row's name in the table), under which
 * condition, and what is written instead. The first row that fits wins, so the more particular
 * stand first. DDI 0487, the "Alias conditions" of each instruction.
 */
#include "arch/disasm.h"

typedef bool when_fn(const struct dis *d);

static unsigned rd(const struct dis *d)
{
    return dis_bits(d, 0, 5);
}

static unsigned rn(const struct dis *d)
{
    return dis_bits(d, 5, 5);
}

static unsigned rm(const struct dis *d)
{
    return dis_bits(d, 16, 5);
}

static unsigned immr(const struct dis *d)
{
    return dis_bits(d, 16, 6);
}

static unsigned imms(const struct dis *d)
{
    return dis_bits(d, 10, 6);
}

static unsigned top(const struct dis *d)
{
    return dis_bits(d, 31, 1) ? 63 : 31;
}

static bool always(const struct dis *d)
{
    return true;
}

static bool rd_zr(const struct dis *d)
{
    return rd(d) == 31;
}

static bool rn_zr(const struct dis *d)
{
    return rn(d) == 31;
}

static bool ra_zr(const struct dis *d)
{
    return dis_bits(d, 10, 5) == 31;
}

static bool rn_is_30(const struct dis *d)
{
    return rn(d) == 30;
}

static bool mov_sp(const struct dis *d)
{
    return dis_bits(d, 10, 13) == 0 && (rd(d) == 31 || rn(d) == 31);
}

static bool mov_reg(const struct dis *d)
{
    return rn(d) == 31 && dis_bits(d, 22, 2) == 0 && imms(d) == 0;
}

static bool movz(const struct dis *d)
{
    return dis_bits(d, 5, 16) != 0 || dis_bits(d, 21, 2) == 0;
}

static bool movn(const struct dis *d)
{
    return movz(d) && (dis_bits(d, 31, 1) || dis_bits(d, 5, 16) != 0xffff);
}

/* DDI 0487, "MoveWidePreferred": such a mask is shown as ORR, because MOVZ or MOVN
 * could make it. */
static bool move_wide_preferred(const struct dis *d)
{
    unsigned s = imms(d);
    unsigned r = immr(d);
    unsigned width = top(d) + 1;

    if ((width == 64 && !dis_bits(d, 22, 1)) ||
        (width == 32 && (dis_bits(d, 22, 1) || (s & 0x20)))) {
        return false;
    }
    if (s < 16) {
        return (16 - r % 16) % 16 <= 15 - s;
    }
    return s >= width - 15 && r % 16 <= s - (width - 15);
}

static bool mov_bitmask(const struct dis *d)
{
    return rn(d) == 31 && !move_wide_preferred(d);
}

static bool shift_right(const struct dis *d)
{
    return imms(d) == top(d);
}

static bool shift_left(const struct dis *d)
{
    return imms(d) != top(d) && imms(d) + 1 == immr(d);
}

static bool insert(const struct dis *d)
{
    return imms(d) < immr(d);
}

static bool insert_zero(const struct dis *d)
{
    return insert(d) && rn(d) == 31;
}

static bool byte(const struct dis *d)
{
    return immr(d) == 0 && imms(d) == 7;
}

static bool half(const struct dis *d)
{
    return immr(d) == 0 && imms(d) == 15;
}

static bool word(const struct dis *d)
{
    return immr(d) == 0 && imms(d) == 31;
}

static bool same_nm(const struct dis *d)
{
    return rn(d) == rm(d);
}

static bool cond_real(const struct dis *d)
{
    return dis_bits(d, 12, 4) < 14;
}

static bool cond_set(const struct dis *d)
{
    return cond_real(d) && rn(d) == 31 && rm(d) == 31;
}

static bool cond_same(const struct dis *d)
{
    return cond_real(d) && same_nm(d) && rn(d) != 31;
}

static bool cond_negate(const struct dis *d)
{
    return cond_real(d) && same_nm(d);
}

/* LD<op> without acquire whose result goes nowhere is ST<op>. */
static bool store_op(const struct dis *d)
{
    return rd(d) == 31 && dis_bits(d, 23, 1) == 0;
}

static bool shift_zero(const struct dis *d)
{
    unsigned immh = dis_bits(d, 19, 4);

    return dis_bits(d, 16, 3) == 0 && (immh & (immh - 1)) == 0;
}

static const struct alias {
    const char *row; /* the row's name begins with this */
    when_fn *when;
    const char *assembler;
} aliases[] = {
    { "ADD_imm", mov_sp, "mov %R{Rd}, %R{Rn}" },
    { "ADDS_imm", rd_zr, "cmn %R{Rn}, %?{imm12_sh}" },
    { "SUBS_imm", rd_zr, "cmp %R{Rn}, %?{imm12_sh}" },
    { "ADDS_shift", rd_zr, "cmn %r{Rn}, %r{Rm}%?{shift}" },
    { "SUBS_shift", rd_zr, "cmp %r{Rn}, %r{Rm}%?{shift}" },
    { "SUBS_shift", rn_zr, "negs %r{Rd}, %r{Rm}%?{shift}" },
    { "SUB_shift", rn_zr, "neg %r{Rd}, %r{Rm}%?{shift}" },
    { "ADDS_ext", rd_zr, "cmn %R{Rn}, %?{extend}" },
    { "SUBS_ext", rd_zr, "cmp %R{Rn}, %?{extend}" },
    { "SBCS", rn_zr, "ngcs %r{Rd}, %r{Rm}" },
    { "SBC", rn_zr, "ngc %r{Rd}, %r{Rm}" },
    { "ANDS_imm", rd_zr, "tst %r{Rn}, %?{bitmask}" },
    { "ANDS_shift", rd_zr, "tst %r{Rn}, %r{Rm}%?{shift}" },
    { "ORR_imm_w", mov_bitmask, "mov %W{Rd}, %?{bitmask}" },
    { "ORR_imm_x", mov_bitmask, "mov %X{Rd}, %?{bitmask}" },
    { "ORR_shift", mov_reg, "mov %r{Rd}, %r{Rm}" },
    { "ORN_shift", rn_zr, "mvn %r{Rd}, %r{Rm}%?{shift}" },
    { "MOVZ", movz, "mov %r{Rd}, %?{mov_imm}" },
    { "MOVN", movn, "mov %r{Rd}, %?{mov_imm}" },
    { "SBFM", shift_right, "asr %r{Rd}, %r{Rn}, %i{immr}" },
    { "SBFM", byte, "sxtb %r{Rd}, %w{Rn}" },
    { "SBFM", half, "sxth %r{Rd}, %w{Rn}" },
    { "SBFM_x", word, "sxtw %x{Rd}, %w{Rn}" },
    { "SBFM", insert, "sbfiz %r{Rd}, %r{Rn}, %?{bf_lsb}, %?{bf_width}" },
    { "SBFM", always, "sbfx %r{Rd}, %r{Rn}, %i{immr}, %?{bfx_width}" },
    { "UBFM", shift_left, "lsl %r{Rd}, %r{Rn}, %?{lsl_amount}" },
    { "UBFM", shift_right, "lsr %r{Rd}, %r{Rn}, %i{immr}" },
    { "UBFM_w", byte, "uxtb %w{Rd}, %w{Rn}" },
    { "UBFM_w", half, "uxth %w{Rd}, %w{Rn}" },
    { "UBFM", insert, "ubfiz %r{Rd}, %r{Rn}, %?{bf_lsb}, %?{bf_width}" },
    { "UBFM", always, "ubfx %r{Rd}, %r{Rn}, %i{immr}, %?{bfx_width}" },
    { "BFM", insert_zero, "bfc %r{Rd}, %?{bf_lsb}, %?{bf_width}" },
    { "BFM", insert, "bfi %r{Rd}, %r{Rn}, %?{bf_lsb}, %?{bf_width}" },
    { "BFM", always, "bfxil %r{Rd}, %r{Rn}, %i{immr}, %?{bfx_width}" },
    { "EXTR", same_nm, "ror %r{Rd}, %r{Rn}, %i{imms}" },
    { "LSLV", always, "lsl %r{Rd}, %r{Rn}, %r{Rm}" },
    { "LSRV", always, "lsr %r{Rd}, %r{Rn}, %r{Rm}" },
    { "ASRV", always, "asr %r{Rd}, %r{Rn}, %r{Rm}" },
    { "RORV", always, "ror %r{Rd}, %r{Rn}, %r{Rm}" },
    { "CSINC", cond_set, "cset %r{Rd}, %?{cond_inv}" },
    { "CSINC", cond_same, "cinc %r{Rd}, %r{Rn}, %?{cond_inv}" },
    { "CSINV", cond_set, "csetm %r{Rd}, %?{cond_inv}" },
    { "CSINV", cond_same, "cinv %r{Rd}, %r{Rn}, %?{cond_inv}" },
    { "CSNEG", cond_negate, "cneg %r{Rd}, %r{Rn}, %?{cond_inv}" },
    { "MADD", ra_zr, "mul %r{Rd}, %r{Rn}, %r{Rm}" },
    { "MSUB", ra_zr, "mneg %r{Rd}, %r{Rn}, %r{Rm}" },
    { "SMADDL", ra_zr, "smull %x{Rd}, %w{Rn}, %w{Rm}" },
    { "SMSUBL", ra_zr, "smnegl %x{Rd}, %w{Rn}, %w{Rm}" },
    { "UMADDL", ra_zr, "umull %x{Rd}, %w{Rn}, %w{Rm}" },
    { "UMSUBL", ra_zr, "umnegl %x{Rd}, %w{Rn}, %w{Rm}" },
    { "RET", rn_is_30, "ret" },
    { "ORR_v", same_nm, "mov %v{Rd}.%?{TB}, %v{Rn}.%?{TB}" },
    { "NOT_v", always, "mvn %v{Rd}.%?{TB}, %v{Rn}.%?{TB}" },
    { "SSHLL", shift_zero, "sxtl%?{Q2} %v{Rd}.%?{TI2}, %v{Rn}.%?{TI}" },
    { "USHLL", shift_zero, "uxtl%?{Q2} %v{Rd}.%?{TI2}, %v{Rn}.%?{TI}" },
};

/* LSE: "LDADD", "LDADDB" .. with the same operands but Rt. The size letter stands at
 * the end of the row's name. */
static const char *store_alias(const struct dis *d)
{
    static const struct {
        const char *ld, *w, *b, *h;
    } row[] = {
#define ST_OP(OP, op)                                                                 \
    { "LD" OP, "st" op "%?{ar} %r{Rs}, [%X{Rn}]", "st" op "%?{ar}b %w{Rs}, [%X{Rn}]", \
      "st" op "%?{ar}h %w{Rs}, [%X{Rn}]" }
        ST_OP("ADD", "add"),   ST_OP("CLR", "clr"),   ST_OP("EOR", "eor"),   ST_OP("SET", "set"),
        ST_OP("SMAX", "smax"), ST_OP("SMIN", "smin"), ST_OP("UMAX", "umax"), ST_OP("UMIN", "umin"),
#undef ST_OP
    };

    if ((d->word & 0x3f208c00) != 0x38200000 ||
        !store_op(d)) { /* the encoding group "Atomic memory operations" */
        return NULL;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
        if (str_starts(d->row->name, row[i].ld)) {
            unsigned size = dis_bits(d, 30, 2);
            return size == 0 ? row[i].b : size == 1 ? row[i].h : row[i].w;
        }
    }
    return NULL;
}

/* Is it the row, or one of those whose names have a suffix after it? */
static bool is_of(const char *row, const char *name)
{
    return str_starts(row, name) && (row[str_len(name)] == '\0' || row[str_len(name)] == '_');
}

const char *dis_alias(const struct dis *d)
{
    for (unsigned i = 0; i < ARRAY_SIZE(aliases); i++) {
        if (is_of(d->row->name, aliases[i].row) && aliases[i].when(d)) {
            return aliases[i].assembler;
        }
    }
    return store_alias(d);
}

const char *dis_mnemonic(const struct dis *d)
{
    /* Moves of whole elements keep their operands and are called MOV. */
    static const char *const moves[] = { "INS_", "UMOV_s", "UMOV_d", "DUP_se" };

    for (unsigned i = 0; i < ARRAY_SIZE(moves); i++) {
        if (str_starts(d->row->name, moves[i])) {
            return "mov";
        }
    }
    return NULL;
}
