/*
 * log.h - lines for the person at the terminal, by blame and module; a port, so nothing here
 * prints.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/compiler.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_port {
    void (*write)(void *opaque, enum log_level level, const char *module, const char *text);
    void *opaque;
    enum log_level level; /* most talkative level that is written */
};

static inline bool log_enabled(const struct log_port *log, enum log_level level)
{
    return log->write && level <= log->level;
}

/* Formats (fmt.h's conversions) and writes one line, cut at 500 bytes. Any thread, if
 * the port allows it. */
void log_line(const struct log_port *log, enum log_level level, const char *module,
              const char *format, ...) PRINTF_LIKE(4, 5);

#endif
