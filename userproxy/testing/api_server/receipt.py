"""Knowing that a proxy has received everything: versions that its source reports, moved by bookmarks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

__all__ = ["FollowingProxy", "VersionedSource", "received"]

_LOOK_AGAIN_S = 0.002


@runtime_checkable
class VersionedSource(Protocol):
    """A source that says how far it has come; `KubeSource` does."""

    @property
    def resource_versions(self) -> Mapping[str, str]:
        """The version up to which events have come out, by resource and perhaps namespace."""
        ...


class FollowingProxy(Protocol):
    """A proxy with such a source."""

    @property
    def source(self) -> object:
        """Where its objects come from."""
        ...

    async def settled(self, timeout_s: float = 10.0) -> None:
        """Return when all that the source holds is in force."""
        ...


async def received(source: VersionedSource, version: int, ask: Callable[[], None]) -> None:
    """Return once every collection of ``source`` has come to ``version``; ``ask`` sends bookmarks.

    A watch that opens in between knows nothing of the bookmarks before it, therefore the repetition.
    """
    while True:
        versions = source.resource_versions
        if versions and all(int(each) >= version for each in versions.values()):
            return
        ask()
        # Nothing tells when a bookmark has been read at the other end.
        await asyncio.sleep(_LOOK_AGAIN_S)
