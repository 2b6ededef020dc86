/* Relays that are lost, and had again (stories by hand.h). */
#include "hand.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* T7, T7b: a server that was restarted knows of no allocation. Its relay goes, and another comes,
 * within 20 s though nothing is sent; nobody's candidate stays behind. */
static void t7b_a_lost_allocation_is_noticed_though_idle(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    turn->refresh = FORGOT;
    pass(&h, 20000);
    read_log(&h, "- relay, + relay");
    assert_int_equal(turn->allocates, 2);
    end(&h);
}

/* T7: an allocation whose every Refresh is refused, though it is no 437, is asked for anew in longer
 * and longer pauses, as any that is lost. */
static void t7_a_relay_that_is_never_renewed(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->refresh = SAYS;
    turn->code = 400;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    pass(&h, 20000); /* T7b */
    read_log(&h, "- relay, + relay");
    pass(&h, 1200000);
    assert_in_range(turn->allocates, 15, 22);
    *h.log = '\0';
    turn->refresh = ANSWERS;
    size_t asked = turn->allocates;
    pass(&h, 600000);
    assert_true(turn->allocates <= asked + 1);
    end(&h);
}

/* T7b, L11: to a gathering a server in trouble has said nothing against the relay that it has given;
 * one that refuses the Refresh for another reason is asked twice, and then for another relay. */
static void t7b_a_refused_refresh_in_a_gathering(void **state)
{
    static const struct {
        uint16_t code;
        bool once;
        const char *log;
        size_t allocates;
    } rows[] = {
        {503, false, "+ host, + srflx, + relay, end", 1},
        {500, false, "+ host, + srflx, + relay, end", 1},
        {400, true, "+ host, + srflx, + relay, end", 1},
        {400, false, "+ host, - relay, + srflx, + relay, end", 3}, /* 437; what held it goes */
    };
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        server *turn = begin_with_relay(&h, turn_url);
        turn->refresh = SAYS;
        turn->code = rows[i].code;
        turn->holds = true;
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 1000);
        turn->refresh = rows[i].once ? ANSWERS : SAYS;
        pass(&h, 3000);
        turn->refresh = ANSWERS;
        pass(&h, 600000);
        read_log(&h, rows[i].log);
        assert_int_equal(turn->allocates, rows[i].allocates);
        end(&h);
    }
}

/* T7b, K1: a 437 to a peer's request is answered by the Refresh that was granted behind it: what is
 * refused later is another matter. */
static void t7b_a_denial_ends_with_the_granted_refresh(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    floe_address peer = address_of("198.51.100.77:7");
    turn->permission = FORGOT;
    assert_int_equal(
        floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY], &peer, "x", 1), FLOE_OK);
    pass(&h, 1000);
    turn->permission = SILENT;
    pass(&h, 700000); /* it has lapsed */
    *h.log = '\0';
    turn->refresh = SAYS;
    turn->code = 503;
    pass(&h, 60000);
    read_log(&h, "");
    assert_int_equal(turn->allocates, 1);
    end(&h);
}

/* T7b, RFC 8656 §5: "no such allocation" to a peer's request, which a Refresh that is refused for
 * another reason does not contradict. */
static void t7b_a_peer_was_told_that_it_is_gone(void **state)
{
    static const uint16_t codes[] = {400, 500, 503};
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        server *turn = begin_with_relay(&h, turn_url);
        floe_address peer = address_of("198.51.100.77:7");
        turn->permission = FORGOT;
        turn->refresh = SAYS;
        turn->code = codes[i];
        assert_int_equal(
            floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY], &peer, "x", 1),
            FLOE_OK);
        pass(&h, 5000);
        assert_int_equal(turn->allocates, 2);
        assert_non_null(strstr(h.log, "- relay, + relay"));
        end(&h);
    }
}

/* T7, P4: of a relay that has been replaced, or has gone with its address, nothing is left, however
 * often that is. */
static void t7_a_relay_that_goes_leaves_nothing_behind(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:203.0.113.2?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t tcp = 0; tcp < 2; tcp++) {
        size_t live = 0;
        make(&h, urls[tcp], 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        for (size_t i = 0; i < 10; i++) {
            *h.log = '\0';
            turn->refresh = FORGOT;
            while (turn->allocates < i + 2) {
                pass(&h, 1000);
            }
            turn->refresh = ANSWERS;
            pass(&h, 600000);
            read_log(&h, "- relay, + relay");
            assert_true(i == 0 || h.memory.live == live);
            live = h.memory.live;
        }
        for (size_t i = 0; i < 10; i++) {
            *h.log = '\0';
            h.no_interface = true;
            gather(&h);
            pass(&h, 6000);
            assert_int_equal(h.sockets, 0);
            h.no_interface = false;
            gather(&h);
            pass(&h, 600000);
            assert_non_null(strstr(h.log, "+ relay"));
            assert_true(i == 0 || h.memory.live == live);
            live = h.memory.live;
        }
        end(&h);
    }
}

/* T7b: a success with LIFETIME 0 to a Refresh that asked for more (node-turn) is no word that the
 * allocation is gone: its relay stays, and is asked about as often as any. Once it is gone, the
 * next Refresh says so. */
