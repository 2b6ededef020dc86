/* Parsing the command line by a table of options. */
#include "cli/options.h"
#include "cli/output.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number's macro as text. */
#define TEXT_OF(number) TEXT_OF_WORD(number)
#define TEXT_OF_WORD(word) #word

typedef bool (*option_setter)(gather_command *command, const char *name, const char *value);

/* What the library calls a setting, and what it is here. */
static const char *const setting_words[][2] = {
    {"settings.tls_ca_file", "--ca-file"},
    {"settings.tls_certificate_file", "--certificate"},
    {"settings.tls_key_file", "--key"},
    {"settings.tls_fingerprint", "--fingerprint"},
    {"settings.proxy", "--proxy"},
    {"settings.ip_handling", "--ip-handling"},
    {"settings.refuse_low_ports", "--refuse-low-ports"},
    {"settings.loopback", "--loopback"},
    {"settings.network_types", "--network-types"},
    {"address_rewrite_rules", "--rewrite"},
    {"ice_servers[0].username", "the username (-u, FLOE_USERNAME)"},
    {"ice_servers[0].credential", "the credential (-c, FLOE_CREDENTIAL)"},
    {"ice_servers[0].access_token", "--access-token"},
    {"ice_servers[0].mac_key", "--mac-key"},
};

const char *option_words(const char *sentence)
{
    static char text[1024];
    size_t used = 0;

    while (*sentence != '\0' && used + 1 < sizeof text) {
        size_t i = 0;
        size_t count = sizeof setting_words / sizeof *setting_words;
        while (i < count &&
               strncmp(sentence, setting_words[i][0], strlen(setting_words[i][0])) != 0) {
            i++;
        }
        if (i < count) {
            int wrote = snprintf(&text[used], sizeof text - used, "%s", setting_words[i][1]);
            used += wrote > 0 ? (size_t)wrote : 0;
            sentence += strlen(setting_words[i][0]);
        } else {
            text[used++] = *sentence++;
        }
    }
    text[used < sizeof text ? used : sizeof text - 1] = '\0';
    return text;
}

typedef struct option_action {
    option_setter set; /* NULL: the value is kept as it is, at `text` */
    size_t text;       /* in gather_command */
} option_action;

/* What the command at hand is called. */
static const char *command_name = "gather";

static bool wrong(const char *name, const char *value, const char *why)
{
    output_print(standard_error, "floe: %s: %s \"%s\": %s\n", command_name, name, value, why);
    return false;
}

/* A whole number in a range. */
static bool number(const char *name, const char *value, unsigned long least, unsigned long most,
                   unsigned long *out)
{
    char *end;
    char why[64];

    errno = 0;
    unsigned long parsed = strtoul(value, &end, 10);
    if (*value < '0' || *value > '9' || *end != '\0' || errno != 0 || parsed < least ||
        parsed > most) {
        (void)snprintf(why, sizeof why, "not a number from %lu to %lu", least, most);
        return wrong(name, value, why);
    }
    *out = parsed;
    return true;
}

static bool set_server(gather_command *command, const char *name, const char *value)
{
    if (command->url_count == URLS_MAX) {
        return wrong(name, value, "too many URLs: at most " TEXT_OF(URLS_MAX));
    }
    command->urls[command->url_count++] = value;
    return true;
}

/* The file's first line. */
static bool set_credential_file(gather_command *command, const char *name, const char *value)
{
    char line[2048];
    FILE *file = fopen(value, "r");

    if (file == NULL) {
        return wrong(name, value, strerror(errno));
    }
    bool good = fgets(line, sizeof line, file) != NULL;
    (void)fclose(file);
    if (!good) {
        return wrong(name, value, "the file is empty");
    }
    line[strcspn(line, "\r\n")] = '\0';
    free(command->credential_from_file);
    command->credential_from_file = strdup(line);
    command->credential = command->credential_from_file;
    return command->credential != NULL || wrong(name, value, "out of memory");
}

