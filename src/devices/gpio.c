/*
 * gpio.c - Arm PrimeCell general purpose input/output PL061.
 *
 * Spec: DDI 0190, "Programmer's Model".
 * Modelled: eight lines, masked data access, edge and level interrupts, identification.
 * Not modelled: hardware control of lines (GPIOAFSEL only keeps its value), integration test
 * registers.
 *
 * The power button is on line 3, high while pressed. Inputs that nothing drives are pulled low.
 */
#include "base/bits.h"
#include "devices.h"
#include "devices/primecell.h"

enum {
    GPIODATA = 0x000, /* to 0x3FC: bits 9:2 of the address are the mask of lines */
    GPIODIR = 0x400,
    GPIOIS = 0x404,
    GPIOIBE = 0x408,
    GPIOIEV = 0x40C,
    GPIOIE = 0x410,
    GPIORIS = 0x414,
    GPIOMIS = 0x418,
    GPIOIC = 0x41C,
    GPIOAFSEL = 0x420,
};

#define GPIO_ID 0x00041061u

/* How long a push lasts. Drivers debounce the line (Linux's gpio-keys for 5 ms) and then
 * look at it again. */
#define PUSH_NS 100000000u

/* One bit a line. */
struct gpio {
    uint32_t in;         /* what the outside drives               */
    uint32_t out;        /* data latch                            */
    uint32_t dir;        /* GPIODIR: 1 output                     */
    uint32_t is;         /* GPIOIS: 1 level, 0 edge               */
    uint32_t ibe;        /* GPIOIBE: 1 both edges                 */
    uint32_t iev;        /* GPIOIEV: 1 rising or high             */
    uint32_t ie;         /* GPIOIE: 1 not masked                  */
    uint32_t edge;       /* edges seen, until GPIOIC              */
    uint32_t afsel;      /* GPIOAFSEL                             */
    uint32_t seen;       /* input levels that edges compare with  */
    uint64_t release_ns; /* when a push ends; UINT64_MAX: none */
};

/* Levels of the eight pads. */
static uint32_t gpio_pads(const struct gpio *gpio)
{
    return (gpio->out & gpio->dir) | (gpio->in & ~gpio->dir);
}

/* GPIORIS: an edge stays until it is cleared, a level while it lasts. Only inputs interrupt. */
static uint32_t gpio_raw(const struct gpio *gpio)
{
    uint32_t level = ~(gpio_pads(gpio) ^ gpio->iev) & ~gpio->dir & 0xFF;

    return (gpio->edge & ~gpio->is) | (level & gpio->is);
}

static void gpio_update(struct dev *dev)
{
    struct gpio *gpio = dev->state;
    uint32_t pads = gpio_pads(gpio);
    uint32_t changed = (pads ^ gpio->seen) & ~gpio->dir & ~gpio->is;

    gpio->edge |= changed & (gpio->ibe | ~(pads ^ gpio->iev));
    gpio->seen = pads;
    irq_line_set(&dev->irq[0], (gpio_raw(gpio) & gpio->ie) != 0);
}

static void gpio_event(struct dev *dev, unsigned event)
{
    struct gpio *gpio = dev->state;
    uint32_t line = BIT(GPIO_POWER_BUTTON_LINE);

    if (event == GPIO_EVENT_PRESS || event == GPIO_EVENT_PUSH) {
        gpio->in |= line;
    } else if (event == GPIO_EVENT_RELEASE) {
        gpio->in &= ~line;
    } else {
        return;
    }
    gpio->release_ns = event == GPIO_EVENT_PUSH ? dev_now_ns(dev) + PUSH_NS : UINT64_MAX;
    gpio_update(dev);
}

static uint64_t gpio_deadline(struct dev *dev)
{
    const struct gpio *gpio = dev->state;

    return gpio->release_ns;
}

static void gpio_tick(struct dev *dev)
{
    const struct gpio *gpio = dev->state;

    if (dev_now_ns(dev) >= gpio->release_ns) {
        gpio_event(dev, GPIO_EVENT_RELEASE);
    }
}

static void gpio_reset(struct dev *dev)
{
    struct gpio *gpio = dev->state;
    uint32_t in = gpio->in; /* reset does not lift the user's finger */
    uint64_t release_ns = in != 0 ? gpio->release_ns : UINT64_MAX;

    *gpio = (struct gpio){ .in = in, .seen = in, .release_ns = release_ns };
    gpio_update(dev);
}

