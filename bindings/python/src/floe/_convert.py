"""Between C's structs and dataclasses: by the names of their fields, which are the same, and C's types."""
from __future__ import annotations

import dataclasses
import functools
import ipaddress
import os
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Type, TypeVar, Union

from ._enums import OF_C, Family
from ._errors import check
from ._floe import ffi, lib

T = TypeVar("T")


class Address(NamedTuple):
    """An IP address and a port, in the order of the socket module. Both families."""

    host: str
    port: int = 0
    scope_id: int = 0

    def __str__(self) -> str:
        return ("[%s]:%d" if ":" in self.host else "%s:%d") % (self.host, self.port)


#: What is taken for an address: also what the socket module makes, without the flow of IPv6.
AddressLike = Union[Address, Tuple[str, int], Tuple[str, int, int]]


def address_to_c(address: AddressLike) -> Any:
    """A floe_address; nobody may write to it."""
    try:
        return _address_to_c("" if isinstance(address, str) else tuple(address))  # a list is none that is hashed
    except TypeError:
        raise TypeError('an address is (host, port), as ("192.0.2.1", 3478), and not %r' % (address,)) from None


@functools.lru_cache(maxsize=1024)
def _address_to_c(address: Any) -> Any:
    if len(address) < 2 or not isinstance(address[0], str):
        raise TypeError
    host, port, scope_id = Address(*address)
    if isinstance(port, int) and not 0 <= port <= 65535:
        raise OverflowError("a port is 0 to 65535, and not %d" % port)
    made = ffi.new("floe_address *")
    check(lib.floe_address_parse(host.encode("ascii", "replace"), made))
    made.port = port
    made.scope_id = scope_id
    return made


def address_from_c(c: Any) -> Optional[Address]:
    if c.family == Family.NONE:
        return None
    ip = bytes(c.ip)
    if c.family == Family.IPV4:
        return Address(str(ipaddress.IPv4Address(ip[:4])), c.port)
    text = ffi.new("char[]", lib.FLOE_ADDRESS_TEXT_SIZE)
    check(lib.floe_address_format(c if ffi.typeof(c).kind == "pointer" else ffi.addressof(c), text, lib.FLOE_ADDRESS_TEXT_SIZE))
    return Address(ffi.string(text).decode(), c.port, c.scope_id)


def text_from_c(c: Any) -> Optional[str]:
    return None if c == ffi.NULL else ffi.string(c).decode("utf-8", "replace")


def _fields(c: Any) -> Dict[str, Any]:
    kind = ffi.typeof(c)
    return _fields_of(kind.item if kind.kind == "pointer" else kind)


@functools.lru_cache(maxsize=None)
def _fields_of(kind: Any) -> Dict[str, Any]:
    return {name: field.type for name, field in kind.fields}


def _value_from_c(kind: Any, value: Any) -> Any:
    if kind.kind == "enum":
        return OF_C[kind.cname](value)
    if kind.cname == "struct floe_duration":
        return value.ns / 1e9
    if kind.cname == "struct floe_address":
        return address_from_c(value)
    if kind.cname == "char *":
        return text_from_c(value)
    if kind.kind == "array":
        return ffi.string(value).decode("utf-8", "replace") if kind.item.cname == "char" else bytes(value)
    return value


def from_c(cls: Type[T], c: Any, **given: Any) -> T:
    """A dataclass of a struct's fields. What is not converted by its type alone is given."""
    types = _fields(c)
    for field in dataclasses.fields(cls):
        if field.name not in types and field.default is not dataclasses.MISSING:
            continue  # of a later libfloe than the one that this was built with
        if field.name not in given:
            given[field.name] = _value_from_c(types[field.name], getattr(c, field.name))
    return cls(**given)


#: Arrays, and the fields that count them.
COUNTS = {
    "urls": "url_count",
    "external": "external_count",
    "nat_1to1_ips": "nat_1to1_ip_count",
    "host_addresses": "host_address_count",
    "address_rewrite_rules": "address_rewrite_rule_count",
    "ice_servers": "ice_server_count",
    "extensions": "extension_count",
}


def text_to_c(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError("a text is wanted, not %s" % type(value).__name__)
    return _without_nul(value.encode("utf-8"))


def _without_nul(encoded: bytes) -> bytes:
    if b"\0" in encoded:
        raise ValueError("a text contains a NUL")
    return encoded


def _kept_text(name: str, value: Any, keep: List[Any]) -> Any:
    """Of a field: a path, which need not be UTF-8, or a text."""
    if name.endswith("_file"):
        encoded = _without_nul(os.fsencode(value))
    else:
        encoded = _without_nul(value) if isinstance(value, bytes) else text_to_c(value)
    made = ffi.new("char[]", encoded)
    keep.append(made)
    return made


def wanted(cls: Type[T], value: Any) -> T:
    if not isinstance(value, cls):
        raise TypeError("floe.%s is wanted, not %s" % (cls.__name__, type(value).__name__))
    return value


def into_c(struct: Any, source: Any, keep: List[Any]) -> None:
    """Fills a struct from a dataclass. What it points to is kept alive in `keep`. Functions are not set here."""
    types = _fields(struct)
    kind = ffi.typeof(struct)
    kind = kind.item if kind.kind == "pointer" else kind
    ours = kind.cname.split("floe_")[-1].title().replace("_", "")  # our class has the struct's name
    if ours not in [one.__name__ for one in type(source).__mro__]:
        raise TypeError("floe.%s is wanted, not %s" % (ours, type(source).__name__))
    if "size" in types:
        struct.size = ffi.sizeof(kind)
    for field in dataclasses.fields(source):
        value = getattr(source, field.name)
        if value is None or callable(value):
            continue
        if field.name not in types:  # of a later libfloe than the one that this was built with
            if value:
                raise ValueError("this libfloe has no " + field.name)
            continue
        try:
            _field_into_c(struct, field.name, types[field.name], value, keep)
        except (TypeError, OverflowError) as error:
            raise type(error)("%s: %s" % (field.name, error)) from None


def _field_into_c(struct: Any, name: str, kind: Any, value: Any, keep: List[Any]) -> None:
    if name in COUNTS:
        if isinstance(value, (str, bytes)):
            raise TypeError("a sequence is wanted, not %s" % type(value).__name__)  # its letters are one too
        array = _array_to_c(name, kind.item, list(value), keep)
        setattr(struct, name, array)
        setattr(struct, COUNTS[name], len(array) if array != ffi.NULL else 0)
    elif kind.cname == "char *":
        setattr(struct, name, _kept_text(name, value, keep))
    else:
        setattr(struct, name, value)


def _array_to_c(name: str, item: Any, values: List[Any], keep: List[Any]) -> Any:
    if not values:
        return ffi.NULL
    if item.kind == "pointer":
        made = ffi.new("char *[]", [_kept_text(name, value, keep) for value in values])
    else:
        made = ffi.new("%s[]" % item.cname, len(values))
        for place, value in zip(made, values):
            if isinstance(value, tuple):  # of texts
                for part, text in zip(_fields(place), value):
                    setattr(place, part, _kept_text(part, text, keep))
            else:
                into_c(place, value, keep)
    keep.append(made)
    return made
