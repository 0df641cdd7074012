/*
 * test_loop.c - copies of hot loops (jit/loop.c): that they are made, and that an exception in the middle of one finds the registers
 * of the guest where they belong, also those that lent their places; that work for the vCPU is seen. And that they are kept or go
 * for the right reasons (jit/rethink.c).
 */
#include "rig.h"

#include "accel/soft/jit/jit.h"

#define VA         0x0000123456600000ull
#define FROM       (RAM + 0x2200000) /* two pages; the third is not mapped */
#define TO         (VA + 0x100000)
#define BYTES      (2 * SOFT_PAGE)
#define MARK(n)    (0x1111111100000000ull + (n))
#define ITERATIONS 16   /* before a loop gets its copy */
#define TAKES      4096 /* of a copy, before it is looked at how long they were */

#define I_LDRB_POST(rt, rn, n) (0x38400400u | (uint32_t)(n) << 12 | (rn) << 5 | (rt))
#define I_STRB_X(rt, rn, rm)   (0x38206800u | (rm) << 16 | (rn) << 5 | (rt))
#define I_LDR_LSL3(rt, rn, rm) (0xf8607800u | (rm) << 16 | (rn) << 5 | (rt))
#define I_TBNZ(rt, bit, delta) \
    (0x37000000u | (uint32_t)(bit) << 19 | ((uint32_t)((delta) / 4) & 0x3fff) << 5 | (rt))
#define I_LD4(rt, rn)        (0x4c400000u | (rn) << 5 | (rt)) /* V.16B */
#define I_CMP_X(rn, rm)      (0xeb00001fu | (rm) << 16 | (rn) << 5)
#define I_EOR_X(rd, rn, rm)  (0xca000000u | (rm) << 16 | (rn) << 5 | (rd))
#define I_BCOND(cond, delta) (0x54000000u | ((uint32_t)((delta) / 4) & 0x7ffff) << 5 | (cond))
#define I_ADD_X(rd, rn, rm)  (0x8b000000u | (rm) << 16 | (rn) << 5 | (rd))

static const uint8_t marked[] = { 3, 4, 5, 6, 19, 20, 21, 22, 30 };

static void make_with(struct rig *r, struct tables *t, unsigned cpus, unsigned heat)
{
    rig_make(r, .loop = ITERATIONS, .cpus = cpus, .heat = heat);
    for (unsigned at = 0; at < BYTES; at++) {
        *(uint8_t *)rig_at(r, FROM + at) = (uint8_t)(at * 7);
    }
    tables_init(t, r, 12);
    for (unsigned page = 0; page < 2; page++) {
        tables_map(t, VA + page * SOFT_PAGE, FROM + page * SOFT_PAGE, 3, D_AF);
        tables_map(t, TO + page * SOFT_PAGE, FROM + BYTES + page * SOFT_PAGE, 3, D_AF);
    }
    while (cpus-- > 0) {
        rig_select(r, cpus);
        tables_on(t, 0);
        for (unsigned n = 0; n < ARRAY_SIZE(marked); n++) {
            rig_set(r, REG_X0 + marked[n], MARK(marked[n]));
        }
    }
}

static void make(struct rig *r, struct tables *t)
{
    make_with(r, t, 1, 0);
}

static void expect_copy(struct rig *r)
{
    struct accel_stats stats;

    accel_soft.stats(r->vcpu, &stats);
    assert_int_equal(stats.jit_loops != 0, r->cpu->priv->jit != NULL);
    for (unsigned n = 0; n < ARRAY_SIZE(marked); n++) {
        assert_int_equal(rig_get(r, REG_X0 + marked[n]), MARK(marked[n]));
    }
}

