#include "cli/servers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *server_result_name(server_result result)
{
    static const char *const names[] = {"asked", "answered", "redundant", "not-asked", "failed"};

    return names[result];
}

/* ── URLs ── */

/* Where a URL that the library has taken leads, in one form for all spellings: the host's address
 * or name, and the port. */
static void server_of(const char *url, char *text, size_t size)
{
    const char *host = strchr(url, ':') + 1;
    bool secure = host[-2] == 's' || host[-2] == 'S';
    bool bracketed = *host == '[';
    const char *end = host + strcspn(host, bracketed ? "]" : ":?");
    const char *rest = end + bracketed;
    unsigned long port = *rest == ':' ? strtoul(rest + 1, NULL, 10) : secure ? 5349 : 3478;
    char name[300];
    floe_address address;

    host += bracketed;
    end -= end > host && end[-1] == '.'; /* a name may end in a dot */
    (void)snprintf(name, sizeof name, "%.*s", (int)(end - host), host);
    if (floe_address_parse(name, &address) == FLOE_OK) {
        (void)floe_address_format(&address, name, sizeof name);
    }
    /* An address of IPv4 in IPv6's clothes (RFC 4291 §2.5.5.2). */
    bool mapped = strncasecmp(name, "::ffff:", 7) == 0 && strchr(name, '.') != NULL;
    (void)snprintf(text, size, "%s %lu", mapped ? &name[7] : name, port);
}

bool same_server(const char *a, const char *b)
{
    char one[400];
    char other[400];

    server_of(a, one, sizeof one);
    server_of(b, other, sizeof other);
    return strcasecmp(one, other) == 0;
}

bool same_url(const char *a, const char *b)
{
    const char *query_of_a = strchr(a, '?');
    const char *query_of_b = strchr(b, '?');
    size_t scheme = strcspn(a, ":");

    return strncasecmp(a, b, scheme + 1) == 0 && same_server(a, b) &&
           strcasecmp(query_of_a != NULL ? query_of_a : "", query_of_b != NULL ? query_of_b : "") ==
               0;
}

static bool is_turn(const char *url)
{
    return strncasecmp(url, "turn", 4) == 0;
}

/* RFC 7064, RFC 7065. */
static floe_protocol transport_of(const char *url)
{
    const char *query = strchr(url, '?');
    bool secure = strncasecmp(url, "turns", 5) == 0;
    bool connected = query != NULL ? strcasecmp(query, "?transport=tcp") == 0 : secure;

    return connected && secure ? FLOE_PROTOCOL_TLS
           : connected         ? FLOE_PROTOCOL_TCP
           : secure            ? FLOE_PROTOCOL_DTLS
                               : FLOE_PROTOCOL_UDP;
}

/* Of URLs that are alike, the first is asked. */
static size_t number_of(const gather_command *command, const char *url)
{
    for (size_t i = 0; url != NULL && i < command->url_count; i++) {
        if (same_url(command->urls[i], url)) {
            return i + 1;
        }
    }
    return 0;
}

/* ── Why a server was not asked ── */

unsigned report_family(const floe_candidate *candidate)
{
    return candidate->type == FLOE_CANDIDATE_TYPE_RELAY ? 0 : FAMILY_BIT(candidate->family);
}

void report_not_asked_text(const gather_command *command, unsigned families, char *text,
                           size_t size)
{
    const unsigned ipv4 = FAMILY_BIT(FLOE_FAMILY_IPV4);
    const unsigned ipv6 = FAMILY_BIT(FLOE_FAMILY_IPV6);
    uint32_t types = command->settings.network_types;

    if (families == 0) { /* what is wanted, where nothing shows what there is */
        families |= types == 0 || (types & FLOE_NETWORK_TYPE_UDP4) != 0 ? ipv4 : 0;
        families |= types == 0 || (types & FLOE_NETWORK_TYPE_UDP6) != 0 ? ipv6 : 0;
    }
    if (families == ipv4 || families == ipv6) {
        const char *name = families == ipv4 ? "IPv4" : "IPv6";
        (void)snprintf(text, size,
                       "it was not asked: it has no %s address, and floe gathers only on %s here",
                       name, name);
        return;
    }
    (void)snprintf(text, size,
                   "it was not asked: it has no address of a family (IPv4, IPv6) that floe gathers "
                   "on here");
}

static unsigned families_of(const floe_gatherer_statistics *statistics)
{
    unsigned families = 0;

    for (size_t i = 0; statistics != NULL && i < statistics->candidate_count; i++) {
        families |= report_family(statistics->candidates[i]->candidate);
    }
    return families;
}

static bool has_type(const gather_command *command, floe_gather_type type)
{
    return command->types == 0 || (command->types & type) != 0;
}

/* What of the options leaves the URL out, as a fixed word and as a sentence; NULL: nothing. As the library
 * judges it (options.h). */
