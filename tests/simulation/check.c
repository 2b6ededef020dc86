/* The invariants, checked as outputs are polled and when a gatherer's time is over: promises of
 * floe/core.h and rules of docs/rules.md. */
#include "model.h"
#include "world.h"

#include <stdarg.h>
#include <string.h>

static void copy_text(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from != NULL ? from : "");
}

/* ── The log ── */

static void log_event(sim_world *world, const char *format, ...) FLOE_PRINTF(2, 3);

static void log_event(sim_world *world, const char *format, ...)
{
    sim_seen *seen = world->seen;
    size_t used = strlen(seen->log);
    va_list arguments;

    if (used > 0 && used + 4 < sizeof seen->log) {
        (void)snprintf(&seen->log[used], sizeof seen->log - used, " | ");
        used += 3;
    }
    va_start(arguments, format);
    (void)vsnprintf(&seen->log[used], sizeof seen->log - used, format, arguments);
    va_end(arguments);
}

/* ── P1: what policy hides is nowhere ── */

static bool part_of_address(char character)
{
    return character != '\0' && strchr("0123456789abcdef:.", character) != NULL;
}

/* Whether the text holds the address, and not as a part of a longer one. A full stop or a colon may
 * end a sentence or stand before a port. */
static bool shows(const char *text, const char *ip)
{
    size_t length = strlen(ip);

    for (const char *at = strstr(text, ip); at != NULL; at = strstr(at + 1, ip)) {
        bool begins = at == text || !part_of_address(at[-1]);
        bool ends = !part_of_address(at[length]) || at[length] == '.' || at[length] == ':';
        if (begins && ends) {
            return true;
        }
    }
    return false;
}

/* That of the latest gathering, from when it was asked for: what the one before it has still to tell
 * is told under that. */
static floe_gather_policy policy_now(const sim_world *world)
{
    return world->coming_count > 0 ? world->coming[world->coming_count - 1] : world->policy;
}

static void check_hidden(sim_world *world, const char *text)
{
    const sim_config *config = world->config;
    floe_gather_policy policy = policy_now(world);
    bool named = config->settings.mdns_mode == FLOE_MDNS_MODE_QUERY_AND_GATHER;

    if ((policy == FLOE_GATHER_POLICY_ALL && !named) || text == NULL) {
        return;
    }
    for (size_t i = 0; i < config->interface_count; i++) {
        if (shows(text, config->interfaces[i].ip)) {
            world_violated(world, "P1: \"%s\" shows a host address", text);
        }
    }
    for (size_t i = 0; policy == FLOE_GATHER_POLICY_RELAY && i < world->mapping_count; i++) {
        char ip[FLOE_ADDRESS_TEXT_SIZE];
        (void)floe_address_format(&world->mappings[i].outside, ip, sizeof ip);
        if (shows(text, ip)) {
            world_violated(world, "P1: \"%s\" shows a mapped address", text);
        }
    }
}

/* ── Candidates ── */

static bool is_socket(const sim_world *world, const floe_address *address)
{
    for (size_t i = 0; i < world->socket_count; i++) {
        if (world->sockets[i].open && !world->sockets[i].stream &&
            floe_address_equal(&world->sockets[i].local, address)) {
            return true;
        }
    }
    return false;
}

/* RFC 6544 §4.1: what listens there, or nothing, as who is active has no port of his own. */
static bool is_tcp_host(const sim_world *world, const floe_candidate *candidate,
                        const floe_address *address)
{
    if (candidate->tcp_type == FLOE_TCP_TYPE_ACTIVE) {
        return candidate->port == 9 &&
               world_interface_with(world, address) < world->config->interface_count;
    }
    for (size_t i = 0; i < world->socket_count; i++) {
        if (world->sockets[i].open && world->sockets[i].listens &&
            floe_address_equal(&world->sockets[i].local, address)) {
            return true;
        }
    }
    return false;
}

static bool is_mapping(const sim_world *world, const floe_address *address)
{
    for (size_t i = 0; i < world->mapping_count; i++) {
        if (floe_address_equal(&world->mappings[i].outside, address)) {
            return true;
        }
    }
    return false;
}

/* RFC 6544 §4.5: nobody connects to it, so its port is 9. */
static bool is_active(const floe_candidate *candidate)
{
    return candidate->tcp_type == FLOE_TCP_TYPE_ACTIVE && candidate->port == 9 &&
           candidate->protocol == FLOE_PROTOCOL_TCP;
}

static bool is_allocation(const sim_world *world, const floe_address *address)
{
    for (size_t i = 0; i < world->allocation_count; i++) {
        const sim_allocation *allocation = &world->allocations[i];
        if (!allocation->strange && (floe_address_equal(&allocation->relayed[0], address) ||
                                     floe_address_equal(&allocation->relayed[1], address))) {
            return true;
        }
    }
    return false;
}

/* A server that loses allocations may have lost one that a pool still holds. */
static bool forgetful(const sim_config *config)
{
    for (size_t i = 0; i < config->server_count; i++) {
        if (config->servers[i].temper == SIM_FORGETS) {
            return true;
        }
    }
    return false;
}

/* By which transport a relay says that its server is reached. */
static floe_protocol transport_of_url(const sim_world *world, const char *given)
{
    for (size_t n = 0; n < world->config->server_count; n++) {
        char url[128];
        sim_server_url(world->config, n, url, sizeof url);
        if (strcmp(url, given) == 0) {
            return world->config->servers[n].transport;
        }
    }
    return FLOE_PROTOCOL_NONE;
}

