/*
 * thread.c - threads, mutexes and condition variables of Windows.
 *
 * SetThreadDescription exists since Windows 10 1607 and is asked for by name: threads work without.
 */
#include "host/win32/win32.h"

#include <process.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/string.h"

struct host_thread {
    HANDLE handle;
    void (*fn)(void *arg);
    void *arg;
    wchar_t name[16];
};

struct host_mutex {
    SRWLOCK lock;
};

struct host_cond {
    CONDITION_VARIABLE cond;
};

typedef HRESULT WINAPI set_description_fn(HANDLE thread, PCWSTR text);

static void set_name(HANDLE thread, const wchar_t *name)
{
    HMODULE kernel = GetModuleHandleW(L"kernel32.dll");
    set_description_fn *fn =
        kernel != NULL
            ? (set_description_fn *)(uintptr_t)GetProcAddress(kernel, "SetThreadDescription")
            : NULL;

    if (fn != NULL) {
        (void)fn(thread, name);
    }
}

static unsigned __stdcall thread_main(void *arg)
{
    struct host_thread *thread = arg;

    set_name(GetCurrentThread(), thread->name);
    thread->fn(thread->arg);
    return 0;
}

enum status host_thread_create(struct host_thread **out, const char *name, void (*fn)(void *arg),
                               void *arg, struct err *err)
{
    struct host_thread *thread = calloc(1, sizeof(*thread));
    char buf[120];

    if (thread == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    thread->fn = fn;
    thread->arg = arg;
    str_copy(buf, sizeof(thread->name) / sizeof(thread->name[0]), name);
    (void)win32_wide(thread->name, sizeof(thread->name) / sizeof(thread->name[0]), buf);
    thread->handle = (HANDLE)_beginthreadex(NULL, 0, thread_main, thread, 0, NULL);
    if (thread->handle == NULL) {
        DWORD number = GetLastError();
        free(thread);
        return err_set(err, ST_E_NOMEM, MSG_HOST_THREAD,
                       win32_cause(err, number, buf, sizeof(buf)));
    }
    *out = thread;
    return ST_OK;
}

void host_thread_join(struct host_thread *thread)
{
    WaitForSingleObject(thread->handle, INFINITE);
    CloseHandle(thread->handle);
    free(thread);
}

/* Processors come in groups of up to 64; numbers go through all groups in order. */
static bool affinity_of(unsigned cpu, GROUP_AFFINITY *out)
{
    WORD groups = GetActiveProcessorGroupCount();

    for (WORD group = 0; group < groups; group++) {
        DWORD count = GetActiveProcessorCount(group);
        if (cpu < count) {
            *out = (GROUP_AFFINITY){ .Mask = (KAFFINITY)1 << cpu, .Group = group };
            return true;
        }
        cpu -= count;
    }
    return false;
}

enum status host_thread_pin(struct host_thread *thread, unsigned cpu, struct err *err)
{
    GROUP_AFFINITY affinity;
    DWORD number = ERROR_INVALID_PARAMETER;
    char buf[120];

    if (affinity_of(cpu, &affinity)) {
        if (SetThreadGroupAffinity(thread->handle, &affinity, NULL)) {
            return ST_OK;
        }
        number = GetLastError();
    }
    return err_set(err, ST_E_INVAL, MSG_HOST_PIN, cpu, win32_cause(err, number, buf, sizeof(buf)));
}

void host_thread_yield(void)
{
    SwitchToThread();
}

unsigned host_cpu_count(void)
{
    DWORD_PTR ours = 0, all = 0;
    unsigned count = 0;

    if (GetActiveProcessorGroupCount() == 1 &&
        GetProcessAffinityMask(GetCurrentProcess(), &ours, &all)) {
        for (; ours != 0; ours &= ours - 1) {
            count++;
        }
    }
    if (count == 0) {
        count = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    }
    return count != 0 ? count : 1;
}

struct host_mutex *host_mutex_create(void)
{
    struct host_mutex *mutex = malloc(sizeof(*mutex));

    if (mutex != NULL) {
        InitializeSRWLock(&mutex->lock);
    }
    return mutex;
}

void host_mutex_destroy(struct host_mutex *mutex)
{
    free(mutex);
}

void host_mutex_lock(struct host_mutex *mutex)
{
    AcquireSRWLockExclusive(&mutex->lock);
}

void host_mutex_unlock(struct host_mutex *mutex)
{
    ReleaseSRWLockExclusive(&mutex->lock);
}

struct host_cond *host_cond_create(void)
{
    struct host_cond *cond = malloc(sizeof(*cond));

    if (cond != NULL) {
        InitializeConditionVariable(&cond->cond);
    }
    return cond;
}

void host_cond_destroy(struct host_cond *cond)
{
    free(cond);
}

bool host_cond_wait(struct host_cond *cond, struct host_mutex *mutex, uint64_t deadline_ns)
{
    DWORD ms = win32_ms_until(deadline_ns);

    return SleepConditionVariableSRW(&cond->cond, &mutex->lock, ms, 0) ||
           GetLastError() != ERROR_TIMEOUT || host_now_ns() < deadline_ns;
}

void host_cond_signal(struct host_cond *cond)
{
    WakeAllConditionVariable(&cond->cond);
}
