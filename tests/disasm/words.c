/*
 * words.c - random instruction words of every row of the table, and what our disassembler says of
 * them.
 *
 * Usage: words SEED COUNT OUT.s OUT.txt: COUNT words a row; OUT.s has them as .inst directives for
 * an assembler, OUT.txt one line each: word, row, text. compare.py does the rest.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/a64.h"

static uint64_t state;

static uint32_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

/* Random fields, with a liking for the register numbers and zeros that choose aliases. */
static uint32_t random_word(const struct a64_row *row, unsigned i)
{
    static const uint32_t ones[] = { 0, 0x1f, 0x3e0, 0x1f0000, 0x7c00, 0 };
    static const uint32_t zeros[] = { 0, 0xfc00, 0x1ffc00, 0x1f0000, 0, 0 };
    uint32_t word = next();

    word |= ones[i % 6];
    word &= ~zeros[i / 6 % 6];
    return (word & ~row->mask) | row->value;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: words SEED COUNT OUT.s OUT.txt\n");
        return 2;
    }
    struct a64_table *table = calloc(1, a64_table_size());
    const char *error = a64_init(table);
    FILE *source = fopen(argv[3], "w"), *text = fopen(argv[4], "w");
    if (error != NULL || source == NULL || text == NULL) {
        fprintf(stderr, "words: %s\n", error != NULL ? error : "cannot write");
        return 1;
    }
    state = strtoull(argv[1], NULL, 0) * 0x9e3779b97f4a7c15u + 1;
    for (unsigned r = 0; r < A64_INSN_COUNT; r++) {
        const struct a64_row *row = a64_row(table, r);
        for (unsigned i = 0, n = (unsigned)atoi(argv[2]); i < n; i++) {
            char line[160];
            uint32_t word = random_word(row, i);
            if (a64_decode(table, word) != row) {
                continue;
            }
            a64_disasm(table, word, 0, line, sizeof(line));
            fprintf(source, ".inst 0x%08x\n", word);
            fprintf(text, "%08x %s %s\n", word, row->name, line);
        }
    }
    free(table);
    return fclose(source) != 0 || fclose(text) != 0;
}
