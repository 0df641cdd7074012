/*
 * disasm.c - A64 in Arm's assembler syntax, from the templates of the instruction table.
 *
 * A template's operands are described in a64.h. %?{NAME} calls the formatter of that name; the ones
 * of the base instruction set, loads and stores are here, Advanced SIMD's in disasm_simd.c, the
 * preferred aliases in disasm_alias.c.
 */
#include "arch/disasm.h"

#include "arch/sysreg.h"
#include "base/assert.h"

static const char *const condition[] = { "eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc",
                                         "hi", "ls", "ge", "lt", "gt", "le", "al", "nv" };

/* ---- Fields ---------------------------------------------------------------------------------- */

static unsigned field(const struct dis *d, const char *name)
{
    return a64_field(d->table, d->row, d->word, name);
}

static bool wide(const struct dis *d)
{
    const struct a64_field *sf = a64_find_field(d->table, d->row->index, "sf");

    return dis_bits(d, sf != NULL ? sf->lo : 31, 1) != 0;
}

static void general(const struct dis *d, unsigned reg, bool x, bool sp)
{
    if (reg == 31) {
        text_add(d->out, sp ? (x ? "sp" : "wsp") : (x ? "xzr" : "wzr"));
    } else {
        text_add(d->out, "%c%u", x ? 'x' : 'w', reg);
    }
}

/* ---- Data processing ------------------------------------------------------------------------- */

static void write_adr(const struct dis *d)
{
    int64_t imm = sign_extend((uint64_t)dis_bits(d, 5, 19) << 2 | dis_bits(d, 29, 2), 21);
    uint64_t to =
        dis_bits(d, 31, 1) ? (d->pc & ~0xfffull) + ((uint64_t)imm << 12) : d->pc + (uint64_t)imm;

    text_add(d->out, "0x%llx", (unsigned long long)to);
}

static void write_imm12_sh(const struct dis *d)
{
    text_add(d->out, "#0x%x%s", dis_bits(d, 10, 12), dis_bits(d, 22, 1) ? ", lsl #12" : "");
}

static void write_bitmask(const struct dis *d)
{
    uint64_t mask;

    if (a64_bitmask_imm(wide(d), dis_bits(d, 22, 1), dis_bits(d, 10, 6), dis_bits(d, 16, 6),
                        &mask)) {
        text_add(d->out, "#0x%llx", (unsigned long long)mask);
    } else {
        text_add(d->out, "#<reserved>");
    }
}

static void write_imm16_hw(const struct dis *d)
{
    text_add(d->out, "#0x%x", dis_bits(d, 5, 16));
    if (dis_bits(d, 21, 2) != 0) {
        text_add(d->out, ", lsl #%u", 16 * dis_bits(d, 21, 2));
    }
}

/* The value of MOVZ, MOVN or the bit mask that MOV (alias) stands for. */
static void write_mov_imm(const struct dis *d)
{
    uint64_t value = (uint64_t)dis_bits(d, 5, 16) << 16 * dis_bits(d, 21, 2);

    if (dis_bits(d, 29, 2) == 0) {
        value = ~value;
    }
    if (!wide(d)) {
        value = (uint32_t)value;
    }
    text_add(d->out, "#0x%llx", (unsigned long long)value);
}

static void write_shift(const struct dis *d)
{
    static const char *const name[] = { "lsl", "lsr", "asr", "ror" };

    if (dis_bits(d, 10, 6) != 0 || dis_bits(d, 22, 2) != 0) {
        text_add(d->out, ", %s #%u", name[dis_bits(d, 22, 2)], dis_bits(d, 10, 6));
    }
}

static const char *const extend_name[] = { "uxtb", "uxth", "uxtw", "uxtx",
                                           "sxtb", "sxth", "sxtw", "sxtx" };

/* Rm with its extension. With SP in the game the one that fits the width is called LSL
 * and left out at zero. */
static void write_extend(const struct dis *d)
{
    unsigned option = dis_bits(d, 13, 3);
    unsigned amount = dis_bits(d, 10, 3);
    bool sets_flags = dis_bits(d, 29, 1) != 0;
    bool sp = dis_bits(d, 5, 5) == 31 || (!sets_flags && dis_bits(d, 0, 5) == 31);

    general(d, dis_bits(d, 16, 5), wide(d) && (option & 3) == 3, false);
    if (sp && option == (wide(d) ? 3u : 2u)) {
        if (amount != 0) {
            text_add(d->out, ", lsl #%u", amount);
        }
        return;
    }
    text_add(d->out, ", %s", extend_name[option]);
    if (amount != 0) {
        text_add(d->out, " #%u", amount);
    }
}

