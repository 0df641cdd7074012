/*
 * assert.h - our own mistakes.
 *
 * ASSERT stays in release builds, has no side effects and is never about anything that comes from
 * outside (a guest, a file, an option): those are statuses. A failed one calls assert_failed, which
 * the shell provides.
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

#include "base/compiler.h"

NORETURN void assert_failed(const char *file, int line, const char *expr);

#define ASSERT(expr) (LIKELY(expr) ? (void)0 : assert_failed(__FILE__, __LINE__, #expr))

#endif
