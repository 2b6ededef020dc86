/* base/address: text both ways, classes, the one normalisation. */
#include "support.h"

#include "base/address.h"

#include <string.h>

typedef struct text_row {
    const char *in;
    const char *out; /* NULL: no address */
} text_row;

static void reads_and_writes_text(void **state)
{
    static const text_row rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"256.1.1.1", NULL},
        {"1.1.1", NULL},
        {"1.1.1.1.1", NULL},
        {"01.1.1.1", NULL}, /* RFC 6943 §3.1.1: octal to some */
        {"1.1.1.1 ", NULL},
        {" 1.1.1.1", NULL},
        {"1..1.1", NULL},
        {"", NULL},
        {"1.1.1.1:80", NULL},
        {"0x7f.1.1.1", NULL},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:db8::1", "2001:db8::1"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"}, /* RFC 5952 §4.2.3: the first of equals */
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},       /* the longest */
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* §4.2.2: not one group alone */
        {"2001:db8::0:1", "2001:db8::1"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        {"::ffff:c000:201", "::ffff:192.0.2.1"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"1:2:3:4:5:6:7", NULL},
        {"1::2::3", NULL},
        {":::", NULL},
        {":1", NULL},
        {"1:", NULL},
        {"12345::", NULL},
        {"g::", NULL},
        {"fe80::1%eth0", NULL},
        {"1:2:3:4:5:6:7:1.2.3.4", NULL},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"::1.2.3", NULL},
        {"1:2:3:4:5:6:7::8", NULL},
        {"[::1]", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_address address;
        char text[FLOE_ADDRESS_TEXT_SIZE];
        floe_error error = floe_address_parse(rows[i].in, &address);
        if (rows[i].out == NULL) {
            if (error != FLOE_ERR_SYNTAX) {
                fail_msg("\"%s\" was taken", rows[i].in);
            }
            continue;
        }
        if (error != FLOE_OK) {
            fail_msg("\"%s\" was not taken", rows[i].in);
        }
        assert_int_equal(floe_address_format(&address, text, sizeof text), FLOE_OK);
        assert_string_equal(text, rows[i].out);
    }
}

