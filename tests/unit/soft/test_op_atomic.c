/*
 * test_op_atomic.c - exclusives and LSE atomics, one instruction at a time, and two CPUs that use them at once.
 */
#include <pthread.h>

#include "mem_rig.h"

/* ---- Exclusives ------------------------------------------------------------------------------ */

static void test_exclusives(void **state)
{
    struct machine *m = fresh(state);
    uint64_t *x = m->cpu.x;

    x[1] = RAM + 0x100;
    put(m, RAM + 0x100, 0x8877665544332211);
    put(m, RAM + 0x108, 0xffeeddccbbaa9988);
    assert_true(run(m, 0xc8037c24 /* stxr w3, x4, [x1] */)); /* monitor open */
    assert_int_equal(x[3], 1);
    assert_int_equal(get(m, RAM + 0x100), 0x8877665544332211);

    assert_true(run(m, 0xc85f7c22 /* ldxr x2, [x1] */));
    assert_int_equal(x[2], 0x8877665544332211);
    x[4] = 0x4444;
    assert_true(run(m, 0xc8037c24 /* stxr w3, x4, [x1] */));
    assert_int_equal(x[3], 0);
    assert_int_equal(get(m, RAM + 0x100), 0x4444);
    assert_true(run(m, 0xc803fc24 /* stlxr w3, x4, [x1] */)); /* used up */
    assert_int_equal(x[3], 1);

    assert_true(run(m, 0x885ffc22 /* ldaxr w2, [x1] */)); /* another size */
    assert_int_equal(x[2], 0x4444);
    assert_true(run(m, 0xc8037c3f /* stxr w3, xzr, [x1] */));
    assert_int_equal(x[3], 1);

    assert_true(run(m, 0xc85f7c22 /* ldxr x2, [x1] */)); /* another address */
    x[5] = RAM + 0x108;
    put(m, RAM + 0x108, x[2]); /* with the same value */
    assert_true(run(m, 0xc8037cbf /* stxr w3, xzr, [x5] */));
    assert_int_equal(x[3], 1);
    assert_true(run(m, 0xc8037c3f /* stxr w3, xzr, [x1] */)); /* a failing one opens it as well */
    assert_int_equal(x[3], 1);

    assert_true(run(m, 0xc85f7c22 /* ldxr x2, [x1] */)); /* somebody else stored */
    put(m, RAM + 0x100, 0x5555);
    assert_true(run(m, 0xc8037c3f /* stxr w3, xzr, [x1] */));
    assert_int_equal(x[3], 1);
    assert_int_equal(get(m, RAM + 0x100), 0x5555);

    assert_true(run(m, 0xc85f7c22 /* ldxr x2, [x1] */)); /* CLREX */
    m->cpu.excl_size = 0;
    assert_true(run(m, 0xc8037c3f /* stxr w3, xzr, [x1] */));
    assert_int_equal(x[3], 1);

    put(m, RAM + 0x100, 0xffffffffffffffff); /* the small sizes leave the neighbours alone */
    x[4] = 0;
    assert_true(run(m, 0x085f7c22 /* ldxrb w2, [x1] */));
    assert_int_equal(x[2], 0xff);
    assert_true(run(m, 0x08037c24 /* stxrb w3, w4, [x1] */));
    assert_int_equal(get(m, RAM + 0x100), 0xffffffffffffff00);
    assert_true(run(m, 0x485ffc22 /* ldaxrh w2, [x1] */));
    assert_true(run(m, 0x4803fc24 /* stlxrh w3, w4, [x1] */));
    assert_int_equal(get(m, RAM + 0x100), 0xffffffffffff0000);
    assert_true(run(m, 0x885f7c22 /* ldxr w2, [x1] */));
    assert_int_equal(x[2], 0xffff0000);
    assert_true(run(m, 0x88037c24 /* stxr w3, w4, [x1] */));
    assert_int_equal(get(m, RAM + 0x100), 0xffffffff00000000);
    assert_int_equal(x[3], 0);
    assert_true(
        run(m, 0xc85f7c3f /* ldxr xzr, [x1] */)); /* XZR loads, too, and the status may go there */
    assert_true(run(m, 0xc81f7c24 /* stxr wzr, x4, [x1] */));
    assert_int_equal(get(m, RAM + 0x100), 0);
}

