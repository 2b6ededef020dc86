"""Who lives how long: gatherers that are dropped, and what a forked child finds."""
import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
import unittest
import weakref

import floe

LOOPBACK = floe.Settings(loopback=True, ip_filter=lambda address: address.host == "127.0.0.1")


class Owner:
    """Has a gatherer whose handler refers to it: the usual way."""

    def __init__(self, api: floe.Api) -> None:
        self.gatherer = api.gatherer()
        self.gatherer.subscribe(self.on_event)
        self.gatherer.gather()

    def on_event(self, event: floe.Event) -> None:
        self.last = event


class Closer(Owner):
    def __del__(self) -> None:
        self.gatherer.close()


def ends(call) -> bool:
    """Whether that call, on a thread of its own, comes back within a minute."""
    calling = threading.Thread(target=call, daemon=True)
    calling.start()
    calling.join(60)
    return not calling.is_alive()


def within_a_minute(holds) -> bool:
    until = time.monotonic() + 60
    while not holds() and time.monotonic() < until:
        time.sleep(0.01)
        gc.collect()
    return holds()


class Collected(unittest.TestCase):
    def test_a_handler_that_refers_to_its_gatherer(self) -> None:
        with floe.Api(LOOPBACK) as api:
            left = [weakref.ref(Owner(api)) for _ in range(20)]
            self.assertTrue(within_a_minute(lambda: not any(one() for one in left)))
            self.assertTrue(within_a_minute(lambda: not api._native._children))  # closed, with its sockets

    def test_dropped_in_a_row(self) -> None:
        """Who drops faster than is closed waits."""
        with floe.Api(LOOPBACK) as api:
            most = 0
            for _ in range(1000):
                api.gatherer().gather()
                most = max(most, len(api._native._children))
            self.assertLess(most, 100)

    def test_a_stream_that_is_not_closed(self) -> None:
        async def streams(api: floe.Api):
            made = []
            for stream in (floe.Gatherer.events, floe.Gatherer.packets):
                gatherer = api.gatherer()
                gatherer.kept = stream(gatherer)
                gatherer.gather()
                made.append(weakref.ref(gatherer))
            return made

        with floe.Api(LOOPBACK) as api:
            left = asyncio.run(streams(api))
            self.assertTrue(within_a_minute(lambda: not any(one() for one in left)))

    def test_behind_its_api(self) -> None:
        """What an api closes lets go of its handlers at once, and without the collector."""
        with floe.Api(LOOPBACK) as api:
            owner = Owner(api)
            handler = weakref.ref(owner)
        gatherer = owner.gatherer
        del owner
        gc.collect()
        self.assertIsNone(handler())
        self.assertTrue(gatherer.closed)

    def test_collected_amid_a_call(self) -> None:
        """The collector may run with any lock held, and floe's thread wait for that one."""
        with floe.Api(LOOPBACK) as api:
            told = threading.Event()
            gatherer = api.gatherer()
            gatherer.subscribe(lambda event: told.set(), floe.EndOfCandidates)
            following = gatherer._sink.next_gathering

            def collect() -> None:
                Owner(api)
                time.sleep(0.1)  # floe's thread has something to tell, and waits
                gc.collect()
                following()

            gatherer._sink.next_gathering = collect
            self.assertTrue(ends(gatherer.gather))
            self.assertTrue(told.wait(60))

    def test_collected_with_a_lock_of_the_owners(self) -> None:
        """For which a handler waits."""
        with floe.Api(LOOPBACK) as api:
            lock = threading.Lock()
            gatherer = api.gatherer()
            gatherer.subscribe(lambda event: lock.acquire() and lock.release())

            def collect() -> None:
                with lock:
                    Owner(api)
                    gatherer.gather()
                    time.sleep(0.1)
                    gc.collect()

            self.assertTrue(ends(collect))

    def test_one_that_closes_is_collected_amid_a_call(self) -> None:
        with floe.Api(LOOPBACK) as api:
            gatherer = api.gatherer()
            following = gatherer._sink.next_gathering

            def collect() -> None:
                Closer(api)
                time.sleep(0.1)
                gc.collect()
                following()

            gatherer._sink.next_gathering = collect
            self.assertTrue(ends(gatherer.gather))
            gatherer.close()
            self.assertTrue(within_a_minute(lambda: not api._native._children))


