/*
 * primecell.h - what Arm's PrimeCell peripherals on an APB have in common: 32-bit registers,
 * reached by narrower accesses as well, and eight identification registers at the end of the 4 KiB
 * window.
 *
 * Spec: DDI 0183, "Peripheral identification registers" and "PrimeCell identification registers";
 * the same in DDI 0224 (PL031) and DDI 0190 (PL061).
 */
#ifndef DEVICES_PRIMECELL_H
#define DEVICES_PRIMECELL_H

#include "devices.h"

#define PRIMECELL_SIZE 0x1000u
#define PRIMECELL_IDS  0xFE0u

/* A device's own part: one 32-bit register; offset is a multiple of 4. */
typedef enum mmio_result primecell_read_fn(struct dev *dev, uint32_t offset, uint32_t *value);
typedef enum mmio_result primecell_write_fn(struct dev *dev, uint32_t offset, uint32_t value);

/*
 * One access of 1, 2 or 4 bytes. A narrow read returns its byte lanes of the register. A narrow
 * write at the register's own offset writes the register, zero-extended (Linux writes PL011 by
 * halfwords); the APB has no byte strobes, so a write to another lane has no meaning and is
 * MMIO_UNKNOWN.
 *
 *   id   PeriphID3..PeriphID0, one byte each
 */
enum mmio_result primecell_read(struct dev *dev, uint64_t offset, unsigned size, uint64_t *value,
                                uint32_t id, primecell_read_fn *read);
enum mmio_result primecell_write(struct dev *dev, uint64_t offset, unsigned size, uint64_t value,
                                 primecell_write_fn *write);

/* Rows of a register table for the identification registers. */
#define PRIMECELL_ID_REG(name, n, value)                          \
    {                                                             \
        name, PRIMECELL_IDS + 4 * (n), 4, DEV_REG_RO, 0, 0, value \
    }
#define PRIMECELL_ID_REGS(id)                                                         \
    PRIMECELL_ID_REG("PeriphID0", 0, (id)&0xFF),                                      \
        PRIMECELL_ID_REG("PeriphID1", 1, (id) >> 8 & 0xFF),                           \
        PRIMECELL_ID_REG("PeriphID2", 2, (id) >> 16 & 0xFF),                          \
        PRIMECELL_ID_REG("PeriphID3", 3, (id) >> 24 & 0xFF),                          \
        PRIMECELL_ID_REG("PCellID0", 4, 0x0D), PRIMECELL_ID_REG("PCellID1", 5, 0xF0), \
        PRIMECELL_ID_REG("PCellID2", 6, 0x05), PRIMECELL_ID_REG("PCellID3", 7, 0xB1)

#endif
