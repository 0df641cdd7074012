/*
 * semihost.c - Arm semihosting: a guest borrows the host's console, clock, exit status and (when
 * given) files.
 *
 * Spec: Arm, "Semihosting for AArch32 and AArch64", release 2.0. HLT #0xF000 with the operation in
 * w0 and in x1 a parameter block of 64-bit fields, or the parameter itself. Left out: SYS_SYSTEM
 * and SYS_TMPNAM (always refused), feature bits beyond EXIT_EXTENDED and STDOUT_STDERR.
 */
#include "vm.h"

#include "base/bits.h"
#include "core/internal.h"

#define CHUNK                   4096 /* bytes copied at a time        */
#define NAME_MAX_BYTES          1024
#define HANDLE_STDIN            1
#define HANDLE_STDOUT           2
#define HANDLE_FILE             16 /* handles of the port begin here */
#define HANDLE_FEATURES         3
#define REASON_APPLICATION_EXIT 0x20026

static const uint8_t features[5] = { 'S', 'H', 'F', 'B', 3 };

struct call {
    struct vcpu *vcpu;
    struct vm *vm;
    const struct semihost_port *port; /* may be NULL */
    uint64_t x1;
    uint64_t p[4]; /* the parameter block */
    int64_t result;
    enum vcpu_action action;
};

static bool param_block(struct call *c, unsigned n)
{
    return vcpu_copy_va(c->vcpu, c->x1, c->p, 8 * n, false);
}

static void console_write(struct call *c, const uint8_t *bytes, size_t len)
{
    const struct char_port *console = &c->vm->ports.console;

    if (console->write != NULL) {
        console->write(console->opaque, bytes, len);
    }
}

/* A guest string with its length; false if it is not mapped or too long. */
static bool string_arg(struct call *c, uint64_t va, uint64_t len, char *buf)
{
    if (len >= NAME_MAX_BYTES || !vcpu_copy_va(c->vcpu, va, buf, len, false)) {
        return false;
    }
    buf[len] = 0;
    return true;
}

/* ---- Operations (c->result is -1 when they begin) -------------------------------------------- */

static void op_open(struct call *c)
{
    char name[NAME_MAX_BYTES];

    if (!param_block(c, 3) || !string_arg(c, c->p[0], c->p[2], name) || c->p[1] > 11) {
        return;
    }
    if (str_eq(name, ":tt")) {
        c->result = c->p[1] < 4 ? HANDLE_STDIN : HANDLE_STDOUT;
    } else if (str_eq(name, ":semihosting-features")) {
        c->result = HANDLE_FEATURES;
        c->vcpu->semihost_features_at = 0;
    } else if (c->port != NULL && c->port->open != NULL) {
        int64_t handle = c->port->open(c->port->opaque, name, (unsigned)c->p[1]);
        c->result = handle < 0 ? -1 : handle + HANDLE_FILE;
    }
}

static bool file_handle(const struct call *c)
{
    return c->port != NULL && c->port->open != NULL && c->p[0] >= HANDLE_FILE && c->p[0] < 1u << 30;
}

static void op_close(struct call *c)
{
    if (!param_block(c, 1)) {
        return;
    }
    if (file_handle(c)) {
        c->result = c->port->close(c->port->opaque, (int64_t)c->p[0] - HANDLE_FILE);
    } else if (c->p[0] >= HANDLE_STDIN && c->p[0] <= HANDLE_FEATURES) {
        c->result = 0;
    }
}

static void op_writec(struct call *c)
{
    uint8_t byte;

    if (vcpu_copy_va(c->vcpu, c->x1, &byte, 1, false)) {
        console_write(c, &byte, 1);
    }
}

static void op_write0(struct call *c)
{
    uint8_t byte;

    /* The bound is the guest's memory: an endless string ends where its mapping does. */
    for (uint64_t n = 0; n < c->vm->config.ram_size; n++) {
        if (!vcpu_copy_va(c->vcpu, c->x1 + n, &byte, 1, false) || byte == 0) {
            return;
        }
        console_write(c, &byte, 1);
    }
}

