/* What a relay leaves with its server in an outage, and who deletes it (L12, T6): stories by hand.h, at a server that
 * knows allocations by their 5-tuples, whose they are, and a quota for each user (coturn's, "time:user"). */
#include "hand.h"

#include <stdio.h>
#include <string.h>

#define HELD_MAX 16

typedef struct held {
    uint32_t channel; /* 0: none */
    char user[32];
    floe_time expires;
    floe_stun_id id; /* of the Allocate that has made it */
} held;

static held holds[HELD_MAX];
static size_t quota;
static bool loses_releases; /* the network does */
static uint16_t refuses_releases;
static size_t asked_to_release; /* by the base's own socket */
static size_t releases;         /* by any */
static unsigned loss;           /* of a hundred packets, each way */
static uint16_t another_users;  /* what it says of such a one: 437, or 441 as coturn does */
static bool forgets_ids;        /* and of its own user's that is asked for again: 437 */
static unsigned stale;          /* so many of a hundred Allocates it answers by 438 */
static seeded_random chance;

static held *held_by(uint32_t channel)
{
    for (size_t i = 0; i < HELD_MAX; i++) {
        if (holds[i].channel == channel) {
            return &holds[i];
        }
    }
    return NULL;
}

static const char *name_in(const char *user)
{
    const char *colon = strchr(user, ':');

    return colon != NULL ? colon : user;
}

static size_t count_of(const char *user)
{
    size_t count = 0;

    for (size_t i = 0; i < HELD_MAX; i++) {
        count += holds[i].channel != 0 && strcmp(name_in(holds[i].user), name_in(user)) == 0;
    }
    return count;
}

/* A nonce expires, or is for one use. */
static void say_stale(hand *h, uint32_t channel, server *by, const floe_stun_message *request)
{
    static unsigned nonces;
    uint8_t bytes[128];
    char nonce[16];
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_ERROR, request->method, &request->id);

    (void)snprintf(nonce, sizeof nonce, "n%u", ++nonces);
    floe_stun_put_error(&writer, 438, floe_span_text("Stale"));
    floe_stun_put(&writer, FLOE_STUN_REALM, floe_span_text("r"));
    floe_stun_put(&writer, FLOE_STUN_NONCE, floe_span_text(nonce));
    deliver(h, channel, by, &writer);
}

static void allocates(hand *h, uint32_t channel, server *by, const floe_stun_message *request,
                      const char *user)
{
    held *one = held_by(channel);

    if (stale > 0 && seeded_below(&chance, 100) < stale) {
        say_stale(h, channel, by, request);
    } else if (one != NULL && floe_stun_id_equal(&one->id, &request->id) && !forgets_ids) {
        succeed(h, channel, by, request); /* it is the same one, sent again */
    } else if (one != NULL) {
        refuse(h, channel, by, request, strcmp(one->user, user) == 0 ? 437 : another_users);
    } else if (count_of(user) >= quota) {
        refuse(h, channel, by, request, 486);
    } else {
        one = held_by(0);
        assert_non_null(one);
        one->channel = channel;
        one->id = request->id;
        one->expires = floe_time_after(h->now, floe_seconds(600));
        strcpy(one->user, user);
        succeed(h, channel, by, request);
    }
}

static void refreshes(hand *h, uint32_t channel, server *by, const floe_stun_message *request,
                      const char *user)
{
    held *one = held_by(channel);
    uint32_t lifetime = 1;

    (void)floe_stun_read_u32(request, FLOE_STUN_LIFETIME, &lifetime);
    if (lifetime == 0 && (loses_releases || refuses_releases != 0)) {
        if (!loses_releases) {
            refuse(h, channel, by, request, refuses_releases);
        }
    } else if (one == NULL || strcmp(one->user, user) != 0) {
        refuse(h, channel, by, request, one == NULL ? 437 : 441);
    } else {
        one->channel = lifetime == 0 ? 0 : channel;
        one->expires = floe_time_after(h->now, floe_seconds(600));
        succeed(h, channel, by, request);
    }
}

static void expire(const hand *h)
{
    for (size_t i = 0; i < HELD_MAX; i++) {
        if (holds[i].channel != 0 && floe_time_reached(h->now, holds[i].expires)) {
            holds[i].channel = 0;
        }
    }
}

static bool is_lost(void)
{
    return loss > 0 && seeded_below(&chance, 100) < loss;
}

