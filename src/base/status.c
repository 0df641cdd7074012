/*
 * status.c - the table of messages, and how an error gets its text.
 */
#include "base/status.h"

#include <stdarg.h>
#include <stddef.h>

#include "base/fmt.h"

static const char *const messages[MSG_COUNT + 1][LANG_COUNT] = {
#define MSG(id, en, pt) [MSG_##id] = { [LANG_EN] = en, [LANG_PT_BR] = pt },
#include "base/msg.def"
#undef MSG
    [MSG_COUNT] = { [LANG_EN] = "?", [LANG_PT_BR] = "?" },
};

const char *msg_text(enum lang lang, enum msg_id id)
{
    return messages[id][lang];
}

enum status err_set(struct err *err, enum status status, enum msg_id id, ...)
{
    if (err != NULL) {
        va_list args;

        va_start(args, id);
        fmt_vformat(err->text, sizeof(err->text), msg_text(err->lang, id), args);
        va_end(args);
        err->status = status;
    }
    return status;
}
