/*
 * test_op_mem.c - loads, stores, exclusives, atomics and SIMD structures, one instruction at a
 * time.
 *
 * The bodies run against a small memory of this test: the slow paths below stand in for mmu.c. Two
 * properties are checked for random words of every row of a64_mem.def: the fast path and the slow
 * path do the same, and an instruction that faults changes nothing. The rest are examples written
 * out by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
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

static struct machine *machine_of(struct cpu *cpu)
{
    return (struct machine *)(void *)cpu;
}

static void take(struct cpu *cpu, enum fault fault, uint64_t va)
{
    struct machine *m = machine_of(cpu);

    assert_false(cpu->left);
    cpu->left = true;
    m->fault = fault;
    m->fault_va = va;
}

static uint8_t *host(struct machine *m, uint64_t va)
{
    ASSERT(range_inside(va, 1, BASE, PAGES * SOFT_PAGE));
    return m->mem + (va - BASE);
}

static enum fault check_page(struct machine *m, uint64_t va, bool write, unsigned mo)
{
    if (va < BASE || va >= BASE + PAGES * SOFT_PAGE || (va >= HOLE && va < ROM)) {
        return FAULT_TRANSLATION;
    }
    if ((write && va >= ROM && va < DEVICE) || ((mo & MO_USER) && m->user_denied)) {
        return FAULT_PERMISSION;
    }
    return FAULT_NONE;
}

static void refill(struct machine *m, uint64_t va, unsigned mo)
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
static bool check(struct cpu *cpu, uint64_t va, unsigned size, bool write, unsigned mo)
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

static bool check_access(struct cpu *cpu, uint64_t va, bool write, unsigned mo)
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

static op_ret HV_ENGINE_ABI body_end(struct cpu *cpu, const struct op *op)
{
    machine_of(cpu)->ended = true;
    LEAVE();
}

static op_ret HV_ENGINE_ABI body_nop(struct cpu *cpu, const struct op *op)
{
    NEXT();
}

static enum uop lower(uint32_t word, unsigned slot, struct op *op)
{
    const struct a64_row *row = a64_decode(table, word);
    const struct lower lo = { .cpu = &lower_for, .slot = slot, .row = row };

    assert_non_null(row);
    assert_non_null(family[row->index]);
    *op = (struct op){ .word = word };
    return family[row->index](&lo, word, op);
}

static void run_ops(struct cpu *cpu, const struct op *op)
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
static bool run_at(struct machine *m, uint32_t word, unsigned slot)
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

static bool run(struct machine *m, uint32_t word)
{
    return run_at(m, word, 5);
}

static void flush_tlb(struct machine *m)
{
    memset(&m->tlb, 0xff, sizeof(m->tlb));
    memset(&m->tlb_user, 0xff, sizeof(m->tlb_user));
}

/* Registers x<n> = 0x0101..01 * n, v<n> bytes n, n + 1, ..; memory byte i is i * 7 + page. */
static void machine_reset(struct machine *m)
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
    for (unsigned i = 0; i < PAGES * SOFT_PAGE; i++) {
        m->mem[i] = (uint8_t)(i * 7 + i / SOFT_PAGE);
    }
}

static struct machine *machine_new(void)
{
    struct machine *m = aligned_alloc(64, (sizeof(*m) + 63) & ~(size_t)63);

    memset(m, 0, sizeof(*m));
    m->mem = aligned_alloc(SOFT_PAGE, PAGES * SOFT_PAGE);
    machine_reset(m);
    return m;
}

static int setup(void **state)
{
    table = malloc(a64_table_size());
    const char *wrong = a64_init(table);

    if (wrong != NULL) {
        fail_msg("%s", wrong);
    }
    *state = machine_new();
    return 0;
}

static int teardown(void **state)
{
    struct machine *m = *state;

    aligned_block_free(m->mem);
    aligned_block_free(m);
    free(table);
    return 0;
}

static struct machine *fresh(void **state)
{
    machine_reset(*state);
    return *state;
}

static void put(struct machine *m, uint64_t va, uint64_t value)
{
    memcpy(host(m, va), &value, 8);
}

static uint64_t get(struct machine *m, uint64_t va)
{
    uint64_t value;

    memcpy(&value, host(m, va), 8);
    return value;
}

/* ---- Single registers
 * ----------------------------------------------------------------------------- */

struct load_case {
    uint32_t word;
    uint64_t expect;
};

/* x1 = RAM + 0x100, where the doubleword is 0x8899aabbccddeeff; x3 = 8, w4 = -8. */
static void test_loads(void **state)
{
    static const struct load_case cases[] = {
        { 0x39400022 /* ldrb w2, [x1] */, 0xff },
        { 0x39401c22 /* ldrb w2, [x1, #7] */, 0x88 },
        { 0x39c00022 /* ldrsb w2, [x1] */, 0xffffffff },
        { 0x39800422 /* ldrsb x2, [x1, #1] */, 0xffffffffffffffee },
        { 0x79400022 /* ldrh w2, [x1] */, 0xeeff },
        { 0x79c00422 /* ldrsh w2, [x1, #2] */, 0xffffccdd },
        { 0x79800c22 /* ldrsh x2, [x1, #6] */, 0xffffffffffff8899 },
        { 0xb9400022 /* ldr w2, [x1] */, 0xccddeeff },
        { 0xb9800422 /* ldrsw x2, [x1, #4] */, 0xffffffff8899aabb },
        { 0xf9400022 /* ldr x2, [x1] */, 0x8899aabbccddeeff },
        { 0x38401022 /* ldurb w2, [x1, #1] */, 0xee },
        { 0x38c03022 /* ldursb w2, [x1, #3] */, 0xffffffcc },
        { 0x38803022 /* ldursb x2, [x1, #3] */, 0xffffffffffffffcc },
        { 0x78401022 /* ldurh w2, [x1, #1] */, 0xddee },
        { 0x78c01022 /* ldursh w2, [x1, #1] */, 0xffffddee },
        { 0x78801022 /* ldursh x2, [x1, #1] */, 0xffffffffffffddee },
        { 0xb8401022 /* ldur w2, [x1, #1] */, 0xbbccddee },
        { 0xb8801022 /* ldursw x2, [x1, #1] */, 0xffffffffbbccddee },
        { 0xf85f8022 /* ldur x2, [x1, #-8] */, 0x1122334455667788 },
        { 0x38402822 /* ldtrb w2, [x1, #2] */, 0xdd },
        { 0x38802822 /* ldtrsb x2, [x1, #2] */, 0xffffffffffffffdd },
        { 0x78c00822 /* ldtrsh w2, [x1] */, 0xffffeeff },
        { 0xb8800822 /* ldtrsw x2, [x1] */, 0xffffffffccddeeff },
        { 0xf85f8822 /* ldtr x2, [x1, #-8] */, 0x1122334455667788 },
        { 0xf864c822 /* ldr x2, [x1, w4, sxtw] */, 0x1122334455667788 },
        { 0xf8634822 /* ldr x2, [x1, w3, uxtw] */, 0x0011223344556677 },
        { 0xf8636822 /* ldr x2, [x1, x3] */, 0x0011223344556677 },
        { 0xf863e822 /* ldr x2, [x1, x3, sxtx] */, 0x0011223344556677 },
        { 0xb8667822 /* ldr w2, [x1, x6, lsl #2] */, 0x8899aabb },
        { 0x78665822 /* ldrh w2, [x1, w6, uxtw #1] */, 0xccdd },
        { 0x38a36822 /* ldrsb x2, [x1, x3] */, 0x77 },
        { 0xf8667822 /* ldr x2, [x1, x6, lsl #3] */, 0x0011223344556677 },
        { 0xf8677822 /* ldr x2, [x1, x7, lsl #3] */, 0x1122334455667788 },
        { 0xc8dffc22 /* ldar x2, [x1] */, 0x8899aabbccddeeff },
        { 0x08dffc22 /* ldarb w2, [x1] */, 0xff },
        { 0xb8bfc022 /* ldapr w2, [x1] */, 0xccddeeff },
        { 0x78bfc022 /* ldaprh w2, [x1] */, 0xeeff },
        { 0x085f7c22 /* ldxrb w2, [x1] */, 0xff },
        { 0x885ffc22 /* ldaxr w2, [x1] */, 0xccddeeff },
    };
    struct machine *m = fresh(state);

    put(m, RAM + 0xf8, 0x1122334455667788);
    put(m, RAM + 0x100, 0x8899aabbccddeeff);
    put(m, RAM + 0x108, 0x0011223344556677);
    m->cpu.x[1] = RAM + 0x100;
    m->cpu.x[3] = 8;
    m->cpu.x[4] = 0xfffffff8; /* sign-extends to -8 */
    m->cpu.x[6] = 1;
    m->cpu.x[7] = ~0ull;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        m->cpu.x[2] = 0xdeadbeefdeadbeef;
        assert_true(run(m, cases[i].word));
        if (m->cpu.x[2] != cases[i].expect) {
            fail_msg("case %u (%08x): %llx", i, cases[i].word, (unsigned long long)m->cpu.x[2]);
        }
        assert_int_equal(m->cpu.x[1], RAM + 0x100);
    }
}

