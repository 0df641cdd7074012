/*
 * test_fwd.c - bodies that are given the result of the slot before, and compares with their branches (fwd.h): each of them
 * against the same instructions stepped one by one.
 *
 * A program is an instruction that leaves a result, one that perhaps takes it, and a third; HVCs follow. It runs twice, since
 * the first time slots are decoded, and is entered in the middle; a word of it is replaced. What is compared: general
 * registers, NZCV, PC, memory, the number of instructions, and what an exception has left.
 */
#include "rig.h"

#include "accel/soft/fwd.h"

#if SOFT_FWD

#define WINDOW 0x9000u /* bytes at DATA that programs reach */
#define WORDS  3
#define REUSE \
    32 /* starts with the same memory: most programs leave it alone, and filling it takes longer than they do */

struct random {
    uint64_t state;
};

static uint64_t random64(struct random *r)
{
    r->state += 0x9e3779b97f4a7c15ull;
    uint64_t z = r->state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* ---- Instructions ---------------------------------------------------------------------------- */

static enum uop lower(const struct cpu *cpu, uint32_t word, struct op *op)
{
    struct lower lo = { .cpu = cpu, .slot = 1 };

    return lower_insn(&lo, word, op);
}

static bool is_branch(uint32_t word)
{
    return (word & 0x1c000000) == 0x14000000;
}

/* A branch to the second instruction after it. */
static uint32_t branch_forward(uint32_t word)
{
    if ((word & 0x7e000000) == 0x36000000) { /* TBZ, TBNZ */
        return (word & ~0x0007ffe0u) | 2u << 5;
    }
    return (word & ~0x00ffffe0u) | 2u << 5;
}

/* A random word of one of the table's rows that has bodies here; 0: this row has none, it seems. */
static uint32_t random_insn(struct rig *r, struct random *rng, unsigned row_index)
{
    const struct a64_row *row = a64_row(r->vm.a64, row_index);
    uint32_t fields = (uint32_t)random64(rng);
    uint64_t more = random64(rng);
    uint32_t few = (uint32_t)(more & more >> 32); /* more often 0, the plain forms */
    uint32_t word = row->value | ((fields & (few & 1 ? few : ~0u)) & ~row->mask);
    struct op op;

    if (is_branch(word)) {
        word = branch_forward(word);
    }
    if ((random64(rng) & 3) == 0) { /* Rm = Rn, if it has an Rm */
        uint32_t same = (word & ~(31u << 16)) | (word >> 5 & 31) << 16;
        word = a64_decode(r->vm.a64, same) == row ? same : word;
    }
    if ((random64(rng) & 15) == 0) { /* SP, where Rn may be */
        word = a64_decode(r->vm.a64, word | 31 << 5) == row ? word | 31 << 5 : word;
    }
    return a64_decode(r->vm.a64, word) == row && fwd_body(lower(r->cpu, word, &op)) != NULL ? word
                                                                                            : 0;
}

/* ADD Xd, X20, X21: a result for the register that the instruction after it reads. */
static uint32_t result_for(const struct rig *r, struct random *rng, uint32_t word)
{
    struct op op;
    unsigned reg;

    lower(r->cpu, word, &op);
    switch (random64(rng) % 4) {
    case 0: reg = op.rm; break;
    case 1: reg = op.rd; break;
    case 2: reg = (unsigned)(random64(rng) % 31); break;
    default: reg = op.rn; break;
    }
    return 0x8b150280u | (reg < 31 ? reg : 0);
}

/* ---- Running --------------------------------------------------------------------------------- */

struct outcome {
    uint64_t x[31], sp, pc, nzcv, esr, far, elr, insns;
    uint64_t stored;        /* memory is not what it was at the start */
    uint8_t memory[WINDOW]; /* then */
};

struct start {
    uint64_t x[31], nzcv;
    bool stores; /* some instruction of the program does */
};

static uint8_t memory[WINDOW]; /* at DATA, before each program and after it */

/* Nobody has stored but who was to: those are looked at in keep_stores. */
static void expect_untouched(struct rig *r)
{
    assert_memory_equal(rig_at(r, DATA), memory, WINDOW);
}

static void fill_memory(struct rig *r, struct random *rng)
{
    for (unsigned i = 0; i < WINDOW; i += 8) {
        uint64_t v = random64(rng);
        memcpy(memory + i, &v, 8);
    }
    memcpy(rig_at(r, DATA), memory, WINDOW);
}

static void random_start(struct start *s, struct random *rng)
{
    for (unsigned i = 0; i < 31; i++) {
        uint64_t v = random64(rng);
        switch (v & 3) {
        case 0: s->x[i] = v >> 2 & 0x3f8; break;
        case 1: s->x[i] = random64(rng); break;
        default: s->x[i] = DATA + (v >> 2 & 0x7f8); break;
        }
    }
    /* The sum of X20 and X21, which is what is handed on, is an address or an offset, too. */
    s->x[20] = (random64(rng) & 1) != 0 ? DATA : 0;
    s->x[21] = random64(rng) & 0x7fc;
    s->nzcv = random64(rng) & 0xf0000000u;
}

/* Keeps what was stored, and takes it back. */
static void keep_stores(struct rig *r, struct outcome *out)
{
    uint8_t *now = rig_at(r, DATA);

    out->stored = memcmp(now, memory, WINDOW) != 0;
    if (out->stored) {
        memcpy(out->memory, now, WINDOW);
        memcpy(now, memory, WINDOW);
    }
}

static void step_until_exit(struct rig *r)
{
    struct soft_private *p = r->cpu->priv;

    p->exit = &r->exit;
    p->exiting = false;
    r->exit.kind = EXIT_NONE;
    while (!p->exiting) {
        soft_step(r->cpu);
    }
    p->exit = &p->own_exit;
}

static void execute(struct rig *r, const struct start *s, uint64_t pc, bool steps,
                    struct outcome *out)
{
    uint64_t before = cpu_insns(r->cpu);

    for (unsigned i = 0; i < 31; i++) {
        rig_set(r, REG_X0 + i, s->x[i]);
    }
    rig_set(r, REG_PSTATE, EL1H | MASKED | s->nzcv);
    rig_set(r, REG_SP, DATA + 0x800);
    rig_set(r, REG_PC, pc);
    rig_set_sys(r, ESR_EL1, 0);
    rig_set_sys(r, FAR_EL1, 0);
    rig_set_sys(r, ELR_EL1, 0);
    if (steps) {
        step_until_exit(r);
    } else {
        accel_soft.run(r->vcpu, &r->exit);
    }
    assert_int_equal(r->exit.kind, EXIT_SYNDROME);
    for (unsigned i = 0; i < 31; i++) {
        out->x[i] = rig_get(r, REG_X0 + i);
    }
    out->sp = rig_get(r, REG_SP);
    out->pc = rig_get(r, REG_PC);
    out->nzcv = rig_get(r, REG_PSTATE) & 0xf0000000u;
    out->esr = rig_sys(r, ESR_EL1);
    out->far = rig_sys(r, FAR_EL1);
    out->elr = rig_sys(r, ELR_EL1);
    out->insns = cpu_insns(r->cpu) - before;
    out->stored = 0;
    if (s->stores) {
        keep_stores(r, out);
    }
}

static void expect_same(const struct rig *r, const uint32_t *words, const char *how,
                        const struct outcome *got, const struct outcome *want)
{
    char text[WORDS][80];

    if (memcmp(got, want, offsetof(struct outcome, memory)) == 0 &&
        (!got->stored || memcmp(got->memory, want->memory, WINDOW) == 0)) {
        return;
    }
    for (unsigned i = 0; i < WORDS; i++) {
        a64_disasm(r->vm.a64, words[i], CODE + 4 * i, text[i], sizeof(text[i]));
    }
    for (unsigned i = 0; i < 31; i++) {
        if (got->x[i] != want->x[i]) {
            print_message("x%u %llx instead of %llx\n", i, (unsigned long long)got->x[i],
                          (unsigned long long)want->x[i]);
        }
    }
    fail_msg("%s: %s; %s; %s: pc %llx, %llx; nzcv %llx, %llx; insns %llu, %llu", how, text[0],
             text[1], text[2], (unsigned long long)got->pc, (unsigned long long)want->pc,
             (unsigned long long)got->nzcv, (unsigned long long)want->nzcv,
             (unsigned long long)got->insns, (unsigned long long)want->insns);
}

static void put(struct rig *r, const uint32_t *words)
{
    RIG_CODE(r, CODE, words[0], words[1], words[2], I_HVC(3), I_HVC(4), I_HVC(5));
}

static void check(struct rig *r, struct random *rng, const uint32_t *words)
{
    static struct start start;
    static struct outcome want, got;
    static unsigned count;

    if (count++ % REUSE == 0) {
        expect_untouched(r);
        fill_memory(r, rng);
    }
    random_start(&start, rng);
    start.stores = false;
    for (unsigned i = 0; i < WORDS; i++) {
        struct op op;
        start.stores |= strncmp(uop_table[lower(r->cpu, words[i], &op)].name, "st", 2) == 0;
    }
    for (unsigned first = 0; first < 2; first++) {
        execute(r, &start, CODE + 4 * first, true, &want);
        execute(r, &start, CODE + 4 * first, false, &got);
        expect_same(r, words, first == 0 ? "first time" : "entered in the middle", &got, &want);
        execute(r, &start, CODE + 4 * first, false, &got);
        expect_same(r, words, first == 0 ? "again" : "entered in the middle again", &got, &want);
    }
}

/* ---- Tests ----------------------------------------------------------------------------------- */

enum { NONE = 1, BY_RN = 2, BY_RM = 4, BY_BOTH = 8, KEEP = 4 /* shift */ };

static unsigned way_of(const struct fwd_body *body, fwd_fn *fn)
{
    fwd_fn *const ways[] = {
        body->none,      body->by_rn,      body->by_rm,      body->by_both,
        body->keep_none, body->keep_by_rn, body->keep_by_rm, body->keep_by_both
    };

    for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
        if (fn == ways[i]) {
            return 1u << i;
        }
    }
    return 0;
}

