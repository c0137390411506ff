"""One peer in one case in one round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.forwarding.cases import Case
from benchmarks.forwarding.limits import limit_of
from benchmarks.forwarding.loads.base import Reading
from benchmarks.measuring.window import Window

__all__ = ["Measurement", "limits"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """Good only when nothing failed, from the first ask to the last."""

    case: Case
    peer: str
    round: int
    reading: Reading

    @property
    def window(self) -> Window:
        return self.reading.window

    @property
    def good(self) -> bool:
        """Every byte was right, and something was done."""
        return not self.reading.failed and self.case.amount(self.window.report) > 0

    @property
    def rate(self) -> float:
        """Answers, or gigabytes, a second."""
        return self.case.amount(self.window.report) / self.window.report.seconds

    @property
    def cost_s(self) -> float | None:
        """Processor time of the proxy per answer or gigabyte; None without a proxy."""
        cpu = self.window.cpu.get("proxy")
        return None if cpu is None else cpu.total_s / self.case.amount(self.window.report)

    def as_json(self) -> dict[str, object]:
        report = self.window.report
        return {
            "case": self.case.name,
            "peer": self.peer,
            "round": self.round,
            "tool": self.case.load.tool,
            "seconds": round(report.seconds, 4),
            "answered": report.done,
            "bytes": report.bytes,
            "failed": self.reading.failed,
            "error": self.reading.error,
            "cpu_s": {
                role: {"user": round(cpu.user_s, 4), "system": round(cpu.system_s, 4)}
                for role, cpu in self.window.cpu.items()
            },
            "others_cpu": round(self.window.others, 2),
            "latency_ms": dict(self.reading.latency_ms),
            "lost": self.reading.lost,
        }


def limits(measurements: Sequence[Measurement], cores: int) -> dict[str, str]:
    """What else than the proxy bounded the rate, by case and peer ("requests-64 direct")."""
    windows: dict[str, list[Window]] = {}
    for one in measurements:
        if one.good:
            windows.setdefault(f"{one.case.name} {one.peer}", []).append(one.window)
    return {key: limit for key, taken in windows.items() if (limit := limit_of(taken, cores))}
