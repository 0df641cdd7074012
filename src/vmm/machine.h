/*
 * machine.h - the inside of struct hv_machine, shared by the files of vmm.
 *
 *   machine.c   made, run, destroyed; the ports that the core gets
 *   guest.c     files in, boot plan out
 *   names.c     what the guest's code is called
 *   threads.c   a thread per vCPU, and the event loop on the caller's thread
 *   logger.c    where lines go
 *   observe.c   exits in words: narration, --trace
 *   stats.c     figures at the end
 *   semihost.c  files and input for semihosting guests
 *   perf.c      what Linux's profiler is told
 */
#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H

#include <stdatomic.h>

#include "boot.h"
#include "debug/symbols.h"
#include "host.h"
#include "io/console.h"
#include "vm.h"
#include "vmm/internal.h"
#include "vmm/spec.h"

/* ---- Parts ----------------------------------------------------------------------------------- */

struct logger {
    struct hv_host host;
    struct log_spec spec;
    struct host_mutex *lock;
    struct host_stream *file; /* --log-file; NULL: host.line */
    bool demo;
};

/* The files a guest is made of; they stay until the machine goes, for reboots. */
struct guest {
    struct host_bytes kernel, initrd, dtb;
    struct host_bytes load_bytes[BOOT_LOADS_MAX];
    char *load_name[BOOT_LOADS_MAX];
    struct boot_load load[BOOT_LOADS_MAX];
    unsigned load_count;
    uint8_t seed[32];
    struct boot_plan plan;
};

/* What a vCPU's thread sleeps on. */
struct sleeper {
    struct hv_machine *machine;
    struct host_thread *thread;
    struct host_mutex *lock;
    struct host_cond *cond;
    _Atomic bool asleep; /* a wake must take the lock       */
    bool woken;          /* under lock                      */
    _Atomic bool dump;   /* somebody wants to see its state */
    unsigned index;
};

#define SEMIHOST_FILES 32
#define SEMIHOST_INPUT 256

struct semihost {
    struct semihost_port port;
    struct host_dir *dir; /* NULL: no files */
    struct host_mutex *lock;
    struct host_cond *cond;
    struct {
        struct host_stream *stream;
        bool read, write;
    } file[SEMIHOST_FILES];
    uint8_t input[SEMIHOST_INPUT]; /* bytes for SYS_READC, oldest first */
    size_t input_len;
    bool reads; /* the guest has asked: input is for it, and not for the UART */
    bool ended; /* there will be no more                                      */
};

struct perf {
    struct host_perf file; /* --perf; its stream is NULL: not given */
    struct host_mutex *lock;
    bool dump; /* else a map */
    bool failed;
    uint64_t count;
};

struct hv_machine {
    struct hv_config config;
    struct hv_host host;
    struct logger logger;
    struct guest guest;
    struct symbols symbols; /* of the guest; made before it runs */
    struct vm vm;
    bool vm_made;
    struct console *console; /* NULL: host.console */
    struct semihost semihost;
    struct perf perf;
    struct host_wait *wait; /* the event loop's */
    struct sleeper *sleeper;
    struct affinity_spec affinity;
    struct cpu_spec cpu;

    bool narrate; /* exits and UART bytes in words */
    enum log_level narrate_level;
    struct host_stream *trace_file;
    bool trace;
    struct host_mutex *trace_lock;
    _Atomic uint64_t exit_count;

    _Atomic bool stop_asked; /* hv_machine_stop                         */
    bool timed_out;          /* event loop only                         */
    uint64_t start_ns;       /* host_now_ns when the first vCPU started */
    uint64_t run_ns;
};

/* ---- logger.c -------------------------------------------------------------------------------- */

enum status logger_init(struct logger *logger, const struct hv_config *config,
                        const struct hv_host *host, struct err *err);
void logger_fini(struct logger *logger);
struct log_port logger_port(struct logger *logger);
/* A line that is no log line (statistics, where the console is). Any thread. */
void logger_say(struct logger *logger, enum hv_line to, const char *text);

