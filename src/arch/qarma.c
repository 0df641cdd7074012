/*
 * qarma.c - QARMA-64. R. Avanzi, "The QARMA Block Cipher Family", sections 2.2 to 2.4.
 *
 * The state is 16 cells of four bits, cell 0 the most significant; they make a matrix of four rows, row 0 in the top
 * 16 bits. A word holds it all, so the diffusion matrix is three rotations of the word, and rotations of every cell by
 * one or two.
 *
 *     text ─▶ + w0 ─▶ r rounds ─▶ one with w1 ─▶ reflector ─▶ one with w0 ─▶ r rounds back ─▶ + w1 ─▶
 */
#include "arch/qarma.h"

#include "base/assert.h"
#include "base/bits.h"

#define CELLS      16
#define EVERY_CELL 0x1111111111111111ull
#define LFSR_CELLS 0xff0ff000f00f0f00ull /* cells 0, 1, 3, 4, 8, 11, 13 */

/* Digits of pi, as the paper takes them: round constants, and alpha, which makes the two halves differ. */
#define ALPHA 0xc0ac29b7c97c50ddull
static const uint64_t round_constant[QARMA_ROUNDS_MAX] = {
    0x0000000000000000, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89,
    0x452821e638d01377, 0xbe5466cf34e90c6c, 0x3f84d5b5b5470917,
};

/* Cell i of the result is cell [i] of the state: tau for the text, h for the tweak. */
static const uint8_t tau[CELLS] = { 0, 11, 6, 13, 10, 1, 12, 7, 5, 14, 3, 8, 15, 4, 9, 2 };
static const uint8_t tau_back[CELLS] = { 0, 5, 15, 10, 13, 8, 2, 7, 11, 14, 4, 1, 6, 3, 9, 12 };
static const uint8_t h[CELLS] = { 6, 5, 14, 15, 0, 1, 2, 3, 7, 12, 13, 4, 8, 9, 10, 11 };

/* Nibble n of the number is the image of n. Sigma 0 and sigma 1 are their own inverses. */
static const struct sbox {
    uint64_t forward, backward;
} sboxes[] = {
    [QARMA_SIGMA0] = { 0x51cd7346b8f9a2e0, 0x51cd7346b8f9a2e0 },
    [QARMA_SIGMA1] = { 0x421bc089537f6eda, 0x421bc089537f6eda },
    [QARMA_SIGMA2] = { 0xa12d5473e90cf86b, 0x37c40f6291ba8de5 },
};

static ALWAYS_INLINE uint64_t shuffle(uint64_t x, const uint8_t from[CELLS])
{
    uint64_t r = 0;

#pragma GCC unroll 16
    for (unsigned i = 0; i < CELLS; i++) {
        r = r << 4 | (x >> 4 * (CELLS - 1 - from[i]) & 15);
    }
    return r;
}

static ALWAYS_INLINE uint64_t substitute(uint64_t x, uint64_t box)
{
    uint64_t r = 0;

#pragma GCC unroll 16
    for (unsigned i = 0; i < CELLS; i++) {
        r |= (box >> 4 * (x >> 4 * i & 15) & 15) << 4 * i;
    }
    return r;
}

/* Every cell rotated left by one bit. */
static inline uint64_t rotate_cells(uint64_t x)
{
    return (x << 1 & 14 * EVERY_CELL) | (x >> 3 & EVERY_CELL);
}

/* The matrix circ(0, rho, rho squared, rho), rho being that rotation; its own inverse. */
static inline uint64_t mix_columns(uint64_t x)
{
    uint64_t odd = rotate_right(x, 16, 64) ^ rotate_right(x, 48, 64);
    uint64_t even = rotate_right(x, 32, 64);

    return rotate_cells(odd ^ rotate_cells(even));
}

/* h, then some cells go a step through a linear feedback shift register: (b3, b2, b1, b0) to (b0 + b1, b3, b2, b1). */
static inline uint64_t next_tweak(uint64_t tweak)
{
    uint64_t t = shuffle(tweak, h);
    uint64_t stepped = (t >> 1 & 7 * EVERY_CELL) | ((t ^ t >> 1) & EVERY_CELL) << 3;

    return (t & ~LFSR_CELLS) | (stepped & LFSR_CELLS);
}

static inline uint64_t round_forward(uint64_t x, uint64_t key, uint64_t box)
{
    return substitute(mix_columns(shuffle(x ^ key, tau)), box);
}

static inline uint64_t round_backward(uint64_t x, uint64_t key, uint64_t box)
{
    return shuffle(mix_columns(substitute(x, box)), tau_back) ^ key;
}

uint64_t qarma64(uint64_t text, uint64_t tweak, uint64_t w0, uint64_t k0, unsigned rounds,
                 enum qarma_sigma sigma)
{
    const struct sbox *box = &sboxes[sigma];
    uint64_t w1 = rotate_right(w0, 1, 64) ^ w0 >> 63;
    uint64_t round_key[QARMA_ROUNDS_MAX];
    uint64_t x = text ^ w0;

    ASSERT(rounds >= 1 && rounds <= QARMA_ROUNDS_MAX);
    for (unsigned i = 0; i < rounds; i++) {
        round_key[i] = k0 ^ tweak ^ round_constant[i];
        tweak = next_tweak(tweak);
    }
    /* The first round is a short one: it neither shuffles nor mixes; nor does the last. */
    x = substitute(x ^ round_key[0], box->forward);
    for (unsigned i = 1; i < rounds; i++) {
        x = round_forward(x, round_key[i], box->forward);
    }
    x = round_forward(x, w1 ^ tweak, box->forward);
    x = shuffle(mix_columns(shuffle(x, tau)) ^ k0, tau_back);
    x = round_backward(x, w0 ^ tweak, box->backward);
    for (unsigned i = rounds; --i >= 1;) {
        x = round_backward(x, round_key[i] ^ ALPHA, box->backward);
    }
    return substitute(x, box->backward) ^ round_key[0] ^ ALPHA ^ w1;
}
