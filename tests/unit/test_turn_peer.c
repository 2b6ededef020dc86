/* turn/peer: permissions and channels against a scripted server (K1, T7). */
#include "support.h"

#include "base/address.h"
#include "base/memory.h"
#include "stun/framing.h"
#include "turn/peer.h"

#include <string.h>

typedef struct fixture {
    counting_allocator memory;
    seeded_random random;
    floe_turn_account *account;
    floe_turn_allocation allocation;
    floe_address server;
    floe_address address;
    floe_time now;
    const char *nonce; /* of the next challenges; NULL: by their code */
} fixture;

static void answer_with(fixture *f, floe_stun_transaction *transaction, floe_stun_writer *writer,
                        uint8_t *bytes, size_t size, uint16_t code)
{
    *writer = floe_stun_begin(bytes, size, code == 0 ? FLOE_STUN_SUCCESS : FLOE_STUN_ERROR,
                              transaction->method, &transaction->id);
    if (code != 0) {
        floe_stun_put_error(writer, code, floe_span_text("why"));
    }
    if (code == 401 || code == 438) {
        floe_stun_put(writer, FLOE_STUN_REALM, floe_span_text("r"));
        const char *nonce = f->nonce != NULL ? f->nonce : code == 401 ? "first" : "second";
        floe_stun_put(writer, FLOE_STUN_NONCE, floe_span_text(nonce));
    } else if (transaction->method == FLOE_STUN_ALLOCATE) {
        floe_address relayed = address_of("198.51.100.9:5000");
        floe_stun_put_address(writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &relayed);
    }
    if (code != 401 && code != 438) {
        floe_stun_put_integrity(writer, f->allocation.realm->key->sha1);
    }
}

static floe_turn_event answer_allocation(fixture *f, uint16_t code)
{
    uint8_t bytes[512];
    floe_stun_writer writer;
    floe_stun_message message;
    floe_stun_match match;

    answer_with(f, &f->allocation.transaction, &writer, bytes, sizeof bytes, code);
    assert_int_equal(floe_stun_parse(floe_stun_written(&writer), &message), FLOE_STUN_PARSED);
    return floe_turn_allocation_receive(&f->allocation, f->now, &f->server, &message, &match);
}

static floe_turn_event allocate_step(fixture *f, uint16_t code)
{
    assert_int_equal(floe_turn_allocation_begin(&f->allocation, f->now), FLOE_TURN_SEND);
    return answer_allocation(f, code);
}

static floe_turn_event respond(fixture *f, floe_turn_peer *peer, uint16_t code)
{
    uint8_t bytes[512];
    floe_stun_writer writer;
    floe_stun_message message;
    floe_stun_match match;

    answer_with(f, &peer->transaction, &writer, bytes, sizeof bytes, code);
    assert_int_equal(floe_stun_parse(floe_stun_written(&writer), &message), FLOE_STUN_PARSED);
    floe_turn_event event =
        floe_turn_peer_receive(&f->allocation, f->now, peer, &f->server, &message, &match);
    assert_int_equal(match, FLOE_STUN_BELIEVED);
    return event;
}

static int set_up(void **state)
{
    static fixture f;

    memset(&f, 0, sizeof f);
    counting_init(&f.memory);
    seeded_init(&f.random, 42);
    f.server = address_of("203.0.113.2:3478");
    f.address = address_of("192.0.2.50:4000");
    f.now = floe_time_after((floe_time){0}, floe_seconds(1000));
    assert_int_equal(floe_turn_account_new(&f.memory.table, &f.random.table, "s", "user", "secret",
                                           NULL, &f.account),
                     FLOE_OK);
    floe_turn_allocation_init(&f.allocation, f.account, &f.server, floe_milliseconds(500), false,
                              &(floe_turn_wishes){.families = FLOE_TURN_IPV4});
    assert_int_equal(floe_turn_allocation_start(&f.allocation), FLOE_OK);
    assert_int_equal(allocate_step(&f, 401), FLOE_TURN_PROGRESS);
    assert_int_equal(allocate_step(&f, 0), FLOE_TURN_SUCCESS);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    floe_turn_allocation_free(&f->allocation);
    floe_turn_account_release(f->account);
    assert_int_equal(f->memory.live, 0);
    return 0;
}

static void later(fixture *f, uint64_t seconds)
{
    f->now = floe_time_after(f->now, floe_seconds(seconds));
}

static floe_error no_bytes(void *user, void *bytes, size_t size)
{
    (void)user;
    (void)bytes;
    (void)size;
    return FLOE_ERR_RANDOM;
}

/* What is sent next is `method`, signed, for the peer. */
static void assert_sends(fixture *f, floe_turn_peer *peer, uint16_t method)
{
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    floe_address address;

    assert_int_equal(
        floe_stun_parse(floe_turn_peer_write(&f->allocation, peer, bytes, sizeof bytes), &message),
        FLOE_STUN_PARSED);
    assert_int_equal(message.method, method);
    assert_true(floe_stun_read_address(&message, FLOE_STUN_XOR_PEER_ADDRESS, &address));
    assert_true(floe_address_equal(&address, &peer->address));
    assert_true(floe_stun_check_integrity(&message, f->allocation.realm->key->sha1));
}

static floe_turn_peer *permitted(fixture *f)
{
    floe_turn_peer *peer = floe_turn_peer_add(&f->allocation, f->now, &f->address);

    assert_non_null(peer);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    assert_sends(f, peer, FLOE_STUN_CREATE_PERMISSION);
    assert_int_equal(respond(f, peer, 0), FLOE_TURN_SUCCESS);
    assert_true(peer->permitted);
    return peer;
}

