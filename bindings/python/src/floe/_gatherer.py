"""The gatherer, for asyncio and for handlers."""
from __future__ import annotations

import asyncio
import collections
import threading
import weakref
from types import TracebackType
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Deque, Dict, List, Optional, Tuple, Type, Union

from . import _handlers  # noqa: F401 (it defines what is set below)
from ._convert import AddressLike, address_to_c, from_c, into_c
from ._enums import GathererState
from ._errors import QueueFullError, ServerError, check
from ._floe import ffi, lib
from ._native import Native, in_handler
from ._settings import GatherOptions
from ._types import (
    Candidate,
    CandidateFound,
    CandidateWithdrawn,
    EndOfCandidates,
    GathererStatistics,
    Packet,
    Parameters,
    StateChange,
    Unreachable,
    Writable,
    candidate_from_c,
    statistics_from_c,
)

if TYPE_CHECKING:
    from ._api import Api

#: What a gatherer reports. A ServerError is an event, and an exception that you may raise.
Event = Union[
    CandidateFound, EndOfCandidates, CandidateWithdrawn, StateChange, ServerError, Packet, Writable, Unreachable
]
Handler = Callable[[Any], None]

#: Those that are asked for alone: whoever has them works on data.
_OF_DATA: Dict[type, Tuple[str, str]] = {
    Packet: ("floe_gatherer_on_packet", "floe_py_packet"),
    Writable: ("floe_gatherer_on_writable", "floe_py_writable"),
    Unreachable: ("floe_gatherer_on_unreachable", "floe_py_unreachable"),
}
_OF_GATHERING: Tuple[type, ...] = (CandidateFound, EndOfCandidates, CandidateWithdrawn, StateChange, ServerError)


class _Gathering:
    """What one gathering has found, for those who iterate: they may begin late, and be several."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.found: List[Candidate] = []
        self.begun = False  # until then what comes is of the gathering before
        self.ended = False
        self._waiting: "List[asyncio.Future[None]]" = []

    def add(self, candidate: Candidate) -> None:
        with self.lock:
            self.found.append(candidate)
        self._wake()

    def end(self) -> None:
        with self.lock:
            self.ended = True
        self._wake()

    def _wake(self) -> None:
        with self.lock:
            waiting, self._waiting = self._waiting, []
        for future in waiting:
            try:
                future.get_loop().call_soon_threadsafe(_release, future)
            except RuntimeError:
                pass  # its loop is closed

    async def candidates(self) -> AsyncIterator[Candidate]:
        told = 0
        while True:
            with self.lock:
                new, ended = self.found[told:], self.ended
                if not new and not ended:
                    future = asyncio.get_running_loop().create_future()
                    self._waiting.append(future)
            for candidate in new:
                yield candidate
            told += len(new)
            if not new and ended:
                return
            if not new:
                await future


def _release(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


class _Sink:
    """Where libfloe's handlers deliver. It outlives the gatherer that it belongs to, and does not keep it alive."""

    def __init__(self) -> None:
        self.gathering = _Gathering()
        self.errors: List[ServerError] = []
        self.handlers: Tuple[Tuple[Handler, Tuple[type, ...]], ...] = ()
        self.native: Optional[Native] = None
        # Held while a gathering is asked for: what comes of it is noted behind that. (No handler is called with it.)
        self.asking = threading.RLock()

    def emit(self, event: Event) -> None:
        with self.asking:
            self._note(event)
        for handler, kinds in self.handlers:
            if isinstance(event, kinds):
                try:
                    handler(event)
                except Exception:
                    _handlers.log.exception("a handler failed")

    def _note(self, event: Event) -> None:
        gathering = self.gathering
        if isinstance(event, StateChange):
            if event.state == GathererState.GATHERING:
                gathering.begun = True
            elif event.state == GathererState.CLOSED:
                gathering.end()
        elif isinstance(event, ServerError):
            self.errors.append(event)
        elif gathering.begun and isinstance(event, CandidateFound):
            gathering.add(event.candidate)
        elif gathering.begun and isinstance(event, EndOfCandidates):
            gathering.end()

    def next_gathering(self) -> None:
        before, self.gathering = self.gathering, _Gathering()
        before.end()

    def answer(self, packet: Any, code: int) -> None:
        assert self.native is not None
        with self.native as gatherer:
            check(lib.floe_gatherer_answer_check(gatherer, packet, code))


