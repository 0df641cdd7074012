/*
 * stats.c - what happened, in figures: a table for people, JSON for programs. No vCPU runs, or the
 * figures are a little old.
 *
 * Both forms print the same rows; a row is a name and one figure per CPU.
 */
#include <jansson.h>
#include <stdlib.h>

#include "arch/esr.h"
#include "base/fmt.h"
#include "base/string.h"
#include "vmm/machine.h"

#define ROWS_MAX 400

struct row {
    const char *group; /* key in JSON: "exits", "traps", "exceptions", "mmio", "cpu", "calls" */
    const char *key;   /* in JSON                                                    */
    const char *name;  /* for people                                                 */
    char text[64];     /* room for a made name                                       */
    uint64_t value[VM_CPUS_MAX], total;
    bool unknown; /* not counted: no 0 */
};

struct table {
    struct row row[ROWS_MAX];
    unsigned rows, cpus;
};

static struct row *row_add(struct table *t, const char *group, const char *key, const char *name)
{
    struct row *row = &t->row[t->rows];

    t->rows += t->rows < ROWS_MAX - 1;
    row->group = group;
    row->key = key;
    row->name = name;
    return row;
}

static void row_set(struct row *row, unsigned cpu, uint64_t value)
{
    row->value[cpu] = value;
    row->total += value;
}

static void add_exits(struct table *t, const struct vm *vm)
{
    for (unsigned kind = 0; kind < EXIT_KINDS; kind++) {
        struct row *row = row_add(t, "exits", exit_kind_name((enum exit_kind)kind),
                                  exit_kind_name((enum exit_kind)kind));
        for (unsigned cpu = 0; cpu < t->cpus; cpu++) {
            row_set(row, cpu, vm->vcpu[cpu].exits[kind]);
        }
    }
}

static struct row *row_add_class(struct table *t, const char *group, unsigned ec)
{
    struct row *row = row_add(t, group, NULL, NULL);

    fmt_format(row->text, sizeof(row->text), "0x%02x %s", ec, esr_ec_name(ec));
    row->key = row->name = row->text;
    return row;
}

/* Classes that never happened are left out: there are 64. */
static void drop_if_zero(struct table *t, struct row *row)
{
    if (row->total == 0 && row == &t->row[t->rows - 1]) {
        memset(row, 0, sizeof(*row));
        t->rows--;
    }
}

static void add_classes(struct table *t, const struct vm *vm, const struct accel_stats *stats)
{
    for (unsigned ec = 0; ec < 64; ec++) {
        struct row *row = row_add_class(t, "traps", ec);
        for (unsigned cpu = 0; cpu < t->cpus; cpu++) {
            row_set(row, cpu, vm->vcpu[cpu].exits_by_ec[ec]);
        }
        drop_if_zero(t, row);
    }
    for (unsigned ec = 0; ec < 64; ec++) {
        struct row *row = row_add_class(t, "exceptions", ec);
        for (unsigned cpu = 0; cpu < t->cpus; cpu++) {
            row_set(row, cpu, stats[cpu].exceptions[ec]);
        }
        drop_if_zero(t, row);
    }
}

static void add_mmio(struct table *t, const struct vm *vm)
{
    struct row *reads = row_add(t, "mmio", "reads", "reads");
    struct row *writes = row_add(t, "mmio", "writes", "writes");
    struct row *unknown = row_add(t, "mmio", "unknown", "unknown registers");
    struct row *psci = row_add(t, "cpu", "psci_calls", "PSCI and SMCCC calls");

    for (unsigned cpu = 0; cpu < t->cpus; cpu++) {
        row_set(reads, cpu, vm->vcpu[cpu].mmio_reads);
        row_set(writes, cpu, vm->vcpu[cpu].mmio_writes);
        row_set(unknown, cpu, vm->vcpu[cpu].mmio_unknown);
        row_set(psci, cpu, vm->vcpu[cpu].psci_calls);
    }
}

