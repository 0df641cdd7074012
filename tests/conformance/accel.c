/*
 * accel.c - accel_conformance BACKEND GIC: what a back end promises to the program around it (accel.h), tried on machines of
 * a few instructions: registers by name, a debugger, the log of written pages, events in place of exits, features.
 *
 * Prints one line a check; "not offered" where the back end has no such function. The same lines on every back end that
 * offers a thing.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

#include "accel/soft/models.h"
#include "arch/sysreg.h"
#include "base/assert.h"
#include "base/compiler.h"
#include "host.h"
#include "vm.h"

#define RAM_BASE  0x40000000ull
#define RAM_SIZE  (64ull << 20)
#define DATA      0x40100000ull
#define DOORBELL  0x09f00000ull /* no device is there */
#define EVENT_SPI 64u

void assert_failed(const char *file, int line, const char *expr)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, expr);
    abort();
}

/* ---- A machine ------------------------------------------------------------------------------- */

struct rig {
    struct vm vm;
    struct vcpu_exit last; /* EXIT_DEBUG */
};

static const struct accel_ops *accel;
static unsigned gic_version;
/* Each part has its code at an address of its own: see in_child. */
static uint64_t code_at;
#define CODE code_at

static void *port_alloc(void *opaque, size_t size, size_t align)
{
    return host_alloc(size, align);
}
static void port_free(void *opaque, void *p, size_t size)
{
    host_free(p);
}
static void *port_ram_alloc(void *opaque, uint64_t size)
{
    return host_pages_map(size);
}
static void port_ram_free(void *opaque, void *p, uint64_t size)
{
    host_pages_unmap(p, size);
}
static uint64_t port_now_ns(void *opaque)
{
    return host_now_ns();
}
static uint64_t port_wall_s(void *opaque)
{
    return host_wall_s();
}
static void port_random(void *opaque, void *buf, size_t len)
{
    host_random(buf, len);
}
static void wake_vcpu(void *opaque, unsigned cpu) {}
static void nothing(void *opaque) {}

static void note_exit(void *opaque, struct vcpu *vcpu, const struct vcpu_exit *exit)
{
    if (exit->kind == EXIT_DEBUG) {
        ((struct rig *)opaque)->last = *exit;
    }
}

static void make(struct rig *r, const struct vm_config *wish)
{
    struct vm_ports ports = { .opaque = r,
                              .alloc = port_alloc,
                              .free = port_free,
                              .ram_alloc = port_ram_alloc,
                              .ram_free = port_ram_free,
                              .now_ns = port_now_ns,
                              .wall_s = port_wall_s,
                              .random = port_random,
                              .wake_vcpu = wake_vcpu,
                              .wake_timers = nothing,
                              .stopped = nothing,
                              .on_exit = note_exit };
    struct vm_config config = *wish;
    struct err err = { .lang = LANG_EN };

    config.board = board_find("virt");
    config.accel = accel;
    config.gic_version = gic_version;
    config.cpus = 1;
    config.ram_size = RAM_SIZE;
    config.features = soft_model_find(NULL)->features;
    if (vm_init(&r->vm, &config, &ports, &err) != ST_OK) {
        printf("vm_init: %s\n", err.text);
        exit(1);
    }
}

static void start(struct rig *r, const uint32_t *code, size_t bytes)
{
    const struct vcpu_start s = { .pc = CODE, .x = { 0, 0, 0, DATA }, .el = 1, .sp = DATA };

    guest_mem_write(&r->vm.mem, CODE, code, bytes);
    accel->invalidate_code(&r->vm, CODE, bytes);
    vm_start(&r->vm, &s);
}

/* Until a debugger is wanted or the machine has ended. */
static enum vcpu_action run(struct rig *r)
{
    enum vcpu_action action;

    do {
        action = vcpu_run(&r->vm.vcpu[0]);
    } while (action != VCPU_BREAK && action != VCPU_QUIT);
    return action;
}