static const char *left_out_by(const gather_command *command, const char *url,
                               const char **sentence)
{
    floe_protocol transport = transport_of(url);
    uint32_t bit = 1U << (transport - FLOE_PROTOCOL_UDP);
    bool reflexive = has_type(command, FLOE_GATHER_TYPE_SRFLX) && transport == FLOE_PROTOCOL_UDP;

    if (is_turn(url) && command->relay_transports != 0 && (command->relay_transports & bit) == 0) {
        *sentence = "--relay-transports leaves it out";
        return "relay-transports";
    }
    if (!reflexive && command->types != 0 &&
        !(is_turn(url) && has_type(command, FLOE_GATHER_TYPE_RELAY))) {
        *sentence = "--types leaves nothing to be had from it";
        return "types";
    }
    return NULL;
}

/* Of those that the policy leaves. */
static uint32_t types_left(const gather_command *command)
{
    static const uint32_t of_policy[] = {
        [FLOE_GATHER_POLICY_ALL] =
            FLOE_GATHER_TYPE_HOST | FLOE_GATHER_TYPE_SRFLX | FLOE_GATHER_TYPE_RELAY,
        [FLOE_GATHER_POLICY_NOHOST] = FLOE_GATHER_TYPE_SRFLX | FLOE_GATHER_TYPE_RELAY,
        [FLOE_GATHER_POLICY_RELAY] = FLOE_GATHER_TYPE_RELAY,
    };
    uint32_t left = of_policy[command->policy];

    return command->types == 0 ? left : left & command->types;
}

bool nothing_wanted_text(const gather_command *command, char *text, size_t size)
{
    const char *sentence;
    bool any = command->rule_count > 0;

    if (types_left(command) == 0) {
        (void)snprintf(text, size, "--policy and --types together leave no type of candidate.");
        return true;
    }
    if ((types_left(command) & FLOE_GATHER_TYPE_HOST) != 0) {
        return false;
    }
    for (size_t i = 0; i < command->url_count; i++) {
        any = any || left_out_by(command, command->urls[i], &sentence) == NULL;
    }
    if (!any) {
        (void)snprintf(text, size,
                       "--%s leaves out host candidates, and no server is asked for others.",
                       command->types != 0 ? "types" : "policy");
    }
    return !any;
}

static void tell_not_asked(server_row *row, const gather_command *command, unsigned families,
                           const failure_list *failures)
{
    if (command->policy == FLOE_GATHER_POLICY_RELAY && !is_turn(row->url)) {
        row->needless = true;
        row->why = "policy";
        (void)snprintf(row->text, sizeof row->text,
                       "with --policy relay a stun: server has nothing to give");
    } else if (command->rule_count > 0) {
        row->needless = true;
        row->why = "rewritten";
        (void)snprintf(row->text, sizeof row->text, "--rewrite says already what it would show");
    } else if (families == 0 && command->policy == FLOE_GATHER_POLICY_ALL) {
        row->why = "no-local-address";
        (void)snprintf(row->text, sizeof row->text,
                       failures_of_url(failures, NULL) != NULL
                           ? "no local address could be used to ask it from"
                           : "there is no local address to ask it from");
    } else {
        row->why = "family";
        char text[200];
        report_not_asked_text(command, families, text, sizeof text);
        (void)snprintf(row->text, sizeof row->text, "%s", strchr(text, ':') + 2);
    }
}

/* ── Rows ── */

static server_row *add_row(server_table *table, const gather_command *command, size_t number)
{
    server_row *grown = realloc(table->rows, (table->count + 1) * sizeof *table->rows);

    if (grown == NULL) {
        return NULL;
    }
    table->rows = grown;
    server_row *row = &grown[table->count++];
    *row = (server_row){.number = number, .url = command->urls[number - 1]};
    return row;
}

static server_row *find_row(const server_table *table, size_t number,
                            const floe_server_statistics *of)
{
    for (size_t i = 0; i < table->count; i++) {
        server_row *row = &table->rows[i];
        if (row->number == number && row->port == of->server_port &&
            strcmp(row->address, of->server_address) == 0) {
            return row;
        }
    }
    return NULL;
}

/* What a stun: URL would show may be known by an Allocate at the same place: that is no answer of its own.
 * Bindings first. Of a TURN server its Allocate tells, where there is one; that its Binding failed beside it
 * says nothing. */
