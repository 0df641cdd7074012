/*
 * semihost.c - the host's side of semihosting: files of one folder, and input.
 *
 * Arm, "Semihosting for AArch32 and AArch64" (2.0), SYS_OPEN: modes 0 to 11 are r rb r+ r+b w wb w+
 * w+b a ab a+ a+b of ISO C. Files are confined to the folder of --semihosting=DIR (host_dir). Input
 * is the console's: once the guest has asked for it here, it no longer goes to the UART.
 */
#include "base/string.h"
#include "vmm/machine.h"

/* ---- Files ----------------------------------------------------------------------------------- */

static unsigned mode_flags(unsigned mode)
{
    bool update = (mode & 2) != 0;

    switch (mode / 4) {
    case 0: return HOST_READ | (update ? HOST_WRITE : 0);
    case 1: return HOST_WRITE | HOST_CREATE | HOST_TRUNCATE | (update ? HOST_READ : 0);
    default: return HOST_WRITE | HOST_CREATE | HOST_APPEND | (update ? HOST_READ : 0);
    }
}

static int64_t file_open(void *opaque, const char *name, unsigned mode)
{
    struct semihost *sh = opaque;
    unsigned flags = mode_flags(mode);
    int64_t handle = -1;

    host_mutex_lock(sh->lock);
    for (unsigned i = 0; i < SEMIHOST_FILES && handle < 0; i++) {
        if (sh->file[i].stream == NULL) {
            handle = i;
        }
    }
    if (handle >= 0) {
        sh->file[handle].stream = host_dir_file_open(sh->dir, name, flags);
        sh->file[handle].read = (flags & HOST_READ) != 0;
        sh->file[handle].write = (flags & HOST_WRITE) != 0;
        handle = sh->file[handle].stream != NULL ? handle : -1;
    }
    host_mutex_unlock(sh->lock);
    return handle;
}

/* NULL: no such handle. The lock is held. */
static struct host_stream *stream_of(struct semihost *sh, int64_t handle)
{
    return handle >= 0 && handle < SEMIHOST_FILES ? sh->file[handle].stream : NULL;
}

static int64_t file_close(void *opaque, int64_t handle)
{
    struct semihost *sh = opaque;
    struct host_stream *stream;

    host_mutex_lock(sh->lock);
    stream = stream_of(sh, handle);
    if (stream != NULL) {
        host_stream_close(stream);
        sh->file[handle].stream = NULL;
    }
    host_mutex_unlock(sh->lock);
    return stream != NULL ? 0 : -1;
}

static int64_t file_read(void *opaque, int64_t handle, void *buf, uint64_t len)
{
    struct semihost *sh = opaque;
    struct host_stream *stream;
    int64_t n = -1;

    host_mutex_lock(sh->lock);
    stream = stream_of(sh, handle);
    if (stream != NULL && sh->file[handle].read) {
        n = host_stream_read(stream, buf, (size_t)len);
    }
    host_mutex_unlock(sh->lock);
    return n < 0 ? -1 : n;
}

static int64_t file_write(void *opaque, int64_t handle, const void *buf, uint64_t len)
{
    struct semihost *sh = opaque;
    struct host_stream *stream;
    int64_t n = -1;

    host_mutex_lock(sh->lock);
    stream = stream_of(sh, handle);
    if (stream != NULL && sh->file[handle].write) {
        n = host_stream_write(stream, buf, (size_t)len, 1000000000u);
    }
    host_mutex_unlock(sh->lock);
    return n < 0 ? -1 : n;
}

static int64_t file_seek(void *opaque, int64_t handle, uint64_t pos)
{
    struct semihost *sh = opaque;
    struct host_stream *stream;
    int64_t at = -1;

    host_mutex_lock(sh->lock);
    stream = stream_of(sh, handle);
    if (stream != NULL) {
        at = host_stream_seek(stream, pos);
    }
    host_mutex_unlock(sh->lock);
    return at < 0 ? -1 : 0;
}

static int64_t file_length(void *opaque, int64_t handle)
{
    struct semihost *sh = opaque;
    struct host_stream *stream;
    int64_t len = -1;

    host_mutex_lock(sh->lock);
    stream = stream_of(sh, handle);
    if (stream != NULL) {
        len = host_stream_length(stream);
    }
    host_mutex_unlock(sh->lock);
    return len;
}

static int64_t file_remove(void *opaque, const char *name)
{
    struct semihost *sh = opaque;

    return host_dir_remove(sh->dir, name) == ST_OK ? 0 : -1;
}

static int64_t file_rename(void *opaque, const char *from, const char *to)
{
    struct semihost *sh = opaque;

    return host_dir_rename(sh->dir, from, to) == ST_OK ? 0 : -1;
}

/* ---- Input ----------------------------------------------------------------------------------- */

static int input_getc(void *opaque)
{
    struct semihost *sh = opaque;
    int byte = -1;

    host_mutex_lock(sh->lock);
    sh->reads = true;
    while (sh->input_len == 0 && !sh->ended) {
        host_cond_wait(sh->cond, sh->lock, UINT64_MAX);
    }
    if (sh->input_len != 0) {
        byte = sh->input[0];
        sh->input_len--;
        memmove(sh->input, sh->input + 1, sh->input_len);
    }
    host_mutex_unlock(sh->lock);
    return byte;
}

bool semihost_input(struct semihost *sh, const uint8_t *bytes, size_t len, size_t *taken)
{
    bool ours;

    if (sh->lock == NULL) {
        return false;
    }
    host_mutex_lock(sh->lock);
    ours = sh->reads;
    if (ours) {
        size_t room = SEMIHOST_INPUT - sh->input_len;
        *taken = len < room ? len : room;
        memcpy(sh->input + sh->input_len, bytes, *taken);
        sh->input_len += *taken;
        host_cond_signal(sh->cond);
    }
    host_mutex_unlock(sh->lock);
    return ours;
}

void semihost_end_input(struct semihost *sh)
{
    if (sh->lock == NULL) {
        return;
    }
    host_mutex_lock(sh->lock);
    sh->ended = true;
    host_cond_signal(sh->cond);
    host_mutex_unlock(sh->lock);
}

/* ---- Made and gone --------------------------------------------------------------------------- */

enum status semihost_init(struct hv_machine *m, struct err *err)
{
    struct semihost *sh = &m->semihost;
    const char *folder = m->config.semihosting;

    if (folder == NULL) {
        return ST_OK;
    }
    sh->lock = host_mutex_create();
    sh->cond = host_cond_create();
    if (sh->lock == NULL || sh->cond == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    sh->port = (struct semihost_port){ .opaque = sh,
                                       .getc = input_getc,
                                       .command_line = m->config.append };
    if (folder[0] == 0) {
        return ST_OK;
    }
    sh->dir = host_dir_open(folder, err);
    if (sh->dir == NULL) {
        return ST_E_IO;
    }
    sh->port.open = file_open;
    sh->port.close = file_close;
    sh->port.read = file_read;
    sh->port.write = file_write;
    sh->port.seek = file_seek;
    sh->port.length = file_length;
    sh->port.remove = file_remove;
    sh->port.rename = file_rename;
    return ST_OK;
}

void semihost_fini(struct semihost *sh)
{
    for (unsigned i = 0; i < SEMIHOST_FILES; i++) {
        host_stream_close(sh->file[i].stream);
    }
    host_dir_close(sh->dir);
    host_cond_destroy(sh->cond);
    host_mutex_destroy(sh->lock);
}
