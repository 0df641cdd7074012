/*
 * abi.h - the Windows Hypervisor Platform's interface on ARM64: numbers, layouts and functions that this project uses.
 *
 * Source: Microsoft's documents "Windows Hypervisor Platform" (function pages, WinHvPlatform.h, WinHvPlatformDefs.h in
 * MicrosoftDocs/Virtualization-Documentation, 2026) and the hypervisor's Top Level Functional Specification. It is a header of
 * our own, because those of mingw-w64 and of older SDKs have only the x86-64 half, whose numbers and layouts differ throughout.
 * Layouts are checked below by the compiler. The back end and the simulated DLL of the tests share it; functions are in api.def.
 *
 * Calls follow the platform's C convention, on ARM64 and on x86-64 alike.
 */
#ifndef WHP_ABI_H
#define WHP_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int32_t whp_result; /* HRESULT: negative is a failure */
typedef struct whp_partition_object *whp_partition;
typedef void *whp_handle;

#define WHP_DLL         "WinHvPlatform.dll"
#define WHP_ANY_VP      0xffffffffu /* partition-wide registers and state */
#define WHP_PAGE        4096u
#define WHP_REDIST_SIZE 0x20000u /* one VP's redistributor: two frames of 64 KiB */

/* ---- Results --------------------------------------------------------------------------------- */

enum whp_error {
    WHP_E_UNKNOWN_CAPABILITY = (int32_t)0x80370300u,
    WHP_E_INSUFFICIENT_BUFFER = (int32_t)0x80370301u,
    WHP_E_UNKNOWN_PROPERTY = (int32_t)0x80370302u,
    WHP_E_UNSUPPORTED_HYPERVISOR = (int32_t)0x80370303u,
    WHP_E_INVALID_PARTITION_CONFIG = (int32_t)0x80370304u,
    WHP_E_GPA_RANGE_NOT_FOUND = (int32_t)0x80370305u,
    WHP_E_VP_EXISTS = (int32_t)0x80370306u,
    WHP_E_VP_ABSENT = (int32_t)0x80370307u,
    WHP_E_INVALID_VP_STATE = (int32_t)0x80370308u,
    WHP_E_INVALID_REGISTER = (int32_t)0x80370309u,
    WHP_E_UNSUPPORTED_PROCESSOR = (int32_t)0x80370310u,
    WHP_E_SECOND_PARTITION = (int32_t)0xc0370008u, /* ERROR_VID_PARTITION_ALREADY_EXISTS */
    WHP_E_INVALIDARG = (int32_t)0x80070057u,
    WHP_E_ACCESSDENIED = (int32_t)0x80070005u,
    WHP_E_POINTER = (int32_t)0x80004003u,
    WHP_E_OUTOFMEMORY = (int32_t)0x8007000eu,
    WHP_E_NOINTERFACE = (int32_t)0x80004002u,
    WHP_E_FAIL = (int32_t)0x80004005u,
    WHP_E_NOT_SUPPORTED = (int32_t)0x80070032u, /* ERROR_NOT_SUPPORTED */
    WHP_E_NOT_FOUND = (int32_t)0x80070490u,
    WHP_E_INVALID_STATE = (int32_t)0x8007139fu,
    /* The hypervisor's own statuses. */
    WHP_HV_INVALID_PARAMETER = (int32_t)0xc0350005u,
    WHP_HV_ACCESS_DENIED = (int32_t)0xc0350006u,
    WHP_HV_OPERATION_DENIED = (int32_t)0xc0350008u,
    WHP_HV_VALUE_OUT_OF_RANGE = (int32_t)0xc035000au,
    WHP_HV_INSUFFICIENT_MEMORY = (int32_t)0xc035000bu,
    WHP_HV_NO_RESOURCES = (int32_t)0xc035001du,
    WHP_HV_INVALID_REGISTER_VALUE = (int32_t)0xc0350050u,
    WHP_HV_NOT_PRESENT = (int32_t)0xc0351000u,
};

/* ---- Capabilities ---------------------------------------------------------------------------- */

