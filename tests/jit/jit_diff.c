/*
 * jit_diff.c - random programs by the interpreter, by the translator and, those that a process may run, by QEMU.
 *
 *   jit_diff [--count N] [--seed S] [--kind system|user] [--program SEED] [--dump] [--seeds FILE] [--plant UOP] [--diverge]
 *
 * Compared are the registers and the memory at the end, the state at every exception (ESR, FAR, ELR, SPSR, X, SP, V, FPCR,
 * FPSR), and the number of instructions. Programs S, S + 1 ... of a kind; --program runs that one; --plant makes the
 * translation of a micro-operation wrong, which must be found; --diverge
 * lets the translator compare itself (jit=diverge) and say which instruction it was. Exit status: 0 all
 * equal, 1 differences, 2 usage, 77 nothing to run.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "accel/soft/cpu.h"
#include "base/assert.h"
#include "base/bits.h"
#include "judge.h"
#include "machine.h"

static struct options {
    uint64_t count, seed;
    bool one, dump, diverge;
    int kind; /* -1: both */
    unsigned plant;
    const char *seeds;
} options = { .count = 1000, .kind = -1 };

static const char *const kind_name[] = { "system", "user" };
static struct a64_table *table;
static struct agent_shm *shm;
static uint8_t handler[8192];
static size_t handler_bytes;
static struct program program;
static struct result interpreted, translated, judged;
static struct {
    uint64_t programs, insns, exceptions, judged, differences;
} totals;

/* ---- Report ---------------------------------------------------------------------------------- */

static void print_word(uint64_t pc)
{
    char text[128] = "(not in the program)";
    uint64_t at = (pc - PROGRAM_CODE_VA) / 4;
    uint32_t word = 0;

    if (at < PROGRAM_WORDS) {
        word = program.code[at];
        a64_disasm(table, word, pc, text, sizeof(text));
    }
    printf("  %" PRIx64 ": %08x %s\n", pc, word, text);
}

static void print_value(const char *name, uint64_t a, uint64_t b)
{
    if (a != b) {
        printf("    %-8s %016" PRIx64 ", %016" PRIx64 "\n", name, a, b);
    }
}

static void print_numbered(const char *name, unsigned n, uint64_t a, uint64_t b)
{
    char text[16];

    snprintf(text, sizeof(text), name, n);
    print_value(text, a, b);
}

static void print_difference(const struct record *a, const struct record *b)
{
    print_value("pc", a->pc, b->pc);
    for (unsigned i = 0; i < 31; i++) {
        print_numbered("x%u", i, a->x[i], b->x[i]);
    }
    print_value("sp", a->sp, b->sp);
    print_value("pstate", a->pstate, b->pstate);
    print_value("esr", a->esr, b->esr);
    print_value("far", a->far_va, b->far_va);
    print_value("fpcr", a->fpcr, b->fpcr);
    print_value("fpsr", a->fpsr, b->fpsr);
    for (unsigned i = 0; i < 32; i++) {
        print_numbered("v%u", i, a->v[i][0], b->v[i][0]);
        print_numbered("v%u high", i, a->v[i][1], b->v[i][1]);
    }
}

static void print_memory(const struct result *a, const struct result *b, unsigned pages)
{
    unsigned shown = 0;

    for (unsigned i = 0; i < pages * 4096 && shown < 8; i++) {
        uint8_t x = a->data[i / 4096][i % 4096], y = b->data[i / 4096][i % 4096];
        if (x != y) {
            printf("    [%" PRIx64 "]: %02x, %02x\n", (uint64_t)PROGRAM_DATA_VA + i, x, y);
            shown++;
        }
    }
}

static void dump(void)
{
    for (unsigned i = 0; i < PROGRAM_WORDS; i++) {
        if (program.code[i] != 0) {
            print_word(PROGRAM_CODE_VA + 4 * i);
        }
    }
}

/* The first exception at which the two differ, or the end. */
static void report(const char *with, const struct result *a, const struct result *b, unsigned pages)
{
    unsigned n = 0;

    totals.differences++;
    printf("program %" PRIu64
           " (%s, EL%u, heat %u, %s, %s, %u CPU%s): the interpreter differs from the %s\n",
           program.seed, kind_name[program.kind], !program.el0, program.heat,
           program.copies ? "copies" : "no copies", program.count ? "counted" : "not counted",
           program.two_cpus + 1u, program.two_cpus ? "s" : "", with);
    if (!a->ended || !b->ended) {
        printf("  an end was not reached: %d, %d\n", a->ended, b->ended);
        return;
    }
    if (program.count && a->insns != b->insns) {
        printf("  instructions: %" PRIu64 ", %" PRIu64 "\n", a->insns, b->insns);
    }
    while (n < RECORDS && memcmp(&a->record[n], &b->record[n], sizeof(a->record[n])) == 0) {
        n++;
    }
    if (n < RECORDS) {
        printf("  at exception %u of %u:\n", n, a->records);
        print_word(a->record[n].pc);
        if (b->record[n].pc != a->record[n].pc) {
            print_word(b->record[n].pc);
        }
        print_difference(&a->record[n], &b->record[n]);
    } else {
        printf("  at the end, after %u exceptions:\n", a->records);
        print_difference(&a->last, &b->last);
    }
    print_memory(a, b, pages);
    if (options.dump) {
        dump();
    }
}

