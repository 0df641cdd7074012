/*
 * a64_private.h - the parsed instruction table, shared by the decoder and the disassembler.
 */
#ifndef ARCH_A64_PRIVATE_H
#define ARCH_A64_PRIVATE_H

#include "arch/a64.h"

/* Rows are found by bits 31:21 of the word; nearly all of an instruction's opcode is there. */
#define A64_BUCKET_SHIFT 21
#define A64_BUCKETS      2048
/* Room for all buckets together: a row is in as many as it has free bits among 31:21. */
#define A64_BUCKET_ROOM 65535

struct a64_table {
    struct a64_row row[A64_INSN_COUNT + 1];
    struct a64_field field[A64_INSN_COUNT + 1][A64_FIELDS];
    uint8_t field_count[A64_INSN_COUNT + 1];
    uint8_t exclude_count[A64_INSN_COUNT + 1]; /* fields of the row with an excluded value       */
    uint16_t bucket[A64_BUCKETS + 1];          /* bucket n is list[bucket[n]] .. [bucket[n + 1]) */
    uint16_t list[A64_BUCKET_ROOM];            /* row numbers, most specific first               */
    char error[96];                            /* what a64_init answers                          */
};

/* The row's field of that name, or NULL. */
const struct a64_field *a64_find_field(const struct a64_table *table, unsigned index,
                                       const char *name);

#endif
