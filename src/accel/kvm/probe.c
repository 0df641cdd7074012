/*
 * probe.c - what this host's KVM is like: the facts that detect.h judges.
 *
 * The device's own answers come from api.rst, "4.4 KVM_CHECK_EXTENSION". Where there is no device, or it may not be
 * opened, /proc and /sys tell why: /proc/misc lists the device if KVM started, /sys/module/kvm is there if the
 * kernel has it at all.
 */
#include "accel/kvm/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "accel/detect/detect.h"
#include "base/fmt.h"

/* ---- Files of the system --------------------------------------------------------------------- */

/* The beginning of a file as text; empty where it cannot be read. */
static void read_text(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t n;

    while (fd >= 0 && len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0) {
        len += (size_t)n;
    }
    buf[len] = 0;
    if (fd >= 0) {
        close(fd);
    }
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* The n-th field of a line of /etc/passwd or /etc/group, cut out of it in place. */
static char *field(char *line, unsigned n)
{
    char *end;

    for (; n > 0 && line != NULL; n--) {
        line = strchr(line, ':');
        line = line != NULL ? line + 1 : NULL;
    }
    if (line != NULL && (end = strpbrk(line, ":\n")) != NULL) {
        *end = 0;
    }
    return line;
}

/* Copies the line of such a file whose third field is id. */
static bool line_of_id(const char *path, unsigned id, char *out, size_t size)
{
    static const size_t text_size = 1u << 18;
    char *text = malloc(text_size), *rest = text, *line;
    bool found = false;

    if (text == NULL) {
        return false;
    }
    read_text(path, text, text_size);
    while (!found && (line = strsep(&rest, "\n")) != NULL) {
        char copy[512], *number;
        fmt_format(copy, sizeof(copy), "%s", line);
        number = field(copy, 2);
        found = number != NULL && *number != 0 && strtoul(number, NULL, 10) == id;
        if (found) {
            fmt_format(out, size, "%s", line);
        }
    }
    free(text);
    return found;
}

/* ---- No device, or not for us ---------------------------------------------------------------- */

static bool is_member(const char *group_line, const char *user)
{
    char line[512], *list, *name;

    fmt_format(line, sizeof(line), "%s", group_line);
    list = field(line, 3);
    while (list != NULL && (name = strsep(&list, ",")) != NULL) {
        if (strcmp(name, user) == 0) {
            return true;
        }
    }
    return false;
}

static void look_at_group(struct kvm_facts *f)
{
    char group[512], user[512];
    struct stat st;

    if (stat(KVM_DEVICE, &st) != 0 || (st.st_mode & 060) != 060 ||
        !line_of_id("/etc/group", st.st_gid, group, sizeof(group))) {
        return;
    }
    if (line_of_id("/etc/passwd", getuid(), user, sizeof(user))) {
        f->member = is_member(group, field(user, 0)) ? KVM_YES : KVM_NO;
    }
    fmt_format(f->group, sizeof(f->group), "%s", field(group, 0));
}

static enum kvm_yes_no config_says(void)
{
    static const size_t text_size = 1u << 19;
    struct utsname name;
    char path[200], *text;
    enum kvm_yes_no answer = KVM_UNKNOWN;

    if (exists("/sys/module/kvm")) {
        return KVM_YES;
    }
    if (uname(&name) != 0 || (text = malloc(text_size)) == NULL) {
        return KVM_UNKNOWN;
    }
    fmt_format(path, sizeof(path), "/boot/config-%s", name.release);
    read_text(path, text, text_size);
    if (strstr(text, "\nCONFIG_KVM=y") != NULL) {
        answer = KVM_YES;
    } else if (text[0] != 0) {
        answer = KVM_NO;
    }
    free(text);
    return answer;
}

static void look_why_absent(struct kvm_facts *f)
{
    char misc[4096];

    read_text("/proc/misc", misc, sizeof(misc));
    if (misc[0] != 0) {
        f->registered = strstr(misc, " kvm\n") != NULL ? KVM_YES : KVM_NO;
    }
    f->in_kernel = f->registered == KVM_YES ? KVM_YES : config_says();
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment */
    const bool named = getenv("container") != NULL;
    f->container = named || exists("/.dockerenv") || exists("/run/.containerenv");
}

static void open_device(struct kvm_facts *f, int *dev)
{
    char line[4096];

    read_text("/proc/cmdline", line, sizeof(line));
    f->switched_off = strstr(line, "kvm-arm.mode=none") != NULL;
    if (strstr(line, "kvm-arm.mode=protected") != NULL) {
        f->mode = KVM_MODE_PROTECTED;
    }
    *dev = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);
    if (*dev >= 0) {
        f->node = KVM_NODE_OPEN;
        return;
    }
    switch (errno) {
    case ENOENT:
    case ENXIO: /* the file is there, and no driver behind it */
    case ENODEV:
        f->node = KVM_NODE_ABSENT;
        look_why_absent(f);
        break;
    case EACCES:
    case EPERM:
        f->node = KVM_NODE_DENIED;
        f->root = geteuid() == 0;
        look_at_group(f);
        break;
    default: f->node = KVM_NODE_FAILED; kvm_error_text(errno, f->node_error, sizeof(f->node_error));
    }
}

