/*
 * memory.c - guest memory of a KVM machine: slots, and which of their pages were written.
 *
 * api.rst, "KVM_SET_USER_MEMORY_REGION" and "KVM_GET_DIRTY_LOG". The kernel's log has a bit for each page of the host, which
 * may be larger than 4 KiB; ours has one for each 4 KiB.
 */
#include "accel/kvm/kvm.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"

#define PAGE_BYTES 4096u

static int set_region(const struct kvm_vm *k, unsigned n, const struct mem_slot *slot, bool log)
{
    struct kvm_userspace_memory_region region = {
        .slot = n,
        .flags =
            (slot->rom ? KVM_MEM_READONLY : 0) | (log && !slot->rom ? KVM_MEM_LOG_DIRTY_PAGES : 0),
        .guest_phys_addr = slot->base,
        .memory_size = slot->size,
        .userspace_addr = (uint64_t)(uintptr_t)slot->host,
    };

    return kvm_call(k->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

enum status kvm_ram_map(struct vm *vm, const struct mem_slot *slot, struct err *err)
{
    struct kvm_vm *k = kvm_of(vm);
    int result;

    /* Stage 2 uses blocks of 2 MiB where the host's pages are that large. */
    (void)madvise(slot->host, slot->size, MADV_HUGEPAGE);
    k->slot_base[k->slots] = slot->base;
    result = set_region(k, k->slots, slot, k->dirty_log);
    if (result < 0) {
        return kvm_fail(err, "KVM_SET_USER_MEMORY_REGION", result);
    }
    k->slots++;
    return ST_OK;
}

/* The kernel's number of a slot: the order in which they were mapped. */
static unsigned number_of(const struct kvm_vm *k, const struct mem_slot *slot)
{
    unsigned n = 0;

    while (n < k->slots && k->slot_base[n] != slot->base) {
        n++;
    }
    return n;
}

enum status kvm_dirty_log(struct vm *vm, bool on, struct err *err)
{
    struct kvm_vm *k = kvm_of(vm);

    for (unsigned i = 0; i < vm->mem.count; i++) {
        const struct mem_slot *slot = &vm->mem.slot[i];
        int result = set_region(k, number_of(k, slot), slot, on);
        if (result < 0) {
            return kvm_fail(err, "KVM_SET_USER_MEMORY_REGION (KVM_MEM_LOG_DIRTY_PAGES)", result);
        }
    }
    k->dirty_log = on;
    return ST_OK;
}

/* From a bit for each page of the host, in place of the lowest words, to a bit for each of our pages. Backwards, so that
 * nothing is overwritten before it is read. */
static void spread(uint64_t *bitmap, uint64_t pages, unsigned per_host_page)
{
    for (uint64_t i = pages; per_host_page > 1 && i-- > 0;) {
        uint64_t from = i / per_host_page;
        uint64_t bit = bitmap[from / 64] >> (from % 64) & 1;
        bitmap[i / 64] = (bitmap[i / 64] & ~(1ull << (i % 64))) | bit << (i % 64);
    }
}

enum status kvm_dirty_get(struct vm *vm, const struct mem_slot *slot, uint64_t *bitmap,
                          struct err *err)
{
    const struct kvm_vm *k = kvm_of(vm);
    struct kvm_dirty_log log = { .slot = number_of(k, slot), .dirty_bitmap = bitmap };
    uint64_t pages = slot->size / PAGE_BYTES;
    int result;

    memset(bitmap, 0, (size_t)((pages + 63) / 64) * sizeof(*bitmap));
    if (slot->rom || !k->dirty_log) {
        return ST_OK;
    }
    result = kvm_call(k->fd, KVM_GET_DIRTY_LOG, &log);
    if (result < 0) {
        return kvm_fail(err, "KVM_GET_DIRTY_LOG", result);
    }
    spread(bitmap, pages, (unsigned)sysconf(_SC_PAGESIZE) / PAGE_BYTES);
    return ST_OK;
}
