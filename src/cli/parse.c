/* `floe parse`: explains candidate lines, and warns of what is legal but odd. */
#include "cli/parse.h"

#include "cli/json.h"
#include "cli/output.h"

#include <floe/floe.h>
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

/* RFC 8445 5.1.2.2's recommended type preferences. */
static unsigned usual_preference(floe_candidate_type type)
{
    static const unsigned preferences[] = {0, 126, 100, 110, 0};

    return preferences[type];
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

static void warn(const char *text)
{
    output_print(standard_output, "  warning       %s\n", text);
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
    unsigned usual = usual_preference(candidate->type);

    if (candidate->priority > INT32_MAX) {
        warn("the priority is above 2^31-1, the most that RFC 8839 allows");
    } else if (candidate->protocol == FLOE_PROTOCOL_UDP && preference != usual) {
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

static void explain(const floe_candidate *candidate)
{
    char text[4096];
    char address[320];
    unsigned preference = candidate->priority >> 24;

    (void)floe_candidate_format(candidate, text, sizeof text);
    describe_address(candidate->address, address, sizeof address);
    output_print(standard_output, "%s\n", text);
    output_print(standard_output, "  type          %s: %s\n",
                 floe_candidate_type_name(candidate->type), meaning_of(candidate->type));
    output_print(standard_output, "  address       %s, %s port %u\n", address,
                 floe_protocol_name(candidate->protocol), candidate->port);
    if (candidate->tcp_type != FLOE_TCP_TYPE_NONE) {
        output_print(standard_output, "  tcptype       %s\n",
                     floe_tcp_type_name(candidate->tcp_type));
    }
    if (candidate->related_address != NULL) {
        describe_address(candidate->related_address, address, sizeof address);
        output_print(standard_output, "  related       %s, port %u\n", address,
                     candidate->related_port);
    }
    output_print(standard_output, "  foundation    %s\n", candidate->foundation);
    output_print(standard_output, "  component     %u%s\n", candidate->component,
                 candidate->component == 1   ? " (RTP, or the only one)"
                 : candidate->component == 2 ? " (RTCP)"
                                             : "");
    output_print(
        standard_output,
        "  priority      %u = 2^24 x %u (type) + 2^8 x %u (local) + 256 - %u (component)\n",
        candidate->priority, preference, candidate->priority >> 8 & 0xFFFF,
        256 - (candidate->priority & 0xFF));
    for (size_t i = 0; i < candidate->extension_count; i++) {
        output_print(standard_output, "  extension     %s = %s\n", candidate->extensions[i].name,
                     candidate->extensions[i].value);
    }
    warn_of_address(candidate);
    warn_of_priority(candidate);
    warn_of_the_rest(candidate);
}

/* What comes of a candidate. */
typedef struct parse_style {
    bool json;
    candidate_format format;
} parse_style;

static bool parse_line(const char *text, unsigned line, const parse_style *style)
{
    floe_candidate *candidate;

    if (floe_candidate_parse(text, &candidate) != FLOE_OK) {
        output_print(standard_error, "floe: parse: line %u, %s\n", line, floe_last_error());
        return false;
    }
    if (style->format != CANDIDATE_FIELDS) {
        write_candidate(standard_output, candidate, style->format);
    } else if (style->json) {
        json_t *object = json_object();
        json_add_candidate(object, candidate);
        json_write_line(standard_output, object);
    } else {
        explain(candidate);
    }
    floe_candidate_free(candidate);
    return true;
}

/* What is explained and not yet read, in bytes; there is nothing else to be done meanwhile. */
#define EXPLAINED_AHEAD ((size_t)1 << 20)

static bool parse_input(const parse_style *style)
{
    char *text = NULL;
    size_t room = 0;
    bool good = true;

    for (unsigned line = 1; !output_failed(standard_output) && getline(&text, &room, stdin) >= 0;
         line++) {
        (void)output_has_room(standard_output, EXPLAINED_AHEAD, OUTPUT_FOR_EVER_NS);
        if (text[strspn(text, " \t\r\n")] != '\0') {
            good = parse_line(text, line, style) && good;
        }
    }
    free(text);
    return good;
}

int parse_main(int count, char **words)
{
    parse_style style = {0};
    const char *candidate = NULL;

    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], "--json") == 0) {
            style.json = true;
        } else if (strcmp(words[i], "--format") == 0 && i + 1 < count &&
                   candidate_format_of(words[i + 1], &style.format)) {
            i++;
        } else if (strcmp(words[i], "--format") == 0) {
            output_print(standard_error, "floe: parse: --format has to be w3c, ortc or sdp\n");
            return EXIT_USAGE;
        } else if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0) {
            output_print(standard_output,
                         "floe parse [--json] [--format w3c|ortc|sdp] [CANDIDATE]\n\n"
                         "Explains a candidate line, or each line of standard input.\n\n"
                         "Exit: 0 every line could be parsed; 1 a line could not; 2 wrong usage.");
            return EXIT_ALL_PARSED;
        } else if (words[i][0] == '-') {
            output_print(standard_error,
                         "floe: parse: unknown option %s (floe parse --help lists the options)\n",
                         words[i]);
            return EXIT_USAGE;
        } else if (candidate != NULL) {
            output_print(standard_error,
                         "floe: parse: \"%s\": only one candidate is allowed: put it in quotes\n",
                         words[i]);
            return EXIT_USAGE;
        } else {
            candidate = words[i];
        }
    }
    bool good = candidate != NULL ? parse_line(candidate, 1, &style) : parse_input(&style);
    return good ? EXIT_ALL_PARSED : EXIT_ONE_DID_NOT;
}
