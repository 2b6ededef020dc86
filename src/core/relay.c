/* A relay: the gatherer's side of one TURN allocation: its pacing, its packets, its candidate, and
 * the other local port after a 437 (T6). */
#include "base/assert.h"
#include "core/gatherer.h"
#include "turn/peer.h"

#include <string.h>

/* T5: whatever the base's own family is, a peer may have either. */
static unsigned families_of(const floe_core *core, bool tcp)
{
    uint32_t types = core->shared->network_types;

    if (tcp) {
        return ((types & FLOE_NETWORK_TYPE_TCP4) != 0 ? FLOE_TURN_IPV4 : 0U) |
               ((types & FLOE_NETWORK_TYPE_TCP6) != 0 ? FLOE_TURN_IPV6 : 0U);
    }
    return ((types & FLOE_NETWORK_TYPE_UDP4) != 0 ? FLOE_TURN_IPV4 : 0U) |
           ((types & FLOE_NETWORK_TYPE_UDP6) != 0 ? FLOE_TURN_IPV6 : 0U);
}

static bool is_stream(const floe_relay *relay)
{
    return relay->transport == FLOE_PROTOCOL_TCP || relay->transport == FLOE_PROTOCOL_TLS;
}

/* By the socket of its base; else by a connection of its own. */
static bool by_datagrams(const floe_relay *relay)
{
    return relay->transport == FLOE_PROTOCOL_UDP;
}

bool floe_relay_has_way(const floe_relay *relay)
{
    const floe_connection *connection = relay->connection;

    return by_datagrams(relay) ? relay->base->state == FLOE_BASE_OPEN
                               : connection != NULL && connection->state == FLOE_CONNECTION_READY;
}

#define ENDS (1U << FLOE_RELAY_RELEASING | 1U << FLOE_RELAY_ENDED)

/* The one place where its state changes. */
static void become(floe_relay *relay, floe_relay_state state)
{
    /* Which may follow it, a bit each. */
    static const uint8_t next[] = {
        [FLOE_RELAY_ASKED] = 1U << FLOE_RELAY_STANDS | 1U << FLOE_RELAY_LOST | ENDS,
        [FLOE_RELAY_STANDS] =
            1U << FLOE_RELAY_STANDS | 1U << FLOE_RELAY_MOVES | 1U << FLOE_RELAY_LOST | ENDS,
        [FLOE_RELAY_MOVES] =
            1U << FLOE_RELAY_MOVES | 1U << FLOE_RELAY_STANDS | 1U << FLOE_RELAY_LOST | ENDS,
        [FLOE_RELAY_LOST] = 1U << FLOE_RELAY_LOST | 1U << FLOE_RELAY_STANDS | ENDS,
        [FLOE_RELAY_RELEASING] = 0,
        [FLOE_RELAY_ENDED] = 0,
    };

    FLOE_ASSERT((next[relay->state] & 1U << state) != 0);
    relay->state = (uint8_t)state;
    if (state == FLOE_RELAY_STANDS) { /* it was to be asked for anew this moment, say */
        relay->retry = FLOE_TIME_NEVER;
    }
}

/* The request that is wanted takes its turn, once there is a way to the server. */
static void take_turn(floe_core *core, floe_relay *relay, bool soon)
{
    if (floe_relay_has_way(relay)) {
        floe_pace(core, &relay->paced, soon);
    }
}

/* By datagrams of the base, to the server. */
static bool uses(const floe_relay *relay, const floe_base *base, const floe_address *server)
{
    return floe_relay_lives(relay) && relay->base == base && by_datagrams(relay) &&
           floe_address_equal(&relay->turn.server, server);
}

/* By another of ours. */
static bool is_used(const floe_core *core, const floe_relay *relay, const floe_base *base)
{
    FLOE_LIST_EACH(other, &core->relays, floe_relay, link)
    {
        if (other != relay && uses(other, base, &relay->turn.server)) {
            return true;
        }
    }
    return false;
}

/* Its socket, and the base that it was asked for; both stay as long as it names them. */
static void stand_on(floe_relay *relay, floe_base *base, floe_base *origin)
{
    base->relays++;
    origin->relays++;
    if (relay->base != NULL) {
        relay->base->relays--;
        relay->origin->relays--;
    }
    relay->base = base;
    relay->origin = origin;
}

/* Two URLs may lead to one server, which knows allocations by their 5-tuples (RFC 8656 §3.2): there
 * each has a socket of its own, if one can be had. */
static void stand_apart(floe_core *core, floe_relay *relay)
{
    floe_base *spare = NULL;

    if (!relay->base->spare && is_used(core, relay, relay->base)) {
        spare = floe_base_spare(core, relay->base);
    }
    if (spare != NULL) {
        stand_on(relay, spare, relay->origin);
    }
}

static bool connect(floe_core *core, floe_time now, floe_relay *relay);

/* Asks for an allocation. */
static bool start(floe_core *core, floe_time now, floe_relay *relay, bool soon)
{
    relay->retry = FLOE_TIME_NEVER;
    relay->begun = now;
    if (floe_turn_allocation_start(&relay->turn) != FLOE_OK) {
        return false;
    }
    if (!by_datagrams(relay)) {
        return connect(core, now, relay);
    }
    stand_apart(core, relay);
    take_turn(core, relay, soon);
    return true;
}

/* Past a proxy an address is the proxy's, whatever server is behind it. */
static bool is_of_one_server(const floe_core *core, const floe_relay *one, const floe_relay *other,
                             const floe_address *remote)
{
    return floe_address_equal(&other->turn.server, remote) &&
           (!floe_url_proxied(core->shared, one->server->url) ||
            floe_url_same_place(one->server->url, other->server->url));
}

/* RFC 8656 §18.10: the port beside the one that the other component has from this server. */
static void take_reservation(const floe_core *core, const floe_relay *relay,
                             const floe_address *remote, floe_turn_wishes *wishes)
{
    FLOE_LIST_EACH(other, &core->associated->relays, floe_relay, link)
    {
        if (other->turn.reserves && floe_relay_same_kind(other->kind, relay->kind) &&
            is_of_one_server(core, relay, other, remote) &&
            floe_address_same_ip(&other->origin->local, &relay->origin->local)) {
            other->turn.reserves = false;
            wishes->reserved = true;
            memcpy(wishes->reservation, other->turn.reservation, sizeof wishes->reservation);
            return;
        }
    }
}

static floe_turn_wishes wishes_of(const floe_core *core, const floe_relay *relay,
                                  const floe_address *remote)
{
    bool pair_of_ports = core->set->even_port;
    floe_turn_wishes wishes = {
        .families = relay->kind.family != 0 ? relay->kind.family
                                            : (uint8_t)families_of(core, relay->kind.tcp),
        .first = relay->origin->local.family == FLOE_FAMILY_IPV6 ? FLOE_TURN_IPV6 : FLOE_TURN_IPV4,
        .tcp = relay->kind.tcp,
        .beside = relay->kind.family != 0,
        .mobile = core->shared->mobility && !floe_relay_beside(relay->kind),
        .dont_fragment = core->shared->dont_fragment && !relay->kind.tcp,
        .even_port = pair_of_ports && !relay->kind.tcp && core->component == 1};

    if (pair_of_ports && !relay->kind.tcp && core->component != 1 && core->associated != NULL) {
        take_reservation(core, relay, remote, &wishes);
    }
    return wishes;
}

static void init_turn(const floe_core *core, floe_relay *relay, floe_turn_account *account,
                      const floe_address *remote)
{
    floe_turn_wishes wishes = wishes_of(core, relay, remote);

    floe_turn_allocation_init(&relay->turn, &core->shared->random, account, remote,
                              core->shared->rto, is_stream(relay), &wishes);
}

/* A spare socket serves one relay; behind what it has still to send. */
static void close_spare(floe_core *core, floe_base *base)
{
    if (base->spare && base->state != FLOE_BASE_CLOSING) {
        floe_base_close(core, base);
    }
}

/* For one base, or for an interface's two families (T1). */
static bool is_beside(const floe_relay *one, const floe_relay *other)
{
    return one->origin == other->origin || floe_bases_are_rivals(one->origin, other->origin);
}

static bool would_be_told_as(const floe_relay *one, const floe_relay *other)
{
    return floe_relay_lives(one) && is_beside(one, other) && one->server == other->server &&
           floe_relay_same_kind(one->kind, other->kind);
}

/* Its owner has been told of one that it may come in the place of. */
static bool stands_in_for_known(const floe_core *core, const floe_relay *relay)
{
    FLOE_LIST_EACH(other, &core->relays, floe_relay, link)
    {
        if (other->known && would_be_told_as(other, relay)) {
            return true;
        }
    }
    return false;
}

static void begin(floe_core *core, floe_time now, floe_paced *paced);

/* Asks for nothing yet; NULL without memory. */
static floe_relay *create(floe_core *core, floe_base *origin, const floe_server *server,
                          floe_relay_kind kind, const floe_place *place)
{
    floe_relay *relay = floe_allocate(&core->shared->allocator, sizeof *relay);

    if (relay == NULL) {
        floe_core_out_of_memory(core);
        return NULL;
    }
    relay->paced.begin = begin;
    relay->kind = kind;
    floe_list_init(&relay->streams);
    relay->server = server;
    stand_on(relay, origin, origin);
    relay->transport = place->transport;
    relay->asked = place->address;
    relay->retry = relay->check = relay->unheard = relay->leaves = FLOE_TIME_NEVER;
    relay->known = stands_in_for_known(core, relay);
    init_turn(core, relay, server->account, &place->address);
    floe_list_append(&core->relays, &relay->link);
    return relay;
}

