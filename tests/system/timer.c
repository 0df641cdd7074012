/*
 * timer.c - the generic timer: conditions, arithmetic, its interrupts, what EL0 may touch, and waiting.
 *
 * DDI 0487, "The Generic Timer in AArch64 state", "Operation of the CompareValue views of the timers", "Operation of the
 * TimerValue views of the timers", "CNTKCTL_EL1", "Wait for Interrupt". Times are compared with the counter itself, before
 * and after, so it does not matter how fast the machine is.
 */
#include "ppi.h"

enum { ENABLE = 1, IMASK = 2, ISTATUS = 4 };

#define NEVER (~0ull)
#define LONG  0x7fffffffull /* half a minute or more at any frequency up to 71 MHz */

/* ---- Both timers ----------------------------------------------------------------------------- */

#define REGISTER(fn, reg)      \
    static u64 rd_##fn(void)   \
    {                          \
        isb();                 \
        return MRS(reg);       \
    }                          \
    static void wr_##fn(u64 v) \
    {                          \
        MSR(reg, v);           \
        isb();                 \
    }
#define COUNTER(fn, reg)     \
    static u64 rd_##fn(void) \
    {                        \
        isb();               \
        return MRS(reg);     \
    }
REGISTER(p_ctl, "cntp_ctl_el0")
REGISTER(p_cval, "cntp_cval_el0")
REGISTER(p_tval, "cntp_tval_el0")
REGISTER(v_ctl, "cntv_ctl_el0")
REGISTER(v_cval, "cntv_cval_el0")
REGISTER(v_tval, "cntv_tval_el0")
COUNTER(pct, "cntpct_el0")
COUNTER(vct, "cntvct_el0")

static const struct timer {
    const char *name;
    u32 ppi;
    u64 (*count)(void), (*ctl)(void), (*cval)(void), (*tval)(void);
    void (*set_ctl)(u64), (*set_cval)(u64), (*set_tval)(u64);
} timers[] = {
    { "phys", 30, rd_pct, rd_p_ctl, rd_p_cval, rd_p_tval, wr_p_ctl, wr_p_cval, wr_p_tval },
    { "virt", 27, rd_vct, rd_v_ctl, rd_v_cval, rd_v_tval, wr_v_ctl, wr_v_cval, wr_v_tval },
};

static void counters(void)
{
    u64 p0 = rd_pct(), v0 = rd_vct(), p1 = rd_pct(), v1 = rd_vct();
    u64 until = p1 + 1000;

    check("timer.frequency", "%u", (u64)(MRS("cntfrq_el0") >= 1000000));
    check("timer.order", "%u %u", (u64)(p0 <= p1), (u64)(v0 <= v1));
    check("timer.no-offset", "%u", (u64)(p0 <= v0 && v0 <= p1));
    while (rd_pct() < until) {
    }
    check("timer.goes-on", "%u", (u64)(rd_vct() >= v1 + 900));
}

/* ---- The condition --------------------------------------------------------------------------- */

static void conditions(const struct timer *t)
{
    const u64 now = t->count();
    const struct {
        const char *name;
        u64 cval;
    } values[] = { { "zero", 0 },
                   { "one", 1 },
                   { "past", now - 1 },
                   { "now", now },
                   { "hour", now + (1ull << 40) },
                   { "sign", 1ull << 63 },
                   { "never", NEVER } };

    for (unsigned i = 0; i < ARRAY(values); i++) {
        print("timer.%s-condition-%s", t->name, values[i].name);
        for (u64 ctl = 0; ctl < 4; ctl++) {
            t->set_ctl(ctl);
            t->set_cval(values[i].cval);
            /* ISTATUS is UNKNOWN while the timer is off. */
            print(" %x", t->ctl() & (ctl & ENABLE ? 7 : 3));
        }
        t->set_ctl(ENABLE);
        t->set_cval(NEVER);
        print(" cval=%u then %x\n", (u64)(t->cval() == NEVER), t->ctl());
        t->set_ctl(0);
    }
    t->set_ctl(~(u64)ENABLE);
    check(name("timer.%s-ctl-bits", t->name), "%x", t->ctl() & ~(u64)ISTATUS);
    t->set_ctl(0);
}