/* Both transfers answer the number of bytes that were not transferred. */
static void op_write(struct call *c)
{
    uint8_t buf[CHUNK];

    if (!param_block(c, 3)) {
        return;
    }
    uint64_t left = c->p[2];
    for (uint64_t va = c->p[1]; left > 0;) {
        uint64_t part = left < CHUNK ? left : CHUNK;
        uint64_t done = part;
        if (!vcpu_copy_va(c->vcpu, va, buf, part, false)) {
            break;
        }
        if (c->p[0] == HANDLE_STDOUT) {
            console_write(c, buf, part);
        } else {
            int64_t n = file_handle(c) ? c->port->write(c->port->opaque,
                                                        (int64_t)c->p[0] - HANDLE_FILE, buf, part)
                                       : -1;
            done = n < 0 ? 0 : (uint64_t)n;
        }
        left -= done;
        va += done;
        if (done < part) {
            break;
        }
    }
    c->result = (int64_t)left;
}

static int64_t read_some(struct call *c, uint8_t *buf, uint64_t len)
{
    if (c->p[0] == HANDLE_FEATURES) {
        unsigned *at = &c->vcpu->semihost_features_at;
        uint64_t n = sizeof(features) - *at;
        n = n < len ? n : len;
        memcpy(buf, features + *at, n);
        *at += (unsigned)n;
        return (int64_t)n;
    }
    if (c->p[0] == HANDLE_STDIN) {
        int byte = c->port != NULL && c->port->getc != NULL ? c->port->getc(c->port->opaque) : -1;
        buf[0] = (uint8_t)byte;
        return byte >= 0;
    }
    return file_handle(c) ? c->port->read(c->port->opaque, (int64_t)c->p[0] - HANDLE_FILE, buf, len)
                          : -1;
}

static void op_read(struct call *c)
{
    uint8_t buf[CHUNK];

    if (!param_block(c, 3)) {
        return;
    }
    uint64_t left = c->p[2];
    for (uint64_t va = c->p[1]; left > 0;) {
        uint64_t part = left < CHUNK ? left : CHUNK;
        int64_t n = read_some(c, buf, part);
        if (n <= 0 || (uint64_t)n > part || !vcpu_copy_va(c->vcpu, va, buf, (uint64_t)n, true)) {
            break;
        }
        va += (uint64_t)n;
        left -= (uint64_t)n;
        if ((uint64_t)n < part) {
            break;
        }
    }
    c->result = (int64_t)left;
}

static void op_readc(struct call *c)
{
    c->result = c->port != NULL && c->port->getc != NULL ? c->port->getc(c->port->opaque) : -1;
}

static void op_iserror(struct call *c)
{
    c->result = param_block(c, 1) && (int64_t)c->p[0] < 0;
}

static void op_istty(struct call *c)
{
    c->result = param_block(c, 1) && (c->p[0] == HANDLE_STDIN || c->p[0] == HANDLE_STDOUT);
}

static void op_seek(struct call *c)
{
    if (!param_block(c, 2)) {
        return;
    }
    if (file_handle(c)) {
        c->result = c->port->seek(c->port->opaque, (int64_t)c->p[0] - HANDLE_FILE, c->p[1]);
    } else if (c->p[0] == HANDLE_FEATURES && c->p[1] <= sizeof(features)) {
        c->vcpu->semihost_features_at = (unsigned)c->p[1];
        c->result = 0;
    }
}

static void op_flen(struct call *c)
{
    if (!param_block(c, 1)) {
        return;
    }
    if (file_handle(c)) {
        c->result = c->port->length(c->port->opaque, (int64_t)c->p[0] - HANDLE_FILE);
    } else if (c->p[0] == HANDLE_FEATURES) {
        c->result = sizeof(features);
    }
}

static void op_remove(struct call *c)
{
    char name[NAME_MAX_BYTES];

    if (param_block(c, 2) && string_arg(c, c->p[0], c->p[1], name) && c->port != NULL &&
        c->port->remove != NULL) {
        c->result = c->port->remove(c->port->opaque, name);
    }
}

