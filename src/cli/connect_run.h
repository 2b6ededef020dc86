/* One run of `floe connect`, which its parts share. */
#ifndef FLOE_CLI_CONNECT_RUN_H
#define FLOE_CLI_CONNECT_RUN_H

#include "cli/generations.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/report.h"
#include "cli/signalling.h"
#include "cli/ticket.h"

#include <floe/transport.h>

enum { CONNECT_WAS_CONNECTED = 0, CONNECT_FAILED = 1, CONNECT_USAGE = 2 };

/* In one packet of lines or of --pipe. */
#define CONNECT_PACKET_MAX 1200

typedef enum connect_mode {
    CONNECT_LINES,
    CONNECT_PIPE,
    CONNECT_JSON,
} connect_mode;

/* The exchange of tickets. */
typedef struct ticket_exchange {
    bool gathered; /* as far as is waited for */
    bool own_given;
    bool other_taken;
    bool ended;    /* the input where the other's is read, and that has been told */
    input of_file; /* or of the terminal: where it is not standard input */
    input *from;   /* NULL: --remote has it */
    char pending[TICKET_TEXT_SIZE]; /* what has come of it */
    bool empty;                     /* the last line was */
    floe_parameters other;
} ticket_exchange;

/* Data, in lines and with --pipe. */
typedef struct talk {
    bool begun;
    bool full;  /* `packet` waits for room */
    bool over;  /* nothing more is sent */
    bool said;  /* our goodbye */
    bool heard; /* the other's */
    bool finishing;
    unsigned goodbyes; /* said since it is finishing, or since the input ended */
    char packet[CONNECT_PACKET_MAX];
    size_t size;
    uint64_t refilled; /* when `budget` was */
    double budget;     /* of bytes that may be sent now */
    unsigned long long lost;
    size_t waiting; /* the least that has waited since it finishes */
    uint64_t shrunk;
} talk;

/* The other side as --json hears it. */
typedef struct remote_side {
    signalling from;
    generations generations;
    bool known;
    char *ended;  /* that of a generation whose end has come before its parameters; NULL: none */
    void *packet; /* waits for room; NULL: none */
    size_t size;
} remote_side;

/* Whose state was told last, of those that are tried. */
#define TOLD_PAIRS 256
typedef struct told_pair {
    uint32_t local_id;
    floe_address remote;
    floe_ice_pair_state state;
} told_pair;

typedef struct connect_run {
    gather_command command;
    connect_mode mode;
    gather_report report;
    uv_loop_t loop;
    interrupt interrupted;
    uv_timer_t patience; /* for candidates */
    uv_timer_t redraw;
    uv_timer_t hold;
    uv_timer_t pace; /* of --pipe */
    uv_timer_t goodbye;
    uv_timer_t give_up;
    floe_api *api;
    floe_gatherer *gatherer;
    floe_transport *transport;
    uint64_t started; /* uv_hrtime() */
    input in;         /* standard input */
    ticket_exchange tickets;
    talk talk;
    remote_side remote;
    told_pair told[TOLD_PAIRS];
    size_t told_count;
    told_pair chosen; /* the last */
    bool found;       /* a candidate */
    bool connected;   /* it has been */
    bool drawing;
    bool ending;
    bool closed;
    int status;
} connect_run;

double connect_ms(const connect_run *run);
/* Closes, and ends with this status, unless it ends already. */
void connect_end(connect_run *run, int status);
/* Why it does not connect is told, and it ends. */
void connect_fail(connect_run *run);
/* Begins checks; told what is wrong, false. */
bool connect_start(connect_run *run, const floe_parameters *remote, bool was_first);

/* connect_tickets.c: the exchange of tickets. */
/* False: after a line that tells what is wrong with what the options say. */
bool tickets_begin(connect_run *run);
/* A candidate was found, or, `complete`, no more will be. */
void tickets_hear(connect_run *run, bool complete);
void tickets_ready(void *data);

/* connect_talk.c: what goes to the other side, and what comes. */
/* It is connected. */
void talk_begin(connect_run *run);
void talk_pump(connect_run *run);
void talk_hear(connect_run *run, const floe_packet *packet);
/* Whether there is room for a packet on standard output; false: it is counted as lost. */
bool talk_is_read(connect_run *run);
/* There is room. */
void talk_writable(connect_run *run);
/* Says goodbye as far as it can, and ends. */
void talk_finish(connect_run *run, int status);

/* connect_remote.c: the signalling of --json. */
void remote_begin(connect_run *run);
/* More of the input is there, or there is room for packets. */
void remote_ready(void *data);
void remote_writable(connect_run *run);
/* It is connected. */
void remote_connected(connect_run *run);

/* connect_report.c: for people. */
/* Above what is drawn. Without the line's end. */
void connect_tell(connect_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pairs_draw(connect_run *run);
void pairs_tell(connect_run *run, const floe_ice_pair *pair);
void pairs_tell_chosen(connect_run *run, const floe_ice_pair *pair);
/* All of them, with what has failed, and the sentence that says why. */
void pairs_tell_failure(connect_run *run);
/* Where people look. */
output *connect_output(const connect_run *run);

/* connect_events.c: JSON lines. */
void events_transport(const connect_run *run, floe_ice_state state);
void events_pair(const connect_run *run, const floe_ice_pair *pair);
void events_packet(const connect_run *run, const floe_packet *packet);
void events_consent_lost(const connect_run *run);
void events_failed(const connect_run *run);

#endif
