/*
 * pages.c - code pages: decoded instructions of guest pages, found by physical address.
 *
 * Each CPU has its own. That costs memory and decoding when several CPUs run the same code, and it
 * buys this: no lock, no reader counts, and IC IVAU resets instructions in place, because nobody else can
 * be standing on it. An op is reset by its function alone: the body that is running may still want
 * its registers.
 *
 * The same page of memory may be mapped as guarded (FEAT_BTI) in one place and not in another; it
 * is decoded for each, as a branch from a guarded page does other than one from elsewhere.
 */
#include "accel/soft/fwd.h"
#include "accel/soft/jit/jit.h"

#define SLOTS_PER_LINE 16

static unsigned hash_of(uint64_t pa)
{
    uint64_t n = pa >> PAGE_BITS;

    return (unsigned)(n ^ n >> CODE_HASH_BITS) & ((1u << CODE_HASH_BITS) - 1);
}

static struct code_page *lookup(const struct code_cache *code, uint64_t pa, bool guarded,
                                bool aligned, bool el0)
{
    struct code_page *page = code->hash[hash_of(pa)];

    while (page != NULL && (page->pa != pa || page->guarded != guarded ||
                            page->aligned != aligned || page->el0 != el0)) {
        page = page->next_hash;
    }
    return page;
}

static void list_remove(struct code_cache *code, struct code_page *page)
{
    *(page->lru_prev != NULL ? &page->lru_prev->lru_next : &code->newest) = page->lru_next;
    *(page->lru_next != NULL ? &page->lru_next->lru_prev : &code->oldest) = page->lru_prev;
}

static void list_push(struct code_cache *code, struct code_page *page)
{
    page->lru_prev = NULL;
    page->lru_next = code->newest;
    *(code->newest != NULL ? &code->newest->lru_prev : &code->oldest) = page;
    code->newest = page;
}

static void hash_remove(struct code_cache *code, struct code_page *page)
{
    struct code_page **at = &code->hash[hash_of(page->pa)];

    while (*at != page) {
        at = &(*at)->next_hash;
    }
    *at = page->next_hash;
}

static void reset_slot(struct code_page *page, unsigned slot)
{
    page->ops[slot].fn = op_decode;
    fwd_forget(page, slot);
}

static void reset_line(struct cpu *cpu, struct code_page *page, unsigned line)
{
    if (page->jit != NULL && (page->jit->lines & BIT(line)) != 0) {
        jit_drop_lines(cpu, page, BIT(line));
    }
    for (unsigned i = 0; i < SLOTS_PER_LINE; i++) {
        reset_slot(page, line * SLOTS_PER_LINE + i);
    }
    page->lines &= ~BIT(line);
}

/* Has an instruction of the line become another one since it was decoded? */
static bool op_is_stale(const struct code_page *page, unsigned slot)
{
    const struct op *op = &page->ops[slot];

    return op->fn != op_decode && op->word != le32(page->host + 4 * slot);
}

/*
 * Maintenance of the line. What was decoded from the bytes that are there stays: guests invalidate whole pages and more
 * after they have changed little, or nothing.
 */
static void revalidate_line(struct cpu *cpu, struct code_page *page, unsigned line)
{
    uint32_t stale = 0;

    for (unsigned i = 0; i < SLOTS_PER_LINE; i++) {
        stale |= (uint32_t)op_is_stale(page, line * SLOTS_PER_LINE + i) << i;
    }
    if (stale == 0) {
        return;
    }
    if (page->jit != NULL) {
        jit_changed(cpu, page, line);
    }
    for (; stale != 0; stale &= stale - 1) {
        reset_slot(page, line * SLOTS_PER_LINE + (unsigned)__builtin_ctz(stale));
    }
}

static void reset_page(struct cpu *cpu, struct code_page *page)
{
    while (page->lines != 0) {
        reset_line(cpu, page, (unsigned)__builtin_ctzll(page->lines));
    }
    page->vas = VA_NONE;
}

static uint64_t page_bytes(const struct cpu *cpu)
{
    return cpu->priv->jit == NULL ? FWD_PAGE_BYTES : sizeof(struct code_page);
}

