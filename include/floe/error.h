/* Error codes, their names, and the sentence that says what was wrong. */
#ifndef FLOE_ERROR_H
#define FLOE_ERROR_H

#include <floe/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The result of a floe function: FLOE_OK, or one of the negative codes. */
typedef enum floe_error {
    FLOE_OK = 0,
    /** A parameter is NULL, out of range, or contradicts another one. */
    FLOE_ERR_INVALID_ARGUMENT = -1,
    /** The object is in a state in which this call is not allowed (W3C InvalidStateError). */
    FLOE_ERR_INVALID_STATE = -2,
    /** A turn(s) server without username or credential (W3C InvalidAccessError). */
    FLOE_ERR_INVALID_ACCESS = -3,
    /** A URL or text does not follow its grammar (W3C SyntaxError). */
    FLOE_ERR_SYNTAX = -4,
    /** The allocator returned NULL, or the kernel has no memory for a socket. */
    FLOE_ERR_NO_MEMORY = -5,
    /** No file descriptor is left in this process or on this machine. */
    FLOE_ERR_NO_DESCRIPTORS = -6,
    /** The port is in use. */
    FLOE_ERR_ADDRESS_IN_USE = -7,
    /** The machine does not have this address (any more). */
    FLOE_ERR_ADDRESS_NOT_AVAILABLE = -8,
    /** The operating system does not allow it. */
    FLOE_ERR_PERMISSION = -9,
    /** A system call failed for another reason; floe_last_error() says which call. */
    FLOE_ERR_SYSTEM = -10,
    /** The calling thread would wait for itself. */
    FLOE_ERR_WOULD_DEADLOCK = -11,
    /** The caller's buffer is too small. */
    FLOE_ERR_BUFFER_TOO_SMALL = -12,
    /** The name has no address. */
    FLOE_ERR_NOT_FOUND = -13,
    /** No answer within the time allowed. */
    FLOE_ERR_TIMED_OUT = -14,
    /** The source of randomness failed. */
    FLOE_ERR_RANDOM = -15,
    /** The work was abandoned because its owner was closed. */
    FLOE_ERR_CANCELED = -16,
    /** The send queue is full. For packets, a writable event comes when there is room. */
    FLOE_ERR_QUEUE_FULL = -17,
    /** The peer has to connect first, and has not done so yet. */
    FLOE_ERR_NOT_CONNECTED = -18,
    /** The text is correct, but of a kind that floe does not know: ignore it. */
    FLOE_ERR_UNSUPPORTED = -19,
    /** The system has no room to watch one more socket (Linux: fs.epoll.max_user_watches). */
    FLOE_ERR_NO_WATCHES = -20
} floe_error;

/**
 * Returns a short text for an error code: "invalid argument".
 *
 * @param error  any value; one that is not a floe_error gives "unknown error".
 * @return a constant string, never NULL.
 *
 * Threads: any. Ownership: the string is static.
 */
FLOE_EXPORT const char *floe_error_string(floe_error error);

/**
 * Returns a sentence about the last floe call of this thread that failed: which field, URL or
 * server, which value, and why.
 *
 * @return the sentence; "" if no call of this thread has failed yet. A call that succeeds does not
 *         change it. Text from the caller's input (for example a URL) is cut to fit 256 bytes.
 *
 * Threads: any; each thread has its own. Ownership: valid until this thread's next floe call.
 */
FLOE_EXPORT const char *floe_last_error(void);

#ifdef __cplusplus
}
#endif
#endif
