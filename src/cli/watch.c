#include "cli/watch.h"

#include <string.h>
#include <uv.h>

/* FNV-1a. */
static uint64_t mix(uint64_t sum, const void *data, size_t size)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < size; i++) {
        sum = (sum ^ bytes[i]) * UINT64_C(1099511628211);
    }
    return sum;
}

static uint64_t sum_of(const uv_interface_address_t *one)
{
    uint64_t sum = mix(UINT64_C(14695981039346656037), one->name, strlen(one->name));

    return one->address.address4.sin_family == AF_INET
               ? mix(sum, &one->address.address4.sin_addr, sizeof one->address.address4.sin_addr)
               : mix(sum, &one->address.address6.sin6_addr, sizeof one->address.address6.sin6_addr);
}

/* Their order says nothing. */
uint64_t watch_addresses(void)
{
    uv_interface_address_t *all = NULL;
    int count = 0;
    uint64_t sum = 1;

    if (uv_interface_addresses(&all, &count) != 0) {
        return 0;
    }
    for (int i = 0; i < count; i++) {
        sum += sum_of(&all[i]);
    }
    uv_free_interface_addresses(all, count);
    return sum;
}
