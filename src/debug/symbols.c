/*
 * symbols.c - see symbols.h.
 *
 * A file is read twice, the first time to count. The list is then sorted, and each symbol gets to know its end, if it has no
 * size, and the symbol around it.
 */
#include "debug/symbols.h"

#include "base/bits.h"
#include "base/elf.h"
#include "base/fmt.h"

#define NONE       UINT32_MAX
#define TEXT_REACH (1u << 20) /* of the last symbol of a text: it does not say where that ends */
#define HOPS_MAX   16         /* outwards, in a search */

/* What a file's symbols are handed to: room for them, or only the counts. */
struct sink {
    struct symbol *list; /* NULL: counts */
    char *names;
    uint64_t count, names_size;
    uint64_t base; /* of names                                  */
    uint64_t offset;
    bool zero; /* every address was 0, before offset was added */
};

/* A symbol as the file has it; its name may not end with a 0. */
struct found {
    const uint8_t *name;
    size_t name_len;
    uint64_t address, size; /* size 0: not known; then it ends at limit, if not before */
    uint64_t limit;
    uint8_t rank;
};

enum {
    RANK_DATA = 0,
    RANK_LABEL = 3,
    RANK_FUNC = 6,
    RANK_LOCAL = 0,
    RANK_WEAK = 1,
    RANK_GLOBAL = 2
};

/* $x, $d, and with a dot and more behind: where code and data begin. */
static bool is_mapping_symbol(const struct found *f)
{
    return f->name_len >= 2 && f->name[0] == '$' && (f->name[1] == 'x' || f->name[1] == 'd') &&
           (f->name_len == 2 || f->name[2] == '.');
}

static void put_name(char *to, const struct found *f, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t c = f->name[i];
        to[i] = (char)(c > ' ' && c != 0x7f ? c : '_');
    }
    to[len] = 0;
}

static void sink_put(struct sink *sink, const struct found *f)
{
    size_t len = f->name_len < SYMBOL_NAME_MAX ? f->name_len : SYMBOL_NAME_MAX;
    uint64_t address = f->address + sink->offset, reach = f->size != 0 ? f->size : f->limit;

    if (len == 0 || is_mapping_symbol(f)) {
        return;
    }
    if (sink->list != NULL) {
        put_name(sink->names + sink->names_size, f, len);
        sink->list[sink->count] = (struct symbol){
            .address = address,
            .last = reach - 1 <= UINT64_MAX - address ? address + (reach - 1) : UINT64_MAX,
            .name = (uint32_t)(sink->base + sink->names_size),
            .outer = NONE,
            .rank = f->rank,
            .open = f->size == 0,
        };
    }
    sink->zero = sink->zero && f->address == 0;
    sink->count++;
    sink->names_size += len + 1;
}

/* ---- ELF ------------------------------------------------------------------------------------- */

struct section {
    uint32_t type, link;
    uint64_t address, offset, size, entry_size;
};

struct elf {
    const struct boot_bytes *file;
    uint64_t shoff, sections;
    struct section symtab, strtab;
};

static struct section section_at(const struct elf *elf, uint64_t i)
{
    const uint8_t *p = elf->file->bytes + elf->shoff + i * SHDR_SIZE;

    return (struct section){
        .type = le32(p + 4),
        .link = le32(p + 40),
        .address = le64(p + 16),
        .offset = le64(p + 24),
        .size = le64(p + 32),
        .entry_size = le64(p + 56),
    };
}

/* A file with very many sections says how many in the first of them. */
static bool find_sections(struct elf *elf)
{
    const uint8_t *p = elf->file->bytes;
    uint64_t room;

    elf->shoff = le64(p + E_SHOFF);
    elf->sections = le16(p + E_SHNUM);
    if (elf->shoff == 0 || !range_inside(elf->shoff, SHDR_SIZE, 0, elf->file->len) ||
        le16(p + E_SHENTSIZE) != SHDR_SIZE) {
        return false;
    }
    room = (elf->file->len - elf->shoff) / SHDR_SIZE;
    if (elf->sections == 0) {
        elf->sections = section_at(elf, 0).size;
    }
    return elf->sections <= room;
}

static bool is_in_file(const struct elf *elf, const struct section *s)
{
    return range_inside(s->offset, s->size, 0, elf->file->len);
}

