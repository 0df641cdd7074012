// shapes.c - litmus shapes: short programs of two to four CPUs whose forbidden outcome must never be seen.
//
// DDI 0487, "Definition of the Armv8 memory model"; names as in the literature (MP: message passing, SB: store buffering,
// LB: load buffering, ...). Each variant orders the two accesses of a CPU in one of the ways that the architecture offers.
// "weak" counts the outcome of the shape where nothing forbids it: it shows that the runs overlap.
#include "litmus.h"

// ---- Accesses and what is between them. Volatile, with "memory": the compiler keeps their order.
#define ASM(...) __asm__ volatile(__VA_ARGS__ : "memory")

#define STORE(insn, p, v) ASM(insn " %w1, [%0]" ::"r"(p), "r"(v))
#define LOAD(insn, v, p)  ASM(insn " %w0, [%1]" : "=r"(v) : "r"(p))
#define SWAP(insn, p, v)  ASM(insn " %w1, wzr, [%0]" ::"r"(p), "r"(v))
#define FETCH(insn, v, p) ASM(insn " wzr, %w0, [%1]" : "=r"(v) : "r"(p))
#define EXCLUSIVE(ld, st, p, v)                                          \
    do {                                                                 \
        uint32_t old_, failed_;                                          \
        ASM("1: " ld " %w0, [%2]\n " st " %w1, %w3, [%2]\n cbnz %w1, 1b" \
            : "=&r"(old_), "=&r"(failed_)                                \
            : "r"(p), "r"(v));                                           \
    } while (0)

#define W_str(p, v)     STORE("str", p, v)
#define W_stlr(p, v)    STORE("stlr", p, v)
#define W_swpal(p, v)   SWAP("swpal", p, v)
#define W_stxr(p, v)    EXCLUSIVE("ldxr", "stxr", p, v)
#define W_stlxr(p, v)   EXCLUSIVE("ldaxr", "stlxr", p, v)
#define R_ldr(v, p)     LOAD("ldr", v, p)
#define R_ldar(v, p)    LOAD("ldar", v, p)
#define R_ldapr(v, p)   ASM(".arch_extension rcpc\n ldapr %w0, [%1]" : "=r"(v) : "r"(p))
#define R_ldaddal(v, p) FETCH("ldaddal", v, p)
#define R_ldaxr(v, p)        \
    do {                     \
        LOAD("ldaxr", v, p); \
        ASM("clrex" ::);     \
    } while (0)

#define F_none \
    do {       \
    } while (0)
// Orders nothing, but takes a while.
#define F_pause                                \
    do {                                       \
        for (unsigned n_ = 0; n_ < 64; n_++) { \
            ASM("" ::);                        \
        }                                      \
    } while (0)
#define F_dmb   ASM("dmb ish" ::)
#define F_dmbst ASM("dmb ishst" ::)
#define F_dmbld ASM("dmb ishld" ::)
#define F_dsb   ASM("dsb ish" ::)

// What one CPU saw: two values.
struct seen {
    uint32_t a, b;
};
// Two locations, far apart.
struct place {
    uint32_t x, pad1[31], y, pad2[31];
};

typedef struct seen part(struct place *p);

// Parts by shape: a store and a store, a store and a load, a load and a store, two loads.
#define WW(name, p1, v1, W1, F, p2, v2, W2)  \
    static struct seen name(struct place *p) \
    {                                        \
        W_##W1(&p->p1, v1);                  \
        F_##F;                               \
        W_##W2(&p->p2, v2);                  \
        return (struct seen){ 0, 0 };        \
    }
#define WR(name, p1, v1, W1, F, p2, R2)      \
    static struct seen name(struct place *p) \
    {                                        \
        uint32_t v;                          \
        W_##W1(&p->p1, v1);                  \
        F_##F;                               \
        R_##R2(v, &p->p2);                   \
        return (struct seen){ v, 0 };        \
    }
#define RW(name, p1, R1, F, p2, v2, W2)      \
    static struct seen name(struct place *p) \
    {                                        \
        uint32_t v;                          \
        R_##R1(v, &p->p1);                   \
        F_##F;                               \
        W_##W2(&p->p2, v2);                  \
        return (struct seen){ v, 0 };        \
    }
#define RR(name, p1, R1, F, p2, R2)          \
    static struct seen name(struct place *p) \
    {                                        \
        uint32_t v, w;                       \
        R_##R1(v, &p->p1);                   \
        F_##F;                               \
        R_##R2(w, &p->p2);                   \
        return (struct seen){ v, w };        \
    }
#define W_(name, p1, v1, W1)                 \
    static struct seen name(struct place *p) \
    {                                        \
        W_##W1(&p->p1, v1);                  \
        return (struct seen){ 0, 0 };        \
    }
