"""Who owns the connections: what one of them asks of the forwarder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from userproxy.dataplane.engine import Engine
from userproxy.model.names import NamespacedName
from userproxy.portforward.held_fins import HeldFins
from userproxy.portforward.limits import ForwardLimits, HalfClose

if TYPE_CHECKING:
    from userproxy.portforward.pair import Pair

__all__ = ["PairOwner"]


class PairOwner(Protocol):
    """The forwarder."""

    limits: ForwardLimits
    half_close: HalfClose

    @property
    def engine(self) -> Engine: ...

    def seek(self, pair: Pair) -> bool:
        """Find an upgrade for ``pair``; False: it has one, or was told that there is none."""
        ...

    def give_up(self, pair: Pair) -> None:
        """It waits for no upgrade any more."""
        ...

    def held_fins(self, pod: NamespacedName) -> HeldFins:
        """Of clients whose FIN waits for the end of ``pod``."""
        ...

    def is_making(self, pod: NamespacedName) -> bool:
        """An upgrade is being made."""
        ...

    def began(self, pair: Pair) -> None:
        """Raises OSError when there is no descriptor for it."""
        ...

    def ended(self, pair: Pair) -> None: ...
