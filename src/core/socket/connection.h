/* A connection to a server by TCP, TLS or DTLS, through a proxy or not; or with a peer by TCP alone. It knows nobody but
 * its owner's table. */
#ifndef FLOE_CORE_SOCKET_CONNECTION_H
#define FLOE_CORE_SOCKET_CONNECTION_H

#include "base/queue.h"
#include "base/tree.h"
#include "core/outbox/failure.h"
#include "core/outbox/outbox.h"
#include "core/types.h"
#include "proxy/proxy.h"
#include "secure/secure.h"
#include "stun/framing.h"

/* What its owner hears of it. Each may close it, and have it forget its owner. Those but `message` and `gone` are NULL for an
 * owner who has nothing to do then. */
typedef struct floe_connection_owner {
    /* It is ready for messages. */
    void (*ready)(floe_core *core, floe_time now, void *owner);
    /* A message came. Whether it is a packet for the gatherer's owner. */
    bool (*message)(floe_core *core, floe_time now, void *owner, floe_span frame,
                    floe_packet *packet);
    /* It could not be opened, was refused, or is broken: it is the owner's no more. Takes the
     * failure over. */
    void (*gone)(floe_core *core, floe_time now, void *owner, floe_failure failure);
    /* The channel, which had no room, takes again what waited: the latest request leaves now. */
    void (*leaves)(void *owner, floe_time now);
    /* How far it has come, or what waits on it, may be another. */
    void (*changed)(floe_core *core, void *owner);
    /* ICMP speaks of it. */
    void (*unreachable)(floe_core *core, floe_time now, void *owner, floe_unreachable reason);
} floe_connection_owner;

/* Where it leads, for whom. */
typedef struct floe_connection_plan {
    const floe_connection_owner *calls;
    void *owner;
    const floe_base *base;
    const floe_url *url; /* NULL: it is with a peer, whom no proxy stands before */
    const char *host;    /* that its certificate must name */
    floe_address server; /* which is asked; behind a proxy, by the URL's own name */
    floe_address local;  /* family none: any port of the base's address */
    floe_address proxy;  /* which is connected to, where the URL goes by one */
    uint32_t channel;    /* of one that a mux has accepted; 0: another */
    uint8_t transport;   /* a floe_protocol */
    bool redirected;     /* `server` is another than the URL's */
    bool stun_alone;     /* nothing else is to come yet */
    bool holds;          /* what is sent before it is ready waits until it is */
} floe_connection_plan;

typedef struct floe_connection_story floe_connection_story;

/* A way to a server by TCP, TLS or DTLS. */
struct floe_connection {
    floe_list link; /* in core->connections */
    floe_tree_node by_channel;
    floe_alarm alarm;   /* on core->connection_times; its order is that in which they were made */
    floe_output output; /* CONNECT, DISCONNECT */
    floe_output send_output;
    const floe_connection_owner *calls;
    void *owner; /* NULL: it is being closed */
    const floe_base *base;
    uint32_t channel;
    uint8_t state;     /* a floe_connection_state */
    uint8_t transport; /* a floe_protocol */
    bool opened;       /* the driver has heard of it */
    bool blocked;      /* the channel takes no more for now */
    bool holds;        /* what is sent before it is ready waits until it is */
    floe_address local;
    floe_address remote; /* the server, or the proxy */
    floe_time started;
    floe_duration connecting; /* how long it took until it was ready */
    floe_time give_up;
    floe_time retransmit; /* DTLS's own timer */
    floe_secure *secure;  /* NULL: plain */
    floe_proxy *proxy;    /* NULL: none, or it has done its part */
    floe_framer framer;
    floe_queue queue; /* plain bytes that wait */
    uint32_t full_for;
    size_t ahead; /* of what the channel has yet to accept: up to the end of the last request */
    size_t taken; /* and of that, what the driver has in hand */
    floe_time accepted; /* when the channel had room again, having had none */
    floe_span input;    /* what came and is not taken yet */
    floe_span plain;    /* likewise, decrypted */
    floe_connection_story
        *story; /* what the trace says of it; NULL: nothing (connection_trace.h) */
    bool failed;
    bool heard; /* something came on it */
};

