/*
 * cpu.h - the software CPU: its state, its micro-operations, and what their C bodies may use.
 *
 * How it runs
 *
 *   A guest page that holds code has a `struct code_page`: one `struct op` slot for each of its
 *   1024 instruction words, plus a sentinel. A slot starts as op_decode, which decodes the word,
 *   lowers it to one micro-operation (uop), overwrites the slot and continues in it. A body ends by
 *   going to another slot: the next one (NEXT), a target in the same page (near_branch), or
 *   anywhere (far_jump). With a compiler that makes tail calls that is a jump, so the host's branch
 *   predictor sees one indirect jump per instruction; otherwise a loop in run.c does it
 *   (SOFT_TAILCALL).
 *
 *       code_page.ops   [0] add ─▶ [1] ldr ─▶ [2] b.ne ─▶ … [1023] ─▶ [1024] op_page_end
 *                        ▲                     │ near_branch
 *                        └─────────────────────┘
 *
 *   Without a translator slots have further functions, which are no uops: fwd.h.
 *
 *   The PC is not stored: it is page_va + 4 * slot index. LEAVE ends the run of slots and returns
 *   to run.c, which looks at why (cpu->pc is valid then).
 *
 * Rules for bodies
 *
 *   - A body never passes the address of a local to a function that is not inlined: that silently
 *     turns the tail call into a call and the host's stack grows. Slow paths return values, and say
 *     "did not happen" by cpu->left.
 *   - After any slow-path call: if (UNLIKELY(cpu->left)) LEAVE(); nothing may have been written
 *     before that which the restarted instruction would see (write-back and destination registers
 *     come last).
 *   - One C body per uop is the meaning of the instruction: interpreter, oracle, and what the JIT
 *     will be compared to.
 */
#ifndef SOFT_CPU_H
#define SOFT_CPU_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/a64.h"
#include "arch/esr.h"
#include "arch/sysreg.h"
#include "base/bits.h"
#include "base/compiler.h"
#include "vm.h"

#define PAGE_BITS  12
#define SOFT_PAGE  4096u
#define PAGE_SLOTS 1024

struct cpu;
struct op;
struct dry;

/* ---- Ops ------------------------------------------------------------------------------------- */

/* The bodies a second time, for calls from translated code: see jit/calls.c. */
#if defined(SOFT_CALL_FORM)
#define SOFT_TAILCALL 0
#define UOP_FN(name)  call_##name
#else
#define UOP_FN(name) op_##name
#endif

#if !defined(SOFT_TAILCALL)
#if defined(__clang__) || \
    (defined(__GNUC__) && defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__))
#define SOFT_TAILCALL 1
#else
#define SOFT_TAILCALL 0
#endif
#endif

#if SOFT_TAILCALL
typedef void op_ret;
#define GOTO_OP(next_op)                                   \
    do {                                                   \
        const struct op *next_ = (next_op);                \
        __asm__("" : "+r"(next_)); /* or GCC adds twice */ \
        MUSTTAIL return next_->fn(cpu, next_);             \
    } while (0)
#define LEAVE() return
#else
typedef const struct op *op_ret;
#define GOTO_OP(next_op) return (next_op)
#define LEAVE()          return NULL
#endif

typedef op_ret HV_ENGINE_ABI op_fn(struct cpu *cpu, const struct op *op);

struct op {
    op_fn *fn;
    uint8_t rd, rn, rm, ra; /* register numbers; integer ones index cpu->x (see X_*) */
    uint32_t word;          /* the instruction                                        */
    uint64_t
        imm; /* whatever the uop wants; for near branches the distance in bytes between slots */
};

#define NEXT() GOTO_OP(op + 1)

/* Integer register file: X0-X30, then the current SP, a zero that is never written, a
 * sink that is never read. */
/* X_KEPT and the next: operands of the comparison that NZCV are of, where translated code keeps them (jit/exact.c). */
enum { X_SP = 31, X_ZERO = 32, X_SINK = 33, X_KEPT = 34, X_COUNT = 36 };

/*
 * The micro-operations: UOP(name, flags). uop.def includes one file per module. Each has a body
 * UOP_BODY(name) in the module's op_*.c; uops.c makes the table.
 */
