/*
 * guests.h - small guests for the back end, as aarch64-linux-gnu-as makes them; each is position independent.
 *
 *   forms   loads and stores on the UART's registers of all kinds, on nothing, and on ROM: writes '+' and powers off
 *   smp     CPU 1 hands its argument back; an unknown call is refused; the first time a reset, the second power-off
 *   el0     an access to nothing from EL0: the abort is EL1's to see
 */
#ifndef WHP_GUESTS_H
#define WHP_GUESTS_H

#include <stdint.h>

/* clang-format off */
static const uint32_t guest_forms[] = {
    0x10004000, /* adr x0, 800 <vectors>                    */
    0xd518c000, /* msr vbar_el1, x0                         */
    0xd2a00600, /* mov x0, #0x300000                        */
    0xd5181040, /* msr cpacr_el1, x0                        */
    0xd5033fdf, /* isb                                      */
    0xd2a12001, /* mov x1, #0x9000000                       */
    0x52824682, /* mov w2, #0x1234                          */
    0x52800543, /* mov w3, #0x2a                            */
    0x29048c22, /* stp w2, w3, [x1, #36]                    */
    0xb9402424, /* ldr w4, [x1, #36]                        */
    0x6b02009f, /* cmp w4, w2                               */
    0x54000661, /* b.ne f8 <bad>                            */
    0x29449825, /* ldp w5, w6, [x1, #36]                    */
    0x6b0200bf, /* cmp w5, w2                               */
    0x54000601, /* b.ne f8 <bad>                            */
    0x6b0300df, /* cmp w6, w3                               */
    0x540005c1, /* b.ne f8 <bad>                            */
    0xaa0103e7, /* mov x7, x1                               */
    0xb8424ce8, /* ldr w8, [x7, #36]!                       */
    0x6b02011f, /* cmp w8, w2                               */
    0x54000541, /* b.ne f8 <bad>                            */
    0x91009029, /* add x9, x1, #0x24                        */
    0xeb0900ff, /* cmp x7, x9                               */
    0x540004e1, /* b.ne f8 <bad>                            */
    0x784044e8, /* ldrh w8, [x7], #4                        */
    0x6b02011f, /* cmp w8, w2                               */
    0x54000481, /* b.ne f8 <bad>                            */
    0xbd4000e1, /* ldr s1, [x7]                             */
    0x1e260028, /* fmov w8, s1                              */
    0x6b03011f, /* cmp w8, w3                               */
    0x54000401, /* b.ne f8 <bad>                            */
    0x52900028, /* mov w8, #0x8001                          */
    0xb9002428, /* str w8, [x1, #36]                        */
    0x7980482a, /* ldrsh x10, [x1, #36]                     */
    0x79c0482b, /* ldrsh w11, [x1, #36]                     */
    0x928fffcc, /* mov x12, #0xffffffffffff8001             */
    0xeb0c015f, /* cmp x10, x12                             */
    0x54000321, /* b.ne f8 <bad>                            */
    0x2a0c03ec, /* mov w12, w12                             */
    0xeb0c017f, /* cmp x11, x12                             */
    0x540002c1, /* b.ne f8 <bad>                            */
    0x88dffce8, /* ldar w8, [x7]                            */
    0x6b03011f, /* cmp w8, w3                               */
    0x54000261, /* b.ne f8 <bad>                            */
    0xb900243f, /* str wzr, [x1, #36]                       */
    0xb940243f, /* ldr wzr, [x1, #36]                       */
    0xd2800014, /* mov x20, #0x0                            */
    0xd2a1600d, /* mov x13, #0xb000000                      */
    0xb94001ae, /* ldr w14, [x13]                           */
    0xa9413dae, /* ldp x14, x15, [x13, #16]                 */
    0xb90009ae, /* str w14, [x13, #8]                       */
    0xf1000e9f, /* cmp x20, #0x3                            */
    0x54000141, /* b.ne f8 <bad>                            */
    0xd280000d, /* mov x13, #0x0                            */
    0xb94001af, /* ldr w15, [x13]                           */
    0x2a2f03f0, /* mvn w16, w15                             */
    0xb90001b0, /* str w16, [x13]                           */
    0xb94001b1, /* ldr w17, [x13]                           */
    0x6b0f023f, /* cmp w17, w15                             */
    0x54000061, /* b.ne f8 <bad>                            */
    0x52800560, /* mov w0, #0x2b                            */
    0x14000002, /* b fc <say>                               */
    0x528005a0, /* mov w0, #0x2d                            */
    0xd2a12001, /* mov x1, #0x9000000                       */
    0xb9000020, /* str w0, [x1]                             */
    0x52800100, /* mov w0, #0x8                             */
    0x72b08000, /* movk w0, #0x8400, lsl #16                */
    0xd4000002, /* hvc #0x0                                 */
    0x14000000, /* b 110 <say+0x14>                         */
    [0x800 / 4] =
    0x17fffe3e, /* b f8 <bad>                               */
    [0xa00 / 4] =
    0xd5385215, /* mrs x21, esr_el1                         */
    0xd35afeb6, /* lsr x22, x21, #26                        */
    0xf10096df, /* cmp x22, #0x25                           */
    0x54ffb761, /* b.ne f8 <bad>                            */
    0x924016b6, /* and x22, x21, #0x3f                      */
    0xf10042df, /* cmp x22, #0x10                           */
    0x54ffb701, /* b.ne f8 <bad>                            */
    0xd5386016, /* mrs x22, far_el1                         */
    0xd350fed6, /* lsr x22, x22, #16                        */
    0xf12c02df, /* cmp x22, #0xb00                          */
    0x54ffb681, /* b.ne f8 <bad>                            */
    0xd5384036, /* mrs x22, elr_el1                         */
    0x910012d6, /* add x22, x22, #0x4                       */
    0xd5184036, /* msr elr_el1, x22                         */
    0x91000694, /* add x20, x20, #0x1                       */
    0xd69f03e0, /* eret                                     */
};
static const uint32_t guest_smp[] = {
    0x52800060, /* mov w0, #0x3                             */
    0x72b88000, /* movk w0, #0xc400, lsl #16                */
    0xd2800021, /* mov x1, #0x1                             */
    0x10000322, /* adr x2, 70 <second>                      */
    0xd2800a63, /* mov x3, #0x53                            */
    0xd4000002, /* hvc #0x0                                 */
    0x10000344, /* adr x4, 80 <flag>                        */
    0x88dffc85, /* ldar w5, [x4]                            */
    0x34ffffe5, /* cbz w5, 1c <start+0x1c>                  */
    0xd2a12001, /* mov x1, #0x9000000                       */
    0xb9000025, /* str w5, [x1]                             */
    0x52824680, /* mov w0, #0x1234                          */
    0x72b8c000, /* movk w0, #0xc600, lsl #16                */
    0xd40000e2, /* hvc #0x7                                 */
    0xb100041f, /* cmn x0, #0x1                             */
    0x528009c5, /* mov w5, #0x4e                            */
    0x528007e6, /* mov w6, #0x3f                            */
    0x1a8600a5, /* csel w5, w5, w6, eq                      */
    0xb9000025, /* str w5, [x1]                             */
    0x100001c4, /* adr x4, 84 <boots>                       */
    0xb9400085, /* ldr w5, [x4]                             */
    0x110004a6, /* add w6, w5, #0x1                         */
    0xb9000086, /* str w6, [x4]                             */
    0x52800120, /* mov w0, #0x9                             */
    0x4b050000, /* sub w0, w0, w5                           */
    0x72b08000, /* movk w0, #0x8400, lsl #16                */
    0xd4000002, /* hvc #0x0                                 */
    0x14000000, /* b 6c <start+0x6c>                        */
    0x10000084, /* adr x4, 80 <flag>                        */
    0x889ffc80, /* stlr w0, [x4]                            */
    0xd503207f, /* wfi                                      */
    0x17ffffff, /* b 78 <second+0x8>                        */
};
static const uint32_t guest_el0[] = {
    0x10004000, /* adr x0, 800 <vectors>                    */
    0xd518c000, /* msr vbar_el1, x0                         */
    0x10000080, /* adr x0, 18 <user>                        */
    0xd5184020, /* msr elr_el1, x0                          */
    0xd518401f, /* msr spsr_el1, xzr                        */
    0xd69f03e0, /* eret                                     */
    0xd2a1600d, /* mov x13, #0xb000000                      */
    0xb94001ae, /* ldr w14, [x13]                           */
    0x528005a0, /* mov w0, #0x2d                            */
    0xd2a12001, /* mov x1, #0x9000000                       */
    0xb9000020, /* str w0, [x1]                             */
    0x52800100, /* mov w0, #0x8                             */
    0x72b08000, /* movk w0, #0x8400, lsl #16                */
    0xd4000002, /* hvc #0x0                                 */
    0x14000000, /* b 38 <say+0x14>                          */
    [0x800 / 4] =
    0x17fffe08, /* b 20 <bad>                               */
    [0xc00 / 4] =
    0xd5385215, /* mrs x21, esr_el1                         */
    0xd35afeb6, /* lsr x22, x21, #26                        */
    0xf10092df, /* cmp x22, #0x24                           */
    0x54ffa0a1, /* b.ne 20 <bad>                            */
    0xd5384016, /* mrs x22, spsr_el1                        */
    0xb5ffa076, /* cbnz x22, 20 <bad>                       */
    0x52800560, /* mov w0, #0x2b                            */
    0x17fffd02, /* b 24 <say>                               */
};
/* clang-format on */

static const uint32_t guest_spin[] = { 0x14000000 };            /* b .            */
static const uint32_t guest_wfi[] = { 0xd503207f, 0x17ffffff }; /* 1: wfi; b 1b   */
/* nop; SYSTEM_OFF */
static const uint32_t guest_off[] = { 0xd503201f, 0x52800100, 0x72b08000, 0xd4000002 };

#endif
