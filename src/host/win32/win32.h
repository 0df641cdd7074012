/*
 * win32.h - what the files of host/win32 share.
 */
#ifndef HOST_WIN32_H
#define HOST_WIN32_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
#include <winsock2.h>

#include "host.h"

enum win32_kind {
    WIN32_FILE,    /* a plain file: never makes anybody wait                           */
    WIN32_SLOW,    /* a pipe or device: threads of ours read and write it              */
    WIN32_CONSOLE, /* a console window or pseudo-console: records in, UTF-16 text out  */
    WIN32_SOCKET,
};

struct win32_pump;

struct host_stream {
    enum win32_kind kind;
    HANDLE handle;
    SOCKET socket;
    HANDLE event; /* of a socket: something may have happened */
    bool listening;
    bool standard; /* stdin, stdout, stderr: not ours to close */
    bool append;   /* every write goes to the end              */
    struct win32_pump *reader, *writer;
    uint8_t text[8]; /* of a console: bytes of a character that came in two writes */
    unsigned text_len;
    wchar_t unlink[110]; /* name of a local socket to remove on close, or "" */
};

/* The cause that an error of Windows or of its sockets names, in the language of err, written into buf. */
const char *win32_cause(const struct err *err, DWORD number, char *buf, size_t size);
/* err_set of a message that takes a name and a cause; the status fits the number. */
enum status win32_fail(struct err *err, enum msg_id id, const char *name, DWORD number);

/* UTF-8 to UTF-16 and back; false if it does not fit or is no text. */
bool win32_wide(wchar_t *out, size_t count, const char *text);
bool win32_utf8(char *out, size_t size, const wchar_t *text);
/* A file's name as Windows wants it, without the old limit of 260 characters; NULL: no memory, or
 * no text. To be freed. */
wchar_t *win32_path(const char *path);

/* A stream round a handle; closes it when there is no memory. */
struct host_stream *win32_stream(HANDLE handle, enum win32_kind kind);
/* Is there something to read, or the end? Does not wait. */
bool win32_socket_ready(struct host_stream *stream);
int64_t win32_socket_read(struct host_stream *stream, void *buf, size_t len);
int64_t win32_socket_write(struct host_stream *stream, const void *buf, size_t len,
                           uint64_t timeout_ns);
void win32_socket_close(struct host_stream *stream);

/* terminal.c: bytes that keys made, and whether there are any. Read without waiting. */
bool win32_keys_ready(struct host_stream *stream);
int64_t win32_keys_read(struct host_stream *stream, uint8_t *buf, size_t len);
/* Text onto a console; how many bytes it took, or a HOST_ code. */
int64_t win32_console_write(struct host_stream *stream, const uint8_t *buf, size_t len);

/*
 * pump.c: a thread that blocks in place of its user. A reading pump keeps one piece of input; a
 * writing one takes one piece and says when it is out.
 */
struct win32_pump *win32_pump_create(struct host_stream *stream, bool reading);
void win32_pump_destroy(struct win32_pump *pump);
/* Set while a read would not wait. */
HANDLE win32_pump_event(struct win32_pump *pump);
int64_t win32_pump_read(struct win32_pump *pump, void *buf, size_t len);
int64_t win32_pump_write(struct win32_pump *pump, const void *buf, size_t len, uint64_t timeout_ns);

/* Milliseconds until host_now_ns reaches deadline_ns, rounded up; INFINITE for UINT64_MAX. */
DWORD win32_ms_until(uint64_t deadline_ns);

#endif
