/*
 * regs.c - what a CPU keeps: system, general and vector registers hold their values across every kind of exit.
 */
#include "sys.h"

#define UART_FR  0x09000018ull
#define GPIO_DIR 0x09030400ull
#define PATTERN  0x5a5a1234a5a5fedcull

/* Leaves the guest by each way there is: MMIO read and write, a call by HVC and one by SMC, WFE and a cache operation. */
static void leave(void)
{
    rd32(UART_FR);
    wr32(GPIO_DIR, 0);
    psci(0x8400ff00, 0, 0, 0);
    smccc(true, 0x8400ff00, 0, 0, 0);
    ASM("sev\nwfe\nyield");
    SYS1("dc cisw", 0);
}

/* Bits that every implementation has. */
#define REGISTERS(R)                        \
    R("tpidr_el0", ~0ull)                   \
    R("tpidrro_el0", ~0ull)                 \
    R("tpidr_el1", ~0ull)                   \
    R("sp_el0", ~0ull)                      \
    R("elr_el1", ~0ull)                     \
    R("spsr_el1", 0xf00003cfull)            \
    R("esr_el1", 0xffffffffull)             \
    R("far_el1", ~0ull)                     \
    R("contextidr_el1", 0xffffffffull)      \
    R("ttbr0_el1", 0xffff00000000f000ull)   \
    R("ttbr1_el1", 0xffff00000000f000ull)   \
    R("tcr_el1", 0x3f3f3f3full)             \
    R("mair_el1", ~0ull)                    \
    R("cpacr_el1", 0x00300000ull)           \
    R("cntkctl_el1", 0x3ffull)              \
    R("csselr_el1", 0xeull)                 \
    R("cntv_cval_el0", ~0ull)               \
    R("mdscr_el1", 0x1000ull)               \
    R("dbgbvr0_el1", 0x0000fffffffffffcull) \
    R("dbgwvr0_el1", 0x0000fffffffffffcull)

static void system_registers(void){
#define ONE(reg, mask)                                   \
    {                                                    \
        u64 old = MRS(reg), low, high;                   \
        MSR(reg, (PATTERN & (mask)) | (old & ~(mask)));  \
        isb();                                           \
        leave();                                         \
        low = MRS(reg) & (mask);                         \
        MSR(reg, (~PATTERN & (mask)) | (old & ~(mask))); \
        isb();                                           \
        leave();                                         \
        high = MRS(reg) & (mask);                        \
        MSR(reg, old);                                   \
        isb();                                           \
        check("regs." reg, "%l %l", low, high);          \
    }
    REGISTERS(ONE)
}

/* All of X1 to X30 but X18, and SP, across an MMIO read (X0 = address). Answers in X0: what differs. */
SNIPPET(r_general,
        "mov x19, x30\nmov x9, x0\n"
        ".irp n,1,2,3,4,5,6,7,8,10,11,12,13,14,15,16,17,20,21,22,23,24,25,26,27,28,29,30\n"
        "mov x\\n, #(0x1000 + \\n)\n.endr\n"
        "ldr w0, [x9]\nmov x0, #0\n"
        ".irp n,1,2,3,4,5,6,7,8,10,11,12,13,14,15,16,17,20,21,22,23,24,25,26,27,28,29,30\n"
        "sub x\\n, x\\n, #0x1000\nsub x\\n, x\\n, #\\n\norr x0, x0, x\\n\n.endr\n"
        "mov x30, x19");

SNIPPET(
    r_vectors,
    "mov x9, x0\n"
    ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
    "mov x1, #(0x100 + \\n)\nfmov d\\n, x1\nmov x1, #(0x200 + \\n)\nfmov v\\n\\().d[1], x1\n.endr\n"
    "mov x1, #0x01000000\nmsr fpcr, x1\nmov x1, #0x1f\nmsr fpsr, x1\n"
    "ldr w0, [x9]\nstr w0, [x9]\nmovz x0, #0x8400, lsl #16\nmovk x0, #0xff00\nhvc #0\nmov x0, #0\n"
    ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
    "fmov x1, d\\n\nsub x1, x1, #(0x100 + \\n)\norr x0, x0, x1\n"
    "fmov x1, v\\n\\().d[1]\nsub x1, x1, #(0x200 + \\n)\norr x0, x0, x1\n.endr\n"
    "mrs x1, fpcr\nmrs x2, fpsr\nmsr fpcr, xzr");

int main(void)
{
    const struct trap *t;

    system_registers();
    t = probe1(EL1H, r_general, UART_FR);
    check("regs.general", "%x esr=%w", t->x[0], t->esr);
    t = probe1(EL1H, r_vectors, GPIO_DIR);
    check("regs.vectors", "%x fpcr=%x fpsr=%x esr=%w", t->x[0], t->x[1], t->x[2], t->esr);
    return 0;
}
