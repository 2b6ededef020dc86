/* What consent costs bare: the packets of as many agents that are idle, and nothing else. Two processes of one UDP socket each on
 * loopback; each asks the other once in 4 to 6 s an agent (RFC 7675 §5.1), and answers.
 *
 *     idle_floor AGENTS SECONDS [signed]    `signed`: each packet has its HMAC-SHA1 and CRC-32 made, and
 *                                          checked, as STUN's have; each agent has two keys, made ready before
 *
 * Prints {"agents":…,"idle_cpu_ms_a_second":…,"packets_a_second":…,"cpu_us_a_packet":…} of one of them. */
#include "clock.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#define CHECK_SIZE 104
#define ANSWER_SIZE 64
#define SLOTS 8192U /* of a millisecond each: whose turn it is then */
#define WARM_MS 3000

typedef struct side {
    int fd;
    struct sockaddr_in other;
    EVP_MAC_CTX **keys; /* two of each agent; NULL: nothing is signed */
    uint32_t agents;
    uint32_t first[SLOTS]; /* 1 + the agent; 0: none */
    uint32_t *next;
    uint64_t packets;
} side;

static EVP_MAC_CTX **make_keys(uint32_t agents)
{
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", "SHA1", 0),
                               OSSL_PARAM_construct_end()};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX **keys = calloc(2 * (size_t)agents, sizeof(EVP_MAC_CTX *));

    for (size_t i = 0; keys != NULL && i < 2 * (size_t)agents; i++) {
        uint8_t key[24] = "a password of 24 letters";
        memcpy(key, &i, sizeof i);
        keys[i] = EVP_MAC_CTX_new(hmac);
        (void)EVP_MAC_init(keys[i], key, sizeof key, parameters);
    }
    EVP_MAC_free(hmac);
    return keys;
}

static void sign(const side *s, uint32_t agent, uint8_t *packet, size_t size)
{
    size_t length;

    if (s->keys != NULL) {
        EVP_MAC_CTX *key = s->keys[2 * agent + (packet[0] != 0)];
        (void)EVP_MAC_init(key, NULL, 0, NULL);
        (void)EVP_MAC_update(key, packet, size - 32);
        (void)EVP_MAC_final(key, packet + size - 32, &length, 20);
        uint32_t sum = (uint32_t)crc32(0, packet, (uInt)size - 8);
        memcpy(packet + size - 4, &sum, sizeof sum);
    }
}

static void send_one(side *s, uint32_t agent, uint8_t first, size_t size)
{
    uint8_t packet[CHECK_SIZE] = {first};

    memcpy(&packet[4], &agent, sizeof agent);
    sign(s, agent, packet, size);
    (void)sendto(s->fd, packet, size, 0, (const struct sockaddr *)&s->other, sizeof s->other);
    s->packets++;
}

static void read_all(side *s)
{
    uint8_t packet[1500];
    ssize_t size;

    while ((size = recv(s->fd, packet, sizeof packet, MSG_DONTWAIT)) > 0) {
        uint32_t agent;
        memcpy(&agent, &packet[4], sizeof agent);
        s->packets++;
        sign(s, agent % s->agents, packet, (size_t)size);
        if (packet[0] == 0) {
            send_one(s, agent, 1, ANSWER_SIZE);
        }
    }
}

static void put(side *s, uint32_t agent, uint64_t at)
{
    s->next[agent] = s->first[at % SLOTS];
    s->first[at % SLOTS] = agent + 1;
}

static void run(side *s, uint32_t agents, unsigned seconds, bool tells)
{
    uint64_t began = (uint64_t)now_ms();
    uint64_t at = began;
    uint64_t measured = 0;
    double cpu = 0;

    for (uint32_t i = 0; i < agents; i++) {
        put(s, i, began + (uint64_t)random() % 5000);
    }
    while (at < began + WARM_MS + seconds * 1000U) {
        struct pollfd ready = {.fd = s->fd, .events = POLLIN};
        (void)poll(&ready, 1, 1);
        read_all(s);
        for (uint64_t now = (uint64_t)now_ms(); at < now; at++) {
            uint32_t agent = s->first[at % SLOTS];
            s->first[at % SLOTS] = 0;
            while (agent != 0) {
                uint32_t after = s->next[agent - 1];
                send_one(s, agent - 1, 0, CHECK_SIZE);
                put(s, agent - 1, at + 4000 + (uint64_t)random() % 2000);
                agent = after;
            }
        }
        if (measured == 0 && at >= began + WARM_MS) {
            measured = s->packets;
            cpu = cpu_us();
        }
    }
    if (tells) {
        double packets = (double)(s->packets - measured);
        cpu = cpu_us() - cpu;
        (void)printf("{\"agents\":%u,\"idle_cpu_ms_a_second\":%.1f,\"packets_a_second\":%.0f,"
                     "\"cpu_us_a_packet\":%.2f}\n",
                     agents, cpu / 1000 / seconds, packets / seconds, cpu / packets);
    }
}

int main(int argc, char **argv)
{
    static side sides[2];
    uint32_t agents = argc > 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    unsigned seconds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;

    if (agents == 0 || seconds == 0) {
        (void)fputs("idle_floor AGENTS SECONDS [signed]\n", stderr);
        return 2;
    }
    for (unsigned i = 0; i < 2; i++) {
        struct sockaddr_in *own = &sides[1 - i].other;
        socklen_t size = sizeof *own;
        *own =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        sides[i].fd = socket(AF_INET, SOCK_DGRAM, 0);
        sides[i].next = calloc(agents, sizeof *sides[i].next);
        sides[i].agents = agents;
        sides[i].keys = argc > 3 ? make_keys(agents) : NULL;
        if (sides[i].fd < 0 || sides[i].next == NULL ||
            bind(sides[i].fd, (struct sockaddr *)own, sizeof *own) != 0 ||
            getsockname(sides[i].fd, (struct sockaddr *)own, &size) != 0) {
            perror("idle_floor");
            return 1;
        }
    }
    pid_t other = fork();
    srandom(other == 0 ? 1 : 2);
    run(&sides[other == 0], agents, seconds, other != 0);
    if (other != 0) {
        (void)waitpid(other, NULL, 0);
    }
    return 0;
}
