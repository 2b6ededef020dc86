/* The command line of `floe gather`: one table for parsing and for the help text. */
#ifndef FLOE_CLI_OPTIONS_H
#define FLOE_CLI_OPTIONS_H

#include "cli/json.h"

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
} gather_filters;

typedef struct gather_command {
    const char *urls[URLS_MAX];
    size_t url_count;
    const char *username;
    const char *credential;
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
    bool quiet;
    bool verbose;
    bool help;
    const char *trace_file;
} gather_command;

/* Fills *command from the words behind "gather" and from the environment. False after one line on
 * standard error that says which word is wrong and why. */
bool parse_gather_command(int count, char **words, gather_command *command);
void free_gather_command(gather_command *command);
/* Sets the settings' filters, if any were named; *command must live as long as the api. */
void use_filters(gather_command *command);
void print_gather_help(void);

/* An option, as the help, the completions and the man page speak of it. */
typedef struct option_face {
    char letter; /* 0: none */
    const char *name;
    const char *value; /* what its value is called; NULL: it takes none */
    const char *help;
} option_face;

/* The n-th option; false: there are no more. */
bool gather_option(size_t n, option_face *face);

#endif
