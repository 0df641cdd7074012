/*
 * file.c - whole files, and the folder that nobody gets out of.
 *
 * The folder is walked by NtCreateFile, whose names are relative to a handle: the only way of Windows
 * to open one component at a time without following links (reparse points). Such names know no drives,
 * no devices (NUL, CON) and no "..", which are inventions of the layer above; streams ("file:name")
 * they do know, so a colon is refused.
 */
#include "host/win32/win32.h"

#include <stdlib.h>
#include <winternl.h>

#include "base/string.h"

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* ---- Whole files ----------------------------------------------------------------------------- */

/* At most len bytes; 0 at the end; false: GetLastError says why. */
static bool read_some(HANDLE file, void *buf, size_t len, size_t *done)
{
    DWORD n = 0;

    if (!ReadFile(file, buf, len < 1u << 30 ? (DWORD)len : 1u << 30, &n, NULL) &&
        GetLastError() != ERROR_BROKEN_PIPE && GetLastError() != ERROR_HANDLE_EOF) {
        return false;
    }
    *done = n;
    return true;
}

/* Reads to the end. The size of the file is only a first guess: pipes have none. */
static enum status read_all(HANDLE file, const char *path, uint64_t max_size, size_t guess,
                            struct host_bytes *out, struct err *err)
{
    size_t room = guess + 1, size = 0, n;
    uint8_t *data = malloc(room + 1);

    for (;;) {
        if (data == NULL) {
            return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
        }
        if (!read_some(file, data + size, room - size, &n)) {
            DWORD number = GetLastError();
            free(data);
            return win32_fail(err, MSG_HOST_READ, path, number);
        }
        size += n;
        if (n == 0) {
            break;
        }
        if (size > max_size) {
            free(data);
            return err_set(err, ST_E_RANGE, MSG_HOST_TOO_BIG, path,
                           (unsigned long long)(max_size >> 20));
        }
        if (size == room) {
            room *= 2;
            uint8_t *more = realloc(data, room + 1);
            if (more == NULL) {
                free(data);
            }
            data = more;
        }
    }
    if (size == 0) {
        free(data);
        return err_set(err, ST_E_FORMAT, MSG_HOST_EMPTY, path);
    }
    data[size] = 0;
    *out = (struct host_bytes){ data, size };
    return ST_OK;
}

static enum status read_open(HANDLE file, const char *path, uint64_t max_size,
                             struct host_bytes *out, struct err *err)
{
    LARGE_INTEGER size = { .QuadPart = 65536 };

    if (GetFileType(file) == FILE_TYPE_DISK) {
        if (!GetFileSizeEx(file, &size)) {
            return win32_fail(err, MSG_HOST_READ, path, GetLastError());
        }
        if ((uint64_t)size.QuadPart > max_size) {
            return err_set(err, ST_E_RANGE, MSG_HOST_TOO_BIG, path,
                           (unsigned long long)(max_size >> 20));
        }
    }
    return read_all(file, path, max_size, (size_t)size.QuadPart, out, err);
}

/* INVALID_HANDLE_VALUE: GetLastError says why. */
static HANDLE open_path(const char *path, DWORD access, DWORD disposition)
{
    wchar_t *wide = win32_path(path);
    HANDLE file;

    if (wide == NULL) {
        return INVALID_HANDLE_VALUE;
    }
    file = CreateFileW(wide, access, SHARE_ALL, NULL, disposition, FILE_ATTRIBUTE_NORMAL, NULL);
    free(wide);
    return file;
}

/* FILE_ATTRIBUTE_ bits, or INVALID_FILE_ATTRIBUTES. */
static DWORD attributes_of(const char *path)
{
    wchar_t *wide = win32_path(path);
    DWORD attributes = wide != NULL ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;

    free(wide);
    return attributes;
}

static bool is_folder(const char *path)
{
    DWORD attributes = attributes_of(path);

    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

enum status host_file_read(const char *path, uint64_t max_size, struct host_bytes *out,
                           struct err *err)
{
    HANDLE file = open_path(path, GENERIC_READ, OPEN_EXISTING);
    DWORD number = GetLastError();
    enum status st;

    if (file == INVALID_HANDLE_VALUE) {
        return is_folder(path) ? err_set(err, ST_E_INVAL, MSG_HOST_IS_DIR, path)
                               : win32_fail(err, MSG_HOST_OPEN, path, number);
    }
    st = read_open(file, path, max_size, out, err);
    CloseHandle(file);
    return st;
}

void host_bytes_free(struct host_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct host_bytes){ NULL, 0 };
}

enum status host_file_write(const char *path, const void *bytes, size_t size, struct err *err)
{
    HANDLE file = open_path(path, GENERIC_WRITE, CREATE_ALWAYS);
    const uint8_t *p = bytes;
    DWORD number = ERROR_SUCCESS, n;

