/* proxy: URLs, HTTP CONNECT and SOCKS5, cut at every byte, and proxies that mean ill. */
#include "support.h"

#include "base/address.h"
#include "proxy/proxy.h"

#include <stdio.h>
#include <string.h>

static void urls(void **state)
{
    static const struct {
        const char *text;
        floe_proxy_kind kind; /* FLOE_PROXY_NONE: malformed */
        const char *host;
        uint16_t port;
        const char *username;
        const char *password;
    } cases[] = {
        {"http://proxy.example", FLOE_PROXY_HTTP, "proxy.example", 8080, "", ""},
        {"http://proxy.example/", FLOE_PROXY_HTTP, "proxy.example", 8080, "", ""},
        {"http://192.0.2.1:3128", FLOE_PROXY_HTTP, "192.0.2.1", 3128, "", ""},
        {"socks5://[2001:db8::1]", FLOE_PROXY_SOCKS5, "2001:db8::1", 1080, "", ""},
        {"socks5://[2001:db8::1]:1", FLOE_PROXY_SOCKS5, "2001:db8::1", 1, "", ""},
        {"socks5://u:p@h:65535", FLOE_PROXY_SOCKS5, "h", 65535, "u", "p"},
        {"http://u@h", FLOE_PROXY_HTTP, "h", 8080, "u", ""},
        {"http://a%40b:c%3ad@h", FLOE_PROXY_HTTP, "h", 8080, "a@b", "c:d"},
        {"http://u:p@q@h", FLOE_PROXY_HTTP, "h", 8080, "u", "p@q"},
        {"HTTP://H", FLOE_PROXY_HTTP, "H", 8080, "", ""},
        {"Socks5://u:p@h", FLOE_PROXY_SOCKS5, "h", 1080, "u", "p"},
        {"socks5://a%3Ab:p@h", FLOE_PROXY_SOCKS5, "h", 1080, "a:b", "p"},
        {"http://%01%23%45%67%89:%aB%Cd%eF%AA%bc@h", FLOE_PROXY_HTTP, "h", 8080, "\x01#Eg\x89",
         "\xAB\xCD\xEF\xAA\xBC"},
        {"socks5://u@h", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"socks5://u:@h", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://a%3ab:p@h", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://%g0:p@h", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://%0G:p@h", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://%/0:p@h", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://%:0:p@h", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"socks5:h", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"proxy.example:3128", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"https://proxy.example", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://:80", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://h:", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://h:0", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://h:65536", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://h:9x", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://2001:db8::1:80", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://[192.0.2.1]", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://h/path", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://@h", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://u%4:p@h", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://u%00:p@h", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://h\r\nX: y", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://[]", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://[", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://]", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://[::1", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://::1]", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://h:4294967376", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://h:00080", FLOE_PROXY_HTTP, "h", 80, "", ""},
        {"http://h:9", FLOE_PROXY_HTTP, "h", 9, "", ""},
        {"http://u%4@h", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://u%@h", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"http://u:p%40@h", FLOE_PROXY_HTTP, "h", 8080, "u", "p@"},
        {"http://u:p@", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
        {"/", FLOE_PROXY_NONE, NULL, 0, NULL, NULL},
    };
    /* What lies in memory behind the text means nothing. */
    static const char behind[] = "\0]:@/%5";

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t n = 0; n < sizeof behind - 1; n++) {
            floe_proxy_server server;
            char text[128];
            memset(text, behind[n], sizeof text - 1);
            text[sizeof text - 1] = '\0';
            memcpy(text, cases[i].text, strlen(cases[i].text) + 1);
            floe_error error = floe_proxy_parse(text, &server);
            assert_int_equal(error, cases[i].kind == FLOE_PROXY_NONE ? FLOE_ERR_SYNTAX : FLOE_OK);
            if (error == FLOE_OK) {
                assert_int_equal(server.kind, cases[i].kind);
                assert_int_equal(server.port, cases[i].port);
                assert_string_equal(server.host, cases[i].host);
                assert_string_equal(server.username, cases[i].username);
                assert_string_equal(server.password, cases[i].password);
                floe_address literal;
                bool is = floe_address_parse(cases[i].host, &literal) == FLOE_OK;
                assert_int_equal(server.literal.family, is ? literal.family : FLOE_FAMILY_NONE);
            }
        }
    }
}

static void a_user_longer_than_its_room_is_refused(void **state)
{
    char url[600];
    floe_proxy_server server;

    (void)state;
    for (int size = 250; size < 260; size++) {
        (void)snprintf(url, sizeof url, "socks5://%0*d:%0*d@h", size, 0, size, 0);
        assert_int_equal(floe_proxy_parse(url, &server), size < 256 ? FLOE_OK : FLOE_ERR_SYNTAX);
        (void)snprintf(url, sizeof url, "http://%0*d", size, 0);
        assert_int_equal(floe_proxy_parse(url, &server), size < 256 ? FLOE_OK : FLOE_ERR_SYNTAX);
    }
}

/* One conversation: what each side says, in hex or text. */
typedef struct exchange {
    floe_proxy proxy;
    floe_proxy_server server;
    uint8_t wrote[FLOE_PROXY_REQUEST_SIZE];
    size_t wrote_size;
} exchange;

static void begin(exchange *with, const char *url, const char *host, uint16_t port)
{
    assert_int_equal(floe_proxy_parse(url, &with->server), FLOE_OK);
    floe_proxy_init(&with->proxy, &with->server, host, port);
    with->wrote_size = floe_proxy_write(&with->proxy, with->wrote, sizeof with->wrote).size;
    assert_true(with->wrote_size > 0);
}

/* Feeds all of `input`; what it writes meanwhile is appended. */
static floe_proxy_result feed(exchange *with, floe_span *input)
{
    floe_proxy_result result = floe_proxy_read(&with->proxy, input);

    while (result == FLOE_PROXY_SEND) {
        floe_span more = floe_proxy_write(&with->proxy, with->wrote + with->wrote_size,
                                          sizeof with->wrote - with->wrote_size);
        assert_true(more.size > 0);
        with->wrote_size += more.size;
        result = floe_proxy_read(&with->proxy, input);
    }
    return result;
}

typedef struct conversation {
    const char *url;
    const char *host;
    floe_span says;
    floe_span writes;
    const char *failure; /* NULL: it is ready, and what follows is the target's */
} conversation;

#define BYTES(text)                                                                                \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

#define FIFTY "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const conversation conversations[] = {
    {"http://p", "turn.example", BYTES("HTTP/1.1 200 OK\r\nVia: x\r\n\r\n"),
     BYTES("CONNECT turn.example:443 HTTP/1.1\r\nHost: turn.example:443\r\n\r\n"), NULL},
    {"http://u:p@p", "2001:db8::1", BYTES("HTTP/1.0 299 \n\n"),
     BYTES("CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n"
           "Proxy-Authorization: Basic dTpw\r\n\r\n"),
     NULL},
    {"http://p", "h",
     BYTES("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"
           "HTTP/1.1 200 OK\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"), NULL},
    {"http://p", "h", BYTES("HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 403 No\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"), "403 to CONNECT"},
    {"http://p", "h", BYTES("HTTP/1.1 101 Switching\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"), "101 to CONNECT"},
    {"http://p", "h", BYTES("HTTP/1.1 407 Auth\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"), "wants a user name"},
    {"http://u:p@p", "h", BYTES("HTTP/1.1 407 Auth\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n"),
     "refuses the user name"},
    {"http://u:p@p", "h", BYTES("HTTP/1.1 401 Unauthorized\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n"),
     "refuses the user name or password (401)"},
    {"http://p", "h", BYTES("HTTP/1.1 403 No\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"), "403 to CONNECT"},
    {"http://p", "h", BYTES("SSH-2.0-OpenSSH_9.2\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"), "does not speak HTTP"},
    {"http://p", "h", BYTES("HTTP/1.1 2x0 OK\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"), "does not speak HTTP"},
    {"socks5://p", "h", BYTES("\5\0\5\0\0\1\1\2\3\4\0\7"), BYTES("\5\1\0\5\1\0\3\1h\1\xbb"), NULL},
    {"socks5://p", "192.0.2.1", BYTES("\5\0\5\0\0\3\2ab\0\7"),
     BYTES("\5\1\0\5\1\0\1\xc0\0\2\1\1\xbb"), NULL},
    {"socks5://u:pw@p", "2001:db8::1", BYTES("\5\2\1\0\5\0\0\4................\0\7"),
     BYTES("\5\2\0\2\1\1u\2pw\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\1\xbb"), NULL},
    {"socks5://u:pw@p", "h", BYTES("\5\0\5\0\0\1\1\2\3\4\0\7"), BYTES("\5\2\0\2\5\1\0\3\1h\1\xbb"),
     NULL},
    {"socks5://u:pw@p", "h", BYTES("\5\2\1\1"), BYTES("\5\2\0\2\1\1u\2pw"),
     "refuses the user name"},
    {"socks5://p", "h", BYTES("\5\2"), BYTES("\5\1\0"), "wants a user name"},
    {"socks5://p", "h", BYTES("\5\xff"), BYTES("\5\1\0"), "wants a user name"},
    {"socks5://u:pw@p", "h", BYTES("\5\xff"), BYTES("\5\2\0\2"), "no authentication by password"},
    {"socks5://p", "h", BYTES("HT"), BYTES("\5\1\0"), "does not speak SOCKS5"},
    {"socks5://p", "h", BYTES("\5\0\5\2\0\1\0\0\0\0\0\0"), BYTES("\5\1\0\5\1\0\3\1h\1\xbb"),
     "its rules forbid it"},
    {"socks5://p", "h", BYTES("\5\0\5\4\0\1\0\0\0\0\0\0"), BYTES("\5\1\0\5\1\0\3\1h\1\xbb"),
     "knows no such name"},
    {"socks5://p", "h", BYTES("\5\0\5\5\0\1\0\0\0\0\0\0"), BYTES("\5\1\0\5\1\0\3\1h\1\xbb"),
     "nothing listens there"},
    {"http://p", "h", BYTES("HTTP/1.1 200\n\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"), NULL},
    {"http://p", "h", BYTES("HTTP/1.1 199 Wait\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"), NULL},
    /* a status line longer than what of it is kept */
    {"http://p", "h", BYTES("HTTP/1.1 200 " FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY "\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"), NULL},
    {"http://p", "h", BYTES("HTTP/1.1 300 Choose\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"),
     "300 to CONNECT: do its rules allow port 443?"},
    {"http://p", "h", BYTES("HTTP/1.1 503 Unavailable\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"),
     "503 to CONNECT: can it reach port 443 there?"},
    {"http://p", "h", BYTES("HTTP/1.1 401 Unauthorized\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"), "wants a user name"},
    /* RFC 9110 §11.7.1: which schemes it takes */
    {"http://u:p@p", "h",
     BYTES("HTTP/1.1 407 Auth\r\nProxy-Authenticate: Digest realm=\"x\"\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n"),
     "wants another scheme than Basic"},
    {"http://p", "h",
     BYTES("HTTP/1.1 407 Auth\r\nproxy-authenticate:Negotiate\r\nVia: Basic\r\nPROXY-AUTHENTICATE: "
           "NTLM, Basics\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"), "wants another scheme than Basic"},
    {"http://u:p@p", "h",
     BYTES("HTTP/1.1 407 Auth\r\nProxy-Authenticate: Digest realm=\"x\"\r\nProxy-Authenticate: "
           "Basic realm=\"x\"\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n"),
     "refuses the user name or password (407)"},
    {"http://u:p@p", "h",
     BYTES("HTTP/1.1 407 Auth\r\nProxy-Authenticate: Digest realm=\"x\",\tBASIC\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n"),
     "refuses the user name or password (407)"},
    {"http://u:p@p", "h",
     BYTES("HTTP/1.1 407 Auth\r\nProxy-Authenticate:basic,Digest realm=\"x\"\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n"),
     "refuses the user name or password (407)"},
    {"http://u:p@p", "h",
     BYTES("HTTP/1.1 407 Auth\r\nProxy-Authenticate: Digest not-basic, Xbasic\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n"),
     "wants another scheme than Basic"},
    {"http://u:p@p", "h",
     BYTES("HTTP/1.1 407 Auth\r\nProxy-Authenticate: " FIFTY FIFTY FIFTY FIFTY FIFTY
           ", Basic\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n"),
     "refuses the user name or password (407)"},
    {"http://u:p@p", "h",
     BYTES("HTTP/1.1 102 Wait\r\nProxy-Authenticate: Digest\r\n\r\nHTTP/1.1 407 Auth\r\n\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n"),
     "refuses the user name or password (407)"},
    {"http://p", "h", BYTES("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 20\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"), "does not speak HTTP"},
    {"http://p", "h", BYTES("HTTP/1.1-200 OK\r\n"),
     BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"), "does not speak HTTP"},
    {"http://p", "h", BYTES("\r\n"), BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"),
     "does not speak HTTP"},
    {"socks5://p", "h", BYTES("\5\0\4\0\0\1\0\0\0\0\0\0"), BYTES("\5\1\0\5\1\0\3\1h\1\xbb"),
     "an unknown answer"},
    {"socks5://p", "h", BYTES("\5\0\4\2\0\1\0\0\0\0\0\0"), BYTES("\5\1\0\5\1\0\3\1h\1\xbb"),
     "an unknown answer"},
    {"socks5://p", "h", BYTES("\5\0\5\1\0\1\0\0\0\0\0\0"), BYTES("\5\1\0\5\1\0\3\1h\1\xbb"),
     "it has failed"},
    {"socks5://p", "h", BYTES("\5\0\5\3\0\1\0\0\0\0\0\0"), BYTES("\5\1\0\5\1\0\3\1h\1\xbb"),
     "the server's network"},
    {"socks5://p", "h", BYTES("\5\0\5\6\0\1\0\0\0\0\0\0"), BYTES("\5\1\0\5\1\0\3\1h\1\xbb"),
     "no answer in its time"},
    {"socks5://p", "h", BYTES("\5\0\5\7\0\1\0\0\0\0\0\0"), BYTES("\5\1\0\5\1\0\3\1h\1\xbb"),
     "does not know CONNECT"},
    {"socks5://p", "h", BYTES("\5\0\5\10\0\1\0\0\0\0\0\0"), BYTES("\5\1\0\5\1\0\3\1h\1\xbb"),
     "this kind of address"},
    {"socks5://p", "h", BYTES("\5\0\5\11\0\1\0\0\0\0\0\0"), BYTES("\5\1\0\5\1\0\3\1h\1\xbb"),
     "an unknown answer"},
    /* of an unknown kind of address the size is not known: what is told is told at once */
    {"socks5://p", "h", BYTES("\5\0\5\2\0\2\0"), BYTES("\5\1\0\5\1\0\3\1h\1\xbb"),
     "its rules forbid it"},
    {"socks5://p", "h", BYTES("\5\0\5\x99\0\1\0\0\0\0\0\0"), BYTES("\5\1\0\5\1\0\3\1h\1\xbb"),
     "an unknown answer"},
};

static void whole_and_cut_at_every_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof conversations / sizeof *conversations; i++) {
        const conversation *one = &conversations[i];
        for (size_t cut = 0; cut <= one->says.size; cut++) {
            uint8_t all[512];
            exchange with;
            floe_proxy_result result;
            size_t size = one->says.size;
            memcpy(all, one->says.data, size);
            memcpy(all + size, "target", 6);
            begin(&with, one->url, one->host, 443);
            floe_span input = floe_span_of(all, cut);
            result = feed(&with, &input);
            assert_true(result != FLOE_PROXY_WAITS || cut < size); /* it is said as soon as known */
            if (result == FLOE_PROXY_WAITS) {
                assert_int_equal(input.size, 0);
                input = floe_span_of(all + cut, size + 6 - cut);
                result = feed(&with, &input);
            } else if (result == FLOE_PROXY_READY) {
                assert_int_equal(input.size, 0);
                input = floe_span_text("target");
            }
            assert_int_equal(with.wrote_size, one->writes.size);
            assert_memory_equal(with.wrote, one->writes.data, one->writes.size);
            if (one->failure == NULL) {
                assert_int_equal(result, FLOE_PROXY_READY);
                assert_true(floe_span_equal(input, floe_span_text("target")));
                /* It has nothing more to say, or to read. */
                assert_int_equal(floe_proxy_read(&with.proxy, &input), FLOE_PROXY_WAITS);
                assert_true(floe_span_equal(input, floe_span_text("target")));
                assert_int_equal(floe_proxy_write(&with.proxy, with.wrote, sizeof with.wrote).size,
                                 0);
            } else {
                assert_int_equal(result, FLOE_PROXY_FAILED);
                assert_non_null(strstr(with.proxy.failure, one->failure));
                assert_int_equal(floe_proxy_read(&with.proxy, &input), FLOE_PROXY_WAITS);
            }
        }
    }
}

