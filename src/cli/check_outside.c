/* From outside: this machine's own sockets send to the relayed address, and the packets have to come back through the
 * relay. So its ports are open to the world, and the address is the server's (external-ip). Then the relay sends them to
 * where they came from: so what it sends gets out. Data from the relay to itself shows none of this, as it does not leave
 * the server. */
#include "cli/check_run.h"

#include <string.h>

#define TRY_MS 100
#define PERMIT_MS 500
/* So long, and so often, packets are sent once the permission stands. */
#define ENOUGH_MS 1500
#define ENOUGH_TRIES 12
/* So many that are lost, one after the other, no lossy way has lost. */
#define NEVER_LOST 20

static const char magic[16] = "floe check from";

double check_since(uint64_t then)
{
    return (double)(uv_hrtime() - then) / 1e6;
}

static void not_tried(check_run *run, const char *why)
{
    run->row->outside = OUTSIDE_NOT_TRIED;
    (void)snprintf(run->row->outside_why, sizeof run->row->outside_why, "%s", why);
    run->outside.done = true;
}

static bool same_ip(const floe_address *a, const floe_address *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

static bool is_private(const floe_address *address)
{
    floe_address_kind kind = floe_address_classify(address);

    return kind == FLOE_ADDRESS_PRIVATE || kind == FLOE_ADDRESS_SHARED;
}

static bool is_ours(const check_run *run, const floe_address *address)
{
    bool ours = floe_address_classify(address) == FLOE_ADDRESS_LOOPBACK;

    for (size_t i = 0; i < run->host_count; i++) {
        ours = ours || same_ip(&run->hosts[i].address, address);
    }
    return ours;
}

static size_t refused_count(const check_tries *tries)
{
    size_t count = 0;

    for (size_t i = 0; i < tries->mapped_count; i++) {
        count += tries->refused[i];
    }
    return count;
}

/* NULL: nothing forbids it. */
static const char *obstacle(const check_run *run, const floe_address *server)
{
    if (run->checker->command->settings.proxy != NULL && check_is_stream(run->row->transport)) {
        return "the server is reached by a proxy, and packets of this machine's would come from "
               "another address";
    }
    if (run->host_count == 0) {
        return run->relay.family == FLOE_FAMILY_IPV4
                   ? "the relay is IPv4 only, and this row's local addresses are not"
                   : "the relay is IPv6 only, and this row's local addresses are not";
    }
    if (is_ours(run, server) || is_ours(run, &run->relay)) {
        return "the server is on this machine: run the check from elsewhere";
    }
    if (is_private(&run->relay) && !is_private(server)) {
        return "the relayed address is private";
    }
    for (size_t i = 0; i < run->outside.mapped_count; i++) {
        if (same_ip(&run->outside.mapped[i], &run->relay) ||
            same_ip(&run->outside.mapped[i], server)) {
            return "the server has the public address of this network: run the check from "
                   "elsewhere";
        }
    }
    return NULL;
}

/* Those that can send to the relay. */
static void keep_hosts_of(check_run *run, uint8_t family)
{
    size_t kept = 0;

    for (size_t i = 0; i < run->host_count; i++) {
        if (run->hosts[i].address.family == family) {
            run->hosts[kept++] = run->hosts[i];
        }
    }
    run->host_count = kept;
}

void check_outside_mapped(check_run *run, const char *address, uint16_t port)
{
    check_tries *tries = &run->outside;
    floe_address mapped;

    if (address == NULL || floe_address_parse(address, &mapped) != FLOE_OK ||
        tries->mapped_count == CHECK_PLACES_MAX) {
        return;
    }
    mapped.port = port;
    for (size_t i = 0; i < tries->mapped_count; i++) {
        if (same_ip(&tries->mapped[i], &mapped)) {
            return; /* a permission is for all ports (RFC 8656 §9) */
        }
    }
    tries->mapped[tries->mapped_count++] = mapped;
    if (tries->began != 0) { /* another address: as from the beginning */
        tries->began = uv_hrtime();
        tries->standing = tries->asked = 0;
        run->row->tries = 0;
    }
}

void check_outside_begin(check_run *run)
{
    floe_address server = {0};
    check_row *row = run->row;

    (void)floe_address_parse_with_port(row->server, &server);
    keep_hosts_of(run, run->relay.family);
    (void)floe_address_format_with_port(&run->relay, row->outside_to, sizeof row->outside_to);
    (void)floe_address_format(&run->relay, row->outside_ip, sizeof row->outside_ip);
    row->outside_elsewhere = server.family != run->relay.family || !same_ip(&server, &run->relay);
    const char *why = obstacle(run, &server);
    if (why != NULL) {
        not_tried(run, why);
    } else if (run->outside.mapped_count == 0) {
        not_tried(run, "the server does not say from which address it sees this machine");
    } else {
        run->outside.began = uv_hrtime();
    }
}

/* The server is asked for a permission by a packet from the relay. */
static void permit(check_run *run)
{
    check_tries *tries = &run->outside;

    tries->asked = uv_hrtime();
    for (size_t i = 0; i < tries->mapped_count; i++) {
        const floe_address *to = &tries->mapped[i];
        if (to->family == run->relay.family && !tries->refused[i] &&
            floe_gatherer_send(run->gatherer, run->relay_id, to, "permit", 6) ==
                FLOE_ERR_PERMISSION) {
            tries->refused[i] = true;
        }
    }
}

/* A server whose own firewall forbids what the relay sends ends the relay, and its port refuses what comes: that would
 * look as if the port were closed, but that the relay does not hear itself any more either. */
static void try_once(check_run *run)
{
    run->row->tries++;
    if (run->row->loop == LOOP_PASSES) {
        (void)floe_gatherer_send(run->gatherer, run->relay_id, &run->relay, magic, sizeof magic);
    }
    for (size_t i = 0; i < run->host_count; i++) {
        (void)floe_gatherer_send(run->gatherer, run->hosts[i].id, &run->relay, magic, sizeof magic);
    }
}

static double try_ms(const check_run *run)
{
    return TRY_MS + check_round_trip(run) / 8;
}

/* Whether it has heard itself within so many tries. */
static bool hears_itself(const check_run *run, unsigned tries)
{
    uint64_t alive = run->outside.alive;
    uint64_t since = alive > run->outside.standing ? alive : run->outside.standing;

    return check_since(since) <= tries * try_ms(run) + 2 * check_round_trip(run);
}

static bool is_dead(const check_run *run)
{
    return run->row->loop == LOOP_PASSES && run->outside.standing != 0 &&
           !hears_itself(run, NEVER_LOST);
}

static void closed(check_run *run, check_outside *way)
{
    *way = OUTSIDE_CLOSED;
    run->outside.done = true;
}

static void on_asked_candidate(void *user_data, const floe_candidate *candidate)
{
    check_run *run = user_data;
    check_tries *tries = &run->outside;

    if (candidate == NULL || candidate->type == FLOE_CANDIDATE_TYPE_SRFLX) {
        tries->udp_works = tries->udp_works || candidate != NULL;
        tries->udp_known = true;
        if (candidate != NULL && !tries->done) {
            check_outside_mapped(run, candidate->address, candidate->port);
        }
    }
}

/* Where the server is reached by TCP, nobody knows yet whether UDP gets out of here, and from which address: its own
 * port is asked. */
static void ask_by_udp(check_run *run)
{
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    char text[FLOE_ADDRESS_TEXT_SIZE + 16];
    const char *url = text;

    (void)snprintf(text, sizeof text, "stun:%s", run->row->server);
    server.urls = &url;
    server.url_count = 1;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    options.gather_policy = FLOE_GATHER_POLICY_NOHOST;
    run->outside.udp_known = true;
    if (floe_gatherer_new(run->api, &options, &run->outside.asks) == FLOE_OK) {
        (void)floe_gatherer_on_local_candidate(run->outside.asks, on_asked_candidate, run);
        run->outside.udp_known = floe_gatherer_gather(run->outside.asks) != FLOE_OK;
    }
}

/* Where UDP goes out of here at all, a relay that nothing comes to has closed ports. */
static void not_in(check_run *run)
{
    check_tries *tries = &run->outside;

    if (!check_is_stream(run->row->transport) || tries->udp_works) {
        closed(run, &run->row->outside);
    } else if (tries->asks == NULL) {
        ask_by_udp(run);
    } else if (tries->udp_known) {
        not_tried(run, "UDP from here does not reach the server");
    }
}

/* Nothing has come: is that the relay's fault? How slow the server is the relay's data to itself shows first. `over`: there
 * is no more time to find out. */
static void in_vain(check_run *run, bool over)
{
    check_tries *tries = &run->outside;
    bool open = run->row->outside == OUTSIDE_OPEN;

    if (is_dead(run)) {
        if (!open) {
            not_tried(run, "the server ended the relay when that was to send to this machine");
        }
        closed(run, &run->row->outward);
    } else if (open && tries->echoes >= NEVER_LOST && run->row->loop != LOOP_UNKNOWN) {
        closed(run, &run->row->outward);
    } else if (open) {
        tries->done = over;
    } else if (tries->standing == 0) {
        not_tried(run, "the server gave no permission for this machine's address in time");
    } else if (over || run->row->loop != LOOP_PASSES || hears_itself(run, ENOUGH_TRIES / 2)) {
        not_in(run);
    }
}

void check_outside_tick(check_run *run)
{
    check_tries *tries = &run->outside;
    double round_trip = check_round_trip(run);

    if (tries->done || tries->began == 0) {
        return;
    }
    if (refused_count(tries) == tries->mapped_count) {
        run->row->outside_refused = true;
        not_tried(run, "the server does not relay to this machine's address (403)");
        return;
    }
    /* A permission is asked for each of these peers by a request of its own. */
    size_t wanted = tries->mapped_count - refused_count(tries) + (run->row->loop != LOOP_REFUSED);
    if (tries->standing == 0 && tries->granted >= wanted) {
        tries->standing = uv_hrtime();
    }
    if (tries->asked == 0 || (tries->standing == 0 && check_since(tries->asked) >= PERMIT_MS)) {
        permit(run);
    }
    if (check_since(tries->began) >= try_ms(run) * run->row->tries) {
        try_once(run);
    }
    bool long_enough = tries->standing != 0 && run->row->tries >= ENOUGH_TRIES &&
                       check_since(tries->standing) >= ENOUGH_MS + 4 * round_trip;
    bool over = check_since(tries->began) >= check_patience(run);
    if (long_enough || over) {
        in_vain(run, over);
    }
}

/* The relay gives it back to whence it came, by the way that a NAT of ours has opened. */
static void hear_at_relay(check_run *run, const floe_packet *packet)
{
    check_row *row = run->row;

    if (floe_address_equal(&packet->peer, &run->relay)) {
        run->outside.alive = uv_hrtime();
        return;
    }
    if (row->outside != OUTSIDE_OPEN) {
        row->outside = OUTSIDE_OPEN;
        run->outside.standing = uv_hrtime();
        (void)floe_address_format_with_port(&packet->peer, row->outside_from,
                                            sizeof row->outside_from);
    }
    if (!run->outside.done) {
        run->outside.echoes++;
        (void)floe_gatherer_send(run->gatherer, run->relay_id, &packet->peer, magic, sizeof magic);
    }
}

bool check_outside_packet(check_run *run, const floe_packet *packet)
{
    if (packet->size != sizeof magic || memcmp(packet->data, magic, sizeof magic) != 0) {
        return false;
    }
    if (packet->candidate_id == run->relay_id) {
        hear_at_relay(run, packet);
    } else if (floe_address_equal(&packet->peer, &run->relay)) {
        run->row->outward = OUTSIDE_OPEN;
        run->outside.done = true;
    }
    return true;
}

bool check_outside_refused(check_run *run, const floe_address *peer)
{
    check_tries *tries = &run->outside;
    bool known = false;

    for (size_t i = 0; i < tries->mapped_count; i++) {
        if (same_ip(&tries->mapped[i], peer)) {
            tries->refused[i] = true;
            known = true;
        }
    }
    return known;
}

void check_outside_unreachable(check_run *run, floe_unreachable reason)
{
    static const char *const words[] = {
        [FLOE_UNREACHABLE_PORT] = "ICMP: port unreachable",
        [FLOE_UNREACHABLE_HOST] = "ICMP: host unreachable",
        [FLOE_UNREACHABLE_NETWORK] = "ICMP: no way there",
        [FLOE_UNREACHABLE_PROHIBITED] = "ICMP: a firewall forbids it",
        [FLOE_UNREACHABLE_NOT_SENT] = "this machine does not send it: a local firewall?",
    };

    if ((size_t)reason < sizeof words / sizeof *words && words[reason] != NULL) {
        (void)snprintf(run->row->outside_icmp, sizeof run->row->outside_icmp, "%s", words[reason]);
    }
}

void check_outside_free(check_run *run)
{
    floe_gatherer_free(run->outside.asks);
    run->outside.asks = NULL;
    run->outside.done = true;
}
