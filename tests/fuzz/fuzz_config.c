/*
 * fuzz_config.c - any bytes as vm.json, and as a command line's options.
 *
 * What loads must be the same after saving and loading again. The second half of the target takes
 * the bytes as lines `name value`, as hv_config_set gets them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Saved and loaded again it is the same, and the checks can be asked about it. */
static void round_trip(const struct hv_config *config)
{
    struct hv_config copy;
    struct err err = { .lang = LANG_EN };
    char *text = hv_config_save(config), *again;

    if (text == NULL) {
        return;
    }
    hv_config_init(&copy, LANG_EN);
    require(hv_config_load(&copy, text, strlen(text), "saved", &err) == ST_OK);
    again = hv_config_save(&copy);
    require(again != NULL && strcmp(text, again) == 0);
    hv_config_check(&copy, &err);
    free(text);
    free(again);
    hv_config_fini(&copy);
}

static void as_json(const uint8_t *data, size_t size)
{
    struct hv_config config;
    struct err err = { .lang = LANG_EN };

    hv_config_init(&config, LANG_EN);
    if (hv_config_load(&config, (const char *)data, size, "vm.json", &err) == ST_OK) {
        round_trip(&config);
    } else {
        require(err.text[0] != 0);
    }
    hv_config_fini(&config);
}

static void as_options(const uint8_t *data, size_t size)
{
    struct hv_config config;
    struct err err = { .lang = LANG_PT_BR };
    char *lines = malloc(size + 1), *next;

    memcpy(lines, data, size);
    lines[size] = 0;
    hv_config_init(&config, LANG_PT_BR);
    for (char *line = lines; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = 0;
        }
        char *value = strchr(line, ' ');
        if (value != NULL) {
            *value++ = 0;
        }
        if (hv_option_find(line) == NULL) {
            hv_option_nearest(line);
        }
        hv_config_set(&config, line, value, &err);
    }
    hv_config_check(&config, &err);
    hv_config_fini(&config);
    free(lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_json(data, size);
    as_options(data, size);
    return 0;
}
