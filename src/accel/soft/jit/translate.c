/*
 * translate.c - from a region to host code: the services that templates use, and the pass over the region.
 *
 * One pass, in the order of addresses. At an instruction that several ways lead to (join) NZCV are in memory
 * or dead and tr.bias is 0; between joins the translator knows better (tr.fk, tr.bias).
 */
#include "accel/soft/bti.h"
#include "accel/soft/jit/diverge.h"
#include "accel/soft/jit/loop.h"
#include "accel/soft/jit/mem.h"
#include "accel/soft/jit/region.h"
#include "accel/soft/jit/vec.h"

/* ---- Guest registers ------------------------------------------------------------------------- */

/* clang-format off */
const int8_t jit_pin[X_COUNT] = {
    RBX, RSI, RDI, R8, R9, R10, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, R11, R12, R15, -1, -1, -1, -1, -1, -1, -1, -1, R14, R13,
    -1, -1, -1, -1,
};
/* clang-format on */

/* Is t->held still true? Not where a jump leads to, but tr_cold_call's. */
static bool held(const struct tr *t)
{
    return t->held.p == t->a.p && t->a.label != t->a.p;
}

int tr_home(struct tr *t, unsigned g)
{
    int pin = tr_pin(t, g);

    return pin == NOREG && held(t) && t->held.g == g ? t->held.reg : pin;
}

void tr_get(struct tr *t, int w, int dst, unsigned g)
{
    int home = tr_home(t, g);

    if (g == X_ZERO) {
        as_imm(&t->a, dst, 0);
    } else if (home != NOREG) {
        as_mov(&t->a, w, dst, home);
    } else {
        as_load(&t->a, w, dst, RBP, XOFF(g));
    }
}

int tr_src(struct tr *t, int w, unsigned g, int tmp)
{
    if (tr_pin(t, g) != NOREG) {
        return tr_pin(t, g);
    }
    tr_get(t, w, tmp, g);
    return tmp;
}

int tr_dst(struct tr *t, unsigned g, int tmp)
{
    return tr_pin(t, g) != NOREG ? tr_pin(t, g) : tmp;
}

void tr_put(struct tr *t, unsigned g, int reg)
{
    if (g == X_SINK || tr_pin(t, g) == reg) {
        return;
    }
    if (tr_pin(t, g) != NOREG) {
        as_mov(&t->a, 64, tr_pin(t, g), reg);
    } else {
        as_store(&t->a, 64, reg, RBP, XOFF(g));
        t->held.p = t->a.p;
        t->held.reg = reg;
        t->held.g = g;
    }
}

void tr_alu(struct tr *t, int w, enum alu n, int reg, unsigned g)
{
    int home = tr_home(t, g);

    if (home != NOREG) {
        as_alu(&t->a, w, n, reg, home);
    } else {
        as_alu_m(&t->a, w, n, reg, RBP, XOFF(g));
    }
}

void tr_is_constant(struct tr *t, unsigned g, uint64_t v)
{
    t->known_by = t->i;
    t->known_in = g;
    t->known = v;
}

bool tr_constant(const struct tr *t, unsigned g)
{
    const struct ti *i = t->i;

    return t->known_by != NULL && t->known_by == i - 1 && t->known_by->slot + 1 == i->slot &&
           t->known_in == g && !i->join && !i->entry && !i->loop;
}

/* ---- Ways out -------------------------------------------------------------------------------- */

/* NOLINTNEXTLINE(readability-non-const-parameter): as_patch writes through it */
struct cold *tr_cold(struct tr *t, enum cold_kind kind, uint8_t *from)
{
    struct cold *c = &t->cold[t->colds < COLD_MAX - 1 ? t->colds++ : COLD_MAX - 1];

