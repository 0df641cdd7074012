/*
 * vm.h - the machine: one struct owns all of it, and knows nothing of threads, files or any one
 * back end.
 *
 * Lock order: device, then GIC, then nothing. vm->timer_lock is taken last and calls nobody. A
 * vCPU's generic timer has a lock at device level. `pending` words and power states are atomics.
 *
 * Threads: vCPU n is run by one thread, which calls vcpu_run. One more thread calls vm_poll_timers.
 * Everything else that may be called from any thread says so.
 */
#ifndef VM_H
#define VM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accel.h"
#include "arch/a64.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/status.h"
#include "devices.h"

#define VM_CPUS_MAX  64
#define VM_DEVS_MAX  48
#define VM_SLOTS_MAX 16

/* ---- What the shell lends (called from any thread unless said otherwise) --------------------- */

/* Host code that the software CPU has made: a region of the guest's, or (name) what regions share. */
struct vm_code {
    const void *at;    /* where it is executed     */
    const void *bytes; /* the same, to be read now */
    size_t size;
    const char *name; /* NULL: it does what the guest has at va, seen from Exception level el */
    uint64_t va;
    unsigned el;
};

struct vm_ports {
    void *opaque;
    void *(*alloc)(void *opaque, size_t size, size_t align); /* zeroed; NULL when there is none   */
    void (*free)(void *opaque, void *p, size_t size);
    void *(*ram_alloc)(void *opaque,
                       uint64_t size); /* page-aligned, zero, populated on first touch */
    /* Memory for translated code: executable, and at *writable the same bytes to be written. NULL: none. */
    void *(*code_alloc)(void *opaque, size_t size, void **writable);
    void (*code_free)(void *opaque, void *p, void *writable, size_t size);
    /* For profilers, NULL: nobody wants to know. On the vCPU's thread. The place may have been another's before. */
    void (*code_made)(void *opaque, const struct vm_code *code);
    /* What the guest calls the code at an address, "fib+0x10". NULL, or false: not known. Any thread. */
    bool (*name_of)(void *opaque, uint64_t va, char *buf, size_t size);
    void (*ram_free)(void *opaque, void *p, uint64_t size);
    enum status (*lock_create)(void *opaque, struct lock *lock); /* NULL: one thread, no locks    */
    void (*lock_destroy)(void *opaque, struct lock *lock);
    uint64_t (*now_ns)(void *opaque); /* monotonic, any origin */
    uint64_t (*wall_s)(void *opaque); /* since 1970 UTC        */
    void (*random)(void *opaque, void *buf, size_t len);
    void (*wake_vcpu)(void *opaque,
                      unsigned cpu); /* it may be waiting in WFI or powered off; must not block */
    void (*yield)(
        void *opaque); /* others may have the host's core; NULL: it has nothing of the kind */
    /* On the vCPU's thread: sleeps until done(arg), which wake_vcpu makes it ask again; may return early. NULL: nobody else could
     * make it so. */
    void (*sleep_vcpu)(void *opaque, unsigned cpu, bool (*done)(void *arg), void *arg);
    void (*wake_timers)(
        void *opaque); /* a deadline came nearer than the one vm_poll_timers last returned   */
    void (*stopped)(void *opaque); /* vm->state left VM_RUNNING */
    struct char_port console;
    struct log_port log;
    enum lang lang;                       /* of messages to people */
    const struct semihost_port *semihost; /* NULL: console and exit only */
    /* Called on the vCPU's thread for each exit and each MMIO access, when set
     * (narration, --trace exits). */
    void (*on_exit)(void *opaque, struct vcpu *vcpu, const struct vcpu_exit *exit);
    /* An access that no device answers, or a write to ROM, when set: true takes it as done, false makes it an
     * external abort. For those who have more on the bus than the core knows. */
    bool (*absent)(void *opaque, struct vcpu *vcpu, uint64_t ipa, unsigned size, bool write);
};

/* ---- Guest memory: one door ------------------------------------------------------------------ */

struct mem_slot {
    uint64_t base, size; /* guest physical, multiples of 4 KiB */
    uint8_t *host;
    bool rom; /* the guest reads it; its writes go to the bus, where nobody answers */
    char name[16];
};

struct guest_mem {
    struct mem_slot slot[VM_SLOTS_MAX]; /* sorted by base, disjoint */
    unsigned count;
};

struct span {
    uint8_t *host;
    uint64_t len;
};

/*
 * Borrow a range of guest memory.
 *
 *   ipa    first byte, any alignment
 *   len    bytes, 1 or more
 *   write  true: ROM is refused
 *   out    on success: len contiguous host bytes; untouched on error
 *
 * ST_E_RANGE if any byte lies outside RAM or ipa + len wraps; ST_E_SPLIT if the range spans two
 * slots. The guest may change the bytes at any moment: copy, then check, then use. Any thread; no
 * lock; O(slots).
 */