/* Copies bytes until there are no more: X1 and X2 - 1 move, X7 is the way from the one to the other, X0 the sum, X12 counts. */
static void test_fault(void **state)
{
    struct tables t;
    struct rig r;
    uint64_t sum = 0;

    make(&r, &t);
    for (unsigned at = 0; at < BYTES; at++) {
        sum += (uint8_t)(at * 7);
    }
    RIG_CODE(&r, CODE, I_LDRB_POST(9, 1, 1), I_ADD_X(0, 0, 9), I_STRB_X(9, 2, 7), I_ADD(2, 2, 1),
             I_ADD(12, 12, 3), I_B(-20));
    rig_set(&r, REG_X0, 0);
    rig_set(&r, REG_X0 + 1, VA);
    rig_set(&r, REG_X0 + 2, VA);
    rig_set(&r, REG_X0 + 7, TO - VA);
    rig_set(&r, REG_X0 + 12, 0);
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_expect_hvc(&r, V_SPX);
    assert_int_equal(rig_sys(&r, FAR_EL1), VA + BYTES);
    assert_int_equal(rig_sys(&r, ELR_EL1), CODE);
    assert_int_equal(rig_get(&r, REG_X0), sum);
    assert_int_equal(rig_get(&r, REG_X0 + 1), VA + BYTES);
    assert_int_equal(rig_get(&r, REG_X0 + 2), VA + BYTES);
    assert_int_equal(rig_get(&r, REG_X0 + 12), 3 * BYTES);
    assert_memory_equal(rig_at(&r, FROM), rig_at(&r, FROM + BYTES), BYTES);
    expect_copy(&r);
    rig_drop(&r);
}

/* A table of 256 doublewords, by a byte: the whole of it is in the window; then it ends 8 bytes behind it, but that is never loaded. */
static void test_table(void **state)
{
    struct tables t;
    struct rig r;

    make(&r, &t);
    RIG_CODE(&r, CODE, I_LDRB_POST(9, 1, 1), I_LDR_LSL3(10, 8, 9), I_ADD_X(0, 0, 10),
             I_SUB(12, 12, 1), I_CBNZ(12, -16), I_HVC(1));
    for (unsigned last = 0; last < 2; last++) {
        const uint64_t table = BYTES - 256 * 8 + (last != 0 ? 8 : -64ull);
        uint64_t sum = 0;
        for (unsigned at = 0; at < 1000; at++) {
            uint64_t value;
            unsigned index = (uint8_t)(at * 7);
            if (last != 0 && index == 255) {
                index = 0;
                *(uint8_t *)rig_at(&r, FROM + at) = 0;
            }
            memcpy(&value, rig_at(&r, FROM + table + index * 8), 8);
            sum += value;
        }
        rig_set(&r, REG_X0, 0);
        rig_set(&r, REG_X0 + 1, VA);
        rig_set(&r, REG_X0 + 8, VA + table);
        rig_set(&r, REG_X0 + 12, 1000);
        rig_run_as(&r, EL1H | MASKED, CODE);
        rig_expect_hvc(&r, 1);
        assert_int_equal(rig_get(&r, REG_X0), sum);
        expect_copy(&r);
    }
    rig_drop(&r);
}

/* Two loops have instructions in common, and each a copy: 4 iterations of the one, 4 of the other. */
static void test_overlap(void **state)
{
    enum { TIMES = 2000 };
    struct tables t;
    struct rig r;
    uint64_t sum = 0, first = 0, second = 0, more = 0, even = 0;

    make(&r, &t);
    /* The first loop begins at 0, the second at 8. */
    RIG_CODE(&r, CODE, I_LDRB_POST(9, 1, 1), I_ADD_X(0, 0, 9), I_LDRB_POST(10, 2, 1),
             I_ADD_X(0, 0, 10), I_TBNZ(10, 0, 8), I_ADD(15, 15, 1), I_SUB(12, 12, 1), I_CBZ(12, 20),
             I_TBNZ(12, 2, -32), I_ADD(13, 13, 7), I_ADD_X(14, 14, 10), I_B(-36), I_HVC(1));
    for (uint64_t left = TIMES, in_first = 1; left-- > 0; in_first = left >> 2 & 1) {
        uint8_t value = (uint8_t)(second++ * 7);
        sum += (in_first != 0 ? (uint8_t)(first++ * 7) : 0) + value;
        even += value % 2 == 0;
        more += left != 0 && (left >> 2 & 1) == 0 ? value : 0;
    }
    rig_set(&r, REG_X0, 0);
    rig_set(&r, REG_X0 + 1, VA);
    rig_set(&r, REG_X0 + 2, VA);
    rig_set(&r, REG_X0 + 12, TIMES);
    rig_set(&r, REG_X0 + 14, 0);
    rig_set(&r, REG_X0 + 15, 0);
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_expect_hvc(&r, 1);
    assert_int_equal(rig_get(&r, REG_X0), sum);
    assert_int_equal(rig_get(&r, REG_X0 + 1), VA + first);
    assert_int_equal(rig_get(&r, REG_X0 + 2), VA + second);
    assert_int_equal(rig_get(&r, REG_X0 + 14), more);
    assert_int_equal(rig_get(&r, REG_X0 + 15), even);
    expect_copy(&r);
    rig_drop(&r);
}