enum whp_capability {
    WHP_CAP_HYPERVISOR_PRESENT = 0x0000, /* BOOL, 4 bytes */
    WHP_CAP_FEATURES = 0x0001,           /* u64           */
    WHP_CAP_EXTENDED_VM_EXITS = 0x0002,  /* u64           */
    WHP_CAP_POPULATE_FLAGS = 0x0005,     /* u32           */
    WHP_CAP_PROCESSOR_VENDOR = 0x1000,   /* u32           */
    WHP_CAP_PROCESSOR_BANKS = 0x1006,    /* struct whp_feature_banks, count filled in before */
    WHP_CAP_PA_WIDTH = 0x100a,           /* u32, bits     */
    WHP_CAP_LPI_BITS = 0x2011,           /* u32           */
};

#define WHP_FEATURE_PARTIAL_UNMAP  (1ull << 0)
#define WHP_FEATURE_DIRTY_TRACKING (1ull << 3)
#define WHP_FEATURE_ARM64          (1ull << 11)

#define WHP_VENDOR_ARM 0x10u

#define WHP_EXTENDED_HYPERCALL (1ull << 5)

/* ---- Properties ------------------------------------------------------------------------------ */

enum whp_property {
    WHP_PROP_EXTENDED_VM_EXITS = 0x0001, /* u64; the one that may change after set-up */
    WHP_PROP_PROCESSOR_BANKS = 0x100a,   /* struct whp_feature_banks */
    WHP_PROP_PA_WIDTH = 0x1011,          /* u32 */
    WHP_PROP_IC_PARAMETERS = 0x1012,     /* struct whp_ic_parameters; must be set */
    WHP_PROP_PROCESSOR_COUNT = 0x1fff,   /* u32; must be set */
};

struct whp_feature_banks {
    uint32_t count; /* 2 */
    uint32_t reserved;
    uint64_t bank[2];
};

enum { WHP_IC_NONE = 0, WHP_IC_GICV3 = 1 };

struct whp_ic_parameters {
    uint32_t mode;
    uint32_t reserved0;
    uint64_t gicd_base;
    uint64_t gits_translater_base;
    uint32_t reserved1;
    uint32_t lpi_bits;  /* 0: GICD_TYPER reports no LPIs */
    uint32_t timer_ppi; /* INTIDs */
    uint32_t pmu_ppi;
    uint32_t reserved2[6];
};

/* ---- Registers ------------------------------------------------------------------------------- */

struct whp_value {
    _Alignas(16) uint64_t low;
    uint64_t high;
};

enum whp_register {
    WHP_REG_INTERNAL_ACTIVITY = 0x00004,
    WHP_REG_X0 = 0x20000, /* .. X28, FP, LR */
    WHP_REG_SP_EL0 = 0x20020,
    WHP_REG_SP_EL1 = 0x20021,
    WHP_REG_PC = 0x20022,
    WHP_REG_PSTATE = 0x20023,
    WHP_REG_ID_SPACE = 0x22000, /* + 8 * CRm + op2; partition-wide */
    WHP_REG_ID_MMFR0 = 0x22038,
    WHP_REG_ID_SPACE_END = 0x22080,
    WHP_REG_Q0 = 0x30000,
    WHP_REG_MPIDR = 0x40001,
    WHP_REG_FPCR = 0x40012,
    WHP_REG_FPSR = 0x40013,
    WHP_REG_MIDR = 0x40051,
    WHP_REG_DBGBCR0 = 0x50000,
    WHP_REG_DBGWCR0 = 0x50010,
    WHP_REG_DBGBVR0 = 0x50020,
    WHP_REG_DBGWVR0 = 0x50030,
    WHP_REG_CNTV_CTL = 0x5800e,
    WHP_REG_CNTV_CVAL = 0x5800f,
    WHP_REG_CNTVCT = 0x58011,
    WHP_REG_GICR_BASE = 0x63000, /* must be set before a VP's first run */
};

#define WHP_ACTIVITY_STARTUP_SUSPEND 1u

/* ---- Memory ---------------------------------------------------------------------------------- */

enum { WHP_MAP_READ = 1, WHP_MAP_WRITE = 2, WHP_MAP_EXECUTE = 4, WHP_MAP_TRACK_DIRTY = 8 };

struct whp_range {
    uint64_t gpa, size;
};

enum { WHP_ADVICE_POPULATE = 0 };
enum { WHP_POPULATE_PREFETCH = 1, WHP_POPULATE_AVOID_HARD_FAULTS = 2 };

