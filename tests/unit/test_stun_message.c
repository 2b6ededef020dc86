/* stun/message, writer, key: the RFCs' own vectors, golden bytes, and the sweep of every
 * attribute's length (CVE-2021-37706, CVE-2022-23537, CVE-2022-23547, CVE-2020-4067 and their kin).
 */
#include "support.h"

#include "stun_everything.h"

#include "base/address.h"
#include "base/memory.h"
#include "stun/key.h"
#include "stun/writer.h"

#include <string.h>

static const char rfc5769_request[] =
    "00 01 00 58 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae"
    "80 22 00 10 53 54 55 4e 20 74 65 73 74 20 63 6c 69 65 6e 74"
    "00 24 00 04 6e 00 01 ff 80 29 00 08 93 2f f9 b1 51 26 3b 36"
    "00 06 00 09 65 76 74 6a 3a 68 36 76 59 20 20 20"
    "00 08 00 14 9a ea a7 0c bf d8 cb 56 78 1e f2 b5 b2 d3 f2 49 c1 b5 71 a2"
    "80 28 00 04 e5 7a 3b cf";
static const char rfc5769_ipv4[] =
    "01 01 00 3c 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae"
    "80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20"
    "00 20 00 08 00 01 a1 47 e1 12 a6 43"
    "00 08 00 14 2b 91 f5 99 fd 9e 90 c3 8c 74 89 f9 2a f9 ba 53 f0 6b e7 d7"
    "80 28 00 04 c0 7d 4c 96";
static const char rfc5769_ipv6[] =
    "01 01 00 48 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae"
    "80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20"
    "00 20 00 14 00 02 a1 47 01 13 a9 fa a5 d3 f1 79 bc 25 f4 b5 be d2 b9 d9"
    "00 08 00 14 a3 82 95 4e 4b e6 7b f1 17 84 c9 7c 82 92 c2 75 bf e3 ed 41"
    "80 28 00 04 c8 fb 0b 4c";
static const char rfc5769_long_term[] =
    "00 01 00 60 21 12 a4 42 78 ad 34 33 c6 ad 72 c0 29 da 41 2e"
    "00 06 00 12 e3 83 9e e3 83 88 e3 83 aa e3 83 83 e3 82 af e3 82 b9 00 00"
    "00 15 00 1c 66 2f 2f 34 39 39 6b 39 35 34 64 36 4f 4c 33 34 6f 4c 39 46 53 54 76 79 36 34 73 "
    "41"
    "00 14 00 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00"
    "00 08 00 14 f6 70 24 65 6d d6 4a 3e 02 b8 e0 71 2e 85 c9 a2 8c a8 96 66";
/* As erratum 6268 corrects it. */
static const char rfc8489_appendix_b[] =
    "00 01 00 90 21 12 a4 42 78 ad 34 33 c6 ad 72 c0 29 da 41 2e"
    "00 1e 00 20 4a 3c f3 8f ef 69 92 bd a9 52 c6 78 04 17 da 0f 24 81 94 15 56 9e 60 b2 05 c4 6e "
    "41"
    "40 7f 17 04"
    "00 15 00 29 6f 62 4d 61 74 4a 6f 73 32 41 41 41 43 66 2f 2f 34 39 39 6b 39 35 34 64 36 4f 4c "
    "33"
    "34 6f 4c 39 46 53 54 76 79 36 34 73 41 00 00 00"
    "00 14 00 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00"
    "00 1d 00 04 00 02 00 00"
    "00 1c 00 20 b5 c7 bf 00 5b 6c 52 a2 1c 51 c5 e8 92 f8 19 24 13 62 96 cb 92 7c 43 14 93 09 27 "
    "8c"
    "c6 51 8e 65";
static const char matrix[] =
    "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9";

static floe_stun_key *short_key(const char *password)
{
    floe_stun_key *key;

    assert_int_equal(
        floe_stun_key_short_term(&floe_default_allocator, floe_span_text(password), &key), FLOE_OK);
    return key;
}

static size_t parse_hex(const char *hex, uint8_t *bytes, size_t room, floe_stun_message *message)
{
    size_t size = bytes_of_hex(hex, bytes, room);

    assert_int_equal(floe_stun_parse(floe_span_of(bytes, size), message), FLOE_STUN_PARSED);
    return size;
}

static void rfc5769_sample_request(void **state)
{
    uint8_t bytes[256];
    floe_stun_message message;
    floe_stun_key *key = short_key("VOkJxbRl1RmTxUk/WvJxBt");
    floe_span value;
    uint32_t priority;
    uint64_t tie_breaker;

    (void)state;
    parse_hex(rfc5769_request, bytes, sizeof bytes, &message);
    assert_int_equal(message.class, FLOE_STUN_REQUEST);
    assert_int_equal(message.method, FLOE_STUN_BINDING);
    assert_true(floe_stun_check_integrity(&message, key->sha1));
    assert_true(message.fingerprint_at > 0);
    assert_true(floe_stun_find(&message, FLOE_STUN_USERNAME, &value));
    assert_true(floe_span_equal(value, floe_span_text("evtj:h6vY")));
    assert_true(floe_stun_find(&message, FLOE_STUN_SOFTWARE, &value));
    assert_true(floe_span_equal(value, floe_span_text("STUN test client")));
    assert_true(floe_stun_read_u32(&message, FLOE_STUN_PRIORITY, &priority));
    assert_int_equal(priority, 0x6e0001ff);
    assert_true(floe_stun_read_u64(&message, FLOE_STUN_ICE_CONTROLLED, &tie_breaker));
    assert_true(tie_breaker == 0x932ff9b151263b36U);
    assert_false(floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE));
    floe_stun_key_release(key);
}

