"""When certificates end, and what counts as PEM."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.kube.pki import authority_pem, client_pair
from userproxy.sources.kube.certificates import (
    certificate_blocks,
    has_encrypted_key,
    has_private_key,
    not_after,
)


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _certificate(end: datetime, names: int = 1) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"n{number}") for number in range(names)])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(_key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(1951, 1, 1, tzinfo=UTC))
        .not_valid_after(end)
        .sign(_key(), hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.DER)


@settings(max_examples=60, deadline=None)
@given(
    end=st.datetimes(min_value=datetime(1951, 1, 2), max_value=datetime(9999, 12, 31)),
    names=st.integers(1, 30),
)
def test_the_end_of_any_certificate_is_read(end: datetime, names: int) -> None:
    end = end.replace(tzinfo=UTC, microsecond=0)
    assert not_after(_certificate(end, names)) == end


def test_the_end_of_a_chain_is_that_of_its_first_certificate() -> None:
    end = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    blocks = certificate_blocks(client_pair(not_after=end).chain + authority_pem())
    assert len(blocks) == 2
    assert not_after(blocks[0]) == end
    assert not_after(blocks[1]) > end


def test_a_certificate_without_a_version_field_is_read() -> None:
    # RFC 5280, 4.1.2.1: version 1 leaves the field out.
    end = datetime(2040, 1, 1, tzinfo=UTC)
    whole = _certificate(end)
    start = whole.index(bytes.fromhex("a003020102"))
    cut = bytearray(whole[:start] + whole[start + 5 :])
    for offset in (2, start - 2):
        length = int.from_bytes(cut[offset : offset + 2], "big") if cut[offset - 1] == 0x82 else None
        if length is not None:
            cut[offset : offset + 2] = (length - 5).to_bytes(2, "big")
        else:
            cut[offset + 1] -= 5
    assert not_after(bytes(cut)) == end


def test_a_certificate_that_is_cut_anywhere_is_refused() -> None:
    whole = _certificate(datetime(2033, 3, 3, tzinfo=UTC))
    for length in range(len(whole)):
        with pytest.raises(ValueError, match="certificate"):
            not_after(whole[:length])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_certificate_are_refused(noise: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- strptime words its own
        not_after(noise)


def test_blocks_are_found_among_comments_and_broken_ones_left_out() -> None:
    good = authority_pem()
    text = (
        f"# Größte CA\n{good}\n-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n"
        "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\r\n"
    ) + good.replace("\n", "\r\n")
    der = base64.b64decode("".join(good.strip().splitlines()[1:-1]))
    assert certificate_blocks(text) == (der, der)


@pytest.mark.parametrize(
    "text", ["", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"]
)
def test_text_without_certificates_has_no_blocks(text: str) -> None:
    assert certificate_blocks(text) == ()


def _keys() -> list[object]:
    plain = serialization.NoEncryption()
    locked = serialization.BestAvailableEncryption(b"x")
    formats = serialization.PrivateFormat
    return [
        pytest.param(formats.PKCS8, plain, False, id="PKCS 8"),
        pytest.param(formats.PKCS8, locked, True, id="PKCS 8 with a pass phrase"),
        pytest.param(formats.TraditionalOpenSSL, plain, False, id="SEC 1"),
        pytest.param(formats.TraditionalOpenSSL, locked, True, id="SEC 1 with a pass phrase"),
    ]


@pytest.mark.parametrize(("form", "lock", "encrypted"), _keys())
def test_keys_are_told_apart(
    form: serialization.PrivateFormat, lock: serialization.KeySerializationEncryption, encrypted: bool
) -> None:
    pem = _key().private_bytes(serialization.Encoding.PEM, form, lock).decode()
    assert has_private_key(pem)
    assert has_encrypted_key(pem) is encrypted


def test_a_certificate_is_no_key() -> None:
    assert not has_private_key(authority_pem())
    assert not has_encrypted_key(authority_pem())


def test_an_expiring_certificate_ends_when_it_was_asked_to() -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    assert not_after(certificate_blocks(client_pair(not_after=end).chain)[0]) == end
