/*
 * test_op_fp.c - scalar floating-point instructions, from the word to the registers.
 *
 * What the core computes is test_fp.c's business; here it is decoding, lowering, operand order,
 * register widths, flags and the trap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "accel/soft/cpu.h"

static op_fn *const body[UOP_COUNT] = {
#define UOP(name, flags) [UOP_##name] = op_##name,
#include "accel/soft/uop_fp.def"
#undef UOP
};

static lower_fn *const family[A64_INSN_COUNT] = {
#define INSN(name, pattern, feat, flags, lower, assembler) [A64_INSN_##name] = lower_##lower,
#include "arch/a64_fp.def"
#undef INSN
};

static struct a64_table *table;
static struct cpu cpu;
static unsigned traps, ended;

/* Stands in for except.c. */
void cpu_fp_trap(struct cpu *c, const struct op *op)
{
    c->left = true;
    traps++;
}

static op_ret HV_ENGINE_ABI body_end(struct cpu *c, const struct op *op)
{
    ended++;
    LEAVE();
}

static void run(uint32_t word)
{
    struct op ops[2] = { { .word = word }, { .fn = body_end } };
    const struct a64_row *row = a64_decode(table, word);
    const struct lower lo = { .cpu = &cpu, .row = row };

    assert_non_null(row);
    assert_non_null(family[row->index]);
    assert_true((row->flags & A64_FP) != 0);
    ops[0].fn = body[family[row->index](&lo, word, &ops[0])];
    assert_non_null(ops[0].fn);
    ended = 0;
#if SOFT_TAILCALL
    ops[0].fn(&cpu, &ops[0]);
#else
    for (const struct op *op = ops; op != NULL;) {
        op = op->fn(&cpu, op);
    }
#endif
    assert_int_equal(cpu.x[X_ZERO], 0);
}

#define S(r) cpu.v[r].s[0]
#define D(r) cpu.v[r].d[0]
#define H(r) cpu.v[r].h[0]

/* Every V register holds its number in each byte plus 0x80, each X register 0x1111.. * n. */
static int reset(void **state)
{
    memset(&cpu, 0, sizeof(cpu));
    for (unsigned i = 0; i < 32; i++) {
        memset(&cpu.v[i], (int)(0x80 + i), 16);
        cpu.x[i] = 0x1111111111111111 * (i % 16);
    }
    traps = 0;
    return 0;
}

static void assert_scalar(unsigned r, uint64_t value)
{
    assert_int_equal(D(r), value);
    assert_int_equal(cpu.v[r].d[1], 0);
}

static void test_moves(void **state)
{
    run(0x1e204020); /* fmov s0, s1 */
    assert_scalar(0, 0x81818181);
    run(0x1e604020); /* fmov d0, d1 */
    assert_scalar(0, 0x8181818181818181);
    run(0x1ee04020); /* fmov h0, h1 */
    assert_scalar(0, 0x8181);
    run(0x1e20c020); /* fabs s0, s1 */
    assert_scalar(0, 0x01818181);
    run(0x1e60c020); /* fabs d0, d1 */
    assert_scalar(0, 0x0181818181818181);
    run(0x1ee0c020); /* fabs h0, h1 */
    assert_scalar(0, 0x0181);
    run(0x1e214020); /* fneg s0, s1 */
    assert_scalar(0, 0x01818181);
    run(0x1ee14000); /* fneg h0, h0 */
    assert_scalar(0, 0x0181);
    assert_int_equal(cpu.fpsr, 0);
}

