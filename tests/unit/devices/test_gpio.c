/*
 * test_gpio.c - PL061: masked data, directions, edge and level interrupts of each polarity, the
 * power button.
 */
#include "rig.h"

enum {
    DIR = 0x400,
    IS = 0x404,
    IBE = 0x408,
    IEV = 0x40C,
    IE = 0x410,
    RIS = 0x414,
    MIS = 0x418,
    IC = 0x41C,
    ALL = 0x3FC,
    LINE = 1 << GPIO_POWER_BUTTON_LINE,
};

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    rig_init(rig, &gpio_ops);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    rig_fini(*state);
    free(*state);
    return 0;
}

static void press(struct rig *rig)
{
    gpio_ops.event(&rig->dev, 1);
}
static void let_go(struct rig *rig)
{
    gpio_ops.event(&rig->dev, 0);
}

static void test_data(void **state)
{
    struct rig *rig = *state;

    wr(rig, DIR, 0xFF);
    for (unsigned mask = 0; mask < 256; mask++) {
        wr(rig, ALL, 0xA5);
        wr(rig, mask << 2, 0x5A);
        assert_int_equal(rd(rig, ALL), (0xA5 & ~mask) | (0x5A & mask));
        assert_int_equal(rd(rig, mask << 2), 0x5A & mask);
    }
    wr(rig, ALL, 0xFF);
    wr(rig, DIR, 0xF0);
    assert_int_equal(rd(rig, ALL), 0xF0); /* inputs show the outside, not the latch */
    press(rig);
    assert_int_equal(rd(rig, ALL), 0xF0 | LINE);
    wr(rig, ALL, 0);
    assert_int_equal(rd(rig, ALL), LINE);
    wr(rig, DIR, 0xFF); /* as an output the button is not heard */
    assert_int_equal(rd(rig, ALL), 0);
}

static void test_rising_edge(void **state)
{
    struct rig *rig = *state;

    wr(rig, IEV, LINE);
    wr(rig, IE, LINE);
    press(rig);
    assert_true(rig->level[0]);
    assert_int_equal(rd(rig, RIS), LINE);
    assert_int_equal(rd(rig, MIS), LINE);
    let_go(rig);
    assert_true(rig->level[0]); /* latched */
    wr(rig, IC, 0xFF & ~LINE);
    assert_true(rig->level[0]);
    wr(rig, IC, LINE);
    assert_false(rig->level[0]);
    press(rig);
    press(rig); /* no second edge */
    wr(rig, IC, LINE);
    press(rig);
    assert_false(rig->level[0]);
}

static void test_falling_edge(void **state)
{
    struct rig *rig = *state;

    wr(rig, IE, LINE);
    press(rig);
    assert_false(rig->level[0]);
    let_go(rig);
    assert_true(rig->level[0]);
}

static void test_both_edges(void **state)
{
    struct rig *rig = *state;

    wr(rig, IBE, LINE);
    wr(rig, IE, LINE);
    press(rig);
    assert_true(rig->level[0]);
    wr(rig, IC, LINE);
    let_go(rig);
    assert_true(rig->level[0]);
}

static void test_levels(void **state)
{
    struct rig *rig = *state;

    wr(rig, IS, LINE);
    wr(rig, IEV, LINE); /* high */
    wr(rig, IE, LINE);
    assert_false(rig->level[0]);
    press(rig);
    assert_true(rig->level[0]);
    wr(rig, IC, LINE); /* a level is not cleared */
    assert_true(rig->level[0]);
    let_go(rig);
    assert_false(rig->level[0]);
    wr(rig, IEV, 0); /* low */
    assert_true(rig->level[0]);
    assert_int_equal(rd(rig, RIS), LINE);
    press(rig);
    assert_false(rig->level[0]);
    assert_int_equal(rd(rig, RIS), 0);
}

static void test_masked(void **state)
{
    struct rig *rig = *state;

    wr(rig, IEV, LINE);
    press(rig);
    assert_false(rig->level[0]);
    assert_int_equal(rd(rig, RIS), LINE);
    assert_int_equal(rd(rig, MIS), 0);
    wr(rig, IE, LINE);
    assert_true(rig->level[0]);
    wr(rig, IE, 0xFF & ~LINE);
    assert_false(rig->level[0]);
}

static void test_outputs_do_not_interrupt(void **state)
{
    struct rig *rig = *state;

    wr(rig, DIR, 0xFF);
    wr(rig, IBE, 0xFF);
    wr(rig, IE, 0xFF);
    wr(rig, ALL, 0xFF);
    wr(rig, ALL, 0);
    assert_int_equal(rd(rig, RIS), 0);
    assert_false(rig->level[0]);
}

static void test_reset(void **state)
{
    struct rig *rig = *state;

    wr(rig, IEV, LINE);
    wr(rig, IE, LINE);
    press(rig);
    gpio_ops.reset(&rig->dev);
    assert_false(rig->level[0]);
    assert_int_equal(rd(rig, RIS), 0);
    assert_int_equal(rd(rig, ALL), LINE); /* still held */
    gpio_ops.event(&rig->dev, 9);         /* not an event of ours */
    assert_int_equal(rd(rig, ALL), LINE);
}

/* A push ends by itself after 100 ms of guest time, and pressing it again starts anew. */
static void test_push(void **state)
{
    struct rig *rig = *state;

    assert_true(gpio_ops.deadline(&rig->dev) == UINT64_MAX);
    rig->now_ns = 5000;
    gpio_ops.event(&rig->dev, GPIO_EVENT_PUSH);
    assert_int_equal(rd(rig, ALL), LINE);
    assert_int_equal(gpio_ops.deadline(&rig->dev), 100005000);
    rig->now_ns = 100004999;
    gpio_ops.tick(&rig->dev);
    assert_int_equal(rd(rig, ALL), LINE);
    rig->now_ns = 100005000;
    gpio_ops.tick(&rig->dev);
    assert_int_equal(rd(rig, ALL), 0);
    assert_true(gpio_ops.deadline(&rig->dev) == UINT64_MAX);
    press(rig);
    rig->now_ns = UINT64_MAX - 1;
    gpio_ops.tick(&rig->dev);
    assert_int_equal(rd(rig, ALL), LINE); /* held, not pushed */
}

#define GPIO_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GPIO_TEST(test_data),        GPIO_TEST(test_push),
        GPIO_TEST(test_rising_edge), GPIO_TEST(test_falling_edge),
        GPIO_TEST(test_both_edges),  GPIO_TEST(test_levels),
        GPIO_TEST(test_masked),      GPIO_TEST(test_outputs_do_not_interrupt),
        GPIO_TEST(test_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