static unsigned ways_of(const struct fwd_body *body)
{
    unsigned ways = NONE | (body->by_rn != NULL ? BY_RN : 0) | (body->by_rm != NULL ? BY_RM : 0) |
                    (body->by_both != NULL ? BY_BOTH : 0);

    return body->keep_none != NULL ? ways | ways << KEEP : ways;
}

static struct code_page *page_of(struct rig *r)
{
    return code_find(r->cpu, CODE, CODE, rig_at(r, CODE), false);
}

/* Ways that cannot be: by an index that is not there, by SP (results here go to X0-X30), EXTR that is a rotation. */
static unsigned impossible(enum uop uop)
{
    const char *name = uop_table[uop].name;
    size_t length = strlen(name);
    bool load = strncmp(name, "ld", 2) == 0, store = strncmp(name, "st", 2) == 0;
    bool sp = length > 2 && strcmp(name + length - 2, "sp") == 0;
    bool reg = strstr(name, "_reg") != NULL || strstr(name, "xtw") != NULL ||
               strstr(name, "_extsp") != NULL;

    return (load && (!reg || sp) ? BY_RM : 0) | ((load || store) && sp ? BY_RN : 0) |
           (uop == UOP_extr32 || uop == UOP_extr64 ? BY_BOTH : 0);
}

