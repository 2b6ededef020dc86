/* Error codes, their names, and the sentence that says what was wrong. */
#ifndef FLOE_ERROR_H
#define FLOE_ERROR_H

#include <floe/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a floe function returns: FLOE_OK, or one of the negative codes. */
typedef enum floe_error {
    FLOE_OK = 0,
    /** A parameter is NULL, out of its range, or contradicts another one. */
    FLOE_ERR_INVALID_ARGUMENT = -1,
    /** The object is in a state that forbids the call (W3C InvalidStateError). */
    FLOE_ERR_INVALID_STATE = -2,
    /** A turn(s) server without username or credential (W3C InvalidAccessError). */
    FLOE_ERR_INVALID_ACCESS = -3,
    /** A URL or text does not follow its grammar (W3C SyntaxError). */
    FLOE_ERR_SYNTAX = -4,
    /** The allocator returned NULL, or the kernel has no memory for a socket. */
    FLOE_ERR_NO_MEMORY = -5,
    /** No file descriptor is left, in this process or on this machine. */
    FLOE_ERR_NO_DESCRIPTORS = -6,
    /** The port is taken. */
    FLOE_ERR_ADDRESS_IN_USE = -7,
    /** The address is not (or no longer) one of this machine's. */
    FLOE_ERR_ADDRESS_NOT_AVAILABLE = -8,
    /** The operating system forbids it. */
    FLOE_ERR_PERMISSION = -9,
    /** A system call failed in another way; floe_last_error() says which. */
    FLOE_ERR_SYSTEM = -10,
    /** Waiting here would wait for the calling thread itself. */
    FLOE_ERR_WOULD_DEADLOCK = -11,
    /** The caller's buffer is too small. */
    FLOE_ERR_BUFFER_TOO_SMALL = -12,
    /** A name has no address. */
    FLOE_ERR_NOT_FOUND = -13,
    /** No answer in the time allowed. */
    FLOE_ERR_TIMED_OUT = -14,
    /** The source of randomness failed. */
    FLOE_ERR_RANDOM = -15,
    /** The work was given up because its owner closed. */
    FLOE_ERR_CANCELED = -16,
    /** As much waits to be sent as may wait; of packets, a writable event comes when there is
     *  room. */
    FLOE_ERR_QUEUE_FULL = -17,
    /** The peer has to connect first, and has not. */
    FLOE_ERR_NOT_CONNECTED = -18,
    /** It follows the grammar, and is of a kind that is not known here: to be ignored. */
    FLOE_ERR_UNSUPPORTED = -19,
    /** The system has no room to watch one more socket (Linux: fs.epoll.max_user_watches). */
    FLOE_ERR_NO_WATCHES = -20
} floe_error;

/**
 * Names an error code, in a few words: "invalid argument".
 *
 * @param error  any value; one that is no floe_error gives "unknown error".
 * @return a constant string, never NULL.
 *
 * Threads: any. Ownership: the string is static.
 */
FLOE_EXPORT const char *floe_error_string(floe_error error);

/**
 * The sentence about the latest floe call of this thread that failed: which field, URL or server,
 * which value, and why.
 *
 * @return the sentence, "" if no call of this thread has failed yet. A call that succeeds leaves it
 *         as it was. Text that came with the caller's input (a URL, say) is cut to fit 256 bytes.
 *
 * Threads: any; each thread has its own. Ownership: valid until this thread's next floe call.
 */
FLOE_EXPORT const char *floe_last_error(void);

#ifdef __cplusplus
}
#endif
#endif