static void t7b_a_granted_lifetime_of_0_is_no_loss(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->ends_at_once = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    pass(&h, 1500000);
    read_log(&h, "");
    assert_int_equal(turn->allocates, 1);
    assert_in_range(turn->refreshes, 90, 105); /* each Tr */
    turn->refresh = FORGOT;
    pass(&h, 20000);
    read_log(&h, "- relay, + relay");
    end(&h);
}

/* One whose renewal meets ICMP asks no longer, waits, and is freed with nothing listed; a 403 to
 * the next Allocate ends it for good, which its owner is told with the server's reason. */
static void t7_a_renewal_that_meets_icmp(void **state)
{
    static hand h;
    floe_candidate_list *list;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    turn->refresh = FORGOT;
    turn->allocate = STUNNED;
    pass(&h, 20000);
    read_log(&h, "- relay, error"); /* told once that it can't be had */
    size_t asked = turn->allocates;
    pass(&h, 30000);
    assert_in_range(turn->allocates, asked + 1, asked + 4); /* after 1, 2, 4 … s, no oftener */
    read_log(&h, "");
    turn->refresh = ANSWERS;
    turn->allocate = ANSWERS;
    pass(&h, 60000);
    read_log(&h, "+ relay");
    turn->refresh = FORGOT;
    turn->allocate = REFUSES;
    pass(&h, 20000);
    read_log(&h, "- relay, error");
    assert_non_null(strstr(h.error, "403"));
    set(&h, stun_urls, 1);
    gather(&h);
    pass(&h, 6000);
    assert_int_equal(floe_core_get_local_candidates(h.core, &list), FLOE_OK);
    assert_int_equal(list->count, 1); /* the host */
    floe_candidate_list_free(list);
    end(&h);
}

/* E1, E2: a server that is away while it is restarted with another configuration: that the relay is
 * not to be had for now is told, and then the refusal, with which it ends for good, too (RFC 8656
 * §7.4), until somebody gathers. */
static void t7_a_renewal_that_is_refused_for_good(void **state)
{
    static const uint16_t codes[] = {400, 403, 420, 440, 441, 442};
    static hand h;
    char code[8];

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->code = codes[i];
        gather(&h);
        pass(&h, 1000);
        *h.log = '\0';
        turn->refresh = FORGOT;
        turn->allocate = STUNNED;
        pass(&h, 20000);
        read_log(&h, "- relay, error");
        turn->allocate = SAYS;
        pass(&h, 60000);
        read_log(&h, "error");
        (void)snprintf(code, sizeof code, "%u", codes[i]);
        assert_non_null(strstr(h.error, code));
        assert_true(h.url_failed);
        size_t asked = turn->allocates;
        pass(&h, 300000);
        read_log(&h, "");
        assert_int_equal(turn->allocates, asked);
        turn->allocate = ANSWERS;
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ relay, end");
        end(&h);
    }
}

/* T7b: a Refresh that is refused says nothing of what an Allocate would get (coturn: 441 of another
 * user's allocation, behind a restart): the relay goes, and another comes. */
static void t7b_a_refused_refresh_ends_no_allocate(void **state)
{
    static const uint16_t codes[] = {400, 401, 403, 420, 440, 441, 442};
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        server *turn = begin_with_relay(&h, turn_url);
        turn->refresh = SAYS;
        turn->code = codes[i];
        pass(&h, 25000);
        assert_true(says(&h, "- relay, + relay"));
        assert_int_equal(h.errors, 0);
        end(&h);
    }
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) { /* nor one that was to delete it */
        server *turn = begin_with_relay(&h, turn_url);
        turn->refresh = turn->release = SAYS;
        turn->code = codes[i];
        turn->holds = true; /* by whatever port */
        pass(&h, 40000);
        assert_true(says(&h, "- relay, error"));
        all(turn, ANSWERS);
        turn->release = ANSWERS;
        turn->holds = false;
        pass(&h, 70000);
        assert_true(says(&h, "+ relay"));
        end(&h);
    }
}

/* E1: nobody has answered, and that was told; then the server says why, which is told once, too. */
static void e1_who_is_back_says_why_not(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    all(turn, SILENT);
    pass(&h, 100000);
    read_log(&h, "- relay, error");
    assert_non_null(strstr(h.error, "is it down?"));
    turn->allocate = turn->both = FULL;
    turn->binding = turn->refresh = ANSWERS;
    pass(&h, 200000);
    read_log(&h, "error");
    assert_non_null(strstr(h.error, "486"));
    end(&h);
}

/* T7, L11: a relay of before that a restart has in vain is told when it is back, as any that was lost;
 * and that it is gone again. */
static void t7_a_relay_that_a_restart_did_not_find_is_told_when_it_is_back(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    turn->refresh = FORGOT;
    turn->allocate = SILENT;
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 60000);
    read_log(&h, "+ host, - relay, + srflx, error, end");
    for (int i = 0; i < 2; i++) {
        turn->refresh = turn->allocate = ANSWERS;
        size_t kept = turn->refreshes;
        pass(&h, 120000);
        assert_true(turn->refreshes > kept);
        read_log(&h, "+ relay");
        turn->refresh = FORGOT;
        turn->allocate = SILENT;
        pass(&h, 120000);
        read_log(&h, "- relay, error");
    }
    gather(&h); /* the generation's next is complete without it, too */
    pass(&h, 60000);
    read_log(&h, "error, end");
    turn->refresh = turn->allocate = ANSWERS;
    pass(&h, 120000);
    read_log(&h, "+ relay");
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "end");
    end(&h);
}

