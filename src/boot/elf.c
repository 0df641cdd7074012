/*
 * elf.c - ELF64 programs for AArch64, EXEC and DYN.
 *
 * Documents: System V ABI, "Object Files" (ELF header, program header); IHI 0056 (ELF for the Arm
 * 64-bit Architecture).
 *
 * Each PT_LOAD goes to its physical address. Linkers that know none write 0 everywhere: then the
 * virtual addresses count. A DYN program (static PIE) whose addresses are not in RAM is moved as a
 * whole to the start of RAM; it relocates itself, and its devicetree is found through x0. e_entry
 * is a virtual address.
 */
#include "plan.h"

#include "base/bits.h"
#include "base/elf.h"

#define PHDRS_MAX  128 /* headers read */
#define DYN_OFFSET KIB(64)
#define DYN_ALIGN  MIB(2) /* an alignment above this is not honoured */

struct elf {
    const struct boot_bytes *data;
    uint64_t entry, phoff;
    unsigned phnum;
    bool dyn;
    bool by_vaddr; /* no physical addresses */
    uint64_t bias; /* added to every address */
};

struct phdr {
    uint32_t type;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

bool elf_is(const struct boot_bytes *data)
{
    return elf_has_magic(data->bytes, data->len);
}

static struct phdr phdr_at(const struct elf *elf, unsigned i)
{
    const uint8_t *p = elf->data->bytes + elf->phoff + (uint64_t)i * PHDR_SIZE;

    return (struct phdr){
        .type = le32(p),
        .offset = le64(p + 8),
        .vaddr = le64(p + 16),
        .paddr = le64(p + 24),
        .filesz = le64(p + 32),
        .memsz = le64(p + 40),
        .align = le64(p + 48),
    };
}

/* The next PT_LOAD that occupies memory, from *i on; *i is then behind it. */
static bool next_load(const struct elf *elf, unsigned *i, struct phdr *ph)
{
    while (*i < elf->phnum) {
        *ph = phdr_at(elf, (*i)++);
        if (ph->type == PT_LOAD && (ph->memsz != 0 || ph->filesz != 0)) {
            return true;
        }
    }
    return false;
}

static uint64_t address_of(const struct elf *elf, const struct phdr *ph)
{
    return elf->bias + (elf->by_vaddr ? ph->vaddr : ph->paddr);
}

static enum status read_header(struct maker *m, const struct boot_bytes *data, struct elf *elf)
{
    const uint8_t *p = data->bytes;

    if (data->len < EHDR_SIZE) {
        return err_set(m->err, ST_E_FORMAT, MSG_BOOT_ELF_SHORT, data->name,
                       (unsigned long long)data->len);
    }
    if (p[EI_CLASS] != CLASS_64 || p[EI_DATA] != DATA_LITTLE ||
        le16(p + E_MACHINE) != MACHINE_AARCH64) {
        return err_set(m->err, ST_E_FORMAT, MSG_BOOT_ELF_MACHINE, data->name,
                       p[EI_CLASS] == CLASS_64 ? 64 : 32,
                       p[EI_DATA] == DATA_LITTLE ? "little" : "big", le16(p + E_MACHINE));
    }
    unsigned type = le16(p + E_TYPE);
    if ((type != TYPE_EXEC && type != TYPE_DYN) || le32(p + E_VERSION) != 1) {
        return err_set(m->err, ST_E_FORMAT, MSG_BOOT_ELF_TYPE, data->name, type);
    }
    *elf = (struct elf){
        .data = data,
        .entry = le64(p + E_ENTRY),
        .phoff = le64(p + E_PHOFF),
        .phnum = le16(p + E_PHNUM),
        .dyn = type == TYPE_DYN,
    };
    if (le16(p + E_PHENTSIZE) != PHDR_SIZE || elf->phnum == 0 || elf->phnum > PHDRS_MAX) {
        return err_set(m->err, ST_E_FORMAT, MSG_BOOT_ELF_PHDRS, data->name, elf->phnum,
                       le16(p + E_PHENTSIZE), PHDRS_MAX);
    }
    if (!range_inside(elf->phoff, (uint64_t)elf->phnum * PHDR_SIZE, 0, data->len)) {
        return err_set(m->err, ST_E_FORMAT, MSG_BOOT_ELF_PHOFF, data->name,
                       (unsigned long long)elf->phoff, (unsigned long long)data->len);
    }
    return ST_OK;
}

/* Sizes against each other and against the file. */
static enum status check_segments(struct maker *m, const struct elf *elf)
{
    struct phdr ph;
    unsigned i = 0, loads = 0;

