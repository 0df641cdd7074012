/*
 * fake.c - a deterministic, single-threaded host for unit tests; see fake.h.
 */
#include "host/fake/fake.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/string.h"

#define FILES_MAX   16
#define STREAMS_MAX 32

struct host_stream {
    uint8_t *in, *out;
    size_t in_len, in_pos, out_len;
    size_t room;
    bool used, ended, gone, listening;
    unsigned clients; /* waiting at a listener */
    char name[64];
};

struct host_mutex {
    bool locked;
};

struct host_cond {
    unsigned signals;
};

struct host_thread {
    void (*fn)(void *arg);
    void *arg;
};

struct host_wait {
    bool woken;
};

struct host_dir {
    char path[64];
};

struct fake_file {
    char path[64];
    uint8_t *bytes;
    size_t len;
};

static struct {
    struct host_facts facts;
    uint64_t now_ns;
    uint64_t random;
    unsigned fail[FAKE_CALLS];
    struct fake_file file[FILES_MAX];
    struct host_stream stream[STREAMS_MAX]; /* 0..2 are the standard ones */
    struct host_stream *last;
    bool terminal, foreground, raw;
    unsigned live;
    void (*end_fn)(void *arg);
    void *end_arg;
} fake;

/* ---- Strings --------------------------------------------------------------------------------- */

static void stream_clear(struct host_stream *s)
{
    free(s->in);
    free(s->out);
    memset(s, 0, sizeof(*s));
}

void fake_reset(void)
{
    for (unsigned i = 0; i < STREAMS_MAX; i++) {
        stream_clear(&fake.stream[i]);
    }
    for (unsigned i = 0; i < FILES_MAX; i++) {
        free(fake.file[i].bytes);
    }
    memset(&fake, 0, sizeof(fake));
    fake.now_ns = 1000000000u;
    fake.foreground = true;
    for (unsigned i = 0; i < 3; i++) {
        fake.stream[i].used = true;
        fake.stream[i].room = SIZE_MAX;
    }
}

void fake_advance(uint64_t ns)
{
    fake.now_ns += ns;
}

void fake_fail(enum fake_call call, unsigned nth)
{
    fake.fail[call] = nth;
}

static bool fails(enum fake_call call)
{
    return fake.fail[call] != 0 && --fake.fail[call] == 0;
}

static void append(uint8_t **to, size_t *len, const void *bytes, size_t n)
{
    uint8_t *more = realloc(*to, *len + n + 1);

    ASSERT(more != NULL);
    memcpy(more + *len, bytes, n);
    *to = more;
    *len += n;
}

void fake_file(const char *path, const void *bytes, size_t len)
{
    for (unsigned i = 0; i < FILES_MAX; i++) {
        if (fake.file[i].bytes == NULL) {
            size_t none = 0;
            str_copy(fake.file[i].path, sizeof(fake.file[i].path), path);
            append(&fake.file[i].bytes, &none, bytes, len);
            fake.file[i].len = len;
            return;
        }
    }
    ASSERT(!"room for one more file");
}

void fake_input(struct host_stream *stream, const void *bytes, size_t len)
{
    append(&stream->in, &stream->in_len, bytes, len);
}

void fake_input_end(struct host_stream *stream)
{
    stream->ended = true;
}

const uint8_t *fake_output(struct host_stream *stream, size_t *len)
{
    *len = stream->out_len;
    return stream->out;
}

void fake_output_room(struct host_stream *stream, size_t room)
{
    stream->room = room;
}
void fake_output_gone(struct host_stream *stream)
{
    stream->gone = true;
}

void fake_terminal(bool terminal, bool foreground)
{
    fake.terminal = terminal;
    fake.foreground = foreground;
}

bool fake_terminal_is_raw(void)
{
    return fake.raw;
}
struct host_stream *fake_last_opened(void)
{
    return fake.last;
}
unsigned fake_leaks(void)
{
    return fake.live;
}

void fake_host(const struct host_facts *facts)
{
    fake.facts = *facts;
}

void host_describe(struct host_facts *out)
{
    *out = fake.facts;
}

/* ---- Time, memory, threads ------------------------------------------------------------------- */

uint64_t host_now_ns(void)
{
    return fake.now_ns;
}
uint64_t host_wall_s(void)
{
    return 1700000000u + fake.now_ns / 1000000000u;
}

