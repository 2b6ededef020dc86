/* Why a server gave nothing: the code, and a sentence that tells a person what to look at (E1). */
#include "core/outbox/failure.h"

#include "core/config/allowed.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/policy.h"

#include <stdio.h>
#include <string.h>

floe_failure floe_failure_of(floe_failure_kind kind, const floe_stun_transaction *transaction,
                             const floe_address *remote, floe_time now)
{
    floe_duration elapsed = floe_time_since(now, transaction->started);

    return (floe_failure){.kind = (uint8_t)kind,
                          .sends = transaction->sends,
                          .dropped = transaction->dropped,
                          .code = transaction->dropped_code,
                          .elapsed_ms = (uint32_t)floe_duration_milliseconds(elapsed),
                          .remote = *remote};
}

void floe_failure_set_reason(const floe_core *core, floe_failure *failure, const char *reason)
{
    failure->reason =
        *reason != '\0' ? floe_copy_text(&core->shared->allocator, reason, strlen(reason)) : NULL;
}

void floe_failure_set_impossible(const floe_core *core, floe_failure *failure, const char *what,
                                 const floe_address *address, const char *advice)
{
    floe_address plain = floe_address_normalise(*address);
    floe_address_kind kind = floe_address_classify(&plain);
    bool local = kind == FLOE_ADDRESS_LOOPBACK || kind == FLOE_ADDRESS_LINK_LOCAL;
    char shown[FLOE_ADDRESS_TEXT_SIZE + 2] = ""; /* P1 */
    char text[256];

    if (floe_hosts_are_shown(core)) {
        memcpy(shown, ", ", 3);
        (void)floe_address_format(&plain, shown + 2, sizeof shown - 2);
    }
    (void)snprintf(text, sizeof text, "%s%s%s%s", what, shown, advice,
                   local && !core->shared->loopback ? " (settings.loopback allows it)" : "");
    floe_failure_set_reason(core, failure, text);
}

void floe_failure_release(const floe_core_shared *shared, floe_failure *failure)
{
    floe_deallocate(&shared->allocator, failure->reason);
    *failure = (floe_failure){.kind = FLOE_FAILURE_NONE};
}

void floe_failure_drop(const floe_core_shared *shared, floe_failure **kept)
{
    if (*kept != NULL) {
        floe_failure_release(shared, *kept);
        floe_deallocate(&shared->allocator, *kept);
        *kept = NULL;
    }
}

void floe_failure_keep(const floe_core_shared *shared, floe_failure **kept, floe_failure failure)
{
    floe_failure_drop(shared, kept);
    *kept = floe_allocate(&shared->allocator, sizeof **kept);
    if (*kept != NULL) {
        **kept = failure;
    } else {
        floe_failure_release(shared, &failure);
    }
}

const floe_failure *floe_failure_kept(const floe_failure *kept)
{
    static const floe_failure no_memory = {.kind = FLOE_FAILURE_MEMORY};

    return kept != NULL ? kept : &no_memory;
}

floe_failure floe_failure_in_full(const floe_plain_failure *plain)
{
    return (floe_failure){.kind = plain->kind,
                          .detail = plain->detail,
                          .elapsed_ms = plain->elapsed_ms,
                          .remote = plain->remote};
}

bool floe_failure_of_url(const floe_failure *failure)
{
    return failure->kind == FLOE_FAILURE_SECURE || failure->kind == FLOE_FAILURE_PROXY ||
           failure->kind == FLOE_FAILURE_NAME || failure->kind == FLOE_FAILURE_LOOKING ||
           failure->kind == FLOE_FAILURE_PORT || failure->kind == FLOE_FAILURE_ADDRESS ||
           failure->kind == FLOE_FAILURE_SERVICE;
}

uint16_t floe_failure_code(const floe_failure *failure)
{
    bool servers =
        failure->kind == FLOE_FAILURE_SERVER || failure->kind == FLOE_FAILURE_CREDENTIALS;

    return servers && failure->code >= 300 ? failure->code : 701;
}

bool floe_failure_ends_allocate(const floe_failure *failure)
{
    uint16_t code = failure->kind == FLOE_FAILURE_SERVER ? failure->code : 0;

    return failure->kind == FLOE_FAILURE_CREDENTIALS || code == 400 || code == 403 || code == 420 ||
           code == 440 || code == 441 || code == 442;
}

