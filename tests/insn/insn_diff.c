/*
 * insn_diff.c - every instruction of the A64 table on our CPU and on an oracle, with random fields
 * and nasty values.
 *
 *   insn_diff [--row PATTERN]... [--count N | --total N] [--seed S] [--oracle auto|vixl|agent] [-v]
 *
 * See README.md here. Exit status: 0 all equal and every row executed, 1 if not, 2 usage, 77 nothing
 * to compare with.
 */
#define _GNU_SOURCE
#include <fnmatch.h>
#include <getopt.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "generate.h"
#include "sides.h"

#define ROWS_MAX      64
#define EXCUSES_MAX   64
#define CASES_VIXL    2000
#define FAILS_PRINTED 3

enum oracle { ORACLE_NONE, ORACLE_VIXL = 1, ORACLE_AGENT = 2 };

static struct options {
    const char *row[ROWS_MAX];
    unsigned row_count;
    unsigned count, total;
    uint64_t seed;
    unsigned oracles; /* enum oracle, or'ed */
    bool verbose, list, features;
    const char *agent, *qemu;
    const char *lists; /* directory of not_vixl.txt and not_agent.txt */
} options = {
    .oracles = ORACLE_VIXL | ORACLE_AGENT,
#ifdef INSN_AGENT
    .agent = INSN_AGENT,
#endif
#ifdef INSN_QEMU
    .qemu = INSN_QEMU,
#endif
#ifdef INSN_LISTS
    .lists = INSN_LISTS,
#else
    .lists = ".",
#endif
};

static FILE *out; /* VIXL prints on stdout whatever it refuses */
static const struct a64_table *table;
static struct random rng;
static uint8_t pristine[INSN_DATA_SIZE];
static uint8_t excused[A64_INSN_COUNT + 1]; /* enum oracle, or'ed: cannot run the row */
static bool executed[A64_INSN_COUNT];       /* by our CPU and by an oracle */

/* Words of a row that an oracle cannot run: those whose field has the value. */
static struct excuse {
    unsigned row;
    enum oracle oracle;
    const struct a64_field *field;
    uint32_t value;
} excuses[EXCUSES_MAX];
static unsigned excuse_count;

static struct insn_agent_shm *shm;

/* What our CPU made of the cases that wait for the agent. */
static struct insn_state queued_before[INSN_BATCH], queued_after[INSN_BATCH];
static uint8_t queued_data[INSN_BATCH][INSN_DATA_SIZE];

static struct totals {
    uint64_t vixl, agent, overruled, skipped, undefined, differences, rows, failing_rows, bare_rows;
} totals;
static unsigned row_fails, row_overruled;

/* ---- Data buffer ----------------------------------------------------------------------------- */

static uint8_t *data(void)
{
    return (uint8_t *)(uintptr_t)INSN_DATA_VA;
}

static void data_reset(const struct a64_row *row)
{
    if (row->flags & A64_MEM) {
        memcpy(data(), pristine, INSN_DATA_SIZE);
    }
}

