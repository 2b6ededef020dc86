#include "runtime/system.h"

uv_os_sock_t floe_system_socket(int family, int kind)
{
    u_long on = 1;
    SOCKET made =
        WSASocketW(family, kind, 0, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);

    if (made != INVALID_SOCKET && ioctlsocket(made, (long)FIONBIO, &on) != 0) {
        floe_system_close(made);
        made = INVALID_SOCKET;
    }
    return made;
}

ptrdiff_t floe_system_send(uv_os_sock_t socket, const void *data, size_t size)
{
    return send(socket, data, (int)size, 0);
}

ptrdiff_t floe_system_receive(uv_os_sock_t socket, void *buffer, size_t size)
{
    return recv(socket, buffer, (int)size, 0);
}

ptrdiff_t floe_system_receive_from(uv_os_sock_t socket, void *buffer, size_t size,
                                   struct sockaddr *from, socklen_t *from_size)
{
    return recvfrom(socket, buffer, (int)size, 0, from, from_size);
}

size_t floe_system_unconfirmed(uv_os_sock_t socket)
{
    (void)socket;
    return 0;
}

void floe_system_prepare_stream(uv_os_sock_t socket)
{
    BOOL on = TRUE;

    (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof on);
    (void)setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, (const char *)&on, sizeof on);
}

int floe_system_listen(uv_os_sock_t socket, const struct sockaddr *address, socklen_t size)
{
    BOOL on = TRUE;

    (void)setsockopt(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof on);
    bool good = bind(socket, address, size) == 0 && listen(socket, SOMAXCONN) == 0;
    return good ? 0 : floe_system_error();
}

/* There the listener's is its own: the connection says that its port is in use. */
void floe_system_share_port(uv_os_sock_t socket, bool shares)
{
    (void)socket;
    (void)shares;
}

uv_os_sock_t floe_system_accept(uv_os_sock_t socket, struct sockaddr *from, socklen_t *size)
{
    u_long on = 1;
    SOCKET made = accept(socket, from, size);

    if (made != INVALID_SOCKET && ioctlsocket(made, (long)FIONBIO, &on) != 0) {
        floe_system_close(made);
        made = INVALID_SOCKET;
    }
    return made;
}

int floe_system_connect(uv_os_sock_t socket, const struct sockaddr *address, socklen_t size)
{
    bool good = connect(socket, address, size) == 0 || WSAGetLastError() == WSAEWOULDBLOCK;

    return good ? 0 : floe_system_error();
}

int floe_system_socket_error(uv_os_sock_t socket)
{
    int error = 0;
    int size = sizeof error;

    if (getsockopt(socket, SOL_SOCKET, SO_ERROR, (char *)&error, &size) != 0) {
        return floe_system_error();
    }
    return error == 0 ? 0 : uv_translate_sys_error(error);
}

bool floe_system_forbid_fragments(uv_os_sock_t socket, bool ipv4)
{
    DWORD on = 1;

    return setsockopt(socket, ipv4 ? IPPROTO_IP : IPPROTO_IPV6,
                      ipv4 ? IP_DONTFRAGMENT : IPV6_DONTFRAG, (const char *)&on, sizeof on) == 0;
}

void floe_system_close(uv_os_sock_t socket)
{
    int number = WSAGetLastError();

    (void)closesocket(socket);
    WSASetLastError(number); /* of the call before: it is asked for afterwards */
}

int floe_system_error(void)
{
    return uv_translate_sys_error(WSAGetLastError());
}

uint64_t floe_system_tick(void)
{
    return 0; /* the time itself costs no more */
}

uint64_t floe_system_now(void)
{
    return uv_hrtime(); /* it goes on */
}

void floe_system_watch_clock_again(uv_os_sock_t watched)
{
    (void)watched;
}

uv_os_sock_t floe_system_watch_clock(void)
{
    return FLOE_NO_SOCKET;
}

uint64_t floe_system_name_servers(void)
{
    return uv_hrtime() / 30000000000U; /* it is not told: looked for each half minute */
}

void floe_system_block_signals(void)
{
    /* There are none. */
}

void floe_system_detach(uv_thread_t thread)
{
    (void)CloseHandle(thread);
}

bool floe_system_can_be_read(const char *path)
{
    (void)path;
    return true;
}

int floe_system_loop_init(uv_loop_t *loop)
{
    return uv_loop_init(loop); /* it needs none */
}

bool floe_system_random(void *bytes, size_t size)
{
    return uv_random(NULL, NULL, bytes, size, 0, NULL) == 0;
}

void *floe_system_own_pages(size_t size)
{
    (void)size; /* nothing forks here, and a draw is no system call either */
    return NULL;
}

void floe_system_free_pages(void *pages, size_t size)
{
    (void)pages;
    (void)size;
}
