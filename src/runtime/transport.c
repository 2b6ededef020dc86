/* The public transport: an agent (<floe/ice.h>) on a gatherer's core. Calls from any thread go into it; what it reports is
 * told on the loop thread. */
#include "runtime/transport.h"

#include "base/crypto.h"
#include "base/error.h"
#include "base/name.h"
#include "runtime/held.h"
#include "runtime/runtime.h"

#include <floe/ice.h>
#include <string.h>

/* As an agent takes, where the options do not say it. */
#define HELD_MAX 64
#define REMOTE_IS_LITE 1
#define REMOTE_RENOMINATES 2

struct floe_transport {
    floe_list link;        /* in api->transports */
    floe_list of_gatherer; /* in its transports */
    /* In api->transports_ready: it may have something to tell, and another deadline. */
    floe_list ready;
    floe_alarm alarm;       /* on api->timers.transports */
    floe_table_node latest; /* in its gatherer's by_peer: where its latest packet came from */
    floe_address latest_peer;
    floe_api *api;
    floe_gatherer *gatherer; /* NULL: it has stopped, or its gatherer has, and the agent is gone */
    floe_ice *ice;
    floe_ice *ended; /* a callback that runs may have a pair of it: it goes behind that */
    floe_transport *associated; /* of the other component; NULL: none, or it is gone */
    floe_ice_options *options;  /* as they were given, for an associated one; NULL: the defaults */
    floe_held held;             /* of component 2, until there is a transport for it */
    char *remote;               /* the remote parameters: two texts; NULL: none yet */
    uint8_t remote_flags;
    uint8_t component;
    bool all_came;   /* no more remote candidates will come */
    bool awaits;     /* not started, or not since the gatherer was restarted */
    bool looks_up;   /* or has done */
    bool freed;      /* the owner wants no callback any more */
    bool given_back; /* by one of its own callbacks: the loop thread frees it behind that */
    floe_transport_state_handler on_state_change;
    floe_pair_handler on_selected_pair_change;
    floe_pair_handler on_pair_change;
    floe_packet_handler on_packet;
    floe_transport_writable_handler on_writable;
    void *state_change_data;
    void *selected_pair_data;
    void *pair_data;
    void *packet_data;
    void *writable_data;
};

/* ── What both sides use; the lock is held ── */

static floe_error null_transport(const char *function)
{
    return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "%s: NULL", function);
}

static floe_error has_stopped(void)
{
    return floe_fail(FLOE_ERR_INVALID_STATE, "the transport has stopped, or its gatherer has");
}

static floe_transports *of(const floe_gatherer *gatherer)
{
    return gatherer->data != NULL ? &gatherer->data->transports : NULL;
}

bool floe_transports_exist(const floe_gatherer *gatherer)
{
    return gatherer->data != NULL && gatherer->data->transports.count > 0;
}

/* The agent was called: it may have something to tell, and its core to send. */
static void touched(floe_transport *transport)
{
    if (!floe_list_linked(&transport->ready)) {
        floe_list_append(&transport->api->transports_ready, &transport->ready);
    }
}

static void called(floe_transport *transport)
{
    touched(transport);
    floe_gatherer_wake(transport->gatherer);
}

/* It has stopped: its agent goes, before the core that it is on. */
static void stop(floe_transport *transport)
{
    floe_transports *list = of(transport->gatherer);

    called(transport);
    floe_table_remove(&list->by_peer, &transport->latest);
    floe_list_remove(&transport->of_gatherer);
    list->count--;
    floe_agenda_set(&transport->api->timers.transports, &transport->alarm, FLOE_TIME_NEVER);
    if (transport->api->running_transport == transport) {
        transport->ended = transport->ice;
    } else {
        floe_ice_free(transport->ice);
    }
    if (list->count == 0 && transport->gatherer->data->on_packet == NULL) {
        (void)floe_core_receive_packets(transport->gatherer->core, false);
    }
    transport->ice = NULL;
    transport->gatherer = NULL;
}

/* The two texts of remote parameters. */
static void forget(const floe_transport *transport, char *texts)
{
    if (texts != NULL) {
        size_t first = strlen(texts) + 1;
        floe_wipe(texts + first, strlen(texts + first));
        floe_deallocate(&transport->api->allocator, texts);
    }
}

static void destroy(floe_transport *transport)
{
    if (transport->gatherer != NULL) {
        stop(transport);
    }
    if (transport->associated != NULL) {
        transport->associated->associated = NULL;
    }
    floe_list_remove(&transport->ready);
    floe_list_remove(&transport->link);
    forget(transport, transport->remote);
    floe_held_free(&transport->held, &transport->api->allocator);
    floe_deallocate(&transport->api->allocator, transport->options);
    floe_deallocate(&transport->api->allocator, transport);
}

/* ── The loop thread's side ── */

/* The lock is released while the owner's function runs. */
static void begin_callback(floe_transport *transport)
{
    floe_api *api = transport->api;

    api->running = transport->gatherer;
    api->running_transport = transport;
    uv_mutex_unlock(&api->lock);
}