static void test_constants(void **state)
{
    run(0x1e2e1000); /* fmov s0, #1.0 */
    assert_scalar(0, 0x3f800000);
    run(0x1e6e1000); /* fmov d0, #1.0 */
    assert_scalar(0, 0x3ff0000000000000);
    run(0x1eee1000); /* fmov h0, #1.0 */
    assert_scalar(0, 0x3c00);
    run(0x1e27f001 | 0xff << 13); /* fmov s1, #-1.9375 */
    assert_scalar(1, 0xbff80000);
    run(0x1e601001 | 0x00 << 13); /* fmov d1, #2.0 */
    assert_scalar(1, 0x4000000000000000);
    run(0x1e601001 | 0x3f << 13); /* fmov d1, #31.0 */
    assert_scalar(1, 0x403f000000000000);
    run(0x1e601001 | 0x40 << 13); /* fmov d1, #0.125 */
    assert_scalar(1, 0x3fc0000000000000);
    run(0x1ee01001 | 0xc1 << 13); /* fmov h1, #-0.1328125 */
    assert_scalar(1, 0xb040);
}

static void test_general(void **state)
{
    run(0x1e260020); /* fmov w0, s1 */
    assert_int_equal(cpu.x[0], 0x81818181);
    run(0x9e660020); /* fmov x0, d1 */
    assert_int_equal(cpu.x[0], 0x8181818181818181);
    cpu.v[1].d[1] = 42;
    run(0x9eae0020); /* fmov x0, v1.d[1] */
    assert_int_equal(cpu.x[0], 42);
    run(0x1ee60020); /* fmov w0, h1 */
    assert_int_equal(cpu.x[0], 0x8181);
    run(0x9ee60020); /* fmov x0, h1 */
    assert_int_equal(cpu.x[0], 0x8181);
    run(0x1e270083); /* fmov s3, w4 */
    assert_scalar(3, 0x44444444);
    run(0x9e670083); /* fmov d3, x4 */
    assert_scalar(3, 0x4444444444444444);
    run(0x9ee70083); /* fmov h3, x4 */
    assert_scalar(3, 0x4444);
    run(0x9eaf00a3); /* fmov v3.d[1], x5 */
    assert_int_equal(D(3), 0x4444);
    assert_int_equal(cpu.v[3].d[1], 0x5555555555555555);
    run(0x9e6703e3); /* fmov d3, xzr */
    assert_scalar(3, 0);
    cpu.x[X_SP] = 77;
    run(0x9e66003f); /* fmov xzr, d1 */
    assert_int_equal(cpu.x[X_SP], 77);
}

static void test_arithmetic(void **state)
{
    D(1) = 0x4018000000000000; /* 6 */
    D(2) = 0x4008000000000000; /* 3 */
    D(3) = 0x3ff0000000000000; /* 1 */
    run(0x1e620820);           /* fmul */
    assert_scalar(0, 0x4032000000000000);
    run(0x1e621820); /* fdiv */
    assert_scalar(0, 0x4000000000000000);
    run(0x1e622820); /* fadd */
    assert_scalar(0, 0x4022000000000000);
    run(0x1e623820); /* fsub */
    assert_scalar(0, 0x4008000000000000);
    run(0x1e624820); /* fmax */
    assert_scalar(0, 0x4018000000000000);
    run(0x1e625820); /* fmin */
    assert_scalar(0, 0x4008000000000000);
    run(0x1e626820); /* fmaxnm */
    assert_scalar(0, 0x4018000000000000);
    run(0x1e627820); /* fminnm */
    assert_scalar(0, 0x4008000000000000);
    run(0x1e628820); /* fnmul */
    assert_scalar(0, 0xc032000000000000);
    run(0x1f420c20); /* fmadd: 1 + 18 */
    assert_scalar(0, 0x4033000000000000);
    run(0x1f428c20); /* fmsub: 1 - 18 */
    assert_scalar(0, 0xc031000000000000);
    run(0x1f620c20); /* fnmadd: -1 - 18 */
    assert_scalar(0, 0xc033000000000000);
    run(0x1f628c20); /* fnmsub: -1 + 18 */
    assert_scalar(0, 0x4031000000000000);
    D(1) = 0x4010000000000000;
    run(0x1e61c020); /* fsqrt d0, d1 */
    assert_scalar(0, 0x4000000000000000);
    assert_int_equal(cpu.fpsr, 0);
    S(1) = S(2) = 0x3f800001;
    run(0x1e220820); /* fmul s0, s1, s2 */
    assert_scalar(0, 0x3f800002);
    assert_int_equal(cpu.fpsr, FPSR_IXC);
    H(1) = H(2) = 0x3c00;
    run(0x1ee22820); /* fadd h0, h1, h2 */
    assert_scalar(0, 0x4000);
}

