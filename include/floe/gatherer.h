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
 * A gatherer of ICE candidates. You can call every function from any thread, at any time between
 * floe_gatherer_new and floe_gatherer_free, also from inside callbacks.
 *
 * Callbacks run on the loop thread, in the order of the events, never two at the same time for one
 * api, and never under a lock of the library. A pointer that is passed to a callback is not valid
 * after it returns.
 */
typedef struct floe_gatherer floe_gatherer;

/**
 * Makes a gatherer in state new. Opens no socket and sends nothing. Checks everything that can be
 * checked at this point (ORTC RTCIceGatherer's constructor; Pion NewICEGatherer).
 *
 * @param api       lives longer than the gatherer.
 * @param options   copied; NULL: no servers, policy all.
 * @param gatherer  receives the handle; freed by floe_gatherer_free.
 * @return FLOE_OK; FLOE_ERR_SYNTAX: a URL is malformed (RFC 7064, 7065); FLOE_ERR_INVALID_ACCESS: a
 *         turn(s) URL without username or credential; FLOE_ERR_INVALID_ARGUMENT;
 *         FLOE_ERR_NO_MEMORY; FLOE_ERR_RANDOM. floe_last_error() names the field and the value.
 */
FLOE_EXPORT floe_error floe_gatherer_new(floe_api *api, const floe_gather_options *options,
                                         floe_gatherer **gatherer);

/**
 * Closes the gatherer if it is not closed yet, and frees it. None of its callbacks runs after this
 * function returns. So if it is called from a thread other than the loop thread while a callback of
 * this gatherer is running, it waits for that callback.
 *
 * @param gatherer  may be NULL. The handle is invalid afterwards.
 */
FLOE_EXPORT void floe_gatherer_free(floe_gatherer *gatherer);

/**
 * Makes the gatherer for the other component, RTCP (ORTC createAssociatedGatherer). It has the same
 * parameters, servers and policy, and component 2. It has its own candidates, state and handlers.
 * It restarts together with `gatherer`. Otherwise it is a gatherer like any other: each of the two
 * may be closed and freed before the other.
 *
 * @param gatherer    of component 1; no associated gatherer has been made from it yet.
 * @param associated  receives the handle; freed by floe_gatherer_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE: `gatherer` is closed, or already has an associated
 *         gatherer, or is one itself; FLOE_ERR_INVALID_ARGUMENT for NULL; FLOE_ERR_NO_MEMORY.
 */
FLOE_EXPORT floe_error floe_gatherer_create_associated(floe_gatherer *gatherer,
                                                       floe_gatherer **associated);

/**
 * Starts gathering and returns at once. The events are: state gathering, then candidates, then
 * state complete, then the NULL candidate (Pion Gather).
 *
 * In state complete it gathers again: it lists the interfaces again, asks again for the bindings to
 * servers, and tries again the servers that failed. It reports only what is new, and withdraws what
 * no longer works. With a pool (options.candidate_pool_size), it at once reports what the pool has
 * found so far; if the pool was complete, it then gathers again.
 *
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE while gathering and when closed.
 */
FLOE_EXPORT floe_error floe_gatherer_gather(floe_gatherer *gatherer);

/**
 * Starts a new generation (W3C and Pion restart): makes a new username fragment and password, and
 * sets state new. Call gather afterwards. A gathering that is under way ends without any further
 * event.
 *
 * Sockets, bindings and allocations that still work are used again. Their candidates are reported
 * again with the same ids; until then you can keep sending and receiving with these ids. Candidates
 * that are not found again are withdrawn before the next gathering is complete.
 *
 * The old username fragment and password, and after several restarts those that the peer used last,
 * are still accepted in checks (floe_check.former) until the first check with the new ones arrives
 * (RFC 8445 §9, RFC 7675).
 *
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE: the gatherer is closed, or is an associated one, which
 *         restarts with the gatherer that it belongs to; FLOE_ERR_RANDOM, with nothing changed;
 *         FLOE_ERR_INVALID_ARGUMENT for NULL.
 */
FLOE_EXPORT floe_error floe_gatherer_restart(floe_gatherer *gatherer);

/**
 * As floe_gatherer_restart, with a username fragment and password of the application's.
 *
 * @param options  copied; NULL: as floe_gatherer_restart.
 * @return as floe_gatherer_restart; FLOE_ERR_INVALID_ARGUMENT: one of the two is malformed, or is the
 *         present one (a restart changes both, RFC 8839 §4.4.1.1.1); FLOE_ERR_NO_MEMORY. On an error
 *         nothing changes. floe_last_error() names the field.
 */