enum { UOP_NZCV_IN = 1, UOP_NZCV_OUT = 2, UOP_FAULTS = 4, UOP_ENDS_BLOCK = 8 };

enum uop {
#define UOP(name, flags) UOP_##name,
#include "accel/soft/uop.def"
#undef UOP
    UOP_COUNT
};

#define UOP(name, flags) op_fn op_##name;
#include "accel/soft/uop.def"
#undef UOP

struct uop_info {
    const char *name;
    op_fn *fn;
    uint32_t flags;
};

extern const struct uop_info uop_table[UOP_COUNT];

#if defined(SOFT_CALL_FORM)
#define UOP(name, flags) op_fn call_##name;
#include "accel/soft/uop.def"
#undef UOP
#endif

#define UOP_BODY(name) op_ret HV_ENGINE_ABI UOP_FN(name)(struct cpu * cpu, const struct op *op)

/* ---- Lowering -------------------------------------------------------------------------------- */

enum {
    LOWER_FAR = 1,     /* every branch is a far one: single step, instruction limit */
    LOWER_GUARDED = 2, /* the instruction is in a guarded page (FEAT_BTI)           */
};

struct lower {
    const struct cpu *cpu; /* for features and model constants only: never registers */
    unsigned slot;         /* index of the instruction in its page                     */
    unsigned flags;        /* LOWER_*                                                  */
    const struct a64_row *row;
};

/*
 * A family's lowering: fills op->rd, rn, rm, ra, imm (op->word is set) and answers the uop.
 * UOP_undefined for what the pattern alone cannot exclude. The row's feature has been checked.
 */
typedef enum uop lower_fn(const struct lower *lo, uint32_t word, struct op *op);

#if defined(SOFT_CALL_FORM)
#define INSN(name, pattern, feat, flags, lower, assembler) \
    static __attribute__((unused)) lower_fn lower_##lower;
#else
#define INSN(name, pattern, feat, flags, lower, assembler) lower_fn lower_##lower;
#endif
#include "arch/a64.def"
#undef INSN

/* Decodes word and lowers it; UOP_undefined if unallocated or without its feature. */
enum uop lower_insn(const struct lower *lo, uint32_t word, struct op *op);

/* Register field as integer register: 31 is XZR as a source or a destination, or SP. */
static inline uint8_t xr_src(unsigned r)
{
    return r == 31 ? X_ZERO : (uint8_t)r;
}
static inline uint8_t xr_dst(unsigned r)
{
    return r == 31 ? X_SINK : (uint8_t)r;
}
static inline uint8_t xr_sp(unsigned r)
{
    return (uint8_t)r;
}

/*
 * A direct branch by delta_bytes from lo->slot: true if the target is in the same page (op->imm is
 * then the distance between slots, in bytes); false: op->imm is the displacement and the uop's far
 * form must be used.
 */
bool lower_branch(const struct lower *lo, int64_t delta_bytes, struct op *op);

/* ---- State ----------------------------------------------------------------------------------- */

/* Any view of a V register; element 0 is the lowest. */
union vreg {
    uint8_t b[16];
    uint16_t h[8];
    uint32_t s[4];
    uint64_t d[2];
    int8_t sb[16];
    int16_t sh[8];
    int32_t ss[4];
    int64_t sd[2];
} __attribute__((aligned(16)));

/* By one store: a body that then loads all 16 bytes would wait until two were in the cache. */
static ALWAYS_INLINE void vreg_set(union vreg *v, uint64_t lo, uint64_t hi)
{
    typedef uint64_t both __attribute__((vector_size(16), may_alias));

    *(both *)v = (both){ lo, hi };
}

#define TLB_BITS    13
#define TLB_ENTRIES (1u << TLB_BITS)
#define TLB_NEVER   (~0ull) /* a tag that no access has: its low bits are set */

/*
 * One 4 KiB page. A tag is the page's VA (with its top byte) if the fast path may be used, else TLB_NEVER. The window is around the
 * page, aligned to its size, a power of 2: all of it is like this page, in RAM of one piece, and behind one descriptor, so
 * that whatever drops a page of it hits a block (or the granule).
 */
