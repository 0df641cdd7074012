/*
 * test_doctor.c - `hypervisor doctor` on hosts that are facts: each situation with the one finding that matters, its cause
 * and remedy word by word in both languages (doctor_situations.def), and the report as a whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "accel/detect/detect.h"
#include "base/compiler.h"
#include "base/string.h"
#include "vmm/doctor.h"

/* ---- Situations ------------------------------------------------------------------------------ */

struct facts {
    struct kvm_facts kvm;
    struct whp_facts whp;
    struct doctor_host host;
};

/* A host where all is well; a situation changes one thing. */
static void well(struct facts *f)
{
    memset(f, 0, sizeof(*f));
    f->kvm = (struct kvm_facts){
        .host = { "Linux aarch64 6.8.0", true, false, true, true },
        .built = true,
        .node = KVM_NODE_OPEN,
        .registered = KVM_YES,
        .in_kernel = KVM_YES,
        .mode = KVM_MODE_VHE,
        .api = 12,
        .api_wanted = 12,
        .gicv2 = true,
        .gicv3 = true,
        .its = true,
        .pmu = true,
        .nisv = true,
        .ext_abort = true,
        .smccc_filter = true,
        .steal_time = true,
        .irqfd = true,
        .guest_debug = true,
        .sve = true,
        .pauth = true,
        .nested = true,
    };
    f->whp = (struct whp_facts){
        .host = { "Windows ARM64 10.0.26100", false, true, true, true },
        .built = true,
        .build = 26100,
        .revision = 4061,
        .dll_found = true,
        .present = true,
        .arm64_support = true,
    };
    f->host = (struct doctor_host){
        .facts = { .name = "Linux x86_64 6.1.0",
                   .linux_os = true,
                   .avx2 = true,
                   .memory_bytes = 16ull << 30,
                   .memory_free_bytes = 8ull << 30 },
        .cpus = 8,
        .zlib = true,
        .zstd = true,
        .translates = true,
        .code_memory = true,
        .terminal = true,
    };
}

static void absent(struct facts *f, enum kvm_yes_no registered, enum kvm_yes_no in_kernel)
{
    f->kvm.node = KVM_NODE_ABSENT;
    f->kvm.registered = registered;
    f->kvm.in_kernel = in_kernel;
}

static void denied(struct facts *f, const char *group, enum kvm_yes_no member)
{
    f->kvm.node = KVM_NODE_DENIED;
    str_copy(f->kvm.group, sizeof(f->kvm.group), group);
    f->kvm.member = member;
}

static void kvm_call_failed(struct facts *f, const char *call, const char *why, bool no_memory)
{
    f->kvm.failed_call = call;
    str_copy(f->kvm.failed_error, sizeof(f->kvm.failed_error), why);
    f->kvm.no_memory = no_memory;
}

static void whp_call_failed(struct facts *f, uint32_t hr)
{
    f->whp.failed_call = "WHvCreatePartition";
    f->whp.failed_hr = hr;
}

/* What is looked at: KVM, WHP, or host and build. */
enum subject { KVM, WHP, HOST };

