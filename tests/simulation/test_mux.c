/* H3: one UDP socket for all gatherers of what is shared, told by hand: what is asked once, who hears what arrives, and
 * what stays when one goes. */
#include "hand.h"

#include "polled.h"
#include "stun/key.h"

#include <stdio.h>
#include <string.h>

#define MEMBERS 4

/* The hand plays for the mux; the gatherers are polled here. */
typedef struct story {
    hand h;
    floe_core *members[MEMBERS];
    char logs[MEMBERS][512];
    uint32_t ids[MEMBERS][5]; /* of the latest candidate of each type */
    char errors[MEMBERS][512];
    uint32_t channel; /* of the socket */
    uint32_t listener;
    bool two;        /* the interface has another address */
    bool list_waits; /* nobody lists the interfaces */
    bool list_fails;
    bool continual; /* the members are */
    bool states;    /* are logged */
    bool no_route;
    bool no_interface;
} story;

static const char *const two_urls[] = {"stun:203.0.113.3", "turn:203.0.113.2"};
static const char *const stun_url[] = {"stun:203.0.113.3"};

static void log_of(story *s, size_t n, const char *word, const floe_candidate *candidate)
{
    size_t used = strlen(s->logs[n]);

    (void)snprintf(s->logs[n] + used, sizeof s->logs[n] - used, "%s%s%s%s", used > 0 ? ", " : "",
                   word, candidate != NULL ? " " : "",
                   candidate != NULL ? floe_candidate_type_name(candidate->type) : "");
}

static void heard(story *s, size_t n, const floe_core_output *output)
{
    const floe_candidate *candidate = output->candidate;
    floe_interface_address list[2] = {{.interface_name = "eth0",
                                       .interface_index = 1,
                                       .up = true,
                                       .default_route = true,
                                       .address = address_of("10.0.1.2:0")}};

    switch (output->kind) {
    case FLOE_CORE_LIST_INTERFACES:
        list[0].default_route = !s->no_route;
        list[1] = list[0];
        list[1].address = address_of("10.0.2.2:0");
        if (s->list_fails) {
            floe_core_interfaces_failed(s->members[n], s->h.now, FLOE_ERR_SYSTEM);
        } else if (!s->list_waits) {
            floe_core_interfaces(s->members[n], s->h.now, s->h.second_alone ? &list[1] : list,
                                 s->no_interface                ? 0
                                 : s->two && !s->h.second_alone ? 2
                                                                : 1);
        }
        break;
    case FLOE_CORE_CANDIDATE:
        log_of(s, n, candidate != NULL ? "+" : "end", candidate);
        if (candidate != NULL) {
            s->ids[n][candidate->type] = candidate->id;
        }
        break;
    case FLOE_CORE_CANDIDATE_WITHDRAWN:
        log_of(s, n, "-", candidate);
        break;
    case FLOE_CORE_CANDIDATE_ERROR:
        log_of(s, n, "error", NULL);
        (void)snprintf(s->errors[n], sizeof s->errors[n], "%s: %s",
                       output->error->address != NULL ? output->error->address : "-",
                       output->error->text);
        break;
    case FLOE_CORE_WRITABLE:
        log_of(s, n, "writable", NULL);
        break;
    case FLOE_CORE_UNREACHABLE:
        log_of(s, n, "not reached", NULL);
        break;
    case FLOE_CORE_STATE:
        if (s->states) {
            log_of(s, n, floe_gatherer_state_name(output->state), NULL);
        }
        break;
    default: /* core.h: the mux's alone */
        fail_msg("a member's output of kind %d", (int)output->kind);
    }
}

static void rest(story *s)
{
    floe_core_output output;
    bool any;

    do {
        settle(&s->h);
        any = false;
        for (size_t n = 0; n < MEMBERS; n++) {
            while (s->members[n] != NULL && polled(s->members[n], s->h.now, &output)) {
                any = true;
                heard(s, n, &output);
            }
        }
        while (floe_core_mux_touched(s->h.core) != NULL) {
            any = true;
        }
    } while (any);
    for (uint32_t i = 0; i < CHANNELS; i++) {
        s->channel = s->h.open[i] && !s->h.stream[i] ? i : s->channel;
    }
}

static floe_time deadline_of(const story *s)
{
    floe_time next = floe_core_deadline(s->h.core);

    for (size_t n = 0; n < MEMBERS; n++) {
        if (s->members[n] != NULL) {
            next = floe_time_min(next, floe_core_deadline(s->members[n]));
        }
    }
    return next;
}

static void go_on(story *s, uint64_t milliseconds)
{
    floe_time end = floe_time_after(s->h.now, floe_milliseconds(milliseconds));

    rest(s);
    for (floe_time due = deadline_of(s); due.ns <= end.ns; due = deadline_of(s)) {
        s->h.now = due.ns > s->h.now.ns ? due : s->h.now;
        floe_core_time(s->h.core, s->h.now);
        for (size_t n = 0; n < MEMBERS; n++) {
            if (s->members[n] != NULL) {
                floe_core_time(s->members[n], s->h.now);
            }
        }
        rest(s);
    }
    s->h.now = end;
}

static floe_error new_member(story *s, size_t n, const char *const *urls, size_t count)
{
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, urls, count, "user");
    options.ice_server_count = count > 0;
    options.continual = s->continual;
    floe_error error = floe_core_new(s->h.shared, &options, &s->members[n]);

    if (error == FLOE_OK) {
        error = floe_core_receive_packets(s->members[n], true);
    }
    return error;
}

static void join(story *s, size_t n, const char *const *urls, size_t count)
{
    assert_int_equal(new_member(s, n, urls, count), FLOE_OK);
    assert_int_equal(floe_core_start(s->members[n], s->h.now), FLOE_OK);
    rest(s);
}

static void shares(story *s, floe_settings settings)
{
    memset(s, 0, sizeof *s);
    counting_init(&s->h.memory);
    seeded_init(&s->h.random, 7);
    s->h.now = floe_time_after((floe_time){0}, floe_seconds(1000));
    s->h.next_port = 40000;
    settings.allocator = &s->h.memory.table;
    settings.udp_mux_port = FLOE_ANY_PORT;
    assert_int_equal(floe_core_shared_new(&settings, &s->h.random.table, &s->h.shared), FLOE_OK);
    s->h.core = floe_core_shared_mux(s->h.shared);
    assert_non_null(s->h.core);
    with(&s->h, "203.0.113.2:3478", "192.0.2.7:700");
    with(&s->h, "203.0.113.3:3478", "192.0.2.7:700");
}

static void leave(story *s, size_t n)
{
    floe_core_close(s->members[n], s->h.now);
    rest(s);
    floe_core_free(s->members[n]);
    s->members[n] = NULL;
}

static void all_end(story *s)
{
    for (size_t n = 0; n < MEMBERS; n++) {
        if (s->members[n] != NULL) {
            leave(s, n);
        }
    }
    assert_int_equal(s->h.sockets, 0);
    floe_core_close(s->h.core, s->h.now);
    rest(s);
    assert_int_equal(floe_core_state(s->h.core), FLOE_GATHERER_STATE_CLOSED);
    floe_core_shared_free(s->h.shared);
    assert_int_equal(s->h.memory.live, 0);
}

static void says_of(story *s, size_t n, const char *wanted)
{
    assert_string_equal(s->logs[n], wanted);
    *s->logs[n] = '\0';
}

/* Two with both servers, who know all. */
static void begin_two(story *s)
{
    shares(s, defaults);
    join(s, 0, two_urls, 2);
    join(s, 1, two_urls, 2);
    go_on(s, 1000);
    says_of(s, 0, "+ host, + srflx, + relay, end");
    says_of(s, 1, "+ host, + srflx, + relay, end");
}

/* ── What is asked ── */

static void h3_one_socket_and_one_question_for_all(void **state)
{
    story s;

    (void)state;
    begin_two(&s);
    assert_int_equal(s.h.sockets, 1);
    assert_int_equal(s.h.servers[0].allocates, 1);
    assert_int_equal(s.h.servers[1].bindings, 1);
    join(&s, 2, two_urls, 2); /* nothing is asked of it, and nobody waits */
    says_of(&s, 2, "+ host, + srflx, + relay, end");
    assert_int_equal(s.h.servers[0].allocates, 1);
    join(&s, 3, stun_url, 1);
    says_of(&s, 3, "+ host, + srflx, end");
    assert_int_equal(s.h.servers[1].bindings, 1);
    all_end(&s);
}

