/*
 * nzcv.c - NZCV in SPSR when an interrupt comes: as the last instruction that sets them has left them, also if nobody reads them.
 *
 * DDI 0487, "Exception entry": SPSR has PSTATE at the point of the interrupt. A translator that drops NZCV which are set again
 * before they are read has to make them up here. The virtual timer interrupts the loops of nzcv.S, which never read most of what
 * they compare; the handler knows from ELR and the registers what NZCV have to be. Each loop is interrupted while it is new and
 * long after, at EL1 and at EL0. When interrupts come and how many differs from run to run, so that is not printed. A loop to which none
 * comes has no end.
 */
#include "nzcv.h"
#include "ppi.h"

#define TIMER 27u

#define P_I     (1ull << 7)
#define USER_VA 0x3000000000ull /* the memory of a loop at EL0; at EL1 it is in a block */
#define BYTES   0x8000u

#define INTERRUPTS 100   /* of each loop at each level, at least */
#define OLD        70000 /* iterations: it has been translated for good by then */
#define OLD_ONES   40    /* interrupts of an old loop */
#define LATEST_US  100   /* the longest time to the next one */

/* ---- What NZCV are of ------------------------------------------------------------------------ */

/* What on_interrupt has on the stack. */
struct frame {
    u64 x0_17[18], x29, x30, elr, spsr, x19_28[10], lr, unused;
};
_Static_assert(sizeof(struct frame) == 272, "start.S knows");

struct row {
    u64 from;
    uint16_t kind, a, b, c;
};
extern const struct row rows[];

static u64 reg(const struct frame *f, unsigned n)
{
    return n < 18 ? f->x0_17[n] : n >= 19 && n < 29 ? f->x19_28[n - 19] : 0;
}

/* N is bit 3. */
static u64 add(u64 a, u64 b, u64 carry, unsigned bits)
{
    u64 mask = ~0ull >> (64 - bits), sum, sign, over, out;

    a &= mask;
    b &= mask;
    sum = (a + b + carry) & mask;
    out = carry != 0 ? sum <= a : sum < a;
    over = ((a ^ sum) & (b ^ sum)) >> (bits - 1) & 1;
    sign = sum >> (bits - 1);
    return sign << 3 | (u64)(sum == 0) << 2 | out << 1 | over;
}

static u64 logic(u64 v, unsigned bits)
{
    v <<= 64 - bits;
    return v >> 63 << 3 | (u64)(v == 0) << 2;
}

static bool is_nan(u64 v)
{
    return v << 1 > 0x7ffull << 53;
}

/* Doubles in the order of integers. */
static int64_t in_order(u64 v)
{
    return (int64_t)(v >> 63 != 0 ? -(v << 1 >> 1) : v);
}

static u64 compared(u64 a, u64 b)
{
    if (is_nan(a) || is_nan(b)) {
        return 3;
    }
    return in_order(a) == in_order(b) ? 6 : in_order(a) < in_order(b) ? 8 : 2;
}

static u64 nzcv_of(u64 kind, u64 a, u64 b, u64 c)
{
    unsigned bits = kind & KIND_W ? 32 : 64;

    switch (kind & ~(u64)KIND_W) {
    case KIND_ADD: return add(a, b, 0, bits);
    case KIND_SUB: return add(a, ~b, 1, bits);
    case KIND_ADC: return add(a, b, c, bits);
    case KIND_SBC: return add(a, ~b, c, bits);
    case KIND_AND: return logic(a & b, bits);
    case KIND_BIC: return logic(a & ~b, bits);
    case KIND_CCMP: return c != 0 ? add(a, ~b, 1, bits) : CCMP_ELSE;
    case KIND_CCMN: return c != 0 ? add(a, b, 0, bits) : CCMP_ELSE;
    case KIND_FCMP: return compared(a, b);
    case KIND_FCCMP: return c != 0 ? compared(a, b) : CCMP_ELSE;
    case KIND_BITS: return field(a, 28, 4);
    case KIND_LEFT: return add(a + b, ~b, 1, bits);
    case KIND_MOVED: return add(a - c, ~b, 1, bits);
    default: return 16; /* no NZCV are that */
    }
}

/* ---- The handler ----------------------------------------------------------------------------- */

void on_interrupt(void);
void judge(struct frame *f);
extern const u32 stuck_here[];

static struct {
    const struct row *rows; /* of the loop that runs */
    u64 old;                /* after so many iterations the loop is old */
    u64 count, count_old, wrong, others;
    u64 elr, spsr, expected; /* the first that was wrong */
    u64 random;
    u64 us; /* in ticks */
} now;

static u64 draw(void)
{
    now.random = now.random * 6364136223846793005 + 1442695040888963407;
    return now.random >> 33;
}

/* Sometimes so soon that the loop does not get any further. */
static void next_interrupt(void)
{
    MSR("cntv_tval_el0", draw() % (LATEST_US * now.us));
    isb();
}