static void test_stores(void **state)
{
    static const struct load_case cases[] = {
        /* memory of eight FF bytes afterwards; w2 = ...12345678 */
        { 0x39000022 /* strb w2, [x1] */, 0xffffffffffffff78 },
        { 0x79000422 /* strh w2, [x1, #2] */, 0xffffffff5678ffff },
        { 0xb9000422 /* str w2, [x1, #4] */, 0x12345678ffffffff },
        { 0xf9000022 /* str x2, [x1] */, 0x9abcdef012345678 },
        { 0xf900003f /* str xzr, [x1] */, 0 },
        { 0xb900003f /* str wzr, [x1] */, 0xffffffff00000000 },
        { 0x38003022 /* sturb w2, [x1, #3] */, 0xffffffff78ffffff },
        { 0x78003022 /* sturh w2, [x1, #3] */, 0xffffff5678ffffff },
        { 0xb8003022 /* stur w2, [x1, #3] */, 0xff12345678ffffff },
        { 0xf8000822 /* sttr x2, [x1] */, 0x9abcdef012345678 },
        { 0x38001822 /* sttrb w2, [x1, #1] */, 0xffffffffffff78ff },
        { 0x38236822 /* strb w2, [x1, x3] */, 0xffffffffffff78ff },
        { 0x78237822 /* strh w2, [x1, x3, lsl #1] */, 0xffffffff5678ffff },
        { 0xb8235822 /* str w2, [x1, w3, uxtw #2] */, 0x12345678ffffffff },
        { 0xc89ffc22 /* stlr x2, [x1] */, 0x9abcdef012345678 },
        { 0x089ffc22 /* stlrb w2, [x1] */, 0xffffffffffffff78 },
        { 0x489ffc22 /* stlrh w2, [x1] */, 0xffffffffffff5678 },
        { 0x3d000422 /* str b2, [x1, #1] */, 0xffffffffffff02ff },
        { 0x7d000422 /* str h2, [x1, #2] */, 0xffffffff0302ffff },
        { 0xbc237822 /* str s2, [x1, x3, lsl #2] */, 0x05040302ffffffff },
        { 0xfd000022 /* str d2, [x1] */, 0x0908070605040302 },
        { 0x29000c22 /* stp w2, w3, [x1] */, 0x0000000112345678 },
        { 0x2d000c22 /* stp s2, s3, [x1] */, 0x0605040305040302 },
    };
    struct machine *m = fresh(state);

    m->cpu.x[1] = RAM + 0x100;
    m->cpu.x[2] = 0x9abcdef012345678;
    m->cpu.x[3] = 1;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        put(m, RAM + 0xf8, 0x5a5a5a5a5a5a5a5a);
        put(m, RAM + 0x100, ~0ull);
        put(m, RAM + 0x108, 0x5a5a5a5a5a5a5a5a);
        assert_true(run(m, cases[i].word));
        if (get(m, RAM + 0x100) != cases[i].expect) {
            fail_msg("case %u (%08x): %llx", i, cases[i].word,
                     (unsigned long long)get(m, RAM + 0x100));
        }
        assert_int_equal(get(m, RAM + 0xf8), 0x5a5a5a5a5a5a5a5a);
        assert_int_equal(get(m, RAM + 0x108), 0x5a5a5a5a5a5a5a5a);
    }
}

static void test_write_back(void **state)
{
    struct machine *m = fresh(state);
    uint64_t *x = m->cpu.x;

    put(m, RAM + 0x100, 0x1111);
    put(m, RAM + 0x110, 0x2222);
    x[1] = RAM + 0x100;
    assert_true(run(m, 0xf8410422 /* ldr x2, [x1], #16 */));
    assert_int_equal(x[2], 0x1111);
    assert_int_equal(x[1], RAM + 0x110);
    assert_true(run(m, 0xf85f0c22 /* ldr x2, [x1, #-16]! */));
    assert_int_equal(x[2], 0x1111);
    assert_int_equal(x[1], RAM + 0x100);
    assert_true(run(m, 0xf80ffc22 /* str x2, [x1, #255]! */));
    assert_int_equal(x[1], RAM + 0x1ff);
    assert_int_equal(get(m, RAM + 0x1ff), 0x1111);
    assert_true(run(m, 0x38100422 /* strb w2, [x1], #-256 */));
    assert_int_equal(x[1], RAM + 0xff);
    x[1] = RAM + 0x110;
    assert_true(run(m, 0xf8410421 /* ldr x1, [x1], #16 */));
    assert_int_equal(x[1], 0x2222);
    x[1] = RAM + 0x100;
    assert_true(run(m, 0xa8e00c22 /* ldp x2, x3, [x1], #-512 */));
    assert_int_equal(x[1], RAM + 0x100 - 512);
    x[1] = RAM + 0x100;
    assert_true(run(m, 0xaddf8c22 /* ldp q2, q3, [x1, #1008]! */));
    assert_int_equal(x[1], RAM + 0x100 + 1008);
    assert_true(run(m, 0xf840843f /* ldr xzr, [x1], #8 */));
    assert_int_equal(x[1], RAM + 0x100 + 1016);
}

static void test_sp_base(void **state)
{
    struct machine *m = fresh(state);
    uint64_t *x = m->cpu.x;

    put(m, RAM + 0x800, 0x1234);
    put(m, RAM + 0x808, 0x5678);
    x[3] = 1;
    x[4] = 0xffffffff;
    assert_true(run(m, 0xa8c10be1 /* ldp x1, x2, [sp], #16 */));
    assert_int_equal(x[1], 0x1234);
    assert_int_equal(x[2], 0x5678);
    assert_int_equal(x[X_SP], RAM + 0x810);
    assert_true(run(m, 0xa9bf07e2 /* stp x2, x1, [sp, #-16]! */));
    assert_int_equal(x[X_SP], RAM + 0x800);
    assert_int_equal(get(m, RAM + 0x800), 0x5678);
    assert_true(run(m, 0xf8637be5 /* ldr x5, [sp, x3, lsl #3] */));
    assert_int_equal(x[5], 0x1234);
    assert_true(run(m, 0xb8635be5 /* ldr w5, [sp, w3, uxtw #2] */));
    assert_int_equal(x[5], 0);
    put(m, RAM + 0x7f8, 0x99);
    assert_true(run(m, 0xf864dbe5 /* ldr x5, [sp, w4, sxtw #3] */));
    assert_int_equal(x[5], 0x99);
    assert_true(run(m, 0x3863ebe5 /* ldrb w5, [sp, x3, sxtx] */));
    assert_int_equal(x[5], 0x56);

    /* Misaligned: a fault, unless it is a prefetch or the check is off. */
    static const uint32_t faulting[] = {
        0xf94003e1 /* ldr x1, [sp] */,
        0xf8008fe1 /* str x1, [sp, #8]! */,
        0xf8636be1 /* ldr x1, [sp, x3] */,
        0xa8c10be1 /* ldp x1, x2, [sp], #16 */,
        0x3dc003e1 /* ldr q1, [sp] */,
        0x6dbf0be1 /* stp d1, d2, [sp, #-16]! */,
        0x4cdf73e0 /* ld1 {v0.16b}, [sp], #16 */,
        0xc85f7fe1 /* ldxr x1, [sp] */,
        0xc89fffe1 /* stlr x1, [sp] */,
        0xf82103e2 /* ldadd x1, x2, [sp] */,
        0xf8400be1 /* ldtr x1, [sp] */,
        0xc8a17fe2 /* cas x1, x2, [sp] */,
    };
    x[X_SP] = RAM + 0x808;
    for (unsigned i = 0; i < ARRAY_SIZE(faulting); i++) {
        assert_false(run(m, faulting[i]));
        assert_int_equal(m->fault, FAULT_SP);
        assert_int_equal(x[X_SP], RAM + 0x808);
    }
    assert_true(run(m, 0xf98003e0 /* prfm pldl1keep, [sp] */));
    m->cpu.sp_align_mask = 0;
    assert_true(run(m, 0xf94003e1 /* ldr x1, [sp] */));
    assert_int_equal(x[1], 0x1234);
}

