/*
 * fmt.h - printf formatting without a C library.
 *
 * Conversions: %d %i %u %x %X %c %s %p %%; lengths hh h l ll z; flags 0 - + space #; width and
 * precision as numbers or *. No floating point.
 */
#ifndef BASE_FMT_H
#define BASE_FMT_H

#include <stdarg.h>
#include <stddef.h>

#include "base/compiler.h"

/*
 * Writes at most size bytes including a terminating 0 (size may be 0). Returns the length the whole
 * text would have had, as snprintf does.
 */
size_t fmt_vformat(char *buf, size_t size, const char *format, va_list args);
size_t fmt_format(char *buf, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);

/* A text being built in a fixed buffer; what does not fit is dropped, never overrun. */
struct text {
    char *buf;
    size_t size; /* of buf, bytes             */
    size_t len;  /* used, without the final 0 */
};

void text_init(struct text *t, char *buf, size_t size);
void text_add(struct text *t, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