/* CVAL = count + the sign-extended TVAL; TVAL = the low half of CVAL - count. */
static void values(const struct timer *t)
{
    static const struct {
        const char *name;
        u64 written;
        int64_t ticks;
    } values[] = { { "zero", 0, 0 },
                   { "one", 1, 1 },
                   { "minus-one", 0xffffffff, -1 },
                   { "wide", 0x1234567800000010, 16 },
                   { "wide-minus", 0x00000000fffffff0, -16 },
                   { "long", LONG, 0x7fffffff },
                   { "min", 0x80000000, -0x80000000ll } };

    for (unsigned i = 0; i < ARRAY(values); i++) {
        u64 before = t->count();
        t->set_tval(values[i].written);
        u64 after = t->count();
        u64 cval = t->cval();
        u64 offset = (u64)values[i].ticks;
        bool right = cval - offset >= before && cval - offset <= after;

        before = t->count();
        u64 tval = t->tval();
        after = t->count();
        bool same = tval >> 32 == 0 && (u32)(cval - before) - (u32)tval <= after - before;
        t->set_ctl(ENABLE);
        check(name("timer.%s-tval-%s", t->name, values[i].name), "cval=%u tval=%u", (u64)right,
              (u64)same);
        if ((values[i].ticks <= 0 && values[i].ticks > -100) || values[i].ticks == (int64_t)LONG) {
            check(name("timer.%s-tval-%s-status", t->name, values[i].name), "%x", t->ctl());
        }
        t->set_ctl(0);
    }
    /* A difference of more than 32 bits: TVAL is its low half, the condition is that of 64 bits. */
    u64 far = t->count() + (1ull << 40);
    t->set_cval(far);
    t->set_ctl(ENABLE);
    u64 before = t->count(), tval = t->tval(), after = t->count();
    check(name("timer.%s-tval-far", t->name), "%u %x",
          (u64)((u32)(far - before) - (u32)tval <= after - before), t->ctl());
    t->set_ctl(0);
}

/* ---- Its interrupt --------------------------------------------------------------------------- */

static u32 ack(void)
{
    u32 id = (u32)MRS("s3_0_c12_c12_0");

    dsb();
    return id;
}

static void eoi(u32 id)
{
    MSR("s3_0_c12_c12_1", id);
    isb();
}

/* Pending, and active. */
static const char *state(const struct timer *t)
{
    static const char *const names[] = { "idle", "pending", "active", "both" };

    return names[(rd32(ISPENDR) >> t->ppi & 1) + 2 * (rd32(ISACTIVER) >> t->ppi & 1)];
}

static void level(const struct timer *t)
{
    print("timer.%s-level %s", t->name, state(t));
    t->set_cval(0);
    print(" off %s", state(t));
    t->set_ctl(ENABLE);
    print(" on %s", state(t));
    t->set_ctl(ENABLE | IMASK);
    print(" masked %s", state(t));
    t->set_ctl(ENABLE);
    print(" unmasked %s", state(t));
    t->set_cval(NEVER);
    print(" never %s", state(t));
    t->set_tval(0);
    print(" tval %s", state(t));
    wr32(ICPENDR, 1u << t->ppi);
    print(" cleared %s", state(t));
    t->set_ctl(0);
    print(" off %s\n", state(t));
    wr32(ISPENDR, 1u << t->ppi);
    print("timer.%s-latch %s", t->name, state(t));
    t->set_ctl(ENABLE);
    t->set_ctl(0);
    print(" %s", state(t));
    wr32(ICPENDR, 1u << t->ppi);
    print(" %s\n", state(t));
}

