/*
 * options.c - every option, once. Parsing, vm.json, --help, the manual page and completions read
 * these rows.
 */
#include <stddef.h>

#include "base/string.h"
#include "io/console.h"
#include "vmm/spec.h"

#define AT(member) .offset = (uint32_t)offsetof(struct hv_config, member)

static const char *const accel_choices[] = { "auto", "kvm", "whp", "soft", NULL };
static const char *const machine_choices[] = { "classic", "virt", NULL };
static const char *const gic_choices[] = { "auto", "2", "3", NULL };
static const char *const console_choices[] = { "stdio", "none",  "pty", "file:",
                                               "tcp:",  "unix:", NULL };
static const char *const trace_choices[] = { "exits", NULL };
static const char *const stats_choices[] = { "json:", NULL };
static const char *const perf_choices[] = { "map", "jitdump", "jitdump:", NULL };
static const char *const log_choices[] = { "error", "warn", "info", "debug", NULL };
static const char *const lang_choices[] = { "en", "pt_BR", NULL }; /* in the order of enum lang */
static const char *const shell_choices[] = { "bash", "zsh", "fish", NULL };

static enum status check_not_empty(const char *text, struct err *err)
{
    return text[0] != 0 ? ST_OK : err_set(err, ST_E_INVAL, MSG_NAME_EMPTY);
}

const struct hv_option hv_options[] = {
    { .name = "accel",
      .kind = HV_TEXT,
      .arg = "auto|kvm|whp|soft[,jit=on|off|diverge][,heat=N]",
      .initial = "auto",
      .help = MSG_OPT_ACCEL,
      AT(accel),
      .choices = accel_choices,
      .check = check_accel },
    { .name = "jit-cache",
      .kind = HV_SIZE,
      .arg = "SIZE",
      .initial = "64M",
      .help = MSG_OPT_JIT_CACHE,
      AT(jit_cache),
      .min = 1u << 20,
      .max = 1u << 30 },
    { .name = "machine",
      .kind = HV_TEXT,
      .arg = "classic|virt",
      .initial = "classic",
      .help = MSG_OPT_MACHINE,
      AT(machine),
      .choices = machine_choices,
      .check = check_machine },
    { .name = "gic",
      .kind = HV_CHOICE,
      .arg = "auto|2|3",
      .initial = "auto",
      .help = MSG_OPT_GIC,
      AT(gic),
      .choices = gic_choices },
    { .name = "cpus",
      .kind = HV_NUMBER,
      .arg = "N",
      .initial = "1",
      .help = MSG_OPT_CPUS,
      AT(cpus),
      .min = 1,
      .max = 64 },
    { .name = "cpu",
      .kind = HV_TEXT,
      .arg = "MODEL[,FEATURE=on|off...]",
      .help = MSG_OPT_CPU,
      AT(cpu),
      .check = check_cpu },
    { .name = "affinity",
      .kind = HV_TEXT,
      .arg = "LIST",
      .help = MSG_OPT_AFFINITY,
      AT(affinity),
      .check = check_affinity },
    { .name = "memory",
      .kind = HV_SIZE,
      .arg = "SIZE",
      .help = MSG_OPT_MEMORY,
      AT(memory),
      .min = 1u << 20,
      .max = 1ull << 38 },
    { .name = "kernel",
      .kind = HV_TEXT,
      .arg = "FILE",
      .help = MSG_OPT_KERNEL,
      AT(kernel),
      .hint = HV_HINT_FILE,
      .check = check_not_empty },
    { .name = "initrd",
      .kind = HV_TEXT,
      .arg = "FILE",
      .help = MSG_OPT_INITRD,
      AT(initrd),
      .hint = HV_HINT_FILE,
      .check = check_not_empty },
    { .name = "append", .kind = HV_TEXT, .arg = "TEXT", .help = MSG_OPT_APPEND, AT(append) },
    { .name = "dtb",
      .kind = HV_TEXT,
      .arg = "FILE",
      .help = MSG_OPT_DTB,
      AT(dtb),
      .hint = HV_HINT_FILE,
      .check = check_not_empty },
    { .name = "load",
      .kind = HV_LIST,
      .arg = "FILE@ADDRESS",
      .help = MSG_OPT_LOAD,
      AT(load),
      .hint = HV_HINT_FILE,
      .check = check_load },
    { .name = "entry", .kind = HV_ADDRESS, .arg = "ADDRESS", .help = MSG_OPT_ENTRY, AT(entry) },
    { .name = "console",
      .kind = HV_TEXT,
      .arg = "stdio|none|pty|file:F|tcp:H:P|unix:F",
      .initial = "stdio",
      .help = MSG_OPT_CONSOLE,
      AT(console),
      .choices = console_choices,
      .check = console_check },
    { .name = "semihosting",
      .kind = HV_TEXT,
      .arg = "DIR",
      .arg_optional = true,
      .help = MSG_OPT_SEMIHOSTING,
      AT(semihosting),
      .hint = HV_HINT_FOLDER },
    { .name = "trace",
      .kind = HV_TEXT,
      .arg = "exits[=FILE]",
      .help = MSG_OPT_TRACE,
      AT(trace),
      .choices = trace_choices,
      .check = check_trace },
    { .name = "stats",
      .kind = HV_TEXT,
      .arg = "json:FILE",
      .arg_optional = true,
      .help = MSG_OPT_STATS,
      AT(stats),
      .choices = stats_choices,
      .check = check_stats },
    { .name = "perf",
      .kind = HV_TEXT,
      .arg = "map|jitdump[:DIR]",
      .help = MSG_OPT_PERF,
      AT(perf),
      .choices = perf_choices,
      .check = check_perf },
    { .name = "symbols",
      .kind = HV_LIST,
      .arg = "FILE[@OFFSET]",
      .help = MSG_OPT_SYMBOLS,
      AT(symbols),
      .hint = HV_HINT_FILE,
      .check = check_symbols },
    { .name = "log",
      .kind = HV_TEXT,
      .arg = "LEVEL[,MODULE=LEVEL...]",
      .initial = "warn",
      .help = MSG_OPT_LOG,
      AT(log),
      .choices = log_choices,
      .check = check_log },
    { .name = "log-file",
      .kind = HV_TEXT,
      .arg = "FILE",
      .help = MSG_OPT_LOG_FILE,
      AT(log_file),
      .hint = HV_HINT_FILE,
      .check = check_not_empty },
    { .name = "timeout",
      .kind = HV_SECONDS,
      .arg = "SECONDS",
      .help = MSG_OPT_TIMEOUT,
      AT(timeout_ns) },
    { .name = "max-insns",
      .kind = HV_NUMBER,
      .arg = "N",
      .help = MSG_OPT_MAX_INSNS,
      AT(max_insns),
      .min = 1,
      .max = UINT64_MAX },
    { .name = "lang",
      .kind = HV_CHOICE,
      .arg = "en|pt_BR",
      .help = MSG_OPT_LANG,
      AT(lang),
      .choices = lang_choices },
    { .name = "json", .kind = HV_ACTION, .help = MSG_OPT_JSON },
    { .name = "print-config", .kind = HV_ACTION, .help = MSG_OPT_PRINT_CONFIG },
    { .name = "print-man", .kind = HV_ACTION, .help = MSG_OPT_PRINT_MAN },
    { .name = "completions",
      .kind = HV_ACTION,
      .arg = "bash|zsh|fish",
      .help = MSG_OPT_COMPLETIONS,
      .choices = shell_choices },
    { .name = "help", .kind = HV_ACTION, .help = MSG_OPT_HELP },
    { .name = "version", .kind = HV_ACTION, .help = MSG_OPT_VERSION },
    { .name = NULL },
};

