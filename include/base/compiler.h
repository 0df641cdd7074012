/*
 * compiler.h - the few compiler extensions this project uses, each in one guarded place.
 *
 * GCC and Clang (also clang-cl) have all of them; another compiler gets the plain C meaning where
 * one exists.
 */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#if defined(__GNUC__) || defined(__clang__)
#define LIKELY(x)     __builtin_expect(!!(x), 1)
#define UNLIKELY(x)   __builtin_expect(!!(x), 0)
#define NOINLINE      __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NORETURN      __attribute__((noreturn))
#define FALLTHROUGH   __attribute__((fallthrough))
#if defined(__MINGW32__) && !defined(__clang__)
#define PRINTF_LIKE(f, a) __attribute__((format(gnu_printf, f, a))) /* "printf" is msvcrt's */
#else
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#endif
#else
#define LIKELY(x)   (x)
#define UNLIKELY(x) (x)
#define NOINLINE
#define ALWAYS_INLINE inline
#define NORETURN
#define PRINTF_LIKE(f, a)
#define FALLTHROUGH ((void)0)
#endif

/* `MUSTTAIL return f(x);` is a jump. GCC 12 has no such attribute; at -O2 it makes the
 * jump all the same. */
#if defined(__clang__) && defined(__has_attribute)
#if __has_attribute(musttail)
#define MUSTTAIL __attribute__((musttail))
#endif
#endif
#ifndef MUSTTAIL
#define MUSTTAIL
#endif

/*
 * The calling convention between generated code and functions of ours: on x86-64 the one of the System
 * V ABI, on Windows too, so that a translator knows one set of registers. A part of the function's type.
 */
#if defined(_WIN32) && defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define HV_ENGINE_ABI __attribute__((sysv_abi))
#else
#define HV_ENGINE_ABI
#endif

#define ARRAY_SIZE(a)                 (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))

#endif