/* What the kernel said when KVM started. Only the system's log knows whether VHE is in use. */
static void look_at_log(struct kvm_facts *f)
{
    int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char record[1024];
    ssize_t n;

    while (fd >= 0 &&
           ((n = read(fd, record, sizeof(record) - 1)) > 0 || (n < 0 && errno == EPIPE))) {
        record[n > 0 ? n : 0] = 0;
        if (strstr(record, "VHE mode initialized successfully") != NULL &&
            strstr(record, "nVHE mode") == NULL) {
            f->mode = KVM_MODE_VHE;
        } else if (strstr(record, "Hyp mode initialized successfully") != NULL) {
            f->mode = KVM_MODE_NVHE;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* ---- The device's answers -------------------------------------------------------------------- */

static int failed(struct kvm_facts *f, const char *call, int result)
{
    if (result < 0) {
        f->failed_call = call;
        kvm_error_text(-result, f->failed_error, sizeof(f->failed_error));
        f->no_memory = result == -ENOMEM;
    }
    return result;
}

/* What the back end cannot do without, and the Linux that brought it; oldest first. */
static void look_at_needs(struct kvm_facts *f, int fd)
{
    static const struct {
        unsigned cap;
        const char *name, *linux_version;
    } needs[] = {
        { KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY", "3.9" },
        { KVM_CAP_ONE_REG, "KVM_CAP_ONE_REG", "3.9" },
        { KVM_CAP_DEVICE_CTRL, "KVM_CAP_DEVICE_CTRL", "3.13" },
        { KVM_CAP_ARM_PSCI_0_2, "KVM_CAP_ARM_PSCI_0_2", "3.15" },
        { KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM", "4.0" },
        { KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT", "4.11" },
    };
    struct text t;

    text_init(&t, f->missing, sizeof(f->missing));
    for (unsigned i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        if (kvm_extension(fd, needs[i].cap) == 0) {
            text_add(&t, "%s%s", t.len != 0 ? ", " : "", needs[i].name);
            fmt_format(f->old_linux, sizeof(f->old_linux), "%s", needs[i].linux_version);
        }
    }
}

static void look_at_offers(struct kvm_facts *f, int fd)
{
    f->gicv2 = kvm_gic_offered(fd, 2);
    f->gicv3 = kvm_gic_offered(fd, 3);
    f->its = kvm_its_offered(fd);
    f->nisv = kvm_extension(fd, KVM_CAP_ARM_NISV_TO_USER) != 0;
    f->ext_abort = kvm_extension(fd, KVM_CAP_ARM_INJECT_EXT_DABT) != 0;
    f->smccc_filter = kvm_filters_calls(fd);
    f->pmu = kvm_extension(fd, KVM_CAP_ARM_PMU_V3) != 0;
    f->sve = kvm_extension(fd, KVM_CAP_ARM_SVE) != 0;
    f->pauth = kvm_extension(fd, KVM_CAP_ARM_PTRAUTH_ADDRESS) != 0 &&
               kvm_extension(fd, KVM_CAP_ARM_PTRAUTH_GENERIC) != 0;
    f->nested = kvm_extension(fd, KVM_CAP_ARM_EL2) != 0;
    f->steal_time = kvm_extension(fd, KVM_CAP_STEAL_TIME) != 0;
    f->irqfd = kvm_extension(fd, KVM_CAP_IRQFD) != 0 && kvm_extension(fd, KVM_CAP_IOEVENTFD) != 0;
    f->guest_debug = kvm_extension(fd, KVM_CAP_SET_GUEST_DEBUG) != 0;
}

static void fill_caps(const struct kvm_facts *f, struct accel_caps *caps, int dev, int fd)
{
    int cpus = kvm_extension(fd, KVM_CAP_MAX_VCPUS);

    *caps = (struct accel_caps){
        .max_cpus = cpus > VM_CPUS_MAX ? VM_CPUS_MAX : (unsigned)cpus,
        .gicv2 = f->gicv2,
        .gicv3 = f->gicv3,
        .own_gic = true,
        .own_timer = true,
        .own_psci = true,
        .must_kick = true,
        .pmu = f->pmu,
        .ipa_bits = kvm_ipa_bits(dev),
        .features = (f->sve ? ACCEL_SVE : 0u) | (f->nested ? ACCEL_EL2 : 0u) |
                    (f->steal_time ? ACCEL_STEAL : 0u),
        .breakpoints = f->guest_debug ? (unsigned)kvm_extension(fd, KVM_CAP_GUEST_DEBUG_HW_BPS) : 0,
        .watchpoints = f->guest_debug ? (unsigned)kvm_extension(fd, KVM_CAP_GUEST_DEBUG_HW_WPS) : 0,
        .its = f->its,
    };
}

static void ask_device(struct kvm_facts *f, struct accel_caps *caps, int dev)
{
    struct kvm_vcpu_init target;
    int fd;

    f->api_wanted = KVM_API_VERSION;
    f->api = kvm_call_number(dev, KVM_GET_API_VERSION, 0);
    if (f->api != f->api_wanted) {
        return;
    }
    fd = failed(f, "KVM_CREATE_VM", kvm_call_number(dev, KVM_CREATE_VM, kvm_vm_type(dev)));
    if (fd < 0) {
        return;
    }
    if (failed(f, "KVM_ARM_PREFERRED_TARGET", kvm_call(fd, KVM_ARM_PREFERRED_TARGET, &target)) >=
        0) {
        look_at_needs(f, fd);
        look_at_offers(f, fd);
        fill_caps(f, caps, dev, fd);
    }
    close(fd);
}

void kvm_probe(struct accel_caps *caps, struct diagnosis *diagnosis)
{
    struct kvm_facts f = {
        .host = { .name = "Linux ARM64", .linux_os = true, .arm64 = true, .program = true },
        .built = true,
    };
    int dev;

    open_device(&f, &dev);
    if (dev >= 0) {
        ask_device(&f, caps, dev);
        close(dev);
        if (diagnosis->thorough && f.mode == KVM_MODE_UNKNOWN) {
            look_at_log(&f);
        }
    }
    kvm_detect(&f, diagnosis);
}