struct whp_populate {
    uint32_t flags;
    uint32_t access; /* WHP_ACCESS_... */
};

/* ---- Exits ----------------------------------------------------------------------------------- */

enum whp_exit_reason {
    WHP_EXIT_NONE = 0,
    WHP_EXIT_UNMAPPED_GPA = (int32_t)0x80000000u,
    WHP_EXIT_GPA_INTERCEPT = (int32_t)0x80000001u,
    WHP_EXIT_INVALID_REGISTER = (int32_t)0x80000020u,
    WHP_EXIT_UNRECOVERABLE = (int32_t)0x80000021u,
    WHP_EXIT_UNSUPPORTED = (int32_t)0x80000022u,
    WHP_EXIT_HYPERCALL = (int32_t)0x80000050u,
    WHP_EXIT_SINT_DELIVERABLE = (int32_t)0x80000062u,
    WHP_EXIT_REGISTER = (int32_t)0x80010006u,
    WHP_EXIT_RESET = (int32_t)0x8001000cu,
    WHP_EXIT_CANCELED = (int32_t)0xffffffffu,
};

enum { WHP_ACCESS_READ = 0, WHP_ACCESS_WRITE = 1, WHP_ACCESS_EXECUTE = 2 };

struct whp_intercept {
    uint32_t vp;
    uint8_t insn_length; /* 4, 2, or 0 for 4 */
    uint8_t access;
    uint16_t state;
    uint64_t pc; /* of the instruction that caused the exit */
    uint64_t cpsr;
};

struct whp_memory_access {
    struct whp_intercept header;
    uint32_t reserved0;
    uint8_t insn_bytes;
    uint8_t info; /* bit 0: gva is valid */
    uint16_t reserved1;
    uint8_t insn[4];
    uint32_t reserved2;
    uint64_t gva;
    uint64_t gpa;
    uint64_t syndrome; /* as ESR_EL2 */
};

#define WHP_ACCESS_GVA_VALID 1u

struct whp_hypercall {
    struct whp_intercept header; /* pc is at the HVC */
    uint16_t immediate;
    uint16_t reserved0;
    uint32_t reserved1;
    uint64_t x[18];
};

enum { WHP_RESET_OFF = 0, WHP_RESET_REBOOT = 1 };

struct whp_reset {
    struct whp_intercept header;
    uint32_t type;
    uint32_t reserved;
};

struct whp_register_access {
    struct whp_intercept header;
    uint8_t memory_op;
    uint8_t reserved[3];
    uint32_t name;
    struct whp_value value;
};

struct whp_exit {
    _Alignas(16) int32_t reason;
    uint32_t reserved0;
    uint64_t reserved1;
    union {
        struct whp_memory_access memory;
        struct whp_hypercall hypercall;
        struct whp_reset reset;
        struct whp_register_access reg;
        struct whp_intercept header;
        uint64_t words[32];
    };
};

/* ---- Interrupts ------------------------------------------------------------------------------ */

#define WHP_INTERRUPT_ASSERTED (1ull << 34)

struct whp_interrupt {
    uint64_t partition;   /* 0 */
    uint64_t control;     /* type in 31:0: 0 */
    uint64_t destination; /* 0 for SPIs; a PPI: the VP, as a bit */
    uint32_t intid;
    uint8_t vtl;
    uint8_t reserved0;
    uint16_t reserved1;
};

enum whp_state_type {
    WHP_STATE_VP_GIC = (int32_t)0x80000000u,
    WHP_STATE_GLOBAL_GIC = (int32_t)0xc0000006u, /* of WHP_ANY_VP */
};

enum {
    WHP_LINE_ENABLED = 1,
    WHP_LINE_EDGE = 2,
    WHP_LINE_ASSERTED = 4,
    WHP_LINE_PENDING = 8,
    WHP_LINE_ACTIVE = 16,
};

struct whp_gic_line {
    uint8_t flags;
    uint8_t priority;
    uint8_t active_priority;
    uint8_t reserved;
};

#define WHP_GIC_STATE_VERSION 1

