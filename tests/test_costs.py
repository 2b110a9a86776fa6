"""Results of the bench are kept, compared with a release, and drawn."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

from benchmarks.drawn import page, picture
from benchmarks.measures import Measure, keep, kept, last_release, table

READING = Measure(
    name="reading <1 M lines>",
    unit="CPU s",
    ours=6.0,
    limit=0.5,
    limit_is="scan",
    peer=4.0,
    peer_is="pandas",
    goal=1.0,
    goal_is="peer",
)
ORDER = Measure(
    name="an order", unit="ms", ours=3.0, limit=1.0, limit_is="fsync of a page", goal=4.0
)


def test_results_are_kept_and_the_newest_release_is_found(tmp_path: Path) -> None:
    for name in ("0.9.0", "0.10.0", "latest"):
        keep([READING, ORDER], {"cores": 2}, tmp_path / f"{name}.json")
    assert last_release(tmp_path) == tmp_path / "0.10.0.json"
    assert kept(tmp_path / "latest.json") == ({"cores": 2}, [READING, ORDER])
    assert last_release(tmp_path / "nothing") is None


def test_each_figure_stands_beside_its_limit_its_peer_and_the_release_before() -> None:
    before = [replace(READING, ours=4.0), replace(ORDER, ours=3.1)]
    _, _, reading, order = table([READING, ORDER], before).splitlines()
    # 6 / 0.5, 6 / 4, and 4 / 0.5 before
    assert "| 12.00 |" in reading
    assert "| 1.50 |" in reading
    assert "missed" in reading
    assert "| 8.00: worse |" in reading
    assert "kept" in order
    assert "| 3.10: as before |" in order


def test_the_picture_puts_each_cost_in_its_place() -> None:
    drawing = ET.fromstring(picture([READING, ORDER]))  # noqa: S314 - our own
    titles = [element.text for element in drawing.iter() if element.tag.endswith("title")]
    # the peer's 4 / 0.5
    assert {"ours: × 12.00", "peer: × 8.00", "ours: × 3.00"} <= set(titles)
    assert "images/costs.svg" in page({"cores": 2}, [READING], ())
