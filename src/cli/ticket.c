/* A ticket is base64url of
 *
 *     3 bytes   those that are "floe" as text
 *     1 byte    the version, 1
 *     2 bytes   how many bytes follow, but for the last four
 *     1 byte    1: it is lite (RFC 8445 §2.5)
 *     1 byte    the length of the username fragment, less 1; and it; the password likewise
 *     1 byte    how many candidates; each:
 *         1 byte    its type, protocol, and what its address is
 *         1 byte    which foundation it has: the same number, the same foundation
 *         4 bytes   its priority
 *         2 bytes   its port
 *                   its address: 4 bytes, 16 bytes, or a byte that is its name's length, and its name
 *     4 bytes   CRC-32 of all before
 *
 * So it begins with "floe", and where it is cut shows. */
#include "cli/ticket.h"

#include "cli/base64.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define HEAD_SIZE 6
#define CHECK_SIZE 4
#define BYTES_MAX 24000
#define IS_LITE 1

enum { KIND_IPV4 = 0, KIND_IPV6 = 1, KIND_NAME = 2 };

static const uint8_t beginning[] = {0x7e, 0x5a, 0x1e, VERSION};

/* ── Bytes ── */

typedef struct bytes {
    uint8_t data[BYTES_MAX];
    size_t size;
} bytes;

static void put(bytes *to, const void *data, size_t size)
{
    memcpy(&to->data[to->size], data, size);
    to->size += size;
}

static void put_number(bytes *to, uint32_t value, size_t size)
{
    for (size_t i = size; i-- > 0;) {
        to->data[to->size++] = (uint8_t)(value >> 8 * i);
    }
}

/* Reads no further than its end; false from then on. */
typedef struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool good;
} reader;

static const uint8_t *take(reader *from, size_t size)
{
    const uint8_t *taken = from->at;

    from->good = from->good && (size_t)(from->end - from->at) >= size;
    if (!from->good) {
        return NULL;
    }
    from->at += size;
    return taken;
}

static uint32_t take_number(reader *from, size_t size)
{
    const uint8_t *taken = take(from, size);
    uint32_t value = 0;

    for (size_t i = 0; taken != NULL && i < size; i++) {
        value = value << 8 | taken[i];
    }
    return value;
}

static void take_text(reader *from, size_t size, char *text, size_t room)
{
    const uint8_t *taken = take(from, size);

    from->good = from->good && size < room && memchr(taken, 0, size) == NULL;
    if (from->good) {
        memcpy(text, taken, size);
        text[size] = '\0';
    }
}

/* CRC-32 of ISO 3309, as FINGERPRINT has it (RFC 8489 §14.7). */
static uint32_t check_of(const uint8_t *data, size_t size)
{
    uint32_t sum = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        sum ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            sum = sum >> 1 ^ ((sum & 1U) != 0 ? UINT32_C(0xEDB88320) : 0);
        }
    }
    return ~sum;
}

/* ── Writing ── */

/* That of the first candidate with the same foundation. */
static size_t foundation_of(const floe_candidate *const *all, size_t at)
{
    size_t i = 0;

    while (strcmp(all[i]->foundation, all[at]->foundation) != 0) {
        i++;
    }
    return i;
}

static void put_address(bytes *to, uint8_t kind, const floe_address *address, const char *name)
{
    if (kind == KIND_NAME) {
        put_number(to, (uint32_t)strlen(name), 1);
        put(to, name, strlen(name));
    } else {
        put(to, address->ip, kind == KIND_IPV4 ? 4 : 16);
    }
}

static void put_candidate(bytes *to, const floe_candidate *const *all, size_t at)
{
    const floe_candidate *one = all[at];
    floe_address address;
    uint8_t kind = KIND_NAME;

    if (floe_candidate_address(one, &address) == FLOE_OK) {
        kind = address.family == FLOE_FAMILY_IPV4 ? KIND_IPV4 : KIND_IPV6;
    }
    put_number(to, (uint32_t)(one->type - 1) | (uint32_t)one->tcp_type << 2 | (uint32_t)kind << 4,
               1);
    put_number(to, (uint32_t)foundation_of(all, at), 1);
    put_number(to, one->priority, 4);
    put_number(to, one->port, 2);
    put_address(to, kind, &address, one->address);
}