enum status guest_mem_span(const struct guest_mem *gm, uint64_t ipa, uint64_t len, bool write,
                           struct span *out);
/* Copies out of or into RAM; ROM may be written (loaders). ST_E_RANGE as above, then
 * nothing was copied. */
enum status guest_mem_read(const struct guest_mem *gm, uint64_t ipa, void *buf, uint64_t len);
enum status guest_mem_write(const struct guest_mem *gm, uint64_t ipa, const void *buf,
                            uint64_t len);
/* Slot that contains ipa, or NULL. */
const struct mem_slot *guest_mem_slot(const struct guest_mem *gm, uint64_t ipa);

/* ---- Bus ------------------------------------------------------------------------------------- */

struct bus {
    struct dev *dev[VM_DEVS_MAX]; /* sorted by base, disjoint */
    unsigned count;
};

enum status bus_add(struct bus *bus, struct dev *dev);
/* Device whose window contains [ipa, ipa + size), or NULL. */
struct dev *bus_find(const struct bus *bus, uint64_t ipa, unsigned size);

/* ---- vCPU ------------------------------------------------------------------------------------ */

enum vcpu_power { VCPU_OFF, VCPU_ON_PENDING, VCPU_ON };

/* Bits of the pending word: reasons for run to look up from the guest's instructions. */
enum {
    PEND_IRQ = 1,    /* lines changed: look at them */
    PEND_KICK = 2,   /* return EXIT_NONE            */
    PEND_WORK = 4,   /* back end's own (TLB maintenance from other CPUs) */
    PEND_STEP = 8,   /* back end's own (single step, instruction limit)  */
    PEND_EVENT = 16, /* SEV: ends a WFE; run itself ignores it           */
    PEND_DEBUG = 32, /* back end's own: debug events are looked for      */
    PEND_JIT = 64,   /* back end's own: the translator reconsiders       */
};

struct vcpu {
    struct vm *vm;
    unsigned index;
    uint64_t mpidr; /* affinity fields, without the RES1 bit 31 */
    void *accel_state;
    _Atomic uint32_t *pending; /* own_pending, or the back end's */
    _Atomic uint32_t own_pending;
    _Atomic uint32_t lines;  /* bit 0 IRQ, bit 1 FIQ: levels from the GIC */
    _Atomic uint32_t power;  /* enum vcpu_power */
    struct vcpu_start start; /* valid in VCPU_ON_PENDING */
    struct gtimer timer;
    struct lock timer_lock;
    uint64_t timer_deadline_ns; /* under timer_lock */
    uint64_t pmu_deadline_ns;   /* under timer_lock: when a back end wants PEND_WORK for its PMU */
    struct irq_line pmu_irq;
    uint64_t wait_until_ns; /* VCPU_WAIT: guest clock at which it ends; UINT64_MAX: no timeout */
    bool wfe;               /* the wait that VCPU_WAIT asks for is a WFE's: bounded */
    bool stuck_reported;
    unsigned semihost_features_at; /* file position of :semihosting-features */
    struct dev *mmio_last;         /* device of the last access; NULL: none */
    uint64_t exits[EXIT_KINDS], exits_by_ec[64], mmio_reads, mmio_writes, mmio_unknown, psci_calls;
};

/* What the thread of a vCPU does next. */
enum vcpu_action {
    VCPU_RESUME, /* call vcpu_run again                                                          */
    VCPU_WAIT,   /* sleep until vcpu_has_work, wait_until_ns, or (WFE) a millisecond has passed */
    VCPU_PARK,   /* powered off: sleep until vcpu_has_work                                       */
    VCPU_QUIT,   /* the machine is no longer VM_RUNNING                                          */
    VCPU_BREAK,  /* EXIT_DEBUG: the debugger decides                                             */
};

/* Starts the CPU if it is ON_PENDING, runs it to one exit, handles that. */
enum vcpu_action vcpu_run(struct vcpu *vcpu);
/* True if a waiting or parked vCPU must look up. Any thread. */
bool vcpu_has_work(const struct vcpu *vcpu);
/* Sets bits in the pending word and wakes the thread if it waits. Any thread. */
void vcpu_signal(struct vcpu *vcpu, uint32_t pend);

static inline uint64_t vcpu_reg(struct vcpu *vcpu, uint32_t reg);
static inline void vcpu_set_reg(struct vcpu *vcpu, uint32_t reg, uint64_t value);

/* ---- The machine ----------------------------------------------------------------------------- */

#define JIT_HEAT_MAX 255