FLOE_EXPORT floe_error floe_gatherer_restart_with(floe_gatherer *gatherer,
                                                  const floe_restart_options *options);

/**
 * Replaces servers and policy (W3C setConfiguration). If gathering has not started yet, they apply
 * at once; otherwise at the next gather or restart.
 *
 * When that gathering is complete, relays of servers that are no longer in the options are
 * released, and their candidates are withdrawn. If a URL now has other credentials, its old relay
 * is released 30 s after the gatherer got a new one with these credentials, so that the peer can
 * learn of the new one in time. If the gatherer gets no new one, the old relay stays.
 *
 * A looser policy reports the candidates that the old policy held back. A stricter policy does not
 * withdraw candidates that were already reported, but does not list them any more. A pool that is
 * being filled is discarded and filled again.
 *
 * @param options  as in floe_gatherer_new.
 * @return as floe_gatherer_new; FLOE_ERR_INVALID_STATE when closed. On an error nothing changes.
 */
FLOE_EXPORT floe_error floe_gatherer_set_options(floe_gatherer *gatherer,
                                                 const floe_gather_options *options);

/**
 * Gets the statistics so far, for each candidate and each server.
 *
 * @param statistics  receives them; freed by floe_gatherer_statistics_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE when closed; FLOE_ERR_INVALID_ARGUMENT for NULL;
 *         FLOE_ERR_NO_MEMORY.
 */
FLOE_EXPORT floe_error floe_gatherer_get_statistics(floe_gatherer *gatherer,
                                                    floe_gatherer_statistics **statistics);

/**
 * Gets the ICE parameters to signal to the peer. They are made with the gatherer, and stay the same
 * until a restart.
 *
 * @param parameters  receives a copy; its `size` says how much of the struct the caller knows.
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE when closed; FLOE_ERR_INVALID_ARGUMENT for NULL.
 */
FLOE_EXPORT floe_error floe_gatherer_get_local_parameters(floe_gatherer *gatherer,
                                                          floe_parameters *parameters);

/**
 * Gets all candidates that were found so far and not withdrawn.
 *
 * @param list  receives a list, empty before gathering; freed by floe_candidate_list_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE when closed; FLOE_ERR_INVALID_ARGUMENT for NULL;
 *         FLOE_ERR_NO_MEMORY.
 */
FLOE_EXPORT floe_error floe_gatherer_get_local_candidates(floe_gatherer *gatherer,
                                                          floe_candidate_list **list);

/** Returns the current state; closed for NULL. The event for it may not have been reported yet. */
FLOE_EXPORT enum floe_gatherer_state floe_gatherer_state(floe_gatherer *gatherer);

/** A candidate was found; NULL: this gathering gives no more candidates (W3C end-of-candidates). */
typedef void (*floe_local_candidate_handler)(void *user_data, const floe_candidate *candidate);
/** The state has changed. */
typedef void (*floe_state_change_handler)(void *user_data, enum floe_gatherer_state state);
/** A server failed. */
typedef void (*floe_error_handler)(void *user_data, const floe_candidate_error *error);

/**
 * Sets the handler for candidates; NULL for none. You can set, replace and remove it at any time,
 * also from inside the handler. A new handler gets the events that come after it was set.
 *
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for a NULL gatherer. The same applies to the functions
 *         below that set handlers.
 */
FLOE_EXPORT floe_error floe_gatherer_on_local_candidate(floe_gatherer *gatherer,
                                                        floe_local_candidate_handler handler,
                                                        void *user_data);
/** Sets the handler for candidates that no longer work: the relay is gone, or the NAT now shows
 *  another address, which is reported as a new candidate. If a server loses a relay (for example
 *  because it was restarted), floe asks for a new one by itself and reports it as a new candidate.
 *  If the server's name now leads to another server, floe asks that one. */
FLOE_EXPORT floe_error floe_gatherer_on_candidate_withdrawn(floe_gatherer *gatherer,
                                                            floe_local_candidate_handler handler,
                                                            void *user_data);
/** Sets the handler for states. */
FLOE_EXPORT floe_error floe_gatherer_on_state_change(floe_gatherer *gatherer,
                                                     floe_state_change_handler handler,
                                                     void *user_data);
