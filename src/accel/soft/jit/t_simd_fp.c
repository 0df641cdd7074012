/*
 * t_simd_fp.c - templates of Advanced SIMD: none yet, the bodies are called.
 */
#include "accel/soft/jit/vec.h"

#if SOFT_JIT

const struct tmpl jit_tmpl_simd_fp[UOP_COUNT] = { { 0 } };

#endif
