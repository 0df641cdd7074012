/*
 * program.c - see program.h. Registers with a job, which no random instruction writes:
 *
 *     X19 X20 X27 X28 SP   pointers into the data; accesses with write-back move them
 *     X23 X25 X26          counters of loops
 *     X24                  target of indirect branches
 *     X30                  return address
 */
#include <string.h>

#include "base/bits.h"
#include "base/compiler.h"
#include "program.h"

#define RESERVED \
    (BIT(19) | BIT(20) | BIT(27) | BIT(28) | BIT(23) | BIT(24) | BIT(25) | BIT(26) | BIT(30))

enum { R_OUTER = 23, R_TARGET = 24, R_LOOP = 25, FUNCTIONS = 4 };

struct maker {
    struct program *p;
    const struct a64_table *table;
    struct random rng;
    unsigned n;    /* where the next word goes */
    unsigned room; /* blocks end there */
    unsigned function[FUNCTIONS];
    bool functions_known;
    /* Rows by what they are. */
    uint16_t row[3][A64_INSN_COUNT];
    unsigned rows[3];
};

enum { ROWS_INT, ROWS_MEM, ROWS_FP };

static unsigned below(struct maker *m, unsigned n)
{
    return random_below(&m->rng, n);
}

static void put(struct maker *m, uint32_t word)
{
    if (m->n < PROGRAM_WORDS) {
        m->p->code[m->n++] = word;
    }
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static bool starts(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

/* Endless, random or not the same in a process under QEMU 7.2 (tests/insn/not_agent.txt). */
static bool left_out(const struct a64_row *row, enum program_kind kind)
{
    static const char *const never[] = { "CPY", "SETP", "SETM", "SETE" };
    /* QEMU 7.2 has no FEAT_LSE2: ordered and atomic accesses must be aligned there. */
    static const char *const not_user[] = {
        "LDAP", "STLU", "CAS",  "SWP",  "LDADD", "LDCLR",   "LDEOR",         "LDSET",
        "LDSM", "LDUM", "STLR", "LDAR", "PAC",   "AUT",     "XPAC",          "LDRA",
        "STX",  "STLX", "LDX",  "LDAX", "CLREX", "FJCVTZS", "FCVTZS_fix_sh", "FCVTZU_fix_sh"
    };

    for (unsigned i = 0; i < ARRAY_SIZE(never); i++) {
        if (starts(row->name, never[i])) {
            return true;
        }
    }
    for (unsigned i = 0; kind == PROGRAM_USER && i < ARRAY_SIZE(not_user); i++) {
        if (starts(row->name, not_user[i])) {
            return true;
        }
    }
    return (row->flags & (A64_SYS | A64_BRANCH)) != 0;
}

static void sort_rows(struct maker *m)
{
    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        const struct a64_row *row = a64_row(m->table, i);
        unsigned kind = (row->flags & A64_MEM) != 0  ? ROWS_MEM
                        : (row->flags & A64_FP) != 0 ? ROWS_FP
                                                     : ROWS_INT;
        if (!left_out(row, m->p->kind)) {
            m->row[kind][m->rows[kind]++] = (uint16_t)i;
        }
    }
}

static const struct a64_field *field(const struct maker *m, const struct a64_row *row,
                                     const char *name)
{
    unsigned n;
    const struct a64_field *f = a64_fields(m->table, row->index, &n);

    for (; n > 0; n--, f++) {
        if (strcmp(f->name, name) == 0) {
            return f;
        }
    }
    return NULL;
}

/* Is the field a general register in the row's text? Not known: yes. */
static bool general(const struct a64_row *row, const char *name)
{
    char want[16] = "?{";
    const char *at;

    strcat(want, name);
    strcat(want, "}");
    at = strstr(row->assembler, want + 1);
    return at == NULL || at == row->assembler || strchr("bhsdqv", at[-1]) == NULL;
}

/* May the word write a register that has a job? */
static bool spoils(const struct maker *m, const struct a64_row *row, uint32_t word)
{
    static const char *const names[] = { "Rd", "Rt", "Rt2", "Rs" };
    bool pairs = starts(row->name, "CASP");

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        const struct a64_field *f = field(m, row, names[i]);
        if (f == NULL || (i == 1 && (row->flags & A64_LOAD) == 0) || !general(row, names[i])) {
            continue;
        }
        unsigned r = (unsigned)bits(word, f->lo, f->len);
        if ((RESERVED >> r & 1) != 0 || (pairs && (RESERVED >> (r | 1) & 1) != 0)) {
            return true;
        }
    }
    return false;
}

