/*
 * region.c - which instructions are translated together, and what is known of them.
 *
 * From the head along every branch inside the page, as far as slots have been executed (decoded) and are not
 * translated already (unless the region is made again, because it turned out to be too small). The instruction after a call belongs to the region as an entry: that is where the return
 * comes back to.
 */
#include "accel/soft/jit/region.h"
#include "accel/soft/jit/loop.h"

/* Instructions outside of a region that are looked at for what becomes of NZCV. */
#define LOOK_AHEAD 6

/* In other regions, which are not to be translated again. */
static bool translated(const struct tr *t, unsigned slot)
{
    return t->tier == 0 && jit_near_host(t->jit, &t->page->ops[slot]) != NULL;
}

static bool decoded(const struct tr *t, unsigned slot)
{
    return op_fn_of(&t->page->ops[slot]) != op_decode;
}

int jit_near_target(const struct ti *i)
{
    bool near_ = i->uop == UOP_b_near || i->uop == UOP_bl_near ||
                 (i->uop >= UOP_b_near_eq && i->uop <= UOP_b_near_le) || i->uop == UOP_cbz32_near ||
                 i->uop == UOP_cbz64_near || i->uop == UOP_cbnz32_near ||
                 i->uop == UOP_cbnz64_near || i->uop == UOP_tbz_near || i->uop == UOP_tbnz_near;

    return near_ ? (int)i->slot + (int)((int64_t)i->op.imm / OP_BYTES) : -1;
}

/* Goes elsewhere, and something comes back to the instruction after it: the callee, the handler's ERET. */
static bool is_call(enum uop uop)
{
    switch (uop) {
    case UOP_bl_near:
    case UOP_bl_far:
    case UOP_blr:
    case UOP_blr_bti:
    case UOP_blr_auth:
    case UOP_blr_auth_bti:
    case UOP_svc:
    case UOP_hvc:
    case UOP_isb: return true;
    default: return false;
    }
}

bool jit_falls(enum uop uop)
{
    switch (uop) {
    case UOP_b_near:
    case UOP_b_far:
    case UOP_bl_near:
    case UOP_bl_far:
    case UOP_br:
    case UOP_blr:
    case UOP_br_bti:
    case UOP_blr_bti:
    case UOP_eret:
    case UOP_eret_auth:
    case UOP_br_auth:
    case UOP_blr_auth:
    case UOP_br_auth_bti:
    case UOP_blr_auth_bti:
    case UOP_isb:
    case UOP_undefined:
    case UOP_brk:
    case UOP_svc:
    case UOP_hvc:
    case UOP_smc: return false;
    default: return true;
    }
}

static void lower_slot(const struct tr *t, unsigned slot, struct ti *i)
{
    struct lower lo = { .cpu = t->cpu,
                        .slot = slot,
                        .flags = t->page->guarded ? LOWER_GUARDED : 0 };

    memset(i, 0, sizeof(*i));
    i->slot = (uint16_t)slot;
    i->uop = lower_insn(&lo, t->page->ops[slot].word, &i->op);
}

struct work {
    uint16_t slot[PAGE_SLOTS]; /* to go on from; count of them */
    unsigned count;
    uint64_t seen[PAGE_SLOTS / 64];  /* in the region */
    uint64_t entry[PAGE_SLOTS / 64]; /* after a call  */
    unsigned size;
};

static bool bit_get(const uint64_t *set, unsigned n)
{
    return (set[n / 64] >> n % 64 & 1) != 0;
}
static void bit_set(uint64_t *set, unsigned n)
{
    set[n / 64] |= BIT(n % 64);
}

static void push(const struct tr *t, struct work *w, unsigned slot)
{
    if (slot < PAGE_SLOTS && !bit_get(w->seen, slot) && decoded(t, slot) && !translated(t, slot) &&
        w->count < PAGE_SLOTS) {
        w->slot[w->count++] = (uint16_t)slot;
    }
}

/* A straight line from slot. */
static void walk(struct tr *t, struct work *w, unsigned slot)
{
    while (slot < PAGE_SLOTS && !bit_get(w->seen, slot) && decoded(t, slot) &&
           !translated(t, slot) && w->size < REGION_MAX) {
        struct ti *i = &t->found[w->size];

        lower_slot(t, slot, i);
        bit_set(w->seen, slot);
        t->at[slot] = (int16_t)w->size++;
        int target = jit_near_target(i);
        if (target >= 0 && !is_call(i->uop)) {
            push(t, w, (unsigned)target);
        }
        if (is_call(i->uop) && slot + 1 < PAGE_SLOTS) {
            bit_set(w->entry, slot + 1);
            push(t, w, slot + 1);
        }
        if (!jit_falls(i->uop)) {
            return;
        }
        slot++;
    }
}

/*
 * What becomes of NZCV from a slot outside of the region on? A few instructions that have been decoded are looked at; the region
 * depends on them then.
 */
static enum outside look_outside(struct tr *t, unsigned slot)
{
    enum outside unread = OUTSIDE_DEAD;