static void check_there(sim_world *world, const floe_candidate *candidate)
{
    const sim_config *config = world->config;
    bool unordered = config->jitter_ms > 0 || config->duplication > 0;
    floe_address address;
    bool good = false;

    if (floe_address_parse(candidate->address, &address) != FLOE_OK) {
        world_violated(world, "C1: \"%s\" is no address", candidate->address);
        return;
    }
    address.port = candidate->port;
    switch (candidate->type) {
    case FLOE_CANDIDATE_TYPE_HOST:
        good =
            (candidate->tcp_type == FLOE_TCP_TYPE_NONE ? is_socket(world, &address)
                                                       : is_tcp_host(world, candidate, &address)) &&
            candidate->url == NULL && candidate->related_address == NULL;
        break;
    case FLOE_CANDIDATE_TYPE_SRFLX:
        /* Without a NAT only where the host's address is not shown itself (H2, P6). */
        good = (is_mapping(world, &address) || (candidate->tcp_type == FLOE_TCP_TYPE_NONE
                                                    ? is_socket(world, &address)
                                                    : is_tcp_host(world, candidate, &address))) &&
               candidate->url != NULL && candidate->related_address != NULL;
        break;
    case FLOE_CANDIDATE_TYPE_RELAY:
        /* A release that is overtaken by the next Allocate of the same socket deletes the wrong
         * allocation, as may a late Refresh where a server forgets; the Refresh finds that out. */
        good = (is_allocation(world, &address) || is_active(candidate) ||
                (config->action_count > 0 && unordered) ||
                ((config->pool || config->action_count > 0 || unordered) && forgetful(config))) &&
               candidate->url != NULL &&
               candidate->relay_protocol == transport_of_url(world, candidate->url);
        break;
    default:
        break;
    }
    if (!good) {
        world_violated(world, "R5: the candidate %s %s:%u leads nowhere",
                       floe_candidate_type_name(candidate->type), candidate->address,
                       candidate->port);
    }
}

/* R5: only what really is reaches the owner; but for what rewrite rules say. */
static void check_true(sim_world *world, const floe_candidate *candidate)
{
    const floe_settings *settings = &world->config->settings;
    const char *dot = strrchr(candidate->address, '.');

    if (settings->address_rewrite_rule_count + settings->nat_1to1_ip_count > 0 ||
        (settings->mdns_mode == FLOE_MDNS_MODE_QUERY_AND_GATHER && dot != NULL &&
         strcmp(dot, ".local") == 0)) {
        return;
    }
    check_there(world, candidate);
}

static void check_unlike_others(sim_world *world, const sim_seen_candidate *made)
{
    for (size_t i = 0; i < world->seen->candidate_count; i++) {
        const sim_seen_candidate *other = &world->seen->candidates[i];
        bool same_address = other->port == made->port && other->tcp_type == made->tcp_type &&
                            strcmp(other->address, made->address) == 0;
        bool stands = !other->withdrawn && !other->unsure;
        if (stands && other->priority == made->priority) {
            world_violated(world, "C4: priority %u twice", made->priority);
        }
        if (stands && same_address && other->type == made->type) {
            world_violated(world, "L4: %s %s:%u twice", floe_candidate_type_name(made->type),
                           made->address, made->port);
        }
        if (other->type != made->type && strcmp(other->foundation, made->foundation) == 0) {
            world_violated(world, "C6: one foundation for two types");
        }
    }
}

/* L11: what goes on over a restart is told anew by the id that its owner knows. */
static void check_id(sim_world *world, sim_seen_candidate *made)
{
    for (size_t i = 0; i < world->seen->candidate_count; i++) {
        sim_seen_candidate *other = &world->seen->candidates[i];
        bool same = other->type == made->type && other->port == made->port &&
                    other->tcp_type == made->tcp_type && strcmp(other->address, made->address) == 0;
        bool shared = made->tcp_type == FLOE_TCP_TYPE_ACTIVE; /* its port says not whose it is */
        if (other->old && !other->gone && same && !shared && other->id != made->id) {
            world_violated(world, "L11: %s %s:%u had the id %u before the restart, %u behind it",
                           floe_candidate_type_name(made->type), made->address, made->port,
                           other->id, made->id);
        } else if (other->id == made->id && !(other->old && !other->gone && same)) {
            world_violated(world, "K1: the id %u is given twice", made->id);
        } else if (other->id == made->id) {
            made->sent = other->sent;
            made->got = other->got;
        }
    }
}

/* In this generation. */
static bool was_withdrawn(const sim_world *world, const sim_seen_candidate *made)
{
    for (size_t i = 0; i < world->seen->candidate_count; i++) {
        const sim_seen_candidate *other = &world->seen->candidates[i];
        if (other->withdrawn && !other->old && other->type == made->type &&
            other->tcp_type == made->tcp_type && strcmp(other->url, made->url) == 0) {
            return true;
        }
    }
    return false;
}

