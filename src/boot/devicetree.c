/*
 * devicetree.c - the guest's devicetree, from the rows of the board table.
 *
 * Documents: Devicetree Specification 0.4; Linux Documentation/devicetree/bindings (arm/cpus,
 * arm/psci, timer/arm,arch_timer, timer/arm,arch_timer_mmio, interrupt-controller/arm,gic and
 * arm,gic-v3, serial/pl011, rtc/arm,pl031, gpio/pl061, input/gpio-keys, arm/pmu, chosen). Names and
 * order of cells are those of QEMU's virt, which guests have been written against.
 *
 * A device that needs more than its registers and interrupts has a row in the table of bindings
 * below; any other gets a node from what its dev_ops say, and one without a compatible string is
 * not mentioned (the guest cannot know it).
 */
#include "devicetree.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/fmt.h"
#include "fdt.h"

enum { PHANDLE_GIC = 1, PHANDLE_CLOCK = 2, PHANDLE_GPIO = 3 };

/* interrupts = <type number flags>, bindings/interrupt-controller/arm,gic.yaml */
enum { IRQ_TYPE_SPI = 0, IRQ_TYPE_PPI = 1, IRQ_LEVEL_HIGH = 4 };

#define IRQ_CELLS        3
#define PPI_SECURE_PHYS  29 /* not wired; the timer binding's first entry all the same */
#define PPI_FIRST        16
#define APB_CLOCK_HZ     24000000
#define KEY_POWER        116 /* Linux input event code */
#define GPIO_ACTIVE_HIGH 0
#define RNG_SEED_MAX     256

/* What a tree is written with. */
struct tree {
    struct fdt_writer *w;
    const struct boot_request *request;
    const struct devicetree_facts *facts;
};

/* ---- Cells ----------------------------------------------------------------------------------- */

static void range_cells(uint32_t cells[4], uint64_t base, uint64_t size)
{
    cells[0] = (uint32_t)(base >> 32);
    cells[1] = (uint32_t)base;
    cells[2] = (uint32_t)(size >> 32);
    cells[3] = (uint32_t)size;
}

static void prop_reg(struct fdt_writer *w, uint64_t base, uint64_t size)
{
    uint32_t cells[4];

    range_cells(cells, base, size);
    fdt_prop_cells(w, "reg", cells, 4);
}

/* A private interrupt. With GICv2 the flags also carry the mask of the (at most 8)
 * CPUs it belongs to. */
static void ppi_cells(const struct tree *t, uint32_t cells[IRQ_CELLS], uint32_t intid)
{
    unsigned cpus = t->request->cpus < GIC_V2_CPUS ? t->request->cpus : GIC_V2_CPUS;
    uint32_t mask = t->request->gic_version == 2 ? (1u << cpus) - 1 : 0;

    cells[0] = IRQ_TYPE_PPI;
    cells[1] = intid - PPI_FIRST;
    cells[2] = mask << 8 | IRQ_LEVEL_HIGH;
}

static void prop_ppis(const struct tree *t, const uint32_t *intids, unsigned count)
{
    uint32_t cells[4 * IRQ_CELLS];

    ASSERT(count <= 4);
    for (unsigned i = 0; i < count; i++) {
        ppi_cells(t, cells + IRQ_CELLS * i, intids[i]);
    }
    fdt_prop_cells(t->w, "interrupts", cells, IRQ_CELLS * count);
}

/* interrupts of a row's SPIs; no property when it has none. */
static void prop_spis(struct fdt_writer *w, const struct board_row *row)
{
    uint32_t cells[DEV_IRQS * IRQ_CELLS];
    unsigned count = 0;

    for (unsigned i = 0; i < DEV_IRQS; i++) {
        if (row->spi[i] != 0) {
            cells[count++] = IRQ_TYPE_SPI;
            cells[count++] = row->spi[i] - 1;
            cells[count++] = IRQ_LEVEL_HIGH;
        }
    }
    if (count > 0) {
        fdt_prop_cells(w, "interrupts", cells, count);
    }
}

