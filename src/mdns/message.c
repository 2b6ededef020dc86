/* Messages: read here, names by ldns; made by ldns. */
#include "mdns/message.h"

#include "base/bytes.h"
#include "base/name.h"

#include <ldns/ldns.h>
#include <string.h>

#define CLASS_IN 1U
#define CLASS_ANY 255U
#define TOP_BIT 0x8000U /* §18.12, §18.13: unicast response; cache flush */

/* Into `size` bytes, without the dot at the end. */
static bool name_text(const ldns_rdf *name, char *to, size_t room)
{
    char *text = name != NULL ? ldns_rdf2str(name) : NULL;
    size_t size = text != NULL ? strlen(text) : 0;
    bool good = size > 1 && size <= room;

    if (good) {
        memcpy(to, text, size);
        to[text[size - 1] == '.' ? size - 1 : size] = '\0';
    }
    LDNS_FREE(text);
    return good;
}

static bool canonical(const ldns_rdf *name, char *to)
{
    if (!name_text(name, to, FLOE_MDNS_NAME_SIZE)) {
        return false;
    }
    for (char *at = to; *at != '\0'; at++) {
        *at = floe_ascii_lower(*at);
    }
    return true;
}

bool floe_mdns_name(const char *text, char *name)
{
    ldns_rdf *parsed = ldns_dname_new_frm_str(text);
    bool good = canonical(parsed, name);

    ldns_rdf_deep_free(parsed);
    return good;
}

/* ── Reading ── */

#define FLAG_RESPONSE 0x8000U
#define FLAG_TRUNCATED 0x0200U
#define OPCODE_AND_RCODE 0x780FU
#define SECTIONS 3 /* of records, in this order: floe_mdns_section */

/* What of a message's records is read: names and addresses. Of all else the length is enough: so
 * what nobody here can read, of a type that is new or with data that is broken, costs no more than
 * itself (§6.1). */
typedef struct record_head {
    ldns_rdf *owner; /* to be freed; NULL: the message ends before */
    uint16_t type;
    uint16_t class;
    uint32_t ttl;
    floe_span data;
} record_head;

/* RFC 1035 §3.1, §4.1.4: a pointer leads to what stood before, and a name is no longer than this; of
 * pointers it needs no more than it can have labels. So the work for a name has a bound that does
 * not grow with the message. */
#define NAME_OCTETS_MAX 255U
#define POINTERS_MAX 127U

static bool is_bounded(const floe_reader *in)
{
    size_t at = in->at;
    size_t start = at;
    size_t octets = 0;
    unsigned pointers = 0;

    while (at < in->size && octets <= NAME_OCTETS_MAX && pointers <= POINTERS_MAX) {
        size_t size = in->data[at];
        if (size == 0) {
            return true;
        }
        if (size < 0xC0) {
            octets += 1 + size;
            at += 1 + size;
            continue;
        }
        size_t to = at + 1 < in->size ? (size & 0x3FU) << 8 | in->data[at + 1] : start;
        if (to >= start) {
            return false;
        }
        at = start = to;
        pointers++;
    }
    return false;
}

static ldns_rdf *read_name(floe_reader *in)
{
    ldns_rdf *name = NULL;
    size_t at = in->at;

    if (in->failed || !is_bounded(in) ||
        ldns_wire2dname(&name, in->data, in->size, &at) != LDNS_STATUS_OK) {
        in->failed = true;
        return NULL;
    }
    in->at = at;
    return name;
}

static record_head read_record(floe_reader *in, bool question)
{
    record_head head = {.owner = read_name(in)};

    head.type = floe_read_u16(in);
    head.class = floe_read_u16(in);
    if (!question) {
        head.ttl = floe_read_u32(in);
        head.data = floe_read_span(in, floe_read_u16(in));
    }
    return head;
}