static uint64_t data_at(struct rig *r, unsigned offset)
{
    uint64_t value = 0;

    guest_mem_read(&r->vm.mem, DATA + offset, &value, sizeof(value));
    return value;
}

#define POWER_OFF 0x52b08000, 0x72800100, 0xd4000002, 0x14000000 /* PSCI SYSTEM_OFF by HVC; b . */

/* ---- Registers ------------------------------------------------------------------------------- */

static unsigned round_trip(struct rig *r, uint32_t reg, uint64_t value)
{
    struct vcpu *vcpu = &r->vm.vcpu[0];
    uint64_t back = 0;

    return accel->set_reg(vcpu, reg, value) == ST_OK && accel->get_reg(vcpu, reg, &back) == ST_OK &&
           back == value;
}

static void registers(void)
{
    static const struct {
        uint32_t reg;
        uint64_t mask;
    } system[] = {
        { SYSREG_TPIDR_EL0, ~0ull },
        { SYSREG_TPIDR_EL1, ~0ull },
        { SYSREG_SP_EL0, ~0ull },
        { SYSREG_ELR_EL1, ~0ull },
        { SYSREG_SPSR_EL1, 0xf00003c5 },
        { SYSREG_ESR_EL1, 0xffffffff },
        { SYSREG_FAR_EL1, ~0ull },
        { SYSREG_VBAR_EL1, 0xfffffffffff800 },
        { SYSREG_TTBR0_EL1, 0xfffffffff000 },
        { SYSREG_TTBR1_EL1, 0xfffffffff000 },
        { SYSREG_MAIR_EL1, ~0ull },
        { SYSREG_CONTEXTIDR_EL1, 0xffffffff },
        { SYSREG_CNTV_CVAL_EL0, ~0ull },
    };
    static struct rig r;
    unsigned same = 0, all = 0;

    make(&r, &(struct vm_config){ .gic_version = 0 });
    accel->vcpu_start(&r.vm.vcpu[0], &(struct vcpu_start){ .pc = CODE, .el = 1 });
    for (uint32_t reg = REG_X0; reg <= REG_PC; reg++, all++) {
        same += round_trip(&r, reg, 0x1122334455667000ull + reg * 4);
    }
    printf("general %u of %u\n", same, all);
    same = all = 0;
    for (uint32_t i = 0; i < 32; i++, all += 2) {
        same += round_trip(&r, REG_V0_LO + i, 0xabcdef0123456700ull + i);
        same += round_trip(&r, REG_V0_HI + i, 0xfedcba9876543200ull + i);
    }
    printf("vector %u of %u\n", same, all);
    same = all = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(system); i++, all++) {
        bool ok = round_trip(&r, REG_SYS | system[i].reg, 0x5a5a1234a5a5fedcull & system[i].mask);
        same += ok;
        if (!ok) {
            printf("system register 0x%x differs\n", system[i].reg);
        }
    }
    printf("system %u of %u\n", same, all);
    printf("others %u\n", round_trip(&r, REG_PSTATE, 0xa00003c5) + round_trip(&r, REG_SP_EL0, 16) +
                              round_trip(&r, REG_SP_EL1, 32) +
                              round_trip(&r, REG_FPCR, 0x01000000) +
                              round_trip(&r, REG_FPSR, 0x1f));
    vm_fini(&r.vm);
}

/* ---- A debugger ------------------------------------------------------------------------------ */

static const uint32_t debug_code[] = {
    0xd2800020, /* +0   mov x0, #1     */
    0xd2800041, /* +4   mov x1, #2     */
    0x8b010002, /* +8   add x2, x0, x1 */
    0xf9000062, /* +12  str x2, [x3]   */
    0xd4200020, /* +16  brk #1         */
    POWER_OFF,
};