static void check_response(const char *hex, const char *mapped)
{
    uint8_t bytes[256];
    floe_stun_message message;
    floe_stun_key *key = short_key("VOkJxbRl1RmTxUk/WvJxBt");
    floe_address address;
    floe_address right = address_of(mapped);

    parse_hex(hex, bytes, sizeof bytes, &message);
    assert_int_equal(message.class, FLOE_STUN_SUCCESS);
    assert_true(floe_stun_check_integrity(&message, key->sha1));
    assert_true(floe_stun_read_address(&message, FLOE_STUN_XOR_MAPPED_ADDRESS, &address));
    assert_true(floe_address_equal(&address, &right));
    floe_stun_key_release(key);
}

static void rfc5769_sample_responses(void **state)
{
    (void)state;
    check_response(rfc5769_ipv4, "192.0.2.1:32853");
    check_response(rfc5769_ipv6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
}

static void rfc5769_long_term_request(void **state)
{
    uint8_t bytes[256];
    floe_stun_message message;
    floe_stun_key *key;

    (void)state;
    parse_hex(rfc5769_long_term, bytes, sizeof bytes, &message);
    assert_int_equal(floe_stun_key_long_term(&floe_default_allocator, FLOE_STUN_PASSWORD_MD5,
                                             floe_span_text(matrix), floe_span_text("example.org"),
                                             floe_span_text("TheMatrIX"), &key),
                     FLOE_OK);
    assert_true(floe_stun_check_integrity(&message, key->sha1));
    floe_stun_key_release(key);
}

static void rfc8489_appendix_b_request(void **state)
{
    uint8_t bytes[256];
    uint8_t userhash[FLOE_SHA256_SIZE];
    floe_stun_message message;
    floe_stun_key *key;
    floe_span value;
    floe_span parameters;
    uint16_t algorithm;
    size_t at = 0;

    (void)state;
    parse_hex(rfc8489_appendix_b, bytes, sizeof bytes, &message);
    assert_int_equal(floe_stun_key_long_term(&floe_default_allocator, FLOE_STUN_PASSWORD_SHA256,
                                             floe_span_text(matrix), floe_span_text("example.org"),
                                             floe_span_text("TheMatrIX"), &key),
                     FLOE_OK);
    assert_true(floe_stun_check_integrity_sha256(&message, key->sha256));
    assert_false(floe_stun_check_integrity(&message, key->sha1));
    assert_int_equal(
        floe_stun_userhash(floe_span_text(matrix), floe_span_text("example.org"), userhash),
        FLOE_OK);
    assert_true(floe_stun_find(&message, FLOE_STUN_USERHASH, &value));
    assert_true(floe_span_equal(value, floe_span_of(userhash, sizeof userhash)));
    assert_true(floe_stun_find(&message, FLOE_STUN_PASSWORD_ALGORITHM, &value));
    assert_true(floe_stun_next_password_algorithm(value, &at, &algorithm, &parameters));
    assert_int_equal(algorithm, FLOE_STUN_PASSWORD_SHA256);
    assert_int_equal(parameters.size, 0);
    assert_false(floe_stun_next_password_algorithm(value, &at, &algorithm, &parameters));
    assert_true(floe_stun_find(&message, FLOE_STUN_NONCE, &value));
    assert_int_equal(floe_stun_nonce_features(value), 0x000002);
    floe_stun_key_release(key);
}

/* RFC 8489 §14.6: all 32 bytes, as neither TURN nor ICE says that fewer will do. */
static void no_code_of_sha256_is_cut(void **state)
{
    static const uint8_t id[FLOE_STUN_ID_SIZE] = {1};
    floe_stun_key *key;

    (void)state;
    assert_int_equal(
        floe_stun_key_short_term(&floe_default_allocator, floe_span_text("secret"), &key), FLOE_OK);
    for (size_t size = 0; size <= 36; size++) {
        uint8_t bytes[128] = {0};
        uint8_t code[36] = {0};
        floe_stun_message message;
        floe_stun_id of;
        memcpy(of.bytes, id, sizeof id);
        floe_stun_writer writer =
            floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, FLOE_STUN_BINDING, &of);
        /* As it is computed: under a length that ends with the attribute. */
        bytes[3] = (uint8_t)(4 + size);
        floe_span covered = floe_span_of(bytes, FLOE_STUN_HEADER_SIZE);
        assert_int_equal(floe_mac_compute(key->sha256, &covered, 1, code), FLOE_OK);
        floe_stun_put(&writer, FLOE_STUN_MESSAGE_INTEGRITY_SHA256, floe_span_of(code, size));
        assert_int_equal(floe_stun_parse(floe_stun_written(&writer), &message), FLOE_STUN_PARSED);
        bool good = size == 32;
        assert_int_equal(floe_stun_check_integrity_sha256(&message, key->sha256), good);
        if (good) { /* each byte of it counts */
            bytes[FLOE_STUN_HEADER_SIZE + 4 + size - 1] ^= 1;
            assert_false(floe_stun_check_integrity_sha256(&message, key->sha256));
        }
    }
    floe_stun_key_release(key);
}

