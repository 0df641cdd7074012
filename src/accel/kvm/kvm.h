/*
 * kvm.h - what the files of the KVM back end share with one another only.
 *
 *   kvm.c    the contract's table, the VM, memory
 *   probe.c  what there is on this host
 *   vcpu.c   a vCPU: made, started, run, interrupted
 *   regs.c   registers by the one-reg interface
 *   memory.c slots, and which pages were written
 *   vgic.c   the GIC in the kernel, interrupt wires, steal time, PMU
 *   events.c eventfds in place of exits; the ITS
 *   debug.c  a debugger's step, breakpoints, watchpoints
 *
 * The interface is that of Linux's Documentation/virt/kvm/api.rst and .../devices.
 */
#ifndef KVM_BACKEND_H
#define KVM_BACKEND_H

#include <linux/kvm.h>

#include "vm.h"

#define KVM_DEVICE   "/dev/kvm"
#define KVM_ITS_BASE 0x08080000u /* of both boards; 128 KiB */

/* Linux 6.16's uapi; the headers of a build machine may be older. */
#ifndef KVM_CAP_ARM_EL2
#define KVM_CAP_ARM_EL2      240
#define KVM_ARM_VCPU_HAS_EL2 7
#endif

struct kvm_vm {
    int dev, fd;  /* /dev/kvm, and the VM */
    int gic, its; /* -1: not made         */
    unsigned slots;
    uint64_t slot_base[VM_SLOTS_MAX]; /* by the kernel's number */
    bool dirty_log;
    size_t run_bytes;                      /* of the area shared with the kernel, per vCPU */
    bool sve, pmu, pauth, el2, steal_time; /* the guest's CPUs have it */
    bool ext_dabt;
    uint8_t *steal; /* one record a CPU; NULL: the host counts no stolen time */
};

struct kvm_cpu {
    int fd;
    _Atomic int thread; /* 0: has not run yet */
    struct kvm_run *run;
    int start_error; /* errno of a vcpu_start that failed: run says it */
    bool sve;
};

static inline struct kvm_vm *kvm_of(const struct vm *vm)
{
    return vm->accel_state;
}

static inline struct kvm_cpu *kvm_cpu_of(const struct vcpu *vcpu)
{
    return vcpu->accel_state;
}

/* ioctl again while it is interrupted; -errno on failure. */
int kvm_call(int fd, unsigned long request, void *arg);
int kvm_call_number(int fd, unsigned long request, unsigned long arg);
/* KVM_CHECK_EXTENSION; 0 if it is not there. */
int kvm_extension(int fd, unsigned long extension);
/* The system's words for an errno. */
void kvm_error_text(int error, char *buf, size_t size);
/* Fills err: what could not be done, and errno. */
enum status kvm_fail(struct err *err, const char *what, int error);
/* Bits of guest physical address. */
unsigned kvm_ipa_bits(int dev);
/* What KVM_CREATE_VM takes: 0 for 40 bits, else what there is. */
unsigned long kvm_vm_type(int dev);
/* One attribute of a device, VM or vCPU. */
int kvm_attr(int fd, uint32_t group, uint64_t attr, const void *value);

/* ---- kvm.c ----------------------------------------------------------------------------------- */

/* Can hypercalls be kept from the kernel (Linux 6.4)? */
bool kvm_filters_calls(int vm_fd);

/* ---- probe.c --------------------------------------------------------------------------------- */

void kvm_probe(struct accel_caps *caps, struct diagnosis *diagnosis);

/* ---- vcpu.c ---------------------------------------------------------------------------------- */

enum status kvm_vcpu_create(struct vcpu *vcpu, struct err *err);
void kvm_vcpu_destroy(struct vcpu *vcpu);
/* The kernel's half of a vCPU: in a VM that was just made. */
enum status kvm_vcpu_open(struct vcpu *vcpu, struct err *err);
void kvm_vcpu_close(struct vcpu *vcpu);
void kvm_vcpu_start(struct vcpu *vcpu, const struct vcpu_start *start);
void kvm_vcpu_run(struct vcpu *vcpu, struct vcpu_exit *exit);
void kvm_vcpu_kick(struct vcpu *vcpu);
/* Once per process: the signal that ends KVM_RUN. */
void kvm_catch_kick(void);

/* ---- regs.c ---------------------------------------------------------------------------------- */

enum status kvm_get_reg(struct vcpu *vcpu, uint32_t reg, uint64_t *value);
enum status kvm_set_reg(struct vcpu *vcpu, uint32_t reg, uint64_t value);

/* ---- vgic.c ---------------------------------------------------------------------------------- */

bool kvm_gic_offered(int vm_fd, unsigned version);
enum status kvm_gic_create(struct vm *vm, struct err *err);
void kvm_set_irq(struct vm *vm, unsigned cpu, uint32_t intid, bool level);
enum status kvm_steal_time_create(struct vm *vm, struct err *err);
/* The vCPU's PMU and stolen time; the GIC is there. */
enum status kvm_vcpu_extras(struct vcpu *vcpu, struct err *err);

/* ---- memory.c -------------------------------------------------------------------------------- */

enum status kvm_ram_map(struct vm *vm, const struct mem_slot *slot, struct err *err);
enum status kvm_dirty_log(struct vm *vm, bool on, struct err *err);
enum status kvm_dirty_get(struct vm *vm, const struct mem_slot *slot, uint64_t *bitmap,
                          struct err *err);

/* ---- events.c -------------------------------------------------------------------------------- */

enum status kvm_irq_event(struct vm *vm, intptr_t event, intptr_t resample, uint32_t intid,
                          bool on);
enum status kvm_mmio_event(struct vm *vm, intptr_t event, uint64_t ipa, unsigned size,
                           const uint64_t *value, bool on);
bool kvm_its_offered(int vm_fd);
/* If the machine is to have one; the GIC is there. */
enum status kvm_its_create(struct vm *vm, struct err *err);
enum status kvm_send_msi(struct vm *vm, uint64_t address, uint32_t data, uint32_t device);

/* ---- debug.c --------------------------------------------------------------------------------- */

enum status kvm_set_debug(struct vcpu *vcpu, const struct accel_debug *debug);
/* KVM_EXIT_DEBUG in our form. */
bool kvm_debug_exit(struct vcpu *vcpu, struct vcpu_exit *exit);

#endif
