/* Candidates as text, both ways: RFC 8839 §5.1, and what is seen in the wild (C2, C3).
 */
#include "base/address.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/name.h"
#include "core/text/url.h"

#include <floe/candidate.h>

#include <stdio.h>
#include <string.h>

const char *floe_candidate_type_name(floe_candidate_type type)
{
    static const char *const names[] = {"", "host", "srflx", "prflx", "relay"};

    return (size_t)type < sizeof names / sizeof *names ? names[type] : "";
}

const char *floe_protocol_name(floe_protocol protocol)
{
    static const char *const names[] = {"", "udp", "tcp", "tls", "dtls"};

    return (size_t)protocol < sizeof names / sizeof *names ? names[protocol] : "";
}

const char *floe_tcp_type_name(floe_tcp_type type)
{
    static const char *const names[] = {"", "active", "passive", "so"};

    return (size_t)type < sizeof names / sizeof *names ? names[type] : "";
}

const char *floe_withdrawal_name(floe_withdrawal why)
{
    static const char *const names[] = {"",         "relay-lost", "mapping-changed", "address-gone",
                                        "released", "not-found"};

    return (size_t)why < sizeof names / sizeof *names ? names[why] : "";
}

floe_error floe_candidate_format(const floe_candidate *candidate, char *text, size_t size)
{
    int used;

    if (candidate == NULL || text == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_candidate_format: NULL");
    }
    used =
        snprintf(text, size, "candidate:%s %u %s %u %s %u typ %s", candidate->foundation,
                 candidate->component, floe_protocol_name(candidate->protocol), candidate->priority,
                 candidate->address, candidate->port, floe_candidate_type_name(candidate->type));
    if (used >= 0 && (size_t)used < size && candidate->related_address != NULL) {
        used += snprintf(&text[used], size - (size_t)used, " raddr %s rport %u",
                         candidate->related_address, candidate->related_port);
    }
    if (used >= 0 && (size_t)used < size && candidate->tcp_type != FLOE_TCP_TYPE_NONE) {
        used += snprintf(&text[used], size - (size_t)used, " tcptype %s",
                         floe_tcp_type_name(candidate->tcp_type));
    }
    for (size_t i = 0; used >= 0 && (size_t)used < size && i < candidate->extension_count; i++) {
        used += snprintf(&text[used], size - (size_t)used, " %s %s", candidate->extensions[i].name,
                         candidate->extensions[i].value);
    }
    if (used < 0 || (size_t)used >= size) {
        return floe_fail(FLOE_ERR_BUFFER_TOO_SMALL, "the candidate does not fit %zu bytes", size);
    }
    return FLOE_OK;
}

/* ── Parsing ── */

#define TEXT_MAX 2048
#define EXTENSIONS_MAX 64
#define FOUNDATION_MAX 32

/* What parse gives: the candidate, and all its texts in one piece. */
typedef struct parsed_candidate {
    floe_candidate candidate;
    floe_candidate_extension extensions[EXTENSIONS_MAX];
    char address[FLOE_HOST_SIZE];
    char related_address[FLOE_HOST_SIZE];
    char words[TEXT_MAX + 2]; /* the text, a NUL behind each word */
} parsed_candidate;

typedef struct candidate_reader {
    char *at;
    char *end;
    const char *start; /* of words */
    size_t skipped;    /* what stood before the words */
    char *word;        /* the one at hand */
    size_t size;
    const char
        *unknown; /* a word that the grammar allows and we do not know; NULL: there is none */
    const char *unknown_what;
} candidate_reader;

static size_t column_of(const candidate_reader *reader, const char *word)
{
    return (size_t)(word - reader->start) + reader->skipped + 1;
}

static floe_error wrong(const candidate_reader *reader, const char *what)
{
    size_t column = column_of(reader, reader->word);

    if (reader->size == 0) {
        return floe_fail(FLOE_ERR_SYNTAX, "column %zu: the text ends where %s should stand", column,
                         what);
    }
    return floe_fail(FLOE_ERR_SYNTAX, "column %zu: \"%.60s\" is no %s", column, reader->word, what);
}

