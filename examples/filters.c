/* Filters: does not gather on container bridges, nor on addresses in the management network.
 *
 *     filters */
#include <floe/floe.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int complete;

static bool keep_interface(void *user_data, const char *name)
{
    const char *const *prefixes = user_data;

    for (; *prefixes != NULL; prefixes++) {
        if (strncmp(name, *prefixes, strlen(*prefixes)) == 0) {
            return false;
        }
    }
    return true;
}

/* Leaves out 10.99.0.0/16. floe calls it only for interfaces that keep_interface has kept. */
static bool keep_address(void *user_data, const floe_address *address)
{
    (void)user_data;
    return address->family != FLOE_FAMILY_IPV4 || address->ip[0] != 10 || address->ip[1] != 99;
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    (void)user_data;
    (void)pthread_mutex_lock(&lock);
    if (candidate != NULL) {
        (void)printf("%s %s on %s\n", floe_candidate_type_name(candidate->type), candidate->address,
                     candidate->interface_name);
    } else {
        complete = 1;
        (void)pthread_cond_signal(&changed);
    }
    (void)pthread_mutex_unlock(&lock);
}

int main(void)
{
    static const char *const bridges[] = {"docker", "br-", "veth", "virbr", NULL};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api;
    floe_gatherer *gatherer;

    settings.interface_filter = keep_interface;
    settings.ip_filter = keep_address;
    settings.filter_user_data = (void *)bridges;
    if (floe_api_new(&settings, &api) != FLOE_OK ||
        floe_gatherer_new(api, NULL, &gatherer) != FLOE_OK) {
        (void)fprintf(stderr, "filters: %s\n", floe_last_error());
        return 1;
    }
    (void)floe_gatherer_on_local_candidate(gatherer, on_candidate, NULL);
    (void)floe_gatherer_gather(gatherer);
    (void)pthread_mutex_lock(&lock);
    while (!complete) {
        (void)pthread_cond_wait(&changed, &lock);
    }
    (void)pthread_mutex_unlock(&lock);
    floe_api_free(api);
    return 0;
}
