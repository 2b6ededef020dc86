/* An owner of a gatherer in a world that changes: what its options are, and what it is told. */
#include "change.h"

#include "base/address.h"
#include "base/crypto.h"

#include <ctype.h>
#include <string.h>

void owner_takes_types(const sim_changing_world *change, sim_owner *owner, uint32_t types,
                       uint32_t transports)
{
    const sim_config *network = &change->plan->network;

    owner->types = types;
    owner->transports = transports;
    owner->left_out = 0;
    for (size_t n = 0; n < network->server_count; n++) {
        sim_role role = sim_role_by(network, n, types, transports);
        bool gives = network->servers[n].turn ? role == SIM_FOR_RELAY : role == SIM_FOR_REFLEXIVE;
        owner->left_out |= gives ? 0 : 1U << n;
    }
}

sim_owner *owner_new(sim_changing_world *change)
{
    sim_owner *owner = &change->owners[change->owner_count++];

    *owner = (sim_owner){.life = change->owner_count,
                         .state = FLOE_GATHERER_STATE_NEW,
                         .servers = UINT32_MAX,
                         .policy = change->plan->network.policy};
    owner_takes_types(change, owner, change->plan->network.types, change->plan->network.transports);
    return owner;
}

/* ── Options ── */

#define URLS_MAX (4 * SIM_SERVERS_MAX)

typedef struct url_list {
    char urls[URLS_MAX][160];
    size_t servers[URLS_MAX];
    size_t count;
} url_list;

static void add_url(url_list *list, size_t server, const char *url)
{
    (void)snprintf(list->urls[list->count], sizeof *list->urls, "%s", url);
    list->servers[list->count++] = server;
}

/* All ways in which the server's URL stands in options. */
static void add_urls(const sim_changing *plan, url_list *list, size_t n)
{
    char url[128];

    sim_server_url(&plan->network, n, url, sizeof url);
    add_url(list, n, url);
    if ((plan->twice >> n & 1) != 0) {
        sim_config other = plan->network;
        other.respelt = true;
        sim_server_url(&other, n, url, sizeof url);
        add_url(list, n, url);
    }
    if ((plan->two_names >> n & 1) != 0) {
        sim_config other = plan->network;
        char plain[96];
        other.servers[n].by_name = true;
        sim_server_url(&other, n, plain, sizeof plain);
        const char *host = strchr(plain, ':') + 1;
        (void)snprintf(url, sizeof url, "%.*salso.%s", (int)(host - plain), plain, host);
        add_url(list, n, url);
    }
    if ((plan->also_stun >> n & 1) != 0) {
        sim_config simple = plan->network;
        simple.servers[n].turn = false;
        sim_server_url(&simple, n, url, sizeof url);
        add_url(list, n, url);
    }
}

size_t owner_server_of(const sim_changing_world *change, const char *url)
{
    url_list list = {.count = 0};

    for (size_t n = 0; n < change->plan->network.server_count; n++) {
        add_urls(change->plan, &list, n);
    }
    for (size_t i = 0; i < list.count; i++) {
        if (strcmp(list.urls[i], url) == 0) {
            return list.servers[i];
        }
    }
    return SIZE_MAX;
}

size_t owner_relay_server_of(const sim_changing_world *change, const char *url)
{
    size_t server = owner_server_of(change, url);

    if (server != SIZE_MAX && change->plan->network.servers[server].twin != 0) {
        return SIZE_MAX;
    }
    if (server != SIZE_MAX && change->plan->network.servers[server].temper == SIM_REDIRECTS) {
        return change->plan->network.servers[server].redirect - 1;
    }
    return server;
}

bool owner_server_is_shared(const sim_changing_world *change, size_t server)
{
    const sim_config *network = &change->plan->network;
    bool shared =
        (change->plan->two_names >> server & 1) != 0 || network->servers[server].twin != 0;

    for (size_t n = 0; n < network->server_count; n++) {
        shared = shared || network->servers[n].twin == server + 1;
    }
    return shared;
}

