/*
 * cli.c - reads argv by the table of options, picks a command from the table of commands, runs it.
 *
 * A first word that is no command and not an option is a guest, as after `run`. Every mistake is
 * one line on standard error and status 2; a run that fails is one line and status 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "host.h"
#include "ui/ui.h"

enum { STATUS_FAILED = 1, STATUS_USAGE = 2 };

void assert_failed(const char *file, int line, const char *expr)
{
    host_terminal_restore();
    fprintf(stderr, "hypervisor: %s:%d: assertion failed: %s; this is a bug, please report it\n",
            file, line, expr);
    abort();
}

static int complain(const struct err *err, int status)
{
    fprintf(stderr, "hypervisor: %s\n", err->text);
    return status;
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void print_line(void *opaque, const char *text)
{
    (void)opaque;
    puts(text);
}

static void machine_line(void *opaque, enum hv_line to, const char *text)
{
    FILE *f = to == HV_LINE_OUT ? stdout : stderr;

    (void)opaque;
    fprintf(f, "%s\n", text);
    fflush(f);
}

static int run_machine(struct hv_config *config, struct err *err)
{
    struct hv_host host = { .line = machine_line };
    struct hv_machine *machine;
    struct hv_result result;

    if (hv_config_check(config, err) != ST_OK) {
        return complain(err, STATUS_USAGE);
    }
    if (config->kernel == NULL && config->load.count == 0 &&
        strcmp(config->machine, "classic") != 0) {
        err_set(err, ST_E_INVAL, MSG_BUILTIN_CLASSIC);
        return complain(err, STATUS_USAGE);
    }
    if (hv_machine_create(&machine, config, &host, err) != ST_OK) {
        return complain(err, STATUS_FAILED);
    }
    enum status st = hv_machine_run(machine, &result, err);
    hv_machine_destroy(machine);
    return st == ST_OK ? hv_exit_status(&result) : complain(err, STATUS_FAILED);
}

/* A file given as a word: vm.json by its first byte, anything else is the guest. */
static enum status take_file(struct hv_config *config, const char *path, struct err *err)
{
    size_t len = strlen(path);
    struct host_bytes bytes;

    if (len < 5 || strcmp(path + len - 5, ".json") != 0) {
        if (config->kernel != NULL) {
            return err_set(err, ST_E_INVAL, MSG_TWO_KERNELS, config->kernel, path);
        }
        return hv_config_set(config, "kernel", path, err);
    }
    enum status st = host_file_read(path, 16u << 20, &bytes, err);
    if (st == ST_OK) {
        st = hv_config_load(config, (const char *)bytes.data, bytes.size, path, err);
        host_bytes_free(&bytes);
    }
    return st;
}

static int cmd_run(struct hv_config *config, const char *arg, struct err *err)
{
    if (config->kernel == NULL && config->load.count == 0) {
        err_set(err, ST_E_INVAL, MSG_COMMAND_NEEDS, "run", "FILE");
        return complain(err, STATUS_USAGE);
    }
    return run_machine(config, err);
}

static int cmd_doctor(struct hv_config *config, const char *arg, struct err *err)
{
    return hv_doctor(err->lang, config->json, print_line, NULL) == 0;
}

static int cmd_explain(struct hv_config *config, const char *arg, struct err *err)
{
    char *end;

    if (arg == NULL) {
        err_set(err, ST_E_INVAL, MSG_COMMAND_NEEDS, "explain", "ESR");
        return complain(err, STATUS_USAGE);
    }
    uint64_t esr = strtoull(arg, &end, 0);
    if (*end != 0 || end == arg || *arg == '-') {
        err_set(err, ST_E_INVAL, MSG_EXPLAIN_BAD, arg);
        return complain(err, STATUS_USAGE);
    }
    hv_explain(esr, print_line, NULL);
    return 0;
}

static int cmd_dtb(struct hv_config *config, const char *arg, struct err *err)
{
    struct host_stream *out = host_stdout();
    uint8_t *bytes;
    size_t len;

    if (host_is_terminal(out)) {
        err_set(err, ST_E_INVAL, MSG_DTB_TERMINAL);
        return complain(err, STATUS_USAGE);
    }
    if (hv_config_check(config, err) != ST_OK) {
        return complain(err, STATUS_USAGE);
    }
    if (hv_make_dtb(config, &bytes, &len, err) != ST_OK) {
        return complain(err, STATUS_FAILED);
    }
    size_t done = fwrite(bytes, 1, len, stdout);
    free(bytes);
    return done == len && fflush(stdout) == 0 ? 0 : STATUS_FAILED;
}