static void stop_for(struct rig *r, const char *what, const struct accel_debug *debug)
{
    static const char *const causes[] = { "step", "break", "watch", "brk" };
    struct vcpu *vcpu = &r->vm.vcpu[0];
    enum status st = accel->set_debug(vcpu, debug);

    if (st != ST_OK) {
        printf("debug %s: status %d\n", what, st);
        return;
    }
    if (run(r) != VCPU_BREAK) {
        printf("debug %s: no stop\n", what);
        return;
    }
    printf("debug %s: %s pc+%llu", what, causes[r->last.debug.cause],
           (unsigned long long)(vcpu_reg(vcpu, REG_PC) - CODE));
    if (r->last.debug.cause == STOP_WATCHPOINT) {
        printf(" data+%llu", (unsigned long long)(r->last.debug.address - DATA));
    }
    printf(" x2=%llu data=%llu\n", (unsigned long long)vcpu_reg(vcpu, REG_X0 + 2),
           (unsigned long long)data_at(r, 0));
}

static void point_refused(struct rig *r, const char *what, struct debug_point point)
{
    struct accel_debug debug = { .count = 1, .point = { point } };

    printf("debug %s: status %d\n", what, accel->set_debug(&r->vm.vcpu[0], &debug));
}

static void debugger(void)
{
    static struct rig r;
    struct accel_debug many = { .count = DEBUG_POINTS_MAX };

    if (accel->set_debug == NULL) {
        printf("debug not offered\n");
        return;
    }
    make(&r, &(struct vm_config){ .gic_version = 0 });
    start(&r, debug_code, sizeof(debug_code));
    stop_for(&r, "step", &(struct accel_debug){ .step = true });
    stop_for(&r, "step", &(struct accel_debug){ .step = true });
    stop_for(&r, "breakpoint",
             &(struct accel_debug){ .count = 1, .point = { { CODE + 12, 4, DEBUG_EXECUTE } } });
    stop_for(&r, "write",
             &(struct accel_debug){ .count = 1, .point = { { DATA, 8, DEBUG_WRITE } } });
    stop_for(&r, "write in 64",
             &(struct accel_debug){ .count = 1, .point = { { DATA, 64, DEBUG_ACCESS } } });
    stop_for(
        &r, "brk, not read",
        &(struct accel_debug){ .brk = true, .count = 1, .point = { { DATA, 8, DEBUG_READ } } });
    point_refused(&r, "crosses eight", (struct debug_point){ DATA + 6, 4, DEBUG_WRITE });
    point_refused(&r, "no size", (struct debug_point){ DATA, 0, DEBUG_WRITE });
    point_refused(&r, "odd code", (struct debug_point){ CODE + 2, 4, DEBUG_EXECUTE });
    for (unsigned i = 0; i < many.count; i++) {
        many.point[i] = (struct debug_point){ DATA + 8ull * i, 8, DEBUG_WRITE };
    }
    printf("debug too many: status %d\n", accel->set_debug(&r.vm.vcpu[0], &many));
    vcpu_set_reg(&r.vm.vcpu[0], REG_PC, CODE + 20);
    accel->set_debug(&r.vm.vcpu[0], NULL);
    printf("debug off: %s\n", run(&r) == VCPU_QUIT && atomic_load(&r.vm.state) == VM_OFF
                                  ? "ran to its end"
                                  : "stopped");
    vm_fini(&r.vm);
}

/* ---- Written pages --------------------------------------------------------------------------- */

static const uint32_t dirty_code[] = {
    0xd2a80400,                         /* mov x0, #0x40200000       */
    0xf9180000,                         /* str x0, [x0, #0x3000]     */
    0xf9380000,                         /* str x0, [x0, #0x7000]     */
    0xd2a804c1, 0xf2880001, 0x39000020, /* strb w0, [0x40264000] */
    POWER_OFF,
};

static void print_dirty(struct rig *r, const char *what)
{
    static uint64_t bitmap[RAM_SIZE / 4096 / 64];
    struct err err = { .lang = LANG_EN };
    const struct mem_slot *slot = guest_mem_slot(&r->vm.mem, RAM_BASE);

    memset(bitmap, 0xff, sizeof(bitmap));
    if (accel->dirty_get(&r->vm, slot, bitmap, &err) != ST_OK) {
        printf("dirty %s: %s\n", what, err.text);
        return;
    }
    printf("dirty %s:", what);
    for (unsigned i = 0; i < RAM_SIZE / 4096; i++) {
        if ((bitmap[i / 64] >> (i % 64) & 1) != 0) {
            printf(" %x", i);
        }
    }
    printf("\n");
}

