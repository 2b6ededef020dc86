/* What is told of pairs. */
#include "hand.h"

#include <stdio.h>
#include <string.h>

static void line(const floe_candidate *candidate, char *text)
{
    assert_int_equal(floe_candidate_format(candidate, text, FLOE_CANDIDATE_TEXT_SIZE), FLOE_OK);
}

/* Without the foundation, which is the gatherer's own. */
static const char *behind(const char *text)
{
    return strchr(text, ' ') + 1;
}

static void i17_pairs_have_their_candidates(void **state)
{
    fixture f;
    floe_ice_pair_list *list = NULL;
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "f1 1 udp 2130706431 198.51.100.7 7000 typ host"), FLOE_OK);
    assert_int_equal(
        add(&f, "f2 1 udp 1694498815 198.51.100.8 8000 typ srflx raddr 10.0.0.1 rport 3"), FLOE_OK);
    check(&f, "198.51.100.9:9000", &usual);
    assert_int_equal(floe_ice_get_pairs(f.ice, &list), FLOE_OK);
    assert_int_equal(list->count, 3);
    line(list->pairs[0]->local, text);
    assert_string_equal(behind(text), "1 udp 2130706431 192.0.2.1 5000 typ host");
    assert_int_equal(list->pairs[0]->local->id, list->pairs[0]->local_id);
    line(list->pairs[0]->remote, text);
    assert_string_equal(text, "candidate:f1 1 udp 2130706431 198.51.100.7 7000 typ host");
    line(list->pairs[1]->remote, text);
    assert_string_equal(text, "candidate:prflx4 1 udp 1862270975 198.51.100.9 9000 typ prflx "
                              "raddr 0.0.0.0 rport 9");
    line(list->pairs[2]->remote, text);
    assert_string_equal(text, "candidate:f2 1 udp 1694498815 198.51.100.8 8000 typ srflx "
                              "raddr 10.0.0.1 rport 3");
    floe_ice_pair_list_free(list);
    respond_to(&f, &f.sent[0], &(response){.mapped = "203.0.113.5:5555"});
    assert_int_equal(floe_ice_get_pairs(f.ice, &list), FLOE_OK);
    line(list->pairs[0]->local, text);
    assert_string_equal(behind(text), "1 udp 1862270975 203.0.113.5 5555 typ prflx "
                                      "raddr 192.0.2.1 rport 5000");
    floe_ice_pair_list_free(list);
    end(&f);
}

static void i22_changes_of_pairs_are_told(void **state)
{
    fixture f;
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;

    (void)state;
    options.report_pairs = true;
    begin_with(&f, &options);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    add_peer(&f);
    respond(&f);
    run_until(&f, 10);
    respond(&f); /* it nominates */
    assert_string_equal(f.changes, "7000:in-progress 7000:succeeded+valid "
                                   "7000:succeeded+valid+nominated+selected");
    f.changes[0] = '\0';
    run_until(&f, 45000);
    assert_string_equal(f.changes, "7000:failed/consent");
    end(&f);
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    add_peer(&f);
    respond(&f);
    assert_string_equal(f.changes, "");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i17_pairs_have_their_candidates),
        cmocka_unit_test(i22_changes_of_pairs_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
