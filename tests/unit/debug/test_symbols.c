/*
 * test_symbols.c - symbols from text and from ELF files: which one an address belongs to; a program that binutils made against
 * what nm says of it; and every damaged field.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/compiler.h"
#include "debug/symbols.h"

/* ---- Memory that can be made to fail --------------------------------------------------------- */

static int alive, allowed;

static void *take(void *opaque, size_t size, size_t align)
{
    if (allowed-- <= 0) {
        return NULL;
    }
    alive++;
    return calloc(1, size);
}

static void give(void *opaque, void *p, size_t size)
{
    alive--;
    free(p);
}

static struct symbols empty(void)
{
    alive = 0;
    allowed = 100;
    return (struct symbols){ .alloc = { NULL, take, give } };
}

static void done(struct symbols *s)
{
    symbols_fini(s);
    assert_int_equal(s->count, 0);
    assert_int_equal(alive, 0);
}

static enum status add(struct symbols *s, const void *bytes, size_t len, uint64_t offset,
                       struct err *err)
{
    uint8_t *exact = malloc(len + (len == 0)); /* so that AddressSanitizer sees the end */
    memcpy(exact, bytes, len);
    const struct boot_bytes file = { exact, len, "the file" };
    enum status st = symbols_add(s, &file, offset, err);

    free(exact);
    return st;
}

static void add_ok(struct symbols *s, const void *bytes, size_t len, uint64_t offset)
{
    struct err err = { .lang = LANG_EN };

    if (add(s, bytes, len, offset, &err) != ST_OK) {
        fail_msg("%s", err.text);
    }
}

