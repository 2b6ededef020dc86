/* The C library's calls with a door to fail by. What is not here: a write to an eventfd, and
 * epoll_ctl for what libuv polls, on whose errors it ends the process, as it must. */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

static const fault table[] = {
    {"socket", EMFILE},
    {"socket", ENFILE},
    {"socket", ENOMEM},
    {"socket", ENOBUFS},
    {"socket", EACCES},
    {"socket", EAFNOSUPPORT},
    {"bind", EADDRINUSE},
    {"bind", EADDRNOTAVAIL},
    {"bind", EACCES},
    {"bind", ENOMEM},
    {"listen", EADDRINUSE},
    {"accept4", EMFILE},
    {"accept4", ENFILE},
    {"accept4", ENOMEM},
    {"accept4", ECONNABORTED},
    {"accept4", EPERM},
    {"connect", ECONNREFUSED},
    {"connect", ENETUNREACH},
    {"connect", EADDRNOTAVAIL},
    {"connect", EAGAIN},
    {"connect", ETIMEDOUT},
    {"connect", EACCES},
    {"connect", EINVAL},
    {"getsockname", ENOBUFS},
    {"setsockopt", ENOPROTOOPT},
    {"setsockopt", ENOMEM},
    {"setsockopt", EPERM},
    {"sendmmsg", EAGAIN},
    {"sendmmsg", EINTR},
    {"sendmmsg", ENOBUFS},
    {"sendmmsg", ENOMEM},
    {"sendmmsg", EPERM},
    {"sendmmsg", EMSGSIZE},
    {"sendmmsg", ENETUNREACH},
    {"sendmmsg", EHOSTUNREACH},
    {"sendmmsg", ECONNREFUSED},
    {"sendmsg", EAGAIN},
    {"sendmsg", ENOBUFS},
    {"sendmsg", ENETUNREACH},
    {"sendmsg", EPIPE},
    {"sendto", EAGAIN},
    {"sendto", EINTR},
    {"sendto", ENOBUFS},
    {"sendto", ENOMEM},
    {"sendto", EPERM},
    {"sendto", EMSGSIZE},
    {"sendto", ENETUNREACH},
    {"sendto", EHOSTUNREACH},
    {"sendto", ECONNREFUSED},
    {"recvmmsg", EAGAIN},
    {"recvmmsg", EINTR},
    {"recvmmsg", ENOMEM},
    {"recvmmsg", ECONNREFUSED},
    {"recvmmsg", EHOSTUNREACH},
    {"recvmsg", EAGAIN},
    {"recvmsg", EINTR},
    {"recvmsg", ENOBUFS},
    {"recvmsg", ENOMEM},
    {"recvfrom", EAGAIN},
    {"recvfrom", EINTR},
    {"recvfrom", ENOMEM},
    {"recvfrom", ECONNREFUSED},
    {"recvfrom", EHOSTUNREACH},
    {"recv", ECONNRESET},
    {"recv", ETIMEDOUT},
    {"recv", EINTR},
    {"recv", ENOBUFS},
    {"send", ECONNRESET},
    {"send", EPIPE},
    {"send", EAGAIN},
    {"send", ENOBUFS},
    {"getsockopt", ENOBUFS},
    {"pthread_cond_init", ENOMEM},
    {"pthread_mutex_init", ENOMEM},
    {"pthread_create", EAGAIN},
    {"pthread_create", EPERM},
    {"uv_random", UV_ENOSYS},
    {"pipe2", EMFILE},
    {"pipe2", ENFILE},
    {"eventfd", EMFILE},
    {"eventfd", ENOMEM},
    {"epoll_create1", EMFILE},
    {"epoll_create1", ENOMEM},
    {"epoll_ctl", ENOSPC},
    {"epoll_ctl", ENOMEM},
    {"fopen", EMFILE},
    {"fopen", EACCES},
    {"close", EINTR},
};

static _Atomic(const char *) armed;
static atomic_int armed_error;
static atomic_uint countdown;
static atomic_bool struck;

const fault *faults(size_t *count)
{
    *count = sizeof table / sizeof *table;
    return table;
}

void fault_arm(const fault *which, unsigned n)
{
    atomic_store(&struck, false);
    atomic_store(&countdown, n);
    atomic_store(&armed_error, which->error);
    atomic_store(&armed, which->call);
}

bool fault_has_struck(void)
{
    return atomic_load(&struck);
}

