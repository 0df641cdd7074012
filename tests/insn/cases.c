/*
 * cases.c - makes random cases of a row, runs them on our CPU and on the oracles, and has the results compared.
 *
 * A word is run with several states: making a word, and above all making qemu-user translate it, costs more than running
 * it. The agent gets its cases in batches, and with them those in which VIXL and we disagree.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "diff.h"

#define STATES 8 /* of each word */

/* ---- Data buffer ----------------------------------------------------------------------------- */

static uint8_t *data(void)
{
    return (uint8_t *)(uintptr_t)INSN_DATA_VA;
}

static void data_reset(const struct a64_row *row)
{
    if (row->flags & A64_MEM) {
        memcpy(data(), diff.pristine, INSN_DATA_SIZE);
    }
}

/* The part of the buffer that our CPU has written, with what is around it: offset of a window. */
static uint32_t find_window(void)
{
    unsigned from = 0, to = INSN_DATA_SIZE;

    while (from < to && memcmp(data() + from, diff.pristine + from, 64) == 0) {
        from += 64;
    }
    while (to > from && memcmp(data() + to - 64, diff.pristine + to - 64, 64) == 0) {
        to -= 64;
    }
    if (from == to) {
        return 0;
    }
    from = from >= 64 ? from - 64 : 0;
    if (from > INSN_DATA_SIZE - INSN_WINDOW) {
        from = INSN_DATA_SIZE - INSN_WINDOW;
    }
    if (to > from + INSN_WINDOW) {
        fprintf(diff.out, "an instruction wrote more than INSN_WINDOW\n");
        exit(2);
    }
    return from;
}

/* ---- Memory operands ------------------------------------------------------------------------- */

const struct a64_field *find_field(const struct a64_row *row, const char *name)
{
    unsigned n;
    const struct a64_field *f = a64_fields(diff.table, row->index, &n);

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

    switch (random_below(&diff.rng, 4)) {
    case 0: at = 4096 - random_below(&diff.rng, 72); break;
    case 1: at = INSN_DATA_SIZE - access->size - random_below(&diff.rng, 72); break;
    case 2: at = random_below(&diff.rng, 72); break;
    default: at = random_below(&diff.rng, INSN_DATA_SIZE - access->size); break;
    }
    if (access->aligned) {
        at &= ~(access->size - 1);
    } else if (random_below(&diff.rng, 2) != 0) {
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
        slow = *before;
        soft_run_body(&slow, *word, SOFT_MEM_SLOW, false);
        if (slow.outcome != INSN_FAULT) {
            break;
        }
        data_reset(row);
        if (tries == 3 || !aim(row, word, before)) {
            return false;
        }
    }
    memcpy(slow_data, data(), INSN_DATA_SIZE);
    data_reset(row);
    *after = *before;
    soft_run_body(after, *word, SOFT_MEM_FAST, false);
    if (after->outcome == INSN_RAN || slow.outcome == INSN_RAN) {
        compare(row, "our slow path",
                &(struct outcome_pair){ *word, before, after, &slow, data(), slow_data, 0,
                                        INSN_DATA_SIZE });
    }
    return true;
}

/* ---- Cases ----------------------------------------------------------------------------------- */

/* What runs now: a word and its place, which no other word of the batch has. */
static struct group {
    uint32_t word;
    unsigned slot;
    struct insn_state state;
} group;

static unsigned groups_since_flush;

/* A new word of the row. False: none was found. */
static bool next_word(const struct a64_row *row, enum generate_fpcr fpcr)
{
    if (++groups_since_flush == INSN_SLOTS - 1) {
        agent_flush(row);
    }
    group.slot = (group.slot + 1) % INSN_SLOTS;
    if (!generate_word(&diff.rng, diff.table, row, &group.word)) {
        return false;
    }
    if (group.state.pc == 0) {
        generate_state(&diff.rng, fpcr, &group.state);
    }
    group.state.pc = (row->flags & A64_BRANCH) != 0
                         ? INSN_CODE_VA + 4 * random_below(&diff.rng, 1024)
                         : INSN_SLOT_PC(group.slot);
    return true;
}