static bool plays(hand *h, uint32_t channel, server *by, const floe_stun_message *request)
{
    char user[32] = "";
    floe_span name;

    if (floe_stun_find(request, FLOE_STUN_USERNAME, &name) && name.size < sizeof user) {
        memcpy(user, name.data, name.size);
    }
    uint32_t lifetime = 1;
    (void)floe_stun_read_u32(request, FLOE_STUN_LIFETIME, &lifetime);
    asked_to_release += channel == 1 && lifetime == 0;
    releases += lifetime == 0;
    if (by->allocate == SILENT || is_lost()) { /* an outage */
        return true;
    }
    expire(h);
    by->deaf = is_lost(); /* the answer is */
    if (*user == '\0') {  /* it is challenged, or asks for no allocation */
        return false;
    }
    if (request->method == FLOE_STUN_ALLOCATE) {
        allocates(h, channel, by, request, user);
    } else if (request->method == FLOE_STUN_REFRESH) {
        refreshes(h, channel, by, request, user);
    }
    return *user != '\0' &&
           (request->method == FLOE_STUN_ALLOCATE || request->method == FLOE_STUN_REFRESH);
}

static size_t listed(const hand *h)
{
    return candidates_of(h, FLOE_CANDIDATE_TYPE_RELAY);
}

/* A relay by a server that gives each user so many; `first`, if not NULL, sends there. */
static server *begin_at(hand *h, size_t most, server **first)
{
    memset(holds, 0, sizeof holds);
    another_users = 441;
    forgets_ids = false;
    stale = 0;
    loss = 0;
    quota = most;
    loses_releases = false;
    refuses_releases = 0;
    make(h, turn_url, 1, defaults);
    if (first != NULL) {
        *first = with(h, "203.0.113.2:3478", "192.0.2.7:700");
        (*first)->alternate = "203.0.113.3:3478";
    }
    server *turn =
        with(h, first != NULL ? "203.0.113.3:3478" : "203.0.113.2:3478", "192.0.2.7:700");
    turn->guarded = turn->signs = true;
    turn->plays = plays;
    set_user(h, turn_url, "1700000000:user");
    gather(h);
    pass(h, 1000);
    assert_true(says(h, "+ relay"));
    *h->log = '\0';
    return turn;
}

static server *begin(hand *h, size_t most)
{
    return begin_at(h, most, NULL);
}

/* The way to the server is gone for so long. */
static void cut(hand *h, server *by, uint64_t milliseconds)
{
    all(by, SILENT);
    pass(h, milliseconds);
    all(by, ANSWERS);
}

/* Unless it gathers already. */
static void gather_again(hand *h)
{
    (void)floe_core_start(h->core, h->now);
    settle(h);
}

static void renew(hand *h, const char *user)
{
    set_user(h, turn_url, user);
    gather(h);
}

/* What has been released in calm is not what stands there: an Allocate that succeeds says so, and one's own comes
 * first. */
static void l12_what_was_released_in_calm_is_not_left(void **state)
{
    static hand h;

    (void)state;
    for (size_t most = 1; most <= 2; most++) {
        server *turn = begin(&h, most);
        renew(&h, "1800000000:user");
        pass(&h, 40000);
        renew(&h, "1900000000:user");
        pass(&h, 40000);
        assert_int_equal(count_of(":user"), 1);
        *h.log = '\0';
        cut(&h, turn, 60000);
        pass(&h, 30000);
        assert_true(says(&h, "- relay, ") && says(&h, "+ relay"));
        assert_int_equal(count_of(":user"), 1);
        end(&h);
    }
}

/* Where a redirect led to, it may stand all the same. */
static void t6_what_is_left_where_a_redirect_led(void **state)
{
    static hand h;

    (void)state;
    for (int row = 0; row < 4; row++) {
        bool renewed = row % 2;
        size_t most = row < 2 ? 1 : HELD_MAX; /* then one is by a spare socket */
        server *first;
        server *there = begin_at(&h, most, &first);
        all(first, SILENT);
        first->alternate = NULL;
        all(there, SILENT);
        pass(&h, most == 1 ? 40000 : 60000);
        if (renewed) {
            set_user(&h, turn_url, "1800000000:user");
            restart(&h);
        }
        pass(&h, 15000);
        *h.log = '\0';
        all(there, ANSWERS);
        all(first, ANSWERS);
        first->alternate = "203.0.113.3:3478";
        pass(&h, most == 1 ? 30000 : 90000);
        assert_true(says(&h, "+ relay"));
        assert_int_equal(count_of(":user"), listed(&h));
        end(&h);
    }
}

