/*
 * test_diagnosis.c - findings in order, the one that counts, and what becomes an error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/diagnosis.h"

static void test_first_failure_counts(void **state)
{
    struct diagnosis d = { .lang = LANG_EN };
    struct err err = { .lang = LANG_EN };

    assert_int_equal(diagnosis_status(&d, "KVM", &err), ST_OK);
    diagnosis_add(&d, FINDING_NOTE, "kvm.nvhe", MSG_KVM_NVHE_C);
    assert_null(diagnosis_failure(&d));
    assert_int_equal(diagnosis_status(&d, "KVM", &err), ST_OK);
    diagnosis_add(&d, FINDING_FAILS, "kvm.group", MSG_KVM_GROUP_C, "kvm");
    diagnosis_remedy(&d, MSG_KVM_GROUP_R, "kvm");
    diagnosis_add(&d, FINDING_FAILS, "kvm.absent", MSG_KVM_ABSENT_C);
    assert_string_equal(diagnosis_failure(&d)->id, "kvm.group");
    assert_int_equal(diagnosis_status(&d, "KVM", &err), ST_E_NOTSUP);
    assert_string_equal(err.text, "KVM: /dev/kvm: permission denied: it belongs to the group kvm, "
                                  "and you are not in it; run: "
                                  "sudo usermod -aG kvm $USER; then log out and in again");
}

static void test_without_remedy(void **state)
{
    struct diagnosis d = { .lang = LANG_PT_BR };
    struct err err = { .lang = LANG_PT_BR };

    diagnosis_add(&d, FINDING_FAILS, "kvm.absent", MSG_KVM_ABSENT_C);
    assert_string_equal(d.finding[0].remedy, "");
    assert_int_equal(diagnosis_status(&d, "KVM", &err), ST_E_NOTSUP);
    assert_string_equal(err.text, "KVM: não há /dev/kvm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_failure_counts),
        cmocka_unit_test(test_without_remedy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
