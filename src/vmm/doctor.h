/*
 * doctor.h - the report of `hypervisor doctor`, from what a small port says of the host.
 */
#ifndef VMM_DOCTOR_H
#define VMM_DOCTOR_H

#include "accel.h"
#include "host.h"
#include "hypervisor.h"

/* A back end as the report sees it: one of this build, or what is known of one that it lacks. */
struct doctor_accel {
    const char *name, *what;
    void (*probe)(struct accel_caps *caps, struct diagnosis *diagnosis);
};

struct doctor_host {
    struct host_facts facts;
    unsigned cpus;
    bool zlib, zstd, translates; /* in this build               */
    bool code_memory;            /* the host gives memory for it */
    bool terminal;               /* standard input is one        */
};

struct doctor_port {
    const struct doctor_accel *accel; /* the best first; ends with a row with name NULL */
    void (*look)(struct doctor_host *out);
};

/* What follows from the facts about host and build. */
void doctor_host_detect(const struct doctor_host *host, struct diagnosis *d);
/* Returns how many back ends work. */
unsigned doctor_report(const struct doctor_port *port, enum lang lang, bool json, hv_line_fn *line,
                       void *opaque);

#endif