/* Which of the words it is; -1 after an error. */
static int word_of(const char *name, const char *value, const char *const *words)
{
    char why[96] = "not one of";

    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(value, words[i]) == 0) {
            return i;
        }
        size_t used = strlen(why);
        (void)snprintf(&why[used], sizeof why - used, "%s %s", i > 0 ? "," : "", words[i]);
    }
    (void)wrong(name, value, why);
    return -1;
}

static bool set_policy(gather_command *command, const char *name, const char *value)
{
    static const char *const names[] = {"all", "nohost", "relay", NULL};
    int policy = word_of(name, value, names);

    command->policy = (floe_gather_policy)policy;
    return policy >= 0;
}

static bool add_pattern(const char *name, const char *value, const char **patterns, size_t *count)
{
    if (*count == FILTERS_MAX) {
        return wrong(name, value, "given too often: at most " TEXT_OF(FILTERS_MAX) " times");
    }
    patterns[(*count)++] = value;
    return true;
}

static bool add_interface(gather_command *command, const char *name, const char *value)
{
    gather_filters *filters = &command->filters;

    return add_pattern(name, value, filters->interfaces, &filters->interface_count);
}

static bool add_not_interface(gather_command *command, const char *name, const char *value)
{
    gather_filters *filters = &command->filters;

    return add_pattern(name, value, filters->not_interfaces, &filters->not_interface_count);
}

/* ADDRESS or ADDRESS/BITS. */
static bool add_range(const char *name, const char *value, address_range *ranges, size_t *count)
{
    char ip[FLOE_ADDRESS_TEXT_SIZE] = "";
    size_t size = strcspn(value, "/");
    address_range range = {0};
    unsigned long bits;

    if (*count == FILTERS_MAX) {
        return wrong(name, value, "given too often: at most " TEXT_OF(FILTERS_MAX) " times");
    }
    if (size < sizeof ip) {
        memcpy(ip, value, size);
    }
    if (floe_address_parse(ip, &range.address) != FLOE_OK) {
        return wrong(name, value, "neither an IP address nor ADDRESS/BITS");
    }
    bits = range.address.family == FLOE_FAMILY_IPV4 ? 32 : 128;
    if (value[size] == '/' && !number(name, &value[size + 1], 0, bits, &bits)) {
        return false;
    }
    range.bits = (unsigned)bits;
    ranges[(*count)++] = range;
    return true;
}

static bool add_address(gather_command *command, const char *name, const char *value)
{
    gather_filters *filters = &command->filters;

    return add_range(name, value, filters->addresses, &filters->address_count);
}

static bool add_not_address(gather_command *command, const char *name, const char *value)
{
    gather_filters *filters = &command->filters;

    return add_range(name, value, filters->not_addresses, &filters->not_address_count);
}

/* udp4,udp6 */
static bool set_network_types(gather_command *command, const char *name, const char *value)
{
    static const char *const names[] = {"udp4", "udp6", "tcp4", "tcp6"};
    const char *at = value;

    command->settings.network_types = 0;
    while (true) {
        size_t size = strcspn(at, ",");
        uint32_t type = 0;
        for (uint32_t i = 0; i < 4; i++) {
            if (strlen(names[i]) == size && strncmp(at, names[i], size) == 0) {
                type = 1U << i;
            }
        }
        if (type == 0) {
            return wrong(name, value, "not a comma-separated list of udp4, udp6, tcp4, tcp6");
        }
        command->settings.network_types |= type;
        if (at[size] == '\0') {
            return true;
        }
        at += size + 1;
    }
}

static bool set_port_range(gather_command *command, const char *name, const char *value)
{
    unsigned min;
    unsigned max;
    char rest;

    if (sscanf(value, "%5u-%5u%c", &min, &max, &rest) != 2 || min == 0 || min > 65535 ||
        max > 65535 || min > max) {
        return wrong(name, value, "not MIN-MAX with 1 <= MIN <= MAX <= 65535");
    }
    command->settings.port_min = (uint16_t)min;
    command->settings.port_max = (uint16_t)max;
    return true;
}