static int by_priority(const void *a, const void *b)
{
    const floe_candidate *one = *(const floe_candidate *const *)a;
    const floe_candidate *other = *(const floe_candidate *const *)b;

    return one->priority > other->priority ? -1 : one->priority < other->priority;
}

static void put_candidates(bytes *to, const floe_candidate_list *list)
{
    size_t count = list != NULL ? list->count : 0;
    const floe_candidate **sorted = calloc(count + 1, sizeof(floe_candidate *));

    if (count > 0 && sorted != NULL) {
        memcpy(sorted, list->candidates, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, by_priority);
    }
    count = sorted == NULL ? 0 : count < TICKET_CANDIDATES ? count : TICKET_CANDIDATES;
    put_number(to, (uint32_t)count, 1);
    for (size_t i = 0; i < count; i++) {
        put_candidate(to, sorted, i);
    }
    free(sorted);
}

static void put_short(bytes *to, const char *text)
{
    size_t size = strlen(text);

    put_number(to, (uint32_t)size - 1, 1);
    put(to, text, size);
}

void ticket_encode(const floe_parameters *parameters, const floe_candidate_list *candidates,
                   char text[TICKET_TEXT_SIZE])
{
    bytes to = {.size = 0};

    put(&to, beginning, sizeof beginning);
    put_number(&to, 0, 2);
    put_number(&to, parameters->ice_lite ? IS_LITE : 0, 1);
    put_short(&to, parameters->username_fragment);
    put_short(&to, parameters->password);
    put_candidates(&to, candidates);
    size_t size = to.size - HEAD_SIZE;
    to.data[HEAD_SIZE - 2] = (uint8_t)(size >> 8);
    to.data[HEAD_SIZE - 1] = (uint8_t)size;
    put_number(&to, check_of(to.data, to.size), CHECK_SIZE);
    base64_encode_for_urls(to.data, to.size, text);
    memset(&to, 0, sizeof to);
}

/* ── Reading ── */

static void take_address(reader *from, unsigned kind, char *text, size_t room)
{
    floe_address address = {.family = kind == KIND_IPV4 ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6};

    if (kind == KIND_NAME) {
        take_text(from, take_number(from, 1), text, room);
        from->good = from->good && text[strcspn(text, " \t\r\n\v\f")] == '\0';
        return;
    }
    size_t size = kind == KIND_IPV4 ? 4 : 16;
    const uint8_t *ip = take(from, size);
    if (ip != NULL) {
        memcpy(address.ip, ip, size);
        from->good = kind <= KIND_IPV6 && floe_address_format(&address, text, room) == FLOE_OK;
    }
}

/* As RFC 8839 has it, for the library to read. */
static floe_candidate *take_candidate(reader *from)
{
    unsigned kind = take_number(from, 1);
    unsigned foundation = take_number(from, 1);
    uint32_t priority = take_number(from, 4);
    unsigned port = take_number(from, 2);
    const char *tcp_type = floe_tcp_type_name((floe_tcp_type)(kind >> 2 & 3));
    bool is_tcp = *tcp_type != '\0';
    char address[256] = "";
    char line[512];
    floe_candidate *made = NULL;

    take_address(from, kind >> 4, address, sizeof address);
    (void)snprintf(line, sizeof line, "candidate:%u 1 %s %lu %s %u typ %s%s%s", foundation + 1,
                   is_tcp ? "tcp" : "udp", (unsigned long)priority, address, port,
                   floe_candidate_type_name((floe_candidate_type)((kind & 3) + 1)),
                   is_tcp ? " tcptype " : "", tcp_type);
    from->good = from->good && floe_candidate_parse(line, &made) == FLOE_OK;
    return made;
}