/* The same bytes come out of the writer, in a buffer that was full of something else. */
static void writes_rfc5769_byte_for_byte(void **state)
{
    uint8_t right[256];
    uint8_t made[256];
    size_t size = bytes_of_hex(rfc5769_long_term, right, sizeof right);
    floe_stun_id id;
    floe_stun_key *key;

    (void)state;
    memset(made, 0xAA, sizeof made);
    memcpy(id.bytes, &right[8], sizeof id.bytes);
    assert_int_equal(floe_stun_key_long_term(&floe_default_allocator, FLOE_STUN_PASSWORD_MD5,
                                             floe_span_text(matrix), floe_span_text("example.org"),
                                             floe_span_text("TheMatrIX"), &key),
                     FLOE_OK);
    floe_stun_writer writer =
        floe_stun_begin(made, sizeof made, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &id);
    floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text(matrix));
    floe_stun_put(&writer, FLOE_STUN_NONCE, floe_span_text("f//499k954d6OL34oL9FSTvy64sA"));
    floe_stun_put(&writer, FLOE_STUN_REALM, floe_span_text("example.org"));
    floe_stun_put_integrity(&writer, key->sha1);
    assert_int_equal(floe_stun_written(&writer).size, size);
    assert_memory_equal(made, right, size);
    floe_stun_key_release(key);
}

static const floe_stun_id some_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};

static void every_writer_meets_its_reader(void **state)
{
    uint8_t bytes[1024];
    const uint16_t algorithms[] = {FLOE_STUN_PASSWORD_MD5, FLOE_STUN_PASSWORD_SHA256};
    const uint16_t unknown[] = {0x7777};
    floe_address ipv4 = address_of("198.51.100.7:1234");
    floe_address ipv6 = address_of("[2001:db8::7]:4321");
    floe_address address;
    floe_stun_key *key = short_key("p");
    floe_stun_message message;
    floe_span span;
    floe_span parameters;
    uint16_t u16;
    uint32_t u32;
    uint8_t u8;
    uint8_t family;
    size_t at = 0;

    (void)state;
    memset(bytes, 0xAA, sizeof bytes);
    floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_ERROR,
                                              FLOE_STUN_CONNECTION_ATTEMPT, &some_id);
    floe_stun_put_error(&writer, 438, floe_span_text("Stale"));
    floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &ipv6);
    floe_stun_put_address(&writer, FLOE_STUN_MAPPED_ADDRESS, &ipv4);
    floe_stun_put_u16_reserved(&writer, FLOE_STUN_CHANNEL_NUMBER, 0x4001);
    floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 600);
    floe_stun_put_u8(&writer, FLOE_STUN_EVEN_PORT, 0x80);
    floe_stun_put_u8_reserved(&writer, FLOE_STUN_REQUESTED_TRANSPORT, 17);
    floe_stun_put_address_error(&writer, FLOE_STUN_ADDRESS_ERROR_CODE_DRAFT, FLOE_FAMILY_IPV6, 440,
                                floe_span_text("no"));
    floe_stun_put_icmp(&writer, 3, 4, 1400);
    floe_stun_put_unknown_attributes(&writer, unknown, 1);
    floe_stun_put_password_algorithms(&writer, FLOE_STUN_PASSWORD_ALGORITHMS, algorithms, 2);
    floe_stun_put(&writer, 0x7777, floe_span_text("?"));
    floe_stun_put_integrity(&writer, key->sha1);
    floe_stun_put_integrity_sha256(&writer, key->sha256);
    floe_stun_put_fingerprint(&writer);

    span = floe_stun_written(&writer);
    assert_int_equal(floe_stun_parse(span, &message), FLOE_STUN_PARSED);
    assert_int_equal(message.method, FLOE_STUN_CONNECTION_ATTEMPT);
    assert_int_equal(message.class, FLOE_STUN_ERROR);
    assert_true(floe_stun_check_integrity(&message, key->sha1));
    assert_true(floe_stun_check_integrity_sha256(&message, key->sha256));
    assert_true(floe_stun_read_error(&message, &u16, &span));
    assert_int_equal(u16, 438);
    assert_true(floe_span_equal(span, floe_span_text("Stale")));
    assert_true(floe_stun_read_address(&message, FLOE_STUN_XOR_RELAYED_ADDRESS, &address));
    assert_true(floe_address_equal(&address, &ipv6));
    assert_true(floe_stun_read_address(&message, FLOE_STUN_MAPPED_ADDRESS, &address));
    assert_true(floe_address_equal(&address, &ipv4));
    assert_true(floe_stun_read_u16(&message, FLOE_STUN_CHANNEL_NUMBER, &u16));
    assert_int_equal(u16, 0x4001);
    assert_true(floe_stun_read_u32(&message, FLOE_STUN_LIFETIME, &u32));
    assert_int_equal(u32, 600);
    assert_true(floe_stun_read_u8(&message, FLOE_STUN_EVEN_PORT, &u8));
    assert_int_equal(u8, 0x80);
    assert_true(floe_stun_read_u8(&message, FLOE_STUN_REQUESTED_TRANSPORT, &u8));
    assert_int_equal(u8, 17);
    assert_true(floe_stun_read_address_error(&message, &family, &u16, &span));
    assert_int_equal(family, FLOE_FAMILY_IPV6);
    assert_int_equal(u16, 440);
    uint8_t code;
    assert_true(floe_stun_read_icmp(&message, &u8, &code, &u32));
    assert_int_equal(u8, 3);
    assert_int_equal(code, 4);
    assert_int_equal(u32, 1400);
    assert_int_equal(floe_stun_unknown_required(&message, &u16, 1), 1);
    assert_int_equal(u16, 0x7777);
    assert_true(floe_stun_find(&message, FLOE_STUN_PASSWORD_ALGORITHMS, &span));
    assert_true(floe_stun_next_password_algorithm(span, &at, &u16, &parameters));
    assert_int_equal(u16, FLOE_STUN_PASSWORD_MD5);
    assert_true(floe_stun_next_password_algorithm(span, &at, &u16, &parameters));
    assert_int_equal(u16, FLOE_STUN_PASSWORD_SHA256);
    floe_stun_key_release(key);
}

