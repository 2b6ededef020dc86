/* The machine's two halves, and what they share. */
#ifndef FLOE_MDNS_PARTS_H
#define FLOE_MDNS_PARTS_H

#include "base/tree.h"
#include "mdns/mdns.h"

#define FLOE_MDNS_A_SECOND floe_seconds(1) /* §5.2, §6, §8.2, §8.3 */

#define FLOE_MDNS_CONFLICTS 15 /* §8.1 */

/* Links keep their places for as long as they are there, so that what belongs to one can be an
 * element, or a bit, at its place. */
typedef struct floe_mdns_place_of_link {
    bool used;
    floe_mdns_link link;
} floe_mdns_place_of_link;

struct floe_mdns {
    floe_allocator allocator;
    floe_random random;
    floe_mdns_place_of_link links[FLOE_MDNS_LINKS_MAX];
    floe_mdns_message message; /* the one at hand */

    /* responder.c */
    floe_list hosts;
    floe_tree_kind host_names; /* of hosts_by_name */
    floe_tree hosts_by_name;
    floe_agenda hosts_due;
    floe_list speaking; /* those of them that have something to say */
    floe_list waiting;  /* those that wait for what an asker knows */
    floe_list leaving;  /* that say goodbye, and go */
    floe_list taken;    /* that go when it is told */
    floe_list replies;  /* to one asker alone */
    size_t reply_count;
    floe_time conflicts[FLOE_MDNS_CONFLICTS]; /* the latest, in turn; zero: there was none */
    size_t conflict_count;

    /* querier.c */
    floe_list questions;
    floe_tree_kind question_names; /* of questions_by_name */
    floe_tree questions_by_name;
    floe_agenda first_time; /* questions that have not been asked yet, */
    floe_agenda again;      /* and those that have */
    floe_list asking;       /* those of them that are to be sent */
    floe_tree look_ups;     /* by asker */
    uint64_t look_up_count; /* so many there have been */
    floe_agenda give_ups;   /* of look-ups */
    floe_list ended;        /* look-ups whose end is to be told */
    floe_time paced;        /* when all that was asked would have been, without bursts */
};

/* For trees whose keys are names. */
int floe_mdns_compare_names(const void *a, const void *b);

/* ── The responder ── */

void floe_mdns_hosts_init(floe_mdns *mdns, uint32_t seed);
void floe_mdns_hosts_free(floe_mdns *mdns);
void floe_mdns_hosts_link_came(floe_mdns *mdns, floe_time now, size_t n);
void floe_mdns_hosts_link_went(floe_mdns *mdns, size_t n);
/* A query, and a response, that has come on the n-th link. */
void floe_mdns_hosts_asked(floe_mdns *mdns, floe_time now, size_t n,
                           const floe_mdns_arrival *arrival);
void floe_mdns_hosts_heard(floe_mdns *mdns, floe_time now, size_t n);
void floe_mdns_hosts_time(floe_mdns *mdns, floe_time now);
floe_time floe_mdns_hosts_deadline(const floe_mdns *mdns);
bool floe_mdns_hosts_poll(floe_mdns *mdns, floe_mdns_output *output);
/* The addresses of a name of ours; how many. */
size_t floe_mdns_hosts_find(const floe_mdns *mdns, const char *name, floe_address *addresses,
                            size_t room);

/* ── The querier ── */

void floe_mdns_questions_init(floe_mdns *mdns, uint32_t seed);
void floe_mdns_questions_free(floe_mdns *mdns);
void floe_mdns_questions_link_came(floe_mdns *mdns, floe_time now);
void floe_mdns_questions_link_went(floe_mdns *mdns, size_t n);
void floe_mdns_questions_heard(floe_mdns *mdns, floe_time now, size_t n);
void floe_mdns_questions_time(floe_mdns *mdns, floe_time now);
floe_time floe_mdns_questions_deadline(const floe_mdns *mdns);
bool floe_mdns_questions_poll(floe_mdns *mdns, floe_mdns_output *output);

#endif
