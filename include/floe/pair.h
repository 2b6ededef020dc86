/* What an ICE agent is told and tells, with its own thread (<floe/transport.h>) and without I/O (<floe/ice.h>): roles, states,
 * options, pairs of candidates, statistics. */
#ifndef FLOE_PAIR_H
#define FLOE_PAIR_H

#include <floe/address.h>
#include <floe/allocator.h>
#include <floe/candidate.h>
#include <floe/error.h>
#include <floe/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

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
    /** Not started, or nothing of the remote side's candidates is known yet, not even that there are none. */
    FLOE_ICE_STATE_NEW = 1,
    /** Pairs are checked, or may come, and none can be used yet. */
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
    /** Ta: the time between two new checks, in milliseconds (RFC 8445 §14.2). 5 to 10,000, and at most a
     *  quarter of consent_timeout_ms; 0: 5. The requests of the gatherer to its servers have a pace of
     *  their own (settings.pacing_ms). */
    uint32_t pacing_ms;
    /** So many pairs are checked at most; of more, those of lowest priority are left out (RFC 8445
     *  §6.1.2.5). 1 to 1,000; 0: 100. */
    uint32_t max_pairs;
    /** So many remote candidates are taken at most. 1 to 1,000; 0: 64. */
    uint32_t max_remote_candidates;
    /** The agent does not fail earlier than this after its start, in milliseconds (RFC 8863 §4), nor
     *  within consent_timeout_ms after its last pair has ended with an address or a connection. 1 to
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
     *  much (RFC 7675 §5.1). 1,000 to 25,000, but no more than a quarter of consent_timeout_ms counts;
     *  0: 5,000. */
    uint32_t consent_ms;
    /** If no such check has been answered for so long, in milliseconds, nothing is sent by the pair
     *  any more (RFC 7675 §5.1). 5,000 to 3,600,000; 0: 30,000. */
    uint32_t consent_timeout_ms;
    /** If nothing has come by the chosen pair for so long, in milliseconds, though it was asked, the
     *  state is disconnected. 1,000 to 3,600,000; 0: 5,000. */
    uint32_t disconnected_after_ms;
    /** The best pair that could replace the chosen one is checked this often, in milliseconds, so that
     *  it is ready when the chosen one fails. 5,000 to 3,600,000; with consent_timeout_ms or more, it
     *  is not. 0: 25,000, or five sixths of consent_timeout_ms, if that is less. */
    uint32_t backup_check_ms;
    /** Take remote candidates with loopback addresses. */
    bool loopback;
    /** Which remote addresses are used: returns false for those that are not. Nothing is sent there, not
     *  even an answer, and nothing that comes from there is heard. It is asked for each remote
     *  candidate, and when a check comes from an address of no pair; it must not call the agent. NULL: all
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

/** Frees a list. NULL is fine. */
FLOE_EXPORT void floe_ice_pair_list_free(floe_ice_pair_list *list);

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

#ifdef __cplusplus
}
#endif
#endif