/* Negation comes before the NaN is looked at (FMSUB, FNMADD), after the product (FNMUL). */
static void test_nan_signs(void **state)
{
    S(1) = 0x7fc00001;
    S(2) = S(3) = 0x3f800000;
    run(0x1f028c20); /* fmsub s0, s1, s2, s3 */
    assert_scalar(0, 0xffc00001);
    run(0x1f018c40); /* fmsub s0, s2, s1, s3 */
    assert_scalar(0, 0x7fc00001);
    run(0x1f220440); /* fnmadd s0, s2, s2, s1 */
    assert_scalar(0, 0xffc00001);
    run(0x1e228820); /* fnmul s0, s1, s2 */
    assert_scalar(0, 0xffc00001);
}

static void test_rounding(void **state)
{
    static const struct {
        uint32_t word;
        uint64_t up, down; /* of 2.5 and -2.5 */
    } row[] = {
        { 0x1e644020, 0x4000000000000000, 0xc000000000000000 }, /* frintn */
        { 0x1e64c020, 0x4008000000000000, 0xc000000000000000 }, /* frintp */
        { 0x1e654020, 0x4000000000000000, 0xc008000000000000 }, /* frintm */
        { 0x1e65c020, 0x4000000000000000, 0xc000000000000000 }, /* frintz */
        { 0x1e664020, 0x4008000000000000, 0xc008000000000000 }, /* frinta */
        { 0x1e67c020, 0x4008000000000000, 0xc000000000000000 }, /* frinti */
        { 0x1e684020, 0x4000000000000000, 0xc000000000000000 }, /* frint32z, inexact */
        { 0x1e68c020, 0x4008000000000000, 0xc000000000000000 }, /* frint32x, inexact */
        { 0x1e674020, 0x4008000000000000, 0xc000000000000000 }, /* frintx, inexact */
    };

    cpu.fpcr = 1u << FPCR_RM_SHIFT; /* upward, for frinti, frintx and frint32x */
    for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
        D(1) = 0x4004000000000000;
        cpu.fpsr = 0;
        run(row[i].word);
        assert_scalar(0, row[i].up);
        assert_int_equal(cpu.fpsr, i >= 6 ? FPSR_IXC : 0);
        D(1) = 0xc004000000000000;
        run(row[i].word);
        assert_scalar(0, row[i].down);
    }
    D(1) = 0x41f0000000000000; /* 2^32 */
    cpu.fpsr = 0;
    run(0x1e684020); /* frint32z */
    assert_scalar(0, 0xc1e0000000000000);
    assert_int_equal(cpu.fpsr, FPSR_IOC);
    run(0x1e694020); /* frint64z */
    assert_scalar(0, 0x41f0000000000000);
}

static void test_converts(void **state)
{
    S(1) = 0x3fc00000;
    run(0x1e22c020); /* fcvt d0, s1 */
    assert_scalar(0, 0x3ff8000000000000);
    run(0x1e23c020); /* fcvt h0, s1 */
    assert_scalar(0, 0x3e00);
    D(1) = 0x3ff8000000000000;
    run(0x1e624020); /* fcvt s0, d1 */
    assert_scalar(0, 0x3fc00000);
    run(0x1e63c020); /* fcvt h0, d1 */
    assert_scalar(0, 0x3e00);
    H(1) = 0x3e00;
    run(0x1ee24020); /* fcvt s0, h1 */
    assert_scalar(0, 0x3fc00000);
    run(0x1ee2c020); /* fcvt d0, h1 */
    assert_scalar(0, 0x3ff8000000000000);
    S(1) = 0x3fc0ffff;
    run(0x1e634020); /* bfcvt h0, s1 */
    assert_scalar(0, 0x3fc1);
    cpu.fpcr = 3u << FPCR_RM_SHIFT;
    run(0x1e634020);
    assert_scalar(0, 0x3fc0);
}

