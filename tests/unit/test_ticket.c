/* The word that one side of `floe connect` hands to the other. */
#include "support.h"

#include "cli/base64.h"
#include "cli/ticket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const lines[] = {
    "candidate:CdSxhnQQ 1 udp 2130706431 192.0.2.1 43236 typ host",
    "candidate:CdSxhnQQ 1 udp 2130640895 2001:db8::7 1 typ host",
    "candidate:other 1 udp 1677729535 203.0.113.1 65535 typ srflx raddr 10.0.1.2 rport 5000",
    "candidate:third 1 tcp 1671430143 192.0.2.1 9 typ host tcptype active",
    "candidate:third 1 tcp 1671430142 192.0.2.1 443 typ host tcptype passive",
    "candidate:r 1 udp 16777215 198.51.100.9 50000 typ relay raddr 0.0.0.0 rport 9",
    "candidate:m 1 udp 5 0f8a1c2e-3b4d-4e5f-8a9b-1c2d3e4f5a6b.local 6000 typ host",
};
#define LINES (sizeof lines / sizeof *lines)

typedef struct ours {
    floe_parameters parameters;
    floe_candidate *candidates[300];
    floe_candidate_list list;
    char text[TICKET_TEXT_SIZE];
} ours;

static ours *made(size_t count)
{
    ours *of = calloc(1, sizeof *of);

    assert_non_null(of);
    of->parameters = (floe_parameters)FLOE_PARAMETERS_INIT;
    (void)strcpy(of->parameters.username_fragment, "CDwRZsxw");
    (void)strcpy(of->parameters.password, "78BzZaufPk0ybLBEp9sK6Z/+");
    for (size_t i = 0; i < count; i++) {
        char line[128];
        (void)snprintf(line, sizeof line, "candidate:f%zu 1 udp %zu 192.0.2.%zu 5 typ host", i,
                       i + 1, i % 250 + 1);
        assert_int_equal(floe_candidate_parse(count > LINES ? line : lines[i], &of->candidates[i]),
                         FLOE_OK);
    }
    of->list = (floe_candidate_list){
        .count = count, .candidates = (const floe_candidate *const *)(void *)of->candidates};
    ticket_encode(&of->parameters, &of->list, of->text);
    return of;
}

static void end(ours *of)
{
    for (size_t i = 0; i < of->list.count; i++) {
        floe_candidate_free(of->candidates[i]);
    }
    free(of);
}

static ticket_result result_of(const char *text)
{
    ticket other;
    ticket_result result = ticket_decode(text, &other);

    ticket_free(&other);
    return result;
}

static void assert_same_candidate(const floe_candidate *one, const floe_candidate *other)
{
    assert_int_equal(one->type, other->type);
    assert_int_equal(one->protocol, other->protocol);
    assert_int_equal(one->tcp_type, other->tcp_type);
    assert_int_equal(one->priority, other->priority);
    assert_int_equal(one->port, other->port);
    assert_string_equal(one->address, other->address);
}

/* Which is the same foundation, and no more, is what the other side has to know. */
static void assert_same_foundations(const ours *of, const ticket *other)
{
    for (size_t i = 0; i < other->count; i++) {
        for (size_t j = 0; j < other->count; j++) {
            bool same = strcmp(of->candidates[i]->foundation, of->candidates[j]->foundation) == 0;
            assert_int_equal(
                strcmp(other->candidates[i]->foundation, other->candidates[j]->foundation) == 0,
                same);
        }
    }
}

static void what_is_in_it_comes_out(void **state)
{
    ours *of = made(LINES);
    ticket other;

    (void)state;
    of->parameters.ice_lite = true;
    ticket_encode(&of->parameters, &of->list, of->text);
    assert_int_equal(ticket_decode(of->text, &other), TICKET_GOOD);
    assert_string_equal(other.parameters.username_fragment, "CDwRZsxw");
    assert_string_equal(other.parameters.password, "78BzZaufPk0ybLBEp9sK6Z/+");
    assert_true(other.parameters.ice_lite);
    assert_int_equal(other.count, LINES);
    for (size_t i = 0; i < LINES; i++) {
        assert_same_candidate(other.candidates[i], of->candidates[i]);
    }
    assert_same_foundations(of, &other);
    ticket_free(&other);
    end(of);
}