static void write_cond(const struct dis *d)
{
    text_add(d->out, "%s", condition[field(d, "cond")]);
}

static void write_cond_inverted(const struct dis *d)
{
    text_add(d->out, "%s", condition[field(d, "cond") ^ 1]);
}

static void write_lsl_amount(const struct dis *d)
{
    text_add(d->out, "#%u", (wide(d) ? 63 : 31) - field(d, "imms"));
}

static void write_bf_lsb(const struct dis *d)
{
    unsigned size = wide(d) ? 64 : 32;

    text_add(d->out, "#%u", (size - field(d, "immr")) % size);
}

static void write_bf_width(const struct dis *d)
{
    text_add(d->out, "#%u", field(d, "imms") + 1);
}

static void write_bfx_width(const struct dis *d)
{
    text_add(d->out, "#%u", field(d, "imms") - field(d, "immr") + 1);
}

/* ---- Branches -------------------------------------------------------------------------------- */

static void write_label(const struct dis *d)
{
    static const char *const name[] = { "imm26", "imm19", "imm14" };
    const struct a64_field *f = NULL;

    for (unsigned i = 0; f == NULL && i < ARRAY_SIZE(name); i++) {
        f = a64_find_field(d->table, d->row->index, name[i]);
    }
    ASSERT(f != NULL);
    const uint64_t to = d->pc + (uint64_t)(sign_extend(dis_bits(d, f->lo, f->len), f->len) * 4);
    text_add(d->out, "0x%llx", (unsigned long long)to);
}

static void write_tbit(const struct dis *d)
{
    unsigned bit = dis_bits(d, 31, 1) << 5 | dis_bits(d, 19, 5);

    general(d, dis_bits(d, 0, 5), bit > 31, false);
    text_add(d->out, ", #%u", bit);
}

/* ---- Loads and stores ------------------------------------------------------------------------ */

/* log2 of the access size of the single-register forms: size, or 4 for a Q register. */
static unsigned access_log2(const struct dis *d)
{
    bool vector = dis_bits(d, 26, 1) != 0;

    return vector && dis_bits(d, 23, 1) ? 4 : dis_bits(d, 30, 2);
}

static void write_uoff12(const struct dis *d)
{
    unsigned offset = dis_bits(d, 10, 12) << access_log2(d);

    if (offset != 0) {
        text_add(d->out, ", #%u", offset);
    }
}

static void write_simm9(const struct dis *d)
{
    text_add(d->out, "#%d", (int)sign_extend(dis_bits(d, 12, 9), 9));
}

static void write_soff9(const struct dis *d)
{
    if (dis_bits(d, 12, 9) != 0) {
        text_add(d->out, ", ");
        write_simm9(d);
    }
}

/* LDRAA and LDRAB: doublewords. */
static void write_soff10(const struct dis *d)
{
    unsigned imm10 = dis_bits(d, 22, 1) << 9 | dis_bits(d, 12, 9);

    if (imm10 != 0) {
        text_add(d->out, ", #%d", (int)sign_extend(imm10, 10) * 8);
    }
}

/* Pairs: opc[31:30] gives the size, one step larger for V registers; LDPSW (opc 1) has words. */
static void write_simm7(const struct dis *d)
{
    unsigned log2 = dis_bits(d, 26, 1) ? 2 + dis_bits(d, 30, 2) : 2 + dis_bits(d, 31, 1);

    text_add(d->out, "#%d", (int)sign_extend(dis_bits(d, 15, 7), 7) * (1 << log2));
}

static void write_off7(const struct dis *d)
{
    if (dis_bits(d, 15, 7) != 0) {
        text_add(d->out, ", ");
        write_simm7(d);
    }
}

static void write_regoff(const struct dis *d)
{
    unsigned option = dis_bits(d, 13, 3);
    bool shifted = dis_bits(d, 12, 1) != 0;

    general(d, dis_bits(d, 16, 5), (option & 1) != 0, false);
    if (option == 3) {
        if (shifted) {
            text_add(d->out, ", lsl #%u", access_log2(d));
        }
        return;
    }
    text_add(d->out, ", %s", extend_name[option]);
    if (shifted) {
        text_add(d->out, " #%u", access_log2(d));
    }
}