/* T7, S7: a server that has moved to another address is found by its name, and nobody asks where it
 * was. */
static void t7_a_server_that_has_moved(void **state)
{
    static hand h;

    (void)state;
    server *first = lose_a_named_server(&h, named_url, defaults);
    server *second = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    h.places[0] = "203.0.113.3:0";
    h.look_ups = 0;
    pass(&h, 150000);
    read_log(&h, "- relay, error, + relay");
    assert_int_equal(second->allocates, 1);
    assert_int_equal(h.look_ups, 1);
    size_t asked = first->allocates;
    pass(&h, 3600000);
    read_log(&h, "");
    assert_int_equal(first->allocates, asked);
    assert_int_equal(h.look_ups, 1);
    first->allocate = first->refresh = ANSWERS;
    second->refresh = FORGOT; /* restarted: it is asked again where it is */
    pass(&h, 16000);
    read_log(&h, "- relay, + relay");
    assert_int_equal(first->allocates, asked);
    end(&h);
}

/* T7b: there is no second socket for the second URL, and between the Allocates its server is
 * restarted, or a NAT has forgotten the socket and shows it by another port. The first relay is
 * gone, though its Refresh is answered, as if it were the second's. Else the server has the first,
 * and says 437. */
static void t7b_a_relay_that_another_of_its_socket_has_ended(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2", "turn:turn.example.org"};
    static const struct {
        const char *mapped; /* at the second Allocate */
        size_t stands;      /* 437 to it, so often */
    } rows[] = {{"192.0.2.7:700", 1}, {"192.0.2.7:700", 0}, {"192.0.2.7:701", 0}};
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make(&h, urls, 2, defaults);
        h.one_port = true;
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        h.places[0] = "203.0.113.2:0";
        h.late_names = true;
        gather(&h);
        pass(&h, 200);
        read_log(&h, "+ host, + srflx, + relay");
        turn->mapped = rows[i].mapped;
        turn->strangers = rows[i].stands;
        for (size_t k = 0; k < h.query_count; k++) {
            answer_look_up(&h, h.queries[k]);
        }
        pass(&h, 500);
        assert_int_equal(strstr(h.log, "- relay") == NULL, rows[i].stands);
        assert_int_equal(turn->releases, 0); /* it would end the other */
        end(&h);
    }
}

/* T7, E2: a name that is not known, or cannot be looked up, while its server is away leaves
 * everything as it is: the relay is asked for where it was, no second error is told, and the
 * look-ups are not more than the requests. */
/* T7, S6: name servers that give addresses and no services say nothing of where the server is. */
static void t7_a_server_that_is_away_with_its_services(void **state)
{
    static const char *const urls[] = {"turn:example.org?transport=udp"};
    static hand h;
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    settings.service_discovery = true;
    make(&h, urls, 1, settings);
    h.service = "turn.example.org";
    h.places[0] = "203.0.113.2:0";
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    server *stranger = with(&h, "203.0.113.80:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    turn->binding = turn->allocate = turn->refresh = SILENT;
    h.no_services = true;
    pass(&h, 300000);
    read_log(&h, "- relay, error");
    assert_int_equal(stranger->allocates, 0);
    turn->binding = turn->allocate = turn->refresh = ANSWERS;
    pass(&h, 120000);
    read_log(&h, "+ relay");
    end(&h);
}

static void t7_a_server_that_is_away_with_its_name(void **state)
{
    static hand h;

    (void)state;
    server *turn = lose_a_named_server(&h, named_url, defaults);
    h.places[0] = NULL;
    h.look_ups = 0;
    pass(&h, 600000);
    read_log(&h, "- relay, error");
    assert_true(h.url_failed);
    assert_in_range(h.look_ups, 4, 12);
    turn->binding = turn->allocate = turn->refresh = ANSWERS;
    pass(&h, 120000);
    read_log(&h, "+ relay");
    h.places[0] = "203.0.113.2:0";
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "end");
    end(&h);
}

/* T7: of a name's addresses each is asked in its turn, and what an Allocate that was not answered
 * may have made is given back before the next is asked. */
static void t7_another_address_of_the_name(void **state)
{
    static hand h;

    (void)state;
    server *first = lose_a_named_server(&h, named_url, defaults);
    server *second = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    h.places[1] = "203.0.113.3:0";
    second->allocate = STUNNED;
    pass(&h, 400000);
    read_log(&h, "- relay, error");
    assert_in_range(first->allocates, 14, 60);
    assert_in_range(second->allocates, 2, 8);
    assert_true(first->releases > 0);
    second->allocate = ANSWERS;
    pass(&h, 120000);
    read_log(&h, "+ relay");
    size_t asked = first->allocates;
    pass(&h, 600000);
    assert_int_equal(first->allocates, asked);
    end(&h);
}

/* T7: a server of two by one name that falls silent: the other is asked at once when that is noticed,
 * not behind another transaction with the first. */
