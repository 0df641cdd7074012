/*
 * mmio.c - loads and stores on a device in every form: widths, sign extension, addressing modes, pairs, vectors. Where the
 * syndrome of the abort does not say what to do (ISV = 0: pairs, write-back, SIMD&FP), a hypervisor must read the instruction.
 *
 * The device is the GPIO's five registers of 8 bits from GPIODIR on, four bytes apart.
 */
#include "sys.h"

#define GPIO   0x09030400ull
#define NOBODY 0x09f00000ull /* in the map of the guest, and no device there */

/* Vectors as numbers: V0 and V1, halves, in X2 to X5. */
#define VECTORS "fmov x2, d0\nfmov x3, v0.d[1]\nfmov x4, d1\nfmov x5, v1.d[1]"
/* Values to store: V0 = 0x33, 0x11; V1 = 0x22, 0x44 of words 0 and 2, so that each byte tells where it came from. */
#define STORE_VECTORS                                                                      \
    "mov x6, #0x0033\nmovk x6, #0x0011, lsl #32\nfmov d0, x6\nmov x6, #0x0055\n"           \
    "movk x6, #0x0066, lsl #32\nfmov v0.d[1], x6\nmov x6, #0x0022\n"                       \
    "movk x6, #0x0044, lsl #32\nfmov d1, x6\nmov x6, #0x0077\nmovk x6, #0x0088, lsl #32\n" \
    "fmov v1.d[1], x6\n"

/* F(label, instruction): X0 is the address, 8 more where it goes down. */
#define LOADS(F)                                                                    \
    F(ldrb, "ldrb w1, [x0]")                                                        \
    F(ldrh, "ldrh w1, [x0]")                                                        \
    F(ldr_w, "ldr w1, [x0]")                                                        \
    F(ldr_x, "ldr x1, [x0]")                                                        \
    F(ldrsb_w, "ldrsb w1, [x0]")                                                    \
    F(ldrsb_x, "ldrsb x1, [x0]")                                                    \
    F(ldrsh_w, "ldrsh w1, [x0]")                                                    \
    F(ldrsh_x, "ldrsh x1, [x0]")                                                    \
    F(ldrsw, "ldrsw x1, [x0]")                                                      \
    F(ldrsb_post, "ldrsb x1, [x0], #4")                                             \
    F(ldrsb_pre, "ldrsb w1, [x0, #8]!")                                             \
    F(ldr_zr, "ldr wzr, [x0]")                                                      \
    F(ldur, "ldur w1, [x0, #4]")                                                    \
    F(ldtr, "ldtr w1, [x0, #8]")                                                    \
    F(ldr_offset, "ldr w1, [x0, #12]")                                              \
    F(ldr_index, "mov x2, #8\nldr w1, [x0, x2]")                                    \
    F(ldr_scaled, "mov w2, #2\nldr w1, [x0, w2, uxtw #2]")                          \
    F(ldr_post, "ldr w1, [x0], #4")                                                 \
    F(ldr_pre, "ldr w1, [x0, #4]!")                                                 \
    F(ldr_x_post, "ldr x1, [x0], #8")                                               \
    F(ldrb_pre, "ldrb w1, [x0, #8]!")                                               \
    F(ldrsh_post, "ldrsh x1, [x0], #-4")                                            \
    F(ldrsw_pre, "ldrsw x1, [x0, #4]!")                                             \
    F(ldr_sp, "mov x7, sp\nmov sp, x0\nldr w1, [sp, #16]!\nmov x0, sp\nmov sp, x7") \
    F(ldar_w, "ldar w1, [x0]")                                                      \
    F(ldar_x, "ldar x1, [x0]")                                                      \
    F(ldarb, "ldarb w1, [x0]")                                                      \
    F(ldp_w, "ldp w1, w2, [x0]")                                                    \
    F(ldp_x, "ldp x1, x2, [x0]")                                                    \
    F(ldpsw, "ldpsw x1, x2, [x0]")                                                  \
    F(ldnp, "ldnp w1, w2, [x0, #8]")                                                \
    F(ldp_post, "ldp w1, w2, [x0], #8")                                             \
    F(ldp_pre, "ldp x1, x2, [x0, #-8]!")                                            \
    F(ldp_zr, "ldp wzr, w2, [x0]")                                                  \
    F(prfm, "prfm pldl1keep, [x0]")

