/* What the facts of a row mean: whether it works, why not, and what to be warned of. */
#include "cli/check.h"
#include "cli/failures.h"
#include "cli/rest_user.h"
#include "cli/verdict.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

double check_loss(const check_row *row)
{
    return row->sent == 0 ? -1 : 100.0 * (row->sent - row->received) / row->sent;
}

long check_days_left(const check_row *row)
{
    return (long)((row->certificate_until - (int64_t)time(NULL)) / 86400);
}

const char *check_transport_name(check_transport transport)
{
    static const char *const names[] = {"udp", "tcp", "tls", "dtls"};

    return names[transport];
}

bool check_is_stream(check_transport transport)
{
    return transport == CHECK_TCP || transport == CHECK_TLS;
}

const char *check_family_name(uint8_t family)
{
    return family == FLOE_FAMILY_IPV4 ? "IPv4" : family == FLOE_FAMILY_IPV6 ? "IPv6" : "";
}

static void fail(check_row *row, const char *reason)
{
    row->state = CHECK_FAILED;
    row->reason = reason;
}

static void say_closed(check_row *row)
{
    const char *at = *row->address != '\0' ? row->address : row->server;
    char how[64] = "";

    if (*row->outside_icmp != '\0') {
        (void)snprintf(how, sizeof how, " (%s)", row->outside_icmp);
    }
    if (row->outside_elsewhere) {
        (void)snprintf(row->error, sizeof row->error,
                       "packets sent from here to the relayed address %s do not arrive%s, and the "
                       "server is at %s: is external-ip right? If it is, are the relay ports open "
                       "in its firewall, and in any here?",
                       row->outside_ip, how, at);
    } else {
        (void)snprintf(row->error, sizeof row->error,
                       "packets sent from here to the relay at %s do not arrive%s: are the relay "
                       "ports (coturn: UDP min-port to max-port, 49152-65535) open in the server's "
                       "firewall or security group? Or does a firewall here let nothing out but to "
                       "the server's own port?",
                       row->outside_ip, how);
    }
    fail(row, "relay-closed");
}

static void say_mute(check_row *row)
{
    (void)snprintf(row->error, sizeof row->error,
                   "what the relay sends out does not get out: packets from it to this machine do "
                   "not arrive. Does a firewall of the server's, or in front of it, forbid UDP out "
                   "from the relay ports, or is its source address changed there? Or does a "
                   "firewall here let nothing in but from the server's own port?");
    fail(row, "relay-outward");
}

static void say_silent(check_row *row)
{
    (void)snprintf(row->error, sizeof row->error,
                   "no data comes back through the relay, and the way from outside was not tried: "
                   "%s. Are the relay ports open, and is external-ip right?",
                   row->outside_why);
    fail(row, "no-data");
}

/* What is as large as video has no way, though what is small has. */
static void say_narrow(check_row *row)
{
    (void)snprintf(row->error, sizeof row->error,
                   "small packets pass the relay, but of %u with %d bytes of data none came "
                   "through: does something on the way drop large packets (a smaller MTU, with "
                   "fragments or ICMP dropped), or is the relay's bandwidth limited (max-bps)?",
                   row->sent, CHECK_PACKET_SIZE);
    fail(row, "no-data");
}

static void say_lost(check_row *row, unsigned long most)
{
    (void)snprintf(
        row->error, sizeof row->error,
        "only %u of %u packets came back through the relay, %.0f %% are lost (--max-loss "
        "%lu): is its bandwidth limited (max-bps), or is the way to it lossy?",
        row->received, row->sent, check_loss(row), most);
    fail(row, "loss");
}

/* 401 has many causes: a user of an API for TURN has one that its name shows. */
static void add_time_of_user(const turn_checker *checker, check_row *row)
{
    floe_ice_server server = command_server_of(checker->command, row->url_number);
    size_t used = strlen(row->error);
    char ended[160] = "";

    if (row->code == 401 && server.username != NULL) {
        rest_user_text(server.username, time(NULL), ended, sizeof ended);
    }
    if (*ended != '\0') {
        (void)snprintf(row->error + used, sizeof row->error - used, " (%s)", ended);
    }
}

static void judge(check_row *row, unsigned long max_loss)
{
    bool measured = row->loop == LOOP_PASSES || row->by_outside;

    if (row->relay_count == 0) {
        if (*row->error != '\0') {
            row->state = CHECK_FAILED;
        } else {
            (void)snprintf(row->error, sizeof row->error,
                           "there is no local address of %s that may be used",
                           row->family != 0 ? check_family_name(row->family) : "any family");
            row->state = CHECK_SKIPPED;
        }
        return;
    }
    if (*row->error != '\0') { /* of another request or address than the one that gave the relay */
        row->state = CHECK_FAILED;
        return;
    }
    if (row->outward == OUTSIDE_CLOSED) {
        say_mute(row);
    } else if (row->outside == OUTSIDE_CLOSED) {
        say_closed(row);
    } else if (row->by_outside && row->received == 0) {
        say_narrow(row);
    } else if (!measured && row->loop == LOOP_SILENT && row->outside == OUTSIDE_NOT_TRIED) {
        say_silent(row);
    } else if (measured && check_loss(row) > (double)max_loss) {
        say_lost(row, max_loss);
    } else {
        row->state = CHECK_OK;
    }
}

/* ── Warnings ── */

