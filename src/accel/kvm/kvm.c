/*
 * kvm.c - Linux's KVM on ARM64 as a back end: accel.h's contract.
 *
 * Inside the kernel: the GIC, the generic timer, PSCI, WFI and WFE. Left to us: devices (KVM_EXIT_MMIO,
 * and by decoding the instruction KVM_EXIT_ARM_NISV), hypercalls where the kernel hands them out
 * (KVM_ARM_VM_SMCCC_FILTER, Linux 6.4), power-off and reset. A reboot makes the VM anew, which is
 * the one sure way to a GIC as after power-on.
 */
#include "accel/kvm/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/fmt.h"

#define DEFAULT_IPA 40 /* what VM type 0 stands for */

/* Linux 6.4's uapi; the headers of a build machine may be older. */
#ifndef KVM_ARM_VM_SMCCC_CTRL
#define KVM_ARM_VM_SMCCC_CTRL   0
#define KVM_ARM_VM_SMCCC_FILTER 0
enum kvm_smccc_filter_action {
    KVM_SMCCC_FILTER_HANDLE,
    KVM_SMCCC_FILTER_DENY,
    KVM_SMCCC_FILTER_FWD_TO_USER
};
struct kvm_smccc_filter {
    uint32_t base, nr_functions;
    uint8_t action, pad[15];
};
#endif

/* ---- System calls ---------------------------------------------------------------------------- */

int kvm_call(int fd, unsigned long request, void *arg)
{
    int result;

    do {
        result = ioctl(fd, request, arg);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
}

int kvm_call_number(int fd, unsigned long request, unsigned long arg)
{
    int result = ioctl(fd, request, arg);

    return result < 0 ? -errno : result;
}

int kvm_extension(int fd, unsigned long extension)
{
    int value = kvm_call_number(fd, KVM_CHECK_EXTENSION, extension);

    return value < 0 ? 0 : value;
}

void kvm_error_text(int error, char *buf, size_t size)
{
    if (strerror_r(error, buf, size) != 0) {
        fmt_format(buf, size, "errno %d", error);
    }
}

enum status kvm_fail(struct err *err, const char *what, int error)
{
    char why[80];

    kvm_error_text(error < 0 ? -error : error, why, sizeof(why));
    return err_set(err, ST_E_NOTSUP, MSG_KVM_CALL, what, why);
}

int kvm_attr(int fd, uint32_t group, uint64_t attr, const void *value)
{
    struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uint64_t)(uintptr_t)value };

    return kvm_call(fd, KVM_SET_DEVICE_ATTR, &a);
}

/* ---- The device ------------------------------------------------------------------------------- */

unsigned kvm_ipa_bits(int dev)
{
    int bits = kvm_extension(dev, KVM_CAP_ARM_VM_IPA_SIZE);

    return bits != 0 ? (unsigned)bits : DEFAULT_IPA;
}

unsigned long kvm_vm_type(int dev)
{
    unsigned bits = kvm_ipa_bits(dev);

    return bits >= DEFAULT_IPA ? 0 : KVM_VM_TYPE_ARM_IPA_SIZE(bits);
}

static enum status open_dev(int *dev, struct err *err)
{
    *dev = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);
    return *dev < 0 ? kvm_fail(err, KVM_DEVICE, errno) : ST_OK;
}

/* ---- The VM ---------------------------------------------------------------------------------- */

/*
 * Calls of the hypervisor's vendor are ours: KVM's own functions there would answer to our numbers.
 * An older kernel keeps all calls to itself; then the guest's greeting by HVC is not heard.
 */
static void forward_hypercalls(int fd)
{
    struct kvm_smccc_filter filter = { .base = 0x86000000,
                                       .nr_functions = 0x10000,
                                       .action = KVM_SMCCC_FILTER_FWD_TO_USER };

    (void)kvm_attr(fd, KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER, &filter);
}

bool kvm_filters_calls(int vm_fd)
{
    struct kvm_device_attr a = { .group = KVM_ARM_VM_SMCCC_CTRL, .attr = KVM_ARM_VM_SMCCC_FILTER };

    return kvm_call(vm_fd, KVM_HAS_DEVICE_ATTR, &a) == 0;
}

/* Accesses without a syndrome come to us instead of ending KVM_RUN with an error (Linux 5.5). */
static void ask_for_nisv(int fd)
{
    struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_NISV_TO_USER };

    (void)kvm_call(fd, KVM_ENABLE_CAP, &cap);
}

/* What the guest's CPUs get: all that the kernel offers but for what --cpu switches off; EL2 only when asked for. */
static void choose_features(struct kvm_vm *k, const struct vm_config *config)
{
    k->sve = kvm_extension(k->fd, KVM_CAP_ARM_SVE) != 0 && (config->host_off & ACCEL_SVE) == 0;
    k->pmu = kvm_extension(k->fd, KVM_CAP_ARM_PMU_V3) != 0 &&
             (config->features_off & BIT(A64_FEAT_PMU)) == 0;
    k->pauth = kvm_extension(k->fd, KVM_CAP_ARM_PTRAUTH_ADDRESS) != 0 &&
               kvm_extension(k->fd, KVM_CAP_ARM_PTRAUTH_GENERIC) != 0 &&
               (config->features_off & BIT(A64_FEAT_PAUTH)) == 0;
    k->el2 = kvm_extension(k->fd, KVM_CAP_ARM_EL2) != 0 && (config->host_on & ACCEL_EL2) != 0;
    k->steal_time =
        kvm_extension(k->fd, KVM_CAP_STEAL_TIME) != 0 && (config->host_off & ACCEL_STEAL) == 0;
}

