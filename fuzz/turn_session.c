/* An allocation with its peers and streams, driven by a server that answers whatever it likes: the
 * bytes are a script of answers to the requests at hand, of time that passes, and of what the owner
 * does. */
#include "base/address.h"
#include "base/memory.h"
#include "turn/peer.h"
#include "turn/stream.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One that is freed meanwhile has its next by then. */
#define EACH_PEER(peer, of)                                                                        \
    for (floe_turn_peer *peer = floe_turn_peer_next(of, NULL),                                     \
                        *behind = peer != NULL ? floe_turn_peer_next(of, peer) : NULL;             \
         peer != NULL;                                                                             \
         peer = behind, behind = peer != NULL ? floe_turn_peer_next(of, peer) : NULL)

typedef struct session {
    floe_turn_allocation allocation;
    floe_turn_stream stream;
    floe_address server;
    floe_time now;
    bool streams; /* a stream is there */
} session;

static floe_error count_up(void *user_data, void *bytes, size_t size)
{
    static uint8_t next;

    (void)user_data;
    memset(bytes, ++next, size);
    return FLOE_OK;
}

static const floe_random randomness = {.fill = count_up};

/* The attributes of the script behind the header of an answer to this transaction. */
static void answer(session *s, const floe_stun_transaction *transaction, floe_stun_class class,
                   floe_span attributes)
{
    uint8_t bytes[20 + 252];
    floe_stun_message message;
    floe_stun_match match;
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, class, transaction->method, &transaction->id);

    floe_write_bytes(&writer.out, attributes.data, attributes.size / 4 * 4);
    bytes[3] = (uint8_t)(attributes.size / 4 * 4);
    if (floe_stun_parse(floe_span_of(bytes, writer.out.at), &message) != FLOE_STUN_PARSED) {
        return;
    }
    (void)floe_turn_allocation_receive(&s->allocation, s->now, &s->server, &message, &match);
    EACH_PEER(peer, &s->allocation)
    {
        (void)floe_turn_peer_receive(&s->allocation, s->now, peer, &s->server, &message, &match);
    }
    if (s->streams && floe_turn_stream_receive(&s->allocation, s->now, &s->stream, &s->server,
                                               &message, &match) == FLOE_TURN_FAILED) {
        s->streams = false;
    }
}

static void pass_time(session *s, uint8_t much)
{
    s->now = floe_time_after(s->now, floe_milliseconds((uint64_t)much * much * 16));
    (void)floe_turn_allocation_time(&s->allocation, s->now);
    EACH_PEER(peer, &s->allocation)
    {
        if (floe_turn_peer_time(&s->allocation, s->now, peer) == FLOE_TURN_FAILED) {
            floe_turn_peer_free(&s->allocation, peer);
        }
    }
    if (s->streams && floe_turn_stream_time(&s->stream, s->now) == FLOE_TURN_FAILED) {
        s->streams = false;
    }
}

static void use_peer(session *s, uint8_t which)
{
    floe_address address = floe_address_ipv4(0xC0000200U | which, 4000);
    floe_turn_peer *peer = floe_turn_peer_find(&s->allocation, &address);
    uint8_t bytes[FLOE_TURN_HEADER_SIZE];

    peer = peer != NULL ? peer : floe_turn_peer_add(&s->allocation, s->now, &address);
    if (peer != NULL) {
        (void)floe_turn_peer_time(&s->allocation, s->now, peer);
        (void)floe_turn_peer_used(&s->allocation, s->now, peer);
        (void)floe_turn_peer_header(&s->allocation, peer, which, bytes, sizeof bytes);
    }
}

static void use_stream(session *s, uint8_t how)
{
    floe_address address = floe_address_ipv4(0xC0000201U, how);

    s->streams = true;
    if (how % 3 == 0) {
        (void)floe_turn_stream_connect(&s->allocation, s->now, &s->stream, &address);
    } else if (how % 3 == 1) {
        floe_turn_stream_accept(&s->stream, how, &address);
    } else {
        (void)floe_turn_stream_bind(&s->allocation, s->now, &s->stream);
    }
}

static void write_all(session *s)
{
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];

    (void)floe_turn_allocation_write(&s->allocation, bytes, sizeof bytes);
    EACH_PEER(peer, &s->allocation)
    {
        (void)floe_turn_peer_write(&s->allocation, peer, bytes, sizeof bytes);
    }
    if (s->streams) {
        (void)floe_turn_stream_write(&s->allocation, &s->stream, bytes, sizeof bytes);
    }
}

/* Whose request is answered. */
static const floe_stun_transaction *asked(const session *s, uint8_t which)
{
    const floe_turn_peer *peer = floe_turn_peer_next(&s->allocation, NULL);

    if (which % 3 == 1 && peer != NULL) {
        return &peer->transaction;
    }
    return which % 3 == 2 && s->streams ? &s->stream.transaction : &s->allocation.transaction;
}

static void step(session *s, floe_reader *reader)
{
    uint8_t op = floe_read_u8(reader);
    uint8_t value = floe_read_u8(reader);

    switch (op % 8) {
    case 0:
    case 1:
    case 2: {
        floe_span attributes = floe_read_span(
            reader, value < floe_reader_left(reader) ? value : floe_reader_left(reader));
        answer(s, asked(s, op / 8), op % 8 == 0 ? FLOE_STUN_SUCCESS : FLOE_STUN_ERROR,
               attributes.size <= 252 ? attributes : (floe_span){0});
        break;
    }
    case 3:
        pass_time(s, value);
        break;
    case 4:
        use_peer(s, value);
        break;
    case 5:
        use_stream(s, value);
        break;
    case 6:
        if (s->allocation.state == FLOE_TURN_ALLOCATED && s->allocation.ticket != NULL) {
            floe_turn_allocation_move(&s->allocation);
        }
        break;
    default:
        (void)floe_turn_allocation_reclaim(&s->allocation);
        break;
    }
    if (s->allocation.wants) {
        (void)floe_turn_allocation_begin(&s->allocation, s->now);
    }
    write_all(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    floe_reader reader = floe_reader_of(data, size);
    session s = {.now = floe_time_after((floe_time){0}, floe_seconds(1000)),
                 .server = floe_address_ipv4(0xCB007102U, 3478)};
    floe_turn_account *account = NULL;
    uint8_t wishes = floe_read_u8(&reader);
    const floe_turn_wishes asked_for = {.families = (uint8_t)(1 + wishes % 3),
                                        .tcp = (wishes & 4) != 0,
                                        .mobile = (wishes & 8) != 0,
                                        .dont_fragment = (wishes & 16) != 0,
                                        .even_port = (wishes & 32) != 0,
                                        .reserved = (wishes & 64) != 0};

    if (floe_turn_account_new(&floe_default_allocator, &randomness, "s", "user", "secret", NULL,
                              &account) != FLOE_OK) {
        return 0;
    }
    floe_turn_allocation_init(&s.allocation, account, &s.server, floe_milliseconds(500),
                              (wishes & 128) != 0, &asked_for);
    (void)floe_turn_allocation_start(&s.allocation);
    (void)floe_turn_allocation_begin(&s.allocation, s.now);
    while (floe_reader_left(&reader) >= 2 && s.allocation.state != FLOE_TURN_ENDED) {
        step(&s, &reader);
    }
    (void)floe_turn_allocation_release(&s.allocation);
    write_all(&s);
    floe_turn_allocation_free(&s.allocation);
    floe_turn_account_release(account);
    return 0;
}
