/* Pairs of a base and a server: what is asked of each, and what came of it. */
#ifndef FLOE_CORE_PLAN_PAIR_H
#define FLOE_CORE_PLAN_PAIR_H

#include "base/tree.h"
#include "core/outbox/failure.h"
#include "core/outbox/outbox.h"
#include "core/server/server.h"
#include "core/source/attempt.h"

struct floe_pair {
    floe_list link; /* in core->pairs */
    floe_chained of_base;
    floe_chained of_server;
    union {
        floe_alarm alarm; /* on core->starts: when the first of its attempts begins */
        floe_tree_node
            untold; /* in core->untold instead, while its failure is: none of them does */
    };
    floe_output output;
    floe_base *base;
    floe_server *server;
    floe_chain attempts;
    floe_failure *failure; /* the latest attempt's (floe_failure_kept), if it has failed */
    uint32_t number;       /* its place among all */
    floe_relay_kind kind;  /* of the relay that it asks for */
    uint8_t progress;      /* a floe_progress */
    bool yielded : 1;      /* the relay is the other family's: only what a NAT shows is asked */
    bool told : 1;         /* its failure */
    bool url_failed : 1;   /* said so when it was told */
};

/* What it asks is what a NAT shows of a port for TCP (R4). */
static inline bool floe_pair_by_tcp(const floe_pair *pair)
{
    return pair->kind.tcp && !pair->server->url->turn;
}

/* Pairs the base, or all, with every server that has addresses for it; pairs that exist stay. */
void floe_pairs_make(floe_core *core, floe_time now, floe_base *base);
void floe_pairs_make_all(floe_core *core, floe_time now);
/* Somebody's relay by the server goes: where nobody gave one, or none was wanted beside that, it is
 * asked for again. Whether it is anywhere. */
bool floe_pairs_ask_anew(floe_core *core, const floe_server *server);
/* Whether it has asked somebody in vain. */
bool floe_pairs_failed(const floe_base *base);
/* The base asks those once more from whom it has nothing, and whose names are known by then. */
void floe_pairs_ask_failed(floe_core *core, floe_base *base);

/* What its bindings and relays report to. */
extern const floe_source_listener floe_pairs_listener;

/* It goes on though this gathering asks nobody: its pair, which has succeeded, tells its end. */
void floe_pairs_keep(floe_core *core, floe_relay *relay);
/* An answer came to the base from there, to a request that is over. */
void floe_pairs_late_answer(const floe_core *core, const floe_base *base,
                            const floe_address *source);
/* Something else than an answer in STUN came to the base from there. */
void floe_pairs_garbled(const floe_core *core, const floe_base *base, const floe_address *source);
/* The code of the failure of a binding's pairs, or of a relay's; 0: none. */
const floe_failure *floe_pairs_failure(const floe_binding *binding);
const floe_failure *floe_pairs_relay_failure(const floe_relay *relay);
void floe_pairs_time(floe_core *core, floe_time now);
/* What waits beside the question whether a relay of before stands is asked now. */
void floe_pairs_hurry(floe_core *core, floe_time now);
floe_time floe_pairs_deadline(const floe_core *core);
/* The gathering is complete: the attempts of those that have succeeded go, as what they have got goes on
 * without them; not those that have a count of their own. */
void floe_pairs_rest(floe_core *core);
/* Everything pending fails by timeout; what room is made for, with the gathering's own alone. */
void floe_pairs_give_up(floe_core *core, floe_time now);
/* Tells the failures that can be told by now. */
void floe_pairs_tell(floe_core *core);
/* Why what is asked of the first that pends would fail by now. To be released. */
floe_failure floe_pairs_timeout(const floe_core *core, floe_time now);
void floe_pair_free(floe_core *core, floe_pair *pair);

#endif