static const struct board_row *find_row(const struct boot_request *request,
                                        const struct dev_ops *ops)
{
    return board_row_of(request->board, request->gic_version, ops);
}

/* ---- Devices --------------------------------------------------------------------------------- */

static void add_primecell_clock(struct fdt_writer *w)
{
    fdt_prop_u32(w, "clocks", PHANDLE_CLOCK);
    fdt_prop_str(w, "clock-names", "apb_pclk");
}

static void add_uart(struct fdt_writer *w, const struct board_row *row)
{
    const uint32_t clocks[] = { PHANDLE_CLOCK, PHANDLE_CLOCK };

    fdt_prop_cells(w, "clocks", clocks, 2);
    fdt_prop_strs(w, "clock-names", "uartclk\0apb_pclk\0");
}

static void add_rtc(struct fdt_writer *w, const struct board_row *row)
{
    add_primecell_clock(w);
}

static void add_gpio(struct fdt_writer *w, const struct board_row *row)
{
    add_primecell_clock(w);
    fdt_prop_flag(w, "gpio-controller");
    fdt_prop_u32(w, "#gpio-cells", 2);
    fdt_prop_u32(w, "phandle", PHANDLE_GPIO);
}

struct binding {
    const struct dev_ops *ops;
    const char *node;                                               /* name before the @ */
    const char *compatible;                                         /* as dev_ops.compatible */
    void (*add)(struct fdt_writer *w, const struct board_row *row); /* further properties */
};

static const struct binding bindings[] = {
    { &uart_ops, "pl011", "arm,pl011\0arm,primecell\0", add_uart },
    { &rtc_ops, "pl031", "arm,pl031\0arm,primecell\0", add_rtc },
    { &gpio_ops, "pl061", "arm,pl061\0arm,primecell\0", add_gpio },
};

static const struct binding *find_binding(const struct dev_ops *ops)
{
    for (unsigned i = 0; i < ARRAY_SIZE(bindings); i++) {
        if (bindings[i].ops == ops) {
            return &bindings[i];
        }
    }
    return NULL;
}

static void write_device(struct fdt_writer *w, const struct board_row *row)
{
    const struct binding *binding = find_binding(row->ops);
    const char *compatible = binding != NULL ? binding->compatible : row->ops->compatible;

    if (compatible == NULL || compatible[0] == 0) {
        return;
    }
    fdt_node(w, "%s@%llx", binding != NULL ? binding->node : row->ops->name,
             (unsigned long long)row->base);
    fdt_prop_strs(w, "compatible", compatible);
    prop_reg(w, row->base, board_row_size(row));
    prop_spis(w, row);
    if (binding != NULL) {
        binding->add(w, row);
    }
    fdt_node_end(w);
}

/*
 * The memory-mapped timer: one control page and behind it one frame. The frame is what interrupts;
 * without an SPI it is of no use to a guest and not mentioned.
 */
static void write_timer_mmio(struct fdt_writer *w, const struct board_row *row)
{
    const uint32_t page = 0x1000;
    const uint32_t frame_reg[] = { page, page };
    uint32_t ranges[4] = { 0, (uint32_t)(row->base >> 32), (uint32_t)row->base, 2 * page };

    if (row->spi[0] == 0) {
        return;
    }
    fdt_node(w, "timer@%llx", (unsigned long long)row->base);
    fdt_prop_str(w, "compatible", "arm,armv7-timer-mem");
    prop_reg(w, row->base, page);
    fdt_prop_u32(w, "#address-cells", 1);
    fdt_prop_u32(w, "#size-cells", 1);
    fdt_prop_cells(w, "ranges", ranges, 4);
    fdt_node(w, "frame@%x", page);
    fdt_prop_u32(w, "frame-number", 0);
    fdt_prop_cells(w, "reg", frame_reg, 2);
    prop_spis(w, row);
    fdt_node_end(w);
    fdt_node_end(w);
}

/* The GIC: one node for the distributor and what belongs to the CPUs (interfaces, or
 * redistributors). */