/* The software CPU's translator; zeros are the defaults. */
struct vm_jit {
    bool diverge; /* every instruction is interpreted as well, and compared; one CPU only */
    bool off;     /* interpret only                                       */
    bool
        count; /* translated code counts instructions exactly; else only while the guest's PMU wants that */
    unsigned plant; /* tests: 1 + the micro-operation whose translation is to be wrong */
    unsigned loop;  /* tests: iterations of a loop before it gets a copy of its own; 0: as usual */
    unsigned ways;  /* tests: ways between regions before one of them is looked at; 0: as usual */
    unsigned heat;  /* entries of a place in code before it is translated, at most JIT_HEAT_MAX */
    uint64_t cache; /* bytes of translated code, for each CPU               */
};

struct vm_config {
    const struct board *board;
    const struct accel_ops *accel;
    unsigned gic_version; /* 2 or 3 */
    unsigned cpus;
    uint64_t ram_size;
    uint64_t max_insns; /* per machine; 0: no limit */
    struct vm_jit jit;
    uint64_t features;                  /* bit per enum a64_feat the guest's CPU has */
    uint64_t features_on, features_off; /* of those, what was asked for by name */
    uint32_t host_on, host_off;         /* of enum accel_feature, by name       */
    const char *cpu_model;
    bool its;         /* GICv3 of a back end's own: with an ITS */
    bool smc_conduit; /* PSCI by SMC as well as HVC is always answered; this is what the devicetree
                         says */
};

enum vm_state { VM_RUNNING, VM_OFF, VM_RESET, VM_EXITED, VM_LIMIT, VM_FAILED };

struct vm {
    struct vm_config config;
    struct accel_caps caps; /* of config.accel */
    struct vm_ports ports;
    struct guest_mem mem;
    struct bus bus;
    struct dev dev[VM_DEVS_MAX];
    unsigned dev_count;
    struct gic *gic;
    struct lock gic_lock;
    struct vcpu *vcpu; /* config.cpus of them */
    uint64_t mpidr[VM_CPUS_MAX];
    const struct a64_table *a64;
    void *accel_state;
    bool accel_made;           /* accel->vm_create succeeded */
    _Atomic uint32_t state;    /* enum vm_state */
    uint32_t exit_status;      /* VM_EXITED: what the guest asked for */
    char fail_text[320];       /* VM_FAILED: why */
    uint64_t clock_offset_ns;  /* guest clock = ports.now_ns - this */
    uint64_t next_deadline_ns; /* as last returned by vm_poll_timers; under timer_lock */
    struct lock timer_lock;
    struct lock power_lock; /* PSCI's view of all vCPUs */
};

/* Builds the machine: memory, GIC, devices, bus, vCPUs; all CPUs off. On failure
 * everything made is undone. */
enum status vm_init(struct vm *vm, const struct vm_config *config, const struct vm_ports *ports,
                    struct err *err);
void vm_fini(struct vm *vm);
/* Device and CPU reset for a reboot; RAM keeps its bytes, the boot plan is applied
 * again by the caller. No vCPU runs. Fails only where a back end cannot start again. */
enum status vm_reset(struct vm *vm, struct err *err);
/* Powers CPU 0 on with the start state. */
void vm_start(struct vm *vm, const struct vcpu_start *start);

/* Guest clock, ns. Any thread. */
uint64_t vm_now_ns(const struct vm *vm);
/* Runs what is due and returns the guest-clock ns of the next deadline (UINT64_MAX:
 * none). The timer thread. */
uint64_t vm_poll_timers(struct vm *vm);
/* Bytes typed at the console. Returns how many the UART took; offer the rest again
 * later. Any thread. */
size_t vm_console_input(struct vm *vm, const uint8_t *bytes, size_t len);
/* Pushes the power button: pressed for 100 ms of the guest's time. Any thread. */
void vm_power_button(struct vm *vm);
/* First device with these ops, or NULL. */
struct dev *vm_find_dev(struct vm *vm, const struct dev_ops *ops);
/* Ends the run: sets the state once (the first caller wins) and kicks every vCPU. Any thread. */
void vm_stop(struct vm *vm, enum vm_state state, uint32_t exit_status);

/* ---- For back ends (on the vCPU's thread) ---------------------------------------------------- */

/*
 * One access to the bus. size 1, 2, 4 or 8; ipa aligned to it. Reads return the value
 * zero-extended. Returns false if nothing is mapped there: the caller injects an external abort
 * (the architecture's answer for unassigned addresses).
 */
