/*
 * primecell.c - byte lanes and identification registers of the PrimeCell peripherals; see
 * primecell.h.
 */
#include "devices/primecell.h"

#define PRIMECELL_CID 0xB105F00Du /* PCellID3..PCellID0 */

static uint32_t id_byte(uint32_t id, uint32_t offset)
{
    uint32_t index = (offset - PRIMECELL_IDS) / 4;

    return (index < 4 ? id >> 8 * index : PRIMECELL_CID >> 8 * (index - 4)) & 0xFF;
}

enum mmio_result primecell_read(struct dev *dev, uint64_t offset, unsigned size, uint64_t *value,
                                uint32_t id, primecell_read_fn *read)
{
    uint32_t reg = (uint32_t)offset & ~3u;
    uint32_t word = 0;
    enum mmio_result result = MMIO_OK;

    if (reg >= PRIMECELL_IDS) {
        word = id_byte(id, reg);
    } else {
        result = read(dev, reg, &word);
    }
    word >>= 8 * (offset & 3);
    *value = size == 4 ? word : word & ((1u << 8 * size) - 1);
    return result;
}

enum mmio_result primecell_write(struct dev *dev, uint64_t offset, unsigned size, uint64_t value,
                                 primecell_write_fn *write)
{
    if ((offset & 3) != 0 || offset >= PRIMECELL_IDS) {
        return MMIO_UNKNOWN;
    }
    return write(dev, (uint32_t)offset,
                 (uint32_t)(size == 4 ? value : value & ((1u << 8 * size) - 1)));
}
