/* libre's icem (RFC 5245, no trickle) as a peer of `floe connect --json`: see lines.h.
 *
 * It begins to check when it has all of the peer's candidates. It has one socket, so one family: IPv6 where that is the
 * only one asked for. It knows no restart: another icem with another socket takes the place of the first, which is a
 * restart to its peer. */
#include "lines.h"

#include <re.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct session {
    struct icem *icem;
    struct udp_sock *socket;
    struct turnc *relay;
    struct stun_ctrans *asked;
    unsigned pending; /* servers that have not answered yet */
    bool all_remote;  /* the peer has no more candidates */
    bool connected;
} session;

static interop_options options;
static session sessions[2];
static session *now = &sessions[0];
static char remote[300]; /* the peer's username fragment */
static bool restarted_by_us;

enum {
    HEADROOM = 36, /* for a Send indication's header before a packet */
    BELOW = -10    /* icem, which is layer 0 of the socket: where TURN hears and sends */
};

/* ── Packets ── */

static void send_packet(const uint8_t *bytes, size_t size)
{
    const struct ice_cand *to = now->connected ? icem_selected_rcand(now->icem, 1) : NULL;
    struct mbuf *packet = mbuf_alloc(HEADROOM + size);

    if (to != NULL && packet != NULL) {
        packet->pos = packet->end = HEADROOM;
        (void)mbuf_write_mem(packet, bytes, size);
        packet->pos = HEADROOM;
        (void)udp_send(now->socket, icem_lcand_addr(to), packet);
    }
    mem_deref(packet);
}

static void on_packet(const struct sa *from, struct mbuf *packet, void *data)
{
    (void)from, (void)data;
    interop_say_packet(mbuf_buf(packet), mbuf_get_left(packet));
    if (options.echo) {
        send_packet(mbuf_buf(packet), mbuf_get_left(packet));
    }
}

/* ── Gathering ── */

static void say_candidates(session *s)
{
    char text[256];

    icem_cand_redund_elim(s->icem);
    (void)icem_comps_set_default_cand(s->icem);
    for (struct le *at = list_head(icem_lcandl(s->icem)); at != NULL; at = at->next) {
        const struct ice_cand *candidate = at->data;
        if (!options.relay || icem_cand_type(candidate) == ICE_CAND_TYPE_RELAY) {
            (void)re_snprintf(text, sizeof text, "%H", ice_cand_encode, candidate);
            interop_say_candidate(text);
        }
    }
    interop_say_end();
}

/* By one socket a packet goes by the relay where there is a channel to its destination, and else does not: with relays
 * alone there is one to each of the peer's candidates, for its answers too. */
static void make_channels(session *s)
{
    struct le *at = list_head(icem_rcandl(s->icem));

    for (; at != NULL && options.relay; at = at->next) {
        (void)turnc_add_chan(s->relay, icem_lcand_addr(at->data), NULL, NULL);
    }
}

static void begin_checks(session *s)
{
    if (s->pending > 0 || !s->all_remote) {
        return;
    }
    interop_say_state("checking");
    make_channels(s);
    int error = icem_conncheck_start(s->icem);
    if (error != 0) {
        (void)re_fprintf(stderr, "re: no checks: %m\n", error);
        interop_say_state("failed");
    }
}

static void answered(session *s)
{
    if (--s->pending == 0) {
        say_candidates(s);
        begin_checks(s);
    }
}

static void add(session *s, enum ice_cand_type type, const struct sa *address)
{
    struct ice_cand *host = icem_cand_find(icem_lcandl(s->icem), 1, NULL);

    (void)icem_lcand_add(s->icem, icem_lcand_base(host), type, address);
}

static void on_binding(int error, uint16_t code, const char *reason, const struct stun_msg *message,
                       void *data)
{
    struct stun_attr *mapped =
        error == 0 && code == 0 ? stun_msg_attr(message, STUN_ATTR_XOR_MAPPED_ADDR) : NULL;

    (void)reason;
    if (mapped != NULL) {
        add(data, ICE_CAND_TYPE_SRFLX, &mapped->v.sa);
    }
    answered(data);
}

static void on_relay(int error, uint16_t code, const char *reason, const struct sa *relayed,
                     const struct sa *mapped, const struct stun_msg *message, void *data)
{
    session *s = data;

    (void)message;
    if (error != 0 || code != 0) {
        (void)re_fprintf(stderr, "re: relay: %m %u %s\n", error, code, reason);
    } else if (s->pending > 0) {
        add(s, ICE_CAND_TYPE_RELAY, relayed);
        if (mapped != NULL) {
            add(s, ICE_CAND_TYPE_SRFLX, mapped);
        }
        (void)icem_set_turn_client(s->icem, 1, s->relay);
    }
    if (s->pending > 0) {
        answered(s);
    }
}

