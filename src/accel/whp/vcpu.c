/*
 * vcpu.c - a virtual processor: made, started, run to its next exit, interrupted.
 *
 * A kick sets the pending word, and cancels the run if the thread is inside. The thread says that it will be inside, and then
 * looks at the pending word: one of the two sees the other. Whether a cancel that comes between that look and the
 * actual run is kept for it or lost is not written down (implementations disagree), so a kick cancels again until the thread
 * has come out; and the thread takes a cancel that nobody asked for as nothing.
 *
 * All processors run from the start; those that are off sleep in the hypervisor, whose PSCI wakes them.
 */
#include "accel/whp/whp.h"

#include "base/bits.h"
#include "base/compiler.h"

#define PSTATE_START 0x3c5 /* EL1h, D A I F masked */
#define MPIDR_RES1   (1ull << 31)

/* ---- Kick ------------------------------------------------------------------------------------ */

#define KICKS_MAX 2000  /* of a millisecond or more: then the processor cannot be stopped */
#define SPINS     20000 /* looks before the first millisecond: most come out in microseconds */

static void cancel_until_out(struct vcpu *vcpu, struct whp_cpu *c)
{
    const struct whp_vm *w = whp_of(vcpu->vm);
    whp_result result = 0;

    for (unsigned i = 0; i < KICKS_MAX && atomic_load(&c->inside); i++) {
        result = w->api.WHvCancelRunVirtualProcessor(w->partition, vcpu->index, 0);
        for (unsigned spin = 0; spin < SPINS && atomic_load(&c->inside); spin++) {
        }
        if (w->api.nap != NULL && atomic_load(&c->inside)) {
            w->api.nap();
        }
    }
    if (atomic_load(&c->inside)) {
        struct err err = { .lang = vcpu->vm->ports.lang };
        (void)whp_fail(&err, "WHvCancelRunVirtualProcessor", result);
        log_line(&vcpu->vm->ports.log, LOG_ERROR, "whp", "%s", err.text);
    }
}

void whp_vcpu_kick(struct vcpu *vcpu)
{
    struct whp_cpu *c = whp_cpu_of(vcpu);

    atomic_fetch_or(vcpu->pending, PEND_KICK);
    if (c == NULL || !atomic_load(&c->inside)) {
        return;
    }
    lock_acquire(&c->lock);
    if (c->made) {
        cancel_until_out(vcpu, c);
    }
    lock_release(&c->lock);
}

/* ---- Making ---------------------------------------------------------------------------------- */

enum status whp_vcpu_open(struct vcpu *vcpu, struct err *err)
{
    const struct whp_vm *w = whp_of(vcpu->vm);
    struct whp_cpu *c = whp_cpu_of(vcpu);
    whp_result result = w->api.WHvCreateVirtualProcessor(w->partition, vcpu->index, 0);

    if (result < 0) {
        return whp_fail(err, "WHvCreateVirtualProcessor", result);
    }
    lock_acquire(&c->lock);
    c->made = true;
    lock_release(&c->lock);
    result = whp_write(vcpu->vm, vcpu->index, WHP_REG_MPIDR, vcpu->mpidr | MPIDR_RES1);
    return result < 0 ? whp_fail(err, "WHvSetVirtualProcessorRegisters (MPIDR_EL1)", result)
                      : ST_OK;
}

void whp_vcpu_close(struct vcpu *vcpu)
{
    const struct whp_vm *w = whp_of(vcpu->vm);
    struct whp_cpu *c = whp_cpu_of(vcpu);

    lock_acquire(&c->lock);
    if (c->made) {
        (void)w->api.WHvDeleteVirtualProcessor(w->partition, vcpu->index);
        c->made = false;
    }
    lock_release(&c->lock);
}

enum status whp_vcpu_create(struct vcpu *vcpu, struct err *err)
{
    const struct vm_ports *ports = &vcpu->vm->ports;
    struct whp_cpu *c = ports->alloc(ports->opaque, sizeof(*c), 64);
    enum status st;

    if (c == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_NO_HOST_MEMORY);
    }
    vcpu->accel_state = c;
    if (ports->lock_create != NULL && ports->lock_create(ports->opaque, &c->lock) != ST_OK) {
        st = err_set(err, ST_E_NOMEM, MSG_NO_HOST_MEMORY);
    } else {
        st = whp_vcpu_open(vcpu, err);
    }
    if (st != ST_OK) {
        whp_vcpu_destroy(vcpu);
    }
    return st;
}

void whp_vcpu_destroy(struct vcpu *vcpu)
{
    const struct vm_ports *ports = &vcpu->vm->ports;
    struct whp_cpu *c = whp_cpu_of(vcpu);

    whp_vcpu_close(vcpu);
    if (c->lock.ops != NULL) {
        ports->lock_destroy(ports->opaque, &c->lock);
    }
    ports->free(ports->opaque, c, sizeof(*c));
    vcpu->accel_state = NULL;
}

/* A processor that was just made has its reset state: only what differs is written. */
void whp_vcpu_start(struct vcpu *vcpu, const struct vcpu_start *start)
{
    const struct whp_vm *w = whp_of(vcpu->vm);
    const uint32_t names[] = { WHP_REG_X0,     WHP_REG_X0 + 1, WHP_REG_X0 + 2, WHP_REG_X0 + 3,
                               WHP_REG_SP_EL1, WHP_REG_PSTATE, WHP_REG_PC };
    const struct whp_value values[] = { { start->x[0], 0 }, { start->x[1], 0 }, { start->x[2], 0 },
                                        { start->x[3], 0 }, { start->sp, 0 },   { PSTATE_START, 0 },
                                        { start->pc, 0 } };

    whp_cpu_of(vcpu)->start_error = 0;
    if (!start->off) { /* the hypervisor's PSCI fills the others' registers in */
        whp_cpu_of(vcpu)->start_error = w->api.WHvSetVirtualProcessorRegisters(
            w->partition, vcpu->index, names, ARRAY_SIZE(names), values);
    }
}

/* ---- Running --------------------------------------------------------------------------------- */

/* Into the guest, unless somebody wants this thread: then false. */
static bool enter(struct vcpu *vcpu, whp_result *result)
{
    const struct whp_vm *w = whp_of(vcpu->vm);
    struct whp_cpu *c = whp_cpu_of(vcpu);
    bool wanted;

    atomic_store(&c->inside, true);
    wanted = (atomic_fetch_and(vcpu->pending, ~(uint32_t)PEND_KICK) & PEND_KICK) != 0;
    if (!wanted) {
        *result =
            w->api.WHvRunVirtualProcessor(w->partition, vcpu->index, &c->exit, sizeof(c->exit));
    }
    atomic_store(&c->inside, false);
    return !wanted;
}

void whp_vcpu_run(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    whp_result result = whp_cpu_of(vcpu)->start_error;

    exit->kind = EXIT_NONE;
    if (result < 0) {
        whp_exit_fail(vcpu, exit, "WHvSetVirtualProcessorRegisters (PC)", result);
        return;
    }
    while (enter(vcpu, &result)) {
        if (result < 0) {
            whp_exit_fail(vcpu, exit, "WHvRunVirtualProcessor", result);
            return;
        }
        if (whp_exit_handle(vcpu, exit)) {
            return;
        }
    }
}
