/*
 * mem_rig.h - one load or store at a time against a small memory of the test: the slow paths here stand in for mem.c, and the
 * first definition wins. For one file of a program.
 */
#ifndef TESTS_MEM_RIG_H
#define TESTS_MEM_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../aligned.h"
#include "accel/soft/cpu.h"
#include "base/assert.h"

/* ---- A memory ------------------------------------------------------------------------------- */

/*
 * Five pages from BASE: two of RAM, one that is not mapped, one read-only, one device. TLB entries
 * are made as mmu.c would, when `refill` is on.
 */
#define BASE    0x7f0000010000ull
#define RAM     BASE
#define HOLE    (BASE + 0x2000)
#define ROM     (BASE + 0x3000)
#define DEVICE  (BASE + 0x4000)
#define PAGES   5
#define PC_PAGE BASE /* literals are read from the first page of RAM */

struct tlb_ctx {
    struct tlb_entry e[TLB_ENTRIES];
};

enum fault {
    FAULT_NONE,
    FAULT_TRANSLATION,
    FAULT_PERMISSION,
    FAULT_ALIGNMENT,
    FAULT_ATOMIC,
    FAULT_EXTERNAL,
    FAULT_SP,
    FAULT_FP
};

struct machine {
    struct cpu cpu;
    struct tlb_ctx tlb, tlb_user;
    _Alignas(64) uint8_t *mem; /* PAGES pages */
    bool refill;
    bool user_denied; /* EL0 may not access the RAM */
    enum fault fault;
    uint64_t fault_va;
    uint64_t device_written;
    unsigned device_accesses;
    unsigned device_fails_at; /* that access is an external abort; 0: none */
    bool ended;
};

static inline struct machine *machine_of(struct cpu *cpu)
{
    return (struct machine *)(void *)cpu;
}

static inline void take(struct cpu *cpu, enum fault fault, uint64_t va)
{
    struct machine *m = machine_of(cpu);

    assert_false(cpu->left);
    cpu->left = true;
    m->fault = fault;
    m->fault_va = va;
}

static inline uint8_t *host(struct machine *m, uint64_t va)
{
    ASSERT(range_inside(va, 1, BASE, PAGES * SOFT_PAGE));
    return m->mem + (va - BASE);
}

static inline enum fault check_page(struct machine *m, uint64_t va, bool write, unsigned mo)
{
    if (va < BASE || va >= BASE + PAGES * SOFT_PAGE || (va >= HOLE && va < ROM)) {
        return FAULT_TRANSLATION;
    }
    if ((write && va >= ROM && va < DEVICE) || ((mo & MO_USER) && m->user_denied)) {
        return FAULT_PERMISSION;
    }
    return FAULT_NONE;
}

static inline void refill(struct machine *m, uint64_t va, unsigned mo)
{
    struct tlb_ctx *ctx = mo & MO_USER ? &m->tlb_user : &m->tlb;
    struct tlb_entry *e = &ctx->e[tlb_index(va)];
    const uint64_t page = va & ~(uint64_t)(SOFT_PAGE - 1);

    if (m->refill && page < DEVICE) {
        e->rtag = page;
        e->wtag = page < ROM ? page : TLB_NEVER;
        e->addend = (uint64_t)(uintptr_t)host(m, page) - page;
    }
}

/* True if the whole of [va, va + size) may be accessed. */
static inline bool check(struct cpu *cpu, uint64_t va, unsigned size, bool write, unsigned mo)
{
    struct machine *m = machine_of(cpu);

    for (unsigned i = 0; i < size; i++) {
        const enum fault fault = check_page(m, va + i, write, mo);
        if (fault != FAULT_NONE) {
            take(cpu, fault, va + i);
            return false;
        }
    }
    refill(m, va, mo);
    return true;
}

static inline bool check_access(struct cpu *cpu, uint64_t va, bool write, unsigned mo)
{
    const unsigned size = 1u << (mo & MO_SIZE);

    if ((va & (size - 1)) != 0 && ((mo & MO_ALIGNED) != 0 || cpu->align_mask != 0)) {
        take(cpu, FAULT_ALIGNMENT, va);
        return false;
    }
    return check(cpu, va, size, write, mo);
}

