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
#: What this package is written for.
_WANTED = "0.1.0"

try:
    from ._floe import ffi as _ffi
    from ._floe import lib as _lib
except ImportError as _error:  # the loader names what it misses
    raise ImportError("libfloe %s is wanted, or the later one that this was built with: %s" % (_WANTED, _error)) from None
if _lib.floe_version_number() < _lib.FLOE_VERSION_NUMBER:  # the end of its structs is not there
    raise ImportError(
        "libfloe %d.%d.%d is wanted, which this was built with, and this is libfloe %s"
        % (
            _lib.FLOE_VERSION_MAJOR,
            _lib.FLOE_VERSION_MINOR,
            _lib.FLOE_VERSION_PATCH,
            _ffi.string(_lib.floe_version()).decode(),
        )
    )

from ._api import Api
from ._convert import Address, AddressLike
from ._enums import (
    AddressRewriteMode,
    CandidateType,
    CredentialType,
    Error,
    FailureReason,
    Family,
    GathererState,
    GatherPolicy,
    GatherType,
    IpHandling,
    MdnsMode,
    NetworkChangeKind,
    NetworkType,
    PacketKind,
    Protocol,
    RelayTransport,
    ServerProgress,
    TcpType,
    TraceKind,
    TraceLevel,
    UnreachableReason,
    Withdrawal,
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
from ._gatherer import Event, EventStream, Gatherer, Handler
from ._settings import ANY_PORT, NEVER, UNLIMITED, AddressRewriteRule, GatherOptions, IceServer, Settings
from ._types import (
    ApiStatistics,
    Candidate,
    CandidateFound,
    CandidateStatistics,
    CandidateWithdrawn,
    Check,
    EndOfCandidates,
    GathererStatistics,
    NetworkChange,
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
    "ANY_PORT",
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
    "FailureReason",
    "Family",
    "FloeError",
    "GatherOptions",
    "GatherPolicy",
    "GatherType",
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
    "NetworkChange",
    "NetworkChangeKind",
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
    "RelayTransport",
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
    "Withdrawal",
    "WouldDeadlockError",
    "Writable",
]