static void test_compares(void **state)
{
    D(1) = 0x3ff0000000000000;
    D(2) = 0x7ff8000000000000;
    D(3) = 0x8000000000000000;
    run(0x1e612060); /* fcmp d3, d1 */
    assert_int_equal(cpu_nzcv(&cpu), 8u << 28);
    run(0x1e632020); /* fcmp d1, d3 */
    assert_int_equal(cpu_nzcv(&cpu), 2u << 28);
    run(0x1e602068); /* fcmp d3, #0.0 */
    assert_int_equal(cpu_nzcv(&cpu), 6u << 28);
    run(0x1e602048); /* fcmp d2, #0.0 */
    assert_int_equal(cpu_nzcv(&cpu), 3u << 28);
    assert_int_equal(cpu.fpsr, 0);
    run(0x1e602058); /* fcmpe d2, #0.0 */
    assert_int_equal(cpu.fpsr, FPSR_IOC);
    cpu.fpsr = 0;
    run(0x1e622030); /* fcmpe d1, d2 */
    assert_int_equal(cpu.fpsr, FPSR_IOC);

    cpu_set_nzcv(&cpu, 4u << 28); /* Z */
    cpu.fpsr = 0;
    run(0x1e621435); /* fccmpe d1, d2, #5, ne */
    assert_int_equal(cpu_nzcv(&cpu), 5u << 28);
    assert_int_equal(cpu.fpsr, 0);
    run(0x1e610425); /* fccmp d1, d1, #5, eq */
    assert_int_equal(cpu_nzcv(&cpu), 6u << 28);
    run(0x1e620435); /* fccmpe d1, d2, #5, eq */
    assert_int_equal(cpu_nzcv(&cpu), 3u << 28);
    assert_int_equal(cpu.fpsr, FPSR_IOC);

    cpu_set_nzcv(&cpu, 4u << 28);
    run(0x1e620c20); /* fcsel d0, d1, d2, eq */
    assert_scalar(0, 0x3ff0000000000000);
    run(0x1e621c20); /* fcsel d0, d1, d2, ne */
    assert_scalar(0, 0x7ff8000000000000);
}

static void test_to_integers(void **state)
{
    D(1) = 0xc004000000000000; /* -2.5 */
    run(0x1e600020);           /* fcvtns w0, d1 */
    assert_int_equal(cpu.x[0], 0xfffffffe);
    run(0x9e600020); /* fcvtns x0, d1 */
    assert_int_equal(cpu.x[0], -2ull);
    run(0x9e640020); /* fcvtas x0, d1 */
    assert_int_equal(cpu.x[0], -3ull);
    run(0x9e680020); /* fcvtps x0, d1 */
    assert_int_equal(cpu.x[0], -2ull);
    run(0x9e700020); /* fcvtms x0, d1 */
    assert_int_equal(cpu.x[0], -3ull);
    run(0x9e780020); /* fcvtzs x0, d1 */
    assert_int_equal(cpu.x[0], -2ull);
    run(0x1e780020); /* fcvtzs w0, d1 */
    assert_int_equal(cpu.x[0], 0xfffffffe);
    assert_int_equal(cpu.fpsr, FPSR_IXC);
    run(0x9e790020); /* fcvtzu x0, d1 */
    assert_int_equal(cpu.x[0], 0);
    assert_int_equal(cpu.fpsr, FPSR_IXC | FPSR_IOC);
    D(1) = 0x41efffffffe00000; /* 2^32 - 1 */
    run(0x1e790020);           /* fcvtzu w0, d1 */
    assert_int_equal(cpu.x[0], 0xffffffff);
    run(0x1e780020); /* fcvtzs w0, d1 */
    assert_int_equal(cpu.x[0], 0x7fffffff);
    D(1) = 0x4004000000000000; /* 2.5 */
    run(0x1e58fc20);           /* fcvtzs w0, d1, #1 */
    assert_int_equal(cpu.x[0], 5);
    run(0x9e580020); /* fcvtzs x0, d1, #64 */
    assert_int_equal(cpu.x[0], INT64_MAX);
    cpu.fpsr = 0;
    run(0x1e7e0020); /* fjcvtzs w0, d1 */
    assert_int_equal(cpu.x[0], 2);
    assert_int_equal(cpu_nzcv(&cpu), 0);
    D(1) = 0xbff0000000000000;
    run(0x1e7e0020);
    assert_int_equal(cpu.x[0], 0xffffffff);
    assert_int_equal(cpu_nzcv(&cpu), 4u << 28);
    cpu.x[X_SP] = 77;
    run(0x9e78003f); /* fcvtzs xzr, d1 */
    assert_int_equal(cpu.x[X_SP], 77);
}