bool floe_failure_is_full(const floe_failure *failure)
{
    return failure->kind == FLOE_FAILURE_SERVER && (failure->code == 486 || failure->code == 508);
}

typedef struct error_advice {
    uint16_t code;
    const char *name; /* when the server gives no reason of its own */
    const char *advice;
} error_advice;

static const error_advice advices[] = {
    {300, "Try Alternate", "it points to another server: offer that one instead"},
    {400, "Bad Request", "it does not understand the request: is it a STUN or TURN server?"},
    {401, "Unauthorized", "it wants a user even for Binding: offer it as turn:, with username"},
    {403, "Forbidden", "its rules do not allow this user or address"},
    {420, "Unknown Attribute", "it is too old for this request"},
    {437, "Allocation Mismatch", "an earlier allocation of this address still lives there"},
    {438, "Stale Nonce",
     "it refuses each nonce that it gives: do several servers answer at this address?"},
    {441, "Wrong Credentials", "the allocation belongs to another user"},
    {442, "Unsupported Transport Protocol", "it does not relay UDP"},
    {440, "Address Family not Supported", "it has no relay address of this family"},
    {486, "Allocation Quota Reached",
     "this user has all that it may there, or all users together have: wait, or raise the quota"},
    {500, "Server Error", "look into the server's log"},
    {508, "Insufficient Capacity", "it has no relay port left"},
};

static const error_advice *advice_for(uint16_t code)
{
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++) {
        if (advices[i].code == code) {
            return &advices[i];
        }
    }
    return NULL;
}

static void server_text(const floe_failure *failure, char *text, size_t size)
{
    const error_advice *advice = advice_for(failure->code);
    const char *name = failure->reason != NULL ? failure->reason
                       : advice != NULL        ? advice->name
                                               : "";

    (void)snprintf(text, size, "%s %u%s%s%s%s",
                   failure->unasked ? "not asked before a minute is over: the server has answered"
                                    : "the server answers",
                   failure->code, *name != '\0' ? " " : "", name, advice != NULL ? ": " : "",
                   advice != NULL ? advice->advice : "");
}

const char *floe_failure_reason_name(floe_failure_reason reason)
{
    static const char *const names[] = {
        [FLOE_FAILURE_REASON_NONE] = "",
        [FLOE_FAILURE_REASON_TIMEOUT] = "timeout",
        [FLOE_FAILURE_REASON_REFUSED] = "refused",
        [FLOE_FAILURE_REASON_UNREACHABLE] = "unreachable",
        [FLOE_FAILURE_REASON_LOCAL_FIREWALL] = "local-firewall",
        [FLOE_FAILURE_REASON_DNS] = "dns",
        [FLOE_FAILURE_REASON_TLS] = "tls",
        [FLOE_FAILURE_REASON_PROXY] = "proxy",
        [FLOE_FAILURE_REASON_CREDENTIALS] = "credentials",
        [FLOE_FAILURE_REASON_QUOTA] = "quota",
        [FLOE_FAILURE_REASON_CAPACITY] = "capacity",
        [FLOE_FAILURE_REASON_SERVER_ERROR] = "server-error",
        [FLOE_FAILURE_REASON_BAD_ANSWER] = "bad-answer",
        [FLOE_FAILURE_REASON_CLOSED] = "closed",
        [FLOE_FAILURE_REASON_UNSUPPORTED] = "unsupported",
        [FLOE_FAILURE_REASON_NOT_ALLOWED] = "not-allowed",
        [FLOE_FAILURE_REASON_LOCAL] = "local",
    };

    return (size_t)reason < sizeof names / sizeof *names ? names[reason] : "";
}

static floe_failure_reason reason_of_code(uint16_t code)
{
    switch (code) {
    case 401:
    case 441:
        return FLOE_FAILURE_REASON_CREDENTIALS;
    case 403:
        return FLOE_FAILURE_REASON_NOT_ALLOWED;
    case 420:
    case 440:
    case 442:
        return FLOE_FAILURE_REASON_UNSUPPORTED;
    case 486:
        return FLOE_FAILURE_REASON_QUOTA;
    case 508:
        return FLOE_FAILURE_REASON_CAPACITY;
    default:
        return FLOE_FAILURE_REASON_SERVER_ERROR;
    }
}

