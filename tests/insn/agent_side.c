/*
 * agent_side.c - starts the Arm agent (agent.c) and hands it batches through a shared file and two
 * pipes.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sides.h"

/* What agent_switch.S counts on. */
_Static_assert(offsetof(struct insn_state, sp) == 248, "S_SP");
_Static_assert(offsetof(struct insn_state, nzcv) == 264, "S_NZCV");
_Static_assert(offsetof(struct insn_state, fpcr) == 268, "S_FPCR");
_Static_assert(offsetof(struct insn_state, fpsr) == 272, "S_FPSR");
_Static_assert(offsetof(struct insn_state, v) == 280, "S_V");

static pid_t child;
static int to_agent = -1, from_agent = -1;

static struct insn_agent_shm *make_shared(char path[])
{
    int fd = mkstemp(path);
    void *p;

    if (fd < 0 || ftruncate(fd, sizeof(struct insn_agent_shm)) != 0) {
        return NULL;
    }
    p = mmap(NULL, sizeof(struct insn_agent_shm), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return p == MAP_FAILED ? NULL : p;
}

static void run_child(const char *command, const char *agent_path, const char *shared, int in[2],
                      int out[2])
{
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[1]);
    close(out[0]);
    if (command != NULL) {
        execlp(command, command, "-cpu", "max", agent_path, shared, (char *)NULL);
    } else {
        execl(agent_path, agent_path, shared, (char *)NULL);
    }
    _exit(127);
}

struct insn_agent_shm *agent_start(const char *command, const char *agent_path)
{
    char path[] = "/tmp/insn-agent-XXXXXX";
    struct insn_agent_shm *shm = make_shared(path);
    int in[2], out[2];

    if (shm == NULL || pipe(in) != 0 || pipe(out) != 0) {
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN);
    child = fork();
    if (child == 0) {
        run_child(command, agent_path, path, in, out);
    }
    close(in[0]);
    close(out[1]);
    to_agent = in[1];
    from_agent = out[0];
    /* An empty batch: answered when the agent has opened the file, whose name may go then. */
    bool ok = child > 0 && agent_run();

    unlink(path);
    if (!ok) {
        agent_stop();
        return NULL;
    }
    return shm;
}

bool agent_run(void)
{
    char byte = 'r';

    return write(to_agent, &byte, 1) == 1 && read(from_agent, &byte, 1) == 1;
}

void agent_stop(void)
{
    close(to_agent);
    close(from_agent);
    if (child > 0) {
        waitpid(child, NULL, 0);
    }
    child = 0;
}