static void refused(const void *bytes, size_t len, enum status status, const char *words)
{
    struct symbols s = empty();
    struct err err = { .lang = LANG_EN };

    assert_int_equal(add(&s, bytes, len, 0, &err), status);
    if (strstr(err.text, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    }
    done(&s);
}

/* want NULL: no symbol covers it. */
static void expect(const struct symbols *s, uint64_t address, const char *want)
{
    char have[SYMBOL_NAME_MAX + 40];

    if (symbols_name(s, address, have, sizeof(have)) != (want != NULL) ||
        strcmp(have, want != NULL ? want : "") != 0) {
        fail_msg("0x%llx is \"%s\" instead of \"%s\"", (unsigned long long)address, have,
                 want != NULL ? want : "");
    }
}

/* ---- Text ------------------------------------------------------------------------------------ */

#define ADD_TEXT(s, text, offset) add_ok(s, text, sizeof(text) - 1, offset)

static void test_text(void **state)
{
    static const char text[] = "ffff800080000000 T _text\n"
                               "ffff800080010000 t fib\n"
                               "ffff800080010040 T main\r\n"
                               "                 U printf\n"
                               "\n"
                               "0000000000000042 A absolute\n"
                               "0000000000000048 a absolute_too\n"
                               "ffff800080010020 t $x\n"
                               "ffff800080010024 t $d.17\n"
                               "ffff800080010028 t $dollars\n"
                               "ffff8000800100c0 t nf_hook\t[nf_tables]\n"
                               "ffff800080010200 b buffer";
    struct symbols s = empty();

    ADD_TEXT(&s, text, 0);
    assert_int_equal(s.count, 6);
    expect(&s, 0xffff800080000000, "_text");
    expect(&s, 0xffff80008000ffff, "_text+0xffff");
    expect(&s, 0xffff800080010000, "fib");
    expect(&s, 0xffff800080010024, "fib+0x24");
    expect(&s, 0xffff80008001002c, "$dollars+0x4");
    expect(&s, 0xffff800080010044, "main+0x4");
    expect(&s, 0xffff8000800100c4, "nf_hook+0x4");
    expect(&s, 0xffff8000801101ff, "buffer+0xfffff");
    expect(&s, 0xffff800080110200, NULL); /* that far nobody reaches without a size */
    expect(&s, 0xffff80007fffffff, NULL);
    expect(&s, 0x42, NULL);
    done(&s);
}

/* nm -S: what has a size ends there. And the letter of a symbol may be a digit. */
static void test_text_with_sizes(void **state)
{
    static const char text[] = "0000000000001000 0000000000000010 T f\n"
                               "0000000000001100 b b\n"
                               "0000000000001200 d deed\n"
                               "0000000000001300   d two_blanks\n"
                               "0000000000001400 00000000000000001 T too_many_digits\n"
                               "00000000000001500 T too_many_digits\n"
                               "0000000000001600 T\n"
                               "1700 T g x";
    struct symbols s = empty();

    ADD_TEXT(&s, text, 0);
    assert_int_equal(s.count, 5);
    expect(&s, 0x100f, "f+0xf");
    expect(&s, 0x1010, NULL);
    expect(&s, 0x1100, "b");
    expect(&s, 0x1201, "deed+0x1");
    expect(&s, 0x1300, "two_blanks");
    expect(&s, 0x1704, "g+0x4");
    done(&s);
}

static void test_offset(void **state)
{
    static const char a[] = "1000 T a\n", b[] = "1000 T b\n2000 T c\n";
    struct symbols s = empty();

    ADD_TEXT(&s, a, 0);
    ADD_TEXT(&s, b, 0x200000);
    expect(&s, 0x1004, "a+0x4");
    expect(&s, 0x201004, "b+0x4");
    expect(&s, 0x202000, "c");
    ADD_TEXT(&s, a, 0ull - 0x1000); /* wraps to 0 */
    expect(&s, 0x4, "a+0x4");
    ADD_TEXT(&s, a, 0ull - 0x1004); /* and to the last bytes */
    expect(&s, UINT64_MAX - 1, "a+0x2");
    done(&s);
}

/* Of several at one address the function is the best, then the global one, then the first. */
static void test_best(void **state)
{
    static const char text[] =
        "1000 d data\n1000 t local\n1000 W weak\n1000 T first\n1000 T second\n"
        "1000 B bytes\n2000 b x\n2000 D y\n2000 B z\n";
    struct symbols s = empty();

    ADD_TEXT(&s, text, 0);
    expect(&s, 0x1000, "first");
    expect(&s, 0x1fff, "first+0xfff");
    expect(&s, 0x2000, "y");
    done(&s);
}

/* A label in a function is nearer; behind one with a size it is the function again. */
static void test_nested(void **state)
{
    static const char text[] =
        "1000 100 T outer\n1010 10 t inner\n1018 04 t innermost\n1040 t label\n"
        "1080 08 t last\n1200 T next\n";
    struct symbols s = empty();

    ADD_TEXT(&s, text, 0);
    expect(&s, 0x1017, "inner+0x7");
    expect(&s, 0x101b, "innermost+0x3");
    expect(&s, 0x101c, "inner+0xc");
    expect(&s, 0x1020, "outer+0x20");
    expect(&s, 0x107f, "label+0x3f");
    expect(&s, 0x1088, "outer+0x88");
    expect(&s, 0x1100, NULL);
    done(&s);
}

/* Symbols in one another, deeper than a search goes: found from inside, and an end to every search. */
static void test_deep(void **state)
{
    char text[4000];
    struct symbols s = empty();
    size_t len = 0;

    for (unsigned i = 0; i < 100; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%x %x t s%u\n", 0x1000 + i,
                                0x1000 - 2 * i, i);
    }
    add_ok(&s, text, len, 0);
    expect(&s, 0x1000 + 99, "s99");
    expect(&s, 0x1fff - 99, "s99+0xf39");
    expect(&s, 0x1fff - 98, "s98+0xf3b");
    expect(&s, 0x1fff, NULL); /* only s0 */
    done(&s);
}

static void test_names(void **state)
{
    char text[1200] = "1000 T ", want[SYMBOL_NAME_MAX + 1];
    struct symbols s = empty();

    memset(text + 7, 'n', sizeof(text) - 7);
    memset(want, 'n', SYMBOL_NAME_MAX);
    want[SYMBOL_NAME_MAX] = 0;
    add_ok(&s, text, sizeof(text), 0);
    expect(&s, 0x1000, want);
    ADD_TEXT(&s, "2000 T a\x1b[31m\x7f\0b\xc3\xa9\n", 0);
    expect(&s, 0x2000, "a_[31m__b\xc3\xa9");
    done(&s);
}