/* ---- Interpreter and translator -------------------------------------------------------------- */

static struct machine *machine_of(unsigned heat, bool copies, bool count, unsigned cpus)
{
    static struct machine *made[4][2][2][2];
    struct machine **m = &made[heat][copies][count][cpus - 1];

    if (*m == NULL) {
        const struct machine_options o = { .heat = heat,
                                           .often = copies ? 3 : 0,
                                           .count = count,
                                           .cpus = cpus,
                                           .plant = options.plant,
                                           .diverge = options.diverge && cpus == 1 };
        *m = machine_make(&o, handler, handler_bytes);
    }
    return *m;
}

static bool same(const struct result *a, const struct result *b)
{
    return a->ended && b->ended && (!program.count || a->insns == b->insns) &&
           memcmp(&a->last, &b->last, sizeof(a->last)) == 0 &&
           memcmp(a->data, b->data, sizeof(a->data)) == 0 &&
           memcmp(a->record, b->record, sizeof(a->record)) == 0;
}

/* ---- The judge ------------------------------------------------------------------------------- */

/* What both can know of an exception. */
static void common(struct record *r)
{
    r->pstate &= 0xf0000000;
    r->fpsr &= 0x0800009f; /* QEMU keeps more bits than there are */
    r->far_va = 0;
    memset(r->pad, 0, sizeof(r->pad));
    memset(r->unused, 0, sizeof(r->unused));
}

static uint64_t class_of(uint64_t esr)
{
    switch (esr >> 26) {
    case 0x00: return AGENT_UNDEFINED;
    case 0x3c: return AGENT_BREAKPOINT;
    default: return AGENT_ABORT;
    }
}

static void ask(void)
{
    const struct insn_state *s = &program.state;

    shm->end_pc = PROGRAM_CODE_VA + 4 * program.end;
    memcpy(shm->start.x, s->x, sizeof(s->x));
    shm->start.sp = s->sp;
    shm->start.pc = s->pc;
    shm->start.pstate = s->nzcv;
    shm->start.fpcr = s->fpcr;
    shm->start.fpsr = s->fpsr;
    memcpy(shm->start.v, s->v, sizeof(s->v));
    memcpy(shm->code, program.code, sizeof(shm->code));
    memset(shm->code + 4 * program.end, 0, 4); /* UDF */
    memset(shm->record, 0, sizeof(shm->record));
    machine_data(&program, shm->data, AGENT_DATA_BYTES / 4096);
    if (!judge_run()) {
        printf("program %" PRIu64 " (user): the agent died\n", program.seed);
        exit(1);
    }
    memset(&judged, 0, sizeof(judged));
    judged.ended = true;
    judged.insns = interpreted.insns;
    judged.last = shm->last;
    memcpy(judged.record, shm->record, sizeof(judged.record));
    memcpy(judged.data, shm->data, sizeof(shm->data));
}

static void judge(void)
{
    ask();
    totals.judged++;
    for (unsigned i = 0; i < RECORDS; i++) {
        common(&interpreted.record[i]);
        common(&judged.record[i]);
        if (interpreted.record[i].pc != 0) {
            interpreted.record[i].esr = class_of(interpreted.record[i].esr);
        }
    }
    common(&interpreted.last);
    interpreted.last.pc = shm->end_pc; /* SVC returns behind it */
    common(&judged.last);
    memset(interpreted.data[DATA_RW1 + 1], 0, sizeof(interpreted.data) - AGENT_DATA_BYTES);
    /* Where the end's record is, the agent has none, or the oldest of more than there is room for. */
    memset(&interpreted.record[interpreted.records], 0, sizeof(interpreted.record[0]));
    memset(&judged.record[interpreted.records], 0, sizeof(judged.record[0]));
    if (!same(&interpreted, &judged)) {
        report("process under QEMU", &interpreted, &judged, AGENT_DATA_BYTES / 4096);
    }
}

/* ---- Programs -------------------------------------------------------------------------------- */

