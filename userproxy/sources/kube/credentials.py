"""One cluster and one user at work: the `Connection` that a kubeconfig or a pod gives.

In: a target, read again on `ClusterConnection.reload` and after a 401. Out: headers and TLS set-up for
each request. Owns the plugin, the cached files and the one SSL context; opens no connection.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import urlsplit

from multidict import CIMultiDict

from userproxy.errors import ConfigError
from userproxy.log import log_event
from userproxy.sources.kube.bearer import Authorization
from userproxy.sources.kube.cluster_tls import ClusterTLS
from userproxy.sources.kube.exec_plugin import PluginCredentials
from userproxy.sources.kube.proxies import environment_proxy
from userproxy.sources.kube.server_url import is_loopback
from userproxy.sources.kube.target import Target

__all__ = ["ClusterConnection", "TargetSource"]

_LOGGER = logging.getLogger(__name__)


class TargetSource(Protocol):
    """Where the target comes from."""

    def __call__(self, *, again: bool = False) -> Target:
        """The target as files have it now; with ``again`` they are read although they look unchanged.

        Raises ConfigError when there is none.
        """
        ...


class ClusterConnection:
    """A connection to the cluster of a target, as its user.

    ``now`` is the wall clock, seconds since the epoch. Raises ConfigError when there is no target, or its
    proxy cannot be used; the files that only requests need are read by `check` or by those.
    """

    def __init__(
        self,
        source: TargetSource,
        *,
        environ: Mapping[str, str],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._environ = environ
        self._now = now
        self._reread = False
        self._drop = False
        self._parts = _Parts(source(), environ, now)

    def __repr__(self) -> str:
        return f"ClusterConnection({self.origin!r}, server={self.server!r})"

    @property
    def origin(self) -> str:
        """What chose this connection, for a log line: "context 'dev' of FILE"."""
        return self._parts.target.origin

    @property
    def namespace(self) -> str:
        """The namespace of the context (or pod); nothing here depends on it."""
        return self._parts.target.namespace

    @property
    def server(self) -> str:
        return self._parts.target.cluster.server

    @property
    def cluster(self) -> object:
        return self._parts.target.cluster

    @property
    def in_cluster(self) -> bool:
        return self._parts.target.in_cluster

    @property
    def proxy_url(self) -> str | None:
        return self._parts.proxy_url

    @property
    def tls_server_name(self) -> str | None:
        return self._parts.target.cluster.tls_server_name

    def ssl_context(self) -> ssl.SSLContext | None:
        self._refresh()
        return self._parts.ssl_context()

    async def headers(self) -> Mapping[str, str]:
        self._refresh()
        return await self._parts.headers()

    def check(self) -> None:
        """Read every file that the first request will need. Raises CredentialsError, now and not then.

        No plugin is run.
        """
        self._parts.check()

    def refused(self) -> None:
        self._reread = True
        self._parts.refused()

    def reload(self) -> None:
        self._reread = self._drop = True

    def _refresh(self) -> None:
        """Follow the files after `refused` and `reload`. What cannot be read leaves what there is in use."""
        if not self._reread:
            return
        drop, self._reread, self._drop = self._drop, False, False
        try:
            target = self._source(again=drop)
            if drop or target != self._parts.target:
                self._parts = _Parts(target, self._environ, self._now)
        except ConfigError as error:
            log_event(_LOGGER, logging.WARNING, "credentials_kept", message=str(error))
            if drop:
                self._parts = _Parts(self._parts.target, self._environ, self._now)


class _Parts:
    """What belongs to one target, replaced as a whole when the target changes."""

    def __init__(self, target: Target, environ: Mapping[str, str], now: Callable[[], float]) -> None:
        cluster, user = target.cluster, target.user
        stated = cluster.proxy_url
        self.target = target
        self.proxy_url = environment_proxy(cluster.server, environ) if stated is None else stated.reveal()
        self._tls = ClusterTLS(cluster, user, now)
        self._authorization = Authorization(user, time.monotonic)
        self._plugin: PluginCredentials | None = None
        self._withheld = False
        parts = urlsplit(cluster.server)
        # kubectl sends no credentials over plain HTTP. Nor do we, save to this very machine.
        self._may_send = parts.scheme == "https" or is_loopback(parts.hostname or "")
        # As in kubectl, a plugin counts only for a user who has nothing else.
        if user.exec is not None and self._authorization.is_absent and user.certificate is None:
            self._plugin = PluginCredentials(
                user.exec,
                cluster,
                user_origin=user.origin,
                environ=environ,
                authorities=self._tls.authorities,
                now=now,
            )

    def check(self) -> None:
        self._authorization.header()
        self._tls.context(None)

    def refused(self) -> None:
        self._tls.refused()
        self._authorization.refused()
        if self._plugin is not None:
            self._plugin.refused()

    def ssl_context(self) -> ssl.SSLContext | None:
        credential = None if self._plugin is None else self._plugin.credential
        return self._tls.context(None if credential is None else credential.certificate)

    async def headers(self) -> Mapping[str, str]:
        headers: CIMultiDict[str] = CIMultiDict()
        impersonation = self.target.user.impersonation
        if impersonation is not None:
            headers.extend(impersonation.headers())
        if not self._may_send:
            self._withhold()
            return headers
        if self._plugin is not None:
            token = (await self._plugin.current()).token
            if token is not None:
                headers["Authorization"] = f"Bearer {token.reveal()}"
        else:
            value = self._authorization.header()
            if value is not None:
                headers["Authorization"] = value.reveal()
        return headers

    def _withhold(self) -> None:
        if not self._withheld and (self._plugin is not None or not self._authorization.is_absent):
            self._withheld = True
            message = f"{self.target.user.origin}: no credentials are sent over plain HTTP"
            log_event(_LOGGER, logging.WARNING, "credentials_withheld", message=message)
