/* A list of server URLs, one a line, and the look-ups that come of them, answered by the rest of
 * the input: records of every kind, wrong ones too, in any order. What must hold: it comes to rest,
 * asks a bounded number of names, sends to nobody but addresses that were given, and is complete.
 */
#include "base/address.h"
#include "base/name.h"
#include "core/config/shared.h"
#include "core/text/url.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define URLS_MAX 8
#define LOOKUPS_MAX (URLS_MAX * 64)

static floe_error fill(void *user_data, void *bytes, size_t size)
{
    uint32_t *state = user_data;
    uint8_t *at = bytes;

    for (size_t i = 0; i < size; i++) {
        *state = *state * 1664525U + 1013904223U;
        at[i] = (uint8_t)(*state >> 24);
    }
    return FLOE_OK;
}

typedef struct run {
    floe_core *core;
    floe_time now;
    floe_reader reader;
    unsigned lookups;
    bool complete;
} run;

static void answer_addresses(run *r, uint32_t query, floe_error error)
{
    floe_address addresses[20] = {0};
    size_t count = floe_read_u8(&r->reader) % 21U;

    for (size_t i = 0; i < count; i++) {
        addresses[i].family =
            floe_read_u8(&r->reader) % 8 == 0 ? FLOE_FAMILY_IPV6 : FLOE_FAMILY_IPV4;
        addresses[i].ip[0] = floe_read_u8(&r->reader);
        addresses[i].ip[3] = (uint8_t)i;
    }
    floe_core_resolved(r->core, r->now, query, error, addresses, count);
}

static void answer_services(run *r, uint32_t query, floe_error error)
{
    static const char *const targets[] = {"a.example", "b.example",           ".", "", "x..y",
                                          NULL,        "_turn._udp.c.example"};
    static const char *const services[] = {"RELAY:turn.udp", "relay:turn.tcp:turn.udp", "", NULL};
    floe_service_record records[20] = {0};
    size_t count = floe_read_u8(&r->reader) % 21U;

    for (size_t i = 0; i < count; i++) {
        uint8_t choice = floe_read_u8(&r->reader);
        records[i] = (floe_service_record){.target = targets[choice % 7U],
                                           .service = services[choice / 7U % 4U],
                                           .flag = "SsAaU"[choice % 5U],
                                           .port = floe_read_u16(&r->reader),
                                           .priority = choice,
                                           .weight = floe_read_u8(&r->reader)};
    }
    floe_core_services_resolved(r->core, r->now, query, error, records, count);
}

static void answer(run *r, const floe_core_output *output)
{
    uint8_t choice = floe_read_u8(&r->reader);
    bool address = output->record == FLOE_DNS_A || output->record == FLOE_DNS_AAAA;
    floe_error error = choice % 8 == 7   ? FLOE_ERR_NOT_FOUND
                       : choice % 8 == 6 ? FLOE_ERR_TIMED_OUT
                                         : FLOE_OK;

    if (++r->lookups > LOOKUPS_MAX || !floe_name_valid(output->name, strlen(output->name))) {
        abort();
    }
    if (choice % 16 == 15) {
        return; /* never */
    }
    if (address != (choice % 32 == 14)) {
        answer_addresses(r, output->query, error);
    } else {
        answer_services(r, output->query, error);
    }
}

static void do_outputs(run *r)
{
    const floe_core_output *output;
    static const floe_interface_address list[] = {
        {.interface_name = "a",
         .interface_index = 1,
         .up = true,
         .address = {.family = FLOE_FAMILY_IPV4, .ip = {10, 0, 0, 1}}},
        {.interface_name = "a",
         .interface_index = 1,
         .up = true,
         .address = {.family = FLOE_FAMILY_IPV6, .ip = {0x2a, 0, [15] = 1}}}};

    for (int i = 0; floe_core_poll(r->core, r->now, &output); i++) {
        if (i > 100000) {
            abort();
        }
        if (output->kind == FLOE_CORE_LIST_INTERFACES) {
            floe_core_interfaces(r->core, r->now, list, 2);
        } else if (output->kind == FLOE_CORE_OPEN) {
            floe_address local = floe_address_with_port(output->local, 4000);
            floe_core_opened(r->core, r->now, output->channel, &local);
        } else if (output->kind == FLOE_CORE_RESOLVE) {
            answer(r, output);
        } else if (output->kind == FLOE_CORE_SEND && output->remote.port == 0) {
            abort();
        } else if (output->kind == FLOE_CORE_STATE) {
            r->complete = r->complete || output->state == FLOE_GATHERER_STATE_COMPLETE;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t state = 1;
    floe_random random = {.user_data = &state, .fill = fill};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    const char *urls[URLS_MAX];
    floe_core_shared *shared;
    run r = {.now = {1000000000U}};
    const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
    size_t text_size = zero != NULL ? (size_t)(zero - data) : size;
    char *text = malloc(text_size + 1);

    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, text_size);
    text[text_size] = '\0';
    for (char *line = text; line != NULL && server.url_count < URLS_MAX;) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end++ = '\0';
        }
        urls[server.url_count++] = line;
        line = end;
    }
    server.urls = urls;
    server.username = "u";
    server.credential = "p";
    options.ice_servers = &server;
    options.ice_server_count = 1;
    settings.service_discovery = true;
    r.reader = floe_reader_of(data + text_size, size - text_size);
    if (floe_core_shared_new(&settings, &random, &shared) != FLOE_OK) {
        abort();
    }
    if (floe_core_new(shared, &options, &r.core) == FLOE_OK) {
        if (floe_core_start(r.core, r.now) != FLOE_OK) {
            abort();
        }
        do_outputs(&r);
        for (int i = 0; i < 2000 && !r.complete; i++) {
            floe_time deadline = floe_core_deadline(r.core);
            r.now = deadline.ns > r.now.ns ? deadline : r.now;
            floe_core_time(r.core, r.now);
            do_outputs(&r);
        }
        if (!r.complete || r.now.ns > 6100000000U) {
            abort(); /* L14: past the gather timeout */
        }
        floe_core_free(r.core);
    }
    floe_core_shared_free(shared);
    free(text);
    return 0;
}
