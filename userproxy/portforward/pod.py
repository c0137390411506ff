"""The upgraded connections to one pod: made when they are wanted, shared, and made again when they break."""

from __future__ import annotations

import asyncio
import errno
from typing import Protocol

from userproxy.errors import UserproxyError
from userproxy.model.names import NamespacedName
from userproxy.portforward.channels import ChannelUpgrade
from userproxy.portforward.handshake import Accepted, Way
from userproxy.portforward.held_fins import HeldFins
from userproxy.portforward.limits import ForwardLimits
from userproxy.portforward.making import UpgradeMaker
from userproxy.portforward.pair import Pair
from userproxy.portforward.streams import Upgrade
from userproxy.portforward.upgrade import SpdyUpgrade

__all__ = ["PodOwner", "PodUpgrades"]


class PodOwner(Protocol):
    """The forwarder."""

    maker: UpgradeMaker
    limits: ForwardLimits

    def held_off(self, pod: NamespacedName) -> str:
        """Why no upgrade to ``pod`` is tried now; "" when one may be."""
        ...

    def worked(self, pod: NamespacedName, way: Way) -> None: ...

    def did_not_work(self, pod: NamespacedName, error: Exception) -> None: ...

    def has_stalled(self, pod: NamespacedName) -> None: ...


class PodUpgrades:
    """Owns them, and the tasks that make them."""

    __slots__ = ("_closed", "_making", "_owner", "_upgrades", "_waiting", "held_fins", "pod")

    def __init__(self, owner: PodOwner, pod: NamespacedName) -> None:
        self._owner = owner
        self.pod = pod
        self._upgrades: list[Upgrade] = []
        self._making: set[asyncio.Task[None]] = set()
        self._waiting: dict[Pair, None] = {}
        self.held_fins = HeldFins(owner.limits)
        self._closed = False

    @property
    def is_making(self) -> bool:
        return bool(self._making)

    @property
    def is_idle(self) -> bool:
        """There is nothing to be known of it."""
        return not (self._upgrades or self._making or self._waiting)

    def seek(self, pair: Pair) -> bool:
        """Give ``pair`` an upgrade, or let it wait for one (True); or tell it that there is none."""
        if self._places_are_scarce:
            self.held_fins.make_room()
        upgrade = self._with_room(pair.port)
        if upgrade is not None:
            pair.attach(upgrade)
            return False
        reason = self._owner.held_off(self.pod)
        if reason and not (self._making or self._upgrades):
            pair.fail(OSError(errno.EHOSTUNREACH, reason))
            return False
        self._waiting[pair] = None
        if not reason:
            self._make_enough()
        return True

    def give_up(self, pair: Pair) -> None:
        self._waiting.pop(pair, None)

    # What upgrades say (their owner).

    def has_stalled(self) -> None:
        self._owner.has_stalled(self.pod)

    def may_have_room(self) -> None:
        if self._waiting and not self._closed:
            self._serve_waiting()

    def upgrade_lost(self, upgrade: Upgrade, error: Exception | None) -> None:
        self._upgrades.remove(upgrade)
        # Those that had carried something are simply made again.
        if error is not None and not (self._closed or upgrade.is_proven):
            self._owner.did_not_work(self.pod, error)
        self.may_have_room()

    async def aclose(self) -> None:
        """Close every upgrade; pairs are the forwarder's to close, before this."""
        self._closed = True
        for task in tuple(self._making):
            task.cancel()
        await asyncio.gather(*self._making, return_exceptions=True)
        for upgrade in tuple(self._upgrades):
            upgrade.close()

    @property
    def _places_are_scarce(self) -> bool:
        limits = self._owner.limits
        taken = sum(upgrade.pairs for upgrade in self._upgrades)
        return 2 * taken >= limits.pairs_per_upgrade * limits.upgrades_per_pod

    def _with_room(self, port: int) -> Upgrade | None:
        """Of those with room, the one with the fewest connections."""
        fitting = [u for u in self._upgrades if u.has_room and u.port in (None, port)]
        return min(fitting, key=lambda upgrade: upgrade.pairs, default=None)

    def _serve_waiting(self) -> None:
        for pair in tuple(self._waiting):
            if not any(upgrade.has_room for upgrade in self._upgrades):
                break
            upgrade = self._with_room(pair.port)
            if upgrade is not None and pair in self._waiting:
                del self._waiting[pair]
                pair.attach(upgrade)
        if self._waiting and not self._owner.held_off(self.pod):
            self._make_enough()

    def _make_enough(self) -> None:
        """As many as those that wait will fill."""
        limits = self._owner.limits
        share, most = limits.pairs_per_upgrade, limits.upgrades_per_pod
        if self._owner.maker.way is Way.CHANNELS:
            share, most = 1, share * most
        while (
            len(self._waiting) > share * len(self._making) and len(self._upgrades) + len(self._making) < most
        ):
            port = tuple(self._waiting)[share * len(self._making)].port
            task = asyncio.get_running_loop().create_task(self._make(port), name=f"upgrade to {self.pod}")
            self._making.add(task)

    async def _make(self, port: int) -> None:
        task = asyncio.current_task()
        assert task is not None
        answer: Accepted | UserproxyError
        try:
            answer = await self._owner.maker.make(self.pod, port)
        except UserproxyError as error:
            answer = error
        finally:
            self._making.discard(task)
        if isinstance(answer, Accepted):
            self._made(answer, port)
        else:
            self._not_made(answer)

    def _made(self, accepted: Accepted, port: int) -> None:
        upgrade: Upgrade
        if accepted.way is Way.CHANNELS:
            upgrade = ChannelUpgrade(accepted, self, port)
        else:
            upgrade = SpdyUpgrade(accepted, self, self._owner.limits)
        self._upgrades.append(upgrade)
        upgrade.start()
        self._owner.worked(self.pod, accepted.way)
        self._serve_waiting()

    def _not_made(self, error: UserproxyError) -> None:
        self._owner.did_not_work(self.pod, error)
        if self._making or self._upgrades:
            return  # whoever waits may still get one of those
        waiting, self._waiting = self._waiting, {}
        for pair in waiting:
            pair.fail(OSError(errno.EHOSTUNREACH, str(error)))