typedef floe_error (*options_call)(sim_changing_world *change, sim_owner *owner,
                                   floe_core_shared *shared, const floe_gather_options *options);

/* One of all that take a password, and one of all that take a token; or one of each. */
typedef struct ice_servers {
    floe_ice_server servers[SIM_SERVERS_MAX + 2];
    size_t count;
    url_list lists[SIM_SERVERS_MAX + 2];
    const char *texts[SIM_SERVERS_MAX + 2][URLS_MAX];
    char token[2 * SIM_TOKEN_SIZE]; /* in base64 */
    char key[2 * SIM_TOKEN_SIZE];
} ice_servers;

static void add_ice_server(ice_servers *made, const sim_changing *plan, const sim_owner *owner,
                           bool oauth, uint32_t which)
{
    floe_ice_server *server = &made->servers[made->count];
    url_list *list = &made->lists[made->count];
    const char **texts = made->texts[made->count];
    char token[SIM_TOKEN_SIZE];
    char key[SIM_TOKEN_SIZE];

    for (size_t n = 0; n < plan->network.server_count; n++) {
        if ((owner->servers & which) >> n & 1 && plan->network.servers[n].oauth == oauth) {
            add_urls(plan, list, n);
        }
    }
    if (list->count == 0) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        texts[i] = list->urls[plan->network.backwards ? list->count - 1 - i : i];
    }
    *server = (floe_ice_server)FLOE_ICE_SERVER_INIT;
    server->urls = texts;
    server->url_count = list->count;
    server->username = owner->other_user ? "other" : "user";
    if (oauth) {
        sim_token(owner->token, token, key);
        floe_base64_encode(floe_span_text(token), made->token);
        floe_base64_encode(floe_span_text(key), made->key);
        server->credential_type = FLOE_CREDENTIAL_TYPE_OAUTH;
        server->access_token = made->token;
        server->mac_key = made->key;
    } else {
        server->credential = owner->wrong_password ? "wrong" : "password";
    }
    made->count++;
}

static floe_error with_options(sim_changing_world *change, sim_owner *owner,
                               floe_core_shared *shared, options_call call)
{
    const sim_changing *plan = change->plan;
    static ice_servers made;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;

    memset(&made, 0, sizeof made);
    for (size_t i = 0; plan->each_alone && i < plan->network.server_count; i++) {
        size_t n = plan->network.backwards ? plan->network.server_count - 1 - i : i;
        add_ice_server(&made, plan, owner, plan->network.servers[n].oauth, 1U << n);
    }
    for (int oauth = 0; !plan->each_alone && oauth < 2; oauth++) {
        add_ice_server(&made, plan, owner, oauth == 1, UINT32_MAX);
    }
    options.ice_servers = made.servers;
    options.ice_server_count = made.count;
    options.gather_policy = owner->policy;
    options.candidate_types = owner->types;
    options.relay_transports = owner->transports;
    options.even_port = plan->even_port;
    options.candidate_pool_size = plan->pool;
    options.continual = plan->continual;
    options.sdp_mid = plan->sdp_mid ? "audio" : NULL;
    options.sdp_mline_index = plan->sdp_mid ? 3 : 0;
    return call(change, owner, shared, &options);
}

static floe_error make(sim_changing_world *change, sim_owner *owner, floe_core_shared *shared,
                       const floe_gather_options *options)
{
    (void)change;
    return floe_core_new(shared, options, &owner->core);
}

static floe_error set(sim_changing_world *change, sim_owner *owner, floe_core_shared *shared,
                      const floe_gather_options *options)
{
    (void)shared;
    return floe_core_set_options(owner->core, world_time(change->world), options);
}

