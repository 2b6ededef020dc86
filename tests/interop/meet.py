#!/usr/bin/env python3
"""Two agents meet: what one says goes to the other, until packets have gone both ways; then one restarts, and they go
both ways again. Run in a lab by lab.sh.

    meet.py NAME JSON

Prints one line: "ok NAME", or "FAILED NAME (WHY)", and then $INTEROP_LOGS/NAME has what both have said.
"""
import asyncio
import base64
import json
import os
import shlex
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 60  # seconds for each fact; far beyond what any takes
AGENTS = {name: shlex.split(command) for name, command in json.loads(os.environ["INTEROP_AGENTS"]).items()}
CONNECTED = ("connected", "completed")
BROWSERS = ("chromium", "firefox")


class Failed(Exception):
    pass


class Side:
    """One of the two agents, and what it has said."""

    def __init__(self, test, which):
        self.which, self.agent, self.test = which, test[which], test
        self.role = test["role"] if which == "near" else {"controlling": "controlled", "controlled": "controlling"}[test["role"]]
        self.lines = []
        self.news = asyncio.Event()
        self.log = []
        self.process = self.other = None
        self.held = []  # where candidates are not trickled: what the other is told when gathering has ended

    def command(self):
        test = self.test
        words = ["ip", "netns", "exec", os.environ["INTEROP_NEAR" if self.which == "near" else "INTEROP_FAR"]]
        words += AGENTS[self.agent] + ["--role", self.role]
        if test["servers"]:
            url = f"{test['far_scheme']}:{test['server']}" if self.which == "far" else f"turn:{test['near_server']}"
            words += ["--server", url, "-u", os.environ["INTEROP_USER"], "-c", os.environ["INTEROP_SECRET"]]
        words += ["--network-types", test["types"], "--policy", test["policy"]]
        if self.which == "far":
            words += ["--echo"]
        if self.which == test["lite"]:
            words += ["--ice-lite"]
        if self.agent != "floe":
            words += [] if test["trickle"] else ["--no-trickle"]
        elif test["nat"] == "clash":
            words += ["--port-range", os.environ["INTEROP_PORTS"]]
        return words

    async def begin(self):
        words = self.command()
        self.note("# " + shlex.join(words))
        self.process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            limit=1 << 20, start_new_session=True)

    def note(self, text):
        self.log.append((time.monotonic(), self.which, text))

    async def hear_errors(self):
        async for line in self.process.stderr:
            self.note("! " + line.decode(errors="replace").rstrip())

    async def hear(self):
        async for text in self.process.stdout:
            self.note("> " + text.decode(errors="replace").rstrip())
            try:
                line = json.loads(text)
            except ValueError:
                continue
            self.lines.append(line)
            self.news.set()
            if line.get("event") in ("parameters", "candidate", "end"):
                self.pass_on(line)
        self.lines.append({"event": "exited"})
        self.news.set()

    def pass_on(self, line):
        if line["event"] == "candidate" and not self.is_wanted(line["candidate"].split()):
            return
        self.held.append(line)
        if self.test["trickle"] or line["event"] == "end":
            for one in self.held:
                self.other.tell({key: value for key, value in one.items() if key in
                                 ("event", "candidate", "username_fragment", "password", "ice_lite")})
            self.held = []

    # Not every agent can be told which it is to gather, or listens to that: aioice tells what is not relayed.
    def is_wanted(self, words):
        family = "6" if ":" in words[4] else "4"
        is_type = self.test["policy"] == "all" or words[7] == self.test["policy"]
        return is_type and words[2].lower() + family in self.test["types"].split(",")

    def tell(self, line):
        self.note("< " + json.dumps(line))
        try:
            self.process.stdin.write((json.dumps(line) + "\n").encode())
        except (BrokenPipeError, ConnectionResetError):
            pass

    def count(self, event, after=0):
        return sum(line.get("event") == event for line in self.lines[after:])

    def is_connected(self, after):
        return any(line.get("event") == "transport" and line.get("state") in CONNECTED for line in self.lines[after:])

    async def wait(self, what, is_so):
        until = time.monotonic() + LIMIT
        while not is_so():
            self.news.clear()
            if any(line["event"] == "exited" for line in self.lines if "event" in line):
                raise Failed(f"{self.agent} has exited: no {what}")
            try:
                await asyncio.wait_for(self.news.wait(), until - time.monotonic())
            except asyncio.TimeoutError:
                raise Failed(f"{self.agent}: no {what}") from None

    async def end(self):
        try:
            self.process.stdin.close()
            await asyncio.wait_for(self.process.wait(), 2)
        except (asyncio.TimeoutError, BrokenPipeError, ConnectionResetError):
            self.process.kill()
            await self.process.wait()


