/*
 * doctor.c - `hypervisor doctor`: every back end, the host and this build, each with what does not work or could be
 * better, the cause and what to do; for people or as JSON.
 */
#include "vmm/doctor.h"

#include <jansson.h>
#include <stdlib.h>

#include "accel/detect/detect.h"
#include "base/fmt.h"
#include "base/string.h"
#include "vmm/machine.h"

#define CODE_TEST_BYTES 65536u
#define LINUX_MIB       600u /* that a guest of the default size wants, with ourselves */

/* ---- This host ------------------------------------------------------------------------------- */

static bool program_is_arm64(void)
{
#if defined(__aarch64__) || defined(_M_ARM64)
    return true;
#else
    return false;
#endif
}

static bool code_memory_works(void)
{
    void *writable, *code = host_code_map(CODE_TEST_BYTES, &writable, false);

    if (code != NULL) {
        host_code_unmap(code, writable, CODE_TEST_BYTES);
    }
    return code != NULL;
}

static void look(struct doctor_host *out)
{
    *out = (struct doctor_host)
    {
        .cpus = host_cpu_count(), .translates = accel_soft_translates,
        .code_memory = code_memory_works(), .terminal = host_is_terminal(host_stdin()),
#if HV_HAVE_ZLIB
        .zlib = true,
#endif
#if HV_HAVE_ZSTD
        .zstd = true,
#endif
    };
    host_describe(&out->facts);
}

/* What is known of a back end that this build lacks. */
static struct detect_host known_host(const struct host_facts *facts)
{
    return (struct detect_host){ .name = facts->name,
                                 .linux_os = facts->linux_os,
                                 .windows = facts->windows,
                                 .arm64 = facts->arm64,
                                 .program = program_is_arm64() };
}

static void kvm_absent(struct accel_caps *caps, struct diagnosis *d)
{
    struct host_facts facts;

    host_describe(&facts);
    kvm_detect(&(struct kvm_facts){ .host = known_host(&facts) }, d);
}

static void whp_absent(struct accel_caps *caps, struct diagnosis *d)
{
    struct host_facts facts;

    host_describe(&facts);
    whp_detect(&(struct whp_facts){ .host = known_host(&facts) }, d);
}

/* ---- Host and build -------------------------------------------------------------------------- */

static void detect_build(const struct doctor_host *h, struct diagnosis *d)
{
    if (!h->translates) {
        diagnosis_add(d, FINDING_LACKS, "build.translator", MSG_HOST_NO_JIT_C);
        diagnosis_remedy(d, MSG_HOST_NO_JIT_R);
    } else if (!h->code_memory) {
        diagnosis_add(d, FINDING_LACKS, "host.code", MSG_HOST_NO_CODE_C);
        diagnosis_remedy(d, MSG_HOST_NO_CODE_R);
    } else {
        diagnosis_add(d, FINDING_NOTE, "host.avx", MSG_HOST_AVX_C,
                      msg_text(d->lang, h->facts.avx2 ? MSG_YES : MSG_NO),
                      msg_text(d->lang, h->facts.avx512 ? MSG_YES : MSG_NO));
    }
    if (!h->zlib) {
        diagnosis_add(d, FINDING_LACKS, "build.zlib", MSG_HOST_ZLIB_C);
        diagnosis_remedy(d, MSG_HOST_ZLIB_R);
    }
    if (!h->zstd) {
        diagnosis_add(d, FINDING_LACKS, "build.zstd", MSG_HOST_ZSTD_C);
        diagnosis_remedy(d, MSG_HOST_ZSTD_R);
    }
}

