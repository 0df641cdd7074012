/*
 * test_uart.c - PL011: transmitting, FIFOs, every interrupt source, receive timeout, loopback,
 * access sizes.
 */
#include "rig.h"

enum {
    DR = 0x00,
    RSR = 0x04,
    FR = 0x18,
    IBRD = 0x24,
    FBRD = 0x28,
    LCR_H = 0x2C,
    CR = 0x30,
    IFLS = 0x34,
    IMSC = 0x38,
    RIS = 0x3C,
    MIS = 0x40,
    ICR = 0x44,
    FEN = 0x10,
    BRK = 1,
    LBE = 0x80,
    RXE = 0x200,
    CR_ON = 0x301,
    RXFE = 0x10,
    TXFF = 0x20,
    RXFF = 0x40,
    TXFE = 0x80,
    BUSY = 8,
    I_RX = 0x10,
    I_TX = 0x20,
    I_RT = 0x40,
    I_BE = 0x200,
    I_OE = 0x400,
    OE = 0x800,
    BE = 0x400,
};

#define BIT_NS 8680u /* 115200 baud, rounded down */

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    rig_init(rig, &uart_ops);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    rig_fini(*state);
    free(*state);
    return 0;
}

static size_t type(struct rig *rig, const char *text)
{
    return uart_ops.receive(&rig->dev, (const uint8_t *)text, strlen(text));
}

static void test_transmit(void **state)
{
    struct rig *rig = *state;

    /* As at reset, with UARTEN clear: bare-metal programs do this. */
    wr(rig, DR, 'H');
    assert_int_equal(rd(rig, FR) & (TXFE | TXFF | BUSY), TXFE);
    wr(rig, CR, CR_ON);
    wr(rig, DR, 0x12300 | 'i'); /* only the low byte is data */
    assert_int_equal(rig->out_len, 2);
    assert_memory_equal(rig->out, "Hi", 2);
}

static void test_transmit_dropped(void **state)
{
    struct rig *rig = *state;

    rig->out_max = 1;
    wr(rig, DR, 'a');
    wr(rig, DR, 'b');
    assert_int_equal(rig->out_len, 1);
    assert_int_equal(rd(rig, FR) & (TXFE | TXFF), TXFE);
    rig->dev.chars.write = NULL; /* no console at all */
    wr(rig, DR, 'c');
    assert_int_equal(rig->out_len, 1);
}

static void test_transmit_interrupt(void **state)
{
    struct rig *rig = *state;

    wr(rig, IMSC, I_TX);
    assert_int_equal(rd(rig, RIS),
                     0); /* a transition, not a level: enabling alone raises nothing */
    assert_false(rig->level[0]);
    wr(rig, DR, 'x');
    assert_int_equal(rd(rig, RIS), I_TX);
    assert_int_equal(rd(rig, MIS), I_TX);
    assert_true(rig->level[0]);
    wr(rig, ICR, I_TX);
    assert_false(rig->level[0]);
    wr(rig, DR, 'y');
    assert_true(rig->level[0]);
    wr(rig, IMSC, 0);
    assert_false(rig->level[0]);
    assert_int_equal(rd(rig, RIS), I_TX);
    assert_int_equal(rd(rig, MIS), 0);
}

static void test_receive_without_fifo(void **state)
{
    struct rig *rig = *state;

    wr(rig, IMSC, I_RX);
    assert_int_equal(type(rig, "ab"), 1);
    assert_true(rig->level[0]);
    assert_int_equal(rd(rig, FR) & (RXFE | RXFF), RXFF);
    assert_int_equal(type(rig, "b"), 0);
    assert_int_equal(rd(rig, DR), 'a');
    assert_false(rig->level[0]);
    assert_int_equal(rd(rig, FR) & (RXFE | RXFF), RXFE);
    assert_int_equal(rd(rig, DR), 0); /* empty */
    assert_int_equal(type(rig, "b"), 1);
    assert_int_equal(rd(rig, DR), 'b');
}

