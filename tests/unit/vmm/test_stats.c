/* test_stats.c - the table of statistics says whether instructions were counted, in both languages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hypervisor.h"
#include "vmm/machine.h"

static char lines[16384];

static void take_line(void *opaque, enum hv_line to, const char *text)
{
    if (to == HV_LINE_ERR && strlen(lines) + strlen(text) + 2 < sizeof(lines)) {
        strcat(lines, text);
        strcat(lines, "\n");
    }
}

static size_t take_output(void *opaque, const uint8_t *bytes, size_t len)
{
    return len;
}

/* The built-in guest's statistics, with an option (NULL: none); what the run itself says of its instructions. */
static uint64_t table(enum lang lang, const char *accel, const char *option, const char *value)
{
    struct hv_config config;
    const struct hv_host host = { .line = take_line, .console = { take_output, NULL } };
    struct hv_machine *machine;
    struct hv_result result;
    struct err err = { .lang = lang };

    hv_config_init(&config, lang);
    assert_int_equal(hv_config_set(&config, "accel", accel, &err), ST_OK);
    if (option != NULL) {
        assert_int_equal(hv_config_set(&config, option, value, &err), ST_OK);
    }
    assert_int_equal(hv_machine_create(&machine, &config, &host, &err), ST_OK);
    hv_config_fini(&config);
    assert_int_equal(hv_machine_run(machine, &result, &err), ST_OK);
    assert_int_equal(result.outcome, HV_OFF);
    lines[0] = 0;
    stats_table(machine); /* as Ctrl-A i does */
    hv_machine_destroy(machine);
    return result.insns;
}

static void test_not_asked(void **state)
{
    if (!accel_soft_translates) {
        skip();
    }
    assert_int_equal(table(LANG_EN, "soft", NULL, NULL), 0);
    assert_non_null(strstr(lines, "guest instructions   "));
    assert_non_null(strstr(lines, "not counted; --stats or --max-insns would\n"));
    table(LANG_PT_BR, "soft", NULL, NULL);
    assert_non_null(strstr(lines, "não contadas; --stats ou --max-insns contaria\n"));
}

static void test_counted(void **state)
{
    static const struct {
        const char *accel, *option, *value;
    } asks[] = {
        { "soft", "stats", "" },
        { "soft", "max-insns", "1000000000" },
        { "soft,jit=off", NULL, NULL },
    };
    uint64_t insns[3];

    for (unsigned i = 0; i < 3; i++) {
        char want[80];
        insns[i] = table(LANG_EN, asks[i].accel, asks[i].option, asks[i].value);
        snprintf(want, sizeof(want), "  %-46s %16llu\n", "guest instructions",
                 (unsigned long long)insns[i]);
        assert_true(insns[i] > 100);
        assert_non_null(strstr(lines, want));
        assert_null(strstr(lines, "not counted"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_asked),
        cmocka_unit_test(test_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
