/* Connectivity checks that come in (RFC 8445 §7.3): what they say, and the answer to them. */
#include "base/error.h"
#include "core/gatherer.h"

#include <string.h>

/* Made once for a generation of parameters. */
static floe_stun_key *local_key(floe_core *core)
{
    if (core->key == NULL) {
        (void)floe_stun_key_short_term(&core->shared->allocator, floe_span_text(core->password),
                                       &core->key);
    }
    return core->key;
}

/* USERNAME is "LOCAL:REMOTE" (RFC 8445 §7.2.2). */
static bool read_username(const floe_core *core, const floe_stun_message *message,
                          floe_check *check)
{
    size_t local = strlen(core->username_fragment);
    floe_span username;

    if (!floe_stun_find(message, FLOE_STUN_USERNAME, &username)) {
        return false;
    }
    const uint8_t *colon = memchr(username.data, ':', username.size);
    if (colon == NULL) {
        return false;
    }
    floe_reader reader = floe_reader_of(username.data, username.size);
    floe_span ours = floe_read_span(&reader, (size_t)(colon - username.data));
    floe_read_skip(&reader, 1);
    floe_span theirs = floe_read_span(&reader, floe_reader_left(&reader));
    if (theirs.size < sizeof check->remote_username_fragment) {
        memcpy(check->remote_username_fragment, theirs.data, theirs.size);
    }
    return floe_span_equal(ours, floe_span_of(core->username_fragment, local));
}

bool floe_check_read(floe_core *core, floe_span data, floe_check *check)
{
    floe_stun_message message;

    if (floe_stun_parse(data, &message) != FLOE_STUN_PARSED || message.class != FLOE_STUN_REQUEST ||
        message.method != FLOE_STUN_BINDING) {
        return false;
    }
    *check = (floe_check){0};
    bool named = read_username(core, &message, check);
    floe_stun_key *key = named ? local_key(core) : NULL;
    check->authenticated = key != NULL && floe_stun_check_integrity(&message, key->sha1);
    (void)floe_stun_read_u32(&message, FLOE_STUN_PRIORITY, &check->priority);
    check->use_candidate = floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE);
    check->controlling =
        floe_stun_read_u64(&message, FLOE_STUN_ICE_CONTROLLING, &check->tie_breaker);
    check->has_role = check->controlling ||
                      floe_stun_read_u64(&message, FLOE_STUN_ICE_CONTROLLED, &check->tie_breaker);
    memcpy(check->transaction_id, message.id.bytes, sizeof check->transaction_id);
    return true;
}

floe_error floe_core_answer_check(floe_core *core, floe_time now, const floe_packet *packet,
                                  uint16_t code)
{
    uint8_t bytes[256];
    floe_stun_id id;

    if (core == NULL || packet == NULL || packet->check == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "the packet is no Binding request");
    }
    if (code != 0 && (code < 300 || code > 699)) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "%u is no STUN error code", code);
    }
    floe_stun_key *key = local_key(core);
    if (key == NULL) {
        return floe_fail(FLOE_ERR_NO_MEMORY, "no memory for a key");
    }
    memcpy(id.bytes, packet->check->transaction_id, sizeof id.bytes);
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, code == 0 ? FLOE_STUN_SUCCESS : FLOE_STUN_ERROR,
                        FLOE_STUN_BINDING, &id);
    if (code == 0) {
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &packet->peer);
    } else {
        floe_stun_put_error(&writer, code, (floe_span){0});
    }
    if (packet->check->authenticated) {
        floe_stun_put_integrity(&writer, key->sha1);
    }
    floe_stun_put_fingerprint(&writer);
    floe_span answer = floe_stun_written(&writer);
    return floe_core_send(core, now, packet->candidate_id, &packet->peer, answer.data, answer.size);
}
