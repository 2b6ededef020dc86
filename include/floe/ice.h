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

#ifdef __cplusplus
extern "C" {
#endif

/** One agent. */
typedef struct floe_ice floe_ice;

/** ORTC RTCIceRole. */
typedef enum floe_ice_role {
    /** It decides which pair is used (RFC 8445 §6.1.1). */
    FLOE_ICE_ROLE_CONTROLLING = 1,
    FLOE_ICE_ROLE_CONTROLLED = 2
} floe_ice_role;

/** "controlling", "controlled"; "" for any other value. Threads: any. */
FLOE_EXPORT const char *floe_ice_role_name(floe_ice_role role);

/** ORTC RTCIceTransportState. */
typedef enum floe_ice_state {
    /** Not started, or no remote candidate is known yet. */
    FLOE_ICE_STATE_NEW = 1,
    /** Pairs are checked, and none can be used yet. */
    FLOE_ICE_STATE_CHECKING = 2,
    /** A pair can be used. Others are still checked, or may still come. */
    FLOE_ICE_STATE_CONNECTED = 3,
    /** Both sides have said that no more candidates come, all checks have ended, and a pair is
     *  chosen. */
    FLOE_ICE_STATE_COMPLETED = 4,
    /** The pair in use has not answered for a while (options.disconnected_after_ms). It may come
     *  back. */
    FLOE_ICE_STATE_DISCONNECTED = 5,
    /** No pair works, and none can come any more. */
    FLOE_ICE_STATE_FAILED = 6,
    FLOE_ICE_STATE_CLOSED = 7
} floe_ice_state;

/** "new", "checking", "connected", "completed", "disconnected", "failed", "closed"; "" for any other
 *  value. Threads: any. */
FLOE_EXPORT const char *floe_ice_state_name(floe_ice_state state);

/** All zeros (or FLOE_ICE_OPTIONS_INIT) means the defaults. */
typedef struct floe_ice_options {
    /** sizeof(floe_ice_options), set by the _INIT macro; 0 means the size in the first release. */
    size_t size;
    /** Where memory comes from; NULL: malloc. Copied. */
    const floe_allocator *allocator;
    /** Ta: the time between two new checks, in milliseconds (RFC 8445 §14.2). 5 to 10,000; 0: 5. The
     *  requests of the gatherer to its servers have a pace of their own (settings.pacing_ms). */
    uint32_t pacing_ms;
    /** So many pairs are checked at most; of more, those of lowest priority are left out (RFC 8445
     *  §6.1.2.5). 1 to 1,000; 0: 100. */
    uint32_t max_pairs;
    /** So many remote candidates are taken at most. 1 to 1,000; 0: 64. */
    uint32_t max_remote_candidates;
    /** The agent does not fail earlier than this after its start, in milliseconds (RFC 8863 §4). 1 to
     *  3,600,000; 0: 39,500. */
    uint32_t failed_after_ms;
    /** How long after the start the controlling side waits for better pairs before it chooses one
     *  with a candidate of this type, in milliseconds (Pion SrflxAcceptanceMinWait and so on). A pair
     *  of two host candidates is chosen at once. The wait ends when no better pair can come. It
     *  delays no data: that goes by the best pair of the moment. 1 to 60,000; 0: 500, 1,000, 2,000. */
    uint32_t srflx_acceptance_ms;
    uint32_t prflx_acceptance_ms;
    uint32_t relay_acceptance_ms;
    /** The chosen pair is checked this often, in milliseconds, each time between 0.8 and 1.2 times as
     *  much (RFC 7675 §5.1). 1,000 to 25,000; 0: 5,000. */
    uint32_t consent_ms;
    /** If no such check has been answered for so long, in milliseconds, nothing is sent by the pair
     *  any more (RFC 7675 §5.1). 5,000 to 3,600,000; 0: 30,000. */
    uint32_t consent_timeout_ms;
    /** If nothing has come by the chosen pair for so long, in milliseconds, though it was asked, the
     *  state is disconnected. 1,000 to 3,600,000; 0: 5,000. */
    uint32_t disconnected_after_ms;
    /** The best pair that could replace the chosen one is checked this often, in milliseconds, so that
     *  it is ready when the chosen one fails. 5,000 to 3,600,000; with consent_timeout_ms or more, it
     *  is not. 0: 25,000. */
    uint32_t backup_check_ms;
    /** Take remote candidates with loopback addresses. */
    bool loopback;
    /** Which remote addresses are checked: returns false for those that are not. It is asked for each
     *  remote candidate, also for those that only checks show; it must not call the agent. NULL: all
     *  (Pion SetRemoteIPFilter). */
    bool (*remote_filter)(void *user_data, const floe_address *address);
    void *remote_filter_user_data;
    /** Refuse remote candidates that show a name which ends in `.local`. By default they are taken:
     *  the agent asks for their addresses with FLOE_ICE_LOOK_UP, which multicast DNS (RFC 6762)
     *  answers. */
    bool no_local_names;
    /** Take remote candidates that show any other name too (RFC 8839 §5.1), so DNS is asked for what
     *  the remote side says. */
    bool resolve_names;
    /** Report each change of a pair (FLOE_ICE_PAIR), for those who look for a fault. */
    bool report_pairs;
    /** The remote side was told of renomination (`ice-options:renomination`,
     *  draft-thatcher-ice-renomination). If floe_parameters.renomination says that it knows it too,
     *  the controlling side numbers its nominations, and the latest counts on both sides. */
    bool renomination;
} floe_ice_options;

#define FLOE_ICE_OPTIONS_INIT FLOE_INIT(floe_ice_options)

/** What FLOE_ICE_OPTIONS_INIT does, as floe_settings_init. Threads: any. */
FLOE_EXPORT void floe_ice_options_init(floe_ice_options *options, size_t size);

/** The state of a pair in the checklist (RFC 8445 §6.1.2.6). */
typedef enum floe_ice_pair_state {
    /** Its check waits for that of another pair of the same foundation. */
    FLOE_ICE_PAIR_FROZEN = 1,
    FLOE_ICE_PAIR_WAITING = 2,
    FLOE_ICE_PAIR_IN_PROGRESS = 3,
    FLOE_ICE_PAIR_SUCCEEDED = 4,
    FLOE_ICE_PAIR_FAILED = 5
} floe_ice_pair_state;

/** "frozen", "waiting", "in-progress", "succeeded", "failed" (W3C RTCStatsIceCandidatePairState); ""
 *  for any other value. Threads: any. */
FLOE_EXPORT const char *floe_ice_pair_state_name(floe_ice_pair_state state);

/** Why a pair has failed. Later releases may add more. */
typedef enum floe_ice_failure {
    FLOE_ICE_FAILURE_NONE = 0,
    /** No answer came. */
    FLOE_ICE_FAILURE_TIMEOUT = 1,
    /** The network returned the checks (ICMP), or this machine did not send them. */
    FLOE_ICE_FAILURE_UNREACHABLE = 2,
    /** The answer came from another address, or to another one, than the check (RFC 8445 §7.2.5.2.1).
     */
    FLOE_ICE_FAILURE_NOT_SYMMETRIC = 3,
    /** The peer answered with an error: see error_code. */
    FLOE_ICE_FAILURE_ERROR_CODE = 4,
    /** The answer could not be understood. */
    FLOE_ICE_FAILURE_BAD_ANSWER = 5,
    /** The relay's server refuses the peer. */
    FLOE_ICE_FAILURE_RELAY_REFUSES = 6,
    /** The address got as many checks as are allowed without an answer (50). */
    FLOE_ICE_FAILURE_TOO_MANY_CHECKS = 7,
    /** The two sides could not agree on their roles. */
    FLOE_ICE_FAILURE_ROLES = 8,
    /** It has worked, and was not answered for options.consent_timeout_ms, or the peer has answered
     *  that it wants nothing more (403; RFC 7675). */
    FLOE_ICE_FAILURE_CONSENT = 9
} floe_ice_failure;

/** "timeout", "unreachable", "not-symmetric", "error-code", "bad-answer", "relay-refuses",
 *  "too-many-checks", "roles", "consent"; "" for none and any other value. Threads: any. */
FLOE_EXPORT const char *floe_ice_failure_name(floe_ice_failure failure);

/** One pair of candidates. Only the library makes this struct; later releases append fields. */
typedef struct floe_ice_pair {
    /** The candidate that packets are sent from (floe_candidate.id): the base of the local one. */
    uint32_t local_id;
    /** What the peer sees of it: the type of the local candidate whose address it answered to. Until
     *  an answer came, that of the base. */
    floe_candidate_type local_type;
    floe_candidate_type remote_type;
    floe_address remote_address;
    /** RFC 8445 §6.1.2.3. */
    uint64_t priority;
    floe_ice_pair_state state;
    /** Data can be sent by it. */
    bool valid;
    /** The controlling side has nominated it (W3C nominated). */
    bool nominated;
    /** It is the chosen one. */
    bool selected;
    floe_ice_failure failure;
    /** The STUN error code of the answer, with FLOE_ICE_FAILURE_ERROR_CODE; otherwise 0. */
    uint16_t error_code;
    /** Data of the application, without STUN and headers (W3C packetsSent and so on). */
    uint64_t packets_sent;
    uint64_t packets_received;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    /** Data that was not sent, because a queue was full or memory was exhausted (W3C
     *  packetsDiscardedOnSend, bytesDiscardedOnSend). */
    uint64_t packets_discarded_on_send;
    uint64_t bytes_discarded_on_send;
    /** When data was sent and received last; 0: never. */
    floe_time last_packet_sent;
    floe_time last_packet_received;
    /** Checks, without retransmissions, and without those for consent (W3C requestsSent); the peer's
     *  checks; answers. */
    uint64_t requests_sent;
    uint64_t requests_received;
    uint64_t responses_sent;
    uint64_t responses_received;
    /** Checks of a pair that works: for consent, or to keep it ready (W3C consentRequestsSent). */
    uint64_t consent_requests_sent;
    /** From a check to its answer: of the latest answer, and of all together (W3C
     *  currentRoundTripTime, totalRoundTripTime). A check that was sent more than once counts in
     *  neither, as nobody knows which was answered. 0: there is none. */
    floe_duration current_round_trip;
    floe_duration total_round_trip;
    /** The two candidates (W3C RTCIceCandidatePair): floe_candidate_format writes their lines. They
     *  are valid as long as this struct is. The local one is that whose address the peer has
     *  answered to; before that, the base's. The remote one is as it was signalled: it shows a name
     *  if that did. Of a peer reflexive one the foundation, and for a remote one the related address,
     *  are the agent's (RFC 8445 §7.2.5.3.1, §7.3.1.3). */
    const floe_candidate *local;
    const floe_candidate *remote;
} floe_ice_pair;

/** Enough room for any text of floe_ice_explain and floe_ice_explain_pair, with its NUL. */
#define FLOE_ICE_EXPLANATION_SIZE 1024

/**
 * Says in one English sentence how a pair stands, and if it has failed, why, and what to look at.
 *
 * @param text  receives it and a NUL.
 * @param size  room at text.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for NULL; FLOE_ERR_BUFFER_TOO_SMALL: as much as fits is
 *         there.
 *
 * Threads: any.
 */
FLOE_EXPORT floe_error floe_ice_explain_pair(const floe_ice_pair *pair, char *text, size_t size);

/** Only the library makes this struct; later releases append fields. */
typedef struct floe_ice_pair_list {
    size_t count;
    const floe_ice_pair *const *pairs;
} floe_ice_pair_list;

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
 * @param candidate  as floe_candidate_parse gives it; copied. NULL: no more will come. One that shows
 *                   a name is looked up first (FLOE_ICE_LOOK_UP), and has a pair with each address
 *                   that is found. One for TCP is paired if it is passive; of an active one, only the
 *                   checks count (RFC 6544 §6.2); nobody connects to a simultaneous-open one.
 * @return FLOE_OK, also for one that names another username fragment than the remote parameters, and
 *         is ignored; FLOE_ERR_INVALID_ARGUMENT: its address is unspecified, multicast, broadcast or
 *         loopback, or its port 0, or the options' filter refuses it, or its name cannot be one;
 *         FLOE_ERR_UNSUPPORTED: it shows a name that the options do not want looked up;
 *         FLOE_ERR_INVALID_STATE: it is closed, no more were to come, or there are as many as the
 *         options allow; FLOE_ERR_NO_MEMORY. floe_last_error() says which.
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

/** What keeps an agent from working, as one of a few fixed words, for programs. Later releases may
 *  add more. */
typedef enum floe_ice_reason {
    /** Nothing does, or nothing is known yet. */
    FLOE_ICE_REASON_NONE = 0,
    /** It has not been started. */
    FLOE_ICE_REASON_NOT_STARTED = 1,
    /** The remote side has given no candidate. */
    FLOE_ICE_REASON_NO_REMOTE_CANDIDATE = 2,
    /** The names of the remote side's candidates have no address here. */
    FLOE_ICE_REASON_NAMES = 3,
    /** The gatherer has given no candidate. */
    FLOE_ICE_REASON_NO_LOCAL_CANDIDATE = 4,
    /** No local candidate can be paired with a remote one: they are of other families or protocols.
     */
    FLOE_ICE_REASON_NO_PAIR = 5,
    /** The remote side's checks arrive, but are signed by another password than ours. */
    FLOE_ICE_REASON_CREDENTIALS = 6,
    /** The remote side's checks arrive, but what we send is not answered. */
    FLOE_ICE_REASON_ONE_WAY = 7,
    /** Nothing at all has come from the remote side. */
    FLOE_ICE_REASON_SILENCE = 8,
    /** The network returned everything (ICMP), or this machine did not send it. */
    FLOE_ICE_REASON_UNREACHABLE = 9,
    /** Relays' servers refuse the remote side's addresses. */
    FLOE_ICE_REASON_RELAY_REFUSES = 10,
    /** The remote side answers with errors, or with what cannot be used. */
    FLOE_ICE_REASON_REFUSED = 11,
    /** It has worked, and the remote side answers no more (RFC 7675). */
    FLOE_ICE_REASON_CONSENT = 12
} floe_ice_reason;

/** "not-started", "no-remote-candidate", "names", "no-local-candidate", "no-pair", "credentials",
 *  "one-way", "silence", "unreachable", "relay-refuses", "refused", "consent"; "" for none and any
 *  other value. Threads: any. */
FLOE_EXPORT const char *floe_ice_reason_name(floe_ice_reason reason);

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
/** The agent as a whole (W3C RTCTransportStats). Only the library fills it. */
typedef struct floe_ice_statistics {
    /** sizeof(floe_ice_statistics), set by the _INIT macro; 0 means the size in the first release. */
    size_t size;
    floe_ice_role role;
    floe_ice_state state;
    /** Data, by all pairs that there have been. */
    uint64_t packets_sent;
    uint64_t packets_received;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    /** How often another pair was chosen. */
    uint64_t selected_candidate_pair_changes;
    /** The username fragment of our side (W3C iceLocalUsernameFragment). */
    char ice_local_username_fragment[257];
} floe_ice_statistics;

#define FLOE_ICE_STATISTICS_INIT FLOE_INIT(floe_ice_statistics)

/** What FLOE_ICE_STATISTICS_INIT does, as floe_settings_init. Threads: any. */
FLOE_EXPORT void floe_ice_statistics_init(floe_ice_statistics *statistics, size_t size);

/** Fills `statistics`; those of each pair are in floe_ice_get_pairs. FLOE_OK;
 *  FLOE_ERR_INVALID_ARGUMENT for NULL. */
FLOE_EXPORT floe_error floe_ice_get_statistics(const floe_ice *ice,
                                               floe_ice_statistics *statistics);

/** Frees a list. NULL is fine. Call it before the agent is freed. */
FLOE_EXPORT void floe_ice_pair_list_free(floe_ice_pair_list *list);

#ifdef __cplusplus
}
#endif
#endif
