/*
 * config.c - a configuration: defaults, one option at a time, and what does not go together.
 */
#include <stdlib.h>

#include "base/bits.h"
#include "base/compiler.h"
#include "base/string.h"
#include "boot.h"
#include "vm.h"
#include "vmm/internal.h"
#include "vmm/spec.h"

/* ---- Members by row -------------------------------------------------------------------------- */

void *config_member(struct hv_config *config, const struct hv_option *option)
{
    return (char *)config + option->offset;
}

const void *config_member_const(const struct hv_config *config, const struct hv_option *option)
{
    return (const char *)config + option->offset;
}

static char *copy_text(const char *text)
{
    size_t size = str_len(text) + 1;
    char *copy = malloc(size);

    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

static enum status set_text(char **member, const char *text, struct err *err)
{
    char *copy = copy_text(text);

    if (copy == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    free(*member);
    *member = copy;
    return ST_OK;
}

static enum status list_add(struct hv_list *list, const char *text, struct err *err)
{
    char **more = realloc(list->item, (list->count + 1) * sizeof(*more));
    char *copy = copy_text(text);

    if (more != NULL) {
        list->item = more;
    }
    if (more == NULL || copy == NULL) {
        free(copy);
        return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    list->item[list->count++] = copy;
    return ST_OK;
}

static void list_clear(struct hv_list *list)
{
    for (unsigned i = 0; i < list->count; i++) {
        free(list->item[i]);
    }
    free(list->item);
    *list = (struct hv_list){ NULL, 0 };
}

/* ---- Setting --------------------------------------------------------------------------------- */

static enum status set_number(const struct hv_option *o, uint64_t *member, const char *text,
                              struct err *err)
{
    uint64_t value;

    if (!spec_number(text, &value)) {
        return err_set(err, ST_E_INVAL, MSG_BAD_NUMBER, o->name, text);
    }
    if (value < o->min || value > o->max) {
        return o->max == UINT64_MAX
                   ? err_set(err, ST_E_RANGE, MSG_NUMBER_LOW, o->name, text,
                             (unsigned long long)o->min)
                   : err_set(err, ST_E_RANGE, MSG_NUMBER_RANGE, o->name, text,
                             (unsigned long long)o->min, (unsigned long long)o->max);
    }
    *member = value;
    return ST_OK;
}

static enum status set_size(const struct hv_option *o, uint64_t *member, const char *text,
                            struct err *err)
{
    uint64_t value;

    if (!spec_size(text, &value)) {
        return err_set(err, ST_E_INVAL, MSG_BAD_SIZE, o->name, text);
    }
    if (value < o->min || value > o->max || !is_aligned(value, 4096)) {
        return err_set(err, ST_E_RANGE, MSG_SIZE_RANGE, o->name, text,
                       (unsigned long long)(o->min >> 20), (unsigned long long)(o->max >> 30));
    }
    *member = value;
    return ST_OK;
}

static enum status set_choice(const struct hv_option *o, uint64_t *member, const char *text,
                              struct err *err)
{
    for (unsigned i = 0; o->choices[i] != NULL; i++) {
        if (str_eq(o->choices[i], text)) {
            *member = i;
            return ST_OK;
        }
    }
    return err_set(err, ST_E_INVAL, MSG_BAD_CHOICE, o->name, text, o->arg);
}

static enum status set_value(struct hv_config *config, const struct hv_option *o, const char *text,
                             struct err *err)
{
    void *member = config_member(config, o);
    enum status st = o->check != NULL ? o->check(text, err) : ST_OK;

    if (st != ST_OK) {
        return st;
    }
    switch (o->kind) {
    case HV_NUMBER: return set_number(o, member, text, err);
    case HV_SIZE: return set_size(o, member, text, err);
    case HV_CHOICE: return set_choice(o, member, text, err);
    case HV_TEXT: return set_text(member, text, err);
    case HV_LIST: return list_add(member, text, err);
    case HV_ADDRESS:
        return spec_number(text, member) ? ST_OK
                                         : err_set(err, ST_E_INVAL, MSG_BAD_ADDRESS, o->name, text);
    case HV_SECONDS:
        return spec_seconds(text, member)
                   ? ST_OK
                   : err_set(err, ST_E_INVAL, MSG_BAD_SECONDS, o->name, text);
    default: return err_set(err, ST_E_NOENT, MSG_OPTION_UNKNOWN, o->name);
    }
}

enum status hv_config_set(struct hv_config *config, const char *name, const char *text,
                          struct err *err)
{
    const struct hv_option *o = hv_option_find(name);

    if (o == NULL || o->kind == HV_ACTION) {
        return err_set(err, ST_E_NOENT, MSG_OPTION_UNKNOWN, name);
    }
    if (text == NULL && !o->arg_optional) {
        return err_set(err, ST_E_INVAL, MSG_OPTION_NEEDS, o->name, o->arg);
    }
    return set_value(config, o, text != NULL ? text : "", err);
}

void hv_config_init(struct hv_config *config, enum lang lang)
{
    struct err err = { .lang = lang };

    memset(config, 0, sizeof(*config));
    config->entry = HV_NONE;
    for (const struct hv_option *o = hv_options; o->name != NULL; o++) {
        if (o->initial != NULL) {
            (void)set_value(config, o, o->initial, &err);
        }
    }
    config->lang = lang;
}

void hv_config_fini(struct hv_config *config)
{
    for (const struct hv_option *o = hv_options; o->name != NULL; o++) {
        if (o->kind == HV_TEXT) {
            char **text = config_member(config, o);
            free(*text);
            *text = NULL;
        } else if (o->kind == HV_LIST) {
            list_clear(config_member(config, o));
        }
    }
}

static enum status copy_member(struct hv_config *to, const struct hv_config *from,
                               const struct hv_option *o, struct err *err)
{
    const void *member = config_member_const(from, o);

    if (o->kind == HV_TEXT) {
        const char *text = *(char *const *)member;
        return text != NULL ? set_text(config_member(to, o), text, err) : ST_OK;
    }
    if (o->kind == HV_LIST) {
        const struct hv_list *list = member;
        enum status st = ST_OK;
        for (unsigned i = 0; st == ST_OK && i < list->count; i++) {
            st = list_add(config_member(to, o), list->item[i], err);
        }
        return st;
    }
    *(uint64_t *)config_member(to, o) = *(const uint64_t *)member;
    return ST_OK;
}

enum status config_copy(struct hv_config *to, const struct hv_config *from, struct err *err)
{
    enum status st = ST_OK;

    memset(to, 0, sizeof(*to));
    to->demo = from->demo;
    for (const struct hv_option *o = hv_options; st == ST_OK && o->name != NULL; o++) {
        st = o->kind != HV_ACTION ? copy_member(to, from, o, err) : ST_OK;
    }
    if (st != ST_OK) {
        hv_config_fini(to);
    }
    return st;
}

/* ---- What does not go together --------------------------------------------------------------- */

unsigned config_gic_version(const struct hv_config *config)
{
    if (config->gic != 0) {
        return (unsigned)config->gic + 1;
    }
    return str_eq(config->machine, "classic") && config->cpus <= GIC_V2_CPUS ? 2 : 3;
}

bool config_is_builtin(const struct hv_config *config)
{
    return config->kernel == NULL && config->load.count == 0;
}

static enum status check_builtin(const struct hv_config *config, struct err *err)
{
    static const char *const needs_kernel[] = { "initrd", "append", "dtb", "entry" };
    const bool given[] = { config->initrd != NULL, config->append != NULL, config->dtb != NULL,
                           config->entry != HV_NONE };

    for (unsigned i = 0; i < ARRAY_SIZE(given); i++) {
        if (given[i]) {
            return err_set(err, ST_E_INVAL, MSG_NEEDS_KERNEL, needs_kernel[i]);
        }
    }
    return ST_OK;
}

enum status hv_config_check(const struct hv_config *config, struct err *err)
{
    if (config_gic_version(config) == 2 && config->cpus > GIC_V2_CPUS) {
        return err_set(err, ST_E_INVAL, MSG_GIC2_CPUS, (unsigned)config->cpus);
    }
    struct vm_jit jit = { .off = false };
    spec_accel_jit(config->accel, &jit);
    if (jit.diverge && config->cpus != 1) {
        return err_set(err, ST_E_INVAL, MSG_DIVERGE_CPUS, (unsigned)config->cpus);
    }
    if (config->load.count > BOOT_LOADS_MAX) {
        return err_set(err, ST_E_INVAL, MSG_LOADS_MANY, BOOT_LOADS_MAX);
    }
    if (config->kernel == NULL && config->initrd != NULL && config->load.count != 0) {
        return err_set(err, ST_E_INVAL, MSG_NEEDS_KERNEL, "initrd");
    }
    return config_is_builtin(config) ? check_builtin(config, err) : ST_OK;
}
