/* The list of interfaces, by rtnetlink and by libuv: both see the same addresses of this machine.
 */
#include "support.h"

#include "base/address.h"
#include "base/memory.h"
#include "runtime/interfaces.h"

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Linked with interfaces_uv.c, which is for systems without rtnetlink, or with the library's own.
 */
static void the_list_is_there(void **state)
{
    counting_allocator memory;
    floe_interfaces interfaces;
    bool loopback = false;

    (void)state;
    counting_init(&memory);
    floe_interfaces_init(&interfaces, &memory.table);
    for (int i = 0; i < 3; i++) { /* kept, or read again: the same list */
        assert_int_equal(floe_interfaces_update(&interfaces), FLOE_OK);
        for (size_t n = 0; n < interfaces.count; n++) {
            assert_non_null(interfaces.list[n].interface_name);
            if (floe_address_classify(&interfaces.list[n].address) == FLOE_ADDRESS_LOOPBACK ||
                strcmp(interfaces.list[n].interface_name, "lo") == 0) {
                assert_true(interfaces.list[n].loopback);
            }
            loopback = loopback || (floe_address_classify(&interfaces.list[n].address) ==
                                        FLOE_ADDRESS_LOOPBACK &&
                                    interfaces.list[n].up);
        }
        assert_true(loopback);
    }
    floe_interfaces_free(&interfaces);
    assert_int_equal(memory.live, 0);
}

/* RFC 6762 §11: by the prefix of the interface's address. */
static void who_is_near(void **state)
{
    floe_interfaces interfaces;
    floe_address near = address_of("127.200.1.1:0");
    floe_address far = address_of("128.0.0.1:0");
    uint32_t loopback = if_nametoindex("lo");
    unsigned ipv4 = 0;

    (void)state;
    floe_interfaces_init(&interfaces, &floe_default_allocator);
    assert_int_equal(floe_interfaces_update(&interfaces), FLOE_OK);
    for (size_t n = 0; n < interfaces.count; n++) {
        const floe_interface_address *one = &interfaces.list[n];
        floe_address other = one->address;
        assert_int_not_equal(one->interface_index, 0);
        assert_true(floe_interfaces_are_near(&interfaces, one->interface_index, &one->address));
        other.ip[0] ^= 0x80; /* no prefix is that short */
        assert_false(floe_interfaces_are_near(&interfaces, one->interface_index, &other));
        ipv4 += one->interface_index == loopback && one->address.family == FLOE_FAMILY_IPV4;
    }
    if (ipv4 == 1) { /* 127.0.0.1/8, as everywhere */
        assert_true(floe_interfaces_are_near(&interfaces, loopback, &near));
        assert_false(floe_interfaces_are_near(&interfaces, loopback, &far));
        assert_false(floe_interfaces_are_near(&interfaces, loopback + 1000, &near));
    }
    floe_interfaces_free(&interfaces);
}

static void flip(floe_address *address, unsigned bit)
{
    address->ip[bit / 8] ^= (uint8_t)(0x80U >> bit % 8);
}

/* By each prefix that there may be: a bit that it covers makes another far, and no other does. */
static void near_to_the_bit(void **state)
{
    static const char *const texts[] = {"192.0.2.1:0", "[2001:db8::1]:0"};
    static const unsigned bits[] = {32, 128};

    (void)state;
    for (size_t family = 0; family < 2; family++) {
        floe_interface_address one = {.address = address_of(texts[family]), .interface_index = 7};
        floe_address stranger = address_of(texts[1 - family]);
        for (unsigned length = 0; length <= bits[family]; length++) {
            floe_interfaces interfaces;
            floe_interfaces_init(&interfaces, &floe_default_allocator);
            assert_int_equal(floe_interfaces_add(&interfaces, "eth0", (uint8_t)length, &one),
                             FLOE_OK);
            assert_true(floe_interfaces_are_near(&interfaces, 7, &one.address));
            assert_false(floe_interfaces_are_near(&interfaces, 8, &one.address));
            assert_false(floe_interfaces_are_near(&interfaces, 7, &stranger));
            for (unsigned bit = 0; bit < bits[family]; bit++) {
                floe_address other = one.address;
                flip(&other, bit);
                assert_int_equal(floe_interfaces_are_near(&interfaces, 7, &other), bit >= length);
            }
            floe_interfaces_free(&interfaces);
        }
    }
}

