/* The ICE transport (ORTC RTCIceTransport, Pion ICETransport) on a gatherer. */
#ifndef FLOE_TRANSPORT_H
#define FLOE_TRANSPORT_H

#include <floe/gatherer.h>
#include <floe/pair.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A transport finds the pair of candidates over which two sides reach each other (RFC 8445), checks
 * again and again that it still works (RFC 7675), changes to another one when it does not, and
 * carries the application's packets.
 *
 *     floe_transport_new(gatherer, NULL, &transport);
 *     floe_transport_on_state_change(transport, on_state, me);
 *     floe_transport_on_packet(transport, on_packet, me);
 *     floe_gatherer_gather(gatherer);        // what it finds is signalled to the remote side
 *     // What the remote side signals:
 *     floe_transport_start(transport, &remote_parameters, FLOE_ICE_ROLE_CONTROLLING);
 *     floe_transport_add_remote_candidate(transport, candidate);  // each, and NULL at the end
 *     // In state connected, or as soon as it returns FLOE_OK:
 *     floe_transport_send(transport, "hello", 5);
 *
 * These calls may come in any order, and remote candidates before the start.
 *
 * You can call every function from any thread, at any time between floe_transport_new and
 * floe_transport_free, also from inside callbacks. Callbacks run on the loop thread of the api, one
 * after the other, and never under a lock of the library. A pointer that is passed to a callback is
 * not valid after it returns.
 */
typedef struct floe_transport floe_transport;

/**
 * Makes a transport in state new (ORTC RTCIceTransport's constructor, Pion NewICETransport). From
 * now on the gatherer answers checks; nobody is checked before floe_transport_start.
 *
 * Several transports can be made for one gatherer, if several remote sides answer one offer
 * (forking). A check belongs to the transport whose remote username fragment it names, any other
 * packet to the one that has a pair with its sender. What belongs to none of them is passed to the
 * gatherer's own packet handler, if it has one.
 *
 * @param gatherer   in any state but closed. When it is closed or freed, its transports close.
 * @param options    copied; NULL: the defaults. `allocator` is that of the api. `remote_filter` is
 *                   called under a lock of the library: it must call no function of the library but
 *                   those of <floe/address.h>.
 * @param transport  receives the handle; freed by floe_transport_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT: NULL, or an option is out of range, floe_last_error()
 *         names it; FLOE_ERR_INVALID_STATE: the gatherer is closed; FLOE_ERR_RANDOM;
 *         FLOE_ERR_NO_MEMORY.
 */
FLOE_EXPORT floe_error floe_transport_new(floe_gatherer *gatherer, const floe_ice_options *options,
                                          floe_transport **transport);

/**
 * Stops the transport if it has not stopped yet, and frees it. None of its callbacks runs after this
 * function returns. So if it is called from a thread other than the loop thread while a callback of
 * this transport is running, it waits for that callback. The gatherer goes on. floe_api_free frees
 * the transports that are left.
 *
 * @param transport  may be NULL. The handle is invalid afterwards.
 */
FLOE_EXPORT void floe_transport_free(floe_transport *transport);

/**
 * Makes the transport for the other component, RTCP (ORTC createAssociatedTransport), on the
 * gatherer's associated gatherer (floe_gatherer_create_associated), which must have been made. It
 * has the same options, and is started together with `transport`, or at once if that has been. Remote
 * candidates of component 2 that are added to `transport` go to it; those that come before it is made
 * wait for it, as many as the options allow. Otherwise it is a transport like any other: each of the two
 * may be stopped and freed before the other.
 *
 * @param transport   of component 1; no associated transport has been made from it yet.
 * @param associated  receives the handle; freed by floe_transport_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE: `transport` has stopped, or already has an associated
 *         transport, or is one itself, or its gatherer has no associated gatherer;
 *         FLOE_ERR_INVALID_ARGUMENT for NULL; FLOE_ERR_NO_MEMORY; FLOE_ERR_RANDOM.
 */
FLOE_EXPORT floe_error floe_transport_create_associated(floe_transport *transport,
                                                        floe_transport **associated);

/**
 * Starts checks with the remote side (ORTC start). The gatherer may gather before, meanwhile or
 * later.
 *
 * Called again, it restarts the transport (RFC 8445 §9): when the remote side has answered
 * floe_transport_restart, or with new parameters of the remote side. All remote candidates go, so
 * those of the new generation come after it. The pair that is in use carries data until another one
 * is chosen.
 *
 * @param remote  the remote parameters; copied.
 * @param role    controlling: usually the side that made the offer (RFC 8445 §6.1.1). If both sides
 *                have the same role, they mend it (§7.3.1.1). If one side alone is lite, the other
 *                one controls, whatever is said here.
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE: it has stopped, or was started with the same parameters
 *         of both sides before; FLOE_ERR_INVALID_ARGUMENT: NULL, no role, a username fragment that
 *         has not 4 to 256 ice-char or a password that has not 22 to 256 (RFC 8839 §5.4);
 *         FLOE_ERR_NO_MEMORY: nothing has changed.
 */
