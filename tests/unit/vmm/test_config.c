/* test_config.c - options by name, and a configuration as JSON and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "hypervisor.h"

/* For each option: a value, another, and one that it refuses (NULL: it takes any). */
static const struct {
    const char *name, *good, *other, *bad;
} values[] = {
    { "accel", "soft", "auto", "fast" },
    { "jit-cache", "1M", "1G", "1023K" },
    { "machine", "virt", "classic", "pc" },
    { "gic", "3", "2", "4" },
    { "cpus", "64", "2", "65" },
    { "cpu", "cortex-a53", "max,lse=off", "max,lse=maybe" },
    { "affinity", "0", "0-1", "x" },
    { "memory", "1G", "1M", "1K" },
    { "kernel", "Image", "a b", "" },
    { "initrd", "cpio", "b", "" },
    { "append", "console=ttyAMA0 quiet", "\"x\"", NULL },
    { "dtb", "my.dtb", "b", "" },
    { "load", "blob@0x41000000", "b@64", "blob" },
    { "entry", "0x40080000", "0", "here" },
    { "console", "none", "file:out", "printer" },
    { "semihosting", "dir", "d2", NULL },
    { "trace", "exits", "exits=f", "all" },
    { "stats", "json:f", "json:g", "xml" },
    { "perf", "map", "jitdump:dir", "jitdump:" },
    { "symbols", "vmlinux", "System.map@0x200000", "@0x10" },
    { "log", "debug", "warn,gic=debug", "loud" },
    { "log-file", "log", "l", "" },
    { "timeout", "2.5", "1", "-1" },
    { "max-insns", "1000", "18446744073709551615", "0" },
    { "lang", "pt_BR", "en", "de" },
};

static int setup(void **state)
{
    struct hv_config *config = malloc(sizeof(*config));

    hv_config_init(config, LANG_EN);
    *state = config;
    return 0;
}

static int teardown(void **state)
{
    hv_config_fini(*state);
    free(*state);
    return 0;
}

static void assert_set(struct hv_config *config, const char *name, const char *text)
{
    struct err err = { .lang = LANG_EN };

    if (hv_config_set(config, name, text, &err) != ST_OK) {
        fail_msg("--%s %s: %s", name, text, err.text);
    }
}

/* Saves, loads into a fresh one and saves again: the same text. */
static void assert_round_trip(const struct hv_config *config)
{
    struct hv_config copy;
    struct err err = { .lang = LANG_EN };
    char *text = hv_config_save(config), *again;

    assert_non_null(text);
    hv_config_init(&copy, LANG_EN);
    if (hv_config_load(&copy, text, strlen(text), "saved", &err) != ST_OK) {
        fail_msg("%s\n%s", err.text, text);
    }
    again = hv_config_save(&copy);
    assert_string_equal(text, again);
    free(text);
    free(again);
    hv_config_fini(&copy);
}

/* A row of `values` for each option that describes a machine, so that none is forgotten. */
static void test_all_options_have_a_row(void **state)
{
    for (const struct hv_option *o = hv_options; o->name != NULL; o++) {
        unsigned found = o->kind == HV_ACTION;
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
            found += strcmp(values[i].name, o->name) == 0;
        }
        if (found != 1) {
            fail_msg("option %s has %u rows", o->name, found);
        }
    }
}

static void test_good_values(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        assert_set(*state, values[i].name, values[i].good);
        assert_round_trip(*state);
    }
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        assert_set(*state, values[i].name, values[i].other);
    }
    assert_round_trip(*state);
}

/* A refused value gives one line that names it, and changes nothing. */
static void test_bad_values(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        struct err err = { .lang = LANG_EN };
        char *before = hv_config_save(*state), *after;
        if (values[i].bad == NULL) {
            free(before);
            continue;
        }
        assert_int_not_equal(hv_config_set(*state, values[i].name, values[i].bad, &err), ST_OK);
        assert_true(err.text[0] != 0 && strchr(err.text, '\n') == NULL);
        after = hv_config_save(*state);
        assert_string_equal(before, after);
        free(before);
        free(after);
    }
}

