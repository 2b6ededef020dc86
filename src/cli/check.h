/* Inside `floe turn check`: what is to be checked, and what came of it. Each row is one URL by one transport at one
 * address.
 *
 *     check_plan      URLs and names become rows
 *     check_run       one row: its gatherer, from beginning to end
 *     check_data      data through the relay to itself, or from outside
 *     check_outside   packets from this machine's own socket to the relayed address
 *     check_verdict   what all that means: the row's error, its warnings
 *     check_lines, check_json, check_grid   how it is shown */
#ifndef FLOE_CLI_CHECK_H
#define FLOE_CLI_CHECK_H

#include "cli/check_text.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/report.h"

#include <floe/floe.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define CHECK_PACKET_SIZE 1200 /* of data */

typedef enum check_state {
    CHECK_WAITS, /* its turn has not come */
    CHECK_RUNS,
    CHECK_OK,
    CHECK_FAILED,
    CHECK_SKIPPED, /* it cannot be checked from here: `error` says why */
    CHECK_STOPPED, /* interrupted before its end */
} check_state;

/* Whether data went through the relay to itself. */
typedef enum check_loop {
    LOOP_UNKNOWN,
    LOOP_PASSES,
    LOOP_REFUSED, /* the server answered that it does not relay to itself */
    LOOP_SILENT,
} check_loop;

typedef enum check_outside {
    OUTSIDE_NOT_TRIED, /* `outside_why` says why */
    OUTSIDE_OPEN,
    OUTSIDE_CLOSED,
} check_outside;

typedef enum check_transport {
    CHECK_UDP,
    CHECK_TCP,
    CHECK_TLS,
    CHECK_DTLS,
    CHECK_TRANSPORTS,
} check_transport;

typedef enum check_warning_kind {
    WARNING_OPEN_RELAY,
    WARNING_CERTIFICATE_ENDS,
    WARNING_NOT_VERIFIED,
    WARNING_PRIVATE_RELAY,
    WARNING_DATA_NOT_TESTED,
    WARNING_CROWDED,
    WARNINGS,
} check_warning_kind;

typedef struct check_row {
    /* What is to be checked. */
    size_t url_number; /* in the command's list */
    char url[320];     /* with its transport */
    char host[256];    /* without brackets */
    check_transport transport;
    uint8_t family;                       /* of the local addresses; none: either */
    char address[FLOE_ADDRESS_TEXT_SIZE]; /* of the server; "": it was not looked up here */
    uint16_t port;
    /* What came of it. */
    check_state state;
    bool again;       /* for the second time, with the server to itself */
    uint64_t began;   /* uv_hrtime() */
    double before_ms; /* the first time took, if it is for the second */
    double took_ms;   /* both together */
    bool heard;       /* it has answered something */
    char server[FLOE_ADDRESS_TEXT_SIZE + 8];
    char error[640];              /* "": none */
    const char *reason;           /* a fixed word; "": none */
    uint16_t code;                /* of the server's error; 0: none */
    char warnings[WARNINGS][640]; /* "": none */
    char relays[2][FLOE_ADDRESS_TEXT_SIZE];
    size_t relay_count;
    double connect_ms;
    double round_trip_ms;
    char tls[16];
    char secured[256]; /* what the handshake has shown; "": there was none, or it failed */
    double secured_ms;
    bool resumed;
    char certificate[96];
    int64_t certificate_until;
    int verified;    /* by --insecure: 1 it would have been accepted, 0 not, -1 not known */
    char doubt[512]; /* why not */
    char authentication[48];
    char software[64];
    char realm[128];
    uint32_t lifetime;
    uint16_t family_error;
    uint16_t
        crowded; /* by which a relay was refused, as there are too many: by 486 or 508; 0: none was */
    bool mobility;
    bool tcp_relay;
    bool tcp_asked; /* over UDP no server can be (RFC 6062 §4.1) */
    bool tcp_known; /* whether it has a relay for TCP: it said so, or had its time */
    check_loop loop;
    uint16_t loop_code; /* by which it was refused */
    bool by_outside;    /* the data came from outside, as the loop does not pass */
    unsigned sent;
    unsigned received;
    double data_round_trip_ms; /* mean */
    double mbit;
    check_outside outside;
    char outside_why[200];
    bool outside_refused; /* as the server forbids this machine as a peer */
    char outside_from[FLOE_ADDRESS_TEXT_SIZE + 8]; /* as the server saw it */
    char outside_to[FLOE_ADDRESS_TEXT_SIZE + 8];   /* the relayed address */
    char outside_ip[FLOE_ADDRESS_TEXT_SIZE];       /* without its port */
    bool outside_elsewhere;                        /* which is not the server's own */
    check_outside outward;                         /* what the relay sends to this machine */
    char outside_icmp[48];
    unsigned tries;
} check_row;

struct check_run;

typedef struct turn_checker {
    const gather_command *command;
    const gather_report *report;
    floe_settings settings; /* of every row, but for its filters and names */
    uv_loop_t loop;
    uv_timer_t timer; /* for the screen, and between rows */
    interrupt interrupted;
    check_row *rows;
    size_t row_count;
    size_t shown;                     /* of them, in their order */
    check_text drawn;                 /* what stands on the screen now */
    struct check_run *runs[JOBS_MAX]; /* those of now; NULL: a free place */
    size_t running;
    struct check_run *latest; /* all that have begun, by their `before` */
    void *plan;
    size_t loads;       /* rows that send data now */
    bool loading_alone; /* and no other may */
    uint64_t ended;     /* when the latest row did */
    bool broken;        /* there is no going on: it has been told why */
    uint64_t began;
} turn_checker;

/* Fills checker->rows. False: wrong usage, or nothing could be begun: it has been told, and *status says which. */
bool check_plan(turn_checker *checker, int *status);
/* Once the loop has ended. */
void check_plan_free(turn_checker *checker);

/* Begins a row; False: it cannot be, which has been told. check_row_ended() is called at its end. */
bool check_run_begin(turn_checker *checker, check_row *row);
/* Once the loop has ended. */
void check_runs_free(turn_checker *checker);
/* Ends it soon, whatever it lacks. */
void check_run_stop(struct check_run *run);
void check_row_ended(turn_checker *checker, struct check_run *run, check_row *row);

/* What the facts mean: state, error, reason and warnings. */
void check_verdict(const turn_checker *checker, check_row *row);
/* Of a hundred packets; negative: none were sent. */
double check_loss(const check_row *row);
long check_days_left(const check_row *row);

const char *check_transport_name(check_transport transport);
bool check_is_stream(check_transport transport);
const char *check_family_name(uint8_t family); /* "IPv4", "IPv6"; "" for none */

typedef struct check_counts {
    size_t ok;
    size_t failed;
    size_t skipped;
    size_t stopped; /* or not begun */
    size_t warnings;
    size_t causes; /* of those that failed, different ones */
} check_counts;

check_counts check_count(const turn_checker *checker);
/* Of a row that has failed: the number of its cause among the different ones, from 1 on. */
unsigned check_cause_of(const turn_checker *checker, const check_row *row);

/* JSON: an event each. */
void check_json_row(const check_row *row);
void check_json_summary(const turn_checker *checker, int status);

/* Lines: a row whole, when it has ended; and what stands behind the rows. */
void check_lines_row(const turn_checker *checker, const check_row *row);
void check_lines_end(const turn_checker *checker, int status);

/* On a terminal: the grid, redrawn in place while rows run; and at the end, with all that is known. */
void check_grid_draw(turn_checker *checker);
void check_grid_end(turn_checker *checker, int status);

#endif
