/* An ICE agent without I/O (RFC 8445), beside a floe_core, for programs that bring their own loop.
 *
 * The core gathers candidates and carries packets. The agent finds the pair of candidates over which
 * two sides reach each other, and sends by it. It calls its core; the core does not know it. The loop
 * of <floe/core.h> gets these calls:
 *
 *     floe_ice_new(core, NULL, &random, &ice);
 *     floe_core_receive_packets(core, true);
 *     floe_ice_start(ice, now(), &remote_parameters, FLOE_ICE_ROLE_CONTROLLING);
 *     floe_ice_add_remote_candidate(ice, now(), candidate);  // each, and NULL at the end
 *     for (;;) {
 *         while (floe_core_poll(core, now(), &output)) {
 *             floe_ice_core_output(ice, now(), output);      // every output, besides what is done for it
 *         }
 *         while (floe_ice_poll(ice, &event)) {
 *             // what the agent reports; for FLOE_ICE_LOOK_UP a look-up, whose end is floe_ice_looked_up
 *         }
 *         // For each datagram, after floe_core_datagram:
 *         while (floe_core_packet(core, now(), &packet)) {
 *             if (floe_ice_packet(ice, now(), packet)) {
 *                 // data of the application: packet->data
 *             }
 *         }
 *         // Until the earlier of floe_core_deadline(core) and floe_ice_deadline(ice):
 *         floe_ice_time(ice, now());
 *     }
 *
 * Each call of the agent may make outputs of the core, so poll the core after it.
 *
 * Threads: as of its core. Time: the core's clock. */
#ifndef FLOE_ICE_H
#define FLOE_ICE_H

#include <floe/core.h>
#include <floe/pair.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One agent. */
typedef struct floe_ice floe_ice;

/** What the agent reports. Later releases may add more. */
typedef enum floe_ice_output_kind {
    /** The state is `state` now. Each change is reported once, in order. */
    FLOE_ICE_STATE = 1,
    /** Another pair is chosen: `pair`; NULL: none is, the one before has gone. */
    FLOE_ICE_SELECTED_PAIR = 2,
    /** After FLOE_ERR_QUEUE_FULL: there is room again. */
    FLOE_ICE_WRITABLE = 3,
    /** Look up the addresses of `name`, of both families: by multicast DNS if it ends in `.local`,
     *  otherwise by DNS. When that has ended, call floe_ice_looked_up, in any case: until then the
     *  agent does not fail. */
    FLOE_ICE_LOOK_UP = 4,
    /** With options.report_pairs: `pair` is new, or its state, validity, nomination, selection or
     *  failure is another one. Of changes that follow each other before they are polled, the last is
     *  reported. */
    FLOE_ICE_PAIR = 5
} floe_ice_output_kind;

/** One report. Only the library makes this struct; later releases append fields. */
typedef struct floe_ice_output {
    floe_ice_output_kind kind;
    floe_ice_state state;
    const floe_ice_pair *pair;
    /** With FLOE_ICE_LOOK_UP. */
    const char *name;
} floe_ice_output;

/**
 * Makes an agent in state new. It answers checks from now on, and checks nobody before it is started.
 *
 * @param core     the gatherer; it lives longer than the agent, and may gather already.
 * @param options  copied; NULL: the defaults.
 * @param random   a source of cryptographic randomness; copied; must not be NULL.
 * @param ice      receives it; freed by floe_ice_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT: NULL, or an option is out of range, floe_last_error()
 *         names it; FLOE_ERR_RANDOM; FLOE_ERR_NO_MEMORY.
 */
FLOE_EXPORT floe_error floe_ice_new(floe_core *core, const floe_ice_options *options,
                                    const floe_random *random, floe_ice **ice);
/** Frees it in any state, at once, and says nothing to the peer. NULL is fine. */
FLOE_EXPORT void floe_ice_free(floe_ice *ice);