    if (t->colds == COLD_MAX - 1) {
        t->a.full = true;
    }
    *c = (struct cold){ .kind = kind,
                        .from = { from },
                        .slot = t->i->slot,
                        .uop = (uint16_t)t->i->uop,
                        .bias = t->bias,
                        .nz = (int16_t)(t->i->need_in ? NZ_MEMORY : t->i->nz),
                        .nzcv_old = !t->i->seen && !t->i->live_in,
                        .copy_nz = tr_nz(t),
                        .held = NOREG,
                        .loop = t->loop != NULL ? (uint8_t)(t->loop - t->loops + 1) : 0 };
    c->sets_flags = (uop_table[t->i->uop].flags & UOP_NZCV_OUT) != 0;
    return c;
}

void tr_cold_call(struct tr *t, uint8_t *from0, uint8_t *from1, uint8_t *from2)
{
    struct cold *c = tr_cold(t, COLD_CALL, from0);

    c->from[1] = from1;
    c->from[2] = from2;
    c->back = t->a.p;
    if (held(t)) {
        c->held = (int8_t)t->held.reg;
        c->held_g = (uint8_t)t->held.g;
    }
}

bool tr_alone(const struct tr *t)
{
    return t->cpu->vcpu->vm->config.cpus == 1;
}

/* cpu->count_bias += bytes, if instructions are counted. Uses RCX; EFLAGS stay. */
static void add_count(struct tr *t, int32_t bytes)
{
    struct as *a = &t->a;

    if (bytes != 0 && t->jit->counting) {
        as_load(a, 64, RCX, RBP, OFF(count_bias));
        as_lea(a, 64, RCX, RCX, bytes);
        as_store(a, 64, RCX, RBP, OFF(count_bias));
    }
}

static void call_body(struct tr *t, unsigned slot, unsigned uop, bool sets_flags, int32_t bias)
{
    struct as *a = &t->a;

    add_count(t, -bias);
    as_imm(a, RAX, (uint64_t)(uintptr_t)t->page->ops);
    as_imm(a, RCX, slot | uop << 10);
    as_call_to(a, sets_flags ? t->jit->call_out : t->jit->call);
    add_count(t, bias);
}

void tr_call(struct tr *t)
{
    uint32_t flags = uop_table[t->i->uop].flags;

    if (t->loop != NULL) { /* not with its registers */
        t->loop->refused = true;
    }
    if (t->fk == FK_NONE) {
        tr_settle(t, (int16_t)(t->i->need_in ? NZ_MEMORY : t->i->nz));
    } else if (!t->fsaved) {
        tr_flags_save(t);
    }
    call_body(t, t->i->slot, t->i->uop, (flags & UOP_NZCV_OUT) != 0, t->bias);
    t->fk = FK_NONE;
    if (t->i->uop < UOP_fmov_s) { /* others leave FPCR, CPACR_EL1 and the Exception level alone */
        t->vec = 0;
    }
    t->z64 = t->z32 = t->shl = 0;
}

void tr_interpret(struct tr *t, const struct cold *c)
{
    tr_settle(t, c->nz);
    call_body(t, c->slot, c->uop, c->sets_flags, c->bias);
    add_count(t, -c->bias);
    as_imm(&t->a, RAX, (uint64_t)(uintptr_t)t->page->ops);
    as_imm(&t->a, RCX, c->slot + 1u);
    as_jmp_to(&t->a, t->jit->interp_at);
}

void tr_count(struct tr *t, int32_t bytes)
{
    add_count(t, bytes - t->bias);
    t->bias = bytes;
}

bool tr_at_one(const struct tr *t)
{
    return t->page->vas == VA_ONE;
}

void tr_va(struct tr *t, int reg, int64_t offset)
{
    if (tr_at_one(t)) {
        as_imm(&t->a, reg, t->page->va + (uint64_t)offset);
        return;
    }
    as_load(&t->a, 64, reg, RBP, OFF(page_va));
    if (offset == (int32_t)offset) {
        as_lea(&t->a, 64, reg, reg, (int32_t)offset);
    } else {
        as_imm(&t->a, RCX, (uint64_t)offset);
        as_lea_x(&t->a, 64, reg, reg, RCX, 0, 0);
    }
}