struct tlb_entry {
    uint64_t rtag, wtag;
    uint64_t window; /* bytes                      */
    uint64_t addend; /* host address = va + addend */
};

struct tlb_ctx; /* tlb.h: entries first */

/*
 * L0: what translated code found last in the TLB, by base register (the second half: by base and index), so that the
 * address need not be known to find one. An entry is a window: addresses from lo on that one descriptor maps onto host
 * memory of one piece, a page or (of a block) more. An access lies in it if its address less lo is below
 * the limit of its size; a limit of 0 is an empty entry. What is in the window's last bytes and fits is refused, too.
 */
#define L0_ENTRIES 64

enum { L0_READ, L0_WRITE };

/* Accesses of up to 8 bytes, of up to 32. */
enum { L0_NARROW = 8, L0_WIDE = 32 };

struct l0_entry {
    _Alignas(32) uint64_t lo;
    uint64_t narrow, wide; /* bytes - 7, bytes - 31 */
    uint64_t addend;       /* host address = va + addend */
};

struct tlb_l0 {
    struct l0_entry e[2][L0_ENTRIES]; /* L0_READ, L0_WRITE          */
    uint64_t used[2];                 /* bit n: e[][n] may be filled */
    const struct tlb_ctx *owner;      /* whose they are              */
};

/* At how many addresses a page is entered. */
enum code_vas { VA_MANY, VA_ONE };

struct code_page {
    struct op ops[PAGE_SLOTS + 1];
    uint64_t pa;
    uint64_t lines;      /* bit n: 64-byte line n has decoded slots */
    uint64_t reset;      /* the last change that reset slots, until all have passed it; or 0 */
    bool guarded;        /* decoded as a guarded page of FEAT_BTI   */
    bool used;           /* looked up lately: pages.c               */
    const uint8_t *host; /* the guest's bytes                        */
    bool
        aligned; /* decoded for a CPU that checks the alignment of all accesses; with a translator only */
    bool el0;             /* decoded for EL0; with a translator only */
    uint8_t vas;          /* enum code_vas                           */
    uint64_t va;          /* VA_ONE: the one                         */
    bool doubled;         /* VA_ONE: there is one for VA_MANY, too   */
    struct jit_page *jit; /* jit/jit.h; NULL: nothing in it is counted or translated */
    bool has_fwd;         /* a struct fwd_slot for each op follows in memory: fwd.h         */
    struct code_page *next_hash, *lru_prev, *lru_next;
};

/*
 * The jump cache's entries are of an epoch: of a context since code was last taken out of it (tlb.h). A generation of all
 * entries ends when code pages or translations go, and they with it: its epochs are those from priv->generation on.
 *
 * Translated code takes 16 bits of an address for its place, so a misaligned one looks at another word of an entry than its va,
 * and must not find itself there: epochs end in 00, as pointers to ops do, and host never in 11 (entry in jit/translate.c).
 */
#define EPOCH_STEP 4
#define EPOCH_LAST 0xfffffff0u

struct jc_entry {
    uint64_t va, epoch;
    const struct op *op;
    const void *host; /* where translated code goes on there */
};

/* What translated code counts, where it is slow anyway: counters_accel.def. */
struct jit_counts {
    uint64_t l0_refills, l0_misses;
    uint64_t far_misses, far_renewed, far_interp, near_interp, ret_misses, leaves;
};

#define JC_BITS 14

#define JC_INDEX_MASK ((1u << JC_BITS) - 1)

/* PSTATE bits where SPSR_EL1 has them. NZCV is kept apart (see flags). */
enum {
    PS_SP = 1,
    PS_EL_SHIFT = 2,
    PS_F = 1 << 6,
    PS_I = 1 << 7,
    PS_A = 1 << 8,
    PS_D = 1 << 9,
    PS_BTYPE_SHIFT = 10,
    PS_BTYPE = 3 << PS_BTYPE_SHIFT, /* in SPSR; the CPU's own is cpu->btype */
    PS_SSBS = 1 << 12,
    PS_IL = 1 << 20,
    PS_SS = 1 << 21,
    PS_PAN = 1 << 22,
    PS_UAO = 1 << 23,
    PS_DIT = 1 << 24,
    PS_TCO = 1 << 25,
};

