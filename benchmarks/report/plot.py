"""Ratios of processor time as bars, with a whisker from the least to the greatest round."""

from __future__ import annotations

from benchmarks.measuring.spread import Spread
from benchmarks.report.results import Results
from benchmarks.report.svg import Picture
from benchmarks.report.tables import reference_of

__all__ = ["overview", "plot"]

TITLE = "Processor time beside haproxy (UDP: nginx) in the same round; less is better"
OURS = "userproxy"
WIDTH = 760
LEFT = 170
"""Where bars begin."""
RIGHT = 60
"""For the numbers."""
TOP = 62
BAR = 14
STEP = 19
GAP = 34
MOST = 2.0
"""A longer bar is cut; its number is not."""


def plot(results: Results) -> str:
    """An SVG picture: for each case, what each peer takes beside haproxy, or nginx for UDP."""
    picture, y = _picture(results), float(TOP)
    for case, facts in results.cases.items():
        bars = _bars(results, case)
        if not bars:
            continue
        picture.text(12, y, f"{case}: {facts.title}", kind="title")
        y = _group(picture, y + 8, bars) + GAP - 8
    _scale(picture, y - GAP / 2 + 4)
    return picture.render(round(y))


def overview(results: Results) -> str:
    """An SVG picture: what userproxy takes in each case."""
    found = {case: _bars(results, case).get(OURS) for case in results.cases}
    bars = {case: spread for case, spread in found.items() if spread is not None}
    picture = _picture(results)
    bottom = _group(picture, TOP - 8, bars)
    _scale(picture, bottom + 16)
    return picture.render(round(bottom + 28))


def _picture(results: Results) -> Picture:
    picture = Picture(WIDTH, TITLE)
    picture.text(12, 22, TITLE, kind="title")
    picture.text(12, 40, f"median of all rounds ({results.rounds}), whisker: least to greatest", kind="faint")
    return picture


def _bars(results: Results, case: str) -> dict[str, Spread]:
    """The reference itself is the line at 1."""
    reference = reference_of(results, case)
    found = {
        peer: results.ratio(case, "cost", peer, reference)
        for peer in results.of(case)
        if peer != reference and reference
    }
    return {peer: spread for peer, spread in found.items() if spread is not None}


def _group(picture: Picture, y: float, bars: dict[str, Spread]) -> float:
    """Bars below each other, by their names; where they end."""
    bottom = y + STEP * len(bars)
    for ratio in (0.0, 0.5, 1.5, 2.0):
        picture.line(_x(ratio), y, _x(ratio), bottom, kind="grid")
    for index, (name, spread) in enumerate(bars.items()):
        _bar(picture, y + STEP * index, name, spread)
    picture.line(_x(1.0), y, _x(1.0), bottom, kind="limit")
    return bottom


def _scale(picture: Picture, y: float) -> None:
    for ratio in (0.0, 0.5, 1.0, 1.5, 2.0):
        picture.text(_x(ratio), y, f"{ratio:g}", kind="faint", anchor="middle")


def _bar(picture: Picture, y: float, name: str, spread: Spread) -> None:
    middle = y + STEP / 2
    others = ("haproxy", "nginx", "pproxy", "streams")
    picture.text(LEFT - 8, middle + 4, name, anchor="end")
    kind = "theirs" if name.startswith(others) else "ours"
    picture.bar(LEFT, middle - BAR / 2, _x(spread.median) - LEFT, BAR, kind=kind)
    picture.line(_x(spread.low), middle, _x(spread.high), middle, kind="whisker")
    picture.text(WIDTH - 12, middle + 4, f"{spread.median:.2f}", kind="faint", anchor="end")


def _x(ratio: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * min(ratio, MOST) / MOST
