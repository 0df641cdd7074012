/*
 * tlbi.c - the reach of each TLBI: what must be gone after it and its DSB.
 *
 * DDI 0487, "TLB maintenance instructions", "TLB range maintenance instructions", "Address space identifiers",
 * "Translation table level hints". An address is used (loads and fetches of EL1 and EL0), its descriptor is cleared, a TLBI
 * that reaches it is done, and each use must fault; then the descriptor leads elsewhere, and that is where the loads must
 * go. Nothing here asks for stale entries: dropping more is always allowed.
 */
#include "access.h"

#define ASID     0x15ull
#define OTHER    0x2aull
#define RET      0xd65f03c0ull
#define MARK(n)  ((u64)(n) << 32 | RET) /* data that can be executed */
#define FAR_BASE 0x44000000ull          /* memory that nothing else uses */

/* ---- The instructions ------------------------------------------------------------------------ */

enum kind { ALL, VA, ASIDE, VAA, RANGE, RANGE_ALL_ASIDS };

/* clang-format off */
#define OPS \
    O(vmalle1, ALL, 0) O(vae1, VA, 0) O(aside1, ASIDE, 0) O(vaae1, VAA, 0) \
    O(vale1, VA, 1) O(vaale1, VAA, 1) O(rvae1, RANGE, 0) O(rvaae1, RANGE_ALL_ASIDS, 0) \
    O(rvale1, RANGE, 1) O(rvaale1, RANGE_ALL_ASIDS, 1)

#define SYS_TLBI(text, x)           SYS1("tlbi " text, x)
#define DO_ALL(text, x)             ASM("tlbi " text)
#define DO_VA(text, x)              SYS_TLBI(text, x)
#define DO_ASIDE(text, x)           SYS_TLBI(text, x)
#define DO_VAA(text, x)             SYS_TLBI(text, x)
#define DO_RANGE(text, x)           SYS_TLBI(text, x)
#define DO_RANGE_ALL_ASIDS(text, x) SYS_TLBI(text, x)

#define O(op, kind, leaf)                                        \
    static void op_##op(u64 x) { DO_##kind(#op, x); }            \
    static void op_##op##is(u64 x) { DO_##kind(#op "is", x); }   \
    static void op_##op##os(u64 x) { DO_##kind(#op "os", x); }
OPS
#undef O

enum scope { HERE, INNER, OUTER };
/* clang-format on */

