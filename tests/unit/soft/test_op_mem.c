/*
 * test_op_mem.c - loads and stores of one register, of pairs and of literals, their write-back, and what faults leave behind: examples
 * written out by hand, one instruction at a time. Their likes: test_op_atomic.c, test_op_struct.c, and test_mem_rows.c for
 * random words of every row.
 */
#include "mem_rig.h"

/* ---- Single registers ------------------------------------------------------------------------ */

struct load_case {
    uint32_t word;
    uint64_t expect;
};

/* x1 = RAM + 0x100, where the doubleword is 0x8899aabbccddeeff; x3 = 8, w4 = -8. */
static void test_loads(void **state)
{
    static const struct load_case cases[] = {
        { 0x39400022 /* ldrb w2, [x1] */, 0xff },
        { 0x39401c22 /* ldrb w2, [x1, #7] */, 0x88 },
        { 0x39c00022 /* ldrsb w2, [x1] */, 0xffffffff },
        { 0x39800422 /* ldrsb x2, [x1, #1] */, 0xffffffffffffffee },
        { 0x79400022 /* ldrh w2, [x1] */, 0xeeff },
        { 0x79c00422 /* ldrsh w2, [x1, #2] */, 0xffffccdd },
        { 0x79800c22 /* ldrsh x2, [x1, #6] */, 0xffffffffffff8899 },
        { 0xb9400022 /* ldr w2, [x1] */, 0xccddeeff },
        { 0xb9800422 /* ldrsw x2, [x1, #4] */, 0xffffffff8899aabb },
        { 0xf9400022 /* ldr x2, [x1] */, 0x8899aabbccddeeff },
        { 0x38401022 /* ldurb w2, [x1, #1] */, 0xee },
        { 0x38c03022 /* ldursb w2, [x1, #3] */, 0xffffffcc },
        { 0x38803022 /* ldursb x2, [x1, #3] */, 0xffffffffffffffcc },
        { 0x78401022 /* ldurh w2, [x1, #1] */, 0xddee },
        { 0x78c01022 /* ldursh w2, [x1, #1] */, 0xffffddee },
        { 0x78801022 /* ldursh x2, [x1, #1] */, 0xffffffffffffddee },
        { 0xb8401022 /* ldur w2, [x1, #1] */, 0xbbccddee },
        { 0xb8801022 /* ldursw x2, [x1, #1] */, 0xffffffffbbccddee },
        { 0xf85f8022 /* ldur x2, [x1, #-8] */, 0x1122334455667788 },
        { 0x38402822 /* ldtrb w2, [x1, #2] */, 0xdd },
        { 0x38802822 /* ldtrsb x2, [x1, #2] */, 0xffffffffffffffdd },
        { 0x78c00822 /* ldtrsh w2, [x1] */, 0xffffeeff },
        { 0xb8800822 /* ldtrsw x2, [x1] */, 0xffffffffccddeeff },
        { 0xf85f8822 /* ldtr x2, [x1, #-8] */, 0x1122334455667788 },
        { 0xf864c822 /* ldr x2, [x1, w4, sxtw] */, 0x1122334455667788 },
        { 0xf8634822 /* ldr x2, [x1, w3, uxtw] */, 0x0011223344556677 },
        { 0xf8636822 /* ldr x2, [x1, x3] */, 0x0011223344556677 },
        { 0xf863e822 /* ldr x2, [x1, x3, sxtx] */, 0x0011223344556677 },
        { 0xb8667822 /* ldr w2, [x1, x6, lsl #2] */, 0x8899aabb },
        { 0x78665822 /* ldrh w2, [x1, w6, uxtw #1] */, 0xccdd },
        { 0x38a36822 /* ldrsb x2, [x1, x3] */, 0x77 },
        { 0xf8667822 /* ldr x2, [x1, x6, lsl #3] */, 0x0011223344556677 },
        { 0xf8677822 /* ldr x2, [x1, x7, lsl #3] */, 0x1122334455667788 },
        { 0xc8dffc22 /* ldar x2, [x1] */, 0x8899aabbccddeeff },
        { 0x08dffc22 /* ldarb w2, [x1] */, 0xff },
        { 0xb8bfc022 /* ldapr w2, [x1] */, 0xccddeeff },
        { 0x78bfc022 /* ldaprh w2, [x1] */, 0xeeff },
        { 0x085f7c22 /* ldxrb w2, [x1] */, 0xff },
        { 0x885ffc22 /* ldaxr w2, [x1] */, 0xccddeeff },
    };
    struct machine *m = fresh(state);

    put(m, RAM + 0xf8, 0x1122334455667788);
    put(m, RAM + 0x100, 0x8899aabbccddeeff);
    put(m, RAM + 0x108, 0x0011223344556677);
    m->cpu.x[1] = RAM + 0x100;
    m->cpu.x[3] = 8;
    m->cpu.x[4] = 0xfffffff8; /* sign-extends to -8 */
    m->cpu.x[6] = 1;
    m->cpu.x[7] = ~0ull;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        m->cpu.x[2] = 0xdeadbeefdeadbeef;
        assert_true(run(m, cases[i].word));
        if (m->cpu.x[2] != cases[i].expect) {
            fail_msg("case %u (%08x): %llx", i, cases[i].word, (unsigned long long)m->cpu.x[2]);
        }
        assert_int_equal(m->cpu.x[1], RAM + 0x100);
    }
}