static void test_receive_levels(void **state)
{
    static const unsigned level[] = { 2, 4, 8, 12, 14 };
    struct rig *rig = *state;

    wr(rig, LCR_H, FEN);
    for (unsigned l = 0; l < 5; l++) {
        wr(rig, IFLS, l << 3);
        for (unsigned n = 1; n <= 16; n++) {
            assert_int_equal(type(rig, "z"), 1);
            assert_int_equal(rd(rig, RIS) & I_RX, n >= level[l] ? I_RX : 0);
        }
        assert_int_equal(type(rig, "z"), 0);
        assert_int_equal(rd(rig, FR) & (RXFE | RXFF), RXFF);
        for (unsigned n = 16; n-- > 0;) {
            assert_int_equal(rd(rig, DR), 'z');
            assert_int_equal(rd(rig, RIS) & I_RX, n >= level[l] ? I_RX : 0);
        }
        assert_int_equal(rd(rig, FR) & (RXFE | RXFF), RXFE);
    }
}

static void test_receive_order(void **state)
{
    struct rig *rig = *state;
    unsigned in = 0, out = 0;

    wr(rig, LCR_H, FEN);
    for (unsigned round = 0; round < 50; round++) { /* round the ring several times */
        for (unsigned i = 0; i < 1 + round % 16; i++) {
            uint8_t byte = (uint8_t)in;
            in += (unsigned)uart_ops.receive(&rig->dev, &byte, 1);
        }
        while ((rd(rig, FR) & RXFE) == 0) {
            assert_int_equal(rd(rig, DR), (uint8_t)out++);
        }
    }
    assert_int_equal(in, out);
    assert_true(in > 300);
}

static void test_receive_cleared_by_icr(void **state)
{
    struct rig *rig = *state;

    wr(rig, LCR_H, FEN);
    assert_int_equal(type(rig, "12345678"), 8);
    wr(rig, ICR, I_RX);
    assert_int_equal(rd(rig, RIS) & I_RX, 0);
    assert_int_equal(type(rig, "9"), 1); /* above the level: no transition */
    assert_int_equal(rd(rig, RIS) & I_RX, 0);
    rd(rig, DR);
    rd(rig, DR);
    assert_int_equal(type(rig, "a"), 1); /* through it again */
    assert_int_equal(rd(rig, RIS) & I_RX, I_RX);
}

static void test_timeout(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(uart_ops.deadline(&rig->dev), UINT64_MAX);
    wr(rig, LCR_H, FEN);
    wr(rig, IMSC, I_RT);
    type(rig, "a");
    rig_pass(rig, 31 * BIT_NS);
    assert_false(rig->level[0]);
    type(rig, "b"); /* starts again */
    rig_pass(rig, 31 * BIT_NS);
    assert_false(rig->level[0]);
    rig_pass(rig, 2 * BIT_NS);
    assert_true(rig->level[0]);
    assert_int_equal(rd(rig, RIS), I_RT);
    assert_int_equal(uart_ops.deadline(&rig->dev), UINT64_MAX);
    rd(rig, DR);
    assert_true(rig->level[0]); /* until the FIFO is empty */
    rd(rig, DR);
    assert_false(rig->level[0]);
}

static void test_timeout_cleared(void **state)
{
    struct rig *rig = *state;

    type(rig, "a");
    rig_pass(rig, 40 * BIT_NS);
    assert_int_equal(rd(rig, RIS) & I_RT, I_RT);
    wr(rig, ICR, I_RT);
    assert_int_equal(rd(rig, RIS) & I_RT, 0);
    rig_pass(rig, 31 * BIT_NS);
    assert_int_equal(rd(rig, RIS) & I_RT, 0);
    rig_pass(rig, 2 * BIT_NS); /* the byte is still there */
    assert_int_equal(rd(rig, RIS) & I_RT, I_RT);
}