/* Padding tells nothing of what stood in the buffer before. */
static void cve_2020_4067_padding_is_zero(void **state)
{
    static const uint8_t right[] = {0x00, 0x01, 0x00, 0x08, 0x21, 0x12, 0xa4, 0x42, 1,  2,
                                    3,    4,    5,    6,    7,    8,    9,    10,   11, 12,
                                    0x00, 0x06, 0x00, 0x01, 'u',  0x00, 0x00, 0x00};
    uint8_t bytes[sizeof right];

    (void)state;
    memset(bytes, 0xAA, sizeof bytes);
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &some_id);
    floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text("u"));
    assert_int_equal(floe_stun_written(&writer).size, sizeof right);
    assert_memory_equal(bytes, right, sizeof right);
}

/* RFC 8656 §18.1, §18.6, §18.8: "MUST be set to zero by the sender". */
static void what_is_reserved_is_zeros(void **state)
{
    static const uint8_t right[] = {0x00, 0x0C, 0x00, 0x04, 0x40, 0x01, 0x00, 0x00,
                                    0x00, 0x17, 0x00, 0x04, 0x02, 0x00, 0x00, 0x00,
                                    0x00, 0x19, 0x00, 0x04, 0x11, 0x00, 0x00, 0x00};
    uint8_t bytes[20 + sizeof right];

    (void)state;
    memset(bytes, 0xAA, sizeof bytes);
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_REQUEST, FLOE_STUN_ALLOCATE, &some_id);
    floe_stun_put_u16_reserved(&writer, FLOE_STUN_CHANNEL_NUMBER, 0x4001);
    floe_stun_put_u8_reserved(&writer, FLOE_STUN_REQUESTED_ADDRESS_FAMILY, 2);
    floe_stun_put_u8_reserved(&writer, FLOE_STUN_REQUESTED_TRANSPORT, 17);
    assert_int_equal(floe_stun_written(&writer).size, sizeof bytes);
    assert_memory_equal(bytes + 20, right, sizeof right);
}

/* RFC 8489 §14.3, §14.9, §14.10: 763 bytes or fewer are read; of text that is longer, nothing. */
static void texts_of_763_bytes_are_read(void **state)
{
    static const uint16_t types[] = {FLOE_STUN_USERNAME, FLOE_STUN_REALM, FLOE_STUN_NONCE};
    static char text[764];

    (void)state;
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < 3; i++) {
        for (size_t size = 763; size <= 764; size++) {
            uint8_t bytes[1024];
            floe_stun_message message;
            floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_REQUEST,
                                                      FLOE_STUN_BINDING, &some_id);
            floe_stun_put(&writer, types[i], floe_span_of(text, size));
            assert_int_equal(floe_stun_parse(floe_stun_written(&writer), &message),
                             FLOE_STUN_PARSED);
            assert_int_equal(floe_stun_has(&message, types[i]), size == 763);
        }
    }
}

static void what_does_not_fit_gives_nothing(void **state)
{
    floe_stun_key *key = short_key("p");

    (void)state;
    for (size_t room = 0; room < 68; room++) {
        static const uint8_t zeros[68];
        uint8_t *buffer = exact_copy(zeros, room, 0);
        floe_stun_writer writer =
            floe_stun_begin(buffer, room, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &some_id);
        floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text("12345"));
        floe_stun_put_integrity(&writer, key->sha1);
        floe_stun_put_fingerprint(&writer);
        assert_int_equal(floe_stun_written(&writer).size, room < 64 ? 0 : 64);
        exact_free(buffer, 0);
    }
    floe_stun_key_release(key);
}

