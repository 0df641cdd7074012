/*
 * string.h - the memory and string functions that freestanding code may use.
 *
 * Below the shells code is built with -ffreestanding, where a compiler does not expand memcpy by
 * itself; the builtins named here are expanded when the size is constant, and otherwise call the
 * four functions that every environment provides (libc in the hosted program, src/asm on bare
 * metal).
 */
#ifndef BASE_STRING_H
#define BASE_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__STDC_HOSTED__) && __STDC_HOSTED__
#include <string.h>
#else
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#define memcpy  __builtin_memcpy
#define memmove __builtin_memmove
#define memset  __builtin_memset
#define memcmp  __builtin_memcmp
#endif

/* Length of s, bytes before the terminating 0. */
size_t str_len(const char *s);
/* True if a and b hold the same bytes. */
bool str_eq(const char *a, const char *b);
/* True if s begins with prefix. */
bool str_starts(const char *s, const char *prefix);
/* Copies at most size - 1 bytes of src and a 0; returns false if src was cut. size >= 1. */
bool str_copy(char *dst, size_t size, const char *src);

#endif
