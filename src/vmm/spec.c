/*
 * spec.c - option texts that have an inside; see spec.h.
 */
#include "vmm/spec.h"

#include "base/bits.h"
#include "base/compiler.h"
#include "base/fmt.h"
#include "base/string.h"
#include "devices.h"

/* ---- Numbers --------------------------------------------------------------------------------- */

static unsigned digit(char c)
{
    return c >= '0' && c <= '9'   ? (unsigned)(c - '0')
           : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
           : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                  : 99;
}

/* Digits from *text on; moves *text behind them. False: none, or too many. */
static bool number_part(const char **text, unsigned base, uint64_t *value)
{
    const char *p = *text;
    uint64_t v = 0;

    for (; digit(*p) < base; p++) {
        if (v > (UINT64_MAX - digit(*p)) / base) {
            return false;
        }
        v = v * base + digit(*p);
    }
    if (p == *text) {
        return false;
    }
    *text = p;
    *value = v;
    return true;
}

/* A number at the front, 0x or decimal. */
static bool number_front(const char **text, uint64_t *value)
{
    if ((*text)[0] == '0' && ((*text)[1] == 'x' || (*text)[1] == 'X')) {
        *text += 2;
        return number_part(text, 16, value);
    }
    return number_part(text, 10, value);
}

bool spec_number(const char *text, uint64_t *value)
{
    uint64_t v;

    if (!number_front(&text, &v) || *text != 0) {
        return false;
    }
    *value = v;
    return true;
}

bool spec_size(const char *text, uint64_t *value)
{
    static const char units[] = "KMGT";
    uint64_t v;
    unsigned shift = 0;

    if (!number_front(&text, &v)) {
        return false;
    }
    for (unsigned i = 0; units[i] != 0; i++) {
        if (*text == units[i] || *text == units[i] + ('a' - 'A')) {
            shift = 10 * (i + 1);
        }
    }
    text += shift != 0;
    if (*text != 0 || (v << shift) >> shift != v) {
        return false;
    }
    *value = v << shift;
    return true;
}

bool spec_seconds(const char *text, uint64_t *ns)
{
    uint64_t v = 0, fraction = 0, scale = 1000000000;

    if (*text != '.' && !number_part(&text, 10, &v)) {
        return false;
    }
    if (*text == '.') {
        text++;
        for (; digit(*text) < 10 && scale > 1; text++) {
            scale /= 10;
            fraction += digit(*text) * scale;
        }
    }
    if (*text != 0 || v > (UINT64_MAX - 1000000000) / 1000000000) {
        return false;
    }
    *ns = v * 1000000000 + fraction;
    return true;
}

/* ---- Words separated by commas --------------------------------------------------------------- */

/* Copies the next word of a list and steps over its comma. False at the end, or when
 * the word is too long. */
static bool next_word(const char **list, char *word, size_t size)
{
    size_t n = 0;

    if (*list == NULL) {
        return false;
    }
    while ((*list)[n] != 0 && (*list)[n] != ',') {
        n++;
    }
    if (n >= size) {
        return false;
    }
    memcpy(word, *list, n);
    word[n] = 0;
    *list = (*list)[n] == ',' ? *list + n + 1 : NULL;
    return true;
}

/* Splits "name=value" at the '='; value is NULL if there is none. */
static char *split_value(char *word)
{
    for (; *word != 0; word++) {
        if (*word == '=') {
            *word = 0;
            return word + 1;
        }
    }
    return NULL;
}

static bool parse_on_off(const char *text, bool *on)
{
    *on = text != NULL && str_eq(text, "on");
    return *on || (text != NULL && str_eq(text, "off"));
}

/* ---- --accel --------------------------------------------------------------------------------- */

/* One "name=value" of the software CPU. */
static bool parse_jit(const char *name, const char *value, struct vm_jit *jit)
{
    uint64_t heat;
    bool on;

    if (value != NULL && str_eq(name, "heat") && spec_number(value, &heat) && heat >= 1 &&
        heat <= JIT_HEAT_MAX) {
        jit->heat = (unsigned)heat;
        return true;
    }
    if (value != NULL && str_eq(name, "jit") && str_eq(value, "diverge")) {
        jit->off = false;
        jit->diverge = true;
        return true;
    }
    if (!str_eq(name, "jit") || !parse_on_off(value, &on)) {
        return false;
    }
    jit->off = !on;
    return true;
}

