"""Tables for people: a row for each operation, a column for each size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.measuring.spread import Spread, ratios
from benchmarks.pure.case import Measured
from benchmarks.pure.run import Taken

__all__ = ["render", "spread_of"]

_TITLES: Mapping[str, str] = {
    "picks": "picks per second, by number of endpoints",
    "affinity": "picks per second with ClientIP affinity, by number of endpoints",
    "swaps": "swaps per second (one endpoint replaced, picker included), by number of endpoints",
    "rings": "hash rings per second, by number of endpoints",
    "decode": "objects per second from JSON text, by number of endpoints",
    "derivation": "slice changes folded and taken per second, by number of Services",
}


def render(taken: Taken) -> str:
    """All parts in the order in which they came."""
    rounds = max((len(one.rates) for one in taken.measured), default=0)
    rounds = max([rounds, *map(len, taken.memory.values())])
    by_part: dict[str, list[Measured]] = {}
    for one in taken.measured:
        by_part.setdefault(one.part, []).append(one)
    blocks = [f"per second of processor time; medians of {rounds} rounds (least-greatest)"]
    blocks += ["\n".join(_table(part, measured)) for part, measured in by_part.items()]
    if taken.memory:
        blocks.append("\n".join(_memory(taken.memory)))
    return "\n\n".join(blocks)


def _table(part: str, measured: Sequence[Measured]) -> list[str]:
    sizes = sorted({one.size for one in measured})
    names = list(dict.fromkeys(one.name for one in measured))
    rows = [("", *(f"{size:,}" for size in sizes))]
    for name in names:
        cells = {one.size: spread_of(one.rates) for one in measured if one.name == name}
        rows.append((name, *(cells.get(size, "") for size in sizes)))
        speeds = {one.size: _speed(one) for one in measured if one.name == name and one.bytes_each}
        if speeds:
            rows.append(("  MB/s", *(speeds.get(size, "") for size in sizes)))
    return [_TITLES[part], *_aligned(rows), *(_growth(measured) if part == "derivation" else ())]


def _growth(measured: Sequence[Measured]) -> list[str]:
    """What a change costs beside many Services, to what it costs beside few."""
    few, many = measured[0], measured[-1]
    found = Spread.of(ratios(few.rates, many.rates))
    ratio = f"{found.median:.2f} ({found.low:.2f}-{found.high:.2f})"
    return [f"  cost at {many.size:,} to cost at {few.size:,}: {ratio}"]


def _memory(memory: Mapping[str, Sequence[float]]) -> list[str]:
    lines = ["memory of one Service with a slice of ten endpoints in the pure state, KB"]
    for name, values in memory.items():
        found = Spread.of([value / 1000 for value in values])
        lines.append(f"  {name}: {found.median:.2f} ({found.low:.2f}-{found.high:.2f})")
    return lines


def spread_of(values: Sequence[float]) -> str:
    """Median, least and greatest: "6.17M (5.68M-6.20M)"."""
    found = Spread.of(values)
    return f"{_short(found.median)} ({_short(found.low)}-{_short(found.high)})"


def _speed(one: Measured) -> str:
    return spread_of([rate * one.bytes_each / 1e6 for rate in one.rates])


def _short(value: float) -> str:
    """Three figures: 2.41M, 530k, 31.2."""
    for bound, unit in ((1e6, "M"), (1e3, "k")):
        if value >= bound:
            return f"{_three(value / bound)}{unit}"
    return _three(value)


def _three(value: float) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
