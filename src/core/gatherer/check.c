/* Connectivity checks that come in (RFC 8445 §7.3): what they say, and the answer to them. */
#include "core/gatherer/check.h"

#include "base/error.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/gatherer/credentials.h"
#include "core/outbox/outbox.h"
#include "stun/writer.h"

#include <string.h>

static bool are(const floe_credentials *credentials, floe_span username_fragment)
{
    return credentials != NULL && credentials->number != 0 &&
           floe_span_equal(username_fragment, floe_span_text(floe_username_fragment(credentials)));
}

/* Of today, or of before a restart (RFC 8445 §9); NULL: neither. */
static floe_credentials *find(floe_core *core, floe_span username_fragment)
{
    return are(&core->credentials, username_fragment) ? &core->credentials
           : are(core->former, username_fragment)     ? core->former
           : are(core->in_use, username_fragment)     ? core->in_use
                                                      : NULL;
}

bool floe_check_knows(const floe_core *core, floe_span username_fragment)
{
    return are(&core->credentials, username_fragment) || are(core->former, username_fragment) ||
           are(core->in_use, username_fragment);
}

/* NULL: they have gone. */
static floe_credentials *numbered(floe_core *core, uint32_t number)
{
    floe_credentials *all[] = {&core->credentials, core->former, core->in_use};

    for (size_t i = 0; number != 0 && i < sizeof all / sizeof *all; i++) {
        if (all[i] != NULL && all[i]->number == number) {
            return all[i];
        }
    }
    return NULL;
}

/* USERNAME is "LOCAL:REMOTE" (RFC 8445 §7.2.2). Whose it is; NULL: nobody's. */
static floe_credentials *read_username(floe_core *core, const floe_stun_message *message,
                                       floe_check *check)
{
    floe_span username;

    if (!floe_stun_find(message, FLOE_STUN_USERNAME, &username)) {
        return NULL;
    }
    const uint8_t *colon = memchr(username.data, ':', username.size);
    if (colon == NULL) {
        return NULL;
    }
    floe_reader reader = floe_reader_of(username.data, username.size);
    floe_span ours = floe_read_span(&reader, (size_t)(colon - username.data));
    floe_read_skip(&reader, 1);
    floe_span theirs = floe_read_span(&reader, floe_reader_left(&reader));
    if (theirs.size < sizeof check->remote_username_fragment) {
        memcpy(check->remote_username_fragment, theirs.data, theirs.size);
    }
    return find(core, ours);
}

/* RFC 8489 §9.1.3: where both codes are there, that of SHA-256 is the one that counts. */
static bool is_signed(const floe_stun_message *message, const floe_stun_key *key, bool sha256)
{
    return sha256 ? floe_stun_check_integrity_sha256(message, key->sha256)
                  : floe_stun_check_integrity(message, key->sha1);
}

const floe_check *floe_check_read(floe_core *core, floe_span data)
{
    floe_arrival *arrival = core->arrival;
    floe_stun_message message;

    if (floe_stun_parse(data, &message) != FLOE_STUN_PARSED || message.class != FLOE_STUN_REQUEST ||
        message.method != FLOE_STUN_BINDING) {
        return NULL;
    }
    if (arrival->check == NULL) {
        arrival->check = floe_allocate(&core->shared->allocator, sizeof *arrival->check);
    }
    floe_check *check = arrival->check;
    if (check == NULL) {
        floe_core_out_of_memory(core);
        return NULL;
    }
    *check = (floe_check){0};
    floe_credentials *credentials = read_username(core, &message, check);
    floe_stun_key *key = credentials != NULL ? floe_credentials_key(core, credentials) : NULL;
    check->sha256 = message.integrity_sha256_at != 0;
    check->authenticated = key != NULL && is_signed(&message, key, check->sha256);
    check->former = check->authenticated && credentials != &core->credentials;
    arrival->check_by = 0;
    if (check->authenticated) {
        credentials->used = true;
        arrival->check_by = credentials->number;
    }
    if (check->authenticated && !check->former) {
        floe_credentials_used(core);
    }
    check->unknown_attribute_count = (uint16_t)floe_stun_unknown_required(
        &message, check->unknown_attributes, FLOE_CHECK_UNKNOWN_MAX);
    if (check->unknown_attribute_count > FLOE_CHECK_UNKNOWN_MAX) {
        check->unknown_attribute_count = FLOE_CHECK_UNKNOWN_MAX;
    }
    (void)floe_stun_read_u32(&message, FLOE_STUN_PRIORITY, &check->priority);
    check->use_candidate = floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE);
    check->controlling =
        floe_stun_read_u64(&message, FLOE_STUN_ICE_CONTROLLING, &check->tie_breaker);
    check->has_role = check->controlling ||
                      floe_stun_read_u64(&message, FLOE_STUN_ICE_CONTROLLED, &check->tie_breaker);
    memcpy(check->transaction_id, message.id.bytes, sizeof check->transaction_id);
    return check;
}

floe_error floe_check_answer(floe_core *core, const floe_packet *packet, uint16_t code,
                             uint8_t *bytes, floe_span *answer)
{
    floe_stun_id id;

    if (core == NULL || packet == NULL || packet->check == NULL || core->arrival == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "the packet is no Binding request");
    }
    const floe_check *check = packet->check;
    bool success = code == 0 || code == FLOE_ANSWER_ANYBODY;
    if (!success && (code < 300 || code > 699)) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "%u is no STUN error code", code);
    }
    if (code == 0 && !check->authenticated) {
        return floe_fail(FLOE_ERR_PERMISSION,
                         "the check is not from the peer: answer 401 or nothing");
    }
    /* Since it came there may have been a restart: by its owner, who is about to answer it. */
    floe_credentials *credentials = numbered(core, core->arrival->check_by);
    if (check->authenticated && credentials == NULL) {
        return floe_fail(FLOE_ERR_PERMISSION, "the credentials of before the restart have gone");
    }
    floe_stun_key *key = check->authenticated ? floe_credentials_key(core, credentials) : NULL;
    if (check->authenticated && key == NULL) {
        return floe_fail(FLOE_ERR_NO_MEMORY, "no memory for a key");
    }
    memcpy(id.bytes, check->transaction_id, sizeof id.bytes);
    floe_stun_writer writer =
        floe_stun_begin(bytes, FLOE_CHECK_ANSWER_SIZE,
                        success ? FLOE_STUN_SUCCESS : FLOE_STUN_ERROR, FLOE_STUN_BINDING, &id);
    if (success) {
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &packet->peer);
    } else {
        floe_stun_put_error(&writer, code, (floe_span){0});
    }
    if (code == 420) { /* RFC 8489 §6.3.1: it MUST say which */
        floe_stun_put_unknown_attributes(&writer, check->unknown_attributes,
                                         check->unknown_attribute_count);
    }
    if (check->authenticated && check->sha256) {
        floe_stun_put_integrity_sha256(&writer, key->sha256);
    } else if (check->authenticated) {
        floe_stun_put_integrity(&writer, key->sha1);
    }
    floe_stun_put_fingerprint(&writer);
    *answer = floe_stun_written(&writer);
    return answer->size > 0 ? FLOE_OK
                            : floe_fail(FLOE_ERR_NO_MEMORY, "no memory to sign the answer");
}