static void acknowledge(const struct timer *t)
{
    wr32(ISENABLER, 1u << t->ppi);
    t->set_cval(0);
    t->set_ctl(ENABLE);
    print("timer.%s-ack isr=%x", t->name, MRS("isr_el1"));
    u32 id = ack();
    print(" %u %s isr=%x", (u64)id, state(t), MRS("isr_el1"));
    eoi(id);
    print(" eoi %s isr=%x", state(t), MRS("isr_el1"));
    id = ack();
    print(" again %u", (u64)id);
    t->set_ctl(ENABLE | IMASK);
    print(" masked %s", state(t));
    eoi(id);
    print(" eoi %s isr=%x\n", state(t), MRS("isr_el1"));
    t->set_ctl(0);
    wr32(ICENABLER, 1u << t->ppi);
    t->set_ctl(ENABLE);
    check(name("timer.%s-disabled", t->name), "%s isr=%x", state(t), MRS("isr_el1"));
    t->set_ctl(0);
}

/* ---- Time passes ----------------------------------------------------------------------------- */

static void expires(const struct timer *t)
{
    t->set_ctl(ENABLE);
    t->set_cval(NEVER);
    check(name("timer.%s-expires-before", t->name), "%x %s", t->ctl(), state(t));
    t->set_tval(20000);
    u64 cval = t->cval();
    u64 patience = t->count() + 100 * MRS("cntfrq_el0");
    while ((rd32(ISPENDR) >> t->ppi & 1) == 0 && t->count() < patience) {
    }
    u64 now = t->count();
    check(name("timer.%s-expires", t->name), "%x %s not-early=%u", t->ctl(), state(t),
          (u64)(now >= cval));
    t->set_ctl(0);
}

/* It ends with an interrupt of this timer, masked though it is, and not before. */
static void waits(const struct timer *t)
{
    wr32(ISENABLER, 1u << t->ppi);
    t->set_tval(50000);
    t->set_ctl(ENABLE);
    u64 cval = t->cval();
    unsigned spurious = 0;
    while ((t->ctl() & ISTATUS) == 0 && spurious < 1000000) {
        ASM("dsb sy\nwfi");
        spurious++;
    }
    check(name("timer.%s-wfi", t->name), "%x not-early=%u", t->ctl(), (u64)(t->count() >= cval));
    /* Pending already: no wait. */
    ASM("dsb sy\nwfi");
    check(name("timer.%s-wfi-pending", t->name), "%x %u", t->ctl(), (u64)ack());
    eoi(t->ppi);
    t->set_ctl(0);
    eoi(ack());
    wr32(ICENABLER, 1u << t->ppi);
}

SNIPPET(t_spin, "1: subs x0, x0, #1\nb.ne 1b");
SNIPPET(t_wfi, "wfi");

static const struct {
    const char *name;
    u64 spsr;
} modes[] = { { "el1h", EL1H & ~(1ull << 7) },
              { "el1t", EL1T & ~(1ull << 7) },
              { "el0", EL0T & ~(1ull << 7) },
              { "el1h-masked", EL1H },
              { "el0-masked", EL0T } };

static void taken(const struct timer *t)
{
    wr32(ISENABLER, 1u << t->ppi);
    for (unsigned m = 0; m < ARRAY(modes); m++) {
        t->set_cval(0);
        t->set_ctl(ENABLE);
        const struct trap *trap = probe1(modes[m].spsr, t_spin, 1000);
        u64 vec = trap->vec;
        t->set_ctl(0);
        check(name("timer.%s-taken-%s", t->name, modes[m].name), "vec=%u ack=%u", vec, (u64)ack());
    }
    /* It comes while WFI waits, at EL1 and at EL0. */
    for (unsigned m = 0; m < 3; m++) {
        t->set_tval(30000);
        t->set_ctl(ENABLE);
        const struct trap *trap = NULL;
        for (unsigned n = 0; n < 1000000 && (trap == NULL || trap->vec % 4 == 0); n++) {
            trap = probe1(modes[m].spsr, t_wfi, 0);
        }
        u64 vec = trap->vec, ctl = t->ctl();
        t->set_ctl(0);
        check(name("timer.%s-taken-wfi-%s", t->name, modes[m].name), "vec=%u ctl=%x", vec, ctl);
    }
    wr32(ICENABLER, 1u << t->ppi);
}

