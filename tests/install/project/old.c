/* A program of the first release: what it has of floe's structs is as large as it was compiled, with a guard behind. It
 * says so when the library reads or writes more, or shows something else than it did.
 *
 *     old said     each struct says its size
 *     old zero     sizes 0: the first release's */
#include <floe/core.h>
#include <floe/floe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GUARD 256

static bool zero;
static int faults;

static void check(bool good, const char *what)
{
    if (!good) {
        printf("old: %s\n", what);
        faults++;
    }
}

/* `count` structs in a row and a guard behind: all bits set, which no field that is read may have. */
static void *guarded(size_t size, size_t count)
{
    unsigned char *made = malloc(size * count + GUARD);

    memset(made, 0, size * count);
    memset(made + size * count, 0xFF, GUARD);
    for (size_t i = 0; i < count && !zero; i++) {
        memcpy(made + i * size, &size, sizeof size);
    }
    return made;
}

static void free_guarded(void *made, size_t size, size_t count, const char *what)
{
    const unsigned char *guard = (unsigned char *)made + size * count;

    for (int i = 0; i < GUARD; i++) {
        if (guard[i] != 0xFF) {
            check(false, what);
            break;
        }
    }
    free(made);
}
#define GUARDED(type, count) guarded(sizeof(type), count)
#define FREE_GUARDED(made, type, count) free_guarded(made, sizeof(type), count, #type " is written beyond its end")

/* The core, by hand. */

static floe_error fill(void *user_data, void *bytes, size_t size)
{
    static unsigned char next;

    (void)user_data;
    for (size_t i = 0; i < size; i++) {
        ((unsigned char *)bytes)[i] = ++next;
    }
    return FLOE_OK;
}

typedef struct seen {
    bool open;
    bool host;
    bool name;
    bool second;
    bool end;
    uint32_t channel;
    uint32_t id;
    uint32_t query;
    floe_address local;
} seen;

static void poll_all(floe_core *core, floe_time now, seen *all)
{
    const floe_core_output *output;

    while (floe_core_poll(core, now, &output)) {
        if (output->kind == FLOE_CORE_OPEN) {
            all->open = true;
            all->second = all->second || output->local.ip[3] == 2;
            all->channel = output->channel;
            all->local = output->local;
            all->local.port = (uint16_t)(4000 + output->channel);
            floe_core_opened(core, now, output->channel, &all->local);
        } else if (output->kind == FLOE_CORE_RESOLVE) {
            all->name = all->name || strcmp(output->name, "_stun._udp.stun.example") == 0 ||
                        strcmp(output->name, "b.example") == 0;
            all->query = output->query;
        } else if (output->kind == FLOE_CORE_CANDIDATE && output->candidate != NULL) {
            all->host = strncmp(output->candidate->address, "192.0.2.", 8) == 0;
            all->id = output->candidate->id;
        } else if (output->kind == FLOE_CORE_CANDIDATE) {
            all->end = true;
        }
    }
}

static void drive_core(void)
{
    static const char *const urls[] = {"stun:stun.example"};
    const floe_random random = {.fill = fill};
    floe_settings *settings = GUARDED(floe_settings, 1);
    floe_gather_options *options = GUARDED(floe_gather_options, 1);
    floe_ice_server *servers = GUARDED(floe_ice_server, 2);
    floe_interface_address *list = GUARDED(floe_interface_address, 2);
    floe_service_record *records = GUARDED(floe_service_record, 2);
    const floe_packet *packet;
    floe_core_shared *shared;
    floe_core *core;
    floe_time now = {1000000000};
    seen all = {0};

    settings->service_discovery = true;
    servers[0].urls = servers[1].urls = urls;
    servers[0].url_count = servers[1].url_count = 1;
    options->ice_servers = servers;
    options->ice_server_count = 2;
    for (int i = 0; i < 2; i++) {
        list[i].interface_name = "eth0";
        list[i].interface_index = 1;
        list[i].up = true;
        (void)floe_address_parse(i == 0 ? "192.0.2.1" : "192.0.2.2", &list[i].address);
        records[i].target = i == 0 ? "a.example" : "b.example";
        records[i].service = "";
        records[i].port = 3478;
        records[i].priority = (uint16_t)(2 - i);
    }
    check(floe_core_shared_new(settings, &random, &shared) == FLOE_OK, "no floe_core_shared");
    check(floe_core_new(shared, options, &core) == FLOE_OK, "no floe_core");
    check(floe_core_receive_packets(core, true) == FLOE_OK, "packets are not received");
    check(floe_core_start(core, now) == FLOE_OK, "it does not start");
    poll_all(core, now, &all);
    floe_core_interfaces(core, now, list, 2);
    poll_all(core, now, &all);
    check(all.open && all.second, "of two interfaces' addresses the second is not read");
    check(all.host, "a candidate's address is not read");
    check(all.name, "no service is looked up");
    all.name = false;
    floe_core_services_resolved(core, now, all.query, FLOE_OK, records, 2);
    poll_all(core, now, &all);
    check(all.name, "of two records the second, which comes first, is not read");
    floe_core_datagram(core, now, all.channel, &list[0].address, "\200abc", 4);
    check(floe_core_packet(core, now, &packet) && packet->size == 4 && packet->kind == FLOE_PACKET_RTP &&
              memcmp(packet->data, "\200abc", 4) == 0,
          "a packet is not read");
    floe_core_free(core);
    floe_core_shared_free(shared);
    FREE_GUARDED(settings, floe_settings, 1);
    FREE_GUARDED(options, floe_gather_options, 1);
    FREE_GUARDED(servers, floe_ice_server, 2);
    FREE_GUARDED(list, floe_interface_address, 2);
    FREE_GUARDED(records, floe_service_record, 2);
}

