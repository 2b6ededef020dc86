/* An api: the loop, and what its gatherers share (Pion's API with its SettingEngine). */
#ifndef FLOE_API_H
#define FLOE_API_H

#include <floe/address.h>
#include <floe/error.h>
#include <floe/settings.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct floe_api floe_api;

/**
 * Makes an api. Unless the settings name a loop, it starts one thread; no socket is opened to
 * anybody else, nothing is sent.
 *
 * @param settings  copied; NULL: all defaults.
 * @param api       receives the handle; freed by floe_api_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT: a setting is out of range, floe_last_error() names
 * it; FLOE_ERR_NO_MEMORY; FLOE_ERR_NO_DESCRIPTORS; FLOE_ERR_SYSTEM.
 *
 * Threads: any; with a loop of the caller's, the thread that runs it.
 */
FLOE_EXPORT floe_error floe_api_new(const floe_settings *settings, floe_api **api);

/**
 * Closes and frees all gatherers of the api, then the api. Their handles are gone with it. Relays
 * are released (one packet each, no waiting).
 *
 * With a thread of its own: from another thread it returns when that thread has ended and every
 * socket is closed; from inside a callback it returns at once, and the thread ends by itself.
 * With the caller's loop: handles close as the loop runs on; run it until it has no more to do.
 *
 * @param api  may be NULL.
 *
 * Threads: any; with a loop of the caller's, the thread that runs it. No other call for the api or
 * its gatherers may be under way or follow.
 */
FLOE_EXPORT void floe_api_free(floe_api *api);

/** Counters since the api was made. */
typedef struct floe_api_statistics {
    /** sizeof(floe_api_statistics), set by the _INIT macro; 0 is taken as the first release's. */
    size_t size;
    /** Packets handed to and taken from the kernel. */
    uint64_t packets_sent;
    uint64_t packets_received;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    /** Packets that the kernel would not take: they are lost, and sent again as on any loss. */
    uint64_t packets_not_sent;
    /** Packets that nobody had asked for or that could not be believed: they change nothing. */
    uint64_t packets_dropped;
} floe_api_statistics;

#define FLOE_API_STATISTICS_INIT FLOE_INIT(floe_api_statistics)

/**
 * Copies the counters.
 *
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for NULL.
 *
 * Threads: any.
 */
FLOE_EXPORT floe_error floe_api_get_statistics(floe_api *api, floe_api_statistics *statistics);

/** What a look-up has found. Pointers are valid during the callback. */
typedef struct floe_look_up_result {
    const char *name;
    /** FLOE_OK: it has these addresses; FLOE_ERR_TIMED_OUT: nobody answered; FLOE_ERR_QUEUE_FULL:
     *  so many names are looked up at once that this one was not asked for in its time;
     *  FLOE_ERR_NOT_FOUND: no such name can be; others: multicast DNS cannot be had
     * (FLOE_ERR_ADDRESS_IN_USE: another program holds UDP port 5353 for itself). */
    floe_error error;
    const floe_address *addresses;
    size_t address_count;
} floe_look_up_result;

typedef void (*floe_look_up_handler)(void *user_data, const floe_look_up_result *result);

/**
 * Looks up a .local name by multicast DNS on all links (RFC 6762): the address of the other side's
 * candidate which has a name (draft-ietf-mmusic-mdns-ice-candidates §3.2). However many there are,
 * each ends in its time; 32 names are asked for at once, and more by one each millisecond. Only
 * answers of the local links count (RFC 6762 §11). A link-local IPv6 address comes with its scope.
 *
 * @param name        one that ends in ".local", in any case, with a dot at the end or without;
 *                    copied.
 * @param timeout_ms  1 to 60,000; 0: 5,000.
 * @param handler     called once, on the loop thread, under the rules of every other callback; not
 *                    any more once floe_api_cancel_look_ups has returned, or floe_api_free has been
 *                    called. Until then `user_data` has to live.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT; FLOE_ERR_INVALID_STATE: multicast DNS is off, or not
 *         built in; FLOE_ERR_NO_MEMORY.
 *
 * Threads: any.
 */
FLOE_EXPORT floe_error floe_api_look_up(floe_api *api, const char *name, uint32_t timeout_ms,
                                        floe_look_up_handler handler, void *user_data);

/**
 * Ends all look-ups that were begun with this handler and this user data, so that the latter can be
 * freed. Their handler is not called for them.
 *
 * When it returns no such handler begins any more. Called on another thread than the loop's it
 * waits for one that runs, so a lock that the handler takes must not be held meanwhile; called on
 * the loop thread, in that handler too, it waits for nobody.
 *
 * @return FLOE_OK, also where there is none; FLOE_ERR_INVALID_ARGUMENT: the api or the handler is
 *         NULL.
 *
 * Threads: any.
 */
FLOE_EXPORT floe_error floe_api_cancel_look_ups(floe_api *api, floe_look_up_handler handler,
                                                void *user_data);

#ifdef __cplusplus
}
#endif
#endif
