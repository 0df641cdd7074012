/*
 * vcpu.c - a KVM vCPU: made, started, run to its next exit, interrupted.
 *
 * A kick sets the pending word, then immediate_exit, then sends the thread a signal whose handler
 * does nothing. KVM_RUN returns at once if it finds immediate_exit set, and EINTR if the signal comes
 * later; the thread clears immediate_exit before it looks at the pending word. So no kick is lost.
 */
#include "accel/kvm/kvm.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/esr.h"
#include "base/bits.h"
#include "base/fmt.h"

#define KICK_SIGNAL  SIGUSR1
#define PSTATE_START 0x3c5 /* EL1h, D A I F masked */
#define PSTATE_EL2   0x3c9 /* EL2h                 */

/* Linux 6.4's uapi; the headers of a build machine may be older. */
#ifndef KVM_HYPERCALL_EXIT_SMC
#define KVM_HYPERCALL_EXIT_SMC (1u << 0)
#endif

/* ---- Kick ------------------------------------------------------------------------------------ */

static void kick_handler(int number)
{
    (void)number;
}

void kvm_catch_kick(void)
{
    struct sigaction action = { .sa_handler = kick_handler }; /* no SA_RESTART: it must interrupt */

    sigaction(KICK_SIGNAL, &action, NULL);
}

/* The shell's threads take no signals; this one must take ours. */
static int accept_kicks(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, KICK_SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return (int)syscall(SYS_gettid);
}

static void set_immediate_exit(struct kvm_cpu *c, uint8_t value)
{
    __atomic_store_n(&c->run->immediate_exit, value, __ATOMIC_SEQ_CST);
}

void kvm_vcpu_kick(struct vcpu *vcpu)
{
    struct kvm_cpu *c = kvm_cpu_of(vcpu);
    int thread;

    atomic_fetch_or(vcpu->pending, PEND_KICK);
    if (c == NULL || c->run == NULL) {
        return;
    }
    set_immediate_exit(c, 1);
    thread = atomic_load(&c->thread);
    if (thread != 0) {
        syscall(SYS_tgkill, getpid(), thread, KICK_SIGNAL);
    }
}

/* ---- Making ---------------------------------------------------------------------------------- */

static void add_feature(struct kvm_vcpu_init *init, unsigned bit)
{
    init->features[bit / 32] |= 1u << bit % 32;
}

/* The host's own CPU with what choose_features chose; also an architectural reset. */
static int init_vcpu(struct vcpu *vcpu)
{
    const struct kvm_vm *k = kvm_of(vcpu->vm);
    struct kvm_vcpu_init init;
    int result = kvm_call(k->fd, KVM_ARM_PREFERRED_TARGET, &init);

    if (result < 0) {
        return result;
    }
    add_feature(&init, KVM_ARM_VCPU_PSCI_0_2);
    if (vcpu->index != 0) {
        add_feature(&init, KVM_ARM_VCPU_POWER_OFF);
    }
    if (k->pmu) {
        add_feature(&init, KVM_ARM_VCPU_PMU_V3);
    }
    if (k->sve) {
        add_feature(&init, KVM_ARM_VCPU_SVE);
    }
    if (k->el2) {
        add_feature(&init, KVM_ARM_VCPU_HAS_EL2);
    }
    if (k->pauth) {
        add_feature(&init, KVM_ARM_VCPU_PTRAUTH_ADDRESS);
        add_feature(&init, KVM_ARM_VCPU_PTRAUTH_GENERIC);
    }
    return kvm_call(kvm_cpu_of(vcpu)->fd, KVM_ARM_VCPU_INIT, &init);
}

enum status kvm_vcpu_open(struct vcpu *vcpu, struct err *err)
{
    const struct kvm_vm *k = kvm_of(vcpu->vm);
    struct kvm_cpu *c = kvm_cpu_of(vcpu);
    int sve = KVM_ARM_VCPU_SVE;
    int result = kvm_call_number(k->fd, KVM_CREATE_VCPU, vcpu->index);

