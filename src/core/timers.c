/*
 * timers.c - the machine's clock, and who wants to be called when.
 *
 * Every device answers its next deadline whenever it was touched; so does the generic timer of each
 * vCPU. The timer thread calls vm_poll_timers, sleeps until the time that it returns, and is woken
 * when a deadline comes nearer.
 *
 *   next_deadline_ns   what the timer thread sleeps towards. UINT64_MAX while it looks around, so
 *                      that whoever sets a deadline meanwhile wakes it and none is missed.
 */
#include "core/internal.h"
#include "vm.h"

uint64_t vm_now_ns(const struct vm *vm)
{
    return vm->ports.now_ns(vm->ports.opaque) - vm->clock_offset_ns;
}

static void deadline_set(struct vm *vm, uint64_t *where, uint64_t deadline_ns)
{
    bool nearer;

    if (*where == deadline_ns) {
        return;
    }
    *where = deadline_ns;
    lock_acquire(&vm->timer_lock);
    nearer = deadline_ns < vm->next_deadline_ns;
    if (nearer) {
        vm->next_deadline_ns = deadline_ns;
    }
    lock_release(&vm->timer_lock);
    if (nearer) {
        vm->ports.wake_timers(vm->ports.opaque);
    }
}

void dev_rearm(struct vm *vm, struct dev *dev)
{
    if (dev->ops->deadline != NULL) {
        deadline_set(vm, &dev->deadline_ns, dev->ops->deadline(dev));
    }
}

static uint64_t poll_dev(struct vm *vm, struct dev *dev, uint64_t now_ns)
{
    uint64_t next;

    if (dev->ops->deadline == NULL) {
        return UINT64_MAX;
    }
    lock_acquire(&dev->lock);
    if (dev->deadline_ns <= now_ns) {
        dev->ops->tick(dev);
        dev->deadline_ns = dev->ops->deadline(dev);
    }
    next = dev->deadline_ns;
    lock_release(&dev->lock);
    return next;
}

static uint64_t poll_vcpu(struct vcpu *vcpu, uint64_t now_ns)
{
    uint64_t next;
    bool pmu;

    lock_acquire(&vcpu->timer_lock);
    if (vcpu->timer_deadline_ns <= now_ns) {
        gtimer_update(&vcpu->timer, now_ns);
        vcpu->timer_deadline_ns = gtimer_deadline(&vcpu->timer, now_ns);
    }
    pmu = vcpu->pmu_deadline_ns <= now_ns;
    if (pmu) {
        vcpu->pmu_deadline_ns = UINT64_MAX;
    }
    next = vcpu->timer_deadline_ns < vcpu->pmu_deadline_ns ? vcpu->timer_deadline_ns
                                                           : vcpu->pmu_deadline_ns;
    lock_release(&vcpu->timer_lock);
    if (pmu) {
        vcpu_signal(vcpu, PEND_WORK);
    }
    return next;
}

uint64_t vm_poll_timers(struct vm *vm)
{
    uint64_t now_ns = vm_now_ns(vm);
    uint64_t next = UINT64_MAX;
    uint64_t n;

    lock_acquire(&vm->timer_lock);
    vm->next_deadline_ns = UINT64_MAX;
    lock_release(&vm->timer_lock);
    for (unsigned i = 0; i < vm->dev_count; i++) {
        n = poll_dev(vm, &vm->dev[i], now_ns);
        next = n < next ? n : next;
    }
    for (unsigned i = 0; i < vm->config.cpus; i++) {
        n = poll_vcpu(&vm->vcpu[i], now_ns);
        next = n < next ? n : next;
    }
    lock_acquire(&vm->timer_lock);
    if (next < vm->next_deadline_ns) {
        vm->next_deadline_ns = next;
    }
    next = vm->next_deadline_ns;
    lock_release(&vm->timer_lock);
    return next;
}

/* ---- The generic timer of a vCPU, as its system registers reach it --------------------------- */

static void timer_changed(struct vcpu *vcpu, uint64_t now_ns)
{
    gtimer_update(&vcpu->timer, now_ns);
    deadline_set(vcpu->vm, &vcpu->timer_deadline_ns, gtimer_deadline(&vcpu->timer, now_ns));
}

uint64_t vcpu_timer_count(struct vcpu *vcpu, bool virt)
{
    uint64_t count = gtimer_count(vm_now_ns(vcpu->vm));

    return virt ? count - vcpu->timer.cntvoff : count;
}

uint64_t vcpu_timer_when(struct vcpu *vcpu, uint64_t count)
{
    return gtimer_when(&vcpu->timer, GTIMER_VIRT, count, vm_now_ns(vcpu->vm));
}

uint32_t vcpu_timer_ctl(struct vcpu *vcpu, enum gtimer_id id)
{
    return gtimer_ctl(&vcpu->timer, id, vm_now_ns(vcpu->vm));
}

uint64_t vcpu_timer_cval(struct vcpu *vcpu, enum gtimer_id id)
{
    return vcpu->timer.t[id].cval;
}

int32_t vcpu_timer_tval(struct vcpu *vcpu, enum gtimer_id id)
{
    return gtimer_tval(&vcpu->timer, id, vm_now_ns(vcpu->vm));
}

void vcpu_timer_set_ctl(struct vcpu *vcpu, enum gtimer_id id, uint32_t ctl)
{
    uint64_t now_ns = vm_now_ns(vcpu->vm);

    lock_acquire(&vcpu->timer_lock);
    gtimer_set_ctl(&vcpu->timer, id, ctl, now_ns);
    timer_changed(vcpu, now_ns);
    lock_release(&vcpu->timer_lock);
}

void vcpu_timer_set_cval(struct vcpu *vcpu, enum gtimer_id id, uint64_t cval)
{
    uint64_t now_ns = vm_now_ns(vcpu->vm);

    lock_acquire(&vcpu->timer_lock);
    gtimer_set_cval(&vcpu->timer, id, cval, now_ns);
    timer_changed(vcpu, now_ns);
    lock_release(&vcpu->timer_lock);
}

void vcpu_timer_set_tval(struct vcpu *vcpu, enum gtimer_id id, int32_t tval)
{
    uint64_t now_ns = vm_now_ns(vcpu->vm);

    lock_acquire(&vcpu->timer_lock);
    gtimer_set_tval(&vcpu->timer, id, tval, now_ns);
    timer_changed(vcpu, now_ns);
    lock_release(&vcpu->timer_lock);
}

void vcpu_pmu_deadline(struct vcpu *vcpu, uint64_t deadline_ns)
{
    lock_acquire(&vcpu->timer_lock);
    deadline_set(vcpu->vm, &vcpu->pmu_deadline_ns, deadline_ns);
    lock_release(&vcpu->timer_lock);
}
