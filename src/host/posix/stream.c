/*
 * stream.c - reading and writing descriptors, and waiting for several at once.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* ppoll */
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/string.h"
#include "host/posix/posix.h"

void posix_set_cloexec(int fd)
{
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void posix_set_nonblock(int fd)
{
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

struct host_stream *posix_stream(int fd)
{
    struct host_stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL) {
        close(fd);
        return NULL;
    }
    stream->fd = fd;
    stream->keep = -1;
    return stream;
}

/* The process has these once, whoever asks; they have no state of ours. */
static struct host_stream *standard(unsigned fd)
{
    static struct host_stream stream[3] = {
        { .fd = 0, .standard = true, .keep = -1 },
        { .fd = 1, .standard = true, .keep = -1 },
        { .fd = 2, .standard = true, .keep = -1 },
    };

    return &stream[fd];
}

struct host_stream *host_stdin(void)
{
    return standard(0);
}
struct host_stream *host_stdout(void)
{
    return standard(1);
}
struct host_stream *host_stderr(void)
{
    return standard(2);
}

void host_stream_close(struct host_stream *stream)
{
    if (stream == NULL || stream->standard) {
        return;
    }
    if (stream->unlink[0] != 0) {
        unlink(stream->unlink);
    }
    if (stream->keep >= 0) {
        close(stream->keep);
    }
    close(stream->fd);
    free(stream);
}

int64_t host_stream_read(struct host_stream *stream, void *buf, size_t len)
{
    ssize_t n;

    do {
        n = read(stream->fd, buf, len);
    } while (n < 0 && errno == EINTR);
    if (n >= 0) {
        return n;
    }
    return errno == EAGAIN || errno == EWOULDBLOCK ? HOST_AGAIN
           : errno == ECONNRESET                   ? HOST_END
                                                   : HOST_ERROR;
}

static struct timespec span_of(uint64_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000u),
                              .tv_nsec = (long)(ns % 1000000000u) };
}

/* True when the descriptor takes bytes (or will tell why not) before the deadline. */
static bool wait_writable(int fd, uint64_t deadline_ns)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };

    for (;;) {
        uint64_t now_ns = host_now_ns();
        struct timespec left = span_of(deadline_ns > now_ns ? deadline_ns - now_ns : 0);
        int n = ppoll(&p, 1, &left, NULL);
        if (n >= 0 || errno != EINTR) {
            return n > 0;
        }
    }
}

/*
 * One write that does not block. Standard output may be shared with other programs, so its mode is
 * not ours to change: poll says that there is room, and a pipe that is writable takes PIPE_BUF
 * bytes (512 on every POSIX host).
 */
static ssize_t write_some(struct host_stream *stream, const uint8_t *p, size_t len)
{
    if (stream->standard && len > 512) {
        len = 512;
    }
    return write(stream->fd, p, len);
}

int64_t host_stream_write(struct host_stream *stream, const void *buf, size_t len,
                          uint64_t timeout_ns)
{
    const uint8_t *p = buf;
    size_t done = 0;
    uint64_t deadline_ns = host_now_ns() + timeout_ns;

    while (done < len) {
        if (!wait_writable(stream->fd, deadline_ns)) {
            break;
        }
        ssize_t n = write_some(stream, p + done, len - done);
        if (n > 0) {
            done += (size_t)n;
            deadline_ns = host_now_ns() + timeout_ns;
        } else if (n < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
            return errno == EPIPE || errno == ECONNRESET || errno == EIO ? HOST_END : HOST_ERROR;
        }
    }
    return done != 0 || len == 0 ? (int64_t)done : HOST_AGAIN;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

struct host_wait {
    int pipe[2];         /* a byte in it ends the wait         */
    _Atomic bool signal; /* true: there is a byte in the pipe, or about to be */
};

struct host_wait *host_wait_create(struct err *err)
{
    struct host_wait *wait = calloc(1, sizeof(*wait));
    char buf[120];

    if (wait == NULL) {
        err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
        return NULL;
    }
    if (pipe(wait->pipe) != 0) {
        err_set(err, ST_E_IO, MSG_HOST_WAIT, posix_cause(err, errno, buf, sizeof(buf)));
        free(wait);
        return NULL;
    }
    for (unsigned i = 0; i < 2; i++) {
        posix_set_cloexec(wait->pipe[i]);
        posix_set_nonblock(wait->pipe[i]);
    }
    return wait;
}

void host_wait_destroy(struct host_wait *wait)
{
    if (wait != NULL) {
        close(wait->pipe[0]);
        close(wait->pipe[1]);
        free(wait);
    }
}

void host_wait_wake(struct host_wait *wait)
{
    int number = errno;

    if (!atomic_exchange(&wait->signal, true)) {
        (void)!write(wait->pipe[1], "", 1);
    }
    errno = number;
}

/* First the byte, then the flag: a wake between the two finds the flag set, but its
 * cause is looked at after us. */
static void wait_drain(struct host_wait *wait)
{
    char buf[16];

    while (read(wait->pipe[0], buf, sizeof(buf)) > 0) {
    }
    atomic_store(&wait->signal, false);
}

void host_wait_for(struct host_wait *wait, struct host_interest *interest, unsigned count,
                   uint64_t deadline_ns)
{
    struct pollfd p[16] = { { .fd = wait->pipe[0], .events = POLLIN } };
    struct timespec left;
    uint64_t now_ns = host_now_ns();

    if (count > 15) {
        count = 15;
    }
    for (unsigned i = 0; i < count; i++) {
        p[i + 1] = (struct pollfd){ .fd = interest[i].stream->fd, .events = POLLIN };
    }
    left = span_of(deadline_ns > now_ns ? deadline_ns - now_ns : 0);
    if (ppoll(p, count + 1, deadline_ns == UINT64_MAX ? NULL : &left, NULL) < 0) {
        memset(p, 0, sizeof(p));
    }
    if (p[0].revents != 0) {
        wait_drain(wait);
    }
    for (unsigned i = 0; i < count; i++) {
        interest[i].ready = p[i + 1].revents != 0;
    }
}
