/*
 * describe.c - what this Windows is, and on what it runs.
 */
#include "host/win32/win32.h"

#include "base/fmt.h"
#include "base/string.h"
#include "host/x86.h"

#define MACHINE_ARM64 0xAA64 /* IMAGE_FILE_MACHINE_ARM64 */

typedef BOOL(WINAPI is_wow64_process2_fn)(HANDLE process, USHORT *machine, USHORT *native);
typedef LONG(WINAPI rtl_get_version_fn)(OSVERSIONINFOW *version);

/* Functions are looked up: GetVersionEx tells programs what they want to hear. */
static void *function_of(const wchar_t *dll, const char *name)
{
    HMODULE module = GetModuleHandleW(dll);

    return module != NULL ? (void *)(uintptr_t)GetProcAddress(module, name) : NULL;
}

/* The machine, also for an x86-64 program that Windows on ARM64 emulates. */
static bool machine_is_arm64(void)
{
    is_wow64_process2_fn *ask =
        (is_wow64_process2_fn *)(uintptr_t)function_of(L"kernel32.dll", "IsWow64Process2");
    USHORT machine, native;
    SYSTEM_INFO info;

    if (ask != NULL && ask(GetCurrentProcess(), &machine, &native)) {
        return native == MACHINE_ARM64;
    }
    GetNativeSystemInfo(&info);
    return info.wProcessorArchitecture == 12; /* PROCESSOR_ARCHITECTURE_ARM64 */
}

void host_describe(struct host_facts *out)
{
    rtl_get_version_fn *get_version =
        (rtl_get_version_fn *)(uintptr_t)function_of(L"ntdll.dll", "RtlGetVersion");
    OSVERSIONINFOW version = { .dwOSVersionInfoSize = sizeof(version) };
    MEMORYSTATUSEX memory = { .dwLength = sizeof(memory) };

    memset(out, 0, sizeof(*out));
    out->windows = true;
    out->arm64 = machine_is_arm64();
    if (get_version != NULL) {
        get_version(&version);
    }
    fmt_format(out->name, sizeof(out->name), "Windows %s %u.%u.%u", out->arm64 ? "ARM64" : "x86-64",
               (unsigned)version.dwMajorVersion, (unsigned)version.dwMinorVersion,
               (unsigned)version.dwBuildNumber);
    x86_features(out);
    if (GlobalMemoryStatusEx(&memory)) {
        out->memory_bytes = memory.ullTotalPhys;
        out->memory_free_bytes = memory.ullAvailPhys;
    }
}
