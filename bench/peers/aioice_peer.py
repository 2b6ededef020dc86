"""aioice beside floe: N connections at once, each with a STUN and a TURN server.

    aioice_peer.py N STUN TURN USERNAME PASSWORD
"""
import asyncio
import json
import resource
import sys
import time

import aioice


async def main():
    n, stun, turn, username, password = int(sys.argv[1]), *sys.argv[2:6]
    options = {"ice_controlling": True}
    if stun != "-":
        options["stun_server"] = (stun, 3478)
    if turn != "-":
        options.update(turn_server=(turn, 3478), turn_username=username, turn_password=password)
    started = time.monotonic()
    connections = [aioice.Connection(**options) for _ in range(n)]
    await asyncio.gather(*(c.gather_candidates() for c in connections))
    ms = (time.monotonic() - started) * 1000
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = (usage.ru_utime + usage.ru_stime) * 1000
    print(json.dumps({"ms": round(ms, 1), "cpu_ms": round(cpu, 1), "peak_rss_kb": usage.ru_maxrss}))
    await asyncio.gather(*(c.close() for c in connections))


asyncio.run(main())