FLOE_EXPORT floe_error floe_transport_start(floe_transport *transport,
                                            const floe_parameters *remote, floe_ice_role role);

/**
 * Begins an ICE restart (RFC 8445 §9): the gatherer gets a new username fragment and password and
 * gathers again (floe_gatherer_restart, floe_gatherer_gather). Signal its new parameters and
 * candidates to the remote side, and call floe_transport_start with those of the remote side. Until
 * a new pair is chosen, data goes by the old one; no packet is lost by a restart. All transports of
 * the gatherer are restarted with it, the associated one too.
 *
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE: it has stopped, or is an associated one; FLOE_ERR_RANDOM;
 *         FLOE_ERR_INVALID_ARGUMENT for NULL.
 */
FLOE_EXPORT floe_error floe_transport_restart(floe_transport *transport);

/**
 * Adds a candidate of the remote side, at any time (ORTC addRemoteCandidate, RFC 8838). One that is
 * there already changes nothing. Names that end in .local are looked up by multicast DNS, if it is
 * built in and settings.mdns_mode is not off; other names only if options.resolve_names says so.
 *
 * @param candidate  as floe_candidate_parse gives it; copied. NULL: no more will come, so that the
 *                   transport may be completed or fail; one that comes nevertheless (a relay that was
 *                   lost and is there again, another network) is taken.
 * @return FLOE_OK, also for one that names another username fragment than the remote parameters: it
 *         waits for a restart that brings this fragment, and is ignored by any other; FLOE_ERR_INVALID_ARGUMENT: its address is unspecified, multicast, broadcast or
 *         loopback, or its port 0, or the options' filter refuses it; FLOE_ERR_UNSUPPORTED: it shows
 *         a name that is not looked up; FLOE_ERR_INVALID_STATE: it has stopped, or there are as many
 *         as the options allow; FLOE_ERR_NO_MEMORY. floe_last_error() says
 *         which.
 */
FLOE_EXPORT floe_error floe_transport_add_remote_candidate(floe_transport *transport,
                                                           const floe_candidate *candidate);

/**
 * Removes a candidate that the remote side has withdrawn (the W3C's and browsers'
 * candidates-removed), with its pairs. If the pair in use is one of them, another one takes over.
 *
 * @return FLOE_OK; FLOE_ERR_NOT_FOUND: there is no such candidate; FLOE_ERR_INVALID_STATE;
 *         FLOE_ERR_INVALID_ARGUMENT for NULL.
 */
FLOE_EXPORT floe_error floe_transport_remove_remote_candidate(floe_transport *transport,
                                                              const floe_candidate *candidate);

/**
 * Replaces the remote candidates (ORTC setRemoteCandidates): adds those that are not there, and
 * removes those that are there and not among these.
 *
 * @param candidates  `count` pointers; may be NULL if count is 0.
 * @return as floe_transport_add_remote_candidate, of the first that could not be added; the others
 *         are added nevertheless.
 */
FLOE_EXPORT floe_error floe_transport_set_remote_candidates(floe_transport *transport,
                                                            const floe_candidate *const *candidates,
                                                            size_t count);

/**
 * Gets the remote candidates (ORTC getRemoteCandidates), without those that only checks have shown.
 *
 * @param list  receives them; freed by floe_candidate_list_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for NULL; FLOE_ERR_INVALID_STATE: it has stopped;
 *         FLOE_ERR_NO_MEMORY.
 */
FLOE_EXPORT floe_error floe_transport_get_remote_candidates(floe_transport *transport,
                                                            floe_candidate_list **list);

/**
 * Gets the remote parameters that the transport was started with last (ORTC getRemoteParameters).
 *
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE: it has not been started, or has stopped;
 *         FLOE_ERR_INVALID_ARGUMENT for NULL.
 */
FLOE_EXPORT floe_error floe_transport_get_remote_parameters(floe_transport *transport,
                                                            floe_parameters *parameters);

/** Returns the current state; closed for NULL. The event for it may not have been reported yet. */
FLOE_EXPORT floe_ice_state floe_transport_state(floe_transport *transport);
/** Returns the role, which changes if it was also the peer's; 0: it has not been started, or has
 *  stopped. */
FLOE_EXPORT floe_ice_role floe_transport_role(floe_transport *transport);
/** Returns 1, or 2 for an associated transport (ORTC component); 0 for NULL. */
FLOE_EXPORT unsigned floe_transport_component(floe_transport *transport);
/** Returns its gatherer (ORTC iceGatherer); NULL: the transport has stopped, as it does when that is
 *  closed or freed, or `transport` is NULL. */
FLOE_EXPORT floe_gatherer *floe_transport_gatherer(floe_transport *transport);

/**
 * Gets all pairs of candidates, by their priority: their state, why they failed, counters (W3C
 * RTCIceCandidatePairStats).
 *
 * @param list  receives them; freed by floe_ice_pair_list_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for NULL; FLOE_ERR_INVALID_STATE: it has stopped;
 *         FLOE_ERR_NO_MEMORY.
 */
