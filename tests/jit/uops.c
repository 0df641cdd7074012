/*
 * uops.c - every micro-operation has a template, or is on the list of those whose bodies are called on purpose.
 *
 *   jit_uops LIST     prints the counts; exit status 1 if one is on neither side
 *
 * LIST has lines "PATTERN reason" (shell patterns over names). A line that fits nothing any more is named, and no failure.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "accel/soft/jit/translate.h"

#define LINES_MAX 256

static struct {
    char pattern[48], reason[160];
    unsigned fits;
} line[LINES_MAX];
static unsigned lines;

static int read_list(const char *path)
{
    FILE *f = fopen(path, "r");
    char text[256];

    if (f == NULL) {
        perror(path);
        return 0;
    }
    while (lines < LINES_MAX && fgets(text, sizeof(text), f) != NULL) {
        if (text[0] != '#' &&
            sscanf(text, "%47s %159[^\n]", line[lines].pattern, line[lines].reason) == 2) {
            lines++;
        }
    }
    fclose(f);
    return 1;
}

static int listed(const char *name)
{
    for (unsigned i = 0; i < lines; i++) {
        if (fnmatch(line[i].pattern, name, 0) == 0) {
            line[i].fits++;
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    unsigned templates = 0, called = 0, missing = 0;

    if (argc != 2 || !read_list(argv[1])) {
        fprintf(stderr, "usage: jit_uops LIST\n");
        return 2;
    }
    for (unsigned uop = 0; uop < UOP_COUNT; uop++) {
        if (jit_template((enum uop)uop) != NULL) {
            templates++;
        } else if (listed(uop_table[uop].name)) {
            called++;
        } else {
            missing++;
            printf("%s has no template and is not in the list\n", uop_table[uop].name);
        }
    }
    for (unsigned i = 0; i < lines; i++) {
        printf("%4u %-16s %s%s\n", line[i].fits, line[i].pattern, line[i].reason,
               line[i].fits == 0 ? "   (all have templates now)" : "");
    }
    printf("%u micro-operations: %u by templates, %u called on purpose, %u forgotten\n",
           (unsigned)UOP_COUNT, templates, called, missing);
    return missing != 0;
}
