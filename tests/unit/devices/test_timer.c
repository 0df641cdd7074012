/*
 * test_timer.c - the generic timer's arithmetic and its memory-mapped frame.
 */
#include "rig.h"

enum { ENABLE = 1, IMASK = 2, ISTATUS = 4 };

#define TICK 16ull /* ns */

/* ---- struct gtimer --------------------------------------------------------------------------- */

struct wires {
    bool level[GTIMER_COUNT];
    unsigned calls;
};

static void wire(void *opaque, uint32_t intid, bool level)
{
    struct wires *w = opaque;

    assert_int_not_equal(w->level[intid], level); /* told of changes only */
    w->level[intid] = level;
    w->calls++;
}

static struct gtimer make(struct wires *w)
{
    struct gtimer g = { 0 };

    memset(w, 0, sizeof(*w));
    for (unsigned i = 0; i < GTIMER_COUNT; i++) {
        g.irq[i] = (struct irq_line){ wire, w, i };
    }
    return g;
}

static void test_count(void **state)
{
    (void)state;
    assert_int_equal(gtimer_count(0), 0);
    assert_int_equal(gtimer_count(15), 0);
    assert_int_equal(gtimer_count(16), 1);
    assert_int_equal(gtimer_count(1000000000), GTIMER_FREQ_HZ);
    assert_int_equal(gtimer_count(UINT64_MAX), UINT64_MAX / 16);
}

static void test_cval_each_timer(void **state)
{
    (void)state;
    for (unsigned id = 0; id < GTIMER_COUNT; id++) {
        struct wires w;
        struct gtimer g = make(&w);
        gtimer_set_cval(&g, id, 100, 0);
        assert_int_equal(gtimer_deadline(&g, 0), UINT64_MAX); /* not enabled */
        gtimer_set_ctl(&g, id, ENABLE, 0);
        assert_int_equal(gtimer_deadline(&g, 0), 100 * TICK);
        assert_int_equal(gtimer_deadline(&g, 50 * TICK + 3), 100 * TICK);
        assert_int_equal(gtimer_deadline(&g, 107 * TICK),
                         107 * TICK); /* due, and nobody has looked */
        gtimer_update(&g, 100 * TICK - 1);
        assert_false(w.level[id]);
        assert_int_equal(gtimer_ctl(&g, id, 100 * TICK - 1), ENABLE);
        gtimer_update(&g, 100 * TICK);
        assert_true(w.level[id]);
        assert_int_equal(gtimer_ctl(&g, id, 100 * TICK), ENABLE | ISTATUS);
        assert_int_equal(gtimer_deadline(&g, 100 * TICK), UINT64_MAX); /* it is up already */
        gtimer_set_ctl(&g, id, ENABLE | IMASK, 100 * TICK);
        assert_false(w.level[id]);
        assert_int_equal(gtimer_ctl(&g, id, 100 * TICK), ENABLE | IMASK | ISTATUS);
        gtimer_set_ctl(&g, id, ENABLE, 100 * TICK);
        assert_true(w.level[id]);
        gtimer_set_cval(&g, id, 101, 100 * TICK); /* the handler moves on */
        assert_false(w.level[id]);
        gtimer_set_ctl(&g, id, 0, 200 * TICK);
        assert_int_equal(gtimer_ctl(&g, id, 200 * TICK), 0); /* no ISTATUS while disabled */
        assert_int_equal(w.calls, 4);
    }
}

static void test_tval(void **state)
{
    struct wires w;
    struct gtimer g = make(&w);
    uint64_t now = 1000 * TICK;

    (void)state;
    gtimer_set_ctl(&g, GTIMER_PHYS, ENABLE | IMASK, 0);
    gtimer_set_tval(&g, GTIMER_PHYS, 50, now);
    assert_int_equal(g.t[GTIMER_PHYS].cval, 1050);
    assert_int_equal(gtimer_tval(&g, GTIMER_PHYS, now + 20 * TICK), 30);
    assert_int_equal(gtimer_tval(&g, GTIMER_PHYS, now + 60 * TICK), -10);
    gtimer_set_tval(&g, GTIMER_PHYS, -7, now);
    assert_int_equal(g.t[GTIMER_PHYS].cval, 993);
    assert_int_equal(gtimer_ctl(&g, GTIMER_PHYS, now) & ISTATUS, ISTATUS);
    gtimer_set_tval(&g, GTIMER_PHYS, INT32_MIN, now); /* below zero: far in the future, unsigned */
    assert_int_equal(g.t[GTIMER_PHYS].cval, 1000 - 0x80000000ull);
    assert_int_equal(gtimer_ctl(&g, GTIMER_PHYS, now) & ISTATUS, 0);
    gtimer_set_tval(&g, GTIMER_PHYS, INT32_MAX, now);
    assert_int_equal(gtimer_tval(&g, GTIMER_PHYS, now), INT32_MAX);
}