static void t7_the_other_server_of_a_name_when_one_falls_silent(void **state)
{
    static const char *const urls[][1] = {{"turn:turn.example.org"},
                                          {"turn:turn.example.org?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t tcp = 0; tcp < 2; tcp++) {
        make(&h, urls[tcp], 1, defaults);
        server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        (void)with(&h, "203.0.113.3:3478", "192.0.2.7:700");
        h.places[0] = "203.0.113.2:0";
        h.places[1] = "203.0.113.3:0";
        gather(&h);
        pass(&h, 1000);
        assert_non_null(strstr(h.log, "+ relay, end"));
        *h.log = '\0';
        first->allocate = first->both = first->refresh = first->binding = SILENT;
        pass(&h, tcp ? 36000 : 55500); /* T7b's 35 s; the transaction's 39.5 s behind Tr */
        assert_non_null(strstr(h.log, "- relay, + relay"));
        end(&h);
    }
}

/* T7b, L14: time in which nobody ran, asleep or stopped, is no silence of the server's. */
static void t7b_sleep_is_no_silence(void **state)
{
    static hand h;

    (void)state;
    for (int row = 0; row < 3; row++) {
        server *turn = begin_with_relay(&h, turn_url);
        pass(&h, 13000);
        all(turn,
            SILENT); /* a Refresh is sent in vain before it falls asleep, or awake for a moment */
        pass(&h, row == 0 ? 3500 : 0);
        for (int wakes = 0; wakes < 3 && row < 2; wakes++) {
            h.now = floe_time_after(h.now, floe_seconds(120));
            floe_core_woke(h.core, h.now);
            pass(&h, 1500);
        }
        if (row == 2) { /* stopped, and its owner gathers behind it */
            pass(&h, 3500);
            h.now = floe_time_after(h.now, floe_seconds(60));
            gather(&h);
            pass(&h, 1200);
        }
        all(turn, ANSWERS);
        pass(&h, 30000);
        assert_false(says(&h, "- relay"));
        assert_int_equal(turn->allocates, 1);
        end(&h);
    }
}

/* T7, L11: an owner who gathers wants what he lost now, however often it was lost before. */
/* An allocation is a 5-tuple's (RFC 8656 §3.2): of a NAT that has given us another address, and then the first again, the
 * server has two of ours, and grants what is asked of the second for the first. */
static void t7b_a_mapping_that_comes_back(void **state)
{
    static hand h;

    (void)state;
    for (int no_stun = 0; no_stun < 2; no_stun++) {
        server *turn = begin_with_relay(&h, turn_url);
        turn->binding = no_stun ? SILENT : ANSWERS;
        turn->mapped = "192.0.2.8:700";
        turn->refresh = FORGOT;
        pass(&h, 16000);
        read_log(&h, "- relay, - srflx, + srflx, + relay");
        turn->refresh = ANSWERS;
        pass(&h, 60000);
        read_log(&h, "");
        assert_int_equal(turn->bindings, no_stun ? 11 : 5);
        pass(&h, 120000);
        turn->bindings = 0;
        pass(&h, 60000);
        assert_int_equal(turn->bindings, no_stun ? 0 : 4); /* three times in vain */
        turn->mapped = "192.0.2.7:700";
        pass(&h, 20000);
        read_log(&h, no_stun ? "" : "- srflx, + srflx, - relay, + relay"); /* nobody says so */
        end(&h);
    }

    /* It stays away: what is left there has expired by then. */
    server *turn = begin_with_relay(&h, turn_url);
    turn->mapped = "192.0.2.8:700";
    turn->refresh = FORGOT;
    pass(&h, 16000);
    turn->refresh = ANSWERS;
    pass(&h, 700000);
    turn->bindings = 0;
    pass(&h, 100000);
    assert_int_equal(turn->bindings, 0);
    end(&h);

    /* Of a server that is restarted nothing is asked. */
    turn = begin_with_relay(&h, turn_url);
    turn->refresh = FORGOT;
    pass(&h, 16000);
    turn->refresh = ANSWERS;
    pass(&h, 60000);
    assert_int_equal(turn->bindings, 0);
    end(&h);
}

static const char *by_allocates;

/* To Bindings it shows another address than to Allocates. */
static bool shows_another(hand *h, uint32_t channel, server *by, const floe_stun_message *request)
{
    by->mapped = request->method == FLOE_STUN_BINDING ? "192.0.2.8:700" : by_allocates;
    return h->now.ns == 0 && channel == 0; /* all else as others do */
}

static void t7b_a_server_that_shows_two_addresses_keeps_its_relay(void **state)
{
    static hand h;

    (void)state;
    make(&h, both_urls, 2, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->plays = shows_another;
    by_allocates = "192.0.2.7:700";
    gather(&h);
    pass(&h, 60000);
    by_allocates = "192.0.2.9:700";
    turn->refresh = FORGOT;
    pass(&h, 16000);
    turn->refresh = ANSWERS;
    turn->allocates = 0;
    *h.log = '\0';
    pass(&h, 1200000);
    assert_in_range(turn->allocates, 0, 40);
    assert_in_range(strlen(h.log), 0, 1600); /* with each of these alone its candidates change */
    turn->allocates = turn->bindings = 0;
    *h.log = '\0';
    pass(&h, 1200000);
    assert_int_equal(turn->allocates + turn->bindings, 0);
    read_log(&h, "");
    assert_true(candidates_of(&h, FLOE_CANDIDATE_TYPE_RELAY) > 0);
    end(&h);
}

static unsigned flips;             /* so often the NAT changes right behind an Allocate */
static const char *allocated_from; /* by the latest */

static bool flips_behind(hand *h, uint32_t channel, server *by, const floe_stun_message *request)
{
    if (request->method != FLOE_STUN_ALLOCATE) {
        return false;
    }
    allocated_from = by->mapped;
    succeed(h, channel, by, request);
    if (flips > 0) {
        by->mapped = strcmp(by->mapped, "192.0.2.8:700") == 0 ? "192.0.2.7:700" : "192.0.2.8:700";
        flips--;
    }
    return true;
}

/* The NAT goes back and forth, each time just as a relay is there. */
static void t7b_a_nat_that_goes_back_at_once(void **state)
{
    static hand h;

    (void)state;
    for (unsigned i = 1; i < 7; i++) {
        server *turn = begin_with_relay(&h, turn_url);
        turn->plays = flips_behind;
        turn->mapped = "192.0.2.8:700";
        turn->refresh = FORGOT;
        flips = i;
        pass(&h, 16000);
        turn->refresh = ANSWERS;
        pass(&h, i < 4 ? 60000 : 300000);
        assert_int_equal(flips, 0);
        assert_string_equal(allocated_from, turn->mapped);
        assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_SRFLX), 1);
        end(&h);
    }
}

