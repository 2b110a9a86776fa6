"""Orders that were sent, on their way into a score run; and what the run hands back.

A run reads the files of the shop and what was sent since; the files win, order by order. It
leaves every customer's lines as the files hold them: what is sent next is scored with those.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Self

import pandas as pd
import pyarrow.parquet as pq
from sqlalchemy.engine import make_url

from features.catalogue import LIVE_FEATURES
from features.engines.build import build_features
from features.orders.interest_signs import interest_signs, latest_signs
from features.orders.log import OrderLog, day_date
from features.reading.line_as_sent import sent_line
from features.reading.sent_lines import SentOrderLine
from features.reading.typing import typed_line
from features.settings.data import Data
from serving.live.lines import Handover, LiveLine, WhoIsErased
from serving.live.store import LiveStore
from serving.scoring.recommendation_rules import rules_of
from serving.scoring.run import ScoreRun
from serving.settings import Settings
from serving.store.database import open_database
from training.bundle.publication import Models
from training.past.interest_signs import LONGEST_INTEREST, Sign

ROWS_AT_ONCE = 10_000
MOST_SHOWN = 8
"""Signs of interest on a customer's page, the latest ones."""


@dataclass(frozen=True)
class SentSoFar:
    """The lines that were sent, as they are kept and as the shop's rules read them."""

    kept: tuple[LiveLine, ...]
    typed: tuple[SentOrderLine, ...]

    @classmethod
    def read(cls, live: LiveStore, data: Data) -> Self:
        """All that are there now."""
        lines_taken = tuple(live.lines())
        return cls(lines_taken, tuple(_typed(line, data) for line in lines_taken))

    def handover(
        self,
        log: OrderLog[Settings],
        run: ScoreRun,
        models: Models,
        folder: Path,
        erased: WhoIsErased,
    ) -> Handover:
        """What the run brings.

        Parameters
        ----------
        log : read with `typed` and with `folder` for histories; used at once, not later
        run : of the log
        models : that made it
        folder : must be there until the run is published
        erased : customers who are left out
        """
        absorbed = []
        if self.typed:
            rows = log.connection.execute("""
                SELECT source_row FROM absorbed_lines
                WHERE source_row NOT IN (SELECT source_row FROM standing_news)""").fetchall()
            absorbed_lines = (self.kept[row - 1] for (row,) in rows)
            absorbed = [(*line.place, line.change_no) for line in absorbed_lines]
        # a run of a past date says nothing of what was ordered since
        is_whole = run.info.as_of >= log.end
        newest = max((line.change_no for line in self.kept), default=0)
        return Handover(
            histories=_histories(folder, background_beside(log, run, models), erased),
            seen_no=newest if is_whole else 0,
            absorbed=absorbed,
        )


def lines_sent(settings: Settings) -> Sequence[SentOrderLine]:
    """The lines in the store of a configuration; none where there is no store yet."""
    url = settings.database_url(settings.store.url)
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and not Path(str(address.database)).exists():
        return ()
    engine = open_database(url)
    try:
        return SentSoFar.read(LiveStore(engine), settings.data).typed
    finally:
        engine.dispose()


def _typed(line: LiveLine, data: Data) -> SentOrderLine:
    content = json.loads(line.content)
    # where the files have no order ids, a day is an order
    order = line.order_id if data.columns.order_id is not None else None
    sent = sent_line({**content, "order_id": order})
    anonymous = line.customer_id in data.rules.anonymous_customers
    return SentOrderLine(None if anonymous else line.customer_id, typed_line(sent, data))


def background_beside(
    log: OrderLog[Settings], run: ScoreRun, models: Models
) -> Mapping[str, dict[str, object]]:
    """What a score needs of a customer that no order tells."""
    by_customer: dict[str, dict[str, object]] = {}
    if table_columns := [name for name in models.manifest.columns if name not in LIVE_FEATURES]:
        table = build_features(log, run.info.as_of)[table_columns]
        values_or_none = table.astype(object).where(table.notna(), None)
        for customer_id, row in zip(
            values_or_none.index, values_or_none.to_dict("records"), strict=True
        ):
            features = {str(name): value for name, value in row.items() if value is not None}
            by_customer[customer_id] = {"features": features}
    for customer_id, signs in _signs(log, run, models):
        by_customer.setdefault(customer_id, {})["signs"] = signs
    for customer_id, shown in _latest(log, run):
        by_customer.setdefault(customer_id, {})["looked_at"] = shown
    if log.settings.recommend.needs_consent:
        for customer_id in rules_of(log, run.info.as_of).consent or ():
            by_customer.setdefault(customer_id, {})["consents"] = True
    return by_customer


def _signs(
    log: OrderLog[Settings], run: ScoreRun, models: Models
) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
    """What each customer looked at, as long as it counts for recommendations; see `signs_from`."""
    if models.recommendation is None or not models.recommendation.sees_signs:
        return
    table = interest_signs(log, run.info.as_of, longest=LONGEST_INTEREST)
    if table is not None:
        yield from _by_customer(table, Sign._fields)


def _latest(
    log: OrderLog[Settings], run: ScoreRun
) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """What the page of each customer shows of interest."""
    table = latest_signs(log, run.info.as_of, MOST_SHOWN)
    if table is None:
        return
    table = table.assign(on=[day_date(day).isoformat() for day in table["day"]])
    names = ("on", "kind", "item", "words")
    for customer_id, rows in _by_customer(table, names):
        yield customer_id, [dict(zip(names, row, strict=True)) for row in rows]


def _by_customer(
    table: pd.DataFrame, names: Sequence[str]
) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
    """The values of these columns, None where one is missing, of each customer.

    The rows of a customer stand together.
    """
    values = table[[*names]].astype(object)
    values = values.where(values.notna(), None)
    rows = zip(table["customer_id"], *(values[name] for name in names), strict=True)
    for customer_id, rows_of_one in groupby(rows, key=itemgetter(0)):
        yield customer_id, [row[1:] for row in rows_of_one]


def _histories(
    folder: Path, beside: Mapping[str, dict[str, object]], erased: WhoIsErased
) -> Iterator[tuple[str, str]]:
    for file in sorted(folder.glob("histories-*.parquet")):
        for batch in pq.ParquetFile(file).iter_batches(ROWS_AT_ONCE):
            columns = batch.to_pydict()
            erased_ids = erased(columns["customer_id"])
            for customer_id, lines in zip(*columns.values(), strict=True):
                if customer_id in erased_ids:
                    continue
                extra = beside.get(customer_id)
                text = lines if extra is None else f"{lines[:-1]},{json.dumps(extra)[1:]}"
                yield customer_id, text