/* It comes in the other's place. */
static void take_after(floe_relay *next, const floe_relay *relay)
{
    next->in_vain = relay->in_vain;
    next->known = next->known || relay->known;
    next->losses = relay->losses;
    next->had_at = relay->had_at;
}

/* Asks at once; NULL without memory. */
static floe_relay *make(floe_core *core, floe_time now, floe_base *origin,
                        const floe_server *server, floe_relay_kind kind, const floe_place *place)
{
    floe_relay *relay = create(core, origin, server, kind, place);

    if (relay != NULL && !start(core, now, relay, false)) {
        close_spare(core, relay->base);
        floe_relay_free(core, relay);
        floe_core_out_of_memory(core);
        return NULL;
    }
    return relay;
}

floe_relay *floe_relay_new(floe_core *core, floe_time now, floe_attempt *attempt)
{
    const floe_pair *pair = attempt->pair;
    floe_place place = {.address = attempt->remote, .transport = attempt->transport};
    floe_relay *relay = make(core, now, pair->base, pair->server, pair->kind, &place);

    if (relay != NULL) {
        relay->attempt = attempt;
    }
    return relay;
}

static void drop_connection(floe_core *core, floe_relay *relay)
{
    floe_streams_end(core, relay);
    if (relay->connection != NULL) {
        floe_connection_close(core, relay->connection);
        relay->connection = NULL;
    }
}

/* Once more from the beginning: at this address, by this account. */
static bool restart(floe_core *core, floe_time now, floe_relay *relay, floe_turn_account *account,
                    const floe_address *remote)
{
    floe_address to = *remote;
    floe_turn_account *kept = floe_turn_account_share(account);
    /* From this socket the server may have one of ours, of before. */
    bool same = floe_address_equal(&relay->turn.server, &to);
    bool inherits = by_datagrams(relay) && same && floe_turn_allocation_stands(&relay->turn);
    bool heeds = same && relay->turn.heeds;

    floe_list_remove(&relay->paced.link);
    floe_untell(&relay->output);
    drop_connection(core, relay);
    floe_turn_allocation_free(&relay->turn);
    init_turn(core, relay, kept, &to);
    relay->turn.inherits = inherits;
    relay->turn.heeds = heeds;
    floe_turn_account_release(kept);
    return start(core, now, relay, true);
}

static void forget_attempt(floe_relay *relay)
{
    if (relay->attempt != NULL) {
        relay->attempt->relay = NULL;
        relay->attempt = NULL;
    }
}

/* The attempt keeps what was counted. */
static void leave_counters(const floe_relay *relay)
{
    if (relay->attempt != NULL) {
        relay->attempt->counters = relay->counters;
    }
}

/* What a relay leaves: its base, and the one beside which that was opened, if it is a spare. */
static void forget_bases(floe_core *core, floe_base *base, floe_base *origin)
{
    if (origin != base) {
        floe_base_forget(core, origin);
    }
    floe_base_forget(core, base);
}

void floe_relay_free(floe_core *core, floe_relay *relay)
{
    leave_counters(relay);
    forget_attempt(relay);
    floe_found_withdraw_relay(core, relay);
    floe_streams_end(core, relay);
    floe_list_remove(&relay->paced.link);
    floe_untell(&relay->output);
    floe_list_remove(&relay->link);
    if (relay->connection != NULL) {
        floe_connection_disown(relay->connection);
    }
    floe_turn_allocation_free(&relay->turn);
    floe_deallocate(&core->shared->allocator, relay->host);
    floe_deallocate(&core->shared->allocator, relay->visited);
    relay->base->relays--;
    relay->origin->relays--;
    forget_bases(core, relay->base, relay->origin);
    floe_deallocate(&core->shared->allocator, relay);
}

static floe_asked asked(const floe_relay *relay, const floe_stun_transaction *transaction)
{
    return (floe_asked){.local = &relay->base->local,
                        .remote = &relay->turn.server,
                        .url = relay->server->text,
                        .transaction = transaction};
}

void floe_relay_trace(floe_core *core, floe_time now, floe_trace_kind kind, const floe_relay *relay,
                      const floe_stun_transaction *transaction, const floe_stun_message *message,
                      const char *detail)
{
    floe_asked by = asked(relay, transaction);

    floe_trace_packet(core, now, kind, &by, message, detail);
}

void floe_relay_request_leaves(floe_core *core, floe_time now, const floe_relay *relay,
                               const floe_stun_transaction *transaction, floe_counters *counters,
                               size_t size)
{
    floe_leaving request = {.asked = asked(relay, transaction), .counters = counters};

    floe_request_leaves(core, now, &request, size);
}

bool floe_relay_poll_send(floe_core *core, floe_time now, floe_relay *relay,
                          floe_core_output *output)
{
    floe_span data =
        floe_turn_allocation_write(&relay->turn, output->room.data, sizeof output->room.data);
    floe_leaving request = {.asked = asked(relay, &relay->turn.transaction),
                            .counters = &relay->counters,
                            .polled = true};
    bool good = floe_poll_request(core, now, &request, relay->base->channel, data, output);

    if (relay->state == FLOE_RELAY_RELEASING) {
        floe_relay_free(core, relay);
    }
    return good;
}

/* By a connection messages go at once: what waits there is in its order. */
static void send_now(floe_core *core, floe_time now, floe_relay *relay)
{
    uint8_t request[FLOE_TURN_REQUEST_SIZE];
    floe_span data = floe_turn_allocation_write(&relay->turn, request, sizeof request);

    if (data.size > 0 &&
        floe_connection_send(core, relay->connection, core->shared->queue_limit + FLOE_CONTROL_ROOM,
                             &data, 1) == FLOE_OK) {
        floe_connection_requested(relay->connection);
        floe_relay_request_leaves(core, now, relay, &relay->turn.transaction, &relay->counters,
                                  data.size);
    }
}

/* Another of ours by whom an allocation stands there. */
static floe_relay *ours_beside(const floe_core *core, const floe_relay *relay)
{
    FLOE_LIST_EACH(other, &core->relays, floe_relay, link)
    {
        if (other != relay && uses(other, relay->base, &relay->turn.server) &&
            floe_turn_allocation_stands(&other->turn)) {
            return other;
        }
    }
    return NULL;
}

/* What an unanswered Allocate may have made is not to be confused with what stands there by another
 * of ours: whoever that is sees to it. */
static bool leave_to_another(floe_core *core, const floe_relay *relay)
{
    floe_relay *other = NULL;

    if (!relay->turn.made && by_datagrams(relay)) {
        other = ours_beside(core, relay);
    }
    if (other != NULL && !other->turn.made && floe_turn_allocation_stands(&relay->turn)) {
        other->turn.inherits = true;
    }
    return other != NULL;
}

/* By a connection what its server may hold is given back before that closes: from another one
 * nobody can. */
static void give_back(floe_core *core, floe_time now, floe_relay *relay)
{
    if (relay->connection != NULL && floe_relay_has_way(relay) &&
        floe_turn_allocation_release(&relay->turn)) {
        send_now(core, now, relay);
    }
}

/* Where others have sent it, and by which name: it is asked for from the beginning. */
static void forget_way(const floe_core *core, floe_relay *relay)
{
    relay->redirects = relay->rejoined = 0;
    floe_deallocate(&core->shared->allocator, relay->host);
    relay->host = NULL;
}

/* What stood on it, or what another stood on until now, may be wanted no more (floe_relays_sweep). */
static void unsettle(floe_core *core, floe_relay *relay)
{
    core->relays_changed = relay->base->unsettled = relay->origin->unsettled = true;
}

/* The one door: whatever ends an allocation, nothing of it goes on behind this. Its candidates are
 * withdrawn; its requests, its peers and its streams stop; its connection closes; the name that an
 * alternate server was given is forgotten. What its server may still hold by datagrams, the machine
 * knows (floe_turn_allocation_stands): the caller gives it back, or asks anew. */
static void end_allocation(floe_core *core, floe_time now, floe_relay *relay)
{
    give_back(core, now, relay);
    if (relay->turn.state != FLOE_TURN_ENDED) {
        (void)floe_turn_allocation_lost(&relay->turn, 0, (floe_span){0});
    }
    floe_relay_drop_peers(core, relay);
    drop_connection(core, relay);
    floe_found_withdraw_relay(core, relay); /* behind the word that its ways are gone */
    floe_list_remove(&relay->paced.link);
    floe_untell(&relay->output);
    relay->retry = relay->check = FLOE_TIME_NEVER;
    relay->ignored = 0;
    forget_way(core, relay);
    relay->unheard = FLOE_TIME_NEVER;
    if (by_datagrams(relay)) {
        floe_binding_relay_gone(core, relay->base, &relay->turn.server);
    }
    unsettle(core, relay);
}

void floe_relay_release(floe_core *core, floe_time now, floe_relay *relay)
{
    leave_counters(relay);
    forget_attempt(relay);
    bool left = leave_to_another(core, relay);
    bool owed = by_datagrams(relay) && floe_turn_allocation_release(&relay->turn) && !left &&
                floe_relay_has_way(relay);
    end_allocation(core, now, relay);
    if (by_datagrams(relay)) {
        floe_base_bids_farewell(core, now, relay->base, &relay->turn.server);
    }
    become(relay, owed ? FLOE_RELAY_RELEASING : FLOE_RELAY_ENDED);
    if (owed) { /* else it expires there */
        floe_tell(core, &relay->output, FLOE_OUTPUT_SEND_RELAY);
    }
    close_spare(core, relay->base);
}

/* ── Whether the server still has it (T7b) ── */

