"""PEM text and the one field of a certificate that Python's ``ssl`` does not tell: when it ends.

Pure: text in, blocks and times out. The walk through DER reads no more of a certificate than its
``validity`` (RFC 5280, section 4.1); whether the rest is sound is for OpenSSL to say.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime

__all__ = ["certificate_blocks", "has_encrypted_key", "has_private_key", "not_after"]

# RFC 7468: the label stands in both lines; text around the blocks is comment.
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\s(.*?)-----END CERTIFICATE-----", re.DOTALL)
_PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z0-9 ]*)PRIVATE KEY-----")

_SEQUENCE = 0x30
_VERSION = 0xA0
_UTC_TIME = 0x17
_GENERALIZED_TIME = 0x18


def certificate_blocks(pem: str) -> tuple[bytes, ...]:
    """The DER of each CERTIFICATE block in ``pem``, in order; blocks that are not base64 are left out."""
    blocks = []
    for match in _CERTIFICATE.finditer(pem):
        try:
            blocks.append(base64.b64decode("".join(match[1].split()), validate=True))
        except binascii.Error:
            continue
    return tuple(blocks)


def has_private_key(pem: str) -> bool:
    """Whether ``pem`` has a private key of any kind."""
    return _PRIVATE_KEY.search(pem) is not None


def has_encrypted_key(pem: str) -> bool:
    """Whether the first private key in ``pem`` needs a pass phrase."""
    key = _PRIVATE_KEY.search(pem)
    if key is None:
        return False
    return key[1] == "ENCRYPTED " or pem[key.end() :].lstrip().startswith("Proc-Type: 4,ENCRYPTED")


def not_after(certificate: bytes) -> datetime:
    """When the DER ``certificate`` ends.

    Raises ValueError when it is no certificate.
    """
    _, body, _ = _element(certificate, 0, _SEQUENCE)
    _, offset, _ = _element(certificate, body, _SEQUENCE)
    if certificate[offset : offset + 1] == bytes([_VERSION]):
        offset = _element(certificate, offset, _VERSION)[2]
    for _field in ("serialNumber", "signature", "issuer"):
        offset = _element(certificate, offset)[2]
    _, offset, _ = _element(certificate, offset, _SEQUENCE)
    offset = _element(certificate, offset)[2]
    tag, start, end = _element(certificate, offset)
    return _time(tag, certificate[start:end])


def _element(data: bytes, offset: int, expected: int | None = None) -> tuple[int, int, int]:
    """Tag, start and end of the contents of the DER element at ``offset``."""
    if offset + 2 > len(data):
        raise ValueError("the certificate is cut short")
    tag, length = data[offset], data[offset + 1]
    start = offset + 2
    if length & 0x80:
        octets = length & 0x7F
        length = int.from_bytes(data[start : start + octets], "big")
        start += octets
    end = start + length
    if end > len(data):
        raise ValueError("the certificate is cut short")
    if expected is not None and tag != expected:
        raise ValueError("this is no certificate")
    return tag, start, end


def _time(tag: int, text: bytes) -> datetime:
    """The DER time in ``text``; RFC 5280, 4.1.2.5: always UTC, always with seconds."""
    digits = text.decode("ascii", "replace")
    if tag == _UTC_TIME:
        digits = ("20" if digits < "50" else "19") + digits
    elif tag != _GENERALIZED_TIME:
        raise ValueError("the certificate has no readable time")
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