static void map(uint64_t va, size_t size)
{
    void *p = mmap((void *)(uintptr_t)va, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    if (p != (void *)(uintptr_t)va) {
        perror("insn_diff: the test's addresses are not free");
        exit(2);
    }
}

/* ---- Report ---------------------------------------------------------------------------------- */

static void print_difference(const char *name, uint64_t before, uint64_t ours, uint64_t theirs)
{
    if (ours != theirs) {
        fprintf(out, "    %-7s was %016" PRIx64 "  ours %016" PRIx64 "  oracle %016" PRIx64 "\n",
                name, before, ours, theirs);
    }
}

static void print_vector(unsigned r, const uint64_t b[2], const uint64_t o[2], const uint64_t t[2])
{
    if (memcmp(o, t, 16) != 0) {
        fprintf(out, "    v%-6u was %016" PRIx64 "_%016" PRIx64 "\n", r, b[1], b[0]);
        fprintf(out, "           ours %016" PRIx64 "_%016" PRIx64 "\n", o[1], o[0]);
        fprintf(out, "         oracle %016" PRIx64 "_%016" PRIx64 "\n", t[1], t[0]);
    }
}

static void print_data(const uint8_t *ours, const uint8_t *theirs)
{
    unsigned shown = 0;

    for (unsigned i = 0; i < INSN_DATA_SIZE && shown < 16; i++) {
        if (ours[i] != theirs[i]) {
            fprintf(out, "    [%" PRIx64 "] was %02x ours %02x oracle %02x\n",
                    (uint64_t)INSN_DATA_VA + i, pristine[i], ours[i], theirs[i]);
            shown++;
        }
    }
}

/* The registers that the instruction names, as they were. */
static void print_inputs(const struct a64_row *row, uint32_t word, const struct insn_state *s)
{
    unsigned n;
    const struct a64_field *f = a64_fields(table, row->index, &n);

    fprintf(out, "    in: nzcv %x fpcr %08x fpsr %08x pc %" PRIx64 "\n", s->nzcv >> 28, s->fpcr,
            s->fpsr, s->pc);
    for (unsigned i = 0; i < n; i++) {
        unsigned v = (unsigned)bits(word, f[i].lo, f[i].len);

        if (f[i].name[0] != 'R' || f[i].len != 5) {
            fprintf(out, "    in: %s = %u\n", f[i].name, v);
            continue;
        }
        fprintf(out, "    in: %-4s x%-2u %016" PRIx64, f[i].name, v, v == 31 ? s->sp : s->x[v]);
        if (row->flags & A64_FP) {
            fprintf(out, "   v%-2u %016" PRIx64 "_%016" PRIx64, v, s->v[v][1], s->v[v][0]);
        }
        fprintf(out, "\n");
    }
}

static void report(const struct a64_row *row, uint32_t word, const char *oracle,
                   const struct insn_state *before, const struct insn_state *ours,
                   const struct insn_state *theirs, const uint8_t *our_data,
                   const uint8_t *their_data)
{
    static const char *const outcome[] = { "ran", "undefined", "fault", "crashed" };
    char text[128], name[8];

    totals.differences++;
    if (row_fails++ >= FAILS_PRINTED && !options.verbose) {
        return;
    }
    vixl_disassemble(word, INSN_CODE_VA, text, sizeof text);
    fprintf(out, "%s: %08x %s   [differs from %s]\n", row->name, word, text, oracle);
    print_inputs(row, word, before);
    if (ours->outcome != theirs->outcome) {
        fprintf(out, "    outcome ours %s, oracle %s\n", outcome[ours->outcome],
                outcome[theirs->outcome]);
        return;
    }
    for (unsigned r = 0; r < 31; r++) {
        snprintf(name, sizeof name, "x%u", r);
        print_difference(name, before->x[r], ours->x[r], theirs->x[r]);
    }
    print_difference("sp", before->sp, ours->sp, theirs->sp);
    print_difference("pc", before->pc, ours->pc, theirs->pc);
    print_difference("nzcv", before->nzcv, ours->nzcv, theirs->nzcv);
    print_difference("fpsr", before->fpsr, ours->fpsr, theirs->fpsr);
    print_difference("fpcr", before->fpcr, ours->fpcr, theirs->fpcr);
    for (unsigned r = 0; r < 32; r++) {
        print_vector(r, before->v[r], ours->v[r], theirs->v[r]);
    }
    if (row->flags & A64_MEM) {
        print_data(our_data, their_data);
    }
}

/* ---- Comparison ------------------------------------------------------------------------------ */

enum verdict { SAME, DIFFERENT, NO_VERDICT };

static enum verdict judge(const struct a64_row *row, const struct insn_state *ours,
                          const struct insn_state *theirs, const uint8_t *our_data,
                          const uint8_t *their_data)
{
    if (ours->outcome != theirs->outcome) {
        /* An SBO or SBZ bit that is not as it should be: an oracle may say UNDEFINED. */
        return theirs->outcome == INSN_UNDEFINED && generate_has_ignored(table, row) ? NO_VERDICT
                                                                                     : DIFFERENT;
    }
    if (ours->outcome != INSN_RAN) {
        totals.undefined++;
        return SAME;
    }
    if (memcmp(ours, theirs, sizeof *ours) == 0 &&
        (!(row->flags & A64_MEM) || memcmp(our_data, their_data, INSN_DATA_SIZE) == 0)) {
        return SAME;
    }
    return DIFFERENT;
}

/* One case in a party's hands and what it made of it. */
static void compare(const struct a64_row *row, uint32_t word, const char *oracle,
                    const struct insn_state *before, const struct insn_state *ours,
                    const struct insn_state *theirs, const uint8_t *our_data,
                    const uint8_t *their_data)
{
    switch (judge(row, ours, theirs, our_data, their_data)) {
    case SAME: break;
    case NO_VERDICT: totals.skipped++; break;
    case DIFFERENT: report(row, word, oracle, before, ours, theirs, our_data, their_data); break;
    }
}

/* ---- Memory operands ------------------------------------------------------------------------- */

static const struct a64_field *find_field(const struct a64_row *row, const char *name)
{
    unsigned n;
    const struct a64_field *f = a64_fields(table, row->index, &n);

    for (; n > 0; n--, f++) {
        if (strcmp(f->name, name) == 0) {
            return f;
        }
    }
    return NULL;
}

/* An address in the buffer for an access: page crossings, ends and misalignment are all frequent.
 */
static uint64_t random_address(const struct soft_access *access)
{
    unsigned at;

    switch (random_below(&rng, 4)) {
    case 0: at = 4096 - random_below(&rng, 72); break;
    case 1: at = INSN_DATA_SIZE - access->size - random_below(&rng, 72); break;
    case 2: at = random_below(&rng, 72); break;
    default: at = random_below(&rng, INSN_DATA_SIZE - access->size); break;
    }
    if (access->aligned) {
        at &= ~(access->size - 1);
    } else if (random_below(&rng, 2) != 0) {
        at &= ~15u;
    }
    return INSN_DATA_VA + at;
}

/*
 * The first run faulted at an address that only the instruction's own arithmetic knows; the base is
 * moved by what is missing. False if the row has no base that could be moved.
 */
static bool aim(const struct a64_row *row, uint32_t *word, struct insn_state *s)
{
    struct soft_access access = soft_fault();
    const struct a64_field *rn = find_field(row, "Rn"), *imm19 = find_field(row, "imm19");
    uint64_t want = random_address(&access);

    if (rn != NULL) {
        unsigned r = (unsigned)bits(*word, rn->lo, 5);

        if (r == 31) {
            s->sp = (s->sp + (want - access.va)) & ~15ull;
        } else {
            s->x[r] += want - access.va;
        }
        return true;
    }
    if (imm19 != NULL) {
        int64_t distance = (int64_t)(want - s->pc) / 4;

        *word = (uint32_t)bits_set(*word, imm19->lo, 19, (uint64_t)distance);
        return true;
    }
    return false;
}

/* Runs the case without TLB until it hits the buffer; then with. The two must agree. */
static bool run_memory_case(const struct a64_row *row, uint32_t *word, struct insn_state *before,
                            struct insn_state *after)
{
    static uint8_t slow_data[INSN_DATA_SIZE];
    struct insn_state slow;

    for (unsigned tries = 0;; tries++) {
        data_reset(row);
        slow = *before;
        soft_run(&slow, *word, SOFT_MEM_SLOW, false);
        if (slow.outcome != INSN_FAULT) {
            break;
        }
        if (tries == 3 || !aim(row, word, before)) {
            return false;
        }
    }
    memcpy(slow_data, data(), INSN_DATA_SIZE);
    data_reset(row);
    *after = *before;
    soft_run(after, *word, SOFT_MEM_FAST, false);
    if (after->outcome == INSN_RAN || slow.outcome == INSN_RAN) {
        compare(row, *word, "our slow path", before, after, &slow, data(), slow_data);
    }
    return true;
}

static bool is_excused(const struct a64_row *row, uint32_t word, enum oracle oracle)
{
    for (unsigned i = 0; i < excuse_count; i++) {
        const struct excuse *e = &excuses[i];

        if (e->row == row->index && e->oracle == oracle &&
            bits(word, e->field->lo, e->field->len) == e->value) {
            return true;
        }
    }
    return (excused[row->index] & oracle) != 0;
}

/* ---- Cases ----------------------------------------------------------------------------------- */

/* A random case of the row, run on our CPU. False: it could not be aimed at the buffer. */
static bool run_ours(const struct a64_row *row, enum generate_fpcr fpcr, uint32_t *word,
                     struct insn_state *before, struct insn_state *after)
{
    generate_state(&rng, fpcr, before);
    if (row->flags & A64_BRANCH) {
        before->pc = INSN_CODE_VA + 4 * random_below(&rng, 1024); /* not for the agent: any slot */
    }
    if (!generate_word(&rng, table, row, word)) {
        return false;
    }
    if (row->flags & A64_MEM) {
        return run_memory_case(row, word, before, after);
    }
    *after = *before;
    soft_run(after, *word, SOFT_MEM_FAST, random_below(&rng, 4) == 0);
    return true;
}

static struct insn_agent_case agent_input(const struct a64_row *row, uint32_t word,
                                          const struct insn_state *before)
{
    return (struct insn_agent_case){ .state = *before,
                                     .word = word,
                                     .memory = (row->flags & A64_MEM) != 0 };
}

static void agent_batch(const struct a64_row *row)
{
    memcpy(shm->pristine, pristine, INSN_DATA_SIZE);
    if (!agent_run()) {
        fprintf(out, "%s: the agent died\n", row->name);
        exit(1);
    }
}

static void note_executed(const struct a64_row *row, const struct insn_state *ours,
                          const struct insn_state *theirs)
{
    if (ours->outcome == INSN_RAN && theirs->outcome == INSN_RAN) {
        executed[row->index] = true;
    }
}

static void agent_flush(const struct a64_row *row)
{
    if (shm->count != 0) {
        agent_batch(row);
    }
    for (unsigned i = 0; i < shm->count; i++) {
        struct insn_state *theirs = &shm->cases[i].state;

        totals.agent++;
        note_executed(row, &queued_after[i], theirs);
        compare(row, shm->cases[i].word, "agent", &queued_before[i], &queued_after[i], theirs,
                queued_data[i], shm->data[i]);
    }
    shm->count = 0;
}

static void agent_case(const struct a64_row *row)
{
    unsigned i = shm->count;
    uint32_t word;

    if (!run_ours(row, FPCR_ANY, &word, &queued_before[i], &queued_after[i]) ||
        is_excused(row, word, ORACLE_AGENT)) {
        totals.skipped++;
        return;
    }
    if (row->flags & A64_MEM) {
        memcpy(queued_data[i], data(), INSN_DATA_SIZE);
    }
    shm->cases[i] = agent_input(row, word, &queued_before[i]);
    if (++shm->count == INSN_BATCH) {
        agent_flush(row);
    }
}

/* VIXL disagrees with us. If there is a third opinion, it decides. */
static void appeal(const struct a64_row *row, uint32_t word, const struct insn_state *before,
                   const struct insn_state *ours, const struct insn_state *theirs,
                   const uint8_t *our_data, const uint8_t *their_data)
{
    const char *oracle = "vixl";

    if (shm != NULL && (row->flags & A64_BRANCH) == 0 && !is_excused(row, word, ORACLE_AGENT)) {
        shm->count = 1;
        shm->cases[0] = agent_input(row, word, before);
        agent_batch(row);
        shm->count = 0;
        theirs = &shm->cases[0].state;
        their_data = shm->data[0];
        oracle = "vixl, and from the agent";
        if (judge(row, ours, theirs, our_data, their_data) == SAME) {
            totals.overruled++;
            row_overruled++;
            return;
        }
    }
    compare(row, word, oracle, before, ours, theirs, our_data, their_data);
}

static void vixl_case(const struct a64_row *row)
{
    static uint8_t our_data[INSN_DATA_SIZE];
    struct insn_state before, ours, theirs;
    uint32_t word;

    if (!run_ours(row, FPCR_ZERO_OR_DN, &word, &before, &ours) ||
        is_excused(row, word, ORACLE_VIXL)) {
        totals.skipped++;
        return;
    }
    if (row->flags & A64_MEM) {
        memcpy(our_data, data(), INSN_DATA_SIZE);
        data_reset(row);
    }
    theirs = before;
    vixl_run(&theirs, word);
    totals.vixl++;
    note_executed(row, &ours, &theirs);
    theirs.fpsr = ours.fpsr;              /* not modelled there */
    theirs.pc |= ours.pc & 0xffull << 56; /* removed there, as with TBI */
    if (judge(row, &ours, &theirs, our_data, data()) != SAME) {
        appeal(row, word, &before, &ours, &theirs, our_data, data());
    }
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* The row is left out: the guests and the unit tests of the engine run system instructions. */
static bool is_system(const struct a64_row *row)
{
    return (row->flags & A64_SYS) != 0;
}

/* Which oracles answer for the row. */
static unsigned oracles_of(const struct a64_row *row)
{
    unsigned can = ORACLE_VIXL | ORACLE_AGENT;

    if (is_system(row)) {
        return ORACLE_NONE;
    }
    if ((row->flags & A64_BRANCH) != 0 || shm == NULL) {
        can &= ~(unsigned)ORACLE_AGENT;
    }
    return can & ~excused[row->index] & options.oracles;
}

static void run_row(const struct a64_row *row, unsigned count)
{
    unsigned oracles = oracles_of(row);

    if (oracles == ORACLE_NONE) {
        if (!is_system(row)) {
            totals.bare_rows++;
            fprintf(out, "%s: no oracle here\n", row->name);
        }
        return;
    }
    row_fails = row_overruled = 0;
    if (oracles & ORACLE_VIXL) {
        for (unsigned i = 0; i < count; i++) {
            vixl_case(row);
        }
    }
    if (oracles & ORACLE_AGENT) {
        /* A case costs ten times as much there: a part of them, more where it is the judge of FPSR
         * and FPCR. */
        bool main_judge = !(oracles & ORACLE_VIXL) || (row->flags & (A64_FP | A64_MEM)) == A64_FP;
        unsigned n = options.count != 0 ? count : count / (main_judge ? 4 : 20) + INSN_BATCH;

        for (unsigned i = 0; i < n; i++) {
            agent_case(row);
        }
        agent_flush(row);
    }
    totals.rows++;
    totals.failing_rows += row_fails != 0;
    if (row_fails != 0 || options.verbose) {
        fprintf(out, "%-16s %s: %u differences, %u mistakes of VIXL\n", row->name,
                row_fails != 0 ? "FAIL" : "ok", row_fails, row_overruled);
    }
}

static bool selected(const struct a64_row *row)
{
    for (unsigned i = 0; i < options.row_count; i++) {
        if (fnmatch(options.row[i], row->name, 0) == 0) {
            return true;
        }
    }
    return options.row_count == 0;
}

/*
 * The last check: every selected row has been executed on our CPU and on an oracle, or the lists
 * say for both oracles why it cannot be. False if there is one that was not. A run in which an
 * oracle is missing proves nothing of the kind, and says so only.
 */
static bool report_rows(void)
{
    unsigned rows = 0, hit = 0, listed = 0, system = 0;
    bool complete = shm != NULL && options.oracles == (ORACLE_VIXL | ORACLE_AGENT);

    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        const struct a64_row *row = a64_row(table, i);

        if (!selected(row)) {
            continue;
        }
        if (is_system(row)) {
            system++;
        } else if (excused[i] == (ORACLE_VIXL | ORACLE_AGENT)) {
            listed++;
        } else {
            rows++;
            hit += executed[i];
            if (!executed[i]) {
                fprintf(out, "%s: never executed\n", row->name);
            }
        }
    }
    fprintf(out, "rows: %u of %u hit, listed exceptions: %u, system rows left out: %u%s\n", hit,
            rows, listed, system, complete ? "" : " (an oracle is missing)");
    return hit == rows || !complete;
}

/* The features in Markdown: instructions, how many of them each oracle judges, other tests. docs/cpu.md is this. */
static void print_features(void)
{
    static const char *const text[][4] = {
#define FEATURE(name, option, what, tests) { #name, option, what, tests },
#include "arch/a64_features.def"
#undef FEATURE
    };

    fprintf(out, "| feature | what | rows | VIXL | QEMU | system rows | other tests |\n"
                 "| --- | --- | ---: | ---: | ---: | ---: | --- |\n");
    for (unsigned f = 0; f < A64_FEAT_COUNT; f++) {
        unsigned rows = 0, vixl = 0, agent = 0, system = 0;
        for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
            const struct a64_row *row = a64_row(table, i);
            if (row->feat == f) {
                rows++;
                system += is_system(row);
                vixl += (oracles_of(row) & ORACLE_VIXL) != 0;
                agent += (oracles_of(row) & ORACLE_AGENT) != 0;
            }
        }
        fprintf(out, "| %s | %s | %u | %u | %u | %u | %s |\n", text[f][0], text[f][2], rows, vixl,
                agent, system, text[f][3]);
    }
}