static void write_gic(const struct tree *t)
{
    bool v3 = t->request->gic_version == 3;
    const struct board_row *dist = find_row(t->request, &gic_dist_ops);
    const struct board_row *cpu = find_row(t->request, v3 ? &gicv3_redist_ops : &gicv2_cpu_ops);
    uint32_t reg[8];

    ASSERT(dist != NULL && cpu != NULL);
    range_cells(reg, dist->base, board_row_size(dist));
    range_cells(reg + 4, cpu->base, board_row_size(cpu));

    fdt_node(t->w, "intc@%llx", (unsigned long long)dist->base);
    fdt_prop_str(t->w, "compatible", v3 ? "arm,gic-v3" : "arm,cortex-a15-gic");
    fdt_prop_cells(t->w, "reg", reg, 8);
    fdt_prop_flag(t->w, "interrupt-controller");
    fdt_prop_u32(t->w, "#interrupt-cells", IRQ_CELLS);
    fdt_prop_u32(t->w, "#address-cells", 2);
    fdt_prop_u32(t->w, "#size-cells", 2);
    fdt_prop_flag(t->w, "ranges");
    if (v3) {
        fdt_prop_u32(t->w, "#redistributor-regions", 1);
    }
    fdt_prop_u32(t->w, "phandle", PHANDLE_GIC);
    fdt_node_end(t->w);
}

/* The power button: a line of the GPIO that Linux turns into a key. */
static void write_gpio_keys(const struct tree *t)
{
    const uint32_t gpios[] = { PHANDLE_GPIO, GPIO_POWER_BUTTON_LINE, GPIO_ACTIVE_HIGH };

    if (find_row(t->request, &gpio_ops) == NULL) {
        return;
    }
    fdt_node(t->w, "gpio-keys");
    fdt_prop_str(t->w, "compatible", "gpio-keys");
    fdt_node(t->w, "poweroff");
    fdt_prop_str(t->w, "label", "GPIO Key Poweroff");
    fdt_prop_u32(t->w, "linux,code", KEY_POWER);
    fdt_prop_cells(t->w, "gpios", gpios, 3);
    fdt_node_end(t->w);
    fdt_node_end(t->w);
}

static bool is_gic(const struct dev_ops *ops)
{
    return ops == &gic_dist_ops || ops == &gicv2_cpu_ops || ops == &gicv3_redist_ops;
}

static void write_devices(const struct tree *t)
{
    const struct board_row *row;

    write_gic(t);
    for (unsigned i = 0;
         (row = board_row_at(t->request->board, t->request->gic_version, i)) != NULL; i++) {
        if (row->ops == &timer_mmio_ops) {
            write_timer_mmio(t->w, row);
        } else if (!is_gic(row->ops)) {
            write_device(t->w, row);
        }
    }
    write_gpio_keys(t);
}

/* ---- CPUs, memory, firmware ------------------------------------------------------------------ */

/* reg is Aff3 and Aff2..Aff0 of MPIDR; one cell does where no Aff3 is used. */
static void write_cpus(const struct tree *t)
{
    const struct boot_request *request = t->request;
    bool wide = false;

    for (unsigned i = 0; i < request->cpus; i++) {
        wide |= request->mpidr[i] >> 32 != 0;
    }
    fdt_node(t->w, "cpus");
    fdt_prop_u32(t->w, "#address-cells", wide ? 2 : 1);
    fdt_prop_u32(t->w, "#size-cells", 0);
    for (unsigned i = 0; i < request->cpus; i++) {
        fdt_node(t->w, "cpu@%llx", (unsigned long long)request->mpidr[i]);
        fdt_prop_str(t->w, "device_type", "cpu");
        fdt_prop_str(t->w, "compatible", "arm,armv8");
        if (wide) {
            fdt_prop_u64(t->w, "reg", request->mpidr[i]);
        } else {
            fdt_prop_u32(t->w, "reg", (uint32_t)request->mpidr[i]);
        }
        fdt_prop_str(t->w, "enable-method", "psci");
        fdt_node_end(t->w);
    }
    fdt_node_end(t->w);
}