/*
 * Where the pointer authentication code of an address goes ("CalculateBottomPACBit" and
 * "EffectiveTBI" of the manual's pseudocode, worked out when TCR_EL1 is written).
 */
struct pac_layout {
    uint64_t field[2]; /* bits that hold the code or the sign, by half (bit 55, which stays, too) */
    unsigned half_bit; /* that says which half an address without a code belongs to               */
};

#define FPCR_AHP      (1u << 26)
#define FPCR_DN       (1u << 25)
#define FPCR_FZ       (1u << 24)
#define FPCR_RM_SHIFT 22
#define FPCR_FZ16     (1u << 19)
enum {
    FPSR_IOC = 1,
    FPSR_DZC = 2,
    FPSR_OFC = 4,
    FPSR_UFC = 8,
    FPSR_IXC = 16,
    FPSR_IDC = 128,
    FPSR_QC = 1 << 27
};

/* MXCSR: flags masked, round to nearest, nothing flushed; its rounding field. The flags in bits 5:0 are IOC, one for
 * denormal operands, DZC, OFC, UFC, IXC. */
#define MXCSR_DEFAULT 0x1f80u
#define MXCSR_RC      0x6000u

/* Why translated code cannot just do vector arithmetic: FP traps; FPCR flushes denormals; V registers and MXCSR are not in the
 * host's registers (jit/vec.h; never clear while C runs). */
enum { GATE_TRAP = 1, GATE_FZ = 2, GATE_OUT = 4 };

/* A count that is never reached. */
#define BTYPE_NEVER INT64_MIN

/* Of a loop, perhaps of several (jit/loop.c): what is counted until jit_rethink looks at it; iterations in the copy, below 0; how
 * often the copy is taken until then, or 0: that is not what is counted. */
struct loop_cell {
    int64_t left, ran, takes;
};
#define LOOP_CELLS 256