#define VECTOR_LOADS(F)                  \
    F(ldr_b, "ldr b0, [x0]")             \
    F(ldr_h, "ldr h0, [x0]")             \
    F(ldr_s, "ldr s0, [x0, #4]")         \
    F(ldr_d, "ldr d0, [x0]")             \
    F(ldr_q, "ldr q0, [x0]")             \
    F(ldur_q, "ldur q0, [x0, #-16]")     \
    F(ldr_s_post, "ldr s0, [x0], #4")    \
    F(ldr_q_pre, "ldr q1, [x0, #-16]!")  \
    F(ldp_s, "ldp s0, s1, [x0]")         \
    F(ldp_d, "ldp d0, d1, [x0], #16")    \
    F(ldp_q, "ldp q0, q1, [x0, #-16]")   \
    F(ld1_1, "ld1 {v0.16b}, [x0]")       \
    F(ld1_1_8b, "ld1 {v0.8b}, [x0], #8") \
    F(ld1_2, "ld1 {v0.4s, v1.4s}, [x0]") \
    F(ld1_2_post, "ld1 {v0.2d, v1.2d}, [x0], #32")

#define STORES(F)                                        \
    F(strb, "strb w1, [x0]")                             \
    F(strh, "strh w1, [x0]")                             \
    F(str_w, "str w1, [x0]")                             \
    F(str_x, "str x1, [x0]")                             \
    F(str_zr, "str wzr, [x0, #4]")                       \
    F(stur, "stur w1, [x0, #8]")                         \
    F(sttr, "sttr w1, [x0, #4]")                         \
    F(str_index, "mov x3, #1\nstr w1, [x0, x3, lsl #2]") \
    F(str_post, "str w1, [x0], #4")                      \
    F(str_pre, "str w1, [x0, #8]!")                      \
    F(strb_post, "strb w1, [x0], #1")                    \
    F(str_x_pre, "str x1, [x0, #8]!")                    \
    F(stlr_w, "stlr w1, [x0]")                           \
    F(stlr_x, "stlr x1, [x0]")                           \
    F(stp_w, "stp w1, w2, [x0]")                         \
    F(stp_x, "stp x1, x2, [x0]")                         \
    F(stnp, "stnp w2, w1, [x0]")                         \
    F(stp_post, "stp w1, w2, [x0], #8")                  \
    F(stp_pre, "stp w1, w2, [x0, #8]!")                  \
    F(stp_zr, "stp xzr, x1, [x0]")                       \
    F(str_s, STORE_VECTORS "str s0, [x0]")               \
    F(str_b, STORE_VECTORS "str b0, [x0, #4]")           \
    F(str_d, STORE_VECTORS "str d0, [x0]")               \
    F(str_q, STORE_VECTORS "str q0, [x0]")               \
    F(str_d_post, STORE_VECTORS "str d1, [x0], #8")      \
    F(str_q_pre, STORE_VECTORS "str q1, [x0, #0]!")      \
    F(stp_s, STORE_VECTORS "stp s0, s1, [x0]")           \
    F(stp_d, STORE_VECTORS "stp d0, d1, [x0], #16")      \
    F(stp_q_low, STORE_VECTORS "stp q0, q1, [x0, #-16]") \
    F(st1_1, STORE_VECTORS "st1 {v1.16b}, [x0]")         \
    F(st1_1_8b, STORE_VECTORS "st1 {v0.8b}, [x0], #8")   \
    F(st1_2, STORE_VECTORS "st1 {v0.2s, v1.2s}, [x0]")

