/* Multicast DNS messages (RFC 6762 §18): what is asked, answered and said in them, as far as host
 * names go. ldns reads names and builds; nothing of it is seen
 * outside. */
#ifndef FLOE_MDNS_MESSAGE_H
#define FLOE_MDNS_MESSAGE_H

#include "base/address.h"

#include <stdbool.h>
#include <stddef.h>

/* RFC 6762 §17: what fits an Ethernet frame; what we make is far smaller. */
#define FLOE_MDNS_MESSAGE_SIZE 1400
/* A name as text: a label of 63 bytes, each written as \DDD if need be, and ".local" (§16: names
 * are UTF-8). */
#define FLOE_MDNS_NAME_SIZE 272
/* Of one message so many questions and records of host names are looked at. */
#define FLOE_MDNS_ITEMS_MAX 64
/* So many addresses of a name are said on a link: they fit one message. */
#define FLOE_MDNS_RECORDS_MAX 32

#define FLOE_MDNS_PORT 5353
#define FLOE_MDNS_TTL 120U       /* §10: of host records */
#define FLOE_MDNS_LEGACY_TTL 10U /* §6.7 */

/* The form in which names are compared (§16): without regard to case, or to a dot at the end, and
 * what is not ASCII as it comes out of a message. False for what is no name. */
bool floe_mdns_name(const char *text, char *name);

typedef struct floe_mdns_question {
    char name[FLOE_MDNS_NAME_SIZE];  /* as floe_mdns_name has it */
    char asked[FLOE_MDNS_NAME_SIZE]; /* as it was spelled */
    bool ipv4;                       /* asks for A, or for any */
    bool ipv6;
    bool unicast;   /* §5.4: the answer may come to the asker alone */
    uint16_t type;  /* as it was asked */
    uint16_t class; /* likewise */
} floe_mdns_question;

/* Where in a message a record stands. */
typedef enum floe_mdns_section {
    FLOE_MDNS_ANSWER,
    FLOE_MDNS_AUTHORITY, /* of a query: what a probe proposes (§8.2) */
    FLOE_MDNS_ADDITIONAL,
} floe_mdns_section;

typedef struct floe_mdns_record {
    char name[FLOE_MDNS_NAME_SIZE];
    floe_address address; /* port 0; family none: NSEC, it has no other (§6.1); or */
    bool other;           /* a record of another type: the name is somebody's, or is to be */
    uint16_t type;
    uint32_t ttl;
    bool flush; /* §10.2: what is known besides is not true any more */
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

#define FLOE_MDNS_TYPE_A 1
#define FLOE_MDNS_TYPE_AAAA 28

/* False for anything that is no good multicast DNS message. What is passed over: questions in a
 * response (§6), and what stands in its authority section, which is for queries alone (§8.2);
 * records that are none of host names, but for the answers of a response and what a probe proposes.
 */
bool floe_mdns_parse(const void *data, size_t size, floe_mdns_message *message);

/* How a message is made; each gives its size, 0 when it can't be made. */

/* A query for the name's addresses of a family. One question fills a message: browsers' responders
 * pass over a query that has more, though §5.3 allows it. */
size_t floe_mdns_write_query(const char *name, floe_family family, uint8_t *to, size_t room);
/* A probe: for any record of the name, with all that are proposed (§8.1, §8.2). */
size_t floe_mdns_write_probe(const char *name, const floe_address *proposed, size_t count,
                             uint8_t *to, size_t room);

typedef enum floe_mdns_place {
    FLOE_MDNS_LEFT_OUT = 0,
    FLOE_MDNS_AS_ANSWER,
    FLOE_MDNS_BESIDE, /* among the additional records */
} floe_mdns_place;

/* What a response says of one name. */
typedef struct floe_mdns_answer {
    const char *name;
    size_t count;
    struct {
        floe_address address;
        uint32_t ttl; /* 0: goodbye (§10.1) */
        floe_mdns_place place;
    } addresses[FLOE_MDNS_RECORDS_MAX];
    floe_mdns_place negative; /* where the NSEC stands: that there are these families alone */
    bool ipv4;
    bool ipv6;
    /* §6.7: the query whose id, and whose questions for the name, are repeated; the answer is then
     * without the cache-flush bit, and lives shorter. NULL: it is no legacy one. */
    const floe_mdns_message *legacy;
} floe_mdns_answer;

size_t floe_mdns_write_answer(const floe_mdns_answer *answer, uint8_t *to, size_t room);

#endif