#define WARN(row, kind, ...)                                                                       \
    (void)snprintf((row)->warnings[kind], sizeof(row)->warnings[kind], __VA_ARGS__)

/* Data to itself does not show it. Of a server behind a proxy nobody knows where it is. */
static void warn_of_private(const turn_checker *checker, check_row *row)
{
    for (size_t i = 0; i < row->relay_count; i++) {
        if (checker->command->settings.proxy == NULL &&
            is_private_relay(row->relays[i], row->server)) {
            private_relay_text(row->relays[i], row->warnings[WARNING_PRIVATE_RELAY],
                               sizeof row->warnings[WARNING_PRIVATE_RELAY]);
        }
    }
}

static void warn_of_certificate(const turn_checker *checker, check_row *row)
{
    long days = check_days_left(row);

    if (*row->certificate != '\0' && days < (long)checker->command->min_days &&
        row->certificate_until > (int64_t)time(NULL)) {
        WARN(row, WARNING_CERTIFICATE_ENDS, "certificate %s ends in %ld day%s (--min-days %lu)",
             row->certificate, days, days == 1 ? "" : "s", checker->command->min_days);
    }
    if (checker->command->settings.tls_insecure && *row->tls != '\0') {
        WARN(row, WARNING_NOT_VERIFIED, "the certificate was not checked (--insecure)%s%s",
             row->verified == 1   ? "; it would have been accepted"
             : row->verified == 0 ? ": "
                                  : "",
             row->verified == 0 ? row->doubt : "");
    }
}

static void warn(const turn_checker *checker, check_row *row)
{
    if (row->relay_count > 0 && *row->authentication == '\0') {
        WARN(row, WARNING_OPEN_RELAY,
             "OPEN RELAY: it relays for anybody without a password (no-auth); strangers can send "
             "through it, into its own network too");
    }
    warn_of_certificate(checker, row);
    warn_of_private(checker, row);
    if (row->state == CHECK_OK && row->crowded != 0) {
        WARN(row, WARNING_CROWDED,
             "the server refused a second relay meanwhile (%u): %s, or is all in use?",
             row->crowded,
             row->crowded == 508 ? "are its relay ports so few" : "is this user's quota so small");
    }
    if (row->state == CHECK_OK && row->loop != LOOP_PASSES && !row->by_outside &&
        checker->command->load > 0) {
        bool none = row->loop == LOOP_REFUSED && row->outside_refused;
        WARN(row, WARNING_DATA_NOT_TESTED,
             "data was not tested: the server %s itself%s as a peer%s",
             row->loop == LOOP_REFUSED ? "forbids" : "does not reach",
             none ? ", and this machine's address," : "",
             none ? " (403): does its denied-peer-ip forbid more than it should? If it forbids "
                    "all, no "
                    "call passes"
             : row->outside == OUTSIDE_NOT_TRIED ? ", and the way from outside was not tried"
                                                 : "");
    }
}

/* Of a server that gave nothing: whose port that is, its certificate shows. */
static void take_handshake(check_row *row)
{
    if (row->relay_count == 0 && *row->secured != '\0') {
        (void)snprintf(row->tls, sizeof row->tls, "%.*s", (int)strcspn(row->secured, ","),
                       row->secured);
        row->connect_ms = row->secured_ms;
    }
}

void check_verdict(const turn_checker *checker, check_row *row)
{
    take_handshake(row);
    if (row->state == CHECK_RUNS) {
        judge(row, checker->command->max_loss);
        add_time_of_user(checker, row);
    }
    if (row->state == CHECK_OK || row->state == CHECK_FAILED) {
        warn(checker, row);
    }
}

/* Of the rows that have failed by the same as this one, the first. */
static const check_row *first_alike(const turn_checker *checker, const check_row *row)
{
    const check_row *first = checker->rows;

    while (first != row &&
           (first->state != CHECK_FAILED || !same_cause(first->error, row->error))) {
        first++;
    }
    return first;
}

static bool is_new_cause(const turn_checker *checker, const check_row *row)
{
    return row->state == CHECK_FAILED && first_alike(checker, row) == row;
}

unsigned check_cause_of(const turn_checker *checker, const check_row *row)
{
    const check_row *first = first_alike(checker, row);
    unsigned number = 0;

    for (const check_row *other = checker->rows; other <= first; other++) {
        number += is_new_cause(checker, other);
    }
    return number;
}

static bool is_known_warning(const turn_checker *checker, size_t at, int kind)
{
    for (size_t i = 0; i < at; i++) {
        if (strcmp(checker->rows[i].warnings[kind], checker->rows[at].warnings[kind]) == 0) {
            return true;
        }
    }
    return false;
}

check_counts check_count(const turn_checker *checker)
{
    check_counts counts = {0};

    for (size_t i = 0; i < checker->row_count; i++) {
        const check_row *row = &checker->rows[i];
        counts.ok += row->state == CHECK_OK;
        counts.failed += row->state == CHECK_FAILED;
        counts.skipped += row->state == CHECK_SKIPPED;
        counts.stopped += row->state == CHECK_WAITS || row->state == CHECK_STOPPED;
        counts.causes += is_new_cause(checker, row);
        for (int kind = 0; kind < WARNINGS; kind++) {
            counts.warnings += *row->warnings[kind] != '\0' && !is_known_warning(checker, i, kind);
        }
    }
    return counts;
}
