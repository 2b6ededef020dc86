/* Candidates are written in a handful of ways. Each has a function here that finds it in a line, or
 * in the JSON that one or more lines are, and writes it as RFC 8839 has it, for the library to read. */
#include "cli/extract.h"

#include "cli/extract_side.h"

#include <ctype.h>
#include <floe/floe.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATE_MAX 2048
#define JSON_MAX ((size_t)32 << 20) /* what is larger is only looked at line by line */
#define DEPTH_MAX 64
#define SEEN_MAX 4096
#define MISSES_MAX 8
#define HELD_MAX 4096

static const char prefix[] = "candidate:";

/* A finding, and where it stands. */
typedef struct held_finding {
    extract_finding finding;
    floe_candidate *candidate; /* owned */
    size_t column;
    size_t number; /* of those that are held, in the order in which they were found */
} held_finding;

struct extractor {
    extract_found found;
    void *data;
    unsigned line;
    /* What JSON has is only known at its end: until then all is held, and told in the order of the text. */
    held_finding *held;
    size_t held_count;
    /* JSON that has begun and not ended. */
    char *json;
    size_t json_size;
    size_t json_room;
    unsigned json_line; /* on which it began */
    size_t json_column;
    unsigned depth;
    bool too_large;
    /* Where in it the last finding stood. */
    const char *cursor;
    unsigned cursor_line;
    const char *cursor_begin; /* of that line */
    unsigned misses;
    /* What was found, so that statistics do not tell it again. */
    uint64_t seen[SEEN_MAX];
    unsigned seen_sides[SEEN_MAX]; /* bits */
    size_t seen_count;
    side_reader sides;
};

/* ── Findings ── */

/* FNV-1a; that two have one, a statistic too few is told. */
static uint64_t key_of(const floe_candidate *candidate)
{
    char text[320];
    uint64_t key = UINT64_C(0xCBF29CE484222325);

    (void)snprintf(text, sizeof text, "%s %u %u %u", candidate->address, candidate->port,
                   (unsigned)candidate->protocol, (unsigned)candidate->type);
    for (const char *at = text; *at != '\0'; at++) {
        key = (key ^ (unsigned char)*at) * UINT64_C(0x100000001B3);
    }
    return key;
}

/* Whether it was found before; from now on it was. That another side has it too is something new. */
static bool seen_before(extractor *from, const floe_candidate *candidate, extract_side side,
                        bool *again)
{
    uint64_t key = key_of(candidate);
    unsigned bit = side != EXTRACT_SIDE_UNKNOWN ? 1U << side : 0;
    size_t i = 0;

    while (i < from->seen_count && from->seen[i] != key) {
        i++;
    }
    *again = i < from->seen_count;
    if (i == SEEN_MAX) {
        return false;
    }
    if (i == from->seen_count) {
        from->seen[from->seen_count++] = key;
        from->seen_sides[i] = 0;
    }
    bool known = *again && (from->seen_sides[i] & bit) == bit;
    from->seen_sides[i] |= bit;
    return known;
}

/* That one was found again says more of what was told, and stands behind it. */
static int by_place(const void *a, const void *b)
{
    const held_finding *one = a;
    const held_finding *other = b;
    const extract_finding *of = &one->finding;
    const extract_finding *than = &other->finding;

    return of->again != than->again       ? of->again - than->again
           : of->line != than->line       ? (of->line < than->line ? -1 : 1)
           : one->column != other->column ? (one->column < other->column ? -1 : 1)
           : one->number < other->number  ? -1
                                          : one->number > other->number;
}

static void tell_held(extractor *from)
{
    if (from->held_count > 1) {
        qsort(from->held, from->held_count, sizeof *from->held, by_place);
    }
    for (size_t i = 0; i < from->held_count; i++) {
        held_finding *one = &from->held[i];
        one->finding.candidate = one->candidate;
        from->found(from->data, &one->finding);
        floe_candidate_free(one->candidate);
    }
    from->held_count = 0;
}

