/*
 * error.c - error numbers of Windows and its sockets in words of the person's language, and names
 * between UTF-8 and UTF-16.
 */
#include "host/win32/win32.h"

#include <stdlib.h>

#include "base/compiler.h"
#include "base/fmt.h"
#include "base/string.h"

static const struct {
    DWORD number;
    enum msg_id id;
} cause[] = {
    { ERROR_FILE_NOT_FOUND, MSG_CAUSE_NOENT },
    { ERROR_PATH_NOT_FOUND, MSG_CAUSE_NOENT },
    { ERROR_INVALID_DRIVE, MSG_CAUSE_NOENT },
    { ERROR_BAD_NETPATH, MSG_CAUSE_NOENT },
    { ERROR_ACCESS_DENIED, MSG_CAUSE_ACCESS },
    { ERROR_PRIVILEGE_NOT_HELD, MSG_CAUSE_ACCESS },
    { ERROR_SHARING_VIOLATION, MSG_CAUSE_SHARING },
    { ERROR_LOCK_VIOLATION, MSG_CAUSE_SHARING },
    { ERROR_DIRECTORY, MSG_CAUSE_NOTDIR },
    { ERROR_DISK_FULL, MSG_CAUSE_NOSPACE },
    { ERROR_HANDLE_DISK_FULL, MSG_CAUSE_NOSPACE },
    { ERROR_WRITE_PROTECT, MSG_CAUSE_READONLY },
    { ERROR_FILENAME_EXCED_RANGE, MSG_CAUSE_NAMETOOLONG },
    { ERROR_CANT_RESOLVE_FILENAME, MSG_CAUSE_LOOP },
    { ERROR_TOO_MANY_OPEN_FILES, MSG_CAUSE_NOFILES },
    { ERROR_NOT_ENOUGH_MEMORY, MSG_CAUSE_NOMEM },
    { ERROR_OUTOFMEMORY, MSG_CAUSE_NOMEM },
    { ERROR_COMMITMENT_LIMIT, MSG_CAUSE_NOMEM },
    { ERROR_INVALID_NAME, MSG_CAUSE_INVALID },
    { ERROR_INVALID_PARAMETER, MSG_CAUSE_INVALID },
    { ERROR_NOT_SUPPORTED, MSG_CAUSE_NOTSUP },
    { WSAEACCES, MSG_CAUSE_ACCESS },
    { WSAEADDRINUSE, MSG_CAUSE_IN_USE },
    { WSAEADDRNOTAVAIL, MSG_CAUSE_NO_ADDRESS },
    { WSAEAFNOSUPPORT, MSG_CAUSE_NOTSUP },
    { WSAECONNREFUSED, MSG_CAUSE_REFUSED },
    { WSAENETUNREACH, MSG_CAUSE_UNREACHABLE },
    { WSAEHOSTUNREACH, MSG_CAUSE_UNREACHABLE },
    { WSAETIMEDOUT, MSG_CAUSE_TIMEOUT },
    { WSAEMFILE, MSG_CAUSE_NOFILES },
    { WSAENOBUFS, MSG_CAUSE_NOMEM },
    { WSAEINVAL, MSG_CAUSE_INVALID },
    { WSAHOST_NOT_FOUND, MSG_CAUSE_NO_HOST },
    { WSANO_DATA, MSG_CAUSE_NO_HOST },
    { WSATRY_AGAIN, MSG_CAUSE_TIMEOUT },
};

const char *win32_cause(const struct err *err, DWORD number, char *buf, size_t size)
{
    enum lang lang = err != NULL ? err->lang : LANG_EN;

    for (unsigned i = 0; i < ARRAY_SIZE(cause); i++) {
        if (cause[i].number == number) {
            str_copy(buf, size, msg_text(lang, cause[i].id));
            return buf;
        }
    }
    fmt_format(buf, size, msg_text(lang, MSG_CAUSE_OTHER), (int)number);
    return buf;
}

enum status win32_fail(struct err *err, enum msg_id id, const char *name, DWORD number)
{
    bool absent = number == ERROR_FILE_NOT_FOUND || number == ERROR_PATH_NOT_FOUND;
    bool memory = number == ERROR_NOT_ENOUGH_MEMORY || number == ERROR_OUTOFMEMORY;
    char buf[120];

    return err_set(err,
                   absent   ? ST_E_NOENT
                   : memory ? ST_E_NOMEM
                            : ST_E_IO,
                   id, name, win32_cause(err, number, buf, sizeof(buf)));
}

/* ---- Names ----------------------------------------------------------------------------------- */

bool win32_wide(wchar_t *out, size_t count, const char *text)
{
    return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, out, (int)count) > 0;
}

bool win32_utf8(char *out, size_t size, const wchar_t *text)
{
    return WideCharToMultiByte(CP_UTF8, 0, text, -1, out, (int)size, NULL, NULL) > 0;
}

/* Names that are short enough go as they are: the prefix would take away their relative parts. */
static wchar_t *long_form(wchar_t *wide)
{
    DWORD count = GetFullPathNameW(wide, 0, NULL, NULL);
    wchar_t *full = malloc((count + 5) * sizeof(*full));

    if (full != NULL) {
        memcpy(full, L"\\\\?\\", 4 * sizeof(*full));
        if (GetFullPathNameW(wide, count + 1, full + 4, NULL) == 0) {
            free(full);
            full = NULL;
        } else if (full[4] == L'\\') { /* a share, or a name with its prefix already */
            memmove(full, full + 4, (wcslen(full + 4) + 1) * sizeof(*full));
        }
    }
    free(wide);
    return full;
}

wchar_t *win32_path(const char *path)
{
    int count = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, NULL, 0);
    wchar_t *wide = count > 0 ? malloc((size_t)count * sizeof(*wide)) : NULL;

    if (wide == NULL) {
        SetLastError(count > 0 ? ERROR_NOT_ENOUGH_MEMORY : ERROR_INVALID_NAME);
        return NULL;
    }
    MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, count);
    return count < MAX_PATH - 12 ? wide : long_form(wide);
}
