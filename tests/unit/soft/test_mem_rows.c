/*
 * test_mem_rows.c - for random words of every row of a64_mem.def: the fast path and the slow path do the same, and an instruction
 * that faults changes nothing. And words that are no loads or stores.
 */
#include "mem_rig.h"

static void test_unallocated(void **state)
{
    static const uint32_t words[] = {
        0x0c408c00,               /* ld2 .1d            */
        0x0c000c00,               /* st4 .1d            */
        0x0c404000 | 3 << 10,     /* ld3 .1d  */
        0x0d408400 | 1 << 12,     /* ld1 {d}[] with S = 1 */
        0x0d40c000 | 1 << 12,     /* ld1r with S = 1      */
        0x0d00c000,               /* replicating store  */
        0x0d404400,               /* ld1 {h}[] with size<0> = 1 */
        0xb8c00000 | 3 << 30,     /* size 3, opc 3 */
        0x38600800 & ~(2u << 13), /* register offset with option 000 */
        0x68000000,               /* stgp's place: opc 01, store, no MTE */
        0xec000000,               /* FP pair of opc 11 */
        0xdc000000,               /* FP literal of opc 11 */
    };

    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        const struct a64_row *row = a64_decode(table, words[i]);
        if (row != NULL) {
            fail_msg("%08x is %s", words[i], row->name);
        }
    }
}

/* ---- Every row ------------------------------------------------------------------------------- */

static uint64_t random_state;

/* SplitMix64. */
static uint64_t random64(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* A word of the row and registers with which it probably accesses memory near `va`. False: another
 * row took the word. */
static bool random_insn(struct machine *m, const struct a64_row *row, uint64_t va, uint32_t *word)
{
    struct op op;

    lower_for.features ^= BIT(A64_FEAT_LSE2);
    *word = row->value | ((uint32_t)random64() & ~row->mask);
    if (a64_decode(table, *word) != row || lower(*word, 5, &op) == UOP_undefined) {
        return false;
    }
    for (unsigned i = 0; i < 31; i++) {
        m->cpu.x[i] = random64() % 64;
    }
    for (unsigned i = 0; i < 32; i++) {
        m->cpu.v[i] = (union vreg){ .d = { random64(), random64() } };
    }
    if (op.rn < 31) {
        m->cpu.x[op.rn] = va;
    }
    m->cpu.x[X_SP] = va & ~15ull;
    return true;
}

static bool from_mem_def(const struct a64_row *row)
{
    return family[row->index] != NULL;
}

static void test_slow_equals_fast(void **state)
{
    struct machine *fast = fresh(state), *slow = machine_new();
    unsigned happened = 0, words = 0;

    random_state = 1;
    for (unsigned index = 0; index < A64_INSN_COUNT; index++) {
        const struct a64_row *row = a64_row(table, index);

        for (unsigned n = 0; from_mem_def(row) && n < 400; n++) {
            /* Offsets of unsigned immediates reach 64 KB; the base is moved so that the access
             * lands in RAM. */
            const uint64_t target = RAM + random64() % (2 * SOFT_PAGE - 64);
            struct op op;
            uint32_t word;

            machine_reset(fast);
            if (!random_insn(fast, row, target & (random64() % 2 ? ~15ull : ~0ull), &word)) {
                continue;
            }
            lower(word, 5, &op);
            if (op.rn < 31 && (int64_t)op.imm > -65536 && (int64_t)op.imm < 65536) {
                fast->cpu.x[op.rn] -= op.imm & ~15ull;
            }
            if (random64() % 4 == 0) { /* a monitor that is closed on what is there */
                fast->cpu.excl_size = 1u << random64() % 5;
                fast->cpu.excl_host = host(fast, target & ~15ull);
                memcpy(&fast->cpu.excl_lo, host(fast, target & ~15ull), 8);
                memcpy(&fast->cpu.excl_hi, host(fast, target & ~15ull) + 8, 8);
                if (fast->cpu.excl_size < 8) {
                    fast->cpu.excl_lo &= (1ull << 8 * fast->cpu.excl_size) - 1;
                }
            }
            memcpy(slow->mem, fast->mem, PAGES * SOFT_PAGE);
            memcpy(slow->cpu.x, fast->cpu.x, sizeof(slow->cpu.x));
            memcpy(slow->cpu.v, fast->cpu.v, sizeof(slow->cpu.v));
            flush_tlb(slow);
            slow->refill = false;
            slow->cpu.excl_size = fast->cpu.excl_size;
            slow->cpu.excl_lo = fast->cpu.excl_lo;
            slow->cpu.excl_hi = fast->cpu.excl_hi;
            slow->cpu.excl_host = slow->mem + ((uint8_t *)fast->cpu.excl_host - fast->mem);
            for (unsigned page = 0; page < 2; page++) {
                refill(fast, RAM + page * SOFT_PAGE, 0);
                refill(fast, RAM + page * SOFT_PAGE, MO_USER);
            }
            const bool ok = run(fast, word);
            if (run(slow, word) != ok || memcmp(fast->mem, slow->mem, PAGES * SOFT_PAGE) != 0 ||
                memcmp(fast->cpu.x, slow->cpu.x, 32 * 8) != 0 ||
                memcmp(fast->cpu.v, slow->cpu.v, sizeof(slow->cpu.v)) != 0 ||
                fast->fault != slow->fault || fast->cpu.excl_size != slow->cpu.excl_size) {
                fail_msg("%s %08x: fast and slow differ", row->name, word);
            }
            happened += ok;
            words++;
        }
    }
    assert_true(words > 50000);
    assert_true(happened > words / 2);
    aligned_block_free(slow->mem);
    aligned_block_free(slow);
}

static void test_fault_is_atomic(void **state)
{
    struct machine *m = fresh(state);
    static struct cpu before;
    static uint8_t memory[PAGES * SOFT_PAGE];
    unsigned faults = 0;

    random_state = 2;
    for (unsigned index = 0; index < A64_INSN_COUNT; index++) {
        const struct a64_row *row = a64_row(table, index);

        for (unsigned n = 0; from_mem_def(row) && n < 200; n++) {
            uint32_t word;

            machine_reset(m);
            m->cpu.align_mask = n % 3 == 0 ? ~0ull : 0;
            if (!random_insn(m, row, HOLE - random64() % 70, &word)) {
                continue;
            }
            refill(m, HOLE - 1, 0);
            refill(m, HOLE - 1, MO_USER);
            before = m->cpu;
            memcpy(memory, m->mem, sizeof(memory));
            if (run(m, word)) {
                continue;
            }
            faults++;
            if (memcmp(before.x, m->cpu.x, sizeof(before.x)) != 0 ||
                memcmp(before.v, m->cpu.v, sizeof(before.v)) != 0 ||
                memcmp(memory, m->mem, sizeof(memory)) != 0) {
                fail_msg("%s %08x: something changed", row->name, word);
            }
        }
    }
    assert_true(faults > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unallocated),
        cmocka_unit_test(test_slow_equals_fast),
        cmocka_unit_test(test_fault_is_atomic),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
