/*
 * rig.h - a whole machine for tests of the software CPU's engine: 64 MB at 0x40000000, time that
 * stands still, and helpers to put instructions somewhere and run them.
 *
 * A test makes a machine, writes code, sets registers and runs one CPU until it exits. Every vector
 * holds an HVC of its own number (V_*), so an exception shows itself as that exit; so does the HVC
 * at the end of the code. HVC is UNDEFINED at EL0: there the code ends in V_LOWER with EC_UNKNOWN.
 *
 * HV_RIG_HEAT=N in the environment: the machines translate, after N entries of a place in code (Linux).
 */
#ifndef SOFT_RIG_H
#define SOFT_RIG_H

#if defined(__linux__)
#define _GNU_SOURCE /* memfd_create */
#endif
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <cmocka.h>

#include "../aligned.h"
#include "accel/soft/engine.h"

#define RAM 0x40000000ull
/* Places in RAM. */
#define CODE    (RAM + 0x200000)
#define VECTORS (RAM + 0x210000)
#define DATA    (RAM + 0x400000)
#define TABLES  (RAM + 0x1000000)

/* Instructions. */
#define I_MSR(reg, rt)      (0xd5000000u | (uint32_t)(reg) << 5 | (rt))
#define I_MRS(rt, reg)      (0xd5200000u | (uint32_t)(reg) << 5 | (rt))
#define I_HVC(imm)          (0xd4000002u | (uint32_t)(imm) << 5)
#define I_SMC(imm)          (0xd4000003u | (uint32_t)(imm) << 5)
#define I_SVC(imm)          (0xd4000001u | (uint32_t)(imm) << 5)
#define I_BRK(imm)          (0xd4200000u | (uint32_t)(imm) << 5)
#define I_HLT(imm)          (0xd4400000u | (uint32_t)(imm) << 5)
#define I_LDR(rt, rn)       (0xf9400000u | (rn) << 5 | (rt))
#define I_STR(rt, rn)       (0xf9000000u | (rn) << 5 | (rt))
#define I_LDRW(rt, rn)      (0xb9400000u | (rn) << 5 | (rt))
#define I_STRW(rt, rn)      (0xb9000000u | (rn) << 5 | (rt))
#define I_LDTR(rt, rn)      (0xf8400800u | (rn) << 5 | (rt))
#define I_STTR(rt, rn)      (0xf8000800u | (rn) << 5 | (rt))
#define I_LDADD(rs, rt, rn) (0xf8200000u | (rs) << 16 | (rn) << 5 | (rt))
#define I_STXR(ws, rt, rn)  (0xc8007c00u | (ws) << 16 | (rn) << 5 | (rt))
#define I_LDXR(rt, rn)      (0xc85f7c00u | (rn) << 5 | (rt))
#define I_MOVZ(rd, imm)     (0xd2800000u | (uint32_t)(imm) << 5 | (rd))
#define I_ADD(rd, rn, imm)  (0x91000000u | (uint32_t)(imm) << 10 | (rn) << 5 | (rd))
#define I_CBZ(rt, delta)    (0xb4000000u | ((uint32_t)((delta) / 4) & 0x7ffff) << 5 | (rt))
#define I_CBNZ(rt, delta)   (0xb5000000u | ((uint32_t)((delta) / 4) & 0x7ffff) << 5 | (rt))
#define I_BR(rn)            (0xd61f0000u | (rn) << 5)
#define I_B(delta)          (0x14000000u | ((uint32_t)((delta) / 4) & 0x3ffffff))
#define I_FMOV_D0_X0        0x9e670000u
#define I_NOP               0xd503201fu
#define I_SUB(rd, rn, imm)  (0xd1000000u | (uint32_t)(imm) << 10 | (rn) << 5 | (rd))
#define I_EOR_PAGE(rd, rn)  (0xd2740000u | (rn) << 5 | (rd)) /* EOR with 0x1000 */
#define I_YIELD             0xd503203fu
#define I_WFE               0xd503205fu
#define I_WFI               0xd503207fu
#define I_SEVL              0xd50320bfu
#define I_ISB               0xd5033fdfu
#define I_DSB               0xd5033f9fu
#define I_ERET              0xd69f03e0u
#define I_UDF               0u
#define I_DAIFSET(n)        (0xd50340dfu | (uint32_t)(n) << 8)
#define I_DAIFCLR(n)        (0xd50340ffu | (uint32_t)(n) << 8)
#define I_SPSEL(n)          (0xd50040bfu | (uint32_t)(n) << 8)
#define I_PAN(n)            (0xd500409fu | (uint32_t)(n) << 8)

