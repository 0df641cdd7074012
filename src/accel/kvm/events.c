/*
 * events.c - devices without an exit: interrupts and stores that are signals on eventfds, messages to the ITS.
 *
 * api.rst, "KVM_IRQFD", "KVM_IOEVENTFD", "KVM_SIGNAL_MSI". Without a routing table of our own the kernel routes GSI n to SPI n
 * (virt/kvm/arm/vgic/vgic-irqfd.c: the default one is made with the GIC).
 */
#include "accel/kvm/kvm.h"

#include <errno.h>

enum status kvm_irq_event(struct vm *vm, intptr_t event, intptr_t resample, uint32_t intid, bool on)
{
    struct kvm_irqfd irqfd = {
        .fd = (uint32_t)event,
        .gsi = intid - GIC_PRIVATE,
        .flags = (on ? 0 : KVM_IRQFD_FLAG_DEASSIGN) |
                 (on && resample >= 0 ? KVM_IRQFD_FLAG_RESAMPLE : 0),
        .resamplefd = resample >= 0 ? (uint32_t)resample : 0,
    };

    if (intid < GIC_PRIVATE) {
        return ST_E_INVAL;
    }
    return kvm_call(kvm_of(vm)->fd, KVM_IRQFD, &irqfd) < 0 ? ST_E_NOTSUP : ST_OK;
}

enum status kvm_mmio_event(struct vm *vm, intptr_t event, uint64_t ipa, unsigned size,
                           const uint64_t *value, bool on)
{
    struct kvm_ioeventfd e = {
        .addr = ipa,
        .len = size,
        .fd = (int32_t)event,
        .datamatch = value != NULL ? *value : 0,
        .flags = (value != NULL ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0) |
                 (on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN),
    };
    int result = kvm_call(kvm_of(vm)->fd, KVM_IOEVENTFD, &e);

    return result == -EEXIST ? ST_E_STATE : result < 0 ? ST_E_NOTSUP : ST_OK;
}

/* ---- ITS ------------------------------------------------------------------------------------- */

bool kvm_its_offered(int vm_fd)
{
    struct kvm_create_device test = { .type = KVM_DEV_TYPE_ARM_VGIC_ITS,
                                      .flags = KVM_CREATE_DEVICE_TEST };

    return kvm_call(vm_fd, KVM_CREATE_DEVICE, &test) == 0;
}

/* The GIC is there. The window is where both boards have room for it (docs, "The machine"). */
enum status kvm_its_create(struct vm *vm, struct err *err)
{
    struct kvm_vm *k = kvm_of(vm);
    struct kvm_create_device create = { .type = KVM_DEV_TYPE_ARM_VGIC_ITS };
    uint64_t base = KVM_ITS_BASE;
    int result;

    if (!vm->config.its || vm->config.gic_version != 3) {
        return ST_OK;
    }
    result = kvm_call(k->fd, KVM_CREATE_DEVICE, &create);
    if (result < 0) {
        return kvm_fail(err, "KVM_CREATE_DEVICE (ITS)", result);
    }
    k->its = (int)create.fd;
    if ((result = kvm_attr(k->its, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &base)) < 0 ||
        (result = kvm_attr(k->its, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL)) <
            0) {
        return kvm_fail(err, "KVM_SET_DEVICE_ATTR (ITS)", result);
    }
    return ST_OK;
}

enum status kvm_send_msi(struct vm *vm, uint64_t address, uint32_t data, uint32_t device)
{
    struct kvm_msi msi = { .address_lo = (uint32_t)address,
                           .address_hi = (uint32_t)(address >> 32),
                           .data = data,
                           .flags = KVM_MSI_VALID_DEVID,
                           .devid = device };

    return kvm_call(kvm_of(vm)->fd, KVM_SIGNAL_MSI, &msi) > 0 ? ST_OK : ST_E_NOENT;
}
