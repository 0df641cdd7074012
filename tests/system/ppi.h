/*
 * ppi.h - GICv3 for guests that only want a PPI of this CPU to come: timer.c, nzcv.c, pmu.c, psci.c. gic3.c tries the GIC itself.
 */
#ifndef PPI_H
#define PPI_H

#include "sys.h"

#define GICD_CTLR  0x08000000ull
#define GICR       (0x080a0000ull + this_cpu->index * 0x20000)
#define GICR_WAKER (GICR + 0x14)
#define SGI_BASE   (GICR + 0x10000)
#define IGROUPR    (SGI_BASE + 0x080)
#define ISENABLER  (SGI_BASE + 0x100)
#define ICENABLER  (SGI_BASE + 0x180)
#define ISPENDR    (SGI_BASE + 0x200)
#define ICPENDR    (SGI_BASE + 0x280)
#define ISACTIVER  (SGI_BASE + 0x300)

/* Distributor, redistributor and CPU interface are on, all PPIs in group 1, none is enabled yet. */
static inline void gic_on(void)
{
    wr32(GICD_CTLR, 0x13); /* ARE, groups 0 and 1 */
    wr32(GICR_WAKER, 0);
    wr32(IGROUPR, ~0u);
    MSR("s3_0_c12_c12_5", 7); /* ICC_SRE_EL1 */
    isb();
    MSR("s3_0_c4_c6_0", 0xff); /* ICC_PMR_EL1 */
    MSR("s3_0_c12_c12_7", 1);  /* ICC_IGRPEN1_EL1 */
    isb();
}

#endif
