/*
 * pmu.h - the performance monitors as the rest of the engine sees them. See pmu.c.
 */
#ifndef SOFT_PMU_H
#define SOFT_PMU_H

#include <stdbool.h>
#include <stdint.h>

#define PMU_COUNTERS 6

/* ID_AA64DFR0_EL1.PMUVer. */
enum { PMU_V3 = 1, PMU_V3P1 = 4 };

/* The common events that are counted (DDI 0487, "Common event numbers"). */
enum pmu_event {
    PMU_SW_INCR = 0x00,
    PMU_INST_RETIRED = 0x08,
    PMU_EXC_TAKEN = 0x09,
    PMU_EXC_RETURN = 0x0a,
    PMU_CID_WRITE_RETIRED = 0x0b,
    PMU_CPU_CYCLES = 0x11,
    PMU_TTBR_WRITE_RETIRED = 0x1c,
    PMU_CHAIN = 0x1e,
    PMU_STALL_FRONTEND = 0x23,
    PMU_STALL_BACKEND = 0x24,
};

/* What is not in a register. */
struct pmu {
    bool live;           /* PMCR_EL0.E, and a counter is enabled        */
    bool line;           /* level last put on the interrupt             */
    uint64_t insns_at;   /* the counters hold what was up to here       */
    uint64_t ns_at;      /* the same by the guest's clock               */
    uint64_t planned_ns; /* when the timer thread calls; 0: not planned */
};

#endif
