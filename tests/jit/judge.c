/*
 * judge.c - see judge.h: a file that both map, and two pipes.
 */
#define _GNU_SOURCE
#include "judge.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child;
static int to_agent = -1, from_agent = -1;

static void run_child(const char *command, const char *agent, const char *file, int in[2],
                      int out[2])
{
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[1]);
    close(out[0]);
    if (command != NULL) {
        execlp(command, command, "-cpu", "max,sve=off", agent, file, (char *)NULL);
    } else {
        execl(agent, agent, file, (char *)NULL);
    }
    _exit(127);
}

struct agent_shm *judge_start(const char *command, const char *agent)
{
    char file[] = "/tmp/jit-agent-XXXXXX";
    int fd = mkstemp(file), in[2], out[2];
    struct agent_shm *shm;

    if (fd < 0 || ftruncate(fd, sizeof(*shm)) != 0 || pipe(in) != 0 || pipe(out) != 0) {
        return NULL;
    }
    shm = mmap(NULL, sizeof(*shm), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    signal(SIGPIPE, SIG_IGN);
    child = shm != MAP_FAILED ? fork() : -1;
    if (child == 0) {
        run_child(command, agent, file, in, out);
    }
    close(in[0]);
    close(out[1]);
    to_agent = in[1];
    from_agent = out[0];
    /* A program of nothing but its end: answered when the agent has opened the file, whose name may go then. */
    bool ok = false;
    if (child > 0) {
        shm->end_pc = shm->start.pc = 0x2000100000;
        ok = judge_run();
    }
    unlink(file);
    if (!ok) {
        judge_stop();
        return NULL;
    }
    return shm;
}

bool judge_run(void)
{
    char byte = 'r';

    return write(to_agent, &byte, 1) == 1 && read(from_agent, &byte, 1) == 1;
}

void judge_stop(void)
{
    close(to_agent);
    close(from_agent);
    if (child > 0) {
        waitpid(child, NULL, 0);
    }
    child = 0;
}
