"""A STUN and TURN server (RFC 8489, RFC 8656) on loopback, over UDP and IPv4, for the tests: an allocation for each
client address, permissions that are not checked, Send and Data indications, channels."""
from __future__ import annotations

import hashlib
import hmac
import os
import socket
import struct
import threading
import zlib
from typing import Dict, List, Optional, Tuple

COOKIE = 0x2112A442
BINDING, ALLOCATE, REFRESH, SEND, DATA, PERMISSION, CHANNEL = 1, 3, 4, 6, 7, 8, 9
SUCCESS, ERROR, INDICATION = 0x100, 0x110, 0x010
USERNAME, INTEGRITY, ERROR_CODE, CHANNEL_NUMBER, LIFETIME = 0x06, 0x08, 0x09, 0x0C, 0x0D
PEER, DATA_ATTRIBUTE, REALM, NONCE, RELAYED, MAPPED = 0x12, 0x13, 0x14, 0x15, 0x16, 0x20

Source = Tuple[str, int]


def xored(address: Source) -> bytes:
    ip = struct.unpack("!I", socket.inet_aton(address[0]))[0] ^ COOKIE
    return struct.pack("!BBHI", 0, 1, address[1] ^ (COOKIE >> 16), ip)


def unxored(value: bytes) -> Source:
    _, _, port, ip = struct.unpack("!BBHI", value)
    return socket.inet_ntoa(struct.pack("!I", ip ^ COOKIE)), port ^ (COOKIE >> 16)


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def parse(message: bytes) -> Dict[int, bytes]:
    found, at = {}, 20
    while at + 4 <= len(message):
        kind, size = struct.unpack_from("!HH", message, at)
        found.setdefault(kind, message[at + 4 : at + 4 + size])
        if kind == INTEGRITY:
            found[-1] = message[:at]
        at += 4 + size + -size % 4
    return found


def integrity(key: bytes, before: bytes) -> bytes:
    """Of a message up to the attribute, whose length then counts it."""
    counted = before[:2] + struct.pack("!H", len(before) - 20 + 24) + before[4:]
    return hmac.new(key, counted, hashlib.sha1).digest()


