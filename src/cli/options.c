/* Parsing the command line by a table of options. */
#include "cli/options.h"

#include "cli/credentials.h"
#include "cli/ice_servers.h"
#include "cli/output.h"
#include "cli/screen.h"
#include "cli/suggest.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* A number's macro as text. */
#define TEXT_OF(number) TEXT_OF_WORD(number)
#define TEXT_OF_WORD(word) #word

const char *const gather_type_names[] = {"host", "srflx", "relay", NULL};
const char *const relay_transport_names[] = {"udp", "tcp", "tls", "dtls", NULL};

typedef bool (*option_setter)(gather_command *command, const char *name, const char *value);

/* What the command at hand is called, and how many servers its line makes. */
static const char *command_name = "gather";
static unsigned servers_of_line = 1;

/* What the library calls a setting, and what it is here. */
static const char *const setting_words[][2] = {
    {"settings.tls_ca_file", "--ca-file"},
    {"settings.tls_certificate_file", "--certificate"},
    {"settings.tls_key_file", "--key"},
    {"settings.tls_fingerprint", "--fingerprint"},
    {"settings.proxy", "--proxy"},
    {"settings.ip_handling", "--ip-handling"},
    {"settings.refuse_low_ports", "--refuse-low-ports"},
    {"settings.host_addresses", "--resolve"},
    {"settings.loopback", "--loopback"},
    {"settings.network_types", "--network-types"},
    {"options.loopback", "--loopback"},
    {" (options.resolve_names)", ""}, /* no option asks for that */
    {"options.username_fragment", "--ufrag"},
    {"options.password", "--password"},
    {"address_rewrite_rules", "--rewrite"},
    {"tls_key_file", "--key"},
    {"no certificate or crl found", "there is no certificate in it, in PEM form"},
};

/* "ice_servers[2].username": which of the command's servers that is, where it begins `sentence`. What
 * it is here, and how much of the sentence that was; 0: it is none. */
static size_t server_words(const char *sentence, char *text, size_t size)
{
    static const char *const fields[][2] = {
        {"username", "the username (-u, FLOE_USERNAME)"},
        {"credential", "the credential (-c, FLOE_CREDENTIAL)"},
        {"access_token", "--access-token"},
        {"mac_key", "--mac-key"},
    };
    unsigned n;
    int used = 0;

    if (sscanf(sentence, "address_rewrite_rules[%u].%n", &n, &used) == 1 && used > 0) {
        (void)snprintf(text, size, "rule %u of --rewrite: ", n + 1);
        return (size_t)used;
    }
    if (sscanf(sentence, "ice_servers[%u].%n", &n, &used) != 1 || used == 0) {
        return 0;
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        size_t length = strlen(fields[i][0]);
        if (strncmp(&sentence[used], fields[i][0], length) != 0 ||
            strncmp(&sentence[used], "credential_", strlen("credential_")) == 0) {
            continue;
        }
        if (n < servers_of_line) {
            (void)snprintf(text, size, "%s", fields[i][1]);
        } else {
            (void)snprintf(text, size, "--ice-servers: server %u: %s", n - servers_of_line + 1,
                           fields[i][0]);
        }
        return (size_t)used + length;
    }
    return 0;
}

static size_t setting_word(const char *sentence, char *text, size_t size)
{
    size_t numbered = server_words(sentence, text, size);

    if (numbered > 0) {
        return numbered;
    }
    for (size_t i = 0; i < sizeof setting_words / sizeof *setting_words; i++) {
        size_t length = strlen(setting_words[i][0]);
        if (strncmp(sentence, setting_words[i][0], length) == 0) {
            (void)snprintf(text, size, "%s", setting_words[i][1]);
            return length;
        }
    }
    return 0;
}

