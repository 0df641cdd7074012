/*
 * diff.h - what the tester's own files share: insn_diff.c (options, rows, the whole run), cases.c (making a case, running
 * it everywhere), report.c (comparing and printing).
 */
#ifndef INSN_DIFF_H
#define INSN_DIFF_H

#include <stdio.h>

#include "generate.h"
#include "sides.h"

enum oracle {
    ORACLE_NONE,
    ORACLE_VIXL = 1,
    ORACLE_AGENT = 2,
    ORACLE_TRANSLATOR = 4,
    ORACLE_UNICORN = 8,
};

struct diff {
    FILE *out; /* VIXL prints on stdout whatever it refuses */
    const struct a64_table *table;
    struct random rng;
    bool verbose;
    uint8_t pristine[INSN_DATA_SIZE];
    bool executed[A64_INSN_COUNT]; /* by our CPU and by an oracle */
    struct insn_agent_shm *shm;    /* NULL: no agent              */
    bool unicorn;                  /* it is there                 */
    unsigned levels;               /* of the translator           */
    struct totals {
        uint64_t translated, vixl, agent, unicorn, appeals, overruled, skipped, undefined,
            differences;
        uint64_t rows, failing_rows, bare_rows;
    } totals;
    unsigned row_fails, row_overruled;
};

extern struct diff diff;

/* A case that has been run twice. Memory: size bytes from offset at of the buffer, of those rows that use it. */
struct outcome_pair {
    uint32_t word;
    const struct insn_state *before, *ours, *theirs;
    const uint8_t *our_data, *their_data;
    unsigned at, size;
};

/* ---- report.c -------------------------------------------------------------------------------- */

enum verdict { SAME, DIFFERENT, NO_VERDICT };

enum verdict judge(const struct a64_row *row, const struct outcome_pair *p);
/* Judges, counts and prints. */
void compare(const struct a64_row *row, const char *oracle, const struct outcome_pair *p);

/* ---- cases.c --------------------------------------------------------------------------------- */

/* The field of that name, or NULL. */
const struct a64_field *find_field(const struct a64_row *row, const char *name);
/* So many cases of the row against VIXL; where it disagrees, the agent is asked by and by. */
void vixl_cases(const struct a64_row *row, unsigned count);
void agent_cases(const struct a64_row *row, unsigned count);
void unicorn_cases(const struct a64_row *row, unsigned count);
/* Against translated code. */
void translator_cases(const struct a64_row *row, unsigned count);
/* Pairs of instructions that it takes together. */
void fused_cases(unsigned count);
/* Settles what waits for the agent. */
void agent_flush(const struct a64_row *row);

/* ---- insn_diff.c ----------------------------------------------------------------------------- */

/* Which oracles can answer for the row, and which of them are here and asked. */
unsigned judges_of(const struct a64_row *row);
unsigned oracles_of(const struct a64_row *row);
/* Can the oracle not run this word? */
bool is_excused(const struct a64_row *row, uint32_t word, enum oracle oracle);

/* ---- coverage.c ------------------------------------------------------------------------------ */

void print_coverage(FILE *out);
/* Is that what the file has? Else prints what to do. */
bool coverage_is(const char *path);

#endif