FLOE_EXPORT floe_error floe_transport_get_pairs(floe_transport *transport,
                                                floe_ice_pair_list **list);

/**
 * Gets the chosen pair (ORTC getSelectedCandidatePair, Pion GetSelectedCandidatePairStats).
 *
 * @param list  receives a list of this one pair; freed by floe_ice_pair_list_free.
 * @return as floe_transport_get_pairs; FLOE_ERR_NOT_CONNECTED: none is chosen.
 */
FLOE_EXPORT floe_error floe_transport_get_selected_pair(floe_transport *transport,
                                                        floe_ice_pair_list **list);

/** Fills `statistics` (W3C RTCTransportStats). FLOE_OK; FLOE_ERR_INVALID_STATE: it has stopped;
 *  FLOE_ERR_INVALID_ARGUMENT for NULL. */
FLOE_EXPORT floe_error floe_transport_get_statistics(floe_transport *transport,
                                                     floe_ice_statistics *statistics);

/** Why no pair works, for programs. FLOE_ICE_REASON_NONE if one does, if it has stopped, or for NULL. */
FLOE_EXPORT floe_ice_reason floe_transport_get_reason(floe_transport *transport);

/**
 * Says in one sentence how it stands, and, if it has failed, why: how many pairs there were, how
 * they ended, whether anything came from the remote side, and what to look at.
 *
 * @param text  receives the sentence, ended by a 0 byte, cut to `size`.
 * @return FLOE_OK; FLOE_ERR_BUFFER_TOO_SMALL: it was cut; FLOE_ERR_INVALID_STATE: it has stopped;
 *         FLOE_ERR_INVALID_ARGUMENT for NULL.
 */
FLOE_EXPORT floe_error floe_transport_explain(floe_transport *transport, char *text, size_t size);

/**
 * Sends a packet to the remote side: by the chosen pair, or, as long as none is chosen, by the best
 * one that works (RFC 8445 §12.1). Never blocks.
 *
 * @param data  copied.
 * @param size  as floe_gatherer_send.
 * @return FLOE_OK: it is queued, which promises no more than UDP does; FLOE_ERR_NOT_CONNECTED: no
 *         pair works; FLOE_ERR_QUEUE_FULL: settings.send_queue_size is reached, wait for the
 *         writable event; FLOE_ERR_INVALID_STATE: it has stopped; otherwise as floe_gatherer_send.
 */
FLOE_EXPORT floe_error floe_transport_send(floe_transport *transport, const void *data,
                                           size_t size);

/**
 * Ends all checks (ORTC stop): nothing more is sent to the peer or received from it. State closed is
 * reported, and no other event after it. The gatherer goes on. May be called twice.
 *
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for NULL.
 */
FLOE_EXPORT floe_error floe_transport_stop(floe_transport *transport);

/**
 * Stops, and returns when no callback of this transport is running or will run (Pion GracefulStop).
 *
 * @return FLOE_OK; FLOE_ERR_WOULD_DEADLOCK on the loop thread: then it has stopped, but the function
 *         did not wait; FLOE_ERR_INVALID_ARGUMENT for NULL.
 */
FLOE_EXPORT floe_error floe_transport_graceful_stop(floe_transport *transport);

/** The state has changed. Each change is reported once, in order. */
typedef void (*floe_transport_state_handler)(void *user_data, floe_ice_state state);
/** A pair of candidates: see the functions that set these handlers. */
typedef void (*floe_pair_handler)(void *user_data, const floe_ice_pair *pair);
/** There is room again after FLOE_ERR_QUEUE_FULL. */
typedef void (*floe_transport_writable_handler)(void *user_data);

/**
 * Sets the handler for states (ORTC onstatechange); NULL for none. You can set, replace and remove
 * it at any time, also from inside the handler.
 *
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for a NULL transport. The same applies to the functions
 *         below.
 */
FLOE_EXPORT floe_error floe_transport_on_state_change(floe_transport *transport,
                                                      floe_transport_state_handler handler,
                                                      void *user_data);
/** Sets the handler for the chosen pair (ORTC oncandidatepairchange): another one is chosen; NULL:
 *  none is, the one before has gone. */
FLOE_EXPORT floe_error floe_transport_on_selected_pair_change(floe_transport *transport,
                                                              floe_pair_handler handler,
                                                              void *user_data);
/** Sets the handler for every change of every pair, for those who look for a fault. It is called only
 *  if the options say report_pairs, which costs time. */
FLOE_EXPORT floe_error floe_transport_on_pair_change(floe_transport *transport,
                                                     floe_pair_handler handler, void *user_data);
/** Sets the handler for packets of the application: those from addresses that have shown in a check
 *  that they are the peer's. Those that come while there is no handler are dropped. */
FLOE_EXPORT floe_error floe_transport_on_packet(floe_transport *transport,
                                                floe_packet_handler handler, void *user_data);
/** Sets the handler that is called when there is room to send again. */
FLOE_EXPORT floe_error floe_transport_on_writable(floe_transport *transport,
                                                  floe_transport_writable_handler handler,
                                                  void *user_data);

#ifdef __cplusplus
}
#endif
#endif