static bool add_rule(gather_command *command, const char *name, const char *value)
{
    floe_address_rewrite_rule *rule;

    if (command->rule_count == RULES_MAX) {
        return wrong(name, value, "given too often: at most " TEXT_OF(RULES_MAX) " times");
    }
    if (floe_address_rewrite_rule_parse(value, &rule) != FLOE_OK) {
        return wrong(name, value, floe_last_error());
    }
    command->parsed_rules[command->rule_count] = rule;
    command->rules[command->rule_count++] = *rule;
    command->settings.address_rewrite_rules = command->rules;
    command->settings.address_rewrite_rule_count = command->rule_count;
    return true;
}

static bool set_mdns(gather_command *command, const char *name, const char *value)
{
    static const char *const words[] = {"query", "off", "gather", NULL};
    int mode = word_of(name, value, words);

    command->settings.mdns_mode = (floe_mdns_mode)mode;
    return mode >= 0;
}

static bool set_ip_handling(gather_command *command, const char *name, const char *value)
{
    static const char *const words[] = {"all", "default-and-local", "default", "proxy", NULL};
    int mode = word_of(name, value, words);

    command->settings.ip_handling = (floe_ip_handling)mode;
    return mode >= 0;
}

static bool set_max_addresses(gather_command *command, const char *name, const char *value)
{
    unsigned long parsed;

    if (!number(name, value, 0, 65535, &parsed)) {
        return false;
    }
    command->settings.addresses_max = parsed == 0 ? FLOE_UNLIMITED : (uint32_t)parsed;
    return true;
}

static bool set_srv(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->settings.service_discovery = true;
    return true;
}

static bool set_loopback(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->settings.loopback = true;
    return true;
}

static bool set_link_local(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->settings.link_local = true;
    return true;
}

static bool seconds(const char *name, const char *value, double most, double *out)
{
    char *end;
    char why[64];
    double parsed = strtod(value, &end);

    if (*value == '\0' || *end != '\0' || !(parsed >= 0) || parsed > most) {
        (void)snprintf(why, sizeof why, "not a number of seconds from 0 to %g", most);
        return wrong(name, value, why);
    }
    *out = parsed;
    return true;
}

/* 0 on the command line is the library's FLOE_NEVER: no limit. */
static bool set_timeout(gather_command *command, const char *name, const char *value)
{
    double parsed;

    if (!seconds(name, value, 3600, &parsed)) {
        return false;
    }
    uint32_t milliseconds = (uint32_t)(parsed * 1000 + 0.5);
    command->settings.gather_timeout_ms = parsed == 0    ? FLOE_NEVER
                                          : milliseconds ? milliseconds
                                                         : 1;
    return true;
}

static bool set_straggler_grace(gather_command *command, const char *name, const char *value)
{
    unsigned long parsed;

    if (!number(name, value, 0, 3600000, &parsed)) {
        return false;
    }
    command->settings.straggler_grace_ms = parsed == 0 ? FLOE_NEVER : (uint32_t)parsed;
    return true;
}

static bool set_pacing(gather_command *command, const char *name, const char *value)
{
    unsigned long parsed;

    if (!number(name, value, 5, 10000, &parsed)) {
        return false;
    }
    command->settings.pacing_ms = (uint32_t)parsed;
    return true;
}

static bool set_gatherers(gather_command *command, const char *name, const char *value)
{
    unsigned long parsed;

    if (!number(name, value, 1, 100000, &parsed)) {
        return false;
    }
    command->gatherers = (unsigned)parsed;
    return true;
}

static bool set_repeat(gather_command *command, const char *name, const char *value)
{
    unsigned long parsed;

    if (!number(name, value, 1, 1000000, &parsed)) {
        return false;
    }
    command->repeat = (unsigned)parsed;
    return true;
}