static void take_question(floe_mdns_message *message, const record_head *head)
{
    floe_mdns_question *question = &message->questions[message->question_count];
    unsigned class = head->class & ~TOP_BIT;

    *question = (floe_mdns_question){
        .ipv4 = head->type == LDNS_RR_TYPE_A || head->type == LDNS_RR_TYPE_ANY,
        .ipv6 = head->type == LDNS_RR_TYPE_AAAA || head->type == LDNS_RR_TYPE_ANY,
        .unicast = (head->class & TOP_BIT) != 0,
        .type = head->type,
        .class = head->class};
    if ((class == CLASS_IN || class == CLASS_ANY) &&
        name_text(head->owner, question->asked, sizeof question->asked) &&
        canonical(head->owner, question->name)) {
        message->question_count++;
    }
}

static void take_record(floe_mdns_message *message, const record_head *head,
                        floe_mdns_section section)
{
    floe_mdns_record *record = &message->records[message->record_count];
    size_t size = head->type == LDNS_RR_TYPE_A ? 4 : head->type == LDNS_RR_TYPE_AAAA ? 16 : 0;

    if ((size > 0 && head->data.size != size) || (head->class & ~TOP_BIT) != CLASS_IN) {
        return;
    }
    *record = (floe_mdns_record){.other = size == 0 && head->type != LDNS_RR_TYPE_NSEC,
                                 .type = head->type,
                                 .ttl = head->ttl,
                                 .flush = (head->class & TOP_BIT) != 0,
                                 .section = section};
    if (size > 0) {
        record->address.family = size == 4 ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;
        memcpy(record->address.ip, head->data.data, size);
    }
    if (canonical(head->owner, record->name)) {
        message->record_count++;
    }
}

static bool is_of_a_host(uint16_t type)
{
    return type == LDNS_RR_TYPE_A || type == LDNS_RR_TYPE_AAAA || type == LDNS_RR_TYPE_NSEC;
}

/* Whether a record of the section, of a host or not, says anything to us. */
static bool counts(const floe_mdns_message *message, floe_mdns_section section, bool of_host)
{
    return of_host ? !message->response || section != FLOE_MDNS_AUTHORITY
                   : section == (message->response ? FLOE_MDNS_ANSWER : FLOE_MDNS_AUTHORITY);
}

/* The records of hosts, or the others: these come behind, as they say less. False: the message is
 * shorter than it says. */
static bool take_records(floe_mdns_message *message, floe_reader *in, const uint16_t *counted,
                         bool of_hosts)
{
    for (size_t k = 0; k < SECTIONS && !in->failed; k++) {
        floe_mdns_section section = (floe_mdns_section)k;
        for (unsigned i = 0; i < counted[k] && !in->failed; i++) {
            record_head head = read_record(in, false);
            if (!in->failed && is_of_a_host(head.type) == of_hosts &&
                message->record_count < FLOE_MDNS_ITEMS_MAX && counts(message, section, of_hosts)) {
                take_record(message, &head, section);
            }
            ldns_rdf_deep_free(head.owner);
        }
    }
    return !in->failed;
}

static bool take_questions(floe_mdns_message *message, floe_reader *in, unsigned count)
{
    for (unsigned i = 0; i < count && !in->failed; i++) {
        record_head head = read_record(in, true);
        if (!in->failed && !message->response && message->question_count < FLOE_MDNS_ITEMS_MAX) {
            take_question(message, &head);
        }
        ldns_rdf_deep_free(head.owner);
    }
    return !in->failed;
}

