/* The list of interfaces, by rtnetlink and by libuv: both see the same addresses of this machine.
 */
#include "support.h"

#include "base/address.h"
#include "base/memory.h"
#include "runtime/interfaces.h"

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
            loopback = loopback || (floe_address_classify(&interfaces.list[n].address) ==
                                        FLOE_ADDRESS_LOOPBACK &&
                                    interfaces.list[n].up);
        }
        assert_true(loopback);
    }
    floe_interfaces_free(&interfaces);
    assert_int_equal(memory.live, 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_there),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("interfaces", tests, NULL, NULL);
}
