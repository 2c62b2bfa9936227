"""The few marks that the plots are made of, as SVG text. Colours are classes: the page's style sheet knows day, night
and paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import log10

Point = tuple[float, float]


class Drawing:
    """An SVG picture in the making, `width` by `height` of its own units."""

    def __init__(self, width: float, height: float, says: str) -> None:
        self.width = width
        self.height = height
        self._says = says
        self._marks: list[str] = []

    def rect(self, x: float, y: float, width: float, height: float, look: str, says: str = "") -> None:
        """A bar; negative sizes grow to the other side."""
        x, width = (x + width, -width) if width < 0 else (x, width)
        y, height = (y + height, -height) if height < 0 else (y, height)
        place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        self._add("rect", place, look, says)

    def line(self, x1: float, y1: float, x2: float, y2: float, look: str, says: str = "") -> None:
        self._add("line", f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"', look, says)

    def dot(self, x: float, y: float, radius: float, look: str, says: str = "") -> None:
        self._add("circle", f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"', look, says)

    def diamond(self, x: float, y: float, radius: float, look: str, says: str = "") -> None:
        corners = ((x - radius, y), (x, y - radius), (x + radius, y), (x, y + radius))
        self.area(corners, look, says)

    def path(self, points: Iterable[Point], look: str) -> None:
        """A line through the points."""
        self._add("polyline", f'points="{_joined(points)}"', look, "")

    def area(self, points: Iterable[Point], look: str, says: str = "") -> None:
        """The inside of the points."""
        self._add("polygon", f'points="{_joined(points)}"', look, says)

    def text(self, x: float, y: float, words: str, look: str = "", anchor: str = "start") -> None:
        where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
        self._marks.append(f'<text {where} class="{look}">{escape(words)}</text>')

    def _add(self, tag: str, where: str, look: str, says: str) -> None:
        hover = f"<title>{escape(says)}</title>" if says else ""
        self._marks.append(f'<{tag} {where} class="{look}">{hover}</{tag}>')

    def __str__(self) -> str:
        head = f'<svg viewBox="0 0 {self.width:g} {self.height:g}" role="img" aria-label="{escape(self._says)}">'
        return head + "".join(self._marks) + "</svg>"


class Scale:
    """Values to places, straight or by their logarithm; what lies outside is put on the rim."""

    def __init__(self, values: tuple[float, float], places: tuple[float, float], *, log: bool = False) -> None:
        self._log = log
        self._low, self._high = (log10(values[0]), log10(values[1])) if log else values
        self._from, self._to = places

    def __call__(self, value: float) -> float:
        if self._log:
            value = log10(value) if value > 0 else self._low
        part = (min(max(value, self._low), self._high) - self._low) / (self._high - self._low)
        return self._from + part * (self._to - self._from)


def ticks(top: float, wanted: int = 4) -> Sequence[float]:
    """Round numbers from zero to at least `top`."""
    if top <= 0:
        return (0.0, 1.0)
    power = 10.0 ** int(log10(top) - (top < 1))
    step = next(s for m in (0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10) if top / (s := m * power) <= wanted)
    count = int(top / step + 0.999999)
    return tuple(step * k for k in range(count + 1))


def _joined(points: Iterable[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
