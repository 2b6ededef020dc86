/* Transports on real sockets (part I of the rules): two sides in one process, each with a gatherer of its own, connect over
 * loopback; what each hears is signalled to the other at once. Calls in each callback; several threads. */
#include "support.h"

#include "turn.h"

#include <floe/floe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

typedef enum the_moment {
    NEVER,
    ON_STATE,
    ON_SELECTED,
    ON_PAIR,
    ON_PACKET,
    ON_CLOSED,
    MOMENTS
} the_moment;

typedef enum the_call {
    STOP,
    GRACEFUL_STOP,
    FREE,
    FREE_OTHER,
    RESTART,
    CLOSE_GATHERER,
    FREE_GATHERER,
    FREE_API,
    CALLS
} the_call;

typedef struct side {
    floe_api *api;
    floe_gatherer *gatherer;
    floe_transport *transport;
    struct side *other;
    floe_ice_role role;
    bool trickles; /* candidates are signalled as they come */
    unsigned states[8];
    floe_ice_state last;
    floe_ice_state order[16];
    unsigned order_count;
    atomic_bool complete;
    atomic_bool connected;
    atomic_bool selected;
    atomic_bool closed;
    atomic_uint packets;
    atomic_uint strays; /* that belong to no transport */
    unsigned selections;
    unsigned pair_changes;
    char text[64];
    the_moment moment;
    the_call call;
    bool over; /* no callback may begin any more */
} side;

static void act(side *s, the_moment moment);

static void start(side *s)
{
    floe_parameters remote = FLOE_PARAMETERS_INIT;

    assert_int_equal(floe_gatherer_get_local_parameters(s->other->gatherer, &remote), FLOE_OK);
    assert_int_equal(floe_transport_start(s->transport, &remote, s->role), FLOE_OK);
}

static void on_candidate(void *data, const floe_candidate *candidate)
{
    side *s = data;

    if (candidate == NULL) {
        atomic_store(&s->complete, true);
    }
    if (s->trickles && s->other->transport != NULL) {
        (void)floe_transport_add_remote_candidate(s->other->transport, candidate);
    }
}

static void on_state(void *data, floe_ice_state state)
{
    side *s = data;

    assert_false(s->over);
    assert_int_not_equal(state, s->last);
    s->last = state;
    s->states[state]++;
    if (s->order_count < 16) {
        s->order[s->order_count++] = state;
    }
    atomic_store(&s->connected,
                 state == FLOE_ICE_STATE_CONNECTED || state == FLOE_ICE_STATE_COMPLETED);
    if (state == FLOE_ICE_STATE_CLOSED) {
        atomic_store(&s->closed, true);
        act(s, ON_CLOSED);
    } else {
        act(s, ON_STATE);
    }
}

/* Also behind the end of its transport. */
static void read_pair(const floe_ice_pair *pair)
{
    if (pair != NULL) {
        assert_true(strlen(pair->local->address) > 0 && strlen(pair->remote->address) > 0);
    }
}

static void on_selected(void *data, const floe_ice_pair *pair)
{
    side *s = data;

    assert_false(s->over);
    s->selections++;
    atomic_store(&s->selected, pair != NULL);
    if (pair != NULL) {
        assert_true(pair->selected && pair->valid);
        assert_non_null(pair->local);
        assert_non_null(pair->remote);
    }
    act(s, ON_SELECTED);
    read_pair(pair);
}

static void on_pair(void *data, const floe_ice_pair *pair)
{
    side *s = data;

    assert_false(s->over);
    assert_non_null(pair);
    s->pair_changes++;
    act(s, ON_PAIR);
    read_pair(pair);
}

static void on_packet(void *data, const floe_packet *packet)
{
    side *s = data;

    assert_false(s->over);
    assert_null(packet->check);
    assert_true(packet->size < sizeof s->text);
    memcpy(s->text, packet->data, packet->size);
    s->text[packet->size] = '\0';
    atomic_fetch_add(&s->packets, 1);
    act(s, ON_PACKET);
}

static void on_stray(void *data, const floe_packet *packet)
{
    side *s = data;

    (void)packet;
    atomic_fetch_add(&s->strays, 1);
}

static void act(side *s, the_moment moment)
{
    if (s->moment != moment) {
        return;
    }
    s->moment = NEVER;
    switch (s->call) {
    case STOP:
        assert_int_equal(floe_transport_stop(s->transport), FLOE_OK);
        break;
    case GRACEFUL_STOP:
        assert_int_equal(floe_transport_graceful_stop(s->transport), FLOE_ERR_WOULD_DEADLOCK);
        break;
    case FREE:
        floe_transport_free(s->transport);
        s->transport = NULL;
        s->over = true;
        break;
    case FREE_OTHER:
        floe_transport_free(s->other->transport);
        s->other->transport = NULL;
        s->other->over = true;
        break;
    case RESTART:
        (void)floe_transport_restart(s->transport);
        break;
    case CLOSE_GATHERER:
        assert_int_equal(floe_gatherer_close(s->gatherer), FLOE_OK);
        break;
    case FREE_GATHERER:
        floe_gatherer_free(s->gatherer);
        s->gatherer = NULL;
        break;
    case FREE_API:
        floe_api_free(s->api);
        s->api = s->other->api = NULL;
        s->gatherer = s->other->gatherer = NULL;
        s->transport = s->other->transport = NULL;
        s->over = s->other->over = true;
        break;
    default:
        break;
    }
}

typedef struct meeting {
    uv_loop_t loop;
    floe_api *api;
    side a;
    side b;
} meeting;

