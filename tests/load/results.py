"""Results as a run would give them."""

from __future__ import annotations

from collections.abc import Sequence

from userproxy.load.histogram import Histogram
from userproxy.load.result import Result, Work
from userproxy.load.tally import Counts

MS = 1_000_000


def result(
    *,
    latencies_ms: Sequence[float] = (1.0,),
    due: int | None = None,
    errors: dict[str, int] | None = None,
    loop: str = "open",
    rate: float | None = 100.0,
    cpu_s: float = 1.0,
    waited_s: float = 0.0,
) -> Result:
    """10 s of load; service times are half the latencies; what failed was sent, other work was not."""
    window = Counts(errors=errors or {}, answered=len(latencies_ms))
    window.sent = window.answered + window.failed
    window.due = window.sent if due is None else due
    for latency_ms in latencies_ms:
        window.latency.record(round(latency_ms * MS))
        window.service.record(round(latency_ms * MS / 2))
    connect = Histogram()
    connect.record(2 * MS)
    return Result(
        url="http://127.0.0.1:8080/",
        address="127.0.0.1:8080",
        model=f"{loop} loop",
        loop=loop,
        arrivals="constant" if loop == "open" else "",
        rate=rate if loop == "open" else None,
        connections=64,
        began_s=1_800_000_000.0,
        warm_up_s=1.0,
        duration_s=10.0,
        window=window,
        connect=connect,
        work=[Work(cpu_s, 10.0, waited_s)],
    )
