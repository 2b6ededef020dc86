/* The floor: the least that any program must do for the same candidates, by system calls, MD5 and
 * HMAC alone. No parsing but of what it needs, no checks, no pacing, no timers, no errors.
 *
 *     floor N LOCAL4 LOCAL6 SERVER USERNAME PASSWORD
 *
 * N gatherers at once, each with a socket on both local addresses, as host candidates need, and one
 * Allocate (which gives the mapped address too), 401, Allocate, and at the end a Refresh that
 * releases. Prints a JSON line like floe's summary. LOCAL6 may be "-", SERVER too: host alone. */
#include "clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct one {
    int fd4;
    int fd6;
    uint8_t step; /* 0: asked, 1: asked with the key, 2: allocated */
    uint8_t nonce[64];
    uint16_t nonce_size;
} one;

static struct sockaddr_in server;
static const char *username;
static const char *password;
static uint8_t realm[256];
static uint16_t realm_size;
static uint8_t key[16];
static EVP_MAC_CTX *mac;
static unsigned packets_sent;
static unsigned packets_received;

static size_t put(uint8_t *message, size_t at, unsigned type, const void *value, size_t size)
{
    message[at] = (uint8_t)(type >> 8);
    message[at + 1] = (uint8_t)type;
    message[at + 2] = (uint8_t)(size >> 8);
    message[at + 3] = (uint8_t)size;
    memcpy(&message[at + 4], value, size);
    memset(&message[at + 4 + size], 0, (4 - size % 4) % 4);
    return at + 4 + (size + 3) / 4 * 4;
}

static void set_length(uint8_t *message, size_t length)
{
    message[2] = (uint8_t)(length >> 8);
    message[3] = (uint8_t)length;
}

static void request(one *o, unsigned method, const uint8_t *attribute, unsigned type)
{
    uint8_t message[1024] = {(uint8_t)(method >> 8), (uint8_t)method, 0, 0, 0x21, 0x12, 0xA4, 0x42};
    uint8_t code[32];
    size_t code_size;
    size_t at = 20;

    (void)RAND_bytes(&message[8], 12);
    at = put(message, at, type, attribute, 4);
    if (o->step > 0) {
        at = put(message, at, 0x0006, username, strlen(username));
        at = put(message, at, 0x0014, realm, realm_size);
        at = put(message, at, 0x0015, o->nonce, o->nonce_size);
        set_length(message, at + 24 - 20);
        (void)EVP_MAC_init(mac, NULL, 0, NULL);
        (void)EVP_MAC_update(mac, message, at);
        (void)EVP_MAC_final(mac, code, &code_size, sizeof code);
        at = put(message, at, 0x0008, code, 20);
    }
    set_length(message, at - 20);
    packets_sent += sendto(o->fd4, message, at, 0, (struct sockaddr *)&server, sizeof server) > 0;
}

static void allocate(one *o)
{
    static const uint8_t udp[4] = {17};

    request(o, 0x0003, udp, 0x0019);
}

static void release(one *o)
{
    static const uint8_t zero[4] = {0};

    request(o, 0x0004, zero, 0x000D);
}

static void learn(one *o, const uint8_t *message, size_t size)
{
    for (size_t at = 20; at + 4 <= size;) {
        unsigned type = (unsigned)message[at] << 8 | message[at + 1];
        uint16_t length = (uint16_t)(message[at + 2] << 8 | message[at + 3]);
        if (type == 0x0015 && length <= sizeof o->nonce) {
            memcpy(o->nonce, &message[at + 4], length);
            o->nonce_size = length;
        } else if (type == 0x0014 && realm_size == 0 && length <= sizeof realm) {
            char text[1024];
            OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", "SHA1", 0),
                                       OSSL_PARAM_construct_end()};
            memcpy(realm, &message[at + 4], length);
            realm_size = length;
            int used = snprintf(text, sizeof text, "%s:%.*s:%s", username, (int)length,
                                (const char *)realm, password);
            (void)EVP_Digest(text, (size_t)used, key, NULL, EVP_md5(), NULL);
            EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
            mac = EVP_MAC_CTX_new(hmac);
            (void)EVP_MAC_init(mac, key, sizeof key, parameters);
            EVP_MAC_free(hmac);
        }
        at += 4U + (length + 3U) / 4U * 4U;
    }
}