/* Compilers seldom make these. */
static bool is_rare(const struct a64_row *row)
{
    static const char *const rare[] = { "PAC",   "AUT",   "XPAC",   "CRC",   "RMIF", "SETF", "LD1",
                                        "LD2",   "LD3",   "LD4",    "ST1",   "ST2",  "ST3",  "ST4",
                                        "LDADD", "LDCLR", "LDEOR",  "LDSET", "LDSM", "LDUM", "SWP",
                                        "CAS",   "CFINV", "XAFLAG", "AXFLAG" };

    for (unsigned i = 0; i < ARRAY_SIZE(rare); i++) {
        if (starts(row->name, rare[i])) {
            return true;
        }
    }
    return false;
}

/* Shifts by nothing are other uops, and what compilers make. */
static uint32_t without_shift(struct maker *m, const struct a64_row *row, uint32_t word)
{
    static const char *const names[] = { "imm6", "imm3", "shift" };

    for (unsigned i = 0; i < ARRAY_SIZE(names) && below(m, 2) != 0; i++) {
        const struct a64_field *f = field(m, row, names[i]);
        if (f != NULL) {
            word = (uint32_t)bits_set(word, f->lo, f->len, 0);
        }
    }
    return word;
}

static bool random_row(struct maker *m, unsigned kind, const struct a64_row **row, uint32_t *word)
{
    for (unsigned tries = 0; tries < 100; tries++) {
        *row = a64_row(m->table, m->row[kind][below(m, m->rows[kind])]);
        if ((is_rare(*row) && below(m, 4) != 0) || !generate_word(&m->rng, m->table, *row, word)) {
            continue;
        }
        *word = without_shift(m, *row, *word);
        if (a64_decode(m->table, *word) == *row && !spoils(m, *row, *word)) {
            return true;
        }
    }
    return false;
}

/* ---- Plain pieces ---------------------------------------------------------------------------- */

static void load_constant(struct maker *m, unsigned r, uint64_t value)
{
    put(m, 0xd2800000u | (uint32_t)(value & 0xffff) << 5 | r); /* MOVZ, MOVK, MOVK */
    put(m, 0xf2a00000u | (uint32_t)(value >> 16 & 0xffff) << 5 | r);
    put(m, 0xf2c00000u | (uint32_t)(value >> 32 & 0xffff) << 5 | r);
}

/* An address where accesses get into trouble, or none in particular. */
static uint64_t data_address(struct maker *m)
{
    static const unsigned edge[] = { 1, 2, 3, 4, 5 };
    bool user = m->p->kind == PROGRAM_USER;
    uint64_t at;

    switch (below(m, 4)) {
    case 0: at = 4096u * (user ? 1 : edge[below(m, ARRAY_SIZE(edge))]) - below(m, 40); break;
    case 1: at = below(m, 64); break;
    default: at = 4096u * below(m, 2) + below(m, 4096); break;
    }
    if (user && at > 2 * 4096 - 1152) { /* QEMU makes half of a pair at the end of what is mapped */
        at -= 1152;
    }
    return PROGRAM_DATA_VA + (below(m, 3) != 0 ? at & ~15ull : at);
}

static unsigned pointer(struct maker *m)
{
    static const uint8_t pointers[] = { 19, 20, 27, 28, 31 };

    return pointers[below(m, ARRAY_SIZE(pointers))];
}