static void h3_who_goes_takes_what_is_its_own_alone(void **state)
{
    story s;

    (void)state;
    begin_two(&s);
    join(&s, 2, stun_url, 1);
    says_of(&s, 2, "+ host, + srflx, end");
    leave(&s, 0);
    assert_int_equal(s.h.servers[0].releases, 0);
    leave(&s, 1);
    assert_int_equal(s.h.servers[0].releases, 1); /* that was the last one with this server */
    assert_int_equal(s.h.sockets, 1);
    go_on(&s, 40000);
    assert_int_equal(s.h.servers[0].refreshes, 0);
    assert_true(s.h.servers[1].bindings > 1); /* the mapping is kept for the third */
    says_of(&s, 2, "");
    leave(&s, 2);
    assert_int_equal(s.h.sockets, 0);
    all_end(&s);
}

static void h3_other_credentials_have_a_relay_of_their_own(void **state)
{
    story s;
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, turn_url, 1, "another");

    (void)state;
    begin_two(&s);
    assert_int_equal(floe_core_new(s.h.shared, &options, &s.members[2]), FLOE_OK);
    assert_int_equal(floe_core_start(s.members[2], s.h.now), FLOE_OK);
    go_on(&s, 1000);
    assert_int_equal(s.h.sockets, 2); /* the shared one has the first user's (RFC 8656 §3.2) */
    says_of(&s, 2, "+ host, + relay, + srflx, end");
    leave(&s, 2);
    assert_int_equal(s.h.sockets, 1);
    all_end(&s);
}

static void h3_a_restart_asks_nobody(void **state)
{
    story s;

    (void)state;
    begin_two(&s);
    uint32_t relay = s.ids[0][FLOE_CANDIDATE_TYPE_RELAY];
    assert_int_equal(floe_core_restart(s.members[0], s.h.now), FLOE_OK);
    assert_int_equal(floe_core_start(s.members[0], s.h.now), FLOE_OK);
    rest(&s);
    says_of(&s, 0, "+ host, + srflx, + relay, end");
    assert_int_equal(s.ids[0][FLOE_CANDIDATE_TYPE_RELAY], relay);
    assert_int_equal(s.h.servers[0].allocates, 1);
    assert_int_equal(s.h.servers[1].bindings, 1);
    says_of(&s, 1, "");
    all_end(&s);
}

static void h3_other_servers_replace_those_of_before(void **state)
{
    story s;
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, stun_url, 1, "user");

    (void)state;
    begin_two(&s);
    assert_int_equal(floe_core_set_options(s.members[0], s.h.now, &options), FLOE_OK);
    assert_int_equal(floe_core_start(s.members[0], s.h.now), FLOE_OK);
    rest(&s);
    says_of(&s, 0, "end, - relay");
    says_of(&s, 1, "");
    assert_int_equal(s.h.servers[0].releases, 0); /* the other has it */
    all_end(&s);
}

/* Whichever of two servers has shown it first. */
static void h3_what_another_server_shows_stays(void **state)
{
    static const char *const *const left[] = {stun_url, turn_url};

    (void)state;
    for (int i = 0; i < 2; i++) {
        story s;
        floe_ice_server ice;
        floe_gather_options options = options_of(&ice, left[i], 1, "user");
        begin_two(&s);
        assert_int_equal(floe_core_set_options(s.members[0], s.h.now, &options), FLOE_OK);
        assert_int_equal(floe_core_start(s.members[0], s.h.now), FLOE_OK);
        go_on(&s, 1000);
        says_of(&s, 0, i == 0 ? "end, - relay" : "end");
        all_end(&s);
    }
}

/* Two names for one server: on the shared socket only one can have an allocation. Where no other socket is to be
 * had, the second fails, and leaves the first's alone. */
static void h3_two_names_of_one_server(void **state)
{
    static const char *const named[] = {"turn:203.0.113.2", "turn:turn.example.org"};
    story s;

    (void)state;
    shares(&s, defaults);
    s.h.places[0] = "203.0.113.2:0";
    s.h.one_port = true;
    join(&s, 0, named, 1);
    go_on(&s, 1000);
    says_of(&s, 0, "+ host, + srflx, + relay, end");
    s.h.servers[0].holds = true;
    join(&s, 1, named, 2);
    go_on(&s, 6000);
    assert_non_null(strstr(s.logs[1], "+ relay"));
    assert_non_null(strstr(s.logs[1], "error"));
    assert_int_equal(s.h.servers[0].releases, 0);
    says_of(&s, 0, "");
    s.h.servers[0].holds = false;
    all_end(&s);
}

static void h3_a_username_fragment_is_one_gatherers(void **state)
{
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_restart_options restart = FLOE_RESTART_OPTIONS_INIT;
    floe_core *other = NULL;
    story s;

    (void)state;
    shares(&s, defaults);
    options.username_fragment = "chosen";
    assert_int_equal(floe_core_new(s.h.shared, &options, &s.members[0]), FLOE_OK);
    assert_int_equal(floe_core_new(s.h.shared, &options, &other), FLOE_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(floe_last_error(), "options.username_fragment \"chosen\""));
    join(&s, 1, stun_url, 1);
    restart.username_fragment = "chosen";
    assert_int_equal(floe_core_restart_with(s.members[1], s.h.now, &restart),
                     FLOE_ERR_INVALID_ARGUMENT);
    restart.username_fragment = "another";
    assert_int_equal(floe_core_restart_with(s.members[1], s.h.now, &restart), FLOE_OK);
    rest(&s);
    leave(&s, 0);
    assert_int_equal(floe_core_new(s.h.shared, &options, &s.members[0]), FLOE_OK);
    all_end(&s);
}

static void h3_a_relay_that_is_lost_is_lost_for_all(void **state)
{
    story s;

    (void)state;
    begin_two(&s);
    s.h.servers[0].refresh = FORGOT;
    go_on(&s, 600000);
    assert_non_null(strstr(s.logs[0], "- relay, + relay"));
    assert_string_equal(s.logs[0], s.logs[1]);
    all_end(&s);
}

static void h3_a_server_that_fails_is_an_error_for_each(void **state)
{
    story s;

    (void)state;
    shares(&s, defaults);
    s.h.servers[0].allocate = s.h.servers[0].both = REFUSES;
    join(&s, 0, turn_url, 1);
    join(&s, 1, turn_url, 1);
    go_on(&s, 1000);
    says_of(&s, 0, "+ host, error, + srflx, end");
    says_of(&s, 1, "error, + host, + srflx, end"); /* what it has missed first */
    assert_non_null(strstr(s.errors[1], "403"));
    assert_non_null(strstr(s.errors[1], "10.0.1.2: ")); /* E1 */
    s.h.servers[0].allocate = s.h.servers[0].both = ANSWERS;
    join(&s, 2, turn_url, 1); /* it asks again, as the server may be mended */
    go_on(&s, 1000);
    says_of(&s, 2, "+ host, + srflx, + relay, end");
    all_end(&s);
}

/* L14 (c): who has what he waits for by another server waits no longer for one that is silent; who has
 * not, does. */
static void h3_a_silent_server_holds_up_nobody_who_has_another(void **state)
{
    static const char *const dead_url[] = {"stun:203.0.113.9"};
    static const char *const with_dead[] = {"stun:203.0.113.3", "stun:203.0.113.9"};
    story s;

    (void)state;
    shares(&s, defaults);
    all(with(&s.h, "203.0.113.9:3478", "192.0.2.7:700"), SILENT);
    join(&s, 0, dead_url, 1);
    join(&s, 1, with_dead, 2);
    go_on(&s, 1000);
    says_of(&s, 0, "+ host");
    says_of(&s, 1, "+ host, + srflx, error, end");
    assert_non_null(strstr(s.errors[1], "no answer to 2 packets"));
    go_on(&s, 5000);
    says_of(&s, 0, "error, end");
    assert_non_null(strstr(s.errors[0], "no answer to"));
    all_end(&s);
}

/* Each is paced by itself: a thousand with their own users do not wait for one another. */
static void h3_users_of_one_server_wait_for_nobody(void **state)
{
    static const char *const users[] = {"one", "two", "three", "four"};
    story s;

    (void)state;
    shares(&s, defaults);
    for (size_t n = 0; n < MEMBERS; n++) {
        floe_ice_server ice;
        floe_gather_options options = options_of(&ice, turn_url, 1, users[n]);
        assert_int_equal(floe_core_new(s.h.shared, &options, &s.members[n]), FLOE_OK);
        assert_int_equal(floe_core_start(s.members[n], s.h.now), FLOE_OK);
    }
    rest(&s);
    assert_int_equal(s.h.servers[0].allocates, MEMBERS);
    go_on(&s, 1000);
    for (size_t n = 0; n < MEMBERS; n++) {
        assert_non_null(strstr(s.logs[n], "+ relay"));
        assert_non_null(strstr(s.logs[n], "+ srflx"));
        assert_non_null(strstr(s.logs[n], "end"));
    }
    assert_int_equal(s.h.servers[0].bindings, 1); /* for all of those that stand apart */
    assert_int_equal(s.h.sockets, MEMBERS);
    all_end(&s);
}

