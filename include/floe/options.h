/* The options of one gatherer: its servers and its policy (ORTC RTCIceGatherOptions). */
#ifndef FLOE_OPTIONS_H
#define FLOE_OPTIONS_H

#include <floe/export.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The gather policy of Pion and ORTC. */
typedef enum floe_gather_policy {
    FLOE_GATHER_POLICY_ALL = 0,
    /** No host candidates. Nothing that is reported contains a host address. */
    FLOE_GATHER_POLICY_NOHOST = 1,
    /** Only relay candidates. Nothing that is reported contains a host or mapped address. */
    FLOE_GATHER_POLICY_RELAY = 2
} floe_gather_policy;

/** Types of candidates to gather. Join them with |. */
typedef enum floe_gather_type {
    FLOE_GATHER_TYPE_HOST = 1,
    FLOE_GATHER_TYPE_SRFLX = 2,
    FLOE_GATHER_TYPE_RELAY = 4
} floe_gather_type;

/** What carries TURN to its server. Join them with |. */
typedef enum floe_relay_transport {
    FLOE_RELAY_TRANSPORT_UDP = 1,
    FLOE_RELAY_TRANSPORT_TCP = 2,
    FLOE_RELAY_TRANSPORT_TLS = 4, /**< over TCP */
    FLOE_RELAY_TRANSPORT_DTLS = 8 /**< over UDP */
} floe_relay_transport;

/** The kind of credential (W3C RTCIceCredentialType). */
typedef enum floe_credential_type {
    /** A long-term password (RFC 8489 §9.2). */
    FLOE_CREDENTIAL_TYPE_PASSWORD = 0,
    /** An access token and its MAC key (RFC 7635). */
    FLOE_CREDENTIAL_TYPE_OAUTH = 1
} floe_credential_type;

/** W3C RTCIceServer: one server with one or more URLs. */
typedef struct floe_ice_server {
    /** sizeof(floe_ice_server), set by FLOE_ICE_SERVER_INIT; 0 means the size in the first release.
     *  In an array, the size of the first server applies to all. */
    size_t size;
    /** URLs of RFC 7064 (stun, stuns) and RFC 7065 (turn, turns). Each URL is gathered from
     *  separately. */
    const char *const *urls;
    size_t url_count;
    /** For turn and turns: UTF-8, not empty, at most 508 bytes after it is prepared with
     *  OpaqueString (RFC 8265 §4.2). With OAuth: the key id. Ignored for stun and stuns. */
    const char *username;
    /** For turn and turns with passwords: UTF-8, not empty, also prepared with OpaqueString. */
    const char *credential;
    floe_credential_type credential_type;
    /** With OAuth (W3C RTCOAuthCredential): the MAC key, 16 to 64 bytes, in base64. */
    const char *mac_key;
    /** With OAuth: the access token, at most 1,024 bytes, in base64. */
    const char *access_token;
} floe_ice_server;

#define FLOE_ICE_SERVER_INIT FLOE_INIT(floe_ice_server)

/** What FLOE_ICE_SERVER_INIT does, as floe_settings_init. Threads: any. */
FLOE_EXPORT void floe_ice_server_init(floe_ice_server *server, size_t size);

