/* Why a server gave nothing, as a fixed word (E1). */
#include "core/config/shared.h"
#include "core/outbox/failure.h"
#include "proxy/proxy.h"
#include "support.h"

#include <floe/packet.h>
#include <string.h>

typedef struct row {
    floe_failure failure;
    const char *word;
} row;

#define ERRED(kind_, error)                                                                        \
    {                                                                                              \
        .kind = (kind_), .detail = (uint8_t) - (error)                                             \
    }

static const row rows[] = {
    {{.kind = FLOE_FAILURE_TIMEOUT, .sends = 4}, "timeout"},
    {{.kind = FLOE_FAILURE_TIMEOUT}, "timeout"},
    {{.kind = FLOE_FAILURE_TIMEOUT, .stage = FLOE_CONNECTION_SECURING}, "timeout"},
    {{.kind = FLOE_FAILURE_TIMEOUT, .garbled = true}, "bad-answer"},
    {{.kind = FLOE_FAILURE_TIMEOUT, .dropped = FLOE_STUN_NO_INTEGRITY}, "bad-answer"},
    {{.kind = FLOE_FAILURE_UNREACHABLE, .detail = FLOE_UNREACHABLE_PORT}, "refused"},
    {{.kind = FLOE_FAILURE_UNREACHABLE, .detail = FLOE_UNREACHABLE_HOST}, "unreachable"},
    {{.kind = FLOE_FAILURE_UNREACHABLE, .detail = FLOE_UNREACHABLE_NETWORK}, "unreachable"},
    {{.kind = FLOE_FAILURE_UNREACHABLE, .detail = FLOE_UNREACHABLE_PROHIBITED}, "unreachable"},
    {{.kind = FLOE_FAILURE_UNREACHABLE, .detail = FLOE_UNREACHABLE_NOT_SENT}, "local-firewall"},
    {{.kind = FLOE_FAILURE_UNREACHABLE, .detail = FLOE_UNREACHABLE_NOT_WATCHED}, "local"},
    {{.kind = FLOE_FAILURE_SERVER, .code = 300}, "server-error"},
    {{.kind = FLOE_FAILURE_SERVER, .code = 400}, "server-error"},
    {{.kind = FLOE_FAILURE_SERVER, .code = 401}, "credentials"},
    {{.kind = FLOE_FAILURE_SERVER, .code = 403}, "not-allowed"},
    {{.kind = FLOE_FAILURE_SERVER, .code = 420}, "unsupported"},
    {{.kind = FLOE_FAILURE_SERVER, .code = 437}, "server-error"},
    {{.kind = FLOE_FAILURE_SERVER, .code = 438}, "server-error"},
    {{.kind = FLOE_FAILURE_SERVER, .code = 440}, "unsupported"},
    {{.kind = FLOE_FAILURE_SERVER, .code = 441}, "credentials"},
    {{.kind = FLOE_FAILURE_SERVER, .code = 442}, "unsupported"},
    {{.kind = FLOE_FAILURE_SERVER, .code = 486}, "quota"},
    {{.kind = FLOE_FAILURE_SERVER, .code = 500}, "server-error"},
    {{.kind = FLOE_FAILURE_SERVER, .code = 508}, "capacity"},
    {{.kind = FLOE_FAILURE_CREDENTIALS, .code = 401}, "credentials"},
    {{.kind = FLOE_FAILURE_BAD_ANSWER}, "bad-answer"},
    {ERRED(FLOE_FAILURE_NAME, FLOE_ERR_NOT_FOUND), "dns"},
    {{.kind = FLOE_FAILURE_LOOKING}, "dns"},
    {{.kind = FLOE_FAILURE_ADDRESS}, "dns"},
    {{.kind = FLOE_FAILURE_SERVICE}, "dns"},
    {{.kind = FLOE_FAILURE_UNSUPPORTED}, "unsupported"},
    {ERRED(FLOE_FAILURE_OPEN, FLOE_ERR_PERMISSION), "local"},
    {ERRED(FLOE_FAILURE_INTERFACES, FLOE_ERR_SYSTEM), "local"},
    {{.kind = FLOE_FAILURE_CLOSED, .stage = FLOE_CONNECTION_READY}, "closed"},
    {{.kind = FLOE_FAILURE_SECURE}, "tls"},
    {{.kind = FLOE_FAILURE_PROXY, .stage = FLOE_CONNECTION_PROXYING}, "proxy"},
    {{.kind = FLOE_FAILURE_PORT}, "not-allowed"},
    {{.kind = FLOE_FAILURE_PROXY_ONLY}, "not-allowed"},
    {ERRED(FLOE_FAILURE_PUBLISH, FLOE_ERR_PERMISSION), "local-firewall"},
    {ERRED(FLOE_FAILURE_PUBLISH, FLOE_ERR_ADDRESS_IN_USE), "local"},
    {{.kind = FLOE_FAILURE_MEMORY}, "local"},
};