bool vm_mmio_read(struct vcpu *vcpu, uint64_t ipa, unsigned size, uint64_t *value);
bool vm_mmio_write(struct vcpu *vcpu, uint64_t ipa, unsigned size, uint64_t value);
/* Generic-timer registers of this CPU: counts, and CTL/CVAL/TVAL of a timer. */
uint64_t vcpu_timer_count(struct vcpu *vcpu, bool virt);
/* Guest clock at which the virtual count reaches a value; UINT64_MAX: never. */
uint64_t vcpu_timer_when(struct vcpu *vcpu, uint64_t count);
uint32_t vcpu_timer_ctl(struct vcpu *vcpu, enum gtimer_id id);
uint64_t vcpu_timer_cval(struct vcpu *vcpu, enum gtimer_id id);
int32_t vcpu_timer_tval(struct vcpu *vcpu, enum gtimer_id id);
void vcpu_timer_set_ctl(struct vcpu *vcpu, enum gtimer_id id, uint32_t ctl);
void vcpu_timer_set_cval(struct vcpu *vcpu, enum gtimer_id id, uint64_t cval);
void vcpu_timer_set_tval(struct vcpu *vcpu, enum gtimer_id id, int32_t tval);
/* Sets PEND_WORK at a time of the guest's clock (once; UINT64_MAX: never). */
void vcpu_pmu_deadline(struct vcpu *vcpu, uint64_t deadline_ns);
/* SEV: wakes every WFE of the machine. */
void vm_send_event(struct vm *vm);
/*
 * translate.c - accel_ops.translate for a back end whose MMU is the hardware's: walks the guest's
 * tables of the EL1&0 regime by its registers.
 */
enum status vcpu_translate(struct vcpu *vcpu, uint64_t va, uint64_t *ipa);

/*
 * inject.c - a synchronous external abort of the instruction at PC, taken to EL1; far_va NULL: not known.
 */
void vcpu_inject_abort(struct vcpu *vcpu, bool fetch, bool write, const uint64_t *far_va);

enum mmio_insn_result {
    MMIO_INSN_DONE,    /* done; PC is behind it                                     */
    MMIO_INSN_ABSENT,  /* nothing is mapped there: inject an external abort         */
    MMIO_INSN_UNKNOWN, /* no load or store of a kind that can be done on a device   */
};

/*
 * mmio_insn.c - does a load or store on the bus whose syndrome does not describe it (ISV = 0): pairs,
 * write-back, SIMD&FP. ipa is where its first byte goes.
 */
enum mmio_insn_result vcpu_mmio_insn(struct vcpu *vcpu, uint32_t word, uint64_t ipa);

/* ---- Exits, PSCI, semihosting ---------------------------------------------------------------- */

/* exit_handler.c: what an exit means for the vCPU's thread. */
enum vcpu_action exit_handle(struct vcpu *vcpu, struct vcpu_exit *exit);
/* exception_handlers.c: the table of 64 by exception class. */
enum vcpu_action exception_handle(struct vcpu *vcpu, struct vcpu_exit *exit);
/* psci_emul.c: an SMCCC call by HVC or SMC; function in x0. False: not a call we know
 * (x0 is then set to NOT_SUPPORTED). */
enum vcpu_action psci_call(struct vcpu *vcpu);
/* Would psci_call change nothing but X0 to X3? The guest just goes on after such a call. */
bool psci_is_plain(struct vcpu *vcpu);
/*
 * exit_handler.c: HVC #0, as a back end's exit with this syndrome would be, if that is a plain call and nobody watches
 * exits: a back end that can may do this instead of leaving its loop. False: nothing has happened.
 */
bool exit_plain_hvc(struct vcpu *vcpu, uint64_t esr);

/*
 * Semihosting's view of the host; Arm's "Semihosting for AArch32 and AArch64" (2.0). Files are the
 * port's business, which confines them; results are as the document says (handle or -1; bytes NOT
 * read or written).
 */
struct semihost_port {
    void *opaque;
    int64_t (*open)(void *opaque, const char *name, unsigned mode);
    int64_t (*close)(void *opaque, int64_t handle);
    int64_t (*read)(void *opaque, int64_t handle, void *buf, uint64_t len);
    int64_t (*write)(void *opaque, int64_t handle, const void *buf, uint64_t len);
    int64_t (*seek)(void *opaque, int64_t handle, uint64_t pos);
    int64_t (*length)(void *opaque, int64_t handle);
    int64_t (*remove)(void *opaque, const char *name);
    int64_t (*rename)(void *opaque, const char *from, const char *to);
    int (*getc)(void *opaque); /* -1: nothing to read, ever */
    const char *command_line;
};

/* semihost.c: one operation (x0, x1 of the vCPU); sets x0 and advances the PC. */
enum vcpu_action semihost_call(struct vcpu *vcpu);

/* dump.c: registers, decoded ESR and the instructions around PC, line by line to the
 * log at level. */
void vcpu_dump(struct vcpu *vcpu, enum log_level level);

static inline uint64_t vcpu_reg(struct vcpu *vcpu, uint32_t reg)
{
    uint64_t value = 0;

    vcpu->vm->config.accel->get_reg(vcpu, reg, &value);
    return value;
}

static inline void vcpu_set_reg(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
    vcpu->vm->config.accel->set_reg(vcpu, reg, value);
}

#endif
