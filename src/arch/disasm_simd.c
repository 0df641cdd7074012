/*
 * disasm_simd.c - formatters of Advanced SIMD operands; each is described at the head of
 * a64_simd.def or a64_mem.def.
 */
#include "arch/disasm.h"

static const char *const full[] = { "16b", "8h", "4s", "2d", "1q" };
static const char *const half[] = { "8b", "4h", "2s", "1d", "1d" };
static const char letter[] = { 'b', 'h', 's', 'd', 'q' };

static bool q(const struct dis *d)
{
    return dis_bits(d, 30, 1) != 0;
}

static unsigned size(const struct dis *d)
{
    return dis_bits(d, 22, 2);
}

/* log2 of the element size in bytes that the highest 1 of immh names. */
static unsigned immh_size(const struct dis *d)
{
    unsigned immh = dis_bits(d, 19, 4);

    return immh >= 8 ? 3 : immh >= 4 ? 2 : immh >= 2 ? 1 : 0;
}

static void arrangement(const struct dis *d, unsigned log2, bool is_full)
{
    text_add(d->out, "%s", (is_full ? full : half)[log2]);
}

static void write_T(const struct dis *d)
{
    arrangement(d, size(d), q(d));
}

static void write_T2(const struct dis *d)
{
    arrangement(d, size(d) + 1, true);
}

static void write_TP(const struct dis *d)
{
    arrangement(d, size(d) + 1, q(d));
}

static void write_TF(const struct dis *d)
{
    arrangement(d, 2 + dis_bits(d, 22, 1), q(d));
}

static void write_TI(const struct dis *d)
{
    arrangement(d, immh_size(d), q(d));
}

static void write_TI2(const struct dis *d)
{
    arrangement(d, immh_size(d) + 1, true);
}

static void write_TB(const struct dis *d)
{
    arrangement(d, 0, q(d));
}

static void write_TH(const struct dis *d)
{
    arrangement(d, 1, q(d));
}

static void write_TS(const struct dis *d)
{
    arrangement(d, 2, q(d));
}

static void write_Q2(const struct dis *d)
{
    text_add(d->out, "%s", q(d) ? "2" : "");
}

static void write_S(const struct dis *d)
{
    text_add(d->out, "%c", letter[size(d)]);
}

static void write_S2(const struct dis *d)
{
    text_add(d->out, "%c", letter[size(d) + 1]);
}

static void write_SF(const struct dis *d)
{
    text_add(d->out, "%c", letter[2 + dis_bits(d, 22, 1)]);
}

static void write_SI(const struct dis *d)
{
    text_add(d->out, "%c", letter[immh_size(d)]);
}

static void write_SHR(const struct dis *d)
{
    text_add(d->out, "#%u", (16u << immh_size(d)) - dis_bits(d, 16, 7));
}

static void write_SHL(const struct dis *d)
{
    text_add(d->out, "#%u", dis_bits(d, 16, 7) - (8u << immh_size(d)));
}

static void element(const struct dis *d, unsigned reg, const char *kind, unsigned index)
{
    text_add(d->out, "v%u.%s[%u]", reg, kind, index);
}

static void write_EH(const struct dis *d)
{
    element(d, dis_bits(d, 16, 4), "h", dis_bits(d, 11, 1) << 2 | dis_bits(d, 20, 2));
}

static void write_ES(const struct dis *d)
{
    element(d, dis_bits(d, 16, 5), "s", dis_bits(d, 11, 1) << 1 | dis_bits(d, 21, 1));
}

static void write_ED(const struct dis *d)
{
    element(d, dis_bits(d, 16, 5), "d", dis_bits(d, 11, 1));
}

static void write_EB(const struct dis *d)
{
    element(d, dis_bits(d, 16, 5), "4b", dis_bits(d, 11, 1) << 1 | dis_bits(d, 21, 1));
}

static void write_EP(const struct dis *d)
{
    element(d, dis_bits(d, 16, 5), "2h", dis_bits(d, 11, 1) << 1 | dis_bits(d, 21, 1));
}

