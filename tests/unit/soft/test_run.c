/*
 * test_run.c - the run loop: exact instruction counts, limits and steps; code that crosses pages or
 * is rewritten, here and by another CPU; waiting for interrupts and events; exclusive monitors.
 *
 * DDI 0487, "Synchronization of instruction and data accesses", "Wait For Interrupt", "Wait for
 * Event and Send event", "Synchronization and semaphores".
 */
#include "rig.h"

#define I_ADD1(rd)              I_ADD(rd, rd, 1)
#define I_SUBS1(rd)             (0xf1000400u | (rd) << 5 | (rd))
#define I_CMP(rn, imm)          (0xf100001fu | (uint32_t)(imm) << 10 | (rn) << 5)
#define I_BEQ(delta)            (0x54000000u | ((uint32_t)((delta) / 4) & 0x7ffff) << 5)
#define I_MOVZ48(rd, imm)       (0xd2e00000u | (uint32_t)(imm) << 5 | (rd))
#define I_MOVK32(rd, imm)       (0x72800000u | (uint32_t)(imm) << 5 | (rd))
#define I_MOVK(rd, imm)         (0xf2800000u | (uint32_t)(imm) << 5 | (rd))
#define I_BLR(rn)               (0xd63f0000u | (rn) << 5)
#define I_RET                   0xd65f03c0u
#define I_SEV                   0xd503209fu
#define I_CLREX                 0xd5033f5fu
#define I_LDXRW(rt, rn)         (0x885f7c00u | (rn) << 5 | (rt))
#define I_LDXP(rt, rt2, rn)     (0xc87f0000u | (rt2) << 10 | (rn) << 5 | (rt))
#define I_STXP(ws, rt, rt2, rn) (0xc8200000u | (ws) << 16 | (rt2) << 10 | (rn) << 5 | (rt))
#define S_IC_IALLUIS            SYSREG(1, 0, 7, 1, 0)

#define FN (CODE + 0x4000) /* a function that tests call and rewrite */

static uint64_t executed(struct rig *r)
{
    struct accel_stats stats;

    accel_soft.stats(r->vcpu, &stats);
    return stats.insns;
}

/* ---- Counting -------------------------------------------------------------------------------- */

/* 12 pages of ADD x0, x0, #1. */
static void make_straight(struct rig *r)
{
    RIG_CODE(r, CODE, I_B(0x20000));
    for (unsigned i = 0; i < 12 * 1024; i++) {
        put_le32(rig_at(r, CODE + 0x20000 + 4 * i), I_ADD1(0));
    }
}

static void check_straight(struct rig *r, uint64_t n)
{
    assert_int_equal(rig_get(r, REG_X0), n - 1);
    assert_int_equal(rig_get(r, REG_PC), CODE + 0x20000 + 4 * (n - 1));
}

/* A loop inside one page. */
static void make_near(struct rig *r)
{
    RIG_CODE(r, CODE, I_ADD1(0), I_NOP, I_B(-8));
}

static void check_near(struct rig *r, uint64_t n)
{
    assert_int_equal(rig_get(r, REG_X0), (n + 2) / 3);
    assert_int_equal(rig_get(r, REG_PC), CODE + n % 3 * 4);
}

/* A loop through four pages: over the end of one, by a branch, by a register. */
static void make_far(struct rig *r)
{
    RIG_CODE(r, CODE, I_B(0xffc));
    RIG_CODE(r, CODE + 0xffc, I_ADD1(0), I_ADD1(0), I_B(0x3000));
    RIG_CODE(r, CODE + 0x4004, I_BLR(1));
    RIG_CODE(r, CODE + 0x8000, I_B(-0x8000));
    rig_set(r, REG_X0 + 1, CODE + 0x8000);
}

static void check_far(struct rig *r, uint64_t n)
{
    static const uint64_t pc[] = { 0, 0xffc, 0x1000, 0x1004, 0x4004, 0x8000 };
    static const unsigned adds[] = { 0, 0, 1, 2, 2, 2 };

    assert_int_equal(rig_get(r, REG_X0), n / 6 * 2 + adds[n % 6]);
    assert_int_equal(rig_get(r, REG_PC), CODE + pc[n % 6]);
}

/* SVC has been executed when its exception is taken ... */
static void make_svc(struct rig *r)
{
    RIG_CODE(r, CODE, I_SVC(0), I_B(-4));
    RIG_CODE(r, VECTORS + 0x200, I_ADD1(0), I_ERET);
}

static void check_svc(struct rig *r, uint64_t n)
{
    static const uint64_t pc[] = { CODE, VECTORS + 0x200, VECTORS + 0x204, CODE + 4 };

    assert_int_equal(rig_get(r, REG_X0), n / 4 + (n % 4 >= 2));
    assert_int_equal(rig_get(r, REG_PC), pc[n % 4]);
}

/* ... but an UNDEFINED instruction has not. */
static void make_undefined(struct rig *r)
{
    RIG_CODE(r, CODE, I_UDF, I_B(-4));
    RIG_CODE(r, VECTORS + 0x200, I_MRS(3, SYSREG_ELR_EL1), I_ADD(3, 3, 4), I_MSR(SYSREG_ELR_EL1, 3),
             I_ERET);
}

static void check_undefined(struct rig *r, uint64_t n)
{
    static const uint64_t pc[] = { CODE, VECTORS + 0x204, VECTORS + 0x208, VECTORS + 0x20c,
                                   CODE + 4 };

    assert_int_equal(rig_get(r, REG_PC), pc[n % 5]);
}

/* Programs that begin at CODE and never end, and what is true of each after n instructions. */
static const struct program {
    void (*make)(struct rig *r);
    void (*check)(struct rig *r, uint64_t n);
} programs[] = {
    { make_straight, check_straight }, { make_near, check_near },           { make_far, check_far },
    { make_svc, check_svc },           { make_undefined, check_undefined },
};

static void run_limit(const struct program *p, uint64_t limit)
{
    struct accel_stats stats;
    struct rig r;

    rig_make(&r, .max_insns = limit);
    p->make(&r);
    rig_run_as(&r, EL1H | MASKED, CODE);
    assert_int_equal(r.exit.kind, EXIT_LIMIT);
    assert_int_equal(executed(&r), limit);
    p->check(&r, limit);
    accel_soft.stats(r.vcpu, &stats);
    if (p->make != make_straight) {
        assert_int_equal(stats.jit_regions != 0, rig_heat() != 0 && limit > 8192);
    }
    accel_soft.run(r.vcpu, &r.exit);
    assert_int_equal(r.exit.kind, EXIT_LIMIT);
    p->check(&r, limit);
    rig_drop(&r);
}