/**
 * Starts checks with the remote side (ORTC start). The core may gather before, meanwhile or later,
 * and remote candidates may come before or later.
 *
 * Called again, it restarts the agent (RFC 8445 §9): after floe_core_restart, when the remote side
 * has answered, or with new parameters of the remote side. All remote candidates go, so those of the
 * new generation come after it. The pair that is in use carries data until another one is chosen.
 *
 * @param remote  the remote parameters; copied.
 * @param role    controlling: usually the side that made the offer (RFC 8445 §6.1.1). If both sides
 *                have the same role, they mend it (§7.3.1.1). If one side alone is lite
 *                (floe_parameters.ice_lite), the other one controls, whatever is said here.
 * @return FLOE_OK; FLOE_ERR_INVALID_STATE: it is closed, or was started with the same parameters of
 *         both sides before;
 *         FLOE_ERR_INVALID_ARGUMENT: NULL, no role, a username fragment that has not 4 to 256
 *         ice-char or a password that has not 22 to 256 (RFC 8839 §5.4); *         FLOE_ERR_NO_MEMORY: nothing has changed.
 */
FLOE_EXPORT floe_error floe_ice_start(floe_ice *ice, floe_time now, const floe_parameters *remote,
                                      floe_ice_role role);

/**
 * Adds a candidate of the remote side, at any time (RFC 8838). One that is there already changes
 * nothing. One that checks have shown before takes the type and priority that are signalled.
 *
 * @param candidate  as floe_candidate_parse gives it; copied. NULL: no more will come; those that come
 *                   nevertheless are taken. One that shows
 *                   a name is looked up first (FLOE_ICE_LOOK_UP), and has a pair with each address
 *                   that is found. One for TCP is paired if it is passive; of an active one, only the
 *                   checks count (RFC 6544 §6.2); nobody connects to a simultaneous-open one.
 * @return FLOE_OK, also for one that names another username fragment than the remote parameters: it
 *         waits for a restart that brings this fragment, and is ignored by any other; FLOE_ERR_INVALID_ARGUMENT: its address is unspecified, multicast, broadcast or
 *         loopback, or its port 0, or the options' filter refuses it, or its name cannot be one;
 *         FLOE_ERR_UNSUPPORTED: it shows a name that the options do not want looked up;
 *         FLOE_ERR_INVALID_STATE: it is closed, or there are as many as the options allow; FLOE_ERR_NO_MEMORY. floe_last_error() says which.
 */
FLOE_EXPORT floe_error floe_ice_add_remote_candidate(floe_ice *ice, floe_time now,
                                                     const floe_candidate *candidate);

/**
 * Removes a candidate of the remote side, which has withdrawn it (libwebrtc's candidates-removed).
 * Its pairs end. If one of them is in use, data goes by the best other one that works, in the same
 * moment. Without floe_ice_close or a restart it may come again.
 *
 * @param candidate  as floe_candidate_parse gives it: one with its address or name, its port,
 *                   transport and component goes.
 * @return FLOE_OK, also if it names another username fragment than the remote parameters;
 *         FLOE_ERR_NOT_FOUND: there is none such; FLOE_ERR_INVALID_ARGUMENT for NULL;
 *         FLOE_ERR_INVALID_STATE: it is closed.
 */
FLOE_EXPORT floe_error floe_ice_remove_remote_candidate(floe_ice *ice, floe_time now,
                                                        const floe_candidate *candidate);

/**
 * The end of a look-up (FLOE_ICE_LOOK_UP). A name that is not looked up (any more) is ignored. All
 * remote candidates with the name, in any spelling of upper and lower case, take the addresses.
 *
 * @param error      FLOE_OK: there are `count` addresses, possibly none; others: why there are none.
 * @param addresses  their ports are ignored. Those that floe_ice_add_remote_candidate would refuse,
 *                   and more than the options allow, are left out.
 */
FLOE_EXPORT void floe_ice_looked_up(floe_ice *ice, floe_time now, const char *name,
                                    floe_error error, const floe_address *addresses, size_t count);

/** Tells the agent an output of its core: call it for every output. It takes candidates, their end,
 *  those that are withdrawn, unreachable peers and room to send from there. */
FLOE_EXPORT void floe_ice_core_output(floe_ice *ice, floe_time now, const floe_core_output *output);

/**
 * Tells the agent a packet of floe_core_packet. It answers checks, and takes answers to its own.
 *
 * @return whether the packet is data for the application, from an address that has shown in a check
 *         that it is the peer's (RFC 8445 §12.1). Otherwise there is nothing more to do with it.
 */
FLOE_EXPORT bool floe_ice_packet(floe_ice *ice, floe_time now, const floe_packet *packet);

