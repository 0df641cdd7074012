/*
 * dump.c - what a dead guest leaves behind: registers, the syndrome in words, the instructions
 * around PC.
 */
#include "vm.h"

#include "arch/esr.h"
#include "arch/sysreg.h"
#include "base/bits.h"
#include "base/fmt.h"
#include "core/internal.h"

#define AROUND   4 /* instructions before and after PC */
#define NAME_MAX 240

static void dump_line(struct vcpu *vcpu, enum log_level level, const char *text)
{
    log_line(&vcpu->vm->ports.log, level, "cpu", "%s", text);
}

static void dump_general(struct vcpu *vcpu, enum log_level level)
{
    char line[160];

    for (unsigned i = 0; i < 31; i += 4) {
        struct text t;
        text_init(&t, line, sizeof(line));
        for (unsigned r = i; r < i + 4 && r < 31; r++) {
            text_add(&t, "%sX%-2u %016llx", r == i ? "" : "  ", r,
                     (unsigned long long)vcpu_reg(vcpu, REG_X0 + r));
        }
        dump_line(vcpu, level, line);
    }
}

static void dump_state(struct vcpu *vcpu, enum log_level level)
{
    uint64_t pstate = vcpu_reg(vcpu, REG_PSTATE);

    log_line(&vcpu->vm->ports.log, level, "cpu",
             "CPU %u  PC %016llx  SP %016llx  PSTATE %08llx (EL%u%c %c%c%c%c %c%c%c%c)",
             vcpu->index, (unsigned long long)vcpu_reg(vcpu, REG_PC),
             (unsigned long long)vcpu_reg(vcpu, REG_SP), (unsigned long long)pstate,
             (unsigned)bits(pstate, 2, 2), pstate & 1 ? 'h' : 't', pstate & BIT(31) ? 'N' : 'n',
             pstate & BIT(30) ? 'Z' : 'z', pstate & BIT(29) ? 'C' : 'c',
             pstate & BIT(28) ? 'V' : 'v', pstate & BIT(9) ? 'D' : 'd', pstate & BIT(8) ? 'A' : 'a',
             pstate & BIT(7) ? 'I' : 'i', pstate & BIT(6) ? 'F' : 'f');
}

static void dump_system(struct vcpu *vcpu, enum log_level level)
{
    static const struct {
        const char *name;
        uint32_t reg;
    } regs[] = {
        { "SCTLR", SYSREG(3, 0, 1, 0, 0) }, { "TCR", SYSREG(3, 0, 2, 0, 2) },
        { "TTBR0", SYSREG(3, 0, 2, 0, 0) }, { "TTBR1", SYSREG(3, 0, 2, 0, 1) },
        { "VBAR", SYSREG(3, 0, 12, 0, 0) }, { "ELR", SYSREG(3, 0, 4, 0, 1) },
        { "SPSR", SYSREG(3, 0, 4, 0, 0) },  { "FAR", SYSREG(3, 0, 6, 0, 0) },
    };
    char line[160];
    struct text t;

    for (unsigned i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
        if (i % 4 == 0) {
            text_init(&t, line, sizeof(line));
        }
        text_add(&t, "%s%-5s %016llx", i % 4 == 0 ? "" : "  ", regs[i].name,
                 (unsigned long long)vcpu_reg(vcpu, REG_SYS | regs[i].reg));
        if (i % 4 == 3) {
            dump_line(vcpu, level, line);
        }
    }
    uint64_t esr = vcpu_reg(vcpu, REG_SYS | SYSREG(3, 0, 5, 2, 0));
    text_init(&t, line, sizeof(line));
    text_add(&t, "ESR   %016llx  ", (unsigned long long)esr);
    esr_summary(esr, line + t.len, sizeof(line) - t.len);
    dump_line(vcpu, level, line);
}

/* Behind an instruction: "   <fib+0x10>", or nothing. */
static void name_of(const struct vcpu *vcpu, uint64_t va, char *buf, size_t size)
{
    const struct vm_ports *ports = &vcpu->vm->ports;
    char name[NAME_MAX];

    buf[0] = 0;
    if (ports->name_of != NULL && ports->name_of(ports->opaque, va, name, sizeof(name))) {
        fmt_format(buf, size, "   <%s>", name);
    }
}

static void dump_code(struct vcpu *vcpu, enum log_level level)
{
    uint64_t pc = vcpu_reg(vcpu, REG_PC);
    char name[NAME_MAX + 8];

    name_of(vcpu, pc, name, sizeof(name));
    for (int i = -AROUND; i <= AROUND; i++) {
        uint64_t at = (pc & ~3ull) + (uint64_t)(4 * i);
        uint32_t word;
        char insn[80];

        if (vcpu_copy_va(vcpu, at, &word, 4, false)) {
            a64_disasm(vcpu->vm->a64, word, at, insn, sizeof(insn));
            log_line(&vcpu->vm->ports.log, level, "cpu", "%s %016llx  %08x  %s%s",
                     i == 0 ? "=>" : "  ", (unsigned long long)at, word, insn, i == 0 ? name : "");
        } else if (i == 0) {
            log_line(&vcpu->vm->ports.log, level, "cpu", "=> %016llx  (not mapped to memory)%s",
                     (unsigned long long)at, name);
        }
    }
}

void vcpu_dump(struct vcpu *vcpu, enum log_level level)
{
    if (!log_enabled(&vcpu->vm->ports.log, level)) {
        return;
    }
    dump_state(vcpu, level);
    dump_general(vcpu, level);
    dump_system(vcpu, level);
    dump_code(vcpu, level);
}
