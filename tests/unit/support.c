/*
 * support.c - what every unit test links: the assertion hook of a shell.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

void assert_failed(const char *file, int line, const char *expr)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
    abort();
}