/* --max-insns stops after exactly so many, wherever that is, and stays stopped. */
static void test_limit(void **state)
{
    static const uint64_t limits[] = { 1,    2,    3,    4,    5,    6,    7,    8,    9,
                                       10,   11,   12,   1023, 1024, 1025, 1026, 2047, 2048,
                                       2049, 3071, 4096, 4097, 5000, 9999, 10007 };
    static const uint64_t many[] = { 100000, 1000003 }; /* translated code runs, too */

    for (unsigned p = 0; p < ARRAY_SIZE(programs); p++) {
        for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
            run_limit(&programs[p], limits[i]);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(many) && programs[p].make != make_straight; i++) {
            run_limit(&programs[p], many[i]);
        }
    }
}

/* The limit is the machine's: what one CPU has used, the other has not, and exits in between do not
 * matter. */
static void test_limit_of_two(void **state)
{
    struct rig r;

    rig_make(&r, .cpus = 2, .max_insns = 5000);
    RIG_CODE(&r, CODE, I_ADD1(0), I_HVC(1), I_B(-8));
    for (unsigned i = 0; i < 800; i++) {
        rig_run_as(&r, EL1H | MASKED, CODE);
        rig_expect_hvc(&r, 1);
    }
    assert_int_equal(executed(&r), 1600);
    rig_select(&r, 1);
    RIG_CODE(&r, CODE, I_ADD1(0), I_B(-4));
    rig_run_as(&r, EL1H | MASKED, CODE);
    assert_int_equal(r.exit.kind, EXIT_LIMIT);
    assert_int_equal(executed(&r), 3400);
    assert_int_equal(rig_get(&r, REG_X0), 1700);
    rig_select(&r, 0);
    accel_soft.run(r.vcpu, &r.exit);
    assert_int_equal(r.exit.kind, EXIT_LIMIT);
    assert_int_equal(executed(&r), 1600);
    rig_drop(&r);
}

/* Without a limit the count is as exact: near branches taken and not taken, calls, exceptions. */
static void test_count(void **state)
{
    struct rig r;

    rig_make(&r, .count = true);
    RIG_CODE(&r, CODE, I_MOVZ(0, 1000), I_BLR(1), I_SVC(0), I_SUBS1(0), I_CBNZ(0, -12), I_UDF);
    RIG_CODE(&r, FN, I_NOP, I_RET);
    RIG_CODE(&r, VECTORS + 0x200, I_MRS(2, SYSREG_ESR_EL1), I_ADD(3, 2, 0), 0xd35afc63, /* >> 26 */
             I_CMP(3, EC_SVC64), I_BEQ(8), I_HVC(5), I_ERET);
    rig_set(&r, REG_X0 + 1, FN);
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_expect_hvc(&r, 5);
    /* MOVZ; BLR NOP RET SVC, MRS ADD LSR CMP B.EQ ERET, SUBS CBNZ; then UDF's MRS to HVC. */
    assert_int_equal(executed(&r), 1 + 1000 * (4 + 6 + 2) + 6);
    rig_drop(&r);
    rig_make(&r); /* or not, if code is translated */
    RIG_CODE(&r, CODE, I_HVC(5));
    rig_run(&r, CODE);
    assert_int_equal(executed(&r), rig_heat() != 0 ? 0 : 1);
    rig_drop(&r);
}

/* A step is one instruction or the exception that it causes; interrupts are not looked at. */
static void test_step(void **state)
{
    static const uint64_t pc[] = { CODE,          CODE + 4,       CODE + 4,        CODE + 0xffc,
                                   CODE + 0x1000, CODE + 0x1004,  VECTORS + 0x200, VECTORS + 0x204,
                                   CODE + 0x1008, VECTORS + 0x200 };
    struct rig r;

    rig_make(&r);
    RIG_CODE(&r, CODE, I_ADD1(0), I_CBNZ(1, 0), I_B(0xff4));
    RIG_CODE(&r, CODE + 0xffc, I_NOP, I_ADD1(0), I_SVC(0), I_UDF);
    RIG_CODE(&r, VECTORS + 0x200, I_NOP, I_ERET);
    rig_set(&r, REG_PSTATE, EL1H);
    accel_soft.set_lines(r.vcpu, true, true);
    rig_set(&r, REG_PC, CODE);
    rig_set(&r, REG_X0 + 1, 1);
    for (unsigned i = 0; i < ARRAY_SIZE(pc); i++) {
        assert_int_equal(rig_get(&r, REG_PC), pc[i]);
        soft_step(r.cpu);
        if (i == 1) { /* once around itself */
            rig_set(&r, REG_X0 + 1, 0);
        } else if (i == 2) { /* B is the next */
            assert_int_equal(rig_get(&r, REG_PC), CODE + 8);
            soft_step(r.cpu);
        }
    }
    rig_drop(&r);
}

/* ---- Pages ----------------------------------------------------------------------------------- */

/* The code goes on where the next virtual page is, which is not the next physical one; or it faults
 * there. */
static void test_page_crossing(void **state)
{
    const uint64_t va = 0x123456623ffcull;
    struct rig r;
    struct tables t;

    rig_make(&r);
    tables_init(&t, &r, 12);
    tables_map(&t, va, DATA, 3, D_AF | D_RO);
    tables_map(&t, va + 4, DATA + 0x8000, 3, D_AF | D_RO);
    tables_on(&t, 0);
    RIG_CODE(&r, DATA + 0xffc, I_ADD(0, 0, 1), I_HVC(7)); /* HVC: physically next */
    RIG_CODE(&r, DATA + 0x8000, I_ADD(0, 0, 16), I_CBNZ(1, -8), I_HVC(1));
    rig_run_as(&r, EL1H | MASKED, va);
    rig_expect_hvc(&r, 1);
    assert_int_equal(rig_get(&r, REG_X0), 17);
    assert_int_equal(rig_get(&r, REG_PC), va + 16);
    for (unsigned times = 0; times < 2; times++) { /* once decoded, it still asks */
        *tables_desc(&t, va + 4, 3) = 0;
        tlb_drop_all(r.cpu);
        rig_run_as(&r, EL1H | MASKED, va);
        rig_expect_exception(&r, V_SPX, EC_IABT_SAME, FSC_TRANSLATION + 3);
        assert_int_equal(rig_sys(&r, ELR_EL1), va + 4);
        assert_int_equal(rig_sys(&r, FAR_EL1), va + 4);
    }
    tables_map(&t, va + 4, DATA + 0x8000, 3, D_AF | D_RO | PTE_PXN);
    rig_run_as(&r, EL1H | MASKED, va);
    rig_expect_exception(&r, V_SPX, EC_IABT_SAME, FSC_PERMISSION + 3);
    rig_drop(&r);
}

