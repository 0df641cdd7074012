/*
 * lists.c - what there is: boards, devices, CPU models, the devicetree, syndromes in
 * words.
 */
#include <stdlib.h>

#include "arch/esr.h"
#include "base/fmt.h"
#include "base/string.h"
#include "vmm/machine.h"

#define LINE_SIZE 300

/* ---- machines, cpus, devices ----------------------------------------------------------------- */

void hv_list_machines(enum lang lang, hv_line_fn *line, void *opaque)
{
    char text[LINE_SIZE];

    for (unsigned i = 0; boards[i] != NULL; i++) {
        enum msg_id what =
            boards[i] == &board_classic ? MSG_BOARD_CLASSIC_WHAT : MSG_BOARD_VIRT_WHAT;
        fmt_format(text, sizeof(text), "%-10s %s%s", boards[i]->name, msg_text(lang, what),
                   i == 0 ? msg_text(lang, MSG_LIST_DEFAULT) : "");
        line(opaque, text);
    }
}

void hv_list_cpus(enum lang lang, hv_line_fn *line, void *opaque)
{
    char text[LINE_SIZE];
    struct text t;
    const char *name;
    uint64_t bit;
    uint32_t host_bit;

    for (unsigned i = 0; soft_models[i].name != NULL; i++) {
        fmt_format(text, sizeof(text), "%-14s %s%s", soft_models[i].name, soft_models[i].what,
                   i == 0 ? msg_text(lang, MSG_LIST_DEFAULT) : "");
        line(opaque, text);
    }
    line(opaque, "");
    line(opaque, msg_text(lang, MSG_LIST_FEATURES));
    for (unsigned i = 0; (name = spec_cpu_feature(i, &bit)) != NULL; i++) {
        if (i % 8 == 0) {
            text_init(&t, text, sizeof(text));
            text_add(&t, " ");
        }
        text_add(&t, " %s", name);
        if (i % 8 == 7 || spec_cpu_feature(i + 1, &bit) == NULL) {
            line(opaque, text);
        }
    }
    line(opaque, msg_text(lang, MSG_LIST_HOST_FEATURES));
    text_init(&t, text, sizeof(text));
    text_add(&t, "  pmu pauth");
    for (unsigned i = 0; (name = spec_host_feature(i, &host_bit)) != NULL; i++) {
        text_add(&t, " %s", name);
    }
    line(opaque, text);
}

/* Interrupt numbers as the GIC counts them (INTID). */
static void add_interrupts(struct text *t, const struct board_row *row)
{
    for (unsigned i = 0; i < DEV_IRQS; i++) {
        if (row->spi[i] != 0) {
            text_add(t, "%sSPI %u", i == 0 ? "  " : ", ", row->spi[i] - 1);
        }
    }
}

static void line_range(hv_line_fn *line, void *opaque, uint64_t base, uint64_t size,
                       const char *name, const char *what, const struct board_row *row)
{
    const uint64_t end = base + size;
    char text[LINE_SIZE];
    struct text t;

    text_init(&t, text, sizeof(text));
    text_add(&t, "0x%010llx - 0x%010llx  %-14s %s", (unsigned long long)base,
             (unsigned long long)end, name, what);
    if (row != NULL) {
        add_interrupts(&t, row);
    }
    line(opaque, text);
}

enum status hv_list_devices(const struct hv_config *config, hv_line_fn *line, void *opaque,
                            struct err *err)
{
    const struct board *board = board_find(config->machine);
    unsigned gic = config_gic_version(config);
    const struct board_row *row;
    char text[LINE_SIZE];

    if (gic == 2 && config->cpus > GIC_V2_CPUS) {
        return err_set(err, ST_E_INVAL, MSG_GIC2_CPUS, (unsigned)config->cpus);
    }
    fmt_format(text, sizeof(text), msg_text((enum lang)config->lang, MSG_LIST_DEVICES), board->name,
               gic, (unsigned)config->cpus);
    line(opaque, text);
    line_range(line, opaque, board->flash_base, board->flash_size, "flash",
               msg_text((enum lang)config->lang, MSG_LIST_FLASH), NULL);
    for (unsigned i = 0; (row = board_row_at(board, gic, i)) != NULL; i++) {
        uint64_t size = row->ops == &gicv3_redist_ops ? (uint64_t)row->ops->mmio_size * config->cpus
                                                      : board_row_size(row);
        line_range(line, opaque, row->base, size, row->ops->name, row->ops->what, row);
    }
    const char *ram = msg_text((enum lang)config->lang, MSG_LIST_RAM);
    if (config->memory != 0) {
        line_range(line, opaque, board->ram_base, config->memory, "ram", ram, NULL);
    } else {
        fmt_format(text, sizeof(text), "0x%010llx - %-12s  %-14s %s",
                   (unsigned long long)board->ram_base, "", "ram", ram);
        line(opaque, text);
    }
    return ST_OK;
}

/* ---- explain --------------------------------------------------------------------------------- */

void hv_explain(uint64_t esr, hv_line_fn *line, void *opaque)
{
    char text[4096];
    char *start = text;

    esr_explain(esr, text, sizeof(text));
    for (char *p = text; *p != 0; p++) {
        if (*p == '\n') {
            *p = 0;
            line(opaque, start);
            start = p + 1;
        }
    }
    if (*start != 0) {
        line(opaque, start);
    }
}

/* ---- dtb ------------------------------------------------------------------------------------- */

static enum status copy_dtb(const struct boot_plan *plan, uint8_t **bytes, size_t *len,
                            struct err *err)
{
    *bytes = malloc((size_t)plan->dtb.len);
    if (*bytes == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    memcpy(*bytes, plan->dtb.bytes, (size_t)plan->dtb.len);
    *len = (size_t)plan->dtb.len;
    return ST_OK;
}

/* The devicetree of the machine as it would be built, console and guest left out. */
enum status hv_make_dtb(const struct hv_config *config, uint8_t **bytes, size_t *len,
                        struct err *err)
{
    const struct hv_host nobody = { .line = NULL };
    struct hv_config quiet;
    struct hv_machine *m = NULL;
    struct boot_request request;
    struct boot_plan plan;
    enum status st = config_copy(&quiet, config, err);

    if (st != ST_OK) {
        return st;
    }
    if ((st = hv_config_set(&quiet, "console", "none", err)) == ST_OK) {
        st = hv_machine_create(&m, &quiet, &nobody, err);
    }
    hv_config_fini(&quiet);
    if (st != ST_OK) {
        return st;
    }
    guest_request(m, m->vm.config.ram_size, m->vm.mpidr, m->vm.config.cpus, &request);
    st = boot_dtb_make(&request, &plan, err);
    if (st == ST_OK) {
        st = copy_dtb(&plan, bytes, len, err);
        boot_plan_fini(&plan);
    }
    hv_machine_destroy(m);
    return st;
}
