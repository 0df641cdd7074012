/*
 * t_mem.c - templates of loads and stores (bodies: op_mem.c, op_mem_v.c).
 *
 * The look at an L0 entry (struct tlb_l0) or at the TLB is inline; what it refuses (miss, MMIO, page crossing, watchpoint)
 * goes behind the region: the entry is filled, or the C body called. The guest's address is in RDX, or a pinned base register
 * and a displacement; RCX becomes the addend: the access is at [RCX + base + disp].
 */
#include "accel/soft/jit/loop.h"
#include "accel/soft/jit/mem.h"
#include "accel/soft/op_mem.h"

enum mem_kind { K_LD, K_LDS32, K_LDS64, K_ST, K_LDV, K_STV, K_LDP, K_LDPS, K_STP, K_LDPV, K_STPV };
#define ARG(kind, size) ((unsigned)(kind) | (unsigned)(size) << 8)

/* The L0 entry of literals: nobody else's, since one may lie between the accesses of a group. */
#define LITERAL_L0 (L0_ENTRIES - 1)

static bool is_store(enum mem_kind k)
{
    return k == K_ST || k == K_STV || k == K_STP || k == K_STPV;
}
static bool is_pair(enum mem_kind k)
{
    return k >= K_LDP;
}
static bool is_vector(enum mem_kind k)
{
    return k == K_LDV || k == K_STV || k == K_LDPV || k == K_STPV;
}

/* ---- Addresses ------------------------------------------------------------------------------- */

static struct place in_rdx(struct tr *t, int base, int32_t disp)
{
    as_lea(&t->a, 64, RDX, base, disp);
    return place_at(RDX, 0);
}

static struct place indexed(struct tr *t, const struct op *op, int index, unsigned scale)
{
    struct as *a = &t->a;
    int b = tr_src(t, 64, op->rn, RDX);

    if (scale > 3) {
        as_mov(a, 64, RCX, index);
        as_shift(a, 64, SH_SHL, RCX, scale);
        index = RCX;
        scale = 0;
    }
    as_lea_x(a, 64, RDX, b, index, scale, 0);
    return place_at(RDX, 0);
}

/* The register that is the index, or RCX. */
static int extended_index(struct tr *t, const struct op *op, unsigned form)
{
    bool sp = form == FORM_EXTSP; /* see extended_offset */
    int m = tr_src(t, 64, op->rm, RCX);

    if (form == FORM_UXTW || (sp && op->imm >> 8 == 2)) {
        as_rr(&t->a, 0, 32, 0x8b, RCX, m, false);
        return RCX;
    }
    if (form == FORM_SXTW || (sp && op->imm >> 8 == 6)) {
        as_rr(&t->a, 0, 64, 0x63, RCX, m, false);
        return RCX;
    }
    return m;
}

/* The address of an access; uses RCX. */
static struct place address(struct tr *t, const struct op *op, unsigned form, unsigned size)
{
    switch (form) {
    case FORM_POST:
    case FORM_POSTSP: return place_at(tr_src(t, 64, op->rn, RDX), 0);
    case FORM_REG:
    case FORM_REGS:
        return indexed(t, op, extended_index(t, op, form), form == FORM_REGS ? size : 0);
    case FORM_UXTW:
    case FORM_SXTW: return indexed(t, op, extended_index(t, op, form), (unsigned)op->imm);
    case FORM_EXTSP: return indexed(t, op, extended_index(t, op, form), op->imm & 7);
    default: return place_at(tr_src(t, 64, op->rn, RDX), (int32_t)op->imm);
    }
}

/* ---- The TLB --------------------------------------------------------------------------------- */

/* TEST of a register's low byte; the answered jump is taken if a bit of mask is set. */
static uint8_t *test_low(struct tr *t, int reg, unsigned mask)
{
    as_rr(&t->a, 0, 32, 0xf6, 0, reg, true);
    as_1(&t->a, mask);
    return as_jcc(&t->a, CC_NE);
}

uint8_t *l0_look(struct tr *t, int base, int32_t disp, unsigned span, int32_t l0)
{
    struct as *a = &t->a;
    int32_t limit = (int32_t)(span <= L0_NARROW ? offsetof(struct l0_entry, narrow)
                                                : offsetof(struct l0_entry, wide));

    as_lea(a, 64, RAX, base, disp);
    as_alu_m(a, 64, ALU_SUB, RAX, RBP, l0 + (int32_t)offsetof(struct l0_entry, lo));
    as_alu_m(a, 64, ALU_CMP, RAX, RBP, l0 + limit);
    return as_jcc(a, CC_AE);
}