/* Takes the candidate over. */
static void hold(extractor *from, const extract_finding *finding, floe_candidate *candidate,
                 size_t column)
{
    if (from->held_count == HELD_MAX) {
        tell_held(from);
    }
    from->held[from->held_count] = (held_finding){
        .finding = *finding, .candidate = candidate, .column = column, .number = from->held_count};
    from->held_count++;
}

void extract_explain(char *why, size_t size, size_t column)
{
    const char *error = floe_last_error();
    unsigned at;
    int used = 0;

    if (sscanf(error, "column %u%n", &at, &used) == 1 && used > 0) {
        (void)snprintf(why, size, "column %zu%.200s", at + column, error + used);
    } else {
        (void)snprintf(why, size, "%.200s", error);
    }
}

/* As it stands in the text. */
static void tell(extractor *from, const char *text, size_t column, extract_side side)
{
    extract_finding finding = {.line = from->line, .side = side};
    floe_candidate *candidate = NULL;
    bool again;

    if (floe_candidate_parse(text, &candidate) == FLOE_OK) {
        (void)seen_before(from, candidate, side, &again);
    } else {
        extract_explain(finding.why, sizeof finding.why, column);
    }
    hold(from, &finding, candidate, column);
}

/* ── "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host" ── */

/* How much stands in front of one of the letters, or of the end; no more is looked at than `most`, as
 * a line may be of megabytes. */
