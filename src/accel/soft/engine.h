/*
 * engine.h - the engine's own state and the functions its files share: run loop, code pages, MMU,
 * TLB, exceptions, system registers. Bodies and lowering know cpu.h only.
 *
 *   soft.c       the back end's contract         run.c     run loop, jump cache, single step
 *   pages.c      code pages                      mmu.c     table walks, TLB refill
 *   tlb.c        contexts, maintenance           mem.c     slow paths of loads and stores
 *   except.c     taking and returning            sysreg.c  system registers
 *   sysop.c      IC, DC, AT, TLBI                idregs.c  what the CPU says it is
 *   debug.c      software step, breakpoints, watchpoints
 *   op_system.c  bodies and lowering of system instructions
 *   pauth.c      pointer authentication          bti.c     landing pads of guarded pages
 *   dry.c        bodies for their registers only jit/      the translator
 *   pmu.c        performance monitors            wait.c    WFE and YIELD
 *   rings.c      maintenance between CPUs, DSB     share.c   who may change code pages when
 */
#ifndef SOFT_ENGINE_H
#define SOFT_ENGINE_H

#include "accel/soft/cpu.h"
#include "accel/soft/models.h"
#include "accel/soft/pmu.h"
#include "accel/soft/tlb.h"
#include "arch/pgtable.h"

/* Storage of system registers: one word a row of sysreg.def. */
enum sys_index {
#define SR(name, op0, op1, crn, crm, op2, access, kind, reset) SYS_##name,
#include "arch/sysreg.def"
#undef SR
    SYS_COUNT
};

/* SCTLR_EL1. */
#define SCTLR_M      (1ull << 0)
#define SCTLR_A      (1ull << 1)
#define SCTLR_SA     (1ull << 3)
#define SCTLR_SA0    (1ull << 4)
#define SCTLR_NAA    (1ull << 6)
#define SCTLR_UMA    (1ull << 9)
#define SCTLR_ENRCTX (1ull << 10)
#define SCTLR_ENDB   (1ull << 13)
#define SCTLR_DZE    (1ull << 14)
#define SCTLR_UCT    (1ull << 15)
#define SCTLR_NTWI   (1ull << 16)
#define SCTLR_NTWE   (1ull << 18)
#define SCTLR_WXN    (1ull << 19)
#define SCTLR_SPAN   (1ull << 23)
#define SCTLR_UCI    (1ull << 26)
#define SCTLR_ENDA   (1ull << 27)
#define SCTLR_ENIB   (1ull << 30)
#define SCTLR_ENIA   (1ull << 31)
#define SCTLR_MSCEN  (1ull << 33)
#define SCTLR_BT0    (1ull << 35)
#define SCTLR_BT1    (1ull << 36)
#define SCTLR_DSSBS  (1ull << 44)
#define SCTLR_EPAN   (1ull << 57)

/* ISS of a trapped WFI or WFE: condition AL, valid; bit 0 says WFE, bit 1 a timeout, whose register is bits 9:5, bit 2
 * says that they hold it. */
#define WFX_ISS 0x1e00000u

#define CODE_HASH_BITS 10

/* The pool of code pages: a hash by physical page and a list by time of last look-up. See share.c. */
struct code_cache {
    struct code_page *hash[1u << CODE_HASH_BITS]; /* is read without the lock */
    struct code_page *newest, *oldest;
    struct code_page *retired; /* by lru_next; to be used again when all have passed retired_at */
    uint64_t retired_at;
    uint32_t count, limit;
    uint32_t doubles; /* pages that are doubled */
    _Atomic uint32_t lock;
    _Atomic uint64_t changes; /* announced so far                                        */
    _Atomic uint64_t moved;   /* the last of them that ends all entries of jump caches   */
    struct jit *jit;          /* NULL: none; the pool is one CPU's                       */
    struct cpu *user[VM_CPUS_MAX];
    unsigned users;
};

