/*
 * test_status.c - the table of messages: both languages of every row take the same arguments.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/fmt.h"
#include "base/status.h"

static const char *const names[] = {
#define MSG(id, en, pt) #id,
#include "base/msg.def"
#undef MSG
};

/* The arguments a format takes: each `*` and, per conversion, its length and letter; "%d" and "%5i"
 * are the same. */
static void signature(const char *format, char *out)
{
    for (const char *f = format; *f != 0; f++) {
        if (*f != '%') {
            continue;
        }
        for (f++; *f != 0 && strchr("-0+ #.*123456789", *f) != NULL; f++) {
            if (*f == '*') {
                *out++ = '*';
            }
        }
        if (*f == '%') {
            continue;
        }
        while (*f != 0 && strchr("hlz", *f) != NULL) {
            *out++ = *f++;
        }
        if (*f == 0 || strchr("diuxXcsp", *f) == NULL) {
            fail_msg("conversion '%c' of \"%s\" is not one of fmt.h", *f, format);
        }
        *out++ = *f == 'i' ? 'd' : *f == 'X' ? 'x' : *f;
        *out++ = ' ';
    }
    *out = 0;
}

static void test_same_arguments(void **state)
{
    for (unsigned id = 0; id < MSG_COUNT; id++) {
        const char *en = msg_text(LANG_EN, (enum msg_id)id);
        const char *pt = msg_text(LANG_PT_BR, (enum msg_id)id);
        char sig_en[512], sig_pt[512];

        assert_true(en != NULL && en[0] != 0 && pt != NULL && pt[0] != 0);
        assert_true(strlen(en) < 380 && strlen(pt) < 380); /* struct err holds 400 */
        signature(en, sig_en);
        signature(pt, sig_pt);
        if (strcmp(sig_en, sig_pt) != 0) {
            fail_msg("MSG(%s): English takes [%s], Portuguese [%s]", names[id], sig_en, sig_pt);
        }
    }
}

/* The checker itself must be able to fail. */
static void test_signature(void **state)
{
    char a[64], b[64];

    signature("%d of %lu", a);
    signature("%lu de %d", b);
    assert_string_not_equal(a, b);
    signature("100%% %08llX %*s", a);
    assert_string_equal(a, "llx *s ");
}

static void test_err_set(void **state)
{
    struct err err = { .lang = LANG_EN };

    assert_int_equal(err_set(NULL, ST_E_IO, (enum msg_id)0), ST_E_IO);
    for (unsigned id = 0; id < MSG_COUNT; id++) {
        for (unsigned lang = 0; lang < LANG_COUNT; lang++) {
            const char *format = msg_text((enum lang)lang, (enum msg_id)id);
            char sig[512];

            signature(format, sig);
            if (sig[0] != 0) {
                continue; /* only rows without arguments can be set without knowing them */
            }
            char want[400];
            fmt_format(want, sizeof(want), format, 0);
            err.lang = (enum lang)lang;
            err.status = ST_OK;
            assert_int_equal(err_set(&err, ST_E_INVAL, (enum msg_id)id), ST_E_INVAL);
            assert_int_equal(err.status, ST_E_INVAL);
            assert_string_equal(err.text, want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_arguments),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_err_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
