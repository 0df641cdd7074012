/*
 * tell.h - how a benchmark's /init tells the host where it is.
 *
 * A line that begins with "@ "; then it waits for a line on its standard input, so that the host can read how much
 * CPU time the emulator has used. bench/rig.py is the other end.
 */
#ifndef TELL_H
#define TELL_H

#include <stdint.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

static inline void tell(const char *what, uint64_t sum)
{
    char c = 0;

    printf("@ %s %016llx\n", what, (unsigned long long)sum);
    fflush(stdout);
    while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n') {
    }
}

// The host's lines are not to come back on the console.
static inline void tell_init(void)
{
    struct termios t;

    if (tcgetattr(STDIN_FILENO, &t) == 0) {
        t.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSANOW, &t);
    }
    tell("init", 0);
}

#endif
