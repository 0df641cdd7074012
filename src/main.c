/*
 * main.c - where it starts. The tour from here to the first character on the console:
 * docs/architecture.md.
 */
#include "host.h"
#include "ui/ui.h"

int main(int argc, char **argv)
{
    host_start(&argc, &argv);
    return ui_main(argc, argv);
}