/* RCX = the addend of the L0 entry. */
static void l0_addend(struct tr *t, int32_t l0)
{
    as_load(&t->a, 64, RCX, RBP, l0 + (int32_t)offsetof(struct l0_entry, addend));
}

/*
 * The same by the TLB at a field of struct cpu: RCX = the addend; the answered jump is taken if the page is not there, or if the
 * access crosses into the next: the last byte's page is looked for where the first's is, and neighbours have different
 * places. Where alignment is checked, by the last element: its low bits are in what is compared.
 */
static uint8_t *tlb_look(struct tr *t, struct place at, unsigned span, unsigned elem, bool write,
                         int32_t tlb)
{
    struct as *a = &t->a;
    bool aligned = t->page->aligned;
    int32_t tag =
        (int32_t)(write ? offsetof(struct tlb_entry, wtag) : offsetof(struct tlb_entry, rtag));
    uint8_t *miss;

    as_lea(a, 64, RAX, at.base, at.disp);
    tr_tlb_slot(a, RAX, tlb);
    as_lea(a, 64, RAX, at.base, at.disp + (int32_t)(aligned ? span - elem : span - 1));
    as_alu_i(a, 64, ALU_AND, RAX, -(int32_t)SOFT_PAGE | (aligned ? (int32_t)elem - 1 : 0));
    as_alu_m(a, 64, ALU_CMP, RAX, RCX, tag);
    miss = as_jcc(a, CC_NE);
    as_load(a, 64, RCX, RCX, offsetof(struct tlb_entry, addend));
    return miss;
}

bool mem_by_tlb(const struct tr *t, unsigned slot)
{
    return (t->page->jit->by_tlb[slot / 64] >> slot % 64 & 1) != 0;
}

int32_t l0_place(const struct tr *t, bool write, unsigned entry)
{
    return OFF(l0[0].e[0][0]) +
           (int32_t)(t->page->el0 * sizeof(struct tlb_l0) +
                     ((write ? L0_WRITE : L0_READ) * (unsigned)L0_ENTRIES + entry) *
                         sizeof(struct l0_entry));
}

/*
 * By an L0 entry: its place does not depend on the address, so it can be loaded before that is known. Where that
 * misses often, by the TLB.
 */
struct door tr_door(struct tr *t, struct place at, unsigned span, unsigned elem, bool write,
                    unsigned entry)
{
    struct door d = { .at = at, .write = write, .span = (uint8_t)__builtin_ctz(span) };

    d.l0 = l0_place(t, write, entry);
    d.aligned = t->page->aligned ? (uint8_t)(elem - 1) : 0;
    if (mem_by_tlb(t, t->i->slot)) {
        d.miss = tlb_look(t, at, span, elem, write, OFF(tlb));
    } else {
        if (d.aligned != 0) {
            as_lea(&t->a, 32, RAX, at.base, at.disp);
            d.low = test_low(t, RAX, d.aligned);
        }
        d.miss = l0_look(t, at.base, at.disp, span, d.l0);
        l0_addend(t, d.l0);
    }
    d.have = t->a.p;
    return d;
}

/* The same by EL0's TLB. */
static struct door lookup_user(struct tr *t, struct place at, unsigned span, unsigned elem,
                               bool write)
{
    struct door d = { .at = at, .write = write };

    d.miss = tlb_look(t, at, span, elem, write, OFF(tlb_user));
    return d;
}

void tr_door_close(struct tr *t, const struct door *d)
{
    struct cold *c;

    tr_cold_call(t, d->miss, d->low, NULL);
    c = &t->cold[t->colds - 1];
    if (d->have != NULL) {
        c->kind = COLD_L0;
        c->have = d->have;
        c->l0 = d->l0;
        c->span = d->span;
        c->aligned = d->aligned;
        c->write = d->write;
        c->base = (int8_t)d->at.base;
        c->imm = d->at.disp;
    }
}

/* ---- Accesses -------------------------------------------------------------------------------- */

/* opcode reg, [the host's address of at, and more bytes]. */
static void at_place(struct tr *t, unsigned prefix, int w, uint32_t opcode, int reg,
                     struct place at, int32_t more, bool byte)
{
    if (at.base == NOREG) {
        as_rm(&t->a, prefix, w, opcode, reg, at.addend, at.disp + more, byte);
    } else {
        as_rmx(&t->a, prefix, w, opcode, reg, at.addend, at.base, at.scale, at.disp + more, byte);
    }
}

