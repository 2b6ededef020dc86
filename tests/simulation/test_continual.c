/* A network that changes while a gatherer is continual (N1, N2, N5; stories by hand.h). */
#include "hand.h"

#include <stdio.h>
#include <string.h>

#define ENTRIES 40

static floe_interface_address entries[ENTRIES];

static floe_interface_address *entry(const char *name, uint32_t index, const char *address)
{
    static const floe_interface_address none = {.up = true};
    floe_interface_address *made = NULL;

    for (size_t i = 0; made == NULL && i < ENTRIES; i++) {
        made = entries[i].interface_name == NULL ? &entries[i] : NULL;
    }
    assert_non_null(made);
    *made = none;
    made->interface_name = name;
    made->interface_index = index;
    made->address = address_of(address);
    return made;
}

static size_t entry_count(void)
{
    size_t count = 0;

    while (count < ENTRIES && entries[count].interface_name != NULL) {
        count++;
    }
    return count;
}

static void remove_entry(const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < ENTRIES; i++) {
        if (entries[i].interface_name != NULL && strcmp(entries[i].interface_name, name) != 0) {
            entries[kept++] = entries[i];
        }
    }
    memset(&entries[kept], 0, (ENTRIES - kept) * sizeof *entries);
}

/* The system says so. */
static void change(hand *h)
{
    h->list = entries;
    h->list_count = entry_count();
    floe_core_network_changed(h->core, h->now);
}

static void make_continual(hand *h, const char *const *urls, size_t count, floe_settings settings)
{
    floe_ice_server ice;

    memset(entries, 0, sizeof entries);
    make(h, urls, count, settings);
    floe_gather_options options = options_of(&ice, urls, count, "user");
    options.continual = true;
    assert_int_equal(floe_core_set_options(h->core, h->now, &options), FLOE_OK);
    h->states = true;
}

/* On one interface, with a server that has given all that it has. */
static server *begin_with(hand *h, const char *const *urls, floe_settings settings)
{
    make_continual(h, urls, 1, settings);
    server *turn = with(h, "203.0.113.2:3478", "192.0.2.7:700");
    h->places[0] = "203.0.113.2:0";
    (void)entry("eth0", 1, "10.0.1.2:0");
    change(h);
    gather(h);
    pass(h, 1000);
    read_log(h, "gathering, + host, + srflx, + relay, complete, end");
    return turn;
}

static server *begin(hand *h)
{
    return begin_with(h, turn_url, defaults);
}

/* What has been sent by the channel since this was asked last. */
static size_t sent_on(hand *h, uint32_t channel)
{
    size_t sent = h->sent[channel];

    h->sent[channel] = 0;
    return sent;
}

/* N1: who does not ask for it gathers once. */
static void n1_once_is_the_default(void **state)
{
    static hand h;

    (void)state;
    memset(entries, 0, sizeof entries);
    make(&h, turn_url, 1, defaults);
    with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    (void)entry("eth0", 1, "10.0.1.2:0");
    change(&h);
    gather(&h);
    pass(&h, 1000);
    assert_false(floe_core_is_continual(h.core));
    *h.log = '\0';
    remove_entry("eth0");
    change(&h);
    pass(&h, 3000);
    read_log(&h, "");
    assert_int_equal(h.lists, 1);
    end(&h);
}

/* N2: within 100 ms, and what is there is left alone: not a packet, not an event. */
static void n2_a_new_address_is_gathered_on(void **state)
{
    static hand h;

    (void)state;
    (void)begin(&h);
    (void)sent_on(&h, 1);
    (void)entry("wlan0", 2, "10.0.9.2:0");
    change(&h);
    pass(&h, 99);
    read_log(&h, "gathering, + host, + srflx, + relay, complete, end");
    assert_int_equal(sent_on(&h, 1), 0);
    assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_RELAY), 2);
    pass(&h, 5000);
    read_log(&h, "");
    assert_int_equal(h.lists, 2);
    end(&h);
}