/* A reason to ask is no reason to ask without a pause. */
#define DOUBT_EVERY floe_seconds(5)
/* Packets that draw nothing for so long are a reason. */
#define UNHEARD_FOR floe_seconds(5)
/* So long a server that is there may owe an answer and say nothing. */
#define SILENT_FOR floe_seconds(5)
/* By a connection it is only known to have been there. An outage of 10 s is over by then for who
 * sends again in waits that double: TCP, or by DTLS a sixth send after 15.5 s. */
#define SILENT_BY_CONNECTION_FOR floe_seconds(20)
/* By datagrams it is known to be there by so many Bindings that it has answered meanwhile, each
 * beside another send: no outage looks like that. As loss may, though seldom, it is asked anew
 * before it is believed. */
#define IGNORED_SENDS 3U
/* Nothing listens at the server's port: so often said to a Refresh, it is believed. */
#define REFUSED_SENDS 3U

void floe_relay_verify(floe_relay *relay, floe_time now, bool soon)
{
    if (floe_relay_is_had(relay)) {
        relay->doubted = now;
        (soon ? floe_turn_refresh_soon : floe_turn_refresh_now)(&relay->turn, now);
    }
}

void floe_relay_woke(floe_relay *relay, floe_time now)
{
    if (!floe_relay_is_had(relay)) {
        return;
    }
    relay->doubted = now;
    if (floe_turn_refresh_awake(&relay->turn, now)) {
        relay->owed = now;
        relay->ignored = 0;
    }
}

void floe_relay_doubt(floe_relay *relay, floe_time now)
{
    if (floe_time_since(now, relay->doubted).ns >= DOUBT_EVERY.ns) {
        floe_relay_verify(relay, now, false);
    }
}

void floe_relays_doubt(floe_core *core, floe_time now, const floe_base *base,
                       const floe_address *server)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (uses(relay, base, server)) {
            floe_relay_doubt(relay, now);
        }
    }
}

/* There are servers (Pion's) that leave a Refresh of what they do not have unanswered. */
static bool is_owed_an_answer(const floe_relay *relay)
{
    return floe_relay_serves(relay) && floe_stun_transaction_runs(&relay->turn.transaction);
}

bool floe_relays_heard(const floe_core *core, const floe_base *base, const floe_address *server,
                       floe_time since)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (floe_relay_serves(relay) && relay->origin == base && by_datagrams(relay) &&
            floe_address_equal(&relay->turn.server, server) && relay->turn.heard.ns > since.ns) {
            return true;
        }
    }
    return false;
}

void floe_relays_answered_beside(floe_core *core, const floe_base *base, const floe_address *server)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        uint8_t sends = relay->turn.transaction.sends;
        if (!uses(relay, base, server)) {
            continue;
        }
        floe_turn_allocation_beside(&relay->turn);
        if (is_owed_an_answer(relay) && sends > relay->ignored_send) {
            relay->ignored_send = sends;
            if (++relay->ignored == IGNORED_SENDS) {
                floe_untell(&relay->output);
                floe_turn_refresh_anew(&relay->turn);
                take_turn(core, relay, true);
            }
        }
    }
}

/* One that has to be repeated takes a Binding with it: whether the server is there. */
static void request_goes(floe_core *core, floe_time now, floe_relay *relay)
{
    if (relay->turn.transaction.sends == 1) {
        relay->ignored_send = 1;
        if (!floe_turn_refreshes_again(&relay->turn)) {
            relay->ignored = relay->ignored < IGNORED_SENDS ? 0 : relay->ignored;
            relay->owed = now; /* the one that is asked anew has its own time */
        }
    } else if (by_datagrams(relay) && floe_relay_serves(relay)) {
        floe_binding_ask_beside(core, relay->base, &relay->turn.server);
    } else if (relay->attempt != NULL) {
        core->listener->asks_reflexive(core, relay->attempt);
    }
}

void floe_relay_sends(floe_relay *relay, floe_time now)
{
    if (floe_time_is_never(relay->unheard)) {
        relay->unheard = now;
    } else if (floe_time_since(now, relay->unheard).ns >= UNHEARD_FOR.ns) {
        relay->unheard = now;
        floe_relay_doubt(relay, now);
    }
}

/* Asked of a relay each Tr: a NAT forgets its mapping (RFC 8445 §11), and a server that was
 * restarted its allocations. */
static void set_check(const floe_core *core, floe_time now, floe_relay *relay)
{
    relay->check = floe_time_after(now, core->shared->keepalive);
}

bool floe_relay_is_of(const floe_relay *relay, const floe_base *base, const floe_server *server,
                      floe_relay_kind kind)
{
    return floe_relay_serves(relay) && relay->origin == base && relay->server == server &&
           floe_relay_same_kind(relay->kind, kind);
}

floe_relay *floe_relay_of(const floe_core *core, const floe_base *base, const floe_server *server,
                          floe_relay_kind kind)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (floe_relay_is_of(relay, base, server, kind)) {
            return relay;
        }
    }
    return NULL;
}

bool floe_relay_is_sure(const floe_core *core, const floe_relay *relay)
{
    return floe_relay_serves(relay) && relay->turn.heard.ns >= core->started.ns;
}

bool floe_relay_is_challenged(const floe_relay *relay)
{
    return !floe_relay_is_had(relay) && floe_turn_allocation_challenged(&relay->turn);
}

bool floe_relay_needless(const floe_core *core, const floe_relay *relay)
{
    floe_relay_kind first = {.tcp = relay->kind.tcp};
    const floe_relay *by = NULL;

    if (relay->kind.family != 0) {
        by = floe_relay_of(core, relay->origin, relay->server, first);
    }
    for (size_t i = 0; by != NULL && i < 2; i++) {
        uint8_t family = by->turn.relayed[i].family;
        if (family != FLOE_FAMILY_NONE &&
            relay->kind.family == (family == FLOE_FAMILY_IPV6 ? FLOE_TURN_IPV6 : FLOE_TURN_IPV4)) {
            return true;
        }
    }
    return false;
}

floe_relay *floe_relay_under_way(const floe_core *core, const floe_attempt *attempt)
{
    const floe_pair *pair = attempt->pair;
    floe_relay *astray = NULL;

    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (floe_relay_lives(relay) && relay->origin == pair->base &&
            relay->server == pair->server && floe_relay_same_kind(relay->kind, pair->kind) &&
            relay->attempt == NULL) {
            if (relay->transport == attempt->transport &&
                floe_address_equal(&relay->asked, &attempt->remote)) {
                return relay;
            }
            if (relay->state == FLOE_RELAY_LOST &&
                !floe_server_is_at(pair->server, &relay->asked, relay->transport)) {
                astray = relay;
            }
        }
    }
    return astray;
}

/* ── What it has found ── */

/* Whether its owner hears nothing of it for now: it leaves, or is for the next gathering to tell. */
static bool is_quiet(const floe_relay *relay)
{
    return relay->hushed || !floe_time_is_never(relay->leaves);
}

static floe_address mapped_of(const floe_core *core, const floe_relay *relay)
{
    floe_address mapped = {0};

    if (relay->turn.mapped.family == FLOE_FAMILY_NONE ||
        !floe_mapped_address(core, relay->base, &relay->turn.mapped, &mapped)) {
        mapped = (floe_address){0};
    }
    return mapped;
}

/* `asked`: by one that the next gathering asks. */
static bool is_kept(const floe_core *core, const floe_base *base, const floe_address *server,
                    bool asked)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (uses(relay, base, server) && floe_relay_serves(relay) &&
            mapped_of(core, relay).family != FLOE_FAMILY_NONE &&
            (!asked || floe_server_current(core, relay->server))) {
            return true;
        }
    }
    return false;
}

bool floe_relays_keep(const floe_core *core, const floe_base *base, const floe_address *server)
{
    return is_kept(core, base, server, false);
}

bool floe_relays_tell(const floe_core *core, const floe_base *base, const floe_address *server)
{
    return is_kept(core, base, server, true);
}

/* RFC 6544 §4.5: one that connects, from whatever port, and one that is connected to. */
static void tell_tcp(floe_core *core, floe_time now, const floe_finding *finding)
{
    floe_address discard = floe_address_with_port(*finding->address, 9);
    floe_finding active = *finding;
    floe_finding passive = *finding;

    active.address = &discard;
    active.tcp_type = FLOE_TCP_TYPE_ACTIVE;
    (void)floe_found_add(core, now, &active);
    passive.tcp_type = FLOE_TCP_TYPE_PASSIVE;
    (void)floe_found_add(core, now, &passive);
}

/* The mapping that the server has seen is known without asking, and kept (R2). */
static void keep_mapping(floe_core *core, floe_time now, const floe_relay *relay)
{
    floe_address mapped = mapped_of(core, relay);

    if (by_datagrams(relay) && mapped.family != FLOE_FAMILY_NONE) {
        floe_binding_adopt(core, now, relay->base, relay->server, &relay->turn.server, &mapped);
    }
}

static void tell(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_address mapped = mapped_of(core, relay);

    relay->base->has_relay = relay->origin->has_relay = true;
    floe_base_changed(core, relay->base);
    floe_base_changed(core, relay->origin);
    for (size_t i = 0; i < 2 && relay->turn.relayed[i].family != FLOE_FAMILY_NONE; i++) {
        floe_finding finding = {.type = FLOE_CANDIDATE_TYPE_RELAY,
                                .base = relay->base,
                                .server = relay->server,
                                .relay = relay,
                                .transport = relay->transport,
                                .remote = &relay->turn.server,
                                .address = &relay->turn.relayed[i],
                                .related = &mapped};
        if (relay->kind.tcp) {
            tell_tcp(core, now, &finding);
        } else {
            (void)floe_found_add(core, now, &finding);
        }
    }
}