static void take_exchange(server_row *row, const floe_server_statistics *of)
{
    bool allocates = strcmp(of->method, "Allocate") == 0;
    bool before = row->transport != FLOE_PROTOCOL_NONE && is_turn(row->url) && !allocates;
    bool by_another = !is_turn(row->url) && of->requests > 0 && of->responses == 0;

    row->requests += of->requests;
    row->responses += of->responses;
    row->shared = row->shared || of->shared;
    if (of->round_trip.ns != 0 && (allocates || row->round_trip.ns == 0)) {
        row->round_trip = of->round_trip;
    }
    row->transport =
        allocates || row->transport == FLOE_PROTOCOL_NONE ? of->transport : row->transport;
    if (of->progress == FLOE_SERVER_PROGRESS_SUCCEEDED && !by_another) {
        row->lifetime = of->lifetime != 0 ? of->lifetime : row->lifetime;
        row->transport = row->result != SERVER_ANSWERED ? of->transport : row->transport;
        row->result = SERVER_ANSWERED; /* be it from one of several local addresses */
        row->reason = FLOE_FAILURE_REASON_NONE;
    } else if (of->reason != FLOE_FAILURE_REASON_NONE && !before &&
               (row->result == SERVER_ASKED || (allocates && row->lifetime == 0))) {
        row->result = SERVER_FAILED;
        row->reason = of->reason;
        if (of->transport == FLOE_PROTOCOL_TCP && !is_turn(row->url)) { /* --tcp-reflexive */
            (void)snprintf(row->text, sizeof row->text,
                           "%s over TCP: many STUN servers serve UDP alone",
                           floe_failure_reason_name(of->reason));
        }
    }
}

static void take_exchanges(server_table *table, const gather_command *command,
                           const floe_gatherer_statistics *statistics)
{
    static const char *const methods[] = {"Binding", "Allocate"};

    for (size_t method = 0; method < 2; method++) {
        for (size_t i = 0; i < statistics->server_count; i++) {
            const floe_server_statistics *of = statistics->servers[i];
            size_t number = number_of(command, of->url);
            if (number == 0 || strcmp(of->method, methods[method]) != 0) {
                continue;
            }
            server_row *row = find_row(table, number, of);
            row = row != NULL ? row : add_row(table, command, number);
            if (row != NULL) {
                (void)snprintf(row->address, sizeof row->address, "%s", of->server_address);
                row->port = of->server_port;
                take_exchange(row, of);
            }
        }
    }
}

static const server_row *row_of(const server_table *table, size_t number)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].number == number) {
            return &table->rows[i];
        }
    }
    return NULL;
}

static server_row *row_that_answered(const server_table *table, size_t number, const server_row *at)
{
    for (size_t i = 0; i < table->count; i++) {
        server_row *row = &table->rows[i];
        if (row->result == SERVER_ANSWERED &&
            (at == NULL ? row->number == number
                        : row->port == at->port && strcmp(row->address, at->address) == 0)) {
            return row;
        }
    }
    return NULL;
}

/* If its URL's server did not answer, another URL at that place has shown it. */
static void take_candidate(const server_table *table, const gather_command *command,
                           const floe_candidate *candidate)
{
    size_t number = number_of(command, candidate->url);
    bool relay = candidate->type == FLOE_CANDIDATE_TYPE_RELAY;
    const server_row *named = number != 0 ? row_of(table, number) : NULL;
    server_row *row = number != 0 ? row_that_answered(table, number, NULL) : NULL;

    if (row == NULL && named != NULL) {
        row = row_that_answered(table, number, named);
    }
    if (row != NULL) {
        row->srflx += !relay;
        row->relays += relay;
        row->relay4 = row->relay4 || (relay && candidate->family == FLOE_FAMILY_IPV4);
        row->relay6 = row->relay6 || (relay && candidate->family == FLOE_FAMILY_IPV6);
    }
}

/* Whether another URL that was asked leads there: the number of that; 0: none. */
static size_t other_asked(const server_table *table, const gather_command *command, size_t number)
{
    for (size_t i = 1; i <= command->url_count; i++) {
        const server_row *row = i != number ? row_of(table, i) : NULL;
        if (row != NULL && row->result != SERVER_NOT_ASKED && row->result != SERVER_REDUNDANT &&
            same_server(command->urls[i - 1], command->urls[number - 1])) {
            return i;
        }
    }
    return 0;
}

/* A URL of which the statistics say nothing. */
static void add_unasked(server_table *table, const gather_command *command, size_t number,
                        const floe_gatherer_statistics *statistics, const failure_list *failures)
{
    const failure *failed = failures_of_url(failures, command->urls[number - 1]);
    const char *sentence;
    const char *left_out = left_out_by(command, command->urls[number - 1], &sentence);
    bool asked = failed == NULL && left_out == NULL;
    size_t other = asked ? other_asked(table, command, number) : 0;
    server_row *row = add_row(table, command, number);

    if (row == NULL) {
        return;
    }
    row->transport = transport_of(row->url);
    if (failed != NULL) {
        row->result = SERVER_FAILED;
        row->reason = failed->reason;
    } else if (left_out != NULL) {
        row->result = SERVER_NOT_ASKED;
        row->needless = true;
        row->why = left_out;
        (void)snprintf(row->text, sizeof row->text, "%s", sentence);
    } else if (other != 0) {
        row->result = SERVER_REDUNDANT;
        (void)snprintf(row->text, sizeof row->text, "the same server as [%zu]", other);
    } else if (statistics == NULL || statistics->gathering.ns != 0) {
        row->result = SERVER_NOT_ASKED;
        tell_not_asked(row, command, families_of(statistics), failures);
    }
}