/* N2: what has gone is withdrawn within 100 ms; what stands elsewhere is left alone. */
static void n2_an_address_that_goes_is_withdrawn(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin(&h);
    (void)entry("wlan0", 2, "10.0.9.2:0");
    change(&h);
    pass(&h, 1000);
    *h.log = '\0';
    (void)sent_on(&h, 2);
    remove_entry("eth0");
    change(&h);
    pass(&h, 99);
    read_log(&h, "gathering, - relay, - host, - srflx, complete, end");
    assert_int_equal(h.gone[FLOE_CANDIDATE_TYPE_RELAY], FLOE_WITHDRAWAL_ADDRESS_GONE);
    assert_int_equal(sent_on(&h, 2), 0);
    assert_int_equal(turn->allocates, 2);
    assert_int_equal(h.sockets, 1);
    end(&h);
}

/* N1: a change that is none of ours is not told of. */
static void n1_nothing_new_is_no_event(void **state)
{
    static hand h;

    (void)state;
    (void)begin(&h);
    (void)sent_on(&h, 1);
    for (int i = 0; i < 20; i++) {
        change(&h);
        pass(&h, 37);
    }
    entry("docker0", 3, "172.17.0.1:0")->up = false;
    (void)entry("eth1", 4, "[fe80::4]:0");
    entry("eth1", 4, "[2001:db8::4]:0")->tentative = true;
    change(&h);
    pass(&h, 3000);
    read_log(&h, "");
    assert_int_equal(sent_on(&h, 1), 0);
    end(&h);
}

/* N2: what comes one after another is gathered on together, and no later than a second after the
 * first; what goes meanwhile is withdrawn in its time. */
static void n2_a_burst_is_one_change(void **state)
{
    static char names[16][8];
    static hand h;

    (void)state;
    (void)begin(&h);
    for (unsigned i = 0; i < 10; i++) {
        char address[32];
        (void)snprintf(names[i], sizeof names[i], "veth%u", i);
        (void)snprintf(address, sizeof address, "10.0.%u.2:0", 20 + i);
        (void)entry(names[i], 20 + i, address);
        change(&h);
        pass(&h, 50);
        read_log(&h, "");
    }
    remove_entry("eth0");
    change(&h);
    for (unsigned i = 0; i < 2; i++) {
        pass(&h, 45);
        change(&h);
    }
    read_log(&h, "gathering, - relay, - host, - srflx, complete, end");
    pass(&h, 10);
    for (unsigned i = 0; i < 8; i++) {
        read_log(&h, "");
        change(&h);
        pass(&h, 48);
    }
    pass(&h, 20);
    assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_HOST), 10);
    pass(&h, 3000);
    assert_true(says(&h, "complete, end"));
    assert_null(strstr(strstr(h.log, "gathering") + 1, "gathering"));
    end(&h);
}

/* N2: an address that comes back before anybody has looked has not been away. */
static void n2_an_address_that_is_back_at_once_stays(void **state)
{
    static hand h;

    (void)state;
    (void)begin(&h);
    (void)sent_on(&h, 1);
    remove_entry("eth0");
    change(&h);
    pass(&h, 40);
    (void)entry("eth0", 1, "10.0.1.2:0");
    change(&h);
    pass(&h, 3000);
    read_log(&h, "");
    assert_int_equal(sent_on(&h, 1), 0);
    end(&h);
}

/* N2: an interface that comes and goes ten times in ten seconds is left alone until it has been quiet
 * for five; another is not. */
static void n2_a_flapping_interface_is_left_alone(void **state)
{
    static hand h;

    (void)state;
    (void)begin(&h);
    for (int i = 0; i < 6; i++) { /* the eleventh change: it comes */
        (void)entry("wlan0", (uint32_t)(2 + i), "10.0.9.2:0");
        change(&h);
        pass(&h, 200);
        if (i < 5) {
            assert_true(says(&h, "+ relay, complete, end"));
            *h.log = '\0';
            remove_entry("wlan0");
            change(&h);
            pass(&h, 200);
            read_log(&h, "gathering, - relay, - host, - srflx, complete, end");
        }
    }
    read_log(&h, "");
    for (int i = 0; i < 3; i++) {
        remove_entry("wlan0");
        change(&h);
        pass(&h, 4000);
        (void)entry("wlan0", 9, "10.0.9.2:0");
        change(&h);
        pass(&h, 4000);
    }
    read_log(&h, "");
    (void)entry("eth1", 30, "10.0.30.2:0");
    change(&h);
    pass(&h, 200);
    read_log(&h, "gathering, + host, + srflx, + relay, complete, end");
    pass(&h, 700);
    read_log(&h, "");
    pass(&h, 300);
    read_log(&h, "gathering, + host, + srflx, + relay, complete, end");
    pass(&h, 20000);
    read_log(&h, "");
    end(&h);
}

