/* A DNS answer, whose least TTL is looked for. Where libresolv can take the message apart, ours is
 * its answer too. */
#include "runtime/service_ttl.h"

#include <arpa/nameser.h>
#include <stdbool.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool least_by_libresolv(const uint8_t *data, size_t size, uint32_t *least)
{
    ns_msg message;
    ns_rr record;

    *least = UINT32_MAX;
    if (ns_initparse(data, (int)size, &message) != 0) {
        return false;
    }
    for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
        if (ns_parserr(&message, ns_s_an, i, &record) != 0) {
            return false;
        }
        *least = ns_rr_ttl(record) < *least ? ns_rr_ttl(record) : *least;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t least;

    if (least_by_libresolv(data, size, &least) &&
        floe_service_ttl(data, size, UINT32_MAX) != least) {
        abort();
    }
    if (floe_service_ttl(data, size, 60) > 60) {
        abort();
    }
    return 0;
}
