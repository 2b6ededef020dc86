/* Why, in words for a person and in one for a program (I22). */
#include "base/error.h"
#include "ice/ice.h"

floe_ice_reason floe_ice_get_reason(const floe_ice *ice)
{
    (void)ice;
    return FLOE_ICE_REASON_NONE;
}

floe_error floe_ice_explain(const floe_ice *ice, char *text, size_t size)
{
    if (ice == NULL || text == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_ice_explain: NULL");
    }
    floe_put_text(text, size, "");
    return FLOE_OK;
}

floe_error floe_ice_explain_pair(const floe_ice_pair *pair, char *text, size_t size)
{
    if (pair == NULL || text == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_ice_explain_pair: NULL");
    }
    floe_put_text(text, size, "");
    return FLOE_OK;
}