static void an_answer_without_end_is_bounded(void **state)
{
    exchange with;
    floe_span piece = floe_span_text("HTTP/1.1 200 OK\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n");
    size_t fed = 0;

    (void)state;
    begin(&with, "http://p", "h", 1);
    floe_span input = piece;
    while (floe_proxy_read(&with.proxy, &input) == FLOE_PROXY_WAITS) {
        fed += piece.size;
        assert_true(fed <= FLOE_PROXY_ANSWER_MAX);
        input = piece;
    }
    assert_non_null(strstr(with.proxy.failure, "no end"));
}

static void its_end_is_the_last_byte_that_may_be(void **state)
{
    static const char first[] = "HTTP/1.1 200 OK\r\nX: ";
    static uint8_t answer[FLOE_PROXY_ANSWER_MAX + 1];

    (void)state;
    for (size_t size = FLOE_PROXY_ANSWER_MAX; size <= sizeof answer; size++) {
        exchange with;
        memset(answer, 'y', sizeof answer);
        memcpy(answer, first, sizeof first - 1);
        memcpy(answer + size - 4, "\r\n\r\n", 4);
        begin(&with, "http://p", "h", 1);
        floe_span input = floe_span_of(answer, size);
        assert_int_equal(floe_proxy_read(&with.proxy, &input),
                         size == FLOE_PROXY_ANSWER_MAX ? FLOE_PROXY_READY : FLOE_PROXY_FAILED);
    }
}

