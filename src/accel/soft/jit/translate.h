/*
 * translate.h - what the translator's files share: registers, a region in the making, templates.
 *
 * Host registers while translated code runs:
 *
 *   rbp       struct cpu + CPU_BIAS, so that X0-SP have one-byte displacements
 *   rsp       frames of returns: stubs.c
 *   pinned    rbx rsi rdi r8-r15: X0-X5, X19-X21, X30, SP (table in translate.c)
 *   scratch   rax rcx rdx, and xmm0-3; the other xmm registers hold V registers, sometimes: vec.h
 *
 * The other guest registers live in struct cpu. NZCV is in EFLAGS between a setter and its users; where it must
 * survive, and cannot be had again (exact.c), it is cpu->jit_nzcv: AH as LAHF gives it after a comparison (CF is the borrow: not C), AL = V.
 *
 * SP is a multiple of 16 while translated code runs, so nobody looks at its alignment: who might change that leaves if it does, and
 * the interpreter goes on (jit_interpret) until it is again.
 *
 * The count of instructions, where somebody wants it (jit.counting): cpu->count_bias is what it is for bodies (cpu.h), plus a constant
 * that the translator knows (tr.bias). A branch that is taken adds to it, straight code does not, and the count is always exact.
 * Else count_bias is what it is outside of slots, and grows only where bodies are called or levels change: it never goes back.
 */
#ifndef SOFT_JIT_TRANSLATE_H
#define SOFT_JIT_TRANSLATE_H

#include "accel/soft/jit/asm.h"
#include "accel/soft/jit/host.h"
#include "accel/soft/jit/jit.h"

#define CPU_BIAS   128
#define OFF(field) ((int32_t)offsetof(struct cpu, field) - CPU_BIAS)
#define XOFF(g)    ((int32_t)(8 * (g)) - CPU_BIAS)
#define VOFF(n)    ((int32_t)(offsetof(struct cpu, v) + 16 * (size_t)(n)) - CPU_BIAS)

#define SPANS      6   /* accesses of 1 to 32 bytes */
#define REGION_MAX 400 /* instructions */
/* An instruction makes at most one for what sets NZCV, one as it follows operands, one for a note; the latter two once more in copies. */
#define FROM_MAX  (8 * REGION_MAX)
#define COLD_MAX  1600
#define CONST_MAX 512
/* Misses of L0 entries between two looks at one of them. */
#define L0_SAMPLE 500
/* In cpu->l0_op: the access began a group, which was refused. */
#define L0_GROUP 1
#define OP_BYTES ((int32_t)sizeof(struct op))

/* A way from a region to a slot of its page that the region has not: link.c. At the end of the code cache, as links are. */
struct jit_way {
    struct jit_link *link;
    struct jit_way *next; /* to the same slot */
    uint8_t *jump;        /* displacement of the region's jump or call */
    const uint8_t *cold;  /* the cold code                             */
    /* Displacements of its jumps: the first, past the count, into shared code. */
    uint8_t *tail, *past, *shared;
    bool counted; /* there is a count, and it is to be used */
    bool looks;   /* the cold code looks at pending, as the way is backward */
    bool saves;   /* the cold code stores NZCV */
};

/* A slot of a page to which such ways lead. */
struct jit_link {
    const struct op *ops;  /* of the page */
    uint8_t *host, *check; /* as in struct ti; NULL: it is not translated, it has no look */
    bool dead;             /* nobody reads NZCV there */
    struct jit_way *ways;
    struct jit_link *next;
    unsigned slot;
};

/* What was translated at once: executable addresses, and the lines of its page that it depends on. */
struct jit_region {
    uintptr_t start, end;
    uint64_t lines;
    struct jit_region *next;
    uint16_t slot;    /* that it was made for */
    uint16_t entries; /* ops whose function is in it */
    uint8_t tier;     /* how often it was translated again */
    uint8_t samples;  /* how often a way out of it was the last of those that are counted */
};