class EventStream:
    """Events from the moment it was made, until the gatherer is closed: `async for event in stream`."""

    def __init__(self, gatherer: "Gatherer", kinds: Tuple[type, ...], limit: Optional[int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: Deque[Event] = collections.deque()
        self._limit = limit
        self._lock = threading.Lock()
        self._waiting: "Optional[asyncio.Future[None]]" = None
        self._over = gatherer.closed
        self._kinds = kinds
        self._unsubscribe = gatherer.subscribe(self._put, *kinds, StateChange)
        #: How many events came beyond the limit, and were dropped.
        self.dropped = 0

    def _put(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, self._kinds):
                if self._limit is not None and len(self._events) >= self._limit:
                    self.dropped += 1
                    return
                self._events.append(event)
            if isinstance(event, StateChange) and event.state == GathererState.CLOSED:
                self._over = True
            elif not isinstance(event, self._kinds):
                return
            waiting, self._waiting = self._waiting, None
        if waiting is not None:
            try:
                self._loop.call_soon_threadsafe(_release, waiting)
            except RuntimeError:
                pass  # the loop is closed

    def __aiter__(self) -> "EventStream":
        return self

    async def __anext__(self) -> Event:
        while True:
            with self._lock:
                if self._events:
                    return self._events.popleft()
                if self._over:
                    raise StopAsyncIteration
                if self._waiting is None:
                    self._waiting = self._loop.create_future()
                waiting = self._waiting
            await asyncio.shield(waiting)

    def close(self) -> None:
        """No more events."""
        self._unsubscribe()
        with self._lock:
            self._over = True
            waiting, self._waiting = self._waiting, None
        if waiting is not None:
            _release(waiting)

    async def __aenter__(self) -> "EventStream":
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.close()


class Gatherer:
    """Made by Api.gatherer. Each method may be called on any thread.

    It is closed when its `with` or `async with` ends, when its api is closed, or when nothing refers to it any more.
    """

    _api: "Api"
    _sink: _Sink
    _native: Native
    _handle: Any
    _subscribing: threading.Lock
    _finalizer: Callable[[], Any]

    def __init__(self) -> None:
        raise TypeError("a Gatherer is made by Api.gatherer")

    @classmethod
    def _new(cls, api: "Api", options: GatherOptions) -> "Gatherer":
        keep: List[Any] = []
        c = ffi.new("floe_gather_options *")
        into_c(c, options, keep)
        made = ffi.new("floe_gatherer **")
        with api._native as pointer:
            check(lib.floe_gatherer_new(pointer, c, made))
            return cls._of(api, made[0])

    @classmethod
    def _of(cls, api: "Api", pointer: Any) -> "Gatherer":
        self = cls.__new__(cls)
        self._api = api
        self._sink = sink = _Sink()
        handle = ffi.new_handle(sink)
        self._handle = handle
        sink.native = self._native = Native("gatherer", pointer, lib.floe_gatherer_free, handle, api._native)
        self._subscribing = threading.Lock()
        self._finalizer = weakref.finalize(self, _finish, self._native, sink)
        for name, function in (
            ("local_candidate", lib.floe_py_candidate),
            ("candidate_withdrawn", lib.floe_py_withdrawn),
            ("state_change", lib.floe_py_state),
            ("error", lib.floe_py_error),
        ):
            check(getattr(lib, "floe_gatherer_on_" + name)(pointer, function, handle))
        return self

    # ── gathering ──

    def gather(self) -> None:
        """Starts gathering, or gathers again, and returns at once."""
        with self._native as gatherer, self._sink.asking:
            check(lib.floe_gatherer_gather(gatherer))
            self._sink.next_gathering()

    async def __aiter__(self) -> AsyncIterator[Candidate]:
        """The candidates of the gathering that is under way or was the last, from its first on, until it gives no more.
        A gatherer that is new starts."""
        with self._sink.asking:
            if self.state == GathererState.NEW:
                self.gather()
        async for candidate in self._sink.gathering.candidates():
            yield candidate

    async def complete(self) -> List[Candidate]:
        """Waits for the end of gathering, which it starts if need be; all candidates that work."""
        async for _ in self:
            pass
        return self.candidates()

    def restart(self) -> None:
        """A new generation, with a new username fragment and password. Call gather afterwards."""
        with self._native as gatherer, self._sink.asking:
            check(lib.floe_gatherer_restart(gatherer))
            self._sink.next_gathering()

    def set_options(self, options: GatherOptions) -> None:
        """Replaces servers and policy, at the next gathering if one has begun."""
        keep: List[Any] = []
        c = ffi.new("floe_gather_options *")
        into_c(c, options, keep)
        with self._native as gatherer:
            check(lib.floe_gatherer_set_options(gatherer, c))

    def create_associated(self) -> "Gatherer":
        """The gatherer of the other component, RTCP."""
        made = ffi.new("floe_gatherer **")
        with self._native as gatherer:
            check(lib.floe_gatherer_create_associated(gatherer, made))
            return Gatherer._of(self._api, made[0])

    # ── what it knows ──

    @property
    def state(self) -> GathererState:
        if self._native.closed:
            return GathererState.CLOSED
        with self._native as gatherer:
            return GathererState(lib.floe_gatherer_state(gatherer))

    @property
    def closed(self) -> bool:
        return self.state == GathererState.CLOSED

    @property
    def errors(self) -> List[ServerError]:
        """The servers that have failed so far, in the order of the events."""
        return list(self._sink.errors)

    def raise_for_errors(self) -> None:
        """Raises the first error of a server that has failed on every local address; nothing if there is none."""
        for error in self._sink.errors:
            if error.url_failed:
                raise error

    def candidates(self) -> List[Candidate]:
        """All that were found and not withdrawn."""
        made = ffi.new("floe_candidate_list **")
        with self._native as gatherer:
            check(lib.floe_gatherer_get_local_candidates(gatherer, made))
            try:
                return [candidate_from_c(made[0].candidates[i]) for i in range(made[0].count)]
            finally:
                lib.floe_candidate_list_free(made[0])

    def parameters(self) -> Parameters:
        """The username fragment and the password, to signal to the peer."""
        c = ffi.new("floe_parameters *")
        c.size = ffi.sizeof("floe_parameters")
        with self._native as gatherer:
            check(lib.floe_gatherer_get_local_parameters(gatherer, c))
        return from_c(Parameters, c)

    def statistics(self) -> GathererStatistics:
        """For each server and each candidate."""
        made = ffi.new("floe_gatherer_statistics **")
        with self._native as gatherer:
            check(lib.floe_gatherer_get_statistics(gatherer, made))
            try:
                return statistics_from_c(made[0])
            finally:
                lib.floe_gatherer_statistics_free(made[0])

    # ── events ──

    def subscribe(self, handler: Handler, *kinds: type) -> Callable[[], None]:
        """Has a handler called for each event of these kinds (none: all but Packet, Writable and Unreachable), on floe's
        thread; returns what ends that. A handler must not wait for the gatherer. What it raises is logged."""
        entry = (handler, kinds or _OF_GATHERING)

        def unsubscribe() -> None:
            with self._subscribing:
                self._sink.handlers = tuple(one for one in self._sink.handlers if one is not entry)
                if not self._native.closed:
                    self._set_data_handlers()

        with self._subscribing:
            self._sink.handlers += (entry,)
            self._set_data_handlers()
        return unsubscribe

    def _set_data_handlers(self) -> None:
        """A socket that has not sent yet is not read while nobody wants packets."""
        wanted = {kind for _, kinds in self._sink.handlers for kind in kinds}
        with self._native as gatherer:
            for kind, (setter, function) in _OF_DATA.items():
                set_it = getattr(lib, function) if kind in wanted else ffi.NULL
                check(getattr(lib, setter)(gatherer, set_it, self._handle))

    def events(self, *kinds: type, limit: Optional[int] = None) -> EventStream:
        """Events of these kinds (none: all but Packet, Writable and Unreachable) from now on. `limit`: how many may wait;
        later ones are dropped."""
        return EventStream(self, kinds or _OF_GATHERING, limit)

    def packets(self, limit: int = 1024) -> EventStream:
        """What peers send, from now on. (Checks are answered in a handler: see subscribe, Packet.answer.)"""
        return self.events(Packet, limit=limit)

    # ── data ──

    def send(self, candidate: Union[Candidate, int], peer: AddressLike, data: Any) -> None:
        """Sends a packet from a candidate (or its id) to a peer; never blocks. QueueFullError: see send_wait."""
        buffer = ffi.from_buffer(data)
        with self._native as gatherer:
            check(
                lib.floe_gatherer_send(
                    gatherer,
                    candidate if isinstance(candidate, int) else candidate.id,
                    address_to_c(tuple(peer)),
                    buffer,
                    len(buffer),
                )
            )

    async def send_wait(self, candidate: Union[Candidate, int], peer: AddressLike, data: Any) -> None:
        """The same, and waits for room."""
        try:
            return self.send(candidate, peer, data)
        except QueueFullError:
            pass
        async with self.events(Writable) as writable:
            while True:
                try:
                    return self.send(candidate, peer, data)
                except QueueFullError:
                    await writable.__anext__()

    def doubt(self, candidate: Union[Candidate, int]) -> None:
        """A path through this candidate seems to be dead: floe asks its server at once."""
        with self._native as gatherer:
            check(lib.floe_gatherer_doubt(gatherer, candidate if isinstance(candidate, int) else candidate.id))

    # ── the end ──

    def close(self) -> None:
        """Releases relays, closes sockets and waits until no handler runs any more. May be called twice. In a handler
        it does not wait, and what is left goes with the gatherer."""
        if not in_handler():
            self._finalizer()
        elif not self._native.closed:
            with self._native as gatherer:
                check(lib.floe_gatherer_close(gatherer))

    async def aclose(self) -> None:
        """The same, while the event loop goes on."""
        await asyncio.get_running_loop().run_in_executor(None, self.close)

    def __enter__(self) -> "Gatherer":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.close()

    async def __aenter__(self) -> "Gatherer":
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        await self.aclose()


def _finish(native: Native, sink: _Sink) -> None:
    """Closed in peace: the event that says so is delivered, and no handler runs any more."""
    if not native.closed and not in_handler():
        with native as gatherer:
            lib.floe_gatherer_graceful_close(gatherer)
    native.free()
    sink.gathering.end()