void check_candidate(sim_world *world, const floe_candidate *candidate)
{
    sim_seen *seen = world->seen;
    sim_seen_candidate made = {0};

    if (world->closing) {
        world_violated(world, "L7: a candidate after close");
    }
    if (candidate == NULL) {
        world_trace(world, "end of candidates");
        log_event(world, "end");
        if (seen->state != FLOE_GATHERER_STATE_COMPLETE || ++seen->ends != seen->completes) {
            world_violated(world, "L4: the NULL candidate out of place");
        }
        return;
    }
    if (!sim_wants(world->config, candidate->type)) {
        world_violated(world, "P8: a candidate of a type that is not wanted");
    }
    made.type = candidate->type;
    (void)floe_candidate_format(candidate, made.text, sizeof made.text);
    world_trace(world, "candidate %s url %s", made.text, candidate->url ? candidate->url : "-");
    if (candidate->related_address != NULL) {
        log_event(world, "%s %s for %s", floe_candidate_type_name(candidate->type),
                  candidate->address, candidate->related_address);
    } else {
        log_event(world, "%s %s", floe_candidate_type_name(candidate->type), candidate->address);
    }
    copy_text(made.address, sizeof made.address, candidate->address);
    copy_text(made.related, sizeof made.related, candidate->related_address);
    copy_text(made.url, sizeof made.url, candidate->url);
    copy_text(made.foundation, sizeof made.foundation, candidate->foundation);
    made.port = candidate->port;
    made.related_port = candidate->related_port;
    made.priority = candidate->priority;
    made.relay_protocol = candidate->relay_protocol;
    made.tcp_type = candidate->tcp_type;
    made.id = candidate->id;
    made.network = candidate->network_id;
    made.at_ms = world_ms(world);
    bool renamed = made.type == FLOE_CANDIDATE_TYPE_HOST &&
                   world->config->settings.mdns_mode == FLOE_MDNS_MODE_QUERY_AND_GATHER;
    /* T7: a relay that its server has forgotten is asked for again. */
    bool renewed = made.type == FLOE_CANDIDATE_TYPE_RELAY && was_withdrawn(world, &made);
    if (!renamed && !renewed && seen->state != FLOE_GATHERER_STATE_GATHERING &&
        world->config->remap_at_ms == 0 && world->config->loss == 0) {
        world_violated(world, "L4: a candidate while %s", floe_gatherer_state_name(seen->state));
    }
    check_true(world, candidate);
    check_unlike_others(world, &made);
    check_id(world, &made);
    /* Under a name, what a server sees is told all the same, be it the host's own address. */
    bool seen_by_server =
        policy_now(world) == FLOE_GATHER_POLICY_ALL && made.type != FLOE_CANDIDATE_TYPE_HOST;
    check_hidden(world, seen_by_server ? made.related : made.text);
    if (seen->candidate_count < SIM_SEEN_MAX) {
        seen->candidates[seen->candidate_count++] = made;
    }
}

/* T7: where no packet is lost, a refresh comes in time, so a good server's relay stays. */
static void check_kept(sim_world *world, const floe_candidate *candidate)
{
    const sim_config *config = world->config;

    for (size_t i = 0; i < config->action_count; i++) {
        if (config->actions[i].kind == SIM_TOGGLE || config->actions[i].kind == SIM_SET_OPTIONS) {
            return; /* its interface or its server may have been taken away */
        }
    }
    for (size_t n = 0; n < config->server_count; n++) {
        char url[128];
        sim_server_url(config, n, url, sizeof url);
        bool good =
            config->servers[n].temper == SIM_GOOD || config->servers[n].temper == SIM_FORGED_FIRST;
        /* A copy of a request, or a retransmission, uses up a nonce that is good for one. */
        unsigned slowest = config->servers[n].round_trip_ms + 2 * config->jitter_ms;
        bool wasteful = config->servers[n].nonce == SIM_NONCE_ONE_USE &&
                        (config->duplication > 0 || slowest >= 500);
        /* Active ones of one server's relays look alike, and one of them is told. */
        bool shared = candidate->tcp_type == FLOE_TCP_TYPE_ACTIVE;
        if (candidate->type == FLOE_CANDIDATE_TYPE_RELAY && good && !wasteful && !shared &&
            strcmp(url, candidate->url) == 0 && config->loss == 0 && config->remap_at_ms == 0 &&
            config->fail_at == 0) {
            world_violated(world, "T7: the relay of %s was not kept", url);
        }
    }
}

/* Else there may be candidates that were told and for which the table had no room. */
static bool all_are_seen(const sim_world *world)
{
    return world->seen->candidate_count < SIM_SEEN_MAX;
}

void check_withdrawn(sim_world *world, const floe_candidate *candidate)
{
    world_trace(world, "withdrawn %s %s:%u", floe_candidate_type_name(candidate->type),
                candidate->address, candidate->port);
    log_event(world, "withdrawn %s", floe_candidate_type_name(candidate->type));
    if (world->closing) {
        world_violated(world, "L7: a withdrawal after close");
    }
    check_kept(world, candidate);
    if (*floe_withdrawal_name(candidate->withdrawal) == '\0') {
        world_violated(world, "T7: %u is withdrawn for no reason", (unsigned)candidate->id);
    }
    for (size_t i = 0; i < world->seen->candidate_count; i++) {
        sim_seen_candidate *known = &world->seen->candidates[i];
        if (!known->withdrawn && known->id == candidate->id && known->port == candidate->port &&
            strcmp(known->address, candidate->address) == 0 &&
            strcmp(known->foundation, candidate->foundation) == 0) {
            known->withdrawn = known->gone = true;
            return;
        }
    }
    for (size_t i = 0; i < world->seen->candidate_count; i++) {
        sim_seen_candidate *known = &world->seen->candidates[i];
        if (known->old && !known->gone && known->id == candidate->id) {
            known->gone = true; /* of the generation before: it was not found again */
            return;
        }
    }
    if (all_are_seen(world)) {
        world_violated(world, "T7: a candidate was withdrawn that was not told");
    }
}

/* ── Errors ── */

