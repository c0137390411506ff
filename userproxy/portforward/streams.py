"""The seams between one connection and the upgrade that carries it."""

from __future__ import annotations

from typing import Protocol

__all__ = ["PairStream", "StreamUser", "Upgrade", "UpgradeOwner"]


class PairStream(Protocol):
    """What a connection has of an upgrade: the way to the pod's port."""

    @property
    def blocked(self) -> bool:
        """Send no more until `StreamUser.writable`."""
        ...

    def send(self, data: bytes | memoryview) -> None:
        """``data`` may change again when this returns."""
        ...

    def finish(self) -> None:
        """The client's FIN, behind all that was sent."""
        ...

    def stall(self, stalled: bool) -> None:
        """The client does not read: stop the upgrade; or it does again."""
        ...

    def leave(self) -> None:
        """Give this upgrade to no new connection."""
        ...

    def end(self, *, reset: bool) -> None:
        """Done with it; the user is told nothing more. ``reset``: the pod's side shall end at once."""
        ...


class StreamUser(Protocol):
    """A connection, as an upgrade sees it."""

    def received(self, data: memoryview, *, fin: bool) -> None:
        """From the pod; ``data`` is true until this returns."""
        ...

    def error_received(self, data: memoryview, *, fin: bool) -> None:
        """From the error stream; ``fin``: there is no more of it."""
        ...

    def reset(self) -> None:
        """The pod's side has ended at once."""
        ...

    def refused(self, error: OSError) -> None:
        """The upgrade never looked at it."""
        ...

    def lost(self, error: OSError) -> None:
        """The upgrade is gone."""
        ...

    def writable(self) -> None: ...


class Upgrade(Protocol):
    """One upgraded connection to a pod."""

    @property
    def has_room(self) -> bool:
        """It takes one more connection now."""
        ...

    @property
    def pairs(self) -> int:
        """Connections that it carries."""
        ...

    @property
    def is_proven(self) -> bool:
        """The peer has shown that it speaks what it upgraded to."""
        ...

    port: int | None
    """The only port that it leads to; None: each connection says its own."""

    def start(self) -> None: ...

    def open(self, user: StreamUser, port: int) -> PairStream: ...

    def close(self) -> None:
        """End it in order; what it still carries is lost."""
        ...


class UpgradeOwner(Protocol):
    """The upgrades of a pod."""

    def has_stalled(self) -> None:
        """One is not read any more, as a client does not read."""
        ...

    def may_have_room(self) -> None: ...

    def upgrade_lost(self, upgrade: Upgrade, error: Exception | None) -> None:
        """None: in order. Told before its connections are."""
        ...