static void ask(session *s, const interop_server *server, int family)
{
    struct sa at;

    if (sa_set_str(&at, server->host, server->port) != 0 || sa_af(&at) != family) {
        return;
    }
    s->pending++;
    int error =
        server->turn
            ? turnc_alloc(&s->relay, NULL, IPPROTO_UDP, s->socket, BELOW, &at, options.username,
                          options.credential, TURN_DEFAULT_LIFETIME, on_relay, s)
            : stun_request(&s->asked, icem_stun(s->icem), IPPROTO_UDP, s->socket, &at, 0,
                           STUN_METHOD_BINDING, NULL, 0, false, on_binding, s, 0);
    if (error != 0) {
        (void)re_fprintf(stderr, "re: %s: %m\n", server->host, error);
        s->pending--;
    }
}

static bool find_address(const char *interface, const struct sa *address, void *data)
{
    struct sa *found = data;

    (void)interface;
    if (sa_af(address) == sa_af(found) && !sa_is_loopback(address) && !sa_is_linklocal(address)) {
        *found = *address;
        return true;
    }
    return false;
}

static void on_checked(int error, bool update, void *data)
{
    session *s = data;
    char local[256];
    char theirs[256];

    (void)update;
    if (error != 0) {
        (void)re_fprintf(stderr, "re: checks: %m\n", error);
        interop_say_state("failed");
        return;
    }
    s->connected = true;
    const struct ice_cand *ours = icem_selected_lcand(s->icem, 1);
    const struct ice_cand *to = icem_selected_rcand(s->icem, 1);
    interop_say_state("connected");
    (void)re_snprintf(local, sizeof local, "candidate:%H", ice_cand_encode, ours);
    (void)re_snprintf(theirs, sizeof theirs, "candidate:%H", ice_cand_encode, to);
    interop_say_pair(local, theirs);
}

static void begin(session *s)
{
    const int family = options.udp4 ? AF_INET : AF_INET6;
    struct sa address;
    char username_fragment[9];
    char password[33];

    sa_init(&address, family);
    (void)net_if_apply(find_address, &address);
    rand_str(username_fragment, sizeof username_fragment);
    rand_str(password, sizeof password);
    if (udp_listen(&s->socket, &address, on_packet, NULL) != 0 ||
        icem_alloc(&s->icem, ICE_MODE_FULL,
                   options.controlling ? ICE_ROLE_CONTROLLING : ICE_ROLE_CONTROLLED, IPPROTO_UDP, 0,
                   rand_u64(), username_fragment, password, on_checked, s) != 0 ||
        icem_comp_add(s->icem, 1, s->socket) != 0 || udp_local_get(s->socket, &address) != 0 ||
        icem_cand_add(s->icem, 1, 65535, "eth0", &address) != 0) {
        (void)fprintf(stderr, "re: no session\n");
        exit(1);
    }
    /* It tries a pair at a time: one that can't work is given up after 2.3 s, not 7.9. */
    stun_conf(icem_stun(s->icem))->rc = 4;
    interop_say_parameters(username_fragment, password, false);
    s->pending = 1;
    for (size_t i = 0; i < options.server_count; i++) {
        ask(s, &options.servers[i], family);
    }
    answered(s);
}

/* The other one, and this one goes. */
static void restart(void)
{
    session *old = now;

    now = now == &sessions[0] ? &sessions[1] : &sessions[0];
    old->asked = mem_deref(old->asked);
    old->icem = mem_deref(old->icem);
    old->relay = mem_deref(old->relay);
    old->socket = mem_deref(old->socket);
    old->connected = old->all_remote = false;
    begin(now);
}

/* ── What is heard ── */

static void hear_restart(void)
{
    restarted_by_us = true;
    restart();
}

static void hear_parameters(const char *username_fragment, const char *password)
{
    if (remote[0] != 0 && strcmp(remote, username_fragment) != 0 && !restarted_by_us) {
        restart();
    }
    restarted_by_us = false;
    (void)re_snprintf(remote, sizeof remote, "%s", username_fragment);
    (void)icem_sdp_decode(now->icem, ice_attr_ufrag, username_fragment);
    (void)icem_sdp_decode(now->icem, ice_attr_pwd, password);
}

static void hear_candidate(const char *text)
{
    (void)icem_sdp_decode(now->icem, ice_attr_cand, text + strlen("candidate:"));
}

static void hear_end(void)
{
    now->all_remote = true;
    begin_checks(now);
}

static void on_input(int flags, void *data)
{
    static const interop_ears ears = {hear_parameters, hear_candidate, hear_end, send_packet,
                                      hear_restart};

    (void)flags, (void)data;
    if (!interop_hear(&ears)) {
        re_cancel();
    }
}

int main(int count, char **words)
{
    if (!interop_read_options(count, words, &options)) {
        return 2;
    }
    if (libre_init() != 0 || fd_listen(0, FD_READ, on_input, NULL) != 0) {
        return 1;
    }
    begin(now);
    (void)re_main(NULL);
    return 0;
}
