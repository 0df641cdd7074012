/*
 * help.c - --help, the manual page and shell completions, all from the tables of options and
 * commands.
 */
#include <stdio.h>
#include <string.h>

#include "ui/ui.h"

/* "--name ARG", "--name[=ARG]" or "--name". */
static void option_head(const struct hv_option *o, char *buf, size_t size)
{
    if (o->arg == NULL) {
        snprintf(buf, size, "--%s", o->name);
    } else if (o->arg_optional) {
        snprintf(buf, size, "--%s[=%s]", o->name, o->arg);
    } else {
        snprintf(buf, size, "--%s %s", o->name, o->arg);
    }
}

static void command_head(const struct ui_command *c, char *buf, size_t size)
{
    snprintf(buf, size, "%s%s%s", c->name, c->arg != NULL ? " " : "", c->arg != NULL ? c->arg : "");
}

void ui_help(enum lang lang)
{
    char head[96];

    printf("%s\n\n%s\n\n%s\n", msg_text(lang, MSG_HELP_TITLE), msg_text(lang, MSG_HELP_USAGE),
           msg_text(lang, MSG_HELP_COMMANDS));
    printf("  %-24s %s\n", "", msg_text(lang, MSG_CMD_DEMO));
    for (const struct ui_command *c = ui_commands; c->name != NULL; c++) {
        command_head(c, head, sizeof(head));
        printf("  %-24s %s\n", head, msg_text(lang, c->help));
    }
    printf("\n%s\n", msg_text(lang, MSG_HELP_OPTIONS));
    for (const struct hv_option *o = hv_options; o->name != NULL; o++) {
        option_head(o, head, sizeof(head));
        printf("  %s\n      %s", head, msg_text(lang, o->help));
        if (o->initial != NULL) {
            printf(" [%s]", o->initial);
        }
        printf("\n");
    }
    printf("\n%s\n", msg_text(lang, MSG_HELP_STATUS));
}

/* Text in roff: a hyphen is a minus, a leading dot or quote is no request. */
static void roff(const char *text)
{
    if (*text == '.' || *text == '\'') {
        fputs("\\&", stdout);
    }
    for (; *text != 0; text++) {
        if (*text == '-' || *text == '\\') {
            putchar('\\');
        }
        putchar(*text);
    }
}

static void roff_item(const char *head, const char *text, const char *initial)
{
    fputs(".TP\n.B ", stdout);
    roff(head);
    putchar('\n');
    roff(text);
    if (initial != NULL) {
        fputs(" [", stdout);
        roff(initial);
        putchar(']');
    }
    putchar('\n');
}

void ui_man(enum lang lang)
{
    char head[96];

    printf(".TH HYPERVISOR 1 \"\" \"hypervisor " HV_VERSION "\"\n.SH NAME\nhypervisor \\- ");
    roff(msg_text(lang, MSG_HELP_TITLE));
    printf("\n.SH SYNOPSIS\n.B hypervisor\n[COMMAND] [options...]\n.SH COMMANDS\n");
    for (const struct ui_command *c = ui_commands; c->name != NULL; c++) {
        command_head(c, head, sizeof(head));
        roff_item(head, msg_text(lang, c->help), NULL);
    }
    printf(".SH OPTIONS\n");
    for (const struct hv_option *o = hv_options; o->name != NULL; o++) {
        option_head(o, head, sizeof(head));
        roff_item(head, msg_text(lang, o->help), o->initial);
    }
    printf(".SH \"EXIT STATUS\"\n");
    roff(msg_text(lang, MSG_HELP_STATUS));
    putchar('\n');
}

static void complete_bash(void)
{
    printf("_hypervisor()\n{\n    local cur=${COMP_WORDS[COMP_CWORD]} "
           "prev=${COMP_WORDS[COMP_CWORD-1]}\n    case $prev in\n");
    for (const struct hv_option *o = hv_options; o->name != NULL; o++) {
        if (o->choices != NULL) {
            printf("    --%s) COMPREPLY=($(compgen -W \"", o->name);
            for (unsigned i = 0; o->choices[i] != NULL; i++) {
                printf("%s%s", i == 0 ? "" : " ", o->choices[i]);
            }
            printf("\" -- \"$cur\")); return ;;\n");
        }
    }
    printf("    esac\n    case $cur in\n    -*) COMPREPLY=($(compgen -W \"");
    for (const struct hv_option *o = hv_options; o->name != NULL; o++) {
        printf("--%s ", o->name);
    }
    printf("\" -- \"$cur\")) ;;\n    *) COMPREPLY=($(compgen -W \"");
    for (const struct ui_command *c = ui_commands; c->name != NULL; c++) {
        printf("%s ", c->name);
    }
    printf(
        "\" -f -- \"$cur\")) ;;\n    esac\n}\ncomplete -o filenames -F _hypervisor hypervisor\n");
}

static void complete_zsh(void)
{
    printf("#compdef hypervisor\n_arguments \\\n");
    for (const struct hv_option *o = hv_options; o->name != NULL; o++) {
        printf("    '--%s[%s]", o->name, msg_text(LANG_EN, o->help));
        if (o->choices != NULL) {
            printf(":value:(");
            for (unsigned i = 0; o->choices[i] != NULL; i++) {
                printf("%s%s", i == 0 ? "" : " ", o->choices[i]);
            }
            printf(")");
        } else if (o->arg != NULL) {
            printf(":value:%s", o->hint == HV_HINT_NONE ? "" : "_files");
        }
        printf("' \\\n");
    }
    printf("    '1:command:(");
    for (const struct ui_command *c = ui_commands; c->name != NULL; c++) {
        printf("%s ", c->name);
    }
    printf(")' '*:file:_files'\n");
}

static void complete_fish(void)
{
    for (const struct hv_option *o = hv_options; o->name != NULL; o++) {
        printf("complete -c hypervisor -l %s -d \"%s\"", o->name, msg_text(LANG_EN, o->help));
        if (o->choices != NULL) {
            printf(" -x -a \"");
            for (unsigned i = 0; o->choices[i] != NULL; i++) {
                printf("%s%s", i == 0 ? "" : " ", o->choices[i]);
            }
            printf("\"");
        } else if (o->arg != NULL) {
            printf(" -r");
        }
        printf("\n");
    }
    for (const struct ui_command *c = ui_commands; c->name != NULL; c++) {
        printf("complete -c hypervisor -n __fish_use_subcommand -a %s -d \"%s\"\n", c->name,
               msg_text(LANG_EN, c->help));
    }
}

bool ui_completions(const char *shell)
{
    static const struct {
        const char *name;
        void (*write)(void);
    } shells[] = { { "bash", complete_bash }, { "zsh", complete_zsh }, { "fish", complete_fish } };

    for (unsigned i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(shell, shells[i].name) == 0) {
            shells[i].write();
            return true;
        }
    }
    return false;
}
