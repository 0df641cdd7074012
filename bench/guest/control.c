/*
 * control.c - control flow rows: calls and returns, calls through pointers, interpreters of byte-code, a state machine over
 * text, a matcher of patterns, Lempel-Ziv compression.
 */
#include "bench.h"

/* ---- fib: calls and returns, and little else ---- */
NOINLINE static uint64_t fib(uint64_t n)
{
    uint64_t a = n;

    KEEP(a); // one activation for each call, whatever the compiler thinks of unrolling recursion
    return a < 2 ? a : fib(a - 1) + fib(a - 2);
}

ROW(fib)
{
    uint64_t sum = 0;

    for (uint64_t n = 0; n < work; n++) {
        sum += fib(20 + (n & 1));
    }
    return sum;
}

/* ---- tak: recursion with three arguments, whose results are arguments ---- */
NOINLINE static int64_t tak(int64_t x, int64_t y, int64_t z)
{
    return y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

ROW(tak)
{
    uint64_t sum = 0;

    for (uint64_t n = 0; n < work; n++) {
        sum = fold(sum, (uint64_t)tak(12 + (int64_t)(n & 1), 8, 4));
    }
    return sum;
}

/* ---- callback: a quicksort that is told how to compare ---- */
typedef int compare_fn(uint32_t a, uint32_t b);

static int by_value(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}
static int by_low_bits(uint32_t a, uint32_t b)
{
    return by_value(a & 0xffff, b & 0xffff);
}
static int backwards(uint32_t a, uint32_t b)
{
    return by_value(b, a);
}

NOINLINE static void quick(uint32_t *a, size_t n, compare_fn *compare)
{
    size_t i = 0, j = n - 1;

    if (n < 2) {
        return;
    }
    const uint32_t pivot = a[n / 2];
    for (;; i++, j--) {
        while (compare(a[i], pivot) < 0) {
            i++;
        }
        while (compare(pivot, a[j]) < 0) {
            j--;
        }
        if (i >= j) {
            break;
        }
        uint32_t t = a[i];
        a[i] = a[j];
        a[j] = t;
    }
    quick(a, i, compare);
    quick(a + i, n - i, compare);
}

ROW(callback)
{
    enum { COUNT = 1024 };
    static compare_fn *const how[] = { by_value, by_low_bits, backwards };
    static uint32_t list[COUNT];
    uint64_t sum = 0, seed = 3;

    for (uint64_t n = 0; n < work; n++) {
        for (int i = 0; i < COUNT; i++) {
            list[i] = (uint32_t)rng(&seed);
        }
        quick(list, COUNT, how[n % 3]);
        sum = fold(sum, list[n % COUNT]);
    }
    return sum;
}

/* ---- visit: a search tree is walked, with a function for each node ---- */
struct node {
    struct node *left, *right;
    uint64_t key;
};
typedef void visit_fn(const struct node *node, uint64_t *state);

static void visit_sum(const struct node *node, uint64_t *state)
{
    *state += node->key;
}
static void visit_odd(const struct node *node, uint64_t *state)
{
    *state += node->key & 1;
}
static void visit_leaf(const struct node *node, uint64_t *state)
{
    *state ^= node->left == NULL ? node->key : 0;
}

NOINLINE static void walk(const struct node *node, visit_fn *visit, uint64_t *state)
{
    if (node != NULL) {
        walk(node->left, visit, state);
        visit(node, state);
        walk(node->right, visit, state);
    }
}

ROW(visit)
{
    enum { NODES = 500 };
    static visit_fn *const what[] = { visit_sum, visit_odd, visit_leaf };
    static struct node nodes[NODES];
    struct node *root = NULL;
    uint64_t sum = 0, seed = 9;

    for (int i = 0; i < NODES; i++) {
        struct node **at = &root;
        nodes[i] = (struct node){ NULL, NULL, rng(&seed) };
        while (*at != NULL) {
            at = nodes[i].key < (*at)->key ? &(*at)->left : &(*at)->right;
        }
        *at = &nodes[i];
    }
    for (uint64_t n = 0; n < work; n++) {
        walk(root, what[n % 3], &sum);
        sum = fold(sum, n);
    }
    return sum;
}

/* ---- vcall: objects of five classes, called through tables of pointers ---- */
struct shape;
struct shape_class {
    uint64_t (*area)(const struct shape *);
    void (*grow)(struct shape *, uint64_t);
};
struct shape {
    const struct shape_class *class;
    uint64_t a, b;
};

static uint64_t square_area(const struct shape *s)
{
    return s->a * s->a;
}
static uint64_t box_area(const struct shape *s)
{
    return s->a * s->b;
}
static uint64_t disc_area(const struct shape *s)
{
    return s->a * s->a * 355 / 113;
}
static uint64_t ring_area(const struct shape *s)
{
    return (s->a + s->b) ^ (s->b >> 3);
}
static uint64_t line_area(const struct shape *s)
{
    return s->b & 1;
}
static void grow_a(struct shape *s, uint64_t n)
{
    s->a += n;
}
static void grow_b(struct shape *s, uint64_t n)
{
    s->b ^= n;
}

ROW(vcall)
{
    static const struct shape_class classes[5] = { { square_area, grow_a },
                                                   { box_area, grow_b },
                                                   { disc_area, grow_a },
                                                   { ring_area, grow_b },
                                                   { line_area, grow_a } };
    static struct shape shapes[64];
    uint64_t sum = 0, seed = 5;

    for (int i = 0; i < 64; i++) {
        shapes[i] = (struct shape){ &classes[rng(&seed) % 5], seed & 15, seed >> 60 };
    }
    for (uint64_t n = 0; n < work; n++) {
        struct shape *s = &shapes[n & 63];
        KEEP(s);
        sum += s->class->area(s);
        s->class->grow(s, n & 3);
    }
    return sum;
}

/* ---- vm: a register machine's interpreter, dispatched through a table of labels as interpreters are ---- */
enum { LOADI, ADD, SUB, MUL, XOR, SHR, ADDI, LT, JNZ, LOAD, STORE, MOV, HALT };
struct op {
    uint8_t code, a, b;
    int8_t c;
};

static uint64_t interpret(const struct op *program, uint64_t r[16], uint64_t *memory)
{
    static const void *const label[] = { &&loadi, &&add, &&sub,  &&mul,   &&xor, &&shr, &&addi,
                                         &&lt,    &&jnz, &&load, &&store, &&mov, &&halt };
    const struct op *pc = program - 1;
    uint64_t count = 0;

#define NEXT()                 \
    do {                       \
        pc++;                  \
        count++;               \
        goto *label[pc->code]; \
    } while (0)

    NEXT();
loadi:
    r[pc->a] = (uint64_t)(int64_t)pc->c;
    NEXT();
add:
    r[pc->a] = r[pc->b] + r[pc->c];
    NEXT();
sub:
    r[pc->a] = r[pc->b] - r[pc->c];
    NEXT();
mul:
    r[pc->a] = r[pc->b] * r[pc->c];
    NEXT();
    xor : r[pc->a] = r[pc->b] ^ r[pc->c];
    NEXT();
shr:
    r[pc->a] = r[pc->b] >> (pc->c & 63);
    NEXT();
addi:
    r[pc->a] = r[pc->b] + (uint64_t)(int64_t)pc->c;
    NEXT();
lt:
    r[pc->a] = r[pc->b] < r[pc->c];
    NEXT();
jnz:
    pc += r[pc->a] != 0 ? pc->c : 0;
    NEXT();
load:
    r[pc->a] = memory[(r[pc->b] + (uint64_t)(int64_t)pc->c) & 1023];
    NEXT();
store:
    memory[(r[pc->b] + (uint64_t)(int64_t)pc->c) & 1023] = r[pc->a];
    NEXT();
mov:
    r[pc->a] = r[pc->b];
    NEXT();
halt:
    return count;
#undef NEXT
}

ROW(vm)
{
    // A generator of numbers, a table of 1024 words that it stirs, and a sum over part of the table.
    static const struct op program[] = {
        { LOADI, 1, 0, 1 }, { LOADI, 2, 0, 0 }, { MUL, 3, 1, 14 },     { ADDI, 3, 3, 77 },
        { SHR, 4, 3, 23 },  { XOR, 1, 3, 4 },   { LOAD, 5, 1, 0 },     { ADD, 5, 5, 2 },
        { STORE, 5, 1, 3 }, { ADDI, 2, 2, 1 },  { LT, 6, 2, 15 },      { JNZ, 6, 0, -10 },
        { LOADI, 7, 0, 0 }, { LOADI, 8, 0, 0 }, { LOADI, 10, 0, 100 }, { LOAD, 9, 7, 0 },
        { XOR, 8, 8, 9 },   { ADDI, 7, 7, 1 },  { SUB, 11, 7, 10 },    { JNZ, 11, 0, -5 },
        { MOV, 0, 8, 0 },   { HALT, 0, 0, 0 },
    };
    static uint64_t memory[1024];
    uint64_t r[16] = { 0 }, sum = 0;

    for (uint64_t n = 0; n < work; n++) {
        r[14] = 6364136223846793005ull + 2 * n;
        r[15] = 1000;
        sum = fold(sum, interpret(program, r, memory));
        sum = fold(sum, r[0]);
    }
    return sum;
}

/* ---- stack: a stack machine's interpreter, with a switch: sieve of Eratosthenes ---- */
enum { S_PUSH, S_GET, S_SET, S_ADD, S_MUL, S_LESS, S_PEEK, S_POKE, S_JUMP, S_JUMP0, S_HALT };

NOINLINE static uint64_t stack_machine(const int16_t *code, int64_t *variable, uint8_t *memory)
{
    int64_t stack[16], *top = stack;

    for (const int16_t *pc = code;;) {
        switch (*pc++) {
        case S_PUSH: *++top = *pc++; break;
        case S_GET: *++top = variable[*pc++]; break;
        case S_SET: variable[*pc++] = *top--; break;
        case S_ADD:
            top--;
            top[0] += top[1];
            break;
        case S_MUL:
            top--;
            top[0] *= top[1];
            break;
        case S_LESS:
            top--;
            top[0] = top[0] < top[1];
            break;
        case S_PEEK: top[0] = memory[top[0] & 4095]; break;
        case S_POKE:
            memory[top[-1] & 4095] = (uint8_t)top[0];
            top -= 2;
            break;
        case S_JUMP: pc = code + *pc; break;
        case S_JUMP0: pc = *top-- == 0 ? code + *pc : pc + 1; break;
        default: return (uint64_t)variable[0];
        }
    }
}

ROW(stack)
{
    enum { COUNT, I, J, SIZE };
    // for (i = 2; i < size; i++) if (!memory[i]) { count++; for (j = i * i; j < size; j += i) memory[j] = 1; }
    static const int16_t code[] = {
        S_PUSH, 0,     S_SET,  COUNT,   S_PUSH, 2,       S_SET, I,          // 0
        S_GET,  I,     S_GET,  SIZE,    S_LESS, S_JUMP0, 66,                // 8: loop
        S_GET,  I,     S_PEEK, S_JUMP0, 22,     S_JUMP,  57,                // 15
        S_GET,  COUNT, S_PUSH, 1,       S_ADD,  S_SET,   COUNT,             // 22: a prime
        S_GET,  I,     S_GET,  I,       S_MUL,  S_SET,   J,                 // 29
        S_GET,  J,     S_GET,  SIZE,    S_LESS, S_JUMP0, 57,                // 36: strike out
        S_GET,  J,     S_PUSH, 1,       S_POKE,                             // 43
        S_GET,  J,     S_GET,  I,       S_ADD,  S_SET,   J,     S_JUMP, 36, // 48
        S_GET,  I,     S_PUSH, 1,       S_ADD,  S_SET,   I,     S_JUMP, 8,  // 57: next
        S_HALT,                                                             // 66
    };
    static uint8_t memory[4096];
    uint64_t sum = 0;

    for (uint64_t n = 0; n < work; n++) {
        int64_t variable[4] = { [SIZE] = 500 + (int64_t)(n & 7) };
        __builtin_memset(memory, 0, sizeof(memory));
        sum = fold(sum, stack_machine(code, variable, memory));
    }
    return sum;
}

/* ---- fsm: splits text into words, numbers, strings and comments, by a table of transitions ---- */
static void make_text(uint8_t *text, size_t size, uint64_t seed)
{
    static const char *const words[] = { "while",        "x1",       " ", "\n",  "3.14",
                                         "\"a b\\\"c\"", "/* no */", "(", "if ", "return",
                                         "==",           "0x1f",     ";", "_tmp" };
    size_t at = 0;

    while (at < size) {
        const char *w = words[rng(&seed) % 14];
        while (*w != 0 && at < size) {
            text[at++] = (uint8_t)*w++;
        }
    }
}

ROW(fsm)
{
    enum { BLANK, WORD, NUMBER, STRING, ESCAPE, SLASH, COMMENT, STAR, OTHER, STATES };
    enum { SIZE = 65536 };
    static uint8_t text[SIZE], class[256];
    static const uint8_t next[STATES][9] = {
        // blank  letter  digit   quote   back    slash    star     newline other
        { BLANK, WORD, NUMBER, STRING, OTHER, SLASH, OTHER, BLANK, OTHER },
        { BLANK, WORD, WORD, STRING, OTHER, SLASH, OTHER, BLANK, OTHER },
        { BLANK, WORD, NUMBER, STRING, OTHER, SLASH, OTHER, BLANK, NUMBER },
        { STRING, STRING, STRING, BLANK, ESCAPE, STRING, STRING, STRING, STRING },
        { STRING, STRING, STRING, STRING, STRING, STRING, STRING, STRING, STRING },
        { BLANK, WORD, NUMBER, STRING, OTHER, SLASH, COMMENT, BLANK, OTHER },
        { COMMENT, COMMENT, COMMENT, COMMENT, COMMENT, COMMENT, STAR, COMMENT, COMMENT },
        { COMMENT, COMMENT, COMMENT, COMMENT, COMMENT, BLANK, STAR, COMMENT, COMMENT },
        { BLANK, WORD, NUMBER, STRING, OTHER, SLASH, OTHER, BLANK, OTHER },
    };
    uint64_t entered[STATES] = { 0 }, sum = 0;

    for (int c = 0; c < 256; c++) {
        class[c] = c >= '0' && c <= '9'                               ? 2
                   : ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' ? 1
                                                                      : 8;
    }
    class[' '] = 0, class['"'] = 3, class['\\'] = 4, class['/'] = 5, class['*'] = 6,
    class['\n'] = 7;
    make_text(text, SIZE, 11);
    for (uint64_t n = 0; n < work; n++) {
        unsigned state = BLANK;
        for (size_t i = 0; i < SIZE; i++) {
            unsigned to = next[state][class[text[i]]];
            if (to != state) {
                entered[to]++;
                state = to;
            }
        }
    }
    for (int i = 0; i < STATES; i++) {
        sum = fold(sum, entered[i]);
    }
    return sum;
}

/* ---- match: patterns with * and . and ?, by recursion and backtracking ---- */
static int match_here(const char *pattern, const uint8_t *text, const uint8_t *end);

NOINLINE static int match_star(char c, const char *pattern, const uint8_t *text, const uint8_t *end)
{
    do {
        if (match_here(pattern, text, end)) {
            return 1;
        }
    } while (text < end && (*text++ == (uint8_t)c || c == '.'));
    return 0;
}

NOINLINE static int match_here(const char *pattern, const uint8_t *text, const uint8_t *end)
{
    if (pattern[0] == 0) {
        return 1;
    }
    if (pattern[1] == '*') {
        return match_star(pattern[0], pattern + 2, text, end);
    }
    if (pattern[1] == '?' && match_here(pattern + 2, text, end)) {
        return 1;
    }
    if (text < end && (pattern[0] == '.' || (uint8_t)pattern[0] == *text)) {
        return match_here(pattern + (pattern[1] == '?' ? 2 : 1), text + 1, end);
    }
    return 0;
}

ROW(match)
{
    enum { SIZE = 8192 };
    static const char *const patterns[] = { "re.*rn",    "0x1f;* *_tmp", "wh?il?e.",
                                            "\"a b.*\"", "3.14 *return", "x1*if" };
    static uint8_t text[SIZE];
    uint64_t sum = 0;

    make_text(text, SIZE, 17);
    for (uint64_t n = 0; n < work; n++) {
        uint64_t found = 0;
        for (size_t i = 0; i + 32 < SIZE; i++) {
            found += (uint64_t)match_here(patterns[n % 6], text + i, text + i + 32);
        }
        sum = fold(sum, found);
    }
    return sum;
}

/* ---- lz: a token is (literals, match length, distance), found through a hash of four bytes ---- */
static uint32_t get32(const uint8_t *p)
{
    uint32_t v;

    __builtin_memcpy(&v, p, sizeof(v));
    return v;
}

static size_t lz_pack(const uint8_t *in, size_t size, uint8_t *out)
{
    static uint32_t head[4096];
    size_t at = 0, start = 0, o = 0;

    __builtin_memset(head, 0, sizeof(head));
    while (at + 4 < size) {
        uint32_t h = get32(in + at) * 2654435761u >> 20;
        size_t from = head[h], length = 0;
        head[h] = (uint32_t)at;
        if (from < at && at - from < 65536 && get32(in + from) == get32(in + at)) {
            while (length < 255 && at + length < size && in[from + length] == in[at + length]) {
                length++;
            }
        }
        if (length >= 4 || at - start == 255) {
            out[o++] = (uint8_t)(at - start);
            while (start < at) {
                out[o++] = in[start++];
            }
            out[o++] = (uint8_t)length;
            out[o++] = (uint8_t)(at - from);
            out[o++] = (uint8_t)((at - from) >> 8);
            at += length;
            start = at;
        } else {
            at++;
        }
    }
    return o;
}

static size_t lz_unpack(const uint8_t *in, size_t size, uint8_t *out)
{
    size_t at = 0, o = 0;

    while (at < size) {
        size_t literals = in[at++];
        while (literals-- > 0) {
            out[o++] = in[at++];
        }
        size_t length = in[at], far = in[at + 1] | (size_t)in[at + 2] << 8;
        at += 3;
        while (length-- > 0) {
            out[o] = out[o - far];
            o++;
        }
    }
    return o;
}

ROW(lz)
{
    enum { SIZE = 65536 };
    static uint8_t text[SIZE], packed[2 * SIZE], back[SIZE];
    uint64_t sum = 0;

    make_text(text, SIZE, 29);
    for (uint64_t n = 0; n < work; n++) {
        text[n % SIZE] ^= 1;
        size_t small = lz_pack(text, SIZE, packed), big = lz_unpack(packed, small, back);
        sum = fold(sum, small);
        sum = fold(sum, big);
        sum = fold(sum, back[big / 2]);
    }
    return sum;
}

/* ---- unlz: only the way back ---- */
ROW(unlz)
{
    enum { SIZE = 65536 };
    static uint8_t text[SIZE], packed[2 * SIZE], back[SIZE];
    uint64_t sum = 0;
    size_t small;

    make_text(text, SIZE, 31);
    small = lz_pack(text, SIZE, packed);
    for (uint64_t n = 0; n < work; n++) {
        size_t big = lz_unpack(packed, small, back);
        sum = fold(sum, big);
        sum = fold(sum, back[n % big]);
    }
    return sum;
}
