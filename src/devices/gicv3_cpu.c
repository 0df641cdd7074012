/*
 * gicv3_cpu.c - GICv3's CPU interface by system registers (ICC_*_EL1).
 *
 * Spec: IHI 0069, "AArch64 System register descriptions"; DDI 0601.
 *
 * GICD_CTLR.DS is 1, so the guest has both groups: group 0 arrives as FIQ, group 1 as IRQ. Five
 * priority bits leave one register of active priorities for each group; the others (AP0R1 ...) do
 * not exist and are UNDEFINED.
 */
#include "arch/sysreg.h"
#include "devices/gic.h"

/* PMR is alone in its corner; the others have CRn = 12, and CRm and op2 are the key of a row. */
#define ICC_PMR           SYSREG(3, 0, 4, 6, 0)
#define ICC_CRN12         SYSREG(3, 0, 12, 0, 0)
#define ICC_KEY(crm, op2) ((crm) << 3 | (op2))
#define ICC_KEY_MASK      0x7Fu

#define INTID_MASK    0xFFFFFFu
#define INTID_SPECIAL 1020 /* to 1023 */

/* Who asks: cpu, and the group that the register is about. */
struct icc_at {
    struct gic *gic;
    struct gic_cpu *c;
    unsigned cpu;
    unsigned group;
};

struct icc_row {
    uint64_t (*read)(const struct icc_at *at);              /* NULL: reading is UNDEFINED */
    void (*write)(const struct icc_at *at, uint64_t value); /* NULL: writing is UNDEFINED */
    unsigned group;
};

/* ---- Acknowledge, end ------------------------------------------------------------------------ */

static uint64_t read_iar(const struct icc_at *at)
{
    if (!gic_can_signal(at->c) || at->c->highest.group != at->group) {
        return GIC_SPURIOUS;
    }
    return gic_acknowledge(at->gic, at->cpu);
}

static uint64_t read_hppir(const struct icc_at *at)
{
    return at->c->highest.group == at->group ? at->c->highest.intid : GIC_SPURIOUS;
}

/* Group of the highest active priority. */
static unsigned running_group(const struct gic_cpu *c)
{
    uint32_t lowest0 = c->apr[0] & -c->apr[0];
    uint32_t lowest1 = c->apr[1] & -c->apr[1];

    return lowest0 != 0 && (lowest1 == 0 || lowest0 <= lowest1) ? 0 : 1;
}

/*
 * The priority drop belongs to the register's group; a write while the other group is running, or
 * for an INTID that was not acknowledged, is a guest's error with no effect here.
 */
static void write_eoir(const struct icc_at *at, uint64_t value)
{
    uint32_t intid = value & INTID_MASK;

    if (intid >= INTID_SPECIAL || running_group(at->c) != at->group) {
        return;
    }
    gic_drop_priority(at->gic, at->cpu, at->group);
    if ((at->c->ctlr & GICC_CTLR_EOIMODE) == 0) {
        gic_deactivate(at->gic, at->cpu, intid);
    }
}

static void write_dir(const struct icc_at *at, uint64_t value)
{
    if ((at->c->ctlr & GICC_CTLR_EOIMODE) != 0) {
        gic_deactivate(at->gic, at->cpu, value & INTID_MASK);
    }
}

/* ---- SGIs ------------------------------------------------------------------------------------ */

/* Is the affinity in the target list of an SGI register? Aff0 = 16 * RS + position in the list. */
static bool sgi_names(uint64_t value, uint64_t affinity)
{
    unsigned aff0 = affinity & 0xFF;

    return bits(value, 16, 8) == bits(affinity, 8, 8) &&
           bits(value, 32, 8) == bits(affinity, 16, 8) &&
           bits(value, 48, 8) == bits(affinity, 32, 8) && bits(value, 44, 4) == aff0 / 16 &&
           (value >> aff0 % 16 & 1) != 0;
}