static enum status vm_open(struct kvm_vm *k, const struct vm_config *config, struct err *err)
{
    k->fd = kvm_call_number(k->dev, KVM_CREATE_VM, kvm_vm_type(k->dev));
    if (k->fd < 0) {
        return kvm_fail(err, "KVM_CREATE_VM", k->fd);
    }
    k->gic = k->its = -1;
    k->slots = 0;
    choose_features(k, config);
    k->ext_dabt = kvm_extension(k->fd, KVM_CAP_ARM_INJECT_EXT_DABT) != 0;
    ask_for_nisv(k->fd);
    forward_hypercalls(k->fd);
    return ST_OK;
}

static enum status kvm_vm_create(struct vm *vm, struct err *err)
{
    struct kvm_vm *k = vm->ports.alloc(vm->ports.opaque, sizeof(*k), 64);
    enum status st;

    if (k == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_NO_HOST_MEMORY);
    }
    st = open_dev(&k->dev, err);
    if (st == ST_OK) {
        k->run_bytes = (size_t)kvm_call_number(k->dev, KVM_GET_VCPU_MMAP_SIZE, 0);
        st = vm_open(k, &vm->config, err);
        if (st != ST_OK) {
            close(k->dev);
        }
    }
    if (st != ST_OK) {
        vm->ports.free(vm->ports.opaque, k, sizeof(*k));
        return st;
    }
    kvm_catch_kick();
    vm->accel_state = k;
    return ST_OK;
}

static void vm_close(struct kvm_vm *k)
{
    if (k->its >= 0) {
        close(k->its);
    }
    if (k->gic >= 0) {
        close(k->gic);
    }
    close(k->fd);
}

static void kvm_vm_destroy(struct vm *vm)
{
    struct kvm_vm *k = kvm_of(vm);

    vm_close(k);
    close(k->dev);
    if (k->steal != NULL) {
        vm->ports.ram_free(vm->ports.opaque, k->steal, 0x10000);
    }
    vm->ports.free(vm->ports.opaque, k, sizeof(*k));
    vm->accel_state = NULL;
}

/* The order is KVM's: vCPUs, then the GIC that knows how many there are, then what uses its interrupts. */
static enum status kvm_vm_ready(struct vm *vm, struct err *err)
{
    enum status st = kvm_gic_create(vm, err);

    if (st == ST_OK) {
        st = kvm_its_create(vm, err);
    }
    if (st == ST_OK) {
        st = kvm_steal_time_create(vm, err);
    }
    for (unsigned i = 0; st == ST_OK && i < vm->config.cpus; i++) {
        st = kvm_vcpu_extras(&vm->vcpu[i], err);
    }
    return st;
}

static enum status kvm_vm_reset(struct vm *vm, struct err *err)
{
    struct kvm_vm *k = kvm_of(vm);
    enum status st;

    for (unsigned i = 0; i < vm->config.cpus; i++) {
        kvm_vcpu_close(&vm->vcpu[i]);
    }
    vm_close(k);
    st = vm_open(k, &vm->config, err);
    for (unsigned i = 0; st == ST_OK && i < vm->mem.count; i++) {
        st = kvm_ram_map(vm, &vm->mem.slot[i], err);
    }
    for (unsigned i = 0; st == ST_OK && i < vm->config.cpus; i++) {
        st = kvm_vcpu_open(&vm->vcpu[i], err);
    }
    return st == ST_OK ? kvm_vm_ready(vm, err) : st;
}

/* ---- The rest of the contract ---------------------------------------------------------------- */

/* Interrupts reach the CPUs through the kernel's GIC alone. */
static void kvm_set_lines(struct vcpu *vcpu, bool irq, bool fiq) {}

/* Guests fetch through their own instruction caches: what the host wrote must be in memory. */
static void kvm_invalidate_code(struct vm *vm, uint64_t ipa, uint64_t len)
{
    struct span span;

    if (guest_mem_span(&vm->mem, ipa, len, false, &span) == ST_OK) {
        __builtin___clear_cache((char *)span.host, (char *)span.host + span.len);
    }
}

static void kvm_stats(struct vcpu *vcpu, struct accel_stats *stats)
{
    memset(stats, 0, sizeof(*stats));
}

const struct accel_ops accel_kvm = {
    .name = "kvm",
    .what = "KVM",
    .probe = kvm_probe,
    .vm_create = kvm_vm_create,
    .vm_destroy = kvm_vm_destroy,
    .ram_map = kvm_ram_map,
    .vcpu_create = kvm_vcpu_create,
    .vcpu_destroy = kvm_vcpu_destroy,
    .vcpu_start = kvm_vcpu_start,
    .run = kvm_vcpu_run,
    .kick = kvm_vcpu_kick,
    .set_lines = kvm_set_lines,
    .get_reg = kvm_get_reg,
    .set_reg = kvm_set_reg,
    .translate = vcpu_translate,
    .invalidate_code = kvm_invalidate_code,
    .stats = kvm_stats,
    .vm_ready = kvm_vm_ready,
    .vm_reset = kvm_vm_reset,
    .set_irq = kvm_set_irq,
    .set_debug = kvm_set_debug,
    .dirty_log = kvm_dirty_log,
    .dirty_get = kvm_dirty_get,
    .irq_event = kvm_irq_event,
    .mmio_event = kvm_mmio_event,
    .send_msi = kvm_send_msi,
};
