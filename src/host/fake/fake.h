/*
 * fake.h - the strings of the puppet: what a unit test tells the fake host to do.
 *
 * The fake fills host.h with one thread, a clock that moves only when somebody waits or a test says
 * so, streams and files in memory, and calls that fail on request. Two runs of a test are the same
 * to the byte. A thread runs when it is joined. Waiting for something that can never come is a
 * failed assertion.
 */
#ifndef HOST_FAKE_H
#define HOST_FAKE_H

#include "host.h"

/* Forgets everything; the clock starts at one second. Call first in every test. */
void fake_reset(void);
void fake_advance(uint64_t ns);

/* Calls that can be made to fail. */
enum fake_call {
    FAKE_ALLOC, /* host_alloc, host_pages_map, mutexes, conditions, streams */
    FAKE_THREAD,
    FAKE_OPEN,  /* files, folders, listeners, pseudo-terminals             */
    FAKE_READ,  /* HOST_ERROR                                              */
    FAKE_WRITE, /* HOST_ERROR                                              */
    FAKE_WAIT,  /* host_wait_create                                        */
    FAKE_CALLS
};
/* The nth call from now on fails (1: the next); 0: none. */
void fake_fail(enum fake_call call, unsigned nth);

/* What host_describe says; all zero after fake_reset. */
void fake_host(const struct host_facts *facts);

/* A file that host_file_read, host_file_exists and folders find. The bytes are copied. */
void fake_file(const char *path, const void *bytes, size_t len);

/* What a stream gives to read: bytes are added at the end; then perhaps the end of input. */
void fake_input(struct host_stream *stream, const void *bytes, size_t len);
void fake_input_end(struct host_stream *stream);
/* What was written to it so far. */
const uint8_t *fake_output(struct host_stream *stream, size_t *len);
/* It takes room more bytes and then HOST_AGAIN (SIZE_MAX: all); gone: HOST_END. */
void fake_output_room(struct host_stream *stream, size_t room);
void fake_output_gone(struct host_stream *stream);
/* Only for standard input: is it a terminal, and are we in the foreground? */
void fake_terminal(bool terminal, bool foreground);
bool fake_terminal_is_raw(void);
/* A client arrives at the listener made last; host_accept then gives a stream of its own. */
void fake_client(void);
/* The stream opened or accepted last. */
struct host_stream *fake_last_opened(void);
/* How much is still allocated, open or locked: 0 after a test that cleans up. */
unsigned fake_leaks(void);

#endif