/* N2: ten changes in more than ten seconds are none of a loose plug's. */
static void n2_changes_now_and_then_are_followed(void **state)
{
    static hand h;

    (void)state;
    (void)begin(&h);
    for (int i = 0; i < 15; i++) {
        (void)entry("wlan0", 2, "10.0.9.2:0");
        change(&h);
        pass(&h, 1200);
        read_log(&h, "gathering, + host, + srflx, + relay, complete, end");
        remove_entry("wlan0");
        change(&h);
        pass(&h, 1200);
        read_log(&h, "gathering, - relay, - host, - srflx, complete, end");
    }
    end(&h);
}

/* N2: an IPv6 address is gathered on when it stops being tentative. */
static void n2_an_address_that_is_tentative_no_longer(void **state)
{
    static hand h;

    (void)state;
    (void)begin(&h);
    floe_interface_address *ipv6 = entry("eth0", 1, "[2001:db8::2]:0");
    ipv6->tentative = true;
    change(&h);
    pass(&h, 1500);
    read_log(&h, "");
    ipv6->tentative = false;
    change(&h);
    pass(&h, 99);
    read_log(&h, "gathering, + host, complete, end");
    end(&h);
}

/* P4, N2: temporary addresses rotate: the former goes on until it is gone. */
static void n2_temporary_addresses_rotate(void **state)
{
    static hand h;

    (void)state;
    (void)begin(&h);
    floe_interface_address *first = entry("eth0", 1, "[2001:db8::a]:0");
    first->temporary = true;
    (void)entry("eth0", 1, "[2001:db8::1]:0"); /* the stable one */
    change(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, + host, complete, end");
    first->deprecated = true;
    entry("eth0", 1, "[2001:db8::b]:0")->temporary = true;
    change(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, + host, complete, end");
    *first = (floe_interface_address){.interface_name = "eth0", .interface_index = 1};
    change(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, - host, complete, end");
    end(&h);
}

/* N2: what serves is withdrawn when it is gone, and not because a better address has come. */
static void n2_what_serves_stays_beside_what_is_better(void **state)
{
    floe_settings settings = defaults;
    static hand h;

    (void)state;
    settings.addresses_max = 1;
    settings.avoid_costly_networks = true;
    (void)begin_with(&h, turn_url, settings);
    entries[0].adapter = FLOE_ADAPTER_CELLULAR;
    (void)sent_on(&h, 1);
    entry("wlan0", 2, "10.0.9.2:0")->adapter = FLOE_ADAPTER_WIRELESS;
    change(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, + host, + srflx, + relay, complete, end");
    assert_int_equal(sent_on(&h, 1), 0);
    gather(&h); /* who gathers has what P7 says */
    pass(&h, 1000);
    assert_true(says(&h, "- relay"));
    end(&h);
}

/* N2: an interface that is renamed is the same, and a VPN over it another. */
static void n2_an_interface_that_is_renamed_stays(void **state)
{
    floe_candidate_list *list = NULL;
    static hand h;

    (void)state;
    (void)begin(&h);
    (void)sent_on(&h, 1);
    entries[0].interface_name = "lan0";
    change(&h);
    pass(&h, 1000);
    read_log(&h, "");
    assert_int_equal(floe_core_get_local_candidates(h.core, &list), FLOE_OK);
    assert_string_equal(list->candidates[0]->interface_name, "lan0");
    floe_candidate_list_free(list);
    entry("tun0", 5, "10.8.0.2:0")->adapter = FLOE_ADAPTER_VPN;
    change(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, + host, + srflx, + relay, complete, end");
    assert_int_equal(sent_on(&h, 1), 0);
    end(&h);
}

/* As eth0's address is the bridge's once it is one of its ports. */
static void n2_an_address_that_is_on_another_interface_stays(void **state)
{
    floe_candidate_list *list = NULL;
    static hand h;

    (void)state;
    (void)begin(&h);
    (void)sent_on(&h, 1);
    entries[0].interface_name = "br0";
    entries[0].interface_index = 9;
    change(&h);
    pass(&h, 1000);
    read_log(&h, "");
    assert_int_equal(sent_on(&h, 1), 0);
    assert_int_equal(floe_core_get_local_candidates(h.core, &list), FLOE_OK);
    assert_string_equal(list->candidates[0]->interface_name, "br0");
    floe_candidate_list_free(list);
    end(&h);
}

/* N5 (RFC 8828 §5.2): in modes 2 and 3 a default route that moves is a change; else it is none. */
static void n5_a_default_route_moves(void **state)
{
    static const floe_ip_handling modes[] = {FLOE_IP_HANDLING_DEFAULT_ROUTE_AND_LOCAL,
                                             FLOE_IP_HANDLING_DEFAULT_ROUTE_ONLY,
                                             FLOE_IP_HANDLING_ALL};
    static hand h;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        floe_settings settings = defaults;
        settings.ip_handling = modes[i];
        make_continual(&h, turn_url, 1, settings);
        with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        entry("eth0", 1, "10.0.1.2:0")->default_route = true;
        (void)entry("wlan0", 2, "10.0.9.2:0");
        change(&h);
        gather(&h);
        pass(&h, 1000);
        *h.log = '\0';
        entries[0].default_route = false;
        entries[1].default_route = true;
        change(&h);
        pass(&h, 1000);
        assert_int_equal(says(&h, "gathering") && says(&h, "- ") && says(&h, "+ "), i < 2);
        assert_true(i < 2 || *h.log == '\0');
        end(&h);
    }
}

/* N4: a wake is a change. */
static void n4_a_wake_is_a_change(void **state)
{
    static hand h;

    (void)state;
    (void)begin(&h);
    remove_entry("eth0");
    (void)entry("wlan0", 2, "10.0.9.2:0");
    h.list_count = 1;
    floe_core_woke(h.core, h.now);
    pass(&h, 1000);
    assert_true(says(&h, "- relay"));
    assert_true(says(&h, "+ relay"));
    assert_true(says(&h, "complete, end"));
    end(&h);
}

/* N1: while one gathers, what changes is seen to at once; nothing is lost, and the gathering ends in
 * its time. */
static void n1_changes_while_one_gathers(void **state)
{
    static hand h;

    (void)state;
    make_continual(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    all(turn, SILENT);
    (void)entry("eth0", 1, "10.0.1.2:0");
    change(&h);
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, + host");
    remove_entry("eth0");
    change(&h);
    pass(&h, 60);
    (void)entry("wlan0", 2, "10.0.9.2:0");
    change(&h);
    pass(&h, 39);
    read_log(&h, "- host, complete, end");
    all(turn, ANSWERS);
    pass(&h, 100);
    read_log(&h, "gathering, + host, + srflx, + relay, complete, end");
    all(turn, SILENT);
    gather(&h);
    (void)entry("eth1", 3, "10.0.8.2:0");
    pass(&h, 500);
    change(&h);
    pass(&h, 99);
    read_log(&h, "gathering, + host");
    pass(&h, 60000);
    assert_true(says(&h, "complete, end"));
    end(&h);
}

/* N1, L14: what comes late in a gathering has the time of one. */
static void n1_what_comes_late_has_its_time(void **state)
{
    static hand h;

    (void)state;
    make_continual(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    all(turn, SILENT);
    (void)entry("eth0", 1, "10.0.1.2:0");
    change(&h);
    gather(&h);
    pass(&h, 4500);
    (void)entry("wlan0", 2, "10.0.9.2:0");
    change(&h);
    pass(&h, 1500);
    read_log(&h, "gathering, + host, + host");
    turn->deaf_to = 1;
    all(turn, ANSWERS);
    pass(&h, 1000);
    assert_true(says(&h, "+ relay"));
    pass(&h, 5000);
    assert_true(says(&h, "complete, end"));
    end(&h);
}

/* N1, L5, L11: who gathers or restarts sees what has changed by that. */
static void n1_who_gathers_lists_anew(void **state)
{
    static hand h;

    (void)state;
    (void)begin(&h);
    (void)entry("wlan0", 2, "10.0.9.2:0");
    change(&h);
    gather(&h);
    pass(&h, 2000);
    read_log(&h, "gathering, + host, + srflx, + relay, complete, end");
    assert_int_equal(h.lists, 2);
    remove_entry("wlan0");
    change(&h);
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    pass(&h, 2000);
    read_log(&h, "new");
    gather(&h);
    pass(&h, 2000);
    assert_int_equal(h.lists, 3);
    assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_HOST), 1);
    end(&h);
}

/* N1: a pool that nobody has asked for yet is none of the network's. */
static void n1_a_pool_hears_of_changes_when_it_is_used(void **state)
{
    floe_ice_server ice;
    static hand h;

    (void)state;
    memset(entries, 0, sizeof entries);
    make(&h, turn_url, 1, defaults);
    h.states = true;
    with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    floe_gather_options options = options_of(&ice, turn_url, 1, "user");
    options.continual = true;
    options.candidate_pool_size = 1;
    assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
    (void)entry("eth0", 1, "10.0.1.2:0");
    change(&h);
    pass(&h, 1000);
    remove_entry("eth0");
    (void)entry("wlan0", 2, "10.0.9.2:0");
    change(&h);
    pass(&h, 1000);
    read_log(&h, "");
    assert_int_equal(h.lists, 1);
    gather(&h);
    pass(&h, 1000);
    assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_HOST), 1);
    assert_true(says(&h, "complete, end"));
    *h.log = '\0';
    (void)entry("eth1", 3, "10.0.8.2:0");
    change(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, + host, + srflx, + relay, complete, end");
    end(&h);
}

/* N2, T10: a relay that can moves to what remains, with its id. */
static void t10_a_relay_moves_when_its_address_goes(void **state)
{
    floe_settings settings = defaults;
    static hand h;

    (void)state;
    settings.mobility = true;
    make_continual(&h, turn_url, 1, settings);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->tickets = true;
    (void)entry("eth0", 1, "10.0.1.2:0");
    change(&h);
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    remove_entry("eth0"); /* cable, then wireless */
    change(&h);
    pass(&h, 2000);
    read_log(&h, "gathering, - host, - srflx, complete, end");
    (void)entry("wlan0", 2, "10.0.9.2:0");
    change(&h);
    pass(&h, 2000);
    read_log(&h, "gathering, + host, + srflx, complete, end");
    assert_int_equal(turn->allocates, 1);
    assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_RELAY), 1);
    end(&h);
}

/* T10: where a relay has nowhere to move to, what remains is asked for one. */
static void t10_a_relay_that_cannot_move_is_replaced(void **state)
{
    floe_settings settings = defaults;
    static hand h;

    (void)state;
    settings.mobility = true;
    make_continual(&h, named_url, 1, settings);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    server *other = with(&h, "[2001:db8::2]:3478", "[2001:db8:7::7]:700");
    turn->tickets = other->tickets = true;
    h.places[0] = "203.0.113.2:0";
    h.places[1] = "[2001:db8::2]:0";
    (void)entry("eth0", 1, "10.0.1.2:0");
    (void)entry("eth0", 1, "[2001:db8:1::2]:0");
    change(&h);
    gather(&h);
    pass(&h, 10000);
    bool by_v4 = turn->allocates > 0;
    assert_int_equal(by_v4 ? other->allocates : turn->allocates, 0); /* it has yielded */
    floe_interface_address stays = entries[by_v4 ? 1 : 0];
    remove_entry("eth0");
    entries[0] = stays;
    change(&h);
    pass(&h, 1000);
    assert_int_equal(by_v4 ? other->allocates : turn->allocates, 1);
    end(&h);
}

/* N2: a relay that goes with its address is asked for on what remains, where there was none. */
static void n2_what_remains_is_asked_for_the_relay(void **state)
{
    static hand h;

    (void)state;
    for (int named = 0; named < 2; named++) {
        make_continual(&h, named ? named_url : turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        h.places[0] = "203.0.113.2:0";
        turn->deaf_to = 2;
        (void)entry("eth0", 1, "10.0.1.2:0");
        (void)entry("wlan0", 2, "10.0.9.2:0");
        change(&h);
        gather(&h);
        pass(&h, 1000);
        assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_RELAY), 1);
        *h.log = '\0';
        turn->deaf_to = 0;
        remove_entry("eth0");
        change(&h);
        pass(&h, 1000);
        assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_RELAY), 1);
        assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_HOST), 1);
        assert_true(says(&h, "gathering"));
        assert_true(says(&h, "complete, end"));
        end(&h);
    }
}