void tr_far(struct tr *t, struct far_way way)
{
    struct far_stale stale = jit_far(&t->a, t->jit, way);

    if (stale.from != NULL) {
        tr_cold(t, COLD_STALE, stale.from)->back = stale.back;
    }
}

bool tr_need_at(const struct tr *t, unsigned slot)
{
    return t->at[slot] < 0 ? t->outside[slot] < OUTSIDE_SEEN : t->insn[t->at[slot]].need_in;
}

void tr_fix(struct tr *t, uint8_t *at, unsigned slot, unsigned to)
{
    if (t->fixes == COLD_MAX) {
        t->a.full = true;
        return;
    }
    t->fix[t->fixes].at = at;
    t->fix[t->fixes].slot = (uint16_t)slot;
    t->fix[t->fixes++].to = (uint8_t)to;
}

enum flag_kind tr_flags_unsaved(const struct tr *t, bool need)
{
    return need && !t->fsaved ? t->fk : FK_NONE;
}

/* The jump, or call, goes to a slot of the page; looks: at pending on the way. */
static void way_to(struct tr *t, uint8_t *jump, unsigned slot, bool looks, bool call)
{
    bool inside = t->at[slot] >= 0, live = tr_need_at(t, slot);
    bool dead = !inside && t->outside[slot] == OUTSIDE_DEAD;
    bool comes_back = !call && !jit_falls(t->i->uop) && t->i->uop != UOP_b_near; /* from a call */
    enum flag_kind save = tr_flags_unsaved(t, live || !(inside || dead));
    struct cold *c;

    if (t->loop != NULL) {
        bool leaves = !loop_inside(t, slot);
        if (!leaves && save == FK_NONE) {
            tr_fix(t, jump, slot, FIX_LOOP + (unsigned)(t->loop - t->loops));
            return;
        }
        c = tr_cold(t, leaves ? COLD_EXIT : COLD_WAY, jump);
    } else if (inside && save == FK_NONE) {
        tr_fix(t, jump, slot, looks ? FIX_CHECK : FIX_HOST);
        return;
    } else {
        c = tr_cold(t, inside ? COLD_WAY : COLD_LINK, jump);
    }
    c->slot = (uint16_t)slot;
    c->sets_flags = looks;
    c->call = call;
    c->save = save;
    c->copy_nz = tr_nz_out(t);
    c->nz = (int16_t)(live || dead || t->fk != FK_NONE || comes_back ? NZ_MEMORY : c->copy_nz);
    c->nzcv_old = dead;
}

/* A jump or call to the slot follows, which link.c may change. */
static void way_room(struct tr *t, unsigned opcode, unsigned slot)
{
    if (t->at[slot] < 0) {
        jit_room(&t->a, tr_alone(t), opcode);
    }
}

void tr_way_on(struct tr *t, const struct cold *c)
{
    struct cold *on;
    uint8_t *jump;

    if (t->at[c->slot] >= 0) {
        tr_tell_region(t, &t->insn[t->at[c->slot]], c->copy_nz);
    }
    way_room(t, 1, c->slot);
    jump = as_jmp(&t->a);
    if (t->at[c->slot] >= 0) {
        tr_fix(t, jump, c->slot, c->sets_flags ? FIX_CHECK : FIX_HOST);
        return;
    }
    on = tr_cold(t, COLD_LINK, jump);
    on->slot = c->slot;
    on->sets_flags = c->sets_flags;
    on->nz = c->nz;
    on->nzcv_old = c->nzcv_old;
}

