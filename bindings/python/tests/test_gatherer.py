"""Gathering and data, with a server on loopback (responder.py)."""
import asyncio
import copy
import gc
import json
import logging
import os
import pickle
import socket
import sys
import threading
import time
import unittest

import floe
from floe import CandidateType, GathererState
from floe._floe import ffi, lib
from floe._handlers import Listener
from responder import Responder, binding_request

LOOPBACK = floe.Settings(loopback=True, ip_filter=lambda address: address.host == "127.0.0.1")


def turn(server: Responder, **changes: str) -> floe.IceServer:
    given = {"username": "floe", "credential": "iceberg", **changes}
    return floe.IceServer("turn:127.0.0.1:%d" % server.port, **given)


async def soon(awaitable):  # a test that hangs fails
    return await asyncio.wait_for(awaitable, 60)


class Gathering(unittest.IsolatedAsyncioTestCase):
    async def test_all_three_kinds(self) -> None:
        with Responder() as server:
            async with floe.Api(LOOPBACK) as api, api.gatherer([turn(server)], sdp_mid="0") as gatherer:
                found = []
                async for candidate in gatherer:
                    found.append(candidate)
                self.assertEqual(sorted(one.type for one in found), [CandidateType.HOST, CandidateType.RELAY])
                relay = found[1]
                self.assertEqual((relay.address, relay.url, relay.sdp_mid), ("127.0.0.1", "turn:127.0.0.1:%d" % server.port, "0"))
                self.assertEqual(gatherer.state, GathererState.COMPLETE)
                self.assertEqual(gatherer.candidates(), found)
                self.assertEqual(gatherer.errors, [])
                gatherer.raise_for_errors()
                # Whoever comes late, or again, hears the same.
                self.assertEqual([one async for one in gatherer], found)
                self.assertEqual(str(relay), relay.text)
                self.assertEqual(json.loads(json.dumps(relay.to_init()))["candidate"], relay.text)
                self.assertEqual(relay.peer(), floe.Address("127.0.0.1", relay.port))
                allocate = [one for one in gatherer.statistics().servers if one.method == "Allocate"][0]
                self.assertEqual((allocate.progress, allocate.responses, allocate.lifetime), (floe.ServerProgress.SUCCEEDED, 2, 600))
                self.assertGreater(allocate.total_round_trip, 0)
                self.assertEqual(len(gatherer.statistics().candidates), 2)
                self.assertGreaterEqual(api.statistics().packets_received, 2)
        self.assertEqual(server.relays, {})  # released

    async def test_several_at_once(self) -> None:
        with Responder() as server:
            async with floe.Api(LOOPBACK) as api:
                gatherers = [api.gatherer([turn(server)]) for _ in range(20)]
                lists = await soon(asyncio.gather(*(one.complete() for one in gatherers)))
                self.assertEqual([len(one) for one in lists], [2] * 20)

    async def test_gather_again_and_restart(self) -> None:
        with Responder() as server:
            async with floe.Api(LOOPBACK) as api, api.gatherer([turn(server)]) as gatherer:
                first = await soon(gatherer.complete())
                gatherer.gather()
                self.assertEqual([one async for one in gatherer], [])  # nothing new
                before = gatherer.parameters()
                gatherer.restart()
                self.assertEqual(gatherer.state, GathererState.NEW)
                self.assertNotEqual(gatherer.parameters().username_fragment, before.username_fragment)
                gatherer.gather()
                again = [one async for one in gatherer]
                self.assertEqual([one.id for one in again], [one.id for one in first])
                gatherer.set_options(floe.GatherOptions())
                gatherer.gather()
                with self.assertRaises(floe.InvalidStateError):
                    gatherer.gather()
                self.assertEqual([one.type for one in await soon(gatherer.complete())], [CandidateType.HOST])

    async def test_own_credentials(self) -> None:
        async with floe.Api(LOOPBACK) as api, api.gatherer(username_fragment="own/Fragment+", password="p" * 22) as gatherer:
            self.assertEqual((gatherer.parameters().username_fragment, gatherer.parameters().password), ("own/Fragment+", "p" * 22))
            with self.assertRaisesRegex(floe.InvalidArgumentError, "options.password is the one of now"):
                gatherer.restart("another", "p" * 22)
            gatherer.restart("another")
            self.assertEqual(gatherer.parameters().username_fragment, "another")
            with self.assertRaisesRegex(floe.InvalidArgumentError, "options.username_fragment: character 2 "):
                api.gatherer(username_fragment="a:b")
            self.assertNotIn("ppp", repr(floe.GatherOptions(password="p" * 22)))

    async def test_types(self) -> None:
        with Responder() as server:
            async with floe.Api(LOOPBACK) as api:
                for types, transports, wanted in (
                    (0, 0, [CandidateType.HOST, CandidateType.RELAY]),
                    (floe.GatherType.HOST, 0, [CandidateType.HOST]),
                    (floe.GatherType.RELAY, floe.RelayTransport.UDP, [CandidateType.RELAY]),
                    (floe.GatherType.RELAY | floe.GatherType.HOST, floe.RelayTransport.TLS, [CandidateType.HOST]),
                ):
                    async with api.gatherer([turn(server)], candidate_types=types, relay_transports=transports) as gatherer:
                        self.assertEqual([one.type for one in await soon(gatherer.complete())], wanted)
                        self.assertEqual(gatherer.errors, [])

    async def test_asked_twice(self) -> None:
        """What is refused leaves the gathering that is under way as it is."""
        async with floe.Api(LOOPBACK) as api, api.gatherer() as gatherer:
            for _ in range(200):
                gatherer.restart()
                gatherer.gather()
                try:
                    gatherer.gather()  # refused, but for one that is complete already
                except floe.InvalidStateError:
                    pass
                await soon(gatherer.complete())
            gatherer.restart()
            # However long this thread stands still behind the call.
            following = gatherer._sink.next_gathering
            gatherer._sink.next_gathering = lambda: (time.sleep(0.1), following())
            both = await soon(asyncio.gather(gatherer.complete(), gatherer.complete()))
            self.assertEqual([len(one) for one in both], [1, 1])

    async def test_errors_of_servers(self) -> None:
        with Responder(refuse=486) as server, Responder() as other:
            urls = [turn(server), turn(other, credential="wrong")]
            async with floe.Api(LOOPBACK) as api, api.gatherer(urls) as gatherer:
                await soon(gatherer.complete())
                self.assertEqual(sorted(one.code for one in gatherer.errors), [401, 486])
                error = [one for one in gatherer.errors if one.code == 486][0]
                self.assertEqual((error.url, error.address, error.url_failed), ("turn:127.0.0.1:%d" % server.port, "127.0.0.1", True))
                self.assertIs(error.reason, floe.FailureReason.QUOTA)
                self.assertIn("486", str(error))
                self.assertIn(error.text, str(error))
                with self.assertRaises(floe.ServerError):
                    gatherer.raise_for_errors()

    async def test_errors_are_of_one_gathering(self) -> None:
        with Responder() as server:
            async with floe.Api(LOOPBACK) as api, api.gatherer([turn(server, credential="wrong")]) as gatherer:
                await soon(gatherer.complete())
                self.assertEqual([one.code for one in gatherer.errors], [401])
                gatherer.set_options(floe.GatherOptions([turn(server)]))
                gatherer.restart()
                self.assertEqual(len(await soon(gatherer.complete())), 2)
                self.assertEqual(gatherer.errors, [])
                gatherer.raise_for_errors()

    async def test_a_stream_that_is_closed_on_another_thread(self) -> None:
        async with floe.Api(LOOPBACK) as api, api.gatherer() as gatherer:
            events = gatherer.events()
            closing = threading.Timer(0.1, events.close)
            closing.start()
            with self.assertRaises(StopAsyncIteration):
                await soon(events.__anext__())
            closing.join()

    async def test_a_stream_ends_with_its_api(self) -> None:
        async with floe.Api(LOOPBACK) as api:
            events = api.gatherer().events(floe.Writable)
            waiting = asyncio.ensure_future(events.__anext__())
            await asyncio.sleep(0)
        with self.assertRaises(StopAsyncIteration):
            await soon(waiting)

    async def test_events(self) -> None:
        with Responder() as server:
            async with floe.Api(LOOPBACK) as api, api.gatherer([turn(server)]) as gatherer:
                seen = []
                async with gatherer.events() as events:
                    gatherer.gather()
                    async for event in events:
                        seen.append(event)
                        if isinstance(event, floe.EndOfCandidates):
                            break
                self.assertEqual(seen[0], floe.StateChange(GathererState.GATHERING))
                self.assertEqual(seen[-2:], [floe.StateChange(GathererState.COMPLETE), floe.EndOfCandidates()])
                self.assertEqual([type(one) for one in seen[1:-2]], [floe.CandidateFound] * 2)
                # A stream ends with its gatherer.
                rest = gatherer.events(floe.StateChange)
                await gatherer.aclose()
                self.assertEqual([one async for one in rest], [floe.StateChange(GathererState.CLOSED)])
                for wait in (gatherer.complete(), gatherer.__aiter__().__anext__()):
                    with self.assertRaises(floe.InvalidStateError):
                        await wait
                with self.assertRaises(floe.InvalidStateError):
                    gatherer.events()

    async def test_closed_while_it_is_awaited(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            url = "stun:127.0.0.1:%d" % silent.getsockname()[1]
            async with floe.Api(LOOPBACK) as api:
                gatherer = api.gatherer([floe.IceServer(url)])

                found = []

                async def collect():
                    async for one in gatherer:
                        found.append(one)

                tasks = [asyncio.ensure_future(collect()), asyncio.ensure_future(gatherer.complete())]
                while not found:
                    await asyncio.sleep(0.01)
                await gatherer.aclose()
                for task in tasks:  # they tell that it is not whole
                    with self.assertRaises(floe.InvalidStateError):
                        await soon(task)
                with self.assertRaises(floe.InvalidStateError):
                    gatherer.gather()
                gatherer.close()

    async def test_cancelled(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            url = "stun:127.0.0.1:%d" % silent.getsockname()[1]
            with floe.Api(LOOPBACK) as api, api.gatherer([floe.IceServer(url)]) as gatherer:
                with self.assertRaises(asyncio.TimeoutError):
                    await asyncio.wait_for(gatherer.complete(), 0.05)
                self.assertEqual(gatherer.state, GathererState.GATHERING)

    async def test_the_network_changes(self) -> None:
        """Who wants to hear of it may; and a gatherer follows it, be it that nothing changes."""
        heard: list = []
        with floe.Api(floe.Settings(loopback=True)) as api:
            api.on_network_change(heard.append)
            gatherer = api.gatherer(continual=True)
            async for _ in gatherer:
                pass
            api.on_network_change(None)
            with self.assertRaises(TypeError):
                api.on_network_change(self.test_look_up)
            api.on_network_change(lambda change: heard.append(change))
        with self.assertRaises(floe.InvalidStateError):
            api.on_network_change(None)
        for change in heard: # of another's doing
            self.assertIsInstance(change, floe.NetworkChange)
        name = ffi.new("char[]", b"eth0")
        c = ffi.new("floe_network_change *", {"change": 2, "interface_name": name, "interface_index": 3, "up": True})
        c.address.family = 4
        listener = Listener()
        listener.handler = heard.append
        heard.clear()
        lib.floe_py_network_change(listener.handle, c)
        self.assertEqual((heard[0].change, heard[0].interface_name, heard[0].up), (floe.NetworkChangeKind.REMOVED, "eth0", True))

    async def test_look_up(self) -> None:
        async with floe.Api() as api:
            with self.assertRaises(floe.FloeError):
                await soon(api.look_up("nobody-has-this-name.local", 50))
            with self.assertRaises(floe.InvalidArgumentError):
                await api.look_up("example.org")
            for name, kind, text in (
                ("x" * 300 + ".local", ValueError, "306 bytes, more than 255"),
                ("a\0.local", ValueError, "NUL"),
                (None, TypeError, "a text is wanted, not NoneType"),
                (b"a.local", TypeError, "a text is wanted, not bytes"),
            ):
                with self.subTest(name), self.assertRaises(kind) as caught:
                    await api.look_up(name)
                self.assertIn(text, str(caught.exception))
            task = asyncio.ensure_future(api.look_up("nobody-has-this-name.local", 60000))
            await asyncio.sleep(0)
        with self.assertRaises(floe.FloeError):
            await soon(task)


class Data(unittest.IsolatedAsyncioTestCase):
    async def test_through_a_relay_and_back(self) -> None:
        with Responder() as server:
            async with floe.Api(LOOPBACK) as api, api.gatherer([turn(server)]) as gatherer:
                host, relay = await soon(gatherer.complete())
                packets = gatherer.packets()
                loop = asyncio.get_running_loop()
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
                    peer.bind(("127.0.0.1", 0))
                    peer.setblocking(False)
                    for way in (relay, host):
                        for data in (b"hello", bytearray(b"again"), memoryview(b"view")):
                            gatherer.send(way, peer.getsockname(), data)
                            got, source = await soon(loop.run_in_executor(None, receive, peer))
                            self.assertEqual((got, source[1]), (bytes(data), way.port))
                            peer.sendto(b"back " + got, source)
                            packet = await soon(packets.__anext__())
                            self.assertEqual((packet.data, packet.candidate_id), (b"back " + got, way.id))
                            self.assertEqual(packet.peer, floe.Address(*peer.getsockname()))
                            self.assertIsNone(packet.check)

    async def test_checks_are_answered(self) -> None:
        answered, refused = [], []

        def answer(packet: floe.Packet) -> None:
            if packet.check is not None:
                answered.append(packet)
                packet.answer(0 if packet.check.authenticated else 401)
                with self.assertRaises(floe.InvalidStateError):  # once
                    packet.answer()
                refused.append(packet)

        async with floe.Api(LOOPBACK) as api, api.gatherer() as gatherer:
            (host,) = await soon(gatherer.complete())
            gatherer.subscribe(answer, floe.Packet)
            parameters = gatherer.parameters()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
                peer.bind(("127.0.0.1", 0))
                for password, code in ((parameters.password, 0x0101), ("wrong", 0x0111)):
                    peer.sendto(binding_request(parameters.username_fragment + ":them", password, 77), ("127.0.0.1", host.port))
                    reply, _ = await soon(asyncio.get_running_loop().run_in_executor(None, receive, peer))
                    self.assertEqual(int.from_bytes(reply[:2], "big"), code)
            self.assertEqual([one.check.authenticated for one in answered], [True, False])
            self.assertEqual((answered[0].check.remote_username_fragment, answered[0].check.priority), ("them", 77))
            self.assertTrue(answered[0].check.controlling)
            self.assertEqual(refused, answered)
            with self.assertRaises(floe.InvalidStateError):  # too late
                answered[0].answer()

    async def test_what_is_one_is_not_copied(self) -> None:
        async with floe.Api(LOOPBACK) as api, api.gatherer() as gatherer:
            for one in (api, gatherer):
                for double in (copy.copy, copy.deepcopy, pickle.dumps):
                    with self.subTest(double), self.assertRaises(TypeError):
                        double(one)

    async def test_what_cannot_be_sent(self) -> None:
        async with floe.Api(LOOPBACK) as api, api.gatherer() as gatherer:
            (host,) = await soon(gatherer.complete())
            with self.assertRaises(floe.NotFoundError):
                gatherer.send(4711, ("127.0.0.1", 9), b"x")
            with self.assertRaises(floe.ParseError):
                gatherer.send(host, ("localhost", 9), b"x")
            with self.assertRaises(floe.InvalidArgumentError):
                gatherer.send(host, ("127.0.0.1", 9), bytes(70000))

    async def test_a_full_queue(self) -> None:
        settings = floe.Settings(loopback=True, send_queue_size=4096, ip_filter=LOOPBACK.ip_filter)
        with Responder() as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            async with floe.Api(settings) as api, api.gatherer([turn(server)]) as gatherer:
                host, _ = await soon(gatherer.complete())
                for _ in range(500):
                    await soon(gatherer.send_wait(host, peer.getsockname(), bytes(1000)))

    async def test_room_that_came_before_it_was_waited_for(self) -> None:
        async with floe.Api(LOOPBACK) as api, api.gatherer() as gatherer:
            (host,) = await soon(gatherer.complete())
            send, full = gatherer.send, [floe.QueueFullError("full")]

            def send_later(*arguments):
                if full:
                    raise full.pop()
                send(*arguments)

            gatherer.send = send_later
            await soon(gatherer.send_wait(host, ("127.0.0.1", 9), b"x"))

    async def test_closed_before_there_was_room(self) -> None:
        async with floe.Api(LOOPBACK) as api, api.gatherer() as gatherer:

            def send(*_):
                raise floe.QueueFullError("full")

            gatherer.send = send
            waiting = asyncio.ensure_future(gatherer.send_wait(1, ("127.0.0.1", 9), b"x"))
            await asyncio.sleep(0)
            await gatherer.aclose()
            with self.assertRaises(floe.InvalidStateError):
                await soon(waiting)

    async def test_packets_that_came_before_anybody_asked(self) -> None:
        async with floe.Api(LOOPBACK) as api, api.gatherer() as gatherer:
            (host,) = await soon(gatherer.complete())
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
                peer.sendto(b"early", ("127.0.0.1", host.port))
            gatherer.subscribe(lambda event: None, floe.StateChange)
            await asyncio.sleep(0.2)  # if it were read now, it would be lost
            self.assertEqual((await soon(gatherer.packets().__anext__())).data, b"early")

    async def test_packets_beyond_the_limit(self) -> None:
        async with floe.Api(LOOPBACK) as api, api.gatherer() as gatherer:
            (host,) = await soon(gatherer.complete())
            packets = gatherer.packets(limit=2)
            count = threading.Semaphore(0)
            gatherer.subscribe(lambda packet: count.release(), floe.Packet)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
                for number in range(5):
                    peer.sendto(b"%d" % number, ("127.0.0.1", host.port))
                for _ in range(5):
                    await asyncio.get_running_loop().run_in_executor(None, count.acquire)
            self.assertEqual(packets.dropped, 3)
            self.assertEqual([(await packets.__anext__()).data for _ in range(2)], [b"0", b"1"])

    async def test_unreachable(self) -> None:
        async with floe.Api(LOOPBACK) as api, api.gatherer() as gatherer:
            (host,) = await soon(gatherer.complete())
            events = gatherer.events(floe.Unreachable)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
                nobody.bind(("127.0.0.1", 0))
                address = nobody.getsockname()
            gatherer.send(host, address, b"x")
            event = await soon(events.__anext__())
            self.assertEqual((event.candidate_id, event.peer, event.reason), (host.id, floe.Address(*address), floe.UnreachableReason.PORT))


def receive(peer: socket.socket):
    peer.settimeout(30)
    return peer.recvfrom(65536)


class Plain(unittest.TestCase):
    """Without asyncio, and what is refused."""

    def test_handlers(self) -> None:
        ended = threading.Event()
        found = []
        with Responder() as server, floe.Api(LOOPBACK) as api, api.gatherer([turn(server)]) as gatherer:

            def handler(event: floe.Event) -> None:
                found.append(event)
                if isinstance(event, floe.EndOfCandidates):
                    ended.set()

            unsubscribe = gatherer.subscribe(handler)
            gatherer.gather()
            self.assertTrue(ended.wait(60))
            self.assertEqual(len(found), 5)
            unsubscribe()
            gatherer.close()
            self.assertEqual(len(found), 5)

    def test_a_handler_that_raises(self) -> None:
        with floe.Api(LOOPBACK) as api, api.gatherer() as gatherer:
            ended = threading.Event()

            def bad(event: floe.Event) -> None:
                raise RuntimeError("this handler is a bad one")

            gatherer.subscribe(bad, floe.EndOfCandidates)
            gatherer.subscribe(lambda event: ended.set(), floe.EndOfCandidates)
            with self.assertLogs("floe", logging.ERROR) as logged:
                gatherer.gather()
                self.assertTrue(ended.wait(60))
            self.assertIn("this handler is a bad one", logged.output[0])
            self.assertIn("bad failed at EndOfCandidates", logged.output[0])

    def test_a_coroutine_is_no_handler(self) -> None:
        async def handler(event: object) -> bool:
            return True

        for name in ("on_trace", "interface_filter", "ip_filter"):
            with self.subTest(name), self.assertRaises(TypeError):
                floe.Api(floe.Settings(**{name: handler}))
        with floe.Api(LOOPBACK) as api, self.assertRaises(TypeError):
            api.gatherer().subscribe(handler)

    def test_the_name_of_the_thread(self) -> None:
        names = []
        with floe.Api(LOOPBACK) as api, api.gatherer() as gatherer:
            gatherer.subscribe(lambda event: names.append(threading.current_thread().name))
            asyncio.run(gatherer.complete())
        self.assertEqual(set(names), {"floe"})

    def test_what_is_no_subscription(self) -> None:
        with floe.Api(LOOPBACK) as api, api.gatherer() as gatherer:
            for handler, kinds in ((None, ()), (print, ("x",)), (print, (int,)), (print, (floe.Packet, floe.Event))):
                with self.subTest(kinds), self.assertRaises(TypeError):
                    gatherer.subscribe(handler, *kinds)

    def test_a_subscription_that_fails_is_alone(self) -> None:
        class Odd(type):
            def __instancecheck__(cls, instance):
                raise SystemError("this kind is a bad one")

        def leave(event: floe.Event) -> None:
            raise SystemExit("this handler leaves")

        with self.assertLogs("floe", logging.ERROR), floe.Api(LOOPBACK) as api, api.gatherer() as gatherer:
            ended = threading.Event()
            gatherer._sink.handlers += ((print, (Odd("Kind", (), {}),)),)
            gatherer.subscribe(leave, floe.EndOfCandidates)
            gatherer.subscribe(lambda event: ended.set(), floe.EndOfCandidates)
            gatherer.gather()
            self.assertTrue(ended.wait(60))

    def test_closing_in_a_handler(self) -> None:
        with floe.Api(LOOPBACK) as api:
            gatherer = api.gatherer()
            closed = threading.Event()
            refused = []

            def handler(event: floe.Event) -> None:
                if isinstance(event, floe.CandidateFound):
                    try:
                        api.close()
                    except floe.WouldDeadlockError as error:
                        refused.append(error)
                    gatherer.close()
                elif event == floe.StateChange(GathererState.CLOSED):
                    closed.set()

            gatherer.subscribe(handler)
            for _ in ("while it is awaited", "afterwards"):
                with self.assertRaises(floe.InvalidStateError):
                    asyncio.run(soon(gatherer.complete()))
            self.assertTrue(closed.wait(60))
            self.assertEqual(len(refused), 1)
            self.assertTrue(gatherer.closed)
        self.assertTrue(api.closed)

    def test_calls_on_other_threads_while_it_is_closed(self) -> None:
        for _ in range(20):
            with floe.Api(LOOPBACK) as api:
                gatherer = api.gatherer()
                gatherer.gather()
                ready = threading.Barrier(4)

                def call() -> None:
                    ready.wait()
                    try:
                        for _ in range(1000):
                            gatherer.candidates()
                            gatherer.statistics()
                    except floe.InvalidStateError:
                        pass

                threads = [threading.Thread(target=call) for _ in range(3)]
                for thread in threads:
                    thread.start()
                ready.wait()
                time.sleep(0.002)
                api.close()
                for thread in threads:
                    thread.join()
                with self.assertRaises(floe.InvalidStateError):
                    api.gatherer()
                self.assertEqual(gatherer.state, GathererState.CLOSED)

    def test_what_nobody_refers_to_is_closed(self) -> None:
        with Responder() as server, floe.Api(LOOPBACK) as api:
            ended = threading.Event()
            gatherer = api.gatherer([turn(server)])
            gatherer.subscribe(lambda event: ended.set(), floe.EndOfCandidates)
            gatherer.gather()
            self.assertTrue(ended.wait(60))
            del gatherer
            gc.collect()
            until = time.monotonic() + 60
            while server.relays and time.monotonic() < until:
                time.sleep(0.01)
            self.assertEqual(server.relays, {})
        other = floe.Api()
        left = other.gatherer()
        del other, left
        gc.collect()

    def test_settings(self) -> None:
        traced = []
        names = []

        def keep(name: str) -> bool:
            names.append(name)
            return name == "lo"

        settings = floe.Settings(
            loopback=True,
            port_min=40000,
            port_max=60000,
            network_types=floe.NetworkType.UDP4,
            on_trace=traced.append,
            interface_filter=keep,
            address_rewrite_rules=[floe.AddressRewriteRule(external=["203.0.113.9"], local="127.0.0.1")],
        )
        with Responder() as server, floe.Api(settings) as api, api.gatherer([turn(server)]) as gatherer:
            settings.on_trace = None  # it was copied
            found = asyncio.run(gatherer.complete())
            self.assertIn("203.0.113.9", [one.address for one in found])
            self.assertTrue(all(one.interface_name == "lo" for one in found))
            self.assertIn("lo", names)
            self.assertTrue(40000 <= found[0].port <= 60000)
            sent = [one for one in traced if one.kind == floe.TraceKind.SENT]
            self.assertIn("Allocate", {one.method for one in sent})
            self.assertEqual((sent[0].remote, len(sent[0].transaction_id)), (floe.Address("127.0.0.1", server.port), 12))

    def test_a_filter_that_raises(self) -> None:
        def bad(address: floe.Address) -> bool:
            raise RuntimeError("this filter is a bad one")

        with self.assertLogs("floe", logging.ERROR) as logged:
            with floe.Api(floe.Settings(loopback=True, ip_filter=bad)) as api, api.gatherer() as gatherer:
                self.assertEqual(asyncio.run(gatherer.complete()), [])
        self.assertIn("this filter is a bad one", logged.output[0])
        self.assertIn("ip_filter failed", logged.output[0])

    def test_associated(self) -> None:
        with floe.Api(LOOPBACK) as api, api.gatherer() as rtp, rtp.create_associated() as rtcp:
            self.assertEqual({one.component for one in asyncio.run(rtcp.complete())}, {2})
            self.assertEqual(rtp.parameters(), rtcp.parameters())

    def test_errors_of_calls(self) -> None:
        with self.assertRaises(floe.InvalidArgumentError) as caught:
            floe.Api(floe.Settings(pacing_ms=1))
        self.assertEqual(caught.exception.error, floe.Error.INVALID_ARGUMENT)
        self.assertIn("pacing_ms", caught.exception.text)
        with self.assertRaises(OverflowError):
            floe.Api(floe.Settings(pacing_ms=1 << 40))
        with floe.Api() as api:
            with self.assertRaises(floe.ParseError) as syntax:
                api.gatherer([floe.IceServer("stun:a?b")])
            self.assertIn("stun:a?b", str(syntax.exception))
            with self.assertRaises(floe.InvalidAccessError):
                api.gatherer([floe.IceServer("turn:example.org")])
            with self.assertRaises(ValueError):
                api.gatherer([floe.IceServer("stun:a\0b")])
            with self.assertRaises(TypeError):
                api.gatherer(no_such_option=1)
        with self.assertRaises(TypeError):
            floe.Gatherer()

    def test_wrong_types_are_told_by_field(self) -> None:
        with floe.Api() as api, api.gatherer() as gatherer:
            for call, text in (
                (lambda: api.gatherer("stun:a"), "ice_servers: a sequence is wanted, not str"),
                (lambda: api.gatherer(["stun:a"]), "ice_servers: floe.IceServer is wanted, not str"),
                (lambda: gatherer.set_options([]), "floe.GatherOptions is wanted, not list"),
                (lambda: floe.Api(3), "floe.Settings is wanted, not int"),
                (lambda: floe.Api({}), "floe.Settings is wanted, not dict"),
                (lambda: floe.Candidate.parse(b"candidate:1"), "a text is wanted, not bytes"),
                (lambda: floe.AddressRewriteRule.parse(None), "a text is wanted, not NoneType"),
                (lambda: floe.Api(floe.Settings(nat_1to1_ips="192.0.2.1")), "nat_1to1_ips: a sequence is wanted, not str"),
                (lambda: floe.Api(floe.Settings(port_min="x")), "port_min: "),
                (lambda: floe.Api(floe.Settings(port_min=70000)), "port_min: "),
            ):
                with self.subTest(text), self.assertRaises((TypeError, OverflowError)) as caught:
                    call()
                self.assertIn(text, str(caught.exception))

    def test_what_is_no_address_is_told(self) -> None:
        with floe.Api() as api, api.gatherer() as gatherer:
            for peer in ("203.0.113.3:7000", "ab", b"ab", ("203.0.113.3",), (1, 2), ("203.0.113.3", "7000"),
                         ("::1", 7000, 0, 0), None, 7000):
                with self.subTest(peer), self.assertRaises(TypeError) as caught:
                    gatherer.send(1, peer, b"")
                self.assertEqual('an address is (host, port), as ("192.0.2.1", 3478), and not %r' % (peer,), str(caught.exception))
            for port in (70000, 65536, -1):
                with self.subTest(port), self.assertRaises(OverflowError) as range_error:
                    gatherer.send(1, ("203.0.113.3", port), b"")
                self.assertEqual("a port is 0 to 65535, and not %d" % port, str(range_error.exception))

    def test_a_file_that_is_not_there(self) -> None:
        with self.assertRaises(floe.FloeError) as caught:
            floe.Api(floe.Settings(tls_ca_file="/nowhere/ca.pem"))
        self.assertIn('settings.tls_ca_file "/nowhere/ca.pem": no such file', caught.exception.text)
        for path in (b"/nowhere/\xff", os.fsdecode(b"/nowhere/\xff")):  # a name of the file system's need not be UTF-8
            with self.subTest(path), self.assertRaises(floe.FloeError) as undecodable:
                floe.Api(floe.Settings(tls_ca_file=path))
            self.assertIn('"/nowhere/\ufffd": no such file', undecodable.exception.text)

    def test_secrets_are_not_shown(self) -> None:
        server = floe.IceServer("turn:a", username="u", credential="hidden-word")
        self.assertNotIn("hidden-word", repr(floe.GatherOptions([server])))
        self.assertNotIn("hidden-word", repr(floe.Parameters("u", "hidden-word")))

    def test_texts(self) -> None:
        line = "candidate:1 1 udp 2130706431 2001:db8::1 50000 typ host generation 0 ufrag abcd"
        candidate = floe.Candidate.parse(line)
        self.assertEqual((candidate.type, candidate.protocol), (CandidateType.HOST, floe.Protocol.UDP))
        self.assertEqual(candidate.extensions[0], ("generation", "0"))
        self.assertEqual(candidate.username_fragment, "abcd")
        self.assertEqual(str(candidate.peer()), "[2001:db8::1]:50000")
        with self.assertRaises(floe.ParseError):
            floe.Candidate.parse("candidate:1 1 udp")
        with self.assertRaises(floe.UnsupportedError):
            floe.Candidate.parse("candidate:1 1 sctp 1 192.0.2.1 1 typ host")
        with self.assertRaises(floe.ParseError):
            floe.Candidate.parse("candidate:1 1 udp 1 name.local 1 typ host").peer()
        rule = floe.AddressRewriteRule.parse("external=203.0.113.1,external=203.0.113.2,cidr=10.0.0.0/8,mode=append,networks=udp4")
        self.assertEqual(
            rule,
            floe.AddressRewriteRule(
                external=["203.0.113.1", "203.0.113.2"],
                cidr="10.0.0.0/8",
                mode=floe.AddressRewriteMode.APPEND,
                networks=floe.NetworkType.UDP4,
            ),
        )

    def test_at_the_end_of_the_process(self) -> None:
        """Nothing is closed, and a handler still runs: it ends in peace."""
        import subprocess

        code = "import asyncio, floe; a = floe.Api(floe.Settings(loopback=True, on_trace=print)); g = a.gatherer(); g.gather()"
        ended = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True, text=True)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