static void write_EC(const struct dis *d)
{
    unsigned h = dis_bits(d, 11, 1);

    if (dis_bits(d, 22, 2) == 1) {
        element(d, dis_bits(d, 16, 5), "h", h << 1 | dis_bits(d, 21, 1));
    } else {
        element(d, dis_bits(d, 16, 5), "s", h);
    }
}

static void write_TQ(const struct dis *d)
{
    text_add(d->out, "%s", q(d) ? "4h" : "2h");
}

static void write_RV(const struct dis *d)
{
    text_add(d->out, "#%u", dis_bits(d, 11, 2) * 90);
}

static void write_RE(const struct dis *d)
{
    text_add(d->out, "#%u", dis_bits(d, 13, 2) * 90);
}

static void write_RA(const struct dis *d)
{
    text_add(d->out, "#%u", dis_bits(d, 12, 1) * 180 + 90);
}

static unsigned imm8(const struct dis *d)
{
    return dis_bits(d, 16, 3) << 5 | dis_bits(d, 5, 5);
}

static void write_I8(const struct dis *d)
{
    text_add(d->out, "#0x%x", imm8(d));
}

static void write_I8S(const struct dis *d)
{
    /* 32-bit forms (cmode<3> = 0) have a 2-bit shift, 16-bit forms a 1-bit one. */
    unsigned amount = 8 * (dis_bits(d, 15, 1) ? dis_bits(d, 13, 1) : dis_bits(d, 13, 2));

    if (amount != 0) {
        text_add(d->out, ", lsl #%u", amount);
    }
}

static void write_I8M(const struct dis *d)
{
    text_add(d->out, ", msl #%u", dis_bits(d, 12, 1) ? 16u : 8u);
}

static void write_I64(const struct dis *d)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 8; i++) {
        value |= imm8(d) >> i & 1 ? 0xffull << (8 * i) : 0;
    }
    text_add(d->out, "#0x%llx", (unsigned long long)value);
}

/*
 * The constant of FMOV: (-1)^a * 2^exp * (16 + efgh) / 16 with exp = NOT(b):cd - 3 (DDI 0487,
 * "VFPExpandImm"). All are exact with nine digits.
 */
static void fp_constant(const struct dis *d, unsigned imm)
{
    int exponent = (int)((imm >> 4 & 7) ^ 4) - 3;
    /* In units of 2^-7: (16 + efgh) * 2^(exponent + 3). */
    unsigned value = (16 + (imm & 15)) << (exponent + 3);
    unsigned fraction = (value & 127) * 78125; /* of 10^7: 1/128 = 0.0078125 */

    text_add(d->out, "#%s%u.%07u0", imm & 0x80 ? "-" : "", value >> 7, fraction);
}

static void write_IF(const struct dis *d)
{
    fp_constant(d, imm8(d));
}

/* The scalar form has its constant in bits 20:13. */
static void write_fpimm8(const struct dis *d)
{
    fp_constant(d, dis_bits(d, 13, 8));
}

/* ---- Register lists -------------------------------------------------------------------------- */

static void list(const struct dis *d, unsigned first, unsigned count, const char *kind)
{
    text_add(d->out, "{");
    for (unsigned i = 0; i < count; i++) {
        text_add(d->out, "%sv%u.%s", i == 0 ? "" : ", ", (first + i) % 32, kind);
    }
    text_add(d->out, "}");
}

static void write_TBL(const struct dis *d)
{
    list(d, dis_bits(d, 5, 5), dis_bits(d, 13, 2) + 1, "16b");
}

static void vlist(const struct dis *d, unsigned count)
{
    list(d, dis_bits(d, 0, 5), count, (q(d) ? full : half)[dis_bits(d, 10, 2)]);
}

static void write_vlist1(const struct dis *d)
{
    vlist(d, 1);
}

static void write_vlist2(const struct dis *d)
{
    vlist(d, 2);
}