class Responder:
    """`with Responder() as server:` serves in a thread; `port` is where. With `refuse`, Allocate gets that error."""

    def __init__(self, user: str = "floe", password: str = "iceberg", refuse: int = 0) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.key = hashlib.md5(("%s:%s:%s" % (user, "floe.test", password)).encode()).digest()
        self.nonce = os.urandom(8).hex().encode()
        self.refuse = refuse
        self.seen: List[int] = []
        self.relays: Dict[Source, socket.socket] = {}
        self.channels: Dict[Tuple[Source, int], Source] = {}
        self.numbers: Dict[Tuple[Source, Source], int] = {}
        self.threads: List[threading.Thread] = []
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "Responder":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))  # an empty datagram ends it
        self.thread.join()
        for source in list(self.relays):
            self._release(source)
        for thread in self.threads:
            thread.join()
        self.socket.close()

    def _release(self, source: Source) -> None:
        """Its thread waits in it: a datagram wakes it, and it sees that the relay is gone."""
        address = self.relays.pop(source).getsockname()
        self.socket.sendto(b"", address)

    def _serve(self) -> None:
        while True:
            message, source = self.socket.recvfrom(65536)
            if not message:
                return
            if 64 <= message[0] <= 79:
                number, size = struct.unpack_from("!HH", message)
                self._relay(source, self.channels.get((source, number)), message[4 : 4 + size])
            elif len(message) >= 20:
                self._stun(message, source)

    def _relay(self, source: Source, peer: Optional[Source], data: bytes) -> None:
        if source in self.relays and peer is not None:
            self.relays[source].sendto(data, peer)

    def _stun(self, message: bytes, source: Source) -> None:
        method = struct.unpack_from("!H", message)[0]
        attributes = parse(message)
        self.seen.append(method)
        if method == BINDING:
            self._answer(message, source, SUCCESS, attribute(MAPPED, xored(source)), None)
        elif method == SEND | INDICATION:
            self._relay(source, unxored(attributes[PEER]), attributes[DATA_ATTRIBUTE])
        elif method in (ALLOCATE, REFRESH, PERMISSION, CHANNEL):
            self._request(message, source, method, attributes)

    def _request(self, message: bytes, source: Source, method: int, attributes: Dict[int, bytes]) -> None:
        realm = attribute(REALM, b"floe.test") + attribute(NONCE, self.nonce)
        if INTEGRITY not in attributes or attributes.get(NONCE) != self.nonce:
            return self._error(message, source, 438 if NONCE in attributes else 401, realm)
        if attributes[INTEGRITY] != integrity(self.key, attributes[-1]):
            return self._error(message, source, 401, realm)
        body = b""
        if method == ALLOCATE:
            if self.refuse:
                return self._error(message, source, self.refuse, b"", self.key)
            body = self._allocate(source)
        elif method == REFRESH:
            seconds = attributes.get(LIFETIME, b"\0\0\2\x58")
            body = attribute(LIFETIME, seconds)
            if seconds == bytes(4) and source in self.relays:
                self._release(source)
        elif method == CHANNEL:
            number = struct.unpack_from("!H", attributes[CHANNEL_NUMBER])[0]
            self.channels[(source, number)] = unxored(attributes[PEER])
            self.numbers[(source, unxored(attributes[PEER]))] = number
        self._answer(message, source, SUCCESS, body, self.key)

    def _allocate(self, source: Source) -> bytes:
        if source not in self.relays:
            relay = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            relay.bind(("127.0.0.1", 0))
            self.relays[source] = relay
            self.threads.append(threading.Thread(target=self._from_peers, args=(source, relay), daemon=True))
            self.threads[-1].start()
        relayed = self.relays[source].getsockname()
        return attribute(RELAYED, xored(relayed)) + attribute(MAPPED, xored(source)) + attribute(LIFETIME, b"\0\0\2\x58")

    def _from_peers(self, source: Source, relay: socket.socket) -> None:
        with relay:
            while True:
                data, peer = relay.recvfrom(65536)
                if self.relays.get(source) is not relay:
                    return
                self._from_peer(source, peer, data)

    def _from_peer(self, source: Source, peer: Source, data: bytes) -> None:
        number = self.numbers.get((source, peer))
        if number is not None:
            self.socket.sendto(struct.pack("!HH", number, len(data)) + data, source)
        else:
            body = attribute(PEER, xored(peer)) + attribute(DATA_ATTRIBUTE, data)
            self.socket.sendto(struct.pack("!HHI", DATA | INDICATION, len(body), COOKIE) + os.urandom(12) + body, source)

    def _error(self, message: bytes, source: Source, code: int, body: bytes, key: Optional[bytes] = None) -> None:
        value = struct.pack("!HBB", 0, code // 100, code % 100) + b"no"
        self._answer(message, source, ERROR, attribute(ERROR_CODE, value) + body, key)

    def _answer(self, message: bytes, source: Source, kind: int, body: bytes, key: Optional[bytes]) -> None:
        method = struct.unpack_from("!H", message)[0]
        head = struct.pack("!HHI", method | kind, len(body), COOKIE) + message[8:20]
        if key is not None:
            body += attribute(INTEGRITY, integrity(key, head + body))
        self.socket.sendto(head[:2] + struct.pack("!H", len(body)) + head[4:] + body, source)


def binding_request(username: str, password: str, priority: int) -> bytes:
    """A connectivity check (RFC 8445 §7.1), as a peer sends it; controlling."""
    body = attribute(USERNAME, username.encode()) + attribute(0x24, struct.pack("!I", priority)) + attribute(0x802A, bytes(8))
    head = struct.pack("!HHI", BINDING, len(body), COOKIE) + os.urandom(12)
    body += attribute(INTEGRITY, integrity(password.encode(), head + body))
    counted = head[:2] + struct.pack("!H", len(body) + 8) + head[4:] + body
    return counted + attribute(0x8028, struct.pack("!I", zlib.crc32(counted) ^ 0x5354554E))