/* T3: who has yielded to its interface's other family is not asked, as that has its relay still. */
static void n2_what_goes_elsewhere_leaves_the_rivals_alone(void **state)
{
    static hand h;

    (void)state;
    make_continual(&h, named_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    server *other = with(&h, "[2001:db8::2]:3478", "[2001:db8:7::7]:700");
    h.places[0] = "203.0.113.2:0";
    h.places[1] = "[2001:db8::2]:0";
    (void)entry("eth0", 1, "10.0.1.2:0");
    (void)entry("eth0", 1, "[2001:db8:1::2]:0");
    (void)entry("wlan0", 2, "10.0.9.2:0");
    change(&h);
    gather(&h);
    pass(&h, 3000);
    size_t allocates = turn->allocates + other->allocates;
    (void)sent_on(&h, 1);
    (void)sent_on(&h, 2);
    remove_entry("wlan0");
    change(&h);
    pass(&h, 3000);
    assert_int_equal(turn->allocates + other->allocates, allocates);
    assert_int_equal(sent_on(&h, 1) + sent_on(&h, 2), 0);
    end(&h);
}

/* S7: another network may lead elsewhere by a name; what has gone is no reason to ask. */
static void n2_names_are_looked_up_in_another_network(void **state)
{
    static hand h;

    (void)state;
    (void)begin_with(&h, named_url, defaults);
    h.look_ups = 0;
    (void)entry("wlan0", 2, "10.0.9.2:0");
    change(&h);
    pass(&h, 1000);
    assert_true(h.look_ups > 0);
    h.look_ups = 0;
    remove_entry("wlan0");
    change(&h);
    pass(&h, 1000);
    assert_int_equal(h.look_ups, 0);
    end(&h);
}

/* N1, S6: what comes while one gathers may know a name that was not found before. */
static void n1_names_that_were_not_found_are_looked_up_once_more(void **state)
{
    static const char *const urls[] = {"turn:turn.example.org", "turn:203.0.113.9"};
    static hand h;

    (void)state;
    make_continual(&h, urls, 2, defaults);
    (void)with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    all(with(&h, "203.0.113.9:3478", "192.0.2.7:701"), SILENT);
    (void)entry("eth0", 1, "10.0.1.2:0");
    change(&h);
    gather(&h);
    pass(&h, 1000);
    assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_RELAY), 0);
    h.places[0] = "203.0.113.2:0";
    (void)entry("wlan0", 2, "10.0.9.2:0");
    change(&h);
    pass(&h, 1000);
    assert_true(candidates_of(&h, FLOE_CANDIDATE_TYPE_RELAY) > 0);
    end(&h);
}

