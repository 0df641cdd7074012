/*
 * fuzz_boot.c - any bytes as kernel, initrd, devicetree and --load: the plan either is refused or
 * keeps its promises.
 *
 * Input: 16 bytes that choose the machine and the parts, then the kernel (Image, ELF, packed or
 * raw, as its content says), then the parts' bytes at the end.
 *
 *      0  bits 0 virt, 1 GICv3, 2 firmware, 3 entry, 4 unpacker present, 5 Portuguese
 *      1  RAM: 64 KiB + n * 64 KiB
 *      2  CPUs - 1, modulo the board's limit
 *      3  loads, modulo 4; each 16 bytes long, at 0x40000000 + 4 KiB * byte 8 + i
 *   4..5  bytes of the initrd     6..7  bytes of the devicetree
 *  12..15 entry
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "boot.h"
#include "vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHOICE      16
#define FLASH       0x1000
#define RAM_APPLIED 0x240000

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static int alive; /* allocations of any kind */

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

/* Stands for both formats: what lies behind the first ten bytes is the content; odd lengths are
 * damaged. */
static enum status pretend(void *opaque, const uint8_t *in, size_t len, size_t max,
                           struct inflated *out)
{
    if (len < 10 || (len & 1) != 0) {
        return ST_E_FORMAT;
    }
    if (len - 10 > max) {
        return ST_E_RANGE;
    }
    alive++;
    out->len = len - 10;
    out->bytes = malloc(out->len + 1);
    memcpy(out->bytes, in + 10, out->len);
    return ST_OK;
}

static void release(void *opaque, struct inflated *out)
{
    alive--;
    free(out->bytes);
}

static const struct inflate_port port = { NULL, pretend, pretend, release };

static bool inside(const struct boot_request *r, uint64_t ipa, uint64_t len)
{
    return range_inside(ipa, len, r->board->ram_base, r->ram_size) ||
           range_inside(ipa, len, r->board->flash_base, r->board->flash_size);
}

static void check(const struct boot_request *r, const struct boot_plan *plan)
{
    require(is_aligned(plan->start.pc, 4) && inside(r, plan->start.pc, 4));
    for (unsigned i = 0; i < plan->segment_count; i++) {
        const struct boot_segment *s = &plan->segment[i];
        require(s->reserve >= s->len && s->reserve - s->len >= s->zero &&
                inside(r, s->ipa, s->reserve));
        for (unsigned j = 0; j < i; j++) {
            require(
                !range_overlap(s->ipa, s->reserve, plan->segment[j].ipa, plan->segment[j].reserve));
        }
    }
    require(plan->dtb.len <= 0x200000 && is_aligned(plan->start.x[0], 8));
}

/*
 * RAM of exactly the machine's size, so that a copy too far is seen; a small flash, so that it can
 * be refused. Large machines are only planned: making their RAM would take most of the time.
 */
static void apply(const struct boot_request *r, const struct boot_plan *plan)
{
    static struct vm vm;

    if (r->ram_size > RAM_APPLIED) {
        return;
    }
    vm.mem.count = 2;
    vm.mem.slot[0] = (struct mem_slot){ 0, FLASH, malloc(FLASH), true, "flash" };
    vm.mem.slot[1] =
        (struct mem_slot){ r->board->ram_base, r->ram_size, malloc(r->ram_size), false, "ram" };
    (void)boot_plan_apply(plan, &vm, NULL);
    free(vm.mem.slot[0].host);
    free(vm.mem.slot[1].host);
}

static struct boot_bytes cut(uint8_t *bytes, size_t *len, uint64_t part)
{
    if (part == 0 || part > *len) {
        return (struct boot_bytes){ 0 };
    }
    *len -= part;
    return (struct boot_bytes){ .bytes = bytes + *len, .len = part };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t mpidr[VM_CPUS_MAX];
    struct boot_load loads[4];
    struct boot_plan plan;

    if (size < CHOICE) {
        return 0;
    }
    size_t len = size - CHOICE;
    uint8_t *exact = malloc(len + 1);
    memcpy(exact, data + CHOICE, len);
    struct boot_request r = {
        .board = data[0] & 1 ? &board_virt : &board_classic,
        .gic_version = data[0] & 2 ? 3 : 2,
        .ram_size = 0x10000 + data[1] * 0x10000ull,
        .mpidr = mpidr,
        .has_entry = (data[0] & 8) != 0,
        .entry = le32(data + 12),
        .load_count = data[3] % 4,
        .loads = loads,
        .command_line = data[9] & 1 ? "console=ttyAMA0" : NULL,
        .alloc = { NULL, take, give },
        .inflate = data[0] & 16 ? &port : NULL,
    };
    r.cpus = data[2] % (r.gic_version == 2 ? GIC_V2_CPUS : VM_CPUS_MAX) + 1;
    for (unsigned i = 0; i < r.cpus; i++) {
        mpidr[i] = i;
    }
    for (unsigned i = 0; i < r.load_count; i++) {
        loads[i] = (struct boot_load){ { data, CHOICE, "load" },
                                       r.board->ram_base + 0x1000ull * data[8] * (i + 1) + i };
    }
    r.initrd = cut(exact, &len, le16(data + 4));
    r.dtb = cut(exact, &len, le16(data + 6));
    *(data[0] & 4 ? &r.firmware : &r.kernel) = (struct boot_bytes){ .bytes = exact, .len = len };

    struct err err = { .lang = data[0] & 32 ? LANG_PT_BR : LANG_EN };
    if (boot_plan_make(&r, &plan, &err) == ST_OK) {
        check(&r, &plan);
        apply(&r, &plan);
        boot_plan_fini(&plan);
    } else {
        require(err.status != ST_OK && err.text[0] != 0);
    }
    require(alive == 0);
    free(exact);
    return 0;
}
