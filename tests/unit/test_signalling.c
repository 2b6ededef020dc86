/* What `floe connect --json` reads, a line at a time. */
#include "support.h"

#include "cli/signalling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSWORD "78BzZaufPk0ybLBEp9sK6Z9I"
#define HOST "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host"

/* What came of the lines, a word each. */
typedef struct heard {
    signalling from;
    char text[4096];
} heard;

static void on_message(void *user_data, const signal_message *message)
{
    heard *of = user_data;
    size_t used = strlen(of->text);
    char *at = &of->text[used];
    size_t room = sizeof of->text - used;

    switch (message->kind) {
    case SIGNAL_PARAMETERS:
        used = (size_t)snprintf(
            at, room, "parameters %s %s%s", message->parameters->username_fragment,
            message->parameters->password, message->parameters->ice_lite ? " lite" : "");
        (void)snprintf(at + used, room - used, message->generation != 0 ? " %u\n" : "\n",
                       message->generation);
        break;
    case SIGNAL_CANDIDATE:
        if (message->candidate == NULL) {
            (void)snprintf(at, room, "end\n");
            break;
        }
        (void)snprintf(
            at, room, "candidate %s %u%s%s\n", message->candidate->address,
            message->candidate->port, message->candidate->username_fragment != NULL ? " of " : "",
            message->candidate->username_fragment != NULL ? message->candidate->username_fragment
                                                          : "");
        break;
    case SIGNAL_REMOVE:
        (void)snprintf(at, room, "remove %s\n", message->candidate->address);
        break;
    case SIGNAL_SEND:
        (void)snprintf(at, room, "send %zu %.*s\n", message->size, (int)message->size,
                       (const char *)message->data);
        break;
    case SIGNAL_RESTART:
        (void)snprintf(at, room, "restart\n");
        break;
    case SIGNAL_WRONG:
        assert_null(strstr(message->why, PASSWORD));
        (void)snprintf(at, room, "%s\n", message->why);
        break;
    }
}

/* All lines of the text; what they say. */
static const char *read_all(const char *text)
{
    static heard of;
    char *copy = strdup(text);
    assert_non_null(copy);
    char *rest = copy;
    char *line;

    memset(&of, 0, sizeof of);
    signalling_init(&of.from, on_message, &of);
    while ((line = strsep(&rest, "\n")) != NULL) {
        signalling_line(&of.from, line, strlen(line));
    }
    free(copy);
    return of.text;
}

static void the_lines_of_another_floe(void **state)
{
    (void)state;
    assert_string_equal(
        read_all("{\"event\":\"start\",\"format\":1,\"command\":\"connect\"}\n"
                 "{\"event\":\"parameters\",\"gatherer\":0,\"username_fragment\":\"abcd\","
                 "\"password\":\"" PASSWORD "\",\"ice_lite\":false}\n"
                 "{\"event\":\"state\",\"gatherer\":0,\"ms\":0.02,\"state\":\"gathering\"}\n"
                 "{\"event\":\"candidate\",\"gatherer\":0,\"ms\":1,\"candidate\":\"" HOST "\"}\n"
                 "{\"event\":\"withdrawn\",\"gatherer\":0,\"ms\":1,\"candidate\":\"" HOST "\"}\n"
                 "{\"event\":\"pair\",\"local\":\"" HOST "\",\"remote\":\"" HOST "\"}\n"
                 "{\"event\":\"packet\",\"data\":\"AAAA\"}\n"
                 "{\"event\":\"end\",\"gatherer\":0,\"ms\":2}\n"
                 "{\"event\":\"summary\"}\n"
                 "{\"event\":\"parameters\",\"username_fragment\":\"efgh\","
                 "\"password\":\"" PASSWORD "\",\"generation\":2}\n"),
        "parameters abcd " PASSWORD "\ncandidate 192.0.2.1 5000\nend\n"
        "parameters efgh " PASSWORD " 2\n");
}

static void what_browsers_signal(void **state)
{
    (void)state;
    assert_string_equal(
        read_all("{\"candidate\":\"" HOST "\",\"sdpMid\":\"0\",\"sdpMLineIndex\":0}\n"
                 "{\"candidate\":\"" HOST "\",\"sdpMid\":\"0\",\"usernameFragment\":\"wxyz\"}\n"
                 "{\"candidate\":\"" HOST " ufrag abcd\",\"usernameFragment\":\"wxyz\"}\n"
                 "{\"candidate\":\"" HOST "\",\"sdpMid\":\"1\",\"sdpMLineIndex\":1}\n"
                 "{\"candidate\":\"\",\"sdpMid\":\"0\"}\n"
                 "{\"candidate\":null}\n"),
        "candidate 192.0.2.1 5000\ncandidate 192.0.2.1 5000 of wxyz\n"
        "candidate 192.0.2.1 5000 of abcd\nend\nend\n");
}