/* Behind a proxy, of the URL turn:a?transport=tcp. */
static const row proxied[] = {
    {{.kind = FLOE_FAILURE_UNREACHABLE, .detail = FLOE_UNREACHABLE_PORT}, "proxy"},
    {{.kind = FLOE_FAILURE_UNREACHABLE, .detail = FLOE_UNREACHABLE_NETWORK}, "proxy"},
    {{.kind = FLOE_FAILURE_UNREACHABLE, .detail = FLOE_UNREACHABLE_NOT_SENT}, "local-firewall"},
    {{.kind = FLOE_FAILURE_UNREACHABLE, .detail = FLOE_UNREACHABLE_NOT_WATCHED}, "local"},
    {{.kind = FLOE_FAILURE_TIMEOUT, .stage = FLOE_CONNECTION_OPENING}, "proxy"},
    {{.kind = FLOE_FAILURE_TIMEOUT, .stage = FLOE_CONNECTION_PROXYING}, "proxy"},
    {{.kind = FLOE_FAILURE_TIMEOUT, .stage = FLOE_CONNECTION_SECURING}, "timeout"},
    {{.kind = FLOE_FAILURE_TIMEOUT, .stage = FLOE_CONNECTION_READY}, "timeout"},
    {{.kind = FLOE_FAILURE_CLOSED, .stage = FLOE_CONNECTION_PROXYING}, "proxy"},
    {{.kind = FLOE_FAILURE_CLOSED, .stage = FLOE_CONNECTION_READY}, "closed"},
    {ERRED(FLOE_FAILURE_NAME, FLOE_ERR_NOT_FOUND), "dns"},
    {{.kind = FLOE_FAILURE_SERVER, .code = 486}, "quota"},
};

static void expect(const floe_core_shared *shared, const row *one, const floe_url *url)
{
    floe_failure_reason reason = floe_failure_reason_of(shared, &one->failure, url);

    if (strcmp(floe_failure_reason_name(reason), one->word) != 0) {
        fail_msg("kind %u, detail %u, stage %u, code %u: \"%s\", not \"%s\"", one->failure.kind,
                 one->failure.detail, one->failure.stage, one->failure.code,
                 floe_failure_reason_name(reason), one->word);
    }
}

static void e1_each_failure_has_its_word(void **state)
{
    static const floe_core_shared shared;
    floe_url url = {.turn = true, .transport = FLOE_PROTOCOL_TCP};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        expect(&shared, &rows[i], &url);
        expect(&shared, &rows[i], NULL);
    }
}

static void e1_what_fails_on_the_way_to_the_proxy_is_the_proxy(void **state)
{
    static floe_proxy_server proxy;
    static floe_core_shared shared;
    floe_url url = {.turn = true, .transport = FLOE_PROTOCOL_TCP};
    floe_url direct = {.turn = true, .transport = FLOE_PROTOCOL_UDP};

    (void)state;
    shared.proxy = &proxy;
    for (size_t i = 0; i < sizeof proxied / sizeof *proxied; i++) {
        expect(&shared, &proxied[i], &url);
    }
    expect(&shared,
           &(row){{.kind = FLOE_FAILURE_UNREACHABLE, .detail = FLOE_UNREACHABLE_PORT}, "refused"},
           &direct);
}

static void names_of_reasons(void **state)
{
    (void)state;
    assert_string_equal(floe_failure_reason_name(FLOE_FAILURE_REASON_NONE), "");
    assert_string_equal(floe_failure_reason_name(FLOE_FAILURE_REASON_LOCAL), "local");
    assert_string_equal(floe_failure_reason_name((floe_failure_reason)17), "");
    assert_string_equal(floe_failure_reason_name((floe_failure_reason)-1), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(e1_each_failure_has_its_word),
        cmocka_unit_test(e1_what_fails_on_the_way_to_the_proxy_is_the_proxy),
        cmocka_unit_test(names_of_reasons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