/* SYS instructions. */
#define S_IC_IVAU        SYSREG(1, 3, 7, 5, 1)
#define S_IC_IALLU       SYSREG(1, 0, 7, 5, 0)
#define S_DC_ZVA         SYSREG(1, 3, 7, 4, 1)
#define S_DC_CIVAC       SYSREG(1, 3, 7, 14, 1)
#define S_DC_IVAC        SYSREG(1, 0, 7, 6, 1)
#define S_AT(op2)        SYSREG(1, 0, 7, 8, op2)
#define S_AT_P(op2)      SYSREG(1, 0, 7, 9, op2)
#define S_TLBI(crm, op2) SYSREG(1, 0, 8, crm, op2)

enum {
    EL1H = PS_SP | 1 << PS_EL_SHIFT,
    EL1T = 1 << PS_EL_SHIFT,
    EL0T = 0,
    MASKED = PS_D | PS_A | PS_I | PS_F
};

/* Immediates of the HVCs in the vectors: by where the exception came from, plus its kind. */
enum { V_SP0 = 0x100, V_SPX = 0x104, V_LOWER = 0x108, V_IRQ = 1, V_FIQ = 2 };

struct rig {
    struct vm vm;
    struct vcpu *vcpu;
    struct cpu *cpu;
    struct vcpu_exit exit;
    uint64_t now_ns;
    unsigned wakes;
    uint64_t table_next; /* where the next translation table goes */
};

static void *rig_alloc(void *opaque, size_t size, size_t align)
{
    void *p = aligned_alloc(align, (size + align - 1) / align * align);

    assert_non_null(p);
    memset(p, 0, size);
    return p;
}

static void rig_free(void *opaque, void *p, size_t size)
{
    aligned_block_free(p);
}