static void test_stores(void **state)
{
    static const struct load_case cases[] = {
        /* memory of eight FF bytes afterwards; w2 = ...12345678 */
        { 0x39000022 /* strb w2, [x1] */, 0xffffffffffffff78 },
        { 0x79000422 /* strh w2, [x1, #2] */, 0xffffffff5678ffff },
        { 0xb9000422 /* str w2, [x1, #4] */, 0x12345678ffffffff },
        { 0xf9000022 /* str x2, [x1] */, 0x9abcdef012345678 },
        { 0xf900003f /* str xzr, [x1] */, 0 },
        { 0xb900003f /* str wzr, [x1] */, 0xffffffff00000000 },
        { 0x38003022 /* sturb w2, [x1, #3] */, 0xffffffff78ffffff },
        { 0x78003022 /* sturh w2, [x1, #3] */, 0xffffff5678ffffff },
        { 0xb8003022 /* stur w2, [x1, #3] */, 0xff12345678ffffff },
        { 0xf8000822 /* sttr x2, [x1] */, 0x9abcdef012345678 },
        { 0x38001822 /* sttrb w2, [x1, #1] */, 0xffffffffffff78ff },
        { 0x38236822 /* strb w2, [x1, x3] */, 0xffffffffffff78ff },
        { 0x78237822 /* strh w2, [x1, x3, lsl #1] */, 0xffffffff5678ffff },
        { 0xb8235822 /* str w2, [x1, w3, uxtw #2] */, 0x12345678ffffffff },
        { 0xc89ffc22 /* stlr x2, [x1] */, 0x9abcdef012345678 },
        { 0x089ffc22 /* stlrb w2, [x1] */, 0xffffffffffffff78 },
        { 0x489ffc22 /* stlrh w2, [x1] */, 0xffffffffffff5678 },
        { 0x3d000422 /* str b2, [x1, #1] */, 0xffffffffffff02ff },
        { 0x7d000422 /* str h2, [x1, #2] */, 0xffffffff0302ffff },
        { 0xbc237822 /* str s2, [x1, x3, lsl #2] */, 0x05040302ffffffff },
        { 0xfd000022 /* str d2, [x1] */, 0x0908070605040302 },
        { 0x29000c22 /* stp w2, w3, [x1] */, 0x0000000112345678 },
        { 0x2d000c22 /* stp s2, s3, [x1] */, 0x0605040305040302 },
    };
    struct machine *m = fresh(state);

    m->cpu.x[1] = RAM + 0x100;
    m->cpu.x[2] = 0x9abcdef012345678;
    m->cpu.x[3] = 1;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        put(m, RAM + 0xf8, 0x5a5a5a5a5a5a5a5a);
        put(m, RAM + 0x100, ~0ull);
        put(m, RAM + 0x108, 0x5a5a5a5a5a5a5a5a);
        assert_true(run(m, cases[i].word));
        if (get(m, RAM + 0x100) != cases[i].expect) {
            fail_msg("case %u (%08x): %llx", i, cases[i].word,
                     (unsigned long long)get(m, RAM + 0x100));
        }
        assert_int_equal(get(m, RAM + 0xf8), 0x5a5a5a5a5a5a5a5a);
        assert_int_equal(get(m, RAM + 0x108), 0x5a5a5a5a5a5a5a5a);
    }
}

