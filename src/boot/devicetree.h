/*
 * devicetree.h - the devicetree that the guest gets: made from the board's table, or the user's own
 * brought up to date.
 */
#ifndef BOOT_DEVICETREE_H
#define BOOT_DEVICETREE_H

#include "boot.h"

/* What the layout decided and the tree must say. */
struct devicetree_facts {
    uint64_t initrd_ipa, initrd_len; /* len 0: none */
};

/* Enough bytes for devicetree_write. */
size_t devicetree_bound(const struct boot_request *request);

/*
 * Writes the devicetree into buf (devicetree_bound bytes, zeroed) and returns its length in *len.
 * With request->dtb that one is checked, copied and brought up to date; else all of it is made.
 * ST_E_FORMAT, ST_E_RANGE as err says.
 */
enum status devicetree_write(const struct boot_request *request,
                             const struct devicetree_facts *facts, uint8_t *buf, size_t size,
                             size_t *len, struct err *err);

#endif
