/*
 * accel.h - the contract of a back end: run a vCPU until something happens, then say what, in one
 * form.
 *
 * KVM, WHP, the software CPU and the EL2 monitor each fill one `struct accel_ops`. Differences are
 * data (caps), not #if. A vCPU belongs to the thread that runs it; only kick, set_lines and
 * invalidate_code may be called from others while it runs.
 */
#ifndef ACCEL_H
#define ACCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diagnosis.h"
#include "base/status.h"

struct vm;
struct vcpu;
struct mem_slot;

enum exit_kind {
    EXIT_NONE,     /* kicked, or nothing that concerns anyone: look at pending work, run again */
    EXIT_SYNDROME, /* what hardware takes to EL2 (HVC, SMC, WFI, WFE, aborts): esr, far, ipa */
    EXIT_MMIO,     /* an access to no memory, already decoded     */
    EXIT_SEMIHOST, /* HLT #0xF000: x0 = operation, x1 = argument; pc is at the HLT */
    EXIT_STUCK,    /* the same exception again for ever (vectors that cannot be executed) */
    EXIT_LIMIT,    /* the instruction limit was reached    */
    EXIT_DEBUG,    /* breakpoint, watchpoint or step of an attached debugger    */
    EXIT_POWER,    /* the back end's own PSCI was asked for power-off or reset    */
    EXIT_FAIL,     /* the back end cannot go on; text says why     */
    EXIT_KINDS
};

/* ---- A debugger's wishes --------------------------------------------------------------------- */

enum debug_stop { STOP_STEP, STOP_BREAKPOINT, STOP_WATCHPOINT, STOP_BRK };
enum debug_kind { DEBUG_EXECUTE, DEBUG_READ, DEBUG_WRITE, DEBUG_ACCESS };

struct debug_point {
    uint64_t va;
    uint64_t
        size; /* bytes: 4 for DEBUG_EXECUTE, else 1 to 8 within 8, or a power of two that va is a multiple of */
    enum debug_kind kind;
};

#define DEBUG_POINTS_MAX 32

/* What run is to stop for with EXIT_DEBUG, instead of the guest hearing of it. */
struct accel_debug {
    bool step; /* one instruction */
    bool brk;  /* BRK: software breakpoints that the debugger has put in */
    unsigned count;
    struct debug_point point[DEBUG_POINTS_MAX];
};

struct vcpu_exit {
    enum exit_kind kind;
    union {
        struct {
            uint64_t esr, far_va, ipa;
        } syndrome;
        struct {
            uint64_t ipa;
            uint64_t value; /* to write, or filled by the handler for a read                 */
            uint8_t size;   /* bytes                                                         */
            uint8_t reg;    /* destination of a read: 0..30, 31 is XZR                       */
            bool write, sign_extend, reg64;
        } mmio;
        struct {
            uint64_t esr, pc;
        } stuck;
        struct {
            bool reset;
        } power;
        struct {
            enum debug_stop cause;
            uint64_t address; /* STOP_WATCHPOINT: of the access */
        } debug;              /* PC is at the instruction that is to run next */
        struct {
            char text[320];
        } fail;
    };
};

/* Registers by name; system registers are REG_SYS | their encoding (arch/sysreg.h). */
enum vcpu_reg {
    REG_X0 = 0,  /* .. REG_X0 + 30            */
    REG_SP = 31, /* of the current level      */
    REG_PC = 32,
    REG_PSTATE = 33, /* in SPSR_EL1's layout  */
    REG_SP_EL0 = 34,
    REG_SP_EL1 = 35,
    REG_FPCR = 36,
    REG_FPSR = 37,
    REG_V0_LO = 64, /* .. + 31, low halves   */
    REG_V0_HI = 96, /* .. + 31, high halves  */
    REG_SYS = 0x10000,
};

/* State of a CPU that starts: power-on, PSCI CPU_ON, or the boot plan's entry. */
struct vcpu_start {
    uint64_t pc;
    uint64_t x[4];
    uint64_t sp; /* SP of the entry level */
    uint8_t el;  /* 1 (2 when the back end has EL2) */
    bool off;    /* reset only: the back end's own PSCI will turn it on */
};

#define ACCEL_CALLS 16

/* How often translated code had to call the C code of a micro-operation. */
struct accel_call {
    const char *name; /* NULL: none */
    uint64_t count;
};

/* Counters that a back end keeps per vCPU; others are in struct vcpu. COUNTER(name, what). */
struct accel_stats {
#define COUNTER(name, what) uint64_t name;
#include "base/counters_accel.def"
#undef COUNTER
    uint64_t exceptions[64];              /* taken by the guest, by exception class */
    struct accel_call calls[ACCEL_CALLS]; /* the most frequent first */
};

/* What guests of a hardware back end have beyond its CPU as it comes; --cpu MODEL,NAME=on|off. */
enum accel_feature {
    ACCEL_SVE = 1,   /* "sve"                                                    */
    ACCEL_EL2 = 2,   /* "el2": guests that are hypervisors; only when asked for  */
    ACCEL_STEAL = 4, /* "steal": stolen time, DEN 0057                           */
};

struct accel_caps {
    unsigned max_cpus;
    bool gicv2, gicv3; /* which the guest can have                                   */
    bool own_gic, own_timer, own_psci; /* inside the back end: the core's models stay out of it */
    bool must_kick;    /* run sleeps where it does not see the pending word: kick as well */
    bool limits_insns; /* can stop after a number of instructions */
    bool pmu;          /* the guest's CPUs have a performance monitor, on PPI_PMU */
    uint64_t ipa_bits;
    uint32_t features;                 /* of enum accel_feature: can be had            */
    unsigned breakpoints, watchpoints; /* of the hardware, for set_debug               */
    bool its;                          /* an ITS can be had (vm_config.its)            */
};