static void a_description_of_sdp(void **state)
{
    (void)state;
    assert_string_equal(read_all("v=0\r\n"
                                 "o=- 1 2 IN IP4 127.0.0.1\r\n"
                                 "s=-\r\n"
                                 "t=0 0\r\n"
                                 "a=ice-lite\r\n"
                                 "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                                 "a=" HOST "\r\n"
                                 "a=ice-ufrag:abcd\r\n"
                                 "a=ice-pwd:" PASSWORD "\r\n"
                                 "a=ice-options:trickle\r\n"
                                 "a=fingerprint:sha-256 00:11\r\n"
                                 "a=end-of-candidates\r\n"),
                        "candidate 192.0.2.1 5000\nparameters abcd " PASSWORD " lite\nend\n");
}

/* Each of them is of another transport; the first is ours. A new description begins anew. */
static void of_several_media_the_first(void **state)
{
    (void)state;
    assert_string_equal(read_all("v=0\n"
                                 "m=audio 9 UDP/TLS/RTP/SAVPF 111\n"
                                 "a=ice-pwd:" PASSWORD "\n"
                                 "a=ice-ufrag:abcd\n"
                                 "m=video 9 UDP/TLS/RTP/SAVPF 96\n"
                                 "a=ice-ufrag:other\n"
                                 "a=ice-pwd:" PASSWORD "\n"
                                 "a=" HOST "\n"
                                 "v=0\n"
                                 "a=ice-ufrag:efgh\n"
                                 "m=audio 9 UDP/TLS/RTP/SAVPF 111\n"
                                 "a=ice-pwd:" PASSWORD "\n"),
                        "parameters abcd " PASSWORD "\nparameters efgh " PASSWORD "\n");
}

static void a_description_in_json(void **state)
{
    (void)state;
    assert_string_equal(read_all("{\"type\":\"offer\",\"sdp\":\"v=0\\r\\nm=audio 9 X 1\\r\\n"
                                 "a=ice-ufrag:abcd\\r\\na=ice-pwd:" PASSWORD "\\r\\na=" HOST
                                 "\\r\\n\"}"),
                        "parameters abcd " PASSWORD "\ncandidate 192.0.2.1 5000\n");
}

/* RFC 8839 §5: attributes of the session stand in any order. */
static void what_is_said_of_the_session_behind_the_password(void **state)
{
    static const char *const expected = "parameters abcd " PASSWORD " lite\n";

    (void)state;
    assert_string_equal(read_all("v=0\na=ice-ufrag:abcd\na=ice-pwd:" PASSWORD "\na=ice-lite\n"
                                 "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\n"),
                        expected);
    assert_string_equal(read_all("{\"sdp\":\"v=0\\r\\na=ice-ufrag:abcd\\r\\na=ice-pwd:" PASSWORD
                                 "\\r\\na=ice-lite\\r\\n\"}"),
                        expected);
    assert_string_equal(read_all("v=0\na=ice-ufrag:abcd\na=ice-pwd:" PASSWORD "\na=ice-lite\n"
                                 "{\"candidate\":\"" HOST "\"}\n"),
                        "parameters abcd " PASSWORD " lite\ncandidate 192.0.2.1 5000\n");
}

/* §5.4: what the media description says counts, and candidates come behind it. */
static void a_description_that_says_it_twice(void **state)
{
    (void)state;
    assert_string_equal(
        read_all("{\"sdp\":\"v=0\\r\\na=ice-ufrag:session\\r\\na=ice-pwd:" PASSWORD
                 "\\r\\nm=audio 9 X 1\\r\\na=" HOST
                 "\\r\\na=ice-ufrag:media\\r\\na=ice-pwd:" PASSWORD
                 "\\r\\nm=video 9 X 1\\r\\na=ice-ufrag:other\\r\\na=" HOST "\\r\\n\"}\n"
                 "a=" HOST "\n"),
        "parameters media " PASSWORD "\ncandidate 192.0.2.1 5000\ncandidate 192.0.2.1 5000\n");
}

