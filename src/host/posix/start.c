/*
 * start.c - what a POSIX host gives a program on its way: arguments are bytes and stay as they are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/fmt.h"
#include "base/string.h"
#include "host/posix/posix.h"
#include "host/x86.h"

/* NOLINTNEXTLINE(readability-non-const-parameter): on Windows it changes */
void host_start(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
}

void host_language(char *buf, size_t size)
{
    static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

    buf[0] = 0;
    for (size_t i = 0; i < ARRAY_SIZE(names) && buf[0] == 0; i++) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet */
        const char *value = getenv(names[i]);
        if (value != NULL) {
            str_copy(buf, size, value);
        }
    }
}

/* What programs can still get, page cache included; only Linux says. */
static uint64_t available_bytes(void)
{
    unsigned long long kib = 0;
    char line[128];
    FILE *f = fopen("/proc/meminfo", "re");

    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (str_starts(line, "MemAvailable:")) {
            kib = strtoull(line + sizeof("MemAvailable:") - 1, NULL, 10);
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return kib * 1024;
}

void host_describe(struct host_facts *out)
{
    struct utsname name;
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);

    memset(out, 0, sizeof(*out));
    if (uname(&name) == 0) {
        fmt_format(out->name, sizeof(out->name), "%s %s %s", name.sysname, name.machine,
                   name.release);
        out->linux_os = str_eq(name.sysname, "Linux");
        out->arm64 = str_eq(name.machine, "aarch64") || str_eq(name.machine, "arm64");
    }
    x86_features(out);
    if (pages > 0 && page_bytes > 0) {
        out->memory_bytes = (uint64_t)pages * (uint64_t)page_bytes;
    }
    out->memory_free_bytes = available_bytes();
}