static void dirty_pages(void)
{
    static struct rig r;
    struct err err = { .lang = LANG_EN };

    if (accel->dirty_log == NULL) {
        printf("dirty not offered\n");
        return;
    }
    make(&r, &(struct vm_config){ .gic_version = 0 });
    start(&r, dirty_code, sizeof(dirty_code));
    if (accel->dirty_log(&r.vm, true, &err) != ST_OK) {
        printf("dirty on: %s\n", err.text);
    }
    run(&r);
    print_dirty(&r, "after a run");
    print_dirty(&r, "once more");
    if (accel->dirty_log(&r.vm, false, &err) != ST_OK) {
        printf("dirty off: %s\n", err.text);
    }
    vm_fini(&r.vm);
}

/* ---- Events ---------------------------------------------------------------------------------- */

#ifdef __linux__
/* GICD at 0x08000000: the SPI is an edge; ring the doorbell with 7; wait until the SPI is pending. */
static const uint32_t event_code[] = {
    0xd2a10001, 0x52800040, 0xb90c1020, /* str #2, [GICD_ICFGR4]                        */
    0xd2a13e02, 0x528000e0, 0xb9000040, /* str #7, [DOORBELL]                           */
    0xb9420820, 0x3607ffe0,             /* 1: ldr w0, [GICD_ISPENDR2]; tbz w0, #0, 1b   */
    POWER_OFF,
};

struct answer {
    int doorbell, irq;
    uint64_t rings;
};

/* The device: when the doorbell rings, it interrupts. */
static void *answer(void *arg)
{
    struct answer *a = arg;
    uint64_t one = 1;

    if (read(a->doorbell, &a->rings, sizeof(a->rings)) == sizeof(a->rings)) {
        (void)!write(a->irq, &one, sizeof(one));
    }
    return NULL;
}

static void events(void)
{
    static struct rig r;
    struct answer a = { .doorbell = eventfd(0, EFD_CLOEXEC), .irq = eventfd(0, EFD_CLOEXEC) };
    uint64_t seven = 7;
    pthread_t thread;

    if (accel->irq_event == NULL || accel->mmio_event == NULL) {
        printf("events not offered\n");
        return;
    }
    make(&r, &(struct vm_config){ .gic_version = 0 });
    start(&r, event_code, sizeof(event_code));
    printf("events connect: %d %d again %d\n", accel->irq_event(&r.vm, a.irq, -1, EVENT_SPI, true),
           accel->mmio_event(&r.vm, a.doorbell, DOORBELL, 4, &seven, true),
           accel->mmio_event(&r.vm, a.doorbell, DOORBELL, 4, &seven, true));
    printf("events private interrupt: %d\n", accel->irq_event(&r.vm, a.irq, -1, 27, true));
    pthread_create(&thread, NULL, answer, &a);
    run(&r);
    pthread_join(thread, NULL);
    printf("events rings %llu, exits by MMIO write %llu\n", (unsigned long long)a.rings,
           (unsigned long long)r.vm.vcpu[0].mmio_writes);
    printf("events disconnect: %d %d\n", accel->irq_event(&r.vm, a.irq, -1, EVENT_SPI, false),
           accel->mmio_event(&r.vm, a.doorbell, DOORBELL, 4, &seven, false));
    vm_fini(&r.vm);
    close(a.doorbell);
    close(a.irq);
}
#else
static void events(void)
{
    printf("events not offered\n");
}
#endif

/* ---- ITS, features --------------------------------------------------------------------------- */

static const uint32_t its_code[] = {
    0xd2a10121, 0xd1006021, 0xb9400020, 0xf9000060, /* [DATA] = GITS_PIDR2 at 0x0808ffe8 */
    POWER_OFF,
};