/* What is to be done is done, and nothing more comes of it. */
static void turn_a_while(uv_loop_t *loop)
{
    for (int i = 0; i < 50; i++) {
        (void)uv_run(loop, UV_RUN_NOWAIT);
        (void)usleep(100);
    }
}

static void listen_to(side *s)
{
    (void)floe_transport_on_state_change(s->transport, on_state, s);
    (void)floe_transport_on_selected_pair_change(s->transport, on_selected, s);
    (void)floe_transport_on_pair_change(s->transport, on_pair, s);
    (void)floe_transport_on_packet(s->transport, on_packet, s);
}

static floe_ice_options defaults(void)
{
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;

    options.loopback = true;
    options.report_pairs = true;
    return options;
}

static void begin(side *s, floe_api *api, side *other, floe_ice_role role)
{
    floe_ice_options options = defaults();

    memset(s, 0, sizeof *s);
    s->api = api;
    s->other = other;
    s->role = role;
    s->trickles = true;
    assert_int_equal(floe_gatherer_new(api, NULL, &s->gatherer), FLOE_OK);
    (void)floe_gatherer_on_local_candidate(s->gatherer, on_candidate, s);
    assert_int_equal(floe_transport_new(s->gatherer, &options, &s->transport), FLOE_OK);
    listen_to(s);
}

static void make(meeting *m)
{
    floe_settings settings = FLOE_SETTINGS_INIT;

    assert_int_equal(uv_loop_init(&m->loop), 0);
    settings.loop = &m->loop;
    settings.allocator = &memory_counted;
    settings.loopback = true;
    settings.network_types = FLOE_NETWORK_TYPE_UDP4;
    assert_int_equal(floe_api_new(&settings, &m->api), FLOE_OK);
    begin(&m->a, m->api, &m->b, FLOE_ICE_ROLE_CONTROLLING);
    begin(&m->b, m->api, &m->a, FLOE_ICE_ROLE_CONTROLLED);
}

static void connect_both(meeting *m)
{
    start(&m->a);
    start(&m->b);
    assert_int_equal(floe_gatherer_gather(m->a.gatherer), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(m->b.gatherer), FLOE_OK);
    turn_until(&m->loop, &m->a.connected);
    turn_until(&m->loop, &m->b.connected);
}

static void unmake(meeting *m)
{
    bool api_is_there = m->a.api != NULL;

    floe_transport_free(m->a.transport);
    floe_transport_free(m->b.transport);
    floe_gatherer_free(m->a.gatherer);
    floe_gatherer_free(m->b.gatherer);
    if (api_is_there) {
        floe_api_free(m->api);
    }
    (void)uv_run(&m->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&m->loop), 0);
    assert_int_equal(memory_live(), 0);
}

static void exchange(meeting *m)
{
    unsigned a = atomic_load(&m->a.packets);
    unsigned b = atomic_load(&m->b.packets);

    assert_int_equal(floe_transport_send(m->a.transport, "to b", 4), FLOE_OK);
    assert_int_equal(floe_transport_send(m->b.transport, "to a", 4), FLOE_OK);
    turn_until_packets(&m->loop, &m->a.packets, a + 1);
    turn_until_packets(&m->loop, &m->b.packets, b + 1);
    assert_string_equal(m->a.text, "to a");
    assert_string_equal(m->b.text, "to b");
}

/* ── Connecting ── */

static void i2_connects_and_carries_packets(void **state)
{
    meeting m;
    floe_ice_pair_list *pairs;
    floe_ice_statistics statistics = FLOE_ICE_STATISTICS_INIT;

    (void)state;
    make(&m);
    assert_int_equal(floe_transport_state(m.a.transport), FLOE_ICE_STATE_NEW);
    assert_int_equal(floe_transport_role(m.a.transport), 0);
    assert_int_equal(floe_transport_component(m.a.transport), 1);
    assert_ptr_equal(floe_transport_gatherer(m.a.transport), m.a.gatherer);
    assert_int_equal(floe_transport_send(m.a.transport, "x", 1), FLOE_ERR_NOT_CONNECTED);
    assert_int_equal(floe_transport_get_selected_pair(m.a.transport, &pairs),
                     FLOE_ERR_NOT_CONNECTED);
    connect_both(&m);
    exchange(&m); /* by what works, chosen or not */
    assert_int_equal(floe_transport_send(m.a.transport, NULL, 1), FLOE_ERR_INVALID_ARGUMENT);
    turn_until(&m.loop, &m.a.selected);
    turn_until(&m.loop, &m.b.selected);
    assert_int_equal(floe_transport_role(m.a.transport), FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(floe_transport_role(m.b.transport), FLOE_ICE_ROLE_CONTROLLED);
    assert_int_equal(m.a.order[0], FLOE_ICE_STATE_CHECKING);
    assert_true(m.a.selections > 0 && m.b.selections > 0 && m.a.pair_changes > 0);
    assert_int_equal(floe_transport_get_selected_pair(m.a.transport, &pairs), FLOE_OK);
    assert_int_equal(pairs->count, 1);
    assert_true(pairs->pairs[0]->selected);
    floe_ice_pair_list_free(pairs);
    assert_int_equal(floe_transport_get_statistics(m.a.transport, &statistics), FLOE_OK);
    assert_int_equal(statistics.packets_sent, 1);
    assert_int_equal(statistics.packets_received, 1);
    unmake(&m);
}

static void i2_any_order(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 16; bits++) {
        meeting m;
        make(&m);
        side *sides[2] = {&m.a, &m.b};
        for (int i = 0; i < 2; i++) {
            if ((bits >> i & 1) != 0) { /* it gathers first, and nobody hears of it yet */
                sides[i]->trickles = false;
                assert_int_equal(floe_gatherer_gather(sides[i]->gatherer), FLOE_OK);
                turn_until(&m.loop, &sides[i]->complete);
            }
        }
        for (int i = 0; i < 2; i++) {
            if ((bits >> (i + 2) & 1) != 0) {
                start(sides[i]);
                turn_a_while(&m.loop);
            }
        }
        for (int i = 0; i < 2; i++) {
            floe_candidate_list *list;
            if ((bits >> i & 1) != 0) {
                assert_int_equal(floe_gatherer_get_local_candidates(sides[i]->gatherer, &list),
                                 FLOE_OK);
                assert_int_equal(floe_transport_set_remote_candidates(
                                     sides[1 - i]->transport, list->candidates, list->count),
                                 FLOE_OK);
                floe_candidate_list_free(list);
            } else {
                assert_int_equal(floe_gatherer_gather(sides[i]->gatherer), FLOE_OK);
            }
        }
        turn_a_while(&m.loop);
        for (int i = 0; i < 2; i++) {
            if ((bits >> (i + 2) & 1) == 0) {
                start(sides[i]);
            }
        }
        turn_until(&m.loop, &m.a.connected);
        turn_until(&m.loop, &m.b.connected);
        exchange(&m);
        unmake(&m);
    }
}