static size_t span(const char *at, const char *ends, size_t most)
{
    size_t size = 0;

    while (size < most && at[size] != '\0' && strchr(ends, at[size]) == NULL) {
        size++;
    }
    return size;
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

static const char *skip_digits(const char *at)
{
    return at + strspn(at, "0123456789");
}

/* Whether the text behind the prefix goes on as a candidate does: foundation, component, transport,
 * priority. The foundation may be empty, as some have it. */
static bool goes_on(const char *at)
{
    const char *component = skip_blanks(at + span(at, " \t", 64));
    const char *transport = skip_blanks(skip_digits(component));
    size_t letters = strspn(transport, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-/");
    const char *priority = skip_blanks(transport + letters);

    return isdigit((unsigned char)*component) && transport > component && letters > 0 &&
           priority > transport + letters && isdigit((unsigned char)*priority);
}

/* What of the text is the candidate: up to what no candidate has in it, or to the next one. */
static size_t size_of(const char *text)
{
    size_t size = span(text, "\"'`<>|(),;{}[]\r\n", CANDIDATE_MAX);
    const char *next = strstr(text + 1, prefix);

    for (const char *at = text; at < text + size; at++) {
        if (at[0] == '\\' && at[1] != '/') {
            size = (size_t)(at - text);
        }
    }
    if (next != NULL && (size_t)(next - text) < size) {
        size = (size_t)(next - text);
        while (size > 0 && text[size - 1] != ' ' && text[size - 1] != '\t') {
            size--;
        }
    }
    while (size > 0 && strchr(" \t.:", text[size - 1]) != NULL) {
        size--;
    }
    return size;
}

static bool is_secret(const char *word)
{
    return strcmp(word, "password") == 0 || strcmp(word, "pwd") == 0 ||
           strcmp(word, "ice-pwd") == 0;
}

/* Words with one blank between them; "\/" of JSON is "/". Old browsers put the password behind the
 * candidate: it is not shown. */
static void copy_candidate(const char *text, size_t size, char *out)
{
    size_t used = 0;
    bool secret = false;

    for (size_t i = 0; i < size && used + 16 < CANDIDATE_MAX;) {
        size_t length = 0;
        char word[CANDIDATE_MAX];
        i += strspn(&text[i], " \t");
        for (; i < size && strchr(" \t", text[i]) == NULL && length + 1 < sizeof word; i++) {
            if (text[i] != '\\') {
                word[length++] = text[i];
            }
        }
        word[length] = '\0';
        used += (size_t)snprintf(&out[used], CANDIDATE_MAX - used, "%s%.*s", used > 0 ? " " : "",
                                 (int)(CANDIDATE_MAX - used - 2), secret ? "hidden" : word);
        used = used < CANDIDATE_MAX ? used : CANDIDATE_MAX - 1;
        secret = is_secret(word);
    }
    out[used] = '\0';
}

static void find_candidates(extractor *from, const char *line)
{
    char text[CANDIDATE_MAX] = "";

    for (const char *at = strstr(line, prefix); at != NULL;) {
        if (goes_on(at + strlen(prefix))) {
            size_t size = size_of(at);
            copy_candidate(at, size, text);
            tell(from, text, (size_t)(at - line), side_before(&from->sides, at));
            at += size > 0 ? size : 1;
        } else {
            at += strlen(prefix);
        }
        at = strstr(at, prefix);
    }
    const char *bare = skip_blanks(line);
    if (strstr(line, prefix) == NULL && goes_on(bare) && strstr(bare, " typ ") != NULL) {
        copy_candidate(bare, size_of(bare), text);
        tell(from, text, (size_t)(bare - line), side_before(&from->sides, bare));
    }
}

/* ── What has an address, and maybe no more ── */

typedef struct loose_candidate {
    char foundation[40];
    unsigned component;
    char protocol[8];
    unsigned priority; /* 0: not known */
    char address[256];
    unsigned port;
    char type[24];
    char related[256]; /* "": none */
    unsigned related_port;
    char tcp_type[16];
    extract_side side;
} loose_candidate;

/* As browsers and their logs have called them. */
static const char *type_of(const char *word)
{
    static const struct {
        const char *word;
        const char *type;
    } types[] = {
        {"host", "host"},
        {"local", "host"},
        {"srflx", "srflx"},
        {"stun", "srflx"},
        {"serverreflexive", "srflx"},
        {"server-reflexive", "srflx"},
        {"prflx", "prflx"},
        {"peerreflexive", "prflx"},
        {"peer-reflexive", "prflx"},
        {"relay", "relay"},
        {"relayed", "relay"},
        {"relayed-udp", "relay"},
        {"relayed-tcp", "relay"},
        {"relayed-tls", "relay"},
        {"relay-udp", "relay"},
        {"relay-tcp", "relay"},
        {"relay-tls", "relay"},
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(word, types[i].word) == 0) {
            return types[i].type;
        }
    }
    return NULL;
}

/* RFC 8445 §5.1.2.1, with the preferences that it recommends. */
static unsigned usual_priority(const char *type)
{
    unsigned preference = strcmp(type, "host") == 0    ? 126
                          : strcmp(type, "prflx") == 0 ? 110
                          : strcmp(type, "srflx") == 0 ? 100
                                                       : 0;

    return (preference << 24) + (65535U << 8) + 255;
}

static void write_loose(const loose_candidate *loose, const char *type, char *text, size_t size)
{
    bool known = loose->component >= 1 && loose->component <= 256;

    int used =
        snprintf(text, size, "candidate:%s %u %s %u %s %u typ %s",
                 *loose->foundation != '\0' ? loose->foundation : "0", known ? loose->component : 1,
                 loose->protocol, loose->priority > 0 ? loose->priority : usual_priority(type),
                 loose->address, loose->port, type);
    if (*loose->related != '\0' && used > 0 && (size_t)used < size) {
        used += snprintf(text + used, size - (size_t)used, " raddr %s rport %u", loose->related,
                         loose->related_port);
    }
    if (*loose->tcp_type != '\0' && used > 0 && (size_t)used < size) {
        (void)snprintf(text + used, size - (size_t)used, " tcptype %s", loose->tcp_type);
    }
}

/* One that has blanks in it would be more words than one of the candidate. */
static bool is_word(const char *text)
{
    return text[strcspn(text, " \t\r\n\v\f")] == '\0';
}

static bool has_words(const loose_candidate *loose)
{
    return *loose->address != '\0' && is_word(loose->foundation) && is_word(loose->protocol) &&
           is_word(loose->address) && is_word(loose->related) && is_word(loose->tcp_type);
}

/* Nothing is told of what turns out to be none: it only looked so. */
static void tell_loose(extractor *from, const loose_candidate *loose, unsigned line, size_t column)
{
    char text[CANDIDATE_MAX];
    const char *type = type_of(loose->type);
    floe_candidate *candidate = NULL;

    if (type == NULL || !has_words(loose)) {
        return;
    }
    write_loose(loose, type, text, sizeof text);
    extract_finding finding = {.line = line, .side = loose->side};
    if (floe_candidate_parse(text, &candidate) == FLOE_OK &&
        !seen_before(from, candidate, loose->side, &finding.again)) {
        finding.no_foundation = *loose->foundation == '\0';
        finding.no_priority = loose->priority == 0;
        hold(from, &finding, candidate, column);
    } else {
        floe_candidate_free(candidate);
    }
}

static void copy(char *to, size_t size, const char *text, size_t length)
{
    (void)snprintf(to, size, "%.*s", (int)(length < size ? length : size - 1), text);
}

/* The address and the port that end before `end`, not before `begin`: "[2001:db8::1]:5000". */
static bool address_before(const char *begin, const char *end, char *address, size_t size,
                           unsigned *port)
{
    const char *colon = end;
    const char *first;

    while (colon > begin && isdigit((unsigned char)colon[-1])) {
        colon--;
    }
    if (colon == end || end - colon > 5 || colon == begin || *--colon != ':') {
        return false;
    }
    for (first = colon; first > begin && (isalnum((unsigned char)first[-1]) ||
                                          strchr(".:-[]", first[-1]) != NULL);) {
        first--;
    }
    *port = (unsigned)strtoul(colon + 1, NULL, 10);
    bool brackets = first < colon && first[0] == '[' && colon[-1] == ']';
    copy(address, size, first + brackets, (size_t)(colon - first) - 2U * brackets);
    return colon > first;
}

/* The word in front of one of these letters. */
static size_t word_before(const char *at, const char *ends, char *word, size_t size)
{
    size_t length = span(at, ends, size);

    copy(word, size, at, length);
    return length;
}

/* The next at or behind `at` of "192.0.2.1:5000/udp(host)"; what stands behind it. NULL: none. */
static const char *next_of_table(const char *line, const char *at, loose_candidate *loose)
{
    for (const char *slash = strchr(at, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *loose = (loose_candidate){.component = 1};
        at = slash + 1;
        at += word_before(at, " (", loose->protocol, sizeof loose->protocol);
        at = skip_blanks(at);
        if (*at == '(' &&
            at[1 + word_before(at + 1, ")", loose->type, sizeof loose->type)] == ')' &&
            address_before(line, slash, loose->address, sizeof loose->address, &loose->port)) {
            return slash + 1;
        }
    }
    return NULL;
}

/* Firefox's about:webrtc: of a pair the local one stands first. */
static void find_in_tables(extractor *from, const char *line)
{
    loose_candidate first;
    loose_candidate second;
    const char *rest = next_of_table(line, line, &first);

    while (rest != NULL) {
        size_t column = (size_t)(rest - line);
        rest = next_of_table(line, rest, &second);
        if (rest != NULL) {
            first.side = EXTRACT_SIDE_LOCAL;
            second.side = EXTRACT_SIDE_REMOTE;
        }
        tell_loose(from, &first, from->line, column);
        if (rest != NULL) {
            tell_loose(from, &second, from->line, (size_t)(rest - line));
            rest = next_of_table(line, rest, &first);
        }
    }
}

/* An address and a port that end at the next blank; what stands behind. NULL: none. */
static const char *take_address(const char *at, char *address, size_t size, unsigned *port)
{
    const char *end = at + span(at, " \t,;)\"", 300);

    return address_before(at, end, address, size, port) ? end : NULL;
}

/* Pion: "udp4 srflx 203.0.113.1:5000 related 10.0.1.2:5000". */
static void find_in_logs(extractor *from, const char *line)
{
    static const char *const networks[] = {"udp4 ", "udp6 ", "tcp4 ", "tcp6 "};

    for (size_t i = 0; i < 4; i++) {
        for (const char *at = strstr(line, networks[i]); at != NULL;
             at = strstr(at + 1, networks[i])) {
            loose_candidate loose = {.component = 1};
            const char *type = at + 5;
            copy(loose.protocol, sizeof loose.protocol, at, 3);
            type += word_before(type, " ", loose.type, sizeof loose.type);
            const char *rest = *type == ' ' ? take_address(type + 1, loose.address,
                                                           sizeof loose.address, &loose.port)
                                            : NULL;
            if (rest != NULL && strncmp(rest, " related ", 9) == 0 &&
                take_address(rest + 9, loose.related, sizeof loose.related, &loose.related_port) ==
                    NULL) {
                *loose.related = '\0';
            }
            if (rest != NULL) {
                tell_loose(from, &loose, from->line, (size_t)(at - line));
            }
        }
    }
}

/* libwebrtc: "Cand[:foundation:1:udp:priority:host:port:type:host:port:ufrag:password:…]". */
static void find_in_traces(extractor *from, const char *line)
{
    for (const char *at = strstr(line, "Cand["); at != NULL; at = strstr(at + 1, "Cand[")) {
        char fields[10][256] = {{0}};
        loose_candidate loose = {0};
        size_t count = 0;
        for (const char *field = at + 5; count < 10; count++) {
            bool brackets = *field == '[';
            size_t length = span(field, brackets ? "]" : ":]", 256);
            length += brackets && field[length] == ']';
            if (field[length] != ':') {
                break;
            }
            copy(fields[count], sizeof fields[count], field + brackets, length - 2U * brackets);
            field += length + 1;
        }
        if (count < 8) {
            continue;
        }
        copy(loose.foundation, sizeof loose.foundation, fields[1], 32);
        loose.component = (unsigned)strtoul(fields[2], NULL, 10);
        copy(loose.protocol, sizeof loose.protocol, fields[3], 7);
        loose.priority = (unsigned)strtoul(fields[4], NULL, 10);
        copy(loose.address, sizeof loose.address, fields[5], 255);
        loose.port = (unsigned)strtoul(fields[6], NULL, 10);
        copy(loose.type, sizeof loose.type, fields[7], 23);
        copy(loose.related, sizeof loose.related, fields[8], 255);
        loose.related_port = (unsigned)strtoul(fields[9], NULL, 10);
        tell_loose(from, &loose, from->line, (size_t)(at - line));
    }
}

/* ── JSON ── */

static void text_of(const json_t *object, const char *key, char *out, size_t size)
{
    const json_t *value = json_object_get(object, key);

    if (*out == '\0' && json_is_string(value)) {
        copy(out, size, json_string_value(value), json_string_length(value));
    }
}

static unsigned number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    json_int_t number = json_is_string(value) ? strtoll(json_string_value(value), NULL, 10)
                                              : (json_int_t)json_number_value(value);

    return number > 0 && number <= UINT32_MAX ? (unsigned)number : 0;
}

/* Goes to where the JSON has this text, behind where it had the last. */
static void go_to(extractor *from, const char *text)
{
    char quoted[300];

    (void)snprintf(quoted, sizeof quoted, "\"%s", text);
    const char *end = from->json + from->json_size;
    const char *at = from->misses < MISSES_MAX ? strstr(from->cursor, quoted) : NULL;
    if (at == NULL) {
        from->misses++;
        return;
    }
    for (; from->cursor < at && from->cursor < end; from->cursor++) {
        if (*from->cursor == '\n') {
            from->cursor_line++;
            from->cursor_begin = from->cursor + 1;
        }
    }
    from->cursor = at + 1;
}

/* Statistics say it by their type; those of before that, or of a dump, by more. */
static extract_side side_of(const json_t *object)
{
    static const char *const keys[] = {"type", "statsType"};
    const json_t *remote = json_object_get(object, "isRemote");

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *type = json_string_value(json_object_get(object, keys[i]));
        if (type != NULL && strncmp(type, "local", 5) == 0 && type[5] != '\0') {
            return EXTRACT_SIDE_LOCAL;
        }
        if (type != NULL && strncmp(type, "remote", 6) == 0) {
            return EXTRACT_SIDE_REMOTE;
        }
    }
    return json_is_true(remote)    ? EXTRACT_SIDE_REMOTE
           : json_is_false(remote) ? EXTRACT_SIDE_LOCAL
                                   : EXTRACT_SIDE_UNKNOWN;
}