static bool find_table(struct elf *elf, uint32_t type)
{
    for (uint64_t i = 0; i < elf->sections; i++) {
        elf->symtab = section_at(elf, i);
        if (elf->symtab.type == type) {
            if (elf->symtab.link >= elf->sections) {
                return false;
            }
            elf->strtab = section_at(elf, elf->symtab.link);
            return elf->strtab.type == SHT_STRTAB && elf->symtab.entry_size == SYM_SIZE &&
                   is_in_file(elf, &elf->symtab) && is_in_file(elf, &elf->strtab);
        }
    }
    elf->symtab.size = 0;
    return true;
}

static enum status elf_open(struct elf *elf, struct err *err)
{
    const struct boot_bytes *file = elf->file;
    const uint8_t *p = file->bytes;

    if (file->len < EHDR_SIZE || p[EI_CLASS] != CLASS_64 || p[EI_DATA] != DATA_LITTLE ||
        le16(p + E_MACHINE) != MACHINE_AARCH64) {
        return err_set(err, ST_E_FORMAT, MSG_SYMBOLS_MACHINE, file->name);
    }
    if (le16(p + E_TYPE) != TYPE_EXEC && le16(p + E_TYPE) != TYPE_DYN) {
        return err_set(err, ST_E_NOTSUP, MSG_SYMBOLS_TYPE, file->name, le16(p + E_TYPE));
    }
    if (le64(p + E_SHOFF) == 0) {
        return ST_OK; /* stripped of everything */
    }
    if (!find_sections(elf) || !find_table(elf, SHT_SYMTAB) ||
        (elf->symtab.size == 0 && !find_table(elf, SHT_DYNSYM))) {
        return err_set(err, ST_E_FORMAT, MSG_SYMBOLS_DAMAGED, file->name);
    }
    return ST_OK;
}

/* Where the section ends that a symbol is in, as a distance from it; 1: it is in none that is known. */
static uint64_t to_end_of_section(const struct elf *elf, unsigned index, uint64_t address)
{
    if (index >= elf->sections || index >= SHN_LORESERVE) {
        return 1;
    }
    struct section s = section_at(elf, index);
    return range_inside(address, 1, s.address, s.size) ? s.size - (address - s.address) : 1;
}

static void elf_symbol(const struct elf *elf, const uint8_t *p, struct sink *sink)
{
    const uint8_t *names = elf->file->bytes + elf->strtab.offset;
    unsigned type = p[4] & 15, bind = p[4] >> 4, index = le16(p + 6);
    uint64_t name = le32(p), left;
    struct found f = { .address = le64(p + 8), .size = le64(p + 16) };

    if ((type != STT_NOTYPE && type != STT_OBJECT && type != STT_FUNC && type != STT_IFUNC) ||
        index == SHN_UNDEF || (index >= SHN_LORESERVE && index != SHN_XINDEX) ||
        name >= elf->strtab.size) {
        return;
    }
    f.name = names + name;
    left = elf->strtab.size - name;
    while (f.name_len < left && f.name_len <= SYMBOL_NAME_MAX && f.name[f.name_len] != 0) {
        f.name_len++;
    }
    f.limit = to_end_of_section(elf, index, f.address);
    f.rank = (uint8_t)((type == STT_NOTYPE   ? RANK_LABEL
                        : type == STT_OBJECT ? RANK_DATA
                                             : RANK_FUNC) +
                       (bind == STB_LOCAL  ? RANK_LOCAL
                        : bind == STB_WEAK ? RANK_WEAK
                                           : RANK_GLOBAL));
    sink_put(sink, &f);
}

static enum status elf_read(const struct boot_bytes *file, struct sink *sink, struct err *err)
{
    struct elf elf = { .file = file };
    enum status st = elf_open(&elf, err);

    for (uint64_t at = 0; st == ST_OK && at + SYM_SIZE <= elf.symtab.size; at += SYM_SIZE) {
        elf_symbol(&elf, file->bytes + elf.symtab.offset + at, sink);
    }
    return st;
}

/* ---- Text ------------------------------------------------------------------------------------ */

struct line {
    const uint8_t *p, *end;
};

static void skip_blanks(struct line *line)
{
    while (line->p < line->end && (*line->p == ' ' || *line->p == '\t')) {
        line->p++;
    }
}

