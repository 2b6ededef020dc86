#include "runtime/system.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#endif

uv_os_sock_t floe_system_socket(int family, int kind)
{
    int made = socket(family, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

#ifdef SO_NOSIGPIPE
    int on = 1;
    (void)setsockopt(made, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return made;
}

#ifndef MSG_NOSIGNAL /* SO_NOSIGPIPE stands for it */
#define MSG_NOSIGNAL 0
#endif

ptrdiff_t floe_system_send(uv_os_sock_t socket, const void *data, size_t size)
{
    ssize_t sent;

    do {
        sent = send(socket, data, size, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

ptrdiff_t floe_system_receive(uv_os_sock_t socket, void *buffer, size_t size)
{
    ssize_t received;

    do {
        received = recv(socket, buffer, size, 0);
    } while (received < 0 && errno == EINTR);
    return received;
}

ptrdiff_t floe_system_receive_from(uv_os_sock_t socket, void *buffer, size_t size,
                                   struct sockaddr *from, socklen_t *from_size)
{
    ssize_t received;

    do {
        received = recvfrom(socket, buffer, size, 0, from, from_size);
    } while (received < 0 && errno == EINTR);
    return received;
}

size_t floe_system_unconfirmed(uv_os_sock_t socket)
{
    int size = 0;

#ifdef SIOCOUTQ
    if (ioctl(socket, SIOCOUTQ, &size) != 0) {
        size = 0;
    }
#else
    (void)socket;
#endif
    return (size_t)size;
}

void floe_system_prepare_stream(uv_os_sock_t socket)
{
    int on = 1;
    int idle = 60; /* seconds */

    (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
#ifdef TCP_KEEPIDLE
    (void)setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
#else
    (void)idle;
#endif
#ifdef TCP_NOTSENT_LOWAT
    /* What waits here to be sent waits in the core, which knows then that a request of its own has
     * not left yet (T7b). */
    int unsent = 16384;
    (void)setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
#endif
#ifdef IP_BIND_ADDRESS_NO_PORT /* what it is bound to is an address: connect finds the port */
    (void)setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
#endif
}

/* What was said there before, and may have a packet under way still, does not keep the port. */
#define BACKLOG 128

int floe_system_listen(uv_os_sock_t socket, const struct sockaddr *address, socklen_t size)
{
    int on = 1;

    (void)setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool good = bind(socket, address, size) == 0 && listen(socket, BACKLOG) == 0;
    return good ? 0 : floe_system_error();
}

void floe_system_share_port(uv_os_sock_t socket, bool shares)
{
    int on = shares;

    (void)setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    (void)setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
}

uv_os_sock_t floe_system_accept(uv_os_sock_t socket, struct sockaddr *from, socklen_t *size)
{
    int made = accept4(socket, from, size, SOCK_NONBLOCK | SOCK_CLOEXEC);

#ifdef SO_NOSIGPIPE
    int on = 1;
    (void)setsockopt(made, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return made;
}

int floe_system_connect(uv_os_sock_t socket, const struct sockaddr *address, socklen_t size)
{
    /* A signal that comes in between does not stop it. */
    bool good = connect(socket, address, size) == 0 || errno == EINPROGRESS || errno == EINTR;

    return good ? 0 : floe_system_error();
}

int floe_system_socket_error(uv_os_sock_t socket)
{
    int error = 0;
    socklen_t size = sizeof error;

    bool known = getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0;

    return uv_translate_sys_error(known ? error : errno);
}

bool floe_system_forbid_fragments(uv_os_sock_t socket, bool ipv4)
{
#ifdef IP_PMTUDISC_PROBE
    int value = ipv4 ? IP_PMTUDISC_PROBE : IPV6_PMTUDISC_PROBE;
    int option = ipv4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER;
#else
    int value = 1;
    int option = ipv4 ? IP_DONTFRAG : IPV6_DONTFRAG;
#endif

    return setsockopt(socket, ipv4 ? IPPROTO_IP : IPPROTO_IPV6, option, &value, sizeof value) == 0;
}

void floe_system_close(uv_os_sock_t socket)
{
    int number = errno;

    (void)close(socket);
    errno = number; /* of the call before: it is asked for afterwards */
}

int floe_system_error(void)
{
    return uv_translate_sys_error(errno);
}

uint64_t floe_system_tick(void)
{
#ifdef CLOCK_MONOTONIC_COARSE
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC_COARSE, &now) == 0) {
        return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
    }
#endif
    return 0;
}

uint64_t floe_system_now(void)
{
    struct timespec now;

#ifdef CLOCK_BOOTTIME
    if (clock_gettime(CLOCK_BOOTTIME, &now) == 0) {
        return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
    }
#endif
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

#ifdef __linux__
/* timerfd_create(2): when the machine wakes, the clock of the day is set; a timer of that clock
 * which is cancelled by it tells, and never comes due by itself. */
void floe_system_watch_clock_again(uv_os_sock_t watched)
{
    const time_t last = (time_t)(sizeof last > 4 ? INT64_MAX / 1000000000 : INT32_MAX);
    const struct itimerspec never = {.it_value = {.tv_sec = last}};
    uint64_t count;

    (void)!read(watched, &count, sizeof count);
    (void)timerfd_settime(watched, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

uv_os_sock_t floe_system_watch_clock(void)
{
    uv_os_sock_t made = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);

    if (made != FLOE_NO_SOCKET) {
        floe_system_watch_clock_again(made);
    }
    return made;
}
#else
void floe_system_watch_clock_again(uv_os_sock_t watched)
{
    (void)watched;
}

uv_os_sock_t floe_system_watch_clock(void)
{
    return FLOE_NO_SOCKET;
}
#endif

#ifdef __APPLE__
#define st_mtim st_mtimespec
#define st_ctim st_ctimespec
#endif

/* resolv.conf(5), by what is different of a file that is written anew, or is another one. */
uint64_t floe_system_name_servers(void)
{
    struct stat file;
    uint64_t number = 0;

    if (stat("/etc/resolv.conf", &file) != 0) {
        return number;
    }
    const uint64_t parts[] = {(uint64_t)file.st_dev,          (uint64_t)file.st_ino,
                              (uint64_t)file.st_size,         (uint64_t)file.st_mtim.tv_sec,
                              (uint64_t)file.st_mtim.tv_nsec, (uint64_t)file.st_ctim.tv_sec,
                              (uint64_t)file.st_ctim.tv_nsec};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        number = (number ^ parts[i]) * 0x9E3779B97F4A7C15U; /* an odd number with bits all over */
    }
    return number;
}

bool floe_system_can_be_read(const char *path)
{
    struct stat file;

    return stat(path, &file) != 0 || S_ISREG(file.st_mode);
}

void floe_system_block_signals(void)
{
    sigset_t all;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, NULL);
}

void floe_system_detach(uv_thread_t thread)
{
    (void)pthread_detach(thread);
}

bool floe_system_random(void *bytes, size_t size)
{
#ifdef __linux__ /* libuv asks for 256 bytes at a time */
    size_t got = 0;
    ssize_t more = 0;
    while (got < size && (more >= 0 || errno == EINTR)) {
        more = getrandom((uint8_t *)bytes + got, size - got, 0);
        got += more > 0 ? (size_t)more : 0;
    }
    if (got == size) {
        return true;
    }
#endif
    return uv_random(NULL, NULL, bytes, size, 0, NULL) == 0;
}

#ifdef MADV_WIPEONFORK
void *floe_system_own_pages(size_t size)
{
    void *made = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (made != MAP_FAILED && madvise(made, size, MADV_WIPEONFORK) != 0) {
        floe_system_free_pages(made, size);
        made = MAP_FAILED;
    }
    return made != MAP_FAILED ? made : NULL;
}
#else
void *floe_system_own_pages(size_t size)
{
    (void)size;
    return NULL;
}
#endif

void floe_system_free_pages(void *pages, size_t size)
{
    (void)munmap(pages, size);
}

/* Its signals' pipe, and what it waits by. */
static int try_loop(void)
{
    int ends[2];
    int failed = pipe2(ends, O_CLOEXEC) == 0 ? 0 : floe_system_error();

    if (failed != 0) {
        return failed;
    }
#ifdef __linux__
    struct epoll_event event = {.events = EPOLLIN, .data.fd = FLOE_NO_SOCKET};
    int waits = epoll_create1(EPOLL_CLOEXEC);
    bool good = waits >= 0 && epoll_ctl(waits, EPOLL_CTL_ADD, ends[0], &event) == 0;
#else
    int waits = fcntl(ends[0], F_DUPFD_CLOEXEC, 0); /* a kqueue */
    bool good = waits >= 0;
#endif
    failed = good ? 0 : floe_system_error();
    if (waits >= 0) {
        (void)close(waits);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
    return failed;
}

/* What the program has closed of its standard descriptors is no loop's: that could not be closed. */
int floe_system_loop_init(uv_loop_t *loop)
{
    int held[STDERR_FILENO + 1];
    size_t count = 0;
    int failed = 0;

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && failed == 0; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            held[count] = floe_system_socket(AF_INET, SOCK_DGRAM);
            failed = held[count] >= 0 ? 0 : floe_system_error();
            count += failed == 0;
        }
    }
    if (failed == 0) {
        failed = try_loop();
    }
    if (failed == 0) {
        failed = uv_loop_init(loop);
    }
    while (count > 0) {
        floe_system_close(held[--count]);
    }
    return failed;
}
