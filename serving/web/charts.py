"""The geometry of the larger pictures; templates draw it as SVG, beside a table of the same."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypedDict

HEAT_STEPS = 6
"""Classes `heat-0` (nothing) to `heat-6` of the style sheet."""


class LorenzCurve(TypedDict):
    """Shares of customers, the best first, and of what they bring."""

    customers: Sequence[float]
    share: Sequence[float]


class MatrixItem(TypedDict):
    """A category or product of the growth–share matrix; `growth` None: not sold before."""

    item: str
    name: str | None
    sales: float
    share_of_largest: float
    growth: float | None


class GrowthShareData(TypedDict):
    """What the matrix shows, and where its quadrants part."""

    shown: Sequence[MatrixItem]
    high_share_from: float
    high_growth_from: float


class Decile(TypedDict):
    """A tenth of the customers: what was said of it on average, and what happened."""

    said: float
    happened: float


class SurvivalStep(TypedDict):
    """An age, the share of contracts that still run beyond it, and the ends of its interval."""

    age_days: int
    survival: float
    low: float
    high: float


def heat(value: float | None, most: float) -> int:
    """How deep a field of a heat table is coloured, by the share of the largest value."""
    if value is None or value <= 0 or most <= 0:
        return 0
    return max(1, math.ceil(HEAT_STEPS * value / most - 1e-9))


def points(pairs: Sequence[tuple[float, float]]) -> str:
    """Places as `points` of a polyline."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)


def lorenz(curve: LorenzCurve, side: float = 100.0) -> str:
    """A Lorenz curve in a square with its origin at the lower left."""
    pairs = zip(curve["customers"], curve["share"], strict=True)
    return points([(side * x, side * (1 - y)) for x, y in pairs])


@dataclass(frozen=True)
class SurvivalDrawing:
    """A survival curve and its band in a box of 200 × 100, the age to the right."""

    curve: str
    band: str
    longest_days: int


def survival(steps: Sequence[SurvivalStep]) -> SurvivalDrawing:
    """The points of the exhibit `contract_survival`, from all that run down to none."""
    longest = max(steps[-1]["age_days"], 1)
    ages = [200 * step["age_days"] / longest for step in steps]
    curve, low, high = (
        [(age, 100 * (1 - share)) for age, share in zip(ages, shares, strict=True)]
        for shares in (
            [step["survival"] for step in steps],
            [step["low"] for step in steps],
            [step["high"] for step in steps],
        )
    )
    return SurvivalDrawing(points(curve), points([*high, *reversed(low)]), longest)


@dataclass(frozen=True)
class LineDrawing:
    """A line over equal steps in a box of `width` × `height`, and where its zero lies."""

    places: str
    zero: float
    last: tuple[float, float]


def line(values: Sequence[float], width: float, height: float) -> LineDrawing:
    """The values from the left to the right, zero always in the picture."""
    low, high = min(0.0, *values), max(0.0, *values)
    span = high - low or 1.0
    step = width / max(len(values) - 1, 1)
    pairs = [
        (number * step, height * (1 - (value - low) / span)) for number, value in enumerate(values)
    ]
    return LineDrawing(points(pairs), round(height * (1 - (0 - low) / span), 1), pairs[-1])


@dataclass(frozen=True)
class Bubble:
    """A circle of the matrix: its place, its radius, and what it stands for.

    `label` is where its name begins or ends (`anchor`) without covering another name; None
    where there is no room.
    """

    x: float
    y: float
    radius: float
    item: MatrixItem
    label: float | None
    anchor: str


@dataclass(frozen=True)
class Matrix:
    """Growth upwards, share to the right, in a box of `width` × `height`.

    `share` and `growth` are where the quadrants part; `ticks` the marks of growth and their
    places; `smallest` is the share at the left end.
    """

    width: float
    height: float
    bubbles: tuple[Bubble, ...]
    share: float
    growth: float
    ticks: tuple[tuple[float, float], ...]
    smallest: float