static void test_exclusive_pairs(void **state)
{
    struct machine *m = fresh(state);
    uint64_t *x = m->cpu.x;

    x[1] = RAM + 0x100;
    put(m, RAM + 0x100, 0x8877665544332211);
    put(m, RAM + 0x108, 0xffeeddccbbaa9988);
    x[4] = 0x44;
    x[5] = 0x55;
    assert_true(run(m, 0x887f1822 /* ldxp w2, w6, [x1] */));
    assert_int_equal(x[2], 0x44332211);
    assert_int_equal(x[6], 0x88776655);
    assert_true(run(m, 0x88231424 /* stxp w3, w4, w5, [x1] */));
    assert_int_equal(x[3], 0);
    assert_int_equal(get(m, RAM + 0x100), 0x0000005500000044);
    assert_true(run(m, 0xc87f9822 /* ldaxp x2, x6, [x1] */));
    assert_int_equal(x[2], 0x0000005500000044);
    assert_int_equal(x[6], 0xffeeddccbbaa9988);
    assert_true(run(m, 0xc8239025 /* stlxp w3, x5, x4, [x1] */));
    assert_int_equal(x[3], 0);
    assert_int_equal(get(m, RAM + 0x100), 0x55);
    assert_int_equal(get(m, RAM + 0x108), 0x44);
    assert_true(run(m, 0xc87f1822 /* ldxp x2, x6, [x1] */)); /* the upper half changes */
    put(m, RAM + 0x108, 0x45);
    assert_true(run(m, 0xc8237c3f /* stxp w3, xzr, xzr, [x1] */));
    assert_int_equal(x[3], 1);
    assert_int_equal(get(m, RAM + 0x100), 0x55);
}

/* ---- LSE ------------------------------------------------------------------------------------- */

static void test_compare_and_swap(void **state)
{
    struct machine *m = fresh(state);
    uint64_t *x = m->cpu.x;
    struct op op;

    x[1] = RAM + 0x100;
    put(m, RAM + 0x100, 0x8877665544332211);
    put(m, RAM + 0x108, 0xffeeddccbbaa9988);
    x[2] = 1;
    x[3] = 0xabcd;
    assert_true(run(m, 0xc8e2fc23 /* casal x2, x3, [x1] */));
    assert_int_equal(x[2], 0x8877665544332211);
    assert_int_equal(get(m, RAM + 0x100), 0x8877665544332211);
    assert_true(run(m, 0xc8a27c23 /* cas x2, x3, [x1] */));
    assert_int_equal(x[2], 0x8877665544332211);
    assert_int_equal(get(m, RAM + 0x100), 0xabcd);
    x[2] = 0xffffffffffffffcd; /* only the low byte is compared; the result is zero-extended */
    x[3] = 0x12;
    assert_true(run(m, 0x08a27c23 /* casb w2, w3, [x1] */));
    assert_int_equal(x[2], 0xcd);
    assert_int_equal(get(m, RAM + 0x100), 0xab12);
    x[2] = 0x1ab12;
    assert_true(run(m, 0x48a27c3f /* cash w2, wzr, [x1] */));
    assert_int_equal(x[2], 0xab12);
    assert_int_equal(get(m, RAM + 0x100), 0);
    assert_true(run(m, 0x88bffc23 /* casl wzr, w3, [x1] */)); /* expected 0 */
    assert_int_equal(get(m, RAM + 0x100), 0x12);

    x[4] = 0x12;
    x[5] = 0;
    x[6] = 0x66;
    x[7] = 0x77;
    assert_true(run(m, 0x08247c26 /* casp w4, w5, w6, w7, [x1] */));
    assert_int_equal(get(m, RAM + 0x100), 0x0000007700000066);
    assert_int_equal(x[4], 0x12);
    assert_true(run(m, 0x4864fc26 /* caspal x4, x5, x6, x7, [x1] */)); /* differs */
    assert_int_equal(x[4], 0x0000007700000066);
    assert_int_equal(x[5], 0xffeeddccbbaa9988);
    assert_true(run(m, 0x48247c26 /* casp x4, x5, x6, x7, [x1] */));
    assert_int_equal(get(m, RAM + 0x100), 0x66);
    assert_int_equal(get(m, RAM + 0x108), 0x77);
    x[30] = 0x66; /* the partner of x30 is XZR */
    put(m, RAM + 0x108, 0);
    assert_true(run(m, 0x483e7c26 /* casp x30, xzr, x6, x7, [x1] */));
    assert_int_equal(get(m, RAM + 0x108), 0x77);
    x[30] = 0x1;
    x[4] = 0x66;
    x[5] = 0x77;
    const uint64_t sp = x[X_SP];
    assert_true(run(m, 0x48247c3e /* casp x4, x5, x30, xzr, [x1] */));
    assert_int_equal(get(m, RAM + 0x100), 1);
    assert_int_equal(get(m, RAM + 0x108), 0);
    assert_true(run(m, 0x483e7c24 /* casp x30, xzr, x4, x5, [x1] */));
    assert_int_equal(x[X_SP], sp);

    assert_int_equal(lower(0x48237c02, 0, &op), UOP_undefined); /* casp x3, .., x2 */
    assert_int_equal(lower(0x48227c03, 0, &op), UOP_undefined);
    assert_int_equal(lower(0x08227c04, 0, &op), UOP_casp64);
}