/* N2: an address that is there before its route reaches nobody at first. */
static void n2_a_default_route_that_comes_late(void **state)
{
    static hand h;

    (void)state;
    for (int named = 0; named < 2; named++) {
        make_continual(&h, named ? named_url : turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        (void)entry("eth0", 1, "10.0.1.2:0");
        change(&h);
        all(turn, SILENT);
        gather(&h);
        pass(&h, 30000);
        read_log(&h, "gathering, + host, error, complete, end");
        all(turn, ANSWERS);
        change(&h); /* that is none */
        pass(&h, 1000);
        read_log(&h, "");
        h.places[0] = "203.0.113.2:0";
        entries[0].default_route = true;
        change(&h);
        pass(&h, 1000);
        read_log(&h, "gathering, + srflx, + relay, complete, end");
        end(&h);
    }
}

/* What is known of a name is known though the one who said it is out of reach. */
static void n2_what_goes_is_no_reason_to_look_up(void **state)
{
    static hand h;

    (void)state;
    make_continual(&h, named_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    h.places[0] = "203.0.113.2:0";
    turn->deaf_to = 2;
    (void)entry("eth0", 1, "10.0.1.2:0");
    (void)entry("wlan0", 2, "10.0.9.2:0");
    change(&h);
    gather(&h);
    pass(&h, 1000);
    turn->deaf_to = 0;
    h.look_ups = 0;
    remove_entry("eth0");
    change(&h);
    pass(&h, 1000);
    assert_int_equal(h.look_ups, 0);
    assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_RELAY), 1);
    end(&h);
}

