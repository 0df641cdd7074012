/*
 * perf.c - files for the profiler of Linux. Other POSIX hosts have none.
 */
#include "host/posix/posix.h"

#ifdef __linux__

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fmt.h"

#define PATH_BYTES 4096
#define MARK_BYTES 4096

/* /tmp is everybody's: what lies there by this name goes, and links are not followed. */
static enum status perf_create(struct host_perf *out, const char *path, struct err *err)
{
    int fd;

    unlink(path);
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) {
        return posix_fail(err, MSG_HOST_OPEN, path, errno);
    }
    out->stream = posix_stream(fd);
    return out->stream != NULL ? ST_OK : err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
}

enum status host_perf_map(struct host_perf *out, struct err *err)
{
    char path[64];

    *out = (struct host_perf){ .process = (uint32_t)getpid() };
    fmt_format(path, sizeof(path), "/tmp/perf-%u.map", out->process);
    return perf_create(out, path, err);
}

/* perf records what is mapped to be executed: that is how the file's name gets into its data. */
enum status host_perf_dump(struct host_perf *out, const char *folder, struct err *err)
{
    char path[PATH_BYTES];
    enum status st;

    *out = (struct host_perf){ .process = (uint32_t)getpid() };
    fmt_format(path, sizeof(path), "%s/jit-%u.dump", folder, out->process);
    st = perf_create(out, path, err);
    if (st != ST_OK) {
        return st;
    }
    out->mark = mmap(NULL, MARK_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE, out->stream->fd, 0);
    if (out->mark == MAP_FAILED) {
        out->mark = NULL;
        st = posix_fail(err, MSG_HOST_MAP_CODE, path, errno);
        host_perf_close(out);
    }
    return st;
}

void host_perf_close(struct host_perf *perf)
{
    if (perf->mark != NULL) {
        munmap(perf->mark, MARK_BYTES);
    }
    host_stream_close(perf->stream);
    *perf = (struct host_perf){ .stream = NULL };
}

#else

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

#endif
