/*
 * console.c - the guest's serial port at the host's end; see io/console.h.
 *
 *   vCPU threads --console_write--> [out lock] stream, or the backlog while no client is there
 *   event thread --read--> keys (Ctrl-A) --> ring --> receive port; the rest stays in the ring
 *
 * Only the event thread changes `in` and `peer`; `peer` changes with the out lock held, since
 * writers look at it.
 */
#include "io/console.h"

#include <stdatomic.h>

#include "base/fmt.h"
#include "base/string.h"

#define RING_SIZE  65536u
#define KEY_PREFIX 0x01 /* Ctrl-A */

/* How long a reader may take nothing before output is dropped, ns. */
#define WRITE_LIMIT (10 * 1000000000ull)
/* Between offers to a guest that takes nothing, ns. */
#define RETRY_MIN 1000000ull
#define RETRY_MAX 20000000ull
/* How often to look whether the terminal is ours again. */
#define FOREGROUND_NS 250000000ull

/* Bytes in order of arrival. */
struct ring {
    uint8_t *bytes; /* RING_SIZE of them */
    size_t first, used;
};

struct console {
    struct console_ports ports;
    struct host_mutex *out_lock;
    struct host_stream *in;       /* read by us; NULL: none, or ended                          */
    struct host_stream *out;      /* written by us; NULL: nowhere, or a client that is not there */
    struct host_stream *listener; /* clients come from here; in == out == the client           */
    struct ring input, backlog;
    bool keys;    /* `in` is a terminal: Ctrl-A is ours                                    */
    bool raw;     /* ... and is in raw mode                                                */
    bool prefix;  /* the last byte was Ctrl-A                                              */
    bool stalled; /* the reader took nothing for WRITE_LIMIT                               */
    struct host_stream *own; /* the file or pseudo-terminal, to close in the end               */
    _Atomic bool hurry;
    uint64_t retry_ns, offer_ns; /* next offer, and the pause that led to it */
};

/* ---- Ring ------------------------------------------------------------------------------------ */

static void ring_put(struct ring *ring, uint8_t byte)
{
    ring->bytes[(ring->first + ring->used) % RING_SIZE] = byte;
    ring->used++;
}

/* The bytes that lie in one piece at the front. */
static size_t ring_piece(const struct ring *ring)
{
    size_t straight = RING_SIZE - ring->first;

    return ring->used < straight ? ring->used : straight;
}

static void ring_take(struct ring *ring, size_t n)
{
    ring->first = (ring->first + n) % RING_SIZE;
    ring->used -= n;
}

/* ---- Output ---------------------------------------------------------------------------------- */

static void notice(struct console *c, enum msg_id id)
{
    c->ports.notice(c->ports.opaque, msg_text(c->ports.lang, id));
}

/* Keeps the latest 64 KiB for the client that is yet to come. */
static void backlog_add(struct console *c, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (c->backlog.used == RING_SIZE) {
            ring_take(&c->backlog, 1);
        }
        ring_put(&c->backlog, bytes[i]);
    }
}

/* The reader is gone for good, or the client is: the event thread notices the latter by itself. */
static void out_lost(struct console *c, int64_t why)
{
    if (c->listener == NULL) {
        c->out = NULL;
        notice(c, why == HOST_END ? MSG_CONSOLE_GONE : MSG_CONSOLE_FAILED);
    }
}

/* out_lock is held. */
static void out_write(struct console *c, const uint8_t *bytes, size_t len)
{
    while (len != 0 && c->out != NULL) {
        bool patient = !c->stalled && !atomic_load(&c->hurry);
        int64_t n = host_stream_write(c->out, bytes, len, patient ? WRITE_LIMIT : 0);

        if (n == HOST_AGAIN) {
            if (patient && !atomic_load(&c->hurry)) {
                c->stalled = true;
                notice(c, MSG_CONSOLE_STALLED);
            }
            return;
        }
        if (n < 0 || n == HOST_END) {
            out_lost(c, n);
            return;
        }
        c->stalled = false;
        bytes += n;
        len -= (size_t)n;
    }
}