static floe_failure_reason reason_of_unreachable(floe_unreachable why)
{
    switch (why) {
    case FLOE_UNREACHABLE_PORT:
        return FLOE_FAILURE_REASON_REFUSED;
    case FLOE_UNREACHABLE_NOT_SENT:
        return FLOE_FAILURE_REASON_LOCAL_FIREWALL;
    case FLOE_UNREACHABLE_NOT_WATCHED:
        return FLOE_FAILURE_REASON_LOCAL;
    default:
        return FLOE_FAILURE_REASON_UNREACHABLE;
    }
}

/* Of a failure on the way to a server through a proxy: whether it is the proxy's, which it is until
 * that has connected us. */
static bool is_of_proxy(const floe_failure *failure)
{
    bool sent = failure->kind != FLOE_FAILURE_UNREACHABLE ||
                (failure->detail != FLOE_UNREACHABLE_NOT_SENT &&
                 failure->detail != FLOE_UNREACHABLE_NOT_WATCHED);

    return sent && (failure->kind == FLOE_FAILURE_UNREACHABLE ||
                    failure->stage == FLOE_CONNECTION_OPENING ||
                    failure->stage == FLOE_CONNECTION_PROXYING);
}

static floe_failure_reason reason_of_kind(const floe_failure *failure)
{
    bool came = failure->dropped != FLOE_STUN_BELIEVED || failure->garbled;

    switch ((floe_failure_kind)failure->kind) {
    case FLOE_FAILURE_TIMEOUT:
        return came ? FLOE_FAILURE_REASON_BAD_ANSWER : FLOE_FAILURE_REASON_TIMEOUT;
    case FLOE_FAILURE_UNREACHABLE:
        return reason_of_unreachable((floe_unreachable)failure->detail);
    case FLOE_FAILURE_SERVER:
        return reason_of_code(failure->code);
    case FLOE_FAILURE_CREDENTIALS:
        return FLOE_FAILURE_REASON_CREDENTIALS;
    case FLOE_FAILURE_BAD_ANSWER:
        return FLOE_FAILURE_REASON_BAD_ANSWER;
    case FLOE_FAILURE_NAME:
    case FLOE_FAILURE_LOOKING:
    case FLOE_FAILURE_ADDRESS:
    case FLOE_FAILURE_SERVICE:
        return FLOE_FAILURE_REASON_DNS;
    case FLOE_FAILURE_UNSUPPORTED:
        return FLOE_FAILURE_REASON_UNSUPPORTED;
    case FLOE_FAILURE_CLOSED:
        return FLOE_FAILURE_REASON_CLOSED;
    case FLOE_FAILURE_SECURE:
        return FLOE_FAILURE_REASON_TLS;
    case FLOE_FAILURE_PROXY:
        return FLOE_FAILURE_REASON_PROXY;
    case FLOE_FAILURE_PROXY_ONLY:
    case FLOE_FAILURE_PORT:
        return FLOE_FAILURE_REASON_NOT_ALLOWED;
    case FLOE_FAILURE_PUBLISH:
        return (floe_error)-failure->detail == FLOE_ERR_PERMISSION
                   ? FLOE_FAILURE_REASON_LOCAL_FIREWALL
                   : FLOE_FAILURE_REASON_LOCAL;
    case FLOE_FAILURE_OPEN:
    case FLOE_FAILURE_INTERFACES:
    case FLOE_FAILURE_MEMORY:
    case FLOE_FAILURE_NONE:
        break;
    }
    return FLOE_FAILURE_REASON_LOCAL;
}

floe_failure_reason floe_failure_reason_of(const floe_core_shared *shared,
                                           const floe_failure *failure, const floe_url *url)
{
    bool proxied = url != NULL && floe_url_proxied(shared, url);

    return proxied && is_of_proxy(failure) ? FLOE_FAILURE_REASON_PROXY : reason_of_kind(failure);
}

/* What carries a connection of this transport. */
static bool by_tcp(uint8_t transport)
{
    return transport == FLOE_PROTOCOL_TCP || transport == FLOE_PROTOCOL_TLS;
}

static const char *carrier(uint8_t transport)
{
    return by_tcp(transport) ? "TCP" : "UDP";
}

/* Whose fault it is, as a person knows him. By a proxy: the proxy's until it has connected us, and
 * whatever becomes of the connection itself; the address of a server behind it is not known. */