static void test_refused_text(void **state)
{
    static const char zeros[] = "0000000000000000 T _text\n0000000000000000 t fib\n";

    refused("", 0, ST_E_FORMAT, "the file has no symbols");
    refused("hello, world\n", 13, ST_E_FORMAT, "has no symbols");
    refused("\x7f"
            "EL",
            3, ST_E_FORMAT, "has no symbols");
    refused(zeros, sizeof(zeros) - 1, ST_E_FORMAT, "all addresses are 0");
}

/* What there was stays, whatever fails. */
static void test_no_memory(void **state)
{
    struct symbols s = empty();
    struct err err = { .lang = LANG_EN };

    ADD_TEXT(&s, "1000 T a\n", 0);
    for (int n = 0; n < 2; n++) {
        allowed = n;
        assert_int_equal(add(&s, "2000 T b\n", 9, 0, &err), ST_E_NOMEM);
        assert_int_equal(alive, 2);
        expect(&s, 0x1000, "a");
    }
    allowed = 2;
    ADD_TEXT(&s, "2000 T b\n", 0);
    expect(&s, 0x2000, "b");
    done(&s);
}

/* ---- ELF ------------------------------------------------------------------------------------- */

/* Header, sections (none, .text, .strtab, .symtab), then the tables. */
enum { SHDRS = 64, NAMES = SHDRS + 4 * 64, SYMBOLS = NAMES + 64, FILE_SIZE = SYMBOLS + 8 * 24 };
enum { GLOBAL = 0x10, WEAK = 0x20, OBJECT = 1, FUNC = 2, SECTION = 3, FILE_ = 4, TLS = 6 };

static uint8_t elf[FILE_SIZE];

static void put_section(unsigned i, uint32_t type, uint64_t address, uint64_t offset, uint64_t size,
                        uint32_t link, uint64_t entry_size)
{
    uint8_t *p = elf + SHDRS + 64 * i;

    put_le32(p + 4, type);
    put_le64(p + 16, address);
    put_le64(p + 24, offset);
    put_le64(p + 32, size);
    put_le32(p + 40, link);
    put_le64(p + 56, entry_size);
}

static void put_symbol(unsigned i, uint32_t name, uint8_t info, uint16_t section, uint64_t value,
                       uint64_t size)
{
    uint8_t *p = elf + SYMBOLS + 24 * i;

    put_le32(p, name);
    p[4] = info;
    put_le16(p + 6, section);
    put_le64(p + 8, value);
    put_le64(p + 16, size);
}

static void make_elf(void)
{
    static const char names[] = "\0_start\0fib\0$x\0loop\0table\0";

    memset(elf, 0, sizeof(elf));
    memcpy(elf,
           "\x7f"
           "ELF\2\1\1",
           7);
    put_le16(elf + 16, 2);
    put_le16(elf + 18, 183);
    put_le64(elf + 40, SHDRS);
    put_le16(elf + 58, 64);
    put_le16(elf + 60, 4);
    put_section(1, 1, 0x40001000, 0, 0x200, 0, 0);
    put_section(2, 3, 0, NAMES, sizeof(names), 0, 0);
    put_section(3, 2, 0, SYMBOLS, 8 * 24, 2, 24);
    memcpy(elf + NAMES, names, sizeof(names));
    put_symbol(1, 1, GLOBAL, 1, 0x40001000, 0);
    put_symbol(2, 8, FUNC, 1, 0x40001100, 0x40);
    put_symbol(3, 12, 0, 1, 0x40001000, 0);           /* $x */
    put_symbol(4, 15, 0, 1, 0x40001180, 0);           /* ends with the section */
    put_symbol(5, 20, OBJECT, 0xfff1, 0x40001000, 8); /* absolute */
    put_symbol(6, 20, TLS, 1, 0x10, 8);
    put_symbol(7, 20, OBJECT, 0, 0, 8); /* undefined */
}

