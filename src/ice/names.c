/* What the numbers are called. */
#include "ice/ice.h"

static const char *name_of(const char *const *names, size_t count, int value)
{
    return value >= 0 && (size_t)value < count && names[value] != NULL ? names[value] : "";
}

#define NAME_OF(names, value) name_of(names, sizeof(names) / sizeof *(names), (int)(value))

const char *floe_ice_role_name(floe_ice_role role)
{
    static const char *const names[] = {
        [FLOE_ICE_ROLE_CONTROLLING] = "controlling",
        [FLOE_ICE_ROLE_CONTROLLED] = "controlled",
    };
    return NAME_OF(names, role);
}

const char *floe_ice_state_name(floe_ice_state state)
{
    static const char *const names[] = {
        [FLOE_ICE_STATE_NEW] = "new",
        [FLOE_ICE_STATE_CHECKING] = "checking",
        [FLOE_ICE_STATE_CONNECTED] = "connected",
        [FLOE_ICE_STATE_COMPLETED] = "completed",
        [FLOE_ICE_STATE_DISCONNECTED] = "disconnected",
        [FLOE_ICE_STATE_FAILED] = "failed",
        [FLOE_ICE_STATE_CLOSED] = "closed",
    };
    return NAME_OF(names, state);
}

const char *floe_ice_pair_state_name(floe_ice_pair_state state)
{
    static const char *const names[] = {
        [FLOE_ICE_PAIR_FROZEN] = "frozen",           [FLOE_ICE_PAIR_WAITING] = "waiting",
        [FLOE_ICE_PAIR_IN_PROGRESS] = "in-progress", [FLOE_ICE_PAIR_SUCCEEDED] = "succeeded",
        [FLOE_ICE_PAIR_FAILED] = "failed",
    };
    return NAME_OF(names, state);
}

const char *floe_ice_failure_name(floe_ice_failure failure)
{
    static const char *const names[] = {
        [FLOE_ICE_FAILURE_TIMEOUT] = "timeout",
        [FLOE_ICE_FAILURE_UNREACHABLE] = "unreachable",
        [FLOE_ICE_FAILURE_NOT_SYMMETRIC] = "not-symmetric",
        [FLOE_ICE_FAILURE_ERROR_CODE] = "error-code",
        [FLOE_ICE_FAILURE_BAD_ANSWER] = "bad-answer",
        [FLOE_ICE_FAILURE_RELAY_REFUSES] = "relay-refuses",
        [FLOE_ICE_FAILURE_TOO_MANY_CHECKS] = "too-many-checks",
        [FLOE_ICE_FAILURE_ROLES] = "roles",
        [FLOE_ICE_FAILURE_CONSENT] = "consent",
    };
    return NAME_OF(names, failure);
}

const char *floe_ice_reason_name(floe_ice_reason reason)
{
    static const char *const names[] = {
        [FLOE_ICE_REASON_NOT_STARTED] = "not-started",
        [FLOE_ICE_REASON_NO_REMOTE_CANDIDATE] = "no-remote-candidate",
        [FLOE_ICE_REASON_NAMES] = "names",
        [FLOE_ICE_REASON_NO_LOCAL_CANDIDATE] = "no-local-candidate",
        [FLOE_ICE_REASON_NO_PAIR] = "no-pair",
        [FLOE_ICE_REASON_CREDENTIALS] = "credentials",
        [FLOE_ICE_REASON_ONE_WAY] = "one-way",
        [FLOE_ICE_REASON_SILENCE] = "silence",
        [FLOE_ICE_REASON_UNREACHABLE] = "unreachable",
        [FLOE_ICE_REASON_RELAY_REFUSES] = "relay-refuses",
        [FLOE_ICE_REASON_REFUSED] = "refused",
        [FLOE_ICE_REASON_CONSENT] = "consent",
    };
    return NAME_OF(names, reason);
}