/* The one packet that was to make room is lost. */
static void l12_a_release_that_is_lost_in_calm(void **state)
{
    static hand h;

    (void)state;
    (void)begin(&h, 1);
    loses_releases = true;
    renew(&h, "1800000000:user");
    pass(&h, 1000);
    loses_releases = false;
    pass(&h, 10000);
    assert_true(says(&h, "+ relay"));
    assert_int_equal(count_of(":user"), 1);
    end(&h);
}

/* T6: a server that is in trouble, or does not let it be deleted, for a while. */
static void t6_what_is_not_deleted_at_first(void **state)
{
    static const uint16_t codes[] = {400, 403, 500, 503};
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        server *turn = begin(&h, 1);
        cut(&h, turn, 60000);
        refuses_releases = codes[i];
        pass(&h, 15000);
        refuses_releases = 0;
        pass(&h, 70000);
        assert_true(says(&h, "+ relay"));
        end(&h);
    }
    for (size_t i = 2; i < 4; i++) { /* nor leaves a second one there meanwhile */
        server *turn = begin(&h, 2);
        size_t before = count_of(":user");
        cut(&h, turn, 60000);
        refuses_releases = codes[i];
        pass(&h, 15000);
        refuses_releases = 0;
        pass(&h, 70000);
        assert_true(says(&h, "+ relay"));
        assert_int_equal(count_of(":user"), before);
        end(&h);
    }
}

/* A relay by a spare socket, as a former one had stood on ours: what it leaves in an outage can be deleted from there
 * alone. */
static void l12_a_spare_socket_stays_for_what_is_left(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin(&h, 1);
    renew(&h, "1800000000:user");
    pass(&h, 40000);
    all(turn, SILENT);
    pass(&h, 5000);
    renew(&h, "1900000000:user");
    pass(&h, 55000);
    *h.log = '\0';
    all(turn, ANSWERS);
    pass(&h, 30000);
    assert_true(says(&h, "+ relay"));
    assert_int_equal(count_of(":user"), 1);
    pass(&h, 60000);
    assert_int_equal(h.sockets, 1);
    end(&h);
}

/* And goes when that has expired, be it that nobody has been heard of since. */
static void l12_a_socket_goes_with_what_expires(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin(&h, 2);
    renew(&h, "1800000000:user");
    pass(&h, 20000);
    assert_true(h.sockets > 1);
    all(turn, SILENT);
    set_with(&h, (const char *const[]){"stun:203.0.113.9"}, 1, FLOE_GATHER_POLICY_ALL);
    gather(&h);
    pass(&h, 20000);
    assert_true(h.sockets > 1);
    pass(&h, 600000);
    assert_int_equal(h.sockets, 1);
    end(&h);
}

/* R6: a server that shows no mapping but to who allocates, and has lost both the former user's relay and the one by
 * the spare socket: the next one is asked for from ours, and shows the candidate's. */
static void r6_behind_a_restart_the_mapping_is_shown_again(void **state)
{
    static hand h;

    (void)state;
    for (int outage = 0; outage < 2; outage++) {
        server *turn = begin(&h, 4);
        turn->binding = SILENT;
        renew(&h, "1800000000:user");
        pass(&h, 40000);
        assert_false(says(&h, "- srflx"));
        if (outage) {
            all(turn, SILENT);
            pass(&h, 60000);
            all(turn, ANSWERS);
            turn->binding = SILENT;
        }
        memset(holds, 0, sizeof holds);
        pass(&h, 150000);
        assert_true(says(&h, "+ relay") && (!says(&h, "- srflx") || says(&h, "+ srflx")));
        assert_int_equal(count_of(":user"), 2); /* one of each family */
        end(&h);
    }
}

/* What is asked for anew where it was left, by the same account, would be hit by what deletes that. */
static void t6_what_is_asked_for_again_is_not_deleted(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin(&h, HELD_MAX);
    cut(&h, turn, 60000);
    refuses_releases = 403; /* so it asks from a spare socket */
    pass(&h, 3000);
    assert_true(says(&h, "+ relay"));
    refuses_releases = 0;
    memset(holds, 0, sizeof holds); /* and the server is restarted */
    all(turn, SILENT);
    pass(&h, 55000);
    asked_to_release = 0;
    *h.log = '\0';
    pass(&h, 30000); /* it asks from the base's own socket */
    assert_int_equal(asked_to_release, 0);
    all(turn, ANSWERS);
    pass(&h, 30000);
    assert_true(says(&h, "+ relay"));
    end(&h);
}

