/*
 * hypervisor.h - the product as a library: configure a machine, run it, look at it.
 *
 * A program makes a struct hv_config (hv_config_init), changes it by option name (hv_config_set,
 * hv_config_load) or directly, and hands it to hv_machine_create. Several machines may run in one
 * process, each on the thread that calls hv_machine_run; only the terminal and the signals of the
 * process exist once, and are touched by the `stdio` console and by hv_catch_end.
 */
#ifndef HYPERVISOR_H
#define HYPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/status.h"
#include "devices.h"

#define HV_VERSION "0.1.0"

/* ---- Configuration --------------------------------------------------------------------------- */

struct hv_list {
    char **item; /* strings of our own */
    unsigned count;
};

/* One member for each option that describes a machine; texts are owned, NULL is "not
 * given". hv_options says more. */
struct hv_config {
    char *accel, *machine;
    uint64_t jit_cache; /* bytes */
    uint64_t gic;       /* 0: auto; 1: version 2; 2: version 3 (the index of the choice) */
    uint64_t cpus;
    char *cpu, *affinity;
    uint64_t memory; /* bytes; 0: as the guest's kind needs */
    char *kernel, *initrd, *append, *dtb;
    struct hv_list load, symbols;
    uint64_t entry; /* HV_NONE: the guest's own */
    char *console, *semihosting, *trace, *stats, *perf, *log, *log_file;
    uint64_t timeout_ns, max_insns; /* 0: none */
    uint64_t lang;                  /* enum lang */
    bool demo;                      /* not an option: the narrated run of the built-in guest */
    bool json;                      /* of a report, not of a machine */
};

#define HV_NONE UINT64_MAX

enum hv_option_kind {
    HV_ACTION,  /* asks the program for something; describes no machine */
    HV_NUMBER,  /* uint64_t between min and max                         */
    HV_SIZE,    /* uint64_t, bytes; K, M, G                             */
    HV_ADDRESS, /* uint64_t                                             */
    HV_SECONDS, /* uint64_t, ns; a decimal fraction is allowed          */
    HV_CHOICE,  /* uint64_t, index into choices                         */
    HV_TEXT,    /* char *                                               */
    HV_LIST,    /* struct hv_list; may be given again                   */
};

enum hv_hint { HV_HINT_NONE, HV_HINT_FILE, HV_HINT_FOLDER };

/* One row of the option table: parsing, JSON, --help, manual page and completions all read it. */
struct hv_option {
    const char *name; /* without the dashes; also the key in vm.json */
    enum hv_option_kind kind;
    const char *arg;     /* what follows, for people: "N"; NULL: nothing */
    bool arg_optional;   /* --name alone is --name= */
    const char *initial; /* the default, as one would type it; NULL: none */
    enum msg_id help;
    uint32_t offset; /* of the member in struct hv_config */
    uint64_t min, max;
    const char *const *choices; /* ended by NULL: HV_CHOICE, and completion of texts */
    enum hv_hint hint;
    /* Checks an HV_TEXT or an item of a HV_LIST; NULL: any text. */
    enum status (*check)(const char *text, struct err *err);
};

/* Ends with a row with name NULL. */
extern const struct hv_option hv_options[];
/* By name, or NULL. */
const struct hv_option *hv_option_find(const char *name);
/* The option whose name is nearest to what somebody typed, or NULL if none is near. */
const char *hv_option_nearest(const char *name);
/* The word of a list (ended by NULL) nearest to what somebody typed, or NULL. */
const char *hv_nearest(const char *word, const char *const *list);

/* Every member gets its default. */
void hv_config_init(struct hv_config *config, enum lang lang);
void hv_config_fini(struct hv_config *config);
/* One option by name with its text (NULL: none was given). ST_E_NOENT: no such option. */
enum status hv_config_set(struct hv_config *config, const char *name, const char *text,
                          struct err *err);
/*
 * A configuration as JSON: an object with option names as keys; texts, numbers, true for an option
 * without argument, arrays for those that may be repeated. Unknown keys are errors. name is for
 * messages.
 */