void tr_goto(struct tr *t, int cc, unsigned slot)
{
    struct as *a = &t->a;
    bool backward = slot <= t->i->slot;
    int32_t taken = OP_BYTES * ((int32_t)t->i->slot + 1 - (int32_t)slot);
    uint8_t *jump;

    /* LEA leaves the condition alone. The way that falls through undoes it when it next matters. */
    tr_count(t, taken);
    way_room(t, cc < 0 ? 1 : 2, slot);
    jump = cc < 0 ? as_jmp(a) : as_jcc(a, (enum cc)cc);
    way_to(t, jump, slot, backward, false);
}

void tr_goto_call(struct tr *t, unsigned slot)
{
    uint8_t *call;

    tr_count(t, OP_BYTES * ((int32_t)t->i->slot + 1 - (int32_t)slot));
    way_room(t, 1, slot);
    call = as_call(&t->a);
    way_to(t, call, slot, false, true);
}

/* The way to the next slot, which is not the next one in the region. */
static void fall_through(struct tr *t, unsigned slot)
{
    struct as *a = &t->a;

    if (tr_flags_unsaved(t, slot == PAGE_SLOTS || (t->at[slot] >= 0 && tr_need_at(t, slot)))) {
        tr_flags_save(t);
    }
    if (slot == PAGE_SLOTS) { /* into the next page */
        tr_va(t, RAX, SOFT_PAGE);
        tr_count(t, OP_BYTES * PAGE_SLOTS);
        tr_far(t, (struct far_way){ 0 });
        return;
    }
    tr_count(t, 0);
    way_room(t, 1, slot);
    way_to(t, as_jmp(a), slot, false, false);
}

/* ---- The pass -------------------------------------------------------------------------------- */

static void look_at_pending(struct tr *t, unsigned slot)
{
    struct cold *c;

    as_alu_mi(&t->a, 32, ALU_CMP, RBP, OFF(pending), 0);
    c = tr_cold(t, COLD_PENDING, as_jcc(&t->a, CC_NE));
    c->slot = (uint16_t)slot;
    c->bias = 0;
    c->from[1] = jit_look_at_limit(&t->a, t->jit);
}

/* Everything that a way from elsewhere may count on. */
void tr_join(struct tr *t, const struct ti *i)
{
    if (t->fk != FK_NONE && !t->fsaved && i->need_in) {
        tr_flags_save(t);
    }
    t->fk = FK_NONE;
    vregs_forget(t);
    tr_count(t, 0);
}

static void loop_head(struct tr *t, struct ti *i)
{
    i->check = t->a.p;
    loop_count(t, i);
    look_at_pending(t, i->slot);
}

void tr_forget(struct tr *t)
{
    t->fk = FK_NONE;
    t->bias = 0;
    t->fused = 0;
    t->known_by = NULL;
    t->held.p = NULL;
    t->group.last = NULL;
    vregs_forget(t);
}

/* A mistake for tests to find: the destination is one too many. */
static void plant(struct tr *t, unsigned g)
{
    int r = tr_dst(t, g, RAX);

    tr_get(t, 64, r, g);
    as_lea(&t->a, 64, r, r, 1);
    tr_put(t, g, r);
}

bool jit_moves_sp(const struct ti *i)
{
    struct access x;

    if (jit_is_int(i->uop)) {
        return i->op.rd == X_SP &&
               !(i->uop == UOP_add64_ri && i->op.rn == X_SP && i->op.imm % 16 == 0);
    }
    if (mem_access(i, &x)) {
        return x.base == X_SP && x.writes_back && x.imm % 16 != 0;
    }
    return jit_tmpl_struct[i->uop].fn != NULL && i->op.rn == X_SP;
}

/* Leaves behind the instruction if SP is misaligned now. */
static void look_at_sp(struct tr *t)
{
    struct cold *c;

    tr_clobber(t);
    as_rr(&t->a, 0, 32, 0xf6, 0, tr_pin(t, X_SP), true); /* TEST byte, 15 */
    as_1(&t->a, 15);
    c = tr_cold(t, COLD_PENDING, as_jcc(&t->a, CC_NE));
    c->nz = (int16_t)(t->i->need_out ? NZ_MEMORY : t->i->nz_out);
    c->slot = (uint16_t)(t->i->slot + 1);
}

