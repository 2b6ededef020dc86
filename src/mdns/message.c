/* Messages by ldns. */
#include "mdns/message.h"

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
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
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

static void take_question(floe_mdns_message *message, const ldns_rr *rr)
{
    floe_mdns_question *question = &message->questions[message->question_count];
    unsigned class = (unsigned)ldns_rr_get_class(rr);
    ldns_rr_type type = ldns_rr_get_type(rr);

    *question = (floe_mdns_question){
        .unicast = (class & TOP_BIT) != 0, .type = (uint16_t)type, .class = (uint16_t) class};
    question->ipv4 = type == LDNS_RR_TYPE_A || type == LDNS_RR_TYPE_ANY;
    question->ipv6 = type == LDNS_RR_TYPE_AAAA || type == LDNS_RR_TYPE_ANY;
    class &= ~TOP_BIT;
    if ((class == CLASS_IN || class == CLASS_ANY) &&
        name_text(ldns_rr_owner(rr), question->asked, sizeof question->asked) &&
        canonical(ldns_rr_owner(rr), question->name)) {
        message->question_count++;
    }
}

static void take_questions(floe_mdns_message *message, const ldns_rr_list *list)
{
    size_t count = list != NULL && !message->response ? ldns_rr_list_rr_count(list) : 0;

    for (size_t i = 0; i < count && message->question_count < FLOE_MDNS_ITEMS_MAX; i++) {
        take_question(message, ldns_rr_list_rr(list, i));
    }
}

static bool is_of_a_host(ldns_rr_type type)
{
    return type == LDNS_RR_TYPE_A || type == LDNS_RR_TYPE_AAAA || type == LDNS_RR_TYPE_NSEC;
}

static void take_record(floe_mdns_message *message, const ldns_rr *rr, floe_mdns_section section)
{
    floe_mdns_record *record = &message->records[message->record_count];
    ldns_rr_type type = ldns_rr_get_type(rr);
    const ldns_rdf *data = ldns_rr_rd_count(rr) > 0 ? ldns_rr_rdf(rr, 0) : NULL;
    size_t size = type == LDNS_RR_TYPE_A ? 4 : type == LDNS_RR_TYPE_AAAA ? 16 : 0;

    if ((size > 0 && (data == NULL || ldns_rdf_size(data) != size)) ||
        ((unsigned)ldns_rr_get_class(rr) & ~TOP_BIT) != CLASS_IN) {
        return;
    }
    *record = (floe_mdns_record){.other = !is_of_a_host(type),
                                 .ttl = ldns_rr_ttl(rr),
                                 .flush = ((unsigned)ldns_rr_get_class(rr) & TOP_BIT) != 0,
                                 .section = section};
    if (size > 0) {
        record->address.family = size == 4 ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;
        memcpy(record->address.ip, ldns_rdf_data(data), size);
    }
    if (canonical(ldns_rr_owner(rr), record->name)) {
        message->record_count++;
    }
}

static void take_records(floe_mdns_message *message, const ldns_rr_list *list,
                         floe_mdns_section section, bool of_hosts)
{
    size_t count = list != NULL ? ldns_rr_list_rr_count(list) : 0;

    for (size_t i = 0; i < count && message->record_count < FLOE_MDNS_ITEMS_MAX; i++) {
        const ldns_rr *rr = ldns_rr_list_rr(list, i);
        if (is_of_a_host(ldns_rr_get_type(rr)) == of_hosts) {
            take_record(message, rr, section);
        }
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
        take_questions(message, ldns_pkt_question(packet));
        take_records(message, ldns_pkt_answer(packet), FLOE_MDNS_ANSWER, true);
        if (!message->response) {
            take_records(message, ldns_pkt_authority(packet), FLOE_MDNS_AUTHORITY, true);
        }
        take_records(message, ldns_pkt_additional(packet), FLOE_MDNS_ADDITIONAL, true);
        if (message->response) { /* behind those that say more */
            take_records(message, ldns_pkt_answer(packet), FLOE_MDNS_ANSWER, false);
        }
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