/* Whether it tells of another of the URL's addresses. */
static bool is_of_another(const server_table *table, const server_row *row, const failure *failed)
{
    for (size_t i = 0; i < table->count && !failure_names(failed, row->address); i++) {
        const server_row *other = &table->rows[i];
        if (other != row && other->number == row->number && failure_names(failed, other->address)) {
            return true;
        }
    }
    return false;
}

/* The sentence that was told; of an address that is not the URL's last there may be none. */
static void take_failure(const server_table *table, server_row *row, const failure_list *failures)
{
    const failure *own = failures_naming(failures, row->url, row->address);
    const failure *failed = failures_of_url(failures, row->url);

    if (failed == NULL || (row->result != SERVER_FAILED && !failed->url_failed)) {
        return;
    }
    if (row->result == SERVER_FAILED || row->result == SERVER_ASKED || !is_turn(row->url) ||
        row->relays == 0) {
        row->result = SERVER_FAILED;
        bool url_failed = failed->url_failed;
        failed = own != NULL ? own : failed;
        if (!is_of_another(table, row, failed)) {
            row->reason = url_failed ? failed->reason : row->reason;
            (void)snprintf(row->text, sizeof row->text, "%s",
                           failed->text != NULL ? failed->text : "");
        } else if (row->reason == FLOE_FAILURE_REASON_NONE) {
            row->reason = failed->reason;
        }
    }
}

/* Of those that are silent. */
static void take_unreachable(server_row *row, const failure_list *failures)
{
    if (row->result == SERVER_ASKED && row->responses == 0 &&
        failures_unreachable(failures, row->address, row->port)) {
        row->result = SERVER_FAILED;
        row->reason = FLOE_FAILURE_REASON_UNREACHABLE;
        (void)snprintf(
            row->text, sizeof row->text,
            "%s port %u of it cannot be reached: there is no route, or an ICMP message says so",
            row->transport == FLOE_PROTOCOL_UDP || row->transport == FLOE_PROTOCOL_DTLS ? "UDP"
                                                                                        : "TCP",
            row->port);
    }
}

static int by_number(const void *a, const void *b)
{
    const server_row *one = a;
    const server_row *other = b;

    return one->number < other->number   ? -1
           : one->number > other->number ? 1
           : one->result < other->result ? -1
                                         : one->result > other->result;
}

void servers_update(server_table *table, const gather_command *command,
                    const floe_gatherer_statistics *statistics, const failure_list *failures)
{
    table->count = 0;
    if (statistics != NULL) {
        take_exchanges(table, command, statistics);
        for (size_t i = 0; i < table->count; i++) {
            if (!is_turn(table->rows[i].url)) { /* so that what failed has shown nothing */
                take_failure(table, &table->rows[i], failures);
            }
        }
        for (size_t i = 0; i < statistics->candidate_count; i++) {
            take_candidate(table, command, statistics->candidates[i]->candidate);
        }
    }
    for (size_t number = 1; number <= command->url_count; number++) {
        if (row_of(table, number) == NULL) {
            add_unasked(table, command, number, statistics, failures);
        }
    }
    for (size_t i = 0; i < table->count; i++) {
        take_failure(table, &table->rows[i], failures);
        take_unreachable(&table->rows[i], failures);
    }
    if (table->count > 1) {
        qsort(table->rows, table->count, sizeof *table->rows, by_number);
    }
}

void servers_free(server_table *table)
{
    free(table->rows);
    *table = (server_table){0};
}

/* A URL counts by its best address. */
server_counts servers_count(const server_table *table)
{
    server_counts counts = {0};

    for (size_t i = 0; i < table->count;) {
        size_t number = table->rows[i].number;
        bool answered = false;
        bool failed = false;
        bool left_out = false;
        bool needless = false;
        for (; i < table->count && table->rows[i].number == number; i++) {
            const server_row *row = &table->rows[i];
            answered |= row->result == SERVER_ANSWERED || row->result == SERVER_REDUNDANT;
            failed |= row->result == SERVER_FAILED;
            left_out |= row->result == SERVER_NOT_ASKED;
            needless |= row->needless;
        }
        counts.all++;
        counts.answered += answered;
        counts.failed += !answered && failed;
        counts.not_asked += left_out && !needless;
        counts.needless += needless;
        counts.awaited += !answered && !failed && !left_out;
    }
    return counts;
}
