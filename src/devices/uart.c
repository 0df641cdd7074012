/*
 * uart.c - Arm PrimeCell UART PL011.
 *
 * Spec: DDI 0183 (revision r1p4, with FIFOs of 16), "Programmer's Model" and "Functional Overview".
 * Modelled: FIFOs, all interrupt sources, receive timeout, overrun, break, loopback, modem lines,
 * identification. Not modelled: IrDA and DMA (their registers keep values), integration test
 * registers.
 *
 * What is at the other end: a byte stream, so there is no wrong parity and no bad stop bit, and the
 * baud rate only sets the length of the receive timeout. A terminal that is always ready holds CTS,
 * DSR and DCD asserted.
 *
 * Transmitting. A byte written to UARTDR leaves at once: the transmit FIFO is empty whenever the
 * guest looks, and each write passes the FIFO's trigger level on the way up and down again. What
 * the port does not take is dropped, as on a wire. UARTEN and TXE do not gate it: much bare-metal
 * code writes UARTDR on a machine where firmware, or QEMU, let that through, and its author wants
 * to see the text.
 *
 * Receiving. The port is asked to keep what does not fit (dev_ops.receive takes less), so overrun
 * happens only in loopback. RXE does gate it, UARTEN does not, for the same reason as above: RXE is
 * set at reset.
 *
 *   receive FIFO entry   11 OE | 10 BE | 9 PE | 8 FE | 7:0 data
 */
#include "base/bits.h"
#include "devices.h"
#include "devices/primecell.h"

enum {
    UARTDR = 0x000,
    UARTRSR = 0x004, /* written: UARTECR */
    UARTFR = 0x018,
    UARTILPR = 0x020,
    UARTIBRD = 0x024,
    UARTFBRD = 0x028,
    UARTLCR_H = 0x02C,
    UARTCR = 0x030,
    UARTIFLS = 0x034,
    UARTIMSC = 0x038,
    UARTRIS = 0x03C,
    UARTMIS = 0x040,
    UARTICR = 0x044,
    UARTDMACR = 0x048,
};

enum { DR_BE = BIT(10), DR_OE = BIT(11) };
enum { RSR_OE = BIT(3) };
enum {
    FR_CTS = BIT(0),
    FR_DSR = BIT(1),
    FR_DCD = BIT(2),
    FR_RXFE = BIT(4),
    FR_RXFF = BIT(6),
    FR_TXFE = BIT(7),
    FR_RI = BIT(8),
    FR_MODEM = FR_CTS | FR_DSR | FR_DCD | FR_RI,
};
enum { LCR_BRK = BIT(0), LCR_FEN = BIT(4) };
enum {
    CR_LBE = BIT(7),
    CR_RXE = BIT(9),
    CR_DTR = BIT(10),
    CR_RTS = BIT(11),
    CR_OUT1 = BIT(12),
    CR_OUT2 = BIT(13),
    CR_RESET = 0x0300,
    CR_WRITABLE = 0xFF87,
};
enum {
    INT_RI = BIT(0),
    INT_CTS = BIT(1),
    INT_DCD = BIT(2),
    INT_DSR = BIT(3),
    INT_RX = BIT(4),
    INT_TX = BIT(5),
    INT_RT = BIT(6),
    INT_FE = BIT(7), /* this and the next three: errors in the order of UARTDR's bits */
    INT_ALL = 0x7FF,
};

#define UART_ID      0x00141011u
#define UART_FIFO    16
#define IFLS_RESET   0x12
#define TIMEOUT_BITS 32
#define DEFAULT_BAUD 115200
#define NS_PER_S     1000000000ull

struct uart {
    uint64_t rx_ns; /* guest clock of the last receive, read or clearing of the timeout interrupt */
    uint32_t rx_head; /* oldest entry                                       */
    uint32_t rx_count;
    uint16_t rx[UART_FIFO];
    uint32_t overrun; /* 1: the next entry received carries OE              */
    uint32_t rsr;     /* UARTRSR                                            */
    uint32_t modem;   /* modem bits of UARTFR that interrupts compare with  */
    uint32_t ilpr;
    uint32_t ibrd;
    uint32_t fbrd;
    uint32_t lcr_h;
    uint32_t cr;
    uint32_t ifls;
    uint32_t imsc;
    uint32_t ris;
    uint32_t dmacr;
};

/* The line is a function of state, and this is its only writer. */
static void uart_update(struct dev *dev)
{
    const struct uart *uart = dev->state;

    irq_line_set(&dev->irq[0], (uart->ris & uart->imsc) != 0);
}