static floe_turn_peer *bound(fixture *f)
{
    floe_turn_peer *peer = permitted(f);

    assert_int_equal(floe_turn_peer_used(&f->allocation, f->now, peer), FLOE_TURN_NOTHING);
    assert_int_equal(floe_turn_peer_used(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    assert_sends(f, peer, FLOE_STUN_CHANNEL_BIND);
    (void)respond(f, peer, 0);
    assert_true(peer->bound);
    return peer;
}

static void k1_a_permission_first(void **state)
{
    fixture *f = *state;
    floe_address same_ip = address_of("192.0.2.50:9");
    floe_address other = address_of("192.0.2.51:4000");

    assert_false(floe_turn_peer_permits(&f->allocation, &f->address));
    floe_turn_peer *peer = permitted(f);
    assert_ptr_equal(floe_turn_peer_find(&f->allocation, &f->address), peer);
    assert_null(floe_turn_peer_find(&f->allocation, &same_ip));
    assert_true(floe_turn_peer_permits(&f->allocation, &same_ip)); /* RFC 8656 §9 */
    assert_false(floe_turn_peer_permits(&f->allocation, &other));
}

static void k1_a_channel_with_the_second_packet(void **state)
{
    fixture *f = *state;
    uint8_t header[FLOE_TURN_HEADER_SIZE];
    floe_turn_peer *peer = permitted(f);
    floe_span before = floe_turn_peer_header(&f->allocation, peer, 1000, header, sizeof header);

    assert_int_equal(before.size, 20 + 12 + 4); /* header, peer, and the data's own */
    assert_int_equal(before.data[2] << 8 | before.data[3], 12 + 4 + 1000);
    floe_turn_peer_free(&f->allocation, peer);
    peer = bound(f);
    floe_span after = floe_turn_peer_header(&f->allocation, peer, 1000, header, sizeof header);
    assert_int_equal(after.size, 4);
    assert_int_equal(after.data[0] << 8 | after.data[1], peer->channel);
    assert_in_range(peer->channel, FLOE_CHANNEL_FIRST, FLOE_CHANNEL_LAST);
    assert_ptr_equal(floe_turn_peer_of_channel(&f->allocation, f->now, peer->channel), peer);
    assert_null(floe_turn_peer_of_channel(&f->allocation, f->now, (uint16_t)(peer->channel + 1)));
}

/* RFC 6062 §4.1: on an allocation for TCP there is no ChannelBind. */
static void t12_no_channel(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = permitted(f);

    f->allocation.wishes.tcp = true;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(floe_turn_peer_used(&f->allocation, f->now, peer), FLOE_TURN_NOTHING);
    }
    later(f, 240);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    assert_sends(f, peer, FLOE_STUN_CREATE_PERMISSION);
    assert_int_equal(respond(f, peer, 0), FLOE_TURN_NOTHING);
    assert_false(peer->bound);
}

/* RFC 8656 §12.5: only a Send indication can ask for it. */
static void k1_without_fragments_there_is_no_channel(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = permitted(f);
    uint8_t bytes[FLOE_TURN_HEADER_SIZE];
    floe_stun_message message;

    f->allocation.wishes.dont_fragment = true;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(floe_turn_peer_used(&f->allocation, f->now, peer), FLOE_TURN_NOTHING);
    }
    floe_span header = floe_turn_peer_header(&f->allocation, peer, 0, bytes, sizeof bytes);
    assert_int_equal(floe_stun_parse(header, &message), FLOE_STUN_PARSED);
    assert_true(floe_stun_has(&message, FLOE_STUN_DONT_FRAGMENT));
}

static void t7_permissions_and_channels_are_kept(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = bound(f);
    unsigned permissions = 0;
    unsigned channels = 0;

    for (unsigned second = 1; second <= 3600; second++) {
        later(f, 1);
        (void)floe_turn_peer_used(&f->allocation, f->now, peer);
        if (floe_turn_peer_time(&f->allocation, f->now, peer) == FLOE_TURN_SEND) {
            permissions += peer->transaction.method == FLOE_STUN_CREATE_PERMISSION;
            channels += peer->transaction.method == FLOE_STUN_CHANNEL_BIND;
            (void)respond(f, peer, 0);
        }
        assert_true(peer->permitted && peer->bound);
    }
    assert_in_range(permissions, 3600 / 240 - 1, 3600 / 240);
    assert_int_equal(channels, 3600 / 540);
}

static void an_unused_one_lapses(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = bound(f);
    floe_turn_event event = FLOE_TURN_NOTHING;

    for (unsigned second = 0; event != FLOE_TURN_FAILED; second++) {
        assert_true(second < 1300);
        later(f, 1);
        event = floe_turn_peer_time(&f->allocation, f->now, peer);
        if (event == FLOE_TURN_SEND) {
            (void)respond(f, peer, 0);
        }
    }
    floe_turn_peer_free(&f->allocation, peer);
    assert_int_equal(f->allocation.peers->count, 0);
}