// The second address or value depends on what was loaded.
#define RR_ADDR(name, p1, R1, p2)                                                                \
    static struct seen name(struct place *p)                                                     \
    {                                                                                            \
        uint64_t v, zero;                                                                        \
        uint32_t w;                                                                              \
        R_##R1(v, &p->p1);                                                                       \
        ASM("eor %0, %2, %2\n ldr %w1, [%3, %0]" : "=&r"(zero), "=&r"(w) : "r"(v), "r"(&p->p2)); \
        return (struct seen){ (uint32_t)v, w };                                                  \
    }
#define RW_DATA(name, p1, p2, v2)                                   \
    static struct seen name(struct place *p)                        \
    {                                                               \
        uint32_t v, w;                                              \
        R_ldr(v, &p->p1);                                           \
        ASM("eor %w0, %w1, %w1\n add %w0, %w0, %w2\n str %w0, [%3]" \
            : "=&r"(w)                                              \
            : "r"(v), "r"(v2), "r"(&p->p2));                        \
        return (struct seen){ v, w };                               \
    }

// ---- The outcome of each shape that ordering forbids
#define OUTCOME(name) static bool name(const struct seen *c, const struct place *p)
OUTCOME(is_mp)
{
    return c[1].a == 1 && c[1].b == 0;
}
OUTCOME(is_sb)
{
    return c[0].a == 0 && c[1].a == 0;
}
OUTCOME(is_lb)
{
    return c[0].a == 1 && c[1].a == 1;
}
OUTCOME(is_s)
{
    return c[1].a == 1 && p->x == 2;
}
OUTCOME(is_r)
{
    return p->y == 2 && c[1].a == 0;
}
OUTCOME(is_ww)
{
    return p->x == 1 && p->y == 1;
}
OUTCOME(is_iriw)
{
    return c[2].a == 1 && c[2].b == 0 && c[3].a == 1 && c[3].b == 0;
}
// Coherence: two reads of one place never go back in time.
OUTCOME(is_co)
{
    return c[1].a == 2 && c[1].b == 1;
}

