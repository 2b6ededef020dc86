"""aioice beside bench/connect.c: the same by the same lines, for one pair of agents.

    aioice_connect.py listen|dial SOCKET
"""
import asyncio
import json
import os
import resource
import sys
import time

import aioice


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1000


async def meet(listens, path):
    if listens:
        met = asyncio.get_running_loop().create_future()
        await asyncio.start_unix_server(lambda *both: met.set_result(both), path)
        return await met
    while True:
        try:
            return await asyncio.open_unix_connection(path)
        except OSError:
            await asyncio.sleep(0.01)


async def main():
    listens, path = sys.argv[1] == "listen", sys.argv[2]
    if listens and os.path.exists(path):
        os.unlink(path)
    reader, writer = await meet(listens, path)
    connection = aioice.Connection(ice_controlling=listens, use_ipv6=False)
    await connection.gather_candidates()

    def say():
        lines = [f"P 0 {connection.local_username} {connection.local_password}"]
        lines += [f"C 0 candidate:{c.to_sdp()}" for c in connection.local_candidates]
        writer.write("".join(line + "\n" for line in [*lines, "E 0"]).encode())

    async def hear():
        while (line := (await reader.readline()).decode().strip()) != "E 0":
            kind, _, rest = line.split(" ", 2)
            if kind == "P":
                connection.remote_username, connection.remote_password = rest.split()
            elif kind == "C":
                await connection.add_remote_candidate(aioice.Candidate.from_sdp(rest.removeprefix("candidate:")))
        await connection.add_remote_candidate(None)

    if listens:
        say()
        await hear()
        writer.write(b"go\n")
    else:
        await hear()
        say()
        await reader.readline()
    before, started = cpu(), time.monotonic()
    await connection.connect()
    connected = (time.monotonic() - started) * 1000
    await connection.send(b"first")
    await connection.recv()
    came = (time.monotonic() - started) * 1000
    print(json.dumps({"side": sys.argv[1], "transports": 1, "connected_ms": round(connected, 1),
                      "came_ms": round(came, 1), "cpu_ms": round(cpu() - before, 1)}), flush=True)
    writer.write(b"bye\n")
    await reader.readline()


asyncio.run(main())
