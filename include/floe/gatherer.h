/* The gatherer (ORTC RTCIceGatherer, Pion ICEGatherer). */
#ifndef FLOE_GATHERER_H
#define FLOE_GATHERER_H

#include <floe/api.h>
#include <floe/candidate.h>
#include <floe/options.h>
#include <floe/packet.h>
#include <floe/statistics.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A gatherer of ICE candidates. Every function may be called from any thread at any time between
 * floe_gatherer_new and floe_gatherer_free, from inside callbacks too.
 *
 * Callbacks run on the loop thread, in the order of the events, never two at a time for one api,
 * and never under a lock of the library. No pointer that one is given survives it.
 */
typedef struct floe_gatherer floe_gatherer;

/**
 * Makes a gatherer in state new. Opens no socket, sends nothing. Everything that can be checked is
 * checked here (ORTC RTCIceGatherer's constructor; Pion NewICEGatherer).
 *
 * @param api       lives longer than the gatherer.
 * @param options   copied; NULL: no servers, policy all.
 * @param gatherer  receives the handle; freed by floe_gatherer_free.
 * @return FLOE_OK; FLOE_ERR_SYNTAX: a URL (RFC 7064, 7065); FLOE_ERR_INVALID_ACCESS: a turn(s) URL
 *         without username or credential; FLOE_ERR_INVALID_ARGUMENT; FLOE_ERR_NO_MEMORY;
 *         FLOE_ERR_RANDOM. floe_last_error() names the field and the value.
 */
FLOE_EXPORT floe_error floe_gatherer_new(floe_api *api, const floe_gather_options *options,
                                         floe_gatherer **gatherer);

/**
 * Closes the gatherer if it is not closed, and frees it. No callback of it runs after this returns;
 * so from another thread than the loop's it waits for one that is running, unless the api runs on
 * the caller's own loop and that loop is not running one.
 *
 * @param gatherer  may be NULL. The handle is gone.
 */
FLOE_EXPORT void floe_gatherer_free(floe_gatherer *gatherer);

/**
 * Makes the gatherer of the other component, RTCP's (ORTC createAssociatedGatherer): the same
 * parameters, servers and policy, component 2; its candidates, state and handlers are its own. It
 * restarts with `gatherer`, and is otherwise a gatherer like any other: each may be closed and
 * freed before the other.
 *
 * @param gatherer    of component 1, from which none has been made yet.
 * @param associated  receives the handle; freed by floe_gatherer_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE: it is closed, or has made one, or is one itself;
 *         FLOE_ERR_INVALID_ARGUMENT for NULL; FLOE_ERR_NO_MEMORY.
 */
FLOE_EXPORT floe_error floe_gatherer_create_associated(floe_gatherer *gatherer,
                                                       floe_gatherer **associated);

/**
 * Starts gathering, and returns at once: state gathering first, then candidates, then state
 * complete, then the NULL candidate (Pion Gather).
 *
 * In state complete it gathers afresh: the interfaces are listed again, the bindings to
 * servers are asked again, servers that failed get another chance. Only what is new is reported;
 * what serves no longer is withdrawn. With a pool (options.candidate_pool_size) what it has found
 * by then is reported at once; where it was complete, it gathers afresh behind that.
 *
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE while gathering and when closed.
 */
FLOE_EXPORT floe_error floe_gatherer_gather(floe_gatherer *gatherer);

/**
 * Begins a new generation (W3C and Pion restart): new username fragment and
 * password, state new; call gather then. Gathering that is under way ends without another event.
 * Sockets, bindings and allocations that still serve are used again; their candidates are reported
 * anew, by the ids that they had: packets go and come by these meanwhile. What is not found again
 * is withdrawn before that gathering is complete. The former username fragment and password, and
 * after several restarts those that the peer has used last, are believed in checks
 * (floe_check.former) until the first check by the new ones (RFC 8445 §9, RFC 7675).
 *
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE: it is closed, or is an associated one, which restarts
 *         with the gatherer that it belongs to; FLOE_ERR_RANDOM, with nothing changed;
 *         FLOE_ERR_INVALID_ARGUMENT for NULL.
 */