static void write_prfop(const struct dis *d)
{
    static const char *const type[] = { "pld", "pli", "pst" };
    unsigned op = dis_bits(d, 0, 5);

    if (op >> 3 == 3 || (op >> 1 & 3) == 3) {
        text_add(d->out, "#0x%02x", op);
    } else {
        text_add(d->out, "%sl%u%s", type[op >> 3], (op >> 1 & 3) + 1, op & 1 ? "strm" : "keep");
    }
}

static void write_ar(const struct dis *d)
{
    text_add(d->out, "%s%s", field(d, "A") ? "a" : "", field(d, "R") ? "l" : "");
}

/* Who does the reads and writes, and which of them are non-temporal. */
static void write_mops(const struct dis *d)
{
    static const char *const user[] = { "", "wt", "rt", "t" };
    static const char *const stream[] = { "", "wn", "rn", "n" };

    text_add(d->out, "%s%s", user[dis_bits(d, 12, 2)], stream[dis_bits(d, 14, 2)]);
}

static void write_mops_set(const struct dis *d)
{
    text_add(d->out, "%s%s", dis_bits(d, 12, 1) ? "t" : "", dis_bits(d, 13, 1) ? "n" : "");
}

static void write_ws1(const struct dis *d)
{
    general(d, dis_bits(d, 16, 5) + 1, false, false);
}

static void write_wt1(const struct dis *d)
{
    general(d, dis_bits(d, 0, 5) + 1, false, false);
}

static void write_xs1(const struct dis *d)
{
    general(d, dis_bits(d, 16, 5) + 1, true, false);
}

static void write_xt1(const struct dis *d)
{
    general(d, dis_bits(d, 0, 5) + 1, true, false);
}

/* ---- System ---------------------------------------------------------------------------------- */

static void write_sysreg(const struct dis *d)
{
    const char *name = sysreg_name(SYSREG_OF_INSN(d->word));

    if (name != NULL) {
        for (; *name != 0; name++) {
            text_add(d->out, "%c", *name >= 'A' && *name <= 'Z' ? *name - 'A' + 'a' : *name);
        }
    } else {
        text_add(d->out, "s%u_%u_c%u_c%u_%u", dis_bits(d, 19, 2), dis_bits(d, 16, 3),
                 dis_bits(d, 12, 4), dis_bits(d, 8, 4), dis_bits(d, 5, 3));
    }
}

static void write_sys(const struct dis *d)
{
    text_add(d->out, "#%u, c%u, c%u, #%u", dis_bits(d, 16, 3), dis_bits(d, 12, 4),
             dis_bits(d, 8, 4), dis_bits(d, 5, 3));
}

/* ", xt" of SYS, left out for XZR. */
static void write_sys_rt(const struct dis *d)
{
    if (dis_bits(d, 0, 5) != 31) {
        text_add(d->out, ", x%u", dis_bits(d, 0, 5));
    }
}

static void write_barrier(const struct dis *d)
{
    static const char *const name[] = { NULL,    "oshld", "oshst", "osh",   NULL,    "nshld",
                                        "nshst", "nsh",   NULL,    "ishld", "ishst", "ish",
                                        NULL,    "ld",    "st",    "sy" };
    unsigned option = dis_bits(d, 8, 4);

    if (name[option] != NULL) {
        text_add(d->out, "%s", name[option]);
    } else {
        text_add(d->out, "#0x%02x", option);
    }
}

static void write_pstate(const struct dis *d)
{
    static const struct {
        unsigned op1, op2;
        const char *name;
    } row[] = { { 0, 3, "uao" }, { 0, 4, "pan" }, { 0, 5, "spsel" },   { 3, 1, "ssbs" },
                { 3, 2, "dit" }, { 3, 4, "tco" }, { 3, 6, "daifset" }, { 3, 7, "daifclr" } };

    for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
        if (row[i].op1 == dis_bits(d, 16, 3) && row[i].op2 == dis_bits(d, 5, 3)) {
            text_add(d->out, "%s", row[i].name);
            return;
        }
    }
    text_add(d->out, "s0_%u_c4_c%u_%u", dis_bits(d, 16, 3), dis_bits(d, 8, 4), dis_bits(d, 5, 3));
}

static void write_imm16_hex(const struct dis *d)
{
    text_add(d->out, "#0x%x", dis_bits(d, 5, 16));
}

/* Fraction bits of a conversion between floating and fixed point. */
static void write_fbits(const struct dis *d)
{
    text_add(d->out, "#%u", 64 - dis_bits(d, 10, 6));
}