/* A relay that was lost and can't be had again is told of whenever that is found out. */
static bool lost_relay_of(const sim_world *world, const char *url)
{
    for (size_t i = 0; i < world->seen->candidate_count; i++) {
        const sim_seen_candidate *known = &world->seen->candidates[i];
        if (known->withdrawn && !known->old && known->type == FLOE_CANDIDATE_TYPE_RELAY &&
            strcmp(known->url, url) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the URL has given something since that error. */
static bool told_since(const sim_world *world, const sim_seen_error *error)
{
    for (size_t i = 0; i < world->seen->candidate_count; i++) {
        const sim_seen_candidate *known = &world->seen->candidates[i];
        if (known->at_ms >= error->at_ms && strcmp(known->url, error->url) == 0) {
            return true;
        }
    }
    return false;
}

void check_error(sim_world *world, const floe_candidate_error *error)
{
    sim_seen *seen = world->seen;
    sim_seen_error made = {
        .code = error->code, .reason = error->reason, .url_failed = error->url_failed};

    copy_text(made.url, sizeof made.url, error->url);
    copy_text(made.address, sizeof made.address, error->address);
    copy_text(made.text, sizeof made.text, error->text);
    made.at_ms = world_ms(world);
    world_trace(world, "error %s from %s: %u %s%s", made.url, made.address, made.code, made.text,
                made.url_failed ? " (url failed)" : "");
    log_event(world, "error %u%s", made.code, made.url_failed ? " url" : "");
    if (world->closing) {
        world_violated(world, "L7: an error after close");
    }
    if (seen->state != FLOE_GATHERER_STATE_GATHERING && strcmp(made.text, "out of memory") != 0 &&
        !lost_relay_of(world, made.url)) {
        world_violated(world, "E2: an error while %s", floe_gatherer_state_name(seen->state));
    }
    if (made.code < 300 || made.code > 701 || *made.text == '\0' ||
        *floe_failure_reason_name(made.reason) == '\0') {
        world_violated(world, "E1: code %u, reason %u, text \"%s\"", made.code, made.reason,
                       made.text);
    }
    check_hidden(world, made.text);
    check_hidden(world, error->address);
    for (size_t i = seen->first_error; i < seen->error_count; i++) {
        const sim_seen_error *other = &seen->errors[i];
        /* Who was silent may say why. */
        bool says_more = other->code == 701 && made.code != 701;
        bool same_url =
            strcmp(other->url, made.url) == 0 && !told_since(world, other) && !says_more;
        /* An address has a socket for UDP, and one that listens for TCP. */
        bool same = *made.url != '\0' || strcmp(other->text, made.text) == 0;
        if (same_url && same && *made.address != '\0' &&
            strcmp(other->address, made.address) == 0) {
            world_violated(world, "E2: %s failed twice on %s", made.url, made.address);
        }
        if (same_url && *made.url != '\0' && other->url_failed) {
            world_violated(world, "E2: an event for %s after its last", made.url);
        }
    }
    if (seen->error_count < SIM_SEEN_MAX) {
        seen->errors[seen->error_count++] = made;
    }
}

/* ── States ── */

void check_restarted(sim_world *world)
{
    sim_seen *seen = world->seen;

    for (size_t i = 0; i < seen->candidate_count; i++) {
        seen->candidates[i].withdrawn = seen->candidates[i].old = true;
    }
    seen->completes = seen->ends; /* its NULL does not come any more */
    seen->first_error = seen->error_count;
}

void check_state(sim_world *world, enum floe_gatherer_state state)
{
    sim_seen *seen = world->seen;
    uint64_t timeout = world->config->settings.gather_timeout_ms;

    world_trace(world, "state %s", floe_gatherer_state_name(state));
    log_event(world, "%s", floe_gatherer_state_name(state));
    bool closed = state == FLOE_GATHERER_STATE_CLOSED;
    bool again = state == FLOE_GATHERER_STATE_GATHERING &&
                 seen->state == FLOE_GATHERER_STATE_COMPLETE && seen->ends == seen->completes;
    if (closed ? !world->closing
               : state != FLOE_GATHERER_STATE_NEW && state != seen->state + 1 && !again) {
        world_violated(world, "L3: %s after %s", floe_gatherer_state_name(state),
                       floe_gatherer_state_name(seen->state));
    }
    seen->state = state;
    if (state == FLOE_GATHERER_STATE_GATHERING) {
        seen->first_error = seen->error_count;
        world->policy = world->coming[0];
        world->coming_count -= world->coming_count > 0;
        memmove(world->coming, &world->coming[1], world->coming_count * sizeof *world->coming);
        for (size_t i = 0; i < seen->candidate_count; i++) {
            seen->candidates[i].unsure |= world->policy != FLOE_GATHER_POLICY_ALL &&
                                          seen->candidates[i].type != FLOE_CANDIDATE_TYPE_RELAY;
        }
        if (!world->config->pool) { /* whose time counts from its making */
            world->started = world->now;
        }
    }
    if (state == FLOE_GATHERER_STATE_COMPLETE) {
        seen->completes++;
        seen->complete_ms = world_ms(world);
        seen->packets_sent_at_complete = seen->packets_sent;
        timeout = timeout == 0 ? 5000 : timeout;
        if (timeout != FLOE_NEVER && seen->complete_ms > timeout && !world->config->pool) {
            world_violated(world, "L14: complete after %llu ms",
                           (unsigned long long)seen->complete_ms);
        }
    }
}

/* ── Names ── */

/* Takes the name off the list; false: it is not there. */
bool forget_name(sim_world *world, const char *name)
{
    for (size_t i = 0; i < world->published_count; i++) {
        if (strcmp(world->published[i], name) == 0) {
            memmove(&world->published[i], &world->published[i + 1],
                    (--world->published_count - i) * sizeof *world->published);
            return true;
        }
    }
    return false;
}

/* One that was taken while it waited to be taken back is taken back all the same. */
static bool names_are_taken(const sim_config *config)
{
    for (size_t i = 0; i < config->action_count; i++) {
        if (config->actions[i].kind == SIM_NAME_TAKEN) {
            return true;
        }
    }
    return false;
}

void check_published(sim_world *world, const floe_core_output *output)
{
    bool publish = output->kind == FLOE_CORE_PUBLISH;

    world_trace(world, "%s %s", publish ? "publish" : "unpublish", output->name);
    if (publish && world->published_count < SOCKETS_MAX) {
        copy_text(world->published[world->published_count++], sizeof *world->published,
                  output->name);
    } else if (!publish && !forget_name(world, output->name) && !names_are_taken(world->config)) {
        world_violated(world, "H2: a name was taken back that was not published");
    }
}

/* ── Packets ── */

static bool is_release(const floe_stun_message *message)
{
    uint32_t lifetime;

    return message->method == FLOE_STUN_REFRESH &&
           floe_stun_read_u32(message, FLOE_STUN_LIFETIME, &lifetime) && lifetime == 0;
}

static sim_transaction *transaction_of(sim_world *world, const floe_stun_id *id)
{
    for (size_t i = 1; i <= world->transaction_count && i <= TRANSACTIONS_MAX; i++) {
        sim_transaction *one =
            &world->transactions[(world->transaction_count - i) % TRANSACTIONS_MAX];
        if (floe_stun_id_equal(&one->id, id)) {
            return one;
        }
    }
    return NULL;
}

/* A peer's request goes with the owner's packet, which nobody paces. */
static bool is_of_peer(const floe_stun_message *message)
{
    return message->method == FLOE_STUN_CREATE_PERMISSION ||
           message->method == FLOE_STUN_CHANNEL_BIND;
}

/* One that had no answer goes again with other bytes, and so by another id (RFC 8489 §5): with a
 * nonce that was learned meanwhile, or without a wish. That is no new transaction to be paced. */
static bool goes_on(const sim_world *world, sim_transaction *made)
{
    for (size_t i = 1; i <= world->transaction_count && i <= TRANSACTIONS_MAX; i++) {
        const sim_transaction *one =
            &world->transactions[(world->transaction_count - i) % TRANSACTIONS_MAX];
        if (one->method == made->method && floe_address_equal(&one->local, &made->local) &&
            floe_address_equal(&one->to, &made->to)) {
            uint64_t wait = 500000000ULL << (one->sends - 1 + one->renamed);
            bool refuses;
            size_t n = world_server_at(world, &one->to, &refuses);
            bool forges = n != SIZE_MAX && world->config->servers[n].temper == SIM_FORGED_FIRST;
            uint64_t least = forges ? 100000000 : wait; /* a refusal that nobody signed (T5) */
            bool again = !one->answered && world->now - one->last_sent >= least &&
                         world->now - one->last_sent < 2 * wait;
            made->renamed = again ? one->renamed + one->sends : 0;
            return again;
        }
    }
    return false;
}

void check_answered(sim_world *world, const floe_address *from, floe_span data)
{
    floe_stun_message message;

    if (floe_stun_parse(data, &message) == FLOE_STUN_PARSED) {
        sim_transaction *known = transaction_of(world, &message.id);
        if (known != NULL && floe_address_equal(&known->to, from)) {
            known->answered = true;
        }
    }
}

static void check_new_transaction(sim_world *world, const sim_socket *socket,
                                  const floe_address *to, const floe_stun_message *message)
{
    sim_transaction made = {.id = message->id,
                            .method = message->method,
                            .local = socket->local,
                            .to = *to,
                            .sends = 1,
                            .last_sent = world->now};
    uint64_t pacing = world->config->settings.pacing_ms;
    uint64_t gap = world->now - world->last_new_transaction;

    pacing = (pacing == 0 ? 5 : pacing) * 1000000;
    if (!world->closing && !is_release(message) && !is_of_peer(message) && !goes_on(world, &made)) {
        if (world->last_new_transaction != 0 && gap < pacing) {
            world_violated(world, "Ta: two new transactions within %llu us",
                           (unsigned long long)gap / 1000);
        }
        world->last_new_transaction = world->now;
    }
    /* The oldest has been over for long. */
    world->transactions[world->transaction_count++ % TRANSACTIONS_MAX] = made;
}

/* P8: a socket has something to serve for. */
void check_opened(sim_world *world)
{
    const sim_config *config = world->config;
    bool any = sim_wants(config, FLOE_CANDIDATE_TYPE_HOST) || config->types == 0 ||
               config->settings.address_rewrite_rule_count > 0 ||
               config->settings.nat_1to1_ip_count > 0;

    for (size_t i = 0; i < config->server_count; i++) {
        any = any || sim_role_of(config, i) != SIM_LEFT_OUT;
    }
    if (!any) {
        world_violated(world, "P8: a socket, and nothing that is wanted could come of it");
    }
}

void check_send(sim_world *world, const sim_socket *socket, const floe_address *to, floe_span data)
{
    floe_stun_message message;
    bool to_server = false;
    bool secure = false;

    world->seen->packets_sent++;
    if (!socket->open) {
        world_violated(world, "L7: a packet on a closed socket");
    }
    if ((world_peer_of(to) < 2 && !socket->stream) || direct_is(world, socket->channel)) {
        return; /* the owner's */
    }
    for (size_t i = 0; i < world->config->server_count; i++) {
        floe_address address = server_address_for(world, i, to->family);
        floe_address first;
        bool is_this = floe_address_equal(&address, to) ||
                       (server_first_address(world, i, &first) && floe_address_equal(&first, to));
        secure = secure || (is_this && world->config->servers[i].transport == FLOE_PROTOCOL_DTLS);
        is_this = is_this && (sim_role_of(world->config, i) != SIM_LEFT_OUT ||
                              sim_is_redirected_to(world->config, i));
        to_server = to_server || is_this;
    }
    if (!to_server || to->family != socket->local.family) {
        world_violated(world, "a packet to somebody who is no server of ours");
    }
    if (socket->stream || secure || (data.size > 4 && data.data[0] >> 4 == 4)) {
        return; /* records, pieces of a stream, ChannelData */
    }
    if (floe_stun_parse(data, &message) != FLOE_STUN_PARSED) {
        world_violated(world, "a packet that is no STUN message");
        return;
    }
    if (message.class == FLOE_STUN_INDICATION) {
        return;
    }
    if (message.method == FLOE_STUN_ALLOCATE &&
        !sim_wants(world->config, FLOE_CANDIDATE_TYPE_RELAY)) {
        world_violated(world, "P8: a relay is asked for that is not wanted");
    }
    if (world->closing && !is_release(&message)) {
        world_violated(world, "L7: a request after close");
    }
    sim_transaction *known = transaction_of(world, &message.id);
    if (known == NULL) {
        check_new_transaction(world, socket, to, &message);
        return;
    }
    uint64_t wait = 500000000ULL << (known->sends - 1);
    if (++known->sends > 7 || (known->sends < 7 && world->now - known->last_sent < wait)) {
        world_violated(world, "RFC 8489 6.2.1: send %u comes too early or is one too many",
                       known->sends);
    }
    known->last_sent = world->now;
}

/* ── The end ── */

static bool server_fails_for_sure(const sim_server *server, sim_role role)
{
    if (server->transport >= FLOE_PROTOCOL_TLS && server->certificate != TLS_RIGHT) {
        return true;
    }
    switch (server->temper) {
    case SIM_HANGS_UP:
    case SIM_ENDS_IN_MESSAGE:
        return true;
    case SIM_REDIRECTS:
        return role == SIM_FOR_RELAY && server->redirect == 0;
    case SIM_BID_DOWN:
        return role == SIM_FOR_RELAY;
    case SIM_SILENT:
    case SIM_PORT_CLOSED:
    case SIM_NAME_UNKNOWN:
    case SIM_NAME_SILENT:
    case SIM_GARBAGE:
    case SIM_ERROR_CODE:
    case SIM_NO_ADDRESSES:
    case SIM_UNKNOWN_ATTRIBUTE:
    case SIM_LOOPBACK_ADDRESSES:
        return true;
    case SIM_WRONG_PASSWORD:
        return role == SIM_FOR_RELAY;
    default:
        return false;
    }
}

static bool names_are_unknown(const sim_server *server)
{
    return server->temper == SIM_NAME_UNKNOWN || server->temper == SIM_NAME_SILENT;
}

/* A socket that could ask the server. */
static bool could_ask(const sim_world *world, const sim_server *server)
{
    floe_address address = {0};
    floe_address other = {0};

    (void)floe_address_parse(server->ip, &address);
    (void)floe_address_parse(server->other_ip, &other);
    for (size_t i = 0; i < world->socket_count; i++) {
        uint8_t family = world->sockets[i].local.family;
        if (!world->sockets[i].stream &&
            (family == address.family || family == other.family || names_are_unknown(server))) {
            return true;
        }
    }
    return false;
}

/* P1, P8. */
static bool is_wanted(const sim_world *world, size_t n)
{
    sim_role role = sim_role_of(world->config, n);

    return role == SIM_FOR_RELAY ||
           (role == SIM_FOR_REFLEXIVE && world->policy != FLOE_GATHER_POLICY_RELAY);
}

/* E2: a URL that gives nothing to anybody is said to have failed, once; one that does not apply is
 * not mentioned. */
static void check_errors_of_server(sim_world *world, size_t n)
{
    const sim_server *server = &world->config->servers[n];
    bool applies = is_wanted(world, n) && could_ask(world, server);
    unsigned failed = 0;
    unsigned events = 0;
    char url[128];

    sim_server_url(world->config, n, url, sizeof url);
    for (size_t i = 0; i < world->seen->error_count; i++) {
        if (strcmp(world->seen->errors[i].url, url) == 0) {
            events++;
            failed += world->seen->errors[i].url_failed;
        }
    }
    /* A look-up that was cut short cannot tell whether the server would have applied. */
    bool known = !server->by_name ||
                 world->seen->complete_ms > (world->config->settings.service_discovery ? 160 : 60);
    if (!applies && known && events > 0) {
        world_violated(world, "E2: an error for %s, which does not apply", url);
    }
    if (applies && server_fails_for_sure(server, sim_role_of(world->config, n)) && failed != 1) {
        world_violated(world, "E2: %s failed, and %u events say so", url, failed);
    }
}

static bool network_is_clean(const sim_config *config)
{
    const floe_settings *settings = &config->settings;

    if ((settings->gather_timeout_ms != 0 && settings->gather_timeout_ms < 5000) ||
        (settings->straggler_grace_ms != 0 && settings->straggler_grace_ms < 500)) {
        return false;
    }
    for (size_t i = 0; i < config->interface_count; i++) {
        if (config->interfaces[i].path != SIM_PATH_GOOD ||
            config->interfaces[i].open_failures > 0) {
            return false;
        }
    }
    return config->loss == 0 && config->remap_at_ms == 0;
}

/* A good server on a clean network, near enough, gives its candidate and no error. */
static void check_good_server(sim_world *world, size_t n)
{
    const sim_server *server = &world->config->servers[n];
    bool applies = is_wanted(world, n);
    bool found = false;
    char url[128];
    /* A nonce for one use is used up by a copied request, or refuses the release, so that the next
     * gatherer on the same port meets what was left: more round trips than the grace allows. */
    bool wasteful = server->nonce == SIM_NONCE_ONE_USE &&
                    (world->config->duplication > 0 || world->config->settings.port_min != 0);
    /* The same holds for two URLs that lead to one server, whose requests spend each other's, or
     * that would need a port each. */
    bool narrow = server->nonce == SIM_NONCE_ONE_USE || world->config->settings.port_min != 0;
    wasteful = wasteful || (narrow && sim_is_redirected_to(world->config, n));

    if (server->temper != SIM_GOOD || wasteful || !applies || !could_ask(world, server) ||
        server->certificate != TLS_RIGHT ||
        server->round_trip_ms + world->config->jitter_ms >
            (server->transport == FLOE_PROTOCOL_UDP ? 100U : 40U) ||
        !network_is_clean(world->config)) {
        return;
    }
    sim_server_url(world->config, n, url, sizeof url);
    for (size_t i = 0; i < world->seen->error_count; i++) {
        if (strcmp(world->seen->errors[i].url, url) == 0) {
            world_violated(world, "E2: an error for %s, which is good", url);
        }
    }
    for (size_t i = 0; i < world->seen->candidate_count; i++) {
        found = found || (world->seen->candidates[i].type == FLOE_CANDIDATE_TYPE_RELAY &&
                          strcmp(world->seen->candidates[i].url, url) == 0);
    }
    if (sim_role_of(world->config, n) == SIM_FOR_RELAY && !found) {
        world_violated(world, "T1: no relay from %s, which is good", url);
    }
}

/* L6: what is handed out is what was told and not withdrawn, as far as the policy allows it still.
 */
static void check_list(sim_world *world)
{
    floe_candidate_list *list = NULL;
    size_t told = 0;

    for (size_t i = 0; i < world->seen->candidate_count; i++) {
        told += !world->seen->candidates[i].withdrawn;
    }
    if (floe_core_get_local_candidates(world->core, &list) != FLOE_OK) {
        return; /* without memory */
    }
    for (size_t i = 0; i < list->count; i++) {
        bool known = false;
        for (size_t k = 0; k < world->seen->candidate_count; k++) {
            const sim_seen_candidate *seen = &world->seen->candidates[k];
            known = known || (!seen->withdrawn && seen->type == list->candidates[i]->type &&
                              seen->port == list->candidates[i]->port &&
                              strcmp(seen->address, list->candidates[i]->address) == 0);
        }
        if (!known && all_are_seen(world)) {
            world_violated(world, "L6: %s:%u is handed out and was not told",
                           list->candidates[i]->address, list->candidates[i]->port);
        }
        if (list->candidates[i]->type == FLOE_CANDIDATE_TYPE_HOST) {
            check_hidden(world, list->candidates[i]->address);
        }
        check_hidden(world, list->candidates[i]->related_address);
    }
    if (world->policy == world->config->policy && world->next_policy == world->policy &&
        list->count != told && world->config->action_count == 0 && all_are_seen(world)) {
        world_violated(world, "L6: %zu candidates were told, %zu are handed out", told,
                       list->count);
    }
    floe_candidate_list_free(list);
}

/* L15: what is counted agrees with what was seen. */
static void check_statistics(sim_world *world)
{
    floe_gatherer_statistics *statistics = NULL;

    if (floe_core_get_statistics(world->core, &statistics) != FLOE_OK) {
        return;
    }
    for (size_t i = 0; i < statistics->server_count; i++) {
        const floe_server_statistics *of = statistics->servers[i];
        bool failed = of->progress == FLOE_SERVER_PROGRESS_FAILED;
        if (of->retransmissions > 0 && of->requests == 0) {
            world_violated(world, "L15: %s: retransmissions without a request", of->url);
        }
        if (of->responses > 0 && of->bytes_received < 20) {
            world_violated(world, "L15: %s: answers without bytes", of->url);
        }
        if ((of->code != 0) != (of->reason != FLOE_FAILURE_REASON_NONE) ||
            *floe_protocol_name(of->transport) == '\0') {
            world_violated(world, "L15: %s: code %u, reason %u, transport %u", of->url, of->code,
                           of->reason, of->transport);
        }
        if (of->code != 0 && !failed) {
            world_violated(world, "L15: %s: code %u, and no failure", of->url, of->code);
        }
        check_hidden(world, of->address);
    }
    for (size_t i = 0; i < statistics->candidate_count; i++) {
        if (statistics->candidates[i]->candidate->type == FLOE_CANDIDATE_TYPE_HOST) {
            check_hidden(world, statistics->candidates[i]->candidate->address);
        }
        check_hidden(world, statistics->candidates[i]->candidate->related_address);
    }
    floe_gatherer_statistics_free(statistics);
}

/* ── The owner's packets ── */

void check_sent(sim_world *world, sim_seen_candidate *candidate)
{
    candidate->sent++;
    world_trace(world, "the owner sends on %u", candidate->id);
}

static sim_seen_candidate *candidate_of_id(const sim_world *world, uint32_t id)
{
    for (size_t i = world->seen->candidate_count; i-- > 0;) { /* one may be told anew (L11) */
        if (world->seen->candidates[i].id == id) {
            return &world->seen->candidates[i];
        }
    }
    return NULL;
}

/* K1: what comes was sent, and came back by the candidate on which it went, or by one that shares
 * its socket. */
void check_packet(sim_world *world, const floe_packet *packet)
{
    char payload[32] = {0};
    unsigned id = 0;

    world_trace(world, "the owner gets %zu bytes on %u", packet->size, packet->candidate_id);
    memcpy(payload, packet->data, packet->size < sizeof payload ? packet->size : 31);
    sim_seen_candidate *on = candidate_of_id(world, packet->candidate_id);
    sim_seen_candidate *sender =
        sscanf(payload, "RTP? no: %u", &id) == 1 ? candidate_of_id(world, id) : NULL;
    if (on != NULL && on->tcp_type == FLOE_TCP_TYPE_PASSIVE && strcmp(payload, "hello") == 0) {
        on->got++;
        return;
    }
    if (world_peer_of(&packet->peer) == 2 || sender == NULL || packet->check != NULL) {
        return; /* noise, which anybody may send to a socket */
    }
    bool relayed = sender->type == FLOE_CANDIDATE_TYPE_RELAY;
    if (on != NULL && (on->type == FLOE_CANDIDATE_TYPE_RELAY) != relayed) {
        world_violated(world, "K1: what went by %u came back by %u", id, packet->candidate_id);
    }
    if (on != NULL && on->tcp_type != sender->tcp_type) {
        world_violated(world, "K1: what went by %s came back by %s", sender->text, on->text);
    }
    if (relayed && packet->candidate_id != id && !sender->withdrawn) {
        world_violated(world, "K1: one relay's packet on another");
    }
    sender->got++;
    if (sender->got > sender->sent * (world->config->duplication > 0 ? 8 : 1)) {
        world_violated(world, "K1: more came back than went out");
    }
}

/* On a clean network all comes back. */
static void check_packets(sim_world *world)
{
    const sim_config *config = world->config;

    if (config->loss > 0 || config->remap_at_ms != 0 || config->fail_at != 0 ||
        config->action_count > 0 || config->settings.send_queue_size != 0) {
        return;
    }
    for (size_t i = 0; i < world->seen->candidate_count; i++) {
        const sim_seen_candidate *candidate = &world->seen->candidates[i];
        const sim_server *server = NULL;
        for (size_t n = 0; n < config->server_count; n++) {
            char url[128];
            sim_server_url(config, n, url, sizeof url);
            server = strcmp(url, candidate->url) == 0 ? &config->servers[n] : server;
        }
        bool calm =
            server == NULL || (server->temper == SIM_GOOD && server->nonce != SIM_NONCE_ONE_USE &&
                               server->round_trip_ms < 200);
        if (calm && !candidate->withdrawn && network_is_clean(config) &&
            candidate->got < candidate->sent) {
            world_violated(world, "K1: %u of %u packets came back on %s %s", candidate->got,
                           candidate->sent, floe_candidate_type_name(candidate->type),
                           candidate->address);
        }
    }
}

void check_before_close(sim_world *world)
{
    sim_seen *seen = world->seen;
    enum floe_gatherer_state state = floe_core_state(world->core);

    if (world->closing) {
        return;
    }
    if (state != seen->state) {
        world_violated(world, "L3: %s, and %s was told", floe_gatherer_state_name(state),
                       floe_gatherer_state_name(seen->state));
    }
    if (seen->ends != seen->completes) {
        world_violated(world, "L4: complete %u times, NULL %u times", seen->completes, seen->ends);
    }
    check_list(world);
    check_statistics(world);
    check_packets(world);
    for (size_t i = 0; i < world->allocation_count; i++) {
        seen->allocations +=
            !world->allocations[i].strange && world->allocations[i].expires > world->now;
    }
}

void check_end(sim_world *world)
{
    const sim_config *config = world->config;
    sim_seen *seen = world->seen;
    bool interrupted = config->close_at_ms != 0;

    if (seen->state != FLOE_GATHERER_STATE_CLOSED) {
        world_violated(world, "L7: no state closed after close");
    }
    for (size_t i = 0; i < world->socket_count; i++) {
        if (world->sockets[i].open) {
            world_violated(world, "L7: socket %u was left open", world->sockets[i].channel);
        }
    }
    if (world->published_count != 0) {
        world_violated(world, "H2: %zu names are still published", world->published_count);
    }
    if (interrupted || world->memory->fail_at != 0) {
        return;
    }
    bool rewrites =
        config->settings.address_rewrite_rule_count + config->settings.nat_1to1_ip_count > 0;
    if (config->action_count > 0 || config->pool || rewrites || config->settings.ice_lite ||
        config->settings.ip_handling != FLOE_IP_HANDLING_ALL) {
        return; /* what must have come by then, check_before_close says, or a table */
    }
    if (seen->ends != 1) {
        world_violated(world, "L4: the NULL candidate came %u times", seen->ends);
    }
    for (size_t n = 0; n < config->server_count; n++) {
        check_errors_of_server(world, n);
        check_good_server(world, n);
    }
}

void check_model(sim_world *world, size_t n)
{
    const sim_config *config = world->config;
    char why[256];
    model expected;

    /* Trouble with opening is spent by the first, and so are the ports' NAT mappings. */
    bool same = n == 0 || config->settings.port_min == 0;
    for (size_t i = 0; n > 0 && i < config->interface_count; i++) {
        same = same && config->interfaces[i].open_failures == 0;
    }
    model_of(config, &expected);
    if (same && !model_agrees(&expected, config, world->seen, why, sizeof why)) {
        world_violated(world, "%s", why);
    }
}