/* A tick: the handler moves the compare value on, and the line falls with it. */
static const struct timer *ticking;
static u64 ticks, ticks_wrong;

static void on_tick(void)
{
    u32 id = ack();

    if (id != ticking->ppi || (ticking->ctl() & ISTATUS) == 0) {
        ticks_wrong++;
    }
    ticks++;
    ticking->set_cval(ticking->cval() + 30000);
    if (id < 1020) {
        eoi(id);
    }
}

static void periodic(const struct timer *t)
{
    ticking = t;
    ticks = ticks_wrong = 0;
    wr32(ISENABLER, 1u << t->ppi);
    this_cpu->irq = on_tick;
    t->set_tval(30000);
    u64 first = t->cval();
    t->set_ctl(ENABLE);
    while (*(volatile u64 *)&ticks < 10) {
        /* Masked, so that no tick comes between the question and the wait; then it is let in. */
        ASM("msr daifset, #2\ndsb sy\nwfi\nmsr daifclr, #2\nisb");
    }
    ASM("msr daifset, #2");
    this_cpu->irq = NULL;
    u64 count = t->count();
    t->set_ctl(0);
    check(name("timer.%s-periodic", t->name), "wrong=%u not-early=%u", ticks_wrong,
          (u64)(count >= first + 9 * 30000));
    wr32(ICENABLER, 1u << t->ppi);
}

/* The event stream, or the end of a WFE's patience: a loop of WFE comes to its end. */
static void events(void)
{
    MSR("cntkctl_el1", 1 << 2 | 10 << 4);
    isb();
    u64 until = rd_vct() + 200000;
    unsigned n = 0;
    while (rd_vct() < until) {
        ASM("wfe");
        n++;
    }
    MSR("cntkctl_el1", 0);
    check("timer.event-stream", "%u", (u64)(n > 0));
    /* SEV sets the event register: WFE does not wait. */
    ASM("sev\nwfe\nsevl\nwfe");
    check("timer.sev", "1");
}

/* ---- EL0 ------------------------------------------------------------------------------------- */

SNIPPET(e_frq, "mrs x0, cntfrq_el0");
SNIPPET(e_pct, "mrs x0, cntpct_el0");
SNIPPET(e_vct, "mrs x0, cntvct_el0");
SNIPPET(e_r_p_tval, "mrs x0, cntp_tval_el0");
SNIPPET(e_w_p_tval, "msr cntp_tval_el0, x0");
SNIPPET(e_r_p_ctl, "mrs x0, cntp_ctl_el0");
SNIPPET(e_w_p_ctl, "msr cntp_ctl_el0, x0");
SNIPPET(e_r_p_cval, "mrs x0, cntp_cval_el0");
SNIPPET(e_w_p_cval, "msr cntp_cval_el0, x0");
SNIPPET(e_r_v_tval, "mrs x0, cntv_tval_el0");
SNIPPET(e_w_v_tval, "msr cntv_tval_el0, x0");
SNIPPET(e_r_v_ctl, "mrs x0, cntv_ctl_el0");
SNIPPET(e_w_v_ctl, "msr cntv_ctl_el0, x0");
SNIPPET(e_r_v_cval, "mrs x0, cntv_cval_el0");
SNIPPET(e_w_v_cval, "msr cntv_cval_el0, x0");

static const struct {
    const char *name;
    const u32 *code;
} accesses[] = {
    { "frq", e_frq },           { "pct", e_pct },         { "vct", e_vct },
    { "p-tval", e_r_p_tval },   { "p-ctl", e_r_p_ctl },   { "p-cval", e_r_p_cval },
    { "p-tval-w", e_w_p_tval }, { "p-ctl-w", e_w_p_ctl }, { "p-cval-w", e_w_p_cval },
    { "v-tval", e_r_v_tval },   { "v-ctl", e_r_v_ctl },   { "v-cval", e_r_v_cval },
    { "v-tval-w", e_w_v_tval }, { "v-ctl-w", e_w_v_ctl }, { "v-cval-w", e_w_v_cval },
};

