/*
 * calls.c - calls and returns in every way that they do not pair, often enough that whoever predicts them has learnt better.
 *
 * DDI 0487, "BL", "BLR", "RET": a return is a branch to a register, and nothing says that it must lead to where a call was.
 * Each piece of code ends by RET to main's C code, and keeps what the procedure call standard says it must.
 */
#include "sys.h"

#define TIMES 200

/* ---- Deep, and long ways back ---------------------------------------------------------------- */

/* depth(n) = n calls deep; each adds 3 on its way back. */
u64 depth(u64 n);
__asm__(".text\n.balign 16\n.global depth\ndepth:\n"
        "cbz x0, 1f\n"
        "stp x29, x30, [sp, #-16]!\n"
        "sub x0, x0, #1\n"
        "bl depth\n"
        "add x0, x0, #3\n"
        "ldp x29, x30, [sp], #16\n"
        "1: ret\n");

/* n calls deep, then back to the first caller at once, as longjmp does. */
u64 leap(u64 n);
__asm__(".text\n.balign 16\n.global leap\nleap:\n"
        "mov x9, sp\n"
        "mov x10, x30\n"
        "2: cbz x0, 3f\n"
        "sub x0, x0, #1\n"
        "sub sp, sp, #32\n"
        "bl 2b\n"
        "brk #1\n"
        "3: mov x0, #7\n"
        "mov sp, x9\n"
        "mov x30, x10\n"
        "ret\n");

static void deep(void)
{
    u64 sum = 0;

    for (u64 n = 0; n < 40; n++) {
        sum += depth(n * 100);
    }
    check("calls.depth", "%u", sum);
    sum = 0;
    for (u64 n = 0; n < TIMES; n++) {
        sum += leap(n % 12) + depth(n % 7);
    }
    check("calls.leap", "%u", sum);
}

/* ---- Returns to elsewhere -------------------------------------------------------------------- */

/* The callee returns behind an instruction of its caller. */
u64 skip(u64 n);
/* BL to the next instruction: calls that never return. Then a return by another register. */
u64 here(u64 n);
/* A return by BR, a call by BR, a call of what X30 says. */
u64 mixed(u64 n);
__asm__(".text\n.balign 16\n.global skip\nskip:\n"
        "mov x9, x30\n"
        "bl 1f\n"
        "add x0, x0, #100\n"
        "add x0, x0, #1\n"
        "mov x30, x9\n"
        "ret\n"
        "1: add x30, x30, #4\n"
        "ret\n"
        ".balign 16\n.global here\nhere:\n"
        "mov x9, x30\n"
        "mov x1, x0\n"
        "mov x0, #0\n"
        "2: bl 3f\n"
        "3: add x0, x0, #1\n"
        "subs x1, x1, #1\n"
        "b.ne 2b\n"
        "ret x9\n"
        ".balign 16\n.global mixed\nmixed:\n"
        "mov x9, x30\n"
        "bl 4f\n"
        "add x0, x0, #1\n"
        "adr x10, 5f\n"
        "adr x30, 6f\n"
        "br x10\n"
        "6: add x0, x0, #4\n"
        "adr x30, 5f\n"
        "blr x30\n"
        "mov x30, x9\n"
        "ret\n"
        "4: add x0, x0, #16\n"
        "br x30\n"
        "5: add x0, x0, #64\n"
        "ret\n");

SNIPPET(c_odd, "mov x9, x30\nbl 1f\nmov x30, x9\nret\n1: mov x30, #1\nret");

static void elsewhere(void)
{
    u64 sum = 0, odd = 0;

    for (u64 n = 0; n < TIMES; n++) {
        sum += skip(n);
    }
    check("calls.skip", "%u", sum);
    sum = 0;
    for (u64 n = 1; n < TIMES; n++) {
        sum += here(30 * n);
    }
    check("calls.here", "%u", sum);
    sum = 0;
    for (u64 n = 0; n < TIMES; n++) {
        sum += mixed(n);
    }
    check("calls.mixed", "%u", sum);
    for (u64 n = 0; n < TIMES; n++) {
        const struct trap *t = probe1(EL1H, c_odd, 0);
        odd += t->elr == 1; /* PC alignment fault, or (QEMU) an abort of the page first */
    }
    check("calls.odd", "%u", odd);
}

/* ---- Two stacks ------------------------------------------------------------------------------ */

/* Saves the caller on its stack, whose pointer goes to *from, and returns on that of to. */
void turn(u64 *from, u64 to);
__asm__(".text\n.balign 16\n.global turn\nturn:\n"
        "stp x19, x20, [sp, #-96]!\n"
        "stp x21, x22, [sp, #16]\n"
        "stp x23, x24, [sp, #32]\n"
        "stp x25, x26, [sp, #48]\n"
        "stp x27, x28, [sp, #64]\n"
        "stp x29, x30, [sp, #80]\n"
        "mov x9, sp\n"
        "str x9, [x0]\n"
        "mov sp, x1\n"
        "ldp x21, x22, [sp, #16]\n"
        "ldp x23, x24, [sp, #32]\n"
        "ldp x25, x26, [sp, #48]\n"
        "ldp x27, x28, [sp, #64]\n"
        "ldp x29, x30, [sp, #80]\n"
        "ldp x19, x20, [sp], #96\n"
        "ret\n");

