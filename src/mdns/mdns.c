/* The machine's inputs and outputs, and its links. */
#include "mdns/parts.h"

#include <string.h>

int floe_mdns_compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

floe_mdns *floe_mdns_new(const floe_allocator *allocator, const floe_random *random)
{
    floe_mdns *mdns = floe_allocate(allocator, sizeof *mdns);
    uint32_t seed = 0;

    if (mdns != NULL) {
        mdns->allocator = *allocator;
        mdns->random = *random;
        (void)floe_random_fill(random, &seed, sizeof seed); /* names are chosen by strangers */
        floe_mdns_hosts_init(mdns, seed);
        floe_mdns_questions_init(mdns, seed);
    }
    return mdns;
}

void floe_mdns_free(floe_mdns *mdns)
{
    if (mdns == NULL) {
        return;
    }
    floe_mdns_hosts_free(mdns);
    floe_mdns_questions_free(mdns);
    floe_allocator allocator = mdns->allocator;
    floe_deallocate(&allocator, mdns);
}

/* ── Links ── */

static bool same_link(const floe_mdns_link *a, const floe_mdns_link *b)
{
    return a->interface_index == b->interface_index && a->family == b->family;
}

/* FLOE_MDNS_LINKS_MAX: there is none. */
static size_t find_link(const floe_mdns *mdns, const floe_mdns_link *link)
{
    size_t n = 0;

    while (n < FLOE_MDNS_LINKS_MAX &&
           !(mdns->links[n].used && same_link(&mdns->links[n].link, link))) {
        n++;
    }
    return n;
}

static void drop_others(floe_mdns *mdns, const floe_mdns_link *links, size_t count)
{
    for (size_t n = 0; n < FLOE_MDNS_LINKS_MAX; n++) {
        bool stays = !mdns->links[n].used;
        for (size_t i = 0; i < count && !stays; i++) {
            stays = same_link(&mdns->links[n].link, &links[i]);
        }
        if (!stays) {
            floe_mdns_hosts_link_went(mdns, n);
            floe_mdns_questions_link_went(mdns, n);
            mdns->links[n].used = false;
        }
    }
}

static void add_link(floe_mdns *mdns, floe_time now, const floe_mdns_link *link)
{
    size_t n = 0;

    if (find_link(mdns, link) < FLOE_MDNS_LINKS_MAX) {
        return;
    }
    while (n < FLOE_MDNS_LINKS_MAX && mdns->links[n].used) {
        n++;
    }
    if (n < FLOE_MDNS_LINKS_MAX) {
        mdns->links[n] = (floe_mdns_place_of_link){true, *link};
        floe_mdns_hosts_link_came(mdns, now, n);
        floe_mdns_questions_link_came(mdns, now);
    }
}

void floe_mdns_set_links(floe_mdns *mdns, floe_time now, const floe_mdns_link *links, size_t count)
{
    count = count < FLOE_MDNS_LINKS_MAX ? count : FLOE_MDNS_LINKS_MAX;
    drop_others(mdns, links, count);
    for (size_t i = 0; i < count; i++) {
        add_link(mdns, now, &links[i]);
    }
    floe_mdns_time(mdns, now);
}

void floe_mdns_renew(floe_mdns *mdns, floe_time now, const floe_mdns_link *link)
{
    for (size_t n = 0; n < FLOE_MDNS_LINKS_MAX; n++) {
        if (mdns->links[n].used && (link == NULL || same_link(&mdns->links[n].link, link))) {
            floe_mdns_hosts_link_went(mdns, n);
            floe_mdns_hosts_link_came(mdns, now, n);
            floe_mdns_questions_link_came(mdns, now);
        }
    }
    floe_mdns_time(mdns, now);
}

/* ── Packets and the time ── */

void floe_mdns_receive(floe_mdns *mdns, floe_time now, const floe_mdns_arrival *arrival,
                       const void *data, size_t size)
{
    size_t n = find_link(mdns, &arrival->link);
    bool of_the_link = arrival->to_group || arrival->neighbour; /* §11, §5.5 */

    if (n == FLOE_MDNS_LINKS_MAX || !of_the_link || !floe_mdns_parse(data, size, &mdns->message)) {
        return;
    }
    if (!mdns->message.response) {
        floe_mdns_hosts_asked(mdns, now, n, arrival);
    } else if (arrival->to_group && arrival->source.port == FLOE_MDNS_PORT) {
        /* §6: none but these are answers: what comes to this machine alone has nobody asked for. As
         * the port is shared with whoever else speaks on it, and a packet to one address goes to
         * one of them alone, neither probes nor other questions ask for it (§15.1). */
        floe_mdns_hosts_heard(mdns, now, n);
        floe_mdns_questions_heard(mdns, now, n);
    }
    floe_mdns_time(mdns, now);
}

void floe_mdns_time(floe_mdns *mdns, floe_time now)
{
    floe_mdns_hosts_time(mdns, now);
    floe_mdns_questions_time(mdns, now);
}

floe_time floe_mdns_deadline(const floe_mdns *mdns)
{
    return floe_time_min(floe_mdns_hosts_deadline(mdns), floe_mdns_questions_deadline(mdns));
}

bool floe_mdns_poll(floe_mdns *mdns, floe_mdns_output *output)
{
    output->to = (floe_address){0};
    return floe_mdns_hosts_poll(mdns, output) || floe_mdns_questions_poll(mdns, output);
}
