"""Ratios of processor time as bars, with a whisker from the least to the greatest round."""

from __future__ import annotations

from benchmarks.measuring.spread import Spread
from benchmarks.report.results import Results
from benchmarks.report.svg import Picture
from benchmarks.report.tables import reference_of

__all__ = ["plot"]

TITLE = "Processor time beside haproxy (UDP: nginx) in the same round; less is better"
WIDTH = 760
LEFT = 170
"""Where bars begin."""
RIGHT = 60
BAR = 14
STEP = 19
GAP = 34
MOST = 2.0
"""A longer bar is cut, and says its number."""


def plot(results: Results) -> str:
    """An SVG picture: for each case, what each peer takes beside haproxy, or nginx for UDP."""
    picture = Picture(WIDTH, "Processor time beside haproxy (UDP: nginx); less is better")
    picture.text(
        12, 22, "Processor time beside haproxy (UDP: nginx) in the same round; less is better", kind="title"
    )
    picture.text(12, 40, f"median of {results.rounds} rounds, whisker: least to greatest", kind="faint")
    y = 62.0
    for case, facts in results.cases.items():
        bars = _bars(results, case)
        if not bars:
            continue
        picture.text(12, y, f"{case}: {facts.title}", kind="title")
        y += 8
        _grid(picture, y, len(bars))
        for peer, spread in bars.items():
            _bar(picture, y, peer, spread)
            y += STEP
        y += GAP - 8
    _scale(picture, y - GAP / 2 + 4)
    return picture.render(round(y))


def _bars(results: Results, case: str) -> dict[str, Spread]:
    """The reference itself is the line at 1."""
    reference = reference_of(results, case)
    found = {
        peer: results.ratio(case, "cost", peer, reference)
        for peer in results.of(case)
        if peer != reference and reference
    }
    return {peer: spread for peer, spread in found.items() if spread is not None}


def _grid(picture: Picture, y: float, bars: int) -> None:
    bottom = y + STEP * bars
    for ratio in (0.0, 0.5, 1.5, 2.0):
        picture.line(_x(ratio), y, _x(ratio), bottom, kind="grid")
    picture.line(_x(1.0), y, _x(1.0), bottom, kind="limit")


def _scale(picture: Picture, y: float) -> None:
    for ratio in (0.0, 0.5, 1.0, 1.5, 2.0):
        picture.text(_x(ratio), y, f"{ratio:g}", kind="faint", anchor="middle")


def _bar(picture: Picture, y: float, peer: str, spread: Spread) -> None:
    middle = y + STEP / 2
    kind = "ours" if peer.startswith("userproxy") else "theirs"
    picture.text(LEFT - 8, middle + 4, peer, anchor="end")
    picture.bar(LEFT, middle - BAR / 2, _x(spread.median) - LEFT, BAR, kind=kind)
    picture.line(_x(spread.low), middle, _x(spread.high), middle, kind="whisker")
    picture.text(_x(spread.high) + 6, middle + 4, f"{spread.median:.2f}", kind="faint")


def _x(ratio: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * min(ratio, MOST) / MOST
