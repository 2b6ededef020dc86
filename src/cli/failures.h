/* What failed, as it is told at the end: equal failures of many local addresses, or of many gatherers,
 * are one. */
#ifndef FLOE_CLI_FAILURES_H
#define FLOE_CLI_FAILURES_H

#include <floe/address.h>
#include <floe/candidate.h>
#include <stdbool.h>
#include <stddef.h>

#define FAILURE_ADDRESSES_MAX 64
/* The longest sentence that tells one, with its end. */
#define FAILURE_TEXT_SIZE 700

typedef struct failure {
    char *url;  /* NULL: no server is at fault */
    char *text; /* of the latest */
    floe_failure_reason reason;
    bool url_failed;
    unsigned times;       /* as the one of its local addresses that failed most often */
    size_t address_count; /* of the local ones; 0: it belongs to none */
    char *addresses[FAILURE_ADDRESSES_MAX];
    unsigned seen[FAILURE_ADDRESSES_MAX];
} failure;

#define UNREACHABLE_MAX 64

typedef struct failure_list {
    failure *items;
    size_t count;
    /* Places of servers of which an ICMP message said so: of an address that another one of its name stands in for, no
     * failure is told. */
    floe_address unreachable[UNREACHABLE_MAX];
    size_t unreachable_count;
    bool shared; /* by all gatherers (--udp-mux): what each reports happened once */
} failure_list;

void failures_note_unreachable(failure_list *list, const floe_address *server);
bool failures_unreachable(const failure_list *list, const char *address, uint16_t port);

/* Whether two sentences tell one cause: they are alike but for what was counted or measured (how long was waited, how
 * often was asked). Another address or port is another place to look at. */
bool same_cause(const char *a, const char *b);
/* Whether it is the first of its kind. */
bool failures_add(failure_list *list, const floe_candidate_error *error);
void failures_free(failure_list *list);
/* The one that tells why the URL gave nothing; NULL: none. */
const failure *failures_of_url(const failure_list *list, const char *url);
/* Of the URL's, one whose sentence names the address; NULL: none does. */
const failure *failures_naming(const failure_list *list, const char *url, const char *address);
/* Whether the sentence names it, and not a longer one. */
bool failure_names(const failure *of, const char *address);

#endif
