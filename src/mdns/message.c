/* Messages by ldns. */
#include "mdns/message.h"

#include <ldns/ldns.h>
#include <string.h>

#define CLASS_IN 1U
#define CLASS_ANY 255U
#define TOP_BIT 0x8000U /* §18.12, §18.13: unicast response; cache flush */

static bool copy_name(const ldns_rdf *owner, char *name)
{
    char *text = owner != NULL ? ldns_rdf2str(owner) : NULL;
    size_t size = text != NULL ? strlen(text) : 0;
    bool good = size > 1 && size <= FLOE_MDNS_NAME_SIZE;

    if (good) {
        memcpy(name, text, size);
        name[text[size - 1] == '.' ? size - 1 : size] = '\0';
        for (char *at = name; *at != '\0'; at++) {
            *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
        }
    }
    LDNS_FREE(text);
    return good;
}

static void take_question(floe_mdns_message *message, const ldns_rr *rr)
{
    floe_mdns_question *question = &message->questions[message->question_count];
    unsigned class = (unsigned)ldns_rr_get_class(rr);
    ldns_rr_type type = ldns_rr_get_type(rr);

    *question = (floe_mdns_question){.unicast = (class & TOP_BIT) != 0};
    question->ipv4 = type == LDNS_RR_TYPE_A || type == LDNS_RR_TYPE_ANY;
    question->ipv6 = type == LDNS_RR_TYPE_AAAA || type == LDNS_RR_TYPE_ANY;
    class &= ~TOP_BIT;
    if ((class == CLASS_IN || class == CLASS_ANY) && (question->ipv4 || question->ipv6) &&
        copy_name(ldns_rr_owner(rr), question->name)) {
        message->question_count++;
    }
}

static void take_record(floe_mdns_message *message, const ldns_rr *rr, floe_mdns_section section)
{
    floe_mdns_record *record = &message->records[message->record_count];
    ldns_rr_type type = ldns_rr_get_type(rr);
    const ldns_rdf *data = ldns_rr_rd_count(rr) > 0 ? ldns_rr_rdf(rr, 0) : NULL;
    size_t size = type == LDNS_RR_TYPE_A ? 4 : type == LDNS_RR_TYPE_AAAA ? 16 : 0;

    if (size == 0 || data == NULL || ldns_rdf_size(data) != size ||
        ((unsigned)ldns_rr_get_class(rr) & ~TOP_BIT) != CLASS_IN) {
        return;
    }
    *record = (floe_mdns_record){.ttl = ldns_rr_ttl(rr), .section = section};
    record->address.family = size == 4 ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;
    memcpy(record->address.ip, ldns_rdf_data(data), size);
    if (copy_name(ldns_rr_owner(rr), record->name)) {
        message->record_count++;
    }
}

static void take_records(floe_mdns_message *message, const ldns_rr_list *list,
                         floe_mdns_section section)
{
    size_t count = list != NULL ? ldns_rr_list_rr_count(list) : 0;

    for (size_t i = 0; i < count && message->record_count < FLOE_MDNS_ITEMS_MAX; i++) {
        take_record(message, ldns_rr_list_rr(list, i), section);
    }
}

bool floe_mdns_parse(const void *data, size_t size, floe_mdns_message *message)
{
    ldns_pkt *packet = NULL;

    if (size < 12 || ldns_wire2pkt(&packet, data, size) != LDNS_STATUS_OK) {
        return false;
    }
    /* §18.3, §18.11: other opcodes and response codes are silently ignored. */
    bool good = ldns_pkt_get_opcode(packet) == LDNS_PACKET_QUERY &&
                ldns_pkt_get_rcode(packet) == LDNS_RCODE_NOERROR;
    if (good) {
        message->id = ldns_pkt_id(packet);
        message->response = ldns_pkt_qr(packet);
        message->truncated = ldns_pkt_tc(packet);
        message->question_count = message->record_count = 0;
        const ldns_rr_list *questions = ldns_pkt_question(packet);
        size_t count = questions != NULL ? ldns_rr_list_rr_count(questions) : 0;
        for (size_t i = 0; i < count && message->question_count < FLOE_MDNS_ITEMS_MAX; i++) {
            take_question(message, ldns_rr_list_rr(questions, i));
        }
        take_records(message, ldns_pkt_answer(packet), FLOE_MDNS_ANSWER);
        take_records(message, ldns_pkt_authority(packet), FLOE_MDNS_AUTHORITY);
        take_records(message, ldns_pkt_additional(packet), FLOE_MDNS_ADDITIONAL);
    }
    ldns_pkt_free(packet);
    return good;
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

static bool push_question(ldns_pkt *packet, const char *name, ldns_rr_type type)
{
    ldns_rr *rr = new_rr(name, type, CLASS_IN);

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

/* §6.1: the name has an address of this family and nothing else. */
static bool push_nothing_else(ldns_pkt *packet, ldns_pkt_section section, const char *name,
                              uint8_t family, uint32_t ttl, bool flush)
{
    ldns_rr_type types[] = {family == FLOE_FAMILY_IPV4 ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA};
    ldns_rr *rr = new_rr(name, LDNS_RR_TYPE_NSEC, CLASS_IN | (flush ? TOP_BIT : 0));
    ldns_rdf *next = ldns_dname_new_frm_str(name);
    ldns_rdf *bitmap = ldns_dnssec_create_nsec_bitmap(types, 1, LDNS_RR_TYPE_NSEC);

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

size_t floe_mdns_write_query(const char *name, floe_family family, const floe_address *proposed,
                             uint8_t *to, size_t room)
{
    ldns_pkt *packet = ldns_pkt_new();
    ldns_rr_type type = family == FLOE_FAMILY_IPV4   ? LDNS_RR_TYPE_A
                        : family == FLOE_FAMILY_IPV6 ? LDNS_RR_TYPE_AAAA
                                                     : LDNS_RR_TYPE_ANY;

    if (packet == NULL) {
        return 0;
    }
    ldns_pkt_set_id(packet, 0);
    bool good = push_question(packet, name, type);
    if (proposed != NULL) {
        good = good &&
               push_address(packet, LDNS_SECTION_AUTHORITY, name, proposed, FLOE_MDNS_TTL, false);
    }
    return finish(packet, good, to, room);
}

size_t floe_mdns_write_answer(const floe_mdns_answer *answer, uint8_t *to, size_t room)
{
    ldns_pkt *packet = ldns_pkt_new();
    bool flush = !answer->legacy;
    bool good = true;

    if (packet == NULL) {
        return 0;
    }
    ldns_pkt_set_id(packet, answer->legacy ? answer->id : 0);
    ldns_pkt_set_qr(packet, true);
    ldns_pkt_set_aa(packet, true);
    if (answer->legacy) {
        good = push_question(packet, answer->name,
                             answer->asked_ipv4 ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA);
    }
    if (answer->address != NULL) {
        good = good && push_address(packet, LDNS_SECTION_ANSWER, answer->name, answer->address,
                                    answer->ttl, flush);
    }
    if (answer->ttl > 0 && !answer->legacy) {
        good = good && push_nothing_else(packet,
                                         answer->address != NULL ? LDNS_SECTION_ADDITIONAL
                                                                 : LDNS_SECTION_ANSWER,
                                         answer->name, answer->family, answer->ttl, flush);
    }
    return finish(packet, good, to, room);
}
