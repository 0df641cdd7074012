/*
 * rings.c - TLB and instruction cache maintenance that must reach other CPUs, and the DSB that waits for it.
 *
 * TLBI and IC post an operation into the ring of each other CPU and set its PEND_WORK. The DSB that follows waits until each has
 * drained its ring or is not `inside` guest code: it drains before it enters again. Both sides write one variable and then read
 * the other's (posted, inside), so at least one sees the other. A CPU that waits drains its own ring or is outside itself, so two
 * waiting for each other go on.
 *
 * DDI 0487, "TLB maintenance instructions", "Completion".
 */
#include "accel/soft/jit/jit.h"

static void ring_lock(struct inval_ring *ring)
{
    while (atomic_exchange_explicit(&ring->lock, 1, memory_order_acquire) != 0) {
        host_relax();
    }
}

static void ring_unlock(struct inval_ring *ring)
{
    atomic_store_explicit(&ring->lock, 0, memory_order_release);
}

void inval_post(struct cpu *target, const struct inval *iv)
{
    struct inval_ring *ring = &target->priv->ring;

    ring_lock(ring);
    if (ring->count < RING_SIZE) {
        ring->op[ring->count++] = *iv;
    } else {
        ring->overflow = true;
    }
    atomic_fetch_add(&ring->posted, 1);
    ring_unlock(ring);
    atomic_fetch_or(&target->pending, PEND_WORK);
}

void inval_broadcast(struct cpu *cpu, const struct inval *iv)
{
    struct soft_vm *vm = soft_vm_of(cpu);

    for (unsigned i = 0; i < vm->cpus; i++) {
        if (vm->cpu[i] != cpu) {
            inval_post(vm->cpu[i], iv);
            cpu->priv->sent[i] = atomic_load(&vm->cpu[i]->priv->ring.posted);
            cpu->priv->sent_any = true;
        }
    }
}

void inval_drain(struct cpu *cpu)
{
    struct inval_ring *ring = &cpu->priv->ring;
    struct inval op[RING_SIZE];
    uint64_t upto = atomic_load(&ring->posted);
    uint32_t count;
    bool overflow;

    if (atomic_load_explicit(&ring->drained, memory_order_relaxed) == upto) {
        return;
    }
    ring_lock(ring);
    upto = atomic_load(&ring->posted);
    count = ring->count;
    overflow = ring->overflow;
    memcpy(op, ring->op, count * sizeof(op[0]));
    ring->count = 0;
    ring->overflow = false;
    ring_unlock(ring);
    if (overflow) {
        tlb_drop_all(cpu);
        code_forget_all(cpu);
        jit_leave(cpu);
    } else {
        for (uint32_t i = 0; i < count; i++) {
            inval_apply(cpu, &op[i]);
        }
    }
    atomic_store(&ring->drained, upto);
    /* Who slept had looked for long: there are more threads than processors, and it may wait for others still. */
    if (inval_wake(cpu)) {
        wait_give_way(cpu);
    }
}

static bool has_applied(struct cpu *target, uint64_t sent)
{
    return atomic_load(&target->priv->ring.drained) >= sent || !atomic_load(&target->priv->inside);
}

bool inval_wake(struct cpu *cpu)
{
    const uint64_t all = atomic_load(&cpu->priv->awaited);
    struct vm *vm = cpu->vcpu->vm;

    for (uint64_t who = all; who != 0; who &= who - 1) {
        vm->ports.wake_vcpu(vm->ports.opaque, (unsigned)__builtin_ctzll(who));
    }
    return all != 0;
}

/* What a CPU waits for. */
struct awaited {
    struct cpu *target;
    uint64_t sent;
};

static bool is_over(void *arg)
{
    const struct awaited *a = arg;

    return has_applied(a->target, a->sent);
}

/*
 * The other's thread seems to have no processor: it shall have ours. Outside, so that nobody waits for this CPU in turn. No wake
 * is lost: here `awaited` is set before the last look; there `drained` or `inside` are set before `awaited` is looked at.
 */
static void sleep_until(struct cpu *cpu, struct awaited *a)
{
    const uint64_t me = BIT(cpu->vcpu->index);
    struct vm *vm = cpu->vcpu->vm;

    soft_outside(cpu);
    atomic_fetch_or(&a->target->priv->awaited, me);
    vm->ports.sleep_vcpu(vm->ports.opaque, cpu->vcpu->index, is_over, a);
    atomic_fetch_and(&a->target->priv->awaited, ~me);
    soft_inside(cpu);
}

/* A CPU that executes looks at its ring within a microsecond. */
#define SPINS 1000

static void wait_for(struct cpu *cpu, struct awaited *a)
{
    const bool can_sleep = cpu->vcpu->vm->ports.sleep_vcpu != NULL;

    for (unsigned spins = 0; !has_applied(a->target, a->sent); spins++) {
        if (spins >= SPINS && can_sleep) {
            sleep_until(cpu, a);
        } else {
            inval_drain(cpu);
            host_relax();
        }
    }
}

void inval_wait(struct cpu *cpu)
{
    struct soft_vm *vm = soft_vm_of(cpu);

    if (!cpu->priv->sent_any) {
        return;
    }
    for (unsigned i = 0; i < vm->cpus; i++) {
        if (vm->cpu[i] != cpu) {
            wait_for(cpu, &(struct awaited){ vm->cpu[i], cpu->priv->sent[i] });
        }
    }
    cpu->priv->sent_any = false;
}