/* One attribute, alone, whose length field says `claimed` while `there` bytes follow. */
static void sweep_one(uint16_t type, size_t claimed, size_t there, size_t offset,
                      floe_stun_key *key)
{
    uint8_t bytes[FLOE_STUN_HEADER_SIZE + 4 + 1024];
    floe_stun_message message;
    size_t size = FLOE_STUN_HEADER_SIZE + 4 + there;
    floe_writer writer = floe_writer_of(bytes, sizeof bytes);

    floe_write_u16(&writer, 0x0113); /* Allocate error: every reader finds use */
    floe_write_u16(&writer, (uint16_t)(4 + there));
    floe_write_u32(&writer, FLOE_STUN_MAGIC_COOKIE);
    floe_write_bytes(&writer, some_id.bytes, sizeof some_id.bytes);
    floe_write_u16(&writer, type);
    floe_write_u16(&writer, (uint16_t)claimed);
    for (size_t i = 0; i < there; i++) {
        floe_write_u8(&writer, (uint8_t)(i == 1 ? 1 : i * 37));
    }
    assert_false(writer.failed);
    uint8_t *copy = exact_copy(bytes, size, offset);
    floe_stun_parse_result result = floe_stun_parse(floe_span_of(copy, size), &message);
    size_t padded = (claimed + 3) / 4 * 4;
    if (there % 4 != 0) {
        assert_int_equal(result, FLOE_STUN_BAD_LENGTH);
    } else if (padded > there) {
        assert_int_equal(result, FLOE_STUN_BAD_ATTRIBUTE);
    } else if (result == FLOE_STUN_PARSED) {
        stun_read_everything(&message, key);
    }
    exact_free(copy, offset);
}

/* An ERROR-CODE shorter than its own four bytes has no reason of a negative length. */
static void cve_2021_37706_an_error_code_of_less_than_four_bytes(void **state)
{
    floe_stun_key *key = short_key("p");

    (void)state;
    for (size_t claimed = 0; claimed <= 8; claimed++) {
        uint8_t bytes[FLOE_STUN_HEADER_SIZE + 12];
        uint16_t code = 0;
        floe_span reason;
        floe_stun_message message;
        floe_stun_writer writer =
            floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_ERROR, FLOE_STUN_ALLOCATE, &some_id);
        const uint8_t value[8] = {0, 0, 4, 1, 'w', 'h', 'y', '!'};
        floe_stun_put(&writer, FLOE_STUN_ERROR_CODE, floe_span_of(value, claimed));
        assert_int_equal(floe_stun_parse(floe_stun_written(&writer), &message), FLOE_STUN_PARSED);
        assert_int_equal(floe_stun_read_error(&message, &code, &reason), claimed >= 4);
        assert_true(claimed < 4 || reason.size == claimed - 4);
        sweep_one(FLOE_STUN_ERROR_CODE, claimed, (claimed + 3) / 4 * 4, 0, key);
    }
    floe_stun_key_release(key);
}

/* coturn counts the padding into the length of its reasons. */
static void a_reason_ends_where_its_text_does(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *text;
    } rows[] = {
        {"Forbidden", 9, "Forbidden"},
        {"Forbidden\0\0\0", 12, "Forbidden"},
        {"Forbidden\0secret", 16, "Forbidden"},
        {"Forbidden \r\n\x7F", 13, "Forbidden"},
        {"For\nbid\xC3\xA4n", 10, "For?bid??n"},
        {"\0\0\0", 3, ""},
        {" \t ", 3, ""},
        {"", 0, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[32];
        uint8_t *exact = exact_copy(rows[i].bytes, rows[i].size, 0);
        floe_stun_copy_reason(floe_span_of(exact, rows[i].size), text, sizeof text);
        exact_free(exact, 0);
        assert_string_equal(text, rows[i].text);
        floe_stun_copy_reason(floe_span_of(rows[i].bytes, rows[i].size), text, 4);
        assert_true(strlen(text) <= 3);
        assert_memory_equal(text, rows[i].text, strlen(text));
    }
}

/* CVE-2022-23537 and 23547: an attribute whose header, or whose value, begins where the message
 * ends; the buffer ends there too. */
static void cve_2022_23537_and_23547_an_attribute_at_the_very_end(void **state)
{
    floe_stun_key *key = short_key("p");
    size_t count;
    const floe_stun_attribute_rule *rules = floe_stun_attribute_rules(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (size_t claimed = 0; claimed < 65536; claimed = claimed * 2 + 1) {
            for (size_t there = 0; there < 4; there++) { /* nothing, or not even all of a word */
                sweep_one(rules[i].type, claimed, there, 0, key);
            }
        }
    }
    floe_stun_key_release(key);
}

/* A message may stand at any address; loads are of bytes (UBSan's alignment check holds it). */
static void cve_2026_40613_messages_at_odd_addresses(void **state)
{
    uint8_t bytes[512];
    floe_stun_message message;
    floe_stun_key *key = short_key("p");

    (void)state;
    size_t size = parse_hex(rfc5769_long_term, bytes, sizeof bytes, &message);
    for (size_t offset = 0; offset < 8; offset++) {
        uint8_t *copy = exact_copy(bytes, size, offset);
        assert_int_equal(floe_stun_parse(floe_span_of(copy, size), &message), FLOE_STUN_PARSED);
        stun_read_everything(&message, key);
        exact_free(copy, offset);
    }
    floe_stun_key_release(key);
}

