/* core/candidate_text: C2 and C3: what is read, how it is written again, and where bad text is bad.
 */
#include "support.h"

#include <floe/candidate.h>
#include <stdlib.h>
#include <string.h>

/* `out`: the canonical text without "candidate:"; NULL: an error whose sentence begins with
 * `error`. */
typedef struct text_row {
    const char *in;
    const char *out;
    const char *error;
} text_row;

#define HOST "1 1 udp 2130706431 192.0.2.1 5000 typ host"
#define GOOD(in, out)                                                                              \
    {                                                                                              \
        in, out, NULL                                                                              \
    }
#define BAD(in, error)                                                                             \
    {                                                                                              \
        in, NULL, error                                                                            \
    }

static const text_row rows[] = {
    /* What C2 writes. */
    GOOD("candidate:" HOST, HOST),
    GOOD("candidate:abc+/9 2 udp 1 192.0.2.1 0 typ host", "abc+/9 2 udp 1 192.0.2.1 0 typ host"),
    GOOD("candidate:1 256 udp 4294967295 192.0.2.1 65535 typ host",
         "1 256 udp 4294967295 192.0.2.1 65535 typ host"),
    GOOD("candidate:1 1 udp 1 192.0.2.1 5 typ srflx raddr 10.0.0.1 rport 6",
         "1 1 udp 1 192.0.2.1 5 typ srflx raddr 10.0.0.1 rport 6"),
    GOOD("candidate:1 1 udp 1 192.0.2.1 5 typ prflx raddr 10.0.0.1 rport 6",
         "1 1 udp 1 192.0.2.1 5 typ prflx raddr 10.0.0.1 rport 6"),
    GOOD("candidate:1 1 udp 1 192.0.2.1 5 typ relay raddr 0.0.0.0 rport 9",
         "1 1 udp 1 192.0.2.1 5 typ relay raddr 0.0.0.0 rport 9"),
    GOOD("candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active",
         "1 1 tcp 1 192.0.2.1 9 typ host tcptype active"),
    GOOD("candidate:1 1 tcp 1 192.0.2.1 8 typ host tcptype passive",
         "1 1 tcp 1 192.0.2.1 8 typ host tcptype passive"),
    GOOD("candidate:1 1 tcp 1 192.0.2.1 8 typ srflx raddr 10.0.0.1 rport 8 tcptype so",
         "1 1 tcp 1 192.0.2.1 8 typ srflx raddr 10.0.0.1 rport 8 tcptype so"),
    GOOD("candidate:1 1 udp 1 2001:db8::1 5 typ host", "1 1 udp 1 2001:db8::1 5 typ host"),
    /* What is seen in the wild. */
    GOOD("a=candidate:" HOST, HOST),
    GOOD(HOST, HOST),
    GOOD("candidate:" HOST "\r\n", HOST),
    GOOD("candidate:" HOST "   ", HOST),
    GOOD("candidate:1  1   udp 2130706431 192.0.2.1 5000  typ host", HOST),
    GOOD("candidate:1 1 UDP 2130706431 192.0.2.1 5000 typ host", HOST),
    GOOD("candidate:1 1 Udp 2130706431 192.0.2.1 5000 TYP HOST", HOST),
    GOOD("candidate:1 1 TCP 1 192.0.2.1 9 typ host TCPTYPE ACTIVE",
         "1 1 tcp 1 192.0.2.1 9 typ host tcptype active"),
    GOOD("candidate: 1 udp 5 192.0.2.1 5000 typ host", " 1 udp 5 192.0.2.1 5000 typ host"),
    GOOD(" 1 udp 5 192.0.2.1 5000 typ host", " 1 udp 5 192.0.2.1 5000 typ host"),
    GOOD("candidate:1 1 udp 1 2001:DB8:0:0:0:0:0:1 5 typ host", "1 1 udp 1 2001:db8::1 5 typ host"),
    GOOD("candidate:1 1 udp 1 ::ffff:192.0.2.1 5 typ host",
         "1 1 udp 1 ::ffff:192.0.2.1 5 typ host"),
    GOOD("candidate:1 1 udp 1 4c4ad5c5-cc0e-4cae-bc1b-1a5a7dcbd3b0.local 5 typ host",
         "1 1 udp 1 4c4ad5c5-cc0e-4cae-bc1b-1a5a7dcbd3b0.local 5 typ host"),
    GOOD("candidate:1 1 udp 1 turn.example.org 5 typ relay raddr me.example rport 6",
         "1 1 udp 1 turn.example.org 5 typ relay raddr me.example rport 6"),
    GOOD("candidate:" HOST " generation 0", HOST " generation 0"),
    GOOD("candidate:" HOST " generation 0 ufrag EsAw network-id 3 network-cost 10",
         HOST " generation 0 ufrag EsAw network-id 3 network-cost 10"),
    GOOD("candidate:" HOST " x y X Y x y", HOST " x y X Y x y"),
    GOOD("candidate:" HOST " generation", HOST " generation "),
    GOOD("candidate:" HOST " generation ", HOST " generation "),
    GOOD("candidate:1 1 udp 1 192.0.2.1 5 typ srflx generation 0 rport 6 raddr 10.0.0.1",
         "1 1 udp 1 192.0.2.1 5 typ srflx raddr 10.0.0.1 rport 6 generation 0"),
    GOOD("candidate:1 1 tcp 1 192.0.2.1 9 typ host generation 0 tcptype active id 1",
         "1 1 tcp 1 192.0.2.1 9 typ host tcptype active generation 0 id 1"),
    GOOD("candidate:" HOST " name \xc3\xa4", HOST " name \xc3\xa4"),
    GOOD("candidate:12345678901234567890123456789012 1 udp 1 192.0.2.1 5 typ host",
         "12345678901234567890123456789012 1 udp 1 192.0.2.1 5 typ host"),
    GOOD("candidate:1 00001 udp 0001 192.0.2.1 05 typ host", "1 1 udp 1 192.0.2.1 5 typ host"),
    /* Bad text, and where it is bad. */
    BAD("", "column 1: the text ends where foundation"),
    BAD("candidate:", "column 11: the text ends where foundation"),
    BAD("a=candidate:", "column 13: "),
    BAD("candidate:1", "column 12: the text ends where component"),
    BAD("candidate:1 1", "column 14: the text ends where transport"),
    BAD("candidate:1 1 udp", "column 18: the text ends where priority"),
    BAD("candidate:1 1 udp 1", "column 20: the text ends where address"),
    BAD("candidate:1 1 udp 1 192.0.2.1", "column 30: the text ends where port"),
    BAD("candidate:1 1 udp 1 192.0.2.1 5", "column 32: the text ends where \"typ\""),
    BAD("candidate:1 1 udp 1 192.0.2.1 5 typ", "column 36: the text ends where candidate type"),
    BAD("candidate:a-b 1 udp 1 192.0.2.1 5 typ host", "column 11: \"a-b\" is no foundation"),
    BAD("candidate:123456789012345678901234567890123 1 udp 1 192.0.2.1 5 typ host", "column 11: "),
    BAD("candidate:1 0 udp 1 192.0.2.1 5 typ host", "column 13: component \"0\" is below 1"),
    BAD("candidate:1 257 udp 1 192.0.2.1 5 typ host", "column 13: component \"257\" is above 256"),
    BAD("candidate:1 -1 udp 1 192.0.2.1 5 typ host", "column 13: \"-1\" is no component"),
    BAD("candidate:1 x udp 1 192.0.2.1 5 typ host", "column 13: \"x\" is no component"),
    BAD("candidate:1 1 sctp 1 192.0.2.1 5 typ host", "column 15: \"sctp\" is no transport"),
    BAD("candidate:1 1 udpx 1 192.0.2.1 5 typ host", "column 15: "),
    BAD("candidate:1 1 udp 0 192.0.2.1 5 typ host", "column 19: priority \"0\" is below 1"),
    BAD("candidate:1 1 udp 4294967296 192.0.2.1 5 typ host", "column 19: priority"),
    BAD("candidate:1 1 udp 99999999999999999999999 192.0.2.1 5 typ host", "column 19: priority"),
    BAD("candidate:1 1 udp 1.5 192.0.2.1 5 typ host", "column 19: "),
    BAD("candidate:1 1 udp 1 256.0.2.1 5 typ host", "column 21: \"256.0.2.1\" is no address"),
    BAD("candidate:1 1 udp 1 fe80::1%eth0 5 typ host", "column 21: "),
    BAD("candidate:1 1 udp 1 [::1] 5 typ host", "column 21: "),
    BAD("candidate:1 1 udp 1 a..b 5 typ host", "column 21: "),
    BAD("candidate:1 1 udp 1 1:2:3 5 typ host", "column 21: "),
    BAD("candidate:1 1 udp 1 192.0.2.1 70000 typ host", "column 31: port \"70000\" is above 65535"),
    BAD("candidate:1 1 udp 1 192.0.2.1 -5 typ host", "column 31: "),
    BAD("candidate:1 1 udp 1 192.0.2.1 5 type host", "column 33: \"type\" is no \"typ\""),
    BAD("candidate:1 1 udp 1 192.0.2.1 5 typ server", "column 37: \"server\" is no candidate type"),
    BAD("candidate:1 1 udp 1 192.0.2.1 5 typ srflx raddr", "column 48: "),
    BAD("candidate:1 1 udp 1 192.0.2.1 5 typ srflx raddr x_y..z rport 5", "column 49: "),
    BAD("candidate:1 1 udp 1 192.0.2.1 5 typ srflx raddr 10.0.0.1", "column 57: "),
    BAD("candidate:1 1 udp 1 192.0.2.1 5 typ srflx rport 5", "column 50: "),
    BAD("candidate:1 1 udp 1 192.0.2.1 5 typ srflx raddr 10.0.0.1 rport 65536", "column 64: "),
    BAD("candidate:1 1 tcp 1 192.0.2.1 5 typ host tcptype simultaneous", "column 50: "),
    BAD("candidate:1\t1 udp 1 192.0.2.1 5 typ host", "column 12: a control character"),
    BAD("candidate:1 1 udp 1 192.0.2.1 5 typ host\ncandidate:2", "column 41: a control character"),
    BAD("Candidate:1 1 udp 1 192.0.2.1 5 typ host", "column 1: "),
};