const struct tmpl *jit_template(enum uop uop)
{
    static const struct tmpl *const tables[] = {
        jit_tmpl_int,       jit_tmpl_branch,  jit_tmpl_mem,    jit_tmpl_atomic,
        jit_tmpl_system,    jit_tmpl_fp,      jit_tmpl_simd,   jit_tmpl_simd_long,
        jit_tmpl_simd_perm, jit_tmpl_simd_fp, jit_tmpl_crypto, jit_tmpl_simd_sat,
        jit_tmpl_struct,    jit_tmpl_bits
    };

    for (unsigned n = 0; n < ARRAY_SIZE(tables); n++) {
        if (tables[n][uop].fn != NULL) {
            return &tables[n][uop];
        }
    }
    return NULL;
}

static void instruction(struct tr *t, const struct ti *i)
{
    const struct tmpl *m = jit_template(i->uop);

    if (m == NULL) {
        tr_call(t);
        return;
    }
    m->fn(t, &i->op, m->arg);
    if (jit_moves_sp(i)) {
        look_at_sp(t);
    }
    if (UNLIKELY(t->jit->plant == i->uop + 1u)) {
        plant(t, i->op.rd);
    }
}

/*
 * PSTATE.BTYPE is what a typed branch left until the next instruction has been executed. Where that is not seen by the
 * count: it ends on the way in, if the instruction takes no exception; or else, behind it.
 */
static bool keeps_btype(const struct tr *t, const struct ti *i)
{
    return i->entry && !t->jit->counting && cpu_has(t->cpu, A64_FEAT_BTI);
}

static bool ends_btype(const struct ti *i)
{
    return jit_is_int(i->uop) || jit_tmpl_branch[i->uop].fn != NULL || i->uop == UOP_bti_c ||
           i->uop == UOP_bti_j || i->uop == UOP_bti_jc || i->uop == UOP_isb;
}

static void end_btype(struct as *a, int base, int32_t disp)
{
    as_rm(a, 0, 32, 0xc7, 0, base, disp, false); /* MOV dword, 0 */
    as_4(a, BTYPE_NONE);
}

/* On a way in; struct cpu is at base + disp. */
static void settle_btype(struct tr *t, const struct ti *i, int base, int32_t disp)
{
    if (keeps_btype(t, i) && ends_btype(i)) {
        end_btype(&t->a, base, disp + (int32_t)offsetof(struct cpu, btype));
    }
}

/* May a way in from the jump cache begin there? Struct jc_entry and jit.far_interp_guarded say where, and jit_rewrite. */
static bool is_far_place(const struct tr *t, const uint8_t *p)
{
    unsigned in = (uintptr_t)p & 7;
    bool parity = t->page->guarded ? (in & 3) == 1 : (in & 1) == 0;

    return parity && (tr_alone(t) || in + JUMP_BYTES <= 8);
}

/*
 * From the jump cache to the instruction: page_va, count_bias as in its slot. There must be room for the jump of entry_close in
 * jit.c: one instruction, if another CPU may be in here. in_line: no jump follows.
 */
static uint8_t *far_way_in(struct tr *t, const struct ti *i, bool in_line)
{
    static const uint8_t nop[JUMP_BYTES] = { 0x0f, 0x1f, 0x44, 0, 0 };
    struct as *a = &t->a;
    uint8_t *start;

    while (!a->full && !is_far_place(t, a->p)) {
        as_1(a, 0xcc);
    }
    start = a->p;
    if (!tr_alone(t)) {
        as_bytes(a, nop, sizeof(nop));
    }
    if (!tr_at_one(t)) {
        as_alu_i(a, 64, ALU_AND, RAX, -(int32_t)SOFT_PAGE);
        as_store(a, 64, RAX, RBP, OFF(page_va));
    }
    add_count(t, -OP_BYTES * i->slot);
    if (i->unsure) {
        tr_redo_note(t, NZ_MEMORY);
    }
    settle_btype(t, i, RBP, -CPU_BIAS);
    if (in_line && a->p < start + sizeof(nop)) {
        as_bytes(a, nop, sizeof(nop));
    }
    return start;
}