/* RFC 8656 §12: for 300 s beyond its end a channel is the peer's, and no other number may be. */
static void an_unused_one_keeps_its_channel_as_long_as_the_server(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = bound(f);
    uint16_t channel = peer->channel;

    for (unsigned second = 0; second < 800; second++) {
        later(f, 1);
        floe_turn_event event = floe_turn_peer_time(&f->allocation, f->now, peer);
        assert_int_not_equal(event, FLOE_TURN_FAILED);
        if (event == FLOE_TURN_SEND) {
            assert_true(second < 300);
            (void)respond(f, peer, 0);
        }
    }
    assert_false(peer->permitted || peer->bound);
    assert_null(floe_turn_peer_of_channel(&f->allocation, f->now, channel));
    assert_int_equal(floe_turn_peer_used(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    assert_sends(f, peer, FLOE_STUN_CREATE_PERMISSION);
    /* Used for long, it has its channel again, by the same number. */
    assert_int_equal(respond(f, peer, 0), FLOE_TURN_SUCCESS);
    assert_int_equal(floe_turn_peer_used(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    assert_sends(f, peer, FLOE_STUN_CHANNEL_BIND);
    assert_int_equal(peer->channel, channel);
}

/* T2: a server that says 401 of a nonce that has expired says so to each request that was under way, of
 * which the first learns the new one. */
static void t2_401_to_several_at_once(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peers[4];

    (void)permitted(f);
    for (uint32_t i = 0; i < 4; i++) {
        floe_address address = floe_address_ipv4(0x0A000000 + i, 1);
        peers[i] = floe_turn_peer_add(&f->allocation, f->now, &address);
        assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peers[i]), FLOE_TURN_SEND);
        assert_sends(f, peers[i], FLOE_STUN_CREATE_PERMISSION);
    }
    f->nonce = "another";
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(respond(f, peers[i], 401), FLOE_TURN_SEND);
        assert_sends(f, peers[i], FLOE_STUN_CREATE_PERMISSION);
    }
}

/* Where a nonce is good for one request, those of the peers and of the allocation spend each
 * other's; the allocation is no worse for it. Its own are counted as ever. */
static void challenges_of_peers_end_no_allocation(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    unsigned own = 0;

    (void)permitted(f);
    later(f, 545);
    (void)floe_turn_allocation_time(&f->allocation, f->now);
    for (uint32_t i = 0; i < 20; i++) {
        floe_address address = floe_address_ipv4(0x0A000000 + i, 1);
        floe_turn_peer *peer = floe_turn_peer_add(&f->allocation, f->now, &address);
        assert_int_equal(floe_turn_allocation_begin(&f->allocation, f->now), FLOE_TURN_SEND);
        (void)floe_turn_allocation_write(&f->allocation, bytes, sizeof bytes);
        assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
        assert_int_equal(respond(f, peer, 438), FLOE_TURN_SEND);
        assert_int_equal(answer_allocation(f, 438), FLOE_TURN_PROGRESS);
        floe_turn_peer_free(&f->allocation, peer); /* no more than ten at a time are asked for */
    }
    floe_turn_event event = FLOE_TURN_PROGRESS;
    while (event == FLOE_TURN_PROGRESS && own++ < 20) {
        assert_int_equal(floe_turn_allocation_begin(&f->allocation, f->now), FLOE_TURN_SEND);
        (void)floe_turn_allocation_write(&f->allocation, bytes, sizeof bytes);
        event = answer_allocation(f, 438);
    }
    assert_int_equal(event, FLOE_TURN_NOTHING); /* yet */
    assert_int_equal(own, FLOE_TURN_STALE_IN_A_ROW + 1);
}

static void a_refused_permission_says_so(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = floe_turn_peer_add(&f->allocation, f->now, &f->address);

    (void)floe_turn_peer_time(&f->allocation, f->now, peer);
    assert_int_equal(respond(f, peer, 403), FLOE_TURN_FAILED);
    assert_true(peer->refused);
    assert_false(floe_turn_peer_permits(&f->allocation, &f->address));
}

static void a_refused_channel_leaves_the_permission(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = permitted(f);
    uint8_t header[FLOE_TURN_HEADER_SIZE];

    (void)floe_turn_peer_used(&f->allocation, f->now, peer);
    (void)floe_turn_peer_used(&f->allocation, f->now, peer);
    assert_int_equal(respond(f, peer, 403), FLOE_TURN_NOTHING);
    assert_true(peer->permitted && !peer->refused);
    assert_int_equal(floe_turn_peer_used(&f->allocation, f->now, peer), FLOE_TURN_NOTHING);
    assert_int_equal(floe_turn_peer_header(&f->allocation, peer, 4, header, sizeof header).size,
                     36);
}

/* Whom a channel was refused, and who then was silent for so long that it lapsed, asks again once
 * it is used. */
static void k1_a_peer_that_comes_back_asks_for_a_channel_again(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = permitted(f);

    (void)floe_turn_peer_used(&f->allocation, f->now, peer);
    assert_int_equal(floe_turn_peer_used(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    assert_int_equal(respond(f, peer, 403), FLOE_TURN_NOTHING);
    assert_true(peer->no_channel);
    for (unsigned second = 0; second < 299; second++) { /* its permission may stand yet */
        later(f, 1);
        while (floe_turn_peer_time(&f->allocation, f->now, peer) == FLOE_TURN_SEND) {
            (void)respond(f, peer, peer->transaction.method == FLOE_STUN_CHANNEL_BIND ? 403 : 0);
        }
    }
    later(f, 239);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_NOTHING);
    assert_int_equal(floe_turn_peer_used(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    assert_sends(f, peer, FLOE_STUN_CREATE_PERMISSION);
    floe_turn_event event = respond(f, peer, 0);
    if (event == FLOE_TURN_SUCCESS) {
        event = floe_turn_peer_used(&f->allocation, f->now, peer);
    }
    assert_int_equal(event, FLOE_TURN_SEND);
    assert_sends(f, peer, FLOE_STUN_CHANNEL_BIND);
}

static void t2_a_stale_nonce_is_answered(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = floe_turn_peer_add(&f->allocation, f->now, &f->address);

    (void)floe_turn_peer_time(&f->allocation, f->now, peer);
    assert_int_equal(respond(f, peer, 438), FLOE_TURN_SEND);
    assert_sends(f, peer, FLOE_STUN_CREATE_PERMISSION);
    assert_int_equal(f->allocation.nonce_size, strlen("second"));
    assert_int_equal(respond(f, peer, 0), FLOE_TURN_SUCCESS);
}

/* Many peers whose nonce has expired at once are no reason to give up the allocation. */
static void t2_each_peer_has_its_own_patience(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peers[8];

    for (uint32_t i = 0; i < 8; i++) {
        floe_address address = floe_address_ipv4(0x0A000000 + i, 1);
        peers[i] = floe_turn_peer_add(&f->allocation, f->now, &address);
        (void)floe_turn_peer_time(&f->allocation, f->now, peers[i]);
    }
    for (int i = 0; i < 8; i++) {
        assert_int_equal(respond(f, peers[i], 438), FLOE_TURN_SEND);
    }
    for (int i = 0; i < 8; i++) {
        assert_int_equal(respond(f, peers[i], 0), FLOE_TURN_SUCCESS);
    }
    peers[0]->challenges = 0;
    (void)floe_turn_peer_used(&f->allocation, f->now, peers[0]);
    (void)floe_turn_peer_used(&f->allocation, f->now, peers[0]);
    for (int i = 0; i < FLOE_TURN_STALE_IN_A_ROW; i++) {
        assert_int_equal(respond(f, peers[0], 438), FLOE_TURN_SEND);
    }
    assert_int_not_equal(respond(f, peers[0], 438), FLOE_TURN_SEND);
    assert_int_equal(f->allocation.state, FLOE_TURN_ALLOCATED);
}

/* T7b: whether the allocation is gone its own Refresh finds out; the peer is asked for again, after
 * longer and longer pauses. */
static void t7b_a_refusal_that_is_not_of_the_peer_is_a_doubt(void **state)
{
    static const uint16_t codes[] = {400, 401, 437, 441, 486, 500, 508};
    fixture *f = *state;
    floe_turn_peer *peer = floe_turn_peer_add(&f->allocation, f->now, &f->address);

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        uint64_t pause = i < 6 ? 5U << i : 240;
        assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
        assert_sends(f, peer, FLOE_STUN_CREATE_PERMISSION);
        assert_int_equal(respond(f, peer, codes[i]), FLOE_TURN_DOUBT);
        assert_int_equal(peer->code, codes[i]);
        assert_false(peer->refused || peer->permitted);
        later(f, pause - 1);
        (void)floe_turn_peer_used(&f->allocation, f->now, peer);
        assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_NOTHING);
        later(f, 1);
    }
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    assert_int_equal(respond(f, peer, 0), FLOE_TURN_SUCCESS);
    assert_int_equal(peer->code, 0);
    assert_int_equal(peer->failures, 0);
    assert_int_equal(f->allocation.state, FLOE_TURN_ALLOCATED);
}

/* RFC 8489 §5: the same id means the same bytes. */
static void r5_what_is_signed_anew_goes_by_another_id(void **state)
{
    fixture *f = *state;
    floe_address addresses[2] = {f->address, address_of("192.0.2.51:4000")};
    floe_turn_peer *peers[2];
    uint8_t bytes[2][FLOE_TURN_REQUEST_SIZE];

    for (int i = 0; i < 2; i++) {
        peers[i] = floe_turn_peer_add(&f->allocation, f->now, &addresses[i]);
        (void)floe_turn_peer_time(&f->allocation, f->now, peers[i]);
        (void)floe_turn_peer_write(&f->allocation, peers[i], bytes[i], sizeof bytes[i]);
    }
    for (int learned = 0; learned < 2; learned++) {
        floe_stun_id id = peers[0]->transaction.id;
        uint8_t again[FLOE_TURN_REQUEST_SIZE];
        if (learned) {
            assert_int_equal(respond(f, peers[1], 438), FLOE_TURN_SEND);
        }
        later(f, 2);
        assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peers[0]), FLOE_TURN_SEND);
        floe_span sent = floe_turn_peer_write(&f->allocation, peers[0], again, sizeof again);
        assert_int_equal(memcmp(sent.data, bytes[0], sent.size) == 0, !learned);
        assert_int_equal(floe_stun_id_equal(&id, &peers[0]->transaction.id), !learned);
    }
    assert_int_equal(respond(f, peers[0], 0), FLOE_TURN_SUCCESS);
}

