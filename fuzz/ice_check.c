/* Checks that come to an agent, and answers to its own, which are almost right: each is made as the peer makes it,
 * changed as the input says, and signed behind that, so that what is changed is believed; or with a wrong key, or none.
 * What must hold: it answers a check once at most, and where it came from; what cannot be believed changes nothing; and
 * behind all of it the agent answers the peer, and their pair works. */
#include "hand.h"

#include "base/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGES_MAX 24
#define PAIRS_MAX 128

static const char *const stranger = "203.0.113.9:9000";

typedef enum key { KEY_RIGHT, KEY_WRONG, KEY_NONE } key;

typedef struct session {
    fixture agent;
    floe_reader script;
    sent asked; /* its latest check to the peer */
    bool has_asked;
    bool knows_stranger; /* a check that was signed rightly came from there */
    bool believed;       /* anything was */
} session;

/* What nobody without the key may change. */
typedef struct look {
    floe_ice_state state;
    floe_ice_role role;
    size_t count;
    floe_ice_pair pairs[PAIRS_MAX];
} look;

#define must(holds) must_hold((holds), #holds)

static void must_hold(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "not so: %s\n", what);
        abort();
    }
}

static void look_at(const session *s, look *seen)
{
    floe_ice_pair_list *list = NULL;

    must(floe_ice_get_pairs(s->agent.ice, &list) == FLOE_OK && list->count <= PAIRS_MAX);
    seen->state = floe_ice_get_state(s->agent.ice);
    seen->role = floe_ice_get_role(s->agent.ice);
    seen->count = list->count;
    for (size_t i = 0; i < list->count; i++) {
        seen->pairs[i] = *list->pairs[i];
    }
    floe_ice_pair_list_free(list);
}

static void must_be_same(const look *a, const look *b)
{
    must(a->state == b->state && a->role == b->role && a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        const floe_ice_pair *x = &a->pairs[i];
        const floe_ice_pair *y = &b->pairs[i];
        must(x->local_id == y->local_id && x->state == y->state && x->valid == y->valid &&
             x->nominated == y->nominated && x->selected == y->selected &&
             x->failure == y->failure && x->error_code == y->error_code &&
             x->remote_type == y->remote_type && x->priority == y->priority &&
             x->responses_received == y->responses_received &&
             floe_address_equal(&x->remote_address, &y->remote_address));
    }
}

static unsigned valid_in(const look *seen)
{
    unsigned count = 0;

    for (size_t i = 0; i < seen->count; i++) {
        count += seen->pairs[i].valid;
    }
    return count;
}

/* How many answers were sent since the last time. These go to `from` alone, checks to whom it knows. */
static unsigned take_sent(session *s, const floe_address *from)
{
    fixture *f = &s->agent;
    floe_address other = address_of(stranger);
    floe_address right = address_of(peer);
    unsigned answers = 0;

    for (size_t i = 0; i < f->count; i++) {
        bool is_to_peer = floe_address_equal(&f->sent[i].to, &right);
        if (!is_check(&f->sent[i])) {
            answers++;
            must(from != NULL && floe_address_equal(&f->sent[i].to, from));
            continue;
        }
        must(is_to_peer || (s->knows_stranger && floe_address_equal(&f->sent[i].to, &other)));
        if (is_to_peer) {
            s->asked = f->sent[i];
            s->has_asked = true;
        }
    }
    f->count = 0;
    return answers;
}

/* Bytes of the message are others, or there are more of them: whole attributes, which may be any. */
static void change(session *s, floe_writer *out)
{
    unsigned changes = floe_read_u8(&s->script) % 8;

    for (unsigned i = 0; i < changes; i++) {
        uint8_t at = floe_read_u8(&s->script);
        uint8_t value = floe_read_u8(&s->script);
        if (at < 200) {
            out->data[at % out->at] = value;
            continue;
        }
        floe_span more = floe_read_span(&s->script, value % 40);
        floe_write_u16(out, (uint16_t)(floe_read_u8(&s->script) << 8 | floe_read_u8(&s->script)));
        floe_write_u16(out, at == 255 ? floe_read_u8(&s->script) : (uint16_t)more.size);
        floe_write_bytes(out, more.data, more.size);
        floe_write_zeros(out, (4 - out->at % 4) % 4);
    }
}

static void put_key(session *s, floe_stun_writer *writer, key by, bool is_answer)
{
    if (by != KEY_NONE) {
        sign(writer, by == KEY_WRONG ? "somebodyElse+/0123456789"
                     : is_answer     ? remote_password
                                     : s->agent.local.password);
    }
}

