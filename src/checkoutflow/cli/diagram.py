"""A state machine's table as a picture: SVG whose text is text, readable on light and on dark.

Rows go by the distance from the start. States that share a row of the table stand in one box, and
steps that stay within a box are written in it, so that arrows are left for what leads elsewhere.
How far each arrow bends, and where its label stands, is whatever gets in the way least.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from html import escape
from itertools import permutations, product
from math import sqrt
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from enum import StrEnum

    from checkoutflow.table import Table

State = TypeVar("State", bound="StrEnum")
Step = TypeVar("Step", bound="StrEnum")

# Sizes in pixels: of texts, of their lines, of what is between things.
_NAME: Final = 14
_SMALL: Final = 12
_SIGN: Final = 0.6  # a monospaced sign's width, by its height
_LINE: Final = 17
_STEP: Final = 15
_GAP: Final = 8
_GAP_ACROSS: Final = 170
_GAP_DOWN: Final = 120
_EDGE: Final = 24

_BENDS: Final = tuple(sign * bend for bend in (0, 25, 50, 80, 115, 155, 200) for sign in (1, -1))[
    1:
]
_PLACES: Final = (0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78)
_ROUNDS: Final = 6
_NEAR: Final = 14


class Point(NamedTuple):
    """A place in the picture."""

    x: float
    y: float


def distance(one: Point, other: Point) -> float:
    """How far two places are apart; rounded the same on every machine, as `hypot` is not."""
    across, down = one.x - other.x, one.y - other.y
    return sqrt(across * across + down * down)


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle around its middle."""

    middle: Point
    width: float
    height: float

    @property
    def left(self) -> float:
        """Its left side."""
        return self.middle.x - self.width / 2

    @property
    def top(self) -> float:
        """Its upper side."""
        return self.middle.y - self.height / 2

    def holds(self, point: Point, margin: float = 0) -> bool:
        """Whether a point is inside, or no further outside than the margin."""
        return (
            abs(point.x - self.middle.x) <= self.width / 2 + margin
            and abs(point.y - self.middle.y) <= self.height / 2 + margin
        )

    def overlap(self, other: Area, margin: float = 0) -> float:
        """How much of the other it covers, both made larger by half the margin."""
        across = (self.width + other.width) / 2 + margin - abs(self.middle.x - other.middle.x)
        down = (self.height + other.height) / 2 + margin - abs(self.middle.y - other.middle.y)
        return across * down if across > 0 and down > 0 else 0


@dataclass(frozen=True)
class Box:
    """One state, or several with the same row in the table.

    Attributes:
        inner: Steps that stay inside, as text.
    """

    states: tuple[str, ...]
    inner: tuple[str, ...]
    is_end: bool

    @property
    def width(self) -> float:
        """As wide as its longest text."""
        names = sum(_width(state) + _GAP for state in self.states)
        return max(names + 12, *(len(text) * _SMALL * _SIGN + 24 for text in self.inner), 0)

    @property
    def height(self) -> float:
        """As high as its lines, and the frames of its states where there are several."""
        return 38 + _LINE * len(self.inner) + (14 if len(self.states) > 1 else 0)


@dataclass(frozen=True, eq=False)  # many are compared; each is itself
class Arrow:
    """A way to draw the steps from one box to another.

    Attributes:
        source: Where it comes from.
        target: Where it leads to.
        steps: What it is labelled with.
        bend: How far its middle is from the straight line.
        place: Where on the curve the label stands, from 0 to 1.
    """

    source: Area
    target: Area
    steps: tuple[str, ...]
    bend: float = 0
    place: float = 0.5

    @cached_property
    def _control(self) -> Point:
        (ax, ay), (bx, by) = self.source.middle, self.target.middle
        length = distance(self.source.middle, self.target.middle)
        return Point(
            (ax + bx) / 2 + 2 * self.bend * (ay - by) / length,
            (ay + by) / 2 + 2 * self.bend * (bx - ax) / length,
        )

    def _blossom(self, s: float, t: float) -> Point:
        """The curve's polar form: a point of it where both are equal."""
        a, c, b = self.source.middle, self._control, self.target.middle
        first, middle, last = (1 - s) * (1 - t), (1 - s) * t + s * (1 - t), s * t
        return Point(
            first * a.x + middle * c.x + last * b.x, first * a.y + middle * c.y + last * b.y
        )

    @cached_property
    def _span(self) -> tuple[float, float]:
        """The part of the curve between the two boxes."""
        outside = [
            i / 100
            for i in range(101)
            if not self.source.holds(self._blossom(i / 100, i / 100), 1)
            and not self.target.holds(self._blossom(i / 100, i / 100), 4)
        ]
        return outside[0], outside[-1]

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """Points along it."""
        first, last = self._span
        ts = [first + (last - first) * i / 16 for i in range(17)]
        return tuple(self._blossom(t, t) for t in ts)

    @cached_property
    def around(self) -> Area:
        """The smallest rectangle with the curve in it."""
        left, right = min(p.x for p in self.points), max(p.x for p in self.points)
        top, bottom = min(p.y for p in self.points), max(p.y for p in self.points)
        middle = Point((left + right) / 2, (top + bottom) / 2)
        return Area(middle, right - left, bottom - top)

    @cached_property
    def label(self) -> Area:
        """Where its label stands."""
        first, last = self._span
        t = first + (last - first) * self.place
        width = max(map(len, self.steps)) * _SMALL * _SIGN + 8
        return Area(self._blossom(t, t), width, len(self.steps) * _STEP)

    @property
    def path(self) -> str:
        """It as SVG's path data."""
        first, last = self._span
        start, control, end = (
            self._blossom(first, first),
            self._blossom(first, last),
            self._blossom(last, last),
        )
        return (
            f"M{start.x:.0f},{start.y:.0f} Q{control.x:.0f},{control.y:.0f} {end.x:.0f},{end.y:.0f}"
        )

    def cost(self, boxes: Sequence[Area]) -> float:
        """How much it is in the way of boxes, and how far from plain."""
        cost = abs(self.bend) * 0.25 + abs(self.place - 0.5) * 30
        for box in boxes:
            if overlap := self.label.overlap(box, 10):
                cost += 1000 + overlap
            if box is not self.source and box is not self.target:
                cost += 60 * sum(box.holds(point, 10) for point in self.points)
        return cost

    def clash(self, other: Arrow) -> float:
        """How much two arrows are in each other's way."""
        overlap = self.label.overlap(other.label, 8)
        cost = 1000 + overlap if overlap else 0
        cost += 80 * sum(self.label.holds(point, 3) for point in other.points)
        cost += 80 * sum(other.label.holds(point, 3) for point in self.points)
        if self.around.overlap(other.around, _NEAR):
            cost += 6 * sum(
                abs(mine.x - theirs.x) + abs(mine.y - theirs.y) < _NEAR
                for mine in self.points
                for theirs in other.points
            )
        return cost


