/*
 * insn_diff.c - every instruction of the A64 table on our CPU and on an oracle, with random fields
 * and nasty values.
 *
 *   insn_diff [--row PATTERN]... [--count N | --total N] [--seed S] [--oracle auto|vixl|unicorn|agent|translator] [-v]
 *
 * See README.md here. Exit status: 0 all equal and every row executed, 1 if not, 2 usage, 77 nothing
 * to compare with.
 */
#define _GNU_SOURCE
#include <fnmatch.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "diff.h"

#define ROWS_MAX    64
#define EXCUSES_MAX 64
#define CASES_VIXL  2000

static struct options {
    const char *row[ROWS_MAX];
    unsigned row_count;
    unsigned count, total;
    uint64_t seed;
    unsigned oracles;          /* enum oracle, or'ed */
    bool coverage;             /* print it, or compare: */
    const char *coverage_file; /* NULL: print          */
    const char *agent, *qemu;
    const char *lists; /* directory of not_vixl.txt, not_unicorn.txt and not_agent.txt */
} options = {
    .oracles = ORACLE_VIXL | ORACLE_UNICORN | ORACLE_AGENT | ORACLE_TRANSLATOR,
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

struct diff diff;

static uint8_t excused[A64_INSN_COUNT + 1]; /* enum oracle, or'ed: cannot run the row */

/* Words of a row that an oracle cannot run: those whose field has the value. */
static struct excuse {
    unsigned row;
    enum oracle oracle;
    const struct a64_field *field;
    uint32_t value;
} excuses[EXCUSES_MAX];
static unsigned excuse_count;

bool is_excused(const struct a64_row *row, uint32_t word, enum oracle oracle)
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

static void map(uint64_t va, size_t size)
{
    void *p = mmap((void *)(uintptr_t)va, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    if (p != (void *)(uintptr_t)va) {
        perror("insn_diff: the test's addresses are not free");
        exit(2);
    }
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* The row is left out: the guests and the unit tests of the engine run system instructions. */
static bool is_system(const struct a64_row *row)
{
    return (row->flags & A64_SYS) != 0;
}

unsigned judges_of(const struct a64_row *row)
{
    unsigned can = ORACLE_VIXL | ORACLE_UNICORN | ORACLE_AGENT | ORACLE_TRANSLATOR;

    if (is_system(row)) {
        return ORACLE_NONE;
    }
    if ((row->flags & A64_BRANCH) != 0) {
        can &= ~(unsigned)ORACLE_AGENT;
    }
    return can & ~(unsigned)excused[row->index];
}

unsigned oracles_of(const struct a64_row *row)
{
    unsigned can = judges_of(row) & options.oracles;

    if (diff.shm == NULL) {
        can &= ~(unsigned)ORACLE_AGENT;
    }
    if (!diff.unicorn) {
        can &= ~(unsigned)ORACLE_UNICORN;
    }
    if (diff.levels == 0) {
        can &= ~(unsigned)ORACLE_TRANSLATOR;
    }
    return can;
}

/* How many cases of the row each oracle gets: of a total, the agent has most of those in which it is the judge of FPSR and
 * FPCR, and a quarter of the others, as they cost more there. */
static void share(const struct a64_row *row, unsigned oracles, unsigned count, unsigned *vixl,
                  unsigned *agent)
{
    const bool judges_fp = (row->flags & (A64_FP | A64_MEM)) == A64_FP;

    *vixl = *agent = count;
    if (options.count == 0 && (~oracles & (ORACLE_VIXL | ORACLE_AGENT)) == 0) {
        *agent = judges_fp ? count - count / 4 : count / 4;
        *vixl = count - *agent;
    }
}

static void run_row(const struct a64_row *row, unsigned count)
{
    unsigned oracles = oracles_of(row), vixl, agent;

    if (oracles == ORACLE_NONE) {
        if (!is_system(row)) {
            diff.totals.bare_rows++;
            fprintf(diff.out, "%s: no oracle here\n", row->name);
        }
        return;
    }
    diff.row_fails = diff.row_overruled = 0;
    share(row, oracles, count, &vixl, &agent);
    if (oracles & ORACLE_TRANSLATOR) {
        translator_cases(row, options.count != 0 ? count : count / 4 + 48);
    }
    if (oracles & ORACLE_VIXL) {
        vixl_cases(row, vixl);
    }
    if (oracles & ORACLE_UNICORN) {
        bool alone = options.oracles == ORACLE_UNICORN || options.count != 0;
        unicorn_cases(row, alone ? count : count / 10 + 8);
    }
    if (oracles & ORACLE_AGENT) {
        agent_cases(row, agent);
    }
    agent_flush(row);
    diff.totals.rows++;
    diff.totals.failing_rows += diff.row_fails != 0;
    if (diff.row_fails != 0 || diff.verbose) {
        fprintf(diff.out, "%-16s %s: %u differences, %u mistakes of VIXL\n", row->name,
                diff.row_fails != 0 ? "FAIL" : "ok", diff.row_fails, diff.row_overruled);
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
    bool complete = diff.shm != NULL && (~options.oracles & (ORACLE_VIXL | ORACLE_AGENT)) == 0;

    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        const struct a64_row *row = a64_row(diff.table, i);

        if (!selected(row)) {
            continue;
        }
        if (is_system(row)) {
            system++;
        } else if ((~excused[i] & (ORACLE_VIXL | ORACLE_AGENT)) == 0) {
            listed++;
        } else {
            rows++;
            hit += diff.executed[i];
            if (!diff.executed[i]) {
                fprintf(diff.out, "%s: never executed\n", row->name);
            }
        }
    }
    fprintf(diff.out, "rows: %u of %u hit, listed exceptions: %u, system rows left out: %u%s\n",
            hit, rows, listed, system, complete ? "" : " (an oracle is missing)");
    return hit == rows || !complete;
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
            if (fnmatch(name, a64_row(diff.table, i)->name, 0) != 0) {
                continue;
            }
            if (one_value) {
                add_excuse(a64_row(diff.table, i), field, value, oracle);
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
    { "coverage", optional_argument, NULL, 'c' },
    { 0 },
};

static unsigned parse_oracle(const char *name)
{
    if (strcmp(name, "vixl") == 0) {
        return ORACLE_VIXL;
    }
    if (strcmp(name, "unicorn") == 0) {
        return ORACLE_UNICORN;
    }
    if (strcmp(name, "translator") == 0) {
        return ORACLE_TRANSLATOR;
    }
    return strcmp(name, "agent") == 0
               ? ORACLE_AGENT
               : ORACLE_VIXL | ORACLE_UNICORN | ORACLE_AGENT | ORACLE_TRANSLATOR;
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
        case 'v': diff.verbose = true; break;
        case 'c':
            options.coverage = true;
            options.coverage_file = optarg;
            break;
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
    diff.table = t;
    map(INSN_CODE_VA, 4096);
    map(INSN_DATA_VA, INSN_DATA_SIZE);
    diff.rng.state = (options.seed + 1) * 0x9e3779b97f4a7c15ull | 1;
    for (unsigned i = 0; i < INSN_DATA_SIZE; i += 8) {
        uint64_t v = random_value(&diff.rng);

        memcpy(diff.pristine + i, &v, 8);
    }
    soft_init(diff.table);
    diff.levels = soft_translator_levels();
    read_excuses("not_vixl.txt", ORACLE_VIXL);
    read_excuses("not_unicorn.txt", ORACLE_UNICORN);
    read_excuses("not_agent.txt", ORACLE_AGENT);
    vixl_init();
    diff.unicorn = (options.oracles & ORACLE_UNICORN) != 0 && unicorn_init();
    if ((options.oracles & ORACLE_AGENT) && options.agent != NULL) {
        diff.shm = agent_start(options.qemu, options.agent);
        if (diff.shm == NULL) {
            fprintf(diff.out, "the agent does not start: VIXL alone\n");
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
                        "[--oracle auto|vixl|unicorn|agent|translator] [-v]\n");
        return 2;
    }
    diff.out = fdopen(dup(1), "w");
    if (diff.out == NULL || (!diff.verbose && freopen("/dev/null", "w", stdout) == NULL)) {
        return 2;
    }
    init();
    if (options.coverage && options.coverage_file == NULL) {
        print_coverage(diff.out);
        return 0;
    }
    if (options.coverage) {
        return !coverage_is(options.coverage_file);
    }
    fprintf(diff.out, "seed %" PRIu64 "\n", options.seed);
    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        const struct a64_row *row = a64_row(diff.table, i);

        rows += selected(row) && oracles_of(row) != ORACLE_NONE;
    }
    if (rows == 0) {
        fprintf(diff.out, "no such row, or no oracle for it\n");
        return 77;
    }
    unsigned count = options.count != 0   ? options.count
                     : options.total != 0 ? options.total / rows + 1
                                          : CASES_VIXL;

    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        if (selected(a64_row(diff.table, i))) {
            run_row(a64_row(diff.table, i), count);
        }
    }
    if (diff.levels != 0 && (options.oracles & ORACLE_TRANSLATOR) != 0) {
        diff.row_fails = 0;
        fused_cases(options.count != 0 ? options.count : 3000);
    }
    if (diff.shm != NULL) {
        agent_stop();
    }
    fprintf(diff.out,
            "%" PRIu64 " rows: %" PRIu64 " cases by the translator, %" PRIu64
            " against VIXL, %" PRIu64 " against Unicorn, %" PRIu64 " against the agent, %" PRIu64
            " of them undefined on both, %" PRIu64 " skipped, %" PRIu64
            " mistakes of VIXL; %" PRIu64 " differences in %" PRIu64 " rows, %" PRIu64
            " rows without an oracle\n",
            diff.totals.rows, diff.totals.translated, diff.totals.vixl, diff.totals.unicorn,
            diff.totals.agent, diff.totals.undefined, diff.totals.skipped, diff.totals.overruled,
            diff.totals.differences, diff.totals.failing_rows, diff.totals.bare_rows);
    return !report_rows() || diff.totals.differences != 0;
}
