/*
 * link.c - direct jumps between the regions of a page.
 *
 * A way out of a region is a jump to its cold code, behind the region, which goes on by shared code (stubs.c):
 *
 *       region:  jcc  cold                       cold:  (store NZCV, if they are only in EFLAGS and perhaps live there)
 *                                                       (look at pending, if the way is backward)
 *                                                       jmp 1f
 *                                                  1:   lea rax, [way]
 *                                                       jmp interp_way
 *
 * All ways to a slot hang on the slot's link. When the slot is translated the jumps themselves are changed: the region's
 * to where the slot's code begins (or to its look at pending, if it has one), the cold code's, too. But where NZCV are live the
 * region's goes on by the cold code that stores them. When that translation is forgotten they are changed back. So nothing has to
 * be kept where forgotten code begins. Other vCPUs may be there meanwhile: share.c.
 *
 * Before that ways are counted, all together, which the cold code does: the way that happens to be the last of many is likely
 * to be one that is gone often, and shows that its region has been translated when too little was known. rethink.c translates
 * it again. Calls are no such sign, and direct at once:
 *
 *                                              1:       sub  way_budget, 1
 *                                                       jns  slot
 *                                                       lea  rax, [way]
 *                                                       jmp  often_way
 */
#include "accel/soft/jit/region.h"
#include "base/assert.h"

#if SOFT_JIT

static struct jit_link *link_find(const struct code_page *page, unsigned slot)
{
    struct jit_link *link = page->jit->links;

    while (link != NULL && link->slot != slot) {
        link = link->next;
    }
    return link;
}

void jit_rewrite(uint8_t *at, const void *bytes, unsigned count)
{
    unsigned in = (uintptr_t)at & 7;
    uint64_t word;

    if (in + count > sizeof(word)) {
        memcpy(at, bytes, count);
        return;
    }
    memcpy(&word, at - in, sizeof(word));
    memcpy((uint8_t *)&word + in, bytes, count);
    __atomic_store_n((uint64_t *)(void *)(at - in), word, __ATOMIC_RELEASE);
}

void jit_room(struct as *a, bool alone, unsigned opcode)
{
    static const uint8_t nop[4][3] = { { 0 }, { 0x90 }, { 0x66, 0x90 }, { 0x0f, 0x1f, 0x00 } };
    unsigned in = ((uintptr_t)a->p + opcode) & 7;

    if (!alone && in > 4) {
        as_bytes(a, nop[8 - in], 8 - in);
    }
}

/* The jump whose displacement is at `at`. Code that is as it should be is not written: it may be running. */
static void aim(uint8_t *at, const uint8_t *to)
{
    int32_t d = (int32_t)(to - (at + 4)), is;

    memcpy(&is, at, 4);
    if (is != d) {
        jit_rewrite(at, &d, 4);
    }
}

/* Others run the way meanwhile: each of these jumps may lead where it led before, or where it will, in any mixture. */
static void way_aim(const struct jit *jit, const struct jit_way *way)
{
    const struct jit_link *link = way->link;

    if (link->host == NULL) {
        aim(way->jump, way->cold);
        aim(way->tail, way->past != NULL ? way->past + 4 : way->tail + 4);
        if (way->past != NULL) {
            aim(way->past, way->past + 4);
        }
        aim(way->shared, jit->interp_way);
    } else if (way->counted) {
        aim(way->past, link->host);
        aim(way->shared, jit->often_way);
        aim(way->tail, way->tail + 4);
        aim(way->jump, way->cold);
    } else {
        const uint8_t *looks = link->check != NULL ? link->check : way->cold;
        aim(way->jump, way->saves && !link->dead ? way->cold : way->looks ? looks : link->host);
        aim(way->tail, link->host);
    }
}

static void *link_alloc(struct jit *jit, size_t size)
{
    if (jit->top - jit->p < JIT_REGION_BYTES + (ptrdiff_t)size) {
        return NULL;
    }
    jit->top -= size;
    return jit->top;
}

static void link_look(const struct jit *jit, struct jit_link *link)
{
    const struct op *op = &link->ops[link->slot];

    link->host = jit_near_host(jit, op);
    link->check = jit_near_check(jit, op);
    link->dead = jit_near_dead(jit, op);
}

/* The slot's link, made if there is none; NULL: no room. */
static struct jit_link *link_to(struct jit *jit, struct code_page *page, unsigned slot)
{
    struct jit_link *link = link_find(page, slot);

    if (link == NULL && (link = link_alloc(jit, sizeof(*link))) != NULL) {
        *link = (struct jit_link){ .ops = page->ops, .slot = slot, .next = page->jit->links };
        link_look(jit, link);
        page->jit->links = link;
    }
    return link;
}

/* Is a new way of the region counted? It does not tell much where the guest changes its code all the time. */
static bool is_counted(const struct tr *t, const struct cold *c)
{
    return t->tier < JIT_TIERS && !c->call && t->page->jit->churn < 16;
}

bool jit_way_out(struct tr *t, const struct cold *c, const uint8_t *start)
{
    struct jit *jit = t->jit;
    struct as *a = &t->a;
    struct jit_link *link = link_to(jit, t->page, c->slot);
    struct jit_way *way = link != NULL ? link_alloc(jit, sizeof(*way)) : NULL;

    if (way == NULL) {
        return false;
    }
    *way = (struct jit_way){ .link = link,
                             .jump = c->from[0],
                             .cold = start,
                             .counted = is_counted(t, c),
                             .looks = c->sets_flags,
                             .saves = c->save != FK_NONE || c->nz >= 0 || c->nz == NZ_MANY };
    jit_room(a, tr_alone(t), 1);
    way->tail = as_jmp(a);
    if (way->counted) {
        as_alu_mi(a, 32, ALU_SUB, RBP, OFF(way_budget), 1);
        jit_room(a, tr_alone(t), 2);
        way->past = as_jcc(a, CC_NS);
    }
    as_lea_rip(a, RAX, (const uint8_t *)way);
    jit_room(a, tr_alone(t), 1);
    way->shared = as_jmp(a);
    if (a->full) {
        return false;
    }
    ASSERT(tr_alone(t) || ((uintptr_t)way->jump & 7) <= 4); /* jit_room has been there */
    way->next = link->ways;
    link->ways = way;
    jit->links++;
    way_aim(jit, way);
    return true;
}

void jit_way_direct(const struct jit *jit, struct jit_way *way)
{
    way->counted = false;
    way_aim(jit, way);
}

void jit_link_set(const struct jit *jit, const struct code_page *page, unsigned slot)
{
    struct jit_link *link = link_find(page, slot);

    if (link != NULL) {
        link_look(jit, link);
        for (const struct jit_way *way = link->ways; way != NULL; way = way->next) {
            way_aim(jit, way);
        }
    }
}

void jit_links_forget(const struct code_page *page, const uint8_t *start, const uint8_t *end)
{
    for (struct jit_link *link = page->jit->links; link != NULL; link = link->next) {
        struct jit_way **at = &link->ways;
        while (*at != NULL) {
            if ((*at)->cold >= start && (*at)->cold < end) {
                *at = (*at)->next;
            } else {
                at = &(*at)->next;
            }
        }
    }
}

#endif