    atomic_store(&c->thread, 0); /* threads are made anew for each boot */
    c->fd = result;
    if (result < 0) {
        return kvm_fail(err, "KVM_CREATE_VCPU", result);
    }
    c->run = mmap(NULL, k->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
    if (c->run == MAP_FAILED) {
        c->run = NULL;
        return kvm_fail(err, "mmap (struct kvm_run)", errno);
    }
    if ((result = init_vcpu(vcpu)) < 0) {
        return kvm_fail(err, "KVM_ARM_VCPU_INIT", result);
    }
    c->sve = k->sve;
    if (k->sve && (result = kvm_call(c->fd, KVM_ARM_VCPU_FINALIZE, &sve)) < 0) {
        return kvm_fail(err, "KVM_ARM_VCPU_FINALIZE (SVE)", result);
    }
    return ST_OK;
}

void kvm_vcpu_close(struct vcpu *vcpu)
{
    struct kvm_cpu *c = kvm_cpu_of(vcpu);

    if (c->run != NULL) {
        munmap(c->run, kvm_of(vcpu->vm)->run_bytes);
        c->run = NULL;
    }
    if (c->fd >= 0) {
        close(c->fd);
        c->fd = -1;
    }
}

enum status kvm_vcpu_create(struct vcpu *vcpu, struct err *err)
{
    const struct vm_ports *ports = &vcpu->vm->ports;
    enum status st;

    vcpu->accel_state = ports->alloc(ports->opaque, sizeof(struct kvm_cpu), 64);
    if (vcpu->accel_state == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_NO_HOST_MEMORY);
    }
    st = kvm_vcpu_open(vcpu, err);
    if (st != ST_OK) {
        kvm_vcpu_destroy(vcpu);
    }
    return st;
}

void kvm_vcpu_destroy(struct vcpu *vcpu)
{
    const struct vm_ports *ports = &vcpu->vm->ports;

    kvm_vcpu_close(vcpu);
    ports->free(ports->opaque, vcpu->accel_state, sizeof(struct kvm_cpu));
    vcpu->accel_state = NULL;
}

void kvm_vcpu_start(struct vcpu *vcpu, const struct vcpu_start *start)
{
    struct kvm_cpu *c = kvm_cpu_of(vcpu);
    int result = init_vcpu(vcpu);

    c->start_error = result < 0 ? -result : 0;
    if (start->off || result < 0) {
        return; /* the kernel's PSCI fills the registers in */
    }
    for (unsigned i = 0; i < 4; i++) {
        vcpu_set_reg(vcpu, REG_X0 + i, start->x[i]);
    }
    vcpu_set_reg(vcpu, REG_PSTATE, kvm_of(vcpu->vm)->el2 ? PSTATE_EL2 : PSTATE_START);
    vcpu_set_reg(vcpu, REG_SP_EL1, start->sp);
    vcpu_set_reg(vcpu, REG_PC, start->pc);
}

/* ---- Exits ----------------------------------------------------------------------------------- */

static bool fail(struct vcpu_exit *exit, const char *what, uint64_t number)
{
    exit->kind = EXIT_FAIL;
    fmt_format(exit->fail.text, sizeof(exit->fail.text), "KVM: %s (0x%llx)", what,
               (unsigned long long)number);
    return true;
}

/*
 * Nothing answers there: an external abort, as on the hardware. For an access that KVM has decoded
 * it then forgets the access instead of completing it.
 */
static bool inject_abort(struct vcpu *vcpu, struct vcpu_exit *exit, uint64_t ipa)
{
    struct kvm_vcpu_events events;
    int fd = kvm_cpu_of(vcpu)->fd;

    if (!kvm_of(vcpu->vm)->ext_dabt) {
        return fail(exit, "access to an address where nothing is", ipa);
    }
    memset(&events, 0, sizeof(events));
    events.exception.ext_dabt_pending = 1;
    int result = kvm_call(fd, KVM_SET_VCPU_EVENTS, &events);
    return result < 0 ? fail(exit, "KVM_SET_VCPU_EVENTS", (uint64_t)-result) : false;
}

static bool exit_mmio(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    struct kvm_run *run = kvm_cpu_of(vcpu)->run;
    uint64_t ipa = run->mmio.phys_addr;
    uint64_t value = 0;
    bool there;

    if (run->mmio.is_write) {
        memcpy(&value, run->mmio.data, run->mmio.len);
        there = vm_mmio_write(vcpu, ipa, run->mmio.len, value);
    } else {
        there = vm_mmio_read(vcpu, ipa, run->mmio.len, &value);
        memcpy(run->mmio.data, &value, run->mmio.len);
    }
    return there ? false : inject_abort(vcpu, exit, ipa);
}

