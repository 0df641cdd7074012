/*
 * mem.c - slow paths of loads and stores: what the TLB's tags refuse.
 *
 * That is: a page not in the TLB (refilled here, so the next access is fast), a page-crossing
 * access, Device memory, MMIO, a write to ROM, a misaligned access where alignment is checked, and
 * faults.
 *
 * DDI 0487, "Alignment of data accesses", "MMU fault priorities": an alignment fault that
 * SCTLR_EL1.A or the kind of instruction causes comes before faults of translation, one that the
 * memory type causes after them.
 */
#include "accel/soft/dry.h"
#include "accel/soft/engine.h"
#include "base/atomic.h"

/* ---- Faults ---------------------------------------------------------------------------------- */

void mem_fault(struct cpu *cpu, const struct op *op, uint64_t va, unsigned fsc, bool write, bool cm)
{
    enum esr_ec ec = cpu_el(cpu) == 0 ? EC_DABT_LOWER : EC_DABT_SAME;

    cpu_exception(cpu, op, ec, fsc | (uint32_t)write << 6 | (uint32_t)cm << 8, va);
}

static struct tlb_ctx *ctx_for(struct cpu *cpu, unsigned mo)
{
    if ((mo & MO_USER) != 0 && (cpu->pstate & PS_UAO) == 0) {
        cpu->tlb_user = tlb_user_ctx(cpu);
        return (struct tlb_ctx *)(uintptr_t)cpu->tlb_user;
    }
    return (struct tlb_ctx *)(uintptr_t)cpu->tlb;
}

/* True if a watchpoint has ended the access. */
static bool is_watched(struct cpu *cpu, const struct op *op, uint64_t va, unsigned size, bool write,
                       unsigned mo)
{
    return UNLIKELY((cpu->priv->debug & DEBUG_WATCH) != 0) &&
           debug_watchpoint(cpu, op, va, size, write,
                            (mo & MO_USER) != 0 && (cpu->pstate & PS_UAO) == 0);
}

/* Looks va up for the access; NULL after a fault was taken. */
static const struct tlb_info *lookup(struct cpu *cpu, const struct op *op, uint64_t va, bool write,
                                     unsigned mo)
{
    unsigned fsc = 0;
    const struct tlb_info *info =
        mmu_lookup(cpu, ctx_for(cpu, mo), va, write ? ACCESS_WRITE : ACCESS_READ, &fsc);

    if (info == NULL) {
        mem_fault(cpu, op, va, fsc, write, false);
    }
    return info;
}

/* ---- Alignment ------------------------------------------------------------------------------- */

/*
 * Does a misaligned access fault whatever the memory is? DDI 0487, pseudocode function
 * AArch64.UnalignedAccessFaults: with SCTLR_EL1.A all do (and with the MMU off, as everything is Device memory then);
 * exclusive, atomic and ordered ones do, except (FEAT_LSE2) inside 16 aligned bytes.
 */
static bool misaligned_faults(const struct cpu *cpu, uint64_t va, unsigned size, bool plain)
{
    return cpu->align_mask != 0 ||
           (!plain && (!cpu_has(cpu, A64_FEAT_LSE2) || (va & 15) + size > 16));
}

/* SCTLR_EL1.nAA makes ordered accesses plain ones in this respect. */
static bool alignment_is_plain(const struct cpu *cpu, unsigned mo)
{
    return (mo & MO_ALIGNED) == 0 ||
           (cpu_has(cpu, A64_FEAT_LSE2) && (cpu->priv->sys[SYS_SCTLR_EL1] & SCTLR_NAA) != 0);
}

/* ---- One access inside one page -------------------------------------------------------------- */

/* Is the memory there host memory that this access may use directly? */
static bool is_ram(const struct tlb_info *info, bool write)
{
    return (info->pa & TI_RAM) != 0 && !(write && (info->pa & TI_ROM) != 0);
}

static uint8_t *host_of(const struct cpu *cpu, unsigned mo, uint64_t va)
{
    const struct tlb_entry *e = tlb_slot((mo & MO_USER) != 0 ? cpu->tlb_user : cpu->tlb, va);

    return (uint8_t *)(uintptr_t)(va + e->addend);
}

static uint64_t pa_of(const struct tlb_info *info, uint64_t va)
{
    return (info->pa & ~(uint64_t)TI_FLAGS) | (va & (SOFT_PAGE - 1));
}

static bool mmio(struct cpu *cpu, uint64_t pa, unsigned size, bool write, uint64_t *value)
{
    bool ok;

    soft_outside(cpu);
    if (write) {
        ok = vm_mmio_write(cpu->vcpu, pa, size, *value);
    } else {
        ok = vm_mmio_read(cpu->vcpu, pa, size, value);
    }
    soft_inside(cpu);
    return ok;
}