/* The register of a plain read-write offset, or NULL. */
static uint32_t *gpio_reg(struct gpio *gpio, uint32_t offset)
{
    switch (offset) {
    case GPIODIR: return &gpio->dir;
    case GPIOIS: return &gpio->is;
    case GPIOIBE: return &gpio->ibe;
    case GPIOIEV: return &gpio->iev;
    case GPIOIE: return &gpio->ie;
    case GPIOAFSEL: return &gpio->afsel;
    default: return NULL;
    }
}

static enum mmio_result gpio_read_reg(struct dev *dev, uint32_t offset, uint32_t *value)
{
    struct gpio *gpio = dev->state;
    const uint32_t *reg = gpio_reg(gpio, offset);

    if (reg != NULL) {
        *value = *reg;
    } else if (offset < GPIODIR) {
        *value = gpio_pads(gpio) & offset >> 2;
    } else if (offset == GPIORIS) {
        *value = gpio_raw(gpio);
    } else if (offset == GPIOMIS) {
        *value = gpio_raw(gpio) & gpio->ie;
    } else {
        return MMIO_UNKNOWN;
    }
    return MMIO_OK;
}

static enum mmio_result gpio_write_reg(struct dev *dev, uint32_t offset, uint32_t value)
{
    struct gpio *gpio = dev->state;
    uint32_t *reg = gpio_reg(gpio, offset);
    uint32_t mask = offset >> 2;

    if (reg != NULL) {
        *reg = value & 0xFF;
    } else if (offset < GPIODIR) {
        gpio->out = (gpio->out & ~mask) | (value & mask);
    } else if (offset == GPIOIC) {
        gpio->edge &= ~value;
    } else {
        return MMIO_UNKNOWN;
    }
    gpio_update(dev);
    return MMIO_OK;
}

static enum mmio_result gpio_read(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                  uint64_t *value)
{
    return primecell_read(dev, offset, size, value, GPIO_ID, gpio_read_reg);
}

static enum mmio_result gpio_write(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                   uint64_t value)
{
    return primecell_write(dev, offset, size, value, gpio_write_reg);
}

static const struct dev_reg gpio_regs[] = {
    { "GPIODATA", GPIODATA, 4, DEV_REG_EFFECT, 256, 0xFF, 0 }, /* only outputs read back */
    { "GPIODIR", GPIODIR, 4, 0, 0, 0xFF, 0 },
    { "GPIOIS", GPIOIS, 4, 0, 0, 0xFF, 0 },
    { "GPIOIBE", GPIOIBE, 4, 0, 0, 0xFF, 0 },
    { "GPIOIEV", GPIOIEV, 4, 0, 0, 0xFF, 0 },
    { "GPIOIE", GPIOIE, 4, 0, 0, 0xFF, 0 },
    { "GPIORIS", GPIORIS, 4, DEV_REG_RO, 0, 0, 0 },
    { "GPIOMIS", GPIOMIS, 4, DEV_REG_RO, 0, 0, 0 },
    { "GPIOIC", GPIOIC, 4, DEV_REG_WO, 0, 0, 0 },
    { "GPIOAFSEL", GPIOAFSEL, 4, 0, 0, 0xFF, 0 },
    PRIMECELL_ID_REGS(GPIO_ID),
    { 0 },
};

static const struct dev_field gpio_fields[] = {
    DEV_FIELD(gpio, in),   DEV_FIELD(gpio, out),        DEV_FIELD(gpio, dir),
    DEV_FIELD(gpio, is),   DEV_FIELD(gpio, ibe),        DEV_FIELD(gpio, iev),
    DEV_FIELD(gpio, ie),   DEV_FIELD(gpio, edge),       DEV_FIELD(gpio, afsel),
    DEV_FIELD(gpio, seen), DEV_FIELD(gpio, release_ns), { 0 },
};

const struct dev_ops gpio_ops = {
    .name = "gpio",
    .what = "Arm PL061 GPIO; the power button is on line 3",
    .compatible = "arm,pl061\0arm,primecell\0",
    .state_size = sizeof(struct gpio),
    .mmio_size = PRIMECELL_SIZE,
    .access_sizes = 1 | 2 | 4,
    .reset = gpio_reset,
    .read = gpio_read,
    .write = gpio_write,
    .deadline = gpio_deadline,
    .tick = gpio_tick,
    .event = gpio_event,
    .regs = gpio_regs,
    .fields = gpio_fields,
};
