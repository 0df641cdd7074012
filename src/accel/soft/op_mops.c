/*
 * op_mops.c - memory copy and memory set (FEAT_MOPS): lowering and bodies.
 *
 * DDI 0487, "Memory Copy and Memory Set instructions", CPYFP, CPYP and SETP (A64 instruction descriptions), and "ISS
 * encoding for an exception from the Memory Copy and Memory Set instructions". What the architecture leaves to us:
 *
 *   Option A: after the prologue NZCV is 0. Xn counts towards 0: it is minus the bytes that are left, and the
 *   addresses are the ends, for the forward direction; it is the bytes that are left, and the addresses are the
 *   starts, for the backward one (CPY only). So Xn is all that changes on the way.
 *
 *             start            done            end
 *   forward   |================|---------------|          Xd = end, Xn = done - end
 *   backward  |----------------|===============|          Xd = start, Xn = done - start
 *
 *   The prologue copies nothing, the main part everything, the epilogue nothing: one that has bytes left, or
 *   arguments of the wrong sign, is not well formed. A size of zero is not checked against the option.
 *   Copies that do not overlap go forward.
 *
 * The main part works in blocks inside one page of each side and looks at pending after each: an interrupt is taken
 * with the address of the main instruction, which goes on from its registers. Where there is no fast host memory
 * (devices, ROM, watched pages) a block is a byte, so a fault is exact. CPY and SET have no alignment checks.
 */
#include "accel/soft/engine.h"

/* op->imm: the instruction's options, and where the syndrome has the rest. */
enum {
    OPT_WRITE_USER = 1, /* T, WT: writes as EL0 does */
    OPT_READ_USER = 2,  /* RT; N, RN, WN are hints   */
    OPT_BITS = 15,
    MOPS_EPILOGUE = 16,
    MOPS_SET = 32,
    MOPS_FORWARD_ONLY = 64,
};

/* Sizes above these are made these: CPYF and SET, CPY. */
#define SIZE_MAX_FORWARD 0x7fffffffffffffffull
#define SIZE_MAX_COPY    0x007fffffffffffffull

/* ---- Lowering -------------------------------------------------------------------------------- */

/* Equal registers are CONSTRAINED UNPREDICTABLE; here they are UNDEFINED (and 31 is, by the pattern). */
static bool lower_registers(uint32_t word, struct op *op)
{
    const unsigned d = word & 31, n = word >> 5 & 31, s = word >> 16 & 31;

    op->rd = (uint8_t)d;
    op->rn = (uint8_t)n;
    op->rm = xr_src(s);
    return d != n && d != s && n != s;
}

enum uop lower_cpy(const struct lower *lo, uint32_t word, struct op *op)
{
    const unsigned stage = word >> 22 & 3;
    const bool forward_only = (word >> 26 & 1) == 0;

    if (!lower_registers(word, op)) {
        return UOP_undefined;
    }
    op->imm = bits(word, 12, 4) | (stage == 2 ? MOPS_EPILOGUE : 0) |
              (forward_only ? MOPS_FORWARD_ONLY : 0);
    return stage != 0 ? UOP_mops_copy : forward_only ? UOP_cpyfp : UOP_cpyp;
}

enum uop lower_set(const struct lower *lo, uint32_t word, struct op *op)
{
    const unsigned stage = word >> 14 & 3;

    if (!lower_registers(word, op)) {
        return UOP_undefined;
    }
    op->imm = bits(word, 12, 2) | (stage == 2 ? MOPS_EPILOGUE : 0) | MOPS_SET | MOPS_FORWARD_ONLY;
    return stage != 0 ? UOP_mops_set : UOP_setp;
}

/* ---- Prologues ------------------------------------------------------------------------------- */

/* SCTLR_EL1.MSCEn: the instructions at EL0. */
#define MOPS_CHECK()                                                                            \
    do {                                                                                        \
        if (UNLIKELY(cpu_el(cpu) == 0 && (cpu->priv->sys[SYS_SCTLR_EL1] & SCTLR_MSCEN) == 0)) { \
            cpu_undefined(cpu, op);                                                             \
            LEAVE();                                                                            \
        }                                                                                       \
    } while (0)