    while (next_load(elf, &i, &ph)) {
        loads++;
        if (ph.filesz > ph.memsz) {
            return err_set(m->err, ST_E_FORMAT, MSG_BOOT_ELF_SIZES, elf->data->name, i - 1,
                           (unsigned long long)ph.filesz, (unsigned long long)ph.memsz);
        }
        if (!range_inside(ph.offset, ph.filesz, 0, elf->data->len)) {
            return err_set(m->err, ST_E_FORMAT, MSG_BOOT_ELF_CUT, elf->data->name, i - 1,
                           (unsigned long long)ph.filesz, (unsigned long long)ph.offset,
                           (unsigned long long)elf->data->len);
        }
    }
    return loads > 0 ? ST_OK : err_set(m->err, ST_E_FORMAT, MSG_BOOT_ELF_EMPTY, elf->data->name);
}

static bool has_paddr(const struct elf *elf)
{
    struct phdr ph;

    for (unsigned i = 0; next_load(elf, &i, &ph);) {
        if (ph.paddr != 0) {
            return true;
        }
    }
    return false;
}

/* Moves a position-independent program into RAM, if it is not linked there. */
static void choose_bias(const struct maker *m, struct elf *elf)
{
    uint64_t lowest = UINT64_MAX, align = KIB(4);
    struct phdr ph;

    for (unsigned i = 0; next_load(elf, &i, &ph);) {
        uint64_t at = address_of(elf, &ph);
        lowest = at < lowest ? at : lowest;
        if (is_power_of_two(ph.align) && ph.align > align && ph.align <= DYN_ALIGN) {
            align = ph.align;
        }
    }
    if (lowest < m->ram_base || lowest >= m->ram_end) {
        elf->bias = align_up(m->ram_base + DYN_OFFSET, align) - align_down(lowest, align);
    }
}

static enum status add_segments(struct maker *m, const struct elf *elf)
{
    struct phdr ph;

    for (unsigned i = 0; next_load(elf, &i, &ph);) {
        struct boot_segment s = {
            .ipa = address_of(elf, &ph),
            .bytes = elf->data->bytes + ph.offset,
            .len = ph.filesz,
            .zero = ph.memsz - ph.filesz,
            .name = "kernel",
            .file = elf->data->name,
        };
        if (range_inside(s.ipa, 0, m->ram_base, m->ram_end - m->ram_base) &&
            ph.memsz > m->ram_end - s.ipa) {
            return maker_no_room(m, elf->data, ph.memsz, s.ipa);
        }
        enum status status = maker_add(m, &s);
        if (status != ST_OK) {
            return status;
        }
    }
    return ST_OK;
}

/* Where the byte at virtual address e_entry was loaded. */
static enum status find_entry(struct maker *m, const struct elf *elf)
{
    struct phdr ph;

    for (unsigned i = 0; next_load(elf, &i, &ph);) {
        if (range_inside(elf->entry, 4, ph.vaddr, ph.memsz)) {
            m->plan->start.pc = address_of(elf, &ph) + (elf->entry - ph.vaddr);
            return ST_OK;
        }
    }
    return m->request->has_entry ? ST_OK
                                 : err_set(m->err, ST_E_FORMAT, MSG_BOOT_ELF_ENTRY, elf->data->name,
                                           (unsigned long long)elf->entry);
}

enum status elf_load(struct maker *m, const struct boot_bytes *data)
{
    struct elf elf = { .data = data };
    enum status status = read_header(m, data, &elf);

    if (status == ST_OK) {
        status = check_segments(m, &elf);
    }
    if (status != ST_OK) {
        return status;
    }
    elf.by_vaddr = !has_paddr(&elf);
    if (elf.dyn) {
        choose_bias(m, &elf);
    }
    status = add_segments(m, &elf);
    if (status == ST_OK) {
        status = find_entry(m, &elf);
    }
    m->plan->kind = "ELF";
    m->plan->elf = *data;
    m->plan->elf_bias = elf.bias;
    m->plan->start.sp = maker_stack_top(m);
    m->layout = (struct layout){
        .dtb_at = m->ram_base,
        .dtb = { m->ram_base, maker_below_stack(m), true, false },
        .initrd = { maker_used_end(m), maker_below_stack(m), false, false },
    };
    return status;
}
