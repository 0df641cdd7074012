/*
 * error.c - errno in words of the person's language.
 */
#include <errno.h>

#include "base/compiler.h"
#include "base/fmt.h"
#include "base/string.h"
#include "host/posix/posix.h"

static const struct {
    int number;
    enum msg_id id;
} cause[] = {
    { ENOENT, MSG_CAUSE_NOENT },
    { EACCES, MSG_CAUSE_ACCESS },
    { EPERM, MSG_CAUSE_ACCESS },
    { ENOTDIR, MSG_CAUSE_NOTDIR },
    { EISDIR, MSG_CAUSE_ISDIR },
    { ENOSPC, MSG_CAUSE_NOSPACE },
    { EDQUOT, MSG_CAUSE_NOSPACE },
    { EROFS, MSG_CAUSE_READONLY },
    { ENAMETOOLONG, MSG_CAUSE_NAMETOOLONG },
    { ELOOP, MSG_CAUSE_LOOP },
    { EMFILE, MSG_CAUSE_NOFILES },
    { ENFILE, MSG_CAUSE_NOFILES },
    { ENOMEM, MSG_CAUSE_NOMEM },
    { EAGAIN, MSG_CAUSE_NOMEM },
    { EADDRINUSE, MSG_CAUSE_IN_USE },
    { EADDRNOTAVAIL, MSG_CAUSE_NO_ADDRESS },
    { ECONNREFUSED, MSG_CAUSE_REFUSED },
    { ENETUNREACH, MSG_CAUSE_UNREACHABLE },
    { EHOSTUNREACH, MSG_CAUSE_UNREACHABLE },
    { ETIMEDOUT, MSG_CAUSE_TIMEOUT },
    { EINVAL, MSG_CAUSE_INVALID },
};

const char *posix_cause(const struct err *err, int number, char *buf, size_t size)
{
    enum lang lang = err != NULL ? err->lang : LANG_EN;

    for (unsigned i = 0; i < ARRAY_SIZE(cause); i++) {
        if (cause[i].number == number) {
            str_copy(buf, size, msg_text(lang, cause[i].id));
            return buf;
        }
    }
    fmt_format(buf, size, msg_text(lang, MSG_CAUSE_OTHER), number);
    return buf;
}

enum status posix_fail(struct err *err, enum msg_id id, const char *name, int number)
{
    enum status status = number == ENOENT ? ST_E_NOENT : number == ENOMEM ? ST_E_NOMEM : ST_E_IO;
    char buf[120];

    return err_set(err, status, id, name, posix_cause(err, number, buf, sizeof(buf)));
}