/* Up to 8 bytes at a time on the bus. */
static void access_mmio(struct cpu *cpu, const struct op *op, const struct tlb_info *info,
                        uint64_t va, uint8_t *buf, unsigned size, bool write)
{
    uint64_t pa = pa_of(info, va);

    for (unsigned done = 0; done < size; done += 8) {
        unsigned part = size < 8 ? size : 8;
        uint64_t value = 0;
        if (write) {
            memcpy(&value, buf + done, part);
        }
        if (!mmio(cpu, pa + done, part, write, &value)) {
            mem_fault(cpu, op, va, FSC_EXTERNAL, write, false);
            return;
        }
        if (!write) {
            memcpy(buf + done, &value, part);
        }
    }
}

/* Aligned accesses are single-copy atomic: one host instruction. */
static void copy_in(uint8_t *buf, const uint8_t *host, unsigned size)
{
    switch (size) {
    case 1: memcpy(buf, host, 1); break;
    case 2: memcpy(buf, host, 2); break;
    case 4: memcpy(buf, host, 4); break;
    case 8: memcpy(buf, host, 8); break;
    case 16: *(racy_u128 *)(void *)buf = racy_load16(host); break;
    default: memcpy(buf, host, size); break;
    }
}

static void copy_out(uint8_t *host, const uint8_t *buf, unsigned size)
{
    switch (size) {
    case 1: memcpy(host, buf, 1); break;
    case 2: memcpy(host, buf, 2); break;
    case 4: memcpy(host, buf, 4); break;
    case 8: memcpy(host, buf, 8); break;
    case 16: racy_store16(host, *(const racy_u128 *)(const void *)buf); break;
    default: memcpy(host, buf, size); break;
    }
}

/* Both halves of a page-crossing access were looked up first, so it happens whole or not at all. */
static void access_crossing(struct cpu *cpu, const struct op *op, uint64_t va, uint8_t *buf,
                            unsigned size, bool write, unsigned mo)
{
    uint64_t second = align_up(va, SOFT_PAGE);
    unsigned first = (unsigned)(second - va);
    const struct tlb_info *a = lookup(cpu, op, va, write, mo);
    const struct tlb_info *b = a != NULL ? lookup(cpu, op, second, write, mo) : NULL;

    if (a == NULL || b == NULL || is_watched(cpu, op, va, size, write, mo)) {
        return;
    }
    if (!is_ram(a, write) || (a->pa & TI_DEVICE) != 0) {
        mem_fault(cpu, op, va, FSC_ALIGNMENT, write, false);
    } else if (!is_ram(b, write) || (b->pa & TI_DEVICE) != 0) {
        mem_fault(cpu, op, second, FSC_ALIGNMENT, write, false);
    } else if (write) {
        memcpy(host_of(cpu, mo, va), buf, first);
        memcpy(host_of(cpu, mo, second), buf + first, size - first);
    } else {
        memcpy(buf, host_of(cpu, mo, va), first);
        memcpy(buf + first, host_of(cpu, mo, second), size - first);
    }
}

/* Reads into buf or writes from it; cpu->left after a fault. */
static void access_slow(struct cpu *cpu, const struct op *op, uint64_t va, uint8_t *buf, bool write,
                        unsigned mo)
{
    unsigned size = 1u << (mo & MO_SIZE);
    bool misaligned = (va & (size - 1)) != 0;

    if (UNLIKELY(cpu->dry != NULL)) {
        dry_access(cpu, va, buf, write, mo);
        return;
    }
    if (misaligned && misaligned_faults(cpu, va, size, alignment_is_plain(cpu, mo))) {
        mem_fault(cpu, op, va, FSC_ALIGNMENT, write, false);
        return;
    }
    if ((va & (SOFT_PAGE - 1)) + size > SOFT_PAGE) {
        access_crossing(cpu, op, va, buf, size, write, mo);
        return;
    }
    const struct tlb_info *info = lookup(cpu, op, va, write, mo);
    if (info == NULL) {
        return;
    }
    if (misaligned && ((info->pa & TI_DEVICE) != 0 || !is_ram(info, write))) {
        mem_fault(cpu, op, va, FSC_ALIGNMENT, write, false);
    } else if (is_watched(cpu, op, va, size, write, mo)) {
        return;
    } else if (!is_ram(info, write)) {
        access_mmio(cpu, op, info, va, buf, size, write);
    } else if (write) {
        copy_out(host_of(cpu, mo, va), buf, size);
    } else {
        copy_in(buf, host_of(cpu, mo, va), size);
    }
}

/* The usual reason to come here often: an aligned access to a device, at an address that the TLB knows. */
static ALWAYS_INLINE const struct tlb_info *known_device(struct cpu *cpu, uint64_t va,
                                                         unsigned need, unsigned mo)
{
    const struct tlb_info *info = &cpu->tlb->info[tlb_index(va)];

    if ((mo & MO_USER) != 0 || (va & ((1u << (mo & MO_SIZE)) - 1)) != 0 ||
        info->va != align_down(va, SOFT_PAGE) || (info->pa & (need | TI_RAM)) != need ||
        (cpu->priv->debug & DEBUG_WATCH) != 0) {
        return NULL;
    }
    return info;
}