static void op_rename(struct call *c)
{
    char from[NAME_MAX_BYTES];
    char to[NAME_MAX_BYTES];

    if (param_block(c, 4) && string_arg(c, c->p[0], c->p[1], from) &&
        string_arg(c, c->p[2], c->p[3], to) && c->port != NULL && c->port->rename != NULL) {
        c->result = c->port->rename(c->port->opaque, from, to);
    }
}

static void op_clock(struct call *c)
{
    c->result = (int64_t)(vm_now_ns(c->vm) / 10000000); /* centiseconds */
}

static void op_time(struct call *c)
{
    c->result = (int64_t)(uint32_t)c->vm->ports.wall_s(c->vm->ports.opaque);
}

static void op_errno(struct call *c)
{
    c->result = 0;
}

static void op_get_cmdline(struct call *c)
{
    const char *line =
        c->port != NULL && c->port->command_line != NULL ? c->port->command_line : "";
    uint64_t len = str_len(line);

    if (!param_block(c, 2) || c->p[1] < len + 1 ||
        !vcpu_copy_va(c->vcpu, c->p[0], (char *)(uintptr_t)line, len + 1, true)) {
        return;
    }
    c->p[1] = len;
    c->result = vcpu_copy_va(c->vcpu, c->x1, c->p, 16, true) ? 0 : -1;
}

/* Heap and stack are the guest's own business: zeros say so. */
static void op_heapinfo(struct call *c)
{
    uint64_t zeros[4] = { 0 };

    if (vcpu_copy_va(c->vcpu, c->x1, c->p, 8, false)) {
        c->result = vcpu_copy_va(c->vcpu, c->p[0], zeros, sizeof(zeros), true) ? 0 : -1;
    }
}

/* SYS_EXIT takes a block in AArch64 too: {reason, status}. */
static void op_exit(struct call *c)
{
    uint32_t status = 1;

    if (param_block(c, 2) && c->p[0] == REASON_APPLICATION_EXIT) {
        status = (uint32_t)c->p[1];
    }
    vm_stop(c->vm, VM_EXITED, status);
    c->action = VCPU_QUIT;
}

static void op_elapsed(struct call *c)
{
    uint64_t ticks = vcpu_timer_count(c->vcpu, false);

    c->result = vcpu_copy_va(c->vcpu, c->x1, &ticks, 8, true) ? 0 : -1;
}

static void op_tickfreq(struct call *c)
{
    c->result = GTIMER_FREQ_HZ;
}

static void op_refuse(struct call *c) {}

enum vcpu_action semihost_call(struct vcpu *vcpu)
{
    static void (*const operation[])(struct call *) = {
        [0x01] = op_open,   [0x02] = op_close,  [0x03] = op_writec,      [0x04] = op_write0,
        [0x05] = op_write,  [0x06] = op_read,   [0x07] = op_readc,       [0x08] = op_iserror,
        [0x09] = op_istty,  [0x0a] = op_seek,   [0x0c] = op_flen,        [0x0d] = op_refuse,
        [0x0e] = op_remove, [0x0f] = op_rename, [0x10] = op_clock,       [0x11] = op_time,
        [0x12] = op_refuse, [0x13] = op_errno,  [0x15] = op_get_cmdline, [0x16] = op_heapinfo,
        [0x18] = op_exit,   [0x20] = op_exit,   [0x30] = op_elapsed,     [0x31] = op_tickfreq,
    };
    struct call c = {
        .vcpu = vcpu, .vm = vcpu->vm, .port = vcpu->vm->ports.semihost, .result = -1
    };
    uint32_t number = (uint32_t)vcpu_reg(vcpu, REG_X0);

    c.x1 = vcpu_reg(vcpu, REG_X0 + 1);
    c.action = VCPU_RESUME;
    if (number < sizeof(operation) / sizeof(operation[0]) && operation[number] != NULL) {
        operation[number](&c);
    }
    vcpu_set_reg(vcpu, REG_X0, (uint64_t)c.result);
    vcpu_skip(vcpu);
    return c.action;
}