/* Memory M = 0x80000000f0000081 (of the size), register R: what is stored. */
static void test_atomics(void **state)
{
    static const struct {
        uint32_t word;
        uint64_t r, old, after;
    } cases[] = {
        { 0xf8220023 /* ldadd x2, x3, [x1] */, 0x80000000ffffffff, 0x80000000f0000081,
          0x00000001f0000080 },
        { 0xb8e20023 /* ldaddal w2, w3, [x1] */, 0x7fffffff, 0xf0000081, 0x8000000070000080 },
        { 0x38220023 /* ldaddb w2, w3, [x1] */, 0xff, 0x81, 0x80000000f0000080 },
        { 0x78220023 /* ldaddh w2, w3, [x1] */, 0xffff, 0x0081, 0x80000000f0000080 },
        { 0xf8221023 /* ldclr x2, x3, [x1] */, 0xf0000001, 0x80000000f0000081, 0x8000000000000080 },
        { 0x38221023 /* ldclrb w2, w3, [x1] */, 0x80, 0x81, 0x80000000f0000001 },
        { 0xb8222023 /* ldeor w2, w3, [x1] */, 0xffffffff, 0xf0000081, 0x800000000fffff7e },
        { 0x78223023 /* ldseth w2, w3, [x1] */, 0x1100, 0x0081, 0x80000000f0001181 },
        { 0xf8223023 /* ldset x2, x3, [x1] */, 0x0f, 0x80000000f0000081, 0x80000000f000008f },
        { 0xf8224023 /* ldsmax x2, x3, [x1] */, 0, 0x80000000f0000081, 0 },
        { 0xb8224023 /* ldsmax w2, w3, [x1] */, 0xf0000080, 0xf0000081, 0x80000000f0000081 },
        { 0x38224023 /* ldsmaxb w2, w3, [x1] */, 0x7f, 0x81, 0x80000000f000007f },
        { 0xb8225023 /* ldsmin w2, w3, [x1] */, 0x7fffffff, 0xf0000081, 0x80000000f0000081 },
        { 0x38225023 /* ldsminb w2, w3, [x1] */, 0x180, 0x81, 0x80000000f0000080 },
        { 0x78225023 /* ldsminh w2, w3, [x1] */, 0x8000, 0x81, 0x80000000f0008000 },
        { 0xf8226023 /* ldumax x2, x3, [x1] */, 0x7fffffffffffffff, 0x80000000f0000081,
          0x80000000f0000081 },
        { 0x38226023 /* ldumaxb w2, w3, [x1] */, 0x82, 0x81, 0x80000000f0000082 },
        { 0xb8227023 /* ldumin w2, w3, [x1] */, 0xfffffffff0000080, 0xf0000081,
          0x80000000f0000080 },
        { 0x78227023 /* lduminh w2, w3, [x1] */, 0x80, 0x81, 0x80000000f0000080 },
        { 0xf8227023 /* ldumin x2, x3, [x1] */, 5, 0x80000000f0000081, 5 },
        { 0xf8228023 /* swp x2, x3, [x1] */, 0x1234, 0x80000000f0000081, 0x1234 },
        { 0x38e28023 /* swpalb w2, w3, [x1] */, 0x1234, 0x81, 0x80000000f0000034 },
        { 0x78228023 /* swph w2, w3, [x1] */, 0x1234, 0x81, 0x80000000f0001234 },
        { 0xf822003f /* stadd x2, [x1] */, 1, 0xdead, 0x80000000f0000082 },
        { 0x3862003f /* staddlb w2, [x1] */, 0x80, 0xdead, 0x80000000f0000001 },
        { 0xb822103f /* stclr w2, [x1] */, 0x81, 0xdead, 0x80000000f0000000 },
        { 0x7822203f /* steorh w2, [x1] */, 0xffff, 0xdead, 0x80000000f000ff7e },
        { 0xb822303f /* stset w2, [x1] */, 0x0fffffff, 0xdead, 0x80000000ffffffff },
        { 0xf822403f /* stsmax x2, [x1] */, 1, 0xdead, 1 },
        { 0xb822703f /* stumin w2, [x1] */, 1, 0xdead, 0x8000000000000001 },
        { 0xf8a2003f /* ldadda x2, xzr, [x1] */, 1, 0xdead, 0x80000000f0000082 },
    };
    struct machine *m = fresh(state);

    m->cpu.x[1] = RAM + 0x100;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        put(m, RAM + 0x100, 0x80000000f0000081);
        m->cpu.x[2] = cases[i].r;
        m->cpu.x[3] = 0xdead;
        assert_true(run(m, cases[i].word));
        if (m->cpu.x[3] != cases[i].old || get(m, RAM + 0x100) != cases[i].after) {
            fail_msg("case %u (%08x): %llx %llx", i, cases[i].word, (unsigned long long)m->cpu.x[3],
                     (unsigned long long)get(m, RAM + 0x100));
        }
        assert_int_equal(m->cpu.x[2], cases[i].r);
    }
}

