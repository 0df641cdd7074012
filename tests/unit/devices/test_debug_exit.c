/*
 * test_debug_exit.c - the register that ends the run.
 */
#include "rig.h"

static void test_exit(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig, &debug_exit_ops);
    assert_int_equal(rd(&rig, 0), 0);
    assert_int_equal(rig.power_calls, 0);
    wr(&rig, 0, 42);
    assert_int_equal(rig.power_calls, 1);
    assert_int_equal(rig.power, POWER_EXIT);
    assert_int_equal(rig.power_status, 42);
    assert_int_equal(rd(&rig, 0), 42);
    assert_int_equal(rig.dev.ops->write(&rig.dev, 0, 4, 4, 1), MMIO_UNKNOWN);
    assert_int_equal(rig.power_calls, 1);
    rig.dev.power.request = NULL; /* nobody to ask: only the register keeps it */
    wr(&rig, 0, 7);
    assert_int_equal(rd(&rig, 0), 7);
    debug_exit_ops.reset(&rig.dev);
    assert_int_equal(rd(&rig, 0), 0);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_exit) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
