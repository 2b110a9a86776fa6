"""The geometry of the larger pictures; templates draw them as SVG."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Frame2D:
    """A field of `width` × `height` with room for writing on its left, on its right and below."""

    width: float = 720
    height: float = 220
    left: float = 64
    right: float = 0
    bottom: float = 24
    top: float = 10

    @property
    def base(self) -> float:
        """Where the horizontal axis lies."""
        return self.height - self.bottom

    def y(self, share: float) -> float:
        """The height of a share of the axis, 0 at its base and 1 at its top."""
        return round(self.base - share * (self.base - self.top), 1)

    def x(self, share: float) -> float:
        """The place of a share of the horizontal axis."""
        return round(self.left + share * (self.width - self.right - self.left), 1)


@dataclass(frozen=True, kw_only=True)
class DrawnColumn:
    """A column from `y` down to the base."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A line of the axis: what it stands for and where it lies."""

    value: float
    at: float


@dataclass(frozen=True, kw_only=True)
class ColumnDrawing:
    """Values side by side above a common base."""

    field: Frame2D
    bars: tuple[DrawnColumn, ...]
    ticks: tuple[Tick, ...]


def columns(values: Sequence[float], *, field: Frame2D | None = None) -> ColumnDrawing:
    """Columns of values; those below zero are drawn as nothing."""
    field = field or Frame2D()
    steps = ticks(max(max(values, default=0.0), 0.0))
    top = steps[-1] or 1.0
    step = (field.width - field.right - field.left) / max(len(values), 1)
    return ColumnDrawing(
        field=field,
        bars=tuple(_bars(values, field, top, step)),
        ticks=tuple(Tick(value=value, at=field.y(value / top)) for value in steps),
    )


def _bars(
    values: Sequence[float], field: Frame2D, top: float, step: float
) -> Iterator[DrawnColumn]:
    for number, value in enumerate(values):
        y = field.y(max(value, 0.0) / top)
        x = field.left + number * step + 0.14 * step
        yield DrawnColumn(
            x=round(x, 1), y=y, width=round(0.72 * step, 1), height=round(field.base - y, 1)
        )


def ticks(highest: float) -> list[float]:
    """Three to six round numbers from zero to the first at or above `highest`."""
    if highest <= 0:
        return [0.0]
    rough = highest / 4
    unit = 10 ** math.floor(math.log10(rough))
    step = next(size * unit for size in (1, 2, 2.5, 5, 10) if size * unit >= rough)
    return [step * number for number in range(math.ceil(highest / step - 1e-9) + 1)]