struct cpu {
    /* Hot: within a byte displacement of the pointer where it pays. */
    uint64_t x[X_COUNT];
    /* NZCV, lazily: N is the sign of flag_n, Z is flag_z == 0, C is flag_c (0 or 1), V is the sign
     * of flag_v. 32-bit operations sign-extend their result into n and z. */
    int64_t flag_n;
    uint64_t flag_z;
    uint64_t flag_c;
    int64_t flag_v;
    const struct tlb_ctx *tlb;      /* of the current EL and PAN      */
    const struct tlb_ctx *tlb_user; /* EL0's view: LDTR, STTR */
    uint64_t align_mask; /* ~0: unaligned data accesses fault (SCTLR.A, or MMU off); else 0       */
    const struct op *page_ops; /* slot 0 of the page that runs (biased in single step) */
    uint64_t page_va;          /* its VA          */
    int64_t count_bias; /* instructions so far = (count_bias + (char *)op - (char *)page_ops) /
                           sizeof(op) */
    int64_t count_stop; /* --max-insns: where translated code leaves; else never reached */
    /* Of the current context: tags the jump cache. Translated code compares it together with pending, which follows: as one
     * word they are an entry's epoch only if nothing is pending. */
    uint32_t epoch __attribute__((aligned(8)));
    _Atomic uint32_t pending; /* PEND_* */
    uint32_t jc_salt;  /* spreads the contexts over the jump cache: they use the same addresses */
    uint32_t jit_nzcv; /* NZCV while translated code runs: jit/translate.h */
    uint32_t
        jit_redo; /* who has set them, where that matters: a place in the code cache, or 0: jit/exact.c */
    /* Misses of L0 entries until one of them is looked at, and then which: jit/jit.h, jit_rethink. */
    int32_t l0_budget;
    uint64_t l0_op; /* its op, perhaps | L0_GROUP */
    /* The same for ways between regions (jit/link.c): until one is looked at, and its struct jit_way, or 0. */
    int32_t way_budget;
    uint64_t jit_way;
    uint64_t loop_op,
        loop_at; /* a loop's head that has been counted down, and where in its region: jit/loop.c */
    int32_t yields; /* YIELDs until the host's scheduler hears of one: wait.c */
    bool left;      /* a slow path ended the instruction: pc says where to go on                 */
    bool nzcv_old;  /* run.c: nothing shall see NZCV before they have been set again: jit/exact.c */
    bool fp_trap;   /* FP and SIMD trap at this EL (CPACR_EL1.FPEN)                               */
    uint32_t pstate; /* PS_* with EL and SP; no NZCV                                              */
    uint32_t fpcr, fpsr; /* written by cpu_set_fpcr, cpu_set_fpsr; FPSR is read by cpu_fpsr */
    uint8_t fp_gate;     /* GATE_* */
    bool v_again;        /* the shared code that leaves translated code put the V registers away */
    uint32_t mxcsr, mxcsr_default; /* the guest's and C's */
    uint64_t sp_align_mask;        /* 15 if SP alignment is checked at this EL, else 0 */
    uint64_t pc; /* valid outside of ops and after LEAVE                                      */
    uint64_t excl_va, excl_lo,
        excl_hi; /* exclusive monitor: address, size and the value that was loaded          */
    void *excl_host;
    uint32_t excl_size; /* 0: open; bytes */
    /* PSTATE.BTYPE is btype while the count is btype_count, and 0 from the next instruction on. */
    uint32_t btype;
    int64_t btype_count;
    struct pac_layout pac[2]; /* instruction addresses, data addresses */
    union vreg v[32];
    uint32_t jit_fp_nzcv[72]; /* jit/vregs.c */
    /* jit/stubs.c: the host's stack without frames and at its deepest; scratch; the epoch before a call. */
    uint64_t host_sp, host_limit, jit_tmp[3], jit_epoch;
    struct jit_counts jit_counts;
    struct vcpu *vcpu;
    uint64_t features;   /* bit per enum a64_feat */
    struct tlb_l0 l0[2]; /* EL1's, EL0's: code pages are of one of them */
    struct loop_cell loops[LOOP_CELLS];
    struct jc_entry jc[1u << JC_BITS];
    struct soft_private
        *priv; /* engine.h: contexts, code pages, system registers, exit in the making        */
    struct dry *dry; /* dry.h: bodies run for their registers only; NULL in a real CPU */
};

/* Index in cpu->jc. jit_far in jit/stubs.c has the same: with its two lowest bits the index is 16 bits of the address. */
static ALWAYS_INLINE unsigned jc_index(const struct cpu *cpu, uint64_t va)
{
    _Static_assert(JC_BITS == 14, "jit_far");
    return ((unsigned)va ^ cpu->jc_salt) >> 2 & JC_INDEX_MASK;
}
static inline unsigned cpu_el(const struct cpu *cpu)
{
    return cpu->pstate >> PS_EL_SHIFT & 3;
}
static inline uint64_t cpu_pc(const struct cpu *cpu, const struct op *op)
{
    return cpu->page_va + (uint64_t)(op - cpu->page_ops) * 4;
}
static inline bool cpu_has(const struct cpu *cpu, enum a64_feat f)
{
    return (cpu->features >> f & 1) != 0;
}
/* Is the next instruction the target of a branch that set PSTATE.BTYPE? Outside of slots. */
static inline bool cpu_btype_live(const struct cpu *cpu)
{
    return cpu->btype_count == cpu->count_bias;
}

/* ---- Floating-point control and status -------------------------------------------------------- */