uint64_t mem_ld_slow(struct cpu *cpu, const struct op *op, uint64_t va, unsigned mo)
{
    struct machine *m = machine_of(cpu);
    uint64_t value = 0;

    assert_true((mo & MO_SIZE) <= 3);
    if (!check_access(cpu, va, false, mo)) {
        return 0xbadbadbadbad;
    }
    if (va >= DEVICE) {
        if (++m->device_accesses == m->device_fails_at) {
            take(cpu, FAULT_EXTERNAL, va);
        }
        return 0xf1f2f3f4f5f6f7f8 & (~0ull >> (64 - (8 << (mo & MO_SIZE))));
    }
    memcpy(&value, host(m, va), 1u << (mo & MO_SIZE));
    return value;
}

void mem_st_slow(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t value, unsigned mo)
{
    struct machine *m = machine_of(cpu);

    assert_true((mo & MO_SIZE) <= 3);
    if (!check_access(cpu, va, true, mo)) {
        return;
    }
    if (va >= DEVICE) {
        m->device_accesses++;
        m->device_written = value;
        return;
    }
    memcpy(host(m, va), &value, 1u << (mo & MO_SIZE));
}

struct v128 mem_ld16_slow(struct cpu *cpu, const struct op *op, uint64_t va, unsigned mo)
{
    struct v128 value = { 0, 0 };

    assert_int_equal(mo & MO_SIZE, 4);
    if (check_access(cpu, va, false, mo)) {
        memcpy(&value, host(machine_of(cpu), va), 16);
    }
    return value;
}

void mem_st16_slow(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t lo, uint64_t hi,
                   unsigned mo)
{
    assert_int_equal(mo & MO_SIZE, 4);
    if (check_access(cpu, va, true, mo)) {
        memcpy(host(machine_of(cpu), va), &lo, 8);
        memcpy(host(machine_of(cpu), va) + 8, &hi, 8);
    }
}

void mem_probe(struct cpu *cpu, const struct op *op, uint64_t va, unsigned size, bool write,
               unsigned mo)
{
    check(cpu, va, size, write, mo);
}

void *mem_atomic(struct cpu *cpu, const struct op *op, uint64_t va, unsigned size, bool write,
                 unsigned mo)
{
    assert_int_equal(1u << (mo & MO_SIZE), size);
    if (!check_access(cpu, va, write, mo | MO_ALIGNED)) {
        return NULL;
    }
    if (va >= DEVICE) {
        take(cpu, FAULT_ATOMIC, va);
        return NULL;
    }
    return host(machine_of(cpu), va);
}

void cpu_sp_fault(struct cpu *cpu, const struct op *op)
{
    take(cpu, FAULT_SP, cpu->x[X_SP]);
}
void cpu_fp_trap(struct cpu *cpu, const struct op *op)
{
    take(cpu, FAULT_FP, 0);
}

/* ---- Running one instruction -------------------------------------------------------------------
 */

static const char *const uop_name[UOP_COUNT] = {
#define UOP(name, flags) [UOP_##name] = #name,
#include "accel/soft/uop.def"
#undef UOP
};

static op_fn *const body[UOP_COUNT] = {
#define UOP(name, flags) [UOP_##name] = op_##name,
#include "accel/soft/uop_mem.def"
#undef UOP
};

static lower_fn *const family[A64_INSN_COUNT] = {
#define INSN(name, pattern, feat, flags, lower, assembler) [A64_INSN_##name] = lower_##lower,
#include "arch/a64_mem.def"
#undef INSN
};

static struct a64_table *table;
/* What lowering looks at: more than one CPU, so pairs are one access with FEAT_LSE2. */
static struct vm two_cpus = { .config = { .cpus = 2 } };
static struct vcpu one_of_them = { .vm = &two_cpus };
static struct cpu lower_for = { .vcpu = &one_of_them };

static inline op_ret HV_ENGINE_ABI body_end(struct cpu *cpu, const struct op *op)
{
    machine_of(cpu)->ended = true;
    LEAVE();
}

static inline op_ret HV_ENGINE_ABI body_nop(struct cpu *cpu, const struct op *op)
{
    NEXT();
}

static inline enum uop lower(uint32_t word, unsigned slot, struct op *op)
{
    const struct a64_row *row = a64_decode(table, word);
    const struct lower lo = { .cpu = &lower_for, .slot = slot, .row = row };

    assert_non_null(row);
    assert_non_null(family[row->index]);
    *op = (struct op){ .word = word };
    return family[row->index](&lo, word, op);
}

static inline void run_ops(struct cpu *cpu, const struct op *op)
{
#if SOFT_TAILCALL
    op->fn(cpu, op);
#else
    while (op != NULL) {
        op = op->fn(cpu, op);
    }
#endif
}

