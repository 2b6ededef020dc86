"""Gathers ICE candidates.

    import asyncio, floe

    async def main() -> None:
        servers = [floe.IceServer("turn:turn.example.org", username="me", credential="secret")]
        async with floe.Api() as api, api.gatherer(servers) as gatherer:
            async for candidate in gatherer:
                print(candidate)
            for error in gatherer.errors:
                print(error)

    asyncio.run(main())
"""
from ._api import Api
from ._convert import Address, AddressLike
from ._enums import (
    AddressRewriteMode,
    CandidateType,
    CredentialType,
    Error,
    Family,
    GathererState,
    GatherPolicy,
    IpHandling,
    MdnsMode,
    NetworkType,
    PacketKind,
    Protocol,
    ServerProgress,
    TcpType,
    TraceKind,
    TraceLevel,
    UnreachableReason,
)
from ._errors import (
    FloeError,
    InvalidAccessError,
    InvalidArgumentError,
    InvalidStateError,
    NotConnectedError,
    NotFoundError,
    OutOfMemoryError,
    ParseError,
    QueueFullError,
    RefusedError,
    ServerError,
    TimedOutError,
    UnsupportedError,
    WouldDeadlockError,
)
from ._floe import ffi as _ffi
from ._floe import lib as _lib
from ._gatherer import Event, EventStream, Gatherer, Handler
from ._settings import NEVER, UNLIMITED, AddressRewriteRule, GatherOptions, IceServer, Settings
from ._types import (
    ApiStatistics,
    Candidate,
    CandidateFound,
    CandidateStatistics,
    CandidateWithdrawn,
    Check,
    EndOfCandidates,
    GathererStatistics,
    Packet,
    Parameters,
    ServerStatistics,
    StateChange,
    TraceEvent,
    Unreachable,
    Writable,
)

#: libfloe's.
__version__: str = _ffi.string(_lib.floe_version()).decode()

__all__ = [
    "Address",
    "AddressLike",
    "AddressRewriteMode",
    "AddressRewriteRule",
    "Api",
    "ApiStatistics",
    "Candidate",
    "CandidateFound",
    "CandidateStatistics",
    "CandidateType",
    "CandidateWithdrawn",
    "Check",
    "CredentialType",
    "EndOfCandidates",
    "Error",
    "Event",
    "EventStream",
    "Family",
    "FloeError",
    "GatherOptions",
    "GatherPolicy",
    "Gatherer",
    "GathererState",
    "GathererStatistics",
    "Handler",
    "IceServer",
    "InvalidAccessError",
    "InvalidArgumentError",
    "InvalidStateError",
    "IpHandling",
    "MdnsMode",
    "NEVER",
    "NetworkType",
    "NotConnectedError",
    "NotFoundError",
    "OutOfMemoryError",
    "Packet",
    "PacketKind",
    "Parameters",
    "ParseError",
    "Protocol",
    "QueueFullError",
    "RefusedError",
    "ServerError",
    "ServerProgress",
    "ServerStatistics",
    "Settings",
    "StateChange",
    "TcpType",
    "TimedOutError",
    "TraceEvent",
    "TraceKind",
    "TraceLevel",
    "UNLIMITED",
    "Unreachable",
    "UnreachableReason",
    "UnsupportedError",
    "WouldDeadlockError",
    "Writable",
]