/* FPSR: what C bodies have raised, and what translated code has. */
static inline uint32_t cpu_fpsr(const struct cpu *cpu)
{
    return cpu->fpsr | (cpu->mxcsr & 1) | (cpu->mxcsr >> 1 & 0x1e);
}
static inline void cpu_set_fpsr(struct cpu *cpu, uint32_t fpsr)
{
    cpu->fpsr = fpsr;
    cpu->mxcsr &= ~0x3fu;
}
static inline void cpu_set_fpcr(struct cpu *cpu, uint32_t fpcr)
{
    static const uint16_t rc[4] = { 0, 0x4000, 0x2000, 0x6000 };

    cpu->fpcr = fpcr;
    cpu->mxcsr_default = MXCSR_DEFAULT;
    cpu->mxcsr = (cpu->mxcsr & 0x3f) | MXCSR_DEFAULT | rc[fpcr >> FPCR_RM_SHIFT & 3];
    cpu->fp_gate =
        (uint8_t)((cpu->fp_gate & GATE_TRAP) | GATE_OUT | ((fpcr & FPCR_FZ) != 0 ? GATE_FZ : 0));
}
static inline void cpu_set_fp_trap(struct cpu *cpu, bool trap)
{
    cpu->fp_trap = trap;
    cpu->fp_gate = (uint8_t)((cpu->fp_gate & ~GATE_TRAP) | (trap ? GATE_TRAP : 0));
}

/* ---- Flags ----------------------------------------------------------------------------------- */

static inline uint32_t cpu_nzcv(const struct cpu *cpu)
{
    return (uint32_t)(cpu->flag_n < 0) << 31 | (uint32_t)(cpu->flag_z == 0) << 30 |
           (uint32_t)cpu->flag_c << 29 | (uint32_t)(cpu->flag_v < 0) << 28;
}

/* nzcv in bits 31:28; the others are ignored. */
static inline void cpu_set_nzcv(struct cpu *cpu, uint32_t nzcv)
{
    cpu->flag_n = (nzcv & 1u << 31) ? -1 : 0;
    cpu->flag_z = !(nzcv & 1u << 30);
    cpu->flag_c = nzcv >> 29 & 1;
    cpu->flag_v = (nzcv & 1u << 28) ? -1 : 0;
}

/* Does condition cond (0..15; 14 and 15 always) hold? With a constant cond this is one
 * or two instructions. */
static ALWAYS_INLINE bool cpu_cond(const struct cpu *cpu, unsigned cond)
{
    bool r;

    switch (cond >> 1) {
    case 0: r = cpu->flag_z == 0; break;
    case 1: r = cpu->flag_c != 0; break;
    case 2: r = cpu->flag_n < 0; break;
    case 3: r = cpu->flag_v < 0; break;
    case 4: r = cpu->flag_c != 0 && cpu->flag_z != 0; break;
    case 5: r = (cpu->flag_n ^ cpu->flag_v) >= 0; break;
    case 6: r = (cpu->flag_n ^ cpu->flag_v) >= 0 && cpu->flag_z != 0; break;
    default: return true;
    }
    return r != (cond & 1);
}

/* F(name, number, args...) for each condition that can fail. */
#define CONDITIONS(F, ...) \
    F(eq, 0, __VA_ARGS__)  \
    F(ne, 1, __VA_ARGS__)  \
    F(hs, 2, __VA_ARGS__)  \
    F(lo, 3, __VA_ARGS__)  \
    F(mi, 4, __VA_ARGS__)  \
    F(pl, 5, __VA_ARGS__)  \
    F(vs, 6, __VA_ARGS__)  \
    F(vc, 7, __VA_ARGS__)  \
    F(hi, 8, __VA_ARGS__)  \
    F(ls, 9, __VA_ARGS__)  \
    F(ge, 10, __VA_ARGS__) \
    F(lt, 11, __VA_ARGS__) \
    F(gt, 12, __VA_ARGS__) \
    F(le, 13, __VA_ARGS__)

/* Slot 0 of the page in which to, reached at va, is. */
static inline const struct op *page_of_op(const struct op *to, uint64_t va)
{
    return to - (va >> 2 & (PAGE_SLOTS - 1));
}

/* ---- Branches (macros, because they end the body) -------------------------------------------- */

/* Leaves before op, because something is pending. */
op_fn soft_attend_at;

/* To a slot of the same page; op->imm is the distance in bytes. A backward one looks at pending. */
#define NEAR_BRANCH()                                                                        \
    do {                                                                                     \
        const struct op *target_ = (const struct op *)((const char *)op + (int64_t)op->imm); \
        cpu->count_bias += (int64_t)sizeof(struct op) - (int64_t)op->imm;                    \
        if ((int64_t)op->imm <= 0 &&                                                         \
            UNLIKELY(atomic_load_explicit(&cpu->pending, memory_order_relaxed) != 0)) {      \
            MUSTTAIL return soft_attend_at(cpu, target_);                                    \
        }                                                                                    \
        GOTO_OP(target_);                                                                    \
    } while (0)

