/*
 * vgic.c - what is wired up inside the kernel: the GIC, interrupt lines, PMU, stolen time.
 *
 * Linux Documentation/virt/kvm/devices/{arm-vgic,arm-vgic-v3,vcpu}.rst. An ITS is made on request only
 * (vm_config.its): without a device that sends MSIs the guest would see LPIs that nothing uses.
 */
#include "accel/kvm/kvm.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/bits.h"

#define STEAL_BASE   0x090B0000u /* free on both boards */
#define STEAL_SIZE   0x10000u    /* a page of any host  */
#define STEAL_RECORD 64          /* bytes a CPU; DEN 0057, "Stolen time"  */

#ifndef KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ
#define KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ 9 /* Linux 6.16 */
#endif

static uint32_t device_type(unsigned version)
{
    return version == 2 ? KVM_DEV_TYPE_ARM_VGIC_V2 : KVM_DEV_TYPE_ARM_VGIC_V3;
}

bool kvm_gic_offered(int vm_fd, unsigned version)
{
    struct kvm_create_device test = { .type = device_type(version),
                                      .flags = KVM_CREATE_DEVICE_TEST };

    return kvm_call(vm_fd, KVM_CREATE_DEVICE, &test) == 0;
}

static uint64_t window_base(const struct vm *vm, const struct dev_ops *ops)
{
    const struct board_row *row = board_row_of(vm->config.board, vm->config.gic_version, ops);

    return row != NULL ? row->base : 0;
}

/* Base addresses of the windows. */
static int place_gic(const struct vm *vm, int gic)
{
    uint64_t dist = window_base(vm, &gic_dist_ops);
    uint64_t cpu = window_base(vm, &gicv2_cpu_ops);
    /* Redistributor region: count in 63:52, base in 51:16, index in 11:0. */
    uint64_t redist = (uint64_t)vm->config.cpus << 52 | window_base(vm, &gicv3_redist_ops);
    int result;

    if (vm->config.gic_version == 2) {
        result = kvm_attr(gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_DIST, &dist);
        return result < 0
                   ? result
                   : kvm_attr(gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_CPU, &cpu);
    }
    result = kvm_attr(gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist);
    return result < 0 ? result
                      : kvm_attr(gic, KVM_DEV_ARM_VGIC_GRP_ADDR,
                                 KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &redist);
}

enum status kvm_gic_create(struct vm *vm, struct err *err)
{
    struct kvm_vm *k = kvm_of(vm);
    struct kvm_create_device create = { .type = device_type(vm->config.gic_version) };
    uint32_t lines = GIC_LINES, maintenance = PPI_GIC_MAINT;
    int result = kvm_call(k->fd, KVM_CREATE_DEVICE, &create);

    if (result < 0) {
        return kvm_fail(err, "KVM_CREATE_DEVICE (GIC)", result);
    }
    k->gic = (int)create.fd;
    if (k->el2 &&
        (result = kvm_attr(k->gic, KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ, 0, &maintenance)) < 0) {
        return kvm_fail(err, "KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ", result);
    }
    if ((result = place_gic(vm, k->gic)) < 0 ||
        (result = kvm_attr(k->gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &lines)) < 0 ||
        (result = kvm_attr(k->gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL)) <
            0) {
        return kvm_fail(err, "KVM_SET_DEVICE_ATTR (GIC)", result);
    }
    return ST_OK;
}

/* api.rst, "KVM_IRQ_LINE": type in 27:24, the CPU in 23:16 and 31:28, INTID in 15:0. */
void kvm_set_irq(struct vm *vm, unsigned cpu, uint32_t intid, bool level)
{
    uint32_t type = intid < GIC_PRIVATE ? KVM_ARM_IRQ_TYPE_PPI : KVM_ARM_IRQ_TYPE_SPI;
    struct kvm_irq_level line = {
        .irq = type << KVM_ARM_IRQ_TYPE_SHIFT | (cpu & 0xff) << KVM_ARM_IRQ_VCPU_SHIFT | intid,
        .level = level,
    };

    /* Before the GIC is there all lines are low, which it knows. */
    if (kvm_of(vm)->gic >= 0) {
        (void)kvm_call(kvm_of(vm)->fd, KVM_IRQ_LINE, &line);
    }
}

/* ---- Stolen time, PMU ------------------------------------------------------------------------ */

enum status kvm_steal_time_create(struct vm *vm, struct err *err)
{
    struct kvm_vm *k = kvm_of(vm);
    struct kvm_userspace_memory_region region = { .slot = k->slots,
                                                  .guest_phys_addr = STEAL_BASE,
                                                  .memory_size = STEAL_SIZE };
    int result;

    if (!k->steal_time) {
        return ST_OK;
    }
    if (k->steal == NULL) {
        k->steal = vm->ports.ram_alloc(vm->ports.opaque, STEAL_SIZE);
        if (k->steal == NULL) {
            return err_set(err, ST_E_NOMEM, MSG_NO_HOST_MEMORY);
        }
    }
    region.userspace_addr = (uint64_t)(uintptr_t)k->steal;
    result = kvm_call(k->fd, KVM_SET_USER_MEMORY_REGION, &region);
    return result < 0 ? kvm_fail(err, "KVM_SET_USER_MEMORY_REGION (PVTIME)", result) : ST_OK;
}

enum status kvm_vcpu_extras(struct vcpu *vcpu, struct err *err)
{
    const struct kvm_vm *k = kvm_of(vcpu->vm);
    int fd = kvm_cpu_of(vcpu)->fd;
    uint64_t steal = STEAL_BASE + (uint64_t)STEAL_RECORD * vcpu->index;
    int pmu_irq = PPI_PMU;
    int result;

    if (k->steal_time &&
        (result = kvm_attr(fd, KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PVTIME_IPA, &steal)) < 0) {
        return kvm_fail(err, "KVM_ARM_VCPU_PVTIME_IPA", result);
    }
    if (k->pmu &&
        ((result = kvm_attr(fd, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_IRQ, &pmu_irq)) < 0 ||
         (result = kvm_attr(fd, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_INIT, NULL)) < 0)) {
        return kvm_fail(err, "KVM_ARM_VCPU_PMU_V3_INIT", result);
    }
    return ST_OK;
}