/* S(name, subject, id of the finding, what changes) */
#define SITUATIONS(S)                                                                            \
    S(kvm_windows, KVM, "kvm.os", f->kvm.host.linux_os = false;                                  \
      f->kvm.host.name = "Windows x86-64 10.0.19045")                                            \
    S(kvm_x86, KVM, "kvm.arch", f->kvm.host.arm64 = false;                                       \
      f->kvm.host.name = "Linux x86_64 6.1.0")                                                   \
    S(kvm_program, KVM, "kvm.program", f->kvm.host.program = false)                              \
    S(kvm_not_built, KVM, "kvm.build", f->kvm.built = false)                                     \
    S(kvm_mode_none, KVM, "kvm.off", absent(f, KVM_NO, KVM_YES); f->kvm.switched_off = true)     \
    S(kvm_no_config, KVM, "kvm.kernel", absent(f, KVM_NO, KVM_NO))                               \
    S(kvm_no_node, KVM, "kvm.node", absent(f, KVM_YES, KVM_YES))                                 \
    S(kvm_container, KVM, "kvm.container", absent(f, KVM_YES, KVM_YES); f->kvm.container = true) \
    S(kvm_no_el2, KVM, "kvm.el2", absent(f, KVM_NO, KVM_YES))                                    \
    S(kvm_absent, KVM, "kvm.absent", absent(f, KVM_UNKNOWN, KVM_UNKNOWN))                        \
    S(kvm_session, KVM, "kvm.session", denied(f, "kvm", KVM_YES))                                \
    S(kvm_group, KVM, "kvm.group", denied(f, "virt", KVM_NO))                                    \
    S(kvm_group_unknown_user, KVM, "kvm.group", denied(f, "kvm", KVM_UNKNOWN))                   \
    S(kvm_denied, KVM, "kvm.denied", denied(f, "", KVM_UNKNOWN))                                 \
    S(kvm_root, KVM, "kvm.root", denied(f, "kvm", KVM_UNKNOWN); f->kvm.root = true)              \
    S(kvm_open, KVM, "kvm.open", f->kvm.node = KVM_NODE_FAILED;                                  \
      str_copy(f->kvm.node_error, sizeof(f->kvm.node_error), "Device or resource busy"))         \
    S(kvm_api, KVM, "kvm.api", f->kvm.api = 10)                                                  \
    S(kvm_memory, KVM, "kvm.memory",                                                             \
      kvm_call_failed(f, "KVM_CREATE_VM", "Cannot allocate memory", true))                       \
    S(kvm_call, KVM, "kvm.call",                                                                 \
      kvm_call_failed(f, "KVM_ARM_PREFERRED_TARGET", "No such device", false))                   \
    S(kvm_capability, KVM, "kvm.capability",                                                     \
      str_copy(f->kvm.missing, sizeof(f->kvm.missing),                                           \
               "KVM_CAP_READONLY_MEM, KVM_CAP_IMMEDIATE_EXIT");                                  \
      str_copy(f->kvm.old_linux, sizeof(f->kvm.old_linux), "4.11"))                              \
    S(kvm_gic, KVM, "kvm.gic", f->kvm.gicv2 = f->kvm.gicv3 = false)                              \
    S(kvm_gic2, KVM, "kvm.gic2", f->kvm.gicv2 = false)                                           \
    S(kvm_gic3, KVM, "kvm.gic3", f->kvm.gicv3 = false)                                           \
    S(kvm_nisv, KVM, "kvm.nisv", f->kvm.nisv = false)                                            \
    S(kvm_smccc, KVM, "kvm.smccc", f->kvm.smccc_filter = false)                                  \
    S(kvm_nvhe, KVM, "kvm.nvhe", f->kvm.mode = KVM_MODE_NVHE)                                    \
    S(kvm_protected, KVM, "kvm.protected", f->kvm.mode = KVM_MODE_PROTECTED)                     \
    S(kvm_features, KVM, "kvm.features", f->kvm.sve = f->kvm.nested = false)                     \
    S(whp_linux, WHP, "whp.os", f->whp.host.windows = false;                                     \
      f->whp.host.name = "Linux aarch64 6.8.0")                                                  \
    S(whp_x86, WHP, "whp.arch", f->whp.host.arm64 = false;                                       \
      f->whp.host.name = "Windows x86-64 10.0.26100")                                            \
    S(whp_program, WHP, "whp.program", f->whp.host.program = false)                              \
    S(whp_not_built, WHP, "whp.build", f->whp.built = false)                                     \
    S(whp_feature, WHP, "whp.feature", f->whp.dll_found = false)                                 \
    S(whp_feature_old, WHP, "whp.old", f->whp.dll_found = false; f->whp.build = 22631;           \
      f->whp.revision = 100)                                                                     \
    S(whp_load, WHP, "whp.load", f->whp.load_error = 126)                                        \
    S(whp_export, WHP, "whp.export", f->whp.missing_export = "WHvCreateVirtualProcessor")        \
    S(whp_present, WHP, "whp.present", f->whp.present = false)                                   \
    S(whp_ask_denied, WHP, "whp.denied", f->whp.present_hr = 0x80070005)                         \
    S(whp_features_failed, WHP, "whp.unknown", f->whp.features_hr = 0x80370300)                  \
    S(whp_prerelease, WHP, "whp.old", f->whp.arm64_support = false; f->whp.revision = 1742)      \
    S(whp_support, WHP, "whp.support", f->whp.arm64_support = false)                             \
    S(whp_denied, WHP, "whp.denied", whp_call_failed(f, 0xC0350006))                             \
    S(whp_memory, WHP, "whp.memory", whp_call_failed(f, 0xC035000B))                             \
    S(whp_hypervisor_gone, WHP, "whp.absent", whp_call_failed(f, 0xC0351000))                    \
    S(whp_call, WHP, "whp.config", whp_call_failed(f, 0x80370304))                               \
    S(whp_second, WHP, "whp.second", whp_call_failed(f, 0xC0370008))                             \
    S(whp_other, WHP, "whp.call", whp_call_failed(f, 0x80004005))                                \
    S(whp_works, WHP, "whp.limits", (void)f)                                                     \
    S(no_translator, HOST, "build.translator", f->host.translates = false)                       \
    S(no_code_memory, HOST, "host.code", f->host.code_memory = false)                            \
    S(no_avx2, HOST, "host.avx", f->host.facts.avx2 = false)                                     \
    S(avx512, HOST, "host.avx", f->host.facts.avx512 = true)                                     \
    S(no_zlib, HOST, "build.zlib", f->host.zlib = false)                                         \
    S(no_zstd, HOST, "build.zstd", f->host.zstd = false)                                         \
    S(one_cpu, HOST, "host.cpus", f->host.cpus = 1)                                              \
    S(low_memory, HOST, "host.memory", f->host.facts.memory_free_bytes = 300ull << 20)           \
    S(memory, HOST, "host.memory", (void)f)                                                      \
    S(no_terminal, HOST, "host.terminal", f->host.terminal = false)