/* The credentials are others in an outage, behind which the server has nothing of before: the Allocates by which the
 * relay is asked for again have been silence's for long, which says nothing of what is wished for. */
static void t5_an_outage_says_nothing_of_families(void **state)
{
    static hand h;

    (void)state;
    for (unsigned outage = 50; outage < 120; outage += 7) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->gives_both = true;
        gather(&h);
        pass(&h, 1000);
        assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_RELAY), 2);
        all(turn, SILENT);
        set_user(&h, turn_url, "2:user");
        gather(&h);
        pass(&h, outage * 1000);
        all(turn, ANSWERS);
        turn->refresh = FORGOT;
        pass(&h, 20000);
        turn->refresh = ANSWERS;
        pass(&h, 60000);
        assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_RELAY), 2);
        end(&h);
    }
}

static void t7_who_gathers_does_not_wait_for_pauses(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    turn->refresh = FORGOT;
    for (size_t i = 0; i < 5; i++) {
        restart(&h);
        pass(&h, 300);
        assert_true(says(&h, "+ relay, end"));
        *h.log = '\0';
        pass(&h, 3000);
    }
    end(&h);
}

/* T1, T7: what is lost is asked for by either family, at each address in its turn; but who has never
 * given it ends nothing by what he says, nor holds up for long who has. */
static void t7_the_other_family_holds_up_nothing(void **state)
{
    static const char *const one_each[] = {"203.0.113.2:0", "[2001:db8:2::2]:0"};
    static const char *const two_of_six[] = {"203.0.113.2:0", "[2001:db8:2::2]:0",
                                             "[2001:db8:2::3]:0"};
    static const char *const two_of_four[] = {"[2001:db8:2::2]:0", "203.0.113.2:0",
                                              "203.0.113.3:0"};
    static const uint16_t codes[] = {400, 401, 403, 441, 442, 486};
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) { /* who is another's */
        begin_dual(&h, one_each, 2, 0);
        h.servers[1].code = codes[i];
        all(&h.servers[1], SAYS);
        all(&h.servers[0], SILENT);
        pass(&h, 100000);
        all(&h.servers[0], ANSWERS);
        pass(&h, 130000);
        assert_true(says(&h, "+ relay"));
        end(&h);
    }
    for (int row = 0; row < 2; row++) { /* several that are dead */
        begin_dual(&h, row == 0 ? two_of_six : two_of_four, 3, 0);
        all(&h.servers[0], SILENT);
        pass(&h, 60000);
        all(&h.servers[0], ANSWERS);
        pass(&h, 130000);
        assert_true(says(&h, "+ relay"));
        all(&h.servers[0], SILENT); /* and each is asked */
        all(&h.servers[2], ANSWERS);
        *h.log = '\0';
        pass(&h, 130000);
        assert_true(says(&h, "+ relay"));
        end(&h);
    }
    for (uint64_t away = 9000; away <= 12800; away += 200) { /* up to two seconds behind the loss */
        begin_dual(&h, one_each, 2, 0);
        all(&h.servers[0], STUNNED);
        pass(&h, away);
        all(&h.servers[0], ANSWERS);
        bool lost = says(&h, "- relay");
        pass(&h, 2500);
        assert_int_equal(says(&h, "+ relay"), lost);
        end(&h);
    }
}

/* T7: where a server has moved to is no other than its own place: who refuses there refuses for good, and is
 * told; who answers late is waited for. */
static void t7_a_server_that_has_moved_and_refuses(void **state)
{
    static const uint16_t codes[] = {400, 403, 420, 441};
    static hand h;

    (void)state;
    for (size_t i = 0; i <= sizeof codes / sizeof *codes; i++) {
        bool late = i == sizeof codes / sizeof *codes;
        server *first = lose_a_named_server(&h, named_url, defaults);
        server *second = with(&h, "203.0.113.3:3478", "192.0.2.7:701");
        h.places[0] = "203.0.113.3:0";
        second->code = late ? 0 : codes[i];
        all(second, late ? SILENT : SAYS);
        pass(&h, 120000);
        if (late) { /* one transaction has all its sends */
            all(second, SILENT);
            second->allocates = second->releases = 0;
            pass(&h, 39000);
            assert_in_range(second->allocates, 5, 9);
            all(second, ANSWERS);
            pass(&h, 90000);
            assert_true(says(&h, "+ relay"));
        } else {
            assert_true(says(&h, "error, error"));
            second->allocates = 0;
            pass(&h, 1200000);
            assert_int_equal(second->allocates, 0);
        }
        (void)first;
        end(&h);
    }
}

