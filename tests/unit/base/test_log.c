/*
 * test_log.c - level filter, formatting and the cut at 500 bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/log.h"

struct seen {
    unsigned lines;
    enum log_level level;
    char module[16];
    char text[600];
};

static void record(void *opaque, enum log_level level, const char *module, const char *text)
{
    struct seen *seen = opaque;

    seen->lines++;
    seen->level = level;
    strcpy(seen->module, module);
    strcpy(seen->text, text);
}

static void test_levels(void **state)
{
    for (int port_level = LOG_ERROR; port_level <= LOG_DEBUG; port_level++) {
        for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
            struct seen seen = { 0 };
            struct log_port log = { .write = record,
                                    .opaque = &seen,
                                    .level = (enum log_level)port_level };

            log_line(&log, (enum log_level)level, "uart", "byte %02x of %s", 0x48, "Hello");
            assert_int_equal(seen.lines, level <= port_level);
            if (seen.lines != 0) {
                assert_int_equal(seen.level, level);
                assert_string_equal(seen.module, "uart");
                assert_string_equal(seen.text, "byte 48 of Hello");
            }
        }
    }
}

static void test_no_port(void **state)
{
    struct log_port log = { .level = LOG_DEBUG };

    assert_false(log_enabled(&log, LOG_ERROR));
    log_line(&log, LOG_ERROR, "m", "nobody %s", "listens");
}

static void test_cut(void **state)
{
    struct seen seen = { 0 };
    struct log_port log = { .write = record, .opaque = &seen, .level = LOG_INFO };

    log_line(&log, LOG_INFO, "m", "%550s", "x");
    assert_int_equal(strlen(seen.text), 500);
    log_line(&log, LOG_INFO, "m", "%500s", "x");
    assert_int_equal(strlen(seen.text), 500);
    assert_int_equal(seen.text[499], 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_no_port),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
