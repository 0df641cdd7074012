/*
 * gic_dist.c - the distributor (GICD), and the table of line registers that the redistributors
 * share.
 *
 * Spec: IHI 0048, "Distributor register descriptions"; DDI 0471 (GIC-400 TRM), "Distributor
 * register summary"; IHI 0069, "The GIC Distributor register descriptions".
 *
 * Nearly all of it is one fact per interrupt line, stored in arrays of 1, 2, 8 or 64 bits a line.
 * Each array is one row: where it begins, how many bits a line has, which accesses and which views
 * have it, and what reads and writes a word of it. One accessor turns offset and size into INTIDs.
 * Lines that do not exist in a view (private ones in GICv3's distributor, shared ones in a
 * redistributor, everything from GIC_LINES on) read as zero and ignore writes.
 */
#include "base/compiler.h"
#include "devices/gic.h"

enum {
    GICD_CTLR = 0x000,
    GICD_TYPER = 0x004,
    GICD_IIDR = 0x008,
    GICD_TYPER2 = 0x00C,
    GICD_STATUSR = 0x010,
    GICD_IGROUPR = 0x080,
    GICD_ISENABLER = 0x100,
    GICD_ICENABLER = 0x180,
    GICD_ISPENDR = 0x200,
    GICD_ICPENDR = 0x280,
    GICD_ISACTIVER = 0x300,
    GICD_ICACTIVER = 0x380,
    GICD_IPRIORITYR = 0x400,
    GICD_ITARGETSR = 0x800,
    GICD_ICFGR = 0xC00,
    GICD_PPISR = 0xD00, /* GIC-400; SPISRs follow */
    GICD_IGRPMODR = 0xD00,
    GICD_NSACR = 0xE00,
    GICD_SGIR = 0xF00,
    GICD_CPENDSGIR = 0xF10,
    GICD_SPENDSGIR = 0xF20,
    GICD_IDS_V2 = 0xFD0,
    GICD_IROUTER = 0x6000,
    GICD_IDS_V3 = 0xFFD0,
};

#define GICD_SIZE    0x10000u
#define IIDR_GIC400  0x0200143Bu
#define IIDR_V3      0x0000043Bu /* implementer Arm, product 0 */
#define PART_GIC400  0x490
#define PART_V3_DIST 0x492
#define ROUTE_MASK   0xFF80FFFFFFull
#define SPEC_LINES   1024 /* that the arrays have room for */

/* What a row works on: a line of a bank, or 16 or 32 from it on. Without lines bank is NULL. */
struct gic_at {
    struct gic *gic;
    unsigned cpu;
    uint32_t intid;
    struct gic_bank *bank;
};

struct gic_row {
    uint16_t offset;
    uint16_t length;   /* bytes                                                    */
    uint8_t line_bits; /* per line; 0: the register is not an array of lines     */
    uint8_t sizes;     /* mask of access sizes                                     */
    uint8_t views;     /* mask of enum gic_view                                    */
    uint64_t (*read)(const struct gic_at *at);              /* NULL: write-only */
    void (*write)(const struct gic_at *at, uint64_t value); /* NULL: read-only  */
};

/* ---- Registers of the whole ------------------------------------------------------------------ */

static uint64_t read_zero(const struct gic_at *at)
{
    return 0;
}

static void write_nothing(const struct gic_at *at, uint64_t value) {}

static uint64_t read_ctlr(const struct gic_at *at)
{
    uint32_t fixed = at->gic->version == 3 ? GICD_CTLR_ARE | GICD_CTLR_DS : 0;

    return at->gic->ctlr | fixed;
}

static void write_ctlr(const struct gic_at *at, uint64_t value)
{
    at->gic->ctlr = (uint32_t)value & GICD_CTLR_GROUPS;
    gic_update_all(at->gic);
}

static uint64_t read_typer(const struct gic_at *at)
{
    enum { CPU_NUMBER = 5, ID_BITS = 19, A3V = 24, RSS = 26 };
    uint64_t lines = GIC_LINES / 32 - 1;

    if (at->gic->version == 2) {
        return lines | (at->gic->cpus - 1) << CPU_NUMBER;
    }
    return lines | 9 << ID_BITS | BIT(A3V) | BIT(RSS); /* INTIDs of 10 bits */
}

static uint64_t read_iidr(const struct gic_at *at)
{
    return at->gic->version == 2 ? IIDR_GIC400 : IIDR_V3;
}

/* ---- One bit a line -------------------------------------------------------------------------- */

/* The lines of a bank were touched: who can take them must look. */
static void touched(const struct gic_at *at, uint64_t lines)
{
    gic_update_lines(at->gic, at->cpu, at->intid, (uint32_t)lines);
}