/* P8: of users who stand apart, who want nothing but relays ask for nothing else. */
static void h3_users_who_want_relays_alone_ask_for_nothing_else(void **state)
{
    static const char *const users[] = {"one", "two"};
    story s;

    (void)state;
    shares(&s, defaults);
    for (size_t n = 0; n < 2; n++) {
        floe_ice_server ice;
        floe_gather_options options = options_of(&ice, turn_url, 1, users[n]);
        options.candidate_types = FLOE_GATHER_TYPE_RELAY;
        assert_int_equal(floe_core_new(s.h.shared, &options, &s.members[n]), FLOE_OK);
        assert_int_equal(floe_core_start(s.members[n], s.h.now), FLOE_OK);
    }
    go_on(&s, 60000);
    says_of(&s, 0, "+ relay, end");
    says_of(&s, 1, "+ relay, end");
    assert_int_equal(s.h.servers[0].bindings, 0);
    all_end(&s);
}

/* P8: what is shared with others is no reason to ask by a transport that is not wanted. */
static void h3_a_domain_is_asked_by_the_wanted_transports_alone(void **state)
{
    static const uint32_t transports[] = {FLOE_RELAY_TRANSPORT_UDP, 0, FLOE_RELAY_TRANSPORT_UDP};
    static const size_t look_ups[] = {
        2, 7, 7}; /* who stands apart has its reflexive address asked for beside */
    static const char *const url[] = {"turn:example.org"};
    floe_settings settings = defaults;
    story s;

    (void)state;
    settings.service_discovery = true;
    shares(&s, settings);
    s.h.places[0] = "203.0.113.2:0";
    for (size_t n = 0; n < 3; n++) {
        floe_ice_server ice;
        floe_gather_options options = options_of(&ice, url, 1, "user");
        options.relay_transports = transports[n];
        assert_int_equal(floe_core_new(s.h.shared, &options, &s.members[n]), FLOE_OK);
        assert_int_equal(floe_core_start(s.members[n], s.h.now), FLOE_OK);
        go_on(&s, 1000);
        assert_non_null(strstr(s.logs[n], "+ relay"));
        assert_int_equal(s.h.look_ups, look_ups[n]);
    }
    all_end(&s);
}

static void h3_an_address_without_a_socket_holds_up_nobody(void **state)
{
    story s;

    (void)state;
    shares(&s, defaults);
    s.two = true;
    s.h.one_port = true; /* the second address has none */
    join(&s, 0, stun_url, 1);
    go_on(&s, 100);
    join(&s, 1, stun_url, 1);
    for (size_t n = 0; n < 2; n++) {
        assert_non_null(strstr(s.logs[n], "+ srflx"));
        assert_non_null(strstr(s.logs[n], "error"));
        assert_non_null(strstr(s.logs[n], "end"));
    }
    all_end(&s);
}

static void h3_an_address_that_comes_while_others_gather_is_asked(void **state)
{
    story s;

    (void)state;
    shares(&s, defaults);
    s.h.servers[1].binding = SILENT;
    join(&s, 0, stun_url, 1);
    s.two = true;
    join(&s, 1, stun_url, 1);
    go_on(&s, 700);
    s.h.servers[1].binding = ANSWERS;
    go_on(&s, 5000);
    says_of(&s, 0, "+ host, + srflx, end");
    says_of(&s, 1, "+ host, + host, + srflx, + srflx, end");
    all_end(&s);
}

static void h3_what_is_lost_before_the_list_is_there_is_withdrawn(void **state)
{
    story s;

    (void)state;
    begin_two(&s);
    s.list_waits = true;
    assert_int_equal(floe_core_start(s.members[0], s.h.now), FLOE_OK);
    rest(&s);
    s.h.servers[0].refresh = s.h.servers[0].allocate = s.h.servers[0].both = FORGOT;
    go_on(&s, 4000);
    says_of(&s, 1, "");
    s.h.now = floe_time_after(s.h.now, floe_seconds(40));
    go_on(&s, 1000);
    says_of(&s, 1, "- relay");
    assert_non_null(strstr(s.logs[0], "- relay"));
    all_end(&s);
}

static void h3_without_a_list_what_stands_stays(void **state)
{
    story s;

    (void)state;
    begin_two(&s);
    s.list_fails = true;
    assert_int_equal(floe_core_restart(s.members[0], s.h.now), FLOE_OK);
    assert_int_equal(floe_core_start(s.members[0], s.h.now), FLOE_OK);
    rest(&s);
    assert_non_null(strstr(s.logs[0], "+ srflx, + relay"));
    assert_null(strstr(s.logs[0], "- relay"));
    all_end(&s);
}

/* A gathering that had begun long before has failed for those who began it. */
static void h3_who_joins_late_has_its_own_time(void **state)
{
    story s;

    (void)state;
    shares(&s, defaults);
    s.h.servers[1].binding = SILENT;
    join(&s, 0, stun_url, 1);
    go_on(&s, 4900);
    join(&s, 1, stun_url, 1);
    go_on(&s, 200);
    says_of(&s, 0, "+ host, error, end");
    says_of(&s, 1, "+ host");
    s.h.servers[1].binding = ANSWERS;
    go_on(&s, 2000);
    says_of(&s, 1, "+ srflx, end");
    all_end(&s);
}

static void h3_the_mux_may_be_closed_first(void **state)
{
    story s;

    (void)state;
    begin_two(&s);
    floe_core_close(s.h.core, s.h.now);
    rest(&s);
    all_end(&s);
}

static void h3_one_component_alone(void **state)
{
    story s;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_core *other = NULL;

    (void)state;
    begin_two(&s);
    assert_int_equal(floe_core_new_associated(s.members[0], &other), FLOE_ERR_UNSUPPORTED);
    options.even_port = true;
    assert_int_equal(floe_core_new(s.h.shared, &options, &other), FLOE_ERR_UNSUPPORTED);
    assert_int_equal(floe_core_set_options(s.members[0], s.h.now, &options), FLOE_ERR_UNSUPPORTED);
    all_end(&s);
}

/* ── Who hears what arrives ── */

/* A Binding request by the member's credentials of now; `right`: with the right password. */
static size_t check_for(const story *s, size_t n, bool right, uint8_t *bytes, size_t room)
{
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    static uint8_t counter;
    floe_stun_id id = {.bytes = {9, ++counter}};
    floe_stun_key *key;
    char name[300];

    assert_int_equal(floe_core_get_local_parameters(s->members[n], &parameters), FLOE_OK);
    (void)snprintf(name, sizeof name, "%s:peer", parameters.username_fragment);
    assert_int_equal(floe_stun_key_short_term(&floe_default_allocator,
                                              floe_span_text(right ? parameters.password : "wrong"),
                                              &key),
                     FLOE_OK);
    floe_stun_writer writer =
        floe_stun_begin(bytes, room, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &id);
    floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text(name));
    floe_stun_put_u32(&writer, FLOE_STUN_PRIORITY, 1);
    floe_stun_put_integrity(&writer, key->sha1);
    floe_stun_put_fingerprint(&writer);
    floe_stun_key_release(key);
    return floe_stun_written(&writer).size;
}

/* Which member hears it, by which candidate; -1: nobody. */
static int hears(story *s, const char *from, const void *data, size_t size, uint32_t *id)
{
    floe_address source = address_of(from);
    const floe_packet *packet;
    int who = -1;

    floe_core_datagram(s->h.core, s->h.now, s->channel, &source, data, size);
    while (floe_core_packet(s->h.core, s->h.now, &packet)) {
        assert_int_equal(who, -1);
        for (int n = 0; n < MEMBERS; n++) {
            who = s->members[n] != NULL && s->members[n] == floe_core_packet_owner(s->h.core) ? n
                                                                                              : who;
        }
        assert_true(who >= 0);
        if (id != NULL) {
            *id = packet->candidate_id;
        }
    }
    rest(s);
    return who;
}

static int hears_check(story *s, size_t n, bool right, const char *from)
{
    uint8_t bytes[256];

    return hears(s, from, bytes, check_for(s, n, right, bytes, sizeof bytes), NULL);
}

static const char *const peer = "198.51.100.5:4000";

static void sends(story *s, size_t n, floe_candidate_type type, const char *to, const void *data,
                  size_t size)
{
    floe_address address = address_of(to);

    assert_int_equal(floe_core_send(s->members[n], s->h.now, s->ids[n][type], &address, data, size),
                     FLOE_OK);
    rest(s);
}

static void h3_a_request_goes_to_whose_name_it_has(void **state)
{
    story s;

    (void)state;
    begin_two(&s);
    uint64_t dropped = floe_core_shared_dropped(s.h.shared);
    assert_int_equal(hears_check(&s, 0, true, peer), 0);
    assert_int_equal(hears_check(&s, 1, true, peer), 1);
    assert_int_equal(hears_check(&s, 0, true, "198.51.100.6:4000"), 0);
    assert_int_equal(hears_check(&s, 1, false, "198.51.100.6:4000"), 1); /* it is to answer 401 */
    assert_int_equal(floe_core_shared_dropped(s.h.shared), dropped);
    uint8_t bytes[256];
    size_t size = check_for(&s, 0, true, bytes, sizeof bytes);
    bytes[24] ^= 1; /* the first of its username fragment */
    assert_int_equal(hears(&s, peer, bytes, size, NULL), -1);
    assert_int_equal(floe_core_shared_dropped(s.h.shared), dropped + 1);
    all_end(&s);
}