enum status spec_accel(const char *text, const struct accel_ops **out, struct err *err)
{
    const char *rest = text;
    char word[32];

    if (!next_word(&rest, word, sizeof(word))) {
        return err_set(err, ST_E_INVAL, MSG_ACCEL_UNKNOWN, text);
    }
    const struct accel_ops *accel = accel_find(word);
    if (accel == NULL && (str_eq(word, "kvm") || str_eq(word, "whp"))) {
        return err_set(err, ST_E_NOTSUP, MSG_ACCEL_NOT_BUILT, word);
    }
    if (accel == NULL && !str_eq(word, "auto")) {
        return err_set(err, ST_E_INVAL, MSG_ACCEL_UNKNOWN, text);
    }
    while (rest != NULL) {
        struct vm_jit jit = { .off = true };
        if (!next_word(&rest, word, sizeof(word)) || !parse_jit(word, split_value(word), &jit)) {
            return err_set(err, ST_E_INVAL, MSG_ACCEL_UNKNOWN, text);
        }
        if (!jit.off && !accel_soft_translates) {
            return err_set(err, ST_E_NOTSUP, MSG_ACCEL_NO_JIT);
        }
    }
    if (out != NULL) {
        *out = accel;
    }
    return ST_OK;
}

void spec_accel_jit(const char *text, struct vm_jit *jit)
{
    const char *rest = text;
    char word[32];

    while (rest != NULL && next_word(&rest, word, sizeof(word))) {
        char *value = split_value(word);
        parse_jit(word, value, jit);
    }
}

/* ---- --cpu ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum a64_feat feat;
} cpu_features[] = {
#define FEATURE(name, option, what, tests) { option, A64_FEAT_##name },
#include "arch/a64_features.def"
#undef FEATURE
};

/* What the software CPU can do is what its most capable models have. */
static uint64_t possible_features(void)
{
    uint64_t all = soft_extra_features;

    for (unsigned i = 0; soft_models[i].name != NULL; i++) {
        all |= soft_models[i].features;
    }
    return all;
}

const char *spec_cpu_feature(unsigned i, uint64_t *bit)
{
    uint64_t possible = possible_features();

    for (unsigned n = 0; n < ARRAY_SIZE(cpu_features); n++) {
        *bit = BIT(cpu_features[n].feat);
        if (cpu_features[n].name != NULL && (possible & *bit) != 0 && i-- == 0) {
            return cpu_features[n].name;
        }
    }
    return NULL;
}

static const char *nearest_model(const char *name)
{
    const char *list[32];
    unsigned n = 0;

    while (n < ARRAY_SIZE(list) - 1 && soft_models[n].name != NULL) {
        list[n] = soft_models[n].name;
        n++;
    }
    list[n] = NULL;
    const char *near_name = hv_nearest(name, list);
    return near_name != NULL ? near_name : soft_models[0].name;
}

const char *spec_host_feature(unsigned i, uint32_t *bit)
{
    static const struct {
        const char *name;
        enum accel_feature feature;
    } features[] = { { "sve", ACCEL_SVE }, { "el2", ACCEL_EL2 }, { "steal", ACCEL_STEAL } };

    if (i >= ARRAY_SIZE(features)) {
        return NULL;
    }
    *bit = features[i].feature;
    return features[i].name;
}

static bool host_feature(const char *name, bool on, struct cpu_spec *spec)
{
    const char *known;
    uint32_t bit;

    for (unsigned i = 0; (known = spec_host_feature(i, &bit)) != NULL; i++) {
        if (str_eq(known, name)) {
            spec->host_on = on ? spec->host_on | bit : spec->host_on & ~bit;
            spec->host_off = on ? spec->host_off & ~bit : spec->host_off | bit;
            return true;
        }
    }
    return false;
}

static enum status cpu_feature(char *word, struct cpu_spec *spec, struct err *err)
{
    const char *value = split_value(word);
    const char *name;
    uint64_t bit;
    bool on;

