/*
 * a64.h - the A64 instruction table: decode, describe, disassemble.
 *
 * Every instruction is one row of a64.def (which includes a64_base.def, a64_mem.def, a64_mops.def,
 * a64_sys.def, a64_fp.def and a64_simd.def):
 *
 *   INSN(name, "pattern", FEATURE, flags, lower, "assembler")
 *
 * pattern    bit 31 first; spaces ignored. `0` and `1` are fixed bits, `x` any bit (ignored, SBO or
 *            SBZ). `name:len` is a field of len bits, `name` alone a field of one bit (names begin
 *            with a letter other than x followed by nothing; fields that no operand uses are named
 *            too). `name:len!=V` excludes the value V (decimal) of the field. Exactly 32 bits.
 *            Field names follow the Arm manual: Rd Rn Rm Ra Rt Rt2 Rs imm12 imms immr sh size opc
 * FEATURE    A64_FEAT_<FEATURE>; the row is UNDEFINED on a CPU model without it. BASE is always
 *            there.
 * flags      A64_MEM | A64_BRANCH | A64_FP ...: what kind of instruction it is, or'ed; 0 for plain
 *            ones.
 * lower      name of the software CPU's lowering function for the family: lower_<lower>() in
 *            accel/soft. Many rows share one.
 * assembler  template of Arm's disassembly: the mnemonic, one space, the operands. The preferred
 *            aliases are rows of an alias table beside the disassembler. Operands are literal text
 *            and
 *
 *              %r{F}        general register in field F, width from the row's `sf` field (or fixed
 *                           bit 31); 31 is WZR/XZR
 *              %w{F} %x{F}  the same, width fixed
 *              %R %W %X     the same, 31 is WSP/SP
 *              %b{F} %h{F} %s{F} %d{F} %q{F}  scalar FP register
 *              %v{F}        V register ("v3": the arrangement is literal text)
 *              %i{F}        unsigned immediate of field F as "#5"
 *              %n{F}        the bare number
 *              %?{NAME}     a formatter of the disassembler by name (shifts, bit masks, labels,
 *                           arrangements, addresses)
 *
 * Where two rows both match a word, one pattern must be strictly inside the other; the more
 * specific row wins. A unit test checks every pair.
 */
#ifndef ARCH_A64_H
#define ARCH_A64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum a64_feat {
#define FEATURE(name, option, what, tests) A64_FEAT_##name,
#include "arch/a64_features.def"
#undef FEATURE
    A64_FEAT_COUNT
};

/* Sets of features, a bit per enum a64_feat: with feat and all that it needs; without feat and all that needs it;
 * without whatever lacks something that it needs. */
uint64_t a64_feat_with(uint64_t features, enum a64_feat feat);
uint64_t a64_feat_without(uint64_t features, enum a64_feat feat);
uint64_t a64_feat_settle(uint64_t features);

enum {
    A64_MEM = 1 << 0,    /* reads or writes memory    */
    A64_BRANCH = 1 << 1, /* may change the PC */
    A64_FP = 1 << 2,     /* traps when FP/SIMD access is off (CPACR_EL1.FPEN)     */
    A64_SYS = 1 << 3,    /* system state: excluded from user-level random tests    */
    A64_HINT = 1 << 4,   /* a NOP where its feature is absent   */
    A64_UNPRED =
        1
        << 5, /* has CONSTRAINED UNPREDICTABLE register choices that the random tests must avoid */
    A64_LOAD = 1 << 6,
    A64_STORE = 1 << 7,
};

struct a64_row {
    const char *name;
    const char *pattern;
    const char *assembler;
    uint8_t feat;
    uint16_t flags;
    uint16_t index;       /* of the row in the table; enum a64_insn */
    uint32_t mask, value; /* filled by a64_init from the pattern */
};

/* A64_INSN_ADD_imm ...; the row's index. */
enum a64_insn {
#define INSN(name, pattern, feat, flags, lower, assembler) A64_INSN_##name,
#include "arch/a64.def"
#undef INSN
    A64_INSN_COUNT
};

#define A64_FIELDS 12

/* One named field of a pattern. */
struct a64_field {
    char name[8];
    uint8_t lo, len;
    bool excludes; /* true: value `excluded` does not match the row */
    uint32_t excluded;
};

/* Rows with their patterns parsed, and the buckets that decoding uses. About 300 KB;
 * immutable after a64_init. */
struct a64_table;

/* Bytes that a64_init needs. */
size_t a64_table_size(void);
/*
 * Parses every pattern and builds the buckets in the caller's storage. Returns NULL, or a text
 * naming the first row whose pattern is wrong (a mistake of ours; unit-tested).
 */
const char *a64_init(struct a64_table *table);
/* The most specific row that matches word, or NULL if the word is unallocated
 * (UNDEFINED). Features are not looked at. */
const struct a64_row *a64_decode(const struct a64_table *table, uint32_t word);
/* Row by index < A64_INSN_COUNT; its fields (count returned through n). */
const struct a64_row *a64_row(const struct a64_table *table, unsigned index);
const struct a64_field *a64_fields(const struct a64_table *table, unsigned index, unsigned *n);
/* Value of a named field in word; ASSERTs that the row has it. */
uint32_t a64_field(const struct a64_table *table, const struct a64_row *row, uint32_t word,
                   const char *name);

/*
 * The bit mask that a logical immediate stands for (DDI 0487, "DecodeBitMasks"). False if
 * N:imms:immr is reserved in that width; *imm is then untouched. 32-bit masks are zero-extended.
 */
bool a64_bitmask_imm(bool sf, unsigned n, unsigned imms, unsigned immr, uint64_t *imm);

/*
 * Arm's preferred disassembly of word at pc, e.g. "add     x0, x1, #0x10". Unallocated words give
 * ".inst 0x...". Returns the length as fmt_format does. pc is used for PC-relative targets, printed
 * as absolute addresses.
 */
size_t a64_disasm(const struct a64_table *table, uint32_t word, uint64_t pc, char *buf,
                  size_t size);

#endif
