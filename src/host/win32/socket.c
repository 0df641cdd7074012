/*
 * socket.c - TCP and local sockets. Windows has no pseudo-terminals that a name opens.
 *
 * Local sockets exist since Windows 10 1803; the file of one is a reparse point.
 */
#include "host/win32/win32.h"

#include <stdlib.h>
#include <ws2tcpip.h>

#include "base/fmt.h"
#include "base/string.h"

#ifndef IO_REPARSE_TAG_AF_UNIX
#define IO_REPARSE_TAG_AF_UNIX 0x80000023
#endif

/* afunix.h of the Windows SDK; not in every mingw-w64. */
struct local_address {
    ADDRESS_FAMILY family;
    char path[108];
};

static BOOL CALLBACK start_sockets(PINIT_ONCE once, void *arg, void **out)
{
    WSADATA data;

    return WSAStartup(MAKEWORD(2, 2), &data) == 0;
}

static bool sockets_started(void)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;

    return InitOnceExecuteOnce(&once, start_sockets, NULL, NULL);
}

static void no_delay(SOCKET s)
{
    BOOL on = TRUE;

    (void)setsockopt(s, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on));
}

/* WSAEventSelect also makes the socket one that does not block. */
static struct host_stream *wrap(SOCKET s, bool listening, struct err *err)
{
    struct host_stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL || (stream->event = WSACreateEvent()) == NULL ||
        WSAEventSelect(s, stream->event, listening ? FD_ACCEPT : FD_READ | FD_CLOSE) != 0) {
        if (stream != NULL && stream->event != NULL) {
            WSACloseEvent(stream->event);
        }
        free(stream);
        closesocket(s);
        err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
        return NULL;
    }
    stream->kind = WIN32_SOCKET;
    stream->handle = INVALID_HANDLE_VALUE;
    stream->socket = s;
    stream->listening = listening;
    return stream;
}

void win32_socket_close(struct host_stream *stream)
{
    closesocket(stream->socket);
    WSACloseEvent(stream->event);
}

/* The event is set by what is new since it was last asked; WSAPoll says what is there. */
bool win32_socket_ready(struct host_stream *stream)
{
    WSAPOLLFD p = { .fd = stream->socket, .events = POLLRDNORM };
    WSANETWORKEVENTS events;

    WSAEnumNetworkEvents(stream->socket, stream->event, &events);
    return WSAPoll(&p, 1, 0) != 0;
}

int64_t win32_socket_read(struct host_stream *stream, void *buf, size_t len)
{
    int n = recv(stream->socket, buf, len < 1u << 30 ? (int)len : 1 << 30, 0);

    if (n >= 0) {
        return n;
    }
    switch (WSAGetLastError()) {
    case WSAEWOULDBLOCK: return HOST_AGAIN;
    case WSAECONNRESET:
    case WSAECONNABORTED: return HOST_END;
    default: return HOST_ERROR;
    }
}

static bool wait_writable(SOCKET s, uint64_t deadline_ns)
{
    WSAPOLLFD p = { .fd = s, .events = POLLWRNORM };
    DWORD ms = win32_ms_until(deadline_ns);

    return WSAPoll(&p, 1, ms == INFINITE ? -1 : ms < INT_MAX ? (int)ms : INT_MAX) > 0;
}

int64_t win32_socket_write(struct host_stream *stream, const void *buf, size_t len,
                           uint64_t timeout_ns)
{
    const char *p = buf;
    size_t done = 0;

    while (done < len) {
        uint64_t now_ns = host_now_ns();
        if (!wait_writable(stream->socket,
                           timeout_ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + timeout_ns)) {
            break;
        }
        size_t part = len - done < 1u << 20 ? len - done : 1u << 20;
        int n = send(stream->socket, p + done, (int)part, 0);
        if (n > 0) {
            done += (size_t)n;
        } else if (WSAGetLastError() != WSAEWOULDBLOCK) {
            int number = WSAGetLastError();
            return number == WSAECONNRESET || number == WSAECONNABORTED || number == WSAESHUTDOWN
                       ? HOST_END
                       : HOST_ERROR;
        }
    }
    return done != 0 || len == 0 ? (int64_t)done : HOST_AGAIN;
}

/* ---- TCP ------------------------------------------------------------------------------------- */

/* Windows lets two programs share an address unless the first one objects. */
static bool start(SOCKET s, const struct addrinfo *a, bool listening)
{
    BOOL on = TRUE;

    if (!listening) {
        return connect(s, a->ai_addr, (int)a->ai_addrlen) == 0;
    }
    (void)setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof(on));
    return bind(s, a->ai_addr, (int)a->ai_addrlen) == 0 && listen(s, 4) == 0;
}

static SOCKET open_first(const struct addrinfo *list, bool listening, int *number)
{
    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
        SOCKET s = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (s != INVALID_SOCKET && start(s, a, listening)) {
            return s;
        }
        *number = WSAGetLastError();
        if (s != INVALID_SOCKET) {
            closesocket(s);
        }
    }
    return INVALID_SOCKET;
}

