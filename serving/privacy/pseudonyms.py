"""What data scientists are given: who somebody is stays behind, what somebody did goes along."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from features.blocks.optional.attributes import block_of
from features.engines.build import build_features
from features.errors import ConfigError
from features.orders.log import OrderLog
from features.sql_text import literal
from serving.privacy.hash_keys import PseudonymKey
from serving.settings import Settings
from serving.store.protocol import ScoreReader

FEWEST = 5
"""A product, category or channel of fewer customers could name one of them: it is left out."""

CONTENTS = "export.json"
TREATMENT: Mapping[str, str] = {
    "customer_id": "a keyed hash (HMAC-SHA-256): the same in every export made with the same key",
    "order_id": "replaced by order_number, which counts a customer's orders from 1",
    "product_id, category, channel": f"left out where fewer than {FEWEST} customers have them",
    "time of day": "left out; days stay",
    "lines of nobody known": "left out",
    "erased customers": "left out",
    "name, contact, consent, attributes of customers": "left out",
    "recommendations and reasons": "left out: they hold names of products in words",
}
"""What happens to what could name somebody; it stands in every export."""


@dataclass(frozen=True)
class PseudonymousExport:
    """What an export holds: rows by file, what it was made from, and what was done to it."""

    made_at: str
    as_of: str
    run_id: str | None
    rows: dict[str, int]
    treatment: dict[str, str]


def write_pseudonymous(
    log: OrderLog[Settings],
    folder: Path,
    *,
    as_of: date,
    made_at: datetime,
    key: PseudonymKey,
    erased: set[str],
    scores: ScoreReader | None,
) -> PseudonymousExport:
    """Write `customers.parquet`, `lines.parquet` and `export.json`, which says what was done.

    Parameters
    ----------
    folder : a new folder
    as_of : nothing on or after this day is in it
    erased : customers who are left out
    scores : where the latest run's figures stand; None: without them

    Raises
    ------
    ConfigError
        When the folder holds something, or cannot be written to.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder}: holds something already. Name a new folder.")
    names = log.frame("SELECT customer, customer_id FROM customers ORDER BY customer")
    names = names[~names["customer_id"].isin(erased)]
    names["pseudonym"] = [key.pseudonym(customer_id) for customer_id in names["customer_id"]]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        customers, run_id = _customers(log, as_of, names, scores)
        customers.to_parquet(folder / "customers.parquet", index=False)
        lines = _write_lines(log, as_of, names, folder / "lines.parquet")
        export = PseudonymousExport(
            made_at.isoformat(),
            as_of.isoformat(),
            run_id,
            {"customers.parquet": len(customers), "lines.parquet": lines},
            dict(TREATMENT),
        )
        text = json.dumps(asdict(export), indent=1)
        (folder / CONTENTS).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error}).") from None
    return export


def _customers(
    log: OrderLog[Settings], as_of: date, names: pd.DataFrame, scores: ScoreReader | None
) -> tuple[pd.DataFrame, str | None]:
    """A row per customer in no order that tells anything: features, and the figures of a run."""
    features = build_features(log, as_of)
    noted = log.settings.data.customers
    attributes = [feature.name for feature in block_of(noted).features] if noted else []
    table = features.drop(columns=attributes, errors="ignore")
    run_id = None
    if scores is not None and (runs := scores.runs()):
        info = runs[-1].info
        run_id = info.run_id
        columns = ["customer_id", "churn_probability", "clv", "retention_risk"]
        figures = pd.DataFrame(scores.figures(run_id), columns=columns).set_index("customer_id")
        lifetimes = dict(scores.lifetimes(run_id))
        figures["clv_lifetime"] = pd.Series(lifetimes, dtype="float64")
        table = table.join(figures)
    pseudonyms = names.set_index("customer_id")["pseudonym"]
    table = table[table.index.isin(pseudonyms.index)]
    ids = pseudonyms.reindex(table.index).to_numpy()
    table = table.reset_index(drop=True)
    table.insert(0, "customer_id", ids)
    # by pseudonym: an order by id would tell neighbours
    return table.sort_values("customer_id", ignore_index=True), run_id


def _write_lines(log: OrderLog[Settings], as_of: date, names: pd.DataFrame, path: Path) -> int:
    visible = log.visible(as_of)["lines"]
    pseudonyms = names[["customer", "pseudonym"]].astype({"customer": np.int32})
    with log.connection.cursor() as cursor:
        cursor.register("pseudonyms", pseudonyms)
        copied = cursor.execute(f"""
            COPY (
                WITH exported AS (
                    SELECT pseudonym AS customer_id,
                           dense_rank() OVER (PARTITION BY customer ORDER BY order_day, order_key)
                               AS order_number,
                           DATE '1970-01-01' + day AS ordered_on,
                           product_id, categories.name AS category, channel, quantity,
                           amount / {log.settings.data.minor_units} AS amount,
                           discount / {log.settings.data.minor_units} AS discount,
                           cost / {log.settings.data.minor_units} AS cost, is_return, customer
                    FROM (SELECT *, min(day) OVER (PARTITION BY order_key) AS order_day
                          FROM {visible} AS visible_lines) AS known_lines
                    JOIN pseudonyms USING (customer)
                    LEFT JOIN products USING (product)
                    LEFT JOIN categories ON categories.category = known_lines.category
                )
                SELECT * EXCLUDE (customer) REPLACE ({_without_rare()})
                FROM exported ORDER BY customer_id, order_number, product_id
            ) TO {literal(str(path))} (FORMAT parquet)""").fetchall()
    return int(copied[0][0])


def _without_rare() -> str:
    """SQL for columns whose values are left out where few customers have them."""
    return ", ".join(
        f"""CASE WHEN {column} IN (
                SELECT {column} FROM exported GROUP BY {column}
                HAVING count(DISTINCT customer) >= {FEWEST}) THEN {column} END AS {column}"""
        for column in ("product_id", "category", "channel")
    )