/* ── Mobility (RFC 8016, T10) ── */

static bool can_move(const floe_relay *relay)
{
    return relay->turn.state == FLOE_TURN_ALLOCATED && relay->turn.ticket != NULL &&
           !floe_relay_beside(relay->kind);
}

static bool asks(const floe_core *core, const floe_base *base, const floe_server *server)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (floe_relay_lives(relay) && relay->origin == base && relay->server == server) {
            return true;
        }
    }
    return false;
}

/* Where the allocation can go on: at its own address, if that is back, or the best of the same family
 * that has none by this server. NULL: there is none. */
static floe_base *next_base(const floe_core *core, const floe_relay *relay)
{
    const floe_base *gone = relay->origin;
    floe_base *best = NULL;

    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        bool open = base->state == FLOE_BASE_OPENING || base->state == FLOE_BASE_OPEN;
        bool fits = base != gone && base->chosen && !base->spare && open &&
                    base->local.family == gone->local.family;
        if (!fits || asks(core, base, relay->server)) {
            continue;
        }
        if (floe_address_same_ip(&base->local, &gone->local)) {
            return base; /* it is back */
        }
        best = best == NULL || base->rank < best->rank ? base : best;
    }
    return best;
}

/* Asks from where it is now; false without memory. */
static bool begin_move(floe_core *core, floe_time now, floe_relay *relay)
{
    become(relay, FLOE_RELAY_MOVES);
    floe_turn_allocation_move(&relay->turn);
    if (!by_datagrams(relay)) {
        drop_connection(core, relay);
        if (relay->base->state != FLOE_BASE_OPEN) {
            return true; /* once that is open */
        }
        return connect(core, now, relay);
    }
    take_turn(core, relay, true);
    return true;
}

/* The base goes: its relay moves to another, as soon as that is open; to a socket of its own there,
 * where another of ours stands by the server already. False: there is none. */
static bool leave(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_base *next = can_move(relay) ? next_base(core, relay) : NULL;
    floe_base *left = relay->base;
    floe_base *origin = relay->origin;
    floe_base *base = next;

    if (next != NULL && by_datagrams(relay) && is_used(core, relay, next)) {
        base = floe_base_spare(core, next);
    }
    if (base == NULL) {
        return false;
    }
    floe_list_remove(&relay->paced.link);
    floe_untell(&relay->output);
    stand_on(relay, base, next);
    relay->check = FLOE_TIME_NEVER;
    floe_found_move(core, relay, base);
    close_spare(core, left); /* with nobody's candidate on it */
    forget_bases(core, left, origin);
    if (!begin_move(core, now, relay)) {
        floe_relay_lost(core, now, relay); /* it is asked for there, once there is memory */
    }
    return true;
}

/* It waits for an address to move to, for as long as its lifetime lasts: its server has it. */
bool floe_relay_waits_for_address(const floe_relay *relay)
{
    return relay->state == FLOE_RELAY_MOVES &&
           (relay->base->state == FLOE_BASE_CLOSING || relay->base->state == FLOE_BASE_FAILED);
}

static void strand(floe_core *core, floe_relay *relay)
{
    floe_list_remove(&relay->paced.link);
    floe_untell(&relay->output);
    drop_connection(core, relay);
    relay->check = FLOE_TIME_NEVER;
    become(relay, FLOE_RELAY_MOVES);
    floe_turn_allocation_move(&relay->turn);
}

void floe_relays_move_on(floe_core *core, floe_time now)
{
    for (int others = 0; others < 2; others++) { /* whose address is back goes first */
        FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
        {
            const floe_base *next =
                floe_relay_waits_for_address(relay) ? next_base(core, relay) : NULL;
            if (next != NULL &&
                (others || floe_address_same_ip(&next->local, &relay->origin->local))) {
                (void)leave(core, now, relay);
            }
        }
    }
}

/* So long one that is replaced goes on: its peer has to hear of the other, and to check it. */
#define LEAVES_AFTER floe_seconds(30)

/* Nobody is told of it any more. */
static void let_leave(floe_time now, floe_relay *relay)
{
    if (floe_time_is_never(relay->leaves)) {
        relay->leaves = floe_time_after(now, LEAVES_AFTER);
    }
}

/* Whether another has been told in its place, of which nothing says that it stands no more. */
static bool told_beside(const floe_core *core, floe_time now, const floe_relay *relay)
{
    FLOE_LIST_EACH(other, &core->relays, floe_relay, link)
    {
        const floe_stun_transaction *asks = &other->turn.transaction;
        bool silent = !floe_relay_is_sure(core, other) && floe_stun_transaction_runs(asks) &&
                      floe_time_since(now, asks->started).ns >= core->shared->rto.ns;
        if (other != relay && would_be_told_as(other, relay) && floe_relay_serves(other) &&
            !silent && other->generation == core->generation && !is_quiet(other)) {
            return true;
        }
    }
    return false;
}

/* What stands is what the gathering has found; of several that were there one is told (L11), by whose
 * server says so first. */
static void found(floe_core *core, floe_time now, floe_relay *relay)
{
    if (relay->generation != core->generation && told_beside(core, now, relay)) {
        let_leave(now, relay);
    }
    keep_mapping(core, now, relay);
    if (!is_quiet(relay)) {
        tell(core, now, relay);
    }
    if (floe_found_of_relay(core, relay)) {
        relay->generation = core->generation;
        relay->known = relay->known || !core->pooled; /* else that waits to be told */
    }
    if (relay->attempt != NULL) {
        core->listener->succeeded(core, now, relay->attempt);
    }
}

/* The server has it: from an earlier gathering, or moved to where we are now. */
static void stands(floe_core *core, floe_time now, floe_relay *relay)
{
    bool moved = relay->state == FLOE_RELAY_MOVES;

    become(relay, FLOE_RELAY_STANDS);
    if (moved) {
        floe_relay_peers_again(core, now, relay);
    }
    relay->doubted = now; /* that is answered */
    relay->ignored = 0;
    set_check(core, now, relay);
    floe_relay_heard(relay, now);
    if (floe_server_current(core, relay->server)) { /* else this gathering has not found it */
        found(core, now, relay);
    }
    if (core->state == FLOE_GATHERER_STATE_COMPLETE) { /* else its end does */
        floe_relays_leave(core, now);
    }
}

void floe_relays_leave_base(floe_core *core, floe_time now, const floe_base *base)
{
    for (int silent = 0; silent < 2; silent++) { /* who may be dead takes nobody's place */
        FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
        {
            bool here = relay->origin == base || relay->base == base;
            bool waits = relay->turn.transaction.sends > 1;
            if (!here || !floe_relay_lives(relay) || (!silent && waits) ||
                leave(core, now, relay)) {
                continue;
            }
            if (can_move(relay)) {
                strand(core, relay);
            } else {
                floe_relay_release(core, now, relay);
            }
        }
    }
}

void floe_relays_sweep(floe_core *core)
{
    if (!core->relays_changed) {
        return;
    }
    core->relays_changed = false;
    FLOE_LIST_EACH_SAFE(relay, &core->relays, floe_relay, link)
    {
        if (relay->state == FLOE_RELAY_ENDED) {
            floe_relay_free(core, relay);
        }
    }
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        if (base->unsettled && core->state == FLOE_GATHERER_STATE_COMPLETE) {
            floe_bindings_sweep(core, base); /* else its end does */
        }
        base->unsettled = false;
    }
}

/* Why the machine ended, with the transaction as it stood before. */
static floe_failure failure_of(const floe_core *core, const floe_relay *relay,
                               const floe_stun_transaction *transaction, floe_time now)
{
    static const uint8_t kinds[] = {
        [FLOE_TURN_FAILURE_NONE] = FLOE_FAILURE_TIMEOUT,
        [FLOE_TURN_FAILURE_TIMEOUT] = FLOE_FAILURE_TIMEOUT,
        [FLOE_TURN_FAILURE_ERROR_RESPONSE] = FLOE_FAILURE_SERVER,
        [FLOE_TURN_FAILURE_CREDENTIALS] = FLOE_FAILURE_CREDENTIALS,
        [FLOE_TURN_FAILURE_BAD_ANSWER] = FLOE_FAILURE_BAD_ANSWER,
        [FLOE_TURN_FAILURE_LOCAL] = FLOE_FAILURE_MEMORY,
    };
    const floe_turn_failure *of = &relay->turn.failure;
    floe_failure failure =
        floe_failure_of((floe_failure_kind)kinds[of->kind], transaction, &relay->turn.server, now);

    failure.code = of->code != 0 ? of->code : failure.code;
    failure.answered = floe_relay_is_challenged(relay);
    failure.before =
        floe_relay_is_had(relay) || floe_binding_once_answered(relay->base, &relay->turn.server);
    failure.transport = relay->connection != NULL ? relay->connection->transport : 0;
    floe_failure_set_reason(core, &failure, of->reason != NULL ? of->reason : "");
    return failure;
}

/* T7: how long until a lost allocation is asked for again: at once, then 1, 2, 4 … 60 s. */
static floe_duration retry_after(unsigned losses)
{
    return losses == 0  ? floe_seconds(0)
           : losses > 6 ? floe_seconds(60)
                        : floe_seconds(1U << (losses - 1));
}

void floe_failure_of_relay(floe_failure *failure, const floe_relay *relay)
{
    if (relay->redirects == 0) {
        failure->before |= relay->counters.responses > 0;
        return;
    }
    failure->pointed_by = relay->visited[relay->redirects - 1];
    if (relay->connection == NULL) {
        failure->remote = relay->turn.server;
    }
}