static void name_who(const floe_failure *failure, bool proxied, char *text, size_t size)
{
    char ip[FLOE_ADDRESS_TEXT_SIZE] = "";
    bool proxy = failure->kind == FLOE_FAILURE_UNREACHABLE ||
                 failure->stage == FLOE_CONNECTION_OPENING ||
                 failure->stage == FLOE_CONNECTION_PROXYING;

    (void)floe_address_format(&failure->remote, ip, sizeof ip);
    if (proxied && !proxy) {
        (void)snprintf(text, size, "the server behind the proxy");
    } else {
        (void)snprintf(text, size, "%s%s", proxied ? "the proxy " : "", ip);
    }
}

/* Answers came, and none could be believed (R5): what they say is worth telling all the same. */
static void dropped_text(const floe_failure *failure, const char *who, char *text, size_t size)
{
    const error_advice *advice = advice_for(failure->code);
    bool is_unsigned = failure->dropped == FLOE_STUN_NO_INTEGRITY;
    char answer[64] = "a success";

    if (failure->dropped == FLOE_STUN_WRONG_SOURCE) {
        (void)snprintf(text, size,
                       "answers came, but not from %s port %u, which was asked, so they can't be "
                       "believed: is the server behind a balancer?",
                       who, failure->remote.port);
        return;
    }
    if (failure->dropped == FLOE_STUN_BID_DOWN) {
        (void)snprintf(text, size,
                       "its nonce promises PASSWORD-ALGORITHMS, and there is none: somebody on the "
                       "way may have taken it out");
        return;
    }
    if (failure->code != 0) {
        (void)snprintf(answer, sizeof answer, "%u%s%s", failure->code, advice != NULL ? " " : "",
                       advice != NULL ? advice->name : "");
    }
    (void)snprintf(text, size,
                   "the server answers %s with %s MESSAGE-INTEGRITY, which can't be believed%s%s",
                   answer, is_unsigned ? "no" : "a wrong", failure->code == 0 ? "" : ": ",
                   failure->code == 0     ? ""
                   : failure->code == 400 ? "are the username and the credential right?"
                   : advice != NULL       ? advice->advice
                                          : "look into the server's log");
}

/* A connection that did not come about. */
static void no_connection_text(const floe_failure *failure, const floe_url *url, bool proxied,
                               const char *who, char *text, size_t size)
{
    unsigned ms = failure->elapsed_ms;
    unsigned port =
        proxied && failure->stage == FLOE_CONNECTION_SECURING ? url->port : failure->remote.port;
    bool datagrams = failure->transport == FLOE_PROTOCOL_DTLS;
    const char *what = failure->stage == FLOE_CONNECTION_OPENING ? "TCP connection"
                       : datagrams                               ? "DTLS handshake"
                                                                 : "TLS handshake";

    if (failure->before) {
        (void)snprintf(text, size,
                       "%s has answered before, and no %s comes about in %u ms now: is it down?",
                       who, what, ms);
    } else if (failure->stage == FLOE_CONNECTION_OPENING) {
        (void)snprintf(text, size, "no %s in %u ms: is TCP port %u open to %s?", what, ms, port,
                       who);
    } else if (datagrams && !failure->answered) {
        (void)snprintf(text, size,
                       "not one packet came back from UDP port %u of %s in %u ms: is it open, and "
                       "does the server speak DTLS there?",
                       port, who, ms);
    } else if (datagrams) {
        (void)snprintf(text, size,
                       "no %s in %u ms: is UDP port %u open to %s, and is that a TURN server with "
                       "certificates?",
                       what, ms, port, who);
    } else {
        (void)snprintf(text, size,
                       "no %s in %u ms: is TCP port %u of %s a TURN server with certificates?",
                       what, ms, port, who);
    }
}