/* The next word, with a NUL behind it; false at the end. */
static bool next_word(candidate_reader *reader)
{
    while (reader->at < reader->end && *reader->at == ' ') {
        reader->at++;
    }
    reader->word = reader->at;
    while (reader->at < reader->end && *reader->at != ' ') {
        reader->at++;
    }
    reader->size = (size_t)(reader->at - reader->word);
    if (reader->at < reader->end) {
        *reader->at++ = '\0';
    }
    return reader->size > 0;
}

static bool word_is(const candidate_reader *reader, const char *word)
{
    return floe_ascii_is(reader->word, reader->size, word);
}

static floe_error number(candidate_reader *reader, const char *what, uint64_t least, uint64_t most,
                         uint64_t *value)
{
    *value = 0;
    if (!next_word(reader)) {
        return wrong(reader, what);
    }
    for (size_t i = 0; i < reader->size; i++) {
        char digit = reader->word[i];
        if (digit < '0' || digit > '9') {
            return wrong(reader, what);
        }
        /* More digits than any value has: it stays too large, and does not wrap. */
        *value = *value > most ? *value : *value * 10 + (uint64_t)(digit - '0');
    }
    if (*value < least || *value > most) {
        size_t column = column_of(reader, reader->word);
        return floe_fail(FLOE_ERR_SYNTAX, "column %zu: %s \"%.60s\" is %s %llu", column, what,
                         reader->word, *value > most ? "above" : "below",
                         (unsigned long long)(*value > most ? most : least));
    }
    return FLOE_OK;
}

static bool is_ice_char(char c)
{
    return (floe_ascii_lower(c) >= 'a' && floe_ascii_lower(c) <= 'z') || (c >= '0' && c <= '9') ||
           c == '+' || c == '/';
}

/* It may be empty: then the text goes on with a blank at once. */
static floe_error parse_foundation(candidate_reader *reader, floe_candidate *candidate)
{
    if (reader->at < reader->end && *reader->at == ' ') {
        candidate->foundation = "";
        return FLOE_OK;
    }
    (void)next_word(reader);
    bool good = reader->size > 0 && reader->size <= FOUNDATION_MAX;
    for (size_t i = 0; good && i < reader->size; i++) {
        good = is_ice_char(reader->word[i]);
    }
    candidate->foundation = reader->word;
    return good ? FLOE_OK : wrong(reader, "foundation (1 to 32 of letters, digits, + and /)");
}

/* RFC 8866 §9's token: transports and types that others may define (RFC 8839 §5.1). Whoever does
 * not know one ignores the candidate, and has to tell it from a text that is broken. */
static bool is_unknown(candidate_reader *reader, const char *what)
{
    static const char marks[] = "!#$%&'*+-.^_`{|}~";

    for (size_t i = 0; i < reader->size; i++) {
        char c = reader->word[i];
        if (c == '/' || (!is_ice_char(c) && strchr(marks, c) == NULL)) {
            return false;
        }
    }
    if (reader->size > 0 && reader->unknown == NULL) {
        reader->unknown = reader->word;
        reader->unknown_what = what;
    }
    return reader->size > 0;
}

static floe_error parse_transport(candidate_reader *reader, floe_candidate *candidate)
{
    (void)next_word(reader);
    if (word_is(reader, "udp")) {
        candidate->protocol = FLOE_PROTOCOL_UDP;
    } else if (word_is(reader, "tcp")) {
        candidate->protocol = FLOE_PROTOCOL_TCP;
    } else if (!is_unknown(reader, "transport")) {
        return wrong(reader, "transport (udp or tcp)");
    }
    return FLOE_OK;
}

/* The address without its zone, which means something on the machine that wrote it alone. */
static bool read_address(const candidate_reader *reader, floe_address *address)
{
    const char *zone = memchr(reader->word, '%', reader->size);
    size_t size = zone != NULL ? (size_t)(zone - reader->word) : reader->size;

    return floe_address_parse_span(reader->word, size, address) &&
           (zone == NULL || (address->family == FLOE_FAMILY_IPV6 && size + 1 < reader->size));
}