/* Whoever was there once is told; of who has never been heard nobody knows that it is a server. */
static void t6_a_server_that_was_never_heard_is_told_once(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    all(turn, SILENT);
    turn->release = SILENT;
    gather(&h);
    pass(&h, 100000);
    assert_true(turn->allocates > 0 && turn->releases <= 1);
    end(&h);
}

/* And where there is room for one: who comes in the former one's place takes its socket. */
static void r6_with_a_quota_of_one_the_mapping_is_shown_again(void **state)
{
    static hand h;

    (void)state;
    for (int outage = 0; outage < 2; outage++) {
        server *turn = begin(&h, 1);
        turn->binding = SILENT;
        if (outage) {
            all(turn, SILENT);
            pass(&h, 2000);
        }
        renew(&h, "1800000000:user");
        pass(&h, outage ? 20000 : 0);
        turn->allocate = turn->both = turn->refresh = ANSWERS;
        pass(&h, 60000);
        restart(&h);
        pass(&h, 10000);
        assert_int_equal(listed(&h), 1);
        assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_SRFLX), 1);
        end(&h);
    }
}

/* Where it has been full for want of what is left, nobody waits for its minute to end. */
static void t6_room_that_is_made_late(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin(&h, 1);
    all(turn, SILENT);
    pass(&h, 5000);
    renew(&h, "1800000000:user");
    pass(&h, 60000);
    loses_releases = true;
    all(turn, ANSWERS);
    *h.log = '\0';
    for (int i = 0; i < 100 && !says(&h, "error"); i++) {
        pass(&h, 1000);
    }
    assert_true(says(&h, "error")); /* 486: a minute */
    loses_releases = false;
    pass(&h, 40000);
    assert_true(says(&h, "+ relay"));
    end(&h);
}

/* Nor does anybody wait for a pause, when the server is heard. */
static void t6_a_server_that_is_heard_deletes_at_once(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin(&h, HELD_MAX);
    all(turn, SILENT);
    pass(&h, 5000);
    renew(&h, "1800000000:user");
    pass(&h, 300000);
    *h.log = '\0';
    all(turn, ANSWERS);
    for (int i = 0; i < 100 && !says(&h, "+ relay"); i++) {
        pass(&h, 1000);
    }
    pass(&h, 3000);
    assert_int_equal(count_of(":user"), listed(&h));
    end(&h);
}

/* By a socket that closes as its address is gone nothing goes any more, however many ask by it. */
static void l7_nothing_goes_by_a_socket_that_is_closed(void **state)
{
    static hand h;

    (void)state;
    for (int closes = 0; closes < 2; closes++) {
        server *turn = begin(&h, HELD_MAX);
        h.one_port = true;
        cut(&h, turn, 60000);
        pass(&h, 20000);
        all(turn, SILENT);
        pass(&h, 60000);
        h.no_interface = true;
        renew(&h, "1800000000:user");
        if (closes) {
            floe_core_close(h.core, h.now);
            settle(&h);
        } else {
            pass(&h, 60000);
        }
        assert_int_equal(h.sockets, 0);
        end(&h);
    }
}

/* There are servers that answer no such request: they are not asked for ever, however much else they answer. */
static void t6_a_server_that_answers_no_release(void **state)
{
    static hand h;

    (void)state;
    (void)begin(&h, HELD_MAX);
    loses_releases = true;
    releases = 0;
    renew(&h, "1800000000:user");
    pass(&h, 40000);
    renew(&h, "1900000000:user");
    pass(&h, 600000);
    assert_in_range(releases, 4, 4 * 60); /* one in ten seconds */
    end(&h);
}

/* L7: who closes says so once more, where it has not been heard. */
static void l7_what_is_left_is_told_at_the_close(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin(&h, HELD_MAX);
    all(turn, SILENT);
    pass(&h, 5000);
    renew(&h, "1800000000:user");
    pass(&h, 60000);
    assert_true(count_of(":user") > 0);
    all(turn, ANSWERS);
    floe_core_close(h.core, h.now);
    settle(&h);
    assert_int_equal(count_of(":user"), 0);
    end(&h);
}