/* As long as the server has the permission, a refusal to renew it costs nothing. */
static void k1_a_permission_stands_until_its_end(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = permitted(f);

    later(f, 240);
    (void)floe_turn_peer_used(&f->allocation, f->now, peer);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    assert_int_equal(respond(f, peer, 500), FLOE_TURN_DOUBT);
    later(f, 5);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    assert_int_equal(respond(f, peer, 403), FLOE_TURN_FAILED);
    assert_true(peer->refused && floe_turn_peer_permits(&f->allocation, &f->address));
    later(f, 54);
    (void)floe_turn_peer_time(&f->allocation, f->now, peer);
    assert_true(floe_turn_peer_permits(&f->allocation, &f->address));
    assert_int_equal(floe_turn_peer_deadline(&f->allocation, peer).ns,
                     floe_time_after(f->now, floe_seconds(1)).ns);
    later(f, 1);
    (void)floe_turn_peer_time(&f->allocation, f->now, peer);
    assert_false(floe_turn_peer_permits(&f->allocation, &f->address));
}

/* A server may answer what is sent again without counting anew. */
static void t7_a_permission_counts_from_when_it_was_asked_for(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = floe_turn_peer_add(&f->allocation, f->now, &f->address);

    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    later(f, 30);
    assert_int_equal(respond(f, peer, 0), FLOE_TURN_SUCCESS);
    later(f, 210);
    (void)floe_turn_peer_used(&f->allocation, f->now, peer);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    assert_sends(f, peer, FLOE_STUN_CREATE_PERMISSION);
}

static void k1_a_refused_peer_may_be_permitted_later(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = floe_turn_peer_add(&f->allocation, f->now, &f->address);

    (void)floe_turn_peer_time(&f->allocation, f->now, peer);
    assert_int_equal(respond(f, peer, 403), FLOE_TURN_FAILED);
    later(f, 240);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    assert_int_equal(respond(f, peer, 0), FLOE_TURN_SUCCESS);
    assert_true(peer->permitted && !peer->refused);
}

static void give_up(fixture *f, floe_turn_peer *peer)
{
    floe_turn_event event = FLOE_TURN_NOTHING;

    for (unsigned second = 0; event != FLOE_TURN_DOUBT; second++) {
        assert_true(second < 45);
        later(f, 1);
        event = floe_turn_peer_time(&f->allocation, f->now, peer);
    }
}

/* RFC 8656 §12: a binding lasts 600 s, and what comes on it is the peer's. */
static void t7b_a_channel_is_heard_for_as_long_as_it_stands(void **state)
{
    static const uint16_t codes[] = {0, 400, 403, 500};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        fixture *f = *state;
        floe_turn_peer *peer = bound(f);
        uint16_t channel = peer->channel;
        for (unsigned second = 0; second < 540; second++) {
            later(f, 1);
            (void)floe_turn_peer_used(&f->allocation, f->now, peer);
            if (floe_turn_peer_time(&f->allocation, f->now, peer) == FLOE_TURN_SEND &&
                peer->transaction.method == FLOE_STUN_CREATE_PERMISSION) {
                (void)respond(f, peer, 0);
            }
        }
        assert_sends(f, peer, FLOE_STUN_CHANNEL_BIND);
        if (codes[i] == 0) {
            give_up(f, peer);
        } else {
            (void)respond(f, peer, codes[i]);
        }
        assert_true(peer->permitted && !peer->bound && !peer->refused);
        later(f, 59);
        assert_ptr_equal(floe_turn_peer_of_channel(&f->allocation, f->now, channel), peer);
        later(f, 700); /* its request may have arrived, for all that we know */
        assert_null(floe_turn_peer_of_channel(&f->allocation, f->now, channel));
        floe_turn_peer_free(&f->allocation, peer);
    }
}