/* The whole library. */

static void on_candidate(void *data, const floe_candidate *candidate)
{
    volatile bool *ended = data;

    *ended = *ended || candidate == NULL;
}

static void gather(void)
{
    static const char *const shown[] = {"192.0.2.9"};
    static const char *const other[] = {"192.0.2.8"};
    floe_settings *settings = GUARDED(floe_settings, 1);
    floe_address_rewrite_rule *rules = GUARDED(floe_address_rewrite_rule, 2);
    floe_parameters *parameters = GUARDED(floe_parameters, 1);
    floe_api_statistics *counters = GUARDED(floe_api_statistics, 1);
    floe_gatherer_statistics *statistics;
    floe_gatherer *gatherer;
    floe_api *api;
    volatile bool ended = false;

    settings->loopback = true;
    settings->network_types = FLOE_NETWORK_TYPE_UDP4;
    rules[0].external = other;
    rules[1].external = shown;
    rules[0].external_count = rules[1].external_count = 1;
    rules[0].local = "198.51.100.1";
    rules[1].local = "127.0.0.1";
    settings->address_rewrite_rules = rules;
    settings->address_rewrite_rule_count = 2;
    check(floe_api_new(settings, &api) == FLOE_OK, "no floe_api");
    check(floe_gatherer_new(api, NULL, &gatherer) == FLOE_OK, "no floe_gatherer");
    check(floe_gatherer_on_local_candidate(gatherer, on_candidate, (void *)&ended) == FLOE_OK, "no handler");
    check(floe_gatherer_gather(gatherer) == FLOE_OK, "it does not gather");
    for (int i = 0; i < 6000 && !ended; i++) {
        usleep(10000);
    }
    check(ended, "gathering never ends");
    check(floe_gatherer_get_local_parameters(gatherer, parameters) == FLOE_OK && strlen(parameters->password) >= 22,
          "no parameters");
    check(floe_api_get_statistics(api, counters) == FLOE_OK && counters->packets_dropped == 0, "no counters");
    check(parameters->size == (zero ? 0 : sizeof *parameters) && counters->size == (zero ? 0 : sizeof *counters),
          "the caller's size is changed");
    check(floe_gatherer_get_statistics(gatherer, &statistics) == FLOE_OK, "no statistics");
    bool rewritten = false;
    for (size_t i = 0; i < statistics->candidate_count; i++) {
        const floe_candidate_statistics *one = statistics->candidates[i];
        rewritten = rewritten || strcmp(one->candidate->address, "192.0.2.9") == 0;
        check(one->found.ns > 0, "floe_candidate_statistics.found is not read");
    }
    check(rewritten, "of two rules the second is not read");
    floe_gatherer_statistics_free(statistics);
    floe_gatherer_free(gatherer);
    floe_api_free(api);
    FREE_GUARDED(settings, floe_settings, 1);
    FREE_GUARDED(rules, floe_address_rewrite_rule, 2);
    FREE_GUARDED(parameters, floe_parameters, 1);
    FREE_GUARDED(counters, floe_api_statistics, 1);
}

int main(int count, char **words)
{
    zero = count > 1 && strcmp(words[1], "zero") == 0;
    drive_core();
    gather();
    printf("old %s: %d faults\n", zero ? "zero" : "said", faults);
    return faults > 0;
}
