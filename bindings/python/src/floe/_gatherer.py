"""The gatherer, for asyncio and for handlers."""
from __future__ import annotations

import asyncio
import collections
import threading
import weakref
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterator,
    Callable,
    Deque,
    Dict,
    Generic,
    List,
    Optional,
    Tuple,
    Type,
    TypeVar,
    Union,
    overload,
)

from . import _handlers
from ._convert import AddressLike, address_to_c, from_c, into_c
from ._enums import GathererState
from ._errors import InvalidStateError, QueueFullError, ServerError, check
from ._floe import ffi, lib
from ._native import Native, amid, no_copy, reaper
from ._settings import GatherOptions, RestartOptions
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

EventOfGathering = Union[CandidateFound, EndOfCandidates, CandidateWithdrawn, StateChange, ServerError]
#: What a gatherer reports. A ServerError is an event, and an exception that you may raise.
Event = Union[EventOfGathering, Packet, Writable, Unreachable]
E = TypeVar("E", bound=Event)
F = TypeVar("F", bound=Event)
Handler = Callable[[Any], None]
Bytes = Union[bytes, bytearray, memoryview]

#: Those that are asked for alone: whoever has them works on data.
_OF_DATA: Dict[type, Tuple[str, str]] = {
    Packet: ("floe_gatherer_on_packet", "floe_py_packet"),
    Writable: ("floe_gatherer_on_writable", "floe_py_writable"),
    Unreachable: ("floe_gatherer_on_unreachable", "floe_py_unreachable"),
}
_OF_GATHERING: Tuple[type, ...] = (CandidateFound, EndOfCandidates, CandidateWithdrawn, StateChange, ServerError)
_OF_ALL = _OF_GATHERING + tuple(_OF_DATA)


