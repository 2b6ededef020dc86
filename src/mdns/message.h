/* Multicast DNS messages (RFC 6762 §18): what is asked, answered and said in them, as far as host
 * names go. ldns builds and parses; nothing of it is seen outside. */
#ifndef FLOE_MDNS_MESSAGE_H
#define FLOE_MDNS_MESSAGE_H

#include "base/address.h"

#include <stdbool.h>
#include <stddef.h>

/* RFC 6762 §17: what fits an Ethernet frame; what we make is far smaller. */
#define FLOE_MDNS_MESSAGE_SIZE 1400
/* RFC 1035 §2.3.4, as text. */
#define FLOE_MDNS_NAME_SIZE 256
/* Of one message so many questions and records of host names are looked at. */
#define FLOE_MDNS_ITEMS_MAX 64

#define FLOE_MDNS_PORT 5353
#define FLOE_MDNS_TTL 120U       /* §10: of host records */
#define FLOE_MDNS_LEGACY_TTL 10U /* §6.7 */

typedef struct floe_mdns_question {
    char name[FLOE_MDNS_NAME_SIZE]; /* without the dot at the end */
    bool ipv4;                      /* asks for A, or for any */
    bool ipv6;
    bool unicast; /* §5.4: the answer may come to the asker alone */
} floe_mdns_question;

/* Where in a message a record stands. */
typedef enum floe_mdns_section {
    FLOE_MDNS_ANSWER,
    FLOE_MDNS_AUTHORITY, /* of a query: what a probe proposes (§8.2) */
    FLOE_MDNS_ADDITIONAL,
} floe_mdns_section;

typedef struct floe_mdns_record {
    char name[FLOE_MDNS_NAME_SIZE];
    floe_address address; /* port 0 */
    uint32_t ttl;
    floe_mdns_section section;
} floe_mdns_record;

typedef struct floe_mdns_message {
    uint16_t id;
    bool response;
    bool truncated; /* §7.2: more known answers follow */
    size_t question_count;
    size_t record_count;
    floe_mdns_question questions[FLOE_MDNS_ITEMS_MAX];
    floe_mdns_record records[FLOE_MDNS_ITEMS_MAX];
} floe_mdns_message;

/* False for anything that is no good multicast DNS message. What is in it besides questions and
 * records of host names is passed over. */
bool floe_mdns_parse(const void *data, size_t size, floe_mdns_message *message);

/* How a message is made; each gives its size, 0 when it can't be made. */

/* A query for the name's addresses of a family, or (FLOE_FAMILY_NONE) for any record; with
 * `proposed` it is a probe (§8.1). One question fills a message: browsers' responders pass over a
 * query that has more, though §5.3 allows it. */
size_t floe_mdns_write_query(const char *name, floe_family family, const floe_address *proposed,
                             uint8_t *to, size_t room);

typedef struct floe_mdns_answer {
    const char *name;
    const floe_address *address; /* NULL: only that there is no other (NSEC, §6.1) */
    uint8_t family;              /* of the address that there is */
    uint32_t ttl;
    bool legacy; /* §6.7: with id and question, and without the cache-flush bit */
    uint16_t id;
    bool asked_ipv4; /* the question to repeat */
} floe_mdns_answer;

size_t floe_mdns_write_answer(const floe_mdns_answer *answer, uint8_t *to, size_t room);

#endif
