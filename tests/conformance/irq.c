/*
 * irq.c - interrupts of each kind reach the CPU they are for: SGI, PPI, SPI by software and by a device's line, edge and
 * level; priorities, mask, active state. The same on GICv2 and GICv3.
 */
#include "gic.h"

#define GPIO     0x09030000ull
#define GPIO_SPI 39u /* SPI 7 */

/* An input that is low, and an interrupt on low level: the line of the device is up while it is not masked. */
static void device_line(bool up)
{
    wr32(GPIO + 0x410, 0);
    wr32(GPIO + 0x400, 0);
    wr32(GPIO + 0x404, 1);
    wr32(GPIO + 0x40c, 0);
    wr32(GPIO + 0x410, up);
    dsb();
}

static void sgis(void)
{
    gic_enable(1, 0x80);
    gic_enable(2, 0x40);
    gic_enable(3, 0xa0);
    irqs_on();
    gic_sgi(1, 0);
    wait_for(1);
    irqs_off();
    print_seen("irq.sgi", 0);
    /* Three at once come by priority. */
    gic_sgi(3, 0);
    gic_sgi(1, 0);
    gic_sgi(2, 0);
    irqs_on();
    wait_for(3);
    irqs_off();
    print_seen("irq.sgi-priority", 0);
}

static void masked(void)
{
    gic_pmr(0x60);
    gic_sgi(1, 0);
    check("irq.masked-ack", "%u", (u64)gic_ack());
    gic_sgi(2, 0);
    u32 id = gic_ack();
    check("irq.above-mask", "%u", (u64)id);
    gic_eoi(id);
    gic_pmr(0xf0);
    irqs_on();
    wait_for(1);
    irqs_off();
    print_seen("irq.unmasked", 0);
    check("irq.nothing", "%u", (u64)gic_ack());
}

static void software(void)
{
    gic_edge(EDGE_SPI, true);
    gic_enable(EDGE_SPI, 0x80);
    gic_set(ISPENDR, EDGE_SPI);
    dsb();
    check("irq.spi-pending", "%u", (u64)gic_get(ISPENDR, EDGE_SPI));
    irqs_on();
    wait_for(1);
    irqs_off();
    print_seen("irq.spi", 0);
    check("irq.spi-done", "%u %u", (u64)gic_get(ISPENDR, EDGE_SPI),
          (u64)gic_get(ISACTIVER, EDGE_SPI));
    gic_set(ICENABLER, EDGE_SPI);
    dsb();
    gic_set(ISPENDR, EDGE_SPI);
    dsb();
    check("irq.disabled", "%u pending=%u", (u64)gic_ack(), (u64)gic_get(ISPENDR, EDGE_SPI));
    gic_set(ICPENDR, EDGE_SPI);
    gic_set(ISENABLER, EDGE_SPI);
    dsb();
    check("irq.cleared", "%u", (u64)gic_ack());
}

static void line_down(u32 id)
{
    device_line(false);
}

static void by_device(void)
{
    u32 id;

    gic_edge(GPIO_SPI, false);
    gic_enable(GPIO_SPI, 0x80);
    check("irq.line-low", "%u", (u64)gic_get(ISPENDR, GPIO_SPI));
    device_line(true);
    check("irq.line-high", "%u", (u64)gic_get(ISPENDR, GPIO_SPI));
    device_line(false);
    check("irq.line-gone", "%u %u", (u64)gic_get(ISPENDR, GPIO_SPI), (u64)gic_ack());
    /* While the line is up, the end of one interrupt is the beginning of the next. */
    device_line(true);
    for (unsigned i = 0; i < 3; i++) {
        id = gic_ack();
        check(name("irq.level-%u", (u64)i), "%u", (u64)id);
        if (i == 2) {
            device_line(false);
        }
        gic_eoi(id);
    }
    check("irq.level-end", "%u", (u64)gic_ack());
    seen[0].quiet = line_down;
    irqs_on();
    device_line(true);
    wait_for(1);
    irqs_off();
    seen[0].quiet = NULL;
    print_seen("irq.device", 0);
}

/* One that is active is not taken again; a more urgent one is. */
static void nesting(void)
{
    u32 first, second;

    gic_set(ISPENDR, EDGE_SPI);
    dsb();
    first = gic_ack();
    gic_set(ISPENDR, EDGE_SPI);
    dsb();
    check("irq.active", "%u again=%u", (u64)first, (u64)gic_ack());
    gic_sgi(2, 0);
    second = gic_ack();
    check("irq.urgent", "%u", (u64)second);
    gic_eoi(second);
    gic_eoi(first);
    first = gic_ack();
    check("irq.after-eoi", "%u", (u64)first);
    gic_eoi(first);
    check("irq.end", "%u", (u64)gic_ack());
}

static u64 receive(u64 x)
{
    gic_on();
    gic_enable(1, 0x80);
    irqs_on();
    gic_sgi(3, 0); /* ready */
    wait_for((u32)x);
    irqs_off();
    return MRS("mpidr_el1") & 0xff;
}

static void other_cpu(void)
{
    cpu1_start();
    irqs_on();
    cpu1_post(receive, 2);
    wait_for(1);
    irqs_off();
    print_seen("irq.sgi-from-other", 0);
    gic_sgi(1, 1);
    while (seen[1].count == 0) {
        ASM("yield");
    }
    gic_route(EDGE_SPI, 1);
    gic_set(ISPENDR, EDGE_SPI);
    dsb();
    check("irq.other-cpu", "%u", cpu1_wait());
    print_seen("irq.other-cpu-seen", 1);
    check("irq.not-here", "%u", (u64)gic_ack());
    gic_route(EDGE_SPI, 0);
    cpu1_leave();
}

int main(void)
{
    gic_on();
    check("irq.none", "%u", (u64)gic_ack());
    sgis();
    masked();
    software();
    by_device();
    nesting();
    other_cpu();
    return 0;
}
