"""A handle of libfloe's: closed once, and not while a call that uses it runs on another thread."""
from __future__ import annotations

import _thread
import atexit
import gc
import os
import queue
import threading
from typing import Any, Callable, List, NoReturn, Optional, Set

from ._errors import InvalidStateError

#: Where a handler runs, `inside` is above 0.
here = threading.local()


def in_handler() -> bool:
    return bool(getattr(here, "inside", 0))


def no_copy(self: Any, *_: Any) -> NoReturn:
    """What has a handle is one thing: a copy would be closed with it."""
    raise TypeError("cannot copy %r object" % type(self).__name__)


class Native:
    """`with native as pointer:` around each call. What it holds refers to no handler: that an object of Python's is not
    collected while its handle lives is for the owner to decide.

    In a forked child it is closed, and nothing of libfloe's is called: floe's thread is not there, and who held its
    locks at the fork holds them for ever."""

    def __init__(
        self,
        name: str,
        pointer: Any,
        free: Callable[[Any], Any],
        keep: Any,
        parent: Optional["Native"] = None,
        quit: Optional[Callable[[Any], Any]] = None,
        freed: Optional[Callable[[], Any]] = None,
    ) -> None:
        self.name = name
        self.keep = keep  # the C memory that the handle uses: it goes after the handle
        self._pointer = pointer
        self._free = free
        self._quit = quit  # what says goodbye, before it is freed
        self._freed = freed  # told when no handler runs any more
        self._parent = parent
        self._children: List[Native] = []
        self._idle = threading.Condition()
        self._calls = 0
        self._closed = False
        self._gone = False
        self._process = os.getpid()
        _reaper.start()
        if parent is not None:
            parent._children.append(self)
        else:
            _open.add(self)

    def __enter__(self) -> Any:
        if self.foreign:
            raise InvalidStateError("the %s is of the process that forked this one: make one after the fork" % self.name)
        with self._idle:
            if self._closed:
                raise InvalidStateError("the %s is closed" % self.name)
            self._calls += 1
        return self._pointer

    def __exit__(self, *_: Any) -> None:
        with self._idle:
            self._calls -= 1
            self._idle.notify_all()

    @property
    def foreign(self) -> bool:
        """Is it of the process that forked this one?"""
        return self._process != os.getpid()

    @property
    def closed(self) -> bool:
        return self._closed or self.foreign

    def finish(self) -> None:
        """Closed in peace: the event that says so is delivered, and no handler runs any more."""
        if self._quit is not None and not self.closed:
            try:
                with self as pointer:
                    self._quit(pointer)
            except InvalidStateError:
                pass  # another thread was faster
        self.free()

    def free(self) -> None:
        """Waits for the calls that run. Not for one that would wait for itself: see Api.close and Gatherer.close."""
        if self.foreign:
            return
        with self._idle:
            if self._closed:
                while not self._gone:  # a parent must not go before its child has
                    self._idle.wait()
                return
            self._closed = True
            while self._calls:
                self._idle.wait()
        for child in list(self._children):
            child.free()
        self._free(self._pointer)
        if self._parent is not None:
            self._parent._children.remove(self)
        _open.discard(self)
        self.keep = None
        with self._idle:
            self._gone = True
            self._idle.notify_all()
        if self._freed is not None:
            self._freed()

    def abandon(self) -> None:
        """Nothing refers to its owner any more. The collector finds that out amid anything and with any lock held, floe's
        own thread waiting for that lock: whoever waited for floe there might wait for ever."""
        if self.closed:
            return
        if in_handler() or getattr(here, "collecting", False):
            _reaper.abandoned.put(self)
        else:
            self.finish()


class _Reaper:
    """Finishes what was abandoned, on a thread of its own."""

    def __init__(self) -> None:
        self._process = 0
        self._starting = threading.Lock()
        self.abandoned: "queue.SimpleQueue[Native]" = queue.SimpleQueue()

    def start(self) -> None:
        if self._process == os.getpid():
            return
        if self._process != 0:  # in a forked child, where neither lock nor queue can be trusted
            self.__init__()  # type: ignore[misc]
        with self._starting:
            if self._process == 0:
                _thread.start_new_thread(self._run, (self.abandoned,))
                self._process = os.getpid()

    def _run(self, abandoned: "queue.SimpleQueue[Native]") -> None:
        while True:
            native = abandoned.get()
            native.finish()
            del native


#: Those that have no parent, until they are closed.
_open: Set[Native] = set()
_reaper = _Reaper()


def _collecting(phase: str, _: Any) -> None:
    here.collecting = phase == "start"


gc.callbacks.append(_collecting)


@atexit.register
def _at_exit() -> None:
    """What is left open is freed while there is an interpreter that handlers can run in."""
    for native in list(_open):
        native.free()
