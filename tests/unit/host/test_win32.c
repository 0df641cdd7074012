/* test_win32.c - what include/host.h promises, on Windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "host/win32/win32.h"

static char folder[MAX_PATH];
static char path[MAX_PATH + 100];

/* The name of something in the tests' folder. */
static const char *in_folder(const char *name)
{
    snprintf(path, sizeof(path), "%s\\%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    char temp[MAX_PATH];

    GetTempPathA(sizeof(temp), temp);
    snprintf(folder, sizeof(folder), "%shost-test-%lu", temp, (unsigned long)GetCurrentProcessId());
    return !CreateDirectoryA(folder, NULL);
}

static int remove_folder(void **state)
{
    static const char *const files[] = { "x", "long\xc3\xa7", "jail\\b", "jail\\sub\\a", "a" };

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        wchar_t *wide = win32_path(in_folder(files[i]));
        DeleteFileW(wide);
        free(wide);
    }
    RemoveDirectoryA(in_folder("jail\\sub"));
    RemoveDirectoryA(in_folder("jail"));
    return !RemoveDirectoryA(folder);
}

static void test_time_and_chance(void **state)
{
    uint64_t a = host_now_ns(), b = host_now_ns(), chance[2][4] = { { 0 } };

    assert_true(b >= a);
    assert_true(host_wall_s() > 1700000000);
    host_random(chance[0], sizeof(chance[0]));
    host_random(chance[1], sizeof(chance[1]));
    assert_memory_not_equal(chance[0], chance[1], sizeof(chance[0]));
    assert_true(host_cpu_count() >= 1);
    assert_int_equal(win32_ms_until(UINT64_MAX), INFINITE);
    assert_int_equal(win32_ms_until(0), 0);
    assert_int_equal(win32_ms_until(UINT64_MAX - 1), INFINITE - 1);
}

static void test_memory(void **state)
{
    uint8_t *p = host_alloc(100, 64);
    uint64_t *pages = host_pages_map(1ull << 28);

    assert_true(p != NULL && (uintptr_t)p % 64 == 0);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(p[i], 0);
    }
    host_free(p);
    assert_non_null(pages);
    assert_true(pages[0] == 0 && pages[(1ull << 25) - 1] == 0);
    pages[1 << 20] = 1;
    host_pages_unmap(pages, 1ull << 28);
    assert_null(host_pages_map(0));
    assert_null(host_pages_map(UINT64_MAX));
}

/* What is written at one address runs at the other, and only there. */
static void test_code(void **state)
{
#if defined(__x86_64__)
    static const uint8_t answer[] = { 0xb8, 42, 0, 0, 0, 0xc3 }; /* mov eax, 42; ret */
#else
    static const uint8_t answer[] = {
        0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6
    }; /* mov w0, #42; ret */
#endif
    MEMORY_BASIC_INFORMATION info;
    void *writable = NULL;
    uint8_t *code = host_code_map(1 << 20, &writable, false);

    assert_true(code != NULL && writable != NULL && (void *)code != writable);
    memcpy((uint8_t *)writable + 65536, answer, sizeof(answer));
    assert_memory_equal(code + 65536, answer, sizeof(answer));
    FlushInstructionCache(GetCurrentProcess(), code + 65536, sizeof(answer));
    assert_int_equal(((int (*)(void))(uintptr_t)(code + 65536))(), 42);
    VirtualQuery(code, &info, sizeof(info));
    assert_int_equal(info.Protect, PAGE_EXECUTE_READ);
    VirtualQuery(writable, &info, sizeof(info));
    assert_int_equal(info.Protect, PAGE_READWRITE);
    host_code_unmap(code, writable, 1 << 20);
}

static void test_files(void **state)
{
    struct err err = { .lang = LANG_EN };
    struct host_bytes bytes;

    assert_int_equal(host_file_write(in_folder("a"), "hello", 5, &err), ST_OK);
    assert_true(host_file_exists(in_folder("a")));
    assert_int_equal(host_file_read(in_folder("a"), 5, &bytes, &err), ST_OK);
    assert_int_equal(bytes.size, 5);
    assert_string_equal((char *)bytes.data, "hello"); /* a byte 0 follows */
    host_bytes_free(&bytes);
    assert_int_not_equal(host_file_read(in_folder("a"), 4, &bytes, &err), ST_OK);
    assert_int_equal(host_file_read(in_folder("none"), 5, &bytes, &err), ST_E_NOENT);
    assert_non_null(strstr(err.text, "there is no such file"));
    assert_int_equal(host_file_read(folder, 5, &bytes, &err), ST_E_INVAL);
    assert_non_null(strstr(err.text, "is a directory"));
    assert_int_not_equal(host_file_write(in_folder("no\\such"), "x", 1, &err), ST_OK);
    assert_int_not_equal(host_file_write("\xff\xfe", "x", 1, &err), ST_OK); /* no UTF-8 */
    assert_false(host_file_exists(in_folder("none")));
    assert_int_equal(host_file_write(in_folder("long\xc3\xa7"), "x", 1, &err), ST_OK);
    assert_true(GetFileAttributesW(L"\x00e7") == INVALID_FILE_ATTRIBUTES);
    assert_true(host_file_exists(in_folder("long\xc3\xa7")));
}