def draw(name: str, table: Table[State, Step], start: State) -> str:
    """Draw a machine.

    Args:
        name: What the machine is about, for those who cannot see the picture.
        table: The machine.
        start: Its first state.
    """
    boxes = _boxes(table)
    steps = _between(boxes, table)
    first = next(i for i, box in enumerate(boxes) if start in box.states)
    areas = _arranged(boxes, _rows(steps, first), steps.keys())
    arrows = _bent(
        [Arrow(areas[a], areas[b], tuple(labels)) for (a, b), labels in steps.items()], areas
    )
    return "\n".join(_svg(name, boxes, areas, arrows, areas[first])) + "\n"


def _between(
    boxes: Sequence[Box], table: Table[State, Step]
) -> dict[tuple[int, int], dict[str, None]]:
    """The steps from one box to another, each once and in order, as arrows are labelled."""
    at = {state: i for i, box in enumerate(boxes) for state in box.states}
    steps: dict[tuple[int, int], dict[str, None]] = {}
    for state, row in table.items():
        for step, target in row.items():
            if at[state] != at[target]:
                is_plain = step == target or len(boxes[at[target]].states) == 1
                label = str(step) if is_plain else f"{step} → {target}"
                steps.setdefault((at[state], at[target]), {})[label] = None
    return steps


def _boxes(table: Table[State, Step]) -> list[Box]:
    """States with the same steps to take stand together; an end stands for itself."""
    groups: list[list[State]] = []
    for state, row in table.items():
        same = [group for group in groups if row and table[group[0]] == row]
        if same:
            same[0].append(state)
        else:
            groups.append([state])
    return [
        Box(
            states=tuple(group),
            inner=tuple(
                f"↻ {step}" if len(group) == 1 else f"{step} → {target}"
                for step, target in table[group[0]].items()
                if target in group
            ),
            is_end=not table[group[0]],
        )
        for group in groups
    ]


def _rows(steps: Mapping[tuple[int, int], object], start: int) -> list[list[int]]:
    """Boxes by how many arrows they are from the start."""
    rows = [[start]]
    seen = {start}
    while rows[-1]:
        rows.append([])
        for source, target in steps:
            if source in rows[-2] and target not in seen:
                seen.add(target)
                rows[-1].append(target)
    return rows[:-1]


def _arranged(
    boxes: Sequence[Box], rows: Sequence[Sequence[int]], pairs: Iterable[tuple[int, int]]
) -> list[Area]:
    """Put the boxes of each row in the order that makes for the shortest straight ways."""

    def laid(orders: Sequence[Sequence[int]]) -> dict[int, Area]:
        places: dict[int, Area] = {}
        y = 0.0
        for order in orders:
            x = -(sum(boxes[i].width for i in order) + _GAP_ACROSS * (len(order) - 1)) / 2
            height = max(boxes[i].height for i in order)
            for i in order:
                middle = Point(x + boxes[i].width / 2, y + height / 2)
                places[i] = Area(middle, boxes[i].width, boxes[i].height)
                x += boxes[i].width + _GAP_ACROSS
            y += height + _GAP_DOWN
        return places

    def cost(places: Mapping[int, Area]) -> float:
        straight = [Arrow(places[a], places[b], ("",)) for a, b in pairs]
        return sum(
            distance(arrow.source.middle, arrow.target.middle) + arrow.cost(list(places.values()))
            for arrow in straight
        )

    best = min((laid(orders) for orders in product(*map(permutations, rows))), key=cost)
    return [best[i] for i in range(len(boxes))]