/* T7: a port that stays closed is tried for three seconds; then the name's other server is asked. */
static void t7_a_port_that_stays_closed(void **state)
{
    static hand h;

    (void)state;
    make(&h, named_url, 1, defaults);
    server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    with(&h, "203.0.113.3:3478", "192.0.2.7:701")->port = 50;
    h.places[0] = "203.0.113.2:0";
    h.places[1] = "203.0.113.3:0";
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    all(first, STUNNED);
    while (!says(&h, "- relay")) {
        pass(&h, 100);
    }
    pass(&h, 3500);
    assert_true(says(&h, "+ relay"));
    end(&h);
}

/* T7, T1: a relay that is lost while another of its kind leaves is asked for again at once; and of one that
 * the other family has given its owner hears why it is refused for good. */
static void t7_what_leaves_is_no_reason_to_wait(void **state)
{
    static const char *const one_each[] = {"203.0.113.2:0", "[2001:db8:2::2]:0"};
    static hand h;

    (void)state;
    begin_dual(&h, one_each, 2, 0);
    all(&h.servers[1], ANSWERS);
    all(&h.servers[0], SILENT);
    restart(&h);
    pass(&h, 2500);
    assert_true(says(&h, "+ relay"));
    all(&h.servers[0], ANSWERS);
    pass(&h, 8000);
    *h.log = '\0';
    h.servers[1].refresh = FORGOT;
    floe_core_woke(h.core, h.now);
    pass(&h, 1000);
    read_log(&h, "- relay, + relay");
    end(&h);
    begin_dual(&h, one_each, 2,
               0); /* without a call it is had by the other family, and lost there */
    all(&h.servers[1], ANSWERS);
    all(&h.servers[0], SILENT);
    pass(&h, 100000);
    assert_true(says(&h, "+ relay"));
    *h.log = '\0';
    h.servers[1].code = 403;
    h.servers[1].refresh = FORGOT;
    h.servers[1].allocate = h.servers[1].both = SAYS;
    pass(&h, 60000);
    assert_true(says(&h, "- relay, error"));
    end(&h);
}

/* T7: a name that leads elsewhere each time that it is asked is no reason to ask without a pause. */
static void t7_a_name_that_leads_elsewhere_each_time(void **state)
{
    static const char *const places[] = {"203.0.113.2:0", "203.0.113.3:0", "203.0.113.4:0"};
    static const char *const servers[] = {"203.0.113.2:3478", "203.0.113.3:3478",
                                          "203.0.113.4:3478"};
    static hand h;

    (void)state;
    make(&h, named_url, 1, defaults);
    for (size_t i = 0; i < 3; i++) {
        (void)with(&h, servers[i], "192.0.2.7:700");
    }
    h.places[0] = places[0];
    gather(&h);
    pass(&h, 1000);
    size_t allocates = 0;
    for (size_t i = 0; i < 3; i++) {
        all(&h.servers[i], STUNNED);
    }
    size_t before = h.look_ups;
    h.leads = places;
    pass(&h, 600000);
    for (size_t i = 0; i < 3; i++) {
        allocates += h.servers[i].allocates;
    }
    assert_in_range(allocates, 5, 400);
    assert_in_range(h.look_ups - before, 5, 800);
    end(&h);
}

/* T7, L11: behind a long outage, in which the relay was lost and is asked for again in vain, a gathering
 * does not wait for the turn of that Allocate, which may be sixteen seconds away. */
static void t7_a_gathering_behind_a_long_outage(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:203.0.113.2?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 4; row++) {
        bool tcp = row % 2 != 0; /* where what was asked just now is waited for */
        for (uint64_t outage = 45000; outage < 110000; outage += tcp ? 17000 : 3500) {
            server *turn = begin_with_relay(&h, urls[row % 2]);
            all(turn, SILENT);
            pass(&h, outage);
            all(turn, ANSWERS);
            if (row / 2 == 0) {
                restart(&h);
            } else {
                gather(&h);
            }
            bool lost = says(&h, "- relay");
            *h.log = '\0';
            pass(&h, 4000);
            assert_true(says(&h, "+ relay") || !(lost || row / 2 == 0));
            assert_true(says(&h, "end"));
            end(&h);
        }
    }
}

/* T7: likewise in the first gathering of all, which restarts take on. */
static void t7_restarts_while_the_network_comes_up(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:turn.example.org"}};
    static hand h;

    (void)state;
    for (size_t named = 0; named < 2; named++) {
        for (uint64_t every = 250; every < 5000; every += 250) {
            make(&h, urls[named], 1, defaults);
            h.places[0] = "203.0.113.2:0";
            server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
            all(turn, SILENT);
            gather(&h);
            for (size_t i = 0; i < 4; i++) {
                pass(&h, every);
                if (i == 3) {
                    all(turn, ANSWERS);
                }
                restart(&h);
            }
            pass(&h, 1100);
            assert_true(says(&h, "+ relay"));
            end(&h);
        }
    }
}

/* T7b: a relay by which packets come stands, though no Refresh is answered so that it can be believed
 * (Pion refuses unsigned, when credentials have expired): until its lifetime is over, or nothing
 * comes any more. */