void host_random(void *buf, size_t len)
{
    uint8_t *p = buf;

    for (size_t i = 0; i < len; i++) {
        fake.random = fake.random * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint8_t)(fake.random >> 56);
    }
}

void *host_alloc(size_t size, size_t align)
{
    void *p = NULL;

    if (fails(FAKE_ALLOC)) {
        return NULL;
    }
    align = align < sizeof(void *) ? sizeof(void *) : align;
    if (posix_memalign(&p, align, size != 0 ? size : 1) != 0) {
        return NULL;
    }
    memset(p, 0, size);
    fake.live++;
    return p;
}

void host_free(void *p)
{
    if (p != NULL) {
        fake.live--;
        free(p);
    }
}

void *host_pages_map(uint64_t size)
{
    return size < SIZE_MAX / 2 ? host_alloc((size_t)size, 4096) : NULL;
}
void host_pages_unmap(void *p, uint64_t size)
{
    host_free(p);
}
void host_thread_yield(void) {}
unsigned host_cpu_count(void)
{
    return 2;
}

enum status host_thread_create(struct host_thread **out, const char *name, void (*fn)(void *arg),
                               void *arg, struct err *err)
{
    if (fails(FAKE_THREAD) || (*out = host_alloc(sizeof(**out), 16)) == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    (*out)->fn = fn;
    (*out)->arg = arg;
    return ST_OK;
}

void host_thread_join(struct host_thread *thread)
{
    thread->fn(thread->arg);
    host_free(thread);
}

enum status host_thread_pin(struct host_thread *thread, unsigned cpu, struct err *err)
{
    return cpu < 2 ? ST_OK : err_set(err, ST_E_INVAL, MSG_HOST_PIN, cpu, "fake");
}

struct host_mutex *host_mutex_create(void)
{
    return host_alloc(sizeof(struct host_mutex), 16);
}
void host_mutex_destroy(struct host_mutex *mutex)
{
    host_free(mutex);
}

void host_mutex_lock(struct host_mutex *mutex)
{
    ASSERT(!mutex->locked);
    mutex->locked = true;
    fake.live++;
}

void host_mutex_unlock(struct host_mutex *mutex)
{
    ASSERT(mutex->locked);
    mutex->locked = false;
    fake.live--;
}

struct host_cond *host_cond_create(void)
{
    return host_alloc(sizeof(struct host_cond), 16);
}
void host_cond_destroy(struct host_cond *cond)
{
    host_free(cond);
}

/* Nobody else runs, so a wait ends by a signal given before or by its deadline. */
bool host_cond_wait(struct host_cond *cond, struct host_mutex *mutex, uint64_t deadline_ns)
{
    ASSERT(mutex->locked);
    if (cond->signals != 0) {
        cond->signals--;
        return true;
    }
    ASSERT(deadline_ns != UINT64_MAX);
    fake.now_ns = deadline_ns > fake.now_ns ? deadline_ns : fake.now_ns;
    return false;
}

void host_cond_signal(struct host_cond *cond)
{
    cond->signals++;
}

/* ---- Files ----------------------------------------------------------------------------------- */

static struct fake_file *find_file(const char *path)
{
    for (unsigned i = 0; i < FILES_MAX; i++) {
        if (fake.file[i].bytes != NULL && str_eq(fake.file[i].path, path)) {
            return &fake.file[i];
        }
    }
    return NULL;
}

enum status host_file_read(const char *path, uint64_t max_size, struct host_bytes *out,
                           struct err *err)
{
    struct fake_file *file = find_file(path);
    uint8_t *data = NULL;
    size_t len = 0;

    if (file == NULL || fails(FAKE_OPEN)) {
        return err_set(err, ST_E_NOENT, MSG_HOST_OPEN, path, msg_text(err->lang, MSG_CAUSE_NOENT));
    }
    if (file->len == 0) {
        return err_set(err, ST_E_FORMAT, MSG_HOST_EMPTY, path);
    }
    if (file->len > max_size) {
        return err_set(err, ST_E_RANGE, MSG_HOST_TOO_BIG, path,
                       (unsigned long long)(max_size >> 20));
    }
    append(&data, &len, file->bytes, file->len);
    data[len] = 0;
    *out = (struct host_bytes){ data, len };
    return ST_OK;
}

void host_bytes_free(struct host_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct host_bytes){ NULL, 0 };
}