static size_t console_write(void *opaque, const uint8_t *bytes, size_t len)
{
    struct console *c = opaque;

    host_mutex_lock(c->out_lock);
    if (c->out != NULL) {
        out_write(c, bytes, len);
    } else if (c->listener != NULL) {
        backlog_add(c, bytes, len);
    }
    host_mutex_unlock(c->out_lock);
    return len;
}

struct char_port console_port(struct console *console)
{
    return (struct char_port){ console_write, console };
}

void console_hurry(struct console *console)
{
    atomic_store(&console->hurry, true);
}

/* ---- Input ----------------------------------------------------------------------------------- */

/* The second key of Ctrl-A something. */
static void key_command(struct console *c, uint8_t key)
{
    switch (key) {
    case 'x': c->ports.command(c->ports.opaque, CONSOLE_QUIT); break;
    case 's': c->ports.command(c->ports.opaque, CONSOLE_STATE); break;
    case 'i': c->ports.command(c->ports.opaque, CONSOLE_STATISTICS); break;
    case 'p': c->ports.command(c->ports.opaque, CONSOLE_POWER_BUTTON); break;
    case 'h': notice(c, MSG_CONSOLE_HELP); break;
    default: break;
    }
}

/* True if the byte is the guest's. */
static bool key_filter(struct console *c, uint8_t byte)
{
    if (!c->keys) {
        return true;
    }
    if (c->prefix) {
        c->prefix = false;
        if (byte != KEY_PREFIX) {
            key_command(c, byte);
        }
        return byte == KEY_PREFIX;
    }
    c->prefix = byte == KEY_PREFIX;
    return !c->prefix;
}

/* A full ring loses keys of a terminal only: Ctrl-A must work when the guest has hung.
 * Others are not read then. */
static void input_put(struct console *c, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (key_filter(c, bytes[i]) && c->input.used < RING_SIZE) {
            ring_put(&c->input, bytes[i]);
        }
    }
}

static bool input_wanted(const struct console *c)
{
    return c->in != NULL && (c->keys || c->input.used < RING_SIZE);
}

/* Offers what is there to the guest, and sets the time of the next offer if it does
 * not take all. */
static void input_offer(struct console *c)
{
    bool progress = false;

    while (c->input.used != 0) {
        size_t n = c->ports.receive(c->ports.opaque, c->input.bytes + c->input.first,
                                    ring_piece(&c->input));
        if (n == 0) {
            break;
        }
        ring_take(&c->input, n);
        progress = true;
    }
    if (c->input.used == 0) {
        c->offer_ns = UINT64_MAX;
        return;
    }
    c->retry_ns = progress ? RETRY_MIN : c->retry_ns < RETRY_MAX ? c->retry_ns * 2 : RETRY_MAX;
    c->offer_ns = host_now_ns() + c->retry_ns;
}

static void peer_set(struct console *c, struct host_stream *peer)
{
    struct host_stream *old = c->in;

    host_mutex_lock(c->out_lock);
    c->in = c->out = peer;
    c->stalled = true; /* the backlog goes as it goes: this thread has timers to run */
    while (peer != NULL && c->backlog.used != 0) {
        size_t n = ring_piece(&c->backlog);
        out_write(c, c->backlog.bytes + c->backlog.first, n);
        ring_take(&c->backlog, n);
    }
    c->stalled = false;
    host_mutex_unlock(c->out_lock);
    host_stream_close(old);
}

static void input_end(struct console *c)
{
    if (c->listener != NULL) {
        peer_set(c, NULL);
    } else {
        c->in = NULL; /* the end of input is not the end of the guest */
    }
}

