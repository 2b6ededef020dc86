/* A browser connects to a program: connectivity checks both ways, with signalling over a little HTTP server.
 *
 *     browser PAGE [PORT]      serves examples/browser/page.html at http://localhost:PORT/ (8080)
 *
 * Open the address in a browser on this machine: the page says "connected". What the browser sends then is DTLS, which a real
 * program would hand to a library for that; this one counts it. */
#include <arpa/inet.h>
#include <floe/floe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* ── The transport ── */

static floe_api *api;
static floe_gatherer *gatherer;
static floe_transport *transport;

static void on_state(void *user_data, floe_ice_state state)
{
    (void)user_data;
    (void)printf("ICE is %s\n", floe_ice_state_name(state));
    (void)fflush(stdout);
}

static void on_packet(void *user_data, const floe_packet *packet)
{
    static unsigned count;

    (void)user_data;
    if (packet->kind == FLOE_PACKET_DTLS && count++ == 0) {
        (void)puts("the browser begins its DTLS handshake");
        (void)fflush(stdout);
    }
}

/* One browser at a time: a new offer, a new transport. */
static floe_error begin(void)
{
    floe_transport_free(transport);
    floe_gatherer_free(gatherer);
    transport = NULL;
    gatherer = NULL;
    floe_error error = floe_gatherer_new(api, NULL, &gatherer);
    if (error == FLOE_OK) {
        error = floe_transport_new(gatherer, NULL, &transport);
    }
    if (error == FLOE_OK) {
        (void)floe_transport_on_state_change(transport, on_state, NULL);
        (void)floe_transport_on_packet(transport, on_packet, NULL);
        error = floe_gatherer_gather(gatherer);
    }
    return error;
}

/* ── SDP (RFC 8839 §5) ── */

/* The value of such a line; NULL: it is another one. */
static const char *value(const char *line, const char *name)
{
    return strncmp(line, name, strlen(name)) == 0 ? line + strlen(name) : NULL;
}

static floe_error take_offer(char *offer)
{
    floe_parameters remote = FLOE_PARAMETERS_INIT;
    char *rest = NULL;

    for (char *line = strtok_r(offer, "\r\n", &rest); line != NULL;
         line = strtok_r(NULL, "\r\n", &rest)) {
        const char *ufrag = value(line, "a=ice-ufrag:");
        const char *password = value(line, "a=ice-pwd:");
        floe_candidate *candidate = NULL;
        if (ufrag != NULL) {
            (void)snprintf(remote.username_fragment, sizeof remote.username_fragment, "%s", ufrag);
        } else if (password != NULL) {
            (void)snprintf(remote.password, sizeof remote.password, "%s", password);
        } else if (value(line, "a=candidate:") != NULL &&
                   floe_candidate_parse(line, &candidate) == FLOE_OK) {
            /* Those for TCP, or that cannot be reached from here, are of no use, and no fault. */
            (void)floe_transport_add_remote_candidate(transport, candidate);
            floe_candidate_free(candidate);
        }
    }
    (void)floe_transport_add_remote_candidate(transport, NULL);
    return floe_transport_start(transport, &remote, FLOE_ICE_ROLE_CONTROLLED);
}

static size_t write_answer(char *answer, size_t size)
{
    floe_parameters local = FLOE_PARAMETERS_INIT;
    floe_candidate_list *list = NULL;
    char text[FLOE_CANDIDATE_TEXT_SIZE];
    size_t used;

    (void)floe_gatherer_get_local_parameters(gatherer, &local);
    /* The fingerprint is that of no certificate: nobody gets so far as to compare it. */
    used = (size_t)snprintf(answer, size,
                            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
                            "a=group:BUNDLE 0\r\n"
                            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                            "c=IN IP4 0.0.0.0\r\na=mid:0\r\na=setup:passive\r\na=sctp-port:5000\r\n"
                            "a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
                            "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\n"
                            "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n",
                            local.username_fragment, local.password);
    while (floe_gatherer_state(gatherer) != FLOE_GATHERER_STATE_COMPLETE) {
        (void)usleep(1000); /* host candidates alone: they are there at once */
    }
    (void)floe_gatherer_get_local_candidates(gatherer, &list);
    for (size_t i = 0; list != NULL && i < list->count && used < size; i++) {
        if (floe_candidate_format(list->candidates[i], text, sizeof text) == FLOE_OK) {
            used += (size_t)snprintf(answer + used, size - used, "a=%s\r\n", text);
        }
    }
    floe_candidate_list_free(list);
    return used < size
               ? used + (size_t)snprintf(answer + used, size - used, "a=end-of-candidates\r\n")
               : size;
}

/* ── HTTP, as much as one page needs ── */

static void respond(int fd, const char *kind, const char *body, size_t size)
{
    (void)dprintf(fd,
                  "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                  "Connection: close\r\n\r\n",
                  kind, size);
    while (size > 0) {
        ssize_t written = write(fd, body, size);
        if (written <= 0) {
            return;
        }
        body += written;
        size -= (size_t)written;
    }
}

/* Head and body, ended by a 0 byte; where the body is; NULL: it is none. */
static char *read_request(int fd, char *room, size_t size)
{
    size_t used = 0;
    ssize_t got;

    while (used + 1 < size && (got = read(fd, room + used, size - 1 - used)) > 0) {
        used += (size_t)got;
        room[used] = '\0';
        char *end = strstr(room, "\r\n\r\n");
        const char *length = strcasestr(room, "content-length:");
        size_t wanted = length != NULL && length < end ? strtoul(length + 15, NULL, 10) : 0;
        if (end != NULL && used >= (size_t)(end + 4 - room) + wanted) {
            return end + 4;
        }
    }
    return NULL;
}

static void serve(int fd, const char *page)
{
    static char room[65536];
    static char answer[16384];
    char *body = read_request(fd, room, sizeof room);

    if (body == NULL) {
        return;
    }
    if (strncmp(room, "POST /offer", 11) != 0) {
        FILE *file = fopen(page, "r");
        size_t size = file != NULL ? fread(answer, 1, sizeof answer, file) : 0;
        respond(fd, "text/html", answer, size);
        if (file != NULL) {
            (void)fclose(file);
        }
    } else if (begin() != FLOE_OK || take_offer(body) != FLOE_OK) {
        (void)fprintf(stderr, "browser: %s\n", floe_last_error());
    } else {
        respond(fd, "application/sdp", answer, write_answer(answer, sizeof answer));
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)(argc > 2 ? atoi(argv[2]) : 8080)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (argc < 2 || floe_api_new(NULL, &api) != FLOE_OK ||
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 8) != 0) {
        (void)fprintf(stderr, argc < 2 ? "browser PAGE [PORT]\n" : "browser: cannot listen\n");
        return 1;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)printf("open http://localhost:%u/\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; (void)close(fd)) {
        serve(fd, argv[1]);
    }
    return 0;
}
