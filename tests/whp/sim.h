/*
 * sim.h - a simulated Windows Hypervisor Platform for ARM64: the exports of WinHvPlatform.dll over this project's software
 * CPU, GICv3 and timer. For tests; it enforces what the documents and the reports of other programs say of the real one.
 *
 *   sim.c        switches, failures on demand, capabilities
 *   partition.c  partitions: properties, set-up, memory
 *   vp.c         virtual processors: run, cancel, what the guest does to the hypervisor
 *   regs.c       registers
 *   state.c      interrupt requests, GIC state, time, dirty pages, ports
 *
 * A call that the contract forbids outright (an exit context that is not aligned, a cancel that races with deletion) ends the
 * process with a line that says so: the test that caused it must fail.
 *
 * Switches are words in the environment variable HV_WHP_SIM, separated by blanks:
 *
 *   fail=CALL[@CODE][:RESULT[:AFTER[:TIMES]]]   CALL fails, with this HRESULT (0x80004005), after so many successes (0), so many
 *                                               times (always); CODE: only for this property, capability or register
 *   exit=REASON[:AFTER]    the run of VP 0 after so many others (0) ends in this exit; reset=TYPE is that of a reset, syndrome=N
 *                          and ipa=N those of an access
 *   hypervisor=off  arm64=off  hypercall=off  features=off  dirty=off     not there
 *   vendor=intel           the platform of an x86-64 host
 *   pa=BITS                width of physical addresses (48)
 *   cancel=lost            a cancel outside of a run is forgotten, and not kept for the next
 *   surplus=N              every Nth run ends as if it had been cancelled
 *   gpa=unmapped           a write to a read-only page is reported as one to unmapped memory
 *   length=0               exits do not say how long the instruction is
 *   second=on              more than one partition with memory in a process
 *   cpu=MODEL              the host's processor (neoverse-n1)
 *   faster=N               the guest's time goes N times as fast as the host's
 */
#ifndef WHP_SIM_H
#define WHP_SIM_H

#include "accel/soft/engine.h"
#include "accel/whp/abi.h"
#include "base/string.h"
#include "devices/gic.h"
#include "host.h"
#include "vm.h"

#ifdef _WIN32
#define SIM_EXPORT __declspec(dllexport)
#else
#define SIM_EXPORT
#endif

/* The exports, as api.def has them. */
#define FN(need, name, parameters) SIM_EXPORT whp_result name parameters;
#include "accel/whp/api.def"
#undef FN

#define SIM_LINES     960 /* SPIs of the hypervisor: INTID 32..991 */
#define SIM_PORTS_MAX 16
#define SIM_HV_CPUS   64

enum sim_state { SIM_CREATED, SIM_SET_UP, SIM_DELETED };

struct sim_port {
    bool used;
    struct whp_doorbell match;
    whp_handle event;
    unsigned rings;
};

/* What a fault of the guest was about, until the run that it ends returns. */
struct sim_fault {
    bool pending, rom, write;
    uint64_t ipa;
    unsigned size;
    uint64_t elr, spsr, esr, far_va; /* EL1's, before the exception that must not have happened */
};

struct sim_vp {
    struct whp_partition_object *partition;
    unsigned index;
    bool exists;
    bool placed; /* GicrBaseGpa is set */
    uint64_t redist_base;
    _Atomic bool running;   /* a thread is in WHvRunVirtualProcessor */
    _Atomic bool cancelled; /* latched */
    struct dev redist;
    struct sim_fault fault;
    struct host_mutex *lock;
    struct host_cond *cond; /* it sleeps: WFI, WFE, off */
    unsigned runs;
};

/* A mapping; the same index as its slot in vm.mem has no meaning. */
struct sim_map {
    uint64_t base, size;
    uint8_t *host;
    uint32_t flags;
    uint8_t *shadow; /* WHP_MAP_TRACK_DIRTY: bytes as of the last query */
};

struct whp_partition_object {
    uint32_t magic;
    enum sim_state state;
    uint32_t count, pa_bits;
    uint64_t extended_exits;
    struct whp_ic_parameters ic;
    bool ic_set;

    struct vm vm;
    struct board board;
    struct board_row rows[2];
    struct sim_vp vp[SIM_HV_CPUS];
    struct sim_map map[VM_SLOTS_MAX];
    unsigned maps;
    struct sim_port port[SIM_PORTS_MAX];

    /* Time. */
    uint64_t faster;
    uint64_t stopped_ns; /* sim_now_ns when it was suspended; 0: it goes on */
    struct host_thread *timer_thread;
    struct host_mutex *timer_lock;
    struct host_cond *timer_cond;
    bool timer_ends, timer_woken;

    /* Memory changes only while no VP executes. */
    struct host_mutex *gate;
    struct host_cond *gate_opens, *gate_empty;
    unsigned executing;
    bool gate_closed;
};

#define SIM_MAGIC 0x57484d56u

/* ---- sim.c ----------------------------------------------------------------------------------- */

/* Value of a switch, or NULL. The text ends at the next blank. */
const char *sim_switch(const char *name);
bool sim_is(const char *name, const char *value);
uint64_t sim_number(const char *name, uint64_t otherwise);
/* A number in any base, as strtoull takes it. */
uint64_t sim_parse(const char *text);
/* Is this call to fail now? Then *result is how. code: UINT64_MAX for calls that have none. */
bool sim_fails(const char *call, uint64_t code, whp_result *result);
/* Counts of failures start anew. */
void sim_forget(void);
/* The caller broke the contract. */
_Noreturn void sim_violation(const char *what);
void sim_check_aligned(const void *p, const char *what);
const struct soft_model *sim_model(void);
uint32_t sim_pa_bits(void);

#define SIM_ENTER(call, code)                  \
    do {                                       \
        whp_result failed_;                    \
        if (sim_fails(call, code, &failed_)) { \
            return failed_;                    \
        }                                      \
    } while (0)

/* ---- partition.c ----------------------------------------------------------------------------- */

/* The clock that guests see, and the host's time at which it will show what the guest's clock calls guest_ns. */
uint64_t sim_now_ns(const struct whp_partition_object *p);
uint64_t sim_host_time(const struct whp_partition_object *p, uint64_t guest_ns);

/* WHP_E_... or 0: a live partition in this state. */
whp_result sim_check(whp_partition partition, enum sim_state state);
struct sim_vp *sim_vp_of(whp_partition partition, uint32_t index);
void sim_gate_enter(struct whp_partition_object *p);
void sim_gate_leave(struct whp_partition_object *p);
bool sim_any_running(const struct whp_partition_object *p);
const struct sim_map *sim_find_map(const struct whp_partition_object *p, uint64_t gpa);

/* ---- vp.c ------------------------------------------------------------------------------------ */

void sim_wake(void *opaque, unsigned cpu);
bool sim_absent(void *opaque, struct vcpu *vcpu, uint64_t ipa, unsigned size, bool write);
/* The redistributors' window of one VP. */
extern const struct dev_ops sim_redist_ops;

/* ---- state.c --------------------------------------------------------------------------------- */

/* True if a port takes the store. */
bool sim_ring(struct whp_partition_object *p, uint64_t ipa, unsigned size, uint64_t value);

#endif
