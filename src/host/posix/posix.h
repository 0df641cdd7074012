/*
 * posix.h - what the files of host/posix share.
 */
#ifndef HOST_POSIX_H
#define HOST_POSIX_H

#include "host.h"

struct host_stream {
    int fd;
    bool listening;
    bool standard; /* stdin, stdout, stderr: not ours to close */
    int keep; /* a descriptor held open with this one, or -1 (the slave of a pseudo-terminal) */
    char unlink[108]; /* name of a local socket to remove on close, or "" */
};

/* A stream round fd; closes fd when there is no memory. */
struct host_stream *posix_stream(int fd);
/* The cause that errno names, in the language of err, written into buf (80 bytes do). */
const char *posix_cause(const struct err *err, int number, char *buf, size_t size);
/* err_set of a message that takes a name and a cause; the status fits the errno. */
enum status posix_fail(struct err *err, enum msg_id id, const char *name, int number);
/* Close on exec, and for what we poll: never block. */
void posix_set_cloexec(int fd);
void posix_set_nonblock(int fd);

#endif