/* Where the instruction begins; first: no way leads there from the one before. */
static void begin(struct tr *t, struct ti *i, bool first)
{
    i->far_ = NULL;
    if (i->entry && first) {
        i->far_ = far_way_in(t, i, true);
    }
    if (i->join || i->entry || i->loop) {
        t->held.p = NULL;
        tr_join(t, i);
    }
    if (i->loop) {
        loop_head(t, i);
    }
    i->host = t->a.p;
}

void tr_instruction(struct tr *t, struct ti *i)
{
    const struct ti *next = i + 1;
    bool branch = jit_tmpl_branch[i->uop].fn != NULL;

    t->ended = false;
    if (t->fused > 0) {
        t->fused--;
    } else {
        uint8_t *fused = diverge_check(t);
        tr_keep(t);
        if (branch) {
            tr_tell(t);
        }
        instruction(t, i);
        tr_store(t);
        diverge_fused(t, fused, t->fused);
    }
    if (!branch) {
        tr_tell(t);
    }
    if (!t->ended && t->loop == NULL && keeps_btype(t, i) && !ends_btype(i)) {
        end_btype(&t->a, RBP, OFF(btype));
    }
    if (!t->ended && (next == t->insn + t->count || next->slot != i->slot + 1 ||
                      (t->loop != NULL && !loop_has(t->loop, (unsigned)(next - t->insn))))) {
        fall_through(t, i->slot + 1u);
        t->ended = true;
    }
    if (t->ended) {
        t->fk = FK_NONE;
        t->bias = 0;
        vregs_forget(t);
    }
}

static void body(struct tr *t)
{
    for (unsigned n = 0; n < t->count; n++) {
        struct ti *i = &t->insn[n];

        t->i = i;
        begin(t, i, n == 0 || t->ended);
        i->cold = (uint16_t)t->colds;
        tr_instruction(t, i);
        i->colds = (uint16_t)(t->colds - i->cold);
    }
}

/* ---- Behind the region ----------------------------------------------------------------------- */

static void leave_at(struct tr *t, unsigned slot)
{
    as_imm(&t->a, RAX, (uint64_t)(uintptr_t)t->page->ops);
    as_imm(&t->a, RCX, slot);
    as_jmp_to(&t->a, t->jit->leave_at);
}

/* For something asynchronous: it can wait until NZCV are known. */
static void leave_before(struct tr *t, const struct cold *c)
{
    if (c->nzcv_old) {
        as_rm(&t->a, 0, 32, 0xc6, 0, RBP, OFF(nzcv_old), false); /* MOV byte, 1 */
        as_1(&t->a, 1);
    }
    leave_at(t, c->slot);
}

static void cold_link(struct tr *t, const struct cold *c, const uint8_t *start)
{
    struct as *a = &t->a;

    tr_settle(t, c->nz);
    if (c->sets_flags) {
        uint8_t *limit = jit_look_at_limit(a, t->jit);
        as_alu_mi(a, 32, ALU_CMP, RBP, OFF(pending), 0);
        uint8_t *quiet = as_jcc(a, CC_E);
        if (limit != NULL) {
            as_patch(a, limit, a->p);
        }
        leave_before(t, c);
        as_patch(a, quiet, a->p);
    }
    if (!jit_way_out(t, c, start)) {
        a->full = true;
        return;
    }
    jit_mark_way(t->cpu, t->page, c->slot);
}

/* Those of the jumps at from that there are lead here. */
static void arrive(struct as *a, uint8_t *const from[], unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        if (from[n] != NULL) {
            as_patch(a, from[n], a->p);
        }
    }
}

