/*
 * host.h - what the program asks of an operating system, and nothing of what a virtual machine is.
 *
 * Three folders fill it: host/posix, host/win32 (with the Windows build) and host/fake, a
 * deterministic host for unit tests. No type here belongs to an operating system. Functions that
 * can fail fill err with one line that names the object and the cause; err may be NULL.
 */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* ---- The program ----------------------------------------------------------------------------- */

/*
 * The first thing that main does: the arguments become UTF-8, and what is written to the standard
 * streams arrives as it was written.
 */
void host_start(int *argc, char ***argv);
/* The person's language as the host names it ("pt_BR.UTF-8", "en-US"), or "". */
void host_language(char *buf, size_t size);

/* ---- The host as such ------------------------------------------------------------------------ */

struct host_facts {
    char name[100]; /* "Linux x86_64 6.1.0", "Windows ARM64 10.0.26100" */
    bool linux_os, windows;
    bool arm64;        /* the machine; a program for another may run by emulation */
    bool avx2, avx512; /* x86-64: may be used, the system saves the registers     */
    uint64_t memory_bytes,
        memory_free_bytes; /* of the host; 0: not known                               */
};

void host_describe(struct host_facts *out);

/* ---- Time and chance ------------------------------------------------------------------------- */

/* Monotonic, any origin. Any thread, signal handlers too. */
uint64_t host_now_ns(void);
/* Seconds since 1970-01-01 UTC. */
uint64_t host_wall_s(void);
/* Random bytes fit for keys. */
void host_random(void *buf, size_t len);

/* ---- Memory ---------------------------------------------------------------------------------- */

/* Zeroed block, aligned to align (a power of two up to 4096). NULL when there is none. */
void *host_alloc(size_t size, size_t align);
void host_free(void *p);
/* Page-aligned zeroed pages that cost nothing until they are touched. NULL when the
 * host cannot promise them. */
void *host_pages_map(uint64_t size);
void host_pages_unmap(void *p, uint64_t size);

/*
 * Memory for code that the program makes: size bytes (a multiple of 4096) that can be executed, and the same bytes
 * at *writable where they can be written; nothing is both. NULL: the host allows none. anonymous: of no file, as perf
 * wants it that is to look its symbols up in a map.
 */
void *host_code_map(size_t size, void **writable, bool anonymous);
void host_code_unmap(void *p, void *writable, size_t size);

/* ---- Threads --------------------------------------------------------------------------------- */

struct host_thread;
struct host_mutex;
struct host_cond;

/* Starts fn(arg) on a thread of that name (15 bytes of it are kept). Every thread must
 * be joined. */
enum status host_thread_create(struct host_thread **out, const char *name, void (*fn)(void *arg),
                               void *arg, struct err *err);
void host_thread_join(struct host_thread *thread);
/* Keeps the thread on one processor of the host; ST_E_NOTSUP where the host has no such thing. */
enum status host_thread_pin(struct host_thread *thread, unsigned cpu, struct err *err);
/* Lets other threads run that wait for this one's processor. */
void host_thread_yield(void);
/* Processors of this host that the program may use. */
unsigned host_cpu_count(void);

/* NULL when there is no memory. */
struct host_mutex *host_mutex_create(void);
void host_mutex_destroy(struct host_mutex *mutex);
void host_mutex_lock(struct host_mutex *mutex);
void host_mutex_unlock(struct host_mutex *mutex);

/* NULL when there is no memory. */
struct host_cond *host_cond_create(void);
void host_cond_destroy(struct host_cond *cond);
/* Sleeps until a signal, or host_now_ns reaches deadline_ns (UINT64_MAX: never; then
 * false). May wake early. */
bool host_cond_wait(struct host_cond *cond, struct host_mutex *mutex, uint64_t deadline_ns);
void host_cond_signal(struct host_cond *cond);

/* ---- Whole files ----------------------------------------------------------------------------- */

struct host_bytes {
    uint8_t *data; /* host_bytes_free gives it back; one byte 0 follows the size bytes */
    size_t size;
};

/*
 * Reads all of a file, pipes too. An empty file, a directory, and more than max_size bytes are
 * errors. out is untouched on error.
 */
enum status host_file_read(const char *path, uint64_t max_size, struct host_bytes *out,
                           struct err *err);
void host_bytes_free(struct host_bytes *bytes);
/* Replaces or makes a file. */
enum status host_file_write(const char *path, const void *bytes, size_t size, struct err *err);
/* Is there something of this name? */
bool host_file_exists(const char *path);

/* ---- Streams of bytes: files, sockets, terminals --------------------------------------------- */

struct host_stream;

/* The program's own; they are not closed by host_stream_close. */
struct host_stream *host_stdin(void);
struct host_stream *host_stdout(void);
struct host_stream *host_stderr(void);

/* Makes or empties a file for writing. NULL: failed. */
struct host_stream *host_file_create(const char *path, struct err *err);
/* Waits for clients at an address ("127.0.0.1", "::1", "localhost"; empty: loopback)
 * and port (0: any free one). */