static void test_write_back(void **state)
{
    struct machine *m = fresh(state);
    uint64_t *x = m->cpu.x;

    put(m, RAM + 0x100, 0x1111);
    put(m, RAM + 0x110, 0x2222);
    x[1] = RAM + 0x100;
    assert_true(run(m, 0xf8410422 /* ldr x2, [x1], #16 */));
    assert_int_equal(x[2], 0x1111);
    assert_int_equal(x[1], RAM + 0x110);
    assert_true(run(m, 0xf85f0c22 /* ldr x2, [x1, #-16]! */));
    assert_int_equal(x[2], 0x1111);
    assert_int_equal(x[1], RAM + 0x100);
    assert_true(run(m, 0xf80ffc22 /* str x2, [x1, #255]! */));
    assert_int_equal(x[1], RAM + 0x1ff);
    assert_int_equal(get(m, RAM + 0x1ff), 0x1111);
    assert_true(run(m, 0x38100422 /* strb w2, [x1], #-256 */));
    assert_int_equal(x[1], RAM + 0xff);
    x[1] = RAM + 0x110;
    assert_true(run(m, 0xf8410421 /* ldr x1, [x1], #16 */));
    assert_int_equal(x[1], 0x2222);
    x[1] = RAM + 0x100;
    assert_true(run(m, 0xa8e00c22 /* ldp x2, x3, [x1], #-512 */));
    assert_int_equal(x[1], RAM + 0x100 - 512);
    x[1] = RAM + 0x100;
    assert_true(run(m, 0xaddf8c22 /* ldp q2, q3, [x1, #1008]! */));
    assert_int_equal(x[1], RAM + 0x100 + 1008);
    assert_true(run(m, 0xf840843f /* ldr xzr, [x1], #8 */));
    assert_int_equal(x[1], RAM + 0x100 + 1016);
}

static void test_sp_base(void **state)
{
    struct machine *m = fresh(state);
    uint64_t *x = m->cpu.x;

    put(m, RAM + 0x800, 0x1234);
    put(m, RAM + 0x808, 0x5678);
    x[3] = 1;
    x[4] = 0xffffffff;
    assert_true(run(m, 0xa8c10be1 /* ldp x1, x2, [sp], #16 */));
    assert_int_equal(x[1], 0x1234);
    assert_int_equal(x[2], 0x5678);
    assert_int_equal(x[X_SP], RAM + 0x810);
    assert_true(run(m, 0xa9bf07e2 /* stp x2, x1, [sp, #-16]! */));
    assert_int_equal(x[X_SP], RAM + 0x800);
    assert_int_equal(get(m, RAM + 0x800), 0x5678);
    assert_true(run(m, 0xf8637be5 /* ldr x5, [sp, x3, lsl #3] */));
    assert_int_equal(x[5], 0x1234);
    assert_true(run(m, 0xb8635be5 /* ldr w5, [sp, w3, uxtw #2] */));
    assert_int_equal(x[5], 0);
    put(m, RAM + 0x7f8, 0x99);
    assert_true(run(m, 0xf864dbe5 /* ldr x5, [sp, w4, sxtw #3] */));
    assert_int_equal(x[5], 0x99);
    assert_true(run(m, 0x3863ebe5 /* ldrb w5, [sp, x3, sxtx] */));
    assert_int_equal(x[5], 0x56);

    /* Misaligned: a fault, unless it is a prefetch or the check is off. */
    static const uint32_t faulting[] = {
        0xf94003e1 /* ldr x1, [sp] */,
        0xf8008fe1 /* str x1, [sp, #8]! */,
        0xf8636be1 /* ldr x1, [sp, x3] */,
        0xa8c10be1 /* ldp x1, x2, [sp], #16 */,
        0x3dc003e1 /* ldr q1, [sp] */,
        0x6dbf0be1 /* stp d1, d2, [sp, #-16]! */,
        0x4cdf73e0 /* ld1 {v0.16b}, [sp], #16 */,
        0xc85f7fe1 /* ldxr x1, [sp] */,
        0xc89fffe1 /* stlr x1, [sp] */,
        0xf82103e2 /* ldadd x1, x2, [sp] */,
        0xf8400be1 /* ldtr x1, [sp] */,
        0xc8a17fe2 /* cas x1, x2, [sp] */,
    };
    x[X_SP] = RAM + 0x808;
    for (unsigned i = 0; i < ARRAY_SIZE(faulting); i++) {
        assert_false(run(m, faulting[i]));
        assert_int_equal(m->fault, FAULT_SP);
        assert_int_equal(x[X_SP], RAM + 0x808);
    }
    assert_true(run(m, 0xf98003e0 /* prfm pldl1keep, [sp] */));
    m->cpu.sp_align_mask = 0;
    assert_true(run(m, 0xf94003e1 /* ldr x1, [sp] */));
    assert_int_equal(x[1], 0x1234);
}

