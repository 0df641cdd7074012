/*
 * log.c - a line for the log, formatted on the stack and handed to the port.
 */
#include "base/log.h"

#include <stdarg.h>

#include "base/fmt.h"

#define LINE_SIZE 501 /* 500 bytes and the final 0 */

void log_line(const struct log_port *log, enum log_level level, const char *module,
              const char *format, ...)
{
    char text[LINE_SIZE];
    va_list args;

    if (!log_enabled(log, level)) {
        return;
    }
    va_start(args, format);
    fmt_vformat(text, sizeof(text), format, args);
    va_end(args);
    log->write(log->opaque, level, module, text);
}