static void reload(struct maker *m, unsigned r)
{
    if (r == 31) {
        load_constant(m, R_TARGET,
                      data_address(m) &
                          ~(m->p->kind == PROGRAM_SYSTEM && below(m, 16) == 0 ? 0 : 15ull));
        put(m, 0x9100031fu); /* MOV SP, X24 */
    } else {
        load_constant(m, r, data_address(m));
    }
}

static void put_plain(struct maker *m, unsigned kind)
{
    const struct a64_row *row;
    uint32_t word;

    if (random_row(m, kind, &row, &word)) {
        put(m, word);
    }
}

static bool registers_differ(const struct maker *m, const struct a64_row *row, uint32_t word)
{
    unsigned n;
    const struct a64_field *f = a64_fields(m->table, row->index, &n);
    uint32_t seen = 0;

    for (unsigned i = 0; i < n; i++) {
        if (f[i].name[0] == 'R' && f[i].len == 5) {
            uint32_t bit = 1u << bits(word, f[i].lo, 5);
            if ((seen & bit) != 0) {
                return false;
            }
            seen |= bit;
        }
    }
    return true;
}

/* A small number into the index register, of the sign that the access extends. */
static void put_index(struct maker *m, unsigned r)
{
    if (r != 31 && (RESERVED >> r & 1) == 0) {
        put(m, (below(m, 4) == 0 ? 0x12800000u : 0xd2800000u) | below(m, 48) << 5 | r);
    }
}

static void put_access(struct maker *m)
{
    const struct a64_row *row;
    const struct a64_field *rn, *rm, *imm19;
    uint32_t word;
    unsigned base = pointer(m);

    if (!random_row(m, ROWS_MEM, &row, &word)) {
        return;
    }
    rn = field(m, row, "Rn");
    rm = field(m, row, "Rm");
    imm19 = field(m, row, "imm19");
    if (imm19 != NULL) {
        /* Not where the end may be, which is another word for a process. */
        int64_t to = (int64_t)(2048 + below(m, 2048)) - (int64_t)m->n;
        word = (uint32_t)bits_set(word, imm19->lo, imm19->len, (uint64_t)to);
    }
    if (rn != NULL) {
        const struct a64_field *imm12 = field(m, row, "imm12");
        word = (uint32_t)bits_set(word, rn->lo, 5, base);
        if (imm12 != NULL && (m->p->kind == PROGRAM_USER || below(m, 4) != 0)) { /* stay near */
            word = (uint32_t)bits_set(word, imm12->lo, imm12->len, below(m, 8));
        }
    }
    if (rm != NULL && m->p->kind == PROGRAM_USER && (RESERVED >> bits(word, rm->lo, 5) & 1) != 0) {
        return; /* an address that may be the process's own */
    }
    if (a64_decode(m->table, word) != row ||
        ((row->flags & A64_UNPRED) != 0 && !registers_differ(m, row, word))) {
        return;
    }
    if (m->p->kind == PROGRAM_USER || below(m, 3) == 0) {
        reload(m, base);
    }
    if (rm != NULL) {
        put_index(m, (unsigned)bits(word, rm->lo, 5));
    }
    put(m, word);
}