static void test_literals(void **state)
{
    struct machine *m = fresh(state);

    put(m, PC_PAGE + 0x100, 0x8877665544332211);
    put(m, PC_PAGE + 0x108, 0xffeeddccbbaa9988);
    m->cpu.v[1].d[1] = ~0ull;
    assert_true(run_at(m, 0x58000201, 48)); /* ldr x1, pc + 64 */
    assert_int_equal(m->cpu.x[1], 0x8877665544332211);
    assert_true(run_at(m, 0x18fffe01, 80)); /* ldr w1, pc - 64 */
    assert_int_equal(m->cpu.x[1], 0x44332211);
    assert_true(run_at(m, 0x98000021, 64)); /* ldrsw x1, pc + 4 */
    assert_int_equal(m->cpu.x[1], 0xffffffff88776655);
    assert_true(run_at(m, 0x1c000021, 64)); /* ldr s1 */
    assert_int_equal(m->cpu.v[1].d[0], 0x88776655);
    assert_int_equal(m->cpu.v[1].d[1], 0);
    assert_true(run_at(m, 0x5c000041, 64)); /* ldr d1 */
    assert_int_equal(m->cpu.v[1].d[0], 0xffeeddccbbaa9988);
    assert_true(run_at(m, 0x9c000001, 64)); /* ldr q1 */
    assert_int_equal(m->cpu.v[1].d[0], 0x8877665544332211);
    assert_int_equal(m->cpu.v[1].d[1], 0xffeeddccbbaa9988);
    assert_true(run_at(m, 0xd8000001, 64)); /* prfm */
    assert_false(run_at(m, 0x58fffa01, 5)); /* before the page: not mapped */
    assert_int_equal(m->fault_va, PC_PAGE - 172);
}

static void test_pairs(void **state)
{
    struct machine *m = fresh(state);
    uint64_t *x = m->cpu.x;

    put(m, RAM + 0x100, 0x8877665544332211);
    put(m, RAM + 0x108, 0xffeeddccbbaa9988);
    x[1] = RAM + 0x108;
    assert_true(run(m, 0xa97f8c22 /* ldp x2, x3, [x1, #-8] */));
    assert_int_equal(x[2], 0x8877665544332211);
    assert_int_equal(x[3], 0xffeeddccbbaa9988);
    assert_true(run(m, 0x297f8c22 /* ldp w2, w3, [x1, #-4] */));
    assert_int_equal(x[2], 0x88776655);
    assert_int_equal(x[3], 0xbbaa9988);
    assert_true(run(m, 0x697f0c22 /* ldpsw x2, x3, [x1, #-8] */));
    assert_int_equal(x[2], 0x44332211);
    assert_int_equal(x[3], 0xffffffff88776655);
    assert_true(run(m, 0xa8407c22 /* ldnp x2, xzr, [x1] */));
    assert_int_equal(x[2], 0xffeeddccbbaa9988);
    assert_true(run(m, 0xa800fc22 /* stnp x2, xzr, [x1, #8] */));
    assert_int_equal(get(m, RAM + 0x110), 0xffeeddccbbaa9988);
    assert_int_equal(get(m, RAM + 0x118), 0);
    assert_true(run(m, 0xa9400821 /* ldp x1, x2, [x1] */)); /* the base among the destinations */
    assert_int_equal(x[1], 0xffeeddccbbaa9988);
    x[1] = RAM + 0x100;
    assert_true(run(m, 0x2d400c22 /* ldp s2, s3, [x1] */));
    assert_int_equal(m->cpu.v[2].d[0], 0x44332211);
    assert_int_equal(m->cpu.v[2].d[1], 0);
    assert_int_equal(m->cpu.v[3].d[0], 0x88776655);
    assert_true(run(m, 0x6d400c22 /* ldp d2, d3, [x1] */));
    assert_int_equal(m->cpu.v[3].d[0], 0xffeeddccbbaa9988);
    assert_int_equal(m->cpu.v[3].d[1], 0);
    assert_true(run(m, 0xad011424 /* stp q4, q5, [x1, #32] */));
    assert_memory_equal(host(m, RAM + 0x120), &m->cpu.v[4], 32);
    assert_true(run(m, 0xac417c3e /* ldnp q30, q31, [x1, #32] */));
    assert_memory_equal(&m->cpu.v[30], host(m, RAM + 0x120), 32);
}

static void test_vector_loads_zero_the_rest(void **state)
{
    struct machine *m = fresh(state);

    put(m, RAM + 0x100, 0x8877665544332211);
    m->cpu.x[1] = RAM + 0x100;
    static const struct load_case cases[] = {
        { 0x3d400029 /* ldr b9, [x1] */, 0x11 },
        { 0x7d400429 /* ldr h9, [x1, #2] */, 0x4433 },
        { 0xbc401029 /* ldur s9, [x1, #1] */, 0x55443322 },
        { 0xfd400029 /* ldr d9, [x1] */, 0x8877665544332211 },
    };
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        m->cpu.v[9].d[0] = m->cpu.v[9].d[1] = ~0ull;
        assert_true(run(m, cases[i].word));
        assert_int_equal(m->cpu.v[9].d[0], cases[i].expect);
        assert_int_equal(m->cpu.v[9].d[1], 0);
    }
    assert_true(run(m, 0x3dc00029 /* ldr q9, [x1] */));
    assert_int_equal(m->cpu.v[9].d[1], get(m, RAM + 0x108));
}

static void test_fp_trap(void **state)
{
    static const uint32_t words[] = {
        0x3d400020 /* ldr b0, [x1] */,
        0x3c810420 /* str q0, [x1], #16 */,
        0x6d4007e0 /* ldp d0, d1, [sp] */,
        0xbc626820 /* ldr s0, [x1, x2] */,
        0x4c407020 /* ld1 {v0.16b}, [x1] */,
        0x0c000020 /* st4 {v0.8b, v1.8b, v2.8b, v3.8b}, [x1] */,
        0x0d400c20 /* ld1 {v0.b}[3], [x1] */,
        0x4d60c820 /* ld2r {v0.4s, v1.4s}, [x1] */,
        0x5c000040 /* ldr d0, .+8 */,
        0xac000420 /* stnp q0, q1, [x1] */,
    };
    struct machine *m = fresh(state);

    m->cpu.fp_trap = true;
    m->cpu.x[1] = HOLE; /* the trap comes before any fault of the access, or of SP */
    m->cpu.x[X_SP] = HOLE + 1;
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        assert_false(run(m, words[i]));
        assert_int_equal(m->fault, FAULT_FP);
    }
    m->cpu.x[1] = RAM;
    assert_true(run(m, 0xf9400022 /* ldr x2, [x1] */));
}

/* ---- Faults -------------------------------------------------------------------------------------
 */

