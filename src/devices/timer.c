/*
 * timer.c - the generic timer: its arithmetic for the system registers, and its memory-mapped form.
 *
 * Spec: DDI 0487, "The Generic Timer in AArch64 state", "Operation of the CompareValue views of the
 * timers", and "Memory-mapped components of the Generic Timer" (frames CNTCTLBase and CNTBaseN).
 *
 * The counter is the guest's clock in ticks of 16 ns. A timer's condition is met when
 *
 *     (count - offset) >= CVAL        all unsigned, modulo 2^64
 *
 * where the offset is CNTVOFF for the virtual timer, else 0.
 *
 * The memory-mapped device is one window of two pages, the control page and one frame with a
 * physical and a virtual timer of its own:
 *
 *     0x0000  CNTCTLBase   CNTFRQ CNTNSAR CNTTIDR CNTACR0 CNTVOFF0
 *     0x1000  CNTBase0     CNTPCT CNTVCT CNTFRQ CNTVOFF CNTP_* CNTV_*
 *
 * There is no Secure state, so registers have the Non-secure view: CNTFRQ is read-only and CNTNSAR
 * reads as zero. Not modelled: the CNTEL0Base view (CNTTIDR says that there is none).
 */
#include "base/bits.h"
#include "devices.h"

enum { CTL_ENABLE = 1, CTL_IMASK = 2, CTL_ISTATUS = 4 };

#define NS_PER_TICK (1000000000u / GTIMER_FREQ_HZ)
#define COUNT_MAX   (UINT64_MAX / NS_PER_TICK)

/* ---- Arithmetic ------------------------------------------------------------------------------ */

uint64_t gtimer_count(uint64_t now_ns)
{
    return now_ns / NS_PER_TICK;
}

/* The count as this timer sees it. */
static uint64_t view(const struct gtimer *g, enum gtimer_id id, uint64_t now_ns)
{
    return gtimer_count(now_ns) - (id == GTIMER_VIRT ? g->cntvoff : 0);
}

static bool armed(const struct gtimer *g, enum gtimer_id id)
{
    return (g->t[id].ctl & (CTL_ENABLE | CTL_IMASK)) == CTL_ENABLE;
}

static bool condition_met(const struct gtimer *g, enum gtimer_id id, uint64_t now_ns)
{
    return view(g, id, now_ns) >= g->t[id].cval;
}

uint32_t gtimer_ctl(const struct gtimer *g, enum gtimer_id id, uint64_t now_ns)
{
    uint32_t ctl = g->t[id].ctl;

    if ((ctl & CTL_ENABLE) != 0 && condition_met(g, id, now_ns)) {
        ctl |= CTL_ISTATUS;
    }
    return ctl;
}

int32_t gtimer_tval(const struct gtimer *g, enum gtimer_id id, uint64_t now_ns)
{
    return (int32_t)(uint32_t)(g->t[id].cval - view(g, id, now_ns));
}

void gtimer_set_ctl(struct gtimer *g, enum gtimer_id id, uint32_t ctl, uint64_t now_ns)
{
    g->t[id].ctl = ctl & (CTL_ENABLE | CTL_IMASK);
    gtimer_update(g, now_ns);
}

void gtimer_set_cval(struct gtimer *g, enum gtimer_id id, uint64_t cval, uint64_t now_ns)
{
    g->t[id].cval = cval;
    gtimer_update(g, now_ns);
}

void gtimer_set_tval(struct gtimer *g, enum gtimer_id id, int32_t tval, uint64_t now_ns)
{
    gtimer_set_cval(g, id, view(g, id, now_ns) + (uint64_t)(int64_t)tval, now_ns);
}

void gtimer_update(struct gtimer *g, uint64_t now_ns)
{
    for (unsigned id = 0; id < GTIMER_COUNT; id++) {
        bool line = armed(g, id) && condition_met(g, id, now_ns);
        if (line != g->t[id].line) {
            g->t[id].line = line;
            irq_line_set(&g->irq[id], line);
        }
    }
}

uint64_t gtimer_when(const struct gtimer *g, enum gtimer_id id, uint64_t count, uint64_t now_ns)
{
    uint64_t now = view(g, id, now_ns);

    if (now >= count) {
        return now_ns;
    }
    return count - now <= COUNT_MAX - gtimer_count(now_ns)
               ? (gtimer_count(now_ns) + (count - now)) * NS_PER_TICK
               : UINT64_MAX;
}

