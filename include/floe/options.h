/* What one gatherer is told: its servers and its policy (ORTC RTCIceGatherOptions). */
#ifndef FLOE_OPTIONS_H
#define FLOE_OPTIONS_H

#include <floe/export.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Pion and ORTC gather policy. */
typedef enum floe_gather_policy {
    FLOE_GATHER_POLICY_ALL = 0,
    /** No host candidates, and no host address in anything that is reported. */
    FLOE_GATHER_POLICY_NOHOST = 1,
    /** Relay candidates only, and no host or mapped address in anything that is reported. */
    FLOE_GATHER_POLICY_RELAY = 2
} floe_gather_policy;

/** How a credential is meant (W3C RTCIceCredentialType). */
typedef enum floe_credential_type {
    /** A long-term password (RFC 8489 §9.2). */
    FLOE_CREDENTIAL_TYPE_PASSWORD = 0,
    /** An access token and its MAC key (RFC 7635). */
    FLOE_CREDENTIAL_TYPE_OAUTH = 1
} floe_credential_type;

/** W3C RTCIceServer: one server by one or several URLs. */
typedef struct floe_ice_server {
    /** sizeof(floe_ice_server), set by FLOE_ICE_SERVER_INIT; 0 is taken as the first release's. The
     *  first server's size is taken for all of an array. */
    size_t size;
    /** URLs of RFC 7064 (stun, stuns) and RFC 7065 (turn, turns); each is gathered from on its own.
     */
    const char *const *urls;
    size_t url_count;
    /** For turn and turns: UTF-8, not empty, at most 508 bytes once it is prepared by OpaqueString
     *  (RFC 8265 §4.2). With OAuth: the key id. Ignored for stun and stuns. */
    const char *username;
    /** For turn and turns, with passwords: UTF-8, not empty; prepared likewise. */
    const char *credential;
    floe_credential_type credential_type;
    /** With OAuth (W3C RTCOAuthCredential): the MAC key of 16 to 64 bytes, in base64. */
    const char *mac_key;
    /** With OAuth: the access token of at most 1,024 bytes, in base64. */
    const char *access_token;
} floe_ice_server;

#define FLOE_ICE_SERVER_INIT FLOE_INIT(floe_ice_server)

/** All zeros (or FLOE_GATHER_OPTIONS_INIT) means no server and policy all. */
typedef struct floe_gather_options {
    /** sizeof(floe_gather_options), set by the _INIT macro; 0 is taken as the first release's. */
    size_t size;
    const floe_ice_server *ice_servers;
    size_t ice_server_count;
    floe_gather_policy gather_policy;
    /** Above 0: gathering begins when the gatherer is made, and what it finds is held until gather
     *  is called (W3C iceCandidatePoolSize; a gatherer has one component, so any number is as
     *  good as another). */
    uint8_t candidate_pool_size;
    /** What the candidates are for (W3C sdpMid, sdpMLineIndex): handed on in each of them. NULL:
     *  not said. At most 255 bytes; copied. */
    const char *sdp_mid;
    uint16_t sdp_mline_index;
    /** Relays get an even port, and those of the associated gatherer the port above it (RFC 8656
     *  EVEN-PORT, RESERVATION-TOKEN), as RTP and RTCP of old want it. Gather with the associated
     * one within 30 s of the first one's completion: so long a server keeps the port. Of one
     * address family only. A server that has no such pair of ports gives others. */
    bool even_port;
} floe_gather_options;

#define FLOE_GATHER_OPTIONS_INIT FLOE_INIT(floe_gather_options)

/** The local ICE parameters for signalling (ORTC RTCIceParameters). */
typedef struct floe_parameters {
    /** sizeof(floe_parameters), set by FLOE_PARAMETERS_INIT; 0 is taken as the first release's. */
    size_t size;
    /** RFC 8839 §5.4: 4 to 256 ice-char; floe makes 8. */
    char username_fragment[257];
    /** RFC 8839 §5.4: 22 to 256 ice-char; floe makes 24. */
    char password[257];
    /** RFC 8445 §2.5. */
    bool ice_lite;
} floe_parameters;

#define FLOE_PARAMETERS_INIT FLOE_INIT(floe_parameters)

/** ORTC RTCIceGathererState. Always written with `enum`: the plain name is the function's. */
enum floe_gatherer_state {
    FLOE_GATHERER_STATE_NEW = 1,
    FLOE_GATHERER_STATE_GATHERING = 2,
    FLOE_GATHERER_STATE_COMPLETE = 3,
    FLOE_GATHERER_STATE_CLOSED = 4
};

/** "new", "gathering", "complete", "closed"; "" for another value. Threads: any. */
FLOE_EXPORT const char *floe_gatherer_state_name(enum floe_gatherer_state state);

#ifdef __cplusplus
}
#endif
#endif