/* An L0 entry that does not match: the TLB's goes there, and the access on; or what follows calls the body. */
static void cold_l0(struct tr *t, struct cold *c)
{
    struct as *a = &t->a;
    uint8_t *refused = NULL;

    arrive(a, c->from, ARRAY_SIZE(c->from));
    as_lea(a, 64, RDX, c->base, (int32_t)c->imm);
    c->again = a->p;
    if (c->aligned != 0) {
        as_rr(a, 0, 32, 0xf6, 0, RDX, false); /* TEST DL, imm */
        as_1(a, c->aligned);
        refused = as_jcc(a, CC_NE);
    }
    as_imm(a, RCX, (uint64_t)(int64_t)c->l0);
    as_imm(a, RAX, (uint64_t)(uintptr_t)&t->page->ops[c->slot]);
    as_call_to(a, (c->write ? t->jit->l0_write : t->jit->l0_read)[t->page->el0][c->span]);
    if (c->base == RDX) { /* as it was */
        as_lea(a, 64, RDX, RDX, -(int32_t)c->imm);
    }
    as_jcc_to(a, CC_E, c->have);
    arrive(a, &refused, 1);
}

static void cold_pending(struct tr *t, const struct cold *c)
{
    if (!c->nzcv_old) {
        tr_settle(t, c->nz);
    }
    add_count(t, -c->bias);
    leave_before(t, c);
}

static void cold_far(struct tr *t, const struct cold *c)
{
    tr_va(t, RAX, c->imm);
    t->bias = c->bias;
    tr_count(t, OP_BYTES * (c->slot + 1));
    tr_far(t, (struct far_way){ 0 });
}

/* Many iterations of a loop have been counted: jit_rethink shall see to it. */
static void cold_loop(struct tr *t, const struct cold *c)
{
    struct as *a = &t->a;

    if (!c->nzcv_old) {
        tr_settle(t, c->nz);
    }
    as_imm(a, RAX, (uint64_t)(uintptr_t)&t->page->ops[c->slot]);
    as_store(a, 64, RAX, RBP, OFF(loop_op));
    as_lea_rip(a, RAX, a->p);
    as_store(a, 64, RAX, RBP, OFF(loop_at));
    as_1(a, 0xf0); /* LOCK OR */
    as_alu_mi(a, 32, ALU_OR, RBP, OFF(pending), PEND_JIT);
    leave_before(t, c);
}

static void cold_code(struct tr *t, struct cold *c)
{
    const uint8_t *start = t->a.p;

    if (c->kind == COLD_L0 && c->loop == 0) {
        cold_l0(t, c);
    } else {
        arrive(&t->a, c->from, ARRAY_SIZE(c->from));
        c->again = t->a.p;
    }
    if (c->save != FK_NONE) {
        t->fk = c->save;
        tr_flags_save(t);
    }
    if (c->loop != 0 && loop_cold(t, c)) {
        return;
    }
    switch (c->kind) {
    case COLD_WAY: tr_fix(t, as_jmp(&t->a), c->slot, c->sets_flags ? FIX_CHECK : FIX_HOST); break;
    case COLD_L0:
    case COLD_CALL:
        tr_settle(t, c->nz);
        call_body(t, c->slot, c->uop, c->sets_flags, c->bias);
        if (c->held != NOREG) {
            as_load(&t->a, 64, c->held, RBP, XOFF(c->held_g));
        }
        as_jmp_to(&t->a, c->back);
        break;
    case COLD_PENDING: cold_pending(t, c); break;
    case COLD_VEC: vregs_cold(t, c); break;
    case COLD_GROUP: group_cold(t, c); break;
    case COLD_LINK: cold_link(t, c, start); break;
    case COLD_FAR: cold_far(t, c); break;
    case COLD_LOOP: cold_loop(t, c); break;
    case COLD_EXIT:
    case COLD_EXPIRE: break; /* of loops: loop_cold */
    case COLD_STALE: jit_far_stale(&t->a, t->jit, (struct far_stale){ c->from[0], c->back }); break;
    }
}

