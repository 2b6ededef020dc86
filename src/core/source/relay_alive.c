/* Whether the server still has a relay (T7b): when it is asked, and how long its silence is borne. */
#include "core/candidate/base.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/outbox.h"
#include "core/server/server.h"
#include "core/socket/connection.h"
#include "core/source/binding.h"
#include "core/source/relay_inside.h"

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

void floe_relay_verify(floe_core *core, floe_relay *relay, floe_time now, bool soon)
{
    if (floe_relay_is_had(relay)) {
        floe_relay_touch(core, relay);
        relay->doubted = now;
        (soon ? floe_turn_refresh_soon : floe_turn_refresh_now)(&relay->turn, now);
    }
}

void floe_relay_woke(floe_core *core, floe_relay *relay, floe_time now)
{
    if (!floe_relay_is_had(relay)) {
        return;
    }
    floe_relay_touch(core, relay);
    relay->doubted = now;
    if (floe_turn_refresh_awake(&relay->turn, now)) {
        relay->owed = now;
        relay->ignored = 0;
    }
}

void floe_relay_doubt(floe_core *core, floe_relay *relay, floe_time now)
{
    if (floe_time_since(now, relay->doubted).ns >= DOUBT_EVERY.ns) {
        floe_relay_verify(core, relay, now, false);
    }
}

void floe_relays_doubt(floe_core *core, floe_time now, const floe_base *base,
                       const floe_address *server)
{
    FLOE_RELAYS_ON(relay, base)
    {
        if (floe_relay_uses(relay, base, server)) {
            floe_relay_doubt(core, relay, now);
        }
    }
}

/* There are servers (Pion's) that leave a Refresh of what they do not have unanswered. */
static bool is_owed_an_answer(const floe_relay *relay)
{
    return floe_relay_serves(relay) && floe_stun_transaction_runs(&relay->turn.transaction);
}

bool floe_relays_heard(const floe_base *base, const floe_address *server, floe_time since)
{
    FLOE_RING_EACH(relay, floe_base_asked_for(base), floe_relay, of_origin)
    {
        if (floe_relay_serves(relay) && floe_relay_by_datagrams(relay) &&
            floe_address_equal(&relay->turn.server, server) && relay->turn.heard.ns > since.ns) {
            return true;
        }
    }
    return false;
}

void floe_relay_is_there(floe_core *core, floe_relay *relay)
{
    uint8_t sends = relay->turn.transaction.sends;

    if (is_owed_an_answer(relay) && sends > relay->ignored_send) {
        relay->ignored_send = sends;
        floe_relay_touch(core, relay);
        if (++relay->ignored == IGNORED_SENDS) {
            floe_untell(&relay->output);
            floe_turn_refresh_anew(&relay->turn);
            floe_relay_take_turn(core, relay, true);
        }
    }
}

void floe_relays_answered_beside(floe_core *core, const floe_base *base, const floe_address *server)
{
    FLOE_RELAYS_ON(relay, base)
    {
        if (floe_relay_uses(relay, base, server)) {
            floe_relay_touch(core, relay);
            floe_turn_allocation_beside(&relay->turn);
            floe_relay_is_there(core, relay);
        }
    }
}

void floe_relay_request_goes(floe_core *core, floe_time now, floe_relay *relay)
{
    if (relay->turn.transaction.sends == 1) {
        relay->ignored_send = 1;
        if (!floe_turn_refreshes_again(&relay->turn)) {
            relay->ignored = relay->ignored < IGNORED_SENDS ? 0 : relay->ignored;
            relay->owed = now; /* the one that is asked anew has its own time */
        }
    } else if (floe_relay_by_datagrams(relay) && floe_relay_serves(relay)) {
        floe_binding_ask_beside(core, relay->base, &relay->turn.server);
    } else if (relay->attempt != NULL) {
        core->listener->asks_reflexive(core, relay->attempt);
    }
}

void floe_relay_sends(floe_core *core, floe_relay *relay, floe_time now)
{
    if (floe_time_is_never(relay->unheard)) {
        relay->unheard = now;
    } else if (floe_time_since(now, relay->unheard).ns >= UNHEARD_FOR.ns) {
        relay->unheard = now;
        floe_relay_doubt(core, relay, now);
    }
}

void floe_relay_set_check(const floe_core *core, floe_time now, floe_relay *relay)
{
    relay->check = floe_time_after(now, core->shared->keepalive);
}

floe_time floe_relay_silent_at(const floe_relay *relay)
{
    const floe_connection *connection = relay->connection;
    bool is_there = floe_relay_by_datagrams(relay)
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
