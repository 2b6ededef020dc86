#include "name_server.h"

#include "support.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define CNAME 5
#define QUESTIONS_MAX 512

typedef struct question {
    char name[256];
    uint16_t type;
} question;

typedef struct name_server {
    const name_record *records;
    size_t count;
    int datagrams; /* both at one port */
    int listener;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock;
    question asked[QUESTIONS_MAX];
    size_t asked_count;
} name_server;

static name_server servers[NAME_SERVERS];
static int ends[2]; /* a pipe: closed at the end */
static char list_file[] = "/tmp/floe-resolv-XXXXXX";
static atomic_bool listed;
static atomic_uint signals;

/* ── Messages (RFC 1035 §4) ── */

static void write_name(floe_writer *writer, const char *name)
{
    while (*name != '\0') {
        size_t size = strcspn(name, ".");
        floe_write_u8(writer, (uint8_t)size);
        floe_write_bytes(writer, name, size);
        name += size + (name[size] == '.');
    }
    floe_write_u8(writer, 0);
}

static void write_text(floe_writer *writer, const char *text)
{
    floe_write_u8(writer, (uint8_t)strlen(text));
    floe_write_bytes(writer, text, strlen(text));
}

static void write_data(floe_writer *writer, const name_record *record)
{
    unsigned a;
    unsigned b;
    unsigned c;
    char text[2][128];
    char flag[8];
    uint8_t ip[16];

    switch (record->type) {
    case 1:
        assert_int_equal(inet_pton(AF_INET, record->data, ip), 1);
        floe_write_bytes(writer, ip, 4);
        break;
    case 28:
        assert_int_equal(inet_pton(AF_INET6, record->data, ip), 1);
        floe_write_bytes(writer, ip, 16);
        break;
    case 33:
        assert_int_equal(sscanf(record->data, "%u %u %u %127s", &a, &b, &c, text[0]), 4);
        floe_write_u16(writer, (uint16_t)a);
        floe_write_u16(writer, (uint16_t)b);
        floe_write_u16(writer, (uint16_t)c);
        write_name(writer, text[0]);
        break;
    case 35:
        assert_int_equal(
            sscanf(record->data, "%u %u %7s %127s %127s", &a, &b, flag, text[0], text[1]), 5);
        floe_write_u16(writer, (uint16_t)a);
        floe_write_u16(writer, (uint16_t)b);
        write_text(writer, flag);
        write_text(writer, text[0]);
        write_text(writer, "");
        write_name(writer, text[1]);
        break;
    default:
        write_name(writer, record->data);
    }
}

static void write_record(floe_writer *writer, const name_record *record)
{
    uint8_t bytes[256];
    floe_writer data = floe_writer_of(bytes, sizeof bytes);

    write_data(&data, record);
    write_name(writer, record->name);
    floe_write_u16(writer, record->type);
    floe_write_u16(writer, 1);
    floe_write_u32(writer, record->ttl);
    floe_write_u16(writer, (uint16_t)data.at);
    floe_write_bytes(writer, bytes, data.at);
}

/* The records of the name; those of what it is an alias of behind it. How many. */
static uint16_t write_answers(const name_server *server, const char *name, uint16_t type,
                              floe_writer *writer, bool *known)
{
    uint16_t count = 0;

    for (size_t i = 0; i < server->count; i++) {
        const name_record *record = &server->records[i];
        if (strcasecmp(record->name, name) != 0) {
            continue;
        }
        *known = true;
        if (record->type == type || record->type == CNAME) {
            write_record(writer, record);
            count++;
        }
        if (record->type == CNAME && type != CNAME) {
            count = (uint16_t)(count + write_answers(server, record->data, type, writer, known));
        }
    }
    return count;
}

static atomic_bool is_away;

