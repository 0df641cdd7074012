/*
 * power.c - PSCI: what it says of itself, CPUs on and off, errors, waiting by CPU_SUSPEND, a reset and the end.
 *
 * The first run ends with SYSTEM_RESET, the second with SYSTEM_OFF; a word of memory that no image covers tells them
 * apart, for memory keeps its bytes.
 */
#include "gic.h"

#define MARK       ((volatile u64 *)0x41000000ull)
#define MARK_VALUE 0x7265736574ull

enum {
    CPU_SUSPEND = 0xc4000001,
    CPU_OFF = 0x84000002,
    CPU_ON = 0xc4000003,
    AFFINITY_INFO = 0xc4000004,
    FEATURES = 0x8400000a,
    SYSTEM_RESET = 0x84000009
};

static u64 info(u64 mpidr)
{
    return psci(AFFINITY_INFO, mpidr, 0, 0);
}

static void about(void)
{
    static const u32 functions[] = { 0x84000000,    CPU_SUSPEND, CPU_OFF,      CPU_ON,
                                     AFFINITY_INFO, 0x84000008,  SYSTEM_RESET, FEATURES };

    check("power.version", "%x", psci(0x84000000, 0, 0, 0));
    for (unsigned i = 0; i < ARRAY(functions); i++) {
        check(name("power.features-%x", (u64)functions[i]), "%x",
              psci(FEATURES, functions[i], 0, 0) & 0xffffffff);
    }
    check("power.features-unknown", "%x", psci(FEATURES, 0x8400ff00, 0, 0) & 0xffffffff);
    check("power.smccc", "%u", (u64)(psci(0x80000000, 0, 0, 0) >= 0x10001));
}

static u64 identity(u64 x)
{
    return (MRS("mpidr_el1") & 0xffffff) << 32 | x;
}

static void cpus_on_and_off(void)
{
    const u64 pc = 0x40200000;

    check("power.info-self", "%l", info(0));
    check("power.info-off", "%l", info(1));
    check("power.info-nobody", "%l", info(0x100));
    check("power.on-self", "%l", psci(CPU_ON, 0, pc, 0));
    check("power.on-nobody", "%l", psci(CPU_ON, 0x100, pc, 0));
    for (unsigned i = 0; i < 5; i++) {
        cpu1_start();
        check(name("power.on-%u", (u64)i), "info=%l again=%l call=%l", info(1),
              psci(CPU_ON, 1, pc, 0), cpu1_call(identity, i));
        cpu1_leave();
        check(name("power.off-%u", (u64)i), "%l", info(1));
    }
}

static void suspend(void)
{
    u64 result = 0;

    gic_on();
    gic_enable(TIMER_PPI, 0x80);
    MSR("cntv_tval_el0", MRS("cntfrq_el0") / 1000);
    MSR("cntv_ctl_el0", 1);
    isb();
    while ((MRS("cntv_ctl_el0") & 4) == 0) {
        result |= psci(CPU_SUSPEND, 0, 0, 0);
    }
    result |= psci(CPU_SUSPEND, 0, 0, 0);
    check("power.suspend", "%l ctl=%x", result, MRS("cntv_ctl_el0"));
    MSR("cntv_ctl_el0", 0);
    isb();
}

/* After a reset nothing of the run before is left but memory. */
static void second_run(void)
{
    check("power.second-gic", "%u", (u64)gic_get(ISENABLER, TIMER_PPI));
    check("power.second-timer", "%x", MRS("cntv_ctl_el0") & 3);
    check("power.second-sctlr", "%u", MRS("sctlr_el1") & 1);
    check("power.second-other", "%l", info(1));
    cpu1_start();
    check("power.second-call", "%l", cpu1_call(identity, 7));
    *MARK = 0;
}

int main(void)
{
    gicv3 = (rd32(GICD + 4) >> 19 & 0x1f) != 0;
    if (*MARK == MARK_VALUE) {
        second_run();
        return 0;
    }
    about();
    cpus_on_and_off();
    suspend();
    cpu1_start(); /* runs while the reset comes */
    *MARK = MARK_VALUE;
    dsb();
    psci(SYSTEM_RESET, 0, 0, 0);
    check("power.reset", "came back");
    return 0;
}