/* Lines of this bank that set and clear registers may change; GICv2's SGIs have rules
 * of their own. */
static uint32_t not_v2_sgi(const struct gic_at *at)
{
    return at->gic->version == 2 && at->intid < GIC_PRIVATE ? ~GIC_SGI_MASK : UINT32_MAX;
}

static uint64_t read_group(const struct gic_at *at)
{
    return at->bank->group;
}

static void write_group(const struct gic_at *at, uint64_t value)
{
    at->bank->group = (uint32_t)value;
    touched(at, UINT32_MAX);
}

static uint64_t read_enabled(const struct gic_at *at)
{
    return at->bank->enabled;
}

static void set_enabled(const struct gic_at *at, uint64_t value)
{
    at->bank->enabled |= (uint32_t)value;
    touched(at, value);
}

static void clear_enabled(const struct gic_at *at, uint64_t value)
{
    at->bank->enabled &= ~((uint32_t)value & not_v2_sgi(at));
    touched(at, value);
}

static uint64_t read_pending(const struct gic_at *at)
{
    return gic_bank_pending(at->bank);
}

static void set_pending(const struct gic_at *at, uint64_t value)
{
    at->bank->pending |= (uint32_t)value & not_v2_sgi(at);
    touched(at, value);
}

static void clear_pending(const struct gic_at *at, uint64_t value)
{
    at->bank->pending &= ~((uint32_t)value & not_v2_sgi(at));
    touched(at, value);
}

static uint64_t read_active(const struct gic_at *at)
{
    return at->bank->active;
}

static void set_active(const struct gic_at *at, uint64_t value)
{
    at->bank->active |= (uint32_t)value;
    touched(at, value);
}

static void clear_active(const struct gic_at *at, uint64_t value)
{
    at->bank->active &= ~(uint32_t)value;
    touched(at, value);
}

/* PPISR has the PPIs in its low half; SPISR0 is the wires of INTID 32 to 63. */
static uint64_t read_wires(const struct gic_at *at)
{
    return at->intid < GIC_PRIVATE ? at->bank->level >> GIC_SGIS : at->bank->level;
}

/* ---- Two bits a line ------------------------------------------------------------------------- */

/* Bit 1 of each field: edge-triggered. at->intid is the first of 16 lines. */
static uint64_t read_config(const struct gic_at *at)
{
    uint32_t edge = at->bank->edge >> at->intid % 32;
    uint32_t value = 0;

    for (unsigned i = 0; i < 16; i++) {
        value |= (edge >> i & 1) << (2 * i + 1);
    }
    return value;
}

static void write_config(const struct gic_at *at, uint64_t value)
{
    uint32_t edge = 0;

    if (at->intid < GIC_SGIS) {
        return; /* SGIs are what they are */
    }
    for (unsigned i = 0; i < 16; i++) {
        edge |= (uint32_t)(value >> (2 * i + 1) & 1) << i;
    }
    at->bank->edge = (uint32_t)bits_set(at->bank->edge, at->intid % 32, 16, edge);
    touched(at, UINT32_MAX);
}

/* ---- A byte a line --------------------------------------------------------------------------- */

static uint64_t read_priority(const struct gic_at *at)
{
    return at->bank->priority[at->intid % 32];
}

static void write_priority(const struct gic_at *at, uint64_t value)
{
    at->bank->priority[at->intid % 32] = value & GIC_PRIO_MASK;
    touched(at, 1u << at->intid % 32);
}

/* With one CPU there are no targets: RAZ/WI. Private lines name the CPU that asks. */
static uint64_t read_target(const struct gic_at *at)
{
    if (at->gic->cpus == 1) {
        return 0;
    }
    return at->intid < GIC_PRIVATE ? BIT(at->cpu) : at->gic->route[at->intid - GIC_PRIVATE];
}

static void write_target(const struct gic_at *at, uint64_t value)
{
    if (at->gic->cpus > 1 && at->intid >= GIC_PRIVATE) {
        gic_set_route(at->gic, at->intid, value & (BIT(at->gic->cpus) - 1));
    }
}

static uint64_t read_sgi_sources(const struct gic_at *at)
{
    return at->gic->cpu[at->cpu].sgi_source[at->intid];
}

static void change_sgi_sources(const struct gic_at *at, uint64_t add, uint64_t take)
{
    uint64_t sources = (read_sgi_sources(at) | add) & ~take & (BIT(at->gic->cpus) - 1);

    gic_set_sgi_sources(at->gic, at->cpu, at->intid, (uint32_t)sources);
}

