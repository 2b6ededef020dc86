/* How `floe gather` shows what happens: a table for people, JSON lines for programs. */
#ifndef FLOE_CLI_REPORT_H
#define FLOE_CLI_REPORT_H

#include "cli/options.h"

#include <stdio.h>

typedef struct report_failure {
    char *url;
    char *address; /* NULL: none */
    char *text;
    unsigned code;
    unsigned times;
} report_failure;

/* Counts of a whole run. */
typedef struct report_summary {
    unsigned gatherers;
    unsigned host;
    unsigned srflx;
    unsigned relay;
    unsigned errors;
    double ms;
} report_summary;

typedef struct gather_report {
    const gather_command *command;
    FILE *trace;
    bool terminal;
    bool colour;
    bool header_printed;
    bool progress_shown;
    bool answered[URLS_MAX]; /* which servers have given something */
    report_summary summary;
    report_failure *failures;
    size_t failure_count;
} gather_report;

/* False after a line on standard error: the trace file can't be written. */
bool report_init(gather_report *report, const gather_command *command);
void report_free(gather_report *report);

/* Events; `gatherer` counts from 0, `ms` from the call of gather. */
void report_parameters(gather_report *report, unsigned gatherer, const floe_parameters *parameters);
void report_state(gather_report *report, unsigned gatherer, double ms,
                  enum floe_gatherer_state state);
void report_candidate(gather_report *report, unsigned gatherer, double ms,
                      const floe_candidate *candidate, bool withdrawn);
void report_end(gather_report *report, unsigned gatherer, double ms);
void report_error(gather_report *report, unsigned gatherer, double ms,
                  const floe_candidate_error *error);
void report_trace(gather_report *report, const floe_trace_event *event);
/* Which servers are awaited; from time to time. */
void report_progress(gather_report *report, double ms);
void report_summary_line(gather_report *report, const floe_api_statistics *statistics);

#endif
