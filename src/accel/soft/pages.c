/*
 * pages.c - code pages: decoded instructions of guest pages, found by physical address.
 *
 * With a translator one pool serves all CPUs: share.c has the rules. An op is reset by its function alone: the body that is
 * running may still want its registers.
 *
 * The same page of memory may be decoded several times. As guarded (FEAT_BTI) or not: a branch from a guarded page does other
 * than one from elsewhere. With a translator, also for EL0 and EL1, and for CPUs that check the alignment of all accesses. And, as
 * translations are shorter where the address is known, once for the address that it was first entered at, and once for all others. When
 * there is the latter the former is one that goes first.
 *
 * A page that is taken out of the pool is retired until all CPUs have passed.
 */
#include "accel/soft/fwd.h"
#include "accel/soft/jit/jit.h"

#define SLOTS_PER_LINE 16

/* When the pool is full: a part of its pages makes room at once, as that ends all epochs. */
#define RETIRE_PART 16
/* What it may grow by until the others have passed. */
#define SPARE_PART 4
/* Pages for one address that are not needed much longer: so many are retired together. */
#define DOUBLES 64

struct page_key {
    uint64_t pa, va;
    bool guarded, aligned, el0;
};

static unsigned hash_of(uint64_t pa)
{
    uint64_t n = pa >> PAGE_BITS;

    return (unsigned)(n ^ n >> CODE_HASH_BITS) & ((1u << CODE_HASH_BITS) - 1);
}

static struct code_page *first_at(const struct code_cache *code, uint64_t pa)
{
    return __atomic_load_n(&code->hash[hash_of(pa)], __ATOMIC_ACQUIRE);
}

static struct code_page *next_of(const struct code_page *page)
{
    return __atomic_load_n(&page->next_hash, __ATOMIC_ACQUIRE);
}

static bool is_like(const struct code_page *page, const struct page_key *key)
{
    return page->pa == key->pa && page->guarded == key->guarded && page->aligned == key->aligned &&
           page->el0 == key->el0;
}

/* The page for one address, or else for all; *other: that for one, and it is another. */
static struct code_page *lookup(const struct code_cache *code, const struct page_key *key,
                                struct code_page **other)
{
    struct code_page *many = NULL;

    *other = NULL;
    for (struct code_page *page = first_at(code, key->pa); page != NULL; page = next_of(page)) {
        if (!is_like(page, key)) {
            continue;
        }
        if (page->vas == VA_MANY) {
            many = page;
        } else if (page->va == key->va) {
            return page;
        } else {
            *other = page;
        }
    }
    return many;
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

/* Who is looking goes on from the page. */
static void hash_remove(struct code_cache *code, struct code_page *page)
{
    struct code_page **at = &code->hash[hash_of(page->pa)];

    while (*at != page) {
        at = &(*at)->next_hash;
    }
    __atomic_store_n(at, page->next_hash, __ATOMIC_RELEASE);
}

static void hash_add(struct code_cache *code, struct code_page *page)
{
    struct code_page **at = &code->hash[hash_of(page->pa)];

    page->next_hash = *at;
    __atomic_store_n(at, page, __ATOMIC_RELEASE);
}

static void reset_slot(struct code_page *page, unsigned slot)
{
    op_become(&page->ops[slot], op_decode);
    fwd_forget(page, slot);
}

/* Nobody uses it. */
static void page_reset(struct code_page *page)
{
    for (; page->lines != 0; page->lines &= page->lines - 1) {
        unsigned line = (unsigned)__builtin_ctzll(page->lines);
        for (unsigned i = 0; i < SLOTS_PER_LINE; i++) {
            reset_slot(page, line * SLOTS_PER_LINE + i);
        }
    }
    page->reset = 0;
    page->doubled = false;
    if (page->jit != NULL) {
        memset(page->jit, 0, sizeof(*page->jit));
    }
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
        page_reset(page);
        page->ops[PAGE_SLOTS].fn = op_page_end;
        cpu->priv->code->count++;
    }
    return page;
}

/* ---- Retiring -------------------------------------------------------------------------------- */

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

static void page_retire(struct cpu *cpu, struct code_page *page)
{
    struct code_cache *code = cpu->priv->code;

    list_remove(code, page);
    hash_remove(code, page);
    code->doubles -= page->doubled;
    page->lru_next = code->retired;
    code->retired = page;
    cpu->priv->stats.code_drops++;
}