/* ORTC's RTCIceCandidate, RTCIceCandidateStats, the fields of RTCIceCandidate. */
static void take_object(extractor *from, const json_t *object)
{
    loose_candidate loose = {.component = number_of(object, "component")};
    const char *text = json_string_value(json_object_get(object, "candidate"));

    if (text != NULL && strstr(text, prefix) != NULL) {
        return; /* its line was found */
    }
    text_of(object, "candidateType", loose.type, sizeof loose.type);
    text_of(object, "type", loose.type, sizeof loose.type);
    text_of(object, "address", loose.address, sizeof loose.address);
    text_of(object, "ip", loose.address, sizeof loose.address);
    text_of(object, "ipAddress", loose.address, sizeof loose.address);
    text_of(object, "protocol", loose.protocol, sizeof loose.protocol);
    text_of(object, "transport", loose.protocol, sizeof loose.protocol);
    if (*loose.address == '\0' || *loose.protocol == '\0' || type_of(loose.type) == NULL) {
        return;
    }
    text_of(object, "foundation", loose.foundation, sizeof loose.foundation);
    text_of(object, "relatedAddress", loose.related, sizeof loose.related);
    text_of(object, "tcpType", loose.tcp_type, sizeof loose.tcp_type);
    loose.side = side_of(object);
    loose.related_port = number_of(object, "relatedPort");
    loose.priority = number_of(object, "priority");
    loose.port = number_of(object, "port");
    if (loose.port == 0) {
        loose.port = number_of(object, "portNumber");
    }
    go_to(from, loose.address);
    size_t before = from->cursor_line == from->json_line ? from->json_column : 0;
    tell_loose(from, &loose, from->cursor_line,
               before + (size_t)(from->cursor - from->cursor_begin));
}