/* The whole cache of decoded pages goes round several times. */
static void test_many_pages(void **state)
{
    enum { PAGES = 5000 };
    const uint64_t base = RAM + 0x1000000;
    struct rig r;

    rig_make(&r);
    for (unsigned i = 0; i < PAGES; i++) {
        RIG_CODE(&r, base + i * 0x1000ull, I_ADD1(0), i + 1 < PAGES ? I_B(0xffc) : I_HVC(1));
    }
    for (unsigned round = 0; round < 3; round++) {
        rig_set(&r, REG_X0, 0);
        rig_run_as(&r, EL1H | MASKED, base);
        rig_expect_hvc(&r, 1);
        assert_int_equal(rig_get(&r, REG_X0), PAGES);
    }
    assert_true(r.cpu->priv->stats.code_drops > 0);
    assert_true(r.cpu->priv->code->count <= r.cpu->priv->code->limit);
    rig_drop(&r);
}

/* ---- Code that changes ----------------------------------------------------------------------- */

/* FN returns n in x0. */
static void make_function(struct rig *r, unsigned n)
{
    RIG_CODE(r, FN, I_MOVZ(0, n), I_RET);
}

/* At `at`: stores w4 to [x1], does the maintenance given, and calls x1. */
#define REWRITE(r, at, ...) \
    RIG_CODE(r, at, I_STRW(4, 1), __VA_ARGS__, I_ADD(9, 30, 0), I_BLR(1), I_HVC(1))

static uint64_t call_rewritten(struct rig *r, unsigned n)
{
    rig_set(r, REG_X0 + 1, FN);
    rig_set(r, REG_X0 + 4, I_MOVZ(0, n));
    rig_run_as(r, EL1H | MASKED, CODE);
    rig_expect_hvc(r, 1);
    return rig_get(r, REG_X0);
}

static uint64_t call(struct rig *r)
{
    RIG_CODE(r, CODE + 0x100, I_BLR(1), I_HVC(1));
    rig_set(r, REG_X0 + 1, FN);
    rig_run_as(r, EL1H | MASKED, CODE + 0x100);
    rig_expect_hvc(r, 1);
    return rig_get(r, REG_X0);
}

/* After IC and the barriers the new code runs, each time; before them either may. */
static void test_rewritten(void **state)
{
    struct rig r;

    rig_make(&r);
    make_function(&r, 1);
    assert_int_equal(call(&r), 1);
    REWRITE(&r, CODE, I_MSR(S_IC_IVAU, 1), I_DSB, I_ISB);
    for (unsigned n = 2; n < 10; n++) {
        assert_int_equal(call_rewritten(&r, n), n);
    }
    REWRITE(&r, CODE, I_MSR(S_IC_IALLU, 31), I_DSB, I_ISB);
    assert_int_equal(call_rewritten(&r, 20), 20);
    REWRITE(&r, CODE, I_MSR(S_IC_IALLUIS, 31), I_DSB, I_ISB);
    assert_int_equal(call_rewritten(&r, 21), 21);
    REWRITE(&r, CODE, I_NOP);
    uint64_t value = call_rewritten(&r, 22);
    assert_true(value == 21 || value == 22);
    REWRITE(&r, CODE, I_MSR(S_IC_IVAU, 1), I_DSB, I_ISB);
    assert_int_equal(call_rewritten(&r, 22), 22);
    /* As a loader or debugger does it. */
    make_function(&r, 30);
    assert_int_equal(call(&r), 30);
    rig_drop(&r);
}

/* Every word of the line that IC IVAU names is decoded again, whatever address in it is given; and
 * the instruction that follows in the same line is new when it is reached. */
static void test_rewritten_line(void **state)
{
    struct rig r;

    rig_make(&r);
    for (unsigned at = 0; at < 64; at += 4) {
        rig_set(&r, REG_X0, 0);
        for (unsigned i = 0; i < 16; i++) {
            RIG_CODE(&r, FN + 4 * i, I_ADD1(0));
        }
        RIG_CODE(&r, FN + 64, I_HVC(1));
        rig_run_as(&r, EL1H | MASKED, FN);
        rig_expect_hvc(&r, 1);
        for (unsigned i = 0; i < 16; i++) {
            put_le32(rig_at(&r, FN + 4 * i), I_ADD(0, 0, 100));
        }
        RIG_CODE(&r, CODE, I_MSR(S_IC_IVAU, 1), I_DSB, I_ISB, I_BLR(2));
        rig_set(&r, REG_X0 + 1, FN + at);
        rig_set(&r, REG_X0 + 2, FN);
        rig_run_as(&r, EL1H | MASKED, CODE);
        rig_expect_hvc(&r, 1);
        assert_int_equal(rig_get(&r, REG_X0), 16 + 1600);
    }
    /* The line rewrites itself. The second time around as well, when all of it is decoded. */
    RIG_CODE(&r, CODE, I_STRW(4, 1), I_MSR(S_IC_IVAU, 1), I_DSB, I_ISB, I_MOVZ(0, 1), I_HVC(1));
    for (unsigned n = 2; n < 5; n++) {
        rig_set(&r, REG_X0 + 1, CODE + 16);
        rig_set(&r, REG_X0 + 4, I_MOVZ(0, n));
        rig_run_as(&r, EL1H | MASKED, CODE);
        rig_expect_hvc(&r, 1);
        assert_int_equal(rig_get(&r, REG_X0), n);
    }
    rig_drop(&r);
}

/*
 * The code that is rewritten is in the page of who rewrites it, and reached by a direct branch of code that was translated
 * when its target was already.
 */