enum status hv_config_load(struct hv_config *config, const char *json, size_t len, const char *name,
                           struct err *err);
/* The same text back: every option that differs from its default. free() it; NULL: no memory. */
char *hv_config_save(const struct hv_config *config);
/* Contradictions between options, and values this build cannot do. */
enum status hv_config_check(const struct hv_config *config, struct err *err);

/* ---- Machine --------------------------------------------------------------------------------- */

struct hv_machine;

enum hv_line {
    HV_LINE_OUT, /* narration of the demonstration */
    HV_LINE_ERR, /* log, dump, statistics, trace   */
};

/* What the embedding program lends. Zeroed: console as configured, lines to nowhere. */
struct hv_host {
    void *opaque;
    /* One line of text without its end. Any thread, one call at a time. */
    void (*line)(void *opaque, enum hv_line to, const char *text);
    /* Takes the guest's output instead of the configured console; then
     * hv_machine_input is the input. */
    struct char_port console;
};

enum hv_outcome {
    HV_OFF,        /* the guest powered itself off                  */
    HV_EXITED,     /* it exited with a status of its own            */
    HV_TIMEOUT,    /* --timeout                                     */
    HV_INSN_LIMIT, /* --max-insns                                   */
    HV_QUIT,       /* hv_machine_stop, or Ctrl-A x                  */
    HV_FAILED,     /* the run could not go on; err says why         */
};

struct hv_result {
    enum hv_outcome outcome;
    uint32_t status; /* HV_EXITED: the guest's */
    uint64_t run_ns;
    uint64_t insns; /* 0: not counted. They are with stats, jit=off or max_insns */
};

/* Reads the files, builds the machine and lays out the guest. config is copied. */
enum status hv_machine_create(struct hv_machine **out, const struct hv_config *config,
                              const struct hv_host *host, struct err *err);
/*
 * Runs until the guest or somebody else ends it. Reboots of the guest stay inside. Returns ST_OK
 * with a result, or an error that kept it from running. Once per machine.
 */
enum status hv_machine_run(struct hv_machine *machine, struct hv_result *result, struct err *err);
/* Ends the run soon. Any thread, signal handlers too. */
void hv_machine_stop(struct hv_machine *machine);
/* Bytes for the guest's serial port; returns how many it took now. Any thread. */
size_t hv_machine_input(struct hv_machine *machine, const uint8_t *bytes, size_t len);
/* Pushes the power button, which Linux takes for a wish to power off. Any thread. */
void hv_machine_power_button(struct hv_machine *machine);
void hv_machine_destroy(struct hv_machine *machine);
/* Exit status of a program that ran this: 0, the guest's own, 124 at a limit, 1. */
int hv_exit_status(const struct hv_result *result);

/* ---- Looking at what there is ---------------------------------------------------------------- */

/* Lists and reports, line by line, in the language of lang. */
typedef void hv_line_fn(void *opaque, const char *text);

/*
 * Which back ends work here; cause and remedy for each that does not, and what the host and this build could
 * do better. json: one object instead of lines for people. Returns how many back ends work.
 */
unsigned hv_doctor(enum lang lang, bool json, hv_line_fn *line, void *opaque);
void hv_list_machines(enum lang lang, hv_line_fn *line, void *opaque);
/* The devices of the configured machine, with addresses and interrupts. */
enum status hv_list_devices(const struct hv_config *config, hv_line_fn *line, void *opaque,
                            struct err *err);
void hv_list_cpus(enum lang lang, hv_line_fn *line, void *opaque);
/* ESR_ELx in words, several lines. */
void hv_explain(uint64_t esr, hv_line_fn *line, void *opaque);
/* The devicetree that the guest would get; give it back with free(). */
enum status hv_make_dtb(const struct hv_config *config, uint8_t **bytes, size_t *len,
                        struct err *err);

/* The name of a language ("en", "pt_BR") for a locale's name; English for what is not known. */
enum lang hv_lang_of_locale(const char *locale);

#endif
