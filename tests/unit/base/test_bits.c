/*
 * test_bits.c - bits.h: fields, rotation, ranges at the ends of the address space, byte order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bits.h"

static void test_fields(void **state)
{
    assert_int_equal(bits(0xdeadbeef12345678, 0, 64), 0xdeadbeef12345678);
    assert_int_equal(bits(0xdeadbeef12345678, 60, 4), 0xd);
    assert_int_equal(bits(0xdeadbeef12345678, 4, 8), 0x67);
    assert_int_equal(bits_set(0, 8, 8, 0x1ff), 0xff00);
    assert_int_equal(bits_set(~0ull, 0, 64, 5), 5);
    assert_int_equal(bits_set(~0ull, 63, 1, 0), INT64_MAX);
}

static void test_sign_extend(void **state)
{
    assert_int_equal(sign_extend(0x80, 8), -128);
    assert_int_equal(sign_extend(0x17f, 8), 127);
    assert_int_equal(sign_extend(1, 1), -1);
    assert_int_equal(sign_extend(~0ull, 64), -1);
}

static void test_rotate(void **state)
{
    assert_int_equal(rotate_right(1, 1, 64), BIT(63));
    assert_int_equal(rotate_right(1, 1, 2), 2);
    assert_int_equal(rotate_right(0x5, 8, 4), 0x5);
    assert_int_equal(rotate_right(0x12345678, 8, 32), 0x78123456);
    assert_int_equal(rotate_right(1, 0, 1), 1);
}

static void test_align(void **state)
{
    assert_int_equal(align_up(1, 4096), 4096);
    assert_int_equal(align_up(4096, 4096), 4096);
    assert_int_equal(align_down(4097, 4096), 4096);
    assert_true(is_aligned(0, 8));
    assert_false(is_aligned(12, 8));
    assert_false(is_power_of_two(0));
    assert_true(is_power_of_two(BIT(63)));
    assert_false(is_power_of_two(6));
}

static void test_range_inside(void **state)
{
    assert_true(range_inside(0x1000, 0x1000, 0x1000, 0x1000));
    assert_false(range_inside(0x1000, 0x1001, 0x1000, 0x1000));
    assert_false(range_inside(0xfff, 1, 0x1000, 0x1000));
    assert_true(range_inside(0x2000, 0, 0x1000, 0x1000));
    assert_false(range_inside(0x1800, UINT64_MAX, 0x1000, 0x1000));
    assert_false(range_inside(UINT64_MAX, 2, 0x1000, 0x1000));
    assert_true(range_inside(UINT64_MAX, 1, UINT64_MAX - 0xfff, 0x1000));
}

static void test_range_overlap(void **state)
{
    assert_true(range_overlap(0, 2, 1, 1));
    assert_false(range_overlap(0, 1, 1, 1));
    assert_true(range_overlap(5, 1, 0, UINT64_MAX));
    assert_false(range_overlap(5, 0, 0, 100));
    assert_true(range_overlap(UINT64_MAX, 1, UINT64_MAX - 1, 2));
    assert_false(range_overlap(0, 1, UINT64_MAX, 2));
}

static void test_byte_order(void **state)
{
    const uint8_t raw[9] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };
    uint8_t out[9] = { 0 };

    assert_int_equal(le16(raw + 1), 0x0201);
    assert_int_equal(le32(raw + 1), 0x04030201);
    assert_int_equal(le64(raw + 1), 0x0807060504030201);
    assert_int_equal(be32(raw + 1), 0x01020304);
    put_be32(out + 1, 0xfedcba98);
    assert_int_equal(be32(out + 1), 0xfedcba98);
    assert_int_equal(out[1], 0xfe);
    put_le16(out + 1, 0x1234);
    assert_int_equal(out[1], 0x34);
    put_le32(out + 1, 0x12345678);
    assert_int_equal(le32(out + 1), 0x12345678);
    put_le64(out + 1, 0x123456789abcdef0);
    assert_int_equal(le64(out + 1), 0x123456789abcdef0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),       cmocka_unit_test(test_sign_extend),
        cmocka_unit_test(test_rotate),       cmocka_unit_test(test_align),
        cmocka_unit_test(test_range_inside), cmocka_unit_test(test_range_overlap),
        cmocka_unit_test(test_byte_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