struct whp_vp_gic_state {
    uint8_t version;
    uint8_t gic_version;
    uint8_t reserved[6];
    uint64_t igrpen1, enable_lpis, bpr1, pmr, propbaser, pendbaser;
    uint32_t ap1r[4];
    struct whp_gic_line line[32];
};

struct whp_global_gic_line {
    uint32_t intid;
    uint32_t active_vp;
    uint32_t target; /* MPIDR or VP index */
    struct whp_gic_line line;
};

struct whp_global_gic_state {
    uint8_t version;
    uint8_t gic_version;
    uint8_t reserved[2];
    uint32_t lines;
    uint64_t enable_grp1a;
    struct whp_global_gic_line line[];
};

/* ---- Notification ports ---------------------------------------------------------------------- */

#define WHP_DOORBELL_MATCH_VALUE  1u
#define WHP_DOORBELL_MATCH_LENGTH 2u

struct whp_doorbell {
    uint64_t gpa;
    uint64_t value;
    uint32_t length;
    uint32_t flags;
};

enum { WHP_PORT_DOORBELL = 4 };

struct whp_port_parameters {
    uint32_t type;
    uint16_t reserved0;
    uint8_t reserved1;
    uint8_t vtl;
    struct whp_doorbell doorbell;
};

/* ---- Checks ---------------------------------------------------------------------------------- */

#define WHP_SIZE(type, bytes) \
    _Static_assert(sizeof(struct type) == (bytes), "size of struct " #type)
#define WHP_AT(type, member, offset) \
    _Static_assert(offsetof(struct type, member) == (offset), "place of " #type "." #member)

WHP_SIZE(whp_feature_banks, 24);
WHP_SIZE(whp_ic_parameters, 64);
WHP_AT(whp_ic_parameters, gicd_base, 8);
WHP_AT(whp_ic_parameters, gits_translater_base, 16);
WHP_AT(whp_ic_parameters, lpi_bits, 28);
WHP_AT(whp_ic_parameters, timer_ppi, 32);
WHP_AT(whp_ic_parameters, pmu_ppi, 36);
WHP_SIZE(whp_value, 16);
_Static_assert(_Alignof(struct whp_value) == 16, "alignment of struct whp_value");
WHP_SIZE(whp_range, 16);
WHP_SIZE(whp_populate, 8);
WHP_SIZE(whp_intercept, 24);
WHP_AT(whp_intercept, access, 5);
WHP_AT(whp_intercept, pc, 8);
WHP_AT(whp_intercept, cpsr, 16);
WHP_SIZE(whp_memory_access, 64);
WHP_AT(whp_memory_access, insn_bytes, 28);
WHP_AT(whp_memory_access, info, 29);
WHP_AT(whp_memory_access, insn, 32);
WHP_AT(whp_memory_access, gva, 40);
WHP_AT(whp_memory_access, gpa, 48);
WHP_AT(whp_memory_access, syndrome, 56);
WHP_SIZE(whp_hypercall, 176);
WHP_AT(whp_hypercall, immediate, 24);
WHP_AT(whp_hypercall, x, 32);
WHP_SIZE(whp_reset, 32);
WHP_AT(whp_reset, type, 24);
WHP_SIZE(whp_register_access, 48);
WHP_AT(whp_register_access, name, 28);
WHP_AT(whp_register_access, value, 32);
WHP_SIZE(whp_exit, 272);
WHP_AT(whp_exit, words, 16);
_Static_assert(_Alignof(struct whp_exit) == 16, "alignment of struct whp_exit");
WHP_SIZE(whp_interrupt, 32);
WHP_AT(whp_interrupt, control, 8);
WHP_AT(whp_interrupt, destination, 16);
WHP_AT(whp_interrupt, intid, 24);
WHP_AT(whp_interrupt, vtl, 28);
WHP_SIZE(whp_gic_line, 4);
WHP_SIZE(whp_vp_gic_state, 200);
WHP_AT(whp_vp_gic_state, ap1r, 56);
WHP_AT(whp_vp_gic_state, line, 72);
WHP_SIZE(whp_global_gic_line, 16);
WHP_SIZE(whp_global_gic_state, 16);
WHP_SIZE(whp_doorbell, 24);
WHP_SIZE(whp_port_parameters, 32);
WHP_AT(whp_port_parameters, doorbell, 8);

#endif
