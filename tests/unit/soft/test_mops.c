/*
 * test_mops.c - memory copy and memory set (FEAT_MOPS) against a model that moves bytes one by one.
 *
 * DDI 0487, CPYFP, CPYP, SETP and "Memory Copy and Memory Set exceptions"; the choices are those that op_mops.c lists
 * (option A, everything in the main part). A case is run twice: by the three instructions, and in `struct model`, which
 * knows which pages can be read and written; registers, memory and the syndrome of a fault must be the same.
 */
#include "rig.h"

#include <string.h>

enum kind { CPYF, CPY, SET };
enum stage { PROLOGUE, MAIN, EPILOGUE };
enum { OPT_WT = 1, OPT_RT = 2, OPT_T = 3, OPT_WN = 4, OPT_RN = 8 };
enum { XD = 3, XS = 5, XN = 7 }; /* the registers of all tests */

static uint32_t mops(enum kind kind, enum stage stage, unsigned options, unsigned d, unsigned s,
                     unsigned n)
{
    uint32_t word = 0x19000400u | s << 16 | n << 5 | d;

    if (kind == SET) {
        return word | 3u << 22 | (uint32_t)stage << 14 | options << 12;
    }
    return word | (kind == CPY ? 1u << 26 : 0) | (uint32_t)stage << 22 | options << 12;
}

static uint32_t insn(enum kind kind, enum stage stage, unsigned options)
{
    return mops(kind, stage, options, XD, XS, XN);
}

/* All three, then HVC #1. */
static void put_sequence(struct rig *r, enum kind kind, unsigned options)
{
    RIG_CODE(r, CODE, insn(kind, PROLOGUE, options), insn(kind, MAIN, options),
             insn(kind, EPILOGUE, options), I_HVC(1));
}

static void set_args(struct rig *r, uint64_t to, uint64_t from, uint64_t size)
{
    rig_set(r, REG_X0 + XD, to);
    rig_set(r, REG_X0 + XS, from);
    rig_set(r, REG_X0 + XN, size);
}

static void expect_args(struct rig *r, uint64_t to, uint64_t from, uint64_t size)
{
    assert_int_equal(rig_get(r, REG_X0 + XD), to);
    assert_int_equal(rig_get(r, REG_X0 + XS), from);
    assert_int_equal(rig_get(r, REG_X0 + XN), size);
}

/* ---- Prologues ------------------------------------------------------------------------------- */

static void test_prologue(void **state)
{
    const uint64_t big = 0x7fffffffffffffff, big_copy = 0x007fffffffffffff, tag = 0xa5ull << 56;
    const struct {
        enum kind kind;
        uint64_t to, from, size;
        uint64_t to_after, from_after, size_after;
    } rows[] = {
        { CPYF, 1000, 2000, 100, 1100, 2100, -100ull },
        { CPYF, 1000, 2000, 0, 1000, 2000, 0 },
        { CPYF, 1050, 1000, 100, 1150, 1100, -100ull }, /* forward whatever overlaps */
        { CPYF, 8, 16, big, 8 + big, 16 + big, -big },
        { CPYF, 8, 16, big + 1, 8 + big, 16 + big, -big },
        { CPYF, 8, 16, UINT64_MAX, 8 + big, 16 + big, -big },
        { CPY, 1000, 2000, 100, 1100, 2100, -100ull },
        { CPY, 1000, 2000, 0, 1000, 2000, 0 },
        { CPY, 1000, 1000, 100, 1100, 1100, -100ull },
        { CPY, 1000, 1001, 100, 1100, 1101, -100ull },
        { CPY, 1001, 1000, 100, 1001, 1000, 100 },
        { CPY, 1099, 1000, 100, 1099, 1000, 100 },
        { CPY, 1100, 1000, 100, 1200, 1100, -100ull }, /* just not overlapping */
        { CPY, 1001, 1000, 1, 1002, 1001, -1ull },
        { CPY, 1001 | tag, 1000, 100, 1001 | tag, 1000, 100 }, /* bits 55:0 are compared */
        { CPY, 1000, 1001 | tag, 100, 1100, 1101 | tag, -100ull },
        { CPY, 8, 16, big_copy, 8 + big_copy, 16 + big_copy, -big_copy },
        { CPY, 8, 16, big_copy + 1, 8 + big_copy, 16 + big_copy, -big_copy },
        { CPY, 16, 8, UINT64_MAX, 16, 8, big_copy },
        { SET, 1000, 77, 100, 1100, 77, -100ull },
        { SET, 1000, 77, 0, 1000, 77, 0 },
        { SET, 8, 77, big, 8 + big, 77, -big },
        { SET, 8, 77, 1ull << 63, 8 + big, 77, -big },
    };
    struct rig r;

    rig_make(&r);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        for (unsigned options = 0; options < (rows[i].kind == SET ? 4 : 16); options++) {
            RIG_CODE(&r, CODE, insn(rows[i].kind, PROLOGUE, options), I_HVC(1));
            set_args(&r, rows[i].to, rows[i].from, rows[i].size);
            rig_run_as(&r, EL1H | MASKED | 0xfu << 28, CODE);
            rig_expect_hvc(&r, 1);
            expect_args(&r, rows[i].to_after, rows[i].from_after, rows[i].size_after);
            assert_int_equal(rig_get(&r, REG_PSTATE) >> 28, 0);
        }
    }
    rig_drop(&r);
}