static inline uint64_t saturate(uint64_t size, uint64_t max)
{
    return size < max ? size : max;
}

UOP_BODY(setp)
{
    MOPS_CHECK();
    const uint64_t size = saturate(cpu->x[op->rn], SIZE_MAX_FORWARD);

    cpu->x[op->rd] += size;
    cpu->x[op->rn] = -size;
    cpu_set_nzcv(cpu, 0);
    NEXT();
}

UOP_BODY(cpyfp)
{
    MOPS_CHECK();
    const uint64_t size = saturate(cpu->x[op->rn], SIZE_MAX_FORWARD);

    cpu->x[op->rd] += size;
    cpu->x[op->rm] += size;
    cpu->x[op->rn] = -size;
    cpu_set_nzcv(cpu, 0);
    NEXT();
}

/* Backward only if the destination begins inside the source; bits 55:0 of the addresses count. */
UOP_BODY(cpyp)
{
    MOPS_CHECK();
    const uint64_t size = saturate(cpu->x[op->rn], SIZE_MAX_COPY);
    const uint64_t to = bits(cpu->x[op->rd], 0, 56), from = bits(cpu->x[op->rm], 0, 56);

    if (from < to && from + size > to) {
        cpu->x[op->rn] = size;
    } else {
        cpu->x[op->rd] += size;
        cpu->x[op->rm] += size;
        cpu->x[op->rn] = -size;
    }
    cpu_set_nzcv(cpu, 0);
    NEXT();
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

static unsigned read_mo(const struct op *op)
{
    return (op->imm & OPT_READ_USER) != 0 ? MO_USER : 0;
}

static unsigned write_mo(const struct op *op)
{
    return (op->imm & OPT_WRITE_USER) != 0 ? MO_USER : 0;
}

static const struct tlb_ctx *ctx_of(const struct cpu *cpu, unsigned mo)
{
    return mo != 0 ? cpu->tlb_user : cpu->tlb;
}

/* Host address of a byte, or NULL: cpu->left after a fault, else it is no memory for a fast access. What it returns
 * stays good until maintenance from other CPUs is applied, also when the TLB has no room for both sides. */
static const uint8_t *readable(struct cpu *cpu, const struct op *op, uint64_t va)
{
    const unsigned mo = read_mo(op);
    const uint8_t *host = mem_r(cpu, ctx_of(cpu, mo), va, 1);

    if (host == NULL) {
        mem_probe(cpu, op, va, 1, false, mo);
        host = cpu->left ? NULL : mem_r(cpu, ctx_of(cpu, mo), va, 1);
    }
    return host;
}

static uint8_t *writable(struct cpu *cpu, const struct op *op, uint64_t va)
{
    const unsigned mo = write_mo(op);
    uint8_t *host = mem_w(cpu, ctx_of(cpu, mo), va, 1);

    if (host == NULL) {
        mem_probe(cpu, op, va, 1, true, mo);
        host = cpu->left ? NULL : mem_w(cpu, ctx_of(cpu, mo), va, 1);
    }
    return host;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Bytes from va up to the end of its page; and down to the start of it, its own included. */
static uint64_t room_up(uint64_t va)
{
    return SOFT_PAGE - (va & (SOFT_PAGE - 1));
}
static uint64_t room_down(uint64_t va)
{
    return (va & (SOFT_PAGE - 1)) + 1;
}

/* One byte by the slow paths; from == NULL: what is to be read is no fast memory. */
static void copy_byte(struct cpu *cpu, const struct op *op, const uint8_t *from, uint64_t from_va,
                      uint64_t to_va)
{
    const uint64_t value = from != NULL ? *from : mem_ld_slow(cpu, op, from_va, read_mo(op));

    if (!cpu->left) {
        mem_st_slow(cpu, op, to_va, value, write_mo(op));
    }
}

/* Copies a block and returns its size; 0 with cpu->left after a fault. */
static uint64_t copy_block(struct cpu *cpu, const struct op *op)
{
    const int64_t count = (int64_t)cpu->x[op->rn];
    const bool back = count > 0;
    /* First byte in the direction of the copy. */
    const uint64_t from_va = cpu->x[op->rm] + (uint64_t)count - back;
    const uint64_t to_va = cpu->x[op->rd] + (uint64_t)count - back;
    const uint64_t room = back ? least(room_down(from_va), room_down(to_va))
                               : least(room_up(from_va), room_up(to_va));
    const uint64_t size = least(room, back ? (uint64_t)count : -(uint64_t)count);
    const uint8_t *from = readable(cpu, op, from_va);
    uint8_t *to = cpu->left ? NULL : writable(cpu, op, to_va);

    if (cpu->left) {
        return 0;
    }
    if (from == NULL || to == NULL) {
        copy_byte(cpu, op, from, from_va, to_va);
        return cpu->left ? 0 : 1;
    }
    memmove(to - (back ? size - 1 : 0), from - (back ? size - 1 : 0), size);
    return size;
}

static uint64_t set_block(struct cpu *cpu, const struct op *op)
{
    const uint64_t count = cpu->x[op->rn];
    const uint64_t va = cpu->x[op->rd] + count;
    const uint64_t size = least(room_up(va), -count);
    uint8_t *to = writable(cpu, op, va);

    if (cpu->left) {
        return 0;
    }
    if (to == NULL) {
        mem_st_slow(cpu, op, va, cpu->x[op->rm], write_mo(op));
        return cpu->left ? 0 : 1;
    }
    memset(to, (uint8_t)cpu->x[op->rm], size);
    return size;
}

/* ---- Main parts and epilogues ---------------------------------------------------------------- */

/* The exception for arguments that this implementation's prologue has not made. */
static void mismatch(struct cpu *cpu, const struct op *op, bool wrong_option)
{
    const uint32_t set = (op->imm & MOPS_SET) != 0, epilogue = (op->imm & MOPS_EPILOGUE) != 0;
    const uint32_t option_a = 1;

    cpu_exception(cpu, op, EC_MOPS,
                  set << 24 | (uint32_t)(op->imm & OPT_BITS) << 19 | epilogue << 18 |
                      (uint32_t)wrong_option << 17 | option_a << 16 |
                      (uint32_t)bits(op->word, 0, 5) << 10 | (uint32_t)bits(op->word, 16, 5) << 5 |
                      (uint32_t)bits(op->word, 5, 5),
                  0);
}

/* True if there is something to do for which the arguments are right; else that is done with, or cpu->left. */
static bool well_formed(struct cpu *cpu, const struct op *op)
{
    const int64_t count = (int64_t)cpu->x[op->rn];

    if (count == 0) {
        return false;
    }
    if (cpu->flag_c != 0) {
        mismatch(cpu, op, true);
        return false;
    }
    if ((op->imm & MOPS_EPILOGUE) != 0 || ((op->imm & MOPS_FORWARD_ONLY) != 0 && count > 0)) {
        mismatch(cpu, op, false);
        return false;
    }
    return true;
}

/* At least one block; then as long as nobody wants this CPU's attention. */
static NOINLINE void run_blocks(struct cpu *cpu, const struct op *op,
                                uint64_t block(struct cpu *, const struct op *))
{
    if (!well_formed(cpu, op)) {
        return;
    }
    do {
        const uint64_t size = block(cpu, op);

        cpu->x[op->rn] += (int64_t)cpu->x[op->rn] > 0 ? -size : size;
    } while (cpu->x[op->rn] != 0 && !cpu->left &&
             atomic_load_explicit(&cpu->pending, memory_order_relaxed) == 0);
}

/* Bytes left: the instruction is executed again after what is pending. */
#define MOPS_BODY(block)                     \
    do {                                     \
        MOPS_CHECK();                        \
        run_blocks(cpu, op, block);          \
        CHECK_LEFT();                        \
        if (UNLIKELY(cpu->x[op->rn] != 0)) { \
            cpu->pc = cpu_pc(cpu, op);       \
            COUNT_OUT(op, 0);                \
            LEAVE();                         \
        }                                    \
        NEXT();                              \
    } while (0)

UOP_BODY(mops_copy)
{
    MOPS_BODY(copy_block);
}

UOP_BODY(mops_set)
{
    MOPS_BODY(set_block);
}
