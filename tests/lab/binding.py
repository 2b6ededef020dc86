"""What the Python package sees through a NAT, of a coturn: candidates, errors, data and statistics.

    binding.py SERVER SILENT USER PASSWORD
"""
import asyncio
import sys

import floe

SERVER, SILENT, USER, PASSWORD = sys.argv[1:]
SETTINGS = floe.Settings(straggler_grace_ms=2000, gather_timeout_ms=20000)


def server(scheme: str, password: str = PASSWORD) -> floe.IceServer:
    return floe.IceServer("%s:%s" % (scheme, SERVER), username=USER, credential=password)


async def candidates(api: floe.Api) -> None:
    async with api.gatherer([server("turn"), floe.IceServer("stun:" + SILENT)]) as gatherer:
        kinds = sorted([one.type.name async for one in gatherer])
        assert kinds == ["HOST", "HOST", "RELAY", "SRFLX"], kinds
        assert [error.code for error in gatherer.errors] == [701, 701] or len(gatherer.errors) == 1, gatherer.errors
        assert all(error.url == "stun:" + SILENT for error in gatherer.errors), gatherer.errors
        allocate = [one for one in gatherer.statistics().servers if one.method == "Allocate" and one.lifetime][0]
        assert "Coturn" in (allocate.software or "") and allocate.round_trip > 0.04, allocate


async def refused(api: floe.Api) -> None:
    async with api.gatherer([server("turn", "wrong")]) as gatherer:
        await gatherer.complete()
        try:
            gatherer.raise_for_errors()
        except floe.ServerError as error:
            assert error.code == 401 and error.text, error
        else:
            raise AssertionError("a wrong password is no error")


async def data(api: floe.Api) -> None:
    """From one relay to another, and back, 40 packets in all."""
    options = floe.GatherOptions([server("turn")], floe.GatherPolicy.RELAY)
    async with api.gatherer(options) as one, api.gatherer(options) as other:
        (here,), (there,) = await asyncio.gather(one.complete(), other.complete())
        at_one, at_other = one.packets(), other.packets()
        other.send(there, here.peer(), b"")  # its permission
        for number in range(20):
            text = b"packet %d" % number
            packet = None
            while packet is None or packet.data != text:  # the first ones come before the permission
                await one.send_wait(here, there.peer(), text)
                try:
                    packet = await asyncio.wait_for(at_other.__anext__(), 2)
                except asyncio.TimeoutError:
                    pass
            assert packet.peer == here.peer() and packet.candidate_id == there.id, packet
            await other.send_wait(there, packet.peer, packet.data)
            while (await asyncio.wait_for(at_one.__anext__(), 20)).data != text:
                pass


async def main() -> None:
    async with floe.Api(SETTINGS) as api:
        await candidates(api)
        await refused(api)
        await data(api)
    print("binding: ok")


asyncio.run(asyncio.wait_for(main(), 80))
