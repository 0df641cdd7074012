/*
 * symbols.h - names for the guest's addresses, from ELF files and from text.
 *
 * A table takes any number of files and answers which symbol an address belongs to. Files are not trusted: every offset is
 * checked, names lose their control characters, and a search has a bound however symbols are nested.
 *
 * Documents: System V ABI, "Sections" and "Symbol Table"; IHI 0056 (ELF for the Arm 64-bit Architecture), "Mapping symbols";
 * nm(1), proc_kallsyms(5).
 */
#ifndef DEBUG_SYMBOLS_H
#define DEBUG_SYMBOLS_H

#include "boot.h"

#define SYMBOLS_MAX     (1u << 22)
#define SYMBOL_NAME_MAX 200 /* bytes; what is longer is cut */

struct symbol {
    uint64_t address, last; /* the bytes that it covers                             */
    uint32_t name;          /* in names                                             */
    uint32_t outer;         /* the nearest symbol before it that reaches behind it  */
    uint8_t rank;           /* of symbols at one address: the higher, the better    */
    bool open;              /* has no size: it ends where the next one begins       */
};

/* Zeroed but for alloc, it is empty. */
struct symbols {
    struct boot_alloc alloc;
    struct symbol *list; /* by address, then rank */
    char *names;
    uint32_t count, names_size;
};

/*
 * Adds the symbols of an ELF file (.symtab, else .dynsym) or of text: lines as nm writes them and System.map and
 * /proc/kallsyms have them. offset is added to every address and may wrap. Symbols that are no places in memory
 * (undefined, absolute, thread-local, files, sections, the $x and $d of IHI 0056) are left out.
 *
 * On an error the table is what it was. ST_E_FORMAT: damaged, or there are none; ST_E_NOTSUP: addresses that are not those in
 * memory; ST_E_FULL; ST_E_NOMEM.
 */
enum status symbols_add(struct symbols *symbols, const struct boot_bytes *file, uint64_t offset,
                        struct err *err);
/* The best name for an address, and how far behind its beginning that is; NULL: no symbol covers it. */
const char *symbols_find(const struct symbols *symbols, uint64_t address, uint64_t *distance);
/* The same as text, "name" or "name+0x10". False: there is none, and buf is "". */
bool symbols_name(const struct symbols *symbols, uint64_t address, char *buf, size_t size);
void symbols_fini(struct symbols *symbols);

#endif
