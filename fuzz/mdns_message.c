/* Multicast DNS packets from a neighbour and from elsewhere, one behind another, to a machine that
 * has a name with two addresses and looks one up. What must hold: it comes to rest, speaks of
 * nothing but its own name, never says an address more than once a second by multicast, and tells
 * nothing to who is elsewhere; and the look-up ends. */
#include "mdns/mdns.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char name[] = "ours.local";

static floe_error fill_zero(void *user_data, void *bytes, size_t size)
{
    (void)user_data;
    memset(bytes, 0, size);
    return FLOE_OK;
}

typedef struct run {
    floe_mdns *mdns;
    floe_time now;
    floe_time said[2]; /* by multicast, the last time: IPv4, IPv6 */
    bool ended;
} run;

static void check_sent(run *r, const floe_mdns_output *output)
{
    static floe_mdns_message message;

    if (!floe_mdns_parse(output->data, output->size, &message)) {
        abort();
    }
    for (size_t i = 0; i < message.record_count; i++) {
        const floe_mdns_record *record = &message.records[i];
        floe_time *said = &r->said[record->address.family == FLOE_FAMILY_IPV6];
        if (strcmp(record->name, name) != 0) {
            abort();
        }
        if (message.response && output->to.family == FLOE_FAMILY_NONE &&
            record->address.family != FLOE_FAMILY_NONE) {
            /* §6 lets a probe be answered after a quarter of a second. */
            if (said->ns != 0 && r->now.ns - said->ns < 250000000U) {
                abort();
            }
            *said = r->now;
        }
    }
    if (output->to.family != FLOE_FAMILY_NONE && output->to.ip[0] != 10) {
        abort();
    }
}

static void do_outputs(run *r)
{
    static floe_mdns_output output;

    for (int i = 0; floe_mdns_poll(r->mdns, &output); i++) {
        if (i > 10000) {
            abort();
        }
        if (output.kind == FLOE_MDNS_SEND) {
            check_sent(r, &output);
        } else if (output.kind == FLOE_MDNS_TAKEN && strcmp(output.name, name) != 0) {
            abort();
        }
        r->ended = r->ended || output.kind == FLOE_MDNS_RESOLVED;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const floe_random random = {.fill = fill_zero};
    static const floe_mdns_link link = {1, FLOE_FAMILY_IPV4};
    floe_address own = {.family = FLOE_FAMILY_IPV4, .ip = {10, 0, 0, 1}};
    floe_address own6 = {.family = FLOE_FAMILY_IPV6, .ip = {0xfd, [15] = 1}};
    floe_mdns_arrival arrival = {.link = link, .source = {.family = FLOE_FAMILY_IPV4}};
    run r = {.now = {1000000000U}};

    r.mdns = floe_mdns_new(&floe_default_allocator, &random);
    if (r.mdns == NULL) {
        return 0;
    }
    floe_mdns_set_links(r.mdns, r.now, &link, 1);
    bool probe = size > 0 && (data[0] & 1) != 0;
    (void)floe_mdns_publish(r.mdns, r.now, name, &own, 1, probe);
    (void)floe_mdns_publish(r.mdns, r.now, name, &own6, 1, probe);
    (void)floe_mdns_look_up(r.mdns, r.now, "theirs.local", FLOE_FAMILY_NONE,
                            floe_milliseconds(5000), NULL);
    do_outputs(&r);
    for (size_t at = 1; at + 4 < size;) {
        size_t length = (size_t)(data[at] << 8 | data[at + 1]) % 1500;
        length = length < size - at - 4 ? length : size - at - 4;
        r.now.ns += (uint64_t)data[at + 2] * 10000000U;
        floe_mdns_time(r.mdns, r.now);
        do_outputs(&r);
        arrival.source.port = data[at + 3] % 4 == 3 ? 40000 : 5353;
        arrival.to_group = (data[at + 3] & 4) == 0;
        arrival.neighbour = (data[at + 3] & 8) == 0;
        arrival.source.ip[0] = arrival.neighbour ? 10 : 192;
        arrival.source.ip[3] = data[at + 3] >> 4;
        floe_mdns_receive(r.mdns, r.now, &arrival, &data[at + 4], length);
        do_outputs(&r);
        at += 4 + length;
    }
    for (int i = 0; i < 20; i++) {
        r.now.ns += 1000000000U;
        floe_mdns_time(r.mdns, r.now);
        do_outputs(&r);
    }
    if (floe_mdns_deadline(r.mdns).ns <= r.now.ns || !r.ended) {
        abort();
    }
    floe_mdns_unpublish(r.mdns, r.now, name, &own);
    floe_mdns_unpublish(r.mdns, r.now, name, &own6);
    memset(r.said, 0, sizeof r.said); /* goodbyes are said at once */
    do_outputs(&r);
    floe_mdns_free(r.mdns);
    return 0;
}