static uint64_t rx_of(const struct tr *t, const uint8_t *p)
{
    return (uint64_t)(uintptr_t)(t->jit->rx + (p - t->jit->rw));
}

#define ENTRY_ROOM 160 /* bytes, at most */

/* Where other regions go to reach `to`, in the instruction. */
static uint8_t *near_way_in(struct tr *t, const struct ti *i, uint8_t *to)
{
    uint8_t *start = t->a.p;

    if (!i->unsure) {
        return to;
    }
    tr_redo_note(t, NZ_MEMORY);
    as_jmp_to(&t->a, to);
    return start;
}

/*
 * The way in from elsewhere:
 *
 *       far:    far_way_in and on to the instruction; RAX is the address, count_bias as outside of slots. It may be in line
 *       data:   are NZCV dead; check (or 0), far, near (addresses)
 *       slot:   a body's prototype; what op->fn points to
 */
static void entry(struct tr *t, const struct ti *i)
{
    struct as *a = &t->a;
    uint8_t *far_ = i->far_, *near_, *check;

    if (far_ == NULL) {
        far_ = far_way_in(t, i, false);
        as_jmp_to(a, i->host);
    }
    near_ = near_way_in(t, i, i->host);
    check = i->check != NULL ? near_way_in(t, i, i->check) : NULL;
    while (((uintptr_t)a->p & 7) != 0 && !a->full) {
        as_1(a, 0xcc);
    }
    as_8(a, jit_sets_first(i));
    as_8(a, check != NULL ? rx_of(t, check) : 0);
    as_8(a, rx_of(t, far_));
    as_8(a, rx_of(t, near_));
    if (!a->full) {
        uint8_t *slot = a->p; /* LEA RAX, [RIP + host] */
        as_1(a, 0x48);
        as_1(a, 0x8d);
        as_1(a, 0x05);
        as_4(a, 0);
        as_patch(a, a->p - 4, near_);
        settle_btype(t, i, RDI, 0);
        as_jmp_to(a, t->jit->enter);
        if (!a->full) {
            jit_set_entry(t->cpu, t->page, i->slot, (op_fn *)(uintptr_t)rx_of(t, slot));
        }
    }
}

/* Where a jump to the slot leads: enum fix_to. */
static const uint8_t *fixed(const struct tr *t, unsigned slot, unsigned to)
{
    unsigned n = (unsigned)t->at[slot];
    const struct loop *l;

    if (to < FIX_LOOP) {
        const struct ti *i = &t->insn[n];
        return to == FIX_HOST ? i->host : i->take != NULL ? i->take : i->check;
    }
    l = &t->loops[to - FIX_LOOP];
    return l->start[n - l->first];
}

bool jit_translate(struct tr *t)
{
    t->pin = jit_pin;
    t->loop = NULL;
    t->consts = t->uses = t->redos = t->loop_count = 0;
    t->a.label = NULL;
    tr_forget(t);
    body(t);
    loops_translate(t);
    for (unsigned n = 0; n < t->colds && !t->a.full; n++) {
        t->i = &t->insn[0];
        cold_code(t, &t->cold[n]);
    }
    jit_redo_code(t);
    for (unsigned n = 0; n < t->fixes; n++) {
        as_patch(&t->a, t->fix[n].at, fixed(t, t->fix[n].slot, t->fix[n].to));
    }
    vregs_pool(t);
    if (t->a.full || t->a.end - t->a.p < (ptrdiff_t)t->count * ENTRY_ROOM) {
        return false; /* before an op knows of it */
    }
    for (unsigned n = 0; n < t->count; n++) {
        if (t->insn[n].entry) {
            entry(t, &t->insn[n]);
        }
    }
    return !t->a.full;
}
