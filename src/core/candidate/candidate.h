/* Local candidates: which there are, their priority and foundation (RFC 8445 §5.1), and their public form. */
#ifndef FLOE_CORE_CANDIDATE_CANDIDATE_H
#define FLOE_CORE_CANDIDATE_CANDIDATE_H

#include "base/tree.h"
#include "core/candidate/base.h"
#include "core/outbox/outbox.h"

/* 8 ice-char and a NUL. */
#define FLOE_FOUNDATION_SIZE 9

/* An address that is only shown: without its scope. */
typedef struct floe_shown_address {
    uint8_t ip[16];
    uint16_t port;
    uint8_t family;
} floe_shown_address;

struct floe_found {       /* there are several for each address: without holes */
    floe_list link;       /* in core->found */
    floe_chained of_base; /* in base->found */
    floe_output output;   /* FLOE_OUTPUT_CANDIDATE or FLOE_OUTPUT_WITHDRAWN */
    floe_tree_node by_address;
    floe_tree_node by_priority;
    floe_base *base;
    const floe_server *server;     /* NULL for host */
    union {                        /* by its type */
        char *name;                /* of a host, shown for the address (H2); NULL: none */
        floe_binding *binding;     /* that keeps a reflexive one; NULL: its base alone does */
        floe_tcp_mapping *mapping; /* that keeps a reflexive one for TCP; NULL: likewise */
        floe_relay *relay;         /* whose a relayed one is; NULL: it is withdrawn */
        uint32_t trunks_id;        /* `by_trunk`: of that which the trunk has found */
    } of;
    floe_address address;
    uint32_t id;       /* by which its owner names it */
    uint32_t base_id;  /* as it was told last */
    uint32_t found_at; /* microseconds since the start of the gathering */
    uint32_t priority;
    uint8_t foundation[6];  /* 8 ice-char, of 6 bits each */
    unsigned type : 3;      /* a floe_candidate_type */
    unsigned tcp_type : 2;  /* a floe_tcp_type; none: it is for UDP */
    unsigned transport : 3; /* a floe_protocol, by which its server was asked; none: it has none */
    unsigned withdrawn : 3; /* why, a floe_withdrawal; then it is freed once that has been told */
    bool hidden : 1;        /* policy keeps it from being reported; it counts for redundancy */
    bool told : 1;          /* in this generation */
    bool known : 1;         /* in this one or one before: the owner has its id */
    bool stale : 1;         /* of the generation before a restart, and not found again yet */
    bool by_trunk : 1;      /* of a member: the mux has given it, */
    bool full : 1;          /* and the relay took no more of what the member sent */
    bool writable : 1;      /* there is room again on its way: core->writable_output says so */
    /* One of a relayed one, what its server saw (family none: that is not known); a reflexive one's is
     * its base's address. */
    floe_shown_address related[];
};

/* Each of the base's, in the order in which they came; the one at hand may leave it, but no other. */
#define FLOE_FOUND_ON(element, base)                                                               \
    FLOE_CHAIN_EACH_SAFE(element, &(base)->found, floe_found, of_base)

/* Of a relayed one. */
static inline floe_address floe_found_related(const floe_found *found)
{
    floe_address related = {.port = found->related->port, .family = found->related->family};

    memcpy(related.ip, found->related->ip, sizeof related.ip);
    return related;
}

/* NULL for those of another type. */
static inline const char *floe_found_name(const floe_found *found)
{
    return found->type == FLOE_CANDIDATE_TYPE_HOST ? found->of.name : NULL;
}

static inline floe_binding *floe_found_binding(const floe_found *found)
{
    return found->type == FLOE_CANDIDATE_TYPE_SRFLX && found->tcp_type == FLOE_TCP_TYPE_NONE &&
                   !found->by_trunk
               ? found->of.binding
               : NULL;
}

static inline floe_tcp_mapping *floe_found_tcp_mapping(const floe_found *found)
{
    return found->type == FLOE_CANDIDATE_TYPE_SRFLX && found->tcp_type != FLOE_TCP_TYPE_NONE
               ? found->of.mapping
               : NULL;
}

static inline floe_relay *floe_found_relay(const floe_found *found)
{
    return found->type == FLOE_CANDIDATE_TYPE_RELAY && !found->by_trunk ? found->of.relay : NULL;
}

