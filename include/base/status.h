/*
 * status.h - how a function says that the world failed it, and why.
 *
 * A function that can fail returns enum status and, where the cause matters to a person, fills
 * struct err where the failure is detected. The text comes from one table of messages in all
 * languages (base/msg.def) and says what to do next; it is printed once, at the top.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "base/compiler.h"

enum status {
    ST_OK = 0,
    ST_E_INVAL = -1,  /* an argument or option makes no sense       */
    ST_E_RANGE = -2,  /* outside the memory or table it must be in  */
    ST_E_SPLIT = -3,  /* inside, but not in one piece               */
    ST_E_NOMEM = -4,  /* the host has no memory left                */
    ST_E_IO = -5,     /* the host's file, socket or terminal failed */
    ST_E_FORMAT = -6, /* bytes are not what they claim to be        */
    ST_E_NOTSUP = -7, /* right, but this build or host cannot       */
    ST_E_NOENT = -8,  /* no such thing                              */
    ST_E_FULL = -9,   /* a fixed table or buffer is full            */
    ST_E_STATE = -10, /* not now                                    */
};

enum lang { LANG_EN, LANG_PT_BR, LANG_COUNT };

/* Every message of the program: MSG(id, English, Brazilian Portuguese); both take the
 * same printf arguments. */
enum msg_id {
#define MSG(id, en, pt) MSG_##id,
#include "base/msg.def"
#undef MSG
    MSG_COUNT
};

struct err {
    enum lang lang;     /* set by whoever makes the struct; picks the language of text */
    enum status status; /* ST_OK until something failed                               */
    char text[400];     /* one line, no newline                                       */
};

/* The message's format string in a language. */
const char *msg_text(enum lang lang, enum msg_id id);

/* Fills err (which may be NULL) and returns status, so that `return err_set(...)` reads well. */
enum status err_set(struct err *err, enum status status, enum msg_id id, ...);

#endif