static void the_list_grows(void **state)
{
    counting_allocator memory;
    floe_interfaces interfaces;
    floe_interface_address one = {.address = address_of("10.0.0.0:0")};
    char name[16];

    (void)state;
    for (size_t fails = 0; fails < 16; fails++) {
        floe_error error = FLOE_OK;
        counting_init(&memory);
        memory.fail_at = fails;
        floe_interfaces_init(&interfaces, &memory.table);
        for (unsigned i = 0; i < 300 && error == FLOE_OK; i++) {
            one.address.ip[2] = (uint8_t)(i / 256);
            one.address.ip[3] = (uint8_t)i;
            one.interface_index = i;
            (void)snprintf(name, sizeof name, "eth%u", i);
            error = floe_interfaces_add(&interfaces, name, 32, &one);
            assert_int_equal(interfaces.count, i + (error == FLOE_OK));
        }
        /* room for 16, 32 … 512: two pieces each */
        assert_int_equal(error, fails == 0 || fails > 12 ? FLOE_OK : FLOE_ERR_NO_MEMORY);
        for (unsigned i = 0; i < interfaces.count; i++) {
            (void)snprintf(name, sizeof name, "eth%u", i);
            assert_string_equal(interfaces.list[i].interface_name, name);
            assert_int_equal(interfaces.list[i].interface_index, i);
            assert_true(floe_interfaces_are_near(&interfaces, i, &interfaces.list[i].address));
        }
        floe_interfaces_free(&interfaces);
        assert_int_equal(memory.live, 0);
    }
}

static void each_allocation_may_fail(void **state)
{
    counting_allocator memory;
    floe_interfaces interfaces;
    floe_error error = FLOE_ERR_NO_MEMORY;

    (void)state;
    for (size_t n = 1; error != FLOE_OK; n++) {
        counting_init(&memory);
        memory.fail_at = n;
        floe_interfaces_init(&interfaces, &memory.table);
        error = floe_interfaces_update(&interfaces);
        assert_true(error == FLOE_OK || error == FLOE_ERR_NO_MEMORY);
        assert_true(error == FLOE_OK || interfaces.count == 0);
        floe_interfaces_free(&interfaces);
        assert_int_equal(memory.live, 0);
    }
}

static bool has_loopback(const floe_interfaces *interfaces)
{
    for (size_t n = 0; n < interfaces->count; n++) {
        if (interfaces->list[n].up && strcmp(interfaces->list[n].interface_name, "lo") == 0) {
            return true;
        }
    }
    return false;
}

/* In a network of its own, whose loopback comes up: 0 when that was seen, 2 without the right. */
static int see_a_change(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    floe_interfaces interfaces;
    bool good = true;

    if (unshare(CLONE_NEWNET) != 0) {
        return 2;
    }
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    floe_interfaces_init(&interfaces, &floe_default_allocator);
    for (int i = 0; i < 2; i++) { /* as it is, and once more */
        good = good && floe_interfaces_update(&interfaces) == FLOE_OK;
        good = good && !has_loopback(&interfaces);
    }
    good = good && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    good = good && floe_interfaces_update(&interfaces) == FLOE_OK && has_loopback(&interfaces);
    floe_interfaces_free(&interfaces);
    (void)close(fd);
    return good ? 0 : 1;
}

/* Whether those two addresses, and no others, are where the default route leads. */
static bool default_routes_are(const char *ipv4, const char *ipv6)
{
    floe_interfaces interfaces;
    size_t marked = 0;
    bool good = true;

    floe_interfaces_init(&interfaces, &floe_default_allocator);
    good = floe_interfaces_update(&interfaces) == FLOE_OK;
    unsigned open = entries_of("/proc/self/fd");
    floe_interfaces_mark_default_route(&interfaces);
    good = good && entries_of("/proc/self/fd") == open;
    for (size_t n = 0; n < interfaces.count; n++) {
        const floe_interface_address *one = &interfaces.list[n];
        const char *right = one->address.family == FLOE_FAMILY_IPV4 ? ipv4 : ipv6;
        char text[64];
        (void)floe_address_format(&one->address, text, sizeof text);
        good = good && (!one->default_route || (right != NULL && strcmp(text, right) == 0));
        marked += one->default_route;
    }
    floe_interfaces_free(&interfaces);
    return good && marked == (size_t)(ipv4 != NULL) + (ipv6 != NULL);
}

