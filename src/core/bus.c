/*
 * bus.c - from a guest physical address to the device that answers.
 *
 * The bus checks base + size, width and alignment, holds the device's lock, and asks for the
 * device's next deadline afterwards. What an access to nothing means is decided by the caller; an
 * unknown register reads as zero.
 */
#include "vm.h"

#include "base/bits.h"
#include "core/internal.h"

enum status bus_add(struct bus *bus, struct dev *dev)
{
    unsigned at = 0;

    if (bus->count == VM_DEVS_MAX) {
        return ST_E_FULL;
    }
    for (unsigned i = 0; i < bus->count; i++) {
        if (range_overlap(bus->dev[i]->base, bus->dev[i]->size, dev->base, dev->size)) {
            return ST_E_INVAL;
        }
        at += bus->dev[i]->base < dev->base;
    }
    for (unsigned i = bus->count; i > at; i--) {
        bus->dev[i] = bus->dev[i - 1];
    }
    bus->dev[at] = dev;
    bus->count++;
    return ST_OK;
}

struct dev *bus_find(const struct bus *bus, uint64_t ipa, unsigned size)
{
    unsigned lo = 0;
    unsigned hi = bus->count;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        struct dev *dev = bus->dev[mid];
        if (range_inside(ipa, size, dev->base, dev->size)) {
            return dev;
        }
        if (ipa < dev->base) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return NULL;
}

/* Tells the shell's observer of an access, in the form that back ends without a bus of
 * their own use. */
static void observe(struct vcpu *vcpu, uint64_t ipa, unsigned size, bool write, uint64_t value)
{
    const struct vm_ports *ports = &vcpu->vm->ports;

    if (ports->on_exit != NULL) {
        struct vcpu_exit exit = { .kind = EXIT_MMIO };
        exit.mmio.ipa = ipa;
        exit.mmio.size = (uint8_t)size;
        exit.mmio.write = write;
        exit.mmio.value = value;
        ports->on_exit(ports->opaque, vcpu, &exit);
    }
}

static void unknown(struct vcpu *vcpu, const struct dev *dev, uint64_t offset, unsigned size,
                    bool write)
{
    vcpu->mmio_unknown++;
    log_line(&vcpu->vm->ports.log, LOG_DEBUG, dev->ops->name,
             "%s of %u bytes at unknown register 0x%llx", write ? "write" : "read", size,
             (unsigned long long)offset);
}

static enum mmio_result access(struct vcpu *vcpu, struct dev *dev, uint64_t offset, unsigned size,
                               bool write, uint64_t *value)
{
    enum mmio_result result;

    if ((dev->ops->access_sizes & size) == 0 || !is_aligned(offset, size)) {
        return MMIO_UNKNOWN;
    }
    if (!dev->ops->self_locked) {
        lock_acquire(&dev->lock);
    }
    if (write) {
        result = dev->ops->write(dev, vcpu->index, offset, size, *value);
    } else {
        result = dev->ops->read(dev, vcpu->index, offset, size, value);
    }
    dev_rearm(vcpu->vm, dev);
    if (!dev->ops->self_locked) {
        lock_release(&dev->lock);
    }
    return result;
}

/* Nobody is there. Like a flash chip without a command for it, ROM ignores a write. */
static bool absent(struct vcpu *vcpu, uint64_t ipa, unsigned size, bool write)
{
    const struct vm_ports *ports = &vcpu->vm->ports;

    vcpu->mmio_unknown++;
    return ports->absent != NULL ? ports->absent(ports->opaque, vcpu, ipa, size, write)
                                 : write && guest_mem_slot(&vcpu->vm->mem, ipa) != NULL;
}

/* bus_find, which is seldom asked for another device than the last time. */
static struct dev *find(struct vcpu *vcpu, uint64_t ipa, unsigned size)
{
    struct dev *dev = vcpu->mmio_last;

    if (dev == NULL || !range_inside(ipa, size, dev->base, dev->size)) {
        dev = bus_find(&vcpu->vm->bus, ipa, size);
        vcpu->mmio_last = dev;
    }
    return dev;
}

bool vm_mmio_read(struct vcpu *vcpu, uint64_t ipa, unsigned size, uint64_t *value)
{
    struct dev *dev = find(vcpu, ipa, size);

    *value = 0;
    if (dev == NULL) {
        return absent(vcpu, ipa, size, false);
    }
    vcpu->mmio_reads++;
    if (access(vcpu, dev, ipa - dev->base, size, false, value) != MMIO_OK) {
        *value = 0;
        unknown(vcpu, dev, ipa - dev->base, size, false);
    }
    if (size < 8) {
        *value &= BIT(8 * size) - 1;
    }
    observe(vcpu, ipa, size, false, *value);
    return true;
}

bool vm_mmio_write(struct vcpu *vcpu, uint64_t ipa, unsigned size, uint64_t value)
{
    struct dev *dev = find(vcpu, ipa, size);

    if (dev == NULL) {
        return absent(vcpu, ipa, size, true);
    }
    vcpu->mmio_writes++;
    observe(vcpu, ipa, size, true, value);
    if (access(vcpu, dev, ipa - dev->base, size, true, &value) != MMIO_OK) {
        unknown(vcpu, dev, ipa - dev->base, size, true);
    }
    return true;
}
