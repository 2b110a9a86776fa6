"""Figures of one run of the bench, kept as JSON, and beside those of a release."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
LATEST = "latest"
WORSE = 1.15
"""A ratio that grew by more is told as worse: less is noise of the machine."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What something costs, beside what nothing can be below and what others need.

    All three are taken in one run, so that their ratios hold on any machine.

    Attributes
    ----------
    name : what was done
    unit : of the three; less is better
    ours : what it costs here
    limit, limit_is : what is done at least (a scan, a bare route, a write to disk), and its cost
    peer, peer_is : what a program of the same kind needs; None where there is none
    goal, goal_is : the most that `ours` may be, as a multiple of `limit` or `peer`
    """

    name: str
    unit: str
    ours: float
    limit: float
    limit_is: str
    peer: float | None = None
    peer_is: str | None = None
    goal: float | None = None
    goal_is: str = "limit"

    @property
    def to_limit(self) -> float:
        """How many times the limit it costs."""
        return self.ours / self.limit

    @property
    def to_peer(self) -> float | None:
        """How many times the peer's cost."""
        return self.ours / self.peer if self.peer else None

    @property
    def holds(self) -> bool | None:
        """Whether the goal is kept; None where there is none."""
        ratio = self.to_limit if self.goal_is == "limit" else self.to_peer
        return None if self.goal is None or ratio is None else ratio <= self.goal


def keep(measures: Sequence[Measure], about: Mapping[str, Any], file: Path) -> None:
    """Write what was measured; `about` is the machine and its moment."""
    file.parent.mkdir(exist_ok=True)
    body = {"about": dict(about), "measures": [asdict(measure) for measure in measures]}
    file.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n")


def kept(file: Path) -> tuple[dict[str, Any], list[Measure]]:
    """What `keep` wrote."""
    body = json.loads(file.read_text())
    return body["about"], [Measure(**measure) for measure in body["measures"]]


def last_release(folder: Path = RESULTS) -> Path | None:
    """The results of the newest release that are kept; None where there are none."""
    releases = [file for file in folder.glob("*.json") if file.stem != LATEST]
    return max(releases, key=_version, default=None)


def _version(file: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in file.stem.split(".") if part.isdigit())


def table(measures: Sequence[Measure], before: Sequence[Measure] = ()) -> str:
    """A table in Markdown; `before` are those of the last release."""
    ratios = {measure.name: measure.to_limit for measure in before}
    lines = [
        "| what | unit | ours | limit | × limit | peer | × peer | goal | last release, × limit |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for measure in measures:
        peer = "" if measure.peer is None else f"{measure.peer:,.4g} ({measure.peer_is})"
        to_peer = "" if measure.to_peer is None else f"{measure.to_peer:.2f}"
        goal = ""
        if measure.goal is not None:
            kept_or_not = "kept" if measure.holds else "**missed**"
            goal = f"≤ {measure.goal:g} × {measure.goal_is}: {kept_or_not}"
        lines.append(
            f"| {measure.name} | {measure.unit} | {measure.ours:,.4g} | {measure.limit:,.4g} "
            f"({measure.limit_is}) | {measure.to_limit:.2f} | {peer} | {to_peer} | {goal} | "
            f"{_beside(measure, ratios.get(measure.name))} |"
        )
    return "\n".join(lines)


def _beside(measure: Measure, before: float | None) -> str:
    if before is None:
        return ""
    change = measure.to_limit / before
    word = "worse" if change > WORSE else "better" if change < 1 / WORSE else "as before"
    return f"{before:.2f}: {word}"
