/* Error codes and their names, and the thread's last error. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char last_error[256];

const char *floe_error_string(floe_error error)
{
    switch (error) {
    case FLOE_OK:
        return "no error";
    case FLOE_ERR_INVALID_ARGUMENT:
        return "invalid argument";
    case FLOE_ERR_INVALID_STATE:
        return "invalid state";
    case FLOE_ERR_INVALID_ACCESS:
        return "invalid access: credentials missing";
    case FLOE_ERR_SYNTAX:
        return "syntax error";
    case FLOE_ERR_NO_MEMORY:
        return "out of memory";
    case FLOE_ERR_NO_DESCRIPTORS:
        return "out of file descriptors";
    case FLOE_ERR_ADDRESS_IN_USE:
        return "port in use";
    case FLOE_ERR_ADDRESS_NOT_AVAILABLE:
        return "address not available";
    case FLOE_ERR_PERMISSION:
        return "not permitted";
    case FLOE_ERR_SYSTEM:
        return "system call failed";
    case FLOE_ERR_WOULD_DEADLOCK:
        return "would deadlock";
    case FLOE_ERR_BUFFER_TOO_SMALL:
        return "buffer too small";
    case FLOE_ERR_NOT_FOUND:
        return "not found";
    case FLOE_ERR_TIMED_OUT:
        return "timed out";
    case FLOE_ERR_RANDOM:
        return "no randomness";
    case FLOE_ERR_CANCELED:
        return "canceled";
    case FLOE_ERR_NOT_CONNECTED:
        return "not connected";
    case FLOE_ERR_UNSUPPORTED:
        return "of an unknown kind";
    case FLOE_ERR_NO_WATCHES:
        return "no room to watch one more socket (fs.epoll.max_user_watches)";
    case FLOE_ERR_QUEUE_FULL:
        return "queue full";
    }
    return "unknown error";
}

const char *floe_last_error(void)
{
    return last_error;
}

floe_error floe_fail(floe_error error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(last_error, sizeof last_error, format, arguments);
    va_end(arguments);
    return error;
}
