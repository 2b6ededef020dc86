/* How long what a DNS answer says may be kept: c-ares gives no TTL with SRV and NAPTR records. */
#ifndef FLOE_RUNTIME_SERVICE_TTL_H
#define FLOE_RUNTIME_SERVICE_TTL_H

#include <stddef.h>
#include <stdint.h>

/* The least TTL of the answer's records, in seconds, and `most` at most; 0: it is no whole answer.
 */
uint32_t floe_service_ttl(const void *answer, size_t size, uint32_t most);

#endif