/* The code of an error response; 0: there is none. */
static unsigned error_code(const uint8_t *message, size_t size)
{
    for (size_t at = 20; at + 8 <= size;) {
        unsigned type = (unsigned)message[at] << 8 | message[at + 1];
        unsigned length = (unsigned)message[at + 2] << 8 | message[at + 3];
        if (type == 0x0009) {
            return (message[at + 6] & 7U) * 100 + message[at + 7];
        }
        at += 4U + (length + 3U) / 4U * 4U;
    }
    return 0;
}

/* Whether the gatherer has all that it wants. */
static bool answer(one *o)
{
    uint8_t message[1024];
    uint8_t code[32];
    size_t code_size;
    ssize_t size = recv(o->fd4, message, sizeof message, 0);

    if (size < 20) {
        return false;
    }
    packets_received++;
    if (message[0] == 0x01 && message[1] == 0x13) {
        /* A server that is not fresh may be full, or remember the port: no floor is measured by it. */
        if (o->step != 0 || error_code(message, (size_t)size) != 401) {
            (void)fprintf(stderr, "floor: the server refused an Allocate: %u\n",
                          error_code(message, (size_t)size));
            exit(1);
        }
        learn(o, message, (size_t)size);
        o->step = 1;
        allocate(o);
        return false;
    }
    if (o->step == 1 && message[0] == 0x01 && message[1] == 0x03) {
        (void)EVP_MAC_init(mac, NULL, 0, NULL); /* the answer's integrity */
        (void)EVP_MAC_update(mac, message, (size_t)size - 24);
        (void)EVP_MAC_final(mac, code, &code_size, sizeof code);
        o->step = 2;
        return true;
    }
    return false;
}

static int open_socket(const char *ip)
{
    struct sockaddr_in6 address = {0};
    socklen_t size = sizeof address;
    bool ipv6 = strchr(ip, ':') != NULL;

    if (ipv6) {
        address.sin6_family = AF_INET6;
        (void)inet_pton(AF_INET6, ip, &address.sin6_addr);
    } else {
        struct sockaddr_in *ipv4 = (void *)&address;
        ipv4->sin_family = AF_INET;
        (void)inet_pton(AF_INET, ip, &ipv4->sin_addr);
        size = sizeof *ipv4;
    }
    int fd = socket(address.sin6_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        (void)fprintf(stderr, "floor: %s: %s\n", ip, strerror(errno));
        exit(1);
    }
    return fd;
}

int main(int count, char **words)
{
    if (count < 7) {
        (void)fprintf(stderr, "floor N LOCAL4 LOCAL6 SERVER USERNAME PASSWORD\n");
        return 2;
    }
    size_t n = (size_t)atol(words[1]);
    bool with_ipv6 = strcmp(words[3], "-") != 0;
    bool with_server = strcmp(words[4], "-") != 0;
    one *all = calloc(n, sizeof *all);
    int loop = epoll_create1(EPOLL_CLOEXEC);
    size_t missing = with_server ? n : 0;
    double started = now_ms();

    server.sin_family = AF_INET;
    server.sin_port = htons(3478);
    (void)inet_pton(AF_INET, words[4], &server.sin_addr);
    username = words[5];
    password = words[6];
    for (size_t i = 0; i < n; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        all[i].fd6 = with_ipv6 ? open_socket(words[3]) : -1;
        all[i].fd4 = open_socket(words[2]);
        (void)epoll_ctl(loop, EPOLL_CTL_ADD, all[i].fd4, &event);
        if (with_ipv6) {
            (void)epoll_ctl(loop, EPOLL_CTL_ADD, all[i].fd6, &event);
        }
        if (with_server) {
            allocate(&all[i]);
        }
    }
    while (missing > 0) {
        struct epoll_event events[256];
        int ready = epoll_wait(loop, events, 256, 3000);
        if (ready <= 0) {
            break;
        }
        for (int i = 0; i < ready; i++) {
            missing -= answer(events[i].data.ptr);
        }
    }
    double ms = now_ms() - started;
    for (size_t i = 0; i < n; i++) {
        if (with_server) {
            release(&all[i]);
        }
        (void)close(all[i].fd4);
        if (with_ipv6) {
            (void)close(all[i].fd6);
        }
    }
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
    (void)printf("{\"event\":\"summary\",\"gatherers\":%zu,\"missing\":%zu,\"ms\":%.2f,"
                 "\"cpu_ms\":%.2f,\"peak_rss_kb\":%ld,\"packets_sent\":%u,"
                 "\"packets_received\":%u}\n",
                 n, missing, ms, cpu, usage.ru_maxrss, packets_sent, packets_received);
    free(all);
    return missing > 0;
}