static void test_offset(void **state)
{
    struct wires w;
    struct gtimer g = make(&w);

    (void)state;
    g.cntvoff = 1000;
    gtimer_set_cval(&g, GTIMER_VIRT, 10, 1000 * TICK);
    gtimer_set_cval(&g, GTIMER_PHYS, 10, 1000 * TICK);
    gtimer_set_ctl(&g, GTIMER_VIRT, ENABLE, 1000 * TICK);
    assert_int_equal(gtimer_deadline(&g, 1000 * TICK), 1010 * TICK);
    assert_int_equal(gtimer_tval(&g, GTIMER_VIRT, 1004 * TICK), 6);
    gtimer_set_ctl(&g, GTIMER_PHYS, ENABLE, 1000 * TICK);
    assert_true(w.level[GTIMER_PHYS]); /* the offset is the virtual timer's alone */
    assert_false(w.level[GTIMER_VIRT]);
    g.cntvoff = 5000; /* the virtual count is now a huge number: the condition holds */
    gtimer_update(&g, 1000 * TICK);
    assert_true(w.level[GTIMER_VIRT]);
}

static void test_far_future(void **state)
{
    struct wires w;
    struct gtimer g = make(&w);

    (void)state;
    gtimer_set_ctl(&g, GTIMER_PHYS, ENABLE, 0);
    gtimer_set_cval(&g, GTIMER_PHYS, UINT64_MAX, 0);
    assert_int_equal(gtimer_deadline(&g, 0), UINT64_MAX);
    gtimer_set_cval(&g, GTIMER_PHYS, UINT64_MAX / 16, 0); /* the last count there is */
    assert_int_equal(gtimer_deadline(&g, 0), UINT64_MAX / 16 * 16);
    gtimer_set_cval(&g, GTIMER_PHYS, UINT64_MAX / 16 + 1, 0);
    assert_int_equal(gtimer_deadline(&g, 0), UINT64_MAX);
    gtimer_set_cval(&g, GTIMER_PHYS, 0, 0);
    assert_true(w.level[GTIMER_PHYS]);
}

static void test_nearest_deadline(void **state)
{
    struct wires w;
    struct gtimer g = make(&w);

    (void)state;
    gtimer_set_cval(&g, GTIMER_VIRT, 300, 0);
    gtimer_set_cval(&g, GTIMER_PHYS, 200, 0);
    gtimer_set_cval(&g, GTIMER_HYP, 100, 0);
    gtimer_set_ctl(&g, GTIMER_VIRT, ENABLE, 0);
    gtimer_set_ctl(&g, GTIMER_PHYS, ENABLE, 0);
    gtimer_set_ctl(&g, GTIMER_HYP, ENABLE | IMASK, 0);
    assert_int_equal(gtimer_deadline(&g, 0), 200 * TICK);
    gtimer_update(&g, 200 * TICK);
    assert_int_equal(gtimer_deadline(&g, 200 * TICK), 300 * TICK);
    gtimer_set_ctl(&g, GTIMER_HYP, ENABLE, 200 * TICK);
    assert_int_equal(gtimer_deadline(&g, 200 * TICK),
                     300 * TICK); /* the nearest one is up already */
    assert_true(w.level[GTIMER_HYP]);
}

/* ---- The memory-mapped frame ----------------------------------------------------------------- */

enum {
    CNTTIDR = 0x008,
    CNTACR0 = 0x040,
    CNTVOFF0 = 0x080,
    F = 0x1000,
    CNTPCT = F,
    CNTVCT = F + 8,
    CNTFRQ = F + 0x10,
    CNTVOFF = F + 0x18,
    P_CVAL = F + 0x20,
    P_TVAL = F + 0x28,
    P_CTL = F + 0x2C,
    V_CVAL = F + 0x30,
    V_TVAL = F + 0x38,
    V_CTL = F + 0x3C,
};

static uint64_t rd64(struct rig *rig, uint64_t offset)
{
    return dev_rd(&rig->dev, 0, offset, 8);
}
static void wr64(struct rig *rig, uint64_t offset, uint64_t value)
{
    dev_wr(&rig->dev, 0, offset, 8, value);
}

static void test_frame_counters(void **state)
{
    struct rig rig;
    uint64_t count = 5000000000ull / 16;

    (void)state;
    rig_init(&rig, &timer_mmio_ops);
    assert_int_equal(rd(&rig, 0), GTIMER_FREQ_HZ);
    assert_int_equal(rd(&rig, CNTFRQ), GTIMER_FREQ_HZ);
    assert_int_equal(rd(&rig, CNTTIDR), 3);
    assert_int_equal(rd64(&rig, CNTPCT), count);
    rig.now_ns = 0x1234567890ull * 16;
    assert_int_equal(rd(&rig, CNTPCT), 0x34567890);
    assert_int_equal(rd(&rig, CNTPCT + 4), 0x12);
    wr64(&rig, CNTVOFF0, 0x1000000000ull);
    assert_int_equal(rd64(&rig, CNTVCT), 0x0234567890ull);
    assert_int_equal(rd64(&rig, CNTVOFF), 0x1000000000ull);
    wr(&rig, CNTVOFF0 + 4, 0x11);
    assert_int_equal(rd(&rig, CNTVCT + 4), 1);
    assert_int_equal(rig.dev.ops->write(&rig.dev, 0, CNTPCT, 4, 0), MMIO_UNKNOWN);
    assert_int_equal(rig.dev.ops->write(&rig.dev, 0, CNTVOFF, 8, 0), MMIO_UNKNOWN);
    rig_fini(&rig);
}

