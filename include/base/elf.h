/*
 * elf.h - the parts of ELF64 that are read here: offsets of fields, and numbers in them.
 *
 * Documents: System V ABI, "Object Files"; IHI 0056 (ELF for the Arm 64-bit Architecture).
 */
#ifndef BASE_ELF_H
#define BASE_ELF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/string.h"

enum {
    /* The header. */
    EI_CLASS = 4,
    EI_DATA = 5,
    E_TYPE = 16,
    E_MACHINE = 18,
    E_VERSION = 20,
    E_ENTRY = 24,
    E_PHOFF = 32,
    E_SHOFF = 40,
    E_PHENTSIZE = 54,
    E_PHNUM = 56,
    E_SHENTSIZE = 58,
    E_SHNUM = 60,
    EHDR_SIZE = 64,
    CLASS_64 = 2,
    DATA_LITTLE = 1,
    TYPE_EXEC = 2,
    TYPE_DYN = 3,
    MACHINE_AARCH64 = 183,
    /* Segments. */
    PHDR_SIZE = 56,
    PT_LOAD = 1,
    /* Sections. */
    SHDR_SIZE = 64,
    SHT_SYMTAB = 2,
    SHT_STRTAB = 3,
    SHT_DYNSYM = 11,
    /* Symbols. */
    SYM_SIZE = 24,
    SHN_UNDEF = 0,
    SHN_LORESERVE = 0xff00,
    SHN_XINDEX = 0xffff,
    STT_NOTYPE = 0,
    STT_OBJECT = 1,
    STT_FUNC = 2,
    STT_IFUNC = 10,
    STB_LOCAL = 0,
    STB_WEAK = 2,
};

static inline bool elf_has_magic(const uint8_t *bytes, uint64_t len)
{
    static const uint8_t magic[4] = { 0x7f, 'E', 'L', 'F' };

    return len >= sizeof(magic) && memcmp(bytes, magic, sizeof(magic)) == 0;
}

#endif
