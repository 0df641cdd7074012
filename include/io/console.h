/*
 * console.h - where the guest's serial port goes: the terminal, a file, a socket, a pseudo-terminal
 * or nowhere.
 *
 *   stdio          standard input and output; a terminal is switched to raw mode, and Ctrl-A is a
 *                  prefix for us
 *   none           output vanishes, input never comes
 *   file:F         output only
 *   tcp:HOST:PORT  one client at a time; port 0 takes any free one, an empty HOST is this host only
 *   unix:F         the same on a local socket
 *   pty            a pseudo-terminal of its own
 *
 * Output is written from any thread and waits for a slow reader, but not for ever. Input is read by
 * one thread, which waits (host_wait_for) for console_interests until console_deadline and then
 * calls console_service. What the guest does not take yet is kept; nothing is lost, except what
 * somebody types at a guest that has not read 64 KiB.
 */
#ifndef IO_CONSOLE_H
#define IO_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "devices.h"
#include "host.h"

enum console_command { CONSOLE_QUIT, CONSOLE_STATE, CONSOLE_STATISTICS, CONSOLE_POWER_BUTTON };

/* What the console tells its owner. All but `notice` are called by console_service only. */
struct console_ports {
    void *opaque;
    /* Input for the guest; returns how many bytes it took. The rest is offered again. */
    size_t (*receive)(void *opaque, const uint8_t *bytes, size_t len);
    void (*command)(void *opaque, enum console_command command);
    /* One line for the person, in their language. Any thread. */
    void (*notice)(void *opaque, const char *text);
    enum lang lang;
};

struct console;

#define CONSOLE_INTERESTS 2 /* streams at most */

/* Is the specification right? Opens nothing. */
enum status console_check(const char *spec, struct err *err);
enum status console_create(struct console **out, const char *spec,
                           const struct console_ports *ports, struct err *err);
/* Gives the terminal its mode back. */
void console_destroy(struct console *console);
/* Output; any thread. All bytes are taken. */
struct char_port console_port(struct console *console);
/* From now on output that nobody takes is dropped at once, so that the machine can
 * end. Any thread. */
void console_hurry(struct console *console);

/* Fills up to CONSOLE_INTERESTS entries and returns how many. */
unsigned console_interests(struct console *console, struct host_interest *interest);
/* host_now_ns at which console_service wants to be called in any case; UINT64_MAX: never. */
uint64_t console_deadline(struct console *console);
void console_service(struct console *console, const struct host_interest *interest, unsigned count);
/* Will there never be input again? */
bool console_ended(const struct console *console);

#endif