/* ---- The model ------------------------------------------------------------------------------- */

/*
 * VA is a window of pages that are mapped to DATA. Three in a row are 2 MB further on at VA2, the same slots of the TLB.
 */
#define VA    0x10000000ull
#define VA2   (VA + 0x200000)
#define PAGES 6u
#define BYTES (PAGES * SOFT_PAGE)

enum { CAN_READ = 1, CAN_WRITE = 2, IS_DEVICE = 4 };

struct model {
    uint8_t mem[BYTES];
    uint8_t page[PAGES]; /* CAN_* */
    uint64_t x[31];
    bool faulted, fault_write;
    uint64_t fault_va;
};

static unsigned page_of(uint64_t va)
{
    assert_in_range(va, VA, VA + BYTES - 1);
    return (unsigned)((va - VA) / SOFT_PAGE);
}

static bool model_can(struct model *m, uint64_t va, bool write)
{
    if ((m->page[page_of(va)] & (write ? CAN_WRITE : CAN_READ)) == 0) {
        m->faulted = true;
        m->fault_write = write;
        m->fault_va = va;
        return false;
    }
    return true;
}

/* Goes on byte by byte with `done` of `size` bytes moved; after a fault x[] is as the main part leaves it. */
static void model_go_on(struct model *m, enum kind kind, uint64_t to, uint64_t from, uint64_t size,
                        uint64_t done, bool back)
{
    m->faulted = false;
    for (; done < size; done++) {
        const uint64_t i = back ? size - 1 - done : done;

        m->x[XD] = back ? to : to + size;
        m->x[XS] = kind == SET || back ? from : from + size;
        m->x[XN] = back ? size - done : done - size;
        if ((kind != SET && !model_can(m, from + i, false)) || !model_can(m, to + i, true)) {
            return;
        }
        m->mem[to + i - VA] = kind == SET ? (uint8_t)from : m->mem[from + i - VA];
        m->x[XN] = back ? size - done - 1 : done + 1 - size;
    }
}

static bool goes_back(enum kind kind, uint64_t to, uint64_t from, uint64_t size)
{
    return kind == CPY && from < to && from + size > to;
}

static void model_run(struct model *m, enum kind kind)
{
    const uint64_t to = m->x[XD], from = m->x[XS], size = m->x[XN];

    model_go_on(m, kind, to, from, size, 0, goes_back(kind, to, from, size));
}

/* ---- Both ------------------------------------------------------------------------------------ */

struct both {
    struct rig r;
    struct tables t;
    struct model m;
};