/* A loop that has no end by itself, nor an access that leaves its window. */
static void test_kick(void **state)
{
    struct tables t;
    struct rig r;
    pthread_t thread;

    make(&r, &t);
    RIG_CODE(&r, CODE, I_LDR(9, 1), I_ADD(9, 9, 1), I_STR(9, 1), I_B(-12));
    rig_set(&r, REG_X0 + 1, VA);
    *(uint64_t *)rig_at(&r, FROM) = 0;
    rig_set(&r, REG_PC, CODE);
    assert_int_equal(pthread_create(&thread, NULL, rig_thread, &r), 0);
    while (*(volatile uint64_t *)rig_at(&r, FROM) < 100 * ITERATIONS) {
        sched_yield();
    }
    vcpu_signal(r.vcpu, PEND_KICK);
    pthread_join(thread, NULL);
    assert_int_equal(rig_get(&r, REG_X0 + 9), *(uint64_t *)rig_at(&r, FROM));
    expect_copy(&r);
    rig_drop(&r);
}

/*
 * NZCV that only a branch at a loop's head reads, and no exception can show: what looks at pending there must not lose them, however
 * often it finds something. Of two such loops at least one has a head that is no entry any more when the region has been made again.
 */
static void test_read(void **state)
{
    enum { TIMES = 100000, ITERATIONS_EACH = 10, LOWER = 3 };
    struct tables t;
    struct rig r;
    pthread_t thread;

    make(&r, &t);
    RIG_CODE(&r, CODE, I_ADD(12, 14, 0), I_CMP_X(3, 4), I_BCOND(LOWER, 8), I_ADD(0, 0, 1),
             I_EOR_X(3, 3, 5), I_CMP_X(3, 4), I_SUB(12, 12, 1), I_CBNZ(12, -20), I_ADD(12, 14, 0),
             I_CMP_X(3, 4), I_BCOND(LOWER, 8), I_ADD(0, 0, 1), I_EOR_X(3, 3, 5), I_CMP_X(3, 4),
             I_SUB(12, 12, 1), I_CBNZ(12, -20), I_SUB(13, 13, 1), I_CBNZ(13, -68), I_STR(5, 1),
             I_HVC(1));
    rig_set(&r, REG_X0, 0);
    rig_set(&r, REG_X0 + 1, VA);
    rig_set(&r, REG_X0 + 3, 1); /* 1 and 5 by turns */
    rig_set(&r, REG_X0 + 4, 3);
    rig_set(&r, REG_X0 + 5, 4);
    rig_set(&r, REG_X0 + 13, TIMES);
    rig_set(&r, REG_X0 + 14, ITERATIONS_EACH);
    *(uint64_t *)rig_at(&r, FROM) = 0;
    rig_set(&r, REG_PC, CODE);
    assert_int_equal(pthread_create(&thread, NULL, rig_thread, &r), 0);
    while (*(volatile uint64_t *)rig_at(&r, FROM) == 0) {
        vcpu_signal(r.vcpu, PEND_EVENT);
    }
    pthread_join(thread, NULL);
    assert_int_equal(rig_get(&r, REG_X0), TIMES * ITERATIONS_EACH);
    rig_drop(&r);
}

/* ---- Which copies stay ----------------------------------------------------------------------- */

/* The loop of nested_code. How often that is run until it has a copy, also if each of its instructions was a region by itself first. */
#define INNER (CODE + 4)
#define FEW   (16 * ITERATIONS)

/* Many times a loop of a few iterations over the first bytes, and something that takes longer than they do: X13 times, X14 each. */
static void nested_code(struct rig *r)
{
    RIG_CODE(r, CODE, I_ADD(12, 14, 0), I_LDRB_POST(9, 1, 1), I_ADD_X(0, 0, 9), I_SUB(12, 12, 1),
             I_CBNZ(12, -12), I_ADD(1, 2, 0), I_MSR(S_AT(0), 1), I_MSR(S_AT(0), 1),
             I_SUB(13, 13, 1), I_CBNZ(13, -36), I_HVC(1));
}