static void add_counters(struct table *t, const struct accel_stats *stats, bool counted)
{
    static const struct {
        const char *key, *name;
        size_t offset;
    } counter[] = {
#define COUNTER(name, what) { #name, what, offsetof(struct accel_stats, name) },
#include "base/counters_accel.def"
#undef COUNTER
    };

    for (unsigned i = 0; i < sizeof(counter) / sizeof(counter[0]); i++) {
        struct row *row = row_add(t, "cpu", counter[i].key, counter[i].name);
        row->unknown = !counted && counter[i].offset == offsetof(struct accel_stats, insns);
        for (unsigned cpu = 0; cpu < t->cpus; cpu++) {
            row_set(row, cpu, *(const uint64_t *)((const char *)&stats[cpu] + counter[i].offset));
        }
    }
}

/* What each CPU called most often: a row for every name that one of them has. */
static void add_calls(struct table *t, const struct accel_stats *stats)
{
    for (unsigned cpu = 0; cpu < t->cpus; cpu++) {
        for (unsigned i = 0; i < ACCEL_CALLS && stats[cpu].calls[i].name != NULL; i++) {
            const char *name = stats[cpu].calls[i].name;
            struct row *row = NULL;
            for (unsigned n = 0; n < t->rows && row == NULL; n++) {
                bool same = str_eq(t->row[n].group, "calls") && str_eq(t->row[n].key, name);
                row = same ? &t->row[n] : NULL;
            }
            row_set(row != NULL ? row : row_add(t, "calls", name, name), cpu,
                    stats[cpu].calls[i].count);
        }
    }
}

/* The software CPU's translated code counts only where somebody has asked; hardware back ends cannot. */
static bool counts_insns(const struct hv_machine *m)
{
    const struct vm_config *config = &m->vm.config;

    return m->vm.caps.limits_insns &&
           (config->jit.count || config->max_insns != 0 || config->jit.off || config->jit.diverge ||
            !accel_soft_translates);
}

static struct accel_stats *accel_figures(struct hv_machine *m)
{
    struct vm *vm = &m->vm;
    struct accel_stats *stats = calloc(vm->config.cpus, sizeof(*stats));

    for (unsigned cpu = 0; stats != NULL && cpu < vm->config.cpus; cpu++) {
        vm->config.accel->stats(&vm->vcpu[cpu], &stats[cpu]);
        stats[cpu].insns =
            counts_insns(m) ? stats[cpu].insns : 0; /* those since a guest's PMU did */
    }
    return stats;
}

static struct table *collect(struct hv_machine *m)
{
    struct table *t = calloc(1, sizeof(*t));
    struct accel_stats *stats = accel_figures(m);

    if (t == NULL || stats == NULL) {
        free(t);
        free(stats);
        return NULL;
    }
    t->cpus = m->vm.config.cpus;
    add_counters(t, stats, counts_insns(m));
    add_mmio(t, &m->vm);
    add_exits(t, &m->vm);
    add_classes(t, &m->vm, stats);
    add_calls(t, stats);
    free(stats);
    return t;
}

uint64_t stats_insns(struct hv_machine *m)
{
    struct accel_stats *stats = accel_figures(m);
    uint64_t total = 0;

    for (unsigned cpu = 0; stats != NULL && cpu < m->vm.config.cpus; cpu++) {
        total += stats[cpu].insns;
    }
    free(stats);
    return total;
}

/* ---- Table ----------------------------------------------------------------------------------- */

#define CPU_COLUMNS 8

static const char *group_title(struct hv_machine *m, const char *group)
{
    static const struct {
        const char *group;
        enum msg_id id;
    } title[] = {
        { "exits", MSG_STATS_EXITS },           { "traps", MSG_STATS_TRAPS },
        { "exceptions", MSG_STATS_EXCEPTIONS }, { "mmio", MSG_STATS_MMIO },
        { "calls", MSG_STATS_CALLS },
    };

    for (unsigned i = 0; i < sizeof(title) / sizeof(title[0]); i++) {
        if (str_eq(title[i].group, group)) {
            return msg_text(m->vm.ports.lang, title[i].id);
        }
    }
    return "CPU";
}