static void map_page(struct both *b, unsigned page, unsigned can)
{
    const uint64_t attrs = (can & CAN_WRITE ? 0 : D_RO) | (can & IS_DEVICE ? D_DEVICE : 0);
    uint64_t *desc = tables_desc(&b->t, VA + page * SOFT_PAGE, 3);

    b->m.page[page] = (uint8_t)can;
    *desc = 0;
    if (can & CAN_READ) {
        tables_map(&b->t, VA + page * SOFT_PAGE, DATA + page * SOFT_PAGE, 3, D_AF | D_XN | attrs);
    }
    tlb_drop_all(b->r.cpu);
}

static void both_make(struct both *b, uint64_t max_insns)
{
    rig_make(&b->r, .max_insns = max_insns, .count = true);
    tables_init(&b->t, &b->r, 12);
    for (unsigned page = 0; page < PAGES; page++) {
        map_page(b, page, CAN_READ | CAN_WRITE);
    }
    tables_on(&b->t, 0);
}

static uint64_t random_state = 1;

static uint64_t random64(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void both_fill(struct both *b)
{
    for (unsigned i = 0; i < BYTES; i++) {
        b->m.mem[i] = (uint8_t)random64();
    }
    memcpy(rig_at(&b->r, DATA), b->m.mem, BYTES);
}

static void both_args(struct both *b, uint64_t to, uint64_t from, uint64_t size)
{
    set_args(&b->r, to, from, size);
    b->m.x[XD] = to;
    b->m.x[XS] = from;
    b->m.x[XN] = size;
}

static void both_equal(struct both *b)
{
    expect_args(&b->r, b->m.x[XD], b->m.x[XS], b->m.x[XN]);
    assert_memory_equal(rig_at(&b->r, DATA), b->m.mem, BYTES);
}

static void expect_fault(struct both *b, unsigned fsc)
{
    rig_expect_exception(&b->r, V_SPX, EC_DABT_SAME, fsc | (uint32_t)b->m.fault_write << 6);
    assert_int_equal(rig_sys(&b->r, FAR_EL1), b->m.fault_va);
    assert_int_equal(rig_sys(&b->r, ELR_EL1), CODE + 4);
}

/* The same has come out, be it the end or a fault. */
static void both_outcome(struct both *b)
{
    if (b->m.faulted) {
        expect_fault(b, b->m.page[page_of(b->m.fault_va)] & CAN_READ ? 0xf : 7);
    } else {
        rig_expect_hvc(&b->r, 1);
    }
    both_equal(b);
}

static void both_run(struct both *b, enum kind kind)
{
    model_run(&b->m, kind);
    rig_run_as(&b->r, EL1H | MASKED, CODE);
    both_outcome(b);
}

/* Where CPYF is not to be used, its result depends on the size of blocks. */
static bool is_for_cpyf(uint64_t to, uint64_t from, uint64_t size)
{
    return from >= to || from + size <= to;
}

static uint64_t random_size(void)
{
    switch (random64() % 4) {
    case 0: return random64() % 20;
    case 1: return random64() % 300;
    case 2: return random64() % SOFT_PAGE;
    default: return random64() % (2 * SOFT_PAGE);
    }
}

/* Addresses that often overlap. */
static void random_args(struct both *b, enum kind kind)
{
    uint64_t size = random_size(), span = BYTES - size;
    uint64_t to = VA + random64() % span, from = VA + random64() % span;

    if (random64() % 2) {
        from = to + random64() % 64 - 32;
        from = from < VA ? VA : from > VA + span ? VA + span : from;
    }
    if (kind == CPYF && !is_for_cpyf(to, from, size)) {
        from = to;
    }
    both_args(b, to, kind == SET ? random64() : from, size);
}

static void check_random(uint64_t max_insns, unsigned times)
{
    struct both *b = calloc(1, sizeof(*b));

    both_make(b, max_insns);
    for (unsigned i = 0; i < times; i++) {
        enum kind kind = (enum kind)(random64() % 3);
        put_sequence(&b->r, kind,
                     (unsigned)random64() % (kind == SET ? 4 : 16) & ~(kind == SET ? 1u : 3u));
        both_fill(b);
        random_args(b, kind);
        both_run(b, kind);
    }
    rig_drop(&b->r);
    free(b);
}

static void test_random(void **state)
{
    check_random(0, 3000);
    check_random(1ull << 40, 300); /* with an instruction limit ops are lowered otherwise */
}

/* Pages that cannot be read, cannot be written, or are Device memory; the handler mends the page and goes on. */
static void test_faults(void **state)
{
    static const uint8_t cans[] = { 0, CAN_READ, CAN_READ | CAN_WRITE, CAN_READ | CAN_WRITE,
                                    CAN_READ | CAN_WRITE | IS_DEVICE };
    struct both *b = calloc(1, sizeof(*b));
    unsigned faults = 0;

    both_make(b, 0);
    for (unsigned i = 0; i < 2000; i++) {
        enum kind kind = (enum kind)(random64() % 3);
        uint64_t to, from, size;

        put_sequence(&b->r, kind, 0);
        for (unsigned page = 0; page < PAGES; page++) {
            map_page(b, page, cans[random64() % ARRAY_SIZE(cans)]);
        }
        both_fill(b);
        random_args(b, kind);
        to = b->m.x[XD], from = b->m.x[XS], size = b->m.x[XN];
        both_run(b, kind);
        for (; b->m.faulted; faults++) {
            map_page(b, page_of(b->m.fault_va), CAN_READ | CAN_WRITE);
            uint64_t left = (int64_t)b->m.x[XN] < 0 ? -b->m.x[XN] : b->m.x[XN];
            model_go_on(&b->m, kind, to, from, size, size - left, goes_back(kind, to, from, size));
            rig_run(&b->r, rig_sys(&b->r, ELR_EL1));
            both_outcome(b);
        }
    }
    assert_true(faults > 500);
    rig_drop(&b->r);
    free(b);
}

/* Source and destination in the same slot of the TLB. */
static void test_same_tlb_slot(void **state)
{
    struct both *b = calloc(1, sizeof(*b));
    uint64_t fills;

    both_make(b, 0);
    both_fill(b);
    for (unsigned page = 0; page < 3; page++) {
        tables_map(&b->t, VA2 + page * SOFT_PAGE, DATA + (3 + page) * SOFT_PAGE, 3, D_AF | D_XN);
    }
    put_sequence(&b->r, CPYF, 0);
    set_args(&b->r, VA2, VA, 3 * SOFT_PAGE);
    fills = b->r.cpu->priv->stats.tlb_fills;
    rig_run(&b->r, CODE);
    rig_expect_hvc(&b->r, 1);
    assert_memory_equal(rig_at(&b->r, DATA + 3 * SOFT_PAGE), b->m.mem, 3 * SOFT_PAGE);
    assert_in_range(b->r.cpu->priv->stats.tlb_fills - fills, 6, 12);
    rig_drop(&b->r);
    free(b);
}

/* ---- Interruptions --------------------------------------------------------------------------- */

/* Somebody who wants attention gets it after a block; the instruction goes on from its registers. */
static void test_stepping(void **state)
{
    for (enum kind kind = CPYF; kind <= SET; kind++) {
        for (unsigned back = 0; back <= (kind == CPY); back++) {
            struct both *b = calloc(1, sizeof(*b));
            uint64_t left, last;
            unsigned steps = 0;

            both_make(b, 0);
            both_fill(b);
            put_sequence(&b->r, kind, 0);
            both_args(b, VA + (back ? 777 : 10), VA + (back ? 20 : 555), 4 * SOFT_PAGE);
            model_run(&b->m, kind);
            rig_set(&b->r, REG_PSTATE, EL1H | MASKED);
            rig_set(&b->r, REG_PC, CODE);
            soft_step(b->r.cpu);
            assert_int_equal(rig_get(&b->r, REG_PC), CODE + 4);
            last = 4 * SOFT_PAGE + 1;
            while (rig_get(&b->r, REG_PC) == CODE + 4) {
                left = rig_get(&b->r, REG_X0 + XN);
                left = back ? left : -left;
                assert_true(left < last);
                last = left;
                soft_step(b->r.cpu);
                steps++;
            }
            assert_in_range(steps, 5, 10); /* no block crosses a page */
            assert_int_equal(rig_get(&b->r, REG_PC), CODE + 8);
            assert_int_equal(rig_get(&b->r, REG_X0 + XN), 0);
            soft_step(b->r.cpu);
            assert_int_equal(rig_get(&b->r, REG_PC), CODE + 12);
            both_equal(b);
            rig_drop(&b->r);
            free(b);
        }
    }
}

/* An interrupt is taken between two blocks of the main part, which then goes on. */
static void test_interrupt(void **state)
{
    struct both *b = calloc(1, sizeof(*b));

    both_make(b, 0);
    both_fill(b);
    put_sequence(&b->r, SET, 0);
    both_args(b, VA, 0x5c, BYTES);
    accel_soft.set_lines(b->r.vcpu, true, false); /* masked at first: one block is stepped */
    rig_set(&b->r, REG_X0 + XD, VA + BYTES);
    rig_set(&b->r, REG_X0 + XN, -(uint64_t)BYTES);
    rig_set(&b->r, REG_PSTATE, EL1H | MASKED);
    rig_set(&b->r, REG_PC, CODE + 4);
    soft_step(b->r.cpu);
    rig_run_as(&b->r, EL1H, rig_get(&b->r, REG_PC));
    rig_expect_hvc(&b->r, V_SPX + V_IRQ);
    assert_int_equal(rig_sys(&b->r, ELR_EL1), CODE + 4);
    assert_int_equal(rig_get(&b->r, REG_X0 + XN), -(uint64_t)(BYTES - SOFT_PAGE));
    accel_soft.set_lines(b->r.vcpu, false, false);
    rig_run_as(&b->r, EL1H, CODE + 4);
    rig_expect_hvc(&b->r, 1);
    b->m.x[XD] = VA;
    model_run(&b->m, SET);
    both_equal(b);
    rig_drop(&b->r);
    free(b);
}

/* Instructions are counted once however often they are interrupted. */
static void test_count(void **state)
{
    struct both *b = calloc(1, sizeof(*b));
    struct accel_stats before, after;

    both_make(b, 0);
    put_sequence(&b->r, CPY, 0);
    set_args(&b->r, VA, VA + 100, 5 * SOFT_PAGE);
    accel_soft.stats(b->r.vcpu, &before);
    rig_set(&b->r, REG_PC, CODE);
    while (rig_get(&b->r, REG_PC) != CODE + 12) {
        soft_step(b->r.cpu);
    }
    rig_run(&b->r, CODE + 12);
    accel_soft.stats(b->r.vcpu, &after);
    assert_int_equal(after.insns - before.insns, 4);
    rig_drop(&b->r);
    free(b);
}

/* ---- Memory Copy and Memory Set exceptions --------------------------------------------------- */

static uint32_t mops_iss(enum kind kind, enum stage stage, unsigned options, bool wrong_option)
{
    return (uint32_t)(kind == SET) << 24 | options << 19 | (uint32_t)(stage == EPILOGUE) << 18 |
           (uint32_t)wrong_option << 17 | 1u << 16 | XD << 10 | XS << 5 | XN;
}

static void test_mismatch(void **state)
{
    const uint32_t c = 1u << 29;
    const struct {
        enum kind kind;
        enum stage stage;
        uint32_t flags;
        int64_t size;
        int wrong_option; /* -1: no exception */
    } rows[] = {
        { CPYF, MAIN, c, -8, 1 },
        { CPYF, MAIN, c, 8, 1 },
        { CPYF, MAIN, 0, 8, 0 },
        { CPYF, MAIN, c, 0, -1 },
        { CPYF, MAIN, 0, 0, -1 },
        { CPYF, EPILOGUE, c, -8, 1 },
        { CPYF, EPILOGUE, 0, -8, 0 },
        { CPYF, EPILOGUE, 0, 8, 0 },
        { CPYF, EPILOGUE, c, 0, -1 },
        { CPYF, EPILOGUE, 0, 0, -1 },
        { CPY, MAIN, c, 8, 1 },
        { CPY, MAIN, c, -8, 1 },
        { CPY, MAIN, 5u << 29, 8, 1 },
        { CPY, MAIN, 0, 0, -1 },
        { CPY, EPILOGUE, 0, 8, 0 },
        { CPY, EPILOGUE, c, -8, 1 },
        { SET, MAIN, c, -8, 1 },
        { SET, MAIN, 0, 8, 0 },
        { SET, MAIN, 0, INT64_MIN + 1, -2 },
        { SET, EPILOGUE, c, -1, 1 },
        { SET, EPILOGUE, 0, -1, 0 },
        { SET, EPILOGUE, 0, 0, -1 },
    };
    struct rig r;

    rig_make(&r);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        for (unsigned options = 0; options < (rows[i].kind == SET ? 4 : 16); options++) {
            RIG_CODE(&r, CODE, insn(rows[i].kind, rows[i].stage, options), I_HVC(1));
            set_args(&r, DATA + 0x100, DATA, (uint64_t)rows[i].size);
            rig_run_as(&r, EL1H | MASKED | rows[i].flags, CODE);
            if (rows[i].wrong_option == -2) { /* well formed, and then not mapped */
                rig_expect_exception(&r, V_SPX, EC_DABT_SAME, FSC_ADDRESS_SIZE | 1u << 6);
            } else if (rows[i].wrong_option < 0) {
                rig_expect_hvc(&r, 1);
            } else {
                rig_expect_exception(
                    &r, V_SPX, EC_MOPS,
                    mops_iss(rows[i].kind, rows[i].stage, options, rows[i].wrong_option != 0));
                assert_int_equal(rig_sys(&r, ELR_EL1), CODE);
            }
            expect_args(&r, DATA + 0x100, DATA, (uint64_t)rows[i].size);
        }
    }
    rig_drop(&r);
}