static void test_faults_change_nothing(void **state)
{
    static const struct {
        uint32_t word;
        uint64_t base, fault_va;
        enum fault fault;
    } cases[] = {
        { 0xf8408422 /* ldr x2, [x1], #8 */, HOLE - 4, HOLE, FAULT_TRANSLATION },
        { 0xf8008c22 /* str x2, [x1, #8]! */, HOLE - 12, HOLE, FAULT_TRANSLATION },
        { 0xa8c10c22 /* ldp x2, x3, [x1], #16 */, HOLE - 8, HOLE, FAULT_TRANSLATION },
        { 0x28c20c22 /* ldp w2, w3, [x1], #16 */, HOLE, HOLE, FAULT_TRANSLATION },
        { 0xa9bf0c22 /* stp x2, x3, [x1, #-16]! */, HOLE + 8, HOLE, FAULT_TRANSLATION },
        { 0xa9000c22 /* stp x2, x3, [x1] */, HOLE - 12, HOLE, FAULT_TRANSLATION },
        { 0xac810c22 /* stp q2, q3, [x1], #32 */, HOLE - 16, HOLE, FAULT_TRANSLATION },
        { 0xacc10c22 /* ldp q2, q3, [x1], #32 */, HOLE - 17, HOLE, FAULT_TRANSLATION },
        { 0xa9400c22 /* ldp x2, x3, [x1] */, ROM - 8, ROM - 8, FAULT_TRANSLATION },
        { 0xa9808c22 /* stp x2, x3, [x1, #8]! */, ROM + 8, ROM + 16, FAULT_PERMISSION },
        { 0x3c810422 /* str q2, [x1], #16 */, ROM, ROM, FAULT_PERMISSION },
        { 0x4cdfa022 /* ld1 {v2.16b, v3.16b}, [x1], #32 */, HOLE - 31, HOLE, FAULT_TRANSLATION },
        { 0x4c9f2022 /* st1 {v2.16b-v5.16b}, [x1], #64 */, HOLE - 63, HOLE, FAULT_TRANSLATION },
        { 0x4cc60422 /* ld4 {v2.8h-v5.8h}, [x1], x6 */, HOLE - 32, HOLE, FAULT_TRANSLATION },
        { 0x0c9f4022 /* st3 {v2.8b-v4.8b}, [x1], #24 */, HOLE - 23, HOLE, FAULT_TRANSLATION },
        { 0x4dff8422 /* ld2 {v2.d, v3.d}[1], [x1], #16 */, HOLE - 8, HOLE, FAULT_TRANSLATION },
        { 0x4ddfe822 /* ld3r {v2.4s-v4.4s}, [x1], #12 */, HOLE - 8, HOLE, FAULT_TRANSLATION },
        { 0xc8037c22 /* stxr w3, x2, [x1] */, ROM, ROM, FAULT_PERMISSION },
        { 0xc85f7c22 /* ldxr x2, [x1] */, HOLE, HOLE, FAULT_TRANSLATION },
        { 0xc85f7c22 /* ldxr x2, [x1] */, RAM + 4, RAM + 4, FAULT_ALIGNMENT },
        { 0x485f7c22 /* ldxrh w2, [x1] */, RAM + 1, RAM + 1, FAULT_ALIGNMENT },
        { 0xc87f8c22 /* ldaxp x2, x3, [x1] */, RAM + 8, RAM + 8, FAULT_ALIGNMENT },
        { 0x88248c22 /* stlxp w4, w2, w3, [x1] */, RAM + 4, RAM + 4, FAULT_ALIGNMENT },
        { 0x88dffc22 /* ldar w2, [x1] */, RAM + 2, RAM + 2, FAULT_ALIGNMENT },
        { 0x489ffc22 /* stlrh w2, [x1] */, RAM + 1, RAM + 1, FAULT_ALIGNMENT },
        { 0xf8bfc022 /* ldapr x2, [x1] */, RAM + 4, RAM + 4, FAULT_ALIGNMENT },
        { 0xb8220023 /* ldadd w2, w3, [x1] */, RAM + 2, RAM + 2, FAULT_ALIGNMENT },
        { 0x48227c24 /* casp x2, x3, x4, x5, [x1] */, RAM + 8, RAM + 8, FAULT_ALIGNMENT },
        { 0xc8a27c23 /* cas x2, x3, [x1] */, ROM, ROM, FAULT_PERMISSION },
        { 0xf8228023 /* swp x2, x3, [x1] */, ROM, ROM, FAULT_PERMISSION },
        { 0xf822003f /* stadd x2, [x1] */, ROM, ROM, FAULT_PERMISSION },
        { 0xc85f7c22 /* ldxr x2, [x1] */, DEVICE, DEVICE, FAULT_ATOMIC },
        { 0xb8223023 /* ldset w2, w3, [x1] */, DEVICE, DEVICE, FAULT_ATOMIC },
    };
    struct machine *m = fresh(state);
    static struct cpu before;
    static uint8_t memory[PAGES * SOFT_PAGE];

    for (unsigned warm = 0; warm < 2; warm++) {
        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
            machine_reset(m);
            m->cpu.x[1] = RAM + 0x1ff8;
            if (warm) { /* the page below the hole and the read-only page are in the TLB */
                assert_true(run(m, 0xf9400022 /* ldr x2, [x1] */));
                m->cpu.x[1] = ROM;
                assert_true(run(m, 0xf9400022 /* ldr x2, [x1] */));
                m->cpu.x[1] = RAM;
                assert_true(run(m, 0xf9000022 /* str x2, [x1] */));
            }
            m->cpu.x[1] = cases[i].base;
            before = m->cpu;
            memcpy(memory, m->mem, sizeof(memory));
            assert_false(run(m, cases[i].word));
            if (m->fault != cases[i].fault || m->fault_va != cases[i].fault_va) {
                fail_msg("case %u (%08x): fault %d at %llx", i, cases[i].word, (int)m->fault,
                         (unsigned long long)m->fault_va);
            }
            assert_memory_equal(before.x, m->cpu.x, sizeof(before.x));
            assert_memory_equal(before.v, m->cpu.v, sizeof(before.v));
            assert_memory_equal(memory, m->mem, sizeof(memory));
        }
    }
}

/* SCTLR.A: each element is checked against its own size. */
static void test_alignment_check(void **state)
{
    static const struct {
        uint32_t word;
        unsigned offset;
        bool ok;
    } cases[] = {
        { 0x39400022 /* ldrb w2, [x1] */, 1, true },
        { 0x79400022 /* ldrh w2, [x1] */, 1, false },
        { 0xb9400022 /* ldr w2, [x1] */, 2, false },
        { 0xf9400022 /* ldr x2, [x1] */, 4, false },
        { 0xf9000022 /* str x2, [x1] */, 8, true },
        { 0xb9000022 /* str w2, [x1] */, 1, false },
        { 0xa9400c22 /* ldp x2, x3, [x1] */, 8, true },
        { 0xa9400c22 /* ldp x2, x3, [x1] */, 4, false },
        { 0x29000c22 /* stp w2, w3, [x1] */, 4, true },
        { 0x29000c22 /* stp w2, w3, [x1] */, 2, false },
        { 0x69400c22 /* ldpsw x2, x3, [x1] */, 4, true },
        { 0x3dc00022 /* ldr q2, [x1] */, 16, true },
        { 0x3dc00022 /* ldr q2, [x1] */, 8, false },
        { 0xad400c22 /* ldp q2, q3, [x1] */, 16, true },
        { 0xad000c22 /* stp q2, q3, [x1] */, 8, false },
        { 0x6d400c22 /* ldp d2, d3, [x1] */, 8, true },
        { 0x4c402022 /* ld1 {v2.16b-v5.16b}, [x1] */, 1, true },
        { 0x4c407422 /* ld1 {v2.8h}, [x1] */, 1, false },
        { 0x4c407422 /* ld1 {v2.8h}, [x1] */, 2, true },
        { 0x4c000822 /* st4 {v2.4s-v5.4s}, [x1] */, 4, true },
        { 0x4c000822 /* st4 {v2.4s-v5.4s}, [x1] */, 2, false },
        { 0x0d608422 /* ld2 {v2.d, v3.d}[0], [x1] */, 8, true },
        { 0x0d608422 /* ld2 {v2.d, v3.d}[0], [x1] */, 4, false },
        { 0x0d40c422 /* ld1r {v2.4h}, [x1] */, 1, false },
    };
    struct machine *m = fresh(state);

    for (unsigned warm = 0; warm < 2; warm++) {
        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
            machine_reset(m);
            m->cpu.x[1] = RAM + 0x100;
            if (warm) {
                assert_true(run(m, 0xf9000022 /* str x2, [x1] */));
            }
            m->cpu.x[1] += cases[i].offset;
            assert_true(run(m, cases[i].word)); /* off: anything goes */
            flush_tlb(m);
            if (warm) {
                assert_true(run(m, 0x39000022 /* strb w2, [x1] */));
            }
            m->cpu.align_mask = ~0ull;
            if (run(m, cases[i].word) != cases[i].ok) {
                fail_msg("case %u (%08x)", i, cases[i].word);
            }
            assert_int_equal(m->fault, cases[i].ok ? FAULT_NONE : FAULT_ALIGNMENT);
        }
    }
    /* Alignment comes before translation: the second page of this pair is not mapped. */
    m->cpu.x[1] = HOLE - 4;
    assert_false(run(m, 0xa9400c22 /* ldp x2, x3, [x1] */));
    assert_int_equal(m->fault, FAULT_ALIGNMENT);
    assert_int_equal(m->fault_va, HOLE - 4);
}

