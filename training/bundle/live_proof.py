"""The live path is proved before it is used: made-up customers through the batch and through it.

What a training publishes holds a few made-up customers (`golden_lines`), the rules that judged
them and the features that the embedded engine gave them. Before it is published, and whenever a
process starts to score single customers, the same lines go through `Judge` and `LiveEngine`; where
a feature differs, the models are refused and the sentence names it.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from features.catalogue import LIVE_BLOCKS
from features.engines.build import feature_query
from features.engines.golden_lines import AS_OF, golden_data, golden_frame, golden_lines
from features.orders.log import day_number, make_tables, visible_rows
from features.reading.judging import Judge, TypedLine, counting_lines
from features.settings.data import Data
from features.settings.feature_settings import FeatureSettings
from features.sources import FrameSource
from features.sql import engine
from training.errors import BundleError

_RELATIVE = 1e-12
"""Logarithms of two machines may differ in the last bit; nothing else may."""

_LISTED = 5
_TIMES = ("ordered_at", "ingested_at", "changed_at")
_KEPT = {"transactions", "currency", "columns", "rules", "rates"}

Values = Mapping[str, float | None]
"""Feature → value, None where it has no meaning."""


@dataclass(frozen=True)
class LiveProof:
    """Made-up customers, and what the batch computes of them.

    Attributes
    ----------
    data : the rules that judge their lines
    as_of : the date of the features, in days since 1970-01-01
    lines : customer → lines
    features : customer → features; those who bought nothing by then are not there
    """

    name = "live"
    """The folder of a bundle that it lies in."""

    data: Data
    as_of: int
    lines: Mapping[str, Sequence[TypedLine]]
    features: Mapping[str, Values]

    @classmethod
    def made(cls, settings: FeatureSettings) -> Self:
        """Compute the features of made-up customers in the embedded engine.

        Parameters
        ----------
        settings : of the shop, whose rules are taken
        """
        data = golden_data(settings.data)
        lines = golden_lines(data)
        read_as = settings.model_copy(update={"data": data})
        with engine(settings.engine) as connection:
            make_tables(connection, read_as, FrameSource(golden_frame(lines, data)))
            as_of = day_number(AS_OF)
            query = feature_query(LIVE_BLOCKS).format(
                as_of=as_of, minor=f"{data.minor_units}e0", **visible_rows(connection, data, as_of)
            )
            names = [feature.name for block in LIVE_BLOCKS for feature in block.features]
            columns = ", ".join(f"CAST({name} AS DOUBLE) AS {name}" for name in names)
            rows = connection.execute(f"""
                SELECT customer_id, {columns}
                FROM ({query}) AS features JOIN customers USING (customer)
                ORDER BY customer""").fetchall()
        features = {customer: dict(zip(names, row, strict=True)) for customer, *row in rows}
        return cls(data, as_of, lines, features)

    def check(self) -> None:
        """Refuse what was published where the live path would differ.

        Raises
        ------
        BundleError
            See `problem`.
        """
        if (problem := self.problem()) is not None:
            raise BundleError(f"{problem} Run `regulars train`.")

    def problem(self) -> str | None:
        """Which features come out differently along the live path; None where all are the same.

        Raises
        ------
        ConfigError
            When a feature of the catalogue cannot be computed for one customer.
        """
        # late: a score run and the commands that only load models need no translator of SQL
        from features.engines.live import live_engine

        judge, live = Judge(self.data), live_engine(self.data.minor_units)
        different: dict[str, str] = {}
        for customer, lines in self.lines.items():
            seen = counting_lines(judge.judge(lines), before=self.as_of)
            ours = live.orders_of(seen).features(self.as_of) or {}
            for name, how in _differences(ours, self.features.get(customer, {})):
                different.setdefault(name, how)
        if not different:
            return None
        listed = [f"{name} ({how})" for name, how in list(different.items())[:_LISTED]]
        others = len(different) - _LISTED
        rest = f" and {others} more" if others > 0 else ""
        return (
            "single customers would be scored otherwise than by a run: of made-up customers other "
            f"features come out, {', '.join(listed)}{rest}."
        )

    def save(self, directory: Path) -> None:
        """Write it into a folder that is made."""
        directory.mkdir(parents=True)
        values = {
            "data": self.data.model_dump(mode="json", include=_KEPT),
            "as_of": self.as_of,
            "fields": TypedLine._fields,
            "lines": {name: [_written(line) for line in some] for name, some in self.lines.items()},
            "features": self.features,
        }
        text = json.dumps(values, ensure_ascii=False)
        (directory / _FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """What `save` wrote.

        Raises
        ------
        BundleError
            When there is none, or it is damaged.
        """
        try:
            values = json.loads((directory / _FILE).read_text(encoding="utf-8"))
            fields = values["fields"]
            return cls(
                Data.model_validate(values["data"]),
                int(values["as_of"]),
                {
                    name: [_read(fields, line) for line in some]
                    for name, some in values["lines"].items()
                },
                values["features"],
            )
        except (OSError, LookupError, TypeError, ValueError) as error:
            raise BundleError(
                f"{directory}: no made-up customers to prove scores of single customers with "
                f"({type(error).__name__}). Run `regulars train`."
            ) from None


_FILE = "golden_lines.json"


def _differences(ours: Mapping[str, float], theirs: Values) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys((*theirs, *ours)):
        mine, other = ours.get(name), theirs.get(name)
        if not _is_same(mine, other):
            yield name, f"{_told(mine)} instead of {_told(other)}"


def _is_same(mine: float | None, other: float | None) -> bool:
    if mine is None or math.isnan(mine):
        return other is None or math.isnan(other)
    return other is not None and math.isclose(mine, other, rel_tol=_RELATIVE)


def _told(value: float | None) -> str:
    return "nothing" if value is None or math.isnan(value) else f"{value:.9g}"


def _written(line: TypedLine) -> list[Any]:
    return [value.isoformat() if isinstance(value, datetime) else value for value in line]


def _read(fields: Sequence[str], values: Sequence[Any]) -> TypedLine:
    line = dict(zip(fields, values, strict=True))
    for name in _TIMES:
        if line[name] is not None:
            line[name] = datetime.fromisoformat(line[name])
    return TypedLine(**line)
