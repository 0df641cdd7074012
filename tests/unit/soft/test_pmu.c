/*
 * test_pmu.c - the performance monitors where time stands still: cycles, what the timer thread is asked for, and that
 * nothing is there without FEAT_PMUv3. The rest is tests/system/pmu.c's.
 */
#include "rig.h"

#define CCNT        (1u << 31)
#define I_SUBS1(rd) (0xf1000400u | (rd) << 5 | (rd))

enum { E = 1, INST_RETIRED = 8, CPU_CYCLES = 0x11 };

/* Counter n counts event, and so does the cycle counter. */
static void count(struct rig *r, unsigned n, uint64_t event)
{
    rig_set(r, REG_SYS | (SYSREG_PMEVTYPER0_EL0 + n), event);
    rig_set_sys(r, PMCNTENSET_EL0, CCNT | 1u << n);
    rig_set_sys(r, PMCR_EL0, E);
}

/* A nanosecond is a cycle; time outside of run is none. */
static void test_cycles(void **state)
{
    struct rig r;

    rig_make(&r);
    count(&r, 2, CPU_CYCLES);
    RIG_CODE(&r, CODE, I_NOP, I_HVC(1));
    rig_run(&r, CODE);
    assert_int_equal(rig_sys(&r, PMCCNTR_EL0), 0);
    r.now_ns += 1000;
    RIG_CODE(&r, CODE, I_STR(3, 1), I_HVC(1));
    rig_run(&r, CODE);
    assert_int_equal(rig_sys(&r, PMCCNTR_EL0), 0);
    /* From one level to the other: each filter sees its own part. */
    pmu_run(r.cpu);
    r.now_ns += 77;
    pmu_sync(r.cpu, cpu_insns(r.cpu));
    assert_int_equal(rig_sys(&r, PMCCNTR_EL0), 77);
    assert_int_equal(rig_sys(&r, PMEVCNTR2_EL0), 77);
    rig_set_sys(&r, PMCCFILTR_EL0, 1u << 31);
    r.now_ns += 5;
    pmu_sync(r.cpu, cpu_insns(r.cpu));
    assert_int_equal(rig_sys(&r, PMCCNTR_EL0), 77);
    assert_int_equal(rig_sys(&r, PMEVCNTR2_EL0), 82);
    rig_drop(&r);
}

/* The core is told when an overflow is due, and sets PEND_WORK then. */
static void test_deadline(void **state)
{
    struct rig r;

    rig_make(&r);
    r.now_ns = 1000;
    count(&r, 0, CPU_CYCLES);
    rig_set_sys(&r, PMCCNTR_EL0, 0 - 5000ull);
    RIG_CODE(&r, CODE, I_HVC(1));
    rig_run(&r, CODE);
    assert_int_equal(r.vcpu->pmu_deadline_ns, UINT64_MAX); /* nobody wants an interrupt */
    rig_set_sys(&r, PMINTENSET_EL1, CCNT);
    rig_run(&r, CODE);
    assert_int_equal(r.vcpu->pmu_deadline_ns, 6000);
    assert_int_equal(vm_poll_timers(&r.vm), 6000);
    r.now_ns = 6000;
    pmu_sync(r.cpu, cpu_insns(r.cpu));
    assert_int_equal(rig_sys(&r, PMOVSSET_EL0), CCNT);
    assert_true(r.cpu->priv->pmu.line);
    vm_poll_timers(&r.vm);
    assert_true(atomic_load(r.vcpu->pending) & PEND_WORK);
    assert_int_equal(r.vcpu->pmu_deadline_ns, UINT64_MAX);
    rig_set_sys(&r, PMOVSCLR_EL0, CCNT);
    assert_false(r.cpu->priv->pmu.line);
    rig_drop(&r);
}

