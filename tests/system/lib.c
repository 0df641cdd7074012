/*
 * lib.c - printing, page tables, the second CPU; see sys.h.
 */
#include "sys.h"

#define UART 0x09000000ull

struct cpu cpus[4];
struct half lower;
u8 play[1 << 20] __attribute__((aligned(65536)));

extern char vectors[], stack1_end[];
void cpu1_entry(void);

void cpu_init(void);
void cpu1_loop(void) __attribute__((noreturn));
void unexpected(void) __attribute__((noreturn));

/* GCC may call these. */
void *memset(void *p, int c, size_t n);
void *memcpy(void *d, const void *s, size_t n);

__attribute__((optimize("no-tree-loop-distribute-patterns"))) void *memset(void *p, int c, size_t n)
{
    u8 *b = p;

    while (n-- > 0) {
        *b++ = (u8)c;
    }
    return p;
}

__attribute__((optimize("no-tree-loop-distribute-patterns"))) void *memcpy(void *d, const void *s,
                                                                           size_t n)
{
    u8 *to = d;
    const u8 *from = s;

    while (n-- > 0) {
        *to++ = *from++;
    }
    return d;
}

/* ---- Printing -------------------------------------------------------------------------------- */

struct sink {
    char *p, *end; /* NULL: the UART */
};

static void put(struct sink *s, char c)
{
    if (s->p == NULL) {
        wr32(UART, (u8)c);
    } else if (s->p < s->end) {
        *s->p++ = c;
    }
}