/* Of its kind, or in one allocation what took two (T5). */
static bool stands_for(const floe_relay *relay, const floe_relay *former)
{
    bool has = false;

    if (floe_relay_same_kind(relay->kind, former->kind)) {
        return true;
    }
    for (size_t i = 0; i < 2; i++) {
        uint8_t family = relay->turn.relayed[i].family;
        has = has || (family == FLOE_FAMILY_IPV4 && former->kind.family == FLOE_TURN_IPV4) ||
              (family == FLOE_FAMILY_IPV6 && former->kind.family == FLOE_TURN_IPV6);
    }
    return has && relay->kind.tcp == former->kind.tcp;
}

/* Whether another serves as what it was for, and stays: of its base, or of the other family's of the
 * interface (T1); by its server, or by the same URL's of whichever credentials. */
static bool is_replaced(const floe_core *core, const floe_relay *former)
{
    bool current = floe_server_current(core, former->server);

    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        bool there = current ? relay->server == former->server
                             : floe_url_same_place(relay->server->url, former->server->url);
        if (relay != former && floe_relay_serves(relay) && is_beside(relay, former) && there &&
            floe_time_is_never(relay->leaves) && stands_for(relay, former) &&
            relay->generation == core->generation) {
            return true;
        }
    }
    return false;
}

/* It asks in its time. */
static void wait_for_turn(floe_time now, floe_relay *relay, floe_duration pause)
{
    become(relay, FLOE_RELAY_LOST);
    relay->retry = floe_time_after(now, pause);
    relay->losses = (uint8_t)(relay->losses + (relay->losses < UINT8_MAX));
}

void floe_relay_pass_on(floe_core *core, floe_time now, floe_relay *relay)
{
    const floe_server *successor = floe_server_successor(core, relay->server);
    floe_place place = {.address = relay->asked, .transport = relay->transport};
    floe_relay *next = NULL;

    if (relay->state != FLOE_RELAY_ASKED && successor != NULL && !is_replaced(core, relay) &&
        !core->listener->refused(relay->origin, successor, relay->kind)) {
        next = create(core, relay->origin, successor, relay->kind, &place);
    }
    if (next != NULL) {
        take_after(next, relay);
        next->room = FLOE_ROOM_MADE;
        wait_for_turn(now, next, retry_after(next->losses));
    }
    floe_relay_release(core, now, relay);
}

/* The socket stays, and asks anew in its time. */
static void ask_again_later(floe_core *core, floe_time now, floe_relay *relay, bool full)
{
    if (!floe_server_current(core, relay->server)) {
        floe_relay_pass_on(core, now, relay);
        return;
    }
    end_allocation(core, now, relay);
    wait_for_turn(now, relay, retry_after(full && relay->losses < 7 ? 7 : relay->losses));
}

/* Whether a gathering waits for it, and is to know what came of it. */
static bool awaited(const floe_relay *relay)
{
    return relay->attempt != NULL && relay->attempt->progress == FLOE_PENDING;
}

/* For good; what the server may still hold of it is given back. Whoever waits for it hears why, or
 * the owner, if it `had` an allocation. */
static void give_up(floe_core *core, floe_time now, floe_relay *relay, bool had,
                    floe_failure failure)
{
    floe_attempt *attempt = awaited(relay) ? relay->attempt : NULL;

    if (attempt == NULL && had) {
        core->listener->relay_ended(core, relay, failure, true);
    }
    floe_relay_release(core, now, relay);
    if (attempt != NULL) {
        core->listener->failed(core, now, attempt, failure);
    } else if (!had) {
        floe_failure_release(core->shared, &failure);
    }
}

void floe_relay_await_room(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_relay_leave_gathering(core, relay);
    if (relay->state == FLOE_RELAY_ASKED) {
        floe_relay_release(core, now, relay);
    } else if (floe_time_is_never(relay->retry)) {
        ask_again_later(core, now, relay, true);
    }
}

/* Whether another of ours that would be told as this one asks there, or would for that base. */
static bool asked_by_another(const floe_core *core, const floe_relay *relay, const floe_base *base,
                             const floe_place *place)
{
    FLOE_LIST_EACH(other, &core->relays, floe_relay, link)
    {
        if (other != relay && would_be_told_as(other, relay) && other->origin == base &&
            floe_place_is(place, &other->asked, other->transport)) {
            return true;
        }
    }
    return false;
}

/* T1: the one by which a relay for this base is asked for there: itself, or the interface's other
 * family's. NULL: neither. */
static floe_base *asks_there(const floe_core *core, const floe_relay *relay, const floe_address *to)
{
    if (floe_base_asks(core, relay->origin, to)) {
        return relay->origin;
    }
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        if (base->state == FLOE_BASE_OPEN && !base->spare && base->chosen &&
            floe_bases_are_rivals(relay->origin, base) && floe_base_asks(core, base, to)) {
            return base;
        }
    }
    return NULL;
}

typedef struct where {
    floe_base *base;
    floe_place place;
} where;

/* Where one that was lost is asked for: where it was; in vain, at each address of its server's in
 * turn, of either family, that is not known to be full, and no longer where that is not. While a
 * gathering waits for it, there its other addresses have their own. */
static where next_place(const floe_core *core, floe_time now, const floe_relay *relay)
{
    where same = {relay->origin, {.address = relay->asked, .transport = relay->transport}};
    const floe_names *names = &relay->server->names;
    size_t at = floe_names_find(names, &relay->asked, relay->transport);
    bool listed = at < names->place_count;
    bool full = floe_server_refused(relay->server, now, relay->kind, &relay->asked) != NULL;
    if (awaited(relay) || (listed && !relay->in_vain && !full)) {
        return same;
    }
    size_t first = listed ? at + 1 : 0;
    for (size_t i = 0; i < names->place_count; i++) {
        const floe_place *place = &names->places[(first + i) % names->place_count];
        floe_base *base = asks_there(core, relay, &place->address);
        if (base != NULL &&
            floe_server_refused(relay->server, now, relay->kind, &place->address) == NULL &&
            !asked_by_another(core, relay, base, place)) {
            return (where){base, *place};
        }
    }
    return same;
}

static bool is_there(const floe_relay *relay, const where *at)
{
    return floe_place_is(&at->place, &relay->asked, relay->transport);
}

/* A server may let go what was released only a moment later (coturn: a second). */
#define ROOM_AFTER floe_milliseconds(1500)

/* coturn's quotas count "time:user" for the user. */
static bool same_user(const floe_relay *relay, const floe_relay *former)
{
    const char *one = relay->turn.account->username;
    const char *other = former->turn.account->username;
    const char *colon = strchr(one, ':');
    const char *other_colon = strchr(other, ':');

    return strcmp(one, other) == 0 ||
           (colon != NULL && other_colon != NULL && strcmp(colon, other_colon) == 0);
}

/* One whose credentials are the owner's no more, at the relay's server: the one in whose place the
 * relay comes, or another, best of the same user. NULL: there is none. */
static floe_relay *former_beside(const floe_core *core, const floe_relay *relay)
{
    floe_relay *any = NULL;

    FLOE_LIST_EACH(other, &core->relays, floe_relay, link)
    {
        if (floe_relay_lives(other) && !floe_server_current(core, other->server) &&
            floe_address_same_ip(&other->turn.server, &relay->turn.server)) {
            if (other->origin == relay->origin &&
                floe_server_successor(core, other->server) == relay->server) {
                return other;
            }
            any = any == NULL || !same_user(relay, any) ? other : any;
        }
    }
    return any;
}

static bool release_former(floe_core *core, floe_time now, const floe_relay *relay, uint16_t code)
{
    floe_relay *former = former_beside(core, relay);

    if (former == NULL || (code == 486 && !same_user(relay, former))) {
        return false;
    }
    floe_relay_release(core, now, former);
    return true;
}

/* Its server has no room for it, or not from there, while a former one of ours is there, or was until
 * now: that makes room, and it is asked for again, once. */
static bool make_way(floe_core *core, floe_time now, floe_relay *relay, const floe_failure *failure)
{
    uint16_t code = failure->kind == FLOE_FAILURE_SERVER ? failure->code : 0;
    bool speaks_of_it = code == 437 || code == 441 || code == 486 || code == 508;

    if (!speaks_of_it || floe_relay_beside(relay->kind) || relay->room == FLOE_ROOM_AWAITED ||
        (relay->room == FLOE_ROOM_TAKEN && !release_former(core, now, relay, code))) {
        return false;
    }
    end_allocation(core, now, relay);
    relay->retry = floe_time_after(now, ROOM_AFTER);
    relay->room = FLOE_ROOM_AWAITED;
    relay->known = true; /* as what has made room was */
    become(relay, FLOE_RELAY_LOST);
    return true;
}

/* It was lost, and is asked for where it was not had: while that is away, at another that the name leads
 * to, who may be anybody. */
static bool is_elsewhere(const floe_relay *relay)
{
    return relay->had_at.family != FLOE_FAMILY_NONE &&
           !floe_address_same_ip(&relay->had_at, &relay->asked) &&
           floe_server_is_at(relay->server, &relay->had_at, relay->transport);
}

/* Of a base, or an interface's two families (T1), and a server one relay of a kind is enough: a restart may come while several addresses
 * are asked. */
static bool another_serves(const floe_core *core, const floe_relay *relay)
{
    FLOE_LIST_EACH(other, &core->relays, floe_relay, link)
    {
        if (other != relay && would_be_told_as(other, relay) && floe_relay_serves(other) &&
            floe_time_is_never(other->leaves)) {
            return true;
        }
    }
    return false;
}

/* So often in a row, for three seconds, what is refused where it was had is asked for there again. */
#define LOSSES_THERE 3