/* Once with nothing after it, once with a reader of what it was given. */
static void one(struct rig *r, struct random *rng, uint32_t word, uint8_t seen[UOP_COUNT])
{
    uint32_t first = result_for(r, rng, word);
    uint32_t reader = 0x8b170016 | (first & 31) << 5; /* ADD X22, Xn, X23 */
    struct op op;
    enum uop uop = lower(r->cpu, word, &op);

    for (unsigned n = 0; n < 2; n++) {
        const uint32_t words[WORDS] = { first, word, n == 0 ? I_NOP : reader };
        put(r, words);
        check(r, rng, words);
        seen[uop] |= (uint8_t)way_of(fwd_body(uop), fwd_of(&page_of(r)->ops[1])->fn);
    }
}

/* Every body in every way. */
static void test_all(void **state)
{
    /* SXTB, SXTH, SXTW, MUL: few of their rows. */
    static const uint32_t rare[] = { 0x13001c00, 0x13003c00, 0x93401c00, 0x93403c00,
                                     0x93407c00, 0x1b057c00, 0x9b057c00 };
    static uint8_t seen[UOP_COUNT];
    struct random rng = { 1 };
    bool failed = false;
    struct rig r;

    rig_make(&r);
    fill_memory(&r, &rng);
    for (unsigned row = 0; row < A64_INSN_COUNT; row++) {
        unsigned fruitless = 0;
        for (unsigned n = 0; n < 3000 && fruitless < 60; n++) {
            uint32_t word = random_insn(&r, &rng, row);
            fruitless = word == 0 ? fruitless + 1 : 0;
            if (word != 0) {
                one(&r, &rng, word, seen);
            }
        }
    }
    for (unsigned n = 0; n < 100 * ARRAY_SIZE(rare); n++) {
        one(&r, &rng, rare[n % ARRAY_SIZE(rare)] | ((uint32_t)random64(&rng) & 0x3ff), seen);
    }
    for (enum uop uop = 0; uop < UOP_COUNT; uop++) {
        const struct fwd_body *body = fwd_body(uop);
        unsigned never = impossible(uop) | impossible(uop) << KEEP;
        never |= body != NULL && body->moves_rn ? BY_RN << KEEP : 0;
        unsigned missing = body != NULL ? ways_of(body) & ~seen[uop] & ~never : 0;
        if (missing != 0) {
            print_message("%s: ways %x never taken\n", uop_table[uop].name, missing);
            failed = true;
        }
    }
    assert_false(failed);
    expect_untouched(&r);
    rig_drop(&r);
}

