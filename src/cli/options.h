/* The command line of `floe gather`: one table for parsing and for the help text. */
#ifndef FLOE_CLI_OPTIONS_H
#define FLOE_CLI_OPTIONS_H

#include <floe/floe.h>
#include <stdbool.h>

#define URLS_MAX 256

typedef struct gather_command {
    const char *urls[URLS_MAX];
    size_t url_count;
    const char *username;
    const char *credential;
    char *credential_from_file; /* owned */
    floe_gather_policy policy;
    floe_settings settings;
    unsigned gatherers;
    unsigned repeat;
    double hold; /* seconds; negative: until interrupted */
    bool json;
    bool quiet;
    bool verbose;
    bool help;
    const char *trace_file;
} gather_command;

/* Fills *command from the words behind "gather" and from the environment. False after one line on
 * standard error that says which word is wrong and why. */
bool parse_gather_command(int count, char **words, gather_command *command);
void free_gather_command(gather_command *command);
void print_gather_help(void);

#endif
