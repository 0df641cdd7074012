/*
 * test_share.c - code pages and translations that two CPUs share (share.c): what one of them may be using is not used again
 * before it has passed. The other CPU is held between two instructions, in a body or in translated code, by not letting it pass.
 */
#include "rig.h"

#include "accel/soft/jit/jit.h"

#define I_ADD1(rd) I_ADD(rd, rd, 1)
#define FN         (CODE + 0x1000)
#define IC         (CODE + 0x2000)

/* False: there is no translator, and nothing is shared. */
static bool make(struct rig *r, struct cpu **other)
{
    rig_make(r, .cpus = 2);
    RIG_CODE(r, IC, I_MSR(S_IC_IVAU, 1), I_DSB, I_ISB, I_HVC(1));
    *other = r->vm.vcpu[1].accel_state;
    return r->cpu->priv->jit != NULL;
}

static uint64_t run(struct rig *r, uint64_t pc)
{
    rig_set(r, REG_X0, 0);
    rig_run_as(r, EL1H | MASKED, pc);
    rig_expect_hvc(r, 1);
    return rig_get(r, REG_X0);
}

/* The guest's maintenance of FN. */
static void maintain(struct rig *r)
{
    rig_set(r, REG_X0 + 1, FN);
    run(r, IC);
}

/* A slot is decoded again when nobody can be in what it was. Until then its instruction runs all the same. */
static void test_slot(void **state)
{
    struct rig r;
    struct cpu *other;
    const struct op *op;

    if (make(&r, &other)) {
        RIG_CODE(&r, FN, I_ADD1(0), I_HVC(1));
        maintain(&r);
        for (unsigned i = 0; i < 4; i++) {
            assert_int_equal(run(&r, FN), 1);
        }
        op = &code_find(r.cpu, FN, FN, rig_at(&r, FN), false)->ops[0];
        code_run(other);
        atomic_store(&other->pending, 0);
        put_le32(rig_at(&r, FN), I_ADD(0, 0, 16));
        maintain(&r);
        assert_true((atomic_load(&other->pending) & PEND_WORK) != 0);
        for (unsigned i = 0; i < 4; i++) {
            assert_int_equal(run(&r, FN), 16);
            assert_ptr_equal(op_fn_of(op), op_decode);
            assert_int_equal(op->word, I_ADD1(0));
        }
        code_pass(other);
        for (unsigned i = 0; i < 4; i++) {
            assert_int_equal(run(&r, FN), 16);
            assert_ptr_not_equal(op_fn_of(op), op_decode);
            assert_int_equal(op->word, I_ADD(0, 0, 16));
        }
    }
    rig_drop(&r);
}

/* Maintenance of what has not changed is nobody's business. */
static void test_unchanged(void **state)
{
    struct rig r;
    struct cpu *other;
    uint64_t changes;

    if (make(&r, &other)) {
        RIG_CODE(&r, FN, I_ADD1(0), I_HVC(1));
        maintain(&r);
        assert_int_equal(run(&r, FN), 1);
        code_run(other);
        atomic_store(&other->pending, 0);
        changes = atomic_load(&r.cpu->priv->code->changes);
        maintain(&r);
        maintain(&r);
        assert_int_equal(atomic_load(&r.cpu->priv->code->changes), changes);
        assert_int_equal(atomic_load(&other->pending), 0);
        assert_false(r.cpu->priv->sent_any);
    }
    rig_drop(&r);
}

/* Both CPUs run what one has decoded and translated. */
static void test_together(void **state)
{
    struct rig r;
    struct cpu *other;
    struct accel_stats stats;

    if (make(&r, &other)) {
        RIG_CODE(&r, FN, I_ADD1(0), I_SUB(2, 2, 1), I_CBNZ(2, -8), I_HVC(1));
        for (unsigned i = 0; i < 20; i++) {
            rig_set(&r, REG_X0 + 2, 1000);
            assert_int_equal(run(&r, FN), 1000);
        }
        rig_select(&r, 1);
        rig_set(&r, REG_X0 + 2, 1000);
        assert_int_equal(run(&r, FN), 1000);
        accel_soft.stats(r.vcpu, &stats);
        assert_int_equal(stats.ops_decoded, 0);
        assert_int_equal(stats.jit_regions, 0);
    }
    rig_drop(&r);
}

/* A page that is retired becomes no other one before. If there is none at all, code is stepped. */
static void test_page(void **state)
{
    enum { PAGES = 1000 };
    const uint64_t base = RAM + 0x1000000;
    const struct code_page *held;
    const struct accel_stats *stats;
    struct rig r;
    struct cpu *other;
    uint64_t made;

    if (make(&r, &other)) {
        const struct code_cache *code = r.cpu->priv->code;
        stats = &r.cpu->priv->stats;
        for (unsigned i = 0; i < PAGES; i++) {
            RIG_CODE(&r, base + i * 0x1000ull, I_ADD1(0), i + 1 < PAGES ? I_B(0xffc) : I_HVC(1));
        }
        code_run(other);
        held = code_find(r.cpu, base, base, rig_at(&r, base), false);
        assert_int_equal(run(&r, base), PAGES);
        assert_true(stats->code_drops > 0);
        made = stats->pages_decoded;
        assert_true(made < PAGES);
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(run(&r, base), PAGES);
            assert_int_equal(stats->pages_decoded, made);
            assert_int_equal(held->pa, base);
            assert_int_equal(held->ops[0].word, I_ADD1(0));
        }
        code_pass(other);
        assert_int_equal(run(&r, base), PAGES);
        assert_true(stats->pages_decoded > made);
        assert_true(code->count <= code->limit + code->limit / 4);
        code_rest(other);
        for (unsigned i = 0; i < 3; i++) {
            made = code->count;
            assert_int_equal(run(&r, base), PAGES);
            assert_int_equal(code->count, made);
        }
    }
    rig_drop(&r);
}

/* Nothing is translated while somebody may be in what was dropped. */
static void test_flush(void **state)
{
    const struct accel_stats *stats;
    struct rig r;
    struct cpu *other;
    uint64_t regions, insns;

    if (make(&r, &other)) {
        stats = &r.cpu->priv->stats;
        RIG_CODE(&r, FN, I_ADD1(0), I_SUB(2, 2, 1), I_CBNZ(2, -8), I_HVC(1));
        rig_set(&r, REG_X0 + 2, 1000);
        assert_int_equal(run(&r, FN), 1000);
        regions = stats->jit_regions;
        assert_true(regions != 0);
        code_run(other);
        jit_count(r.cpu);
        for (unsigned i = 0; i < 3; i++) {
            insns = cpu_insns(r.cpu);
            rig_set(&r, REG_X0 + 2, 1000);
            assert_int_equal(run(&r, FN), 1000);
            assert_int_equal(cpu_insns(r.cpu) - insns, 3000 + 1);
            assert_int_equal(stats->jit_regions, regions);
        }
        for (unsigned i = 0; i < 3;
             i++) { /* it has to pass twice: the shared code is another now */
            code_pass(other);
            insns = cpu_insns(r.cpu);
            rig_set(&r, REG_X0 + 2, 1000);
            assert_int_equal(run(&r, FN), 1000);
            assert_int_equal(cpu_insns(r.cpu) - insns, 3000 + 1);
        }
        assert_true(stats->jit_regions > regions);
    }
    rig_drop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slot),     cmocka_unit_test(test_unchanged),
        cmocka_unit_test(test_together), cmocka_unit_test(test_page),
        cmocka_unit_test(test_flush),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
