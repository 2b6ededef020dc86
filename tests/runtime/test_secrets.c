/* Once all is closed and freed, no password and no key is anywhere in the process: what a core dump
 * would show. The test itself keeps each secret in a disguise, and looks through all memory that
 * can be read for what it would be without. */
#include "support.h"

#include "base/crypto.h"
#include "base/error.h"
#include "relay_server.h"

#include <floe/floe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MASK = 0x55, SECRET_MAX = 64 };

typedef struct secret {
    const char *what;
    uint8_t disguised[SECRET_MAX];
    size_t size;
} secret;

static char where[160]; /* it was found last */
static secret secrets[4];
static size_t secret_count;

static void keep(const char *what, const void *bytes, size_t size)
{
    secret *kept = &secrets[secret_count++];

    kept->what = what;
    kept->size = size;
    for (size_t i = 0; i < size; i++) {
        kept->disguised[i] = ((const uint8_t *)bytes)[i] ^ MASK;
    }
}

static void reveal(const secret *kept, char *text)
{
    for (size_t i = 0; i < kept->size; i++) {
        text[i] = (char)(kept->disguised[i] ^ MASK);
    }
    text[kept->size] = '\0';
}

static bool stands_at(const secret *kept, const uint8_t *at)
{
    for (size_t i = 0; i < kept->size; i++) {
        if ((at[i] ^ MASK) != kept->disguised[i]) {
            return false;
        }
    }
    return true;
}

/* Reads by /proc/self/mem, piece by piece, so that what is unmapped meanwhile does no harm. */
static unsigned places_of(const secret *kept)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    FILE *memory = fopen("/proc/self/mem", "r");
    static uint8_t piece[1 << 16];
    char line[512];
    unsigned found = 0;

    assert_non_null(maps);
    assert_non_null(memory);
    (void)setvbuf(memory, NULL, _IONBF, 0);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from;
        unsigned long to;
        char access[5];
        if (sscanf(line, "%lx-%lx %4s", &from, &to, access) != 3 || access[0] != 'r' ||
            access[1] != 'w') {
            continue;
        }
        for (unsigned long at = from; at < to; at += sizeof piece - SECRET_MAX) {
            size_t size = to - at < sizeof piece ? to - at : sizeof piece;
            if (fseek(memory, (long)at, SEEK_SET) != 0) {
                break;
            }
            size = fread(piece, 1, size, memory);
            for (size_t i = 0; i + kept->size <= size; i++) {
                bool own = at + i >= (unsigned long)(uintptr_t)piece &&
                           at + i < (unsigned long)(uintptr_t)(piece + sizeof piece);
                if (!own && stands_at(kept, &piece[i])) {
                    found++;
                    (void)snprintf(where, sizeof where, "%#lx in %.120s", at + i, line);
                }
            }
        }
    }
    (void)fclose(maps);
    (void)fclose(memory);
    floe_wipe(piece, sizeof piece);
    return found;
}

/* ── A gathering by UDP and TCP, with a restart ── */

static atomic_uint ends;
static atomic_uint relays;

static void on_candidate(void *data, const floe_candidate *candidate)
{
    (void)data;
    if (candidate == NULL) {
        atomic_fetch_add(&ends, 1);
    } else {
        atomic_fetch_add(&relays, candidate->type == FLOE_CANDIDATE_TYPE_RELAY);
    }
}

static void wait_for_ends(unsigned count)
{
    for (int i = 0; i < 60000 && atomic_load(&ends) < count; i++) {
        (void)usleep(1000);
    }
    assert_true(atomic_load(&ends) >= count);
}

static void gather(uint16_t port)
{
    char texts[2][64];
    const char *urls[] = {texts[0], texts[1]};
    char password[SECRET_MAX + 1];
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_api *api;
    floe_gatherer *gatherer;

    (void)snprintf(texts[0], sizeof texts[0], "turn:127.0.0.1:%u", port);
    (void)snprintf(texts[1], sizeof texts[1], "turn:127.0.0.1:%u?transport=tcp", port);
    reveal(&secrets[0], password);
    settings.loopback = true;
    settings.ip_filter = keep_loopback_v4;
    server.urls = urls;
    server.url_count = 2;
    server.username = "user";
    server.credential = password;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    assert_int_equal(floe_api_new(&settings, &api), FLOE_OK);
    assert_int_equal(floe_gatherer_new(api, &options, &gatherer), FLOE_OK);
    assert_int_equal(floe_gatherer_on_local_candidate(gatherer, on_candidate, NULL), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(gatherer), FLOE_OK);
    wait_for_ends(1);
    assert_int_equal(atomic_load(&relays), 2);
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    assert_int_equal(floe_gatherer_get_local_parameters(gatherer, &parameters), FLOE_OK);
    keep("the local ICE password", parameters.password, strlen(parameters.password));
    floe_wipe(&parameters, sizeof parameters);
    /* One of the owner's, which is longer; not that of the TURN server. */
    floe_restart_options own = FLOE_RESTART_OPTIONS_INIT;
    char longer[41] = "";
    for (size_t i = 0; i < 40; i++) {
        longer[i] = (char)('A' + (i * 11 + 5) % 26);
    }
    keep("the owner's ICE password", longer, 40);
    own.password = longer;
    assert_int_equal(floe_gatherer_restart_with(gatherer, &own), FLOE_OK);
    floe_wipe(longer, sizeof longer);
    assert_true(places_of(&secrets[3]) > 0);
    assert_true(places_of(&secrets[0]) > 0); /* so it would be seen */
    assert_int_equal(floe_gatherer_graceful_close(gatherer), FLOE_OK);
    floe_gatherer_free(gatherer);
    floe_api_free(api);
    floe_wipe(password, sizeof password);
}

static void nothing_secret_is_left_in_memory(void **state)
{
    char password[SECRET_MAX + 1];
    uint8_t key[FLOE_MD5_SIZE];

    (void)state;
    /* Made here, so that it stands in no constant. */
    for (size_t i = 0; i < 24; i++) {
        password[i] = (char)('a' + (i * 7 + 3) % 26);
    }
    password[24] = '\0';
    floe_span parts[] = {floe_span_text("user:r:"), floe_span_text(password)};
    assert_int_equal(floe_digest(FLOE_HASH_MD5, parts, 2, key), FLOE_OK);
    keep("the TURN password", password, 24);
    keep("the key made of it", key, sizeof key);
    uint16_t port = relay_server_start("user", password);
    floe_wipe(password, sizeof password);
    floe_wipe(key, sizeof key);
    gather(port);
    relay_server_stop();
    for (size_t i = 0; i < secret_count; i++) {
        unsigned places = places_of(&secrets[i]);
        if (places > 0) {
            fail_msg("%s is still in memory, %u times: %s", secrets[i].what, places, where);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_secret_is_left_in_memory),
    };
    return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