static void v_at_place(struct tr *t, uint32_t op, int xmm, struct place at, int32_t more)
{
    if (at.base == NOREG) {
        as_v_rm(&t->a, t->jit->host.level, op, xmm, 0, at.addend, at.disp + more);
    } else {
        as_v_rmx(&t->a, t->jit->host.level, op, xmm, at.addend, at.base, at.scale, at.disp + more);
    }
}

static void load_x(struct tr *t, unsigned g, enum mem_kind k, unsigned size, struct place at,
                   int32_t more)
{
    static const uint32_t zero[] = { 0x0fb6, 0x0fb7, 0x8b, 0x8b };
    static const uint32_t sign[] = { 0x0fbe, 0x0fbf, 0x63, 0x8b };
    int d = tr_dst(t, g, RAX);

    if (k == K_LD || k == K_LDP) {
        at_place(t, 0, size == 3 ? 64 : 32, zero[size], d, at, more, false);
    } else {
        at_place(t, 0, k == K_LDS32 ? 32 : 64, sign[size], d, at, more, false);
    }
    tr_put(t, g, d);
}

static void store_x(struct tr *t, unsigned g, unsigned size, struct place at, int32_t more)
{
    int s = tr_src(t, 64, g, RAX);

    at_place(t, size == 1 ? 0x66 : 0, size == 3 ? 64 : 32, size == 0 ? 0x88 : 0x89, s, at, more,
             size == 0);
}

/* Narrow ones clear the rest of the register. */
static void load_v(struct tr *t, unsigned n, unsigned size, struct place at, int32_t more)
{
    static const uint32_t ops[8] = { V_MOVD_G, V_MOVD_G, V_MOVSS, V_MOVQ, V_MOVUPS };
    int d = v_dst(t, n, NOREG, NOREG, NOREG, SX0);

    if (size <= 1) {
        at_place(t, 0, 32, size == 0 ? 0x0fb6 : 0x0fb7, RAX, at, more, false);
        v2(t, V_MOVD_G, d, RAX);
    } else {
        v_at_place(t, ops[size & 7], d, at, more);
    }
    v_put(t, n, d);
    v_note_zero(t, n, 8u << size);
}

static void store_v(struct tr *t, unsigned n, unsigned size, struct place at, int32_t more)
{
    static const uint32_t ops[8] = { 0, 0, V_MOVSS_ST, V_MOVQ_ST, V_MOVUPS_ST };
    int s = vr(t, n, SX0);

    if (size > 1) {
        v_at_place(t, ops[size & 7], s, at, more);
        return;
    }
    v2(t, V_MOVD_TO_G, s, RAX);
    at_place(t, size == 1 ? 0x66 : 0, 32, size == 0 ? 0x88 : 0x89, RAX, at, more, size == 0);
}

/* A pair of words is one access (FEAT_LSE2; see load_both in op_mem.c). */
static void load_words(struct tr *t, const struct op *op, bool sign, struct place at)
{
    struct as *a = &t->a;

    at_place(t, 0, 64, 0x8b, RAX, at, 0, false);
    as_rr(a, 0, sign ? 64 : 32, sign ? 0x63 : 0x8b, RCX, RAX, false);
    as_shift(a, 64, sign ? SH_SAR : SH_SHR, RAX, 32);
    tr_put(t, op->rd, RCX);
    tr_put(t, op->rm, RAX);
}

static void store_words(struct tr *t, const struct op *op, struct place at)
{
    struct as *a = &t->a;

    if (at.base == NOREG) {
        as_lea(a, 64, RDX, at.addend, at.disp);
    } else {
        as_lea_x(a, 64, RDX, at.addend, at.base, at.scale, at.disp);
    }
    tr_get(t, 32, RCX, op->rd);
    tr_get(t, 64, RAX, op->rm);
    as_shift(a, 64, SH_SHL, RAX, 32);
    as_alu(a, 64, ALU_OR, RCX, RAX);
    as_store(a, 64, RCX, RDX, 0);
}

/* A pair of doublewords is one, too, if all of it is in 16 aligned bytes. */
static void load_pair_d(struct tr *t, const struct op *op, struct place at)
{
    v_at_place(t, V_MOVUPS, SX0, at, 0);
    v_put64(t, op->rd, SX0);
    v_shift(t, V_SHIFT(3), VSH_BYTES_R, SX0, SX0, 8);
    v_put(t, op->rm, SX0);
    v_note_zero(t, op->rm, 64);
}