/* A dump of webrtc-internals has each statistic as a history: {"ID-port": {"values": "[5000]"}}. The
 * last value of one. */
static json_t *last_value(const json_t *all, const char *id, size_t id_size, const char *name)
{
    char key[256];
    json_t *last = NULL;

    (void)snprintf(key, sizeof key, "%.*s-%s", (int)(id_size < 200 ? id_size : 200), id, name);
    json_t *values = json_object_get(json_object_get(all, key), "values");
    json_t *parsed = json_is_string(values)
                         ? json_loads(json_string_value(values), JSON_DECODE_ANY, NULL)
                         : json_incref(values);
    if (json_is_array(parsed) && json_array_size(parsed) > 0) {
        last = json_incref(json_array_get(parsed, json_array_size(parsed) - 1));
    }
    json_decref(parsed);
    return last;
}

static void take_history(extractor *from, const json_t *all, const char *key)
{
    static const char *const names[] = {
        "address",        "ip",          "port",    "protocol",      "priority", "foundation",
        "relatedAddress", "relatedPort", "tcpType", "candidateType", "isRemote"};
    static const char last[] = "-candidateType";
    size_t size = strlen(key);

    if (size < sizeof last || strcmp(&key[size - strlen(last)], last) != 0) {
        return;
    }
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *value = last_value(all, key, size - strlen(last), names[i]);
        if (value != NULL) {
            (void)json_object_set_new(object, names[i], value);
        }
    }
    json_t *type = json_object_get(json_object_get(all, key), "statsType");
    if (type != NULL) {
        (void)json_object_set(object, "statsType", type);
    }
    take_object(from, object);
    json_decref(object);
}