/* Accesses off one base that are neighbours, as in structures and stack frames: the translator looks once for them. */
static void put_neighbours(struct maker *m)
{
    static const uint32_t scaled[] = {
        0xf9400000, 0xf9000000, 0xb9400000, 0xb9000000, 0x39400000, 0x39000000, 0x79400000,
        0x79800000, 0x3dc00000, 0x3d800000, 0xfd400000, 0xbd000000, 0x3d400000, /* by imm12 */
    };
    static const uint32_t pairs[] = { 0xa9400000, 0xa9000000, 0x29400000, 0x29000000,
                                      0x69400000, 0xad400000, 0xad000000 }; /* by imm7 */
    static const uint32_t moving[] = { 0xf8400400, 0xf8400c00, 0xf8000400,
                                       0xf8000c00, 0x38400400, 0xb8000c00 }; /* by imm9 */
    unsigned base = pointer(m), count = 3 + below(m, 5);
    bool store = below(m, 2) != 0;

    if (base == 31 &&
        m->p->kind == PROGRAM_USER) { /* QEMU's processes do not look at SP's alignment */
        base = 19;
    }
    reload(m, base);
    while (count > 0) {
        unsigned rt = below(m, 15), what = below(m, 20);
        uint32_t word = scaled[below(m, ARRAY_SIZE(scaled))] | below(m, 6) << 10;
        if (what < 3) {
            word = pairs[below(m, ARRAY_SIZE(pairs))] | below(m, 5) << 15 | (rt + 1) << 10;
        } else if (what < 5) {
            word = moving[below(m, ARRAY_SIZE(moving))] | below(m, 5) << 15;
        } else if (what < 6) { /* ADD base, base, #imm */
            put(m, 0x91000000u | below(m, 5) << 14 | base << 5 | base);
            continue;
        } else if (what < 8) {
            put_plain(m, ROWS_INT);
            continue;
        }
        if (((word & 0x00c00000) == 0) == store || below(m, 6) == 0) {
            put(m, word | base << 5 | rt);
            count--;
        }
    }
}

/* ---- System state and exceptions ------------------------------------------------------------- */

/* A register that nothing depends on. */
static unsigned spare(struct maker *m)
{
    return below(m, 19);
}

static uint32_t adr(unsigned r, unsigned at, unsigned to)
{
    uint32_t delta = (to - at) * 4;

    return 0x10000000u | (delta >> 2 & 0x7ffff) << 5 | r;
}

static void put_system(struct maker *m)
{
    static const uint32_t words[] = {
        0xd53b4200, /* MRS X0, NZCV */
        0xd51b4200, /* MSR NZCV, X0 */
        0xd53b4400, /* MRS X0, FPCR */
        0xd53b4420, /* MRS X0, FPSR */
        0xd51b4420, /* MSR FPSR, X0: QEMU 7.2 keeps bits that do not exist */
        0xd53bd040, /* MRS X0, TPIDR_EL0: not in a process, which has it for itself */
        0xd51bd040, /* MSR TPIDR_EL0, X0 */
    };
    static const uint32_t whole[] = {
        0xd5033fbf, /* DMB SY */
        0xd5033f9f, /* DSB SY */
        0xd5033bbf, /* DMB ISH */
        0xd5033fdf, /* ISB */
        0xd503201f, /* NOP */
        0xd503203f, /* YIELD */
        0xd50320ff, /* XPACLRI without a tag */
        0xd503245f, /* BTI C */
    };
    static const uint32_t deep[] = {
        0xd50b7420, /* DC ZVA, X0 */
        0xd50b7b20, /* DC CVAU, X0 */
        0xd50b7520, /* IC IVAU, X0 */
        0xd5380000, /* MRS X0, MIDR_EL1: traps at EL0 */
        0xd5384240, /* MRS X0, CurrentEL */
        0xd53be000, /* MRS X0, CNTFRQ_EL0 */
        0xd53b0020, /* MRS X0, CTR_EL0 */
        0xd53b00e0, /* MRS X0, DCZID_EL0 */
    };
    bool user = m->p->kind == PROGRAM_USER;

    switch (below(m, user ? 3 : 6)) {
    case 0: put(m, words[below(m, ARRAY_SIZE(words) - (user ? 3 : 0))] | spare(m)); break;
    case 1:
        load_constant(m, 0, random_next(&m->rng) & 0x07c80000);
        put(m, 0xd51b4400); /* MSR FPCR, X0 */
        break;
    case 2: put(m, whole[below(m, user ? 5 : ARRAY_SIZE(whole))]); break;
    case 3: put(m, deep[below(m, 3)] | (19 + below(m, 2))); break;
    case 4: /* IC IVAU of the program's own code, which has not changed */
        put(m, adr(R_TARGET, m->n, below(m, PROGRAM_WORDS)));
        put(m, 0xd50b7520u | R_TARGET);
        break;
    default: put(m, deep[3 + below(m, ARRAY_SIZE(deep) - 3)] | spare(m)); break;
    }
}

