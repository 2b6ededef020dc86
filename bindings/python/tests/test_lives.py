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
            calling = threading.Thread(target=gatherer.gather, daemon=True)
            calling.start()
            calling.join(60)
            self.assertFalse(calling.is_alive())
            self.assertTrue(told.wait(60))


@unittest.skipUnless(hasattr(os, "fork"), "there is no fork here")
class Forked(unittest.TestCase):
    def child(self, work: str) -> None:
        """Of a parent with an api, a gatherer and a stream, the child does this, and ends in peace; the parent too."""
        program = """
            import asyncio, gc, os, sys, warnings
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
            child = os.fork()
            if child == 0:
            %s
            ended = os.waitpid(child, 0)[1]
            assert len(gatherer.candidates()) >= 1
            stream.close()
            gatherer.close()
            api.close()
            sys.exit(ended)
            """
        code = textwrap.dedent(program) % textwrap.indent(work, "    ")
        with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, start_new_session=True) as parent:
            try:
                said = parent.communicate(timeout=60)[1]
            except subprocess.TimeoutExpired:
                os.killpg(parent.pid, 9)  # with the child, which hangs
                raise
        self.assertEqual((parent.returncode, said), (0, ""))

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
