/*
 * share.c - code pages and translations that all CPUs of a machine use at once: who may change what, and when.
 *
 * Problem. A CPU runs ops and translated code without asking anybody. Another one decodes, translates, forgets what the guest
 * has changed, or needs the memory for something else. Stopping all CPUs for that would be simple, and slow where the host has fewer
 * processors than the guest: one that is to stop may not be running.
 *
 * So nobody waits. What is added or unlinked is changed under those who run:
 *
 *   - An op's fields are written before its function, which is op_decode until then. A translation is written before an op's
 *     function leads to it.
 *   - Code that may be running is changed by single stores within 8 aligned bytes: displacements of jumps (link.c), and the jump at the
 *     beginning of a way in from the jump cache. Before and after, the code there is right for whoever comes by.
 *   - Pages are put into the hash, and taken out, while others look.
 *
 * What others may still be using is not used again, and what was unlinked is announced: the change has a number, and each CPU is made
 * to look at pending. In the run loop a CPU holds no op and has no way into translated code but op->fn, the jump cache and its recent
 * pages; it empties those if the change asks for that (code pages, or the code cache, have gone), and has passed. When all have passed,
 * or do not run,
 *
 *   - slots that were reset are decoded again (until then they are stepped, which needs no slot: decode_shared in run.c),
 *   - retired code pages become others (pages.c),
 *   - a full code cache is filled anew (until then everything is interpreted: jit/cache.c).
 *
 * Locks: the pool's for ops, pages and lists, held for a few hundred instructions; jit->lock, taken before it, for everything that
 * belongs to translations. A head that is hot while another CPU translates is interpreted on.
 *
 * IC looks without a lock whether anything was decoded otherwise than memory has it now. Whoever decodes reads memory while it
 * has the lock: if that was free before the look, and no change came in between, the look has seen what is there.
 *
 * Two things make the other CPUs see a change in time. The DSB after an IC that changed something waits for their rings (rings.c). And they have to
 * look at pending by themselves: an ISB, an exception and its return leave translated code if anything is, and
 * the architecture asks for one of these before another's new instructions are sure to be executed.
 *
 * Without a translator each CPU has a pool of its own: what slots know of their neighbours (fwd.h) cannot be changed by single stores.
 */
#include "accel/soft/jit/jit.h"

/* Looks at a lock before the host's core is given away: who has it may not be running. */
#define SPINS 200

void soft_lock_slow(struct cpu *cpu, _Atomic uint32_t *lock)
{
    unsigned spins = 0;

    do {
        if (++spins > SPINS) {
            wait_give_way(cpu);
        } else {
            host_relax();
        }
    } while (atomic_load_explicit(lock, memory_order_relaxed) != 0 ||
             atomic_exchange(lock, 1) != 0);
}

/* ---- Changes --------------------------------------------------------------------------------- */

uint64_t code_announce(struct code_cache *code, bool moved)
{
    uint64_t change = atomic_load(&code->changes) + 1;

    if (moved) {
        atomic_store(&code->moved, change);
    }
    atomic_store(&code->changes, change);
    for (unsigned i = 0; i < code->users && (moved || code->users > 1); i++) {
        atomic_fetch_or(&code->user[i]->pending, PEND_WORK);
    }
    return change;
}

void code_pass(struct cpu *cpu)
{
    struct soft_private *p = cpu->priv;
    uint64_t change = atomic_load(&p->code->changes);
    uint64_t passed = atomic_load_explicit(&p->passed, memory_order_relaxed);

    if (passed != change) {
        if (passed < atomic_load(&p->code->moved)) {
            tlb_new_epochs(cpu);
            cpu->jit_way = 0;
        }
        atomic_store(&p->passed, change);
    }
}

static bool has_passed(const struct cpu *cpu, uint64_t change)
{
    return !atomic_load(&cpu->priv->running) || atomic_load(&cpu->priv->passed) >= change;
}

bool code_others_passed(const struct cpu *cpu, uint64_t change)
{
    const struct code_cache *code = cpu->priv->code;

    for (unsigned i = 0; i < code->users; i++) {
        if (code->user[i] != cpu && !has_passed(code->user[i], change)) {
            return false;
        }
    }
    return true;
}

bool code_all_passed(const struct cpu *cpu, uint64_t change)
{
    return has_passed(cpu, change) && code_others_passed(cpu, change);
}

/* In order: a change that does not see the CPU run is seen by it. */
void code_run(struct cpu *cpu)
{
    atomic_store(&cpu->priv->running, true);
    code_pass(cpu);
}

void code_rest(struct cpu *cpu)
{
    atomic_store_explicit(&cpu->priv->running, false, memory_order_release);
}

/* ---- Users ----------------------------------------------------------------------------------- */

bool code_join(struct cpu *cpu)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;
    struct soft_vm *vm = soft_vm_of(cpu);
    struct code_cache *code = vm->code;

    if (code == NULL || code->jit == NULL) {
        code = ports->alloc(ports->opaque, sizeof(*code), 64);
        if (code == NULL) {
            return false;
        }
        vm->code = code;
    }
    code->user[code->users++] = cpu;
    cpu->priv->code = code;
    return true;
}

void code_quit(struct cpu *cpu)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;
    struct code_cache *code = cpu->priv->code;
    unsigned at = 0;

    if (code == NULL) {
        return;
    }
    while (code->user[at] != cpu) {
        at++;
    }
    code->user[at] = code->user[--code->users];
    if (code->users == 0) {
        code_free(cpu);
        jit_destroy(cpu);
        if (soft_vm_of(cpu)->code == code) {
            soft_vm_of(cpu)->code = NULL;
        }
        ports->free(ports->opaque, code, sizeof(*code));
    }
    cpu->priv->code = NULL;
    cpu->priv->jit = NULL;
}