/* The tokens of OAuth have lengths inside; of whatever size they are they are bytes to us. */
static void cve_2026_43994_access_tokens_of_every_size(void **state)
{
    floe_stun_key *key = short_key("p");

    (void)state;
    for (size_t there = 0; there <= 1024; there += 4) {
        sweep_one(FLOE_STUN_ACCESS_TOKEN, there, there, there % 8, key);
        sweep_one(FLOE_STUN_ACCESS_TOKEN, 0xFFFF, there, there % 8, key);
    }
    floe_stun_key_release(key);
}

static void every_length_of_every_attribute(void **state)
{
    floe_stun_key *key = short_key("p");
    size_t count;
    const floe_stun_attribute_rule *rules = floe_stun_attribute_rules(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        const size_t ends[] = {rules[i].shortest, rules[i].longest, rules[i].longest + 1U, 0xFFFFU};
        for (size_t offset = 0; offset < 4; offset++) {
            for (size_t claimed = 0; claimed <= 12; claimed++) {
                for (size_t there = 0; there <= 16; there++) {
                    sweep_one(rules[i].type, claimed, there, offset, key);
                }
            }
            for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
                size_t padded = (ends[e] + 3) / 4 * 4;
                sweep_one(rules[i].type, ends[e] & 0xFFFFU, padded <= 1024 ? padded : 1024, offset,
                          key);
            }
        }
    }
    floe_stun_key_release(key);
}

static void bounds_of_values_hold(void **state)
{
    uint8_t bytes[FLOE_STUN_HEADER_SIZE + 4 + 1024];
    uint8_t value[1024] = {0};
    floe_stun_message message;
    floe_span span;
    size_t count;
    const floe_stun_attribute_rule *rules = floe_stun_attribute_rules(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        bool seals = rules[i].type == FLOE_STUN_MESSAGE_INTEGRITY ||
                     rules[i].type == FLOE_STUN_MESSAGE_INTEGRITY_SHA256 ||
                     rules[i].type == FLOE_STUN_FINGERPRINT;
        for (size_t size = 0; !seals && size <= 1000; size++) {
            floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS,
                                                      FLOE_STUN_BINDING, &some_id);
            floe_stun_put(&writer, rules[i].type, floe_span_of(value, size));
            assert_int_equal(floe_stun_parse(floe_stun_written(&writer), &message),
                             FLOE_STUN_PARSED);
            bool fits = size >= rules[i].shortest && size <= rules[i].longest;
            assert_int_equal(floe_stun_find(&message, rules[i].type, &span), fits);
        }
    }
}

typedef struct broken_row {
    const char *hex;
    floe_stun_parse_result result;
} broken_row;

static void refuses_what_is_no_stun(void **state)
{
    static const broken_row rows[] = {
        {"", FLOE_STUN_NOT_STUN},
        {"00 01 00 00 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00", FLOE_STUN_NOT_STUN},
        {"40 01 00 00 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00 00", FLOE_STUN_NOT_STUN},
        {"00 01 00 00 21 12 a4 43 00 00 00 00 00 00 00 00 00 00 00 00", FLOE_STUN_NOT_STUN},
        {"00 01 00 04 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00 00", FLOE_STUN_BAD_LENGTH},
        {"00 01 00 01 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00 00 00", FLOE_STUN_BAD_LENGTH},
        {"00 01 00 00 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00 00 80 22 00 00",
         FLOE_STUN_BAD_LENGTH}, /* an attribute behind its end */
        {"00 01 ff fc 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00 00", FLOE_STUN_BAD_LENGTH},
        {"00 01 00 04 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00 00 00 06 00 01",
         FLOE_STUN_BAD_ATTRIBUTE},
        {"00 01 00 04 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00 00 00 06 ff ff",
         FLOE_STUN_BAD_ATTRIBUTE},
        {"00 01 00 08 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00 00 80 28 00 04 00 00 00 00",
         FLOE_STUN_BAD_FINGERPRINT},
        {"00 01 00 04 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00 00 80 28 00 00",
         FLOE_STUN_BAD_FINGERPRINT},
        {"00 01 00 0c 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00 00 80 28 00 04 00 00 00 00"
         "00 06 00 00",
         FLOE_STUN_BAD_FINGERPRINT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[64];
        floe_stun_message message;
        size_t size = bytes_of_hex(rows[i].hex, bytes, sizeof bytes);
        uint8_t *copy = exact_copy(bytes, size, 0);
        assert_int_equal(floe_stun_parse(floe_span_of(copy, size), &message), rows[i].result);
        exact_free(copy, 0);
    }
}

/* §14.5: what stands behind MESSAGE-INTEGRITY is not covered by it, so it is not read. */
static void nothing_behind_the_integrity_is_read(void **state)
{
    uint8_t bytes[256];
    floe_stun_message message;
    floe_stun_key *key = short_key("p");

    (void)state;
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, FLOE_STUN_ALLOCATE, &some_id);
    floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 1);
    floe_stun_put_integrity(&writer, key->sha1);
    floe_stun_put_u32(&writer, FLOE_STUN_PRIORITY, 2);
    floe_stun_put(&writer, 0x7777, floe_span_text(""));
    uint16_t unknown;
    uint32_t value;
    assert_int_equal(floe_stun_parse(floe_stun_written(&writer), &message), FLOE_STUN_PARSED);
    assert_true(floe_stun_check_integrity(&message, key->sha1));
    assert_true(floe_stun_read_u32(&message, FLOE_STUN_LIFETIME, &value));
    assert_false(floe_stun_read_u32(&message, FLOE_STUN_PRIORITY, &value));
    assert_int_equal(floe_stun_unknown_required(&message, &unknown, 1), 0);
    floe_stun_key_release(key);
}

