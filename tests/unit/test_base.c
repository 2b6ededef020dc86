/* base: errors, memory, lists, time, randomness, digests. */
#include "support.h"

#include "base/address.h"
#include "base/crypto.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/queue.h"
#include "base/random.h"
#include "base/ring.h"
#include "base/time.h"

#include <string.h>

static void every_error_has_a_name(void **state)
{
    (void)state;
    for (int error = FLOE_OK; error >= FLOE_ERR_CANCELED; error--) {
        assert_string_not_equal(floe_error_string((floe_error)error), "unknown error");
    }
    assert_string_equal(floe_error_string((floe_error)-99), "unknown error");
    assert_string_equal(floe_error_string((floe_error)5), "unknown error");
}

static void the_last_error_is_cut_to_fit(void **state)
{
    char longest[400];

    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(floe_fail(FLOE_ERR_SYNTAX, "%s", longest), FLOE_ERR_SYNTAX);
    assert_int_equal(strlen(floe_last_error()), 255);
}

static void memory_fails_with_an_error(void **state)
{
    counting_allocator memory;

    (void)state;
    counting_init(&memory);
    memory.fail_at = 2;
    char *text = floe_copy_text(&memory.table, "abc", 2);
    assert_string_equal(text, "ab");
    assert_null(floe_allocate(&memory.table, 7));
    assert_non_null(strstr(floe_last_error(), "7 bytes"));
    floe_deallocate(&memory.table, NULL);
    floe_deallocate(&memory.table, text);
    assert_int_equal(memory.live, 0);
}

typedef struct grown {
    size_t size;
    int first;
    int other; /* the last of the first release's */
    int appended;
} grown;

static void structs_of_another_size_share_what_both_have(void **state)
{
    const floe_struct_sizes of = FLOE_STRUCT_SIZES(grown, other, size_t);
    const size_t sizes[] = {offsetof(grown, appended), sizeof(grown), 0, sizeof(grown) + 100};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        bool old = sizes[i] < sizeof(grown); /* 0: the first release's */
        grown ours = {.size = 1, .first = 2, .other = 3, .appended = 4};
        grown callers = {.size = sizes[i], .first = 5, .other = 6, .appended = 7};
        floe_take_struct(&ours, &callers, of);
        assert_int_equal(ours.first, 5);
        assert_int_equal(ours.appended, old ? 4 : 7);
        ours = (grown){.size = 1, .first = 8, .appended = 9};
        floe_give_struct(&callers, &ours, of);
        assert_int_equal(callers.size, sizes[i]);
        assert_int_equal(callers.first, 8);
        assert_int_equal(callers.appended, old ? 7 : 9);
    }
    assert_int_equal(of.first, offsetof(grown, appended));
}

/* In an array of structs as they were the n-th is where the first says. */
static void arrays_go_by_the_size_of_their_first(void **state)
{
    typedef struct former {
        size_t size;
        int first;
        int other;
    } former;
    former callers[3] = {{0, 1, 2}, {0, 3, 4}, {0, 5, 6}};

    (void)state;
    for (size_t size = 0; size <= sizeof *callers; size += sizeof *callers) {
        callers[0].size = size;
        grown ours = {.appended = 7};
        floe_take_nth(&ours, callers, 2, FLOE_STRUCT_SIZES(grown, other, size_t));
        assert_int_equal(ours.first, 5);
        assert_int_equal(ours.other, 6);
        assert_int_equal(ours.appended, 7);
    }
}

static void a_struct_that_is_made_ready_is_all_zeros(void **state)
{
    grown one = {5, 5, 5, 5};
    size_t tiny = 5;

    (void)state;
    floe_init_struct(&one, offsetof(grown, appended));
    assert_int_equal(one.size, offsetof(grown, appended));
    assert_int_equal(one.first | one.other, 0);
    assert_int_equal(one.appended, 5);
    floe_init_struct(NULL, 100);
    floe_init_struct(&tiny, 1);
    assert_int_equal(tiny, 5);
}

typedef struct item {
    int number;
    floe_list link;
} item;

static void lists_keep_order(void **state)
{
    floe_list list;
    item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    int sum = 0;

    (void)state;
    floe_list_init(&list);
    assert_true(floe_list_empty(&list));
    assert_false(floe_list_linked(&items[0].link));
    for (int i = 0; i < 3; i++) {
        floe_list_append(&list, &items[i].link);
    }
    FLOE_LIST_EACH(each, &list, item, link)
    {
        sum = 10 * sum + each->number;
    }
    assert_int_equal(sum, 123);
    floe_list_remove(&items[1].link);
    floe_list_remove(&items[1].link); /* twice is fine */
    assert_false(floe_list_linked(&items[1].link));
    FLOE_LIST_EACH_SAFE(each, &list, item, link)
    {
        sum = 10 * sum + each->number;
        floe_list_remove(&each->link);
    }
    assert_int_equal(sum, 12313);
    assert_null(floe_list_take(&list));
}

