/* How `floe gather` shows what happens: a table for people, JSON lines for programs. */
#ifndef FLOE_CLI_REPORT_H
#define FLOE_CLI_REPORT_H

#include "cli/options.h"

typedef struct report_failure {
    char *url;
    char *address; /* NULL: none */
    char *text;
    unsigned code;
    unsigned times;
} report_failure;

/* Counts of a whole run; of candidates, those that stood when their gatherer was closed. */
typedef struct report_summary {
    unsigned gatherers;
    unsigned host;
    unsigned srflx;
    unsigned relay;
    bool found; /* any candidate, though it may be gone */
    unsigned errors;
    unsigned failed; /* of them, those by which a server, or a local address, is of no use */
    unsigned not_asked;
    double ms;
} report_summary;

typedef struct gather_report {
    const gather_command *command;
    bool terminal;
    bool colour;
    bool header_printed;
    bool progress_shown;
    bool answered[URLS_MAX]; /* which servers have given something */
    bool asked[URLS_MAX];    /* which were asked, or are told as failed */
    unsigned families;       /* that are gathered on, as far as candidates show it */
    report_summary summary;
    report_failure *failures;
    size_t failure_count;
} gather_report;

/* False after a line on standard error: the trace file can't be written. */
bool report_init(gather_report *report, const gather_command *command);
void report_free(gather_report *report);

/* Families that are gathered on, FAMILY_BIT by FAMILY_BIT: the one that the candidate shows; 0: it shows
 * none. */
#define FAMILY_BIT(family) (1U << (family))
unsigned report_family(const floe_candidate *candidate);
/* Why a server was not asked, where nothing forbids it. `families`: as far as they are known. */
void report_not_asked_text(const gather_command *command, unsigned families, char *text,
                           size_t size);

/* Events; `gatherer` counts from 0, `ms` from the call of gather. */
void report_parameters(gather_report *report, unsigned gatherer, const floe_parameters *parameters);
void report_state(gather_report *report, unsigned gatherer, double ms,
                  enum floe_gatherer_state state);
void report_candidate(gather_report *report, unsigned gatherer, double ms,
                      const floe_candidate *candidate, bool withdrawn);
void report_end(gather_report *report, unsigned gatherer, double ms);
void report_error(gather_report *report, unsigned gatherer, double ms,
                  const floe_candidate_error *error);
/* From now on the settings' trace is told as the command wants it. */
void report_use_trace(gather_report *report, floe_settings *settings);
/* A server was asked, though maybe by another URL of the same; then those that were not are told.
 */
void report_asked(gather_report *report, const char *url);
void report_not_asked(gather_report *report, unsigned gatherer);
/* Which servers are awaited; from time to time. */
void report_progress(gather_report *report, double ms);
void report_summary_line(gather_report *report, const floe_api_statistics *statistics);

#endif
