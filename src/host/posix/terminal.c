/*
 * terminal.c - raw mode that always ends, and the signals that ask the process to end.
 *
 * The terminal belongs to the process, so its state is the process's: the one mutable file-scope
 * state of the hosted program. Normal mode comes back on every way out: host_terminal_restore, exit
 * (atexit), SIGINT, SIGTERM, SIGHUP, SIGQUIT, a stop (SIGTSTP; SIGCONT sets raw mode again), and
 * the fatal signals of a bug of ours. Only SIGKILL leaves a raw terminal, which nobody can help.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/string.h"
#include "host/posix/posix.h"

static struct {
    struct termios normal, raw;
    int fd;
    _Atomic bool active;    /* raw mode is wanted                    */
    _Atomic int end_signal; /* the signal that asked us to end, or 0 */
    void (*end_fn)(void *arg);
    void *end_arg;
    bool installed;
} terminal = { .fd = -1 };

static const int end_signals[] = { SIGINT, SIGTERM, SIGHUP };
static const int fatal_signals[] = { SIGQUIT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

bool host_is_terminal(struct host_stream *stream)
{
    return isatty(stream->fd) == 1;
}

bool host_is_foreground(struct host_stream *stream)
{
    pid_t group = isatty(stream->fd) ? tcgetpgrp(stream->fd) : -1;

    return group < 0 || group == getpgrp();
}

/* tcsetattr from a background process would stop it (SIGTTOU). Safe in a signal handler. */
static void set_mode(const struct termios *mode)
{
    sigset_t block, before;
    int number = errno;

    sigemptyset(&block);
    sigaddset(&block, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &block, &before);
    (void)tcsetattr(terminal.fd, TCSADRAIN, mode);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = number;
}

void host_terminal_restore(void)
{
    if (atomic_exchange(&terminal.active, false)) {
        set_mode(&terminal.normal);
    }
}

/* Ends or stops the process as if the signal had never been caught. */
static void default_action(int number)
{
    struct sigaction dfl = { .sa_handler = SIG_DFL }, ours;
    sigset_t one;

    sigaction(number, &dfl, &ours);
    sigemptyset(&one);
    sigaddset(&one, number);
    raise(number);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    sigaction(number, &ours, NULL); /* a stop comes back here when the process continues */
}

static void on_stop(int number)
{
    int saved = errno;

    if (atomic_load(&terminal.active)) {
        set_mode(&terminal.normal);
    }
    default_action(number);
    errno = saved;
}

static void on_continue(int number)
{
    (void)number;
    if (atomic_load(&terminal.active) && tcgetpgrp(terminal.fd) == getpgrp()) {
        set_mode(&terminal.raw);
    }
}

static void on_fatal(int number)
{
    host_terminal_restore();
    default_action(number);
}

static void on_end(int number)
{
    int none = 0;

    if (terminal.end_fn != NULL &&
        atomic_compare_exchange_strong(&terminal.end_signal, &none, number)) {
        terminal.end_fn(terminal.end_arg);
        return;
    }
    host_terminal_restore();
    default_action(number);
}

static void install(int number, void (*handler)(int), int flags)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = flags }, before;

    /* Whoever started us with a signal ignored (nohup) meant it. */
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
        sigaction(number, &action, NULL);
    }
}

static void install_all(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };

    if (terminal.installed) {
        return;
    }
    terminal.installed = true;
    atexit(host_terminal_restore);
    for (unsigned i = 0; i < ARRAY_SIZE(end_signals); i++) {
        install(end_signals[i], on_end, SA_RESTART);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(fatal_signals); i++) {
        install(fatal_signals[i], on_fatal, 0);
    }
    install(SIGTSTP, on_stop, SA_RESTART);
    install(SIGCONT, on_continue, SA_RESTART);
    sigaction(SIGPIPE, &ignore, NULL); /* a reader that went away is a status of write */
}

enum status host_terminal_raw(struct host_stream *stream, struct err *err)
{
    char buf[120];

    install_all();
    if (tcgetattr(stream->fd, &terminal.normal) != 0) {
        return err_set(err, ST_E_IO, MSG_HOST_TERMINAL, posix_cause(err, errno, buf, sizeof(buf)));
    }
    terminal.fd = stream->fd;
    terminal.raw = terminal.normal;
    cfmakeraw(&terminal.raw);
    terminal.raw.c_oflag =
        terminal.normal.c_oflag; /* messages of ours on the same screen keep their line ends */
    terminal.raw.c_cc[VMIN] = 1;
    terminal.raw.c_cc[VTIME] = 0;
    atomic_store(&terminal.active, true);
    set_mode(&terminal.raw);
    return ST_OK;
}

void host_catch_end(void (*fn)(void *arg), void *arg)
{
    install_all();
    terminal.end_arg = arg;
    terminal.end_fn = fn;
}

void host_obey_end(void)
{
    int number = atomic_load(&terminal.end_signal);

    if (number != 0) {
        host_terminal_restore();
        default_action(number);
    }
}