static void test_frame_timers(void **state)
{
    static const struct {
        unsigned cval, tval, ctl, irq;
    } timer[] = { { P_CVAL, P_TVAL, P_CTL, 0 }, { V_CVAL, V_TVAL, V_CTL, 1 } };

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct rig rig;
        rig_init(&rig, &timer_mmio_ops);
        wr(&rig, timer[i].tval, 1000);
        wr(&rig, timer[i].ctl, ENABLE);
        assert_int_equal(rd64(&rig, timer[i].cval), 5000000000ull / 16 + 1000);
        assert_int_equal(timer_mmio_ops.deadline(&rig.dev), rig.now_ns + 16000);
        rig_pass(&rig, 15999);
        assert_false(rig.level[timer[i].irq]);
        rig_pass(&rig, 1);
        assert_true(rig.level[timer[i].irq]);
        assert_false(rig.level[!timer[i].irq]);
        assert_int_equal(rd(&rig, timer[i].ctl), ENABLE | ISTATUS);
        assert_int_equal(rd(&rig, timer[i].tval), 0);
        rig_pass(&rig, 16);
        assert_int_equal(rd(&rig, timer[i].tval), 0xFFFFFFFF);
        wr(&rig, timer[i].cval, 0xFFFFFFFF); /* halves */
        wr(&rig, timer[i].cval + 4, 0x77);
        assert_int_equal(rd64(&rig, timer[i].cval), 0x77FFFFFFFFull);
        assert_false(rig.level[timer[i].irq]);
        wr64(&rig, timer[i].cval, 0);
        assert_true(rig.level[timer[i].irq]);
        timer_mmio_ops.reset(&rig.dev);
        assert_false(rig.level[timer[i].irq]);
        wr(&rig, timer[i].ctl, ENABLE); /* and it works again: 0 is past */
        assert_true(rig.level[timer[i].irq]);
        rig_fini(&rig);
    }
}

static void test_frame_access_control(void **state)
{
    static const struct {
        unsigned offset, bit;
    } rows[] = {
        { CNTPCT, 0 }, { CNTVCT, 1 }, { CNTFRQ, 2 }, { CNTVOFF, 3 },
        { V_CVAL, 4 }, { V_TVAL, 4 }, { P_CVAL, 5 }, { P_TVAL, 5 },
    };
    struct rig rig;

    (void)state;
    rig_init(&rig, &timer_mmio_ops);
    wr64(&rig, CNTVOFF0, 77);
    wr(&rig, V_TVAL, 50);
    wr(&rig, P_TVAL, 50);
    for (unsigned i = 0; i < 8; i++) {
        wr(&rig, CNTACR0, 0x3F & ~(1u << rows[i].bit));
        assert_int_equal(rd(&rig, rows[i].offset), 0);
        wr(&rig, CNTACR0, 1u << rows[i].bit);
        assert_int_not_equal(rd(&rig, rows[i].offset), 0);
    }
    wr(&rig, CNTACR0, 0);
    wr(&rig, P_CTL, ENABLE);
    wr64(&rig, P_CVAL, 0);
    assert_false(rig.level[0]);
    wr(&rig, CNTACR0, 0x3F);
    assert_int_equal(rd(&rig, P_CTL), 0);
    rig_fini(&rig);
}

static void test_frame_sizes(void **state)
{
    struct rig rig;
    uint64_t value;

    (void)state;
    rig_init(&rig, &timer_mmio_ops);
    assert_int_equal(timer_mmio_ops.access_sizes, 12);
    assert_int_equal(rig.dev.ops->read(&rig.dev, 0, P_TVAL, 8, &value),
                     MMIO_UNKNOWN); /* two registers */
    assert_int_equal(rig.dev.ops->read(&rig.dev, 0, 0xFD0, 8, &value), MMIO_UNKNOWN);
    assert_int_equal(rig.dev.ops->write(&rig.dev, 0, 0xFD0, 4, 0), MMIO_UNKNOWN);
    assert_int_equal(rig.dev.ops->read(&rig.dev, 0, 0x044, 4, &value),
                     MMIO_UNKNOWN); /* no frame 1 */
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_cval_each_timer),
        cmocka_unit_test(test_tval),
        cmocka_unit_test(test_offset),
        cmocka_unit_test(test_far_future),
        cmocka_unit_test(test_nearest_deadline),
        cmocka_unit_test(test_frame_counters),
        cmocka_unit_test(test_frame_timers),
        cmocka_unit_test(test_frame_access_control),
        cmocka_unit_test(test_frame_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