static void put_exception(struct maker *m)
{
    switch (below(m, m->p->kind == PROGRAM_USER ? 2 : 4)) {
    case 0: put(m, below(m, 0x10000)); break;                        /* UDF */
    case 1: put(m, 0xd4200000u | below(m, 0x10000) << 5); break;     /* BRK */
    case 2: put(m, 0xd4000001u | below(m, PROGRAM_END) << 5); break; /* SVC */
    default:
        if (m->p->el0) {
            put(m, 0xd5181000u | spare(m)); /* MSR SCTLR_EL1 */
        }
    }
}

/* ---- Control flow ---------------------------------------------------------------------------- */

static void block(struct maker *m, unsigned items, unsigned depth);

/* A conditional branch to a place that is known when the rest has been made. */
static uint32_t forward_branch(struct maker *m)
{
    unsigned r = below(m, 31);

    switch (below(m, 4)) {
    case 0: return 0x34000000u | below(m, 2) << 31 | below(m, 2) << 24 | r; /* CBZ, CBNZ */
    case 1:
        return 0x36000000u | below(m, 2) << 24 | below(m, 64) % 32 << 19 | below(m, 2) << 31 | r;
    default: return 0x54000000u | below(m, 14); /* B.cond */
    }
}

static void patch_branch(struct maker *m, unsigned at, unsigned to)
{
    uint32_t *word = &m->p->code[at], delta = to - at;

    if ((*word & 0x7e000000) == 0x36000000) { /* TBZ, TBNZ */
        *word |= (delta & 0x3fff) << 5;
    } else {
        *word |= (delta & 0x7ffff) << 5;
    }
}

static void put_skip(struct maker *m, unsigned depth)
{
    unsigned at = m->n;

    put(m, forward_branch(m));
    block(m, 1 + below(m, 5), depth + 1);
    patch_branch(m, at, m->n);
}

static void put_loop(struct maker *m, unsigned depth)
{
    unsigned counter = R_LOOP + (depth & 1), top;

    put(m, 0xd2800000u | (2 + below(m, 5)) << 5 | counter);
    top = m->n;
    block(m, 2 + below(m, 5), depth + 1);
    if (below(m, 2) != 0) {
        put(m, 0xf1000400u | counter << 5 | counter); /* SUBS */
        put(m, 0x54000001u | ((top - m->n) & 0x7ffff) << 5);
    } else {
        put(m, 0xd1000400u | counter << 5 | counter); /* SUB; CBNZ */
        put(m, 0xb5000000u | ((top - m->n) & 0x7ffff) << 5 | counter);
    }
}

/* Loads (bit 22 set) and stores, with their immediate or register offset to be filled in. */
static void put_run_access(struct maker *m, unsigned base, unsigned index)
{
    static const uint32_t post[] = { 0xf8400400, 0xf8000400, 0xb8400400, 0xb8000400,
                                     0x38400400, 0x38000400, 0x78c00400, 0xb8800400,
                                     0x3cc00400, 0x3c800400, 0xfc400400, 0xf8400c00 }; /* by imm9 */
    static const uint32_t scaled[] = { 0xf9400000, 0xf9000000, 0xb9400000, 0x39000000,
                                       0x79400000, 0x3dc00000, 0x3d800000, 0xfd400000 };
    static const uint32_t indexed[] = { 0xf8604800, 0xf8204800, 0xb8604800, 0x38604800,
                                        0x38204800, 0x78604800, 0x3ce04800, 0x3ca04800 };
    static const uint32_t options[] = { 2u << 13, 3u << 13, 6u << 13, 7u << 13 };
    unsigned rt = below(m, 15);

    switch (below(m, 6)) {
    case 0:
    case 1:
        put(m, post[below(m, ARRAY_SIZE(post))] | (1u << below(m, 4)) << 12 | base << 5 | rt);
        break;
    case 2:
        put(m, scaled[below(m, ARRAY_SIZE(scaled))] | below(m, 6) << 10 | base << 5 | rt);
        break;
    case 3:
        put(m, (below(m, 2) != 0 ? 0xa9400000u : 0xad000000u) | below(m, 3) << 15 | 16u << 10 |
                   base << 5 | rt);
        break;
    default:
        put(m, (indexed[below(m, ARRAY_SIZE(indexed))] & ~0xe000u) | index << 16 |
                   options[below(m, ARRAY_SIZE(options))] | below(m, 2) << 12 | base << 5 | rt);
    }
}

