/* What an api and its gatherers take of the allocator, in bytes, with host candidates alone: on loopback, which every
 * machine has alike. What the peaks of the process are is bench/run's. */
#include <floe/floe.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t live;
    unsigned complete;
} all = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};

static void *take(void *user_data, size_t size)
{
    max_align_t *block = malloc(sizeof *block + size);

    (void)user_data;
    if (block == NULL) {
        return NULL;
    }
    memcpy(block, &size, sizeof size);
    (void)pthread_mutex_lock(&all.lock);
    all.live += size;
    (void)pthread_mutex_unlock(&all.lock);
    return block + 1;
}

static void give_back(void *user_data, void *memory)
{
    max_align_t *block = (max_align_t *)memory - 1;
    size_t size;

    (void)user_data;
    memcpy(&size, block, sizeof size);
    (void)pthread_mutex_lock(&all.lock);
    all.live -= size;
    (void)pthread_mutex_unlock(&all.lock);
    free(block);
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    (void)user_data;
    if (candidate == NULL) {
        (void)pthread_mutex_lock(&all.lock);
        all.complete++;
        (void)pthread_cond_broadcast(&all.changed);
        (void)pthread_mutex_unlock(&all.lock);
    }
}

static size_t live(void)
{
    (void)pthread_mutex_lock(&all.lock);
    size_t bytes = all.live;
    (void)pthread_mutex_unlock(&all.lock);
    return bytes;
}

/* So many more, until each is complete. */
static bool gather(floe_api *api, unsigned count)
{
    unsigned until = all.complete + count;

    for (unsigned i = 0; i < count; i++) {
        floe_gatherer *gatherer;
        if (floe_gatherer_new(api, NULL, &gatherer) != FLOE_OK ||
            floe_gatherer_on_local_candidate(gatherer, on_candidate, NULL) != FLOE_OK ||
            floe_gatherer_gather(gatherer) != FLOE_OK) {
            return false;
        }
    }
    (void)pthread_mutex_lock(&all.lock);
    while (all.complete < until) {
        (void)pthread_cond_wait(&all.changed, &all.lock);
    }
    (void)pthread_mutex_unlock(&all.lock);
    return true;
}

static bool loopback_alone(void *user_data, const char *name)
{
    (void)user_data;
    return strcmp(name, "lo") == 0;
}

int main(int count, char **words)
{
    const floe_allocator allocator = {NULL, take, give_back};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api;

    settings.allocator = &allocator;
    settings.loopback = true;
    settings.interface_filter = loopback_alone;
    settings.receive_buffer_size = count > 1 ? (uint32_t)strtoul(words[1], NULL, 10) : 0;
    if (floe_api_new(&settings, &api) != FLOE_OK) {
        (void)fprintf(stderr, "heap: %s\n", floe_last_error());
        return 1;
    }
    size_t idle = live();
    if (!gather(api, 1)) {
        return 1;
    }
    size_t first = live();
    if (!gather(api, 99)) {
        return 1;
    }
    printf("api %zu, with its first gatherer %zu, each of 99 more %zu\n", idle, first,
           (live() - first) / 99);
    floe_api_free(api);
    return live() != 0;
}
