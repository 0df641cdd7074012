/*
 * simd_golden.c - what an Arm processor makes of the examples of simd_golden.def.
 *
 *   simd_golden            prints the file anew, with the results of the processor it runs on
 *   simd_golden --check    compares instead; exit status 1 if a result differs
 *
 * A program for AArch64 Linux: it runs each word of the table in a page of its own. On other hosts
 * it runs under qemu-aarch64-static -cpu max. To add an example, write its row with zeros for the
 * results and let this program fill them in:
 *
 *   aarch64-linux-gnu-gcc -O2 -static -o /tmp/golden simd_golden.c
 *   qemu-aarch64-static -cpu max /tmp/golden > /tmp/new && mv /tmp/new simd_golden.def
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct example {
    const char *text, *fpcr_text;
    uint32_t word;
    uint64_t n[2], m[2], d[2];
    uint32_t fpcr;
    uint64_t result[2]; /* upper half first, as all of them */
    uint32_t fpsr;
};

static const struct example examples[] = {
#define EXAMPLE(text, word, n, m, d, fpcr, result, fpsr) \
    { text, #fpcr, word, ROW n, ROW m, ROW d, fpcr, ROW result, fpsr },
#define ROW(hi, lo) \
    {               \
        hi, lo      \
    }
#include "simd_golden.def"
#undef ROW
#undef EXAMPLE
};

/* V0, V1, V2 in, V0 and FPSR out; `code` is the instruction and a RET. */
static void run(void (*code)(void), const struct example *e, uint64_t v[3][2], uint64_t *fpsr)
{
    uint64_t fpcr = e->fpcr, old_fpcr;

    __asm__ volatile("mrs %1, fpcr\n msr fpcr, %3\n msr fpsr, xzr\n"
                     "ldr q0, [%2]\n ldr q1, [%2, 16]\n ldr q2, [%2, 32]\n"
                     "blr %4\n"
                     "str q0, [%2]\n mrs %0, fpsr\n msr fpcr, %1\n"
                     : "=&r"(*fpsr), "=&r"(old_fpcr)
                     : "r"(v), "r"(fpcr), "r"(code)
                     : "x30", "v0", "v1", "v2", "memory", "cc");
}

static void print_row(const struct example *e, const uint64_t v[2], uint64_t fpsr)
{
    const uint64_t *in[3] = { e->n, e->m, e->d };

    printf("EXAMPLE(\"%s\", 0x%08x,\n       ", e->text, e->word);
    for (unsigned i = 0; i < 3; i++) {
        printf(" (0x%llx, 0x%llx),", (unsigned long long)in[i][0], (unsigned long long)in[i][1]);
    }
    printf("\n        %s, (0x%llx, 0x%llx), 0x%x)\n", e->fpcr_text, (unsigned long long)v[1],
           (unsigned long long)v[0], (unsigned)fpsr);
}

static const char head[] =
    "/*\n"
    " * simd_golden.def - examples of test_simd.c, a few of each group of instructions. Made by\n"
    " * simd_golden.c, whose head says how: the results are an Arm processor's, not ours.\n"
    " *\n"
    " *   EXAMPLE(text, word, Vn, Vm, Vd before, FPCR, Vd after, FPSR after)\n"
    " *\n"
    " * with V0 = Vd, V1 = Vn, V2 = Vm, each (upper half, lower half). Vd before is a pattern "
    "that\n"
    " * must not survive where it is not used.\n"
    " */\n";

int main(int argc, char **argv)
{
    int check = argc == 2 && strcmp(argv[1], "--check") == 0, wrong = 0;
    uint32_t *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED) {
        perror("mmap");
        return 2;
    }
    if (!check) {
        fputs(head, stdout);
    }
    for (unsigned i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        const struct example *e = &examples[i];
        uint64_t v[3][2] = { { e->d[1], e->d[0] }, { e->n[1], e->n[0] }, { e->m[1], e->m[0] } };
        uint64_t fpsr;

        page[0] = e->word;
        page[1] = 0xd65f03c0; /* ret */
        __builtin___clear_cache((char *)page, (char *)(page + 2));
        run((void (*)(void))(uintptr_t)page, e, v, &fpsr);
        if (!check) {
            print_row(e, v[0], fpsr);
        } else if (v[0][1] != e->result[0] || v[0][0] != e->result[1] || fpsr != e->fpsr) {
            fprintf(stderr, "%s: the processor says otherwise\n", e->text);
            wrong = 1;
        }
    }
    return wrong;
}