static void test_elf(void **state)
{
    struct symbols s = empty();

    make_elf();
    add_ok(&s, elf, sizeof(elf), 0);
    assert_int_equal(s.count, 3);
    expect(&s, 0x40001000, "_start");
    expect(&s, 0x400010ff, "_start+0xff");
    expect(&s, 0x40001104, "fib+0x4");
    expect(&s, 0x40001140, NULL);
    expect(&s, 0x400011ff, "loop+0x7f");
    expect(&s, 0x40001200, NULL);
    done(&s);

    put_le16(elf + 16, 3); /* DYN, moved */
    s = empty();
    add_ok(&s, elf, sizeof(elf), 0x10000);
    expect(&s, 0x40011100, "fib");
    done(&s);

    put_section(3, 11, 0, SYMBOLS, 8 * 24, 2, 24); /* .dynsym only */
    put_le16(elf + 60, 0);                         /* and as many sections as the first says */
    put_le64(elf + SHDRS + 32, 4);
    s = empty();
    add_ok(&s, elf, sizeof(elf), 0);
    expect(&s, 0x40001100, "fib");
    done(&s);
}

static void refused_field(unsigned at, unsigned size, uint64_t value, enum status status,
                          const char *words)
{
    make_elf();
    memcpy(elf + at, &value, size);
    refused(elf, sizeof(elf), status, words);
}

static void test_refused_elf(void **state)
{
    const unsigned symtab = SHDRS + 64 * 3, strtab = SHDRS + 64 * 2;

    refused_field(4, 1, 1, ST_E_FORMAT, "64-bit little-endian AArch64");
    refused_field(5, 1, 2, ST_E_FORMAT, "64-bit little-endian AArch64");
    refused_field(18, 2, 62, ST_E_FORMAT, "64-bit little-endian AArch64");
    refused_field(16, 2, 1, ST_E_NOTSUP, "ELF type 1");
    refused_field(16, 2, 4, ST_E_NOTSUP, "ELF type 4");
    refused_field(40, 8, 0, ST_E_FORMAT, "no symbols"); /* e_shoff */
    refused_field(40, 8, UINT64_MAX, ST_E_FORMAT, "damaged");
    refused_field(40, 8, FILE_SIZE - 63, ST_E_FORMAT, "damaged");
    refused_field(58, 2, 40, ST_E_FORMAT, "damaged"); /* e_shentsize */
    refused_field(60, 2, 0xffff, ST_E_FORMAT, "damaged");
    refused_field(symtab + 24, 8, FILE_SIZE, ST_E_FORMAT, "damaged");
    refused_field(symtab + 32, 8, UINT64_MAX, ST_E_FORMAT, "damaged");
    refused_field(symtab + 40, 4, 4, ST_E_FORMAT, "damaged"); /* sh_link */
    refused_field(symtab + 40, 4, 1, ST_E_FORMAT, "damaged");
    refused_field(symtab + 56, 8, 16, ST_E_FORMAT, "damaged");
    refused_field(symtab + 4, 4, 0, ST_E_FORMAT, "no symbols");
    refused_field(strtab + 32, 8, UINT64_MAX - NAMES, ST_E_FORMAT, "damaged");
    refused_field(strtab + 32, 8, 0, ST_E_FORMAT, "no symbols"); /* names behind the table's end */
    for (unsigned len = 4; len < NAMES; len++) {
        make_elf();
        struct symbols s = empty();
        assert_int_not_equal(add(&s, elf, len, 0, NULL), ST_OK);
        done(&s);
    }
}

/* A name that the table's end cuts, an absurd size, a section that is not there. */
static void test_odd_symbols(void **state)
{
    struct symbols s = empty();

    make_elf();
    put_section(2, 3, 0, NAMES, 10, 0, 0);
    put_symbol(2, 8, FUNC, 1, 0x40001100, UINT64_MAX);
    put_symbol(4, 1, 0, 77, 0x50000000, 0);
    add_ok(&s, elf, sizeof(elf), 0);
    expect(&s, 0x40001100, "fi");
    expect(&s, UINT64_MAX, "fi+0xffffffffbfffeeff");
    expect(&s, 0x50000000, "_start");
    expect(&s, 0x50000001, "fi+0xfffef01");
    done(&s);
}

#ifndef _WIN32 /* no mkdtemp, no binutils */

/* ---- A program, and what nm says of it ------------------------------------------------------- */

struct nm_line {
    uint64_t address, size;
    char letter;
    char name[256];
};