/* Runs word at PC_PAGE + 4 * slot. True if it happened; false: m->fault says why not. */
static inline bool run_at(struct machine *m, uint32_t word, unsigned slot)
{
    static _Thread_local struct op ops[PAGE_SLOTS + 1];
    const enum uop uop = lower(word, slot, &ops[slot]);

    ops[slot].fn = uop == UOP_nop ? body_nop : body[uop];
    if (ops[slot].fn == NULL) {
        fail_msg("%08x: no body for %s", word, uop_name[uop]);
    }
    ops[slot + 1].fn = body_end;
    m->cpu.page_ops = ops;
    m->cpu.page_va = PC_PAGE;
    m->cpu.left = false;
    m->ended = false;
    m->fault = FAULT_NONE;
    run_ops(&m->cpu, &ops[slot]);
    assert_true(m->ended != m->cpu.left);
    assert_int_equal(m->cpu.x[X_ZERO], 0);
    return m->ended;
}

static inline bool run(struct machine *m, uint32_t word)
{
    return run_at(m, word, 5);
}

/* Of the pages that refill may have put there. */
static inline void flush_tlb(struct machine *m)
{
    for (unsigned page = 0; page < PAGES; page++) {
        const unsigned i = tlb_index(BASE + (uint64_t)page * SOFT_PAGE);
        memset(&m->tlb.e[i], 0xff, sizeof(m->tlb.e[i]));
        memset(&m->tlb_user.e[i], 0xff, sizeof(m->tlb_user.e[i]));
    }
}

/* Registers x<n> = 0x0101..01 * n, v<n> bytes n, n + 1, ..; memory byte i is i * 7 + page. */
static inline void machine_reset(struct machine *m)
{
    struct cpu *cpu = &m->cpu;

    flush_tlb(m);
    m->refill = true;
    m->user_denied = false;
    m->device_accesses = m->device_fails_at = 0;
    cpu->tlb = &m->tlb;
    cpu->tlb_user = &m->tlb_user;
    cpu->align_mask = 0;
    cpu->sp_align_mask = 15;
    cpu->fp_trap = false;
    cpu->excl_size = 0;
    for (unsigned i = 0; i < 31; i++) {
        cpu->x[i] = 0x0101010101010101 * i;
    }
    cpu->x[X_SP] = RAM + 0x800;
    cpu->x[X_ZERO] = 0;
    for (unsigned i = 0; i < 32; i++) {
        for (unsigned b = 0; b < 16; b++) {
            cpu->v[i].b[b] = (uint8_t)(i + b);
        }
    }
    for (unsigned page = 0; page < PAGES;
         page++) { /* 256 bytes as they are to be, and copies of what there is */
        uint8_t *mem = m->mem + (size_t)page * SOFT_PAGE;
        for (unsigned i = 0; i < 256; i++) {
            mem[i] = (uint8_t)(i * 7 + page);
        }
        for (unsigned i = 256; i < SOFT_PAGE; i *= 2) {
            memcpy(mem + i, mem, i);
        }
    }
}

static inline struct machine *machine_new(void)
{
    struct machine *m = aligned_alloc(64, (sizeof(*m) + 63) & ~(size_t)63);

    memset(m, 0, sizeof(*m));
    memset(&m->tlb, 0xff, sizeof(m->tlb));
    memset(&m->tlb_user, 0xff, sizeof(m->tlb_user));
    m->mem = aligned_alloc(SOFT_PAGE, PAGES * SOFT_PAGE);
    machine_reset(m);
    return m;
}

static inline int setup(void **state)
{
    table = malloc(a64_table_size());
    const char *wrong = a64_init(table);

    if (wrong != NULL) {
        fail_msg("%s", wrong);
    }
    *state = machine_new();
    return 0;
}

static inline int teardown(void **state)
{
    struct machine *m = *state;

    aligned_block_free(m->mem);
    aligned_block_free(m);
    free(table);
    return 0;
}

static inline struct machine *fresh(void **state)
{
    machine_reset(*state);
    return *state;
}

static inline void put(struct machine *m, uint64_t va, uint64_t value)
{
    memcpy(host(m, va), &value, 8);
}

static inline uint64_t get(struct machine *m, uint64_t va)
{
    uint64_t value;

    memcpy(&value, host(m, va), 8);
    return value;
}

#endif
