/*
 * file.c - whole files, and the folder that nobody gets out of.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_PATH where there is one */
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/string.h"
#include "host/posix/posix.h"

/* ---- Whole files ----------------------------------------------------------------------------- */

static ssize_t read_again(int fd, void *buf, size_t len)
{
    ssize_t n;

    do {
        n = read(fd, buf, len);
    } while (n < 0 && errno == EINTR);
    return n;
}

/* Reads to the end. The size that stat tells is only a first guess: pipes and /proc have none. */
static enum status read_all(int fd, const char *path, uint64_t max_size, size_t guess,
                            struct host_bytes *out, struct err *err)
{
    size_t room = guess + 1, size = 0;
    uint8_t *data = malloc(room + 1);

    for (;;) {
        if (data == NULL) {
            return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
        }
        ssize_t n = read_again(fd, data + size, room - size);
        if (n < 0) {
            int number = errno;
            free(data);
            return posix_fail(err, MSG_HOST_READ, path, number);
        }
        size += (size_t)n;
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

enum status host_file_read(const char *path, uint64_t max_size, struct host_bytes *out,
                           struct err *err)
{
    struct stat info;
    enum status st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return posix_fail(err, MSG_HOST_OPEN, path, errno);
    }
    if (fstat(fd, &info) != 0) {
        st = posix_fail(err, MSG_HOST_READ, path, errno);
    } else if (S_ISDIR(info.st_mode)) {
        st = err_set(err, ST_E_INVAL, MSG_HOST_IS_DIR, path);
    } else if (S_ISREG(info.st_mode) && (uint64_t)info.st_size > max_size) {
        st = err_set(err, ST_E_RANGE, MSG_HOST_TOO_BIG, path, (unsigned long long)(max_size >> 20));
    } else {
        st = read_all(fd, path, max_size, S_ISREG(info.st_mode) ? (size_t)info.st_size : 65536, out,
                      err);
    }
    close(fd);
    return st;
}

void host_bytes_free(struct host_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct host_bytes){ NULL, 0 };
}

enum status host_file_write(const char *path, const void *bytes, size_t size, struct err *err)
{
    struct host_stream *stream = host_file_create(path, err);
    const uint8_t *p = bytes;
    int number = 0;

    if (stream == NULL) {
        return err != NULL ? err->status : ST_E_IO;
    }
    while (size != 0 && number == 0) {
        ssize_t n = write(stream->fd, p, size);
        if (n >= 0) {
            p += n;
            size -= (size_t)n;
        } else if (errno != EINTR) {
            number = errno;
        }
    }
    host_stream_close(stream);
    return number == 0 ? ST_OK : posix_fail(err, MSG_HOST_WRITE, path, number);
}

bool host_file_exists(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0;
}

struct host_stream *host_file_create(const char *path, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    struct host_stream *stream;

    if (fd < 0) {
        posix_fail(err, MSG_HOST_OPEN, path, errno);
        return NULL;
    }
    stream = posix_stream(fd);
    if (stream == NULL) {
        err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    return stream;
}

int64_t host_stream_seek(struct host_stream *stream, uint64_t pos)
{
    if (pos > INT64_MAX) {
        return -1;
    }
    return lseek(stream->fd, (off_t)pos, SEEK_SET);
}

int64_t host_stream_length(struct host_stream *stream)
{
    struct stat info;

    return fstat(stream->fd, &info) == 0 && S_ISREG(info.st_mode) ? info.st_size : -1;
}

/* ---- The folder ------------------------------------------------------------------------------ */

struct host_dir {
    int fd;
};

struct host_dir *host_dir_open(const char *path, struct err *err)
{
    struct host_dir *dir;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        if (errno == ENOTDIR) {
            err_set(err, ST_E_INVAL, MSG_HOST_NOT_DIR, path);
        } else {
            posix_fail(err, MSG_HOST_OPEN, path, errno);
        }
        return NULL;
    }
    dir = malloc(sizeof(*dir));
    if (dir == NULL) {
        close(fd);
        err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
        return NULL;
    }
    dir->fd = fd;
    return dir;
}

void host_dir_close(struct host_dir *dir)
{
    if (dir != NULL) {
        close(dir->fd);
        free(dir);
    }
}

/*
 * Walks the folders of name one by one, no link followed, and returns a descriptor of the last with
 * the final component in leaf. Each step is relative to a folder already held, so a renamed or
 * exchanged component leads nowhere else. -1: refused.
 */
static int walk(struct host_dir *dir, const char *name, char *leaf, size_t leaf_size)
{
    int at = dup(dir->fd);

    while (at >= 0) {
        size_t len = 0;
        while (name[len] != 0 && name[len] != '/') {
            len++;
        }
        if (len == 0 || len >= leaf_size ||
            (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))) {
            break;
        }
        memcpy(leaf, name, len);
        leaf[len] = 0;
        if (name[len] == 0) {
            return at;
        }
        int next = openat(at, leaf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(at);
        at = next;
        name += len + 1;
    }
    if (at >= 0) {
        close(at);
    }
    return -1;
}

static int open_flags(unsigned flags)
{
    int result = (flags & HOST_WRITE) == 0  ? O_RDONLY
                 : (flags & HOST_READ) != 0 ? O_RDWR
                                            : O_WRONLY;

    result |= (flags & HOST_CREATE) != 0 ? O_CREAT : 0;
    result |= (flags & HOST_APPEND) != 0 ? O_APPEND : 0;
    return result;
}

struct host_stream *host_dir_file_open(struct host_dir *dir, const char *name, unsigned flags)
{
    char leaf[256];
    struct stat info;
    int at = walk(dir, name, leaf, sizeof(leaf));
    int fd;

    if (at < 0) {
        return NULL;
    }
    /* O_NONBLOCK: opening a FIFO must not wait for its other end. Emptied only once it
     * is known to be a file. */
    fd = openat(at, leaf, open_flags(flags) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
    close(at);
    if (fd < 0) {
        return NULL;
    }
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) ||
        ((flags & HOST_TRUNCATE) != 0 && ftruncate(fd, 0) != 0)) {
        close(fd);
        return NULL;
    }
    return posix_stream(fd);
}

enum status host_dir_remove(struct host_dir *dir, const char *name)
{
    char leaf[256];
    int at = walk(dir, name, leaf, sizeof(leaf));
    int result;

    if (at < 0) {
        return ST_E_NOENT;
    }
    result = unlinkat(at, leaf, 0);
    close(at);
    return result == 0 ? ST_OK : ST_E_IO;
}

enum status host_dir_rename(struct host_dir *dir, const char *from, const char *to)
{
    char leaf[256], leaf_to[256];
    int at = walk(dir, from, leaf, sizeof(leaf));
    int at_to = walk(dir, to, leaf_to, sizeof(leaf_to));
    enum status st = ST_E_NOENT;

    if (at >= 0 && at_to >= 0) {
        st = renameat(at, leaf, at_to, leaf_to) == 0 ? ST_OK : ST_E_IO;
    }
    if (at >= 0) {
        close(at);
    }
    if (at_to >= 0) {
        close(at_to);
    }
    return st;
}