static void learn_password(sim_owner *owner)
{
    floe_parameters parameters = FLOE_PARAMETERS_INIT;

    if (floe_core_get_local_parameters(owner->core, &parameters) == FLOE_OK &&
        strcmp(owner->password, parameters.password) != 0) {
        memcpy(owner->before, owner->password, sizeof owner->before);
        memcpy(owner->password, parameters.password, sizeof owner->password);
    }
}

bool owner_make(sim_changing_world *change, sim_owner *owner, floe_core_shared *shared)
{
    sim_owner *first = &change->owners[0];
    floe_error error = shared != NULL        ? with_options(change, owner, shared, make)
                       : first->core == NULL ? FLOE_ERR_INVALID_STATE
                                             : floe_core_new_associated(first->core, &owner->core);

    if (error != FLOE_OK) {
        owner->core = NULL;
        return false;
    }
    floe_core_receive_packets(owner->core, true);
    learn_password(owner);
    return true;
}

void owner_set_options(sim_changing_world *change, sim_owner *owner)
{
    floe_error error;

    change_turn(change, owner);
    error = with_options(change, owner, NULL, set);
    if (error != FLOE_OK) {
        change_violated(change, "L12: set_options: %s: %s", floe_error_string(error),
                        floe_last_error());
    }
}

/* ── Calls ── */

/* Nothing has changed since long, and the gatherer is complete. */
static bool is_still(const sim_changing_world *change, const sim_owner *owner)
{
    uint64_t rest = 150 * SIM_SECOND;
    uint64_t now = change->world->now;
    uint64_t good = change_good_since(change, SIZE_MAX, SIZE_MAX);

    for (size_t n = 0; n < change->network.server_count; n++) {
        good = change->server_good[n] > good ? change->server_good[n] : good;
    }
    good = change->last_change > good ? change->last_change : good;
    good = owner->changed_options > good ? owner->changed_options : good;
    /* The gathering before it was in this world, too. */
    return owner->completed != 0 && good != UINT64_MAX && now > good + rest &&
           owner->began > good + rest / 2 && owner->completed > owner->began &&
           now > owner->completed + 20 * SIM_SECOND && change_is_in_time(change) &&
           change->network.jitter_ms == 0 && change->network.duplication == 0 &&
           (change->quiet ||
            (change->plan->late.opens_fail == 0 && change->plan->late.lists_fail == 0 &&
             change->plan->late.names_fail == 0 && change->plan->late.timers_ms < 200 &&
             change->plan->late.names_ms < 400));
}

void owner_gather(sim_changing_world *change, sim_owner *owner)
{
    sim_world *world = change->world;
    enum floe_gatherer_state state = floe_core_state(owner->core);
    bool may = state == FLOE_GATHERER_STATE_NEW || state == FLOE_GATHERER_STATE_COMPLETE;
    bool still = is_still(change, owner);

    change_turn(change, owner);
    floe_error error = floe_core_start(owner->core, world_time(world));
    if (error != (may ? FLOE_OK : FLOE_ERR_INVALID_STATE)) {
        change_violated(change, "L5: gather while %s: %s", floe_gatherer_state_name(state),
                        floe_error_string(error));
    }
    if (error == FLOE_OK) {
        owner->began = world->now;
        owner->asks = true;
        owner->gathered = owner->servers & ~owner->left_out;
        owner->still = still;
        owner->list_failed = false;
    }
}

void owner_loses_name(sim_changing_world *change, sim_owner *owner, const char *name)
{
    for (size_t k = 0; k < owner->published_count; k++) {
        if (strcmp(owner->published[k], name) == 0) {
            owner->published[k][0] = '\0'; /* it is not taken back */
            owner->changed_options = owner->other_options = change->world->now;
            owner->still = false;
            change_turn(change, owner);
            floe_core_name_taken(owner->core, world_time(change->world), name);
        }
    }
}