/* 16: it is none. */
static unsigned hex_digit(uint8_t c)
{
    uint8_t small = c | 0x20;

    return c >= '0' && c <= '9'           ? c - '0' + 0u
           : small >= 'a' && small <= 'f' ? small - 'a' + 10u
                                          : 16u;
}

/* A hexadecimal number of up to 16 digits with a blank behind. Answers how many; 0: there is none, and the line stays where it is. */
static unsigned take_hex(struct line *line, uint64_t *value)
{
    const uint8_t *p = line->p;
    uint64_t v = 0;

    for (; p < line->end && p - line->p < 17; p++) {
        unsigned digit = hex_digit(*p);
        if (digit == 16) {
            break;
        }
        v = v << 4 | digit;
    }
    if (p == line->p || p - line->p > 16 || p == line->end || (*p != ' ' && *p != '\t')) {
        return 0;
    }
    unsigned digits = (unsigned)(p - line->p);
    *value = v;
    line->p = p;
    skip_blanks(line);
    return digits;
}

/* nm's letters: what stands for code, and whether the symbol is seen from outside. False: no place in memory. */
static bool rank_of_letter(uint8_t letter, uint8_t *rank)
{
    bool global = letter >= 'A' && letter <= 'Z';
    uint8_t kind = letter | 0x20;

    *rank = kind == 't'   ? RANK_FUNC + (global ? RANK_GLOBAL : RANK_LOCAL)
            : kind == 'w' ? RANK_FUNC + RANK_WEAK
                          : RANK_DATA + (global ? RANK_GLOBAL : RANK_LOCAL);
    return kind >= 'a' && kind <= 'z' && kind != 'a' && kind != 'u' && kind != 'n';
}

/* "ADDRESS [SIZE] LETTER NAME", and perhaps a module's name. */
static void text_symbol(struct line line, struct sink *sink)
{
    struct found f = { .limit = TEXT_REACH };
    struct line rest;

    skip_blanks(&line);
    if (take_hex(&line, &f.address) == 0) {
        return;
    }
    rest = line;
    if (take_hex(&rest, &f.size) > 1) { /* one digit would be the letter */
        line = rest;
    } else {
        f.size = 0;
    }
    if (line.end - line.p < 3 || (line.p[1] != ' ' && line.p[1] != '\t') ||
        !rank_of_letter(line.p[0], &f.rank)) {
        return;
    }
    line.p += 2;
    skip_blanks(&line);
    f.name = line.p;
    while (f.name + f.name_len < line.end && f.name[f.name_len] != '\t' &&
           f.name[f.name_len] != ' ' && f.name[f.name_len] != '\r') {
        f.name_len++;
    }
    sink_put(sink, &f);
}

static void text_read(const struct boot_bytes *file, struct sink *sink)
{
    const uint8_t *p = file->bytes, *end = p + file->len;

    while (p < end) {
        struct line line = { p, p };
        while (line.end < end && *line.end != '\n') {
            line.end++;
        }
        text_symbol(line, sink);
        p = line.end == end ? end : line.end + 1;
    }
}

static enum status read_symbols(const struct boot_bytes *file, struct sink *sink, struct err *err)
{
    if (elf_has_magic(file->bytes, file->len)) {
        return elf_read(file, sink, err);
    }
    text_read(file, sink);
    return ST_OK;
}

/* ---- Order ----------------------------------------------------------------------------------- */

/* Of what is equal the later one comes first, so that the first in its file is found. */
static bool is_less(const struct symbol *a, const struct symbol *b)
{
    return a->address != b->address ? a->address < b->address
           : a->rank != b->rank     ? a->rank < b->rank
                                    : a->name > b->name;
}

static void swap(struct symbol *a, struct symbol *b)
{
    struct symbol t = *a;

    *a = *b;
    *b = t;
}

static void sift_down(struct symbol *list, uint32_t from, uint32_t count)
{
    for (uint32_t at = from, child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && is_less(&list[child], &list[child + 1]);
        if (!is_less(&list[at], &list[child])) {
            return;
        }
        swap(&list[at], &list[child]);
    }
}

/* Heapsort: in place, and no order of the input makes it slow. */
static void sort(struct symbol *list, uint32_t count)
{
    for (uint32_t i = count / 2; i-- != 0;) {
        sift_down(list, i, count);
    }
    for (uint32_t i = count; i-- > 1;) {
        swap(&list[0], &list[i]);
        sift_down(list, 0, i);
    }
}