/* nm -S: the size is there or not. False: no symbol with a place in the program. */
static bool nm_line(const char *text, struct nm_line *line)
{
    unsigned long long address, size = 0;
    bool sized = strlen(text) > 34 && strspn(text + 17, "0123456789abcdef") == 16;

    *line = (struct nm_line){ 0 };
    if (sized ? sscanf(text, "%16llx %16llx %c %255s", &address, &size, &line->letter,
                       line->name) != 4
              : sscanf(text, "%16llx %c %255s", &address, &line->letter, line->name) != 3) {
        return false;
    }
    line->address = address;
    line->size = size;
    /* Below the program there are only thread-local ones, which nm takes for data. */
    return address >= 0x400000 && strchr("aAnU", line->letter) == NULL;
}

static size_t read_file(const char *path, char **out)
{
    FILE *f = fopen(path, "rb");
    long size;

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    size = ftell(f);
    rewind(f);
    *out = calloc(1, (size_t)size + 1);
    assert_int_equal(fread(*out, 1, (size_t)size, f), size);
    fclose(f);
    return (size_t)size;
}

/* Every symbol of nm is there, and covers its bytes or somebody does who begins later. */
static void check_against_nm(const struct symbols *s, char *text)
{
    unsigned count = 0;

    for (char *at = strtok(text, "\n"); at != NULL; at = strtok(NULL, "\n")) {
        struct nm_line line;
        uint64_t distance;
        bool found = false;
        if (!nm_line(at, &line)) {
            continue;
        }
        count++;
        assert_non_null(symbols_find(s, line.address, &distance));
        assert_int_equal(distance, 0);
        for (uint32_t i = 0; i < s->count && !found; i++) {
            found = s->list[i].address == line.address &&
                    strncmp(s->names + s->list[i].name, line.name, SYMBOL_NAME_MAX) == 0 &&
                    (line.size == 0 || s->list[i].last == line.address + line.size - 1);
        }
        if (!found) {
            fail_msg("nm has %s", at);
        }
        if (line.size != 0) {
            assert_non_null(symbols_find(s, line.address + line.size - 1, &distance));
            assert_true(distance < line.size);
        }
    }
    assert_true(count > 500);
    assert_int_equal(s->count, count);
}

static void test_real_program(void **state)
{
    char dir[] = "/tmp/hv_symbolsXXXXXX", path[64], command[300], *program, *text;
    struct symbols s, by_text = empty();

    assert_non_null(mkdtemp(dir));
    snprintf(command, sizeof(command),
             "cd %s && echo 'int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); } int "
             "main(void) { return fib(9); }' "
             ">a.c && aarch64-linux-gnu-gcc -O1 -fno-inline -static -o a a.c && "
             "aarch64-linux-gnu-nm -S a >nm.txt",
             dir);
    if (system(command) != 0) {
        print_message("aarch64-linux-gnu-gcc is not here, nor is its nm\n");
        snprintf(command, sizeof(command), "rm -rf %s", dir);
        assert_int_equal(system(command), 0);
        skip();
    }
    snprintf(path, sizeof(path), "%s/a", dir);
    size_t size = read_file(path, &program);
    snprintf(path, sizeof(path), "%s/nm.txt", dir);
    size_t text_size = read_file(path, &text);
    add_ok(&by_text, text, text_size, 0);
    s = empty();
    allowed = 100;
    add_ok(&s, program, size, 0);
    for (uint32_t i = 0; i < s.count; i++) {
        uint64_t here, there;
        assert_non_null(symbols_find(&s, s.list[i].address, &here));
        assert_non_null(symbols_find(&by_text, s.list[i].address, &there));
        assert_int_equal(here | there, 0);
    }
    check_against_nm(&s, text);
    symbols_fini(&by_text);
    symbols_fini(&s);
    free(program);
    free(text);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

#else

static void test_real_program(void **state)
{
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),         cmocka_unit_test(test_text_with_sizes),
        cmocka_unit_test(test_offset),       cmocka_unit_test(test_best),
        cmocka_unit_test(test_nested),       cmocka_unit_test(test_deep),
        cmocka_unit_test(test_names),        cmocka_unit_test(test_refused_text),
        cmocka_unit_test(test_no_memory),    cmocka_unit_test(test_elf),
        cmocka_unit_test(test_refused_elf),  cmocka_unit_test(test_odd_symbols),
        cmocka_unit_test(test_real_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