/* The old generation is over: nothing of it is told any more. */
static void restarted(sim_changing_world *change, sim_owner *owner)
{
    for (size_t i = 0; i < owner->told_count; i++) {
        owner->told[i].old = owner->told[i].old || !owner->told[i].withdrawn;
        owner->told[i].withdrawn = true;
    }
    owner->still = false;
    owner->asks = false;
    owner->ports_judged = true;
    owner->completes = owner->ends;
    owner->began = owner->changed_options = change->world->now;
    owner->state = floe_core_state(owner->core);
    learn_password(owner);
}

void owner_restart(sim_changing_world *change, sim_owner *owner)
{
    if (change->plan->associated && owner->life == 2) { /* it is the first's to restart both */
        owner = &change->owners[0];
    }
    if (owner->core == NULL || owner->closed) {
        return;
    }
    change_turn(change, owner);
    floe_error error = floe_core_restart(owner->core, world_time(change->world));
    if (error != FLOE_OK) {
        change_violated(change, "L11: restart: %s", floe_error_string(error));
        return;
    }
    bool both = change->plan->associated && owner->life <= 2;
    restarted(change, owner);
    if (both) {
        sim_owner *other = &change->owners[2 - owner->life];
        if (other->core != NULL && !other->closed) {
            restarted(change, other);
        }
    }
}

void owner_close(sim_changing_world *change, sim_owner *owner)
{
    if (owner->core != NULL && !owner->closed) {
        change_turn(change, owner);
        world_trace(change->world, "%zu: close", owner->life);
        owner->closed = true;
        owner->closed_at = change->world->now;
        floe_core_close(owner->core, world_time(change->world));
    }
}

/* ── What it is told ── */

sim_told *owner_candidate(sim_owner *owner, uint32_t id)
{
    for (size_t i = owner->told_count; i-- > 0;) {
        if (owner->told[i].id == id) {
            return &owner->told[i];
        }
    }
    return NULL;
}

bool owner_may_see(const sim_owner *owner, const sim_told *told)
{
    /* P1: without a NAT a reflexive address may be a host's. */
    if (owner->told_policy == FLOE_GATHER_POLICY_NOHOST && told->of_host) {
        return false;
    }
    uint32_t type = told->type == FLOE_CANDIDATE_TYPE_HOST    ? FLOE_GATHER_TYPE_HOST
                    : told->type == FLOE_CANDIDATE_TYPE_SRFLX ? FLOE_GATHER_TYPE_SRFLX
                                                              : 0;
    if (type != 0 && owner->told_types != 0 && (owner->told_types & type) == 0) {
        return false;
    }
    return owner->told_policy == FLOE_GATHER_POLICY_ALL ||
           told->type == FLOE_CANDIDATE_TYPE_RELAY ||
           (owner->told_policy == FLOE_GATHER_POLICY_NOHOST &&
            told->type != FLOE_CANDIDATE_TYPE_HOST);
}

bool owner_lists_relay_of(const sim_changing_world *change, const sim_owner *owner, size_t server)
{
    for (size_t i = 0; i < owner->told_count; i++) {
        const sim_told *told = &owner->told[i];
        if (!told->withdrawn && told->type == FLOE_CANDIDATE_TYPE_RELAY &&
            owner_server_of(change, told->url) == server) {
            return true;
        }
    }
    return false;
}

bool owner_has_server(const sim_owner *owner, size_t server)
{
    return ((owner->servers & ~owner->left_out) >> server & 1) != 0;
}

bool owner_address_of(const sim_owner *owner, const char *text, floe_address *address)
{
    if (floe_address_parse(text, address) == FLOE_OK) {
        return true;
    }
    bool found = false;
    for (size_t i = 0; i < owner->published_count; i++) {
        if (strcmp(owner->published[i], text) == 0) {
            if (found && !floe_address_same_ip(address, &owner->published_for[i])) {
                return false; /* one name for several */
            }
            *address = owner->published_for[i];
            found = true;
        }
    }
    return found;
}