static void test_literals(void **state)
{
    struct machine *m = fresh(state);

    put(m, PC_PAGE + 0x100, 0x8877665544332211);
    put(m, PC_PAGE + 0x108, 0xffeeddccbbaa9988);
    m->cpu.v[1].d[1] = ~0ull;
    assert_true(run_at(m, 0x58000201, 48)); /* ldr x1, pc + 64 */
    assert_int_equal(m->cpu.x[1], 0x8877665544332211);
    assert_true(run_at(m, 0x18fffe01, 80)); /* ldr w1, pc - 64 */
    assert_int_equal(m->cpu.x[1], 0x44332211);
    assert_true(run_at(m, 0x98000021, 64)); /* ldrsw x1, pc + 4 */
    assert_int_equal(m->cpu.x[1], 0xffffffff88776655);
    assert_true(run_at(m, 0x1c000021, 64)); /* ldr s1 */
    assert_int_equal(m->cpu.v[1].d[0], 0x88776655);
    assert_int_equal(m->cpu.v[1].d[1], 0);
    assert_true(run_at(m, 0x5c000041, 64)); /* ldr d1 */
    assert_int_equal(m->cpu.v[1].d[0], 0xffeeddccbbaa9988);
    assert_true(run_at(m, 0x9c000001, 64)); /* ldr q1 */
    assert_int_equal(m->cpu.v[1].d[0], 0x8877665544332211);
    assert_int_equal(m->cpu.v[1].d[1], 0xffeeddccbbaa9988);
    assert_true(run_at(m, 0xd8000001, 64)); /* prfm */
    assert_false(run_at(m, 0x58fffa01, 5)); /* before the page: not mapped */
    assert_int_equal(m->fault_va, PC_PAGE - 172);
}

static void test_pairs(void **state)
{
    struct machine *m = fresh(state);
    uint64_t *x = m->cpu.x;

    put(m, RAM + 0x100, 0x8877665544332211);
    put(m, RAM + 0x108, 0xffeeddccbbaa9988);
    x[1] = RAM + 0x108;
    assert_true(run(m, 0xa97f8c22 /* ldp x2, x3, [x1, #-8] */));
    assert_int_equal(x[2], 0x8877665544332211);
    assert_int_equal(x[3], 0xffeeddccbbaa9988);
    assert_true(run(m, 0x297f8c22 /* ldp w2, w3, [x1, #-4] */));
    assert_int_equal(x[2], 0x88776655);
    assert_int_equal(x[3], 0xbbaa9988);
    assert_true(run(m, 0x697f0c22 /* ldpsw x2, x3, [x1, #-8] */));
    assert_int_equal(x[2], 0x44332211);
    assert_int_equal(x[3], 0xffffffff88776655);
    assert_true(run(m, 0xa8407c22 /* ldnp x2, xzr, [x1] */));
    assert_int_equal(x[2], 0xffeeddccbbaa9988);
    assert_true(run(m, 0xa800fc22 /* stnp x2, xzr, [x1, #8] */));
    assert_int_equal(get(m, RAM + 0x110), 0xffeeddccbbaa9988);
    assert_int_equal(get(m, RAM + 0x118), 0);
    assert_true(run(m, 0xa9400821 /* ldp x1, x2, [x1] */)); /* the base among the destinations */
    assert_int_equal(x[1], 0xffeeddccbbaa9988);
    x[1] = RAM + 0x100;
    assert_true(run(m, 0x2d400c22 /* ldp s2, s3, [x1] */));
    assert_int_equal(m->cpu.v[2].d[0], 0x44332211);
    assert_int_equal(m->cpu.v[2].d[1], 0);
    assert_int_equal(m->cpu.v[3].d[0], 0x88776655);
    assert_true(run(m, 0x6d400c22 /* ldp d2, d3, [x1] */));
    assert_int_equal(m->cpu.v[3].d[0], 0xffeeddccbbaa9988);
    assert_int_equal(m->cpu.v[3].d[1], 0);
    assert_true(run(m, 0xad011424 /* stp q4, q5, [x1, #32] */));
    assert_memory_equal(host(m, RAM + 0x120), &m->cpu.v[4], 32);
    assert_true(run(m, 0xac417c3e /* ldnp q30, q31, [x1, #32] */));
    assert_memory_equal(&m->cpu.v[30], host(m, RAM + 0x120), 32);
}