uint64_t gtimer_deadline(const struct gtimer *g, uint64_t now_ns)
{
    uint64_t nearest = UINT64_MAX;

    for (unsigned id = 0; id < GTIMER_COUNT; id++) {
        uint64_t when = UINT64_MAX;
        if (armed(g, id) && !g->t[id].line) {
            when = gtimer_when(g, id, g->t[id].cval, now_ns);
        }
        nearest = when < nearest ? when : nearest;
    }
    return nearest;
}

/* ---- Memory-mapped timer: registers ---------------------------------------------------------- */

#define PAGE 0x1000u

/* CNTACR0: what the frame may touch. */
enum { RPCT = BIT(0), RVCT = BIT(1), RFRQ = BIT(2), RVOFF = BIT(3), RWVT = BIT(4), RWPT = BIT(5) };

#define CNTACR_ALL 0x3Fu
/* Frame 0: implemented, with virtual timer and CNTVOFF; no second view. */
#define CNTTIDR_FRAME 0x3u

struct timer_mmio {
    struct gtimer g; /* GTIMER_PHYS and GTIMER_VIRT of frame 0 */
    uint32_t cntacr; /* CNTACR0                                */
};

enum timer_reg {
    T_CNTFRQ,
    T_CNTNSAR,
    T_CNTTIDR,
    T_CNTACR,
    T_CNTVOFF,
    T_CNTPCT,
    T_CNTVCT,
    T_CVAL,
    T_TVAL,
    T_CTL,
    T_ID,
};

/* Where a register is, how wide, and which bit of CNTACR0 the frame's page asks for it
 * (0: none). */
struct timer_row {
    uint16_t offset;
    uint8_t width;
    uint8_t acr;
    uint8_t reg; /* enum timer_reg */
    uint8_t id;  /* enum gtimer_id */
    bool writable;
};

static const struct timer_row timer_rows[] = {
    { 0x000, 4, 0, T_CNTFRQ, 0, false },
    { 0x004, 4, 0, T_CNTNSAR, 0, false },
    { 0x008, 4, 0, T_CNTTIDR, 0, false },
    { 0x040, 4, 0, T_CNTACR, 0, true },
    { 0x080, 8, 0, T_CNTVOFF, 0, true },
    { 0xFD0, 48, 0, T_ID, 0, false },
    { PAGE + 0x000, 8, RPCT, T_CNTPCT, 0, false },
    { PAGE + 0x008, 8, RVCT, T_CNTVCT, 0, false },
    { PAGE + 0x010, 4, RFRQ, T_CNTFRQ, 0, false },
    { PAGE + 0x018, 8, RVOFF, T_CNTVOFF, 0, false },
    { PAGE + 0x020, 8, RWPT, T_CVAL, GTIMER_PHYS, true },
    { PAGE + 0x028, 4, RWPT, T_TVAL, GTIMER_PHYS, true },
    { PAGE + 0x02C, 4, RWPT, T_CTL, GTIMER_PHYS, true },
    { PAGE + 0x030, 8, RWVT, T_CVAL, GTIMER_VIRT, true },
    { PAGE + 0x038, 4, RWVT, T_TVAL, GTIMER_VIRT, true },
    { PAGE + 0x03C, 4, RWVT, T_CTL, GTIMER_VIRT, true },
    { PAGE + 0xFD0, 48, 0, T_ID, 0, false },
};

static const struct timer_row *row_find(uint64_t offset, unsigned size)
{
    for (unsigned i = 0; i < sizeof(timer_rows) / sizeof(timer_rows[0]); i++) {
        const struct timer_row *row = &timer_rows[i];
        if (range_inside(offset, size, row->offset, row->width)) {
            return row;
        }
    }
    return NULL;
}

/* CounterID: component class 0xF, no part number. */
static uint32_t counter_id(unsigned byte_offset)
{
    return byte_offset < 32 ? 0 : 0xB105F00Du >> 8 * ((byte_offset - 32) / 4) & 0xFF;
}