/* N2: what has not changed is asked nothing, though a server may be known by now that was not. */
static void n2_who_stands_is_asked_nothing(void **state)
{
    static hand h;

    (void)state;
    make_continual(&h, named_url, 1, defaults);
    with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    (void)entry("eth0", 1, "10.0.1.2:0");
    change(&h);
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, + host, error, complete, end");
    h.places[0] = "203.0.113.2:0";
    (void)entry("wlan0", 2, "10.0.9.2:0");
    change(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, + host, + srflx, + relay, complete, end");
    assert_int_equal(sent_on(&h, 1), 0);
    end(&h);
}

/* N1: a list that is not to be had for now is asked for again. */
static void n1_a_list_that_fails_is_asked_for_again(void **state)
{
    static hand h;

    (void)state;
    (void)begin(&h);
    h.list_fails = true;
    (void)entry("wlan0", 2, "10.0.9.2:0");
    change(&h);
    pass(&h, 3000);
    read_log(&h, "");
    h.list_fails = false;
    pass(&h, 1000);
    read_log(&h, "gathering, + host, + srflx, + relay, complete, end");
    h.list_fails = true; /* likewise if a gathering has none */
    gather(&h);
    pass(&h, 2000);
    read_log(&h, "gathering, error, complete, end");
    (void)entry("eth1", 3, "10.0.8.2:0");
    h.list_count = entry_count();
    h.list_fails = false;
    pass(&h, 1000);
    read_log(&h, "gathering, + host, + srflx, + relay, complete, end");
    end(&h);
}

/* N2: an address that had gone before its socket was opened is gathered on when it is back. */
static void n2_an_address_that_was_too_short(void **state)
{
    static hand h;

    (void)state;
    (void)begin(&h);
    h.not_there = true;
    (void)entry("wlan0", 2, "10.0.9.2:0");
    change(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, error, complete, end");
    h.not_there = false;
    change(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, + host, + srflx, + relay, complete, end");
    end(&h);
}

/* N2: that an address cannot be had is told once, until its owner gathers. */
static void n2_an_address_that_can_never_be_had_is_told_once(void **state)
{
    static hand h;

    (void)state;
    (void)begin(&h);
    h.not_there = true;
    (void)entry("wlan0", 2, "10.0.9.2:0");
    change(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, error, complete, end");
    (void)entry("wlan1", 3, "10.0.10.2:0");
    change(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, error, complete, end");
    assert_non_null(strstr(h.error, "10.0.10.2"));
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, error, error, complete, end");
    end(&h);
}

/* N2: of a name with both families one has its default route later, and the other has the relay. */
static void n2_a_default_route_of_one_family_comes_late(void **state)
{
    static hand h;

    (void)state;
    make_continual(&h, named_url, 1, defaults);
    with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    server *six = with(&h, "[2001:db8::2]:3478", "[2001:db8:7::7]:700");
    h.places[0] = "203.0.113.2:0";
    h.places[1] = "[2001:db8::2]:0";
    entry("eth0", 1, "10.0.1.2:0")->default_route = true;
    (void)entry("eth0", 1, "[2001:db8:1::2]:0");
    all(six, SILENT);
    change(&h);
    gather(&h);
    pass(&h, 10000);
    read_log(&h, "gathering, + host, + host, + srflx, + relay, complete, end");
    all(six, ANSWERS);
    entries[1].default_route = true;
    change(&h);
    pass(&h, 3000);
    read_log(&h, "gathering, + srflx, complete, end");
    end(&h);
}

/* N2: of its name servers the system may hear later than of its addresses; those of before refuse. */
static void n2_names_that_are_known_later(void **state)
{
    static hand h;

    (void)state;
    make_continual(&h, named_url, 1, defaults);
    with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    (void)entry("lo", 1, "127.0.0.1:0");
    change(&h);
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    (void)entry("wlan0", 2, "10.0.9.2:0"); /* and nobody knows the name */
    change(&h);
    pass(&h, 500);
    read_log(&h, "gathering, + host, error, complete, end");
    h.places[0] = "203.0.113.2:0";
    pass(&h, 1000);
    read_log(&h, "gathering, + srflx, + relay, complete, end");
    uint64_t lists = h.lists;
    pass(&h, 60000);
    assert_int_equal(h.lists, lists);
    end(&h);
}

/* N1: what another program had is asked for again with a change, as a gathering would; and told once. */
static void n1_what_was_taken_is_opened_with_a_change(void **state)
{
    static hand h;

    (void)state;
    make_continual(&h, turn_url, 1, defaults);
    with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    (void)entry("eth0", 1, "10.0.1.2:0");
    change(&h);
    h.taken = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, error, complete, end");
    (void)entry("lo", 2, "127.0.0.1:0");
    change(&h);
    pass(&h, 1000);
    read_log(&h, "");
    (void)entry("wlan0", 3, "10.0.9.2:0");
    change(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, error, complete, end"); /* of the other */
    remove_entry("wlan0");
    (void)entry("wlan1", 4, "10.0.8.2:0");
    h.taken = false;
    change(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, + host, + host, + srflx, + relay, + srflx, + relay, complete, end");
    end(&h);
}

/* N2: nor are they looked up for ever. */
static void n2_names_that_nobody_knows(void **state)
{
    static hand h;

    (void)state;
    make_continual(&h, named_url, 1, defaults);
    (void)entry("lo", 1, "127.0.0.1:0");
    change(&h);
    gather(&h);
    pass(&h, 1000);
    (void)entry("wlan0", 2, "10.0.9.2:0");
    change(&h);
    pass(&h, 30000);
    uint64_t lists = h.lists;
    h.look_ups = 0;
    pass(&h, 3600000);
    assert_int_equal(h.lists, lists);
    assert_int_equal(h.look_ups, 0);
    end(&h);
}

/* N2: an address of a link is another on another link, and one without a link none. */
static void n2_a_link_local_address_on_another_link(void **state)
{
    floe_settings settings = defaults;
    static hand h;

    (void)state;
    settings.link_local = true;
    (void)begin_with(&h, turn_url, settings);
    floe_interface_address *ipv6 = entry("eth0", 1, "[fe80::2]:0");
    ipv6->address.scope_id = 1;
    change(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, + host, complete, end");
    ipv6->interface_index = ipv6->address.scope_id = 7; /* it was plugged in again */
    change(&h);
    pass(&h, 1000);
    read_log(&h, "gathering, - host, + host, complete, end");
    end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(n1_once_is_the_default),
        cmocka_unit_test(n2_a_new_address_is_gathered_on),
        cmocka_unit_test(n2_an_address_that_goes_is_withdrawn),
        cmocka_unit_test(n1_nothing_new_is_no_event),
        cmocka_unit_test(n2_a_burst_is_one_change),
        cmocka_unit_test(n2_an_address_that_is_back_at_once_stays),
        cmocka_unit_test(n2_a_flapping_interface_is_left_alone),
        cmocka_unit_test(n2_changes_now_and_then_are_followed),
        cmocka_unit_test(n2_an_address_that_is_tentative_no_longer),
        cmocka_unit_test(n2_temporary_addresses_rotate),
        cmocka_unit_test(n2_what_serves_stays_beside_what_is_better),
        cmocka_unit_test(n2_an_interface_that_is_renamed_stays),
        cmocka_unit_test(n2_an_address_that_is_on_another_interface_stays),
        cmocka_unit_test(n5_a_default_route_moves),
        cmocka_unit_test(n4_a_wake_is_a_change),
        cmocka_unit_test(n1_changes_while_one_gathers),
        cmocka_unit_test(n1_what_comes_late_has_its_time),
        cmocka_unit_test(n1_who_gathers_lists_anew),
        cmocka_unit_test(n1_a_pool_hears_of_changes_when_it_is_used),
        cmocka_unit_test(t10_a_relay_moves_when_its_address_goes),
        cmocka_unit_test(t10_a_relay_that_cannot_move_is_replaced),
        cmocka_unit_test(n2_what_remains_is_asked_for_the_relay),
        cmocka_unit_test(n2_what_goes_elsewhere_leaves_the_rivals_alone),
        cmocka_unit_test(n2_names_are_looked_up_in_another_network),
        cmocka_unit_test(n1_names_that_were_not_found_are_looked_up_once_more),
        cmocka_unit_test(n2_a_default_route_that_comes_late),
        cmocka_unit_test(n2_what_goes_is_no_reason_to_look_up),
        cmocka_unit_test(n2_who_stands_is_asked_nothing),
        cmocka_unit_test(n1_a_list_that_fails_is_asked_for_again),
        cmocka_unit_test(n2_an_address_that_was_too_short),
        cmocka_unit_test(n2_a_default_route_of_one_family_comes_late),
        cmocka_unit_test(n2_names_that_are_known_later),
        cmocka_unit_test(n2_names_that_nobody_knows),
        cmocka_unit_test(n1_what_was_taken_is_opened_with_a_change),
        cmocka_unit_test(n2_an_address_that_can_never_be_had_is_told_once),
        cmocka_unit_test(n2_a_link_local_address_on_another_link),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