/* Whether the transport goes on, and has its agent. */
static bool end_callback(floe_transport *transport)
{
    floe_api *api = transport->api;

    floe_api_callback_over(api);
    api->running_transport = NULL;
    if (transport->ended != NULL) {
        floe_ice_free(transport->ended);
        transport->ended = NULL;
    }
    if (transport->given_back) {
        destroy(transport);
        return false;
    }
    return !transport->freed && transport->ice != NULL;
}

void floe_transports_hear(floe_gatherer *gatherer, const floe_core_output *output)
{
    if (!floe_transports_exist(gatherer) || output->kind == FLOE_CORE_TRACE) {
        return;
    }
    if (output->kind == FLOE_CORE_STATE && output->state == FLOE_GATHERER_STATE_CLOSED) {
        floe_transports_abandon(gatherer);
        return;
    }
    floe_time now = floe_gatherer_recent(gatherer);
    FLOE_LIST_EACH(transport, &of(gatherer)->all, floe_transport, of_gatherer)
    {
        floe_ice_core_output(transport->ice, now, output);
        touched(transport);
    }
}

/* Most packets come from where the one before of the same transport came from. */
static uint64_t hash_of(const floe_transports *list, const floe_address *peer)
{
    floe_address key = *peer;

    key.scope_id = 0;
    return floe_table_hash(&list->by_peer, &key, sizeof key);
}

static floe_transport *owner_by_peer(const floe_transports *list, const floe_packet *packet)
{
    uint64_t hash = hash_of(list, &packet->peer);

    for (floe_table_node *node = floe_table_find(&list->by_peer, hash); node != NULL;
         node = floe_table_next(node)) {
        floe_transport *transport = FLOE_CONTAINER(node, floe_transport, latest);
        if (floe_address_equal(&transport->latest_peer, &packet->peer) &&
            floe_ice_owns(transport->ice, packet)) {
            return transport;
        }
    }
    return NULL;
}

/* What nobody's remote side is named in may be of a remote side that is not known yet (I2). */
static floe_transport *awaiting(const floe_transports *list)
{
    floe_transport *only = NULL;

    FLOE_LIST_EACH(transport, &list->all, floe_transport, of_gatherer)
    {
        if (transport->awaits) {
            return transport;
        }
        only = transport;
    }
    return list->count == 1 ? only : NULL;
}

static floe_transport *owner_of(floe_gatherer *gatherer, const floe_packet *packet)
{
    floe_transports *list = of(gatherer);

    if (list->count == 1 && (packet->check != NULL || packet->kind != FLOE_PACKET_STUN)) {
        return FLOE_CONTAINER(list->all.next, floe_transport, of_gatherer);
    }
    floe_transport *owner = owner_by_peer(list, packet);
    if (owner != NULL) {
        return owner;
    }
    FLOE_LIST_EACH(transport, &list->all, floe_transport, of_gatherer)
    {
        if (floe_ice_owns(transport->ice, packet)) {
            floe_table_remove(&list->by_peer, &transport->latest);
            transport->latest_peer = packet->peer;
            (void)floe_table_insert(&gatherer->api->allocator, &list->by_peer, &transport->latest,
                                    hash_of(list, &packet->peer)); /* without, it is looked for */
            return transport;
        }
    }
    return packet->check != NULL ? awaiting(list) : NULL;
}

bool floe_transports_take(floe_gatherer *gatherer, const floe_packet *packet)
{
    if (!floe_transports_exist(gatherer)) {
        return false;
    }
    floe_transport *transport = owner_of(gatherer, packet);
    if (transport == NULL) {
        return false;
    }
    bool is_data = floe_ice_packet(transport->ice, floe_gatherer_latest(gatherer), packet);
    touched(transport);
    if (is_data && transport->on_packet != NULL && !transport->freed) {
        floe_packet_handler handler = transport->on_packet;
        void *user_data = transport->packet_data;
        begin_callback(transport);
        handler(user_data, packet);
        (void)end_callback(transport);
    }
    return is_data || packet->kind == FLOE_PACKET_STUN;
}

static void on_looked_up(void *user_data, const floe_look_up_result *result)
{
    floe_transport *transport = user_data;
    floe_api *api = transport->api;

    uv_mutex_lock(&api->lock);
    if (transport->ice != NULL) {
        floe_ice_looked_up(transport->ice, floe_gatherer_now(transport->gatherer), result->name,
                           result->error, result->addresses, result->address_count);
        called(transport);
    }
    uv_mutex_unlock(&api->lock);
}

/* A name of a peer's that DNS is asked for, by both records. */
typedef struct floe_peer_name {
    floe_list link;
    uint32_t query;
    unsigned awaited; /* so many answers */
    floe_error error; /* the first that there was */
    size_t count;
    floe_address addresses[2 * FLOE_RESOLVED_MAX];
    char text[FLOE_NAME_SIZE];
} floe_peer_name;

static void drop_names(floe_api *api, floe_transports *list)
{
    floe_list *link;

    while (list->all.next != NULL && (link = floe_list_take(&list->look_ups)) != NULL) {
        floe_deallocate(&api->allocator, FLOE_CONTAINER(link, floe_peer_name, link));
    }
}

/* All of the gatherer's that wait for the name. */
static void tell_name(floe_gatherer *gatherer, const floe_peer_name *name)
{
    FLOE_LIST_EACH(transport, &of(gatherer)->all, floe_transport, of_gatherer)
    {
        floe_ice_looked_up(transport->ice, floe_gatherer_now(gatherer), name->text,
                           name->count > 0 ? FLOE_OK : name->error, name->addresses, name->count);
        called(transport);
    }
}

