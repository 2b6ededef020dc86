/* What a program outside sees of the core alone. */
#include <floe/core.h>
#include <floe/version.h>
#include <stdio.h>
#include <string.h>

static floe_error fill(void *user_data, void *bytes, size_t size)
{
    (void)user_data;
    memset(bytes, 7, size);
    return FLOE_OK;
}

int main(void)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_random source = {NULL, fill};
    floe_core_shared *shared;
    const floe_core_output *output;
    floe_time now = {1};
    floe_core *core;

    if (strcmp(floe_version(), FLOE_VERSION) != 0 ||
        floe_core_shared_new(&settings, &source, &shared) != FLOE_OK ||
        floe_core_new(shared, NULL, &core) != FLOE_OK) {
        (void)fprintf(stderr, "%s\n", floe_last_error());
        return 1;
    }
    if (floe_core_start(core, now) != FLOE_OK || !floe_core_poll(core, now, &output)) {
        return 1;
    }
    floe_core_free(core);
    floe_core_shared_free(shared);
    (void)puts("outside: ok");
    return 0;
}
