"""The functions that libfloe calls, on its own thread. Each finds its object by the user data; what it raises is logged."""
from __future__ import annotations

import functools
import inspect
import logging
import threading
from typing import Any, Callable

from ._convert import address_from_c, from_c, text_from_c
from ._enums import FailureReason, GathererState, UnreachableReason
from ._errors import ServerError
from ._floe import ffi, lib
from ._native import here
from ._types import (
    CandidateFound,
    CandidateWithdrawn,
    EndOfCandidates,
    NetworkChange,
    StateChange,
    TraceEvent,
    Unreachable,
    Writable,
    candidate_from_c,
    packet_from_c,
)

log = logging.getLogger("floe")


def no_coroutine(function: Any) -> None:
    """Nobody would await it."""
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):
        raise TypeError("what floe calls is a plain function, not `async def`: %s" % name_of(function))


def name_of(function: Any) -> str:
    return getattr(function, "__qualname__", None) or repr(function)


def handler(default: Any = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(user_data: Any, *arguments: Any) -> Any:
            if not hasattr(here, "inside"):
                here.inside = 0
                threading.current_thread().name = "floe"
            here.inside += 1
            try:
                return function(ffi.from_handle(user_data), *arguments)
            except BaseException:  # into C nothing can be raised
                log.exception("the handler of %s failed", function.__name__.lstrip("_"))
                return default
            finally:
                here.inside -= 1

        ffi.def_extern(name="floe_py_" + function.__name__.lstrip("_"))(called)
        return function

    return decorate


# ── of a gatherer: user data is its Post ──


@handler()
def _candidate(post: Any, c: Any) -> None:
    post.emit(EndOfCandidates() if c == ffi.NULL else CandidateFound(candidate_from_c(c)))


@handler()
def _withdrawn(post: Any, c: Any) -> None:
    post.emit(CandidateWithdrawn(candidate_from_c(c)))


@handler()
def _state(post: Any, state: int) -> None:
    post.emit(StateChange(GathererState(state)))


@handler()
def _error(post: Any, c: Any) -> None:
    post.emit(
        ServerError(
            text_from_c(c.text) or "",
            code=c.code,
            url=text_from_c(c.url),
            address=text_from_c(c.address),
            port=c.port,
            url_failed=c.url_failed,
            reason=FailureReason(c.reason),
        )
    )


@handler()
def _packet(post: Any, c: Any) -> None:
    packet = packet_from_c(c)
    if packet.check is not None:
        packet._answer = functools.partial(post.answer, c)
    try:
        post.emit(packet)
    finally:
        packet._answer = None


@handler()
def _writable(post: Any, candidate_id: int) -> None:
    post.emit(Writable(candidate_id))


@handler()
def _unreachable(post: Any, candidate_id: int, peer: Any, reason: int) -> None:
    post.emit(Unreachable(candidate_id, address_from_c(peer), UnreachableReason(reason)))


# ── of an api: user data is its Settings ──


@handler()
def _trace(settings: Any, c: Any) -> None:
    settings.on_trace(from_c(TraceEvent, c))


@handler(False)
def _interface_filter(settings: Any, name: Any) -> bool:
    return bool(settings.interface_filter(text_from_c(name)))


@handler(False)
def _ip_filter(settings: Any, address: Any) -> bool:
    return bool(settings.ip_filter(address_from_c(address)))


# ── of the network: user data is a Listener ──


class Listener:
    """Who hears of changes of the network."""

    def __init__(self) -> None:
        self.handler: Any = None
        self.handle = ffi.new_handle(self)


@handler()
def _network_change(listener: Listener, c: Any) -> None:
    if listener.handler is not None:
        listener.handler(from_c(NetworkChange, c))


# ── of a look-up: user data is its LookUp ──


@handler()
def _look_up(waiting: Any, result: Any) -> None:
    waiting.done(result.error, [address_from_c(result.addresses[i]) for i in range(result.address_count)])


def settings_handlers(c: Any, settings: Any, user_data: Any) -> None:
    """Sets those that the settings have."""
    for name in ("on_trace", "interface_filter", "ip_filter"):
        no_coroutine(getattr(settings, name))
    if settings.on_trace is not None:
        c.on_trace = lib.floe_py_trace
        c.trace_user_data = user_data
    if settings.interface_filter is not None:
        c.interface_filter = lib.floe_py_interface_filter
    if settings.ip_filter is not None:
        c.ip_filter = lib.floe_py_ip_filter
    c.filter_user_data = user_data