static void take_addresses(floe_gatherer *gatherer, uint32_t query, floe_error error,
                           const floe_address *addresses, size_t count)
{
    FLOE_LIST_EACH_SAFE(name, &of(gatherer)->look_ups, floe_peer_name, link)
    {
        if (name->query == query) {
            name->error = name->error == FLOE_OK ? error : name->error;
            for (size_t i = 0; i < count && name->count < 2 * (size_t)FLOE_RESOLVED_MAX; i++) {
                name->addresses[name->count++] = addresses[i];
            }
            if (--name->awaited == 0) {
                tell_name(gatherer, name);
                floe_list_remove(&name->link);
                floe_deallocate(&gatherer->api->allocator, name);
            }
            return;
        }
    }
}

/* NULL: no memory. */
static floe_peer_name *new_name(floe_gatherer *gatherer, const char *text)
{
    floe_transports *list = of(gatherer);
    floe_peer_name *name = floe_allocate(&gatherer->api->allocator, sizeof *name);

    if (name != NULL) {
        name->query = ++list->queries;
        name->awaited = 2;
        floe_put_text(name->text, sizeof name->text, text);
        floe_list_append(&list->look_ups, &name->link);
    }
    return name;
}

/* The lock is not held. */
static void ask_servers(floe_gatherer *gatherer, uint32_t query, const char *text)
{
    floe_resolver *resolver = &gatherer->api->resolver;

    floe_resolver_begin(resolver, gatherer, query, text, FLOE_DNS_A, take_addresses);
    floe_resolver_begin(resolver, gatherer, query, text, FLOE_DNS_AAAA, take_addresses);
}

/* Whether the transport goes on. */
static bool look_up(floe_transport *transport, const char *text)
{
    floe_gatherer *gatherer = transport->gatherer;
    char copy[FLOE_NAME_SIZE];
    floe_error error = FLOE_OK;

    floe_put_text(copy, sizeof copy, text);
    bool is_local = floe_name_is_local(copy);
    const floe_peer_name *name = is_local ? NULL : new_name(gatherer, copy);
    uint32_t query = name != NULL ? name->query : 0;
    transport->looks_up = transport->looks_up || is_local;
    begin_callback(transport);
    if (is_local) {
        error = floe_api_look_up(transport->api, copy, 0, on_looked_up, transport);
    } else if (name == NULL) {
        error = FLOE_ERR_NO_MEMORY;
    } else {
        ask_servers(gatherer, query, copy);
    }
    bool goes_on = end_callback(transport);
    if (error != FLOE_OK && goes_on) {
        floe_ice_looked_up(transport->ice, floe_gatherer_now(gatherer), copy, error, NULL, 0);
        called(transport);
    }
    return goes_on;
}

static bool tell_pair(floe_transport *transport, floe_pair_handler handler, void *user_data,
                      const floe_ice_pair *pair)
{
    if (handler == NULL) {
        return true;
    }
    begin_callback(transport);
    handler(user_data, pair);
    return end_callback(transport);
}

static bool tell_state(floe_transport *transport, floe_ice_state state)
{
    floe_transport_state_handler handler = transport->on_state_change;
    void *user_data = transport->state_change_data;

    if (handler == NULL) {
        return true;
    }
    begin_callback(transport);
    handler(user_data, state);
    return end_callback(transport);
}

static bool tell_writable(floe_transport *transport)
{
    floe_transport_writable_handler handler = transport->on_writable;
    void *user_data = transport->writable_data;

    if (handler == NULL) {
        return true;
    }
    begin_callback(transport);
    handler(user_data);
    return end_callback(transport);
}

/* Whether there is more to tell of this transport. */
static bool tell(floe_transport *transport, const floe_ice_output *output)
{
    switch (output->kind) {
    case FLOE_ICE_STATE:
        return tell_state(transport, output->state);
    case FLOE_ICE_SELECTED_PAIR:
        return tell_pair(transport, transport->on_selected_pair_change,
                         transport->selected_pair_data, output->pair);
    case FLOE_ICE_PAIR:
        return tell_pair(transport, transport->on_pair_change, transport->pair_data, output->pair);
    case FLOE_ICE_WRITABLE:
        return tell_writable(transport);
    case FLOE_ICE_LOOK_UP:
        return look_up(transport, output->name);
    default:
        return true;
    }
}

static void report(floe_transport *transport)
{
    const floe_ice_output *output;

    if (transport->ice == NULL) {
        if (!transport->freed) { /* once: nothing touches it any more */
            (void)tell_state(transport, FLOE_ICE_STATE_CLOSED);
        }
        return;
    }
    floe_agenda_set(&transport->api->timers.transports, &transport->alarm,
                    floe_ice_deadline(transport->ice));
    while (!transport->freed && floe_ice_poll(transport->ice, &output)) {
        if (!tell(transport, output)) {
            return;
        }
    }
}

void floe_transports_report(floe_api *api)
{
    floe_list turn;
    floe_list *link;

    floe_list_init(&turn);
    while ((link = floe_list_take(&api->transports_ready)) != NULL) {
        floe_list_append(&turn, link);
    }
    while ((link = floe_list_take(&turn)) != NULL) {
        report(FLOE_CONTAINER(link, floe_transport, ready));
        floe_api_tell_waiting(api); /* whoever waits for its end */
    }
}