/* A folder that nobody gets out of. (Links: only real Windows has any.) */
static void test_folder(void **state)
{
    static const char *const outside[] = {
        "..",  "../x", "C:/Windows/win.ini", "sub/../../x", "..\\x", "", "sub", "sub/", "./../x",
        "\\x", "C:x",  "sub\\..\\..\\x",     "x:stream",    "a\x01"
    };
    struct err err = { .lang = LANG_EN };
    struct host_dir *dir;
    struct host_stream *s;
    char buf[8];

    assert_true(CreateDirectoryA(in_folder("jail"), NULL));
    assert_true(CreateDirectoryA(in_folder("jail\\sub"), NULL));
    assert_int_equal(host_file_write(in_folder("x"), "secret", 6, &err), ST_OK);
    assert_null(host_dir_open(in_folder("x"), &err));
    assert_null(host_dir_open(in_folder("none"), &err));
    dir = host_dir_open(in_folder("jail"), &err);
    assert_non_null(dir);
    for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
        assert_null(host_dir_file_open(dir, outside[i], HOST_READ));
        assert_null(host_dir_file_open(dir, outside[i], HOST_WRITE | HOST_CREATE));
    }
    assert_int_not_equal(host_dir_remove(dir, "../x"), ST_OK);
    assert_int_not_equal(host_dir_rename(dir, "sub/a", "../y"), ST_OK);
    s = host_dir_file_open(dir, "sub/a", HOST_READ | HOST_WRITE | HOST_CREATE);
    assert_non_null(s);
    assert_int_equal(host_stream_write(s, "abcdef", 6, UINT64_MAX), 6);
    assert_int_equal(host_stream_length(s), 6);
    assert_int_equal(host_stream_seek(s, 2), 2);
    assert_int_equal(host_stream_read(s, buf, 3), 3);
    assert_memory_equal(buf, "cde", 3);
    host_stream_close(s);
    s = host_dir_file_open(dir, "sub/a", HOST_WRITE | HOST_APPEND);
    assert_int_equal(host_stream_seek(s, 0), 0);
    assert_int_equal(host_stream_write(s, "gh", 2, UINT64_MAX), 2);
    assert_int_equal(host_stream_length(s), 8);
    host_stream_close(s);
    assert_int_equal(host_dir_rename(dir, "sub/a", "b"), ST_OK);
    s = host_dir_file_open(dir, "b", HOST_READ | HOST_WRITE | HOST_TRUNCATE);
    assert_int_equal(host_stream_length(s), 0);
    host_stream_close(s);
    assert_int_equal(host_dir_remove(dir, "b"), ST_OK);
    assert_int_not_equal(host_dir_remove(dir, "b"), ST_OK);
    assert_true(host_file_exists(in_folder("x")));
    host_dir_close(dir);
}

/* Two threads hand a number to and fro; each sees what the other wrote. */
struct table {
    struct host_mutex *mutex;
    struct host_cond *cond;
    unsigned number;
};

static void play(struct table *t, unsigned parity)
{
    for (unsigned i = 0; i < 1000; i++) {
        host_mutex_lock(t->mutex);
        while (t->number % 2 != parity) {
            host_cond_wait(t->cond, t->mutex, UINT64_MAX);
        }
        t->number++;
        host_cond_signal(t->cond);
        host_mutex_unlock(t->mutex);
    }
}

static void play_odd(void *arg)
{
    play(arg, 1);
}

static void test_threads(void **state)
{
    struct table t = { host_mutex_create(), host_cond_create(), 0 };
    struct host_thread *thread;
    struct err err = { .lang = LANG_EN };

    assert_int_equal(host_thread_create(&thread, "odd", play_odd, &t, &err), ST_OK);
    assert_int_equal(host_thread_pin(thread, 0, &err), ST_OK);
    assert_int_not_equal(host_thread_pin(thread, 100000, &err), ST_OK);
    play(&t, 0);
    host_thread_join(thread);
    assert_int_equal(t.number, 2000);
    host_mutex_lock(t.mutex); /* a deadline that has passed */
    assert_false(host_cond_wait(t.cond, t.mutex, 1));
    host_mutex_unlock(t.mutex);
    host_cond_destroy(t.cond);
    host_mutex_destroy(t.mutex);
}