static void test_vector_loads_zero_the_rest(void **state)
{
    struct machine *m = fresh(state);

    put(m, RAM + 0x100, 0x8877665544332211);
    m->cpu.x[1] = RAM + 0x100;
    static const struct load_case cases[] = {
        { 0x3d400029 /* ldr b9, [x1] */, 0x11 },
        { 0x7d400429 /* ldr h9, [x1, #2] */, 0x4433 },
        { 0xbc401029 /* ldur s9, [x1, #1] */, 0x55443322 },
        { 0xfd400029 /* ldr d9, [x1] */, 0x8877665544332211 },
    };
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        m->cpu.v[9].d[0] = m->cpu.v[9].d[1] = ~0ull;
        assert_true(run(m, cases[i].word));
        assert_int_equal(m->cpu.v[9].d[0], cases[i].expect);
        assert_int_equal(m->cpu.v[9].d[1], 0);
    }
    assert_true(run(m, 0x3dc00029 /* ldr q9, [x1] */));
    assert_int_equal(m->cpu.v[9].d[1], get(m, RAM + 0x108));
}

static void test_fp_trap(void **state)
{
    static const uint32_t words[] = {
        0x3d400020 /* ldr b0, [x1] */,
        0x3c810420 /* str q0, [x1], #16 */,
        0x6d4007e0 /* ldp d0, d1, [sp] */,
        0xbc626820 /* ldr s0, [x1, x2] */,
        0x4c407020 /* ld1 {v0.16b}, [x1] */,
        0x0c000020 /* st4 {v0.8b, v1.8b, v2.8b, v3.8b}, [x1] */,
        0x0d400c20 /* ld1 {v0.b}[3], [x1] */,
        0x4d60c820 /* ld2r {v0.4s, v1.4s}, [x1] */,
        0x5c000040 /* ldr d0, .+8 */,
        0xac000420 /* stnp q0, q1, [x1] */,
    };
    struct machine *m = fresh(state);

    m->cpu.fp_trap = true;
    m->cpu.x[1] = HOLE; /* the trap comes before any fault of the access, or of SP */
    m->cpu.x[X_SP] = HOLE + 1;
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        assert_false(run(m, words[i]));
        assert_int_equal(m->fault, FAULT_FP);
    }
    m->cpu.x[1] = RAM;
    assert_true(run(m, 0xf9400022 /* ldr x2, [x1] */));
}

/* ---- Faults -------------------------------------------------------------------------------------
 */

