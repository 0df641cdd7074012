/*
 * report.c - whether two parties agree about a case, and what to print if they do not.
 */
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "diff.h"

#define FAILS_PRINTED 3

/* ---- Report ---------------------------------------------------------------------------------- */

static void print_difference(const char *name, uint64_t before, uint64_t ours, uint64_t theirs)
{
    if (ours != theirs) {
        fprintf(diff.out,
                "    %-7s was %016" PRIx64 "  ours %016" PRIx64 "  oracle %016" PRIx64 "\n", name,
                before, ours, theirs);
    }
}

static void print_vector(unsigned r, const uint64_t b[2], const uint64_t o[2], const uint64_t t[2])
{
    if (memcmp(o, t, 16) != 0) {
        fprintf(diff.out, "    v%-6u was %016" PRIx64 "_%016" PRIx64 "\n", r, b[1], b[0]);
        fprintf(diff.out, "           ours %016" PRIx64 "_%016" PRIx64 "\n", o[1], o[0]);
        fprintf(diff.out, "         oracle %016" PRIx64 "_%016" PRIx64 "\n", t[1], t[0]);
    }
}

static void print_data(const struct outcome_pair *p)
{
    unsigned shown = 0;

    for (unsigned i = 0; i < p->size && shown < 16; i++) {
        if (p->our_data[i] != p->their_data[i]) {
            fprintf(diff.out, "    [%" PRIx64 "] was %02x ours %02x oracle %02x\n",
                    (uint64_t)INSN_DATA_VA + p->at + i, diff.pristine[p->at + i], p->our_data[i],
                    p->their_data[i]);
            shown++;
        }
    }
}

/* The registers that the instruction names, as they were. */
static void print_inputs(const struct a64_row *row, uint32_t word, const struct insn_state *s)
{
    unsigned n;
    const struct a64_field *f = a64_fields(diff.table, row->index, &n);

    fprintf(diff.out, "    in: nzcv %x fpcr %08x fpsr %08x pc %" PRIx64 "\n", s->nzcv >> 28,
            s->fpcr, s->fpsr, s->pc);
    for (unsigned i = 0; i < n; i++) {
        unsigned v = (unsigned)bits(word, f[i].lo, f[i].len);

        if (f[i].name[0] != 'R' || f[i].len != 5) {
            fprintf(diff.out, "    in: %s = %u\n", f[i].name, v);
            continue;
        }
        fprintf(diff.out, "    in: %-4s x%-2u %016" PRIx64, f[i].name, v,
                v == 31 ? s->sp : s->x[v]);
        if (row->flags & A64_FP) {
            fprintf(diff.out, "   v%-2u %016" PRIx64 "_%016" PRIx64, v, s->v[v][1], s->v[v][0]);
        }
        fprintf(diff.out, "\n");
    }
}

static void report(const struct a64_row *row, const char *oracle, const struct outcome_pair *p)
{
    static const char *const outcome[] = { "ran", "undefined", "fault", "crashed" };
    const struct insn_state *before = p->before, *ours = p->ours, *theirs = p->theirs;
    char text[128], name[8];

    diff.totals.differences++;
    if (diff.row_fails++ >= FAILS_PRINTED && !diff.verbose) {
        return;
    }
    vixl_disassemble(p->word, INSN_CODE_VA, text, sizeof text);
    fprintf(diff.out, "%s: %08x %s   [differs from %s]\n", row->name, p->word, text, oracle);
    print_inputs(row, p->word, before);
    if (ours->outcome != theirs->outcome) {
        fprintf(diff.out, "    outcome ours %s, oracle %s\n", outcome[ours->outcome],
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
        print_data(p);
    }
}

/* ---- Comparison ------------------------------------------------------------------------------ */

enum verdict judge(const struct a64_row *row, const struct outcome_pair *p)
{
    if (p->ours->outcome != p->theirs->outcome) {
        /* An SBO or SBZ bit that is not as it should be: an oracle may say UNDEFINED. */
        return p->theirs->outcome == INSN_UNDEFINED && generate_has_ignored(diff.table, row)
                   ? NO_VERDICT
                   : DIFFERENT;
    }
    if (p->ours->outcome != INSN_RAN) {
        diff.totals.undefined++;
        return SAME;
    }
    return memcmp(p->ours, p->theirs, sizeof *p->ours) == 0 &&
                   (!(row->flags & A64_MEM) || memcmp(p->our_data, p->their_data, p->size) == 0)
               ? SAME
               : DIFFERENT;
}

void compare(const struct a64_row *row, const char *oracle, const struct outcome_pair *p)
{
    switch (judge(row, p)) {
    case SAME: break;
    case NO_VERDICT: diff.totals.skipped++; break;
    case DIFFERENT: report(row, oracle, p); break;
    }
}