static void k1_a_permission_does_not_depend_on_a_channel(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = permitted(f);
    uint8_t header[FLOE_TURN_HEADER_SIZE];

    (void)floe_turn_peer_used(&f->allocation, f->now, peer);
    assert_int_equal(floe_turn_peer_used(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    give_up(f, peer);
    assert_true(peer->permitted);
    /* Send indications go on, and the channel is not asked for again with each of them. */
    assert_int_equal(floe_turn_peer_used(&f->allocation, f->now, peer), FLOE_TURN_NOTHING);
    assert_int_equal(floe_turn_peer_header(&f->allocation, peer, 4, header, sizeof header).size,
                     36);
    later(f, 239);
    (void)floe_turn_peer_used(&f->allocation, f->now, peer);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    assert_sends(f, peer, FLOE_STUN_CREATE_PERMISSION);
    assert_int_equal(respond(f, peer, 0), FLOE_TURN_NOTHING);
    later(f, 1);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    assert_sends(f, peer, FLOE_STUN_CHANNEL_BIND);
    (void)respond(f, peer, 0);
    assert_true(peer->bound && !peer->no_channel);
}

/* RFC 8489 §6.3.3: then the transaction has failed, whatever the class says. */
static void t6_what_is_not_understood_is_no_success(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = floe_turn_peer_add(&f->allocation, f->now, &f->address);
    uint8_t bytes[512];
    floe_stun_message message;
    floe_stun_match match;

    (void)floe_turn_peer_time(&f->allocation, f->now, peer);
    floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS,
                                              peer->transaction.method, &peer->transaction.id);
    floe_stun_put(&writer, 0x7ABC, (floe_span){0});
    floe_stun_put_integrity(&writer, f->allocation.realm->key->sha1);
    assert_int_equal(floe_stun_parse(floe_stun_written(&writer), &message), FLOE_STUN_PARSED);
    assert_int_equal(
        floe_turn_peer_receive(&f->allocation, f->now, peer, &f->server, &message, &match),
        FLOE_TURN_DOUBT);
    assert_int_equal(match, FLOE_STUN_BELIEVED);
    assert_false(peer->permitted || peer->refused);
}

/* RFC 8489 §6.3.4, §9.2.1: nor is a challenge one that is not understood, or whose nonce promises
 * algorithms that it does not name. */
static void t6_what_is_not_understood_is_no_challenge(void **state)
{
    static const struct {
        const char *nonce;
        uint16_t extra;
        floe_turn_event event;
        floe_stun_match match;
    } rows[] = {{"second", 0, FLOE_TURN_SEND, FLOE_STUN_BELIEVED},
                {"second", 0x7ABC, FLOE_TURN_DOUBT, FLOE_STUN_BELIEVED},
                {"obMatJos2gAAAsecond", 0, FLOE_TURN_NOTHING, FLOE_STUN_BID_DOWN}};
    fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_turn_peer *peer = floe_turn_peer_add(&f->allocation, f->now, &f->address);
        uint8_t bytes[512];
        floe_stun_message message;
        floe_stun_match match;
        assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
        floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_ERROR,
                                                  peer->transaction.method, &peer->transaction.id);
        floe_stun_put_error(&writer, 438, floe_span_text("stale"));
        floe_stun_put(&writer, FLOE_STUN_REALM, floe_span_text("r"));
        floe_stun_put(&writer, FLOE_STUN_NONCE, floe_span_text(rows[i].nonce));
        if (rows[i].extra != 0) {
            floe_stun_put(&writer, rows[i].extra, (floe_span){0});
        }
        assert_int_equal(floe_stun_parse(floe_stun_written(&writer), &message), FLOE_STUN_PARSED);
        assert_int_equal(
            floe_turn_peer_receive(&f->allocation, f->now, peer, &f->server, &message, &match),
            rows[i].event);
        assert_int_equal(match, rows[i].match);
        floe_turn_peer_free(&f->allocation, peer);
    }
}

/* RFC 8656 §9: the server counts its 300 s from when the request reaches it, which is before the
 * answer comes. */
static void k1_a_permission_counts_from_when_it_was_asked_for(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = permitted(f);

    later(f, 240);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    later(f, 20); /* the answer comes late, and nothing is sent to the peer any more */
    assert_int_equal(respond(f, peer, 0), FLOE_TURN_NOTHING);
    later(f, 220);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_NOTHING);
    later(f, 59);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_NOTHING);
    assert_true(floe_turn_peer_permits(&f->allocation, &f->address));
    later(f, 1);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_FAILED);
    assert_false(floe_turn_peer_permits(&f->allocation, &f->address));
}

/* What a resting peer's permission lets in still comes in. */
/* Who only listens keeps its permission by what comes. */
static void k1_who_only_listens_goes_on_listening(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = permitted(f);

    for (int i = 0; i < 5; i++) {
        floe_turn_peer_heard(&f->allocation, f->now, &f->address);
        later(f, 240);
        assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
        assert_int_equal(respond(f, peer, 0), FLOE_TURN_NOTHING);
    }
}

static void an_unused_one_is_heard_until_its_permission_ends(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = permitted(f);

    later(f, 240);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    assert_int_equal(respond(f, peer, 0), FLOE_TURN_NOTHING);
    later(f, 240);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_NOTHING);
    assert_true(peer->rests && floe_turn_peer_permits(&f->allocation, &f->address));
    later(f, 60);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_FAILED);
    assert_false(floe_turn_peer_permits(&f->allocation, &f->address));
}

static void no_answer_is_asked_again(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = permitted(f);
    unsigned asked = 0;
    unsigned doubts = 0;

    for (unsigned second = 0; second < 300; second++) {
        later(f, 1);
        floe_turn_event event = floe_turn_peer_time(&f->allocation, f->now, peer);
        asked += event == FLOE_TURN_SEND;
        doubts += event == FLOE_TURN_DOUBT;
        assert_int_equal(peer->permitted, second < 299);
    }
    assert_in_range(asked, 7,
                    14); /* at 240 s: seven packets in 39.5 s, and once more from there on */
    assert_int_equal(doubts, 1);
}

static void without_randomness_it_is_tried_later(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = floe_turn_peer_add(&f->allocation, f->now, &f->address);
    seeded_random right = f->random;

    f->random.table.fill = no_bytes;
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_NOTHING);
    f->random = right;
    later(f, 5);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
}

static void channels_run_out(void **state)
{
    fixture *f = *state;
    size_t count = 0;

    f->memory.fail_at = 0;
    for (uint32_t i = 0; i <= FLOE_TURN_PEERS_MAX; i++) {
        floe_address address = floe_address_ipv4(0x0A000000 + i, 1);
        count += floe_turn_peer_add(&f->allocation, f->now, &address) != NULL;
    }
    assert_int_equal(count, FLOE_TURN_PEERS_MAX);
}

/* Numbers go round, and one that is a peer's is passed over. */
static void two_peers_never_share_a_channel(void **state)
{
    fixture *f = *state;
    floe_turn_peer *first = bound(f);

    f->allocation.peers->next_channel = (uint16_t)(first->channel - FLOE_CHANNEL_FIRST);
    f->address.port++;
    floe_turn_peer *second = bound(f);
    assert_ptr_not_equal(first, second);
    assert_int_not_equal(first->channel, second->channel);
}

/* ── Many of them ── */