void doctor_host_detect(const struct doctor_host *h, struct diagnosis *d)
{
    unsigned long long free_mib = h->facts.memory_free_bytes >> 20;

    detect_build(h, d);
    if (h->cpus == 1) {
        diagnosis_add(d, FINDING_LACKS, "host.cpus", MSG_HOST_ONE_CPU_C);
        diagnosis_remedy(d, MSG_HOST_ONE_CPU_R);
    }
    if (h->facts.memory_free_bytes != 0 && free_mib < LINUX_MIB) {
        diagnosis_add(d, FINDING_LACKS, "host.memory", MSG_HOST_LOW_MEMORY_C, free_mib);
        diagnosis_remedy(d, MSG_HOST_LOW_MEMORY_R);
    } else if (h->facts.memory_bytes != 0) {
        diagnosis_add(d, FINDING_NOTE, "host.memory", MSG_HOST_MEMORY_C,
                      (unsigned long long)(h->facts.memory_bytes >> 20), free_mib);
    }
    if (!h->terminal) {
        diagnosis_add(d, FINDING_NOTE, "host.terminal", MSG_HOST_TERMINAL_C);
    }
}

/* ---- For people ------------------------------------------------------------------------------ */

struct report {
    enum lang lang;
    hv_line_fn *line;
    void *opaque;
    struct doctor_host host;
    const char *picked; /* what --accel auto takes; NULL: nothing works */
    unsigned working;
    json_t *accels; /* with --json */
};

static void say(const struct report *r, const char *format, ...)
{
    char text[900];
    va_list args;

    va_start(args, format);
    fmt_vformat(text, sizeof(text), format, args);
    va_end(args);
    r->line(r->opaque, text);
}

static const char *gics(const struct accel_caps *caps)
{
    return caps->gicv2 && caps->gicv3 ? "GICv2, GICv3" : caps->gicv2 ? "GICv2" : "GICv3";
}

static void say_findings(const struct report *r, const struct diagnosis *d)
{
    static const enum msg_id label[] = { [FINDING_FAILS] = MSG_DOCTOR_CAUSE,
                                         [FINDING_LACKS] = MSG_DOCTOR_LACKS,
                                         [FINDING_NOTE] = MSG_DOCTOR_NOTE };

    for (unsigned i = 0; i < d->count; i++) {
        const struct finding *f = &d->finding[i];
        say(r, "      %s %s", msg_text(r->lang, label[f->kind]), f->cause);
        if (f->remedy[0] != 0) {
            say(r, "      %s %s", msg_text(r->lang, MSG_DOCTOR_REMEDY), f->remedy);
        }
    }
}

static void say_accel(const struct report *r, const struct doctor_accel *accel,
                      const struct accel_caps *caps, const struct diagnosis *d)
{
    char what[100];

    if (diagnosis_failure(d) != NULL) {
        say(r, "%-5s %s: %s", accel->name, accel->what, msg_text(r->lang, MSG_DOCTOR_FAILS));
    } else {
        fmt_format(what, sizeof(what), msg_text(r->lang, MSG_DOCTOR_CAPS), caps->max_cpus,
                   gics(caps));
        say(r, "%-5s %s: %s, %s", accel->name, accel->what, msg_text(r->lang, MSG_DOCTOR_WORKS),
            what);
    }
    say_findings(r, d);
}

static void say_host(const struct report *r, const struct diagnosis *d)
{
    char text[200];

    fmt_format(text, sizeof(text), msg_text(r->lang, MSG_DOCTOR_HOST), r->host.facts.name,
               r->host.cpus);
    say(r, "host  %s", text);
    say_findings(r, d);
    fmt_format(text, sizeof(text), msg_text(r->lang, MSG_DOCTOR_AUTO),
               r->picked != NULL ? r->picked : msg_text(r->lang, MSG_DOCTOR_NONE));
    say(r, "%s", text);
}

/* ---- For programs ---------------------------------------------------------------------------- */