static void walk(extractor *from, const json_t *value, unsigned depth)
{
    const char *key;
    json_t *part;

    if (depth == 0) {
        return;
    }
    if (json_is_object(value)) {
        take_object(from, value);
        json_object_foreach((json_t *)value, key, part)
        {
            take_history(from, value, key);
            walk(from, part, depth - 1);
        }
    }
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++) {
        walk(from, json_array_get(value, i), depth - 1);
    }
}

static void end_json(extractor *from)
{
    json_t *value = from->too_large
                        ? NULL
                        : json_loadb(from->json, from->json_size, JSON_DISABLE_EOF_CHECK, NULL);

    from->cursor = from->cursor_begin = from->json;
    from->cursor_line = from->json_line;
    from->misses = 0;
    walk(from, value, DEPTH_MAX);
    json_decref(value);
    from->json_size = 0;
    from->depth = 0;
    from->too_large = false;
}

/* NUL behind it, for strstr. */
static void keep_json(extractor *from, const char *text, size_t size)
{
    size_t room = from->json_size + size + 2;

    if (from->too_large || room > JSON_MAX) {
        from->too_large = true;
        return;
    }
    if (room > from->json_room) {
        char *larger = realloc(from->json, 2 * room);
        if (larger == NULL) {
            from->too_large = true;
            return;
        }
        from->json = larger;
        from->json_room = 2 * room;
    }
    memcpy(&from->json[from->json_size], text, size);
    from->json_size += size;
    from->json[from->json_size++] = '\n';
    from->json[from->json_size] = '\0';
}