/*
 * With one security state ICC_SGI1R reaches SGIs of both groups; ICC_SGI0R, and ICC_ASGI1R, which
 * has no other state to speak to, those of group 0 (IHI 0069, "Forwarding an SGI to a target PE").
 */
static void write_sgir(const struct icc_at *at, uint64_t value)
{
    struct gic *gic = at->gic;
    uint32_t intid = (uint32_t)bits(value, 24, 4);
    bool all_others = (value & BIT(40)) != 0;

    for (unsigned i = 0; i < gic->cpus; i++) {
        bool named = all_others ? i != at->cpu : sgi_names(value, gic->cpu[i].affinity);
        if (named && (at->group == 1 || (gic->cpu[i].own.group >> intid & 1) == 0)) {
            gic_send_sgi(gic, at->cpu, i, intid);
        }
    }
}

/* ---- Priorities and control ------------------------------------------------------------------ */

static uint64_t read_pmr(const struct icc_at *at)
{
    return at->c->pmr;
}

static void write_pmr(const struct icc_at *at, uint64_t value)
{
    at->c->pmr = value & GIC_PRIO_MASK;
    gic_update_cpu(at->gic, at->cpu);
}

static uint64_t read_rpr(const struct icc_at *at)
{
    return gic_running_priority(at->c);
}

/* With CBPR, BPR1 shows BPR0 plus one and cannot be written ("ICC_BPR1_EL1"). */
static uint64_t read_bpr(const struct icc_at *at)
{
    uint32_t bpr0 = at->c->bpr[0];

    if (at->group == 0 || (at->c->ctlr & GICC_CTLR_CBPR) == 0) {
        return at->c->bpr[at->group];
    }
    return bpr0 < 7 ? bpr0 + 1 : 7;
}

static void write_bpr(const struct icc_at *at, uint64_t value)
{
    if (at->group == 0 || (at->c->ctlr & GICC_CTLR_CBPR) == 0) {
        gic_set_bpr(at->gic, at->cpu, at->group, (uint32_t)value);
    }
}

static uint64_t read_apr(const struct icc_at *at)
{
    return at->c->apr[at->group];
}

static void write_apr(const struct icc_at *at, uint64_t value)
{
    at->c->apr[at->group] = (uint32_t)value;
    gic_update_cpu(at->gic, at->cpu);
}

static uint64_t read_ctlr(const struct icc_at *at)
{
    enum { CBPR = BIT(0), EOIMODE = BIT(1), PRI_BITS = 8, A3V = BIT(15), RSS = BIT(18) };

    return ((at->c->ctlr & GICC_CTLR_CBPR) != 0 ? CBPR : 0) |
           ((at->c->ctlr & GICC_CTLR_EOIMODE) != 0 ? EOIMODE : 0) |
           (7 - GIC_PRIO_SHIFT) << PRI_BITS | A3V | RSS;
}

static void write_ctlr(const struct icc_at *at, uint64_t value)
{
    at->c->ctlr &= ~(uint32_t)(GICC_CTLR_CBPR | GICC_CTLR_EOIMODE);
    at->c->ctlr |= ((value & BIT(0)) != 0 ? GICC_CTLR_CBPR : 0) |
                   ((value & BIT(1)) != 0 ? GICC_CTLR_EOIMODE : 0);
    gic_update_cpu(at->gic, at->cpu);
}

/* System registers only: SRE, DFB, DIB are set and stay so. */
static uint64_t read_sre(const struct icc_at *at)
{
    return 7;
}

static void write_sre(const struct icc_at *at, uint64_t value) {}

static uint64_t read_igrpen(const struct icc_at *at)
{
    return at->c->ctlr >> at->group & 1;
}

static void write_igrpen(const struct icc_at *at, uint64_t value)
{
    at->c->ctlr = (uint32_t)bits_set(at->c->ctlr, at->group, 1, value);
    gic_choose_any(at->gic);
    gic_update_cpu(at->gic, at->cpu);
}

/* ---- The table ------------------------------------------------------------------------------- */

static const struct icc_row icc_pmr = { read_pmr, write_pmr, 0 };

