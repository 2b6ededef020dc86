/* Nominations with numbers (draft-thatcher-ice-renomination). */
#include "hand.h"

#include <stdio.h>
#include <string.h>

static const char *const better = "198.51.100.7:7000";
static const char *const worse = "198.51.100.8:8000";

/* Two pairs that work. */
static void begin_two(fixture *f, floe_ice_role role, bool ours, bool theirs)
{
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;

    options.renomination = ours;
    begin_with(f, &options);
    renominates = theirs;
    start(f, role);
    renominates = false;
    assert_int_equal(add(f, "a 1 udp 2130706431 198.51.100.7 7000 typ host"), FLOE_OK);
    respond(f);
    assert_int_equal(add(f, "b 1 udp 2000 198.51.100.8 8000 typ host"), FLOE_OK);
    run_until(f, ms(f) + 20);
    respond_to(f, latest_to(f, worse), &(response){0});
    run_until(f, ms(f) + 20);
}

static const char *nominated(fixture *f, const char *from, bool use_candidate, uint32_t number)
{
    request what = {.priority = 5,
                    .role = FLOE_STUN_ICE_CONTROLLING,
                    .tie_breaker = 5,
                    .use_candidate = use_candidate,
                    .nomination = number};

    check(f, from, &what);
    return pair_to(f, better).selected ? better : pair_to(f, worse).selected ? worse : "";
}

/* Each by the first check that comes by the pair: else it could not be told from an old peer's. */
static void i13_the_highest_number_counts(void **state)
{
    fixture f;

    (void)state;
    begin_two(&f, FLOE_ICE_ROLE_CONTROLLED, true, true);
    assert_string_equal(nominated(&f, better, true, 1), better);
    assert_string_equal(nominated(&f, worse, true, 3), worse);
    assert_string_equal(nominated(&f, better, true, 2), worse); /* it was overtaken */
    assert_string_equal(nominated(&f, better, true, 0), worse);
    assert_string_equal(nominated(&f, better, false, 4), better);         /* libwebrtc */
    assert_string_equal(nominated(&f, worse, false, 0xff000003), better); /* of 24 bits */
    assert_string_equal(nominated(&f, worse, false, 0xff000005), worse);
    end(&f);
}

static void i13_numbers_that_were_not_agreed_on(void **state)
{
    fixture f;

    (void)state;
    for (unsigned who = 0; who < 3; who++) {
        begin_two(&f, FLOE_ICE_ROLE_CONTROLLED, who == 1, who == 2);
        assert_string_equal(nominated(&f, better, true, 1), better);
        assert_string_equal(nominated(&f, worse, true, 3), better); /* as of an old peer */
        assert_string_equal(nominated(&f, worse, false, 4), better);
        end(&f);
        begin_two(&f, FLOE_ICE_ROLE_CONTROLLING, who == 1, who == 2);
        for (size_t i = 0; i < f.count; i++) {
            floe_stun_message message = message_of(&f.sent[i]);
            assert_false(floe_stun_has(&message, FLOE_STUN_NOMINATION));
        }
        end(&f);
    }
}

static uint32_t number_of(const sent *one)
{
    floe_stun_message message = message_of(one);
    uint32_t number = 0;

    assert_true(floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE) ==
                floe_stun_read_u32(&message, FLOE_STUN_NOMINATION, &number));
    return number;
}

/* ICMP about the better one. */
static void returned(fixture *f)
{
    const floe_core_output icmp = {.kind = FLOE_CORE_UNREACHABLE,
                                   .candidate_id = 1,
                                   .remote = address_of(better),
                                   .unreachable = FLOE_UNREACHABLE_PORT};

    floe_ice_core_output(f->ice, f->now, &icmp);
    outputs(f);
}

/* The controlling side numbers them, and says the number again with each check for consent. */
static void i13_nominations_are_numbered(void **state)
{
    fixture f;

    (void)state;
    begin_two(&f, FLOE_ICE_ROLE_CONTROLLING, true, true);
    assert_int_equal(number_of(latest_to(&f, better)), 1);
    respond_to(&f, latest_to(&f, better), &(response){0});
    assert_true(pair_to(&f, better).selected);
    size_t count = f.count;
    run_until(&f, 4900);
    assert_true(f.count > count);
    assert_int_equal(number_of(latest_to(&f, better)), 1);
    respond_to(&f, latest_to(&f, better), &(response){0});
    f.answers = worse;
    returned(&f);
    run_until(&f, ms(&f) + 100);
    assert_true(pair_to(&f, worse).selected);
    assert_int_equal(number_of(latest_to(&f, worse)), 2);
    end(&f);
}

/* The peer may have heard it, and its answers were lost: the chosen one has to be its last word again. */
static void i13_a_nomination_that_comes_to_nothing(void **state)
{
    fixture f;

    (void)state;
    begin_two(&f, FLOE_ICE_ROLE_CONTROLLING, true, true);
    respond_to(&f, latest_to(&f, better), &(response){0});
    returned(&f);
    run_until(&f, ms(&f) + 100);
    assert_int_equal(number_of(latest_to(&f, worse)), 2);
    sent nomination = *latest_to(&f, worse);
    for (f.answers = better; ms(&f) < 12000; run_until(&f, ms(&f) + 1000)) {
        f.count = 0;
    }
    respond_to(&f, &nomination, &(response){0}); /* too late */
    assert_true(pair_to(&f, better).selected);
    for (f.answers = better; ms(&f) < 55000; run_until(&f, ms(&f) + 1000)) {
        f.count = 0;
    }
    assert_false(pair_to(&f, worse).valid);
    assert_true(pair_to(&f, better).selected);
    run_until(&f, ms(&f) + 7000);
    assert_int_equal(number_of(latest_to(&f, better)), 3);
    end(&f);
}

/* A check that came before the start. */
static void i13_a_number_before_the_start(void **state)
{
    fixture f;
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    request what = {
        .priority = 5, .role = FLOE_STUN_ICE_CONTROLLING, .tie_breaker = 5, .nomination = 7};

    (void)state;
    options.renomination = true;
    begin_with(&f, &options);
    check(&f, worse, &what);
    renominates = true;
    start(&f, FLOE_ICE_ROLE_CONTROLLED);
    renominates = false;
    respond(&f);
    assert_true(pair_to(&f, worse).selected);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i13_the_highest_number_counts),
        cmocka_unit_test(i13_numbers_that_were_not_agreed_on),
        cmocka_unit_test(i13_nominations_are_numbered),
        cmocka_unit_test(i13_a_nomination_that_comes_to_nothing),
        cmocka_unit_test(i13_a_number_before_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
