/*
 * inflate.c - gzip and zstd for kernels, by zlib and libzstd.
 *
 * Documents: RFC 1952 (a gzip file may have several members), RFC 8878 (a zstd file several
 * frames). HV_HAVE_ZLIB and HV_HAVE_ZSTD come from the build, 1 where the library was found.
 */
#include "io/inflate.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

#if HV_HAVE_ZLIB
#include <zlib.h>
#endif
#if HV_HAVE_ZSTD
#include <zstd.h>
#endif

#if HV_HAVE_ZLIB || HV_HAVE_ZSTD

#define FIRST_SIZE 0x10000

/* Output that doubles as it fills. One byte more than max may be stored: that is how
 * too much is noticed. */
struct growing {
    uint8_t *bytes;
    size_t len, size, max;
};

static enum status grow(struct growing *g)
{
    if (g->len < g->size) {
        return ST_OK;
    }
    if (g->size > g->max) {
        return ST_E_RANGE;
    }
    size_t size = g->size == 0 ? FIRST_SIZE : g->size * 2;
    if (size > g->max || size < g->size) {
        size = g->max + 1;
    }
    uint8_t *bytes = realloc(g->bytes, size);
    if (bytes == NULL) {
        return ST_E_NOMEM;
    }
    g->bytes = bytes;
    g->size = size;
    return ST_OK;
}

static enum status finish(struct growing *g, enum status status, struct inflated *out)
{
    if (status == ST_OK && g->len > g->max) {
        status = ST_E_RANGE;
    }
    if (status != ST_OK) {
        free(g->bytes);
        return status;
    }
    *out = (struct inflated){ .bytes = g->bytes, .len = g->len };
    return ST_OK;
}

static struct growing growing_start(size_t max)
{
    return (struct growing){ .max = max < SIZE_MAX ? max : SIZE_MAX - 1 };
}

#endif

#if HV_HAVE_ZLIB

#define GZIP_WINDOW (15 + 16) /* largest window, gzip header only */

static uInt at_most(size_t n)
{
    return n < INT_MAX ? (uInt)n : INT_MAX;
}

/* Does another gzip member follow? Anything else behind the last one is padding. */
static bool another_member(const z_stream *z, size_t left)
{
    return left >= 2 && z->next_in[0] == 0x1f && z->next_in[1] == 0x8b;
}

static enum status gunzip_all(z_stream *z, const uint8_t *in, size_t len, struct growing *g)
{
    const uint8_t *end = in + len;

    z->next_in = (Bytef *)(uintptr_t)in;
    for (;;) {
        enum status status = grow(g);
        if (status != ST_OK) {
            return status;
        }
        uInt room = at_most(g->size - g->len);
        z->avail_in = at_most((size_t)(end - z->next_in));
        z->next_out = g->bytes + g->len;
        z->avail_out = room;
        int result = inflate(z, Z_NO_FLUSH);
        g->len += room - z->avail_out;
        if (result == Z_STREAM_END) {
            if (!another_member(z, (size_t)(end - z->next_in))) {
                return ST_OK;
            }
            inflateReset(z);
        } else if (result == Z_MEM_ERROR) {
            return ST_E_NOMEM;
        } else if (result != Z_OK) {
            /* Also Z_BUF_ERROR: there was room, so the input has ended too early. */
            return ST_E_FORMAT;
        }
    }
}

static enum status host_gunzip(void *opaque, const uint8_t *in, size_t len, size_t max,
                               struct inflated *out)
{
    struct growing g = growing_start(max);
    z_stream z = { 0 };

    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK) {
        return ST_E_NOMEM;
    }
    enum status status = gunzip_all(&z, in, len, &g);
    inflateEnd(&z);
    return finish(&g, status, out);
}

const bool inflate_has_zlib = true;

#else

static enum status host_gunzip(void *opaque, const uint8_t *in, size_t len, size_t max,
                               struct inflated *out)
{
    return ST_E_NOTSUP;
}

const bool inflate_has_zlib = false;

#endif

#if HV_HAVE_ZSTD

/* Does another frame follow? Anything else behind the last one (zboot's size) is not
 * packed data. */
static bool another_frame(const ZSTD_inBuffer *in)
{
    return in->size - in->pos >= 4 && le32((const uint8_t *)in->src + in->pos) == ZSTD_MAGICNUMBER;
}

static enum status unzstd_all(ZSTD_DStream *z, ZSTD_inBuffer *in, struct growing *g)
{
    for (;;) {
        enum status status = grow(g);
        if (status != ST_OK) {
            return status;
        }
        ZSTD_outBuffer out = { .dst = g->bytes, .size = g->size, .pos = g->len };
        size_t result = ZSTD_decompressStream(z, &out, in);
        g->len = out.pos;
        if (ZSTD_isError(result)) {
            return ST_E_FORMAT;
        }
        if (result == 0) {
            if (!another_frame(in)) {
                return ST_OK;
            }
        } else if (in->pos == in->size && out.pos < out.size) {
            return ST_E_FORMAT; /* more was expected, and nothing is held back for want of room */
        }
    }
}

static enum status host_unzstd(void *opaque, const uint8_t *in, size_t len, size_t max,
                               struct inflated *out)
{
    struct growing g = growing_start(max);
    ZSTD_inBuffer input = { .src = in, .size = len };
    ZSTD_DStream *z = ZSTD_createDStream();

    if (z == NULL) {
        return ST_E_NOMEM;
    }
    enum status status = unzstd_all(z, &input, &g);
    ZSTD_freeDStream(z);
    return finish(&g, status, out);
}

const bool inflate_has_zstd = true;

#else

static enum status host_unzstd(void *opaque, const uint8_t *in, size_t len, size_t max,
                               struct inflated *out)
{
    return ST_E_NOTSUP;
}

const bool inflate_has_zstd = false;

#endif

static void host_release(void *opaque, struct inflated *out)
{
    free(out->bytes);
    *out = (struct inflated){ 0 };
}

const struct inflate_port inflate_host = {
    .gunzip = host_gunzip,
    .unzstd = host_unzstd,
    .release = host_release,
};
