/*
 * fmt.c - printf formatting without a C library.
 *
 * Semantics: ISO C11, 7.21.6.1 "The fprintf function", for the conversions that fmt.h names. A
 * conversion that is not among them is copied to the output as it stands and takes no argument.
 */
#include "base/fmt.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/string.h"

enum length { LENGTH_INT, LENGTH_HH, LENGTH_H, LENGTH_L, LENGTH_LL, LENGTH_Z };

/* One conversion specification, between the % and the letter. */
struct spec {
    bool left, zero, plus, space, alt;
    size_t width;
    bool has_precision;
    size_t precision;
    enum length length;
};

/* Where the text goes; len counts all of it, also what does not fit. */
struct sink {
    char *buf;
    size_t size, len;
};

/* A va_list inside a struct can be passed by pointer on every ABI. */
struct arg_list {
    va_list ap;
};

/* 64 bits in octal would be 22; the longest here is decimal, 20. */
#define DIGITS_MAX 24

static void put(struct sink *sink, char c)
{
    if (sink->len + 1 < sink->size) {
        sink->buf[sink->len] = c;
    }
    sink->len++;
}

static void put_many(struct sink *sink, char c, size_t count)
{
    while (count-- > 0) {
        put(sink, c);
    }
}

static void put_bytes(struct sink *sink, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        put(sink, s[i]);
    }
}

static void put_padded(struct sink *sink, const struct spec *spec, const char *s, size_t len)
{
    size_t pad = spec->width > len ? spec->width - len : 0;

    put_many(sink, ' ', spec->left ? 0 : pad);
    put_bytes(sink, s, len);
    put_many(sink, ' ', spec->left ? pad : 0);
}

/* Writes the digits of value to the end of buf, most significant first; returns how
 * many. None for 0. */
static size_t digits_of(uint64_t value, unsigned base, bool upper, char buf[DIGITS_MAX])
{
    const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    size_t count = 0;

    for (; value != 0; value /= base) {
        buf[DIGITS_MAX - ++count] = alphabet[value % base];
    }
    return count;
}

/* [spaces] prefix [zeros] digits [spaces]; prefix is the sign or 0x. */
static void put_number(struct sink *sink, const struct spec *spec, const char *prefix,
                       uint64_t value, unsigned base, bool upper)
{
    char buf[DIGITS_MAX];
    size_t digits = digits_of(value, base, upper, buf);
    size_t prefix_len = str_len(prefix);
    size_t least = spec->has_precision ? spec->precision : 1;
    size_t zeros = least > digits ? least - digits : 0;
    size_t used = prefix_len + zeros + digits;
    size_t pad = spec->width > used ? spec->width - used : 0;

    if (spec->zero && !spec->left && !spec->has_precision) {
        zeros += pad;
        pad = 0;
    }
    put_many(sink, ' ', spec->left ? 0 : pad);
    put_bytes(sink, prefix, prefix_len);
    put_many(sink, '0', zeros);
    put_bytes(sink, buf + DIGITS_MAX - digits, digits);
    put_many(sink, ' ', spec->left ? pad : 0);
}

static int64_t next_signed(struct arg_list *args, enum length length)
{
    switch (length) {
    case LENGTH_HH: return (signed char)va_arg(args->ap, int);
    case LENGTH_H: return (short)va_arg(args->ap, int);
    case LENGTH_L: return va_arg(args->ap, long);
    case LENGTH_LL: return va_arg(args->ap, long long);
    case LENGTH_Z: return va_arg(args->ap, ptrdiff_t);
    default: return va_arg(args->ap, int);
    }
}

static uint64_t next_unsigned(struct arg_list *args, enum length length)
{
    switch (length) {
    case LENGTH_HH: return (unsigned char)va_arg(args->ap, unsigned);
    case LENGTH_H: return (unsigned short)va_arg(args->ap, unsigned);
    case LENGTH_L: return va_arg(args->ap, unsigned long);
    case LENGTH_LL: return va_arg(args->ap, unsigned long long);
    case LENGTH_Z: return va_arg(args->ap, size_t);
    default: return va_arg(args->ap, unsigned);
    }
}

static void put_signed(struct sink *sink, const struct spec *spec, int64_t value)
{
    const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    put_number(sink, spec, sign, magnitude, 10, false);
}

static void put_hex(struct sink *sink, const struct spec *spec, uint64_t value, bool upper)
{
    const char *prefix = !spec->alt || value == 0 ? "" : upper ? "0X" : "0x";

    put_number(sink, spec, prefix, value, 16, upper);
}

