/* The command line of `floe gather` and `floe turn`: parsed by one list, which has the help too.
 */
#ifndef FLOE_CLI_OPTIONS_H
#define FLOE_CLI_OPTIONS_H

#include "cli/faces.h"
#include "cli/json.h"
#include "cli/screen.h"

#include <floe/floe.h>
#include <stdbool.h>

#define URLS_MAX 256
#define FILTERS_MAX 32
#define RULES_MAX 256

/* A range of addresses: 10.0.0.0/8; one address without "/". */
typedef struct address_range {
    floe_address address;
    unsigned bits;
} address_range;

/* What --interface and its kin name; an empty list of what to keep keeps all. */
typedef struct gather_filters {
    const char *interfaces[FILTERS_MAX]; /* with * for anything */
    size_t interface_count;
    const char *not_interfaces[FILTERS_MAX];
    size_t not_interface_count;
    address_range addresses[FILTERS_MAX];
    size_t address_count;
    address_range not_addresses[FILTERS_MAX];
    size_t not_address_count;
    uint8_t family; /* 0: either */
} gather_filters;

typedef struct gather_command {
    const char *urls[URLS_MAX];
    size_t url_count;
    const char *username;
    const char *credential;
    const char *access_token; /* OAuth instead; NULL: none */
    const char *mac_key;
    char *credential_from_file; /* owned */
    floe_gather_policy policy;
    floe_settings settings;
    floe_address_rewrite_rule *parsed_rules[RULES_MAX]; /* owned */
    floe_address_rewrite_rule rules[RULES_MAX];
    size_t rule_count;
    gather_filters filters;
    unsigned gatherers;
    unsigned repeat;
    double hold; /* seconds; negative: until interrupted */
    bool json;
    candidate_format format; /* CANDIDATE_FIELDS: as json says */
    colour_mode colour;
    bool quiet;
    bool verbose;
    bool help;
    const char *trace_file;
    const char *peer;   /* of pipe */
    bool tcp;           /* likewise: it is reached by TCP */
    unsigned long load; /* of check: bytes a second that go through the relay; 0: none */
} gather_command;

/* Fills *command from the words behind the command's name and from the environment. False after one
 * line on standard error that says which word is wrong and why. */
bool parse_command(command_kind kind, int count, char **words, gather_command *command);
void free_command(gather_command *command);
/* All its URLs, with its credential; valid as long as the command. */
floe_ice_server command_server(const gather_command *command);
/* Sets the settings' filters, if any were named; *command must live as long as the api. */
void use_filters(gather_command *command);
void print_command_help(command_kind kind);
/* The library's sentence, with the names of settings as the command's own options; valid until the
 * next call. */
const char *option_words(const char *sentence);

#endif
