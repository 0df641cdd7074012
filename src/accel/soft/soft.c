/*
 * soft.c - the software CPU as a back end: accel.h's contract.
 */
#include "accel/soft/jit/jit.h"

/* Decoded code: bytes of a machine, and at least of a pool. */
#define CODE_BYTES     (64u << 20)
#define CODE_BYTES_MIN (8u << 20)

static void soft_probe(struct accel_caps *caps, struct diagnosis *diagnosis)
{
    *caps = (struct accel_caps){
        .max_cpus = VM_CPUS_MAX,
        .gicv2 = true,
        .gicv3 = true,
        .limits_insns = true,
        .pmu = true,
        .ipa_bits = 48,
    };
}

static enum status soft_vm_create(struct vm *vm, struct err *err)
{
    vm->accel_state = vm->ports.alloc(vm->ports.opaque, sizeof(struct soft_vm), 64);
    return vm->accel_state != NULL ? ST_OK : err_set(err, ST_E_NOMEM, MSG_NO_HOST_MEMORY);
}

static void soft_vm_destroy(struct vm *vm)
{
    if (vm->accel_state != NULL) {
        vm->ports.free(vm->ports.opaque, vm->accel_state, sizeof(struct soft_vm));
        vm->accel_state = NULL;
    }
}

/* Refills look RAM up in vm->mem. */
static enum status soft_ram_map(struct vm *vm, const struct mem_slot *slot, struct err *err)
{
    return ST_OK;
}

/* ---- vCPUs ----------------------------------------------------------------------------------- */

static void soft_vcpu_destroy(struct vcpu *vcpu)
{
    const struct vm_ports *ports = &vcpu->vm->ports;
    struct cpu *cpu = vcpu->accel_state;

    if (cpu == NULL) {
        return;
    }
    if (cpu->priv != NULL) {
        code_quit(cpu);
        tlb_destroy(cpu);
        ports->free(ports->opaque, cpu->priv, sizeof(*cpu->priv));
    }
    ports->free(ports->opaque, cpu, sizeof(*cpu));
    vcpu->accel_state = NULL;
    vcpu->pending = &vcpu->own_pending;
}

static void soft_vcpu_start(struct vcpu *vcpu, const struct vcpu_start *start)
{
    struct cpu *cpu = vcpu->accel_state;
    struct soft_private *p = cpu->priv;

    memset(cpu->x, 0, sizeof(cpu->x));
    memset(cpu->v, 0, sizeof(cpu->v));
    cpu_set_nzcv(cpu, 0);
    cpu_set_fpsr(cpu, 0);
    cpu_set_fpcr(cpu, 0);
    cpu->excl_size = 0;
    cpu->btype_count = BTYPE_NEVER;
    p->event = false;
    sysreg_reset(cpu);
    pmu_reset(cpu);
    code_forget_all(cpu);
    tlb_drop_all(cpu);
    p->el0 = NULL;
    cpu->pstate = 1u << PS_EL_SHIFT | PS_SP | PS_D | PS_A | PS_I | PS_F;
    tlb_tables_changed(cpu);
    soft_refresh(cpu);
    for (unsigned i = 0; i < ARRAY_SIZE(start->x); i++) {
        cpu->x[i] = start->x[i];
    }
    cpu->x[X_SP] = start->sp;
    cpu->pc = start->pc;
}

static uint32_t code_limit(const struct cpu *cpu)
{
    const struct vm_config *config = &cpu->vcpu->vm->config;
    uint64_t bytes = cpu->priv->jit == NULL   ? CODE_BYTES / config->cpus
                     : config->jit.cache != 0 ? config->jit.cache
                                              : CODE_BYTES;

    return (uint32_t)((bytes > CODE_BYTES_MIN ? bytes : CODE_BYTES_MIN) / sizeof(struct code_page));
}

static enum status soft_vcpu_create(struct vcpu *vcpu, struct err *err)
{
    struct vm *vm = vcpu->vm;
    struct soft_vm *soft = vm->accel_state;
    struct cpu *cpu = vm->ports.alloc(vm->ports.opaque, sizeof(*cpu), 4096);

    vcpu->accel_state = cpu;
    if (cpu == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_NO_HOST_MEMORY);
    }
    cpu->vcpu = vcpu;
    cpu->features = vm->config.features;
    cpu->priv = vm->ports.alloc(vm->ports.opaque, sizeof(*cpu->priv), 64);
    if (cpu->priv == NULL || !code_join(cpu) || !tlb_create(cpu)) {
        soft_vcpu_destroy(vcpu);
        return err_set(err, ST_E_NOMEM, MSG_NO_HOST_MEMORY);
    }
    cpu->priv->exit = &cpu->priv->own_exit;
    cpu->priv->model = soft_model_find(vm->config.cpu_model);
    if (cpu->priv->model == NULL) {
        cpu->priv->model = soft_models;
    }
    cpu->priv->limited = vm->config.max_insns != 0;
    cpu->count_stop = INT64_MAX;
    if (!jit_create(cpu) && cpu->priv->limited) {
        cpu->priv->lower_flags = LOWER_FAR; /* each branch looks at the limit */
    }
    cpu->priv->code->limit = code_limit(cpu);
    idregs_init(cpu);
    soft_vcpu_start(vcpu, &(struct vcpu_start){ .el = 1 });
    vcpu->pending = &cpu->pending;
    soft->cpu[soft->cpus++] = cpu;
    return ST_OK;
}

