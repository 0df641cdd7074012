/*
 * test_op_struct.c - LD1 to LD4 and ST1 to ST4: registers that wrap round, lanes, replication, write-back.
 */
#include "mem_rig.h"

/* ---- SIMD structures ------------------------------------------------------------------------- */

static void test_structures(void **state)
{
    struct machine *m = fresh(state);
    union vreg *v = m->cpu.v;
    uint64_t *x = m->cpu.x;
    const uint8_t *p = host(m, RAM + 0x100);

    x[1] = RAM + 0x100;
    x[6] = 0x40;
    assert_true(run(
        m, 0x4cdf003e /* ld4 {v30.16b, v31.16b, v0.16b, v1.16b}, [x1], #64 */)); /* registers wrap
                                                                                    round */
    for (unsigned e = 0; e < 16; e++) {
        assert_int_equal(v[30].b[e], p[4 * e]);
        assert_int_equal(v[31].b[e], p[4 * e + 1]);
        assert_int_equal(v[0].b[e], p[4 * e + 2]);
        assert_int_equal(v[1].b[e], p[4 * e + 3]);
    }
    assert_int_equal(x[1], RAM + 0x140);
    assert_true(run(m, 0x4c86003e /* st4 {v30.16b, v31.16b, v0.16b, v1.16b}, [x1], x6 */));
    assert_int_equal(x[1], RAM + 0x180);
    assert_memory_equal(host(m, RAM + 0x140), p, 64);

    x[1] = RAM + 0x100;
    v[3].d[1] = v[4].d[1] = v[5].d[1] = ~0ull;
    assert_true(run(m, 0x0c404423 /* ld3 {v3.4h-v5.4h}, [x1] */));
    for (unsigned e = 0; e < 4; e++) {
        for (unsigned s = 0; s < 3; s++) {
            assert_memory_equal(&v[3 + s].h[e], p + 2 * (3 * e + s), 2);
        }
    }
    assert_int_equal(v[3].d[1] | v[4].d[1] | v[5].d[1], 0);
    assert_true(run(m, 0x4c408c23 /* ld2 {v3.2d, v4.2d}, [x1] */));
    assert_memory_equal(&v[3].d[1], p + 16, 8);
    assert_memory_equal(&v[4].d[0], p + 8, 8);
    assert_true(run(m, 0x0cdf6027 /* ld1 {v7.8b-v9.8b}, [x1], #24 */));
    assert_int_equal(x[1], RAM + 0x118);
    assert_memory_equal(&v[9].d[0], p + 16, 8);
    assert_int_equal(v[9].d[1], 0);
    assert_true(run(m, 0x4c007823 /* st1 {v3.4s}, [x1] */));
    assert_memory_equal(host(m, RAM + 0x118), &v[3], 16);

    /* Lanes keep the rest of the register. */
    machine_reset(m);
    x[1] = RAM + 0x100;
    assert_true(run(m, 0x4ddf3423 /* ld3 {v3.b-v5.b}[13], [x1], #3 */));
    assert_int_equal(x[1], RAM + 0x103);
    assert_int_equal(v[4].b[13], p[1]);
    assert_int_equal(v[4].b[12], 16);
    assert_int_equal(v[4].b[14], 18);
    assert_true(run(m, 0x4dc04823 /* ld1 {v3.h}[5], [x1], x0 */)); /* x0 = 0 */
    assert_memory_equal(&v[3].h[5], p + 3, 2);
    assert_int_equal(x[1], RAM + 0x103);
    assert_true(run(m, 0x4d60903f /* ld2 {v31.s, v0.s}[3], [x1] */));
    assert_memory_equal(&v[0].s[3], p + 7, 4);
    assert_int_equal(v[0].s[2], 0x0b0a0908);
    assert_true(run(m, 0x4d60a42a /* ld4 {v10.d-v13.d}[1], [x1] */));
    assert_memory_equal(&v[13].d[1], p + 3 + 24, 8);
    assert_int_equal(v[13].d[0], 0x14131211100f0e0d);
    x[1] = RAM + 0x200;
    assert_true(run(m, 0x4dbf5834 /* st2 {v20.h, v21.h}[7], [x1], #4 */));
    assert_int_equal(get(m, RAM + 0x200) & 0xffffffff, 0x24232322);
    assert_int_equal(x[1], RAM + 0x204);
    assert_true(run(m, 0x4d001c34 /* st1 {v20.b}[15], [x1] */));
    assert_int_equal(*host(m, RAM + 0x204), 35);

    put(m, RAM + 0x200, 0x8877665544332211);
    x[1] = RAM + 0x200;
    assert_true(run(m, 0x0dffe421 /* ld4r {v1.4h-v4.4h}, [x1], #8 */));
    assert_int_equal(v[1].d[0], 0x2211221122112211);
    assert_int_equal(v[1].d[1], 0);
    assert_int_equal(v[4].d[0], 0x8877887788778877);
    x[1] = RAM + 0x200;
    assert_true(run(m, 0x4d40c021 /* ld1r {v1.16b}, [x1] */));
    assert_int_equal(v[1].d[1], 0x1111111111111111);
    assert_true(run(m, 0x4de6c821 /* ld2r {v1.4s, v2.4s}, [x1], x6 */));
    assert_int_equal(v[2].d[1], 0x8877665588776655);
    x[1] = RAM + 0x200;
    assert_true(run(m, 0x0d40cc21 /* ld1r {v1.1d}, [x1] */));
    assert_int_equal(v[1].d[0], 0x8877665544332211);
    assert_int_equal(v[1].d[1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structures),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