static void t7b_a_relay_that_is_heard_stands(void **state)
{
    static const uint8_t data[] = {'x'};
    static const floe_stun_id id = {{1}};
    static hand h;

    (void)state;
    for (size_t quiet = 0; quiet < 2; quiet++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->guarded = true;
        gather(&h);
        pass(&h, 1000);
        *h.log = '\0';
        floe_core_receive_packets(h.core, true);
        floe_address peer = address_of("198.51.100.77:7");
        assert_int_equal(
            floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY], &peer, "x", 1),
            FLOE_OK);
        pass(&h, 1000);
        turn->refresh = turn->allocate = turn->both = FORGES;
        turn->binding = SILENT;
        for (size_t s = 0; s < 560; s++) {
            uint8_t bytes[128];
            floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_INDICATION,
                                                      FLOE_STUN_DATA_INDICATION, &id);
            floe_stun_put_address(&writer, FLOE_STUN_XOR_PEER_ADDRESS, &peer);
            floe_stun_put(&writer, FLOE_STUN_DATA, floe_span_of(data, sizeof data));
            if (!quiet || s < 200) {
                deliver(&h, 1, turn, &writer);
                settle(&h);
            }
            if (s == 190) {
                assert_null(strstr(h.log, "- relay"));
            }
            pass(&h, 1000);
        }
        assert_int_equal(strstr(h.log, "- relay") != NULL, quiet != 0);
        pass(&h, 100000);
        assert_non_null(strstr(h.log, "- relay"));
        end(&h);
    }
}

/* T7, L5: who gathers while his relay is asked for where its server is no longer has it where that
 * is now, and one alone. */
static void t7_a_gathering_finds_a_server_that_has_moved(void **state)
{
    static hand h;

    (void)state;
    server *first = lose_a_named_server(&h, named_url, defaults);
    server *second = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    pass(&h, 110000);
    read_log(&h, "- relay, error");
    h.places[0] = "203.0.113.3:0";
    first->allocate = first->refresh = ANSWERS;
    size_t asked = first->allocates;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ relay, end");
    pass(&h, 600000);
    read_log(&h, "");
    assert_int_equal(first->allocates, asked);
    assert_int_equal(second->allocates, 1);
    end(&h);
}

/* T7, T8: so does a proxy that has moved, by its own name. */
static void t7_a_proxy_that_has_moved(void **state)
{
    static hand h;
    static const char *const by_tcp[] = {"turn:turn.example.org?transport=tcp"};
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    settings.proxy = "http://proxy.example.net:3478";
    (void)lose_a_named_server(&h, by_tcp, settings);
    server *second = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    h.places[0] = "203.0.113.3:0";
    pass(&h, 150000);
    read_log(&h, "- relay, error, + relay");
    assert_int_equal(second->allocates, 1);
    end(&h);
}

/* T7: a second allocation that is away while a new generation gathers in vain, and back behind its
 * end, is told as the first is. */
static void t7_a_second_allocation_that_is_back_behind_the_end(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->alone = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, + relay, end");
    turn->refresh = FORGOT;
    turn->allocate = turn->both = turn->ipv6 = SILENT;
    pass(&h, 60000);
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    *h.log = '\0';
    gather(&h);
    pass(&h, 30000);
    read_log(&h, "+ host, + srflx, error, end");
    turn->refresh = turn->allocate = turn->both = turn->ipv6 = ANSWERS;
    pass(&h, 300000);
    read_log(&h, "+ relay, + relay");
    gather(&h);
    pass(&h, 30000);
    read_log(&h, "end");
    end(&h);
}

/* T7b: there are servers (Pion's) that leave a Refresh of what they do not have unanswered. That they
 * answer Bindings meanwhile tells it from loss and from an outage. */
static void t7b_silence_of_a_server_that_is_there(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    turn->refresh = SILENT;
    pass(&h, 22000);
    read_log(&h, "");
    pass(&h, 1500);
    read_log(&h, "- relay, + relay");
    assert_int_equal(turn->allocates, 2);
    end(&h);

    make(&h, turn_url, 1, defaults); /* an outage, behind which the Refresh is answered */
    turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    turn->refresh = turn->binding = SILENT;
    pass(&h, 24000);
    turn->binding = ANSWERS; /* sooner than the Refresh, by chance */
    pass(&h, 7000);
    turn->refresh = ANSWERS;
    pass(&h, 20000);
    read_log(&h, "");
    assert_int_equal(turn->allocates, 1);
    end(&h);
}

/* node-turn signs a 437 wrongly: what cannot be believed is as silence, and is no sign of life. */
static void t7b_answers_that_cannot_be_believed_are_silence(void **state)
{
    static hand h;

    (void)state;
    for (int bindings = 0; bindings < 2; bindings++) { /* which a server may answer or not */
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->guarded = true;
        turn->binding = bindings != 0 ? ANSWERS : SILENT;
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ host, + srflx, + relay, end");
        turn->refresh = FORGES;
        pass(&h, 24000);
        read_log(&h, "- relay, + relay");
        end(&h);
    }
}

/* T7b: ICMP to the owner's packets is a reason to ask at once; said to three Refreshes in a row,
 * that nothing listens is believed. */
static void t7b_nothing_listens_any_more(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 6000);
    *h.log = '\0';
    turn->refresh = turn->allocate = STUNNED;
    floe_address to = address_of(turn->address);
    floe_core_unreachable(h.core, h.now, 1, &to, FLOE_UNREACHABLE_PORT, NULL, 0);
    pass(&h, 1000);
    read_log(&h, "");
    pass(&h, 1000);
    read_log(&h, "- relay, error");
    end(&h);
}

