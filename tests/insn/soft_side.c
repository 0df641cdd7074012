/*
 * soft_side.c - runs one instruction on the software CPU, without its engine.
 *
 * A struct cpu, one code page whose other slots end the run, a TLB filled by hand, and slow paths
 * of our own that know one data buffer: that is all that an instruction body can see. The functions
 * below take the place of mmu.c and except.c (the link says which definition wins, see
 * CMakeLists.txt).
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#include "accel/soft/engine.h"
#include "accel/soft/jit/jit.h"
#include "sides.h"

static struct cpu cpu;
static struct vcpu vcpu;
static struct vm vm;
static struct soft_private priv;
static struct code_cache code;
static struct tlb_ctx tlb;
static struct code_page page;
#define ops page.ops
static struct soft_access fault;
static enum insn_outcome outcome;
static uint64_t noise; /* for what must not matter */

/* ---- Slow paths ------------------------------------------------------------------------------ */

static void end_with(struct cpu *c, enum insn_outcome why)
{
    c->left = true;
    outcome = why;
}

/* True if the access is inside the data buffer and as aligned as it must be. */
static bool allowed(struct cpu *c, uint64_t va, unsigned size, unsigned mo)
{
    bool aligned = (mo & MO_ALIGNED) != 0;

    if (range_inside(va, size, INSN_DATA_VA, INSN_DATA_SIZE) && (!aligned || va % size == 0)) {
        return true;
    }
    fault = (struct soft_access){ va, size, aligned };
    end_with(c, INSN_FAULT);
    return false;
}

static void *host(uint64_t va)
{
    return (void *)(uintptr_t)va;
}

uint64_t mem_ld_slow(struct cpu *c, const struct op *op, uint64_t va, unsigned mo)
{
    uint64_t value = 0;
    unsigned size = 1u << (mo & MO_SIZE);

    if (allowed(c, va, size, mo)) {
        memcpy(&value, host(va), size);
    }
    return value;
}

void mem_st_slow(struct cpu *c, const struct op *op, uint64_t va, uint64_t value, unsigned mo)
{
    unsigned size = 1u << (mo & MO_SIZE);

    if (allowed(c, va, size, mo)) {
        memcpy(host(va), &value, size);
    }
}

struct v128 mem_ld16_slow(struct cpu *c, const struct op *op, uint64_t va, unsigned mo)
{
    struct v128 value = { 0, 0 };

    if (allowed(c, va, 16, mo)) {
        memcpy(&value, host(va), 16);
    }
    return value;
}

void mem_st16_slow(struct cpu *c, const struct op *op, uint64_t va, uint64_t lo, uint64_t hi,
                   unsigned mo)
{
    struct v128 value = { lo, hi };

    if (allowed(c, va, 16, mo)) {
        memcpy(host(va), &value, 16);
    }
}

void mem_probe(struct cpu *c, const struct op *op, uint64_t va, unsigned size, bool write,
               unsigned mo)
{
    allowed(c, va, size, mo);
}

void *mem_atomic(struct cpu *c, const struct op *op, uint64_t va, unsigned size, bool write,
                 unsigned mo)
{
    return allowed(c, va, size, mo | MO_ALIGNED) ? host(va) : NULL;
}

/* ---- Exceptions ------------------------------------------------------------------------------ */

void cpu_exception(struct cpu *c, const struct op *op, enum esr_ec ec, uint32_t iss,
                   uint64_t far_va)
{
    end_with(c, ec == EC_UNKNOWN ? INSN_UNDEFINED : INSN_FAULT);
}

void cpu_exception_after(struct cpu *c, const struct op *op, enum esr_ec ec, uint32_t iss)
{
    end_with(c, INSN_FAULT);
}

void cpu_undefined(struct cpu *c, const struct op *op)
{
    end_with(c, INSN_UNDEFINED);
}

void cpu_fp_trap(struct cpu *c, const struct op *op)
{
    end_with(c, INSN_FAULT);
}

void cpu_sp_fault(struct cpu *c, const struct op *op)
{
    end_with(c, INSN_FAULT);
}

/* ---- One instruction ------------------------------------------------------------------------- */

sigjmp_buf insn_escape;
volatile sig_atomic_t insn_running;

static void on_signal(int number)
{
    if (!insn_running) {
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    insn_running = 0;
    siglongjmp(insn_escape, number == SIGSEGV || number == SIGBUS ? INSN_FAULT : INSN_CRASHED);
}

/* On a stack of their own, because a body that calls the next one instead of jumping eats the
 * program's. */
static void catch_signals(void)
{
    static const int numbers[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
    static uint8_t stack[65536];
    stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_NODEFER | SA_ONSTACK };

    sigaltstack(&alternate, NULL);
    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
        sigaction(numbers[i], &action, NULL);
    }
}