    if (!parse_on_off(value, &on)) {
        return err_set(err, ST_E_INVAL, MSG_CPU_ON_OFF, word);
    }
    for (unsigned i = 0; (name = spec_cpu_feature(i, &bit)) != NULL; i++) {
        if (str_eq(name, word)) {
            enum a64_feat feat = A64_FEAT_BASE;
            while (bit != BIT(feat)) {
                feat++;
            }
            spec->features =
                on ? a64_feat_with(spec->features, feat) : a64_feat_without(spec->features, feat);
            spec->features_on = on ? spec->features_on | bit : spec->features_on & ~bit;
            spec->features_off = on ? spec->features_off & ~bit : spec->features_off | bit;
            return ST_OK;
        }
    }
    return host_feature(word, on, spec) ? ST_OK : err_set(err, ST_E_INVAL, MSG_CPU_FEATURE, word);
}

enum status spec_cpu(const char *text, struct cpu_spec *out, struct err *err)
{
    const char *rest = text;
    char word[48];
    struct cpu_spec spec = { .model = soft_model_find(NULL) };

    if (text != NULL) {
        if (!next_word(&rest, word, sizeof(word)) || (spec.model = soft_model_find(word)) == NULL) {
            return err_set(err, ST_E_INVAL, MSG_CPU_MODEL, text, nearest_model(text));
        }
    }
    spec.features = spec.model->features;
    while (rest != NULL) {
        if (!next_word(&rest, word, sizeof(word))) {
            return err_set(err, ST_E_INVAL, MSG_CPU_FEATURE, rest);
        }
        enum status st = cpu_feature(word, &spec, err);
        if (st != ST_OK) {
            return st;
        }
    }
    if (out != NULL) {
        *out = spec;
    }
    return ST_OK;
}

/* ---- --affinity ------------------------------------------------------------------------------ */

/* "3" or "0-3" added to the list. */
static bool affinity_word(const char *word, struct affinity_spec *spec)
{
    uint64_t first, last;

    if (!number_part(&word, 10, &first)) {
        return false;
    }
    last = first;
    if (*word == '-') {
        word++;
        if (!number_part(&word, 10, &last)) {
            return false;
        }
    }
    if (*word != 0 || last < first || last > 4095 || last - first >= AFFINITY_MAX - spec->count) {
        return false;
    }
    for (; first <= last; first++) {
        spec->cpu[spec->count++] = (unsigned)first;
    }
    return true;
}

enum status spec_affinity(const char *text, struct affinity_spec *out, struct err *err)
{
    const char *rest = text;
    struct affinity_spec spec = { .count = 0 };
    char word[32];

    while (rest != NULL) {
        if (!next_word(&rest, word, sizeof(word)) || !affinity_word(word, &spec)) {
            return err_set(err, ST_E_INVAL, MSG_AFFINITY_BAD, text);
        }
    }
    if (out != NULL) {
        *out = spec;
    }
    return ST_OK;
}

/* ---- --trace, --stats, --load ---------------------------------------------------------------- */

enum status spec_trace(const char *text, struct trace_spec *out, struct err *err)
{
    struct trace_spec spec = { .exits = true };

    if (!str_eq(text, "exits")) {
        if (!str_starts(text, "exits=") || text[6] == 0) {
            return err_set(err, ST_E_INVAL, MSG_TRACE_BAD, text);
        }
        spec.file = text + 6;
    }
    if (out != NULL) {
        *out = spec;
    }
    return ST_OK;
}

enum status spec_stats(const char *text, struct stats_spec *out, struct err *err)
{
    struct stats_spec spec = { .file = NULL };

    if (text[0] != 0) {
        if (!str_starts(text, "json:") || text[5] == 0) {
            return err_set(err, ST_E_INVAL, MSG_STATS_BAD, text);
        }
        spec.file = text + 5;
    }
    if (out != NULL) {
        *out = spec;
    }
    return ST_OK;
}

enum status spec_perf(const char *text, struct perf_spec *out, struct err *err)
{
    struct perf_spec spec = { .dump = str_starts(text, "jitdump"), .folder = "." };