floe_gatherer *floe_transports_due(floe_api *api)
{
    floe_alarm *alarm = floe_agenda_due(&api->timers.transports, floe_runtime_now());

    if (alarm == NULL) {
        return NULL;
    }
    floe_transport *transport = FLOE_CONTAINER(alarm, floe_transport, alarm);
    floe_agenda_set(&api->timers.transports, alarm, FLOE_TIME_NEVER);
    floe_ice_time(transport->ice, floe_gatherer_now(transport->gatherer));
    touched(transport);
    return transport->gatherer;
}

void floe_transports_restarted(floe_gatherer *gatherer)
{
    if (floe_transports_exist(gatherer)) {
        FLOE_LIST_EACH(transport, &of(gatherer)->all, floe_transport, of_gatherer)
        {
            transport->awaits = true;
        }
    }
}

void floe_transports_abandon(floe_gatherer *gatherer)
{
    floe_transports *list = of(gatherer);

    if (list == NULL || list->all.next == NULL) {
        return;
    }
    FLOE_LIST_EACH_SAFE(transport, &list->all, floe_transport, of_gatherer)
    {
        stop(transport);
    }
}

void floe_transports_free(floe_gatherer *gatherer)
{
    if (gatherer->data != NULL) {
        drop_names(gatherer->api, &gatherer->data->transports);
        floe_table_free(&gatherer->api->allocator, &gatherer->data->transports.by_peer);
    }
}

void floe_transports_drop(floe_api *api)
{
    /* One of them is about to hear of a look-up. */
    while (!floe_on_loop_thread(api) && floe_look_up_is_told_to(api, on_looked_up)) {
        floe_api_wait(api);
    }
    FLOE_LIST_EACH_SAFE(transport, &api->transports, floe_transport, link)
    {
        transport->freed = true;
        if (api->running_transport == transport) {
            transport->given_back = true;
        } else {
            destroy(transport);
        }
    }
}

/* ── The caller's side ── */

/* Of the gatherer's first transport. */
static floe_error begin_list(floe_gatherer *gatherer, const floe_random *random)
{
    uint64_t key[2];

    if (floe_core_state(gatherer->core) == FLOE_GATHERER_STATE_CLOSED) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the gatherer is closed");
    }
    floe_error error = floe_gatherer_want_data(gatherer);
    floe_transports *list = of(gatherer);
    if (error == FLOE_OK && list->all.next == NULL) {
        error = floe_random_fill(random, (uint8_t *)key, sizeof key);
        if (error == FLOE_OK) {
            floe_list_init(&list->all);
            floe_list_init(&list->look_ups);
            floe_table_init(&list->by_peer, key);
        }
    }
    return error == FLOE_OK ? floe_core_receive_packets(gatherer->core, true) : error;
}

/* The transport, with its options; NULL: no memory. */
static floe_transport *allocate(floe_api *api, const floe_ice_options *options)
{
    floe_transport *made = floe_allocate(&api->allocator, sizeof *made);

    if (made == NULL || options == NULL) {
        return made;
    }
    made->options = floe_allocate(&api->allocator, sizeof *made->options);
    if (made->options == NULL) {
        floe_deallocate(&api->allocator, made);
        return NULL;
    }
    floe_take_struct(made->options, options, FLOE_ICE_OPTIONS_SIZES);
    made->options->size = sizeof *made->options;
    return made;
}

static floe_error make(floe_gatherer *gatherer, const floe_ice_options *given,
                       floe_transport **transport)
{
    floe_api *api = gatherer->api;
    const floe_random random = {.fill = floe_entropy_fill, .user_data = &api->entropy};
    floe_error error = begin_list(gatherer, &random);

    if (error != FLOE_OK) {
        return error;
    }
    floe_transport *made = allocate(api, given);
    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    if (made->options != NULL) {
        options = *made->options;
    }
    options.allocator = &api->allocator;
    error = floe_ice_new(gatherer->core, &options, &random, &made->ice);
    if (error != FLOE_OK) {
        floe_deallocate(&api->allocator, made->options);
        floe_deallocate(&api->allocator, made);
        return error;
    }
    floe_transports *list = of(gatherer);
    made->api = api;
    made->gatherer = gatherer;
    made->awaits = true;
    made->component = gatherer->is_associated ? 2 : 1;
    floe_list_append(&api->transports, &made->link);
    floe_list_append(&list->all, &made->of_gatherer);
    list->count++;
    floe_gatherer_wake(gatherer); /* it listens from now on */
    *transport = made;
    return FLOE_OK;
}

floe_error floe_transport_new(floe_gatherer *gatherer, const floe_ice_options *options,
                              floe_transport **transport)
{
    if (gatherer == NULL || transport == NULL) {
        return null_transport("floe_transport_new");
    }
    uv_mutex_lock(&gatherer->api->lock);
    floe_error error = make(gatherer, options, transport);
    uv_mutex_unlock(&gatherer->api->lock);
    return error;
}

/* Freed first, so that no callback begins; then the one that runs is waited for, which may be no callback of the owner's: it
 * begins a look-up, and only then there is none to come. */