/* A machine's code cache. Addresses are writable ones unless said otherwise. */
struct jit {
    _Atomic uint32_t lock; /* of everything here that changes: share.c */
    uint64_t flush;    /* everything was dropped; to be filled when all have passed this; or 0 */
    bool count_wanted; /* from then on: counting */
    uint8_t *rw, *rx;  /* the same memory, writable and executable */
    size_t size;
    unsigned heat;    /* entries before a head is translated */
    unsigned loop;    /* tests: iterations of a loop before it is copied; or 0 */
    unsigned ways;    /* tests: ways that are counted until one is looked at; or 0 */
    unsigned plant;   /* tests: 1 + the uop whose translation is wrong */
    bool counting;    /* of instructions, exactly */
    bool limited;     /* and code leaves at cpu->count_stop, or a little later */
    uint8_t *p, *top; /* code grows up to p, links down to top */
    uint8_t *start;   /* of regions; before it is what all of them share: */
    /* Entered with RDI and RSI as a body is; RAX: where to. */
    uint8_t *enter;
    /* RAX: the page's ops, ECX: the slot that is next. To run.c. */
    uint8_t *leave_at;
    /* RAX: a way; or the page's ops, and ECX: slot. To its body. */
    uint8_t *interp_way, *interp_at;
    /* RAX: a way, the last of many that were counted. To run.c, which sees to it (jit_rethink). */
    uint8_t *often_way;
    /* RAX: the page's ops, ECX: slot | uop << 10. Runs that instruction's body; one that may set NZCV. */
    uint8_t *call, *call_out;
    /* RAX: the address that is next. To run.c. */
    uint8_t *far_miss;
    /* RAX: address, RCX: its entry in the jump cache (jc_place in stubs.c), of another epoch, or something is pending; RDX: where
     * to go on if that can be mended, with the same in RAX and RCX. plain: where the entry says. */
    uint8_t *far_stale, *far_stale_plain;
    /* From the jump cache. RAX: address. To its body, or what was translated since. */
    uint8_t *far_interp;
    /* The same for guarded pages: at an odd address, as all entries from the jump cache into them are. */
    uint8_t *far_interp_guarded;
    /* A typed branch into a guarded page. RAX: address, RCX: entry. */
    uint8_t *far_guarded;
    /* RAX: a return's target, which is not that of the frame at RSP; frame of none (stubs.c). */
    uint8_t *ret_miss, *ret_empty;
    uint8_t *ret_miss_x30; /* the same with the target in X30's register */
    /* By page->el0. RDX: address, RCX: place of the L0 entry from RBP, RAX: op. ZF: RCX is the addend now, and the entry the
     * window around the address. By log2 of the bytes that the access spans. */
    uint8_t *l0_read[2][SPANS], *l0_write[2][SPANS];
    /* NZCV of the instruction that cpu->jit_redo says to jit_nzcv; uses RAX, RCX, RDX (exact.c). */
    uint8_t *redo_any;
    /* RAX: op, the first of a group that is none now: counts that. RCX: address, RDX: is it a write? Makes the TLB know
     * the page. */
    uint8_t *group_miss, *probe;
    /* system.c. RAX becomes the address that is next; RCX, RDX: ISS and return address of SVC. The count is exact. */
    uint8_t *svc, *eret;
    /* RAX becomes CNTVCT_EL0. */
    uint8_t *count;
    /* RAX: address, RDX: modifier. RAX becomes it signed (by enum pac_key) or authenticated (PAC_GA + key). */
    uint8_t *pac[8];
    /* V registers and MXCSR into the host's registers, and back: vec.h. */
    uint8_t *v_enter, *v_leave;
    /* diverge.c: a check; NULL: there are none. */
    uint8_t *check;
    struct diverge *diverge;
    uint64_t links; /* ways between regions made so far */
    struct host_simd host;
    int8_t vpin[32]; /* xmm register of a V register, or -1 */
};