/*
 * count_bias whenever the CPU is not inside a page's slots is exactly the count: it is bytes,
 * sizeof(struct op) each. LEAVE_TO(va): end the slots after op has been executed, go on at va.
 * LEAVE_AT(): op has not been executed (it will be repeated, or an exception was taken and pc is
 * set already).
 */
#define COUNT_OUT(op_, executed) \
    (cpu->count_bias += (const char *)((op_) + (executed)) - (const char *)cpu->page_ops)

#define LEAVE_TO(va_)     \
    do {                  \
        cpu->pc = (va_);  \
        COUNT_OUT(op, 1); \
        LEAVE();          \
    } while (0)

/*
 * To any address, through the jump cache; count_bias is the count already. lands: an expression
 * that may refuse the entry je_; run.c then looks closer.
 */
#define FAR_ENTER(va_) FAR_ENTER_IF(va_, true)
#define FAR_ENTER_IF(va_, lands)                                                                 \
    do {                                                                                         \
        const uint64_t far_va_ = (va_);                                                          \
        const struct jc_entry *je_ = &cpu->jc[jc_index(cpu, far_va_)];                           \
        if (LIKELY(je_->va == far_va_ && je_->epoch == cpu->epoch &&                             \
                   atomic_load_explicit(&cpu->pending, memory_order_relaxed) == 0 && (lands))) { \
            const struct op *to_ = je_->op;                                                      \
            cpu->page_ops = page_of_op(to_, far_va_);                                            \
            cpu->page_va = far_va_ & ~(uint64_t)(SOFT_PAGE - 1);                                 \
            cpu->count_bias -= (const char *)to_ - (const char *)cpu->page_ops;                  \
            GOTO_OP(to_);                                                                        \
        }                                                                                        \
        cpu->pc = far_va_;                                                                       \
        LEAVE();                                                                                 \
    } while (0)

/* The same from a branch: counts op as executed. */
#define FAR_JUMP(va_)                    \
    do {                                 \
        const uint64_t jump_va_ = (va_); \
        COUNT_OUT(op, 1);                \
        FAR_ENTER(jump_va_);             \
    } while (0)

/* ---- Memory ---------------------------------------------------------------------------------- */

/* How an access is made: log2 of its size in bytes (0..4) and what is special about it. */
enum {
    MO_SIZE = 7,
    MO_USER = 8, /* with EL0's permissions (LDTR, STTR)                                          */
    MO_ALIGNED =
        16, /* ordered: misaligned it faults whatever SCTLR.A says, but for FEAT_LSE2 and SCTLR.nAA */
};

struct tlb_ctx_head {
    struct tlb_entry e[TLB_ENTRIES];
};

/*
 * Place of a page's entry, here and in jit/translate.h, tr_tlb_slot: the two must agree, or nothing is ever found. Neighbouring
 * pages have different places: an access that crosses into a page looks where that page is not. Pages 32 MB apart share one:
 * folding higher bits in avoids that, and costs every load that goes by the TLB two instructions of latency.
 */
static ALWAYS_INLINE unsigned tlb_index(uint64_t va)
{
    return (uint32_t)va >> PAGE_BITS & (TLB_ENTRIES - 1);
}

/* e[tlb_index(va)], by bytes: every access waits for this. */
static ALWAYS_INLINE const struct tlb_entry *tlb_slot(const struct tlb_ctx *ctx, uint64_t va)
{
    enum { ENTRY_BITS = 5, SHIFT = PAGE_BITS - ENTRY_BITS };
    _Static_assert(sizeof(struct tlb_entry) == 1 << ENTRY_BITS, "an entry's size");
    const uint32_t at = (uint32_t)va >> SHIFT & (TLB_ENTRIES - 1) << ENTRY_BITS;

    return (const struct tlb_entry *)((const char *)ctx + at);
}

/* The tag that an access of size bytes at va needs: page crossing and, where checked,
 * misalignment never match. */
