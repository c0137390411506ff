"""Certificates for tests of credentials: one authority, what it signs, and how to spoil it."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import trustme

__all__ = ["Pair", "authority", "authority_pem", "b64", "client_pair", "server_context"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate chain and its key, PEM."""

    chain: str
    key: str

    def write(self, folder: Path, name: str = "client") -> tuple[Path, Path]:
        """Write both into ``folder`` and return their paths."""
        chain, key = folder / f"{name}.crt", folder / f"{name}.key"
        chain.write_text(self.chain)
        key.write_text(self.key)
        return chain, key


def authority(name: str = "cluster") -> trustme.CA:
    """The authority called ``name``, the same for the whole run."""
    return _authority(name)


@cache
def _authority(name: str) -> trustme.CA:
    return trustme.CA(organization_name=name)


def authority_pem(name: str = "cluster") -> str:
    return authority(name).cert_pem.bytes().decode()


def client_pair(identity: str = "dev@example.org", *, not_after: datetime | None = None) -> Pair:
    """A client certificate of the cluster's authority."""
    issued = authority().issue_cert(identity, common_name=identity, not_after=not_after)
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems).decode()
    return Pair(chain, issued.private_key_pem.bytes().decode())


def server_context(
    *names: str, signer: trustme.CA | None = None, not_after: datetime | None = None
) -> ssl.SSLContext:
    """TLS of a server that is called ``names`` and takes client certificates of the cluster's authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued = (signer or authority()).issue_cert(*(names or ("127.0.0.1",)), not_after=not_after)
    issued.configure_cert(context)
    authority().configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def b64(text: str) -> str:
    """``text`` as the ``-data`` fields of a kubeconfig hold it."""
    return base64.b64encode(text.encode()).decode()