/* offset: within the row, for the ID registers. */
static uint64_t row_get(const struct timer_mmio *t, const struct timer_row *row, unsigned offset,
                        uint64_t now_ns)
{
    switch ((enum timer_reg)row->reg) {
    case T_CNTFRQ: return GTIMER_FREQ_HZ;
    case T_CNTNSAR: return 0;
    case T_CNTTIDR: return CNTTIDR_FRAME;
    case T_CNTACR: return t->cntacr;
    case T_CNTVOFF: return t->g.cntvoff;
    case T_CNTPCT: return view(&t->g, GTIMER_PHYS, now_ns);
    case T_CNTVCT: return view(&t->g, GTIMER_VIRT, now_ns);
    case T_CVAL: return t->g.t[row->id].cval;
    case T_TVAL: return (uint32_t)gtimer_tval(&t->g, row->id, now_ns);
    case T_CTL: return gtimer_ctl(&t->g, row->id, now_ns);
    case T_ID: return counter_id(offset);
    }
    return 0;
}

static void row_set(struct timer_mmio *t, const struct timer_row *row, uint64_t value,
                    uint64_t now_ns)
{
    switch ((enum timer_reg)row->reg) {
    case T_CNTACR: t->cntacr = (uint32_t)value & CNTACR_ALL; break;
    case T_CNTVOFF:
        t->g.cntvoff = value;
        gtimer_update(&t->g, now_ns);
        break;
    case T_CVAL: gtimer_set_cval(&t->g, row->id, value, now_ns); break;
    case T_TVAL: gtimer_set_tval(&t->g, row->id, (int32_t)(uint32_t)value, now_ns); break;
    case T_CTL: gtimer_set_ctl(&t->g, row->id, (uint32_t)value, now_ns); break;
    default: break; /* read-only */
    }
}

/* ---- Memory-mapped timer: device ------------------------------------------------------------- */

static uint64_t timer_now(const struct dev *dev)
{
    return dev->clock.now_ns(dev->clock.opaque);
}

/* The frame's timers drive the device's lines: irq[0] physical, irq[1] virtual. */
static void timer_reset(struct dev *dev)
{
    struct timer_mmio *t = dev->state;

    *t = (struct timer_mmio){ .cntacr = CNTACR_ALL };
    t->g.irq[GTIMER_PHYS] = dev->irq[0];
    t->g.irq[GTIMER_VIRT] = dev->irq[1];
    irq_line_set(&dev->irq[0], false);
    irq_line_set(&dev->irq[1], false);
}

static uint64_t timer_deadline(struct dev *dev)
{
    const struct timer_mmio *t = dev->state;

    return gtimer_deadline(&t->g, timer_now(dev));
}

static void timer_tick(struct dev *dev)
{
    struct timer_mmio *t = dev->state;

    gtimer_update(&t->g, timer_now(dev));
}

/* "CNTACR<n>": what it does not allow reads as zero and ignores writes. */
static bool allowed(const struct timer_mmio *t, const struct timer_row *row)
{
    return row->acr == 0 || (t->cntacr & row->acr) != 0;
}

static enum mmio_result timer_read(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                   uint64_t *value)
{
    const struct timer_mmio *t = dev->state;
    const struct timer_row *row = row_find(offset, size);

    if (row == NULL || (row->reg == T_ID && size != 4)) {
        return MMIO_UNKNOWN;
    }
    *value = 0;
    if (allowed(t, row)) {
        unsigned within = (unsigned)offset - row->offset;
        uint64_t reg = row_get(t, row, within, timer_now(dev));
        *value = row->width == 8 ? bits(reg, 8 * within, 8 * size) : reg;
    }
    return MMIO_OK;
}

static enum mmio_result timer_write(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                    uint64_t value)
{
    struct timer_mmio *t = dev->state;
    const struct timer_row *row = row_find(offset, size);
    uint64_t now_ns = timer_now(dev);

    if (row == NULL || !row->writable) {
        return MMIO_UNKNOWN;
    }
    if (allowed(t, row)) {
        if (row->width == 8) {
            unsigned lo = 8 * ((unsigned)offset - row->offset);
            value = bits_set(row_get(t, row, 0, now_ns), lo, 8 * size, value);
        }
        row_set(t, row, value, now_ns);
    }
    return MMIO_OK;
}

