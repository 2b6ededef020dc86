"""What goes wrong, as exceptions."""
from __future__ import annotations

import functools
from typing import Any, Optional, Tuple

from ._enums import Error, FailureReason
from ._floe import ffi, lib


class FloeError(Exception):
    """A call of libfloe failed: `error` says how, `text` is its sentence about what was wrong and what to look at."""

    def __init__(self, text: str, error: Optional[Error] = None) -> None:
        super().__init__(text)
        self.text = text
        self.error = error


class InvalidArgumentError(FloeError, ValueError):
    """A value is out of range, or contradicts another one."""


class InvalidStateError(FloeError):
    """The object is in a state in which this call is not allowed; closed, for example."""


class InvalidAccessError(FloeError):
    """A turn(s) server without username or credential."""


class ParseError(FloeError, ValueError):
    """A URL, a candidate or a rule does not follow its grammar."""


class OutOfMemoryError(FloeError, MemoryError):
    pass


class NotFoundError(FloeError, LookupError):
    """No such candidate (any more), or a name without addresses."""


class RefusedError(FloeError, PermissionError):
    """The operating system, or a relay's server, does not allow it."""


class TimedOutError(FloeError, TimeoutError):
    """No answer within the time allowed."""


class WouldDeadlockError(FloeError):
    """The calling thread would wait for itself: the call was made in a handler."""


class QueueFullError(FloeError):
    """The send queue is full: see Gatherer.send_wait and the event Writable."""


class NotConnectedError(FloeError):
    """The peer has to connect first."""


class UnsupportedError(FloeError):
    """The text is correct, but of a kind that floe does not know: ignore it."""


class ServerError(FloeError):
    """A server gave no candidate, on one local address (W3C RTCPeerConnectionIceErrorEvent).

    `code` is the server's own STUN error code (300 to 699), or 701 if it could not be reached or gave no usable answer.
    `reason` says what kind of failure it is.
    """

    def __init__(
        self,
        text: str,
        *,
        code: int,
        url: Optional[str] = None,
        address: Optional[str] = None,
        port: int = 0,
        url_failed: bool = False,
        reason: FailureReason = FailureReason.NONE,
    ) -> None:
        super().__init__(text)
        self.code = code
        self.url = url
        self.address = address
        self.port = port
        #: With this event, the URL has failed on every local address that could ask it.
        self.url_failed = url_failed
        self.reason = reason

    def __reduce__(self) -> Tuple[Any, ...]:  # between processes; the constructor wants a code
        return functools.partial(type(self), code=self.code), (self.text,), self.__dict__

    def __repr__(self) -> str:
        return "ServerError(%r, code=%d, url=%r)" % (self.text, self.code, self.url)

    def __str__(self) -> str:
        return "%s: %s [%d]" % (self.url, self.text, self.code) if self.url else "%s [%d]" % (self.text, self.code)


_CLASSES = {
    Error.INVALID_ARGUMENT: InvalidArgumentError,
    Error.INVALID_STATE: InvalidStateError,
    Error.INVALID_ACCESS: InvalidAccessError,
    Error.SYNTAX: ParseError,
    Error.NO_MEMORY: OutOfMemoryError,
    Error.NOT_FOUND: NotFoundError,
    Error.PERMISSION: RefusedError,
    Error.TIMED_OUT: TimedOutError,
    Error.WOULD_DEADLOCK: WouldDeadlockError,
    Error.QUEUE_FULL: QueueFullError,
    Error.NOT_CONNECTED: NotConnectedError,
    Error.UNSUPPORTED: UnsupportedError,
}


def failure(result: int, text: str = "") -> FloeError:
    """The exception of an error code."""
    error = Error(result)
    if not text:
        text = ffi.string(lib.floe_error_string(result)).decode()
    return _CLASSES.get(error, FloeError)(text, error)


def check(result: Any) -> None:
    """Raises what a call returned, with the sentence that this thread's last failing call left."""
    if result != 0:
        raise failure(result, ffi.string(lib.floe_last_error()).decode("utf-8", "replace"))