static void h3_a_name_of_before_a_restart_holds_until_the_new_one_is_used(void **state)
{
    story s;
    uint8_t old[256];

    (void)state;
    begin_two(&s);
    assert_int_equal(hears_check(&s, 0, true, peer), 0);
    size_t size = check_for(&s, 0, true, old, sizeof old);
    assert_int_equal(floe_core_restart(s.members[0], s.h.now), FLOE_OK);
    rest(&s);
    assert_int_equal(floe_core_start(s.members[0], s.h.now), FLOE_OK);
    rest(&s);
    for (int i = 0; i < 4;
         i++) { /* the other side goes on by those that it has used last (RFC 8445 §9) */
        assert_int_equal(floe_core_restart(s.members[0], s.h.now), FLOE_OK);
        rest(&s);
        assert_int_equal(floe_core_start(s.members[0], s.h.now), FLOE_OK);
        rest(&s);
        assert_int_equal(hears(&s, peer, old, size, NULL), 0);
    }
    assert_int_equal(hears_check(&s, 0, true, peer), 0);
    all_end(&s);
}

/* Whoever sends us checks gets an answer, and nothing else for it. */
static void h3_forged_checks_push_nobody_out(void **state)
{
    uint8_t bytes[256];
    char from[32];
    story s;

    (void)state;
    begin_two(&s);
    assert_int_equal(hears_check(&s, 0, true, peer), 0);
    for (unsigned i = 0; i < 3000; i++) {
        (void)snprintf(from, sizeof from, "198.51.%u.7:%u", i % 250, 1000 + i);
        floe_address source = address_of(from);
        const floe_packet *packet;
        size_t size = check_for(&s, 0, false, bytes, sizeof bytes);
        floe_core_datagram(s.h.core, s.h.now, s.channel, &source, bytes, size);
        assert_true(floe_core_packet(s.h.core, s.h.now, &packet));
        assert_int_equal(floe_core_answer_check(s.members[0], s.h.now, packet, 401), FLOE_OK);
        rest(&s);
        sends(&s, 0, FLOE_CANDIDATE_TYPE_HOST, from, "\200out", 4);
    }
    assert_int_equal(hears(&s, peer, "\200data", 5, NULL), 0);
    all_end(&s);
}

/* They are one member's, unless the first was nobody's, or the member is gone. */
static void h3_datagrams_that_come_together(void **state)
{
    story s;

    (void)state;
    begin_two(&s);
    assert_null(floe_core_datagram_again(s.h.core, "\200again", 6));
    assert_int_equal(hears_check(&s, 1, true, peer), 1);
    assert_int_equal(hears(&s, peer, "\200data", 5, NULL), 1);
    const floe_packet *packet = floe_core_datagram_again(s.h.core, "\200again", 6);
    assert_non_null(packet);
    assert_memory_equal(packet->data, "\200again", 6);
    assert_ptr_equal(floe_core_packet_owner(s.h.core), s.members[1]);
    assert_int_equal(hears(&s, "198.51.100.6:4000", "\200data", 5, NULL), -1);
    assert_null(floe_core_datagram_again(s.h.core, "\200again", 6));
    assert_int_equal(hears(&s, peer, "\200data", 5, NULL), 1);
    leave(&s, 1);
    assert_null(floe_core_datagram_again(s.h.core, "\200again", 6));
    all_end(&s);
}

static void h3_an_answer_goes_to_who_asked(void **state)
{
    uint8_t bytes[256];
    story s;

    (void)state;
    begin_two(&s);
    assert_int_equal(hears_check(&s, 1, true, peer), 1);
    for (int who = 0; who < 2; who++) {
        size_t size = check_for(&s, 0, true, bytes, sizeof bytes);
        sends(&s, (size_t)who, FLOE_CANDIDATE_TYPE_HOST, peer, bytes, size);
        bytes[0] = 1; /* a success */
        assert_int_equal(hears(&s, peer, bytes, size, NULL), who);
    }
    bytes[15] ^= 1; /* and that nobody has asked */
    assert_int_equal(hears(&s, peer, bytes, 20, NULL), -1);
    all_end(&s);
}

static void h3_what_is_no_stun_goes_to_who_is_known_there(void **state)
{
    story s;

    (void)state;
    begin_two(&s);
    assert_int_equal(hears(&s, peer, "\200data", 5, NULL), -1); /* nobody is */
    sends(&s, 0, FLOE_CANDIDATE_TYPE_HOST, peer, "\200out", 4);
    uint32_t id = 0;
    assert_int_equal(hears(&s, peer, "\200data", 5, &id), 0);
    assert_int_equal(id, s.ids[0][FLOE_CANDIDATE_TYPE_HOST]);
    sends(&s, 1, FLOE_CANDIDATE_TYPE_HOST, peer, "\200out", 4);
    assert_int_equal(hears(&s, peer, "\200data", 5, NULL), -1); /* it cannot be told whose */
    assert_int_equal(hears_check(&s, 1, false, peer), 1);
    assert_int_equal(hears(&s, peer, "\200data", 5, NULL), -1); /* that proves nothing */
    assert_int_equal(hears_check(&s, 1, true, peer), 1);
    assert_int_equal(hears(&s, peer, "\200data", 5, NULL), 1);
    assert_int_equal(hears_check(&s, 0, true, peer), 0);
    assert_int_equal(hears(&s, peer, "\200data", 5, NULL), -1); /* both have sessions with it */
    go_on(&s, 20000);
    assert_int_equal(hears_check(&s, 0, true, peer), 0);
    go_on(&s, 15000); /* RFC 7675: of the other it has not been heard for 30 s */
    assert_int_equal(hears(&s, peer, "\200data", 5, NULL), 0);
    leave(&s, 0);
    assert_int_equal(hears(&s, peer, "\200data", 5, NULL), 1);
    all_end(&s);
}

/* Who answers our check hears us; who sends one may say that he is anybody. */
static void h3_who_answers_has_the_session(void **state)
{
    uint8_t bytes[256];
    story s;

    (void)state;
    begin_two(&s);
    size_t size = check_for(&s, 1, true, bytes, sizeof bytes);
    sends(&s, 0, FLOE_CANDIDATE_TYPE_HOST, peer, bytes, size);
    bytes[0] = 1; /* a success */
    assert_int_equal(hears(&s, peer, bytes, size, NULL), 0);
    assert_int_equal(hears_check(&s, 1, true, peer), 1); /* from there, as it says */
    assert_int_equal(hears(&s, peer, "\200data", 5, NULL), 0);
    all_end(&s);
}

/* One that floods has its own answers dropped, and nobody else's. */
static void h3_requests_push_out_no_others(void **state)
{
    uint8_t mine[256];
    uint8_t bytes[256];
    story s;

    (void)state;
    begin_two(&s);
    size_t size = check_for(&s, 0, true, mine, sizeof mine);
    sends(&s, 0, FLOE_CANDIDATE_TYPE_HOST, peer, mine, size);
    size_t flood = check_for(&s, 1, true, bytes, sizeof bytes);
    for (unsigned i = 0; i < 70000; i++) {
        memcpy(&bytes[8], &i, 4); /* a transaction each */
        sends(&s, 1, FLOE_CANDIDATE_TYPE_HOST, peer, bytes, flood);
    }
    mine[0] = 1;
    assert_int_equal(hears(&s, peer, mine, size, NULL), 0);
    all_end(&s);
}

/* RFC 8656 §11.4: what a peer sends to the relayed address. */
static size_t relayed(const char *from, const void *data, size_t size, uint8_t *bytes, size_t room)
{
    floe_stun_id id = {.bytes = {7}};
    floe_address address = address_of(from);
    floe_stun_writer writer =
        floe_stun_begin(bytes, room, FLOE_STUN_INDICATION, FLOE_STUN_DATA_INDICATION, &id);

    floe_stun_put_address(&writer, FLOE_STUN_XOR_PEER_ADDRESS, &address);
    floe_stun_put(&writer, FLOE_STUN_DATA, floe_span_of(data, size));
    return floe_stun_written(&writer).size;
}

static int hears_relayed(story *s, const char *from, const void *data, size_t size, uint32_t *id)
{
    uint8_t bytes[400];

    return hears(s, "203.0.113.2:3478", bytes, relayed(from, data, size, bytes, sizeof bytes), id);
}