static void put_number(struct sink *s, u64 v, unsigned base, unsigned digits)
{
    char text[24];
    unsigned n = 0;

    do {
        text[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v != 0 || n < digits);
    while (n-- > 0) {
        put(s, text[n]);
    }
}

static void format(struct sink *s, const char *fmt, va_list ap)
{
    for (; *fmt != 0; fmt++) {
        if (*fmt != '%') {
            put(s, *fmt);
            continue;
        }
        switch (*++fmt) {
        case 's':
            for (const char *t = va_arg(ap, const char *); *t != 0; t++) {
                put(s, *t);
            }
            break;
        case 'c': put(s, (char)va_arg(ap, u64)); break;
        case 'u': put_number(s, va_arg(ap, u64), 10, 1); break;
        case 'd': {
            int64_t v = va_arg(ap, int64_t);
            if (v < 0) {
                put(s, '-');
            }
            put_number(s, (u64)(v < 0 ? -v : v), 10, 1);
            break;
        }
        case 'x': put_number(s, va_arg(ap, u64), 16, 1); break;
        case 'w': put_number(s, va_arg(ap, u64), 16, 8); break;
        case 'l': put_number(s, va_arg(ap, u64), 16, 16); break;
        default: put(s, *fmt); break;
        }
    }
}

void print(const char *fmt, ...)
{
    struct sink uart = { 0 };
    va_list ap;

    va_start(ap, fmt);
    format(&uart, fmt, ap);
    va_end(ap);
}

void check(const char *what, const char *fmt, ...)
{
    struct sink uart = { 0 };
    va_list ap;

    print("%s ", what);
    va_start(ap, fmt);
    format(&uart, fmt, ap);
    va_end(ap);
    print("\n");
}

const char *name(const char *fmt, ...)
{
    static char texts[4][96];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    struct sink s = { text, text + sizeof(texts[0]) - 1 };
    va_list ap;

    va_start(ap, fmt);
    format(&s, fmt, ap);
    va_end(ap);
    *s.p = 0;
    return text;
}

/* An address as base plus or minus something, if it is near enough. */
static void print_near(u64 address, u64 base)
{
    int64_t d = (int64_t)(address - base);

    if (d > -0x1000000 && d < 0x1000000) {
        print(d < 0 ? "-%x" : "+%x", (u64)(d < 0 ? -d : d));
    } else {
        print("%l", address);
    }
}

void check_trap(const char *what, const struct trap *t, const void *code, u64 base)
{
    unsigned ec = (unsigned)field(t->esr, 26, 6);

    if (done(t)) {
        check(what, "ok %x", t->x[0]);
        return;
    }
    print("%s vec=%u esr=%w elr=", what, t->vec, t->esr);
    print_near(t->elr, (u64)(uintptr_t)code);
    if (ec == 0x20 || ec == 0x21 || ec == 0x24 || ec == 0x25 || ec == 0x22) {
        print(" far=");
        print_near(t->far, base);
    }
    print(" spsr=%w\n", t->spsr & ~0xc00ull); /* BTYPE hangs on FEAT_BTI */
}

void power_off(void)
{
    psci(0x84000008, 0, 0, 0);
    for (;;) {
    }
}

void unexpected(void)
{
    const struct trap *t = &this_cpu->trap;

    print("UNEXPECTED cpu=%u vec=%u esr=%w elr=%l far=%l spsr=%w x30=%l\n", this_cpu->index, t->vec,
          t->esr, t->elr, t->far, t->spsr, t->x[30]);
    power_off();
}

/* ---- Page tables ----------------------------------------------------------------------------- */

static u8 pool[4 << 20] __attribute__((aligned(65536)));
static u64 pool_used, pool_kept;

void *table_alloc(unsigned bytes)
{
    u8 *p;

    pool_used = (pool_used + bytes - 1) & ~(u64)(bytes - 1);
    p = pool + pool_used;
    pool_used += bytes;
    if (pool_used > sizeof(pool)) {
        print("UNEXPECTED out of tables\n");
        power_off();
    }
    for (u64 *q = (u64 *)(void *)p; q < (u64 *)(void *)(p + bytes); q++) {
        *q = 0;
    }
    return p;
}

void tables_free(void)
{
    sctlr_set(0, SCTLR_M);
    pool_used = pool_kept;
}

unsigned half_shift(const struct half *h, int level)
{
    return h->gran + (unsigned)(3 - level) * (h->gran - 3);
}

u64 half_first(const struct half *h)
{
    return h->upper ? ~0ull << h->bits : 0;
}

void half_init(struct half *h, bool upper, unsigned gran, unsigned bits, bool ds)
{
    unsigned stride = gran - 3;
    unsigned levels = (bits - gran + stride - 1) / stride;

    *h = (struct half){ .upper = upper, .ds = ds, .gran = gran, .bits = bits };
    h->start = 4 - (int)levels;
    h->table = table_alloc(1u << gran);
}

u64 *half_desc(struct half *h, u64 va, int level)
{
    u64 *table = h->table;
    u64 in = va & ((1ull << h->bits) - 1);

    for (int l = h->start;; l++) {
        u64 *d = &table[in >> half_shift(h, l) & ((1ull << (h->gran - 3)) - 1)];
        if (l == level) {
            return d;
        }
        if ((*d & 3) != 3) {
            *d = (u64)(uintptr_t)table_alloc(1u << h->gran) | 3;
        }
        table = (u64 *)(uintptr_t)(*d & 0xfffffffff000ull & ~((1ull << h->gran) - 1));
    }
}

void half_map(struct half *h, u64 va, u64 pa, u64 attr, int level)
{
    *half_desc(h, va, level) = pa | attr | (level == 3 ? 3 : 1);
}

static void map_range(struct half *h, u64 first, u64 bytes, u64 attr)
{
    int level = h->gran == 12 ? 2 : 3;
    u64 step = 1ull << half_shift(h, level);

    for (u64 a = first; a < first + bytes; a += step) {
        half_map(h, a, a, attr, level);
    }
}

void half_map_guest(struct half *h)
{
    u64 sh = h->ds ? 0 : PTE_IS;

    map_range(h, 0x08000000, 0x01200000, PTE_AF | PTE_ATTR(MA_DEVICE) | PTE_XN);
    map_range(h, 0x40200000, 0x00200000, PTE_AF | PTE_USER | PTE_RO | sh);
    map_range(h, 0x40400000, 0x00800000, PTE_AF | PTE_XN | sh);
}

static u64 tcr_half(const struct half *h, bool upper)
{
    u64 v;

    if (h == NULL) {
        return upper ? TCR_EPD1 | 25ull << 16 | 2ull << 30 : TCR_EPD0 | 25;
    }
    v = (64 - h->bits) | 1ull << 8 | 1ull << 10 | 3ull << 12;
    if (upper) {
        return (v | (h->gran == 12 ? 2ull : h->gran == 14 ? 1ull : 3ull) << 14) << 16;
    }
    return v | (h->gran == 12 ? 0ull : h->gran == 14 ? 2ull : 1ull) << 14;
}

void mmu_set(const struct half *lo, const struct half *hi, u64 plus)
{
    bool ds = (lo != NULL && lo->ds) || (hi != NULL && hi->ds);
    u64 tcr = tcr_half(lo, false) | tcr_half(hi, true) | (ds ? TCR_DS : 0);

    if ((plus >> 32 & 7) == 0) {
        tcr |= 5ull << 32;
    }
    sctlr_set(0, SCTLR_M);
    MSR("ttbr0_el1", lo == NULL ? 0 : (u64)(uintptr_t)lo->table);
    MSR("ttbr1_el1", hi == NULL ? 0 : (u64)(uintptr_t)hi->table);
    MSR("tcr_el1", tcr | plus);
    MSR("mair_el1", 0x0c4400ff);
    isb();
    flush();
    sctlr_set(SCTLR_M, 0);
}

void mmu_default(void)
{
    if (lower.table == NULL) {
        half_init(&lower, false, 12, 39, false);
        half_map_guest(&lower);
        pool_kept = pool_used;
    }
    mmu_set(&lower, NULL, 0);
}

/* ---- CPUs ------------------------------------------------------------------------------------ */

void cpu_init(void)
{
    MSR("vbar_el1", vectors);
    MSR("sctlr_el1", SCTLR_BASE);
    MSR("cpacr_el1", 3 << 20);
    MSR("cntkctl_el1", 0);
    isb();
}

u64 smccc(bool smc, u64 fn, u64 a, u64 b, u64 c)
{
    register u64 x0 __asm__("x0") = fn;
    register u64 x1 __asm__("x1") = a;
    register u64 x2 __asm__("x2") = b;
    register u64 x3 __asm__("x3") = c;

    if (smc) {
        __asm__ volatile("smc #0"
                         : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7", "x8",
                           "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory");
    } else {
        __asm__ volatile("hvc #0"
                         : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7", "x8",
                           "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory");
    }
    return x0;
}

u64 psci(u64 fn, u64 a, u64 b, u64 c)
{
    return smccc(false, fn, a, b, c);
}

static struct {
    u64 state; /* 0 idle, 1 asked, 2 answered */
    u64 (*fn)(u64);
    u64 x;
    u64 ttbr0, ttbr1, tcr, mair, sctlr;
} mail;

static u64 state(void)
{
    return __atomic_load_n(&mail.state, __ATOMIC_ACQUIRE);
}

/* Who waits for it sleeps by WFE: the host may have fewer CPUs than we have. */
static void set_state(u64 value)
{
    __atomic_store_n(&mail.state, value, __ATOMIC_RELEASE);
    ASM("dsb ish\nsev");
}

void cpu1_loop(void)
{
    if ((mail.sctlr & SCTLR_M) != 0) {
        MSR("ttbr0_el1", mail.ttbr0);
        MSR("ttbr1_el1", mail.ttbr1);
        MSR("tcr_el1", mail.tcr);
        MSR("mair_el1", mail.mair);
        isb();
        ASM("tlbi vmalle1\ndsb sy\nisb");
    }
    MSR("sctlr_el1", mail.sctlr);
    isb();
    __atomic_store_n(&mail.state, 0, __ATOMIC_RELEASE);
    for (;;) {
        while (state() != 1) {
            ASM("wfe");
        }
        mail.x = mail.fn(mail.x);
        set_state(2);
    }
}

void cpu1_start(void)
{
    mail.ttbr0 = MRS("ttbr0_el1");
    mail.ttbr1 = MRS("ttbr1_el1");
    mail.tcr = MRS("tcr_el1");
    mail.mair = MRS("mair_el1");
    mail.sctlr = MRS("sctlr_el1");
    mail.state = 3;
    cpus[1] = (struct cpu){ .stack = (u64)(uintptr_t)stack1_end, .index = 1 };
    dsb();
    if (psci(0xc4000003, 1, (u64)(uintptr_t)cpu1_entry, (u64)(uintptr_t)&cpus[1]) != 0) {
        print("UNEXPECTED no second CPU\n");
        power_off();
    }
    while (state() != 0) {
    }
}

void cpu1_post(u64 (*fn)(u64), u64 x)
{
    mail.fn = fn;
    mail.x = x;
    set_state(1);
}

u64 cpu1_wait(void)
{
    while (state() != 2) {
        ASM("wfe");
    }
    return mail.x;
}

u64 cpu1_call(u64 (*fn)(u64), u64 x)
{
    cpu1_post(fn, x);
    return cpu1_wait();
}

static u64 leave(u64 x)
{
    psci(0x84000002, 0, 0, 0);
    return x;
}

void cpu1_leave(void)
{
    cpu1_post(leave, 0);
    while (psci(0xc4000004, 1, 0, 0) != 1) {
    }
}