static void store_pair_d(struct tr *t, const struct op *op, struct place at)
{
    v3g(t, V_UNPCKL(3), SX0, vr(t, op->rd, SX0), op->rm);
    v_at_place(t, V_MOVUPS_ST, SX0, at, 0);
}

/* The base may be one of the registers: that one comes last. */
static void load_pair(struct tr *t, const struct op *op, enum mem_kind k, unsigned size,
                      struct place at)
{
    if (size == 2) {
        load_words(t, op, k == K_LDPS, at);
    } else if (tr_pin(t, op->rd) == at.base) {
        load_x(t, op->rm, k, size, at, 1 << size);
        load_x(t, op->rd, k, size, at, 0);
    } else {
        load_x(t, op->rd, k, size, at, 0);
        load_x(t, op->rm, k, size, at, 1 << size);
    }
}

static void access(struct tr *t, const struct op *op, enum mem_kind k, unsigned size,
                   struct place at)
{
    int32_t second = 1 << size;

    switch (k) {
    case K_ST: store_x(t, op->rd, size, at, 0); break;
    case K_STP:
        if (size == 2) { /* one access: see op_mem.c */
            store_words(t, op, at);
            break;
        }
        store_x(t, op->rd, size, at, 0);
        store_x(t, op->rm, size, at, second);
        break;
    case K_LDV: load_v(t, op->rd, size, at, 0); break;
    case K_STV: store_v(t, op->rd, size, at, 0); break;
    case K_LDPV:
        if (size == 3) {
            load_pair_d(t, op, at);
            break;
        }
        load_v(t, op->rd, size, at, 0);
        load_v(t, op->rm, size, at, second);
        break;
    case K_STPV:
        if (size == 3) {
            store_pair_d(t, op, at);
            break;
        }
        store_v(t, op->rd, size, at, 0);
        store_v(t, op->rm, size, at, second);
        break;
    case K_LDP:
    case K_LDPS: load_pair(t, op, k, size, at); break;
    default: load_x(t, op->rd, k, size, at, 0); break;
    }
}

static bool writes_back(unsigned form)
{
    return form >= FORM_PRE && form <= FORM_POSTSP;
}

/* The base afterwards. */
static void write_back(struct tr *t, const struct op *op, unsigned form)
{
    int d = tr_dst(t, op->rn, RAX), s;

    if (!writes_back(form)) {
        return;
    }
    s = tr_src(t, 64, op->rn, RAX);
    as_lea(&t->a, 64, d, s, (int32_t)op->imm);
    tr_put(t, op->rn, d);
}

/* Does the access write its base twice? What it loads comes last then, as in the body. */
static bool loads_base(const struct op *op, enum mem_kind k)
{
    return !is_store(k) && !is_vector(k) && (op->rd == op->rn || (is_pair(k) && op->rm == op->rn));
}

static bool is_immediate(unsigned form)
{
    return form == FORM_IMM || form == FORM_IMMSP || writes_back(form);
}

/* The L0 entry of an access. */
static unsigned l0_of(const struct op *op, unsigned form)
{
    bool index = form >= FORM_REG && form <= FORM_EXTSP;

    return index ? L0_ENTRIES / 2 + (op->rn * 7u + op->rm) % (L0_ENTRIES / 2 - 1)
                 : op->rn % (L0_ENTRIES / 2);
}

static void t_mem(struct tr *t, const struct op *op, unsigned arg);

bool mem_any_access(const struct ti *i, struct access *x)
{
    const struct tmpl *m = &jit_tmpl_mem[i->uop];
    enum mem_kind k = (enum mem_kind)(m->arg & 0xff);
    unsigned form = m->arg >> 16, size = m->arg >> 8 & 0xff;
    bool immediate = is_immediate(form);

    if (m->fn != t_mem || form >= FORM_EXTSP) {
        return false;
    }
    x->base = i->op.rn;
    x->index = immediate ? NO_INDEX : i->op.rm;
    x->form = form;
    x->shift = form == FORM_REGS ? size : form == FORM_REG || immediate ? 0 : (unsigned)i->op.imm;
    x->entry = l0_of(&i->op, form);
    x->imm = immediate ? (int64_t)i->op.imm : 0;
    x->span = (1u << size) << is_pair(k);
    x->below = k == K_LD && size < 2 ? 1u << 8 * (size + 1) : 0;
    x->write = is_store(k);
    x->post = form == FORM_POST || form == FORM_POSTSP;
    x->writes_back = writes_back(form);
    x->loads_base = loads_base(&i->op, k);
    return true;
}