static ALWAYS_INLINE uint64_t tlb_tag(const struct cpu *cpu, uint64_t va, unsigned size)
{
    return ((va + size - 1) & ~(uint64_t)(SOFT_PAGE - 1)) | (va & (size - 1) & cpu->align_mask);
}

/* Host address for a read or write of size bytes at va, or NULL: take the slow path. */
static ALWAYS_INLINE void *mem_r(const struct cpu *cpu, const struct tlb_ctx *ctx, uint64_t va,
                                 unsigned size)
{
    const struct tlb_entry *e = tlb_slot(ctx, va);

    return LIKELY(e->rtag == tlb_tag(cpu, va, size)) ? (void *)(uintptr_t)(va + e->addend) : NULL;
}

static ALWAYS_INLINE void *mem_w(const struct cpu *cpu, const struct tlb_ctx *ctx, uint64_t va,
                                 unsigned size)
{
    const struct tlb_entry *e = tlb_slot(ctx, va);

    return LIKELY(e->wtag == tlb_tag(cpu, va, size)) ? (void *)(uintptr_t)(va + e->addend) : NULL;
}

struct v128 {
    uint64_t lo, hi;
};

/*
 * Slow paths (mmu.c): TLB refill, page crossing, MMIO, faults. On return with cpu->left set the
 * instruction did not happen: an exception was taken and pc, count are set; LEAVE. Otherwise the
 * access was made (a later refill's fast path will serve the next one). Values are zero-extended.
 * 16-byte accesses to MMIO are two of 8.
 */
uint64_t mem_ld_slow(struct cpu *cpu, const struct op *op, uint64_t va, unsigned mo);
void mem_st_slow(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t value, unsigned mo);
struct v128 mem_ld16_slow(struct cpu *cpu, const struct op *op, uint64_t va, unsigned mo);
void mem_st16_slow(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t lo, uint64_t hi,
                   unsigned mo);
/*
 * Makes sure that [va, va + size) can be read (or written), size 1..4096, so that a multi-part
 * access either happens whole or not at all; faults report the lowest failing address. Sets
 * cpu->left on a fault.
 */
void mem_probe(struct cpu *cpu, const struct op *op, uint64_t va, unsigned size, bool write,
               unsigned mo);
/* Host address of RAM for an exclusive or atomic access (write: also for writing); NULL with
 * cpu->left on any fault, including one for memory that cannot do it (MMIO). size 1..16; va is
 * aligned to it, or (FEAT_LSE2) all bytes lie in 16 aligned ones: else it is an alignment fault. */
void *mem_atomic(struct cpu *cpu, const struct op *op, uint64_t va, unsigned size, bool write,
                 unsigned mo);

/* ---- Exceptions and system (except.c, sysreg.c, run.c) --------------------------------------- */

/* Each sets cpu->left and pc, then the body LEAVEs. */

/* Synchronous exception to EL1 from op, preferred return address = op; far only where
 * the class has one. */
void cpu_exception(struct cpu *cpu, const struct op *op, enum esr_ec ec, uint32_t iss,
                   uint64_t far_va);
/* Same, preferred return address after op, op counts as executed (SVC). */
void cpu_exception_after(struct cpu *cpu, const struct op *op, enum esr_ec ec, uint32_t iss);
void cpu_undefined(struct cpu *cpu, const struct op *op);
/* FP or SIMD while it is off: EC_FP_ACCESS, or as CPACR says. */
void cpu_fp_trap(struct cpu *cpu, const struct op *op);
/* SP misaligned and checked. */
void cpu_sp_fault(struct cpu *cpu, const struct op *op);
/* PC misaligned: a branch went to va. Taken when va is fetched, so bodies need not check. */

/* First line of every FP and SIMD body. */
#define FP_CHECK()                    \
    do {                              \
        if (UNLIKELY(cpu->fp_trap)) { \
            cpu_fp_trap(cpu, op);     \
            LEAVE();                  \
        }                             \
    } while (0)

#define CHECK_LEFT()               \
    do {                           \
        if (UNLIKELY(cpu->left)) { \
            LEAVE();               \
        }                          \
    } while (0)

#endif