static void write_vlist3(const struct dis *d)
{
    vlist(d, 3);
}

static void write_vlist4(const struct dis *d)
{
    vlist(d, 4);
}

/* log2 of the element size and the index of a single structure (opcode[15:14], Q, S,
 * size[11:10]). */
static unsigned lane_size(const struct dis *d, unsigned *index)
{
    unsigned all = dis_bits(d, 30, 1) << 3 | dis_bits(d, 12, 1) << 2 | dis_bits(d, 10, 2);

    switch (dis_bits(d, 14, 2)) {
    case 0: *index = all; return 0;
    case 1: *index = all >> 1; return 1;
    default:
        if (dis_bits(d, 10, 1)) {
            *index = all >> 3;
            return 3;
        }
        *index = all >> 2;
        return 2;
    }
}

static void vlane(const struct dis *d, unsigned count)
{
    unsigned index;
    char kind[2] = { letter[lane_size(d, &index)], 0 };

    list(d, dis_bits(d, 0, 5), count, kind);
    text_add(d->out, "[%u]", index);
}

static void write_vlane1(const struct dis *d)
{
    vlane(d, 1);
}

static void write_vlane2(const struct dis *d)
{
    vlane(d, 2);
}

static void write_vlane3(const struct dis *d)
{
    vlane(d, 3);
}

static void write_vlane4(const struct dis *d)
{
    vlane(d, 4);
}

/* Bytes that a structure access transfers. */
static unsigned transferred(const struct dis *d)
{
    static const uint8_t registers[16] = {
        [0] = 4, [2] = 4, [4] = 3, [6] = 3, [7] = 1, [8] = 2, [10] = 2
    };
    unsigned index;

    if (dis_bits(d, 24, 1) == 0) {
        return registers[dis_bits(d, 12, 4)] * (q(d) ? 16 : 8);
    }
    unsigned count = (dis_bits(d, 13, 1) << 1 | dis_bits(d, 21, 1)) + 1;
    unsigned log2 = dis_bits(d, 14, 2) == 3 ? dis_bits(d, 10, 2) : lane_size(d, &index);
    return count << log2;
}

static void write_vpost(const struct dis *d)
{
    if (dis_bits(d, 16, 5) == 31) {
        text_add(d->out, "#%u", transferred(d));
    } else {
        text_add(d->out, "x%u", dis_bits(d, 16, 5));
    }
}

const struct dis_formatter dis_simd_formatters[] = {
    { "T", write_T },
    { "T2", write_T2 },
    { "TP", write_TP },
    { "TF", write_TF },
    { "TI", write_TI },
    { "TI2", write_TI2 },
    { "TB", write_TB },
    { "TH", write_TH },
    { "TS", write_TS },
    { "Q2", write_Q2 },
    { "S", write_S },
    { "S2", write_S2 },
    { "SF", write_SF },
    { "SI", write_SI },
    { "SHR", write_SHR },
    { "SHL", write_SHL },
    { "EH", write_EH },
    { "ES", write_ES },
    { "ED", write_ED },
    { "EB", write_EB },
    { "EP", write_EP },
    { "EC", write_EC },
    { "TQ", write_TQ },
    { "RV", write_RV },
    { "RE", write_RE },
    { "RA", write_RA },
    { "I8", write_I8 },
    { "I8S", write_I8S },
    { "I8M", write_I8M },
    { "I64", write_I64 },
    { "IF", write_IF },
    { "fpimm8", write_fpimm8 },
    { "TBL", write_TBL },
    { "vlist1", write_vlist1 },
    { "vlist2", write_vlist2 },
    { "vlist3", write_vlist3 },
    { "vlist4", write_vlist4 },
    { "vlane1", write_vlane1 },
    { "vlane2", write_vlane2 },
    { "vlane3", write_vlane3 },
    { "vlane4", write_vlane4 },
    { "vpost", write_vpost },
    { NULL, NULL },
};
