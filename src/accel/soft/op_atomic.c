/*
 * op_atomic.c - ordered accesses, exclusives, and the LSE atomics.
 *
 * DDI 0487, "Synchronization and semaphores", "Load-Acquire, Load-AcquirePC, and Store-Release",
 * "Atomic instructions".
 *
 * All orderings of an instruction share a uop: host atomics are sequentially consistent, which is
 * free on x86-64.
 *
 * The exclusive monitor compares values: LDXR remembers host address, size and what it read; STXR
 * is a host compare-and-swap against that. A store by another CPU of the very same value in between
 * goes unnoticed (ABA), which an exact monitor would catch at the price of a check in every store;
 * no lock or list that guests use depends on it. As the address is the host's, an alias at another
 * VA is the same location, and a remapped VA is another one.
 */
#include "accel/soft/op_mem.h"

/* An access aligned to its size never crosses a page; a misaligned one must not match
 * whatever align_mask says. */
static ALWAYS_INLINE uint64_t aligned_tag(uint64_t va, unsigned bytes)
{
    return (va & ~(uint64_t)(SOFT_PAGE - 1)) | (va & (bytes - 1));
}

static ALWAYS_INLINE unsigned log2_bytes(unsigned bytes)
{
    return (unsigned)__builtin_ctz(bytes);
}

/* Host address for an exclusive or atomic access; NULL with cpu->left on a fault. */
static ALWAYS_INLINE void *host_for(struct cpu *cpu, const struct op *op, uint64_t va,
                                    unsigned bytes, bool write)
{
    const struct tlb_entry *e = tlb_slot(cpu->tlb, va);
    const uint64_t tag = aligned_tag(va, bytes);

    if (LIKELY(e->rtag == tag && (!write || e->wtag == tag))) {
        return tlb_host(e, va);
    }
    return mem_atomic(cpu, op, va, bytes, write, log2_bytes(bytes) | MO_ALIGNED);
}

/* First lines of a body: `p` is the host address of the `bytes` bytes at the base. */
#define HOST_ADDRESS(bytes, write)                                   \
    BASE_CHECK();                                                    \
    void *const p = host_for(cpu, op, cpu->x[op->rn], bytes, write); \
    if (UNLIKELY(p == NULL)) {                                       \
        LEAVE();                                                     \
    }

