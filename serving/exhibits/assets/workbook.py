"""The ledger of customers as an Excel workbook: the tables of its page, one below the other."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from features.language.languages import Language, translations
from features.language.message import mark
from serving.exhibits.assets.lines import KINDS, LINES
from serving.web.workbook import Row, workbook_bytes

AMOUNTS = {"expected": mark("Expected"), "low": mark("Low end, 80%"), "high": mark("High end, 80%")}
FIGURES = {
    "customers": mark("Customers"),
    "realised": mark("Realised so far"),
    "expected": mark("Still to come"),
    "cost": mark("Cost of winning them"),
    "payback_month": mark("Paid back in month"),
}
PARTS = {
    "today": mark("Today's customers"),
    "new": mark("New customers"),
    "together": mark("Together"),
}


def asset_workbook(
    periods: Sequence[Mapping[str, Any]],
    assets: Mapping[str, Any],
    ahead: Mapping[str, Any] | None,
    language: Language,
) -> Iterator[bytes]:
    """The workbook, piece by piece.

    Parameters
    ----------
    periods : the ledgers, oldest first
    assets, ahead : data of the exhibits `customer_assets` and `revenue_ahead`
    language : of the words
    """
    say = translations(language).gettext
    rows = [
        *_ledger(periods, assets, say),
        [],
        *(_ahead(ahead, say) if ahead else ()),
        [],
        *_cohorts(assets, say),
    ]
    width = max(len(row) for row in rows)
    padded = [[*row, *[None] * (width - len(row))] for row in rows]
    header = ["" if cell is None else str(cell) for cell in padded[0]]
    return workbook_bytes(header, [padded[1:]], has_filters=False)


def _ledger(periods: Sequence[Mapping[str, Any]], assets: Mapping[str, Any], say: Any) -> list[Row]:
    if not periods:
        return [
            [say("Closing value"), say(AMOUNTS["low"]), say(AMOUNTS["high"])],
            [assets["closing"], assets["closing_low"], assets["closing_high"]],
        ]
    rows: list[Row] = [[say("Period"), *(f"{one['from']} – {one['to']}" for one in periods)]]
    rows.append([say("Opening value"), *(period["opening"] for period in periods)])
    for line, title in LINES.items():
        sign = -1 if line == "realised" else 1
        rows.append([say(title), *(sign * period[line] for period in periods)])
    rows.append([say("Closing value"), *(period["closing"] for period in periods)])
    rows.append([say(AMOUNTS["low"]), *(period["closing_low"] for period in periods)])
    rows.append([say(AMOUNTS["high"]), *(period["closing_high"] for period in periods)])
    rows.append([say("New customers"), *(period["customers_acquired"] for period in periods)])
    return rows


def _ahead(ahead: Mapping[str, Any], say: Any) -> list[Row]:
    heads = [f"{say(part)}: {say(name)}" for part in PARTS.values() for name in AMOUNTS.values()]
    rows: list[Row] = [[say("Month"), *heads]]
    rows += [[month["from"], *_amounts(month)] for month in ahead["months"]]
    rows.append([say("Total"), *_amounts(ahead["total"])])
    if ahead["kept"]:
        rows += [[], [say("Month"), *(say(name) for name in AMOUNTS.values()), say("Came")]]
        rows += [
            [month["month"], *(month["today"][name] for name in (*AMOUNTS, "came"))]
            for month in ahead["kept"]
        ]
    return rows


def _amounts(parts: Mapping[str, Any]) -> list[Any]:
    return [
        None if parts[part] is None else parts[part][name] for part in PARTS for name in AMOUNTS
    ]


def _cohorts(assets: Mapping[str, Any], say: Any) -> list[Row]:
    rows: list[Row] = []
    groups = {"month": assets["cohorts"], **assets.get("origins", {})}
    for kind, title in KINDS.items():
        if kind in groups:
            rows.append([say(title), *(say(name) for name in FIGURES.values())])
            rows += [
                [_name(group, say), *(group.get(figure) for figure in FIGURES)]
                for group in groups[kind]
            ]
            rows.append([])
    return rows


def _name(group: Mapping[str, Any], say: Any) -> str:
    if "cohort" in group:
        return str(group["cohort"] or say(mark("earlier")))
    if group["is_others"]:
        return str(say(mark("all others")))
    return str(group["group"] or say(mark("not known")))