/* Of a table that has run full, the first that was withdrawn makes room. */
static sim_told *room_for_told(sim_owner *owner)
{
    if (owner->told_count < SIM_TOLD_MAX) {
        return &owner->told[owner->told_count++];
    }
    for (size_t i = 0; i < owner->told_count; i++) {
        if (owner->told[i].withdrawn) {
            return &owner->told[i];
        }
    }
    return &owner->told[0];
}

static void copy(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from != NULL ? from : "");
}

/* P2, RFC 8656 §7.3: whatever a server gives. */
static void check_family(sim_changing_world *change, const sim_told *told)
{
    const floe_settings *settings = &change->network.settings;
    bool rewritten = settings->nat_1to1_ip_count > 0 || settings->address_rewrite_rule_count > 0;
    uint32_t types = rewritten ? 0 : settings->network_types; /* W3 */
    uint32_t four = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_TCP4;
    uint32_t six = FLOE_NETWORK_TYPE_UDP6 | FLOE_NETWORK_TYPE_TCP6;

    if (types != 0 && ((told->ip.family == FLOE_FAMILY_IPV4 && (types & four) == 0) ||
                       (told->ip.family == FLOE_FAMILY_IPV6 && (types & six) == 0))) {
        change_violated(change, "P2: %s %s is of a family that was not asked for",
                        floe_candidate_type_name(told->type), told->address);
    }
}

/* RFC 8828 §5.2, mode 4: a relay through the proxy, and nothing that shows this machine. */
static void check_proxied(sim_changing_world *change, const sim_told *told)
{
    const sim_world *world = change->world;
    size_t server = owner_server_of(change, told->url);
    floe_address related;

    check_secrets(change->world, "the owner", floe_span_text(told->url));
    if (!change_is_proxy_only(change)) {
        return;
    }
    if (told->type != FLOE_CANDIDATE_TYPE_RELAY || server == SIZE_MAX ||
        !change_is_proxied(change, server)) {
        change_violated(change, "P6: %s %s %s goes through no proxy",
                        floe_candidate_type_name(told->type), told->address, told->url);
    }
    if (floe_address_parse(told->related, &related) != FLOE_OK) {
        return;
    }
    for (size_t i = 0; i < world->mapping_count; i++) {
        if (floe_address_same_ip(&world->mappings[i].inside, &related) ||
            floe_address_same_ip(&world->mappings[i].outside, &related)) {
            change_violated(change, "P6: the relay %s shows %s", told->address, told->related);
        }
    }
}

/* RFC 8656 §7.3: of a family that its Allocate asked for. */
static void check_asked(sim_changing_world *change, const sim_told *told)
{
    const sim_world *world = change->world;
    unsigned family = told->ip.family == FLOE_FAMILY_IPV6 ? FLOE_TURN_IPV6 : FLOE_TURN_IPV4;

    for (size_t i = 0; i < world->allocation_count; i++) {
        const sim_allocation *one = &world->allocations[i];
        if (told->type == FLOE_CANDIDATE_TYPE_RELAY &&
            (floe_address_equal(&one->relayed[0], &told->ip) ||
             floe_address_equal(&one->relayed[1], &told->ip)) &&
            (one->asked & family) == 0) {
            change_violated(change,
                            "RFC 8656 7.3: the relay %s is of a family that was not asked for",
                            told->address);
        }
    }
}

/* The interface by which its base's packets leave; SIZE_MAX: nobody can say. */
static size_t interface_of(const sim_changing_world *change, const sim_told *told)
{
    const sim_world *world = change->world;
    floe_address at = told->ip;

    if (at.family == FLOE_FAMILY_NONE) {
        return SIZE_MAX;
    }
    for (size_t i = 0; i < world->allocation_count; i++) {
        const sim_allocation *one = &world->allocations[i];
        if (floe_address_equal(&one->relayed[0], &told->ip) ||
            floe_address_equal(&one->relayed[1], &told->ip)) {
            at = *stream_client(world, &one->client);
        }
    }
    for (size_t i = 0; i < world->mapping_count; i++) {
        if (floe_address_equal(&world->mappings[i].outside, &at)) {
            return world->mappings[i].interface;
        }
    }
    size_t interface = at.family != FLOE_FAMILY_NONE ? world_interface_with(world, &at) : SIZE_MAX;
    return interface < change->network.interface_count ? interface : SIZE_MAX;
}

