"""What a shop does with whole groups: the terms of their lifetimes, and their profit in four parts."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from features.language.message import Phrase, message
from serving.exhibits.exhibit import ExhibitMaker, Scene
from serving.scoring.answers import PROFIT_COLUMNS
from serving.scoring.lifetime_terms import lifetime_columns, rounded_terms, terms_of
from serving.scoring.profit_parts import YEAR_DAYS


def _terms(scene: Scene) -> dict[str, object] | Phrase:
    if not scene.info.lifetime_years:
        return message("This run tells no lifetime year by year.")
    columns = {
        name: scene.scores[name].to_numpy(dtype="float64", na_value=np.nan)
        for name in lifetime_columns(scene.info)
    }
    table = pd.DataFrame(rounded_terms(scene.info, columns, scene.digits), scene.scores.index)

    def figures(part: pd.DataFrame) -> dict[str, object]:
        sums = part.sum()
        return {"terms": terms_of(scene.info, lambda name: scene.money(sums[str(name)]))}

    return {
        "basis": scene.info.clv_basis,
        "lifetime_years": scene.info.lifetime_years,
        "discount_rate_per_year": scene.info.discount_rate_per_year,
        **_of_groups(scene, table, figures),
    }


def _profit(scene: Scene) -> dict[str, object] | Phrase:
    table = scene.scores[list(PROFIT_COLUMNS)]

    def figures(part: pd.DataFrame) -> dict[str, object]:
        return {
            field: scene.money(part[name].sum()) if part[name].notna().any() else None
            for name, field in PROFIT_COLUMNS.items()
        }

    return {"window_days": YEAR_DAYS, **_of_groups(scene, table, figures)}


def _of_groups(
    scene: Scene, table: pd.DataFrame, figures: Callable[[pd.DataFrame], dict[str, object]]
) -> dict[str, object]:
    """`all` customers, and the groups of `systems`, each with its number of customers."""
    return {
        "all": {"customers": len(table), **figures(table)},
        "systems": {
            name: [
                {"value": str(value), "customers": len(part), **figures(part)}
                for value, part in table.groupby(groups, sort=True)
            ]
            for name, groups in scene.systems.items()
        },
    }


TERMS = ExhibitMaker(
    name="lifetime_terms",
    title=message("Lifetime value year by year, by group"),
    method=message(
        "What the customers of each group are expected to pay (Q) and to cost (C) in the horizon and in "
        "each year after it, and the present value of the difference: sums of the customers' own terms. "
        "Costs are those of goods and orders, and, after the horizon, of contacts, where values are "
        "margins."
    ),
    make=_terms,
)

PROFIT = ExhibitMaker(
    name="profit_parts",
    title=message("Profit in four parts, by group"),
    method=message(
        "Profit of the last %(days)s days. Base: net sales minus known cost of categories (products "
        "where no categories are known) that the customer bought on the first purchase day. "
        "Cross-sell: of those added since. Saved cost: by how much a customer known for more than a "
        "year costs less in contacts than customers in their first year do on average; not known "
        "without a table of contacts. Referrals: the share of referrals of the settings in the base and "
        "cross-sell of those whom the customer was the first to refer; not known without referrals, and "
        "not to be added to theirs. Cost of contacts: as recorded.",
        days=YEAR_DAYS,
    ),
    make=_profit,
)
