/*
 * test_string.c - the str_* functions at their edges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/string.h"

static void test_len(void **state)
{
    assert_int_equal(str_len(""), 0);
    assert_int_equal(str_len("a"), 1);
    assert_int_equal(str_len("ab\0cd"), 2);
}

static void test_eq(void **state)
{
    assert_true(str_eq("", ""));
    assert_true(str_eq("abc", "abc"));
    assert_false(str_eq("abc", "abd"));
    assert_false(str_eq("abc", "ab"));
    assert_false(str_eq("ab", "abc"));
    assert_false(str_eq("", "a"));
}

static void test_starts(void **state)
{
    assert_true(str_starts("hostfwd=tcp", "hostfwd="));
    assert_true(str_starts("abc", ""));
    assert_true(str_starts("", ""));
    assert_true(str_starts("abc", "abc"));
    assert_false(str_starts("ab", "abc"));
    assert_false(str_starts("", "a"));
    assert_false(str_starts("xbc", "a"));
}

static void test_copy(void **state)
{
    char buf[4];

    assert_true(str_copy(buf, sizeof(buf), "abc"));
    assert_string_equal(buf, "abc");
    assert_false(str_copy(buf, sizeof(buf), "defg"));
    assert_string_equal(buf, "def");
    assert_true(str_copy(buf, sizeof(buf), ""));
    assert_string_equal(buf, "");
    buf[1] = 'x';
    assert_false(str_copy(buf, 1, "a"));
    assert_int_equal(buf[0], 0);
    assert_int_equal(buf[1], 'x');
    assert_true(str_copy(buf, 1, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_len),
        cmocka_unit_test(test_eq),
        cmocka_unit_test(test_starts),
        cmocka_unit_test(test_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