/* Pages that a fetch found last, valid while the epoch is: what the jump cache is for addresses, by page. */
#define CODE_RECENT_BITS 8
struct code_recent {
    uint64_t va, epoch;
    struct code_page *page;
};

/* What wait.c remembers of this CPU's looks for an event. */
struct wfe_looks {
    uint8_t
        in_vain; /* 0: the last one found it; else how many WFEs went to sleep at once after the last */
    uint8_t sleeps; /* of those still to come */
};

/* Codes that QARMA computed last: what a function signs at its start it authenticates at its end. */
#define PAC_MEMO_BITS 8
struct pac_memo {
    uint64_t data, modifier, lo, hi;
    uint64_t code;
    bool valid;
};

struct soft_private {
    uint64_t sys[SYS_COUNT];
    struct pgt_half half[2]; /* decoded TCR and TTBRs                                          */
    uint64_t half_tcr;       /* that half was decoded from                                     */
    uint32_t asid;           /* current                                                        */
    struct tlb_ctx *ctx[CTX_COUNT]; /* made on first use                                         */
    struct tlb_ctx *el1[2]; /* of the current ASID and tables: without PAN, with PAN           */
    struct tlb_ctx *el0;    /* of the current ASID and tables; NULL: not looked for yet       */
    struct tlb_ctx *none;   /* never matches: stands for el0 while that is NULL               */
    uint32_t epochs;        /* last one given away                                            */
    uint32_t generation;    /* the first epoch under which there are entries of the jump cache */
    uint64_t ctx_clock;
    struct code_cache *code; /* the machine's, or its own */
    struct code_recent recent[1u << CODE_RECENT_BITS];
    struct jit *jit;               /* NULL: interpreter only */
    uint64_t jit_calls[UOP_COUNT]; /* of bodies, by translated code */
    uint64_t rethought_at;   /* the host's clock when an L0 entry was last looked at: jit_rethink */
    _Atomic bool running;    /* in the run loop or called from there: may use code pages */
    _Atomic uint64_t passed; /* the last change to them that the run loop has seen       */
    bool step_once;          /* a slot cannot be decoded yet: step its instruction       */
    struct inval_ring ring;
    uint64_t sent[VM_CPUS_MAX]; /* ring.posted of the others after my last operation              */
    bool sent_any;              /* DSB has to wait                                                */
    _Atomic bool inside;        /* may use translations without looking at the ring               */
    _Atomic uint64_t awaited;   /* CPUs that sleep in a DSB because of this one                   */
    struct vcpu_exit *exit;     /* of the run call                                                */
    struct vcpu_exit own_exit;  /* where exits go outside of one                                  */
    bool exiting;               /* exit is filled: return                                         */
    bool executing;       /* between two looks of the run loop: page_ops is the page that runs */
    bool event;           /* event register (WFE)                                           */
    bool limited;         /* --max-insns: run.c looks at the count */
    unsigned lower_flags; /* for op_decode                                                  */
    struct op scratch[2]; /* single step: the instruction, and step_end                     */
    uint8_t debug;        /* DEBUG_* that can happen now                              */
    bool stepping;        /* the instruction that runs is a software step             */
    bool step_valid, step_exclusive; /* of the last step: ISV and EX of its exception       */
    /* Endless exceptions: syndrome and return address of the last one. */
    uint64_t stuck_esr, stuck_elr;
    uint32_t stuck_times;
    int64_t limit_count; /* count_bias when the limit was last looked at */
    struct wfe_looks looks;
    struct pmu pmu;
    struct pgt_impl impl;
    const struct soft_model *model;
    uint64_t exceptions; /* and interrupts, taken so far; but for SVC in translated code */
    struct accel_stats stats;
    struct pac_memo pac_memo[1u << PAC_MEMO_BITS];
};

