/*
 * op_fp.h - how lower_fp.c tells op_fp.c what a conversion is. Private to the two.
 */
#ifndef SOFT_OP_FP_H
#define SOFT_OP_FP_H

#include <stdbool.h>
#include <stdint.h>

/* op->ra of a rounding uop: an enum fp_rounding, or this. */
#define ROUND_FPCR 255

/* op->imm of a conversion between floating and fixed point: fraction bits (0..64),
 * integer bits, signedness. */
static inline uint64_t fixed_imm(unsigned fbits, unsigned size, bool is_unsigned)
{
    return fbits | size << 8 | (uint32_t)is_unsigned << 16;
}
static inline unsigned fixed_fbits(uint64_t imm)
{
    return imm & 0xff;
}
static inline unsigned fixed_size(uint64_t imm)
{
    return imm >> 8 & 0xff;
}
static inline bool fixed_unsigned(uint64_t imm)
{
    return imm >> 16 & 1;
}

#endif
