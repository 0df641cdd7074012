/*
 * observe.c - exits in words: the narration of the demonstration, and --trace exits.
 *
 * Runs on the vCPU's thread, before the exit is handled.
 */
#include "arch/esr.h"
#include "base/fmt.h"
#include "base/string.h"
#include "vmm/machine.h"

static const char *const kind_name[EXIT_KINDS] = {
    [EXIT_NONE] = "none",   [EXIT_SYNDROME] = "trap",
    [EXIT_MMIO] = "mmio",   [EXIT_SEMIHOST] = "semihosting",
    [EXIT_STUCK] = "stuck", [EXIT_LIMIT] = "limit",
    [EXIT_DEBUG] = "debug", [EXIT_POWER] = "power",
    [EXIT_FAIL] = "fail",
};

const char *exit_kind_name(enum exit_kind kind)
{
    return kind_name[kind];
}

static void describe_mmio(struct vcpu *vcpu, const struct vcpu_exit *exit, struct text *t)
{
    uint64_t ipa = exit->mmio.ipa;
    const struct dev *dev = bus_find(&vcpu->vm->bus, ipa, exit->mmio.size);

    text_add(t, "MMIO %s%u 0x%08llx", exit->mmio.write ? "write" : "read", exit->mmio.size * 8u,
             (unsigned long long)ipa);
    if (dev != NULL) {
        text_add(t, " (%s+0x%03llx)", dev->ops->name, (unsigned long long)(ipa - dev->base));
    }
    text_add(t, " = 0x%llx", (unsigned long long)exit->mmio.value);
}

static void describe(struct vcpu *vcpu, const struct vcpu_exit *exit, struct text *t)
{
    char words[160];

    switch (exit->kind) {
    case EXIT_SYNDROME:
        esr_summary(exit->syndrome.esr, words, sizeof(words));
        text_add(t, "%s", words);
        break;
    case EXIT_MMIO: describe_mmio(vcpu, exit, t); break;
    case EXIT_SEMIHOST: text_add(t, "semihosting 0x%02x", (unsigned)vcpu_reg(vcpu, REG_X0)); break;
    case EXIT_STUCK:
        esr_summary(exit->stuck.esr, words, sizeof(words));
        text_add(t, "stuck: %s", words);
        break;
    case EXIT_FAIL: text_add(t, "fail: %s", exit->fail.text); break;
    default: text_add(t, "%s", kind_name[exit->kind]); break;
    }
}

/* One line: CPU, kind, PC, details. */
static void trace_exit(struct hv_machine *m, struct vcpu *vcpu, const struct vcpu_exit *exit,
                       const char *words)
{
    char line[320];
    size_t len;

    len = fmt_format(line, sizeof(line) - 1, "cpu%u %s pc=0x%llx %s", vcpu->index,
                     kind_name[exit->kind], (unsigned long long)vcpu_reg(vcpu, REG_PC), words);
    if (m->trace_file == NULL) {
        logger_say(&m->logger, HV_LINE_ERR, line);
        return;
    }
    len = len < sizeof(line) - 2 ? len : sizeof(line) - 2;
    line[len] = '\n';
    host_mutex_lock(m->trace_lock);
    (void)host_stream_write(m->trace_file, line, len + 1, 1000000000u);
    host_mutex_unlock(m->trace_lock);
}

void observe_exit(void *opaque, struct vcpu *vcpu, const struct vcpu_exit *exit)
{
    struct hv_machine *m = opaque;
    unsigned long long number = atomic_fetch_add(&m->exit_count, 1) + 1;
    char words[240];
    struct text t;

    text_init(&t, words, sizeof(words));
    describe(vcpu, exit, &t);
    if (m->trace) {
        trace_exit(m, vcpu, exit, words);
    }
    if (m->narrate) {
        log_line(&m->vm.ports.log, m->narrate_level, "exit",
                 msg_text(m->vm.ports.lang, MSG_SAY_EXIT), number, words);
    }
}

/* A byte as a person would write it between quotes. */
static const char *byte_in_words(uint8_t byte, char buf[8])
{
    switch (byte) {
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    case '\\': return "\\\\";
    case '\'': return "\\'";
    default: break;
    }
    fmt_format(buf, 8, byte >= 0x20 && byte < 0x7f ? "%c" : "\\x%02x", byte);
    return buf;
}

void observe_uart(struct hv_machine *m, const uint8_t *bytes, size_t len)
{
    char buf[8];

    for (size_t i = 0; i < len; i++) {
        log_line(&m->vm.ports.log, m->narrate_level, "uart",
                 msg_text(m->vm.ports.lang, MSG_SAY_UART), byte_in_words(bytes[i], buf), bytes[i]);
    }
}
