/*
 * test_fdt.c - reader and writer of flattened devicetrees; the reader against damage of every kind.
 */
#include "support.h"

#include "boot/fdt.h"

static uint8_t sample[2048];
static size_t sample_len;

static int make_sample(void **state)
{
    struct fdt_writer w;

    fdt_begin(&w, sample, sizeof(sample), 256, NULL);
    fdt_node(&w, "%s", "");
    fdt_prop_str(&w, "model", "sample");
    fdt_prop_u32(&w, "one", 0x11223344);
    fdt_node(&w, "ab@%x", 0x12u);
    fdt_prop_u64(&w, "two", 0x1122334455667788);
    fdt_prop_flag(&w, "flag");
    fdt_node(&w, "child");
    fdt_prop_str(&w, "model", "inner");
    fdt_node_end(&w);
    fdt_node_end(&w);
    fdt_node(&w, "a");
    fdt_prop(&w, "three", "xyz", 3);
    fdt_prop_strs(&w, "list", "p\0qr\0");
    fdt_node(&w, "child");
    fdt_prop_u32(&w, "one", 1);
    fdt_node_end(&w);
    fdt_node_end(&w);
    fdt_node_end(&w);
    sample_len = fdt_finish(&w);
    return sample_len == 0;
}

static enum status open_bytes(const uint8_t *bytes, size_t len, struct fdt *fdt, struct err *err)
{
    *err = (struct err){ 0 };
    return fdt_open(fdt, "file", bytes, len, err);
}

static void test_layout(void **state)
{
    assert_int_equal(be32(sample), FDT_MAGIC);
    assert_int_equal(be32(sample + 4), sample_len);
    assert_int_equal(sample_len % 8, 0);
    assert_int_equal(be32(sample + 16), 40); /* reservations: one pair of zeros */
    assert_int_equal(be32(sample + 8), 56);
    assert_int_equal(be32(sample + 12), 56 + be32(sample + 36));
    assert_int_equal(be32(sample + 20), 17);
    assert_int_equal(be32(sample + 24), 16);
    /* each name once: model one two flag three list */
    assert_int_equal(be32(sample + 32), sizeof("model") + sizeof("one") + sizeof("two") +
                                            sizeof("flag") + sizeof("three") + sizeof("list"));
}

static void check(const struct fdt *fdt, const char *path, const char *name, const char *want,
                  uint32_t len)
{
    struct fdt_item item;
    uint32_t pos;

    assert_true(fdt_find_node(fdt, path, &pos));
    assert_true(fdt_find_prop(fdt, pos, name, &item));
    assert_int_equal(item.len, len);
    assert_memory_equal(item.data, want, len);
}

