/*
 * rig.h - a machine whose back end is WHP over the simulated platform (tests/whp), in this process: a thread per CPU, one
 * for timers, and what the guest writes to its UART.
 */
#ifndef WHP_RIG_H
#define WHP_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "accel/whp/whp.h"
#include "host.h"
#include "sim.h"

#define RIG_CPUS_MAX 4

static bool rig_no_library, rig_arm64_host;

struct rig {
    struct vm vm;
    struct err err;
    char out[4096]; /* of the UART */
    size_t out_len;
    struct host_mutex *lock;
    struct host_cond *cond;
    bool woken; /* somebody wants the timers looked at, or the machine stopped */
};

/* Fills the table with the simulated platform's functions: what load.c does with a library. */
bool whp_load(struct whp_api *api, struct whp_facts *facts)
{
    memset(api, 0, sizeof(*api));
    facts->dll_found = !rig_no_library;
    if (rig_no_library) {
        return false;
    }
#define FN(need, name, parameters) api->name = name;
#include "accel/whp/api.def"
#undef FN
    return true;
}

void whp_ask_windows(struct whp_facts *facts)
{
    facts->host = (struct detect_host){
        .name = "Windows", .windows = true, .arm64 = rig_arm64_host, .program = rig_arm64_host
    };
}

static inline void *rig_alloc(void *opaque, size_t size, size_t align)
{
    return host_alloc(size, align);
}
static inline void rig_free(void *opaque, void *p, size_t size)
{
    host_free(p);
}
static inline void *rig_ram_alloc(void *opaque, uint64_t size)
{
    return host_pages_map(size);
}
static inline void rig_ram_free(void *opaque, void *p, uint64_t size)
{
    host_pages_unmap(p, size);
}
static inline void rig_acquire(void *impl)
{
    host_mutex_lock(impl);
}
static inline void rig_release(void *impl)
{
    host_mutex_unlock(impl);
}
static inline enum status rig_lock_create(void *opaque, struct lock *lock)
{
    static const struct lock_ops ops = { rig_acquire, rig_release };

    lock->ops = &ops;
    lock->impl = host_mutex_create();
    return ST_OK;
}
static inline void rig_lock_destroy(void *opaque, struct lock *lock)
{
    host_mutex_destroy(lock->impl);
}
static inline uint64_t rig_now_ns(void *opaque)
{
    return host_now_ns();
}
static inline uint64_t rig_wall_s(void *opaque)
{
    return 0;
}
static inline void rig_random(void *opaque, void *buf, size_t len)
{
    memset(buf, 1, len);
}
static inline void rig_wake_vcpu(void *opaque, unsigned cpu) {}
static inline void rig_wake(void *opaque)
{
    struct rig *r = opaque;

    host_mutex_lock(r->lock);
    r->woken = true;
    host_cond_signal(r->cond);
    host_mutex_unlock(r->lock);
}
static inline size_t rig_console(void *opaque, const uint8_t *bytes, size_t len)
{
    struct rig *r = opaque;

    for (size_t i = 0; i < len && r->out_len + 1 < sizeof(r->out); i++) {
        r->out[r->out_len++] = (char)bytes[i];
    }
    return len;
}

/* The simulated platform's switches; NULL: none. */
static inline void rig_switches(const char *text)
{
    setenv("HV_WHP_SIM", text != NULL ? text : "", 1);
}

/* Makes the machine on the classic board. */
static inline enum status rig_make(struct rig *r, unsigned cpus)
{
    const struct vm_config config = {
        .board = &board_classic,
        .accel = &accel_whp,
        .gic_version = 3,
        .cpus = cpus,
        .ram_size = 16u << 20,
    };
    const struct vm_ports ports = {
        .opaque = r,
        .alloc = rig_alloc,
        .free = rig_free,
        .ram_alloc = rig_ram_alloc,
        .ram_free = rig_ram_free,
        .lock_create = rig_lock_create,
        .lock_destroy = rig_lock_destroy,
        .now_ns = rig_now_ns,
        .wall_s = rig_wall_s,
        .random = rig_random,
        .wake_vcpu = rig_wake_vcpu,
        .wake_timers = rig_wake,
        .stopped = rig_wake,
        .console = { rig_console, r },
    };

    memset(r, 0, sizeof(*r));
    r->lock = host_mutex_create();
    r->cond = host_cond_create();
    return vm_init(&r->vm, &config, &ports, &r->err);
}

static inline void rig_end(struct rig *r)
{
    vm_fini(&r->vm);
    host_mutex_destroy(r->lock);
    host_cond_destroy(r->cond);
}

static inline void rig_cpu_main(void *arg)
{
    struct vcpu *vcpu = arg;

    while (vcpu_run(vcpu) != VCPU_QUIT) {
    }
}

/* Runs from pc until the machine stops, at most ms. Returns its state. */
static inline enum vm_state rig_run(struct rig *r, uint64_t pc, unsigned ms)
{
    struct host_thread *thread[RIG_CPUS_MAX];
    uint64_t end_ns = host_now_ns() + ms * 1000000ull;

    vm_start(&r->vm, &(struct vcpu_start){ .pc = pc, .sp = 0x40fff000, .el = 1 });
    for (unsigned i = 0; i < r->vm.config.cpus; i++) {
        assert_int_equal(host_thread_create(&thread[i], "cpu", rig_cpu_main, &r->vm.vcpu[i], NULL),
                         ST_OK);
    }
    while (atomic_load(&r->vm.state) == VM_RUNNING && host_now_ns() < end_ns) {
        uint64_t next = vm_poll_timers(&r->vm);
        next =
            next > UINT64_MAX - r->vm.clock_offset_ns ? UINT64_MAX : next + r->vm.clock_offset_ns;
        host_mutex_lock(r->lock);
        while (!r->woken && host_cond_wait(r->cond, r->lock, next < end_ns ? next : end_ns)) {
        }
        r->woken = false;
        host_mutex_unlock(r->lock);
    }
    vm_stop(&r->vm, VM_LIMIT, 0);
    for (unsigned i = 0; i < r->vm.config.cpus; i++) {
        host_thread_join(thread[i]);
    }
    return atomic_load(&r->vm.state);
}

static inline void rig_write(struct rig *r, uint64_t ipa, const void *bytes, size_t len)
{
    assert_int_equal(guest_mem_write(&r->vm.mem, ipa, bytes, len), ST_OK);
}

#endif
