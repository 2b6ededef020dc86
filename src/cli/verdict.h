/* What gathering shows of the network, and what that means for calls. */
#ifndef FLOE_CLI_VERDICT_H
#define FLOE_CLI_VERDICT_H

#include <floe/address.h>
#include <floe/statistics.h>
#include <stdbool.h>

typedef enum nat_kind {
    NAT_UNKNOWN,    /* too few servers answered */
    NAT_NONE,       /* servers see the local address */
    NAT_ONE_SERVER, /* there is one; whether it keeps the port, one server cannot tell */
    NAT_KEEPS,      /* all servers see one port (RFC 4787: endpoint-independent mapping) */
    NAT_CHANGES,    /* each server sees another (a symmetric NAT) */
} nat_kind;

/* "none", "one-server", "keeps-port", "changes-port"; NULL: not known. */
const char *nat_kind_name(nat_kind kind);

/* Of a way: whether it was tried, and worked; or something answered, and it is no server of use. */
typedef struct way_facts {
    bool tried;
    bool works;
    bool strange;
} way_facts;

typedef struct network_facts {
    way_facts udp;
    way_facts connected; /* TCP, TLS */
    way_facts ipv4;
    way_facts ipv6;
    bool ipv6_here;                             /* there is a local address of IPv6 */
    unsigned relays;                            /* that the world may reach */
    char private_relay[FLOE_ADDRESS_TEXT_SIZE]; /* that it cannot reach; "": none */
    nat_kind nat;
} network_facts;

/* `proxied`: servers are reached by a proxy, and nobody knows where they are. */
network_facts network_facts_of(const floe_gatherer_statistics *statistics, bool proxied);
/* Why a server failed: one that was never sent a request, as no connection came about, is in no statistics. */
void network_facts_add_failure(network_facts *facts, floe_protocol transport,
                               floe_failure_reason reason);
/* "UDP works, IPv6 was not tried; the NAT keeps one port for all servers"; "": nothing was asked. */
void network_text(const network_facts *facts, char *text, size_t size);
/* Of a server behind a NAT that does not know it, which relays from an address that it alone can reach. */
bool is_private_relay(const char *relay, const char *server);
void private_relay_text(const char *relay, char *text, size_t size);
/* What that means: "direct calls should work"; "": nothing is known. */
void verdict_text(const network_facts *facts, char *text, size_t size);

#endif