/* C1: what it says of itself. */
static void check_fields(sim_changing_world *change, const sim_owner *owner, const sim_told *told,
                         const floe_candidate *given)
{
    const sim_config *network = &change->network;
    size_t interface = interface_of(change, told);
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    const char *mid = change->plan->sdp_mid ? "audio" : NULL;

    if (interface != SIZE_MAX && network->settings.nat_1to1_ip_count == 0 &&
        network->settings.address_rewrite_rule_count == 0 &&
        (strcmp(given->interface_name, network->interfaces[interface].name) != 0 ||
         given->network_id != world_interface_index(network, interface))) {
        change_violated(change, "C1: %s %s is on %s, network %u", told->url, told->address,
                        given->interface_name, (unsigned)given->network_id);
    }
    if (floe_core_get_local_parameters(owner->core, &parameters) == FLOE_OK &&
        strcmp(parameters.username_fragment, given->username_fragment) != 0) {
        change_violated(change, "C1: the ufrag of %s is %s", told->address,
                        given->username_fragment);
    }
    if (given->component != (change->plan->associated && owner->life == 2 ? 2 : 1)) {
        change_violated(change, "C1: %s has component %u", told->address, given->component);
    }
    if ((mid == NULL) != (given->sdp_mid == NULL) ||
        (mid != NULL && strcmp(mid, given->sdp_mid) != 0) ||
        given->sdp_mline_index != (mid != NULL ? 3 : 0)) {
        change_violated(change, "C1: %s is of another medium", told->address);
    }
}

/* C4, C6: among those that stand. */
static void check_unlike(sim_changing_world *change, const sim_owner *owner, const sim_told *told)
{
    for (size_t i = 0; i < owner->told_count; i++) {
        const sim_told *other = &owner->told[i];
        if (other == told || other->withdrawn || other->unsure) {
            continue;
        }
        if (other->priority == told->priority) {
            change_violated(change, "C4: priority %u twice", (unsigned)told->priority);
        }
        if (other->type != told->type && strcmp(other->foundation, told->foundation) == 0) {
            change_violated(change, "C6: one foundation for two types");
        }
        if (other->type == told->type && told->ip.family != FLOE_FAMILY_NONE &&
            told->tcp_type == other->tcp_type && told->relay_protocol == other->relay_protocol &&
            floe_address_equal(&other->ip, &told->ip)) {
            change_violated(change, "L4: %s %s:%u twice", floe_candidate_type_name(told->type),
                            told->address, told->ip.port);
        }
    }
}