#define BY_SIZE(BODY, ...)     \
    BODY(8, 0, ##__VA_ARGS__)  \
    BODY(16, 1, ##__VA_ARGS__) \
    BODY(32, 2, ##__VA_ARGS__) \
    BODY(64, 3, ##__VA_ARGS__)

/* ---- Ordered --------------------------------------------------------------------------------- */

/* These may go to a device, so the slow path is that of plain accesses, with fences round it. */
#define LOAD_ORDERED(kind, acc)                                                            \
    static NOINLINE op_ret HV_ENGINE_ABI slow_##kind(struct cpu *cpu, const struct op *op) \
    {                                                                                      \
        const uint64_t va = cpu->x[op->rn] + op->imm;                                      \
        const uint64_t value = mem_ld_slow(cpu, op, va, acc_mo(acc) | MO_ALIGNED);         \
                                                                                           \
        CHECK_LEFT();                                                                      \
        __atomic_thread_fence(__ATOMIC_SEQ_CST);                                           \
        cpu->x[op->rd] = extend(value, acc);                                               \
        NEXT();                                                                            \
    }                                                                                      \
    UOP_BODY(kind)                                                                         \
    {                                                                                      \
        BASE_CHECK();                                                                      \
        const uint64_t va = cpu->x[op->rn] + op->imm;                                      \
        const struct tlb_entry *e = tlb_slot(cpu->tlb, va);                                \
                                                                                           \
        if (UNLIKELY(e->rtag != aligned_tag(va, acc_bytes(acc)))) {                        \
            MUSTTAIL return slow_##kind(cpu, op);                                          \
        }                                                                                  \
        cpu->x[op->rd] = extend(atomic_read(tlb_host(e, va), (acc)&MO_SIZE), acc);         \
        NEXT();                                                                            \
    }

#define STORE_ORDERED(kind, size)                                                          \
    static NOINLINE op_ret HV_ENGINE_ABI slow_##kind(struct cpu *cpu, const struct op *op) \
    {                                                                                      \
        const uint64_t va = cpu->x[op->rn] + op->imm;                                      \
                                                                                           \
        __atomic_thread_fence(__ATOMIC_SEQ_CST);                                           \
        mem_st_slow(cpu, op, va, cpu->x[op->rd], (size) | MO_ALIGNED);                     \
        CHECK_LEFT();                                                                      \
        __atomic_thread_fence(__ATOMIC_SEQ_CST);                                           \
        NEXT();                                                                            \
    }                                                                                      \
    UOP_BODY(kind)                                                                         \
    {                                                                                      \
        BASE_CHECK();                                                                      \
        const uint64_t va = cpu->x[op->rn] + op->imm;                                      \
        const struct tlb_entry *e = tlb_slot(cpu->tlb, va);                                \
                                                                                           \
        if (UNLIKELY(e->wtag != aligned_tag(va, 1u << (size)))) {                          \
            MUSTTAIL return slow_##kind(cpu, op);                                          \
        }                                                                                  \
        atomic_write(tlb_host(e, va), size, cpu->x[op->rd]);                               \
        NEXT();                                                                            \
    }

#define ORDERED(bits_, size)        \
    LOAD_ORDERED(ldar##bits_, size) \
    STORE_ORDERED(stlr##bits_, size)

BY_SIZE(ORDERED)
LOAD_ORDERED(ldar8s32, 0 | ACC_S32)
LOAD_ORDERED(ldar8s64, 0 | ACC_S64)
LOAD_ORDERED(ldar16s32, 1 | ACC_S32)
LOAD_ORDERED(ldar16s64, 1 | ACC_S64)
LOAD_ORDERED(ldar32s64, 2 | ACC_S64)

/* ---- Exclusives ------------------------------------------------------------------------------ */

static ALWAYS_INLINE void monitor_set(struct cpu *cpu, uint64_t va, void *host, unsigned bytes,
                                      uint64_t lo, uint64_t hi)
{
    cpu->excl_va = va;
    cpu->excl_host = host;
    cpu->excl_size = bytes;
    cpu->excl_lo = lo;
    cpu->excl_hi = hi;
}

/* Opens the monitor; true if it was closed on these bytes. */
static ALWAYS_INLINE bool monitor_take(struct cpu *cpu, const void *host, unsigned bytes)
{
    const bool mine = cpu->excl_size == bytes && cpu->excl_host == host;

    cpu->excl_size = 0;
    return mine;
}

/* Store-exclusive's status register: 0 if it stored. */
static ALWAYS_INLINE bool store_exclusive(struct cpu *cpu, void *p, unsigned size, uint64_t value)
{
    return monitor_take(cpu, p, 1u << size) &&
           atomic_cas(p, size, cpu->excl_lo, value) == cpu->excl_lo;
}

static ALWAYS_INLINE atomic_u128 u128(uint64_t lo, uint64_t hi)
{
    return (atomic_u128)hi << 64 | lo;
}

static ALWAYS_INLINE uint64_t pair32(uint64_t lo, uint64_t hi)
{
    return (uint32_t)lo | hi << 32;
}

#define EXCLUSIVE(bits_, size)                                           \
    UOP_BODY(ldxr##bits_)                                                \
    {                                                                    \
        HOST_ADDRESS(1u << (size), false)                                \
        const uint64_t value = atomic_read(p, size);                     \
                                                                         \
        monitor_set(cpu, cpu->x[op->rn], p, 1u << (size), value, 0);     \
        cpu->x[op->rd] = value;                                          \
        NEXT();                                                          \
    }                                                                    \
    UOP_BODY(stxr##bits_)                                                \
    {                                                                    \
        HOST_ADDRESS(1u << (size), true)                                 \
        cpu->x[op->ra] = !store_exclusive(cpu, p, size, cpu->x[op->rd]); \
        NEXT();                                                          \
    }

BY_SIZE(EXCLUSIVE)

UOP_BODY(ldxp64)
{
    HOST_ADDRESS(8, false)
    const uint64_t value = atomic_read(p, 3);

    monitor_set(cpu, cpu->x[op->rn], p, 8, value, 0);
    cpu->x[op->rd] = (uint32_t)value;
    cpu->x[op->rm] = value >> 32;
    NEXT();
}

UOP_BODY(stxp64)
{
    HOST_ADDRESS(8, true)
    cpu->x[op->ra] = !store_exclusive(cpu, p, 3, pair32(cpu->x[op->rd], cpu->x[op->rm]));
    NEXT();
}

/* Single-copy atomic only if the STXP succeeds, and then nothing changed in between. */
UOP_BODY(ldxp128)
{
    HOST_ADDRESS(16, false)
    const uint64_t lo = atomic_read(p, 3);
    const uint64_t hi = atomic_read((char *)p + 8, 3);

    monitor_set(cpu, cpu->x[op->rn], p, 16, lo, hi);
    cpu->x[op->rd] = lo;
    cpu->x[op->rm] = hi;
    NEXT();
}

UOP_BODY(stxp128)
{
    HOST_ADDRESS(16, true)
    const atomic_u128 seen = u128(cpu->excl_lo, cpu->excl_hi);
    const atomic_u128 value = u128(cpu->x[op->rd], cpu->x[op->rm]);

    cpu->x[op->ra] = !(monitor_take(cpu, p, 16) && atomic_cas16(p, seen, value) == seen);
    NEXT();
}

/* ---- Compare and swap ------------------------------------------------------------------------ */

#define CAS(bits_, size)                                                      \
    UOP_BODY(cas##bits_)                                                      \
    {                                                                         \
        HOST_ADDRESS(1u << (size), true)                                      \
        cpu->x[op->ra] = atomic_cas(p, size, cpu->x[op->rm], cpu->x[op->rd]); \
        NEXT();                                                               \
    }

BY_SIZE(CAS)

/* rm and rd are even; the partner of X30 is XZR. op->imm is the partner of rm as a destination. */
static ALWAYS_INLINE uint64_t partner(const struct cpu *cpu, unsigned reg)
{
    return cpu->x[reg == 30 ? X_ZERO : reg + 1];
}

UOP_BODY(casp64)
{
    HOST_ADDRESS(8, true)
    const uint64_t expected = pair32(cpu->x[op->rm], partner(cpu, op->rm));
    const uint64_t old = atomic_cas(p, 3, expected, pair32(cpu->x[op->rd], partner(cpu, op->rd)));

    cpu->x[op->rm] = (uint32_t)old;
    cpu->x[op->ra] = old >> 32;
    NEXT();
}

UOP_BODY(casp128)
{
    HOST_ADDRESS(16, true)
    const atomic_u128 expected = u128(cpu->x[op->rm], partner(cpu, op->rm));
    const atomic_u128 old = atomic_cas16(p, expected, u128(cpu->x[op->rd], partner(cpu, op->rd)));

    cpu->x[op->rm] = (uint64_t)old;
    cpu->x[op->ra] = (uint64_t)(old >> 64);
    NEXT();
}

/* ---- Read-modify-write ----------------------------------------------------------------------- */

static ALWAYS_INLINE uint64_t atomic_clear(void *p, unsigned size, uint64_t value)
{
    return atomic_and(p, size, ~value);
}

/* Minimum and maximum: the host has no such instruction. `replace(old, value)`: does value win? */
#define MIN_MAX(name, type, op_)                                                        \
    static ALWAYS_INLINE uint64_t atomic_##name(void *p, unsigned size, uint64_t value) \
    {                                                                                   \
        const unsigned unused = 64 - (8u << size);                                      \
        uint64_t old = racy_load(p, size);                                              \
                                                                                        \
        for (;;) {                                                                      \
            const bool replace = (type)(value << unused) op_(type)(old << unused);      \
            const uint64_t seen = atomic_cas(p, size, old, replace ? value : old);      \
                                                                                        \
            if (seen == old) {                                                          \
                return old;                                                             \
            }                                                                           \
            old = seen;                                                                 \
        }                                                                               \
    }

MIN_MAX(smax, int64_t, >)
MIN_MAX(smin, int64_t, <)
MIN_MAX(umax, uint64_t, >)
MIN_MAX(umin, uint64_t, <)

#define RMW(bits_, size, name, fn)                    \
    UOP_BODY(name##bits_)                             \
    {                                                 \
        HOST_ADDRESS(1u << (size), true)              \
        cpu->x[op->rd] = fn(p, size, cpu->x[op->rm]); \
        NEXT();                                       \
    }

BY_SIZE(RMW, ldadd, atomic_add)
BY_SIZE(RMW, ldclr, atomic_clear)
BY_SIZE(RMW, ldeor, atomic_xor)
BY_SIZE(RMW, ldset, atomic_or)
BY_SIZE(RMW, ldsmax, atomic_smax)
BY_SIZE(RMW, ldsmin, atomic_smin)
BY_SIZE(RMW, ldumax, atomic_umax)
BY_SIZE(RMW, ldumin, atomic_umin)
BY_SIZE(RMW, swp, atomic_swap)

/* The old value is not wanted: one locked instruction instead of a compare-and-swap loop. */
#define RMW_ST(bits_, size, name, fn)      \
    UOP_BODY(name##bits_)                  \
    {                                      \
        HOST_ADDRESS(1u << (size), true)   \
        (void)fn(p, size, cpu->x[op->rm]); \
        NEXT();                            \
    }

BY_SIZE(RMW_ST, stadd, atomic_add)
BY_SIZE(RMW_ST, stclr, atomic_clear)
BY_SIZE(RMW_ST, steor, atomic_xor)
BY_SIZE(RMW_ST, stset, atomic_or)
