"""Scripted trouble of port-forwards: what a test can make the API server do to those who forward."""

from __future__ import annotations

from userproxy.testing.api_server.port_forward.faults import ForwardFault, Refusal, Way
from userproxy.testing.api_server.port_forward.forwards import PortForwards
from userproxy.testing.api_server.port_forward.spdy_upgrade import SpdyUpgrade
from userproxy.testing.api_server.statuses import StatusError

__all__ = ["ForwardTrouble"]


class ForwardTrouble:
    """Methods that script trouble. None of them waits.

    Those with ``count`` concern the next so many upgrades or connections (None: all, until
    `clear_forward_trouble`), those without it the upgrades that are open now.
    """

    def __init__(self, forwards: PortForwards) -> None:
        self._forwards = forwards

    # The next upgrades.

    def refuse_upgrades(
        self,
        status: int,
        count: int | None = None,
        *,
        way: Way | None = None,
        reason: str = "",
        message: str = "scripted refusal",
    ) -> None:
        """Answer with a Status instead of 101; ``way`` None is every way."""
        self._forwards.refusals.add(Refusal(StatusError(status, reason, message), way), count=count)

    def speak_another_version(self, count: int | None = 1) -> None:
        """Answer what comes in an upgrade with a frame of SPDY/2."""
        self._forwards.other_versions.add(True, count=count)

    # The next connections.

    def fail_forwards(
        self,
        text: str,
        count: int | None = 1,
        *,
        every: int = 1,
        after_bytes: int = 0,
        as_json: bool = False,
        close_connection: bool = True,
        resets: bool = False,
    ) -> None:
        """End each ``every``-th connection, and say ``text`` on its error stream.

        At once, or once ``after_bytes`` have come from the pod. ``as_json``: as newer kubelets write it, with
        ``closeConnection`` if ``close_connection``. ``resets``: the error stream is reset behind the text.
        """
        fault = ForwardFault(text, after_bytes, as_json, close_connection, resets)
        self._forwards.faults.add(fault, count=count, every=every)

    def clear_forward_trouble(self) -> None:
        """Forget what is scripted for upgrades and connections to come."""
        self._forwards.clear()

    # The upgrades that are open now.

    def break_forwards(self) -> None:
        """Break their connections."""
        for upgrade in self._forwards.upgrades():
            upgrade.abort()

    def cut_forwards(self) -> None:
        """Break each connection that carries SPDY in the middle of its next frame."""
        for upgrade in self._spdy():
            upgrade.cut_next()

    def go_away(self) -> None:
        """Send GOAWAY: no more streams are taken, those that are open go on."""
        for upgrade in self._spdy():
            upgrade.go_away()

    def end_forwards(self, *, resets: bool = False) -> None:
        """End every data stream, by FIN or by RST_STREAM."""
        for upgrade in self._spdy():
            upgrade.end_streams(resets=resets)

    def _spdy(self) -> list[SpdyUpgrade]:
        return [upgrade for upgrade in self._forwards.upgrades() if isinstance(upgrade, SpdyUpgrade)]
