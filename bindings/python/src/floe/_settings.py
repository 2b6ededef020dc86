"""What an api and a gatherer are made with. Names, units, ranges and defaults are those of floe/settings.h and
floe/options.h: None, 0 and False are the defaults."""
from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Callable, Optional, Sequence, Union

from ._convert import Address, text_from_c, text_to_c
from ._enums import (
    AddressRewriteMode,
    CandidateType,
    CredentialType,
    GatherPolicy,
    GatherType,
    IpHandling,
    MdnsMode,
    NetworkType,
    RelayTransport,
    TraceLevel,
)
from ._errors import check
from ._floe import ffi, lib
from ._types import TraceEvent

#: Value of a time setting: no limit.
NEVER = 0xFFFFFFFF
#: Value of a count setting: no limit.
UNLIMITED = 0xFFFFFFFF
#: Value of udp_mux_port: any port.
ANY_PORT = 0xFFFFFFFF

Path = Union[str, bytes, "os.PathLike[str]"]


@dataclass
class AddressRewriteRule:
    """Addresses to show instead of others, or in addition to them (floe_address_rewrite_rule)."""

    external: Sequence[str] = ()
    local: Optional[str] = None
    iface: Optional[str] = None
    cidr: Optional[str] = None
    as_candidate_type: CandidateType = CandidateType.NONE
    mode: AddressRewriteMode = AddressRewriteMode.UNSPECIFIED
    networks: NetworkType = NetworkType(0)

    def __post_init__(self) -> None:
        if isinstance(self.external, tuple):
            self.external = list(self.external)  # equal to what parse makes

    @classmethod
    def parse(cls, text: str) -> "AddressRewriteRule":
        """A rule in the command's form: "external=203.0.113.1,local=10.0.0.2"."""
        made = ffi.new("floe_address_rewrite_rule **")
        check(lib.floe_address_rewrite_rule_parse(text_to_c(text), made))
        c = ffi.gc(made[0], lib.floe_address_rewrite_rule_free)
        return cls(
            external=[text_from_c(c.external[i]) or "" for i in range(c.external_count)],
            local=text_from_c(c.local),
            iface=text_from_c(c.iface),
            cidr=text_from_c(c.cidr),
            as_candidate_type=CandidateType(c.as_candidate_type),
            mode=AddressRewriteMode(c.mode),
            networks=NetworkType(c.networks),
        )


@dataclass
class Settings:
    """What all gatherers of an api have in common (floe_settings)."""

    gather_timeout_ms: int = 0
    straggler_grace_ms: int = 0
    pacing_ms: int = 0
    rto_ms: int = 0
    keepalive_ms: int = 0
    port_min: int = 0
    port_max: int = 0
    loopback: bool = False
    link_local: bool = False
    #: Called for every packet, and for what else trace_level asks for. Runs on floe's thread, as the filters do.
    on_trace: Optional[Callable[[TraceEvent], None]] = field(default=None, repr=False)
    network_types: NetworkType = NetworkType(0)
    #: Is given an interface's name; True keeps it.
    interface_filter: Optional[Callable[[str], bool]] = field(default=None, repr=False)
    #: Is given an address; True keeps it.
    ip_filter: Optional[Callable[[Address], bool]] = field(default=None, repr=False)
    ice_lite: bool = False
    ip_handling: IpHandling = IpHandling.ALL
    addresses_max: int = 0
    avoid_costly_networks: bool = False
    service_discovery: bool = False
    mdns_mode: MdnsMode = MdnsMode.QUERY
    mdns_name: Optional[str] = None
    address_rewrite_rules: Sequence[AddressRewriteRule] = ()
    nat_1to1_ips: Sequence[str] = ()
    nat_1to1_candidate_type: CandidateType = CandidateType.NONE
    tls_ca_file: Optional[Path] = None
    tls_certificate_file: Optional[Path] = None
    tls_key_file: Optional[Path] = None
    tls_fingerprint: Optional[str] = None
    tls_insecure: bool = False
    proxy: Optional[str] = field(default=None, repr=False)
    send_queue_size: int = 0
    refuse_low_ports: bool = False
    mobility: bool = False
    dont_fragment: bool = False
    receive_buffer_size: int = 0
    trace_level: TraceLevel = TraceLevel.DEFAULT
    #: "NAME:ADDRESS": hosts that are not looked up.
    host_addresses: Sequence[str] = ()
    #: One UDP port for all gatherers: 0: each has its own; floe.ANY_PORT: any.
    udp_mux_port: int = 0
    #: The same for host candidates over TCP.
    tcp_mux_port: int = 0
    tcp_simultaneous_open: bool = False
    tcp_reflexive: bool = False


@dataclass
class IceServer:
    """One server with one or more URLs (floe_ice_server, W3C RTCIceServer)."""

    urls: Union[str, Sequence[str]]
    username: Optional[str] = None
    credential: Optional[str] = field(default=None, repr=False)
    credential_type: CredentialType = CredentialType.PASSWORD
    mac_key: Optional[str] = field(default=None, repr=False)
    access_token: Optional[str] = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.urls, (str, tuple)):
            self.urls = [self.urls] if isinstance(self.urls, str) else list(self.urls)


@dataclass
class GatherOptions:
    """The servers and the policy of a gatherer (floe_gather_options)."""

    ice_servers: Sequence[IceServer] = ()
    gather_policy: GatherPolicy = GatherPolicy.ALL
    candidate_pool_size: int = 0
    sdp_mid: Optional[str] = None
    sdp_mline_index: int = 0
    even_port: bool = False
    username_fragment: Optional[str] = None
    password: Optional[str] = field(default=None, repr=False)
    candidate_types: GatherType = GatherType(0)
    relay_transports: RelayTransport = RelayTransport(0)
    #: Gathers whenever the network changes, where it has.
    continual: bool = False


@dataclass
class RestartOptions:
    """What a restart begins with (floe_restart_options)."""

    username_fragment: Optional[str] = None
    password: Optional[str] = field(default=None, repr=False)