/* Instructions have no time: looked for when it could be at the earliest, and then again. */
static void test_deadline_of_instructions(void **state)
{
    struct rig r;

    rig_make(&r);
    count(&r, 0, INST_RETIRED);
    rig_set_sys(&r, PMINTENSET_EL1, 1);
    rig_set_sys(&r, PMEVCNTR0_EL0, 0xffffffff - 4000000);
    RIG_CODE(&r, CODE, I_NOP, I_NOP, I_HVC(1));
    rig_run(&r, CODE);
    assert_in_range(r.vcpu->pmu_deadline_ns, 900000, 1000000);
    r.now_ns = 1000000;
    vm_poll_timers(&r.vm);
    rig_run(&r, CODE);
    assert_in_range(r.vcpu->pmu_deadline_ns, 1900000, 2000000);
    assert_int_equal(rig_sys(&r, PMEVCNTR0_EL0), 0xffffffff - 4000000 + 6);
    /* A chained pair is watched by its lower half. */
    rig_set_sys(&r, PMINTENCLR_EL1, 1);
    rig_set_sys(&r, PMEVTYPER1_EL0, 0x1e);
    rig_set_sys(&r, PMCNTENSET_EL0, 2);
    r.now_ns = 3000000;
    rig_set_sys(&r, PMINTENSET_EL1, 2);
    rig_run(&r, CODE);
    assert_in_range(r.vcpu->pmu_deadline_ns, 3900000, 4000000);
    rig_drop(&r);
}

/* Code that was translated when nobody counted: from the write that starts the counter on, every instruction counts. */
static void test_count_begins(void **state)
{
    enum { LOOPS = 1000, BEGIN = CODE + 0x100 };
    struct rig r;

    rig_make(&r);
    rig_set(&r, REG_SYS | SYSREG_PMEVTYPER0_EL0, INST_RETIRED);
    rig_set_sys(&r, PMCR_EL0, E);
    RIG_CODE(&r, CODE, I_MOVZ(0, LOOPS), I_SUBS1(0), I_CBNZ(0, -4), I_HVC(1));
    RIG_CODE(&r, BEGIN, I_MOVZ(1, 1), I_MSR(SYSREG_PMCNTENSET_EL0, 1), I_NOP,
             I_B(CODE - BEGIN - 12));
    rig_run(&r, CODE);
    rig_run(&r, BEGIN);
    assert_int_equal(rig_sys(&r, PMEVCNTR0_EL0), 2 + 1 + 2 * LOOPS + 1);
    rig_run(&r, BEGIN);
    assert_int_equal(rig_sys(&r, PMEVCNTR0_EL0), 2 * (2 + 1 + 2 * LOOPS + 1) + 2);
    rig_drop(&r);
}

/* A reset of the CPU stops the counters and takes the interrupt back. */
static void test_reset(void **state)
{
    struct rig r;

    rig_make(&r);
    count(&r, 0, INST_RETIRED);
    rig_set_sys(&r, PMINTENSET_EL1, CCNT);
    rig_set_sys(&r, PMOVSSET_EL0, CCNT);
    assert_true(r.cpu->priv->pmu.live);
    assert_true(r.cpu->priv->pmu.line);
    rig_start_cpu(&r, 0);
    assert_false(r.cpu->priv->pmu.live);
    assert_false(r.cpu->priv->pmu.line);
    assert_int_equal(rig_sys(&r, PMCR_EL0) & E, 0);
    rig_drop(&r);
}

/* Models, and none. */
static void test_identification(void **state)
{
    static const struct {
        const char *model;
        uint64_t version, pmcr, events_1;
    } rows[] = {
        { "max", 4, 0x00003040, 0x18 },
        { "cortex-a53", 1, 0x41033040, 0 },
        { "cortex-a72", 1, 0x41023040, 0 },
        { "neoverse-n1", 4, 0x410c3040, 0x18 },
    };
    struct rig r;

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        rig_make(&r, .model = rows[i].model);
        assert_int_equal(bits(rig_sys(&r, ID_AA64DFR0_EL1), 8, 4), rows[i].version);
        assert_int_equal(rig_sys(&r, PMCR_EL0), rows[i].pmcr);
        assert_int_equal(rig_sys(&r, PMCEID0_EL0), 0x50020f01);
        assert_int_equal(rig_sys(&r, PMCEID1_EL0), rows[i].events_1);
        rig_set_sys(&r, PMEVTYPER0_EL0, 0xffff);
        assert_int_equal(rig_sys(&r, PMEVTYPER0_EL0), rows[i].version == 1 ? 0x3ff : 0xffff);
        rig_drop(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_deadline_of_instructions),
        cmocka_unit_test(test_count_begins),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_identification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