static void h3_members_share_a_relay_and_its_peers(void **state)
{
    uint8_t bytes[256];
    uint32_t id = 0;
    story s;

    (void)state;
    begin_two(&s);
    sends(&s, 0, FLOE_CANDIDATE_TYPE_RELAY, peer, "\200one", 4);
    sends(&s, 1, FLOE_CANDIDATE_TYPE_RELAY, "198.51.100.6:4000", "\200two", 4);
    assert_int_equal(hears_relayed(&s, peer, "\200data", 5, &id), 0);
    assert_int_equal(id, s.ids[0][FLOE_CANDIDATE_TYPE_RELAY]);
    assert_int_equal(hears_relayed(&s, "198.51.100.6:4000", "\200data", 5, &id), 1);
    assert_int_equal(id, s.ids[1][FLOE_CANDIDATE_TYPE_RELAY]);
    size_t size = check_for(&s, 1, true, bytes, sizeof bytes);
    assert_int_equal(hears_relayed(&s, peer, bytes, size, NULL), 1); /* by its name */
    assert_int_equal(hears_relayed(&s, peer, "\200data", 5, NULL), 1);
    assert_int_equal(hears(&s, peer, "\200data", 5, NULL), -1); /* the relay's is another way */
    leave(&s, 1);
    assert_int_equal(hears_relayed(&s, peer, "\200data", 5, NULL), 0);
    all_end(&s);
}

static void h3_a_check_by_a_relay_is_answered_by_it(void **state)
{
    uint8_t bytes[256];
    floe_address source = address_of("203.0.113.2:3478");
    const floe_packet *packet;
    story s;

    (void)state;
    begin_two(&s);
    sends(&s, 1, FLOE_CANDIDATE_TYPE_RELAY, peer, "\200out", 4);
    size_t size = check_for(&s, 1, true, bytes, sizeof bytes);
    uint8_t message[400];
    size_t whole = relayed(peer, bytes, size, message, sizeof message);
    floe_core_datagram(s.h.core, s.h.now, s.channel, &source, message, whole);
    assert_true(floe_core_packet(s.h.core, s.h.now, &packet));
    assert_ptr_equal(floe_core_packet_owner(s.h.core), s.members[1]);
    assert_true(packet->check != NULL && packet->check->authenticated);
    size_t data = s.h.data;
    assert_int_equal(floe_core_answer_check(s.members[1], s.h.now, packet, 0), FLOE_OK);
    rest(&s);
    assert_int_equal(s.h.data, data + 1);
    all_end(&s);
}

static void h3_a_packet_that_comes_back_is_told_whose_it_was(void **state)
{
    floe_address to = address_of(peer);
    story s;

    (void)state;
    begin_two(&s);
    sends(&s, 1, FLOE_CANDIDATE_TYPE_HOST, peer, "\200out", 4);
    floe_core_unreachable(s.h.core, s.h.now, s.channel, &to, FLOE_UNREACHABLE_PORT, "\200out", 4);
    rest(&s);
    says_of(&s, 0, "");
    says_of(&s, 1, "not reached");
    all_end(&s);
}

/* A socket that takes no more holds what waits, of all; and goes on with all. */
static void h3_a_full_socket_holds_what_each_sends(void **state)
{
    story s;

    (void)state;
    begin_two(&s);
    floe_core_blocked(s.h.core, s.channel);
    size_t data = s.h.data;
    sends(&s, 0, FLOE_CANDIDATE_TYPE_HOST, peer, "\200one", 4);
    sends(&s, 1, FLOE_CANDIDATE_TYPE_HOST, peer, "\200two", 4);
    assert_int_equal(s.h.data, data);
    join(&s, 2, stun_url, 1); /* who comes meanwhile waits too */
    sends(&s, 2, FLOE_CANDIDATE_TYPE_HOST, peer, "\200new", 4);
    assert_int_equal(s.h.data, data);
    floe_core_writable(s.h.core, s.h.now, s.channel);
    rest(&s);
    assert_int_equal(s.h.data, data + 3);
    all_end(&s);
}

/* ── At random ── */

enum { PEERS = 3, STEPS = 300, WORLDS = 60 };

/* What the world knows of a member and a peer. */
typedef struct known {
    floe_time checked; /* when a check of the member's came from there */
    bool sent;
} known;

static size_t listed(const story *s, size_t n)
{
    floe_candidate_list *list = NULL;

    assert_int_equal(floe_core_get_local_candidates(s->members[n], &list), FLOE_OK);
    size_t count = list->count;
    floe_candidate_list_free(list);
    return count;
}

/* Data from there: nobody who has not dealt with that peer hears it; and if one alone has proven of late that he
 * is there, he does. */
static void data_comes(story *s, known of[MEMBERS][PEERS], size_t n, const char *from)
{
    int alone = -1;
    int fresh = 0;

    for (int i = 0; i < MEMBERS; i++) {
        floe_time checked = of[i][n].checked;
        bool is = s->members[i] != NULL && !floe_time_is_never(checked) &&
                  !floe_time_reached(s->h.now, floe_time_after(checked, floe_seconds(30)));
        alone = is ? i : alone;
        fresh += is;
    }
    int who = hears(s, from, "\200data", 5, NULL);
    if (who >= 0) {
        assert_true(of[who][n].sent || !floe_time_is_never(of[who][n].checked));
    }
    if (fresh != 0) {
        assert_int_equal(who, fresh == 1 ? alone : -1);
    }
}

static void random_world(uint64_t seed)
{
    static const char *const peers[PEERS] = {"198.51.100.5:4000", "198.51.100.5:4001",
                                             "198.51.100.6:4000"};
    known of[MEMBERS][PEERS];
    seeded_random random;
    story s;

    seeded_init(&random, seed);
    shares(&s, defaults);
    for (int step = 0; step < STEPS; step++) {
        size_t n = seeded_below(&random, MEMBERS);
        size_t p = seeded_below(&random, PEERS);
        uint32_t what = seeded_below(&random, 12);
        if (s.members[n] == NULL) {
            bool stun_alone = what % 2 == 0;
            join(&s, n, stun_alone ? stun_url : two_urls, stun_alone ? 1 : 2);
            for (size_t i = 0; i < PEERS; i++) {
                of[n][i] = (known){.checked = FLOE_TIME_NEVER};
            }
        } else if (what == 0) {
            leave(&s, n);
        } else if (what == 1) {
            assert_int_equal(floe_core_restart(s.members[n], s.h.now), FLOE_OK);
            rest(&s);
            assert_int_equal(floe_core_start(s.members[n], s.h.now), FLOE_OK);
            rest(&s);
        } else if (what == 2) {
            (void)floe_core_start(s.members[n], s.h.now);
            go_on(&s, seeded_below(&random, 40000));
        } else if (what < 6) {
            assert_int_equal(hears_check(&s, n, true, peers[p]), n);
            of[n][p].checked = s.h.now;
        } else if (what == 6) {
            assert_int_equal(hears_check(&s, n, false, peers[p]), n);
        } else if (what < 9 && s.ids[n][FLOE_CANDIDATE_TYPE_HOST] != 0) {
            sends(&s, n, FLOE_CANDIDATE_TYPE_HOST, peers[p], "\200out", 4);
            of[n][p].sent = true;
        } else {
            data_comes(&s, of, p, peers[p]);
        }
        *s.logs[n] = '\0';
    }
    go_on(&s, 10000);
    for (size_t n = 0; n < MEMBERS; n++) {
        if (s.members[n] != NULL) {
            assert_true(listed(&s, n) >= 2);
        }
    }
    all_end(&s);
}

static void h3_random_sessions_hear_what_is_theirs(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        random_world(seed);
    }
}

/* ── By TCP (H4) ── */

static void shares_tcp(story *s)
{
    floe_settings settings = defaults;

    settings.network_types = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_TCP4;
    settings.tcp_mux_port = FLOE_ANY_PORT;
    shares(s, settings);
    join(s, 0, stun_url, 1);
    join(s, 1, stun_url, 1);
    go_on(s, 1000);
    says_of(s, 0, "+ host, + host, + host, + srflx, end"); /* UDP, and TCP active and passive */
    says_of(s, 1, "+ host, + host, + host, + srflx, end");
    assert_int_equal(s->h.sockets, 2);
    for (uint32_t i = 0; i < CHANNELS; i++) {
        s->listener = s->h.open[i] && s->h.stream[i] ? i : s->listener;
    }
}

/* A guest; 0: there is no room. */
static uint32_t connects(story *s, const char *from)
{
    floe_address remote = address_of(from);
    uint32_t channel = floe_core_accepted(s->h.core, s->h.now, s->listener, &remote);

    if (channel != 0) {
        s->h.open[channel] = s->h.stream[channel] = true;
        s->h.sockets++;
    }
    rest(s);
    return channel;
}

