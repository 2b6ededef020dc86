/* What stands on a base: its candidates and bindings, which end with its socket. */
#include "core/source/standing.h"

#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/candidate/host.h"
#include "core/core.h"
#include "core/socket/tcp_peer.h"
#include "core/socket/way.h"
#include "core/source/binding.h"
#include "core/source/relay.h"
#include "core/source/tcp_mapping.h"

/* A relay that moves takes its candidates along. */
static void withdraw_candidates(floe_core *core, const floe_base *base)
{
    FLOE_FOUND_ON(found, base)
    {
        const floe_relay *relay = floe_found_relay(found);
        bool moves = relay != NULL && relay->state == FLOE_RELAY_MOVES;
        if (!moves) {
            floe_found_withdraw(core, found, FLOE_WITHDRAWAL_ADDRESS_GONE);
        }
    }
}

void floe_base_close(floe_core *core, floe_base *base)
{
    floe_way_gone(core, floe_base_full_for(base));
    withdraw_candidates(core, base);
    floe_bindings_end(core, base);
    floe_base_unpublish(core, base);
    floe_tcp_mappings_end(core, base->listener);
    floe_tcp_peers_end(core, base->listener);
    floe_listener_close(core, base);
    floe_base_shut(core, base);
}
