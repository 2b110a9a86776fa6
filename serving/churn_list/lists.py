"""The churn list as readers get it: pages of rows behind a cursor, and the whole as CSV."""

import base64
import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from features.errors import ConfigError
from features.language.languages import Language
from serving.churn_list.export_words import ExportWords
from serving.store.protocol import After, ChurnFilter, ChurnPage, ScoreReader, SortKey
from serving.store.run import PublishedRun, RunInfo

ROWS_PER_READ = 200
"""How many rows of an export are held in memory at once: documents of 6 KB, and their cells."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a spreadsheet read a text as a formula, or break the line."""
PHONE_NUMBER = re.compile(r"\+\d[\d ().\-/]{5,28}")
"""Written internationally: programs take it as it is, and it can name no cell and no function."""

FIELDS = (
    "customer_id",
    "status",
    "retention_risk",
    "churn_probability",
    "value_at_risk",
    "value_at_risk_pace",
    "p_order",
    "rhythm",
    "clv",
    "clv_low",
    "clv_median",
    "clv_high",
    "value_if_order",
    "value_if_order_low",
    "value_if_order_high",
    "expected_orders",
    "expected_order_value",
    "at_risk_on",
)
PROFILE_FIELDS = (
    "orders",
    "spend",
    "last_order_date",
    "days_since_last_order",
    "usual_gap_days",
)
CONTACT_FIELDS = (
    *("contact_effect", "contact_effect_low", "contact_effect_high"),
    *("expected_profit", "suggested_action", "name", "consent"),
)
"""Runs of earlier releases lack them, and some of `FIELDS`."""

NEXT_ORDER_FIELDS = ("date", "low", "high")
STAND_INS = "stand_ins"
"""The baselines that answer in the place of models, as one text."""

RUN_FIELDS = ("run_id", "as_of", "horizon_days", "currency")


def item(document: bytes) -> dict[str, Any]:
    """The row of a list, from the customer's whole document."""
    return item_of(json.loads(document))


def item_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a document that has been read."""
    return {
        **{name: answer.get(name) for name in FIELDS},
        **{name: answer.get(name) for name in CONTACT_FIELDS},
        **{name: answer["profile"][name] for name in PROFILE_FIELDS},
        **{f"next_order_{name}": answer["next_order"][name] for name in NEXT_ORDER_FIELDS},
        "segments": answer["segments"],
        "indices": answer.get("indices", {}),
        "reasons": answer["reasons"],
    }


def run_fields(run: PublishedRun) -> dict[str, Any]:
    """What every list says about its run."""
    lineage = run.info.lineage()
    return {
        **{name: value for name, value in lineage.items() if name in RUN_FIELDS},
        STAND_INS: run.info.stand_ins_text,
    }


def encode_cursor(after: After, sort: SortKey) -> str:
    """An opaque text that goes on behind the row `after`."""
    value = after.value if math.isfinite(after.value) else None
    position = json.dumps([after.run_id, sort, value, after.customer_id])
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, sort: SortKey) -> After:
    """The row behind which `cursor` goes on.

    Raises
    ------
    ConfigError
        When the cursor is damaged or was made for another order of the list.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        run_id, made_for, value, customer_id = json.loads(base64.b64decode(padded, b"-_", True))
        texts = all(isinstance(text, str) and text.encode() for text in (run_id, customer_id))
        number = -math.inf if value is None else float(value)
    except (ValueError, TypeError, RecursionError, OverflowError):
        texts = False
    if not texts or made_for != sort or math.isnan(number):
        raise ConfigError("cursor: not one that this list has given for this order.")
    return After(run_id, number, customer_id)


def csv_lines(
    store: ScoreReader,
    chosen: ChurnFilter,
    *,
    sort: SortKey,
    first: ChurnPage,
    language: Language | None = None,
) -> Iterator[bytes]:
    """The whole filtered list as CSV for programs, from its first page on.

    Columns and codes are those of the API; `language` is that of the reasons. UTF-8 with a byte
    order mark and CRLF, which is what Excel opens rightly. A text that a spreadsheet would take
    for a formula gets an apostrophe in front; numbers never do.
    """
    yield "\ufeff".encode() + csv_bytes([header(first)])
    wording = ExportWords(language, first.run.info, for_people=False)
    for rows in row_blocks(store, chosen, sort=sort, first=first, wording=wording):
        yield csv_bytes(rows)


def header(first: ChurnPage) -> list[str]:
    """The columns of an export, as the API calls them."""
    next_order = (f"next_order_{name}" for name in NEXT_ORDER_FIELDS)
    systems = first.run.info.segment_columns
    return [
        *FIELDS,
        *CONTACT_FIELDS,
        *PROFILE_FIELDS,
        *next_order,
        *systems,
        *first.run.info.index_columns,
        "reasons",
        *RUN_FIELDS,
        STAND_INS,
    ]


def row_blocks(
    store: ScoreReader,
    chosen: ChurnFilter,
    *,
    sort: SortKey,
    first: ChurnPage,
    wording: ExportWords,
) -> Iterator[list[list[Any]]]:
    """The whole filtered list from its first page on, in blocks of rows under `header`."""
    info = first.run.info
    for pairs in _items(store, chosen, sort=sort, first=first):
        yield [_row(item, run, info, wording) for item, run in pairs]


def rows(
    store: ScoreReader, chosen: ChurnFilter, *, sort: SortKey, first: ChurnPage
) -> Iterator[list[dict[str, Any]]]:
    """The whole filtered list from its first page on, in blocks of rows as a page of JSON has
    them, each with the fields of its run.
    """
    for pairs in _items(store, chosen, sort=sort, first=first):
        yield [{**item, **run} for item, run in pairs]


def ndjson_blocks(blocks: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
    """Rows as lines of JSON."""
    for block in blocks:
        yield "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in block).encode()


def _items(
    store: ScoreReader, chosen: ChurnFilter, *, sort: SortKey, first: ChurnPage
) -> Iterator[list[tuple[dict[str, Any], dict[str, Any]]]]:
    """Rows and the fields of their run, a page at a time."""
    page: ChurnPage | None = first
    while page is not None:
        run = run_fields(page.run)
        answers = map(json.loads, page.documents)
        # the figures of who ordered since the run are of a later day than the run's
        yield [(item_of(answer), {**run, "as_of": answer["as_of"]}) for answer in answers]
        page = (
            store.churn_list(chosen, sort=sort, limit=ROWS_PER_READ, after=page.after)
            if page.after
            else None
        )


def _row(
    row: dict[str, Any], run: dict[str, Any], info: RunInfo, wording: ExportWords
) -> list[Any]:
    row = wording.row(row)
    segments, indices = row.pop("segments"), row.pop("indices")
    reasons = wording.reasons(row.pop("reasons"))
    values = (wording.segment(system, segments[system]) for system in info.segment_columns)
    numbers = (indices.get(name) for name in info.index_columns)
    return [*row.values(), *values, *numbers, reasons, *run.values()]


def csv_bytes(rows: Iterable[list[Any]]) -> bytes:
    """Rows as CSV in which no text is a formula."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows([_harmless(cell) for cell in row] for row in rows)
    return written.getvalue().encode()


def _harmless(cell: Any) -> Any:
    is_formula = (
        isinstance(cell, str)
        and cell.startswith(FORMULA_STARTS)
        and not PHONE_NUMBER.fullmatch(cell)
    )
    return f"'{cell}" if is_formula else cell
