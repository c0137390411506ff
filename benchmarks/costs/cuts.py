"""Which lines of the data plane each feature consists of.

A cut names text that stands exactly once in a module, and what stands there without the feature. What is left
forwards the same bytes, and can do no more than that: it is for counting instructions alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CUTS", "WHOLE", "Cut", "Edit", "without"]

WHOLE = "whole"
"""The name of no cut."""

_CONNECTION = "userproxy.dataplane.connection"
_LISTENER = "userproxy.dataplane.listener"
_RELAY = "userproxy.dataplane.relay"
_TCP = "userproxy.dataplane.tcp"


@dataclass(frozen=True, slots=True)
class Edit:
    """``old`` stands once in the source of ``module``."""

    module: str
    old: str
    new: str = ""


@dataclass(frozen=True, slots=True)
class Cut:
    """What is not there, and what it is for."""

    name: str
    text: str
    edits: tuple[Edit, ...]


_ALL = (
    Cut(
        "counters",
        "accepted connections by service port; connections and bytes by endpoint",
        (
            Edit(_TCP, "        service_port.counters.accepted += 1\n"),
            Edit(
                _RELAY,
                "            source.forwarded += sent\n            if sent < count:  #",
                "            if sent < count:  #",
            ),
            Edit(_RELAY, ") and kernel_counts(endpoint.sock):", "):"),
            Edit(
                _RELAY, "            self._fast = self._uncounted = True\n", "            self._fast = True\n"
            ),
            Edit(_RELAY, '        self._uncounted = False\n        """', '        """'),
            Edit(
                _RELAY,
                "        if self._uncounted:\n"
                "            self.count()  # the kernel would count a FIN that is not sent yet as a byte\n",
            ),
            Edit(
                _RELAY,
                "        if self._uncounted:\n            self.count()\n        self._is_over = True\n",
                "        self._is_over = True\n",
            ),
            Edit(
                _CONNECTION,
                "        self._keeper.service_port.counters_of(self.endpoint).dial_failures += 1\n",
            ),
            Edit(
                _CONNECTION,
                "        service_port = self._keeper.service_port\n"
                "        try:\n"
                "            counters = service_port.endpoints[self.endpoint]\n"
                "        except KeyError:  # its first connection\n"
                "            counters = service_port.counters_of(self.endpoint)\n"
                "        counters.connections += 1\n"
                "        counters.dialled(time.monotonic() - self._dial_began)\n"
                "        self.counters = counters\n",
            ),
            Edit(
                _CONNECTION,
                "        self._dial_began = time.monotonic()"
                "  # a loop's own clock may have no more than milliseconds\n",
            ),
            Edit(
                _CONNECTION,
                "        counters, relay = self.counters, self._relay\n"
                "        if counters is not None and relay is not None:\n"
                "            counters.ended += 1\n"
                "            counters.bytes_to_endpoint += self._client.forwarded\n"
                "            counters.bytes_to_client += relay.endpoint.forwarded\n",
            ),
        ),
    ),
    Cut(
        "close-reasons",
        "the two letters of each end, counted, and the log line that names them",
        (
            Edit(
                _CONNECTION,
                "        state = GOOD_END if who is _BOTH else close_state(who, phase)\n"
                "        self._keeper.service_port.counters.ends[state] += 1\n",
            ),
            Edit(
                _CONNECTION,
                "        if logger.isEnabledFor(logging.DEBUG):\n            self._log(state)\n",
            ),
        ),
    ),
    Cut(
        "limits",
        "most connections of a service port and of the process; the budget of descriptors",
        (
            Edit(
                _TCP,
                "        if service_port.is_limited and service_port.is_full():\n",
                "        if False:\n",
            ),
            Edit(
                _TCP,
                "        self._runtime.descriptors.used += 2"
                "  # as `hold`; the listener saw to it that there is room\n",
            ),
            Edit(_TCP, "        self._runtime.descriptors.used -= 2  # as `give`\n"),
            Edit(
                _LISTENER,
                "        descriptors = self._runtime.descriptors\n"
                "        if descriptors.used + 2 > descriptors.capacity:",
                "        if False:",
            ),
        ),
    ),
    Cut(
        "times",
        "drain limit and idle timeout",
        (
            Edit(
                _TCP,
                "        if self._drain_limit_s is not None:\n            self._limit(connection)\n",
            ),
            Edit(_CONNECTION, "        self.idle_since = self.started\n        self.idle_total = 0\n"),
            Edit(
                _CONNECTION,
                "        if self.drain is not None:\n            self.stop_drain()\n        counters,",
                "        counters,",
            ),
        ),
    ),
)
CUTS: Mapping[str, Cut] = {cut.name: cut for cut in _ALL}


def without(source: str, module: str, cut: Cut) -> str:
    """``source`` of ``module`` without the lines of ``cut``. Raises ValueError when one is not there once."""
    for edit in cut.edits:
        if edit.module == module:
            if source.count(edit.old) != 1:
                raise ValueError(
                    f"{cut.name}: stands {source.count(edit.old)} times in {module}: {edit.old!r}"
                )
            source = source.replace(edit.old, edit.new)
    return source