#define DEFINE(name, subject, id, change)    \
    static void make_##name(struct facts *f) \
    {                                        \
        change;                              \
    }
SITUATIONS(DEFINE)

static const struct situation {
    const char *name;
    enum subject subject;
    const char *id;
    void (*make)(struct facts *f);
} situations[] = {
#define ROW(name, subject, id, change) { #name, subject, id, make_##name },
    SITUATIONS(ROW)
};

/* What is to be found: EXPECT(name, kind, cause en, remedy en, cause pt, remedy pt). */
static const struct expected {
    const char *name;
    enum finding_kind kind;
    const char *text[LANG_COUNT][2]; /* cause, remedy */
} expected[] = {
#define EXPECT(name, kind, cause, remedy, causa, acao) \
    { #name, FINDING_##kind, { { cause, remedy }, { causa, acao } } },
#include "doctor_situations.def"
#undef EXPECT
};

static void examine(const struct situation *s, struct diagnosis *d)
{
    struct facts f;

    well(&f);
    s->make(&f);
    switch (s->subject) {
    case KVM: kvm_detect(&f.kvm, d); break;
    case WHP: whp_detect(&f.whp, d); break;
    case HOST: doctor_host_detect(&f.host, d); break;
    }
}

static const struct finding *find(const struct diagnosis *d, const char *id)
{
    for (unsigned i = 0; i < d->count; i++) {
        if (strcmp(d->finding[i].id, id) == 0) {
            return &d->finding[i];
        }
    }
    fail_msg("there is no finding %s", id);
    return NULL;
}

static void test_situations(void **state)
{
    assert_int_equal(ARRAY_SIZE(situations), ARRAY_SIZE(expected));
    for (unsigned i = 0; i < ARRAY_SIZE(situations); i++) {
        const struct expected *e = &expected[i];
        assert_string_equal(situations[i].name, e->name);
        for (unsigned lang = 0; lang < LANG_COUNT; lang++) {
            struct diagnosis d = { .lang = (enum lang)lang };
            examine(&situations[i], &d);
            const struct finding *f = find(&d, situations[i].id);
            assert_int_equal(f->kind, e->kind);
            assert_string_equal(f->cause, e->text[lang][0]);
            assert_string_equal(f->remedy, e->text[lang][1]);
            /* What fails is said first and alone; what does not leaves it working. */
            assert_true(e->kind == FINDING_FAILS ? d.count == 1 : diagnosis_failure(&d) == NULL);
        }
    }
}

/* A failure becomes one line of a run's error, whole. */
static void test_one_line(void **state)
{
    for (unsigned i = 0; i < ARRAY_SIZE(situations); i++) {
        for (unsigned lang = 0; lang < LANG_COUNT; lang++) {
            struct diagnosis d = { .lang = (enum lang)lang };
            struct err err = { .lang = (enum lang)lang };
            examine(&situations[i], &d);
            const struct finding *f = diagnosis_failure(&d);
            if (f != NULL) {
                assert_int_equal(diagnosis_status(&d, "KVM", &err),
                                 d.foreign ? ST_E_NOENT : ST_E_NOTSUP);
                assert_int_equal(strlen(err.text),
                                 strlen("KVM: ; ") + strlen(f->cause) + strlen(f->remedy));
            }
        }
    }
}

static void test_nothing_to_mend(void **state)
{
    struct diagnosis d = { .lang = LANG_EN };
    struct facts f;

    well(&f);
    kvm_detect(&f.kvm, &d);
    whp_detect(&f.whp, &d);
    doctor_host_detect(&f.host, &d);
    for (unsigned i = 0; i < d.count; i++) {
        assert_int_equal(d.finding[i].kind, FINDING_NOTE);
    }
}

/* ---- The report ------------------------------------------------------------------------------ */

static struct facts host;
static char report[16384];

static void probe_kvm(struct accel_caps *caps, struct diagnosis *d)
{
    *caps = (struct accel_caps){ .max_cpus = 16, .gicv3 = true };
    kvm_detect(&host.kvm, d);
}

static void probe_soft(struct accel_caps *caps, struct diagnosis *d)
{
    *caps = (struct accel_caps){ .max_cpus = 64, .gicv2 = true, .gicv3 = true };
}

static void probe_none(struct accel_caps *caps, struct diagnosis *d)
{
    diagnosis_add(d, FINDING_FAILS, "soft.never", MSG_WHP_BUILD_C);
}

static void look(struct doctor_host *out)
{
    *out = host.host;
}

static void keep_line(void *opaque, const char *text)
{
    size_t len = strlen(report);

    snprintf(report + len, sizeof(report) - len, "%s\n", text);
}

static unsigned make_report(const struct doctor_accel *list, enum lang lang, bool json)
{
    report[0] = 0;
    return doctor_report(&(struct doctor_port){ list, look }, lang, json, keep_line, NULL);
}

static const struct doctor_accel kvm_and_soft[] = { { "kvm", "KVM", probe_kvm },
                                                    { "soft", "Software CPU", probe_soft },
                                                    { NULL, NULL, NULL } };

static void test_report(void **state)
{
    well(&host);
    denied(&host, "kvm", KVM_NO);
    host.host.zstd = false;
    assert_int_equal(make_report(kvm_and_soft, LANG_EN, false), 1);
    assert_string_equal(
        report,
        "kvm   KVM: does not work here\n"
        "      cause:  /dev/kvm: permission denied: it belongs to the group kvm, and you are not "
        "in it\n"
        "      to do:  run: sudo usermod -aG kvm $USER; then log out and in again\n"
        "soft  Software CPU: works, up to 64 CPUs, GICv2, GICv3\n"
        "host  Linux x86_64 6.1.0, 8 processors\n"
        "      note:   the software CPU translates to x86-64; this processor has AVX2: yes, "
        "AVX-512: no\n"
        "      lacks:  this build reads no zstd: kernels compressed that way cannot be started\n"
        "      to do:  install zstd (Debian: libzstd-dev; Windows: vcpkg), then configure and "
        "build again\n"
        "      note:   16384 MiB of memory, 8192 MiB free\n"
        "--accel auto picks: soft\n");
}

static void test_best_is_picked(void **state)
{
    well(&host);
    assert_int_equal(make_report(kvm_and_soft, LANG_PT_BR, false), 2);
    assert_non_null(strstr(report, "kvm   KVM: funciona, até 16 CPUs, GICv3\n"));
    assert_non_null(strstr(report, "--accel auto escolhe: kvm\n"));
}

static void test_nothing_works(void **state)
{
    static const struct doctor_accel list[] = { { "soft", "Software CPU", probe_none },
                                                { NULL, NULL, NULL } };

    well(&host);
    assert_int_equal(make_report(list, LANG_EN, false), 0);
    assert_non_null(strstr(report, "--accel auto picks: nothing\n"));
    assert_int_equal(make_report(list, LANG_EN, true), 0);
    json_t *all = json_loads(report, 0, NULL);
    assert_true(json_is_null(json_object_get(all, "auto")));
    json_decref(all);
}

static void test_json(void **state)
{
    well(&host);
    host.kvm.gicv2 = false;
    assert_int_equal(make_report(kvm_and_soft, LANG_EN, true), 2);
    json_t *all = json_loads(report, 0, NULL);
    assert_non_null(all);
    assert_string_equal(json_string_value(json_object_get(all, "auto")), "kvm");
    json_t *kvm = json_array_get(json_object_get(all, "accelerators"), 0);
    assert_string_equal(json_string_value(json_object_get(kvm, "name")), "kvm");
    assert_true(json_is_true(json_object_get(kvm, "works")));
    assert_int_equal(json_integer_value(json_object_get(kvm, "max_cpus")), 16);
    assert_int_equal(json_array_size(json_object_get(kvm, "gic")), 1);
    json_t *finding = json_array_get(json_object_get(kvm, "findings"), 0);
    assert_string_equal(json_string_value(json_object_get(finding, "id")), "kvm.gic2");
    assert_string_equal(json_string_value(json_object_get(finding, "kind")), "lacks");
    assert_non_null(json_object_get(finding, "cause"));
    assert_non_null(json_object_get(finding, "remedy"));
    json_t *machine = json_object_get(all, "host");
    assert_int_equal(json_integer_value(json_object_get(machine, "processors")), 8);
    assert_true(json_integer_value(json_object_get(machine, "memory_bytes")) == 16ll << 30);
    json_decref(all);
}

/* The program's own port: whatever this host is, the software CPU works on it. */
static void test_this_host(void **state)
{
    report[0] = 0;
    assert_true(hv_doctor(LANG_EN, false, keep_line, NULL) >= 1);
    assert_non_null(strstr(report, "\nsoft  Software CPU: works, up to 64 CPUs, GICv2, GICv3\n"));
    assert_non_null(strstr(report, "--accel auto picks: "));
}

/* Writes doctor_situations.def anew, to be read before it is believed. */
static void write_expected(void)
{
    static const char *const kinds[] = { "FAILS", "LACKS", "NOTE" };

    for (unsigned i = 0; i < ARRAY_SIZE(situations); i++) {
        struct diagnosis d[LANG_COUNT] = { { .lang = LANG_EN }, { .lang = LANG_PT_BR } };
        for (unsigned lang = 0; lang < LANG_COUNT; lang++) {
            examine(&situations[i], &d[lang]);
        }
        printf("EXPECT(%s, %s", situations[i].name, kinds[find(&d[0], situations[i].id)->kind]);
        for (unsigned lang = 0; lang < LANG_COUNT; lang++) {
            const struct finding *f = find(&d[lang], situations[i].id);
            const char *text[] = { f->cause, f->remedy };
            for (unsigned k = 0; k < 2; k++) {
                fputs(",\n       \"", stdout);
                for (const char *p = text[k]; *p != 0; p++) {
                    printf(*p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
                }
                putchar('"');
            }
        }
        puts(")");
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_situations),
        cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_nothing_to_mend),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_best_is_picked),
        cmocka_unit_test(test_nothing_works),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_this_host),
    };

    if (argc == 2 && strcmp(argv[1], "--write") == 0) {
        write_expected();
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