#if defined(__linux__)
/* As host_code_map does. */
static void *rig_code_alloc(void *opaque, size_t size, void **writable)
{
    int fd = memfd_create("rig", MFD_CLOEXEC);
    void *rx;

    assert_true(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
    rx = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    *writable = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(rx != MAP_FAILED && *writable != MAP_FAILED);
    close(fd);
    return rx;
}

static void rig_code_free(void *opaque, void *p, void *writable, size_t size)
{
    munmap(p, size);
    munmap(writable, size);
}
#define RIG_CODE_ALLOC rig_code_alloc
#define RIG_CODE_FREE  rig_code_free
#else
#define RIG_CODE_ALLOC NULL
#define RIG_CODE_FREE  NULL
#endif

static unsigned rig_heat(void)
{
    const char *heat = getenv("HV_RIG_HEAT");

    return heat != NULL ? (unsigned)strtoul(heat, NULL, 10) : 0;
}

static void *rig_ram_alloc(void *opaque, uint64_t size)
{
    return calloc(1, size);
}
static void rig_ram_free(void *opaque, void *p, uint64_t size)
{
    free(p);
}
static uint64_t rig_now(void *opaque)
{
    return ((struct rig *)opaque)->now_ns;
}
static uint64_t rig_wall(void *opaque)
{
    return 1000000;
}
static void rig_random(void *opaque, void *buf, size_t len)
{
    memset(buf, 0x5a, len);
}
static void rig_wake(void *opaque, unsigned cpu)
{
    ((struct rig *)opaque)->wakes++;
}
static void rig_event(void *opaque) {}
static void rig_log(void *opaque, enum log_level level, const char *module, const char *text)
{
    printf("%s: %s\n", module, text);
}
static size_t rig_console(void *opaque, const uint8_t *bytes, size_t len)
{
    return len;
}

static inline uint64_t rig_get(struct rig *r, uint32_t reg)
{
    uint64_t value = 0;

    assert_int_equal(accel_soft.get_reg(r->vcpu, reg, &value), ST_OK);
    return value;
}

static inline void rig_set(struct rig *r, uint32_t reg, uint64_t value)
{
    assert_int_equal(accel_soft.set_reg(r->vcpu, reg, value), ST_OK);
}

#define rig_sys(r, name)            rig_get((r), REG_SYS | SYSREG_##name)
#define rig_set_sys(r, name, value) rig_set((r), REG_SYS | SYSREG_##name, (value))

/* Host address of guest RAM. */
static inline void *rig_at(struct rig *r, uint64_t ipa)
{
    struct span span;

    assert_int_equal(guest_mem_span(&r->vm.mem, ipa, 8, false, &span), ST_OK);
    return span.host;
}

static inline void rig_select(struct rig *r, unsigned cpu)
{
    r->vcpu = &r->vm.vcpu[cpu];
    r->cpu = r->vcpu->accel_state;
}

struct rig_options {
    const char *model;       /* NULL: max                         */
    uint64_t extra_features; /* bit per enum a64_feat             */
    uint64_t without;        /* the same                          */
    unsigned cpus;           /* 0: one                            */
    uint64_t max_insns;      /* 0: no limit                       */
    unsigned heat;           /* 0: HV_RIG_HEAT says               */
    unsigned plant;          /* see struct vm_jit */
    unsigned loop;           /* the same                          */
    unsigned ways;           /* see struct vm_jit                 */
    bool diverge;
    bool count; /* instructions, in translated code */
};

/* CPU n as PSCI would start it: EL1h, everything masked, vectors at VECTORS. */
static inline void rig_start_cpu(struct rig *r, unsigned n)
{
    const struct vcpu_start start = { .pc = CODE, .el = 1, .sp = DATA + 0x10000 };

    accel_soft.vcpu_start(&r->vm.vcpu[n], &start);
    atomic_store(&r->vm.vcpu[n].power, VCPU_ON);
    rig_select(r, n);
    rig_set_sys(r, VBAR_EL1, VECTORS);
}

/* rig_make(&rig, .cpus = 2): a machine; CPU 0 is selected. */
static inline void rig_make_(struct rig *r, const struct rig_options *o)
{
    const char *model = o->model != NULL ? o->model : "max";
    unsigned heat = o->heat != 0 ? o->heat : rig_heat();
    struct vm_config config = {
        .board = &board_classic,
        .accel = &accel_soft,
        .gic_version = 2,
        .cpus = o->cpus != 0 ? o->cpus : 1,
        .ram_size = 64 << 20,
        .max_insns = o->max_insns,
        .jit = { .off = heat == 0,
                 .heat = heat,
                 .plant = o->plant,
                 .loop = o->loop,
                 .ways = o->ways,
                 .diverge = o->diverge,
                 .count = o->count,
                 .cache = 1 << 20 },
        .features = (soft_model_find(model)->features | o->extra_features) & ~o->without,
        .cpu_model = model,
    };
    struct vm_ports ports = {
        .opaque = r,
        .alloc = rig_alloc,
        .free = rig_free,
        .code_alloc = RIG_CODE_ALLOC,
        .code_free = RIG_CODE_FREE,
        .ram_alloc = rig_ram_alloc,
        .ram_free = rig_ram_free,
        .now_ns = rig_now,
        .wall_s = rig_wall,
        .random = rig_random,
        .wake_vcpu = rig_wake,
        .wake_timers = rig_event,
        .stopped = rig_event,
        .console = { rig_console, NULL },
        .log = { rig_log, NULL, LOG_ERROR },
    };
    struct err err = { 0 };

    memset(r, 0, sizeof(*r));
    assert_int_equal(vm_init(&r->vm, &config, &ports, &err), ST_OK);
    r->table_next = TABLES;
    rig_select(r, 0);
    for (unsigned i = 0; i < 16; i++) {
        put_le32(rig_at(r, VECTORS + i * 0x80), I_HVC(V_SP0 + i));
    }
    for (unsigned i = 0; i < config.cpus; i++) {
        rig_start_cpu(r, i);
    }
    rig_select(r, 0);
}

#define rig_make(r, ...) rig_make_((r), &(struct rig_options){ __VA_ARGS__ })

static inline void rig_drop(struct rig *r)
{
    vm_fini(&r->vm);
}

/* Puts instructions at a physical address, as a loader would. */
static inline void rig_code(struct rig *r, uint64_t ipa, const uint32_t *words, unsigned n)
{
    memcpy(rig_at(r, ipa), words, n * 4);
    accel_soft.invalidate_code(&r->vm, ipa, n * 4);
}

#define RIG_CODE(r, ipa, ...)                             \
    do {                                                  \
        const uint32_t words_[] = { __VA_ARGS__ };        \
        rig_code((r), (ipa), words_, sizeof(words_) / 4); \
    } while (0)

/* Runs from pc until an exit. */
static inline void rig_run(struct rig *r, uint64_t pc)
{
    rig_set(r, REG_PC, pc);
    accel_soft.run(r->vcpu, &r->exit);
}

/* The same in a thread: runs the CPU of the rig, a copy of its own, from its PC. */
static inline void *rig_thread(void *arg)
{
    struct rig *r = arg;

    rig_run(r, rig_get(r, REG_PC));
    return NULL;
}

/* Waits until another thread's CPU has stored a value. */
static inline void rig_await(struct rig *r, uint64_t ipa, uint64_t value)
{
    const uint64_t *at = rig_at(r, ipa);

    while (__atomic_load_n(at, __ATOMIC_ACQUIRE) != value) {
        sched_yield();
    }
}

/* The exit is an HVC with this number. */
static inline void rig_expect_hvc(struct rig *r, unsigned imm)
{
    assert_int_equal(r->exit.kind, EXIT_SYNDROME);
    assert_int_equal(r->exit.syndrome.esr, esr_make(EC_HVC64, imm));
}

/* The same as EL1h or, with more bits, something else. */
static inline void rig_run_as(struct rig *r, uint32_t pstate, uint64_t pc)
{
    rig_set(r, REG_PSTATE, pstate);
    rig_run(r, pc);
}

/* The exit is the HVC of a vector; ESR is as said. */
static inline void rig_expect_exception(struct rig *r, unsigned vector, enum esr_ec ec,
                                        uint32_t iss)
{
    rig_expect_hvc(r, vector);
    assert_int_equal(rig_sys(r, ESR_EL1), esr_make(ec, iss));
}

/* ---- Translation tables ------------------------------------------------------------------------------------------- */

struct tables {
    struct rig *r;
    unsigned granule; /* log2 of its bytes                */
    unsigned input;   /* bits of addresses, 64 - TnSZ     */
    uint64_t root;
};

static inline uint64_t tables_page(struct rig *r, unsigned granule)
{
    uint64_t at = (r->table_next + BIT(granule) - 1) & ~(BIT(granule) - 1);

    memset(rig_at(r, at), 0, BIT(granule));
    r->table_next = at + BIT(granule);
    return at;
}

static inline void tables_init(struct tables *t, struct rig *r, unsigned granule)
{
    *t = (struct tables){ r, granule, 48, tables_page(r, granule) };
}

static inline unsigned tables_shift(const struct tables *t, unsigned level)
{
    return t->granule + (3 - level) * (t->granule - 3);
}

static inline unsigned tables_start(const struct tables *t)
{
    return 3 - (t->input - t->granule - 1) / (t->granule - 3);
}

/* Where the descriptor for va at a level is; makes the tables above it. */
static inline uint64_t *tables_desc(struct tables *t, uint64_t va, unsigned level)
{
    uint64_t table = t->root;
    unsigned stride = t->granule - 3;

    for (unsigned l = tables_start(t);; l++) {
        unsigned shift = tables_shift(t, l);
        unsigned width = t->input - shift < stride ? t->input - shift : stride;
        uint64_t *desc = (uint64_t *)rig_at(t->r, table) + (va >> shift & (BIT(width) - 1));
        if (l == level) {
            return desc;
        }
        if ((*desc & 1) == 0) {
            *desc = tables_page(t->r, t->granule) | 3;
        }
        table = *desc & 0x0000fffffffff000ull;
    }
}

/* Maps the page or block of a level that contains va to where pa is; attrs are raw descriptor bits
 * (AF is not added). */
static inline void tables_map(struct tables *t, uint64_t va, uint64_t pa, unsigned level,
                              uint64_t attrs)
{
    uint64_t out = pa & ~(BIT(tables_shift(t, level)) - 1);

    *tables_desc(t, va, level) = out | attrs | (level == 3 ? 3 : 1);
}

/* Descriptor bits. */
#define D_AF     PTE_AF
#define D_USER   PTE_USER
#define D_RO     PTE_RO
#define D_NG     PTE_NG
#define D_DEVICE (1ull << 2) /* MAIR index 1 */
#define D_XN     (PTE_PXN | PTE_UXN)

/* TCR for 48-bit halves with the granule, 48-bit output, 16-bit ASIDs; more bits may be or'ed. */
static inline uint64_t tables_tcr(unsigned granule)
{
    static const uint8_t tg0[] = { [12] = 0, [14] = 2, [16] = 1 };
    static const uint8_t tg1[] = { [12] = 2, [14] = 1, [16] = 3 };

    return 16 | 16ull << 16 | (uint64_t)tg0[granule] << 14 | (uint64_t)tg1[granule] << 30 |
           5ull << 32 | TCR_AS;
}

/* Maps code and vectors (read-only, executable by all) one to one, and switches the MMU on with both
 * TTBRs at t. */
static inline void tables_on(struct tables *t, uint64_t tcr_extra)
{
    struct rig *r = t->r;

    for (uint64_t at = CODE; at < CODE + 0x20000; at += BIT(t->granule)) {
        tables_map(t, at, at, 3, D_AF | D_USER | D_RO);
    }
    rig_set_sys(r, MAIR_EL1,
                0x00ff | 0x44ull << 16); /* 0 Normal, 1 Device-nGnRnE, 2 Normal Non-cacheable */
    rig_set_sys(r, TCR_EL1, tables_tcr(t->granule) | tcr_extra);
    rig_set_sys(r, TTBR0_EL1, t->root);
    rig_set_sys(r, TTBR1_EL1, t->root);
    rig_set_sys(r, SCTLR_EL1, rig_sys(r, SCTLR_EL1) | SCTLR_M);
}

#endif
