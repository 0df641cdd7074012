/*
 * rtc.c - Arm PrimeCell real-time clock PL031.
 *
 * Spec: DDI 0224, "Programmer's Model".
 * Modelled: counting, load, match interrupt, identification.
 * Not modelled: integration test registers.
 *
 * The counter starts with the host's wall-clock time at reset and then follows the guest's clock:
 * it stands still while the machine is paused, and a replayed run sees the same seconds. As on a
 * board whose firmware has set the clock up, it already counts, and RTCCR reads as 1; the manual
 * has no way to stop it again.
 */
#include "devices.h"
#include "devices/primecell.h"

enum {
    RTCDR = 0x000,
    RTCMR = 0x004,
    RTCLR = 0x008,
    RTCCR = 0x00C,
    RTCIMSC = 0x010,
    RTCRIS = 0x014,
    RTCMIS = 0x018,
    RTCICR = 0x01C,
};

#define RTC_ID   0x00041031u
#define NS_PER_S 1000000000ull
#define NO_ALARM UINT64_MAX

struct rtc {
    uint64_t start_ns; /* guest clock when the counter held start_s  */
    uint64_t alarm_ns; /* guest clock of the next match, or NO_ALARM */
    uint32_t start_s;
    uint32_t lr;   /* RTCLR as last written                      */
    uint32_t mr;   /* RTCMR                                      */
    uint32_t imsc; /* RTCIMSC, bit 0                             */
    uint32_t ris;  /* RTCRIS, bit 0                              */
};

static uint32_t rtc_count(const struct rtc *rtc, uint64_t now_ns)
{
    return rtc->start_s + (uint32_t)((now_ns - rtc->start_ns) / NS_PER_S);
}

/* The line is a function of state, and this is its only writer. */
static void rtc_update(struct dev *dev)
{
    const struct rtc *rtc = dev->state;

    irq_line_set(&dev->irq[0], (rtc->ris & rtc->imsc) != 0);
}

/* The counter or the match value changed: when are they equal next? At once if they are now. */
static void rtc_arm(struct rtc *rtc, uint64_t now_ns)
{
    uint64_t elapsed_s = (now_ns - rtc->start_ns) / NS_PER_S;
    uint32_t ahead_s = rtc->mr - rtc_count(rtc, now_ns);

    rtc->alarm_ns = rtc->start_ns + (elapsed_s + ahead_s) * NS_PER_S;
}

static void rtc_tick(struct dev *dev)
{
    struct rtc *rtc = dev->state;

    if (dev_now_ns(dev) >= rtc->alarm_ns) {
        rtc->ris = 1;
        rtc->alarm_ns = NO_ALARM; /* the next match is 136 years away */
        rtc_update(dev);
    }
}

static uint64_t rtc_deadline(struct dev *dev)
{
    const struct rtc *rtc = dev->state;

    return rtc->alarm_ns;
}

static void rtc_reset(struct dev *dev)
{
    struct rtc *rtc = dev->state;

    *rtc = (struct rtc){ .start_ns = dev_now_ns(dev),
                         .start_s = (uint32_t)dev->clock.wall_s(dev->clock.opaque) };
    rtc_arm(rtc, rtc->start_ns);
    rtc_update(dev);
}

static enum mmio_result rtc_read_reg(struct dev *dev, uint32_t offset, uint32_t *value)
{
    const struct rtc *rtc = dev->state;

    switch (offset) {
    case RTCDR: *value = rtc_count(rtc, dev_now_ns(dev)); break;
    case RTCMR: *value = rtc->mr; break;
    case RTCLR: *value = rtc->lr; break;
    case RTCCR: *value = 1; break;
    case RTCIMSC: *value = rtc->imsc; break;
    case RTCRIS: *value = rtc->ris; break;
    case RTCMIS: *value = rtc->ris & rtc->imsc; break;
    default: return MMIO_UNKNOWN;
    }
    return MMIO_OK;
}

static enum mmio_result rtc_write_reg(struct dev *dev, uint32_t offset, uint32_t value)
{
    struct rtc *rtc = dev->state;

    switch (offset) {
    case RTCMR:
        rtc->mr = value;
        rtc_arm(rtc, dev_now_ns(dev));
        break;
    case RTCLR:
        rtc->lr = value;
        rtc->start_s = value;
        rtc->start_ns = dev_now_ns(dev);
        rtc_arm(rtc, rtc->start_ns);
        break;
    case RTCCR: break;
    case RTCIMSC: rtc->imsc = value & 1; break;
    case RTCICR: rtc->ris &= ~value; break;
    default: return MMIO_UNKNOWN;
    }
    rtc_tick(dev); /* a match in this very second */
    rtc_update(dev);
    return MMIO_OK;
}

static enum mmio_result rtc_read(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                 uint64_t *value)
{
    rtc_tick(dev);
    return primecell_read(dev, offset, size, value, RTC_ID, rtc_read_reg);
}

static enum mmio_result rtc_write(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                  uint64_t value)
{
    return primecell_write(dev, offset, size, value, rtc_write_reg);
}

static const struct dev_reg rtc_regs[] = {
    { "RTCDR", RTCDR, 4, DEV_REG_RO | DEV_REG_EFFECT, 0, 0, 0 }, /* the time of day */
    { "RTCMR", RTCMR, 4, 0, 0, 0xFFFFFFFF, 0 },
    { "RTCLR", RTCLR, 4, 0, 0, 0xFFFFFFFF, 0 },
    { "RTCCR", RTCCR, 4, 0, 0, 0, 1 },
    { "RTCIMSC", RTCIMSC, 4, 0, 0, 1, 0 },
    { "RTCRIS", RTCRIS, 4, DEV_REG_RO, 0, 0, 0 },
    { "RTCMIS", RTCMIS, 4, DEV_REG_RO, 0, 0, 0 },
    { "RTCICR", RTCICR, 4, DEV_REG_WO, 0, 0, 0 },
    PRIMECELL_ID_REGS(RTC_ID),
    { 0 },
};

static const struct dev_field rtc_fields[] = {
    DEV_FIELD(rtc, start_ns), DEV_FIELD(rtc, alarm_ns), DEV_FIELD(rtc, start_s), DEV_FIELD(rtc, lr),
    DEV_FIELD(rtc, mr),       DEV_FIELD(rtc, imsc),     DEV_FIELD(rtc, ris),     { 0 },
};

const struct dev_ops rtc_ops = {
    .name = "rtc",
    .what = "Arm PL031 real-time clock",
    .compatible = "arm,pl031\0arm,primecell\0",
    .state_size = sizeof(struct rtc),
    .mmio_size = PRIMECELL_SIZE,
    .access_sizes = 1 | 2 | 4,
    .reset = rtc_reset,
    .read = rtc_read,
    .write = rtc_write,
    .deadline = rtc_deadline,
    .tick = rtc_tick,
    .regs = rtc_regs,
    .fields = rtc_fields,
};
