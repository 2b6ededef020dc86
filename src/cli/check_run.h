/* Inside src/cli/check_*.c: a row while it runs. */
#ifndef FLOE_CLI_CHECK_RUN_H
#define FLOE_CLI_CHECK_RUN_H

#include "cli/check.h"

#define CHECK_PLACES_MAX 8

/* A local address that packets can be sent from. */
typedef struct check_place {
    uint32_t id;
    floe_address address;
} check_place;

/* Data: packets with numbers, by one way or another back to us by the relay. */
typedef struct check_data {
    uint64_t probing; /* since when; 0: not */
    uint64_t loading; /* since when; 0: not */
    uint64_t waiting; /* for its turn to load, since when; 0: not */
    uint8_t *came;    /* which packets of the load, a bit each by their numbers from 1 on */
    size_t load;      /* how many there may be */
    size_t place;     /* of run->hosts: from which the first came, of data from outside */
    double first_ms;  /* the first packet's way, there and back */
    uint64_t last_received;
    double round_trips;
    bool alone;     /* nobody else may load meanwhile */
    bool disturbed; /* somebody else did */
    bool done;
} check_data;

typedef struct check_tries {
    uint64_t began;    /* 0: not */
    uint64_t standing; /* since when the permissions may stand; 0: they do not */
    uint64_t asked;    /* when the permissions were asked for last */
    uint64_t alive;    /* when the relay has heard itself last; 0: never */
    unsigned echoes;   /* that the relay has sent to this machine */
    unsigned granted;  /* permissions and channels that the server gave */
    floe_address mapped[CHECK_PLACES_MAX]; /* what we look like from there */
    bool refused[CHECK_PLACES_MAX];
    size_t mapped_count;
    floe_gatherer *asks; /* whether UDP goes out of here at all; NULL: not asked */
    bool udp_known;      /* that it does, or does not */
    bool udp_works;
    bool done;
} check_tries;

typedef struct check_run {
    struct check_run *before; /* that began before it; NULL: none */
    turn_checker *checker;
    check_row *row;
    size_t slot; /* in checker->runs */
    floe_settings settings;
    gather_filters filters;
    char host_address[320];
    const char *host_addresses[1];
    uv_timer_t timer;  /* the tick, once there is a relay */
    uv_timer_t ending; /* until it is over */
    size_t handles;    /* that are not closed yet */
    floe_api *api;
    floe_gatherer *gatherer;
    floe_api *doubting_api; /* the same once more, without --insecure; NULL: no */
    floe_gatherer *doubting;
    uint32_t relay_id; /* 0: none */
    floe_address relay;
    floe_address other_relay; /* of the other family, which serves if there is none of the row's */
    uint32_t other_id;
    uint64_t other_since;
    check_place hosts[CHECK_PLACES_MAX];
    size_t host_count;
    check_data data;
    check_tries outside;
    uint16_t refused_code; /* of the latest permission that was refused */
    bool gathered;         /* all that the server gives is known */
    bool full;             /* it refused an allocation as there were too many */
    bool in_time;          /* and nothing was being asked still */
    uint64_t rest;         /* since when nothing but what the server may yet say is waited for */
    bool stopping;
} check_run;

/* The tick of a row with a relay. */
#define CHECK_TICK_MS 10

/* Milliseconds since then. */
double check_since(uint64_t then);
/* What a packet takes there and back, as far as it is known. */
double check_round_trip(const check_run *run);
/* How long anything may take: the server is asked for more than one thing on the way. */
double check_patience(const check_run *run);

void check_data_begin(check_run *run);
void check_data_tick(check_run *run);
/* Whether the packet was one of its. */
bool check_data_packet(check_run *run, const floe_packet *packet);
void check_data_refused(check_run *run);
void check_data_free(check_run *run);

void check_outside_begin(check_run *run);
void check_outside_tick(check_run *run);
bool check_outside_packet(check_run *run, const floe_packet *packet);
/* The peer is refused by the server; false: it is none of those that are tried from. */
bool check_outside_refused(check_run *run, const floe_address *peer);
void check_outside_unreachable(check_run *run, floe_unreachable reason);
void check_outside_mapped(check_run *run, const char *address, uint16_t port);
void check_outside_free(check_run *run);

#endif