static uint64_t uart_now(const struct dev *dev)
{
    return dev->clock.now_ns(dev->clock.opaque);
}

/* ---- Receive FIFO ---------------------------------------------------------------------------- */

static uint32_t rx_depth(const struct uart *uart)
{
    return (uart->lcr_h & LCR_FEN) != 0 ? UART_FIFO : 1;
}

/* "Interrupt FIFO level select register": 1/8, 1/4, 1/2, 3/4, 7/8; the rest is reserved. */
static uint32_t rx_trigger(const struct uart *uart)
{
    static const uint8_t level[8] = { 2, 4, 8, 12, 14, 14, 14, 14 };

    return (uart->lcr_h & LCR_FEN) != 0 ? level[uart->ifls >> 3 & 7] : 1;
}

/* 32 bit periods at the programmed rate: a bit lasts 16 * (IBRD + FBRD / 64) clocks. */
static uint64_t rx_timeout_ns(const struct uart *uart)
{
    uint64_t divisor64 = uart->ibrd * 64ull + uart->fbrd;

    if (uart->ibrd == 0) {
        return TIMEOUT_BITS * NS_PER_S / DEFAULT_BAUD;
    }
    return TIMEOUT_BITS * (16 * divisor64) / 64 * NS_PER_S / UART_CLOCK_HZ;
}

/* A character arrives. entry: data and error bits. */
static void rx_push(struct uart *uart, uint32_t entry, uint64_t now_ns)
{
    uart->rx_ns = now_ns;
    if (uart->rx_count == rx_depth(uart)) {
        uart->overrun = 1;
        uart->rsr |= RSR_OE;
        uart->ris |= INT_FE * RSR_OE;
        return;
    }
    if (uart->overrun != 0) {
        entry |= DR_OE;
        uart->overrun = 0;
    }
    uart->rx[(uart->rx_head + uart->rx_count) % UART_FIFO] = (uint16_t)entry;
    uart->rx_count++;
    uart->ris |= INT_FE * (entry >> 8 & 7);
    if (uart->rx_count == rx_trigger(uart)) {
        uart->ris |= INT_RX;
    }
}

static uint32_t rx_pop(struct uart *uart, uint64_t now_ns)
{
    uint32_t entry;

    if (uart->rx_count == 0) {
        return 0;
    }
    entry = uart->rx[uart->rx_head];
    uart->rx_head = (uart->rx_head + 1) % UART_FIFO;
    uart->rx_count--;
    uart->rx_ns = now_ns;
    uart->rsr = (uart->rsr & RSR_OE) | (entry >> 8 & 7);
    if (uart->rx_count < rx_trigger(uart)) {
        uart->ris &= ~(uint32_t)INT_RX;
    }
    if (uart->rx_count == 0) {
        uart->ris &= ~(uint32_t)INT_RT;
    }
    return entry;
}

static void rx_flush(struct uart *uart)
{
    uart->rx_head = 0;
    uart->rx_count = 0;
    uart->overrun = 0;
    uart->ris &= ~(uint32_t)(INT_RX | INT_RT);
}

static size_t uart_receive(struct dev *dev, const uint8_t *bytes, size_t len)
{
    struct uart *uart = dev->state;
    uint64_t now_ns = uart_now(dev);
    size_t taken = 0;

    if ((uart->cr & CR_RXE) == 0 || (uart->cr & CR_LBE) != 0) {
        return 0;
    }
    while (taken < len && uart->rx_count < rx_depth(uart)) {
        rx_push(uart, bytes[taken++], now_ns);
    }
    uart_update(dev);
    return taken;
}

/* "Interrupts", UARTRTINTR: the FIFO is not empty and nothing came for 32 bit periods. */
static uint64_t uart_deadline(struct dev *dev)
{
    const struct uart *uart = dev->state;

    if (uart->rx_count == 0 || (uart->ris & INT_RT) != 0) {
        return UINT64_MAX;
    }
    return uart->rx_ns + rx_timeout_ns(uart);
}

static void uart_tick(struct dev *dev)
{
    struct uart *uart = dev->state;

    if (uart_now(dev) >= uart_deadline(dev)) {
        uart->ris |= INT_RT;
        uart_update(dev);
    }
}

/* ---- Transmitter, modem lines, break --------------------------------------------------------- */