static size_t append(char *to, size_t at, const char *text, size_t times)
{
    for (; times > 0; times--) {
        memcpy(to + at, text, strlen(text));
        at += strlen(text);
    }
    return at;
}

/* RFC 4648 §4: "000" is MDAw, ":00" is OjAw, "0" is MA==. */
static size_t longest_of_http(const char *host, char *to)
{
    size_t at = append(to, 0, "CONNECT ", 1);

    at = append(to, at, host, 1);
    at = append(to, at, ":65535 HTTP/1.1\r\nHost: ", 1);
    at = append(to, at, host, 1);
    at = append(to, at, ":65535\r\nProxy-Authorization: Basic ", 1);
    at = append(to, at, "MDAw", 85);
    at = append(to, at, "OjAw", 1);
    at = append(to, at, "MDAw", 84);
    return append(to, at, "MA==\r\n\r\n", 1);
}

static size_t longest_of_socks(const char *host, char *to)
{
    size_t at = append(to, 0, "\5\2", 1);

    to[at++] = '\0';
    at = append(to, at, "\2\1\xff", 1);
    at = append(to, at, "0", 255);
    at = append(to, at, "\xff", 1);
    at = append(to, at, "0", 255);
    at = append(to, at, "\5\1", 1);
    to[at++] = '\0';
    at = append(to, at, "\3\xff", 1);
    at = append(to, at, host, 1);
    return append(to, at, "\xff\xff", 1);
}

