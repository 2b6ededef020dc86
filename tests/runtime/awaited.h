/* A gathering of all kinds, from the relay server (relay_server.h), that somebody waits for. */
#ifndef FLOE_TESTS_RUNTIME_AWAITED_H
#define FLOE_TESTS_RUNTIME_AWAITED_H

#include <floe/floe.h>
#include <pthread.h>
#include <stdbool.h>

/* Set-up and teardown of a group of tests: the server. */
int awaited_server_start(void **state);
int awaited_server_stop(void **state);

/* The server by STUN at its address and by its name, by TURN over UDP and over TCP. */
#define AWAITED_URLS 4

typedef struct awaited_options {
    char texts[AWAITED_URLS][64];
    const char *urls[AWAITED_URLS];
    floe_ice_server server;
    floe_gather_options options;
} awaited_options;
void awaited_options_init(awaited_options *all);

/* What one gatherer has told so far. */
typedef struct awaited {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned of_type[FLOE_CANDIDATE_TYPE_RELAY + 1];
    unsigned errors;
    unsigned ends; /* NULL candidates */
} awaited;
void awaited_init(awaited *of);
void awaited_destroy(awaited *of);
/* Handlers. */
void awaited_candidate(void *data, const floe_candidate *candidate);
void awaited_error(void *data, const floe_candidate_error *error);
/* Waits for so many ends; false when they don't come in a minute. */
bool awaited_end(awaited *of, unsigned ends);
/* Waits for an end, and until all is there or an error has come: a relay that is lost as soon as it
 * is had is asked for again, and may come behind the end. */
bool awaited_all_or_error(awaited *of);
/* A host, a reflexive candidate, and relays by both transports. */
bool awaited_all(const awaited *of);

#endif
