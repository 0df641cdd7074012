/*
 * fuzz_symbols.c - any bytes as a file of symbols, ELF or text, and a second one beside it.
 *
 * Input: byte 0 the length of the second file in units of 8, from the end; bytes 1 to 8 the offset of the first. What is added
 * must be in order, every symbol must be found at its address, and what is found must cover the address.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "debug/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int alive;

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void *take(void *opaque, size_t size, size_t align)
{
    alive++;
    return calloc(1, size);
}

static void give(void *opaque, void *p, size_t size)
{
    alive--;
    free(p);
}

static void add(struct symbols *s, const uint8_t *bytes, size_t len, uint64_t offset)
{
    uint8_t *exact = malloc(len + (len == 0));
    const struct boot_bytes file = { exact, len, "file" };
    struct err err = { .lang = LANG_EN };
    uint32_t before = s->count;

    memcpy(exact, bytes, len);
    if (symbols_add(s, &file, offset, &err) != ST_OK) {
        require(err.text[0] != 0 && s->count == before);
    } else {
        require(s->count > before);
    }
    free(exact);
}

static void look(const struct symbols *s, uint64_t address)
{
    char text[32];
    uint64_t distance;
    const char *name = symbols_find(s, address, &distance);

    require(symbols_name(s, address, text, sizeof(text)) == (name != NULL));
    require(name == NULL ||
            (name[0] != 0 && strlen(name) <= SYMBOL_NAME_MAX && strpbrk(name, " \n\t") == NULL));
}

static void check(const struct symbols *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct symbol *symbol = &s->list[i];
        uint64_t distance;
        require(i == 0 || s->list[i - 1].address <= symbol->address);
        require(symbol->last >= symbol->address);
        require(symbols_find(s, symbol->address, &distance) != NULL && distance == 0);
        require(symbols_find(s, symbol->last, &distance) == NULL ||
                distance <= symbol->last - s->list[0].address);
        look(s, symbol->address - 1);
        look(s, symbol->last + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct symbols s = { .alloc = { NULL, take, give } };

    if (size < 9) {
        return 0;
    }
    size_t second = (size_t)data[0] * 8;
    size -= 9;
    second = second < size ? second : size;
    add(&s, data + 9, size - second, le64(data + 1));
    check(&s);
    add(&s, data + 9 + size - second, second, 0);
    check(&s);
    symbols_fini(&s);
    require(alive == 0);
    return 0;
}
