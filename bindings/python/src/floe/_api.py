"""An api: the loop, and what its gatherers share."""
from __future__ import annotations

import asyncio
import dataclasses
import functools
import os
from types import TracebackType
from typing import Any, Callable, List, Optional, Sequence, Set, Type, Union

from . import _handlers
from ._convert import Address, from_c, into_c, text_to_c, wanted
from ._enums import Error
from ._errors import FloeError, InvalidStateError, WouldDeadlockError, check, failure
from ._floe import ffi, lib
from ._gatherer import Gatherer
from ._native import Native, amid, in_handler, no_copy, reaper
from ._settings import GatherOptions, IceServer, Settings
from ._types import ApiStatistics, NetworkChange


class _LookUp:
    """One that is awaited."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.future: "asyncio.Future[List[Address]]" = loop.create_future()
        self.handle = ffi.new_handle(self)

    def done(self, error: int, addresses: List[Address]) -> None:
        try:
            self.loop.call_soon_threadsafe(self._set, error, addresses)
        except RuntimeError:
            pass  # the loop is closed, and nobody waits

    def _set(self, error: int, addresses: List[Address]) -> None:
        if not self.future.done():
            if error == Error.OK:
                self.future.set_result(addresses)
            else:
                self.future.set_exception(failure(error))


def _cancel(look_ups: Set[_LookUp]) -> None:
    for waiting in list(look_ups):
        waiting.done(Error.CANCELED, [])


def _look_for_files(settings: Settings, error: FloeError) -> None:
    """OpenSSL does not say of a file that it is not there."""
    for name in ("tls_ca_file", "tls_certificate_file", "tls_key_file"):
        path = getattr(settings, name)
        if path is not None and name in error.text and not os.path.exists(path):
            shown = os.fsencode(path).decode("utf-8", "replace")
            raise type(error)('settings.%s "%s": no such file' % (name, shown), error.error) from None


class Api:
    """Has a thread of its own, on which libfloe works and handlers run.

    Use it as a context manager, `with` or `async with`, or close it: its gatherers are closed with it. In a forked child,
    the parent's is closed: make one after the fork.
    """

    def __init__(self, settings: Optional[Settings] = None) -> None:
        # A copy: what the caller changes later changes nothing.
        settings = dataclasses.replace(wanted(Settings, Settings() if settings is None else settings))
        keep: List[Any] = []
        handle = ffi.new_handle(settings)
        c = ffi.new("floe_settings *")
        into_c(c, settings, keep)
        _handlers.settings_handlers(c, settings, handle)
        made = ffi.new("floe_api **")
        reaper.catch_up()
        try:
            check(lib.floe_api_new(c, made))
        except FloeError as error:
            _look_for_files(settings, error)
            raise
        self._look_ups: Set[_LookUp] = set()
        self._listener = _handlers.Listener()
        freed = functools.partial(_cancel, self._look_ups)
        kept = (handle, settings, self._listener)
        self._native = Native("api", made[0], lib.floe_api_free, kept, freed=freed)
        self._native.close_when_dropped(self)

    __copy__ = __deepcopy__ = __reduce__ = no_copy

    def gatherer(
        self,
        options: Union[GatherOptions, Sequence[IceServer], None] = None,
        **changes: Any,
    ) -> Gatherer:
        """A gatherer. The options are a GatherOptions, or the servers alone; `changes` are fields of GatherOptions."""
        if options is None:
            options = GatherOptions()
        elif not isinstance(options, GatherOptions):
            options = GatherOptions(ice_servers=options)
        return Gatherer._new(self, dataclasses.replace(options, **changes))

    def statistics(self) -> ApiStatistics:
        """Counters since the api was made."""
        c = ffi.new("floe_api_statistics *")
        c.size = ffi.sizeof("floe_api_statistics")
        check(self._native.call(lib.floe_api_get_statistics, c))
        return from_c(ApiStatistics, c)

    def on_network_change(self, handler: Optional[Callable[[NetworkChange], None]]) -> None:
        """Has the handler called, on libfloe's thread, for each address of this machine that is added, removed or changed
        from now on; None: nobody is. Once this returns, the former handler does not start any more."""
        _handlers.no_coroutine(handler)
        function = ffi.NULL if handler is None else lib.floe_py_network_change
        former, self._listener.handler = self._listener.handler, handler
        try:
            check(self._native.call(lib.floe_api_on_network_change, function, self._listener.handle))
        except BaseException:
            self._listener.handler = former
            raise

    async def look_up(self, name: str, timeout_ms: int = 0) -> List[Address]:
        """The addresses of a .local name, by multicast DNS; with port 0. TimedOutError: nobody answered."""
        waiting = _LookUp(asyncio.get_running_loop())
        text = text_to_c(name)
        try:
            with amid():
                self._look_ups.add(waiting)
                check(self._native.call(lib.floe_api_look_up, text, timeout_ms, lib.floe_py_look_up, waiting.handle))
            return await waiting.future
        finally:
            try:
                self._native.call(lib.floe_api_cancel_look_ups, lib.floe_py_look_up, waiting.handle)
            except InvalidStateError:
                pass  # closed, and canceled with it
            self._look_ups.discard(waiting)

    @property
    def closed(self) -> bool:
        return self._native.closed

    def close(self) -> None:
        """Closes the gatherers and the api, and waits until no handler runs any more. May be called twice, and goes on if
        an exception has interrupted it. Not in a handler: WouldDeadlockError. In a signal handler or a finalizer that
        came amid a call of floe's it does not wait, and is done behind that call."""
        if in_handler():
            raise WouldDeadlockError("an Api is not closed in a handler", Error.WOULD_DEADLOCK)
        self._native.close()

    async def aclose(self) -> None:
        """The same, while the event loop goes on."""
        if self._native.gone:
            return  # in a forked child, the threads of the executor are not there
        await asyncio.get_running_loop().run_in_executor(None, self.close)

    def __enter__(self) -> "Api":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.close()

    async def __aenter__(self) -> "Api":
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        await self.aclose()