static void test_faults_change_nothing(void **state)
{
    static const struct {
        uint32_t word;
        uint64_t base, fault_va;
        enum fault fault;
    } cases[] = {
        { 0xf8408422 /* ldr x2, [x1], #8 */, HOLE - 4, HOLE, FAULT_TRANSLATION },
        { 0xf8008c22 /* str x2, [x1, #8]! */, HOLE - 12, HOLE, FAULT_TRANSLATION },
        { 0xa8c10c22 /* ldp x2, x3, [x1], #16 */, HOLE - 8, HOLE, FAULT_TRANSLATION },
        { 0x28c20c22 /* ldp w2, w3, [x1], #16 */, HOLE, HOLE, FAULT_TRANSLATION },
        { 0xa9bf0c22 /* stp x2, x3, [x1, #-16]! */, HOLE + 8, HOLE, FAULT_TRANSLATION },
        { 0xa9000c22 /* stp x2, x3, [x1] */, HOLE - 12, HOLE, FAULT_TRANSLATION },
        { 0xac810c22 /* stp q2, q3, [x1], #32 */, HOLE - 16, HOLE, FAULT_TRANSLATION },
        { 0xacc10c22 /* ldp q2, q3, [x1], #32 */, HOLE - 17, HOLE, FAULT_TRANSLATION },
        { 0xa9400c22 /* ldp x2, x3, [x1] */, ROM - 8, ROM - 8, FAULT_TRANSLATION },
        { 0xa9808c22 /* stp x2, x3, [x1, #8]! */, ROM + 8, ROM + 16, FAULT_PERMISSION },
        { 0x3c810422 /* str q2, [x1], #16 */, ROM, ROM, FAULT_PERMISSION },
        { 0x4cdfa022 /* ld1 {v2.16b, v3.16b}, [x1], #32 */, HOLE - 31, HOLE, FAULT_TRANSLATION },
        { 0x4c9f2022 /* st1 {v2.16b-v5.16b}, [x1], #64 */, HOLE - 63, HOLE, FAULT_TRANSLATION },
        { 0x4cc60422 /* ld4 {v2.8h-v5.8h}, [x1], x6 */, HOLE - 32, HOLE, FAULT_TRANSLATION },
        { 0x0c9f4022 /* st3 {v2.8b-v4.8b}, [x1], #24 */, HOLE - 23, HOLE, FAULT_TRANSLATION },
        { 0x4dff8422 /* ld2 {v2.d, v3.d}[1], [x1], #16 */, HOLE - 8, HOLE, FAULT_TRANSLATION },
        { 0x4ddfe822 /* ld3r {v2.4s-v4.4s}, [x1], #12 */, HOLE - 8, HOLE, FAULT_TRANSLATION },
        { 0xc8037c22 /* stxr w3, x2, [x1] */, ROM, ROM, FAULT_PERMISSION },
        { 0xc85f7c22 /* ldxr x2, [x1] */, HOLE, HOLE, FAULT_TRANSLATION },
        { 0xc85f7c22 /* ldxr x2, [x1] */, RAM + 4, RAM + 4, FAULT_ALIGNMENT },
        { 0x485f7c22 /* ldxrh w2, [x1] */, RAM + 1, RAM + 1, FAULT_ALIGNMENT },
        { 0xc87f8c22 /* ldaxp x2, x3, [x1] */, RAM + 8, RAM + 8, FAULT_ALIGNMENT },
        { 0x88248c22 /* stlxp w4, w2, w3, [x1] */, RAM + 4, RAM + 4, FAULT_ALIGNMENT },
        { 0x88dffc22 /* ldar w2, [x1] */, RAM + 2, RAM + 2, FAULT_ALIGNMENT },
        { 0x489ffc22 /* stlrh w2, [x1] */, RAM + 1, RAM + 1, FAULT_ALIGNMENT },
        { 0xf8bfc022 /* ldapr x2, [x1] */, RAM + 4, RAM + 4, FAULT_ALIGNMENT },
        { 0xb8220023 /* ldadd w2, w3, [x1] */, RAM + 2, RAM + 2, FAULT_ALIGNMENT },
        { 0x48227c24 /* casp x2, x3, x4, x5, [x1] */, RAM + 8, RAM + 8, FAULT_ALIGNMENT },
        { 0xc8a27c23 /* cas x2, x3, [x1] */, ROM, ROM, FAULT_PERMISSION },
        { 0xf8228023 /* swp x2, x3, [x1] */, ROM, ROM, FAULT_PERMISSION },
        { 0xf822003f /* stadd x2, [x1] */, ROM, ROM, FAULT_PERMISSION },
        { 0xc85f7c22 /* ldxr x2, [x1] */, DEVICE, DEVICE, FAULT_ATOMIC },
        { 0xb8223023 /* ldset w2, w3, [x1] */, DEVICE, DEVICE, FAULT_ATOMIC },
    };
    struct machine *m = fresh(state);
    static struct cpu before;
    static uint8_t memory[PAGES * SOFT_PAGE];

    for (unsigned warm = 0; warm < 2; warm++) {
        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
            machine_reset(m);
            m->cpu.x[1] = RAM + 0x1ff8;
            if (warm) { /* the page below the hole and the read-only page are in the TLB */
                assert_true(run(m, 0xf9400022 /* ldr x2, [x1] */));
                m->cpu.x[1] = ROM;
                assert_true(run(m, 0xf9400022 /* ldr x2, [x1] */));
                m->cpu.x[1] = RAM;
                assert_true(run(m, 0xf9000022 /* str x2, [x1] */));
            }
            m->cpu.x[1] = cases[i].base;
            before = m->cpu;
            memcpy(memory, m->mem, sizeof(memory));
            assert_false(run(m, cases[i].word));
            if (m->fault != cases[i].fault || m->fault_va != cases[i].fault_va) {
                fail_msg("case %u (%08x): fault %d at %llx", i, cases[i].word, (int)m->fault,
                         (unsigned long long)m->fault_va);
            }
            assert_memory_equal(before.x, m->cpu.x, sizeof(before.x));
            assert_memory_equal(before.v, m->cpu.v, sizeof(before.v));
            assert_memory_equal(memory, m->mem, sizeof(memory));
        }
    }
}