static void timeout_text(const floe_failure *failure, const floe_url *url, bool proxied,
                         const char *who, char *text, size_t size)
{
    unsigned ms = failure->elapsed_ms;
    unsigned port = failure->remote.port;

    switch ((floe_connection_state)failure->stage) {
    case FLOE_CONNECTION_PROXYING:
        (void)snprintf(text, size, "%s has not connected in %u ms", who, ms);
        return;
    case FLOE_CONNECTION_OPENING:
    case FLOE_CONNECTION_SECURING:
        no_connection_text(failure, url, proxied, who, text, size);
        return;
    default:
        break;
    }
    if (failure->dropped != FLOE_STUN_BELIEVED) {
        dropped_text(failure, who, text, size);
    } else if (failure->answered && failure->sends > 0) {
        (void)snprintf(
            text, size,
            "%s asked for a password, and has not answered in %u ms since: is it slow, or "
            "are packets lost?",
            who, ms);
    } else if (failure->sends == 0) {
        (void)snprintf(text, size, "not asked: gathering ended before its turn");
    } else if (failure->late) {
        (void)snprintf(text, size,
                       "%s has answered what was asked before, late, and this not in %u ms "
                       "(packets: %u): is it slow?",
                       who, ms, failure->sends);
    } else if (failure->before) {
        (void)snprintf(
            text, size,
            "%s has answered before, and has not for %u ms now (packets: %u): is it down?", who, ms,
            failure->sends);
    } else if (failure->beside) {
        (void)snprintf(text, size,
                       "%s answers other requests from here, and this not in %u ms (packets: %u): "
                       "is it a %s server, or are packets lost?",
                       who, ms, failure->sends, url != NULL && url->turn ? "TURN" : "STUN");
    } else if (failure->garbled) {
        (void)snprintf(text, size,
                       "%s answers on UDP port %u, but not in STUN: is it another service, or does "
                       "this network want a login first?",
                       who, port);
    } else if (failure->transport != FLOE_PROTOCOL_NONE) {
        (void)snprintf(text, size, "connected, but no answer in %u ms: is %s a TURN server?", ms,
                       who);
    } else if (failure->elsewhere) {
        (void)snprintf(text, size,
                       "no packet of %u was answered from here in %u ms, and %s answers another "
                       "address of ours: is there a way from this one?",
                       failure->sends, ms, who);
    } else if (failure->sends == 1) {
        (void)snprintf(text, size, "no answer in %u ms: is UDP port %u open to %s?", ms, port, who);
    } else {
        (void)snprintf(text, size, "no answer to %u packets in %u ms: is UDP port %u open to %s?",
                       failure->sends, ms, port, who);
    }
}

static void closed_text(const floe_failure *failure, const char *who, char *text, size_t size)
{
    static const char *const when[] = {
        [FLOE_CONNECTION_PROXYING] = "before it had connected us: is it a proxy?",
        [FLOE_CONNECTION_SECURING] = "during the handshake: does it speak TLS on this port?",
        [FLOE_CONNECTION_READY] = "without an answer: is it a TURN server, and not full?",
    };
    bool known = failure->stage < sizeof when / sizeof *when && when[failure->stage] != NULL;

    (void)snprintf(text, size, "%s closed the connection %s", who,
                   known ? when[failure->stage] : "at once");
}

static void unreachable_text(const floe_failure *failure, const char *who, char *text, size_t size)
{
    unsigned port = failure->remote.port;

    switch ((floe_unreachable)failure->detail) {
    case FLOE_UNREACHABLE_PORT:
        if (by_tcp(failure->transport)) {
            (void)snprintf(text, size,
                           "refused by TCP port %u of %s: nothing listens there, or a firewall "
                           "rejects",
                           port, who);
            break;
        }
        (void)snprintf(text, size,
                       "refused by UDP port %u of %s (ICMP port unreachable): nothing listens "
                       "there, or a firewall rejects",
                       port, who);
        break;
    case FLOE_UNREACHABLE_HOST:
        (void)snprintf(text, size,
                       "%s can't be reached (host or protocol unreachable): is it up, or does a "
                       "firewall forbid %s port %u?",
                       who, carrier(failure->transport), port);
        break;
    case FLOE_UNREACHABLE_NETWORK:
        (void)snprintf(text, size, "there is no route to %s, from here or on the way", who);
        break;
    case FLOE_UNREACHABLE_PROHIBITED:
        (void)snprintf(text, size,
                       "a firewall on the way to %s forbids %s port %u (ICMP prohibited)", who,
                       carrier(failure->transport), port);
        break;
    case FLOE_UNREACHABLE_NOT_SENT:
        (void)snprintf(text, size,
                       "this machine refuses to send to %s: does a local firewall forbid %s "
                       "port %u?",
                       who, carrier(failure->transport), port);
        break;
    case FLOE_UNREACHABLE_NOT_WATCHED:
        (void)snprintf(text, size, "%s is not asked, as no answer could be heard: %s", who,
                       floe_error_string(FLOE_ERR_NO_WATCHES));
        break;
    case FLOE_UNREACHABLE_TOO_BIG:
    case FLOE_UNREACHABLE_EXPIRED: /* of a relay's peer alone */
        break;
    }
}