const char *option_words(const char *sentence)
{
    static char text[1024];
    size_t used = 0;

    while (*sentence != '\0' && used + 1 < sizeof text) {
        char word[96];
        size_t length = setting_word(sentence, word, sizeof word);
        if (length > 0) {
            int wrote = snprintf(&text[used], sizeof text - used, "%s", word);
            used += wrote > 0 ? (size_t)wrote : 0;
            sentence += length;
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
    bool secret;       /* who looks at the list of processes is not to see it */
} option_action;

static bool wrong(const char *name, const char *value, const char *why)
{
    screen_tell("floe: %s: %s \"%s\": %s", command_name, name, value, why);
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
        (void)snprintf(why, sizeof why, "not a whole number from %lu to %lu", least, most);
        return wrong(name, value, why);
    }
    *out = parsed;
    return true;
}

bool option_is_wrong(const char *name, const char *value, const char *why)
{
    return wrong(name, value, why);
}

const char *keep_text(gather_command *command, const char *name, char *text)
{
    if (text == NULL || command->kept_count == KEPT_MAX) {
        free(text);
        (void)wrong(name, "", text == NULL ? "out of memory" : "given too often");
        return NULL;
    }
    command->kept[command->kept_count++] = text;
    return text;
}

static bool begins_with(const char *text, const char *scheme)
{
    return strncasecmp(text, scheme, strlen(scheme)) == 0;
}

/* What is no URL of a server, and what may have been meant. The rest is the library's to refuse. */
static bool explain_url(const char *name, const char *url)
{
    static const char *const schemes[] = {"stun:", "turn:", "stuns:", "turns:"};
    const char *plain = strncmp(command_name, "turn", 4) == 0 ? "turn:" : "stun:";
    size_t i = 0;
    char why[320];

    while (i < 4 && !begins_with(url, schemes[i])) {
        i++;
    }
    const char *host = i < 4 ? url + strlen(schemes[i]) : url;
    if (i < 4 && strncmp(host, "//", 2) == 0) {
        (void)snprintf(why, sizeof why, "there is no // in such a URL: did you mean %s%.200s?",
                       schemes[i], host + 2);
    } else if (i == 0 && strchr(host, '?') != NULL) {
        (void)snprintf(why, sizeof why, "stun: has no ?transport=: did you mean %.*s?",
                       (int)(strcspn(url, "?") < 200 ? strcspn(url, "?") : 200), url);
    } else if (i == 4 && strstr(url, "://") == NULL && *url != '\0') {
        (void)snprintf(why, sizeof why,
                       "it begins with none of stun:, stuns:, turn:, turns:; did you mean "
                       "%s%.200s?",
                       plain, host);
    } else {
        return true;
    }
    return wrong(name, url, why);
}

bool add_url(gather_command *command, const char *name, const char *url)
{
    if (command->url_count == URLS_MAX) {
        return wrong(name, url, "too many URLs: at most " TEXT_OF(URLS_MAX));
    }
    if (!explain_url(name, url)) {
        return false;
    }
    command->urls[command->url_count++] = url;
    return true;
}

static bool set_server(gather_command *command, const char *name, const char *value)
{
    return add_url(command, name, value);
}

/* The line has one user for all of its URLs: the second of two would win without a word. */
static bool once(const char *name, bool *given)
{
    if (*given) {
        screen_tell("floe: %s: %s is given twice, but the line has one user for all its URLs: "
                    "--ice-servers FILE has one for each server",
                    command_name, name);
        return false;
    }
    *given = true;
    return true;
}

static bool set_username(gather_command *command, const char *name, const char *value)
{
    command->username = value;
    return once(name, &command->given_username);
}

static bool set_credential(gather_command *command, const char *name, const char *value)
{
    command->credential = value;
    return once(name, &command->given_credential);
}

static bool set_access_token(gather_command *command, const char *name, const char *value)
{
    command->access_token = value;
    return once(name, &command->given_token);
}

static bool set_password(gather_command *command, const char *name, const char *value)
{
    (void)name;
    command->password = value;
    return true;
}

static bool set_mac_key(gather_command *command, const char *name, const char *value)
{
    command->mac_key = value;
    return once(name, &command->given_key);
}

/* What --json, lines and --pipe read. */
static bool input_is_free(const gather_command *command, const char *name, const char *value)
{
    return command->kind != COMMAND_CONNECT || strcmp(value, "-") != 0 ||
           wrong(name, value, "standard input is for the other side: give a file");
}

static bool set_credential_file(gather_command *command, const char *name, const char *value)
{
    if (!input_is_free(command, name, value)) {
        return false;
    }
    char *line = read_first_line(name, value);
    command->credential = line != NULL ? keep_text(command, name, line) : NULL;
    return command->credential != NULL && once(name, &command->given_credential);
}

static bool set_rest_secret_file(gather_command *command, const char *name, const char *value)
{
    if (!input_is_free(command, name, value)) {
        return false;
    }
    free(command->rest_secret);
    command->rest_secret = read_first_line(name, value);
    return command->rest_secret != NULL && once(name, &command->given_credential);
}

static bool set_ice_servers(gather_command *command, const char *name, const char *value)
{
    if (command->ice_servers != NULL) {
        return wrong(name, value, "given twice: put all servers into one file");
    }
    command->ice_servers = value;
    return input_is_free(command, name, value);
}

/* What cannot be read is told before anything is sent; what is in it, OpenSSL tells. */
static bool set_file(const char **to, const char *name, const char *value)
{
    *to = value;
    return access(value, R_OK) == 0 || wrong(name, value, strerror(errno));
}

static bool set_ca_file(gather_command *command, const char *name, const char *value)
{
    return set_file(&command->settings.tls_ca_file, name, value);
}

static bool set_certificate(gather_command *command, const char *name, const char *value)
{
    return set_file(&command->settings.tls_certificate_file, name, value);
}

static bool set_key(gather_command *command, const char *name, const char *value)
{
    return set_file(&command->settings.tls_key_file, name, value);
}

static bool set_proxy(gather_command *command, const char *name, const char *value)
{
    (void)name;
    command->settings.proxy = value;
    return true;
}

/* Which of the words it is; -1 after an error. */
static int word_of(const char *name, const char *value, const char *const *words)
{
    char why[160] = "not one of";
    suggestion near = suggestion_for(value);

    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(value, words[i]) == 0) {
            return i;
        }
        suggestion_offer(&near, words[i]);
        size_t used = strlen(why);
        (void)snprintf(&why[used], sizeof why - used, "%s %s", i > 0 ? "," : "", words[i]);
    }
    suggestion_add(&near, "", why, sizeof why);
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

