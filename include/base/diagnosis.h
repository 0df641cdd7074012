/*
 * diagnosis.h - what keeps something from working here, or from working well: cause and exact remedy of each finding.
 *
 * Whoever looks (a back end's probe, the checks of the build) adds findings in the order in which a person
 * should mend them; `hypervisor doctor` prints them all, and a run that cannot start says the first one
 * that is fatal.
 */
#ifndef BASE_DIAGNOSIS_H
#define BASE_DIAGNOSIS_H

#include <stdbool.h>

#include "base/status.h"

enum finding_kind {
    FINDING_FAILS, /* it does not work                     */
    FINDING_LACKS, /* it works, without something or worse */
    FINDING_NOTE,  /* a fact worth knowing; no remedy      */
};

struct finding {
    const char *id; /* for programs, stable: "kvm.permission" */
    enum finding_kind kind;
    char cause[320];
    char remedy[320]; /* empty: nothing can be done, or need be */
};

#define FINDINGS_MAX 20

struct diagnosis {
    enum lang lang; /* of causes and remedies; set by whoever makes the struct */
    bool thorough;  /* a person waits for all there is to know: slow looks are welcome */
    bool foreign;   /* hosts of this kind never have it: nothing is wrong */
    unsigned count;
    struct finding finding[FINDINGS_MAX];
};

/* One more finding, without a remedy. */
void diagnosis_add(struct diagnosis *d, enum finding_kind kind, const char *id, enum msg_id cause,
                   ...);
/* The remedy of the finding that was added last. */
void diagnosis_remedy(struct diagnosis *d, enum msg_id remedy, ...);
/* The first finding that is fatal, or NULL: it works. */
const struct finding *diagnosis_failure(const struct diagnosis *d);
/* ST_OK, or ST_E_NOTSUP (foreign: ST_E_NOENT) with "NAME: cause; remedy" in err. */
enum status diagnosis_status(const struct diagnosis *d, const char *name, struct err *err);

#endif
