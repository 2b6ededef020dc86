#include "runtime/known_hosts.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/name.h"

#include <string.h>

typedef struct known_host {
    floe_list link;
    floe_address address;
    char name[]; /* NUL-terminated */
} known_host;

/* "2001:db8::1", with or without brackets. */
static bool parse_address(const char *text, floe_address *address)
{
    char bare[FLOE_ADDRESS_TEXT_SIZE] = "";
    size_t size = strlen(text);
    bool bracketed = size > 2 && text[0] == '[' && text[size - 1] == ']';

    size -= bracketed ? 2 : 0;
    if (size >= sizeof bare) {
        return false;
    }
    memcpy(bare, text + bracketed, size);
    return floe_address_parse(bare, address) == FLOE_OK;
}

static floe_error take(floe_list *hosts, const floe_allocator *allocator, const char *text)
{
    const char *colon = text != NULL ? strchr(text, ':') : NULL;
    floe_address address;

    if (colon == NULL || colon == text || !parse_address(colon + 1, &address)) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "settings.host_addresses \"%.200s\" is not NAME:ADDRESS",
                         text != NULL ? text : "NULL");
    }
    size_t size = (size_t)(colon - text);
    known_host *made = floe_allocate(allocator, sizeof *made + size + 1);
    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    made->address = address;
    memcpy(made->name, text, size);
    floe_list_append(hosts, &made->link);
    return FLOE_OK;
}

floe_error floe_known_hosts_take(floe_list *hosts, const floe_allocator *allocator,
                                 const floe_settings *settings)
{
    floe_error error = FLOE_OK;

    for (size_t i = 0; i < settings->host_address_count && error == FLOE_OK; i++) {
        error = take(hosts, allocator, settings->host_addresses[i]);
    }
    return error;
}

void floe_known_hosts_free(floe_list *hosts, const floe_allocator *allocator)
{
    FLOE_LIST_EACH_SAFE(host, hosts, known_host, link)
    {
        floe_list_remove(&host->link);
        floe_deallocate(allocator, host);
    }
}

bool floe_known_hosts_find(const floe_list *hosts, const char *name, floe_dns_record record,
                           floe_address *addresses, size_t *count)
{
    uint8_t family = record == FLOE_DNS_A      ? FLOE_FAMILY_IPV4
                     : record == FLOE_DNS_AAAA ? FLOE_FAMILY_IPV6
                                               : FLOE_FAMILY_NONE;
    bool found = false;

    *count = 0;
    if (family == FLOE_FAMILY_NONE) {
        return false;
    }
    FLOE_LIST_EACH(host, hosts, known_host, link)
    {
        if (!floe_name_same(host->name, name)) {
            continue;
        }
        found = true;
        if (host->address.family == family && *count < FLOE_KNOWN_ADDRESSES_MAX) {
            addresses[(*count)++] = host->address;
        }
    }
    return found;
}