static void i9_remote_candidates_are_those_that_were_given(void **state)
{
    meeting m;
    floe_candidate *one;
    floe_candidate *two;
    floe_candidate_list *list;
    floe_parameters remote = FLOE_PARAMETERS_INIT;
    floe_parameters known = FLOE_PARAMETERS_INIT;

    (void)state;
    make(&m);
    assert_int_equal(
        floe_candidate_parse("candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host", &one),
        FLOE_OK);
    assert_int_equal(
        floe_candidate_parse("candidate:2 1 udp 2130706175 192.0.2.2 5000 typ host", &two),
        FLOE_OK);
    const floe_candidate *both[] = {one, two};
    assert_int_equal(floe_transport_get_remote_parameters(m.a.transport, &remote),
                     FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_transport_set_remote_candidates(m.a.transport, both, 2), FLOE_OK);
    assert_int_equal(floe_transport_get_remote_candidates(m.a.transport, &list), FLOE_OK);
    assert_int_equal(list->count, 2);
    floe_candidate_list_free(list);
    assert_int_equal(floe_transport_set_remote_candidates(m.a.transport, &both[1], 1), FLOE_OK);
    assert_int_equal(floe_transport_get_remote_candidates(m.a.transport, &list), FLOE_OK);
    assert_int_equal(list->count, 1);
    assert_string_equal(list->candidates[0]->address, "192.0.2.2");
    assert_string_equal(list->candidates[0]->foundation, "2");
    assert_int_equal(list->candidates[0]->priority, 2130706175);
    floe_candidate_list_free(list);
    assert_int_equal(floe_transport_remove_remote_candidate(m.a.transport, one),
                     FLOE_ERR_NOT_FOUND);
    assert_int_equal(floe_transport_remove_remote_candidate(m.a.transport, two), FLOE_OK);
    start(&m.a);
    assert_int_equal(floe_gatherer_get_local_parameters(m.b.gatherer, &known), FLOE_OK);
    assert_int_equal(floe_transport_get_remote_parameters(m.a.transport, &remote), FLOE_OK);
    assert_string_equal(remote.username_fragment, known.username_fragment);
    assert_string_equal(remote.password, known.password);
    floe_candidate_free(one);
    floe_candidate_free(two);
    unmake(&m);
}

/* ── Restarts ── */

static void i11_no_packet_is_lost_by_a_restart(void **state)
{
    meeting m;

    (void)state;
    for (int which = 0; which < 2; which++) {
        make(&m);
        connect_both(&m);
        side *first = which == 0 ? &m.a : &m.b;
        side *second = first->other;
        unsigned sent = 0;
        unsigned before[2] = {atomic_load(&first->packets), atomic_load(&second->packets)};
        assert_int_equal(floe_transport_restart(first->transport), FLOE_OK);
        for (int i = 0; i < 30; i++, sent++) {
            assert_int_equal(floe_transport_send(first->transport, "a", 1), FLOE_OK);
            assert_int_equal(floe_transport_send(second->transport, "b", 1), FLOE_OK);
            if (i == 10) { /* the offer comes, and is answered */
                assert_int_equal(floe_transport_restart(second->transport), FLOE_OK);
                start(second);
            } else if (i == 15) {
                start(first);
            }
            turn_a_while(&m.loop);
        }
        turn_until_packets(&m.loop, &first->packets, before[0] + sent);
        turn_until_packets(&m.loop, &second->packets, before[1] + sent);
        turn_until(&m.loop, &m.a.connected);
        turn_until(&m.loop, &m.b.connected);
        exchange(&m);
        unmake(&m);
    }
}

/* ── Several transports on one gatherer ── */