bool mem_access(const struct ti *i, struct access *x)
{
    return mem_any_access(i, x) && x->index == NO_INDEX;
}

bool mem_writes(const struct ti *i, unsigned g)
{
    unsigned arg = jit_tmpl_mem[i->uop].arg;
    enum mem_kind k = (enum mem_kind)(arg & 0xff);
    bool loads = !is_store(k) && !is_vector(k);

    return (loads && (i->op.rd == g || (is_pair(k) && i->op.rm == g))) ||
           (writes_back(arg >> 16) && i->op.rn == g);
}

/* An access whose page the first of its group has looked at. Moves leave EFLAGS alone. */
static void of_group(struct tr *t, const struct op *op, enum mem_kind k, unsigned size)
{
    unsigned form = jit_tmpl_mem[t->i->uop].arg >> 16;

    if (is_vector(k) || (is_pair(k) && size == 2)) {
        tr_clobber(t);
    }
    struct place at = address(t, op, form, size);
    l0_addend(t, t->group.l0);
    access(t, op, k, size, at);
    write_back(t, op, form);
}

/* Its place. Uses RCX, RDX. */
static struct place of_stream(struct tr *t, const struct op *op, const struct stream *s,
                              unsigned size)
{
    unsigned form = jit_tmpl_mem[t->i->uop].arg >> 16;
    struct place at;

    if (s->folds == FOLDS_BASE && s->index == NO_INDEX) {
        at = place_at(NOREG, form == FORM_POST || form == FORM_POSTSP ? 0 : (int32_t)op->imm);
    } else if (s->folds == FOLDS_BASE) {
        at = place_at(extended_index(t, op, form), 0);
        at.scale = s->shift;
        if (at.scale > 3) {
            as_mov(&t->a, 64, RCX, at.base);
            as_shift(&t->a, 64, SH_SHL, RCX, at.scale);
            at = place_at(RCX, 0);
        }
    } else if (s->folds == FOLDS_INDEX) {
        at = place_at(tr_src(t, 64, op->rn, RDX), 0);
    } else {
        at = address(t, op, form, size);
    }
    if (s->addend == NOREG) {
        l0_addend(t, s->l0);
    } else {
        at.addend = s->addend;
    }
    return at;
}

/* An access of a hot loop whose page has been looked at before the loop. */
static void of_loop(struct tr *t, const struct op *op, enum mem_kind k, unsigned size,
                    const struct stream *s)
{
    unsigned form = jit_tmpl_mem[t->i->uop].arg >> 16;

    if (is_vector(k) || (is_pair(k) && size == 2) || s->shift > 3) {
        tr_clobber(t);
    }
    access(t, op, k, size, of_stream(t, op, s, size));
    write_back(t, op, form);
}

/* arg: kind, size << 8, form << 16. */
static void t_mem(struct tr *t, const struct op *op, unsigned arg)
{
    enum mem_kind k = (enum mem_kind)(arg & 0xff);
    unsigned size = arg >> 8 & 0xff, form = arg >> 16;
    bool wb = writes_back(form);
    bool user = form == FORM_USER || form == FORM_USERSP;
    unsigned span = (1u << size) << is_pair(k);
    const struct stream *s;
    struct access x;
    struct place at;
    struct door d;

    if (is_vector(k)) {
        tr_vec(t, false);
    }
    if (t->loop != NULL && (s = loop_stream(t)) != NULL) {
        of_loop(t, op, k, size, s);
        return;
    }
    if (mem_access(t->i, &x) && group_has(t, &x)) {
        of_group(t, op, k, size);
        return;
    }
    tr_clobber(t);
    at = address(t, op, form, size);
    if (!mem_by_tlb(t, t->i->slot) && mem_access(t->i, &x) && group_plan(t, &x)) {
        group_open(t, at, l0_place(t, is_store(k), l0_of(op, form)));
        l0_addend(t, t->group.l0);
        access(t, op, k, size, at);
        write_back(t, op, form);
        return;
    }
    if (wb && loads_base(op, k)) {
        at.base = in_rdx(t, at.base, at.disp).base;
        at.disp = 0;
    }
    d = user ? lookup_user(t, at, span, 1u << size, is_store(k))
             : tr_door(t, at, span, 1u << size, is_store(k), l0_of(op, form));
    if (loads_base(op, k)) {
        write_back(t, op, form);
    }
    access(t, op, k, size, at);
    if (!loads_base(op, k)) {
        write_back(t, op, form);
    }
    tr_door_close(t, &d);
}

