/* The list of interfaces, by rtnetlink and by libuv: both see the same addresses of this machine.
 */
#include "support.h"

#include "base/address.h"
#include "base/memory.h"
#include "runtime/interfaces.h"

#include <net/if.h>
#include <sched.h>
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

static bool skipped; /* which ctest is to be told: 77 */

static void a_change_is_seen(void **state)
{
    int status = 0;
    pid_t child;

    (void)state;
    child = fork();
    if (child == 0) {
        _exit(see_a_change());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
        skipped = true;
        skip();
    }
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_there),
        cmocka_unit_test(who_is_near),
        cmocka_unit_test(a_change_is_seen),
        cmocka_unit_test(each_allocation_may_fail),
    };
    int failed = cmocka_run_group_tests_name("interfaces", tests, NULL, NULL);
    return failed == 0 && skipped ? 77 : failed;
}
