/* What each system does its own way, of sockets, threads and signals: system_posix.c and
 * system_windows.c. (UDP and the interfaces have more to them: udp.h, interfaces.h.) */
#ifndef FLOE_RUNTIME_SYSTEM_H
#define FLOE_RUNTIME_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define FLOE_NO_SOCKET ((uv_os_sock_t)-1)

/* A socket (SOCK_DGRAM, SOCK_STREAM) that does not block, and that no child process gets.
 * FLOE_NO_SOCKET: see floe_system_error. */
uv_os_sock_t floe_system_socket(int family, int kind);
void floe_system_close(uv_os_sock_t socket);
/* How much was sent, or received, at once; below 0: see floe_system_error. Whatever has become of
 * the other side, the program gets no signal (SIGPIPE). */
ptrdiff_t floe_system_send(uv_os_sock_t socket, const void *data, size_t size);
ptrdiff_t floe_system_receive(uv_os_sock_t socket, void *buffer, size_t size);
ptrdiff_t floe_system_receive_from(uv_os_sock_t socket, void *buffer, size_t size,
                                   struct sockaddr *from, socklen_t *from_size);
/* How much of what was sent by a stream the other side has not confirmed; 0 where nobody says. */
size_t floe_system_unconfirmed(uv_os_sock_t socket);
/* For a stream, before it is bound: small messages at once, and a sign of life each minute in which
 * nothing is said. */
void floe_system_prepare_stream(uv_os_sock_t socket);
/* Binds the socket of a stream and listens there; 0, or libuv's number. */
int floe_system_listen(uv_os_sock_t socket, const struct sockaddr *address, socklen_t size);
/* Whether another socket of this user may be bound to its port, if that allows it too. */
void floe_system_share_port(uv_os_sock_t socket, bool shares);
/* The next who has connected, as floe_system_socket makes them; FLOE_NO_SOCKET: see floe_system_error. */
uv_os_sock_t floe_system_accept(uv_os_sock_t socket, struct sockaddr *from, socklen_t *size);
/* Begins to connect; 0, or libuv's number. A stream is connected once it can be written to, unless
 * floe_system_socket_error says why it is not: 0, or libuv's number. */
int floe_system_connect(uv_os_sock_t socket, const struct sockaddr *address, socklen_t size);
int floe_system_socket_error(uv_os_sock_t socket);
/* What the socket sends is never fragmented, whatever the path's MTU is thought to be: who forbids
 * it finds that out for himself. */
bool floe_system_forbid_fragments(uv_os_sock_t socket, bool ipv4);
/* Nanoseconds of a clock that never goes back, and goes on while the machine sleeps if there is
 * such a one. */
uint64_t floe_system_now(void);
/* A number that is another one every few milliseconds, and costs less than the time; 0: there is no such thing. */
uint64_t floe_system_tick(void);
/* What can be polled, and is readable once the machine has woken (and may be at other times);
 * FLOE_NO_SOCKET: there is nothing that tells. It is closed like a socket. Once it was readable it
 * has to be watched again. */
uv_os_sock_t floe_system_watch_clock(void);
void floe_system_watch_clock_again(uv_os_sock_t watched);
/* A number that is another one once the system's list of name servers may have changed. */
uint64_t floe_system_name_servers(void);
/* Why the latest call on a socket has failed, as libuv's number. */
int floe_system_error(void);
/* The calling thread takes no signals: they are the host program's business. */
void floe_system_block_signals(void);
/* Nobody will join the thread. */
void floe_system_detach(uv_thread_t thread);
/* Fit for secrets. False: there is none. */
bool floe_system_random(void *bytes, size_t size);
/* Zeroed memory that a forked process finds zeroed again; NULL: the system has no such thing, or no
 * memory. */
void *floe_system_own_pages(size_t size);
void floe_system_free_pages(void *pages, size_t size);
/* False: the path is of something whose reading may never end, such as a pipe or a device. */
bool floe_system_can_be_read(const char *path);
/* uv_loop_init, where libuv would end the process: it gets no descriptors, or no place to be woken
 * by, or a descriptor that has to be a standard one's. 0, or libuv's error. */
int floe_system_loop_init(uv_loop_t *loop);

#endif