class Interrupted(unittest.TestCase):
    """A signal handler comes between any two steps: what it raises, and what it closes, leaves nothing that waits for ever."""

    def ends(self, code: str) -> None:
        program = """
            import signal, sys, threading, time
            import floe
            class Alarm(Exception):
                pass
            def alarm(*_):
                raise Alarm
            signal.signal(signal.SIGALRM, alarm)
            api = floe.Api(floe.Settings(loopback=True))
            gatherer = api.gatherer()
            """
        self.assertEqual(run(textwrap.dedent(program) + textwrap.dedent(code)), (0, ""))

    def test_calls(self) -> None:
        """Each has ended, if by an exception."""
        self.ends(
            """
            gatherer.gather()
            for number in range(2000):
                try:
                    signal.setitimer(signal.ITIMER_REAL, 1e-5 + number % 100 * 2e-6)
                    while True:
                        gatherer.state
                except Alarm:
                    pass
            gatherer.close()
            """
        )

    def test_no_exception_is_lost_in_the_collector(self) -> None:
        """Python says so on standard error. It loses one of some hundred thousand alarms in this loop by itself, without floe too:
        then the alarm comes once more."""
        self.ends(
            """
            import gc
            for number in range(1000):
                try:
                    signal.setitimer(signal.ITIMER_REAL, 1e-5 + number % 100 * 2e-6, 5)
                    while True:
                        gc.collect(0)
                except Alarm:
                    pass
            signal.setitimer(signal.ITIMER_REAL, 0)
            """
        )

    def test_the_close_of_an_api(self) -> None:
        """It goes on when it is called again, and at the end of the program."""
        for then in ("then api.close()then assert api.closed and gatherer.closed", "then sys.exit(0)"):
            self.ends(
                """
                running = threading.Event()
                gatherer.subscribe(lambda event: (running.set(), time.sleep(0.3)), floe.EndOfCandidates)
                gatherer.gather()
                running.wait()
                signal.setitimer(signal.ITIMER_REAL, 0.1)
                try:
                    api.close()
                except Alarm:
                    pass
                """
                + then.replace("then ", "\n" + " " * 16)
            )

    def test_any_step_of_a_close(self) -> None:
        self.ends(
            """
            for number in range(1000):
                gatherer = api.gatherer()
                try:
                    signal.setitimer(signal.ITIMER_REAL, 1e-5 + number % 100 * 2e-6)
                    while True:
                        gatherer.close()
                        gatherer.state
                except Alarm:
                    gatherer.close()
                assert gatherer._native not in api._native._children
            api.close()
            """
        )

    def test_closed_by_a_signal_handler(self) -> None:
        """Amid a call of the same thread: it does not wait for that one."""
        for call in ("gatherer.statistics()", "gatherer.state", "gatherer.subscribe(id)()", "api.statistics()", "gatherer.close()"):
            with self.subTest(call):
                self.ends(
                    """
                    def close(*_):
                        gatherer.close()
                        api.close()
                        raise Alarm
                    signal.signal(signal.SIGALRM, close)
                    for number in range(100):
                        try:
                            gatherer.gather()
                            signal.setitimer(signal.ITIMER_REAL, 1e-5 + number % 50 * 2e-6)
                            while True:
                                CALL
                        except Alarm:
                            pass
                        assert gatherer.closed
                        until = time.monotonic() + 60
                        while not api.closed and time.monotonic() < until:
                            time.sleep(0.0001)
                        assert api.closed
                        api = floe.Api(floe.Settings(loopback=True))
                        gatherer = api.gatherer()
                    """.replace("CALL", call)
                )

    def test_an_associated_one_beside_its_api(self) -> None:
        """Made while the api is closed on another thread: it is closed with it."""
        self.ends(
            """
            make = floe.Gatherer._of
            closing = threading.Thread(target=api.close)
            def late(api, pointer):
                closing.start()
                time.sleep(0.2)
                return make(api, pointer)
            floe.Gatherer._of = late
            other = gatherer.create_associated()
            closing.join()
            assert other.closed
            """
        )


def run(code: str):
    """A program, which may hang."""
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, start_new_session=True) as made:
        try:
            said = made.communicate(timeout=60)[1]
        except subprocess.TimeoutExpired:
            os.killpg(made.pid, 9)  # with its children
            raise
    return made.returncode, said


@unittest.skipUnless(hasattr(os, "fork"), "there is no fork here")
class Forked(unittest.TestCase):
    def child(self, work: str) -> None:
        """Of a parent with an api, a gatherer and a stream, the child does this, and ends in peace; the parent too."""
        program = """
            import asyncio, gc, os, sys, threading, warnings
            import floe
            warnings.simplefilter("ignore", DeprecationWarning)
            def refused(call):
                try:
                    call()
                except floe.InvalidStateError as error:
                    assert "fork" in error.text, error.text
                else:
                    raise AssertionError("it was not refused")
            async def main():
                api = floe.Api(floe.Settings(loopback=True))
                gatherer = api.gatherer()
                await gatherer.complete()
                return api, gatherer, gatherer.events()
            api, gatherer, stream = asyncio.run(main())
            held, forked = threading.Event(), threading.Event()
            def hold():  # for ever, in the child
                with gatherer._sink.asking, gatherer._sink.gathering.lock, gatherer._subscribing, stream._lock:
                    held.set()
                    forked.wait()
            threading.Thread(target=hold).start()
            held.wait()
            child = os.fork()
            if child == 0:
            %s
            forked.set()
            ended = os.waitpid(child, 0)[1]
            assert len(gatherer.candidates()) >= 1
            stream.close()
            gatherer.close()
            api.close()
            sys.exit(ended)
            """
        code = textwrap.dedent(program) % textwrap.indent(work, "    ")
        self.assertEqual(run(code), (0, ""))

    def test_that_ends(self) -> None:
        self.child("sys.exit(0)")

    def test_that_drops(self) -> None:
        self.child("gatherer = stream = api = None; gc.collect(); sys.exit(0)")

    def test_that_closes(self) -> None:
        self.child("stream.close(); gatherer.close(); api.close(); asyncio.run(gatherer.aclose()); sys.exit(0)")

    def test_that_calls(self) -> None:
        calls = "gatherer.gather gatherer.restart gatherer.candidates gatherer.statistics gatherer.parameters api.gatherer api.statistics"
        self.child(
            "for call in (%s):\n    refused(call)\n" % ", ".join(calls.split())
            + "refused(lambda: gatherer.subscribe(print))\n"
            + "refused(lambda: gatherer.send(1, ('127.0.0.1', 9), b'x'))\n"
            + "refused(lambda: asyncio.run(gatherer.complete()))\n"
            + "refused(lambda: asyncio.run(stream.__anext__()))\n"
            + "assert gatherer.closed and api.closed and gatherer.state == floe.GathererState.CLOSED\n"
            + "sys.exit(0)"
        )

    def test_that_makes_its_own(self) -> None:
        self.child(
            "with floe.Api(floe.Settings(loopback=True)) as own:\n"
            "    assert asyncio.run(own.gatherer().complete())\n"
            "    gc.collect()\n"
            "sys.exit(0)"
        )


if __name__ == "__main__":
    unittest.main()
