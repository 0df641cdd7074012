/*
 * agent.c - runs whole programs on an Arm CPU: a static Linux program for qemu-aarch64, or for a real machine.
 *
 *   agent FILE     FILE holds a struct agent_shm. For every byte on standard input runs the program, answers a byte.
 *
 * A signal's frame is the way into the program and out of it: the handler of SIGUSR1 puts the program's registers there,
 * the handler of its faults notes them and moves the PC on, and the one at end_pc puts the agent's own back.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "../insn/insn_state.h"
#include "record.h"

static struct agent_shm *shm;
static mcontext_t own;

static struct fpsimd_context *fp_of(mcontext_t *mc)
{
    return (struct fpsimd_context *)(void *)mc->__reserved; /* the first, and always there */
}

static void load(mcontext_t *mc, const struct record *r)
{
    struct fpsimd_context *fp = fp_of(mc);

    memcpy(mc->regs, r->x, sizeof(r->x));
    mc->sp = r->sp;
    mc->pc = r->pc;
    mc->pstate = r->pstate;
    fp->fpcr = (uint32_t)r->fpcr;
    fp->fpsr = (uint32_t)r->fpsr;
    memcpy(fp->vregs, r->v, sizeof(r->v));
}

static void save(mcontext_t *mc, struct record *r, uint64_t what, uint64_t where)
{
    const struct fpsimd_context *fp = fp_of(mc);

    memcpy(r->x, mc->regs, sizeof(r->x));
    r->sp = mc->sp;
    r->pc = mc->pc;
    r->pstate = mc->pstate & 0xf0000000;
    r->esr = what;
    r->far_va = where;
    r->fpcr = fp->fpcr;
    r->fpsr = fp->fpsr;
    memcpy(r->v, fp->vregs, sizeof(r->v));
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    mcontext_t *mc = &((ucontext_t *)context)->uc_mcontext;

    if (number == SIGUSR1) {
        own = *mc;
        load(mc, &shm->start);
    } else if (mc->pc == shm->end_pc) {
        save(mc, &shm->last, 0, 0);
        *mc = own;
    } else {
        struct record *r = &shm->record[shm->records++ % RECORDS];
        save(mc, r,
             number == SIGILL    ? AGENT_UNDEFINED
             : number == SIGTRAP ? AGENT_BREAKPOINT
                                 : AGENT_ABORT,
             (uint64_t)info->si_addr);
        mc->pc += 4;
    }
}

static void catch_signals(void)
{
    static const int numbers[] = { SIGILL, SIGSEGV, SIGBUS, SIGTRAP, SIGUSR1 };
    static uint8_t stack[65536];
    stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };

    sigaltstack(&alternate, NULL);
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        sigaction(numbers[i], &action, NULL);
    }
}

static int map(uint64_t va, size_t size, int protection)
{
    return mmap((void *)va, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
           MAP_FAILED;
}

int main(int argc, char **argv)
{
    int fd = argc == 2 ? open(argv[1], O_RDWR) : -1;
    char byte;

    shm = mmap(NULL, sizeof *shm, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || shm == MAP_FAILED ||
        map(INSN_CODE_VA, AGENT_CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC) ||
        map(INSN_DATA_VA, AGENT_DATA_BYTES, PROT_READ | PROT_WRITE)) {
        return 2;
    }
    catch_signals();
    while (read(0, &byte, 1) == 1) {
        mprotect((void *)INSN_CODE_VA, AGENT_CODE_BYTES, PROT_READ | PROT_WRITE);
        memcpy((void *)INSN_CODE_VA, shm->code, AGENT_CODE_BYTES);
        mprotect((void *)INSN_CODE_VA, AGENT_CODE_BYTES, PROT_READ | PROT_EXEC);
        __builtin___clear_cache((char *)INSN_CODE_VA, (char *)INSN_CODE_VA + AGENT_CODE_BYTES);
        memcpy((void *)INSN_DATA_VA, shm->data, AGENT_DATA_BYTES);
        shm->records = 0;
        raise(SIGUSR1);
        memcpy(shm->data, (void *)INSN_DATA_VA, AGENT_DATA_BYTES);
        if (write(1, &byte, 1) != 1) {
            break;
        }
    }
    return 0;
}