static void names_and_kinds(void **state)
{
    static const struct {
        uint8_t first;
        floe_packet_kind kind;
    } rows[] = {
        {0, FLOE_PACKET_STUN},          {3, FLOE_PACKET_STUN},          {4, FLOE_PACKET_OTHER},
        {19, FLOE_PACKET_OTHER},        {20, FLOE_PACKET_DTLS},         {63, FLOE_PACKET_DTLS},
        {64, FLOE_PACKET_CHANNEL_DATA}, {79, FLOE_PACKET_CHANNEL_DATA}, {80, FLOE_PACKET_OTHER},
        {127, FLOE_PACKET_OTHER},       {128, FLOE_PACKET_RTP},         {191, FLOE_PACKET_RTP},
        {192, FLOE_PACKET_OTHER}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(floe_packet_kind_of(floe_span_of(&rows[i].first, 1)), rows[i].kind);
    }
    assert_int_equal(floe_packet_kind_of((floe_span){0}), FLOE_PACKET_OTHER);
    for (uint16_t method = 1; method <= 12; method++) {
        assert_true(method == 2 || method == 5 ||
                    strcmp(floe_stun_method_name(method), "unknown method") != 0);
    }
    assert_string_equal(floe_stun_method_name(0x7FF), "unknown method");
    assert_string_equal(floe_stun_class_name(FLOE_STUN_SUCCESS), "success response");
}

/* Nonce cookies: "obMatJos2" and four base64 digits of feature bits (RFC 8489 §9.2). */
static void nonce_features(void **state)
{
    (void)state;
    assert_int_equal(floe_stun_nonce_features(floe_span_text("obMatJos2gAAAxyz")),
                     FLOE_STUN_FEATURE_PASSWORD_ALGORITHMS);
    assert_int_equal(floe_stun_nonce_features(floe_span_text("obMatJos2wAAA")),
                     FLOE_STUN_FEATURE_PASSWORD_ALGORITHMS | FLOE_STUN_FEATURE_USERNAME_ANONYMITY);
    assert_int_equal(floe_stun_nonce_features(floe_span_text("obMatJos2wAA")), 0);
    assert_int_equal(floe_stun_nonce_features(floe_span_text("obMatJos2wA=A")), 0);
    assert_int_equal(floe_stun_nonce_features(floe_span_text("obmatjos2wAAA")), 0);
    assert_int_equal(floe_stun_nonce_features(floe_span_text("")), 0);
}

/* The n-th of the attributes that can be written, alone in its message. False: there is none. */
static bool write_alone(size_t n, floe_stun_writer *writer, const char **right)
{
    static const uint16_t numbers[] = {1, 2};
    static const char *const rights[] = {
        "80 22 00 03 61 62 63 00",
        "80 29 00 08 01 02 03 04 05 06 07 08",
        "00 0d 00 04 00 00 02 58",
        "00 18 00 01 80 00 00 00",
        "00 19 00 04 11 00 00 00",
        "00 0c 00 04 40 01 00 00",
        "00 01 00 08 00 01 80 55 c0 00 02 01",
        "00 20 00 08 00 01 a1 47 e1 12 a6 43", /* RFC 5769 §2.2 */
        "00 09 00 06 00 00 04 26 6e 6f 00 00",
        "80 01 00 05 01 00 05 08 6e 00 00 00",
        "80 01 00 04 02 00 04 28",
        "00 0a 00 04 00 01 00 02",
        "00 0a 00 02 00 01 00 00",
        "80 04 00 08 00 00 06 04 00 00 05 78",
        "80 02 00 08 00 01 00 00 00 02 00 00",
    };
    floe_address address = address_of("192.0.2.1:32853");

    switch (n) {
    case 0:
        floe_stun_put(writer, FLOE_STUN_SOFTWARE, floe_span_text("abc"));
        break;
    case 1:
        floe_stun_put_u64(writer, FLOE_STUN_ICE_CONTROLLED, 0x0102030405060708U);
        break;
    case 2:
        floe_stun_put_u32(writer, FLOE_STUN_LIFETIME, 600);
        break;
    case 3:
        floe_stun_put_u8(writer, FLOE_STUN_EVEN_PORT, 0x80);
        break;
    case 4:
        floe_stun_put_u8_reserved(writer, FLOE_STUN_REQUESTED_TRANSPORT, 17);
        break;
    case 5:
        floe_stun_put_u16_reserved(writer, FLOE_STUN_CHANNEL_NUMBER, 0x4001);
        break;
    case 6:
        floe_stun_put_address(writer, FLOE_STUN_MAPPED_ADDRESS, &address);
        break;
    case 7:
        floe_stun_put_address(writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &address);
        break;
    case 8:
        floe_stun_put_error(writer, 438, floe_span_text("no"));
        break;
    case 9:
        floe_stun_put_address_error(writer, FLOE_STUN_ADDRESS_ERROR_CODE, FLOE_FAMILY_IPV4, 508,
                                    floe_span_text("n"));
        break;
    case 10:
        floe_stun_put_address_error(writer, FLOE_STUN_ADDRESS_ERROR_CODE, FLOE_FAMILY_IPV6, 440,
                                    floe_span_text(""));
        break;
    case 11:
    case 12:
        floe_stun_put_unknown_attributes(writer, numbers, n == 11 ? 2 : 1);
        break;
    case 13:
        floe_stun_put_icmp(writer, 3, 4, 1400);
        break;
    case 14:
        floe_stun_put_password_algorithms(writer, FLOE_STUN_PASSWORD_ALGORITHMS, numbers, 2);
        break;
    default:
        return false;
    }
    *right = rights[n];
    return true;
}

