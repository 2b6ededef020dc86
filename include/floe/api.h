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
 * Makes an api. It starts one thread, unless the settings name a loop. It opens no network socket
 * and sends nothing.
 *
 * @param settings  copied; NULL: all defaults.
 * @param api       receives the handle; freed by floe_api_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT: a setting is out of range, floe_last_error() names
 *         it; FLOE_ERR_NO_MEMORY; FLOE_ERR_NO_DESCRIPTORS; FLOE_ERR_SYSTEM.
 *
 * Threads: any; with a loop of the caller's, the thread that runs it.
 */
FLOE_EXPORT floe_error floe_api_new(const floe_settings *settings, floe_api **api);

/**
 * Closes and frees all gatherers of the api, then the api. The gatherers' handles become invalid
 * too. Relays are released (one packet each, without waiting for the answer).
 *
 * If the api has its own thread: when called from another thread, it returns when the api's thread
 * has ended and every socket is closed. When called from inside a callback, it returns at once, and
 * the thread ends by itself.
 *
 * With the caller's loop: handles close while the loop continues to run. Run it until it has
 * nothing left to do.
 *
 * @param api  may be NULL.
 *
 * Threads: any; with a loop of the caller's, the thread that runs it. No other call for the api or
 * its gatherers may be running, or follow.
 */
FLOE_EXPORT void floe_api_free(floe_api *api);

/** Counters since the api was made. */
typedef struct floe_api_statistics {
    /** sizeof(floe_api_statistics), set by the _INIT macro; 0 means the size in the first release.
     */
    size_t size;
    /** Packets passed to the kernel, and received from it. */
    uint64_t packets_sent;
    uint64_t packets_received;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    /** Packets that the kernel refused to take. They are lost, and retransmitted like any lost
     *  packet. */
    uint64_t packets_not_sent;
    /** Packets that floe did not ask for or could not believe. They change nothing. */
    uint64_t packets_dropped;
} floe_api_statistics;

#define FLOE_API_STATISTICS_INIT FLOE_INIT(floe_api_statistics)

/** What FLOE_API_STATISTICS_INIT does, as floe_settings_init. Threads: any. */
FLOE_EXPORT void floe_api_statistics_init(floe_api_statistics *statistics, size_t size);

/**
 * Copies the counters.
 *
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for NULL.
 *
 * Threads: any.
 */
FLOE_EXPORT floe_error floe_api_get_statistics(floe_api *api, floe_api_statistics *statistics);

/** The result of a look-up. Pointers are valid during the callback. Only the library makes this
 *  struct; later releases append fields. */
typedef struct floe_look_up_result {
    const char *name;
    /** FLOE_OK: the name has these addresses; FLOE_ERR_TIMED_OUT: nobody answered;
     *  FLOE_ERR_QUEUE_FULL: so many names are being looked up that this one was not asked for in
     *  its time; FLOE_ERR_NOT_FOUND: such a name cannot exist; others: multicast DNS is not
     *  available (FLOE_ERR_ADDRESS_IN_USE: another program has UDP port 5353 for itself). */
    floe_error error;
    const floe_address *addresses;
    size_t address_count;
} floe_look_up_result;

typedef void (*floe_look_up_handler)(void *user_data, const floe_look_up_result *result);

/**
 * Looks up a .local name by multicast DNS on all links (RFC 6762). Use it when a candidate of the
 * peer has a name instead of an address (draft-ietf-mmusic-mdns-ice-candidates §3.2). Each look-up
 * ends in its time, however many there are: 32 names are asked for at once, and one more every
 * millisecond. Only answers from the local links count (RFC 6762 §11). A link-local IPv6 address
 * comes with its scope.
 *
 * @param name        ends in ".local", in upper or lower case, with or without a dot at the end;
 *                    copied.
 * @param timeout_ms  1 to 60,000; 0: 5,000.
 * @param handler     called once, on the loop thread, under the same rules as every other callback.
 *                    It is not called any more once floe_api_cancel_look_ups has returned, or
 *                    floe_api_free has been called.
 * @param user_data   has to stay valid until the handler was called or can no longer be called.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT; FLOE_ERR_INVALID_STATE: multicast DNS is off, or not
 *         built in; FLOE_ERR_NO_MEMORY.
 *
 * Threads: any.
 */
FLOE_EXPORT floe_error floe_api_look_up(floe_api *api, const char *name, uint32_t timeout_ms,
                                        floe_look_up_handler handler, void *user_data);

/**
 * Ends all look-ups that were started with this handler and this user data, so that you can free
 * the user data. The handler is not called for them.
 *
 * After it returns, no such handler starts any more. When called from a thread other than the loop
 * thread, it waits for a handler that is running, so do not hold a lock that the handler takes.
 * When called on the loop thread, also from inside that handler, it does not wait.
 *
 * @return FLOE_OK, also if there is no such look-up; FLOE_ERR_INVALID_ARGUMENT: the api or the
 *         handler is NULL.
 *
 * Threads: any.
 */
FLOE_EXPORT floe_error floe_api_cancel_look_ups(floe_api *api, floe_look_up_handler handler,
                                                void *user_data);

/** What became of an address. */
typedef enum floe_network_change_kind {
    FLOE_NETWORK_ADDED = 1,
    FLOE_NETWORK_REMOVED = 2,
    /** One of the other fields of floe_network_change is different now. */
    FLOE_NETWORK_CHANGED = 3
} floe_network_change_kind;

/** "added", "removed", "changed"; "" for any other value. Threads: any. */
FLOE_EXPORT const char *floe_network_change_name(floe_network_change_kind kind);

/** An address of this machine that has changed, and what is true of it now (of a removed one: what
 *  was). Pointers are valid during the callback. Only the library makes this struct; later releases
 *  append fields. */
typedef struct floe_network_change {
    /** sizeof(floe_network_change), as the library was compiled. */
    size_t size;
    floe_network_change_kind change;
    const char *interface_name;
    uint32_t interface_index;
    floe_address address;
    /** The interface is up and has a carrier. */
    bool up;
    /** An RFC 8981 temporary address. */
    bool temporary;
    /** RFC 4862: its preferred lifetime has ended. */
    bool deprecated;
    /** RFC 4862: duplicate detection is running, or has failed. */
    bool tentative;
    /** The kernel would use this address to send to a distant address. It is looked at only if
     *  settings.ip_handling keeps to the default route, or a gatherer is or was continual;
     *  otherwise false. */
    bool default_route;
} floe_network_change;

typedef void (*floe_network_change_handler)(void *user_data, const floe_network_change *change);

/**
 * Sets the function that is told when an address of this machine is added, is removed or changes,
 * on any interface (settings.interface_filter and ip_filter do not apply). The first changes are
 * those after this call; what is there already is not reported. Changes in quick succession are told
 * every 100 ms, and what came and went in between is not. Where the system does not tell of changes
 * (other systems than Linux, some sandboxes), the addresses are looked at every 2 s.
 *
 * It does not depend on gatherers. To make a gatherer follow the network, use options.continual.
 *
 * @param handler    replaces the former one; NULL: none. Called on the loop thread, under the same
 *                   rules as every other callback. After this function returns, the former one does
 *                   not start any more; if it is running on the loop thread, this function waits for
 *                   it, unless it is called on the loop thread itself.
 * @param user_data  passed to the handler.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT: the api is NULL.
 *
 * Threads: any.
 */
FLOE_EXPORT floe_error floe_api_on_network_change(floe_api *api,
                                                  floe_network_change_handler handler,
                                                  void *user_data);

#ifdef __cplusplus
}
#endif
#endif