#define COUNTER_ID_REGS(frame, page)                                         \
    { frame ".CounterID4_7", (page) + 0xFD0, 4, DEV_REG_RO, 4, 0, 0 },       \
        { frame ".CounterID0_3", (page) + 0xFE0, 4, DEV_REG_RO, 4, 0, 0 },   \
        { frame ".CounterID8", (page) + 0xFF0, 4, DEV_REG_RO, 0, 0, 0x0D },  \
        { frame ".CounterID9", (page) + 0xFF4, 4, DEV_REG_RO, 0, 0, 0xF0 },  \
        { frame ".CounterID10", (page) + 0xFF8, 4, DEV_REG_RO, 0, 0, 0x05 }, \
    {                                                                        \
        frame ".CounterID11", (page) + 0xFFC, 4, DEV_REG_RO, 0, 0, 0xB1      \
    }

static const struct dev_reg timer_regs[] = {
    { "CNTFRQ", 0x000, 4, DEV_REG_RO, 0, 0, GTIMER_FREQ_HZ },
    { "CNTNSAR", 0x004, 4, DEV_REG_RO, 0, 0, 0 },
    { "CNTTIDR", 0x008, 4, DEV_REG_RO, 0, 0, CNTTIDR_FRAME },
    { "CNTACR0", 0x040, 4, 0, 0, CNTACR_ALL, CNTACR_ALL },
    { "CNTVOFF0", 0x080, 8, 0, 0, UINT64_MAX, 0 },
    COUNTER_ID_REGS("CNTCTLBase", 0),
    { "CNTBase0.CNTPCT", PAGE + 0x000, 8, DEV_REG_RO | DEV_REG_EFFECT, 0, 0, 0 }, /* time passes */
    { "CNTBase0.CNTVCT", PAGE + 0x008, 8, DEV_REG_RO | DEV_REG_EFFECT, 0, 0, 0 },
    { "CNTBase0.CNTFRQ", PAGE + 0x010, 4, DEV_REG_RO, 0, 0, GTIMER_FREQ_HZ },
    { "CNTBase0.CNTVOFF", PAGE + 0x018, 8, DEV_REG_RO, 0, 0, 0 },
    { "CNTBase0.CNTP_CVAL", PAGE + 0x020, 8, 0, 0, UINT64_MAX, 0 },
    { "CNTBase0.CNTP_TVAL", PAGE + 0x028, 4, DEV_REG_EFFECT, 0, 0xFFFFFFFF, 0 },
    { "CNTBase0.CNTP_CTL", PAGE + 0x02C, 4, DEV_REG_EFFECT, 0, 3, 0 }, /* ISTATUS follows ENABLE */
    { "CNTBase0.CNTV_CVAL", PAGE + 0x030, 8, 0, 0, UINT64_MAX, 0 },
    { "CNTBase0.CNTV_TVAL", PAGE + 0x038, 4, DEV_REG_EFFECT, 0, 0xFFFFFFFF, 0 },
    { "CNTBase0.CNTV_CTL", PAGE + 0x03C, 4, DEV_REG_EFFECT, 0, 3, 0 },
    COUNTER_ID_REGS("CNTBase0", PAGE),
    { 0 },
};

static const struct dev_field timer_fields[] = {
    DEV_FIELD(timer_mmio, g.t[GTIMER_PHYS].ctl),
    DEV_FIELD(timer_mmio, g.t[GTIMER_PHYS].cval),
    DEV_FIELD(timer_mmio, g.t[GTIMER_PHYS].line),
    DEV_FIELD(timer_mmio, g.t[GTIMER_VIRT].ctl),
    DEV_FIELD(timer_mmio, g.t[GTIMER_VIRT].cval),
    DEV_FIELD(timer_mmio, g.t[GTIMER_VIRT].line),
    DEV_FIELD(timer_mmio, g.cntvoff),
    DEV_FIELD(timer_mmio, cntacr),
    { 0 },
};

const struct dev_ops timer_mmio_ops = {
    .name = "timer",
    .what = "memory-mapped generic timer: control page and one frame",
    .compatible = "arm,armv7-timer-mem\0",
    .state_size = sizeof(struct timer_mmio),
    .mmio_size = 2 * PAGE,
    .access_sizes = 4 | 8,
    .reset = timer_reset,
    .read = timer_read,
    .write = timer_write,
    .deadline = timer_deadline,
    .tick = timer_tick,
    .regs = timer_regs,
    .fields = timer_fields,
};