static void clear_sgi_sources(const struct gic_at *at, uint64_t value)
{
    change_sgi_sources(at, 0, value);
}

static void set_sgi_sources(const struct gic_at *at, uint64_t value)
{
    change_sgi_sources(at, value, 0);
}

/* ---- The rest -------------------------------------------------------------------------------- */

static uint64_t read_route(const struct gic_at *at)
{
    return at->gic->route[at->intid - GIC_PRIVATE];
}

/* With 1 of N the affinity fields have no meaning; they read back all the same. */
static void write_route(const struct gic_at *at, uint64_t value)
{
    gic_set_route(at->gic, at->intid, value & ROUTE_MASK);
}

static void write_sgir(const struct gic_at *at, uint64_t value)
{
    enum { TO_LIST, TO_OTHERS, TO_SELF };
    uint32_t intid = value & 0xF;
    uint32_t self = 1u << at->cpu;
    uint32_t to = 0;

    switch (bits(value, 24, 2)) {
    case TO_LIST: to = (uint32_t)bits(value, 16, 8); break;
    case TO_OTHERS: to = ~self; break;
    case TO_SELF: to = self; break;
    default: break; /* reserved: nobody */
    }
    for (unsigned i = 0; i < at->gic->cpus; i++) {
        if ((to >> i & 1) != 0) {
            gic_send_sgi(at->gic, at->cpu, i, intid);
        }
    }
}

/* ---- The table ------------------------------------------------------------------------------- */

enum {
    V2 = GIC_VIEW_V2,
    V3 = GIC_VIEW_V3,
    DIST = GIC_VIEW_V2 | GIC_VIEW_V3,
    REDIST = GIC_VIEW_REDIST,
    ALL = DIST | REDIST,
    WORD = 4,
    BYTES = 1 | 4,
};

#define BITS_LENGTH(bits) (SPEC_LINES * (bits) / 8)
#define LINES(offset, bits, sizes, views, read, write)             \
    {                                                              \
        offset, BITS_LENGTH(bits), bits, sizes, views, read, write \
    }
#define SINGLE(offset, views, read, write)     \
    {                                          \
        offset, 4, 0, WORD, views, read, write \
    }

static const struct gic_row gic_rows[] = {
    LINES(GICD_ISENABLER, 1, WORD, ALL, read_enabled, set_enabled),
    LINES(GICD_ICENABLER, 1, WORD, ALL, read_enabled, clear_enabled),
    LINES(GICD_ISPENDR, 1, WORD, ALL, read_pending, set_pending),
    LINES(GICD_ICPENDR, 1, WORD, ALL, read_pending, clear_pending),
    LINES(GICD_ISACTIVER, 1, WORD, ALL, read_active, set_active),
    LINES(GICD_ICACTIVER, 1, WORD, ALL, read_active, clear_active),
    LINES(GICD_IPRIORITYR, 8, BYTES, ALL, read_priority, write_priority),
    LINES(GICD_IGROUPR, 1, WORD, ALL, read_group, write_group),
    LINES(GICD_ICFGR, 2, WORD, ALL, read_config, write_config),
    LINES(GICD_ITARGETSR, 8, BYTES, V2, read_target, write_target),
    LINES(GICD_IROUTER, 64, 4 | 8, V3, read_route, write_route),
    SINGLE(GICD_SGIR, V2, NULL, write_sgir),
    { GICD_CPENDSGIR, GIC_SGIS, 8, BYTES, V2, read_sgi_sources, clear_sgi_sources },
    { GICD_SPENDSGIR, GIC_SGIS, 8, BYTES, V2, read_sgi_sources, set_sgi_sources },
    { GICD_PPISR, 0x40, 1, WORD, V2, read_wires, NULL },
    SINGLE(GICD_CTLR, DIST, read_ctlr, write_ctlr),
    SINGLE(GICD_TYPER, DIST, read_typer, NULL),
    SINGLE(GICD_IIDR, DIST, read_iidr, NULL),
    SINGLE(GICD_TYPER2, V3, read_zero, NULL),
    SINGLE(GICD_STATUSR, V3, read_zero, write_nothing),
    /* Reserved with affinity routing, or with one security state: RAZ/WI. */
    { GICD_ITARGETSR, 0x400, 0, BYTES, V3, read_zero, write_nothing },
    { GICD_IGRPMODR, 0x80, 0, WORD, V3 | REDIST, read_zero, write_nothing },
    { GICD_NSACR, 0x100, 0, WORD, ALL, read_zero, write_nothing },
    { GICD_SGIR, 0x30, 0, BYTES, V3, read_zero, write_nothing },
};