/* Is the word made for one state only, because it says itself where memory is? */
static bool one_state(const struct a64_row *row)
{
    return (row->flags & A64_MEM) != 0 && find_field(row, "Rn") == NULL;
}

/* As a near branch it would go on for ever: nothing but the word itself is there. */
static bool branches_to_itself(const struct a64_row *row)
{
    static const char *const offsets[] = { "imm14", "imm19", "imm26" };

    for (unsigned i = 0; i < sizeof offsets / sizeof offsets[0] && (row->flags & A64_BRANCH) != 0;
         i++) {
        const struct a64_field *f = find_field(row, offsets[i]);
        if (f != NULL && bits(group.word, f->lo, f->len) == 0) {
            return true;
        }
    }
    return false;
}

/* The word with another state on our CPU. False: it could not be aimed at the buffer. */
static bool run_ours(const struct a64_row *row, enum generate_fpcr fpcr, struct insn_state *after)
{
    generate_operands(&diff.rng, diff.table, row, group.word, fpcr, &group.state);
    if (row->flags & A64_MEM) {
        data_reset(row);
        return run_memory_case(row, &group.word, &group.state, after);
    }
    *after = group.state;
    soft_run_body(after, group.word, SOFT_MEM_FAST,
                  random_below(&diff.rng, 4) == 0 || branches_to_itself(row));
    return true;
}

static void note_executed(const struct a64_row *row, const struct outcome_pair *p)
{
    if (p->ours->outcome == INSN_RAN && p->theirs->outcome == INSN_RAN) {
        diff.executed[row->index] = true;
    }
}

/* ---- The agent ------------------------------------------------------------------------------- */

/* What our CPU made of the cases that wait for the agent. */
static struct queued {
    struct insn_state before, after;
    uint8_t data[INSN_WINDOW];
    bool appeal; /* VIXL has said something else */
} queue[INSN_BATCH];

static void agent_run_or_die(const struct a64_row *row)
{
    memcpy(diff.shm->pristine, diff.pristine, INSN_DATA_SIZE);
    if (!agent_run()) {
        fprintf(diff.out, "%s: the agent died\n", row->name);
        exit(1);
    }
    if (diff.shm->stray != 0) {
        fprintf(diff.out, "%s: written outside of where our CPU writes\n", row->name);
        diff.totals.differences++;
        diff.row_fails++;
    }
}

static void settle(const struct a64_row *row, const struct queued *q,
                   const struct insn_agent_case *c, const uint8_t *their_data)
{
    const struct outcome_pair pair = { c->word, &q->before, &q->after, &c->state,
                                       q->data, their_data, c->window, INSN_WINDOW };

    note_executed(row, &pair);
    if (!q->appeal) {
        diff.totals.agent++;
        compare(row, "agent", &pair);
    } else if (judge(row, &pair) == SAME) {
        diff.totals.overruled++;
        diff.row_overruled++;
    } else {
        compare(row, "vixl, and from the agent", &pair);
    }
}

void agent_flush(const struct a64_row *row)
{
    groups_since_flush = 0;
    if (diff.shm == NULL || diff.shm->count == 0) {
        return;
    }
    agent_run_or_die(row);
    for (unsigned i = 0; i < diff.shm->count; i++) {
        settle(row, &queue[i], &diff.shm->cases[i], diff.shm->data[i]);
    }
    diff.shm->count = 0;
}

/* The buffer is as our CPU has left it, or our_data is. */
static void enqueue(const struct a64_row *row, const struct insn_state *after,
                    const uint8_t *our_data, uint32_t window, bool appeal)
{
    struct queued *q = &queue[diff.shm->count];

    q->before = group.state;
    q->after = *after;
    q->appeal = appeal;
    if (row->flags & A64_MEM) {
        memcpy(q->data, our_data + window, INSN_WINDOW);
    }
    diff.shm->cases[diff.shm->count] = (struct insn_agent_case){
        .state = group.state,
        .word = group.word,
        .memory = (row->flags & A64_MEM) != 0,
        .window = window,
    };
    if (++diff.shm->count == INSN_BATCH) {
        agent_flush(row);
    }
}