static void test_timeout_baud(void **state)
{
    struct rig *rig = *state;
    uint64_t start;

    wr(rig, IBRD, 156); /* 24 MHz / (16 * 156.25) = 9600 baud */
    wr(rig, FBRD, 16);
    start = rig->now_ns;
    type(rig, "a");
    assert_int_equal(uart_ops.deadline(&rig->dev) - start, 32ull * 1000000000 / 9600);
    wr(rig, IBRD, 0xFFFF);
    wr(rig, FBRD, 63);
    assert_true(uart_ops.deadline(&rig->dev) - start < 2000000000ull);
}

static void test_overrun(void **state)
{
    struct rig *rig = *state;

    wr(rig, LCR_H, FEN);
    wr(rig, CR, CR_ON | LBE);
    wr(rig, IMSC, I_OE);
    for (unsigned i = 0; i < 16; i++) {
        wr(rig, DR, 'a' + i);
    }
    assert_int_equal(rd(rig, RSR), 0);
    assert_false(rig->level[0]);
    wr(rig, DR, 'X'); /* lost */
    assert_true(rig->level[0]);
    assert_int_equal(rd(rig, RSR), 8);
    assert_int_equal(rd(rig, DR), 'a'); /* what was there is whole */
    wr(rig, DR, 'Y');                   /* carries the mark */
    wr(rig, ICR, I_OE);
    assert_false(rig->level[0]);
    for (unsigned i = 1; i < 16; i++) {
        assert_int_equal(rd(rig, DR), 'a' + i);
    }
    assert_int_equal(rd(rig, DR), OE | 'Y');
    assert_int_equal(rd(rig, RSR), 8);
    wr(rig, RSR, 0); /* any write clears */
    assert_int_equal(rd(rig, RSR), 0);
    assert_int_equal(rig->out_len, 0); /* loopback keeps it inside */
}

static void test_loopback_and_receiver(void **state)
{
    struct rig *rig = *state;

    wr(rig, CR, CR_ON | LBE);
    assert_int_equal(type(rig, "a"), 0); /* the wire is not connected */
    wr(rig, CR, (CR_ON | LBE) & ~(uint32_t)RXE);
    wr(rig, DR, 'q');
    assert_int_equal(rd(rig, FR) & RXFE, RXFE);
    wr(rig, CR, CR_ON & ~(uint32_t)RXE);
    assert_int_equal(type(rig, "a"), 0); /* receiver off: the port keeps it */
    wr(rig, CR, CR_ON);
    assert_int_equal(type(rig, "a"), 1);
}

static void test_modem(void **state)
{
    struct rig *rig = *state;

    /* UARTCR bit, UARTFR bit, UARTRIS bit */
    static const struct {
        uint32_t cr, fr, ris;
    } wire[] = {
        { 1u << 10, 1u << 1, 1u << 3 }, /* DTR to DSR  */
        { 1u << 11, 1u << 0, 1u << 1 }, /* RTS to CTS  */
        { 1u << 12, 1u << 2, 1u << 2 }, /* Out1 to DCD */
        { 1u << 13, 1u << 8, 1u << 0 }, /* Out2 to RI  */
    };

    assert_int_equal(rd(rig, FR) & 0x107, 7);
    wr(rig, CR, CR_ON | LBE);
    assert_int_equal(rd(rig, FR) & 0x107, 0);
    assert_int_equal(rd(rig, RIS), 0xE); /* three lines fell */
    wr(rig, ICR, 0x7FF);
    for (unsigned i = 0; i < 4; i++) {
        wr(rig, CR, CR_ON | LBE | wire[i].cr);
        assert_int_equal(rd(rig, FR) & 0x107, wire[i].fr);
        assert_int_equal(rd(rig, RIS), wire[i].ris);
        wr(rig, CR, CR_ON | LBE);
        wr(rig, ICR, 0x7FF);
    }
}