static void its(void)
{
    static struct rig r;

    make(&r, &(struct vm_config){ .its = true });
    if (!r.vm.caps.its || gic_version != 3 || accel->send_msi == NULL) {
        printf("its not offered\n");
    } else {
        start(&r, its_code, sizeof(its_code));
        run(&r);
        printf("its architecture %llu, message that is not mapped: %d\n",
               (unsigned long long)(data_at(&r, 0) >> 4 & 15),
               accel->send_msi(&r.vm, 0x08090040, 0, 1));
    }
    vm_fini(&r.vm);
}

static const uint32_t features_code[] = {
    0xd5380400, 0xd5380621, 0xd5380502, /* ID_AA64PFR0_EL1, ID_AA64ISAR1_EL1, ID_AA64DFR0_EL1 */
    0xa9000460, 0xf9000862,             /* to DATA                                            */
    POWER_OFF,
};

static void print_features(const char *what, const struct vm_config *wish)
{
    static struct rig r;

    if (accel == &accel_soft) { /* its features are config.features: tests/unit/soft has them */
        printf("features %s: not the host's\n", what);
        return;
    }
    make(&r, wish);
    start(&r, features_code, sizeof(features_code));
    run(&r);
    printf("features %s: sve=%u pauth=%u pmu=%u\n", what, (data_at(&r, 0) >> 32 & 15) != 0,
           (data_at(&r, 8) >> 4 & 0xff) != 0, (data_at(&r, 16) >> 8 & 15) != 0);
    vm_fini(&r.vm);
}

static void features_offered(void)
{
    print_features("offered", &(struct vm_config){ .host_off = 0 });
}

static void features_off(void)
{
    print_features("off", &(struct vm_config){ .host_off = ACCEL_SVE | ACCEL_STEAL,
                                               .features_off =
                                                   1ull << A64_FEAT_PAUTH | 1ull << A64_FEAT_PMU });
}

/* ---- Large pages ----------------------------------------------------------------------------- */

static void large_pages(void)
{
    uint8_t *ram = host_pages_map(RAM_SIZE);
    char line[256];
    unsigned long from, to, kib = 0;
    bool ours = false;
    FILE *f = fopen("/proc/self/smaps", "r");

    memset(ram, 1, RAM_SIZE);
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            ours = (uintptr_t)ram >= from && (uintptr_t)ram < to;
        }
        if (ours) {
            sscanf(line, "AnonHugePages: %lu", &kib);
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    printf("pages aligned %u, large %lu KiB\n", ((uintptr_t)ram & 0x1fffff) == 0, kib);
    host_pages_unmap(ram, RAM_SIZE);
}

/*
 * Each part is a process of its own: one that hangs or dies leaves the others. Its code is at an address of its own, because in a
 * host that QEMU 7.2 emulates as -cpu max (not as neoverse-n1) a machine has been seen to run code of the machine before it.
 */
static unsigned in_child(void (*part)(void), uint64_t code)
{
    int status = 1;
    pid_t child = fork();

    if (child == 0) {
        alarm(30);
        code_at = code;
        part();
        exit(0);
    }
    waitpid(child, &status, 0);
    if (status != 0) {
        printf("the part ended with 0x%x\n", (unsigned)status);
    }
    return status != 0;
}

int main(int argc, char **argv)
{
    static void (*const parts[])(void) = { registers, debugger,         dirty_pages,  events,
                                           its,       features_offered, features_off, large_pages };
    unsigned failed = 0;

    accel = &accel_soft;
#if HV_HAVE_KVM
    if (argc > 1 && strcmp(argv[1], "kvm") == 0) {
        accel = &accel_kvm;
    }
#endif
    gic_version = argc > 2 ? (unsigned)atoi(argv[2]) : 3;
    if (argc > 1 && strcmp(argv[1], accel->name) != 0) {
        printf("there is no back end %s here\n", argv[1]);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
        failed += in_child(parts[i], RAM_BASE + ((2ull * i + 6) << 20));
    }
    return failed != 0;
}