GROWTHS = (0.0, -0.5, 1.0, -0.25, 0.5, -0.75, 3.0, -0.1, 0.1, 0.25, -0.9, 9.0)
"""Marks of the growth axis, which is logarithmic in sales ÷ sales before; those that come
first win where there is no room for all."""
SMALLEST_SHARE, SMALLEST_GROWTH, LARGEST_GROWTH = 0.005, -0.9, 9.0
"""Ends of the axes at most; what lies beyond stands at the end."""
NAME_LENGTH = 24
MOST_NAMES = 16
"""Circles with a name beside them, the largest first; the others tell theirs when pointed at."""
SIGN_WIDTH, NAME_HEIGHT, TICK_HEIGHT = 6.0, 12.0, 22.0


def matrix(exhibit: GrowthShareData, width: float = 600.0, height: float = 360.0) -> Matrix:
    """The growth–share matrix; what was not sold before has no growth, and stands at the top."""
    sold = [item for item in exhibit["shown"] if item["sales"] > 0]
    grown = [_logarithm(item["growth"]) for item in sold if item["growth"] is not None]
    cut = _logarithm(exhibit["high_growth_from"])
    low, high = min(0.0, cut, *grown) - 0.1, max(0.0, cut, *grown) + 0.1
    shares = [item["share_of_largest"] for item in sold]
    smallest = max(min([*shares, 0.5]) * 0.8, SMALLEST_SHARE)

    def across(share: float | None) -> float:
        bounded = min(max(share or 0.0, smallest), 1.0)
        return round(width * (1 - math.log(bounded) / math.log(smallest)), 1)

    def up(growth: float | None) -> float:
        logarithm = high if growth is None else _logarithm(growth)
        return round(height * (1 - (logarithm - low) / (high - low)), 1)

    ticks: list[tuple[float, float]] = []
    for growth in GROWTHS:
        y = up(growth)
        if 0 <= y <= height and all(abs(y - other) >= TICK_HEIGHT for _, other in ticks):
            ticks.append((growth, y))
    placed = [(across(item["share_of_largest"]), up(item["growth"]), item) for item in sold]
    return Matrix(
        width,
        height,
        tuple(_named(placed, width)),
        across(exhibit["high_share_from"]),
        up(exhibit["high_growth_from"]),
        tuple(sorted(ticks)),
        smallest,
    )


def _logarithm(growth: float | None) -> float:
    return math.log1p(min(max(growth or 0.0, SMALLEST_GROWTH), LARGEST_GROWTH))


