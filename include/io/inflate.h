/*
 * inflate.h - the hosted shell's unpackers for packed kernels: zlib and zstd behind the boot
 * floor's port.
 */
#ifndef IO_INFLATE_H
#define IO_INFLATE_H

#include <stdbool.h>

#include "boot.h"

/*
 * The port itself; it has no state and may be used from any thread. What comes out lies in malloc's
 * memory, which grows with the output, so a small file that unpacks to more than max costs no more
 * than max. A build without one of the libraries answers ST_E_NOTSUP for its format.
 */
extern const struct inflate_port inflate_host;

/* What this build was linked with. */
extern const bool inflate_has_zlib, inflate_has_zstd;

#endif