/* It asked in vain. One that was there before is asked for again: its owner hears once that it is
 * not to be had for now, or the gathering that waits for it. A server that was restarted is where it
 * was; one that does not give back what it has lost may have moved. */
static void fail(floe_core *core, floe_time now, floe_relay *relay, floe_failure failure)
{
    bool full = floe_failure_is_full(&failure);
    bool failed_by_silence = failure.kind == FLOE_FAILURE_TIMEOUT;

    if (make_way(core, now, relay, &failure)) {
        floe_failure_release(core->shared, &failure);
        return;
    }
    floe_failure_of_relay(&failure, relay);
    if (full) {
        floe_server_refuses(core, now, relay->server, relay->kind, &relay->asked, failure.code);
    }
    bool had = relay->state != FLOE_RELAY_ASKED;
    if (had && !awaited(relay) && another_serves(core, relay)) { /* that is no failure */
        floe_failure_release(core->shared, &failure);
        floe_relay_release(core, now, relay);
        return;
    }
    if (!had || (floe_failure_ends_allocate(&failure) && !is_elsewhere(relay))) {
        give_up(core, now, relay, had, failure);
        return;
    }
    if (awaited(relay)) {
        floe_attempt *attempt = relay->attempt;
        floe_relay_leave_gathering(core, relay);
        core->listener->failed(core, now, attempt, failure);
    } else if (is_elsewhere(relay)) { /* what is told is of who has given it */
        floe_failure_release(core->shared, &failure);
    } else {
        core->listener->relay_ended(core, relay, failure, false);
    }
    /* Whose port is closed may be about to open it again; who is silent is asked where else he may be. */
    bool before = relay->in_vain;
    relay->in_vain = before || failed_by_silence || full || relay->losses >= LOSSES_THERE;
    bool elsewhere = is_elsewhere(relay);
    where next = next_place(core, now, relay);
    uint8_t losses = relay->losses;
    ask_again_later(core, now, relay, full && is_there(relay, &next));
    if (elsewhere && floe_address_same_ip(&relay->had_at, &next.place.address)) {
        relay->retry = now; /* that was time enough, and counts for nothing there */
        relay->losses = losses;
    } else if (!before && !full && !is_there(relay, &next)) {
        relay->retry = now; /* another is asked for the first time */
    }
    core->listener->look_up_again(core, now, relay->server);
}

/* Its owner has never been told of it, and is not to be behind the gathering's end (L4); what he knew
 * of is told as soon as it is had. */
static void hush(const floe_core *core, floe_relay *relay)
{
    relay->hushed = relay->generation != core->generation && !relay->known;
}

void floe_relay_leave_gathering(const floe_core *core, floe_relay *relay)
{
    forget_attempt(relay);
    hush(core, relay);
}

/* Unless what was there in its place is gone meanwhile: then it is told again, if it stands. */
static void leave_now(floe_core *core, floe_time now, floe_relay *relay)
{
    if (is_replaced(core, relay)) {
        floe_relay_release(core, now, relay);
    } else {
        relay->leaves = FLOE_TIME_NEVER;
        relay->hushed = false;
        floe_relay_verify(relay, now, true);
    }
}

/* What leaves as this one was there in its place is looked at now. */
static void let_stay(const floe_core *core, floe_time now, const floe_relay *lost)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (relay != lost && would_be_told_as(relay, lost) && !floe_time_is_never(relay->leaves)) {
            relay->leaves = now;
        }
    }
}

void floe_relays_leave(floe_core *core, floe_time now)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        bool moves =
            relay->state == FLOE_RELAY_MOVES; /* until that is done nothing is sure of it */
        if (!floe_relay_lives(relay) || floe_server_current(core, relay->server) || moves) {
            continue;
        }
        if (floe_server_successor(core, relay->server) == NULL) {
            floe_relay_release(core, now, relay);
        } else if (is_replaced(core, relay)) {
            let_leave(now, relay);
        } else if (floe_time_is_never(relay->leaves)) { /* else its time tells (leave_now) */
            tell(core, now, relay); /* it is what its owner has, by credentials of before */
            relay->generation = core->generation;
        }
    }
}

void floe_relays_end_gathering(floe_core *core, floe_time now)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        bool told = relay->generation == core->generation;
        if (floe_relay_lives(relay) && !told && floe_relay_needless(core, relay)) {
            floe_relay_release(core, now, relay);
        } else if (floe_relay_lives(relay) && !told && is_replaced(core, relay)) {
            let_leave(now, relay); /* it was silent while another was had */
        } else {
            hush(core, relay);
        }
    }
}

/* The allocation is gone: the server was restarted, say. */
static void lose(floe_core *core, floe_time now, floe_relay *relay, floe_failure failure)
{
    floe_failure_of_relay(&failure, relay);
    if (floe_failure_is_final(&failure) && floe_server_current(core, relay->server)) {
        give_up(core, now, relay, true, failure);
        return;
    }
    /* A server that was restarted is where it was; one that is silent is asked where else it may be. */
    relay->in_vain = relay->in_vain || failure.kind == FLOE_FAILURE_TIMEOUT;
    floe_failure_release(core->shared, &failure);
    let_stay(core, now, relay);
    ask_again_later(core, now, relay, false);
    if (relay->attempt != NULL) {
        core->listener->again(core, now, relay->attempt);
    }
}

/* T4b: an impossible address is left out; without any other the answer is a bad one. */
static bool sift_relayed(const floe_core *core, floe_relay *relay)
{
    floe_address *relayed = relay->turn.relayed;

    for (int i = 1; i >= 0; i--) {
        if (relayed[i].family != FLOE_FAMILY_NONE &&
            !floe_address_believable(core->shared, &relayed[i])) {
            relayed[i] = i == 0 ? relayed[1] : (floe_address){0};
            relayed[1] = (floe_address){0};
        }
    }
    return relayed[0].family != FLOE_FAMILY_NONE;
}

/* RFC 8656 §3.2: an allocation is known by its 5-tuple, and a server that makes one has none there.
 * So another of ours that stood there is gone: its server was restarted, or a NAT has forgotten the
 * mapping by which it stood. The server would take its Refresh for the new one's. */
static void end_those_before(floe_core *core, floe_time now, const floe_relay *relay)
{
    if (!by_datagrams(relay)) {
        return;
    }
    FLOE_LIST_EACH_SAFE(other, &core->relays, floe_relay, link)
    {
        if (other != relay && uses(other, relay->base, &relay->turn.server) &&
            other->turn.state == FLOE_TURN_ALLOCATED &&
            !floe_address_equal(&relay->turn.relayed[0], &other->turn.relayed[0])) {
            other->turn.made = false; /* a Refresh of 0 would end the new one */
            floe_relay_lost(core, now, other);
        }
    }
}

static void succeed(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_address first = relay->turn.relayed[0];
    if (!sift_relayed(core, relay)) {
        floe_failure failure = {.kind = FLOE_FAILURE_BAD_ANSWER, .remote = relay->turn.server};
        floe_failure_set_impossible(core, &failure, "it names an impossible relayed address",
                                    &first);
        fail(core, now, relay, failure);
        return;
    }
    if (!awaited(relay) && (floe_relay_needless(core, relay) || another_serves(core, relay))) {
        floe_relay_release(core, now, relay);
        return;
    }
    become(relay, FLOE_RELAY_STANDS);
    relay->in_vain = false;
    relay->had_at = relay->asked;
    relay->room = FLOE_ROOM_TAKEN;
    if (relay->connection != NULL) {
        relay->connection->framer.measure = floe_frame_measure;
    }
    if (relay->attempt == NULL) {
        core->listener->adopt(core, now, relay); /* it was asked for before a restart */
    }
    if (!is_quiet(relay)) { /* of what nobody is told, nobody is told that it is lost */
        core->listener->relay_back(core, relay);
    }
    if (relay->attempt != NULL && mapped_of(core, relay).family == FLOE_FAMILY_NONE) {
        core->listener->asks_reflexive(core, relay->attempt);
    }
    stands(core, now, relay);
    end_those_before(core, now, relay);
    unsettle(core, relay);
}

/* T4: up to eight, none twice. */
#define REDIRECTS_MAX 8U

static const char *why_not_there(const floe_core *core, const floe_relay *relay,
                                 const floe_address *to)
{
    if (!floe_address_believable(core->shared, to)) {
        return "it points to an impossible address";
    }
    if (!floe_port_allowed(core->shared, relay->server->url, to->port)) {
        return "it points to a port that settings.refuse_low_ports refuses";
    }
    if (to->family != relay->base->local.family &&
        !floe_url_proxied(core->shared, relay->server->url)) {
        return "it points to an address of the other family";
    }
    if (relay->redirects == REDIRECTS_MAX) {
        return "it has pointed elsewhere eight times";
    }
    bool seen = floe_address_equal(to, &relay->turn.server);
    for (size_t i = 0; i < relay->redirects; i++) {
        seen = seen || floe_address_equal(to, &relay->visited[i]);
    }
    return seen ? "it points back to where we have been" : NULL;
}

/* The name that its certificate must have, where one was given (RFC 8489 §10). */
static bool take_domain(const floe_core *core, floe_relay *relay)
{
    const char *domain = relay->turn.alternate_domain;

    if (domain == NULL) {
        return true;
    }
    char *copy = floe_copy_text(&core->shared->allocator, domain, strlen(domain));
    if (copy != NULL) {
        floe_deallocate(&core->shared->allocator, relay->host);
        relay->host = copy;
    }
    return copy != NULL;
}