/* It can be marked by a double click, and put into a URL. */
static void it_is_one_word_that_begins_with_floe(void **state)
{
    ours *of = made(LINES);

    (void)state;
    assert_memory_equal(of->text, "floe", 4);
    assert_int_equal(
        strspn(of->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
        strlen(of->text));
    end(of);
}

static void without_candidates_it_is_one_too(void **state)
{
    ours *of = made(0);

    (void)state;
    assert_int_equal(result_of(of->text), TICKET_GOOD);
    end(of);
}

static void of_too_many_candidates_the_best_are_in_it(void **state)
{
    ours *of = made(300);
    ticket other;

    (void)state;
    assert_int_equal(ticket_decode(of->text, &other), TICKET_GOOD);
    assert_int_equal(other.count, TICKET_CANDIDATES);
    for (size_t i = 0; i < TICKET_CANDIDATES; i++) {
        assert_int_equal(other.candidates[i]->priority, 300 - i);
    }
    ticket_free(&other);
    end(of);
}

static void blanks_and_line_ends_in_it_do_no_harm(void **state)
{
    ours *of = made(LINES);
    char text[TICKET_TEXT_SIZE] = "\n\t ";
    size_t used = strlen(text);

    (void)state;
    for (const char *at = of->text; *at != '\0'; at++) {
        used += (size_t)snprintf(&text[used], sizeof text - used, "%c%s", *at,
                                 (at - of->text) % 20 == 19 ? " \r\n" : "");
    }
    assert_int_equal(result_of(text), TICKET_GOOD);
    end(of);
}

static void a_cut_one_is_called_cut(void **state)
{
    ours *of = made(LINES);
    size_t size = strlen(of->text);

    (void)state;
    assert_int_equal(result_of(""), TICKET_EMPTY);
    assert_int_equal(result_of(" \r\n"), TICKET_EMPTY);
    for (size_t i = 1; i < size; i++) {
        of->text[size - i] = '\0';
        assert_int_equal(result_of(of->text), TICKET_CUT);
    }
    end(of);
}

/* Whatever letter is another one: nothing of it is taken. */
static void a_changed_one_is_taken_by_nobody(void **state)
{
    ours *of = made(LINES);

    (void)state;
    for (size_t i = 0; of->text[i] != '\0'; i++) {
        for (const char *letter = "AZaz09-_.=é"; *letter != '\0'; letter++) {
            char before = of->text[i];
            of->text[i] = *letter;
            if (*letter != before) {
                assert_int_not_equal(result_of(of->text), TICKET_GOOD);
            }
            of->text[i] = before;
        }
    }
    end(of);
}

static void one_with_more_behind_it_is_damaged(void **state)
{
    ours *of = made(LINES);
    size_t size = strlen(of->text);

    (void)state;
    (void)strcpy(&of->text[size], "A");
    assert_int_equal(result_of(of->text), TICKET_DAMAGED);
    (void)strcpy(&of->text[size], "AAAA");
    assert_int_equal(result_of(of->text), TICKET_DAMAGED);
    end(of);
}

static void one_of_another_version_is_called_so(void **state)
{
    (void)state;
    assert_int_equal(result_of("floeAg"), TICKET_OF_ANOTHER_VERSION);
    assert_int_equal(result_of("floeAgAAAAAAAAAA"), TICKET_OF_ANOTHER_VERSION);
    assert_int_equal(result_of("floe_wAAAAAAAAAAAAAAAA"), TICKET_OF_ANOTHER_VERSION);
}

static void what_is_none_is_called_so(void **state)
{
    (void)state;
    assert_int_equal(result_of("hello"), TICKET_NONE);
    assert_int_equal(result_of("candidate:1 1 udp 1 192.0.2.1 5 typ host"), TICKET_NONE);
    assert_int_equal(result_of("floe!"), TICKET_CUT);
    assert_int_equal(result_of("floe!!"), TICKET_DAMAGED);
    for (ticket_result result = TICKET_EMPTY; result <= TICKET_OF_ANOTHER_VERSION; result++) {
        assert_int_not_equal(strlen(ticket_why(result)), 0);
    }
}

/* The bytes of a ticket, whose sum is right: what is in it is not. */
static ticket_result result_of_bytes(const uint8_t *body, size_t size)
{
    uint8_t bytes[600] = {0x7e, 0x5a, 0x1e, 1, (uint8_t)(size >> 8), (uint8_t)size};
    char text[BASE64_SIZE(sizeof bytes)];
    uint32_t sum = UINT32_MAX;

    memcpy(&bytes[6], body, size);
    for (size_t i = 0; i < size + 6; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            sum = sum >> 1 ^ ((sum & 1U) != 0 ? UINT32_C(0xEDB88320) : 0);
        }
    }
    for (size_t i = 0; i < 4; i++) {
        bytes[size + 6 + i] = (uint8_t)(~sum >> (24 - 8 * i));
    }
    base64_encode_for_urls(bytes, size + 10, text);
    return result_of(text);
}

#define HEAD "\0\3abcd\25abcdefghijklmnopqrstuv"
#define RESULT_OF(bytes) result_of_bytes((const uint8_t *)(bytes), sizeof(bytes) - 1)