/* Each is whole, padded and counted, though nothing comes behind it; or nothing of it is there. */
static void each_attribute_alone_byte_for_byte(void **state)
{
    const floe_stun_id id = {{0xb7, 0xe7, 0xa7, 1, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae}};
    const char *right = NULL;
    uint8_t bytes[64];
    uint8_t expected[64];

    (void)state;
    for (size_t n = 0;; n++) {
        memset(bytes, 0xff, sizeof bytes);
        floe_stun_writer writer =
            floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, FLOE_STUN_BINDING, &id);
        if (!write_alone(n, &writer, &right)) {
            assert_int_equal(n, 15);
            break;
        }
        floe_span written = floe_stun_written(&writer);
        size_t size = bytes_of_hex(right, expected, sizeof expected);
        assert_int_equal(written.size, FLOE_STUN_HEADER_SIZE + size);
        assert_int_equal(bytes[2] << 8 | bytes[3], size);
        assert_memory_equal(bytes + FLOE_STUN_HEADER_SIZE, expected, size);
        for (size_t room = 0; room <= written.size; room++) {
            writer = floe_stun_begin(bytes, room, FLOE_STUN_SUCCESS, FLOE_STUN_BINDING, &id);
            (void)write_alone(n, &writer, &right);
            assert_int_equal(floe_stun_written(&writer).size,
                             room < written.size ? 0 : written.size);
        }
    }
}

/* Of more than there is room for all are counted, and so many told. */
static void unknown_attributes_beyond_their_room(void **state)
{
    const floe_stun_id id = {{0}};
    uint8_t bytes[64];
    floe_stun_message message;

    (void)state;
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, FLOE_STUN_BINDING, &id);
    for (uint16_t type = 0x7001; type <= 0x7003; type++) {
        floe_stun_put(&writer, type, floe_span_text(""));
    }
    assert_int_equal(floe_stun_parse(floe_stun_written(&writer), &message), FLOE_STUN_PARSED);
    for (size_t room = 0; room < 5; room++) {
        uint16_t types[5] = {0};
        assert_int_equal(floe_stun_unknown_required(&message, types, room), 3);
        for (size_t i = 0; i < 5; i++) {
            assert_int_equal(types[i], i < room && i < 3 ? 0x7001 + i : 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc5769_sample_request),
        cmocka_unit_test(rfc5769_sample_responses),
        cmocka_unit_test(rfc5769_long_term_request),
        cmocka_unit_test(rfc8489_appendix_b_request),
        cmocka_unit_test(no_code_of_sha256_is_cut),
        cmocka_unit_test(texts_of_763_bytes_are_read),
        cmocka_unit_test(writes_rfc5769_byte_for_byte),
        cmocka_unit_test(every_writer_meets_its_reader),
        cmocka_unit_test(cve_2020_4067_padding_is_zero),
        cmocka_unit_test(what_is_reserved_is_zeros),
        cmocka_unit_test(what_does_not_fit_gives_nothing),
        cmocka_unit_test(cve_2021_37706_an_error_code_of_less_than_four_bytes),
        cmocka_unit_test(a_reason_ends_where_its_text_does),
        cmocka_unit_test(cve_2022_23537_and_23547_an_attribute_at_the_very_end),
        cmocka_unit_test(cve_2026_40613_messages_at_odd_addresses),
        cmocka_unit_test(cve_2026_43994_access_tokens_of_every_size),
        cmocka_unit_test(every_length_of_every_attribute),
        cmocka_unit_test(bounds_of_values_hold),
        cmocka_unit_test(refuses_what_is_no_stun),
        cmocka_unit_test(nothing_behind_the_integrity_is_read),
        cmocka_unit_test(each_attribute_alone_byte_for_byte),
        cmocka_unit_test(unknown_attributes_beyond_their_room),
        cmocka_unit_test(names_and_kinds),
        cmocka_unit_test(nonce_features),
    };
    return cmocka_run_group_tests_name("stun message", tests, NULL, NULL);
}
