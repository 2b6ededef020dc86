/* One agent, and a peer that is played by hand. */
#ifndef FLOE_ICE_HAND_H
#define FLOE_ICE_HAND_H

#include "support.h"

#include "base/time.h"
#include "ice/ice.h"
#include "stun/key.h"
#include "stun/writer.h"

#include <floe/core.h>

#define SENT_MAX 256

extern const char *const remote_user;
extern const char *const remote_password;
extern const char *const peer;
/* By TCP: candidates of the peer's, and our address as it sees that. */
extern const char *const listening;
extern const char *const connecting;
extern const char *const ours_by_tcp;

#define HAND_CHANNELS 64

typedef struct sent {
    floe_time at;
    uint32_t channel;
    floe_address to;
    uint8_t data[1500];
    size_t size;
    bool is_answered;
} sent;

typedef struct fixture {
    counting_allocator memory;
    seeded_random random;
    floe_core_shared *shared;
    floe_core *core;
    floe_ice *ice;
    floe_time now;
    floe_parameters local;
    uint32_t channel;
    floe_address socket;
    uint32_t listener;                /* for TCP */
    uint32_t connecting;              /* the latest channel of a connection that was asked for */
    uint32_t closed;                  /* the latest channel that was closed */
    floe_address ends[HAND_CHANNELS]; /* to whom a connection is, by its channel */
    sent sent[SENT_MAX];
    size_t count;
    uint8_t data[1000];
    char states[512];
    char names[1024];   /* that were to be looked up */
    char changes[4096]; /* of pairs, by their remote port */
    unsigned selections;
    bool has_selected;
    floe_ice_pair selected;
    uint32_t by; /* 0: UDP */
    struct {
        floe_stun_id id;
        uint32_t channel;
        uint16_t method;
    } asked[16]; /* what the TURN server is to answer */
    size_t asked_count;
    char permitted[512]; /* whom it lets in */
    bool delivered;      /* the latest packet was the application's */
    const char *answers; /* checks that are sent there are answered at once; NULL: by the test */
} fixture;

extern bool lite;   /* the core */
extern bool hidden; /* its policy is relay */
extern bool tcp;
extern bool renominates; /* the peer */
extern bool relays;      /* with tcp: a TURN server, by TCP, gives relays for TCP */
extern bool late;        /* and answers with the first output behind that */
extern bool follows;     /* the gatherer follows the network */
extern const char *own;  /* the address of the only interface; NULL: it has none */

typedef struct request {
    const char *username; /* NULL: "LOCAL:remo" */
    const char *password; /* NULL: the local one; "": no integrity */
    uint32_t priority;
    uint16_t role; /* an attribute; 0: none */
    uint64_t tie_breaker;
    bool use_candidate;
    bool unknown;
    uint32_t nomination; /* 0: none */
} request;

extern const request usual;
/* Of the controlling side. */
extern const request plain_check;
extern const request nominating_check;

typedef struct response {
    uint16_t code; /* 0: a success */
    const char *from;
    const char *mapped;   /* NULL: as it is */
    const char *password; /* NULL: the right one; "": none */
    bool wrong_id;
    bool unknown;
    bool nothing; /* no mapped address */
} response;

void outputs(fixture *f);
void run_until(fixture *f, uint64_t ms);
uint64_t ms(const fixture *f);
void begin_with(fixture *f, const floe_ice_options *options);
void begin(fixture *f);
void end(fixture *f);
void start(fixture *f, floe_ice_role role);
floe_error add(fixture *f, const char *text);
void add_peer(fixture *f);
floe_error take_away(fixture *f, const char *text);
/* A look-up has ended. */
void found(fixture *f, const char *name, floe_error error, const char *const *addresses,
           size_t count);
void sign(floe_stun_writer *writer, const char *password);
void begin_with_peer(fixture *f, floe_ice_role role);
/* No more candidates come from either side. */
void both_end(fixture *f);
void comes(fixture *f, const char *from, const void *data, size_t size);
/* Without what signs it. */
floe_stun_writer write_check(fixture *f, const request *what, void *bytes, size_t size);
floe_stun_writer write_response(const fixture *f, const sent *one, const response *what,
                                void *bytes, size_t size);
void check(fixture *f, const char *from, const request *what);
/* The latest connection that was asked for stands; it does not; somebody has connected; one has ended. */
void connected(fixture *f);
void refused(fixture *f);
uint32_t accepted(fixture *f, const char *from);
void disconnected(fixture *f, uint32_t channel);
/* What comes next comes by this connection; 0: by UDP. */
void by(fixture *f, uint32_t channel);
floe_stun_message message_of(const sent *one);
bool is_check(const sent *one);
unsigned answered(const fixture *f);
size_t checks_to(const fixture *f, const char *to);
const sent *last_check(const fixture *f);
const sent *latest_to(const fixture *f, const char *to);
void respond_to(fixture *f, const sent *one, const response *what);
void respond(fixture *f);
/* That to the latest check, by the connection that it came by. */
void respond_by(fixture *f, uint32_t channel, const char *mapped);
/* Begins and starts with host candidates for TCP; with numbers of nominations. */
void begin_tcp(fixture *f, floe_ice_role role, bool numbers);
/* A pair from our active candidate is chosen. Returns its connection. */
uint32_t choose_tcp(fixture *f, floe_ice_role role);
/* Those to f->answers. */
void answer_new(fixture *f);
floe_ice_pair pair_to(const fixture *f, const char *remote);
size_t pair_count(const fixture *f);

#endif