static void i3_one_offer_and_three_answers(void **state)
{
    meeting m;
    side others[3];
    floe_transport *transports[3];
    floe_ice_options options = defaults();
    floe_candidate_list *list;
    floe_candidate_list *theirs;

    (void)state;
    make(&m);
    m.a.trickles = m.b.trickles = false;
    assert_int_equal(floe_gatherer_on_packet(m.a.gatherer, on_stray, &m.a), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(m.a.gatherer), FLOE_OK);
    turn_until(&m.loop, &m.a.complete);
    assert_int_equal(floe_gatherer_get_local_candidates(m.a.gatherer, &list), FLOE_OK);
    side heard[3];
    transports[0] = m.a.transport;
    for (int i = 0; i < 3; i++) {
        begin(&others[i], m.api, &m.a, FLOE_ICE_ROLE_CONTROLLED);
        others[i].trickles = false;
        memset(&heard[i], 0, sizeof heard[i]);
        heard[i].gatherer = m.a.gatherer;
        heard[i].other = &others[i];
        heard[i].role = FLOE_ICE_ROLE_CONTROLLING;
        if (i > 0) {
            assert_int_equal(floe_transport_new(m.a.gatherer, &options, &transports[i]), FLOE_OK);
        }
        heard[i].transport = transports[i];
        listen_to(&heard[i]);
        start(&others[i]);
        assert_int_equal(floe_transport_set_remote_candidates(others[i].transport, list->candidates,
                                                              list->count),
                         FLOE_OK);
        assert_int_equal(floe_gatherer_gather(others[i].gatherer), FLOE_OK);
        turn_until(&m.loop, &others[i].complete); /* it checks us, and we do not know it yet */
        turn_a_while(&m.loop);
    }
    for (int i = 0; i < 3; i++) {
        start(&heard[i]);
        assert_int_equal(floe_gatherer_get_local_candidates(others[i].gatherer, &theirs), FLOE_OK);
        assert_int_equal(
            floe_transport_set_remote_candidates(transports[i], theirs->candidates, theirs->count),
            FLOE_OK);
        floe_candidate_list_free(theirs);
    }
    for (int i = 0; i < 3; i++) {
        turn_until(&m.loop, &heard[i].connected);
        turn_until(&m.loop, &others[i].connected);
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++) {
            char text[16];
            (void)snprintf(text, sizeof text, "%d of %d", i, round);
            assert_int_equal(floe_transport_send(transports[i], text, strlen(text)), FLOE_OK);
            assert_int_equal(floe_transport_send(others[i].transport, text, strlen(text)), FLOE_OK);
            turn_until_packets(&m.loop, &heard[i].packets, (unsigned)round + 1);
            turn_until_packets(&m.loop, &others[i].packets, (unsigned)round + 1);
            assert_string_equal(heard[i].text, text);
            assert_string_equal(others[i].text, text);
        }
    }
    assert_int_equal(atomic_load(&m.a.strays), 0);
    for (int i = 1; i < 3; i++) {
        floe_transport_free(transports[i]);
    }
    for (int i = 0; i < 3; i++) {
        floe_transport_free(others[i].transport);
        floe_gatherer_free(others[i].gatherer);
    }
    floe_candidate_list_free(list);
    unmake(&m);
}

/* A second answer comes when the first one's transport has long been connected; its checks come before it. */
static void i3_a_late_answer(void **state)
{
    meeting m;
    side late;
    side second = {0};
    floe_ice_options options = defaults();

    (void)state;
    make(&m);
    connect_both(&m);
    begin(&late, m.api, &m.a, FLOE_ICE_ROLE_CONTROLLED);
    late.trickles = false;
    floe_candidate_list *ours;
    floe_candidate_list *theirs;
    assert_int_equal(floe_gatherer_get_local_candidates(m.a.gatherer, &ours), FLOE_OK);
    start(&late);
    assert_int_equal(
        floe_transport_set_remote_candidates(late.transport, ours->candidates, ours->count),
        FLOE_OK);
    assert_int_equal(floe_gatherer_gather(late.gatherer), FLOE_OK);
    turn_until(&m.loop, &late.complete);
    turn_a_while(&m.loop);
    second.gatherer = m.a.gatherer;
    second.other = &late;
    second.role = FLOE_ICE_ROLE_CONTROLLING;
    assert_int_equal(floe_transport_new(m.a.gatherer, &options, &second.transport), FLOE_OK);
    listen_to(&second);
    start(&second);
    assert_int_equal(floe_gatherer_get_local_candidates(late.gatherer, &theirs), FLOE_OK);
    assert_int_equal(
        floe_transport_set_remote_candidates(second.transport, theirs->candidates, theirs->count),
        FLOE_OK);
    turn_until(&m.loop, &second.connected);
    turn_until(&m.loop, &late.connected);
    unsigned before = atomic_load(&m.a.packets);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(floe_transport_send(late.transport, "late", 4), FLOE_OK);
        turn_until_packets(&m.loop, &second.packets, i + 1);
    }
    assert_int_equal(atomic_load(&m.a.packets), before);
    exchange(&m);
    floe_candidate_list_free(ours);
    floe_candidate_list_free(theirs);
    floe_transport_free(second.transport);
    floe_transport_free(late.transport);
    floe_gatherer_free(late.gatherer);
    unmake(&m);
}