static void tx_byte(struct dev *dev, uint8_t byte)
{
    struct uart *uart = dev->state;

    if ((uart->cr & CR_LBE) != 0) {
        if ((uart->cr & CR_RXE) != 0) {
            rx_push(uart, byte, uart_now(dev));
        }
    } else if (dev->chars.write != NULL) {
        dev->chars.write(dev->chars.opaque, &byte, 1);
    }
    uart->ris |= INT_TX; /* above the level and below it again */
}

static void rx_break(struct dev *dev)
{
    struct uart *uart = dev->state;

    if ((uart->cr & CR_RXE) != 0) {
        rx_push(uart, DR_BE, uart_now(dev));
    }
}

static void uart_event(struct dev *dev, unsigned event)
{
    const struct uart *uart = dev->state;

    if (event == UART_EVENT_BREAK && (uart->cr & CR_LBE) == 0) {
        rx_break(dev);
        uart_update(dev);
    }
}

/* Modem bits of UARTFR: the terminal's, or in loopback our own outputs (UARTCR.LBE). */
static uint32_t modem_lines(const struct uart *uart)
{
    static const struct {
        uint16_t out, in;
    } wire[] = { { CR_DTR, FR_DSR }, { CR_RTS, FR_CTS }, { CR_OUT1, FR_DCD }, { CR_OUT2, FR_RI } };
    uint32_t lines = 0;

    if ((uart->cr & CR_LBE) == 0) {
        return FR_CTS | FR_DSR | FR_DCD;
    }
    for (unsigned i = 0; i < 4; i++) {
        lines |= (uart->cr & wire[i].out) != 0 ? wire[i].in : 0;
    }
    return lines;
}

/* Each change of a modem line interrupts. */
static void modem_update(struct uart *uart)
{
    uint32_t lines = modem_lines(uart);
    uint32_t changed = lines ^ uart->modem;

    uart->modem = lines;
    uart->ris |= ((changed & FR_RI) != 0 ? INT_RI : 0) | ((changed & FR_CTS) != 0 ? INT_CTS : 0) |
                 ((changed & FR_DCD) != 0 ? INT_DCD : 0) | ((changed & FR_DSR) != 0 ? INT_DSR : 0);
}

/* ---- Registers ------------------------------------------------------------------------------- */

static void uart_reset(struct dev *dev)
{
    struct uart *uart = dev->state;

    *uart = (struct uart){ .cr = CR_RESET, .ifls = IFLS_RESET };
    uart->modem = modem_lines(uart);
    uart_update(dev);
}

static uint32_t flags(const struct uart *uart)
{
    return FR_TXFE | uart->modem | (uart->rx_count == 0 ? FR_RXFE : 0) |
           (uart->rx_count == rx_depth(uart) ? FR_RXFF : 0);
}

static enum mmio_result uart_read_reg(struct dev *dev, uint32_t offset, uint32_t *value)
{
    struct uart *uart = dev->state;

    switch (offset) {
    case UARTDR:
        *value = rx_pop(uart, uart_now(dev));
        uart_update(dev);
        break;
    case UARTRSR: *value = uart->rsr; break;
    case UARTFR: *value = flags(uart); break;
    case UARTILPR: *value = uart->ilpr; break;
    case UARTIBRD: *value = uart->ibrd; break;
    case UARTFBRD: *value = uart->fbrd; break;
    case UARTLCR_H: *value = uart->lcr_h; break;
    case UARTCR: *value = uart->cr; break;
    case UARTIFLS: *value = uart->ifls; break;
    case UARTIMSC: *value = uart->imsc; break;
    case UARTRIS: *value = uart->ris; break;
    case UARTMIS: *value = uart->ris & uart->imsc; break;
    case UARTDMACR: *value = uart->dmacr; break;
    default: return MMIO_UNKNOWN;
    }
    return MMIO_OK;
}

static void write_lcr_h(struct dev *dev, uint32_t value)
{
    struct uart *uart = dev->state;
    uint32_t changed = uart->lcr_h ^ value;

    if ((changed & LCR_FEN) != 0) {
        rx_flush(uart);
    }
    uart->lcr_h = value;
    if ((changed & value & LCR_BRK) != 0 && (uart->cr & CR_LBE) != 0) {
        rx_break(dev);
    }
}

static void write_icr(struct dev *dev, uint32_t value)
{
    struct uart *uart = dev->state;

    if ((value & uart->ris & INT_RT) != 0) {
        uart->rx_ns = uart_now(dev); /* bytes that are still there will time out again */
    }
    uart->ris &= ~value;
}