static void test_from_integers(void **state)
{
    cpu.x[1] = 0x1ffffffff;
    run(0x1e620020); /* scvtf d0, w1 */
    assert_scalar(0, 0xbff0000000000000);
    run(0x1e630020); /* ucvtf d0, w1 */
    assert_scalar(0, 0x41efffffffe00000);
    run(0x9e620020); /* scvtf d0, x1 */
    assert_scalar(0, 0x41fffffffff00000);
    run(0x1e220020); /* scvtf s0, w1 */
    assert_scalar(0, 0xbf800000);
    run(0x1e42fc20); /* scvtf d0, w1, #1 */
    assert_scalar(0, 0xbfe0000000000000);
    run(0x1e43fc20); /* ucvtf d0, w1, #1 */
    assert_scalar(0, 0x41dfffffffe00000);
    cpu.x[1] = -1ull;
    assert_int_equal(cpu.fpsr, 0);
    run(0x9e430020); /* ucvtf d0, x1, #64 */
    assert_scalar(0, 0x3ff0000000000000);
    run(0x9e230020); /* ucvtf s0, x1 */
    assert_scalar(0, 0x5f800000);
    assert_int_equal(cpu.fpsr, FPSR_IXC);
    run(0x1ee30020); /* ucvtf h0, w1: overflow */
    assert_scalar(0, 0x7c00);
    run(0x9e6203e0); /* scvtf d0, xzr */
    assert_scalar(0, 0);
}

/* With FP off no instruction of the table does anything but trap. */
static void test_trap(void **state)
{
    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        struct cpu before;

        if (family[i] == NULL) {
            continue;
        }
        reset(NULL);
        cpu.fp_trap = true;
        before = cpu;
        run(a64_row(table, i)->value);
        assert_int_equal(traps, 1);
        assert_int_equal(ended, 0);
        before.left = true;
        assert_memory_equal(&cpu, &before, sizeof(cpu));
    }
}

static int setup(void **state)
{
    table = malloc(a64_table_size());
    return table == NULL || a64_init(table) != NULL;
}

static int teardown(void **state)
{
    free(table);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_moves, reset),
        cmocka_unit_test_setup(test_constants, reset),
        cmocka_unit_test_setup(test_general, reset),
        cmocka_unit_test_setup(test_arithmetic, reset),
        cmocka_unit_test_setup(test_nan_signs, reset),
        cmocka_unit_test_setup(test_rounding, reset),
        cmocka_unit_test_setup(test_converts, reset),
        cmocka_unit_test_setup(test_compares, reset),
        cmocka_unit_test_setup(test_to_integers, reset),
        cmocka_unit_test_setup(test_from_integers, reset),
        cmocka_unit_test_setup(test_trap, reset),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