static const struct op {
    const char *name;
    void (*fn)(u64 x);
    enum kind kind;
    bool leaf;
    enum scope scope;
} ops[] = {
#define O(op, kind, leaf)                                                             \
    { #op, op_##op, kind, leaf, HERE }, { #op "is", op_##op##is, kind, leaf, INNER }, \
        { #op "os", op_##op##os, kind, leaf, OUTER },
    OPS
#undef O
};

/* What it takes to name va, a page of the granule, in the address space asid. hint: the level that the entry has, or 0. */
static u64 operand(const struct op *op, const struct half *h, u64 va, u64 asid, int hint)
{
    u64 tg = h->gran / 2 - 5; /* 4, 16, 64 KB: 1, 2, 3 */

    switch (op->kind) {
    case ALL: return 0;
    case ASIDE: return asid << 48;
    case VA: break;
    case VAA: asid = 0; break;
    case RANGE_ALL_ASIDS: asid = 0; /* fall through */
    case RANGE: return asid << 48 | tg << 46 | (u64)hint << 37 | field(va, h->gran, 37);
    }
    return asid << 48 | (hint != 0 ? tg << 46 | (u64)hint << 44 : 0) | field(va, 12, 44);
}

static void maintain(const struct op *op, u64 x)
{
    dsb();
    op->fn(x);
    ASM("dsb ish\nisb");
}

/* ---- One address ----------------------------------------------------------------------------- */

/* A place in the address space, and the two places that it leads to in turn. */
struct spot {
    struct half *h;
    const char *gran, *kind;
    u64 va;    /* of the words */
    u64 *desc; /* what changes */
    u64 first, second, clear;
    bool ng;
};

static const struct {
    const char *name;
    u64 spsr;
    const u32 *code;
} uses[] = {
    { "ld1", EL1H, a_ldr }, { "ld0", EL0T, a_ldr }, { "ex1", EL1H, a_exec }, { "ex0", EL0T, a_exec }
};

static u64 use(unsigned n, u64 va)
{
    const struct trap *t = probe1(uses[n].spsr, uses[n].code, va);

    return done(t) ? (uses[n].code == a_ldr ? t->x[0] >> 32 : 0) : t->esr;
}

static void set(u64 *desc, u64 value)
{
    *(volatile u64 *)desc = value;
    ASM("dsb ish\nisb");
}

/* The exceptions of each use after the TLBI, and what loads find at the end. */
static void try_here(const struct spot *s, const struct op *op, int hint)
{
    u64 esr[ARRAY(uses)];

    set(s->desc, s->first);
    flush();
    for (unsigned i = 0; i < ARRAY(uses); i++) {
        use(i, s->va);
    }
    set(s->desc, s->clear);
    maintain(op, operand(op, s->h, s->va, ASID, hint));
    for (unsigned i = 0; i < ARRAY(uses); i++) {
        esr[i] = use(i, s->va);
    }
    set(s->desc, s->second);
    check(name("tlbi.%s-%s-%s-%s-%s%s", s->gran, s->h->upper ? "upper" : "lower", s->kind,
               s->ng ? "ng" : "g", op->name, hint ? "-hint" : ""),
          "%w %w %w %w then %x %x", esr[0], esr[1], esr[2], esr[3], use(0, s->va), use(1, s->va));
}

/* Must an operation reach it? table: the descriptor that changes is that of a table. */
static bool reaches(const struct op *op, bool ng, bool table)
{
    return !(op->kind == ASIDE && !ng) && !(op->leaf && table);
}

static void try_spot(const struct spot *s, int level, bool table)
{
    for (unsigned i = 0; i < ARRAY(ops); i++) {
        if (!reaches(&ops[i], s->ng, table)) {
            continue;
        }
        try_here(s, &ops[i], 0);
        if (ops[i].kind != ALL && ops[i].kind != ASIDE && !table) {
            try_here(s, &ops[i], level);
        }
    }
}

/* ---- Kinds of address ------------------------------------------------------------------------ */

#define ATTR (PTE_AF | PTE_USER | PTE_RO | PTE_IS)

static void set_asid(u64 asid)
{
    MSR("ttbr0_el1", (MRS("ttbr0_el1") & ~(0xffffull << 48)) | asid << 48);
    isb();
}

/* One mark in play and one at the same offset of another block, as seen with the MMU off. */
static void put_marks(void)
{
    sctlr_set(0, SCTLR_M);
    for (u64 page = 0; page < 4; page++) {
        wr64(PLAY + (page << 16), MARK(0xa + page));
    }
    for (u64 bits = 21; bits <= 25; bits += 4) {
        u64 to = FAR_BASE + (bits == 25 ? 1ull << 25 : 0) + (PLAY & ((1ull << bits) - 1));
        wr64(to, MARK(0xf));
        SYS1("dc civac", to);
        SYS1("ic ivau", to);
    }
    ASM("dsb ish\nisb");
}

static void page_spot(struct half *h, const char *gran, u64 va, bool ng)
{
    u64 attr = ATTR | (ng ? PTE_NG : 0) | 3;
    struct spot s = { .h = h, .gran = gran, .kind = "page", .va = va, .ng = ng };

    s.desc = half_desc(h, va, 3);
    s.first = PLAY | attr;
    s.second = (PLAY + 0x10000) | attr;
    try_spot(&s, 3, false);
}

/* Blocks of level 2; of 64 KB granules there is but one in memory. */
static void block_spot(struct half *h, const char *gran, u64 va, bool ng)
{
    u64 attr = ATTR | (ng ? PTE_NG : 0) | 1;
    u64 size = 1ull << half_shift(h, 2);
    u64 other = FAR_BASE + (h->gran == 14 ? size : 0);
    struct spot s = { .h = h, .gran = gran, .kind = "block", .ng = ng };

    s.va = va + (PLAY & (size - 1));
    s.desc = half_desc(h, va, 2);
    s.first = (PLAY & ~(size - 1)) | attr;
    s.second = h->gran == 16 ? s.first : other | attr;
    try_spot(&s, 2, false);
}

/* A table of level 3 is taken away, and another put in its place. */
static void table_spot(struct half *h, const char *gran, u64 va, bool ng)
{
    u64 attr = ATTR | (ng ? PTE_NG : 0) | 3;
    struct spot s = { .h = h, .gran = gran, .kind = "table", .va = va, .ng = ng };

    for (unsigned i = 0; i < 2; i++) {
        s.desc = half_desc(h, va, 2);
        *s.desc = 0;
        *half_desc(h, va, 3) = (PLAY + 0x10000 * i) | attr;
        *(i == 0 ? &s.first : &s.second) = *s.desc;
    }
    try_spot(&s, 2, true);
}

static void half_spots(struct half *h, const char *what)
{
    u64 top = half_first(h) + (1ull << (h->bits - 2));

    for (unsigned ng = 0; ng < 2; ng++) {
        page_spot(h, what, top + 0x10000, ng);
        block_spot(h, what, top + (1ull << 30), ng);
        table_spot(h, what, top + (1ull << 31), ng);
    }
}

static void all_spots(void)
{
    static const struct {
        const char *name;
        unsigned gran, bits;
    } grans[] = { { "4k", 12, 39 }, { "16k", 14, 47 }, { "64k", 16, 42 } };

    for (unsigned i = 0; i < ARRAY(grans); i++) {
        struct half lo, hi;

        tables_free();
        half_init(&lo, false, grans[i].gran, grans[i].bits, false);
        half_map_guest(&lo);
        mmu_set(&lo, NULL, TCR_AS);
        set_asid(ASID);
        half_spots(&lo, grans[i].name);
        tables_free();
        half_init(&hi, true, grans[i].gran, grans[i].bits, false);
        mmu_set(&lower, &hi, TCR_AS);
        set_asid(ASID);
        half_spots(&hi, grans[i].name);
    }
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

/* Pages at both ends and in the middle of each size of range. */
static void range_sizes(struct half *h, const char *what)
{
    static const struct {
        u8 scale, num;
    } sizes[] = { { 0, 0 },  { 0, 1 }, { 0, 7 },  { 0, 31 }, { 1, 0 }, { 1, 1 },
                  { 1, 31 }, { 2, 0 }, { 2, 31 }, { 3, 0 },  { 3, 31 } };
    const u64 base = half_first(h) + (1ull << (h->bits - 1)) - (1ull << (h->bits - 3));

    for (unsigned i = 0; i < ARRAY(sizes); i++) {
        u64 pages = (u64)(sizes[i].num + 1) << (5 * sizes[i].scale + 1);
        u64 at[] = { 0, 1, pages / 2 - 1, pages / 2, pages - 2, pages - 1 };
        unsigned gone = 0, filled = 0;

        if (pages << h->gran > 1ull << (h->bits - 3)) {
            continue;
        }
        for (unsigned n = 0; n < ARRAY(at); n++) {
            half_map(h, base + (at[n] << h->gran), PLAY, ATTR | PTE_NG, 3);
        }
        flush();
        for (unsigned n = 0; n < ARRAY(at); n++) {
            filled += use(0, base + (at[n] << h->gran)) == 0xa;
        }
        for (unsigned n = 0; n < ARRAY(at); n++) {
            *half_desc(h, base + (at[n] << h->gran), 3) = 0;
        }
        dsb();
        SYS1("tlbi rvae1is", ASID << 48 | (u64)(h->gran / 2 - 5) << 46 | (u64)sizes[i].scale << 44 |
                                 (u64)sizes[i].num << 39 | field(base, h->gran, 37));
        ASM("dsb ish\nisb");
        for (unsigned n = 0; n < ARRAY(at); n++) {
            gone += use(0, base + (at[n] << h->gran)) == 0x96000007;
        }
        check(name("tlbi.range-%s-%s-scale%u-num%u", what, h->upper ? "upper" : "lower",
                   (u64)sizes[i].scale, (u64)sizes[i].num),
              "filled=%u gone=%u", (u64)filled, (u64)gone);
    }
}

static void ranges(void)
{
    static const struct {
        const char *name;
        unsigned gran, bits;
    } grans[] = { { "4k", 12, 39 }, { "16k", 14, 47 }, { "64k", 16, 48 } };

    for (unsigned i = 0; i < 2 * ARRAY(grans); i++) {
        bool upper = i % 2 != 0;
        struct half h;

        tables_free();
        half_init(&h, upper, grans[i / 2].gran, grans[i / 2].bits, false);
        if (!upper) {
            half_map_guest(&h);
        }
        mmu_set(upper ? &lower : &h, upper ? &h : NULL, TCR_AS);
        set_asid(ASID);
        range_sizes(&h, grans[i / 2].name);
    }
}

/* ---- Address spaces -------------------------------------------------------------------------- */

/* Two tables with the same addresses: the guest, a page that is not global, and one that is. */
struct space {
    struct half h;
    u64 asid;
};

#define NG_VA 0x2000010000ull
#define G_VA  0x2000020000ull

static void space_init(struct space *s, u64 asid, unsigned page)
{
    half_init(&s->h, false, 12, 39, false);
    half_map_guest(&s->h);
    half_map(&s->h, NG_VA, PLAY + 0x10000 * page, ATTR | PTE_NG, 3);
    half_map(&s->h, G_VA, PLAY + 0x30000, ATTR, 3);
    s->asid = asid;
}

/* a1: TTBR1_EL1 holds the ASID. It is set first: the new ASID meets the old table only in code that is global. */
static void space_enter(const struct space *s, bool a1)
{
    u64 table = (u64)(uintptr_t)s->h.table;

    if (a1) {
        MSR("ttbr1_el1", s->asid << 48);
        isb();
    }
    MSR("ttbr0_el1", table | (a1 ? 0 : s->asid << 48));
    isb();
}

static void two_spaces(const char *what, u64 asid_a, u64 asid_b, u64 tcr, bool a1)
{
    struct space a, b;

    tables_free();
    space_init(&a, asid_a, 0);
    space_init(&b, asid_b, 1);
    mmu_set(&a.h, NULL, tcr | (a1 ? TCR_A1 : 0));
    space_enter(&a, a1);
    flush();
    for (unsigned turn = 0; turn < 3; turn++) {
        space_enter(turn % 2 == 0 ? &a : &b, a1);
        check(name("tlbi.asid-%s-turn%u", what, (u64)turn), "%x %x %x %x", use(0, NG_VA),
              use(1, NG_VA), use(0, G_VA), use(1, G_VA));
    }
    for (unsigned i = 0; i < ARRAY(ops); i++) {
        /* b is running, a's page goes away and comes back elsewhere; b's stays what it is. */
        u64 *desc = half_desc(&a.h, NG_VA, 3);
        u64 esr[2];

        set(desc, PLAY | ATTR | PTE_NG | 3);
        flush();
        space_enter(&a, a1);
        use(0, NG_VA);
        use(1, NG_VA);
        space_enter(&b, a1);
        use(0, NG_VA);
        set(desc, 0);
        maintain(&ops[i], operand(&ops[i], &a.h, NG_VA, asid_a, 0));
        u64 still = use(0, NG_VA);
        u64 global = use(1, G_VA);
        space_enter(&a, a1);
        esr[0] = use(0, NG_VA);
        esr[1] = use(1, NG_VA);
        set(desc, (PLAY + 0x20000) | ATTR | PTE_NG | 3);
        check(name("tlbi.asid-%s-%s", what, ops[i].name), "%w %w then %x other=%x global=%x",
              esr[0], esr[1], use(1, NG_VA), still, global);
    }
    space_enter(&a, a1);
}

/* ---- Two CPUs -------------------------------------------------------------------------------- */

/* Handing work over costs a turn of the host's scheduler where it has one CPU: few calls, each with much to do. */
static const struct op *far_op;
static u64 far_seen[ARRAY(uses)];

static u64 far_maintain(u64 x)
{
    maintain(far_op, x);
    return 0;
}

static u64 far_use(u64 va)
{
    for (unsigned i = 0; i < ARRAY(uses); i++) {
        far_seen[i] = use(i, va);
    }
    return 0;
}

/* Both CPUs have used the address; one clears the descriptor and does the TLBI, and neither may use it any more. */
static void try_two(const struct spot *s, const struct op *op, bool there)
{
    u64 x = operand(op, s->h, s->va, ASID, 0);
    u64 esr;

    set(s->desc, s->first);
    flush();
    use(0, s->va);
    use(1, s->va);
    cpu1_call(far_use, s->va);
    set(s->desc, 0);
    if (there) {
        far_op = op;
        cpu1_call(far_maintain, x);
        isb();
    } else {
        maintain(op, x);
    }
    esr = use(0, s->va);
    cpu1_call(far_use, s->va);
    set(s->desc, s->second);
    check(name("tlbi.two-%s-%s-%s-%s-by%u", s->h->upper ? "upper" : "lower", s->kind,
               s->ng ? "ng" : "g", op->name, (u64)there),
          "%w there %w %w %w %w then %x", esr, far_seen[0], far_seen[1], far_seen[2], far_seen[3],
          use(0, s->va));
}

static void two_cpus(void)
{
    struct half hi;

    tables_free();
    half_init(&hi, true, 12, 39, false);
    mmu_set(&lower, &hi, TCR_AS);
    set_asid(ASID);
    cpu1_start();
    for (unsigned n = 0; n < 8; n++) {
        bool upper = n & 1, ng = n & 2, block = n & 4;
        if (block && upper) {
            continue;
        }
        struct half *h = upper ? &hi : &lower;
        u64 va = half_first(h) + (3ull << 36) + (block ? 1ull << 31 : 0);
        u64 attr = ATTR | (ng ? PTE_NG : 0) | (block ? 1 : 3);
        struct spot s = { .h = h, .va = va, .ng = ng };

        s.kind = block ? "block" : "page";
        s.desc = half_desc(h, va, block ? 2 : 3);
        s.va += block ? PLAY & 0x1fffff : 0;
        s.first = (block ? PLAY & ~0x1fffffull : PLAY) | attr;
        s.second = (block ? FAR_BASE : PLAY + 0x10000) | attr;
        for (unsigned i = 0; i < ARRAY(ops); i++) {
            if (ops[i].scope != HERE && reaches(&ops[i], ng, false)) {
                try_two(&s, &ops[i], false);
                try_two(&s, &ops[i], true);
            }
        }
        set(s.desc, 0);
        flush();
    }
    cpu1_leave();
}

int main(void)
{
    mmu_default();
    put_marks();
    all_spots();
    ranges();
    two_spaces("ttbr0", ASID, OTHER, TCR_AS, false);
    two_spaces("ttbr1", ASID, OTHER, TCR_AS, true);
    two_spaces("16-bits", 0x100 | ASID, ASID, TCR_AS, false);
    two_spaces("8-bits", ASID, OTHER, 0, false);
    two_cpus();
    return 0;
}