// ---- Parts: SHAPE(suffix, how CPU 0 does it, how CPU 1 does it)
#define MP(n, W1, F1, W2, R1, F2, R2) \
    WW(mp0_##n, x, 1, W1, F1, y, 1, W2) RR(mp1_##n, y, R1, F2, x, R2)
#define SB(n, W, F, R) WR(sb0_##n, x, 1, W, F, y, R) WR(sb1_##n, y, 1, W, F, x, R)
#define LB(n, R, F, W) RW(lb0_##n, x, R, F, y, 1, W) RW(lb1_##n, y, R, F, x, 1, W)
#define S(n, W1, F1, W2, R1, F2, W3) \
    WW(s0_##n, x, 2, W1, F1, y, 1, W2) RW(s1_##n, y, R1, F2, x, 1, W3)
#define R(n, W1, F1, W2, W3, F2, R2) \
    WW(r0_##n, x, 1, W1, F1, y, 1, W2) WR(r1_##n, y, 2, W3, F2, x, R2)
#define WWWW(n, W1, F, W2) WW(ww0_##n, x, 1, W1, F, y, 2, W2) WW(ww1_##n, y, 1, W1, F, x, 2, W2)
#define IRIW(n, W, R1, F, R2) \
    W_(ir0_##n, x, 1, W)      \
    W_(ir1_##n, y, 1, W) RR(ir2_##n, x, R1, F, y, R2) RR(ir3_##n, y, R1, F, x, R2)

MP(plain, str, none, str, ldr, none, ldr)
MP(dmb, str, dmb, str, ldr, dmb, ldr)
MP(dmbstld, str, dmbst, str, ldr, dmbld, ldr)
MP(dsb, str, dsb, str, ldr, dsb, ldr)
MP(relacq, str, none, stlr, ldar, none, ldr)
MP(relacqpc, str, none, stlr, ldapr, none, ldr)
MP(excl, str, none, stlxr, ldaxr, none, ldr)
MP(amo, str, none, swpal, ldaddal, none, ldr)
WW(mp0_addr, x, 1, str, dmbst, y, 1, str)
RR_ADDR(mp1_addr, y, ldr, x)

SB(plain, str, none, ldr)
SB(dmb, str, dmb, ldr)
SB(dsb, str, dsb, ldr)
SB(relacq, stlr, none, ldar)
SB(exclacq, stlxr, none, ldar)
SB(excldmb, stxr, dmb, ldr)
SB(amo, swpal, none, ldaddal)
SB(amoacq, swpal, none, ldar)

LB(plain, ldr, none, str)
LB(dmb, ldr, dmb, str)
LB(dmbld, ldr, dmbld, str)
LB(acq, ldar, none, str)
LB(acqpc, ldapr, none, str)
LB(rel, ldr, none, stlr)
LB(excl, ldaxr, none, stxr)
LB(amo, ldaddal, none, swpal)
RW_DATA(lb0_data, x, y, 1)
RW_DATA(lb1_data, y, x, 1)

S(plain, str, none, str, ldr, none, str)
S(dmb, str, dmb, str, ldr, dmb, str)
S(dmbstld, str, dmbst, str, ldr, dmbld, str)
S(relacq, str, none, stlr, ldar, none, str)
S(excl, str, none, stlxr, ldaxr, none, stxr)
S(amo, str, none, swpal, ldaddal, none, swpal)

R(plain, str, none, str, str, none, ldr)
R(dmb, str, dmb, str, str, dmb, ldr)
R(dsb, str, dsb, str, str, dsb, ldr)
R(relacq, stlr, none, stlr, stlr, none, ldar)
R(excl, stlxr, none, stlxr, stlxr, none, ldar)
R(amo, swpal, none, swpal, swpal, none, ldaddal)

WWWW(plain, str, none, str)
WWWW(dmb, str, dmb, str)
WWWW(dmbst, str, dmbst, str)
WWWW(rel, str, none, stlr)
WWWW(excl, stlxr, none, stlxr)
WWWW(amo, swpal, none, swpal)

IRIW(plain, str, ldr, none, ldr)
IRIW(dmb, str, ldr, dmb, ldr)
IRIW(dmbld, str, ldr, dmbld, ldr)
IRIW(acq, str, ldar, none, ldr)
IRIW(relacq, stlr, ldar, none, ldar)
IRIW(excl, stlxr, ldaxr, none, ldar)
IRIW(amo, swpal, ldaddal, none, ldaddal)

WW(co0, x, 1, str, pause, x, 2, str)
RR(co1, x, ldr, pause, x, ldr)

static const struct shape {
    const char *name;
    bool (*outcome)(const struct seen *c, const struct place *p);
    bool forbidden;
    part *parts[CPUS];
} table[] = {
// clang-format off
#define WEAK(NAME, s, is, n) { NAME "+" #n, is, false, { s##0_##n, s##1_##n } },
#define TWO(NAME, s, is, n)  { NAME "+" #n, is, true, { s##0_##n, s##1_##n } },
#define FOUR(n, forbidden)   { "IRIW+" #n, is_iriw, forbidden, { ir0_##n, ir1_##n, ir2_##n, ir3_##n } },
    WEAK("MP", mp, is_mp, plain)
    TWO("MP", mp, is_mp, dmb)
    TWO("MP", mp, is_mp, dmbstld)
    TWO("MP", mp, is_mp, dsb)
    TWO("MP", mp, is_mp, relacq)
    TWO("MP", mp, is_mp, relacqpc)
    TWO("MP", mp, is_mp, excl)
    TWO("MP", mp, is_mp, amo)
    TWO("MP", mp, is_mp, addr)
    WEAK("SB", sb, is_sb, plain)
    TWO("SB", sb, is_sb, dmb)
    TWO("SB", sb, is_sb, dsb)
    TWO("SB", sb, is_sb, relacq)
    TWO("SB", sb, is_sb, exclacq)
    TWO("SB", sb, is_sb, excldmb)
    TWO("SB", sb, is_sb, amo)
    TWO("SB", sb, is_sb, amoacq)
    WEAK("LB", lb, is_lb, plain)
    TWO("LB", lb, is_lb, dmb)
    TWO("LB", lb, is_lb, dmbld)
    TWO("LB", lb, is_lb, acq)
    TWO("LB", lb, is_lb, acqpc)
    TWO("LB", lb, is_lb, rel)
    TWO("LB", lb, is_lb, excl)
    TWO("LB", lb, is_lb, amo)
    TWO("LB", lb, is_lb, data)
    WEAK("S", s, is_s, plain)
    TWO("S", s, is_s, dmb)
    TWO("S", s, is_s, dmbstld)
    TWO("S", s, is_s, relacq)
    TWO("S", s, is_s, excl)
    TWO("S", s, is_s, amo)
    WEAK("R", r, is_r, plain)
    TWO("R", r, is_r, dmb)
    TWO("R", r, is_r, dsb)
    TWO("R", r, is_r, relacq)
    TWO("R", r, is_r, excl)
    TWO("R", r, is_r, amo)
    WEAK("2+2W", ww, is_ww, plain)
    TWO("2+2W", ww, is_ww, dmb)
    TWO("2+2W", ww, is_ww, dmbst)
    TWO("2+2W", ww, is_ww, rel)
    TWO("2+2W", ww, is_ww, excl)
    TWO("2+2W", ww, is_ww, amo)
    FOUR(plain, false)
    FOUR(dmb, true)
    FOUR(dmbld, true)
    FOUR(acq, true)
    FOUR(relacq, true)
    FOUR(excl, true)
    FOUR(amo, true)
    { "CoRR", is_co, true, { co0, co1 } },
    // clang-format on
};

// ---- Running
#define BATCH 512

static struct place places[BATCH];
static struct seen results[CPUS][BATCH];
static uint32_t turn[CPUS][32]; // how far each CPU is, a line each
static const struct shape *shape;
static unsigned parts;
static uint64_t outcomes, mixed;

// How long a CPU waits for the others before a run, and how far apart they may start: which of them makes most of the outcomes
// depends on the host, and on what else it does. A batch has one of them.
static const struct pace {
    unsigned spins;
    uint32_t delays; // a mask
} paces[] = { { 200, 15 }, { 200, 63 }, { 2000, 63 }, { 2000, 255 } };

// Waits until the others are about as far, but not for long: they may not be running at all.
static void meet(unsigned cpu, uint32_t i, unsigned limit)
{
    __atomic_store_n(&turn[cpu][0], i, __ATOMIC_RELAXED);
    for (unsigned other = 0; other < parts; other++) {
        for (unsigned spins = 0;
             spins < limit && __atomic_load_n(&turn[other][0], __ATOMIC_RELAXED) < i; spins++) {
        }
    }
}

// The lines of a place are here, or elsewhere, by chance: that shifts the two accesses against those of the others.
static void warm(const struct place *p, uint32_t chance)
{
    uint32_t v;

    if (chance & 1) {
        R_ldr(v, &p->x);
    }
    if (chance & 2) {
        R_ldr(v, &p->y);
    }
}

static void batch(unsigned cpu, uint32_t number)
{
    const struct pace *pace = &paces[number % (sizeof(paces) / sizeof(paces[0]))];
    uint32_t random = 4 * number + cpu;

    for (uint32_t i = 0; i < BATCH; i++) {
        uint32_t chance = any(&random);
        warm(&places[i], chance >> 8);
        meet(cpu, i, parts == CPUS ? paces[0].spins : pace->spins);
        for (uint32_t delay = chance & pace->delays; delay != 0; delay--) {
            ASM("" ::);
        }
        results[cpu][i] = shape->parts[cpu](&places[i]);
    }
}

// ---- How far the runs overlap: outcomes that no order of whole programs explains
struct result {
    struct seen seen[CPUS];
    uint32_t x, y;
};
static struct result orders[2]; // CPU 0 first, CPU 1 first; of shapes of two CPUs

static bool same(const struct result *a, const struct result *b)
{
    bool equal = a->x == b->x && a->y == b->y;

    for (unsigned c = 0; c < parts; c++) {
        equal = equal && a->seen[c].a == b->seen[c].a && a->seen[c].b == b->seen[c].b;
    }
    return equal;
}

static void make_orders(void)
{
    for (unsigned first = 0; first < 2; first++) {
        struct place *place = &places[0];
        struct result *r = &orders[first];
        r->seen[first] = shape->parts[first](place);
        r->seen[!first] = shape->parts[!first](place);
        r->x = place->x;
        r->y = place->y;
        place->x = place->y = 0;
    }
}

// With four CPUs every allowed outcome has such an order; there the two that read must both have come between the two that
// write.
static bool is_mixed(const struct result *r)
{
    if (parts == CPUS) {
        return r->seen[2].a != r->seen[2].b && r->seen[3].a != r->seen[3].b;
    }
    return !same(r, &orders[0]) && !same(r, &orders[1]);
}

static void count(void)
{
    for (unsigned i = 0; i < BATCH; i++) {
        struct result r = { .x = places[i].x, .y = places[i].y };
        for (unsigned c = 0; c < parts; c++) {
            r.seen[c] = results[c][i];
        }
        outcomes += shape->outcome(r.seen, &places[i]);
        mixed += is_mixed(&r);
        places[i].x = places[i].y = 0;
    }
}

static void runs(unsigned cpu)
{
    for (uint64_t n = 0; n < RUNS; n += BATCH) {
        barrier();
        batch(cpu, (uint32_t)(n / BATCH));
        barrier();
        if (cpu != 0) {
            continue;
        }
        count();
        for (unsigned c = 0; c < CPUS; c++) {
            turn[c][0] = 0;
        }
    }
}

void shapes(void)
{
    for (shape = table; shape < table + sizeof(table) / sizeof(table[0]); shape++) {
        for (parts = 2; parts < CPUS && shape->parts[parts] != 0; parts++) {
        }
        outcomes = mixed = 0;
        if (parts == 2) {
            make_orders();
        }
        together(parts, runs);
        put(shape->name);
        put(shape->forbidden ? " forbidden " : " weak ");
        put_number(outcomes);
        put(" of ");
        put_number((RUNS + BATCH - 1) / BATCH * BATCH);
        put(", mixed ");
        put_number(mixed);
        put("\n");
    }
}