/* RFC 8839 §5.4. */
static void take_short(reader *from, size_t least, char *text, size_t room)
{
    size_t size = take_number(from, 1) + 1;

    take_text(from, size, text, room);
    from->good = from->good && is_ice_text(text, least);
}

static void take_all(reader *from, ticket *of)
{
    floe_parameters *parameters = &of->parameters;

    parameters->ice_lite = (take_number(from, 1) & IS_LITE) != 0;
    take_short(from, 4, parameters->username_fragment, sizeof parameters->username_fragment);
    take_short(from, 22, parameters->password, sizeof parameters->password);
    size_t count = take_number(from, 1);
    from->good = from->good && count <= TICKET_CANDIDATES;
    while (from->good && of->count < count) {
        floe_candidate *one = take_candidate(from);
        if (one != NULL) {
            of->candidates[of->count++] = one;
        }
    }
    from->good = from->good && from->at == from->end;
}

/* As much as there is, without blanks; what is too much for any ticket is not looked at. */
static size_t copy_letters(const char *text, char *letters)
{
    size_t count = 0;

    for (; *text != '\0' && count < TICKET_TEXT_SIZE; text++) {
        if (strchr(" \t\r\n\v\f", *text) == NULL) {
            letters[count++] = *text;
        }
    }
    return count;
}

static ticket_result decode(const char *letters, size_t count, uint8_t *data, ticket *of)
{
    size_t size = 0;
    size_t column = 0;
    size_t whole = count - (count % 4 == 1); /* of one that is cut anywhere */

    if (count == 0) {
        return TICKET_EMPTY;
    }
    if (strncmp(letters, "floe", count < 4 ? count : 4) != 0) {
        return TICKET_NONE;
    }
    if (!base64_decode(letters, whole, data, BYTES_MAX, &size, &column)) {
        return TICKET_DAMAGED;
    }
    if (size > 3 && data[3] != VERSION) {
        return TICKET_OF_ANOTHER_VERSION;
    }
    size_t all = size >= HEAD_SIZE ? HEAD_SIZE + ((size_t)data[4] << 8 | data[5]) + CHECK_SIZE : 0;
    if (size < HEAD_SIZE || size < all) {
        return all > BYTES_MAX ? TICKET_DAMAGED : TICKET_CUT;
    }
    reader check = {.at = &data[size - CHECK_SIZE], .end = &data[size], .good = true};
    reader from = {.at = &data[HEAD_SIZE], .end = &data[size - CHECK_SIZE], .good = true};
    if (size > all || whole < count ||
        take_number(&check, 4) != check_of(data, size - CHECK_SIZE)) {
        return TICKET_DAMAGED;
    }
    take_all(&from, of);
    return from.good ? TICKET_GOOD : TICKET_DAMAGED;
}

ticket_result ticket_decode(const char *text, ticket *of)
{
    char letters[TICKET_TEXT_SIZE + 1] = "";
    uint8_t data[BYTES_MAX];
    size_t count = copy_letters(text, letters);

    *of = (ticket){.parameters = FLOE_PARAMETERS_INIT};
    ticket_result result = decode(letters, count, data, of);
    if (result != TICKET_GOOD) {
        ticket_free(of);
    }
    memset(letters, 0, sizeof letters);
    memset(data, 0, sizeof data);
    return result;
}

void ticket_free(ticket *of)
{
    for (size_t i = 0; i < of->count; i++) {
        floe_candidate_free(of->candidates[i]);
    }
    *of = (ticket){.count = 0};
}

const char *ticket_why(ticket_result result)
{
    switch (result) {
    case TICKET_EMPTY:
        return "there is nothing in it";
    case TICKET_NONE:
        return "this is no ticket: one begins with floe, and is what the other side's floe connect "
               "has printed";
    case TICKET_CUT:
        return "the ticket is cut: its end is missing";
    case TICKET_DAMAGED:
        return "the ticket is damaged: characters were changed, lost or added on the way";
    case TICKET_OF_ANOTHER_VERSION:
        return "the ticket is of another version of floe: both sides need the same";
    case TICKET_GOOD:
        break;
    }
    return "";
}
