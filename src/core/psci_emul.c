/*
 * psci_emul.c - the firmware a guest may call: PSCI 1.1, SMCCC 1.2, the TRNG interface, and our own
 * two calls.
 *
 * Spec: DEN 0022 "Power State Coordination Interface", DEN 0028 "SMC Calling Convention", DEN 0098
 * "True Random Number Generator Firmware Interface". One table of functions; a call by HVC or by
 * SMC is the same.
 */
#include "vm.h"

#include "base/bits.h"
#include "core/internal.h"

enum {
    PSCI_SUCCESS = 0,
    PSCI_NOT_SUPPORTED = -1,
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_DENIED = -3,
    PSCI_ALREADY_ON = -4,
    PSCI_ON_PENDING = -5,
    PSCI_INVALID_ADDRESS = -9,
};

enum { SMC64 = 0x40000000 };

#define PRINT_MAX 256 /* bytes of a greeting that are shown */

typedef enum vcpu_action call_fn(struct vcpu *vcpu);

static enum vcpu_action answer(struct vcpu *vcpu, int64_t value)
{
    vcpu_set_reg(vcpu, REG_X0, (uint64_t)value);
    return VCPU_RESUME;
}

static uint64_t arg(struct vcpu *vcpu, unsigned n)
{
    uint64_t value = vcpu_reg(vcpu, REG_X0 + n);

    /* SMCCC, "Register use in AArch64 SMC and HVC calls": SMC32 calls have 32-bit arguments. */
    return vcpu_reg(vcpu, REG_X0) & SMC64 ? value : (uint32_t)value;
}

static struct vcpu *by_mpidr(struct vm *vm, uint64_t mpidr)
{
    for (unsigned i = 0; i < vm->config.cpus; i++) {
        if (vm->vcpu[i].mpidr == mpidr) {
            return &vm->vcpu[i];
        }
    }
    return NULL;
}

/* ---- PSCI ------------------------------------------------------------------------------------ */

static enum vcpu_action psci_version(struct vcpu *vcpu)
{
    return answer(vcpu, 0x10001);
}

/* Power-down states may be answered by standby (DEN 0022, "CPU_SUSPEND"): wait here and return. */
static enum vcpu_action psci_cpu_suspend(struct vcpu *vcpu)
{
    vcpu->wfe = false;
    answer(vcpu, PSCI_SUCCESS);
    return vcpu_has_work(vcpu) ? VCPU_RESUME : VCPU_WAIT;
}

static enum vcpu_action psci_cpu_off(struct vcpu *vcpu)
{
    lock_acquire(&vcpu->vm->power_lock);
    atomic_store(&vcpu->power, VCPU_OFF);
    lock_release(&vcpu->vm->power_lock);
    return VCPU_PARK;
}

static int cpu_on(struct vm *vm, uint64_t mpidr, const struct vcpu_start *start)
{
    struct vcpu *target = by_mpidr(vm, mpidr);
    int result = PSCI_SUCCESS;

    if (target == NULL) {
        return PSCI_INVALID_PARAMETERS;
    }
    if (guest_mem_slot(&vm->mem, start->pc) == NULL) {
        return PSCI_INVALID_ADDRESS;
    }
    lock_acquire(&vm->power_lock);
    switch (atomic_load(&target->power)) {
    case VCPU_ON: result = PSCI_ALREADY_ON; break;
    case VCPU_ON_PENDING: result = PSCI_ON_PENDING; break;
    default:
        target->start = *start;
        atomic_store(&target->power, VCPU_ON_PENDING);
        break;
    }
    lock_release(&vm->power_lock);
    if (result == PSCI_SUCCESS) {
        vm->ports.wake_vcpu(vm->ports.opaque, target->index);
    }
    return result;
}

static enum vcpu_action psci_cpu_on(struct vcpu *vcpu)
{
    struct vcpu_start start = { .pc = arg(vcpu, 2), .x = { arg(vcpu, 3) }, .el = 1 };

    return answer(vcpu, cpu_on(vcpu->vm, arg(vcpu, 1), &start));
}

static enum vcpu_action psci_affinity_info(struct vcpu *vcpu)
{
    /* Answers: 0 on, 1 off, 2 on its way. Only level 0 is asked of PSCI 1.0 and later. */
    static const int64_t info[] = { [VCPU_ON] = 0, [VCPU_OFF] = 1, [VCPU_ON_PENDING] = 2 };
    const struct vcpu *target = by_mpidr(vcpu->vm, arg(vcpu, 1));

    if (target == NULL || arg(vcpu, 2) != 0) {
        return answer(vcpu, PSCI_INVALID_PARAMETERS);
    }
    return answer(vcpu, info[atomic_load(&target->power)]);
}

/* 2: there is no Trusted OS, or it needs no migration. */
static enum vcpu_action psci_migrate_info_type(struct vcpu *vcpu)
{
    return answer(vcpu, 2);
}

static enum vcpu_action psci_system_off(struct vcpu *vcpu)
{
    vm_stop(vcpu->vm, VM_OFF, 0);
    return VCPU_QUIT;
}

static enum vcpu_action psci_system_reset(struct vcpu *vcpu)
{
    vm_stop(vcpu->vm, VM_RESET, 0);
    return VCPU_QUIT;
}