/* What stands behind the "/" of the value; *bits: at most, and then what it is. */
static bool prefix_length(const char *name, const char *value, const char *text, unsigned *bits)
{
    char why[80];
    size_t digits = strspn(text, "0123456789");
    unsigned long parsed = digits > 0 && digits < 4 ? strtoul(text, NULL, 10) : ULONG_MAX;

    if (text[digits] != '\0' || parsed > *bits) {
        (void)snprintf(why, sizeof why, "behind the / stands no number from 0 to %u", *bits);
        return wrong(name, value, why);
    }
    *bits = (unsigned)parsed;
    return true;
}

/* ADDRESS or ADDRESS/BITS. */
static bool add_range(const char *name, const char *value, address_range *ranges, size_t *count)
{
    char ip[FLOE_ADDRESS_TEXT_SIZE] = "";
    size_t size = strcspn(value, "/");
    address_range range = {0};

    if (*count == FILTERS_MAX) {
        return wrong(name, value, "given too often: at most " TEXT_OF(FILTERS_MAX) " times");
    }
    if (size < sizeof ip) {
        memcpy(ip, value, size);
    }
    if (floe_address_parse(ip, &range.address) != FLOE_OK) {
        return wrong(name, value, "neither an IP address nor ADDRESS/BITS");
    }
    range.bits = range.address.family == FLOE_FAMILY_IPV4 ? 32 : 128;
    if (value[size] == '/' && !prefix_length(name, value, &value[size + 1], &range.bits)) {
        return false;
    }
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

/* "udp4,udp6": the n-th of the names is the n-th bit. */
static bool set_of_words(const char *name, const char *value, const char *const *names,
                         uint32_t *set)
{
    const char *at = value;
    char word[16];

    *set = 0;
    do {
        size_t size = strcspn(at, ",");
        (void)snprintf(word, sizeof word, "%.*s", (int)(size < 15 ? size : 15), at);
        int which = word_of(name, word, names);
        if (which < 0) {
            return false;
        }
        *set |= 1U << which;
        at += size;
    } while (*at++ == ',');
    return true;
}

static bool set_network_types(gather_command *command, const char *name, const char *value)
{
    static const char *const names[] = {"udp4", "udp6", "tcp4", "tcp6", NULL};

    return set_of_words(name, value, names, &command->settings.network_types);
}

static bool set_types(gather_command *command, const char *name, const char *value)
{
    return set_of_words(name, value, gather_type_names, &command->types);
}

static bool set_relay_transports(gather_command *command, const char *name, const char *value)
{
    return set_of_words(name, value, relay_transport_names, &command->relay_transports);
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

/* The library's sentence about a rule; its beginning is what the option says already. */
static const char *rule_words(const char *sentence)
{
    static const char beginning[] = "rewrite rule: ";

    if (strstr(sentence, "no KEY=VALUE") != NULL) {
        return "not a list of KEY=VALUE, such as external=203.0.113.5";
    }
    return strncmp(sentence, beginning, strlen(beginning)) == 0 ? sentence + strlen(beginning)
                                                                : sentence;
}

static bool add_rule(gather_command *command, const char *name, const char *value)
{
    floe_address_rewrite_rule *rule;

    if (command->rule_count == RULES_MAX) {
        return wrong(name, value, "given too often: at most " TEXT_OF(RULES_MAX) " times");
    }
    if (floe_address_rewrite_rule_parse(value, &rule) != FLOE_OK) {
        return wrong(name, value, rule_words(floe_last_error()));
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

static bool set_tcp_reflexive(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->settings.tcp_reflexive = true;
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

/* How many milliseconds the unit has; `bare` for none, -1 for one that is not known. */
static double unit_of(const char *word, double bare)
{
    static const struct {
        const char *word;
        double ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(word, units[i].word) == 0) {
            return units[i].ms;
        }
    }
    return *word == '\0' ? bare : -1;
}

/* 500ms, 5s, 2m, 1h; a bare number is of `bare` milliseconds. What it is in milliseconds. */
static bool duration(const char *name, const char *value, double bare, double least, double most,
                     double *out)
{
    size_t size = strspn(value, "0123456789.");
    char *end = NULL;
    char why[96];
    double parsed = size > 0 ? strtod(value, &end) * unit_of(&value[size], bare) : -1;

    if (end != &value[size] || !(parsed >= least && parsed <= most)) {
        (void)snprintf(why, sizeof why, "not a time from %.0f%s to %.0f s (500ms, 5s, 2m)", least,
                       least > 0 ? " ms" : "", most / 1000);
        return wrong(name, value, why);
    }
    *out = parsed;
    return true;
}

/* At least 1, where it is not 0: then it is the library's FLOE_NEVER, no limit. */
static uint32_t limit_of(double ms)
{
    return ms == 0 ? FLOE_NEVER : ms < 1 ? 1 : (uint32_t)(ms + 0.5);
}

static bool set_timeout(gather_command *command, const char *name, const char *value)
{
    double ms = 0;
    bool good = duration(name, value, 1000, 0, 3600e3, &ms);

    command->settings.gather_timeout_ms = limit_of(ms);
    return good;
}

static bool set_straggler_grace(gather_command *command, const char *name, const char *value)
{
    double ms = 0;
    bool good = duration(name, value, 1, 0, 3600e3, &ms);

    command->settings.straggler_grace_ms = limit_of(ms);
    return good;
}

static bool set_pacing(gather_command *command, const char *name, const char *value)
{
    double ms = 0;
    bool good = duration(name, value, 1, 5, 10e3, &ms);

    command->settings.pacing_ms = (uint32_t)(ms + 0.5);
    return good;
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

static bool set_udp_mux(gather_command *command, const char *name, const char *value)
{
    unsigned long parsed;

    if (!number(name, value, 0, UINT16_MAX, &parsed)) {
        return false;
    }
    command->settings.udp_mux_port = parsed == 0 ? FLOE_ANY_PORT : (uint32_t)parsed;
    return true;
}

static bool set_tcp_mux(gather_command *command, const char *name, const char *value)
{
    unsigned long parsed;

    if (!number(name, value, 0, UINT16_MAX, &parsed)) {
        return false;
    }
    command->settings.tcp_mux_port = parsed == 0 ? FLOE_ANY_PORT : (uint32_t)parsed;
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
    command->hold_given = true;
    if (strcmp(value, "inf") == 0) {
        command->hold = -1;
        return true;
    }
    double ms = 0;
    bool good = duration(name, value, 1000, 0, 1e9, &ms);
    command->hold = ms / 1000;
    return good;
}

static bool set_continual(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->continual = true;
    return true;
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
    static const char *const words[] = {"w3c", "ortc", "sdp", NULL};
    int format = word_of(name, value, words);

    command->format = (candidate_format)(CANDIDATE_W3C + format);
    return format >= 0;
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

static bool set_max_loss(gather_command *command, const char *name, const char *value)
{
    return number(name, value, 0, 100, &command->max_loss);
}

static bool set_min_days(gather_command *command, const char *name, const char *value)
{
    return number(name, value, 0, 36500, &command->min_days);
}

static bool set_jobs(gather_command *command, const char *name, const char *value)
{
    return number(name, value, 1, JOBS_MAX, &command->jobs);
}

static bool set_strict(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->strict = true;
    return true;
}

static bool set_ipv4(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->filters.family = FLOE_FAMILY_IPV4;
    return true;
}

static bool set_ipv6(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->filters.family = FLOE_FAMILY_IPV6;
    return true;
}

/* NAME:ADDRESS, of which the library says what is wrong. */
static bool add_resolved(gather_command *command, const char *name, const char *value)
{
    const char *colon = strchr(value, ':');

    if (colon == NULL || colon == value || colon[1] == '\0') {
        return wrong(name, value, "not NAME:ADDRESS");
    }
    if (command->resolved_count == RESOLVED_MAX) {
        return wrong(name, value, "given too often: at most " TEXT_OF(RESOLVED_MAX) " times");
    }
    command->resolved[command->resolved_count++] = value;
    command->settings.host_addresses = command->resolved;
    command->settings.host_address_count = command->resolved_count;
    return true;
}

static bool set_pipe(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->pipe = true;
    return true;
}

static bool set_remote(gather_command *command, const char *name, const char *value)
{
    (void)name;
    command->remote = value;
    return true;
}

static bool set_role(gather_command *command, const char *name, const char *value)
{
    static const char *const words[] = {"controlling", "controlled", NULL};
    int role = word_of(name, value, words);

    command->role = role == 0 ? FLOE_ICE_ROLE_CONTROLLING : FLOE_ICE_ROLE_CONTROLLED;
    return role >= 0;
}

static bool set_ice_lite(gather_command *command, const char *name, const char *value)
{
    (void)name;
    (void)value;
    command->settings.ice_lite = true;
    return true;
}

static bool set_patience(gather_command *command, const char *name, const char *value)
{
    double ms = 0;
    bool good = duration(name, value, 1000, 1, 3600e3, &ms);

    command->patience_ms = (uint32_t)(ms + 0.5);
    return good;
}

/* In Mbit/s. */
static bool set_rate(gather_command *command, const char *name, const char *value)
{
    unsigned long parsed;

    if (!number(name, value, 0, 100000, &parsed)) {
        return false;
    }
    command->rate = parsed * 125000;
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
        function, 0, false                                                                         \
    }
#define SECRET(function)                                                                           \
    {                                                                                              \
        function, 0, true                                                                          \
    }
#define TEXT(member)                                                                               \
    {                                                                                              \
        NULL, offsetof(gather_command, member), false                                              \
    }
#define GROUP(title) {NULL, 0, false},
#define OPTION(kinds, letter, name, value, action, help) action,
#include "cli/option_list.h"
#undef OPTION
#undef GROUP
#undef TEXT
#undef SECRET
#undef SET
};

/* ── The words ── */

/* An option as it was written. */
typedef struct option_word {
    size_t at;     /* in the list; OPTION_COUNT: it is none of this command's */
    char name[48]; /* "--policy", "-u" */
    char *value;   /* behind "=" or a letter; NULL: none there */
} option_word;

static size_t find_option(unsigned kinds, const char *name)
{
    size_t at = 0;

    for (; at < OPTION_COUNT; at++) {
        const option_face *option = &option_faces[at];
        bool by_name =
            option->name != NULL && name[1] == '-' && strcmp(option->name, name + 2) == 0;
        bool by_letter = option->letter != 0 && name[1] == option->letter && name[2] == '\0';
        if ((by_name || by_letter) && (option->kinds & kinds) != 0) {
            break;
        }
    }
    return at;
}

static bool unknown_option(command_kind kind, const char *name)
{
    char text[320];
    size_t elsewhere = find_option(ALL, name);
    suggestion near = suggestion_for(name[1] == '-' ? name + 2 : name);

    (void)snprintf(text, sizeof text, "unknown option %s", name);
    if (elsewhere < OPTION_COUNT) {
        size_t i = 0;
        while ((command_faces[i].kind & option_faces[elsewhere].kinds) == 0) {
            i++;
        }
        size_t used = strlen(text);
        (void)snprintf(&text[used], sizeof text - used, "; floe %s takes it",
                       command_faces[i].name);
    } else if (name[1] == '-') {
        for (size_t i = 0; i < OPTION_COUNT; i++) {
            if (option_faces[i].name != NULL && (option_faces[i].kinds & kind) != 0) {
                suggestion_offer(&near, option_faces[i].name);
            }
        }
        suggestion_add(&near, "--", text, sizeof text);
    }
    screen_tell("floe: %s: %s (floe %s --help lists the options)", command_name, text,
                command_name);
    return false;
}

/* The value as the command keeps it; a secret leaves the command line, where everybody sees it. */
static const char *taken(gather_command *command, const option_action *action, const char *name,
                         char *value)
{
    if (!action->secret) {
        return value;
    }
    const char *kept = keep_text(command, name, strdup(value));
    for (char *at = value; kept != NULL && *at != '\0'; at++) {
        *at = '*';
    }
    return kept;
}

/* `next`: the word behind, or NULL. Whether that was used shows in *used. */
static bool use_option(gather_command *command, const option_word *word, char *next, bool *used)
{
    const option_face *found = &option_faces[word->at];
    const option_action *action = &actions[word->at];
    const char *value = "";

    if (found->value != NULL) {
        *used = word->value == NULL;
        char *given = *used ? next : word->value;
        if (given == NULL) {
            screen_tell("floe: %s: %s needs a value: %s", command_name, word->name, found->value);
            return false;
        }
        value = taken(command, action, word->name, given);
        if (value == NULL) {
            return false;
        }
    }
    if (action->set == NULL) {
        memcpy((char *)command + action->text, &value, sizeof value);
        return true;
    }
    return action->set(command, word->name, value);
}

/* --name, --name=value */
static bool parse_long(command_kind kind, gather_command *command, char *text, char *next,
                       bool *used)
{
    option_word word = {.value = strchr(text, '=')};
    size_t size = word.value != NULL ? (size_t)(word.value - text) : strlen(text);

    (void)snprintf(word.name, sizeof word.name, "%.*s", (int)(size < 47 ? size : 47), text);
    word.at = find_option((unsigned)kind, word.name);
    if (word.at == OPTION_COUNT) {
        return unknown_option(kind, word.name);
    }
    if (word.value != NULL && option_faces[word.at].value == NULL) {
        screen_tell("floe: %s: %s takes no value", command_name, word.name);
        return false;
    }
    if (word.value != NULL) {
        word.value++;
    }
    return use_option(command, &word, next, used);
}

/* -q, -qv, -uNAME, -vu NAME */
static bool parse_letters(command_kind kind, gather_command *command, char *text, char *next,
                          bool *used)
{
    bool good = true;

    if (text[1] == '\0') {
        return unknown_option(kind, text);
    }
    for (char *at = text + 1; good && *at != '\0'; at++) {
        option_word word = {.name = {'-', *at}};
        word.at = find_option((unsigned)kind, word.name);
        if (word.at == OPTION_COUNT) {
            return unknown_option(kind, word.name);
        }
        bool takes = option_faces[word.at].value != NULL;
        word.value = takes && at[1] != '\0' ? at + 1 : NULL;
        good = use_option(command, &word, next, used);
        if (takes) {
            break;
        }
    }
    return good;
}

/* What is no option. */
static bool add_word(command_kind kind, gather_command *command, const char *word)
{
    size_t most = kind == COMMAND_PAIR ? 2 : kind == COMMAND_VERSION ? 0 : 1;

    if ((kind & EVERY) != 0) {
        return set_server(command, "URL", word);
    }
    if (command->word_count == most) {
        return wrong("word", word,
                     kind == COMMAND_PARSE
                         ? "only one candidate or file is allowed: put a candidate in quotes"
                     : kind == COMMAND_PAIR ? "only two sides are allowed"
                                            : "not expected");
    }
    command->words[command->word_count++] = word;
    return true;
}

static bool parse_words(command_kind kind, int count, char **words, gather_command *command)
{
    bool only_words = false;
    bool good = true;

    for (int i = 0; good && i < count; i++) {
        char *next = i + 1 < count ? words[i + 1] : NULL;
        bool used = false;
        bool option = words[i][0] == '-' && !only_words;
        if (option && strcmp(words[i], "--") == 0) {
            only_words = true;
        } else if (option && (words[i][1] != '\0' || (kind & READERS) == 0)) {
            good = words[i][1] == '-' ? parse_long(kind, command, words[i], next, &used)
                                      : parse_letters(kind, command, words[i], next, &used);
        } else {
            good = add_word(kind, command, words[i]);
        }
        i += used;
    }
    return good;
}

static const char *words_of_format(candidate_format format)
{
    return format == CANDIDATE_W3C ? "w3c" : format == CANDIDATE_ORTC ? "ortc" : "sdp";
}

static bool clash(const char *name, const char *why)
{
    screen_tell("floe: %s: %s: %s", command_name, name, why);
    return false;
}

/* Options for TCP do something only where TCP is gathered. */
static bool complete_tcp(const gather_command *command)
{
    const floe_settings *settings = &command->settings;
    bool tcp = (settings->network_types & (FLOE_NETWORK_TYPE_TCP4 | FLOE_NETWORK_TYPE_TCP6)) != 0;
    bool muxed = settings->udp_mux_port != 0 || settings->tcp_mux_port != 0;

    if (settings->tcp_mux_port != 0 && !tcp) {
        return clash("--tcp-mux", "it needs --network-types with tcp4 or tcp6");
    }
    if (settings->tcp_reflexive && !tcp) {
        return clash("--tcp-reflexive", "it needs --network-types with tcp4 or tcp6");
    }
    if (settings->tcp_reflexive && muxed) {
        return clash("--tcp-reflexive",
                     "not with --udp-mux or --tcp-mux: there one port serves all");
    }
    return true;
}

/* Of connect: what standard input is, and where the ticket comes from. */
static bool complete_connect(const gather_command *command)
{
    if (command->pipe && command->json) {
        return clash("--pipe", "not with --json, by which standard input signals");
    }
    if (command->remote_file != NULL &&
        !input_is_free(command, "--remote-file", command->remote_file)) {
        return false;
    }
    if (command->json && (command->remote != NULL || command->remote_file != NULL)) {
        return clash(command->remote != NULL ? "--remote" : "--remote-file",
                     "not with --json: there the other side comes by standard input");
    }
    if (command->remote != NULL && command->remote_file != NULL) {
        return clash("--remote-file", "not with --remote: there is one ticket");
    }
    if (command->settings.ice_lite && command->policy != FLOE_GATHER_POLICY_ALL) {
        return clash("--ice-lite", "not with this --policy: it has host candidates alone");
    }
    return true;
}

/* What the words together ask for. */
static bool complete_command(gather_command *command)
{
    if (command->given_key && command->access_token == NULL) {
        return wrong("--mac-key", "***", "it needs --access-token");
    }
    if (command->json && command->format != CANDIDATE_FIELDS) {
        return wrong("--format", words_of_format(command->format),
                     "--json prints another form: give one of the two");
    }
    if (!complete_tcp(command) || !complete_connect(command)) {
        return false;
    }
    command->url_count_of_line = command->url_count;
    servers_of_line = command->url_count > 0;
    return (command->rest_secret == NULL || make_rest_user(command)) &&
           (command->ice_servers == NULL || read_ice_servers(command));
}

bool parse_command(command_kind kind, int count, char **words, gather_command *command)
{
    command_name = command_face_of(kind)->name;
    *command = (gather_command){.settings = FLOE_SETTINGS_INIT,
                                .gatherers = 1,
                                .repeat = 1,
                                .load = 125000,
                                .max_loss = 5,
                                .min_days = 14,
                                .jobs = 8,
                                .rate = 1250000,
                                .kind = kind};
    command->username = getenv("FLOE_USERNAME");
    command->credential = getenv("FLOE_CREDENTIAL");
    command->access_token = getenv("FLOE_ACCESS_TOKEN");
    command->mac_key = getenv("FLOE_MAC_KEY");
    return parse_words(kind, count, words, command) && (command->help || complete_command(command));
}

size_t command_servers(const gather_command *command, floe_ice_server *servers)
{
    size_t count = 0;

    if (command->url_count_of_line > 0) {
        floe_ice_server *server = &servers[count++];
        *server = (floe_ice_server)FLOE_ICE_SERVER_INIT;
        server->urls = command->urls;
        server->url_count = command->url_count_of_line;
        server->username = command->username;
        server->credential = command->credential;
        if (command->access_token != NULL) {
            server->credential_type = FLOE_CREDENTIAL_TYPE_OAUTH;
            server->access_token = command->access_token;
            server->mac_key = command->mac_key;
        }
    }
    for (size_t i = 0; i < command->listed_count; i++) {
        servers[count++] = command->listed[i];
    }
    return count;
}

void command_gather_options(const gather_command *command, floe_ice_server *servers,
                            floe_gather_options *options)
{
    *options = (floe_gather_options)FLOE_GATHER_OPTIONS_INIT;
    options->ice_servers = servers;
    options->ice_server_count = command_servers(command, servers);
    options->gather_policy = command->policy;
    options->candidate_types = command->types;
    options->relay_transports = command->relay_transports;
    options->username_fragment = command->username_fragment;
    options->password = command->password;
    options->continual = command->continual;
}

floe_ice_server command_server_of(const gather_command *command, size_t url)
{
    floe_ice_server servers[SERVERS_MAX];
    size_t count = command_servers(command, servers);
    size_t i = 0;

    while (i + 1 < count && url >= servers[i].url_count) {
        url -= servers[i++].url_count;
    }
    if (count == 0) {
        servers[0] = (floe_ice_server)FLOE_ICE_SERVER_INIT;
    }
    return servers[i];
}

void free_command(gather_command *command)
{
    for (size_t i = 0; i < command->rule_count; i++) {
        floe_address_rewrite_rule_free(command->parsed_rules[i]);
    }
    for (size_t i = 0; i < command->kept_count; i++) {
        free(command->kept[i]);
    }
    free(command->rest_secret);
    json_decref(command->ice_servers_content);
}