static void name_text(const floe_failure *failure, const char *host, char *text, size_t size)
{
    switch ((floe_error)-failure->detail) {
    case FLOE_ERR_NOT_FOUND:
    case FLOE_OK:
        (void)snprintf(text, size, "the name %.200s has no address: is it spelled right?", host);
        break;
    case FLOE_ERR_TIMED_OUT:
        (void)snprintf(text, size, "no name server has an answer for %.200s: does DNS work here?",
                       host);
        break;
    default:
        (void)snprintf(text, size, "the name %.200s can't be looked up: %s", host,
                       floe_error_string((floe_error)-failure->detail));
        break;
    }
}

/* The name that had to be looked up: the server's, or that of the proxy on the way. */
static const char *name_asked(const floe_core *core, const floe_url *url)
{
    floe_address literal;
    uint16_t port;

    return url != NULL ? floe_next_hop(core->shared, url, &literal, &port) : "";
}

static void address_text(const floe_failure *failure, const char *host, const char *ip, char *text,
                         size_t size)
{
    floe_address_kind class = floe_address_classify(&failure->remote);
    const char *what = class == FLOE_ADDRESS_UNSPECIFIED
                           ? "which is nobody's address: does an ad blocker stand in the way?"
                       : class == FLOE_ADDRESS_LOOPBACK || class == FLOE_ADDRESS_LINK_LOCAL
                           ? "which is only asked with settings.loopback"
                           : "which can be no server's address";

    (void)snprintf(text, size, "the name %.200s stands for %s, %s", host, ip, what);
}

static void open_text(const floe_core *core, const floe_failure *failure, char *text, size_t size)
{
    const floe_core_shared *shared = core->shared;
    char address[FLOE_ADDRESS_TEXT_SIZE] = "a local address"; /* P1 */
    unsigned port = by_tcp(failure->transport) ? shared->tcp_mux_port : shared->udp_mux_port;

    if (floe_hosts_are_shown(core)) {
        (void)floe_address_format(&failure->remote, address, sizeof address);
    }
    if ((floe_error)-failure->detail == FLOE_ERR_ADDRESS_IN_USE && port != 0) {
        (void)snprintf(text, size,
                       "%s port %u is in use on %s: by another program, or by another floe_api of "
                       "this one",
                       carrier(failure->transport), port, address);
    } else if ((floe_error)-failure->detail == FLOE_ERR_ADDRESS_IN_USE && shared->port_min != 0) {
        (void)snprintf(text, size,
                       "every %s port from %u to %u is in use on %s: widen the port range",
                       carrier(failure->transport), shared->port_min, shared->port_max, address);
    } else {
        (void)snprintf(text, size, "no %s socket on %s: %s", carrier(failure->transport), address,
                       floe_error_string((floe_error)-failure->detail));
    }
}

static void publish_text(floe_error error, char *text, size_t size)
{
    static const char nobody[] = "the other side cannot look this name up";

    switch (error) {
    case FLOE_ERR_ADDRESS_IN_USE:
        (void)snprintf(
            text, size,
            "%s: another program holds UDP port 5353 (multicast DNS) for itself: end it, "
            "or have it share the port",
            nobody);
        break;
    case FLOE_ERR_QUEUE_FULL:
        (void)snprintf(text, size,
                       "%s: there are more interfaces than multicast DNS can have: raise "
                       "net.ipv4.igmp_max_memberships, or leave some out",
                       nobody);
        break;
    case FLOE_ERR_PERMISSION:
        (void)snprintf(text, size,
                       "%s: this machine refuses to send by multicast DNS: does a local firewall "
                       "forbid UDP port 5353?",
                       nobody);
        break;
    default:
        (void)snprintf(text, size,
                       "%s: multicast DNS does not work on its link (%s): is UDP port 5353 free, "
                       "and multicast on?",
                       nobody, floe_error_string(error));
        break;
    }
}

/* RFC 8489 §10: what an alternate server does not do is not the fault of who named it. */
static void point_out(const floe_failure *failure, char *text, size_t size)
{
    char ip[FLOE_ADDRESS_TEXT_SIZE] = "";
    size_t used = strlen(text);
    bool pointed = failure->pointed_by.family != FLOE_FAMILY_NONE;

    if (pointed && floe_address_format(&failure->pointed_by, ip, sizeof ip) == FLOE_OK) {
        (void)snprintf(text + used, size - used, " (%s sent us there: 300)", ip);
    }
}

