/*
 * debug_exit.c - a register that ends the run with a status of the guest's choice.
 *
 * Spec: this comment. It is for test guests that have no semihosting.
 *
 *   offset  width  name
 *   0x000   32     STATUS   Write: the machine stops and the program exits with this value as its
 *                           exit status (the host keeps the low 8 bits).
 *                           Read: the value last written, 0 after reset.
 *
 * The rest of the 4 KiB window holds nothing. The device has no interrupt.
 */
#include "devices.h"

enum { STATUS = 0x000 };

struct debug_exit {
    uint32_t status;
};

static void debug_exit_reset(struct dev *dev)
{
    struct debug_exit *exit = dev->state;

    exit->status = 0;
}

static enum mmio_result debug_exit_read(struct dev *dev, unsigned cpu, uint64_t offset,
                                        unsigned size, uint64_t *value)
{
    const struct debug_exit *exit = dev->state;

    if (offset != STATUS) {
        return MMIO_UNKNOWN;
    }
    *value = exit->status;
    return MMIO_OK;
}

static enum mmio_result debug_exit_write(struct dev *dev, unsigned cpu, uint64_t offset,
                                         unsigned size, uint64_t value)
{
    struct debug_exit *exit = dev->state;

    if (offset != STATUS) {
        return MMIO_UNKNOWN;
    }
    exit->status = (uint32_t)value;
    if (dev->power.request != NULL) {
        dev->power.request(dev->power.opaque, POWER_EXIT, exit->status);
    }
    return MMIO_OK;
}

static const struct dev_reg debug_exit_regs[] = {
    { "STATUS", STATUS, 4, DEV_REG_EFFECT, 0, 0xFFFFFFFF, 0 },
    { 0 },
};

static const struct dev_field debug_exit_fields[] = {
    DEV_FIELD(debug_exit, status),
    { 0 },
};

const struct dev_ops debug_exit_ops = {
    .name = "debug_exit",
    .what = "debug-exit register: a write ends the run with that status",
    .compatible = "hypervisor,debug-exit\0",
    .state_size = sizeof(struct debug_exit),
    .mmio_size = 0x1000,
    .access_sizes = 4,
    .reset = debug_exit_reset,
    .read = debug_exit_read,
    .write = debug_exit_write,
    .regs = debug_exit_regs,
    .fields = debug_exit_fields,
};
