/* Loads and stores on devices by their instruction words: registers, write-back, width, sign, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/compiler.h"
#include "base/string.h"
#include "vm.h"

#define BASE 0x10000u

/* A device that remembers bytes, on a vCPU that is an array of registers. */
struct rig {
    struct vm vm;
    struct vcpu vcpu;
    struct dev dev;
    uint8_t bytes[64];
    uint64_t reg[128];
    unsigned size[16]; /* of the first accesses */
    unsigned accesses;
};

static enum status get_reg(struct vcpu *vcpu, uint32_t reg, uint64_t *value)
{
    struct rig *r = (struct rig *)vcpu->vm->ports.opaque;

    assert_true(reg < ARRAY_SIZE(r->reg));
    *value = r->reg[reg];
    return ST_OK;
}
static enum status set_reg(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
    struct rig *r = (struct rig *)vcpu->vm->ports.opaque;

    assert_true(reg < ARRAY_SIZE(r->reg));
    r->reg[reg] = value;
    return ST_OK;
}
static const struct accel_ops registers = { .get_reg = get_reg, .set_reg = set_reg };

static void note(struct dev *dev, unsigned size)
{
    struct rig *r = CONTAINER_OF(dev, struct rig, dev);

    if (r->accesses < ARRAY_SIZE(r->size)) {
        r->size[r->accesses] = size;
    }
    r->accesses++;
}

static enum mmio_result dev_read(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                 uint64_t *value)
{
    note(dev, size);
    *value = 0;
    memcpy(value, (uint8_t *)dev->state + offset, size);
    return MMIO_OK;
}
static enum mmio_result dev_write(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                  uint64_t value)
{
    note(dev, size);
    memcpy((uint8_t *)dev->state + offset, &value, size);
    return MMIO_OK;
}
static const struct dev_ops memory_ops = {
    .name = "memory", .mmio_size = 64, .access_sizes = 15, .read = dev_read, .write = dev_write
};

static void make(struct rig *r)
{
    memset(r, 0, sizeof(*r));
    r->vm.config.accel = &registers;
    r->vm.ports.opaque = r;
    r->vcpu.vm = &r->vm;
    r->dev = (struct dev){
        .ops = &memory_ops, .state = r->bytes, .base = BASE, .size = 64, .deadline_ns = UINT64_MAX
    };
    assert_int_equal(bus_add(&r->vm.bus, &r->dev), ST_OK);
    for (unsigned i = 0; i < 64; i++) {
        r->bytes[i] = (uint8_t)(0x81 + i);
    }
    r->reg[1] = BASE;
    r->reg[REG_PC] = 0x1000;
}

static uint64_t at(const struct rig *r, unsigned offset, unsigned size)
{
    uint64_t v = 0;

    memcpy(&v, r->bytes + offset, size);
    return v;
}

/* Words are as aarch64-linux-gnu-as makes them; the register and base are 0 and x1. */
static void test_loads(void **state)
{
    static const struct {
        uint32_t word;
        unsigned offset, reg;
        uint64_t value;
        uint64_t base; /* x1 afterwards */
    } rows[] = {
        { 0xb9400020, 0, 0, 0x84838281, BASE },                 /* ldr w0, [x1]          */
        { 0xf8408420, 0, 0, 0x8887868584838281, BASE + 8 },     /* ldr x0, [x1], #8      */
        { 0xb8404c20, 4, 0, 0x88878685, BASE + 4 },             /* ldr w0, [x1, #4]!     */
        { 0x39c00020, 0, 0, 0xffffff81, BASE },                 /* ldrsb w0, [x1]        */
        { 0x39800020, 0, 0, 0xffffffffffffff81, BASE },         /* ldrsb x0, [x1]        */
        { 0x79800020, 0, 0, 0xffffffffffff8281, BASE },         /* ldrsh x0, [x1]        */
        { 0xb9800020, 0, 0, 0xffffffff84838281, BASE },         /* ldrsw x0, [x1]        */
        { 0x29400820, 0, 2, 0x88878685, BASE },                 /* ldp w0, w2, [x1]      */
        { 0xa8c10820, 0, 2, 0x908f8e8d8c8b8a89, BASE + 16 },    /* ldp x0, x2, [x1], #16 */
        { 0x69400820, 0, 2, 0xffffffff88878685, BASE },         /* ldpsw x0, x2, [x1]    */
        { 0x3d400020, 0, REG_V0_LO, 0x81, BASE },               /* ldr b0, [x1]          */
        { 0x3dc00020, 0, REG_V0_HI, 0x908f8e8d8c8b8a89, BASE }, /* ldr q0, [x1]      */
        { 0x4c407020, 0, REG_V0_HI, 0x908f8e8d8c8b8a89, BASE }, /* ld1 {v0.16b}, [x1] */
        { 0x88dffc20, 0, 0, 0x84838281, BASE },                 /* ldar w0, [x1]         */
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct rig r;
        make(&r);
        assert_int_equal(vcpu_mmio_insn(&r.vcpu, rows[i].word, BASE + rows[i].offset),
                         MMIO_INSN_DONE);
        assert_int_equal(r.reg[rows[i].reg], rows[i].value);
        assert_int_equal(r.reg[1], rows[i].base);
        assert_int_equal(r.reg[REG_PC], 0x1004);
    }
}