static void test_find(void **state)
{
    struct fdt fdt;
    struct err err;
    struct fdt_item item;
    uint32_t pos;

    assert_int_equal(open_bytes(sample, sample_len, &fdt, &err), ST_OK);
    check(&fdt, "/", "model", "sample", 7);
    check(&fdt, "/", "one", "\x11\x22\x33\x44", 4);
    check(&fdt, "/ab@12", "two", "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
    check(&fdt, "/ab@12", "flag", "", 0);
    check(&fdt, "/ab@12/child", "model", "inner", 6);
    check(&fdt, "/a", "three", "xyz", 3);
    check(&fdt, "/a", "list", "p\0qr", 5);
    check(&fdt, "/a/child", "one", "\0\0\0\1", 4);
    static const char *const absent[] = { "",       "a",          "/ab",   "/ab@1", "/ab@123",
                                          "/child", "/a/child/x", "/a/ch", "//a" };
    for (unsigned i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        assert_false(fdt_find_node(&fdt, absent[i], &pos));
    }
    assert_true(fdt_find_node(&fdt, "/a", &pos));
    assert_false(fdt_find_prop(&fdt, pos, "one", &item)); /* of its child */
    assert_false(fdt_find_prop(&fdt, pos, "thre", &item));
}

/* Longer files are fine (padding), shorter ones never, whatever is missing. */
static void test_truncated(void **state)
{
    struct fdt fdt;
    struct err err;

    for (size_t len = 0; len < sample_len; len++) {
        uint8_t *copy = malloc(len + 1);
        memcpy(copy, sample, len);
        uint8_t *exact = realloc(copy, len != 0 ? len : 1);
        assert_int_equal(open_bytes(exact, len, &fdt, &err), ST_E_FORMAT);
        assert_true(err.text[0] != 0);
        if (len >= 40) { /* again with a header that believes it */
            put_be32(exact + 4, (uint32_t)len);
            assert_int_equal(open_bytes(exact, len, &fdt, &err),
                             len >= be32(sample + 12) + be32(sample + 32) ? ST_OK : ST_E_FORMAT);
        }
        free(exact);
    }
}

/* Walks and looks up whatever was accepted: with ASan, nothing outside may be touched. */
static void walk(const struct fdt *fdt)
{
    struct fdt_item item;
    uint32_t pos = 0, found;
    size_t sum = 0;

    while (fdt_next(fdt, &pos, &item) && item.token != FDT_END) {
        sum += item.name != NULL ? strlen(item.name) : 0;
        for (uint32_t i = 0; i < item.len; i++) {
            sum += item.data[i];
        }
    }
    sum += fdt_find_node(fdt, "/ab@12/child", &found);
    assert_true(sum < 1u << 20);
}

static void test_damaged(void **state)
{
    static const uint32_t values[] = {
        0, 1, 2, 3, 4, 9, 0xff, 0x1000, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff
    };
    uint8_t *copy = malloc(sample_len);
    unsigned accepted = 0, refused = 0;
    struct fdt fdt;
    struct err err;

    for (size_t at = 0; at + 4 <= sample_len; at += 4) {
        for (unsigned v = 0; v < sizeof(values) / 4; v++) {
            memcpy(copy, sample, sample_len);
            put_be32(copy + at, values[v]);
            if (open_bytes(copy, sample_len, &fdt, &err) == ST_OK) {
                walk(&fdt);
                accepted++;
            } else {
                assert_true(err.text[0] != 0);
                refused++;
            }
        }
    }
    free(copy);
    assert_true(accepted > 0 && refused > 0);
}

/* Each rule of the header, with the words for it. */
static void test_header(void **state)
{
    static const struct {
        uint32_t at, value;
        const char *words;
    } cases[] = {
        { 0, 0xd00dfeee, "no devicetree" },
        { 4, 39, "header says" },
        { 4, 0x10000, "header says" },
        { 8, 57, "blocks" },
        { 8, 0xfffffffc, "blocks" },
        { 12, 0x10000, "blocks" },
        { 16, 44, "blocks" },
        { 16, 0xfffffff8, "blocks" },
        { 20, 15, "version 15" },
        { 24, 18, "version 17" },
        { 32, 0xffffffff, "blocks" },
        { 36, 0xffffffff, "blocks" },
        { 36, 8, "structure is damaged" },
        { 12, 56, "blocks" },
        { 56, 7, "damaged at offset 0x0" },
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t copy[sizeof(sample)];
        struct fdt fdt;
        struct err err;

        memcpy(copy, sample, sample_len);
        put_be32(copy + cases[i].at, cases[i].value);
        assert_int_equal(open_bytes(copy, sample_len, &fdt, &err), ST_E_FORMAT);
        if (strstr(err.text, cases[i].words) == NULL) {
            fail_msg("case %u: \"%s\" does not say \"%s\"", i, err.text, cases[i].words);
        }
    }
}

static void test_too_big(void **state)
{
    uint8_t *big = calloc(1, FDT_SIZE_MAX + 8);
    struct fdt fdt;
    struct err err;

    memcpy(big, sample, sample_len);
    put_be32(big + 4, FDT_SIZE_MAX);
    assert_int_equal(open_bytes(big, FDT_SIZE_MAX + 8, &fdt, &err), ST_OK);
    put_be32(big + 4, FDT_SIZE_MAX + 8);
    assert_int_equal(open_bytes(big, FDT_SIZE_MAX + 8, &fdt, &err), ST_E_RANGE);
    free(big);
}

/* Version 16 does not give the length of the structure. */
static void test_version_16(void **state)
{
    uint8_t copy[sizeof(sample)];
    struct fdt fdt;
    struct err err;

    memcpy(copy, sample, sample_len);
    put_be32(copy + 20, 16);
    put_be32(copy + 36, 0xdeadbeef);
    assert_int_equal(open_bytes(copy, sample_len, &fdt, &err), ST_OK);
    check(&fdt, "/a/child", "one", "\0\0\0\1", 4);
}

/* A structure block by hand, in words; 0 strings. */
static enum status open_words(const uint32_t *words, unsigned count)
{
    uint8_t *blob = calloc(1, 56 + 4 * count + 2);
    struct fdt fdt;
    struct err err;

    put_be32(blob, FDT_MAGIC);
    put_be32(blob + 4, 56 + 4 * count + 2);
    put_be32(blob + 8, 56);
    put_be32(blob + 12, 56 + 4 * count);
    put_be32(blob + 16, 40);
    put_be32(blob + 20, 17);
    put_be32(blob + 24, 16);
    put_be32(blob + 32, 2);
    put_be32(blob + 36, 4 * count);
    blob[56 + 4 * count] = 'x';
    for (unsigned i = 0; i < count; i++) {
        put_be32(blob + 56 + 4 * i, words[i]);
    }
    enum status status = open_bytes(blob, 56 + 4 * count + 2, &fdt, &err);
    if (status == ST_OK) {
        walk(&fdt);
    }
    free(blob);
    return status;
}

#define WORDS(...) \
    open_words((const uint32_t[]){ __VA_ARGS__ }, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4)

static void test_nesting(void **state)
{
    assert_int_equal(WORDS(1, 0, 2, 9), ST_OK);
    assert_int_equal(WORDS(4, 1, 0, 4, 4, 2, 4, 9), ST_OK);
    assert_int_equal(WORDS(1, 0, 3, 0, 0, 2, 9), ST_OK);       /* x; */
    assert_int_equal(WORDS(1, 0, 3, 5, 0, 0, 0, 2, 9), ST_OK); /* x = 5 bytes and padding */
    assert_int_equal(WORDS(9), ST_E_FORMAT);                   /* no root */
    assert_int_equal(WORDS(1, 0, 2), ST_E_FORMAT);             /* no end */
    assert_int_equal(WORDS(1, 0, 9), ST_E_FORMAT);             /* open at the end */
    assert_int_equal(WORDS(2, 9), ST_E_FORMAT);
    assert_int_equal(WORDS(1, 0, 2, 2, 9), ST_E_FORMAT);
    assert_int_equal(WORDS(1, 0, 2, 1, 0, 2, 9), ST_E_FORMAT); /* two roots */
    assert_int_equal(WORDS(3, 0, 0, 1, 0, 2, 9), ST_E_FORMAT); /* property of nothing */
    assert_int_equal(WORDS(1, 0, 3, 0, 2, 2, 9), ST_E_FORMAT); /* name outside the strings */
    assert_int_equal(WORDS(1, 0, 3, 9, 0, 2, 9), ST_E_FORMAT); /* value longer than the block */
    assert_int_equal(WORDS(1, 0, 3, 0xfffffffd, 0, 2, 9), ST_E_FORMAT);
    assert_int_equal(WORDS(1, 0x61626364), ST_E_FORMAT); /* name without an end */
    assert_int_equal(WORDS(1, 0, 5, 2, 9), ST_E_FORMAT); /* no such token */
    assert_int_equal(WORDS(1, 0, 3, 1), ST_E_FORMAT);
}

static void test_depth(void **state)
{
    for (unsigned depth = FDT_DEPTH_MAX - 1; depth <= FDT_DEPTH_MAX + 1; depth++) {
        uint32_t words[3 * (FDT_DEPTH_MAX + 1) + 1];
        unsigned n = 0;
        for (unsigned i = 0; i < depth; i++) {
            words[n++] = 1;
            words[n++] = 0;
        }
        for (unsigned i = 0; i < depth; i++) {
            words[n++] = 2;
        }
        words[n++] = 9;
        assert_int_equal(open_words(words, n), depth <= FDT_DEPTH_MAX ? ST_OK : ST_E_FORMAT);
    }
}

/* At every size too small the writer says so, and writes nothing beyond the buffer. */
static void test_full(void **state)
{
    for (size_t size = 64; size < 200; size++) {
        uint8_t *buf = malloc(size);
        struct fdt_writer w;

        fdt_begin(&w, buf, size, 16, NULL);
        fdt_node(&w, "%s", "");
        fdt_prop_u32(&w, "first", 1);
        fdt_prop_str(&w, "second", "abcdefgh");
        fdt_node(&w, "child");
        fdt_prop_cells(&w, "first", (const uint32_t[]){ 1, 2, 3 }, 3);
        fdt_node_end(&w);
        fdt_node_end(&w);
        size_t len = fdt_finish(&w);
        assert_true(len <= size);
        if (len != 0) {
            struct fdt fdt;
            struct err err;
            assert_int_equal(open_bytes(buf, len, &fdt, &err), ST_OK);
            check(&fdt, "/child", "first", "\0\0\0\1\0\0\0\2\0\0\0\3", 12);
        } else {
            assert_true(size < 56 + 4 * 22 + 16 + 16);
        }
        free(buf);
    }
}

/* Strings that do not fit make it full as well. */
static void test_strings_full(void **state)
{
    uint8_t buf[256];
    struct fdt_writer w;

    fdt_begin(&w, buf, sizeof(buf), 5, NULL);
    fdt_node(&w, "%s", "");
    fdt_prop_flag(&w, "four");
    assert_false(w.full);
    fdt_prop_flag(&w, "x");
    assert_true(w.full);
    fdt_node_end(&w);
    assert_int_equal(fdt_finish(&w), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),       cmocka_unit_test(test_find),
        cmocka_unit_test(test_truncated),    cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_header),       cmocka_unit_test(test_too_big),
        cmocka_unit_test(test_version_16),   cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_depth),        cmocka_unit_test(test_full),
        cmocka_unit_test(test_strings_full),
    };

    return cmocka_run_group_tests(tests, make_sample, NULL);
}
