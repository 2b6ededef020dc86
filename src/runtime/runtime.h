/* The driver: private to src/runtime. It moves bytes between cores and the world, and decides
 * nothing.
 *
 * One lock for an api guards its cores and everything below that is not said to be the loop's. A
 * public call takes the lock, feeds a core, and wakes the loop; the loop thread polls the outputs,
 * does the I/O, and calls the user back with the lock released. */
#ifndef FLOE_RUNTIME_RUNTIME_H
#define FLOE_RUNTIME_RUNTIME_H

#include "base/memory.h"
#include "base/ring.h"
#include "base/table.h"
#include "base/time.h"
#include "runtime/changes.h"
#include "runtime/clock.h"
#include "runtime/entropy.h"
#include "runtime/interfaces.h"
#include "runtime/known_hosts.h"
#include "runtime/listen.h"
#include "runtime/mdns.h"
#include "runtime/resolver.h"
#include "runtime/tcp.h"
#include "runtime/timers.h"
#include "runtime/transport.h"
#include "runtime/udp.h"

#include <floe/core.h>
#include <floe/gatherer.h>
#include <uv.h>

typedef struct floe_look_up floe_look_up;

struct floe_api {
    floe_allocator allocator;
    uv_loop_t *loop;
    uv_loop_t own_loop;
    bool owns_loop;
    uv_thread_t thread; /* that runs the loop */
    uv_async_t wake;
    uv_mutex_t lock;
    uv_cond_t changed; /* a callback has ended, or a gatherer has become quiet */
    unsigned waiting;  /* so many threads wait for it */
    floe_core_shared *shared;
    floe_clock_reading clock_reading; /* the latest that any core was given */
    floe_entropy entropy;             /* the cores' */
    floe_list gatherers;              /* floe_gatherer.link */
    floe_list ready;                  /* floe_gatherer.ready: have outputs to be polled */
    floe_gatherer *mux;               /* has the sockets of all of them; NULL: each has its own */
    floe_table mux_sockets;           /* floe_shared_socket.node: there may be thousands */
    floe_list transports;             /* floe_transport.link */
    floe_list transports_ready;       /* floe_transport.ready */
    floe_gatherer *running; /* whose callback runs now, or that of one of its transports */
    floe_transport *running_transport;
    bool in_turn; /* who becomes ready is pumped before it ends, or the loop is woken then */
    /* The system has been asked within this turn, and nobody has called since. */
    bool interfaces_known;
    bool stopping;
    bool trust_read;   /* the system's authorities have been, and the cores have not heard */
    bool frees_itself; /* nobody waits for the end: the loop thread frees the api */
    bool network_told; /* the owner's function for its changes runs now */
    floe_network_change_handler on_network_change;
    void *network_change_data;
    unsigned lacks; /* floe_udp_lack: what the system has refused */
    floe_api_statistics statistics;
    void (*on_trace)(void *user_data, const floe_trace_event *event);
    void *trace_user_data;
    bool (*interface_filter)(void *user_data, const char *interface_name);
    bool (*ip_filter)(void *user_data, const floe_address *address);
    void *filter_user_data;
    floe_mdns_mode mdns_mode;
    bool mdns_name_given;
    bool wants_default_route;
    bool dont_fragment;
    floe_list look_ups;         /* floe_look_up.link: the owner's own, to be begun or let go of */
    floe_list known_hosts;      /* that the owner has named; changed by nobody */
    floe_list look_ups_begun;   /* those that are under way */
    floe_look_up *look_up_told; /* whose handler runs now */

    /* The loop thread's alone. */
    unsigned open_handles;
    uv_thread_t trust_thread; /* in which the system's authorities are read */
    bool trust_reads;         /* there is one */
    floe_clock clock;
    floe_timers timers;
    floe_interfaces interfaces;
    floe_changes changes;
    floe_resolver resolver;
    floe_mdns_service *mdns; /* NULL: it has not begun, or has ended */
    floe_watch watch;
    floe_udp_batch batch;
};

/* What is for the application's data: not every gatherer is for it. */
typedef struct floe_data_handlers {
    floe_packet_handler on_packet;
    floe_writable_handler on_writable;
    floe_unreachable_handler on_unreachable;
    void *packet_data;
    void *writable_data;
    void *unreachable_data;
    floe_transports transports;
    bool listens; /* for packets, with each of the gatherer's sockets: the loop thread's alone */
} floe_data_handlers;