/* ---- Two CPUs -------------------------------------------------------------------------------- */

#ifdef _WIN32 /* under Wine, and for ARM64 under emulation as well */
#define ROUNDS 20000
#else
#define ROUNDS 100000
#endif

struct worker {
    struct machine *m;
    unsigned failed;
};

/* Four counters, each incremented by another means. */
static void *increment(void *arg)
{
    struct worker *w = arg;
    struct machine *m = w->m;
    uint64_t *x = m->cpu.x;

    for (unsigned i = 0; i < ROUNDS; i++) {
        x[1] = RAM + 0x100;
        do {
            run(m, 0xc85ffc22 /* ldaxr x2, [x1] */);
            x[2]++;
            run(m, 0xc803fc22 /* stlxr w3, x2, [x1] */);
            w->failed += x[3] != 0;
        } while (x[3] != 0);
        x[1] = RAM + 0x140;
        x[2] = 1;
        run(m, 0xb8220023 /* ldadd w2, w3, [x1] */);
        x[1] = RAM + 0x180;
        do {
            run(m, 0xc87f1022 /* ldxp x2, x4, [x1] */);
            x[2]++;
            x[4] += x[2] == 0;
            run(m, 0xc8231022 /* stxp w3, x2, x4, [x1] */);
        } while (x[3] != 0);
        x[1] = RAM + 0x1c0;
        x[4] = x[5] = 0;
        for (;;) {
            const uint64_t lo = x[4], hi = x[5];

            x[6] = lo + 3;
            x[7] = hi - 1;
            run(m, 0x4864fc26 /* caspal x4, x5, x6, x7, [x1] */);
            if (x[4] == lo && x[5] == hi) {
                break;
            }
        }
        x[1] = RAM + 0x200;
        x[2] = (uint64_t)i << 1;
        run(m, 0xf822603f /* stumax x2, [x1] */);
    }
    return NULL;
}

static void test_two_cpus(void **state)
{
    struct worker w[2] = { { machine_new(), 0 }, { machine_new(), 0 } };
    struct machine *m = w[0].m;
    pthread_t thread[2];
    uint8_t *own = w[1].m->mem;

    w[1].m->mem = m->mem;
    for (unsigned i = 0; i < 10; i++) {
        put(m, RAM + 0x100 + 32 * i, 0);
        put(m, RAM + 0x108 + 32 * i, 0);
    }
    put(m, RAM + 0x180, 0u - (uint64_t)ROUNDS); /* carries into the upper half */
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, increment, &w[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(thread[i], NULL);
    }
    assert_int_equal(get(m, RAM + 0x100), 2 * ROUNDS);
    assert_int_equal(get(m, RAM + 0x140), 2 * ROUNDS);
    assert_int_equal(get(m, RAM + 0x180), ROUNDS);
    assert_int_equal(get(m, RAM + 0x188), 1);
    assert_int_equal(get(m, RAM + 0x1c0), 6 * ROUNDS);
    assert_int_equal(get(m, RAM + 0x1c8), 0ull - 2 * ROUNDS);
    assert_int_equal(get(m, RAM + 0x200), 2 * (ROUNDS - 1));
    w[1].m->mem = own;
    for (unsigned i = 0; i < 2; i++) {
        aligned_block_free(w[i].m->mem);
        aligned_block_free(w[i].m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exclusives),       cmocka_unit_test(test_exclusive_pairs),
        cmocka_unit_test(test_compare_and_swap), cmocka_unit_test(test_atomics),
        cmocka_unit_test(test_two_cpus),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
