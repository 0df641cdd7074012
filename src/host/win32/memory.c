/*
 * memory.c - time, randomness and memory of Windows.
 */
#include "host/win32/win32.h"

#include <bcrypt.h>
#include <malloc.h>
#include <time.h>

#include "base/assert.h"
#include "base/string.h"

/* QueryPerformanceCounter counts since the machine started; whole seconds and the rest apart, so
 * that no product wraps. */
uint64_t host_now_ns(void)
{
    LARGE_INTEGER count, rate;

    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&rate);
    return (uint64_t)(count.QuadPart / rate.QuadPart) * 1000000000u +
           (uint64_t)(count.QuadPart % rate.QuadPart) * 1000000000u / (uint64_t)rate.QuadPart;
}

DWORD win32_ms_until(uint64_t deadline_ns)
{
    uint64_t now_ns = host_now_ns(), ms;

    if (deadline_ns == UINT64_MAX) {
        return INFINITE;
    }
    ms = deadline_ns > now_ns ? (deadline_ns - now_ns + 999999) / 1000000 : 0;
    return ms < INFINITE - 1 ? (DWORD)ms : INFINITE - 1;
}

uint64_t host_wall_s(void)
{
    return (uint64_t)_time64(NULL);
}

void host_random(void *buf, size_t len)
{
    ASSERT(len <= ULONG_MAX);
    ASSERT(BCryptGenRandom(NULL, buf, (ULONG)len, BCRYPT_USE_SYSTEM_PREFERRED_RNG) == 0);
}

void *host_alloc(size_t size, size_t align)
{
    void *p;

    if (align < sizeof(void *)) {
        align = sizeof(void *);
    }
    p = _aligned_malloc(size != 0 ? size : 1, align);
    if (p != NULL) {
        memset(p, 0, size);
    }
    return p;
}

void host_free(void *p)
{
    _aligned_free(p);
}

/*
 * Committed pages cost memory or page file when they are touched, but Windows promises all of them
 * now: a guest larger than the commit limit does not start, instead of failing later.
 */
void *host_pages_map(uint64_t size)
{
    if (size == 0 || size > SIZE_MAX / 2) {
        return NULL;
    }
    return VirtualAlloc(NULL, (SIZE_T)size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void host_pages_unmap(void *p, uint64_t size)
{
    if (p != NULL) {
        VirtualFree(p, 0, MEM_RELEASE);
    }
}

/* Two views of one section: the section may be written and executed, but neither view may be both. */
void *host_code_map(size_t size, void **writable, bool anonymous)
{
    HANDLE section =
        CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_EXECUTE_READWRITE | SEC_COMMIT,
                           (DWORD)((uint64_t)size >> 32), (DWORD)size, NULL);
    void *rw, *rx;

    if (section == NULL) {
        return NULL;
    }
    rw = MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, size);
    rx = MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_EXECUTE, 0, 0, size);
    CloseHandle(section); /* the views keep it */
    if (rw == NULL || rx == NULL) {
        host_code_unmap(rx, rw, size);
        return NULL;
    }
    *writable = rw;
    return rx;
}

void host_code_unmap(void *p, void *writable, size_t size)
{
    if (p != NULL) {
        UnmapViewOfFile(p);
    }
    if (writable != NULL) {
        UnmapViewOfFile(writable);
    }
}
