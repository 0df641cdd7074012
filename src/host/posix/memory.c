/*
 * memory.c - time, randomness and memory of a POSIX host.
 */
#if defined(__linux__)
#define _GNU_SOURCE /* memfd_create */
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/string.h"
#include "host.h"

uint64_t host_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t host_wall_s(void)
{
    return (uint64_t)time(NULL);
}

void host_random(void *buf, size_t len)
{
    uint8_t *p = buf;

    while (len != 0) {
        size_t part = len < 256 ? len : 256; /* the size that getentropy promises */
        ASSERT(getentropy(p, part) == 0);
        p += part;
        len -= part;
    }
}

void *host_alloc(size_t size, size_t align)
{
    void *p = NULL;

    if (align < sizeof(void *)) {
        align = sizeof(void *);
    }
    if (posix_memalign(&p, align, size != 0 ? size : 1) != 0) {
        return NULL;
    }
    memset(p, 0, size);
    return p;
}

void host_free(void *p)
{
    free(p);
}

/*
 * Guest memory is private and not reserved: a 64 GiB guest starts on a small host as long as it
 * touches little. Large pages help the software CPU's loads and stores, and stage 2 of a hypervisor, which
 * needs guest and host addresses equal below 2 MiB; the host decides.
 */
#define LARGE_PAGE ((uintptr_t)2 << 20)

void *host_pages_map(uint64_t size)
{
    uintptr_t extra = size >= LARGE_PAGE ? LARGE_PAGE : 0, before;
    uint8_t *p;

    if (size == 0 || size > SIZE_MAX / 2) {
        return NULL;
    }
    p = mmap(NULL, (size_t)size + extra, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        return NULL;
    }
    if (extra != 0) {
        before = (LARGE_PAGE - (uintptr_t)p % LARGE_PAGE) % LARGE_PAGE;
        if (before != 0) {
            munmap(p, before);
        }
        p += before;
        munmap(p + size, extra - before); /* at least a page: mmap's results are multiples of one */
    }
#ifdef MADV_HUGEPAGE
    (void)madvise(p, (size_t)size, MADV_HUGEPAGE);
#endif
    return p;
}

void host_pages_unmap(void *p, uint64_t size)
{
    if (p != NULL) {
        munmap(p, (size_t)size);
    }
}

#if defined(__linux__)
/* mremap with an old size of 0 makes a second mapping of the same pages. */
static void *code_map_anonymous(size_t size, void **writable)
{
    void *rx = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    void *rw = rx != MAP_FAILED ? mremap(rx, 0, size, MREMAP_MAYMOVE) : MAP_FAILED;

    if (rw != MAP_FAILED && mprotect(rw, size, PROT_READ | PROT_WRITE) == 0) {
        *writable = rw;
        return rx;
    }
    if (rw != MAP_FAILED) {
        munmap(rw, size);
    }
    if (rx != MAP_FAILED) {
        munmap(rx, size);
    }
    return NULL;
}
#else
static void *code_map_anonymous(size_t size, void **writable)
{
    return NULL;
}
#endif

void *host_code_map(size_t size, void **writable, bool anonymous)
{
    if (anonymous) {
        return code_map_anonymous(size, writable);
    }
    int fd = memfd_create("translated-code", MFD_CLOEXEC);
    void *rw = MAP_FAILED, *rx = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, (off_t)size) == 0) {
        rw = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        rx = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (rw == MAP_FAILED || rx == MAP_FAILED) {
        if (rw != MAP_FAILED) {
            munmap(rw, size);
        }
        return NULL;
    }
    *writable = rw;
    return rx;
}

void host_code_unmap(void *p, void *writable, size_t size)
{
    munmap(p, size);
    munmap(writable, size);
}