static void test_unprivileged(void **state)
{
    static const uint32_t words[] = {
        0xf8400822 /* ldtr x2, [x1] */,   0x38400822 /* ldtrb w2, [x1] */,
        0x78800822 /* ldtrsh x2, [x1] */, 0xb8000822 /* sttr w2, [x1] */,
        0x78000822 /* sttrh w2, [x1] */,
    };
    struct machine *m = fresh(state);

    m->user_denied = true;
    m->cpu.x[1] = RAM;
    assert_true(run(m, 0xf9000022 /* str x2, [x1] */));
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        assert_false(run(m, words[i]));
        assert_int_equal(m->fault, FAULT_PERMISSION);
    }
    m->user_denied = false;
    assert_true(run(m, 0xf8008821 /* sttr x1, [x1, #8] */));
    assert_int_equal(get(m, RAM + 8), RAM);
    m->user_denied = true; /* the entry is in the user's TLB now */
    assert_true(run(m, 0xf8408822 /* ldtr x2, [x1, #8] */));
    assert_int_equal(m->cpu.x[2], RAM);
}

static void test_devices(void **state)
{
    struct machine *m = fresh(state);

    m->cpu.x[1] = DEVICE;
    assert_true(run(m, 0x79c00022 /* ldrsh w2, [x1] */));
    assert_int_equal(m->cpu.x[2], 0xfffff7f8);
    assert_true(run(m, 0xb8404422 /* ldr w2, [x1], #4 */));
    assert_int_equal(m->cpu.x[2], 0xf5f6f7f8);
    assert_true(run(m, 0xb9000023 /* str w3, [x1] */));
    assert_int_equal((uint32_t)m->device_written, 0x03030303);
    assert_true(run(m, 0x88dffc22 /* ldar w2, [x1] */));
    assert_int_equal(m->cpu.x[2], 0xf5f6f7f8);
    assert_true(run(m, 0x089ffc24 /* stlrb w4, [x1] */));
    assert_int_equal((uint8_t)m->device_written, 4);
    assert_int_equal(m->device_accesses, 5);
    m->cpu.x[1] = DEVICE;
    assert_true(run(m, 0xa9400c22 /* ldp x2, x3, [x1] */));
    assert_int_equal(m->cpu.x[3], 0xf1f2f3f4f5f6f7f8);
    assert_true(run(m, 0x4c007c20 /* st1 {v0.2d}, [x1] */));
    assert_int_equal(m->device_accesses, 9);
    /* An external abort of a later part: no destination, and no base, was written. */
    static const uint32_t words[] = {
        0xa8c10c22 /* ldp x2, x3, [x1], #16 */,
        0x6cc10c22 /* ldp d2, d3, [x1], #16 */,
        0x4cdf8822 /* ld2 {v2.4s, v3.4s}, [x1], #32 */,
        0x0dff8022 /* ld2 {v2.s, v3.s}[0], [x1], #8 */,
    };
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        static struct cpu before;

        machine_reset(m);
        m->device_fails_at = 2;
        m->cpu.x[1] = DEVICE;
        before = m->cpu;
        assert_false(run(m, words[i]));
        assert_int_equal(m->fault, FAULT_EXTERNAL);
        assert_memory_equal(before.x, m->cpu.x, sizeof(before.x));
        assert_memory_equal(before.v, m->cpu.v, sizeof(before.v));
    }
}

/* ---- Exclusives
 * ----------------------------------------------------------------------------------- */

static void test_exclusives(void **state)
{
    struct machine *m = fresh(state);
    uint64_t *x = m->cpu.x;

    x[1] = RAM + 0x100;
    put(m, RAM + 0x100, 0x8877665544332211);
    put(m, RAM + 0x108, 0xffeeddccbbaa9988);
    assert_true(run(m, 0xc8037c24 /* stxr w3, x4, [x1] */)); /* monitor open */
    assert_int_equal(x[3], 1);
    assert_int_equal(get(m, RAM + 0x100), 0x8877665544332211);

    assert_true(run(m, 0xc85f7c22 /* ldxr x2, [x1] */));
    assert_int_equal(x[2], 0x8877665544332211);
    x[4] = 0x4444;
    assert_true(run(m, 0xc8037c24 /* stxr w3, x4, [x1] */));
    assert_int_equal(x[3], 0);
    assert_int_equal(get(m, RAM + 0x100), 0x4444);
    assert_true(run(m, 0xc803fc24 /* stlxr w3, x4, [x1] */)); /* used up */
    assert_int_equal(x[3], 1);

    assert_true(run(m, 0x885ffc22 /* ldaxr w2, [x1] */)); /* another size */
    assert_int_equal(x[2], 0x4444);
    assert_true(run(m, 0xc8037c3f /* stxr w3, xzr, [x1] */));
    assert_int_equal(x[3], 1);

    assert_true(run(m, 0xc85f7c22 /* ldxr x2, [x1] */)); /* another address */
    x[5] = RAM + 0x108;
    put(m, RAM + 0x108, x[2]); /* with the same value */
    assert_true(run(m, 0xc8037cbf /* stxr w3, xzr, [x5] */));
    assert_int_equal(x[3], 1);
    assert_true(run(m, 0xc8037c3f /* stxr w3, xzr, [x1] */)); /* a failing one opens it as well */
    assert_int_equal(x[3], 1);

    assert_true(run(m, 0xc85f7c22 /* ldxr x2, [x1] */)); /* somebody else stored */
    put(m, RAM + 0x100, 0x5555);
    assert_true(run(m, 0xc8037c3f /* stxr w3, xzr, [x1] */));
    assert_int_equal(x[3], 1);
    assert_int_equal(get(m, RAM + 0x100), 0x5555);

    assert_true(run(m, 0xc85f7c22 /* ldxr x2, [x1] */)); /* CLREX */
    m->cpu.excl_size = 0;
    assert_true(run(m, 0xc8037c3f /* stxr w3, xzr, [x1] */));
    assert_int_equal(x[3], 1);

    put(m, RAM + 0x100, 0xffffffffffffffff); /* the small sizes leave the neighbours alone */
    x[4] = 0;
    assert_true(run(m, 0x085f7c22 /* ldxrb w2, [x1] */));
    assert_int_equal(x[2], 0xff);
    assert_true(run(m, 0x08037c24 /* stxrb w3, w4, [x1] */));
    assert_int_equal(get(m, RAM + 0x100), 0xffffffffffffff00);
    assert_true(run(m, 0x485ffc22 /* ldaxrh w2, [x1] */));
    assert_true(run(m, 0x4803fc24 /* stlxrh w3, w4, [x1] */));
    assert_int_equal(get(m, RAM + 0x100), 0xffffffffffff0000);
    assert_true(run(m, 0x885f7c22 /* ldxr w2, [x1] */));
    assert_int_equal(x[2], 0xffff0000);
    assert_true(run(m, 0x88037c24 /* stxr w3, w4, [x1] */));
    assert_int_equal(get(m, RAM + 0x100), 0xffffffff00000000);
    assert_int_equal(x[3], 0);
    assert_true(
        run(m, 0xc85f7c3f /* ldxr xzr, [x1] */)); /* XZR loads, too, and the status may go there */
    assert_true(run(m, 0xc81f7c24 /* stxr wzr, x4, [x1] */));
    assert_int_equal(get(m, RAM + 0x100), 0);
}

static void test_exclusive_pairs(void **state)
{
    struct machine *m = fresh(state);
    uint64_t *x = m->cpu.x;

    x[1] = RAM + 0x100;
    put(m, RAM + 0x100, 0x8877665544332211);
    put(m, RAM + 0x108, 0xffeeddccbbaa9988);
    x[4] = 0x44;
    x[5] = 0x55;
    assert_true(run(m, 0x887f1822 /* ldxp w2, w6, [x1] */));
    assert_int_equal(x[2], 0x44332211);
    assert_int_equal(x[6], 0x88776655);
    assert_true(run(m, 0x88231424 /* stxp w3, w4, w5, [x1] */));
    assert_int_equal(x[3], 0);
    assert_int_equal(get(m, RAM + 0x100), 0x0000005500000044);
    assert_true(run(m, 0xc87f9822 /* ldaxp x2, x6, [x1] */));
    assert_int_equal(x[2], 0x0000005500000044);
    assert_int_equal(x[6], 0xffeeddccbbaa9988);
    assert_true(run(m, 0xc8239025 /* stlxp w3, x5, x4, [x1] */));
    assert_int_equal(x[3], 0);
    assert_int_equal(get(m, RAM + 0x100), 0x55);
    assert_int_equal(get(m, RAM + 0x108), 0x44);
    assert_true(run(m, 0xc87f1822 /* ldxp x2, x6, [x1] */)); /* the upper half changes */
    put(m, RAM + 0x108, 0x45);
    assert_true(run(m, 0xc8237c3f /* stxp w3, xzr, xzr, [x1] */));
    assert_int_equal(x[3], 1);
    assert_int_equal(get(m, RAM + 0x100), 0x55);
}

