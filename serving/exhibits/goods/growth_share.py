"""The growth–share matrix of the shop's products or categories."""

from typing import Any

from features.language.message import Phrase, message
from features.segments.growth_share import (
    assortment_growth_share,
    describe_assortment,
    matrix_cut_points,
)
from features.sql import row
from serving.exhibits.exhibit import ExhibitMaker, Scene
from training.backtest.evidence import finite

MOST_PER_GROUP = 15


def _make(scene: Scene) -> dict[str, object] | Phrase:
    by = _what(scene)
    days = scene.log.settings.segments.period_days
    if by is None:
        return message("The orders name no products.")
    if (scene.as_of - scene.log.first_day).days < 2 * days:
        return message(
            "Two periods of %(days)s days are compared; the orders do not reach back that far.",
            days=days,
        )
    table = assortment_growth_share(scene.log, scene.as_of, by=by)
    shown = table.groupby("group").head(MOST_PER_GROUP)
    largest = table["sales"].max()
    cuts = matrix_cut_points(
        table["sales"].to_numpy(dtype=float),
        table["sales_before"].to_numpy(dtype=float),
        scene.log.settings.segments.growth_share,
    )
    names = scene.log.products().set_index("product_id")["product_name"]
    return {
        "by": by,
        "period_days": days,
        "rule": describe_assortment(scene.log.settings.segments).rule.in_all_languages(),
        "items": len(table),
        "high_growth_from": finite(cuts["growth"][0]),
        "high_share_from": finite(cuts["sales"][0] / largest) if largest > 0 else None,
        "groups": {
            str(group): {"items": len(part), "sales": scene.money(part["sales"].sum())}
            for group, part in table.groupby("group")
        },
        "shown": [
            {
                "item": str(item),
                "name": _name(names.get(item)) if by == "product" else None,
                "sales": scene.money(record["sales"]),
                "sales_before": scene.money(record["sales_before"]),
                "growth": finite(record["growth"]),
                "share": finite(record["share"]),
                "share_of_largest": finite(record["sales"] / largest) if largest > 0 else None,
                "group": record["group"],
            }
            for item, record in zip(shown.index, shown.to_dict("records"), strict=True)
        ],
    }


def _what(scene: Scene) -> Any:
    """The items that the orders name: categories if there are at least two, else products."""
    counts = "SELECT (SELECT count(*) FROM categories), (SELECT count(*) FROM products)"
    categories, products = row(scene.log.connection, counts)
    return "category" if int(str(categories)) > 1 else "product" if products else None


def _name(text: Any) -> str | None:
    return text if isinstance(text, str) else None


EXHIBIT = ExhibitMaker(
    name="growth_share",
    title=message("Growth and share of what is sold"),
    method=message(
        "Net sales of the last period against the one before, per category, or per product where "
        "there are no categories, anonymous orders included: star, cash cow, question mark or dog. "
        "The %(most)s of each that sell most are listed; all are counted.",
        most=MOST_PER_GROUP,
    ),
    make=_make,
)
