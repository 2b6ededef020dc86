/* `floe parse`: explains candidates, and warns of what is legal but odd. */
#include "cli/parse.h"

#include "cli/candidate_file.h"
#include "cli/help.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/screen.h"

#include <floe/floe.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_ALL_PARSED = 0, EXIT_ONE_DID_NOT = 1, EXIT_USAGE = 2 };

static const char *meaning_of(floe_candidate_type type)
{
    switch (type) {
    case FLOE_CANDIDATE_TYPE_HOST:
        return "an address of the machine itself";
    case FLOE_CANDIDATE_TYPE_SRFLX:
        return "server reflexive: what a NAT shows to the outside";
    case FLOE_CANDIDATE_TYPE_PRFLX:
        return "peer reflexive: what a NAT showed to the other side";
    case FLOE_CANDIDATE_TYPE_RELAY:
        return "an address of a relay (TURN server)";
    }
    return "";
}

/* RFC 8445 5.1.2.2's recommended type preferences; of relays, what browsers have as well. */
static bool is_usual(floe_candidate_type type, unsigned preference)
{
    static const unsigned preferences[] = {0, 126, 100, 110, 0};
    bool relay = type == FLOE_CANDIDATE_TYPE_RELAY;

    return preference == preferences[type] || (relay && (preference <= 2 || preference == 5));
}

static const char *kind_name(floe_address_kind kind)
{
    static const char *const names[] = {"global",     "unspecified",     "loopback",
                                        "link-local", "private",         "a carrier's NAT",
                                        "site-local", "IPv4-compatible", "IPv4-mapped",
                                        "multicast",  "broadcast",       "reserved"};

    return names[kind];
}

/* The address with what it is; names have no kind. */
static void describe_address(const char *text, char *out, size_t size)
{
    floe_address address;

    if (floe_address_parse(text, &address) == FLOE_OK) {
        (void)snprintf(out, size, "%s (%s)", text, kind_name(floe_address_classify(&address)));
    } else {
        (void)snprintf(out, size, "%s (a name)", text);
    }
}