/* In every slot but the instruction's: the run is over, the PC is here. (To the translator: not decoded yet.) */
op_ret HV_ENGINE_ABI op_decode(struct cpu *c, const struct op *op)
{
    c->pc = cpu_pc(c, op);
    LEAVE();
}

void soft_init(const struct a64_table *table)
{
    catch_signals();
    vm.a64 = table;
    vcpu.vm = &vm;
    cpu.vcpu = &vcpu;
    cpu.features = ~0ull;
    cpu.epoch = EPOCH_STEP;
    cpu.tlb = cpu.tlb_user = &tlb;
    cpu.priv = &priv;
    priv.code = &code;
    code.user[0] = &cpu;
    code.users = 1;
    cpu.page_va = INSN_CODE_VA;
    cpu.pstate = PS_SP;
    cpu.sp_align_mask = 15;
    /* What a Linux program sees: 48-bit addresses, the top byte ignored in the lower half. */
    cpu.pac[0] = cpu.pac[1] = (struct pac_layout){ { 0xffull << 48, 0xffffull << 48 }, 55 };
    for (unsigned i = 0; i <= PAGE_SLOTS; i++) {
        ops[i].fn = op_decode;
    }
    for (unsigned i = 0; i < TLB_ENTRIES; i++) {
        tlb.e[i] = (struct tlb_entry){ TLB_NEVER, TLB_NEVER, 0, 0 };
    }
}

static void fill_tlb(enum soft_memory memory)
{
    memset(cpu.l0, 0, sizeof(cpu.l0)); /* all empty */
    for (uint64_t va = INSN_DATA_VA; va < INSN_DATA_VA + INSN_DATA_SIZE; va += SOFT_PAGE) {
        struct tlb_entry *e = &tlb.e[tlb_index(va)];

        e->rtag = e->wtag = memory == SOFT_MEM_FAST ? va : TLB_NEVER;
        e->window = SOFT_PAGE;
    }
}

/* The flags have many representations; any of them must do. */
static void load_flags(uint32_t nzcv)
{
    int64_t any = (int64_t)(noise = noise * 6364136223846793005ull + 1442695040888963407ull);
    int64_t sign = INT64_MIN;

    cpu.flag_n = (nzcv & 1u << 31) != 0 ? any | sign : any & ~sign;
    cpu.flag_z = (nzcv & 1u << 30) != 0 ? 0 : (uint64_t)any | 0x100;
    cpu.flag_c = nzcv >> 29 & 1;
    cpu.flag_v = (nzcv & 1u << 28) != 0 ? any | sign : any & ~sign;
}

static void load_state(const struct insn_state *s)
{
    memcpy(cpu.x, s->x, sizeof s->x);
    cpu.x[X_SP] = s->sp;
    cpu.x[X_ZERO] = 0;
    cpu.x[X_SINK] = noise;
    load_flags(s->nzcv);
    cpu_set_fpsr(&cpu, s->fpsr);
    cpu_set_fpcr(&cpu, s->fpcr);
    memcpy(cpu.v, s->v, sizeof s->v);
    cpu.left = false;
    cpu.excl_size = 0;
    cpu.page_ops = ops;
    cpu.page_va = INSN_CODE_VA;
    cpu.count_bias = 0;
}

static void save_state(struct insn_state *s)
{
    memcpy(s->x, cpu.x, sizeof s->x);
    s->sp = cpu.x[X_SP];
    s->pc = cpu.pc;
    s->nzcv = cpu_nzcv(&cpu);
    s->fpcr = cpu.fpcr;
    s->fpsr = cpu_fpsr(&cpu);
    memcpy(s->v, cpu.v, sizeof s->v);
    s->outcome = outcome;
    if (cpu.x[X_ZERO] != 0) {
        fprintf(stderr, "the zero register was written\n");
        abort();
    }
}

static void go(const struct op *op)
{
#if SOFT_TAILCALL
    op->fn(&cpu, op);
#else
    for (const struct op *at = op; at != NULL;) {
        at = at->fn(&cpu, at);
    }
#endif
}

static void run_slot(const struct lower *lo, uint32_t word)
{
    struct op *op = &ops[lo->slot];

    op->word = word;
    op->fn = uop_table[lower_insn(lo, word, op)].fn;
    if (op->fn == op_undefined) {
        outcome = INSN_UNDEFINED;
        return;
    }
    go(op);
}