static unsigned made;
static uint16_t says_next; /* of the second send */
static bool has_ended;     /* what was made first */

/* It makes an allocation whose answer is lost; to what is sent again it says 438 first, or at once that there is one.
 */
static bool loses_an_answer(hand *h, uint32_t channel, server *by, const floe_stun_message *request)
{
    uint32_t lifetime = 1;
    bool is_signed = floe_stun_has(request, FLOE_STUN_USERNAME);

    (void)floe_stun_read_u32(request, FLOE_STUN_LIFETIME, &lifetime);
    if (request->method == FLOE_STUN_REFRESH && lifetime == 0 && (is_signed || !by->guarded)) {
        has_ended = true;
    }
    if (request->method != FLOE_STUN_ALLOCATE || (by->guarded && !is_signed)) {
        return false;
    }
    if (made == 0) {
        made++;
        return true;
    }
    if (says_next == 438) {
        say_stale(h, channel, by, request);
        says_next = 437;
        return true;
    }
    if (!has_ended) { /* there is one, or its user has all that it may */
        refuse(h, channel, by, request, channel == 1 ? 437 : 486);
        return true;
    }
    made++;
    return false;
}

/* T6: the answer to an Allocate is lost, and what is sent again does not find it: what the first one made is ours, and
 * is deleted first. So a quota of one has room, and nothing is left. */
static void t6_what_an_answer_that_was_lost_has_made(void **state)
{
    static hand h;

    (void)state;
    for (int i = 0; i < 3; i++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->guarded = turn->signs = i < 2;
        turn->plays = loses_an_answer;
        made = 0;
        has_ended = false;
        says_next = i == 0 ? 438 : 437;
        gather(&h);
        pass(&h, 8000);
        read_log(&h, "+ host, + srflx, + relay, end");
        assert_true(has_ended);
        assert_int_equal(made, 2);
        assert_int_equal(turn->releases, 1);
        end(&h);
    }
}

static unsigned lost_left; /* so many of its answers to an Allocate are lost */
static uint32_t made_by;   /* that channel; 0: none */

/* It knows no transaction again: an Allocate that was sent again meets what the first send has made. (RFC 8656 §7.2 asks
 * for more: "an identical success response".) */
static bool knows_no_transactions(hand *h, uint32_t channel, server *by,
                                  const floe_stun_message *request)
{
    uint32_t lifetime = 1;

    (void)floe_stun_read_u32(request, FLOE_STUN_LIFETIME, &lifetime);
    if (request->method == FLOE_STUN_REFRESH && lifetime == 0 && channel == made_by) {
        made_by = 0;
    }
    if (request->method != FLOE_STUN_ALLOCATE || !floe_stun_has(request, FLOE_STUN_USERNAME)) {
        return false;
    }
    if (channel == made_by) {
        refuse(h, channel, by, request, 437);
        return true;
    }
    made_by = channel;
    by->deaf = lost_left > 0;
    succeed(h, channel, by, request);
    lost_left -= by->deaf;
    by->deaf = false;
    return true;
}

static void t6_answers_that_are_lost_leave_another_port(void **state)
{
    static hand h;

    (void)state;
    for (unsigned lost = 0; lost < 4; lost++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->guarded = turn->signs = true;
        turn->plays = knows_no_transactions;
        lost_left = lost;
        made_by = 0;
        gather(&h);
        pass(&h, 20000);
        assert_true(candidates_of(&h, FLOE_CANDIDATE_TYPE_RELAY) > 0);
        end(&h);
    }
}

static bool has_it;          /* an allocation of the first socket's */
static floe_time lets_go_at; /* when it has it no more */

/* Coturn in the second behind a deletion, with errors that are signed. */
static bool lets_go_later(hand *h, uint32_t channel, server *by, const floe_stun_message *request)
{
    bool is_signed = floe_stun_has(request, FLOE_STUN_USERNAME);
    bool still = has_it && !floe_time_reached(h->now, lets_go_at);
    uint32_t lifetime = 1;

    (void)floe_stun_read_u32(request, FLOE_STUN_LIFETIME, &lifetime);
    if (by->allocate == SILENT || !is_signed || channel != 1) {
        return false;
    }
    if (request->method == FLOE_STUN_REFRESH && lifetime == 0) {
        lets_go_at = floe_time_after(h->now, floe_seconds(1));
    } else if (request->method == FLOE_STUN_ALLOCATE && still) {
        by->allocates++;
        refuse(h, channel, by, request, 437);
        return true;
    } else if (request->method == FLOE_STUN_ALLOCATE) {
        has_it = true;
        lets_go_at = FLOE_TIME_NEVER;
    }
    return false;
}