static void write_psci(const struct tree *t)
{
    fdt_node(t->w, "psci");
    fdt_prop_strs(t->w, "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci\0");
    fdt_prop_str(t->w, "method", t->request->smc_conduit ? "smc" : "hvc");
    /* "arm,psci" (version 0.1) left the function numbers to the devicetree: they are
     * those of DEN 0022. */
    fdt_prop_u32(t->w, "cpu_suspend", 0xc4000001);
    fdt_prop_u32(t->w, "cpu_off", 0x84000002);
    fdt_prop_u32(t->w, "cpu_on", 0xc4000003);
    fdt_prop_u32(t->w, "migrate", 0xc4000005);
    fdt_node_end(t->w);
}

static void write_timer(const struct tree *t)
{
    static const uint32_t intids[] = { PPI_SECURE_PHYS, PPI_PHYS_TIMER, PPI_VIRT_TIMER,
                                       PPI_HYP_TIMER };

    fdt_node(t->w, "timer");
    fdt_prop_strs(t->w, "compatible", "arm,armv8-timer\0arm,armv7-timer\0");
    prop_ppis(t, intids, 4);
    fdt_prop_flag(t->w, "always-on");
    fdt_node_end(t->w);
}

static void write_pmu(const struct tree *t)
{
    static const uint32_t intid = PPI_PMU;

    if (t->request->pmu) {
        fdt_node(t->w, "pmu");
        fdt_prop_str(t->w, "compatible", "arm,armv8-pmuv3");
        prop_ppis(t, &intid, 1);
        fdt_node_end(t->w);
    }
}

static void write_clock(const struct tree *t)
{
    fdt_node(t->w, "apb-pclk");
    fdt_prop_str(t->w, "compatible", "fixed-clock");
    fdt_prop_u32(t->w, "#clock-cells", 0);
    fdt_prop_u32(t->w, "clock-frequency", APB_CLOCK_HZ);
    fdt_prop_str(t->w, "clock-output-names", "clk24mhz");
    fdt_prop_u32(t->w, "phandle", PHANDLE_CLOCK);
    fdt_node_end(t->w);
}

static void prop_addresses(struct fdt_writer *w, const char *name, const uint64_t *values,
                           const uint32_t *cells, unsigned count)
{
    uint32_t out[8];
    unsigned n = 0;

    for (unsigned i = 0; i < count; i++) {
        if (cells[i] == 2) {
            out[n++] = (uint32_t)(values[i] >> 32);
        }
        out[n++] = (uint32_t)values[i];
    }
    fdt_prop_cells(w, name, out, n);
}

/* The cells are the root's #address-cells and #size-cells. */
static void write_memory(const struct tree *t, const uint32_t cells[2])
{
    const uint64_t range[] = { t->request->board->ram_base, t->request->ram_size };

    fdt_node(t->w, "memory@%llx", (unsigned long long)range[0]);
    fdt_prop_str(t->w, "device_type", "memory");
    prop_addresses(t->w, "reg", range, cells, 2);
    fdt_node_end(t->w);
}

static void prop_stdout(const struct tree *t)
{
    const struct board_row *row = find_row(t->request, &uart_ops);
    char path[64];
    struct text text;

    if (row == NULL) {
        return;
    }
    text_init(&text, path, sizeof(path));
    text_add(&text, "/%s@%llx", find_binding(&uart_ops)->node, (unsigned long long)row->base);
    if (t->request->stdout_baud != 0) {
        text_add(&text, ":%un8", t->request->stdout_baud);
    }
    fdt_prop_str(t->w, "stdout-path", path);
}

/* What changes from one start to the next: bindings/chosen. */
static void props_of_start(const struct tree *t)
{
    const struct boot_request *request = t->request;

    if (request->command_line != NULL) {
        fdt_prop_str(t->w, "bootargs", request->command_line);
    }
    if (t->facts->initrd_len != 0) {
        fdt_prop_u64(t->w, "linux,initrd-start", t->facts->initrd_ipa);
        fdt_prop_u64(t->w, "linux,initrd-end", t->facts->initrd_ipa + t->facts->initrd_len);
    }
    if (request->kaslr_seed != 0) {
        fdt_prop_u64(t->w, "kaslr-seed", request->kaslr_seed);
    }
    if (request->rng_seed_len != 0) {
        fdt_prop(t->w, "rng-seed", request->rng_seed, request->rng_seed_len);
    }
}