/* T7b: a server that is silent is noticed by TCP within 35 s, where a Refresh is sent once and would
 * be waited for for 39.5 s: its connection ends, and another asks anew. One that says anything
 * is not silent: its answer may be under way behind that. */
static void t7b_silence_by_tcp(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2?transport=tcp"};
    static const uint8_t data[] = {0x40, 0x00, 0x00, 0x04, 1, 2, 3, 4}; /* of some channel */
    static hand h;
    uint32_t channel = 0;

    (void)state;
    make(&h, urls, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + relay, end");
    channel = channel_by_stream(&h);
    turn->refresh = SILENT;
    for (int i = 0; i < 6; i++) {
        pass(&h, 4000);
        floe_core_stream(h.core, h.now, channel, data, sizeof data);
    }
    read_log(&h, "");
    assert_int_equal(turn->refreshes, 1);
    pass(&h, 19900);
    read_log(&h, "");
    pass(&h, 500);
    read_log(&h, "- relay, + relay");
    assert_false(h.open[channel]);
    assert_int_equal(turn->allocates, 2);
    pass(&h, 35000); /* in all, from the latest answer on */
    read_log(&h, "- relay");
    pass(&h, 1000); /* T7: the second loss in a row waits */
    read_log(&h, "+ relay");
    end(&h);
}

/* T7b: an outage that begins when a Refresh goes by TCP, and takes 10 s, costs nothing: TCP, which
 * doubles its waits, has brought it within 20 s. */
static void t7b_an_outage_ends_no_relay_by_a_connection(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2?transport=tcp"};
    static hand h;

    (void)state;
    make(&h, urls, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + relay, end");
    turn->refresh = SILENT;
    while (turn->refreshes == 0) {
        pass(&h, 10);
    }
    pass(&h, 19500);
    turn->refresh = ANSWERS;
    floe_stun_message request = {.method = FLOE_STUN_REFRESH, .id = h.refresh};
    succeed(&h, channel_by_stream(&h), turn, &request);
    pass(&h, 60000);
    read_log(&h, "");
    assert_int_equal(turn->allocates, 1);
    end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t7_a_server_that_has_moved),
        cmocka_unit_test(t7b_a_relay_that_another_of_its_socket_has_ended),
        cmocka_unit_test(t7_a_server_that_is_away_with_its_name),
        cmocka_unit_test(t7_a_server_that_is_away_with_its_services),
        cmocka_unit_test(t7_another_address_of_the_name),
        cmocka_unit_test(t7_the_other_server_of_a_name_when_one_falls_silent),
        cmocka_unit_test(t7b_sleep_is_no_silence),
        cmocka_unit_test(t7b_a_mapping_that_comes_back),
        cmocka_unit_test(t7b_a_server_that_shows_two_addresses_keeps_its_relay),
        cmocka_unit_test(t7b_a_nat_that_goes_back_at_once),
        cmocka_unit_test(t5_an_outage_says_nothing_of_families),
        cmocka_unit_test(t7_who_gathers_does_not_wait_for_pauses),
        cmocka_unit_test(t7_the_other_family_holds_up_nothing),
        cmocka_unit_test(t7_a_server_that_has_moved_and_refuses),
        cmocka_unit_test(t7_a_port_that_stays_closed),
        cmocka_unit_test(t7_a_gathering_behind_a_long_outage),
        cmocka_unit_test(t7_restarts_while_the_network_comes_up),
        cmocka_unit_test(t7_a_name_that_leads_elsewhere_each_time),
        cmocka_unit_test(t7_what_leaves_is_no_reason_to_wait),
        cmocka_unit_test(t7b_a_relay_that_is_heard_stands),
        cmocka_unit_test(t7_a_gathering_finds_a_server_that_has_moved),
        cmocka_unit_test(t7_a_proxy_that_has_moved),
        cmocka_unit_test(t7b_answers_that_cannot_be_believed_are_silence),
        cmocka_unit_test(t7b_a_lost_allocation_is_noticed_though_idle),
        cmocka_unit_test(t7_a_relay_that_goes_leaves_nothing_behind),
        cmocka_unit_test(t7b_a_granted_lifetime_of_0_is_no_loss),
        cmocka_unit_test(t7_a_renewal_that_meets_icmp),
        cmocka_unit_test(t7_a_renewal_that_is_refused_for_good),
        cmocka_unit_test(t7b_a_refused_refresh_ends_no_allocate),
        cmocka_unit_test(e1_who_is_back_says_why_not),
        cmocka_unit_test(t7_a_relay_that_a_restart_did_not_find_is_told_when_it_is_back),
        cmocka_unit_test(t7_a_second_allocation_that_is_back_behind_the_end),
        cmocka_unit_test(t7b_silence_of_a_server_that_is_there),
        cmocka_unit_test(t7b_nothing_listens_any_more),
        cmocka_unit_test(t7b_silence_by_tcp),
        cmocka_unit_test(t7b_an_outage_ends_no_relay_by_a_connection),
        cmocka_unit_test(t7_a_relay_that_is_never_renewed),
        cmocka_unit_test(t7b_a_refused_refresh_in_a_gathering),
        cmocka_unit_test(t7b_a_denial_ends_with_the_granted_refresh),
        cmocka_unit_test(t7b_a_peer_was_told_that_it_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