/* Who was there before, and shows the mapping alone, waits for what was deleted at its own socket. */
static void r6_what_is_let_go_later_costs_no_mapping(void **state)
{
    static hand h;

    (void)state;
    for (unsigned outage = 34; outage < 130; outage += 8) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->guarded = turn->signs = true;
        turn->plays = lets_go_later;
        has_it = false;
        gather(&h);
        pass(&h, 20000);
        all(turn, SILENT);
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather_again(&h);
        pass(&h, outage * 1000);
        all(turn, ANSWERS);
        turn->binding = SILENT;
        pass(&h, 60000);
        assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_SRFLX), 1);
        end(&h);
    }
}

/* Outages, loss, renewals and restarts in any order; then calm. */
static void happen(hand *h, server *turn, bool one_user)
{
    static unsigned user = 1700000000;
    char name[32];

    switch (seeded_below(&chance, 7)) {
    case 0:
        all(turn, turn->allocate == SILENT ? ANSWERS : SILENT);
        break;
    case 1:
        loss = seeded_below(&chance, 2) ? seeded_below(&chance, 60) : 0;
        break;
    case 2:
    case 3:
        (void)snprintf(name, sizeof name, one_user ? "%u:user" : "user %u", ++user);
        set_user(h, turn_url, name);
        /* fall through */
    case 4:
        if (seeded_below(&chance, 2)) {
            assert_int_equal(floe_core_restart(h->core, h->now), FLOE_OK);
        }
        /* fall through */
    case 5:
        gather_again(h);
        break;
    default: /* the server is restarted */
        memset(holds, 0, sizeof holds);
        break;
    }
    pass(h, seeded_below(&chance, 3) ? seeded_below(&chance, 20000) : seeded_below(&chance, 90000));
}

/* Of a server that keeps to the RFC its owner has a relay again within a minute of calm; and another minute later the
 * server has what is listed, and nothing else of ours: from where nobody knows of it, nobody could delete it. */
static void l12_what_the_server_has_is_what_is_listed(void **state)
{
    static hand h;

    (void)state;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        seeded_init(&chance, seed);
        bool one_user = seeded_below(&chance, 4) != 0;
        bool one_port = seeded_below(&chance, 4) == 0;
        size_t most = seeded_below(&chance, 3) ? 1 + seeded_below(&chance, 2) : HELD_MAX;
        server *turn = begin(&h, most);
        another_users = seeded_below(&chance, 2) ? 437 : 441;
        forgets_ids = seeded_below(&chance, 3) == 0;
        stale = seeded_below(&chance, 3) == 0 ? seeded_below(&chance, 40) : 0;
        turn->signs = seeded_below(&chance, 2);
        h.one_port = one_port;
        for (uint32_t steps = 1 + seeded_below(&chance, 6); steps > 0; steps--) {
            happen(&h, turn, one_user);
        }
        all(turn, ANSWERS);
        loss = stale = 0;
        pass(&h, 45000);
        if (listed(&h) == 0) { /* nobody was told to ask again: its owner does */
            gather(&h);
            pass(&h, 10000);
        }
        if (listed(&h) == 0) {
            fail_msg("seed %llu: there is no relay", (unsigned long long)seed);
        }
        pass(&h, 60000);
        size_t stand = 0;
        for (size_t i = 0; i < HELD_MAX; i++) {
            stand += holds[i].channel != 0;
        }
        if (listed(&h) == 0 || listed(&h) != stand) {
            fail_msg("seed %llu: %zu relays are listed, and %zu stand", (unsigned long long)seed,
                     listed(&h), stand);
        }
        end(&h);
    }
}

