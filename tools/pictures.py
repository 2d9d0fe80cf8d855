"""Draws the pictures of the documentation from their text: python -m tools.pictures

``doc/pictures/NAME.txt`` becomes ``doc/source/images/NAME.svg``. A line is one thing; places and
sizes are in units of ten pixels, ``/`` begins a new line of text, ``#`` is for people::

    size 72 30
    zone X Y W H: text             an area behind the boxes, its text in the corner
    box NAME X Y W H: text / text
    store NAME X Y W H: text       something that keeps things
    gone NAME X Y W H: text        something that is not there any more
    arrow NAME NAME: text          from border to border; dash: the same, dashed
    arrow NAME NAME [DX DY]: text  moved aside, where two run beside each other
    note X Y: text

A test draws them again and compares.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
import sys
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).resolve().parents[1]
SOURCES = ROOT / "doc" / "pictures"
IMAGES = ROOT / "doc" / "source" / "images"

UNIT = 10
LINE = 16
INK, PALE = "#1f2d3d", "#5b6b7b"
#: Kind of thing -> colour inside, colour of its border, dashes.
LOOKS = {
    "zone": ("#f2f5f8", "#c8d2dc", ""),
    "box": ("#ffffff", INK, ""),
    "store": ("#fff6dc", "#a07800", ""),
    "gone": ("#ffffff", "#b03a2e", "4 3"),
}
_THING = re.compile(r"^(box|store|gone) (\w+) ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+): (.+)$")
_ZONE = re.compile(r"^(zone) ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+): (.+)$")
_WAY = re.compile(r"^(arrow|dash) (\w+) (\w+)(?: \[(-?[\d.]+) (-?[\d.]+)\])?(?:: (.+))?$")
_NOTE = re.compile(r"^note ([\d.]+) ([\d.]+): (.+)$")
_SIZE = re.compile(r"^size (\d+) (\d+)$")

HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}"'
    ' font-family="sans-serif" font-size="13">\n'
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"'
    ' orient="auto"><path d="M0 0L8 4L0 8z" fill="{ink}"/></marker></defs>\n'
    '<rect width="{w}" height="{h}" fill="#ffffff"/>\n'
)


@dataclasses.dataclass(frozen=True)
class Rectangle:
    """Left, top, width and height in pixels."""

    x: float
    y: float
    w: float
    h: float

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.w / 2, self.y + self.h / 2

    def border(self, to: tuple[float, float]) -> tuple[float, float]:
        """Where the way from the middle to a point leaves it."""
        (x, y), (dx, dy) = self.middle, (to[0] - self.middle[0], to[1] - self.middle[1])
        across = self.w / 2 / abs(dx) if dx else float("inf")
        down = self.h / 2 / abs(dy) if dy else float("inf")
        part = min(across, down, 1.0)
        return x + dx * part, y + dy * part

    def moved(self, dx: float, dy: float) -> Rectangle:
        return Rectangle(self.x + dx, self.y + dy, self.w, self.h)


def draw(source: str) -> str:
    """The SVG of a text.

    :raises ValueError: a line is not understood, or names something that is not there
    """
    things: dict[str, Rectangle] = {}
    head = ""
    zones: list[str] = []
    ways: list[str] = []
    boxes: list[str] = []
    words: list[str] = []
    for number, line in enumerate(source.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if found := _SIZE.match(line):
            head = HEAD.format(w=int(found[1]) * UNIT, h=int(found[2]) * UNIT, ink=INK)
        elif found := _ZONE.match(line):
            area = _rectangle(found.groups()[1:5])
            zones += [_shape("zone", area), _text(area.x + 8, area.y + 16, found[6], PALE, "start")]
        elif found := _THING.match(line):
            area = things[found[2]] = _rectangle(found.groups()[2:6])
            boxes += [_shape(found[1], area), _centred(area, found[7])]
        elif found := _WAY.match(line):
            try:
                one, other = things[found[2]], things[found[3]]
            except KeyError as error:
                raise ValueError(f"line {number}: no {error}") from None
            aside = float(found[4] or 0) * UNIT, float(found[5] or 0) * UNIT
            ends = _ends(one.moved(*aside), other.moved(*aside))
            ways.append(_way(found[1], *ends))
            words += [_label(*ends, found[6])] if found[6] else []
        elif found := _NOTE.match(line):
            x, y = float(found[1]) * UNIT, float(found[2]) * UNIT
            words.append(_text(x, y, found[3], PALE, "start"))
        else:
            raise ValueError(f"line {number}: {line!r}")
    return head + "\n".join([*zones, *ways, *boxes, *words]) + "\n</svg>\n"


def _rectangle(numbers: tuple[str, ...]) -> Rectangle:
    return Rectangle(*(float(number) * UNIT for number in numbers))


def _shape(kind: str, area: Rectangle) -> str:
    inside, border, dashes = LOOKS[kind]
    more = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<rect x="{area.x:g}" y="{area.y:g}" width="{area.w:g}" height="{area.h:g}" rx="4"'
        f' fill="{inside}" stroke="{border}"{more}/>'
    )


def _centred(area: Rectangle, text: str) -> str:
    x, y = area.middle
    return _text(x, y - (text.count(" / ") * LINE) / 2 + 4.5, text, INK, "middle")


def _text(x: float, y: float, text: str, colour: str, anchor: str) -> str:
    rows = [
        f'<tspan x="{x:g}" y="{y + number * LINE:g}">{escape(row.strip())}</tspan>'
        for number, row in enumerate(text.split(" / "))
    ]
    halo = ' stroke="#ffffff" stroke-width="3" paint-order="stroke"' if colour == PALE else ""
    return f'<text text-anchor="{anchor}" fill="{colour}"{halo}>{"".join(rows)}</text>'


Point = tuple[float, float]


def _ends(one: Rectangle, other: Rectangle) -> tuple[Point, Point]:
    return one.border(other.middle), other.border(one.middle)


def _way(kind: str, begin: Point, end: Point) -> str:
    dashes = ' stroke-dasharray="5 4"' if kind == "dash" else ""
    (x1, y1), (x2, y2) = begin, end
    return (
        f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{INK}" fill="none"'
        f' marker-end="url(#tip)"{dashes}/>'
    )


def _label(begin: Point, end: Point, text: str) -> str:
    (x1, y1), (x2, y2) = begin, end
    x, y, rows = (x1 + x2) / 2, (y1 + y2) / 2, text.count(" / ")
    if abs(x2 - x1) < abs(y2 - y1):
        return _text(x + 7, y + 4 - rows * LINE / 2, text, PALE, "start")
    return _text(x, y - 7 - rows * LINE, text, PALE, "middle")


def main() -> int:
    for path in sorted(SOURCES.glob("*.txt")):
        (IMAGES / f"{path.stem}.svg").write_text(draw(path.read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
