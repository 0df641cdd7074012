/*
 * calls.c - the bodies in their other form: functions that answer the next op instead of jumping to it (NULL: left).
 *
 * The build compiles the op_*.c files a second time with SOFT_CALL_FORM, which names a body call_<uop>. Builds whose
 * interpreter is a loop (cpu.h, SOFT_TAILCALL) have that form already.
 */
#include "accel/soft/jit/jit.h"

#if SOFT_JIT

#if SOFT_TAILCALL
#define FORM(name)       call_##name
#define UOP(name, flags) extern const struct op *call_##name(struct cpu *cpu, const struct op *op);
#include "accel/soft/uop.def"
#undef UOP

/* The interpreter's own are in no region. */
#define NEVER(name)                                                    \
    const struct op *call_##name(struct cpu *cpu, const struct op *op) \
    {                                                                  \
        return NULL;                                                   \
    }
NEVER(decode)
NEVER(page_end)
NEVER(step_end)
NEVER(warm)
#else
#define FORM(name) op_##name
#endif

typedef const struct op *call_fn(struct cpu *cpu, const struct op *op);

call_fn *const jit_bodies[UOP_COUNT] = {
#define UOP(name, flags) [UOP_##name] = FORM(name),
#include "accel/soft/uop.def"
#undef UOP
};

#endif
