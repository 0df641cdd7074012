/*
 * load.c - WinHvPlatform.dll, its functions, and what Windows says of itself.
 *
 * From System32 and nowhere else: a file of that name beside the program or in the current folder is not
 * the system's.
 */
#include "accel/whp/whp.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "base/compiler.h"
#include "base/string.h"

enum { MAY = 0, MUST = 1 };

static const struct {
    const char *name;
    size_t offset; /* in struct whp_api */
    bool must;
} functions[] = {
#define FN(need, name, parameters) { #name, offsetof(struct whp_api, name), need },
#include "accel/whp/api.def"
#undef FN
};

static void flush(void *code, size_t len)
{
    FlushInstructionCache(GetCurrentProcess(), code, len);
}

static void nap(void)
{
    Sleep(1);
}

static void unload(struct whp_api *api)
{
    FreeLibrary(api->library);
}

/* The first mandatory function that is not there, or NULL. */
static const char *resolve(struct whp_api *api)
{
    const char *missing = NULL;

    for (unsigned i = 0; i < ARRAY_SIZE(functions); i++) {
        FARPROC p = GetProcAddress(api->library, functions[i].name);

        if (p == NULL && functions[i].must && missing == NULL) {
            missing = functions[i].name;
        }
        memcpy((char *)api + functions[i].offset, &p, sizeof(p));
    }
    return missing;
}

bool whp_load(struct whp_api *api, struct whp_facts *facts)
{
    DWORD error;

    memset(api, 0, sizeof(*api));
    api->library = LoadLibraryExW(L"" WHP_DLL, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    error = api->library != NULL ? 0 : GetLastError();
    facts->dll_found = error != ERROR_MOD_NOT_FOUND && error != ERROR_FILE_NOT_FOUND;
    facts->load_error = error;
    if (error != 0) {
        return false;
    }
    api->flush = flush;
    api->nap = nap;
    api->unload = unload;
    facts->missing_export = resolve(api);
    return facts->missing_export == NULL;
}

/* ---- Windows --------------------------------------------------------------------------------- */

#define VERSION_KEY L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"

/* The revision (the cumulative update) is in the registry only, and the build beside it. */
static void ask_version(struct whp_facts *facts)
{
    wchar_t build[16] = L"";
    DWORD revision = 0, size = sizeof(build) - sizeof(build[0]);

    if (RegGetValueW(HKEY_LOCAL_MACHINE, VERSION_KEY, L"CurrentBuildNumber", RRF_RT_REG_SZ, NULL,
                     build, &size) != ERROR_SUCCESS) {
        return;
    }
    for (const wchar_t *p = build; *p >= L'0' && *p <= L'9'; p++) {
        facts->build = facts->build * 10 + (uint32_t)(*p - L'0');
    }
    size = sizeof(revision);
    if (RegGetValueW(HKEY_LOCAL_MACHINE, VERSION_KEY, L"UBR", RRF_RT_REG_DWORD, NULL, &revision,
                     &size) == ERROR_SUCCESS) {
        facts->revision = revision;
    }
}

/* The processor itself, whatever this program is for. */
static bool is_arm64_processor(void)
{
    typedef BOOL WINAPI machine_fn(HANDLE process, USHORT * machine, USHORT * native);
    HMODULE kernel = GetModuleHandleW(L"kernel32.dll");
    machine_fn *fn = (machine_fn *)(uintptr_t)GetProcAddress(kernel, "IsWow64Process2");
    USHORT machine, native = 0;

    return WHP_ARM64_PROGRAM ||
           (fn != NULL && fn(GetCurrentProcess(), &machine, &native) && native == 0xaa64);
}

void whp_ask_windows(struct whp_facts *facts)
{
    bool arm64 = is_arm64_processor();

    facts->host = (struct detect_host){
        .name = arm64 ? "Windows ARM64" : "Windows x86-64",
        .windows = true,
        .arm64 = arm64,
        .program = WHP_ARM64_PROGRAM,
    };
    ask_version(facts);
}