static void candidate(sim_changing_world *change, sim_owner *owner, const floe_candidate *given)
{
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    if (given == NULL) {
        world_trace(change->world, "%zu: end of candidates", owner->life);
        if (++owner->ends != owner->completes) {
            change_violated(change, "L4: the NULL candidate out of place");
        }
        return;
    }
    (void)floe_candidate_format(given, text, sizeof text);
    world_trace(change->world, "%zu: + %u %s %s", owner->life, (unsigned)given->id, text,
                given->url != NULL ? given->url : "");
    /* What goes on over a restart keeps its id. */
    sim_told *told = owner_candidate(owner, given->id);
    if (told != NULL && (!told->old || told->type != given->type)) {
        change_violated(change, "C1: id %u twice", (unsigned)given->id);
    }
    told = told != NULL ? told : room_for_told(owner);
    *told = (sim_told){.id = given->id,
                       .type = given->type,
                       .tcp_type = given->tcp_type,
                       .relay_protocol = given->relay_protocol,
                       .family = given->family,
                       .priority = given->priority,
                       .port = given->port,
                       .at = change->world->now};
    copy(told->address, sizeof told->address, given->address);
    copy(told->related, sizeof told->related, given->related_address);
    copy(told->url, sizeof told->url, given->url);
    copy(told->foundation, sizeof told->foundation, given->foundation);
    if (floe_address_parse(given->address, &told->ip) == FLOE_OK) {
        told->ip.port = given->port;
        told->of_host =
            told->type != FLOE_CANDIDATE_TYPE_RELAY &&
            world_interface_with(change->world, &told->ip) < change->network.interface_count;
    }
    owner->events++;
    size_t server = owner_server_of(change, told->url);
    if (told->type == FLOE_CANDIDATE_TYPE_RELAY && server != SIZE_MAX) {
        owner->told_relay[server] = change->world->now;
    }
    check_proxied(change, told);
    check_family(change, told);
    check_asked(change, told);
    check_fields(change, owner, told, given);
    check_unlike(change, owner, told);
    bool late = server != SIZE_MAX && change->plan->late.opens_ms > 0 &&
                change->network.servers[server].transport != FLOE_PROTOCOL_UDP;
    if (owner->still && !late) { /* a connection is open in time, or not */
        change_violated(change, "L5: %s %s is new, though nothing has changed",
                        floe_candidate_type_name(told->type), told->address);
    }
}

static void withdrawn(sim_changing_world *change, sim_owner *owner, const floe_candidate *given)
{
    sim_told *told = owner_candidate(owner, given->id);

    world_trace(change->world, "%zu: - %u %s %s", owner->life, (unsigned)given->id,
                floe_candidate_type_name(given->type), given->address);
    owner->events++;
    if (*floe_withdrawal_name(given->withdrawal) == '\0') {
        change_violated(change, "T7: %u is withdrawn for no reason", (unsigned)given->id);
    }
    if (told != NULL && told->old) { /* it does not go on */
        told->old = false;
        told->gone = change->world->now;
        return;
    }
    if (told == NULL || told->withdrawn) {
        change_violated(change, "T7: %u was withdrawn and was not told", (unsigned)given->id);
        return;
    }
    told->withdrawn = true;
    told->gone = change->world->now;
    size_t server = owner_server_of(change, told->url);
    if (told->type == FLOE_CANDIDATE_TYPE_RELAY && server != SIZE_MAX &&
        change->expired[server] != 0 && owner->heard_401[server] == change->world->now) {
        owner->lost_to_401[server] = change->world->now;
    }
    if (!owner_may_see(owner, told)) {
        change_violated(change, "P1: %s %s is withdrawn, which policy hides",
                        floe_candidate_type_name(told->type), told->address);
    }
    if (owner->still) {
        change_violated(change, "L5: %s %s is withdrawn, though nothing has changed",
                        floe_candidate_type_name(told->type), told->address);
    }
}

/* A gathering may have had no list: then the next change is the first that it hears of. */
static bool may_lack_list(const sim_changing_world *change)
{
    uint32_t timeout = change->network.settings.gather_timeout_ms;

    return change->plan->late.lists_fail > 0 ||
           (change->plan->late.lists_ms > 0 && change->stopped_until > 0) ||
           change->plan->late.lists_ms >= (timeout == 0 ? 5000 : timeout);
}

static bool any_by_name(const sim_changing_world *change)
{
    for (size_t n = 0; n < change->network.server_count; n++) {
        if (change->network.servers[n].by_name) {
            return true;
        }
    }
    return false;
}

/* N1, N2: nobody does where no interface has come or gone, nor long after that, unless there are names that were not
 * known then. */
static void gathers_by_itself(sim_changing_world *change, sim_owner *owner)
{
    const sim_lateness *late = &change->plan->late;
    uint64_t since = change->interfaces_at > change->stopped_until ? change->interfaces_at
                                                                   : change->stopped_until;
    uint64_t names = any_by_name(change) ? 15000 + 4 * 5000 : 0;
    uint64_t bound = (7000 + names + 4 * late->timers_ms + 4 * late->lists_ms) * SIM_MS;

    if (!change->plan->continual ||
        (!may_lack_list(change) &&
         (change->interfaces_at == 0 || change->world->now > since + bound))) {
        change_violated(change, "N1: it gathers, though the network has not changed");
    }
    owner->set_out = change->world->now;
    owner->still = false;
}