void floe_failure_text(const floe_core *core, const floe_failure *failure, const floe_url *url,
                       char *text, size_t size)
{
    char ip[FLOE_ADDRESS_TEXT_SIZE] = "";
    char who[FLOE_ADDRESS_TEXT_SIZE + 16];
    bool proxied = url != NULL && floe_url_proxied(core->shared, url);
    const char *host = url != NULL ? url->host : "";

    (void)floe_address_format(&failure->remote, ip, sizeof ip);
    name_who(failure, proxied, who, sizeof who);
    switch ((floe_failure_kind)failure->kind) {
    case FLOE_FAILURE_TIMEOUT:
        timeout_text(failure, url, proxied, who, text, size);
        break;
    case FLOE_FAILURE_UNREACHABLE:
        unreachable_text(failure, who, text, size);
        break;
    case FLOE_FAILURE_SERVER:
        server_text(failure, text, size);
        break;
    case FLOE_FAILURE_CREDENTIALS:
        (void)snprintf(text, size,
                       "the server refuses the username or the credential (%u)%s%s%s: are they "
                       "right, and not expired?",
                       failure->code, failure->reason != NULL ? ", realm \"" : "",
                       failure->reason != NULL ? failure->reason : "",
                       failure->reason != NULL ? "\"" : "");
        break;
    case FLOE_FAILURE_BAD_ANSWER:
        (void)snprintf(text, size, "the server's answer can't be used: %s",
                       failure->reason != NULL ? failure->reason : "malformed");
        break;
    case FLOE_FAILURE_NAME:
        name_text(failure, name_asked(core, url), text, size);
        break;
    case FLOE_FAILURE_LOOKING:
        (void)snprintf(
            text, size,
            "%.200s was still being looked up when gathering ended, after %u ms: is a name "
            "server here silent or slow? The next gathering may have it",
            name_asked(core, url), failure->elapsed_ms);
        break;
    case FLOE_FAILURE_UNSUPPORTED:
        (void)snprintf(text, size,
                       "stuns: gives no UDP candidate, so there is nothing to gather from it: use "
                       "stun:");
        break;
    case FLOE_FAILURE_CLOSED:
        closed_text(failure, who, text, size);
        break;
    case FLOE_FAILURE_SECURE:
        (void)snprintf(text, size, "%s: %s", who,
                       failure->reason != NULL ? failure->reason : "TLS failed");
        break;
    case FLOE_FAILURE_PROXY:
        (void)snprintf(text, size, "the proxy %s does not let us through: %s", ip,
                       failure->reason != NULL ? failure->reason : "");
        break;
    case FLOE_FAILURE_PROXY_ONLY:
        (void)snprintf(text, size,
                       "not asked: settings.ip_handling lets nothing out but through a proxy, %s",
                       core->shared->proxy == NULL
                           ? "and settings.proxy names none"
                           : "which TURN by TCP or TLS alone goes through: add ?transport=tcp");
        break;
    case FLOE_FAILURE_PORT:
        (void)snprintf(
            text, size,
            "port %u is refused by settings.refuse_low_ports: 53, 80, 443 and those from "
            "1024 on are asked",
            failure->remote.port);
        break;
    case FLOE_FAILURE_ADDRESS:
        address_text(failure, name_asked(core, url), ip, text, size);
        break;
    case FLOE_FAILURE_SERVICE:
        (void)snprintf(text, size,
                       "the domain %.200s says that it has no such service (SRV with the target "
                       "\".\"): give the port in the URL to ask it all the same",
                       host);
        break;
    case FLOE_FAILURE_OPEN:
        open_text(core, failure, text, size);
        break;
    case FLOE_FAILURE_PUBLISH:
        publish_text((floe_error)-failure->detail, text, size);
        break;
    case FLOE_FAILURE_INTERFACES:
        (void)snprintf(text, size, "the network interfaces can't be listed: %s",
                       floe_error_string((floe_error)-failure->detail));
        break;
    case FLOE_FAILURE_MEMORY:
    case FLOE_FAILURE_NONE:
        (void)snprintf(text, size, "out of memory");
        break;
    }
    point_out(failure, text, size);
}
