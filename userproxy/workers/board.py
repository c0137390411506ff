"""What the workers of a fleet have reported, added up when somebody asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.dataplane.states import StateLog
from userproxy.model.names import Family, ServicePortName
from userproxy.model.routes import RouteKey
from userproxy.workers.merging import ended, merged
from userproxy.workers.report_codec import port_from
from userproxy.workers.route_codec import Wire, key_from

__all__ = ["Board"]

TELL_S = 0.01
"""Changes are gathered for so long: thousands of service ports that open at once are few calls."""

_Face = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Expected:
    """Who must have told of a service port before it counts."""

    incarnation: int
    workers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Report:
    """What one worker said last of one service port."""

    incarnation: int
    live: tuple[PortSnapshot, ...]
    draining: tuple[PortSnapshot, ...]


class Board:
    """Owns one timer of the loop at most, until `close`."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """``changed``: `take_touched` has something."""
        self._loop = asyncio.get_running_loop()
        self._changed = changed
        self._timer: asyncio.TimerHandle | None = None
        self._expected: dict[RouteKey, _Expected] = {}
        self._reports: dict[int, dict[RouteKey, _Report]] = {}
        self._gone: dict[RouteKey, PortSnapshot] = {}
        """The counters of workers that have died."""
        self._faces: dict[RouteKey, _Face] = {}
        """What was last told of each: without its counters."""
        self._taken: dict[RouteKey, str] = {}
        self._touched: dict[RouteKey, None] = {}
        self._states = StateLog()

    def serve(self, key: RouteKey, incarnation: int, workers: tuple[int, ...]) -> None:
        """``workers`` will tell of ``key``."""
        known = self._expected.get(key)
        if known is not None and known.incarnation != incarnation:
            self._gone.pop(key, None)
        self._expected[key] = _Expected(incarnation, workers)

    def remove(self, key: RouteKey) -> None:
        """The service port is gone: told once its workers know, and what is open until it is over."""
        self._expected.pop(key, None)
        self._gone.pop(key, None)
        self._taken.pop(key, None)
        self._states.closed(key)
        self._look(key)

    def reported(self, worker: int, rows: Iterable[Wire]) -> None:
        """Take in what ``worker`` says."""
        reports = self._reports.setdefault(worker, {})
        for key_wire, incarnation, ports in rows:
            key = key_from(key_wire)
            if not ports:
                reports.pop(key, None)
            else:
                every = [port_from(port) for port in ports]
                live = tuple(port for port in every if port.state is not ListenerState.DRAINING)
                draining = tuple(port for port in every if port.state is ListenerState.DRAINING)
                reports[key] = _Report(incarnation, live, draining)
            self._look(key)

    def lost(self, worker: int) -> int:
        """``worker`` died; returns how many connections and flows it had open when it last told."""
        cut = 0
        reports = self._reports.pop(worker, {})
        for key, report in reports.items():
            expected = self._expected.get(key)
            cut += sum(port.open for port in (*report.live, *report.draining))
            if expected is not None and expected.incarnation == report.incarnation:
                for port in report.live:
                    before = self._gone.get(key)
                    over = ended(port)
                    self._gone[key] = over if before is None else merged([over, before])
        for key in reports:
            self._look(key)
        return cut

    def holds(self, name: ServicePortName, worker: int) -> bool:
        """Whether clients of ``name`` wait in ``worker``, as last told."""
        reports = self._reports.get(worker, {})
        found = [reports.get(RouteKey(name, family)) for family in Family]
        return any(port.held for report in found if report is not None for port in report.live)

    def taken(self) -> Mapping[RouteKey, str]:
        """Service ports that some worker cannot listen at, and why."""
        return self._taken

    def snapshot(self, keys: Collection[RouteKey] | None = None) -> tuple[PortSnapshot, ...]:
        """See `DataPlane.snapshot`."""
        wanted = sorted(self.known() if keys is None else keys)
        live = [port for key in wanted if (port := self.live(key)) is not None]
        draining = [port for key in wanted if (port := self._draining(key)) is not None]
        return (*live, *draining)

    def known(self) -> tuple[RouteKey, ...]:
        """What `snapshot` tells of, each once, and what no worker has told of yet."""
        reported = (key for reports in self._reports.values() for key in reports)
        return tuple(dict.fromkeys((*self._expected, *reported)))

    def live(self, key: RouteKey) -> PortSnapshot | None:
        """The service port that is served now; None: nothing was told of it yet."""
        expected = self._expected.get(key)
        if expected is None:
            return None
        parts = [part for worker in expected.workers for part in self._parts(key, worker)]
        gone = self._gone.get(key)
        return merged(parts, gone) if parts or gone is not None else None

    def take_touched(self) -> tuple[RouteKey, ...]:
        touched = tuple(self._touched)
        self._touched.clear()
        return touched

    def tell(self) -> None:
        """Tell of changes now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._changed()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _told(self, key: RouteKey, worker: int) -> _Report | None:
        """What ``worker`` said of ``key`` as it is served now."""
        report = self._reports.get(worker, {}).get(key)
        return (
            report if report is not None and report.incarnation == self._expected[key].incarnation else None
        )

    def _parts(self, key: RouteKey, worker: int) -> tuple[PortSnapshot, ...]:
        report = self._told(key, worker)
        return report.live if report is not None else ()

    def _agreed(self, key: RouteKey, workers: tuple[int, ...]) -> bool:
        """All of ``workers`` have told the same, or one has a trouble of its own: that is news."""
        reports = [self._told(key, worker) for worker in workers]
        live = [port for report in reports if report is not None for port in report.live]
        if any(port.state is ListenerState.TAKEN for port in live):
            return None not in reports
        return None not in reports and len(live) in (0, len(reports)) and len({_face(p) for p in live}) <= 1

    def _draining(self, key: RouteKey) -> PortSnapshot | None:
        parts = [part for report in self._reports_of(key) for part in report.draining]
        return merged(parts) if parts else None

    def _reports_of(self, key: RouteKey) -> list[_Report]:
        return [reports[key] for reports in self._reports.values() if key in reports]

    def _look(self, key: RouteKey) -> None:
        """Tell of ``key`` if it differs, once all its workers have told."""
        expected = self._expected.get(key)
        if expected is None:
            if any(report.live for report in self._reports_of(key)):
                return
        elif not self._agreed(key, expected.workers):
            return
        live, draining = self.live(key), self._draining(key)
        face = (_face(live), _face(draining))
        if face == self._faces.get(key):
            return
        if live is None and draining is None:
            self._faces.pop(key, None)
        else:
            self._faces[key] = face
        self._taken.pop(key, None)
        if live is not None:
            if live.state is ListenerState.TAKEN:
                self._taken[key] = live.reason
            self._states.saw(key, live.state, live.listen_host, live.listen_port, live.reason)
        self._touch(key)

    def _touch(self, key: RouteKey) -> None:
        self._touched[key] = None
        if self._timer is None:
            self._timer = self._loop.call_later(TELL_S, self._due)

    def _due(self) -> None:
        self._timer = None
        self._changed()


def _face(port: PortSnapshot | None) -> _Face:
    """All but the counters."""
    if port is None:
        return ()
    usable = tuple(endpoint.endpoint for endpoint in port.endpoints if endpoint.usable)
    return (port.state, port.service_port, port.listen_host, port.listen_port, port.reason, usable)
