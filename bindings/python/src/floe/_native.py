"""A handle of libfloe's: closed once, and not while a call that uses it runs on another thread.

Between any two steps of Python's, a signal handler may come, which closes or raises, and the collector, whose finalizers
close. So what must not be torn is one step of C's, and everything else can be done again."""
from __future__ import annotations

import _thread
import atexit
import functools
import os
import queue
import threading
import time
import weakref
from typing import Any, Callable, Dict, NoReturn, Optional, Set

from ._errors import InvalidStateError

#: Where a handler runs, `inside` is above 0.
here = threading.local()


def in_handler() -> bool:
    return bool(getattr(here, "inside", 0))


def no_copy(self: Any, *_: Any) -> NoReturn:
    """What has a handle is one thing: a copy would be closed with it."""
    raise TypeError("cannot copy %r object" % type(self).__name__)


#: Of each thread, by its id: held while it is in a call of libfloe's, or has a lock that floe's thread wants too.
_amid: Dict[int, Any] = {}


def amid() -> Any:
    """`with amid():` around a call. To enter and to leave is one step of C's each: what a signal handler raises comes before
    it or behind it, and a call that has ended is never taken for one that runs."""
    own = threading.get_ident()
    return _amid.get(own) or _amid.setdefault(own, threading.RLock())


def _until_calls_have_ended() -> None:
    """Those that run now, on other threads. Later ones find what has changed meanwhile."""
    own = threading.get_ident()
    for thread, calls in _amid.copy().items():
        if thread != own:
            with calls:
                pass


class Native:
    """What it holds refers to no handler: that an object of Python's is not collected while its handle lives is for the
    owner to decide.

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
        self._free = map(free, (pointer,))  # its next is the call, which cannot be made twice
        self._quit = quit  # what says goodbye, before it is freed
        self._freed = freed  # told when no handler runs any more
        self._parent = parent
        self._children: Set[Native] = set()
        self._closing: Any = threading.RLock()
        self._closed = False
        self._gone = False
        self._owner: Any = None
        self._process = os.getpid()
        reaper.start()
        (_open if parent is None else parent._children).add(self)

    def must_be_open(self) -> None:
        """To be asked before a lock is waited for: in a forked child, whoever held it is not there."""
        if self.foreign:
            raise InvalidStateError("the %s is of the process that forked this one: make one after the fork" % self.name)
        if self._closed:
            raise InvalidStateError("the %s is closed" % self.name)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        with amid():
            self.must_be_open()
            return function(self._pointer, *arguments)

    @property
    def foreign(self) -> bool:
        """Is it of the process that forked this one?"""
        return self._process != os.getpid()

    @property
    def closed(self) -> bool:
        return self._closed or self.foreign

    @property
    def gone(self) -> bool:
        """Is there nothing left to close?"""
        return self._gone or self.foreign

    def close(self) -> None:
        """In peace: the event that says so is delivered, and no handler runs any more. Where that would wait for itself, it
        is done on a thread of its own, and this returns at once."""
        if self.gone:
            return
        if self._is_waited_for():
            reaper.closing.put(self)
        else:
            self.finish()

    def close_when_dropped(self, owner: Any) -> None:
        """On a thread of its own: the collector comes amid anything and with any lock held, floe's own thread waiting for
        that lock. What it calls is C's: the exception of a signal handler that came there would be lost."""
        self._owner = weakref.ref(owner, functools.partial(reaper.closing.put, self))  # put ignores the reference

    def _is_waited_for(self) -> bool:
        """By a handler, a signal handler or a finalizer that came amid a call or a close."""
        return (
            in_handler()
            or amid()._is_owned()
            or any(native._closing._is_owned() for native in (self, *self._children))
        )

    def finish(self, quit: bool = True) -> None:
        """What an exception of a signal handler's interrupts goes on when this is called again."""
        if self.gone:
            return
        with self._closing:
            if quit and self._quit is not None and not self._closed:
                self._quit(self._pointer)
            self._closed = True
            _until_calls_have_ended()  # so that those who add a child have done so
            for child in list(self._children):
                child.finish(quit=False)
            next(self._free, None)
            self.keep = None
            if self._freed is not None:
                self._freed()
            (_open if self._parent is None else self._parent._children).discard(self)
            self._owner = None
            self._gone = True


class _Reaper:
    """Closes on a thread of its own."""

    def __init__(self) -> None:
        self._process = 0
        self._starting = threading.RLock()
        self.closing: "queue.SimpleQueue[Native]" = queue.SimpleQueue()

    def start(self) -> None:
        if self._process == os.getpid():
            return
        if self._process != 0:  # in a forked child, where neither lock nor queue can be trusted
            self.__init__()  # type: ignore[misc]
        with self._starting:
            if self._process == 0:
                _thread.start_new_thread(self._run, (self.closing,))
                self._process = os.getpid()

    def catch_up(self) -> None:
        """Whoever makes more than is closed meanwhile waits a little, in no call."""
        until = time.monotonic() + 0.01
        while self.closing.qsize() > 16 and not in_handler() and time.monotonic() < until:
            time.sleep(0.001)

    def _run(self, closing: "queue.SimpleQueue[Native]") -> None:
        while True:
            native = closing.get()
            native.finish()
            del native


#: Those that have no parent, until they are closed.
_open: Set[Native] = set()
reaper = _Reaper()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_amid.clear)  # the other threads are not there


@atexit.register
def _at_exit() -> None:
    """What is left open is freed while there is an interpreter that handlers can run in."""
    for native in list(_open):
        native.finish(quit=False)