/* Every compare with every condition, in every way, entered at the branch, too. */
static void test_compares(void **state)
{
    static const uint32_t compares[] = {
        0x71000000, 0xf1000000, 0x6b000000, 0xeb000000, /* SUBS */
        0x72000000, 0xf2400000, 0x6a000000, 0xea000000, /* ANDS */
    };
    struct random rng = { 2 };
    struct rig r;

    rig_make(&r);
    fill_memory(&r, &rng);
    for (unsigned n = 0; n < 8 * 14 * 60; n++) {
        uint32_t word = compares[n % 8] | ((uint32_t)random64(&rng) & 31 << 5);
        uint32_t immediate = n % 8 < 2 ? ((uint32_t)random64(&rng) & 0x7ff) << 10 : 0;
        uint32_t register_ = n % 8 % 4 >= 2 ? ((uint32_t)random64(&rng) & 31) << 16 : 0;
        uint32_t rd = (random64(&rng) & 1) != 0 ? 31 : (uint32_t)random64(&rng) & 31;
        word |= immediate | register_ | rd;
        const uint32_t words[WORDS] = { result_for(&r, &rng, word), word,
                                        branch_forward(0x54000000) | n / 8 % 14 };
        struct op op;
        enum uop uop = lower(r.cpu, word, &op);
        const struct fwd_body *body = fwd_compare(uop, UOP_b_near_eq + n / 8 % 14);
        put(&r, words);
        check(&r, &rng, words);
        assert_non_null(body);
        assert_ptr_equal(page_of(&r)->ops[1].fn, body->plain);
        assert_int_not_equal(way_of(body, fwd_of(&page_of(&r)->ops[1])->fn), 0);
    }
    expect_untouched(&r);
    rig_drop(&r);
}

