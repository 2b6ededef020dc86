/* core/candidate_text: C1's fields, and the bounds of the whole; the lines are in
 * tests/conformance/candidates.table. */
#include "support.h"

#include <floe/candidate.h>
#include <stdio.h>
#include <string.h>

#define HOST "1 1 udp 2130706431 192.0.2.1 5000 typ host"

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

/* C3: what is to be ignored is told apart from what is broken, and an empty value from none. */
static void c3_what_others_define(void **state)
{
    static const struct {
        const char *text;
        floe_error error;
    } rows[] = {
        {"candidate:1 1 ssltcp 1 192.0.2.1 443 typ host generation 0", FLOE_ERR_UNSUPPORTED},
        {"candidate:1 1 udp 1 192.0.2.1 443 typ local", FLOE_ERR_UNSUPPORTED},
        {"candidate:1 1 ssltcp 1 192.0.2.1 443 host", FLOE_ERR_SYNTAX},
        {"candidate:1 1 ssl/tcp 1 192.0.2.1 443 typ host", FLOE_ERR_SYNTAX},
        {"candidate:1 1 ssltcp 1 192.0.2.1", FLOE_ERR_SYNTAX},
    };
    floe_candidate *candidate = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(floe_candidate_parse(rows[i].text, &candidate), rows[i].error);
    }
    assert_string_equal(floe_error_string(FLOE_ERR_UNSUPPORTED), "of an unknown kind");
    assert_int_equal(
        floe_candidate_parse("candidate:1 1 udp 1 192.0.2.1 5 typ host a  b c", &candidate),
        FLOE_OK);
    assert_int_equal(candidate->extension_count, 2);
    assert_string_equal(candidate->extensions[0].name, "a");
    assert_string_equal(candidate->extensions[0].value, "");
    assert_string_equal(candidate->extensions[1].name, "b");
    assert_string_equal(candidate->extensions[1].value, "c");
    floe_candidate_free(candidate);
}

/* What floe_gatherer_send wants of a candidate; a name has to be looked up first. */
static void its_address_is_ready_to_be_sent_to(void **state)
{
    static const struct {
        const char *text;
        const char *address; /* NULL: a name */
        floe_family family;
    } rows[] = {
        {"1 1 udp 1 192.0.2.1 80 typ host", "192.0.2.1:80", FLOE_FAMILY_IPV4},
        {"1 1 udp 1 fe80::1%eth0 9 typ host", "[fe80::1]:9", FLOE_FAMILY_IPV6},
        {"1 1 udp 1 a.local 80 typ host", NULL, FLOE_FAMILY_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_candidate *candidate;
        floe_address address = {0};
        assert_int_equal(floe_candidate_parse(rows[i].text, &candidate), FLOE_OK);
        assert_int_equal(candidate->family, rows[i].family);
        assert_int_equal(candidate->base_id, 0);
        floe_error error = floe_candidate_address(candidate, &address);
        assert_int_equal(error, rows[i].address != NULL ? FLOE_OK : FLOE_ERR_SYNTAX);
        if (rows[i].address != NULL) {
            floe_address right = address_of(rows[i].address);
            assert_true(floe_address_equal(&address, &right));
            assert_int_equal(address.scope_id, 0);
        }
        floe_candidate_free(candidate);
    }
    assert_int_equal(floe_candidate_address(NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
}

/* Of a value that there is not the name is empty. */
static void c1_names_of_values(void **state)
{
    static const char *const types[] = {"", "host", "srflx", "prflx", "relay"};
    static const char *const protocols[] = {"", "udp", "tcp", "tls", "dtls"};
    static const char *const tcp_types[] = {"", "active", "passive", "so"};
    static const char *const withdrawals[] = {
        "", "relay-lost", "mapping-changed", "address-gone", "released", "not-found"};

    (void)state;
    for (unsigned i = 0; i < 9; i++) {
        assert_string_equal(floe_candidate_type_name((floe_candidate_type)i),
                            i < 5 ? types[i] : "");
        assert_string_equal(floe_protocol_name((floe_protocol)i), i < 5 ? protocols[i] : "");
        assert_string_equal(floe_tcp_type_name((floe_tcp_type)i), i < 4 ? tcp_types[i] : "");
        assert_string_equal(floe_withdrawal_name((floe_withdrawal)i), i < 6 ? withdrawals[i] : "");
    }
}

/* RFC 8839 §5.1 and RFC 8866 §9: which bytes a foundation and a transport may have. */
static void c3_every_byte(void **state)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    floe_candidate *candidate = NULL;

    (void)state;
    for (int c = 1; c < 256; c++) {
        char text[128];
        bool letter = strchr(letters, c) != NULL;
        if (c == ' ') {
            continue;
        }
        (void)snprintf(text, sizeof text, "candidate:%c %s", c, &HOST[2]);
        floe_error error = floe_candidate_parse(text, &candidate);
        assert_int_equal(error, letter || c == '+' || c == '/' ? FLOE_OK : FLOE_ERR_SYNTAX);
        if (error == FLOE_OK) {
            assert_int_equal(candidate->foundation[0], c);
            floe_candidate_free(candidate);
        }
        (void)snprintf(text, sizeof text, "candidate:1 1 x%c 1 192.0.2.1 5000 typ host", c);
        bool token = letter || strchr("!#$%&'*+-.^_`{|}~", c) != NULL;
        assert_int_equal(floe_candidate_parse(text, &candidate),
                         token ? FLOE_ERR_UNSUPPORTED : FLOE_ERR_SYNTAX);
    }
}

#define ALL_OF_IT                                                                                  \
    "candidate:77 2 tcp 1677729535 2001:db8::9 9 typ relay raddr fd00::1 rport 5 tcptype "         \
    "active generation 1 ufrag ab+/"

/* A candidate has its room to the byte, and comes back as it was. */
static void c2_the_room_that_a_text_needs(void **state)
{
    static const char *const texts[] = {
        "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host",
        "candidate:1 256 UDP 1 192.0.2.1 65535 TYP SRFLX RADDR 10.0.0.1 RPORT 0", ALL_OF_IT};
    static const char *const written[] = {
        "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host",
        "candidate:1 256 udp 1 192.0.2.1 65535 typ srflx raddr 10.0.0.1 rport 0", ALL_OF_IT};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        floe_candidate *candidate = NULL;
        size_t size = strlen(written[i]);
        assert_int_equal(floe_candidate_parse(texts[i], &candidate), FLOE_OK);
        for (size_t room = 0; room < size + 3; room++) {
            char text[256];
            memset(text, 'x', sizeof text);
            assert_int_equal(floe_candidate_format(candidate, text, room),
                             room > size ? FLOE_OK : FLOE_ERR_BUFFER_TOO_SMALL);
            assert_int_equal(text[room], 'x');
            if (room > size) {
                assert_string_equal(text, written[i]);
            }
        }
        assert_int_equal(floe_candidate_format(NULL, (char[8]){0}, 8), FLOE_ERR_INVALID_ARGUMENT);
        assert_int_equal(floe_candidate_format(candidate, NULL, 8), FLOE_ERR_INVALID_ARGUMENT);
        floe_candidate_free(candidate);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c1_fields),
        cmocka_unit_test(c1_names_of_values),
        cmocka_unit_test(c2_the_room_that_a_text_needs),
        cmocka_unit_test(c3_every_byte),
        cmocka_unit_test(c3_bounds_of_the_whole),
        cmocka_unit_test(c3_what_others_define),
        cmocka_unit_test(its_address_is_ready_to_be_sent_to),
    };
    return cmocka_run_group_tests_name("candidate text", tests, NULL, NULL);
}
