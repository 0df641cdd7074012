/*
 * perf.c - what a profiler is told of the code in the cache (vm_ports.code_made).
 */
#include "accel/soft/jit/region.h"

#if SOFT_JIT

static void tell(const struct cpu *cpu, const struct vm_code *code)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;

    ports->code_made(ports->opaque, code);
}

static bool asked(const struct cpu *cpu)
{
    return cpu->vcpu->vm->ports.code_made != NULL;
}

void jit_tell_region(const struct cpu *cpu, const struct code_page *page,
                     const struct jit_region *region, unsigned slot)
{
    const struct jit *jit = cpu->priv->jit;
    const uint8_t *at = (const uint8_t *)region->start;
    uint64_t va = page->vas == VA_ONE ? page->va : cpu->page_va;

    if (asked(cpu)) {
        tell(cpu, &(struct vm_code){ .at = at,
                                     .bytes = jit->rw + (at - jit->rx),
                                     .size = region->end - region->start,
                                     .va = va + 4 * slot,
                                     .el = cpu_el(cpu) });
    }
}

struct part {
    const char *name;
    const uint8_t *at;
};

#define PARTS_MAX 64

/* In any order; each ends where the next one begins. */
static unsigned parts_of(const struct jit *jit, struct part part[PARTS_MAX])
{
    const struct part named[] = {
        { "enter", jit->enter },
        { "leave_at", jit->leave_at },
        { "interp_way", jit->interp_way },
        { "interp_at", jit->interp_at },
        { "often_way", jit->often_way },
        { "far_miss", jit->far_miss },
        { "far_stale", jit->far_stale },
        { "far_interp", jit->far_interp },
        { "far_interp_guarded", jit->far_interp_guarded },
        { "far_guarded", jit->far_guarded },
        { "ret_miss", jit->ret_miss },
        { "ret_empty", jit->ret_empty },
        { "call", jit->call },
        { "call_out", jit->call_out },
        { "redo_any", jit->redo_any },
        { "svc", jit->svc },
        { "eret", jit->eret },
        { "count", jit->count },
        { "v_enter", jit->v_enter },
        { "v_leave", jit->v_leave },
        { "check", jit->check },
    };
    unsigned n = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(named); i++) {
        part[n] = named[i];
        n += named[i].at != NULL;
    }
    for (unsigned i = 0; i < SPANS; i++) {
        part[n++] = (struct part){ "l0_read", jit->l0_read[0][i] };
        part[n++] = (struct part){ "l0_write", jit->l0_write[0][i] };
        part[n++] = (struct part){ "l0_read_el0", jit->l0_read[1][i] };
        part[n++] = (struct part){ "l0_write_el0", jit->l0_write[1][i] };
    }
    for (unsigned i = 0; i < ARRAY_SIZE(jit->pac); i++) {
        part[n++] = (struct part){ "pac", jit->pac[i] };
    }
    return n;
}

void jit_tell_shared(const struct cpu *cpu)
{
    const struct jit *jit = cpu->priv->jit;
    struct part part[PARTS_MAX];
    unsigned count = asked(cpu) ? parts_of(jit, part) : 0;

    for (unsigned i = 0; i < count; i++) {
        const uint8_t *end = jit->start;
        for (unsigned n = 0; n < count; n++) {
            end = part[n].at > part[i].at && part[n].at < end ? part[n].at : end;
        }
        tell(cpu, &(struct vm_code){ .at = jit->rx + (part[i].at - jit->rw),
                                     .bytes = part[i].at,
                                     .size = (size_t)(end - part[i].at),
                                     .name = part[i].name });
    }
}

#endif