/* ---- Where they are UNDEFINED ---------------------------------------------------------------- */

static void expect_undefined(struct rig *r, uint32_t word)
{
    RIG_CODE(r, CODE, word, I_HVC(1));
    rig_run_as(r, EL1H | MASKED, CODE);
    rig_expect_exception(r, V_SPX, EC_UNKNOWN, 0);
}

static void test_registers(void **state)
{
    struct rig r;

    rig_make(&r);
    for (enum stage stage = PROLOGUE; stage <= EPILOGUE; stage++) {
        for (enum kind kind = CPYF; kind <= SET; kind++) {
            expect_undefined(&r, mops(kind, stage, 0, 1, 1, 2));
            expect_undefined(&r, mops(kind, stage, 0, 1, 2, 1));
            expect_undefined(&r, mops(kind, stage, 0, 1, 2, 2));
            expect_undefined(&r, mops(kind, stage, 0, 31, 1, 2));
            expect_undefined(&r, mops(kind, stage, 0, 1, 2, 31));
            if (kind != SET) {
                expect_undefined(&r, mops(kind, stage, 0, 1, 31, 2));
            }
            expect_undefined(&r, mops(kind, stage, 0, 1, 2, 3) | 1u << 30); /* sz */
        }
        expect_undefined(&r, mops(SET, stage, 0, 1, 2, 3) | 1u << 26); /* SETG*: FEAT_MTE */
    }
    expect_undefined(&r, mops(SET, PROLOGUE, 12, 1, 2, 3));
    rig_drop(&r);
}