static void t_literal(struct tr *t, const struct op *op, unsigned arg)
{
    enum mem_kind k = (enum mem_kind)(arg & 0xff);
    unsigned size = arg >> 8 & 0xff;
    struct place at;
    struct door d;

    if (is_vector(k)) {
        tr_vec(t, false);
    }
    tr_clobber(t);
    tr_va(t, RDX, 0);
    at = in_rdx(t, RDX, (int32_t)op->imm);
    d = tr_door(t, at, 1u << size, 1u << size, false, LITERAL_L0);
    access(t, op, k, size, at);
    tr_door_close(t, &d);
}

#define T(name, fn_, arg_)   [UOP_##name] = { fn_, arg_ }
#define T_F(name, form, arg) T(name, t_mem, (arg) | (unsigned)(form) << 16)
#define T3(kind, arg)                                                       \
    T_F(kind##_imm, FORM_IMM, arg), T_F(kind##_immsp, FORM_IMMSP, arg),     \
        T_F(kind##_pre, FORM_PRE, arg), T_F(kind##_presp, FORM_PRESP, arg), \
        T_F(kind##_post, FORM_POST, arg), T_F(kind##_postsp, FORM_POSTSP, arg)
#define TF(kind, arg)                                                                \
    T3(kind, arg), T_F(kind##_reg, FORM_REG, arg), T_F(kind##_regs, FORM_REGS, arg), \
        T_F(kind##_uxtw, FORM_UXTW, arg), T_F(kind##_sxtw, FORM_SXTW, arg),          \
        T_F(kind##_extsp, FORM_EXTSP, arg)
#define TU(kind, arg) \
    TF(kind, arg), T_F(kind##_user, FORM_USER, arg), T_F(kind##_usersp, FORM_USERSP, arg)

const struct tmpl jit_tmpl_mem[UOP_COUNT] = {
    TU(ld8, ARG(K_LD, 0)),
    TU(ld8s32, ARG(K_LDS32, 0)),
    TU(ld8s64, ARG(K_LDS64, 0)),
    TU(ld16, ARG(K_LD, 1)),
    TU(ld16s32, ARG(K_LDS32, 1)),
    TU(ld16s64, ARG(K_LDS64, 1)),
    TU(ld32, ARG(K_LD, 2)),
    TU(ld32s64, ARG(K_LDS64, 2)),
    TU(ld64, ARG(K_LD, 3)),
    TU(st8, ARG(K_ST, 0)),
    TU(st16, ARG(K_ST, 1)),
    TU(st32, ARG(K_ST, 2)),
    TU(st64, ARG(K_ST, 3)),
    TF(ldv8, ARG(K_LDV, 0)),
    TF(ldv16, ARG(K_LDV, 1)),
    TF(ldv32, ARG(K_LDV, 2)),
    TF(ldv64, ARG(K_LDV, 3)),
    TF(ldv128, ARG(K_LDV, 4)),
    TF(stv8, ARG(K_STV, 0)),
    TF(stv16, ARG(K_STV, 1)),
    TF(stv32, ARG(K_STV, 2)),
    TF(stv64, ARG(K_STV, 3)),
    TF(stv128, ARG(K_STV, 4)),
    T(ld32_lit, t_literal, ARG(K_LD, 2)),
    T(ld32s64_lit, t_literal, ARG(K_LDS64, 2)),
    T(ld64_lit, t_literal, ARG(K_LD, 3)),
    T(ldv32_lit, t_literal, ARG(K_LDV, 2)),
    T(ldv64_lit, t_literal, ARG(K_LDV, 3)),
    T(ldv128_lit, t_literal, ARG(K_LDV, 4)),
    T3(ldp32, ARG(K_LDP, 2)),
    T3(stp32, ARG(K_STP, 2)),
    T3(ldp32s64, ARG(K_LDPS, 2)),
    T3(ldp64, ARG(K_LDP, 3)),
    T3(stp64, ARG(K_STP, 3)),
    T3(ldpv32, ARG(K_LDPV, 2)),
    T3(ldpv64, ARG(K_LDPV, 3)),
    T3(ldpv128, ARG(K_LDPV, 4)),
    T3(stpv32, ARG(K_STPV, 2)),
    T3(stpv64, ARG(K_STPV, 3)),
    T3(stpv128, ARG(K_STPV, 4)),
};