struct floe_gatherer {
    floe_list link;
    floe_list ready;
    floe_api *api;
    floe_core *core;
    floe_gatherer *associated; /* of the other component; NULL: none, or it is gone */
    bool is_associated;        /* of component 2 */
    bool freed;                /* the user wants no callback any more */
    bool given_back;           /* and does not use the handle any more */
    bool quiet;                /* closed, and everything about it is done and told */
    bool pumping;              /* the loop thread's alone, as is the next */
    unsigned open_handles;
    floe_local_candidate_handler on_local_candidate;
    floe_local_candidate_handler on_candidate_withdrawn;
    floe_state_change_handler on_state_change;
    floe_error_handler on_error;
    void *local_candidate_data;
    void *candidate_withdrawn_data;
    void *state_change_data;
    void *error_data;
    floe_data_handlers *data; /* NULL: none was ever set */
    floe_ring sockets;        /* floe_udp.link */
    floe_tree connections;    /* floe_tcp.by_channel */
    floe_ring listeners;      /* floe_listening.link */

    /* The loop thread's alone. */
    floe_alarm alarm;  /* when its core is to be told the time */
    floe_ring waiters; /* floe_waiter.of_gatherer */
};

/* libuv's error as ours, told with what was tried. */
floe_error floe_uv_failed(int status, const char *what);
bool floe_on_loop_thread(const floe_api *api);
/* The time for a core: it is the only clock that cores are given, so that none is told an earlier time
 * than before, by whatever is read again of it (floe_clock_recent). The lock is held. */
floe_time floe_gatherer_now(floe_gatherer *gatherer);
/* Good enough for what is done in one go. The lock is held. */
floe_time floe_gatherer_recent(const floe_gatherer *gatherer);
/* While the loop thread goes through one batch, whose beginning and each owner's function behind it read the clock. The
 * lock is held. */
floe_time floe_gatherer_latest(const floe_gatherer *gatherer);
/* Makes room for what the application's data needs. The lock is held. */
floe_error floe_gatherer_want_data(floe_gatherer *gatherer);
/* As floe_gatherer_restart_with. The lock is held. */
floe_error floe_gatherer_restart_here(floe_gatherer *gatherer, const floe_restart_options *options);
/* Has the loop thread poll the gatherer's outputs. The lock is held. */
void floe_gatherer_wake(floe_gatherer *gatherer);
/* Begins the owner's look-ups that wait; and drops all of them. Loop thread; the lock is not held.
 */
void floe_look_ups_begin(floe_api *api);
void floe_look_ups_drop(floe_api *api);
/* Whether this handler is called now, or about to be. The lock is held. */
bool floe_look_up_is_told_to(const floe_api *api, floe_look_up_handler handler);
/* Makes api->mux, for settings.udp_mux_port. */
floe_error floe_gatherer_new_mux(floe_api *api);
/* The api has not begun. NULL is fine. */
void floe_gatherer_drop_mux(floe_api *api);
/* Closes and gives back the user's handle. The lock is held. */
void floe_gatherer_let_go(floe_gatherer *gatherer);
/* Polls outputs and does what they ask. Loop thread; the lock is not held. The gatherer may be gone
 * afterwards. */
void floe_gatherer_pump(floe_gatherer *gatherer);
/* There is something to read, an ICMP error among it, or the socket takes packets again. The same
 * as for _pump. */
void floe_gatherer_socket_ready(floe_udp *udp, bool errors, bool writable);
/* Gives the owner the packets that the latest input has brought. Loop thread; the lock is held, but
 * not while the owner's function runs. */
void floe_gatherer_give_packets(floe_gatherer *gatherer);
/* Loop thread: another handle of the gatherer's lives, or has been closed, and the gatherer may be
 * gone. */
void floe_gatherer_handle_opened(floe_gatherer *gatherer);
void floe_gatherer_handle_closed(floe_gatherer *gatherer);
/* Has the system's authorities read if a handshake waits for them. Loop thread; the lock is held.
 */
void floe_api_read_trust(floe_api *api);
/* Loop thread: another handle of libuv's lives, or has been closed. */
void floe_api_handle_opened(floe_api *api);
/* A function of the owner's has returned, which ran without the lock: takes it, and reads the clock, as that may have taken long. */
void floe_api_callback_over(floe_api *api);
/* Until a callback has ended, or a gatherer has become quiet; and tells those who wait. The lock is held. */
void floe_api_wait(floe_api *api);
void floe_api_tell_waiting(floe_api *api);
/* Around what the loop calls often: who becomes ready in between is pumped at its end, at once. Whether nobody is ready behind
 * it; else the loop has been woken for another turn: before that the sockets and the timers have theirs. */
void floe_api_turn_begins(floe_api *api);
bool floe_api_turn_ends(floe_api *api);
void floe_api_handle_closed(floe_api *api);

#endif