static void test_rewritten_near(void **state)
{
    enum { TARGET = 0x80, WRITER = 0x40 };
    struct rig r;

    rig_make(&r);
    RIG_CODE(&r, CODE + TARGET, I_MOVZ(0, 1), I_HVC(1));
    RIG_CODE(&r, CODE, I_B(TARGET));
    RIG_CODE(&r, CODE + WRITER, I_STRW(4, 1), I_MSR(S_IC_IVAU, 1), I_DSB, I_ISB,
             I_B(-(WRITER + 16)));
    for (unsigned at = TARGET, n = 0; n < 10; at = n < 5 ? TARGET : 0, n++) {
        rig_run_as(&r, EL1H | MASKED, CODE + at);
        rig_expect_hvc(&r, 1);
        assert_int_equal(rig_get(&r, REG_X0), 1);
    }
    for (unsigned n = 2; n < 10; n++) {
        rig_set(&r, REG_X0 + 1, CODE + TARGET);
        rig_set(&r, REG_X0 + 4, I_MOVZ(0, n));
        rig_run_as(&r, EL1H | MASKED, CODE + WRITER);
        rig_expect_hvc(&r, 1);
        assert_int_equal(rig_get(&r, REG_X0), n);
    }
    rig_drop(&r);
}

/* A function rewrites what its caller does after it has returned. */
static void test_rewritten_return(void **state)
{
    struct rig r;

    rig_make(&r);
    RIG_CODE(&r, FN, I_STRW(4, 1), I_MSR(S_IC_IVAU, 1), I_DSB, I_ISB, I_RET);
    RIG_CODE(&r, CODE, I_BLR(5), I_MOVZ(0, 0), I_HVC(1));
    for (unsigned n = 0; n < 20; n++) {
        rig_set(&r, REG_X0 + 1, CODE + 4);
        rig_set(&r, REG_X0 + 4, I_MOVZ(0, n / 5));
        rig_set(&r, REG_X0 + 5, FN);
        rig_run_as(&r, EL1H | MASKED, CODE);
        rig_expect_hvc(&r, 1);
        assert_int_equal(rig_get(&r, REG_X0), n / 5);
    }
    rig_drop(&r);
}

/* One CPU rewrites what another has run: IVAU and IALLUIS reach it, also when many pile up. */
static void test_rewritten_for_other(void **state)
{
    struct rig r;

    rig_make(&r, .cpus = 2);
    make_function(&r, 1);
    rig_select(&r, 1);
    assert_int_equal(call(&r), 1);
    for (unsigned n = 2; n < 6; n++) {
        rig_select(&r, 0);
        REWRITE(&r, CODE, n & 1 ? I_MSR(S_IC_IVAU, 1) : I_MSR(S_IC_IALLUIS, 31), I_DSB, I_ISB);
        for (unsigned i = 0; i < (n < 4 ? 1 : 100); i++) {
            assert_int_equal(call_rewritten(&r, n), n);
        }
        rig_select(&r, 1);
        rig_set(&r, REG_X0 + 1, FN);
        rig_run_as(&r, EL1H | MASKED, CODE + 0x100); /* as it was decoded before */
        rig_expect_hvc(&r, 1);
        assert_int_equal(rig_get(&r, REG_X0), n);
    }
    rig_drop(&r);
}