# The near one sends until it has its packet back. Browsers send packets of their own, and count ours.
async def exchange(near, far, phase):
    text = base64.b64encode(f"{phase} by {near.agent}".encode()).decode()
    at, at_far = len(near.lines), len(far.lines)

    def is_back():
        if near.agent in BROWSERS:
            return far.count("packet", at_far) > 0
        if far.agent in BROWSERS:
            return near.count("packet", at) > 0 and far.count("received", at_far) > 0
        return any(line.get("data") == text for line in near.lines[at:])

    async def send():
        while True:
            (far if near.agent in BROWSERS else near).tell({"send": text})
            await asyncio.sleep(0.2)

    sending = asyncio.ensure_future(send())
    looking = far if near.agent in BROWSERS else near
    try:
        if far.agent in BROWSERS:
            await far.wait(f"packet from {near.agent} ({phase})", lambda: far.count("received", at_far) > 0)
        await looking.wait(f"packet from the other ({phase})", is_back)
    finally:
        sending.cancel()


# A pair of the new generation is in use: floe says which is selected, a browser when another is. The state does not tell
# that: data goes by the old pair until then, so who is connected may stay so.
def is_by_new_pair(side, after):
    if side.agent == "floe":
        return any(line.get("event") == "pair" and line["selected"] and line["nominated"] for line in side.lines[after:])
    if side.agent in BROWSERS:
        return side.count("pair", after) > 0
    return side.is_connected(after)


async def restart(near, far, by):
    first, second = (near, far) if by == "near" else (far, near)
    at = {side: len(side.lines) for side in (near, far)}
    first.tell({"restart": True})
    for side in (first, second):
        await side.wait("new parameters", lambda side=side: side.count("parameters", at[side]) > 0)
    for side in (first, second):
        await side.wait("end of its new candidates", lambda side=side: side.count("end", at[side]) > 0)
    return at


def check_pair(side, kind):
    pairs = [line for line in side.lines if line.get("event") == "pair" and line.get("selected", True)]
    if kind == "relay" and pairs and not any(" typ relay" in pairs[-1][which] for which in ("local", "remote")):
        raise Failed(f"{side.agent}: the pair is no relay's: {pairs[-1]['local']}")


async def meet(near, far, test):
    for side in (near, far):
        await side.wait("connection", lambda side=side: side.is_connected(0))
    await exchange(near, far, "first")
    check_pair(near, test.get("kind"))
    if test["restart"]:
        at = await restart(near, far, test["restart"])
        for side in (near, far):
            await side.wait("connection after the restart", lambda side=side: is_by_new_pair(side, at[side]))
        await exchange(near, far, "restarted")


def write_log(name, near, far):
    log = sorted(near.log + far.log, key=lambda one: one[0])
    with open(os.path.join(os.environ["INTEROP_LOGS"], name), "w") as file:
        for when, which, text in log:
            file.write(f"{when - log[0][0]:8.3f} {which:4} {text}\n")


async def main():
    name, test = sys.argv[1], json.loads(sys.argv[2])
    test["near_server"] = os.environ["INTEROP_SERVER"]
    near, far = Side(test, "near"), Side(test, "far")
    near.other, far.other = far, near
    began = time.monotonic()
    for side in (near, far):
        await side.begin()
    tasks = [asyncio.ensure_future(hear) for side in (near, far) for hear in (side.hear(), side.hear_errors())]
    why = None
    try:
        await meet(near, far, test)
    except Failed as failed:
        why = str(failed)
    finally:
        write_log(name, near, far)
        await asyncio.gather(near.end(), far.end())
        for task in tasks:
            task.cancel()
    seconds = f"{time.monotonic() - began:.1f} s"
    line = f"ok      {name} ({seconds})" if why is None else f"FAILED  {name} ({why})"
    os.write(1, (line + "\n").encode())  # whole, as other labs write there too


asyncio.run(main())