/* Per machine. */
struct soft_vm {
    struct cpu *cpu[VM_CPUS_MAX]; /* of those made so far */
    unsigned cpus;
    struct code_cache *code; /* that CPUs join, if it has a translator */
    _Atomic uint64_t insns;  /* all CPUs, when there is a limit */
};

static inline struct soft_vm *soft_vm_of(const struct cpu *cpu)
{
    return cpu->vcpu->vm->accel_state;
}
static inline uint64_t *sys_reg(struct cpu *cpu, enum sys_index i)
{
    return &cpu->priv->sys[i];
}
/* Instructions executed, while not inside a page's slots. */
static inline uint64_t cpu_insns(const struct cpu *cpu)
{
    return (uint64_t)cpu->count_bias / sizeof(struct op);
}

/* The same inside of them: before op. */
static inline uint64_t cpu_insns_before(const struct cpu *cpu, const struct op *op)
{
    return (uint64_t)(cpu->count_bias + ((const char *)op - (const char *)cpu->page_ops)) /
           sizeof(struct op);
}

/* An op that others may be running, or changing: its fields are there before its function. */
static inline op_fn *op_fn_of(const struct op *op)
{
    return __atomic_load_n(&op->fn, __ATOMIC_ACQUIRE);
}
static inline void op_become(struct op *op, op_fn *fn)
{
    __atomic_store_n(&op->fn, fn, __ATOMIC_RELEASE);
}

/* ---- run.c ----------------------------------------------------------------------------------- */

void soft_run(struct vcpu *vcpu, struct vcpu_exit *exit);
/* Executes exactly one instruction at cpu->pc, or takes the exception that it causes;
 * interrupts are not looked at. */
void soft_step(struct cpu *cpu);
/* Lowers word into the op, whose function comes last. */
enum uop soft_decode(const struct cpu *cpu, unsigned slot, unsigned flags, uint32_t word,
                     struct op *op);
/* Ends the run call after the current op with what *cpu->priv->exit holds. */
void soft_exit(struct cpu *cpu, enum exit_kind kind);
/* The same with a syndrome. */
void soft_exit_syndrome(struct cpu *cpu, enum esr_ec ec, uint32_t iss);
/* Around code that may take long and uses no translations (devices): others need not
 * wait for this CPU meanwhile. */
void soft_outside(struct cpu *cpu);
void soft_inside(struct cpu *cpu);
/* Makes the run loop look at the interrupt lines soon; true if one is up that is not masked. */
bool soft_irq_check(struct cpu *cpu);

/* ---- wait.c ---------------------------------------------------------------------------------- */

/* In a loop that waits: the other thread of a host's core goes first. */
static inline void host_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
/* YIELDs between two at which the host may give the core to another thread: longer than a hand-over takes. */
#define WAIT_YIELDS 256

/* A WFE without an event: looks for one for a while. True: there may be one; false: it is time to sleep. */
bool wait_for_event(struct cpu *cpu);
/* Another thread of the host that waits for this core may have it. */
void wait_give_way(struct cpu *cpu);
/* cpu->yields is used up. */
void wait_yield(struct cpu *cpu);

/* ---- pages.c --------------------------------------------------------------------------------- */

/* The page of code at pa (whose bytes are at host), entered at va, decoded as guarded or not; NULL: no memory for one, or not
 * before other CPUs have passed. May retire others, which changes the epochs. */
struct code_page *code_find(struct cpu *cpu, uint64_t pa, uint64_t va, const uint8_t *host,
                            bool guarded);
/* Forgets what was decoded from [pa, pa + bytes) and is something else now; false: nothing was. */
bool code_forget(struct cpu *cpu, uint64_t pa, uint64_t bytes);
bool code_forget_all(struct cpu *cpu);
/* Frees the pool's pages. */
void code_free(struct cpu *cpu);

/* ---- share.c --------------------------------------------------------------------------------- */

void soft_lock_slow(struct cpu *cpu, _Atomic uint32_t *lock);