/* An address is written again in its one right form; a name stays as it is. */
static floe_error parse_address(candidate_reader *reader, char *to, const char *what)
{
    floe_address address;

    if (next_word(reader)) {
        if (read_address(reader, &address)) {
            return floe_address_format(&address, to, FLOE_HOST_SIZE);
        }
        if (floe_name_valid(reader->word, reader->size)) {
            memcpy(to, reader->word, reader->size + 1);
            return FLOE_OK;
        }
    }
    return wrong(reader, what);
}

static floe_error parse_type(candidate_reader *reader, floe_candidate *candidate)
{
    (void)next_word(reader);
    if (!word_is(reader, "typ")) {
        return wrong(reader, "\"typ\"");
    }
    (void)next_word(reader);
    for (int type = FLOE_CANDIDATE_TYPE_HOST; type <= FLOE_CANDIDATE_TYPE_RELAY; type++) {
        if (word_is(reader, floe_candidate_type_name((floe_candidate_type)type))) {
            candidate->type = (floe_candidate_type)type;
            return FLOE_OK;
        }
    }
    return is_unknown(reader, "candidate type")
               ? FLOE_OK
               : wrong(reader, "candidate type (host, srflx, prflx or relay)");
}

static floe_error parse_tcp_type(candidate_reader *reader, floe_candidate *candidate)
{
    (void)next_word(reader);
    for (int type = FLOE_TCP_TYPE_ACTIVE; type <= FLOE_TCP_TYPE_SO; type++) {
        if (word_is(reader, floe_tcp_type_name((floe_tcp_type)type))) {
            candidate->tcp_type = (floe_tcp_type)type;
            return FLOE_OK;
        }
    }
    return wrong(reader, "tcptype (active, passive or so)");
}

/* 0 without digits; as many as fit 32 bits for sure. */
static uint32_t leading_number(const char *text)
{
    uint32_t number = 0;

    for (size_t i = 0; i < 9 && text[i] >= '0' && text[i] <= '9'; i++) {
        number = number * 10 + (uint32_t)(text[i] - '0');
    }
    return number;
}

static floe_error add_extension(candidate_reader *reader, parsed_candidate *parsed)
{
    floe_candidate *candidate = &parsed->candidate;
    floe_candidate_extension *extension = &parsed->extensions[candidate->extension_count];

    if (candidate->extension_count == EXTENSIONS_MAX) {
        return wrong(reader, "extension: there are more than 64");
    }
    candidate->extension_count++;
    extension->name = reader->word;
    /* RFC 8839 §5.1: *VCHAR, so there may be nothing between two blanks. */
    bool empty = reader->at < reader->end && *reader->at == ' ';
    extension->value = !empty && next_word(reader) ? reader->word : "";
    if (strcmp(extension->name, "ufrag") == 0) {
        candidate->username_fragment = extension->value;
    } else if (strcmp(extension->name, "network-id") == 0) {
        candidate->network_id = leading_number(extension->value);
    }
    return FLOE_OK;
}

/* Behind the type: names with a value each. */
static floe_error parse_rest(candidate_reader *reader, parsed_candidate *parsed)
{
    floe_candidate *candidate = &parsed->candidate;
    floe_error error = FLOE_OK;
    bool has_related_port = false;
    uint64_t value;

    while (error == FLOE_OK && next_word(reader)) {
        if (word_is(reader, "raddr") && candidate->related_address == NULL) {
            error = parse_address(reader, parsed->related_address, "related address");
            candidate->related_address = parsed->related_address;
        } else if (word_is(reader, "rport") && !has_related_port) {
            error = number(reader, "related port", 0, 65535, &value);
            candidate->related_port = (uint16_t)value;
            has_related_port = true;
        } else if (word_is(reader, "tcptype") && candidate->tcp_type == FLOE_TCP_TYPE_NONE) {
            error = parse_tcp_type(reader, candidate);
        } else {
            error = add_extension(reader, parsed);
        }
    }
    if (error == FLOE_OK && has_related_port != (candidate->related_address != NULL)) {
        return wrong(reader, has_related_port ? "raddr beside rport" : "rport beside raddr");
    }
    return error;
}

