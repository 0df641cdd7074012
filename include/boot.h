/*
 * boot.h - bytes in, boot plan out: what lies where in guest memory, and with which registers CPU 0
 * starts.
 *
 * The shell reads files and fills a struct boot_request; boot_plan_make tells the kinds of guest
 * apart by content, unpacks them, lays everything out, makes the devicetree; boot_plan_apply copies
 * the result into the machine, as often as it is reset. Nothing here opens a file or knows what an
 * option is called.
 *
 * Documents: Linux Documentation/arch/arm64/booting.rst, IHI 0056 (ELF for AArch64), Devicetree
 * Specification 0.4.
 */
#ifndef BOOT_H
#define BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accel.h"
#include "base/status.h"
#include "devices.h"

struct vm;

/* ---- What goes in ---------------------------------------------------------------------------- */

/* A file's bytes. len 0 with bytes NULL: not given. Borrowed: they must outlive the plan. */
struct boot_bytes {
    const uint8_t *bytes;
    uint64_t len;
    const char *name; /* for messages; NULL: what the part is called */
};

/* Bytes at an address of the user's choice: RAM or flash. */
struct boot_load {
    struct boot_bytes data;
    uint64_t ipa;
};

/* What an unpacker made; given back with inflate_port.release. */
struct inflated {
    uint8_t *bytes;
    size_t len;
};

/*
 * Unpackers that the shell lends. Both unpack in[0..len) and ignore what follows the packed data;
 * at most max bytes come out. ST_E_FORMAT: damaged or cut short; ST_E_RANGE: more than max;
 * ST_E_NOTSUP: not in this build; ST_E_NOMEM. On an error *out is untouched and nothing is held.
 */
struct inflate_port {
    void *opaque;
    enum status (*gunzip)(void *opaque, const uint8_t *in, size_t len, size_t max,
                          struct inflated *out);
    enum status (*unzstd)(void *opaque, const uint8_t *in, size_t len, size_t max,
                          struct inflated *out);
    void (*release)(void *opaque, struct inflated *out);
};

/* Host memory; the same functions as in struct vm_ports. */
struct boot_alloc {
    void *opaque;
    void *(*alloc)(void *opaque, size_t size, size_t align); /* zeroed; NULL when there is none */
    void (*free)(void *opaque, void *p, size_t size);
};

#define BOOT_LOADS_MAX 16

/* What the guest's CPU does not have, of what an Image header asks for. */
enum {
    BOOT_CPU_NO_4K = 1, /* translation granules: ID_AA64MMFR0_EL1.TGran4, TGran16, TGran64 */
    BOOT_CPU_NO_16K = 2,
    BOOT_CPU_NO_64K = 4,
    BOOT_CPU_NO_BIG_ENDIAN = 8, /* ID_AA64MMFR0_EL1.BigEnd */
};

struct boot_request {
    struct boot_bytes
        kernel; /* Image, gzip or zstd of one, EFI zboot, ELF64, or raw: told apart by content */
    struct boot_bytes initrd;
    struct boot_bytes dtb; /* the user's own; its memory and chosen nodes are brought up to date */
    struct boot_bytes
        firmware; /* into flash bank 0, where CPU 0 then starts; without kernel or initrd */
    const struct boot_load *loads;
    unsigned load_count;      /* up to BOOT_LOADS_MAX */
    const char *command_line; /* NULL: no bootargs */
    bool has_entry;
    uint64_t entry; /* instead of the kernel's own */

    const struct board *board;
    unsigned gic_version;  /* 2 or 3 */
    unsigned cpus;         /* 1..VM_CPUS_MAX (GICv2: 8) */
    const uint64_t *mpidr; /* affinity fields of each CPU */
    uint64_t ram_size;
    bool smc_conduit;   /* PSCI by SMC instead of HVC */
    bool pmu;           /* the CPUs have PMUv3 */
    unsigned cpu_lacks; /* BOOT_CPU_NO_* */
    uint8_t el;         /* level that CPU 0 starts at; 0: 1 */

    const uint8_t *rng_seed; /* chosen/rng-seed */
    size_t rng_seed_len;     /* up to 256; 0: none */
    uint64_t kaslr_seed;     /* chosen/kaslr-seed; 0: none */
    unsigned stdout_baud;    /* in chosen/stdout-path; 0: not said */

    struct boot_alloc alloc;
    const struct inflate_port *inflate; /* NULL: nothing packed can be started */
};

/* ---- What comes out -------------------------------------------------------------------------- */

/* One part of guest memory. len bytes are copied to ipa, zero bytes after them are cleared; nothing
 * else may use any of the reserve bytes from ipa (len + zero or more). */
struct boot_segment {
    uint64_t ipa;
    const uint8_t *bytes;
    uint64_t len, zero, reserve;
    const char *name; /* "kernel", "initrd", "dtb", "firmware", "load" */
    const char *file; /* where the bytes come from, or NULL */
};

#define BOOT_SEGMENTS_MAX 96
#define BOOT_UNPACKED_MAX 2

struct boot_plan {
    const char *kind; /* "Linux Image", "ELF", "raw", "firmware", "loads" */
    /* What was unpacked, outermost first ("gzip", "EFI zboot, zstd"); NULL where nothing was. */
    const char *packing[BOOT_UNPACKED_MAX];
    struct boot_segment segment[BOOT_SEGMENTS_MAX];
    unsigned segment_count;
    struct vcpu_start start; /* of CPU 0 */
    struct boot_bytes elf;   /* the ELF file, unpacked; len 0: it is none */
    uint64_t elf_bias;       /* what was added to its addresses */
    struct boot_bytes dtb;   /* as the guest gets it; its address is start.x[0] */
    uint64_t initrd_ipa;     /* 0: none */

    /* Owned by the plan until boot_plan_fini. */
    struct boot_alloc alloc;
    const struct inflate_port *inflate;
    void *dtb_buf;
    size_t dtb_buf_size;
    struct inflated unpacked[BOOT_UNPACKED_MAX];
    unsigned unpacked_count;
};

/*
 * Lays out a guest.
 *
 *   request  borrowed while the plan lives (its bytes, port and strings)
 *   plan     the caller's storage, any content; on error it holds nothing
 *
 * Every segment lies in RAM or in the board's flash, none overlaps another, start.pc is 4-aligned
 * and in one of both. ST_E_FORMAT: bytes are not what they claim; ST_E_RANGE: no room; ST_E_NOTSUP:
 * no unpacker; ST_E_NOMEM; ST_E_INVAL.
 */
enum status boot_plan_make(const struct boot_request *request, struct boot_plan *plan,
                           struct err *err);

/* Only plan->dtb, for a person who wants to read it: no guest, no initrd; free it with
 * boot_plan_fini. */
enum status boot_dtb_make(const struct boot_request *request, struct boot_plan *plan,
                          struct err *err);

/* Copies all segments into guest memory (ROM too) and tells the back end. No vCPU
 * runs. May be called again. */
enum status boot_plan_apply(const struct boot_plan *plan, struct vm *vm, struct err *err);

/* Gives back what the plan owns. A zeroed or finished plan may be given. */
void boot_plan_fini(struct boot_plan *plan);

#endif