static floe_turn_peer *add(fixture *f, const char *address)
{
    f->address = address_of(address);
    return floe_turn_peer_add(&f->allocation, f->now, &f->address);
}

static floe_turn_peer *found(fixture *f, const char *address, uint32_t scope)
{
    floe_address wanted = address_of(address);

    wanted.scope_id = scope;
    return floe_turn_peer_find(&f->allocation, &wanted);
}

/* As floe_address_equal has it: a missing scope equals any. */
static void k1_peers_are_found_by_address_and_port(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peers[6];

    assert_null(found(f, "192.0.2.1:4", 0));
    assert_null(floe_turn_peer_next(&f->allocation, NULL));
    peers[0] = add(f, "192.0.2.1:4");
    peers[1] = add(f, "192.0.2.1:5");
    peers[2] = add(f, "[2001:db8::1]:4");
    peers[3] = add(f, "[fe80::1]:4");
    for (uint32_t i = 4; i < 6; i++) {
        f->address = address_of("[fe80::2]:4");
        f->address.scope_id = i;
        peers[i] = floe_turn_peer_add(&f->allocation, f->now, &f->address);
    }
    assert_ptr_equal(found(f, "192.0.2.1:4", 0), peers[0]);
    assert_ptr_equal(found(f, "192.0.2.1:5", 0), peers[1]);
    assert_null(found(f, "192.0.2.1:6", 0));
    assert_null(found(f, "192.0.2.2:4", 0));
    assert_ptr_equal(found(f, "[2001:db8::1]:4", 0), peers[2]);
    assert_ptr_equal(found(f, "[fe80::1]:4", 0), peers[3]);
    assert_ptr_equal(found(f, "[fe80::1]:4", 7), peers[3]);
    assert_ptr_equal(found(f, "[fe80::2]:4", 4), peers[4]);
    assert_ptr_equal(found(f, "[fe80::2]:4", 5), peers[5]);
    assert_null(found(f, "[fe80::2]:4", 6));
    assert_non_null(found(f, "[fe80::2]:4", 0));
    size_t count = 0;
    for (floe_turn_peer *peer = NULL; (peer = floe_turn_peer_next(&f->allocation, peer)) != NULL;) {
        count++;
    }
    assert_int_equal(count, 6);
}

/* RFC 8656 §9: of an IP address one permission lets all ports in; that is the one to keep. */
static void k1_one_permission_lets_an_address_in(void **state)
{
    fixture *f = *state;
    floe_address other_port = address_of("192.0.2.1:77");
    floe_turn_peer *first = add(f, "192.0.2.1:4");

    assert_ptr_equal(floe_turn_peer_of_ip(&f->allocation, &other_port), first);
    assert_false(floe_turn_peer_permits(&f->allocation, &other_port));
    f->address.port = 5;
    floe_turn_peer *second = permitted(f);
    f->address = address_of("192.0.2.2:1");
    (void)permitted(f);
    assert_true(floe_turn_peer_permits(&f->allocation, &other_port));
    assert_ptr_equal(floe_turn_peer_of_ip(&f->allocation, &other_port), second);
    floe_turn_peer_free(&f->allocation, second);
    assert_false(floe_turn_peer_permits(&f->allocation, &other_port));
    assert_ptr_equal(floe_turn_peer_of_ip(&f->allocation, &other_port), first);
    floe_turn_peer_free(&f->allocation, first);
    assert_null(floe_turn_peer_of_ip(&f->allocation, &other_port));
}

/* RFC 8656 §12: nobody else gets a number before its peer has gone, and then what comes on it is
 * another's. */
static void k1_a_channel_number_is_used_again(void **state)
{
    fixture *f = *state;
    floe_turn_peer *first = bound(f);
    uint16_t channel = first->channel;

    later(f, 700);
    floe_turn_peer_expire(&f->allocation, f->now, first);
    assert_null(floe_turn_peer_of_channel(&f->allocation, f->now, channel));
    f->allocation.peers->next_channel = (uint16_t)(channel - FLOE_CHANNEL_FIRST);
    f->address.port++;
    floe_turn_peer *second = bound(f);
    assert_int_equal(second->channel, channel + 1);
    floe_turn_peer_free(&f->allocation, first);
    f->allocation.peers->next_channel = (uint16_t)(channel - FLOE_CHANNEL_FIRST);
    f->address.port++;
    floe_turn_peer *third = bound(f);
    assert_int_equal(third->channel, channel);
    assert_ptr_equal(floe_turn_peer_of_channel(&f->allocation, f->now, channel), third);
    assert_ptr_equal(floe_turn_peer_of_channel(&f->allocation, f->now, channel + 1U), second);
}

/* Of what is due at one instant those that came first go first; one that goes meanwhile takes no
 * other along. */
static void k1_one_goes_while_others_are_due(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peers[5];

    for (uint16_t i = 0; i < 5; i++) {
        f->address.port = (uint16_t)(5000 - i); /* not in the order of addresses */
        peers[i] = floe_turn_peer_add(&f->allocation, f->now, &f->address);
        assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peers[i]), FLOE_TURN_SEND);
    }
    for (uint16_t i = 5; i-- > 0;) { /* nor of the answers */
        assert_int_equal(respond(f, peers[i], 0), FLOE_TURN_SUCCESS);
    }
    assert_null(floe_turn_peers_due(&f->allocation, f->now));
    assert_int_equal(floe_turn_peers_deadline(&f->allocation).ns,
                     floe_time_after(f->now, floe_seconds(240)).ns);
    later(f, 240);
    for (uint16_t i = 0; i < 5; i++) {
        assert_true(floe_turn_peers_agree(&f->allocation));
        assert_ptr_equal(floe_turn_peers_due(&f->allocation, f->now), peers[i]);
        if (i % 2 == 0) {
            floe_turn_peer_free(&f->allocation, peers[i]);
        } else {
            assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peers[i]), FLOE_TURN_SEND);
        }
    }
    assert_null(floe_turn_peers_due(&f->allocation, f->now));
    assert_int_equal(floe_turn_peers_deadline(&f->allocation).ns,
                     floe_time_after(f->now, floe_milliseconds(500)).ns);
}