static void check_row(const text_row *row)
{
    floe_candidate *candidate = NULL;
    char text[4096];
    floe_error error = floe_candidate_parse(row->in, &candidate);

    if (row->out == NULL) {
        if (error != FLOE_ERR_SYNTAX) {
            fail_msg("\"%s\" was taken", row->in);
        }
        if (strncmp(floe_last_error(), row->error, strlen(row->error)) != 0) {
            fail_msg("\"%s\": \"%s\", not \"%s…\"", row->in, floe_last_error(), row->error);
        }
        return;
    }
    if (error != FLOE_OK) {
        fail_msg("\"%s\": %s", row->in, floe_last_error());
    }
    assert_int_equal(floe_candidate_format(candidate, text, sizeof text), FLOE_OK);
    assert_string_equal(text + strlen("candidate:"), row->out);
    floe_candidate_free(candidate);
    /* What was written is read as the same again. */
    assert_int_equal(floe_candidate_parse(text, &candidate), FLOE_OK);
    char again[4096];
    assert_int_equal(floe_candidate_format(candidate, again, sizeof again), FLOE_OK);
    assert_string_equal(again, text);
    floe_candidate_free(candidate);
}

static void c3_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_row(&rows[i]);
    }
    assert_true(sizeof rows / sizeof *rows >= 60);
}