/* ---- The engine ------------------------------------------------------------------------------ */

static const struct dis_formatter base_formatters[] = {
    { "adr", write_adr },
    { "imm12_sh", write_imm12_sh },
    { "bitmask", write_bitmask },
    { "imm16_hw", write_imm16_hw },
    { "mov_imm", write_mov_imm },
    { "shift", write_shift },
    { "extend", write_extend },
    { "cond", write_cond },
    { "cond_inv", write_cond_inverted },
    { "lsl_amount", write_lsl_amount },
    { "bf_lsb", write_bf_lsb },
    { "bf_width", write_bf_width },
    { "bfx_width", write_bfx_width },
    { "label", write_label },
    { "label19", write_label },
    { "tbit", write_tbit },
    { "uoff12", write_uoff12 },
    { "simm9", write_simm9 },
    { "soff9", write_soff9 },
    { "soff10", write_soff10 },
    { "simm7", write_simm7 },
    { "off7", write_off7 },
    { "regoff", write_regoff },
    { "prfop", write_prfop },
    { "ar", write_ar },
    { "mops", write_mops },
    { "mops_set", write_mops_set },
    { "ws1", write_ws1 },
    { "wt1", write_wt1 },
    { "xs1", write_xs1 },
    { "xt1", write_xt1 },
    { "sysreg", write_sysreg },
    { "sys", write_sys },
    { "sys_rt", write_sys_rt },
    { "barrier", write_barrier },
    { "pstate", write_pstate },
    { "imm16_hex", write_imm16_hex },
    { "fbits", write_fbits },
    { NULL, NULL },
};

/* False if no formatter has this name. */
static bool call_formatter(const struct dis *d, const char *name)
{
    const struct dis_formatter *const list[] = { base_formatters, dis_simd_formatters };

    for (unsigned l = 0; l < ARRAY_SIZE(list); l++) {
        for (const struct dis_formatter *f = list[l]; f->name != NULL; f++) {
            if (str_eq(f->name, name)) {
                f->write(d);
                return true;
            }
        }
    }
    return false;
}

/* One operand: kind is the letter after %, name what stands in braces. */
static void operand(const struct dis *d, char kind, const char *name)
{
    switch (kind) {
    case 'r': general(d, field(d, name), wide(d), false); break;
    case 'R': general(d, field(d, name), wide(d), true); break;
    case 'w': general(d, field(d, name), false, false); break;
    case 'W': general(d, field(d, name), false, true); break;
    case 'x': general(d, field(d, name), true, false); break;
    case 'X': general(d, field(d, name), true, true); break;
    case 'i': text_add(d->out, "#%u", field(d, name)); break;
    case 'n': text_add(d->out, "%u", field(d, name)); break;
    case '?':
        if (!call_formatter(d, name)) {
            text_add(d->out, "<%s>", name);
        }
        break;
    default: text_add(d->out, "%c%u", kind, field(d, name)); break; /* b h s d q v */
    }
}

/* Writes a template; the first space becomes the gap between mnemonic and operands. */
static void expand(const struct dis *d, const char *template)
{
    char name[16];
    bool gap = false;

    for (const char *p = template; *p != 0; p++) {
        if (*p == '%' && p[1] != 0 && p[2] == '{') {
            char kind = p[1];
            size_t n = 0;
            for (p += 3; *p != '}' && *p != 0 && n + 1 < sizeof(name); p++) {
                name[n++] = *p;
            }
            name[n] = 0;
            operand(d, kind, name);
        } else if (*p == ' ' && !gap) {
            gap = true;
            text_add(d->out, " ");
            while (d->out->len < 8) {
                text_add(d->out, " ");
            }
        } else {
            text_add(d->out, "%c", *p);
        }
    }
}

size_t a64_disasm(const struct a64_table *table, uint32_t word, uint64_t pc, char *buf, size_t size)
{
    struct text out;
    struct dis d = { table, a64_decode(table, word), word, pc, &out };

    text_init(&out, buf, size);
    if (d.row == NULL) {
        text_add(&out, ".inst   0x%08x", word);
        return out.len;
    }
    const char *alias = dis_alias(&d);
    const char *mnemonic = dis_mnemonic(&d);
    const char *template = alias != NULL ? alias : d.row->assembler;
    if (mnemonic != NULL) {
        text_add(&out, "%s", mnemonic);
        while (*template != ' ') {
            template ++;
        }
    }
    expand(&d, template);
    return out.len;
}