/* Who hears these bytes of the connection. */
static int says_by(story *s, uint32_t channel, const uint8_t *bytes, size_t size)
{
    const floe_packet *packet;
    int who = -1;

    floe_core_stream(s->h.core, s->h.now, channel, bytes, size);
    while (floe_core_packet(s->h.core, s->h.now, &packet)) {
        for (int n = 0; n < MEMBERS; n++) {
            bool his = s->members[n] != NULL && s->members[n] == floe_core_packet_owner(s->h.core);
            who = his ? n : who;
        }
    }
    rest(s);
    return who;
}

/* A frame with a check for the member. */
static size_t framed_check(const story *s, size_t n, uint8_t *bytes, size_t room)
{
    size_t size = check_for(s, n, true, &bytes[2], room - 2);

    bytes[0] = (uint8_t)(size >> 8);
    bytes[1] = (uint8_t)size;
    return size + 2;
}

static void h4_the_first_check_says_whose_the_connection_is(void **state)
{
    static const uint8_t data[] = {0, 3, 0x80, 'x', 'y'};
    uint8_t bytes[300];
    story s;

    (void)state;
    shares_tcp(&s);
    uint32_t one = connects(&s, peer);
    uint32_t other = connects(&s, "198.51.100.6:4000");
    size_t size = framed_check(&s, 1, bytes, sizeof bytes);
    for (size_t i = 0; i + 1 < size; i++) { /* in whatever pieces */
        assert_int_equal(says_by(&s, one, &bytes[i], 1), -1);
    }
    assert_int_equal(says_by(&s, one, &bytes[size - 1], 1), 1);
    assert_int_equal(says_by(&s, one, data, sizeof data), 1);
    size = framed_check(&s, 0, bytes, sizeof bytes);
    memcpy(&bytes[size], data, sizeof data); /* with what comes behind it */
    assert_int_equal(says_by(&s, other, bytes, size + sizeof data), 0);
    assert_int_equal(says_by(&s, other, data, sizeof data), 0);
    leave(&s, 1);
    assert_false(s.h.open[one]);
    assert_true(s.h.open[other]);
    all_end(&s);
}

/* L5: a gathering tries the UDP socket again, and leaves what listens and who has connected. */
static void h4_what_listens_stays_where_udp_fails(void **state)
{
    static const uint8_t data[] = {0, 3, 0x80, 'x', 'y'};
    floe_settings settings = defaults;
    uint8_t bytes[300];
    uint32_t channels[2];
    story s;

    (void)state;
    settings.network_types = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_TCP4;
    settings.tcp_mux_port = FLOE_ANY_PORT;
    shares(&s, settings);
    s.h.not_there = true;
    for (size_t n = 0; n < 2; n++) {
        join(&s, n, stun_url, 0);
    }
    go_on(&s, 6000);
    for (uint32_t i = 0; i < CHANNELS; i++) {
        s.listener = s.h.open[i] && s.h.stream[i] ? i : s.listener;
    }
    for (size_t n = 0; n < 2; n++) {
        *s.logs[n] = '\0';
        channels[n] = connects(&s, n == 0 ? peer : "198.51.100.6:4000");
        size_t size = framed_check(&s, n, bytes, sizeof bytes);
        assert_int_equal(says_by(&s, channels[n], bytes, size), (int)n);
    }
    assert_int_equal(floe_core_start(s.members[0], s.h.now), FLOE_OK);
    go_on(&s, 6000);
    says_of(&s, 0, "error, end");
    says_of(&s, 1, "");
    s.h.not_there = false;
    for (size_t n = 0; n < 2; n++) {
        assert_int_equal(floe_core_start(s.members[n], s.h.now), FLOE_OK);
        go_on(&s, 6000);
        says_of(&s, n, "+ host, end");
        assert_true(s.h.open[channels[n]]);
        assert_int_equal(says_by(&s, channels[n], data, sizeof data), (int)n);
    }
    assert_true(s.h.open[s.listener]);
    assert_int_equal(s.h.sockets, 4); /* the two that all share, and two connections */
    all_end(&s);
}

/* Who is freed as it is has its connection closed all the same, as the mux is who has it open. */
static void h4_a_member_that_is_freed_leaves_no_connection(void **state)
{
    uint8_t bytes[300];
    story s;

    (void)state;
    for (int closed = 0; closed < 2; closed++) {
        shares_tcp(&s);
        uint32_t one = connects(&s, peer);
        uint32_t other = connects(&s, "198.51.100.6:4000");
        size_t size = framed_check(&s, 1, bytes, sizeof bytes);
        assert_int_equal(says_by(&s, one, bytes, size), 1);
        size = framed_check(&s, 0, bytes, sizeof bytes);
        assert_int_equal(says_by(&s, other, bytes, size), 0);
        for (size_t n = 0; n < 2; n++) {
            if (closed) {
                floe_core_close(s.members[n], s.h.now); /* and nobody polls */
            }
            floe_core_free(s.members[n]);
            s.members[n] = NULL;
        }
        rest(&s);
        assert_false(s.h.open[one]);
        assert_false(s.h.open[other]);
        all_end(&s);
    }
}

static void h4_who_says_nothing_that_we_know_goes(void **state)
{
    static const uint8_t rubbish[] = {0, 20, 'G', 'E', 'T', ' ', '/'};
    static const uint8_t long_frame[] = {0xff, 0xff, 1};
    static const uint8_t empty[] = {0, 0};
    uint8_t bytes[300];
    story s;

    (void)state;
    shares_tcp(&s);
    uint32_t silent = connects(&s, peer);
    uint32_t too_long = connects(&s, "198.51.100.6:1");
    uint32_t nothing = connects(&s, "198.51.100.6:2");
    uint32_t unknown = connects(&s, "198.51.100.6:3");
    uint32_t gone = connects(&s, "198.51.100.6:4");
    uint32_t slow = connects(&s, "198.51.100.6:5");
    (void)says_by(&s, too_long, long_frame, sizeof long_frame);
    (void)says_by(&s, nothing, empty, sizeof empty);
    size_t size = framed_check(&s, 0, bytes, sizeof bytes);
    bytes[2 + 24] ^= 1; /* of its username fragment */
    assert_int_equal(says_by(&s, unknown, bytes, size), -1);
    (void)says_by(&s, gone, NULL, 0);
    (void)says_by(&s, slow, rubbish, sizeof rubbish);
    assert_false(s.h.open[too_long] || s.h.open[nothing] || s.h.open[unknown] || s.h.open[gone]);
    assert_true(s.h.open[silent] && s.h.open[slow]);
    go_on(&s, 6000);
    assert_false(s.h.open[silent] || s.h.open[slow]);
    for (unsigned i = 0; i < 64; i++) {
        assert_true(connects(&s, peer) != 0);
    }
    assert_int_equal(connects(&s, peer), 0); /* H1: no more than so many */
    all_end(&s);
}

/* ── Without memory ── */

/* Whatever fails, nothing is lost or left behind. */
static bool without_the_nth(size_t n)
{
    story s;

    memset(&s, 0, sizeof s);
    shares(&s, defaults);
    size_t before = s.h.memory.calls;
    s.h.memory.fail_at = before + n;
    s.h.memory.fail_count = 1;
    for (size_t i = 0; i < 3; i++) {
        if (new_member(&s, i, two_urls, 2) != FLOE_OK) {
            if (s.members[i] != NULL) {
                floe_core_free(s.members[i]);
                s.members[i] = NULL;
            }
            continue;
        }
        assert_int_equal(floe_core_start(s.members[i], s.h.now), FLOE_OK);
        go_on(&s, 200);
        for (int type = FLOE_CANDIDATE_TYPE_HOST; type <= FLOE_CANDIDATE_TYPE_RELAY; type++) {
            floe_address address = address_of(peer);
            if (s.ids[i][type] != 0) {
                (void)floe_core_send(s.members[i], s.h.now, s.ids[i][type], &address, "\x80x", 2);
            }
        }
        (void)hears_check(&s, i, true, peer);
        go_on(&s, 6000);
        assert_non_null(strstr(s.logs[i], "end"));
    }
    bool failed = s.h.memory.calls >= s.h.memory.fail_at;
    s.h.memory.fail_at = 0;
    all_end(&s);
    return failed;
}

static void h3_each_allocation_fails_in_turn(void **state)
{
    size_t n = 1;

    (void)state;
    while (without_the_nth(n)) {
        n++;
    }
    assert_true(n > 50);
}

/* Who has restarted is asked by the new name, or has not restarted. */
static void h3_a_restart_without_memory(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        story s;
        begin_two(&s);
        s.h.memory.fail_at = s.h.memory.calls + n;
        s.h.memory.fail_count = 1;
        floe_error error = floe_core_restart(s.members[0], s.h.now);
        bool failed = s.h.memory.calls >= s.h.memory.fail_at;
        s.h.memory.fail_at = 0;
        assert_true(error == FLOE_OK || error == FLOE_ERR_NO_MEMORY);
        rest(&s);
        assert_int_equal(hears_check(&s, 0, true, peer), 0);
        all_end(&s);
        if (!failed) {
            break;
        }
    }
}

