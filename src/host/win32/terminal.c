/*
 * terminal.c - the console: raw mode that always ends, keys as bytes, text as UTF-8, and the events
 * that ask the process to end.
 *
 * The console belongs to the process and to the shell that started it, so its state is the process's:
 * the one mutable file-scope state of the hosted program, beside the standard streams. What was set is
 * put back by host_terminal_restore, at exit, at Ctrl-C, Ctrl-Break and the closing of the window, at
 * abort, and at an exception of ours that nobody handles. Only TerminateProcess leaves a raw console.
 *
 * Keys are read as records. With ENABLE_VIRTUAL_TERMINAL_INPUT a record holds one character of what a
 * terminal would send; a console without it (before Windows 10, Wine) has codes for the keys that are
 * no characters, and key_table says what a terminal would have sent.
 */
#include "host/win32/win32.h"

#include <fcntl.h>
#include <io.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <mmsystem.h>
#include <shellapi.h>

#include "base/compiler.h"
#include "base/string.h"

#ifndef ENABLE_VIRTUAL_TERMINAL_PROCESSING
#define ENABLE_VIRTUAL_TERMINAL_PROCESSING 0x0004
#endif
#ifndef ENABLE_VIRTUAL_TERMINAL_INPUT
#define ENABLE_VIRTUAL_TERMINAL_INPUT 0x0200
#endif

/* Windows ends the process when the handler of such an event returns, or 5 s later. */
#define CLOSE_WAIT_MS 4500

static struct {
    HANDLE in, out;
    DWORD in_mode, out_mode; /* as they were */
    UINT out_page;           /* as it was; 0: not changed */
    _Atomic bool raw;        /* in_mode is to be put back  */
    _Atomic bool vt;         /* out_mode is to be put back */
    _Atomic int end_event;   /* the CTRL_..._EVENT that asked us to end, plus 1; or 0 */
    void (*end_fn)(void *arg);
    void *end_arg;
    bool installed;
    uint8_t key[64]; /* bytes that a record made and nobody has read */
    unsigned key_at, key_len;
    wchar_t high; /* first half of a character beyond 16 bits */
} terminal;

/* ---- Ways out -------------------------------------------------------------------------------- */

void host_terminal_restore(void)
{
    if (atomic_exchange(&terminal.raw, false)) {
        SetConsoleMode(terminal.in, terminal.in_mode);
    }
}

/* What host_start set stays until the process ends: messages after raw mode need it, too. */
static void restore_all(void)
{
    host_terminal_restore();
    if (atomic_exchange(&terminal.vt, false)) {
        SetConsoleMode(terminal.out, terminal.out_mode);
    }
    if (terminal.out_page != 0) {
        SetConsoleOutputCP(terminal.out_page);
        terminal.out_page = 0;
    }
}

static LONG WINAPI on_exception(EXCEPTION_POINTERS *info)
{
    restore_all();
    return EXCEPTION_CONTINUE_SEARCH;
}

static void on_abort(int number)
{
    restore_all();
}

/*
 * In raw mode Ctrl-C is a key of the guest. Windows hands it over as one; an event comes only from
 * consoles that know no raw mode (Wine's) and programs that make one, and becomes the key.
 */
static void type_ctrl_c(void)
{
    INPUT_RECORD record = { .EventType = KEY_EVENT };
    DWORD count;

    record.Event.KeyEvent.bKeyDown = TRUE;
    record.Event.KeyEvent.wRepeatCount = 1;
    record.Event.KeyEvent.wVirtualKeyCode = 'C';
    record.Event.KeyEvent.uChar.UnicodeChar = 3;
    record.Event.KeyEvent.dwControlKeyState = LEFT_CTRL_PRESSED;
    WriteConsoleInputW(terminal.in, &record, 1, &count);
}

/* Runs on a thread that Windows makes for it. */
static BOOL WINAPI on_event(DWORD event)
{
    bool closing = event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT;
    int none = 0;

    if (event == CTRL_C_EVENT && atomic_load(&terminal.raw)) {
        type_ctrl_c();
        return TRUE;
    }
    if (terminal.end_fn != NULL &&
        atomic_compare_exchange_strong(&terminal.end_event, &none, (int)event + 1)) {
        terminal.end_fn(terminal.end_arg);
        if (closing) {
            Sleep(CLOSE_WAIT_MS);
        }
        return TRUE;
    }
    restore_all();
    return FALSE;
}

static void install_all(void)
{
    if (terminal.installed) {
        return;
    }
    terminal.installed = true;
    atexit(restore_all);
    signal(SIGABRT, on_abort);
    SetUnhandledExceptionFilter(on_exception);
    SetConsoleCtrlHandler(on_event, TRUE);
}

void host_catch_end(void (*fn)(void *arg), void *arg)
{
    install_all();
    terminal.end_arg = arg;
    terminal.end_fn = fn;
}

void host_obey_end(void)
{
    if (atomic_load(&terminal.end_event) != 0) {
        restore_all();
        ExitProcess((UINT)STATUS_CONTROL_C_EXIT);
    }
}