/* Be it a permission's renewal or a channel's. */
static void k1_of_one_instant_who_came_first_goes_first(void **state)
{
    fixture *f = *state;

    for (int second_is_permission = 0; second_is_permission < 2; second_is_permission++) {
        floe_turn_peer *peers[2];
        for (uint16_t i = 0; i < 2; i++) {
            f->address.port++;
            peers[i] = permitted(f);
            peers[i]->permission = FLOE_TIME_NEVER;
            peers[i]->channel_due = FLOE_TIME_NEVER;
            *(i == second_is_permission ? &peers[i]->permission : &peers[i]->channel_due) =
                floe_time_after(f->now, floe_seconds(9));
            floe_turn_peer_expire(&f->allocation, f->now, peers[i]); /* takes note of it */
        }
        later(f, 9);
        assert_ptr_equal(floe_turn_peers_due(&f->allocation, f->now), peers[0]);
        assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peers[0]), FLOE_TURN_SEND);
        assert_ptr_equal(floe_turn_peers_due(&f->allocation, f->now), peers[1]);
        floe_turn_peers_free(&f->allocation);
    }
}

/* What finds no room is asked in the order in which it became due, however much goes to whom. */
static void k1_who_waits_for_a_channel_keeps_its_turn(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peers[6];

    for (uint16_t i = 0; i < 6; i++) {
        f->address.port = (uint16_t)(5000 - i);
        peers[i] = permitted(f);
        (void)floe_turn_peer_used(&f->allocation, f->now, peers[i]);
    }
    for (uint16_t i = 0; i < 6; i++) { /* four at a time */
        assert_int_equal(floe_turn_peer_used(&f->allocation, f->now, peers[i]),
                         i < 4 ? FLOE_TURN_SEND : FLOE_TURN_NOTHING);
        f->now = floe_time_after(f->now, floe_milliseconds(1));
    }
    assert_int_equal(floe_turn_peer_used(&f->allocation, f->now, peers[4]), FLOE_TURN_NOTHING);
    assert_null(floe_turn_peers_due(&f->allocation, f->now));
    (void)respond(f, peers[0], 0);
    assert_ptr_equal(floe_turn_peers_due(&f->allocation, f->now), peers[4]);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peers[4]), FLOE_TURN_SEND);
    assert_null(floe_turn_peers_due(&f->allocation, f->now));
}

/* What had been bound is not used beyond its end, whoever asks first: a channel that the server has
 * forgotten swallows what goes by it. */
static void k1_a_channel_ends_though_no_time_was_told(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = bound(f);
    uint8_t header[FLOE_TURN_HEADER_SIZE];

    later(f, 240);
    (void)floe_turn_peer_used(&f->allocation, f->now, peer);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
    later(f, 460);
    (void)respond(f, peer, 0);
    assert_false(peer->bound);
    assert_int_equal(floe_turn_peer_header(&f->allocation, peer, 4, header, sizeof header).size,
                     36);
}

static size_t header_size(fixture *f, floe_turn_peer *peer)
{
    uint8_t header[FLOE_TURN_HEADER_SIZE];

    floe_turn_peer_expire(&f->allocation, f->now, peer); /* as who sends does */
    return floe_turn_peer_header(&f->allocation, peer, 4, header, sizeof header).size;
}

/* A second passes, in which something goes to the peer; its permission is renewed, its channel is not. */
static void uses_for_a_second(fixture *f, floe_turn_peer *peer)
{
    later(f, 1);
    (void)floe_turn_peer_used(&f->allocation, f->now, peer);
    if (floe_turn_peer_time(&f->allocation, f->now, peer) == FLOE_TURN_SEND &&
        peer->transaction.method == FLOE_STUN_CREATE_PERMISSION) {
        assert_int_equal(respond(f, peer, 0), FLOE_TURN_NOTHING);
    }
}

/* RFC 8656 §12: the server counts its 600 s from what it has granted, and nothing of a renewal that it has not
 * heard: behind them data goes by the permission, until a channel is bound again. What comes by it is
 * heard meanwhile, as the renewal may have arrived. */
static void k1_nothing_goes_by_a_channel_that_is_over(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peer = bound(f);
    uint16_t channel = peer->channel;

    f->allocation.rto = floe_seconds(2); /* 158 s until it is given up */
    for (unsigned second = 1; second < 600; second++) {
        uses_for_a_second(f, peer);
        assert_int_equal(header_size(f, peer), 4);
    }
    for (unsigned second = 600; second < 640; second++) {
        uses_for_a_second(f, peer);
        assert_int_equal(header_size(f, peer), 36);
        assert_true(peer->permitted && floe_stun_transaction_runs(&peer->transaction));
        assert_ptr_equal(floe_turn_peer_of_channel(&f->allocation, f->now, channel), peer);
    }
    (void)respond(f, peer, 0); /* asked for at 540 s */
    assert_int_equal(header_size(f, peer), 4);
    assert_int_equal(peer->channel, channel);
    later(f, 500);
    assert_int_equal(header_size(f, peer), 4);
    later(f, 1); /* its permission is over before; the channel is over too */
    assert_int_equal(header_size(f, peer), 36);
}

/* The same of a renewal that waits for its turn, as others wait for their answers. */
static void k1_nothing_goes_by_a_channel_that_waits_to_be_renewed(void **state)
{
    fixture *f = *state;
    floe_turn_peer *peers[5];

    f->allocation.rto = floe_seconds(2);
    for (size_t i = 0; i < 5; i++) {
        f->address = floe_address_ipv4(0x0A000001U + (uint32_t)i, 7);
        peers[i] = bound(f);
    }
    for (unsigned second = 1; second <= 600; second++) {
        later(f, 1);
        for (size_t i = 0; i < 5; i++) {
            assert_int_equal(header_size(f, peers[i]), second < 600 ? 4 : 36);
            (void)floe_turn_peer_used(&f->allocation, f->now, peers[i]);
            if (floe_turn_peer_time(&f->allocation, f->now, peers[i]) == FLOE_TURN_SEND &&
                peers[i]->transaction.method == FLOE_STUN_CREATE_PERMISSION) {
                (void)respond(f, peers[i], 0);
            }
        }
        assert_true(floe_turn_peers_agree(&f->allocation));
    }
    assert_false(floe_stun_transaction_runs(&peers[4]->transaction));
    (void)respond(f, peers[0], 0);
    assert_ptr_equal(floe_turn_peers_due(&f->allocation, f->now), peers[4]);
    assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peers[4]), FLOE_TURN_SEND);
    assert_sends(f, peers[4], FLOE_STUN_CHANNEL_BIND);
    (void)respond(f, peers[4], 0);
    assert_int_equal(header_size(f, peers[4]), 4);
}

/* RFC 8656 §9: an answer so late may be to the first send, of whose permission nothing is left: what waits goes
 * on waiting, for one that is asked for at once. */
