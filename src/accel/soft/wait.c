/*
 * wait.c - how a CPU waits for another: WFE and YIELD on a host that may have a core for each, or not.
 *
 * A thread that sleeps costs two system calls and some ten microseconds until it runs again, an event that comes is
 * mostly there within one. So a WFE first looks for it. Where that is in vain, because the CPU that should send it
 * waits for this one's core or has much to do, it is tried less and less often:
 *
 *     looks in vain    0  1  2  3 ...         a success begins anew
 *     sleeps between   0  1  3  7 ... 63
 *
 * The event that a clear exclusive monitor is nobody sends: while a WFE waits for that it gives its core to whoever
 * wants it, and so does a loop with YIELD once it has gone on for longer than a hand-over takes.
 *
 * DDI 0487, "Wait for Event and Send event", "YIELD".
 */
#include "accel/soft/engine.h"

#define LOOK_NS       50000u  /* as long as a sleeping thread may take to run again */
#define MONITOR_NS    200000u /* then a sleep of WFE's usual length                 */
#define MONITOR_ALONE 8       /* rounds before the core is given away               */
#define ROUND         16      /* looks between two at the clock                     */
#define ROUNDS        1000    /* where the clock does not help                      */
#define SLEEPS_MAX    63

/* Anything to do, be it the event or what the run loop knows. */
static bool stirred(const struct cpu *cpu)
{
    const uint32_t modes = PEND_STEP | PEND_DEBUG;

    return (atomic_load_explicit(&cpu->pending, memory_order_relaxed) & ~modes) != 0 ||
           atomic_load_explicit(&cpu->vcpu->lines, memory_order_relaxed) != 0;
}

/* Does the location that the monitor watches still hold what was loaded? */
static bool monitor_holds(const struct cpu *cpu)
{
    uint64_t now = 0;

    memcpy(&now, (const void *)cpu->excl_host, cpu->excl_size);
    atomic_signal_fence(memory_order_seq_cst);
    return now == cpu->excl_lo;
}

static bool watches(const struct cpu *cpu)
{
    return cpu->excl_size != 0 && cpu->excl_size <= 8 && cpu->excl_host != NULL;
}

void wait_give_way(struct cpu *cpu)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;

    if (ports->yield != NULL) {
        cpu->priv->stats.host_yields++;
        ports->yield(ports->opaque);
    }
}

static bool look(struct cpu *cpu)
{
    const bool monitor = watches(cpu);
    const uint64_t end = vm_now_ns(cpu->vcpu->vm) + (monitor ? MONITOR_NS : LOOK_NS);

    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned n = 0; n < ROUND; n++) {
            if (stirred(cpu) || (monitor && !monitor_holds(cpu))) {
                return true;
            }
            host_relax();
        }
        if (vm_now_ns(cpu->vcpu->vm) >= end) {
            return false;
        }
        if (monitor && round >= MONITOR_ALONE) {
            wait_give_way(cpu);
        }
    }
    return false;
}

bool wait_for_event(struct cpu *cpu)
{
    struct wfe_looks *l = &cpu->priv->looks;

    if (soft_vm_of(cpu)->cpus == 1) {
        return watches(cpu) && !monitor_holds(cpu);
    }
    if (l->sleeps > 0 && !watches(cpu)) {
        l->sleeps--;
        return false;
    }
    if (look(cpu)) {
        cpu->priv->stats.wfe_looks++;
        l->in_vain = 0;
        return true;
    }
    l->in_vain = l->in_vain < SLEEPS_MAX ? (uint8_t)(2 * l->in_vain + 1) : SLEEPS_MAX;
    l->sleeps = l->in_vain;
    return false;
}

void wait_yield(struct cpu *cpu)
{
    cpu->yields = WAIT_YIELDS;
    wait_give_way(cpu);
}