/* ---- The start of the program ---------------------------------------------------------------- */

static void output_start(void)
{
    terminal.out = GetStdHandle(STD_OUTPUT_HANDLE);
    if (GetConsoleMode(terminal.out, &terminal.out_mode) &&
        SetConsoleMode(terminal.out, terminal.out_mode | ENABLE_PROCESSED_OUTPUT |
                                         ENABLE_VIRTUAL_TERMINAL_PROCESSING)) {
        atomic_store(&terminal.vt, true);
    }
    if (GetConsoleOutputCP() != CP_UTF8) {
        terminal.out_page = GetConsoleOutputCP();
        SetConsoleOutputCP(CP_UTF8);
    }
    /* What is written is the same on every host: no byte is added to a line's end. */
    _setmode(_fileno(stdout), _O_BINARY);
    _setmode(_fileno(stderr), _O_BINARY);
}

static char *utf8_copy(const wchar_t *wide)
{
    int size = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    char *text = size > 0 ? malloc((size_t)size) : NULL;

    if (text != NULL) {
        WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, size, NULL, NULL);
    }
    return text;
}

/* The arguments of main are in the ANSI code page, where most names cannot be written. */
static void arguments_start(int *argc, char ***argv)
{
    int count = 0;
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &count);
    char **text = wide != NULL ? calloc((size_t)count + 1, sizeof(*text)) : NULL;

    for (int i = 0; text != NULL && i < count; i++) {
        text[i] = utf8_copy(wide[i]);
        if (text[i] == NULL) {
            text = NULL; /* no memory: the arguments stay as they are */
        }
    }
    if (text != NULL) {
        *argc = count;
        *argv = text;
    }
    LocalFree(wide);
}

void host_start(int *argc, char ***argv)
{
    timeBeginPeriod(1); /* of waits with a time-out, which a vCPU in WFI is in; else 15.6 ms */
    install_all();
    output_start();
    arguments_start(argc, argv);
}

void host_language(char *buf, size_t size)
{
    static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
    wchar_t name[LOCALE_NAME_MAX_LENGTH];

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != 0) {
            str_copy(buf, size, value);
            return;
        }
    }
    if (GetUserDefaultLocaleName(name, LOCALE_NAME_MAX_LENGTH) == 0 ||
        !win32_utf8(buf, size, name)) {
        buf[0] = 0;
    }
}

/* ---- Modes ----------------------------------------------------------------------------------- */

bool host_is_terminal(struct host_stream *stream)
{
    return stream->kind == WIN32_CONSOLE;
}

/* Windows knows no jobs in the background of a console. */
bool host_is_foreground(struct host_stream *stream)
{
    return true;
}

enum status host_terminal_raw(struct host_stream *stream, struct err *err)
{
    const DWORD cooked = ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT | ENABLE_PROCESSED_INPUT |
                         ENABLE_MOUSE_INPUT | ENABLE_WINDOW_INPUT;
    char buf[120];
    DWORD mode;