static void write_chosen(const struct tree *t)
{
    fdt_node(t->w, "chosen");
    prop_stdout(t);
    props_of_start(t);
    fdt_node_end(t->w);
}

static void write_tree(const struct tree *t)
{
    static const uint32_t cells[] = { 2, 2 };

    fdt_node(t->w, "%s", "");
    fdt_prop_str(t->w, "compatible", "linux,dummy-virt");
    fdt_prop_str(t->w, "model", t->request->board->name);
    fdt_prop_u32(t->w, "#address-cells", cells[0]);
    fdt_prop_u32(t->w, "#size-cells", cells[1]);
    fdt_prop_u32(t->w, "interrupt-parent", PHANDLE_GIC);
    write_chosen(t);
    write_memory(t, cells);
    write_cpus(t);
    write_psci(t);
    write_timer(t);
    write_pmu(t);
    write_clock(t);
    write_devices(t);
    fdt_node_end(t->w);
}

/* ---- The user's own devicetree --------------------------------------------------------------- */

/* Properties of /chosen that this start replaces. bootargs and the initrd stay when
 * the user gave no others. */
static bool is_replaced(const struct tree *t, const char *name)
{
    bool initrd = str_eq(name, "linux,initrd-start") || str_eq(name, "linux,initrd-end");

    return (str_eq(name, "bootargs") && t->request->command_line != NULL) ||
           (initrd && t->facts->initrd_len != 0) ||
           (str_eq(name, "kaslr-seed") && t->request->kaslr_seed != 0) ||
           (str_eq(name, "rng-seed") && t->request->rng_seed_len != 0);
}

static bool is_memory(const char *name)
{
    return str_eq(name, "memory") || str_starts(name, "memory@");
}

/* #address-cells or #size-cells of the root, whose default is as the specification says. */
static enum status root_cells(const struct fdt *fdt, const struct boot_request *request,
                              uint32_t cells[2], struct err *err)
{
    static const char *const names[2] = { "#address-cells", "#size-cells" };
    const uint64_t values[2] = { request->board->ram_base, request->ram_size };
    uint32_t root;

    fdt_find_node(fdt, "/", &root);
    cells[0] = 2;
    cells[1] = 1;
    for (unsigned i = 0; i < 2; i++) {
        struct fdt_item item;
        if (fdt_find_prop(fdt, root, names[i], &item)) {
            cells[i] = item.len == 4 ? be32(item.data) : 0;
        }
        if (cells[i] < 1 || cells[i] > 2 || (cells[i] == 1 && values[i] > UINT32_MAX)) {
            return err_set(err, ST_E_FORMAT, MSG_BOOT_DTB_CELLS, request->dtb.name, names[i]);
        }
    }
    return ST_OK;
}

/* Moves *pos behind the END_NODE of the node just begun. */
static void skip_node(const struct fdt *fdt, uint32_t *pos)
{
    struct fdt_item item;

    for (unsigned depth = 1; depth > 0 && fdt_next(fdt, pos, &item);) {
        depth += item.token == FDT_BEGIN_NODE;
        depth -= item.token == FDT_END_NODE;
    }
}

/* Where the copy stands. */
struct patch {
    unsigned depth; /* nodes open in the output               */
    bool in_chosen; /* directly, not in a child of it         */
    bool head_open; /* of /chosen: no child yet               */
    bool chosen_seen, memory_done;
};

/* The new properties go behind the old ones, and before the first child: properties
 * come first in a node. */
static void close_chosen_head(const struct tree *t, struct patch *patch)
{
    if (patch->in_chosen && patch->head_open) {
        props_of_start(t);
        patch->head_open = false;
    }
}