static floe_error parse_words(candidate_reader *reader, parsed_candidate *parsed)
{
    floe_candidate *candidate = &parsed->candidate;
    uint64_t value = 0;
    floe_error error = parse_foundation(reader, candidate);

    if (error == FLOE_OK) {
        error = number(reader, "component", 1, 256, &value);
        candidate->component = (uint16_t)value;
    }
    if (error == FLOE_OK) {
        error = parse_transport(reader, candidate);
    }
    if (error == FLOE_OK) {
        error = number(reader, "priority", 1, UINT32_MAX, &value);
        candidate->priority = (uint32_t)value;
    }
    if (error == FLOE_OK) {
        error = parse_address(reader, parsed->address, "address");
        candidate->address = parsed->address;
    }
    if (error == FLOE_OK) {
        error = number(reader, "port", 0, 65535, &value);
        candidate->port = (uint16_t)value;
    }
    if (error == FLOE_OK) {
        error = parse_type(reader, candidate);
    }
    return error == FLOE_OK ? parse_rest(reader, parsed) : error;
}

/* How much of the text stands before the foundation. */
static size_t prefix_size(const char *text)
{
    static const char *const prefixes[] = {"a=candidate:", "candidate:"};

    for (size_t i = 0; i < 2; i++) {
        size_t size = strlen(prefixes[i]);
        if (strncmp(text, prefixes[i], size) == 0) {
            return size;
        }
    }
    return 0;
}

floe_error floe_candidate_parse(const char *text, floe_candidate **candidate)
{
    if (text == NULL || candidate == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_candidate_parse: NULL");
    }
    size_t skipped = prefix_size(text);
    size_t size = strlen(text);
    while (size > skipped && strchr(" \t\r\n", text[size - 1]) != NULL) {
        size--;
    }
    if (size > TEXT_MAX) {
        return floe_fail(FLOE_ERR_SYNTAX, "column %d: the text is longer than %d bytes",
                         TEXT_MAX + 1, TEXT_MAX);
    }
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < 0x20) {
            return floe_fail(FLOE_ERR_SYNTAX, "column %zu: a control character", i + 1);
        }
    }
    parsed_candidate *parsed = floe_allocate(&floe_default_allocator, sizeof *parsed);
    if (parsed == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    memcpy(parsed->words, &text[skipped], size - skipped);
    candidate_reader reader = {.at = parsed->words,
                               .end = &parsed->words[size - skipped],
                               .start = parsed->words,
                               .skipped = skipped,
                               .word = parsed->words};
    parsed->candidate.extensions = parsed->extensions;
    floe_error error = parse_words(&reader, parsed);
    if (error == FLOE_OK && reader.unknown != NULL) {
        error = floe_fail(FLOE_ERR_UNSUPPORTED, "column %zu: the %s \"%.60s\" is not known",
                          column_of(&reader, reader.unknown), reader.unknown_what, reader.unknown);
    }
    if (error != FLOE_OK) {
        floe_deallocate(&floe_default_allocator, parsed);
        return error;
    }
    floe_address address = {0};
    if (floe_address_parse_span(parsed->address, strlen(parsed->address), &address)) {
        parsed->candidate.family = (floe_family)address.family;
    }
    *candidate = &parsed->candidate;
    return FLOE_OK;
}

floe_error floe_candidate_address(const floe_candidate *candidate, floe_address *address)
{
    if (candidate == NULL || address == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_candidate_address: NULL");
    }
    floe_error error = floe_address_parse(candidate->address, address);
    if (error == FLOE_OK) {
        address->port = candidate->port;
    }
    return error;
}

void floe_candidate_free(floe_candidate *candidate)
{
    /* The candidate is the first member of what parse made. */
    floe_deallocate(&floe_default_allocator, candidate);
}