void name_server_away(bool away)
{
    atomic_store(&is_away, away);
}

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static size_t answer(name_server *server, const uint8_t *bytes, size_t size, bool stream,
                     uint8_t *room, size_t room_size)
{
    floe_reader reader = floe_reader_of(bytes, size);
    question q = {0};
    size_t used = 0;
    uint8_t records[3000];
    floe_writer answers = floe_writer_of(records, sizeof records);
    floe_writer writer = floe_writer_of(room, room_size);
    bool known = false;

    uint16_t id = floe_read_u16(&reader);
    floe_read_skip(&reader, 10);
    for (unsigned length; (length = floe_read_u8(&reader)) > 0 && !reader.failed;) {
        floe_span label = floe_read_span(&reader, length);
        if (reader.failed || used + length + 2 > sizeof q.name) {
            return 0;
        }
        used += (size_t)snprintf(&q.name[used], sizeof q.name - used, "%s%.*s", used > 0 ? "." : "",
                                 (int)length, (const char *)label.data);
    }
    q.type = floe_read_u16(&reader);
    (void)pthread_mutex_lock(&server->lock);
    if (server->asked_count < QUESTIONS_MAX) {
        server->asked[server->asked_count++] = q;
    }
    (void)pthread_mutex_unlock(&server->lock);
    bool silent = begins(q.name, "silent") || (begins(q.name, "late") && atomic_load(&is_away));
    if (reader.failed || (silent && server == &servers[0])) {
        return 0;
    }
    uint16_t count = write_answers(server, q.name, q.type, &answers, &known);
    bool cut = !stream && begins(q.name, "cut");
    bool refused = strstr(q.name, ".refused") != NULL;
    unsigned code = begins(q.name, "servfail") ? 2 : refused ? 5 : known ? 0 : 3;
    floe_write_u16(&writer, id);
    floe_write_u16(&writer, (uint16_t)(0x8580 | (cut ? 0x0200 : 0) | code));
    floe_write_u16(&writer, 1);
    floe_write_u16(&writer, cut ? 0 : count);
    floe_write_u32(&writer, 0);
    write_name(&writer, q.name);
    floe_write_u16(&writer, q.type);
    floe_write_u16(&writer, 1);
    floe_write_bytes(&writer, records, cut ? 0 : answers.at);
    return writer.failed ? 0 : writer.at;
}

/* ── Serving ── */

static void serve_datagram(name_server *server)
{
    uint8_t bytes[1500];
    uint8_t room[4096];
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t got =
        recvfrom(server->datagrams, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &size);
    size_t made = got > 0 ? answer(server, bytes, (size_t)got, false, room, sizeof room) : 0;

    if (made > 0) {
        (void)sendto(server->datagrams, room, made, 0, (struct sockaddr *)&from, size);
    }
}

/* One question a connection (RFC 1035 §4.2.2); it comes whole on loopback. */
static void serve_connection(name_server *server)
{
    uint8_t bytes[1500];
    uint8_t room[4096];
    int fd = accept(server->listener, NULL, NULL);
    ssize_t got = recv(fd, bytes, 2, MSG_WAITALL);
    size_t size = got == 2 ? (size_t)(bytes[0] << 8 | bytes[1]) : 0;

    if (size > 0 && size <= sizeof bytes && recv(fd, bytes, size, MSG_WAITALL) == (ssize_t)size) {
        size_t made = answer(server, bytes, size, true, room + 2, sizeof room - 2);
        room[0] = (uint8_t)(made >> 8);
        room[1] = (uint8_t)made;
        (void)send(fd, room, made + 2, MSG_NOSIGNAL);
        (void)recv(fd, bytes, 1, 0); /* until it is taken */
    }
    (void)close(fd);
}

static void *serve(void *data)
{
    name_server *server = data;

    for (;;) {
        struct pollfd polled[] = {{.fd = server->datagrams, .events = POLLIN},
                                  {.fd = server->listener, .events = POLLIN},
                                  {.fd = ends[0], .events = POLLIN}};
        if (poll(polled, 3, -1) < 0 || polled[2].revents != 0) {
            return NULL;
        }
        if (polled[0].revents != 0) {
            serve_datagram(server);
        }
        if (polled[1].revents != 0) {
            serve_connection(server);
        }
    }
}

/* False: the port that was free for UDP is somebody's for TCP. */
static bool bind_both(name_server *server)
{
    uint32_t ip = INADDR_LOOPBACK + 9 + (uint32_t)(server - servers);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(ip)}};
    socklen_t size = sizeof address;

    server->datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->datagrams, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(server->datagrams, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    if (bind(server->listener, (struct sockaddr *)&address, size) == 0) {
        return true;
    }
    (void)close(server->datagrams);
    (void)close(server->listener);
    return false;
}

