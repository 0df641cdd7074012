/*
 * internal.h - what the files of core share with one another only.
 */
#ifndef CORE_INTERNAL_H
#define CORE_INTERNAL_H

#include "vm.h"

/* Asks a device for its deadline again and wakes the timer thread if it came nearer.
 * The device's lock is held. */
void dev_rearm(struct vm *vm, struct dev *dev);

/*
 * Copies between a buffer and guest virtual memory as the vCPU's current level maps it. False if a
 * byte is not mapped to RAM; then the part before it may have been copied.
 */
bool vcpu_copy_va(struct vcpu *vcpu, uint64_t va, void *buf, uint64_t len, bool write);

/* Steps over the instruction that trapped. */
static inline void vcpu_skip(struct vcpu *vcpu)
{
    vcpu_set_reg(vcpu, REG_PC, vcpu_reg(vcpu, REG_PC) + 4);
}

#endif
