/*
 * names.c - what the guest's code is called: the symbols of the ELF file that runs, and those of --symbols.
 */
#include <stdlib.h>

#include "base/string.h"
#include "vmm/machine.h"

#define FILE_MAX (2ull << 30) /* of a kernel with all its debug information */

static void *names_alloc(void *opaque, size_t size, size_t align)
{
    return host_alloc(size, align);
}
static void names_free(void *opaque, void *p, size_t size)
{
    host_free(p);
}

static enum status read_file(struct symbols *symbols, const char *text, struct err *err)
{
    size_t size = str_len(text) + 1;
    char *name = malloc(size);
    struct host_bytes bytes = { 0 };
    uint64_t offset;
    enum status st;

    if (name == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    if ((st = spec_symbols(text, name, size, &offset, err)) == ST_OK &&
        (st = host_file_read(name, FILE_MAX, &bytes, err)) == ST_OK) {
        const struct boot_bytes file = { bytes.data, bytes.size, name };
        st = symbols_add(symbols, &file, offset, err);
    }
    host_bytes_free(&bytes);
    free(name);
    return st;
}

enum status names_read(struct hv_machine *m, struct err *err)
{
    const struct boot_plan *plan = &m->guest.plan;
    enum status st = ST_OK;

    m->symbols.alloc = (struct boot_alloc){ NULL, names_alloc, names_free };
    if (plan->elf.len != 0) {
        symbols_add(&m->symbols, &plan->elf, plan->elf_bias, NULL); /* runs without names as well */
    }
    for (unsigned i = 0; st == ST_OK && i < m->config.symbols.count; i++) {
        st = read_file(&m->symbols, m->config.symbols.item[i], err);
    }
    return st;
}

bool names_of(void *opaque, uint64_t va, char *buf, size_t size)
{
    const struct hv_machine *m = opaque;

    return symbols_name(&m->symbols, va, buf, size);
}