uint64_t mem_ld_slow(struct cpu *cpu, const struct op *op, uint64_t va, unsigned mo)
{
    const struct tlb_info *device = known_device(cpu, va, TI_R, mo);
    uint64_t value = 0;

    if (device != NULL) {
        if (UNLIKELY(!mmio(cpu, pa_of(device, va), 1u << (mo & MO_SIZE), false, &value))) {
            mem_fault(cpu, op, va, FSC_EXTERNAL, false, false);
        }
        return value;
    }
    access_slow(cpu, op, va, (uint8_t *)&value, false, mo);
    return value;
}

void mem_st_slow(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t value, unsigned mo)
{
    const struct tlb_info *device = known_device(cpu, va, TI_W, mo);

    if (device != NULL) {
        unsigned size = 1u << (mo & MO_SIZE);
        value = bits(value, 0, 8 * size);
        if (UNLIKELY(!mmio(cpu, pa_of(device, va), size, true, &value))) {
            mem_fault(cpu, op, va, FSC_EXTERNAL, true, false);
        }
        return;
    }
    access_slow(cpu, op, va, (uint8_t *)&value, true, mo);
}

struct v128 mem_ld16_slow(struct cpu *cpu, const struct op *op, uint64_t va, unsigned mo)
{
    struct v128 value = { 0, 0 };

    access_slow(cpu, op, va, (uint8_t *)&value, false, mo);
    return value;
}

void mem_st16_slow(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t lo, uint64_t hi,
                   unsigned mo)
{
    struct v128 value = { lo, hi };

    access_slow(cpu, op, va, (uint8_t *)&value, true, mo);
}

/* ---- More than one access -------------------------------------------------------------------- */

void mem_probe(struct cpu *cpu, const struct op *op, uint64_t va, unsigned size, bool write,
               unsigned mo)
{
    uint64_t second = align_down(va, SOFT_PAGE) + SOFT_PAGE;

    if (UNLIKELY(cpu->dry != NULL)) {
        dry_probe(cpu, va, size, write, mo);
        return;
    }
    if (lookup(cpu, op, va, write, mo) == NULL ||
        ((va & (SOFT_PAGE - 1)) + size > SOFT_PAGE && lookup(cpu, op, second, write, mo) == NULL)) {
        return;
    }
    is_watched(cpu, op, va, size, write, mo);
}

/*
 * WnR of a fault of an atomic: set if a read would have been fine, so it is the write that failed
 * (DDI 0487, "ISS encoding for an exception from a Data Abort", WnR). A store-exclusive is a write
 * altogether: STXR and STXP are size 001000 0 0 with o1 for the pair, which in the lower sizes is
 * CASP instead.
 */
static bool is_store_exclusive(uint32_t word)
{
    bool pair = (word >> 21 & 1) != 0;

    return (word & 0x3fc00000) == 0x08000000 && !(pair && (word >> 31) == 0);
}

void *mem_atomic(struct cpu *cpu, const struct op *op, uint64_t va, unsigned size, bool write,
                 unsigned mo)
{
    bool store_only = write && is_store_exclusive(op->word);
    const struct tlb_info *info;

    bool misaligned = (va & (size - 1)) != 0;

    if (UNLIKELY(cpu->dry != NULL)) {
        return dry_atomic(cpu, va, size, write, mo);
    }
    if (misaligned && misaligned_faults(cpu, va, size, false)) {
        mem_fault(cpu, op, va, FSC_ALIGNMENT, store_only, false);
        return NULL;
    }
    if (write && !store_only && lookup(cpu, op, va, false, mo) == NULL) {
        return NULL;
    }
    info = lookup(cpu, op, va, write, mo);
    if (info == NULL) {
        return NULL;
    }
    if (misaligned && (info->pa & TI_DEVICE) != 0) {
        mem_fault(cpu, op, va, FSC_ALIGNMENT, store_only, false);
        return NULL;
    }
    if (!is_ram(info, write)) { /* no exclusive or atomic access to a device or ROM */
        mem_fault(cpu, op, va, FSC_EXCLUSIVE, store_only, false);
        return NULL;
    }
    if ((!store_only && is_watched(cpu, op, va, size, false, mo)) ||
        (write && is_watched(cpu, op, va, size, true, mo))) {
        return NULL;
    }
    return host_of(cpu, mo, va);
}

/* DC ZVA: 64 bytes, DCZID_EL0.BS. To Device memory, which all is with the MMU off, it
 * is an alignment fault. */
void mem_zero_block(struct cpu *cpu, const struct op *op, uint64_t va)
{
    uint64_t block = align_down(va, 64);
    unsigned fsc = 0;
    const struct tlb_info *info = mmu_lookup(cpu, ctx_for(cpu, 0), va, ACCESS_WRITE, &fsc);

    if (info == NULL) {
        mem_fault(cpu, op, va, fsc, true, false);
    } else if ((info->pa & TI_DEVICE) != 0 || (*sys_reg(cpu, SYS_SCTLR_EL1) & SCTLR_M) == 0 ||
               !is_ram(info, true)) {
        mem_fault(cpu, op, va, FSC_ALIGNMENT, true, false);
    } else if (!is_watched(cpu, op, block, 64, true, 0)) {
        memset(host_of(cpu, 0, block), 0, 64);
    }
}