/* The pool's lock, or the translator's. A CPU that has them for itself needs none. */
static inline void soft_lock(struct cpu *cpu, _Atomic uint32_t *lock)
{
    if (UNLIKELY(cpu->priv->code->users > 1) && atomic_exchange(lock, 1) != 0) {
        soft_lock_slow(cpu, lock);
    }
}
static inline void soft_unlock(_Atomic uint32_t *lock)
{
    atomic_store_explicit(lock, 0, memory_order_release);
}
/* Under the pool's lock: something was unlinked. moved: jump caches lead to it. Answers the change's number. */
uint64_t code_announce(struct code_cache *code, bool moved);
/* This CPU holds no op and runs no translated code. */
void code_pass(struct cpu *cpu);
/* Have the other CPUs passed the change? And this one? */
bool code_others_passed(const struct cpu *cpu, uint64_t change);
bool code_all_passed(const struct cpu *cpu, uint64_t change);
/* Around the run loop. */
void code_run(struct cpu *cpu);
void code_rest(struct cpu *cpu);
/* The CPU uses the machine's pool, or has one of its own; false: no memory. */
bool code_join(struct cpu *cpu);
/* The last one frees it, and the translator. */
void code_quit(struct cpu *cpu);

/* ---- tlb.c ----------------------------------------------------------------------------------- */

/* Makes the contexts that every CPU has; false: no memory. */
bool tlb_create(struct cpu *cpu);
void tlb_destroy(struct cpu *cpu);
/* Sets what depends on EL, SP, PAN, SCTLR and CPACR: current contexts, epoch,
 * alignment, FP trap. */
void soft_refresh(struct cpu *cpu);
/* TTBR, TCR or ASID changed. */
void tlb_tables_changed(struct cpu *cpu);
void tlb_drop_all(struct cpu *cpu);
/* EL0's context of the current ASID and tables; finds or makes it. */
struct tlb_ctx *tlb_user_ctx(struct cpu *cpu);
/* Remembers that the jump cache leads to va. */
void tlb_note_code(struct cpu *cpu, uint64_t va);
/* New epochs for all contexts: the jump cache is empty. */
void tlb_new_epochs(struct cpu *cpu);
/* Applies one operation here. */
void inval_apply(struct cpu *cpu, const struct inval *iv);

/* ---- rings.c --------------------------------------------------------------------------------- */

/* Posts it to all other CPUs; the next DSB here waits for them. */
void inval_broadcast(struct cpu *cpu, const struct inval *iv);
/* Posts it to one CPU; any thread. */
void inval_post(struct cpu *target, const struct inval *iv);
void inval_drain(struct cpu *cpu);
/* Waits until every other CPU has applied what this one has posted, or runs no guest code. */
void inval_wait(struct cpu *cpu);
/* Wakes those who sleep in inval_wait until this CPU has drained its ring, or has left. False: nobody does. */
bool inval_wake(struct cpu *cpu);

/* ---- mmu.c ----------------------------------------------------------------------------------- */

enum access_kind { ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC };

/* What a walk found. fsc is 0 if the translation exists, else the fault (FSC_* with its level). */
struct walk {
    bool ok;
    uint8_t fsc;
    uint8_t attr;  /* MAIR's byte                          */
    uint8_t perms; /* PGT_*                                */
    uint8_t sh;    /* shareability                         */
    bool ng;
    bool clean;    /* hardware would have to set it dirty  */
    bool guarded;  /* GP: for code of FEAT_BTI             */
    uint64_t pa;   /* of the byte                          */
    uint64_t size; /* that the leaf maps                   */
};

/* Flags of mmu_walk. */
enum { WALK_WRITE = 1 /* sets dirty state */, WALK_PEEK = 2 /* no side effects at all */ };

/*
 * Translates va for the privilege el (0 or 1) and, if that fails, says how. ctx may lend its walk
 * cache; NULL: none.
 */
