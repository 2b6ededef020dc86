"""A handle of libfloe's: closed once, and not while a call that uses it runs on another thread."""
from __future__ import annotations

import threading
from typing import Any, Callable, List, Optional

from ._errors import InvalidStateError

#: Where a handler runs, `inside` is above 0.
here = threading.local()


def in_handler() -> bool:
    return bool(getattr(here, "inside", 0))


class Native:
    """`with native as pointer:` around each call."""

    def __init__(self, name: str, pointer: Any, free: Callable[[Any], Any], keep: Any, parent: Optional["Native"] = None) -> None:
        self.name = name
        self.keep = keep  # the C memory that the handle uses: it goes after the handle
        self._pointer = pointer
        self._free = free
        self._parent = parent
        self._children: List[Native] = []
        self._idle = threading.Condition()
        self._calls = 0
        self._closed = False
        if parent is not None:
            parent._children.append(self)

    def __enter__(self) -> Any:
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
    def closed(self) -> bool:
        return self._closed

    def free(self) -> None:
        """Waits for the calls that run. Not for one that would wait for itself: see Api.close and Gatherer.close."""
        with self._idle:
            if self._closed:
                return
            self._closed = True
            while self._calls:
                self._idle.wait()
        for child in list(self._children):
            child.free()
        self._free(self._pointer)
        if self._parent is not None:
            self._parent._children.remove(self)
        self.keep = None