static json_t *findings_json(const struct diagnosis *d)
{
    static const char *const kind[] = {
        [FINDING_FAILS] = "fails", [FINDING_LACKS] = "lacks", [FINDING_NOTE] = "note"
    };
    json_t *list = json_array();

    for (unsigned i = 0; i < d->count; i++) {
        const struct finding *f = &d->finding[i];
        json_t *o =
            json_pack("{s:s, s:s, s:s}", "id", f->id, "kind", kind[f->kind], "cause", f->cause);
        if (f->remedy[0] != 0) {
            json_object_set_new(o, "remedy", json_string(f->remedy));
        }
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *accel_json(const struct doctor_accel *accel, const struct accel_caps *caps,
                          const struct diagnosis *d)
{
    bool works = diagnosis_failure(d) == NULL;
    json_t *o = json_pack("{s:s, s:b}", "name", accel->name, "works", works);
    json_t *gic = json_array();

    if (works) {
        if (caps->gicv2) {
            json_array_append_new(gic, json_integer(2));
        }
        if (caps->gicv3) {
            json_array_append_new(gic, json_integer(3));
        }
        json_object_set_new(o, "max_cpus", json_integer(caps->max_cpus));
        json_object_set(o, "gic", gic);
    }
    json_decref(gic);
    json_object_set_new(o, "findings", findings_json(d));
    return o;
}

static void say_json(const struct report *r, const struct diagnosis *d)
{
    const struct doctor_host *h = &r->host;
    json_t *host =
        json_pack("{s:s, s:i, s:I, s:I, s:o}", "name", h->facts.name, "processors", (int)h->cpus,
                  "memory_bytes", (json_int_t)h->facts.memory_bytes, "memory_free_bytes",
                  (json_int_t)h->facts.memory_free_bytes, "findings", findings_json(d));
    json_t *all =
        json_pack("{s:s?, s:O, s:o}", "auto", r->picked, "accelerators", r->accels, "host", host);
    char *text = json_dumps(all, JSON_INDENT(2));

    if (text != NULL) {
        r->line(r->opaque, text);
    }
    free(text);
    json_decref(all);
}

/* ---- The report ------------------------------------------------------------------------------ */

static void examine(struct report *r, const struct doctor_accel *accel)
{
    struct diagnosis d = { .lang = r->lang, .thorough = true };
    struct accel_caps caps = { .max_cpus = 0 };

    accel->probe(&caps, &d);
    if (diagnosis_failure(&d) == NULL) {
        r->working++;
        r->picked = r->picked != NULL ? r->picked : accel->name;
    }
    if (r->accels != NULL) {
        json_array_append_new(r->accels, accel_json(accel, &caps, &d));
    } else {
        say_accel(r, accel, &caps, &d);
    }
}

unsigned doctor_report(const struct doctor_port *port, enum lang lang, bool json, hv_line_fn *line,
                       void *opaque)
{
    struct report r = { .lang = lang, .line = line, .opaque = opaque };
    struct diagnosis d = { .lang = lang, .thorough = true };

    r.accels = json ? json_array() : NULL;
    port->look(&r.host);
    for (const struct doctor_accel *accel = port->accel; accel->name != NULL; accel++) {
        examine(&r, accel);
    }
    doctor_host_detect(&r.host, &d);
    if (r.accels != NULL) {
        say_json(&r, &d);
        json_decref(r.accels);
    } else {
        say_host(&r, &d);
    }
    return r.working;
}

unsigned hv_doctor(enum lang lang, bool json, hv_line_fn *line, void *opaque)
{
    struct doctor_accel list[] = {
        { "kvm", "KVM", kvm_absent },
        { "whp", "Windows Hypervisor Platform", whp_absent },
        { "soft", msg_text(lang, MSG_SAY_ACCEL_SOFT), accel_soft.probe },
        { NULL, NULL, NULL },
    };

    for (struct doctor_accel *a = list; a->name != NULL; a++) {
        const struct accel_ops *ops = accel_find(a->name);
        a->probe = ops != NULL ? ops->probe : a->probe;
    }
    return doctor_report(&(struct doctor_port){ list, look }, lang, json, line, opaque);
}