static void state_is(sim_changing_world *change, sim_owner *owner, enum floe_gatherer_state state)
{
    world_trace(change->world, "%zu: %s", owner->life, floe_gatherer_state_name(state));
    owner->state = state;
    if (state == FLOE_GATHERER_STATE_GATHERING && !owner->asks) {
        gathers_by_itself(change, owner);
    } else if (state == FLOE_GATHERER_STATE_GATHERING) {
        owner->asks = false;
        owner->set_out = change->world->now;
        memset(owner->failed, 0, sizeof owner->failed);
        owner->told_policy = owner->policy;
        owner->told_types = owner->types;
        for (size_t i = 0; i < owner->told_count; i++) {
            sim_told *told = &owner->told[i];
            told->unsure = told->unsure || !owner_may_see(owner, told);
        }
    } else if (state == FLOE_GATHERER_STATE_COMPLETE) {
        owner->completes++;
        owner->completed = change->world->now;
    }
}

static void published(const sim_changing_world *change, sim_owner *owner,
                      const floe_core_output *output)
{
    size_t room = sizeof owner->published / sizeof *owner->published;

    if (output->kind == FLOE_CORE_PUBLISH && owner->published_count < room) {
        owner->published_for[owner->published_count] = output->local;
        copy(owner->published[owner->published_count++], sizeof *owner->published, output->name);
        for (size_t i = 0; i < 16 && i < change->taken_count; i++) {
            owner->name_taken = owner->name_taken || strcmp(change->taken[i], output->name) == 0;
        }
        return;
    }
    for (size_t i = 0; i < owner->published_count; i++) {
        if (strcmp(owner->published[i], output->name) == 0) {
            memmove(&owner->published_for[i], &owner->published_for[i + 1],
                    (owner->published_count - 1 - i) * sizeof *owner->published_for);
            memmove(&owner->published[i], &owner->published[i + 1],
                    (--owner->published_count - i) * sizeof *owner->published);
            return;
        }
    }
}

void owner_told(sim_changing_world *change, sim_owner *owner, const floe_core_output *output)
{
    bool closed_is_told =
        output->kind == FLOE_CORE_STATE && output->state == FLOE_GATHERER_STATE_CLOSED;

    if (owner->closed && !closed_is_told && output->kind != FLOE_CORE_UNPUBLISH &&
        output->kind != FLOE_CORE_TRACE) {
        change_violated(change, "L7: output %d after close", (int)output->kind);
    }
    switch (output->kind) {
    case FLOE_CORE_CANDIDATE:
        candidate(change, owner, output->candidate);
        break;
    case FLOE_CORE_CANDIDATE_WITHDRAWN:
        withdrawn(change, owner, output->candidate);
        break;
    case FLOE_CORE_STATE:
        state_is(change, owner, output->state);
        break;
    case FLOE_CORE_CANDIDATE_ERROR:
        world_trace(change->world, "%zu: error %s from %s: %s%s", owner->life,
                    output->error->url != NULL ? output->error->url : "-",
                    output->error->address != NULL ? output->error->address : "-",
                    output->error->text, output->error->url_failed ? " (url failed)" : "");
        account_error(change, owner, output->error);
        break;
    case FLOE_CORE_WRITABLE:
        episode_writable(change, owner, output->candidate_id);
        break;
    case FLOE_CORE_TRACE:
        account_trace(change, owner, output->trace);
        break;
    case FLOE_CORE_PUBLISH:
    case FLOE_CORE_UNPUBLISH:
        published(change, owner, output);
        break;
    default:
        break;
    }
}