static void add_excuse(const struct a64_row *row, const char *field, unsigned value,
                       enum oracle oracle)
{
    const struct a64_field *f = find_field(row, field);

    if (f == NULL || excuse_count == EXCUSES_MAX) {
        fprintf(stderr, "insn_diff: cannot excuse %s %s=%u\n", row->name, field, value);
        exit(2);
    }
    excuses[excuse_count++] = (struct excuse){ row->index, oracle, f, value };
}

/* Lines "ROW [FIELD=VALUE] reason": what an oracle cannot run. `#` begins a comment. */
static void read_excuses(const char *file, enum oracle oracle)
{
    char path[4096], line[512], name[64], field[8];
    unsigned value;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", options.lists, file);
    f = fopen(path, "r");
    if (f == NULL) {
        perror(path);
        exit(2);
    }
    while (fgets(line, sizeof line, f) != NULL) {
        bool one_value = sscanf(line, "%63s %7[^= ]=%u", name, field, &value) == 3;

        if (sscanf(line, "%63s", name) != 1 || name[0] == '#') {
            continue;
        }
        for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
            if (fnmatch(name, a64_row(table, i)->name, 0) != 0) {
                continue;
            }
            if (one_value) {
                add_excuse(a64_row(table, i), field, value, oracle);
            } else {
                excused[i] |= (uint8_t)oracle;
            }
        }
    }
    fclose(f);
}