class _Gathering:
    """What one gathering has found, for those who iterate: they may begin late, and be several."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.found: List[Candidate] = []
        self.errors: List[ServerError] = []
        self.begun = False  # until then what comes is of the gathering before
        self.ended = False
        self.cut_off = False  # the gatherer was closed before it had ended
        self._waiting: "List[asyncio.Future[None]]" = []

    def add(self, candidate: Candidate) -> None:
        with amid(), self.lock:
            self.found.append(candidate)
        self._wake()

    def end(self, closed: bool = False) -> None:
        with amid(), self.lock:
            self.cut_off = self.cut_off or closed and not self.ended
            self.ended = True
        self._wake()

    def _wake(self) -> None:
        with amid(), self.lock:
            waiting, self._waiting = self._waiting, []
        for future in waiting:
            _wake(future)

    async def candidates(self) -> AsyncIterator[Candidate]:
        told = 0
        while True:
            with amid(), self.lock:
                new, ended = self.found[told:], self.ended
                if not new and not ended:
                    future = asyncio.get_running_loop().create_future()
                    self._waiting.append(future)
            for candidate in new:
                yield candidate
            told += len(new)
            if not new and ended:
                if self.cut_off:
                    raise InvalidStateError("the gatherer was closed before its gathering had ended")
                return
            if not new:
                await future


def _wake(future: "asyncio.Future[None]") -> None:
    """On any thread."""
    try:
        future.get_loop().call_soon_threadsafe(_release, future)
    except RuntimeError:
        pass  # its loop is closed


def _release(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


class Post:
    """What libfloe's handlers are given. It lives as long as C's handle; what is behind it, handlers above all, as long as
    the gatherer: a handler that refers to its gatherer does not keep it alive."""

    def __init__(self, sink: "_Sink") -> None:
        self._sink = weakref.ref(sink)

    def emit(self, event: Event) -> None:
        sink = self._sink()
        if sink is not None:
            sink.emit(event)

    def answer(self, packet: Any, code: int) -> None:
        sink = self._sink()
        assert sink is not None  # its handler runs
        sink.answer(packet, code)

    def freed(self) -> None:
        sink = self._sink()
        if sink is not None:
            sink.freed()


class _Sink:
    """Whom a gatherer tells."""

    def __init__(self) -> None:
        self.gathering = _Gathering()
        self.handlers: Tuple[Tuple[Handler, Tuple[type, ...]], ...] = ()
        self.native: Optional[Native] = None
        # Held while a gathering is asked for: what comes of it is noted behind that. (No handler is called with it.)
        self.asking = threading.RLock()

    def emit(self, event: Event) -> None:
        with amid(), self.asking:
            self._note(event)
        for handler, kinds in self.handlers:
            try:
                if isinstance(event, kinds):
                    handler(event)
            except BaseException:  # it is not for the others to suffer
                _handlers.log.exception("the handler %s failed at %s", _handlers.name_of(handler), type(event).__name__)

    def _note(self, event: Event) -> None:
        gathering = self.gathering
        if isinstance(event, StateChange):
            if event.state == GathererState.GATHERING:
                gathering.begun = True
        elif gathering.begun and isinstance(event, ServerError):
            gathering.errors.append(event)
        elif gathering.begun and isinstance(event, CandidateFound):
            gathering.add(event.candidate)
        elif gathering.begun and isinstance(event, EndOfCandidates):
            gathering.end()

    def next_gathering(self) -> None:
        before, self.gathering = self.gathering, _Gathering()
        before.end()

    def freed(self) -> None:
        """Nothing will come any more, not even of an api that was closed with its gatherers open."""
        self.gathering.end(closed=True)
        for handler, _ in self.handlers:
            stream = getattr(handler, "__self__", None)
            if isinstance(stream, EventStream):
                stream._end()
        self.handlers = ()

    def answer(self, packet: Any, code: int) -> None:
        assert self.native is not None
        check(self.native.call(lib.floe_gatherer_answer_check, packet, code))


class EventStream(Generic[E]):
    """Events from the moment it was made, until the gatherer is closed: `async for event in stream`, in the event loop that
    ran then. It may be closed on any thread."""

    def __init__(self, gatherer: "Gatherer", kinds: Tuple[type, ...], limit: Optional[int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._native = gatherer._native
        self._events: Deque[E] = collections.deque()
        self._limit = limit
        self._lock = threading.RLock()
        self._waiting: "Optional[asyncio.Future[None]]" = None
        self._over = gatherer.closed
        self._kinds = kinds
        self._unsubscribe = gatherer.subscribe(self._put, *kinds, StateChange)
        #: How many events came beyond the limit, and were dropped.
        self.dropped = 0

    def _put(self, event: Any) -> None:
        with amid(), self._lock:
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
            _wake(waiting)

    def _end(self) -> None:
        with amid(), self._lock:
            self._over = True
            waiting, self._waiting = self._waiting, None
        if waiting is not None:
            _wake(waiting)

    def __aiter__(self) -> "EventStream[E]":
        return self

    async def __anext__(self) -> E:
        if self._native.foreign:
            self._native.must_be_open()
        while True:
            with amid(), self._lock:
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
        if not self._native.foreign:
            self._unsubscribe()
            self._end()

    async def __aenter__(self) -> "EventStream[E]":
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.close()


class Gatherer:
    """Made by Api.gatherer. Each method may be called on any thread.

    It is closed when its `with` or `async with` ends, when its api is closed, or when nothing refers to it any more (its
    handlers and streams, if nothing else refers to these, do not count, and are told nothing of that end).
    In a forked child, the parent's is closed: close does nothing there, and other calls raise InvalidStateError.
    """

    _api: "Api"
    _sink: _Sink
    _native: Native
    _handle: Any
    _subscribing: Any

    def __init__(self) -> None:
        raise TypeError("a Gatherer is made by Api.gatherer")

    __copy__ = __deepcopy__ = __reduce__ = no_copy

    @classmethod
    def _new(cls, api: "Api", options: GatherOptions) -> "Gatherer":
        keep: List[Any] = []
        c = ffi.new("floe_gather_options *")
        into_c(c, options, keep)
        made = ffi.new("floe_gatherer **")
        reaper.catch_up()
        with amid():
            check(api._native.call(lib.floe_gatherer_new, c, made))
            return cls._of(api, made[0])

    @classmethod
    def _of(cls, api: "Api", pointer: Any) -> "Gatherer":
        """Amid the call that made it: its api waits for that before it looks who is to be closed with it."""
        self = cls.__new__(cls)
        self._api = api
        self._sink = sink = _Sink()
        post = Post(sink)
        handle = ffi.new_handle(post)
        self._handle = handle
        sink.native = self._native = Native(
            "gatherer", pointer, lib.floe_gatherer_free, handle, api._native, lib.floe_gatherer_graceful_close, post.freed
        )
        self._subscribing = threading.RLock()
        self._native.close_when_dropped(self)
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
        self._native.must_be_open()
        with amid(), self._sink.asking:
            check(self._native.call(lib.floe_gatherer_gather))
            self._sink.next_gathering()

    async def __aiter__(self) -> AsyncIterator[Candidate]:
        """The candidates of the gathering that is under way or was the last, from its first on, until it gives no more.
        A gatherer that is new starts. InvalidStateError: it is closed, or was before that gathering had ended."""
        self._native.must_be_open()
        if self.closed:
            raise InvalidStateError("the gatherer is closed")
        with amid(), self._sink.asking:
            if self.state == GathererState.NEW:
                self.gather()
        async for candidate in self._sink.gathering.candidates():
            yield candidate

    async def complete(self) -> List[Candidate]:
        """Waits for the end of gathering, which it starts if need be; all candidates that work."""
        async for _ in self:
            pass
        return self.candidates()

    def restart(self, username_fragment: Optional[str] = None, password: Optional[str] = None) -> None:
        """A new generation, with a new username fragment and password; what is not given is made. Call gather afterwards."""
        keep: List[Any] = []
        c = ffi.new("floe_restart_options *")
        into_c(c, RestartOptions(username_fragment, password), keep)
        self._native.must_be_open()
        with amid(), self._sink.asking:
            check(self._native.call(lib.floe_gatherer_restart_with, c))
            self._sink.next_gathering()

    def set_options(self, options: GatherOptions) -> None:
        """Replaces servers and policy, at the next gathering if one has begun."""
        keep: List[Any] = []
        c = ffi.new("floe_gather_options *")
        into_c(c, options, keep)
        check(self._native.call(lib.floe_gatherer_set_options, c))

    def create_associated(self) -> "Gatherer":
        """The gatherer of the other component, RTCP."""
        made = ffi.new("floe_gatherer **")
        with amid():
            self._api._native.must_be_open()  # it is closed before its gatherers are
            check(self._native.call(lib.floe_gatherer_create_associated, made))
            return Gatherer._of(self._api, made[0])

    # ── what it knows ──

    @property
    def state(self) -> GathererState:
        try:
            return GathererState(self._native.call(lib.floe_gatherer_state))
        except InvalidStateError:
            return GathererState.CLOSED

    @property
    def closed(self) -> bool:
        return self.state == GathererState.CLOSED

    @property
    def errors(self) -> List[ServerError]:
        """The servers that have failed in this gathering so far, in the order of the events. The next call of gather or
        restart begins anew."""
        return list(self._sink.gathering.errors)

    def raise_for_errors(self) -> None:
        """Raises the first error of a server that has failed on every local address; nothing if there is none."""
        for error in self.errors:
            if error.url_failed:
                raise error

    def candidates(self) -> List[Candidate]:
        """All that were found and not withdrawn."""
        made = ffi.new("floe_candidate_list **")
        check(self._native.call(lib.floe_gatherer_get_local_candidates, made))
        c = ffi.gc(made[0], lib.floe_candidate_list_free)
        return [candidate_from_c(c.candidates[i]) for i in range(c.count)]

    def parameters(self) -> Parameters:
        """The username fragment and the password, to signal to the peer."""
        c = ffi.new("floe_parameters *")
        c.size = ffi.sizeof("floe_parameters")
        check(self._native.call(lib.floe_gatherer_get_local_parameters, c))
        return from_c(Parameters, c)

    def statistics(self) -> GathererStatistics:
        """For each server and each candidate."""
        made = ffi.new("floe_gatherer_statistics **")
        check(self._native.call(lib.floe_gatherer_get_statistics, made))
        return statistics_from_c(ffi.gc(made[0], lib.floe_gatherer_statistics_free))

    # ── events ──

    def subscribe(self, handler: Handler, *kinds: type) -> Callable[[], None]:
        """Has a handler called for each event of these kinds (none: all but Packet, Writable and Unreachable), on floe's
        thread; returns what ends that. A handler must not wait for the gatherer. What it raises is logged."""
        if not callable(handler):
            raise TypeError("a handler is a function of one event, not %r" % (handler,))
        _handlers.no_coroutine(handler)
        for kind in kinds:
            if kind not in _OF_ALL:
                raise TypeError("a kind of event is one of %s, not %r" % (", ".join(one.__name__ for one in _OF_ALL), kind))
        entry = (handler, kinds or _OF_GATHERING)

        def unsubscribe() -> None:
            if self._native.foreign:
                return
            with amid(), self._subscribing:
                self._sink.handlers = tuple(one for one in self._sink.handlers if one is not entry)
                try:
                    self._set_data_handlers()
                except InvalidStateError:
                    pass  # it is closed

        self._native.must_be_open()
        with amid(), self._subscribing:
            self._native.must_be_open()
            self._sink.handlers += (entry,)
            self._set_data_handlers()
        return unsubscribe

    def _set_data_handlers(self) -> None:
        """A socket that has not sent yet is not read while nobody wants packets."""
        wanted = {kind for _, kinds in self._sink.handlers for kind in kinds}
        for kind, (setter, function) in _OF_DATA.items():
            set_it = getattr(lib, function) if kind in wanted else ffi.NULL
            check(self._native.call(getattr(lib, setter), set_it, self._handle))

    @overload
    def events(self, *, limit: Optional[int] = None) -> "EventStream[EventOfGathering]":
        ...

    @overload
    def events(self, kind: Type[E], /, *, limit: Optional[int] = None) -> EventStream[E]:
        ...

    @overload
    def events(self, kind: Type[E], other: Type[F], /, *, limit: Optional[int] = None) -> "EventStream[Union[E, F]]":
        ...

    @overload
    def events(
        self, first: Type[Event], second: Type[Event], third: Type[Event], /, *others: Type[Event], limit: Optional[int] = None
    ) -> "EventStream[Event]":
        ...

    def events(self, *kinds: Any, limit: Optional[int] = None) -> Any:
        """Events of these kinds (none: all but Packet, Writable and Unreachable) from now on. `limit`: how many may wait;
        later ones are dropped."""
        return EventStream(self, kinds or _OF_GATHERING, limit)

    def packets(self, limit: int = 1024) -> EventStream[Packet]:
        """What peers send, from now on. (Checks are answered in a handler: see subscribe, Packet.answer.)"""
        return self.events(Packet, limit=limit)

    # ── data ──

    def send(self, candidate: Union[Candidate, int], peer: AddressLike, data: Bytes) -> None:
        """Sends a packet from a candidate (or its id) to a peer; never blocks. QueueFullError: see send_wait."""
        buffer = ffi.from_buffer(data)
        number = candidate if isinstance(candidate, int) else candidate.id
        check(self._native.call(lib.floe_gatherer_send, number, address_to_c(peer), buffer, len(buffer)))

    async def send_wait(self, candidate: Union[Candidate, int], peer: AddressLike, data: Bytes) -> None:
        """The same, and waits for room."""
        try:
            return self.send(candidate, peer, data)
        except QueueFullError:
            pass
        async with self.events(Writable) as room:
            while True:
                try:
                    return self.send(candidate, peer, data)
                except QueueFullError:
                    pass
                try:
                    await room.__anext__()
                except StopAsyncIteration:
                    raise InvalidStateError("the gatherer was closed before there was room") from None

    def doubt(self, candidate: Union[Candidate, int]) -> None:
        """A path through this candidate seems to be dead: floe asks its server at once."""
        number = candidate if isinstance(candidate, int) else candidate.id
        check(self._native.call(lib.floe_gatherer_doubt, number))

    # ── the end ──

    def close(self) -> None:
        """Releases relays, closes sockets and waits until no handler runs any more. May be called twice, and goes on if an
        exception has interrupted it. In a handler, and in a signal handler or a finalizer that came amid a call of
        floe's, it does not wait, and what is left is done behind that."""
        try:
            self._native.call(lib.floe_gatherer_close)
        except InvalidStateError:
            pass  # it is closed, or another thread is about it
        self._native.close()

    async def aclose(self) -> None:
        """The same, while the event loop goes on."""
        if self._native.gone:
            return  # in a forked child, the threads of the executor are not there
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
