/*
 * exits.c - instructions that a hypervisor may trap: calls, waiting, system registers, cache maintenance by set and way. What
 * comes back is the architecture's, whoever answers.
 */
#include "gic.h"

#define UNKNOWN_CALL 0x8400ff00u

SNIPPET(e_hvc,
        "mov x20, x30\nmov x4, #4\nmov x9, #9\nmov x17, #17\nmov x21, #21\nhvc #0\nmov x30, x20");
SNIPPET(e_smc,
        "mov x20, x30\nmov x4, #4\nmov x9, #9\nmov x17, #17\nmov x21, #21\nsmc #0\nmov x30, x20");

static void calls(void)
{
    const struct trap *t = probe(EL1H, e_hvc, UNKNOWN_CALL, 1, 2, 3, 0, 0);

    check("exits.hvc-unknown", "%l kept %u %u %u %u", t->x[0], t->x[4], t->x[9], t->x[17],
          t->x[21]);
    t = probe(EL1H, e_smc, UNKNOWN_CALL, 1, 2, 3, 0, 0);
    check("exits.smc-unknown", "%l kept %u %u %u %u", t->x[0], t->x[4], t->x[9], t->x[17],
          t->x[21]);
    check("exits.psci-version", "%x", psci(0x84000000, 0, 0, 0));
    for (unsigned i = 0; i < 1000; i++) {
        psci(UNKNOWN_CALL, i, 0, 0);
    }
    check("exits.hvc-1000", "done");
}

SNIPPET(e_hvc_el0, "hvc #0");
SNIPPET(e_smc_el0, "smc #0");
SNIPPET(e_udf, "udf #0");
SNIPPET(e_brk, "brk #5");
SNIPPET(e_svc, "svc #7");
SNIPPET(e_impdef, "mrs x0, s3_1_c11_c5_3");
SNIPPET(e_impdef_write, "msr s3_1_c15_c7_5, x0");
SNIPPET(e_el2, "mrs x0, s3_4_c1_c1_0");
SNIPPET(e_el0_reg, "mrs x0, sctlr_el1");
SNIPPET(e_el0_wfi, "wfi");

static void undefined(void)
{
    mmu_default();
    check_trap("exits.hvc-el0", probe1(EL0T, e_hvc_el0, 0), e_hvc_el0, 0);
    check_trap("exits.smc-el0", probe1(EL0T, e_smc_el0, 0), e_smc_el0, 0);
    check_trap("exits.udf", probe1(EL1H, e_udf, 0), e_udf, 0);
    check_trap("exits.brk", probe1(EL1H, e_brk, 0), e_brk, 0);
    check_trap("exits.svc", probe1(EL1H, e_svc, 0), e_svc, 0);
    check_trap("exits.svc-el0", probe1(EL0T, e_svc, 0), e_svc, 0);
    check_trap("exits.impdef-read", probe1(EL1H, e_impdef, 0), e_impdef, 0);
    check_trap("exits.impdef-write", probe1(EL1H, e_impdef_write, 0), e_impdef_write, 0);
    check_trap("exits.el2-read", probe1(EL1H, e_el2, 0), e_el2, 0);
    check_trap("exits.el1-read-at-el0", probe1(EL0T, e_el0_reg, 0), e_el0_reg, 0);
    tables_free();
}

/* Waiting ends when there is a reason to; nothing here depends on how long it takes. */
static void waiting(void)
{
    gic_on();
    gic_enable(TIMER_PPI, 0x80);
    MSR("cntv_tval_el0", 0);
    MSR("cntv_ctl_el0", 1);
    isb();
    ASM("wfi"); /* pending already, PSTATE.I set */
    check("exits.wfi-pending", "ctl=%x", MRS("cntv_ctl_el0"));
    MSR("cntv_ctl_el0", 0);
    isb();
    for (unsigned n = 0; n < 3; n++) {
        MSR("cntv_tval_el0", MRS("cntfrq_el0") / 2000);
        MSR("cntv_ctl_el0", 1);
        isb();
        while ((MRS("cntv_ctl_el0") & 4) == 0) {
            ASM("wfi");
        }
        MSR("cntv_ctl_el0", 0);
        isb();
    }
    check("exits.wfi-timer", "done");
    ASM("sevl\nwfe\nsev\nwfe\nyield");
    check("exits.wfe", "done");
}

static u64 wake_me(u64 x)
{
    for (unsigned i = 0; i < 100; i++) {
        ASM("yield");
    }
    __atomic_store_n((u64 *)(uintptr_t)x, 1, __ATOMIC_RELEASE);
    ASM("dsb ish\nsev");
    return 0;
}

static void waking(void)
{
    static u64 flag;

    cpu1_start();
    cpu1_post(wake_me, (u64)(uintptr_t)&flag);
    while (__atomic_load_n(&flag, __ATOMIC_ACQUIRE) == 0) {
        ASM("wfe");
    }
    cpu1_wait();
    cpu1_leave();
    check("exits.wfe-sev", "done");
}

static void maintenance(void)
{
    static u64 word;

    MSR("csselr_el1", 0);
    isb();
    ASM("dsb sy");
    SYS1("dc cisw", 0);
    SYS1("dc csw", 0);
    SYS1("dc isw", 0);
    word = 0x5555;
    SYS1("dc civac", &word);
    SYS1("dc cvau", &word);
    ASM("dsb sy\nic ialluis\nic iallu\ndsb sy\nisb");
    check("exits.set-way", "%x", word);
    check("exits.csselr", "%x", MRS("csselr_el1"));
    check("exits.mdscr", "%x", MRS("mdscr_el1") & 1);
    MSR("oslar_el1", 1);
    isb();
    check("exits.os-lock", "%x", MRS("oslsr_el1") >> 1 & 1);
    MSR("oslar_el1", 0);
    isb();
    check("exits.os-unlock", "%x", MRS("oslsr_el1") >> 1 & 1);
    check("exits.current-el", "%x", MRS("currentel"));
    check("exits.mpidr", "%x", MRS("mpidr_el1") & 0xff00ffffffull);
}

int main(void)
{
    calls();
    undefined();
    waiting();
    waking();
    maintenance();
    return 0;
}