/* A word of the program becomes another one, and comes back. */
static void test_changes(void **state)
{
    struct random rng = { 3 };
    struct rig r;

    rig_make(&r);
    fill_memory(&r, &rng);
    for (unsigned n = 0; n < 4000; n++) {
        uint32_t words[WORDS];
        for (unsigned i = 0; i < WORDS; i++) {
            do {
                words[i] = random_insn(&r, &rng, (unsigned)(random64(&rng) % A64_INSN_COUNT));
            } while (words[i] == 0);
        }
        words[n % 2] = result_for(&r, &rng, words[n % 2 + 1]);
        put(&r, words);
        check(&r, &rng, words);
        unsigned at = (unsigned)(random64(&rng) % WORDS);
        uint32_t before = words[at];
        words[at] = n % 3 == 0 ? I_NOP : result_for(&r, &rng, before);
        RIG_CODE(&r, CODE + 4 * at, words[at]);
        check(&r, &rng, words);
        words[at] = before;
        RIG_CODE(&r, CODE + 4 * at, words[at]);
        check(&r, &rng, words);
    }
    expect_untouched(&r);
    rig_drop(&r);
}

/* Stores between a result and who reads it keep it; one that moves its base does not. */
static void test_passed_on(void **state)
{
    static const uint32_t between[] = { I_STR(5, 6), I_NOP, 0xf80086a5 /* STR x5, [x21], #8 */ };
    struct random rng = { 4 };
    struct rig r;

    rig_make(&r);
    fill_memory(&r, &rng);
    for (unsigned n = 0; n < 60; n++) {
        const uint32_t words[WORDS] = { 0x8b150286, between[n % 3], 0x8b0600c1 }; /* X6 twice */
        put(&r, words);
        check(&r, &rng, words);
        assert_int_equal(fwd_of(&page_of(&r)->ops[2])->reg, n % 3 == 2 ? FWD_NOTHING : 6);
    }
    expect_untouched(&r);
    rig_drop(&r);
}

/* The last slot of a page hands nothing on, and what it is fused with is not on the next. */
static void test_page_end(void **state)
{
    struct rig r;

    rig_make(&r);
    for (unsigned n = 0; n < 3; n++) {
        RIG_CODE(&r, CODE + 0xffc, 0xf1000421 /* SUBS x1, x1, #1 */, 0x54000041 /* B.NE +8 */,
                 I_HVC(1), I_HVC(2));
        rig_set(&r, REG_X0 + 1, n);
        rig_run(&r, CODE + 0xffc);
        rig_expect_hvc(&r, n == 1 ? 1 : 2);
        assert_int_equal(rig_get(&r, REG_X0 + 1), (uint64_t)n - 1);
    }
    rig_drop(&r);
}

/* A loop of a compare and its branch is left for what is pending. */
static void *kick_later(void *arg)
{
    struct rig *r = arg;

    rig_await(r, DATA, 1);
    accel_soft.kick(r->vcpu);
    return NULL;
}

static void test_pending(void **state)
{
    pthread_t thread;
    struct rig r;

    rig_make(&r);
    RIG_CODE(&r, CODE, I_MOVZ(1, 1), 0xf9000001u | 2 << 5 /* STR x1, [x2] */,
             0xf100003fu /* CMP x1, #0 */, 0x54ffffe1u /* B.NE -4 */, I_HVC(1));
    rig_set(&r, REG_X0 + 2, DATA);
    assert_int_equal(pthread_create(&thread, NULL, kick_later, &r), 0);
    rig_run(&r, CODE);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(r.exit.kind, EXIT_NONE);
    assert_int_equal(rig_get(&r, REG_PC), CODE + 8);
    assert_int_equal(cpu_insns(r.cpu) % 2, 0);
    rig_drop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),      cmocka_unit_test(test_compares),
        cmocka_unit_test(test_changes),  cmocka_unit_test(test_passed_on),
        cmocka_unit_test(test_page_end), cmocka_unit_test(test_pending),
    };

    if (rig_heat() != 0) {
        print_message("with a translator there are no such bodies\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    print_message("this build's compiler does not make the jumps that such bodies need\n");
    return 0;
}

#endif