static void the_longest_of_everything_fits(void **state)
{
    char url[1700];
    char host[256];
    char expected[FLOE_PROXY_REQUEST_SIZE];
    exchange with;

    (void)state;
    memset(host, 'h', 255);
    host[255] = '\0';
    for (int kind = 0; kind < 2; kind++) {
        (void)snprintf(url, sizeof url, "%s://%0255d:%0255d@p", kind == 0 ? "http" : "socks5", 0,
                       0);
        begin(&with, url, host, 65535);
        if (kind == 1) {
            floe_span input = floe_span_of("\5\2\1\0", 4);
            assert_int_equal(feed(&with, &input), FLOE_PROXY_WAITS);
        }
        size_t size =
            kind == 0 ? longest_of_http(host, expected) : longest_of_socks(host, expected);
        assert_int_equal(with.wrote_size, size);
        assert_memory_equal(with.wrote, expected, size);
    }
}

static void what_has_no_room_is_not_begun(void **state)
{
    exchange with;

    (void)state;
    begin(&with, "http://u:p@p", "turn.example", 443);
    for (size_t room = 0; room <= with.wrote_size; room++) {
        floe_span said = floe_proxy_write(&with.proxy, with.wrote, room);
        assert_int_equal(said.size, room < with.wrote_size ? 0 : with.wrote_size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls),
        cmocka_unit_test(a_user_longer_than_its_room_is_refused),
        cmocka_unit_test(whole_and_cut_at_every_byte),
        cmocka_unit_test(an_answer_without_end_is_bounded),
        cmocka_unit_test(its_end_is_the_last_byte_that_may_be),
        cmocka_unit_test(the_longest_of_everything_fits),
        cmocka_unit_test(what_has_no_room_is_not_begun),
    };
    return cmocka_run_group_tests_name("proxy", tests, NULL, NULL);
}