/* Who has set NZCV: nobody yet; not known; somebody who has stored them. */
enum { NZ_NONE = -3, NZ_MANY, NZ_MEMORY };

/* One instruction of a region. */
struct ti {
    struct op op;
    enum uop uop;
    uint16_t slot;
    bool join;              /* more than one way leads here                */
    bool loop;              /* a backward branch leads here                */
    bool entry;             /* can be entered from elsewhere               */
    bool live_in, live_out; /* NZCV                               */
    bool need_in, need_out; /* ... and whoever reads them cannot have them again: exact.c */
    bool live_way;          /* ... where a way leads that leaves the region    */
    bool outside;           /* ... where an exception may show them                */
    int16_t next[2];        /* indices of what runs next, or -1   */
    bool done;              /* translated                                  */
    /* exact.c. NZCV as the instruction begins, or behind it (_out): */
    bool exit;               /* it might be left there, or behind it                  */
    bool renews;             /* behind it they are new, or in memory: a body is called */
    bool moves_sp;           /* jit_moves_sp                                         */
    bool endless;            /* they might never be set again                        */
    bool seen, seen_out;     /* an exception may show them before they are set again */
    bool stored, stored_out; /* they are read out of memory on all ways              */
    bool unsure;             /* ... and then it has to be found out who has set them */
    int16_t nz, nz_out;      /* index in tr.from, or NZ_                             */
    bool stores;             /* those that it sets are stored at once               */
    uint8_t *host;           /* where it starts: bias 0, NZCV saved or dead */
    uint8_t *check;          /* the same with a look at cpu->pending before */
    uint8_t *take;           /* the way into the copy of the loop whose head it is, or NULL */
    uint8_t *far_;           /* the way from the jump cache, if it is in line */
    uint64_t touched;        /* bit n: the template asked where Xn is           */
    uint16_t cold, colds;    /* of struct tr's cold: the first, and how many    */
};

enum cold_kind {
    COLD_CALL,
    COLD_L0,
    COLD_PENDING,
    COLD_WAY,
    COLD_LINK,
    COLD_FAR,
    COLD_STALE,
    COLD_VEC,
    COLD_GROUP,
    COLD_LOOP,
    COLD_EXIT,
    COLD_EXPIRE
};

/*
 * What EFLAGS are: of a subtraction, an addition, a logical operation; of UCOMISS or UCOMISD. FK_FP2 is the latter where PF and CF
 * have been cleared if the operands are unordered, which is right for some conditions and not for others.
 */
enum flag_kind { FK_NONE, FK_SUB, FK_ADD, FK_LOGIC, FK_FP, FK_FP2 };

/* Code that is seldom needed, put behind the region. */
struct cold {
    enum cold_kind kind;
    enum flag_kind save; /* COLD_WAY, COLD_LINK, COLD_FAR: NZCV are stored first, if not FK_NONE */
    uint8_t *from[3];    /* displacements that lead here */
    uint8_t *back;       /* COLD_CALL, COLD_L0, COLD_VEC, COLD_STALE: where it goes on */
    uint8_t *have;       /* COLD_L0: ... with the page's addend in RCX */
    int32_t l0;          /* COLD_L0: the entry, from RBP         */
    uint8_t span;        /* COLD_L0: log2 of the bytes           */
    uint8_t aligned; /* COLD_L0: mask of address bits that must be 0, or else it is the body's */
    bool write;
    bool call;      /* COLD_LINK: the jump is the host's CALL */
    uint8_t loop;   /* 1 + the hot loop that it belongs to, or 0 */
    uint16_t twin;  /* COLD_CALL, COLD_L0, COLD_VEC, COLD_GROUP of a hot loop: that of the region */
    uint8_t *again; /* where such a twin is entered */
    int8_t
        base; /* COLD_L0: the address is this host register + imm; COLD_GROUP: the guest's register */
    int32_t lo, hi; /* COLD_GROUP: the bytes, from the base */
    uint16_t slot;
    uint16_t uop;
    bool sets_flags; /* COLD_WAY, COLD_LINK: looks at pending */
    bool nzcv_old;   /* COLD_PENDING, COLD_LOOP, COLD_LINK: NZCV are not to be had */
    int16_t nz;      /* who has set NZCV, where it is left (struct ti) */
    int16_t copy_nz; /* the same in the copy of a hot loop: what is to be noted there */
    int8_t
        held; /* COLD_CALL, COLD_L0: where it goes on this register is guest register held_g; or NOREG */
    uint8_t held_g;
    int32_t bias;
    int64_t
        imm; /* COLD_FAR: target, relative to the page; COLD_VEC: bits of the gate that stop it; see base */
};