/* What a device sees of each: structures come by elements, 16-byte registers by halves. */
static void test_sizes(void **state)
{
    static const struct {
        uint32_t word;
        unsigned size, accesses;
    } rows[] = {
        { 0x4c407020, 1, 16 }, /* ld1 {v0.16b}, [x1]          */
        { 0x4c407420, 2, 8 },  /* ld1 {v0.8h}, [x1]           */
        { 0x4c407820, 4, 4 },  /* ld1 {v0.4s}, [x1]           */
        { 0x4c407c20, 8, 2 },  /* ld1 {v0.2d}, [x1]           */
        { 0x0c40a820, 4, 4 },  /* ld1 {v0.2s, v1.2s}, [x1]    */
        { 0x0c9f7020, 1, 8 },  /* st1 {v0.8b}, [x1], #8       */
        { 0x4c00a820, 4, 8 },  /* st1 {v0.4s, v1.4s}, [x1]    */
        { 0x3dc00020, 8, 2 },  /* ldr q0, [x1]                */
        { 0x29400820, 4, 2 },  /* ldp w0, w2, [x1]            */
        { 0x38001420, 1, 1 },  /* strb w0, [x1], #1           */
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct rig r;
        make(&r);
        assert_int_equal(vcpu_mmio_insn(&r.vcpu, rows[i].word, BASE), MMIO_INSN_DONE);
        assert_int_equal(r.accesses, rows[i].accesses);
        for (unsigned k = 0; k < r.accesses && k < ARRAY_SIZE(r.size); k++) {
            assert_int_equal(r.size[k], rows[i].size);
        }
    }
}

static void test_stores(void **state)
{
    static const struct {
        uint32_t word;
        unsigned offset, size;
        uint64_t value;
        uint64_t base;
    } rows[] = {
        { 0x38001420, 0, 2, 0x82f0, BASE + 1 },             /* strb w0, [x1], #1     */
        { 0xa9000820, 8, 8, 0x2222222222222222, BASE },     /* stp x0, x2, [x1]      */
        { 0x29bf0820, 4, 4, 0x22222222, BASE - 8 },         /* stp w0, w2, [x1, #-8]! */
        { 0xf900003f, 0, 8, 0, BASE },                      /* str xzr, [x1]         */
        { 0xbd000020, 0, 4, 0x33333333, BASE },             /* str s0, [x1]          */
        { 0xad000420, 24, 8, 0x6666666666666666, BASE },    /* stp q0, q1, [x1]      */
        { 0x0c9f7020, 0, 8, 0x3333333333333333, BASE + 8 }, /* st1 {v0.8b}, [x1], #8 */
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct rig r;
        make(&r);
        r.reg[0] = 0x11111111111111f0;
        r.reg[2] = 0x2222222222222222;
        r.reg[REG_V0_LO] = 0x3333333333333333;
        r.reg[REG_V0_HI + 1] = 0x6666666666666666;
        assert_int_equal(vcpu_mmio_insn(&r.vcpu, rows[i].word, BASE), MMIO_INSN_DONE);
        assert_int_equal(at(&r, rows[i].offset, rows[i].size), rows[i].value);
        assert_int_equal(r.reg[1], rows[i].base);
    }
}

static void test_refused(void **state)
{
    static const uint32_t words[] = {
        0xd503201f, /* nop */
        0x885f7c20, /* ldxr w0, [x1] */
        0xb8210000, /* ldadd w1, w0, [x0] */
        0xf9800020, /* prfm */
        0x0c408020, /* ld2 */
        0x68000820, /* stgp, post */
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        struct rig r;
        make(&r);
        assert_int_equal(vcpu_mmio_insn(&r.vcpu, words[i], BASE), MMIO_INSN_UNKNOWN);
        assert_int_equal(r.reg[REG_PC], 0x1000);
        assert_int_equal(r.reg[1], BASE);
    }
}

/* Nobody there: no write-back, no step. */
static void test_absent(void **state)
{
    struct rig r;

    (void)state;
    make(&r);
    assert_int_equal(vcpu_mmio_insn(&r.vcpu, 0xf8408420, 0x90000), MMIO_INSN_ABSENT);
    assert_int_equal(r.reg[1], BASE);
    assert_int_equal(r.reg[REG_PC], 0x1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_loads), cmocka_unit_test(test_sizes),
                                        cmocka_unit_test(test_stores),
                                        cmocka_unit_test(test_refused),
                                        cmocka_unit_test(test_absent) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
