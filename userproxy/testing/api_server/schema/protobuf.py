"""Kubernetes' protobuf envelope, decoded to the raw object that JSON would have been.

kubectl from 1.32 on sends what it creates itself (``create namespace``, ``create service``) in this format
and no other. In: the bytes, and a table of field numbers. Out: the object (protobuf encoding, wire types).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["BadProtobuf", "Field", "Message", "decode_envelope", "decode_message"]

_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class BadProtobuf(ValueError):
    """The bytes are no such message."""


@dataclass(frozen=True, slots=True)
class Field:
    """What a field number means."""

    name: str
    type: str = "string"
    """string, int, bool, message, map (of strings), or int-or-string."""
    message: Message | None = None
    repeated: bool = False
    pointer: bool = False
    """Its zero value means something: it is kept, where others are left out as JSON does."""


Message = Mapping[int, Field]

_TYPE_META: Message = {1: Field("apiVersion"), 2: Field("kind")}
_ENVELOPE: Message = {1: Field("typeMeta", "message", _TYPE_META), 2: Field("raw", "bytes")}


def decode_envelope(content: bytes) -> tuple[str, str, bytes]:
    """``apiVersion``, ``kind`` and the encoded object. Raises BadProtobuf."""
    if not content.startswith(_MAGIC):
        raise BadProtobuf("the object does not begin as Kubernetes' protobuf does")
    envelope = decode_message(content[len(_MAGIC) :], _ENVELOPE)
    meta, raw = envelope.get("typeMeta"), envelope.get("raw", b"")
    if not isinstance(meta, dict) or not isinstance(raw, bytes):
        raise BadProtobuf("the object does not say its kind")
    return str(meta.get("apiVersion", "")), str(meta.get("kind", "")), raw


def decode_message(content: bytes, message: Message) -> dict[str, object]:
    """The fields of ``content`` that ``message`` knows, without empty ones. Raises BadProtobuf."""
    fields: dict[str, object] = {}
    for number, wire_type, value in _fields(content):
        known = message.get(number)
        if known is None:
            continue
        decoded = _value(known, wire_type, value)
        if known.type == "map":
            fields.setdefault(known.name, {})
            fields[known.name] = {**_mapping(fields[known.name]), **_mapping(decoded)}
        elif known.repeated:
            before = fields.get(known.name)
            fields[known.name] = [*(before if isinstance(before, list) else []), decoded]
        elif decoded or known.pointer:
            fields[known.name] = decoded
    return fields


def _value(field: Field, wire_type: int, value: int | bytes) -> object:
    if isinstance(value, int) != (field.type in ("int", "bool")) or wire_type not in (_VARINT, _BYTES):
        raise BadProtobuf(f"field {field.name} is not encoded as {field.type}")
    if isinstance(value, int):
        # Negative numbers are sent as their 64-bit complement.
        return bool(value) if field.type == "bool" else value - (value >> 63 << 64)
    match field.type:
        case "bytes":
            return value
        case "string":
            return _text(value)
        case "map":
            entry = decode_message(value, _ENTRY)
            return {str(entry.get("key", "")): entry.get("value", "")}
        case "int-or-string":
            number_or_text = decode_message(value, _INT_OR_STRING)
            # Type 1 is the text, type 0 the number.
            return number_or_text.get("text") if number_or_text.get("type") else number_or_text.get("number")
    return decode_message(value, field.message or {})


_ENTRY: Message = {1: Field("key"), 2: Field("value")}
_INT_OR_STRING: Message = {1: Field("type", "int"), 2: Field("number", "int"), 3: Field("text")}


def _fields(content: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Number, wire type and value of each field, in order."""
    position = 0
    while position < len(content):
        tag, position = _varint(content, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            value, position = _varint(content, position)
            yield number, wire_type, value
            continue
        if wire_type == _BYTES:
            length, position = _varint(content, position)
        elif wire_type in (_FIXED64, _FIXED32):
            length = 8 if wire_type == _FIXED64 else 4
        else:
            raise BadProtobuf(f"wire type {wire_type} is unknown")
        if position + length > len(content):
            raise BadProtobuf("the object ends in the middle of a field")
        yield number, wire_type, content[position : position + length]
        position += length


def _varint(content: bytes, position: int) -> tuple[int, int]:
    """A number and the position behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(content):
            break
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (2**64 - 1), position
    raise BadProtobuf("a number does not end")


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise BadProtobuf("a text is not UTF-8") from error


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
