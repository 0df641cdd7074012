/*
 * vcpu.c - one vCPU: what its thread does between two sleeps.
 */
#include "vm.h"

#include "base/bits.h"
#include "core/internal.h"

void vcpu_signal(struct vcpu *vcpu, uint32_t pend)
{
    atomic_fetch_or(vcpu->pending, pend);
    if (vcpu->vm->caps.must_kick) {
        vcpu->vm->config.accel->kick(vcpu);
    }
    vcpu->vm->ports.wake_vcpu(vcpu->vm->ports.opaque, vcpu->index);
}

bool vcpu_has_work(const struct vcpu *vcpu)
{
    uint32_t ends_wait = PEND_KICK | (vcpu->wfe ? PEND_EVENT : 0);

    if (atomic_load(&vcpu->vm->state) != VM_RUNNING) {
        return true;
    }
    switch (atomic_load(&vcpu->power)) {
    case VCPU_OFF: return false;
    case VCPU_ON_PENDING: return true;
    default: return atomic_load(&vcpu->lines) != 0 || (atomic_load(vcpu->pending) & ends_wait) != 0;
    }
}

/* VCPU_RESUME if the CPU is on (it is switched on here when somebody asked for that). */
static enum vcpu_action power_check(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    enum vcpu_action action = VCPU_RESUME;

    lock_acquire(&vm->power_lock);
    if (atomic_load(&vcpu->power) == VCPU_OFF) {
        action = VCPU_PARK;
    } else if (atomic_load(&vcpu->power) == VCPU_ON_PENDING) {
        gic_reset_interface(vm->gic, vcpu->index);
        vm->config.accel->vcpu_start(vcpu, &vcpu->start);
        atomic_store(&vcpu->power, VCPU_ON);
    }
    lock_release(&vm->power_lock);
    return action;
}

enum vcpu_action vcpu_run(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    struct vcpu_exit exit; /* its text, which is most of it, is not cleared */

    if (atomic_load(&vm->state) != VM_RUNNING) {
        return VCPU_QUIT;
    }
    if (atomic_load(&vcpu->power) != VCPU_ON && power_check(vcpu) == VCPU_PARK) {
        return VCPU_PARK;
    }
    exit.kind = EXIT_NONE;
    memset(&exit.mmio, 0, sizeof(exit.mmio));
    vcpu->wfe = false;
    vcpu->wait_until_ns = UINT64_MAX;
    vm->config.accel->run(vcpu, &exit);
    vcpu->exits[exit.kind]++;
    if (exit.kind != EXIT_NONE && vm->ports.on_exit != NULL) {
        vm->ports.on_exit(vm->ports.opaque, vcpu, &exit);
    }
    return exit_handle(vcpu, &exit);
}

bool vcpu_copy_va(struct vcpu *vcpu, uint64_t va, void *buf, uint64_t len, bool write)
{
    const struct vm *vm = vcpu->vm;
    uint8_t *bytes = buf;

    while (len > 0) {
        uint64_t room = 4096 - (va & 4095);
        uint64_t part = len < room ? len : room;
        uint64_t ipa;
        struct span span;

        if (vm->config.accel->translate(vcpu, va, &ipa) != ST_OK ||
            guest_mem_span(&vm->mem, ipa, part, write, &span) != ST_OK) {
            return false;
        }
        if (write) {
            memcpy(span.host, bytes, part);
        } else {
            memcpy(bytes, span.host, part);
        }
        va += part;
        bytes += part;
        len -= part;
    }
    return true;
}