static enum mmio_result uart_write_reg(struct dev *dev, uint32_t offset, uint32_t value)
{
    struct uart *uart = dev->state;

    switch (offset) {
    case UARTDR: tx_byte(dev, (uint8_t)value); break;
    case UARTRSR: uart->rsr = 0; break;
    case UARTILPR: uart->ilpr = value & 0xFF; break;
    case UARTIBRD: uart->ibrd = value & 0xFFFF; break;
    case UARTFBRD: uart->fbrd = value & 0x3F; break;
    case UARTLCR_H: write_lcr_h(dev, value & 0xFF); break;
    case UARTCR:
        uart->cr = value & CR_WRITABLE;
        modem_update(uart);
        break;
    case UARTIFLS: uart->ifls = value & 0x3F; break;
    case UARTIMSC: uart->imsc = value & INT_ALL; break;
    case UARTICR: write_icr(dev, value); break;
    case UARTDMACR: uart->dmacr = value & 7; break;
    default: return MMIO_UNKNOWN;
    }
    uart_update(dev);
    return MMIO_OK;
}

static enum mmio_result uart_read(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                  uint64_t *value)
{
    return primecell_read(dev, offset, size, value, UART_ID, uart_read_reg);
}

static enum mmio_result uart_write(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                   uint64_t value)
{
    return primecell_write(dev, offset, size, value, uart_write_reg);
}

static const struct dev_reg uart_regs[] = {
    { "UARTDR", UARTDR, 4, DEV_REG_EFFECT, 0, 0xFF, 0 },
    { "UARTRSR", UARTRSR, 4, 0, 0, 0, 0 },
    { "UARTFR", UARTFR, 4, DEV_REG_RO, 0, 0, FR_TXFE | FR_RXFE | FR_CTS | FR_DSR | FR_DCD },
    { "UARTILPR", UARTILPR, 4, 0, 0, 0xFF, 0 },
    { "UARTIBRD", UARTIBRD, 4, 0, 0, 0xFFFF, 0 },
    { "UARTFBRD", UARTFBRD, 4, 0, 0, 0x3F, 0 },
    { "UARTLCR_H", UARTLCR_H, 4, 0, 0, 0xFF, 0 },
    { "UARTCR", UARTCR, 4, 0, 0, CR_WRITABLE, CR_RESET },
    { "UARTIFLS", UARTIFLS, 4, 0, 0, 0x3F, IFLS_RESET },
    { "UARTIMSC", UARTIMSC, 4, 0, 0, INT_ALL, 0 },
    { "UARTRIS", UARTRIS, 4, DEV_REG_RO, 0, 0, 0 },
    { "UARTMIS", UARTMIS, 4, DEV_REG_RO, 0, 0, 0 },
    { "UARTICR", UARTICR, 4, DEV_REG_WO, 0, 0, 0 },
    { "UARTDMACR", UARTDMACR, 4, 0, 0, 7, 0 },
    PRIMECELL_ID_REGS(UART_ID),
    { 0 },
};

static const struct dev_field uart_fields[] = {
    DEV_FIELD(uart, rx_ns),
    DEV_FIELD(uart, rx_head),
    DEV_FIELD(uart, rx_count),
    DEV_FIELD_ARRAY(uart, rx),
    DEV_FIELD(uart, overrun),
    DEV_FIELD(uart, rsr),
    DEV_FIELD(uart, modem),
    DEV_FIELD(uart, ilpr),
    DEV_FIELD(uart, ibrd),
    DEV_FIELD(uart, fbrd),
    DEV_FIELD(uart, lcr_h),
    DEV_FIELD(uart, cr),
    DEV_FIELD(uart, ifls),
    DEV_FIELD(uart, imsc),
    DEV_FIELD(uart, ris),
    DEV_FIELD(uart, dmacr),
    { 0 },
};

const struct dev_ops uart_ops = {
    .name = "uart",
    .what = "Arm PL011 UART",
    .compatible = "arm,pl011\0arm,primecell\0",
    .state_size = sizeof(struct uart),
    .mmio_size = PRIMECELL_SIZE,
    .access_sizes = 1 | 2 | 4,
    .reset = uart_reset,
    .read = uart_read,
    .write = uart_write,
    .deadline = uart_deadline,
    .tick = uart_tick,
    .receive = uart_receive,
    .event = uart_event,
    .regs = uart_regs,
    .fields = uart_fields,
};