/* ── The network changes ── */

static void network_changes(story *s)
{
    for (size_t n = 0; n < MEMBERS; n++) {
        if (s->members[n] != NULL) {
            floe_core_network_changed(s->members[n], s->h.now);
        }
    }
}

/* N2: what is new is asked for once for all; what is there is left alone. */
static void n2_members_follow_the_network(void **state)
{
    story s;

    (void)state;
    shares(&s, defaults);
    s.continual = true;
    join(&s, 0, two_urls, 2);
    join(&s, 1, two_urls, 2);
    go_on(&s, 1000);
    *s.logs[0] = *s.logs[1] = '\0';
    uint32_t first = s.channel;
    memset(s.h.sent, 0, sizeof s.h.sent);
    network_changes(&s); /* to nothing new */
    go_on(&s, 1000);
    says_of(&s, 0, "");
    s.two = true;
    network_changes(&s);
    go_on(&s, 99);
    for (size_t n = 0; n < 2; n++) {
        says_of(&s, n, "+ host, + srflx, + relay, end");
    }
    assert_int_equal(s.h.sent[first], 0);
    assert_int_equal(s.h.sockets, 2);
    assert_int_equal(s.h.servers[0].allocates, 2);
    s.two = false;
    s.h.second_alone = true;
    network_changes(&s);
    go_on(&s, 99);
    for (size_t n = 0; n < 2; n++) {
        assert_non_null(strstr(s.logs[n], "- host"));
        assert_non_null(strstr(s.logs[n], "- srflx"));
        assert_non_null(strstr(s.logs[n], "- relay"));
        assert_non_null(strstr(s.logs[n], "end"));
        assert_null(strstr(s.logs[n], "+"));
        *s.logs[n] = '\0';
    }
    assert_int_equal(s.h.sockets, 1);
    assert_int_equal(s.h.servers[0].allocates, 2);
    go_on(&s, 5000);
    says_of(&s, 0, "");
    all_end(&s);
}

static size_t counted(const char *log, const char *word)
{
    size_t count = 0;

    for (; (log = strstr(log, word)) != NULL; log += strlen(word)) {
        count++;
    }
    return count;
}

/* What each of two is told by now. */
static void both_say(story *s, const char *wanted)
{
    says_of(s, 0, wanted);
    says_of(s, 1, wanted);
}

/* Two that follow the network, which has no default route, and whose servers are out of reach. */
static void begin_without_route(story *s, const char *const *urls, size_t count, doing before)
{
    shares(s, defaults);
    s->continual = s->states = s->no_route = true;
    all(&s->h.servers[0], before);
    all(&s->h.servers[1], before);
    join(s, 0, urls, count);
    join(s, 1, urls, count);
    go_on(s, 30000);
}

static void route_comes(story *s)
{
    all(&s->h.servers[0], ANSWERS);
    all(&s->h.servers[1], ANSWERS);
    s->h.places[0] = "203.0.113.2:0";
    s->no_route = false;
    network_changes(s);
    go_on(s, 900);
}

/* N2: who reached no server asks again once there is a default route, and says so as any gatherer does. */
static void n2_a_default_route_of_members_comes_late(void **state)
{
    static const struct {
        const char *const *urls;
        size_t count;
        doing before;
        const char *had;
    } kinds[] = {
        {turn_url, 1, SILENT, "gathering, + srflx, + relay, complete, end"},
        {turn_url, 1, STUNNED, "gathering, + srflx, + relay, complete, end"},
        {named_url, 1, SILENT, "gathering, + srflx, + relay, complete, end"},
        {stun_url, 1, SILENT, "gathering, + srflx, complete, end"},
        {two_urls, 2, STUNNED, "gathering, + srflx, + relay, complete, end"},
    };
    story s;

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        begin_without_route(&s, kinds[i].urls, kinds[i].count, kinds[i].before);
        for (size_t n = 0; n < 2; n++) {
            assert_int_equal(counted(s.logs[n], "error"), kinds[i].count);
            assert_non_null(strstr(s.logs[n], "complete, end"));
            *s.logs[n] = '\0';
        }
        network_changes(&s); /* to nothing new */
        go_on(&s, 1000);
        both_say(&s, "");
        route_comes(&s);
        both_say(&s, kinds[i].had);
        network_changes(&s);
        go_on(&s, 30000);
        both_say(&s, "");
        all_end(&s);
    }
}

/* N2: so it is at each renewal of an address; and who cannot be reached is an error. */
static void n2_an_address_of_members_comes_before_its_route(void **state)
{
    story s;

    (void)state;
    shares(&s, defaults);
    s.continual = true;
    join(&s, 0, turn_url, 1);
    join(&s, 1, turn_url, 1);
    go_on(&s, 1000);
    both_say(&s, "+ host, + srflx, + relay, end");
    s.states = s.no_interface = true;
    network_changes(&s);
    go_on(&s, 99);
    both_say(&s, "gathering, - host, - srflx, - relay, complete, end");
    all(&s.h.servers[0], STUNNED);
    s.no_interface = false;
    s.no_route = s.h.second_alone = true;
    network_changes(&s);
    go_on(&s, 400);
    both_say(&s, "gathering, + host, error, complete, end");
    route_comes(&s);
    both_say(&s, "gathering, + srflx, + relay, complete, end");
    assert_int_equal(s.h.sockets, 1);
    all_end(&s);
}

/* N2: so does who was told that a server fails which another has reached since. */
static void n2_members_are_given_what_another_had_meanwhile(void **state)
{
    story s;

    (void)state;
    begin_without_route(&s, turn_url, 1, SILENT);
    *s.logs[0] = *s.logs[1] = '\0';
    all(&s.h.servers[0], ANSWERS);
    join(&s, 2, turn_url, 1);
    go_on(&s, 1000);
    says_of(&s, 2, "gathering, + host, + srflx, + relay, complete, end");
    both_say(&s, "");
    route_comes(&s);
    both_say(&s, "gathering, + srflx, + relay, complete, end");
    says_of(&s, 2, "");
    assert_int_equal(s.h.sockets, 1);
    all_end(&s);
}

/* N2: members hear of a change one after another, and each is told all of it, once. */
static void n2_members_follow_one_after_the_other(void **state)
{
    story s;

    (void)state;
    shares(&s, defaults);
    s.continual = s.states = true;
    join(&s, 0, turn_url, 1);
    join(&s, 1, turn_url, 1);
    go_on(&s, 1000);
    both_say(&s, "gathering, + host, + srflx, + relay, complete, end");
    all(&s.h.servers[0], STUNNED);
    s.no_route = s.h.second_alone = true;
    for (size_t n = 0; n < 2; n++) {
        floe_core_network_changed(s.members[n], s.h.now);
        go_on(&s, 200);
        says_of(&s, n,
                n == 0 ? "gathering, - host, - srflx, - relay, + host, error, complete, end"
                       : "- relay, - srflx, gathering, - host, + host, error, complete, end");
    }
    all(&s.h.servers[0], ANSWERS);
    s.no_route = false;
    floe_core_network_changed(s.members[0], s.h.now);
    go_on(&s, 200);
    both_say(&s, "gathering, + srflx, + relay, complete, end");
    floe_core_network_changed(s.members[1], s.h.now);
    go_on(&s, 200);
    both_say(&s, "");
    all_end(&s);
}

/* N2: a name that nobody knew when the network changed is looked up again. */
static void n2_names_of_members_that_are_known_later(void **state)
{
    static const char *const urls[] = {"turn:turn.example.org", "stun:stun.example.org"};
    story s;

    (void)state;
    shares(&s, defaults);
    s.continual = s.states = s.no_interface = true;
    join(&s, 0, urls, 2);
    join(&s, 1, urls, 2);
    go_on(&s, 1000);
    both_say(&s, "gathering, complete, end");
    s.no_interface = false;
    network_changes(&s);
    go_on(&s, 500);
    both_say(&s, "gathering, + host, error, error, complete, end");
    s.h.look_ups = 0;
    go_on(&s, 1000);
    both_say(&s, "gathering, error, error, complete, end");
    assert_int_equal(s.h.look_ups, 2); /* once for both */
    s.h.places[0] = "203.0.113.2:0";
    go_on(&s, 2000);
    both_say(&s, "gathering, + srflx, + relay, complete, end");
    go_on(&s, 60000);
    both_say(&s, "");
    all_end(&s);
}