/* RFC 8840 §9: each names the media description that it is of. */
static void fragments_of_sdp(void **state)
{
    (void)state;
    assert_string_equal(read_all("a=ice-ufrag:abcd\na=ice-pwd:" PASSWORD "\n"
                                 "m=audio 9 RTP/AVP 0\na=mid:1\na=" HOST "\n"
                                 "m=video 9 RTP/AVP 0\na=mid:2\na=" HOST "\n"
                                 "m=audio 9 RTP/AVP 0\na=mid:1\na=" HOST "\na=end-of-candidates\n"),
                        "parameters abcd " PASSWORD "\ncandidate 192.0.2.1 5000\n"
                        "candidate 192.0.2.1 5000\nend\n");
}

/* As programs put them into messages of their own; and a generation that is said in other ways. */
static void what_programs_make_of_it(void **state)
{
    (void)state;
    assert_string_equal(
        read_all("{\"type\":\"candidate\",\"candidate\":{\"candidate\":\"" HOST
                 "\",\"usernameFragment\":\"\"}}\n"
                 "{\"description\":{\"type\":\"offer\",\"sdp\":\"v=0\\r\\na=ice-ufrag:abcd\\r\\n"
                 "a=ice-pwd:" PASSWORD "\\r\\n\"}}\n"
                 "{\"sdp\":{\"sdp\":\"a=ice-ufrag:efgh\\r\\na=ice-pwd:" PASSWORD "\"}}\n"
                 "{\"event\":\"parameters\",\"username_fragment\":\"abcd\",\"password\":\"" PASSWORD
                 "\",\"generation\":null}\n"
                 "{\"event\":\"parameters\",\"username_fragment\":\"abcd\",\"password\":\"" PASSWORD
                 "\",\"generation\":2.0}\n"),
        "candidate 192.0.2.1 5000\nparameters abcd " PASSWORD "\nparameters efgh " PASSWORD
        "\nparameters abcd " PASSWORD "\nparameters abcd " PASSWORD " 2\n");
}

static void candidates_without_a(void **state)
{
    (void)state;
    assert_string_equal(read_all("  " HOST "\r\n"
                                 "candidate:1 2 udp 1 192.0.2.1 5001 typ host\n"
                                 "candidate:1 1 sctp 1 192.0.2.1 5001 typ host\n\n \r\n"),
                        "candidate 192.0.2.1 5000\n");
}

static void what_its_user_asks_for(void **state)
{
    (void)state;
    assert_string_equal(read_all("{\"send\":\"aGVsbG8=\"}\n"
                                 "{\"send\":\"\"}\n"
                                 "{\"restart\":true}\n"
                                 "{\"remove\":\"" HOST "\"}\n"),
                        "send 5 hello\nsend 0 \nrestart\nremove 192.0.2.1\n");
}