@dataclass(frozen=True)
class _Box:
    """A part of a picture that is taken."""

    left: float
    right: float
    top: float
    bottom: float

    def overlaps(self, other: "_Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def _named(placed: Sequence[tuple[float, float, MatrixItem]], width: float) -> Iterator[Bubble]:
    """The circles, the largest first, which also are the first to have their names written.

    A name stands to the right of its circle or to its left, where it covers neither another
    name nor another circle; else nowhere.
    """
    radii = [round(4 + 16 * math.sqrt(item["share_of_largest"]), 1) for *_, item in placed]
    circles = [
        _Box(x - radius, x + radius, y - radius, y + radius)
        for (x, y, _), radius in zip(placed, radii, strict=True)
    ]
    names: list[_Box] = []
    for number, ((x, y, item), radius) in enumerate(zip(placed, radii, strict=True)):
        others = [*names, *circles[:number], *circles[number + 1 :]]
        length = SIGN_WIDTH * min(len(item["name"] or item["item"]), NAME_LENGTH)
        label, anchor = None, "start"
        if len(names) < MOST_NAMES:
            right, left = x + radius + 3, x - radius - 3
            top, bottom = y - NAME_HEIGHT / 2, y + NAME_HEIGHT / 2
            for box, start, side in (
                (_Box(right, right + length, top, bottom), right, "start"),
                (_Box(left - length, left, top, bottom), left, "end"),
            ):
                is_inside = box.left >= 0 and box.right <= width
                if is_inside and not any(map(box.overlaps, others)):
                    names.append(box)
                    label, anchor = round(start, 1), side
                    break
        yield Bubble(x, y, radius, item, label, anchor)


@dataclass(frozen=True)
class DrawnBar:
    """A group on one side of a flow."""

    value: str | None
    customers: int
    y: float
    height: float


@dataclass(frozen=True)
class Ribbon:
    """Those who went from a group to a group; `path` is for SVG."""

    before: str | None
    now: str | None
    customers: int
    path: str
    stayed: bool


@dataclass(frozen=True)
class FlowDrawing:
    """From where to where: bars on the left, on the right, and ribbons between them."""

    before: tuple[DrawnBar, ...]
    now: tuple[DrawnBar, ...]
    ribbons: tuple[Ribbon, ...]
    height: float


def flow(
    moves: Sequence[tuple[str | None, str | None, int]],
    order: Sequence[str],
    *,
    left: float = 150.0,
    right: float = 450.0,
    height: float = 300.0,
    gap: float = 10.0,
) -> FlowDrawing:
    """Moves between groups, drawn from `left` to `right`.

    Parameters
    ----------
    moves : group before (None: not there), group now (None: gone), customers
    order : of the groups, from the top; who is not there comes last
    """
    bands = [*order, None]
    total = sum(customers for *_, customers in moves)
    scale = (height - gap * (len(bands) - 1)) / max(total, 1)
    sides = [_bars(moves, side, bands, scale, gap) for side in (0, 1)]
    used = [{bar.value: bar.y for bar in side} for side in sides]
    ribbons = []
    for before in bands:
        for band in bands:
            customers = sum(size for a, b, size in moves if (a, b) == (before, band))
            if not customers:
                continue
            thick = customers * scale
            path = _ribbon(left, used[0][before], right, used[1][band], thick)
            used[0][before] += thick
            used[1][band] += thick
            ribbons.append(Ribbon(before, band, customers, path, before == band))
    ends = [bar.y + bar.height for side in sides for bar in side]
    return FlowDrawing(
        tuple(sides[0]), tuple(sides[1]), tuple(ribbons), math.ceil(max(ends, default=0.0))
    )


def _bars(
    moves: Sequence[tuple[str | None, str | None, int]],
    side: int,
    bands: Sequence[str | None],
    scale: float,
    gap: float,
) -> list[DrawnBar]:
    bars, y = [], 0.0
    for value in bands:
        customers = sum(move[2] for move in moves if move[side] == value)
        if customers:
            bars.append(DrawnBar(value, customers, y, customers * scale))
            y += customers * scale + gap
    return bars


def _ribbon(left: float, top: float, right: float, into: float, thick: float) -> str:
    middle = (left + right) / 2
    return (
        f"M{left:.1f},{top:.1f} C{middle:.1f},{top:.1f} {middle:.1f},{into:.1f} "
        f"{right:.1f},{into:.1f} V{into + thick:.1f} C{middle:.1f},{into + thick:.1f} "
        f"{middle:.1f},{top + thick:.1f} {left:.1f},{top + thick:.1f} Z"
    )


def calibration(
    deciles: Sequence[Decile], side: float = 200.0
) -> tuple[tuple[tuple[float, float], ...], float]:
    """Where each tenth stands, what was said to the right and what happened upwards.

    Both axes are square roots, so that the many small tenths of money do not fall together.

    Returns
    -------
    The places in a square with its origin at the lower left, and the end of both axes.
    """
    most = max((max(decile["said"], decile["happened"]) for decile in deciles), default=0.0) or 1.0

    def root(value: float) -> float:
        return math.sqrt(max(value, 0.0) / most)

    return (
        tuple(
            (round(side * root(decile["said"]), 1), round(side * (1 - root(decile["happened"])), 1))
            for decile in deciles
        ),
        most,
    )
