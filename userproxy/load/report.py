"""A result as text, for people."""

from __future__ import annotations

from collections.abc import Sequence

from userproxy.load.durations import shown
from userproxy.load.histogram import Histogram
from userproxy.load.result import Result
from userproxy.load.tally import Counts
from userproxy.load.time_line import time_line
from userproxy.load.verdict import limit

__all__ = ["report"]

PERCENTS = (50, 75, 90, 99, 99.9, 99.99)
NAMES_SHOWN = 20


def report(result: Result) -> str:
    """Everything below the first line, which names the model."""
    blocks = [_heading(result), _counted(result), _latencies(result)]
    if result.window.names:
        blocks.append(_by_name("answered by", result.window.names))
    errors = {**{f"{kind} (before the start)": count for kind, count in result.not_opened.items()}}
    errors |= result.window.errors
    if errors:
        blocks.append(_by_name("errors", errors))
    blocks.append(time_line(result))
    blocks.append(f"limit: {limit(result)}")
    return "\n\n".join(block for block in blocks if block)


def _heading(result: Result) -> str:
    processes = f", {len(result.work)} processes" if len(result.work) > 1 else ""
    early = "; interrupted" if result.interrupted else ""
    return (
        f"{result.url} at {result.address}, {result.duration_s:.3g} s after {result.warm_up_s:g} s of warm-up"
        f"{processes}{early}"
    )


def _counted(result: Result) -> str:
    window, warm_up = result.window, result.warm_up
    rows = [("answered", window.answered, f"{result.throughput:.1f} a second")]
    if result.loop == "open":
        rows = [
            ("due", window.due, ""),
            ("sent", window.sent, f"{100 * result.sent_share:.2f} % of the rate" if window.due else ""),
            ("not sent", window.not_sent, ""),
            ("late", window.late, _why_late(window)),
            *rows,
        ]
    rows.append(("errors", window.failed, ""))
    if result.url.startswith("udp:"):
        rows += _datagrams(window)
    rows.append(("warm-up", warm_up.answered, f"answered, {warm_up.failed} errors"))
    width = max(len(str(count)) for _, count, _ in rows)
    return "\n".join(f"{name:<10} {count:>{width}}  {note}".rstrip() for name, count, note in rows)


def _why_late(counts: Counts) -> str:
    if not counts.late:
        return ""
    return (
        f"by more than 1 ms: {counts.late_for_target} as all connections were waiting,"
        f" {counts.late_by_generator} by this load generator"
    )


def _datagrams(counts: Counts) -> list[tuple[str, int, str]]:
    lost = counts.errors.get("lost", 0)
    return [
        (
            "lost",
            lost,
            f"{100 * lost / max(1, counts.sent):.3f} %, of which {counts.answered_too_late} came too late",
        ),
        ("duplicate", counts.duplicates, ""),
        ("reordered", counts.reordered, ""),
        ("corrupt", counts.corrupt, ""),
    ]


def _latencies(result: Result) -> str:
    window = result.window
    rows: list[tuple[str, Histogram]] = []
    if result.loop == "open":
        rows.append(("from intended start", window.latency))
    elif window.latency != window.service:
        rows.append(("with connecting", window.latency))
    rows.append(("service time", window.service))
    rows.append(("connect", result.connect))
    lines = [("", *(f"p{percent:g}" for percent in PERCENTS), "max", "mean", "count")]
    for name, histogram in rows:
        if histogram.counts:
            values = (*histogram.percentiles(PERCENTS), histogram.greatest, histogram.mean_and_deviation()[0])
            lines.append((name, *map(shown, values), str(histogram.count)))
    return _aligned(lines) if len(lines) > 1 else ""


def _by_name(title: str, counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"  {count:>10}  {name}" for name, count in ordered[:NAMES_SHOWN]]
    if more := ordered[NAMES_SHOWN:]:
        lines.append(f"  {sum(count for _, count in more):>10}  {len(more)} others")
    return "\n".join((f"{title}:", *lines))


def _aligned(lines: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            [
                line[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
            ]
        )
        for line in lines
    )