static void put_string(struct sink *sink, const struct spec *spec, const char *s)
{
    size_t len = 0;

    if (s == NULL) {
        s = "(null)";
    }
    /* With a precision the string need not be terminated. */
    while ((!spec->has_precision || len < spec->precision) && s[len] != 0) {
        len++;
    }
    put_padded(sink, spec, s, len);
}

/* Puts one conversion; false if there is none of that letter. */
static bool convert(struct sink *sink, const struct spec *spec, char letter, struct arg_list *args)
{
    char c;

    switch (letter) {
    case 'd':
    case 'i': put_signed(sink, spec, next_signed(args, spec->length)); return true;
    case 'u': put_number(sink, spec, "", next_unsigned(args, spec->length), 10, false); return true;
    case 'x':
    case 'X': put_hex(sink, spec, next_unsigned(args, spec->length), letter == 'X'); return true;
    case 'p':
        put_number(sink, spec, "0x", (uintptr_t)va_arg(args->ap, void *), 16, false);
        return true;
    case 's': put_string(sink, spec, va_arg(args->ap, const char *)); return true;
    case 'c':
        c = (char)va_arg(args->ap, int);
        put_padded(sink, spec, &c, 1);
        return true;
    case '%': put(sink, '%'); return true;
    default: return false;
    }
}

static const char *parse_flags(const char *f, struct spec *spec)
{
    for (;; f++) {
        switch (*f) {
        case '-': spec->left = true; break;
        case '0': spec->zero = true; break;
        case '+': spec->plus = true; break;
        case ' ': spec->space = true; break;
        case '#': spec->alt = true; break;
        default: return f;
        }
    }
}

/* A number or *; at most INT16_MAX, so that a mad format cannot spin. A negative *
 * makes *negative true. */
static const char *parse_count(const char *f, size_t *count, bool *negative, struct arg_list *args)
{
    int64_t n = 0;

    *negative = false;
    if (*f == '*') {
        n = va_arg(args->ap, int);
        *negative = n < 0;
        n = n < 0 ? -n : n;
        f++;
    } else {
        for (; *f >= '0' && *f <= '9'; f++) {
            n = n > INT16_MAX ? n : n * 10 + (*f - '0');
        }
    }
    *count = (size_t)(n > INT16_MAX ? INT16_MAX : n);
    return f;
}

static const char *parse_length(const char *f, enum length *length)
{
    if (*f == 'h') {
        *length = f[1] == 'h' ? LENGTH_HH : LENGTH_H;
        return f + (f[1] == 'h' ? 2 : 1);
    }
    if (*f == 'l') {
        *length = f[1] == 'l' ? LENGTH_LL : LENGTH_L;
        return f + (f[1] == 'l' ? 2 : 1);
    }
    if (*f == 'z') {
        *length = LENGTH_Z;
        return f + 1;
    }
    return f;
}

/* f is behind the %; returns the conversion's letter. */
static const char *parse_spec(const char *f, struct spec *spec, struct arg_list *args)
{
    bool negative;

    f = parse_flags(f, spec);
    f = parse_count(f, &spec->width, &negative, args);
    spec->left |= negative;
    if (*f == '.') {
        f = parse_count(f + 1, &spec->precision, &negative, args);
        spec->has_precision = !negative;
    }
    return parse_length(f, &spec->length);
}

static void format_all(struct sink *sink, const char *format, struct arg_list *args)
{
    while (*format != 0) {
        struct spec spec = { 0 };
        const char *start = format;

        if (*format++ != '%') {
            put(sink, *start);
            continue;
        }
        format = parse_spec(format, &spec, args);
        if (*format != 0 && convert(sink, &spec, *format, args)) {
            format++;
        } else {
            put_bytes(sink, start, (size_t)(format - start));
        }
    }
}

size_t fmt_vformat(char *buf, size_t size, const char *format, va_list args)
{
    struct sink sink = { .buf = buf, .size = size };
    struct arg_list list;

    va_copy(list.ap, args);
    format_all(&sink, format, &list);
    va_end(list.ap);
    if (size > 0) {
        buf[sink.len < size ? sink.len : size - 1] = 0;
    }
    return sink.len;
}

size_t fmt_format(char *buf, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    size_t len = fmt_vformat(buf, size, format, args);
    va_end(args);
    return len;
}

void text_init(struct text *t, char *buf, size_t size)
{
    t->buf = buf;
    t->size = size;
    t->len = 0;
    if (size > 0) {
        buf[0] = 0;
    }
}

void text_add(struct text *t, const char *format, ...)
{
    va_list args;
    size_t room = t->size - t->len;

    va_start(args, format);
    size_t len = fmt_vformat(t->buf + t->len, room, format, args);
    va_end(args);
    if (room > 0) {
        t->len += len < room ? len : room - 1;
    }
}