/* An instruction that can be done again for its NZCV, and where its operands are by now: which X registers, jit_redo_operand knows. */
struct from {
    int16_t setter;   /* index in insn */
    int16_t next;     /* of tr.from, with the same setter; or -1 */
    uint8_t kept;     /* bit n: operand n is in X_KEPT + n; or else */
    int32_t moved[2]; /* ... so much has been added to its register since */
    uint8_t *redo;    /* code that stores NZCV, or NULL */
};

/* How an X register moves from one iteration of a loop to the next. */
struct motion {
    enum { MOVES_NOT, MOVES_BY_STEPS, MOVES_BELOW, MOVES_WILDLY } kind;
    int64_t up, down; /* MOVES_BY_STEPS: at most, in an iteration */
    uint64_t below;   /* MOVES_BELOW: it is less than that        */
};

/* Accesses of a loop that find their addresses in the same way and use the same L0 entry. */
struct stream {
    uint8_t base, index; /* X registers; the index may be NO_INDEX */
    uint8_t form;        /* enum mem_form: how the index is extended */
    uint8_t shift, span; /* span: of the widest */
    int8_t addend;       /* the host's register that holds it, or NOREG */
    enum { FOLDS_NOTHING, FOLDS_BASE, FOLDS_INDEX } folds; /* into the addend */
    int32_t l0;                                            /* the entry, from RBP */
    int64_t lo, hi;   /* offsets of the first and the last, from base and index as they begin */
    int64_t up, down; /* that the address moves in an iteration, at most */
    unsigned accesses;
};

#define NO_INDEX     X_COUNT
#define LOOP_STREAMS 8
#define LOOPS        6 /* hot ones of a region */

/* A hot loop: loop.c. */
struct loop {
    unsigned first, last; /* of insn; the first is the head */
    uint64_t member[REGION_MAX / 64 + 1];
    uint64_t touched, written; /* X registers */
    struct motion motion[X_COUNT];
    struct stream stream[LOOP_STREAMS];
    unsigned streams;
    int8_t pin[X_COUNT];
    int8_t counter; /* host register: iterations that need no look */
    uint64_t lodgers,
        homeless; /* X registers that are in host registers here only, and the other way round */
    bool refused;
    uint8_t *start[REGION_MAX]; /* where the copy of a member begins: by its index less first */
    int16_t nz
        [REGION_MAX]; /* as in struct ti, where the loop is not entered but by its own ways; the same */
};

/* NZCV at a slot that is not in the region: perhaps read; set again before anybody reads them, or before an exception shows them. */
enum outside { OUTSIDE_UNKNOWN, OUTSIDE_LIVE, OUTSIDE_SEEN, OUTSIDE_DEAD };