    install_all();
    if (!GetConsoleMode(stream->handle, &mode)) {
        return err_set(err, ST_E_IO, MSG_HOST_TERMINAL,
                       win32_cause(err, GetLastError(), buf, sizeof(buf)));
    }
    if (!atomic_load(&terminal.raw)) {
        terminal.in = stream->handle;
        terminal.in_mode = mode;
    }
    mode &= ~cooked;
    atomic_store(&terminal.raw, true);
    if (!SetConsoleMode(stream->handle, mode | ENABLE_VIRTUAL_TERMINAL_INPUT) &&
        !SetConsoleMode(stream->handle, mode)) {
        DWORD number = GetLastError();
        atomic_store(&terminal.raw, false);
        return err_set(err, ST_E_IO, MSG_HOST_TERMINAL, win32_cause(err, number, buf, sizeof(buf)));
    }
    return ST_OK;
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static const struct {
    WORD code;
    const char *bytes;
} key_table[] = {
    { VK_UP, "\x1b[A" },      { VK_DOWN, "\x1b[B" },    { VK_RIGHT, "\x1b[C" },
    { VK_LEFT, "\x1b[D" },    { VK_HOME, "\x1b[H" },    { VK_END, "\x1b[F" },
    { VK_INSERT, "\x1b[2~" }, { VK_DELETE, "\x1b[3~" }, { VK_PRIOR, "\x1b[5~" },
    { VK_NEXT, "\x1b[6~" },   { VK_F1, "\x1bOP" },      { VK_F2, "\x1bOQ" },
    { VK_F3, "\x1bOR" },      { VK_F4, "\x1bOS" },      { VK_F5, "\x1b[15~" },
    { VK_F6, "\x1b[17~" },    { VK_F7, "\x1b[18~" },    { VK_F8, "\x1b[19~" },
    { VK_F9, "\x1b[20~" },    { VK_F10, "\x1b[21~" },   { VK_F11, "\x1b[23~" },
    { VK_F12, "\x1b[24~" },
};

/* A character as UTF-8; a pair of halves comes in two records. Returns the number of bytes. */
static unsigned put_character(uint8_t *out, wchar_t c)
{
    wchar_t text[2] = { terminal.high, c };
    bool low = c >= 0xdc00 && c <= 0xdfff;

    if (c >= 0xd800 && c <= 0xdbff) {
        terminal.high = c;
        return 0;
    }
    terminal.high = 0;
    if (low && text[0] == 0) {
        return 0;
    }
    int n = WideCharToMultiByte(CP_UTF8, 0, low ? text : text + 1, low ? 2 : 1, (char *)out, 4,
                                NULL, NULL);
    return n > 0 ? (unsigned)n : 0;
}

/* The bytes of one record, at most 8; 0: it is no key that sends anything. */
static unsigned put_record(uint8_t *out, const INPUT_RECORD *record)
{
    const KEY_EVENT_RECORD *key = &record->Event.KeyEvent;
    wchar_t c = key->uChar.UnicodeChar;
    bool ctrl = (key->dwControlKeyState & (LEFT_CTRL_PRESSED | RIGHT_CTRL_PRESSED)) != 0;

    if (record->EventType != KEY_EVENT ||
        (!key->bKeyDown && !(key->wVirtualKeyCode == VK_MENU && c != 0))) { /* Alt and digits */
        return 0;
    }
    if (c == 8 && key->wVirtualKeyCode == VK_BACK && !ctrl) {
        c = 0x7f; /* what terminals send */
    }
    if (c != 0) {
        return put_character(out, c);
    }
    if (key->wVirtualKeyCode == VK_SPACE && ctrl) {
        out[0] = 0;
        return 1;
    }
    for (size_t i = 0; i < ARRAY_SIZE(key_table); i++) {
        if (key_table[i].code == key->wVirtualKeyCode) {
            unsigned n = (unsigned)str_len(key_table[i].bytes);
            memcpy(out, key_table[i].bytes, n);
            return n;
        }
    }
    return 0;
}

/* Turns the next record into bytes, if there is one. */
static bool take_record(struct host_stream *stream)
{
    INPUT_RECORD record;
    DWORD count = 0;
    uint8_t bytes[8];

    if (!GetNumberOfConsoleInputEvents(stream->handle, &count) || count == 0 ||
        !ReadConsoleInputW(stream->handle, &record, 1, &count) || count == 0) {
        return false;
    }
    unsigned n = put_record(bytes, &record);
    unsigned repeat =
        n != 0 && record.Event.KeyEvent.wRepeatCount > 1 ? record.Event.KeyEvent.wRepeatCount : 1;
    while (repeat-- != 0 && terminal.key_len + n <= sizeof(terminal.key)) {
        memcpy(terminal.key + terminal.key_len, bytes, n);
        terminal.key_len += n;
    }
    return true;
}

bool win32_keys_ready(struct host_stream *stream)
{
    while (terminal.key_at == terminal.key_len) {
        terminal.key_at = terminal.key_len = 0;
        if (!take_record(stream)) {
            return false;
        }
    }
    return true;
}

int64_t win32_keys_read(struct host_stream *stream, uint8_t *buf, size_t len)
{
    size_t done = 0;

    while (done < len && win32_keys_ready(stream)) {
        buf[done++] = terminal.key[terminal.key_at++];
    }
    return done != 0 || len == 0 ? (int64_t)done : HOST_AGAIN;
}

/* ---- Text ------------------------------------------------------------------------------------ */

/* How many of the last bytes are the beginning of a character whose rest is yet to come. */
static unsigned unfinished(const uint8_t *p, size_t len)
{
    for (unsigned back = 1; back <= 3 && back <= len; back++) {
        uint8_t c = p[len - back];
        unsigned need = c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc0 ? 2 : 1;
        if (c < 0x80 || c >= 0xc0) {
            return need > back ? back : 0;
        }
    }
    return 0;
}

/* WriteConsoleW shows every character whatever the code page is; bytes would need the right one. */
int64_t win32_console_write(struct host_stream *stream, const uint8_t *buf, size_t len)
{
    uint8_t bytes[1024 + sizeof(stream->text)];
    wchar_t wide[1024 + sizeof(stream->text)];
    size_t take = len < 1024 ? len : 1024;
    size_t size = stream->text_len + take;
    DWORD done;

    memcpy(bytes, stream->text, stream->text_len);
    memcpy(bytes + stream->text_len, buf, take);
    stream->text_len = unfinished(bytes, size);
    size -= stream->text_len;
    memcpy(stream->text, bytes + size, stream->text_len);
    int count = MultiByteToWideChar(CP_UTF8, 0, (const char *)bytes, (int)size, wide,
                                    (int)ARRAY_SIZE(wide));
    if (count > 0 && !WriteConsoleW(stream->handle, wide, (DWORD)count, &done, NULL)) {
        return HOST_ERROR;
    }
    return (int64_t)take;
}