static bool set_hold(gather_command *command, const char *name, const char *value)
{
    if (strcmp(value, "inf") == 0) {
        command->hold = -1;
        return true;
    }
    return seconds(name, value, 1e6, &command->hold);
}

static bool set_json(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->json = true;
    return true;
}

static bool set_format(gather_command *command, const char *name, const char *value)
{
    return candidate_format_of(value, &command->format) ||
           wrong(name, value, "not one of w3c, ortc, sdp");
}

static bool set_colour(gather_command *command, const char *name, const char *value)
{
    static const char *const words[] = {"auto", "always", "never", NULL};
    int mode = word_of(name, value, words);

    command->colour = (colour_mode)mode;
    return mode >= 0;
}

static bool set_quiet(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->quiet = true;
    return true;
}

static bool set_verbose(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->verbose = true;
    return true;
}

static bool set_insecure(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->settings.tls_insecure = true;
    return true;
}

static bool set_safe_ports(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->settings.refuse_low_ports = true;
    return true;
}

/* In Mbit/s. */
static bool set_load(gather_command *command, const char *name, const char *value)
{
    unsigned long parsed;

    if (!number(name, value, 0, 1000, &parsed)) {
        return false;
    }
    command->load = parsed * 125000;
    return true;
}

static bool set_tcp(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->tcp = true;
    return true;
}

static bool set_help(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->help = true;
    return true;
}

/* In the order of the list. */
static const option_action actions[] = {
#define SET(function)                                                                              \
    {                                                                                              \
        function, 0                                                                                \
    }
#define TEXT(member)                                                                               \
    {                                                                                              \
        NULL, offsetof(gather_command, member)                                                     \
    }
#define OPTION(kinds, letter, name, value, action, help) action,
#include "cli/option_list.h"
#undef OPTION
#undef TEXT
#undef SET
};
typedef struct command_text {
    command_kind kind;
    const char *name;
    const char *about;
    const char *exit;
} command_text;

static const command_text texts[] = {
    {COMMAND_GATHER, "gather",
     "floe gather [options] [URL...]\n\n"
     "Gathers ICE candidates and prints them. Without a URL: only host candidates.\n",
     "\nExit: 0 every server answered; 1 a server failed, or could not be asked; 2 wrong usage;\n"
     "3 no candidate; 130 interrupted."},
    {COMMAND_TURN_CHECK, "turn check",
     "floe turn check [options] URL...\n\n"
     "Asks a TURN server for a relay over each transport and address family, sends data through\n"
     "the relay to itself, and prints the results. A URL without ?transport= is tried with each\n"
     "transport that it can mean.\n",
     "\nExit: 0 everything works, and at least nine of ten packets came back; 1 something failed;\n"
     "2 wrong usage; 3 nothing works; 130 interrupted."},
    {COMMAND_TURN_PIPE, "turn pipe",
     "floe turn pipe [options] --peer ADDRESS:PORT URL\n\n"
     "Sends standard input to the peer, one packet for each read, and writes what comes from the\n"
     "peer to standard output. Prints the address where the peer can reach this program on\n"
     "standard error.\n",
     "\nExit: 0 at the end of the input; 1 there is no relay, or it was lost, or it takes no more\n"
     "data, or the input cannot be read; 2 wrong usage; 130 interrupted."},
};

static const command_text *text_of(command_kind kind)
{
    size_t i = 0;

    while (texts[i].kind != kind) {
        i++;
    }
    return &texts[i];
}

void print_command_help(command_kind kind)
{
    output_print(standard_output, "%s\n", text_of(kind)->about);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const option_face *option = &option_faces[i];
        if ((option->kinds & kind) == 0) {
            continue;
        }
        char left[48];
        (void)snprintf(left, sizeof left, "%s%c%s --%s%s%s", option->letter ? "-" : " ",
                       option->letter ? option->letter : ' ', option->letter ? "," : " ",
                       option->name, option->value ? " " : "", option->value ? option->value : "");
        output_print(standard_output, "  %-30s %s\n", left, option->help);
    }
    output_print(standard_output, "%s\n", text_of(kind)->exit);
}

