"""What a gatherer reports. Times are in seconds, and count from the call of gather where the headers say so."""
from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Tuple

from ._convert import Address, address_from_c, from_c, into_c, text_from_c, text_to_c
from ._enums import (
    CandidateType,
    FailureReason,
    Family,
    GathererState,
    NetworkChangeKind,
    PacketKind,
    Protocol,
    ServerProgress,
    TcpType,
    TraceKind,
    TraceLevel,
    UnreachableReason,
    Withdrawal,
)
from ._errors import FloeError, InvalidStateError, check
from ._floe import ffi, lib


@dataclass(frozen=True)
class Candidate:
    """An ICE candidate (floe_candidate). str() of it is its line, "candidate:…"."""

    foundation: str
    component: int
    protocol: Protocol
    priority: int
    address: str
    port: int
    type: CandidateType
    tcp_type: TcpType
    related_address: Optional[str]
    related_port: int
    url: Optional[str]
    relay_protocol: Protocol
    username_fragment: Optional[str]
    interface_name: Optional[str]
    network_id: int
    extensions: Tuple[Tuple[str, str], ...]
    sdp_mid: Optional[str]
    sdp_mline_index: int
    id: int
    base_id: int
    family: Family
    #: Why it is withdrawn, in a CandidateWithdrawn. Two candidates that differ in this alone are equal.
    withdrawal: Withdrawal = field(default=Withdrawal.NONE, compare=False)

    def __str__(self) -> str:
        return self.text

    @functools.cached_property
    def text(self) -> str:
        """Its line: what its fields say. ValueError: they say nothing that a peer would understand."""
        keep: List[Any] = []
        made = ffi.new("char[]", 4096)  # one that was parsed may be longer than one of floe's own
        check(lib.floe_candidate_format(self._to_c(keep), made, 4096))
        line: str = ffi.string(made).decode("utf-8", "replace")
        try:
            _parsed(line)
        except FloeError as error:
            raise ValueError("the candidate's fields make no line (%s): %s" % (line, error)) from None
        return line

    def _to_c(self, keep: List[Any]) -> Any:
        c = ffi.new("floe_candidate *")
        into_c(c, self, keep)
        return c

    @classmethod
    def parse(cls, text: str) -> "Candidate":
        """A candidate of its line, as a peer sends it. ParseError tells the column; UnsupportedError: ignore it."""
        return candidate_from_c(_parsed(text))

    def peer(self) -> Address:
        """Its address, as Gatherer.send takes it. ParseError: it shows a name; look that up (Api.look_up)."""
        keep: List[Any] = []
        address = ffi.new("floe_address *")
        check(lib.floe_candidate_address(self._to_c(keep), address))
        found = address_from_c(address)
        assert found is not None
        return found

    def to_init(self) -> Dict[str, Any]:
        """W3C's RTCIceCandidateInit, for signalling as JSON."""
        return {
            "candidate": self.text,
            "sdpMid": self.sdp_mid,
            "sdpMLineIndex": self.sdp_mline_index,
            "usernameFragment": self.username_fragment,
        }


def _parsed(text: str) -> Any:
    made = ffi.new("floe_candidate **")
    check(lib.floe_candidate_parse(text_to_c(text), made))
    return ffi.gc(made[0], lib.floe_candidate_free)


def candidate_from_c(c: Any) -> Candidate:
    """Of a struct, or a pointer to one."""
    extensions = tuple(
        (text_from_c(c.extensions[i].name) or "", text_from_c(c.extensions[i].value) or "") for i in range(c.extension_count)
    )
    return from_c(Candidate, c, extensions=extensions)


@dataclass(frozen=True)
class Parameters:
    """The local ICE parameters, for signalling (floe_parameters)."""

    username_fragment: str
    password: str = field(repr=False)
    ice_lite: bool = False
    renomination: bool = False


@dataclass(frozen=True)
class ServerStatistics:
    """One kind of request from one local address to one address of a server (floe_server_statistics)."""

    url: str
    method: str
    address: Optional[str]
    port: int
    server_address: str
    server_port: int
    progress: ServerProgress
    code: int
    requests: int
    retransmissions: int
    responses: int
    bytes_sent: int
    bytes_received: int
    first_sent: float
    first_answered: float
    round_trip: float
    total_round_trip: float
    connecting: float
    tls_version: Optional[str]
    tls_resumed: bool
    tls_certificate: Optional[str]
    tls_certificate_until: int
    authentication: Optional[str]
    software: Optional[str]
    lifetime: int
    family_error: int
    mobility: bool
    dont_fragment: bool
    round_trips: int
    transport: Protocol
    reason: FailureReason
    shared: bool