static int cmd_devices(struct hv_config *config, const char *arg, struct err *err)
{
    if (hv_config_check(config, err) != ST_OK ||
        hv_list_devices(config, print_line, NULL, err) != ST_OK) {
        return complain(err, STATUS_USAGE);
    }
    return 0;
}

static int cmd_machines(struct hv_config *config, const char *arg, struct err *err)
{
    hv_list_machines(err->lang, print_line, NULL);
    return 0;
}

static int cmd_cpus(struct hv_config *config, const char *arg, struct err *err)
{
    hv_list_cpus(err->lang, print_line, NULL);
    return 0;
}

static int cmd_version(struct hv_config *config, const char *arg, struct err *err)
{
    puts("hypervisor " HV_VERSION);
    return 0;
}

static int cmd_help(struct hv_config *config, const char *arg, struct err *err)
{
    ui_help(err->lang);
    return 0;
}

const struct ui_command ui_commands[] = {
    { "run", "FILE|vm.json", MSG_CMD_RUN, cmd_run },
    { "doctor", NULL, MSG_CMD_DOCTOR, cmd_doctor },
    { "explain", "ESR", MSG_CMD_EXPLAIN, cmd_explain },
    { "dtb", NULL, MSG_CMD_DTB, cmd_dtb },
    { "devices", NULL, MSG_CMD_DEVICES, cmd_devices },
    { "machines", NULL, MSG_CMD_MACHINES, cmd_machines },
    { "cpus", NULL, MSG_CMD_CPUS, cmd_cpus },
    { "version", NULL, MSG_CMD_VERSION, cmd_version },
    { "help", NULL, MSG_CMD_HELP, cmd_help },
    { NULL, NULL, MSG_CMD_HELP, NULL },
};

static const struct ui_command *find_command(const char *name)
{
    for (const struct ui_command *c = ui_commands; c->name != NULL; c++) {
        if (strcmp(c->name, name) == 0) {
            return c;
        }
    }
    return NULL;
}

/* ---- Arguments ------------------------------------------------------------------------------- */

struct args {
    int argc, at;
    char **argv;
    const struct ui_command *command;
    const char *word;   /* what follows a command other than run */
    const char *action; /* name of an HV_ACTION that was asked for, and its text */
    const char *action_text;
};

static enum status unknown_option(const char *name, struct err *err)
{
    const char *near = hv_option_nearest(name);

    return near != NULL ? err_set(err, ST_E_NOENT, MSG_OPTION_NEAR, name, near)
                        : err_set(err, ST_E_NOENT, MSG_OPTION_UNKNOWN, name);
}

/* One argument that begins with "--", and its text if that is the next one. */
static enum status take_option(struct args *a, struct hv_config *config, struct err *err)
{
    char name[32];
    const char *arg = a->argv[a->at] + 2;
    const char *equals = strchr(arg, '=');
    size_t len = equals != NULL ? (size_t)(equals - arg) : strlen(arg);
    const char *text = equals != NULL ? equals + 1 : NULL;

    if (len >= sizeof(name)) {
        return unknown_option(arg, err);
    }
    memcpy(name, arg, len);
    name[len] = 0;
    const struct hv_option *option = hv_option_find(name);
    if (option == NULL) {
        return unknown_option(name, err);
    }
    if (text != NULL && option->arg == NULL) {
        return err_set(err, ST_E_INVAL, MSG_OPTION_NO_ARG, name);
    }
    if (text == NULL && option->arg != NULL && !option->arg_optional) {
        if (a->at + 1 >= a->argc) {
            return err_set(err, ST_E_INVAL, MSG_OPTION_NEEDS, name, option->arg);
        }
        text = a->argv[++a->at];
    }
    if (strcmp(name, "json") == 0) {
        config->json = true;
        return ST_OK;
    }
    if (option->kind == HV_ACTION) {
        a->action = option->name;
        a->action_text = text;
        return ST_OK;
    }
    if (strcmp(name, "kernel") == 0 && config->kernel != NULL) {
        return err_set(err, ST_E_INVAL, MSG_TWO_KERNELS, config->kernel, text);
    }
    return hv_config_set(config, name, text, err);
}