static void input_read(struct console *c)
{
    uint8_t buf[4096];
    size_t room = RING_SIZE - c->input.used;
    int64_t n = host_stream_read(c->in, buf, c->keys || room > sizeof(buf) ? sizeof(buf) : room);

    if (n > 0) {
        input_put(c, buf, (size_t)n);
        c->retry_ns = RETRY_MIN;
    } else if (n != HOST_AGAIN) {
        input_end(c);
    }
}

/* One client at a time: the next is let in when the first has gone. */
static void client_accept(struct console *c)
{
    struct host_stream *peer = host_accept(c->listener);

    if (peer != NULL) {
        peer_set(c, peer);
    }
}

/* A background process may neither read its terminal nor change its mode; it gets both
 * when it comes to the front. */
static bool terminal_ours(struct console *c)
{
    if (!c->keys || c->in == NULL) {
        return true;
    }
    if (!host_is_foreground(c->in)) {
        return false;
    }
    if (!c->raw) {
        c->raw = host_terminal_raw(c->in, NULL) == ST_OK;
    }
    return true;
}

unsigned console_interests(struct console *c, struct host_interest *interest)
{
    unsigned n = 0;

    if (input_wanted(c) && terminal_ours(c)) {
        interest[n++] = (struct host_interest){ .stream = c->in };
    }
    if (c->listener != NULL && c->in == NULL) {
        interest[n++] = (struct host_interest){ .stream = c->listener };
    }
    return n;
}

uint64_t console_deadline(struct console *c)
{
    if (c->in != NULL && !terminal_ours(c)) {
        uint64_t look_ns = host_now_ns() + FOREGROUND_NS;
        return look_ns < c->offer_ns ? look_ns : c->offer_ns;
    }
    return c->offer_ns;
}

void console_service(struct console *c, const struct host_interest *interest, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (!interest[i].ready) {
            continue;
        }
        if (interest[i].stream == c->listener) {
            client_accept(c);
        } else if (interest[i].stream == c->in) {
            input_read(c);
        }
    }
    if (c->input.used != 0) {
        input_offer(c);
    }
}

bool console_ended(const struct console *c)
{
    return c->in == NULL && c->listener == NULL && c->input.used == 0;
}

/* ---- Opening --------------------------------------------------------------------------------- */

typedef enum status open_fn(struct console *c, const char *arg, struct err *err);

static enum status open_stdio(struct console *c, const char *arg, struct err *err)
{
    c->in = host_stdin();
    c->out = host_stdout();
    c->keys = host_is_terminal(c->in);
    return ST_OK;
}

static enum status open_none(struct console *c, const char *arg, struct err *err)
{
    return ST_OK;
}

static enum status open_file(struct console *c, const char *arg, struct err *err)
{
    c->out = c->own = host_file_create(arg, err);
    return c->out != NULL ? ST_OK : ST_E_IO;
}

static void say_where(struct console *c, const char *where)
{
    char text[200];

    fmt_format(text, sizeof(text), msg_text(c->ports.lang, MSG_CONSOLE_AT), where);
    c->ports.notice(c->ports.opaque, text);
}

static enum status open_listener(struct console *c, struct host_stream *listener)
{
    char where[160];

    if (listener == NULL) {
        return ST_E_IO;
    }
    c->listener = listener;
    host_stream_address(listener, where, sizeof(where));
    say_where(c, where);
    return ST_OK;
}