static void test_values_arrive(void **state)
{
    struct hv_config *config = *state;

    assert_set(config, "memory", "1536M");
    assert_set(config, "timeout", "0.25");
    assert_set(config, "load", "a@0x10");
    assert_set(config, "load", "b@0x20");
    assert_set(config, "entry", "0x40080000");
    assert_true(config->memory == 1536ull << 20);
    assert_true(config->timeout_ns == 250000000);
    assert_int_equal(config->load.count, 2);
    assert_string_equal(config->load.item[1], "b@0x20");
    assert_true(config->entry == 0x40080000);
    assert_true(config->lang == LANG_EN);
    assert_round_trip(config);
}

static void test_optional_argument(void **state)
{
    struct hv_config *config = *state;
    char *text;

    assert_set(config, "semihosting", NULL);
    assert_set(config, "stats", NULL);
    text = hv_config_save(config);
    assert_non_null(strstr(text, "\"stats\": true"));
    free(text);
    assert_round_trip(config);
}

static void test_unknown_option(void **state)
{
    struct err err = { .lang = LANG_EN };

    assert_int_equal(hv_config_set(*state, "cpu-count", "1", &err), ST_E_NOENT);
    assert_string_equal(hv_option_nearest("memroy"), "memory");
    assert_null(hv_option_nearest("zzzzzzzzzz"));
}

static enum status load(struct hv_config *config, const char *json, struct err *err)
{
    *err = (struct err){ .lang = LANG_EN };
    return hv_config_load(config, json, strlen(json), "vm.json", err);
}

static void test_json(void **state)
{
    struct hv_config *config = *state;
    struct err err;

    assert_int_equal(load(config,
                          "{ \"cpus\": 4, \"memory\": \"64M\", \"stats\": true, \"timeout\": 1.5, "
                          "\"load\": [\"a@1\", \"b@2\"], \"append\": \"\\u00e4\\u65e5\" }",
                          &err),
                     ST_OK);
    assert_true(config->cpus == 4 && config->memory == 64u << 20);
    assert_true(config->timeout_ns == 1500000000);
    assert_string_equal(config->append, "\xc3\xa4\xe6\x97\xa5");
    assert_round_trip(config);
}

static void test_bad_json(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "3",
        "null",
        "{ \"cpus\": 4, }",
        "{ \"cpus\": 0 }",
        "{ \"cpus\": -1 }",
        "{ \"cpus\": 65 }",
        "{ \"cpus\": 1.5 }",
        "{ \"cpus\": \"four\" }",
        "{ \"cpus\": null }",
        "{ \"cpus\": {} }",
        "{ \"cpus\": [1] }",
        "{ \"cpus\": 99999999999999999999 }",
        "{ \"memory\": true }",
        "{ \"cpu-count\": 4 }",
        "{ \"cpus\": 1, \"cpus\": 2 }",
        "{ \"load\": [1, {}] }",
        "{ \"help\": true }",
        "{ \"kernel\": \"a\\u0000b\" }",
        "{ \"kernel\": \"\xff\" }",
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct err err;
        if (load(*state, bad[i], &err) == ST_OK) {
            fail_msg("accepted: %s", bad[i]);
        }
        assert_true(err.text[0] != 0 && strchr(err.text, '\n') == NULL);
    }
}

static void test_deep_json(void **state)
{
    struct err err;
    char *deep = malloc(200001);

    memset(deep, '[', 200000);
    deep[200000] = 0;
    assert_int_not_equal(load(*state, deep, &err), ST_OK);
    free(deep);
}

static void test_contradictions(void **state)
{
    static const struct {
        const char *a, *x, *b, *y;
    } rows[] = { { "gic", "2", "cpus", "9" } };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct hv_config config;
        struct err err = { .lang = LANG_EN };
        hv_config_init(&config, LANG_EN);
        assert_set(&config, rows[i].a, rows[i].x);
        assert_set(&config, rows[i].b, rows[i].y);
        assert_int_not_equal(hv_config_check(&config, &err), ST_OK);
        assert_true(err.text[0] != 0);
        hv_config_fini(&config);
    }
}

#define CONFIG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFIG_TEST(test_all_options_have_a_row),
        CONFIG_TEST(test_good_values),
        CONFIG_TEST(test_bad_values),
        CONFIG_TEST(test_values_arrive),
        CONFIG_TEST(test_optional_argument),
        CONFIG_TEST(test_unknown_option),
        CONFIG_TEST(test_json),
        CONFIG_TEST(test_bad_json),
        CONFIG_TEST(test_deep_json),
        CONFIG_TEST(test_contradictions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