FLOE_EXPORT floe_error floe_gatherer_restart(floe_gatherer *gatherer);

/**
 * Replaces servers and policy (W3C setConfiguration). Before gathering they take
 * effect; during and after, at the next gather or restart. When that is complete, relays of servers that are
 * not among them any more are released, and their candidates withdrawn. Where a URL has other
 * credentials its former relay goes 30 s after another was had by these, so that the peer can hear of
 * that, and stays where none was had. A policy that was loosened
 * reports what had been held back; one that was tightened takes nothing back that was given, but
 * hands it out no more. A pool that is being filled is thrown away and filled again.
 *
 * @param options  as in floe_gatherer_new.
 * @return as floe_gatherer_new; FLOE_ERR_INVALID_STATE when closed. On an error nothing changes.
 */
FLOE_EXPORT floe_error floe_gatherer_set_options(floe_gatherer *gatherer,
                                                 const floe_gather_options *options);

/**
 * What was counted so far: of each candidate, and of each server.
 *
 * @param statistics  receives them; freed by floe_gatherer_statistics_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE when closed; FLOE_ERR_INVALID_ARGUMENT for NULL;
 *         FLOE_ERR_NO_MEMORY.
 */
FLOE_EXPORT floe_error floe_gatherer_get_statistics(floe_gatherer *gatherer,
                                                    floe_gatherer_statistics **statistics);

/**
 * The ICE parameters to signal to the other side: made with the gatherer, the same until a restart.
 *
 * @param parameters  receives a copy; its `size` says how much of it the caller knows.
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE when closed; FLOE_ERR_INVALID_ARGUMENT for NULL.
 */
FLOE_EXPORT floe_error floe_gatherer_get_local_parameters(floe_gatherer *gatherer,
                                                          floe_parameters *parameters);

/**
 * All candidates that were found so far and not withdrawn.
 *
 * @param list  receives a list, empty before gathering; freed by floe_candidate_list_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE when closed; FLOE_ERR_INVALID_ARGUMENT for NULL;
 *         FLOE_ERR_NO_MEMORY.
 */
FLOE_EXPORT floe_error floe_gatherer_get_local_candidates(floe_gatherer *gatherer,
                                                          floe_candidate_list **list);

/** The state at this moment; closed for NULL. Its event may be still on its way. */
FLOE_EXPORT enum floe_gatherer_state floe_gatherer_state(floe_gatherer *gatherer);

/** A candidate was found; NULL: this gathering gives no more (W3C end-of-candidates). */
typedef void (*floe_local_candidate_handler)(void *user_data, const floe_candidate *candidate);
/** The state has changed. */
typedef void (*floe_state_change_handler)(void *user_data, enum floe_gatherer_state state);
/** A server failed. */
typedef void (*floe_error_handler)(void *user_data, const floe_candidate_error *error);

/**
 * Sets the handler for candidates, NULL for none. May be set, replaced and removed at any time, in
 * itself too; it sees what comes after.
 *
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for a NULL gatherer. The same for the others below.
 */
FLOE_EXPORT floe_error floe_gatherer_on_local_candidate(floe_gatherer *gatherer,
                                                        floe_local_candidate_handler handler,
                                                        void *user_data);
/** Sets the handler for candidates that serve no longer: the relay is gone, or the NAT has given
 *  another address, which is reported as a candidate of its own. A relay that its server has lost
 *  (it was restarted, say) is asked for again by itself, and is another candidate; where its
 *  server's name leads elsewhere by then, there. */
FLOE_EXPORT floe_error floe_gatherer_on_candidate_withdrawn(floe_gatherer *gatherer,
                                                            floe_local_candidate_handler handler,
                                                            void *user_data);