/* It has room for one, gives that to who asks for IPv6, and takes a second to let it go. */
static bool gives_the_first(hand *h, uint32_t channel, server *by, const floe_stun_message *request)
{
    static floe_time let_go;
    uint32_t lifetime = 1;

    (void)floe_stun_read_u32(request, FLOE_STUN_LIFETIME, &lifetime);
    if (request->method == FLOE_STUN_REFRESH && lifetime == 0) {
        let_go = floe_time_after(h->now, floe_seconds(1));
    }
    if (request->method != FLOE_STUN_ALLOCATE) {
        return false;
    }
    if (by->room_for_one != 0 && !floe_time_reached(h->now, let_go)) {
        by->allocates++;
        refuse(h, channel, by, request, 486);
        return true;
    }
    if (by->room_for_one == 0 && floe_stun_has(request, FLOE_STUN_REQUESTED_ADDRESS_FAMILY)) {
        by->room_for_one = 486;
        let_go = FLOE_TIME_NEVER;
        succeed(h, channel, by, request);
        return true;
    }
    return false;
}

/* T5, T6: what was made of a family that nobody asked for is in the way of what is asked for instead, where there is room
 * for one: it is deleted, and waited for; what was refused before is not wished for again meanwhile. By a connection it
 * is given back before that closes. */
static void t5_a_family_that_nobody_asked_for_takes_room(void **state)
{
    static const char *const urls[][1] = {{"turn:[2001:db8:2::2]"},
                                          {"turn:[2001:db8:2::2]?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 2; row++) {
        make(&h, urls[row], 1, defaults);
        h.ipv6 = "[2001:db8:1::2]:0";
        server *turn = with(&h, "[2001:db8:2::2]:3478", "[2001:db8:3::7]:700");
        turn->both = FAMILY;
        turn->external = true;
        turn->plays = row == 0 ? gives_the_first : NULL;
        gather(&h);
        pass(&h, 3000);
        read_log(&h, row == 0 ? "+ host, + host, + srflx, + relay, end"
                              : "+ host, + host, + relay, end");
        assert_int_equal(h.errors, 0);
        assert_int_equal(turn->wishes, 1);
        assert_int_equal(turn->allocates, 3);
        assert_int_equal(turn->releases, 1);
        end(&h);
    }
}

/* Nor does one wait for what the other has made of it, where there is room; and a server that never gives what it is
 * asked for is told as what it is, and is asked no more, be it that it was full meanwhile. */
static void t5_what_is_no_good_is_no_outage(void **state)
{
    static const char *const two[] = {"turn:[2001:db8:2::2]", "turn:[2001:db8:2::2]:3479"};
    static const char *const tcp[] = {"turn:[2001:db8:2::2]?transport=tcp"};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 5;
         row++) { /* two of them; one that swaps, full, by TCP; 437 by TCP */
        make(&h, row >= 3 ? tcp : two, row == 0 ? 2 : 1, defaults);
        h.ipv6 = "[2001:db8:1::2]:0";
        server *turn = with(&h, "[2001:db8:2::2]:3478", "[2001:db8:3::7]:700");
        server *other = with(&h, "[2001:db8:2::2]:3479", "[2001:db8:3::7]:700");
        turn->both = other->both = FAMILY;
        turn->external = other->external = row == 0;
        turn->swaps = row > 0;
        turn->plays = row == 2 ? gives_the_first : NULL;
        turn->strangers = row == 4 ? 9 : 0;
        gather(&h);
        pass(&h, row == 2 ? 3000 : 100);
        assert_true(says(&h, "end"));
        assert_int_equal(h.errors, row == 0 ? 0 : 1);
        if (row > 0) {
            assert_non_null(strstr(h.error, row == 4 ? "437" : "where IPv4 was asked for"));
        }
        turn->allocates = 0;
        pass(&h, 3600000);
        assert_int_equal(turn->allocates, 0);
        end(&h);
    }
}

static bool has_one[CHANNELS]; /* an allocation by that channel */

/* A server of one external address, of IPv4. */
static bool knows_channels(hand *h, uint32_t channel, server *by, const floe_stun_message *request)
{
    bool both = floe_stun_has(request, FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY) ||
                floe_stun_has(request, FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY_DRAFT);
    uint32_t lifetime = 600;

    if (by->allocate == SILENT || request->method == FLOE_STUN_BINDING) {
        return false;
    }
    (void)floe_stun_read_u32(request, FLOE_STUN_LIFETIME, &lifetime);
    by->allocates += request->method == FLOE_STUN_ALLOCATE;
    if (has_one[channel] == (request->method == FLOE_STUN_ALLOCATE)) {
        refuse(h, channel, by, request, 437);
    } else if (both) {
        refuse(h, channel, by, request, 440);
    } else {
        has_one[channel] = lifetime > 0;
        succeed(h, channel, by, request);
    }
    return true;
}

