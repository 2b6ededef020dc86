/* Name servers by link-local addresses. */
#include "runtime/link_servers.h"

#include "base/address.h"

#include <stdio.h>
#include <string.h>
#ifndef _WIN32
#include <net/if.h>
#endif

#define BLANKS " \t\r"

/* "eth0" or "2". Windows has no such list. */
static uint32_t scope_of(const char *name)
{
    unsigned index = 0;
    int used = 0;

    if (sscanf(name, "%u%n", &index, &used) == 1 && name[used] == '\0') {
        return index;
    }
#ifndef _WIN32
    index = if_nametoindex(name);
#endif
    return index;
}

static bool is_of_link(const floe_address *address)
{
    return address->family == FLOE_FAMILY_IPV6 &&
           floe_address_classify(address) == FLOE_ADDRESS_LINK_LOCAL;
}

/* Cuts the scope off the text. */
static bool read_address(char *text, floe_address *address)
{
    char *scope = strchr(text, '%');

    if (scope != NULL) {
        *scope++ = '\0';
    }
    if (floe_address_parse(text, address) != FLOE_OK) {
        return false;
    }
    address->scope_id = scope != NULL && is_of_link(address) ? scope_of(scope) : 0;
    return true;
}

bool floe_link_servers_add(floe_name_servers *servers, const char *line)
{
    static const char keyword[] = "nameserver";
    const char *at = line + strspn(line, BLANKS);
    char text[64];

    if (strncmp(at, keyword, sizeof keyword - 1) != 0) {
        return false;
    }
    at += sizeof keyword - 1;
    size_t blanks = strspn(at, BLANKS);
    size_t size = strcspn(at + blanks, BLANKS "\n");
    if (blanks == 0 || size >= sizeof text || servers->count == FLOE_NAME_SERVERS_MAX) {
        return false;
    }
    memcpy(text, at + blanks, size);
    text[size] = '\0';
    floe_address address;
    if (!read_address(text, &address)) {
        return false;
    }
    servers->servers[servers->count++] = address;
    servers->any |= address.scope_id != 0;
    return true;
}

void floe_link_servers_read(floe_name_servers *servers)
{
    char line[256];
    FILE *file = fopen("/etc/resolv.conf", "r");

    *servers = (floe_name_servers){0};
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        (void)floe_link_servers_add(servers, line);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

uint32_t floe_link_servers_scope(const floe_name_servers *servers, const uint8_t *ip)
{
    for (size_t i = 0; i < servers->count; i++) {
        if (servers->servers[i].family == FLOE_FAMILY_IPV6 &&
            memcmp(servers->servers[i].ip, ip, 16) == 0) {
            return servers->servers[i].scope_id;
        }
    }
    return 0;
}
