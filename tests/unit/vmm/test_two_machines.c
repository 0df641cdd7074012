/*
 * test_two_machines.c - two machines in one process, side by side, of two CPUs each.
 *
 * The guest prints 'r' and waits for a byte; its second CPU adds one to the byte, and the first
 * prints that and powers off. The bytes are given only when both machines have said 'r', so both
 * were running at the same time; each must answer its own byte.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hypervisor.h"

/* clang-format off */
static const uint32_t guest[] = {
    0xd2a12001, /*     movz x1, #0x0900, lsl #16     the UART of both boards   */
    0x52806020, /*     mov  w0, #0x301                                         */
    0xb9003020, /*     str  w0, [x1, #0x30]          UARTCR: on, both ways     */
    0x52800e40, /*     mov  w0, #'r'                                           */
    0xb9000020, /*     str  w0, [x1]                                           */
    0xb9401822, /* 1:  ldr  w2, [x1, #0x18]          UARTFR.RXFE               */
    0x3727ffe2, /*     tbnz w2, #4, 1b                                         */
    0xb9400034, /*     ldr  w20, [x1]                                          */
    0x52800060, /*     movz w0, #3                   CPU_ON, CPU 1             */
    0x72b88000, /*     movk w0, #0xc400, lsl #16                               */
    0xd2800021, /*     mov  x1, #1                                             */
    0x100001a2, /*     adr  x2, second                                         */
    0xaa1403e3, /*     mov  x3, x20                                            */
    0xd4000002, /*     hvc  #0                                                 */
    0xb50000c0, /*     cbnz x0, off                                            */
    0x10000224, /*     adr  x4, flag                                           */
    0x88dffc85, /* 2:  ldar w5, [x4]                                           */
    0x34ffffe5, /*     cbz  w5, 2b                                             */
    0xd2a12001, /*     movz x1, #0x0900, lsl #16                               */
    0xb9000025, /*     str  w5, [x1]                                           */
    0x52800100, /* off: movz w0, #8                  SYSTEM_OFF                */
    0x72b08000, /*     movk w0, #0x8400, lsl #16                               */
    0xd4000002, /*     hvc  #0                                                 */
    0x14000000, /*     b    .                                                  */
    0xd2800006, /* second: mov x6, #0                                          */
    0x910004c6, /* 3:  add  x6, x6, #1                                         */
    0xf14040df, /*     cmp  x6, #0x10000                                       */
    0x54ffffc1, /*     b.ne 3b                                                 */
    0x11000400, /*     add  w0, w0, #1                                         */
    0x10000064, /*     adr  x4, flag                                           */
    0x889ffc80, /*     stlr w0, [x4]                                           */
    0x14000000, /*     b    .                                                  */
    0x00000000, /* flag: .word 0                                               */
};
/* clang-format on */

#define MACHINES 2

