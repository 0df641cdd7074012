/*
 * start.c - what a POSIX host gives a program on its way: arguments are bytes and stay as they are.
 */
#include <stdlib.h>

#include "base/compiler.h"
#include "base/string.h"
#include "host/posix/posix.h"

void host_start(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
}

void host_language(char *buf, size_t size)
{
    static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

    buf[0] = 0;
    for (size_t i = 0; i < ARRAY_SIZE(names) && buf[0] == 0; i++) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet */
        const char *value = getenv(names[i]);
        if (value != NULL) {
            str_copy(buf, size, value);
        }
    }
}
