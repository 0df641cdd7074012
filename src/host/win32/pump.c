/*
 * pump.c - threads that block so that others need not.
 *
 * Windows can neither wait for bytes in a pipe together with other things nor give up a write that
 * nobody reads. So a pipe, a device or a console that somebody wants to wait for gets a thread, which
 * holds one piece of bytes:
 *
 *   reading   the thread reads a piece, sets its event, and waits until all of it was taken
 *   writing   the user hands a piece over and waits until it is out, or no longer than the time-out;
 *             a piece that is still on its way counts as taken, and the next one waits for it
 *
 * The standard streams live as long as the process, and so do their threads.
 */
#include "host/win32/win32.h"

#include <process.h>
#include <stdlib.h>

#include "base/string.h"

#define PIECE    4096
#define FLUSH_NS 1000000000u /* how long closing waits for the last piece */

struct win32_pump {
    struct host_stream *stream;
    SRWLOCK lock;
    CONDITION_VARIABLE changed;
    HANDLE thread, event;
    bool reading, quit;
    int64_t ended;  /* HOST_END or HOST_ERROR once that has happened, else 1 */
    size_t at, len; /* bytes of the piece: [at, len) are still to be taken, or written */
    uint8_t piece[PIECE];
};

static int64_t status_of(DWORD number)
{
    return number == ERROR_BROKEN_PIPE || number == ERROR_NO_DATA || number == ERROR_HANDLE_EOF ||
                   number == ERROR_PIPE_NOT_CONNECTED || number == ERROR_OPERATION_ABORTED
               ? HOST_END
               : HOST_ERROR;
}

static int64_t read_piece(struct win32_pump *pump)
{
    DWORD n = 0;

    if (!ReadFile(pump->stream->handle, pump->piece, PIECE, &n, NULL)) {
        return status_of(GetLastError());
    }
    return n != 0 ? (int64_t)n : HOST_END;
}

static int64_t write_piece(struct win32_pump *pump, const uint8_t *p, size_t len)
{
    DWORD n = 0;

    if (pump->stream->kind == WIN32_CONSOLE) {
        return win32_console_write(pump->stream, p, len);
    }
    if (!WriteFile(pump->stream->handle, p, (DWORD)len, &n, NULL)) {
        return status_of(GetLastError());
    }
    return (int64_t)n;
}

/* The lock is held, but not while the thread blocks. */
static void read_once(struct win32_pump *pump)
{
    int64_t n;

    ReleaseSRWLockExclusive(&pump->lock);
    n = read_piece(pump);
    AcquireSRWLockExclusive(&pump->lock);
    pump->at = 0;
    pump->len = n > 0 ? (size_t)n : 0;
    pump->ended = n > 0 ? 1 : n;
    SetEvent(pump->event);
    while (!pump->quit && pump->ended > 0 && pump->len != 0) {
        SleepConditionVariableSRW(&pump->changed, &pump->lock, INFINITE, 0);
    }
}

static void write_once(struct win32_pump *pump)
{
    int64_t n;

    while (!pump->quit && pump->len == 0) {
        SleepConditionVariableSRW(&pump->changed, &pump->lock, INFINITE, 0);
    }
    if (pump->len == 0) {
        return;
    }
    ReleaseSRWLockExclusive(&pump->lock);
    n = write_piece(pump, pump->piece + pump->at, pump->len - pump->at);
    AcquireSRWLockExclusive(&pump->lock);
    pump->at += n > 0 ? (size_t)n : 0;
    pump->ended = n >= 0 ? pump->ended : n;
    if (n == HOST_END) {
        pump->ended = HOST_END;
    }
    if (pump->at == pump->len || pump->ended <= 0) {
        pump->at = pump->len = 0;
        WakeAllConditionVariable(&pump->changed);
    }
}

static unsigned __stdcall pump_main(void *arg)
{
    struct win32_pump *pump = arg;

    AcquireSRWLockExclusive(&pump->lock);
    while (!pump->quit && pump->ended > 0) {
        if (pump->reading) {
            read_once(pump);
        } else {
            write_once(pump);
        }
    }
    ReleaseSRWLockExclusive(&pump->lock);
    return 0;
}

