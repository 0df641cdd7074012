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
    return slot == 0 || !decoded(page, slot - 1) ? FWD_NOTHING : fwd_at(page, slot - 1)->left;
}

static const struct fwd_body *body_at(struct code_page *page, unsigned slot)
{
    const struct fwd_body *body = NULL;

    if (decoded(page, slot + 1)) {
        body = fwd_compare(uop_at(page, slot), uop_at(page, slot + 1));
    }
    return body != NULL ? body : fwd_body(uop_at(page, slot));
}

static uint8_t other_of(const struct fwd_body *body, const struct op *op)
{
    return body->other == FWD_RM ? op->rm : op->rd;
}

/* The function for a slot that is given reg. */
static fwd_fn *choose(const struct fwd_body *body, const struct op *op, uint8_t reg, bool keep)
{
    bool rn = op->rn == reg && body->by_rn != NULL;
    bool rm = other_of(body, op) == reg && body->by_rm != NULL;

    if (rn && rm && body->by_both != NULL) {
        return keep ? body->keep_by_both : body->by_both;
    }
    if (rn) {
        return keep ? body->keep_by_rn : body->by_rn;
    }
    if (rm) {
        return keep ? body->keep_by_rm : body->by_rm;
    }
    return keep ? body->keep_none : body->none;
}

/* Would the slot take the value of reg? */
static bool takes(struct code_page *page, unsigned slot, uint8_t reg)
{
    const struct op *op = &page->ops[slot];
    const struct fwd_body *body = decoded(page, slot) ? body_at(page, slot) : NULL;

    return body != NULL && ((op->rn == reg && body->by_rn != NULL) ||
                            (other_of(body, op) == reg && body->by_rm != NULL));
}

/* Is what the slot is given, which it must not have changed, of more use to the next than its result? */
static bool keeps(struct code_page *page, unsigned slot, const struct fwd_body *body)
{
    const struct op *op = &page->ops[slot];
    uint8_t reg = fwd_at(page, slot)->reg;

    return body->keep_none != NULL && reg != FWD_NOTHING && reg != op->rd &&
           !(body->moves_rn && reg == op->rn) && takes(page, slot + 1, reg) &&
           !takes(page, slot + 1, op->rd);
}

static void settle(struct code_page *page, unsigned slot)
{
    struct op *op = &page->ops[slot];
    struct fwd_slot *fwd = fwd_at(page, slot);
    enum uop uop = (enum uop)fwd->uop;
    const struct fwd_body *body = body_at(page, slot);

    fwd->reg = given(page, slot);
    fwd->left = FWD_NOTHING;
    fwd->fn = fwd_through[uop];
    op->fn = uop_table[uop].fn;
    if (body == NULL) {
        return;
    }
    bool keep = keeps(page, slot, body);
    fwd->fn = choose(body, op, fwd->reg, keep);
    if (body->plain != NULL &&
        !keep) { /* who comes by a branch has nothing to leave but the result */
        op->fn = body->plain;
    }
    if (body->leaves != FWD_LEAVES_NOTHING) {
        fwd->left = body->leaves == FWD_SAME || keep ? fwd->reg : op->rd;
    }
}

void fwd_decoded(struct code_page *page, unsigned slot, enum uop uop)
{
    if (!page->has_fwd) {
        return;
    }
    fwd_at(page, slot)->uop = (uint16_t)uop;
    if (slot > 0 && decoded(page, slot - 1)) {
        settle(page, slot - 1);
    }
    settle(page, slot);
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