void floe_transport_free(floe_transport *transport)
{
    if (transport == NULL) {
        return;
    }
    floe_api *api = transport->api;
    uv_mutex_lock(&api->lock);
    bool elsewhere = !floe_on_loop_thread(api);
    transport->freed = true;
    while (elsewhere && api->running_transport == transport) {
        floe_api_wait(api);
    }
    if (transport->looks_up) {
        uv_mutex_unlock(&api->lock);
        (void)floe_api_cancel_look_ups(api, on_looked_up, transport);
        uv_mutex_lock(&api->lock);
    }
    if (api->running_transport == transport) {
        transport->given_back = true;
    } else {
        destroy(transport);
    }
    uv_mutex_unlock(&api->lock);
}

/* ── Its life ── */

/* The one of component 2, if this is of component 1; NULL: there is none, or it has stopped. */
static floe_transport *led_by(const floe_transport *transport)
{
    floe_transport *other = transport->associated;

    return other != NULL && other->gatherer != NULL && other->gatherer->is_associated ? other
                                                                                      : NULL;
}

static void take_remote(floe_transport *transport, char *kept, const floe_parameters *remote)
{
    forget(transport, transport->remote);
    transport->remote = kept;
    transport->remote_flags = (uint8_t)((remote->ice_lite ? REMOTE_IS_LITE : 0) |
                                        (remote->renomination ? REMOTE_RENOMINATES : 0));
}

/* The two texts; NULL: no memory. */
static char *copy_texts(const floe_transport *transport, const floe_parameters *remote)
{
    size_t first = strnlen(remote->username_fragment, sizeof remote->username_fragment - 1);
    size_t second = strnlen(remote->password, sizeof remote->password - 1);
    char *kept = floe_allocate(&transport->api->allocator, first + 1 + second + 1);

    if (kept != NULL) {
        memcpy(kept, remote->username_fragment, first);
        memcpy(kept + first + 1, remote->password, second);
    }
    return kept;
}

static floe_error give_remote(const floe_transport *transport, floe_parameters *parameters)
{
    floe_parameters remote = FLOE_PARAMETERS_INIT;

    if (transport->ice == NULL) {
        return has_stopped();
    }
    if (transport->remote == NULL) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the transport has not been started");
    }
    floe_put_text(remote.username_fragment, sizeof remote.username_fragment, transport->remote);
    floe_put_text(remote.password, sizeof remote.password,
                  transport->remote + strlen(transport->remote) + 1);
    remote.ice_lite = (transport->remote_flags & REMOTE_IS_LITE) != 0;
    remote.renomination = (transport->remote_flags & REMOTE_RENOMINATES) != 0;
    floe_give_struct(parameters, &remote, FLOE_PARAMETERS_SIZES);
    floe_wipe(&remote, sizeof remote);
    return FLOE_OK;
}

static floe_error start(floe_transport *transport, const floe_parameters *given, floe_ice_role role)
{
    floe_parameters remote = FLOE_PARAMETERS_INIT;

    if (transport->ice == NULL) {
        return has_stopped();
    }
    floe_take_struct(&remote, given, FLOE_PARAMETERS_SIZES);
    char *kept = copy_texts(transport, &remote);
    floe_error error =
        kept == NULL
            ? FLOE_ERR_NO_MEMORY
            : floe_ice_start(transport->ice, floe_gatherer_now(transport->gatherer), given, role);
    if (error == FLOE_OK) {
        if (transport->remote != NULL) {
            floe_held_restart(&transport->held, &transport->api->allocator, kept);
            transport->all_came = false;
        }
        take_remote(transport, kept, &remote);
        transport->awaits = false;
        called(transport);
    } else {
        forget(transport, kept);
    }
    floe_wipe(&remote, sizeof remote);
    return error;
}

/* One of the two may have been started alone. */
static floe_error start_both(floe_transport *transport, const floe_parameters *remote,
                             floe_ice_role role)
{
    floe_transport *second = led_by(transport);
    floe_error error = start(transport, remote, role);
    bool was_started = error == FLOE_ERR_INVALID_STATE && transport->ice != NULL;

    if (second == NULL || (error != FLOE_OK && !was_started)) {
        return error;
    }
    floe_error other = start(second, remote, role);
    return other == FLOE_ERR_INVALID_STATE ? error : other;
}

floe_error floe_transport_start(floe_transport *transport, const floe_parameters *remote,
                                floe_ice_role role)
{
    if (transport == NULL || remote == NULL) {
        return null_transport("floe_transport_start");
    }
    uv_mutex_lock(&transport->api->lock);
    floe_error error = start_both(transport, remote, role);
    uv_mutex_unlock(&transport->api->lock);
    return error;
}

floe_error floe_transport_restart(floe_transport *transport)
{
    if (transport == NULL) {
        return null_transport("floe_transport_restart");
    }
    uv_mutex_lock(&transport->api->lock);
    floe_error error = transport->ice == NULL
                           ? has_stopped()
                           : floe_gatherer_restart_here(transport->gatherer, NULL);
    if (error == FLOE_OK) {
        error = floe_core_start(transport->gatherer->core, floe_gatherer_now(transport->gatherer));
    }
    floe_gatherer *associated = error == FLOE_OK ? transport->gatherer->associated : NULL;
    if (associated != NULL && floe_core_state(associated->core) != FLOE_GATHERER_STATE_CLOSED) {
        error = floe_core_start(associated->core, floe_gatherer_now(associated));
    }
    uv_mutex_unlock(&transport->api->lock);
    return error;
}