    for (unsigned n = 0; n < LOOK_AHEAD && slot < PAGE_SLOTS; n++) {
        struct ti i;

        if (!decoded(t, slot)) {
            return OUTSIDE_LIVE;
        }
        lower_slot(t, slot, &i);
        uint32_t flags = uop_table[i.uop].flags;
        if ((flags & UOP_NZCV_IN) != 0) {
            return OUTSIDE_LIVE;
        }
        t->ahead |= BIT(slot / 16);
        unread = jit_is_exit(&i) ? OUTSIDE_SEEN : unread;
        if ((flags & UOP_NZCV_OUT) != 0) {
            return unread;
        }
        if (i.uop == UOP_b_near || i.uop == UOP_bl_near) {
            slot = (unsigned)jit_near_target(&i);
        } else if ((flags & UOP_ENDS_BLOCK) != 0) {
            return OUTSIDE_LIVE;
        } else {
            slot++;
        }
    }
    return OUTSIDE_LIVE;
}

static enum outside outside(struct tr *t, int slot)
{
    if (slot >= PAGE_SLOTS) {
        return OUTSIDE_LIVE;
    }
    if (t->outside[slot] == OUTSIDE_UNKNOWN) {
        t->outside[slot] = look_outside(t, (unsigned)slot);
    }
    return t->outside[slot];
}

/* What runs after an instruction: marks joins and loops. */
static void ways_of(struct tr *t, struct ti *i)
{
    int target = jit_near_target(i);
    int to[2] = { target, jit_falls(i->uop) ? i->slot + 1 : -1 };

    i->live_way = target < 0 && (uop_table[i->uop].flags & UOP_ENDS_BLOCK) != 0;
    for (unsigned n = 0; n < 2; n++) {
        bool inside = to[n] >= 0 && to[n] < PAGE_SLOTS && t->at[to[n]] >= 0;
        i->next[n] = (int16_t)(inside ? t->at[to[n]] : -1);
        if (to[n] >= 0 && !inside) {
            i->outside |= outside(t, to[n]) != OUTSIDE_DEAD;
            i->live_way |= outside(t, to[n]) == OUTSIDE_LIVE;
        }
    }
    if (i->next[0] >= 0) {
        t->insn[i->next[0]].join = true;
        t->insn[i->next[0]].loop |= target <= i->slot;
        t->cyclic |= target <= i->slot;
    }
    if (i->next[1] >= 0 && &t->insn[i->next[1]] != i + 1) {
        t->insn[i->next[1]].join = true;
    }
}

static void ways(struct tr *t)
{
    t->cyclic = false;
    for (unsigned n = 0; n < t->count; n++) {
        ways_of(t, &t->insn[n]);
    }
}

/* Backward, until nothing changes: NZCV that leave the page are live. */
static void liveness(struct tr *t)
{
    bool again = true;

    while (again) {
        again = false;
        for (unsigned n = t->count; n-- > 0;) {
            struct ti *i = &t->insn[n];
            uint32_t flags = uop_table[i->uop].flags;
            bool out = i->live_way, in;

            for (unsigned m = 0; m < 2; m++) {
                out |= i->next[m] >= 0 && t->insn[i->next[m]].live_in;
            }
            in = (flags & UOP_NZCV_IN) != 0 || ((flags & UOP_NZCV_OUT) == 0 && out);
            again |= t->cyclic && (in != i->live_in || out != i->live_out);
            i->live_in = in;
            i->live_out = out;
        }
    }
}

/*
 * Is the slot entered from elsewhere? A region that is made again takes over only those entries that have been hot: of others,
 * and of the ends of ways between the regions that were, there may be many, and each is a join.
 */
static bool is_entry(const struct tr *t, const struct work *w, unsigned slot)
{
    const struct jit_page *jp = t->page->jit;
    bool head = bit_get(jp->head, slot);

    if (t->tier != 0) {
        head = head && !bit_get(jp->way_end, slot) &&
               jit_near_host(t->jit, &t->page->ops[slot]) != NULL;
    }
    return head || bit_get(w->entry, slot);
}

/* From the order in which they were found to that of their addresses. */
static void in_order(struct tr *t, const struct work *w, unsigned slot)
{
    t->count = 0;
    for (unsigned n = 0; n < PAGE_SLOTS / 64; n++) {
        for (uint64_t left = w->seen[n]; left != 0; left &= left - 1) {
            unsigned s = n * 64 + (unsigned)__builtin_ctzll(left);
            struct ti *i = &t->insn[t->count];
            *i = t->found[t->at[s]];
            i->entry = s == slot || is_entry(t, w, s);
            t->at[s] = (int16_t)t->count++;
        }
    }
}

bool jit_region(struct tr *t, unsigned slot)
{
    struct work w;

    w.count = w.size = 0;
    memset(w.seen, 0, sizeof(w.seen));
    memset(w.entry, 0, sizeof(w.entry));
    memset(t->at, 0xff, sizeof(t->at));
    push(t, &w, slot);
    while (w.count > 0) {
        walk(t, &w, w.slot[--w.count]);
    }
    memset(t->outside, OUTSIDE_UNKNOWN, sizeof(t->outside));
    t->ahead = 0;
    in_order(t, &w, slot);
    ways(t);
    loops_exits(t);
    liveness(t);
    jit_exact(t);
    return t->count != 0;
}