/* What moves a base or the index between accesses. */
static void put_run_step(struct maker *m, unsigned base, unsigned index)
{
    switch (below(m, 6)) {
    case 0: put(m, 0x91000000u | (1u << below(m, 4)) << 10 | base << 5 | base); break; /* ADD */
    case 1: put(m, 0x91000000u | (1 + below(m, 4)) << 10 | index << 5 | index); break; /* ADD */
    case 2: put(m, 0x39400000u | base << 5 | index); break;                            /* LDRB */
    case 3: put(m, 0x12001800u | below(m, 15) << 5 | index); break; /* AND Wi, Wn, #127 */
    case 4:
        if (m->p->kind == PROGRAM_SYSTEM) {
            put(m, 0xd1000000u | (1u << below(m, 4)) << 10 | base << 5 | base); /* SUB */
        }
        break;
    default: put(m, 0x11000400u | index << 5 | index); /* ADD Wi, Wi, #1 */
    }
}

/* A loop with as many iterations as are worth a copy (jit/loop.c): accesses that move on, perhaps to where they fault. */
static void put_run(struct maker *m, unsigned depth)
{
    static const uint8_t bases[] = { 19, 20, 27, 28 };
    unsigned counter = R_LOOP + (depth & 1), a = bases[below(m, 4)], b = bases[below(m, 4)];
    unsigned index = R_TARGET, top, items = 2 + below(m, 7);

    bool user = m->p->kind == PROGRAM_USER; /* far from the end: see data_address */

    if (user) {
        load_constant(m, a, PROGRAM_DATA_VA + below(m, 1024));
        load_constant(m, b, PROGRAM_DATA_VA + below(m, 1024));
    } else {
        reload(m, a);
        reload(m, b);
    }
    put(m, 0xd2800000u | below(m, 64) << 5 | index);
    put(m, 0xd2800000u | (8 + below(m, user ? 8 : 24)) << 5 | counter);
    top = m->n;
    while (items-- > 0) {
        unsigned what = below(m, 20), base = below(m, 2) != 0 ? a : b;
        if (what < 11) {
            put_run_access(m, base, index);
        } else if (what < 14) {
            put_run_step(m, base, index);
        } else if (what < 17) {
            put_plain(m, ROWS_INT);
        } else if (what < 18) {
            put_plain(m, ROWS_FP);
        } else {
            put_skip(m, 3);
        }
    }
    put(m, 0xf1000400u | counter << 5 | counter); /* SUBS; B.NE */
    put(m, 0x54000001u | ((top - m->n) & 0x7ffff) << 5);
}

static void put_call(struct maker *m)
{
    unsigned to = m->function[below(m, FUNCTIONS)];

    if (!m->functions_known) {
        return;
    }
    if (below(m, 2) != 0) {
        put(m, 0x94000000u | ((to - m->n) & 0x3ffffff));
    } else {
        put(m, adr(R_TARGET, m->n, to));
        put(m, 0xd63f0000u | R_TARGET << 5); /* BLR */
    }
}

