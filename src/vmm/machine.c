/*
 * machine.c - a configured machine: made, run through its reboots, destroyed.
 *
 *   create   files -> memory size -> console, log -> vm_init -> boot plan
 *   run      [boot plan applied, CPU 0 on, threads until it stops] again while the guest asks for a
 *            reset
 *   destroy  everything in reverse; also half-way through create
 */
#include "vmm/machine.h"
#include "base/fmt.h"
#include "base/string.h"

/* ---- Ports that the core gets ---------------------------------------------------------------- */

/* From this size on the host's own zero pages, which cost nothing until they are touched: tables are large and seldom full. */
#define PAGES_FROM (64u << 10)

static void *port_alloc(void *opaque, size_t size, size_t align)
{
    return size >= PAGES_FROM ? host_pages_map(size) : host_alloc(size, align);
}
static void port_free(void *opaque, void *p, size_t size)
{
    if (size >= PAGES_FROM) {
        host_pages_unmap(p, size);
    } else {
        host_free(p);
    }
}
static void *port_code_alloc(void *opaque, size_t size, void **writable)
{
    const struct hv_machine *m = opaque;

    return host_code_map(size, writable, m->perf.file.stream != NULL && !m->perf.dump);
}

static void port_code_free(void *opaque, void *p, void *writable, size_t size)
{
    host_code_unmap(p, writable, size);
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
static void port_wake_vcpu(void *opaque, unsigned cpu)
{
    threads_wake_vcpu(opaque, cpu);
}

static void port_sleep_vcpu(void *opaque, unsigned cpu, bool (*done)(void *arg), void *arg)
{
    threads_sleep_vcpu(opaque, cpu, done, arg);
}

static void port_yield(void *opaque)
{
    host_thread_yield();
}

static void port_wake_timers(void *opaque)
{
    struct hv_machine *m = opaque;

    host_wait_wake(m->wait);
}

static void port_stopped(void *opaque)
{
    struct hv_machine *m = opaque;

    semihost_end_input(&m->semihost); /* a CPU that waits for a key must end too */
    host_wait_wake(m->wait);
}

static void mutex_acquire(void *impl)
{
    host_mutex_lock(impl);
}
static void mutex_release(void *impl)
{
    host_mutex_unlock(impl);
}

static enum status port_lock_create(void *opaque, struct lock *lock)
{
    static const struct lock_ops ops = { mutex_acquire, mutex_release };

    lock->impl = host_mutex_create();
    if (lock->impl == NULL) {
        return ST_E_NOMEM;
    }
    lock->ops = &ops;
    return ST_OK;
}

static void port_lock_destroy(void *opaque, struct lock *lock)
{
    host_mutex_destroy(lock->impl);
}

/* The guest's output: in words when narrated, and as it is; the demonstration on a
 * terminal has only the words. */
static size_t port_console_write(void *opaque, const uint8_t *bytes, size_t len)
{
    struct hv_machine *m = opaque;

    if (m->narrate) {
        observe_uart(m, bytes, len);
    }
    if (m->host.console.write != NULL) {
        return m->host.console.write(m->host.console.opaque, bytes, len);
    }
    if (m->config.demo && str_eq(m->config.console, "stdio")) {
        return len;
    }
    struct char_port port = console_port(m->console);
    return port.write(port.opaque, bytes, len);
}

/* ---- Ports that the console gets ------------------------------------------------------------- */

static size_t console_receive(void *opaque, const uint8_t *bytes, size_t len)
{
    return hv_machine_input(opaque, bytes, len);
}

static void console_command(void *opaque, enum console_command command)
{
    struct hv_machine *m = opaque;

    switch (command) {
    case CONSOLE_QUIT: hv_machine_stop(m); break;
    case CONSOLE_STATE: threads_dump(m); break;
    case CONSOLE_STATISTICS: stats_table(m); break;
    case CONSOLE_POWER_BUTTON: hv_machine_power_button(m); break;
    }
}

static void console_notice(void *opaque, const char *text)
{
    struct hv_machine *m = opaque;
    char line[300];

    fmt_format(line, sizeof(line), "hypervisor: %s", text);
    logger_say(&m->logger, HV_LINE_ERR, line);
}

/* ---- Create ---------------------------------------------------------------------------------- */

static enum lang lang_of(const struct hv_machine *m)
{
    return (enum lang)m->config.lang;
}

static void say(struct hv_machine *m, enum msg_id id)
{
    log_line(&m->vm.ports.log, LOG_INFO, "vm", "%s", msg_text(lang_of(m), id));
}

static enum status make_observers(struct hv_machine *m, struct err *err)
{
    struct trace_spec trace = { .exits = false };
    enum status st = m->config.trace != NULL ? spec_trace(m->config.trace, &trace, err) : ST_OK;

    if (st != ST_OK) {
        return st;
    }
    m->narrate_level = m->config.demo ? LOG_INFO : LOG_DEBUG;
    m->narrate = m->narrate_level <= logger_port(&m->logger).level;
    m->trace = trace.exits;
    m->trace_lock = host_mutex_create();
    if (m->trace_lock == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    if (trace.file != NULL) {
        m->trace_file = host_file_create(trace.file, err);
        return m->trace_file != NULL ? ST_OK : ST_E_IO;
    }
    return ST_OK;
}

static enum status make_console(struct hv_machine *m, struct err *err)
{
    const struct console_ports ports = { m, console_receive, console_command, console_notice,
                                         lang_of(m) };

    return m->host.console.write != NULL
               ? ST_OK
               : console_create(&m->console, m->config.console, &ports, err);
}

static struct vm_ports core_ports(struct hv_machine *m)
{
    return (struct vm_ports){
        .opaque = m,
        .alloc = port_alloc,
        .free = port_free,
        .code_alloc = port_code_alloc,
        .code_free = port_code_free,
        .ram_alloc = port_ram_alloc,
        .ram_free = port_ram_free,
        .lock_create = port_lock_create,
        .lock_destroy = port_lock_destroy,
        .now_ns = port_now_ns,
        .wall_s = port_wall_s,
        .random = port_random,
        .wake_vcpu = port_wake_vcpu,
        .sleep_vcpu = port_sleep_vcpu,
        .yield = port_yield,
        .wake_timers = port_wake_timers,
        .stopped = port_stopped,
        .console = { port_console_write, m },
        .log = logger_port(&m->logger),
        .lang = lang_of(m),
        .semihost = m->semihost.lock != NULL ? &m->semihost.port : NULL,
        .name_of = names_of,
        .on_exit = m->narrate || m->trace ? observe_exit : NULL,
    };
}

/* The back end: the one asked for, or the best that can; one line says why a better one was left. */
static enum status pick_accel(struct hv_machine *m, struct vm_config *config, struct err *err)
{
    struct accel_choice choice = { .accel = NULL };
    bool any_gic = m->config.gic == 0;
    struct log_port log = logger_port(&m->logger);
    enum status st = spec_accel(m->config.accel, &choice.accel, err);

    if (st != ST_OK) {
        return st;
    }
    if (choice.accel != NULL) {
        st = accel_check(choice.accel, config, any_gic, &choice.caps, err);
    } else {
        st = accel_choose(config, any_gic, &choice, err);
        if (st == ST_OK && choice.passed_over != NULL) {
            log_line(&log, LOG_WARN, "vm", msg_text(lang_of(m), MSG_SAY_FALL_BACK),
                     choice.accel->name, choice.passed_over->name, choice.why);
        }
    }
    if (st == ST_OK) {
        config->accel = choice.accel;
        config->gic_version = accel_gic_version(&choice.caps, config);
        m->config.gic = config->gic_version - 1; /* guest.c and the lists read it there */
    }
    return st;
}

static void say_machine(struct hv_machine *m)
{
    const struct vm_config *config = &m->vm.config;
    const struct log_port *log = &m->vm.ports.log;
    unsigned long long base = config->board->ram_base;

    log_line(log, LOG_INFO, "vm", msg_text(lang_of(m), MSG_SAY_ACCEL),
             config->accel == &accel_soft ? msg_text(lang_of(m), MSG_SAY_ACCEL_SOFT)
                                          : config->accel->what);
    say(m, MSG_SAY_PARTITION);
    log_line(log, LOG_INFO, "vm", msg_text(lang_of(m), MSG_SAY_MEMORY), base,
             base + (unsigned long long)config->ram_size);
    if (config->cpus == 1) {
        say(m, MSG_SAY_VCPU);
    } else {
        log_line(log, LOG_INFO, "vm", msg_text(lang_of(m), MSG_SAY_VCPUS), config->cpus);
    }
    say(m, MSG_SAY_DEVICES);
}

static enum status build_vm(struct hv_machine *m, struct err *err)
{
    struct vm_config config = {
        .board = board_find(m->config.machine),
        .gic_version = config_gic_version(&m->config),
        .cpus = (unsigned)m->config.cpus,
        .ram_size = m->config.memory,
        .max_insns = m->config.max_insns,
        .features = m->cpu.features,
        .features_on = m->cpu.features_on,
        .features_off = m->cpu.features_off,
        .host_on = m->cpu.host_on,
        .host_off = m->cpu.host_off,
        .smc_conduit = (m->cpu.host_on & ACCEL_EL2) != 0, /* HVC is then the guest's own */
        .cpu_model = m->cpu.model->name,
    };
    struct vm_ports ports = core_ports(m);
    enum status st;

    spec_accel_jit(m->config.accel, &config.jit);
    config.jit.cache = m->config.jit_cache;
    config.jit.count = m->config.stats != NULL;
    log_line(&ports.log, LOG_INFO, "vm", "%s", msg_text(lang_of(m), MSG_SAY_START));
    if ((st = pick_accel(m, &config, err)) != ST_OK ||
        (config.ram_size == 0 && (st = guest_default_memory(m, &config.ram_size, err)) != ST_OK) ||
        (m->config.perf != NULL && (st = perf_init(m, &config, err)) != ST_OK)) {
        return st;
    }
    ports.code_made = m->perf.file.stream != NULL ? perf_code : NULL;
    st = vm_init(&m->vm, &config, &ports, err);
    m->vm_made = st == ST_OK;
    if (st == ST_OK) {
        say_machine(m);
    }
    return st;
}

static enum status build(struct hv_machine *m, struct err *err)
{
    enum status st;

    if ((st = hv_config_check(&m->config, err)) != ST_OK ||
        (st = spec_cpu(m->config.cpu, &m->cpu, err)) != ST_OK ||
        (m->config.affinity != NULL &&
         (st = spec_affinity(m->config.affinity, &m->affinity, err)) != ST_OK) ||
        (st = logger_init(&m->logger, &m->config, &m->host, err)) != ST_OK ||
        (st = make_observers(m, err)) != ST_OK ||
        (st = guest_read(&m->guest, &m->config, err)) != ST_OK ||
        (st = semihost_init(m, err)) != ST_OK || (st = threads_init(m, err)) != ST_OK ||
        (st = build_vm(m, err)) != ST_OK || (st = guest_plan(m, err)) != ST_OK ||
        (st = names_read(m, err)) != ST_OK) {
        return st;
    }
    return make_console(m, err); /* last: a terminal becomes raw only for a guest that will run */
}

enum status hv_machine_create(struct hv_machine **out, const struct hv_config *config,
                              const struct hv_host *host, struct err *err)
{
    struct hv_machine *m = host_alloc(sizeof(*m), 64);
    enum status st;

    if (m == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    m->host = *host;
    st = config_copy(&m->config, config, err);
    if (st == ST_OK) {
        st = build(m, err);
    }
    if (st != ST_OK) {
        hv_machine_destroy(m);
        return st;
    }
    *out = m;
    return ST_OK;
}

void hv_machine_destroy(struct hv_machine *m)
{
    if (m == NULL) {
        return;
    }
    console_destroy(m->console);
    if (m->vm_made) {
        vm_fini(&m->vm);
    }
    symbols_fini(&m->symbols);
    guest_fini(&m->guest);
    threads_fini(m);
    semihost_fini(&m->semihost);
    perf_fini(&m->perf);
    host_stream_close(m->trace_file);
    host_mutex_destroy(m->trace_lock);
    logger_fini(&m->logger);
    hv_config_fini(&m->config);
    host_free(m);
}

/* ---- Run ------------------------------------------------------------------------------------- */

static enum status boot(struct hv_machine *m, struct err *err)
{
    const struct vcpu_start *start = &m->guest.plan.start;
    enum status st = boot_plan_apply(&m->guest.plan, &m->vm, err);

    if (st != ST_OK) {
        return st;
    }
    say(m, MSG_SAY_READY);
    log_line(&m->vm.ports.log, LOG_INFO, "vm", msg_text(lang_of(m), MSG_SAY_LOADED),
             (unsigned long long)start->pc, (unsigned long long)start->sp);
    vm_start(&m->vm, start);
    return ST_OK;
}

/* Until the guest is really done. */
static enum status run_and_reboot(struct hv_machine *m, struct err *err)
{
    for (;;) {
        enum status st = boot(m, err);
        if (st == ST_OK) {
            st = threads_run(m, err);
        }
        if (st != ST_OK || atomic_load(&m->vm.state) != VM_RESET || atomic_load(&m->stop_asked)) {
            return st;
        }
        say(m, MSG_SAY_RESET);
        if ((st = vm_reset(&m->vm, err)) != ST_OK) {
            return st;
        }
    }
}

/* What a guest that did not end by itself leaves behind. */
static void say_dead(struct hv_machine *m, const char *why)
{
    log_line(&m->vm.ports.log, LOG_ERROR, "vm", "%s", why);
    for (unsigned i = 0; i < m->vm.config.cpus; i++) {
        if (atomic_load(&m->vm.vcpu[i].power) == VCPU_ON) {
            vcpu_dump(&m->vm.vcpu[i], LOG_ERROR);
        }
    }
}

static enum hv_outcome outcome_of(struct hv_machine *m)
{
    if (m->timed_out) {
        return HV_TIMEOUT;
    }
    switch (atomic_load(&m->vm.state)) {
    case VM_EXITED: return HV_EXITED;
    case VM_LIMIT: return HV_INSN_LIMIT;
    case VM_FAILED: return HV_FAILED;
    default: return atomic_load(&m->stop_asked) ? HV_QUIT : HV_OFF;
    }
}

static void say_end(struct hv_machine *m, const struct hv_result *result, struct err *err)
{
    switch (result->outcome) {
    case HV_OFF: say(m, MSG_SAY_OFF); break;
    case HV_EXITED:
        log_line(&m->vm.ports.log, LOG_INFO, "vm", msg_text(lang_of(m), MSG_SAY_EXITED),
                 result->status);
        break;
    case HV_QUIT: say(m, MSG_SAY_QUIT); break;
    case HV_TIMEOUT: say_dead(m, msg_text(lang_of(m), MSG_SAY_TIMEOUT)); break;
    case HV_INSN_LIMIT: say_dead(m, msg_text(lang_of(m), MSG_SAY_LIMIT)); break;
    case HV_FAILED:
        say_dead(m, m->vm.fail_text);
        err_set(err, ST_E_STATE, MSG_RUN_FAILED, m->vm.fail_text);
        break;
    }
}

static enum status say_stats(struct hv_machine *m, struct err *err)
{
    struct stats_spec spec;

    if (m->config.stats == NULL || spec_stats(m->config.stats, &spec, err) != ST_OK) {
        return ST_OK;
    }
    if (spec.file != NULL) {
        return stats_json(m, spec.file, err);
    }
    stats_table(m);
    return ST_OK;
}

enum status hv_machine_run(struct hv_machine *m, struct hv_result *result, struct err *err)
{
    enum status st;

    m->start_ns = host_now_ns();
    st = run_and_reboot(m, err);
    m->run_ns = host_now_ns() - m->start_ns;
    console_destroy(m->console); /* what follows is for a terminal in its normal mode */
    m->console = NULL;
    if (st != ST_OK) {
        return st;
    }
    *result = (struct hv_result){ .outcome = outcome_of(m),
                                  .status = m->vm.exit_status,
                                  .run_ns = m->run_ns,
                                  .insns = stats_insns(m) };
    say_end(m, result, err);
    return say_stats(m, err);
}

void hv_machine_stop(struct hv_machine *m)
{
    atomic_store(&m->stop_asked, true);
    host_wait_wake(m->wait);
}

size_t hv_machine_input(struct hv_machine *m, const uint8_t *bytes, size_t len)
{
    size_t taken;

    return semihost_input(&m->semihost, bytes, len, &taken) ? taken
                                                            : vm_console_input(&m->vm, bytes, len);
}

void hv_machine_power_button(struct hv_machine *m)
{
    vm_power_button(&m->vm);
}

int hv_exit_status(const struct hv_result *result)
{
    switch (result->outcome) {
    case HV_OFF: return 0;
    case HV_EXITED: return (int)(result->status & 0xff);
    case HV_TIMEOUT:
    case HV_INSN_LIMIT: return 124;
    case HV_QUIT: return 0;
    default: return 1;
    }
}
