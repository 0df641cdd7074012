/*
 * uops.c - the table of micro-operations, one entry a row of uop.def.
 */
#include "accel/soft/cpu.h"

const struct uop_info uop_table[UOP_COUNT] = {
#define UOP(name_, flags_) [UOP_##name_] = { .name = #name_, .fn = op_##name_, .flags = (flags_) },
#include "accel/soft/uop.def"
#undef UOP
};