/* One sentence each, with the line and the column. */
static void what_is_wrong_is_told_with_its_place(void **state)
{
    static const char *const wrong[][2] = {
        {"[]", "line 1, column 1: neither a JSON object nor a line of SDP\n"},
        {"hello", "line 1, column 1: neither a JSON object nor a line of SDP\n"},
        {"\n\n   hello", "line 3, column 4: neither a JSON object nor a line of SDP\n"},
        {"{\"candidate\":\"candidate:1 1 udp 1 192.0.2.1 70000 typ host\"}",
         "line 1, column 45: port \"70000\" is above 65535\n"},
        {" candidate:1 1 udp 1 192.0.2.1 70000 typ host",
         "line 1, column 32: port \"70000\" is above 65535\n"},
        {"a=candidate:1 1 udp 1 192.0.2.1 70000 typ host",
         "line 1, column 33: port \"70000\" is above 65535\n"},
        {"{\"remove\":\"candidate:1 1 udp 1 192.0.2.1 70000 typ host\"}",
         "line 1, column 42: port \"70000\" is above 65535\n"},
        {"{\"candidate\":5}", "line 1, column 2: the candidate is no text\n"},
        {"{\"event\":5}", "line 1, column 2: the event is no text\n"},
        {"{ \"send\":5}", "line 1, column 3: what is to be sent is no text\n"},
        {"{\"send\":\"ab!d\"}",
         "line 1, column 2: what is to be sent is no Base64, from its letter 3 on\n"},
        {"{\"remove\":true}", "line 1, column 2: what is to be removed is no text\n"},
        {"{\"restart\":false}", "line 1, column 1: an object with none of event, candidate, sdp, "
                                "send, remove and restart\n"},
        {"{\"event\":\"parameters\",\"username_fragment\":\"abcd\"}",
         "line 1, column 1: parameters need a username_fragment and a password, both texts\n"},
        {"{\"event\":\"parameters\",\"username_fragment\":\"abcd\",\"password\":\"" PASSWORD
         "\",\"generation\":0}",
         "line 1, column 88: the generation is no number from 1 to 1000000000\n"},
        {"{\"event\":\"parameters\",\"username_fragment\":\"abc\",\"password\":\"" PASSWORD "\"}",
         "line 1, column 23: the username fragment has not 4 to 256 letters, digits, + and /\n"},
        {"{\"event\":\"parameters\",\"username_fragment\":\"abcd\",\"password\":\"" PASSWORD "!\"}",
         "line 1, column 50: the password has not 22 to 256 letters, digits, + and /\n"},
        {"{\"sdp\":\"v=0\\r\\na=ice-ufrag:a\\r\\n\"}",
         "line 1, line 2 of its sdp, column 13: the username fragment has not 4 to 256 letters, "
         "digits, + and /\n"},
        {"a=ice-ufrag:a", "line 1, column 13: the username fragment has not 4 to 256 letters, "
                          "digits, + and /\n"},
        {"a=ice-pwd:" PASSWORD " ;", "line 1, column 11: the password has not 22 to 256 letters, "
                                     "digits, + and /\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_string_equal(read_all(wrong[i][0]), wrong[i][1]);
    }
}

/* What a parser of JSON says of an error may have the password in it. */
static void no_error_tells_the_password(void **state)
{
    static const char whole[] = "{\"event\":\"parameters\",\"username_fragment\":\"abcd\","
                                "\"password\":\"" PASSWORD "\"}";

    (void)state;
    for (size_t cut = 1; cut < sizeof whole - 1; cut++) {
        char line[sizeof whole + 1];
        memcpy(line, whole, cut);
        line[cut] = '\0';
        assert_true(strncmp(read_all(line), "line 1, column ", 15) == 0);
        (void)snprintf(line, sizeof line, "%.*s%s", (int)cut, whole, &whole[cut + 1]);
        const char *told = read_all(line);
        assert_true(strncmp(told, "line 1, ", 8) != 0 || strstr(told, "78Bz") == NULL);
    }
}

static void a_wrong_line_ends_nothing(void **state)
{
    (void)state;
    assert_string_equal(read_all("{\n" HOST "\n"),
                        "line 1, column 1: this is no JSON: string or '}' expected\n"
                        "candidate 192.0.2.1 5000\n");
}

static void a_line_without_end_is_not_looked_at(void **state)
{
    char *line = malloc(SIGNAL_LINE_MAX + 3);
    static heard of;

    (void)state;
    assert_non_null(line);
    memset(line, ' ', SIGNAL_LINE_MAX + 1);
    line[0] = '{';
    line[SIGNAL_LINE_MAX] = '}';
    line[SIGNAL_LINE_MAX + 1] = '\0';
    memset(&of, 0, sizeof of);
    signalling_init(&of.from, on_message, &of);
    signalling_line(&of.from, line, SIGNAL_LINE_MAX + 1);
    assert_string_equal(of.text, "line 1, column 1: a line of more than 1048576 bytes\n");
    free(line);
}

static void a_byte_of_0_is_told(void **state)
{
    char lines[2][8] = {"\0binary", "a=x\0y\0"};
    static heard of;

    (void)state;
    signalling_init(&of.from, on_message, &of);
    signalling_line(&of.from, lines[0], 7);
    signalling_line(&of.from, lines[1], 6);
    assert_string_equal(of.text, "line 1, column 1: a byte of 0\nline 2, column 4: a byte of 0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lines_of_another_floe),
        cmocka_unit_test(what_browsers_signal),
        cmocka_unit_test(a_description_of_sdp),
        cmocka_unit_test(of_several_media_the_first),
        cmocka_unit_test(a_description_in_json),
        cmocka_unit_test(what_is_said_of_the_session_behind_the_password),
        cmocka_unit_test(a_description_that_says_it_twice),
        cmocka_unit_test(fragments_of_sdp),
        cmocka_unit_test(what_programs_make_of_it),
        cmocka_unit_test(candidates_without_a),
        cmocka_unit_test(what_its_user_asks_for),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(no_error_tells_the_password),
        cmocka_unit_test(a_wrong_line_ends_nothing),
        cmocka_unit_test(a_line_without_end_is_not_looked_at),
        cmocka_unit_test(a_byte_of_0_is_told),
    };
    return cmocka_run_group_tests_name("signalling", tests, NULL, NULL);
}
