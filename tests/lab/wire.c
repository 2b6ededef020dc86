/* A wire with delay and faults: forwards frames between two interfaces through packet sockets.
 *
 *     lab-wire INTERFACE INTERFACE ONE-WAY-DELAY-MS [LOSS [TWICE [LATE]]]
 *
 * Of a hundred frames so many are lost, come twice, or come 10 ms late, so that others overtake
 * them.
 *
 * The kernels that floe is tested on have no netem; packet sockets between two veth ends work
 * there, in a user namespace too. Frames keep their virtio header, so that checksums which the
 * sender left to its device stay marked as such. Says "ready" when it forwards. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
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
#define LATE_BY 10000000U /* nanoseconds */

typedef struct frame {
    struct frame *next;
    uint64_t due;
    size_t size;
    uint8_t data[];
} frame;

/* Frames in the order in which they came, all with the same delay. */
typedef struct frames {
    uint64_t delay;
    frame *first;
    frame **last;
    size_t count;
} frames;

typedef struct direction {
    int from;
    int to;
    frames prompt;
    frames late;
} direction;

/* In percent. */
typedef struct percents {
    double loss;
    double twice;
    double late;
} percents;

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

static bool happens(double percent)
{
    return drand48() * 100 < percent;
}

static void hold(frames *queue, const uint8_t *data, size_t size)
{
    frame *held = queue->count < QUEUE_MAX ? malloc(sizeof *held + size) : NULL;

    if (held == NULL) {
        return;
    }
    held->next = NULL;
    held->due = now() + queue->delay;
    held->size = size;
    memcpy(held->data, data, size);
    *queue->last = held;
    queue->last = &held->next;
    queue->count++;
}

static void take(direction *way, const percents *faults)
{
    static uint8_t buffer[FRAME_MAX];

    for (int i = 0; i < 256; i++) {
        ssize_t size = recv(way->from, buffer, sizeof buffer, 0);
        if (size <= 0) {
            return;
        }
        if (happens(faults->loss)) {
            continue;
        }
        hold(happens(faults->late) ? &way->late : &way->prompt, buffer, (size_t)size);
        if (happens(faults->twice)) {
            hold(&way->prompt, buffer, (size_t)size);
        }
    }
}

static void give(frames *queue, int to)
{
    while (queue->first != NULL && queue->first->due <= now()) {
        frame *held = queue->first;
        queue->first = held->next;
        if (queue->first == NULL) {
            queue->last = &queue->first;
        }
        queue->count--;
        (void)!send(to, held->data, held->size, 0);
        free(held);
    }
}

static void queue_init(frames *queue, uint64_t delay)
{
    queue->delay = delay;
    queue->last = &queue->first;
}

static uint64_t due_of(const frames *queue)
{
    return queue->first != NULL ? queue->first->due : UINT64_MAX;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int main(int count, char **words)
{
    if (count < 4) {
        (void)fprintf(stderr,
                      "lab-wire INTERFACE INTERFACE ONE-WAY-DELAY-MS [LOSS [TWICE [LATE]]]\n");
        return 2;
    }
    uint64_t delay = (uint64_t)(atof(words[3]) * 1e6);
    percents faults = {.loss = count > 4 ? atof(words[4]) : 0,
                       .twice = count > 5 ? atof(words[5]) : 0,
                       .late = count > 6 ? atof(words[6]) : 0};
    int fds[2] = {open_interface(words[1]), open_interface(words[2])};
    direction ways[2] = {{.from = fds[0], .to = fds[1]}, {.from = fds[1], .to = fds[0]}};

    srand48(1);
    for (int i = 0; i < 2; i++) {
        queue_init(&ways[i].prompt, delay);
        queue_init(&ways[i].late, delay + LATE_BY);
    }
    (void)puts("ready");
    (void)fflush(stdout);
    for (;;) {
        struct pollfd polls[2] = {{.fd = fds[0], .events = POLLIN},
                                  {.fd = fds[1], .events = POLLIN}};
        uint64_t due = UINT64_MAX;
        for (int i = 0; i < 2; i++) {
            due = earlier(due, earlier(due_of(&ways[i].prompt), due_of(&ways[i].late)));
        }
        uint64_t at = now();
        uint64_t wait = due > at ? due - at : 0;
        struct timespec timeout = {.tv_sec = (time_t)(wait / 1000000000U),
                                   .tv_nsec = (long)(wait % 1000000000U)};
        (void)ppoll(polls, 2, due == UINT64_MAX ? NULL : &timeout, NULL);
        for (int i = 0; i < 2; i++) {
            take(&ways[i], &faults);
            give(&ways[i].prompt, ways[i].to);
            give(&ways[i].late, ways[i].to);
        }
    }
}