static struct code_page *page_make(struct cpu *cpu)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;
    struct code_page *page = ports->alloc(ports->opaque, page_bytes(cpu), 64);

    if (page != NULL) {
        page->has_fwd = cpu->priv->jit == NULL && SOFT_FWD;
        fwd_begin(page);
        page->lines = ~0ull;
        reset_page(cpu, page);
        page->ops[PAGE_SLOTS].fn = op_page_end;
        cpu->priv->code.count++;
    }
    return page;
}

/* A page that has not been looked up for long: the first at the list's end that was not since it came by there last. */
static struct code_page *page_victim(struct code_cache *code)
{
    struct code_page *page = code->oldest;

    while (page != NULL && page->used) {
        page->used = false;
        list_remove(code, page);
        list_push(code, page);
        page = code->oldest;
    }
    return page;
}

/* The jump cache may lead to the page, so all epochs end. */
static struct code_page *page_recycle(struct cpu *cpu)
{
    struct code_cache *code = &cpu->priv->code;
    struct code_page *page = page_victim(code);

    if (page != NULL) {
        list_remove(code, page);
        hash_remove(code, page);
        reset_page(cpu, page);
        if (page->jit != NULL) {
            memset(page->jit->head, 0, sizeof(page->jit->head));
        }
        tlb_new_epochs(cpu);
        cpu->priv->stats.code_drops++;
    }
    return page;
}

struct code_page *code_find(struct cpu *cpu, uint64_t pa, const uint8_t *host, bool guarded)
{
    struct code_cache *code = &cpu->priv->code;
    bool aligned = cpu->priv->jit != NULL && cpu->align_mask != 0;
    bool el0 = cpu->priv->jit != NULL && cpu_el(cpu) == 0;
    struct code_page *page = lookup(code, pa, guarded, aligned, el0);

    if (page == NULL) {
        page = code->count < code->limit ? page_make(cpu) : NULL;
        if (page == NULL && (page = page_recycle(cpu)) == NULL) {
            return NULL;
        }
        page->pa = pa;
        page->guarded = guarded;
        page->aligned = aligned;
        page->el0 = el0;
        page->host = host;
        page->next_hash = code->hash[hash_of(pa)];
        code->hash[hash_of(pa)] = page;
        list_push(code, page);
        cpu->priv->stats.pages_decoded++;
    }
    page->used = true;
    return page;
}

/* The lines of page, which may be NULL, that begin in [first, last]. */
static void forget_lines(struct cpu *cpu, struct code_page *page, uint64_t first, uint64_t last)
{
    if (page->lines == 0) {
        return;
    }
    unsigned from = first > page->pa ? (unsigned)(first - page->pa) / 64 : 0;
    unsigned to = last < page->pa + (SOFT_PAGE - 1) ? (unsigned)(last - page->pa) / 64 : 63;
    for (uint64_t left = page->lines & (~0ull << from) & (~0ull >> (63 - to)); left != 0;
         left &= left - 1) {
        revalidate_line(cpu, page, (unsigned)__builtin_ctzll(left));
    }
}

void code_forget(struct cpu *cpu, uint64_t pa, uint64_t bytes)
{
    const struct code_cache *code = &cpu->priv->code;
    uint64_t first = align_down(pa, 64);
    uint64_t last = pa + (bytes - 1);

    if (bytes == 0) {
        return;
    }
    if (last < pa || last >> 52 != 0 ||
        last - first >= (uint64_t)cpu->priv->code.limit * SOFT_PAGE) {
        code_forget_all(cpu);
        return;
    }
    for (uint64_t at = align_down(first, SOFT_PAGE); at <= last; at += SOFT_PAGE) {
        struct code_page *page = code->hash[hash_of(at)];
        for (; page != NULL; page = page->next_hash) { /* decoded in as many ways as it is used */
            if (page->pa == at) {
                forget_lines(cpu, page, first, last);
            }
        }
    }
}

void code_forget_all(struct cpu *cpu)
{
    for (struct code_page *page = cpu->priv->code.newest; page != NULL; page = page->lru_next) {
        forget_lines(cpu, page, page->pa, page->pa + (SOFT_PAGE - 1));
    }
}

void code_free(struct cpu *cpu)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;
    struct code_page *page = cpu->priv->code.newest;

    while (page != NULL) {
        struct code_page *next = page->lru_next;
        if (page->jit != NULL) {
            ports->free(ports->opaque, page->jit, sizeof(*page->jit));
        }
        ports->free(ports->opaque, page, page->has_fwd ? FWD_PAGE_BYTES : sizeof(*page));
        page = next;
    }
}