static const struct gic_row *row_find(enum gic_view view, uint64_t offset, unsigned size)
{
    for (unsigned i = 0; i < ARRAY_SIZE(gic_rows); i++) {
        const struct gic_row *row = &gic_rows[i];
        if ((row->views & view) != 0 && range_inside(offset, size, row->offset, row->length)) {
            return (row->sizes & size) != 0 ? row : NULL;
        }
    }
    return NULL;
}

/* Where an access to a row begins. False: the view has no such line. */
static bool at_init(struct gic_at *at, struct gic *gic, unsigned cpu, enum gic_view view,
                    const struct gic_row *row, uint64_t offset)
{
    *at = (struct gic_at){ .gic = gic, .cpu = cpu };
    if (row->line_bits == 0) {
        return true;
    }
    at->intid = (uint32_t)(offset - row->offset) * 8 / row->line_bits;
    if ((view == GIC_VIEW_V3 && at->intid < GIC_PRIVATE) ||
        (view == GIC_VIEW_REDIST && at->intid >= GIC_PRIVATE)) {
        return false;
    }
    at->bank = gic_bank_of(gic, cpu, at->intid);
    return at->bank != NULL;
}

enum mmio_result gic_rows_read(struct gic *gic, unsigned cpu, enum gic_view view, uint64_t offset,
                               unsigned size, uint64_t *value)
{
    const struct gic_row *row = row_find(view, offset, size);
    struct gic_at at;

    if (row == NULL || row->read == NULL) {
        return MMIO_UNKNOWN;
    }
    *value = 0;
    if (!at_init(&at, gic, cpu, view, row, offset)) {
        return MMIO_OK;
    }
    if (row->line_bits == 8) {
        for (unsigned i = 0; i < size; i++, at.intid++) {
            *value |= row->read(&at) << 8 * i;
        }
    } else if (row->line_bits == 64) {
        *value = bits(row->read(&at), 8 * (offset & 7), 8 * size);
    } else {
        *value = row->read(&at);
    }
    return MMIO_OK;
}

enum mmio_result gic_rows_write(struct gic *gic, unsigned cpu, enum gic_view view, uint64_t offset,
                                unsigned size, uint64_t value)
{
    const struct gic_row *row = row_find(view, offset, size);
    struct gic_at at;

    if (row == NULL || row->write == NULL) {
        return MMIO_UNKNOWN;
    }
    if (!at_init(&at, gic, cpu, view, row, offset)) {
        return MMIO_OK;
    }
    if (row->line_bits == 8) {
        for (unsigned i = 0; i < size; i++, at.intid++) {
            row->write(&at, bits(value, 8 * i, 8));
        }
    } else if (row->line_bits == 64) {
        row->write(&at, bits_set(row->read(&at), 8 * (offset & 7), 8 * size, value));
    } else {
        row->write(&at, value);
    }
    return MMIO_OK;
}

uint32_t gic_id(const struct gic *gic, uint32_t part, uint64_t offset)
{
    static const uint8_t v2[12] = { 0x04, 0, 0, 0, 0, 0xB0, 0x2B, 0, 0x0D, 0xF0, 0x05, 0xB1 };
    static const uint8_t v3[12] = { 0x44, 0, 0, 0, 0, 0xB0, 0x3B, 0, 0x0D, 0xF0, 0x05, 0xB1 };
    unsigned index = (unsigned)offset / 4;
    uint32_t id = gic->version == 2 ? v2[index] : v3[index];

    switch (index) {
    case 4: return id | (part & 0xFF);
    case 5: return id | (part >> 8 & 0xF);
    default: return id;
    }
}

/* ---- Device ---------------------------------------------------------------------------------- */

static enum gic_view dist_view(const struct gic *gic)
{
    return gic->version == 2 ? GIC_VIEW_V2 : GIC_VIEW_V3;
}

static enum mmio_result dist_read(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                  uint64_t *value)
{
    struct gic *gic = dev->state;
    uint64_t ids = gic->version == 2 ? GICD_IDS_V2 : GICD_IDS_V3;
    enum mmio_result result = MMIO_OK;

    if (size == 4 && range_inside(offset, size, ids, GIC_IDS_SIZE)) {
        *value = gic_id(gic, gic->version == 2 ? PART_GIC400 : PART_V3_DIST, offset - ids);
        return MMIO_OK;
    }
    lock_acquire(&gic->lock);
    result = gic_rows_read(gic, cpu, dist_view(gic), offset, size, value);
    lock_release(&gic->lock);
    return result;
}

static enum mmio_result dist_write(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                   uint64_t value)
{
    struct gic *gic = dev->state;
    enum mmio_result result;