/* "{" and "[" less their ends, outside of texts, of which none goes over a line's end. */
static unsigned depth_behind(unsigned depth, const char *text)
{
    bool quoted = false;

    for (; *text != '\0'; text++) {
        if (quoted && *text == '\\' && text[1] != '\0') {
            text++;
        } else if (*text == '"') {
            quoted = !quoted;
        } else if (!quoted && (*text == '{' || *text == '[')) {
            depth++;
        } else if (!quoted && (*text == '}' || *text == ']')) {
            depth -= depth > 0;
        }
    }
    return depth;
}

/* Where JSON begins in the line: with it, or behind what a log puts in front. */
static const char *json_in(const char *line)
{
    const char *at = line + strspn(line, " \t");

    if ((*at == '{' || *at == '[') && strchr("\"{[}]", *skip_blanks(at + 1)) != NULL) {
        return at;
    }
    at = strstr(line, "{\"");
    return at != NULL && strstr(at, "\"port\"") != NULL ? at : NULL;
}

static void find_in_json(extractor *from, const char *line)
{
    const char *text = from->depth > 0 ? line : json_in(line);

    if (text == NULL) {
        return;
    }
    if (from->depth == 0) {
        from->json_line = from->line;
        from->json_column = (size_t)(text - line);
    }
    keep_json(from, text, strlen(text));
    from->depth = depth_behind(from->depth, text);
    if (from->depth == 0) {
        end_json(from);
    }
}

/* ── Lines ── */

extractor *extract_new(extract_found found, void *data)
{
    extractor *made = calloc(1, sizeof *made);

    held_finding *held = calloc(HELD_MAX, sizeof *held);

    if (made == NULL || held == NULL) {
        free(made);
        free(held);
        return NULL;
    }
    *made = (extractor){.found = found, .data = data, .held = held};
    return made;
}

void extract_line(extractor *from, char *text, size_t size)
{
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r')) {
        size--;
    }
    text[size] = '\0';
    for (char *nul = memchr(text, 0, size); nul != NULL; nul = memchr(text, 0, size)) {
        *nul = ' ';
    }
    from->line++;
    side_begin_line(&from->sides, text, from->depth > 0);
    find_candidates(from, text);
    side_end_line(&from->sides);
    find_in_tables(from, text);
    find_in_logs(from, text);
    find_in_traces(from, text);
    find_in_json(from, text);
    if (from->depth == 0) {
        tell_held(from);
    }
}

void extract_free(extractor *from)
{
    if (from == NULL) {
        return;
    }
    tell_held(from);
    free(from->held);
    free(from->json);
    free(from);
}
