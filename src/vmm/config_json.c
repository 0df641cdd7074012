/*
 * config_json.c - a configuration as vm.json and back.
 *
 *   { "cpus": 2, "memory": "512M", "kernel": "Image",
 *     "load": ["blob.bin@0x41000000"], "stats": true }
 *
 * Keys are option names; a value is what one would type, as text or number. Only what differs from
 * the default is written. The path in a message is where the value stands: "load[1]".
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/fmt.h"
#include "base/string.h"
#include "vmm/internal.h"

/* ---- Reading --------------------------------------------------------------------------------- */

static enum status load_scalar(struct hv_config *config, const struct hv_option *o,
                               const char *path, const json_t *value, const char *name,
                               struct err *err)
{
    struct err inner = { .lang = err->lang };
    char number[32];
    const char *text = NULL;
    enum status st;

    if (json_is_string(value)) {
        text = json_string_value(value);
    } else if (json_is_integer(value) && json_integer_value(value) >= 0) {
        fmt_format(number, sizeof(number), "%llu", (unsigned long long)json_integer_value(value));
        text = number;
    } else if (json_is_real(value) && o->kind == HV_SECONDS && json_real_value(value) >= 0 &&
               json_real_value(value) < 1e9) {
        double seconds = json_real_value(value);
        unsigned long long whole = (unsigned long long)seconds;
        fmt_format(number, sizeof(number), "%llu.%09llu", whole,
                   (unsigned long long)((seconds - (double)whole) * 1e9));
        text = number;
    } else if (!(json_is_true(value) && o->arg_optional)) {
        return err_set(err, ST_E_FORMAT, MSG_JSON_TYPE, name, path, o->arg);
    }
    st = hv_config_set(config, o->name, text, &inner);
    return st == ST_OK ? ST_OK : err_set(err, st, MSG_JSON_VALUE, name, path, inner.text);
}

static enum status load_list(struct hv_config *config, const struct hv_option *o,
                             const json_t *array, const char *name, struct err *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; st == ST_OK && i < json_array_size(array); i++) {
        char path[64];
        fmt_format(path, sizeof(path), "%s[%zu]", o->name, i);
        st = load_scalar(config, o, path, json_array_get(array, i), name, err);
    }
    return st;
}

static enum status load_key(struct hv_config *config, const char *key, const json_t *value,
                            const char *name, struct err *err)
{
    const struct hv_option *o = hv_option_find(key);

    if (o == NULL || o->kind == HV_ACTION) {
        const char *nearest = hv_option_nearest(key);
        return nearest != NULL ? err_set(err, ST_E_FORMAT, MSG_JSON_KEY_NEAR, name, key, nearest)
                               : err_set(err, ST_E_FORMAT, MSG_JSON_KEY, name, key);
    }
    if (o->kind == HV_LIST && json_is_array(value)) {
        return load_list(config, o, value, name, err);
    }
    return load_scalar(config, o, key, value, name, err);
}

enum status hv_config_load(struct hv_config *config, const char *json, size_t len, const char *name,
                           struct err *err)
{
    struct err unused = { .lang = LANG_EN };
    json_error_t where;
    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &where);
    const char *key;
    json_t *value;
    enum status st = ST_OK;

    err = err != NULL ? err : &unused;
    if (root == NULL) {
        return err_set(err, ST_E_FORMAT, MSG_JSON_SYNTAX, name,
                       where.line > 0 ? (unsigned)where.line : 1, where.text);
    }
    if (!json_is_object(root)) {
        st = err_set(err, ST_E_FORMAT, MSG_JSON_OBJECT, name);
    } else {
        json_object_foreach(root, key, value)
        {
            if ((st = load_key(config, key, value, name, err)) != ST_OK) {
                break;
            }
        }
    }
    json_decref(root);
    return st;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* The largest unit that divides a size. */
static json_t *save_size(uint64_t bytes)
{
    static const char units[] = "KMGT";
    char text[32];
    unsigned unit = 0;

    while (unit < 4 && bytes != 0 && (bytes & 1023) == 0) {
        bytes >>= 10;
        unit++;
    }
    fmt_format(text, sizeof(text), unit != 0 ? "%llu%c" : "%llu", (unsigned long long)bytes,
               unit != 0 ? units[unit - 1] : 0);
    return json_string_nocheck(text);
}

static json_t *save_seconds(uint64_t ns)
{
    char text[40];

    if (ns % 1000000000 == 0) {
        return json_integer((json_int_t)(ns / 1000000000));
    }
    fmt_format(text, sizeof(text), "%llu.%09llu", (unsigned long long)(ns / 1000000000),
               (unsigned long long)(ns % 1000000000));
    return json_string_nocheck(text);
}

/* Numbers that JSON's readers may not hold go as text. */
static json_t *save_number(uint64_t value)
{
    char text[32];

    if (value <= INT64_MAX) {
        return json_integer((json_int_t)value);
    }
    fmt_format(text, sizeof(text), "%llu", (unsigned long long)value);
    return json_string_nocheck(text);
}

static json_t *save_text(const struct hv_option *o, const char *text)
{
    if (text == NULL || (o->initial != NULL && str_eq(o->initial, text))) {
        return NULL;
    }
    return o->arg_optional && text[0] == 0 ? json_true() : json_string_nocheck(text);
}

static json_t *save_list(const struct hv_list *list)
{
    json_t *array = list->count != 0 ? json_array() : NULL;

    for (unsigned i = 0; array != NULL && i < list->count; i++) {
        json_array_append_new(array, json_string_nocheck(list->item[i]));
    }
    return array;
}

static json_t *save_address(uint64_t value)
{
    char text[32];

    fmt_format(text, sizeof(text), "0x%llx", (unsigned long long)value);
    return json_string_nocheck(text);
}

/* NULL: it has its default. */
static json_t *save_option(const struct hv_config *config, const struct hv_config *defaults,
                           const struct hv_option *o)
{
    const void *member = config_member_const(config, o);
    uint64_t value = 0;

    switch (o->kind) {
    case HV_ACTION: return NULL;
    case HV_TEXT: return save_text(o, *(char *const *)member);
    case HV_LIST: return save_list(member);
    default: break;
    }
    value = *(const uint64_t *)member;
    if (value == *(const uint64_t *)config_member_const(defaults, o) && !str_eq(o->name, "lang")) {
        return NULL;
    }
    switch (o->kind) {
    case HV_CHOICE: return json_string(o->choices[value]);
    case HV_SIZE: return save_size(value);
    case HV_SECONDS: return save_seconds(value);
    case HV_ADDRESS: return save_address(value);
    default: return save_number(value);
    }
}

char *hv_config_save(const struct hv_config *config)
{
    struct hv_config defaults;
    json_t *root = json_object();
    char *text;

    hv_config_init(&defaults, LANG_EN);
    for (const struct hv_option *o = hv_options; root != NULL && o->name != NULL; o++) {
        json_t *value = save_option(config, &defaults, o);
        if (value != NULL) {
            json_object_set_new(root, o->name, value);
        }
    }
    hv_config_fini(&defaults);
    text = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    return text;
}