    if (str_starts(text, "jitdump:") && text[8] != 0) {
        spec.folder = text + 8;
    } else if (!str_eq(text, "map") && !str_eq(text, "jitdump")) {
        return err_set(err, ST_E_INVAL, MSG_PERF_BAD, text);
    }
    if (out != NULL) {
        *out = spec;
    }
    return ST_OK;
}

/* Splits at the last '@', if a number follows it. */
static bool split_at_number(const char *text, char *file, size_t size, uint64_t *number)
{
    size_t at = str_len(text);

    while (at != 0 && text[at] != '@') {
        at--;
    }
    if (at == 0 || at >= size || !spec_number(text + at + 1, number)) {
        return false;
    }
    memcpy(file, text, at);
    file[at] = 0;
    return true;
}

enum status spec_load(const char *text, char *file, size_t size, uint64_t *ipa, struct err *err)
{
    return split_at_number(text, file, size, ipa) ? ST_OK
                                                  : err_set(err, ST_E_INVAL, MSG_LOAD_BAD, text);
}

enum status spec_symbols(const char *text, char *file, size_t size, uint64_t *offset,
                         struct err *err)
{
    *offset = 0;
    if (split_at_number(text, file, size, offset)) {
        return ST_OK;
    }
    return text[0] != 0 && text[0] != '@' && str_copy(file, size, text)
               ? ST_OK
               : err_set(err, ST_E_INVAL, MSG_SYMBOLS_BAD, text);
}

/* ---- --log ----------------------------------------------------------------------------------- */

static bool log_level_of(const char *text, enum log_level *level)
{
    static const char *const name[] = { "error", "warn", "info", "debug" };

    for (unsigned i = 0; text != NULL && i < ARRAY_SIZE(name); i++) {
        if (str_eq(text, name[i])) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

enum status spec_log(const char *text, struct log_spec *out, struct err *err)
{
    const char *rest = text;
    struct log_spec spec = { .level = LOG_WARN };
    enum log_level level;
    char word[48];

    while (rest != NULL) {
        if (!next_word(&rest, word, sizeof(word))) {
            return err_set(err, ST_E_INVAL, MSG_LOG_BAD, text);
        }
        const char *value = split_value(word);
        if (!log_level_of(value != NULL ? value : word, &level) ||
            (value != NULL && word[0] == 0) || spec.count == LOG_MODULES_MAX) {
            return err_set(err, ST_E_INVAL, MSG_LOG_BAD, text);
        }
        if (value == NULL) {
            spec.level = level;
        } else if (str_copy(spec.module[spec.count].name, sizeof(spec.module[0].name), word)) {
            spec.module[spec.count++].level = level;
        }
    }
    if (out != NULL) {
        *out = spec;
    }
    return ST_OK;
}

/* ---- Checkers -------------------------------------------------------------------------------- */

enum status check_accel(const char *text, struct err *err)
{
    return spec_accel(text, NULL, err);
}
enum status check_cpu(const char *text, struct err *err)
{
    return spec_cpu(text, NULL, err);
}
enum status check_affinity(const char *text, struct err *err)
{
    return spec_affinity(text, NULL, err);
}
enum status check_trace(const char *text, struct err *err)
{
    return spec_trace(text, NULL, err);
}
enum status check_stats(const char *text, struct err *err)
{
    return spec_stats(text, NULL, err);
}
enum status check_perf(const char *text, struct err *err)
{
    return spec_perf(text, NULL, err);
}
enum status check_log(const char *text, struct err *err)
{
    return spec_log(text, NULL, err);
}

enum status check_machine(const char *text, struct err *err)
{
    return board_find(text) != NULL ? ST_OK : err_set(err, ST_E_INVAL, MSG_MACHINE_UNKNOWN, text);
}

enum status check_load(const char *text, struct err *err)
{
    char file[4096];
    uint64_t ipa;

    return spec_load(text, file, sizeof(file), &ipa, err);
}

enum status check_symbols(const char *text, struct err *err)
{
    char file[4096];
    uint64_t offset;

    return spec_symbols(text, file, sizeof(file), &offset, err);
}
