"""A flame graph as SVG (B. Gregg, "The Flame Graph", 2016): width is how often, height is who called whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape

from benchmarks.profile.stacks import KERNEL, PYTHON, Stack

__all__ = ["flame_graph"]

WIDTH = 1200.0
ROW = 18
TOP = 44
NARROWEST = 0.4
"""In pixels; what is narrower is left out."""
LETTER = 6.6
_COLOURS = {"kernel": "#e8a15c", "python": "#7fb2d9", "native": "#d8d2a4"}


@dataclass(slots=True)
class _Frame:
    name: str
    count: int = 0
    callees: dict[str, _Frame] = field(default_factory=dict)


def flame_graph(stacks: Mapping[Stack, int], title: str) -> str:
    """One box for a function in each place of the call tree, callers above; a pointer shows its share."""
    root = _Frame("all")
    for stack, count in sorted(stacks.items()):
        frame = root
        frame.count += count
        for name in stack:
            frame = frame.callees.setdefault(name, _Frame(name))
            frame.count += count
    boxes = list(_boxes(root, 0.0, 0, WIDTH / max(1, root.count), root.count))
    depth = 1 + max((level for level, _ in boxes), default=0)
    height = TOP + ROW * depth + 10
    legend = "  ".join(f'<tspan fill="{colour}">&#9632;</tspan> {kind}' for kind, colour in _COLOURS.items())
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height}" '
            'font-family="monospace" font-size="11">',
            f'<rect width="{WIDTH:.0f}" height="{height}" fill="white"/>',
            f'<text x="6" y="16" font-size="13">{escape(title)}</text>',
            f'<text x="6" y="34">{root.count:,} samples  {legend}</text>',
            *(box for _, box in boxes),
            "</svg>",
            "",
        ]
    )


def _boxes(frame: _Frame, left: float, level: int, scale: float, total: int) -> Iterator[tuple[int, str]]:
    """The box of ``frame`` and those below it, each with its level."""
    width = frame.count * scale
    if width < NARROWEST:
        return
    top = TOP + ROW * level
    letters = int((width - 4) / LETTER)
    name = frame.name if len(frame.name) <= letters else f"{frame.name[: letters - 1]}…"
    text = f'<text x="{left + 3:.1f}" y="{top + 13}">{escape(name)}</text>' if letters >= 3 else ""
    yield (
        level,
        f"<g><title>{escape(frame.name)}: {frame.count / total:.1%}</title>"
        f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{ROW - 1}" '
        f'fill="{_COLOURS[_kind(frame.name)]}" stroke="white" stroke-width="0.5"/>{text}</g>',
    )
    for callee in sorted(frame.callees.values(), key=lambda one: one.name):
        yield from _boxes(callee, left, level + 1, scale, total)
        left += callee.count * scale


def _kind(name: str) -> str:
    return "kernel" if name.endswith(KERNEL) else "python" if name.endswith(PYTHON) else "native"
