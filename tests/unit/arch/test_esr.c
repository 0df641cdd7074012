/*
 * test_esr.c - syndromes in words: every class and fault code has a name where the manual has one,
 * and no value at all overruns the buffer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/esr.h"

static void test_data_abort(void **state)
{
    char text[1024];

    esr_explain(0x96000045, text, sizeof(text));
    assert_non_null(strstr(text, "Data Abort without a change of Exception level"));
    assert_non_null(strstr(text, "translation fault, level 1"));
    assert_non_null(strstr(text, "WnR    [6] = 1  write"));
    esr_summary(0x96000045, text, sizeof(text));
    assert_string_equal(text, "Data Abort (same level): translation fault, level 1, write");
}

static void test_mops(void **state)
{
    char text[1024];

    /* CPYERT, option A's arguments on a CPU with option A, but not well formed; X3, X5, X7. */
    esr_explain(0x9e000000 | 2u << 19 | 1u << 18 | 1u << 16 | 3 << 10 | 5 << 5 | 7, text,
                sizeof(text));
    assert_non_null(strstr(text, "Memory Copy and Memory Set exception"));
    assert_non_null(strstr(text, "= 0  CPY*"));
    assert_non_null(strstr(text, "Options [22:19] = 0x2"));
    assert_non_null(strstr(text, "epilogue instruction"));
    assert_non_null(strstr(text, "not well formed"));
    assert_non_null(strstr(text, "the CPU has option A"));
    assert_non_null(strstr(text, "destination X3, source X5, size X7"));
    esr_explain(0x9f000000 | 1u << 17, text, sizeof(text));
    assert_non_null(strstr(text, "= 1  SET*"));
    assert_non_null(strstr(text, "arguments of the other option"));
    assert_non_null(strstr(text, "the CPU has option B"));
}

static void test_wfxt(void **state)
{
    char text[1024];

    esr_explain(0x07e00126, text, sizeof(text));
    assert_non_null(strstr(text, "WFIT trapped"));
    assert_non_null(strstr(text, "timeout in X9"));
    esr_explain(0x07e00001, text, sizeof(text));
    assert_non_null(strstr(text, "WFE trapped"));
    assert_null(strstr(text, "timeout"));
}

static void test_summaries(void **state)
{
    static const struct {
        uint64_t esr;
        const char *text;
    } rows[] = {
        { 0x5a000000, "HVC #0" },
        { 0x56000011, "SVC #17" },
        { 0x02000000, "undefined instruction" },
        { 0x86000004, "Instruction Abort (same level): translation fault, level 0" },
        { 0x8200000f, "Instruction Abort: permission fault, level 3" },
        { 0xf2000800, "BRK #2048" },
        { 0x92000021, "Data Abort: alignment fault, read" },
        { 0xfe000000, "unallocated exception class" },
    };
    char text[160];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        esr_summary(rows[i].esr, text, sizeof(text));
        assert_string_equal(text, rows[i].text);
    }
}

static void test_no_overrun(void **state)
{
    char text[64];

    for (uint64_t ec = 0; ec < 64; ec++) {
        for (uint64_t iss = 0; iss < 1u << 25; iss += 0x10111) {
            for (size_t size = 0; size <= 48; size += 16) {
                memset(text, 0x5a, sizeof(text));
                esr_explain(ec << 26 | iss, text, size);
                assert_int_equal(text[size], 0x5a);
                esr_summary(ec << 26 | iss, text, size);
                assert_int_equal(text[size], 0x5a);
            }
        }
    }
}

static void test_fault_codes(void **state)
{
    char text[80];

    assert_string_equal(esr_fsc_name(0x00, text, sizeof(text)), "address size fault, level 0");
    assert_string_equal(esr_fsc_name(0x0b, text, sizeof(text)), "access flag fault, level 3");
    assert_string_equal(esr_fsc_name(0x35, text, sizeof(text)),
                        "unsupported exclusive or atomic access");
    assert_string_equal(esr_fsc_name(0x3f, text, sizeof(text)), "reserved");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mops),       cmocka_unit_test(test_wfxt),
        cmocka_unit_test(test_data_abort), cmocka_unit_test(test_summaries),
        cmocka_unit_test(test_no_overrun), cmocka_unit_test(test_fault_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
