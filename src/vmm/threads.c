/*
 * threads.c - one thread per vCPU, and one for everything else: the caller of hv_machine_run.
 *
 *   vCPU thread    vcpu_run -> resume | wait | park | quit; sleeps on its own condition variable
 *   event loop     guest timers, console input, --timeout, requests to stop
 *
 * No wake is lost: a sleeper first says that it is asleep and then looks for work; a waker first
 * makes work and then looks whether anybody is asleep. Both steps are sequentially consistent, so
 * one of the two sees the other.
 */
#include <stdlib.h>

#include "base/fmt.h"
#include "base/string.h"
#include "vmm/machine.h"

#define WFE_NS 1000000u /* a WFE may end without cause (DDI 0487, "Wait for Event") */

/* ---- Sleeping -------------------------------------------------------------------------------- */

void threads_wake_vcpu(struct hv_machine *m, unsigned cpu)
{
    struct sleeper *s = &m->sleeper[cpu];

    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load(&s->asleep)) {
        host_mutex_lock(s->lock);
        s->woken = true;
        host_mutex_unlock(s->lock);
        host_cond_signal(
            s->cond); /* after it, or the sleeper would wake only to wait for the lock */
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The guest's clock is ours minus an offset; a deadline beyond the end of time is none. */
static uint64_t host_time_of(const struct vm *vm, uint64_t guest_ns)
{
    return guest_ns > UINT64_MAX - vm->clock_offset_ns ? UINT64_MAX
                                                       : guest_ns + vm->clock_offset_ns;
}

/* Until the vCPU has something to do, somebody wants to look at it, or (deadline) long enough. */
static void sleeper_wait(struct sleeper *s, const struct vcpu *vcpu, uint64_t deadline_ns)
{
    bool more = true;

    host_mutex_lock(s->lock);
    s->woken = false;
    atomic_store(&s->asleep, true);
    atomic_thread_fence(memory_order_seq_cst);
    while (more && !s->woken && !vcpu_has_work(vcpu) && !atomic_load(&s->dump)) {
        more = host_cond_wait(s->cond, s->lock, deadline_ns);
    }
    atomic_store(&s->asleep, false);
    host_mutex_unlock(s->lock);
}

void threads_sleep_vcpu(struct hv_machine *m, unsigned cpu, bool (*done)(void *arg), void *arg)
{
    struct sleeper *s = &m->sleeper[cpu];

    host_mutex_lock(s->lock);
    atomic_store(&s->asleep, true);
    atomic_thread_fence(memory_order_seq_cst);
    while (!done(arg)) {
        host_cond_wait(s->cond, s->lock, UINT64_MAX);
    }
    atomic_store(&s->asleep, false);
    host_mutex_unlock(s->lock);
}

/* ---- A vCPU's thread ------------------------------------------------------------------------- */

static void say_if_asked(struct sleeper *s, struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;

    if (!atomic_exchange(&s->dump, false)) {
        return;
    }
    if (atomic_load(&vcpu->power) == VCPU_ON) {
        vcpu_dump(vcpu, LOG_ERROR);
    } else {
        log_line(&vm->ports.log, LOG_ERROR, "cpu", msg_text(vm->ports.lang, MSG_SAY_CPU_OFF),
                 vcpu->index);
    }
}

static void no_debugger(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;

    lock_acquire(&vm->power_lock);
    if (vm->fail_text[0] == 0) {
        fmt_format(vm->fail_text, sizeof(vm->fail_text), msg_text(vm->ports.lang, MSG_RUN_BREAK),
                   vcpu->index);
    }
    lock_release(&vm->power_lock);
    vm_stop(vm, VM_FAILED, 0);
}

static uint64_t wait_deadline(const struct vcpu *vcpu)
{
    return earlier(host_time_of(vcpu->vm, vcpu->wait_until_ns),
                   vcpu->wfe ? host_now_ns() + WFE_NS : UINT64_MAX);
}

static void vcpu_thread(void *arg)
{
    struct sleeper *s = arg;
    struct vcpu *vcpu = &s->machine->vm.vcpu[s->index];

    for (;;) {
        switch (vcpu_run(vcpu)) {
        case VCPU_RESUME: break;
        case VCPU_WAIT: sleeper_wait(s, vcpu, wait_deadline(vcpu)); break;
        case VCPU_PARK: sleeper_wait(s, vcpu, UINT64_MAX); break;
        case VCPU_BREAK: no_debugger(vcpu); break;
        case VCPU_QUIT: return;
        }
        say_if_asked(s, vcpu);
    }
}

void threads_dump(struct hv_machine *m)
{
    for (unsigned i = 0; i < m->vm.config.cpus; i++) {
        atomic_store(&m->sleeper[i].dump, true);
        vcpu_signal(&m->vm.vcpu[i], PEND_KICK);
    }
}

static enum status start_vcpu(struct hv_machine *m, unsigned i, struct err *err)
{
    struct sleeper *s = &m->sleeper[i];
    char name[16];
    enum status st;

    fmt_format(name, sizeof(name), "vcpu %u", i);
    st = host_thread_create(&s->thread, name, vcpu_thread, s, err);
    if (st == ST_OK && m->affinity.count != 0) {
        st = host_thread_pin(s->thread, m->affinity.cpu[i % m->affinity.count], err);
    }
    return st;
}

static void join_vcpus(struct hv_machine *m)
{
    for (unsigned i = 0; i < m->vm.config.cpus; i++) {
        if (m->sleeper[i].thread != NULL) {
            host_thread_join(m->sleeper[i].thread);
            m->sleeper[i].thread = NULL;
        }
    }
}

/* ---- The event loop -------------------------------------------------------------------------- */

static uint64_t timeout_deadline(const struct hv_machine *m)
{
    uint64_t left = UINT64_MAX - m->start_ns;

    return m->config.timeout_ns == 0 || m->config.timeout_ns > left
               ? UINT64_MAX
               : m->start_ns + m->config.timeout_ns;
}

static void check_ends(struct hv_machine *m)
{
    if (atomic_load(&m->stop_asked)) {
        vm_stop(&m->vm, VM_OFF, 0);
    } else if (host_now_ns() >= timeout_deadline(m)) {
        vm_stop(&m->vm, VM_LIMIT, 0);
        m->timed_out = atomic_load(&m->vm.state) == VM_LIMIT;
    }
}

static void serve_once(struct hv_machine *m)
{
    struct host_interest interest[CONSOLE_INTERESTS];
    unsigned n = 0;
    uint64_t deadline_ns =
        earlier(host_time_of(&m->vm, vm_poll_timers(&m->vm)), timeout_deadline(m));

    if (m->console != NULL) {
        n = console_interests(m->console, interest);
        deadline_ns = earlier(deadline_ns, console_deadline(m->console));
    }
    host_wait_for(m->wait, interest, n, deadline_ns);
    if (m->console != NULL) {
        console_service(m->console, interest, n);
        if (console_ended(m->console)) {
            semihost_end_input(&m->semihost);
        }
    }
}

static void serve(struct hv_machine *m)
{
    for (;;) {
        check_ends(m);
        if (atomic_load(&m->vm.state) != VM_RUNNING) {
            return;
        }
        serve_once(m);
    }
}

enum status threads_run(struct hv_machine *m, struct err *err)
{
    enum status st = ST_OK;

    for (unsigned i = 0; st == ST_OK && i < m->vm.config.cpus; i++) {
        st = start_vcpu(m, i, err);
    }
    if (st == ST_OK) {
        serve(m);
    } else {
        vm_stop(&m->vm, VM_FAILED, 0);
    }
    if (m->console != NULL && atomic_load(&m->vm.state) != VM_RESET) {
        console_hurry(m->console);
    }
    join_vcpus(m);
    return st;
}

enum status threads_init(struct hv_machine *m, struct err *err)
{
    unsigned cpus = (unsigned)m->config.cpus;

    m->wait = host_wait_create(err);
    if (m->wait == NULL) {
        return ST_E_IO;
    }
    m->sleeper = host_alloc(cpus * sizeof(*m->sleeper), 64);
    for (unsigned i = 0; m->sleeper != NULL && i < cpus; i++) {
        struct sleeper *s = &m->sleeper[i];
        s->machine = m;
        s->index = i;
        s->lock = host_mutex_create();
        s->cond = host_cond_create();
        if (s->lock == NULL || s->cond == NULL) {
            return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
        }
    }
    return m->sleeper != NULL ? ST_OK : err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
}

void threads_fini(struct hv_machine *m)
{
    for (unsigned i = 0; m->sleeper != NULL && i < m->config.cpus; i++) {
        host_mutex_destroy(m->sleeper[i].lock);
        host_cond_destroy(m->sleeper[i].cond);
    }
    host_free(m->sleeper);
    host_wait_destroy(m->wait);
}
