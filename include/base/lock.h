/*
 * lock.h - mutual exclusion as a port: the shell says what a lock is, everything else only locks.
 *
 * A zeroed struct lock is valid and does nothing (one thread, unit tests). Lock order is written
 * once, in vm.h.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stddef.h>

struct lock_ops {
    void (*acquire)(void *impl);
    void (*release)(void *impl);
};

struct lock {
    const struct lock_ops *ops;
    void *impl;
};

static inline void lock_acquire(struct lock *lock)
{
    if (lock->ops != NULL) {
        lock->ops->acquire(lock->impl);
    }
}

static inline void lock_release(struct lock *lock)
{
    if (lock->ops != NULL) {
        lock->ops->release(lock->impl);
    }
}

#endif