void mmu_walk(struct cpu *cpu, struct tlb_ctx *ctx, uint64_t va, unsigned el, bool pan,
              enum access_kind kind, unsigned flags, struct walk *w);
/*
 * What the context knows about va, walking the tables if need be: its tlb_info, whose TI_* permit
 * the access. NULL: fault, *fsc says which. Fills the TLB.
 */
const struct tlb_info *mmu_lookup(struct cpu *cpu, struct tlb_ctx *ctx, uint64_t va,
                                  enum access_kind kind, unsigned *fsc);
/* Host address of a physical page, or NULL if no RAM or ROM is there. */
uint8_t *mmu_host(const struct cpu *cpu, uint64_t pa, bool *rom);
/* VA without its tag, as the PC holds it. */
uint64_t mmu_untag(const struct cpu *cpu, uint64_t va);

/* ---- debug.c --------------------------------------------------------------------------------- */

/* Events: the first two need the run loop's slow way. */
enum { DEBUG_STEP = 1, DEBUG_BREAK = 2, DEBUG_WATCH = 4 };

#define MDSCR_KDE (1u << 13) /* of MDSCR_EL1: debug exceptions from EL1, if PSTATE.D allows them */

/* PSTATE, the Exception level or a register below changed: which events can happen now? */
void debug_refresh(struct cpu *cpu);
/* PSTATE.DAIF alone changed. */
void debug_masks_changed(struct cpu *cpu);
/* MSR of MDSCR, DBGBVR, DBGBCR, DBGWVR, DBGWCR, OSLAR, OSDLR. */
void debug_write(struct cpu *cpu, enum sys_index row, uint64_t value);
/* Executes one instruction, or takes the software step exception instead. */
void debug_step(struct cpu *cpu);
/* True if a breakpoint exception was taken instead of the instruction at pc. */
bool debug_breakpoint(struct cpu *cpu, uint64_t pc);
/* Must accesses take the slow path, as one of these bytes is watched? */
bool debug_range_watched(const struct cpu *cpu, uint64_t va, uint64_t bytes);
/* True if a watchpoint exception was taken instead of the access. user: with EL0's permissions. */
bool debug_watchpoint(struct cpu *cpu, const struct op *op, uint64_t va, unsigned size, bool write,
                      bool user);
/* PSTATE.SS after an exception return to el (DebugExceptionReturnSS). */
uint32_t debug_return_ss(const struct cpu *cpu, uint32_t spsr, unsigned el);

/* ---- mem.c ----------------------------------------------------------------------------------- */

/* Data abort at va. cm: cache maintenance. */
void mem_fault(struct cpu *cpu, const struct op *op, uint64_t va, unsigned fsc, bool write,
               bool cm);
/* Zeroes the block of DC ZVA around va. */
void mem_zero_block(struct cpu *cpu, const struct op *op, uint64_t va);

/* ---- except.c -------------------------------------------------------------------------------- */

enum exc_vector { VECTOR_SYNC = 0, VECTOR_IRQ = 0x80, VECTOR_FIQ = 0x100, VECTOR_SERROR = 0x180 };

/* Takes an exception to EL1 whose preferred return address is ret. Outside of slots. */
void except_take(struct cpu *cpu, enum exc_vector vector, uint64_t esr, uint64_t far_va,
                 bool far_valid, uint64_t ret);
/* The state as SPSR_EL1 would hold it. */
uint32_t cpu_spsr(const struct cpu *cpu);
/* Sets EL, SP and the rest of PSTATE (PS_*, no NZCV), and everything that depends on it. */
void cpu_set_pstate(struct cpu *cpu, uint32_t pstate);
/*
 * ERET: restores PSTATE from SPSR_EL1 and returns target (from ELR_EL1) as the PC holds it. insns: the
 * count of instructions, this one included. BTYPE is left in cpu->pstate; if it is not 0, cpu_settle_btype follows when
 * the count is exact.
 */