/* Of all options; OPTION_COUNT: it is none of this command's. */
static size_t find_option(command_kind kind, const char *word, size_t name_size)
{
    size_t at = 0;

    for (; at < OPTION_COUNT; at++) {
        const option_face *option = &option_faces[at];
        bool by_name = word[0] == '-' && word[1] == '-' && strlen(option->name) + 2 == name_size &&
                       strncmp(option->name, word + 2, name_size - 2) == 0;
        bool by_letter = option->letter != 0 && name_size == 2 && word[1] == option->letter;
        if ((by_name || by_letter) && (option->kinds & kind) != 0) {
            break;
        }
    }
    return at;
}

static bool parse_option(command_kind kind, gather_command *command, int count, char **words,
                         int *at)
{
    const char *word = words[*at];
    const char *equals = word[1] == '-' ? strchr(word, '=') : NULL;
    size_t name_size = equals != NULL ? (size_t)(equals - word) : strlen(word);
    size_t at_option = find_option(kind, word, name_size);
    const char *value = "";

    if (at_option == OPTION_COUNT) {
        output_print(standard_error,
                     "floe: %s: unknown option %s (floe %s --help lists the options)\n",
                     command_name, word, command_name);
        return false;
    }
    const option_face *found = &option_faces[at_option];
    const option_action *action = &actions[at_option];
    if (found->value == NULL && equals != NULL) {
        output_print(standard_error, "floe: %s: --%s takes no value\n", command_name, found->name);
        return false;
    }
    if (found->value != NULL) {
        value = equals != NULL ? equals + 1 : *at + 1 < count ? words[++*at] : NULL;
        if (value == NULL) {
            output_print(standard_error, "floe: %s: --%s needs a value: %s\n", command_name,
                         found->name, found->value);
            return false;
        }
    }
    if (action->set == NULL) {
        memcpy((char *)command + action->text, &value, sizeof value);
        return true;
    }
    char name[40];
    (void)snprintf(name, sizeof name, "--%s", found->name);
    return action->set(command, name, value);
}

bool parse_command(command_kind kind, int count, char **words, gather_command *command)
{
    bool only_urls = false;

    command_name = text_of(kind)->name;
    *command = (gather_command){
        .settings = FLOE_SETTINGS_INIT, .gatherers = 1, .repeat = 1, .load = 125000};
    command->username = getenv("FLOE_USERNAME");
    command->credential = getenv("FLOE_CREDENTIAL");
    command->access_token = getenv("FLOE_ACCESS_TOKEN");
    command->mac_key = getenv("FLOE_MAC_KEY");
    for (int i = 0; i < count; i++) {
        bool good;
        if (!only_urls && strcmp(words[i], "--") == 0) {
            only_urls = true;
            continue;
        }
        if (!only_urls && words[i][0] == '-') {
            good = parse_option(kind, command, count, words, &i);
        } else {
            good = set_server(command, "URL", words[i]);
        }
        if (!good) {
            return false;
        }
    }
    return true;
}

floe_ice_server command_server(const gather_command *command)
{
    floe_ice_server server = FLOE_ICE_SERVER_INIT;

    server.urls = command->urls;
    server.url_count = command->url_count;
    server.username = command->username;
    server.credential = command->credential;
    if (command->access_token != NULL) {
        server.credential_type = FLOE_CREDENTIAL_TYPE_OAUTH;
        server.access_token = command->access_token;
        server.mac_key = command->mac_key;
    }
    return server;
}

void free_command(gather_command *command)
{
    for (size_t i = 0; i < command->rule_count; i++) {
        floe_address_rewrite_rule_free(command->parsed_rules[i]);
    }
    free(command->credential_from_file);
}
