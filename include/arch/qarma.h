/*
 * qarma.h - QARMA-64, the tweakable block cipher behind the architected pointer authentication codes.
 *
 * R. Avanzi, "The QARMA Block Cipher Family", IACR Transactions on Symmetric Cryptology 2017, issue 1. Arm's QARMA5 is
 * five rounds with S-box sigma 2, QARMA3 three rounds with sigma 1 (DDI 0487, shared pseudocode functions
 * ComputePACQARMA5 and ComputePACQARMA3).
 */
#ifndef ARCH_QARMA_H
#define ARCH_QARMA_H

#include <stdint.h>

#define QARMA_ROUNDS_MAX 7

/* The three S-boxes of the paper. */
enum qarma_sigma { QARMA_SIGMA0, QARMA_SIGMA1, QARMA_SIGMA2 };

/*
 * Encrypts text under the 128-bit key w0:k0 and the tweak. rounds: forward rounds, 1..QARMA_ROUNDS_MAX; as many backward
 * rounds follow, with the reflector between them.
 */
uint64_t qarma64(uint64_t text, uint64_t tweak, uint64_t w0, uint64_t k0, unsigned rounds,
                 enum qarma_sigma sigma);

/* The two instances that pointer authentication uses; key_hi and key_lo are the halves of the key registers. */
static inline uint64_t qarma5(uint64_t text, uint64_t tweak, uint64_t key_hi, uint64_t key_lo)
{
    return qarma64(text, tweak, key_hi, key_lo, 5, QARMA_SIGMA2);
}

static inline uint64_t qarma3(uint64_t text, uint64_t tweak, uint64_t key_hi, uint64_t key_lo)
{
    return qarma64(text, tweak, key_hi, key_lo, 3, QARMA_SIGMA1);
}

#endif