struct host_stream *host_tcp_listen(const char *address, uint16_t port, struct err *err);
struct host_stream *host_tcp_connect(const char *address, uint16_t port, struct err *err);
/* A local socket as a file; one that nobody listens at any more is replaced, anything
 * else is not. */
struct host_stream *host_unix_listen(const char *path, struct err *err);
/* A pseudo-terminal; name receives what the other side opens. */
struct host_stream *host_pty_open(char *name, size_t size, struct err *err);
/* The next waiting client of a listening stream, or NULL. Does not block. */
struct host_stream *host_accept(struct host_stream *listener);
/* "127.0.0.1:4321": where a listening stream can be reached. */
void host_stream_address(struct host_stream *stream, char *buf, size_t size);
void host_stream_close(struct host_stream *stream);

enum {
    HOST_END = 0,    /* end of input; the reader of our output is gone */
    HOST_AGAIN = -1, /* nothing now                                    */
    HOST_ERROR = -2,
};

/* At most len bytes; what is there. Does not block on a stream that host_wait_for
 * found readable. */
int64_t host_stream_read(struct host_stream *stream, void *buf, size_t len);
/*
 * Writes all bytes unless the stream takes none for timeout_ns. Returns how many it took,
 * HOST_AGAIN if none, or HOST_END / HOST_ERROR if it will never take one again.
 */
int64_t host_stream_write(struct host_stream *stream, const void *buf, size_t len,
                          uint64_t timeout_ns);
/* Positions and sizes of plain files; -1: not possible. */
int64_t host_stream_seek(struct host_stream *stream, uint64_t pos);
int64_t host_stream_length(struct host_stream *stream);

/* ---- perf, the profiler of Linux ------------------------------------------------------------- */

/* A file by which perf learns what code this process makes. */
struct host_perf {
    struct host_stream *stream; /* to be written; NULL: none */
    void *mark;
    uint32_t process; /* its number */
};

/*
 * Makes perf-N.map where perf looks for it, or in folder a jit-N.dump of which perf is told; N is the number of the
 * process. ST_E_NOTSUP: this host has no perf.
 */
enum status host_perf_map(struct host_perf *out, struct err *err);
enum status host_perf_dump(struct host_perf *out, const char *folder, struct err *err);
void host_perf_close(struct host_perf *perf);

/* ---- Waiting --------------------------------------------------------------------------------- */

struct host_wait;

struct host_interest {
    struct host_stream *stream;
    bool ready; /* out: it can be read (or accepted from), or has ended */
};

/* NULL: failed. */
struct host_wait *host_wait_create(struct err *err);
void host_wait_destroy(struct host_wait *wait);
/* Ends the wait that is under way, or else the next one at once. Any thread, signal
 * handlers too; never blocks. */
void host_wait_wake(struct host_wait *wait);
/* Sleeps until a stream is ready, a wake, or host_now_ns reaches deadline_ns
 * (UINT64_MAX: never). One thread. */
void host_wait_for(struct host_wait *wait, struct host_interest *interest, unsigned count,
                   uint64_t deadline_ns);

/* ---- Terminal and signals (of the process: one user at a time) ------------------------------- */

bool host_is_terminal(struct host_stream *stream);
/* Does input typed now belong to us (no job control keeps us in the background)? True
 * for what is no terminal. */
bool host_is_foreground(struct host_stream *stream);
/*
 * Every key to the reader at once, Ctrl-C too; output keeps its line ends. Normal mode comes back
 * by host_terminal_restore, at exit, at a signal that ends or stops the process; after a stop raw
 * mode returns.
 */
enum status host_terminal_raw(struct host_stream *stream, struct err *err);
void host_terminal_restore(void);
/*
 * From now on a request to end the process (Ctrl-C, SIGTERM, closing the terminal) calls fn(arg)
 * once, in a context where only host_wait_wake and atomics may be used; the second request ends it
 * at once. fn NULL: as before.
 */
void host_catch_end(void (*fn)(void *arg), void *arg);
/* If the process was asked to end: ends it the way the host expects of one that obeys.
 * Otherwise returns. */
void host_obey_end(void);

/* ---- A folder that nobody gets out of -------------------------------------------------------- */

/*
 * Names are relative, components separated by '/'. "..", absolute names, symbolic links and
 * everything that is not a plain file are refused.
 */
struct host_dir;

enum {
    HOST_READ = 1,
    HOST_WRITE = 2,
    HOST_CREATE = 4,
    HOST_TRUNCATE = 8,
    HOST_APPEND = 16,
};

/* NULL: failed. */
struct host_dir *host_dir_open(const char *path, struct err *err);
void host_dir_close(struct host_dir *dir);
/* NULL: refused or failed. */
struct host_stream *host_dir_file_open(struct host_dir *dir, const char *name, unsigned flags);
enum status host_dir_remove(struct host_dir *dir, const char *name);
enum status host_dir_rename(struct host_dir *dir, const char *from, const char *to);

#endif
