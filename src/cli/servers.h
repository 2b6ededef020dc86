/* What became of each server: whether it was asked and answered, what it gave, why not. Rows are made of
 * a gatherer's statistics and of the failures that were told. */
#ifndef FLOE_CLI_SERVERS_H
#define FLOE_CLI_SERVERS_H

#include "cli/failures.h"
#include "cli/options.h"

#include <floe/statistics.h>

typedef enum server_result {
    SERVER_ASKED,     /* and has not answered, nor failed */
    SERVER_ANSWERED,  /* and has given what was asked for, or shown what is known already */
    SERVER_REDUNDANT, /* not asked by itself: another URL leads to the same server */
    SERVER_NOT_ASKED,
    SERVER_FAILED,
} server_result;

/* "asked", "answered", "redundant", "not-asked", "failed". */
const char *server_result_name(server_result result);

/* A URL, and one address that it leads to. */
typedef struct server_row {
    size_t number; /* of its URL on the command line, from 1 */
    const char *url;
    char address[FLOE_ADDRESS_TEXT_SIZE]; /* "": not known */
    uint16_t port;
    floe_protocol transport;
    server_result result;
    bool needless;            /* not asked, as the options leave nothing to be had from it */
    floe_duration round_trip; /* 0: not known */
    unsigned requests;
    unsigned responses;
    bool shared;     /* by all gatherers that have it */
    unsigned srflx;  /* candidates that came of it */
    unsigned relays; /* likewise */
    bool relay4;
    bool relay6;
    uint32_t lifetime;            /* of its relay; 0: none */
    floe_failure_reason reason;   /* of a failure */
    const char *why;              /* of one that was not asked, a fixed word; NULL */
    char text[FAILURE_TEXT_SIZE]; /* why it gave nothing; "" */
} server_row;

typedef struct server_table {
    server_row *rows;
    size_t count;
} server_table;

/* Makes the rows anew. `statistics` NULL: none are to be had. */
void servers_update(server_table *table, const gather_command *command,
                    const floe_gatherer_statistics *statistics, const failure_list *failures);
void servers_free(server_table *table);
/* Servers of the command line by result, each counted once. */
typedef struct server_counts {
    unsigned all;
    unsigned answered; /* or redundant */
    unsigned failed;
    unsigned not_asked; /* and not needless */
    unsigned needless;
    unsigned awaited; /* asked, or not asked yet */
} server_counts;
server_counts servers_count(const server_table *table);

/* Families that are gathered on, FAMILY_BIT by FAMILY_BIT: the one that the candidate shows; 0: it shows
 * none. */
#define FAMILY_BIT(family) (1U << (family))
unsigned report_family(const floe_candidate *candidate);
/* Why a server was not asked, where nothing forbids it. `families`: as far as they are known. */
void report_not_asked_text(const gather_command *command, unsigned families, char *text,
                           size_t size);
/* Why the options leave nothing at all to gather; false: they leave something. */
bool nothing_wanted_text(const gather_command *command, char *text, size_t size);
/* Whether two URLs lead to one server; be it by another spelling. */
bool same_server(const char *a, const char *b);
bool same_url(const char *a, const char *b);

#endif
