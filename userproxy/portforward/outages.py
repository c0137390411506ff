"""What does not work between us and pods: when to try again, and each thing told once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from userproxy.errors import CredentialsError
from userproxy.log import log_event
from userproxy.model.names import NamespacedName
from userproxy.portforward.handshake import Way
from userproxy.portforward.limits import ForwardLimits
from userproxy.sources.kube.backoff import Backoff
from userproxy.sources.kube.failures import Unreachable

__all__ = ["Outages"]

logger = logging.getLogger(__name__)

_MOST_PODS = 1024
"""That do not work at once and are remembered; pods come and go, and the oldest is forgotten."""


@dataclass(slots=True)
class _Outage:
    backoff: Backoff
    error: str = ""
    until_s: float = float("-inf")
    causes: set[str] = field(default_factory=set)
    """What has been told already."""


class Outages:
    """Of one API server. What concerns the server as a whole holds up every pod."""

    def __init__(self, limits: ForwardLimits, now: Callable[[], float], random: Callable[[], float]) -> None:
        self._limits = limits
        self._now = now
        self._random = random
        self._of: dict[NamespacedName | None, _Outage] = {}
        """By pod; None: the server."""
        self._way: Way | None = None

    def held_off(self, pod: NamespacedName) -> str:
        """Why ``pod`` is not tried now; "" when it may be."""
        now = self._now()
        for concerned in (None, pod):
            outage = self._of.get(concerned)
            if outage is not None and now < outage.until_s:
                return outage.error
        return ""

    def failed(self, pod: NamespacedName, error: Exception) -> None:
        concerned = None if isinstance(error, Unreachable | CredentialsError) else pod
        outage = self._of.get(concerned)
        if outage is None:
            if len(self._of) >= _MOST_PODS:
                del self._of[next(iter(self._of))]
            outage = self._of[concerned] = _Outage(
                Backoff(first_s=self._limits.first_backoff_s, longest_s=self._limits.longest_backoff_s)
            )
        outage.error = str(error)
        outage.until_s = self._now() + outage.backoff.wait_s(self._now(), self._random())
        if outage.error not in outage.causes:
            outage.causes.add(outage.error)
            log_event(
                logger, logging.WARNING, "port_forward_failed",
                namespace=pod.namespace, pod=pod.name, error=outage.error,
            )  # fmt: skip

    def worked(self, pod: NamespacedName, way: Way) -> None:
        """An upgrade to ``pod`` was made: the server is there, too."""
        told = [self._of.pop(concerned, None) for concerned in (None, pod)]
        if any(told):
            log_event(logger, logging.INFO, "port_forward_restored", namespace=pod.namespace, pod=pod.name)
        if way is not self._way:
            self._way = way
            without = way is Way.CHANNELS
            log_event(
                logger, logging.WARNING if without else logging.INFO, "port_forward_way", way=way.value,
                **({"message": "this server passes on no half-close"} if without else {}),
            )  # fmt: skip
