"""`docs/costs.md` and its picture, from results that `benchmarks.promises` kept.

python -m benchmarks.drawn [FILE]
"""

import sys
from collections.abc import Sequence
from html import escape
from math import log10
from pathlib import Path

from benchmarks.measures import LATEST, RESULTS, Measure, kept, last_release, table

DOCS = Path(__file__).parent.parent / "docs"
PICTURE = "images/costs.svg"
ROW_PX, LEFT_PX, WIDTH_PX = 30, 330, 960
COLOURS = {"limit": "#9aa5b1", "ours": "#1f6feb", "peer": "#c2410c"}


def main() -> None:
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS / f"{LATEST}.json"
    release = last_release()
    file = chosen if chosen.exists() else release
    if file is None:
        raise SystemExit("Nothing is kept yet: python -m benchmarks.promises")
    about, measures = kept(file)
    before = kept(release)[1] if release and release.name != file.name else ()
    (DOCS / PICTURE).write_text(picture(measures))
    (DOCS / "costs.md").write_text(page(about, measures, before))


def page(about: dict[str, object], measures: Sequence[Measure], before: Sequence[Measure]) -> str:
    """The page as Markdown."""
    machine = ", ".join(f"{name} {value}" for name, value in about.items())
    return (
        "# What it costs, beside what nothing can be below\n\n"
        "Written by `python -m benchmarks.drawn` from what `python -m benchmarks.promises` measured"
        " in one run: our cost, that of the least that has to be done (a scan, a bare route with"
        " the same bytes, a write that is on disk), and that of a program of the same kind."
        f" Ratios hold on any machine, times on this one: {machine}.\n\n"
        f"![Costs as multiples of their limit]({PICTURE})\n\n{table(measures, before)}\n"
    )


def picture(measures: Sequence[Measure]) -> str:
    """Each cost as a multiple of its limit, on a scale of powers of ten, as SVG."""
    ratios = [
        ratio for measure in measures for ratio in (measure.to_limit, _peer(measure)) if ratio
    ]
    decades = max(1, *(int(log10(ratio)) + 1 for ratio in ratios if ratio >= 1))
    height = ROW_PX * (len(measures) + 2)
    marks = [_decade(power, decades, height) for power in range(decades + 1)]
    rows = [_row(number, measure, decades) for number, measure in enumerate(measures)]
    legend = "".join(
        f'<circle cx="{LEFT_PX + 110 * place}" cy="12" r="5" fill="{colour}"/>'
        f'<text x="{LEFT_PX + 110 * place + 10}" y="16">{name}</text>'
        for place, (name, colour) in enumerate(COLOURS.items())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {height}"'
        ' font-family="sans-serif" font-size="13" role="img">'
        "<title>Costs as multiples of their limit</title>"
        f'<rect width="100%" height="100%" fill="#fff"/>{legend}{"".join(marks)}{"".join(rows)}</svg>\n'
    )


def _peer(measure: Measure) -> float | None:
    return measure.peer / measure.limit if measure.peer else None


def _x(ratio: float, decades: int) -> float:
    share = max(0.0, log10(ratio)) / decades
    return LEFT_PX + share * (WIDTH_PX - LEFT_PX - 40)


def _decade(power: int, decades: int, height: int) -> str:
    x = _x(10**power, decades)
    return (
        f'<line x1="{x:.0f}" x2="{x:.0f}" y1="28" y2="{height - 20}" stroke="#e4e7eb"/>'
        f'<text x="{x:.0f}" y="{height - 5}" text-anchor="middle">× {10**power:,}</text>'
    )


def _row(number: int, measure: Measure, decades: int) -> str:
    y = ROW_PX * (number + 1) + 18
    points = {"limit": 1.0, "peer": _peer(measure), "ours": measure.to_limit}
    dots = "".join(
        f'<circle cx="{_x(ratio, decades):.0f}" cy="{y}" r="6" fill="{COLOURS[name]}">'
        f"<title>{name}: × {ratio:.2f}</title></circle>"
        for name, ratio in points.items()
        if ratio is not None
    )
    return f'<text x="{LEFT_PX - 12}" y="{y + 4}" text-anchor="end">{escape(measure.name)}</text>{dots}'


if __name__ == "__main__":
    main()