/** Sets the handler for servers that fail. It is called once for each local address and URL that
 *  failed (W3C icecandidateerror, ORTC onerror). Between gatherings it is called once when a relay
 *  was lost and floe cannot get a new one, or not for now (for example because the credentials have
 *  expired). */
FLOE_EXPORT floe_error floe_gatherer_on_error(floe_gatherer *gatherer, floe_error_handler handler,
                                              void *user_data);

/** A packet arrived on a candidate. */
typedef void (*floe_packet_handler)(void *user_data, const floe_packet *packet);
/** Called once after FLOE_ERR_QUEUE_FULL: there is room again on the path that the candidate sends
 *  through (its socket, its relay's connection, or a peer that was waiting for its permission); or
 *  the path is gone, and the next send returns an error. Candidates that share a socket share its
 *  room. The id is that of the candidate whose send was refused last. */
typedef void (*floe_writable_handler)(void *user_data, uint32_t candidate_id);

/**
 * Sets the handler for packets: everything that arrives on the gatherer's sockets and is not an
 * answer to its own requests, and everything that peers send to its relays. With NULL, packets are
 * dropped. But a socket that has not sent anything yet is not read while there is no handler. What
 * has arrived there, as far as the system had room for it, is delivered once a handler is set.
 *
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for a NULL gatherer; FLOE_ERR_NO_MEMORY: the handler is
 *         not set. The same applies to floe_gatherer_on_writable and floe_gatherer_on_unreachable.
 */
FLOE_EXPORT floe_error floe_gatherer_on_packet(floe_gatherer *gatherer, floe_packet_handler handler,
                                               void *user_data);
/** Sets the handler that is called when there is room to send again. */
FLOE_EXPORT floe_error floe_gatherer_on_writable(floe_gatherer *gatherer,
                                                 floe_writable_handler handler, void *user_data);

/**
 * Sends a packet from a candidate to a peer. From a host or reflexive candidate it goes through the
 * socket of the candidate's base, from a relay candidate through its server. Never blocks. floe
 * asks for the permissions and channels of relays (RFC 8656 §9, §12) and keeps them, as they are
 * needed. Packets that are sent before the permission exists wait for it.
 *
 * From a TCP candidate, packets are framed (RFC 4571) and go over a connection to the peer. From an
 * active candidate, the first packet makes this connection. From a passive one, packets can be sent
 * once the peer has connected. To a host candidate anybody may connect: a peer counts as connected
 * once it has sent a connectivity check with the gatherer's username fragment and password, which
 * must come first, within 5 s. A gatherer that has no handler for packets accepts no
 * connections yet. To a relay, a send before that lets the peer connect during the next five minutes
 * (RFC 6062).
 *
 * @param candidate_id  `id` of the floe_candidate.
 * @param peer          of the candidate's `family`. A link-local IPv6 address may lack its scope;
 *                      then the scope of the socket is used.
 * @param data          copied.
 * @param size          up to 65,507 bytes; up to 16,000 for a relay over TLS or DTLS. A packet
 *                      larger than the MTU of the path is sent in fragments. Of TCP candidates, one
 *                      of 0 bytes is an empty frame (RFC 4571), which a floe that receives it ignores.
 * @return FLOE_OK: it is queued, which promises no more than UDP does; FLOE_ERR_QUEUE_FULL:
 *         settings.send_queue_size is reached, wait for the writable event; FLOE_ERR_NOT_FOUND: no
 *         such candidate, or it was withdrawn; FLOE_ERR_NOT_CONNECTED: on a passive TCP candidate,
 *         until the peer has connected; on an active one, for a while (1 s; of a relay 5, 10, 20 …
 *         240 s) after the peer could not be connected to; FLOE_ERR_PERMISSION: the relay's server refuses the
 *         peer, and floe does not ask again for four minutes; FLOE_ERR_INVALID_ARGUMENT;
 *         FLOE_ERR_INVALID_STATE when closed; FLOE_ERR_NO_MEMORY, also for more than 1,000 peers
 *         of one active host candidate.
 */
FLOE_EXPORT floe_error floe_gatherer_send(floe_gatherer *gatherer, uint32_t candidate_id,
                                          const floe_address *peer, const void *data, size_t size);

/** Packets from a candidate to a peer do not arrive. */
typedef void (*floe_unreachable_handler)(void *user_data, uint32_t candidate_id,
                                         const floe_address *peer, floe_unreachable reason);

