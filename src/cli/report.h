/* How `floe gather` shows what happens: a table for people, JSON lines for programs. */
#ifndef FLOE_CLI_REPORT_H
#define FLOE_CLI_REPORT_H

#include "cli/failures.h"
#include "cli/options.h"
#include "cli/screen.h"
#include "cli/servers.h"
#include "cli/verdict.h"

#include <jansson.h>

/* Counts of a whole run; of candidates, those that stood when their gatherer was closed. */
typedef struct report_summary {
    unsigned gatherers;
    unsigned host;
    unsigned srflx;
    unsigned relay;
    bool found; /* any candidate, though it may be gone */
    unsigned withdrawn;
    unsigned errors;
    unsigned failed; /* of them, those by which a server, or a local address, is of no use */
    unsigned not_asked;
    bool interrupted;
    double ms;
} report_summary;

/* The widest of what the table's columns have held. */
typedef struct table_widths {
    size_t address;
    size_t related;
    size_t interface;
    bool wide;    /* the form with a heading */
    bool started; /* a row was printed */
} table_widths;

typedef struct live_view {
    uint64_t heard[URLS_MAX];     /* uv_hrtime() of the last answer; 0: none */
    uint64_t refreshed[URLS_MAX]; /* of the last answer to an Allocate or Refresh */
    uint64_t since;               /* when the holding began */
} live_view;

typedef struct gather_report {
    const gather_command *command;
    screen screen;
    bool live;    /* holding is shown on a terminal */
    bool holding; /* gathering is over */
    table_widths widths;
    report_summary summary;
    failure_list failures;
    server_table servers; /* of the first gatherer of the latest round */
    network_facts facts;  /* likewise */
    live_view view;
} gather_report;

/* False after a line on standard error: the trace file can't be written. */
bool report_init(gather_report *report, const gather_command *command);
void report_free(gather_report *report);

/* Events; `gatherer` counts from 0, `ms` from the call of gather. */
void report_start(const gather_report *report);
/* `generation`: from 1; a restart makes another one. */
void report_parameters(gather_report *report, unsigned gatherer, const floe_parameters *parameters,
                       uint32_t generation);
void report_state(gather_report *report, unsigned gatherer, double ms,
                  enum floe_gatherer_state state);
void report_candidate(gather_report *report, unsigned gatherer, double ms,
                      const floe_candidate *candidate, bool withdrawn);
/* Of an address of this machine. */
void report_network(gather_report *report, double ms, const floe_network_change *change);
void report_error(gather_report *report, unsigned gatherer, double ms,
                  const floe_candidate_error *error);
/* What became of its servers, when it is complete. `of_all`: the report's own rows are made of it. */
void report_servers(gather_report *report, unsigned gatherer, double ms,
                    const floe_gatherer_statistics *statistics, bool of_all);
void report_end(gather_report *report, unsigned gatherer, double ms, floe_gatherer *of);
/* From now on the settings' trace is told as the command wants it. */
void report_use_trace(gather_report *report, floe_settings *settings);
/* Which servers are awaited; from time to time. */
void report_progress(gather_report *report, double ms, const floe_gatherer_statistics *statistics);
/* All is gathered: what stands at the end, before it is held, or closed. */
void report_result(gather_report *report, const floe_api_statistics *statistics);
/* The summary as JSON, at the very end; of a hold, what became of it. */
void report_over(gather_report *report, const floe_api_statistics *statistics);

/* ── Its parts ── */

/* table.c: a row of a candidate. */
void table_row(gather_report *report, double ms, const floe_candidate *candidate);
void format_endpoint(char *text, size_t size, const char *address, unsigned port);
size_t report_number(const gather_report *report, const char *url);
/* block.c: servers, what of local addresses failed, the network. `failed`: the failed ones alone. */
void block_print(const gather_report *report, output *to, bool failed);
/* events.c: JSON lines. */
void events_start(const gather_report *report);
void events_parameters(unsigned gatherer, const floe_parameters *parameters, uint32_t generation);
void events_state(unsigned gatherer, double ms, enum floe_gatherer_state state);
void events_candidate(unsigned gatherer, double ms, const floe_candidate *candidate,
                      bool withdrawn);
void events_error(unsigned gatherer, double ms, const floe_candidate_error *error);
void events_network(double ms, const floe_network_change *change);
void events_servers(unsigned gatherer, double ms, const server_table *servers);
void events_verdict(unsigned gatherer, double ms, const network_facts *facts);
void events_end(unsigned gatherer, double ms, const char *username_fragment);
void events_summary(const gather_report *report, const floe_api_statistics *statistics);
json_t *json_milliseconds(double ms);
/* live.c: what is held. */
void live_begin(gather_report *report);
void live_hears(gather_report *report, const floe_trace_event *event);
/* From time to time. `statistics` of the first gatherer; NULL: none. */
void live_draw(gather_report *report, const floe_gatherer_statistics *statistics);
/* What is told amid a hold stands above the view, with the time of the hold. */
void live_tell(gather_report *report, const char *line);

#endif