static void c1_fields(void **state)
{
    floe_candidate *c;

    (void)state;
    assert_int_equal(
        floe_candidate_parse("candidate:77 2 tcp 1677729535 2001:db8::9 40000 typ srflx "
                             "raddr fd00::1 rport 5 tcptype so generation 1 ufrag ab+/ "
                             "network-id 42 network-cost 50",
                             &c),
        FLOE_OK);
    assert_string_equal(c->foundation, "77");
    assert_int_equal(c->component, 2);
    assert_int_equal(c->protocol, FLOE_PROTOCOL_TCP);
    assert_int_equal(c->priority, 1677729535);
    assert_string_equal(c->address, "2001:db8::9");
    assert_int_equal(c->port, 40000);
    assert_int_equal(c->type, FLOE_CANDIDATE_TYPE_SRFLX);
    assert_int_equal(c->tcp_type, FLOE_TCP_TYPE_SO);
    assert_string_equal(c->related_address, "fd00::1");
    assert_int_equal(c->related_port, 5);
    assert_string_equal(c->username_fragment, "ab+/");
    assert_int_equal(c->network_id, 42);
    assert_null(c->url);
    assert_int_equal(c->extension_count, 4);
    assert_string_equal(c->extensions[0].name, "generation");
    assert_string_equal(c->extensions[0].value, "1");
    assert_string_equal(c->extensions[3].value, "50");
    floe_candidate_free(c);
    floe_candidate_free(NULL);
    assert_int_equal(floe_candidate_parse(NULL, &c), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_candidate_parse("x", NULL), FLOE_ERR_INVALID_ARGUMENT);
}

static void c3_bounds_of_the_whole(void **state)
{
    char text[3000] = "candidate:" HOST;
    floe_candidate *c;

    (void)state;
    for (int i = 0; i < 64; i++) {
        strcat(text, " n v");
    }
    assert_int_equal(floe_candidate_parse(text, &c), FLOE_OK);
    assert_int_equal(c->extension_count, 64);
    floe_candidate_free(c);
    strcat(text, " n v");
    assert_int_equal(floe_candidate_parse(text, &c), FLOE_ERR_SYNTAX);
    assert_non_null(strstr(floe_last_error(), "more than 64"));
    memset(text, 'x', sizeof text - 1);
    text[2049] = '\0';
    assert_int_equal(floe_candidate_parse(text, &c), FLOE_ERR_SYNTAX);
    assert_non_null(strstr(floe_last_error(), "longer than 2048"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c3_table),
        cmocka_unit_test(c1_fields),
        cmocka_unit_test(c3_bounds_of_the_whole),
    };
    return cmocka_run_group_tests_name("candidate text", tests, NULL, NULL);
}