struct tr {
    struct as a;
    struct cpu *cpu;
    struct jit *jit;
    struct code_page *page;
    unsigned tier;     /* of the region that is made */
    const int8_t *pin; /* host register of a guest register, or NOREG: jit_pin, but in hot loops */
    unsigned count;
    struct ti insn[REGION_MAX];
    struct ti found[REGION_MAX]; /* region.c: before they are in order */
    int16_t at[PAGE_SLOTS];      /* index in insn, or -1 */
    uint8_t outside[PAGE_SLOTS]; /* enum outside: NZCV at slots that are not in the region */
    uint64_t ahead;              /* 64-byte lines that were looked at for that */
    bool cyclic;                 /* a way inside of the region leads backward */
    unsigned colds;
    struct cold cold[COLD_MAX];
    /* Of the instruction that is translated. */
    struct ti *i;
    struct loop *loop; /* that is translated, or NULL */
    struct loop loops[LOOPS];
    unsigned loop_count;
    enum flag_kind fk; /* what EFLAGS hold   */
    bool fsaved;       /* jit_nzcv holds it, too */
    int32_t bias;
    bool ended;  /* no way leads to the next instruction */
    uint8_t vec; /* the gate has been looked at: 1 for vectors, 2 for arithmetic */
    /* The last group of accesses (group.c): where it ends, and so on. */
    struct {
        const struct ti *last;
        unsigned base;
        bool write;
        int32_t lo, hi, l0;
    } group;
    unsigned fused;    /* instructions after this one that are done already */
    uint32_t z64, z32; /* bit n: Vn is 0 from bit 64, 32 on */
    /* Bit n: Vn is Vshl_from[n] shifted to the left by shl_count[n], in elements of shl_size[n]. */
    uint32_t shl;
    uint8_t shl_from[32], shl_count[32], shl_size[32];
    struct {
        uint64_t lo, hi;
    } constant[CONST_MAX];
    unsigned consts;
    struct {
        uint8_t *at;
        uint16_t index;
        uint8_t after; /* bytes of the instruction behind the displacement */
    } use[COLD_MAX];
    unsigned uses;
    /* What the instruction before made: known, in register known_in. */
    const struct ti *known_by;
    unsigned known_in;
    uint64_t known;
    /* As long as no code has been written since p: reg is guest register g, which lives in memory. */
    struct {
        const uint8_t *p;
        int reg;
        unsigned g;
    } held;
    /* exact.c, by instruction: X registers that it changes; that may be changed before an exception shows NZCV; the first of from, or -1. */
    struct {
        uint64_t changed, lost;
        int16_t from;
    } again[REGION_MAX];
    struct from from[FROM_MAX];
    unsigned froms;
    /* Displacements of calls of, or places for, the code that does an instruction again. */
    struct {
        uint8_t *at;
        int16_t nz;
        bool note;
    } redo[COLD_MAX];
    unsigned redos;
    struct {
        uint8_t *at;
        uint16_t slot;
        uint8_t to; /* enum fix_to */
    } fix[COLD_MAX];
    unsigned fixes;
};

/* A jump to any address. typed: its target may have to be a landing pad (FEAT_BTI); call: a frame has been made for it. */
struct far_way {
    bool typed, call;
    bool by_register; /* a call whose target is not always the same */
};

typedef void tmpl_fn(struct tr *t, const struct op *op, unsigned arg);
struct tmpl {
    tmpl_fn *fn;
    unsigned arg;
};

extern const struct tmpl jit_tmpl_int[UOP_COUNT];
extern const struct tmpl jit_tmpl_bits[UOP_COUNT];
extern const struct tmpl jit_tmpl_branch[UOP_COUNT];
extern const struct tmpl jit_tmpl_mem[UOP_COUNT];
extern const struct tmpl jit_tmpl_atomic[UOP_COUNT];
extern const struct tmpl jit_tmpl_system[UOP_COUNT];
extern const struct tmpl jit_tmpl_fp[UOP_COUNT];
extern const struct tmpl jit_tmpl_simd[UOP_COUNT];
extern const struct tmpl jit_tmpl_simd_long[UOP_COUNT];
extern const struct tmpl jit_tmpl_simd_perm[UOP_COUNT];
extern const struct tmpl jit_tmpl_simd_fp[UOP_COUNT];
extern const struct tmpl jit_tmpl_simd_sat[UOP_COUNT];
extern const struct tmpl jit_tmpl_struct[UOP_COUNT];
extern const struct tmpl jit_tmpl_crypto[UOP_COUNT];