/* By CRm and op2, below CRn = 12. */
static const struct icc_row icc_rows[ICC_KEY_MASK + 1] = {
    [ICC_KEY(8, 0)] = { read_iar, NULL, 0 },             /* ICC_IAR0_EL1    */
    [ICC_KEY(8, 1)] = { NULL, write_eoir, 0 },           /* ICC_EOIR0_EL1   */
    [ICC_KEY(8, 2)] = { read_hppir, NULL, 0 },           /* ICC_HPPIR0_EL1  */
    [ICC_KEY(8, 3)] = { read_bpr, write_bpr, 0 },        /* ICC_BPR0_EL1    */
    [ICC_KEY(8, 4)] = { read_apr, write_apr, 0 },        /* ICC_AP0R0_EL1   */
    [ICC_KEY(9, 0)] = { read_apr, write_apr, 1 },        /* ICC_AP1R0_EL1   */
    [ICC_KEY(11, 1)] = { NULL, write_dir, 0 },           /* ICC_DIR_EL1     */
    [ICC_KEY(11, 3)] = { read_rpr, NULL, 0 },            /* ICC_RPR_EL1     */
    [ICC_KEY(11, 5)] = { NULL, write_sgir, 1 },          /* ICC_SGI1R_EL1   */
    [ICC_KEY(11, 6)] = { NULL, write_sgir, 0 },          /* ICC_ASGI1R_EL1  */
    [ICC_KEY(11, 7)] = { NULL, write_sgir, 0 },          /* ICC_SGI0R_EL1   */
    [ICC_KEY(12, 0)] = { read_iar, NULL, 1 },            /* ICC_IAR1_EL1    */
    [ICC_KEY(12, 1)] = { NULL, write_eoir, 1 },          /* ICC_EOIR1_EL1   */
    [ICC_KEY(12, 2)] = { read_hppir, NULL, 1 },          /* ICC_HPPIR1_EL1  */
    [ICC_KEY(12, 3)] = { read_bpr, write_bpr, 1 },       /* ICC_BPR1_EL1    */
    [ICC_KEY(12, 4)] = { read_ctlr, write_ctlr, 0 },     /* ICC_CTLR_EL1    */
    [ICC_KEY(12, 5)] = { read_sre, write_sre, 0 },       /* ICC_SRE_EL1     */
    [ICC_KEY(12, 6)] = { read_igrpen, write_igrpen, 0 }, /* ICC_IGRPEN0_EL1 */
    [ICC_KEY(12, 7)] = { read_igrpen, write_igrpen, 1 }, /* ICC_IGRPEN1_EL1 */
};

/* The register's row; one with neither direction if there is none. */
static const struct icc_row *row_find(const struct gic *gic, uint32_t reg)
{
    static const struct icc_row none = { NULL, NULL, 0 };

    if (gic->version != 3) {
        return &none;
    }
    if (reg == ICC_PMR) {
        return &icc_pmr;
    }
    return (reg & ~ICC_KEY_MASK) == ICC_CRN12 ? &icc_rows[reg & ICC_KEY_MASK] : &none;
}

bool gic_icc_read(struct gic *gic, unsigned cpu, uint32_t reg, uint64_t *value)
{
    const struct icc_row *row = row_find(gic, reg);
    struct icc_at at = { gic, &gic->cpu[cpu], cpu, row->group };

    if (row->read == NULL) {
        return false;
    }
    lock_acquire(&gic->lock);
    *value = row->read(&at);
    lock_release(&gic->lock);
    return true;
}

bool gic_icc_write(struct gic *gic, unsigned cpu, uint32_t reg, uint64_t value)
{
    const struct icc_row *row = row_find(gic, reg);
    struct icc_at at = { gic, &gic->cpu[cpu], cpu, row->group };

    if (row->write == NULL) {
        return false;
    }
    lock_acquire(&gic->lock);
    row->write(&at, value);
    lock_release(&gic->lock);
    return true;
}