/* ---- Start ----------------------------------------------------------------------------------- */

static const struct option long_options[] = {
    { "row", required_argument, NULL, 'r' },
    { "count", required_argument, NULL, 'n' },
    { "total", required_argument, NULL, 't' },
    { "seed", required_argument, NULL, 's' },
    { "oracle", required_argument, NULL, 'o' },
    { "agent", required_argument, NULL, 'a' },
    { "qemu", required_argument, NULL, 'q' },
    { "lists", required_argument, NULL, 'l' },
    { "verbose", no_argument, NULL, 'v' },
    { "features", no_argument, NULL, 'f' },
    { 0 },
};

static unsigned parse_oracle(const char *name)
{
    if (strcmp(name, "vixl") == 0) {
        return ORACLE_VIXL;
    }
    return strcmp(name, "agent") == 0 ? ORACLE_AGENT : ORACLE_VIXL | ORACLE_AGENT;
}

static bool parse_options(int argc, char **argv)
{
    int c;

    options.seed = (uint64_t)time(NULL);
    while ((c = getopt_long(argc, argv, "v", long_options, NULL)) != -1) {
        switch (c) {
        case 'r':
            if (options.row_count == ROWS_MAX) {
                return false;
            }
            options.row[options.row_count++] = optarg;
            break;
        case 'n': options.count = (unsigned)strtoul(optarg, NULL, 0); break;
        case 't': options.total = (unsigned)strtoul(optarg, NULL, 0); break;
        case 's': options.seed = strtoull(optarg, NULL, 0); break;
        case 'o': options.oracles = parse_oracle(optarg); break;
        case 'a': options.agent = optarg; break;
        case 'q': options.qemu = optarg; break;
        case 'l': options.lists = optarg; break;
        case 'v': options.verbose = true; break;
        case 'f': options.features = true; break;
        default: return false;
        }
    }
    return optind == argc;
}