/* Of t_int.c or t_bits.c: general registers only. */
static inline bool jit_is_int(enum uop uop)
{
    return jit_tmpl_int[uop].fn != NULL || jit_tmpl_bits[uop].fn != NULL;
}

/* The same where regions begin and end. */
extern const int8_t jit_pin[X_COUNT];

/* RCX = tlb_slot of the address in reg, in the context that the field of struct cpu at context points to. */
static inline void tr_tlb_slot(struct as *a, int reg, int32_t context)
{
    as_mov(a, 32, RCX, reg);
    as_shift(a, 32, SH_SHR, RCX, PAGE_BITS - 5);
    as_alu_i(a, 32, ALU_AND, RCX, (int32_t)(TLB_ENTRIES - 1) << 5);
    as_alu_m(a, 64, ALU_ADD, RCX, RBP, context);
}

/* EAX = the jit_nzcv of what UCOMISS or UCOMISD has left in EFLAGS. */
static inline void tr_nzcv_of_fp(struct as *a)
{
    as_1(a, 0x9f);                            /* LAHF */
    as_rr(a, 0, 32, 0x0fb6, RAX, RSP, false); /* MOVZX EAX, AH */
    as_1(a, 0x8b);                            /* MOV EAX, [RBP + RAX * 4 + disp] */
    as_1(a, 0x84);
    as_1(a, 0x85);
    as_4(a, (uint32_t)OFF(jit_fp_nzcv));
}

/* EFLAGS = those of the subtraction whose jit_nzcv is in EAX. */
static inline void tr_eflags_of(struct as *a)
{
    as_1(a, 0x04); /* ADD AL, 127: overflows if V */
    as_1(a, 127);
    as_1(a, 0x9e); /* SAHF */
}

/* The uop's template; NULL: its body is called. */
const struct tmpl *jit_template(enum uop uop);

/* Everything into struct cpu; V registers, too (jit.c). */
void jit_spill(const struct jit *jit, struct as *a);

/* Host register of guest register g, or NOREG. */
static inline int tr_pin(struct tr *t, unsigned g)
{
    t->i->touched |= BIT(g);
    return t->pin[g];
}

/* ---- For templates (translate.c) ------------------------------------------------------------- */

/* A host register that holds guest register g: its own, or tmp. The upper half of a 32-bit one is not to be used. */
int tr_src(struct tr *t, int w, unsigned g, int tmp);
/* The host register that guest register g is in: its own, or one that it has just been stored from; NOREG: it is in memory. Of
 * the latter until the next piece of code is written. */
