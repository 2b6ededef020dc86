"""libfloe's enumerations, with its values and without its prefixes."""
from __future__ import annotations

import enum
from typing import Any


class _Open(enum.IntEnum):
    """A value that a later libfloe has and this module does not is a member of no name."""

    @classmethod
    def _missing_(cls, value: Any) -> Any:
        member = int.__new__(cls, value)
        member._name_ = "UNKNOWN_%d" % value
        member._value_ = value
        return member


class Error(_Open):
    OK = 0
    INVALID_ARGUMENT = -1
    INVALID_STATE = -2
    INVALID_ACCESS = -3
    SYNTAX = -4
    NO_MEMORY = -5
    NO_DESCRIPTORS = -6
    ADDRESS_IN_USE = -7
    ADDRESS_NOT_AVAILABLE = -8
    PERMISSION = -9
    SYSTEM = -10
    WOULD_DEADLOCK = -11
    BUFFER_TOO_SMALL = -12
    NOT_FOUND = -13
    TIMED_OUT = -14
    RANDOM = -15
    CANCELED = -16
    QUEUE_FULL = -17
    NOT_CONNECTED = -18
    UNSUPPORTED = -19
    NO_WATCHES = -20


class Family(_Open):
    NONE = 0
    IPV4 = 4
    IPV6 = 6


class CandidateType(_Open):
    NONE = 0
    HOST = 1
    SRFLX = 2
    PRFLX = 3
    RELAY = 4


class Protocol(_Open):
    NONE = 0
    UDP = 1
    TCP = 2
    TLS = 3
    DTLS = 4


class TcpType(_Open):
    NONE = 0
    ACTIVE = 1
    PASSIVE = 2
    SO = 3


class Withdrawal(_Open):
    """Why a candidate is withdrawn."""

    NONE = 0
    RELAY_LOST = 1
    MAPPING_CHANGED = 2
    ADDRESS_GONE = 3
    RELEASED = 4
    NOT_FOUND = 5


class GatherPolicy(_Open):
    ALL = 0
    NOHOST = 1
    RELAY = 2


class CredentialType(_Open):
    PASSWORD = 0
    OAUTH = 1


class GathererState(_Open):
    NEW = 1
    GATHERING = 2
    COMPLETE = 3
    CLOSED = 4


class NetworkChangeKind(_Open):
    """What became of an address of this machine."""

    ADDED = 1
    REMOVED = 2
    CHANGED = 3


class PacketKind(_Open):
    STUN = 0
    DTLS = 1
    CHANNEL_DATA = 2
    RTP = 3
    OTHER = 4


class UnreachableReason(_Open):
    PORT = 1
    HOST = 2
    NETWORK = 3
    PROHIBITED = 4
    NOT_SENT = 5
    TOO_BIG = 6
    EXPIRED = 7
    NOT_WATCHED = 8


class FailureReason(_Open):
    """Why something failed, as one of a few fixed words."""

    NONE = 0
    TIMEOUT = 1
    REFUSED = 2
    UNREACHABLE = 3
    LOCAL_FIREWALL = 4
    DNS = 5
    TLS = 6
    PROXY = 7
    CREDENTIALS = 8
    QUOTA = 9
    CAPACITY = 10
    SERVER_ERROR = 11
    BAD_ANSWER = 12
    CLOSED = 13
    UNSUPPORTED = 14
    NOT_ALLOWED = 15
    LOCAL = 16


class ServerProgress(_Open):
    WAITING = 0
    SUCCEEDED = 1
    FAILED = 2


class TraceKind(_Open):
    SENT = 1
    SENT_AGAIN = 2
    RECEIVED = 3
    DROPPED = 4
    UNREACHABLE = 5
    GAVE_UP = 6
    LEFT_OUT = 7
    WARNING = 8
    LOOKS_UP = 9
    FOUND = 10
    NOT_FOUND = 11
    CONNECTS = 12
    CONNECTED = 13
    PROXIED = 14
    SECURED = 15
    FAILED = 16
    CLOSED = 17


class TraceLevel(_Open):
    DEFAULT = 0
    ERROR = 1
    WARNING = 2
    INFO = 3
    PACKET = 4


class NetworkType(enum.IntFlag):
    UDP4 = 1
    UDP6 = 2
    TCP4 = 4
    TCP6 = 8


class GatherType(enum.IntFlag):
    HOST = 1
    SRFLX = 2
    RELAY = 4


class RelayTransport(enum.IntFlag):
    UDP = 1
    TCP = 2
    TLS = 4
    DTLS = 8


class IpHandling(_Open):
    ALL = 0
    DEFAULT_ROUTE_AND_LOCAL = 1
    DEFAULT_ROUTE_ONLY = 2
    PROXY_ONLY = 3


class MdnsMode(_Open):
    QUERY = 0
    OFF = 1
    QUERY_AND_GATHER = 2


class AddressRewriteMode(_Open):
    UNSPECIFIED = 0
    REPLACE = 1
    APPEND = 2


#: The C type of each, as cffi names it.
OF_C: dict[str, Any] = {
    "enum floe_error": Error,
    "enum floe_family": Family,
    "enum floe_candidate_type": CandidateType,
    "enum floe_protocol": Protocol,
    "enum floe_tcp_type": TcpType,
    "enum floe_withdrawal": Withdrawal,
    "enum floe_gather_policy": GatherPolicy,
    "enum floe_credential_type": CredentialType,
    "enum floe_gatherer_state": GathererState,
    "enum floe_network_change_kind": NetworkChangeKind,
    "enum floe_packet_kind": PacketKind,
    "enum floe_unreachable": UnreachableReason,
    "enum floe_failure_reason": FailureReason,
    "enum floe_server_progress": ServerProgress,
    "enum floe_trace_kind": TraceKind,
    "enum floe_trace_level": TraceLevel,
    "enum floe_network_type": NetworkType,
    "enum floe_gather_type": GatherType,
    "enum floe_relay_transport": RelayTransport,
    "enum floe_ip_handling": IpHandling,
    "enum floe_mdns_mode": MdnsMode,
    "enum floe_address_rewrite_mode": AddressRewriteMode,
}