/* One machine and the thread that runs it. */
struct side {
    struct hv_machine *machine;
    struct hv_result result;
    enum status status;
    struct err err;
    pthread_t thread;
    char text[64]; /* what the guest printed; under lock */
    size_t len;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static size_t take_output(void *opaque, const uint8_t *bytes, size_t len)
{
    struct side *side = opaque;

    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < len && side->len < sizeof(side->text) - 1; i++) {
        side->text[side->len++] = (char)bytes[i];
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return len;
}

static void *run(void *arg)
{
    struct side *side = arg;

    side->status = hv_machine_run(side->machine, &side->result, &side->err);
    pthread_mutex_lock(&lock);
    side->text[sizeof(side->text) - 1] = 1; /* has ended */
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static bool has_ended(const struct side *side)
{
    return side->text[sizeof(side->text) - 1] != 0;
}

static void make(struct side *side, const char *board, const char *kernel)
{
    struct hv_config config;
    struct hv_host host = { .opaque = side, .console = { take_output, side } };

    memset(side, 0, sizeof(*side));
    hv_config_init(&config, LANG_EN);
    assert_int_equal(hv_config_set(&config, "machine", board, &side->err), ST_OK);
    assert_int_equal(hv_config_set(&config, "cpus", "2", &side->err), ST_OK);
    assert_int_equal(hv_config_set(&config, "accel", "soft,jit=off", &side->err),
                     ST_OK); /* counts */
    assert_int_equal(hv_config_set(&config, "kernel", kernel, &side->err), ST_OK);
    assert_int_equal(hv_machine_create(&side->machine, &config, &host, &side->err), ST_OK);
    hv_config_fini(&config);
}

/* Waits until the guest has said 'r'; false if it ended instead. */
static bool wait_ready(struct side *side)
{
    bool ready;

    pthread_mutex_lock(&lock);
    while (side->len == 0 && !has_ended(side)) {
        pthread_cond_wait(&changed, &lock);
    }
    ready = side->len == 1 && side->text[0] == 'r' && !has_ended(side);
    pthread_mutex_unlock(&lock);
    return ready;
}

static void round_of_two(const char *kernel, unsigned turn)
{
    static const char *const board_names[MACHINES] = { "classic", "virt" };
    struct side side[MACHINES];

    for (unsigned i = 0; i < MACHINES; i++) {
        make(&side[i], board_names[(i + turn) % MACHINES], kernel);
    }
    for (unsigned i = 0; i < MACHINES; i++) {
        assert_int_equal(pthread_create(&side[i].thread, NULL, run, &side[i]), 0);
    }
    for (unsigned i = 0; i < MACHINES; i++) {
        assert_true(wait_ready(&side[i]));
    }
    for (unsigned i = 0; i < MACHINES; i++) {
        uint8_t byte = (uint8_t)('A' + 10 * i + turn);
        assert_int_equal(hv_machine_input(side[i].machine, &byte, 1), 1);
    }
    for (unsigned i = 0; i < MACHINES; i++) {
        char wanted[3] = { 'r', (char)('A' + 10 * i + turn + 1), 0 };
        pthread_join(side[i].thread, NULL);
        assert_int_equal(side[i].status, ST_OK);
        assert_int_equal(side[i].result.outcome, HV_OFF);
        assert_int_equal(hv_exit_status(&side[i].result), 0);
        assert_string_equal(side[i].text, wanted);
        assert_true(side[i].result.insns > 3 * 0x10000);
        hv_machine_destroy(side[i].machine);
    }
}

static void test_side_by_side(void **state)
{
    for (unsigned turn = 0; turn < 8; turn++) {
        round_of_two(*state, turn);
    }
}

/* Ending one leaves the other alone. */
static void test_stop_one(void **state)
{
    struct side side[MACHINES];
    uint8_t byte = 'a';

    for (unsigned i = 0; i < MACHINES; i++) {
        make(&side[i], "virt", *state);
        assert_int_equal(pthread_create(&side[i].thread, NULL, run, &side[i]), 0);
    }
    assert_true(wait_ready(&side[0]) && wait_ready(&side[1]));
    hv_machine_stop(side[0].machine);
    pthread_join(side[0].thread, NULL);
    assert_int_equal(side[0].result.outcome, HV_QUIT);
    assert_int_equal(hv_machine_input(side[1].machine, &byte, 1), 1);
    pthread_join(side[1].thread, NULL);
    assert_int_equal(side[1].result.outcome, HV_OFF);
    assert_string_equal(side[1].text, "rb");
    hv_machine_destroy(side[0].machine);
    hv_machine_destroy(side[1].machine);
}

static int write_guest(void **state)
{
    static char path[] = "/tmp/two-machines-XXXXXX";
    int fd = mkstemp(path);

    *state = path;
    return fd >= 0 && write(fd, guest, sizeof(guest)) == (ssize_t)sizeof(guest) ? close(fd) : -1;
}

static int remove_guest(void **state)
{
    return unlink(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_side_by_side),
        cmocka_unit_test(test_stop_one),
    };

    return cmocka_run_group_tests(tests, write_guest, remove_guest);
}