bool floe_mdns_parse(const void *data, size_t size, floe_mdns_message *message)
{
    floe_reader in = floe_reader_of(data, size);
    uint16_t id = floe_read_u16(&in);
    unsigned flags = floe_read_u16(&in);
    unsigned questions = floe_read_u16(&in);
    uint16_t counted[SECTIONS];

    for (size_t k = 0; k < SECTIONS; k++) {
        counted[k] = floe_read_u16(&in);
    }
    /* §18.3, §18.11: other opcodes and response codes are silently ignored. */
    if (in.failed || (flags & OPCODE_AND_RCODE) != 0) {
        return false;
    }
    message->id = id;
    message->response = (flags & FLAG_RESPONSE) != 0;
    message->truncated = (flags & FLAG_TRUNCATED) != 0;
    message->question_count = message->record_count = 0;
    if (!take_questions(message, &in, questions)) {
        return false;
    }
    floe_reader again = in;
    return take_records(message, &in, counted, true) &&
           take_records(message, &again, counted, false);
}

/* ── Making ── */

static ldns_rr *new_rr(const char *name, ldns_rr_type type, unsigned class)
{
    ldns_rr *rr = ldns_rr_new();
    ldns_rdf *owner = ldns_dname_new_frm_str(name);

    if (rr == NULL || owner == NULL) {
        ldns_rr_free(rr);
        ldns_rdf_deep_free(owner);
        return NULL;
    }
    ldns_rr_set_owner(rr, owner);
    ldns_rr_set_type(rr, type);
    ldns_rr_set_class(rr, (ldns_rr_class) class);
    return rr;
}

/* Takes the record over; false without memory. */
static bool push(ldns_pkt *packet, ldns_pkt_section section, ldns_rr *rr)
{
    if (rr == NULL || !ldns_pkt_push_rr(packet, section, rr)) {
        ldns_rr_free(rr);
        return false;
    }
    return true;
}

static bool push_question(ldns_pkt *packet, const char *name, ldns_rr_type type, unsigned class)
{
    ldns_rr *rr = new_rr(name, type, class);

    if (rr != NULL) {
        ldns_rr_set_question(rr, true);
    }
    return push(packet, LDNS_SECTION_QUESTION, rr);
}

static bool push_address(ldns_pkt *packet, ldns_pkt_section section, const char *name,
                         const floe_address *address, uint32_t ttl, bool flush)
{
    bool ipv4 = address->family == FLOE_FAMILY_IPV4;
    ldns_rr *rr =
        new_rr(name, ipv4 ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA, CLASS_IN | (flush ? TOP_BIT : 0));
    ldns_rdf *data = ldns_rdf_new_frm_data(ipv4 ? LDNS_RDF_TYPE_A : LDNS_RDF_TYPE_AAAA,
                                           ipv4 ? 4 : 16, address->ip);

    if (rr == NULL || data == NULL || !ldns_rr_push_rdf(rr, data)) {
        ldns_rdf_deep_free(data);
        ldns_rr_free(rr);
        return false;
    }
    ldns_rr_set_ttl(rr, ttl);
    return push(packet, section, rr);
}

/* §6.1: what the name has, and so that it has nothing else. */
static bool push_nothing_else(ldns_pkt *packet, ldns_pkt_section section,
                              const floe_mdns_answer *answer, uint32_t ttl, bool flush)
{
    ldns_rr_type types[2];
    size_t count = 0;

    if (answer->ipv4) {
        types[count++] = LDNS_RR_TYPE_A;
    }
    if (answer->ipv6) {
        types[count++] = LDNS_RR_TYPE_AAAA;
    }
    ldns_rr *rr = new_rr(answer->name, LDNS_RR_TYPE_NSEC, CLASS_IN | (flush ? TOP_BIT : 0));
    ldns_rdf *next = ldns_dname_new_frm_str(answer->name);
    ldns_rdf *bitmap = ldns_dnssec_create_nsec_bitmap(types, count, LDNS_RR_TYPE_NSEC);

    if (rr == NULL || next == NULL || bitmap == NULL || !ldns_rr_push_rdf(rr, next)) {
        ldns_rdf_deep_free(next);
        ldns_rdf_deep_free(bitmap);
        ldns_rr_free(rr);
        return false;
    }
    if (!ldns_rr_push_rdf(rr, bitmap)) {
        ldns_rdf_deep_free(bitmap);
        ldns_rr_free(rr);
        return false;
    }
    ldns_rr_set_ttl(rr, ttl);
    return push(packet, section, rr);
}