def _bent(arrows: Sequence[Arrow], areas: Sequence[Area]) -> list[Arrow]:
    """Bend the arrows and move their labels until none can be better off alone."""
    choices = [
        [replace(arrow, bend=bend, place=place) for bend in _BENDS for place in _PLACES]
        for arrow in arrows
    ]
    cost = {way: way.cost(areas) for ways in choices for way in ways}
    clash = cache(Arrow.clash)
    best = [min(ways, key=cost.__getitem__) for ways in choices]
    for _ in range(_ROUNDS):
        for i, ways in enumerate(choices):
            others = best[:i] + best[i + 1 :]
            costs = [cost[way] + sum(clash(way, other) for other in others) for way in ways]
            best[i] = ways[costs.index(min(costs))]
    return best


_STYLE: Final = """
  svg { --page: #ffffff; --ink: #1f2328; --line: #59636e; --box: #ddf4ff; --end: #eaeef2 }
  @media (prefers-color-scheme: dark) {
    svg { --page: #0d1117; --ink: #f0f6fc; --line: #9198a1; --box: #10345c; --end: #2f353d }
  }
  text { font: 12px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: var(--ink);
    text-anchor: middle }
  .name { font-size: 14px; font-weight: bold }
  .page { fill: var(--page) }
  .box { fill: var(--box); stroke: var(--line) }
  .end { fill: var(--end); stroke: var(--line); stroke-width: 2.5px }
  .state { fill: none; stroke: var(--line) }
  .arrow { fill: none; stroke: var(--line); stroke-width: 1.3px; marker-end: url(#head) }
  .head { fill: var(--line) }
"""


def _svg(
    name: str, boxes: Sequence[Box], areas: Sequence[Area], arrows: Sequence[Arrow], first: Area
) -> Iterator[str]:
    """Write it all down, whole pixels only: what a machine rounds must not change the file."""
    start = Area(Point(first.middle.x, first.top - 34), 12, 12)
    every = [start, *areas, *(arrow.label for arrow in arrows), *(arrow.around for arrow in arrows)]
    left, top = min(area.left for area in every) - _EDGE, min(area.top for area in every) - _EDGE
    width = max(area.left + area.width for area in every) + _EDGE - left
    height = max(area.top + area.height for area in every) + _EDGE - top
    page = Area(Point(left + width / 2, top + height / 2), width, height)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
        f' viewBox="{left:.0f} {top:.0f} {width:.0f} {height:.0f}" role="img"'
        ' aria-labelledby="title">'
    )
    yield f'<title id="title">The states of a {escape(name)}</title>'
    yield f"<style>{_STYLE}</style>"
    yield (
        '<marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8"'
        ' orient="auto"><path class="head" d="M0,1 L10,5 L0,9 z"/></marker>'
    )
    yield _rect("page", page)
    yield f'<circle class="head" cx="{start.middle.x:.0f}" cy="{start.middle.y:.0f}" r="6"/>'
    yield f'<path class="arrow" d="M{start.middle.x:.0f},{start.middle.y:.0f} v30"/>'
    for arrow in arrows:
        yield f'<path class="arrow" d="{arrow.path}"/>'
    for arrow in arrows:
        yield _rect("page", arrow.label)
        for place, step in enumerate(arrow.steps):
            y = arrow.label.top + _SMALL + place * _STEP
            yield _text("step", arrow.label.middle.x, y, step)
    for box, area in zip(boxes, areas, strict=True):
        yield from _svg_box(box, area)
    yield "</svg>"


def _svg_box(box: Box, area: Area) -> Iterator[str]:
    yield _rect("end" if box.is_end else "box", area)
    y = area.top + 24
    if len(box.states) == 1:
        yield _text("name", area.middle.x, y, box.states[0])
    else:
        x = area.middle.x - (sum(map(_width, box.states)) + _GAP * (len(box.states) - 1)) / 2
        for state in box.states:
            frame = Area(Point(x + _width(state) / 2, y), _width(state), 28)
            yield _rect("state", frame)
            yield _text("name", frame.middle.x, y + 5, state)
            x += _width(state) + _GAP
        y += 14
    for place, text in enumerate(box.inner, 1):
        yield _text("step", area.middle.x, y + place * _LINE, text)


def _width(state: str) -> float:
    """Of a state's name with some room at its sides."""
    return len(state) * _NAME * _SIGN + 20


def _rect(kind: str, area: Area) -> str:
    return (
        f'<rect class="{kind}" x="{area.left:.0f}" y="{area.top:.0f}" rx="8"'
        f' width="{area.width:.0f}" height="{area.height:.0f}"/>'
    )


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}">{escape(text)}</text>'