floe_error floe_transport_stop(floe_transport *transport)
{
    if (transport == NULL) {
        return null_transport("floe_transport_stop");
    }
    uv_mutex_lock(&transport->api->lock);
    if (transport->ice != NULL) {
        stop(transport);
    }
    uv_mutex_unlock(&transport->api->lock);
    return FLOE_OK;
}

floe_error floe_transport_graceful_stop(floe_transport *transport)
{
    if (transport == NULL) {
        return null_transport("floe_transport_graceful_stop");
    }
    (void)floe_transport_stop(transport);
    floe_api *api = transport->api;
    if (floe_on_loop_thread(api)) {
        return floe_fail(
            FLOE_ERR_WOULD_DEADLOCK,
            "floe_transport_graceful_stop on the loop thread: stopped, not waited for");
    }
    uv_mutex_lock(&api->lock);
    while (api->running_transport == transport || floe_list_linked(&transport->ready)) {
        floe_api_wait(api);
    }
    uv_mutex_unlock(&api->lock);
    return FLOE_OK;
}

/* ── Remote candidates ── */

/* Whose component it is of; NULL: the transport of that is still to be made. */
static floe_transport *for_component(floe_transport *transport, const floe_candidate *candidate)
{
    bool of_second = candidate != NULL && candidate->component == 2 && transport->component == 1;

    return of_second ? led_by(transport) : transport;
}

static floe_error hold(floe_transport *transport, const floe_candidate *candidate)
{
    uint32_t most = transport->options != NULL ? transport->options->max_remote_candidates : 0;

    return transport->ice == NULL ? has_stopped()
                                  : floe_held_add(&transport->held, &transport->api->allocator,
                                                  candidate, most != 0 ? most : HELD_MAX);
}

static floe_error add(floe_transport *transport, const floe_candidate *candidate)
{
    if (transport->ice == NULL) {
        return has_stopped();
    }
    floe_error error = floe_ice_add_remote_candidate(
        transport->ice, floe_gatherer_now(transport->gatherer), candidate);
    transport->all_came = transport->all_came || (candidate == NULL && error == FLOE_OK);
    called(transport);
    return error;
}

floe_error floe_transport_add_remote_candidate(floe_transport *transport,
                                               const floe_candidate *candidate)
{
    if (transport == NULL) {
        return null_transport("floe_transport_add_remote_candidate");
    }
    uv_mutex_lock(&transport->api->lock);
    floe_transport *of_it = for_component(transport, candidate);
    floe_error error = of_it != NULL ? add(of_it, candidate) : hold(transport, candidate);
    floe_transport *second = led_by(transport);
    if (candidate == NULL && error == FLOE_OK && second != NULL) {
        (void)add(second, NULL); /* it ended the other component's too */
    }
    uv_mutex_unlock(&transport->api->lock);
    return error;
}

static floe_error remove_one(floe_transport *transport, const floe_candidate *candidate)
{
    if (transport->ice == NULL) {
        return has_stopped();
    }
    floe_error error = floe_ice_remove_remote_candidate(
        transport->ice, floe_gatherer_now(transport->gatherer), candidate);
    called(transport);
    return error;
}

floe_error floe_transport_remove_remote_candidate(floe_transport *transport,
                                                  const floe_candidate *candidate)
{
    if (transport == NULL || candidate == NULL) {
        return null_transport("floe_transport_remove_remote_candidate");
    }
    uv_mutex_lock(&transport->api->lock);
    floe_transport *of_it = for_component(transport, candidate);
    floe_error error =
        of_it != NULL ? remove_one(of_it, candidate)
                      : floe_held_remove(&transport->held, &transport->api->allocator, candidate);
    uv_mutex_unlock(&transport->api->lock);
    return error;
}

/* Those that are for it when this one is asked, of the same component or of the first. */
static floe_error replace(floe_transport *transport, floe_transport *asked,
                          const floe_candidate *const *candidates, size_t count)
{
    floe_candidate_list *before = NULL;
    floe_error first = transport->ice == NULL
                           ? has_stopped()
                           : floe_ice_get_remote_candidates(transport->ice, &before);

    if (first != FLOE_OK) {
        return first;
    }
    for (size_t i = 0; i < before->count; i++) {
        if (!floe_is_among(before->candidates[i], candidates, count)) {
            (void)remove_one(transport, before->candidates[i]);
        }
    }
    floe_candidate_list_free(before);
    for (size_t i = 0; i < count; i++) {
        if (for_component(asked, candidates[i]) == transport) {
            floe_error error = add(transport, candidates[i]);
            first = first == FLOE_OK ? error : first;
        }
    }
    return first;
}

/* Those of a transport that is still to be made. */
static floe_error replace_held(floe_transport *transport, const floe_candidate *const *candidates,
                               size_t count)
{
    floe_error first = FLOE_OK;

    floe_held_retain(&transport->held, &transport->api->allocator, candidates, count);
    for (size_t i = 0; i < count; i++) {
        if (for_component(transport, candidates[i]) == NULL) {
            floe_error error = hold(transport, candidates[i]);
            first = first == FLOE_OK ? error : first;
        }
    }
    return first;
}

