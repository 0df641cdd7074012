/*
 * aligned.h - aligned_alloc where the C library has none (Windows); aligned_block_free gives such a block back.
 */
#ifndef TESTS_ALIGNED_H
#define TESTS_ALIGNED_H

#include <stdlib.h>
#ifdef _WIN32
#include <malloc.h>
#define aligned_alloc(align, size) _aligned_malloc(size, align)
#define aligned_block_free(block)  _aligned_free(block)
#else
#define aligned_block_free(block) free(block)
#endif

#endif