    if (file == INVALID_HANDLE_VALUE) {
        return win32_fail(err, MSG_HOST_OPEN, path, GetLastError());
    }
    while (size != 0 && number == ERROR_SUCCESS) {
        if (WriteFile(file, p, size < 1u << 30 ? (DWORD)size : 1u << 30, &n, NULL)) {
            p += n;
            size -= n;
        } else {
            number = GetLastError();
        }
    }
    CloseHandle(file);
    return number == ERROR_SUCCESS ? ST_OK : win32_fail(err, MSG_HOST_WRITE, path, number);
}

bool host_file_exists(const char *path)
{
    return attributes_of(path) != INVALID_FILE_ATTRIBUTES;
}

struct host_stream *host_file_create(const char *path, struct err *err)
{
    HANDLE file = open_path(path, GENERIC_WRITE, CREATE_ALWAYS);
    struct host_stream *stream;

    if (file == INVALID_HANDLE_VALUE) {
        win32_fail(err, MSG_HOST_OPEN, path, GetLastError());
        return NULL;
    }
    stream = win32_stream(file, GetFileType(file) == FILE_TYPE_DISK ? WIN32_FILE : WIN32_SLOW);
    if (stream == NULL) {
        err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    return stream;
}

int64_t host_stream_seek(struct host_stream *stream, uint64_t pos)
{
    LARGE_INTEGER to, now;

    if (stream->kind != WIN32_FILE || pos > INT64_MAX) {
        return -1;
    }
    to.QuadPart = (int64_t)pos;
    return SetFilePointerEx(stream->handle, to, &now, FILE_BEGIN) ? now.QuadPart : -1;
}

int64_t host_stream_length(struct host_stream *stream)
{
    LARGE_INTEGER size;

    return stream->kind == WIN32_FILE && GetFileType(stream->handle) == FILE_TYPE_DISK &&
                   GetFileSizeEx(stream->handle, &size)
               ? size.QuadPart
               : -1;
}

/* ---- The folder ------------------------------------------------------------------------------ */

struct host_dir {
    HANDLE handle;
};

/* Not in every winternl.h. */
struct rename_information {
    BOOLEAN replace;
    HANDLE folder;
    ULONG bytes;
    wchar_t name[256];
};

enum { FILE_RENAME_INFORMATION_CLASS = 10 };

NTSTATUS NTAPI NtSetInformationFile(HANDLE file, IO_STATUS_BLOCK *io, void *info, ULONG len,
                                    FILE_INFORMATION_CLASS what);

/* One component below a folder, no link followed; NULL: refused. */
static HANDLE open_at(HANDLE folder, const wchar_t *name, ACCESS_MASK access, ULONG disposition,
                      ULONG options)
{
    UNICODE_STRING text = { .Buffer = (wchar_t *)(uintptr_t)name };
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK io;
    HANDLE file = NULL;

    text.Length = (USHORT)(wcslen(name) * sizeof(*name));
    text.MaximumLength = text.Length;
    InitializeObjectAttributes(&attributes, &text, OBJ_CASE_INSENSITIVE, folder, NULL);
    if (NtCreateFile(&file, access | SYNCHRONIZE | FILE_READ_ATTRIBUTES, &attributes, &io, NULL,
                     FILE_ATTRIBUTE_NORMAL, SHARE_ALL, disposition,
                     options | FILE_SYNCHRONOUS_IO_NONALERT | FILE_OPEN_REPARSE_POINT, NULL,
                     0) < 0) {
        return NULL;
    }
    return file;
}

/* Is it a link or another thing that leads elsewhere? */
static bool is_reparse_point(HANDLE file)
{
    BY_HANDLE_FILE_INFORMATION info;

    return !GetFileInformationByHandle(file, &info) ||
           (info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
}

struct host_dir *host_dir_open(const char *path, struct err *err)
{
    wchar_t *wide = win32_path(path);
    struct host_dir *dir;
    HANDLE handle = INVALID_HANDLE_VALUE;

    if (wide != NULL) {
        handle = CreateFileW(wide, FILE_LIST_DIRECTORY | FILE_TRAVERSE, SHARE_ALL, NULL,
                             OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    }
    free(wide);
    if (handle == INVALID_HANDLE_VALUE) {
        win32_fail(err, MSG_HOST_OPEN, path, GetLastError());
        return NULL;
    }
    dir = is_folder(path) ? malloc(sizeof(*dir)) : NULL;
    if (dir == NULL) {
        CloseHandle(handle);
        err_set(err, ST_E_INVAL, MSG_HOST_NOT_DIR, path);
        return NULL;
    }
    dir->handle = handle;
    return dir;
}

void host_dir_close(struct host_dir *dir)
{
    if (dir != NULL) {
        CloseHandle(dir->handle);
        free(dir);
    }
}

/* Is it a name that can only be something in its folder? */
static bool component_ok(const char *name, size_t len)
{
    if (len == 0 || len > 255 || (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)name[i] < 32 || name[i] == '\\' || name[i] == ':') {
            return false;
        }
    }
    return true;
}

/*
 * Walks the folders of name one by one, no link followed, and returns a handle of the last with the
 * final component in leaf. Each step is relative to a folder already held, so a renamed or exchanged
 * component leads nowhere else. NULL: refused.
 */
static HANDLE walk(struct host_dir *dir, const char *name, wchar_t *leaf)
{
    HANDLE at = NULL;
    char part[256];

    if (!DuplicateHandle(GetCurrentProcess(), dir->handle, GetCurrentProcess(), &at, 0, FALSE,
                         DUPLICATE_SAME_ACCESS)) {
        return NULL;
    }
    while (at != NULL) {
        size_t len = 0;
        while (name[len] != 0 && name[len] != '/') {
            len++;
        }
        if (!component_ok(name, len)) {
            break;
        }
        memcpy(part, name, len);
        part[len] = 0;
        if (!win32_wide(leaf, 256, part)) {
            break;
        }
        if (name[len] == 0) {
            return at;
        }
        HANDLE next =
            open_at(at, leaf, FILE_LIST_DIRECTORY | FILE_TRAVERSE, FILE_OPEN, FILE_DIRECTORY_FILE);
        CloseHandle(at);
        at = next;
        if (at != NULL && is_reparse_point(at)) {
            break;
        }
        name += len + 1;
    }
    if (at != NULL) {
        CloseHandle(at);
    }
    return NULL;
}

static bool empty_file(HANDLE file)
{
    FILE_END_OF_FILE_INFO end = { .EndOfFile.QuadPart = 0 };

    return SetFileInformationByHandle(file, FileEndOfFileInfo, &end, sizeof(end));
}

struct host_stream *host_dir_file_open(struct host_dir *dir, const char *name, unsigned flags)
{
    wchar_t leaf[256];
    HANDLE at = walk(dir, name, leaf), file;
    ACCESS_MASK access = (flags & HOST_READ) != 0 ? FILE_GENERIC_READ : 0;
    struct host_stream *stream;

    if (at == NULL) {
        return NULL;
    }
    access |= (flags & HOST_WRITE) != 0 ? FILE_GENERIC_WRITE : 0;
    file = open_at(at, leaf, access, (flags & HOST_CREATE) != 0 ? FILE_OPEN_IF : FILE_OPEN,
                   FILE_NON_DIRECTORY_FILE);
    CloseHandle(at);
    if (file == NULL) {
        return NULL;
    }
    /* Emptied only once it is known to be a file. */
    if (is_reparse_point(file) || GetFileType(file) != FILE_TYPE_DISK ||
        ((flags & HOST_TRUNCATE) != 0 && !empty_file(file))) {
        CloseHandle(file);
        return NULL;
    }
    stream = win32_stream(file, WIN32_FILE);
    if (stream != NULL) {
        stream->append = (flags & HOST_APPEND) != 0;
    }
    return stream;
}

enum status host_dir_remove(struct host_dir *dir, const char *name)
{
    FILE_DISPOSITION_INFO disposition = { .DeleteFile = TRUE };
    wchar_t leaf[256];
    HANDLE at = walk(dir, name, leaf), file;
    enum status st = ST_E_IO;

    if (at == NULL) {
        return ST_E_NOENT;
    }
    file = open_at(at, leaf, DELETE, FILE_OPEN, FILE_NON_DIRECTORY_FILE);
    CloseHandle(at);
    if (file != NULL) {
        if (SetFileInformationByHandle(file, FileDispositionInfo, &disposition,
                                       sizeof(disposition))) {
            st = ST_OK;
        }
        CloseHandle(file);
    }
    return st;
}

static enum status rename_to(HANDLE file, HANDLE folder, const wchar_t *name)
{
    struct rename_information info = { .replace = TRUE, .folder = folder };
    IO_STATUS_BLOCK io;

    info.bytes = (ULONG)(wcslen(name) * sizeof(*name));
    memcpy(info.name, name, info.bytes);
    return NtSetInformationFile(file, &io, &info, sizeof(info),
                                (FILE_INFORMATION_CLASS)FILE_RENAME_INFORMATION_CLASS) >= 0
               ? ST_OK
               : ST_E_IO;
}

enum status host_dir_rename(struct host_dir *dir, const char *from, const char *to)
{
    wchar_t leaf[256], leaf_to[256];
    HANDLE at = walk(dir, from, leaf), at_to = walk(dir, to, leaf_to), file;
    enum status st = ST_E_NOENT;

    if (at != NULL && at_to != NULL) {
        file = open_at(at, leaf, DELETE, FILE_OPEN, 0);
        st = file != NULL ? rename_to(file, at_to, leaf_to) : ST_E_IO;
        if (file != NULL) {
            CloseHandle(file);
        }
    }
    if (at != NULL) {
        CloseHandle(at);
    }
    if (at_to != NULL) {
        CloseHandle(at_to);
    }
    return st;
}

/* ---- perf ------------------------------------------------------------------------------------ */

enum status host_perf_map(struct host_perf *out, struct err *err)
{
    *out = (struct host_perf){ .stream = NULL };
    return err_set(err, ST_E_NOTSUP, MSG_HOST_NO_PERF);
}

enum status host_perf_dump(struct host_perf *out, const char *folder, struct err *err)
{
    return host_perf_map(out, err);
}

void host_perf_close(struct host_perf *perf) {}