struct accel_ops {
    const char *name; /* "soft" */
    const char *what; /* "software CPU" */
    /*
     * Can it work here? Adds to diagnosis what does not (FINDING_FAILS) and what could be better, each with its
     * exact remedy; fills caps if nothing fails. Leaves no trace: whatever it opens or makes, it closes.
     */
    void (*probe)(struct accel_caps *caps, struct diagnosis *diagnosis);
    /* Makes vm->accel_state from vm->config; memory comes by ram_map later. */
    enum status (*vm_create)(struct vm *vm, struct err *err);
    void (*vm_destroy)(struct vm *vm);
    enum status (*ram_map)(struct vm *vm, const struct mem_slot *slot, struct err *err);
    /* Makes vcpu->accel_state, and points vcpu->pending at the word that run watches. */
    enum status (*vcpu_create)(struct vcpu *vcpu, struct err *err);
    void (*vcpu_destroy)(struct vcpu *vcpu);
    /* Architectural reset, then the start state. The vCPU is not running. */
    void (*vcpu_start)(struct vcpu *vcpu, const struct vcpu_start *start);
    /* Runs guest instructions until an exit. The vCPU's registers can be read and
     * changed between two calls. */
    void (*run)(struct vcpu *vcpu, struct vcpu_exit *exit);
    /* Makes run return soon (EXIT_NONE). Any thread. */
    void (*kick)(struct vcpu *vcpu);
    /* Interrupt inputs of the CPU. Any thread; the GIC's lock may be held. */
    void (*set_lines)(struct vcpu *vcpu, bool irq, bool fiq);
    enum status (*get_reg)(struct vcpu *vcpu, uint32_t reg, uint64_t *value);
    enum status (*set_reg)(struct vcpu *vcpu, uint32_t reg, uint64_t value);
    /* Translates a guest VA for reading as the current level would, for dumps and
     * debuggers; no fault, no side effect. */
    enum status (*translate)(struct vcpu *vcpu, uint64_t va, uint64_t *ipa);
    /* Code at [ipa, ipa + len) was written by the host. Any thread; takes effect
     * before the vCPUs next enter run. */
    void (*invalidate_code)(struct vm *vm, uint64_t ipa, uint64_t len);
    /* Statistics so far. The vCPU is not running, or the figures may be a little old. */
    void (*stats)(struct vcpu *vcpu, struct accel_stats *stats);
    /* The rest is NULL in a back end that has no GIC of its own (caps.own_gic). */
    /* All memory is mapped and all vCPUs exist. */
    enum status (*vm_ready)(struct vm *vm, struct err *err);
    /* Reboot: everything that is inside the back end is as after vm_ready. No vCPU runs. */
    enum status (*vm_reset)(struct vm *vm, struct err *err);
    /* Level of an interrupt wire into the back end's GIC; cpu matters for PPIs. Any thread. */
    void (*set_irq)(struct vm *vm, unsigned cpu, uint32_t intid, bool level);
    /* The guest's counters stand still, or go on. No vCPU runs. NULL: they follow the core's clock. */
    void (*stop_time)(struct vm *vm, bool stop);
    /* NULL in a back end that cannot: */
    /* What a debugger waits for on this vCPU; NULL: nothing more. The vCPU is not running. ST_E_FULL: too many points,
     * ST_E_INVAL: one that the hardware has no form for. */
    enum status (*set_debug)(struct vcpu *vcpu, const struct accel_debug *debug);
    /* From now on, or no longer, it is noted which pages of RAM are written. */
    enum status (*dirty_log)(struct vm *vm, bool on, struct err *err);
    /* Pages of a slot that were written since the last call, by the guest: a bit for each 4 KiB, the first in bit 0 of
     * bitmap[0]; (size / 4096 + 63) / 64 words. */
    enum status (*dirty_get)(struct vm *vm, const struct mem_slot *slot, uint64_t *bitmap,
                             struct err *err);
    /*
     * Devices without an exit. event is the host's: an eventfd, a HANDLE. What is connected once can be taken back with
     * the same arguments and on false; it does not outlive vm_reset.
     *
     *   irq_event    each signal of event is an edge of SPI intid; with resample (an event, or -1) the line stays up until
     *                the guest has ended the interrupt, then resample is signalled
     *   mmio_event   a store of size bytes (of value, if that is not NULL) to ipa signals event and nothing else
     */
    enum status (*irq_event)(struct vm *vm, intptr_t event, intptr_t resample, uint32_t intid,
                             bool on);
    enum status (*mmio_event)(struct vm *vm, intptr_t event, uint64_t ipa, unsigned size,
                              const uint64_t *value, bool on);
    /* A device's message to the ITS (vm_config.its). ST_E_NOENT: the guest has no use for it. */
    enum status (*send_msi)(struct vm *vm, uint64_t address, uint32_t data, uint32_t device);
};

/* probe for those who only want to go on: err gets the first thing that fails. ST_E_NOENT: a host of this kind never
 * has it, so that nobody need hear of it who did not ask. */
enum status accel_probe(const struct accel_ops *accel, struct accel_caps *caps, struct err *err);

extern const struct accel_ops accel_soft;
/* Has this build's software CPU a translator? */
extern const bool accel_soft_translates;
extern const struct accel_ops accel_kvm; /* builds for Linux on ARM64 */
extern const struct accel_ops accel_whp; /* builds for Windows        */

#endif
