/*
 * nzcv.h - how NZCV come about: what nzcv.S says of each place in its loops, and nzcv.c understands.
 *
 * A row of the table holds from its address up to the next row's. It names a kind and the X registers of its operands, which are
 * as they were when NZCV were set.
 */
#ifndef NZCV_H
#define NZCV_H

/* Kinds. With KIND_W the operands are W registers. */
#define KIND_END   0  /* outside the loop                                              */
#define KIND_NOTED 1  /* X9 has the kind, X10 to X12 the operands                      */
#define KIND_ADD   2  /* a + b                                                         */
#define KIND_SUB   3  /* a - b                                                         */
#define KIND_ADC   4  /* a + b + c                                                     */
#define KIND_SBC   5  /* a - b - 1 + c                                                 */
#define KIND_AND   6  /* a & b                                                         */
#define KIND_BIC   7  /* a & ~b                                                        */
#define KIND_CCMP  8  /* a - b if c, else CCMP_ELSE                                    */
#define KIND_CCMN  9  /* a + b if c, else CCMP_ELSE                                    */
#define KIND_FCMP  10 /* a and b compared as doubles                                   */
#define KIND_FCCMP 11 /* the same if c, else CCMP_ELSE                                 */
#define KIND_BITS  12 /* bits 31 to 28 of a                                            */
#define KIND_LEFT  13 /* a is what x - b has left                                      */
#define KIND_MOVED 14 /* (a - c) - b                                                   */
#define KIND_FREE  15 /* as KIND_NOTED, and not read: the handler may change them      */
#define KIND_W     16
#define CCMP_ELSE  9 /* N and V */

#endif