static enum status unknown_command(const char *word, struct err *err)
{
    const char *names[16];
    unsigned n = 0;

    for (; ui_commands[n].name != NULL; n++) {
        names[n] = ui_commands[n].name;
    }
    names[n] = NULL;
    const char *near = hv_nearest(word, names);
    return near != NULL ? err_set(err, ST_E_NOENT, MSG_COMMAND_NEAR, word, near)
                        : err_set(err, ST_E_NOENT, MSG_COMMAND_UNKNOWN, word);
}

static enum status take_word(struct args *a, struct hv_config *config, struct err *err)
{
    const char *word = a->argv[a->at];

    if (a->command == NULL && (a->command = find_command(word)) != NULL) {
        return ST_OK;
    }
    if (a->command == NULL) {
        if (!host_file_exists(word)) {
            return unknown_command(word, err);
        }
        a->command = find_command("run");
    }
    if (a->command->run == cmd_run) {
        return take_file(config, word, err);
    }
    if (a->command->arg == NULL || a->word != NULL) {
        return err_set(err, ST_E_INVAL, MSG_COMMAND_ARGS, a->command->name, word);
    }
    a->word = word;
    return ST_OK;
}

static enum status parse(struct args *a, struct hv_config *config, struct err *err)
{
    enum status st = ST_OK;

    for (a->at = 1; st == ST_OK && a->at < a->argc; a->at++) {
        const char *arg = a->argv[a->at];
        if (strcmp(arg, "-h") == 0) {
            a->action = "help";
        } else if (strncmp(arg, "--", 2) == 0 && arg[2] != 0) {
            st = take_option(a, config, err);
        } else if (arg[0] == '-' && arg[1] != 0) {
            st = err_set(err, ST_E_NOENT, MSG_OPTION_SHORT, arg);
        } else {
            st = take_word(a, config, err);
        }
        err->lang = (enum lang)config->lang;
    }
    if (st == ST_OK && config->json && (a->command == NULL || a->command->run != cmd_doctor)) {
        st = err_set(err, ST_E_INVAL, MSG_JSON_DOCTOR);
    }
    return st;
}

static int print_config(const struct hv_config *config, struct err *err)
{
    if (hv_config_check(config, err) != ST_OK) {
        return complain(err, STATUS_USAGE);
    }
    char *json = hv_config_save(config);
    if (json == NULL) {
        err_set(err, ST_E_FORMAT, MSG_JSON_SAVE);
        return complain(err, STATUS_FAILED);
    }
    puts(json);
    free(json);
    return 0;
}

static int run_action(const struct args *a, const struct hv_config *config, struct err *err)
{
    if (strcmp(a->action, "print-config") == 0) {
        return print_config(config, err);
    }
    if (strcmp(a->action, "print-man") == 0) {
        ui_man(err->lang);
    } else if (strcmp(a->action, "version") == 0) {
        puts("hypervisor " HV_VERSION);
    } else if (strcmp(a->action, "completions") == 0) {
        if (!ui_completions(a->action_text)) {
            err_set(err, ST_E_INVAL, MSG_BAD_CHOICE, "completions", a->action_text,
                    "bash, zsh, fish");
            return complain(err, STATUS_USAGE);
        }
    } else {
        ui_help(err->lang);
    }
    return 0;
}

static enum lang locale_lang(void)
{
    char name[100];

    host_language(name, sizeof(name));
    return name[0] != 0 ? hv_lang_of_locale(name) : LANG_EN;
}

int ui_main(int argc, char **argv)
{
    struct args a = { .argc = argc, .argv = argv };
    struct err err = { .lang = locale_lang() };
    struct hv_config config;
    int status;

    hv_config_init(&config, err.lang);
    if (parse(&a, &config, &err) != ST_OK) {
        /* What the operating system refused is a failed run; the rest is a wrong command line. */
        status = complain(&err, err.status == ST_E_IO ? STATUS_FAILED : STATUS_USAGE);
    } else if (a.action != NULL) {
        status = run_action(&a, &config, &err);
    } else if (a.command != NULL) {
        status = a.command->run(&config, a.word, &err);
    } else {
        config.demo = config.kernel == NULL && config.load.count == 0;
        status = run_machine(&config, &err);
    }
    hv_config_fini(&config);
    return status;
}
