/* The TTL of what a DNS answer says, and that no answer leads astray. */
#include "runtime/service_ttl.h"

#include "support.h"

#define MOST 3600U
/* As in RFC 1035 §4.1; each number is the text of its bytes. */
#define HEADER(questions, answers) "\xab\xcd\x81\x80" questions answers "\0\0\0\0"
#define NAME "\1s\2ex\0"
#define POINTER "\xc0\x0c" /* to the first question's name */
#define QUESTION NAME "\0\x21\0\1"
#define RECORD(name, ttl, data) name "\0\x21\0\1" ttl data
#define A_MINUTE "\0\0\0\x3c"
#define TEN_MINUTES "\0\0\2\x58"

#define TTL_OF(answer, most) floe_service_ttl(answer, sizeof(answer) - 1, most)

static void the_least_counts(void **state)
{
    static const char answer[] =
        HEADER("\0\1", "\0\3") QUESTION RECORD(POINTER, TEN_MINUTES, "\0\2ab")
            RECORD(NAME, A_MINUTE, "\0\1a") RECORD("\1t" POINTER, TEN_MINUTES, "\0\0");

    (void)state;
    assert_int_equal(TTL_OF(answer, MOST), 60);
    assert_int_equal(TTL_OF(answer, 30), 30);
    for (size_t size = 0; size < sizeof answer - 1; size++) {
        assert_int_equal(floe_service_ttl(answer, size, MOST), 0);
    }
}

static void what_comes_behind_does_not_count(void **state)
{
    static const char more[] =
        HEADER("\0\0", "\0\1") RECORD(NAME, TEN_MINUTES, "\0\0") RECORD(NAME, A_MINUTE, "\0\0");
    static const char none[] = HEADER("\0\1", "\0\0") QUESTION;

    (void)state;
    assert_int_equal(TTL_OF(more, MOST), 600);
    assert_int_equal(TTL_OF(none, MOST), MOST);
}

static void what_is_no_name_ends_it(void **state)
{
    static const char label[] = HEADER("\0\0", "\0\1") RECORD("\100a", A_MINUTE, "\0\0");
    static const char lies[] = HEADER("\xff\xff", "\0\1") QUESTION RECORD(NAME, A_MINUTE, "\0\0");
    static const char itself[] = HEADER("\0\0", "\0\1") RECORD(POINTER, A_MINUTE, "\0\0");

    (void)state;
    assert_int_equal(TTL_OF(label, MOST), 0);
    assert_int_equal(TTL_OF(lies, MOST), 0);
    assert_int_equal(TTL_OF(itself, MOST), 60); /* a pointer is not followed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_counts),
        cmocka_unit_test(what_comes_behind_does_not_count),
        cmocka_unit_test(what_is_no_name_ends_it),
    };

    return cmocka_run_group_tests_name("service_ttl", tests, NULL, NULL);
}
