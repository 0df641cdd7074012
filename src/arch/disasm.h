/*
 * disasm.h - what the disassembler's files share.
 */
#ifndef ARCH_DISASM_H
#define ARCH_DISASM_H

#include "arch/a64_private.h"
#include "base/bits.h"
#include "base/compiler.h"
#include "base/fmt.h"

/* One instruction being written. */
struct dis {
    const struct a64_table *table;
    const struct a64_row *row;
    uint32_t word;
    uint64_t pc;
    struct text *out;
};

/* A formatter named in an assembler template as %?{name}. */
struct dis_formatter {
    const char *name;
    void (*write)(const struct dis *d);
};

/* Formatters of Advanced SIMD rows; ended by name NULL. */
extern const struct dis_formatter dis_simd_formatters[];

/* The alias that Arm prefers for this word, as a template, or NULL. */
const char *dis_alias(const struct dis *d);

/* The mnemonic that Arm prefers over the row's for the same operands, or NULL. */
const char *dis_mnemonic(const struct dis *d);

/* Bits of the word. */
static inline unsigned dis_bits(const struct dis *d, unsigned lo, unsigned len)
{
    return (unsigned)bits(d->word, lo, len);
}

#endif
