"""The few elements of an SVG picture (SVG 1.1) that a plot needs; readable on a light and on a dark page."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

__all__ = ["Picture"]

_STYLE = """\
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .faint { fill: #59636e }
  line { stroke: #59636e; stroke-width: 1 }
  .grid { stroke: #59636e; stroke-opacity: .25 }
  .ours { fill: #0969da }
  .theirs { fill: #8c959f }
  .whisker { stroke: #1f2328; stroke-width: 1.5 }
  .limit { stroke: #cf222e; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .faint { fill: #9198a1 }
    line { stroke: #9198a1 }
    .grid { stroke: #9198a1 }
    .ours { fill: #4493f8 }
    .theirs { fill: #656c76 }
    .whisker { stroke: #f0f6fc }
    .limit { stroke: #f85149 }
  }"""


class Picture:
    """Elements in the order in which they are drawn; lengths are pixels."""

    def __init__(self, width: int, title: str) -> None:
        self._width = width
        self._title = title
        self._elements: list[str] = []

    def text(self, x: float, y: float, text: str, *, kind: str = "", anchor: str = "start") -> None:
        self._elements.append(
            f"<text{_class(kind)} x={_n(x)} y={_n(y)} text-anchor={quoteattr(anchor)}>{escape(text)}</text>"
        )

    def bar(self, x: float, y: float, width: float, height: float, *, kind: str) -> None:
        self._elements.append(
            f"<rect{_class(kind)} x={_n(x)} y={_n(y)} width={_n(max(0.0, width))} height={_n(height)}/>"
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, *, kind: str) -> None:
        self._elements.append(f"<line{_class(kind)} x1={_n(x1)} y1={_n(y1)} x2={_n(x2)} y2={_n(y2)}/>")

    def render(self, height: int) -> str:
        size = f'width="{self._width}" height="{height}" viewBox="0 0 {self._width} {height}"'
        title = escape(self._title)
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label={quoteattr(self._title)}>',
            f"<title>{title}</title>",
            f"<style>\n{_STYLE}\n</style>",
            *self._elements,
            "</svg>",
        ]
        return "\n".join(lines) + "\n"


def _class(kind: str) -> str:
    return f" class={quoteattr(kind)}" if kind else ""


def _n(value: float) -> str:
    """A length with a tenth of a pixel at most."""
    return quoteattr(f"{value:.1f}".removesuffix(".0"))
