/* What a program outside sees of libfloe. */
#include <floe/core.h>
#include <floe/floe.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_gatherer *gatherer;
    floe_api *api;

    if (strcmp(floe_version(), FLOE_VERSION) != 0 || floe_api_new(&settings, &api) != FLOE_OK ||
        floe_gatherer_new(api, NULL, &gatherer) != FLOE_OK ||
        floe_gatherer_gather(gatherer) != FLOE_OK) {
        (void)fprintf(stderr, "%s\n", floe_last_error());
        return 1;
    }
    floe_gatherer_free(gatherer);
    floe_api_free(api);
    (void)puts("outside: ok");
    return 0;
}