/** Sets the handler for states. */
FLOE_EXPORT floe_error floe_gatherer_on_state_change(floe_gatherer *gatherer,
                                                     floe_state_change_handler handler,
                                                     void *user_data);
/** Sets the handler for servers that fail: one call for each local address and URL that failed
 *  (W3C icecandidateerror, ORTC onerror); and between gatherings, once, when a relay that was lost
 *  can't be had again, or not for now (credentials that have expired, say). */
FLOE_EXPORT floe_error floe_gatherer_on_error(floe_gatherer *gatherer, floe_error_handler handler,
                                              void *user_data);

/** A packet came on a candidate. */
typedef void (*floe_packet_handler)(void *user_data, const floe_packet *packet);
/** After FLOE_ERR_QUEUE_FULL, once: there is room again on the way by which the candidate sent (its
 *  socket, its relay's connection, a peer that waited for its permission), or the way is gone and a
 *  send says so. Candidates that share a socket share its room: of those the latest that was
 * refused is named. */
typedef void (*floe_writable_handler)(void *user_data, uint32_t candidate_id);

/**
 * Sets the handler for packets: everything that comes on the gatherer's
 * sockets and is not an answer to its own requests, and what peers send to its relays. NULL: they
 * are dropped; but a socket that has sent nothing yet is not read without a handler, and what has
 * come there before, as far as the system has room for it, comes when there is one.
 */
FLOE_EXPORT floe_error floe_gatherer_on_packet(floe_gatherer *gatherer, floe_packet_handler handler,
                                               void *user_data);
/** Sets the handler that tells when more can be sent. */
FLOE_EXPORT floe_error floe_gatherer_on_writable(floe_gatherer *gatherer,
                                                 floe_writable_handler handler, void *user_data);

/**
 * Sends a packet from a candidate to a peer: from a host or reflexive one by its base's socket,
 * from a relay through its server. Never blocks. Permissions and channels of
 * relays (RFC 8656 §9, §12) are asked for and kept as they are needed; what is sent before the
 * permission is there waits for it.
 *
 * From a relay for TCP packets go framed (RFC 4571) by a connection to the peer: from its active
 * candidate it is made with the first packet; its passive one lets the peer in for five minutes,
 * and sends once it has connected (RFC 6062).
 *
 * @param candidate_id  `id` of the floe_candidate.
 * @param peer          of the candidate's `family`; a link-local IPv6 one may lack its scope, which
 *                      is the socket's.
 * @param data          copied.
 * @param size          up to 65,507 bytes; up to 16,000 by a relay over TLS or DTLS. What is larger
 *                      than the path's MTU goes in fragments.
 * @return FLOE_OK: it is queued, which promises no more than UDP does; FLOE_ERR_QUEUE_FULL: more
 *         waits than settings.send_queue_size: wait for the writable event; FLOE_ERR_NOT_FOUND: no
 *         such candidate, or it was withdrawn; FLOE_ERR_NOT_CONNECTED: on a passive TCP candidate,
 *         until the peer has connected, on an active one for a while (5, 10, 20 … 240 s) after its
 *         server could not connect to the peer; FLOE_ERR_PERMISSION: the relay's server refuses the
 *         peer, and is not asked again for four minutes; FLOE_ERR_INVALID_ARGUMENT;
 * FLOE_ERR_INVALID_STATE when closed; FLOE_ERR_NO_MEMORY.
 */
FLOE_EXPORT floe_error floe_gatherer_send(floe_gatherer *gatherer, uint32_t candidate_id,
                                          const floe_address *peer, const void *data, size_t size);

/** What was sent from a candidate to a peer does not arrive. */
typedef void (*floe_unreachable_handler)(void *user_data, uint32_t candidate_id,
                                         const floe_address *peer, floe_unreachable reason);