/**
 * Returns whether a packet belongs to this agent, where several share a core (one offer that several
 * remote sides answer): tell it to the one that it belongs to. A check belongs to the agent whose
 * remote username fragment it names (RFC 8445 §7.2.2), an answer to the one that has sent the check,
 * and other packets to the one that has a pair from where they come. A check that belongs to none may
 * be told to one that is not started yet: it answers it, and makes up for it if it is its remote
 * side's.
 */
FLOE_EXPORT bool floe_ice_owns(const floe_ice *ice, const floe_packet *packet);

/** Time has passed. You may call this at any moment; you must call it at the deadline. */
FLOE_EXPORT void floe_ice_time(floe_ice *ice, floe_time now);
/** When to call floe_ice_time next; UINT64_MAX: there is no deadline. */
FLOE_EXPORT floe_time floe_ice_deadline(const floe_ice *ice);

/**
 * Takes the next report. Without memory, one about a pair waits for a later call.
 *
 * @param output  receives a pointer to it, valid until the next call for this agent; unchanged if
 *                there is none.
 * @return whether there was one.
 */
FLOE_EXPORT bool floe_ice_poll(floe_ice *ice, const floe_ice_output **output);

/**
 * Sends a packet to the remote side: by the chosen pair, or, as long as none is chosen, by the best
 * one that works (RFC 8445 §12.1).
 *
 * @param data  copied.
 * @param size  up to 65,507 bytes, as floe_core_send.
 * @return as floe_core_send; FLOE_ERR_NOT_CONNECTED: no pair works; FLOE_ERR_INVALID_STATE: closed.
 */
FLOE_EXPORT floe_error floe_ice_send(floe_ice *ice, floe_time now, const void *data, size_t size);

/** Ends all checks; state closed follows. Nothing is said to the peer. May be called twice. */
FLOE_EXPORT void floe_ice_close(floe_ice *ice, floe_time now);

/** The current state, even if reports still wait to be polled. */
FLOE_EXPORT floe_ice_state floe_ice_get_state(const floe_ice *ice);

/** Why no pair works. FLOE_ICE_REASON_NONE if one does, or for NULL. */
FLOE_EXPORT floe_ice_reason floe_ice_get_reason(const floe_ice *ice);

/**
 * Says in plain English, in one or two sentences, how the agent stands; if no pair works, why: how
 * many pairs there are and how they have ended, whether anything has come from the remote side, and
 * what to look at.
 *
 * @param text  receives it and a NUL.
 * @param size  room at text.
 * @return as floe_ice_explain_pair.
 */
FLOE_EXPORT floe_error floe_ice_explain(const floe_ice *ice, char *text, size_t size);
/** The role, which changes if it was also the peer's; 0: it has not been started. */
FLOE_EXPORT floe_ice_role floe_ice_get_role(const floe_ice *ice);

/**
 * All pairs, by their priority.
 *
 * @param list  receives them; freed by floe_ice_pair_list_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for NULL; FLOE_ERR_NO_MEMORY.
 */
FLOE_EXPORT floe_error floe_ice_get_pairs(const floe_ice *ice, floe_ice_pair_list **list);
/**
 * The chosen pair (ORTC getSelectedCandidatePair).
 *
 * @param list  receives a list of this one pair; freed by floe_ice_pair_list_free.
 * @return as floe_ice_get_pairs; FLOE_ERR_NOT_CONNECTED: none is chosen.
 */
FLOE_EXPORT floe_error floe_ice_get_selected_pair(const floe_ice *ice, floe_ice_pair_list **list);
/**
 * The remote candidates (ORTC getRemoteCandidates), without those that only checks have shown.
 *
 * @param list  receives them; freed by floe_candidate_list_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for NULL; FLOE_ERR_NO_MEMORY.
 */
FLOE_EXPORT floe_error floe_ice_get_remote_candidates(const floe_ice *ice,
                                                      floe_candidate_list **list);
/** Fills `statistics`; those of each pair are in floe_ice_get_pairs. FLOE_OK;
 *  FLOE_ERR_INVALID_ARGUMENT for NULL. */
FLOE_EXPORT floe_error floe_ice_get_statistics(const floe_ice *ice,
                                               floe_ice_statistics *statistics);

#ifdef __cplusplus
}
#endif
#endif