/* Makes room, which is there when all have passed. */
static void retire(struct cpu *cpu)
{
    struct code_cache *code = cpu->priv->code;
    uint32_t wanted = code->count >= code->limit ? code->limit / RETIRE_PART + 1 : 0;
    struct code_page *page, *newer;

    for (page = code->oldest; page != NULL; page = newer) {
        newer = page->lru_prev;
        if (page->doubled) {
            page_retire(cpu, page);
            wanted -= wanted != 0;
        }
    }
    for (; wanted != 0 && (page = page_victim(code)) != NULL; wanted--) {
        page_retire(cpu, page);
    }
    if (code->retired != NULL) {
        code->retired_at = code_announce(code, true);
        code_pass(cpu);
    }
}

static struct code_page *retired_take(struct cpu *cpu)
{
    struct code_cache *code = cpu->priv->code;
    struct code_page *page = code->retired;

    if (page == NULL || !code_all_passed(cpu, code->retired_at)) {
        return NULL;
    }
    code->retired = page->lru_next;
    page_reset(page);
    return page;
}

/* A page to be filled in; NULL: there is none now. */
static struct code_page *page_take(struct cpu *cpu)
{
    struct code_cache *code = cpu->priv->code;
    struct code_page *page;

    if (code->retired == NULL && (code->count >= code->limit || code->doubles >= DOUBLES)) {
        retire(cpu);
    }
    page = retired_take(cpu);
    if (page == NULL &&
        code->count < code->limit + (code->retired != NULL ? code->limit / SPARE_PART : 0)) {
        page = page_make(cpu);
    }
    if (page == NULL && code->retired == NULL) { /* no memory: that of others, then */
        retire(cpu);
        page = retired_take(cpu);
    }
    return page;
}

/* ---- Finding --------------------------------------------------------------------------------- */

static NOINLINE struct code_page *page_new(struct cpu *cpu, const struct page_key *key,
                                           const uint8_t *host)
{
    struct code_cache *code = cpu->priv->code;
    struct code_page *page, *other;

    code_pass(cpu);
    soft_lock(cpu, &code->lock);
    page = lookup(code, key, &other); /* another CPU may have made it */
    if (page == NULL && (page = page_take(cpu)) != NULL) {
        bool many = cpu->priv->jit == NULL;
        if (lookup(code, key, &other) == NULL && other != NULL) { /* it may have been retired */
            many = true;
            code->doubles += !other->doubled;
            other->doubled = true;
        }
        page->pa = key->pa;
        page->va = key->va;
        page->vas = many ? VA_MANY : VA_ONE;
        page->guarded = key->guarded;
        page->aligned = key->aligned;
        page->el0 = key->el0;
        page->host = host;
        hash_add(code, page);
        list_push(code, page);
        cpu->priv->stats.pages_decoded++;
    }
    soft_unlock(&code->lock);
    return page;
}

struct code_page *code_find(struct cpu *cpu, uint64_t pa, uint64_t va, const uint8_t *host,
                            bool guarded)
{
    const bool jit = cpu->priv->jit != NULL;
    const struct page_key key = { .pa = pa,
                                  .va = va,
                                  .guarded = guarded,
                                  .aligned = jit && cpu->align_mask != 0,
                                  .el0 = jit && cpu_el(cpu) == 0 };
    struct code_page *other, *page = lookup(cpu->priv->code, &key, &other);

    if (page == NULL) {
        page = page_new(cpu, &key, host);
    }
    if (page != NULL && !page->used) { /* which others write, too */
        page->used = true;
    }
    return page;
}

/* ---- Maintenance ----------------------------------------------------------------------------- */

static uint64_t lines_of(const struct code_page *page)
{
    return __atomic_load_n(&page->lines, __ATOMIC_ACQUIRE);
}

/* The slots of the line whose instruction has become another one since it was decoded. */
static uint32_t stale_slots(const struct code_page *page, unsigned line)
{
    uint32_t stale = 0;

    for (unsigned i = 0; i < SLOTS_PER_LINE; i++) {
        unsigned slot = line * SLOTS_PER_LINE + i;
        const struct op *op = &page->ops[slot];
        if (op_fn_of(op) != op_decode && op->word != le32(page->host + 4 * slot)) {
            stale |= 1u << i;
        }
    }
    return stale;
}

/*
 * Maintenance of the line. What was decoded from the bytes that are there stays: guests invalidate whole pages and more
 * after they have changed little, or nothing.
 */