struct win32_pump *win32_pump_create(struct host_stream *stream, bool reading)
{
    struct win32_pump *pump = calloc(1, sizeof(*pump));

    if (pump == NULL) {
        return NULL;
    }
    pump->stream = stream;
    pump->reading = reading;
    pump->ended = 1;
    InitializeSRWLock(&pump->lock);
    InitializeConditionVariable(&pump->changed);
    pump->event = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (pump->event != NULL) {
        pump->thread = (HANDLE)_beginthreadex(NULL, 65536, pump_main, pump, 0, NULL);
    }
    if (pump->thread == NULL) {
        if (pump->event != NULL) {
            CloseHandle(pump->event);
        }
        free(pump);
        return NULL;
    }
    return pump;
}

/* The lock is held: waits until the piece is empty, or the deadline. */
static bool drained(struct win32_pump *pump, uint64_t deadline_ns)
{
    while (pump->len != 0 && pump->ended > 0) {
        if (!SleepConditionVariableSRW(&pump->changed, &pump->lock, win32_ms_until(deadline_ns),
                                       0) &&
            host_now_ns() >= deadline_ns) {
            return false;
        }
    }
    return true;
}

void win32_pump_destroy(struct win32_pump *pump)
{
    if (pump == NULL) {
        return;
    }
    AcquireSRWLockExclusive(&pump->lock);
    if (!pump->reading) {
        (void)drained(pump, host_now_ns() + FLUSH_NS);
    }
    pump->quit = true;
    WakeAllConditionVariable(&pump->changed);
    ReleaseSRWLockExclusive(&pump->lock);
    for (unsigned i = 0; i < 20 && WaitForSingleObject(pump->thread, 50) != WAIT_OBJECT_0; i++) {
        CancelSynchronousIo(pump->thread);
    }
    if (WaitForSingleObject(pump->thread, 0) == WAIT_OBJECT_0) {
        CloseHandle(pump->thread);
        CloseHandle(pump->event);
        free(pump);
    } /* else the thread hangs in a driver: what it may still touch must stay */
}

HANDLE win32_pump_event(struct win32_pump *pump)
{
    return pump->event;
}

int64_t win32_pump_read(struct win32_pump *pump, void *buf, size_t len)
{
    int64_t result = HOST_AGAIN;

    AcquireSRWLockExclusive(&pump->lock);
    if (pump->at < pump->len) {
        size_t n = pump->len - pump->at < len ? pump->len - pump->at : len;
        memcpy(buf, pump->piece + pump->at, n);
        pump->at += n;
        result = (int64_t)n;
        if (pump->at == pump->len) {
            pump->at = pump->len = 0;
            ResetEvent(pump->event);
            WakeAllConditionVariable(&pump->changed);
        }
    } else if (pump->ended <= 0) {
        result = pump->ended;
    }
    ReleaseSRWLockExclusive(&pump->lock);
    return result;
}

static uint64_t deadline_after(uint64_t ns)
{
    uint64_t now_ns = host_now_ns();

    return ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + ns;
}

int64_t win32_pump_write(struct win32_pump *pump, const void *buf, size_t len, uint64_t timeout_ns)
{
    const uint8_t *p = buf;
    size_t done = 0;
    bool out = true;

    AcquireSRWLockExclusive(&pump->lock);
    while (done < len && out && pump->ended > 0) {
        if (!drained(pump, deadline_after(timeout_ns))) {
            break;
        }
        size_t n = len - done < PIECE ? len - done : PIECE;
        memcpy(pump->piece, p + done, n);
        pump->at = 0;
        pump->len = n;
        done += n;
        WakeAllConditionVariable(&pump->changed);
        out = drained(pump, deadline_after(timeout_ns));
    }
    int64_t ended = pump->ended;
    ReleaseSRWLockExclusive(&pump->lock);
    return ended <= 0 ? ended : done != 0 || len == 0 ? (int64_t)done : HOST_AGAIN;
}
