/* test_posix.c - what include/host.h promises, on this host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "host.h"

static char folder[] = "/tmp/host-test-XXXXXX";
static char path[128];

/* The name of something in the tests' folder. */
static const char *in_folder(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    char text[64];

    snprintf(text, sizeof(text), "rm -r %s", folder);
    return system(text);
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
}

static void test_memory(void **state)
{
    uint8_t *p = host_alloc(100, 64);
    uint64_t *pages = host_pages_map(1ull << 30);

    assert_true(p != NULL && (uintptr_t)p % 64 == 0);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(p[i], 0);
    }
    host_free(p);
    assert_non_null(pages);
    assert_true(pages[0] == 0 && pages[(1ull << 27) - 1] == 0); /* a GiB costs nothing untouched */
    pages[1 << 20] = 1;
    host_pages_unmap(pages, 1ull << 30);
}

static void test_files(void **state)
{
    struct err err = { .lang = LANG_EN };
    struct host_bytes bytes;

    assert_int_equal(host_file_write(in_folder("a"), "hello", 5, &err), ST_OK);
    assert_true(host_file_exists(in_folder("a")));
    assert_int_equal(host_file_read(in_folder("a"), 5, &bytes, &err), ST_OK);
    assert_int_equal(bytes.size, 5);
    assert_string_equal(bytes.data, "hello"); /* a byte 0 follows */
    host_bytes_free(&bytes);
    assert_int_not_equal(host_file_read(in_folder("a"), 4, &bytes, &err), ST_OK);
    assert_true(err.text[0] != 0);
    assert_int_not_equal(host_file_read(in_folder("none"), 5, &bytes, &err), ST_OK);
    assert_int_not_equal(host_file_read(folder, 5, &bytes, &err), ST_OK);
    assert_int_not_equal(host_file_write(in_folder("no/such"), "x", 1, &err), ST_OK);
    assert_false(host_file_exists(in_folder("none")));
}

/* A folder that nobody gets out of. */
static void test_folder(void **state)
{
    static const char *const outside[] = {
        "..", "../x", "/etc/passwd", "sub/../../x", "link", "sublink/a", "", "sub", "sub/", "./../x"
    };
    struct err err = { .lang = LANG_EN };
    struct host_dir *dir;
    struct host_stream *s;
    char buf[8];

    assert_int_equal(mkdir(in_folder("jail"), 0700), 0);
    assert_int_equal(mkdir(in_folder("jail/sub"), 0700), 0);
    assert_int_equal(host_file_write(in_folder("x"), "secret", 6, &err), ST_OK);
    assert_int_equal(symlink("../x", in_folder("jail/link")), 0);
    assert_int_equal(symlink("..", in_folder("jail/sublink")), 0);
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
    assert_int_equal(host_dir_rename(dir, "sub/a", "b"), ST_OK);
    assert_int_equal(host_dir_remove(dir, "b"), ST_OK);
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
    assert_int_equal(host_stream_read(server, buf, sizeof(buf)), 4);
    host_stream_close(client);
    interest.ready = false;
    host_wait_for(wait, &interest, 1, UINT64_MAX);
    assert_int_equal(host_stream_read(server, buf, sizeof(buf)), HOST_END);
    host_stream_close(server);
    host_stream_close(listener);
    host_wait_wake(wait); /* one wake ends the next wait */
    host_wait_for(wait, NULL, 0, UINT64_MAX);
    host_wait_destroy(wait);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_and_chance), cmocka_unit_test(test_memory),
        cmocka_unit_test(test_files),           cmocka_unit_test(test_folder),
        cmocka_unit_test(test_threads),         cmocka_unit_test(test_sockets),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