static floe_error alternate_account(floe_core *core, const floe_relay *relay,
                                    const floe_address *to, floe_turn_account **account)
{
    const floe_turn_account *own = relay->turn.account;
    char host[FLOE_ADDRESS_TEXT_SIZE];
    floe_url url = *relay->server->url;

    url.host = host;
    (void)floe_address_format(to, host, sizeof host);
    url.port = to->port;
    return floe_shared_account(core->shared, &url, own->username, own->password, own->token,
                               account);
}

static void redirect(floe_core *core, floe_time now, floe_relay *relay)
{
    const floe_allocator *allocator = &core->shared->allocator;
    floe_failure failure = {.kind = FLOE_FAILURE_BAD_ANSWER, .remote = relay->turn.server};
    floe_address to = floe_address_normalise(relay->turn.alternate);
    floe_turn_account *account = NULL;
    const char *why = why_not_there(core, relay, &to);

    if (why != NULL) {
        floe_failure_set_reason(core, &failure, why);
        fail(core, now, relay, failure);
        return;
    }
    if (relay->visited == NULL) {
        relay->visited = floe_allocate(allocator, REDIRECTS_MAX * sizeof *relay->visited);
    }
    if (relay->visited != NULL && take_domain(core, relay) &&
        alternate_account(core, relay, &to, &account) == FLOE_OK) {
        relay->visited[relay->redirects++] = relay->turn.server;
        bool good = restart(core, now, relay, account, &to);
        floe_turn_account_release(account);
        if (good) {
            return;
        }
    }
    failure.kind = FLOE_FAILURE_MEMORY;
    fail(core, now, relay, failure);
}

static bool reclaim(floe_core *core, floe_relay *relay)
{
    bool of_another_user = relay->turn.failure.code == 441;

    if (of_another_user || ours_beside(core, relay) != NULL ||
        !floe_turn_allocation_reclaim(&relay->turn)) {
        return false;
    }
    take_turn(core, relay, true);
    return true;
}

/* T6: another local port, once; where there is none, or it may be our own of before, the allocation that
 * stands there is deleted, once, unless it is another user's (441). */
static bool mend_mismatch(floe_core *core, floe_time now, floe_relay *relay)
{
    bool of_another_user = relay->turn.failure.code == 441;
    bool deleted = relay->turn.reclaimed_once && !of_another_user;

    if (relay->connection != NULL && !relay->turn.inherits) { /* another one has another port */
        return relay->rejoined++ == 0 &&
               restart(core, now, relay, relay->turn.account, &relay->turn.server);
    }
    if (!relay->base->spare && !deleted && !relay->turn.inherits) {
        floe_base *spare = floe_base_spare(core, relay->base);
        if (spare != NULL) {
            stand_on(relay, spare, relay->origin);
            if (relay->attempt != NULL) {
                core->listener->asks_reflexive(core, relay->attempt);
            }
            return true;
        }
    }
    return reclaim(core, relay);
}

void floe_relay_base_settled(floe_core *core, floe_time now, floe_relay *relay)
{
    bool open = relay->base->state == FLOE_BASE_OPEN;

    if (relay->state == FLOE_RELAY_MOVES) {
        if (!open && relay->base->spare) {
            floe_relay_release(core, now, relay);
        } else if (open && !begin_move(core, now, relay)) { /* else it waits for another */
            floe_relay_lost(core, now, relay);
        }
        return;
    }
    if (!open) {
        floe_base *spare = relay->base;
        stand_on(relay, relay->origin, relay->origin);
        floe_base_close(core, spare);
    }
    if (relay->turn.wants) { /* nobody has been asked by it yet */
        take_turn(core, relay, false);
    } else if (open) {
        floe_failure failure = {.kind = FLOE_FAILURE_MEMORY, .remote = relay->turn.server};
        if (!restart(core, now, relay, relay->turn.account, &relay->turn.server)) {
            fail(core, now, relay, failure);
        }
    } else if (!reclaim(core, relay)) {
        fail(core, now, relay, failure_of(core, relay, &relay->turn.transaction, now));
    }
}

void floe_relay_lost(floe_core *core, floe_time now, floe_relay *relay)
{
    lose(core, now, relay, failure_of(core, relay, &relay->turn.transaction, now));
}

static void disconnected(floe_core *core, floe_time now, void *owner, floe_failure failure)
{
    floe_relay *relay = owner;
    bool had = relay->turn.state == FLOE_TURN_ALLOCATED;

    relay->connection = NULL;
    floe_streams_end(core, relay);
    /* T8: to a server that takes no protocol of ours (ALPN) another connection names none. */
    if (failure.kind == FLOE_FAILURE_SECURE && failure.detail != 0 &&
        restart(core, now, relay, relay->turn.account, &relay->turn.server)) {
        floe_failure_release(core->shared, &failure);
        return;
    }
    if (can_move(relay) && relay->state == FLOE_RELAY_STANDS && begin_move(core, now, relay)) {
        floe_failure_release(core->shared, &failure);
        return;
    }
    relay->turn.made = false; /* RFC 8656 §3.1: with its connection an allocation goes */
    if (had) {
        lose(core, now, relay, failure);
    } else {
        fail(core, now, relay, failure);
    }
}

static void connected(floe_core *core, floe_time now, void *owner)
{
    (void)now;
    take_turn(core, owner, true);
}

static bool message(floe_core *core, floe_time now, void *owner, floe_span frame,
                    floe_packet *packet)
{
    return floe_relay_message(core, now, owner, frame, packet);
}

static void leaves(void *owner, floe_time now)
{
    floe_relay *relay = owner;

    floe_stun_transaction_leaves(&relay->turn.transaction, now);
}

static void unreachable(floe_core *core, floe_time now, void *owner, floe_unreachable reason)
{
    floe_relay_unreachable(core, now, owner, reason, true); /* what came back is encrypted */
}

static const floe_connection_owner connection_owner = {.ready = connected,
                                                       .message = message,
                                                       .gone = disconnected,
                                                       .leaves = leaves,
                                                       .unreachable = unreachable};

floe_connection *floe_relay_connect(floe_core *core, floe_time now, const floe_relay *relay,
                                    const floe_connection_owner *calls, void *owner)
{
    const floe_url *url = relay->server->url;
    floe_connection_plan plan = {.calls = calls,
                                 .owner = owner,
                                 .base = relay->base,
                                 .url = url,
                                 .text = relay->server->text,
                                 .host = relay->host != NULL ? relay->host : url->host,
                                 .server = relay->turn.server,
                                 .proxy = relay->asked,
                                 .transport = relay->transport,
                                 .redirected = relay->redirects > 0,
                                 .stun_alone = relay->turn.state != FLOE_TURN_ALLOCATED};

    return floe_connection_new(core, now, &plan);
}

static bool connect(floe_core *core, floe_time now, floe_relay *relay)
{
    relay->connection = floe_relay_connect(core, now, relay, &connection_owner, relay);
    return relay->connection != NULL;
}

/* A Refresh was not granted, which is asked again. To a gathering that waits for it a server in
 * trouble has said nothing against what it has granted before; of another refusal the second try
 * tells, in time. */
static void refused(floe_core *core, floe_time now, floe_relay *relay)
{
    if (floe_relay_serves(relay) && awaited(relay) && relay->turn.failure.code / 100 == 5) {
        stands(core, now, relay);
    }
}

/* The one place where the machine's events become the gatherer's. */
static void happened(floe_core *core, floe_time now, floe_relay *relay, floe_turn_event event,
                     const floe_stun_transaction *before)
{
    if (event != FLOE_TURN_NOTHING) {
        floe_untell(&relay->output); /* what waits to be sent has been answered, or is over */
    }
    switch (event) {
    case FLOE_TURN_NOTHING:
    case FLOE_TURN_DOUBT: /* of its peers' alone */
        break;
    case FLOE_TURN_SEND:
        request_goes(core, now, relay);
        if (by_datagrams(relay)) {
            floe_tell(core, &relay->output, FLOE_OUTPUT_SEND_RELAY);
        } else if (relay->connection != NULL) {
            send_now(core, now, relay);
        }
        break;
    case FLOE_TURN_PROGRESS:
        if (relay->turn.wants) {
            take_turn(core, relay, true);
        }
        break;
    case FLOE_TURN_GRANTED:
        relay->losses = 0;
        if (!is_quiet(relay)) { /* an outage may have hidden it from the gathering */
            core->listener->relay_back(core, relay);
        }
        stands(core, now, relay);
        break;
    case FLOE_TURN_REFUSED:
        refused(core, now, relay);
        break;
    case FLOE_TURN_SUCCESS:
        succeed(core, now, relay);
        break;
    case FLOE_TURN_MISMATCH:
        if (mend_mismatch(core, now, relay)) {
            break;
        }
        /* fall through */
    case FLOE_TURN_FAILED:
        fail(core, now, relay, failure_of(core, relay, before, now));
        break;
    case FLOE_TURN_REDIRECT:
        redirect(core, now, relay);
        break;
    case FLOE_TURN_LOST:
        lose(core, now, relay, failure_of(core, relay, before, now));
        break;
    }
}

static void begin(floe_core *core, floe_time now, floe_paced *paced)
{
    floe_relay *relay = FLOE_CONTAINER(paced, floe_relay, paced);

    if (!relay->turn.wants || !floe_relay_has_way(relay)) { /* lost in the queue */
        return;
    }
    floe_turn_event event = floe_turn_allocation_begin(&relay->turn, now);

    happened(core, now, relay, event, &relay->turn.transaction);
}

