/* test_console.c - the serial port at the host's end, on the fake host: keys, rings, clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "host/fake/fake.h"
#include "io/console.h"

/* The console's owner: a guest that takes `room` bytes, and a person who reads notices. */
struct owner {
    struct console *console;
    uint8_t guest[256];
    size_t taken, room;
    enum console_command commands[8];
    unsigned command_count, notices;
};

static size_t receive(void *opaque, const uint8_t *bytes, size_t len)
{
    struct owner *o = opaque;
    size_t n = 0;

    while (n < len && o->room != 0 && o->taken < sizeof(o->guest)) {
        o->guest[o->taken++] = bytes[n++];
        o->room--;
    }
    return n;
}

static void command(void *opaque, enum console_command command)
{
    struct owner *o = opaque;

    o->commands[o->command_count++] = command;
}

static void notice(void *opaque, const char *text)
{
    ((struct owner *)opaque)->notices++;
    assert_true(text[0] != 0);
}

static void open_console(struct owner *o, const char *spec)
{
    struct console_ports ports = { o, receive, command, notice, LANG_EN };
    struct err err = { .lang = LANG_EN };

    o->room = SIZE_MAX;
    assert_int_equal(console_create(&o->console, spec, &ports, &err), ST_OK);
}

/* What the service thread does once. */
static void serve(struct owner *o)
{
    struct host_interest interest[CONSOLE_INTERESTS];
    unsigned n = console_interests(o->console, interest);

    for (unsigned i = 0; i < n; i++) {
        interest[i].ready = true;
    }
    console_service(o->console, interest, n);
}

static void type(struct owner *o, const char *keys)
{
    fake_input(host_stdin(), keys, strlen(keys));
    serve(o);
}

static void print(struct owner *o, const char *text)
{
    struct char_port port = console_port(o->console);

    assert_int_equal(port.write(port.opaque, (const uint8_t *)text, strlen(text)), strlen(text));
}

static void assert_output(struct host_stream *stream, const char *wanted)
{
    size_t len;
    const uint8_t *bytes = fake_output(stream, &len);

    assert_int_equal(len, strlen(wanted));
    assert_memory_equal(bytes, wanted, len);
}

static int setup(void **state)
{
    fake_reset();
    return 0;
}

static void test_terminal_keys(void **state)
{
    static const enum console_command wanted[] = { CONSOLE_STATE, CONSOLE_STATISTICS,
                                                   CONSOLE_POWER_BUTTON, CONSOLE_QUIT };
    struct owner o = { 0 };

    fake_terminal(true, true);
    open_console(&o, "stdio");
    serve(&o);
    assert_true(fake_terminal_is_raw());
    type(&o, "a\x03"); /* Ctrl-C is the guest's */
    type(&o, "\x01");  /* the prefix and its key may come apart */
    type(&o, "\x01");  /* twice: one for the guest */
    type(&o, "\x01s\x01i\x01p\x01?b\x01x");
    assert_int_equal(o.taken, 4);
    assert_memory_equal(o.guest,
                        "a\x03\x01"
                        "b",
                        4);
    assert_int_equal(o.command_count, ARRAY_SIZE(wanted));
    assert_memory_equal(o.commands, wanted, sizeof(wanted));
    type(&o, "\x01h");
    assert_int_equal(o.notices, 1);
    console_destroy(o.console);
    assert_false(fake_terminal_is_raw());
    assert_int_equal(fake_leaks(), 0);
}

/* A pipe has no keys: Ctrl-A is the guest's. */
static void test_pipe(void **state)
{
    struct owner o = { 0 };

    fake_terminal(false, true);
    open_console(&o, "stdio");
    type(&o, "\x01x\x01");
    assert_int_equal(o.taken, 3);
    assert_int_equal(o.command_count, 0);
    assert_false(console_ended(o.console));
    fake_input_end(host_stdin());
    serve(&o);
    assert_true(console_ended(o.console));
    print(&o, "still alive");
    assert_output(host_stdout(), "still alive");
    console_destroy(o.console);
}

static void test_background_terminal(void **state)
{
    struct host_interest interest[CONSOLE_INTERESTS];
    struct owner o = { 0 };

    fake_terminal(true, false);
    open_console(&o, "stdio");
    assert_int_equal(console_interests(o.console, interest), 0);
    assert_false(fake_terminal_is_raw());
    assert_true(console_deadline(o.console) != UINT64_MAX); /* it looks again */
    fake_terminal(true, true);
    type(&o, "x");
    assert_true(fake_terminal_is_raw());
    assert_int_equal(o.taken, 1);
    console_destroy(o.console);
}

