"""What type checkers see: read by mypy --strict, never run."""
import floe


async def kinds(gatherer: floe.Gatherer) -> None:
    async for packet in gatherer.packets():
        data: bytes = packet.data
    async for room in gatherer.events(floe.Writable):
        number: int = room.candidate_id
    async for event in gatherer.events(floe.CandidateFound, floe.EndOfCandidates):
        if isinstance(event, floe.CandidateFound):
            candidate: floe.Candidate = event.candidate
        else:
            end: floe.EndOfCandidates = event
    async for one in gatherer.events():
        if isinstance(one, floe.ServerError):
            code: int = one.code
    async for other in gatherer.events(floe.Packet, floe.Writable, floe.Unreachable):
        anything: floe.Event = other