void soft_run_body(struct insn_state *s, uint32_t word, enum soft_memory memory, bool far_branches)
{
    struct lower lo = { .cpu = &cpu,
                        .slot = (unsigned)((s->pc - INSN_CODE_VA) / 4),
                        .flags = far_branches ? LOWER_FAR : 0 };

    load_state(s);
    fill_tlb(memory);
    vm.config.cpus = 1 + vm.config.cpus % 2; /* two have other uops for pairs */
    outcome = INSN_RAN;
    if (sigsetjmp(insn_escape, 0) == 0) {
        insn_running = 1;
        run_slot(&lo, word);
    } else {
        outcome = INSN_CRASHED;
    }
    insn_running = 0;
    ops[(s->pc - INSN_CODE_VA) / 4].fn = op_decode;
    save_state(s);
}

/* ---- The same by the translator -------------------------------------------------------------- */

#if SOFT_JIT

static void *allocate(void *opaque, size_t size, size_t align)
{
    void *p = aligned_alloc(align < 64 ? 64 : align, (size + 63) & ~(size_t)63);

    return p == NULL ? NULL : memset(p, 0, size);
}

/* Writable and executable is good enough here. */
static void *allocate_code(void *opaque, size_t size, void **writable)
{
    void *p =
        mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    *writable = p;
    return p == MAP_FAILED ? NULL : p;
}

unsigned soft_translator_levels(void)
{
    unsigned levels = 0;

    if (priv.jit == NULL) {
        vm.ports.alloc = allocate;
        vm.ports.code_alloc = allocate_code;
        if (!jit_create(&cpu)) {
            return 0;
        }
    }
    while (levels < 8 && jit_limit(&cpu, levels)) {
        levels++;
    }
    return levels;
}

/* The translation that there is. */
static struct translation {
    uint32_t word[SOFT_WORDS];
    unsigned count, slot, level, cpus;
    op_fn *fn;
} now;

static void translate(unsigned slot, const uint32_t *words, unsigned count, unsigned level)
{
    if (now.fn != NULL && now.count == count &&
        memcmp(now.word, words, count * sizeof *words) == 0 && now.slot == slot &&
        now.level == level && now.cpus == vm.config.cpus) {
        return;
    }
    if (now.fn == NULL || now.level != level) {
        jit_limit(&cpu, level);
    }
    for (unsigned i = 0; i < count; i++) {
        ops[slot + i].word = words[i];
        ops[slot + i].fn = op_undefined; /* anything that is decoded */
    }
    now = (struct translation){ .count = count,
                                .slot = slot,
                                .level = level,
                                .cpus = vm.config.cpus,
                                .fn = jit_now(&cpu, &page, slot) };
    memcpy(now.word, words, count * sizeof *words);
}

/* A run that ended in the page has counted its instructions. */
static bool counted(unsigned slot, unsigned count)
{
    return !jit_counts(&cpu) || cpu.pc - INSN_CODE_VA >= SOFT_PAGE ||
           cpu.count_bias + (int64_t)(cpu.pc - INSN_CODE_VA) / 4 * (int64_t)sizeof(struct op) ==
               (int64_t)((slot + count) * sizeof(struct op));
}

void soft_run_translated(struct insn_state *s, const uint32_t *words, unsigned count,
                         enum soft_memory memory, unsigned level)
{
    unsigned slot = (unsigned)((s->pc - INSN_CODE_VA) / 4);

    load_state(s);
    cpu.jit_nzcv = 0;
    cpu.pending = 0; /* the translator may have asked for a look at its L0 entries */
    fill_tlb(memory);
    outcome = INSN_RAN;
    if (sigsetjmp(insn_escape, 0) == 0) {
        insn_running = 1;
        translate(slot, words, count, level);
        outcome = now.fn == NULL ? INSN_CRASHED : INSN_RAN;
        if (now.fn != NULL) {
            ops[slot].fn = now.fn;
            go(&ops[slot]);
        }
        if (outcome == INSN_RAN && !counted(slot, count)) {
            fprintf(stderr, "%08x: the translator's count of instructions is wrong\n", words[0]);
            outcome = INSN_CRASHED;
        }
    } else {
        outcome = INSN_CRASHED;
    }
    insn_running = 0;
    for (unsigned i = 0; i < count; i++) {
        ops[slot + i].fn = op_decode;
    }
    save_state(s);
}

#else
unsigned soft_translator_levels(void)
{
    return 0;
}
void soft_run_translated(struct insn_state *s, const uint32_t *words, unsigned count,
                         enum soft_memory memory, unsigned level)
{
}
#endif

struct soft_access soft_fault(void)
{
    return fault;
}