/* What is known of a candidate when it is found. */
typedef struct floe_finding {
    floe_candidate_type type;
    floe_tcp_type tcp_type;
    floe_base *base;
    const floe_server *server; /* NULL: no server told it */
    floe_binding *binding;     /* as in floe_found, as they are its type's */
    floe_tcp_mapping *mapping;
    floe_relay *relay;
    uint32_t trunks_id;         /* 0: no trunk has found it */
    uint8_t transport;          /* a floe_protocol, by which its server was asked */
    const floe_address *remote; /* of the server */
    const floe_address *address;
    const floe_address *mapped; /* of a relay; NULL for others */
} floe_finding;

/* A candidate was found: what the rewrite rules make of it is told, unless policy forbids or it is
 * redundant (R3). Says whether anything was left of it. */
bool floe_found_add(floe_core *core, floe_time now, const floe_finding *finding);
/* Reflexive candidates that a rewrite rule says of the base (W7). */
void floe_found_add_rewritten(floe_core *core, floe_time now, floe_base *base);
/* Those of a relay on this base serve no longer: told if they were told. */
void floe_found_withdraw_relay(floe_core *core, const floe_base *base, const floe_relay *relay,
                               floe_withdrawal why);
/* They stand on another base from now on. */
void floe_found_move(const floe_relay *relay, const floe_base *from, floe_base *to);
/* `from` keeps its candidates on the base no longer, `to` does, which sees the same address, and its
 * server. NULL: nobody, and they are withdrawn. */
void floe_found_hand_over(floe_core *core, const floe_base *base, const floe_binding *from,
                          floe_binding *to, const floe_server *server);
/* It serves no longer: told if it was told. */
void floe_found_withdraw(floe_core *core, floe_found *found, floe_withdrawal why);
/* The next with this address, behind that of the id `last` (0: the first); NULL: there is none. */
floe_found *floe_found_next_at(const floe_core *core, const floe_address *address, uint32_t last);
/* Each with this address, in the order of their ids. */
#define FLOE_FOUND_AT(found, core, at)                                                             \
    for (floe_found *found = floe_found_next_at(core, at, 0); found != NULL;                       \
         found = floe_found_next_at(core, at, found->id))
/* There is room again for who could not send by this id. */
void floe_found_writable(floe_core *core, uint32_t id);
/* Of such a one the id, in the order in which they were found; 0: there is none. */
uint32_t floe_found_poll_writable(floe_core *core);
/* It may be shown, or has been given out. */
bool floe_found_counts(const floe_found *found);
void floe_found_withdraw_hosts(floe_core *core, const floe_base *base);
/* Copies the text to *room, behind which *room stands then: for lists that are one piece. */
const char *floe_keep_text(const char *text, char **room);
/* Whether it is handed out when it is asked for. */
bool floe_found_listed(const floe_core *core, const floe_found *found);
/* Whether a candidate of the base's with this mapped address may be shown; or has been given out,
 * be it hidden by now. */
bool floe_found_keeps(const floe_core *core, const floe_base *base, const floe_address *mapped);
bool floe_found_shows(const floe_core *core, const floe_base *base, const floe_address *mapped);
/* Whether the relay, which stands on the base, has one in this generation. */
bool floe_found_of_relay(const floe_base *base, const floe_relay *relay);
/* Whether something of it has been found in this generation; of a STUN server, be it by another URL of
 * its host. */
bool floe_found_what_it_shows(const floe_core *core, const floe_server *server);
/* The policy may be another: what it held back is told, what it forbids is handed out no more. */
void floe_found_apply_policy(floe_core *core);
/* A restart: what goes on keeps its id, and is told anew once it is found again (L11). */
void floe_found_outlive(floe_core *core);
/* Those of the generation before that were not found again are withdrawn. */
void floe_found_sweep(floe_core *core);
void floe_found_free(floe_core *core, floe_found *found);
/* The family of the peers that it can send to: what a rewrite rule shows may be of the other one
 * than its socket (W3). */
uint8_t floe_found_family(const floe_found *found);
/* The public form; `address` and `related` have FLOE_ADDRESS_TEXT_SIZE bytes each, `foundation` has
 * FLOE_FOUNDATION_SIZE. */
void floe_found_view(const floe_core *core, const floe_found *found, floe_candidate *candidate,
                     char *address, char *related, char *foundation);
/* What a server told the base that it looks like, if that can be. */
bool floe_mapped_address(const floe_core *core, const floe_base *base, const floe_address *told,
                         floe_address *mapped);

#endif