/**
 * Sets the handler for packets of the owner's that the network sends back by ICMP, that this
 * machine will not send (its address is gone, there is no route), and of which a relay's server
 * says so: by ICMP (RFC 8656 §11.6), because it refuses the peer (FLOE_UNREACHABLE_PROHIBITED), or
 * because there was no permission or no connection to be had of it (FLOE_UNREACHABLE_HOST), so what
 * waited is dropped. Told at most once a second for a candidate and peer, and for no more
 * than 16 of these a second, so not of each packet.
 *
 * It is a hint that saves time, and no proof: ICMP can be forged (RFC 5927), does not come from
 * everywhere, and may be of a moment. So a pair that is being checked is best checked again at
 * once, and failed when that is not answered either.
 *
 * FLOE_UNREACHABLE_TOO_BIG and FLOE_UNREACHABLE_EXPIRED are of the packet, not of the path: no
 * reason to fail a pair. The first answers a search for the path's MTU by settings.dont_fragment.
 *
 * The candidate named is that which packets from there would name (floe_packet).
 */
FLOE_EXPORT floe_error floe_gatherer_on_unreachable(floe_gatherer *gatherer,
                                                    floe_unreachable_handler handler,
                                                    void *user_data);

/**
 * Says that a path by this candidate is dead, or seems to be (consent is gone, say): a relay's
 * server is asked at once whether the allocation stands, and that of a reflexive one what the NAT
 * shows. What serves no longer is withdrawn, and what takes its place is reported; a relay is asked
 * for again. Of a host candidate there is nothing to ask.
 *
 * @return FLOE_OK; FLOE_ERR_NOT_FOUND: no such candidate, or it was withdrawn;
 *         FLOE_ERR_INVALID_STATE when closed; FLOE_ERR_INVALID_ARGUMENT for NULL.
 */
FLOE_EXPORT floe_error floe_gatherer_doubt(floe_gatherer *gatherer, uint32_t candidate_id);

/**
 * Answers a Binding request: with success, XOR-MAPPED-ADDRESS being where it came from, or with an
 * error; signed by the local password if the request was (RFC 8445 §7.3.1.3), by
 * MESSAGE-INTEGRITY-SHA256 where that was in it (RFC 8489 §9.1.3), else by MESSAGE-INTEGRITY.
 *
 * @param packet  as the handler was given it, inside the handler.
 * @param code    0: success; 300 to 699: an error, 487 for a role conflict; 420 names the
 * attributes that were not understood. FLOE_ANSWER_ANYBODY: success though it is not authenticated,
 * as a STUN server answers.
 * @return as floe_gatherer_send; FLOE_ERR_INVALID_ARGUMENT: it is no Binding request;
 *         FLOE_ERR_PERMISSION: success, and it is not authenticated.
 */
FLOE_EXPORT floe_error floe_gatherer_answer_check(floe_gatherer *gatherer,
                                                  const floe_packet *packet, uint16_t code);

/**
 * Closes: ends every transaction, releases relays (one packet each, no waiting), closes sockets.
 * State closed is reported; the NULL candidate is not. From any state, twice is
 * fine. After it has returned no callback begins but the one that reports closed, and on_trace of
 * what goes out by closing; one that the loop thread had begun by then may still be running.
 *
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for NULL.
 */
FLOE_EXPORT floe_error floe_gatherer_close(floe_gatherer *gatherer);

/**
 * Closes, and returns when no callback of this gatherer runs, none will run, and every socket of it
 * is closed (Pion GracefulClose).
 *
 * @return FLOE_OK; FLOE_ERR_WOULD_DEADLOCK on the loop thread (inside a callback, or on the thread
 *         of the caller's own loop): then the gatherer is closed, but nothing was waited for;
 *         FLOE_ERR_INVALID_ARGUMENT for NULL.
 */
FLOE_EXPORT floe_error floe_gatherer_graceful_close(floe_gatherer *gatherer);

#ifdef __cplusplus
}
#endif
#endif