int tr_home(struct tr *t, unsigned g);
/* Copies guest register g into dst. */
void tr_get(struct tr *t, int w, int dst, unsigned g);
/* The register in which to make guest register g: its own, or tmp; then tr_put. */
int tr_dst(struct tr *t, unsigned g, int tmp);
void tr_put(struct tr *t, unsigned g, int reg);
/* The instruction leaves v in guest register g. */
void tr_is_constant(struct tr *t, unsigned g, uint64_t v);
/* Did the instruction before leave t->known in guest register g, whatever way led here? */
bool tr_constant(const struct tr *t, unsigned g);
/* reg op= guest register g. */
void tr_alu(struct tr *t, int w, enum alu n, int reg, unsigned g);
/* EFLAGS are about to change without meaning NZCV: saves those that are needed. First thing in a template; uses RAX. */
void tr_clobber(struct tr *t);
/* EFLAGS are NZCV now. */
void tr_flags(struct tr *t, enum flag_kind kind);
/* Saves NZCV, uses RAX; EFLAGS keep them. */
void tr_flags_save(struct tr *t);
/* What EFLAGS are if they are all that is left of NZCV, which are needed. */
enum flag_kind tr_flags_unsaved(const struct tr *t, bool need);
/* A way that ends here: NZCV are saved if anybody may want them. */
void tr_flags_keep(struct tr *t);
/* Would tr_clobber store NZCV? */
bool tr_flags_wanted(const struct tr *t);
/* What exact.c wants done before the instruction, and behind it. Uses RCX; EFLAGS stay what they are. */
void tr_keep(struct tr *t);
void tr_store(struct tr *t);
/* Notes who has set NZCV, if where the instruction leads to that is not known. EFLAGS stay what they are. */
void tr_tell(struct tr *t);
/* Who has set NZCV as the instruction that is translated begins, or behind it: struct ti. */
int16_t tr_nz(const struct tr *t);
int16_t tr_nz_out(struct tr *t);
/* From a copy of a loop to that place in the region: notes who has set NZCV, if it is not known there. */
void tr_tell_region(struct tr *t, const struct ti *to, int16_t nz);
/* On a way out: NZCV that were set by that instruction (struct ti) are stored. Uses RAX, RCX, RDX. */
void tr_settle(struct tr *t, int16_t nz);
/* cpu->jit_redo = how NZCV can be had: tr.from of that index; or they are in memory. */
void tr_redo_note(struct tr *t, int16_t nz);
/* Can NZCV of the instruction be had again, without EFLAGS? And from which X registers, as they are after it: two, X_ZERO for none. */
bool jit_redo(const struct ti *i);
unsigned jit_redo_operand(const struct ti *i, unsigned n);
int jit_redo_width(const struct ti *i);
/* Are they the same then? */
bool jit_redo_same(const struct ti *a, const struct ti *b);
/* EFLAGS are NZCV of the instruction again; bit n: operand n is in X_KEPT + n. Uses RCX, RDX. */
void jit_redo_again(struct tr *t, const struct ti *i, unsigned kept);
/* The host's condition for the guest's, EFLAGS being loaded; uses RAX. */
enum cc tr_cond(struct tr *t, unsigned cond);
/*
 * The answered displacement's jump is taken if count_stop has been reached; NULL: there is no limit. Uses RCX. A look wherever one
 * at pending is, and at returns: between two of them are less than a page's instructions.
 */
uint8_t *jit_look_at_limit(struct as *a, const struct jit *jit);
/* Is there only one CPU? Then nothing has to be atomic or ordered towards others. */
bool tr_alone(const struct tr *t);
/* EFLAGS are NZCV as FK_SUB, FK_ADD or FK_LOGIC; uses RAX. */
void tr_flags_integer(struct tr *t);
/* Calls the instruction's C body, in place. */
void tr_call(struct tr *t);
/* Behind the region: the body of the instruction that c is of, then the interpreter. */
void tr_interpret(struct tr *t, const struct cold *c);
/* The jumps at from lead to such a call behind the region, which comes back to where the code is now. */
void tr_cold_call(struct tr *t, uint8_t *from0, uint8_t *from1, uint8_t *from2);
struct cold *tr_cold(struct tr *t, enum cold_kind kind, uint8_t *from);
/* NZCV at a slot of the page: could it be read before it is written, by somebody who cannot have them again? */
bool tr_need_at(const struct tr *t, unsigned slot);
/* If instructions are counted: cpu->count_bias becomes the body's plus so many bytes. Uses RCX; EFLAGS stay. */
void tr_count(struct tr *t, int32_t bytes);
/* Goes on at a slot of the page. cc < 0: always. Then the taken way's count has been set. */
void tr_goto(struct tr *t, int cc, unsigned slot);
/* The same by the host's CALL: always taken, no look at pending. What follows is where the callee returns to. */
void tr_goto_call(struct tr *t, unsigned slot);
/* RET to the address in reg. */
void tr_return(struct tr *t, int reg);
/* reg = the page's address + offset. EFLAGS stay. */
void tr_va(struct tr *t, int reg, int64_t offset);
/* Is the page at one address, which its regions then know? They leave cpu->page_va alone (note_page_va in stubs.c). */
bool tr_at_one(const struct tr *t);
/* Goes on at the address in RAX, through the jump cache; the count is exact. typed: PSTATE.BTYPE has been set. */
void tr_far(struct tr *t, struct far_way way);

#endif
