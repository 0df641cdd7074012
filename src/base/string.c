/*
 * string.c - strings without a C library.
 */
#include "base/string.h"

size_t str_len(const char *s)
{
    size_t len = 0;

    while (s[len] != 0) {
        len++;
    }
    return len;
}

bool str_eq(const char *a, const char *b)
{
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

bool str_starts(const char *s, const char *prefix)
{
    while (*prefix != 0) {
        if (*s++ != *prefix++) {
            return false;
        }
    }
    return true;
}

bool str_copy(char *dst, size_t size, const char *src)
{
    size_t len = 0;

    while (len < size - 1 && src[len] != 0) {
        dst[len] = src[len];
        len++;
    }
    dst[len] = 0;
    return src[len] == 0;
}
