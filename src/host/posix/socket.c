/*
 * socket.c - TCP, local sockets and pseudo-terminals.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4, posix_openpt */
#endif
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/fmt.h"
#include "base/string.h"
#include "host/posix/posix.h"

static void no_delay(int fd)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static struct host_stream *wrap(int fd, bool listening, struct err *err)
{
    struct host_stream *stream;

    posix_set_cloexec(fd);
    posix_set_nonblock(fd);
    stream = posix_stream(fd);
    if (stream == NULL) {
        err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
        return NULL;
    }
    stream->listening = listening;
    return stream;
}

/* ---- TCP ------------------------------------------------------------------------------------- */

static int open_listener(const struct addrinfo *a)
{
    int on = 1;
    int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);

    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, 4) != 0) {
        int number = errno;
        close(fd);
        errno = number;
        return -1;
    }
    return fd;
}

static int open_client(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);

    if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
        int number = errno;
        close(fd);
        errno = number;
        return -1;
    }
    return fd;
}

static int open_first(const struct addrinfo *list, bool listening)
{
    int fd = -1;

    for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = listening ? open_listener(a) : open_client(a);
    }
    return fd;
}

static struct host_stream *tcp_open(const char *address, uint16_t port, bool listening,
                                    struct err *err)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *list = NULL;
    char service[8], name[300];
    int result, fd;

    fmt_format(service, sizeof(service), "%u", port);
    address = address[0] != 0 ? address : "127.0.0.1";
    fmt_format(name, sizeof(name), "%s:%u", address, port);
    result = getaddrinfo(address, service, &hints, &list);
    if (result != 0) {
        err_set(err, ST_E_IO, MSG_HOST_ADDRESS, address, gai_strerror(result));
        return NULL;
    }
    fd = open_first(list, listening);
    result = errno;
    freeaddrinfo(list);
    if (fd < 0) {
        posix_fail(err, listening ? MSG_HOST_LISTEN : MSG_HOST_CONNECT, name, result);
        return NULL;
    }
    no_delay(fd);
    return wrap(fd, listening, err);
}

struct host_stream *host_tcp_listen(const char *address, uint16_t port, struct err *err)
{
    return tcp_open(address, port, true, err);
}

struct host_stream *host_tcp_connect(const char *address, uint16_t port, struct err *err)
{
    return tcp_open(address, port, false, err);
}

struct host_stream *host_accept(struct host_stream *listener)
{
    int fd;

    do {
        fd = accept(listener->fd, NULL, NULL);
    } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd < 0) {
        return NULL;
    }
    no_delay(fd);
    return wrap(fd, false, NULL);
}

void host_stream_address(struct host_stream *stream, char *buf, size_t size)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    char address[128], service[32];

    memset(&at, 0, sizeof(at));
    str_copy(buf, size, "?");
    if (getsockname(stream->fd, (struct sockaddr *)&at, &len) != 0) {
        return;
    }
    if (at.ss_family == AF_UNIX) {
        str_copy(buf, size, ((struct sockaddr_un *)&at)->sun_path);
    } else if (getnameinfo((struct sockaddr *)&at, len, address, sizeof(address), service,
                           sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        fmt_format(buf, size, at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", address, service);
    }
}

/* ---- Local sockets --------------------------------------------------------------------------- */

static bool somebody_listens(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool answer = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;

    if (fd >= 0) {
        close(fd);
    }
    return answer;
}

/* A socket left behind by a program that died may be replaced. */
static enum status clear_name(const struct sockaddr_un *at, struct err *err)
{
    struct stat info;

    if (lstat(at->sun_path, &info) != 0) {
        return ST_OK; /* bind will say what is wrong, if anything */
    }
    if (!S_ISSOCK(info.st_mode)) {
        return err_set(err, ST_E_INVAL, MSG_HOST_NOT_SOCKET, at->sun_path);
    }
    if (somebody_listens(at)) {
        return err_set(err, ST_E_INVAL, MSG_HOST_IN_USE, at->sun_path);
    }
    unlink(at->sun_path);
    return ST_OK;
}

struct host_stream *host_unix_listen(const char *path, struct err *err)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    struct host_stream *stream;
    int fd;

    if (!str_copy(at.sun_path, sizeof(at.sun_path), path)) {
        err_set(err, ST_E_INVAL, MSG_HOST_NAME_LONG, path);
        return NULL;
    }
    if (clear_name(&at, err) != ST_OK) {
        return NULL;
    }
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 4) != 0) {
        posix_fail(err, MSG_HOST_LISTEN, path, errno);
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    stream = wrap(fd, true, err);
    if (stream != NULL) {
        str_copy(stream->unlink, sizeof(stream->unlink), path);
    }
    return stream;
}

/* ---- Pseudo-terminals ------------------------------------------------------------------------ */

/*
 * The slave is opened here as well and stays open: without any opener the master reports a hang-up
 * for ever. It starts raw, so that the line discipline does not echo or edit what the guest says.
 */
static int open_slave(int master, char *name, size_t size)
{
    struct termios mode;
    int fd;

    if (grantpt(master) != 0 || unlockpt(master) != 0 || ptsname_r(master, name, size) != 0) {
        return -1;
    }
    fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && tcgetattr(fd, &mode) == 0) {
        cfmakeraw(&mode);
        (void)tcsetattr(fd, TCSANOW, &mode);
    }
    return fd;
}

struct host_stream *host_pty_open(char *name, size_t size, struct err *err)
{
    struct host_stream *stream;
    char buf[120];
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    int slave = master >= 0 ? open_slave(master, name, size) : -1;

    if (slave < 0) {
        err_set(err, ST_E_IO, MSG_HOST_PTY, posix_cause(err, errno, buf, sizeof(buf)));
        if (master >= 0) {
            close(master);
        }
        return NULL;
    }
    stream = wrap(master, false, err);
    if (stream == NULL) {
        close(slave);
        return NULL;
    }
    stream->keep = slave;
    return stream;
}