enum status host_file_write(const char *path, const void *bytes, size_t size, struct err *err)
{
    if (fails(FAKE_OPEN)) {
        return err_set(err, ST_E_IO, MSG_HOST_WRITE, path, msg_text(LANG_EN, MSG_CAUSE_NOSPACE));
    }
    fake_file(path, bytes, size);
    return ST_OK;
}

bool host_file_exists(const char *path)
{
    return find_file(path) != NULL;
}

/* ---- Streams --------------------------------------------------------------------------------- */

static struct host_stream *stream_open(const char *name)
{
    if (fails(FAKE_OPEN)) {
        return NULL;
    }
    for (unsigned i = 3; i < STREAMS_MAX; i++) {
        struct host_stream *s = &fake.stream[i];
        if (!s->used) {
            stream_clear(s);
            s->used = true;
            s->room = SIZE_MAX;
            str_copy(s->name, sizeof(s->name), name);
            fake.last = s;
            fake.live++;
            return s;
        }
    }
    return NULL;
}

static struct host_stream *stream_or_err(const char *name, struct err *err)
{
    struct host_stream *s = stream_open(name);

    if (s == NULL) {
        err_set(err, ST_E_IO, MSG_HOST_OPEN, name, msg_text(LANG_EN, MSG_CAUSE_ACCESS));
    }
    return s;
}

static struct host_stream *listener_open(const char *name, struct err *err)
{
    struct host_stream *s = stream_or_err(name, err);

    if (s != NULL) {
        s->listening = true;
    }
    return s;
}

struct host_stream *host_stdin(void)
{
    return &fake.stream[0];
}
struct host_stream *host_stdout(void)
{
    return &fake.stream[1];
}
struct host_stream *host_stderr(void)
{
    return &fake.stream[2];
}
struct host_stream *host_file_create(const char *path, struct err *err)
{
    return stream_or_err(path, err);
}

enum status host_perf_map(struct host_perf *out, struct err *err)
{
    *out = (struct host_perf){ .stream = stream_or_err("/tmp/perf-1.map", err), .process = 1 };
    return out->stream != NULL ? ST_OK : ST_E_IO;
}
enum status host_perf_dump(struct host_perf *out, const char *folder, struct err *err)
{
    *out = (struct host_perf){ .stream = stream_or_err("jit-1.dump", err), .process = 1 };
    return out->stream != NULL ? ST_OK : ST_E_IO;
}
void host_perf_close(struct host_perf *perf)
{
    host_stream_close(perf->stream);
}

struct host_stream *host_tcp_listen(const char *address, uint16_t port, struct err *err)
{
    char name[64];

    fmt_format(name, sizeof(name), "%s:%u", address, port);
    return listener_open(name, err);
}

struct host_stream *host_tcp_connect(const char *address, uint16_t port, struct err *err)
{
    return stream_or_err(address, err);
}

struct host_stream *host_unix_listen(const char *path, struct err *err)
{
    return listener_open(path, err);
}

struct host_stream *host_pty_open(char *name, size_t size, struct err *err)
{
    str_copy(name, size, "/fake/pty");
    return stream_or_err(name, err);
}

void fake_client(void)
{
    for (unsigned i = STREAMS_MAX; i-- > 3;) {
        if (fake.stream[i].used && fake.stream[i].listening) {
            fake.stream[i].clients++;
            return;
        }
    }
    ASSERT(!"a listener");
}

struct host_stream *host_accept(struct host_stream *listener)
{
    if (listener->clients == 0) {
        return NULL;
    }
    listener->clients--;
    return stream_open("client");
}

void host_stream_address(struct host_stream *stream, char *buf, size_t size)
{
    str_copy(buf, size, stream->name);
}

void host_stream_close(struct host_stream *stream)
{
    if (stream != NULL && stream >= &fake.stream[3]) {
        ASSERT(stream->used);
        stream->used = false; /* its output stays readable until the place is taken again */
        fake.live--;
    }
}

int64_t host_stream_read(struct host_stream *stream, void *buf, size_t len)
{
    size_t left = stream->in_len - stream->in_pos;

    if (fails(FAKE_READ)) {
        return HOST_ERROR;
    }
    if (left == 0) {
        return stream->ended ? HOST_END : HOST_AGAIN;
    }
    len = len < left ? len : left;
    memcpy(buf, stream->in + stream->in_pos, len);
    stream->in_pos += len;
    return (int64_t)len;
}