static u64 stacks[2]; /* the pointers of those that wait */
static u64 log;
static u8 stack[8192] __attribute__((aligned(16)));

static __attribute__((noinline)) void say(u64 n)
{
    log = log * 31 + n;
    if (n % 3 == 0) {
        log ^= depth(n % 5);
    }
}

static void other(void)
{
    for (u64 n = 0;; n++) {
        say(1000 + n);
        turn(&stacks[1], stacks[0]);
        say(2000 + n);
    }
}

static void coroutines(void)
{
    u64 *frame = (u64 *)(stack + sizeof(stack) - 96);

    frame[11] = (u64)(uintptr_t)other;
    stacks[1] = (u64)(uintptr_t)frame;
    for (u64 n = 0; n < TIMES; n++) {
        say(n);
        turn(&stacks[0], stacks[1]);
        say(n + 500);
    }
    check("calls.coroutines", "%l", log);
}

/* ---- What is behind the call changes before the return --------------------------------------- */

#define CODE_VA 0x2000000000ull
#define CODE_A  (PLAY + 0x10000)
#define CODE_B  (PLAY + 0x20000)

/* At CODE_VA: x9 = lr; blr x1; movz x0, #n; x30 = x9; ret. */
static void caller_at(u64 pa, u32 n)
{
    static const u32 code[] = { 0xaa1e03e9, 0xd63f0020, 0xd2800000, 0xaa0903fe, 0xd65f03c0 };

    for (unsigned i = 0; i < ARRAY(code); i++) {
        wr32(pa + 4 * i, code[i] | (i == 2 ? n << 5 : 0));
    }
    ASM("dsb ish");
    for (u64 at = pa; at < pa + sizeof(code); at += 4) {
        SYS1("dc cvau", at);
        ASM("dsb ish");
        SYS1("ic ivau", at);
    }
    ASM("dsb ish\nisb");
}

static u32 next;

static __attribute__((noinline)) void rewrite(void)
{
    caller_at(CODE_A, next);
}

static __attribute__((noinline)) void remap(void)
{
    half_map(&lower, CODE_VA, (next & 1) != 0 ? CODE_B : CODE_A, PTE_AF | PTE_IS | PTE_RO, 3);
    flush();
}

/* X9 is what the caller at CODE_VA keeps its return address in: its callees are called through this. */
void keeping_x9(void);
extern void (*volatile callee)(void);
void (*volatile callee)(void);
__asm__(".text\n.balign 16\n.global keeping_x9\nkeeping_x9:\n"
        "stp x9, x30, [sp, #-16]!\n"
        "adrp x0, callee\n"
        "ldr x0, [x0, :lo12:callee]\n"
        "blr x0\n"
        "ldp x9, x30, [sp], #16\n"
        "ret\n");

static u64 call_there(void (*what)(void))
{
    callee = what;
    return ((u64(*)(u64, void (*)(void)))(uintptr_t)CODE_VA)(0, keeping_x9);
}

static void changes(void)
{
    u64 good = 0;

    half_map(&lower, CODE_VA, CODE_A, PTE_AF | PTE_IS | PTE_RO, 3);
    flush();
    caller_at(CODE_A, 0);
    for (next = 1; next < TIMES; next++) {
        good += call_there(rewrite) == next;
    }
    check("calls.rewrite", "%u", good);
    good = 0;
    caller_at(CODE_A, 50);
    caller_at(CODE_B, 51);
    for (next = 1; next < TIMES; next++) {
        good += call_there(remap) == 50 + (next & 1);
    }
    check("calls.remap", "%u", good);
}

/* ---- A recursion without end is no way to be deaf -------------------------------------------- */

/* Two calls of itself at each of n levels, unless *stop. There is no loop in it. */
void bush(u64 n, volatile u64 *stop);
__asm__(".text\n.balign 16\n.global bush\nbush:\n"
        "cbz x0, 1f\n"
        "ldr x2, [x1]\n"
        "cbnz x2, 1f\n"
        "stp x0, x30, [sp, #-16]!\n"
        "sub x0, x0, #1\n"
        "bl bush\n"
        "ldr x0, [sp]\n"
        "sub x0, x0, #1\n"
        "bl bush\n"
        "ldp x0, x30, [sp], #16\n"
        "1: ret\n");

static volatile u64 stop;

static u64 bother(u64 x)
{
    for (unsigned n = 0; n < 100; n++) {
        ASM("tlbi vmalle1is\ndsb ish");
    }
    stop = 1;
    return x;
}

static void recursion(void)
{
    cpu1_start();
    cpu1_post(bother, 5);
    bush(62, &stop);
    check("calls.recursion", "%u %u", cpu1_wait(), stop);
    cpu1_leave();
}

int main(void)
{
    mmu_default();
    deep();
    elsewhere();
    coroutines();
    changes();
    recursion();
    return 0;
}
