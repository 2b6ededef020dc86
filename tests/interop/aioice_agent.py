#!/usr/bin/python3
"""aioice as a peer of `floe connect --json`: it has the options of lines.h, and speaks the same lines.

It knows no restart: a new connection, with addresses of its own, takes the place of the old one, which is a restart to
its peer. It gathers before it tells anything.
"""
import argparse
import asyncio
import base64
import json
import os
import re
import sys

import aioice


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--role", choices=["controlling", "controlled"], default="controlled")
    parser.add_argument("-s", "--server", action="append", default=[])
    parser.add_argument("-u", "--username")
    parser.add_argument("-c", "--credential")
    parser.add_argument("--policy", choices=["all", "relay"], default="all")
    parser.add_argument("--network-types", default="udp4,udp6")
    parser.add_argument("--no-trickle", action="store_true")
    parser.add_argument("--echo", action="store_true")
    return parser.parse_args()


def say(**line):
    print(json.dumps(line), flush=True)


class Peer:
    def __init__(self, chosen):
        self.chosen = chosen
        self.connection = None
        self.old = None
        self.remote = None  # its username fragment
        self.waits = False  # we have restarted, and the other has not yet
        self.tasks = set()

    def settings(self):
        chosen, result = self.chosen, {"ice_controlling": self.chosen.role == "controlling"}
        for url in chosen.server:
            scheme, host, port = re.fullmatch(r"(\w+):\[?([0-9a-f.:]+?)\]?(?::(\d+))?", url).groups()
            at = (host, int(port or 3478))
            if scheme == "turn":
                result.update(turn_server=at, turn_username=chosen.username, turn_password=chosen.credential)
            if ":" not in host:
                result["stun_server"] = at
        result["use_ipv4"] = "udp4" in chosen.network_types
        result["use_ipv6"] = "udp6" in chosen.network_types
        result["transport_policy"] = aioice.ice.TransportPolicy[chosen.policy.upper()]
        return result

    async def begin(self):
        self.old, self.connection = self.connection, aioice.Connection(**self.settings())
        new = self.connection
        say(event="parameters", username_fragment=new.local_username, password=new.local_password)
        await new.gather_candidates()
        for candidate in new.local_candidates:
            say(event="candidate", candidate="candidate:" + candidate.to_sdp())
        say(event="end")

    def start(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def connect(self, connection):
        say(event="transport", state="checking")
        try:
            await connection.connect()
        except ConnectionError as error:
            print("aioice:", error, file=sys.stderr, flush=True)
            say(event="transport", state="failed")
            return
        say(event="transport", state="connected")
        pair = connection._nominated[1]
        say(event="pair", local="candidate:" + pair.local_candidate.to_sdp(),
            remote="candidate:" + pair.remote_candidate.to_sdp())
        if self.old is not None:
            self.start(self.old.close())
            self.old = None
        while True:
            try:
                data = await connection.recv()
            except ConnectionError:
                return
            say(event="packet", data=base64.b64encode(data).decode())
            if self.chosen.echo:
                await connection.send(data)

    async def parameters(self, line):
        if self.remote not in (None, line["username_fragment"]) and not self.waits:
            await self.begin()
        self.waits = False
        self.remote = line["username_fragment"]
        self.connection.remote_username = self.remote
        self.connection.remote_password = line["password"]
        self.connection.remote_is_lite = line.get("ice_lite", False)
        self.start(self.connect(self.connection))

    async def hear(self, line):
        if "send" in line:
            try:
                await self.connection.send(base64.b64decode(line["send"]))
            except ConnectionError:
                pass  # it is lost, as a packet may be
        elif "restart" in line:
            self.waits = True
            await self.begin()
        elif line.get("event") == "parameters":
            await self.parameters(line)
        elif line.get("event") == "candidate":
            candidate = aioice.Candidate.from_sdp(line["candidate"].partition(":")[2])
            await self.connection.add_remote_candidate(candidate)
        elif line.get("event") == "end":
            await self.connection.add_remote_candidate(None)


async def main():
    peer = Peer(options())
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await peer.begin()
    while line := await reader.readline():
        await peer.hear(json.loads(line))
    os._exit(0)  # closing waits for the relay's server


asyncio.run(main())