/* Open symbols end before the next address that has one; then who lies in whom. */
static void find_ends(struct symbol *list, uint32_t count)
{
    uint64_t next = 0;

    for (uint32_t i = count; i-- != 0;) {
        bool is_last = i + 1 == count;
        next = !is_last && list[i + 1].address != list[i].address ? list[i + 1].address : next;
        if (list[i].open && next > list[i].address && list[i].last >= next) {
            list[i].last = next - 1;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t outer = i == 0 ? NONE : i - 1;
        while (outer != NONE && list[outer].last <= list[i].last) {
            outer = list[outer].outer;
        }
        list[i].outer = outer;
    }
}

/* ---- The table ------------------------------------------------------------------------------- */

static enum status no_symbols(const struct boot_bytes *file, const struct sink *counted,
                              struct err *err)
{
    return err_set(err, ST_E_FORMAT, counted->count != 0 ? MSG_SYMBOLS_ZERO : MSG_SYMBOLS_NONE,
                   file->name);
}

/* A table with room for more, with what there is already in it. */
static bool grow(const struct symbols *s, const struct sink *more, struct symbols *bigger)
{
    *bigger = (struct symbols){
        .alloc = s->alloc,
        .count = s->count + (uint32_t)more->count,
        .names_size = s->names_size + (uint32_t)more->names_size,
    };
    bigger->list = s->alloc.alloc(s->alloc.opaque, bigger->count * sizeof(struct symbol),
                                  _Alignof(struct symbol));
    bigger->names = s->alloc.alloc(s->alloc.opaque, bigger->names_size, 1);
    if (bigger->list == NULL || bigger->names == NULL) {
        symbols_fini(bigger);
        return false;
    }
    if (s->count != 0) {
        memcpy(bigger->list, s->list, s->count * sizeof(struct symbol));
        memcpy(bigger->names, s->names, s->names_size);
    }
    return true;
}

enum status symbols_add(struct symbols *s, const struct boot_bytes *file, uint64_t offset,
                        struct err *err)
{
    struct sink counted = { .offset = offset, .zero = true };
    struct symbols bigger;
    enum status st = read_symbols(file, &counted, err);

    if (st != ST_OK) {
        return st;
    }
    if (counted.zero) {
        return no_symbols(file, &counted, err);
    }
    if (counted.count > SYMBOLS_MAX - s->count) {
        return err_set(err, ST_E_FULL, MSG_SYMBOLS_MANY, file->name, SYMBOLS_MAX);
    }
    if (!grow(s, &counted, &bigger)) {
        return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    struct sink sink = { .list = bigger.list + s->count,
                         .names = bigger.names + s->names_size,
                         .base = s->names_size,
                         .offset = offset };
    read_symbols(file, &sink, err);
    sort(bigger.list, bigger.count);
    find_ends(bigger.list, bigger.count);
    symbols_fini(s);
    *s = bigger;
    return ST_OK;
}

const char *symbols_find(const struct symbols *s, uint64_t address, uint64_t *distance)
{
    uint32_t low = 0, high = s->count, at;

    while (low < high) { /* low: the number of symbols that begin at address or before */
        uint32_t middle = low + (high - low) / 2;
        if (s->list[middle].address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    at = low == 0 ? NONE : low - 1;
    for (unsigned hops = 0; at != NONE && s->list[at].last < address; hops++) {
        at = hops < HOPS_MAX ? s->list[at].outer : NONE;
    }
    if (at == NONE) {
        return NULL;
    }
    *distance = address - s->list[at].address;
    return s->names + s->list[at].name;
}

bool symbols_name(const struct symbols *s, uint64_t address, char *buf, size_t size)
{
    uint64_t distance;
    const char *name = symbols_find(s, address, &distance);

    if (name == NULL) {
        buf[0] = 0;
        return false;
    }
    if (distance == 0) {
        fmt_format(buf, size, "%s", name);
    } else {
        fmt_format(buf, size, "%s+0x%llx", name, (unsigned long long)distance);
    }
    return true;
}

void symbols_fini(struct symbols *s)
{
    if (s->list != NULL) {
        s->alloc.free(s->alloc.opaque, s->list, s->count * sizeof(struct symbol));
    }
    if (s->names != NULL) {
        s->alloc.free(s->alloc.opaque, s->names, s->names_size);
    }
    *s = (struct symbols){ .alloc = s->alloc };
}