static void el0(void)
{
    static const struct {
        const char *name;
        u64 bits;
    } grants[] = { { "p", 1 }, { "v", 2 }, { "vt", 1 << 8 }, { "pt", 1 << 9 } };

    for (unsigned set = 0; set < 16; set++) {
        u64 cntkctl = 0;
        for (unsigned g = 0; g < 4; g++) {
            cntkctl |= set >> g & 1 ? grants[g].bits : 0;
        }
        MSR("cntkctl_el1", cntkctl);
        isb();
        for (unsigned i = 0; i < ARRAY(accesses); i++) {
            struct trap *t = probe1(EL0T, accesses[i].code, 0);
            const char *what = name("timer.el0-cntkctl-%x-%s", cntkctl, accesses[i].name);
            if (done(t)) {
                check(what, "ok");
            } else {
                check_trap(what, t, accesses[i].code, 0);
            }
        }
    }
    MSR("cntkctl_el1", 0x303);
    isb();
    probe1(EL0T, e_w_p_cval, 0x1122334455667788);
    probe1(EL0T, e_w_v_cval, 0x8877665544332211);
    check("timer.el0-writes", "%l %l", rd_p_cval(), rd_v_cval());
    probe1(EL0T, e_w_v_ctl, 3);
    check("timer.el0-writes-ctl", "%x %x", rd_v_ctl() & 3, rd_p_ctl() & 3);
    wr_v_ctl(0);
    MSR("cntkctl_el1", 0);
    isb();
    /* WFI at EL0 belongs to EL1 without nTWI. */
    sctlr_set(0, SCTLR_NTWI);
    check_trap("timer.el0-wfi-trapped", probe1(EL0T, t_wfi, 0), t_wfi, 0);
    sctlr_set(SCTLR_NTWI, 0);
}

/* ---- The other CPU's ------------------------------------------------------------------------- */

static u64 there_start(u64 n)
{
    const struct timer *t = &timers[n];

    gic_on();
    wr32(ISENABLER, 1u << t->ppi);
    t->set_cval(0);
    t->set_ctl(ENABLE);
    return rd32(ISPENDR) >> t->ppi & 1;
}

static u64 there_ack(u64 n)
{
    u32 id = ack();

    timers[n].set_ctl(0);
    eoi(id);
    wr32(ICENABLER, 1u << timers[n].ppi);
    return id;
}

static u64 there_count(u64 n)
{
    return timers[n].count();
}

static void other_cpu(void)
{
    cpu1_start();
    for (u64 n = 0; n < ARRAY(timers); n++) {
        const struct timer *t = &timers[n];
        t->set_cval(NEVER);
        t->set_ctl(ENABLE);
        wr32(ISENABLER, 1u << t->ppi);
        u64 there = cpu1_call(there_start, n);
        check(name("timer.%s-other", t->name), "there=%u here=%s ctl=%x ack=%u there=%u", there,
              state(t), t->ctl(), (u64)ack(), cpu1_call(there_ack, n));
        t->set_ctl(0);
        wr32(ICENABLER, 1u << t->ppi);
        u64 before = t->count();
        u64 other = cpu1_call(there_count, n);
        check(name("timer.%s-same-count", t->name), "%u",
              (u64)(before <= other && other <= t->count()));
    }
    cpu1_leave();
}

int main(void)
{
    mmu_default();
    counters();
    for (unsigned i = 0; i < ARRAY(timers); i++) {
        conditions(&timers[i]);
        values(&timers[i]);
    }
    gic_on();
    for (unsigned i = 0; i < ARRAY(timers); i++) {
        level(&timers[i]);
        acknowledge(&timers[i]);
        expires(&timers[i]);
        waits(&timers[i]);
        taken(&timers[i]);
        periodic(&timers[i]);
    }
    events();
    el0();
    other_cpu();
    return 0;
}