static void the_other_component(void **state)
{
    meeting m;
    side a2;
    side b2;
    floe_transport *none;
    floe_candidate_list *lists[3][2];
    const floe_candidate *all[2][16];
    size_t all_count[2] = {0, 0};

    (void)state;
    make(&m);
    assert_int_equal(floe_transport_create_associated(m.a.transport, &none),
                     FLOE_ERR_INVALID_STATE);
    side *sides[2] = {&m.a, &m.b};
    side *seconds[2] = {&a2, &b2};
    for (int i = 0; i < 2; i++) {
        side *s = seconds[i];
        memset(s, 0, sizeof *s);
        s->other = sides[1 - i]; /* whose candidates of both components go to one transport */
        s->trickles = true;
        assert_int_equal(floe_gatherer_create_associated(sides[i]->gatherer, &s->gatherer),
                         FLOE_OK);
        assert_int_equal(floe_transport_create_associated(sides[i]->transport, &s->transport),
                         FLOE_OK);
        assert_int_equal(floe_transport_component(s->transport), 2);
        assert_int_equal(floe_transport_create_associated(sides[i]->transport, &none),
                         FLOE_ERR_INVALID_STATE);
        assert_int_equal(floe_transport_create_associated(s->transport, &none),
                         FLOE_ERR_INVALID_STATE);
        listen_to(s);
        sides[i]->trickles = false;
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(floe_gatherer_gather(sides[i]->gatherer), FLOE_OK);
        assert_int_equal(floe_gatherer_gather(seconds[i]->gatherer), FLOE_OK);
        turn_until(&m.loop, &sides[i]->complete);
    }
    for (int i = 0; i < 2; i++) {
        floe_gatherer *gatherers[] = {sides[i]->gatherer, seconds[i]->gatherer};
        start(sides[i]);
        for (int k = 0; k < 2; k++) {
            floe_candidate_list *list;
            turn_a_while(&m.loop);
            assert_int_equal(floe_gatherer_get_local_candidates(gatherers[k], &list), FLOE_OK);
            for (size_t n = 0; n < list->count; n++) {
                assert_int_equal(list->candidates[n]->component, k + 1);
                assert_true(all_count[i] < 16);
                all[i][all_count[i]++] = list->candidates[n];
            }
            lists[i][k] = list;
        }
    }
    for (size_t n = 0; n < all_count[0]; n++) { /* one by one, and all together */
        assert_int_equal(floe_transport_add_remote_candidate(m.b.transport, all[0][n]), FLOE_OK);
    }
    assert_int_equal(floe_transport_set_remote_candidates(m.a.transport, all[1], all_count[1]),
                     FLOE_OK);
    assert_int_equal(floe_transport_get_remote_candidates(a2.transport, &lists[2][0]), FLOE_OK);
    assert_int_equal(lists[2][0]->count * 2, all_count[1]);
    for (int i = 0; i < 5; i++) {
        floe_candidate_list_free(lists[i / 2][i % 2]);
    }
    for (int i = 0; i < 2; i++) {
        turn_until(&m.loop, &sides[i]->connected);
        turn_until(&m.loop, &seconds[i]->connected);
    }
    assert_int_equal(floe_transport_send(a2.transport, "control", 7), FLOE_OK);
    turn_until_packets(&m.loop, &b2.packets, 1);
    assert_string_equal(b2.text, "control");
    assert_int_equal(floe_gatherer_close(a2.gatherer), FLOE_OK); /* the first one goes on */
    turn_until(&m.loop, &a2.closed);
    assert_int_equal(floe_transport_restart(m.a.transport), FLOE_OK);
    floe_transport_free(a2.transport); /* before the first, and behind it */
    floe_gatherer_free(a2.gatherer);
    floe_transport_free(m.b.transport);
    m.b.transport = NULL;
    floe_transport_free(b2.transport);
    floe_gatherer_free(b2.gatherer);
    unmake(&m);
}

static floe_candidate *second_candidate(unsigned port)
{
    char text[100];
    floe_candidate *candidate = NULL;

    (void)snprintf(text, sizeof text, "candidate:1 2 udp 2130706430 192.0.2.1 %u typ host", port);
    assert_int_equal(floe_candidate_parse(text, &candidate), FLOE_OK);
    return candidate;
}

static size_t remote_count(floe_transport *transport)
{
    floe_candidate_list *list = NULL;

    assert_int_equal(floe_transport_get_remote_candidates(transport, &list), FLOE_OK);
    size_t count = list->count;
    floe_candidate_list_free(list);
    return count;
}

static floe_error add_second(floe_transport *transport, unsigned port)
{
    floe_candidate *candidate = second_candidate(port);
    floe_error error = floe_transport_add_remote_candidate(transport, candidate);

    floe_candidate_free(candidate);
    return error;
}

static floe_error remove_second(floe_transport *transport, unsigned port)
{
    floe_candidate *candidate = second_candidate(port);
    floe_error error = floe_transport_remove_remote_candidate(transport, candidate);

    floe_candidate_free(candidate);
    return error;
}