/* SCTLR.A: each element is checked against its own size. */
static void test_alignment_check(void **state)
{
    static const struct {
        uint32_t word;
        unsigned offset;
        bool ok;
    } cases[] = {
        { 0x39400022 /* ldrb w2, [x1] */, 1, true },
        { 0x79400022 /* ldrh w2, [x1] */, 1, false },
        { 0xb9400022 /* ldr w2, [x1] */, 2, false },
        { 0xf9400022 /* ldr x2, [x1] */, 4, false },
        { 0xf9000022 /* str x2, [x1] */, 8, true },
        { 0xb9000022 /* str w2, [x1] */, 1, false },
        { 0xa9400c22 /* ldp x2, x3, [x1] */, 8, true },
        { 0xa9400c22 /* ldp x2, x3, [x1] */, 4, false },
        { 0x29000c22 /* stp w2, w3, [x1] */, 4, true },
        { 0x29000c22 /* stp w2, w3, [x1] */, 2, false },
        { 0x69400c22 /* ldpsw x2, x3, [x1] */, 4, true },
        { 0x3dc00022 /* ldr q2, [x1] */, 16, true },
        { 0x3dc00022 /* ldr q2, [x1] */, 8, false },
        { 0xad400c22 /* ldp q2, q3, [x1] */, 16, true },
        { 0xad000c22 /* stp q2, q3, [x1] */, 8, false },
        { 0x6d400c22 /* ldp d2, d3, [x1] */, 8, true },
        { 0x4c402022 /* ld1 {v2.16b-v5.16b}, [x1] */, 1, true },
        { 0x4c407422 /* ld1 {v2.8h}, [x1] */, 1, false },
        { 0x4c407422 /* ld1 {v2.8h}, [x1] */, 2, true },
        { 0x4c000822 /* st4 {v2.4s-v5.4s}, [x1] */, 4, true },
        { 0x4c000822 /* st4 {v2.4s-v5.4s}, [x1] */, 2, false },
        { 0x0d608422 /* ld2 {v2.d, v3.d}[0], [x1] */, 8, true },
        { 0x0d608422 /* ld2 {v2.d, v3.d}[0], [x1] */, 4, false },
        { 0x0d40c422 /* ld1r {v2.4h}, [x1] */, 1, false },
    };
    struct machine *m = fresh(state);

    for (unsigned warm = 0; warm < 2; warm++) {
        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
            machine_reset(m);
            m->cpu.x[1] = RAM + 0x100;
            if (warm) {
                assert_true(run(m, 0xf9000022 /* str x2, [x1] */));
            }
            m->cpu.x[1] += cases[i].offset;
            assert_true(run(m, cases[i].word)); /* off: anything goes */
            flush_tlb(m);
            if (warm) {
                assert_true(run(m, 0x39000022 /* strb w2, [x1] */));
            }
            m->cpu.align_mask = ~0ull;
            if (run(m, cases[i].word) != cases[i].ok) {
                fail_msg("case %u (%08x)", i, cases[i].word);
            }
            assert_int_equal(m->fault, cases[i].ok ? FAULT_NONE : FAULT_ALIGNMENT);
        }
    }
    /* Alignment comes before translation: the second page of this pair is not mapped. */
    m->cpu.x[1] = HOLE - 4;
    assert_false(run(m, 0xa9400c22 /* ldp x2, x3, [x1] */));
    assert_int_equal(m->fault, FAULT_ALIGNMENT);
    assert_int_equal(m->fault_va, HOLE - 4);
}