/* XZR as the value to set. */
static void test_set_zero(void **state)
{
    struct rig r;

    rig_make(&r);
    memset(rig_at(&r, DATA), 0xff, 64);
    RIG_CODE(&r, CODE, mops(SET, PROLOGUE, 0, 1, 31, 2), mops(SET, MAIN, 0, 1, 31, 2),
             mops(SET, EPILOGUE, 0, 1, 31, 2), I_HVC(1));
    rig_set(&r, REG_X0 + 1, DATA + 1);
    rig_set(&r, REG_X0 + 2, 30);
    rig_run(&r, CODE);
    rig_expect_hvc(&r, 1);
    assert_int_equal(*(uint64_t *)rig_at(&r, DATA), 0xff);
    assert_int_equal(*(uint64_t *)rig_at(&r, DATA + 24), 0xffull << 56);
    assert_int_equal(*(uint64_t *)rig_at(&r, DATA + 32), UINT64_MAX);
    rig_drop(&r);
}

/* SCTLR_EL1.MSCEn says whether EL0 has them; the bit is RES0 without the feature. */
static void test_enable(void **state)
{
    struct rig r;

    rig_make(&r);
    put_sequence(&r, CPYF, 0);
    for (unsigned at = 0; at < 3; at++) {
        rig_set_sys(&r, SCTLR_EL1, 0);
        set_args(&r, DATA, DATA + 64, 0);
        rig_run_as(&r, EL0T, CODE + 4 * at);
        rig_expect_exception(&r, V_LOWER, EC_UNKNOWN, 0);
        assert_int_equal(rig_sys(&r, ELR_EL1), CODE + 4 * at);
        rig_set_sys(&r, SCTLR_EL1, SCTLR_MSCEN);
        rig_run_as(&r, EL0T, CODE + 4 * at);
        rig_expect_exception(&r, V_LOWER, EC_UNKNOWN, 0); /* of the HVC */
        assert_int_equal(rig_sys(&r, ELR_EL1), CODE + 12);
    }
    assert_int_equal(bits(rig_sys(&r, ID_AA64ISAR2_EL1), 16, 4), 1);
    rig_drop(&r);

    rig_make(&r, .model = "cortex-a72");
    assert_int_equal(bits(rig_sys(&r, ID_AA64ISAR2_EL1), 16, 4), 0);
    rig_set_sys(&r, SCTLR_EL1, SCTLR_MSCEN);
    assert_int_equal(rig_sys(&r, SCTLR_EL1) & SCTLR_MSCEN, 0);
    for (enum kind kind = CPYF; kind <= SET; kind++) {
        expect_undefined(&r, insn(kind, PROLOGUE, 0));
        expect_undefined(&r, insn(kind, MAIN, 0));
        expect_undefined(&r, insn(kind, EPILOGUE, 0));
    }
    rig_drop(&r);
}