/* The numbers from the first on, one digit each. */
static int sum_of(const floe_ring *ring)
{
    int sum = 0;

    FLOE_RING_EACH(each, ring, item, link)
    {
        sum = 10 * sum + each->number;
    }
    return sum;
}

static void rings_keep_order(void **state)
{
    floe_ring ring = {0};
    item items[4] = {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};

    (void)state;
    assert_true(floe_ring_empty(&ring));
    assert_null(floe_ring_last(&ring));
    assert_null(floe_ring_take(&ring));
    for (int i = 1; i < 3; i++) {
        assert_false(floe_ring_linked(&items[i].link));
        floe_ring_append(&ring, &items[i].link);
        assert_true(floe_ring_linked(&items[i].link));
        assert_ptr_equal(floe_ring_last(&ring), &items[i].link);
    }
    floe_ring_insert(&ring, ring.first, &items[0].link);
    assert_int_equal(sum_of(&ring), 123);
    floe_ring_insert(&ring, &items[1].link, &items[3].link);
    assert_int_equal(sum_of(&ring), 1423);
    assert_null(floe_ring_previous(&ring, &items[0].link));
    assert_ptr_equal(floe_ring_previous(&ring, &items[1].link), &items[3].link);
    assert_ptr_equal(floe_ring_next(&ring, &items[3].link), &items[1].link);
    assert_null(floe_ring_next(&ring, &items[2].link));
}

static void what_leaves_a_ring(void **state)
{
    floe_ring ring = {0};
    item items[4] = {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};

    (void)state;
    for (int i = 0; i < 4; i++) {
        floe_ring_append(&ring, &items[i].link);
    }
    floe_ring_remove(&ring, &items[1].link);
    floe_ring_remove(&ring, &items[1].link); /* twice is fine */
    assert_false(floe_ring_linked(&items[1].link));
    assert_int_equal(sum_of(&ring), 134);
    floe_ring_remove(&ring, &items[0].link);
    assert_int_equal(sum_of(&ring), 34);
    assert_ptr_equal(floe_ring_take(&ring), &items[2].link);
    floe_ring_append(&ring, &items[0].link);
    FLOE_RING_EACH_SAFE(each, &ring, item, link)
    {
        assert_true(each->number == 4 || each->number == 1);
        floe_ring_remove(&ring, &each->link);
    }
    assert_true(floe_ring_empty(&ring));
    floe_ring_append(&ring, &items[1].link);
    assert_int_equal(sum_of(&ring), 2);
}

static void time_saturates(void **state)
{
    floe_time end = {UINT64_MAX - 5};

    (void)state;
    assert_true(floe_time_is_never(floe_time_after(end, floe_seconds(1))));
    assert_true(floe_time_is_never(floe_time_after((floe_time){1}, (floe_duration){UINT64_MAX})));
    assert_true(floe_time_since((floe_time){1}, (floe_time){2}).ns == 0);
    assert_true(floe_milliseconds(3).ns == 3000000);
    assert_true(floe_time_reached((floe_time){7}, (floe_time){7}));
    assert_false(floe_time_reached((floe_time){7}, FLOE_TIME_NEVER));
}

static floe_error no_random(void *user_data, void *bytes, size_t size)
{
    (void)user_data;
    (void)bytes;
    (void)size;
    return FLOE_ERR_RANDOM;
}

static void randomness_is_even_and_may_fail(void **state)
{
    seeded_random random;
    floe_random broken = {.fill = no_random};
    unsigned seen[3] = {0};
    uint32_t value;
    char text[65];

    (void)state;
    seeded_init(&random, 1);
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(floe_random_below(&random.table, 3, &value), FLOE_OK);
        assert_true(value < 3);
        seen[value]++;
    }
    assert_true(seen[0] > 900 && seen[1] > 900 && seen[2] > 900);
    assert_int_equal(floe_random_ice_chars(&random.table, text, 64), FLOE_OK);
    assert_int_equal(strlen(text), 64);
    assert_int_equal(
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"), 64);
    assert_int_equal(floe_random_ice_chars(&broken, text, 64), FLOE_ERR_RANDOM);
    assert_int_equal(floe_random_below(&broken, 3, &value), FLOE_ERR_RANDOM);
}

