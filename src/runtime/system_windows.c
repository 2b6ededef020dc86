#include "runtime/system.h"

uv_os_sock_t floe_system_socket(int family)
{
    u_long on = 1;
    SOCKET made = WSASocketW(family, SOCK_DGRAM, IPPROTO_UDP, NULL, 0,
                             WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);

    if (made != INVALID_SOCKET && ioctlsocket(made, (long)FIONBIO, &on) != 0) {
        floe_system_close(made);
        made = INVALID_SOCKET;
    }
    return made;
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

void floe_system_block_signals(void)
{
    /* There are none. */
}

void floe_system_detach(uv_thread_t thread)
{
    (void)CloseHandle(thread);
}

bool floe_system_has_descriptors(void)
{
    return true; /* a loop needs none */
}