void agent_cases(const struct a64_row *row, unsigned count)
{
    struct insn_state after;

    for (unsigned i = 0; i < count; i++) {
        if ((i % STATES == 0 || one_state(row)) && !next_word(row, FPCR_ANY)) {
            diff.totals.skipped++;
            continue;
        }
        if (!run_ours(row, FPCR_ANY, &after) || is_excused(row, group.word, ORACLE_AGENT)) {
            diff.totals.skipped++;
            continue;
        }
        enqueue(row, &after, data(), (row->flags & A64_MEM) != 0 ? find_window() : 0, false);
    }
}

/* ---- VIXL ------------------------------------------------------------------------------------ */

/* VIXL disagrees with us. If there is a third opinion, it decides. */
static void appeal(const struct a64_row *row, const struct outcome_pair *p, uint32_t window)
{
    diff.totals.appeals++;
    if (diff.shm != NULL && (row->flags & A64_BRANCH) == 0 &&
        !is_excused(row, p->word, ORACLE_AGENT)) {
        enqueue(row, p->ours, p->our_data, window, true);
    } else {
        compare(row, "vixl", p);
    }
}

static void vixl_case(const struct a64_row *row)
{
    static uint8_t our_data[INSN_DATA_SIZE];
    struct insn_state ours, theirs;
    uint32_t window = 0;

    if (!run_ours(row, FPCR_ZERO_OR_DN, &ours) || is_excused(row, group.word, ORACLE_VIXL)) {
        diff.totals.skipped++;
        return;
    }
    if (row->flags & A64_MEM) {
        window = find_window();
        memcpy(our_data, data(), INSN_DATA_SIZE);
        data_reset(row);
    }
    theirs = group.state;
    vixl_run(&theirs, group.word);
    diff.totals.vixl++;
    theirs.fpsr = ours.fpsr;              /* not modelled there */
    theirs.pc |= ours.pc & 0xffull << 56; /* removed there, as with TBI */

    const struct outcome_pair pair = { group.word, &group.state, &ours, &theirs,
                                       our_data,   data(),       0,     INSN_DATA_SIZE };
    note_executed(row, &pair);
    if (judge(row, &pair) != SAME) {
        appeal(row, &pair, window);
    }
}

void vixl_cases(const struct a64_row *row, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if ((i % STATES == 0 || one_state(row)) && !next_word(row, FPCR_ZERO_OR_DN)) {
            diff.totals.skipped++;
            continue;
        }
        vixl_case(row);
    }
}

/* ---- Unicorn --------------------------------------------------------------------------------- */

/* A PC of the lower half loses its tag when it gets there. */
static uint64_t without_tag(uint64_t pc)
{
    return (pc >> 55 & 1) == 0 ? pc & ~(0xffull << 56) : pc;
}

static void unicorn_case(const struct a64_row *row)
{
    static uint8_t our_data[INSN_DATA_SIZE];
    struct insn_state ours, theirs;

    /* At its own address it would stop before the instruction. */
    if (!run_ours(row, FPCR_ANY, &ours) || ours.pc == group.state.pc ||
        is_excused(row, group.word, ORACLE_UNICORN)) {
        diff.totals.skipped++;
        return;
    }
    if (row->flags & A64_MEM) {
        memcpy(our_data, data(), INSN_DATA_SIZE);
        data_reset(row);
    }
    theirs = group.state;
    unicorn_run(&theirs, group.word, (row->flags & A64_BRANCH) != 0,
                ours.outcome == INSN_RAN ? without_tag(ours.pc) : group.state.pc + 4);
    diff.totals.unicorn++;
    if (theirs.pc == without_tag(ours.pc)) {
        theirs.pc = ours.pc;
    }

    const struct outcome_pair pair = { group.word, &group.state, &ours, &theirs,
                                       our_data,   data(),       0,     INSN_DATA_SIZE };
    note_executed(row, &pair);
    compare(row, "Unicorn", &pair);
}

void unicorn_cases(const struct a64_row *row, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if ((i % STATES == 0 || one_state(row)) && !next_word(row, FPCR_ANY)) {
            diff.totals.skipped++;
            continue;
        }
        unicorn_case(row);
    }
}