bool floe_relay_receive(floe_core *core, floe_time now, floe_relay *relay,
                        const floe_address *source, const floe_stun_message *message)
{
    floe_stun_transaction before = relay->turn.transaction;
    floe_stun_match match;
    floe_turn_event event =
        floe_turn_allocation_receive(&relay->turn, now, source, message, &match);

    if (floe_stun_is_forged(match)) {
        core->shared->dropped++;
        floe_relay_trace(core, now, FLOE_TRACE_DROPPED, relay, &before, message,
                         "its integrity does not match");
        happened(core, now, relay, event, &before);
        return true;
    }
    if (match != FLOE_STUN_BELIEVED) {
        return false;
    }
    relay->base->answered = relay->origin->answered = true;
    floe_base_changed(core, relay->base);
    floe_base_changed(core, relay->origin);
    if (relay->attempt != NULL) {
        core->listener->answered(relay->attempt, false);
    }
    if (!before.answered) { /* what comes twice is one answer (L15) */
        floe_count_received(core, &relay->counters, now, &before, message);
    }
    floe_relay_trace(core, now, FLOE_TRACE_RECEIVED, relay, &before, message, "");
    happened(core, now, relay, event, &before);
    return true;
}

void floe_relay_unreachable(floe_core *core, floe_time now, floe_relay *relay,
                            floe_unreachable reason, bool asked)
{
    const floe_stun_transaction *transaction = &relay->turn.transaction;
    floe_failure failure =
        floe_failure_of(FLOE_FAILURE_UNREACHABLE, transaction, &relay->turn.server, now);
    bool allocated = relay->turn.state == FLOE_TURN_ALLOCATED;

    failure.detail = (uint8_t)reason;
    failure.transport = relay->connection != NULL ? relay->connection->transport : 0;
    if (!allocated && (!asked || relay->turn.state != FLOE_TURN_ALLOCATING)) {
        return;
    }
    floe_relay_trace(core, now, FLOE_TRACE_UNREACHABLE, relay, transaction, NULL, "");
    if (!allocated) {
        fail(core, now, relay, failure);
    } else if (asked && reason == FLOE_UNREACHABLE_PORT && transaction->sends >= REFUSED_SENDS) {
        lose(core, now, relay, failure);
    } else { /* it may be a moment's: the Refresh has time to be repeated */
        floe_relay_doubt(relay, now);
    }
}

floe_relay *floe_relay_elsewhere(floe_core *core, floe_time now, floe_relay *relay,
                                 floe_base *origin, const floe_place *place)
{
    floe_relay *next = make(core, now, origin, relay->server, relay->kind, place);

    if (next != NULL) {
        take_after(next, relay);
        next->state = relay->state;
        next->hushed = relay->hushed;
        next->generation = relay->generation;
        next->attempt = relay->attempt;
        if (next->attempt != NULL) {
            next->attempt->relay = next;
            next->attempt->remote = place->address;
            next->attempt->transport = place->transport;
        }
        relay->attempt = NULL;
        floe_relay_release(core, now, relay);
    }
    return next;
}

static void ask_again(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_failure failure = {.kind = FLOE_FAILURE_MEMORY, .remote = relay->asked};
    where next = next_place(core, now, relay);

    if (!awaited(relay) && (another_serves(core, relay) || floe_relay_needless(core, relay))) {
        floe_relay_release(core, now, relay); /* another has given meanwhile what it is for */
        return;
    }
    const floe_refusal *refusal =
        floe_server_refused(relay->server, now, relay->kind, &next.place.address);
    if (refusal != NULL && relay->room != FLOE_ROOM_AWAITED) {
        relay->retry = refusal->until;
        return;
    }
    forget_way(core, relay);
    bool good = is_there(relay, &next)
                    ? restart(core, now, relay, relay->server->account, &relay->asked)
                    : floe_relay_elsewhere(core, now, relay, next.base, &next.place) != NULL;
    if (!good) {
        fail(core, now, relay, failure);
    }
}

void floe_relays_found_elsewhere(const floe_core *core, floe_time now, const floe_server *server)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        bool waits = floe_relay_lives(relay) && !floe_time_is_never(relay->retry);
        if (waits && relay->server == server) {
            where next = next_place(core, now, relay);
            bool moved = !floe_server_is_at(server, &relay->asked, relay->transport) &&
                         !is_there(relay, &next);
            /* At once; but a name may lead elsewhere each time that it is asked. */
            floe_time soonest = relay->losses > LOSSES_THERE
                                    ? floe_time_after(relay->begun, retry_after(LOSSES_THERE))
                                    : now;
            relay->retry = moved ? floe_time_max(now, soonest) : relay->retry;
        }
    }
}

/* When the silence of a server that is known to be there ends it: who has lost it, or is cut off from
 * what it was asked by, may answer nothing that comes so, not even "437". Asked each 15 s by the
 * settings' default, and waited for 5 s, that is T7b's 20 s (by datagrams for 8.5 s, with what is
 * asked anew: loss alone takes no relay that stands), by a connection 35 s; to wait for a
 * transaction's 39.5 s would only show that. Whatever else comes of the relay says that the answer is
 * under way behind it; and a connection that takes what we send, that the question is, behind our own
 * data. Never: it owes no answer, as it cannot have the question yet, or may not be there; that has
 * its 39.5 s. */
static floe_time silent_at(const floe_relay *relay)
{
    const floe_connection *connection = relay->connection;
    bool is_there = by_datagrams(relay)
                        ? relay->ignored >= IGNORED_SENDS
                        : connection != NULL && floe_connection_request_left(connection);
    floe_time since = floe_time_max(relay->owed, relay->turn.heard);

    if (!is_there || !is_owed_an_answer(relay)) {
        return FLOE_TIME_NEVER;
    }
    if (connection != NULL) {
        return floe_time_after(floe_time_max(since, connection->accepted),
                               SILENT_BY_CONNECTION_FOR);
    }
    return floe_time_after(since, SILENT_FOR);
}

/* By datagrams the next send may be seconds away; a connection's is the kernel's, or the server has dropped
 * what it took. */
#define ASKED_FOR_LONG floe_seconds(3)
#define ASKED_OFTEN 2

void floe_relay_hurry(floe_relay *relay, floe_time now)
{
    bool asks = relay->turn.state == FLOE_TURN_ALLOCATING;
    bool long_since = is_stream(relay) ? floe_time_since(now, relay->begun).ns >= ASKED_FOR_LONG.ns
                                       : relay->turn.transaction.sends > ASKED_OFTEN;

    if (!floe_time_is_never(relay->retry) || (asks && long_since)) {
        relay->retry = now;
    }
}

/* So long who has never given it, and is silent, holds up who has; and so long one who has answered
 * something. */
#define ELSEWHERE_FOR floe_seconds(3)
#define ANSWERS_ELSEWHERE_FOR floe_seconds(8)

/* Never: it is asked for where it was, or a gathering waits for it. */
static floe_time back_at(const floe_relay *relay)
{
    bool asks = relay->state == FLOE_RELAY_LOST && relay->turn.state == FLOE_TURN_ALLOCATING;

    if (!asks || awaited(relay) || !is_elsewhere(relay)) {
        return FLOE_TIME_NEVER;
    }
    bool answers = is_stream(relay) ? relay->connection != NULL &&
                                          relay->connection->state > FLOE_CONNECTION_OPENING
                                    : floe_turn_allocation_challenged(&relay->turn);
    return floe_time_after(relay->begun, answers ? ANSWERS_ELSEWHERE_FOR : ELSEWHERE_FOR);
}

floe_time floe_relay_deadline(const floe_relay *relay)
{
    floe_time deadline = floe_time_min(relay->retry, relay->check);

    if (floe_relay_waits_for_address(relay)) {
        return floe_time_min(relay->turn.expires, relay->leaves);
    }

    deadline = floe_time_min(deadline, back_at(relay));

    deadline = floe_time_min(deadline, relay->leaves);
    deadline = floe_time_min(deadline, silent_at(relay));
    deadline = floe_time_min(deadline, floe_turn_allocation_deadline(&relay->turn));
    deadline = floe_time_min(deadline, floe_streams_deadline(relay));
    FLOE_LIST_EACH(peer, &relay->turn.peers, floe_turn_peer, link)
    {
        deadline = floe_time_min(deadline, floe_turn_peer_deadline(&relay->turn, peer));
    }
    return deadline;
}

void floe_relay_time(floe_core *core, floe_time now, floe_relay *relay)
{
    if (floe_relay_waits_for_address(relay)) {
        if (floe_time_reached(now, floe_time_min(relay->turn.expires, relay->leaves))) {
            floe_relay_release(core, now, relay);
        }
        return;
    }
    if (floe_time_reached(now, relay->leaves)) {
        leave_now(core, now, relay);
        return;
    }
    if (floe_time_reached(now, relay->retry)) {
        ask_again(core, now, relay);
        return;
    }
    if (floe_time_reached(now, relay->check)) {
        set_check(core, now, relay);
        floe_turn_refresh_now(&relay->turn, now);
    }
    floe_relay_peers_time(core, now, relay);
    floe_streams_time(core, now, relay);
    floe_stun_transaction before = relay->turn.transaction;
    floe_turn_event event = floe_turn_allocation_time(&relay->turn, now);

    if (relay->turn.wants) {
        take_turn(core, relay, false);
    }
    if (event == FLOE_TURN_FAILED || event == FLOE_TURN_LOST) {
        floe_relay_trace(core, now, FLOE_TRACE_GAVE_UP, relay, &before, NULL, "");
    }
    if (floe_time_reached(now, silent_at(relay))) {
        floe_relay_lost(core, now, relay);
        return;
    }
    if (floe_time_reached(now, back_at(relay))) {
        (void)floe_turn_allocation_lost(&relay->turn, 0, (floe_span){0});
        fail(core, now, relay,
             floe_failure_of(FLOE_FAILURE_TIMEOUT, &before, &relay->turn.server, now));
        return;
    }
    happened(core, now, relay, event, &before);
}