floe_error floe_transport_set_remote_candidates(floe_transport *transport,
                                                const floe_candidate *const *candidates,
                                                size_t count)
{
    bool has_null = transport == NULL || (candidates == NULL && count > 0);

    for (size_t i = 0; !has_null && i < count; i++) {
        has_null = candidates[i] == NULL;
    }
    if (has_null) {
        return null_transport("floe_transport_set_remote_candidates");
    }
    uv_mutex_lock(&transport->api->lock);
    floe_transport *second = led_by(transport);
    floe_error error = replace(transport, transport, candidates, count);
    floe_error other = second != NULL ? replace(second, transport, candidates, count)
                                      : replace_held(transport, candidates, count);
    error = error == FLOE_OK ? other : error;
    uv_mutex_unlock(&transport->api->lock);
    return error;
}

/* ── The other component ── */

/* What has been said of it before it was there. */
static floe_error catch_up(floe_transport *transport, floe_transport *second)
{
    floe_parameters remote = FLOE_PARAMETERS_INIT;
    floe_error error = FLOE_OK;

    if (!transport->awaits) {
        error = give_remote(transport, &remote);
        error =
            error == FLOE_OK ? start(second, &remote, floe_ice_get_role(transport->ice)) : error;
        floe_wipe(&remote, sizeof remote);
    }
    FLOE_RING_EACH(one, &transport->held.candidates, floe_held_candidate, link)
    {
        floe_candidate *candidate = NULL;
        if (error == FLOE_OK) {
            error = floe_candidate_parse(one->text, &candidate);
            if (error == FLOE_OK && add(second, candidate) == FLOE_ERR_NO_MEMORY) {
                error = FLOE_ERR_NO_MEMORY; /* what is refused would have been before */
            }
            floe_candidate_free(candidate);
        }
    }
    if (error == FLOE_OK && transport->all_came) {
        error = add(second, NULL);
    }
    return error;
}

static floe_error associate(floe_transport *transport, floe_transport **associated)
{
    floe_transport *second = NULL;
    floe_error error = make(transport->gatherer->associated, transport->options, &second);

    if (error != FLOE_OK) {
        return error;
    }
    error = catch_up(transport, second);
    if (error != FLOE_OK) {
        destroy(second);
        return error;
    }
    floe_held_free(&transport->held, &transport->api->allocator);
    transport->associated = second;
    second->associated = transport;
    *associated = second;
    return FLOE_OK;
}

static floe_error may_associate(const floe_transport *transport)
{
    if (transport->ice == NULL) {
        return has_stopped();
    }
    if (transport->associated != NULL || transport->gatherer->is_associated) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the transport has an associated one, or is one");
    }
    if (transport->gatherer->associated == NULL) {
        return floe_fail(FLOE_ERR_INVALID_STATE,
                         "the transport's gatherer has no associated gatherer");
    }
    return FLOE_OK;
}

floe_error floe_transport_create_associated(floe_transport *transport, floe_transport **associated)
{
    if (transport == NULL || associated == NULL) {
        return null_transport("floe_transport_create_associated");
    }
    uv_mutex_lock(&transport->api->lock);
    floe_error error = may_associate(transport);
    if (error == FLOE_OK) {
        error = associate(transport, associated);
    }
    uv_mutex_unlock(&transport->api->lock);
    return error;
}

/* ── What is asked ── */

floe_error floe_transport_get_remote_candidates(floe_transport *transport,
                                                floe_candidate_list **list)
{
    if (transport == NULL || list == NULL) {
        return null_transport("floe_transport_get_remote_candidates");
    }
    uv_mutex_lock(&transport->api->lock);
    floe_error error = transport->ice == NULL
                           ? has_stopped()
                           : floe_ice_get_remote_candidates(transport->ice, list);
    uv_mutex_unlock(&transport->api->lock);
    return error;
}

floe_error floe_transport_get_remote_parameters(floe_transport *transport,
                                                floe_parameters *parameters)
{
    if (transport == NULL || parameters == NULL) {
        return null_transport("floe_transport_get_remote_parameters");
    }
    uv_mutex_lock(&transport->api->lock);
    floe_error error = give_remote(transport, parameters);
    uv_mutex_unlock(&transport->api->lock);
    return error;
}

floe_ice_state floe_transport_state(floe_transport *transport)
{
    if (transport == NULL) {
        return FLOE_ICE_STATE_CLOSED;
    }
    uv_mutex_lock(&transport->api->lock);
    floe_ice_state state = floe_ice_get_state(transport->ice);
    uv_mutex_unlock(&transport->api->lock);
    return state;
}

floe_ice_role floe_transport_role(floe_transport *transport)
{
    if (transport == NULL) {
        return 0;
    }
    uv_mutex_lock(&transport->api->lock);
    floe_ice_role role = floe_ice_get_role(transport->ice);
    uv_mutex_unlock(&transport->api->lock);
    return role;
}

unsigned floe_transport_component(floe_transport *transport)
{
    return transport != NULL ? transport->component : 0;
}