/* "HOST:PORT"; HOST may be empty, or an IPv6 address in brackets. */
static bool parse_endpoint(const char *arg, char *host, size_t size, uint16_t *port)
{
    size_t colon = str_len(arg);
    uint32_t number = 0;

    while (colon != 0 && arg[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0 || arg[colon] == 0 || colon > size) {
        return false;
    }
    for (const char *p = arg + colon; *p != 0; p++) {
        number = number * 10 + (uint32_t)(*p - '0');
        if (*p < '0' || *p > '9' || number > 65535) {
            return false;
        }
    }
    bool brackets = colon >= 3 && arg[0] == '[' && arg[colon - 2] == ']';
    size_t len = colon - (brackets ? 3 : 1);
    memcpy(host, arg + (brackets ? 1 : 0), len);
    host[len] = 0;
    *port = (uint16_t)number;
    return true;
}

static enum status open_tcp(struct console *c, const char *arg, struct err *err)
{
    char host[256];
    uint16_t port;

    return parse_endpoint(arg, host, sizeof(host), &port)
               ? open_listener(c, host_tcp_listen(host, port, err))
               : ST_E_INVAL;
}

static enum status open_unix(struct console *c, const char *arg, struct err *err)
{
    return open_listener(c, host_unix_listen(arg, err));
}

static enum status open_pty(struct console *c, const char *arg, struct err *err)
{
    char name[128];

    c->in = c->out = c->own = host_pty_open(name, sizeof(name), err);
    if (c->out == NULL) {
        return ST_E_IO;
    }
    say_where(c, name);
    return ST_OK;
}

static const struct {
    const char *name; /* ends in ':' when an argument follows */
    open_fn *open;
} kinds[] = {
    { "stdio", open_stdio }, { "none", open_none }, { "pty", open_pty },
    { "file:", open_file },  { "tcp:", open_tcp },  { "unix:", open_unix },
};

/* The opener for a specification, with its argument; NULL if it is wrong. */
static open_fn *find_kind(const char *spec, const char **arg, struct err *err)
{
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t len = str_len(kinds[i].name);
        bool takes_arg = kinds[i].name[len - 1] == ':';
        if (!str_starts(spec, kinds[i].name) || (!takes_arg && spec[len] != 0)) {
            continue;
        }
        if (takes_arg && spec[len] == 0) {
            err_set(err, ST_E_INVAL, MSG_CONSOLE_NO_FILE, spec);
            return NULL;
        }
        *arg = spec + len;
        return kinds[i].open;
    }
    err_set(err, ST_E_INVAL, MSG_CONSOLE_UNKNOWN, spec);
    return NULL;
}

enum status console_check(const char *spec, struct err *err)
{
    const char *arg;
    char host[256];
    uint16_t port;
    open_fn *open = find_kind(spec, &arg, err);

    if (open == NULL) {
        return ST_E_INVAL;
    }
    if (open == open_tcp && !parse_endpoint(arg, host, sizeof(host), &port)) {
        return err_set(err, ST_E_INVAL, MSG_CONSOLE_PORT, spec);
    }
    return ST_OK;
}

static enum status console_init(struct console *c, const char *spec, struct err *err)
{
    const char *arg;
    enum status st = console_check(spec, err);

    if (st != ST_OK) {
        return st;
    }
    c->offer_ns = UINT64_MAX;
    c->retry_ns = RETRY_MIN;
    c->out_lock = host_mutex_create();
    c->input.bytes = host_alloc(RING_SIZE, 16);
    c->backlog.bytes = host_alloc(RING_SIZE, 16);
    if (c->out_lock == NULL || c->input.bytes == NULL || c->backlog.bytes == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    st = find_kind(spec, &arg, err)(c, arg, err);
    if (st == ST_OK) {
        (void)terminal_ours(c);
    }
    return st;
}

enum status console_create(struct console **out, const char *spec,
                           const struct console_ports *ports, struct err *err)
{
    struct console *c = host_alloc(sizeof(*c), 16);
    enum status st;

    if (c == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    c->ports = *ports;
    st = console_init(c, spec, err);
    if (st != ST_OK) {
        console_destroy(c);
        return st;
    }
    *out = c;
    return ST_OK;
}

void console_destroy(struct console *c)
{
    if (c == NULL) {
        return;
    }
    if (c->raw) {
        host_terminal_restore();
    }
    if (c->listener != NULL) {
        host_stream_close(c->in);
        host_stream_close(c->listener);
    }
    host_stream_close(c->own);
    host_mutex_destroy(c->out_lock);
    host_free(c->input.bytes);
    host_free(c->backlog.bytes);
    host_free(c);
}
