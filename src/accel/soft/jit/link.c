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
 * be kept where forgotten code begins.
 *
 * Before that the way is counted (count_way instead of interp_way): one that is gone often, and is not a call, shows that its
 * region has been translated when too little was known. jit.c translates it again.
 */
#include "accel/soft/jit/region.h"

#if SOFT_JIT

/* From the displacement of the cold code's own jump to that of the one into shared code. */
#define COLD_SHARED 12

static struct jit_link *link_find(const struct code_page *page, unsigned slot)
{
    struct jit_link *link = page->jit->links;

    while (link != NULL && link->slot != slot) {
        link = link->next;
    }
    return link;
}

/* The jump whose displacement is at `at`. Code that is as it should be is not written: it may be running. */
static void aim(uint8_t *at, const uint8_t *to)
{
    int32_t d = (int32_t)(to - (at + 4)), is;

    memcpy(&is, at, 4);
    if (is != d) {
        memcpy(at, &d, 4);
    }
}

static void way_aim(const struct jit *jit, const struct jit_way *way)
{
    const struct jit_link *link = way->link;

    if (link->host == NULL) {
        aim(way->jump, way->cold);
        aim(way->tail, way->tail + 4);
        aim(way->tail + COLD_SHARED, jit->interp_way);
    } else if (way->left >= 0) {
        aim(way->jump, way->cold);
        aim(way->tail, way->tail + 4);
        aim(way->tail + COLD_SHARED, jit->count_way);
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
    if (link->host != NULL) {
        link->host_rx = (uint64_t)(uintptr_t)(jit->rx + (link->host - jit->rw));
    }
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

/* How often a new way of the region is counted. It does not tell much where the guest changes its code all the time. */
static int32_t times_counted(const struct tr *t)
{
    static const int32_t times[JIT_TIERS] = { 16, 512 };
    int32_t heat = (int32_t)t->jit->heat;
    unsigned churn = t->page->jit->churn / 4u;

    return t->tier < JIT_TIERS && churn < 4 ? times[t->tier] * heat * heat << churn : -1;
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
                             .left = c->call ? -1 : times_counted(t),
                             .looks = c->sets_flags,
                             .saves = c->save != FK_NONE };
    way->tail = as_jmp(a);
    as_lea_rip(a, RAX, (const uint8_t *)way);
    as_jmp_to(a, jit->interp_way);
    if (a->full) {
        return false;
    }
    way->next = link->ways;
    link->ways = way;
    jit->links++;
    way_aim(jit, way);
    return true;
}

void jit_way_counted(const struct jit *jit, struct jit_way *way)
{
    way->left = -1;
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