static bool revalidate_line(struct cpu *cpu, struct code_page *page, unsigned line)
{
    uint32_t stale = stale_slots(page, line);

    if (stale == 0) {
        return false;
    }
    if (page->jit != NULL) {
        jit_changed(cpu, page, line);
    }
    for (; stale != 0; stale &= stale - 1) {
        reset_slot(page, line * SLOTS_PER_LINE + (unsigned)__builtin_ctz(stale));
    }
    page->reset = atomic_load(&cpu->priv->code->changes) + 1; /* which is announced at the end */
    return true;
}

/* The lines of the page that begin in [first, last]. Is one stale? That is mended, if it is not only asked. */
static bool page_revalidate(struct cpu *cpu, struct code_page *page, uint64_t first, uint64_t last,
                            bool ask)
{
    uint64_t left = lines_of(page);
    bool any = false;

    if (left == 0) {
        return false;
    }
    unsigned from = first > page->pa ? (unsigned)(first - page->pa) / 64 : 0;
    unsigned to = last < page->pa + (SOFT_PAGE - 1) ? (unsigned)(last - page->pa) / 64 : 63;
    for (left &= (~0ull << from) & (~0ull >> (63 - to)); left != 0 && !(ask && any);
         left &= left - 1) {
        unsigned line = (unsigned)__builtin_ctzll(left);
        any |= ask ? stale_slots(page, line) != 0 : revalidate_line(cpu, page, line);
    }
    return any;
}

static bool range_revalidate(struct cpu *cpu, uint64_t first, uint64_t last, bool ask)
{
    bool any = false;

    for (uint64_t at = align_down(first, SOFT_PAGE); at <= last && !(ask && any); at += SOFT_PAGE) {
        struct code_page *page = first_at(cpu->priv->code, at);
        for (; page != NULL; page = next_of(page)) { /* decoded in as many ways as it is used */
            if (page->pa == at) {
                any |= page_revalidate(cpu, page, first, last, ask);
            }
        }
    }
    return any;
}

static void locks_take(struct cpu *cpu)
{
    jit_lock(cpu);
    soft_lock(cpu, &cpu->priv->code->lock);
}

static void locks_release(struct cpu *cpu, bool changed)
{
    if (changed) {
        code_announce(cpu->priv->code, false);
    }
    soft_unlock(&cpu->priv->code->lock);
    jit_unlock(cpu);
}

/* Nothing of [first, last] is stale; share.c says why that is sure. False: it may be. */
static bool is_valid(struct cpu *cpu, uint64_t first, uint64_t last)
{
    const struct code_cache *code = cpu->priv->code;
    uint64_t before;

    if (code->users == 1) {
        return false; /* it is as fast to mend it at once */
    }
    atomic_thread_fence(memory_order_seq_cst); /* after the guest's stores */
    before = atomic_load(&code->changes);
    return atomic_load(&code->lock) == 0 && !range_revalidate(cpu, first, last, true) &&
           atomic_load(&code->lock) == 0 && atomic_load(&code->changes) == before;
}

bool code_forget(struct cpu *cpu, uint64_t pa, uint64_t bytes)
{
    uint64_t first = align_down(pa, 64);
    uint64_t last = pa + (bytes - 1);
    bool changed;

    if (bytes == 0) {
        return false;
    }
    if (last < pa || last >> 52 != 0 ||
        last - first >= (uint64_t)cpu->priv->code->limit * SOFT_PAGE) {
        return code_forget_all(cpu);
    }
    if (is_valid(cpu, first, last)) {
        return false;
    }
    locks_take(cpu);
    changed = range_revalidate(cpu, first, last, false);
    locks_release(cpu, changed);
    return changed;
}

bool code_forget_all(struct cpu *cpu)
{
    bool changed = false;

    locks_take(cpu);
    for (struct code_page *page = cpu->priv->code->newest; page != NULL; page = page->lru_next) {
        changed |= page_revalidate(cpu, page, page->pa, page->pa + (SOFT_PAGE - 1), false);
    }
    locks_release(cpu, changed);
    return changed;
}

/* ---- The end --------------------------------------------------------------------------------- */

static void list_free(struct cpu *cpu, struct code_page *page)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;

    while (page != NULL) {
        struct code_page *next = page->lru_next;
        if (page->jit != NULL) {
            ports->free(ports->opaque, page->jit, sizeof(*page->jit));
        }
        ports->free(ports->opaque, page, page->has_fwd ? FWD_PAGE_BYTES : sizeof(*page));
        page = next;
    }
}

void code_free(struct cpu *cpu)
{
    list_free(cpu, cpu->priv->code->newest);
    list_free(cpu, cpu->priv->code->retired);
}
