/*
 * timer.c - the generic timer as a guest sees it at EL1: counting, condition, mask, the interrupt's level, WFI.
 */
#include "gic.h"

#define FAR (1ull << 62)

static void counting(void)
{
    u64 first = MRS("cntvct_el0"), last = first, backward = 0;

    for (unsigned i = 0; i < 10000; i++) {
        isb();
        u64 now = MRS("cntvct_el0");
        backward += now < last;
        last = now;
    }
    check("timer.count", "moves=%u backward=%u", (u64)(last > first), backward);
    check("timer.frequency", "%u", (u64)(MRS("cntfrq_el0") >= 1000000));
}

static void settle(void)
{
    isb();
    dsb();
}

static u64 ctl(void)
{
    isb();
    return MRS("cntv_ctl_el0");
}

static void condition(void)
{
    MSR("cntv_cval_el0", 0);
    MSR("cntv_ctl_el0", 0);
    check("timer.disabled", "%x", ctl() & 3);
    MSR("cntv_ctl_el0", 3);
    check("timer.met-masked", "%x", ctl());
    MSR("cntv_ctl_el0", 1);
    check("timer.met", "%x", ctl());
    MSR("cntv_cval_el0",
        FAR); /* not the very last count: QEMU 7.2 adds CNTVOFF to that and never ends */
    check("timer.far", "%x", ctl());
    MSR("cntv_tval_el0", -1);
    check("timer.tval-past", "%x tval-negative=%u", ctl(), MRS("cntv_tval_el0") >> 31 & 1);
    MSR("cntv_tval_el0", 0x7fffffff);
    check("timer.tval-future", "%x tval-negative=%u", ctl(), MRS("cntv_tval_el0") >> 31 & 1);
    MSR("cntv_cval_el0", 0x123456789abcdef0);
    isb();
    check("timer.cval", "%l", MRS("cntv_cval_el0"));
    MSR("cntv_ctl_el0", 0);
    isb();
}

/* The line follows the condition: pending while it is met and not masked. */
static void level(void)
{
    gic_on();
    gic_set(ICENABLER, TIMER_PPI);
    MSR("cntv_cval_el0", 0);
    MSR("cntv_ctl_el0", 1);
    settle();
    check("timer.line-up", "%u", (u64)gic_get(ISPENDR, TIMER_PPI));
    MSR("cntv_ctl_el0", 3);
    settle();
    check("timer.line-masked", "%u", (u64)gic_get(ISPENDR, TIMER_PPI));
    MSR("cntv_ctl_el0", 1);
    settle();
    check("timer.line-again", "%u", (u64)gic_get(ISPENDR, TIMER_PPI));
    MSR("cntv_ctl_el0", 0);
    settle();
    check("timer.line-off", "%u", (u64)gic_get(ISPENDR, TIMER_PPI));
}

static void off(u32 id)
{
    MSR("cntv_ctl_el0", 0);
    isb();
}

static void interrupts(void)
{
    gic_enable(TIMER_PPI, 0x80);
    seen[0].quiet = off;
    irqs_on();
    for (u32 i = 1; i <= 5; i++) {
        MSR("cntv_tval_el0", MRS("cntfrq_el0") / 1000);
        MSR("cntv_ctl_el0", 1);
        isb();
        wait_for(i);
    }
    irqs_off();
    print_seen("timer.interrupts", 0);
    seen[0].quiet = NULL;
}

static u64 on_cpu1(u64 x)
{
    gic_on();
    gic_enable(TIMER_PPI, 0x80);
    seen[1].quiet = off;
    irqs_on();
    MSR("cntv_tval_el0", MRS("cntfrq_el0") / 1000);
    MSR("cntv_ctl_el0", 1);
    isb();
    wait_for(1);
    irqs_off();
    return seen[0].count;
}

/* Each CPU has its own. */
static void other_cpu(void)
{
    cpu1_start();
    check("timer.other-cpu-here", "%u", cpu1_call(on_cpu1, 0));
    print_seen("timer.other-cpu", 1);
    cpu1_leave();
}

int main(void)
{
    counting();
    condition();
    level();
    interrupts();
    other_cpu();
    return 0;
}