static void test_unprivileged(void **state)
{
    static const uint32_t words[] = {
        0xf8400822 /* ldtr x2, [x1] */,   0x38400822 /* ldtrb w2, [x1] */,
        0x78800822 /* ldtrsh x2, [x1] */, 0xb8000822 /* sttr w2, [x1] */,
        0x78000822 /* sttrh w2, [x1] */,
    };
    struct machine *m = fresh(state);

    m->user_denied = true;
    m->cpu.x[1] = RAM;
    assert_true(run(m, 0xf9000022 /* str x2, [x1] */));
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        assert_false(run(m, words[i]));
        assert_int_equal(m->fault, FAULT_PERMISSION);
    }
    m->user_denied = false;
    assert_true(run(m, 0xf8008821 /* sttr x1, [x1, #8] */));
    assert_int_equal(get(m, RAM + 8), RAM);
    m->user_denied = true; /* the entry is in the user's TLB now */
    assert_true(run(m, 0xf8408822 /* ldtr x2, [x1, #8] */));
    assert_int_equal(m->cpu.x[2], RAM);
}

static void test_devices(void **state)
{
    struct machine *m = fresh(state);

    m->cpu.x[1] = DEVICE;
    assert_true(run(m, 0x79c00022 /* ldrsh w2, [x1] */));
    assert_int_equal(m->cpu.x[2], 0xfffff7f8);
    assert_true(run(m, 0xb8404422 /* ldr w2, [x1], #4 */));
    assert_int_equal(m->cpu.x[2], 0xf5f6f7f8);
    assert_true(run(m, 0xb9000023 /* str w3, [x1] */));
    assert_int_equal((uint32_t)m->device_written, 0x03030303);
    assert_true(run(m, 0x88dffc22 /* ldar w2, [x1] */));
    assert_int_equal(m->cpu.x[2], 0xf5f6f7f8);
    assert_true(run(m, 0x089ffc24 /* stlrb w4, [x1] */));
    assert_int_equal((uint8_t)m->device_written, 4);
    assert_int_equal(m->device_accesses, 5);
    m->cpu.x[1] = DEVICE;
    assert_true(run(m, 0xa9400c22 /* ldp x2, x3, [x1] */));
    assert_int_equal(m->cpu.x[3], 0xf1f2f3f4f5f6f7f8);
    assert_true(run(m, 0x4c007c20 /* st1 {v0.2d}, [x1] */));
    assert_int_equal(m->device_accesses, 9);
    /* An external abort of a later part: no destination, and no base, was written. */
    static const uint32_t words[] = {
        0xa8c10c22 /* ldp x2, x3, [x1], #16 */,
        0x6cc10c22 /* ldp d2, d3, [x1], #16 */,
        0x4cdf8822 /* ld2 {v2.4s, v3.4s}, [x1], #32 */,
        0x0dff8022 /* ld2 {v2.s, v3.s}[0], [x1], #8 */,
    };
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        static struct cpu before;

        machine_reset(m);
        m->device_fails_at = 2;
        m->cpu.x[1] = DEVICE;
        before = m->cpu;
        assert_false(run(m, words[i]));
        assert_int_equal(m->fault, FAULT_EXTERNAL);
        assert_memory_equal(before.x, m->cpu.x, sizeof(before.x));
        assert_memory_equal(before.v, m->cpu.v, sizeof(before.v));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loads),
        cmocka_unit_test(test_stores),
        cmocka_unit_test(test_write_back),
        cmocka_unit_test(test_sp_base),
        cmocka_unit_test(test_literals),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_vector_loads_zero_the_rest),
        cmocka_unit_test(test_fp_trap),
        cmocka_unit_test(test_faults_change_nothing),
        cmocka_unit_test(test_alignment_check),
        cmocka_unit_test(test_unprivileged),
        cmocka_unit_test(test_devices),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