#define LOAD_CODE(label, code) SNIPPET(m_##label, code);
#define VECTOR_CODE(label, code)                                                                 \
    SNIPPET(m_##label, "movi v0.2d, #0xffffffffffffffff\nmovi v1.2d, #0xffffffffffffffff\n" code \
                       "\n" VECTORS);
LOADS(LOAD_CODE)
STORES(LOAD_CODE)
VECTOR_LOADS(VECTOR_CODE)

static void fill(u32 a, u32 b, u32 c, u32 d)
{
    wr32(GPIO, a);
    wr32(GPIO + 4, b);
    wr32(GPIO + 8, c);
    wr32(GPIO + 12, d);
}

static void load(const char *set, const char *what, const u32 *code)
{
    const struct trap *t;

    fill(0x81, 0x42, 0xa4, 0x99);
    t = probe(EL1H, code, GPIO, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull);
    if (done(t)) {
        check(name("mmio.%s.%s", set, what), "x0%s%x x1=%l x2=%l x3=%l x4=%l x5=%l",
              t->x[0] < GPIO ? "-" : "+", t->x[0] < GPIO ? GPIO - t->x[0] : t->x[0] - GPIO, t->x[1],
              t->x[2], t->x[3], t->x[4], t->x[5]);
    } else {
        check_trap(name("mmio.%s.%s", set, what), t, code, GPIO);
    }
}

static void store(const char *set, const char *what, const u32 *code)
{
    const struct trap *t;

    fill(1, 2, 3, 4);
    wr32(GPIO + 16, 5);
    t = probe(EL1H, code, GPIO, 0x000000f7000000e6, 0x000000d5000000c4, 0, 0, 0);
    if (done(t)) {
        check(name("mmio.%s.%s", set, what), "x0+%x %x %x %x %x %x", t->x[0] - GPIO,
              (u64)rd32(GPIO), (u64)rd32(GPIO + 4), (u64)rd32(GPIO + 8), (u64)rd32(GPIO + 12),
              (u64)rd32(GPIO + 16));
    } else {
        check_trap(name("mmio.%s.%s", set, what), t, code, GPIO);
    }
}

static void all_forms(const char *set)
{
#define LOAD(label, code)  load(set, #label, m_##label);
#define STORE(label, code) store(set, #label, m_##label);
    LOADS(LOAD)
    VECTOR_LOADS(LOAD)
    STORES(STORE)
}

/*
 * An external abort: class, status code, address and place; the rest of the syndrome is the implementation's (Linux 6.1's KVM
 * even extends the sign of the class into ESR's upper half).
 */
static void nobody(const char *set, const char *what, const u32 *code)
{
    const struct trap *t = probe(EL1H, code, NOBODY, 0x11, 0x22, 0, 0, 0);

    check(name("mmio.%s.nobody-%s", set, what), "ec=%x dfsc=%x far %s elr+%x x0+%x x1=%x",
          field(t->esr, 26, 6), t->esr & 0x3f,
          t->far >= NOBODY && t->far < NOBODY + 32 ? "right" : "wrong",
          t->elr - (u64)(uintptr_t)code, t->x[0] - NOBODY, t->x[1]);
}

static void all_nobody(const char *set)
{
    nobody(set, "ldr", m_ldr_w);
    nobody(set, "ldr-post", m_ldr_post);
    nobody(set, "ldp", m_ldp_w);
    nobody(set, "str", m_str_w);
    nobody(set, "str-pre", m_str_pre);
    nobody(set, "stp", m_stp_x);
    /* And life goes on. */
    load(set, "after", m_ldr_w);
}

int main(void)
{
    all_forms("off");
    all_nobody("off");
    mmu_default();
    all_forms("on");
    all_nobody("on");
    fill(0, 0, 0, 0);
    return 0;
}
