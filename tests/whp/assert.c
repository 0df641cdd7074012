/* assert.c - what a failed ASSERT does in the DLL, which has no shell around it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

void assert_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "simulated WHP: %s:%d: %s\n", file, line, what);
    fflush(stderr);
    abort();
}