/* Opens one; NULL without memory. */
floe_connection *floe_connection_new(floe_core *core, floe_time now,
                                     const floe_connection_plan *plan);
/* The other side has opened it: it is ready, and nobody is told; NULL without memory. */
floe_connection *floe_connection_accepted(floe_core *core, floe_time now,
                                          const floe_connection_plan *plan);
/* It has failed by then, unless another time is said before; never: it has not. */
void floe_connection_give_up_at(floe_core *core, floe_connection *connection, floe_time when);

/* Nobody hears of it any more. */
static inline void floe_connection_disown(floe_connection *connection)
{
    connection->owner = NULL;
}

/* Sends a message on it. FLOE_ERR_QUEUE_FULL: more than `limit` bytes would wait then;
 * FLOE_ERR_NO_MEMORY. While it is not ready what is sent is lost, as UDP may lose it. */
floe_error floe_connection_send(floe_core *core, floe_connection *connection, size_t limit,
                                const floe_span *parts, size_t count);
/* A request of the relay's is the latest that waits: it leaves behind all that waited before. */
void floe_connection_requested(floe_connection *connection);
/* Whether the channel has accepted that, and takes more. */
bool floe_connection_request_left(const floe_connection *connection);
/* Says the end to the other side and closes, behind what waits to be sent. */
void floe_connection_close(floe_core *core, floe_connection *connection);
/* All of them. */
const floe_list *floe_connections_of(const floe_core *core);
/* Whose bytes are not used up yet; NULL: nobody's. */
floe_connection *floe_connection_receiving(const floe_core *core);
void floe_connection_receives(floe_core *core, floe_connection *connection);
floe_connection *floe_connection_of_channel(const floe_core *core, uint32_t channel);
void floe_connection_opened(floe_core *core, floe_time now, floe_connection *connection,
                            const floe_address *local);
/* It cannot be opened, was refused, or is broken. */
void floe_connection_failed(floe_core *core, floe_time now, floe_connection *connection,
                            floe_failure failure);
/* How it stands, as a failure of this kind. */
floe_failure floe_connection_failure(const floe_connection *connection, floe_failure_kind kind,
                                     floe_time now);
/* Gives it what came, whole datagrams with DTLS; then each message in it is taken in its turn until
 * one is a packet for the owner, who gets it and asks again: true. */
void floe_connection_feed(floe_connection *connection, const void *data, size_t size);
bool floe_connection_next(floe_core *core, floe_time now, floe_connection *connection,
                          floe_packet *packet);
/* Those that are due. */
void floe_connections_time(floe_core *core, floe_time now);
floe_time floe_connections_deadline(const floe_core *core);
void floe_connections_sweep(floe_core *core);
void floe_connection_blocked(floe_core *core, uint32_t channel);
void floe_connection_writable(floe_core *core, floe_time now, floe_connection *connection);
/* As close, when the gatherer is closed. */
void floe_connection_end(floe_core *core, floe_connection *connection);
void floe_connection_free(floe_core *core, floe_connection *connection);
/* The outputs. */
bool floe_connection_poll_open(floe_core *core, floe_time now, floe_connection *connection,
                               floe_core_output *output);
bool floe_connection_poll_close(floe_core *core, floe_time now, floe_connection *connection,
                                floe_core_output *output);
bool floe_connection_poll_send(floe_core *core, floe_connection *connection,
                               floe_core_output *output);

/* What TLS and DTLS take in one piece. */
#define FLOE_SECURE_DATA_MAX ((size_t)16000)

/* How many bytes wait on it. */
size_t floe_connection_waiting(const floe_connection *connection);

#endif
