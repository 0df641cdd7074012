/*
 * crc32.h - the CRC32 and CRC32C steps of the A64 checksum instructions.
 *
 * Spec: DDI 0487, "CRC32" and "CRC32C" pseudocode; polynomials 0x04C11DB7 and 0x1EDC6F41, bits
 * reflected as the instructions' BitReverse does.
 *
 * A CRC is linear, so the remainder of accumulator ^ data is the exclusive or of what each of its
 * nibbles leaves behind: sixteen independent loads for 8 bytes and no chain from byte to byte. Row
 * d of a table is for a nibble that d further nibbles follow; each row is spanned by the remainders
 * of its four bits.
 */
#ifndef SOFT_CRC32_H
#define SOFT_CRC32_H

#include "base/compiler.h"

#include <stdint.h>

#define LINEAR(a, b, c, d)                                                                  \
    {                                                                                       \
        0, (a), (b), (a) ^ (b), (c), (a) ^ (c), (b) ^ (c), (a) ^ (b) ^ (c), (d), (a) ^ (d), \
            (b) ^ (d), (a) ^ (b) ^ (d), (c) ^ (d), (a) ^ (c) ^ (d), (b) ^ (c) ^ (d),        \
            (a) ^ (b) ^ (c) ^ (d)                                                           \
    }

static const uint32_t crc32_nibble[16][16] = {
    LINEAR(0x1db71064, 0x3b6e20c8, 0x76dc4190, 0xedb88320),
    LINEAR(0x77073096, 0xee0e612c, 0x076dc419, 0x0edb8832),
    LINEAR(0x4ac21251, 0x958424a2, 0xf0794f05, 0x3b83984b),
    LINEAR(0x191b3141, 0x32366282, 0x646cc504, 0xc8d98a08),
    LINEAR(0x1c26a370, 0x384d46e0, 0x709a8dc0, 0xe1351b80),
    LINEAR(0x01c26a37, 0x0384d46e, 0x0709a8dc, 0x0e1351b8),
    LINEAR(0x5019579f, 0xa032af3e, 0x9b14583d, 0xed59b63b),
    LINEAR(0xb8bc6765, 0xaa09c88b, 0x8f629757, 0xc5b428ef),
    LINEAR(0x60e09782, 0xc1c12f04, 0x58f35849, 0xb1e6b092),
    LINEAR(0x3d6029b0, 0x7ac05360, 0xf580a6c0, 0x30704bc1),
    LINEAR(0x03d6029b, 0x07ac0536, 0x0f580a6c, 0x1eb014d8),
    LINEAR(0xcb5cd3a5, 0x4dc8a10b, 0x9b914216, 0xec53826d),
    LINEAR(0x67de9cce, 0xcfbd399c, 0x440b7579, 0x8816eaf2),
    LINEAR(0xa6770bb4, 0x979f1129, 0xf44f2413, 0x33ef4e67),
    LINEAR(0x7cbb312b, 0xf9766256, 0x299dc2ed, 0x533b85da),
    LINEAR(0xccaa009e, 0x4225077d, 0x844a0efa, 0xd3e51bb5),
};

static const uint32_t crc32c_nibble[16][16] = {
    LINEAR(0x105ec76f, 0x20bd8ede, 0x417b1dbc, 0x82f63b78),
    LINEAR(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf),
    LINEAR(0x3fc5f181, 0x7f8be302, 0xff17c604, 0xfbc3faf9),
    LINEAR(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8),
    LINEAR(0x70a27d8a, 0xe144fb14, 0xc76580d9, 0x8b277743),
    LINEAR(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5),
    LINEAR(0xe964b13d, 0xd725148b, 0xaba65fe7, 0x52a0c93f),
    LINEAR(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6),
    LINEAR(0x8f2261d3, 0x1ba8b557, 0x37516aae, 0x6ea2d55c),
    LINEAR(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91),
    LINEAR(0xc00c303e, 0x85f4168d, 0x0e045beb, 0x1c08b7d6),
    LINEAR(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f),
    LINEAR(0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4),
    LINEAR(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53),
    LINEAR(0x847609b4, 0x0d006599, 0x1a00cb32, 0x34019664),
    LINEAR(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da),
};

#undef LINEAR

/* What 16 bits leave behind that `after` nibbles follow. */
static ALWAYS_INLINE uint32_t crc_16bits(const uint32_t t[16][16], uint64_t v, unsigned after)
{
    return t[after + 3][v & 15] ^ t[after + 2][v >> 4 & 15] ^ t[after + 1][v >> 8 & 15] ^
           t[after][v >> 12 & 15];
}

/* The accumulator after 1, 2, 4 or 8 bytes of data. */
static ALWAYS_INLINE uint32_t crc_step(const uint32_t t[16][16], uint32_t acc, uint64_t data,
                                       unsigned bytes)
{
    uint64_t v = data ^ acc;

    switch (bytes) {
    case 1: return acc >> 8 ^ t[1][v & 15] ^ t[0][v >> 4 & 15];
    case 2: return acc >> 16 ^ crc_16bits(t, v, 0);
    case 4: return crc_16bits(t, v, 4) ^ crc_16bits(t, v >> 16, 0);
    default:
        return crc_16bits(t, v, 12) ^ crc_16bits(t, v >> 16, 8) ^ crc_16bits(t, v >> 32, 4) ^
               crc_16bits(t, v >> 48, 0);
    }
}

#endif