int64_t host_stream_write(struct host_stream *stream, const void *buf, size_t len,
                          uint64_t timeout_ns)
{
    size_t n = len < stream->room ? len : stream->room;

    if (fails(FAKE_WRITE)) {
        return HOST_ERROR;
    }
    if (stream->gone) {
        return HOST_END;
    }
    if (n < len) {
        fake.now_ns += timeout_ns;
    }
    append(&stream->out, &stream->out_len, buf, n);
    stream->room -= stream->room == SIZE_MAX ? 0 : n;
    return n != 0 || len == 0 ? (int64_t)n : HOST_AGAIN;
}

int64_t host_stream_seek(struct host_stream *stream, uint64_t pos)
{
    if (pos > stream->in_len) {
        return -1;
    }
    stream->in_pos = (size_t)pos;
    return (int64_t)pos;
}

int64_t host_stream_length(struct host_stream *stream)
{
    return (int64_t)stream->in_len;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

struct host_wait *host_wait_create(struct err *err)
{
    struct host_wait *wait = fails(FAKE_WAIT) ? NULL : host_alloc(sizeof(*wait), 16);

    if (wait == NULL) {
        err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    return wait;
}

void host_wait_destroy(struct host_wait *wait)
{
    host_free(wait);
}
void host_wait_wake(struct host_wait *wait)
{
    wait->woken = true;
}

static bool stream_ready(const struct host_stream *s)
{
    return s->clients != 0 || s->in_pos < s->in_len || s->ended;
}

void host_wait_for(struct host_wait *wait, struct host_interest *interest, unsigned count,
                   uint64_t deadline_ns)
{
    bool any = wait->woken;

    wait->woken = false;
    for (unsigned i = 0; i < count; i++) {
        interest[i].ready = stream_ready(interest[i].stream);
        any |= interest[i].ready;
    }
    if (!any) {
        ASSERT(deadline_ns != UINT64_MAX);
        fake.now_ns = deadline_ns > fake.now_ns ? deadline_ns : fake.now_ns;
    }
}

/* ---- Terminal and signals -------------------------------------------------------------------- */

bool host_is_terminal(struct host_stream *stream)
{
    return stream == host_stdin() && fake.terminal;
}
bool host_is_foreground(struct host_stream *stream)
{
    return fake.foreground;
}

enum status host_terminal_raw(struct host_stream *stream, struct err *err)
{
    fake.raw = true;
    return ST_OK;
}

void host_terminal_restore(void)
{
    fake.raw = false;
}

void host_catch_end(void (*fn)(void *arg), void *arg)
{
    fake.end_fn = fn;
    fake.end_arg = arg;
}

void host_obey_end(void) {}

/* ---- Folders: a file of a folder is the file "FOLDER/NAME" ----------------------------------- */

struct host_dir *host_dir_open(const char *path, struct err *err)
{
    struct host_dir *dir = fails(FAKE_OPEN) ? NULL : host_alloc(sizeof(*dir), 16);

    if (dir == NULL) {
        err_set(err, ST_E_NOENT, MSG_HOST_OPEN, path, msg_text(LANG_EN, MSG_CAUSE_NOENT));
        return NULL;
    }
    str_copy(dir->path, sizeof(dir->path), path);
    return dir;
}

void host_dir_close(struct host_dir *dir)
{
    host_free(dir);
}

static struct fake_file *dir_file(const struct host_dir *dir, const char *name)
{
    char path[128];

    fmt_format(path, sizeof(path), "%s/%s", dir->path, name);
    return find_file(path);
}

struct host_stream *host_dir_file_open(struct host_dir *dir, const char *name, unsigned flags)
{
    struct fake_file *file = dir_file(dir, name);
    struct host_stream *s = file != NULL || (flags & HOST_CREATE) != 0 ? stream_open(name) : NULL;

    if (s != NULL && file != NULL && (flags & HOST_TRUNCATE) == 0) {
        append(&s->in, &s->in_len, file->bytes, file->len);
    }
    return s;
}

enum status host_dir_remove(struct host_dir *dir, const char *name)
{
    struct fake_file *file = dir_file(dir, name);

    if (file == NULL) {
        return ST_E_NOENT;
    }
    free(file->bytes);
    file->bytes = NULL;
    return ST_OK;
}

enum status host_dir_rename(struct host_dir *dir, const char *from, const char *to)
{
    struct fake_file *file = dir_file(dir, from);

    if (file == NULL) {
        return ST_E_NOENT;
    }
    fmt_format(file->path, sizeof(file->path), "%s/%s", dir->path, to);
    return ST_OK;
}