static struct host_stream *tcp_open(const char *address, uint16_t port, bool listening,
                                    struct err *err)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *list = NULL;
    char service[8], name[300], buf[120];
    int number = sockets_started() ? 0 : WSASYSNOTREADY;
    SOCKET s;

    fmt_format(service, sizeof(service), "%u", port);
    address = address[0] != 0 ? address : "127.0.0.1";
    fmt_format(name, sizeof(name), "%s:%u", address, port);
    if (number == 0) {
        number = getaddrinfo(address, service, &hints, &list);
    }
    if (number != 0) {
        err_set(err, ST_E_IO, MSG_HOST_ADDRESS, address,
                win32_cause(err, (DWORD)number, buf, sizeof(buf)));
        return NULL;
    }
    s = open_first(list, listening, &number);
    freeaddrinfo(list);
    if (s == INVALID_SOCKET) {
        win32_fail(err, listening ? MSG_HOST_LISTEN : MSG_HOST_CONNECT, name, (DWORD)number);
        return NULL;
    }
    no_delay(s);
    return wrap(s, listening, err);
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
    SOCKET s = accept(listener->socket, NULL, NULL);

    if (s == INVALID_SOCKET) {
        return NULL;
    }
    no_delay(s);
    return wrap(s, false, NULL);
}

void host_stream_address(struct host_stream *stream, char *buf, size_t size)
{
    struct sockaddr_storage at;
    int len = sizeof(at);
    char address[128], service[32];

    memset(&at, 0, sizeof(at));
    str_copy(buf, size, "?");
    if (stream->kind != WIN32_SOCKET ||
        getsockname(stream->socket, (struct sockaddr *)&at, &len) != 0) {
        return;
    }
    if (at.ss_family == AF_UNIX) {
        str_copy(buf, size, ((struct local_address *)&at)->path);
    } else if (getnameinfo((struct sockaddr *)&at, len, address, sizeof(address), service,
                           sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        fmt_format(buf, size, at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", address, service);
    }
}

/* ---- Local sockets --------------------------------------------------------------------------- */

static bool somebody_listens(const struct local_address *at)
{
    SOCKET s = socket(AF_UNIX, SOCK_STREAM, 0);
    bool answer =
        s != INVALID_SOCKET && connect(s, (const struct sockaddr *)at, (int)sizeof(*at)) == 0;

    if (s != INVALID_SOCKET) {
        closesocket(s);
    }
    return answer;
}

/* A socket left behind by a program that died may be replaced. */
static enum status clear_name(const struct local_address *at, const wchar_t *path, struct err *err)
{
    WIN32_FIND_DATAW found;
    HANDLE find = FindFirstFileW(path, &found);

    if (find == INVALID_HANDLE_VALUE) {
        return ST_OK; /* bind will say what is wrong, if anything */
    }
    FindClose(find);
    if ((found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) == 0 ||
        found.dwReserved0 != IO_REPARSE_TAG_AF_UNIX) {
        return err_set(err, ST_E_INVAL, MSG_HOST_NOT_SOCKET, at->path);
    }
    if (somebody_listens(at)) {
        return err_set(err, ST_E_INVAL, MSG_HOST_IN_USE, at->path);
    }
    DeleteFileW(path);
    return ST_OK;
}

struct host_stream *host_unix_listen(const char *path, struct err *err)
{
    struct local_address at = { .family = AF_UNIX };
    wchar_t wide[ARRAY_SIZE(((struct host_stream *)0)->unlink)];
    struct host_stream *stream;
    SOCKET s;

    if (!str_copy(at.path, sizeof(at.path), path) || !win32_wide(wide, ARRAY_SIZE(wide), path)) {
        err_set(err, ST_E_INVAL, MSG_HOST_NAME_LONG, path);
        return NULL;
    }
    if (!sockets_started() || clear_name(&at, wide, err) != ST_OK) {
        return NULL;
    }
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    if (s == INVALID_SOCKET || bind(s, (struct sockaddr *)&at, (int)sizeof(at)) != 0 ||
        listen(s, 4) != 0) {
        win32_fail(err, MSG_HOST_LISTEN, path, (DWORD)WSAGetLastError());
        if (s != INVALID_SOCKET) {
            closesocket(s);
        }
        return NULL;
    }
    stream = wrap(s, true, err);
    if (stream != NULL) {
        memcpy(stream->unlink, wide, sizeof(wide));
    }
    return stream;
}

/* ---- Pseudo-terminals ------------------------------------------------------------------------ */

struct host_stream *host_pty_open(char *name, size_t size, struct err *err)
{
    char buf[120];

    err_set(err, ST_E_NOTSUP, MSG_HOST_PTY,
            win32_cause(err, ERROR_NOT_SUPPORTED, buf, sizeof(buf)));
    return NULL;
}