static void soft_kick(struct vcpu *vcpu)
{
    atomic_fetch_or(vcpu->pending, PEND_KICK);
}

static void soft_set_lines(struct vcpu *vcpu, bool irq, bool fiq)
{
    atomic_store(&vcpu->lines, (uint32_t)irq | (uint32_t)fiq << 1);
    atomic_fetch_or(vcpu->pending, PEND_IRQ);
}

/* ---- Registers ------------------------------------------------------------------------------- */

/* The register's place in struct cpu, if it is nothing but that. */
static uint64_t *place(struct cpu *cpu, uint32_t reg)
{
    if (reg <= REG_SP) {
        return &cpu->x[reg];
    }
    if (reg == REG_PC) {
        return &cpu->pc;
    }
    if (reg >= REG_V0_LO && reg < REG_V0_LO + 32) {
        return &cpu->v[reg - REG_V0_LO].d[0];
    }
    if (reg >= REG_V0_HI && reg < REG_V0_HI + 32) {
        return &cpu->v[reg - REG_V0_HI].d[1];
    }
    return NULL;
}

/* Registers with a number of their own that are rows of sysreg.def; 0 if it is none. */
static uint32_t encoding_of(uint32_t reg)
{
    switch (reg) {
    case REG_SP_EL0: return SYSREG_SP_EL0;
    case REG_SP_EL1: return SYSREG_SP_EL1;
    case REG_FPCR: return SYSREG_FPCR;
    case REG_FPSR: return SYSREG_FPSR;
    default: return reg >= REG_SYS && reg - REG_SYS <= 0xffff ? reg - REG_SYS : 0;
    }
}

static enum status soft_get_reg(struct vcpu *vcpu, uint32_t reg, uint64_t *value)
{
    struct cpu *cpu = vcpu->accel_state;
    const uint64_t *at = place(cpu, reg);

    if (at != NULL) {
        *value = *at;
        return ST_OK;
    }
    if (reg == REG_PSTATE) {
        *value = cpu_spsr(cpu);
        return ST_OK;
    }
    return encoding_of(reg) != 0 && sysreg_get(cpu, encoding_of(reg), value) ? ST_OK : ST_E_NOENT;
}

static enum status soft_set_reg(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
    struct cpu *cpu = vcpu->accel_state;
    uint64_t *at = place(cpu, reg);

    if (at != NULL) {
        *at = value;
        return ST_OK;
    }
    if (reg == REG_PSTATE) {
        if ((value & 0x12) != 0 || bits(value, 2, 2) > 1) {
            return ST_E_INVAL; /* a state that this CPU cannot be in */
        }
        cpu_set_nzcv(cpu, (uint32_t)value);
        cpu_set_pstate(cpu, (uint32_t)value & ~(0xfu << 28));
        cpu_settle_btype(cpu);
        return ST_OK;
    }
    return encoding_of(reg) != 0 && sysreg_set(cpu, encoding_of(reg), value) ? ST_OK : ST_E_NOENT;
}

static enum status soft_translate(struct vcpu *vcpu, uint64_t va, uint64_t *ipa)
{
    struct cpu *cpu = vcpu->accel_state;
    struct walk w;

    mmu_walk(cpu, NULL, va, cpu_el(cpu), false, ACCESS_READ, WALK_PEEK, &w);
    if (!w.ok) {
        return ST_E_RANGE;
    }
    *ipa = w.pa;
    return ST_OK;
}

static void soft_invalidate_code(struct vm *vm, uint64_t ipa, uint64_t len)
{
    const struct soft_vm *soft = vm->accel_state;
    const struct inval iv = { .kind = INVAL_CODE, .addr = ipa, .bytes = len };

    for (unsigned i = 0; i < soft->cpus; i++) {
        inval_post(soft->cpu[i], &iv);
    }
}

static void soft_stats(struct vcpu *vcpu, struct accel_stats *stats)
{
    const struct cpu *cpu = vcpu->accel_state;

    *stats = cpu->priv->stats;
    jit_stats(cpu, stats);
}

const bool accel_soft_translates = SOFT_JIT;

const struct accel_ops accel_soft = {
    .name = "soft",
    .what = "software CPU",
    .probe = soft_probe,
    .vm_create = soft_vm_create,
    .vm_destroy = soft_vm_destroy,
    .ram_map = soft_ram_map,
    .vcpu_create = soft_vcpu_create,
    .vcpu_destroy = soft_vcpu_destroy,
    .vcpu_start = soft_vcpu_start,
    .run = soft_run,
    .kick = soft_kick,
    .set_lines = soft_set_lines,
    .get_reg = soft_get_reg,
    .set_reg = soft_set_reg,
    .translate = soft_translate,
    .invalidate_code = soft_invalidate_code,
    .stats = soft_stats,
};
