"""A TLS handshake between two contexts, in memory."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

__all__ = ["Seen", "common_name", "handshake"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the server knows of the client when the handshake is over."""

    common_name: str | None
    server_name: str | None


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, host: str = "127.0.0.1") -> Seen:
    """Shake hands; raises the error of the side that refuses."""
    names: list[str | None] = []
    server.sni_callback = lambda socket, name, context: names.append(name)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=host)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [ours, theirs]
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(side)
    # With TLS 1.3 the client is done before the server has judged its certificate.
    theirs.write(b"!")
    ours.read(1)
    return Seen(common_name(theirs.getpeercert()), names[-1] if names else None)


def common_name(certificate: object) -> str | None:
    """The common name in what ``getpeercert`` gives."""
    match certificate:
        case {"subject": subject}:
            return dict(pair for name in subject for pair in name).get("commonName")
    return None