/* Candidates of component 2 wait for its transport, and take no room from the first's. */
static void candidates_before_the_other_component(void **state)
{
    meeting m;
    floe_gatherer *gatherer;
    floe_transport *second;
    floe_candidate *two[] = {second_candidate(5000), second_candidate(7000)};

    (void)state;
    make(&m);
    floe_transport *first = m.a.transport;
    assert_int_equal(floe_gatherer_create_associated(m.a.gatherer, &gatherer), FLOE_OK);
    for (unsigned port = 5000; port < 5064; port++) {
        assert_int_equal(add_second(first, port), FLOE_OK);
        assert_int_equal(add_second(first, port), FLOE_OK);
    }
    assert_int_equal(add_second(first, 6000), FLOE_ERR_INVALID_STATE);
    assert_int_equal(remove_second(first, 5001), FLOE_OK);
    assert_int_equal(remove_second(first, 5001), FLOE_ERR_NOT_FOUND);
    assert_int_equal(add_second(first, 6000), FLOE_OK);
    assert_int_equal(remote_count(first), 0);
    start(&m.a);
    assert_int_equal(floe_transport_create_associated(first, &second), FLOE_OK);
    assert_int_equal(remote_count(second), 64);
    assert_int_equal(remote_count(first), 0);
    assert_int_equal(floe_transport_role(second), FLOE_ICE_ROLE_CONTROLLING);
    floe_transport_free(second);
    /* Another one is made: those that come now wait for that. */
    assert_int_equal(add_second(first, 6000), FLOE_OK);
    assert_int_equal(
        floe_transport_set_remote_candidates(first, (const floe_candidate *const *)(void *)two, 2),
        FLOE_OK);
    assert_int_equal(floe_transport_create_associated(first, &second), FLOE_OK);
    assert_int_equal(remote_count(second), 2);
    floe_transport_free(second);
    /* A restart of the other side: what it does not name is of before. */
    assert_int_equal(add_second(first, 6000), FLOE_OK);
    assert_int_equal(floe_transport_restart(first), FLOE_OK);
    assert_int_equal(floe_transport_create_associated(first, &second), FLOE_OK);
    assert_int_equal(floe_transport_role(second), 0); /* with the other side's answer */
    floe_transport_free(second);
    assert_int_equal(add_second(first, 6000), FLOE_OK);
    start(&m.a);
    assert_int_equal(floe_transport_create_associated(first, &second), FLOE_OK);
    assert_int_equal(remote_count(second), 0);
    assert_int_equal(floe_transport_role(second), FLOE_ICE_ROLE_CONTROLLING);
    floe_transport_free(second);
    floe_gatherer_free(gatherer);
    floe_candidate_free(two[0]);
    floe_candidate_free(two[1]);
    unmake(&m);
}

/* Without memory none is made, and what waits for it waits on. */
static void the_other_component_without_memory(void **state)
{
    meeting m;
    floe_gatherer *gatherer;
    floe_transport *second;
    floe_error error = FLOE_ERR_NO_MEMORY;

    (void)state;
    make(&m);
    assert_int_equal(floe_gatherer_create_associated(m.a.gatherer, &gatherer), FLOE_OK);
    start(&m.a);
    assert_int_equal(add_second(m.a.transport, 5000), FLOE_OK);
    assert_int_equal(add_second(m.a.transport, 5001), FLOE_OK);
    for (size_t n = 1; error == FLOE_ERR_NO_MEMORY; n++) {
        memory_fail(n);
        error = floe_transport_create_associated(m.a.transport, &second);
    }
    memory_fail(0);
    assert_int_equal(error, FLOE_OK);
    assert_int_equal(remote_count(second), 2);
    floe_transport_free(second);
    floe_gatherer_free(gatherer);
    unmake(&m);
}

/* The transports of component 2 are made last, when all has been said. */
static void the_other_component_comes_last(void **state)
{
    meeting m;
    floe_gatherer *gatherers[2];
    side seconds[2];

    (void)state;
    make(&m);
    side *sides[2] = {&m.a, &m.b};
    for (int i = 0; i < 2; i++) {
        side *s = &seconds[i];
        memset(s, 0, sizeof *s);
        s->other = sides[1 - i]; /* whose candidates of both components go to one transport */
        s->trickles = true;
        assert_int_equal(floe_gatherer_create_associated(sides[i]->gatherer, &gatherers[i]),
                         FLOE_OK);
        (void)floe_gatherer_on_local_candidate(gatherers[i], on_candidate, s);
        sides[i]->trickles = false;
    }
    for (int i = 0; i < 2; i++) {
        start(sides[i]);
        assert_int_equal(floe_gatherer_gather(sides[i]->gatherer), FLOE_OK);
        assert_int_equal(floe_gatherer_gather(gatherers[i]), FLOE_OK);
        turn_until(&m.loop, &seconds[i].complete);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            floe_transport_create_associated(sides[i]->transport, &seconds[i].transport), FLOE_OK);
        listen_to(&seconds[i]);
    }
    for (int i = 0; i < 2; i++) {
        turn_until(&m.loop, &seconds[i].connected);
    }
    for (int i = 0; i < 2; i++) {
        floe_transport_free(seconds[i].transport);
        floe_gatherer_free(gatherers[i]);
    }
    unmake(&m);
}

/* ── The end ── */

static void try_call(the_moment moment, the_call call)
{
    meeting m;

    make(&m);
    m.a.moment = moment;
    m.a.call = call;
    start(&m.a);
    start(&m.b);
    assert_int_equal(floe_gatherer_gather(m.a.gatherer), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(m.b.gatherer), FLOE_OK);
    uint64_t began = uv_hrtime();
    while (m.a.moment != NEVER && uv_hrtime() - began < 60000000000U) {
        (void)uv_run(&m.loop, UV_RUN_NOWAIT);
        (void)usleep(100);
        if (m.b.transport != NULL) {
            (void)floe_transport_send(m.b.transport, "x", 1);
        }
        if (m.a.transport != NULL && moment == ON_CLOSED) {
            (void)floe_transport_stop(m.a.transport);
        }
    }
    assert_int_equal(m.a.moment, NEVER);
    if (m.a.api != NULL) {
        turn_a_while(&m.loop);
    }
    bool closes =
        call == STOP || call == GRACEFUL_STOP || call == CLOSE_GATHERER || call == FREE_GATHERER;
    if (closes) {
        turn_until(&m.loop, &m.a.closed);
        assert_int_equal(m.a.states[FLOE_ICE_STATE_CLOSED], 1);
        assert_int_equal(m.a.last, FLOE_ICE_STATE_CLOSED);
        assert_int_equal(floe_transport_state(m.a.transport), FLOE_ICE_STATE_CLOSED);
        assert_int_equal(floe_transport_send(m.a.transport, "x", 1), FLOE_ERR_INVALID_STATE);
    }
    unmake(&m);
}

