/*
 * stream.c - reading and writing what has a handle, and waiting for several things at once.
 *
 * A wait is WaitForMultipleObjects on the wake-up event, a timer of high resolution, and one object
 * for each stream: a console's own handle, the event of a pump (pump.c) or the event of a socket. What
 * is really ready is looked up before and after, because objects also fire for less (a released key).
 */
#include "host/win32/win32.h"

#include <stdlib.h>

#include "base/string.h"

#ifndef CREATE_WAITABLE_TIMER_HIGH_RESOLUTION
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 2
#endif

#define STREAMS_MAX 16

struct host_stream *win32_stream(HANDLE handle, enum win32_kind kind)
{
    struct host_stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL) {
        CloseHandle(handle);
        return NULL;
    }
    stream->handle = handle;
    stream->kind = kind;
    stream->socket = INVALID_SOCKET;
    return stream;
}

/* ---- The standard streams -------------------------------------------------------------------- */

static enum win32_kind kind_of(HANDLE handle)
{
    DWORD mode;

    if (GetConsoleMode(handle, &mode)) {
        return WIN32_CONSOLE;
    }
    switch (GetFileType(handle)) {
    case FILE_TYPE_PIPE:
    case FILE_TYPE_CHAR: return WIN32_SLOW;
    default: return WIN32_FILE; /* a program without streams has bad handles: every use fails */
    }
}

static struct host_stream standard_stream[3];

static BOOL CALLBACK open_standard(PINIT_ONCE once, void *arg, void **out)
{
    static const DWORD number[3] = { STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE };

    for (unsigned i = 0; i < 3; i++) {
        struct host_stream *stream = &standard_stream[i];
        stream->handle = GetStdHandle(number[i]);
        stream->kind = kind_of(stream->handle);
        stream->socket = INVALID_SOCKET;
        stream->standard = true;
    }
    return TRUE;
}

/* The process has these once, whoever asks. */
static struct host_stream *standard(unsigned i)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;

    InitOnceExecuteOnce(&once, open_standard, NULL, NULL);
    return &standard_stream[i];
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

/* ---- Reading and writing --------------------------------------------------------------------- */

void host_stream_close(struct host_stream *stream)
{
    if (stream == NULL || stream->standard) {
        return;
    }
    win32_pump_destroy(stream->reader);
    win32_pump_destroy(stream->writer);
    if (stream->kind == WIN32_SOCKET) {
        win32_socket_close(stream);
    } else {
        CloseHandle(stream->handle);
    }
    if (stream->unlink[0] != 0) {
        DeleteFileW(stream->unlink);
    }
    free(stream);
}

/* The pump is made when it is first needed: a stream has one reader and, at a time, one writer. */
static struct win32_pump *pump_of(struct host_stream *stream, bool reading)
{
    struct win32_pump **pump = reading ? &stream->reader : &stream->writer;

    if (*pump == NULL) {
        *pump = win32_pump_create(stream, reading);
    }
    return *pump;
}

static int64_t file_read(struct host_stream *stream, void *buf, size_t len)
{
    DWORD n = 0;

    if (!ReadFile(stream->handle, buf, len < 1u << 30 ? (DWORD)len : 1u << 30, &n, NULL)) {
        return GetLastError() == ERROR_HANDLE_EOF ? HOST_END : HOST_ERROR;
    }
    return n;
}

int64_t host_stream_read(struct host_stream *stream, void *buf, size_t len)
{
    struct win32_pump *pump;

    switch (stream->kind) {
    case WIN32_SOCKET: return win32_socket_read(stream, buf, len);
    case WIN32_CONSOLE: return win32_keys_read(stream, buf, len);
    case WIN32_SLOW:
        pump = pump_of(stream, true);
        return pump != NULL ? win32_pump_read(pump, buf, len) : HOST_ERROR;
    default: return file_read(stream, buf, len);
    }
}

/* The end of the file is where it is at the moment of writing. */
static int64_t file_write(struct host_stream *stream, const uint8_t *p, size_t len)
{
    OVERLAPPED end = { .Offset = 0xffffffff, .OffsetHigh = 0xffffffff };
    size_t done = 0;
    DWORD n = 0;

    while (done < len) {
        size_t part = len - done < 1u << 30 ? len - done : 1u << 30;
        if (!WriteFile(stream->handle, p + done, (DWORD)part, &n, stream->append ? &end : NULL) ||
            n == 0) {
            return done != 0 ? (int64_t)done : HOST_ERROR;
        }
        done += n;
    }
    return (int64_t)done;
}