/**
 * Sets the handler for packets from the application that do not reach their peer. It is called when
 * - the network returns a packet by ICMP. Of a packet to a relay's server this says nothing about the
 *   peer's port: if nothing listens on the server's, the reason is FLOE_UNREACHABLE_HOST;
 * - this machine does not send a packet (its address is gone, or there is no route);
 * - an active TCP candidate cannot connect to the peer, or a connection with a peer has ended;
 * - a relay's server reports ICMP (RFC 8656 §11.6);
 * - a relay's server refuses the peer (FLOE_UNREACHABLE_PROHIBITED), or gives no permission or no
 *   connection (FLOE_UNREACHABLE_HOST). The packets that waited for it are dropped.
 *
 * It is called at most once a second for a candidate and peer, and for at most 16 of these a
 * second. So it is not called for each packet. But it is called for each connection over TCP that
 * has ended or could not be made.
 *
 * The call is a hint that saves time, not a proof. ICMP can be forged (RFC 5927), does not arrive
 * from everywhere, and may report a problem that lasts only a moment. So if a pair is being
 * checked, send the check again at once, and let the pair fail only if that one is not answered
 * either.
 *
 * FLOE_UNREACHABLE_TOO_BIG and FLOE_UNREACHABLE_EXPIRED are about the packet, not about the path:
 * no reason to fail a pair. The first is useful for finding the MTU of the path with
 * settings.dont_fragment.
 *
 * The candidate is the same one that a packet from this peer would name (floe_packet).
 */
FLOE_EXPORT floe_error floe_gatherer_on_unreachable(floe_gatherer *gatherer,
                                                    floe_unreachable_handler handler,
                                                    void *user_data);

/**
 * Tells floe that a path through this candidate is dead, or seems to be (for example because
 * consent was lost). For a relay candidate, floe at once asks the server whether the allocation
 * still exists. For a reflexive candidate, it asks the server which address the NAT shows.
 * Candidates that no longer work are withdrawn, and their replacements are reported; floe asks for
 * a new relay. For a host candidate there is nothing to ask.
 *
 * @return FLOE_OK; FLOE_ERR_NOT_FOUND: no such candidate, or it was withdrawn;
 *         FLOE_ERR_INVALID_STATE when closed; FLOE_ERR_INVALID_ARGUMENT for NULL.
 */
FLOE_EXPORT floe_error floe_gatherer_doubt(floe_gatherer *gatherer, uint32_t candidate_id);

/**
 * Answers a Binding request. The answer is a success, with the source of the request as
 * XOR-MAPPED-ADDRESS, or an error. It is signed with the local password if the request was
 * (RFC 8445 §7.3.1.3): with MESSAGE-INTEGRITY-SHA256 if the request had that (RFC 8489 §9.1.3),
 * otherwise with MESSAGE-INTEGRITY.
 *
 * @param packet  the packet that was passed to the handler; call this function inside the handler.
 * @param code    0: success; 300 to 699: an error, for example 487 for a role conflict; 420 names
 *                the attributes that were not understood. FLOE_ANSWER_ANYBODY: success even if the
 *                request is not authenticated, as a STUN server answers.
 * @return as floe_gatherer_send; FLOE_ERR_INVALID_ARGUMENT: the packet is not a Binding request;
 *         FLOE_ERR_PERMISSION: the code is success, and the request is not authenticated.
 */
FLOE_EXPORT floe_error floe_gatherer_answer_check(floe_gatherer *gatherer,
                                                  const floe_packet *packet, uint16_t code);

/**
 * Closes the gatherer: ends every transaction, releases relays (one packet each, without waiting
 * for the answer), and closes sockets. State closed is reported; the NULL candidate is not. It
 * works in any state, and may be called twice. After it has returned, no callback starts, except
 * the one that reports state closed, and on_trace for what is sent while closing. A callback that
 * the loop thread has already started may still be running.
 *
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for NULL.
 */
FLOE_EXPORT floe_error floe_gatherer_close(floe_gatherer *gatherer);

/**
 * Closes the gatherer, and returns when no callback of this gatherer is running or will run, and
 * all its sockets are closed (Pion GracefulClose).
 *
 * @return FLOE_OK; FLOE_ERR_WOULD_DEADLOCK on the loop thread (inside a callback, or on the thread
 *         of the caller's own loop): then the gatherer is closed, but the function did not wait;
 *         FLOE_ERR_INVALID_ARGUMENT for NULL.
 */
FLOE_EXPORT floe_error floe_gatherer_graceful_close(floe_gatherer *gatherer);

#ifdef __cplusplus
}
#endif
#endif