static void init(void)
{
    struct a64_table *t = calloc(1, a64_table_size());
    const char *error = a64_init(t);

    if (error != NULL) {
        fprintf(stderr, "%s\n", error);
        exit(2);
    }
    table = t;
    map(INSN_CODE_VA, 4096);
    map(INSN_DATA_VA, INSN_DATA_SIZE);
    rng.state = (options.seed + 1) * 0x9e3779b97f4a7c15ull | 1;
    for (unsigned i = 0; i < INSN_DATA_SIZE; i += 8) {
        uint64_t v = random_value(&rng);

        memcpy(pristine + i, &v, 8);
    }
    soft_init(table);
    read_excuses("not_vixl.txt", ORACLE_VIXL);
    read_excuses("not_agent.txt", ORACLE_AGENT);
    vixl_init();
    if ((options.oracles & ORACLE_AGENT) && options.agent != NULL) {
        shm = agent_start(options.qemu, options.agent);
        if (shm == NULL) {
            fprintf(out, "the agent does not start: VIXL alone\n");
        }
    }
}

/* The shells' part of base/assert.h. */
void assert_failed(const char *file, int line, const char *expr)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
    abort();
}

int main(int argc, char **argv)
{
    unsigned rows = 0;

    if (!parse_options(argc, argv)) {
        fprintf(stderr, "usage: insn_diff [--row PATTERN]... [--count N | --total N] [--seed S] "
                        "[--oracle auto|vixl|agent] [-v]\n");
        return 2;
    }
    out = fdopen(dup(1), "w");
    if (out == NULL || (!options.verbose && freopen("/dev/null", "w", stdout) == NULL)) {
        return 2;
    }
    init();
    if (options.features) {
        print_features();
        return 0;
    }
    fprintf(out, "seed %" PRIu64 "\n", options.seed);
    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        const struct a64_row *row = a64_row(table, i);

        rows += selected(row) && oracles_of(row) != ORACLE_NONE;
    }
    if (rows == 0) {
        fprintf(out, "no such row, or no oracle for it\n");
        return 77;
    }
    unsigned count = options.count != 0   ? options.count
                     : options.total != 0 ? options.total / rows + 1
                                          : CASES_VIXL;

    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        if (selected(a64_row(table, i))) {
            run_row(a64_row(table, i), count);
        }
    }
    if (shm != NULL) {
        agent_stop();
    }
    fprintf(out,
            "%" PRIu64 " rows: %" PRIu64 " cases against VIXL, %" PRIu64
            " against the agent, %" PRIu64 " of them undefined on both, %" PRIu64
            " skipped, %" PRIu64 " mistakes of VIXL; %" PRIu64 " differences in %" PRIu64
            " rows, %" PRIu64 " rows without an oracle\n",
            totals.rows, totals.vixl, totals.agent, totals.undefined, totals.skipped,
            totals.overruled, totals.differences, totals.failing_rows, totals.bare_rows);
    return !report_rows() || totals.differences != 0;
}
