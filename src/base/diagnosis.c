/*
 * diagnosis.c - findings, collected; see diagnosis.h.
 */
#include "base/diagnosis.h"

#include <stdarg.h>
#include <stddef.h>

#include "base/assert.h"
#include "base/fmt.h"

void diagnosis_add(struct diagnosis *d, enum finding_kind kind, const char *id, enum msg_id cause,
                   ...)
{
    struct finding *f;
    va_list args;

    ASSERT(d->count < FINDINGS_MAX);
    f = &d->finding[d->count++];
    f->id = id;
    f->kind = kind;
    f->remedy[0] = 0;
    va_start(args, cause);
    fmt_vformat(f->cause, sizeof(f->cause), msg_text(d->lang, cause), args);
    va_end(args);
}

void diagnosis_remedy(struct diagnosis *d, enum msg_id remedy, ...)
{
    struct finding *f;
    va_list args;

    ASSERT(d->count > 0);
    f = &d->finding[d->count - 1];
    va_start(args, remedy);
    fmt_vformat(f->remedy, sizeof(f->remedy), msg_text(d->lang, remedy), args);
    va_end(args);
}

const struct finding *diagnosis_failure(const struct diagnosis *d)
{
    for (unsigned i = 0; i < d->count; i++) {
        if (d->finding[i].kind == FINDING_FAILS) {
            return &d->finding[i];
        }
    }
    return NULL;
}

enum status diagnosis_status(const struct diagnosis *d, const char *name, struct err *err)
{
    const struct finding *f = diagnosis_failure(d);

    return f == NULL ? ST_OK
                     : err_set(err, d->foreign ? ST_E_NOENT : ST_E_NOTSUP, MSG_DIAGNOSIS, name,
                               f->cause, f->remedy[0] != 0 ? "; " : "", f->remedy);
}