/* The former user's is in the way, and then it gives what is no good, or has no room, once. */
static size_t failures;

static bool fails_twice(hand *h, uint32_t channel, server *by, const floe_stun_message *request)
{
    if (request->method != FLOE_STUN_ALLOCATE || failures > 1) {
        return false;
    }
    if (++failures == 1) {
        refuse(h, channel, by, request, 441);
    } else if (by->code == 486) {
        refuse(h, channel, by, request, 486);
    } else {
        by->nowhere = channel;
        succeed(h, channel, by, request);
        by->nowhere = 0;
    }
    return true;
}

/* L12, T7: who comes in a former user's place is had as that one was: once it has failed it is asked for again, and told
 * be it behind the gathering's end. */
static void l12_who_comes_in_a_formers_place_is_asked_for_again(void **state)
{
    static hand h;

    (void)state;
    for (size_t row = 0; row < 2; row++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 10000);
        assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_RELAY), 1);
        failures = 0;
        turn->plays = fails_twice;
        turn->port = 60;
        turn->code = row == 0 ? 0 : 486;
        set_user(&h, turn_url, "another");
        gather(&h);
        pass(&h, 120000);
        assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_RELAY), 1);
        end(&h);
    }
}

/* Behind an outage that one meets what the server has of it still, which is deleted first: what is made then, of a family
 * that nobody asked for, is deleted as well, and the other asked for. */
static void t5_a_family_that_nobody_asked_for_behind_an_outage(void **state)
{
    static const char *const urls[] = {"turn:[2001:db8:2::2]", "turn:turn.example.org"};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 3; row++) {
        size_t relays = row == 2 ? 2 : 1; /* of which one has a socket of its own */
        memset(has_one, 0, sizeof has_one);
        make(&h, urls, relays, defaults);
        h.ipv6 = "[2001:db8:1::2]:0";
        h.one_port = row == 1;
        h.places[0] = "[2001:db8:2::2]:0";
        server *turn = with(&h, "[2001:db8:2::2]:3478", "[2001:db8:3::7]:700");
        turn->external = true;
        turn->plays = knows_channels;
        gather(&h);
        pass(&h, 10000);
        assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_RELAY), relays);
        all(turn, SILENT);
        pass(&h, 70000);
        assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_RELAY), 0);
        all(turn, ANSWERS);
        turn->allocates = 0;
        pass(&h, 180000);
        assert_int_equal(candidates_of(&h, FLOE_CANDIDATE_TYPE_RELAY), relays);
        assert_in_range(turn->allocates, relays, 9 * relays);
        end(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(l12_who_comes_in_a_formers_place_is_asked_for_again),
        cmocka_unit_test(t5_a_family_that_nobody_asked_for_behind_an_outage),
        cmocka_unit_test(t5_what_is_no_good_is_no_outage),
        cmocka_unit_test(t5_a_family_that_nobody_asked_for_takes_room),
        cmocka_unit_test(l12_what_was_released_in_calm_is_not_left),
        cmocka_unit_test(t6_what_is_left_where_a_redirect_led),
        cmocka_unit_test(l12_a_release_that_is_lost_in_calm),
        cmocka_unit_test(t6_what_is_not_deleted_at_first),
        cmocka_unit_test(l12_a_spare_socket_stays_for_what_is_left),
        cmocka_unit_test(l12_a_socket_goes_with_what_expires),
        cmocka_unit_test(r6_behind_a_restart_the_mapping_is_shown_again),
        cmocka_unit_test(t6_what_is_asked_for_again_is_not_deleted),
        cmocka_unit_test(t6_a_server_that_was_never_heard_is_told_once),
        cmocka_unit_test(r6_with_a_quota_of_one_the_mapping_is_shown_again),
        cmocka_unit_test(t6_room_that_is_made_late),
        cmocka_unit_test(t6_a_server_that_answers_no_release),
        cmocka_unit_test(t6_what_an_answer_that_was_lost_has_made),
        cmocka_unit_test(t6_answers_that_are_lost_leave_another_port),
        cmocka_unit_test(r6_what_is_let_go_later_costs_no_mapping),
        cmocka_unit_test(l7_what_is_left_is_told_at_the_close),
        cmocka_unit_test(l7_nothing_goes_by_a_socket_that_is_closed),
        cmocka_unit_test(t6_a_server_that_is_heard_deletes_at_once),
        cmocka_unit_test(l12_what_the_server_has_is_what_is_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