/* ---- The translator -------------------------------------------------------------------------- */

/* What the bodies make of a case, translated code has to make of it, for each kind of host. */
static void translator_case(const struct a64_row *row, unsigned level)
{
    static const char *const names[] = { "our code for SSE4.1", "our code for AVX2",
                                         "our code for AVX-512" };
    static uint8_t our_data[INSN_DATA_SIZE];
    struct insn_state ours, theirs;

    diff.totals.translated++;
    if (!run_ours(row, FPCR_ANY, &ours)) {
        diff.totals.skipped++;
        return;
    }
    if (row->flags & A64_MEM) {
        memcpy(our_data, data(), INSN_DATA_SIZE);
        data_reset(row);
    }
    theirs = group.state;
    soft_run_translated(&theirs, &group.word, 1,
                        random_below(&diff.rng, 4) == 0 ? SOFT_MEM_SLOW : SOFT_MEM_FAST, level);

    const struct outcome_pair pair = { group.word, &group.state, &ours, &theirs,
                                       our_data,   data(),       0,     INSN_DATA_SIZE };
    note_executed(row, &pair);
    if (ours.outcome == INSN_RAN || theirs.outcome == INSN_RAN) {
        compare(row, names[level], &pair);
    }
}

/* The kind of host changes now and then: the code that all regions share is then made again. */
void translator_cases(const struct a64_row *row, unsigned count)
{
    const unsigned first = (unsigned)row->index;

    for (unsigned i = 0; i < count; i++) {
        if ((i % STATES == 0 || one_state(row)) && !next_word(row, FPCR_ANY)) {
            diff.totals.skipped++;
            continue;
        }
        translator_case(row, (first + i * 4 * diff.levels / count) % diff.levels);
    }
}

/*
 * Instructions that are translated together with others: AESE with AESMC, AESD with AESIMC, SHL with SRI. Registers are few, so
 * that they are the same often; what is between the two spoils some of them.
 */
static unsigned make_fusable(uint32_t words[SOFT_WORDS])
{
    unsigned d = random_below(&diff.rng, 3) + 10, n = random_below(&diff.rng, 3) + 10;
    unsigned other = random_below(&diff.rng, 3) + 10, shift = 1 + random_below(&diff.rng, 31);
    unsigned count = 1 + random_below(&diff.rng, 2);

    switch (random_below(&diff.rng, 3)) {
    case 0:
        words[0] = 0x4e284800 | n << 5 | d;         /* AESE  */
        words[count] = 0x4e286800 | other << 5 | d; /* AESMC */
        break;
    case 1:
        words[0] = 0x4e285800 | n << 5 | d;         /* AESD   */
        words[count] = 0x4e287800 | other << 5 | d; /* AESIMC */
        break;
    default:
        words[0] = 0x4f005400 | (32 + shift) << 16 | n << 5 | d;            /* SHL 4S */
        words[count] = 0x6f004400 | (64 - (32 - shift)) << 16 | n << 5 | d; /* SRI 4S */
        break;
    }
    if (count == 2) {
        words[1] =
            0x4ea08400 | other << 16 | n << 5 | (random_below(&diff.rng, 4) + 10); /* ADD 4S */
    }
    return count + 1;
}

void fused_cases(unsigned count)
{
    const struct a64_row *row = a64_decode(diff.table, 0x4e284800);
    struct insn_state before, ours, theirs;
    uint32_t words[SOFT_WORDS];

    for (unsigned i = 0; i < count; i++) {
        unsigned n = make_fusable(words);
        generate_state(&diff.rng, FPCR_ANY, &before);
        before.pc = INSN_SLOT_PC(1);
        ours = theirs = before;
        for (unsigned k = 0; k < n; k++) {
            soft_run_body(&ours, words[k], SOFT_MEM_FAST, false);
        }
        soft_run_translated(&theirs, words, n, SOFT_MEM_FAST, i % diff.levels);
        diff.totals.translated++;
        compare(row, "our code for pairs",
                &(struct outcome_pair){ words[n - 1], &before, &ours, &theirs, NULL, NULL, 0, 0 });
    }
}