static bool exit_nisv(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    uint64_t ipa = kvm_cpu_of(vcpu)->run->arm_nisv.fault_ipa;
    uint64_t pc = vcpu_reg(vcpu, REG_PC), at;
    uint32_t word;

    if (vcpu_translate(vcpu, pc, &at) != ST_OK ||
        guest_mem_read(&vcpu->vm->mem, at, &word, sizeof(word)) != ST_OK) {
        return fail(exit, "the instruction that accessed a device cannot be read", pc);
    }
    switch (vcpu_mmio_insn(vcpu, word, ipa)) {
    case MMIO_INSN_DONE: return false;
    case MMIO_INSN_ABSENT: return inject_abort(vcpu, exit, ipa);
    default: return fail(exit, "an instruction that cannot be done on a device", word);
    }
}

static bool exit_event(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    uint32_t type = kvm_cpu_of(vcpu)->run->system_event.type;

    if (type != KVM_SYSTEM_EVENT_SHUTDOWN && type != KVM_SYSTEM_EVENT_RESET) {
        return fail(exit, "system event", type);
    }
    exit->kind = EXIT_POWER;
    exit->power.reset = type == KVM_SYSTEM_EVENT_RESET;
    return true;
}

/*
 * A call that the filter forwards. PC is behind the instruction, where SMC's handler does not expect
 * it. The flags share their place with `longmode`, which also older headers have.
 */
static bool exit_hypercall(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    bool smc = (kvm_cpu_of(vcpu)->run->hypercall.longmode & KVM_HYPERCALL_EXIT_SMC) != 0;

    if (smc) {
        vcpu_set_reg(vcpu, REG_PC, vcpu_reg(vcpu, REG_PC) - 4);
    }
    exit->kind = EXIT_SYNDROME;
    exit->syndrome.esr = esr_make(smc ? EC_SMC64 : EC_HVC64, 0);
    exit->syndrome.far_va = exit->syndrome.ipa = 0;
    return true;
}

/* True: run returns with exit; false: on with the guest. */
static bool handle(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    const struct kvm_run *run = kvm_cpu_of(vcpu)->run;

    switch (run->exit_reason) {
    case KVM_EXIT_MMIO: return exit_mmio(vcpu, exit);
    case KVM_EXIT_ARM_NISV: return exit_nisv(vcpu, exit);
    case KVM_EXIT_SYSTEM_EVENT: return exit_event(vcpu, exit);
    case KVM_EXIT_HYPERCALL: return exit_hypercall(vcpu, exit);
    case KVM_EXIT_DEBUG:
        return kvm_debug_exit(vcpu, exit) ||
               fail(exit, "debug exception of a class that nobody expects", run->debug.arch.hsr);
    case KVM_EXIT_INTR: return false;
    case KVM_EXIT_FAIL_ENTRY:
        return fail(exit, "the hardware refused to enter the guest",
                    run->fail_entry.hardware_entry_failure_reason);
    case KVM_EXIT_INTERNAL_ERROR: return fail(exit, "internal error", run->internal.suberror);
    default: return fail(exit, "exit that nobody expects", run->exit_reason);
    }
}

void kvm_vcpu_run(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    struct kvm_cpu *c = kvm_cpu_of(vcpu);

    exit->kind = EXIT_NONE;
    if (c->start_error != 0) {
        fail(exit, "KVM_ARM_VCPU_INIT", (uint64_t)c->start_error);
        return;
    }
    if (atomic_load(&c->thread) == 0) {
        atomic_store(&c->thread, accept_kicks());
    }
    for (;;) {
        set_immediate_exit(c, 0);
        if (atomic_fetch_and(vcpu->pending, ~(uint32_t)PEND_KICK) & PEND_KICK) {
            return;
        }
        if (ioctl(c->fd, KVM_RUN, 0) < 0) {
            if (errno != EINTR && errno != EAGAIN) {
                fail(exit, "KVM_RUN", (uint64_t)errno);
                return;
            }
        } else if (handle(vcpu, exit)) {
            return;
        }
    }
}
