/*
 * spec.h - the texts of options that have an inside, taken apart: --accel, --cpu, --trace and
 * others.
 *
 * Every parser checks all of its text and fills err with one line; out may be NULL to check only.
 */
#ifndef VMM_SPEC_H
#define VMM_SPEC_H

#include "accel.h"
#include "accel/soft/models.h"
#include "base/log.h"
#include "hypervisor.h"
#include "vm.h"

/* ---- Numbers --------------------------------------------------------------------------------- */

/* Decimal or 0x; nothing before or after. */
bool spec_number(const char *text, uint64_t *value);
/* A number with K, M, G or T (powers of 1024). */
bool spec_size(const char *text, uint64_t *value);
/* Decimal seconds with up to nine digits after the point, as ns. */
bool spec_seconds(const char *text, uint64_t *ns);

/* ---- Options --------------------------------------------------------------------------------- */

/* Back ends of this build, the best first; ended by NULL. */
extern const struct accel_ops *const accels[];
/* By name, or NULL. */
const struct accel_ops *accel_find(const char *name);
/* *out is NULL for "auto". */
enum status spec_accel(const char *text, const struct accel_ops **out, struct err *err);
/* Of a text that spec_accel takes: what it says of the software CPU's translator. */
void spec_accel_jit(const char *text, struct vm_jit *jit);

struct cpu_spec {
    const struct soft_model *model;
    uint64_t features;
    uint64_t features_on, features_off; /* what was switched by name     */
    uint32_t host_on, host_off;         /* the same, enum accel_feature  */
};

enum status spec_cpu(const char *text, struct cpu_spec *out, struct err *err);
/* Name of the i-th feature that --cpu can switch, and its bit; NULL after the last. */
const char *spec_cpu_feature(unsigned i, uint64_t *bit);
/* The same for what only hardware back ends have (enum accel_feature). */
const char *spec_host_feature(unsigned i, uint32_t *bit);

#define AFFINITY_MAX 64

/* Processors of the host, in order: "0-3,6". */
struct affinity_spec {
    unsigned cpu[AFFINITY_MAX];
    unsigned count;
};

enum status spec_affinity(const char *text, struct affinity_spec *out, struct err *err);

/* "exits[=FILE]" */
struct trace_spec {
    bool exits;
    const char *file; /* points into the text; NULL: standard error */
};

enum status spec_trace(const char *text, struct trace_spec *out, struct err *err);

/* "" (a table on standard error) or "json:FILE" */
struct stats_spec {
    const char *file;
};

enum status spec_stats(const char *text, struct stats_spec *out, struct err *err);

/* "map" or "jitdump[:DIR]" */
struct perf_spec {
    bool dump;
    const char *folder; /* of the dump */
};

enum status spec_perf(const char *text, struct perf_spec *out, struct err *err);

#define LOG_MODULES_MAX 16

struct log_spec {
    enum log_level level;
    struct {
        char name[24];
        enum log_level level;
    } module[LOG_MODULES_MAX];
    unsigned count;
};

enum status spec_log(const char *text, struct log_spec *out, struct err *err);

/* "FILE@ADDRESS"; file gets the name (size bytes of room). */
enum status spec_load(const char *text, char *file, size_t size, uint64_t *ipa, struct err *err);

/* "FILE[@OFFSET]", the same way. An '@' that no number follows belongs to the name. */
enum status spec_symbols(const char *text, char *file, size_t size, uint64_t *offset,
                         struct err *err);

/* Checkers with the type of hv_option.check. */
enum status check_accel(const char *text, struct err *err);
enum status check_machine(const char *text, struct err *err);
enum status check_cpu(const char *text, struct err *err);
enum status check_affinity(const char *text, struct err *err);
enum status check_trace(const char *text, struct err *err);
enum status check_stats(const char *text, struct err *err);
enum status check_perf(const char *text, struct err *err);
enum status check_log(const char *text, struct err *err);
enum status check_load(const char *text, struct err *err);
enum status check_symbols(const char *text, struct err *err);

#endif
