/*
 * ui.h - the command line: argv in, exit status out.
 */
#ifndef UI_UI_H
#define UI_UI_H

#include <stdbool.h>

#include "base/status.h"
#include "hypervisor.h"

/* One word that hypervisor takes first, and what it does. */
struct ui_command {
    const char *name;
    const char *arg; /* what follows it, for people; NULL: nothing but options */
    enum msg_id help;
    int (*run)(struct hv_config *config, const char *arg, struct err *err);
};

/* Ends with a row with name NULL. */
extern const struct ui_command ui_commands[];

/* Runs the program; returns its exit status (0, 1, 2, 124, or the guest's own). */
int ui_main(int argc, char **argv);

/* help.c: texts made from the tables of options and commands, to standard output. */
void ui_help(enum lang lang);
void ui_man(enum lang lang);
/* False: no such shell. */
bool ui_completions(const char *shell);

#endif
