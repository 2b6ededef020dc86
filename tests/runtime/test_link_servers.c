/* The name servers of a list as resolv.conf(5) has it, those of a link among them. */
#include "support.h"

#include "runtime/link_servers.h"

#include <stdio.h>
#include <string.h>

static void s7_name_servers_of_a_link(void **state)
{
    static const struct {
        const char *line;
        const char *address; /* NULL: it names none */
        uint32_t scope;
    } rows[] = {
        {"nameserver 192.0.2.1\n", "192.0.2.1", 0},
        {"nameserver\tfe80::1%lo\n", "fe80::1", 1},
        {"  nameserver fe80::1%7 \r\n", "fe80::1", 7},
        {"nameserver 2001:db8::1%lo", "2001:db8::1", 0},
        {"nameserver fe80::1", "fe80::1", 0},
        {"nameserver fe80::1%no-such-link0", "fe80::1", 0},
        {"nameserverfe80::1%lo", NULL, 0},
        {"nameserver", NULL, 0},
        {"nameserver ", NULL, 0},
        {"nameserver router.example", NULL, 0},
        {"# nameserver 192.0.2.1", NULL, 0},
        {"search example.org", NULL, 0},
        {"nameserver 1111111111111111111111111111111111111111111111111111111111111111", NULL, 0},
        {"", NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_name_servers servers = {0};
        char text[FLOE_ADDRESS_TEXT_SIZE] = "";
        bool added = floe_link_servers_add(&servers, rows[i].line);
        (void)floe_address_format(&servers.servers[0], text, sizeof text);
        if (added != (rows[i].address != NULL) || servers.count != added ||
            servers.any != (rows[i].scope != 0) || (added && strcmp(text, rows[i].address) != 0) ||
            servers.servers[0].scope_id != rows[i].scope) {
            fail_msg("\"%s\": %s, %u", rows[i].line, text, servers.servers[0].scope_id);
        }
    }
}

static void s7_so_many_name_servers_are_taken(void **state)
{
    floe_name_servers servers = {0};

    (void)state;
    for (unsigned i = 1; i < 6; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "nameserver fe80::%u%%%u", i, i);
        assert_int_equal(floe_link_servers_add(&servers, line), i <= FLOE_NAME_SERVERS_MAX);
    }
    assert_int_equal(servers.count, FLOE_NAME_SERVERS_MAX);
    assert_int_equal(floe_link_servers_scope(&servers, servers.servers[1].ip), 2);
    floe_address stranger = address_of("[fe80::77]:0");
    assert_int_equal(floe_link_servers_scope(&servers, stranger.ip), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s7_name_servers_of_a_link),
        cmocka_unit_test(s7_so_many_name_servers_are_taken),
    };
    return cmocka_run_group_tests_name("link servers", tests, NULL, NULL);
}