static void every_end_in_every_callback(void **state)
{
    (void)state;
    for (the_moment moment = ON_STATE; moment < MOMENTS; moment++) {
        for (the_call call = STOP; call < CALLS; call++) {
            try_call(moment, call);
        }
    }
}

static void a_gatherer_takes_its_transports_with_it(void **state)
{
    meeting m;
    char text[FLOE_ICE_EXPLANATION_SIZE];
    floe_ice_pair_list *pairs;
    floe_candidate_list *list;
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    floe_ice_statistics statistics = FLOE_ICE_STATISTICS_INIT;

    (void)state;
    make(&m);
    connect_both(&m);
    floe_gatherer_free(m.a.gatherer);
    m.a.gatherer = NULL;
    floe_transport *t = m.a.transport;
    assert_int_equal(floe_transport_state(t), FLOE_ICE_STATE_CLOSED);
    assert_null(floe_transport_gatherer(t));
    assert_int_equal(floe_transport_send(t, "x", 1), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_transport_restart(t), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_gatherer_get_local_parameters(m.b.gatherer, &parameters), FLOE_OK);
    assert_int_equal(floe_transport_start(t, &parameters, FLOE_ICE_ROLE_CONTROLLING),
                     FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_transport_add_remote_candidate(t, NULL), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_transport_get_pairs(t, &pairs), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_transport_get_selected_pair(t, &pairs), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_transport_get_remote_candidates(t, &list), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_transport_set_remote_candidates(t, NULL, 0), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_transport_get_remote_parameters(t, &parameters), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_transport_get_statistics(t, &statistics), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_transport_explain(t, text, sizeof text), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_transport_create_associated(t, &t), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_transport_stop(t), FLOE_OK);
    turn_until(&m.loop, &m.a.closed);
    assert_int_equal(m.a.states[FLOE_ICE_STATE_CLOSED], 1);
    unmake(&m);
}

/* ── Misuse ── */

