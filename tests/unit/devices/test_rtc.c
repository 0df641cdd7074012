/*
 * test_rtc.c - PL031: counting, loading, the match interrupt.
 */
#include "rig.h"

enum {
    DR = 0x00,
    MR = 0x04,
    LR = 0x08,
    CR = 0x0C,
    IMSC = 0x10,
    RIS = 0x14,
    MIS = 0x18,
    ICR = 0x1C
};

#define SECOND 1000000000ull

static void test_counts_from_wall_clock(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig, &rtc_ops);
    assert_int_equal(rd(&rig, DR), 1700000000);
    assert_int_equal(rd(&rig, CR), 1);
    rig.now_ns += SECOND - 1;
    assert_int_equal(rd(&rig, DR), 1700000000);
    rig.now_ns += 1;
    assert_int_equal(rd(&rig, DR), 1700000001);
    rig.wall_s += 1000; /* it follows the guest's clock */
    assert_int_equal(rd(&rig, DR), 1700000001);
    assert_int_equal(dev_rd(&rig.dev, 0, DR, 1), 1700000001 & 0xFF);
    assert_int_equal(dev_rd(&rig.dev, 0, DR + 3, 1), 1700000001 >> 24);
    rig_fini(&rig);
}

static void test_load(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig, &rtc_ops);
    wr(&rig, LR, 0xFFFFFFFF);
    assert_int_equal(rd(&rig, LR), 0xFFFFFFFF);
    assert_int_equal(rd(&rig, DR), 0xFFFFFFFF);
    rig.now_ns += 3 * SECOND;
    assert_int_equal(rd(&rig, DR), 2); /* wraps */
    wr(&rig, CR, 0);
    assert_int_equal(rd(&rig, CR), 1); /* cannot be stopped */
    rig_fini(&rig);
}

static void test_alarm(void **state)
{
    struct rig rig;
    uint64_t start;

    (void)state;
    rig_init(&rig, &rtc_ops);
    start = rig.now_ns;
    wr(&rig, IMSC, 1);
    wr(&rig, MR, 1700000010);
    assert_int_equal(rtc_ops.deadline(&rig.dev), start + 10 * SECOND);
    rig_pass(&rig, 10 * SECOND - 1);
    assert_false(rig.level[0]);
    rig_pass(&rig, 1);
    assert_true(rig.level[0]);
    assert_int_equal(rd(&rig, RIS), 1);
    assert_int_equal(rd(&rig, MIS), 1);
    assert_int_equal(rtc_ops.deadline(&rig.dev), UINT64_MAX);
    wr(&rig, IMSC, 0);
    assert_false(rig.level[0]);
    assert_int_equal(rd(&rig, RIS), 1);
    assert_int_equal(rd(&rig, MIS), 0);
    wr(&rig, IMSC, 1);
    assert_true(rig.level[0]);
    wr(&rig, ICR, 0);
    assert_true(rig.level[0]);
    wr(&rig, ICR, 1);
    assert_false(rig.level[0]);
    rig_pass(&rig, 5 * SECOND);
    assert_int_equal(rd(&rig, RIS), 0); /* a match is an event, once */
    rig_fini(&rig);
}

static void test_alarm_now_and_past(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig, &rtc_ops);
    wr(&rig, MR, 1700000000);
    assert_int_equal(rd(&rig, RIS), 1);
    wr(&rig, ICR, 1);
    wr(&rig, MR, 1699999999); /* a second ago: after the counter has wrapped */
    assert_int_equal(rd(&rig, RIS), 0);
    assert_int_equal(rtc_ops.deadline(&rig.dev), rig.now_ns + 0xFFFFFFFFull * SECOND);
    wr(&rig, LR, 1699999990); /* the counter moves: so does the match */
    assert_int_equal(rtc_ops.deadline(&rig.dev), rig.now_ns + 9 * SECOND);
    rig_fini(&rig);
}

static void test_late_tick_is_seen_by_reads(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig, &rtc_ops);
    wr(&rig, IMSC, 1);
    wr(&rig, MR, 1700000002);
    rig.now_ns += 3 * SECOND; /* the tick has not come yet */
    assert_int_equal(rd(&rig, RIS), 1);
    assert_true(rig.level[0]);
    rtc_ops.reset(&rig.dev);
    assert_false(rig.level[0]);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_from_wall_clock),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_alarm),
        cmocka_unit_test(test_alarm_now_and_past),
        cmocka_unit_test(test_late_tick_is_seen_by_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
