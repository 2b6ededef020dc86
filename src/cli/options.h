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
#define WORDS_MAX 2
#define KEPT_MAX 16 /* texts that were read from files, or wiped from the command line */
#define RESOLVED_MAX 64
#define JOBS_MAX 64

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
    command_kind kind;
    const char *urls[URLS_MAX]; /* those of the line, then those of --ice-servers */
    size_t url_count;
    size_t url_count_of_line;
    /* For the URLs of the line. */
    const char *username;
    const char *credential;
    const char *access_token; /* OAuth instead; NULL: none */
    const char *mac_key;
    bool given_username; /* by an option, and not by the environment; the others likewise */
    bool given_credential;
    bool given_token;
    bool given_key;
    char *rest_secret;           /* owned; NULL: none */
    const char *ice_servers;     /* the file; NULL: none */
    json_t *ice_servers_content; /* owned; the texts of `listed` stand in it */
    floe_ice_server listed[URLS_MAX];
    size_t listed_count;
    char *kept[KEPT_MAX]; /* owned texts */
    size_t kept_count;
    floe_gather_policy policy;
    uint32_t types;                /* floe_gather_type, joined; 0: all */
    uint32_t relay_transports;     /* floe_relay_transport, likewise */
    const char *username_fragment; /* NULL: made at random, as the password */
    const char *password;
    floe_settings settings;
    floe_address_rewrite_rule *parsed_rules[RULES_MAX]; /* owned */
    floe_address_rewrite_rule rules[RULES_MAX];
    size_t rule_count;
    gather_filters filters;
    unsigned gatherers;
    unsigned repeat;
    double hold; /* seconds; negative: until interrupted */
    bool hold_given;
    bool continual;
    bool json;
    candidate_format format; /* CANDIDATE_FIELDS: as json says */
    colour_mode colour;
    bool quiet;
    bool verbose;
    bool help;
    const char *trace_file;
    const char *peer;        /* of pipe */
    bool tcp;                /* likewise: it is reached by TCP */
    unsigned long load;      /* of check: bytes a second that go through the relay; 0: none */
    unsigned long max_loss;  /* of check: in percent */
    unsigned long min_days;  /* of check: of a certificate */
    unsigned long jobs;      /* of check: rows side by side */
    bool strict;             /* of check: warnings have an exit status of their own */
    bool pipe;               /* of connect */
    const char *remote;      /* of connect: a ticket; NULL: none */
    const char *remote_file; /* likewise, where it is */
    floe_ice_role role;      /* of connect; 0: none */
    uint32_t patience_ms;    /* of connect; 0: the default */
    unsigned long rate;      /* of connect: bytes a second; 0: no limit */
    const char *resolved[RESOLVED_MAX]; /* NAME:ADDRESS */
    size_t resolved_count;
    /* What a command that takes no URL was given instead. */
    const char *words[WORDS_MAX];
    size_t word_count;
} gather_command;

/* What --types and --relay-transports take, bit by bit; NULL behind the last. */
extern const char *const gather_type_names[];
extern const char *const relay_transport_names[];

/* Fills *command from the words behind the command's name, from the environment and the files that
 * they name. Secrets among the words are wiped, as everybody on the machine can see them there. False
 * after one line on standard error that says which word is wrong and why. */
bool parse_command(command_kind kind, int count, char **words, gather_command *command);
void free_command(gather_command *command);
/* All its servers, for as long as the command lives: those of the line with the one credential, and
 * each of --ice-servers with its own. How many; room for SERVERS_MAX. */
#define SERVERS_MAX (URLS_MAX + 1)
size_t command_servers(const gather_command *command, floe_ice_server *servers);
/* What a gatherer is made with. `servers`: room for SERVERS_MAX, which lives as long as the options. */
void command_gather_options(const gather_command *command, floe_ice_server *servers,
                            floe_gather_options *options);
/* The one whose URL has this number, with all its URLs. */
floe_ice_server command_server_of(const gather_command *command, size_t url);
/* Sets the settings' filters, if any were named; *command must live as long as the api. */
void use_filters(gather_command *command);
/* The same for settings of their own; the filters must live as long as the api. */
void apply_filters(gather_filters *filters, floe_settings *settings);
/* The library's sentence, with the names of settings as the command's own options; valid until the
 * next call. */
const char *option_words(const char *sentence);

/* For those who read what the options name: tells what is wrong with an option's value; false. */
bool option_is_wrong(const char *name, const char *value, const char *why);
/* Another URL; false after a line that says what is wrong with it. */
bool add_url(gather_command *command, const char *name, const char *url);
/* The text lives as long as the command; NULL: there is no room, which has been told. It takes the
 * text. */
const char *keep_text(gather_command *command, const char *name, char *text);

#endif