int64_t host_stream_write(struct host_stream *stream, const void *buf, size_t len,
                          uint64_t timeout_ns)
{
    struct win32_pump *pump;

    switch (stream->kind) {
    case WIN32_SOCKET: return win32_socket_write(stream, buf, len, timeout_ns);
    case WIN32_FILE: return file_write(stream, buf, len);
    default:
        pump = pump_of(stream, false);
        return pump != NULL ? win32_pump_write(pump, buf, len, timeout_ns) : HOST_ERROR;
    }
}

/* ---- Waiting --------------------------------------------------------------------------------- */

struct host_wait {
    HANDLE wake, timer;
};

struct host_wait *host_wait_create(struct err *err)
{
    struct host_wait *wait = calloc(1, sizeof(*wait));
    char buf[120];

    if (wait == NULL) {
        err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
        return NULL;
    }
    wait->wake = CreateEventW(NULL, FALSE, FALSE, NULL);
    wait->timer =
        CreateWaitableTimerExW(NULL, NULL, CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, TIMER_ALL_ACCESS);
    if (wait->timer == NULL) { /* before Windows 10 1803 */
        wait->timer = CreateWaitableTimerExW(NULL, NULL, 0, TIMER_ALL_ACCESS);
    }
    if (wait->wake == NULL || wait->timer == NULL) {
        err_set(err, ST_E_IO, MSG_HOST_WAIT, win32_cause(err, GetLastError(), buf, sizeof(buf)));
        host_wait_destroy(wait);
        return NULL;
    }
    return wait;
}

void host_wait_destroy(struct host_wait *wait)
{
    if (wait == NULL) {
        return;
    }
    if (wait->wake != NULL) {
        CloseHandle(wait->wake);
    }
    if (wait->timer != NULL) {
        CloseHandle(wait->timer);
    }
    free(wait);
}

void host_wait_wake(struct host_wait *wait)
{
    SetEvent(wait->wake);
}

static bool is_ready(struct host_stream *stream)
{
    struct win32_pump *pump;

    switch (stream->kind) {
    case WIN32_SOCKET: return win32_socket_ready(stream);
    case WIN32_CONSOLE: return win32_keys_ready(stream);
    case WIN32_SLOW:
        pump = pump_of(stream, true);
        return pump == NULL || WaitForSingleObject(win32_pump_event(pump), 0) == WAIT_OBJECT_0;
    default: return true;
    }
}

static bool look(struct host_interest *interest, unsigned count)
{
    bool any = false;

    for (unsigned i = 0; i < count; i++) {
        interest[i].ready = is_ready(interest[i].stream);
        any = any || interest[i].ready;
    }
    return any;
}

static HANDLE object_of(struct host_stream *stream)
{
    return stream->kind == WIN32_SOCKET ? stream->event
           : stream->kind == WIN32_SLOW ? win32_pump_event(stream->reader)
                                        : stream->handle;
}

/* Relative times are negative, in units of 100 ns. */
static void timer_set(HANDLE timer, uint64_t deadline_ns)
{
    uint64_t now_ns = host_now_ns();
    uint64_t left = deadline_ns > now_ns ? (deadline_ns - now_ns + 99) / 100 : 0;
    LARGE_INTEGER at;

    at.QuadPart = -(int64_t)(left < INT64_MAX ? left : INT64_MAX);
    SetWaitableTimer(timer, &at, 0, NULL, NULL, FALSE);
}

void host_wait_for(struct host_wait *wait, struct host_interest *interest, unsigned count,
                   uint64_t deadline_ns)
{
    HANDLE object[STREAMS_MAX + 2] = { wait->wake };
    DWORD n = 1;
    bool now;

    if (count > STREAMS_MAX) {
        count = STREAMS_MAX;
    }
    now = look(interest, count) || deadline_ns <= host_now_ns();
    if (!now && deadline_ns != UINT64_MAX) {
        timer_set(wait->timer, deadline_ns);
        object[n++] = wait->timer;
    }
    for (unsigned i = 0; !now && i < count; i++) {
        object[n++] = object_of(interest[i].stream);
    }
    /* The event resets itself only when it is the one that ends the wait, and it is the first. */
    WaitForMultipleObjects(n, object, FALSE, now ? 0 : INFINITE);
    if (!now) {
        (void)look(interest, count);
    }
}