static void compare(const struct frame *f, const struct row *r)
{
    u64 want = r->kind == KIND_NOTED || r->kind == KIND_FREE
                   ? nzcv_of(reg(f, 9), reg(f, 10), reg(f, 11), reg(f, 12))
                   : nzcv_of(r->kind, reg(f, r->a), reg(f, r->b), reg(f, r->c));

    now.count++;
    now.count_old += reg(f, 20) >= now.old;
    if (f->spsr >> 28 != want && now.wrong++ == 0) {
        now.elr = f->elr;
        now.spsr = f->spsr;
        now.expected = want;
    }
}

/* It is not always the code before it that has set what a place of a loop is entered with. */
static void change(struct frame *f)
{
    f->x0_17[9] = KIND_BITS;
    f->x0_17[10] = draw() << 28;
    f->spsr = field(f->spsr, 0, 28) | (f->x0_17[10] & 0xf0000000);
}

void judge(struct frame *f)
{
    u32 id = (u32)MRS("s3_0_c12_c12_0");
    const struct row *r = now.rows;

    dsb();
    while (r[1].from <= f->elr) {
        r++;
    }
    if (id != TIMER) {
        now.others++;
    } else if (f->elr >= r->from && r->kind != KIND_END) {
        compare(f, r);
        if (r->kind == KIND_FREE && draw() % 2 == 0) {
            change(f);
        }
    }
    f->x0_17[16] = draw() % 4 == 0;
    f->x0_17[17] |= now.count >= INTERRUPTS && now.count_old >= OLD_ONES;
    f->x19_28[1] += draw() % 8; /* translated code may look for interrupts each 1024 iterations */
    if (f->elr == (u64)(uintptr_t)stuck_here && f->x0_17[16] != 0) {
        f->elr += 4;
    }
    next_interrupt();
    if (id < 1020) {
        MSR("s3_0_c12_c12_1", id);
        isb();
    }
}

/* ---- The loops ------------------------------------------------------------------------------- */

extern const struct loop {
    const u32 *code;
    const char *name;
} loops[], loops_end[];
extern const u32 masked[], stuck[];

static const struct level {
    const char *name;
    u64 pstate, memory;
    bool known; /* all of the loop has been executed when it becomes hot */
} levels[] = { { "el1", EL1H, (u64)(uintptr_t)play, true }, { "el0", EL0T, USER_VA, false } };

#define ONCE (1ull << 63)

static const struct trap *run(const struct loop *l, const struct level *v, u64 pstate, u64 start)
{
    return probe(pstate, l->code, v->memory, start, 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9,
                 0x94d049bb133111eb, 0xd6e8feb86659fd93);
}

static const struct trap *run_interrupted(const struct loop *l, const struct level *v)
{
    const struct trap *t;

    now.rows = rows;
    while (now.rows->from < (u64)(uintptr_t)l->code) {
        now.rows++;
    }
    now.old = l->code == stuck ? 100 : OLD;
    now.count = now.count_old = now.wrong = now.others = 0;
    this_cpu->irq = on_interrupt;
    next_interrupt();
    MSR("cntv_ctl_el0", 1);
    t = run(l, v, v->pstate & ~P_I, 0);
    MSR("cntv_ctl_el0", 0);
    isb();
    this_cpu->irq = NULL;
    return t;
}

static void try(const struct loop *l, const struct level *v)
{
    const char *what = name("nzcv.%s-%s", l->name, v->name);

    /* A translator that has seen every way, and where it ends, may know that NZCV are set again on all of them. */
    for (u64 start = 0; v->known && l->code != stuck && start < 8;
         start = start * 2 + (start == 0)) {
        run(l, v, v->pstate, start | ONCE);
    }
    const struct trap *t = run_interrupted(l, v);
    if (!done(t) || now.others != 0) {
        check(what, "UNEXPECTED vec=%u esr=%x elr=%l others=%u", t->vec, t->esr, t->elr,
              now.others);
    } else if (now.wrong != 0) {
        check(what, "wrong %u of %u, first at +%x: nzcv=%x, has to be %x", now.wrong, now.count,
              now.elr - (u64)(uintptr_t)l->code, now.spsr >> 28, now.expected);
    } else {
        check(what, "right");
    }
}

/* Numbers of which each combination of NZCV comes often. */
static void fill(void)
{
    for (u64 n = 0; n < BYTES / 8; n++) {
        u64 high = draw() & 0x70000000;
        wr64(PLAY + n * 8, high << 33 | (draw() & 0xe0));
    }
    for (u64 n = 0; n < BYTES; n += 4096) {
        half_map(&lower, USER_VA + n, PLAY + n, PTE_AF | PTE_IS | PTE_USER | PTE_XN, 3);
    }
    flush();
}

int main(void)
{
    mmu_default();
    fill();
    gic_on();
    wr32(ISENABLER, 1u << TIMER);
    isb();
    now.us = MRS("cntfrq_el0") / 1000000;
    for (const struct loop *l = loops; l != loops_end; l++) {
        try(l, &levels[0]);
        if (l->code != masked) {
            try(l, &levels[1]);
        }
    }
    wr32(ICENABLER, 1u << TIMER);
    return 0;
}