static void test_break(void **state)
{
    struct rig *rig = *state;

    wr(rig, IMSC, I_BE);
    uart_ops.event(&rig->dev, UART_EVENT_BREAK);
    assert_true(rig->level[0]);
    assert_int_equal(rd(rig, DR), BE);
    assert_int_equal(rd(rig, RSR), 4);
    wr(rig, ICR, I_BE);
    assert_false(rig->level[0]);
    type(rig, "h");
    assert_int_equal(rd(rig, DR), 'h');
    assert_int_equal(rd(rig, RSR), 0); /* of the character last read */
    uart_ops.event(&rig->dev, 77);     /* not an event of ours */
    assert_int_equal(rd(rig, FR) & RXFE, RXFE);
    wr(rig, LCR_H, BRK); /* on the wire: nobody sees it */
    assert_int_equal(rd(rig, FR) & RXFE, RXFE);
    wr(rig, LCR_H, 0);
    wr(rig, CR, CR_ON | LBE);
    wr(rig, LCR_H, BRK);
    assert_int_equal(rd(rig, DR), BE);
}

static void test_fen_flushes(void **state)
{
    struct rig *rig = *state;

    wr(rig, LCR_H, FEN);
    type(rig, "0123456789");
    rig_pass(rig, 40 * BIT_NS);
    assert_int_equal(rd(rig, RIS) & (I_RX | I_RT), I_RX | I_RT);
    wr(rig, LCR_H, FEN | 0x60); /* word length only: keeps them */
    assert_int_equal(rd(rig, FR) & RXFE, 0);
    wr(rig, LCR_H, 0x60);
    assert_int_equal(rd(rig, FR) & RXFE, RXFE);
    assert_int_equal(rd(rig, RIS), 0);
}

static void test_access_sizes(void **state)
{
    struct rig *rig = *state;
    struct dev *dev = &rig->dev;
    uint64_t value;

    dev_wr(dev, 0, DR, 1, 'b');
    dev_wr(dev, 0, DR, 2, 'w');
    assert_memory_equal(rig->out, "bw", 2);
    dev_wr(dev, 0, IBRD, 2, 0x1234);
    assert_int_equal(dev_rd(dev, 0, IBRD, 1), 0x34);
    assert_int_equal(dev_rd(dev, 0, IBRD + 1, 1), 0x12);
    assert_int_equal(dev_rd(dev, 0, IBRD + 2, 2), 0);
    dev_wr(dev, 0, IBRD, 1, 0xFF); /* no byte strobes on the APB */
    assert_int_equal(rd(rig, IBRD), 0xFF);
    assert_int_equal(dev->ops->write(dev, 0, IBRD + 1, 1, 0x55), MMIO_UNKNOWN);
    assert_int_equal(rd(rig, IBRD), 0xFF);
    assert_int_equal(dev_rd(dev, 0, 0xFE0, 1), 0x11);
    assert_int_equal(dev_rd(dev, 0, 0xFFC, 1), 0xB1);
    assert_int_equal(dev->ops->read(dev, 0, 0x80, 4, &value), MMIO_UNKNOWN);
    assert_int_equal(dev->ops->write(dev, 0, 0xFE0, 4, 0), MMIO_UNKNOWN);
    assert_int_equal(uart_ops.access_sizes, 7);
}

static void test_reset_lowers_line(void **state)
{
    struct rig *rig = *state;

    wr(rig, IMSC, I_TX);
    wr(rig, DR, 'x');
    assert_true(rig->level[0]);
    uart_ops.reset(&rig->dev);
    assert_false(rig->level[0]);
    assert_int_equal(rd(rig, CR), 0x300);
}

#define UART_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        UART_TEST(test_transmit),
        UART_TEST(test_transmit_dropped),
        UART_TEST(test_transmit_interrupt),
        UART_TEST(test_receive_without_fifo),
        UART_TEST(test_receive_levels),
        UART_TEST(test_receive_order),
        UART_TEST(test_receive_cleared_by_icr),
        UART_TEST(test_timeout),
        UART_TEST(test_timeout_cleared),
        UART_TEST(test_timeout_baud),
        UART_TEST(test_overrun),
        UART_TEST(test_loopback_and_receiver),
        UART_TEST(test_modem),
        UART_TEST(test_break),
        UART_TEST(test_fen_flushes),
        UART_TEST(test_access_sizes),
        UART_TEST(test_reset_lowers_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
