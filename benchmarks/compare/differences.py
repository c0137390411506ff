"""Two results side by side: one difference for each case and peer that both have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.measuring.noise import Change, change
from benchmarks.report.results import Results
from benchmarks.report.tables import reference_of

__all__ = ["Difference", "differences", "warnings"]

_SAME = ("cpu", "cores", "kernel", "congestion_control", "python", "uvloop")
OURS = "userproxy"


@dataclass(frozen=True, slots=True)
class Difference:
    case: str
    peer: str
    basis: str
    """What was compared: ``CPU beside haproxy``, ``CPU``, or ``answers``."""
    change: Change | None
    """None: it failed in one of both."""
    failed_before: bool = False
    failed_after: bool = False

    @property
    def worse(self) -> bool:
        """More processor time than noise explains, or a failure that was none before."""
        if self.change is None:
            return self.failed_after and not self.failed_before
        return self.change.exceeds_noise and self.change.ratio > 1

    @property
    def better(self) -> bool:
        if self.change is None:
            return self.failed_before and not self.failed_after
        return self.change.exceeds_noise and self.change.ratio < 1

    @property
    def ours(self) -> bool:
        return self.peer.startswith(OURS)


def differences(before: Results, after: Results) -> list[Difference]:
    """Of every case and peer that both results have, in the order of ``after``; ``direct`` has no cost."""
    shared = [key for key in after.series if key in before.series and key[1] != "direct"]
    return [_difference(before, after, case, peer) for case, peer in shared]


def _difference(before: Results, after: Results, case: str, peer: str) -> Difference:
    reference = reference_of(after, case)
    basis = f"CPU beside {reference}"
    old, new = (results.ratios(case, "cost", peer, reference) for results in (before, after))
    if peer == reference or not old or not new:
        basis = "CPU"
        old, new = (dict(results.series[case, peer].values("cost")) for results in (before, after))
    failed = [bool(results.series[case, peer].failed) for results in (before, after)]
    if any(failed) or not old or not new or not all(old.values()):
        return Difference(case, peer, basis, None, *failed)
    return Difference(case, peer, basis, change([*old.values()], [*new.values()]))


def warnings(before: Results, after: Results) -> Iterator[str]:
    """What makes the comparison doubtful."""
    for fact in _SAME:
        old, new = before.machine.get(fact), after.machine.get(fact)
        if old != new:
            yield f"another machine or software: {fact} {old} and {new}"
    for name in sorted(before.peers.keys() & after.peers.keys()):
        if before.peers[name] != after.peers[name] and not name.startswith(OURS):
            yield f"another {name}: {before.peers[name]} and {after.peers[name]}"
    for case in before.cases.keys() & after.cases.keys():
        if before.cases[case] != after.cases[case]:
            yield f"{case} was another case: {before.cases[case].title} and {after.cases[case].title}"