static bool runs(const char *command)
{
    return system(command) == 0; /* in a namespace that this process has made */
}

/* The kernel says a moment later that a link runs, and libuv lists no other. */
#define UNTIL_LINKS_RUN(count)                                                                     \
    " && until [ $(ip -o link | grep -c 'state UP') = " count " ]; do sleep 0.01; done"

static int see_the_default_route(void)
{
    if (unshare(CLONE_NEWNET) != 0 ||
        !runs("ip link add d0 type veth peer name d1 && ip link set d1 up && ip addr add "
              "10.9.0.1/24 dev d0 && "
              "ip addr add 10.8.0.1/24 dev d0 && ip addr add 2001:db8::1/64 dev d0 nodad && "
              "ip addr add 2001:db8:1::1/64 dev d0 nodad && ip link set d0 up" UNTIL_LINKS_RUN(
                  "2"))) {
        return 2;
    }
    bool good = default_routes_are(NULL, NULL);
    good =
        good && runs("ip route add default via 10.8.0.2") && default_routes_are("10.8.0.1", NULL);
    good = good && runs("ip -6 route add default via 2001:db8:1::2 src 2001:db8:1::1") &&
           default_routes_are("10.8.0.1", "2001:db8:1::1");
    good = good && runs("ip route del default") && default_routes_are(NULL, "2001:db8:1::1");
    return good ? 0 : 1;
}

/* More links than there is room for at first. */
static int see_many_links(void)
{
    enum { PAIRS = 20 };
    floe_interfaces interfaces;
    unsigned seen = 0;
    bool good = true;

    if (unshare(CLONE_NEWNET) != 0 ||
        !runs("for i in $(seq 20); do ip link add a$i type veth peer name b$i && ip addr add "
              "10.9.$i.1/24 dev a$i && ip addr add 10.9.$i.2/24 dev b$i && ip link set a$i up && "
              "ip link set b$i up || exit 1; done" UNTIL_LINKS_RUN("40"))) {
        return 2;
    }
    floe_interfaces_init(&interfaces, &floe_default_allocator);
    good = floe_interfaces_update(&interfaces) == FLOE_OK;
    for (size_t n = 0; n < interfaces.count; n++) {
        const floe_interface_address *one = &interfaces.list[n];
        const uint8_t *ip = one->address.ip;
        if (one->address.family == FLOE_FAMILY_IPV4 && ip[0] == 10) {
            char name[16];
            (void)snprintf(name, sizeof name, "%c%u", ip[3] == 1 ? 'a' : 'b', ip[2]);
            good = good && strcmp(one->interface_name, name) == 0 &&
                   one->interface_index == if_nametoindex(name);
            seen++;
        }
    }
    floe_interfaces_free(&interfaces);
    return good && seen == 2 * PAIRS ? 0 : 1;
}

static bool skipped; /* which ctest is to be told: 77 */

static void seen_in_a_network_of_its_own(int (*see)(void))
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        _exit(see());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
        skipped = true;
        skip();
    }
    assert_int_equal(status, 0);
}

static void a_change_is_seen(void **state)
{
    (void)state;
    seen_in_a_network_of_its_own(see_a_change);
}

/* P1: the addresses from which what is far away would be reached. */
static void the_default_route_is_marked(void **state)
{
    (void)state;
    seen_in_a_network_of_its_own(see_the_default_route);
}

static void each_of_many_links_has_its_name(void **state)
{
    (void)state;
    seen_in_a_network_of_its_own(see_many_links);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_there),
        cmocka_unit_test(who_is_near),
        cmocka_unit_test(near_to_the_bit),
        cmocka_unit_test(the_list_grows),
        cmocka_unit_test(a_change_is_seen),
        cmocka_unit_test(the_default_route_is_marked),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(each_of_many_links_has_its_name),
    };
    int failed = cmocka_run_group_tests_name("interfaces", tests, NULL, NULL);
    return failed == 0 && skipped ? 77 : failed;
}
