/*
 * replay_main.c - runs a fuzz target without libFuzzer: over files, over folders of files, and over
 * seeded noise.
 *
 *   fuzz_NAME FILE|FOLDER...              each file once
 *   fuzz_NAME --random N [--seed S] ...   N inputs of pseudo-random bytes; every other one is a
 * file given, damaged
 *
 * With the same arguments a run is the same everywhere. Before an input is run that could crash,
 * its number and seed are known: a failure prints them, and --write FILE with --random 1 --seed
 * THAT saves the bytes.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_SHORT 256  /* bytes of most random inputs      */
#define INPUT_LONG  4096 /* and of one in eight              */
#define FILE_MAX    (8u << 20)
#define SEEDS_MAX   1024 /* files kept for damaging          */

struct input {
    uint8_t *data;
    size_t size;
};

static struct input seeds[SEEDS_MAX];
static unsigned seed_count;
static unsigned long long files_run;
static volatile uint64_t current_seed; /* of the random input that runs */
static volatile sig_atomic_t random_running;

/* SplitMix64: small, and good enough for noise. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15ull;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}

static void on_crash(int sig)
{
    static const char digits[] = "0123456789abcdef";
    char text[] = "input of --random 1 --seed 0x0000000000000000\n";
    size_t end = sizeof(text) - 2;

    if (random_running) {
        for (uint64_t s = current_seed; s != 0; s >>= 4) {
            text[--end] = digits[s & 15];
        }
        if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0) {
            _exit(1);
        }
    }
    signal(sig, SIG_DFL);
    raise(sig);
}

static void die(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(1);
}

static void run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(FILE_MAX);
    size_t size;

    if (f == NULL || data == NULL) {
        die(path);
    }
    size = fread(data, 1, FILE_MAX, f);
    fclose(f);
    data = realloc(data, size == 0 ? 1 : size); /* exact, so that AddressSanitizer sees the end */
    LLVMFuzzerTestOneInput(data, size);
    files_run++;
    if (seed_count < SEEDS_MAX) {
        seeds[seed_count++] = (struct input){ data, size };
    } else {
        free(data);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Files of a folder in order of name: the order of readdir differs between machines. */
static void run_folder(const char *path)
{
    char **names = NULL;
    size_t count = 0;
    DIR *dir = opendir(path);
    struct dirent *entry;

    if (dir == NULL) {
        die(path);
    }
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            names = realloc(names, (count + 1) * sizeof(*names));
            names[count++] = strdup(entry->d_name);
        }
    }
    closedir(dir);
    if (count != 0) {
        qsort(names, count, sizeof(*names), by_name);
    }
    for (size_t i = 0; i < count; i++) {
        char full[4096];
        snprintf(full, sizeof(full), "%s/%s", path, names[i]);
        run_file(full);
        free(names[i]);
    }
    free(names);
}

static void run_path(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        die(path);
    }
    if (S_ISDIR(st.st_mode)) {
        run_folder(path);
    } else {
        run_file(path);
    }
}

static size_t noise(uint64_t *state, uint8_t *data, size_t max)
{
    size_t size = next_random(state) % (max + 1);

    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)next_random(state);
    }
    return size;
}

/* A file with up to eight bytes changed, and now and then cut. */
static size_t damaged(uint64_t *state, const struct input *from, uint8_t *data)
{
    size_t size = from->size;

    memcpy(data, from->data, size);
    for (uint64_t n = 1 + next_random(state) % 8; size != 0 && n != 0; n--) {
        data[next_random(state) % size] = (uint8_t)next_random(state);
    }
    return next_random(state) % 8 == 0 ? next_random(state) % (size + 1) : size;
}

static size_t make_input(uint64_t seed, uint8_t *data)
{
    uint64_t state = seed;

    if (seed_count != 0 && next_random(&state) % 2 == 0) {
        return damaged(&state, &seeds[next_random(&state) % seed_count], data);
    }
    return noise(&state, data, next_random(&state) % 8 == 0 ? INPUT_LONG : INPUT_SHORT);
}

static void run_random(unsigned long long n, uint64_t seed, const char *write_to)
{
    uint8_t *data = malloc(FILE_MAX);

    if (data == NULL) {
        die("memory");
    }
    random_running = 1;
    for (unsigned long long i = 0; i < n; i++) {
        size_t size;
        current_seed = seed + i;
        size = make_input(seed + i, data);
        if (write_to != NULL) {
            FILE *f = fopen(write_to, "wb");
            if (f == NULL || fwrite(data, 1, size, f) != size || fclose(f) != 0) {
                die(write_to);
            }
        }
        uint8_t *exact = malloc(size == 0 ? 1 : size);
        memcpy(exact, data, size);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
    }
    random_running = 0;
    free(data);
}

int main(int argc, char **argv)
{
    unsigned long long n = 0;
    uint64_t seed = 1;
    const char *write_to = NULL;

    signal(SIGABRT, on_crash);
    signal(SIGSEGV, on_crash);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--random") == 0 && i + 1 < argc) {
            n = strtoull(argv[++i], NULL, 0);
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            seed = strtoull(argv[++i], NULL, 0);
        } else if (strcmp(argv[i], "--write") == 0 && i + 1 < argc) {
            write_to = argv[++i];
        } else {
            run_path(argv[i]);
        }
    }
    run_random(n, seed, write_to);
    for (unsigned i = 0; i < seed_count; i++) {
        free(seeds[i].data);
    }
    printf("%llu files, %llu random inputs from seed %llu\n", files_run, n,
           (unsigned long long)seed);
    return files_run == 0 && n == 0 ? 2 : 0;
}
