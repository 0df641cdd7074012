/* The WHP back end over the simulated platform: whole guests, kinds of exits, failures, registers, state. */
#include "rig.h"

#include "arch/sysreg.h"
#include "base/compiler.h"
#include "guest/guest.h"
#include "guests.h"

#define ENTRY   0x40001000u
#define VECTORS 0x40004000u
#define LONG    20000 /* ms; none of these guests needs a hundredth of it */

static void make(struct rig *r, unsigned cpus, const char *switches)
{
    rig_switches(switches);
    if (rig_make(r, cpus) != ST_OK) {
        fail_msg("%s", r->err.text);
    }
}

static const char *output(struct rig *r)
{
    r->out[r->out_len] = 0;
    return r->out;
}

static bool contains(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* ---- Guests ---------------------------------------------------------------------------------- */

/* Also where its timer's five milliseconds are over before it waits for them. */
static void test_hello(void **state)
{
    static const char *const switches[] = { NULL, "faster=100000" };

    for (unsigned i = 0; i < ARRAY_SIZE(switches); i++) {
        struct rig r;
        make(&r, 1, switches[i]);
        rig_write(&r, ENTRY, guest_hello, guest_hello_size);
        assert_int_equal(rig_run(&r, ENTRY, LONG), VM_OFF);
        assert_string_equal(output(&r), "Hello from EL1 by PL011\nTimer interrupt taken\n");
        rig_end(&r);
    }
}

/* The same with what is not known of the real platform the other way round. */
static void test_forms(void **state)
{
    static const char *const switches[] = { NULL, "gpa=unmapped length=0", "surplus=2",
                                            "cpu=cortex-a53 features=off pa=40",
                                            "fail=WHvAdviseGpaRange" };

    for (unsigned i = 0; i < ARRAY_SIZE(switches); i++) {
        struct rig r;
        make(&r, 1, switches[i]);
        rig_write(&r, ENTRY, guest_forms, sizeof(guest_forms));
        assert_int_equal(rig_run(&r, ENTRY, LONG), VM_OFF);
        assert_string_equal(output(&r), "+");
        rig_end(&r);
    }
}

static void test_el0(void **state)
{
    struct rig r;

    make(&r, 1, NULL);
    rig_write(&r, ENTRY, guest_el0, sizeof(guest_el0));
    assert_int_equal(rig_run(&r, ENTRY, LONG), VM_OFF);
    assert_string_equal(output(&r), "+");
    rig_end(&r);
}

static void test_smp_and_reset(void **state)
{
    struct rig r;

    make(&r, 2, NULL);
    rig_write(&r, ENTRY, guest_smp, sizeof(guest_smp));
    assert_int_equal(rig_run(&r, ENTRY, LONG), VM_RESET);
    assert_string_equal(output(&r), "SN");
    assert_int_equal(vm_reset(&r.vm, &r.err), ST_OK);
    assert_int_equal(rig_run(&r, ENTRY, LONG), VM_OFF);
    assert_string_equal(output(&r), "SNSN");
    rig_end(&r);
}

/* A guest that never exits by itself is stopped, however the platform treats a cancel. */
static void test_cancel(void **state)
{
    static const char *const switches[] = { NULL, "cancel=lost", "surplus=1",
                                            "fail=WHvCancelRunVirtualProcessor:0x80004005:0:3" };

    for (unsigned i = 0; i < ARRAY_SIZE(switches); i++) {
        for (unsigned asleep = 0; asleep < 2; asleep++) {
            struct rig r;
            make(&r, 2, switches[i]);
            rig_write(&r, ENTRY, asleep ? guest_wfi : guest_spin, 8 - 4 * !asleep);
            assert_int_equal(rig_run(&r, ENTRY, 20), VM_LIMIT);
            rig_end(&r);
        }
    }
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static void test_exits(void **state)
{
    static const struct {
        const char *switches;
        enum vm_state end;
        const char *text;
    } rows[] = {
        { "exit=0x80000021", VM_FAILED, "cannot recover" },
        { "exit=0x80000020", VM_FAILED, "cannot have" },
        { "exit=0x80000022", VM_FAILED, "does not support" },
        { "exit=0x80010006", VM_FAILED, "hypervisor's register" },
        { "exit=0x12345678", VM_FAILED, "exit 0x12345678" },
        { "exit=0x8001000c reset=2", VM_FAILED, "unknown type 2" },
        { "exit=0x8001000c reset=1", VM_RESET, "" },
        { "exit=0x8001000c reset=0", VM_OFF, "" },
        { "exit=0x80000062", VM_OFF, "" }, /* not asked for: nothing */
        { "exit=0", VM_OFF, "" },
        /* An access with a syndrome of no access; cache maintenance, stepped over. */
        { "exit=0x80000000 syndrome=0x5a000000", VM_FAILED, "syndrome 0x5a000000" },
        { "exit=0x80000000 syndrome=0x92000147 ipa=0x0b000000", VM_OFF, "" },
        /* ISV = 0 and an instruction that is no access, on a device. */
        { "exit=0x80000000 syndrome=0x92000007 ipa=0x09000000", VM_FAILED,
          "instruction 0xd503201f" },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct rig r;
        make(&r, 1, rows[i].switches);
        rig_write(&r, ENTRY, guest_off, sizeof(guest_off));
        assert_int_equal(rig_run(&r, ENTRY, LONG), rows[i].end);
        if (!contains(r.vm.fail_text, rows[i].text)) {
            fail_msg("row %u: %s", i, r.vm.fail_text);
        }
        rig_end(&r);
    }
}

/* Faults that no instruction of a simulated guest makes: what EL1 sees of them. */
static void test_staged_aborts(void **state)
{
    static const struct {
        const char *switches;
        uint64_t esr; /* class and fault status */
    } rows[] = {
        { "exit=0x80000000 syndrome=0x82000007 ipa=0x0b000000", 0x86000000 | 0x10 }, /* fetch */
        { "exit=0x80000000 syndrome=0x92000087 ipa=0x0b000000", 0x96000000 | 0x10 }, /* S1PTW */
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct rig r;
        make(&r, 1, rows[i].switches);
        rig_write(&r, ENTRY, guest_spin, sizeof(guest_spin));
        rig_write(&r, VECTORS + 0x200, guest_off, sizeof(guest_off));
        vcpu_set_reg(&r.vm.vcpu[0], REG_SYS | SYSREG_VBAR_EL1, VECTORS);
        assert_int_equal(rig_run(&r, ENTRY, LONG), VM_OFF);
        assert_int_equal(vcpu_reg(&r.vm.vcpu[0], REG_SYS | SYSREG_ESR_EL1) & ~0x400ull,
                         rows[i].esr);
        assert_int_equal(vcpu_reg(&r.vm.vcpu[0], REG_SYS | SYSREG_ELR_EL1), ENTRY);
        assert_int_equal(vcpu_reg(&r.vm.vcpu[0], REG_SYS | SYSREG_SPSR_EL1), 0x3c5);
        rig_end(&r);
    }
}

/* ---- Failures -------------------------------------------------------------------------------- */

/* Each call on the way to a machine fails in turn: it is named, nothing is left behind. */
static void test_failures(void **state)
{
    static const char *const rows[][2] = {
        { "fail=WHvGetCapability@0", "(HypervisorPresent) failed with 0x80004005" },
        { "fail=WHvGetCapability@1", "(Features)" },
        { "hypervisor=off", "not running" },
        { "arm64=off", "Arm64Support" },
        { "fail=WHvCreatePartition:0x80070005", "denied" },
        { "fail=WHvCreatePartition:0xc0351000", "not there" },
        { "fail=WHvCreatePartition:0x80004005:1", "WHvCreatePartition failed with 0x80004005" },
        { "fail=WHvDeletePartition:0x80004005:0:1", "WHvDeletePartition" },
        { "fail=WHvSetPartitionProperty@0x1fff", "(ProcessorCount)" },
        { "fail=WHvSetPartitionProperty@0x1012:0x80370304", "(Arm64IcParameters)" },
        { "fail=WHvSetPartitionProperty@0x1011", "(PhysicalAddressWidth)" },
        { "fail=WHvSetupPartition:0x80370304", "WHvSetupPartition" },
        { "fail=WHvSetupPartition:0xc035000b", "no memory left" },
        { "fail=WHvMapGpaRange", "WHvMapGpaRange" },
        { "fail=WHvMapGpaRange:0xc0370008:1", "process" },
        { "fail=WHvCreateVirtualProcessor:0x80370306:1", "WHvCreateVirtualProcessor" },
        { "fail=WHvGetVirtualProcessorRegisters@0x22038", "(ID_AA64MMFR0_EL1)" },
        { "pa=36 fail=WHvSetVirtualProcessorRegisters@0x22038", "(ID_AA64MMFR0_EL1)" },
        { "fail=WHvGetVirtualProcessorRegisters@0x40051", "(MIDR_EL1)" },
        { "fail=WHvSetVirtualProcessorRegisters@0x40051:0x80370309", "does not know" },
        { "fail=WHvSetVirtualProcessorRegisters@0x40001", "(MPIDR_EL1)" },
        { "fail=WHvSetVirtualProcessorRegisters@0x63000", "(GicrBaseGpa)" },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct rig r;
        sim_forget();
        rig_switches(rows[i][0]);
        assert_true(rig_make(&r, 2) < 0);
        if (!contains(r.err.text, rows[i][1])) {
            fail_msg("row %u: %s", i, r.err.text);
        }
        rig_end(&r);
    }
}

static void test_failures_while_running(void **state)
{
    static const char *const rows[][2] = {
        { "fail=WHvRunVirtualProcessor", "WHvRunVirtualProcessor" },
        { "fail=WHvRunVirtualProcessor:0x80004005:2", "WHvRunVirtualProcessor" },
        { "fail=WHvSetVirtualProcessorRegisters@0x20000", "(PC)" },
        { "fail=WHvSetVirtualProcessorRegisters@0x20022", "(PC)" },
        { "fail=WHvGetVirtualProcessorRegisters@0x20002", "(X)" },
        { "fail=WHvRequestInterrupt", "WHvRequestInterrupt" },
    };
    /* Stores w2 to UARTIMSC, then UARTDR for ever: transmit interrupts. */
    static const uint32_t guest[] = { 0xd2a12001, 0x12800002, 0xb9003822, 0xb9000022, 0x17fffffe };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct rig r;
        sim_forget();
        make(&r, 2, rows[i][0]);
        rig_write(&r, ENTRY, guest, sizeof(guest));
        assert_int_equal(rig_run(&r, ENTRY, LONG), VM_FAILED);
        if (!contains(r.vm.fail_text, rows[i][1])) {
            fail_msg("row %u: %s", i, r.vm.fail_text);
        }
        rig_end(&r);
    }
}

/* A second machine in the process is made, and gets no memory. */
static void test_second_machine(void **state)
{
    struct rig a, b;

    make(&a, 1, NULL);
    assert_true(rig_make(&b, 1) < 0);
    assert_true(contains(b.err.text, "process"));
    rig_end(&b);
    rig_end(&a);
    make(&a, 1, NULL);
    rig_end(&a);
}

/* ---- What there is --------------------------------------------------------------------------- */

static void test_address_width(void **state)
{
    static const struct {
        const char *switches;
        unsigned bits; /* 0: too few */
        uint64_t parange;
    } rows[] = {
        { "pa=52", 40, 2 },
        { "pa=48", 40, 2 },
        { "pa=40", 40, 2 },
        { "pa=39", 36, 1 },
        { "pa=36", 36, 1 },
        { "pa=32", 32, 0 },
        /* a Windows without the property */
        { "fail=WHvSetPartitionProperty@0x1011:0x80370302", 40, 2 },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct rig r;
        uint64_t mmfr0;
        sim_forget();
        make(&r, 1, rows[i].switches);
        assert_int_equal(whp_of(&r.vm)->pa_bits, rows[i].bits);
        mmfr0 = vcpu_reg(&r.vm.vcpu[0], REG_SYS | SYSREG_ID_AA64MMFR0_EL1);
        assert_int_equal(mmfr0 & 15, rows[i].parange);
        rig_end(&r);
    }
}

static void test_capabilities(void **state)
{
    struct accel_caps caps;
    struct err err = { .lang = LANG_PT_BR };

    rig_switches("pa=39");
    assert_int_equal(accel_probe(&accel_whp, &caps, &err), ST_OK);
    assert_true(caps.gicv3 && !caps.gicv2 && caps.own_gic && caps.own_psci && caps.own_timer);
    assert_int_equal(caps.ipa_bits, 39);
    rig_switches("hypervisor=off");
    assert_int_equal(accel_probe(&accel_whp, &caps, &err), ST_E_NOTSUP);
    assert_true(contains(err.text, "hipervisor"));
}

/* x86-64 Windows has WHP, too, but for other guests; or it has not: nothing is wrong with it. */
static void test_other_hosts(void **state)
{
    struct accel_caps caps;
    struct err err = { .lang = LANG_EN };

    rig_switches("vendor=intel");
    assert_int_equal(accel_probe(&accel_whp, &caps, &err), ST_E_NOENT);
    assert_true(contains(err.text, "ARM64 processors only"));
    rig_no_library = true;
    assert_int_equal(accel_probe(&accel_whp, &caps, &err), ST_E_NOENT);
    rig_arm64_host = true;
    assert_int_equal(accel_probe(&accel_whp, &caps, &err), ST_E_NOTSUP);
    assert_true(contains(err.text, "DISM"));
    rig_no_library = false;
    rig_switches(NULL);
    assert_int_equal(accel_probe(&accel_whp, &caps, &err), ST_OK);
    rig_arm64_host = false;
}

static void check_register(struct rig *r, uint32_t reg, uint64_t value)
{
    uint64_t back = 0;

    assert_int_equal(accel_whp.set_reg(&r->vm.vcpu[1], reg, value), ST_OK);
    assert_int_equal(accel_whp.get_reg(&r->vm.vcpu[1], reg, &back), ST_OK);
    assert_int_equal(back, value);
}

static void test_registers(void **state)
{
    static const uint32_t sys[] = {
        SYSREG_SP_EL0,        SYSREG_TTBR0_EL1,     SYSREG_TTBR1_EL1,      SYSREG_ESR_EL1,
        SYSREG_FAR_EL1,       SYSREG_MAIR_EL1,      SYSREG_TPIDR_EL1,      SYSREG_TPIDRRO_EL0,
        SYSREG_TPIDR_EL0,     SYSREG_ELR_EL1,       SYSREG_CONTEXTIDR_EL1, SYSREG_APIAKeyHi_EL1,
        SYSREG_APIAKeyLo_EL1, SYSREG_APGAKeyHi_EL1, SYSREG_CNTV_CVAL_EL0,
    };
    struct rig r;
    uint64_t value;

    make(&r, 2, "cpu=max");
    for (uint32_t i = 0; i < 31; i++) {
        check_register(&r, REG_X0 + i, 0x1111111111111111u * (i % 15 + 1));
    }
    for (uint32_t i = 0; i < 32; i++) {
        check_register(&r, REG_V0_HI + i, i);
        check_register(&r, REG_V0_LO + i, ~(uint64_t)i);
        accel_whp.get_reg(&r.vm.vcpu[1], REG_V0_HI + i, &value);
        assert_int_equal(value, i);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(sys); i++) {
        check_register(&r, REG_SYS | sys[i], 0x40 + 0x20 * i);
    }
    check_register(&r, REG_PC, 0x40001004);
    check_register(&r, REG_SP_EL0, 0x1000);
    check_register(&r, REG_SP_EL1, 0x2000);
    check_register(&r, REG_FPCR, 1u << 22);
    check_register(&r, REG_SYS | SYSREG_DBGBVR0_EL1, 0x40001000);
    check_register(&r, REG_SYS | SYSREG_DBGWVR0_EL1, 0x40002000);
    check_register(&r, REG_PSTATE, 0x3c4); /* EL1t: SP is SP_EL0 */
    assert_int_equal(vcpu_reg(&r.vm.vcpu[1], REG_SP), 0x1000);
    check_register(&r, REG_PSTATE, 0x3c5);
    assert_int_equal(vcpu_reg(&r.vm.vcpu[1], REG_SP), 0x2000);
    assert_int_equal(vcpu_reg(&r.vm.vcpu[1], REG_SYS | SYSREG_MPIDR_EL1), 0x80000001);
    assert_int_equal(vcpu_reg(&r.vm.vcpu[0], REG_SYS | SYSREG_MIDR_EL1), 0x000f0510);
    assert_int_equal(accel_whp.get_reg(&r.vm.vcpu[0], REG_SYS | 0x1234, &value), ST_E_NOENT);
    assert_int_equal(accel_whp.set_reg(&r.vm.vcpu[0], 60, 0), ST_E_NOENT);
    rig_end(&r);
}

/* ---- State ----------------------------------------------------------------------------------- */

static void test_gic_state(void **state)
{
    size_t size =
        sizeof(struct whp_global_gic_state) + SIM_LINES * sizeof(struct whp_global_gic_line);
    struct whp_global_gic_state *global = calloc(1, size), *again = calloc(1, size);
    struct whp_vp_gic_state own, own_again;
    struct rig r;

    make(&r, 1, NULL);
    accel_whp.set_irq(&r.vm, 0, 40, true);
    assert_int_equal(whp_gic_global_save(&r.vm, global, size, &r.err), ST_OK);
    assert_int_equal(whp_gic_save(&r.vm.vcpu[0], &own, &r.err), ST_OK);
    assert_int_equal(global->lines, SIM_LINES);
    assert_int_equal(global->line[8].intid, 40);
    assert_int_equal(global->line[8].line.flags & WHP_LINE_ASSERTED, WHP_LINE_ASSERTED);
    own.pmr = 0xf0;
    own.igrpen1 = 1;
    own.line[27] =
        (struct whp_gic_line){ .flags = WHP_LINE_ENABLED | WHP_LINE_PENDING, .priority = 0x80 };
    own.line[27].active_priority = own.line[27].priority;
    global->line[9].line.flags = WHP_LINE_ENABLED | WHP_LINE_EDGE;
    global->enable_grp1a = 1;
    assert_int_equal(whp_gic_global_restore(&r.vm, global, size, &r.err), ST_OK);
    assert_int_equal(whp_gic_restore(&r.vm.vcpu[0], &own, &r.err), ST_OK);
    assert_int_equal(whp_gic_global_save(&r.vm, again, size, &r.err), ST_OK);
    assert_int_equal(whp_gic_save(&r.vm.vcpu[0], &own_again, &r.err), ST_OK);
    assert_memory_equal(global, again, size);
    assert_memory_equal(&own, &own_again, sizeof(own));
    own.version = 2;
    assert_int_equal(whp_gic_restore(&r.vm.vcpu[0], &own, &r.err), ST_E_FORMAT);
    assert_true(whp_gic_global_save(&r.vm, again, 16, &r.err) < 0);
    rig_end(&r);
    free(global);
    free(again);
}

static void test_dirty_pages(void **state)
{
    uint64_t bitmap[64]; /* 16 MiB */
    const struct mem_slot *ram;
    uint8_t byte = 1;
    struct rig r;

    make(&r, 1, NULL);
    ram = guest_mem_slot(&r.vm.mem, ENTRY);
    assert_true(whp_dirty_pages(&r.vm, ram->base, ram->size, bitmap, &r.err) < 0); /* not tracked */
    assert_int_equal(whp_track_dirty(&r.vm, ram, true, &r.err), ST_OK);
    rig_write(&r, ram->base + 70 * WHP_PAGE + 5, &byte, 1);
    assert_int_equal(whp_dirty_pages(&r.vm, ram->base, ram->size, bitmap, &r.err), ST_OK);
    assert_int_equal(bitmap[0], 0);
    assert_int_equal(bitmap[1], 1u << 6);
    assert_int_equal(whp_dirty_pages(&r.vm, ram->base, ram->size, bitmap, &r.err), ST_OK);
    assert_int_equal(bitmap[1], 0);
    assert_int_equal(whp_track_dirty(&r.vm, ram, false, &r.err), ST_OK);
    rig_switches("dirty=off");
    assert_int_equal(whp_track_dirty(&r.vm, ram, true, &r.err), ST_E_NOTSUP);
    rig_end(&r);
}

/* The guest of "while running" without its first store: all stores to UARTDR ring, none exits. */
static void test_doorbell(void **state)
{
    static const uint32_t guest[] = { 0xd2a16001, /* mov x1, #0x0b000000 */
                                      0x528000e2, /* mov w2, #7          */
                                      0xb9000022, /* str w2, [x1]        */
                                      0xb9000022, /* str w2, [x1]        */
                                      0x52800100, /* mov w0, #8          */
                                      0x72b08000, /* movk w0, #0x8400, lsl #16 */
                                      0xd4000002 /* hvc #0              */ };
    const uint64_t value = 7;
    unsigned rings = 0;
    whp_handle port;
    struct rig r;

    make(&r, 1, NULL);
    assert_true(whp_doorbell_create(&r.vm, 0x0b000000, 3, NULL, &rings, &port, &r.err) < 0);
    assert_int_equal(whp_doorbell_create(&r.vm, 0x0b000000, 4, &value, &rings, &port, &r.err),
                     ST_OK);
    rig_write(&r, ENTRY, guest, sizeof(guest));
    assert_int_equal(rig_run(&r, ENTRY, LONG), VM_OFF);
    assert_int_equal(rings, 2);
    whp_doorbell_destroy(&r.vm, port);
    rig_end(&r);
}

static void test_time(void **state)
{
    struct rig r;
    uint64_t before, after;

    make(&r, 1, NULL);
    accel_whp.stop_time(&r.vm, true);
    before = vcpu_reg(&r.vm.vcpu[0], REG_SYS | SYSREG_CNTVCT_EL0);
    for (unsigned i = 0; i < 1000; i++) {
        after = vcpu_reg(&r.vm.vcpu[0], REG_SYS | SYSREG_CNTVCT_EL0);
        assert_int_equal(before, after);
    }
    accel_whp.stop_time(&r.vm, false);
    do {
        after = vcpu_reg(&r.vm.vcpu[0], REG_SYS | SYSREG_CNTVCT_EL0);
    } while (after == before);
    rig_switches("fail=WHvSuspendPartitionTime");
    accel_whp.stop_time(&r.vm, true);
    assert_int_equal(atomic_load(&r.vm.state), VM_FAILED);
    rig_end(&r);
}

/* An older library lacks functions: what they are for is refused, all else works. */
static void test_optional_functions(void **state)
{
    struct whp_vp_gic_state own;
    struct whp_api *api;
    uint64_t bitmap[64];
    whp_handle port;
    struct rig r;

    make(&r, 1, NULL);
    api = &whp_of(&r.vm)->api;
    api->WHvGetVirtualProcessorState = NULL;
    api->WHvSetVirtualProcessorState = NULL;
    api->WHvSuspendPartitionTime = NULL;
    api->WHvResumePartitionTime = NULL;
    api->WHvQueryGpaRangeDirtyBitmap = NULL;
    api->WHvCreateNotificationPort = NULL;
    own.version = WHP_GIC_STATE_VERSION;
    assert_int_equal(whp_gic_save(&r.vm.vcpu[0], &own, &r.err), ST_E_NOTSUP);
    assert_int_equal(whp_gic_restore(&r.vm.vcpu[0], &own, &r.err), ST_E_NOTSUP);
    assert_int_equal(whp_dirty_pages(&r.vm, 0x40000000, 16u << 20, bitmap, &r.err), ST_E_NOTSUP);
    assert_int_equal(whp_doorbell_create(&r.vm, 0, 4, NULL, &port, &port, &r.err), ST_E_NOTSUP);
    accel_whp.stop_time(&r.vm, true);
    rig_write(&r, ENTRY, guest_hello, guest_hello_size);
    assert_int_equal(rig_run(&r, ENTRY, LONG), VM_OFF);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_el0),
        cmocka_unit_test(test_smp_and_reset),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_exits),
        cmocka_unit_test(test_staged_aborts),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_failures_while_running),
        cmocka_unit_test(test_second_machine),
        cmocka_unit_test(test_address_width),
        cmocka_unit_test(test_capabilities),
        cmocka_unit_test(test_other_hosts),
        cmocka_unit_test(test_registers),
        cmocka_unit_test(test_gic_state),
        cmocka_unit_test(test_dirty_pages),
        cmocka_unit_test(test_doorbell),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_optional_functions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
