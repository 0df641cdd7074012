/*
 * guest_mem.c - the one door to guest memory, and the bus beside it.
 *
 * Both are short sorted tables of disjoint ranges; a look-up is a scan, because there are few rows
 * and the callers that need speed (the software TLB) remember what they found.
 */
#include "vm.h"

#include "base/bits.h"

const struct mem_slot *guest_mem_slot(const struct guest_mem *gm, uint64_t ipa)
{
    for (unsigned i = 0; i < gm->count; i++) {
        if (range_inside(ipa, 1, gm->slot[i].base, gm->slot[i].size)) {
            return &gm->slot[i];
        }
    }
    return NULL;
}

enum status guest_mem_span(const struct guest_mem *gm, uint64_t ipa, uint64_t len, bool write,
                           struct span *out)
{
    const struct mem_slot *slot = guest_mem_slot(gm, ipa);

    if (slot == NULL || len == 0 || (write && slot->rom)) {
        return ST_E_RANGE;
    }
    if (!range_inside(ipa, len, slot->base, slot->size)) {
        return guest_mem_slot(gm, slot->base + slot->size) != NULL ? ST_E_SPLIT : ST_E_RANGE;
    }
    out->host = slot->host + (ipa - slot->base);
    out->len = len;
    return ST_OK;
}

/* Is every byte of [ipa, ipa + len) backed by some slot? */
static bool all_backed(const struct guest_mem *gm, uint64_t ipa, uint64_t len)
{
    if (ipa + len < ipa) {
        return false;
    }
    while (len > 0) {
        const struct mem_slot *slot = guest_mem_slot(gm, ipa);
        if (slot == NULL) {
            return false;
        }
        uint64_t room = slot->base + slot->size - ipa;
        uint64_t part = len < room ? len : room;
        ipa += part;
        len -= part;
    }
    return true;
}

static enum status copy(const struct guest_mem *gm, uint64_t ipa, uint8_t *buf, uint64_t len,
                        bool write)
{
    if (!all_backed(gm, ipa, len)) {
        return ST_E_RANGE;
    }
    while (len > 0) {
        const struct mem_slot *slot = guest_mem_slot(gm, ipa);
        uint64_t offset = ipa - slot->base;
        uint64_t part = len < slot->size - offset ? len : slot->size - offset;

        if (write) {
            memcpy(slot->host + offset, buf, part);
        } else {
            memcpy(buf, slot->host + offset, part);
        }
        ipa += part;
        buf += part;
        len -= part;
    }
    return ST_OK;
}

enum status guest_mem_read(const struct guest_mem *gm, uint64_t ipa, void *buf, uint64_t len)
{
    return copy(gm, ipa, buf, len, false);
}

enum status guest_mem_write(const struct guest_mem *gm, uint64_t ipa, const void *buf, uint64_t len)
{
    return copy(gm, ipa, (uint8_t *)(uintptr_t)buf, len, true);
}