/* Reset type 0 is the architectural warm reset; vendor types have bit 31. */
static enum vcpu_action psci_system_reset2(struct vcpu *vcpu)
{
    if (arg(vcpu, 1) != 0) {
        return answer(vcpu, (uint32_t)arg(vcpu, 1) & 1u << 31 ? PSCI_NOT_SUPPORTED
                                                              : PSCI_INVALID_PARAMETERS);
    }
    return psci_system_reset(vcpu);
}

/* ---- SMCCC ----------------------------------------------------------------------------------- */

static enum vcpu_action smccc_version(struct vcpu *vcpu)
{
    return answer(vcpu, 0x10002);
}

/* Call count, UID and revision of the vendor specific hypervisor service: this UUID is
 * our own (RFC 4122, random). */
static enum vcpu_action vendor_uid(struct vcpu *vcpu)
{
    vcpu_set_reg(vcpu, REG_X0, 0x6d5f7a1c);
    vcpu_set_reg(vcpu, REG_X0 + 1, 0x4b1e42f3);
    vcpu_set_reg(vcpu, REG_X0 + 2, 0x9c07d28e);
    vcpu_set_reg(vcpu, REG_X0 + 3, 0x35a4618b);
    return VCPU_RESUME;
}

/* The greeting of the built-in guest: x1 = address (IPA) of UTF-8 text, x2 = its length. */
static enum vcpu_action vendor_print(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    char text[PRINT_MAX + 1];
    uint64_t len = vcpu_reg(vcpu, REG_X0 + 2);

    if (len > PRINT_MAX ||
        guest_mem_read(&vm->mem, vcpu_reg(vcpu, REG_X0 + 1), text, len) != ST_OK) {
        return answer(vcpu, PSCI_INVALID_PARAMETERS);
    }
    text[len] = 0;
    log_line(&vm->ports.log, LOG_INFO, "guest", msg_text(vm->ports.lang, MSG_GUEST_SAID), text);
    return answer(vcpu, PSCI_SUCCESS);
}

/* ---- TRNG ------------------------------------------------------------------------------------ */

static enum vcpu_action trng_version(struct vcpu *vcpu)
{
    return answer(vcpu, 0x10000);
}

static enum vcpu_action trng_get_uuid(struct vcpu *vcpu)
{
    return vendor_uid(vcpu);
}

/* x1 = number of bits wanted; they come in x3 (lowest), x2, x1, each register 32 or 64
 * bits by the call's width. */
static enum vcpu_action trng_rnd(struct vcpu *vcpu)
{
    const struct vm_ports *ports = &vcpu->vm->ports;
    unsigned width = vcpu_reg(vcpu, REG_X0) & SMC64 ? 64 : 32;
    uint64_t want = arg(vcpu, 1);
    uint64_t word[3] = { 0 };

    if (want == 0 || want > 3 * width) {
        return answer(vcpu, -2);
    }
    ports->random(ports->opaque, word, sizeof(word));
    for (unsigned i = 0; i < 3; i++) {
        uint64_t left = want > i * width ? want - i * width : 0;
        uint64_t keep = left < width ? left : width;
        vcpu_set_reg(vcpu, REG_X0 + 3 - i, keep == 0 ? 0 : bits(word[i], 0, (unsigned)keep));
    }
    return answer(vcpu, 0);
}

/* ---- The table ------------------------------------------------------------------------------- */

static enum vcpu_action features(struct vcpu *vcpu);

static const struct call {
    uint32_t function; /* of the SMC32 form */
    bool smc64;        /* there is an SMC64 form too */
    bool plain;        /* see psci_is_plain          */
    call_fn *handler;
} calls[] = {
    { 0x80000000, false, true, smccc_version },
    { 0x80000001, false, true, features }, /* SMCCC_ARCH_FEATURES */
    { 0x84000000, false, true, psci_version },
    { 0x84000001, true, false, psci_cpu_suspend },
    { 0x84000002, false, false, psci_cpu_off },
    { 0x84000003, true, false, psci_cpu_on },
    { 0x84000004, true, false, psci_affinity_info },
    { 0x84000006, false, true, psci_migrate_info_type },
    { 0x84000008, false, false, psci_system_off },
    { 0x84000009, false, false, psci_system_reset },
    { 0x8400000a, false, true, features }, /* PSCI_FEATURES */
    { 0x84000012, true, false, psci_system_reset2 },
    { 0x84000050, false, true, trng_version },
    { 0x84000051, false, true, features }, /* TRNG_FEATURES */
    { 0x84000052, false, true, trng_get_uuid },
    { 0x84000053, true, true, trng_rnd },
    { 0x8600ff01, false, true, vendor_uid },
    { 0x86000001, true, false, vendor_print },
};

static const struct call *find(uint32_t function)
{
    for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (function == calls[i].function ||
            (calls[i].smc64 && function == (calls[i].function | SMC64))) {
            return &calls[i];
        }
    }
    return NULL;
}

/* 0: the function in x1 is there, without flags. */
static enum vcpu_action features(struct vcpu *vcpu)
{
    return answer(vcpu, find((uint32_t)arg(vcpu, 1)) != NULL ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED);
}

enum vcpu_action psci_call(struct vcpu *vcpu)
{
    const struct call *call = find((uint32_t)vcpu_reg(vcpu, REG_X0));

    vcpu->psci_calls++;
    return call != NULL ? call->handler(vcpu) : answer(vcpu, PSCI_NOT_SUPPORTED);
}

bool psci_is_plain(struct vcpu *vcpu)
{
    const struct call *call = find((uint32_t)vcpu_reg(vcpu, REG_X0));

    return call != NULL && call->plain;
}