/* What the guest does not take is offered again, at a time that the deadline says. */
static void test_slow_guest(void **state)
{
    struct owner o = { 0 };

    fake_terminal(false, true);
    open_console(&o, "stdio");
    o.room = 2;
    type(&o, "abcdef");
    assert_int_equal(o.taken, 2);
    assert_true(console_deadline(o.console) != UINT64_MAX);
    o.room = SIZE_MAX;
    console_service(o.console, NULL, 0);
    assert_int_equal(o.taken, 6);
    assert_memory_equal(o.guest, "abcdef", 6);
    assert_true(console_deadline(o.console) == UINT64_MAX);
    console_destroy(o.console);
}

/* A reader that is gone, or takes nothing, is told of once, and the guest goes on. */
static void test_lost_output(void **state)
{
    struct owner o = { 0 };

    fake_terminal(false, true);
    open_console(&o, "stdio");
    fake_output_room(host_stdout(), 3);
    print(&o, "abcdef");
    assert_output(host_stdout(), "abc");
    assert_int_equal(o.notices, 1);
    print(&o, "ghi");
    assert_int_equal(o.notices, 1);
    fake_output_room(host_stdout(), SIZE_MAX);
    print(&o, "jkl");
    assert_output(host_stdout(), "abcjkl");
    fake_output_gone(host_stdout());
    print(&o, "m");
    print(&o, "n");
    assert_int_equal(o.notices, 2);
    console_destroy(o.console);
}

/* Output before the first client waits for it; one client at a time. */
static void test_listener(void **state)
{
    struct host_stream *client;
    struct owner o = { 0 };

    open_console(&o, "tcp:localhost:0");
    assert_int_equal(o.notices, 1); /* where to connect */
    print(&o, "early ");
    fake_client();
    serve(&o);
    client = fake_last_opened();
    print(&o, "late");
    assert_output(client, "early late");
    fake_input(client, "\x01x", 2);
    serve(&o);
    assert_int_equal(o.taken, 2);
    fake_input_end(client);
    serve(&o);
    assert_false(console_ended(o.console)); /* another may come */
    console_destroy(o.console);
    assert_int_equal(fake_leaks(), 0);
}

static void test_file(void **state)
{
    struct owner o = { 0 };

    open_console(&o, "file:out");
    print(&o, "text");
    assert_output(fake_last_opened(), "text");
    assert_true(console_ended(o.console));
    console_destroy(o.console);
    assert_int_equal(fake_leaks(), 0);
}

static void test_bad_specifications(void **state)
{
    static const char *const bad[] = { "",      "printer", "file:",       "tcp:",
                                       "tcp:x", "tcp:h:x", "tcp:h:65536", "unix:" };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct err err = { .lang = LANG_EN };
        if (console_check(bad[i], &err) == ST_OK) {
            fail_msg("accepted: '%s'", bad[i]);
        }
        assert_true(err.text[0] != 0);
    }
}

/* Whatever cannot be opened or allocated gives an error and leaves nothing behind. */
static void test_failures(void **state)
{
    static const char *const specs[] = { "file:out", "tcp:localhost:1", "unix:s", "pty", "stdio" };
    struct owner o = { 0 };
    struct console_ports ports = { &o, receive, command, notice, LANG_EN };

    for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
        for (unsigned nth = 1; nth < 8; nth++) {
            struct err err = { .lang = LANG_EN };
            fake_reset();
            fake_fail(FAKE_ALLOC, nth);
            if (console_create(&o.console, specs[i], &ports, &err) == ST_OK) {
                console_destroy(o.console);
            } else {
                assert_true(err.text[0] != 0);
            }
            assert_int_equal(fake_leaks(), 0);
        }
        fake_reset();
        fake_fail(FAKE_OPEN, 1);
        struct err err = { .lang = LANG_EN };
        if (console_create(&o.console, specs[i], &ports, &err) == ST_OK) {
            assert_string_equal(specs[i], "stdio");
            console_destroy(o.console);
        }
        assert_int_equal(fake_leaks(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_terminal_keys, setup),
        cmocka_unit_test_setup(test_pipe, setup),
        cmocka_unit_test_setup(test_background_terminal, setup),
        cmocka_unit_test_setup(test_slow_guest, setup),
        cmocka_unit_test_setup(test_lost_output, setup),
        cmocka_unit_test_setup(test_listener, setup),
        cmocka_unit_test_setup(test_file, setup),
        cmocka_unit_test_setup(test_bad_specifications, setup),
        cmocka_unit_test_setup(test_failures, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
