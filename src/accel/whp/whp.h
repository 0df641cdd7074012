/*
 * whp.h - what the files of the WHP back end share with one another, and with its tests.
 *
 *   abi.h, api.def   the platform's interface
 *   load.c           the library and its functions (Windows only; unit tests put others into the table)
 *   probe.c          can it work here? and failures in words
 *   whp.c            the contract's table, the partition, memory
 *   vcpu.c           a virtual processor: made, started, run, interrupted
 *   exits.c          what an exit means
 *   regs.c           registers
 *   state.c          GIC state, time, dirty pages, doorbells
 */
#ifndef WHP_H
#define WHP_H

#include "accel/detect/detect.h"
#include "accel/whp/abi.h"
#include "vm.h"

#if defined(__aarch64__) || defined(_M_ARM64)
#define WHP_ARM64_PROGRAM true
#else
#define WHP_ARM64_PROGRAM false
#endif

/* The functions of the library; a MAY one can be NULL. */
struct whp_api {
#define FN(need, name, parameters) whp_result(*name) parameters;
#include "accel/whp/api.def"
#undef FN
    void (*flush)(void *code,
                  size_t len);           /* instructions that the host wrote are seen by its CPUs */
    void (*nap)(void);                   /* lets other threads run for about a millisecond */
    void (*unload)(struct whp_api *api); /* NULL: nothing to give back */
    void *library;
};

#define WHP_LINES 1024

struct whp_vm {
    struct whp_api api;
    whp_partition partition; /* NULL: none */
    unsigned pa_bits;        /* width of guest physical addresses */
    bool hypercalls;         /* HVCs that the hypervisor has no answer for come to us */
    _Atomic uint32_t level[WHP_LINES / 32]; /* SPIs as last told to the hypervisor */
};

struct whp_cpu {
    struct whp_exit exit;
    bool made;           /* under lock: cancelling one that is being deleted crashes the library */
    _Atomic bool inside; /* in WHvRunVirtualProcessor, or about to be */
    struct lock lock;
    whp_result start_error; /* of a vcpu_start that failed: run says it */
};

static inline struct whp_vm *whp_of(const struct vm *vm)
{
    return vm->accel_state;
}

static inline struct whp_cpu *whp_cpu_of(const struct vcpu *vcpu)
{
    return vcpu->accel_state;
}

/* ---- load.c ---------------------------------------------------------------------------------- */

/*
 * Finds the library, in the system's folder only, and its functions. False: facts says why; api then has what there is, and is
 * to be unloaded as well.
 */
bool whp_load(struct whp_api *api, struct whp_facts *facts);
/* Fills what Windows says of itself and of its processor. */
void whp_ask_windows(struct whp_facts *facts);

/* ---- probe.c --------------------------------------------------------------------------------- */

void whp_probe(struct accel_caps *caps, struct diagnosis *diagnosis);
/* The library for a machine. */
enum status whp_open(struct whp_api *api, struct err *err);
void whp_unload(struct whp_api *api);
/* Fills err: which call failed, why, and what to do. */
enum status whp_fail(struct err *err, const char *call, whp_result result);
/* The same as an exit that ends the machine. */
void whp_exit_fail(struct vcpu *vcpu, struct vcpu_exit *exit, const char *call, whp_result result);
/* Ends the machine from any thread. */
void whp_stop(struct vm *vm, const char *call, whp_result result);
/* A capability of size bytes; left as it is, and false, where this Windows has no such one. */
bool whp_capability(const struct whp_api *api, uint32_t code, void *value, uint32_t size);

/* ---- whp.c ----------------------------------------------------------------------------------- */

/* What every partition must be told before its set-up. Returns the call that failed, and how, or NULL. */
const char *whp_configure(const struct whp_api *api, whp_partition partition, uint32_t cpus,
                          uint64_t gicd_base, uint32_t pa_bits, whp_result *result);

/* ---- vcpu.c ---------------------------------------------------------------------------------- */

enum status whp_vcpu_create(struct vcpu *vcpu, struct err *err);
void whp_vcpu_destroy(struct vcpu *vcpu);
/* The hypervisor's half of a vCPU, in a partition that was just made. */
enum status whp_vcpu_open(struct vcpu *vcpu, struct err *err);
void whp_vcpu_close(struct vcpu *vcpu);
void whp_vcpu_start(struct vcpu *vcpu, const struct vcpu_start *start);
void whp_vcpu_run(struct vcpu *vcpu, struct vcpu_exit *exit);
void whp_vcpu_kick(struct vcpu *vcpu);

/* ---- exits.c --------------------------------------------------------------------------------- */

/* True: run returns with exit; false: on with the guest. */
bool whp_exit_handle(struct vcpu *vcpu, struct vcpu_exit *exit);

/* ---- regs.c ---------------------------------------------------------------------------------- */

enum status whp_get_reg(struct vcpu *vcpu, uint32_t reg, uint64_t *value);
enum status whp_set_reg(struct vcpu *vcpu, uint32_t reg, uint64_t value);
/* One register by the platform's number; vp may be WHP_ANY_VP. */
whp_result whp_read(const struct vm *vm, uint32_t vp, uint32_t name, uint64_t *value);
whp_result whp_write(const struct vm *vm, uint32_t vp, uint32_t name, uint64_t value);

/* ---- state.c --------------------------------------------------------------------------------- */

/*
 * The interrupt controllers' state as the hypervisor hands it out; no vCPU runs. global is for up to lines
 * SPIs. Put back in the same order: global, then each vCPU's, after its start registers.
 */
enum status whp_gic_save(struct vcpu *vcpu, struct whp_vp_gic_state *state, struct err *err);
enum status whp_gic_restore(struct vcpu *vcpu, const struct whp_vp_gic_state *state,
                            struct err *err);
enum status whp_gic_global_save(struct vm *vm, struct whp_global_gic_state *state, size_t size,
                                struct err *err);
enum status whp_gic_global_restore(struct vm *vm, const struct whp_global_gic_state *state,
                                   size_t size, struct err *err);
/* accel_ops.stop_time */
void whp_stop_time(struct vm *vm, bool stop);
/* Pages written since the last call, a bit each, of a range that was mapped with tracking. */
enum status whp_dirty_pages(struct vm *vm, uint64_t ipa, uint64_t len, uint64_t *bitmap,
                            struct err *err);
enum status whp_track_dirty(struct vm *vm, const struct mem_slot *slot, bool track,
                            struct err *err);
/* A store of size bytes (and of one value) at ipa sets an event of Windows instead of leaving the guest. */
enum status whp_doorbell_create(struct vm *vm, uint64_t ipa, unsigned size, const uint64_t *value,
                                whp_handle event, whp_handle *port, struct err *err);
void whp_doorbell_destroy(struct vm *vm, whp_handle port);

#endif
