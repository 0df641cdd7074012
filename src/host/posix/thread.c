/*
 * thread.c - threads, mutexes and condition variables of a POSIX host.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pthread_setaffinity_np, pthread_setname_np */
#endif
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/string.h"
#include "host/posix/posix.h"

struct host_thread {
    pthread_t id;
    void (*fn)(void *arg);
    void *arg;
    char name[16];
};

struct host_mutex {
    pthread_mutex_t m;
};

struct host_cond {
    pthread_cond_t c;
};

static void *thread_main(void *arg)
{
    struct host_thread *thread = arg;

#ifdef __linux__
    pthread_setname_np(pthread_self(), thread->name);
#endif
    thread->fn(thread->arg);
    return NULL;
}

/* Signals are for the thread that called main: the others start with all of them blocked. */
static int thread_start(struct host_thread *thread)
{
    sigset_t all, before;
    int number;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    number = pthread_create(&thread->id, NULL, thread_main, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return number;
}

enum status host_thread_create(struct host_thread **out, const char *name, void (*fn)(void *arg),
                               void *arg, struct err *err)
{
    struct host_thread *thread = calloc(1, sizeof(*thread));
    char buf[120];
    int number;

    if (thread == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    thread->fn = fn;
    thread->arg = arg;
    str_copy(thread->name, sizeof(thread->name), name);
    number = thread_start(thread);
    if (number != 0) {
        free(thread);
        return err_set(err, ST_E_NOMEM, MSG_HOST_THREAD,
                       posix_cause(err, number, buf, sizeof(buf)));
    }
    *out = thread;
    return ST_OK;
}

void host_thread_join(struct host_thread *thread)
{
    pthread_join(thread->id, NULL);
    free(thread);
}

enum status host_thread_pin(struct host_thread *thread, unsigned cpu, struct err *err)
{
#ifdef __linux__
    char buf[120];
    cpu_set_t set;
    int number = EINVAL;

    CPU_ZERO(&set);
    if (cpu < CPU_SETSIZE) {
        CPU_SET(cpu, &set);
        number = pthread_setaffinity_np(thread->id, sizeof(set), &set);
    }
    if (number == 0) {
        return ST_OK;
    }
    return err_set(err, ST_E_INVAL, MSG_HOST_PIN, cpu, posix_cause(err, number, buf, sizeof(buf)));
#else
    char buf[120];

    return err_set(err, ST_E_NOTSUP, MSG_HOST_PIN, cpu, posix_cause(err, ENOSYS, buf, sizeof(buf)));
#endif
}

void host_thread_yield(void)
{
    sched_yield();
}

unsigned host_cpu_count(void)
{
#ifdef __linux__
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        return (unsigned)CPU_COUNT(&set);
    }
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

struct host_mutex *host_mutex_create(void)
{
    struct host_mutex *mutex = malloc(sizeof(*mutex));

    if (mutex != NULL && pthread_mutex_init(&mutex->m, NULL) != 0) {
        free(mutex);
        mutex = NULL;
    }
    return mutex;
}

void host_mutex_destroy(struct host_mutex *mutex)
{
    if (mutex != NULL) {
        pthread_mutex_destroy(&mutex->m);
        free(mutex);
    }
}

void host_mutex_lock(struct host_mutex *mutex)
{
    int number = pthread_mutex_lock(&mutex->m);

    ASSERT(number == 0);
}

void host_mutex_unlock(struct host_mutex *mutex)
{
    int number = pthread_mutex_unlock(&mutex->m);

    ASSERT(number == 0);
}

static int cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    int number = pthread_condattr_init(&attr);

    if (number == 0) {
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* the clock of host_now_ns */
        number = pthread_cond_init(cond, &attr);
        pthread_condattr_destroy(&attr);
    }
    return number;
}

struct host_cond *host_cond_create(void)
{
    struct host_cond *cond = malloc(sizeof(*cond));

    if (cond != NULL && cond_init(&cond->c) != 0) {
        free(cond);
        cond = NULL;
    }
    return cond;
}

void host_cond_destroy(struct host_cond *cond)
{
    if (cond != NULL) {
        pthread_cond_destroy(&cond->c);
        free(cond);
    }
}

bool host_cond_wait(struct host_cond *cond, struct host_mutex *mutex, uint64_t deadline_ns)
{
    struct timespec at = { .tv_sec = (time_t)(deadline_ns / 1000000000u),
                           .tv_nsec = (long)(deadline_ns % 1000000000u) };

    if (deadline_ns == UINT64_MAX) {
        pthread_cond_wait(&cond->c, &mutex->m);
        return true;
    }
    return pthread_cond_timedwait(&cond->c, &mutex->m, &at) != ETIMEDOUT;
}

void host_cond_signal(struct host_cond *cond)
{
    pthread_cond_broadcast(&cond->c);
}