static void patch_begin_node(const struct tree *t, const struct fdt *fdt,
                             const struct fdt_item *item, uint32_t *pos, const uint32_t cells[2],
                             struct patch *patch)
{
    if (patch->depth == 1) {
        if (!patch->memory_done) {
            write_memory(t, cells);
            patch->memory_done = true;
        }
        if (is_memory(item->name)) {
            skip_node(fdt, pos);
            return;
        }
    }
    close_chosen_head(t, patch);
    fdt_node_named(t->w, item->name);
    patch->depth++;
    if (patch->depth == 2 && str_eq(item->name, "chosen") && !patch->chosen_seen) {
        patch->chosen_seen = true;
        patch->in_chosen = true;
        patch->head_open = true;
    }
}

static void patch_end_node(const struct tree *t, const uint32_t cells[2], struct patch *patch)
{
    if (patch->depth == 2) {
        close_chosen_head(t, patch);
        patch->in_chosen = false;
    }
    if (patch->depth == 1 && !patch->memory_done) {
        write_memory(t, cells);
    }
    if (patch->depth == 1 && !patch->chosen_seen) {
        fdt_node(t->w, "chosen");
        props_of_start(t);
        fdt_node_end(t->w);
    }
    fdt_node_end(t->w);
    patch->depth--;
}

static void write_patched(const struct tree *t, const struct fdt *fdt, const uint32_t cells[2])
{
    struct patch patch = { 0 };
    struct fdt_item item;
    uint32_t pos = 0;

    while (fdt_next(fdt, &pos, &item) && item.token != FDT_END) {
        switch (item.token) {
        case FDT_BEGIN_NODE: patch_begin_node(t, fdt, &item, &pos, cells, &patch); break;
        case FDT_END_NODE: patch_end_node(t, cells, &patch); break;
        default:
            if (!(patch.in_chosen && patch.depth == 2 && is_replaced(t, item.name))) {
                fdt_prop_copy(t->w, &item);
            }
            break;
        }
    }
}

/* ---- Both ------------------------------------------------------------------------------------ */

/* Above what the generated tree needs without its variable parts; a unit test holds it to that. */
#define FIXED_BYTES   8192
#define BYTES_PER_CPU 160
#define STRINGS_BYTES 1024

size_t devicetree_bound(const struct boot_request *request)
{
    size_t bound =
        FIXED_BYTES + (size_t)request->cpus * BYTES_PER_CPU + request->rng_seed_len + STRINGS_BYTES;

    if (request->command_line != NULL) {
        bound += str_len(request->command_line);
    }
    if (request->dtb.len != 0) {
        bound += (size_t)(request->dtb.len < FDT_SIZE_MAX ? request->dtb.len : FDT_SIZE_MAX);
    }
    return (size_t)align_up(bound, 4096);
}

enum status devicetree_write(const struct boot_request *request,
                             const struct devicetree_facts *facts, uint8_t *buf, size_t size,
                             size_t *len, struct err *err)
{
    struct fdt_writer w;
    const struct tree tree = { .w = &w, .request = request, .facts = facts };

    ASSERT(request->rng_seed_len <= RNG_SEED_MAX);
    if (request->dtb.bytes == NULL) {
        fdt_begin(&w, buf, size, STRINGS_BYTES, NULL);
        write_tree(&tree);
    } else {
        struct fdt fdt;
        uint32_t cells[2];
        enum status status =
            fdt_open(&fdt, request->dtb.name, request->dtb.bytes, request->dtb.len, err);

        if (status == ST_OK) {
            status = root_cells(&fdt, request, cells, err);
        }
        if (status != ST_OK) {
            return status;
        }
        fdt_begin(&w, buf, size, fdt.strings_len + STRINGS_BYTES, &fdt);
        write_patched(&tree, &fdt, cells);
    }
    *len = fdt_finish(&w);
    if (*len == 0 || *len > FDT_SIZE_MAX) {
        return err_set(err, ST_E_RANGE, MSG_BOOT_DTB_BIG, "devicetree", (unsigned)size);
    }
    return ST_OK;
}
