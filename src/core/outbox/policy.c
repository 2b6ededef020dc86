/* What of this machine's own addresses is told (P1, RFC 8828 §5.2). */
#include "core/outbox/policy.h"

#include "core/config/shared.h"
#include "core/core.h"

/* RFC 8828 §5.2: modes 3 and 4 show nothing of this machine itself. */
static bool mode_tells_hosts(const floe_core *core)
{
    return core->shared->ip_handling < FLOE_IP_HANDLING_DEFAULT_ROUTE_ONLY;
}

bool floe_hosts_are_wanted(const floe_core *core)
{
    return core->policy == FLOE_GATHER_POLICY_ALL && (core->types & FLOE_GATHER_TYPE_HOST) != 0;
}

bool floe_reflexive_is_wanted(const floe_core *core)
{
    return core->policy != FLOE_GATHER_POLICY_RELAY && (core->types & FLOE_GATHER_TYPE_SRFLX) != 0;
}

bool floe_hosts_are_veiled(const floe_core *core)
{
    return core->shared->mdns_mode == FLOE_MDNS_MODE_QUERY_AND_GATHER || !mode_tells_hosts(core);
}

bool floe_hosts_are_told(const floe_core *core)
{
    return floe_hosts_are_wanted(core) && mode_tells_hosts(core);
}

bool floe_hosts_are_shown(const floe_core *core)
{
    return core->policy == FLOE_GATHER_POLICY_ALL && !floe_hosts_are_veiled(core) &&
           !floe_core_is_trunk(core); /* whose members may have other policies */
}