const struct hv_option *hv_option_find(const char *name)
{
    for (const struct hv_option *o = hv_options; o->name != NULL; o++) {
        if (str_eq(o->name, name)) {
            return o;
        }
    }
    return NULL;
}

/* ---- What was meant -------------------------------------------------------------------------- */

#define WORD_MAX 31

/*
 * Edit distance with exchange of neighbours (optimal string alignment): the number of letters put
 * in, left out, changed or exchanged. Words longer than WORD_MAX are far from everything.
 */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[3][WORD_MAX + 1];
    size_t n = str_len(a), m = str_len(b);

    if (n > WORD_MAX || m > WORD_MAX) {
        return 99;
    }
    for (unsigned j = 0; j <= m; j++) {
        row[0][j] = j;
    }
    for (unsigned i = 1; i <= n; i++) {
        unsigned *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (unsigned j = 1; j <= m; j++) {
            unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best) {
                best = before[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return row[n % 3][m];
}

/* Near: a third of the letters at most, or the beginning of it. */
static bool is_near(const char *word, const char *candidate, unsigned d)
{
    size_t len = str_len(word);

    return d <= (len + 2) / 3 || (len >= 3 && str_starts(candidate, word));
}

const char *hv_nearest(const char *word, const char *const *list)
{
    const char *found = NULL;
    unsigned best = 99;

    for (; *list != NULL; list++) {
        unsigned d = distance(word, *list);
        if (d < best && is_near(word, *list, d)) {
            best = d;
            found = *list;
        }
    }
    return found;
}

const char *hv_option_nearest(const char *name)
{
    const char *names[sizeof(hv_options) / sizeof(hv_options[0])];
    unsigned n = 0;

    for (; hv_options[n].name != NULL; n++) {
        names[n] = hv_options[n].name;
    }
    names[n] = NULL;
    return hv_nearest(name, names);
}

enum lang hv_lang_of_locale(const char *locale)
{
    return str_starts(locale, "pt") ? LANG_PT_BR : LANG_EN;
}