static void what_nobody_makes_is_not_taken(void **state)
{
    (void)state;
    assert_int_equal(RESULT_OF(HEAD "\0"), TICKET_GOOD);
    assert_int_equal(RESULT_OF(HEAD "\1\0\0\1\1\1\1\0\5\300\0\2\1"), TICKET_GOOD);
    assert_int_equal(RESULT_OF(HEAD "\1\40\0\1\1\1\1\0\5\3a.b"), TICKET_GOOD);
    assert_int_equal(RESULT_OF(HEAD), TICKET_DAMAGED);        /* no count */
    assert_int_equal(RESULT_OF(HEAD "\0\0"), TICKET_DAMAGED); /* more behind it */
    assert_int_equal(RESULT_OF(HEAD "\101"), TICKET_DAMAGED); /* 65 candidates */
    assert_int_equal(RESULT_OF(HEAD "\1\0\0\1\1\1\1\0\5\300\0\2"), TICKET_DAMAGED);
    assert_int_equal(RESULT_OF(HEAD "\1\60\0\1\1\1\1\0\5\300\0\2\1"),
                     TICKET_DAMAGED); /* a fourth kind of address */
    assert_int_equal(RESULT_OF(HEAD "\1\0\0\0\0\0\0\0\5\300\0\2\1"),
                     TICKET_DAMAGED); /* priority 0 */
    assert_int_equal(RESULT_OF(HEAD "\1\40\0\1\1\1\1\0\5\3a b"),
                     TICKET_DAMAGED); /* a name of two words */
    assert_int_equal(RESULT_OF(HEAD "\1\40\0\1\1\1\1\0\5\3a\0b"), TICKET_DAMAGED);
    assert_int_equal(RESULT_OF("\0\2abc\25abcdefghijklmnopqrstuv\0"),
                     TICKET_DAMAGED); /* too short */
    assert_int_equal(RESULT_OF("\0\3ab d\25abcdefghijklmnopqrstuv\0"), TICKET_DAMAGED);
    assert_int_equal(RESULT_OF("\0\3abcd\24abcdefghijklmnopqrstu\0"), TICKET_DAMAGED);
    assert_int_equal(RESULT_OF("\0\3abcd\377abcdefghijklmnopqrstu\0"), TICKET_DAMAGED);
}

static void base64_of_both_kinds(void **state)
{
    static const char *const texts[][3] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"\xfb\xff", "+/8=", "-_8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[32];
        uint8_t data[8];
        size_t size;
        size_t column;
        base64_encode(texts[i][0], strlen(texts[i][0]), text);
        assert_string_equal(text, texts[i][1]);
        base64_encode_for_urls(texts[i][0], strlen(texts[i][0]), text);
        assert_string_equal(text, texts[i][2]);
        for (size_t j = 1; j < 3; j++) {
            assert_true(
                base64_decode(texts[i][j], strlen(texts[i][j]), data, sizeof data, &size, &column));
            assert_int_equal(size, strlen(texts[i][0]));
            assert_memory_equal(data, texts[i][0], size);
        }
    }
}

static void what_is_no_base64(void **state)
{
    static const struct {
        const char *text;
        size_t column;
    } texts[] = {{"Z", 2},     {"Zg=", 3},      {"Zm9v=", 5}, {"Z!==", 2},
                 {"Zm9vZ", 6}, {"Zg==Zg==", 3}, {"=", 1}};
    uint8_t data[8];
    size_t size;
    size_t column;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_false(
            base64_decode(texts[i].text, strlen(texts[i].text), data, sizeof data, &size, &column));
        assert_int_equal(column, texts[i].column);
    }
    assert_false(base64_decode("Zm9vYg", 6, data, 3, &size, &column)); /* no room for it */
    assert_true(base64_decode("Zm9v", 4, data, 3, &size, &column));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_it_comes_out),
        cmocka_unit_test(it_is_one_word_that_begins_with_floe),
        cmocka_unit_test(without_candidates_it_is_one_too),
        cmocka_unit_test(of_too_many_candidates_the_best_are_in_it),
        cmocka_unit_test(blanks_and_line_ends_in_it_do_no_harm),
        cmocka_unit_test(a_cut_one_is_called_cut),
        cmocka_unit_test(a_changed_one_is_taken_by_nobody),
        cmocka_unit_test(one_with_more_behind_it_is_damaged),
        cmocka_unit_test(one_of_another_version_is_called_so),
        cmocka_unit_test(what_is_none_is_called_so),
        cmocka_unit_test(what_nobody_makes_is_not_taken),
        cmocka_unit_test(base64_of_both_kinds),
        cmocka_unit_test(what_is_no_base64),
    };
    return cmocka_run_group_tests_name("ticket", tests, NULL, NULL);
}
