/*
 * agent.c - runs instructions on an Arm CPU: a static Linux program for qemu-user, or for a real
 * machine.
 *
 *   agent FILE     FILE holds a struct insn_agent_shm. For every byte on standard input runs its
 * cases, answers a byte.
 *
 * Around the instruction, in the code page:
 *
 *       ldr x30, [x0, #240]     the last two registers of the state
 *       ldr x0, [x0]
 *       <instruction>           at state.pc
 *       msr tpidr_el0, x0       no register is free: x0 waits in TPIDR_EL0
 *       ldr x0, .+8
 *       br x0                   to agent_back (agent_switch.S), which stores the state
 *       .quad agent_back
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "insn_state.h"

/* agent_switch.S: loads the state, goes to entry, comes back by agent_back. */
void agent_enter(struct insn_state *state, void *entry);
extern char agent_back_from_signal[];
void agent_back(void);
extern struct insn_state *agent_current;
struct insn_state *agent_current;
extern uint64_t agent_saved_sp, agent_saved_tp;
uint64_t agent_saved_sp, agent_saved_tp;

static volatile uint32_t outcome;

static void on_signal(int number, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    outcome = number == SIGILL ? INSN_UNDEFINED : INSN_FAULT;
    uc->uc_mcontext.pc = (uint64_t)agent_back_from_signal;
}

static void *map(uint64_t va, size_t size, int protection)
{
    void *p = mmap((void *)va, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

    if (p == MAP_FAILED) {
        exit(3);
    }
    return p;
}

/*
 * Where no case's SP comes by chance: with an SP inside of the alternate stack the system takes it for one that is in use, and
 * puts the signal's frame there. In .bss, which has the small addresses of a static program, one in 10^5 did.
 */
static void catch_signals(void)
{
    static const int numbers[] = { SIGILL, SIGSEGV, SIGBUS, SIGTRAP };
    stack_t alternate = { .ss_sp = map(INSN_STACK_VA, INSN_STACK_SIZE, PROT_READ | PROT_WRITE),
                          .ss_size = INSN_STACK_SIZE };
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };

    sigaltstack(&alternate, NULL);
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        sigaction(numbers[i], &action, NULL);
    }
}

/* Words that are there already are not written: qemu-user then keeps what it has made of them. */
static void place_code(const struct insn_agent_case *c)
{
    const uint64_t back = (uint64_t)agent_back;
    uint32_t code[8] = {
        0xf940781e, /* ldr x30, [x0, #240] */
        0xf9400000, /* ldr x0, [x0]        */
        c->word,    /*                     */
        0xd51bd040, /* msr tpidr_el0, x0   */
        0x58000040, /* ldr x0, .+8         */
        0xd61f0000, /* br x0               */
    };
    uint32_t *at = (uint32_t *)(uintptr_t)c->state.pc - 2;

    memcpy(&code[6], &back, sizeof back);
    if (memcmp(at, code, sizeof code) != 0) {
        memcpy(at, code, sizeof code);
        __builtin___clear_cache((char *)at, (char *)(at + 8));
    }
}

static void run_case(struct insn_agent_case *c, const uint8_t *pristine, uint8_t *data)
{
    uint8_t *window = (uint8_t *)INSN_DATA_VA + c->window;

    outcome = INSN_RAN;
    agent_enter(&c->state, (uint32_t *)(uintptr_t)c->state.pc - 2);
    c->state.pc += 4;
    c->state.outcome = outcome;
    if (c->memory != 0) {
        memcpy(data, window, INSN_WINDOW);
        memcpy(window, pristine + c->window, INSN_WINDOW);
    }
}

/* All code first: a write to a page with code that has run is slow under qemu-user. */
static void run_batch(struct insn_agent_shm *shm)
{
    const uint32_t count = shm->count < INSN_BATCH ? shm->count : INSN_BATCH;
    void *buffer = (void *)INSN_DATA_VA;

    for (uint32_t i = 0; i < count; i++) {
        place_code(&shm->cases[i]);
    }
    memcpy(buffer, shm->pristine, INSN_DATA_SIZE);
    for (uint32_t i = 0; i < count; i++) {
        run_case(&shm->cases[i], shm->pristine, shm->data[i]);
    }
    shm->stray = memcmp(buffer, shm->pristine, INSN_DATA_SIZE) != 0;
}

int main(int argc, char **argv)
{
    int fd = argc == 2 ? open(argv[1], O_RDWR) : -1;
    struct insn_agent_shm *shm;
    char byte;

    shm = mmap(NULL, sizeof *shm, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || shm == MAP_FAILED) {
        return 2;
    }
    map(INSN_CODE_VA, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    map(INSN_DATA_VA, INSN_DATA_SIZE, PROT_READ | PROT_WRITE);
    catch_signals();
    while (read(0, &byte, 1) == 1) {
        run_batch(shm);
        if (write(1, &byte, 1) != 1) {
            break;
        }
    }
    return 0;
}