/* The same while the other CPU runs the code all the time. It gives up after 2^32 calls. */
static void test_rewritten_meanwhile(void **state)
{
    struct rig r, other;
    pthread_t thread;

    rig_make(&r, .cpus = 2);
    make_function(&r, 1);
    other = r;
    rig_select(&other, 1);
    RIG_CODE(&r, CODE + 0x200, I_BLR(1), I_STR(0, 6), I_CMP(0, 9), I_BEQ(12), I_SUBS1(5),
             I_CBNZ(5, -20), I_HVC(2));
    rig_set(&other, REG_PC, CODE + 0x200);
    rig_set(&other, REG_X0 + 1, FN);
    rig_set(&other, REG_X0 + 5, 1ull << 32);
    rig_set(&other, REG_X0 + 6, DATA);
    assert_int_equal(pthread_create(&thread, NULL, rig_thread, &other), 0);
    rig_await(&r, DATA, 1);
    REWRITE(&r, CODE, I_MSR(S_IC_IVAU, 1), I_DSB, I_ISB);
    for (unsigned n = 2; n < 10; n++) {
        assert_int_equal(call_rewritten(&r, n), n);
        rig_await(&r, DATA, n);
    }
    pthread_join(thread, NULL);
    rig_expect_hvc(&other, 2);
    assert_int_equal(rig_get(&other, REG_X0), 9);
    rig_drop(&r);
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* WFI sleeps until a line is up, masked or not; then goes on after itself. */
static void test_wfi(void **state)
{
    struct rig r;

    rig_make(&r);
    RIG_CODE(&r, CODE, I_WFI, I_HVC(1));
    for (unsigned masked = 0; masked < 2; masked++) {
        rig_run_as(&r, EL1H | (masked ? MASKED : 0), CODE);
        assert_int_equal(r.exit.kind, EXIT_SYNDROME);
        assert_int_equal(r.exit.syndrome.esr, esr_make(EC_WFX, WFX_ISS));
        assert_int_equal(rig_get(&r, REG_PC), CODE);
        assert_int_equal(exit_handle(r.vcpu, &r.exit), VCPU_WAIT);
        assert_false(r.vcpu->wfe);
        assert_false(vcpu_has_work(r.vcpu));
        accel_soft.set_lines(r.vcpu, !masked, masked);
        assert_true(vcpu_has_work(r.vcpu));
        accel_soft.run(r.vcpu, &r.exit);
        rig_expect_hvc(&r, masked ? 1 : V_SPX + V_IRQ);
        if (!masked) {
            assert_int_equal(rig_sys(&r, ELR_EL1), CODE + 4);
        }
        /* While it is up, WFI is no wait at all. */
        rig_run_as(&r, EL1H | MASKED, CODE);
        rig_expect_hvc(&r, 1);
        accel_soft.set_lines(r.vcpu, false, false);
    }
    rig_drop(&r);
}

/* The virtual timer's interrupt through the GIC: the guest sets it, sleeps, time passes. */
static void test_wfi_until_timer(void **state)
{
    struct rig r;
    uint64_t gicd, gicc, iar = 0;

    rig_make(&r);
    gicd = vm_find_dev(&r.vm, &gic_dist_ops)->base;
    gicc = vm_find_dev(&r.vm, &gicv2_cpu_ops)->base;
    assert_true(vm_mmio_write(r.vcpu, gicd, 4, 1));
    assert_true(vm_mmio_write(r.vcpu, gicd + 0x100, 4, 1u << 27)); /* GICD_ISENABLER0 */
    assert_true(vm_mmio_write(r.vcpu, gicc, 4, 1));
    assert_true(vm_mmio_write(r.vcpu, gicc + 4, 4, 0xff)); /* GICC_PMR */
    RIG_CODE(&r, CODE, I_MSR(SYSREG_CNTV_TVAL_EL0, 1), I_MSR(SYSREG_CNTV_CTL_EL0, 2), I_WFI,
             I_DAIFCLR(2), I_HVC(1));
    rig_set(&r, REG_X0 + 1, GTIMER_FREQ_HZ / 1000);
    rig_set(&r, REG_X0 + 2, 1);
    rig_run_as(&r, EL1H | MASKED, CODE);
    assert_int_equal(ESR_EC(r.exit.syndrome.esr), EC_WFX);
    assert_int_equal(exit_handle(r.vcpu, &r.exit), VCPU_WAIT);
    assert_int_equal(vm_poll_timers(&r.vm), 1000000);
    r.now_ns = 999999;
    vm_poll_timers(&r.vm);
    assert_false(vcpu_has_work(r.vcpu));
    r.now_ns = 1000000;
    vm_poll_timers(&r.vm);
    assert_true(vcpu_has_work(r.vcpu));
    accel_soft.run(r.vcpu, &r.exit);
    rig_expect_hvc(&r, V_SPX + V_IRQ);
    assert_int_equal(rig_sys(&r, ELR_EL1), CODE + 16);
    assert_true(vm_mmio_read(r.vcpu, gicc + 0xc, 4, &iar)); /* GICC_IAR */
    assert_int_equal(iar, 27);
    rig_drop(&r);
}

/* Runs one WFE; true if it would sleep. */
static bool wfe_sleeps(struct rig *r)
{
    RIG_CODE(r, CODE + 0x40, I_WFE, I_HVC(1));
    rig_run_as(r, EL1H | MASKED, CODE + 0x40);
    if (r->exit.syndrome.esr == esr_make(EC_WFX, WFX_ISS | 1)) {
        assert_int_equal(rig_get(r, REG_PC), CODE + 0x40);
        return true;
    }
    rig_expect_hvc(r, 1);
    return false;
}

static void run_one(struct rig *r, uint32_t word)
{
    RIG_CODE(r, CODE, word, I_HVC(1));
    rig_run_as(r, EL1H | MASKED, CODE);
    rig_expect_hvc(r, 1);
}

/* Each event ends one WFE: SEVL here, SEV everywhere, an exception return, an interrupt. */
static void test_wfe(void **state)
{
    struct rig r;

    for (unsigned cpus = 1; cpus <= 2; cpus++) {
        rig_make(&r, .cpus = cpus);
        assert_true(wfe_sleeps(&r));
        run_one(&r, I_SEVL);
        assert_false(wfe_sleeps(&r));
        assert_true(wfe_sleeps(&r));
        run_one(&r, I_SEV);
        assert_false(wfe_sleeps(&r));
        assert_true(wfe_sleeps(&r));
        rig_set_sys(&r, ELR_EL1, CODE + 4);
        rig_set_sys(&r, SPSR_EL1, EL1H | MASKED);
        run_one(&r, I_ERET);
        assert_false(wfe_sleeps(&r));
        accel_soft.set_lines(r.vcpu, true, false);
        assert_false(wfe_sleeps(&r));
        accel_soft.set_lines(r.vcpu, false, false);
        assert_true(wfe_sleeps(&r));
        if (cpus == 2) {
            rig_select(&r, 1);
            assert_false(wfe_sleeps(&r)); /* the SEV of before was for it as well */
            assert_true(wfe_sleeps(&r));
        }
        rig_drop(&r);
    }
}

/* What the host does while a CPU waits: what time it is was asked, the core was given away; at[n] happens at the n-th. */
struct meanwhile {
    struct rig rig; /* first: the ports' opaque */
    unsigned clock, yields, event_at, store_at;
};

static uint64_t meanwhile_clock(void *opaque)
{
    struct meanwhile *m = opaque;

    m->rig.now_ns += 1000;
    if (++m->clock == m->event_at) {
        vm_send_event(&m->rig.vm);
    }
    return m->rig.now_ns;
}

static void meanwhile_yield(void *opaque)
{
    struct meanwhile *m = opaque;

    if (++m->yields == m->store_at) {
        *(uint64_t *)rig_at(&m->rig, DATA) = 1;
    }
}

static void meanwhile_make(struct meanwhile *m)
{
    rig_make(&m->rig, .cpus = 2);
    m->clock = m->yields = m->event_at = m->store_at = 0;
    m->rig.vm.ports.now_ns = meanwhile_clock;
    m->rig.vm.ports.yield = meanwhile_yield;
}

/* One WFE: did it look for an event, and did it sleep? */
static void wfe_expect(struct meanwhile *m, bool looks, bool sleeps)
{
    m->clock = 0;
    assert_int_equal(wfe_sleeps(&m->rig), sleeps);
    assert_int_equal(m->clock != 0, looks);
}

/* An event that comes soon is waited for, unless that was in vain before: then ever more WFEs sleep at once. */
static void test_wfe_looks(void **state)
{
    static const uint8_t between[] = { 0, 1, 3, 7, 15, 31, 63, 63, 63 };
    struct meanwhile m;

    meanwhile_make(&m);
    for (unsigned look = 0; look < 9; look++) {
        for (unsigned n = 0; n < between[look]; n++) {
            wfe_expect(&m, false, true);
        }
        wfe_expect(&m, true, true);
    }
    for (unsigned n = 0; n < 63; n++) {
        wfe_expect(&m, false, true);
    }
    assert_int_equal(m.rig.cpu->priv->stats.wfe_looks, 0);
    m.event_at = 10;
    for (unsigned n = 0; n < 20; n++) {
        wfe_expect(&m, true, false);
    }
    assert_int_equal(m.rig.cpu->priv->stats.wfe_looks, 20);
    m.event_at = 0;
    wfe_expect(&m, true, true);
    wfe_expect(&m, false, true);
    wfe_expect(&m, true, true);
    assert_int_equal(m.yields, 0);
    rig_drop(&m.rig);
}

/* A store to the location that the monitor watches is an event that nobody sends: the CPU that is to store may need
 * this one's core. */
static void test_wfe_monitor(void **state)
{
    struct meanwhile m;
    struct rig *r = &m.rig;

    meanwhile_make(&m);
    RIG_CODE(r, CODE, I_LDXR(0, 1), I_WFE, I_HVC(1));
    for (unsigned n = 1; n <= 5; n++) {
        *(uint64_t *)rig_at(r, DATA) = 0;
        m.yields = 0;
        m.store_at = n;
        rig_set(r, REG_X0 + 1, DATA);
        rig_run_as(r, EL1H | MASKED, CODE);
        rig_expect_hvc(r, 1);
        assert_int_equal(m.yields, n);
    }
    assert_int_equal(r->cpu->priv->stats.wfe_looks, 5);
    m.store_at = 0;
    rig_run_as(r, EL1H | MASKED, CODE);
    assert_int_equal(r->exit.syndrome.esr, esr_make(EC_WFX, WFX_ISS | 1));
    rig_drop(r);
}

/* A loop with YIELD gives the core away from time to time. */
static void test_yield(void **state)
{
    struct meanwhile m;
    struct rig *r = &m.rig;

    meanwhile_make(&m);
    RIG_CODE(r, CODE, I_YIELD, I_SUB(0, 0, 1), I_CBNZ(0, -8), I_HVC(1));
    rig_set(r, REG_X0, 10 * (WAIT_YIELDS + 1));
    rig_run_as(r, EL1H | MASKED, CODE);
    rig_expect_hvc(r, 1);
    assert_int_equal(m.yields, 10);
    assert_int_equal(r->cpu->priv->stats.host_yields, 10);
    rig_drop(r);
}

/* ---- What translated code counts -------------------------------------------------------------- */

static struct accel_stats stats_of(struct rig *r)
{
    struct accel_stats stats = { .insns = 0 };

    accel_soft.stats(r->vcpu, &stats);
    return stats;
}

/* 100 rounds of the code, whose first instruction accesses x1 and whose second changes it: what that counted. */
static struct accel_stats count_rounds(struct rig *r, uint64_t at)
{
    const struct accel_stats before = stats_of(r);
    struct accel_stats after;

    rig_set(r, REG_X0, 100);
    rig_set(r, REG_X0 + 1, at);
    rig_run_as(r, EL1H | MASKED, CODE);
    rig_expect_hvc(r, 1);
    after = stats_of(r);
    after.jit_l0_refills -= before.jit_l0_refills;
    after.jit_l0_misses -= before.jit_l0_misses;
    return after;
}

/* Accesses that alternate between two pages miss their L0 slot each time, those that cross pages are the body's. */
static void test_counts(void **state)
{
    struct rig r;
    struct tables t;
    struct accel_stats n;

    rig_make(&r);
    tables_init(&t, &r, 12);
    for (unsigned page = 0; page < 4; page++) {
        tables_map(&t, DATA + page * 0x1000, DATA + page * 0x1000, 3, D_AF);
    }
    tables_on(&t, 0);
    RIG_CODE(&r, CODE, I_LDR(2, 1), I_EOR_PAGE(1, 1), I_SUB(0, 0, 1), I_CBNZ(0, -12), I_HVC(1));
    count_rounds(&r, DATA);
    n = count_rounds(&r, DATA);
    if (r.cpu->priv->jit == NULL) {
        assert_int_equal(n.jit_bytes, 0);
        rig_drop(&r);
        return;
    }
    assert_in_range(n.jit_l0_refills, 99, 100);
    assert_int_equal(n.jit_l0_misses, 0);
    n = count_rounds(&r, DATA + 0xffc);
    assert_int_equal(n.jit_l0_misses, 100);
    for (unsigned i = 0; i < ACCEL_CALLS; i++) {
        n.jit_calls -= n.calls[i].count;
    }
    assert_int_equal(n.jit_calls, 0);
    assert_in_range(n.jit_bytes, 1000, 65536);
    assert_int_equal(n.jit_drops, 0);
    assert_int_equal(n.jit_closed, 0);
    RIG_CODE(&r, CODE, I_LDR(2, 1), I_NOP, I_SUB(0, 0, 1), I_CBNZ(0, -12), I_HVC(1));
    n = count_rounds(&r, DATA);
    assert_int_equal(n.jit_drops, 1);
    assert_int_equal(n.jit_drops_changed + n.jit_drops_page, 1);
    assert_true(n.jit_closed >= 1);
    n = count_rounds(&r, DATA + 1); /* misaligned: no matter */
    assert_in_range(n.jit_l0_refills, 0, 1);
    assert_int_equal(n.jit_l0_misses, 0);
    rig_drop(&r);
}

/*
 * A page of code that moves: after each TLBI one of its functions is called, so that the page is known again, and then
 * the other, to which the jump cache still has a way. If the page is another now, that way is wrong.
 */
static void test_stale_ways(void **state)
{
    const uint64_t far_va = 0x80005000, pages = DATA + 0x10000;
    struct rig r;
    struct tables t;
    uint64_t *desc;

    rig_make(&r);
    tables_init(&t, &r, 12);
    for (unsigned page = 0; page < 2; page++) {
        const uint64_t at = pages + page * 0x1000;
        RIG_CODE(&r, at, I_ADD(20 + page, 20 + page, 1), I_RET);
        RIG_CODE(&r, at + 16, I_ADD(22 + page, 22 + page, 1), I_RET);
        tables_map(&t, far_va, at, 3, D_AF | D_USER | D_RO);
        rig_set(&r, REG_X0 + 13 + page, *tables_desc(&t, far_va, 3));
    }
    desc = tables_desc(&t, far_va, 3);
    rig_set(&r, REG_X0 + 12, TABLES + (uint64_t)((char *)desc - (char *)rig_at(&r, TABLES)));
    for (uint64_t at = TABLES; at < TABLES + 0x10000; at += 0x1000) {
        tables_map(&t, at, at, 3, D_AF);
    }
    tables_on(&t, 0);
    RIG_CODE(&r, CODE, I_STR(13, 12), I_DSB, I_MSR(S_TLBI(7, 3), 15), I_DSB, I_ISB, I_BLR(6),
             I_BLR(5), I_STR(14, 12), I_DSB, I_MSR(S_TLBI(7, 3), 15), I_DSB, I_ISB, I_BLR(6),
             I_BLR(5), I_SUB(0, 0, 1), I_CBNZ(0, -60), I_HVC(1));
    rig_set(&r, REG_X0 + 5, far_va);
    rig_set(&r, REG_X0 + 6, far_va + 16);
    rig_set(&r, REG_X0 + 15, far_va >> 12);
    for (unsigned same = 0; same < 2; same++) {
        const uint64_t renewed = stats_of(&r).jit_far_renewed;
        for (unsigned n = 20; n < 24; n++) {
            rig_set(&r, REG_X0 + n, 0);
        }
        rig_set(&r, REG_X0, 300);
        rig_run_as(&r, EL1H | MASKED, CODE);
        rig_expect_hvc(&r, 1);
        assert_int_equal(rig_get(&r, REG_X0 + 20), same ? 600 : 300);
        assert_int_equal(rig_get(&r, REG_X0 + 21), same ? 0 : 300);
        assert_int_equal(rig_get(&r, REG_X0 + 22), same ? 600 : 300);
        assert_int_equal(rig_get(&r, REG_X0 + 23), same ? 0 : 300);
        if (r.cpu->priv->jit != NULL && same) {
            assert_in_range(stats_of(&r).jit_far_renewed - renewed, 590, 1200);
        }
        rig_set(&r, REG_X0 + 14, rig_get(&r, REG_X0 + 13));
    }
    rig_drop(&r);
}

/* ---- Exclusives ------------------------------------------------------------------------------ */

/* LDXR x0; what lies between; STXR w3, x2. Returns the status. */
#define EXCLUSIVE(r, between) \
    (run_exclusive((r), (const uint32_t[]){ I_LDXR(0, 1), (between), I_STXR(3, 2, 1), I_HVC(1) }))

static uint64_t run_exclusive(struct rig *r, const uint32_t words[4])
{
    rig_code(r, CODE, words, 4);
    rig_set(r, REG_X0 + 1, DATA);
    rig_set(r, REG_X0 + 2, 0x22);
    rig_set(r, REG_X0 + 3, 7);
    rig_set(r, REG_X0 + 6, DATA + 0x100);
    rig_run_as(r, EL1H | MASKED, CODE);
    rig_expect_hvc(r, 1);
    return rig_get(r, REG_X0 + 3);
}

static void test_monitor(void **state)
{
    struct rig r;
    uint64_t *word;

    rig_make(&r);
    word = rig_at(&r, DATA);
    *word = 0x11;
    assert_int_equal(EXCLUSIVE(&r, I_NOP), 0);
    assert_int_equal(rig_get(&r, REG_X0), 0x11);
    assert_int_equal(*word, 0x22);
    *word = 0x11;
    assert_int_equal(EXCLUSIVE(&r, I_CLREX), 1);
    assert_int_equal(EXCLUSIVE(&r, I_STXR(4, 2, 6)), 1); /* the first one opens it */
    assert_int_equal(EXCLUSIVE(&r, I_LDXR(4, 6)), 1);    /* marked elsewhere */
    assert_int_equal(EXCLUSIVE(&r, I_LDXRW(4, 1)), 1);   /* another size */
    assert_int_equal(*word, 0x11);
    *(uint64_t *)rig_at(&r, DATA + 0x100) = 0x11; /* the same value elsewhere does not count */
    assert_int_equal(EXCLUSIVE(&r, I_LDXR(4, 6)), 1);
    assert_int_equal(*word, 0x11);
    /* An exception opens the monitor, and so does its return. */
    RIG_CODE(&r, VECTORS + 0x200, I_ERET);
    assert_int_equal(EXCLUSIVE(&r, I_SVC(0)), 1);
    RIG_CODE(&r, VECTORS + 0x200, I_LDXR(0, 1), I_ERET);
    assert_int_equal(EXCLUSIVE(&r, I_SVC(0)), 1);
    assert_int_equal(*word, 0x11);
    /* Pairs: all 16 bytes. */
    RIG_CODE(&r, CODE, I_LDXP(0, 4, 1), I_STXP(3, 2, 5, 1), I_HVC(1));
    word[1] = 0x33;
    rig_set(&r, REG_X0 + 5, 0x55);
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_expect_hvc(&r, 1);
    assert_int_equal(rig_get(&r, REG_X0 + 3), 0);
    assert_int_equal(rig_get(&r, REG_X0 + 4), 0x33);
    assert_int_equal(word[0], 0x22);
    assert_int_equal(word[1], 0x55);
    rig_drop(&r);
}

/* Two CPUs have marked the same word: who stores first has it. A store of another kind, and to the
 * second half of a pair, opens the monitor too. */
static void test_monitors_of_two(void **state)
{
    struct rig r;
    uint64_t *word;

    rig_make(&r, .cpus = 2);
    word = rig_at(&r, DATA);
    RIG_CODE(&r, CODE, I_LDXR(0, 1), I_HVC(1), I_STXR(3, 2, 1), I_HVC(2));
    for (unsigned i = 0; i < 2; i++) {
        rig_select(&r, i);
        rig_set(&r, REG_X0 + 1, DATA);
        rig_set(&r, REG_X0 + 2, 100 + i);
        rig_run_as(&r, EL1H | MASKED, CODE);
        rig_expect_hvc(&r, 1);
    }
    for (unsigned i = 2; i-- > 0;) { /* the other order */
        rig_select(&r, i);
        accel_soft.run(r.vcpu, &r.exit);
        rig_expect_hvc(&r, 2);
        assert_int_equal(rig_get(&r, REG_X0 + 3), i == 1 ? 0 : 1);
    }
    assert_int_equal(*word, 101);
    RIG_CODE(&r, CODE, I_LDXP(0, 4, 1), I_HVC(1), I_STXP(3, 2, 2, 1), I_HVC(2));
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_select(&r, 1);
    RIG_CODE(&r, CODE + 0x40, I_STR(2, 1), I_HVC(1));
    rig_set(&r, REG_X0 + 1, DATA + 8);
    rig_run_as(&r, EL1H | MASKED, CODE + 0x40);
    rig_select(&r, 0);
    accel_soft.run(r.vcpu, &r.exit);
    rig_expect_hvc(&r, 2);
    assert_int_equal(rig_get(&r, REG_X0 + 3), 1);
    assert_int_equal(*word, 101);
    rig_drop(&r);
}

/* Both count the same word up, one by exclusives, the other by LDADD: none is lost. */
static void test_counting_together(void **state)
{
    enum { TIMES = 50000 };
    struct rig r, other;
    pthread_t thread;

    rig_make(&r, .cpus = 2);
    RIG_CODE(&r, CODE, I_LDXR(0, 1), I_ADD1(0), I_STXR(3, 0, 1), I_CBNZ(3, -12), I_SUBS1(5),
             I_CBNZ(5, -20), I_HVC(1));
    RIG_CODE(&r, CODE + 0x100, I_LDADD(2, 3, 1), I_SUBS1(5), I_CBNZ(5, -8), I_HVC(1));
    other = r;
    rig_select(&other, 1);
    for (unsigned i = 0; i < 2; i++) {
        struct rig *one = i ? &other : &r;
        rig_set(one, REG_X0 + 1, DATA);
        rig_set(one, REG_X0 + 2, 1);
        rig_set(one, REG_X0 + 5, TIMES);
        rig_set(one, REG_PC, CODE + i * 0x100);
    }
    assert_int_equal(pthread_create(&thread, NULL, rig_thread, &other), 0);
    rig_thread(&r);
    pthread_join(thread, NULL);
    rig_expect_hvc(&r, 1);
    rig_expect_hvc(&other, 1);
    assert_int_equal(*(uint64_t *)rig_at(&r, DATA), 2 * TIMES);
    rig_drop(&r);
}

/* IC IVAU of a line that is as it was decodes and translates nothing again; of one that is not, it does. */
static void test_same_content(void **state)
{
    struct accel_stats stats;
    struct rig r;

    rig_make(&r);
    RIG_CODE(&r, CODE, I_ADD1(0), I_MSR(S_IC_IVAU, 1), I_SUBS1(2), I_CBNZ(2, -12), I_HVC(1));
    rig_set(&r, REG_X0 + 1, CODE);
    rig_set(&r, REG_X0 + 2, 1000);
    rig_run_as(&r, EL1H | MASKED, CODE);
    rig_expect_hvc(&r, 1);
    assert_int_equal(rig_get(&r, REG_X0), 1000);
    accel_soft.stats(r.vcpu, &stats);
    assert_in_range(stats.ops_decoded, 5, 12); /* once, and where translations begin */
    assert_int_equal(stats.jit_drops, 0);
    RIG_CODE(&r, CODE, I_ADD(0, 0, 2));
    rig_set(&r, REG_X0 + 2, 1000);
    rig_run_as(&r, EL1H | MASKED, CODE);
    assert_int_equal(rig_get(&r, REG_X0), 3000);
    rig_drop(&r);
}

/*
 * A loop is translated when half of it has not been executed, that half is translated by itself, and then both together
 * because the way between them is gone often. What is known of them then changes with the code, as before.
 */
static void test_again(void **state)
{
    enum { SLOW = 24, TIMES = 10000 };
    struct accel_stats stats;
    struct rig r;

    rig_make(&r, .count = true);
    RIG_CODE(&r, CODE, I_ADD1(0), I_CBNZ(7, SLOW - 4), I_SUBS1(5), I_CBNZ(5, -12), I_HVC(1));
    RIG_CODE(&r, CODE + SLOW, I_ADD(0, 0, 100), I_B(8 - (SLOW + 4)));
    for (unsigned n = 0; n < 4; n++) {
        uint64_t before = cpu_insns(r.cpu);
        rig_set(&r, REG_X0, 0);
        rig_set(&r, REG_X0 + 5, TIMES);
        rig_set(&r, REG_X0 + 7, n > 0);
        rig_run_as(&r, EL1H | MASKED, CODE);
        rig_expect_hvc(&r, 1);
        assert_int_equal(rig_get(&r, REG_X0), TIMES * (n == 0 ? 1 : n < 3 ? 101 : 11));
        assert_int_equal(cpu_insns(r.cpu) - before, TIMES * (n == 0 ? 4 : 6) + 1);
        if (n == 2) {
            accel_soft.stats(r.vcpu, &stats);
            assert_int_equal(stats.jit_again != 0, rig_heat() != 0);
            RIG_CODE(&r, CODE + SLOW, I_ADD(0, 0, 10));
        }
    }
    rig_drop(&r);
}

/* ---- Constants in pieces ------------------------------------------------------------------- */

/* MOVK of a W register clears the upper half, even if what it adds to is known. */
static void test_constants(void **state)
{
    struct rig r;

    rig_make(&r);
    RIG_CODE(&r, CODE, I_MOVZ48(0, 1), I_MOVK32(0, 5), I_MOVZ48(9, 2), I_MOVK(9, 6), I_MOVK32(9, 7),
             I_MOVZ48(10, 3), I_MOVK(10, 8), I_MOVZ48(11, 4), I_NOP, I_MOVK32(11, 9), I_HVC(1));
    for (unsigned round = 0; round < 4; round++) { /* interpreted, then translated */
        rig_run(&r, CODE);
        rig_expect_hvc(&r, 1);
        assert_int_equal(rig_get(&r, REG_X0), 5);
        assert_int_equal(rig_get(&r, REG_X0 + 9), 7);
        assert_int_equal(rig_get(&r, REG_X0 + 10), 3ull << 48 | 8);
        assert_int_equal(rig_get(&r, REG_X0 + 11), 9);
    }
    rig_drop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_content),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_limit_of_two),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_step),
        cmocka_unit_test(test_page_crossing),
        cmocka_unit_test(test_many_pages),
        cmocka_unit_test(test_rewritten),
        cmocka_unit_test(test_rewritten_line),
        cmocka_unit_test(test_rewritten_near),
        cmocka_unit_test(test_rewritten_return),
        cmocka_unit_test(test_rewritten_for_other),
        cmocka_unit_test(test_rewritten_meanwhile),
        cmocka_unit_test(test_wfi),
        cmocka_unit_test(test_wfi_until_timer),
        cmocka_unit_test(test_wfe),
        cmocka_unit_test(test_wfe_looks),
        cmocka_unit_test(test_wfe_monitor),
        cmocka_unit_test(test_yield),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_stale_ways),
        cmocka_unit_test(test_monitor),
        cmocka_unit_test(test_monitors_of_two),
        cmocka_unit_test(test_counting_together),
        cmocka_unit_test(test_constants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
