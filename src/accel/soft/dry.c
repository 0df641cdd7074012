/*
 * dry.c - see dry.h.
 */
#include "accel/soft/dry.h"

void dry_begin(struct dry *dry)
{
    dry->unknown = false;
    dry->stores = dry->atomic_size = 0;
}

void dry_end(struct dry *dry)
{
    if (dry->atomic_size != 0) {
        memcpy(dry->store[0].bytes, dry->atomic, dry->atomic_size);
    }
}

void dry_unknown(struct cpu *cpu)
{
    cpu->dry->unknown = true;
    cpu->left = true;
}

/* Host address of [va, va + size), which lies in one page, if the CPU's TLB has it. */
static uint8_t *host_of(const struct cpu *real, uint64_t va, bool write, unsigned mo)
{
    const struct tlb_entry *e = tlb_slot((mo & MO_USER) != 0 ? real->tlb_user : real->tlb, va);
    uint64_t tag = write ? e->wtag : e->rtag;

    return tag == (va & ~(uint64_t)(SOFT_PAGE - 1)) ? (uint8_t *)(uintptr_t)(va + e->addend) : NULL;
}

static bool misaligned(const struct cpu *cpu, uint64_t va, unsigned size, unsigned mo)
{
    return (va & (size - 1)) != 0 && (cpu->align_mask != 0 || (mo & MO_ALIGNED) != 0);
}

static void note(struct dry *dry, uint64_t va, const uint8_t *host, const uint8_t *bytes,
                 unsigned size)
{
    if (dry->stores == DRY_STORES) {
        dry->unknown = true;
        return;
    }
    struct dry_store *s = &dry->store[dry->stores++];
    *s = (struct dry_store){ .va = va, .host = host, .size = size };
    memcpy(s->bytes, bytes, size);
}

void dry_access(struct cpu *cpu, uint64_t va, uint8_t *buf, bool write, unsigned mo)
{
    const struct cpu *real = cpu->dry->real;
    unsigned size = 1u << (mo & MO_SIZE);
    unsigned in_page = SOFT_PAGE - (unsigned)(va & (SOFT_PAGE - 1));
    unsigned first = size < in_page ? size : in_page;
    uint8_t *a = host_of(real, va, write, mo);
    uint8_t *b = first < size ? host_of(real, va + first, write, mo) : a;

    if (a == NULL || b == NULL || misaligned(cpu, va, size, mo)) {
        dry_unknown(cpu);
    } else if (write) {
        note(cpu->dry, va, a, buf, first);
        if (first < size) {
            note(cpu->dry, va + first, b, buf + first, size - first);
        }
    } else {
        memcpy(buf, a, first);
        memcpy(buf + first, b, size - first);
    }
}

void dry_probe(struct cpu *cpu, uint64_t va, unsigned size, bool write, unsigned mo)
{
    const struct cpu *real = cpu->dry->real;

    if (host_of(real, va, write, mo) == NULL || host_of(real, va + size - 1, write, mo) == NULL) {
        dry_unknown(cpu);
    }
}

void *dry_atomic(struct cpu *cpu, uint64_t va, unsigned size, bool write, unsigned mo)
{
    struct dry *dry = cpu->dry;
    uint8_t *host = host_of(dry->real, va, write, mo);

    if (host == NULL || (va & (size - 1)) != 0 || dry->stores != 0) {
        dry_unknown(cpu);
        return NULL;
    }
    memcpy(dry->atomic, host, size);
    if (write) {
        note(dry, va, host, dry->atomic, size);
        dry->atomic_size = size;
    }
    return dry->atomic;
}
