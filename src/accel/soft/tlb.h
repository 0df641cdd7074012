/*
 * tlb.h - translation contexts: software TLBs by privilege and address space, and their
 * maintenance.
 *
 *   EL1, EL1 with PAN   a pool of 8 pairs: what EL1 sees, keyed by ASID and table addresses. A kernel whose own
 *                       entries are global keeps its pair when it changes the ASID or TTBR0, and only what belongs to
 *                       those is dropped (little: user memory is reached by LDTR, which uses the EL0 context).
 *                       One whose entries mostly are not (Linux with KPTI) gets a pair for each ASID.
 *   EL0                 a pool of 16, keyed likewise.
 *
 * So changing TTBR0, TTBR1 or the ASID selects contexts and seldom drops anything.
 *
 * A context has TLB_ENTRIES entries with the tags that bodies compare (cpu.h) and, beside them, what the
 * slow path wants to know. An entry belongs to one 4 KiB page; larger pages and blocks fill
 * several, and the context remembers the range that blocks cover, so that maintenance of an address
 * in it drops the whole context.
 *
 * The jump cache is part of this: `epoch` names the context's translations of code. Whatever
 * removes a translation that code has been entered through gives the context a new epoch, and its
 * entries of the jump cache match no more.
 */
#ifndef SOFT_TLB_H
#define SOFT_TLB_H

#include "accel/soft/cpu.h"

enum {
    CTX_EL1, /* the pairs: without PAN, with PAN */
    CTX_EL1_POOL = 8,
    CTX_EL0 = 2 * CTX_EL1_POOL,
    CTX_EL0_POOL = 16,
    CTX_COUNT = CTX_EL0 + CTX_EL0_POOL
};

/* What is known of a page, in the low bits of tlb_info.pa. */
enum {
    TI_R = 1,
    TI_W = 2,
    TI_X = 4,         /* permitted in this context                                                */
    TI_DEVICE = 8,    /* Device memory type: unaligned accesses fault                             */
    TI_NG = 16,       /* belongs to an ASID                                                       */
    TI_RAM = 32,      /* host memory behind it                                                    */
    TI_ROM = 64,      /* ... that the guest cannot write: writes go to the bus                    */
    TI_GUARDED = 128, /* code is decoded as guarded (FEAT_BTI)                                  */
    TI_FLAGS = 4095,
};

struct tlb_info {
    uint64_t va; /* page, with its top byte; TLB_NEVER: empty */
    uint64_t pa; /* page | TI_*                               */
};

/* Last-level tables found by walks. */
#define WALK_CACHE 64
struct walk_cache_entry {
    uint64_t tag;   /* first VA that the table maps, untagged; TLB_NEVER: empty */
    uint64_t table; /* its address                                              */
    uint64_t hier;  /* PTE_HIERARCHICAL of the tables above                     */
};

#define CODE_FILTER_BITS 12

struct tlb_ctx {
    struct tlb_entry e[TLB_ENTRIES]; /* first: cpu.h knows */
    struct tlb_info info[TLB_ENTRIES];
    struct walk_cache_entry walk[WALK_CACHE];
    uint64_t code_filter[(1u << CODE_FILTER_BITS) /
                         64];        /* pages, hashed, that the jump cache may lead to */
    uint64_t code_regions;           /* the same by 16 MB, hashed: a page counts if both say so */
    uint64_t used[TLB_ENTRIES / 64]; /* entries that are filled                         */
    uint64_t transient[TLB_ENTRIES / 64]; /* EL1: entries that go with the ASID or TTBR0     */
    uint64_t block_lo[2], block_hi[2]; /* range with blocks, lower and upper half; lo > hi: none */
    uint32_t epoch;
    uint32_t salt; /* cpu.jc_salt */
    struct tlb_ctx *
        code; /* whose epoch counts: its own, or the other's of a pair, as PAN does not matter to fetches */
    uint64_t used_at;      /* for choosing a victim */
    uint64_t ttbr0, ttbr1; /* the key               */
    uint32_t asid;
    bool valid;           /* has a key             */
    bool walked, coded;   /* something is in walk, code_filter */
    bool any_transient;   /* a bit of transient may be set        */
    bool walked_lower;    /* something of the lower half is in walk */
    bool coded_transient; /* ... that goes with the ASID or TTBR0 */
    bool globals;         /* an entry without TI_NG      */
    uint8_t el;
    bool pan;
};

/* ---- Maintenance ----------------------------------------------------------------------------- */

/* INVAL_LEFT: code of the pool has been forgotten already; translations of it are not to be returned to. */
enum inval_kind {
    INVAL_ALL,
    INVAL_ASID,
    INVAL_VA,
    INVAL_VAA,
    INVAL_CODE,
    INVAL_CODE_ALL,
    INVAL_LEFT
};

/* One maintenance operation, as it travels between CPUs. */
struct inval {
    uint8_t kind;
    bool leaf_only; /* INVAL_VA, INVAL_VAA: walk caches stay           */
    uint16_t asid;
    uint64_t addr;  /* VA (bits 55:12 count), or PA for INVAL_CODE     */
    uint64_t bytes; /* length of the range                             */
};

#define RING_SIZE 32

/* Operations from others. Full: everything is dropped instead. */
struct inval_ring {
    _Atomic uint32_t lock; /* held for a few instructions only */
    uint32_t count;
    bool overflow;
    struct inval op[RING_SIZE];
    _Atomic uint64_t posted, drained; /* operations so far */
};

#endif
