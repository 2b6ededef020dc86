#include "runtime/system.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

uv_os_sock_t floe_system_socket(int family)
{
    return socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
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

/* For its epoll instance and for its signals' pipe. */
bool floe_system_has_descriptors(void)
{
    int first[2];
    int second[2];

    if (pipe2(first, O_CLOEXEC) != 0) {
        return false;
    }
    bool enough = pipe2(second, O_CLOEXEC) == 0;
    if (enough) {
        (void)close(second[0]);
        (void)close(second[1]);
    }
    (void)close(first[0]);
    (void)close(first[1]);
    return enough;
}