/* ---- Privilege and memory types -------------------------------------------------------------- */

/* T reads and writes as EL0 would, unless PSTATE.UAO; the others as EL1, which PAN stops. */
static void test_privilege(void **state)
{
    enum { KERNEL = 0, USER = 1 }; /* pages */
    static const struct {
        enum kind kind;
        unsigned options, to, from;
        uint32_t pstate;
        int fault; /* 0 none, 1 read, 2 write */
    } rows[] = {
        { CPYF, 0, KERNEL, KERNEL, 0, 0 },
        { CPYF, 0, USER, USER, 0, 0 },
        { CPYF, 0, KERNEL, USER, PS_PAN, 1 },
        { CPYF, 0, USER, KERNEL, PS_PAN, 2 },
        { CPYF, OPT_WT, USER, KERNEL, PS_PAN, 0 },
        { CPYF, OPT_RT, KERNEL, USER, PS_PAN, 0 },
        { CPYF, OPT_T, USER, USER, PS_PAN, 0 },
        { CPYF, OPT_WT, KERNEL, KERNEL, 0, 2 },
        { CPYF, OPT_RT, KERNEL, KERNEL, 0, 1 },
        { CPYF, OPT_T, USER, KERNEL, 0, 1 },
        { CPYF, OPT_T, KERNEL, USER, 0, 2 },
        { CPYF, OPT_WN | OPT_RN, USER, KERNEL, PS_PAN, 2 },
        { CPYF, OPT_T, KERNEL, KERNEL, PS_UAO, 0 },
        { CPYF, OPT_T, USER, KERNEL, PS_UAO | PS_PAN, 2 },
        { CPY, OPT_WT, USER, KERNEL, PS_PAN, 0 },
        { CPY, OPT_RT, KERNEL, KERNEL, 0, 1 },
        { SET, 0, KERNEL, 0, 0, 0 },
        { SET, 0, USER, 0, PS_PAN, 2 },
        { SET, OPT_WT, USER, 0, PS_PAN, 0 },
        { SET, OPT_WT, KERNEL, 0, 0, 2 },
        { SET, 2, USER, 0, PS_PAN, 2 },
        { SET, OPT_WT, KERNEL, 0, PS_UAO, 0 },
    };
    struct both *b = calloc(1, sizeof(*b));

    both_make(b, 0);
    tables_map(&b->t, VA + SOFT_PAGE, DATA + SOFT_PAGE, 3, D_AF | D_XN | D_USER);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        const uint64_t to = VA + rows[i].to * SOFT_PAGE + 100,
                       from = VA + rows[i].from * SOFT_PAGE + 500;

        put_sequence(&b->r, rows[i].kind, rows[i].options);
        tlb_drop_all(b->r.cpu);
        set_args(&b->r, to, from, 20);
        rig_run_as(&b->r, EL1H | MASKED | rows[i].pstate, CODE);
        if (rows[i].fault == 0) {
            rig_expect_hvc(&b->r, 1);
        } else {
            rig_expect_exception(&b->r, V_SPX, EC_DABT_SAME,
                                 0xf | (rows[i].fault == 2 ? 1u << 6 : 0));
            assert_int_equal(rig_sys(&b->r, FAR_EL1), rows[i].fault == 2 ? to : from);
        }
    }
    rig_drop(&b->r);
    free(b);
}