/* ---- LSE
 * ------------------------------------------------------------------------------------------ */

static void test_compare_and_swap(void **state)
{
    struct machine *m = fresh(state);
    uint64_t *x = m->cpu.x;
    struct op op;

    x[1] = RAM + 0x100;
    put(m, RAM + 0x100, 0x8877665544332211);
    put(m, RAM + 0x108, 0xffeeddccbbaa9988);
    x[2] = 1;
    x[3] = 0xabcd;
    assert_true(run(m, 0xc8e2fc23 /* casal x2, x3, [x1] */));
    assert_int_equal(x[2], 0x8877665544332211);
    assert_int_equal(get(m, RAM + 0x100), 0x8877665544332211);
    assert_true(run(m, 0xc8a27c23 /* cas x2, x3, [x1] */));
    assert_int_equal(x[2], 0x8877665544332211);
    assert_int_equal(get(m, RAM + 0x100), 0xabcd);
    x[2] = 0xffffffffffffffcd; /* only the low byte is compared; the result is zero-extended */
    x[3] = 0x12;
    assert_true(run(m, 0x08a27c23 /* casb w2, w3, [x1] */));
    assert_int_equal(x[2], 0xcd);
    assert_int_equal(get(m, RAM + 0x100), 0xab12);
    x[2] = 0x1ab12;
    assert_true(run(m, 0x48a27c3f /* cash w2, wzr, [x1] */));
    assert_int_equal(x[2], 0xab12);
    assert_int_equal(get(m, RAM + 0x100), 0);
    assert_true(run(m, 0x88bffc23 /* casl wzr, w3, [x1] */)); /* expected 0 */
    assert_int_equal(get(m, RAM + 0x100), 0x12);

    x[4] = 0x12;
    x[5] = 0;
    x[6] = 0x66;
    x[7] = 0x77;
    assert_true(run(m, 0x08247c26 /* casp w4, w5, w6, w7, [x1] */));
    assert_int_equal(get(m, RAM + 0x100), 0x0000007700000066);
    assert_int_equal(x[4], 0x12);
    assert_true(run(m, 0x4864fc26 /* caspal x4, x5, x6, x7, [x1] */)); /* differs */
    assert_int_equal(x[4], 0x0000007700000066);
    assert_int_equal(x[5], 0xffeeddccbbaa9988);
    assert_true(run(m, 0x48247c26 /* casp x4, x5, x6, x7, [x1] */));
    assert_int_equal(get(m, RAM + 0x100), 0x66);
    assert_int_equal(get(m, RAM + 0x108), 0x77);
    x[30] = 0x66; /* the partner of x30 is XZR */
    put(m, RAM + 0x108, 0);
    assert_true(run(m, 0x483e7c26 /* casp x30, xzr, x6, x7, [x1] */));
    assert_int_equal(get(m, RAM + 0x108), 0x77);
    x[30] = 0x1;
    x[4] = 0x66;
    x[5] = 0x77;
    const uint64_t sp = x[X_SP];
    assert_true(run(m, 0x48247c3e /* casp x4, x5, x30, xzr, [x1] */));
    assert_int_equal(get(m, RAM + 0x100), 1);
    assert_int_equal(get(m, RAM + 0x108), 0);
    assert_true(run(m, 0x483e7c24 /* casp x30, xzr, x4, x5, [x1] */));
    assert_int_equal(x[X_SP], sp);

    assert_int_equal(lower(0x48237c02, 0, &op), UOP_undefined); /* casp x3, .., x2 */
    assert_int_equal(lower(0x48227c03, 0, &op), UOP_undefined);
    assert_int_equal(lower(0x08227c04, 0, &op), UOP_casp64);
}

/* Memory M = 0x80000000f0000081 (of the size), register R: what is stored. */
static void test_atomics(void **state)
{
    static const struct {
        uint32_t word;
        uint64_t r, old, after;
    } cases[] = {
        { 0xf8220023 /* ldadd x2, x3, [x1] */, 0x80000000ffffffff, 0x80000000f0000081,
          0x00000001f0000080 },
        { 0xb8e20023 /* ldaddal w2, w3, [x1] */, 0x7fffffff, 0xf0000081, 0x8000000070000080 },
        { 0x38220023 /* ldaddb w2, w3, [x1] */, 0xff, 0x81, 0x80000000f0000080 },
        { 0x78220023 /* ldaddh w2, w3, [x1] */, 0xffff, 0x0081, 0x80000000f0000080 },
        { 0xf8221023 /* ldclr x2, x3, [x1] */, 0xf0000001, 0x80000000f0000081, 0x8000000000000080 },
        { 0x38221023 /* ldclrb w2, w3, [x1] */, 0x80, 0x81, 0x80000000f0000001 },
        { 0xb8222023 /* ldeor w2, w3, [x1] */, 0xffffffff, 0xf0000081, 0x800000000fffff7e },
        { 0x78223023 /* ldseth w2, w3, [x1] */, 0x1100, 0x0081, 0x80000000f0001181 },
        { 0xf8223023 /* ldset x2, x3, [x1] */, 0x0f, 0x80000000f0000081, 0x80000000f000008f },
        { 0xf8224023 /* ldsmax x2, x3, [x1] */, 0, 0x80000000f0000081, 0 },
        { 0xb8224023 /* ldsmax w2, w3, [x1] */, 0xf0000080, 0xf0000081, 0x80000000f0000081 },
        { 0x38224023 /* ldsmaxb w2, w3, [x1] */, 0x7f, 0x81, 0x80000000f000007f },
        { 0xb8225023 /* ldsmin w2, w3, [x1] */, 0x7fffffff, 0xf0000081, 0x80000000f0000081 },
        { 0x38225023 /* ldsminb w2, w3, [x1] */, 0x180, 0x81, 0x80000000f0000080 },
        { 0x78225023 /* ldsminh w2, w3, [x1] */, 0x8000, 0x81, 0x80000000f0008000 },
        { 0xf8226023 /* ldumax x2, x3, [x1] */, 0x7fffffffffffffff, 0x80000000f0000081,
          0x80000000f0000081 },
        { 0x38226023 /* ldumaxb w2, w3, [x1] */, 0x82, 0x81, 0x80000000f0000082 },
        { 0xb8227023 /* ldumin w2, w3, [x1] */, 0xfffffffff0000080, 0xf0000081,
          0x80000000f0000080 },
        { 0x78227023 /* lduminh w2, w3, [x1] */, 0x80, 0x81, 0x80000000f0000080 },
        { 0xf8227023 /* ldumin x2, x3, [x1] */, 5, 0x80000000f0000081, 5 },
        { 0xf8228023 /* swp x2, x3, [x1] */, 0x1234, 0x80000000f0000081, 0x1234 },
        { 0x38e28023 /* swpalb w2, w3, [x1] */, 0x1234, 0x81, 0x80000000f0000034 },
        { 0x78228023 /* swph w2, w3, [x1] */, 0x1234, 0x81, 0x80000000f0001234 },
        { 0xf822003f /* stadd x2, [x1] */, 1, 0xdead, 0x80000000f0000082 },
        { 0x3862003f /* staddlb w2, [x1] */, 0x80, 0xdead, 0x80000000f0000001 },
        { 0xb822103f /* stclr w2, [x1] */, 0x81, 0xdead, 0x80000000f0000000 },
        { 0x7822203f /* steorh w2, [x1] */, 0xffff, 0xdead, 0x80000000f000ff7e },
        { 0xb822303f /* stset w2, [x1] */, 0x0fffffff, 0xdead, 0x80000000ffffffff },
        { 0xf822403f /* stsmax x2, [x1] */, 1, 0xdead, 1 },
        { 0xb822703f /* stumin w2, [x1] */, 1, 0xdead, 0x8000000000000001 },
        { 0xf8a2003f /* ldadda x2, xzr, [x1] */, 1, 0xdead, 0x80000000f0000082 },
    };
    struct machine *m = fresh(state);

    m->cpu.x[1] = RAM + 0x100;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        put(m, RAM + 0x100, 0x80000000f0000081);
        m->cpu.x[2] = cases[i].r;
        m->cpu.x[3] = 0xdead;
        assert_true(run(m, cases[i].word));
        if (m->cpu.x[3] != cases[i].old || get(m, RAM + 0x100) != cases[i].after) {
            fail_msg("case %u (%08x): %llx %llx", i, cases[i].word, (unsigned long long)m->cpu.x[3],
                     (unsigned long long)get(m, RAM + 0x100));
        }
        assert_int_equal(m->cpu.x[2], cases[i].r);
    }
}