/* Writes and frees the packet. */
static size_t finish(ldns_pkt *packet, bool good, uint8_t *to, size_t room)
{
    uint8_t *data = NULL;
    size_t size = 0;

    if (!good || ldns_pkt2wire(&data, packet, &size) != LDNS_STATUS_OK || size > room) {
        size = 0;
    }
    if (size > 0) {
        memcpy(to, data, size);
    }
    LDNS_FREE(data);
    ldns_pkt_free(packet);
    return size;
}

size_t floe_mdns_write_query(const char *name, floe_family family, uint8_t *to, size_t room)
{
    ldns_pkt *packet = ldns_pkt_new();
    ldns_rr_type type = family == FLOE_FAMILY_IPV4 ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA;

    if (packet == NULL) {
        return 0;
    }
    ldns_pkt_set_id(packet, 0);
    return finish(packet, push_question(packet, name, type, CLASS_IN), to, room);
}

size_t floe_mdns_write_probe(const char *name, const floe_address *proposed, size_t count,
                             uint8_t *to, size_t room)
{
    ldns_pkt *packet = ldns_pkt_new();

    if (packet == NULL) {
        return 0;
    }
    ldns_pkt_set_id(packet, 0);
    bool good = push_question(packet, name, LDNS_RR_TYPE_ANY, CLASS_IN);
    for (size_t i = 0; good && i < count; i++) {
        good =
            push_address(packet, LDNS_SECTION_AUTHORITY, name, &proposed[i], FLOE_MDNS_TTL, false);
    }
    return finish(packet, good, to, room);
}

/* §6.7: as they were asked. */
static bool repeat_questions(ldns_pkt *packet, const floe_mdns_answer *answer)
{
    const floe_mdns_message *asked = answer->legacy;
    bool good = true;

    ldns_pkt_set_id(packet, asked->id);
    for (size_t i = 0; good && i < asked->question_count; i++) {
        const floe_mdns_question *question = &asked->questions[i];
        if (strcmp(question->name, answer->name) == 0) {
            good = push_question(packet, question->asked, (ldns_rr_type)question->type,
                                 question->class);
        }
    }
    return good;
}

static bool push_answers(ldns_pkt *packet, const floe_mdns_answer *answer, floe_mdns_place place)
{
    ldns_pkt_section section =
        place == FLOE_MDNS_AS_ANSWER ? LDNS_SECTION_ANSWER : LDNS_SECTION_ADDITIONAL;
    bool flush = answer->legacy == NULL;
    bool good = true;

    for (size_t i = 0; good && i < answer->count; i++) {
        if (answer->addresses[i].place == place) {
            good = push_address(packet, section, answer->name, &answer->addresses[i].address,
                                flush ? answer->addresses[i].ttl : FLOE_MDNS_LEGACY_TTL, flush);
        }
    }
    if (answer->negative == place) {
        good = good && push_nothing_else(packet, section, answer,
                                         flush ? FLOE_MDNS_TTL : FLOE_MDNS_LEGACY_TTL, flush);
    }
    return good;
}

size_t floe_mdns_write_answer(const floe_mdns_answer *answer, uint8_t *to, size_t room)
{
    ldns_pkt *packet = ldns_pkt_new();

    if (packet == NULL) {
        return 0;
    }
    ldns_pkt_set_id(packet, 0);
    ldns_pkt_set_qr(packet, true);
    ldns_pkt_set_aa(packet, true);
    bool good = (answer->legacy == NULL || repeat_questions(packet, answer)) &&
                push_answers(packet, answer, FLOE_MDNS_AS_ANSWER) &&
                push_answers(packet, answer, FLOE_MDNS_BESIDE);
    return finish(packet, good, to, room);
}