/* No alignment checks: with SCTLR_EL1.A, and with the MMU off. */
static void test_alignment(void **state)
{
    struct rig r;

    rig_make(&r);
    rig_set_sys(&r, SCTLR_EL1, SCTLR_A);
    for (unsigned i = 0; i < 100; i++) {
        ((uint8_t *)rig_at(&r, DATA))[i] = (uint8_t)i;
    }
    put_sequence(&r, CPY, 0);
    set_args(&r, DATA + 3, DATA + 1, 33);
    rig_run(&r, CODE);
    rig_expect_hvc(&r, 1);
    for (unsigned i = 0; i < 33; i++) {
        assert_int_equal(((uint8_t *)rig_at(&r, DATA))[3 + i], 1 + i);
    }
    rig_drop(&r);
}

/* A copy out of RAM into nothing: what there is is copied, then an external abort at the first address behind. */
static void test_end_of_memory(void **state)
{
    const uint64_t end = RAM + (64 << 20);
    struct rig r;

    rig_make(&r);
    put_sequence(&r, SET, 0);
    set_args(&r, end - 5000, 0x99, UINT64_MAX);
    rig_run(&r, CODE);
    rig_expect_exception(&r, V_SPX, EC_DABT_SAME, FSC_EXTERNAL | 1u << 6);
    assert_int_equal(rig_sys(&r, FAR_EL1), end);
    expect_args(&r, end - 5000 + INT64_MAX, 0x99, -(uint64_t)(INT64_MAX - 5000));
    assert_int_equal(*(uint8_t *)rig_at(&r, end - 5000), 0x99);
    assert_int_equal(*(uint64_t *)rig_at(&r, end - 8), 0x9999999999999999);
    assert_int_equal(((uint8_t *)rig_at(&r, end - 5008))[7], 0);
    rig_drop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prologue),  cmocka_unit_test(test_random),
        cmocka_unit_test(test_faults),    cmocka_unit_test(test_same_tlb_slot),
        cmocka_unit_test(test_stepping),  cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_count),     cmocka_unit_test(test_mismatch),
        cmocka_unit_test(test_registers), cmocka_unit_test(test_set_zero),
        cmocka_unit_test(test_enable),    cmocka_unit_test(test_privilege),
        cmocka_unit_test(test_alignment), cmocka_unit_test(test_end_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