static void say_row(struct hv_machine *m, const struct table *t, const struct row *row)
{
    char line[320];
    struct text text;
    unsigned columns = t->cpus > 1 ? t->cpus < CPU_COLUMNS ? t->cpus : CPU_COLUMNS : 0;

    text_init(&text, line, sizeof(line));
    if (row->unknown) {
        text_add(&text, "  %-46s ", row->name);
        text_add(&text,
                 msg_text(m->vm.ports.lang,
                          m->vm.caps.limits_insns ? MSG_STATS_NOT_ASKED : MSG_STATS_CANNOT),
                 m->vm.config.accel->name);
    } else {
        text_add(&text, "  %-46s %16llu", row->name, (unsigned long long)row->total);
    }
    for (unsigned cpu = 0; !row->unknown && cpu < columns; cpu++) {
        text_add(&text, " %14llu", (unsigned long long)row->value[cpu]);
    }
    logger_say(&m->logger, HV_LINE_ERR, line);
}

/* Group by group; rows of one group may stand apart in the table. */
static void say_group(struct hv_machine *m, const struct table *t, const char *group)
{
    bool titled = false;

    for (unsigned i = 0; i < t->rows; i++) {
        if (!str_eq(t->row[i].group, group) || (t->row[i].total == 0 && !t->row[i].unknown)) {
            continue;
        }
        if (!titled) {
            logger_say(&m->logger, HV_LINE_ERR, group_title(m, group));
            titled = true;
        }
        say_row(m, t, &t->row[i]);
    }
}

void stats_table(struct hv_machine *m)
{
    static const char *const groups[] = { "cpu", "calls", "mmio", "exits", "traps", "exceptions" };
    struct table *t = collect(m);
    uint64_t run_ms = (m->run_ns != 0 ? m->run_ns : host_now_ns() - m->start_ns) / 1000000;
    char line[160];

    if (t == NULL) {
        return;
    }
    fmt_format(line, sizeof(line), msg_text(m->vm.ports.lang, MSG_STATS_TITLE),
               (unsigned long long)(run_ms / 1000), (unsigned long long)(run_ms % 1000));
    logger_say(&m->logger, HV_LINE_ERR, line);
    for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        say_group(m, t, groups[i]);
    }
    free(t);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *group_object(json_t *root, const char *group)
{
    json_t *object = json_object_get(root, group);

    if (object == NULL) {
        object = json_object();
        json_object_set_new(root, group, object);
    }
    return object;
}

static void save_row(json_t *root, const struct table *t, const struct row *row)
{
    if (row->unknown) {
        json_object_set_new(group_object(root, row->group), row->key, json_null());
        return;
    }
    json_t *object = json_object();
    json_t *per_cpu = json_array();

    for (unsigned cpu = 0; cpu < t->cpus; cpu++) {
        json_array_append_new(per_cpu, json_integer((json_int_t)row->value[cpu]));
    }
    json_object_set_new(object, "total", json_integer((json_int_t)row->total));
    json_object_set_new(object, "per_cpu", per_cpu);
    json_object_set_new(group_object(root, row->group), row->key, object);
}

enum status stats_json(struct hv_machine *m, const char *file, struct err *err)
{
    struct table *t = collect(m);
    json_t *root = json_object();
    char *text = NULL;
    enum status st;

    if (t != NULL && root != NULL) {
        json_object_set_new(root, "run_ns", json_integer((json_int_t)m->run_ns));
        json_object_set_new(root, "accel", json_string(m->vm.config.accel->name));
        json_object_set_new(root, "cpus", json_integer(t->cpus));
        for (unsigned i = 0; i < t->rows; i++) {
            save_row(root, t, &t->row[i]);
        }
        text = json_dumps(root, JSON_INDENT(1));
    }
    st = text != NULL ? host_file_write(file, text, str_len(text), err)
                      : err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    free(text);
    json_decref(root);
    free(t);
    return st;
}