static void run_program(uint64_t seed, enum program_kind kind)
{
    unsigned cpus;

    program_make(&program, table, seed, kind);
    cpus = 1 + program.two_cpus;
    if (options.dump && options.one) {
        dump();
    }
    memset(&interpreted, 0, sizeof(interpreted));
    memset(&translated, 0, sizeof(translated));
    alarm(60); /* an endless program is a mistake, too */
    machine_run(machine_of(0, false, true, cpus), &program, &interpreted);
    machine_run(machine_of(program.heat, program.copies, program.count, cpus), &program,
                &translated);
    totals.programs++;
    totals.insns += interpreted.insns;
    totals.exceptions += interpreted.records;
    if (!same(&interpreted, &translated)) {
        report("translator", &interpreted, &translated, DATA_PAGES);
    } else if (kind == PROGRAM_USER && shm != NULL) {
        judge();
    }
    alarm(0);
}

/* Programs that failed once: lines of "kind seed", and why. */
static void run_seeds(const char *file)
{
    FILE *f = fopen(file, "r");
    char line[256], kind[16];
    uint64_t seed;

    if (f == NULL) {
        perror(file);
        exit(2);
    }
    while (fgets(line, sizeof(line), f) != NULL) {
        if (line[0] != '#' && sscanf(line, "%15s %" SCNu64, kind, &seed) == 2) {
            run_program(seed, strcmp(kind, "user") == 0 ? PROGRAM_USER : PROGRAM_SYSTEM);
        }
    }
    fclose(f);
}

/* 1 + the micro-operation of that name. */
static unsigned find_uop(const char *name)
{
    for (unsigned i = 0; i < UOP_COUNT; i++) {
        if (strcmp(uop_table[i].name, name) == 0) {
            return i + 1;
        }
    }
    fprintf(stderr, "jit_diff: there is no uop %s\n", name);
    exit(2);
}

static bool parse_options(int argc, char **argv)
{
    static const struct option long_options[] = {
        { "count", required_argument, NULL, 'n' },
        { "seed", required_argument, NULL, 's' },
        { "kind", required_argument, NULL, 'k' },
        { "program", required_argument, NULL, 'p' },
        { "plant", required_argument, NULL, 'w' },
        { "diverge", no_argument, NULL, 'c' },
        { "dump", no_argument, NULL, 'd' },
        { "seeds", required_argument, NULL, 'f' },
        { 0 },
    };
    int c;

    options.seed = (uint64_t)time(NULL) * 100000;
    while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (c) {
        case 'n': options.count = strtoull(optarg, NULL, 0); break;
        case 'p': options.one = true; options.count = 1; /* fall through */
        case 's': options.seed = strtoull(optarg, NULL, 0); break;
        case 'k': options.kind = strcmp(optarg, "user") == 0 ? PROGRAM_USER : PROGRAM_SYSTEM; break;
        case 'w': options.plant = find_uop(optarg); break;
        case 'c': options.diverge = true; break;
        case 'd': options.dump = true; break;
        case 'f': options.seeds = optarg; break;
        default: return false;
        }
    }
    return optind == argc;
}

static bool init(void)
{
    FILE *f = fopen(JIT_HANDLER, "rb");

    table = calloc(1, a64_table_size());
    if (f == NULL || a64_init(table) != NULL) {
        return false;
    }
    handler_bytes = fread(handler, 1, sizeof(handler), f);
    fclose(f);
    if (options.kind != PROGRAM_SYSTEM) {
#ifdef JIT_QEMU
        shm = judge_start(JIT_QEMU, JIT_AGENT);
#else
        shm = judge_start(NULL, JIT_AGENT);
#endif
        if (shm == NULL) {
            printf("the agent does not start: no third party\n");
        }
    }
    return handler_bytes != 0;
}

/* The shells' part of base/assert.h. */
void assert_failed(const char *file, int line, const char *expr)
{
    fprintf(stderr, "%s:%d: assertion failed: %s (program %" PRIu64 ", %s)\n", file, line, expr,
            program.seed, kind_name[program.kind]);
    abort();
}

int main(int argc, char **argv)
{
    if (!parse_options(argc, argv)) {
        fprintf(stderr, "usage: jit_diff [--count N] [--seed S] [--kind system|user] [--program "
                        "SEED] [--dump] [--seeds FILE] [--plant UOP] [--diverge]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!init()) {
        return 77;
    }
    printf("seed %" PRIu64 "\n", options.seed);
    if (options.seeds != NULL) {
        run_seeds(options.seeds);
    }
    for (uint64_t i = 0; i < options.count; i++) {
        for (int kind = PROGRAM_SYSTEM; kind <= PROGRAM_USER; kind++) {
            if (options.kind < 0 || options.kind == kind) {
                run_program(options.seed + i, (enum program_kind)kind);
            }
        }
    }
    if (shm != NULL) {
        judge_stop();
    }
    printf("%" PRIu64 " programs, %" PRIu64 " instructions, %" PRIu64 " exceptions; %" PRIu64
           " also by a process; %" PRIu64 " differences\n",
           totals.programs, totals.insns, totals.exceptions, totals.judged, totals.differences);
    return totals.differences != 0;
}