/* ---- accels.c -------------------------------------------------------------------------------- */

/* Can this back end do what is asked? any_gic: the version is not the user's wish. Fills caps. */
enum status accel_check(const struct accel_ops *accel, const struct vm_config *config, bool any_gic,
                        struct accel_caps *caps, struct err *err);
/* The version asked for, or the other one where the back end has only that. */
unsigned accel_gic_version(const struct accel_caps *caps, const struct vm_config *config);

struct accel_choice {
    const struct accel_ops *accel;
    struct accel_caps caps;
    const struct accel_ops *passed_over; /* a better one that cannot; NULL: none */
    char why[400];
};

/* --accel auto: the first back end that can. */
enum status accel_choose(const struct vm_config *config, bool any_gic, struct accel_choice *choice,
                         struct err *err);

/* ---- guest.c --------------------------------------------------------------------------------- */

/* Reads the files that the configuration names. */
enum status guest_read(struct guest *guest, const struct hv_config *config, struct err *err);
/* RAM for a guest whose configuration says nothing: looks at what it is. */
enum status guest_default_memory(struct hv_machine *machine, uint64_t *ram_size, struct err *err);
/* Lays the guest out in the machine that was built. */
enum status guest_plan(struct hv_machine *machine, struct err *err);
void guest_fini(struct guest *guest);
/* The request for a machine of so much RAM; borrowed members live as long as machine and mpidr. */
void guest_request(struct hv_machine *machine, uint64_t ram_size, const uint64_t *mpidr,
                   unsigned cpus, struct boot_request *request);

/* ---- names.c --------------------------------------------------------------------------------- */

/* The symbols of the guest's own ELF file, and those of --symbols. After guest_plan. */
enum status names_read(struct hv_machine *machine, struct err *err);
/* vm_ports.name_of */
bool names_of(void *opaque, uint64_t va, char *buf, size_t size);

/* ---- threads.c ------------------------------------------------------------------------------- */

enum status threads_init(struct hv_machine *machine, struct err *err);
void threads_fini(struct hv_machine *machine);
/* Starts the vCPUs, serves timers and console, and returns when the machine no longer
 * runs and all threads ended. */
enum status threads_run(struct hv_machine *machine, struct err *err);
void threads_wake_vcpu(struct hv_machine *machine, unsigned cpu);
/* On the vCPU's thread: sleeps until done(arg), which a wake makes it ask. */
void threads_sleep_vcpu(struct hv_machine *machine, unsigned cpu, bool (*done)(void *arg),
                        void *arg);
/* Every vCPU writes its state to the log when it next can. */
void threads_dump(struct hv_machine *machine);

/* ---- observe.c ------------------------------------------------------------------------------- */

void observe_exit(void *opaque, struct vcpu *vcpu, const struct vcpu_exit *exit);
/* "mmio" */
const char *exit_kind_name(enum exit_kind kind);
void observe_uart(struct hv_machine *machine, const uint8_t *bytes, size_t len);

/* ---- stats.c --------------------------------------------------------------------------------- */

void stats_table(struct hv_machine *machine);
enum status stats_json(struct hv_machine *machine, const char *file, struct err *err);
uint64_t stats_insns(struct hv_machine *machine);

/* ---- perf.c ---------------------------------------------------------------------------------- */

/* --perf, for a machine of this configuration. */
enum status perf_init(struct hv_machine *machine, const struct vm_config *config, struct err *err);
/* vm_ports.code_made */
void perf_code(void *opaque, const struct vm_code *code);
void perf_fini(struct perf *perf);

/* ---- semihost.c ------------------------------------------------------------------------------ */

enum status semihost_init(struct hv_machine *machine, struct err *err);
void semihost_fini(struct semihost *sh);
/* Console input on its way to the guest. True: it was semihosting's, *taken bytes of it. */
bool semihost_input(struct semihost *sh, const uint8_t *bytes, size_t len, size_t *taken);
/* Readers stop waiting: no more input, or the machine stops. */
void semihost_end_input(struct semihost *sh);

#endif