/** All zeros (or FLOE_GATHER_OPTIONS_INIT) means no servers and policy all. */
typedef struct floe_gather_options {
    /** sizeof(floe_gather_options), set by the _INIT macro; 0 means the size in the first release.
     */
    size_t size;
    const floe_ice_server *ice_servers;
    size_t ice_server_count;
    floe_gather_policy gather_policy;
    /** Above 0: gathering starts when the gatherer is made, and the results are held back until
     *  gather is called (W3C iceCandidatePoolSize). A gatherer has one component, so all numbers
     *  above 0 mean the same. */
    uint8_t candidate_pool_size;
    /** The media description that the candidates are for (W3C sdpMid, sdpMLineIndex). Both values
     *  are copied into each candidate. NULL: none given. At most 255 bytes; copied. */
    const char *sdp_mid;
    uint16_t sdp_mline_index;
    /** Relays get an even port, and the relays of the associated gatherer get the next port up (RFC
     *  8656 EVEN-PORT, RESERVATION-TOKEN), as RTP and RTCP traditionally need it. Gather with the
     *  associated gatherer within 30 s after the first one is complete: a server keeps the port
     *  that long. Works for one address family only. A server that has no such pair of ports gives
     *  other ports. */
    bool even_port;
    /** The username fragment and password of the first generation, for programs that signal them in
     *  their own way (WHIP, libp2p's webrtc-direct); see floe_restart_options. A restart makes new
     *  ones. floe_gatherer_set_options ignores both. */
    const char *username_fragment;
    const char *password;
    /** Which types of candidates to gather: a set of floe_gather_type; 0: all. The policy applies
     *  too: a type that either of them leaves out is not gathered. What is left out is not asked
     *  for (no socket, packet or look-up is made for it alone), and no error is reported for it.
     *  Without relay, a turn URL for UDP is asked only for the reflexive candidate, as a stun URL
     *  is, and other turn(s) URLs are not asked. Without host, the related addresses of other
     *  candidates still show the host's address, unless the policy hides it. */
    uint32_t candidate_types;
    /** Which turn(s) URLs to ask: a set of floe_relay_transport; 0: all. The transport of a URL that
     *  names none is UDP (turn) or TLS (turns). URLs that are left out are not asked, and no error
     *  is reported for them. S-NAPTR records do not lead to transports that are left out. */
    uint32_t relay_transports;
    /** Gathers whenever the network changes, as if gather had been called, but only where something
     *  has changed: the events are state gathering, candidates on new addresses, withdrawals on
     *  addresses that are gone, state complete, and the NULL candidate. What has not changed stays as
     *  it is, without a packet or an event. It begins with the first gather. In floe_core_* the
     *  driver says that the network has changed (floe_core_network_changed). */
    bool continual;
} floe_gather_options;

#define FLOE_GATHER_OPTIONS_INIT FLOE_INIT(floe_gather_options)

/** What FLOE_GATHER_OPTIONS_INIT does, as floe_settings_init. Threads: any. */
FLOE_EXPORT void floe_gather_options_init(floe_gather_options *options, size_t size);

/** What a restart begins with. All zeros (or FLOE_RESTART_OPTIONS_INIT) means that floe makes the new
 *  username fragment and password. */
typedef struct floe_restart_options {
    /** sizeof(floe_restart_options), set by the _INIT macro; 0 means the size in the first release.
     */
    size_t size;
    /** RFC 8839 §5.4: 4 to 256 letters, digits, "+" and "/". Copied. NULL: floe makes it. Checks are
     *  told apart by it, so it should be unique, and at least 24 bits of it random (RFC 8445 §5.3).
     */
    const char *username_fragment;
    /** 22 to 256 of the same characters, at least 128 bits of it random; whoever knows it can answer
     *  in the peer's name. Copied. NULL: floe makes it, also if only username_fragment is given. */
    const char *password;
} floe_restart_options;

#define FLOE_RESTART_OPTIONS_INIT FLOE_INIT(floe_restart_options)

/** What FLOE_RESTART_OPTIONS_INIT does, as floe_settings_init. Threads: any. */
FLOE_EXPORT void floe_restart_options_init(floe_restart_options *options, size_t size);

/** The local ICE parameters for signalling (ORTC RTCIceParameters). */
typedef struct floe_parameters {
    /** sizeof(floe_parameters), set by FLOE_PARAMETERS_INIT; 0 means the size in the first release.
     */
    size_t size;
    /** RFC 8839 §5.4: 4 to 256 ice-char; floe uses 8. */
    char username_fragment[257];
    /** RFC 8839 §5.4: 22 to 256 ice-char; floe uses 24. */
    char password[257];
    /** RFC 8445 §2.5. */
    bool ice_lite;
    /** Of the remote side: it knows renomination (`ice-options:renomination` in its SDP,
     *  draft-thatcher-ice-renomination). Of a gatherer it is false: whether its side knows it, its ICE
     *  agent says. */
    bool renomination;
} floe_parameters;

#define FLOE_PARAMETERS_INIT FLOE_INIT(floe_parameters)

/** What FLOE_PARAMETERS_INIT does, as floe_settings_init. Threads: any. */
FLOE_EXPORT void floe_parameters_init(floe_parameters *parameters, size_t size);

/** ORTC RTCIceGathererState. Always write it with `enum`: the plain name is a function. */
enum floe_gatherer_state {
    FLOE_GATHERER_STATE_NEW = 1,
    FLOE_GATHERER_STATE_GATHERING = 2,
    FLOE_GATHERER_STATE_COMPLETE = 3,
    FLOE_GATHERER_STATE_CLOSED = 4
};

/** "new", "gathering", "complete", "closed"; "" for any other value. Threads: any. */
FLOE_EXPORT const char *floe_gatherer_state_name(enum floe_gatherer_state state);

#ifdef __cplusplus
}
#endif
#endif
