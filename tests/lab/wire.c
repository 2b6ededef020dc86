/* A wire with delay and loss: forwards frames between two interfaces through packet sockets.
 *
 *     lab-wire INTERFACE INTERFACE ONE-WAY-DELAY-MS [LOSS-PERCENT]
 *
 * The kernels that floe is tested on have no netem; packet sockets between two veth ends work
 * there, in a user namespace too. Frames keep their virtio header, so that checksums which the
 * sender left to its device stay marked as such. Says "ready" when it forwards. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX (65536 + 256)
#define QUEUE_MAX 50000

typedef struct frame {
    struct frame *next;
    uint64_t due;
    size_t size;
    uint8_t data[];
} frame;

/* One direction: frames in the order in which they came, all with the same delay. */
typedef struct direction {
    int from;
    int to;
    frame *first;
    frame **last;
    size_t count;
} direction;

static uint64_t now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

static int open_interface(const char *name)
{
    int on = 1;
    int size = 8 << 20;
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = htons(ETH_P_ALL),
                                  .sll_ifindex = (int)if_nametoindex(name)};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || address.sll_ifindex == 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        (void)fprintf(stderr, "lab-wire: %s: %s\n", name, strerror(errno));
        exit(1);
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    return fd;
}

static void take(direction *way, uint64_t delay, double loss)
{
    static uint8_t buffer[FRAME_MAX];

    for (int i = 0; i < 256; i++) {
        ssize_t size = recv(way->from, buffer, sizeof buffer, 0);
        if (size <= 0) {
            return;
        }
        if (way->count >= QUEUE_MAX || drand48() * 100 < loss) {
            continue;
        }
        frame *held = malloc(sizeof *held + (size_t)size);
        if (held == NULL) {
            continue;
        }
        held->next = NULL;
        held->due = now() + delay;
        held->size = (size_t)size;
        memcpy(held->data, buffer, (size_t)size);
        *way->last = held;
        way->last = &held->next;
        way->count++;
    }
}

static void give(direction *way)
{
    while (way->first != NULL && way->first->due <= now()) {
        frame *held = way->first;
        way->first = held->next;
        if (way->first == NULL) {
            way->last = &way->first;
        }
        way->count--;
        (void)!send(way->to, held->data, held->size, 0);
        free(held);
    }
}

int main(int count, char **words)
{
    if (count < 4) {
        (void)fprintf(stderr, "lab-wire INTERFACE INTERFACE ONE-WAY-DELAY-MS [LOSS-PERCENT]\n");
        return 2;
    }
    uint64_t delay = (uint64_t)(atof(words[3]) * 1e6);
    double loss = count > 4 ? atof(words[4]) : 0;
    int fds[2] = {open_interface(words[1]), open_interface(words[2])};
    direction ways[2] = {{.from = fds[0], .to = fds[1]}, {.from = fds[1], .to = fds[0]}};

    srand48(1);
    ways[0].last = &ways[0].first;
    ways[1].last = &ways[1].first;
    (void)puts("ready");
    (void)fflush(stdout);
    for (;;) {
        struct pollfd polls[2] = {{.fd = fds[0], .events = POLLIN},
                                  {.fd = fds[1], .events = POLLIN}};
        uint64_t due = UINT64_MAX;
        for (int i = 0; i < 2; i++) {
            if (ways[i].first != NULL && ways[i].first->due < due) {
                due = ways[i].first->due;
            }
        }
        uint64_t at = now();
        uint64_t wait = due > at ? due - at : 0;
        struct timespec timeout = {.tv_sec = (time_t)(wait / 1000000000U),
                                   .tv_nsec = (long)(wait % 1000000000U)};
        (void)ppoll(polls, 2, due == UINT64_MAX ? NULL : &timeout, NULL);
        for (int i = 0; i < 2; i++) {
            take(&ways[i], delay, loss);
            give(&ways[i]);
        }
    }
}