static void test_sockets(void **state)
{
    struct err err = { .lang = LANG_EN };
    struct host_stream *listener = host_tcp_listen("127.0.0.1", 0, &err), *client, *server;
    struct host_wait *wait = host_wait_create(&err);
    struct host_interest interest = { .stream = listener };
    char address[64], buf[8];
    unsigned port;

    assert_true(listener != NULL && wait != NULL);
    assert_null(host_accept(listener));
    host_stream_address(listener, address, sizeof(address));
    assert_int_equal(sscanf(address, "127.0.0.1:%u", &port), 1);
    client = host_tcp_connect("127.0.0.1", (uint16_t)port, &err);
    assert_non_null(client);
    host_wait_for(wait, &interest, 1, UINT64_MAX);
    assert_true(interest.ready);
    server = host_accept(listener);
    assert_non_null(server);
    assert_int_equal(host_stream_read(server, buf, sizeof(buf)), HOST_AGAIN);
    assert_int_equal(host_stream_write(client, "ping", 4, UINT64_MAX), 4);
    interest = (struct host_interest){ .stream = server };
    host_wait_for(wait, &interest, 1, UINT64_MAX);
    assert_int_equal(host_stream_read(server, buf, 2), 2); /* what is left makes it ready again */
    host_wait_for(wait, &interest, 1, UINT64_MAX);
    assert_true(interest.ready);
    assert_int_equal(host_stream_read(server, buf + 2, 6), 2);
    assert_memory_equal(buf, "ping", 4);
    host_wait_for(wait, &interest, 1, 1); /* a deadline that has passed */
    assert_false(interest.ready);
    host_stream_close(client);
    host_wait_for(wait, &interest, 1, UINT64_MAX);
    assert_true(interest.ready);
    assert_int_equal(host_stream_read(server, buf, sizeof(buf)), HOST_END);
    assert_null(host_tcp_listen("no such host", 1, &err));
    assert_non_null(strstr(err.text, "cannot find the address"));
    host_stream_close(server);
    host_stream_close(listener);
    host_wait_wake(wait); /* one wake ends the next wait */
    host_wait_for(wait, NULL, 0, UINT64_MAX);
    host_wait_destroy(wait);
}

/* Pipes have threads of ours behind them. */
static void test_pipes(void **state)
{
    struct err err = { .lang = LANG_EN };
    struct host_wait *wait = host_wait_create(&err);
    HANDLE from, to;
    struct host_stream *in, *out;
    struct host_interest interest;
    static uint8_t big[100000];
    char buf[8];
    int64_t n;

    assert_true(CreatePipe(&from, &to, NULL, 4096));
    in = win32_stream(from, WIN32_SLOW);
    out = win32_stream(to, WIN32_SLOW);
    interest = (struct host_interest){ .stream = in };
    host_wait_for(wait, &interest, 1, 1);
    assert_false(interest.ready);
    assert_int_equal(host_stream_read(in, buf, sizeof(buf)), HOST_AGAIN);
    assert_int_equal(host_stream_write(out, "hello", 5, UINT64_MAX), 5);
    host_wait_for(wait, &interest, 1, UINT64_MAX);
    assert_true(interest.ready);
    assert_int_equal(host_stream_read(in, buf, 2), 2);
    assert_int_equal(host_stream_read(in, buf + 2, 6), 3);
    assert_memory_equal(buf, "hello", 5);
    /* Nobody reads: the writer gives up after its time, having sent what fits and a little more. */
    n = host_stream_write(out, big, sizeof(big), 1000000);
    assert_true(n > 0 && n < (int64_t)sizeof(big));
    assert_int_equal(host_stream_write(out, big, sizeof(big), 0), HOST_AGAIN);
    for (int64_t got = 0; got < n;) {
        static uint8_t piece[4096];
        host_wait_for(wait, &interest, 1, UINT64_MAX);
        int64_t more = host_stream_read(in, piece, sizeof(piece));
        assert_true(more > 0);
        got += more;
    }
    host_stream_close(out);
    host_wait_for(wait, &interest, 1, UINT64_MAX);
    assert_int_equal(host_stream_read(in, buf, sizeof(buf)), HOST_END);
    host_stream_close(in);
    host_wait_destroy(wait);
}

/* The reader of our output is gone. */
static void test_broken_pipe(void **state)
{
    HANDLE from, to;
    struct host_stream *out;

    assert_true(CreatePipe(&from, &to, NULL, 4096));
    out = win32_stream(to, WIN32_SLOW);
    CloseHandle(from);
    assert_int_equal(host_stream_write(out, "x", 1, UINT64_MAX), HOST_END);
    assert_int_equal(host_stream_write(out, "x", 1, UINT64_MAX), HOST_END);
    host_stream_close(out);
}

static void test_names(void **state)
{
    struct err err = { .lang = LANG_EN };
    wchar_t wide[8];
    char text[8];

    assert_true(win32_wide(wide, 8, "\xc3\xa7"));
    assert_int_equal(wide[0], 0xe7);
    assert_true(win32_utf8(text, sizeof(text), wide));
    assert_string_equal(text, "\xc3\xa7");
    assert_false(win32_wide(wide, 2, "abc"));
    assert_false(win32_wide(wide, 8, "\xff"));
    assert_int_equal(win32_fail(&err, MSG_HOST_OPEN, "f", ERROR_ACCESS_DENIED), ST_E_IO);
    assert_string_equal(err.text, "cannot open f: permission denied");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_and_chance),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_code),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_sockets),
        cmocka_unit_test(test_pipes),
        cmocka_unit_test(test_broken_pipe),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
