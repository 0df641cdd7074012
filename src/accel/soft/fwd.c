/*
 * fwd.c - which of its bodies a slot gets, by what the slots around it are. See fwd.h.
 */
#include "accel/soft/fwd.h"

#if SOFT_FWD

static bool decoded(const struct code_page *page, unsigned slot)
{
    return slot < PAGE_SLOTS && page->ops[slot].fn != op_decode;
}

static struct fwd_slot *fwd_at(struct code_page *page, unsigned slot)
{
    return fwd_of(&page->ops[slot]);
}

static enum uop uop_at(struct code_page *page, unsigned slot)
{
    return (enum uop)fwd_at(page, slot)->uop;
}

/* The register whose value a slot is given by the one before. */
static uint8_t given(struct code_page *page, unsigned slot)
{
    const struct fwd_body *body;

    if (slot == 0 || !decoded(page, slot - 1)) {
        return FWD_NOTHING;
    }
    body = fwd_body(uop_at(page, slot - 1));
    if (body == NULL || body->leaves == FWD_LEAVES_NOTHING) {
        return FWD_NOTHING;
    }
    return body->leaves == FWD_RESULT ? page->ops[slot - 1].rd : fwd_at(page, slot - 1)->reg;
}

/* The function for a slot that is given reg. */
static fwd_fn *choose(const struct fwd_body *body, const struct op *op, uint8_t reg)
{
    uint8_t other = body->other == FWD_RM ? op->rm : op->rd;

    if (op->rn == reg && other == reg && body->by_both != NULL) {
        return body->by_both;
    }
    if (op->rn == reg && body->by_rn != NULL) {
        return body->by_rn;
    }
    return other == reg && body->by_rm != NULL ? body->by_rm : body->none;
}

static void settle(struct code_page *page, unsigned slot)
{
    struct op *op = &page->ops[slot];
    struct fwd_slot *fwd = fwd_at(page, slot);
    enum uop uop = (enum uop)fwd->uop;
    const struct fwd_body *body =
        decoded(page, slot + 1) ? fwd_compare(uop, uop_at(page, slot + 1)) : NULL;

    if (body == NULL) {
        body = fwd_body(uop);
    }
    fwd->reg = given(page, slot);
    fwd->fn = body != NULL ? choose(body, op, fwd->reg) : fwd_through[uop];
    op->fn = body != NULL && body->plain != NULL ? body->plain : uop_table[uop].fn;
}

void fwd_decoded(struct code_page *page, unsigned slot, enum uop uop)
{
    if (!page->has_fwd) {
        return;
    }
    fwd_at(page, slot)->uop = (uint16_t)uop;
    settle(page, slot);
    if (slot > 0 && decoded(page, slot - 1)) {
        settle(page, slot - 1);
    }
    for (unsigned next = slot + 1;
         decoded(page, next) && given(page, next) != fwd_at(page, next)->reg; next++) {
        settle(page, next);
    }
}

void fwd_forget(struct code_page *page, unsigned slot)
{
    if (page->has_fwd) {
        fwd_at(page, slot)->fn = fwd_through[UOP_decode];
        if (slot > 0 && decoded(page, slot - 1)) {
            settle(page, slot - 1);
        }
    }
}

void fwd_begin(struct code_page *page)
{
    if (page->has_fwd) {
        for (unsigned slot = 0; slot < PAGE_SLOTS; slot++) {
            fwd_at(page, slot)->fn = fwd_through[UOP_decode];
        }
        fwd_at(page, PAGE_SLOTS)->fn = fwd_through[UOP_page_end];
    }
}

#else

void fwd_begin(struct code_page *page) {}
void fwd_decoded(struct code_page *page, unsigned slot, enum uop uop) {}
void fwd_forget(struct code_page *page, unsigned slot) {}

#endif