@dataclass(frozen=True)
class CandidateStatistics:
    candidate: Candidate
    found: float


@dataclass(frozen=True)
class GathererStatistics:
    servers: Tuple[ServerStatistics, ...]
    candidates: Tuple[CandidateStatistics, ...]
    gathering: float
    waiting: int


def statistics_from_c(c: Any) -> GathererStatistics:
    return from_c(
        GathererStatistics,
        c,
        servers=tuple(from_c(ServerStatistics, c.servers[i]) for i in range(c.server_count)),
        candidates=tuple(
            from_c(CandidateStatistics, c.candidates[i], candidate=candidate_from_c(c.candidates[i].candidate))
            for i in range(c.candidate_count)
        ),
    )


@dataclass(frozen=True)
class ApiStatistics:
    packets_sent: int
    packets_received: int
    bytes_sent: int
    bytes_received: int
    packets_not_sent: int
    packets_dropped: int


bytes_ = bytes  # TraceEvent has a field of this name


@dataclass(frozen=True)
class TraceEvent:
    """What happened on the network (floe_trace_event)."""

    kind: TraceKind
    elapsed: float
    local: Optional[Address]
    remote: Optional[Address]
    method: str
    code: int
    bytes: int
    sends: int
    round_trip: float
    transaction_id: bytes_
    url: Optional[str]
    detail: str
    level: TraceLevel = TraceLevel.DEFAULT
    name: Optional[str] = None
    realm: Optional[str] = None


@dataclass(frozen=True)
class NetworkChange:
    """An address of this machine that has changed, and what is true of it now; of a removed one, what was
    (floe_network_change)."""

    change: NetworkChangeKind
    interface_name: str
    interface_index: int
    address: Address
    up: bool
    temporary: bool
    deprecated: bool
    tentative: bool
    default_route: bool


# ── events ──


@dataclass(frozen=True)
class CandidateFound:
    candidate: Candidate


@dataclass(frozen=True)
class EndOfCandidates:
    """This gathering gives no more candidates."""


@dataclass(frozen=True)
class CandidateWithdrawn:
    """It no longer works. What replaces it is reported by CandidateFound."""

    candidate: Candidate


@dataclass(frozen=True)
class StateChange:
    state: GathererState


@dataclass(frozen=True)
class Writable:
    """There is room again for what QueueFullError refused."""

    candidate_id: int


@dataclass(frozen=True)
class Unreachable:
    """Packets from a candidate to a peer do not arrive: a hint, no proof."""

    candidate_id: int
    peer: Optional[Address]
    reason: UnreachableReason


@dataclass(frozen=True)
class Check:
    """The contents of a Binding request (floe_check)."""

    authenticated: bool
    former: bool
    remote_username_fragment: str
    priority: int
    use_candidate: bool
    has_role: bool
    controlling: bool
    tie_breaker: int
    transaction_id: bytes
    unknown_attribute_count: int
    unknown_attributes: Tuple[int, ...]
    sha256: bool


@dataclass(eq=False)
class Packet:
    """A packet that arrived on a candidate, or at its relay (floe_packet)."""

    candidate_id: int
    peer: Address
    data: bytes
    kind: PacketKind
    #: For a STUN Binding request.
    check: Optional[Check]
    _answer: Optional[Callable[[int], None]] = field(default=None, repr=False)

    def answer(self, code: int = 0, *, anybody: bool = False) -> None:
        """Answers a Binding request, in a handler that Gatherer.subscribe was given and there alone: with success, or
        with an error's code. `anybody`: success even if the request is not authenticated."""
        if self._answer is None:
            raise InvalidStateError("a check is answered once, in its handler (Gatherer.subscribe)")
        self._answer(lib.FLOE_ANSWER_ANYBODY if anybody else code)
        self._answer = None


def packet_from_c(c: Any) -> Packet:
    request = None
    if c.check != ffi.NULL:
        known = min(c.check.unknown_attribute_count, len(c.check.unknown_attributes))
        request = from_c(Check, c.check, unknown_attributes=tuple(c.check.unknown_attributes[i] for i in range(known)))
    peer = address_from_c(c.peer)
    assert peer is not None
    return Packet(c.candidate_id, peer, bytes(ffi.buffer(c.data, c.size)), PacketKind(c.kind), request)