/* ---- Two CPUs
 * ---------------------------------------------------------------------------------------- */

#ifdef _WIN32 /* under Wine, and for ARM64 under emulation as well */
#define ROUNDS 20000
#else
#define ROUNDS 100000
#endif

struct worker {
    struct machine *m;
    unsigned failed;
};

/* Four counters, each incremented by another means. */
static void *increment(void *arg)
{
    struct worker *w = arg;
    struct machine *m = w->m;
    uint64_t *x = m->cpu.x;

    for (unsigned i = 0; i < ROUNDS; i++) {
        x[1] = RAM + 0x100;
        do {
            run(m, 0xc85ffc22 /* ldaxr x2, [x1] */);
            x[2]++;
            run(m, 0xc803fc22 /* stlxr w3, x2, [x1] */);
            w->failed += x[3] != 0;
        } while (x[3] != 0);
        x[1] = RAM + 0x140;
        x[2] = 1;
        run(m, 0xb8220023 /* ldadd w2, w3, [x1] */);
        x[1] = RAM + 0x180;
        do {
            run(m, 0xc87f1022 /* ldxp x2, x4, [x1] */);
            x[2]++;
            x[4] += x[2] == 0;
            run(m, 0xc8231022 /* stxp w3, x2, x4, [x1] */);
        } while (x[3] != 0);
        x[1] = RAM + 0x1c0;
        x[4] = x[5] = 0;
        for (;;) {
            const uint64_t lo = x[4], hi = x[5];

            x[6] = lo + 3;
            x[7] = hi - 1;
            run(m, 0x4864fc26 /* caspal x4, x5, x6, x7, [x1] */);
            if (x[4] == lo && x[5] == hi) {
                break;
            }
        }
        x[1] = RAM + 0x200;
        x[2] = (uint64_t)i << 1;
        run(m, 0xf822603f /* stumax x2, [x1] */);
    }
    return NULL;
}

static void test_two_cpus(void **state)
{
    struct worker w[2] = { { machine_new(), 0 }, { machine_new(), 0 } };
    struct machine *m = w[0].m;
    pthread_t thread[2];
    uint8_t *own = w[1].m->mem;

    w[1].m->mem = m->mem;
    for (unsigned i = 0; i < 10; i++) {
        put(m, RAM + 0x100 + 32 * i, 0);
        put(m, RAM + 0x108 + 32 * i, 0);
    }
    put(m, RAM + 0x180, 0u - (uint64_t)ROUNDS); /* carries into the upper half */
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, increment, &w[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(thread[i], NULL);
    }
    assert_int_equal(get(m, RAM + 0x100), 2 * ROUNDS);
    assert_int_equal(get(m, RAM + 0x140), 2 * ROUNDS);
    assert_int_equal(get(m, RAM + 0x180), ROUNDS);
    assert_int_equal(get(m, RAM + 0x188), 1);
    assert_int_equal(get(m, RAM + 0x1c0), 6 * ROUNDS);
    assert_int_equal(get(m, RAM + 0x1c8), 0ull - 2 * ROUNDS);
    assert_int_equal(get(m, RAM + 0x200), 2 * (ROUNDS - 1));
    w[1].m->mem = own;
    for (unsigned i = 0; i < 2; i++) {
        aligned_block_free(w[i].m->mem);
        aligned_block_free(w[i].m);
    }
}

/* ---- SIMD structures
 * -------------------------------------------------------------------------------------- */

static void test_structures(void **state)
{
    struct machine *m = fresh(state);
    union vreg *v = m->cpu.v;
    uint64_t *x = m->cpu.x;
    const uint8_t *p = host(m, RAM + 0x100);

    x[1] = RAM + 0x100;
    x[6] = 0x40;
    assert_true(run(
        m, 0x4cdf003e /* ld4 {v30.16b, v31.16b, v0.16b, v1.16b}, [x1], #64 */)); /* registers wrap
                                                                                    round */
    for (unsigned e = 0; e < 16; e++) {
        assert_int_equal(v[30].b[e], p[4 * e]);
        assert_int_equal(v[31].b[e], p[4 * e + 1]);
        assert_int_equal(v[0].b[e], p[4 * e + 2]);
        assert_int_equal(v[1].b[e], p[4 * e + 3]);
    }
    assert_int_equal(x[1], RAM + 0x140);
    assert_true(run(m, 0x4c86003e /* st4 {v30.16b, v31.16b, v0.16b, v1.16b}, [x1], x6 */));
    assert_int_equal(x[1], RAM + 0x180);
    assert_memory_equal(host(m, RAM + 0x140), p, 64);

    x[1] = RAM + 0x100;
    v[3].d[1] = v[4].d[1] = v[5].d[1] = ~0ull;
    assert_true(run(m, 0x0c404423 /* ld3 {v3.4h-v5.4h}, [x1] */));
    for (unsigned e = 0; e < 4; e++) {
        for (unsigned s = 0; s < 3; s++) {
            assert_memory_equal(&v[3 + s].h[e], p + 2 * (3 * e + s), 2);
        }
    }
    assert_int_equal(v[3].d[1] | v[4].d[1] | v[5].d[1], 0);
    assert_true(run(m, 0x4c408c23 /* ld2 {v3.2d, v4.2d}, [x1] */));
    assert_memory_equal(&v[3].d[1], p + 16, 8);
    assert_memory_equal(&v[4].d[0], p + 8, 8);
    assert_true(run(m, 0x0cdf6027 /* ld1 {v7.8b-v9.8b}, [x1], #24 */));
    assert_int_equal(x[1], RAM + 0x118);
    assert_memory_equal(&v[9].d[0], p + 16, 8);
    assert_int_equal(v[9].d[1], 0);
    assert_true(run(m, 0x4c007823 /* st1 {v3.4s}, [x1] */));
    assert_memory_equal(host(m, RAM + 0x118), &v[3], 16);

    /* Lanes keep the rest of the register. */
    machine_reset(m);
    x[1] = RAM + 0x100;
    assert_true(run(m, 0x4ddf3423 /* ld3 {v3.b-v5.b}[13], [x1], #3 */));
    assert_int_equal(x[1], RAM + 0x103);
    assert_int_equal(v[4].b[13], p[1]);
    assert_int_equal(v[4].b[12], 16);
    assert_int_equal(v[4].b[14], 18);
    assert_true(run(m, 0x4dc04823 /* ld1 {v3.h}[5], [x1], x0 */)); /* x0 = 0 */
    assert_memory_equal(&v[3].h[5], p + 3, 2);
    assert_int_equal(x[1], RAM + 0x103);
    assert_true(run(m, 0x4d60903f /* ld2 {v31.s, v0.s}[3], [x1] */));
    assert_memory_equal(&v[0].s[3], p + 7, 4);
    assert_int_equal(v[0].s[2], 0x0b0a0908);
    assert_true(run(m, 0x4d60a42a /* ld4 {v10.d-v13.d}[1], [x1] */));
    assert_memory_equal(&v[13].d[1], p + 3 + 24, 8);
    assert_int_equal(v[13].d[0], 0x14131211100f0e0d);
    x[1] = RAM + 0x200;
    assert_true(run(m, 0x4dbf5834 /* st2 {v20.h, v21.h}[7], [x1], #4 */));
    assert_int_equal(get(m, RAM + 0x200) & 0xffffffff, 0x24232322);
    assert_int_equal(x[1], RAM + 0x204);
    assert_true(run(m, 0x4d001c34 /* st1 {v20.b}[15], [x1] */));
    assert_int_equal(*host(m, RAM + 0x204), 35);

    put(m, RAM + 0x200, 0x8877665544332211);
    x[1] = RAM + 0x200;
    assert_true(run(m, 0x0dffe421 /* ld4r {v1.4h-v4.4h}, [x1], #8 */));
    assert_int_equal(v[1].d[0], 0x2211221122112211);
    assert_int_equal(v[1].d[1], 0);
    assert_int_equal(v[4].d[0], 0x8877887788778877);
    x[1] = RAM + 0x200;
    assert_true(run(m, 0x4d40c021 /* ld1r {v1.16b}, [x1] */));
    assert_int_equal(v[1].d[1], 0x1111111111111111);
    assert_true(run(m, 0x4de6c821 /* ld2r {v1.4s, v2.4s}, [x1], x6 */));
    assert_int_equal(v[2].d[1], 0x8877665588776655);
    x[1] = RAM + 0x200;
    assert_true(run(m, 0x0d40cc21 /* ld1r {v1.1d}, [x1] */));
    assert_int_equal(v[1].d[0], 0x8877665544332211);
    assert_int_equal(v[1].d[1], 0);
}