void name_server_start(unsigned number, const name_record *records, size_t count)
{
    name_server *server = &servers[number];

    if (ends[0] == 0) {
        assert_int_equal(pipe(ends), 0);
    }
    *server = (name_server){.records = records, .count = count};
    (void)pthread_mutex_init(&server->lock, NULL);
    for (int tries = 0; !bind_both(server); tries++) {
        assert_true(tries < 100);
    }
    assert_int_equal(listen(server->listener, 16), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

void name_servers_stop(void)
{
    (void)close(ends[1]);
    for (unsigned i = 0; i < NAME_SERVERS; i++) {
        if (servers[i].port != 0) {
            (void)pthread_join(servers[i].thread, NULL);
            (void)close(servers[i].datagrams);
            (void)close(servers[i].listener);
        }
    }
    (void)close(ends[0]);
    if (atomic_exchange(&listed, false)) {
        (void)unlink(list_file);
    }
}

unsigned name_server_asked(unsigned number, const char *name, uint16_t type)
{
    name_server *server = &servers[number];
    unsigned count = 0;

    (void)pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->asked_count; i++) {
        count += server->asked[i].type == type && strcasecmp(server->asked[i].name, name) == 0;
    }
    (void)pthread_mutex_unlock(&server->lock);
    return count;
}

void name_servers_list(const char *resolv_conf)
{
    char next[sizeof list_file + 4];

    if (!atomic_load(&listed)) {
        int fd = mkstemp(list_file);
        assert_true(fd >= 0);
        (void)close(fd);
    }
    (void)snprintf(next, sizeof next, "%s.new", list_file);
    FILE *file = fopen(next, "w");
    assert_non_null(file);
    (void)fputs(resolv_conf, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(next, list_file), 0);
    atomic_store(&listed, true);
}

unsigned name_servers_signals(void)
{
    return atomic_load(&signals);
}

/* ── What stands before the C library's functions ── */

static const char *file_of(const char *name)
{
    return atomic_load(&listed) && strcmp(name, "/etc/resolv.conf") == 0 ? list_file : name;
}

/* Port 53 of 127.0.0.1N is server N's; of other addresses of loopback it is one where nobody is. */
static struct sockaddr_in way_to(const struct sockaddr *address, socklen_t size)
{
    struct sockaddr_in to = {0};

    memcpy(&to, address, size < sizeof to ? size : sizeof to);
    uint32_t ip = ntohl(to.sin_addr.s_addr);
    if (to.sin_family == AF_INET && to.sin_port == htons(53) && ip >> 24 == 127) {
        unsigned number = (ip & 0xFF) - 10;
        bool known = number < NAME_SERVERS && servers[number].port != 0;
        to.sin_port = htons(known ? servers[number].port : 1);
    }
    return to;
}

static bool is_stream(int fd)
{
    int kind = 0;
    socklen_t size = sizeof kind;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &size) == 0 && kind == SOCK_STREAM;
}

#pragma GCC visibility push(default)
#pragma GCC diagnostic ignored "-Wpedantic"

#define NEXT(type, name, parameters)                                                               \
    static type(*_Atomic next) parameters;                                                         \
    if (next == NULL) {                                                                            \
        *(void **)&next = dlsym(RTLD_NEXT, name);                                                  \
    }

FILE *fopen(const char *name, const char *mode)
{
    NEXT(FILE *, "fopen", (const char *, const char *))
    return next(file_of(name), mode);
}

int stat(const char *name, struct stat *file)
{
    NEXT(int, "stat", (const char *, struct stat *))
    return next(file_of(name), file);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    NEXT(int, "connect", (int, const struct sockaddr *, socklen_t))
    if (address->sa_family == AF_INET) {
        struct sockaddr_in to = way_to(address, size);
        return next(fd, (struct sockaddr *)&to, sizeof to);
    }
    return next(fd, address, size);
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    NEXT(ssize_t, "send", (int, const void *, size_t, int))
    if ((flags & MSG_NOSIGNAL) == 0 && is_stream(fd)) {
        atomic_fetch_add(&signals, 1);
    }
    return next(fd, data, size, flags);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    NEXT(ssize_t, "writev", (int, const struct iovec *, int))
    if (is_stream(fd)) {
        atomic_fetch_add(&signals, 1);
    }
    return next(fd, parts, count);
}
