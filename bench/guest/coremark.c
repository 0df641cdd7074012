/*
 * coremark.c - /init around CoreMark, whose source is not here: bench/coremark.py compiles it with its main() called coremark_main. The kernel's
 * command line gives its arguments behind "--": three seeds, iterations, which algorithms, and the data's size.
 */
#include <sys/reboot.h>

#include "tell.h"

int coremark_main(int argc, char **argv);

int main(int argc, char **argv)
{
    tell_init();
    tell("coremark", 0);
    coremark_main(argc, argv);
    tell("end", 0);
    reboot(RB_POWER_OFF);
    return 1;
}
