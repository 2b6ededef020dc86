/* Random bytes by the block (entropy.c), where the system has none for a while. */
#include "support.h"

#include "runtime/entropy.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>
#include <uv.h>

static bool fails;
static unsigned draws;

#pragma GCC visibility push(default)

/* In the place of the system's, which gives less than it was asked for at times, and of libuv's. What has failed may
 * have been written to all the same. */
ssize_t getrandom(void *bytes, size_t size, unsigned flags)
{
    static bool interrupted;

    (void)flags;
    interrupted = !interrupted;
    if (interrupted) {
        errno = EINTR;
        return -1;
    }
    draws += size > 3000 && !fails;
    memset(bytes, fails ? 0 : (int)draws, size);
    errno = EIO;
    return fails ? -1 : size > 3000 ? 2000 : (ssize_t)size;
}

int uv_random(uv_loop_t *loop, uv_random_t *request, void *bytes, size_t size, unsigned flags,
              uv_random_cb done)
{
    (void)loop;
    (void)request;
    (void)flags;
    (void)done;
    memset(bytes, fails ? 0 : (int)++draws, size);
    return fails ? UV_EIO : 0;
}

#pragma GCC visibility pop

static void what_could_not_be_drawn_is_not_used(void **state)
{
    floe_entropy entropy;
    uint8_t bytes[3996];

    (void)state;
    floe_entropy_init(&entropy);
    assert_int_equal(floe_entropy_fill(&entropy, bytes, 3996), FLOE_OK); /* of 4000 */
    assert_int_equal(bytes[0], 1);
    assert_int_equal(bytes[3995], 1);
    fails = true;
    assert_int_equal(floe_entropy_fill(&entropy, bytes, 5), FLOE_ERR_RANDOM);
    assert_int_equal(floe_entropy_fill(&entropy, bytes, 4), FLOE_ERR_RANDOM);
    fails = false;
    assert_int_equal(floe_entropy_fill(&entropy, bytes, 4), FLOE_OK);
    assert_int_equal(bytes[0], 2);
    assert_int_equal(floe_entropy_fill(&entropy, bytes, 3996), FLOE_OK);
    assert_int_equal(draws, 2);
    assert_int_equal(floe_entropy_fill(&entropy, bytes, 1), FLOE_OK);
    assert_int_equal(bytes[0], 3);
    floe_entropy_free(&entropy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_could_not_be_drawn_is_not_used)};

    return cmocka_run_group_tests_name("entropy", tests, NULL, NULL);
}