floe_gatherer *floe_transport_gatherer(floe_transport *transport)
{
    if (transport == NULL) {
        return NULL;
    }
    uv_mutex_lock(&transport->api->lock);
    floe_gatherer *gatherer = transport->gatherer;
    uv_mutex_unlock(&transport->api->lock);
    return gatherer;
}

floe_error floe_transport_get_pairs(floe_transport *transport, floe_ice_pair_list **list)
{
    if (transport == NULL || list == NULL) {
        return null_transport("floe_transport_get_pairs");
    }
    uv_mutex_lock(&transport->api->lock);
    floe_error error =
        transport->ice == NULL ? has_stopped() : floe_ice_get_pairs(transport->ice, list);
    uv_mutex_unlock(&transport->api->lock);
    return error;
}

floe_error floe_transport_get_selected_pair(floe_transport *transport, floe_ice_pair_list **list)
{
    if (transport == NULL || list == NULL) {
        return null_transport("floe_transport_get_selected_pair");
    }
    uv_mutex_lock(&transport->api->lock);
    floe_error error =
        transport->ice == NULL ? has_stopped() : floe_ice_get_selected_pair(transport->ice, list);
    uv_mutex_unlock(&transport->api->lock);
    return error;
}

floe_error floe_transport_get_statistics(floe_transport *transport, floe_ice_statistics *statistics)
{
    if (transport == NULL || statistics == NULL) {
        return null_transport("floe_transport_get_statistics");
    }
    uv_mutex_lock(&transport->api->lock);
    floe_error error = transport->ice == NULL ? has_stopped()
                                              : floe_ice_get_statistics(transport->ice, statistics);
    uv_mutex_unlock(&transport->api->lock);
    return error;
}

floe_ice_reason floe_transport_get_reason(floe_transport *transport)
{
    if (transport == NULL) {
        return FLOE_ICE_REASON_NONE;
    }
    uv_mutex_lock(&transport->api->lock);
    floe_ice_reason reason = floe_ice_get_reason(transport->ice);
    uv_mutex_unlock(&transport->api->lock);
    return reason;
}

floe_error floe_transport_explain(floe_transport *transport, char *text, size_t size)
{
    if (transport == NULL || text == NULL) {
        return null_transport("floe_transport_explain");
    }
    uv_mutex_lock(&transport->api->lock);
    floe_error error =
        transport->ice == NULL ? has_stopped() : floe_ice_explain(transport->ice, text, size);
    uv_mutex_unlock(&transport->api->lock);
    return error;
}

/* ── Data ── */

floe_error floe_transport_send(floe_transport *transport, const void *data, size_t size)
{
    if (transport == NULL || data == NULL) {
        return null_transport("floe_transport_send");
    }
    uv_mutex_lock(&transport->api->lock);
    floe_gatherer *gatherer = transport->gatherer;
    floe_error error = gatherer == NULL ? has_stopped()
                                        : floe_ice_send(transport->ice,
                                                        floe_gatherer_recent(gatherer), data, size);
    if (error == FLOE_OK) {
        floe_gatherer_wake(gatherer);
    }
    uv_mutex_unlock(&transport->api->lock);
    return error;
}

/* ── Handlers ── */

floe_error floe_transport_on_state_change(floe_transport *transport,
                                          floe_transport_state_handler handler, void *user_data)
{
    if (transport == NULL) {
        return null_transport("floe_transport_on_state_change");
    }
    uv_mutex_lock(&transport->api->lock);
    transport->on_state_change = handler;
    transport->state_change_data = user_data;
    uv_mutex_unlock(&transport->api->lock);
    return FLOE_OK;
}

floe_error floe_transport_on_selected_pair_change(floe_transport *transport,
                                                  floe_pair_handler handler, void *user_data)
{
    if (transport == NULL) {
        return null_transport("floe_transport_on_selected_pair_change");
    }
    uv_mutex_lock(&transport->api->lock);
    transport->on_selected_pair_change = handler;
    transport->selected_pair_data = user_data;
    uv_mutex_unlock(&transport->api->lock);
    return FLOE_OK;
}

floe_error floe_transport_on_pair_change(floe_transport *transport, floe_pair_handler handler,
                                         void *user_data)
{
    if (transport == NULL) {
        return null_transport("floe_transport_on_pair_change");
    }
    uv_mutex_lock(&transport->api->lock);
    transport->on_pair_change = handler;
    transport->pair_data = user_data;
    uv_mutex_unlock(&transport->api->lock);
    return FLOE_OK;
}

floe_error floe_transport_on_packet(floe_transport *transport, floe_packet_handler handler,
                                    void *user_data)
{
    if (transport == NULL) {
        return null_transport("floe_transport_on_packet");
    }
    uv_mutex_lock(&transport->api->lock);
    transport->on_packet = handler;
    transport->packet_data = user_data;
    uv_mutex_unlock(&transport->api->lock);
    return FLOE_OK;
}

floe_error floe_transport_on_writable(floe_transport *transport,
                                      floe_transport_writable_handler handler, void *user_data)
{
    if (transport == NULL) {
        return null_transport("floe_transport_on_writable");
    }
    uv_mutex_lock(&transport->api->lock);
    transport->on_writable = handler;
    transport->writable_data = user_data;
    uv_mutex_unlock(&transport->api->lock);
    return FLOE_OK;
}
