/*
 * guest.c - the files of a guest, and the boot plan made from them.
 */
#include <stdlib.h>

#include "base/bits.h"
#include "base/string.h"
#include "guest/guest.h"
#include "io/inflate.h"
#include "vmm/machine.h"

#define FILE_MAX       (2ull << 30)
#define MEMORY_LINUX   (512ull << 20)
#define MEMORY_BARE    (64ull << 20)
#define BUILTIN_OFFSET 0x1000 /* in RAM; guest/hello.s is linked for it */

static enum status read_if(const char *path, struct host_bytes *out, struct err *err)
{
    return path != NULL ? host_file_read(path, FILE_MAX, out, err) : ST_OK;
}

static enum status read_load(struct guest *guest, const char *text, struct err *err)
{
    unsigned n = guest->load_count;
    size_t size = str_len(text) + 1;
    enum status st;

    guest->load_name[n] = malloc(size);
    if (guest->load_name[n] == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    guest->load_count++;
    st = spec_load(text, guest->load_name[n], size, &guest->load[n].ipa, err);
    if (st == ST_OK) {
        st = host_file_read(guest->load_name[n], FILE_MAX, &guest->load_bytes[n], err);
    }
    guest->load[n].data = (struct boot_bytes){ guest->load_bytes[n].data, guest->load_bytes[n].size,
                                               guest->load_name[n] };
    return st;
}

enum status guest_read(struct guest *guest, const struct hv_config *config, struct err *err)
{
    enum status st;

    host_random(guest->seed, sizeof(guest->seed));
    if ((st = read_if(config->kernel, &guest->kernel, err)) != ST_OK ||
        (st = read_if(config->initrd, &guest->initrd, err)) != ST_OK ||
        (st = read_if(config->dtb, &guest->dtb, err)) != ST_OK) {
        return st;
    }
    for (unsigned i = 0; st == ST_OK && i < config->load.count; i++) {
        st = read_load(guest, config->load.item[i], err);
    }
    return st;
}

static struct boot_bytes bytes_of(const struct host_bytes *bytes, const char *name)
{
    return (struct boot_bytes){ bytes->data, bytes->size, name };
}

/* What an Image header may ask for and this model lacks; see ID_AA64MMFR0_EL1 of the
 * software CPU. */
static unsigned cpu_lacks(const struct soft_model *model)
{
    return BOOT_CPU_NO_BIG_ENDIAN | (model->granule16 ? 0 : BOOT_CPU_NO_16K);
}

static void *boot_alloc(void *opaque, size_t size, size_t align)
{
    return host_alloc(size, align);
}
static void boot_free(void *opaque, void *p, size_t size)
{
    host_free(p);
}

void guest_request(struct hv_machine *m, uint64_t ram_size, const uint64_t *mpidr, unsigned cpus,
                   struct boot_request *request)
{
    const struct hv_config *config = &m->config;
    struct guest *guest = &m->guest;

    *request = (struct boot_request){
        .kernel = bytes_of(&guest->kernel, config->kernel),
        .initrd = bytes_of(&guest->initrd, config->initrd),
        .dtb = bytes_of(&guest->dtb, config->dtb),
        .loads = guest->load,
        .load_count = guest->load_count,
        .command_line = config->append,
        .has_entry = config->entry != HV_NONE,
        .entry = config->entry,
        .board = board_find(config->machine),
        .gic_version = config_gic_version(config),
        .cpus = cpus,
        .mpidr = mpidr,
        .ram_size = ram_size,
        .cpu_lacks = m->vm.caps.must_kick ? 0 : cpu_lacks(m->cpu.model), /* else the host's CPU */
        /* A hardware back end's CPUs have one unless it is switched off, the software CPU's if its model has. */
        .pmu = m->vm.caps.pmu &&
               (m->vm.caps.must_kick ? (m->vm.config.features_off & BIT(A64_FEAT_PMU)) == 0
                                     : (m->cpu.features & BIT(A64_FEAT_PMU)) != 0),
        .smc_conduit = m->vm.config.smc_conduit,
        .rng_seed = guest->seed,
        .rng_seed_len = sizeof(guest->seed),
        .kaslr_seed = le64(guest->seed),
        .alloc = { NULL, boot_alloc, boot_free },
        .inflate = &inflate_host,
    };
    if (config_is_builtin(config)) {
        request->kernel = (struct boot_bytes){ guest_hello, guest_hello_size, "hello" };
        request->has_entry = true;
        request->entry = request->board->ram_base + BUILTIN_OFFSET;
    }
}

enum status guest_default_memory(struct hv_machine *m, uint64_t *ram_size, struct err *err)
{
    static const uint64_t one_cpu;
    struct boot_request request;
    struct boot_plan plan;
    enum status st;

    *ram_size = MEMORY_LINUX;
    guest_request(m, *ram_size, &one_cpu, 1, &request);
    st = boot_plan_make(&request, &plan, err);
    if (st != ST_OK) {
        return st;
    }
    if (!str_starts(plan.kind, "Linux") && !str_eq(plan.kind, "firmware")) {
        *ram_size = MEMORY_BARE;
    }
    boot_plan_fini(&plan);
    return ST_OK;
}

enum status guest_plan(struct hv_machine *m, struct err *err)
{
    struct boot_request request;

    guest_request(m, m->vm.config.ram_size, m->vm.mpidr, m->vm.config.cpus, &request);
    return boot_plan_make(&request, &m->guest.plan, err);
}

void guest_fini(struct guest *guest)
{
    boot_plan_fini(&guest->plan);
    host_bytes_free(&guest->kernel);
    host_bytes_free(&guest->initrd);
    host_bytes_free(&guest->dtb);
    for (unsigned i = 0; i < guest->load_count; i++) {
        host_bytes_free(&guest->load_bytes[i]);
        free(guest->load_name[i]);
    }
}
