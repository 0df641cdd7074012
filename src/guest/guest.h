/*
 * guest.h - the programs that come with the monitor, as bytes.
 */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

/* hello.s, loaded and entered at RAM base + 0x1000 of the classic board. */
extern const unsigned char guest_hello[];
extern const unsigned guest_hello_size;

#endif
