"""`KubeSource`: Services, EndpointSlices and this Node from an API server, as a `Source`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import cast

from userproxy.model.events import Event, Mark
from userproxy.sources.base import EventQueue
from userproxy.sources.kube.connection import Connection
from userproxy.sources.kube.following import Crash, Following
from userproxy.sources.kube.plan import node_collection, served_collections
from userproxy.sources.kube.snapshot import list_once
from userproxy.sources.kube.timing import Timing

__all__ = ["KubeSource"]


class KubeSource:
    """Follows the API server that ``connection`` leads to (section R).

    ``namespaces``: only these, each watched on its own, so that a namespaced role is enough; none: all.
    ``selector`` chooses Services by label. ``node_name`` "" follows no Node; with
    ``node_optional`` it is no problem that there is none, as on a laptop. ``exclude_foreign``: the
    server leaves out the Services of another proxy, as for kube-proxy; ``explain`` wants those too.
    ``exclude_headless``: and headless ones, of which a proxy on cluster addresses serves nothing.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        namespaces: Sequence[str] = (),
        selector: str = "",
        node_name: str = "",
        node_optional: bool = False,
        exclude_foreign: bool = True,
        exclude_headless: bool = False,
        timing: Timing | None = None,
    ) -> None:
        self._connection = connection
        self._served = tuple(
            served_collections(
                namespaces, selector, exclude_foreign=exclude_foreign, exclude_headless=exclude_headless
            )
        )
        self._node = node_collection(node_name) if node_name else None
        self._node_optional = node_optional and not connection.in_cluster
        self._timing = timing or Timing()
        self._queue = EventQueue()
        self._following: Following | None = None

    @property
    def cluster_ip_required(self) -> bool:
        """Objects come complete: a Service without a clusterIP is ignored (rule S1)."""
        return True

    @property
    def connection(self) -> Connection:
        """For whatever else asks the same API server."""
        return self._connection

    @property
    def remote(self) -> bool:
        """Only a pod's own credentials say that this host is in the cluster."""
        return not self._connection.in_cluster

    async def events(self) -> AsyncGenerator[Event, None]:
        """Say what exists, then Synced, then every change; see `Source.events`.

        Raises only what is a fault of ours: an API server that is away, refuses or talks nonsense is
        reported as SourceProblems, and asked again.
        """
        following = Following(
            self._connection,
            self._served,
            self._node,
            node_optional=self._node_optional,
            queue=self._queue,
            timing=self._timing,
        )
        self._following = following
        try:
            following.start()
            # EventQueue's iterator is a generator, and is closed like one.
            async with aclosing(cast(AsyncGenerator[Event, None], aiter(self._queue))) as queue:
                async for event in queue:
                    if isinstance(event, Mark) and isinstance(event.token, Crash):
                        raise event.token.error
                    yield event
        finally:
            self._following = None
            self._queue = EventQueue()
            await following.aclose()

    def mark(self, token: object) -> None:
        """Make ``Mark(token)`` come out behind all that has been received from the API server."""
        self._queue.mark(token)

    def reload(self) -> None:
        """Read credentials again and connect anew; what is known stays, and back-off is cut short.

        Where they lead to another cluster, everything is listed anew there.
        """
        if self._following is None:
            self._connection.reload()
        else:
            self._following.reload()

    async def list_all(self, timeout_s: float) -> tuple[Event, ...]:
        """All that exists now, ended by Synced: for ``explain``, without watching.

        Raises ApiError, WatchError (also when it took longer than ``timeout_s``) or CredentialsError. Only
        the Node may fail: it becomes a problem.
        """
        return await list_once(self._connection, self._served, self._node, timeout_s, self._timing)

    @property
    def resource_versions(self) -> Mapping[str, str]:
        """Version up to which events have come out: by ``services``, ``endpointslices`` and ``nodes``.

        With namespaces given, by ``services/NAMESPACE`` and so on: versions are opaque, so there is no
        least one. What has not been listed yet is missing.
        """
        return {} if self._following is None else self._following.resource_versions

    @property
    def last_contact_age_s(self) -> float | None:
        """Seconds since the API server last sent something (rule R7); None: it never has.

        Of several collections, the one that has been silent longest. Some silence is normal: bookmarks
        come about once a minute.
        """
        contact_s = None if self._following is None else self._following.last_contact_s
        return None if contact_s is None else self._timing.now() - contact_s