/* Whatever there is no memory for while the network changes, each gathering ends, and the next change is followed. */
static void n2_members_follow_without_memory(void **state)
{
    bool failed = true;

    (void)state;
    for (size_t n = 1; failed; n++) {
        story s;
        shares(&s, defaults);
        s.continual = s.no_interface = true;
        join(&s, 0, two_urls, 2);
        join(&s, 1, two_urls, 2);
        go_on(&s, 1000);
        s.no_interface = false;
        s.h.memory.fail_at = s.h.memory.calls + n;
        s.h.memory.fail_count = 1;
        network_changes(&s);
        go_on(&s, 20000);
        failed = s.h.memory.calls >= s.h.memory.fail_at;
        s.h.memory.fail_at = 0;
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(floe_core_state(s.members[i]), FLOE_GATHERER_STATE_COMPLETE);
            *s.logs[i] = '\0';
        }
        s.two = true;
        network_changes(&s);
        go_on(&s, 20000);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(floe_core_state(s.members[i]), FLOE_GATHERER_STATE_COMPLETE);
            assert_non_null(strstr(s.logs[i], "+ relay"));
        }
        all_end(&s);
    }
}

/* N1: what another program had is asked for again with a change, as a gathering would. */
static void n1_members_open_what_was_taken(void **state)
{
    story s;

    (void)state;
    for (int stream = 0; stream < 2; stream++) {
        floe_settings settings = defaults;
        settings.network_types = FLOE_NETWORK_TYPE_UDP4 | (stream ? FLOE_NETWORK_TYPE_TCP4 : 0);
        settings.tcp_mux_port = stream ? FLOE_ANY_PORT : 0;
        shares(&s, settings);
        s.continual = s.states = s.h.taken = true;
        join(&s, 0, turn_url, 1);
        join(&s, 1, turn_url, 1);
        go_on(&s, 1000);
        both_say(&s, stream ? "gathering, error, + host, error, complete, end"
                            : "gathering, error, complete, end");
        s.h.taken = false;
        s.two = true;
        network_changes(&s);
        go_on(&s, 1000);
        assert_int_equal(s.h.sockets, stream ? 4 : 2);
        for (size_t n = 0; n < 2; n++) {
            assert_int_equal(counted(s.logs[n], "+ host"), stream ? 5 : 2);
            assert_int_equal(counted(s.logs[n], "+ relay"), 2);
            assert_int_equal(counted(s.logs[n], "end"), 1);
            *s.logs[n] = '\0';
        }
        all_end(&s);
    }
}

/* ── Random networks ── */

/* What of it comes and goes, together or one after the other. */
static void something_changes(story *s, seeded_random *random)
{
    bool *const whats[] = {&s->no_route, &s->no_interface, &s->two};

    *whats[seeded_below(random, 3)] ^= true;
    for (size_t i = 0; i < 2; i++) { /* they are beyond the route */
        all(&s->h.servers[i], s->no_route ? SILENT : ANSWERS);
    }
    network_changes(s);
}

static void a_member_does_something(story *s, seeded_random *random, size_t n)
{
    static const char *const turn[] = {"turn:203.0.113.2"};
    uint32_t what = seeded_below(random, 8);

    if (s->members[n] == NULL && what % 3 == 0) {
        join(s, n, stun_url, 1);
    } else if (s->members[n] == NULL) {
        join(s, n, what % 3 == 1 ? turn : two_urls, what % 3 == 1 ? 1 : 2);
    } else if (what == 0) {
        leave(s, n);
    } else if (what == 1) {
        assert_int_equal(floe_core_restart(s->members[n], s->h.now), FLOE_OK);
        rest(s);
        assert_int_equal(floe_core_start(s->members[n], s->h.now), FLOE_OK);
        rest(s);
    } else if (what == 2) {
        (void)floe_core_start(s->members[n], s->h.now);
    }
}

/* N1, N2: once all is calm, who was there all the time has what who comes then has. */
static void changing_world(uint64_t seed)
{
    seeded_random random;
    story s;

    seeded_init(&random, seed);
    shares(&s, defaults);
    s.continual = true;
    for (int step = 0; step < 60; step++) {
        if (seeded_below(&random, 2) == 0) {
            something_changes(&s, &random);
        } else {
            a_member_does_something(&s, &random, seeded_below(&random, MEMBERS - 1));
        }
        go_on(&s, seeded_below(&random, 4) == 0 ? seeded_below(&random, 20000)
                                                : seeded_below(&random, 300));
        for (size_t n = 0; n < MEMBERS; n++) {
            *s.logs[n] = '\0';
        }
    }
    s.no_route = s.no_interface = false;
    for (size_t i = 0; i < 2; i++) {
        all(&s.h.servers[i], ANSWERS);
    }
    network_changes(&s);
    go_on(&s, 120000);
    for (size_t n = 0; n < MEMBERS - 1; n++) {
        if (s.members[n] == NULL) {
            continue;
        }
        size_t had = listed(&s, n);
        *s.logs[n] = '\0';
        assert_int_equal(floe_core_restart(s.members[n], s.h.now), FLOE_OK);
        rest(&s);
        assert_int_equal(floe_core_start(s.members[n], s.h.now), FLOE_OK);
        go_on(&s, 10000);
        if (listed(&s, n) != had) {
            fail_msg("seed %llu: member %zu had %zu candidates, and has %zu when it gathers",
                     (unsigned long long)seed, n, had, listed(&s, n));
        }
    }
    all_end(&s);
}

static void n2_random_networks_are_followed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        changing_world(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h3_one_socket_and_one_question_for_all),
        cmocka_unit_test(n2_members_follow_the_network),
        cmocka_unit_test(n2_a_default_route_of_members_comes_late),
        cmocka_unit_test(n2_an_address_of_members_comes_before_its_route),
        cmocka_unit_test(n2_members_are_given_what_another_had_meanwhile),
        cmocka_unit_test(n2_members_follow_one_after_the_other),
        cmocka_unit_test(n2_names_of_members_that_are_known_later),
        cmocka_unit_test(n2_members_follow_without_memory),
        cmocka_unit_test(n1_members_open_what_was_taken),
        cmocka_unit_test(h3_who_goes_takes_what_is_its_own_alone),
        cmocka_unit_test(h3_other_credentials_have_a_relay_of_their_own),
        cmocka_unit_test(h3_a_restart_asks_nobody),
        cmocka_unit_test(h3_other_servers_replace_those_of_before),
        cmocka_unit_test(h3_what_another_server_shows_stays),
        cmocka_unit_test(h3_two_names_of_one_server),
        cmocka_unit_test(h3_a_username_fragment_is_one_gatherers),
        cmocka_unit_test(h3_a_relay_that_is_lost_is_lost_for_all),
        cmocka_unit_test(h3_a_server_that_fails_is_an_error_for_each),
        cmocka_unit_test(h3_a_silent_server_holds_up_nobody_who_has_another),
        cmocka_unit_test(h3_users_of_one_server_wait_for_nobody),
        cmocka_unit_test(h3_users_who_want_relays_alone_ask_for_nothing_else),
        cmocka_unit_test(h3_a_domain_is_asked_by_the_wanted_transports_alone),
        cmocka_unit_test(h3_an_address_without_a_socket_holds_up_nobody),
        cmocka_unit_test(h3_an_address_that_comes_while_others_gather_is_asked),
        cmocka_unit_test(h3_what_is_lost_before_the_list_is_there_is_withdrawn),
        cmocka_unit_test(h3_without_a_list_what_stands_stays),
        cmocka_unit_test(h3_who_joins_late_has_its_own_time),
        cmocka_unit_test(h3_the_mux_may_be_closed_first),
        cmocka_unit_test(h3_one_component_alone),
        cmocka_unit_test(h3_a_request_goes_to_whose_name_it_has),
        cmocka_unit_test(h3_a_name_of_before_a_restart_holds_until_the_new_one_is_used),
        cmocka_unit_test(h3_forged_checks_push_nobody_out),
        cmocka_unit_test(h3_datagrams_that_come_together),
        cmocka_unit_test(h3_an_answer_goes_to_who_asked),
        cmocka_unit_test(h3_what_is_no_stun_goes_to_who_is_known_there),
        cmocka_unit_test(h3_who_answers_has_the_session),
        cmocka_unit_test(h3_requests_push_out_no_others),
        cmocka_unit_test(h3_members_share_a_relay_and_its_peers),
        cmocka_unit_test(h3_a_check_by_a_relay_is_answered_by_it),
        cmocka_unit_test(h3_a_packet_that_comes_back_is_told_whose_it_was),
        cmocka_unit_test(h3_a_full_socket_holds_what_each_sends),
        cmocka_unit_test(h3_random_sessions_hear_what_is_theirs),
        cmocka_unit_test(h4_the_first_check_says_whose_the_connection_is),
        cmocka_unit_test(h4_what_listens_stays_where_udp_fails),
        cmocka_unit_test(h4_a_member_that_is_freed_leaves_no_connection),
        cmocka_unit_test(h4_who_says_nothing_that_we_know_goes),
        cmocka_unit_test(h3_each_allocation_fails_in_turn),
        cmocka_unit_test(h3_a_restart_without_memory),
        cmocka_unit_test(n2_random_networks_are_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