static void nested_run(struct rig *r, unsigned times, unsigned iterations)
{
    uint64_t sum = 0;

    for (unsigned at = 0; at < iterations; at++) {
        sum += (uint8_t)(at * 7);
    }
    rig_set(r, REG_X0, 0);
    rig_set(r, REG_X0 + 1, VA);
    rig_set(r, REG_X0 + 2, VA);
    rig_set(r, REG_X0 + 13, times);
    rig_set(r, REG_X0 + 14, iterations);
    rig_run_as(r, EL1H | MASKED, CODE);
    rig_expect_hvc(r, 1);
    assert_int_equal(rig_get(r, REG_X0), sum * times);
}

static bool has_copy(struct rig *r)
{
    const struct code_page *page = code_find(r->cpu, CODE, CODE, rig_at(r, CODE), false);
    unsigned slot = (unsigned)(INNER - CODE) / 4;

    return page->jit != NULL && (page->jit->loop_hot[slot / 64] >> slot % 64 & 1) != 0;
}

/* A copy that is left at once goes, whatever is between; one that has iterations stays. */
static void test_worth(void **state)
{
    for (unsigned iterations = 2; iterations <= 8; iterations += 6) {
        struct tables t;
        struct rig r;

        make(&r, &t);
        nested_code(&r);
        nested_run(&r, FEW, iterations);
        assert_int_equal(has_copy(&r), r.cpu->priv->jit != NULL);
        nested_run(&r, 2 * TAKES, iterations);
        assert_int_equal(has_copy(&r), r.cpu->priv->jit != NULL && iterations > 2);
        expect_copy(&r);
        rig_drop(&r);
    }
}

/*
 * Two CPUs have counted the same loop, and the first to have enough gives it a copy. What was left to the second is soon used up, by
 * how often it takes the copy, not by iterations: that says nothing against the copy.
 */
static void test_second_cpu(void **state)
{
    struct tables t;
    struct rig r;

    make_with(&r, &t, 2, 0);
    nested_code(&r);
    nested_run(&r, FEW, 8);
    for (unsigned cpu = 2; cpu-- > 0;) {
        rig_select(&r, cpu);
        nested_run(&r, FEW, 8);
        assert_int_equal(has_copy(&r), r.cpu->priv->jit != NULL);
    }
    rig_select(&r, 1);
    nested_run(&r, 2 * TAKES, 2); /* this does */
    assert_false(has_copy(&r));
    rig_drop(&r);
}

/*
 * A loop whose region cannot be translated again: more has been executed behind it by then than there is room for. It asks for a copy,
 * once more when that has been no use, and never again. At heat 1 it is many regions of one instruction, and each asks once because
 * of the ways between them.
 */
static void try_too_large(unsigned heat, unsigned failures)
{
    enum { LARGE = 380 }; /* instructions: fewer than a region has */
    uint32_t words[LARGE];
    struct accel_stats before, after;
    struct tables t;
    struct rig r;

    make_with(&r, &t, 1, heat);
    RIG_CODE(&r, CODE, I_LDRB_POST(9, 1, 0), I_SUB(12, 12, 1), I_CBNZ(12, -8), I_CBZ(11, 8),
             I_HVC(1));
    for (unsigned n = 0; n < LARGE; n++) {
        words[n] = n < LARGE - 1 ? I_LD4(0, 1) : I_HVC(1);
    }
    rig_code(&r, CODE + 20, words, LARGE);
    rig_set_sys(&r, CPACR_EL1, 3u << 20);
    rig_set(&r, REG_X0 + 1, VA);
    for (unsigned large = 0; large < 2; large++) {
        rig_set(&r, REG_X0 + 11, !large);
        rig_set(&r, REG_X0 + 12, ITERATIONS / 2);
        rig_run_as(&r, EL1H | MASKED, CODE);
        rig_expect_hvc(&r, 1);
    }
    accel_soft.stats(r.vcpu, &before);
    rig_set(&r, REG_X0 + 11, 1);
    rig_set(&r, REG_X0 + 12, 10 * TAKES);
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_expect_hvc(&r, 1);
    accel_soft.stats(r.vcpu, &after);
    assert_int_equal(after.jit_failures - before.jit_failures, failures);
    rig_drop(&r);
}

static void test_too_large(void **state)
{
    if (rig_heat() == 0) {
        try_too_large(0, 0);
    } else {
        try_too_large(1, 3);
        try_too_large(2, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fault),      cmocka_unit_test(test_table),
        cmocka_unit_test(test_overlap),    cmocka_unit_test(test_kick),
        cmocka_unit_test(test_read),       cmocka_unit_test(test_worth),
        cmocka_unit_test(test_second_cpu), cmocka_unit_test(test_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