static void text_needs_room(void **state)
{
    floe_address address = address_of("192.0.2.1:5");
    char text[FLOE_ADDRESS_TEXT_SIZE];

    (void)state;
    assert_int_equal(floe_address_format(&address, text, 9), FLOE_ERR_BUFFER_TOO_SMALL);
    assert_int_equal(floe_address_format(&address, text, 10), FLOE_OK);
    assert_int_equal(floe_address_format(NULL, text, 10), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_address_parse(NULL, &address), FLOE_ERR_INVALID_ARGUMENT);
    assert_string_equal(floe_address_text(&address, text), "192.0.2.1:5");
    address = address_of("[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
    assert_string_equal(floe_address_text(&address, text),
                        "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}

typedef struct class_row {
    const char *ip;
    floe_address_kind kind;
} class_row;

static void classifies(void **state)
{
    static const class_row rows[] = {
        {"8.8.8.8", FLOE_ADDRESS_GLOBAL},
        {"0.0.0.0", FLOE_ADDRESS_UNSPECIFIED},
        {"0.1.2.3", FLOE_ADDRESS_UNSPECIFIED},
        {"127.0.0.1", FLOE_ADDRESS_LOOPBACK},
        {"127.255.255.255", FLOE_ADDRESS_LOOPBACK},
        {"128.0.0.1", FLOE_ADDRESS_GLOBAL},
        {"169.254.1.1", FLOE_ADDRESS_LINK_LOCAL},
        {"10.1.2.3", FLOE_ADDRESS_PRIVATE},
        {"172.16.0.1", FLOE_ADDRESS_PRIVATE},
        {"172.31.255.255", FLOE_ADDRESS_PRIVATE},
        {"172.32.0.1", FLOE_ADDRESS_GLOBAL},
        {"192.168.1.1", FLOE_ADDRESS_PRIVATE},
        {"100.64.0.1", FLOE_ADDRESS_SHARED},
        {"100.128.0.1", FLOE_ADDRESS_GLOBAL},
        {"224.0.0.251", FLOE_ADDRESS_MULTICAST},
        {"255.255.255.255", FLOE_ADDRESS_BROADCAST},
        {"250.1.1.1", FLOE_ADDRESS_RESERVED},
        {"203.0.113.5", FLOE_ADDRESS_RESERVED},
        {"::", FLOE_ADDRESS_UNSPECIFIED},
        {"::1", FLOE_ADDRESS_LOOPBACK},
        {"::ffff:127.0.0.1", FLOE_ADDRESS_IPV4_MAPPED},
        {"::192.0.2.1", FLOE_ADDRESS_IPV4_COMPATIBLE},
        {"fe80::1", FLOE_ADDRESS_LINK_LOCAL},
        {"febf::1", FLOE_ADDRESS_LINK_LOCAL},
        {"fec0::1", FLOE_ADDRESS_SITE_LOCAL},
        {"fd00::1", FLOE_ADDRESS_PRIVATE},
        {"ff02::fb", FLOE_ADDRESS_MULTICAST},
        {"2001:db8::1", FLOE_ADDRESS_RESERVED},
        {"2a00::1", FLOE_ADDRESS_GLOBAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_address address;
        assert_int_equal(floe_address_parse(rows[i].ip, &address), FLOE_OK);
        if (floe_address_classify(&address) != rows[i].kind) {
            fail_msg("%s is of kind %d", rows[i].ip, (int)floe_address_classify(&address));
        }
    }
}

static void one_address_in_every_spelling_is_one_address(void **state)
{
    static const char *const spellings[] = {"127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1",
                                            "0:0:0:0:0:ffff:7f00:0001"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        floe_address address;
        assert_int_equal(floe_address_parse(spellings[i], &address), FLOE_OK);
        address.port = 7;
        address = floe_address_normalise(address);
        floe_address right = floe_address_ipv4(0x7F000001, 7);
        assert_true(floe_address_equal(&address, &right));
        assert_int_equal(floe_address_hash(&address), floe_address_hash(&right));
        assert_int_equal(floe_address_classify(&address), FLOE_ADDRESS_LOOPBACK);
    }
}

static void compares(void **state)
{
    floe_address a = address_of("192.0.2.1:5");
    floe_address b = address_of("192.0.2.1:6");
    floe_address c = address_of("[fe80::1]:5");
    floe_address d = c;

    (void)state;
    d.scope_id = 3;
    assert_false(floe_address_equal(&a, &b));
    assert_true(floe_address_same_ip(&a, &b));
    assert_false(floe_address_same_ip(&a, &c));
    assert_true(floe_address_equal(&c, &d)); /* a missing scope equals any, another one not */
    assert_int_equal(floe_address_hash(&c), floe_address_hash(&d));
    c.scope_id = 4;
    assert_false(floe_address_equal(&c, &d));
    assert_false(floe_address_same_ip(&c, &d));
    assert_int_not_equal(floe_address_hash(&a), floe_address_hash(&b));
}

static void reads_and_writes_text_with_a_port(void **state)
{
    static const char *const good[] = {"192.0.2.1:80", "192.0.2.1:0", "[2001:db8::1]:65535",
                                       "[::ffff:192.0.2.1]:3478", "[::]:9"};
    static const char *const bad[] = {
        "",        "192.0.2.1",      ":80",          "192.0.2.1:",      "192.0.2.1:65536",
        "[::1]",   "192.0.2.1:080",  "192.0.2.1:+8", "192.0.2.1: 80",   "192.0.2.1:80 ",
        "::1:80",  "[192.0.2.1]:80", "[::1]80",      "[]:80",           "[::1%eth0]:80",
        "[::1:80", "::1]:80",        "a.example:80", "192.0.2.1:00080", "192.0.2.1:100000",
    };
    floe_address address = {0};
    char text[FLOE_ADDRESS_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(floe_address_parse_with_port(good[i], &address), FLOE_OK);
        assert_int_equal(floe_address_format_with_port(&address, text, sizeof text), FLOE_OK);
        assert_string_equal(text, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (floe_address_parse_with_port(bad[i], &address) != FLOE_ERR_SYNTAX) {
            fail_msg("\"%s\" is taken", bad[i]);
        }
    }
    address = address_of("[2001:db8::1]:80");
    assert_int_equal(floe_address_format_with_port(&address, text, 16), FLOE_ERR_BUFFER_TOO_SMALL);
    assert_int_equal(floe_address_format_with_port(&address, text, 17), FLOE_OK);
    address = (floe_address){0};
    assert_int_equal(floe_address_format_with_port(&address, text, 1), FLOE_OK);
    assert_string_equal(text, "");
    assert_int_equal(floe_address_format_with_port(NULL, text, 1), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_address_parse_with_port(NULL, &address), FLOE_ERR_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_text),
        cmocka_unit_test(text_needs_room),
        cmocka_unit_test(classifies),
        cmocka_unit_test(one_address_in_every_spelling_is_one_address),
        cmocka_unit_test(compares),
        cmocka_unit_test(reads_and_writes_text_with_a_port),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
