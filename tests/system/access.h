/* access.h - the accesses that the memory guests probe with. */
#ifndef ACCESS_H
#define ACCESS_H
#include "sys.h"
SNIPPET(a_ldr, "ldr x0, [x0]");
SNIPPET(a_str, "str x1, [x0]");
SNIPPET(a_exec, "br x0");
SNIPPET(a_ldtr, "ldtr x0, [x0]");
SNIPPET(a_sttr, "sttr x1, [x0]");
SNIPPET(a_swp, "swp x1, x0, [x0]");
SNIPPET(a_ldadd0, "ldadd xzr, x0, [x0]");
SNIPPET(a_cas, "cas x1, x1, [x0]\nmov x0, x1");
SNIPPET(a_dczva, "dc zva, x0");
SNIPPET(a_cvac, "dc cvac, x0");
SNIPPET(a_civac, "dc civac, x0");
SNIPPET(a_ivac, "dc ivac, x0");
SNIPPET(a_cvau, "dc cvau, x0");
SNIPPET(a_ivau, "ic ivau, x0");
SNIPPET(a_prfm, "prfm pldl1keep, [x0]\nprfm pstl1keep, [x0]");
SNIPPET(a_ldxr, "ldxr x0, [x0]");
SNIPPET(a_stxr, "mov x2, x0\nldxr x3, [x1]\nstxr w0, x3, [x2]");
SNIPPET(a_at, "at s1e1r, x0\nisb\nmrs x0, par_el1");
#endif