static void secrets_differ_by_any_bit(void **state)
{
    uint8_t a[32] = {7};
    uint8_t b[32] = {7};

    (void)state;
    assert_true(floe_same_secret(a, b, sizeof a));
    for (size_t bit = 0; bit < 8 * sizeof b; bit++) {
        b[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_false(floe_same_secret(a, b, sizeof a));
        b[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

static void what_is_wiped_is_gone(void **state)
{
    static const char nothing[16];
    char secret[16] = "a secret's text";

    (void)state;
    floe_wipe(secret, sizeof secret);
    assert_memory_equal(secret, nothing, sizeof secret);
}

/* RFC 1321 A.5, RFC 6234's "abc", RFC 2202 and RFC 4231 test case 2. */
static void digests_and_codes_are_right(void **state)
{
    uint8_t digest[32];
    uint8_t right[32];
    floe_span abc[] = {floe_span_text("a"), floe_span_text("bc")};
    floe_span question[] = {floe_span_text("what do ya want "), floe_span_text("for nothing?")};
    floe_mac *mac;

    (void)state;
    assert_int_equal(floe_digest(FLOE_HASH_MD5, abc, 2, digest), FLOE_OK);
    bytes_of_hex("900150983cd24fb0d6963f7d28e17f72", right, 32);
    assert_memory_equal(digest, right, 16);
    assert_int_equal(floe_digest(FLOE_HASH_SHA256, abc, 2, digest), FLOE_OK);
    bytes_of_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", right, 32);
    assert_memory_equal(digest, right, 32);
    assert_int_equal(
        floe_mac_new(&floe_default_allocator, FLOE_HASH_SHA1, floe_span_text("Jefe"), &mac),
        FLOE_OK);
    bytes_of_hex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", right, 32);
    for (int i = 0; i < 3; i++) { /* prepared once, used again and again */
        assert_int_equal(floe_mac_compute(mac, question, 2, digest), FLOE_OK);
        assert_memory_equal(digest, right, 20);
    }
    floe_mac_free(mac);
    assert_int_equal(
        floe_mac_new(&floe_default_allocator, FLOE_HASH_SHA256, floe_span_text("Jefe"), &mac),
        FLOE_OK);
    assert_int_equal(floe_mac_compute(mac, question, 2, digest), FLOE_OK);
    bytes_of_hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", right, 32);
    assert_memory_equal(digest, right, 32);
    floe_mac_free(mac);
}

/* RFC 4648 §10. */
static void base64_goes_both_ways(void **state)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    char text[16];
    uint8_t bytes[8];
    size_t size;

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        floe_base64_encode(floe_span_text(pairs[i][0]), text);
        assert_string_equal(text, pairs[i][1]);
        assert_true(floe_base64_decode(text, bytes, sizeof bytes, &size));
        assert_int_equal(size, strlen(pairs[i][0]));
        assert_memory_equal(bytes, pairs[i][0], size);
    }
}

#define PACKETS 64

/* A queue beside the plainest model of one: packets of every size, in and out at random. */
static void queues_give_what_was_put_in(void **state)
{
    seeded_random random;
    counting_allocator memory;
    floe_queue queue = {0};
    size_t sizes[PACKETS];
    uint8_t firsts[PACKETS];
    size_t in = 0;
    size_t out = 0;
    bool was_full = false;

    (void)state;
    counting_init(&memory);
    seeded_init(&random, 7);
    for (int i = 0; i < 100000; i++) {
        uint8_t bytes[1500];
        floe_address remote;
        if (seeded_below(&random, 5) < 3 && in - out < PACKETS) {
            size_t size = seeded_below(&random, i % 1000 < 500 ? 64 : sizeof bytes);
            size_t cut = seeded_below(&random, (uint32_t)size + 1);
            memset(bytes, i & 0xFF, size);
            remote = floe_address_ipv4((uint32_t)i, 7);
            const floe_span parts[] = {floe_span_of(bytes, cut),
                                       floe_span_of(bytes + cut, size - cut)};
            floe_error error = floe_queue_push(&memory.table, &queue, 20000, &remote, parts, 2);
            if (error != FLOE_OK) {
                assert_int_equal(error, FLOE_ERR_QUEUE_FULL);
                was_full = true;
                assert_true(floe_queue_used(&queue) + size + 128 > 20000 / 2);
                continue;
            }
            sizes[in % PACKETS] = size;
            firsts[in++ % PACKETS] = (uint8_t)i;
            continue;
        }
        floe_span packet;
        bool took = floe_queue_take(&queue, &remote, &packet);
        assert_int_equal(took, in > out);
        if (took) {
            assert_int_equal(packet.size, sizes[out % PACKETS]);
            for (size_t at = 0; at < packet.size; at++) {
                assert_int_equal(packet.data[at], firsts[out % PACKETS]);
            }
            assert_int_equal(remote.ip[3], firsts[out++ % PACKETS]);
        }
        assert_int_equal(floe_queue_empty(&queue), in == out);
    }
    assert_true(was_full);
    assert_true(queue.ring->room <= 65536);
    floe_queue_release(&memory.table, &queue);
    assert_int_equal(memory.live, 0);
}

/* Of three sizes to two addresses, in rows that are longer than what is taken of them at once. */
static void queues_give_rows_of_packets_in_one_piece(void **state)
{
    static const size_t of_size[] = {0, 40, 1204};
    seeded_random random;
    counting_allocator memory;
    floe_queue queue = {0};
    unsigned kinds[256];
    size_t in = 0;
    size_t out = 0;
    size_t longest = 0;
    unsigned kind = 0;

    (void)state;
    counting_init(&memory);
    seeded_init(&random, 11);
    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[1204];
        floe_address remote;
        floe_span packets;
        kind = seeded_below(&random, 10) == 0 ? seeded_below(&random, 6) : kind;
        if (seeded_below(&random, 8) < 7) {
            memset(bytes, (int)(in & 0xFF), sizeof bytes);
            remote = floe_address_ipv4(kind / 3, 7);
            const floe_span part = floe_span_of(bytes, of_size[kind % 3]);
            if (in - out < 256 &&
                floe_queue_push(&memory.table, &queue, 30000, &remote, &part, 1) == FLOE_OK) {
                kinds[in++ % 256] = kind;
            }
            continue;
        }
        size_t count = seeded_below(&random, 12);
        size_t most = seeded_below(&random, 20000);
        size_t taken = floe_queue_take_row(&queue, count, most, &remote, &packets);
        size_t size = in > out ? of_size[kinds[out % 256] % 3] : 0;
        assert_true(taken <= count && packets.size * (taken > 0) <= most);
        assert_true(taken > 0 || in == out || count == 0 || size > most);
        longest = taken > longest ? taken : longest;
        for (size_t at = 0; at < taken; at++, out++) {
            assert_int_equal(kinds[out % 256] / 3, remote.ip[3]);
            assert_int_equal(of_size[kinds[out % 256] % 3], packets.size / taken);
            for (size_t b = 0; b < packets.size / taken; b++) {
                assert_int_equal(packets.data[at * (packets.size / taken) + b], out & 0xFF);
            }
        }
        assert_true(out <= in);
        assert_int_equal(floe_queue_empty(&queue), in == out);
    }
    assert_int_equal(longest, 11);
    assert_true(queue.ring->room <= 131072);
    floe_queue_release(&memory.table, &queue);
    assert_int_equal(memory.live, 0);
}

static void a_queue_without_memory_or_room_loses_nothing(void **state)
{
    counting_allocator memory;
    floe_queue queue = {0};
    floe_address remote = floe_address_ipv4(1, 1);
    floe_span word = floe_span_text("word");
    floe_span packet;
    static const uint8_t large[8192];
    floe_span more = floe_span_of(large, sizeof large);

    (void)state;
    counting_init(&memory);
    memory.fail_at = 1;
    memory.fail_count = 1;
    assert_int_equal(floe_queue_push(&memory.table, &queue, 65536, &remote, &word, 1),
                     FLOE_ERR_NO_MEMORY);
    assert_int_equal(floe_queue_push(&memory.table, &queue, 65536, &remote, &word, 1), FLOE_OK);
    memory.fail_at = memory.calls + 1;
    assert_int_equal(floe_queue_push(&memory.table, &queue, 65536, &remote, &more, 1),
                     FLOE_ERR_NO_MEMORY);
    assert_int_equal(floe_queue_push(&memory.table, &queue, 100, &remote, &more, 1),
                     FLOE_ERR_QUEUE_FULL);
    assert_true(floe_queue_take(&queue, &remote, &packet));
    assert_true(floe_span_equal(packet, word));
    assert_false(floe_queue_take(&queue, &remote, &packet));
    floe_queue_release(&memory.table, &queue);
    assert_int_equal(memory.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_name),
        cmocka_unit_test(the_last_error_is_cut_to_fit),
        cmocka_unit_test(memory_fails_with_an_error),
        cmocka_unit_test(structs_of_another_size_share_what_both_have),
        cmocka_unit_test(arrays_go_by_the_size_of_their_first),
        cmocka_unit_test(a_struct_that_is_made_ready_is_all_zeros),
        cmocka_unit_test(lists_keep_order),
        cmocka_unit_test(rings_keep_order),
        cmocka_unit_test(what_leaves_a_ring),
        cmocka_unit_test(time_saturates),
        cmocka_unit_test(randomness_is_even_and_may_fail),
        cmocka_unit_test(secrets_differ_by_any_bit),
        cmocka_unit_test(what_is_wiped_is_gone),
        cmocka_unit_test(digests_and_codes_are_right),
        cmocka_unit_test(base64_goes_both_ways),
        cmocka_unit_test(queues_give_what_was_put_in),
        cmocka_unit_test(queues_give_rows_of_packets_in_one_piece),
        cmocka_unit_test(a_queue_without_memory_or_room_loses_nothing),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
