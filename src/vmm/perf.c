/*
 * perf.c - --perf: tells Linux's profiler which guest code the translator's host code is.
 *
 * perf knows two ways. A map (/tmp/perf-PID.map, tools/perf/Documentation/jit-interface.txt of Linux) has a line of text for
 * each piece of code, and perf report reads it; a place that is used again has two lines. A dump (jit-PID.dump,
 * tools/perf/Documentation/jitdump-specification.txt) holds the code as well, with the time at which it was made: perf inject
 * puts that into the recording, and perf annotate shows instructions.
 *
 * A piece is called after what the guest has there: "el1:fib+0x10", or "el1:0xffff800080010000" where it has no name; and what
 * regions share "jit:call".
 */
#include "base/fmt.h"
#include "base/string.h"
#include "vmm/machine.h"

#define WRITE_NS  1000000000u /* a full disk is not waited for longer */
#define NAME_SIZE (SYMBOL_NAME_MAX + 40)

enum { DUMP_MAGIC = 0x4a695444, DUMP_VERSION = 1, DUMP_X86_64 = 62 /* e_machine of ELF */ };
enum { RECORD_LOAD = 0, RECORD_CLOSE = 3 };

struct dump_header {
    uint32_t magic, version, size, machine, pad, process;
    uint64_t time_ns, flags;
};

struct dump_record {
    uint32_t id, size;
    uint64_t time_ns;
};

/* Behind its record; the name with its end and the code follow. */
struct dump_load {
    uint32_t process, thread;
    uint64_t va, at, size, index;
};

static void put(struct perf *perf, const void *bytes, size_t size)
{
    if (host_stream_write(perf->file.stream, bytes, size, WRITE_NS) != (int64_t)size) {
        perf->failed = true; /* what follows would be taken for something else */
    }
}

static void put_line(struct perf *perf, const struct vm_code *code, const char *name)
{
    char line[NAME_SIZE + 40];
    size_t len =
        fmt_format(line, sizeof(line), "%llx %llx %s\n", (unsigned long long)(uintptr_t)code->at,
                   (unsigned long long)code->size, name);

    put(perf, line, len);
}

static void put_load(struct perf *perf, const struct vm_code *code, const char *name)
{
    size_t name_size = str_len(name) + 1;
    struct dump_load load = { .process = perf->file.process,
                              .thread = perf->file.process,
                              .va = (uintptr_t)code->at,
                              .at = (uintptr_t)code->at,
                              .size = code->size,
                              .index = perf->count };
    struct dump_record record = {
        .id = RECORD_LOAD,
        .size = (uint32_t)(sizeof(record) + sizeof(load) + name_size + code->size),
        .time_ns = host_now_ns(),
    };

    put(perf, &record, sizeof(record));
    put(perf, &load, sizeof(load));
    put(perf, name, name_size);
    put(perf, code->bytes, code->size);
}

void perf_code(void *opaque, const struct vm_code *code)
{
    struct hv_machine *m = opaque;
    struct perf *perf = &m->perf;
    char name[NAME_SIZE], symbol[NAME_SIZE - 8];

    if (code->name != NULL) {
        fmt_format(name, sizeof(name), "jit:%s", code->name);
    } else if (names_of(m, code->va, symbol, sizeof(symbol))) {
        fmt_format(name, sizeof(name), "el%u:%s", code->el, symbol);
    } else {
        fmt_format(name, sizeof(name), "el%u:0x%llx", code->el, (unsigned long long)code->va);
    }
    host_mutex_lock(perf->lock);
    if (!perf->failed) {
        (perf->dump ? put_load : put_line)(perf, code, name);
        perf->count++;
    }
    host_mutex_unlock(perf->lock);
}

static void put_header(struct perf *perf)
{
    struct dump_header header = { .magic = DUMP_MAGIC,
                                  .version = DUMP_VERSION,
                                  .size = sizeof(header),
                                  .machine = DUMP_X86_64,
                                  .process = perf->file.process,
                                  .time_ns = host_now_ns() };

    put(perf, &header, sizeof(header));
}

static bool translates(const struct vm_config *config)
{
    return config->accel == &accel_soft && accel_soft_translates && !config->jit.off;
}

enum status perf_init(struct hv_machine *m, const struct vm_config *config, struct err *err)
{
    struct perf *perf = &m->perf;
    struct perf_spec spec;
    enum status st = spec_perf(m->config.perf, &spec, err);

    if (st != ST_OK) {
        return st;
    }
    if (!translates(config)) {
        return err_set(err, ST_E_NOTSUP, MSG_PERF_NO_JIT, config->accel->name);
    }
    perf->dump = spec.dump;
    perf->lock = host_mutex_create();
    if (perf->lock == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    st =
        spec.dump ? host_perf_dump(&perf->file, spec.folder, err) : host_perf_map(&perf->file, err);
    if (st == ST_OK && spec.dump) {
        put_header(perf);
    }
    return st;
}

void perf_fini(struct perf *perf)
{
    struct dump_record record = { .id = RECORD_CLOSE,
                                  .size = sizeof(record),
                                  .time_ns = host_now_ns() };

    if (perf->file.stream != NULL && perf->dump && !perf->failed) {
        put(perf, &record, sizeof(record));
    }
    host_perf_close(&perf->file);
    host_mutex_destroy(perf->lock);
}
