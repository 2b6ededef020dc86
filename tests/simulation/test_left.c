/* What a relay leaves with its server in an outage, and who deletes it (L12, T6): stories by hand.h, at a server that
 * knows allocations by their 5-tuples, whose they are, and a quota for each user (coturn's, "time:user"). */
#include "hand.h"

#include <string.h>

#define HELD_MAX 16

typedef struct held {
    uint32_t channel; /* 0: none */
    char user[32];
} held;

static held holds[HELD_MAX];
static size_t quota;
static bool loses_releases; /* the network does */
static uint16_t refuses_releases;

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

static void allocates(hand *h, uint32_t channel, server *by, const floe_stun_message *request,
                      const char *user)
{
    held *one = held_by(channel);

    if (one != NULL) {
        refuse(h, channel, by, request, strcmp(one->user, user) == 0 ? 437 : 441);
    } else if (count_of(user) >= quota) {
        refuse(h, channel, by, request, 486);
    } else {
        one = held_by(0);
        assert_non_null(one);
        one->channel = channel;
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
        succeed(h, channel, by, request);
    }
}

static bool plays(hand *h, uint32_t channel, server *by, const floe_stun_message *request)
{
    char user[32] = "";
    floe_span name;

    if (by->allocate == SILENT) { /* an outage */
        return true;
    }
    if (floe_stun_find(request, FLOE_STUN_USERNAME, &name) && name.size < sizeof user) {
        memcpy(user, name.data, name.size);
    }
    if (request->method == FLOE_STUN_ALLOCATE) {
        allocates(h, channel, by, request, user);
    } else if (request->method == FLOE_STUN_REFRESH) {
        refreshes(h, channel, by, request, user);
    }
    return request->method == FLOE_STUN_ALLOCATE || request->method == FLOE_STUN_REFRESH;
}

/* A relay by a server that gives each user so many; `first`, if not NULL, sends there. */
static server *begin_at(hand *h, size_t most, server **first)
{
    memset(holds, 0, sizeof holds);
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
    for (int renewed = 0; renewed < 2; renewed++) {
        server *first;
        server *there = begin_at(&h, 1, &first);
        all(first, SILENT);
        first->alternate = NULL;
        all(there, SILENT);
        pass(&h, 40000);
        if (renewed) {
            set_user(&h, turn_url, "1800000000:user");
            restart(&h);
        }
        pass(&h, 15000);
        *h.log = '\0';
        all(there, ANSWERS);
        all(first, ANSWERS);
        first->alternate = "203.0.113.3:3478";
        pass(&h, 30000);
        assert_true(says(&h, "+ relay"));
        assert_int_equal(count_of(":user"), 1);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(l12_what_was_released_in_calm_is_not_left),
        cmocka_unit_test(t6_what_is_left_where_a_redirect_led),
        cmocka_unit_test(l12_a_release_that_is_lost_in_calm),
        cmocka_unit_test(t6_what_is_not_deleted_at_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