static void test_unallocated(void **state)
{
    static const uint32_t words[] = {
        0x0c408c00,               /* ld2 .1d            */
        0x0c000c00,               /* st4 .1d            */
        0x0c404000 | 3 << 10,     /* ld3 .1d  */
        0x0d408400 | 1 << 12,     /* ld1 {d}[] with S = 1 */
        0x0d40c000 | 1 << 12,     /* ld1r with S = 1      */
        0x0d00c000,               /* replicating store  */
        0x0d404400,               /* ld1 {h}[] with size<0> = 1 */
        0xb8c00000 | 3 << 30,     /* size 3, opc 3 */
        0x38600800 & ~(2u << 13), /* register offset with option 000 */
        0x68000000,               /* stgp's place: opc 01, store, no MTE */
        0xec000000,               /* FP pair of opc 11 */
        0xdc000000,               /* FP literal of opc 11 */
    };

    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        const struct a64_row *row = a64_decode(table, words[i]);
        if (row != NULL) {
            fail_msg("%08x is %s", words[i], row->name);
        }
    }
}

/* ---- Every row
 * ---------------------------------------------------------------------------------------------- */

static uint64_t random_state;

/* SplitMix64. */
static uint64_t random64(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* A word of the row and registers with which it probably accesses memory near `va`. False: another
 * row took the word. */
static bool random_insn(struct machine *m, const struct a64_row *row, uint64_t va, uint32_t *word)
{
    struct op op;

    lower_for.features ^= BIT(A64_FEAT_LSE2);
    *word = row->value | ((uint32_t)random64() & ~row->mask);
    if (a64_decode(table, *word) != row || lower(*word, 5, &op) == UOP_undefined) {
        return false;
    }
    for (unsigned i = 0; i < 31; i++) {
        m->cpu.x[i] = random64() % 64;
    }
    for (unsigned i = 0; i < 32; i++) {
        m->cpu.v[i] = (union vreg){ .d = { random64(), random64() } };
    }
    if (op.rn < 31) {
        m->cpu.x[op.rn] = va;
    }
    m->cpu.x[X_SP] = va & ~15ull;
    return true;
}

static bool from_mem_def(const struct a64_row *row)
{
    return family[row->index] != NULL;
}

static void test_slow_equals_fast(void **state)
{
    struct machine *fast = fresh(state), *slow = machine_new();
    unsigned happened = 0, words = 0;

    random_state = 1;
    for (unsigned index = 0; index < A64_INSN_COUNT; index++) {
        const struct a64_row *row = a64_row(table, index);

        for (unsigned n = 0; from_mem_def(row) && n < 400; n++) {
            /* Offsets of unsigned immediates reach 64 KB; the base is moved so that the access
             * lands in RAM. */
            const uint64_t target = RAM + random64() % (2 * SOFT_PAGE - 64);
            struct op op;
            uint32_t word;

            machine_reset(fast);
            if (!random_insn(fast, row, target & (random64() % 2 ? ~15ull : ~0ull), &word)) {
                continue;
            }
            lower(word, 5, &op);
            if (op.rn < 31 && (int64_t)op.imm > -65536 && (int64_t)op.imm < 65536) {
                fast->cpu.x[op.rn] -= op.imm & ~15ull;
            }
            if (random64() % 4 == 0) { /* a monitor that is closed on what is there */
                fast->cpu.excl_size = 1u << random64() % 5;
                fast->cpu.excl_host = host(fast, target & ~15ull);
                memcpy(&fast->cpu.excl_lo, host(fast, target & ~15ull), 8);
                memcpy(&fast->cpu.excl_hi, host(fast, target & ~15ull) + 8, 8);
                if (fast->cpu.excl_size < 8) {
                    fast->cpu.excl_lo &= (1ull << 8 * fast->cpu.excl_size) - 1;
                }
            }
            memcpy(slow->mem, fast->mem, PAGES * SOFT_PAGE);
            memcpy(slow->cpu.x, fast->cpu.x, sizeof(slow->cpu.x));
            memcpy(slow->cpu.v, fast->cpu.v, sizeof(slow->cpu.v));
            flush_tlb(slow);
            slow->refill = false;
            slow->cpu.excl_size = fast->cpu.excl_size;
            slow->cpu.excl_lo = fast->cpu.excl_lo;
            slow->cpu.excl_hi = fast->cpu.excl_hi;
            slow->cpu.excl_host = slow->mem + ((uint8_t *)fast->cpu.excl_host - fast->mem);
            for (unsigned page = 0; page < 2; page++) {
                refill(fast, RAM + page * SOFT_PAGE, 0);
                refill(fast, RAM + page * SOFT_PAGE, MO_USER);
            }
            const bool ok = run(fast, word);
            if (run(slow, word) != ok || memcmp(fast->mem, slow->mem, PAGES * SOFT_PAGE) != 0 ||
                memcmp(fast->cpu.x, slow->cpu.x, 32 * 8) != 0 ||
                memcmp(fast->cpu.v, slow->cpu.v, sizeof(slow->cpu.v)) != 0 ||
                fast->fault != slow->fault || fast->cpu.excl_size != slow->cpu.excl_size) {
                fail_msg("%s %08x: fast and slow differ", row->name, word);
            }
            happened += ok;
            words++;
        }
    }
    assert_true(words > 50000);
    assert_true(happened > words / 2);
    aligned_block_free(slow->mem);
    aligned_block_free(slow);
}

static void test_fault_is_atomic(void **state)
{
    struct machine *m = fresh(state);
    static struct cpu before;
    static uint8_t memory[PAGES * SOFT_PAGE];
    unsigned faults = 0;

    random_state = 2;
    for (unsigned index = 0; index < A64_INSN_COUNT; index++) {
        const struct a64_row *row = a64_row(table, index);

        for (unsigned n = 0; from_mem_def(row) && n < 200; n++) {
            uint32_t word;

            machine_reset(m);
            m->cpu.align_mask = n % 3 == 0 ? ~0ull : 0;
            if (!random_insn(m, row, HOLE - random64() % 70, &word)) {
                continue;
            }
            refill(m, HOLE - 1, 0);
            refill(m, HOLE - 1, MO_USER);
            before = m->cpu;
            memcpy(memory, m->mem, sizeof(memory));
            if (run(m, word)) {
                continue;
            }
            faults++;
            if (memcmp(before.x, m->cpu.x, sizeof(before.x)) != 0 ||
                memcmp(before.v, m->cpu.v, sizeof(before.v)) != 0 ||
                memcmp(memory, m->mem, sizeof(memory)) != 0) {
                fail_msg("%s %08x: something changed", row->name, word);
            }
        }
    }
    assert_true(faults > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loads),
        cmocka_unit_test(test_stores),
        cmocka_unit_test(test_write_back),
        cmocka_unit_test(test_sp_base),
        cmocka_unit_test(test_literals),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_vector_loads_zero_the_rest),
        cmocka_unit_test(test_fp_trap),
        cmocka_unit_test(test_faults_change_nothing),
        cmocka_unit_test(test_alignment_check),
        cmocka_unit_test(test_unprivileged),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_exclusives),
        cmocka_unit_test(test_exclusive_pairs),
        cmocka_unit_test(test_compare_and_swap),
        cmocka_unit_test(test_atomics),
        cmocka_unit_test(test_two_cpus),
        cmocka_unit_test(test_structures),
        cmocka_unit_test(test_unallocated),
        cmocka_unit_test(test_slow_equals_fast),
        cmocka_unit_test(test_fault_is_atomic),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