    lock_acquire(&gic->lock);
    result = gic_rows_write(gic, cpu, dist_view(gic), offset, size, value);
    lock_release(&gic->lock);
    return result;
}

static void dist_reset(struct dev *dev)
{
    gic_reset(dev->state);
}

/* What both views have alike; set and clear registers read as each other, so they are marked. */
static const struct dev_reg dist_regs[] = {
    { "GICD_CTLR", GICD_CTLR, 4, DEV_REG_EFFECT, 0, GICD_CTLR_GROUPS, 0 },
    { "GICD_TYPER", GICD_TYPER, 4, DEV_REG_RO | DEV_REG_EFFECT, 0, 0, 0 }, /* version, CPUs */
    { "GICD_IIDR", GICD_IIDR, 4, DEV_REG_RO | DEV_REG_EFFECT, 0, 0, 0 },   /* version       */
    { "GICD_IGROUPR1", GICD_IGROUPR + 4, 4, 0, GIC_SPI_WORDS, 0xFFFFFFFF, 0 },
    { "GICD_ISENABLER1", GICD_ISENABLER + 4, 4, DEV_REG_EFFECT, GIC_SPI_WORDS, 0xFFFFFFFF, 0 },
    { "GICD_ICENABLER1", GICD_ICENABLER + 4, 4, DEV_REG_EFFECT, GIC_SPI_WORDS, 0, 0 },
    { "GICD_ISPENDR1", GICD_ISPENDR + 4, 4, DEV_REG_EFFECT, GIC_SPI_WORDS, 0xFFFFFFFF, 0 },
    { "GICD_ICPENDR1", GICD_ICPENDR + 4, 4, DEV_REG_EFFECT, GIC_SPI_WORDS, 0, 0 },
    { "GICD_ISACTIVER1", GICD_ISACTIVER + 4, 4, DEV_REG_EFFECT, GIC_SPI_WORDS, 0xFFFFFFFF, 0 },
    { "GICD_ICACTIVER1", GICD_ICACTIVER + 4, 4, DEV_REG_EFFECT, GIC_SPI_WORDS, 0, 0 },
    { "GICD_IPRIORITYR8", GICD_IPRIORITYR + 32, 4, 0, GIC_SPIS / 4, 0xF8F8F8F8, 0 },
    { "GICD_ITARGETSR8", GICD_ITARGETSR + 32, 4, DEV_REG_EFFECT, GIC_SPIS / 4, 0, 0 },
    { "GICD_ICFGR2", GICD_ICFGR + 8, 4, 0, GIC_SPIS / 16, 0xAAAAAAAA, 0 },
    { "GICD_NSACR", GICD_NSACR, 4, 0, SPEC_LINES / 16, 0, 0 },
    { "GICD_SGIR", GICD_SGIR, 4, DEV_REG_WO | DEV_REG_EFFECT, 0, 0, 0 },
    { "GICD_IROUTER32", GICD_IROUTER + 8 * 32, 8, DEV_REG_EFFECT, GIC_SPIS, ROUTE_MASK, 0 },
    { 0 },
};

#define BANK_FIELDS(i)                                                                            \
    DEV_FIELD(gic, spi[i].group), DEV_FIELD(gic, spi[i].enabled), DEV_FIELD(gic, spi[i].pending), \
        DEV_FIELD(gic, spi[i].active), DEV_FIELD(gic, spi[i].level), DEV_FIELD(gic, spi[i].edge), \
        DEV_FIELD_ARRAY(gic, spi[i].priority)

_Static_assert(GIC_SPI_WORDS == 7, "a BANK_FIELDS for each");

/* The shared part; the CPUs' is gic_cpu_fields. */
static const struct dev_field dist_fields[] = {
    DEV_FIELD(gic, ctlr),
    BANK_FIELDS(0),
    BANK_FIELDS(1),
    BANK_FIELDS(2),
    BANK_FIELDS(3),
    BANK_FIELDS(4),
    BANK_FIELDS(5),
    BANK_FIELDS(6),
    DEV_FIELD_ARRAY(gic, route),
    DEV_FIELD_ARRAY(gic, any),
    DEV_FIELD_ARRAY(gic, any_cpu),
    { 0 },
};

const struct dev_ops gic_dist_ops = {
    .name = "gic_dist",
    .what = "Arm GIC distributor",
    .mmio_size = GICD_SIZE,
    .access_sizes = 1 | 4 | 8,
    .self_locked = true,
    .reset = dist_reset,
    .read = dist_read,
    .write = dist_write,
    .regs = dist_regs,
    .fields = dist_fields,
};