static void null_is_refused(void **state)
{
    meeting m;
    char text[8];
    floe_ice_pair_list *pairs;
    floe_candidate_list *list;
    floe_transport *t;
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    floe_ice_statistics statistics = FLOE_ICE_STATISTICS_INIT;
    floe_ice_options wrong = FLOE_ICE_OPTIONS_INIT;

    (void)state;
    make(&m);
    assert_int_equal(floe_transport_new(NULL, NULL, &t), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_new(m.a.gatherer, NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    wrong.max_pairs = 1000000;
    assert_int_equal(floe_transport_new(m.a.gatherer, &wrong, &t), FLOE_ERR_INVALID_ARGUMENT);
    floe_transport_free(NULL);
    assert_int_equal(floe_transport_start(NULL, &parameters, FLOE_ICE_ROLE_CONTROLLING),
                     FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_start(m.a.transport, NULL, FLOE_ICE_ROLE_CONTROLLING),
                     FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_start(m.a.transport, &parameters, FLOE_ICE_ROLE_CONTROLLING),
                     FLOE_ERR_INVALID_ARGUMENT); /* empty ones */
    assert_int_equal(floe_transport_restart(NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_add_remote_candidate(NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_remove_remote_candidate(m.a.transport, NULL),
                     FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_set_remote_candidates(m.a.transport, NULL, 1),
                     FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_get_remote_candidates(NULL, &list), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_get_remote_parameters(NULL, &parameters),
                     FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_get_pairs(NULL, &pairs), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_get_selected_pair(NULL, &pairs), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_get_statistics(NULL, &statistics), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_explain(NULL, text, sizeof text), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_send(NULL, "x", 1), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_stop(NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_graceful_stop(NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(floe_last_error(), "floe_transport_graceful_stop"));
    assert_int_equal(floe_transport_create_associated(NULL, &t), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_on_state_change(NULL, NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_on_packet(NULL, NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_on_pair_change(NULL, NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_on_selected_pair_change(NULL, NULL, NULL),
                     FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_on_writable(NULL, NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_transport_state(NULL), FLOE_ICE_STATE_CLOSED);
    assert_int_equal(floe_transport_role(NULL), 0);
    assert_int_equal(floe_transport_component(NULL), 0);
    assert_null(floe_transport_gatherer(NULL));
    floe_gatherer_close(m.b.gatherer);
    assert_int_equal(floe_transport_new(m.b.gatherer, NULL, &t), FLOE_ERR_INVALID_STATE);
    unmake(&m);
}

/* ── Threads ── */

/* The api has a thread of its own, and two more of the owner's send, ask and stop. */
typedef struct threaded {
    side *s;
    atomic_bool end;
} threaded;

static void *uses(void *data)
{
    threaded *t = data;
    floe_ice_pair_list *pairs;
    char text[FLOE_ICE_EXPLANATION_SIZE];

    while (!atomic_load(&t->end)) {
        (void)floe_transport_send(t->s->transport, "x", 1);
        (void)floe_transport_state(t->s->transport);
        if (floe_transport_get_pairs(t->s->transport, &pairs) == FLOE_OK) {
            floe_ice_pair_list_free(pairs);
        }
        (void)floe_transport_explain(t->s->transport, text, sizeof text);
        (void)usleep(200);
    }
    return NULL;
}

static void wait_for(const atomic_bool *flag)
{
    uint64_t began = uv_hrtime();

    while (!atomic_load(flag)) {
        (void)usleep(1000);
        if (uv_hrtime() - began > 60000000000U) {
            fail_msg("waited in vain");
        }
    }
}

static void several_threads(void **state)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    side a;
    side b;
    floe_api *api;
    pthread_t threads[2];
    threaded users[2] = {{.s = &a}, {.s = &b}};

    (void)state;
    settings.loopback = true;
    settings.network_types = FLOE_NETWORK_TYPE_UDP4;
    for (int round = 0; round < 20; round++) {
        assert_int_equal(floe_api_new(&settings, &api), FLOE_OK);
        begin(&a, api, &b, FLOE_ICE_ROLE_CONTROLLING);
        begin(&b, api, &a, FLOE_ICE_ROLE_CONTROLLED);
        for (int i = 0; i < 2; i++) {
            atomic_store(&users[i].end, false);
            assert_int_equal(pthread_create(&threads[i], NULL, uses, &users[i]), 0);
        }
        start(&a);
        start(&b);
        assert_int_equal(floe_gatherer_gather(a.gatherer), FLOE_OK);
        assert_int_equal(floe_gatherer_gather(b.gatherer), FLOE_OK);
        wait_for(&a.complete); /* no candidate is signalled any more to who is freed */
        wait_for(&b.complete);
        wait_for(&a.connected);
        wait_for(&b.connected);
        if (round % 2 == 0) {
            assert_int_equal(floe_transport_graceful_stop(a.transport), FLOE_OK);
            assert_true(atomic_load(&a.closed));
        }
        for (int i = 0; i < 2; i++) {
            atomic_store(&users[i].end, true);
            (void)pthread_join(threads[i], NULL);
        }
        if (round % 3 != 0) { /* else the api takes all with it */
            floe_transport_free(a.transport);
            a.over = true;
            (void)usleep(1000);
            floe_transport_free(b.transport);
            floe_gatherer_free(a.gatherer);
            floe_gatherer_free(b.gatherer);
        }
        floe_api_free(api);
    }
}

/* A callback that takes its time, with more packets behind it. */
typedef struct slow {
    atomic_bool inside;
    atomic_bool freed; /* floe_transport_free has returned */
    atomic_uint begun;
} slow;

static void on_slow_packet(void *data, const floe_packet *packet)
{
    slow *s = data;

    (void)packet;
    assert_false(atomic_load(&s->freed));
    atomic_fetch_add(&s->begun, 1);
    atomic_store(&s->inside, true);
    (void)usleep(20000);
    assert_false(atomic_load(&s->freed));
    atomic_store(&s->inside, false);
}

static void free_waits_for_the_callback_that_runs_and_for_no_other(void **state)
{
    bool none_behind = false;

    (void)state;
    for (int i = 0; i < 20 && !none_behind; i++) {
        floe_settings settings = FLOE_SETTINGS_INIT;
        side a;
        side b;
        slow s = {0};
        floe_api *apis[2];
        settings.loopback = true;
        settings.network_types = FLOE_NETWORK_TYPE_UDP4;
        settings.allocator = &memory_counted;
        assert_int_equal(floe_api_new(&settings, &apis[0]), FLOE_OK);
        assert_int_equal(floe_api_new(&settings, &apis[1]), FLOE_OK);
        begin(&a, apis[0], &b, FLOE_ICE_ROLE_CONTROLLING);
        begin(&b, apis[1], &a, FLOE_ICE_ROLE_CONTROLLED);
        (void)floe_transport_on_packet(b.transport, on_slow_packet, &s);
        start(&a);
        start(&b);
        assert_int_equal(floe_gatherer_gather(a.gatherer), FLOE_OK);
        assert_int_equal(floe_gatherer_gather(b.gatherer), FLOE_OK);
        wait_for(&a.complete); /* no candidate is signalled any more to who is freed */
        wait_for(&b.complete);
        wait_for(&a.connected);
        wait_for(&b.connected);
        for (int n = 0; n < 10; n++) {
            assert_int_equal(floe_transport_send(a.transport, "x", 1), FLOE_OK);
        }
        wait_for(&s.inside);
        unsigned begun = atomic_load(&s.begun);
        floe_transport_free(b.transport);
        atomic_store(&s.freed, true);
        assert_false(atomic_load(&s.inside));
        none_behind = atomic_load(&s.begun) == begun;
        floe_transport_free(a.transport);
        floe_api_free(apis[0]);
        floe_api_free(apis[1]);
        assert_int_equal(memory_live(), 0);
    }
    assert_true(none_behind); /* a machine that is busy may be late once, and not each time */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i2_connects_and_carries_packets),
        cmocka_unit_test(i2_any_order),
        cmocka_unit_test(i9_remote_candidates_are_those_that_were_given),
        cmocka_unit_test(i11_no_packet_is_lost_by_a_restart),
        cmocka_unit_test(i3_one_offer_and_three_answers),
        cmocka_unit_test(i3_a_late_answer),
        cmocka_unit_test(the_other_component),
        cmocka_unit_test(candidates_before_the_other_component),
        cmocka_unit_test(the_other_component_without_memory),
        cmocka_unit_test(the_other_component_comes_last),
        cmocka_unit_test(every_end_in_every_callback),
        cmocka_unit_test(a_gatherer_takes_its_transports_with_it),
        cmocka_unit_test(null_is_refused),
        cmocka_unit_test(several_threads),
        cmocka_unit_test(free_waits_for_the_callback_that_runs_and_for_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
