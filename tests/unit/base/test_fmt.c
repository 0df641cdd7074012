/*
 * test_fmt.c - fmt against the C library's snprintf, on chosen edges and on random formats and
 * values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/fmt.h"

/* The formats are made at run time on purpose. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat"
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wformat-overflow"
#endif

static uint64_t seed = 0x243f6a8885a308d3;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Full width, small, or an edge. */
static uint64_t random_value(void)
{
    static const uint64_t edges[] = { 0,
                                      1,
                                      9,
                                      10,
                                      15,
                                      16,
                                      INT8_MAX,
                                      UINT8_MAX,
                                      INT16_MAX,
                                      INT32_MAX,
                                      INT32_MAX + 1ull,
                                      UINT32_MAX,
                                      INT64_MAX,
                                      UINT64_MAX,
                                      1ull << 63 };

    switch (next_random() % 3) {
    case 0: return edges[next_random() % (sizeof(edges) / sizeof(edges[0]))];
    case 1: return next_random();
    default: return next_random() >> (next_random() % 64);
    }
}

#define CHECK(size, ...)                                          \
    do {                                                          \
        char want[256], got[256];                                 \
        memset(want, 'w', sizeof(want));                          \
        memset(got, 'w', sizeof(got));                            \
        int want_len = snprintf(want, size, __VA_ARGS__);         \
        size_t got_len = fmt_format(got, size, __VA_ARGS__);      \
        assert_int_equal(got_len, want_len);                      \
        assert_memory_equal(got, want, size);                     \
        assert_int_equal(got[size], 'w'); /* not a byte beyond */ \
    } while (0)

/* "<%", one of the flags, perhaps a width, perhaps a precision; returns the length. */
static size_t random_spec(char *format, const char *const *flags, unsigned flag_count)
{
    char *p = format;

    p += sprintf(p, "<%%%s", flags[next_random() % flag_count]);
    if (next_random() % 2) {
        p += sprintf(p, "%u", (unsigned)(next_random() % 30) + 1);
    }
    if (next_random() % 3 == 0) {
        p += next_random() % 4 == 0 ? sprintf(p, ".")
                                    : sprintf(p, ".%u", (unsigned)(next_random() % 30));
    }
    return (size_t)(p - format);
}

static void test_random_numbers(void **state)
{
#ifdef _WIN32
    skip(); /* the C libraries there have ideas of their own about "+" with a blank and about "0" */
#endif
    static const struct {
        const char *length;
        unsigned bytes;
    } lengths[] = { { "hh", 4 },           { "h", 4 },  { "", 4 },
                    { "l", sizeof(long) }, { "ll", 8 }, { "z", sizeof(size_t) } };

    static const char *const flags[] = { "",   "-",  "0",  "+",  " ",  "#",
                                         "-0", "+0", "#0", "- ", "#-", "+ " };

    for (unsigned n = 0; n < 200000; n++) {
        char format[64];
        size_t len = random_spec(format, flags, 12);
        unsigned which = (unsigned)(next_random() % 6);
        uint64_t value = random_value();
        size_t size = next_random() % 4 == 0 ? (size_t)(next_random() % 20) : 128;

        sprintf(format + len, "%s%c>", lengths[which].length, "diuxX"[next_random() % 5]);
        if (lengths[which].bytes == 4) {
            CHECK(size, format, (unsigned)value);
        } else {
            CHECK(size, format, value);
        }
    }
}

static void test_random_strings(void **state)
{
    static const char *const flags[] = { "", "-" };
    static const char text[] = "abcdefghijklmnopqrstuvwxyz";

    for (unsigned n = 0; n < 50000; n++) {
        char format[64];
        size_t len = random_spec(format, flags, 2);
        size_t size = (size_t)(next_random() % 60);
        const char *arg = text + next_random() % 27;

        strcpy(format + len, "s>");
        CHECK(size, format, arg);
    }
}

static void test_stars(void **state)
{
    CHECK(64, "[%*d]", 8, 42);
    CHECK(64, "[%*d]", -8, 42);
    CHECK(64, "[%.*d]", 5, 42);
    CHECK(64, "[%.*d]", -5, 42);
    CHECK(64, "[%-*.*x]", 12, 6, 0xbeef);
    CHECK(64, "[%.*s]", 3, "abcdef");
    CHECK(64, "[%.*s]", 0, "abcdef");
    CHECK(64, "[%.*s]", -1, "abcdef");
    CHECK(64, "[%0*llx]", 16, 0x40000000ull);
}

static void test_characters(void **state)
{
    CHECK(64, "%c|%5c|%-5c|%%", 'a', 'b', 'c');
    CHECK(64, "no conversion");
    CHECK(64, "%s", "");
    CHECK(64, "%i %d", INT_MIN, INT_MAX);
    CHECK(64, "%lld", LLONG_MIN);
}

static void test_pointer_and_null(void **state)
{
    char buf[64];

    assert_int_equal(fmt_format(buf, sizeof(buf), "%p", (void *)0x1234abcd), 10);
    assert_string_equal(buf, "0x1234abcd");
    fmt_format(buf, sizeof(buf), "%p", (void *)NULL);
    assert_string_equal(buf, "0x0");
    fmt_format(buf, sizeof(buf), "[%s]", (char *)NULL);
    assert_string_equal(buf, "[(null)]");
}

/* A precision makes the terminating 0 unnecessary. */
static void test_unterminated(void **state)
{
    const char raw[3] = { 'x', 'y', 'z' };
    char buf[8];

    fmt_format(buf, sizeof(buf), "%.3s", raw);
    assert_string_equal(buf, "xyz");
}

static void test_size_zero(void **state)
{
    assert_int_equal(fmt_format(NULL, 0, "%d bytes", 12345), 11);
}

/* What is no conversion of ours stays in the text and takes no argument. */
static void test_unknown(void **state)
{
    char buf[64];

    fmt_format(buf, sizeof(buf), "%q %5.2y %d", 7);
    assert_string_equal(buf, "%q %5.2y 7");
    fmt_format(buf, sizeof(buf), "100%");
    assert_string_equal(buf, "100%");
    fmt_format(buf, sizeof(buf), "%-08l");
    assert_string_equal(buf, "%-08l");
}

/* A mad width is bounded, not obeyed. */
static void test_huge_width(void **state)
{
    char buf[8];

    assert_int_equal(fmt_format(buf, sizeof(buf), "%99999999999999999999d", 1), INT16_MAX);
    assert_string_equal(buf, "       ");
    assert_int_equal(fmt_format(buf, sizeof(buf), "%*d", INT_MIN, 1), INT16_MAX);
}

static void test_text(void **state)
{
    char buf[8];
    struct text t;

    text_init(&t, buf, sizeof(buf));
    assert_string_equal(buf, "");
    text_add(&t, "%d", 12);
    text_add(&t, "-%s", "ab");
    assert_string_equal(buf, "12-ab");
    assert_int_equal(t.len, 5);
    text_add(&t, "%s", "cdefgh");
    assert_string_equal(buf, "12-abcd");
    assert_int_equal(t.len, 7);
    text_add(&t, "more");
    assert_string_equal(buf, "12-abcd");
    assert_int_equal(t.len, 7);

    text_init(&t, buf, 0);
    text_add(&t, "dropped");
    assert_int_equal(t.len, 0);
    assert_string_equal(buf, "12-abcd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_numbers),
        cmocka_unit_test(test_random_strings),
        cmocka_unit_test(test_stars),
        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_pointer_and_null),
        cmocka_unit_test(test_unterminated),
        cmocka_unit_test(test_size_zero),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_huge_width),
        cmocka_unit_test(test_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