static void k1_a_permission_that_is_over_when_it_is_heard_of(void **state)
{
    fixture *f = *state;

    f->allocation.rto = floe_seconds(60);
    for (unsigned late = 299; late <= 300; late++) {
        floe_turn_peer *peer = floe_turn_peer_add(&f->allocation, f->now, &f->address);
        assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
        later(f, late);
        (void)floe_turn_peer_used(&f->allocation, f->now, peer);
        assert_int_equal(respond(f, peer, 0), late < 300 ? FLOE_TURN_SUCCESS : FLOE_TURN_NOTHING);
        assert_int_equal(peer->permitted, late < 300);
        if (late == 300) {
            assert_ptr_equal(floe_turn_peers_due(&f->allocation, f->now), peer);
            assert_int_equal(floe_turn_peer_time(&f->allocation, f->now, peer), FLOE_TURN_SEND);
            assert_sends(f, peer, FLOE_STUN_CREATE_PERMISSION);
            assert_int_equal(respond(f, peer, 0), FLOE_TURN_SUCCESS);
        }
        floe_turn_peer_free(&f->allocation, peer);
    }
}

/* Two hours of whatever may happen to fifty peers: each stays where it is looked for. */
static void k1_what_is_due_is_what_each_says(void **state)
{
    static const uint16_t codes[] = {0, 0, 0, 0, 0, 403, 437, 438, 500};
    fixture *f = *state;
    seeded_random chance;
    size_t asked = 0;

    seeded_init(&chance, 11);
    for (unsigned step = 0; step < 40000; step++) {
        floe_address address = floe_address_ipv4(0x0A000000U + seeded_below(&chance, 10),
                                                 (uint16_t)(1 + seeded_below(&chance, 5)));
        floe_turn_peer *peer = floe_turn_peer_find(&f->allocation, &address);
        uint32_t does = seeded_below(&chance, 100);
        if (peer == NULL && does < 20) {
            peer = floe_turn_peer_add(&f->allocation, f->now, &address);
            (void)floe_turn_peer_time(&f->allocation, f->now, peer);
        } else if (peer != NULL && does < 1) {
            floe_turn_peer_free(&f->allocation, peer);
        } else if (peer != NULL && does < 50) {
            (void)floe_turn_peer_used(&f->allocation, f->now, peer);
        } else if (peer != NULL && does < 90 && floe_stun_transaction_runs(&peer->transaction)) {
            (void)respond(f, peer, codes[seeded_below(&chance, 9)]);
        }
        f->now = floe_time_after(f->now, floe_milliseconds(seeded_below(&chance, 360)));
        assert_true(floe_turn_peers_agree(&f->allocation));
        for (unsigned turns = 0; (peer = floe_turn_peers_due(&f->allocation, f->now)) != NULL;
             turns++) {
            assert_true(turns < 200);
            floe_turn_event event = floe_turn_peer_time(&f->allocation, f->now, peer);
            asked += event == FLOE_TURN_SEND;
            if (event == FLOE_TURN_FAILED) {
                floe_turn_peer_free(&f->allocation, peer);
            }
            assert_true(floe_turn_peers_agree(&f->allocation));
        }
        assert_true(floe_turn_peers_deadline(&f->allocation).ns > f->now.ns);
    }
    assert_true(asked > 1000);
}

static void memory_runs_out(void **state)
{
    fixture *f = *state;

    for (unsigned last = 1; last <= 2; last++) {
        f->memory.fail_at = f->memory.calls + last;
        assert_null(floe_turn_peer_add(&f->allocation, f->now, &f->address));
        f->memory.fail_at = 0;
        assert_null(floe_turn_peer_find(&f->allocation, &f->address));
        assert_null(floe_turn_peer_next(&f->allocation, NULL));
        assert_true(floe_turn_peers_agree(&f->allocation));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(k1_a_permission_first),
        TEST(k1_a_channel_with_the_second_packet),
        TEST(t12_no_channel),
        TEST(k1_without_fragments_there_is_no_channel),
        TEST(t7_permissions_and_channels_are_kept),
        TEST(an_unused_one_lapses),
        TEST(an_unused_one_keeps_its_channel_as_long_as_the_server),
        TEST(t2_401_to_several_at_once),
        TEST(challenges_of_peers_end_no_allocation),
        TEST(a_refused_permission_says_so),
        TEST(a_refused_channel_leaves_the_permission),
        TEST(k1_a_peer_that_comes_back_asks_for_a_channel_again),
        TEST(t2_a_stale_nonce_is_answered),
        TEST(t2_each_peer_has_its_own_patience),
        TEST(t7b_a_refusal_that_is_not_of_the_peer_is_a_doubt),
        TEST(r5_what_is_signed_anew_goes_by_another_id),
        TEST(k1_a_permission_stands_until_its_end),
        TEST(t7_a_permission_counts_from_when_it_was_asked_for),
        TEST(k1_a_refused_peer_may_be_permitted_later),
        TEST(t7b_a_channel_is_heard_for_as_long_as_it_stands),
        TEST(k1_a_permission_does_not_depend_on_a_channel),
        TEST(t6_what_is_not_understood_is_no_success),
        TEST(t6_what_is_not_understood_is_no_challenge),
        TEST(k1_a_permission_counts_from_when_it_was_asked_for),
        TEST(an_unused_one_is_heard_until_its_permission_ends),
        TEST(k1_who_only_listens_goes_on_listening),
        TEST(no_answer_is_asked_again),
        TEST(without_randomness_it_is_tried_later),
        TEST(channels_run_out),
        TEST(two_peers_never_share_a_channel),
        TEST(k1_peers_are_found_by_address_and_port),
        TEST(k1_one_permission_lets_an_address_in),
        TEST(k1_a_channel_number_is_used_again),
        TEST(k1_one_goes_while_others_are_due),
        TEST(k1_of_one_instant_who_came_first_goes_first),
        TEST(k1_who_waits_for_a_channel_keeps_its_turn),
        TEST(k1_a_channel_ends_though_no_time_was_told),
        TEST(k1_nothing_goes_by_a_channel_that_is_over),
        TEST(k1_nothing_goes_by_a_channel_that_waits_to_be_renewed),
        TEST(k1_a_permission_that_is_over_when_it_is_heard_of),
        TEST(k1_what_is_due_is_what_each_says),
        TEST(memory_runs_out),
    };
    return cmocka_run_group_tests_name("turn peer", tests, NULL, NULL);
}
