/* What is made of randomness: ice-chars and numbers below a bound. */
#include "base/random.h"

#include "base/error.h"

const char floe_ice_chars[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

floe_error floe_random_fill(const floe_random *random, void *to, size_t size)
{
    if (random->fill(random->user_data, to, size) != FLOE_OK) {
        return floe_fail(FLOE_ERR_RANDOM, "the source of randomness failed");
    }
    return FLOE_OK;
}

floe_error floe_random_ice_chars(const floe_random *random, char *to, size_t count)
{
    floe_error error = floe_random_fill(random, to, count);

    if (error != FLOE_OK) {
        return error;
    }
    for (size_t i = 0; i < count; i++) {
        to[i] = floe_ice_chars[(unsigned char)to[i] & 63U];
    }
    to[count] = '\0';
    return FLOE_OK;
}

floe_error floe_random_below(const floe_random *random, uint32_t bound, uint32_t *value)
{
    /* Values beyond the last whole multiple of bound would favour the small results. */
    uint32_t limit = UINT32_MAX - UINT32_MAX % bound;

    do {
        floe_error error = floe_random_fill(random, value, sizeof *value);
        if (error != FLOE_OK) {
            return error;
        }
    } while (*value >= limit);
    *value %= bound;
    return FLOE_OK;
}
