"""TLS towards the API server: whom we trust, and the certificate that we show.

Verification follows Go's client, because kubectl is the reference: names come from the subject
alternative names alone, every certificate of the authority file is an anchor (also an intermediate or
the server's own), TLS 1.2 at least, and no RFC 5280 strictness that cluster authorities fail.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from userproxy.errors import CredentialsError
from userproxy.sources.kube.certificates import certificate_blocks, has_encrypted_key, has_private_key
from userproxy.sources.kube.secret import Secret

__all__ = ["ClientCertificate", "client_context"]


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate chain and its key as PEM text, with the names that messages use for them."""

    chain: str = field(repr=False)
    key: Secret
    chain_origin: str
    """As in "user 'dev' of FILE: client-certificate-data"."""
    key_origin: str


def client_context(
    *,
    authorities: str | None = None,
    origin: str = "",
    verify: bool = True,
    identity: ClientCertificate | None = None,
) -> ssl.SSLContext:
    """A context for one cluster: its ``authorities`` (PEM; None: the system's) and our ``identity``.

    ``origin`` names the authorities in messages. With the system's authorities this takes some 20 ms
    (OpenSSL parses them all), else one or two.

    Raises CredentialsError when there is no certificate in ``authorities``, or the identity cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(["http/1.1"])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif authorities is None:
        context.load_default_certs()
    else:
        _trust(context, authorities, origin)
    if identity is not None:
        _show(context, identity)
    return context


def _trust(context: ssl.SSLContext, authorities: str, origin: str) -> None:
    loaded = 0
    for block in certificate_blocks(authorities):
        # Go skips blocks that it cannot parse as well, and fails only when none is left.
        with contextlib.suppress(ssl.SSLError):
            context.load_verify_locations(cadata=block)
            loaded += 1
    if not loaded:
        raise CredentialsError(f"{origin}: holds no PEM certificate")


def _show(context: ssl.SSLContext, identity: ClientCertificate) -> None:
    key = identity.key.reveal()
    if not certificate_blocks(identity.chain):
        raise CredentialsError(f"{identity.chain_origin}: holds no PEM certificate")
    if not has_private_key(key):
        raise CredentialsError(f"{identity.key_origin}: holds no PEM private key")
    if has_encrypted_key(key):
        raise CredentialsError(f"{identity.key_origin}: the private key has a pass phrase; give one without")
    with _readable(identity.chain) as chain_path, _readable(key) as key_path:
        try:
            # The empty pass phrase keeps OpenSSL from ever asking for one on the terminal.
            context.load_cert_chain(chain_path, key_path, password="")
        except (ssl.SSLError, ValueError) as error:
            reason = getattr(error, "reason", None)
        else:
            return
    if reason == "KEY_VALUES_MISMATCH":
        raise CredentialsError(f"{identity.key_origin}: does not belong to {identity.chain_origin}")
    raise CredentialsError(
        f"{identity.chain_origin} and {identity.key_origin}: OpenSSL cannot use them"
        f" ({reason or 'not readable'})"
    )


@contextlib.contextmanager
def _readable(text: str) -> Iterator[str]:
    """A path that holds ``text`` while the block runs: ``ssl`` takes keys from files only.

    In memory where the system can, so that no key is ever on a disk; else a file that only we may
    read, removed at once.
    """
    descriptor = os.memfd_create("userproxy") if hasattr(os, "memfd_create") else -1
    path = f"/proc/self/fd/{descriptor}"
    if descriptor >= 0 and not os.access(path, os.R_OK):
        os.close(descriptor)  # no /proc in this sandbox
        descriptor = -1
    if descriptor >= 0:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            yield path
        return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="userproxy-") as file:
        file.write(text)
        file.flush()
        yield file.name