/* A row of what is said of a candidate, as wide as the terminal. */
static void row(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void row(const char *name, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    output_print(standard_output, "  %-13s ", name);
    screen_print_wrapped(standard_output, text, 16, 16);
}

static void warn(const char *text)
{
    row("warning", "%s", text);
}

static void warn_of_address(const floe_candidate *candidate)
{
    floe_address address;
    size_t size = strlen(candidate->address);
    bool host = candidate->type == FLOE_CANDIDATE_TYPE_HOST;

    if (floe_address_parse(candidate->address, &address) != FLOE_OK) {
        bool local = size > 6 && strcmp(&candidate->address[size - 6], ".local") == 0;
        if (!host) {
            warn("a name where an address should stand: only host candidates have names");
        } else if (!local) {
            warn("a name that is not of mDNS (.local): the other side may not look it up");
        }
        return;
    }
    switch (floe_address_classify(&address)) {
    case FLOE_ADDRESS_PRIVATE:
    case FLOE_ADDRESS_SHARED:
        if (!host) {
            warn("an address of a private range, which cannot be reached from the outside");
        }
        break;
    case FLOE_ADDRESS_LOOPBACK:
    case FLOE_ADDRESS_LINK_LOCAL:
        warn("an address that no other network can reach");
        break;
    case FLOE_ADDRESS_UNSPECIFIED:
    case FLOE_ADDRESS_MULTICAST:
    case FLOE_ADDRESS_BROADCAST:
    case FLOE_ADDRESS_IPV4_COMPATIBLE:
    case FLOE_ADDRESS_IPV4_MAPPED:
    case FLOE_ADDRESS_SITE_LOCAL:
        warn("an address that RFC 8445 does not allow in a candidate");
        break;
    default:
        break;
    }
}

static void warn_of_priority(const floe_candidate *candidate)
{
    unsigned preference = candidate->priority >> 24;
    unsigned component = 256 - (candidate->priority & 0xFF);

    if (candidate->priority > INT32_MAX) {
        warn("the priority is above 2^31-1, the most that RFC 8839 allows");
    } else if (candidate->protocol == FLOE_PROTOCOL_UDP && !is_usual(candidate->type, preference)) {
        warn("the type preference is not the usual one: 126 host, 110 prflx, 100 srflx, 0 relay");
    }
    if (component != candidate->component) {
        warn("the priority is that of another component");
    }
}

static void warn_of_the_rest(const floe_candidate *candidate)
{
    bool host = candidate->type == FLOE_CANDIDATE_TYPE_HOST;
    bool active = candidate->tcp_type == FLOE_TCP_TYPE_ACTIVE;

    if (*candidate->foundation == '\0') {
        warn("the foundation is empty");
    }
    if (host && candidate->related_address != NULL) {
        warn("a host candidate has no related address");
    } else if (!host && candidate->related_address == NULL) {
        warn("a candidate of this type has a related address (0.0.0.0 port 9 to hide it)");
    }
    if (candidate->protocol == FLOE_PROTOCOL_TCP && candidate->tcp_type == FLOE_TCP_TYPE_NONE) {
        warn("a TCP candidate says its tcptype (RFC 6544)");
    }
    if (candidate->protocol == FLOE_PROTOCOL_UDP && candidate->tcp_type != FLOE_TCP_TYPE_NONE) {
        warn("a UDP candidate has no tcptype");
    }
    if (candidate->port == 0 || (candidate->port == 9 && !active)) {
        warn("nobody can be reached at this port");
    }
}

/* Browsers rank relays by the transport to their server: libwebrtc has 2, 1, 0, Firefox 5 and 0. */
static void explain_relay(const floe_candidate *candidate)
{
    static const char *const ways[] = {"TLS if Chrome made it, TCP if Firefox did",
                                       "TCP (as Chrome has it)",
                                       "UDP (as Chrome has it)", [5] = "UDP (as Firefox has it)"};
    unsigned preference = candidate->priority >> 24;

    if (candidate->type == FLOE_CANDIDATE_TYPE_RELAY && preference <= 5 &&
        ways[preference] != NULL) {
        row("to its server", "%s: type preference %u", ways[preference], preference);
    }
}

/* `label`: of its line, or "". */
static void explain(const extract_finding *finding, const char *label)
{
    const floe_candidate *candidate = finding->candidate;
    bool assumed = finding->no_foundation || finding->no_priority;
    char text[4096];
    char address[320];
    unsigned preference = candidate->priority >> 24;
    size_t used = (size_t)snprintf(text, sizeof text, "%s", label);

    (void)floe_candidate_format(candidate, text + used, sizeof text - used);
    describe_address(candidate->address, address, sizeof address);
    screen_print_wrapped(standard_output, text, 0, 2);
    row("type", "%s: %s", floe_candidate_type_name(candidate->type), meaning_of(candidate->type));
    row("address", "%s, %s port %u", address, floe_protocol_name(candidate->protocol),
        candidate->port);
    if (candidate->tcp_type != FLOE_TCP_TYPE_NONE) {
        row("tcptype", "%s", floe_tcp_type_name(candidate->tcp_type));
    }
    if (candidate->related_address != NULL) {
        describe_address(candidate->related_address, address, sizeof address);
        row("related", "%s, port %u", address, candidate->related_port);
    }
    row("foundation", "%s", candidate->foundation);
    row("component", "%u%s", candidate->component,
        candidate->component == 1   ? " (RTP, or the only one)"
        : candidate->component == 2 ? " (RTCP)"
                                    : "");
    row("priority", "%u = 2^24 x %u (type) + 2^8 x %u (local) + 256 - %u (component)",
        candidate->priority, preference, candidate->priority >> 8 & 0xFFFF,
        256 - (candidate->priority & 0xFF));
    if (assumed) {
        row("assumed", "%s%s%s: the text does not have it",
            finding->no_foundation ? "foundation" : "",
            finding->no_foundation && finding->no_priority ? ", " : "",
            finding->no_priority ? "priority" : "");
    }
    if (!finding->no_priority) {
        explain_relay(candidate);
        warn_of_priority(candidate);
    }
    for (size_t i = 0; i < candidate->extension_count; i++) {
        row("extension", "%s = %s", candidate->extensions[i].name, candidate->extensions[i].value);
    }
    warn_of_address(candidate);
    if (!assumed) {
        warn_of_the_rest(candidate);
    }
}

/* What comes of the candidates, and of how many. */
typedef struct parse_run {
    const gather_command *command;
    bool of_line; /* what was parsed is a word of the command line, which has no lines */
    unsigned found;
    unsigned failed;
} parse_run;

static void tell_failed(const parse_run *run, const extract_finding *finding)
{
    if (run->command->json) {
        json_t *line = json_object();
        (void)json_object_set_new(line, "event", json_text("error"));
        (void)json_object_set_new(line, "line", json_integer(finding->line));
        (void)json_object_set_new(line, "text", json_text(finding->why));
        json_write_line(standard_output, line);
    } else {
        screen_tell("floe: parse: line %u, %s", finding->line, finding->why);
    }
}

static void on_found(void *data, const extract_finding *finding)
{
    parse_run *run = data;

    if (finding->candidate == NULL) {
        run->failed++;
        tell_failed(run, finding);
        return;
    }
    if (finding->again) {
        return;
    }
    run->found++;
    if (run->command->format != CANDIDATE_FIELDS) {
        write_candidate(standard_output, finding->candidate, run->command->format);
    } else if (run->command->json) {
        json_t *object = json_object();
        (void)json_object_set_new(object, "event", json_text("candidate"));
        (void)json_object_set_new(object, "line", json_integer(finding->line));
        (void)json_object_set_new(object, "assumed",
                                  json_boolean(finding->no_foundation || finding->no_priority));
        json_add_candidate(object, finding->candidate);
        json_write_line(standard_output, object);
    } else {
        char label[24] = "";
        if (!run->of_line) {
            (void)snprintf(label, sizeof label, "line %u: ", finding->line);
        }
        explain(finding, label);
    }
}

/* What is explained and not yet read, in bytes; there is nothing else to be done meanwhile. */
#define EXPLAINED_AHEAD ((size_t)1 << 20)

static void wait_for_reader(void *data)
{
    (void)data;
    (void)output_has_room(standard_output, EXPLAINED_AHEAD, OUTPUT_FOR_EVER_NS);
}

/* Nothing was found in the word. Where it was meant as a candidate, the library knows what is wrong. */
static void tell_no_candidate(const char *word)
{
    floe_candidate *candidate = NULL;

    if (strstr(word, "candidate:") != NULL) {
        (void)floe_candidate_parse(word, &candidate);
        floe_candidate_free(candidate);
        screen_tell("floe: parse: line 1, %s", floe_last_error());
    } else {
        screen_tell("floe: parse: \"%.200s\" is no candidate, and there is no file of that name",
                    word);
    }
}

/* A word that is no file: a candidate, as it is. */
static bool parse_word(parse_run *run, const char *word)
{
    run->of_line = true;
    if (!read_candidates_of_text(word, on_found, run)) {
        return false;
    }
    if (run->found + run->failed == 0) {
        tell_no_candidate(word);
        run->failed++;
    }
    return true;
}

static bool parse_all(parse_run *run)
{
    const char *word = run->command->word_count > 0 ? run->command->words[0] : "-";

    if (run->command->word_count > 0 && !is_candidate_file(word)) {
        return parse_word(run, word);
    }
    if (!read_candidates("parse", word, on_found, run, wait_for_reader)) {
        return false;
    }
    if (run->found + run->failed == 0 && !run->command->json) {
        screen_tell("floe: parse: there is no candidate in %s",
                    strcmp(word, "-") == 0 ? "standard input" : word);
    }
    return true;
}

static void write_summary(const parse_run *run)
{
    json_t *line = json_object();

    (void)json_object_set_new(line, "event", json_text("summary"));
    (void)json_object_set_new(line, "found", json_integer(run->found));
    (void)json_object_set_new(line, "failed", json_integer(run->failed));
    json_write_line(standard_output, line);
}

static int parse(const gather_command *command)
{
    parse_run run = {.command = command};
    bool events = command->json && command->format == CANDIDATE_FIELDS;

    if (events) {
        json_write_start("parse");
    }
    bool good = parse_all(&run);
    if (events) {
        write_summary(&run);
    }
    return !good                              ? EXIT_USAGE
           : run.found > 0 && run.failed == 0 ? EXIT_ALL_PARSED
                                              : EXIT_ONE_DID_NOT;
}

int parse_main(int count, char **words)
{
    static gather_command command;
    int status = EXIT_USAGE;

    if (parse_command(COMMAND_PARSE, count, words, &command)) {
        if (command.help) {
            print_command_help(COMMAND_PARSE);
            status = EXIT_ALL_PARSED;
        } else {
            status = parse(&command);
        }
    }
    free_command(&command);
    return status;
}