uint64_t except_return(struct cpu *cpu, uint64_t target, uint64_t insns);
/* Moves BTYPE from cpu->pstate to where it lives; the instruction at cpu->pc is next. */
void cpu_settle_btype(struct cpu *cpu);
/* Exception by a fault of instruction fetch. */
void except_fetch(struct cpu *cpu, enum esr_ec ec, uint32_t iss, uint64_t far_va);

/* ---- bti.c, pauth.c -------------------------------------------------------------------------- */

/* May the instruction be the target of the branch that set PSTATE.BTYPE? ("BTypeCompatible") */
bool bti_lands_on(const struct cpu *cpu, uint32_t word);
/* TCR_EL1 has changed: works out cpu->pac. */
void pauth_layout(struct cpu *cpu);

/* ---- sysreg.c, idregs.c ---------------------------------------------------------------------- */

/* Row of an encoding, or SYS_COUNT. */
enum sys_index sysreg_row(uint32_t encoding);
/* Does this CPU have it? */
bool sysreg_exists(const struct cpu *cpu, enum sys_index row);
/* MRS and MSR, op->imm being the row; cpu->left after a trap. */
uint64_t soft_mrs(struct cpu *cpu, const struct op *op);
void soft_msr(struct cpu *cpu, const struct op *op);
/* The state itself (get_reg, set_reg): no access rules. False: no such register, or
 * not to be set. */
bool sysreg_get(struct cpu *cpu, uint32_t encoding, uint64_t *value);
bool sysreg_set(struct cpu *cpu, uint32_t encoding, uint64_t value);
/* True if MRS (or MSR) of the row needs nothing but the storage at EL1 and, if el0, at
 * EL0 as well. */
bool sysreg_is_plain(const struct cpu *cpu, enum sys_index row, bool write, bool el0);
void sysreg_reset(struct cpu *cpu);
/* Fills the identification registers. */
void idregs_init(struct cpu *cpu);
/* Trap of a system instruction at EL0: EC_SYSREG with its ISS. read: MRS or SYSL. */
void sysreg_trap(struct cpu *cpu, const struct op *op);

/* ---- pmu.c ----------------------------------------------------------------------------------- */

/* Brings the counters up to the count of instructions; then pmu_plan, at the Exception level that follows. */
void pmu_sync_slow(struct cpu *cpu, uint64_t insns);
/* Does a counter count instructions? */
bool pmu_counts_insns(const struct cpu *cpu);
void pmu_plan(struct cpu *cpu);
void pmu_event_slow(struct cpu *cpu, enum pmu_event event);
/* The run loop is entered: time counts from now on. */
void pmu_run(struct cpu *cpu);
void pmu_reset(struct cpu *cpu);
/* MRS and MSR: counters up to insns, then the access itself. */
void pmu_before_access(struct cpu *cpu, uint64_t insns);
uint64_t pmu_read(const struct cpu *cpu, enum sys_index row);
void pmu_write(struct cpu *cpu, enum sys_index row, uint64_t value);
/* Does PMUSERENR_EL0 withhold it from EL0? */
bool pmu_el0_trapped(const struct cpu *cpu, enum sys_index row, bool write);

static inline void pmu_sync(struct cpu *cpu, uint64_t insns)
{
    if (UNLIKELY(cpu->priv->pmu.live)) {
        pmu_sync_slow(cpu, insns);
    }
}
static inline void pmu_event(struct cpu *cpu, enum pmu_event event)
{
    if (UNLIKELY(cpu->priv->pmu.live)) {
        pmu_event_slow(cpu, event);
    }
}

/* ---- sysop.c --------------------------------------------------------------------------------- */

/* Number of the operation that a SYS instruction's encoding stands for on this CPU
 * model, or -1: UNDEFINED. */
int sysop_find(const struct cpu *cpu, uint32_t encoding);
/* SYS, op->imm being that number; cpu->left after a fault or trap. */
void soft_sys(struct cpu *cpu, const struct op *op);

#endif