bool fault_disarm(void)
{
    atomic_store(&armed, NULL);
    return atomic_load(&struck);
}

/* Whether this call is the one; errno is then set. */
static bool strikes(const char *call)
{
    const char *wanted = atomic_load(&armed);

    if (wanted == NULL || strcmp(wanted, call) != 0 || atomic_fetch_sub(&countdown, 1) != 1) {
        return false;
    }
    atomic_store(&armed, NULL);
    atomic_store(&struck, true);
    errno = atomic_load(&armed_error);
    return true;
}

/* libuv and the others are to find these too. */
#pragma GCC visibility push(default)
/* The C library declares addresses as transparent unions, which only another compiler's extension
 * can repeat. */
#pragma GCC diagnostic ignored "-Wpedantic"

/* Defines the call: its type, parameters and their names, and what it returns when it fails. */
#define DOOR(type, name, parameters, names, when, failed)                                          \
    type name parameters;                                                                          \
    type name parameters                                                                           \
    {                                                                                              \
        static type(*_Atomic next) parameters;                                                     \
        if ((when) && strikes(#name)) {                                                            \
            return failed;                                                                         \
        }                                                                                          \
        if (next == NULL) {                                                                        \
            *(void **)&next = dlsym(RTLD_NEXT, #name);                                             \
        }                                                                                          \
        return next names;                                                                         \
    }

DOOR(int, socket, (int domain, int kind, int protocol), (domain, kind, protocol), true, -1)
DOOR(int, bind, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size), true,
     -1)
DOOR(int, listen, (int fd, int backlog), (fd, backlog), true, -1)
DOOR(int, accept4, (int fd, struct sockaddr *address, socklen_t *size, int flags),
     (fd, address, size, flags), true, -1)
DOOR(int, connect, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size),
     true, -1)
DOOR(int, getsockname, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size),
     true, -1)
DOOR(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t size),
     (fd, level, name, value, size), true, -1)
DOOR(int, sendmmsg, (int fd, struct mmsghdr *messages, unsigned count, int flags),
     (fd, messages, count, flags), true, -1)
DOOR(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags),
     true, -1)
DOOR(ssize_t, sendto,
     (int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t room),
     (fd, data, size, flags, to, room), true, -1)
DOOR(int, recvmmsg,
     (int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout),
     (fd, messages, count, flags, timeout), true, -1)
DOOR(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags), true, -1)
DOOR(ssize_t, recvfrom,
     (int fd, void *data, size_t size, int flags, struct sockaddr *from, socklen_t *room),
     (fd, data, size, flags, from, room), true, -1)
DOOR(ssize_t, recv, (int fd, void *data, size_t size, int flags), (fd, data, size, flags), true, -1)
DOOR(ssize_t, send, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags),
     true, -1)
DOOR(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *size),
     (fd, level, name, value, size), true, -1)
DOOR(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*body)(void *), void *data),
     (thread, attributes, body, data), true, errno)
DOOR(int, pthread_cond_init, (pthread_cond_t * condition, const pthread_condattr_t *attributes),
     (condition, attributes), true, errno)
DOOR(int, pthread_mutex_init, (pthread_mutex_t * mutex, const pthread_mutexattr_t *attributes),
     (mutex, attributes), true, errno)
DOOR(int, uv_random,
     (uv_loop_t * loop, uv_random_t *request, void *bytes, size_t size, unsigned flags,
      uv_random_cb done),
     (loop, request, bytes, size, flags, done), true, UV_ENOSYS)
DOOR(int, pipe2, (int fds[2], int flags), (fds, flags), true, -1)
DOOR(int, eventfd, (unsigned value, int flags), (value, flags), true, -1)
DOOR(int, epoll_create1, (int flags), (flags), true, -1)

/* What libuv polls is known by its number; first it looks whether there is a place for it. */
DOOR(int, epoll_ctl, (int epoll, int what, int fd, struct epoll_event *event),
     (epoll, what, fd, event), what == EPOLL_CTL_ADD && event->data.fd != fd, -1)
DOOR(FILE *, fopen, (const char *name, const char *mode), (name, mode), true, NULL)

/* It closes all the same, as Linux does; only it is said to have failed. */
int close(int fd)
{
    static int (*_Atomic next)(int);

    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "close");
    }
    int result = next(fd);
    return strikes("close") ? -1 : result;
}
