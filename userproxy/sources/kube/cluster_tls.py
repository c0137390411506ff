"""The one SSL context of a cluster and user, made anew when its files or the plugin's certificate change."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from userproxy.errors import CredentialsError
from userproxy.sources.kube.certificates import certificate_blocks, not_after
from userproxy.sources.kube.file_value import FileValue, read_text
from userproxy.sources.kube.secret import Secret
from userproxy.sources.kube.target import Cluster, Pem, User
from userproxy.sources.kube.tls import ClientCertificate, client_context

__all__ = ["ClusterTLS"]


@dataclass(frozen=True, slots=True)
class _Made:
    """A context and what it was made of."""

    authorities: str | None
    given: ClientCertificate | None
    identity: ClientCertificate | None
    ends_at: float | None
    context: ssl.SSLContext


class ClusterTLS:
    """TLS for ``cluster`` as ``user``. ``now`` is the wall clock in seconds since the epoch."""

    def __init__(self, cluster: Cluster, user: User, now: Callable[[], float]) -> None:
        self._cluster = cluster
        self._user = user
        self._now = now
        self._given: ClientCertificate | None = None
        self._made: _Made | None = None
        self._refused = False
        sources = (cluster.authorities, user.certificate, user.key)
        paths = tuple(pem.path for pem in sources if pem is not None and pem.path is not None)
        self._files = FileValue(paths, self._make)

    def authorities(self) -> str | None:
        """The cluster's certificate authorities as PEM; None when it states none. Raises CredentialsError."""
        return None if self._cluster.authorities is None else _text(self._cluster.authorities)

    def context(self, given: ClientCertificate | None) -> ssl.SSLContext | None:
        """The context that shows the certificate ``given`` by a plugin, else the user's; None for plain HTTP.

        The same object while nothing changed. A file that cannot be used leaves the last context in
        use, until the server refuses it or its certificate ends. Raises CredentialsError.
        """
        if not self._cluster.server.startswith("https:"):
            return None
        made = self._made
        again = self._refused or made is None or made.given != given or self._is_over(made.ends_at)
        self._given = given
        context = self._files.get(again=again, keep=not again).context
        self._refused = False
        return context

    def refused(self) -> None:
        """The server did not take us: the next `context` reads the files again."""
        self._refused = True

    def _is_over(self, ends_at: float | None) -> bool:
        return ends_at is not None and ends_at <= self._now()

    def _make(self) -> _Made:
        authorities = self.authorities()
        identity = self._given or self._own()
        ends_at = None if identity is None else _end(identity)
        if identity is not None and ends_at is not None and self._is_over(ends_at):
            end = datetime.fromtimestamp(ends_at, UTC).isoformat()
            raise CredentialsError(f"{identity.chain_origin}: the certificate expired at {end}")
        last = self._made
        if last is not None and (last.authorities, last.identity) == (authorities, identity):
            # Touched, not changed: connections that are open stay as good as new ones.
            context = last.context
        else:
            stated = self._cluster.authorities
            context = client_context(
                authorities=authorities,
                origin="" if stated is None else stated.origin,
                verify=not self._cluster.insecure,
                identity=identity,
            )
        self._made = _Made(authorities, self._given, identity, ends_at, context)
        return self._made

    def _own(self) -> ClientCertificate | None:
        certificate, key = self._user.certificate, self._user.key
        if certificate is None or key is None:
            return None
        return ClientCertificate(_text(certificate), Secret(_text(key)), certificate.origin, key.origin)


def _text(pem: Pem) -> str:
    if pem.text is not None:
        return pem.text.reveal()
    assert pem.path is not None
    return read_text(pem.path, pem.origin)


def _end(identity: ClientCertificate) -> float | None:
    """When the certificate ends; None when it cannot be read, which OpenSSL will complain about better."""
    try:
        return not_after(certificate_blocks(identity.chain)[0]).timestamp()
    except (IndexError, ValueError):
        return None