static void message(session *s, bool is_answer)
{
    static const uint16_t codes[] = {0, 0, 0, 487, 400, 403, 401, 420};
    fixture *f = &s->agent;
    uint8_t bytes[1024];
    look before;
    look after;
    uint8_t flags = floe_read_u8(&s->script);
    uint8_t more = floe_read_u8(&s->script);
    bool is_from_stranger = (flags & 12) == 12;
    bool controls = floe_ice_get_role(f->ice) == FLOE_ICE_ROLE_CONTROLLED;
    key by = (flags & 3) == 3 ? KEY_NONE : (flags & 3) == 2 ? KEY_WRONG : KEY_RIGHT;
    const request asks = {.priority = usual.priority,
                          .role = controls ? FLOE_STUN_ICE_CONTROLLING : FLOE_STUN_ICE_CONTROLLED,
                          .tie_breaker = 5,
                          .use_candidate = (more & 8) != 0};
    const response says = {.code = codes[more & 7]};

    if (is_answer && !s->has_asked) {
        return;
    }
    floe_stun_writer writer = is_answer ? write_response(f, &s->asked, &says, bytes, sizeof bytes)
                                        : write_check(f, &asks, bytes, sizeof bytes);
    change(s, &writer.out);
    put_key(s, &writer, by, is_answer);
    if (!(flags & 64)) {
        floe_stun_put_fingerprint(&writer);
    }
    if (flags & 128) { /* on the way */
        change(s, &writer.out);
    }
    const char *from = is_from_stranger ? stranger : peer;
    floe_address source = address_of(from);
    s->believed = s->believed || by == KEY_RIGHT;
    s->knows_stranger = s->knows_stranger || (is_from_stranger && by == KEY_RIGHT);
    look_at(s, &before);
    comes(f, from, writer.out.data, writer.out.at);
    look_at(s, &after);
    must(take_sent(s, &source) <= 1);
    if (by != KEY_RIGHT &&
        !f->delivered) { /* what is no STUN message any more is data, a sign of life (I10) */
        must_be_same(&before, &after);
    }
    if (is_answer && is_from_stranger) { /* RFC 8445 §7.2.5.2.1 */
        must(valid_in(&after) <= valid_in(&before));
    }
}

static void pass_time(session *s, unsigned much)
{
    run_until(&s->agent, ms(&s->agent) + much);
    must(take_sent(s, NULL) == 0);
}

static void begins_anew(session *s)
{
    fixture *f = &s->agent;

    must(floe_core_restart(f->core, f->now) == FLOE_OK &&
         floe_core_start(f->core, f->now) == FLOE_OK &&
         floe_core_get_local_parameters(f->core, &f->local) == FLOE_OK);
    outputs(f);
    start(f, floe_ice_get_role(f->ice));
    add_peer(f);
}

static void meets_peer(session *s)
{
    fixture *f = &s->agent;

    for (unsigned i = 0; i < 3; i++) {
        bool controls = floe_ice_get_role(f->ice) == FLOE_ICE_ROLE_CONTROLLED;
        f->count = 0;
        check(f, peer, controls ? &nominating_check : &usual);
        must(answered(f) == 0);
        f->count = 0;
        run_until(f, ms(f) + 600);
    }
}

/* By a restart, if the peer has said that it is over (403), or has answered nothing for too long (I16). */
static void still_works(session *s)
{
    fixture *f = &s->agent;
    floe_address right = address_of(peer);

    f->answers = peer;
    if (floe_ice_get_state(f->ice) == FLOE_ICE_STATE_FAILED) {
        must(s->believed);
        begins_anew(s);
    }
    meets_peer(s);
    if (pair_to(f, peer).failure == FLOE_ICE_FAILURE_TOO_MANY_CHECKS) {
        begins_anew(s);
        meets_peer(s);
    }
    must(floe_ice_send(f->ice, f->now, "data", 4) == FLOE_OK);
    outputs(f);
    must(f->count > 0);
    const sent *last = &f->sent[f->count - 1];
    must(last->size == 4 && memcmp(last->data, "data", 4) == 0);
    must(s->knows_stranger || floe_address_equal(&last->to, &right));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static session s;

    s = (session){.script = floe_reader_of(data, size)};
    uint8_t how = floe_read_u8(&s.script);
    begin_with_peer(&s.agent, how & 1 ? FLOE_ICE_ROLE_CONTROLLING : FLOE_ICE_ROLE_CONTROLLED);
    run_until(&s.agent, 10);
    (void)take_sent(&s, NULL);
    if (how & 2) { /* the pair works already */
        respond_to(&s.agent, &s.asked, &(response){0});
        check(&s.agent, peer, how & 1 ? &usual : &nominating_check);
        run_until(&s.agent, 100);
        s.agent.count = 0;
    }
    for (unsigned n = 0; n < MESSAGES_MAX && floe_reader_left(&s.script) > 0; n++) {
        uint8_t what = floe_read_u8(&s.script);
        if (what % 4 == 0) {
            pass_time(&s, 20U * floe_read_u8(&s.script));
        } else {
            message(&s, what % 4 == 1);
        }
    }
    still_works(&s);
    end(&s.agent);
    return 0;
}