/* B or BR over something that is never executed. */
static void put_jump(struct maker *m)
{
    unsigned at = m->n, over = 1 + below(m, 4);

    if (below(m, 2) != 0) {
        put(m, 0x14000000u | (over + 1));
    } else {
        put(m, adr(R_TARGET, at, at + 2 + over));
        put(m, 0xd61f0000u | R_TARGET << 5);
    }
    for (unsigned i = 0; i < over; i++) {
        put_plain(m, ROWS_INT);
    }
    while (m->n < at + over + (m->p->code[at] >> 26 == 5 ? 1 : 2)) {
        put(m, 0);
    }
}

static void put_control(struct maker *m, unsigned depth)
{
    switch (below(m, 6)) {
    case 0:
        if (depth < 2) {
            put_loop(m, depth);
        }
        break;
    case 5:
        if (depth < 2) {
            put_run(m, depth);
        }
        break;
    case 1: put_call(m); break;
    case 2: put_jump(m); break;
    default:
        if (depth < 3) {
            put_skip(m, depth);
        }
    }
}

static void block(struct maker *m, unsigned items, unsigned depth)
{
    for (unsigned i = 0; i < items && m->n < m->room; i++) {
        unsigned what = below(m, 100);
        if (what < 46) {
            put_plain(m, ROWS_INT);
        } else if (what < 68) {
            put_access(m);
        } else if (what < 70) {
            put_neighbours(m);
        } else if (what < 84) {
            put_plain(m, ROWS_FP);
        } else if (what < 88) {
            put_system(m);
        } else if (what < 90) {
            put_exception(m);
        } else {
            put_control(m, depth);
        }
    }
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* Not in the middle of a loop: a function uses its own counters only. */
static void make_functions(struct maker *m)
{
    m->n = 2 * 1024 + below(m, 1000);
    m->room = PROGRAM_WORDS - 200;
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        if (below(m, 2) != 0) {
            put(m, 0xd503245f); /* BTI C */
        }
        m->function[i] = m->n - (m->n > 0 && m->p->code[m->n - 1] == 0xd503245f);
        for (unsigned n = 2 + below(m, 12); n > 0; n--) {
            put_plain(m, ROWS_INT);
            put_access(m);
            if (below(m, 4) == 0) {
                put_skip(m, 3);
            }
        }
        put(m, 0xd65f03c0); /* RET */
    }
    m->functions_known = true;
}

static void make_main(struct maker *m)
{
    unsigned top;

    m->n = m->p->start = below(m, 1020);
    m->room = 1900;
    for (unsigned i = 0; i < 5; i++) {
        static const uint8_t pointers[] = { 19, 20, 27, 28, 31 };
        reload(m, pointers[i]);
    }
    put(m, 0xd2800000u | (3 + below(m, 4)) << 5 | R_OUTER);
    top = m->n;
    block(m, 8 + below(m, 50), 0);
    put(m, 0xf1000400u | R_OUTER << 5 | R_OUTER);
    put(m, 0x54000040u); /* B.EQ over the next */
    put(m, 0x14000000u | ((top - m->n) & 0x3ffffff));
    m->p->end = m->n;
    put(m, 0xd4000001u | PROGRAM_END << 5);
}

void program_make(struct program *p, const struct a64_table *table, uint64_t seed,
                  enum program_kind kind)
{
    struct maker m = { .p = p, .table = table, .rng = { (seed + 1) * 0x9e3779b97f4a7c15ull | 1 } };

    memset(p, 0, sizeof(*p));
    p->seed = seed;
    p->kind = kind;
    sort_rows(&m);
    p->el0 = kind == PROGRAM_USER || below(&m, 2) != 0;
    p->guarded = kind == PROGRAM_SYSTEM && below(&m, 4) == 0;
    p->aligned = kind == PROGRAM_SYSTEM && below(&m, 8) == 0;
    p->two_cpus = below(&m, 3) == 0;
    p->heat = 1 + below(&m, 3);
    p->copies = below(&m, 2) != 0;
    p->count = seed % 2 != 0;
    generate_state(&m.rng, FPCR_ANY, &p->state);
    make_functions(&m);
    make_main(&m);
    p->state.pc = PROGRAM_CODE_VA + 4 * p->start;
}
